//! The public file of fatalities.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| casque::exchange::fuzzing::fatalities(bytes));
