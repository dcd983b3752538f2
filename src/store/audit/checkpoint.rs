//! Checkpoints: signing what the tree has become, and judging what was signed. A checkpoint counts only if a key of this log signed it and it
//! names that key's origin; in the database it counts only if its root is the recomputed one too.

use chrono::{NaiveDateTime, Timelike};
use diesel::prelude::*;
use signed_note::{Note, Signer as _, StandardSigner, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::{Hash, tree_hash};

use super::sequencer::{Hashes, broken, size};
use crate::store::db::schema::audit_checkpoint;
use crate::store::db::{self, Db, Mode};
use crate::store::{Access, Error, OpenDatabase, Read, Result, Store};

/// A checkpoint (C2SP tlog-checkpoint) that a key of the log signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves that it covers.
    pub size: u64,
    /// Root of the tree over them.
    pub root: [u8; 32],
    /// Name of the log's origin: of the key that signed it.
    pub origin: String,
    /// Where the ledger ended when it was signed: number and hash of its last line.
    pub ledger: Option<(u64, String)>,
    /// The signed note.
    pub note: String,
}

/// Of so many notes the newest that counts is taken.
const LOOKED_AT: i64 = 20;

/// The verifiers of keys, one a line (C2SP signed-note verifier keys).
pub(super) fn verifiers(keys: &str) -> Option<VerifierList> {
    let mut all: Vec<Box<dyn Verifier>> = Vec::new();
    for key in keys.lines().map(str::trim).filter(|key| !key.is_empty()) {
        all.push(Box::new(StandardVerifier::new(key).ok()?));
    }
    Some(VerifierList::new(all))
}

impl Checkpoint {
    /// Reads a signed note, if one of the keys signed it and it names that key's origin.
    pub fn verified(note: &str, verifier_keys: &str) -> Option<Self> {
        let parsed = Note::from_bytes(note.as_bytes()).ok()?;
        let (signed, _) = parsed.verify(&verifiers(verifier_keys)?).ok()?;
        let tree = tlog_tiles::Checkpoint::from_bytes(parsed.text()).ok()?;
        signed.iter().any(|one| one.name() == tree.origin()).then(|| Self {
            size: tree.size(),
            root: tree.hash().0,
            origin: tree.origin().to_owned(),
            ledger: tree.extension().lines().find_map(|line| {
                let (number, hash) = line.strip_prefix("ledger ")?.split_once(' ')?;
                Some((number.parse().ok()?, hash.to_owned()))
            }),
            note: note.to_owned(),
        })
    }
}

/// The key of one origin of the log: signs checkpoints and the ledger's lines.
pub struct LogKey {
    signer: StandardSigner,
    public: String,
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogKey({})", self.signer.name())
    }
}

impl LogKey {
    /// The key of a signed-note signer key, with the verifier key that is its public half.
    ///
    /// # Errors
    /// One sentence, when either is none, or they are not of one key.
    pub fn new(private: &str, public: &str) -> std::result::Result<Self, String> {
        let signer = StandardSigner::new(private).map_err(|e| format!("audit.key cannot be read: {e}"))?;
        let verifier = StandardVerifier::new(public).map_err(|e| format!("audit.pub cannot be read: {e}"))?;
        if (verifier.name(), verifier.key_id()) != (signer.name(), signer.key_id()) {
            return Err("audit.pub is not the public half of audit.key".into());
        }
        Ok(Self { signer, public: public.to_owned() })
    }

    /// The origin that it signs for.
    pub fn origin(&self) -> &str {
        self.signer.name()
    }

    /// Its verifier key.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Signs bytes.
    pub fn sign(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        signed_note::Signer::sign(&self.signer, bytes).ok()
    }

    fn checkpoint(&self, size: u64, root: Hash, ledger: Option<&(u64, String)>) -> Option<Checkpoint> {
        let extension = ledger.map_or(String::new(), |(number, hash)| format!("ledger {number} {hash}\n"));
        let checkpoint = tlog_tiles::Checkpoint::new(self.origin(), size, root, &extension).ok()?;
        let mut note = Note::new(&checkpoint.to_bytes(), &[]).ok()?;
        note.add_sigs(&[&self.signer]).ok()?;
        Checkpoint::verified(&String::from_utf8(note.to_bytes()).ok()?, &self.public)
    }
}

/// Whether the tree has, at the size of a checkpoint, its root.
fn extends(hashes: &Hashes<'_>, size: u64, last: &Checkpoint) -> bool {
    last.size <= size && (last.size == 0 || tree_hash(last.size, hashes).is_ok_and(|root| root.0 == last.root))
}

impl Store {
    /// Whether the tree extends a checkpoint.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_extends(&self, last: &Checkpoint) -> Result<bool> {
        db::transaction(&self.pool, Mode::Read, |db| {
            let size = size(db)?;
            Ok(extends(&Hashes::new(db), size, last))
        })
    }

    /// Whether the newest checkpoint that this log's keys signed is of the tree, and the tree is not smaller than this node saw it: what a
    /// node without the log's key can tell. Of a standby, which may lag, only the former is asked.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_goes_on(&self) -> Result<bool> {
        let found = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            let size = size(db)?;
            let newest = audit_checkpoint::table.order(audit_checkpoint::size.desc()).select(audit_checkpoint::note);
            let newest: Option<String> = newest.first(db).optional()?;
            let Some(newest) = newest else { return Ok(Some(size)) };
            let Some(last) = Checkpoint::verified(&newest, &self.log_keys) else { return Ok(None) };
            Ok(extends(&Hashes::new(db), size, &last).then_some(size))
        })?;
        Ok(found.is_some_and(|size| self.access == Access::ReadOnly || self.watched.has_grown(size)))
    }

    /// Signs the tree as it stands, if it grew since `last`, and only if it extends what `last` covers. What another node signed of this
    /// size with the same key is taken; whatever else lies there is not, and is told of.
    ///
    /// # Errors
    /// [`Error::Unproved`] when the tree does not extend `last`: history was rewritten, and nothing is signed.
    pub fn audit_checkpoint(
        &self,
        key: &LogKey,
        last: Option<&Checkpoint>,
        ledger: Option<&(u64, String)>,
    ) -> Result<Option<Checkpoint>> {
        let now = self.clock.now();
        db::transaction(&self.pool, Mode::Keep, |db| {
            let size = size(db)?;
            let hashes = Hashes::new(db);
            if last.is_some_and(|last| !extends(&hashes, size, last)) {
                return Err(Error::Unproved);
            }
            if size == 0 || last.is_some_and(|last| last.size == size) {
                return Ok(None);
            }
            let root = tree_hash(size, &hashes).map_err(|_| broken("root"))?;
            let known: Option<String> = audit_checkpoint::table
                .find(i64::try_from(size).map_err(|_| broken("checkpoint"))?)
                .select(audit_checkpoint::note)
                .first(&mut **hashes.db.borrow_mut())
                .optional()?;
            if let Some(note) = &known {
                match Checkpoint::verified(note, key.public()) {
                    Some(checkpoint) if checkpoint.size == size && checkpoint.root == root.0 => {
                        return Ok(Some(checkpoint));
                    }
                    _ => tracing::error!(
                        size,
                        "the database holds a checkpoint that this log's key did not sign, or of another tree"
                    ),
                }
            }
            let checkpoint = key.checkpoint(size, root, ledger).ok_or_else(|| broken("checkpoint"))?;
            drop(hashes);
            if known.is_none() {
                keep(db, &checkpoint, now)?;
            }
            Ok(Some(checkpoint))
        })
    }
}

fn keep(db: &mut Db, checkpoint: &Checkpoint, now: chrono::NaiveDateTime) -> Result<()> {
    diesel::insert_into(audit_checkpoint::table)
        .values((
            audit_checkpoint::size.eq(i64::try_from(checkpoint.size).map_err(|_| broken("checkpoint"))?),
            audit_checkpoint::note.eq(&checkpoint.note),
            audit_checkpoint::made_at.eq(now),
        ))
        .execute(db)?;
    Ok(())
}

impl OpenDatabase {
    /// Whether any key signed the log.
    ///
    /// # Errors
    /// The database's.
    pub fn was_signed(&self) -> Result<bool> {
        db::transaction(self.pool(), Mode::Read, |db| {
            let one: Option<i64> = audit_checkpoint::table.select(audit_checkpoint::size).first(db).optional()?;
            Ok(one.is_some())
        })
    }
}

/// Which checkpoints a reader is shown: with every one of them the log's size would tell of each disclosure as it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Each.
    Each,
    /// The last of each full hour.
    Hourly,
}

/// The beginning of the hour that a time lies in.
fn hour_of(at: NaiveDateTime) -> NaiveDateTime {
    at.date().and_hms_opt(at.hour(), 0, 0).unwrap_or(at)
}

impl Read<'_> {
    /// The newest checkpoint that a reader is shown: in a log's first hour its first one.
    ///
    /// # Errors
    /// The database's.
    pub fn checkpoint_shown(&mut self, shown: Shown) -> Result<Option<Checkpoint>> {
        let latest = self.checkpoint_latest()?;
        if shown == Shown::Each {
            return Ok(latest);
        }
        let within = i64::try_from(latest.map_or(0, |latest| latest.size)).unwrap_or(i64::MAX);
        let all = || audit_checkpoint::table.filter(audit_checkpoint::size.le(within)).limit(LOOKED_AT);
        let full = all().filter(audit_checkpoint::made_at.lt(hour_of(self.now())));
        let mut notes: Vec<String> =
            full.order(audit_checkpoint::size.desc()).select(audit_checkpoint::note).load(self.db)?;
        let first = all().order(audit_checkpoint::size).select(audit_checkpoint::note);
        notes.extend(first.load::<String>(self.db)?);
        Ok(notes.iter().find_map(|note| Checkpoint::verified(note, self.log_keys)))
    }

    /// Whether a reader was ever shown a checkpoint of a size.
    ///
    /// # Errors
    /// The database's.
    pub fn is_shown(&mut self, size: u64, shown: Shown) -> Result<bool> {
        let Some(newest) = self.checkpoint_shown(shown)?.filter(|newest| size <= newest.size) else { return Ok(false) };
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let row: Option<(String, NaiveDateTime)> = audit_checkpoint::table
            .find(size)
            .select((audit_checkpoint::note, audit_checkpoint::made_at))
            .first(self.db)
            .optional()?;
        let Some((_, made_at)) = row.filter(|(note, _)| Checkpoint::verified(note, self.log_keys).is_some()) else {
            return Ok(false);
        };
        if shown == Shown::Each || newest.size == u64::try_from(size).unwrap_or(0) {
            return Ok(true);
        }
        let next: Option<NaiveDateTime> = audit_checkpoint::table
            .filter(audit_checkpoint::size.gt(size))
            .order(audit_checkpoint::size)
            .select(audit_checkpoint::made_at)
            .first(self.db)
            .optional()?;
        let first: Option<i64> = audit_checkpoint::table
            .order(audit_checkpoint::size)
            .select(audit_checkpoint::size)
            .first(self.db)
            .optional()?;
        Ok(next.is_none_or(|next| hour_of(next) > hour_of(made_at)) || first == Some(size))
    }

    /// The newest checkpoint that a key of this log signed and that the tree has grown to; whatever else lies among them is passed over.
    ///
    /// # Errors
    /// The database's.
    pub fn checkpoint_latest(&mut self) -> Result<Option<Checkpoint>> {
        let most = i64::try_from(size(self.db)?).unwrap_or(i64::MAX);
        let newest = audit_checkpoint::table
            .filter(audit_checkpoint::size.le(most))
            .order(audit_checkpoint::size.desc())
            .limit(LOOKED_AT)
            .select(audit_checkpoint::note);
        let notes: Vec<String> = newest.load(self.db)?;
        Ok(notes.iter().find_map(|note| Checkpoint::verified(note, self.log_keys)))
    }
}
