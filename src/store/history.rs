//! The journal of a write: what it noted becomes revisions and audit entries, in the same transaction.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Found;
use super::db::Id;
use super::db::schema::{account, revision};
use super::{Error, Read, Result, Write};
use crate::domain::{NarrowingAct, Noun, SealedChange};

/// The member of an entry's detail that holds an act which narrows.
pub(super) const LEDGER: &str = "ledger";

/// One change that a write noted.
pub(super) struct Noted {
    pub(super) action: &'static str,
    pub(super) subject: String,
    pub(super) detail: Value,
    pub(super) change: Option<Change>,
    /// What a restored backup must not undo.
    pub(super) narrows: Option<NarrowingAct>,
}

/// A change of a record: what becomes its revision.
pub(super) struct Change {
    pub(super) noun: Noun,
    pub(super) record: Id,
    /// The record whose history shows it: the incident of a victim, the proceeding of an accused.
    pub(super) root: Id,
    pub(super) edition: Option<i32>,
    pub(super) kind: &'static str,
    pub(super) reason: Option<String>,
    /// Open fields that changed, by name, as `{"from": …, "to": …}`.
    pub(super) open: Map<String, Value>,
    /// Codes of the sealed fields that changed ([`SealedChange::code`]).
    pub(super) sealed: Vec<u16>,
}

impl Change {
    /// A change of a record of its own.
    pub(super) fn of(noun: Noun, record: Id, kind: &'static str) -> Self {
        Self { noun, record, root: record, edition: None, kind, reason: None, open: Map::new(), sealed: Vec::new() }
    }

    /// The open fields that changed.
    pub(super) fn open(self, open: Map<String, Value>) -> Self {
        Self { open, ..self }
    }

    /// The sealed fields that changed.
    pub(super) fn sealed(self, sealed: Vec<u16>) -> Self {
        Self { sealed, ..self }
    }

    /// Why.
    pub(super) fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

/// One entry of a record's history.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// The noun that changed: the record itself or a child.
    pub noun: String,
    /// What happened: `created`, `edited`, `amended`, `submitted`, `released` …
    pub kind: String,
    /// The edition that it made or touched.
    pub edition: Option<i32>,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Who, by name of account.
    pub author: String,
    /// The State whose account that is, if one's.
    pub author_state: Option<String>,
    /// Why, where a reason was asked.
    pub reason: Option<String>,
    /// Open fields that changed.
    pub open: Map<String, Value>,
    /// Sealed fields that changed.
    pub sealed: Vec<SealedChange>,
}

type RevisionRow =
    (String, Option<i32>, String, NaiveDateTime, (String, Option<String>), Option<String>, String, String);

impl Read<'_> {
    /// The revisions below a record, oldest first. The record was found within scope before.
    ///
    /// # Errors
    /// The database's.
    pub fn history(&mut self, of: &impl Found) -> Result<Vec<HistoryEntry>> {
        self.history_of(of.root())
    }

    fn history_of(&mut self, root: Id) -> Result<Vec<HistoryEntry>> {
        let rows: Vec<RevisionRow> = revision::table
            .inner_join(account::table.on(account::id.eq(revision::author_id)))
            .filter(revision::root_id.eq(root))
            .order((revision::made_at, revision::id))
            .select((
                revision::noun,
                revision::edition,
                revision::kind,
                revision::made_at,
                (account::name, account::state),
                revision::reason,
                revision::open_changes,
                revision::sealed_changes,
            ))
            .load(self.db)?;
        let entry = |(noun, edition, kind, at, (author, author_state), reason, open, sealed): RevisionRow| {
            Ok(HistoryEntry {
                noun,
                kind,
                edition,
                at,
                author,
                author_state,
                reason,
                open: serde_json::from_str(&open).map_err(|_| unreadable(root))?,
                sealed: super::split(&sealed)
                    .iter()
                    .filter_map(|code| SealedChange::coded(code.parse().ok()?))
                    .collect(),
            })
        };
        rows.into_iter().map(entry).collect()
    }

    /// Facts as they were recorded at a time: those of now, with every later change taken back; to a State, but for the changes that it made
    /// itself.
    ///
    /// # Errors
    /// The database's; [`Error::Corrupt`] when a revision cannot be read.
    pub(super) fn as_of<F: Serialize + DeserializeOwned>(
        &mut self,
        (noun, root): (Noun, Id),
        at: NaiveDateTime,
        facts: &F,
    ) -> Result<F> {
        let own = self.scope.state().map(str::to_owned);
        let later = self.history_of(root)?.into_iter().filter(|entry| {
            let anothers = own.is_none() || entry.author_state != own;
            // Children's revisions stand below the same root, and name their own fields.
            entry.noun == noun.name() && entry.at >= at && !BEGINNINGS.contains(&entry.kind.as_str()) && anothers
        });
        let mut then = fields(facts);
        for entry in later.collect::<Vec<_>>().into_iter().rev() {
            for (name, change) in entry.open {
                if let (Some(value), Some(from)) = (then.get_mut(&name), change.get("from")) {
                    *value = from.clone();
                }
            }
        }
        serde_json::from_value(Value::Object(then)).map_err(|_| unreadable(root))
    }
}

impl Read<'_> {
    /// When an open fact of a record last changed before a time.
    pub(super) fn moved_by(&mut self, record: Id, at: NaiveDateTime) -> Result<Option<NaiveDateTime>> {
        Ok(revision::table
            .filter(revision::record_id.eq(record))
            .filter(revision::made_at.lt(at))
            .filter(revision::open_changes.ne("{}"))
            .filter(revision::kind.ne(INCIDENT_RETURNED))
            .select(diesel::dsl::max(revision::made_at))
            .first(self.db)?)
    }
}

/// The kind of a revision that says that a link of a case was not accepted: nothing moved.
pub(super) const INCIDENT_RETURNED: &str = "incident_returned";

/// Kinds of revisions that begin a record: before them there is nothing to go back to.
const BEGINNINGS: [&str; 2] = ["created", "proposed"];

fn unreadable(root: Id) -> Error {
    Error::Corrupt { table: "revision", column: "open_changes", row: root.to_string() }
}

/// The hash of a revision, as its audit entry holds it.
pub(super) fn revision_hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

impl Write<'_> {
    /// Notes a change of a record; an edit that changes nothing leaves no trace.
    pub(super) fn note(&mut self, action: &'static str, subject: String, change: Change) {
        let is_edit = matches!(change.kind, "edited" | "amended");
        if is_edit && change.open.is_empty() && change.sealed.is_empty() {
            return;
        }
        self.journal.push(Noted { action, subject, detail: Value::Null, change: Some(change), narrows: None });
    }

    /// Notes a change of a record of its own, under its reference.
    pub(super) fn note_record(&mut self, action: &'static str, reference: &str, change: Change) {
        self.note(action, format!("{}/{reference}", change.noun.path()), change);
    }

    /// Says of what was noted last that it narrows: a line of the ledger is made of it.
    pub(super) fn narrows(&mut self, act: NarrowingAct) {
        if let Some(noted) = self.journal.last_mut() {
            noted.narrows = Some(act);
        }
    }

    /// Whether anything was noted: when nothing was, nothing is kept.
    pub fn has_noted(&self) -> bool {
        !self.journal.is_empty()
    }

    /// Notes an act that changes no record: a disclosure, a sign-in.
    pub fn note_act(&mut self, action: &'static str, subject: String, detail: Value) {
        self.journal.push(Noted { action, subject, detail, change: None, narrows: None });
    }

    /// Turns the journal into revisions and audit entries.
    pub(super) fn keep_journal(&mut self) -> Result<()> {
        for noted in std::mem::take(&mut self.journal) {
            let entry = Id::new();
            let mut detail = noted.detail;
            if let Some(change) = noted.change {
                let id = Id::new();
                let open = Value::Object(change.open).to_string();
                let codes: Vec<String> = change.sealed.iter().map(u16::to_string).collect();
                let sealed = codes.join(",");
                let author = self.actor();
                let at = self.now();
                let hash = revision_hash(&[
                    &id.to_string(),
                    change.noun.name(),
                    &change.record.to_string(),
                    change.kind,
                    &at.and_utc().to_rfc3339(),
                    &author.to_string(),
                    change.reason.as_deref().unwrap_or(""),
                    &open,
                    &sealed,
                ]);
                let names: Vec<&str> = change
                    .sealed
                    .iter()
                    .filter_map(|code| SealedChange::coded(*code))
                    .map(SealedChange::name)
                    .collect();
                detail = json!({
                    "revision": id.to_string(), "revision_sha256": hex::encode(hash), "root": change.root.to_string(),
                    "edition": change.edition, "kind": change.kind, "sealed": names,
                });
                diesel::insert_into(revision::table)
                    .values((
                        revision::id.eq(id),
                        revision::noun.eq(change.noun.name()),
                        revision::record_id.eq(change.record),
                        revision::root_id.eq(change.root),
                        revision::edition.eq(change.edition),
                        revision::kind.eq(change.kind),
                        revision::made_at.eq(at),
                        revision::author_id.eq(author),
                        revision::reason.eq(change.reason),
                        revision::open_changes.eq(open),
                        revision::sealed_changes.eq(sealed),
                        revision::audit_id.eq(entry),
                    ))
                    .execute(self.db)?;
            }
            if let Some(act) = noted.narrows {
                if !detail.is_object() {
                    detail = json!({});
                }
                detail[LEDGER] = json!(act);
            }
            self.audit_append(entry, noted.action, &noted.subject, &detail)?;
        }
        Ok(())
    }
}

/// Facts by the names of their fields, as history holds them.
pub(super) fn fields(facts: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(facts) {
        Ok(Value::Object(fields)) => fields,
        // Facts are structures: there is nothing else that they could be written as.
        _ => Map::new(),
    }
}

/// What differs between two sets of facts, by the names of their fields.
pub(super) fn changed<F: Serialize>(before: &F, after: &F) -> Map<String, Value> {
    differences(&fields(before), &fields(after))
}

/// All facts of a new record, as differences from nothing.
pub(super) fn created(facts: &impl Serialize) -> Map<String, Value> {
    all_new(&fields(facts))
}

/// What differs between two sets of open fields, by name.
pub(super) fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| {
            (name.clone(), json!({ "from": before.get(name).cloned().unwrap_or(Value::Null), "to": value }))
        })
        .collect()
}

/// All fields of a new record, as differences from nothing.
pub(super) fn all_new(after: &Map<String, Value>) -> Map<String, Value> {
    differences(&Map::new(), after).into_iter().filter(|(_, change)| !change["to"].is_null()).collect()
}
