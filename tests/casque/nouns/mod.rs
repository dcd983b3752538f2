//! One file a noun: the API's contract, tried.

mod account;
mod assistance;
mod audit;
mod case;
mod clearing;
mod disclosure;
mod export;
mod import;
mod incident;
mod matching;
mod measure;
mod modes;
mod proceeding;
mod reference;
mod session;
mod statistics;
