//! What of proceedings, accused and steps a scope sees. A State that holds a proceeding sees all of it; another what is
//! about the incidents that it sees, and stages as they follow from that alone; a State that is withheld from nothing that
//! was recorded since, but for what it submitted itself.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::ClassCode;

use super::read::{AccusedRow, StepRow};
use super::{Proceeding, StepRecord, is_accepted, whole};
use crate::domain::Code as _;
use crate::domain::{Noun, Progress, SealedChange, SealedField, Step, SubmissionStatus};
use crate::policy::Scope;
use crate::store::db::Id;
use crate::store::db::schema::{account, accused, accused_incident, proceeding_case, revision, step};
use crate::store::{Read, Result, split};

/// What a reader may know of the seals of a proceeding and its accused.
#[derive(Debug)]
pub struct Seals {
    /// What is held, by holder and field.
    pub held: HashSet<(Id, u16)>,
    /// Tags that move when a value is edited: confidential, strictly confidential.
    pub tags: [Vec<u8>; 2],
}

/// Whether what ended at a time is told to a State that a record was kept from at another: it is told as it stood then.
fn stands_for(ended_at: Option<NaiveDateTime>, frozen_at: Option<NaiveDateTime>) -> bool {
    ended_at.zip(frozen_at).is_some_and(|(ended, frozen)| ended > frozen)
}

/// Names what corrects what, among the steps of a proceeding that a scope sees.
fn name_corrections(all: &mut [StepRecord]) {
    let handles: HashMap<Id, String> = all.iter().map(|one| (one.id, one.handle.clone())).collect();
    let stands = |one: &&StepRecord| is_accepted(one) || one.step.ended_at.is_some();
    let replaced: HashMap<Id, String> =
        all.iter().filter(stands).filter_map(|one| Some((one.corrects_id?, one.handle.clone()))).collect();
    for one in all {
        one.corrects = one.corrects_id.and_then(|id| handles.get(&id).cloned());
        one.replaced_by = replaced.get(&one.id).cloned();
    }
}

impl StepRecord {
    /// Takes away what a State is not told: that its withdrawal is asked for, and what came after the State was kept from the proceeding.
    fn as_told(&mut self, frozen_at: Option<NaiveDateTime>) {
        self.withdrawal_by = None;
        if stands_for(self.step.ended_at, frozen_at) {
            self.status = SubmissionStatus::Accepted;
            self.step.ended_at = None;
        }
        if self.status == SubmissionStatus::Accepted {
            self.returned = None;
        }
    }
}

impl AccusedRow {
    /// As [`StepRecord::as_told`].
    fn as_told(&mut self, frozen_at: Option<NaiveDateTime>) {
        self.withdrawal_by = None;
        if stands_for(self.ended_at, frozen_at) {
            SubmissionStatus::Accepted.code().clone_into(&mut self.status);
            self.ended_at = None;
        }
        if self.is_accepted() {
            (self.reason, self.reason_fields) = (None, None);
        }
    }
}

impl Read<'_> {
    /// Proceedings as the scope sees them.
    pub(super) fn proceedings_as_seen(&mut self, mut found: Vec<Proceeding>) -> Result<Vec<Proceeding>> {
        let Scope::State(state) = self.scope else { return Ok(found) };
        let ids: Vec<Id> = found.iter().map(|one| one.id).collect();
        let links: Vec<(Id, Id)> = proceeding_case::table
            .filter(proceeding_case::proceeding_id.eq_any(&ids))
            .select((proceeding_case::proceeding_id, proceeding_case::case_id))
            .load(self.db)?;
        let cases: Vec<Id> = links.iter().map(|(_, case)| *case).collect();
        let by_case = self.frozen(state, &cases)?;
        for one in &mut found {
            one.frozen_at =
                links.iter().filter(|(id, _)| *id == one.id).filter_map(|(_, case)| by_case.get(case)).min().copied();
        }
        let own = |one: &Proceeding| one.submitted_state.as_ref() == Some(state);
        found.retain(|one| {
            let since = one.decided_at.unwrap_or(one.created_at);
            one.frozen_at.is_none_or(|at| since <= at) || own(one)
        });
        for one in &mut found {
            // What is asked and done about an accepted proceeding after that does not tell the State.
            one.withdrawal_by = None;
            let is_later = one.withdrawn_at.is_some() && one.withdrawn_at > one.frozen_at && one.frozen_at.is_some();
            if is_later || one.status == SubmissionStatus::Accepted {
                one.status = SubmissionStatus::Accepted;
                one.returned = None;
            }
        }
        let all: Vec<&Proceeding> = found.iter().collect();
        let accused = self.accused_seen(&all)?;
        let mut steps = self.steps_of(&all, &accused)?;
        let edited = self.facts_edited(&ids)?;
        for one in &mut found {
            if one.facts.state == *state && one.frozen_at.is_none() {
                continue;
            }
            if let Some(at) = one.frozen_at {
                one.facts = self.as_of((Noun::Proceeding, one.id), at, &one.facts)?;
            }
            let accepted: Vec<Step> =
                steps.remove(&one.id).unwrap_or_default().into_iter().filter(is_accepted).map(|r| r.step).collect();
            let at = whole(&accepted);
            one.stage_furthest = at.furthest;
            one.stage_current = at.current.code().to_owned();
            let edits = edited.iter().filter(|(id, _)| *id == one.id).map(|(_, at)| *at);
            let mine = accused.iter().filter(|row| row.proceeding_id == one.id).map(|row| row.recorded_at);
            let within = |at: &NaiveDateTime| one.frozen_at.is_none_or(|frozen| *at <= frozen);
            one.updated_at = edits
                .filter(within)
                .chain(mine)
                .chain(accepted.iter().map(|step| step.recorded_at))
                .chain([one.created_at])
                .max()
                .unwrap_or(one.created_at);
        }
        Ok(found)
    }

    /// What is held below a proceeding and its accused, and the tags that move when it is edited, as the scope may know: of a State, out of
    /// what was recorded until it was kept from the proceeding, and what it recorded itself.
    ///
    /// # Errors
    /// The database's.
    pub fn proceeding_seals(&mut self, of: &Proceeding, holders: &[Id]) -> Result<Seals> {
        let Scope::State(state) = self.scope else {
            return Ok(Seals { held: self.held(holders)?, tags: of.tags.clone() });
        };
        let rows: Vec<(Id, Id, String, NaiveDateTime, Option<String>)> = revision::table
            .inner_join(account::table.on(account::id.eq(revision::author_id)))
            .filter(revision::root_id.eq(of.id))
            .filter(revision::sealed_changes.ne(""))
            .order((revision::made_at, revision::id))
            .select((revision::id, revision::record_id, revision::sealed_changes, revision::made_at, account::state))
            .load(self.db)?;
        let (mut held, mut tags) = (HashSet::new(), of.tags.clone().map(|_| of.id.0.to_vec()));
        for (id, record, codes, at, author) in rows {
            let told = of.frozen_at.is_none_or(|frozen| at <= frozen) || author.as_ref() == Some(state);
            if !told || !holders.contains(&record) {
                continue;
            }
            for code in split(&codes).iter().filter_map(|code| code.parse::<u16>().ok()) {
                // What is asked and said about an accepted proceeding itself is not told.
                let is_told =
                    |field: &&SealedField| record != of.id || of.status != SubmissionStatus::Accepted || field.typed;
                for field in SealedChange::coded(code).into_iter().flat_map(SealedChange::fields).filter(is_told) {
                    if SealedChange::is_emptied(code) {
                        held.remove(&(record, field.code));
                    } else {
                        held.insert((record, field.code));
                    }
                    if let Some(at) = ClassCode::ALL.iter().position(|class| *class == field.class) {
                        tags[at] = id.0.to_vec();
                    }
                }
            }
        }
        Ok(Seals { held, tags })
    }

    /// When the open facts of these proceedings themselves changed.
    fn facts_edited(&mut self, ids: &[Id]) -> Result<Vec<(Id, NaiveDateTime)>> {
        Ok(revision::table
            .filter(revision::root_id.eq_any(ids.to_vec()))
            .filter(revision::record_id.eq_any(ids.to_vec()))
            .filter(revision::kind.eq("edited"))
            .filter(revision::open_changes.ne("{}"))
            .select((revision::record_id, revision::made_at))
            .load(self.db)?)
    }

    /// How far each of these proceedings went, as the scope sees it.
    pub(in crate::store) fn progress_seen(&mut self, found: &[Proceeding]) -> Result<HashMap<Id, Progress>> {
        let all: Vec<&Proceeding> = found.iter().collect();
        let accused = self.accused_seen(&all)?;
        let steps = self.steps_of(&all, &accused)?;
        Ok(steps
            .into_iter()
            .map(|(id, steps)| {
                let accepted: Vec<Step> = steps.into_iter().filter(is_accepted).map(|record| record.step).collect();
                (id, whole(&accepted))
            })
            .collect())
    }

    /// The steps of a proceeding that the scope sees: those of accused that it sees, accepted ones to a State beside its own
    /// proposals, all proposals to mission and Secretariat.
    ///
    /// # Errors
    /// The database's.
    pub fn step_list(&mut self, of: &Proceeding) -> Result<Vec<StepRecord>> {
        let accused = self.accused_seen(&[of])?;
        Ok(self.steps_of(&[of], &accused)?.remove(&of.id).unwrap_or_default())
    }

    fn steps_of(&mut self, of: &[&Proceeding], accused: &[AccusedRow]) -> Result<HashMap<Id, Vec<StepRecord>>> {
        let ids: Vec<Id> = of.iter().map(|one| one.id).collect();
        let rows: Vec<StepRow> = step::table
            .filter(step::proceeding_id.eq_any(ids))
            .order((step::happened_on, step::submitted_at, step::handle))
            .load(self.db)?;
        let mut steps: HashMap<Id, Vec<StepRecord>> = HashMap::new();
        for row in rows {
            let Some(proceeding) = of.iter().find(|one| one.id == row.proceeding_id) else { continue };
            let about = row.accused.and_then(|number| {
                accused.iter().find(|one| one.proceeding_id == proceeding.id && one.number == number)
            });
            let about_seen = row.accused.is_none() || about.is_some();
            let mut record = row.into_step(about.map(|one| one.handle.clone()))?;
            if self.scope.state().is_some() {
                record.as_told(proceeding.frozen_at);
            }
            let seen = match self.scope {
                Scope::State(state) => {
                    let own = record.submitted_state.as_deref() == Some(state);
                    let was_accepted = is_accepted(&record) || record.step.ended_at.is_some();
                    let in_time = proceeding.frozen_at.is_none_or(|at| record.step.recorded_at <= at);
                    own || (was_accepted && in_time && about_seen)
                }
                Scope::Everything | Scope::Missions(_) | Scope::Nothing => about_seen,
            };
            if seen {
                steps.entry(proceeding.id).or_default().push(record);
            }
        }
        steps.values_mut().for_each(|all| name_corrections(all));
        Ok(steps)
    }

    /// The accused of these proceedings that the scope sees: all to the Secretariat, and to a State in its own; elsewhere
    /// those linked to an incident that it sees, or to none in particular.
    pub(in crate::store) fn accused_seen(&mut self, of: &[&Proceeding]) -> Result<Vec<AccusedRow>> {
        let ids: Vec<Id> = of.iter().map(|one| one.id).collect();
        let mut rows: Vec<AccusedRow> = accused::table
            .filter(accused::proceeding_id.eq_any(ids))
            .order((accused::proceeding_id, accused::number))
            .load(self.db)?;
        let own = match self.scope {
            Scope::Everything => return Ok(rows),
            Scope::State(state) => Some(state),
            Scope::Missions(_) | Scope::Nothing => None,
        };
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let links: Vec<(Id, Id)> =
            accused_incident::table.filter(accused_incident::accused_id.eq_any(ids)).load(self.db)?;
        let incidents: Vec<Id> = links.iter().map(|(_, incident)| *incident).collect();
        let seen: Vec<Id> = self.incidents_of(&incidents)?.into_iter().map(|incident| incident.id).collect();
        rows.retain_mut(|row| {
            let Some(proceeding) = of.iter().find(|one| one.id == row.proceeding_id) else { return false };
            let mut mine = links.iter().filter(|(accused, _)| *accused == row.id).peekable();
            let linked = mine.peek().is_none() || mine.any(|(_, incident)| seen.contains(incident));
            let submitted = own.is_some() && row.submitted_state.as_ref() == own;
            if own.is_some() {
                row.as_told(proceeding.frozen_at);
                if !row.is_accepted() && row.ended_at.is_none() {
                    return submitted;
                }
            }
            let own = own == Some(&proceeding.facts.state);
            submitted || (own || linked) && proceeding.frozen_at.is_none_or(|at| row.recorded_at <= at)
        });
        Ok(rows)
    }
}
