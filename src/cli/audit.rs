//! `casque audit verify` and `check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use super::Outcome;
use super::house::{Place, Start};
use crate::store::{InclusionProof, audit_verify, entry_is_proved, tree_is_extended};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recompute the tree, and compare it with what is stored, signed, and held elsewhere.
    Verify(Verify),
    /// Check a proof against signed checkpoints, with no database.
    Check(Check),
}

/// Check a proof against signed checkpoints, anywhere, with no database: that an entry is in the log (what
/// GET /v1/audit/entries/ID/proof answers), or with --since that the log of a newer checkpoint extends that of an older one (what
/// GET /v1/audit/consistency answers). Exits 1 when it does not hold.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The proof, as the service answered it.
    proof: PathBuf,
    /// The checkpoint to check against.
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// An older checkpoint, which the other must extend.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// The log's verifier key (C2SP), or a file of them.
    #[arg(long, value_name = "KEY")]
    key: String,
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
        match self {
            Audit::Verify(command) => command.run(),
            Audit::Check(command) => command.run(),
        }
    }
}

fn read(path: PathBuf) -> Result<String, String> {
    std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

/// A proof of either kind, as the service answers it.
#[derive(Deserialize)]
struct Proof {
    leaf: Option<u64>,
    size: Option<u64>,
    entry: Option<String>,
    salt: Option<String>,
    hashes: Vec<String>,
}

impl Check {
    fn run(self) -> Outcome {
        let key = match std::fs::read_to_string(&self.key) {
            Ok(keys) => keys,
            Err(_) => self.key,
        };
        let checkpoint = read(self.checkpoint)?;
        let proof: Proof = serde_json::from_str(&read(self.proof)?).map_err(|e| format!("that is no proof: {e}"))?;
        let hash = |text: &String| hex::decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let hashes: Option<Vec<[u8; 32]>> = proof.hashes.iter().map(hash).collect();
        let hashes = hashes.ok_or("that is no proof: its hashes have 64 hexadecimal digits")?;
        let (holds, what) = match self.since {
            Some(since) => {
                (tree_is_extended(&read(since)?, &checkpoint, &key, &hashes), "The newer log extends the older one.")
            }
            None => {
                let (Some(leaf), Some(size), Some(body), Some(salt)) =
                    (proof.leaf, proof.size, proof.entry, proof.salt)
                else {
                    return Err("that is no proof of an entry; for one of two checkpoints give --since".into());
                };
                let salt = hex::decode(salt).map_err(|_| "that is no proof: its salt is not hexadecimal")?;
                let proof = InclusionProof { leaf, size, body, salt, hashes };
                (entry_is_proved(&checkpoint, &key, &proof), "The entry is in the log.")
            }
        };
        if holds {
            println!("{what}");
            Ok(ExitCode::SUCCESS)
        } else {
            println!("It does not hold.");
            Ok(ExitCode::FAILURE)
        }
    }
}

impl Verify {
    fn run(self) -> Outcome {
        let command = self;
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
