//! How such systems leaked, tried here. Each test is named after the attack's row in docs/security.md.

mod answers;
mod asking;
mod hostile;
mod residue;
mod signing_in;
mod spreadsheets;
mod statistics;
mod strangers;
mod writing;
