//! Access tokens.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| casque::identity::fuzzing::token(text));
