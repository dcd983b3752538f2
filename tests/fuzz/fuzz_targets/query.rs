//! The query of lists and figures: filters, cursors, dimensions.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| casque::api::fuzzing::query(text));
