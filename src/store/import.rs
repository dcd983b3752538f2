//! What was imported: each row kept raw beside what was made of it, and the incidents that the public file gives.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::json;

use super::db::Id;
use super::db::schema::{import, import_row, incident};
use super::incident::{EditionChoice, Incident, NewIncident, NewVictim};
use super::{Error, Read, Result, Write};

/// A row as the file had it.
#[derive(Debug, Clone)]
pub struct RawRow {
    /// Line in the file.
    pub line: i32,
    /// What identifies the row in every vintage: the casualty id.
    pub key: String,
    /// The row's fields, as a JSON object.
    pub raw: String,
}

/// What an earlier import made of a row.
#[derive(Debug, Clone)]
pub struct ImportedVictim {
    /// The raw row of the newest vintage.
    pub raw: String,
    /// That vintage.
    pub vintage: NaiveDate,
    /// The incident: id and reference.
    pub incident: Option<(Id, String)>,
}

/// Key, raw row, vintage, and the incident that was made of it.
type KeptRow = (String, String, NaiveDate, Option<(Id, String)>);

impl Read<'_> {
    /// What earlier imports of a source made, by key; of each the newest vintage.
    ///
    /// # Errors
    /// The database's.
    pub fn imported(&mut self, source: &str) -> Result<HashMap<String, ImportedVictim>> {
        let rows: Vec<KeptRow> = import_row::table
            .inner_join(import::table.on(import::id.eq(import_row::import_id)))
            .left_join(incident::table.on(incident::id.nullable().eq(import_row::incident_id)))
            .filter(import::source.eq(source))
            .order((import_row::vintage, import_row::id))
            .select((
                import_row::key,
                import_row::raw,
                import_row::vintage,
                (incident::id, incident::reference).nullable(),
            ))
            .load(self.db)?;
        Ok(rows
            .into_iter()
            .map(|(key, raw, vintage, incident)| (key, ImportedVictim { raw, vintage, incident }))
            .collect())
    }

    /// The raw rows that an incident was made of, oldest vintage first: for mission and Secretariat.
    ///
    /// # Errors
    /// The database's.
    pub fn raw_rows(&mut self, of: &Incident) -> Result<Vec<(NaiveDate, String)>> {
        if !self.scope.is_inside() {
            return Ok(Vec::new());
        }
        Ok(import_row::table
            .filter(import_row::incident_id.eq(of.id))
            .order((import_row::vintage, import_row::line))
            .select((import_row::vintage, import_row::raw))
            .load(self.db)?)
    }
}

impl Write<'_> {
    /// Begins an import; its rows follow in the same transaction.
    ///
    /// # Errors
    /// The database's.
    pub fn import_begin(&mut self, source: &str, sha256: &[u8], vintage: NaiveDate) -> Result<Id> {
        let id = Id::new();
        diesel::insert_into(import::table)
            .values((
                import::id.eq(id),
                import::source.eq(source),
                import::sha256.eq(sha256),
                import::vintage.eq(vintage),
                import::made_at.eq(self.now()),
                import::account_id.eq(self.actor()),
            ))
            .execute(self.db)?;
        self.note_act(
            "import.create",
            format!("imports/{id}"),
            json!({ "source": source, "vintage": vintage, "sha256": hex::encode(sha256) }),
        );
        Ok(id)
    }

    /// Keeps a raw row beside the incident that it belongs to.
    ///
    /// # Errors
    /// The database's.
    pub fn import_keep(&mut self, import: Id, row: &RawRow, vintage: NaiveDate, of: Option<Id>) -> Result<()> {
        diesel::insert_into(import_row::table)
            .values((
                import_row::id.eq(Id::new()),
                import_row::import_id.eq(import),
                import_row::line.eq(row.line),
                import_row::key.eq(&row.key),
                import_row::raw.eq(&row.raw),
                import_row::vintage.eq(vintage),
                import_row::incident_id.eq(of),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// Makes an incident out of rows of the public file: verified, since publication verifies.
    ///
    /// # Errors
    /// The database's.
    pub fn incident_import(&mut self, new: &NewIncident) -> Result<Incident> {
        self.incident_make(new, super::incident::Origin::PublicFile)
    }

    /// Adds a victim of the public file to an incident that an earlier import made: to the incident as it is while it is
    /// verified only, else to an amendment.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the incident's state allows no edit.
    pub fn victim_import(&mut self, reference: &str, new: &NewVictim) -> Result<Incident> {
        let incident = self.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        Ok(self.victim_create(&incident, new)?.0)
    }
}
