//! `casque audit verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::house::{Place, Start};
use crate::store::audit_verify;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recompute the tree, and compare it with what is stored, signed, and held elsewhere.
    Verify(Verify),
}

/// Recompute every leaf and the tree above; compare with the stored hashes, the signed checkpoints, and one kept elsewhere.
/// Exits 1 when something does not hold.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    place: Place,
    /// A checkpoint that was kept elsewhere: without one the log is self-consistent only.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The log's verifier key (C2SP), in place of keys/audit.pub.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Compare every revision with its entry too.
    #[arg(long)]
    deep: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Outcome {
        let Audit::Verify(command) = self;
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
        };
        let outside = command.checkpoint.map(read).transpose()?;
        let house = command.place.open(Start { deskless: true, existing: true, ..Start::default() })?;
        let key = match command.key {
            Some(key) => key,
            None => house.keys.audit_public()?,
        };
        let report = audit_verify(&house.store, &key, outside.as_deref(), command.deep)?;
        let holds = report.findings.is_empty();
        if command.json {
            let findings: Vec<_> =
                report.findings.iter().map(|finding| json!({ "at": finding.at, "what": finding.what })).collect();
            let text = json!({
                "holds": holds, "entries": report.entries, "unplaced": report.unplaced, "root": report.root,
                "checkpoints": report.checkpoints, "against_outside": report.against_outside,
                "revisions": report.revisions, "findings": findings,
            });
            println!("{text}");
        } else {
            println!("{} entries, {} not placed yet; root {}", report.entries, report.unplaced, report.root);
            println!("{} signed checkpoints agree", report.checkpoints);
            if let Some(revisions) = report.revisions {
                println!("{revisions} revisions compared with their entries");
            }
            for finding in &report.findings {
                println!("DOES NOT HOLD: {}: {}", finding.at, finding.what);
            }
            match (holds, report.against_outside) {
                (true, true) => println!("The log holds, against a checkpoint from outside."),
                (true, false) => println!(
                    "The log is self-consistent only: give --checkpoint FILE to compare it with one kept elsewhere."
                ),
                (false, _) => println!("The log does not hold."),
            }
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
