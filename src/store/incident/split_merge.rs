//! Splitting and merging: when what was imported as one incident was several, or the other way round.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::fields::incident_fields;
use super::row::{Edition, EditionRow, SuspectRow, VictimRow};
use super::write::{Origin, Saved};
use super::{EditionChoice, Incident, NewIncident};
use crate::domain::{IncidentStatus, Noun};
use crate::store::db::Id;
use crate::store::db::schema::{accused_incident, case_incident, incident, incident_edition as e, suspect, victim};
use crate::store::{Error, Result, Write};

impl Write<'_> {
    /// Moves victims of an incident to a new one of the same facts. Their records and ciphertexts stay what they are.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no victim, or every one, would move, or a state allows no edit.
    pub fn incident_split(&mut self, from: &Incident, handles: &[String]) -> Result<Incident> {
        not_released(&[from])?;
        let mut source = self.edition_to_edit(from)?;
        let rows: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(source.row.id)).order(victim::position).load(self.db)?;
        let moved: Vec<VictimRow> = rows.iter().filter(|row| handles.contains(&row.handle)).cloned().collect();
        if moved.is_empty() || moved.len() == rows.len() || moved.len() != handles.len() {
            return Err(Error::Conflict("Select at least one victim, but not all of them.".into()));
        }
        let (origin, saved) =
            if from.public_file { (Origin::PublicFile, Saved::PublicFile) } else { (Origin::Person, Saved::Open) };
        let new =
            NewIncident { facts: from.facts.clone(), sealed: Vec::new(), victims: Vec::new(), suspects: Vec::new() };
        let made = self.incident_make(&new, origin)?;
        let mut into = Edition::find(self.db, made.edition)?;
        for (position, row) in (0..).zip(&moved) {
            diesel::update(victim::table.find(row.id))
                .set((victim::edition_id.eq(into.row.id), victim::position.eq(position)))
                .execute(self.db)?;
        }
        self.edition_save(&mut into, &[], saved)?;
        self.edition_save(&mut source, &[], saved)?;
        let open = Map::from_iter([("split_into".to_owned(), json!({ "from": null, "to": made.reference }))]);
        self.note_incident("incident.split", Noun::Incident, from.id, &source.row, "split", open, Vec::new());
        self.incident_again(&made.reference)
    }

    /// What two incidents say otherwise, by member: the first, and the second. Merged, the second is what stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope.
    pub fn incidents_compared(&mut self, from: &Incident, into: &str) -> Result<Vec<(String, String, String)>> {
        let into = self.incident_get(into, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        let (one, other) = (incident_fields(&from.facts), incident_fields(&into.facts));
        let said = |value: Option<&Value>| match value {
            None | Some(Value::Null) => "nothing".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        // What says nothing loses nothing.
        let says =
            |value: &Value| !(value.is_null() || *value == 0 || *value == "not_known" || *value == "not_identified");
        let differing = one.iter().filter(|(name, value)| says(value) && other.get(*name) != Some(value));
        Ok(differing.map(|(name, value)| (name.clone(), said(Some(value)), said(other.get(name)))).collect())
    }

    /// Moves all victims and suspects of one incident to another, and withdraws the first, which stays a record.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Conflict`] when both are one, or a state allows no edit.
    pub fn incident_merge(&mut self, from: &Incident, into_reference: &str) -> Result<Incident> {
        let into = self.incident_get(into_reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        if into.id == from.id || from.status == IncidentStatus::Withdrawn {
            return Err(Error::Conflict(
                "You cannot merge an incident into itself, or merge a withdrawn incident.".into(),
            ));
        }
        not_released(&[from, &into])?;
        let mut target = self.edition_to_edit(&into)?;
        let moved: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(from.edition)).order(victim::position).load(self.db)?;
        let last: Option<i32> = victim::table
            .filter(victim::edition_id.eq(target.row.id))
            .select(diesel::dsl::max(victim::position))
            .first(self.db)?;
        let first = last.map_or(0, |last| last + 1);
        for (position, row) in (first..).zip(&moved) {
            self.victim_copy(row, &target.row, position)?;
        }
        let suspects: Vec<SuspectRow> =
            suspect::table.filter(suspect::edition_id.eq(from.edition)).order(suspect::position).load(self.db)?;
        let last: Option<i32> = suspect::table
            .filter(suspect::edition_id.eq(target.row.id))
            .select(diesel::dsl::max(suspect::position))
            .first(self.db)?;
        for (position, row) in (last.map_or(0, |last| last + 1)..).zip(suspects) {
            self.suspect_copy(row, &target.row, position)?;
        }
        let saved = if from.public_file && into.public_file { Saved::PublicFile } else { Saved::Open };
        self.edition_save(&mut target, &[], saved)?;
        self.incident_links_move(from.id, into.id)?;
        diesel::update(e::table.find(from.edition))
            .set((
                e::status.eq(crate::domain::Code::code(IncidentStatus::Withdrawn)),
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
        self.note_incident("incident.merge", Noun::Incident, into.id, &target.row, "merged", open, Vec::new());
        self.incident_again(into_reference)
    }

    /// Whatever spoke of one incident speaks of the other too: its cases, and the accused linked to it.
    fn incident_links_move(&mut self, from: Id, into: Id) -> Result<()> {
        let in_cases =
            |id: Id| case_incident::table.filter(case_incident::incident_id.eq(id)).select(case_incident::case_id);
        let (had, has): (Vec<Id>, Vec<Id>) = (in_cases(from).load(self.db)?, in_cases(into).load(self.db)?);
        for case in had.into_iter().filter(|case| !has.contains(case)) {
            self.case_incident_add(case, into)?;
        }
        let accused = |id: Id| {
            accused_incident::table.filter(accused_incident::incident_id.eq(id)).select(accused_incident::accused_id)
        };
        let (had, has): (Vec<Id>, Vec<Id>) = (accused(from).load(self.db)?, accused(into).load(self.db)?);
        for one in had.into_iter().filter(|one| !has.contains(one)) {
            diesel::insert_into(accused_incident::table)
                .values((accused_incident::accused_id.eq(one), accused_incident::incident_id.eq(into)))
                .execute(self.db)?;
        }
        Ok(())
    }
}

/// A released record cannot be split or merged: half of that would be seen at once, and half after another release.
fn not_released(incidents: &[&Incident]) -> Result<()> {
    if incidents.iter().any(|incident| incident.status == IncidentStatus::Released || incident.amends) {
        return Err(Error::Conflict("Only incidents that were never released can be split or merged.".into()));
    }
    Ok(())
}
