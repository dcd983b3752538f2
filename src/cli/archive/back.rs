//! Bringing a database back: the one path of restore, move and verification, which applies the ledger.

use std::fs;
use std::path::PathBuf;

use super::files::Archive;
use super::{Failed, LedgerFrom};
use crate::cli::house::{House, Place, Start, locked};
use crate::cli::key_files::{Keys, LedgerKnown, NewOrigin, Switched};
use crate::domain::NarrowingAct;
use crate::exchange::ledger::{self, Chain, Head, NewLine};
use crate::store::{Checkpoint, Manifest, SetBack, SetBackKind, Undone};

/// The ledger that is to be applied: the longest of those that are found, and none that is shorter than what is known of.
pub(super) fn ledger_for(
    archive: &Archive<'_>,
    places: &[PathBuf],
    keys: &Keys,
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
        return Err("no ledger is found: without it what was erased or taken away since would come back. Give --ledger-file FILE, or \
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
            "the ledger that is found ends at line {}, and line {number} ({hash}) is known of: without it what was taken away since would \
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
    place: &Place,
    archive: Archive<'_>,
    kind: SetBackKind,
    from: &LedgerFrom,
) -> Result<Back, Failed> {
    let mut cleaning = Cleaning { made: Vec::new(), switched: None, done: false };
    let (target, keys) = place.target(&mut cleaning.made)?;
    let places = place.ledger_places(&keys)?;
    let chain = ledger_for(&archive, &places, &keys, from, kind == SetBackKind::Restore)?;
    let opened = target.open()?;
    if !opened.is_empty()? {
        return Err("the database is not empty: an archive goes into one that was only migrated".into());
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
    // Its own copy goes on; the one beside the backups is written to once somebody says that it is this house's (--ledger): a restore for
    // practice leaves it alone.
    keys.ledger_keep(&chain)?;
    cleaning.done = true;
    let lines = chain.lines.len();
    let rotate = settle(place, &archive.manifest, &chain)?;
    Ok(Back { manifest: archive.manifest, undone, lines, rotate })
}

/// Signs what was brought back, tells the ledger that another origin goes on, and, where the class keys are older than those that were seen
/// here, makes newer ones. Gives whether those are still to be made.
fn settle(place: &Place, manifest: &Manifest, chain: &Chain) -> Result<bool, Failed> {
    let house = place.open(Start { deskless: true, ..Start::default() })?;
    if let Some(head) = chain.head() {
        // What was taken as the ledger is the ledger from now on.
        let known = house.keys.ledger_known()?;
        house.keys.ledger_remember(&LedgerKnown { head: Some(head), ..known })?;
    }
    house.origin_begun(manifest.log.size)?;
    let old = house.store.sealing_keys().and_then(|keys| house.store.judge_sealing_keys(&keys)).is_err();
    let made = old && house.keys.read("operator.key")?.is_some() && house.keys.read("master.key")?.is_some();
    house.settle_audit()?;
    if made {
        crate::cli::keys::make_class_keys(place, 0)?;
    }
    Ok(old && !made)
}

impl House {
    /// Number and hash of the ledger's last line.
    pub(in crate::cli) fn ledger_head(&self) -> Result<Head, Failed> {
        match &self.ledger {
            Some(Ok(ledger)) => Ok(locked(ledger).chain().head()),
            Some(Err(fault)) => Err(fault.clone().into()),
            None => Ok(None),
        }
    }

    /// Writes acts to the ledger at once, in every place of it.
    pub(in crate::cli) fn ledger_write(&self, lines: Vec<NewLine>) -> Result<(), Failed> {
        let (Some(key), Some(ledger)) = (&self.log_key, &self.ledger) else {
            return Err("this node keeps no ledger".into());
        };
        let added = locked(ledger.as_ref().map_err(Clone::clone)?).add(lines, key)?;
        if let Some(behind) = added.behind.first() {
            return Err(format!("the ledger: {behind} (nothing was changed)").into());
        }
        let known = self.keys.ledger_known()?;
        self.keys.ledger_remember(&LedgerKnown { head: added.head, ..known })
    }

    /// Tells the ledger that another origin of the log goes on from this size.
    pub(in crate::cli) fn origin_begun(&self, size: u64) -> Result<(), Failed> {
        let origin = self.log_key.as_ref().map(|key| key.origin().to_owned()).unwrap_or_default();
        let act = NarrowingAct::OriginBegun { origin, size };
        let at = self.store.now().and_utc();
        // Its place in the log is before the first entry of the new origin.
        let logged = size.checked_sub(1).map(|leaf| (leaf, format!("origin-{size}")));
        self.ledger_write(vec![NewLine { at, logged, act }])
    }
}
