//! What becomes of proceedings and accused that were proposed, and of a proceeding that two officers withdraw.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::Proceeding;
use super::read::AccusedRow;
use crate::domain::{Code, Noun, Ruling, SubmissionStatus};
use crate::policy::Ending;
use crate::store::db::Id;
use crate::store::db::schema::{accused, case_incident, proceeding as p, proceeding_case, step};
use crate::store::history::Change;
use crate::store::incident::asked;
use crate::store::verdict::Accepted;
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
        self.settle(of.recorded_by, of.submitted_state.as_deref(), of.status, verdict.ruling)?;
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("proceeding.accept", "accepted"),
            Ruling::Withdrawn => ("proceeding.withdraw", "withdrawn"),
            Ruling::Returned => ("proceeding.return", "returned"),
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
            let waiting = step::table
                .filter(step::proceeding_id.eq(of.id))
                .filter(step::status.eq(SubmissionStatus::Proposed.code()))
                .filter(step::submitted_by.ne(self.actor()));
            diesel::update(waiting)
                .set((
                    step::status.eq(SubmissionStatus::Accepted.code()),
                    step::decided_by.eq(self.actor()),
                    step::recorded_at.eq(now),
                ))
                .execute(self.db)?;
            for incident in self.incidents_served(of.id)? {
                self.concern_of_proceeding(incident, &of.facts.state)?;
            }
            self.restage(of)?;
        }
        Ok(())
    }

    /// Asks that an accepted proceeding be withdrawn, does so when another officer asked before, or lets it stand after all.
    fn proceeding_withdraw(&mut self, of: &Proceeding, verdict: &Verdict) -> Result<()> {
        let row = p::table.find(of.id);
        let accepted = Accepted { withdrawal_by: of.withdrawal_by, missions: &[], of_state: None, takes_two: true };
        match self.ending(&accepted, verdict)? {
            Ending::Asked => {
                diesel::update(row)
                    .set((p::withdrawal_by.eq(self.actor()), p::reason.eq(verdict.grounds.reason())))
                    .execute(self.db)?;
                self.note_verdict(of, verdict, "proceeding.withdrawal.ask", "withdrawal_asked", asked(true))
            }
            Ending::Withdrawn => {
                self.proceeding_settled(of, verdict, "proceeding.withdraw", "withdrawn")?;
                for incident in self.incidents_served(of.id)? {
                    self.concern_of_proceeding_end(incident, &of.facts.state)?;
                }
                let cases = self.cases_of_proceeding(of.id)?;
                self.cases_restage(&cases)
            }
            Ending::Declined => {
                let (nobody, none): (Option<Id>, Option<String>) = (None, None);
                diesel::update(row).set((p::withdrawal_by.eq(nobody), p::reason.eq(none))).execute(self.db)?;
                self.note_verdict(of, verdict, "proceeding.withdrawal.decline", "withdrawal_declined", asked(false))
            }
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
                p::status.eq(verdict.ruling.status().code()),
                p::decided_by.eq(self.actor()),
                p::decided_at.eq(of.decided_at.filter(|_| was_accepted).unwrap_or(now)),
                p::withdrawn_at.eq(was_accepted.then_some(now)),
                p::reason.eq(verdict.grounds.reason()),
                p::reason_fields.eq(verdict.grounds.fields()),
                p::updated_at.eq(now),
            ))
            .execute(self.db)?;
        let open = Map::from_iter([("status".to_owned(), json!({ "from": of.status, "to": verdict.ruling }))]);
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
        if status == SubmissionStatus::Accepted {
            return self.accused_end(of, &row, verdict);
        }
        if let Some(by) = row.submitted_by {
            self.settle(by, row.submitted_state.as_deref(), status, verdict.ruling)?;
        }
        if verdict.ruling != Ruling::Withdrawn && of.status != SubmissionStatus::Accepted {
            return Err(Error::Conflict("The proceeding must be accepted first.".into()));
        }
        diesel::update(accused::table.find(row.id))
            .set((
                accused::status.eq(verdict.ruling.status().code()),
                accused::decided_by.eq(self.actor()),
                accused::recorded_at.eq(self.now()),
                accused::reason.eq(verdict.grounds.reason()),
                accused::reason_fields.eq(verdict.grounds.fields()),
            ))
            .execute(self.db)?;
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("accused.accept", "accused_accepted"),
            Ruling::Withdrawn => ("accused.withdraw", "accused_withdrawn"),
            Ruling::Returned => ("accused.return", "accused_returned"),
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

    /// Asks that an accepted accused be withdrawn, does so when another officer agrees, with the steps about it, or lets it stand after all.
    fn accused_end(&mut self, of: &Proceeding, row: &AccusedRow, verdict: &Verdict) -> Result<()> {
        let missions = self.proceeding_missions(of)?;
        let (withdrawal_by, of_state) = (row.withdrawal_by, row.submitted_state.as_deref());
        let ending =
            self.ending(&Accepted { withdrawal_by, missions: &missions, of_state, takes_two: true }, verdict)?;
        let (reason, fields, now) = (verdict.grounds.reason(), verdict.grounds.fields(), self.now());
        let this = accused::table.find(row.id);
        match ending {
            Ending::Asked => {
                let asked = (
                    accused::withdrawal_by.eq(self.actor()),
                    accused::reason.eq(reason),
                    accused::reason_fields.eq(fields),
                );
                diesel::update(this).set(asked).execute(self.db)?
            }
            Ending::Withdrawn => {
                self.steps_end(of, row.number, &reason)?;
                diesel::update(this)
                    .set((
                        accused::status.eq(SubmissionStatus::Withdrawn.code()),
                        accused::decided_by.eq(self.actor()),
                        accused::reason.eq(reason),
                        accused::reason_fields.eq(fields),
                        accused::ended_at.eq(now),
                    ))
                    .execute(self.db)?
            }
            Ending::Declined => {
                let (nobody, none): (Option<Id>, Option<String>) = (None, None);
                let stands =
                    (accused::withdrawal_by.eq(nobody), accused::reason.eq(&none), accused::reason_fields.eq(&none));
                diesel::update(this).set(stands).execute(self.db)?
            }
        };
        let (action, kind) = match ending {
            Ending::Asked => ("accused.withdrawal.ask", "accused_withdrawal_asked"),
            Ending::Withdrawn => ("accused.withdraw", "accused_withdrawn"),
            Ending::Declined => ("accused.withdrawal.decline", "accused_withdrawal_declined"),
        };
        let note = verdict.grounds.sealed(Noun::Accused, row.reason.is_some() && ending != Ending::Withdrawn);
        let sealed = self.seal(row.id, row.id, &note, None)?;
        let open = Map::from_iter([("accused".to_owned(), json!({ "from": null, "to": row.handle }))]);
        let reason = verdict.grounds.reason();
        let change =
            Change { noun: Noun::Accused, record: row.id, root: of.id, edition: None, kind, reason, open, sealed };
        self.note(action, format!("proceedings/{}", of.reference), change);
        if ending == Ending::Withdrawn { self.restage(of) } else { Ok(()) }
    }

    /// Ends what was recorded and proposed about an accused that is withdrawn.
    fn steps_end(&mut self, of: &Proceeding, number: i32, reason: &Option<String>) -> Result<()> {
        let about = step::table.filter(step::proceeding_id.eq(of.id)).filter(step::accused.eq(number));
        let end = (
            step::status.eq(SubmissionStatus::Withdrawn.code()),
            step::reason.eq(reason),
            step::decided_by.eq(self.actor()),
        );
        let accepted = about.filter(step::status.eq(SubmissionStatus::Accepted.code()));
        diesel::update(accepted).set((end, step::ended_at.eq(self.now()))).execute(self.db)?;
        let proposed = about.filter(step::status.eq(SubmissionStatus::Proposed.code()));
        diesel::update(proposed).set(end).execute(self.db)?;
        Ok(())
    }
}
