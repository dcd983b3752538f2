//! Tallies: figures over everything that cost the same however much there is.
//!
//! Triggers of the database append what each write adds to the figures and takes from them (`tally_change`), in the write's
//! own transaction; a node folds the changes into `tally` later. A unit is tallied by every set of at most three of its
//! dimensions, so that a question by few dimensions reads few rows; a question by more is counted row by row.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use strum::VariantArray;

use super::db::schema::{tally, tally_change as c};
use super::db::{self, Db, Lease, Mode, each};
use super::heartbeat::{self, Counter};
use super::statistics::Attributes;
use super::{Cell, Dimension, Error, Read, Result, StatisticsAsk, Store, Unit};
use crate::domain::Code;
use crate::policy::Scope;
use std::sync::atomic::Ordering;

/// Sets of more dimensions are not tallied.
const MOST: usize = 3;
/// Rows of one statement.
const CHUNK: usize = 1_000;

/// All that is counted, as changes from nothing. A view of the schema says what that is, beside the triggers that say how it
/// moves.
const ANEW: &str = "INSERT INTO tally_change (unit, mission, host_state, year, act, means, outcome, personnel_category, \
                    stage, forum, in_absentia, information_status, amount) \
                    SELECT unit, mission, host_state, year, act, means, outcome, personnel_category, stage, forum, \
                    in_absentia, information_status, COUNT(*) FROM tally_source \
                    GROUP BY unit, mission, host_state, year, act, means, outcome, personnel_category, stage, forum, \
                    in_absentia, information_status";

/// A set of dimensions in the order in which tallies have them: that of their names.
fn in_order(mut dimensions: Vec<Dimension>) -> Vec<Dimension> {
    dimensions.sort_by_key(|dimension| dimension.code());
    dimensions.dedup();
    dimensions
}

fn names(dimensions: &[Dimension]) -> String {
    dimensions.iter().map(|dimension| dimension.code()).collect::<Vec<_>>().join(",")
}

/// The sets of at most [`MOST`] dimensions of a unit.
fn sets(unit: Unit) -> Vec<Vec<Dimension>> {
    let all = unit.dimensions();
    (0_u32..1 << all.len())
        .filter(|set| set.count_ones() as usize <= MOST)
        .map(|set| in_order((0..all.len()).filter(|at| set >> at & 1 == 1).map(|at| all[at]).collect()))
        .collect()
}

/// Parts the values of a key: no code, acronym, year or State has it.
const PARTS: char = '|';

/// A key's values, parted; where the source does not tell, there is nothing.
fn key(dimensions: &[Dimension], traits: &Attributes) -> String {
    let mut key = String::new();
    for (at, dimension) in dimensions.iter().enumerate() {
        if at > 0 {
            key.push(PARTS);
        }
        key.push_str(traits.get(dimension).and_then(Option::as_deref).unwrap_or(""));
    }
    key
}

type ChangeRow = (
    String,
    (Option<String>, Option<String>, Option<i32>, Option<String>, Option<String>, Option<String>),
    (Option<String>, Option<String>, Option<String>, Option<bool>, Option<String>),
    Option<i64>,
);

/// The changes that are not folded yet, like ones together; of one unit, or of all.
fn changes(db: &mut Db, unit: Option<Unit>) -> Result<Vec<(Unit, Attributes, i64)>> {
    let mut query = c::table
        .group_by((
            c::unit,
            (c::mission, c::host_state, c::year, c::act, c::means, c::outcome),
            (c::personnel_category, c::stage, c::forum, c::in_absentia, c::information_status),
        ))
        .select((
            c::unit,
            (c::mission, c::host_state, c::year, c::act, c::means, c::outcome),
            (c::personnel_category, c::stage, c::forum, c::in_absentia, c::information_status),
            diesel::dsl::sum(c::amount),
        ))
        .into_boxed();
    if let Some(unit) = unit {
        query = query.filter(c::unit.eq(unit.code()));
    }
    let rows: Vec<ChangeRow> = query.load(db)?;
    rows.into_iter()
        .map(
            |(unit, (mission, host, year, act, means, outcome), (category, stage, forum, absent, information), sum)| {
                use Dimension as D;
                let unit: Unit = super::code(&unit, "tally_change", "unit", "")?;
                let traits = Attributes::from([
                    (D::Mission, mission),
                    (D::HostState, host),
                    (D::Year, year.map(|year| year.to_string())),
                    (D::Act, act),
                    (D::Means, means),
                    (D::Outcome, outcome),
                    (D::PersonnelCategory, category),
                    (D::Stage, stage),
                    (D::Forum, forum),
                    (D::InAbsentia, absent.map(|absent| absent.to_string())),
                    (D::InformationStatus, information),
                ]);
                Ok((unit, traits, sum.unwrap_or(0)))
            },
        )
        .collect()
}

/// Adds counts to the tallies.
fn add(db: &mut Db, counted: impl IntoIterator<Item = (Unit, Attributes, i64)>) -> Result<()> {
    let sets: HashMap<Unit, Vec<Vec<Dimension>>> = Unit::VARIANTS.iter().map(|unit| (*unit, sets(*unit))).collect();
    // In one order, whoever folds.
    let mut sums: BTreeMap<(&'static str, String, String), i64> = BTreeMap::new();
    for (unit, traits, amount) in counted {
        for set in sets.get(&unit).into_iter().flatten() {
            *sums.entry((unit.code(), names(set), key(set, &traits))).or_default() += amount;
        }
    }
    let rows: Vec<_> = sums
        .into_iter()
        .filter(|(_, sum)| *sum != 0)
        .map(|((unit, dimensions, key), sum)| {
            (tally::unit.eq(unit), tally::dimensions.eq(dimensions), tally::key.eq(key), tally::count.eq(sum))
        })
        .collect();
    for some in rows.chunks(CHUNK) {
        let some = some.to_vec();
        each!(db, |connection| diesel::insert_into(tally::table)
            .values(&some)
            .on_conflict((tally::unit, tally::dimensions, tally::key))
            .do_update()
            .set(tally::count.eq(tally::count + diesel::upsert::excluded(tally::count)))
            .execute(connection))?;
    }
    Ok(())
}

/// Folds the changes that wait. Returns whether there were any.
fn fold(db: &mut Db) -> Result<bool> {
    let waiting = changes(db, None)?;
    if waiting.is_empty() {
        return Ok(false);
    }
    add(db, waiting)?;
    diesel::delete(c::table).execute(db)?;
    diesel::delete(tally::table.filter(tally::count.eq(0))).execute(db)?;
    Ok(true)
}

impl Store {
    /// Folds into the tallies what was appended since; makes them anew where they never were. Nothing when another node does.
    ///
    /// # Errors
    /// The database's.
    pub fn tally_fold(&self) -> Result<()> {
        let due = db::transaction(&self.pool, Mode::Read, |db| -> Result<bool> {
            let waiting: Option<String> = c::table.select(c::unit).first(db).optional()?;
            Ok(waiting.is_some() || heartbeat::get(db, Counter::Tally)? == 0)
        })?;
        if !due {
            self.tallied.store(true, Ordering::Release);
            return Ok(());
        }
        let made = db::transaction(&self.pool, Mode::Keep, |db| {
            if !db::try_advisory_lock(db, Lease::Folder)? {
                return Ok(());
            }
            if heartbeat::get(db, Counter::Tally)? == 0 {
                diesel::delete(tally::table).execute(db)?;
                diesel::delete(c::table).execute(db)?;
                diesel::sql_query(ANEW).execute(db)?;
                heartbeat::set(db, Counter::Tally, 1)?;
            }
            fold(db).map(|_| ())
        });
        match made {
            // Another node folded at the same moment.
            Err(Error::Busy) => Ok(()),
            Ok(()) => {
                self.tallied.store(true, Ordering::Release);
                Ok(())
            }
            failed => failed,
        }
    }
}

impl Read<'_> {
    /// The answer out of the tallies, where they have it: over everything, or over missions for what has one.
    pub(super) fn tallied(&mut self, ask: &StatisticsAsk) -> Result<Option<Vec<Cell>>> {
        let missions = match self.scope {
            Scope::Everything => None,
            Scope::Missions(missions) if ask.unit.dimensions().contains(&Dimension::Mission) => Some(missions),
            Scope::Missions(_) | Scope::State(_) | Scope::Nothing => return Ok(None),
        };
        let mut dimensions: Vec<Dimension> = ask.by.clone();
        dimensions.extend(ask.only.iter().map(|(dimension, _)| *dimension));
        dimensions.extend(missions.map(|_| Dimension::Mission));
        let dimensions = in_order(dimensions);
        if dimensions.len() > MOST || !self.tallied {
            return Ok(None);
        }
        let rows: Vec<(String, i64)> = tally::table
            .filter(tally::unit.eq(ask.unit.code()))
            .filter(tally::dimensions.eq(names(&dimensions)))
            .select((tally::key, tally::count))
            .load(self.db)?;
        let place = |wanted: Dimension| dimensions.iter().position(|dimension| *dimension == wanted);
        let only: Vec<(usize, &String)> =
            ask.only.iter().filter_map(|(dimension, value)| Some((place(*dimension)?, value))).collect();
        let mission = missions.zip(place(Dimension::Mission));
        let by: Vec<usize> = ask.by.iter().filter_map(|dimension| place(*dimension)).collect();
        let waiting = changes(self.db, Some(ask.unit))?;
        let waiting: Vec<(String, i64)> =
            waiting.iter().map(|(_, traits, amount)| (key(&dimensions, traits), *amount)).collect();
        let mut cells: Vec<(Vec<Option<String>>, i64)> = Vec::with_capacity(rows.len());
        for (key, count) in rows.iter().chain(&waiting) {
            let values: Vec<&str> = key.split(PARTS).collect();
            let kept = only.iter().all(|(at, value)| values.get(*at) == Some(&value.as_str()))
                && mission.is_none_or(|(own, at)| values.get(at).is_some_and(|one| own.iter().any(|own| own == one)));
            if kept {
                let value = |at: &usize| values.get(*at).filter(|value| !value.is_empty()).map(|one| (*one).to_owned());
                cells.push((by.iter().map(value).collect(), *count));
            }
        }
        cells.sort_unstable();
        cells.dedup_by(|(by, count), (kept, sum)| {
            let same = by == kept;
            if same {
                *sum += *count;
            }
            same
        });
        Ok(Some(
            cells
                .into_iter()
                .filter_map(|(by, count)| {
                    u64::try_from(count).ok().filter(|count| *count > 0).map(|count| Cell { by, count })
                })
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_tallied_by_every_set_of_at_most_three_of_its_dimensions() {
        assert_eq!(sets(Unit::Incidents).len(), 1 + 5 + 10 + 10);
        assert_eq!(sets(Unit::Victims).len(), 1 + 7 + 21 + 35);
        let seen: std::collections::BTreeSet<String> = sets(Unit::Victims).iter().map(|set| names(set)).collect();
        assert_eq!(seen.len(), 64, "each set once");
    }
}
