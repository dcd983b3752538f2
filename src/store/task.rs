//! What waits for a person: each noun's room says what of it does.

use chrono::{NaiveDate, NaiveDateTime};
use strum::VariantArray as _;

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
