//! What the year's figures are: tables and annexes, each with its unit, scope, cut-off and source.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::domain::{Flow, MeasureKind, Precision};
use crate::store::CorrectionKind;

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
    /// When: the first day, where only the month or year is known.
    pub on: NaiveDate,
    /// How exactly that is known.
    pub on_precision: Precision,
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
    /// When: the first day, where only the month or year is known.
    pub occurred_on: NaiveDate,
    /// How exactly that is known.
    pub occurred_on_precision: Precision,
    /// Mission.
    pub mission: String,
    /// Act.
    pub act: String,
    /// Persons killed.
    pub killed: i32,
    /// Persons injured.
    pub injured: i32,
    /// Persons abducted or missing.
    pub abducted: i32,
    /// Persons detained.
    pub detained: i32,
}

/// Table 9: persons abducted, detained or missing, over time.
#[derive(Debug, Clone, Serialize)]
pub struct Held {
    /// Units and the rest.
    pub about: TableHeader,
    /// Held at the start of the period.
    pub at_start: i64,
    /// Taken in the period.
    pub taken: i64,
    /// Released, freed, escaped, found or dead in the period.
    pub ended: i64,
    /// Held at the end of the period.
    pub at_end: i64,
}

impl Held {
    /// Whether the table adds up.
    pub fn reconciles(&self) -> bool {
        self.at_start + self.taken - self.ended == self.at_end
    }
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
    /// Mission.
    pub mission: String,
    /// What happened to it.
    pub kind: CorrectionKind,
    /// When it happened: the first day, where only the month or year is known.
    pub occurred_on: NaiveDate,
    /// How exactly that is known.
    pub occurred_on_precision: Precision,
    /// When the edition was released, or the record withdrawn.
    pub released_on: NaiveDate,
    /// Persons killed, before and after.
    pub killed: [i32; 2],
    /// Persons injured, before and after.
    pub injured: [i32; 2],
    /// Persons abducted or missing, before and after.
    pub abducted: [i32; 2],
    /// Persons detained, before and after.
    pub detained: [i32; 2],
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
    /// Table 9.
    pub held: Held,
    /// Annex I.
    pub incidents: Vec<IncidentItem>,
    /// Annex II.
    pub corrections: Vec<Correction>,
}
