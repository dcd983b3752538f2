//! What every noun's room offers the rooms that look through all of them: the records that a disclosure is about, those in which a person may be
//! named, and what waits for a viewer.

use std::collections::HashMap;

use diesel::prelude::*;

use super::db::Id;
use super::db::schema::{account, revision};
use super::task::Task;
use super::{Error, Read, Result, split};
use crate::domain::{Noun, SealedChange, SealedField};
use crate::policy::{AccessContext, Viewer};

/// One record under judgement.
pub(super) struct Candidate {
    pub(super) noun: Noun,
    pub(super) record: Id,
    pub(super) holder: Id,
    pub(super) path: String,
    pub(super) facts: AccessContext,
    /// Codes of the fields whose value the viewer, or the viewer's State, typed.
    typed: Vec<u16>,
}

impl Candidate {
    /// A record whose values hang below itself.
    pub(super) fn of(noun: Noun, record: Id, path: String, facts: AccessContext) -> Self {
        Self { noun, record, holder: record, path, facts, typed: Vec::new() }
    }

    /// The same record, whose values hang below a row of one edition.
    pub(super) fn held_by(self, holder: Id) -> Self {
        Self { holder, ..self }
    }

    /// How the viewer stands to one of its fields.
    pub(super) fn facts_of(&self, field: &SealedField) -> AccessContext {
        self.facts.to_value(self.typed.contains(&field.code))
    }
}

/// A record with its parts, and the mission that answers for it.
pub(super) type Candidates = (Vec<Candidate>, Option<String>);

/// What is around a person.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// Incidents.
    pub(super) incidents: Vec<Id>,
    /// Cases over these.
    pub(super) cases: Vec<Id>,
    /// Proceedings that serve these.
    pub(super) proceedings: Vec<Id>,
    /// Records that were found so far, each with its path.
    pub(super) found: Vec<(Id, String)>,
}

/// Finds what a disclosure of a reference is about.
type FindCandidates = fn(&mut Read<'_>, &Viewer, &str) -> Result<Candidates>;
/// Finds the noun's records around a person, in whose free text they may be named, each with its path. For the operator, who has no scope.
type FindNear = fn(&mut Read<'_>, &Surroundings) -> Result<Vec<(Id, String)>>;
/// Finds what of the noun waits for a viewer.
type FindTasks = fn(&mut Read<'_>, &Viewer) -> Result<Vec<Task>>;

/// What a noun's room offers.
pub(super) struct Room {
    /// None of nouns that no disclosure names.
    pub(super) candidates: Option<FindCandidates>,
    pub(super) near: FindNear,
    pub(super) tasks: FindTasks,
}

impl Room {
    /// The room of a noun whose records are found with the record that they are part of.
    pub(super) const PART: Self = Self { candidates: None, near: |_, _| Ok(Vec::new()), tasks: |_, _| Ok(Vec::new()) };
}

impl Read<'_> {
    /// The records that a disclosure of this reference is about.
    pub(super) fn candidates(&mut self, viewer: &Viewer, noun: Noun, reference: &str) -> Result<Candidates> {
        let candidates = super::room(noun).candidates.ok_or(Error::NotFound)?;
        candidates(self, viewer, reference)
    }

    /// Tells of each of these records which fields the viewer typed, or of a State's viewer the State: who wrote a value last.
    pub(super) fn typed(&mut self, viewer: &Viewer, root: Id, mut all: Vec<Candidate>) -> Result<Vec<Candidate>> {
        let rows: Vec<(Id, String, Id, Option<String>)> = revision::table
            .inner_join(account::table.on(account::id.eq(revision::author_id)))
            .filter(revision::root_id.eq(root))
            .filter(revision::sealed_changes.ne(""))
            .order((revision::made_at, revision::id))
            .select((revision::record_id, revision::sealed_changes, revision::author_id, account::state))
            .load(self.db)?;
        let own = |author: Id, state: &Option<String>| match &viewer.state {
            Some(of) => state.as_ref() == Some(of),
            None => author.0 == viewer.account,
        };
        let mut last: HashMap<(Id, u16), bool> = HashMap::new();
        for (record, codes, author, state) in &rows {
            for code in split(codes).iter().filter_map(|code| code.parse::<u16>().ok()) {
                for field in SealedChange::coded(code).into_iter().flat_map(SealedChange::fields) {
                    last.insert((*record, field.code), own(*author, state));
                }
            }
        }
        for one in &mut all {
            // What came with a report stands in the report's own revision.
            let is_own =
                |code: &u16| last.get(&(one.record, *code)).or_else(|| last.get(&(root, *code))) == Some(&true);
            one.typed = SealedField::of(one.noun).map(|field| field.code).filter(is_own).collect();
        }
        Ok(all)
    }
}
