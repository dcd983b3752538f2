//! Records found from either side: the cases and proceedings of an incident, and the incidents of those. As far as the scope sees them, and of a
//! State that a record is withheld from, as they were linked until then.

use diesel::prelude::*;

use super::case::Case;
use super::db::Id;
use super::db::schema::{case_incident, proceeding_case};
use super::incident::{EditionChoice, Incident};
use super::proceeding::Proceeding;
use super::{Read, Result};
use crate::domain::{Code, SubmissionStatus};

impl Read<'_> {
    /// The cases of an incident.
    ///
    /// # Errors
    /// The database's.
    pub fn cases_of_incident(&mut self, incident: &Incident) -> Result<Vec<Case>> {
        let linked = case_incident::table.filter(case_incident::incident_id.eq(incident.id)).filter(
            case_incident::status.eq(SubmissionStatus::Accepted.code()).or(case_incident::ended_at.is_not_null()),
        );
        let ids: Vec<Id> = linked.select(case_incident::case_id).load(self.db)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut cases = Vec::new();
        for case in self.cases_of(&ids)? {
            let of = self.case_incidents(&case, SubmissionStatus::Accepted)?;
            if of.iter().any(|one| one.id == incident.id) {
                cases.push(case);
            }
        }
        Ok(cases)
    }

    /// The proceedings that serve a case of an incident.
    ///
    /// # Errors
    /// The database's.
    pub fn proceedings_of_incident(&mut self, incident: &Incident) -> Result<Vec<Proceeding>> {
        let mut ids: Vec<Id> = Vec::new();
        let cases: Vec<Id> = self.cases_of_incident(incident)?.into_iter().map(|case| case.id).collect();
        if !cases.is_empty() {
            ids = self.proceedings_of_cases(&cases)?;
        }
        if ids.is_empty() { Ok(Vec::new()) } else { self.proceedings_of(&ids) }
    }

    /// The cases of an incident, by its reference: what a list is narrowed to.
    pub(super) fn case_ids_of_incident(&mut self, reference: &str) -> Result<Vec<Id>> {
        let Some(incident) = self.incident_get(reference, EditionChoice::Working)? else { return Ok(Vec::new()) };
        Ok(self.cases_of_incident(&incident)?.into_iter().map(|case| case.id).collect())
    }

    /// The cases that a proceeding serves, by its reference.
    pub(super) fn case_ids_of_proceeding(&mut self, reference: &str) -> Result<Vec<Id>> {
        let Some(proceeding) = self.proceeding_get(reference)? else { return Ok(Vec::new()) };
        Ok(self.proceeding_cases(&proceeding)?.into_iter().map(|case| case.id).collect())
    }

    /// The proceedings that serve a case of an incident, by the incident's reference.
    pub(super) fn proceeding_ids_of_incident(&mut self, reference: &str) -> Result<Vec<Id>> {
        let cases = self.case_ids_of_incident(reference)?;
        let linked = proceeding_case::table.filter(proceeding_case::case_id.eq_any(cases));
        Ok(linked.select(proceeding_case::proceeding_id).load(self.db)?)
    }

    /// The incidents of a case, by its reference.
    pub(super) fn incident_ids_of_case(&mut self, reference: &str) -> Result<Vec<Id>> {
        let Some(case) = self.case_get(reference)? else { return Ok(Vec::new()) };
        Ok(self.case_incidents(&case, SubmissionStatus::Accepted)?.into_iter().map(|one| one.id).collect())
    }

    /// The incidents of the cases that a proceeding serves, by its reference.
    pub(super) fn incident_ids_of_proceeding(&mut self, reference: &str) -> Result<Vec<Id>> {
        let Some(proceeding) = self.proceeding_get(reference)? else { return Ok(Vec::new()) };
        let mut ids = Vec::new();
        for case in self.proceeding_cases(&proceeding)? {
            ids.extend(self.case_incidents(&case, SubmissionStatus::Accepted)?.into_iter().map(|one| one.id));
        }
        Ok(ids)
    }
}
