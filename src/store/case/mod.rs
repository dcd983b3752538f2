//! Cases: the United Nations' accountability files.

mod write;

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::auto_type;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, Candidates, Room, Surroundings};
use super::db::schema::{case_file, case_incident, concern, incident, proceeding, proceeding_case};
use super::db::{Coded, Db, Id, facts_row};
use super::incident::Incident;
use super::list::page_of;
use super::task::{Asked, MOST, Task, withdrawals};
use super::{Cursor, Error, Page, Read, Result};
use crate::domain::{
    CaseFacts, CaseStatus, Code, InformationStatus, Noun, Progress, Stage, SubmissionStatus, TaskKind,
};
use crate::policy::{Action, Scope, Target, Viewer, access, authorize};

/// The code of what another officer accepted.
const ACCEPTED: &str = "accepted";

/// A case, as a scope sees it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// State.
    pub status: CaseStatus,
    /// Open facts.
    pub facts: CaseFacts,
    /// Furthest stage reached by anybody in its proceedings.
    pub stage_furthest: Stage,
    /// Present stage or exit, as code.
    pub stage_current: String,
    /// Random tag that moves when a sealed field is edited.
    pub tag: Vec<u8>,
    /// When it was recorded (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
    /// When the viewer's State ceased to get what is newer; `None` for everybody else.
    pub frozen_at: Option<NaiveDateTime>,
}

impl Case {
    /// Who stands near it: the mission that answers for the file.
    pub fn target(&self) -> Target<'_> {
        let missions = std::slice::from_ref(&self.facts.mission);
        Target { missions, under_review: self.frozen_at.is_some(), ..Target::default() }
    }
}

/// What a list of cases is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Mission.
    pub mission: Option<String>,
    /// State of the case.
    pub status: Option<CaseStatus>,
    /// Information status.
    pub information_status: Option<InformationStatus>,
    /// Opened on or after.
    pub from: Option<NaiveDate>,
    /// Opened on or before.
    pub to: Option<NaiveDate>,
    /// Reference of an incident of it.
    pub incident: Option<String>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
    /// Reference of a proceeding that serves it.
    pub proceeding: Option<String>,
}

facts_row! {
    CaseFactsRow of CaseFacts in case_file {
        mission: String,
        opened_on: NaiveDate,
        information_status: Coded<InformationStatus>,
        information_on: Option<NaiveDate>,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = case_file)]
struct CaseRow {
    id: Id,
    reference: String,
    #[diesel(embed)]
    facts: CaseFactsRow,
    status: Coded<CaseStatus>,
    stage_furthest: Coded<Stage>,
    stage_current: String,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl CaseRow {
    fn into_case(self) -> Result<Case> {
        Ok(Case {
            facts: self.facts.facts()?,
            status: self.status.0,
            stage_furthest: self.stage_furthest.0,
            stage_current: self.stage_current,
            tag: self.tag_confidential,
            created_at: self.created_at,
            updated_at: self.updated_at,
            frozen_at: None,
            id: self.id,
            reference: self.reference,
        })
    }
}

/// What history says of a case: its facts, and how far its file is.
#[derive(Serialize, Deserialize)]
struct CaseRecord {
    #[serde(flatten)]
    facts: CaseFacts,
    status: CaseStatus,
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// Ids of the cases that hold an incident which concerns a State now, but for links that are newer than what the State gets. A link that was
/// withdrawn after the State got nothing newer stands for it.
#[auto_type(no_type_alias)]
pub(in crate::store) fn cases_concerning(state: String) -> _ {
    let accepted: &'static str = ACCEPTED;
    case_incident::table
        .inner_join(concern::table.on(concern::incident_id.eq(case_incident::incident_id)))
        .filter(case_incident::status.eq(accepted).or(case_incident::ended_at.gt(concern::frozen_at)))
        .filter(concern::state.eq(state))
        .filter(concern::to_at.is_null())
        .filter(concern::edition_id.is_not_null())
        .filter(concern::frozen_at.is_null().or(concern::frozen_at.assume_not_null().ge(case_incident::since)))
        .select(case_incident::case_id)
}

/// Ids of the cases that a State's own proceedings serve, or served.
#[auto_type(no_type_alias)]
pub(in crate::store) fn cases_served(state: String) -> _ {
    let accepted: &'static str = ACCEPTED;
    proceeding_case::table
        .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
        .filter(proceeding::state.eq(state))
        .filter(proceeding::status.eq(accepted).or(proceeding::withdrawn_at.is_not_null()))
        .select(proceeding_case::case_id)
}

/// The cases that a scope sees: to a State those with an incident that it sees, and those that its own proceedings serve.
pub(in crate::store) fn case_seen(scope: &Scope) -> case_file::BoxedQuery<'static, Backend> {
    let query = case_file::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Missions(missions) => query.filter(case_file::mission.eq_any(missions.clone())),
        Scope::Nothing => query.filter(case_file::reference.eq("")),
        Scope::State(state) => query.filter(
            case_file::id.eq_any(cases_concerning(state.clone())).or(case_file::id.eq_any(cases_served(state.clone()))),
        ),
    }
}

impl Read<'_> {
    /// A page of cases, newest first. A State's is made out of what it is shown, so that neither a filter nor a cursor tells
    /// of anything else.
    ///
    /// # Errors
    /// The database's.
    pub fn case_list(&mut self, filter: &CaseFilter, after: Option<&Cursor>, limit: i64) -> Result<Page<Case>> {
        use case_file as c;
        let mut query = case_seen(self.scope);
        if let Some(mission) = &filter.mission {
            query = query.filter(c::mission.eq(mission.clone()));
        }
        if let Some(from) = filter.from {
            query = query.filter(c::opened_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(c::opened_on.le(to));
        }
        if let Some(incident) = &filter.incident {
            query = query.filter(c::id.eq_any(self.case_ids_of_incident(incident)?));
        }
        if let Some(proceeding) = &filter.proceeding {
            query = query.filter(c::id.eq_any(self.case_ids_of_proceeding(proceeding)?));
        }
        let place = |case: &Case| Cursor { on: case.facts.opened_on, reference: case.reference.clone() };
        if matches!(self.scope, Scope::State(_)) {
            let rows: Vec<CaseRow> = query.select(CaseRow::as_select()).load(self.db)?;
            let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
            let mut seen = self.cases_as_seen(cases)?;
            seen.retain(|case| {
                filter.updated_from.is_none_or(|since| case.updated_at >= since)
                    && filter.status.is_none_or(|status| case.status == status)
                    && filter.information_status.is_none_or(|status| case.facts.information_status == status)
            });
            return Ok(Page::within(seen, after, limit, place));
        }
        if let Some(since) = filter.updated_from {
            query = query.filter(c::updated_at.ge(since));
        }
        if let Some(status) = filter.status {
            query = query.filter(c::status.eq(status.code()));
        }
        if let Some(status) = filter.information_status {
            query = query.filter(c::information_status.eq(status.code()));
        }
        let rows: Vec<CaseRow> =
            page_of!(query, c::opened_on, c::reference, after, limit).select(CaseRow::as_select()).load(self.db)?;
        let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(cases, limit, place))
    }

    /// One case.
    ///
    /// # Errors
    /// The database's.
    pub fn case_get(&mut self, reference: &str) -> Result<Option<Case>> {
        let row: Option<CaseRow> = case_seen(self.scope)
            .filter(case_file::reference.eq(reference.to_owned()))
            .select(CaseRow::as_select())
            .first(self.db)
            .optional()?;
        let case = row.map(CaseRow::into_case).transpose()?;
        Ok(self.cases_as_seen(case.into_iter().collect())?.pop())
    }

    /// The cases of these ids that the scope sees.
    ///
    /// # Errors
    /// The database's.
    pub fn cases_of(&mut self, ids: &[Id]) -> Result<Vec<Case>> {
        let rows: Vec<CaseRow> = case_seen(self.scope)
            .filter(case_file::id.eq_any(ids.to_vec()))
            .order(case_file::reference)
            .select(CaseRow::as_select())
            .load(self.db)?;
        let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
        self.cases_as_seen(cases)
    }

    /// Cases as a State sees them: how far they went follows from the proceedings, accused and steps that it sees; of a case
    /// with an incident that is withheld from it, nothing that was recorded since.
    fn cases_as_seen(&mut self, mut cases: Vec<Case>) -> Result<Vec<Case>> {
        let Scope::State(state) = self.scope else { return Ok(cases) };
        let ids: Vec<Id> = cases.iter().map(|case| case.id).collect();
        let frozen = self.frozen(state, &ids)?;
        let reached = self.reached(state, &ids, &frozen)?;
        cases.retain(|case| reached.contains(&case.id));
        let mut progress = self.cases_progress(&ids)?;
        for case in &mut cases {
            if let Some(at) = frozen.get(&case.id).copied() {
                let now = CaseRecord { facts: case.facts.clone(), status: case.status };
                let CaseRecord { facts, status } = self.as_of((Noun::Case, case.id), at, &now)?;
                (case.facts, case.status) = (facts, status);
                case.updated_at = self.moved_by(case.id, at)?.unwrap_or(case.created_at);
                case.frozen_at = Some(at);
            }
            let at = crate::domain::roll_up(&progress.remove(&case.id).unwrap_or_default());
            case.stage_furthest = at.furthest;
            case.stage_current = at.current.code().to_owned();
        }
        Ok(cases)
    }

    /// The progress of each proceeding that serves these cases, as the scope sees it.
    fn cases_progress(&mut self, cases: &[Id]) -> Result<HashMap<Id, Vec<Progress>>> {
        let links: Vec<(Id, Id)> = proceeding_case::table
            .filter(proceeding_case::case_id.eq_any(cases.to_vec()))
            .select((proceeding_case::case_id, proceeding_case::proceeding_id))
            .load(self.db)?;
        let ids: Vec<Id> = links.iter().map(|(_, proceeding)| *proceeding).collect();
        let mut seen = self.proceedings_of(&ids)?;
        seen.retain(|one| one.status == SubmissionStatus::Accepted);
        let progress = self.progress_seen(&seen)?;
        let mut by_case: HashMap<Id, Vec<Progress>> = HashMap::new();
        for (case, proceeding) in links {
            if let Some(at) = progress.get(&proceeding) {
                by_case.entry(case).or_default().push(*at);
            }
        }
        Ok(by_case)
    }

    /// Of these cases, those that a State reaches by an incident, or by a proceeding of its own that is accepted. Where it gets nothing newer, by
    /// what it saw by then, or submitted itself.
    fn reached(&mut self, state: &str, ids: &[Id], frozen: &HashMap<Id, NaiveDateTime>) -> Result<HashSet<Id>> {
        let links: Vec<(Id, NaiveDateTime, Option<NaiveDateTime>)> = case_incident::table
            .inner_join(concern::table.on(concern::incident_id.eq(case_incident::incident_id)))
            .filter(case_incident::case_id.eq_any(ids))
            .filter(case_incident::status.eq(ACCEPTED).or(case_incident::ended_at.gt(concern::frozen_at)))
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::edition_id.is_not_null())
            .select((case_incident::case_id, case_incident::since, concern::frozen_at))
            .load(self.db)?;
        let by_incident = links.into_iter().filter(|(case, since, kept)| {
            kept.is_none_or(|kept| *since <= kept) && frozen.get(case).is_none_or(|at| since <= at)
        });
        type Served = (Id, Option<NaiveDateTime>, Option<NaiveDateTime>, Option<String>);
        let by_proceeding: Vec<Served> = proceeding_case::table
            .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
            .filter(proceeding_case::case_id.eq_any(ids))
            .filter(proceeding::state.eq(state))
            .filter(proceeding::status.eq(ACCEPTED).or(proceeding::withdrawn_at.is_not_null()))
            .select((
                proceeding_case::case_id,
                proceeding::decided_at,
                proceeding::withdrawn_at,
                proceeding::submitted_state,
            ))
            .load(self.db)?;
        let serves = by_proceeding.into_iter().filter(|(case, decided, withdrawn, submitted)| match frozen.get(case) {
            None => withdrawn.is_none(),
            Some(at) => {
                let own = submitted.as_deref() == Some(state);
                (own || *decided < Some(*at)) && withdrawn.is_none_or(|withdrawn| withdrawn > *at)
            }
        });
        Ok(by_incident.map(|(case, ..)| case).chain(serves.map(|(case, ..)| case)).collect())
    }

    /// Of these cases, those that hold an incident withheld from a State, with the time from which it gets nothing newer: that of the
    /// decision, or of a later link.
    pub(super) fn frozen(&mut self, state: &str, cases: &[Id]) -> Result<HashMap<Id, NaiveDateTime>> {
        let rows: Vec<(Id, Option<NaiveDateTime>, NaiveDateTime)> = case_incident::table
            .inner_join(concern::table.on(concern::incident_id.eq(case_incident::incident_id)))
            .filter(case_incident::case_id.eq_any(cases.to_vec()))
            .filter(case_incident::status.eq(ACCEPTED).or(case_incident::ended_at.gt(concern::frozen_at)))
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::frozen_at.is_not_null())
            .select((case_incident::case_id, concern::frozen_at, case_incident::since))
            .load(self.db)?;
        let mut frozen: HashMap<Id, NaiveDateTime> = HashMap::new();
        for (case, at, since) in rows {
            if let Some(at) = at.map(|at| at.max(since)) {
                frozen.entry(case).and_modify(|known| *known = (*known).min(at)).or_insert(at);
            }
        }
        Ok(frozen)
    }

    /// The incidents of a case that the scope sees: those that count, or those that were added later and wait for another officer.
    ///
    /// # Errors
    /// The database's.
    pub fn case_incidents(&mut self, case: &Case, status: SubmissionStatus) -> Result<Vec<Incident>> {
        let mut links: Vec<(Id, NaiveDateTime, Option<NaiveDateTime>)> = case_incident::table
            .filter(case_incident::case_id.eq(case.id))
            .filter(case_incident::status.eq(status.code()).or(case_incident::ended_at.is_not_null()))
            .select((case_incident::incident_id, case_incident::since, case_incident::ended_at))
            .load(self.db)?;
        // A link that was withdrawn stands for a State that got nothing newer by then.
        let counts = status == SubmissionStatus::Accepted;
        links.retain(|(_, _, ended)| {
            ended.is_none_or(|ended| {
                counts && self.scope.state().is_some() && case.frozen_at.is_some_and(|at| ended > at)
            })
        });
        let mut incidents = self.incidents_of(&links.iter().map(|(id, ..)| *id).collect::<Vec<_>>())?;
        if let (Some(state), Some(at)) = (self.scope.state(), case.frozen_at) {
            let withheld: Vec<(Id, Option<NaiveDateTime>)> = concern::table
                .filter(concern::state.eq(state))
                .filter(concern::to_at.is_null())
                .filter(concern::frozen_at.is_not_null())
                .filter(concern::incident_id.eq_any(links.iter().map(|(id, ..)| *id)))
                .select((concern::incident_id, concern::frozen_at))
                .load(self.db)?;
            incidents.retain(|incident| {
                let until = withheld.iter().filter(|(id, _)| *id == incident.id).filter_map(|(_, at)| *at).min();
                let until = until.unwrap_or(at);
                links.iter().any(|(id, since, _)| *id == incident.id && *since <= until.min(at))
            });
        }
        Ok(incidents)
    }

    /// The accepted incidents of a case that somebody asks to take out of it, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn case_incidents_disputed(&mut self, case: &Case) -> Result<Vec<Incident>> {
        let ids: Vec<Id> = case_incident::table
            .filter(case_incident::case_id.eq(case.id))
            .filter(case_incident::status.eq(ACCEPTED))
            .filter(case_incident::withdrawal_by.is_not_null())
            .select(case_incident::incident_id)
            .load(self.db)?;
        self.incidents_of(&ids)
    }

    /// The ids of the proceedings that serve these cases.
    pub(super) fn proceedings_of_cases(&mut self, cases: &[Id]) -> Result<Vec<Id>> {
        Ok(proceeding_case::table
            .filter(proceeding_case::case_id.eq_any(cases.to_vec()))
            .select(proceeding_case::proceeding_id)
            .distinct()
            .load(self.db)?)
    }

    /// Stage of a case out of all its proceedings' accepted steps: what is stored.
    fn case_progress(&mut self, case: Id) -> Result<(Stage, String)> {
        let proceedings: Vec<Id> = proceeding_case::table
            .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
            .filter(proceeding_case::case_id.eq(case))
            .filter(proceeding::status.eq(ACCEPTED))
            .select(proceeding::id)
            .load(self.db)?;
        let lines: Vec<Progress> = self
            .steps_recorded(&proceedings)?
            .into_values()
            .map(|steps| super::proceeding::whole(&steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>()))
            .collect();
        let at = crate::domain::roll_up(&lines);
        Ok((at.furthest, at.current.code().to_owned()))
    }
}

pub(super) const ROOM: Room = Room { candidates: Some(candidates), near, tasks };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let case = r.case_get(reference)?.ok_or(Error::NotFound)?;
    let facts = access(viewer, &case.target());
    let one = Candidate::of(Noun::Case, case.id, format!("cases/{}", case.reference), facts);
    Ok((vec![one], Some(case.facts.mission)))
}

fn near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String)> = case_file::table
        .filter(case_file::id.eq_any(&around.cases))
        .select((case_file::id, case_file::reference))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, reference)| (id, format!("cases/{reference}"))).collect())
}

/// An incident that was added to a case with proceedings, or that somebody asks to take out of one, waits for another officer.
fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    let links = case_incident::table
        .inner_join(case_file::table.on(case_file::id.eq(case_incident::case_id)))
        .inner_join(incident::table.on(incident::id.eq(case_incident::incident_id)));
    let path = |case: &str, incident: &str| format!("cases/{case}/incidents/{incident}");
    let actor = Id(viewer.account);
    let added: Vec<(String, String, NaiveDateTime)> = links
        .filter(case_incident::status.eq(SubmissionStatus::Proposed.code()))
        .filter(case_incident::added_by.ne(actor))
        .order(case_incident::since)
        .limit(MOST)
        .select((case_file::reference, incident::reference, case_incident::since))
        .load(r.db)?;
    let task = |(case, incident, since): (String, String, NaiveDateTime)| Task {
        kind: TaskKind::Decide,
        record: path(&case, &incident),
        since,
        due_on: None,
    };
    let mut tasks: Vec<Task> = added.into_iter().map(task).collect();
    let asked: Vec<(Id, String, String)> = links
        .filter(case_incident::status.eq(ACCEPTED))
        .filter(case_incident::withdrawal_by.ne(actor))
        .limit(MOST)
        .select((case_file::id, case_file::reference, incident::reference))
        .load(r.db)?;
    let asked = asked.into_iter().map(|(id, case, incident)| Asked { id, root: id, record: path(&case, &incident) });
    tasks.extend(withdrawals(r, asked.collect())?);
    Ok(tasks)
}
