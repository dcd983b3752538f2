//! What was imported: each row kept raw beside what was made of it, and the incidents that the public file gives.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::dsl::max;
use diesel::prelude::*;
use serde_json::json;

use super::db::Id;
use super::db::schema::{import, import_row, incident, incident_edition as e, victim};
use super::incident::{EditionChoice, Incident, NewIncident, NewVictim, Saved};
use super::{Error, Read, Result, Write};
use crate::domain::IncidentStatus;

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

/// An incident that the public file gave.
#[derive(Debug, Clone)]
pub struct ImportedPlace {
    /// Its reference.
    pub reference: String,
    /// Whether a victim can be added to it now.
    pub open: bool,
    /// Whether it is released: a victim that is added begins an amendment, which somebody submits.
    pub released: bool,
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

    /// The newest vintage of a source that was imported.
    ///
    /// # Errors
    /// The database's.
    pub fn vintage_newest(&mut self, source: &str) -> Result<Option<NaiveDate>> {
        Ok(import::table.filter(import::source.eq(source)).select(max(import::vintage)).first(self.db)?)
    }

    /// Where rows of a mission and a day belong: the incidents that a source gave, as they are now.
    ///
    /// # Errors
    /// The database's.
    pub fn imported_places(&mut self, source: &str) -> Result<HashMap<(String, NaiveDate), ImportedPlace>> {
        let made = import_row::table
            .inner_join(import::table.on(import::id.eq(import_row::import_id)))
            .filter(import::source.eq(source))
            .select(import_row::incident_id);
        let rows: Vec<(String, NaiveDate, String, String, bool)> = e::table
            .inner_join(incident::table.on(incident::id.eq(e::incident_id)))
            .filter(e::is_current.eq(true))
            .filter(incident::merged_into.is_null())
            .filter(e::incident_id.nullable().eq_any(made))
            .order(e::reference.desc())
            .select((e::mission, e::occurred_on, e::reference, e::status, e::public_file))
            .load(self.db)?;
        let mut places: HashMap<(String, NaiveDate), ImportedPlace> = HashMap::new();
        for (mission, on, reference, status, public) in rows {
            let status = super::code(&status, "incident_edition", "status", &reference)?;
            // A record of the day that was withdrawn stands for nothing: what comes now is a record of its own.
            if status == IncidentStatus::Withdrawn {
                continue;
            }
            let open = match status {
                IncidentStatus::Draft | IncidentStatus::Returned | IncidentStatus::Released => true,
                IncidentStatus::Verified => public,
                IncidentStatus::Submitted | IncidentStatus::Withdrawn => false,
            };
            let place = ImportedPlace { reference, open, released: status == IncidentStatus::Released };
            let known = places.entry((mission, on)).or_insert_with(|| place.clone());
            if open || !known.open {
                *known = place;
            }
        }
        Ok(places)
    }

    /// The raw rows that an incident was made of, oldest vintage first: for mission and Secretariat.
    ///
    /// # Errors
    /// The database's.
    pub fn raw_rows(&mut self, of: &Incident) -> Result<Vec<(NaiveDate, String)>> {
        if !self.scope.is_inside() {
            return Ok(Vec::new());
        }
        let keys: Vec<Option<String>> =
            victim::table.filter(victim::edition_id.eq(of.edition)).select(victim::noticas_id).load(self.db)?;
        let keys: Vec<String> = keys.into_iter().flatten().collect();
        Ok(import_row::table
            .filter(import_row::key.eq_any(keys))
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
        Ok(self.victim_add(&incident, new, Saved::PublicFile)?.0)
    }
}
