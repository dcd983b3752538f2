mod access;
mod acts;
pub mod canaries;
mod concern;
mod invariance;
mod main_job;
mod who_sees_what;
mod withheld;
