//! The published tables: the fixed set that States see of what does not concern them. Method, limits and sources are in
//! docs/statistics.md; what of them may be told is `policy::suppression`'s.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::domain::{Act, Code, Detention, Harm, Obstacle, Stage, code_list};
use crate::policy::suppression::{Release, Shape, grouped, released};
use crate::store::{Read, Result};

code_list! {
    /// A table of the fixed set.
    PublishedTable in "published_table" {
        FatalIncidentsByStage = "Incidents in which personnel died, by mission and furthest stage of proceedings",
        OtherIncidentsByAct = "Incidents in which nobody died, by mission and act",
        SurvivorsByOutcome = "Victims who were not killed, by mission and what happened to them",
        AccusedByDetention = "Persons accused, by State of the proceeding and detention",
        ProceedingsByObstacle = "Proceedings, by what stands in their way (each counted once for each obstacle)",
    }
}

impl PublishedTable {
    /// Codes of its columns, in order.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            PublishedTable::FatalIncidentsByStage => {
                &["no_information", "reported_or_investigated", "charged_or_on_trial", "judgement"]
            }
            PublishedTable::OtherIncidentsByAct => &["persons", "liberty", "premises_and_transport", "other"],
            PublishedTable::SurvivorsByOutcome => &["injured", "abducted_or_detained", "unharmed", "not_known"],
            PublishedTable::AccusedByDetention => &["detained", "at_large", "released", "not_known"],
            PublishedTable::ProceedingsByObstacle => &["proceedings"],
        }
    }

    /// What its rows are: a mission, a State, or an obstacle.
    pub const fn rows(self) -> &'static str {
        match self {
            PublishedTable::FatalIncidentsByStage
            | PublishedTable::OtherIncidentsByAct
            | PublishedTable::SurvivorsByOutcome => "mission",
            PublishedTable::AccusedByDetention => "state",
            PublishedTable::ProceedingsByObstacle => "obstacle",
        }
    }

    /// How it is suppressed. How many incidents took lives is public row by row.
    pub fn shape(self) -> Shape {
        Shape {
            columns: self.columns().len(),
            adds_up: self != PublishedTable::ProceedingsByObstacle,
            rows_are_public: self == PublishedTable::FatalIncidentsByStage,
        }
    }
}

const fn stage_column(stage: Stage) -> usize {
    match stage {
        Stage::NoInformation => 0,
        Stage::Reported | Stage::PreliminaryEnquiry | Stage::Investigation => 1,
        Stage::Charged | Stage::CommittedForTrial | Stage::Trial => 2,
        Stage::FirstJudgement | Stage::Appeal | Stage::FinalJudgement | Stage::Enforcement => 3,
    }
}

const fn act_column(act: Act) -> usize {
    match act {
        Act::Killing
        | Act::AttemptedKilling
        | Act::Wounding
        | Act::Assault
        | Act::TortureIllTreatment
        | Act::SexualViolence
        | Act::ThreatIntimidation => 0,
        Act::AbductionHostageTaking | Act::UnlawfulDetention | Act::EnforcedDisappearance => 1,
        Act::AttackOnPremises
        | Act::AttackOnConvoyTransport
        | Act::ArmedRobberyHijacking
        | Act::LootingDestructionProperty
        | Act::ObstructionOfMovement => 2,
        Act::Incitement | Act::AttemptOther | Act::ParticipationOrdering | Act::Other | Act::NotKnown => 3,
    }
}

/// The column of a victim; none for who died, whom the public file has row by row.
const fn harm_column(harm: Harm) -> Option<usize> {
    match harm {
        Harm::Killed => None,
        Harm::GravelyInjured | Harm::Injured => Some(0),
        Harm::Abducted | Harm::Detained | Harm::Missing | Harm::Released => Some(1),
        Harm::Threatened | Harm::Unharmed => Some(2),
        Harm::NotKnown => Some(3),
    }
}

const fn detention_column(detention: Detention) -> usize {
    match detention {
        Detention::Detained => 0,
        Detention::AtLarge | Detention::Escaped => 1,
        Detention::Bail | Detention::Released => 2,
        Detention::NotKnown => 3,
    }
}

/// One table of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasedTable {
    /// Which.
    pub table: String,
    /// As counted, and what of it is withheld.
    pub release: Release,
}

impl ReleasedTable {
    /// Which it is; none for one that this program has not.
    pub fn kind(&self) -> Option<PublishedTable> {
        PublishedTable::parse(&self.table)
    }
}

type Counted = BTreeMap<String, Vec<u32>>;

fn add(to: &mut Counted, table: PublishedTable, label: &str, column: usize) {
    let row = to.entry(label.to_owned()).or_insert_with(|| vec![0; table.columns().len()]);
    if let Some(cell) = row.get_mut(column) {
        *cell += 1;
    }
}

/// Counts the fixed set as recorded now, and decides what of each table can be released as `quarter`, after these releases (oldest
/// first). A table of which nothing can be told that tells nothing of fewer than five stays as it was, or is left out.
///
/// # Errors
/// The store's.
pub fn tables(
    r: &mut Read<'_>,
    earlier: &[Vec<ReleasedTable>],
    quarter: &str,
    cut_off: NaiveDateTime,
) -> Result<Vec<ReleasedTable>> {
    let first = NaiveDate::from_ymd_opt(1948, 1, 1).unwrap_or_default();
    let (incidents, victims) = r.figure_incidents(first, cut_off.date(), cut_off)?;
    let stages = r.figure_stages()?;
    // Who died, by mission and by host State, is public row by row: what is known of a group without any table.
    let (mut died_in_mission, mut died_in_state) = (BTreeMap::new(), BTreeMap::new());
    let hosts = r.figure_hosts()?;
    let mut counted: BTreeMap<PublishedTable, Counted> = BTreeMap::new();
    let mut count = |table: PublishedTable, label: &str, column: usize| {
        add(counted.entry(table).or_default(), table, label, column);
    };
    for line in &incidents {
        if line.counts.killed > 0 {
            let killed = line.counts.killed.unsigned_abs();
            *died_in_mission.entry(line.mission.clone()).or_insert(0) += killed;
            if let Some(host) = hosts.get(&line.reference) {
                *died_in_state.entry(host.clone()).or_insert(0) += killed;
            }
            let stage = stages.get(&line.reference).copied().unwrap_or(Stage::NoInformation);
            count(PublishedTable::FatalIncidentsByStage, &line.mission, stage_column(stage));
        } else {
            count(PublishedTable::OtherIncidentsByAct, &line.mission, act_column(line.act));
        }
    }
    for line in &victims {
        if let Some(column) = harm_column(line.outcome) {
            count(PublishedTable::SurvivorsByOutcome, &line.mission, column);
        }
    }
    for (state, detention) in r.figure_detention()? {
        count(PublishedTable::AccusedByDetention, &state, detention_column(detention));
    }
    let obstacles = r.figure_obstacles()?;
    for obstacle in Obstacle::VARIANTS {
        let row = counted.entry(PublishedTable::ProceedingsByObstacle).or_default();
        let of = obstacles.iter().filter(|known| *known == obstacle).count();
        row.insert(obstacle.code().to_owned(), vec![u32::try_from(of).unwrap_or(u32::MAX)]);
    }
    let mut made = Vec::new();
    for table in PublishedTable::VARIANTS {
        let of = |release: &Vec<ReleasedTable>| {
            release.iter().find(|one| one.table == table.code()).map(|one| one.release.clone())
        };
        let history: Vec<Release> = earlier.iter().filter_map(of).collect();
        let shape = table.shape();
        let counted = counted.remove(table).unwrap_or_default();
        let counted = match table {
            PublishedTable::ProceedingsByObstacle => counted,
            PublishedTable::AccusedByDetention => grouped(history.last(), counted, &died_in_state, shape),
            PublishedTable::FatalIncidentsByStage
            | PublishedTable::OtherIncidentsByAct
            | PublishedTable::SurvivorsByOutcome => grouped(history.last(), counted, &died_in_mission, shape),
        };
        let release = released(&history, counted, quarter, shape).or_else(|| history.last().cloned());
        let release = release.filter(|release| !release.rows.is_empty());
        made.extend(release.map(|release| ReleasedTable { table: table.code().to_owned(), release }));
    }
    Ok(made)
}
