//! What becomes of proceedings and accused that were proposed, and of a proceeding that two officers withdraw.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::Proceeding;
use crate::domain::{Code, Fault, Noun, SubmissionStatus};
use crate::policy::{Action, Denial, authorize};
use crate::store::db::Id;
use crate::store::db::schema::{accused, case_incident, proceeding as p, proceeding_case};
use crate::store::history::Change;
use crate::store::incident::asked;
use crate::store::{Error, Result, Verdict, Write, random_tag};

impl Write<'_> {
    /// What becomes of a proceeding. Another officer accepts it: it counts with its accused, and concerns its State by the incidents of its cases
    /// from now on. Whoever submitted it withdraws it. Once accepted, two officers withdraw it: the second by deciding the same, and then the
    /// concern that it began ends.
    ///
    /// # Errors
    /// [`Error::Denied`] for who may not; [`Error::Conflict`] when it was decided.
    pub fn proceeding_decide(&mut self, of: &Proceeding, verdict: &Verdict) -> Result<()> {
        if of.status == SubmissionStatus::Accepted {
            return self.proceeding_withdraw(of, verdict);
        }
        self.settle(of.recorded_by, of.submitted_state.as_deref(), of.status, verdict.status)?;
        let (action, kind) = match verdict.status {
            SubmissionStatus::Accepted => ("proceeding.accept", "accepted"),
            SubmissionStatus::Withdrawn => ("proceeding.withdraw", "withdrawn"),
            SubmissionStatus::Returned | SubmissionStatus::Proposed => ("proceeding.return", "returned"),
        };
        self.proceeding_settled(of, verdict, action, kind)?;
        if verdict.accepts() {
            let now = self.now();
            let waiting = accused::table
                .filter(accused::proceeding_id.eq(of.id))
                .filter(accused::status.eq(SubmissionStatus::Proposed.code()));
            diesel::update(waiting)
                .set((
                    accused::status.eq(SubmissionStatus::Accepted.code()),
                    accused::decided_by.eq(self.actor()),
                    accused::recorded_at.eq(now),
                ))
                .execute(self.db)?;
            for incident in self.incidents_served(of.id)? {
                self.concern_of_proceeding(incident, &of.facts.state)?;
            }
            let cases = self.cases_of_proceeding(of.id)?;
            self.cases_restage(&cases)?;
        }
        Ok(())
    }

    /// Asks that an accepted proceeding be withdrawn, does so when another officer asked before, or lets it stand after all.
    fn proceeding_withdraw(&mut self, of: &Proceeding, verdict: &Verdict) -> Result<()> {
        authorize(self.viewer, Action::Decide)?;
        if verdict.status == SubmissionStatus::Withdrawn && verdict.grounds.returned.is_none() {
            return Err(Error::Invalid(vec![Fault::new("/reason", "required")]));
        }
        let row = p::table.find(of.id);
        match (verdict.status, of.withdrawal_by) {
            (SubmissionStatus::Withdrawn, None) => {
                diesel::update(row)
                    .set((p::withdrawal_by.eq(self.actor()), p::reason.eq(verdict.grounds.reason())))
                    .execute(self.db)?;
                self.note_verdict(of, verdict, "proceeding.withdrawal.ask", "withdrawal_asked", asked(true))
            }
            (SubmissionStatus::Withdrawn, Some(by)) if by == self.actor() => Err(Denial::SamePerson.into()),
            (SubmissionStatus::Withdrawn, Some(_)) => {
                self.proceeding_settled(of, verdict, "proceeding.withdraw", "withdrawn")?;
                for incident in self.incidents_served(of.id)? {
                    self.concern_of_proceeding_end(incident, &of.facts.state)?;
                }
                let cases = self.cases_of_proceeding(of.id)?;
                self.cases_restage(&cases)
            }
            (SubmissionStatus::Accepted, Some(_)) => {
                let (nobody, none): (Option<Id>, Option<String>) = (None, None);
                diesel::update(row).set((p::withdrawal_by.eq(nobody), p::reason.eq(none))).execute(self.db)?;
                self.note_verdict(of, verdict, "proceeding.withdrawal.decline", "withdrawal_declined", asked(false))
            }
            _ => Err(Error::Conflict("This is already decided.".into())),
        }
    }

    fn proceeding_settled(
        &mut self,
        of: &Proceeding,
        verdict: &Verdict,
        action: &'static str,
        kind: &'static str,
    ) -> Result<()> {
        let now = self.now();
        let was_accepted = of.status == SubmissionStatus::Accepted;
        diesel::update(p::table.find(of.id))
            .set((
                p::status.eq(verdict.status.code()),
                p::decided_by.eq(self.actor()),
                p::decided_at.eq(of.decided_at.filter(|_| was_accepted).unwrap_or(now)),
                p::withdrawn_at.eq(was_accepted.then_some(now)),
                p::reason.eq(verdict.grounds.reason()),
                p::reason_fields.eq(verdict.grounds.fields()),
                p::updated_at.eq(now),
            ))
            .execute(self.db)?;
        let open = Map::from_iter([("status".to_owned(), json!({ "from": of.status, "to": verdict.status }))]);
        self.note_verdict(of, verdict, action, kind, open)
    }

    fn note_verdict(
        &mut self,
        of: &Proceeding,
        verdict: &Verdict,
        action: &'static str,
        kind: &'static str,
        open: Map<String, serde_json::Value>,
    ) -> Result<()> {
        // The words of who asked before stay, unless the second has some.
        let note = verdict.grounds.sealed(Noun::Proceeding, of.returned.is_some() && of.withdrawal_by.is_none());
        let sealed = self.seal(of.id, of.id, &note, None)?;
        if !sealed.is_empty() {
            diesel::update(p::table.find(of.id)).set(p::tag_confidential.eq(random_tag())).execute(self.db)?;
        }
        let reason = verdict.grounds.reason();
        let change =
            Change { noun: Noun::Proceeding, record: of.id, root: of.id, edition: None, kind, reason, open, sealed };
        self.note(action, format!("proceedings/{}", of.reference), change);
        Ok(())
    }

    fn cases_of_proceeding(&mut self, of: Id) -> Result<Vec<Id>> {
        Ok(proceeding_case::table
            .filter(proceeding_case::proceeding_id.eq(of))
            .select(proceeding_case::case_id)
            .load(self.db)?)
    }

    /// The incidents of the cases that a proceeding serves.
    fn incidents_served(&mut self, of: Id) -> Result<Vec<Id>> {
        let cases = self.cases_of_proceeding(of)?;
        Ok(case_incident::table
            .filter(case_incident::case_id.eq_any(&cases))
            .filter(case_incident::status.eq(SubmissionStatus::Accepted.code()))
            .select(case_incident::incident_id)
            .distinct()
            .load(self.db)?)
    }

    /// What becomes of an accused that was added to an accepted proceeding.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an accused; [`Error::Denied`] for who may not; [`Error::Conflict`] when it was decided, or the
    /// proceeding was not.
    pub fn accused_decide(&mut self, of: &Proceeding, handle: &str, verdict: &Verdict) -> Result<()> {
        let rows = self.accused_seen(&[of])?;
        let row = rows.into_iter().find(|row| row.handle == handle).ok_or(Error::NotFound)?;
        let status = crate::store::code(&row.status, "accused", "status", handle)?;
        if let Some(by) = row.submitted_by {
            self.settle(by, row.submitted_state.as_deref(), status, verdict.status)?;
        }
        if verdict.status != SubmissionStatus::Withdrawn && of.status != SubmissionStatus::Accepted {
            return Err(Error::Conflict("The proceeding must be accepted first.".into()));
        }
        diesel::update(accused::table.find(row.id))
            .set((
                accused::status.eq(verdict.status.code()),
                accused::decided_by.eq(self.actor()),
                accused::recorded_at.eq(self.now()),
                accused::reason.eq(verdict.grounds.reason()),
                accused::reason_fields.eq(verdict.grounds.fields()),
            ))
            .execute(self.db)?;
        let (action, kind) = match verdict.status {
            SubmissionStatus::Accepted => ("accused.accept", "accused_accepted"),
            SubmissionStatus::Withdrawn => ("accused.withdraw", "accused_withdrawn"),
            SubmissionStatus::Returned | SubmissionStatus::Proposed => ("accused.return", "accused_returned"),
        };
        let note = verdict.grounds.sealed(Noun::Accused, row.reason.is_some());
        let sealed = self.seal(row.id, row.id, &note, None)?;
        let open = Map::from_iter([("accused".to_owned(), json!({ "from": null, "to": handle }))]);
        let reason = verdict.grounds.reason();
        let change =
            Change { noun: Noun::Accused, record: row.id, root: of.id, edition: None, kind, reason, open, sealed };
        self.note(action, format!("proceedings/{}", of.reference), change);
        self.restage(of)
    }
}
