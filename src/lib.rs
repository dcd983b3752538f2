//! Casque: the online database that Security Council resolution 2589 (2021) asks for.

pub mod domain;
pub mod policy;
pub mod store;
