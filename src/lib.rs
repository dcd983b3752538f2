//! Casque: the online database that Security Council resolution 2589 (2021) asks for. This page is the map; read it first.
//!
//! What is sensitive is sealed from disk to response; reading never opens a seal; opening one is an act of its own, by
//! someone entitled, for a stated purpose, on the record. The rooms, from the ground up (imports go down only):
//!
//! - `seal`, a crate of its own: sealed values, keys, permits. Knows no noun.
//! - [`domain`]: what the resolution speaks of: code lists, transitions, a case's progress, which fields are sealed. Pure.
//! - [`policy`]: who may see and do what: viewer, scope, the disclosure table, visibility of columns. Pure.
//! - [`store`]: the database, and the only SQL. One file a noun; `store/db` is the one room that knows of two databases.
//! - [`disclosure`]: the act of opening. [`identity`]: accounts, passwords, sessions, tokens. [`exchange`]: files in and
//!   out. [`briefing`]: the year's figures.
//! - [`api`]: REST, one file a noun.
//! - [`node`]: one running instance: its configuration, key files and background tasks; it serves the API.
//! - [`cli`]: one file a command.

pub mod api;
pub mod briefing;
pub mod cli;
pub mod disclosure;
pub mod domain;
pub mod exchange;
pub mod identity;
pub mod node;
pub mod policy;
pub mod store;
