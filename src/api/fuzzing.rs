//! Doors for the fuzzer alone to parsers of what comes from outside (`tests/fuzz`).

use super::incident;
use super::input::{Context, InputReader};
use super::statistics;

fn context() -> Context {
    Context { reference: std::sync::Arc::default(), now: chrono::DateTime::UNIX_EPOCH.naive_utc() }
}

/// A report's body.
pub fn body(bytes: &[u8]) {
    let _ = InputReader::read(&context(), bytes, incident::new_incident);
}

/// Queries of the list of incidents and of figures.
pub fn query(text: &str) {
    let _ = InputReader::query(&context(), text, incident::filter);
    let _ = InputReader::query(&context(), text, statistics::ask);
}
