//! Bringing a database back: the one path of restore, move and verification, which applies the ledger.

use std::fs;
use std::path::PathBuf;

use super::files::Archive;
use super::{Failed, LedgerFrom};
use crate::exchange::ledger::{self, Chain};
use crate::node::key_files::{KeyFiles, LedgerKnown, NewOrigin, Switched};
use crate::node::{InstanceArgs, OpenOptions};
use crate::store::{Checkpoint, Manifest, SetBack, SetBackKind, Undone};

/// The ledger that is to be applied: the longest of those that are found, and none that is shorter than what is known of.
pub(super) fn ledger_for(
    archive: &Archive<'_>,
    places: &[PathBuf],
    keys: &KeyFiles,
    from: &LedgerFrom,
    always: bool,
) -> Result<Chain, Failed> {
    let verifiers = keys.audit_public()?;
    let beside = [Some(archive.folder), archive.folder.parent()].map(|folder| folder.map(|at| at.join(ledger::FILE)));
    let candidates: Vec<PathBuf> = match &from.ledger_file {
        Some(file) => vec![file.clone()],
        None => beside.into_iter().flatten().chain(places.iter().map(|place| place.join(ledger::FILE))).collect(),
    };
    let (mut best, mut found) = (Chain::default(), false);
    for path in &candidates {
        if from.ledger_file.is_none() && !path.exists() {
            continue;
        }
        let chain = ledger::read(path, &verifiers)?;
        found = true;
        best = best
            .longer(chain)
            .ok_or_else(|| Failed::from(format!("the ledger {} disagrees with another one", path.display())))?;
    }
    if let Some(hash) = &from.ledger_head {
        let numbered = (1..=best.lines.len() as u64).rev().find(|number| best.extends(&(*number, hash.clone())));
        let number = numbered.ok_or("no line of the ledger has that hash")?;
        return Ok(best.cut(number));
    }
    if !found && always {
        return Err("no ledger was found: without it, data that was erased or taken away after the backup would come back. Give --ledger-file FILE, or \
                    put ledger.log beside the backup"
            .into());
    }
    // Whatever says how long the ledger was: the archive, the folder of keys, and the checkpoints that are kept there.
    let mut heads: Vec<(u64, String)> = archive.manifest.ledger.iter().cloned().collect();
    heads.extend(keys.ledger_known()?.head);
    for note in keys.kept_checkpoints()? {
        heads.extend(Checkpoint::verified(&note, &verifiers).and_then(|checkpoint| checkpoint.ledger));
    }
    match heads.into_iter().filter(|head| !best.extends(head)).max() {
        None => Ok(best),
        Some((number, hash)) => Err(format!(
            "the ledger ends at line {}, but line {number} ({hash}) is known too: without it, rights or data that were taken away after that would \
             come back. Give --ledger-file FILE; or, if it is lost, --ledger-head HASH of the last line that you have, with --reason",
            best.lines.len()
        )
        .into()),
    }
}

/// What a restore made and must take away if it fails.
struct Cleaning {
    made: Vec<PathBuf>,
    switched: Option<Switched>,
    done: bool,
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Some(switched) = &self.switched {
            switched.undo();
        }
        for path in self.made.iter().rev() {
            // Files, and folders that nothing else was put into.
            let _ = fs::remove_file(path);
            let _ = fs::remove_dir(path);
        }
    }
}

/// What a restore or move did.
pub(super) struct Back {
    pub(super) manifest: Manifest,
    pub(super) undone: Vec<Undone>,
    pub(super) lines: usize,
    pub(super) rotate: bool,
}

/// Reads an archive back into a place: the one path of restore and move. A failure leaves nothing behind.
pub(super) fn bring_back(
    instance: &InstanceArgs,
    archive: Archive<'_>,
    kind: SetBackKind,
    from: &LedgerFrom,
) -> Result<Back, Failed> {
    let mut cleaning = Cleaning { made: Vec::new(), switched: None, done: false };
    let (target, keys) = instance.target(&mut cleaning.made)?;
    let places = instance.ledger_places(&keys)?;
    let chain = ledger_for(&archive, &places, &keys, from, kind == SetBackKind::Restore)?;
    let opened = target.open()?;
    if !opened.is_empty()? {
        return Err("the database is not empty: an archive can only go into an empty database".into());
    }
    let next = NewOrigin::random();
    let previous = match (keys.read("audit.pub")?, keys.read("audit.checkpoint")?) {
        (Some(public), note) => {
            let name = public.split('+').next().unwrap_or_default().to_owned();
            Some((name, note.map(|note| note.to_string()).unwrap_or_default()))
        }
        _ => None,
    };
    let back = SetBack {
        kind,
        acts: chain.acts(),
        reason: from.reason.clone(),
        as_of: archive.manifest.made_at,
        log: archive.manifest.log.clone(),
        origin: next.name.clone(),
        previous,
    };
    let switched = &mut cleaning.switched;
    let undone = archive.read(&opened, &back, &mut || {
        // With the commit, or not at all: another key signs what goes on from here.
        *switched = Some(keys.origin_switch(&next).map_err(|error| error.to_string())?);
        Ok(())
    })?;
    drop(opened);
    target.put_in_place()?;
    // Its own copy goes on; the one beside the backups is written to once somebody says that it is this node's (--ledger): a restore for
    // practice leaves it alone.
    keys.ledger_keep(&chain)?;
    cleaning.done = true;
    let lines = chain.lines.len();
    let rotate = settle(instance, &archive.manifest, &chain)?;
    Ok(Back { manifest: archive.manifest, undone, lines, rotate })
}

/// Signs what was brought back, tells the ledger that another origin goes on, and, where the class keys are older than those that were seen
/// here, makes newer ones. Gives whether those are still to be made.
fn settle(instance: &InstanceArgs, manifest: &Manifest, chain: &Chain) -> Result<bool, Failed> {
    let node = instance.open(OpenOptions { without_private_keys: true, ..OpenOptions::default() })?;
    if let Some(head) = chain.head() {
        // What was taken as the ledger is the ledger from now on.
        let known = node.keys.ledger_known()?;
        node.keys.ledger_remember(&LedgerKnown { head: Some(head), ..known })?;
    }
    node.origin_begun(manifest.log.size)?;
    let old = node.store.sealing_keys().and_then(|keys| node.store.judge_sealing_keys(&keys)).is_err();
    let made = old && node.keys.read("operator.key")?.is_some() && node.keys.read("master.key")?.is_some();
    node.settle_audit()?;
    if made {
        crate::cli::keys::make_class_keys(instance, 0)?;
    }
    Ok(old && !made)
}
