//! Recording, correcting and withdrawing steps; what is proposed and what becomes of it.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::read::StepRow;
use super::{NewStep, Proceeding, StepRecord};
use crate::domain::{Code, Fault, Noun, Ruling, SealedField, StepKind, SubmissionStatus, handle};
use crate::policy::Ending;
use crate::store::db::Id;
use crate::store::db::schema::{accused, step};
use crate::store::history::Change;
use crate::store::verdict::Accepted;
use crate::store::{Error, Result, SealedInput, Verdict, Write, code};

impl Write<'_> {
    /// The place of an accused that the scope sees, by its handle.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the proceeding has no such accused within scope; the database's.
    pub fn accused_place(&mut self, of: &Proceeding, handle: &str) -> Result<i32> {
        let found = self.accused_seen(&[of])?.into_iter().find(|row| row.handle == handle);
        let fault = || crate::domain::Fault::new("/accused", "the proceeding has no accused with this handle");
        found.map(|row| row.number).ok_or_else(|| Error::Invalid(vec![fault()]))
    }

    /// Records a step, and gives its handle. What a State submits, and what says how proceedings end, is proposed: it counts for nothing until
    /// another officer accepts it. A step that corrects another takes its place when it is accepted.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the proceeding is not accepted and somebody else's, or the step that it corrects does not stand;
    /// [`Error::Invalid`] when there is no such step; the database's.
    pub fn step_create(&mut self, of: &Proceeding, new: &NewStep) -> Result<String> {
        self.refuse_anothers(of)?;
        let state = self.own_state();
        let corrected =
            new.corrects.as_ref().map(|correction| self.step_corrected(of, &correction.step)).transpose()?;
        let takes_two = new.kind.takes_two() || corrected.as_ref().is_some_and(|known| known.step.kind.takes_two());
        let is_proposed = state.is_some() || takes_two;
        let status = if is_proposed { SubmissionStatus::Proposed } else { SubmissionStatus::Accepted };
        let now = self.now();
        let row = StepRow {
            id: Id::new(),
            handle: handle(&mut rand::rng()),
            proceeding_id: of.id,
            accused: new.accused,
            kind: new.kind.code().into(),
            happened_on: new.happened.first(),
            happened_on_precision: new.happened.precision().code().into(),
            stage: new.stage.map(|code| code.code().into()),
            outcome: new.outcome.map(|code| code.code().into()),
            exit: new.exit.map(|code| code.code().into()),
            sentence: new.sentence.map(|code| code.code().into()),
            sentence_months: new.sentence_months,
            obstacle: new.obstacle.map(|code| code.code().into()),
            postponed_to: new.postponed_to,
            source_url: new.source_url.clone(),
            status: status.code().into(),
            submitted_by: self.actor(),
            submitted_state: state,
            submitted_at: now,
            recorded_at: (!is_proposed).then_some(now),
            decided_by: None,
            reason: None,
            reason_fields: None,
            corrects: corrected.map(|known| known.id),
            correction_reason: new.corrects.as_ref().map(|correction| correction.reason.code().into()),
            withdrawal_by: None,
            ended_at: None,
        };
        diesel::insert_into(step::table).values(row.clone()).execute(self.db)?;
        let note = new.corrects.as_ref().and_then(|correction| correction.note.clone());
        let field = SealedField::named(Noun::Step, "correction_note").filter(|_| note.is_some());
        let words: SealedInput = field.map(|field| (field, note)).into_iter().collect();
        let sealed = self.seal(row.id, row.id, &words, None)?;
        let (action, kind) =
            if is_proposed { ("step.propose", "step_proposed") } else { ("step.record", "step_recorded") };
        self.note_step(action, kind, of, &row, sealed)?;
        if !is_proposed {
            self.step_supersede(of, &row)?;
            self.restage(of)?;
        }
        Ok(row.handle)
    }

    /// The step that a correction names: it must stand.
    fn step_corrected(&mut self, of: &Proceeding, handle: &str) -> Result<StepRecord> {
        let found = self.step_list(of)?.into_iter().find(|record| record.handle == handle);
        let fault = || Fault::new("/corrects", "the proceeding has no step with this handle");
        let known = found.ok_or_else(|| Error::Invalid(vec![fault()]))?;
        match known.status {
            SubmissionStatus::Accepted => Ok(known),
            SubmissionStatus::Proposed => Err(Error::Conflict(
                "This step is not accepted yet. Withdraw it (decision: withdrawn), and submit the right one.".into(),
            )),
            _ => Err(Error::Conflict("This step is already withdrawn or replaced.".into())),
        }
    }

    /// Puts an accepted correction in the place of what it corrects.
    fn step_supersede(&mut self, of: &Proceeding, by: &StepRow) -> Result<()> {
        let Some(corrected) = by.corrects else { return Ok(()) };
        let known = step::table.find(corrected).filter(step::status.eq(SubmissionStatus::Accepted.code()));
        let row: Option<StepRow> = known.first(self.db).optional()?;
        let gone = || Error::Conflict("The step that this one corrects is already withdrawn or replaced.".into());
        let mut row = row.ok_or_else(gone)?;
        SubmissionStatus::Superseded.code().clone_into(&mut row.status);
        row.reason = by.correction_reason.clone();
        diesel::update(step::table.find(corrected))
            .set((
                step::status.eq(&row.status),
                step::reason.eq(&row.reason),
                step::ended_at.eq(self.now()),
                step::decided_by.eq(self.actor()),
            ))
            .execute(self.db)?;
        self.note_step("step.supersede", "step_superseded", of, &row, Vec::new())
    }

    fn note_step(
        &mut self,
        action: &'static str,
        kind: &'static str,
        of: &Proceeding,
        row: &StepRow,
        sealed: Vec<u16>,
    ) -> Result<()> {
        let about: Option<String> = accused::table
            .filter(accused::proceeding_id.eq(of.id))
            .filter(accused::number.eq(row.accused.unwrap_or(0)))
            .select(accused::handle)
            .first(self.db)
            .optional()?;
        let open = Map::from_iter([(
            "step".to_owned(),
            json!({ "from": null, "to": {
                "handle": row.handle, "kind": row.kind, "accused": about, "happened_on": row.happened_on,
                "stage": row.stage, "outcome": row.outcome, "exit": row.exit, "status": row.status,
            }}),
        )]);
        let change = Change {
            noun: Noun::Step,
            record: row.id,
            root: of.id,
            edition: None,
            kind,
            reason: row.reason.clone(),
            open,
            sealed,
        };
        self.note(action, format!("proceedings/{}/steps/{}", of.reference, row.handle), change);
        Ok(())
    }

    /// What becomes of a step: one that was proposed is accepted, and recorded now, returned or withdrawn; one that was accepted is withdrawn.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a step; [`Error::Denied`] for who may not; [`Error::Conflict`] when there is nothing to decide.
    pub fn step_decide(&mut self, of: &Proceeding, handle: &str, verdict: &Verdict) -> Result<()> {
        if !self.step_list(of)?.iter().any(|record| record.handle == handle) {
            return Err(Error::NotFound);
        }
        let row: StepRow =
            step::table.filter(step::proceeding_id.eq(of.id)).filter(step::handle.eq(handle)).first(self.db)?;
        let status: SubmissionStatus = code(&row.status, "step", "status", handle)?;
        if status == SubmissionStatus::Accepted {
            return self.step_end(of, row, verdict);
        }
        self.settle(row.submitted_by, row.submitted_state.as_deref(), status, verdict.ruling)?;
        let had_note = row.reason.is_some();
        let row = StepRow {
            status: verdict.ruling.status().code().into(),
            recorded_at: verdict.accepts().then(|| self.now()),
            decided_by: Some(self.actor()),
            reason: verdict.grounds.reason(),
            reason_fields: verdict.grounds.fields(),
            ..row
        };
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("step.accept", "step_accepted"),
            Ruling::Withdrawn => ("step.withdraw", "step_withdrawn"),
            Ruling::Returned => ("step.return", "step_returned"),
        };
        self.step_settled(of, &row, verdict, had_note, (action, kind))?;
        if verdict.accepts() {
            self.step_supersede(of, &row)?;
            self.restage(of)?;
        }
        Ok(())
    }

    /// Asks that an accepted step be withdrawn, withdraws it, or lets it stand after all.
    fn step_end(&mut self, of: &Proceeding, row: StepRow, verdict: &Verdict) -> Result<()> {
        let missions = self.proceeding_missions(of)?;
        let kind: StepKind = code(&row.kind, "step", "kind", &row.handle)?;
        let accepted = Accepted {
            withdrawal_by: row.withdrawal_by,
            missions: &missions,
            of_state: row.submitted_state.as_deref(),
            takes_two: kind.takes_two(),
        };
        let ending = self.ending(&accepted, verdict)?;
        let had_note = row.reason.is_some() && ending != Ending::Withdrawn;
        let (reason, reason_fields) = (verdict.grounds.reason(), verdict.grounds.fields());
        let (row, note) = match ending {
            Ending::Asked => (
                StepRow { withdrawal_by: Some(self.actor()), reason, reason_fields, ..row },
                ("step.withdrawal.ask", "step_withdrawal_asked"),
            ),
            Ending::Withdrawn => (
                StepRow {
                    status: SubmissionStatus::Withdrawn.code().into(),
                    decided_by: Some(self.actor()),
                    ended_at: Some(self.now()),
                    reason,
                    reason_fields,
                    ..row
                },
                ("step.withdraw", "step_withdrawn"),
            ),
            Ending::Declined => (
                StepRow { withdrawal_by: None, reason: None, reason_fields: None, ..row },
                ("step.withdrawal.decline", "step_withdrawal_declined"),
            ),
        };
        self.step_settled(of, &row, verdict, had_note, note)?;
        if ending == Ending::Withdrawn { self.restage(of) } else { Ok(()) }
    }

    /// Stores what was decided on a step, with its words, and notes it.
    fn step_settled(
        &mut self,
        of: &Proceeding,
        row: &StepRow,
        verdict: &Verdict,
        had_note: bool,
        (action, kind): (&'static str, &'static str),
    ) -> Result<()> {
        let sealed = self.seal(row.id, row.id, &verdict.grounds.sealed(Noun::Step, had_note), None)?;
        diesel::update(step::table.find(row.id))
            .set((
                step::status.eq(&row.status),
                step::recorded_at.eq(row.recorded_at),
                step::decided_by.eq(row.decided_by),
                step::reason.eq(&row.reason),
                step::reason_fields.eq(&row.reason_fields),
                step::withdrawal_by.eq(row.withdrawal_by),
                step::ended_at.eq(row.ended_at),
            ))
            .execute(self.db)?;
        self.note_step(action, kind, of, row, sealed)
    }
}
