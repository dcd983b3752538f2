//! Every behaviour, through the real server on a real database. CONTRIBUTING.md says how the tests are laid out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod attacks;
mod conformance;
mod harness;
mod nouns;
mod operations;
mod promises;
