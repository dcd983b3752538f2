//! The shape of the program itself: layers, columns, the description, the commands, the documents.

mod ci;
mod columns;
mod commands;
mod docs;
mod layers;
mod openapi;
mod tour;
mod views;
