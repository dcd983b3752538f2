//! What waits for a person: each noun's room says what of it does.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use strum::VariantArray as _;

use super::db::Id;
use super::db::schema::revision;
use super::{Read, Result, room};
use crate::domain::{Noun, TaskKind};
use crate::policy::Viewer;

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What is to be done.
    pub kind: TaskKind,
    /// Path of the record.
    pub record: String,
    /// Since when it waits (UTC).
    pub since: NaiveDateTime,
    /// Until when it should be done; none where nothing says so.
    pub due_on: Option<NaiveDate>,
}

/// Tasks of one noun that are found, at most: who has more begins with the oldest.
pub(super) const MOST: i64 = 200;

/// An accepted record whose withdrawal somebody asks for.
pub(super) struct Asked {
    /// Permanent id.
    pub(super) id: Id,
    /// That of the record that it is part of, or its own.
    pub(super) root: Id,
    /// Path.
    pub(super) record: String,
}

/// A task for another officer, of each record whose withdrawal is asked for.
pub(super) fn withdrawals(r: &mut Read<'_>, asked: Vec<Asked>) -> Result<Vec<Task>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id> = asked.iter().map(|one| one.id).collect();
    let roots: Vec<Id> = asked.iter().map(|one| one.root).collect();
    let since: HashMap<Id, NaiveDateTime> = revision::table
        .filter(revision::root_id.eq_any(roots))
        .filter(revision::record_id.eq_any(ids))
        .filter(revision::kind.like("%withdrawal_asked"))
        .order(revision::made_at)
        .select((revision::record_id, revision::made_at))
        .load::<(Id, NaiveDateTime)>(r.db)?
        .into_iter()
        .collect();
    let task = |one: Asked| {
        let since = *since.get(&one.id)?;
        Some(Task { kind: TaskKind::Decide, record: one.record, since, due_on: None })
    };
    Ok(asked.into_iter().filter_map(task).collect())
}

impl Read<'_> {
    /// What waits for a viewer, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn task_list(&mut self, viewer: &Viewer) -> Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for noun in Noun::VARIANTS {
            tasks.extend((room(*noun).tasks)(self, viewer)?);
        }
        tasks.sort_by(|one, other| (one.since, &one.record).cmp(&(other.since, &other.record)));
        Ok(tasks)
    }
}
