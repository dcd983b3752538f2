//! Every behaviour, through the real server on a real database. CONTRIBUTING.md says how the tests are laid out.

mod harness;
mod house;
mod nouns;
mod promises;
