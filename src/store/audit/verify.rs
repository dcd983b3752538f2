//! Verification: recomputes every leaf and the tree above it, and compares with what is stored, signed, and held outside.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tlog_tiles::{Hash, check_record, check_tree, record_hash};

use super::checkpoint::verifiers;
use super::frontier::Frontier;
use super::{Checkpoint, InclusionProof, leaf_data};
use crate::store::db::Id;
use crate::store::db::schema::{
    account, approval, audit_checkpoint, audit_entry, audit_hash, audit_leaf, audit_pending, disclosure,
    erasure_request, restoration, revision,
};
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
    /// Entries that an earlier origin had signed and that are gone since the log was set back, on the record: from, and up to. A restore
    /// does that.
    pub lost: Vec<(u64, u64)>,
    /// Revisions compared with their entries (`--deep`).
    pub revisions: Option<u64>,
    /// Everything that does not hold; empty when the log verifies.
    pub findings: Vec<LogFinding>,
}

/// Entries read at a time.
const BATCH: i64 = 10_000;

/// An entry's place and salt, what was hashed of it, and its columns.
type EntryRow = (i64, Vec<u8>, String, (Id, NaiveDateTime, Option<Id>, String, String));

/// What entries speak of.
#[derive(Default)]
struct Spoken {
    /// Ids of revisions.
    revisions: HashSet<String>,
    /// Ids of other rows that an act makes.
    named: HashSet<String>,
}

impl Spoken {
    fn hear(&mut self, said: &Said<'_>) {
        let named = match said.subject.rsplit_once('/') {
            Some(("accounts" | "restorations" | "erasures", id)) => Some(id.to_owned()),
            _ => None,
        };
        self.named.extend(named);
        if let Some(detail) = &said.detail {
            self.revisions.extend(detail.revision.clone());
            self.named.extend([&detail.disclosure, &detail.approval].into_iter().flatten().cloned());
        }
    }
}

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
    disclosure: Option<String>,
    approval: Option<String>,
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

/// Whether an entry, by its salt and text, is at a place of the tree that a signed checkpoint covers: no database is asked.
pub fn entry_is_proved(checkpoint: &str, verifier_keys: &str, proof: &InclusionProof) -> bool {
    let hashes: Vec<Hash> = proof.hashes.iter().map(|hash| Hash(*hash)).collect();
    let leaf = record_hash(&leaf_data(&proof.salt, &proof.body));
    Checkpoint::verified(checkpoint, verifier_keys).is_some_and(|tree| {
        tree.size == proof.size && check_record(&hashes, tree.size, Hash(tree.root), proof.leaf, leaf).is_ok()
    })
}

/// Whether the tree of one signed checkpoint extends that of another: no database is asked.
pub fn tree_is_extended(older: &str, newer: &str, verifier_keys: &str, hashes: &[[u8; 32]]) -> bool {
    let hashes: Vec<Hash> = hashes.iter().map(|hash| Hash(*hash)).collect();
    let (Some(old), Some(new)) =
        (Checkpoint::verified(older, verifier_keys), Checkpoint::verified(newer, verifier_keys))
    else {
        return false;
    };
    check_tree(&hashes, new.size, Hash(new.root), old.size, Hash(old.root)).is_ok()
}

/// What the log is compared with.
#[derive(Debug, Default)]
pub struct LogAsk<'a> {
    /// The public keys of the log's origins, one a line (C2SP signed-note verifier keys).
    pub verifier_keys: &'a str,
    /// A checkpoint that was kept elsewhere.
    pub outside: Option<&'a str>,
    /// Checkpoints that were kept beside the log's key.
    pub kept: &'a [String],
    /// Compare every revision with its entry too.
    pub deep: bool,
}

/// Verifies the log of a store.
///
/// # Errors
/// The database's; [`Error::Conflict`] when a verifier key is none. What does not hold is in the report.
pub fn audit_verify(store: &Store, ask: &LogAsk<'_>) -> Result<LogReport> {
    let now = store.now();
    db::transaction(&store.pool, Mode::Read, |db| verify(db, ask, now))
}

/// Where a checkpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Database,
    Kept,
    Outside,
}

/// Where the log went on with another key: after a restore, a move, or what the operator accepted.
#[derive(Deserialize)]
struct Begun {
    size: u64,
    previous: Option<String>,
}

/// So long after its first entry a log has a signed checkpoint.
const FIRST_SIGNED: TimeDelta = TimeDelta::minutes(5);

fn verify(db: &mut Db, ask: &LogAsk<'_>, now: NaiveDateTime) -> Result<LogReport> {
    let deep = ask.deep;
    let mut findings = Vec::new();
    let mut find = |at: String, what: &str| findings.push(LogFinding { at, what: what.to_owned() });

    if verifiers(ask.verifier_keys).is_none() {
        return Err(Error::Conflict("the log's verifier key cannot be read".into()));
    }
    let signed: Vec<(i64, String)> = audit_checkpoint::table
        .order(audit_checkpoint::size)
        .select((audit_checkpoint::size, audit_checkpoint::note))
        .load(db)?;
    let mut expected: Vec<(Checkpoint, From)> = Vec::new();
    let notes = signed
        .iter()
        .map(|(_, note)| (note.as_str(), From::Database))
        .chain(ask.kept.iter().map(|note| (note.as_str(), From::Kept)))
        .chain(ask.outside.map(|note| (note, From::Outside)));
    for (note, from) in notes {
        match (Checkpoint::verified(note, ask.verifier_keys), from) {
            (Some(checkpoint), _) => expected.push((checkpoint, from)),
            (None, From::Kept) => {
                find("the checkpoint beside the log's key".into(), "its signature does not verify with the log's key")
            }
            (None, _) => find("checkpoint".into(), "its signature does not verify with the log's key"),
        }
    }
    expected.sort_by_key(|(checkpoint, _)| checkpoint.size);

    let (mut frontier, mut agreed, mut against_outside) = (Frontier::default(), 0, false);
    let mut due = expected.iter().peekable();
    let mut differing: Vec<(&Checkpoint, From)> = Vec::new();
    let (mut position, mut spoken): (i64, Spoken) = (0, Spoken::default());
    let (mut begun, mut oldest): (Vec<Begun>, Option<NaiveDateTime>) = (Vec::new(), None);
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
                return report(db, &frontier, Vec::new(), (agreed, against_outside), None, findings);
            }
            let said: Option<Said<'_>> = serde_json::from_str(&body).ok();
            if !said.as_ref().is_some_and(|said| columns_agree(said, &columns)) {
                find(format!("leaf {at}"), "its columns are not those of the entry");
            }
            oldest = oldest.or(Some(columns.1));
            if let Some(said) = &said {
                spoken.hear(said);
                if ["log.restore", "log.move", "log.accept"].contains(&&*said.action) {
                    let detail: Option<Begins> = serde_json::from_str(&body).ok();
                    begun.extend(detail.map(|begins| begins.detail));
                }
            }
            for hash in frontier.push(record_hash(&leaf_data(&salt, &body))) {
                match stored.next() {
                    Some((place, bytes)) if place == position && bytes == hash.0 => {}
                    _ => find(format!("leaf {at}"), "the entry or the hashes above it were changed"),
                }
                position += 1;
            }
            while let Some((checkpoint, from)) = due.next_if(|(checkpoint, _)| checkpoint.size == frontier.size) {
                if checkpoint.root == frontier.root().0 {
                    agreed += u64::from(*from == From::Database);
                    against_outside |= *from == From::Outside;
                } else {
                    differing.push((checkpoint, *from));
                }
            }
        }
    }
    differing.extend(due.map(|(checkpoint, from)| (checkpoint, *from)));
    let mut lost = Vec::new();
    for (checkpoint, from) in differing {
        let size = checkpoint.size;
        // What an earlier origin signed after the moment to which the log was set back, on the record.
        let set_back =
            begun.iter().find(|begun| begun.previous.as_deref() == Some(&checkpoint.origin) && begun.size < size);
        match (set_back, from) {
            (Some(begun), From::Kept | From::Outside) => lost.push((begun.size, size)),
            _ if size > frontier.size => {
                find(format!("checkpoint {size}"), "the log is shorter than what was signed: its tail was cut");
            }
            (_, From::Kept) => {
                find(format!("the checkpoint {size} beside the log's key"), "the tree at this size has another root");
            }
            _ => find(format!("checkpoint {size}"), "the tree at this size has another root"),
        }
    }
    if agreed == 0 && oldest.is_some_and(|oldest| oldest + FIRST_SIGNED < now) {
        find("checkpoints".into(), "the log has entries, and nothing of it was ever signed");
    }
    let strays: Vec<Id> = audit_entry::table
        .left_join(audit_leaf::table.on(audit_leaf::entry_id.eq(audit_entry::id)))
        .left_join(audit_pending::table.on(audit_pending::entry_id.eq(audit_entry::id)))
        .filter(audit_leaf::entry_id.is_null())
        .filter(audit_pending::entry_id.is_null())
        .select(audit_entry::id)
        .load(db)?;
    for stray in strays {
        find(format!("entry {stray}"), "it is in no tree, and does not wait to be placed");
    }
    // Entries that wait to be placed speak of rows too.
    let waiting: Vec<String> = audit_pending::table
        .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_pending::entry_id)))
        .select(audit_entry::body)
        .load(db)?;
    for body in &waiting {
        if let Ok(said) = serde_json::from_str::<Said<'_>>(body) {
            spoken.hear(&said);
        }
    }
    rows_without_an_entry(db, &spoken, &mut find)?;
    let revisions = if deep { Some(revisions(db, spoken.revisions, &mut find)?) } else { None };
    report(db, &frontier, lost, (agreed, against_outside), revisions, findings)
}

#[derive(Deserialize)]
struct Begins {
    detail: Begun,
}

/// Rows that only an act makes, each with the entry of that act: a row of which no entry speaks was put there past the program.
fn rows_without_an_entry(db: &mut Db, spoken: &Spoken, find: &mut impl FnMut(String, &str)) -> Result<()> {
    let mut look = |noun: &str, ids: Vec<Id>, known: &HashSet<String>| {
        for id in ids.into_iter().map(|id| id.to_string()).filter(|id| !known.contains(id)) {
            find(format!("{noun} {id}"), "no audit entry speaks of it");
        }
    };
    look("revision", revision::table.select(revision::id).load(db)?, &spoken.revisions);
    look("disclosure", disclosure::table.select(disclosure::id).load(db)?, &spoken.named);
    look("approval", approval::table.select(approval::id).load(db)?, &spoken.named);
    look("account", account::table.select(account::id).load(db)?, &spoken.named);
    look("restoration", restoration::table.select(restoration::id).load(db)?, &spoken.named);
    look("erasure request", erasure_request::table.select(erasure_request::id).load(db)?, &spoken.named);
    Ok(())
}

fn report(
    db: &mut Db,
    frontier: &Frontier,
    lost: Vec<(u64, u64)>,
    (checkpoints, against_outside): (u64, bool),
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
        lost,
        revisions,
        findings,
    })
}

type RevisionRow = (Id, String, Id, Id, Option<i32>, String, NaiveDateTime, Id, Option<String>, String, String);

/// Compares every revision with the hash that its audit entry holds, and requires those that entries speak of to be there.
fn revisions(db: &mut Db, mut spoken: HashSet<String>, find: &mut impl FnMut(String, &str)) -> Result<u64> {
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
