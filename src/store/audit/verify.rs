//! Verification: recomputes every leaf and the tree above it, and compares with what is stored, signed, and held outside.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Hash, check_record, check_tree, node_hash, record_hash};

use super::sequencer::parse;
use super::{InclusionProof, leaf_data};
use crate::store::db::Id;
use crate::store::db::schema::{audit_checkpoint, audit_entry, audit_hash, audit_leaf, audit_pending, revision};
use crate::store::db::{self, Db, Mode};
use crate::store::{Error, Result, Store};

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFinding {
    /// Leaf, checkpoint size or revision.
    pub at: String,
    /// What does not hold.
    pub what: String,
}

/// What verification found.
#[derive(Debug, Clone)]
pub struct LogReport {
    /// Entries in the tree.
    pub entries: u64,
    /// Entries that the sequencer has not placed yet.
    pub unplaced: u64,
    /// Root hash of the recomputed tree, hexadecimal.
    pub root: String,
    /// Signed checkpoints that agree with it.
    pub checkpoints: u64,
    /// Whether a checkpoint from outside was given and agrees: without one the log is self-consistent only.
    pub against_outside: bool,
    /// Revisions compared with their entries (`--deep`).
    pub revisions: Option<u64>,
    /// Everything that does not hold; empty when the log verifies.
    pub findings: Vec<LogFinding>,
}

/// The roots of a growing tree: the perfect subtrees on its right edge (RFC 6962, 2.1).
#[derive(Default)]
struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf; returns every hash that it completes, in the order in which they are stored.
    fn push(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut hash = leaf;
        let mut made = vec![hash];
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(left, hash);
                made.push(hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        made
    }

    fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        peaks.next().map_or(tlog_tiles::EMPTY_HASH, |last| peaks.fold(last, |right, left| node_hash(left, right)))
    }
}

/// Entries read at a time.
const BATCH: i64 = 10_000;

/// An entry's place and salt, what was hashed of it, and its columns.
type EntryRow = (i64, Vec<u8>, String, (Id, NaiveDateTime, Option<Id>, String, String));

/// Ids of the revisions that entries speak of.
type Spoken = HashSet<String>;

/// What of an entry's text is compared: read without the rest, since a log has very many.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    actor: Option<Cow<'a, str>>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    revision: Option<String>,
}

/// Whether an entry's columns, by which it is found and shown, say what was hashed.
fn columns_agree(
    said: &Said<'_>,
    (id, at, actor, action, subject): &(Id, NaiveDateTime, Option<Id>, String, String),
) -> bool {
    let actor = actor.map(|actor| actor.to_string());
    said.id == id.to_string()
        && said.at == at.and_utc().to_rfc3339()
        && said.actor.as_deref() == actor.as_deref()
        && said.action == *action
        && said.subject == *subject
}

/// Size and root (hexadecimal) of the tree, out of the entries themselves.
pub(in crate::store) fn recomputed(db: &mut Db) -> Result<(u64, String)> {
    let mut frontier = Frontier::default();
    loop {
        let from = i64::try_from(frontier.size).unwrap_or(i64::MAX);
        let rows: Vec<(i64, Vec<u8>, String)> = audit_leaf::table
            .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_leaf::entry_id)))
            .filter(audit_leaf::position.ge(from))
            .order(audit_leaf::position)
            .limit(BATCH)
            .select((audit_leaf::position, audit_entry::salt, audit_entry::body))
            .load(db)?;
        if rows.is_empty() {
            return Ok((frontier.size, hex::encode(frontier.root().0)));
        }
        for (at, salt, body) in rows {
            if u64::try_from(at) != Ok(frontier.size) {
                return Err(Error::Conflict("the audit log has a gap".into()));
            }
            frontier.push(record_hash(&leaf_data(&salt, &body)));
        }
    }
}

/// The checkpoint in a note that the log's keys signed.
fn signed_checkpoint(note: &str, verifier_keys: &str) -> Option<tlog_tiles::Checkpoint> {
    let keys = verifier_keys.lines().map(str::trim).filter(|key| !key.is_empty());
    let mut verifiers: Vec<Box<dyn signed_note::Verifier>> = Vec::new();
    for key in keys {
        verifiers.push(Box::new(StandardVerifier::new(key).ok()?));
    }
    Note::from_bytes(note.as_bytes()).ok()?.verify(&VerifierList::new(verifiers)).ok()?;
    parse(note)
}

/// Whether an entry, by its salt and text, is at a place of the tree that a signed checkpoint covers: no database is asked.
pub fn entry_is_proved(checkpoint: &str, verifier_keys: &str, proof: &InclusionProof) -> bool {
    let hashes: Vec<Hash> = proof.hashes.iter().map(|hash| Hash(*hash)).collect();
    let leaf = record_hash(&leaf_data(&proof.salt, &proof.body));
    signed_checkpoint(checkpoint, verifier_keys).is_some_and(|tree| {
        tree.size() == proof.size && check_record(&hashes, tree.size(), *tree.hash(), proof.leaf, leaf).is_ok()
    })
}

/// Whether the tree of one signed checkpoint extends that of another: no database is asked.
pub fn tree_is_extended(older: &str, newer: &str, verifier_keys: &str, hashes: &[[u8; 32]]) -> bool {
    let hashes: Vec<Hash> = hashes.iter().map(|hash| Hash(*hash)).collect();
    let (Some(old), Some(new)) = (signed_checkpoint(older, verifier_keys), signed_checkpoint(newer, verifier_keys))
    else {
        return false;
    };
    check_tree(&hashes, new.size(), *new.hash(), old.size(), *old.hash()).is_ok()
}

/// Verifies the log of a store. `verifier_keys` are the public keys of the log's origins, one a line (C2SP signed-note verifier keys); `outside` is a
/// checkpoint that was kept elsewhere.
///
/// # Errors
/// The database's. What does not hold is in the report.
pub fn audit_verify(store: &Store, verifier_keys: &str, outside: Option<&str>, deep: bool) -> Result<LogReport> {
    db::transaction(&store.pool, Mode::Read, |db| verify(db, verifier_keys, outside, deep))
}

fn verify(db: &mut Db, verifier_keys: &str, outside: Option<&str>, deep: bool) -> Result<LogReport> {
    let mut findings = Vec::new();
    let mut find = |at: String, what: &str| findings.push(LogFinding { at, what: what.to_owned() });

    let mut verifiers: Vec<Box<dyn signed_note::Verifier>> = Vec::new();
    for key in verifier_keys.lines().map(str::trim).filter(|key| !key.is_empty()) {
        let verifier =
            StandardVerifier::new(key).map_err(|_| Error::Conflict("the log's verifier key cannot be read".into()))?;
        verifiers.push(Box::new(verifier));
    }
    let verifiers = VerifierList::new(verifiers);
    let signed: Vec<(i64, String)> = audit_checkpoint::table
        .order(audit_checkpoint::size)
        .select((audit_checkpoint::size, audit_checkpoint::note))
        .load(db)?;
    let mut expected: Vec<(u64, Hash, bool)> = Vec::new();
    let notes = signed.iter().map(|(_, note)| (note.as_str(), false)).chain(outside.map(|note| (note, true)));
    for (note, from_outside) in notes {
        let verified = Note::from_bytes(note.as_bytes()).ok().is_some_and(|note| note.verify(&verifiers).is_ok());
        match parse(note).filter(|_| verified) {
            Some(checkpoint) => expected.push((checkpoint.size(), *checkpoint.hash(), from_outside)),
            None => find("checkpoint".into(), "its signature does not verify with the log's key"),
        }
    }
    expected.sort_by_key(|(size, _, _)| *size);

    let (mut frontier, mut agreed, mut against_outside) = (Frontier::default(), 0, false);
    let mut due = expected.iter().peekable();
    let (mut position, mut spoken): (i64, Spoken) = (0, Spoken::new());
    loop {
        let from = i64::try_from(frontier.size).unwrap_or(i64::MAX);
        let rows: Vec<EntryRow> = audit_leaf::table
            .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_leaf::entry_id)))
            .filter(audit_leaf::position.ge(from))
            .order(audit_leaf::position)
            .limit(BATCH)
            .select((
                audit_leaf::position,
                audit_entry::salt,
                audit_entry::body,
                (
                    audit_entry::id,
                    audit_entry::made_at,
                    audit_entry::actor_id,
                    audit_entry::action,
                    audit_entry::subject,
                ),
            ))
            .load(db)?;
        if rows.is_empty() {
            break;
        }
        let stored: Vec<(i64, Vec<u8>)> = audit_hash::table
            .filter(audit_hash::position.ge(position))
            .order(audit_hash::position)
            .limit(BATCH * 2 + 64)
            .select((audit_hash::position, audit_hash::hash))
            .load(db)?;
        let mut stored = stored.into_iter();
        for (leaf, salt, body, columns) in rows {
            let at = frontier.size;
            if i64::try_from(at).ok() != Some(leaf) {
                find(format!("leaf {at}"), "missing");
                return report(db, &frontier, agreed, against_outside, None, findings);
            }
            let said: Option<Said<'_>> = serde_json::from_str(&body).ok();
            if !said.as_ref().is_some_and(|said| columns_agree(said, &columns)) {
                find(format!("leaf {at}"), "its columns are not those of the entry");
            }
            if let Some(id) = said.and_then(|said| said.detail).and_then(|detail| detail.revision).filter(|_| deep) {
                spoken.insert(id);
            }
            for hash in frontier.push(record_hash(&leaf_data(&salt, &body))) {
                match stored.next() {
                    Some((place, bytes)) if place == position && bytes == hash.0 => {}
                    _ => find(format!("leaf {at}"), "the entry or the hashes above it were changed"),
                }
                position += 1;
            }
            while let Some((size, root, outside)) = due.next_if(|(size, _, _)| *size == frontier.size) {
                if *root == frontier.root() {
                    agreed += 1;
                    against_outside |= outside;
                } else {
                    find(format!("checkpoint {size}"), "the tree at this size has another root");
                }
            }
        }
    }
    for (size, _, _) in due {
        find(format!("checkpoint {size}"), "the log is shorter than what was signed: its tail was cut");
    }
    let revisions = if deep { Some(revisions(db, spoken, &mut find)?) } else { None };
    report(db, &frontier, agreed, against_outside, revisions, findings)
}

fn report(
    db: &mut Db,
    frontier: &Frontier,
    checkpoints: u64,
    against_outside: bool,
    revisions: Option<u64>,
    findings: Vec<LogFinding>,
) -> Result<LogReport> {
    let unplaced: i64 = audit_pending::table.count().get_result(db)?;
    Ok(LogReport {
        entries: frontier.size,
        unplaced: u64::try_from(unplaced).unwrap_or(0),
        root: hex::encode(frontier.root().0),
        checkpoints,
        against_outside,
        revisions,
        findings,
    })
}

type RevisionRow = (Id, String, Id, Id, Option<i32>, String, NaiveDateTime, Id, Option<String>, String, String);

/// Compares every revision with the hash that its audit entry holds, and requires those that entries speak of to be there.
fn revisions(db: &mut Db, mut spoken: Spoken, find: &mut impl FnMut(String, &str)) -> Result<u64> {
    let mut seen = 0;
    let mut after = Id([0; 16]);
    loop {
        let rows: Vec<(RevisionRow, Option<String>)> = revision::table
            .left_join(audit_entry::table.on(audit_entry::id.eq(revision::audit_id)))
            .filter(revision::id.gt(after))
            .order(revision::id)
            .limit(BATCH)
            .select((
                (
                    revision::id,
                    revision::noun,
                    revision::record_id,
                    revision::root_id,
                    revision::edition,
                    revision::kind,
                    revision::made_at,
                    revision::author_id,
                    revision::reason,
                    revision::open_changes,
                    revision::sealed_changes,
                ),
                audit_entry::body.nullable(),
            ))
            .load(db)?;
        let Some(((last, ..), _)) = rows.last() else {
            for missing in spoken {
                find(format!("revision {missing}"), "an audit entry speaks of it, and it is gone");
            }
            return Ok(seen);
        };
        after = *last;
        for ((id, noun, record, root, edition, kind, at, author, reason, open, sealed), body) in rows {
            seen += 1;
            spoken.remove(&id.to_string());
            let hash = crate::store::history::revision_hash(&[
                &id.to_string(),
                &noun,
                &record.to_string(),
                &kind,
                &at.and_utc().to_rfc3339(),
                &author.to_string(),
                reason.as_deref().unwrap_or(""),
                &open,
                &sealed,
            ]);
            let entry: Value = body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
            let detail = &entry["detail"];
            // Entries of before this was in them say nothing of where a revision hangs.
            let hangs = detail["root"].is_null()
                || (detail["root"] == root.to_string() && detail["edition"].as_i64() == edition.map(i64::from));
            if detail["revision_sha256"] != hex::encode(hash) || !hangs {
                find(format!("revision {id}"), "it is not the revision that its audit entry speaks of");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_frontier_computes_the_roots_of_rfc_6962(size in 1_u64..200) {
            fn root(leaves: &[Hash]) -> Hash {
                match leaves {
                    [one] => *one,
                    _ => {
                        let half = leaves.len().next_power_of_two() / 2;
                        node_hash(root(&leaves[..half]), root(&leaves[half..]))
                    }
                }
            }
            let leaves: Vec<Hash> = (0..size).map(|n| record_hash(&n.to_be_bytes())).collect();
            let mut frontier = Frontier::default();
            for leaf in &leaves {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.root(), root(&leaves));
        }
    }
}
