//! What an operator relies on: backups and moves, several nodes, and what happens when something fails.

mod archive;
mod faults;
mod keys;
mod node;
mod observe;
mod single_sign_on;
mod tls;
mod topology;
