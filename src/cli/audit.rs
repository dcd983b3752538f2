//! `casque audit verify` and `check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;

use super::Outcome;
use super::output::say;
use crate::node::key_files::NewOrigin;
use crate::node::{InstanceArgs, OpenOptions, locked};
use crate::store::{
    InclusionProof, LogAsk, LogStanding, SetBack, SetBackKind, audit_verify, entry_is_proved, tree_is_extended,
};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Compute the audit log's hash tree again, and compare it with the stored hashes and the signed checkpoints.
    ///
    /// Example: casque audit verify --data casque-data --checkpoint checkpoint-kept-elsewhere
    Verify(Verify),
    /// Check a proof against signed checkpoints, without a database.
    ///
    /// Example: casque audit check proof.json --checkpoint checkpoint --key audit.pub
    Check(Check),
    /// Accept a database whose audit log does not extend its last checkpoint. The database then counts as a restored backup.
    ///
    /// Stop the nodes with keys first. All sessions, one-time links, machine keys, recovery codes and approvals end. The service answers nobody else until an
    /// officer and an administrator confirm what was undone.
    ///
    /// Example: casque audit accept --data casque-data --reason "failover of 28 November: the standby lacked two seconds"
    Accept(Accept),
}

/// Go on with a database whose audit log does not extend the last checkpoint that was signed here: after a failover to a standby that had
/// not everything, or when an older copy was put in place. It is the operator's one way on, and it is on the record. The database is taken as
/// a restored backup: the ledger is applied, all sessions, links, machine keys, codes and approvals end, the log begins a new origin, and
/// until an officer and an administrator have confirmed what that undid, nobody else is served. Stop the nodes with keys before, and start
/// them again afterwards.
///
/// Example: casque audit accept --data casque-data --reason "failover of 28 November, the standby lacked two seconds"
#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Why you accept it. The audit log records this text.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Check a proof against signed checkpoints, anywhere, with no database: that an entry is in the log (what
/// GET /v1/audit/entries/ID/proof answers), or with --since that the log of a newer checkpoint extends that of an older one (what
/// GET /v1/audit/consistency answers). Exits 1 when it does not hold.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// File with the proof, as the service gave it.
    proof: PathBuf,
    /// File with the checkpoint to check against.
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// File with an older checkpoint. The other checkpoint must extend it.
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
    instance: InstanceArgs,
    /// File with a checkpoint that was kept elsewhere. Without it, the command only shows that the log agrees with itself.
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
            Audit::Accept(command) => command.run(),
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
                    return Err(
                        "this is not a proof of an entry; for a proof between two checkpoints, give --since".into()
                    );
                };
                let salt = hex::decode(salt).map_err(|_| "that is no proof: its salt is not hexadecimal")?;
                let proof = InclusionProof { leaf, size, body, salt, hashes };
                (entry_is_proved(&checkpoint, &key, &proof), "The entry is in the log.")
            }
        };
        if holds {
            say!("{what}")?;
            Ok(ExitCode::SUCCESS)
        } else {
            say!("The proof does not hold.")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

impl Accept {
    fn run(self) -> Outcome {
        let command = self;
        if command.reason.trim().is_empty() {
            return Err("--reason must not be empty".into());
        }
        let start =
            OpenOptions { without_private_keys: true, existing: true, doubtful: true, ..OpenOptions::default() };
        let node = command.instance.open(start)?;
        let key = node.log_key.as_ref().ok_or("run this on a node that has audit.key")?;
        if node.store.log_standing() == LogStanding::Holds {
            return Err(
                "the audit log extends its last checkpoint: there is nothing to accept (nothing was changed)".into()
            );
        }
        let acts = match &node.ledger {
            Some(Ok(ledger)) => locked(ledger).chain().acts(),
            Some(Err(fault)) => return Err(fault.clone().into()),
            None => Vec::new(),
        };
        let log = node.store.audit_recomputed()?;
        let next = NewOrigin::random();
        let last = node.keys.read("audit.checkpoint")?.map(|note| note.to_string()).unwrap_or_default();
        let back = SetBack {
            kind: SetBackKind::Accept,
            acts,
            reason: Some(command.reason.trim().to_owned()),
            as_of: node.store.now(),
            log: log.clone(),
            origin: next.name.clone(),
            previous: Some((key.origin().to_owned(), last)),
        };
        let mut switched = None;
        let done = node.store.set_back(&back, &mut || {
            switched = Some(node.keys.origin_switch(&next).map_err(|error| error.to_string())?);
            Ok(())
        });
        let undone = match done {
            Ok(undone) => undone,
            Err(error) => {
                if let Some(switched) = &switched {
                    switched.undo();
                }
                return Err(error.into());
            }
        };
        drop(node);
        let node = command.instance.open(OpenOptions {
            without_private_keys: true,
            existing: true,
            ..OpenOptions::default()
        })?;
        node.origin_begun(log.size)?;
        node.settle_audit()?;
        if command.json {
            say!("{}", json!({ "size": log.size, "root": log.root, "origin": next.name, "undone": undone }))?;
            return Ok(ExitCode::SUCCESS);
        }
        say!(
            "Accepted: the audit log goes on from {} entries, root {}, with the new origin {}.",
            log.size,
            log.root,
            next.name
        )?;
        for one in &undone {
            say!("{}", one.said())?;
        }
        say!(
            "Until an officer and an administrator have confirmed this list (GET /v1/restorations, POST \
             /v1/restorations/ID/confirmation), nobody else is served. Give nodes without keys the new audit.pub."
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    fn run(self) -> Outcome {
        let command = self;
        let outside = command.checkpoint.map(read).transpose()?;
        let start =
            OpenOptions { without_private_keys: true, existing: true, doubtful: true, ..OpenOptions::default() };
        let node = command.instance.open(start)?;
        let (key, kept) = match command.key {
            Some(key) => (key, Vec::new()),
            None => (node.keys.audit_public()?, node.keys.kept_checkpoints()?),
        };
        let ask = LogAsk { verifier_keys: &key, outside: outside.as_deref(), kept: &kept, deep: command.deep };
        let report = audit_verify(&node.store, &ask)?;
        let holds = report.findings.is_empty();
        if command.json {
            let findings: Vec<_> =
                report.findings.iter().map(|finding| json!({ "at": finding.at, "what": finding.what })).collect();
            let text = json!({
                "holds": holds, "entries": report.entries, "unplaced": report.unplaced, "root": report.root,
                "checkpoints": report.checkpoints, "against_outside": report.against_outside,
                "revisions": report.revisions, "set_back": report.lost, "findings": findings,
            });
            say!("{text}")?;
        } else {
            say!("{} entries, {} not placed yet; root {}", report.entries, report.unplaced, report.root)?;
            say!("{} signed checkpoints agree", report.checkpoints)?;
            if let Some(revisions) = report.revisions {
                say!("{revisions} revisions compared with their entries")?;
            }
            for (from, to) in &report.lost {
                say!(
                    "A checkpoint of {to} entries was signed before the log was set back to {from}, by a restore or what the operator accepted; \
                     the log says why. The old entries {from} to {to} are lost, and nothing can be compared with them."
                )?;
            }
            for finding in &report.findings {
                say!("DOES NOT HOLD: {}: {}", finding.at, finding.what)?;
            }
            match (holds, report.against_outside) {
                (true, true) => say!("The log holds, against a checkpoint from outside.")?,
                (true, false) => say!(
                    "The log is self-consistent only: give --checkpoint FILE to compare it with one kept elsewhere."
                )?,
                (false, _) => say!("The log does not hold.")?,
            }
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
