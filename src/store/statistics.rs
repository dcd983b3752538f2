//! Counts of a named unit, within scope, by dimensions that are open. Figures count released editions for everybody.
//!
//! Over everything the tallies answer; within a State's scope rows are read through the nouns' scoped base queries and counted
//! here, so that a count can never say more than paging through the list would.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::db::Id;
use super::db::schema::{incident_edition as e, victim};
use super::incident::{EditionChoice, edition_seen, victim_seen};
use super::proceeding::{AccusedRow, Proceeding};
use super::{CaseFilter, ProceedingFilter, Read, Result};
use crate::domain::Code;
use crate::domain::{Outcome, SubmissionStatus, code_list};

code_list! {
    /// What is counted. Counts of different units are never to be added or compared.
    Unit in "unit" {
        Incidents = "Incidents",
        Victims = "Victims",
        Cases = "Cases",
        Proceedings = "Proceedings",
        Accused = "Accused",
    }

    /// By what it is counted.
    Dimension in "dimension" {
        Mission = "Mission",
        HostState = "Host State, or State of the proceeding",
        Year = "Year of occurrence, or of opening",
        Act = "Act",
        Means = "Means",
        Outcome = "Outcome for the victim, or for the accused",
        PersonnelCategory = "Category of personnel",
        Stage = "Furthest stage",
        Forum = "Forum",
        InAbsentia = "Convicted in absentia",
        InformationStatus = "Information status",
    }
}

impl Unit {
    /// The dimensions that this unit has.
    pub const fn dimensions(self) -> &'static [Dimension] {
        use Dimension as D;
        match self {
            Unit::Incidents => &[D::Mission, D::HostState, D::Year, D::Act, D::Means],
            Unit::Victims => &[D::Mission, D::HostState, D::Year, D::Act, D::Means, D::Outcome, D::PersonnelCategory],
            Unit::Cases => &[D::Mission, D::Year, D::Stage, D::InformationStatus],
            Unit::Proceedings => &[D::HostState, D::Year, D::Stage, D::Forum],
            Unit::Accused => &[D::HostState, D::Year, D::Stage, D::Forum, D::Outcome, D::InAbsentia],
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct StatisticsAsk {
    /// The unit.
    pub unit: Unit,
    /// Its dimensions, in order.
    pub by: Vec<Dimension>,
    /// Only these values, by dimension.
    pub only: Vec<(Dimension, String)>,
}

/// One cell: a value for each dimension asked (`None` where the source does not tell), and a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Values, in the order asked.
    pub by: Vec<Option<String>>,
    /// How many.
    pub count: u64,
}

/// What one counted thing is, by dimension.
pub(super) type Attributes = HashMap<Dimension, Option<String>>;

impl Read<'_> {
    /// Counts.
    ///
    /// # Errors
    /// The database's.
    pub fn statistics(&mut self, ask: &StatisticsAsk) -> Result<Vec<Cell>> {
        match self.tallied(ask)? {
            Some(cells) => Ok(cells),
            None => self.counted(ask),
        }
    }

    /// Counts row by row: what [`Read::statistics`] says without the tallies.
    ///
    /// # Errors
    /// The database's.
    pub fn counted(&mut self, ask: &StatisticsAsk) -> Result<Vec<Cell>> {
        let rows = self.traits(ask.unit)?;
        let mut cells: BTreeMap<Vec<Option<String>>, u64> = BTreeMap::new();
        for traits in rows {
            let of = |dimension: &Dimension| traits.get(dimension).cloned().flatten();
            if ask.only.iter().all(|(dimension, value)| of(dimension).as_ref() == Some(value)) {
                *cells.entry(ask.by.iter().map(of).collect()).or_default() += 1;
            }
        }
        Ok(cells.into_iter().map(|(by, count)| Cell { by, count }).collect())
    }

    /// Everything of a unit within scope, by what it is.
    pub(super) fn traits(&mut self, unit: Unit) -> Result<Vec<Attributes>> {
        Ok(match unit {
            Unit::Incidents => self.incident_traits()?.into_values().collect(),
            Unit::Victims => self.victim_traits()?,
            Unit::Cases => self.case_traits()?,
            Unit::Proceedings => self.proceeding_traits()?.into_iter().map(|(_, traits)| traits).collect(),
            Unit::Accused => self.accused_traits()?,
        })
    }

    fn incident_traits(&mut self) -> Result<HashMap<Id, Attributes>> {
        type Row = (Id, String, Option<String>, i32, String, String);
        let rows: Vec<Row> = edition_seen(self.scope, EditionChoice::Released)
            .select((e::id, e::mission, e::host_state, e::occurred_year, e::act, e::means))
            .load(self.db)?;
        Ok(rows
            .into_iter()
            .map(|(id, mission, host, year, act, means)| {
                let traits = Attributes::from([
                    (Dimension::Mission, Some(mission)),
                    (Dimension::HostState, host),
                    (Dimension::Year, Some(year.to_string())),
                    (Dimension::Act, Some(act)),
                    (Dimension::Means, Some(means)),
                ]);
                (id, traits)
            })
            .collect())
    }

    fn victim_traits(&mut self) -> Result<Vec<Attributes>> {
        let editions = self.incident_traits()?;
        let mut query = victim_seen(self.scope);
        if self.scope.is_inside() {
            query = query.filter(victim::edition_id.eq_any(e::table.filter(e::is_released.eq(true)).select(e::id)));
        }
        let rows: Vec<(Id, String, String)> =
            query.select((victim::edition_id, victim::outcome, victim::category)).load(self.db)?;
        Ok(rows
            .into_iter()
            .filter_map(|(edition, outcome, category)| {
                let mut traits = editions.get(&edition)?.clone();
                traits.insert(Dimension::Outcome, Some(outcome));
                traits.insert(Dimension::PersonnelCategory, Some(category));
                Some(traits)
            })
            .collect())
    }

    fn case_traits(&mut self) -> Result<Vec<Attributes>> {
        let page = self.case_list(&CaseFilter::default(), None, i64::MAX - 1)?;
        Ok(page
            .items
            .into_iter()
            .map(|case| {
                Attributes::from([
                    (Dimension::Mission, Some(case.facts.mission)),
                    (Dimension::Year, Some(chrono::Datelike::year(&case.facts.opened_on).to_string())),
                    (Dimension::Stage, Some(case.stage_furthest.code().to_owned())),
                    (Dimension::InformationStatus, Some(case.facts.information_status.code().to_owned())),
                ])
            })
            .collect())
    }

    fn proceeding_traits(&mut self) -> Result<Vec<(Proceeding, Attributes)>> {
        let accepted = ProceedingFilter { status: Some(SubmissionStatus::Accepted), ..ProceedingFilter::default() };
        let page = self.proceeding_list(&accepted, None, i64::MAX - 1)?;
        Ok(page
            .items
            .into_iter()
            .map(|one| {
                let traits = Attributes::from([
                    (Dimension::HostState, Some(one.facts.state.clone())),
                    (Dimension::Year, Some(chrono::Datelike::year(&one.facts.opened_on).to_string())),
                    (Dimension::Stage, Some(one.stage_furthest.code().to_owned())),
                    (Dimension::Forum, Some(one.facts.forum.code().to_owned())),
                ]);
                (one, traits)
            })
            .collect())
    }

    fn accused_traits(&mut self) -> Result<Vec<Attributes>> {
        let proceedings = self.proceeding_traits()?;
        let all: Vec<&Proceeding> = proceedings.iter().map(|(one, _)| one).collect();
        let mut counted = Vec::new();
        for row in self.accused_seen(&all)?.into_iter().filter(AccusedRow::is_accepted) {
            let Some((of, traits)) = proceedings.iter().find(|(one, _)| one.id == row.proceeding_id) else { continue };
            let (stage, outcome, absent) = if of.frozen_at.is_some() {
                let seen = self.accused_list(of)?.into_iter().find(|one| one.number == row.number);
                let Some(seen) = seen else { continue };
                let absent = seen.progress.outcome == Outcome::ConvictedInAbsentia;
                (seen.progress.furthest.code().to_owned(), seen.progress.outcome.code().to_owned(), absent)
            } else {
                (row.stage_furthest, row.outcome, row.in_absentia)
            };
            let mut traits = traits.clone();
            traits.insert(Dimension::Stage, Some(stage));
            traits.insert(Dimension::Outcome, Some(outcome));
            traits.insert(Dimension::InAbsentia, Some(absent.to_string()));
            counted.push(traits);
        }
        Ok(counted)
    }
}
