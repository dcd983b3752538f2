//! Releases of the published tables, and what they count.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

use super::db::Id;
use super::db::schema::{accused, case_incident, incident, incident_edition as e, proceeding as p, table_release};
use super::incident::{EditionChoice, edition_seen};
use super::proceeding::proceeding_counted;
use super::{CaseFilter, Error, Read, Result, Write, code, split};
use crate::domain::{Code, Detention, Obstacle, Stage, SubmissionStatus};
use crate::policy::{Action, Denial, authorize};

/// A release of the published tables.
#[derive(Debug, Clone)]
pub struct TableRelease {
    /// The year whose incidents and proceedings it counts.
    pub year: i32,
    /// What was recorded by then is counted (UTC).
    pub cut_off: NaiveDateTime,
    /// The tables, as their maker wrote them.
    pub tables: String,
    /// When it was released (UTC); none while it is a proposal.
    pub released_at: Option<NaiveDateTime>,
}

type Row = (i32, NaiveDateTime, String, Option<NaiveDateTime>);

impl Read<'_> {
    /// Releases, the newest first; a proposal only for those who may decide on it.
    ///
    /// # Errors
    /// The database's.
    pub fn table_releases(&mut self, proposals: bool) -> Result<Vec<TableRelease>> {
        use table_release::dsl as t;
        let mut query = table_release::table
            .select((t::year, t::cut_off, t::tables, t::decided_at))
            .order((t::year.desc(), t::id.desc()))
            .into_boxed();
        query = if proposals {
            query.filter(t::released.is_null().or(t::released.eq(true)))
        } else {
            query.filter(t::released.eq(true))
        };
        let rows: Vec<Row> = query.load(self.db)?;
        let release = |(year, cut_off, tables, released_at)| TableRelease { year, cut_off, tables, released_at };
        Ok(rows.into_iter().map(release).collect())
    }

    /// The furthest stage that a case of each incident reached, by reference.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_stages(&mut self) -> Result<HashMap<String, Stage>> {
        let cases = self.case_list(&CaseFilter::default(), None, i64::MAX - 1)?.items;
        let stages: HashMap<Id, Stage> = cases.into_iter().map(|case| (case.id, case.stage_furthest)).collect();
        let rows: Vec<(Id, String)> = case_incident::table
            .inner_join(incident::table.on(incident::id.eq(case_incident::incident_id)))
            .filter(case_incident::status.eq(SubmissionStatus::Accepted.code()))
            .select((case_incident::case_id, incident::reference))
            .load(self.db)?;
        let mut furthest: HashMap<String, Stage> = HashMap::new();
        for (case, reference) in rows {
            if let Some(stage) = stages.get(&case) {
                let known = furthest.entry(reference).or_insert(*stage);
                *known = (*known).max(*stage);
            }
        }
        Ok(furthest)
    }

    /// The host State of each released incident, by reference.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_hosts(&mut self) -> Result<HashMap<String, String>> {
        let rows: Vec<(String, Option<String>)> =
            edition_seen(self.scope, EditionChoice::Released).select((e::reference, e::host_state)).load(self.db)?;
        Ok(rows.into_iter().filter_map(|(reference, host)| Some((reference, host?))).collect())
    }

    /// Every accused in proceedings that were opened in a period: State of the proceeding, and detention.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_detention(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<(String, Detention)>> {
        let opened = proceeding_counted(self.scope).filter(p::opened_on.between(first, last));
        let seen: Vec<(Id, String)> = opened.select((p::id, p::state)).load(self.db)?;
        let states: HashMap<Id, String> = seen.into_iter().collect();
        let rows: Vec<(Id, Id, String)> = accused::table
            .filter(accused::status.eq(SubmissionStatus::Accepted.code()))
            .select((accused::id, accused::proceeding_id, accused::detention))
            .load(self.db)?;
        rows.into_iter()
            .filter_map(|(id, proceeding, detention)| {
                let state = states.get(&proceeding)?.clone();
                Some(code(&detention, "accused", "detention", &id.to_string()).map(|detention| (state, detention)))
            })
            .collect()
    }

    /// Every obstacle of every proceeding that was opened in a period.
    ///
    /// # Errors
    /// The database's.
    pub fn figure_obstacles(&mut self, first: NaiveDate, last: NaiveDate) -> Result<Vec<Obstacle>> {
        let opened = proceeding_counted(self.scope).filter(p::opened_on.between(first, last));
        let rows: Vec<(String, String)> = opened.select((p::reference, p::obstacles)).load(self.db)?;
        let mut all = Vec::new();
        for (reference, obstacles) in rows {
            for obstacle in split(&obstacles) {
                all.push(code(&obstacle, "proceeding", "obstacles", &reference)?);
            }
        }
        Ok(all)
    }
}

impl Write<'_> {
    /// Proposes a year's tables for release.
    ///
    /// # Errors
    /// [`Error::Denied`] for others than the Secretariat; [`Error::Conflict`] when the year has its release, or a proposal waits.
    pub fn table_propose(&mut self, year: i32, cut_off: NaiveDateTime, tables: &str) -> Result<()> {
        use table_release::dsl as t;
        authorize(self.viewer, Action::Decide)?;
        let taken: Option<i32> = table_release::table
            .filter(t::year.eq(year))
            .filter(t::released.is_null().or(t::released.eq(true)))
            .select(t::year)
            .first(self.db)
            .optional()?;
        if taken.is_some() {
            return Err(Error::Conflict(format!("The tables of {year} are already proposed or released.")));
        }
        diesel::insert_into(table_release::table)
            .values((
                t::id.eq(Id::new()),
                t::year.eq(year),
                t::cut_off.eq(cut_off),
                t::tables.eq(tables),
                t::proposed_by.eq(self.actor()),
            ))
            .execute(self.db)?;
        self.note_act("table.propose", format!("tables/{year}"), json!({ "cut_off": cut_off }));
        Ok(())
    }

    /// Releases what another proposed, or declines it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing waits; [`Error::Denied`] for others than the Secretariat, and for who proposed it.
    pub fn table_decide(&mut self, year: i32, release: bool) -> Result<()> {
        use table_release::dsl as t;
        authorize(self.viewer, Action::Decide)?;
        let waiting: Option<(Id, Id)> = table_release::table
            .filter(t::year.eq(year))
            .filter(t::released.is_null())
            .select((t::id, t::proposed_by))
            .first(self.db)
            .optional()?;
        let (id, by) = waiting.ok_or(Error::NotFound)?;
        if by == self.actor() {
            return Err(Error::Denied(Denial::SamePerson));
        }
        diesel::update(table_release::table.find(id))
            .set((t::released.eq(release), t::decided_by.eq(self.actor()), t::decided_at.eq(self.now())))
            .execute(self.db)?;
        let action = if release { "table.release" } else { "table.decline" };
        self.note_act(action, format!("tables/{year}"), serde_json::Value::Null);
        Ok(())
    }
}
