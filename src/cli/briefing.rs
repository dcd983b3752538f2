//! `casque briefing`.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use super::Outcome;
use super::output::{print, say};
use crate::briefing::{figures, markdown};
use crate::node::{InstanceArgs, OpenOptions};
use crate::policy::Scope;

/// Print the figures and lists of a year's annual briefing (resolutions 2378 (2017) and 2589 (2021)), each with its unit,
/// scope, cut-off and source.
#[derive(Debug, Args)]
pub(super) struct Briefing {
    #[command(flatten)]
    instance: InstanceArgs,
    /// The year.
    #[arg(value_parser = clap::value_parser!(i32).range(1948..=9998))]
    year: i32,
    /// Count only what was recorded up to this time (RFC 3339, such as 2026-02-01T00:00:00Z); now if absent.
    #[arg(long, value_name = "TIME")]
    cut_off: Option<DateTime<Utc>>,
    /// Print JSON instead of Markdown.
    #[arg(long)]
    json: bool,
}

impl Briefing {
    pub(super) fn run(self) -> Outcome {
        let node =
            self.instance.open(OpenOptions { without_private_keys: true, existing: true, ..OpenOptions::default() })?;
        let figures = node.store.read(&Scope::Everything, |r| {
            let cut_off = self.cut_off.map_or(r.now(), |at| at.naive_utc());
            figures(r, self.year, cut_off)
        })?;
        if self.json {
            say!("{}", serde_json::to_string_pretty(&figures)?)?;
        } else {
            print(format_args!("{}", markdown(&figures)))?;
        }
        Ok(if figures.cases.reconciles { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
