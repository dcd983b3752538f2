//! Splitting and merging: when what was imported as one incident was several, or the other way round.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::row::{EditionRow, VictimRow};
use super::write::Origin;
use super::{EditionChoice, Incident, NewIncident};
use crate::domain::{IncidentState, Noun};
use crate::store::db::schema::{incident, incident_edition as e, victim};
use crate::store::{Error, Result, Write};

impl Write<'_> {
    /// Moves victims of an incident to a new one of the same facts. Their records and ciphertexts stay what they are.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no victim, or every one, would move, or a state allows no edit.
    pub fn incident_split(&mut self, from: &Incident, handles: &[String]) -> Result<Incident> {
        let mut source = self.edition_to_edit(from)?;
        let rows: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(source.id)).order(victim::position).load(self.db)?;
        let moved: Vec<VictimRow> = rows.iter().filter(|row| handles.contains(&row.handle)).cloned().collect();
        if moved.is_empty() || moved.len() == rows.len() || moved.len() != handles.len() {
            return Err(Error::Conflict("name some, and not all, of the incident's victims".into()));
        }
        let origin = if from.public_file { Origin::PublicFile } else { Origin::Person };
        let new =
            NewIncident { facts: from.facts.clone(), sealed: Vec::new(), victims: Vec::new(), suspects: Vec::new() };
        let made = self.incident_make(&new, origin)?;
        let mut into: EditionRow = e::table.find(made.edition).first(self.db)?;
        self.victims_move(&moved, &mut into, 0)?;
        self.edition_recount(&mut source)?;
        let open = Map::from_iter([("split_into".to_owned(), json!({ "from": null, "to": made.reference }))]);
        self.note_incident("incident.split", Noun::Incident, source.incident_id, &source, "split", open, Vec::new());
        self.incident_again(&made.reference)
    }

    /// Moves all victims of one incident to another, and withdraws the first, which stays a record.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Conflict`] when both are one, or a state allows no edit.
    pub fn incident_merge(&mut self, from: &Incident, into_reference: &str) -> Result<Incident> {
        let into = self.incident_get(into_reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        if into.id == from.id || from.state == IncidentState::Withdrawn {
            return Err(Error::Conflict("an incident is merged into another one".into()));
        }
        let mut target = self.edition_to_edit(&into)?;
        let moved: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(from.edition)).order(victim::position).load(self.db)?;
        let last: Option<i32> = victim::table
            .filter(victim::edition_id.eq(target.id))
            .select(diesel::dsl::max(victim::position))
            .first(self.db)?;
        let first = last.map_or(0, |last| last + 1);
        for (position, row) in (first..).zip(&moved) {
            self.victim_copy(row, &target, position)?;
        }
        self.edition_recount(&mut target)?;
        diesel::update(e::table.find(from.edition))
            .set((
                e::state.eq(crate::domain::Code::code(IncidentState::Withdrawn)),
                e::is_released.eq(false),
                e::updated_at.eq(self.now()),
            ))
            .execute(self.db)?;
        diesel::update(e::table.filter(e::incident_id.eq(from.id))).set(e::is_released.eq(false)).execute(self.db)?;
        diesel::update(incident::table.find(from.id)).set(incident::merged_into.eq(into.id)).execute(self.db)?;
        self.concern_end(from.id)?;
        let source: EditionRow = e::table.find(from.edition).first(self.db)?;
        let open = Map::from_iter([("merged_into".to_owned(), json!({ "from": null, "to": into.reference }))]);
        self.note_incident("incident.merge", Noun::Incident, from.id, &source, "merged", open, Vec::new());
        let open = Map::from_iter([("merged_from".to_owned(), json!({ "from": null, "to": from.reference }))]);
        self.note_incident("incident.merge", Noun::Incident, into.id, &target, "merged", open, Vec::new());
        self.incident_again(into_reference)
    }

    fn victims_move(&mut self, moved: &[VictimRow], into: &mut EditionRow, first: i32) -> Result<()> {
        for (position, row) in (first..).zip(moved) {
            diesel::update(victim::table.find(row.id))
                .set((victim::edition_id.eq(into.id), victim::position.eq(position)))
                .execute(self.db)?;
        }
        self.edition_recount(into)
    }

    /// Counts victims anew. What was public stays so: its rows only moved.
    fn edition_recount(&mut self, row: &mut EditionRow) -> Result<()> {
        let public = row.public_file;
        self.edition_save(row, &[], true)?;
        if public {
            diesel::update(e::table.find(row.id)).set(e::public_file.eq(true)).execute(self.db)?;
        }
        Ok(())
    }
}
