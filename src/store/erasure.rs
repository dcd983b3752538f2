//! Erasing one person: the record's data keys are emptied, the ledger says so, and the free text in which they may be named is
//! listed for a human to look at.

use diesel::prelude::*;
use serde_json::json;

use super::archive::empty_keys;
use super::db::Id;
use super::db::schema::{
    accused, accused_incident, assistance, assistance_case, case_file, case_incident, disclosure, erasure, import_row,
    incident, incident_edition, proceeding, proceeding_case, revision, sealed_value, suspect, victim,
};
use super::{Error, Result, Store, Write};
use crate::domain::SealedField;
use crate::policy::Viewer;

/// What an erasure did, and left.
#[derive(Debug)]
pub struct Erasure {
    /// Data keys that were emptied.
    pub data_keys: usize,
    /// Records with free text in which the person may be named, each with its fields.
    pub free_text: Vec<(String, Vec<&'static str>)>,
}

/// A sealed field from this many characters on is text in which anybody may be named.
const FREE: usize = 1_000;

impl Store {
    /// Erases what is sealed of the record at this path. Gives what was emptied, and what a person must look at.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such record; the database's.
    pub fn erase(&self, viewer: &Viewer, path: &str) -> Result<Erasure> {
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
            Ok(Erasure { data_keys: emptied, free_text: w.free_text(path)? })
        })
    }
}

impl Write<'_> {
    /// Records around a person's in which free text is held: the incidents, cases, proceedings and assistance that hang together
    /// with it, notes of disclosures, reasons of changes, and rows of imported files.
    fn free_text(&mut self, path: &str) -> Result<Vec<(String, Vec<&'static str>)>> {
        let parts: Vec<&str> = path.split('/').collect();
        let (mut incidents, mut proceedings): (Vec<Id>, Vec<Id>) = (Vec::new(), Vec::new());
        match parts[..] {
            ["incidents", reference, ..] => {
                incidents =
                    incident::table.filter(incident::reference.eq(reference)).select(incident::id).load(self.db)?;
            }
            ["proceedings", reference, ..] => {
                proceedings = proceeding::table
                    .filter(proceeding::reference.eq(reference))
                    .select(proceeding::id)
                    .load(self.db)?;
                incidents = accused_incident::table
                    .inner_join(accused::table.on(accused::id.eq(accused_incident::accused_id)))
                    .filter(accused::proceeding_id.eq_any(&proceedings))
                    .select(accused_incident::incident_id)
                    .load(self.db)?;
            }
            _ => {}
        }
        let cases: Vec<Id> = case_incident::table
            .filter(case_incident::incident_id.eq_any(&incidents))
            .select(case_incident::case_id)
            .distinct()
            .load(self.db)?;
        let serving: Vec<Id> = proceeding_case::table
            .filter(proceeding_case::case_id.eq_any(&cases))
            .select(proceeding_case::proceeding_id)
            .distinct()
            .load(self.db)?;
        proceedings.extend(serving.into_iter().filter(|id| !proceedings.contains(id)).collect::<Vec<_>>());
        let helping: Vec<Id> = assistance_case::table
            .filter(assistance_case::case_id.eq_any(&cases))
            .select(assistance_case::assistance_id)
            .distinct()
            .load(self.db)?;

        let mut named: Vec<(Id, String)> = Vec::new();
        let incidents: Vec<(Id, String)> = incident::table
            .filter(incident::id.eq_any(incidents))
            .select((incident::id, incident::reference))
            .load(self.db)?;
        named.extend(incidents.iter().map(|(id, reference)| (*id, format!("incidents/{reference}"))));
        let found: Vec<(Id, String)> = case_file::table
            .filter(case_file::id.eq_any(cases))
            .select((case_file::id, case_file::reference))
            .load(self.db)?;
        named.extend(found.into_iter().map(|(id, reference)| (id, format!("cases/{reference}"))));
        let found: Vec<(Id, String)> = proceeding::table
            .filter(proceeding::id.eq_any(&proceedings))
            .select((proceeding::id, proceeding::reference))
            .load(self.db)?;
        named.extend(found.into_iter().map(|(id, reference)| (id, format!("proceedings/{reference}"))));
        let found: Vec<(Id, String, i32)> = accused::table
            .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
            .filter(proceeding::id.eq_any(&proceedings))
            .select((accused::id, proceeding::reference, accused::number))
            .load(self.db)?;
        named.extend(found.into_iter().map(|(id, of, number)| (id, format!("proceedings/{of}/accused/{number}"))));
        let found: Vec<(Id, String)> = assistance::table
            .filter(assistance::id.eq_any(helping))
            .select((assistance::id, assistance::reference))
            .load(self.db)?;
        named.extend(found.into_iter().map(|(id, reference)| (id, format!("assistance/{reference}"))));
        let roots: Vec<Id> = named.iter().map(|(id, _)| *id).collect();
        let noted: Vec<Id> =
            disclosure::table.filter(disclosure::root_id.eq_any(&roots)).select(disclosure::id).load(self.db)?;
        named.extend(noted.into_iter().map(|id| (id, format!("disclosures/{id}"))));

        let mut listed: Vec<(String, Vec<&'static str>)> = Vec::new();
        for (id, path) in &named {
            let held: Vec<i32> = sealed_value::table
                .filter(sealed_value::record_id.eq(id))
                .select(sealed_value::field)
                .distinct()
                .order(sealed_value::field)
                .load(self.db)?;
            let fields = held.into_iter().filter_map(|code| SealedField::coded(u16::try_from(code).ok()?));
            let fields: Vec<&str> = fields.filter(|field| field.longest >= FREE).map(|field| field.name).collect();
            if !fields.is_empty() {
                listed.push((path.clone(), fields));
            }
            let reasons: i64 = revision::table
                .filter(revision::root_id.eq(id))
                .filter(revision::reason.is_not_null())
                .count()
                .get_result(self.db)?;
            if reasons > 0 {
                listed.push((format!("{path}/history"), vec!["reason"]));
            }
        }
        for (id, reference) in incidents {
            let rows: i64 = import_row::table.filter(import_row::incident_id.eq(id)).count().get_result(self.db)?;
            if rows > 0 {
                listed.push((format!("incidents/{reference}/source-rows"), vec!["raw"]));
            }
        }
        Ok(listed)
    }

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
