//! What an operator relies on: backups and moves, several nodes, and what happens when something fails.

mod archive;
mod everything;
mod faults;
mod guide;
mod keys;
mod node;
mod observe;
mod operator;
mod plans;
mod single_sign_on;
mod tls;
mod topology;
mod worst_day;
