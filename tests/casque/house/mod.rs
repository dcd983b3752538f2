//! The house itself: that its promises about its own shape hold.

mod columns;
mod layers;
mod openapi;
