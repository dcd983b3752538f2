//! `casque openapi`.

use std::process::ExitCode;

use super::Outcome;

pub(super) fn run() -> Outcome {
    println!("{}", crate::api::openapi().to_pretty_json()?);
    Ok(ExitCode::SUCCESS)
}
