//! The year's figures: what the annual briefing under resolution 2378 (2017) says of crimes against peacekeepers, in the
//! terms of resolution 2589 (2021). Every figure has its unit, scope, cut-off and source.

mod markdown;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;

use crate::domain::{
    AsOf, AssistanceStatus, Code, Flow, Harm, MeasureKind, MissionKind, Outcome, Progress, Stage, Standing, StepKind,
    progress, roll_up, stock_and_flow,
};
use crate::store::{CaseHistory, ProceedingLine, Read, Result};

pub use markdown::markdown;
pub use tables::{PublishedTable, ReleasedTable, tables};

/// What a table counts, over what, until when, and out of what.
#[derive(Debug, Clone, Serialize)]
pub struct TableHeader {
    /// What one is.
    pub unit: &'static str,
    /// Over which records.
    pub scope: String,
    /// Recorded by then.
    pub cut_off: DateTime<Utc>,
    /// Out of what.
    pub source: &'static str,
}

/// Incidents and victims of one mission.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MissionFigures {
    /// Incidents.
    pub incidents: i64,
    /// Persons killed.
    pub killed: i64,
    /// Persons injured.
    pub injured: i64,
    /// Persons abducted or missing.
    pub abducted: i64,
    /// Persons detained.
    pub detained: i64,
}

/// Table 1: by mission.
#[derive(Debug, Clone, Serialize)]
pub struct ByMission {
    /// Units and the rest.
    pub about: TableHeader,
    /// By mission.
    pub missions: BTreeMap<String, MissionFigures>,
    /// All missions.
    pub total: MissionFigures,
    /// Peacekeeping operations only.
    pub peacekeeping_operations: MissionFigures,
}

/// A count by two codes.
#[derive(Debug, Clone, Serialize)]
pub struct CrossTable {
    /// Units and the rest.
    pub about: TableHeader,
    /// Count by row and column code.
    pub cells: BTreeMap<String, BTreeMap<String, i64>>,
}

/// A count by one code.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// Units and the rest.
    pub about: TableHeader,
    /// Count by code.
    pub cells: BTreeMap<String, i64>,
}

/// Table 4: persons in proceedings.
#[derive(Debug, Clone, Serialize)]
pub struct Persons {
    /// Units and the rest.
    pub about: TableHeader,
    /// Accused known.
    pub accused: i64,
    /// Charged in the period.
    pub charged: i64,
    /// Brought to trial in the period.
    pub tried: i64,
    /// Convicted in the period.
    pub convicted: i64,
    /// Of those, while absent.
    pub convicted_in_absentia: i64,
    /// Acquitted in the period.
    pub acquitted: i64,
    /// Detained at the end of the period.
    pub detained: i64,
    /// At large or escaped at the end of the period.
    pub at_large: i64,
}

/// Table 5: cases open, opened and concluded.
#[derive(Debug, Clone, Serialize)]
pub struct StockAndFlow {
    /// Units and the rest.
    pub about: TableHeader,
    /// The table.
    #[serde(flatten)]
    pub flow: Flow,
    /// Whether it adds up.
    pub reconciles: bool,
}

/// A judgement in the period.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// When.
    pub on: NaiveDate,
    /// State.
    pub state: String,
    /// Forum.
    pub forum: String,
    /// Proceeding.
    pub proceeding: String,
    /// Persons convicted.
    pub convicted: i64,
    /// Of those, while absent.
    pub in_absentia: i64,
    /// Persons acquitted.
    pub acquitted: i64,
}

/// An incident in the list.
#[derive(Debug, Clone, Serialize)]
pub struct IncidentItem {
    /// Reference.
    pub reference: String,
    /// When.
    pub occurred_on: NaiveDate,
    /// Mission.
    pub mission: String,
    /// Act.
    pub act: String,
    /// Persons killed.
    pub killed: i32,
    /// Persons injured.
    pub injured: i32,
}

/// Table 7: assistance.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AssistanceFigures {
    /// Offers made in the period.
    pub offered: i64,
    /// Of those, delivered.
    pub delivered: i64,
    /// Of those, declined.
    pub declined: i64,
    /// Women who took part.
    pub women: i64,
    /// Men who took part.
    pub men: i64,
}

/// A correction to figures of earlier years.
#[derive(Debug, Clone, Serialize)]
pub struct Correction {
    /// Incident.
    pub reference: String,
    /// When it happened.
    pub occurred_on: NaiveDate,
    /// When the corrected edition was released.
    pub released_on: NaiveDate,
    /// Persons killed, before and after.
    pub killed: [i32; 2],
    /// Persons injured, before and after.
    pub injured: [i32; 2],
}

/// The year's figures.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Recorded by then.
    pub cut_off: DateTime<Utc>,
    /// Classification of this document.
    pub classification: &'static str,
    /// Counting rules.
    pub rules: [&'static str; 5],
    /// Table 1.
    pub by_mission: ByMission,
    /// Table 2.
    pub victims_by_act_and_category: CrossTable,
    /// Table 3.
    pub proceedings_by_furthest_stage: CrossTable,
    /// Table 4.
    pub persons: Persons,
    /// Table 5.
    pub cases: StockAndFlow,
    /// Table 6.
    pub judgements: Vec<Judgement>,
    /// Table 9, by State.
    pub assistance: BTreeMap<String, AssistanceFigures>,
    /// What assistance counts.
    pub assistance_about: TableHeader,
    /// English names of all States, by code.
    #[serde(skip)]
    pub states: BTreeMap<String, String>,
    /// Table 8: measures taken by States in the period, by State and kind.
    pub measures: BTreeMap<String, BTreeMap<MeasureKind, i64>>,
    /// What measures count.
    pub measures_about: TableHeader,
    /// Annex I.
    pub incidents: Vec<IncidentItem>,
    /// Annex IV.
    pub corrections: Vec<Correction>,
}

const RULES: [&str; 5] = [
    "Units are never mixed: an incident, a victim, a case, a proceeding and an accused are counted apart.",
    "An incident is counted in the year in which it happened, by its edition as released at the cut-off.",
    "A person is counted as charged, tried, convicted or acquitted in the year in which the step happened.",
    "Stages and outcomes are each accused's own; a proceeding stands at the furthest stage that any of its accused reached.",
    "What was recorded after the cut-off is not counted; corrections to earlier years are listed.",
];

const SOURCE: &str = "Casque, released editions and accepted steps";

/// Draws up the figures of a year, as recorded by a cut-off (now, unless an earlier one is asked for).
///
/// # Errors
/// The store's.
pub fn figures(r: &mut Read<'_>, year: i32, cut_off: NaiveDateTime) -> Result<Figures> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or_default();
    let about = |unit: &'static str, scope: &str| TableHeader {
        unit,
        scope: scope.to_owned(),
        cut_off: cut_off.and_utc(),
        source: SOURCE,
    };
    let (incidents, victims) = r.figure_incidents(first, last, cut_off)?;
    let mut missions: BTreeMap<String, MissionFigures> = BTreeMap::new();
    let (mut total, mut operations) = (MissionFigures::default(), MissionFigures::default());
    for line in &incidents {
        let add = |figures: &mut MissionFigures| {
            figures.incidents += 1;
            figures.killed += i64::from(line.counts.killed);
            figures.injured += i64::from(line.counts.injured);
            figures.abducted += i64::from(line.counts.abducted);
            figures.detained += i64::from(line.counts.detained);
        };
        add(missions.entry(line.mission.clone()).or_default());
        add(&mut total);
        if line.kind == MissionKind::Pko {
            add(&mut operations);
        }
    }
    let mut by_act: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for line in victims.iter().filter(|line| line.outcome != Harm::Unharmed) {
        let row = by_act.entry(line.act.code().to_owned()).or_default();
        *row.entry(line.category.code().to_owned()).or_default() += 1;
    }
    let proceedings = r.figure_proceedings(cut_off)?;
    let as_of = AsOf { happened: last, recorded: cut_off };
    let before = AsOf { happened: first.pred_opt().unwrap_or(first), recorded: cut_off };
    let mut by_stage: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for line in proceedings.iter().filter(|line| line.opened_on <= last) {
        let row = by_stage.entry(line.state.clone()).or_default();
        *row.entry(whole(line, as_of).furthest.code().to_owned()).or_default() += 1;
    }
    let cases = r.figure_cases(cut_off)?;
    let flow = stock_and_flow(cases.iter().map(|case: &CaseHistory| case.events.as_slice()), first, last);
    let scope = "peacekeeping operations and special political missions";
    Ok(Figures {
        from: first,
        to: last,
        cut_off: cut_off.and_utc(),
        classification: "UNCLASSIFIED: figures from open fields only",
        rules: RULES,
        by_mission: ByMission {
            about: about("incidents; persons", scope),
            missions,
            total,
            peacekeeping_operations: operations,
        },
        victims_by_act_and_category: CrossTable { about: about("persons harmed", scope), cells: by_act },
        proceedings_by_furthest_stage: CrossTable {
            about: about("proceedings opened by the end of the period", "States of the proceedings"),
            cells: by_stage,
        },
        persons: persons(&proceedings, before, as_of, about("persons accused", "all proceedings")),
        cases: StockAndFlow { about: about("cases", "all missions"), flow, reconciles: flow.reconciles() },
        judgements: judgements(&proceedings, first, as_of),
        assistance: assistance(r, first, last, cut_off)?,
        assistance_about: about("offers made in the period", "beneficiary States"),
        states: r.state_list()?.into_iter().map(|state| (state.code, state.name_en)).collect(),
        measures: measures(r, first, last, cut_off)?,
        measures_about: about("measures taken in the period", "accepted measures of all States"),
        incidents: incidents
            .into_iter()
            .map(|line| IncidentItem {
                reference: line.reference,
                occurred_on: line.occurred_on,
                mission: line.mission,
                act: line.act.code().to_owned(),
                killed: line.counts.killed,
                injured: line.counts.injured,
            })
            .collect(),
        corrections: r
            .figure_corrections(first, cut_off)?
            .into_iter()
            .map(|one| Correction {
                reference: one.reference,
                occurred_on: one.occurred_on,
                released_on: one.released_on,
                killed: [one.counts.0.killed, one.counts.1.killed],
                injured: [one.counts.0.injured, one.counts.1.injured],
            })
            .collect(),
    })
}

fn whole(line: &ProceedingLine, as_of: AsOf) -> Progress {
    let mut lines: Vec<Progress> =
        line.accused.iter().map(|number| progress(&line.steps, Some(*number), as_of)).collect();
    lines.push(progress(&line.steps, None, as_of));
    roll_up(&lines)
}

fn persons(proceedings: &[ProceedingLine], before: AsOf, until: AsOf, about: TableHeader) -> Persons {
    use crate::domain::Detention;
    let mut persons = Persons {
        about,
        accused: 0,
        charged: 0,
        tried: 0,
        convicted: 0,
        convicted_in_absentia: 0,
        acquitted: 0,
        detained: 0,
        at_large: 0,
    };
    for line in proceedings.iter().filter(|line| line.opened_on <= until.happened) {
        for number in &line.accused {
            let (then, now) =
                (progress(&line.steps, Some(*number), before), progress(&line.steps, Some(*number), until));
            let reached = |stage: Stage| i64::from(then.furthest < stage && now.furthest >= stage);
            // By the steps of the period, not by where it began and ended: who is convicted and then acquitted is both.
            let judged = |wanted: &[Outcome]| {
                i64::from(line.steps.iter().any(|step| {
                    step.accused == Some(*number)
                        && step.recorded_at <= until.recorded
                        && before.happened < step.happened.first()
                        && step.happened.first() <= until.happened
                        && step.outcome.is_some_and(|outcome| wanted.contains(&outcome))
                }))
            };
            persons.accused += 1;
            persons.charged += reached(Stage::Charged);
            persons.tried += reached(Stage::Trial);
            persons.convicted += judged(&[Outcome::Convicted, Outcome::ConvictedInAbsentia]);
            persons.convicted_in_absentia += judged(&[Outcome::ConvictedInAbsentia]);
            persons.acquitted += judged(&[Outcome::Acquitted]);
            let present = matches!(now.current, Standing::At(_));
            persons.detained += i64::from(present && now.detention == Detention::Detained);
            persons.at_large += i64::from(present && matches!(now.detention, Detention::AtLarge | Detention::Escaped));
        }
    }
    persons
}

fn judgements(proceedings: &[ProceedingLine], first: NaiveDate, until: AsOf) -> Vec<Judgement> {
    let mut list = Vec::new();
    for line in proceedings {
        let given = |on: NaiveDate| {
            line.steps.iter().filter(move |step| {
                step.kind == StepKind::Judgement && step.happened.first() == on && step.recorded_at <= until.recorded
            })
        };
        let days: BTreeSet<NaiveDate> = line
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Judgement && step.recorded_at <= until.recorded)
            .map(|step| step.happened.first())
            .filter(|on| first <= *on && *on <= until.happened)
            .collect();
        for on in days {
            let count = |wanted: &[Outcome]| {
                i64::try_from(given(on).filter(|step| step.outcome.is_some_and(|o| wanted.contains(&o))).count())
                    .unwrap_or(0)
            };
            list.push(Judgement {
                on,
                state: line.state.clone(),
                forum: line.forum.code().to_owned(),
                proceeding: line.reference.clone(),
                convicted: count(&[Outcome::Convicted, Outcome::ConvictedInAbsentia]),
                in_absentia: count(&[Outcome::ConvictedInAbsentia]),
                acquitted: count(&[Outcome::Acquitted]),
            });
        }
    }
    list.sort_by_key(|judgement| judgement.on);
    list
}

fn assistance(
    r: &mut Read<'_>,
    first: NaiveDate,
    last: NaiveDate,
    cut_off: NaiveDateTime,
) -> Result<BTreeMap<String, AssistanceFigures>> {
    let mut table: BTreeMap<String, AssistanceFigures> = BTreeMap::new();
    for one in r.figure_assistance(first, last, cut_off)? {
        let figures = table.entry(one.state).or_default();
        figures.offered += 1;
        figures.delivered += i64::from(one.status == AssistanceStatus::Delivered);
        figures.declined += i64::from(one.status == AssistanceStatus::Declined);
        figures.women += i64::from(one.women.unwrap_or(0));
        figures.men += i64::from(one.men.unwrap_or(0));
    }
    Ok(table)
}

fn measures(
    r: &mut Read<'_>,
    first: NaiveDate,
    last: NaiveDate,
    cut_off: NaiveDateTime,
) -> Result<BTreeMap<String, BTreeMap<MeasureKind, i64>>> {
    let mut table: BTreeMap<String, BTreeMap<MeasureKind, i64>> = BTreeMap::new();
    for one in r.figure_measures(first, last, cut_off)? {
        *table.entry(one.state).or_default().entry(one.kind).or_default() += 1;
    }
    Ok(table)
}
