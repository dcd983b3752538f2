//! Recording steps; a State's proposals and what becomes of them.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::read::StepRow;
use super::{NewStep, Proceeding};
use crate::domain::{Code, Noun, SubmissionStatus, handle};
use crate::store::db::Id;
use crate::store::db::schema::{accused, step};
use crate::store::history::Change;
use crate::store::{Error, Result, Verdict, Write, code};

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

    /// Records a step, or, of a State, proposes one, and gives its handle: a proposal counts for nothing until it is accepted.
    ///
    /// # Errors
    /// [`Error::Conflict`] for others than who recorded the proceeding, until it is accepted; the database's.
    pub fn step_create(&mut self, of: &Proceeding, new: &NewStep) -> Result<String> {
        self.refuse_anothers(of)?;
        let state = self.own_state();
        let status = if state.is_some() { SubmissionStatus::Proposed } else { SubmissionStatus::Accepted };
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
            recorded_at: (status == SubmissionStatus::Accepted).then_some(now),
            decided_by: None,
            reason: None,
            reason_fields: None,
        };
        diesel::insert_into(step::table).values(row.clone()).execute(self.db)?;
        let kind = if status == SubmissionStatus::Accepted { "step_recorded" } else { "step_proposed" };
        self.note_step(
            if status == SubmissionStatus::Accepted { "step.record" } else { "step.propose" },
            kind,
            of,
            &row,
            Vec::new(),
        )?;
        if status == SubmissionStatus::Accepted {
            self.restage(of)?;
        }
        Ok(row.handle)
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

    /// What becomes of a step that a State proposed. Accepted, it is recorded now.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a step; [`Error::Denied`] for who may not; [`Error::Conflict`] when it was decided already.
    pub fn step_decide(&mut self, of: &Proceeding, handle: &str, verdict: &Verdict) -> Result<()> {
        if !self.step_list(of)?.iter().any(|record| record.handle == handle) {
            return Err(Error::NotFound);
        }
        let mut row: StepRow =
            step::table.filter(step::proceeding_id.eq(of.id)).filter(step::handle.eq(handle)).first(self.db)?;
        let status = code(&row.status, "step", "status", handle)?;
        self.settle(row.submitted_by, row.submitted_state.as_deref(), status, verdict.status)?;
        let note = verdict.grounds.sealed(Noun::Step, row.reason.is_some());
        let sealed = self.seal(row.id, row.id, &note, None)?;
        row.status = verdict.status.code().into();
        row.recorded_at = verdict.accepts().then(|| self.now());
        row.decided_by = Some(self.actor());
        row.reason = verdict.grounds.reason();
        row.reason_fields = verdict.grounds.fields();
        diesel::update(step::table.find(row.id))
            .set((
                step::status.eq(&row.status),
                step::recorded_at.eq(row.recorded_at),
                step::decided_by.eq(row.decided_by),
                step::reason.eq(&row.reason),
                step::reason_fields.eq(&row.reason_fields),
            ))
            .execute(self.db)?;
        let (action, kind) = match verdict.status {
            SubmissionStatus::Accepted => ("step.accept", "step_accepted"),
            SubmissionStatus::Withdrawn => ("step.withdraw", "step_withdrawn"),
            SubmissionStatus::Returned | SubmissionStatus::Proposed => ("step.return", "step_returned"),
        };
        self.note_step(action, kind, of, &row, sealed)?;
        if verdict.accepts() {
            self.restage(of)?;
        }
        Ok(())
    }
}
