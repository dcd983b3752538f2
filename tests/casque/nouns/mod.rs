//! One file a noun: the API's contract, tried.

mod assistance;
mod audit;
mod case;
mod disclosure;
mod export;
mod import;
mod incident;
mod measure;
mod proceeding;
mod reference;
mod session;
mod statistics;
