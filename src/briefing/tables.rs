//! The published tables: the fixed set that States see of what does not concern them, a year's once. Method, limits and sources are in
//! docs/statistics.md; what of them may be told is `policy::suppression`'s.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::domain::{Code, Detention, Obstacle, Stage, code_list};
use crate::policy::suppression::{Shape, Suppressed, grouped, suppressed};
use crate::store::{Read, Result};

code_list! {
    /// A table of the fixed set.
    PublishedTable in "published_table" {
        FatalIncidentsByStage = "The year's incidents in which personnel died, by mission and furthest stage of proceedings",
        AccusedByDetention = "Persons accused in proceedings opened in the year, by State of the proceeding and detention",
        ProceedingsByObstacle = "Proceedings opened in the year, by what stands in their way (each counted once for each obstacle)",
    }
}

impl PublishedTable {
    /// Codes of its columns, in order.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            PublishedTable::FatalIncidentsByStage => {
                &["no_information", "reported_or_investigated", "charged_or_on_trial", "judgement"]
            }
            PublishedTable::AccusedByDetention => &["detained", "at_large", "released", "not_known"],
            PublishedTable::ProceedingsByObstacle => &["proceedings"],
        }
    }

    /// What its rows are: a mission, a State, or an obstacle.
    pub const fn rows(self) -> &'static str {
        match self {
            PublishedTable::FatalIncidentsByStage => "mission",
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
    pub content: Suppressed,
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

/// Counts a year's fixed set as recorded now, and decides what of each table can be published. A table of which nothing can be told that
/// tells nothing of fewer than five is left out.
///
/// # Errors
/// The store's.
pub fn tables(r: &mut Read<'_>, year: i32, cut_off: NaiveDateTime) -> Result<Vec<ReleasedTable>> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or_default();
    let begin = NaiveDate::from_ymd_opt(1948, 1, 1).unwrap_or_default();
    let (incidents, _) = r.figure_incidents(begin, last, cut_off)?;
    let (stages, hosts) = (r.figure_stages()?, r.figure_hosts()?);
    // Who died, by mission and by host State, is public row by row: what is known of a group without any table.
    let (mut died_in_mission, mut died_in_state) = (BTreeMap::new(), BTreeMap::new());
    let mut counted: BTreeMap<PublishedTable, Counted> = BTreeMap::new();
    for line in incidents.iter().filter(|line| line.counts.killed > 0) {
        let killed = line.counts.killed.unsigned_abs();
        if let Some(host) = hosts.get(&line.reference) {
            *died_in_state.entry(host.clone()).or_insert(0) += killed;
        }
        if line.occurred.first() >= first {
            *died_in_mission.entry(line.mission.clone()).or_insert(0) += killed;
            let stage = stages.get(&line.reference).copied().unwrap_or(Stage::NoInformation);
            let table = PublishedTable::FatalIncidentsByStage;
            add(counted.entry(table).or_default(), table, &line.mission, stage_column(stage));
        }
    }
    for (state, detention) in r.figure_detention(first, last)? {
        let table = PublishedTable::AccusedByDetention;
        add(counted.entry(table).or_default(), table, &state, detention_column(detention));
    }
    let obstacles = r.figure_obstacles(first, last)?;
    for obstacle in Obstacle::VARIANTS {
        let of = obstacles.iter().filter(|known| *known == obstacle).count();
        let row = vec![u32::try_from(of).unwrap_or(u32::MAX)];
        counted.entry(PublishedTable::ProceedingsByObstacle).or_default().insert(obstacle.code().to_owned(), row);
    }
    let made = |table: &PublishedTable| {
        let (shape, counted) = (table.shape(), counted.remove(table).unwrap_or_default());
        let counted = match table {
            PublishedTable::ProceedingsByObstacle => counted,
            PublishedTable::AccusedByDetention => grouped(counted, &died_in_state, shape),
            PublishedTable::FatalIncidentsByStage => grouped(counted, &died_in_mission, shape),
        };
        let content = suppressed(counted, shape).filter(|content| content.tells(shape))?;
        Some(ReleasedTable { table: table.code().to_owned(), content })
    };
    Ok(PublishedTable::VARIANTS.iter().filter_map(made).collect())
}
