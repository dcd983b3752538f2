//! Names that are compared: a comparison is the same either way, and of a name with itself is whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|names: (&str, &str)| casque::disclosure::fuzzing::likeness(names.0, names.1));
