//! Opening, changing and moving cases.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Map, json};

use super::{Case, CaseFactsRow, CaseRow};
use crate::domain::{CaseFacts, CaseStatus, Code, Noun, Ruling, Stage, SubmissionStatus, case_transition};
use crate::policy::Ending;
use crate::store::db::schema::{case_event, case_file, case_incident};
use crate::store::db::{Coded, Id};
use crate::store::history::{Change, INCIDENT_RETURNED, changed, created};
use crate::store::incident::{EditionChoice, Incident};
use crate::store::verdict::Accepted;
use crate::store::{Error, Grounds, Result, SealedInput, Verdict, Write, named, random_tag};

impl Write<'_> {
    /// Opens a case over incidents within scope.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an incident is out of scope; the database's.
    pub fn case_create(&mut self, facts: &CaseFacts, incidents: &[String], sealed: &SealedInput) -> Result<Case> {
        let ids = self.incident_ids(incidents)?;
        let (id, now) = (Id::new(), self.now());
        let year = chrono::Datelike::year(&facts.opened_on);
        let reference = self.free_reference(Noun::Case, &facts.mission, year, |w, reference| {
            Ok(case_file::table.filter(case_file::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = CaseRow {
            id,
            reference,
            facts: CaseFactsRow::of(facts),
            status: Coded(CaseStatus::Open),
            stage_furthest: Coded(Stage::NoInformation),
            stage_current: Stage::NoInformation.code().into(),
            tag_confidential: random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(case_file::table).values(row.clone()).execute(self.db)?;
        self.case_event(id, CaseStatus::Open, facts.opened_on)?;
        for incident in ids {
            diesel::insert_into(case_incident::table)
                .values((
                    case_incident::case_id.eq(id),
                    case_incident::incident_id.eq(incident),
                    case_incident::status.eq(SubmissionStatus::Accepted.code()),
                    case_incident::added_by.eq(self.actor()),
                    case_incident::since.eq(now),
                ))
                .execute(self.db)?;
        }
        let touched = self.seal(id, id, sealed, Some(Noun::Case))?;
        let mut open = created(facts);
        open.insert("incidents".into(), json!({ "from": null, "to": incidents.len() }));
        let change = Change::of(Noun::Case, id, "created").open(open).sealed(touched);
        self.note_record("case.create", &row.reference, change);
        row.into_case()
    }

    pub(in crate::store) fn incident_ids(&mut self, references: &[String]) -> Result<Vec<Id>> {
        named("incidents", references, |reference| {
            Ok(self.incident_get(reference, EditionChoice::Working)?.map(|found| found.id))
        })
    }

    fn case_event(&mut self, case: Id, status: CaseStatus, on: NaiveDate) -> Result<()> {
        diesel::insert_into(case_event::table)
            .values((
                case_event::id.eq(Id::new()),
                case_event::case_id.eq(case),
                case_event::status.eq(status.code()),
                case_event::happened_on.eq(on),
                case_event::recorded_at.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// Links an incident to a case. Where proceedings serve the case, it would concern their States: it waits for another officer.
    pub(in crate::store) fn case_incident_add(&mut self, case: Id, incident: Id) -> Result<()> {
        let waits = !self.states_served(case)?.is_empty();
        let status = if waits { SubmissionStatus::Proposed } else { SubmissionStatus::Accepted };
        let link = case_incident::table.find((case, incident));
        // One that was returned is proposed again.
        diesel::delete(link).execute(self.db)?;
        diesel::insert_into(case_incident::table)
            .values((
                case_incident::case_id.eq(case),
                case_incident::incident_id.eq(incident),
                case_incident::status.eq(status.code()),
                case_incident::added_by.eq(self.actor()),
                case_incident::since.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// What becomes of an incident that was added to a case with proceedings: accepted, it concerns their States from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none waits; [`Error::Denied`] for who may not.
    pub fn case_incident_decide(&mut self, case: &Case, incident: &str, verdict: &Verdict) -> Result<()> {
        let incident = self.incident_get(incident, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        let link = case_incident::table.find((case.id, incident.id));
        type Link = (String, Option<Id>);
        let known: Option<Link> =
            link.select((case_incident::status, case_incident::withdrawal_by)).first(self.db).optional()?;
        if let Some((_, asked_by)) = known.filter(|(status, _)| status == SubmissionStatus::Accepted.code()) {
            return self.case_incident_end(case, &incident, asked_by, verdict);
        }
        let waiting: Option<Option<Id>> = link
            .filter(case_incident::status.eq(SubmissionStatus::Proposed.code()))
            .select(case_incident::added_by)
            .first(self.db)
            .optional()?;
        let by = waiting.ok_or(Error::NotFound)?.unwrap_or_default();
        self.settle(by, None, SubmissionStatus::Proposed, verdict.ruling)?;
        let accept = verdict.accepts();
        diesel::update(link)
            .set((
                case_incident::status.eq(verdict.ruling.status().code()),
                case_incident::decided_by.eq(self.actor()),
                case_incident::since.eq(self.now()),
            ))
            .execute(self.db)?;
        if accept {
            for state in self.states_served(case.id)? {
                self.concern_of_proceeding(incident.id, &state)?;
            }
            diesel::update(case_file::table.find(case.id))
                .set(case_file::updated_at.eq(self.now()))
                .execute(self.db)?;
        }
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("case.accept", "incident_accepted"),
            Ruling::Withdrawn => ("case.withdraw", INCIDENT_RETURNED),
            Ruling::Returned => ("case.return", INCIDENT_RETURNED),
        };
        let sealed = self.case_note(case, &verdict.grounds)?;
        let reason = verdict.grounds.reason();
        let open = Map::from_iter([("incident".to_owned(), json!({ "from": null, "to": incident.reference }))]);
        let change = Change::of(Noun::Case, case.id, kind).open(open).sealed(sealed).because(reason);
        self.note_record(action, &case.reference, change);
        Ok(())
    }

    /// Asks that an incident be taken out of a case, does so when another officer agrees, or lets it stay after all. What proceedings of the case
    /// made it concern ends.
    fn case_incident_end(
        &mut self,
        case: &Case,
        incident: &Incident,
        withdrawal_by: Option<Id>,
        verdict: &Verdict,
    ) -> Result<()> {
        let missions = std::slice::from_ref(&case.facts.mission);
        let accepted = Accepted { withdrawal_by, missions, of_state: None, takes_two: true };
        let ending = self.ending(&accepted, verdict)?;
        let link = case_incident::table.find((case.id, incident.id));
        let nobody: Option<Id> = None;
        let (action, kind) = match ending {
            Ending::Asked => {
                diesel::update(link).set(case_incident::withdrawal_by.eq(self.actor())).execute(self.db)?;
                ("case.withdrawal.ask", "incident_withdrawal_asked")
            }
            Ending::Withdrawn => {
                self.refuse_last(case, incident.id)?;
                diesel::update(link)
                    .set((
                        case_incident::status.eq(SubmissionStatus::Withdrawn.code()),
                        case_incident::decided_by.eq(self.actor()),
                        case_incident::ended_at.eq(self.now()),
                    ))
                    .execute(self.db)?;
                for state in self.states_served(case.id)? {
                    self.concern_of_proceeding_end(incident.id, &state)?;
                }
                diesel::update(case_file::table.find(case.id))
                    .set(case_file::updated_at.eq(self.now()))
                    .execute(self.db)?;
                ("case.withdraw", "incident_withdrawn")
            }
            Ending::Declined => {
                diesel::update(link).set(case_incident::withdrawal_by.eq(nobody)).execute(self.db)?;
                ("case.withdrawal.decline", "incident_withdrawal_declined")
            }
        };
        let sealed = self.case_note(case, &verdict.grounds)?;
        let open = Map::from_iter([("incident".to_owned(), json!({ "from": null, "to": incident.reference }))]);
        let change = Change::of(Noun::Case, case.id, kind).open(open).sealed(sealed);
        self.note_record(action, &case.reference, change.because(verdict.grounds.reason()));
        Ok(())
    }

    /// A case has at least one incident.
    fn refuse_last(&mut self, case: &Case, incident: Id) -> Result<()> {
        let others: i64 = case_incident::table
            .filter(case_incident::case_id.eq(case.id))
            .filter(case_incident::status.eq(SubmissionStatus::Accepted.code()))
            .filter(case_incident::incident_id.ne(incident))
            .count()
            .get_result(self.db)?;
        if others == 0 {
            return Err(Error::Conflict(
                "This is the only incident of the case. Add the right incident first, then withdraw this one.".into(),
            ));
        }
        Ok(())
    }

    /// Seals the words of a decision on a case.
    fn case_note(&mut self, case: &Case, grounds: &Grounds) -> Result<Vec<u16>> {
        let sealed = self.seal(case.id, case.id, &grounds.sealed(Noun::Case, false), None)?;
        if !sealed.is_empty() {
            diesel::update(case_file::table.find(case.id))
                .set(case_file::tag_confidential.eq(random_tag()))
                .execute(self.db)?;
        }
        Ok(sealed)
    }

    /// Changes a case's facts and sealed fields, and adds incidents to it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an incident is out of scope; the database's.
    pub fn case_edit(&mut self, case: &Case, facts: &CaseFacts, add: &[String], sealed: &SealedInput) -> Result<Case> {
        let mut open = changed(&case.facts, facts);
        let known: Vec<Id> = case_incident::table
            .filter(case_incident::case_id.eq(case.id))
            .filter(
                case_incident::status.eq_any([SubmissionStatus::Proposed.code(), SubmissionStatus::Accepted.code()]),
            )
            .select(case_incident::incident_id)
            .load(self.db)?;
        let new: Vec<Id> = self.incident_ids(add)?.into_iter().filter(|id| !known.contains(id)).collect();
        for incident in &new {
            self.case_incident_add(case.id, *incident)?;
        }
        if !new.is_empty() {
            open.insert("incidents".into(), json!({ "from": known.len(), "to": known.len() + new.len() }));
        }
        let touched = self.seal(case.id, case.id, sealed, None)?;
        let tag = if touched.is_empty() { case.tag.clone() } else { random_tag() };
        let updated = if open.is_empty() { case.updated_at } else { self.now() };
        diesel::update(case_file::table.find(case.id))
            .set((CaseFactsRow::of(facts), case_file::tag_confidential.eq(tag), case_file::updated_at.eq(updated)))
            .execute(self.db)?;
        let change = Change::of(Noun::Case, case.id, "edited").open(open).sealed(touched);
        self.note_record("case.edit", &case.reference, change);
        self.case_get(&case.reference)?.ok_or(Error::NotFound)
    }

    /// Moves a case to another state, on a day.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is no such way, or the day lies before the last change.
    pub fn case_transition(&mut self, case: &Case, to: CaseStatus, on: NaiveDate, grounds: &Grounds) -> Result<Case> {
        if !case_transition(case.status, to) {
            return Err(Error::Conflict(format!("A case cannot move from {} to {}.", case.status.code(), to.code())));
        }
        let last: Option<NaiveDate> = case_event::table
            .filter(case_event::case_id.eq(case.id))
            .select(diesel::dsl::max(case_event::happened_on))
            .first(self.db)?;
        if last.is_some_and(|last| on < last) {
            return Err(Error::Conflict("This day is before the last change of the case.".into()));
        }
        self.case_event(case.id, to, on)?;
        diesel::update(case_file::table.find(case.id))
            .set((case_file::status.eq(to.code()), case_file::updated_at.eq(self.now())))
            .execute(self.db)?;
        let open = Map::from_iter([("status".to_owned(), json!({ "from": case.status, "to": to }))]);
        let sealed = self.case_note(case, grounds)?;
        let change = Change::of(Noun::Case, case.id, to.code()).open(open).sealed(sealed);
        self.note_record("case.transition", &case.reference, change.because(grounds.reason()));
        self.case_get(&case.reference)?.ok_or(Error::NotFound)
    }

    /// Brings the stored stages of cases to what their proceedings' steps say.
    pub(in crate::store) fn cases_restage(&mut self, cases: &[Id]) -> Result<()> {
        for case in cases {
            let (furthest, current) = self.case_progress(*case)?;
            diesel::update(case_file::table.find(case))
                .set((case_file::stage_furthest.eq(furthest.code()), case_file::stage_current.eq(current)))
                .execute(self.db)?;
        }
        Ok(())
    }
}
