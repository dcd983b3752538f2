//! What the year's figures are made of: released editions, and facts recorded by the cut-off.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::case::case_seen;
use super::db::Id;
use super::db::schema::{accused, case_event, case_file, incident_edition as e, mission, proceeding as p, victim};
use super::incident::{EditionChoice, edition_seen, victim_seen};
use super::proceeding::proceeding_seen;
use super::{Read, Result, code};
use crate::domain::{Act, CaseEvent, Counts, Forum, Harm, MissionKind, Personnel, Step};

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

/// An incident of an earlier year whose released edition was replaced in the period.
#[derive(Debug, Clone)]
pub struct BriefingCorrection {
    /// Reference.
    pub reference: String,
    /// When it happened.
    pub occurred_on: NaiveDate,
    /// When the corrected edition was released.
    pub released_on: NaiveDate,
    /// Victims by outcome, before and after.
    pub counts: (Counts, Counts),
}

type EditionLine = (Id, Id, String, String, String, String, NaiveDate, (i32, i32, i32, i32, i32));

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
                e::incident_id,
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
        for (id, incident, reference, mission, kind, act, occurred_on, numbers) in rows {
            if !counts_for(id, incident) {
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

    /// Whether the scope counts an edition, superseded ones too, by edition and incident: to insiders those of incidents
    /// whose released edition they see (a withdrawn record counts nowhere), to a State the very editions that it sees.
    fn countable(&mut self) -> Result<impl Fn(Id, Id) -> bool + use<>> {
        let seen: Vec<(Id, Id)> =
            edition_seen(self.scope, EditionChoice::Released).select((e::id, e::incident_id)).load(self.db)?;
        let inside = self.scope.is_inside();
        let ids: HashSet<Id> =
            seen.into_iter().map(|(edition, incident)| if inside { incident } else { edition }).collect();
        Ok(move |edition: Id, incident: Id| ids.contains(if inside { &incident } else { &edition }))
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
            .select((case_event::case_id, case_event::state, case_event::happened_on))
            .load(self.db)?;
        let mut by_case: std::collections::HashMap<Id, Vec<CaseEvent>> = std::collections::HashMap::new();
        for (case, state, on) in events {
            let state = code(&state, "case_event", "state", &case.to_string())?;
            by_case.entry(case).or_default().push(CaseEvent { state, on });
        }
        Ok(cases
            .into_iter()
            .map(|(id, reference)| CaseHistory { reference, events: by_case.remove(&id).unwrap_or_default() })
            .collect())
    }

    /// Every proceeding within scope with its accused and accepted steps.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_proceedings(&mut self) -> Result<Vec<ProceedingLine>> {
        let rows: Vec<(Id, String, String, String, NaiveDate)> = proceeding_seen(self.scope)
            .order(p::reference)
            .select((p::id, p::reference, p::state, p::forum, p::opened_on))
            .load(self.db)?;
        let ids: Vec<Id> = rows.iter().map(|row| row.0).collect();
        let mut steps = self.steps_accepted(&ids)?;
        let accused: Vec<(Id, i32)> = accused::table
            .filter(accused::proceeding_id.eq_any(ids))
            .order(accused::number)
            .select((accused::proceeding_id, accused::number))
            .load(self.db)?;
        rows.into_iter()
            .map(|(id, reference, state, forum, opened_on)| {
                Ok(ProceedingLine {
                    forum: code(&forum, "proceeding", "forum", &reference)?,
                    accused: accused.iter().filter(|(of, _)| *of == id).map(|(_, number)| *number).collect(),
                    steps: steps.remove(&id).unwrap_or_default().into_iter().map(|(step, _)| step).collect(),
                    reference,
                    state,
                    opened_on,
                })
            })
            .collect()
    }

    /// Incidents before the period whose released edition was replaced within it: corrections to earlier figures.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_corrections(&mut self, first: NaiveDate, cut_off: NaiveDateTime) -> Result<Vec<BriefingCorrection>> {
        type Row = (Id, String, Id, NaiveDate, Option<NaiveDateTime>, (i32, i32, i32, i32, i32));
        let counts_for = self.countable()?;
        let rows: Vec<Row> = e::table
            .filter(e::occurred_on.lt(first))
            .filter(e::released_at.is_not_null())
            .filter(e::released_at.le(cut_off))
            .order((e::reference, e::number))
            .select((
                e::incident_id,
                e::reference,
                e::id,
                e::occurred_on,
                e::released_at,
                (e::victims, e::killed, e::injured, e::abducted, e::detained),
            ))
            .load(self.db)?;
        let pairs = rows.iter().zip(rows.iter().skip(1));
        Ok(pairs
            .filter(|(before, after)| before.0 == after.0 && counts_for(after.2, after.0))
            .filter_map(|(before, after)| {
                let released_on = after.4?.date();
                (released_on >= first).then(|| BriefingCorrection {
                    reference: after.1.clone(),
                    occurred_on: after.3,
                    released_on,
                    counts: (counts(before.5), counts(after.5)),
                })
            })
            .collect())
    }
}
