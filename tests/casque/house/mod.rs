//! The house itself: that its promises about its own shape hold.

mod ci;
mod columns;
mod commands;
mod docs;
mod layers;
mod openapi;
mod tour;
