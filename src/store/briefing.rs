//! What the year's figures are made of: released editions, and facts recorded by the cut-off.

use std::collections::{HashMap, HashSet};

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
    Act, AssistanceFacts, CaseEvent, Code, Counts, Forum, Harm, MeasureFacts, MissionKind, Noun, PartialDate,
    Personnel, Precision, Step, SubmissionStatus, stood,
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
    pub occurred: PartialDate,
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
    /// Steps that were ever part of the record.
    pub steps: Vec<Step>,
}

/// What changed in the figures of an earlier year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionKind {
    /// A released edition was replaced.
    Replaced,
    /// A released record was withdrawn.
    Withdrawn,
    /// An incident of an earlier year was released for the first time.
    Late,
}

/// An incident of an earlier year that was first released, or whose released edition was replaced or withdrawn, from the period on.
#[derive(Debug, Clone)]
pub struct BriefingCorrection {
    /// Reference.
    pub reference: String,
    /// Mission.
    pub mission: String,
    /// What happened to it.
    pub kind: CorrectionKind,
    /// When it happened.
    pub occurred: PartialDate,
    /// When the edition was released, or the record withdrawn.
    pub released_on: NaiveDate,
    /// Victims by outcome, before and after.
    pub counts: (Counts, Counts),
}

type Numbers = (i32, i32, i32, i32, i32, i32);
type EditionLine = (Id, String, String, String, String, (NaiveDate, String), Numbers);

fn counts((victims, killed, injured, abducted, detained, still_held): Numbers) -> Counts {
    Counts { victims, killed, injured, abducted, detained, still_held }
}

fn precision_of(text: &str, reference: &str) -> Result<Precision> {
    code(text, "incident_edition", "occurred_on_precision", reference)
}

impl Read<'_> {
    /// Since when and until when each person was held who ever was, as released by the cut-off.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_held(&mut self, cut_off: NaiveDateTime) -> Result<Vec<(NaiveDate, Option<NaiveDate>)>> {
        let counts_for = self.countable()?;
        let editions: Vec<(Id, String, NaiveDate)> = e::table
            .filter(e::released_at.le(cut_off))
            .filter(e::superseded_at.is_null().or(e::superseded_at.gt(cut_off)))
            .select((e::id, e::mission, e::occurred_on))
            .load(self.db)?;
        let counted: HashMap<Id, NaiveDate> = editions
            .into_iter()
            .filter(|(id, mission, _)| counts_for(*id, mission))
            .map(|(id, _, on)| (id, on))
            .collect();
        let held = [Harm::Abducted, Harm::Detained, Harm::Missing].map(Code::code);
        let rows: Vec<(Id, Option<NaiveDate>, Option<NaiveDate>)> = victim_seen(self.scope)
            .filter(victim::outcome.eq_any(held).or(victim::held_end.is_not_null()))
            .select((victim::edition_id, victim::held_from, victim::held_until))
            .load(self.db)?;
        let one = |(edition, from, until): (Id, Option<NaiveDate>, Option<NaiveDate>)| {
            counted.get(&edition).map(|occurred| (from.unwrap_or(*occurred), until))
        };
        Ok(rows.into_iter().filter_map(one).collect())
    }

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
                (e::occurred_on, e::occurred_on_precision),
                (e::victims, e::killed, e::injured, e::abducted, e::detained, e::still_held),
            ))
            .load(self.db)?;
        let mut incidents = Vec::with_capacity(rows.len());
        let mut by_edition = HashMap::new();
        for (id, reference, mission, kind, act, (on, precision), numbers) in rows {
            if !counts_for(id, &mission) {
                continue;
            }
            let act: Act = code(&act, "incident_edition", "act", &reference)?;
            by_edition.insert(id, (mission.clone(), act));
            incidents.push(IncidentLine {
                kind: code(&kind, "mission", "kind", &mission)?,
                counts: counts(numbers),
                act,
                occurred: PartialDate::new(on, precision_of(&precision, &reference)?),
                reference,
                mission,
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
        let mut by_case: HashMap<Id, Vec<CaseEvent>> = HashMap::new();
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
        let mut steps = self.steps_recorded(&ids)?;
        let accused: Vec<(Id, i32)> = accused::table
            .filter(accused::proceeding_id.eq_any(ids))
            .filter(accused::status.eq(SubmissionStatus::Accepted.code()).or(accused::ended_at.gt(cut_off)))
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

    /// Incidents of earlier years that were released for the first time, or whose released edition was replaced or withdrawn, from the period on.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_corrections(&mut self, first: NaiveDate, cut_off: NaiveDateTime) -> Result<Vec<BriefingCorrection>> {
        type Row =
            (Id, Id, String, String, (NaiveDate, String), (Option<NaiveDateTime>, Option<NaiveDateTime>), Numbers);
        let counts_for = self.countable()?;
        let begin = first.and_time(chrono::NaiveTime::MIN);
        let changed: Vec<Id> = e::table
            .filter(e::occurred_on.lt(first))
            .filter(e::superseded_at.between(begin, cut_off).or(e::released_at.between(begin, cut_off)))
            .select(e::incident_id)
            .distinct()
            .load(self.db)?;
        let rows: Vec<Row> = e::table
            .filter(e::incident_id.eq_any(changed))
            .filter(e::released_at.le(cut_off))
            .order((e::reference, e::number))
            .select((
                e::incident_id,
                e::id,
                e::reference,
                e::mission,
                (e::occurred_on, e::occurred_on_precision),
                (e::released_at, e::superseded_at),
                (e::victims, e::killed, e::injured, e::abducted, e::detained, e::still_held),
            ))
            .load(self.db)?;
        let mut corrections = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let (incident, edition, reference, mission, (on, precision), (released_at, superseded_at), numbers) = row;
            let occurred = PartialDate::new(*on, precision_of(precision, reference)?);
            if *on >= first {
                continue;
            }
            let correction = |kind, at: NaiveDateTime, counts| BriefingCorrection {
                reference: reference.clone(),
                mission: mission.clone(),
                kind,
                occurred,
                released_on: at.date(),
                counts,
            };
            let is_first =
                at.checked_sub(1).and_then(|before| rows.get(before)).is_none_or(|before| before.0 != *incident);
            if let Some(at) = released_at.filter(|at| is_first && *at >= begin && counts_for(*edition, mission)) {
                corrections.push(correction(CorrectionKind::Late, at, (Counts::default(), counts(*numbers))));
            }
            let after = rows.get(at + 1).filter(|after| after.0 == *incident);
            let seen = after.map_or(*edition, |after| after.1);
            let ended = superseded_at.filter(|at| (begin..=cut_off).contains(at));
            if let Some(at) = ended.filter(|_| counts_for(seen, mission)) {
                let kind = if after.is_some() { CorrectionKind::Replaced } else { CorrectionKind::Withdrawn };
                let later = after.map_or_else(Counts::default, |after| counts(after.6));
                corrections.push(correction(kind, at, (counts(*numbers), later)));
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
        for one in all.into_iter().filter(|one| stood(one.recorded_at, one.ended_at, cut_off)) {
            let facts = self.then(Noun::Measure, one.id, one.facts, one.updated_at, cut_off)?;
            if (first..=last).contains(&facts.taken_on) {
                measures.push(facts);
            }
        }
        Ok(measures)
    }
}
