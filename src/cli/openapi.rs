//! `casque openapi`.

use std::process::ExitCode;

use super::Outcome;
use super::output::say;

pub(super) fn run() -> Outcome {
    say!("{}", crate::api::openapi().to_pretty_json()?)?;
    Ok(ExitCode::SUCCESS)
}
