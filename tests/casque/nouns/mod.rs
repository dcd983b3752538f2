mod audit;
mod disclosure;
mod import;
mod incident;
mod session;
