//! `casque import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::house::{Place, Start};
use crate::exchange::import_fatalities;
use crate::policy::{Deed, Scope, may};

#[derive(Debug, Subcommand)]
pub(super) enum Import {
    /// The UN fatalities file (dataset DPPADPOSS-FATALITIES, CSV).
    Fatalities(Fatalities),
}

/// Import the UN fatalities file. Malicious acts of one mission and one date become one incident, with a victim each, in
/// the state `verified`; split or merge where that is wrong. Rows that are known are compared, and differences listed. All
/// or nothing.
#[derive(Debug, Args)]
pub(super) struct Fatalities {
    #[command(flatten)]
    place: Place,
    /// The file.
    file: PathBuf,
    /// Address of the account that imports (Secretariat).
    #[arg(long, value_name = "EMAIL")]
    account: String,
    /// Report what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// A progress bar on standard error.
pub(super) fn bar(what: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg:28} {bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(what)
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let Import::Fatalities(command) = self;
        let file =
            std::fs::read(&command.file).map_err(|e| format!("{} cannot be read: {e}", command.file.display()))?;
        let house = command.place.open(Start { deskless: true, existing: true, ..Start::default() })?;
        let account = house
            .store
            .read(&Scope::Nothing, |r| r.account_by_email(&command.account))?
            .ok_or("there is no account of this address")?;
        may(&account.account.viewer, Deed::Import)?;
        let bar = bar("importing");
        let report =
            import_fatalities(&house.store, &account.account.viewer, &file, command.dry_run, &mut |done, all| {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
            })?;
        bar.finish_and_clear();
        house.settle_audit()?;
        if command.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{report}");
        }
        Ok(ExitCode::SUCCESS)
    }
}
