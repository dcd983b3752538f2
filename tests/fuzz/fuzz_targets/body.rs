//! The body of a report, as JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| casque::api::fuzzing::body(bytes));
