//! Reading proceedings within scope.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::{Accused, Proceeding, ProceedingFilter, StepRecord, is_accepted, proceeding_seen};
use crate::domain::{
    AsOf, Code, Forum, Jurisdiction, PartialDate, Precision, ProceedingFacts, Stage, Step, StepKind, SubmissionStatus,
    progress,
};
use crate::policy::Scope;
use crate::store::case::{Case, case_seen};
use crate::store::db::schema::{accused_incident, case_file, proceeding, proceeding as p, proceeding_case, step};
use crate::store::db::{Coded, Id, facts_row};
use crate::store::list::{may_reach, page_of};
use crate::store::verdict::returned;
use crate::store::{Cursor, Page, Read, Result, code};

facts_row! {
    ProceedingFactsRow of ProceedingFacts in proceeding {
        state: String,
        authority: String,
        forum: Coded<Forum>,
        jurisdiction: Coded<Jurisdiction>,
        opened_on: NaiveDate,
        opened_on_precision: Coded<Precision>,
        obstacles: String,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = proceeding)]
pub(super) struct ProceedingRow {
    pub(super) id: Id,
    pub(super) reference: String,
    #[diesel(embed)]
    pub(super) facts: ProceedingFactsRow,
    pub(super) stage_furthest: Coded<Stage>,
    pub(super) stage_current: String,
    pub(super) tag_confidential: Vec<u8>,
    pub(super) tag_strictly_confidential: Vec<u8>,
    pub(super) created_by: Id,
    pub(super) created_at: NaiveDateTime,
    pub(super) updated_at: NaiveDateTime,
    pub(super) status: Coded<SubmissionStatus>,
    pub(super) submitted_state: Option<String>,
    pub(super) decided_by: Option<Id>,
    pub(super) decided_at: Option<NaiveDateTime>,
    pub(super) reason: Option<String>,
    pub(super) reason_fields: Option<String>,
    pub(super) withdrawal_by: Option<Id>,
    pub(super) withdrawn_at: Option<NaiveDateTime>,
}

impl ProceedingRow {
    pub(super) fn into_proceeding(self) -> Result<Proceeding> {
        Ok(Proceeding {
            returned: returned(self.reason, self.reason_fields, "proceeding", &self.reference)?,
            withdrawal_by: self.withdrawal_by,
            withdrawn_at: self.withdrawn_at,
            status: self.status.0,
            recorded_by: self.created_by,
            submitted_state: self.submitted_state,
            decided_at: self.decided_at,
            id: self.id,
            facts: self.facts.facts()?,
            stage_furthest: self.stage_furthest.0,
            stage_current: self.stage_current,
            tags: [self.tag_confidential, self.tag_strictly_confidential],
            created_at: self.created_at,
            updated_at: self.updated_at,
            frozen_at: None,
            reference: self.reference,
        })
    }
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = step)]
pub(super) struct StepRow {
    pub(super) id: Id,
    pub(super) handle: String,
    pub(super) proceeding_id: Id,
    pub(super) accused: Option<i32>,
    pub(super) kind: String,
    pub(super) happened_on: NaiveDate,
    pub(super) happened_on_precision: String,
    pub(super) stage: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) exit: Option<String>,
    pub(super) sentence: Option<String>,
    pub(super) sentence_months: Option<i32>,
    pub(super) obstacle: Option<String>,
    pub(super) postponed_to: Option<NaiveDate>,
    pub(super) source_url: Option<String>,
    pub(super) status: String,
    pub(super) submitted_by: Id,
    pub(super) submitted_state: Option<String>,
    pub(super) submitted_at: NaiveDateTime,
    pub(super) recorded_at: Option<NaiveDateTime>,
    pub(super) decided_by: Option<Id>,
    pub(super) reason: Option<String>,
    pub(super) reason_fields: Option<String>,
    pub(super) corrects: Option<Id>,
    pub(super) correction_reason: Option<String>,
    pub(super) withdrawal_by: Option<Id>,
    pub(super) ended_at: Option<NaiveDateTime>,
}

impl StepRow {
    /// The step, with the handle of its accused.
    pub(super) fn into_step(self, about: Option<String>) -> Result<StepRecord> {
        let Self {
            id,
            handle,
            proceeding_id: _,
            accused,
            kind,
            happened_on,
            happened_on_precision,
            stage,
            outcome,
            exit,
            sentence,
            sentence_months,
            obstacle,
            postponed_to,
            source_url,
            status,
            submitted_by: _,
            submitted_state,
            submitted_at,
            recorded_at,
            decided_by: _,
            reason,
            reason_fields,
            corrects,
            correction_reason,
            withdrawal_by,
            ended_at,
        } = self;
        fn some<C: Code>(text: Option<String>, column: &'static str, row: &str) -> Result<Option<C>> {
            text.map(|text| code(&text, "step", column, row)).transpose()
        }
        Ok(StepRecord {
            step: Step {
                kind: code(&kind, "step", "kind", &handle)?,
                accused,
                happened: PartialDate::new(
                    happened_on,
                    code(&happened_on_precision, "step", "happened_on_precision", &handle)?,
                ),
                recorded_at: recorded_at.unwrap_or(submitted_at),
                ended_at,
                stage: some(stage, "stage", &handle)?,
                outcome: some(outcome, "outcome", &handle)?,
                exit: some(exit, "exit", &handle)?,
                sentence: some(sentence, "sentence", &handle)?,
                obstacle: some(obstacle, "obstacle", &handle)?,
            },
            accused: about,
            sentence_months,
            postponed_to,
            source_url,
            status: code(&status, "step", "status", &handle)?,
            submitted_state,
            returned: returned(reason, reason_fields, "step", &handle)?,
            withdrawal_by,
            corrects: None,
            replaced_by: None,
            corrects_id: corrects,
            correction_reason: some(correction_reason, "correction_reason", &handle)?,
            id,
            handle,
        })
    }
}

/// An accused with the progress that was stored at the last accepted step.
#[derive(Clone, Queryable)]
pub(in crate::store) struct AccusedRow {
    pub(in crate::store) id: Id,
    pub(in crate::store) proceeding_id: Id,
    pub(in crate::store) number: i32,
    pub(in crate::store) _suspect_id: Option<Id>,
    pub(in crate::store) stage_furthest: String,
    pub(in crate::store) _stage_current: String,
    pub(in crate::store) outcome: String,
    pub(in crate::store) in_absentia: bool,
    pub(in crate::store) _detention: String,
    pub(in crate::store) recorded_at: NaiveDateTime,
    pub(in crate::store) status: String,
    pub(in crate::store) submitted_by: Option<Id>,
    pub(in crate::store) submitted_state: Option<String>,
    _decided_by: Option<Id>,
    pub(super) reason: Option<String>,
    pub(in crate::store) handle: String,
    pub(super) reason_fields: Option<String>,
    pub(super) withdrawal_by: Option<Id>,
    pub(super) ended_at: Option<NaiveDateTime>,
}

impl AccusedRow {
    pub(in crate::store) fn is_accepted(&self) -> bool {
        self.status == SubmissionStatus::Accepted.code()
    }
}

/// Steps of one proceeding, each with the State that submitted it, if one did.
pub(in crate::store) type Submitted = Vec<(Step, Option<String>)>;

impl Read<'_> {
    /// A page of proceedings, newest first. A State's is made out of what it is shown, so that neither a filter nor a cursor
    /// tells of anything else.
    ///
    /// # Errors
    /// The database's.
    pub fn proceeding_list(
        &mut self,
        filter: &ProceedingFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Proceeding>> {
        let case = match &filter.case {
            Some(reference) => match self.case_get(reference)? {
                Some(case) => Some(case.id),
                None => return Ok(Page::default()),
            },
            None => None,
        };
        let mut query = proceeding_seen(self.scope);
        if let Some(state) = &filter.state {
            query = query.filter(p::state.eq(state.clone()));
        }
        if let Some(case) = case {
            let of_case =
                proceeding_case::table.filter(proceeding_case::case_id.eq(case)).select(proceeding_case::proceeding_id);
            query = query.filter(p::id.eq_any(of_case));
        }
        if let Some(incident) = &filter.incident {
            query = query.filter(p::id.eq_any(self.proceeding_ids_of_incident(incident)?));
        }
        let place = |one: &Proceeding| Cursor { on: one.facts.opened_on, reference: one.reference.clone() };
        if matches!(self.scope, Scope::State(_)) {
            let rows: Vec<ProceedingRow> = query.select(ProceedingRow::as_select()).load(self.db)?;
            let found = rows.into_iter().map(ProceedingRow::into_proceeding).collect::<Result<Vec<_>>>()?;
            let mut seen = self.proceedings_as_seen(found)?;
            seen.retain(|one| {
                filter.updated_from.is_none_or(|since| one.updated_at >= since)
                    && filter.status.is_none_or(|status| one.status == status)
                    && filter.forum.is_none_or(|forum| one.facts.forum == forum)
                    && filter.stage.is_none_or(|stage| one.stage_furthest == stage)
                    && one.facts.opened().may_lie_within(filter.from, filter.to)
            });
            return Ok(Page::within(seen, after, limit, place));
        }
        if let Some(since) = filter.updated_from {
            query = query.filter(p::updated_at.ge(since));
        }
        if let Some(status) = filter.status {
            query = query.filter(p::status.eq(status.code()));
        }
        if let Some(forum) = filter.forum {
            query = query.filter(p::forum.eq(forum.code()));
        }
        if let Some(stage) = filter.stage {
            query = query.filter(p::stage_furthest.eq(stage.code()));
        }
        if let Some(from) = filter.from {
            query = may_reach!(query, p::opened_on, p::opened_on_precision, from);
        }
        if let Some(to) = filter.to {
            query = query.filter(p::opened_on.le(to));
        }
        let rows: Vec<ProceedingRow> = page_of!(query, p::opened_on, p::reference, after, limit)
            .select(ProceedingRow::as_select())
            .load(self.db)?;
        let items = rows.into_iter().map(ProceedingRow::into_proceeding).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, place))
    }

    /// One proceeding.
    ///
    /// # Errors
    /// The database's.
    pub fn proceeding_get(&mut self, reference: &str) -> Result<Option<Proceeding>> {
        let row: Option<ProceedingRow> = proceeding_seen(self.scope)
            .filter(p::reference.eq(reference.to_owned()))
            .select(ProceedingRow::as_select())
            .first(self.db)
            .optional()?;
        let found = row.map(ProceedingRow::into_proceeding).transpose()?;
        Ok(self.proceedings_as_seen(found.into_iter().collect())?.pop())
    }

    /// The proceedings that serve a case, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn proceedings_of_case(&mut self, case: &Case) -> Result<Vec<Proceeding>> {
        let ids = self.proceedings_of_cases(&[case.id])?;
        self.proceedings_of(&ids)
    }

    /// The proceedings of these ids that the scope sees.
    pub(in crate::store) fn proceedings_of(&mut self, ids: &[Id]) -> Result<Vec<Proceeding>> {
        let rows: Vec<ProceedingRow> = proceeding_seen(self.scope)
            .filter(p::id.eq_any(ids.to_vec()))
            .order(p::reference)
            .select(ProceedingRow::as_select())
            .load(self.db)?;
        let found = rows.into_iter().map(ProceedingRow::into_proceeding).collect::<Result<Vec<_>>>()?;
        self.proceedings_as_seen(found)
    }

    /// The proceedings that figures count: accepted by a time, and not withdrawn by then, by reference.
    pub(in crate::store) fn proceedings_counted(&mut self, by: NaiveDateTime) -> Result<Vec<Proceeding>> {
        let rows: Vec<ProceedingRow> = proceeding_seen(self.scope)
            .filter(p::status.eq(SubmissionStatus::Accepted.code()).or(p::withdrawn_at.gt(by)))
            .filter(p::decided_at.le(by))
            .order(p::reference)
            .select(ProceedingRow::as_select())
            .load(self.db)?;
        rows.into_iter().map(ProceedingRow::into_proceeding).collect()
    }

    /// The steps of several proceedings that were ever part of the record; those that ended know when.
    pub(in crate::store) fn steps_recorded(&mut self, proceedings: &[Id]) -> Result<HashMap<Id, Submitted>> {
        let rows: Vec<StepRow> = step::table
            .filter(step::proceeding_id.eq_any(proceedings.to_vec()))
            .filter(step::status.eq(SubmissionStatus::Accepted.code()).or(step::ended_at.is_not_null()))
            .order((step::happened_on, step::recorded_at))
            .load(self.db)?;
        let mut steps: HashMap<Id, Submitted> = HashMap::new();
        for row in rows {
            let id = row.proceeding_id;
            let record = row.into_step(None)?;
            steps.entry(id).or_default().push((record.step, record.submitted_state));
        }
        Ok(steps)
    }

    /// The accused of a proceeding that the scope sees, each with its own progress.
    ///
    /// # Errors
    /// The database's.
    pub fn accused_list(&mut self, of: &Proceeding) -> Result<Vec<Accused>> {
        let rows = self.accused_seen(&[of])?;
        let steps: Vec<Step> = self.step_list(of)?.into_iter().filter(is_accepted).map(|record| record.step).collect();
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let links: Vec<(Id, Id)> =
            accused_incident::table.filter(accused_incident::accused_id.eq_any(ids)).load(self.db)?;
        let incidents: Vec<Id> = links.iter().map(|(_, incident)| *incident).collect();
        let seen = self.incidents_of(&incidents)?;
        let one = |row: AccusedRow| {
            let AccusedRow {
                id, number, status, reason, reason_fields, handle, submitted_state, withdrawal_by, ..
            } = row;
            Ok(Accused {
                id,
                handle,
                number,
                status: code(&status, "accused", "status", &of.reference)?,
                returned: returned(reason, reason_fields, "accused", &of.reference)?,
                withdrawal_by,
                submitted_state,
                progress: progress(&steps, Some(number), AsOf::NOW),
                sentence: steps
                    .iter()
                    .rev()
                    .find(|step| step.accused == Some(number) && step.kind == StepKind::Sentence)
                    .and_then(|step| step.sentence),
                incidents: seen
                    .iter()
                    .filter(|incident| links.contains(&(id, incident.id)))
                    .map(|incident| incident.reference.clone())
                    .collect(),
            })
        };
        rows.into_iter().map(one).collect()
    }

    /// The cases that a proceeding serves, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn proceeding_cases(&mut self, of: &Proceeding) -> Result<Vec<Case>> {
        let ids: Vec<Id> = proceeding_case::table
            .filter(proceeding_case::proceeding_id.eq(of.id))
            .select(proceeding_case::case_id)
            .load(self.db)?;
        self.cases_of(&ids)
    }

    /// The missions whose cases a proceeding serves.
    ///
    /// # Errors
    /// The database's.
    pub fn proceeding_missions(&mut self, of: &Proceeding) -> Result<Vec<String>> {
        let ids: Vec<Id> = proceeding_case::table
            .filter(proceeding_case::proceeding_id.eq(of.id))
            .select(proceeding_case::case_id)
            .load(self.db)?;
        Ok(case_seen(&Scope::Everything)
            .filter(case_file::id.eq_any(ids))
            .select(case_file::mission)
            .distinct()
            .load(self.db)?)
    }
}
