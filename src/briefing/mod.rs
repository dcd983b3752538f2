//! The year's figures: what the annual briefing under resolution 2378 (2017) says of crimes against peacekeepers, in the
//! terms of resolution 2589 (2021). Every figure has its unit, scope, cut-off and source.

mod figures;
mod markdown;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::{
    AsOf, AssistanceStatus, Code, Harm, MeasureKind, MissionKind, Outcome, PartialDate, Progress, Stage, Standing,
    StepKind, progress, roll_up, stock_and_flow,
};
use crate::store::{CaseHistory, CorrectionKind, ProceedingLine, Read, Result};

pub use figures::{
    AssistanceFigures, ByMission, Correction, CrossTable, Figures, Held, IncidentItem, Judgement, MissionFigures,
    Persons, StockAndFlow, Table, TableHeader,
};
pub use markdown::markdown;
pub use tables::{PublishedTable, ReleasedTable, tables};

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
        held: held(&r.figure_held(cut_off)?, first, last, about("persons abducted, detained or missing", scope)),
        incidents: incidents
            .into_iter()
            .map(|line| IncidentItem {
                reference: line.reference,
                occurred_on: line.occurred.first(),
                occurred_on_precision: line.occurred.precision(),
                mission: line.mission,
                act: line.act.code().to_owned(),
                killed: line.counts.killed,
                injured: line.counts.injured,
                abducted: line.counts.abducted,
                detained: line.counts.detained,
            })
            .collect(),
        corrections: r
            .figure_corrections(first, cut_off)?
            .into_iter()
            .map(|one| Correction {
                reference: one.reference,
                mission: one.mission,
                kind: one.kind,
                occurred_on: one.occurred.first(),
                occurred_on_precision: one.occurred.precision(),
                released_on: one.released_on,
                killed: [one.counts.0.killed, one.counts.1.killed],
                injured: [one.counts.0.injured, one.counts.1.injured],
                abducted: [one.counts.0.abducted, one.counts.1.abducted],
                detained: [one.counts.0.detained, one.counts.1.detained],
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
                        && step.stood(until.recorded)
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

fn held(all: &[(NaiveDate, Option<NaiveDate>)], first: NaiveDate, last: NaiveDate, about: TableHeader) -> Held {
    let count = |wanted: &dyn Fn(NaiveDate, Option<NaiveDate>) -> bool| {
        i64::try_from(all.iter().filter(|(from, until)| wanted(*from, *until)).count()).unwrap_or(0)
    };
    Held {
        about,
        at_start: count(&|from, until| from < first && until.is_none_or(|until| until >= first)),
        taken: count(&|from, _| (first..=last).contains(&from)),
        ended: count(&|from, until| from <= last && until.is_some_and(|until| (first..=last).contains(&until))),
        at_end: count(&|from, until| from <= last && until.is_none_or(|until| until > last)),
    }
}

fn judgements(proceedings: &[ProceedingLine], first: NaiveDate, until: AsOf) -> Vec<Judgement> {
    let mut list = Vec::new();
    for line in proceedings {
        let given = |on: PartialDate| {
            line.steps.iter().filter(move |step| {
                step.kind == StepKind::Judgement && step.happened == on && step.stood(until.recorded)
            })
        };
        let days: BTreeSet<PartialDate> = line
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Judgement && step.stood(until.recorded))
            .map(|step| step.happened)
            .filter(|on| first <= on.first() && on.first() <= until.happened)
            .collect();
        for on in days {
            let count = |wanted: &[Outcome]| {
                i64::try_from(given(on).filter(|step| step.outcome.is_some_and(|o| wanted.contains(&o))).count())
                    .unwrap_or(0)
            };
            list.push(Judgement {
                on: on.first(),
                on_precision: on.precision(),
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
