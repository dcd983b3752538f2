//! Reading incidents within scope.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::row::{Edition, EditionRow, SuspectRow, VictimRow};
use super::{
    EditionChoice, Incident, IncidentFilter, Suspect, Victim, edition_seen, edition_seen_in_order, victim_seen,
};
use crate::domain::{Basis, Code, IncidentStatus};
use crate::policy::{AccessContext, Scope, Target, Viewer, access, is_on_desk};
use crate::store::db::Id;
use crate::store::db::schema::{
    concern, edition_handling as h, incident, incident_edition as e, revision, suspect, victim,
};
use crate::store::list::{may_reach, page_of};
use crate::store::{Cursor, Error, Page, Read, Result};

/// From this many concerns on, a State's page is quicker by walking the editions in order.
const MANY: i64 = 2_000;

/// An edition as a scope sees it: to a State it is as it was released, whatever became of it after the State was kept from it.
fn as_seen(scope: &Scope, edition: Edition) -> Result<Incident> {
    let mut incident = edition.into_incident()?;
    if let (Scope::State(_), Some(released)) = (scope, incident.released_at) {
        incident.status = IncidentStatus::Released;
        incident.amends = false;
        incident.updated_at = released;
    }
    Ok(incident)
}

impl Read<'_> {
    fn concerns_reach(&mut self, state: &str, many: i64) -> Result<bool> {
        // Along the index, whose order it is: PostgreSQL would gather all of them first.
        let one: Option<Option<Id>> = concern::table
            .filter(concern::state.eq(state))
            .order(concern::edition_id)
            .select(concern::edition_id)
            .limit(1)
            .offset(many)
            .first(self.db)
            .optional()?;
        Ok(one.is_some())
    }

    /// A page of incidents, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn incident_list(
        &mut self,
        filter: &IncidentFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Incident>> {
        let scope = self.scope;
        let mut query = match scope {
            Scope::State(state) if self.concerns_reach(state, MANY)? => edition_seen_in_order(state),
            _ => edition_seen(scope, filter.edition),
        };
        if let Some(mission) = &filter.mission {
            query = query.filter(e::mission.eq(mission.clone()));
        }
        if let Some(state) = &filter.host_state {
            query = query.filter(e::host_state.eq(state.clone()));
        }
        if let Some(act) = filter.act {
            query = query.filter(e::act.eq(act.code()));
        }
        if let Some(means) = filter.means {
            query = query.filter(e::means.eq(means.code()));
        }
        if let Some(category) = filter.perpetrator {
            query = query.filter(e::perpetrator_category.eq(category.code()));
        }
        if let Some(status) = filter.status {
            query = match (scope, status) {
                // To a State every edition is a released one, whatever became of it after the State was kept from it.
                (Scope::State(_), IncidentStatus::Released) => query,
                (Scope::State(_), _) => query.filter(e::number.lt(0)),
                _ => query.filter(e::status.eq(status.code())),
            };
        }
        if let Some(id) = &filter.noticas_id {
            query = query.filter(e::noticas_id.eq(id.clone()));
        }
        if let Some(from) = filter.from {
            query = may_reach!(query, e::occurred_on, e::occurred_on_precision, from);
        }
        if let Some(to) = filter.to {
            query = query.filter(e::occurred_on.le(to));
        }
        if let Some(since) = filter.updated_from {
            query = match scope {
                // Released since, or new to the State since.
                Scope::State(state) => {
                    let begun = concern::table
                        .filter(concern::state.eq(state.clone()))
                        .filter(concern::to_at.is_null())
                        .filter(concern::from_at.ge(since))
                        .select(concern::edition_id);
                    query.filter(e::released_at.ge(since).or(e::id.nullable().eq_any(begun)))
                }
                _ => query.filter(e::updated_at.ge(since)),
            };
        }
        if let Some(case) = &filter.case {
            query = query.filter(e::incident_id.eq_any(self.incident_ids_of_case(case)?));
        }
        if let Some(proceeding) = &filter.proceeding {
            query = query.filter(e::incident_id.eq_any(self.incident_ids_of_proceeding(proceeding)?));
        }
        let rows: Vec<EditionRow> = page_of!(query, e::occurred_on, e::reference, after, limit).load(self.db)?;
        let items = self.incidents_as_seen(rows)?;
        let page = Page::of(items, limit, |incident| Cursor {
            on: incident.facts.occurred.first(),
            reference: incident.reference.clone(),
        });
        let gone = match (scope, filter.updated_from) {
            (Scope::State(state), Some(since)) if after.is_none() => self.incidents_gone(state, since)?,
            _ => Vec::new(),
        };
        Ok(Page { gone, ..page })
    }

    /// References of the incidents that concerned a State, and do no more since a time: what it gets a tombstone for.
    fn incidents_gone(&mut self, state: &str, since: NaiveDateTime) -> Result<Vec<String>> {
        let ended: Vec<(Id, String)> = concern::table
            .inner_join(incident::table.on(incident::id.eq(concern::incident_id)))
            .filter(concern::state.eq(state))
            .filter(concern::edition_id.is_not_null())
            .filter(concern::to_at.ge(since))
            .select((incident::id, incident::reference))
            .distinct()
            .order(incident::reference)
            .load(self.db)?;
        let ids: Vec<Id> = ended.iter().map(|(id, _)| *id).collect();
        let live: HashSet<Id> = concern::table
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::edition_id.is_not_null())
            .filter(concern::incident_id.eq_any(ids))
            .select(concern::incident_id)
            .load(self.db)?
            .into_iter()
            .collect();
        Ok(ended.into_iter().filter(|(id, _)| !live.contains(id)).map(|(_, reference)| reference).collect())
    }

    /// One incident, as the scope sees it.
    ///
    /// # Errors
    /// [`Error::Withdrawn`] to a State that held an edition and is concerned no longer; the database's.
    pub fn incident_get(&mut self, reference: &str, choice: EditionChoice) -> Result<Option<Incident>> {
        let row: Option<EditionRow> =
            edition_seen(self.scope, choice).filter(e::reference.eq(reference.to_owned())).first(self.db).optional()?;
        match (row, self.scope) {
            (Some(row), _) => Ok(self.incidents_as_seen(vec![row])?.pop()),
            (None, Scope::State(state)) => {
                let held: i64 = concern::table
                    .inner_join(incident::table.on(incident::id.eq(concern::incident_id)))
                    .filter(incident::reference.eq(reference))
                    .filter(concern::state.eq(state))
                    .filter(concern::to_at.is_not_null())
                    .filter(concern::edition_id.is_not_null())
                    .count()
                    .get_result(self.db)?;
                if held > 0 { Err(Error::Withdrawn) } else { Ok(None) }
            }
            (None, _) => Ok(None),
        }
    }

    /// The incidents of these permanent ids that the scope sees.
    ///
    /// # Errors
    /// The database's.
    pub fn incidents_of(&mut self, ids: &[Id]) -> Result<Vec<Incident>> {
        let rows: Vec<EditionRow> = edition_seen(self.scope, EditionChoice::Working)
            .filter(e::incident_id.eq_any(ids.to_vec()))
            .order((e::occurred_on.desc(), e::reference.desc()))
            .load(self.db)?;
        self.incidents_as_seen(rows)
    }

    fn incidents_as_seen(&mut self, rows: Vec<EditionRow>) -> Result<Vec<Incident>> {
        let scope = self.scope;
        Edition::all(self.db, rows)?.into_iter().map(|edition| as_seen(scope, edition)).collect()
    }

    /// The victims of an edition that the scope sees.
    ///
    /// # Errors
    /// The database's.
    pub fn victim_list(&mut self, incident: &Incident) -> Result<Vec<Victim>> {
        let rows: Vec<VictimRow> = victim_seen(self.scope)
            .filter(victim::edition_id.eq(incident.edition))
            .order(victim::position)
            .load(self.db)?;
        rows.into_iter().map(VictimRow::into_victim).collect()
    }

    /// The suspects of an edition.
    ///
    /// # Errors
    /// The database's.
    pub fn suspect_list(&mut self, incident: &Incident) -> Result<Vec<Suspect>> {
        let rows: Vec<SuspectRow> =
            suspect::table.filter(suspect::edition_id.eq(incident.edition)).order(suspect::position).load(self.db)?;
        rows.into_iter().map(SuspectRow::into_suspect).collect()
    }

    /// How a viewer stands to an incident.
    ///
    /// # Errors
    /// The database's.
    pub fn incident_access(&mut self, viewer: &Viewer, incident: &Incident) -> Result<AccessContext> {
        let mut target = Target {
            missions: std::slice::from_ref(&incident.facts.mission),
            typed: self.typed_alone(viewer, incident)?,
            ..Target::default()
        };
        if let Scope::State(state) = viewer.scope() {
            let mut rows: Vec<(String, Option<chrono::NaiveDateTime>, chrono::NaiveDateTime)> = concern::table
                .filter(concern::incident_id.eq(incident.id))
                .filter(concern::state.eq(&state))
                .filter(concern::to_at.is_null())
                .select((concern::basis, concern::frozen_at, concern::from_at))
                .load(self.db)?;
            if let Some(kept_since) = rows.iter().filter_map(|(_, frozen, _)| *frozen).min() {
                // What began to concern it since does not tell it.
                rows.retain(|(.., from)| *from <= kept_since);
                target.under_review = true;
            }
            let is_by = |of: Basis| rows.iter().any(|(basis, ..)| basis == of.code());
            target.host = viewer.state.as_deref().filter(|_| is_by(Basis::Host));
            target.proceeding = viewer.state.as_deref().filter(|_| is_by(Basis::Proceeding));
        }
        Ok(access(viewer, &target))
    }

    /// Since when an incident concerns the scope's State; `None` for other scopes.
    ///
    /// # Errors
    /// The database's.
    pub fn concerned_since(&mut self, incident: &Incident) -> Result<Option<chrono::NaiveDateTime>> {
        let Scope::State(state) = self.scope else { return Ok(None) };
        Ok(concern::table
            .filter(concern::incident_id.eq(incident.id))
            .filter(concern::state.eq(state))
            .select(diesel::dsl::min(concern::from_at))
            .first(self.db)?)
    }

    /// Whether the incident is a first edition, on the desk of its mission, in which nobody but the viewer typed anything.
    fn typed_alone(&mut self, viewer: &Viewer, incident: &Incident) -> Result<bool> {
        if incident.number != 1 || !is_on_desk(incident.status) || incident.author.0 != viewer.account {
            return Ok(false);
        }
        let others: i64 = revision::table
            .filter(revision::root_id.eq(incident.id))
            .filter(revision::author_id.ne(incident.author))
            .filter(revision::sealed_changes.ne(""))
            .count()
            .get_result(self.db)?;
        Ok(others == 0)
    }

    /// Whether a released incident is being looked at again: an amendment submitted, a hold, a withholding proposed. Then
    /// what is sealed of it is under review to every State, so that a withholding does not announce itself.
    pub(in crate::store) fn is_disputed(&mut self, incident: &Incident) -> Result<bool> {
        let changed: i64 = e::table
            .inner_join(h::table.on(h::edition_id.eq(e::id)))
            .filter(e::incident_id.eq(incident.id))
            .filter(e::is_current.ne(false))
            .filter(
                e::status
                    .eq_any([IncidentStatus::Submitted.code(), IncidentStatus::Verified.code()])
                    .or(h::hold_reason.is_not_null()),
            )
            .count()
            .get_result(self.db)?;
        let standing = self.withholding_get(incident.id)?;
        Ok(changed > 0 || standing.is_some_and(|standing| standing.confirmed_at.is_none()))
    }
}
