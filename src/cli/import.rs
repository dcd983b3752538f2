//! `casque import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Outcome;
use super::output::{bar, print, say};
use crate::exchange::import_fatalities;
use crate::node::{InstanceArgs, OpenOptions};
use crate::policy::{Action, Scope, authorize};

/// Bring in a file of the United Nations' public data, or a whole database.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Import {
    #[command(subcommand)]
    what: Option<ImportWhat>,
    #[command(flatten)]
    instance: InstanceArgs,
    /// Folder that `casque export --all` wrote. The database must be empty.
    #[arg(long, value_name = "DIR", required = true)]
    all: Option<PathBuf>,
    #[command(flatten)]
    ledger: super::archive::LedgerFrom,
}

#[derive(Debug, Subcommand)]
enum ImportWhat {
    /// Import the UN fatalities file (dataset DPPADPOSS-FATALITIES, CSV).
    ///
    /// Malicious acts of one mission on one date become one incident, with the status `verified`. Split or merge incidents where that is
    /// wrong. The import changes no known row: it lists the differences. If it fails, nothing is imported.
    ///
    /// Example: casque import fatalities fatalities.csv --data casque-data --account officer@un.example --dry-run
    Fatalities(Fatalities),
}

/// Import the UN fatalities file. Malicious acts of one mission and one date become one incident, with a victim each, in
/// the status `verified`; split or merge where that is wrong. Rows that are known are compared, and differences listed. All
/// or nothing.
#[derive(Debug, Args)]
struct Fatalities {
    #[command(flatten)]
    instance: InstanceArgs,
    /// The file.
    file: PathBuf,
    /// Email address of the account that imports (Secretariat).
    #[arg(long, value_name = "EMAIL")]
    account: String,
    /// Show what the import would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let command = match (self.what, self.all) {
            (Some(ImportWhat::Fatalities(command)), _) => command,
            (None, Some(from)) => return super::archive::import_all(&self.instance, &from, &self.ledger),
            (None, None) => return Err("give --all DIR, or the command fatalities".into()),
        };
        let file =
            std::fs::read(&command.file).map_err(|e| format!("{} cannot be read: {e}", command.file.display()))?;
        let node = command.instance.open(OpenOptions {
            without_private_keys: true,
            existing: true,
            ..OpenOptions::default()
        })?;
        let account = node
            .store
            .read(&Scope::Nothing, |r| r.account_by_email(&command.account))?
            .ok_or("there is no account with this email address")?;
        authorize(&account.viewer, Action::Import)?;
        let bar = bar("importing");
        let report = import_fatalities(&node.store, &account.viewer, &file, command.dry_run, &mut |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        })?;
        bar.finish_and_clear();
        node.settle_audit()?;
        if command.json {
            say!("{}", serde_json::to_string(&report)?)?;
        } else {
            print(format_args!("{report}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
