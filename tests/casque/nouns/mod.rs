mod audit;
mod import;
mod incident;
mod session;
