//! The audit log: an RFC 6962 tree over salted entries, with C2SP checkpoints.
//!
//! A writer inserts its entry and a pending row. One sequencer places pending rows in the tree, so that writers do not
//! queue and a crash only repeats. A leaf is the SHA-256 of a random salt and the entry, so that hashes and checkpoints may
//! leave the house while entries stay.

mod acts;
mod checkpoint;
mod frontier;
mod prove;
mod sequencer;
mod verify;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use acts::LoggedAct;
pub use checkpoint::{Checkpoint, LogKey, Shown};
pub use prove::InclusionProof;
pub(super) use verify::recomputed;
pub use verify::{LogAsk, LogFinding, LogReport, audit_verify, entry_is_proved, tree_is_extended};

use super::db::schema::{audit_entry, audit_leaf, audit_pending};
use super::db::{Db, Id};
use super::{Page, Read, Result, Write};
use crate::domain::Role;
use crate::store::Cursor;

/// An entry as auditors read it.
#[derive(Debug, Clone)]
pub struct LoggedEntry {
    /// Its id, in hexadecimal.
    pub id: String,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Its place in the tree; `None` until the sequencer placed it.
    pub leaf: Option<i64>,
    /// What was done: `incident.release`, `disclosure.grant`, `session.begin` …
    pub action: String,
    /// To what.
    pub subject: String,
    /// The entry as hashed, JSON.
    pub body: String,
}

/// The bytes that a leaf is made of.
pub fn leaf_data(salt: &[u8], body: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(body.as_bytes());
    hasher.finalize().into()
}

/// Who did something, and when.
pub(super) struct Doer {
    pub(super) account: Id,
    pub(super) role: Role,
    pub(super) at: NaiveDateTime,
}

impl Write<'_> {
    /// Appends an entry. It names fields, records and codes; never a sealed value.
    pub(super) fn audit_append(&mut self, id: Id, action: &str, subject: &str, detail: &Value) -> Result<()> {
        let doer = Doer { account: self.actor(), role: self.viewer.role, at: self.now() };
        append(self.db, id, &doer, (action, subject), detail)
    }
}

/// Appends an entry.
pub(super) fn append(db: &mut Db, id: Id, doer: &Doer, (action, subject): (&str, &str), detail: &Value) -> Result<()> {
    let (actor, at) = (doer.account, doer.at);
    let mut salt = vec![0; 16];
    rand::fill(&mut salt[..]);
    let body = json!({
        "id": id.to_string(),
        "at": at.and_utc().to_rfc3339(),
        "actor": actor.to_string(),
        "role": doer.role,
        "action": action,
        "subject": subject,
        "detail": detail,
    });
    diesel::insert_into(audit_entry::table)
        .values((
            audit_entry::id.eq(id),
            audit_entry::made_at.eq(at),
            audit_entry::actor_id.eq(actor),
            audit_entry::action.eq(action),
            audit_entry::subject.eq(subject),
            audit_entry::body.eq(body.to_string()),
            audit_entry::salt.eq(salt),
        ))
        .execute(db)?;
    diesel::insert_into(audit_pending::table).values(audit_pending::entry_id.eq(id)).execute(db)?;
    Ok(())
}

type EntryRow = (Id, NaiveDateTime, Option<i64>, String, String, String);

impl Read<'_> {
    /// The log, newest first; for those whom the policy lets audit. The cursor's reference is an entry's id.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_list(
        &mut self,
        action: Option<&str>,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<LoggedEntry>> {
        let mut query = audit_entry::table
            .left_join(audit_leaf::table.on(audit_leaf::entry_id.eq(audit_entry::id)))
            .select((
                audit_entry::id,
                audit_entry::made_at,
                audit_leaf::position.nullable(),
                audit_entry::action,
                audit_entry::subject,
                audit_entry::body,
            ))
            .order(audit_entry::id.desc())
            .limit(limit + 1)
            .into_boxed();
        if let Some(action) = action {
            query = query.filter(audit_entry::action.eq(action.to_owned()));
        }
        // Ids are UUIDs of version 7: their order is the order in which entries were made.
        if let Some(id) = after.and_then(|after| <[u8; 16]>::try_from(hex::decode(&after.reference).ok()?).ok()) {
            query = query.filter(audit_entry::id.lt(Id(id)));
        }
        let rows: Vec<EntryRow> = query.load(self.db)?;
        let entries = rows
            .into_iter()
            .map(|(id, at, leaf, action, subject, body)| LoggedEntry {
                id: id.to_string(),
                at,
                leaf,
                action,
                subject,
                body,
            })
            .collect();
        Ok(Page::of(entries, limit, |entry: &LoggedEntry| Cursor { on: entry.at.date(), reference: entry.id.clone() }))
    }
}
