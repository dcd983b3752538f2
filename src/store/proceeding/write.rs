//! Recording proceedings, accused and steps; a State's proposals and what becomes of them.

use diesel::prelude::*;
use serde_json::{Map, json};

use super::read::{ProceedingFactsRow, ProceedingRow};
use super::{Accused, NewAccused, Proceeding, in_absentia, lines, whole};
use crate::domain::{
    AsOf, Code, Detention, Noun, Outcome, ProceedingFacts, Stage, Step, SubmissionStatus, handle, progress,
};
use crate::policy::Scope;
use crate::store::db::schema::{accused, accused_incident, proceeding as p, proceeding_case};
use crate::store::db::{Coded, Id};
use crate::store::history::{Change, changed, created};
use crate::store::{Error, Result, SealedInput, Write, random_tag};

impl Write<'_> {
    /// Records a proceeding that serves cases within scope. It counts, and concerns its State, once another officer accepts it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a case is out of scope; the database's.
    pub fn proceeding_create(
        &mut self,
        facts: &ProceedingFacts,
        cases: &[String],
        sealed: &SealedInput,
    ) -> Result<Proceeding> {
        let cases: Vec<Id> =
            crate::store::named("cases", cases, |reference| Ok(self.case_get(reference)?.map(|case| case.id)))?;
        let (id, now) = (Id::new(), self.now());
        let year = chrono::Datelike::year(&facts.opened_on);
        let reference = self.free_reference(Noun::Proceeding, &facts.state, year, |w, reference| {
            Ok(p::table.filter(p::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = ProceedingRow {
            id,
            reference,
            facts: ProceedingFactsRow::of(facts),
            stage_furthest: Coded(Stage::NoInformation),
            stage_current: Stage::NoInformation.code().into(),
            tag_confidential: random_tag(),
            tag_strictly_confidential: random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
            status: Coded(SubmissionStatus::Proposed),
            submitted_state: self.own_state(),
            decided_by: None,
            decided_at: None,
            reason: None,
            reason_fields: None,
            withdrawal_by: None,
            withdrawn_at: None,
        };
        diesel::insert_into(p::table).values(row.clone()).execute(self.db)?;
        for case in cases {
            diesel::insert_into(proceeding_case::table)
                .values((proceeding_case::proceeding_id.eq(id), proceeding_case::case_id.eq(case)))
                .execute(self.db)?;
        }
        let touched = self.seal(id, id, sealed, Some(Noun::Proceeding))?;
        let change = Change::of(Noun::Proceeding, id, "created").open(created(facts)).sealed(touched);
        self.note_record("proceeding.create", &row.reference, change);
        row.into_proceeding()
    }

    pub(super) fn own_state(&self) -> Option<String> {
        match self.scope {
            Scope::State(state) => Some(state.clone()),
            Scope::Everything | Scope::Missions(_) | Scope::Nothing => None,
        }
    }

    /// Until another officer accepts a proceeding, only who recorded it adds to it and changes it; nobody changes what is withdrawn.
    pub(super) fn refuse_anothers(&self, of: &Proceeding) -> Result<()> {
        if of.status == SubmissionStatus::Withdrawn {
            return Err(Error::Conflict("the proceeding is withdrawn".into()));
        }
        if of.status != SubmissionStatus::Accepted && of.recorded_by != self.actor() {
            return Err(Error::Conflict(
                "The proceeding is not accepted yet. Until then, only the person who recorded it can change it.".into(),
            ));
        }
        Ok(())
    }

    /// Changes a proceeding's facts and sealed fields; one that was returned is proposed again.
    ///
    /// # Errors
    /// [`Error::Conflict`] for others than who recorded it, until it is accepted; the database's.
    pub fn proceeding_edit(
        &mut self,
        known: &Proceeding,
        facts: &ProceedingFacts,
        sealed: &SealedInput,
    ) -> Result<Proceeding> {
        self.refuse_anothers(known)?;
        let open = changed(&known.facts, facts);
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let is_again = known.status == SubmissionStatus::Returned && !(open.is_empty() && touched.is_empty());
        let status = if is_again { SubmissionStatus::Proposed } else { known.status };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        let tag = if touched.is_empty() { known.tags[0].clone() } else { random_tag() };
        diesel::update(p::table.find(known.id))
            .set((
                ProceedingFactsRow::of(facts),
                p::tag_confidential.eq(tag),
                p::updated_at.eq(updated),
                p::status.eq(status.code()),
            ))
            .execute(self.db)?;
        let change = Change::of(Noun::Proceeding, known.id, "edited").open(open).sealed(touched);
        self.note_record("proceeding.edit", &known.reference, change);
        self.proceeding_get(&known.reference)?.ok_or(Error::NotFound)
    }

    /// Notes a change of an accused: its proceeding's history shows it.
    fn note_accused(&mut self, action: &'static str, of: &Proceeding, change: Change) {
        self.note(action, format!("proceedings/{}", of.reference), Change { root: of.id, ..change });
    }

    /// Adds an accused under a random handle. It counts once another officer accepts it, or the proceeding with it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an incident is out of scope; [`Error::Conflict`] for others than who recorded the proceeding, until it is
    /// accepted; the database's.
    pub fn accused_create(&mut self, of: &Proceeding, new: &NewAccused) -> Result<Accused> {
        self.refuse_anothers(of)?;
        let incidents = self.incident_ids(&new.incidents)?;
        let last: Option<i32> = accused::table
            .filter(accused::proceeding_id.eq(of.id))
            .select(diesel::dsl::max(accused::number))
            .first(self.db)?;
        let (id, number, named) = (Id::new(), last.unwrap_or(0) + 1, handle(&mut rand::rng()));
        diesel::insert_into(accused::table)
            .values((
                accused::id.eq(id),
                accused::proceeding_id.eq(of.id),
                accused::handle.eq(&named),
                accused::number.eq(number),
                accused::stage_furthest.eq(Stage::NoInformation.code()),
                accused::stage_current.eq(Stage::NoInformation.code()),
                accused::outcome.eq(Outcome::Pending.code()),
                accused::in_absentia.eq(false),
                accused::detention.eq(Detention::NotKnown.code()),
                accused::recorded_at.eq(self.now()),
                accused::status.eq(SubmissionStatus::Proposed.code()),
                accused::submitted_by.eq(self.actor()),
                accused::submitted_state.eq(self.own_state()),
            ))
            .execute(self.db)?;
        for incident in incidents {
            diesel::insert_into(accused_incident::table)
                .values((accused_incident::accused_id.eq(id), accused_incident::incident_id.eq(incident)))
                .execute(self.db)?;
        }
        let touched = self.seal(id, id, &new.sealed, Some(Noun::Accused))?;
        let open = Map::from_iter([("accused".to_owned(), json!({ "from": null, "to": named }))]);
        let change = Change::of(Noun::Accused, id, "created").open(open).sealed(touched);
        self.note_accused("accused.create", of, change);
        self.touch(of)?;
        self.accused_list(of)?.into_iter().find(|one| one.number == number).ok_or(Error::NotFound)
    }

    /// Changes an accused's sealed fields.
    ///
    /// # Errors
    /// The database's.
    pub fn accused_edit(&mut self, of: &Proceeding, known: &Accused, sealed: &SealedInput) -> Result<()> {
        self.refuse_anothers(of)?;
        let touched = self.seal(known.id, known.id, sealed, None)?;
        diesel::update(p::table.find(of.id))
            .set((p::tag_confidential.eq(random_tag()), p::tag_strictly_confidential.eq(random_tag())))
            .execute(self.db)?;
        self.note_accused("accused.edit", of, Change::of(Noun::Accused, known.id, "edited").sealed(touched));
        Ok(())
    }

    fn touch(&mut self, of: &Proceeding) -> Result<()> {
        diesel::update(p::table.find(of.id)).set(p::updated_at.eq(self.now())).execute(self.db)?;
        Ok(())
    }

    /// Brings the stored stages of a proceeding, its accused and its cases to what the accepted steps say.
    pub(super) fn restage(&mut self, of: &Proceeding) -> Result<()> {
        let steps: Vec<Step> = self
            .steps_recorded(&[of.id])?
            .remove(&of.id)
            .unwrap_or_default()
            .into_iter()
            .map(|(step, _)| step)
            .collect();
        for (number, at) in lines(&steps) {
            let Some(number) = number else { continue };
            diesel::update(accused::table.filter(accused::proceeding_id.eq(of.id)).filter(accused::number.eq(number)))
                .set((
                    accused::stage_furthest.eq(at.furthest.code()),
                    accused::stage_current.eq(at.current.code()),
                    accused::outcome.eq(at.outcome.code()),
                    accused::in_absentia.eq(in_absentia(&progress(&steps, Some(number), AsOf::NOW))),
                    accused::detention.eq(at.detention.code()),
                ))
                .execute(self.db)?;
        }
        let at = whole(&steps);
        diesel::update(p::table.find(of.id))
            .set((
                p::stage_furthest.eq(at.furthest.code()),
                p::stage_current.eq(at.current.code()),
                p::updated_at.eq(self.now()),
            ))
            .execute(self.db)?;
        let cases: Vec<Id> = proceeding_case::table
            .filter(proceeding_case::proceeding_id.eq(of.id))
            .select(proceeding_case::case_id)
            .load(self.db)?;
        self.cases_restage(&cases)
    }
}
