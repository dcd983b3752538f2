//! What the year's figures are made of: released editions, and facts recorded by the cut-off.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::case::case_seen;
use super::db::Id;
use super::db::schema::{accused, case_event, case_file, incident_edition as e, mission, victim};
use super::incident::{EditionChoice, edition_seen, victim_seen};
use super::{AssistanceFilter, MeasureFilter, Read, Result, code};
use crate::domain::{
    Act, AssistanceFacts, CaseEvent, Code, Counts, Forum, Harm, MeasureFacts, MissionKind, Noun, Personnel, Step,
    SubmissionStatus,
};
use crate::policy::Scope;

/// An incident in a figure.
#[derive(Debug, Clone)]
pub struct IncidentLine {
    /// Reference.
    pub reference: String,
    /// Mission.
    pub mission: String,
    /// Whether a peacekeeping operation or another.
    pub kind: MissionKind,
    /// Act.
    pub act: Act,
    /// When.
    pub occurred_on: NaiveDate,
    /// Victims by outcome.
    pub counts: Counts,
}

/// A victim in a figure.
#[derive(Debug, Clone)]
pub struct VictimLine {
    /// Mission.
    pub mission: String,
    /// Act of the incident.
    pub act: Act,
    /// Category.
    pub category: Personnel,
    /// Outcome.
    pub outcome: Harm,
}

/// A case in a figure.
#[derive(Debug, Clone)]
pub struct CaseHistory {
    /// Reference.
    pub reference: String,
    /// Its dated states, in order.
    pub events: Vec<CaseEvent>,
}

/// A proceeding in a figure.
#[derive(Debug, Clone)]
pub struct ProceedingLine {
    /// Reference.
    pub reference: String,
    /// State.
    pub state: String,
    /// Forum.
    pub forum: Forum,
    /// When it was opened.
    pub opened_on: NaiveDate,
    /// Numbers of its accused.
    pub accused: Vec<i32>,
    /// Accepted steps.
    pub steps: Vec<Step>,
}

/// An incident of an earlier year whose released edition was replaced or withdrawn from the period on.
#[derive(Debug, Clone)]
pub struct BriefingCorrection {
    /// Reference.
    pub reference: String,
    /// When it happened.
    pub occurred_on: NaiveDate,
    /// When the corrected edition was released, or the record withdrawn.
    pub released_on: NaiveDate,
    /// Victims by outcome, before and after.
    pub counts: (Counts, Counts),
}

type EditionLine = (Id, String, String, String, String, NaiveDate, (i32, i32, i32, i32, i32));

fn counts((victims, killed, injured, abducted, detained): (i32, i32, i32, i32, i32)) -> Counts {
    Counts { victims, killed, injured, abducted, detained }
}

impl Read<'_> {
    /// The incidents of a period as released by the cut-off, with their victims.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_incidents(
        &mut self,
        first: NaiveDate,
        last: NaiveDate,
        cut_off: NaiveDateTime,
    ) -> Result<(Vec<IncidentLine>, Vec<VictimLine>)> {
        let counts_for = self.countable()?;
        // An edition counted at the cut-off: released by then and not superseded by then.
        let rows: Vec<EditionLine> = e::table
            .inner_join(mission::table.on(mission::acronym.eq(e::mission)))
            .filter(e::occurred_on.between(first, last))
            .filter(e::released_at.le(cut_off))
            .filter(e::superseded_at.is_null().or(e::superseded_at.gt(cut_off)))
            .order((e::occurred_on, e::reference))
            .select((
                e::id,
                e::reference,
                e::mission,
                mission::kind,
                e::act,
                e::occurred_on,
                (e::victims, e::killed, e::injured, e::abducted, e::detained),
            ))
            .load(self.db)?;
        let mut incidents = Vec::with_capacity(rows.len());
        let mut by_edition = std::collections::HashMap::new();
        for (id, reference, mission, kind, act, occurred_on, numbers) in rows {
            if !counts_for(id, &mission) {
                continue;
            }
            let act: Act = code(&act, "incident_edition", "act", &reference)?;
            by_edition.insert(id, (mission.clone(), act));
            incidents.push(IncidentLine {
                kind: code(&kind, "mission", "kind", &mission)?,
                counts: counts(numbers),
                act,
                reference,
                mission,
                occurred_on,
            });
        }
        let of_period = e::table.filter(e::occurred_on.between(first, last)).select(e::id);
        let rows: Vec<(Id, String, String)> = victim_seen(self.scope)
            .filter(victim::edition_id.eq_any(of_period))
            .select((victim::edition_id, victim::category, victim::outcome))
            .load(self.db)?;
        let mut victims = Vec::new();
        for (edition, category, outcome) in rows {
            if let Some((mission, act)) = by_edition.get(&edition) {
                victims.push(VictimLine {
                    mission: mission.clone(),
                    act: *act,
                    category: code(&category, "victim", "category", mission)?,
                    outcome: code(&outcome, "victim", "outcome", mission)?,
                });
            }
        }
        Ok((incidents, victims))
    }

    /// Whether the scope counts an edition, superseded ones too, by its id and mission: to insiders those of their missions,
    /// to a State the very editions that it sees.
    fn countable(&mut self) -> Result<impl Fn(Id, &str) -> bool + use<>> {
        let (missions, seen) = match self.scope {
            Scope::Everything => (None, HashSet::new()),
            Scope::Missions(missions) => (Some(missions.clone()), HashSet::new()),
            Scope::State(_) | Scope::Nothing => {
                let seen: Vec<Id> = edition_seen(self.scope, EditionChoice::Released).select(e::id).load(self.db)?;
                (Some(Vec::new()), seen.into_iter().collect())
            }
        };
        Ok(move |edition: Id, mission: &str| match &missions {
            None => true,
            Some(missions) => seen.contains(&edition) || missions.iter().any(|own| own == mission),
        })
    }

    /// Every case within scope with its dated states that were recorded by the cut-off.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_cases(&mut self, cut_off: NaiveDateTime) -> Result<Vec<CaseHistory>> {
        let cases: Vec<(Id, String)> = case_seen(self.scope)
            .order(case_file::reference)
            .select((case_file::id, case_file::reference))
            .load(self.db)?;
        let events: Vec<(Id, String, NaiveDate)> = case_event::table
            .filter(case_event::recorded_at.le(cut_off))
            .order((case_event::happened_on, case_event::recorded_at))
            .select((case_event::case_id, case_event::status, case_event::happened_on))
            .load(self.db)?;
        let mut by_case: std::collections::HashMap<Id, Vec<CaseEvent>> = std::collections::HashMap::new();
        for (case, status, on) in events {
            let status = code(&status, "case_event", "status", &case.to_string())?;
            by_case.entry(case).or_default().push(CaseEvent { status, on });
        }
        Ok(cases
            .into_iter()
            .map(|(id, reference)| CaseHistory { reference, events: by_case.remove(&id).unwrap_or_default() })
            .collect())
    }

    /// Every proceeding within scope that was recorded by the cut-off, with its accused and accepted steps.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_proceedings(&mut self, cut_off: NaiveDateTime) -> Result<Vec<ProceedingLine>> {
        let found = self.proceedings_counted(cut_off)?;
        let ids: Vec<Id> = found.iter().map(|one| one.id).collect();
        let mut steps = self.steps_accepted(&ids)?;
        let accused: Vec<(Id, i32)> = accused::table
            .filter(accused::proceeding_id.eq_any(ids))
            .filter(accused::status.eq(SubmissionStatus::Accepted.code()))
            .filter(accused::recorded_at.le(cut_off))
            .order(accused::number)
            .select((accused::proceeding_id, accused::number))
            .load(self.db)?;
        let mut lines = Vec::with_capacity(found.len());
        for one in found {
            let facts = self.then(Noun::Proceeding, one.id, one.facts, one.updated_at, cut_off)?;
            lines.push(ProceedingLine {
                accused: accused.iter().filter(|(of, _)| *of == one.id).map(|(_, number)| *number).collect(),
                steps: steps.remove(&one.id).unwrap_or_default().into_iter().map(|(step, _)| step).collect(),
                reference: one.reference,
                state: facts.state,
                forum: facts.forum,
                opened_on: facts.opened_on,
            });
        }
        Ok(lines)
    }

    /// Facts as they were recorded by the cut-off.
    fn then<F: Serialize + DeserializeOwned>(
        &mut self,
        noun: Noun,
        id: Id,
        now: F,
        updated_at: NaiveDateTime,
        cut_off: NaiveDateTime,
    ) -> Result<F> {
        // What was recorded at the cut-off itself counts: what came after it is taken back.
        let after = cut_off + TimeDelta::microseconds(1);
        if updated_at > cut_off { self.as_of((noun, id), after, &now) } else { Ok(now) }
    }

    /// Incidents that earlier figures counted and whose released edition was replaced or withdrawn from the period on.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_corrections(&mut self, first: NaiveDate, cut_off: NaiveDateTime) -> Result<Vec<BriefingCorrection>> {
        type Numbers = (i32, i32, i32, i32, i32);
        type Row = (Id, Id, String, String, NaiveDate, Option<NaiveDateTime>, Numbers);
        let counts_for = self.countable()?;
        let corrected: Vec<Id> = e::table
            .filter(e::occurred_on.lt(first))
            .filter(e::superseded_at.le(cut_off))
            .filter(e::superseded_at.ge(first.and_time(chrono::NaiveTime::MIN)))
            .select(e::incident_id)
            .load(self.db)?;
        let rows: Vec<Row> = e::table
            .filter(e::incident_id.eq_any(corrected))
            .filter(e::released_at.le(cut_off))
            .order((e::reference, e::number))
            .select((
                e::incident_id,
                e::id,
                e::reference,
                e::mission,
                e::occurred_on,
                e::superseded_at,
                (e::victims, e::killed, e::injured, e::abducted, e::detained),
            ))
            .load(self.db)?;
        let mut corrections = Vec::new();
        for (at, (incident, edition, reference, mission, occurred_on, superseded_at, before)) in rows.iter().enumerate()
        {
            let Some(on) = superseded_at.filter(|at| *at <= cut_off).map(|at| at.date()) else { continue };
            let after = rows.get(at + 1).filter(|after| after.0 == *incident);
            let seen = after.map_or(*edition, |after| after.1);
            if *occurred_on < first && on >= first && counts_for(seen, mission) {
                corrections.push(BriefingCorrection {
                    reference: reference.clone(),
                    occurred_on: *occurred_on,
                    released_on: on,
                    counts: (counts(*before), after.map_or_else(Counts::default, |after| counts(after.6))),
                });
            }
        }
        Ok(corrections)
    }

    /// Offers of assistance made in a period and recorded by the cut-off, as they were recorded then.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_assistance(
        &mut self,
        first: NaiveDate,
        last: NaiveDate,
        cut_off: NaiveDateTime,
    ) -> Result<Vec<AssistanceFacts>> {
        let all = self.assistance_list(&AssistanceFilter::default(), None, i64::MAX - 1)?.items;
        let mut offers = Vec::new();
        for one in all.into_iter().filter(|one| one.created_at <= cut_off) {
            let facts = self.then(Noun::Assistance, one.id, one.facts, one.updated_at, cut_off)?;
            if (first..=last).contains(&facts.offered_on) {
                offers.push(facts);
            }
        }
        Ok(offers)
    }

    /// Measures taken in a period and accepted by the cut-off, as they were recorded then.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_measures(
        &mut self,
        first: NaiveDate,
        last: NaiveDate,
        cut_off: NaiveDateTime,
    ) -> Result<Vec<MeasureFacts>> {
        let all = self.measure_list(&MeasureFilter::default(), None, i64::MAX - 1)?.items;
        let mut measures = Vec::new();
        for one in all.into_iter().filter(|one| one.recorded_at.is_some_and(|at| at <= cut_off)) {
            let facts = self.then(Noun::Measure, one.id, one.facts, one.updated_at, cut_off)?;
            if (first..=last).contains(&facts.taken_on) {
                measures.push(facts);
            }
        }
        Ok(measures)
    }
}
