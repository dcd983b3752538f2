//! x
pub mod db;
