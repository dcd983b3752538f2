//! The public proceedings that the program carries as sample data: facts from public pages, each with its source.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::{Exit, Forum, Outcome, PartialDate, Precision, Stage, StepKind};
use crate::store::NewStep;

const FILE: &[u8] = include_bytes!("data/prosecutions.csv");

#[derive(Deserialize)]
struct Row {
    case_id: String,
    mission_or_body: String,
    scope: String,
    incident_date: String,
    incident_date_precision: String,
    court: String,
    court_country_iso3: String,
    court_kind: String,
    stage: String,
    decision_date: String,
    accused: String,
    convicted: String,
    of_which_in_absentia: String,
    acquitted: String,
    source_url: String,
}

/// A public proceeding over one incident.
#[derive(Debug, Clone)]
pub struct PublicProceeding {
    /// Mission of the incident.
    pub mission: String,
    /// Date of the incident.
    pub incident_on: NaiveDate,
    /// State of the court.
    pub state: String,
    /// The court.
    pub authority: String,
    /// Its kind.
    pub forum: Forum,
    /// When the first dated step happened.
    pub opened: PartialDate,
    /// How many accused the sources speak of.
    pub accused: i32,
    /// Dated steps.
    pub steps: Vec<NewStep>,
}

/// The public proceedings for crimes against peacekeepers whose incident has a day, a State's court and a dated step.
/// Where sources give numbers of persons convicted and acquitted, accused are numbered in that order: nothing tells who is
/// who.
///
/// # Errors
/// The carried file's own fault.
pub fn public_proceedings() -> Result<Vec<PublicProceeding>, csv::Error> {
    let mut found: BTreeMap<(String, String), PublicProceeding> = BTreeMap::new();
    for row in csv::Reader::from_reader(FILE).deserialize() {
        let row: Row = row?;
        let usable =
            row.scope == "peacekeepers" && row.incident_date_precision == "day" && !row.court_country_iso3.is_empty();
        let (Ok(incident_on), Some(happened)) = (row.incident_date.parse(), partial(&row.decision_date)) else {
            continue;
        };
        if !usable {
            continue;
        }
        let one =
            found.entry((row.case_id.clone(), row.court_country_iso3.clone())).or_insert_with(|| PublicProceeding {
                mission: row.mission_or_body.clone(),
                incident_on,
                state: row.court_country_iso3.clone(),
                authority: row.court.clone(),
                forum: forum(&row.court_kind),
                opened: happened,
                accused: 0,
                steps: Vec::new(),
            });
        if happened.first() < one.opened.first() {
            one.opened = happened;
        }
        let number = |text: &str| text.trim().parse::<i32>().unwrap_or(0);
        let (convicted, acquitted) = (number(&row.convicted), number(&row.acquitted));
        one.accused = one.accused.max(number(&row.accused)).max(convicted + acquitted);
        let base = NewStep {
            source_url: Some(row.source_url.clone()).filter(|url| url.len() <= 500),
            ..NewStep::of(StepKind::StageReached, None, happened)
        };
        if convicted + acquitted > 0 {
            let absent = number(&row.of_which_in_absentia).min(convicted);
            for at in 0..convicted + acquitted {
                let outcome = match at {
                    at if at < absent => Outcome::ConvictedInAbsentia,
                    at if at < convicted => Outcome::Convicted,
                    _ => Outcome::Acquitted,
                };
                one.steps.push(NewStep {
                    kind: StepKind::Judgement,
                    accused: Some(at + 1),
                    stage: Some(if row.stage.starts_with("appeal") {
                        Stage::FinalJudgement
                    } else {
                        Stage::FirstJudgement
                    }),
                    outcome: Some(outcome),
                    ..base.clone()
                });
            }
        } else if let Some(step) = of_stage(&row.stage, base) {
            one.steps.push(step);
        }
    }
    Ok(found.into_values().filter(|one| !one.steps.is_empty()).collect())
}

fn of_stage(stage: &str, base: NewStep) -> Option<NewStep> {
    let reached = |stage| NewStep { stage: Some(stage), ..base.clone() };
    Some(match stage {
        "arrest" => NewStep { kind: StepKind::Arrest, ..base },
        "arrest_warrant" => NewStep { kind: StepKind::WarrantIssued, ..base },
        "charges_filed" | "indictment" | "charges_confirmed" => reached(Stage::Charged),
        "assigned_to_court" => reached(Stage::CommittedForTrial),
        "released_on_bail" => NewStep { kind: StepKind::Bail, ..base },
        "trial_opened" => reached(Stage::Trial),
        "verdict" | "first_instance_judgment" | "sentence" => reached(Stage::FirstJudgement),
        "appeal_opened" => NewStep { kind: StepKind::Appeal, ..base },
        "appeal_judgment" | "appeal_dismissed" => reached(Stage::FinalJudgement),
        "charges_not_confirmed" | "discharged" => {
            NewStep { kind: StepKind::Exit, exit: Some(Exit::ClosedNoProsecution), ..base }
        }
        "terminated_death_of_accused" => NewStep { kind: StepKind::Exit, exit: Some(Exit::Abated), ..base },
        _ => return None,
    })
}

fn forum(kind: &str) -> Forum {
    match kind {
        "national_military" => Forum::Military,
        "national_criminal" => Forum::Ordinary,
        "hybrid" => Forum::Hybrid,
        "international" => Forum::International,
        "national_of_accused_custody" | "national_of_victims" => Forum::ThirdState,
        _ => Forum::NotKnown,
    }
}

fn partial(text: &str) -> Option<PartialDate> {
    let (padded, precision) = match text.len() {
        4 => (format!("{text}-01-01"), Precision::Year),
        7 => (format!("{text}-01"), Precision::Month),
        _ => (text.to_owned(), Precision::Day),
    };
    padded.parse().ok().map(|date| PartialDate::new(date, precision))
}
