//! Erasing one person: the record's data keys are emptied, and the ledger says so.

use diesel::prelude::*;
use serde_json::json;

use super::archive::empty_keys;
use super::db::Id;
use super::db::schema::{accused, erasure, incident, incident_edition, proceeding, suspect, victim};
use super::{Error, Result, Store, Write};
use crate::policy::Viewer;

impl Store {
    /// Erases what is sealed of the record at this path. Gives how many data keys were emptied.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such record; the database's.
    pub fn erase(&self, viewer: &Viewer, path: &str) -> Result<usize> {
        self.write(viewer, |w| {
            let record = w.person_at(path)?.ok_or(Error::NotFound)?;
            let emptied = empty_keys(w.db, record)?;
            let known: i64 = erasure::table.filter(erasure::record_id.eq(record)).count().get_result(w.db)?;
            if known == 0 {
                diesel::insert_into(erasure::table)
                    .values((erasure::record_id.eq(record), erasure::erased_at.eq(w.now())))
                    .execute(w.db)?;
            }
            w.note_act("record.erase", path.to_owned(), json!({ "data_keys": emptied }));
            Ok(emptied)
        })
    }
}

impl Write<'_> {
    /// The permanent id of a victim, suspect or accused, in whichever edition. For the operator, who has no scope and sees
    /// nothing of it.
    fn person_at(&mut self, path: &str) -> Result<Option<Id>> {
        let parts: Vec<&str> = path.split('/').collect();
        let found = match parts[..] {
            ["incidents", reference, "victims", handle] => victim::table
                .inner_join(incident_edition::table.on(incident_edition::id.eq(victim::edition_id)))
                .inner_join(incident::table.on(incident::id.eq(incident_edition::incident_id)))
                .filter(incident::reference.eq(reference))
                .filter(victim::handle.eq(handle))
                .select(victim::victim_id)
                .first(self.db)
                .optional()?,
            ["incidents", reference, "suspects", handle] => suspect::table
                .inner_join(incident_edition::table.on(incident_edition::id.eq(suspect::edition_id)))
                .inner_join(incident::table.on(incident::id.eq(incident_edition::incident_id)))
                .filter(incident::reference.eq(reference))
                .filter(suspect::handle.eq(handle))
                .select(suspect::suspect_id)
                .first(self.db)
                .optional()?,
            ["proceedings", reference, "accused", number] => {
                let Ok(number) = number.parse::<i32>() else { return Ok(None) };
                accused::table
                    .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
                    .filter(proceeding::reference.eq(reference))
                    .filter(accused::number.eq(number))
                    .select(accused::id)
                    .first(self.db)
                    .optional()?
            }
            _ => None,
        };
        Ok(found)
    }
}
