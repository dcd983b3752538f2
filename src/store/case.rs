//! Cases: the United Nations' accountability files.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::auto_type;
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::db::schema::{case_event, case_file, case_incident, concern, proceeding, proceeding_case};
use super::db::{Db, Id};
use super::history::{Change, all_new, differences};
use super::incident::{EditionChoice, Incident};
use super::list::page_of;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Write, code};
use crate::domain::{CaseState, Code, InformationStatus, Noun, Progress, Stage, case_transition};
use crate::policy::Scope;

/// A case, as a scope sees it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// State.
    pub state: CaseState,
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

/// The open facts of a case that people give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFacts {
    /// Mission that answers for the file.
    pub mission: String,
    /// First day.
    pub opened_on: NaiveDate,
    /// What the State told the United Nations.
    pub information_status: InformationStatus,
    /// When it last did.
    pub information_on: Option<NaiveDate>,
}

/// What a list of cases is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Mission.
    pub mission: Option<String>,
    /// State of the case.
    pub state: Option<CaseState>,
    /// Information status.
    pub information_status: Option<InformationStatus>,
    /// Opened on or after.
    pub from: Option<NaiveDate>,
    /// Opened on or before.
    pub to: Option<NaiveDate>,
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = case_file)]
struct CaseRow {
    id: Id,
    reference: String,
    mission: String,
    state: String,
    opened_on: NaiveDate,
    information_status: String,
    information_on: Option<NaiveDate>,
    stage_furthest: String,
    stage_current: String,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl CaseRow {
    fn into_case(self) -> Result<Case> {
        let Self {
            id,
            reference,
            mission,
            state,
            opened_on,
            information_status,
            information_on,
            stage_furthest,
            stage_current,
            tag_confidential,
            created_by: _,
            created_at,
            updated_at,
        } = self;
        Ok(Case {
            state: code(&state, "case_file", "state", &reference)?,
            facts: CaseFacts {
                mission,
                opened_on,
                information_status: code(&information_status, "case_file", "information_status", &reference)?,
                information_on,
            },
            stage_furthest: code(&stage_furthest, "case_file", "stage_furthest", &reference)?,
            stage_current,
            tag: tag_confidential,
            created_at,
            updated_at,
            frozen_at: None,
            id,
            reference,
        })
    }
}

fn fields(facts: &CaseFacts) -> Map<String, Value> {
    let value = json!({
        "mission": facts.mission,
        "opened_on": facts.opened_on,
        "information_status": facts.information_status,
        "information_on": facts.information_on,
    });
    value.as_object().cloned().unwrap_or_default()
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// Ids of the cases that hold an incident which concerns a State now.
#[auto_type(no_type_alias)]
pub(in crate::store) fn cases_concerning(state: String) -> _ {
    case_incident::table
        .filter(
            case_incident::incident_id.eq_any(
                concern::table
                    .filter(concern::state.eq(state))
                    .filter(concern::to_at.is_null())
                    .filter(concern::edition_id.is_not_null())
                    .select(concern::incident_id),
            ),
        )
        .select(case_incident::case_id)
}

/// Ids of the cases that a State's own proceedings serve.
#[auto_type(no_type_alias)]
pub(in crate::store) fn cases_served(state: String) -> _ {
    proceeding_case::table
        .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
        .filter(proceeding::state.eq(state))
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
        let place = |case: &Case| Cursor { on: case.facts.opened_on, reference: case.reference.clone() };
        if matches!(self.scope, Scope::State(_)) {
            let rows: Vec<CaseRow> = query.load(self.db)?;
            let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
            let mut seen = self.cases_as_seen(cases)?;
            seen.retain(|case| {
                filter.state.is_none_or(|state| case.state == state)
                    && filter.information_status.is_none_or(|status| case.facts.information_status == status)
            });
            return Ok(Page::within(seen, after, limit, place));
        }
        if let Some(state) = filter.state {
            query = query.filter(c::state.eq(state.code()));
        }
        if let Some(status) = filter.information_status {
            query = query.filter(c::information_status.eq(status.code()));
        }
        let rows: Vec<CaseRow> =
            page_of!(query, c::opened_on, c::reference, "opened_on, reference", after, limit).load(self.db)?;
        let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(cases, limit, place))
    }

    /// One case.
    ///
    /// # Errors
    /// The database's.
    pub fn case_get(&mut self, reference: &str) -> Result<Option<Case>> {
        let row: Option<CaseRow> =
            case_seen(self.scope).filter(case_file::reference.eq(reference.to_owned())).first(self.db).optional()?;
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
            .load(self.db)?;
        let cases = rows.into_iter().map(CaseRow::into_case).collect::<Result<Vec<_>>>()?;
        self.cases_as_seen(cases)
    }

    /// Cases as a State sees them: how far they went follows from the proceedings, accused and steps that it sees; of a case
    /// with an incident that it is withheld from, nothing that was recorded since, and no case begun since.
    fn cases_as_seen(&mut self, mut cases: Vec<Case>) -> Result<Vec<Case>> {
        let Scope::State(state) = self.scope else { return Ok(cases) };
        let ids: Vec<Id> = cases.iter().map(|case| case.id).collect();
        let frozen = self.frozen(state, &ids)?;
        cases.retain(|case| frozen.get(&case.id).is_none_or(|at| case.created_at <= *at));
        let mut progress = self.cases_progress(&ids)?;
        for case in &mut cases {
            if let Some(at) = frozen.get(&case.id).copied() {
                let mut now = fields(&case.facts);
                now.insert("state".into(), json!(case.state));
                let then = self.rewind(case.id, at, now)?;
                let row = &case.reference;
                let text = |name: &str| then.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
                case.state = code(&text("state"), "revision", "open_changes", row)?;
                case.facts.information_status = code(&text("information_status"), "revision", "open_changes", row)?;
                case.facts.information_on = text("information_on").parse().ok();
                case.updated_at = case.updated_at.min(at);
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
        let seen = self.proceedings_of(&ids)?;
        let progress = self.progress_seen(&seen)?;
        let mut by_case: HashMap<Id, Vec<Progress>> = HashMap::new();
        for (case, proceeding) in links {
            if let Some(at) = progress.get(&proceeding) {
                by_case.entry(case).or_default().push(*at);
            }
        }
        Ok(by_case)
    }

    /// Of these cases, those that hold an incident withheld from a State, with the time from which it gets nothing newer.
    pub(super) fn frozen(&mut self, state: &str, cases: &[Id]) -> Result<HashMap<Id, NaiveDateTime>> {
        let rows: Vec<(Id, Option<NaiveDateTime>)> = case_incident::table
            .inner_join(concern::table.on(concern::incident_id.eq(case_incident::incident_id)))
            .filter(case_incident::case_id.eq_any(cases.to_vec()))
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::frozen_at.is_not_null())
            .select((case_incident::case_id, concern::frozen_at))
            .load(self.db)?;
        let mut frozen: HashMap<Id, NaiveDateTime> = HashMap::new();
        for (case, at) in rows {
            if let Some(at) = at {
                frozen.entry(case).and_modify(|known| *known = (*known).min(at)).or_insert(at);
            }
        }
        Ok(frozen)
    }

    /// Open fields as they were recorded at a time: those of now, with every later change taken back.
    pub(super) fn rewind(
        &mut self,
        root: Id,
        at: NaiveDateTime,
        mut now: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let later: Vec<_> = self.history(root)?.into_iter().filter(|entry| entry.at > at).collect();
        for entry in later.into_iter().rev() {
            for (name, change) in entry.open {
                if let (true, Some(from)) = (now.contains_key(&name), change.get("from")) {
                    now.insert(name, from.clone());
                }
            }
        }
        Ok(now)
    }

    /// The incidents of a case that the scope sees.
    ///
    /// # Errors
    /// The database's.
    pub fn case_incidents(&mut self, case: Id) -> Result<Vec<Incident>> {
        let ids: Vec<Id> = case_incident::table
            .filter(case_incident::case_id.eq(case))
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
        let proceedings = self.proceedings_of_cases(&[case])?;
        let lines: Vec<Progress> = self
            .steps_accepted(&proceedings)?
            .into_values()
            .map(|steps| super::proceeding::whole(&steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>()))
            .collect();
        let at = crate::domain::roll_up(&lines);
        Ok((at.furthest, at.current.code().to_owned()))
    }
}

impl Write<'_> {
    /// Opens a case over incidents within scope.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an incident is out of scope; the database's.
    pub fn case_create(&mut self, facts: &CaseFacts, incidents: &[String], sealed: &SealedInput) -> Result<Case> {
        let ids = self.incident_ids(incidents)?;
        let (id, now) = (Id::new(), self.now());
        let year = chrono::Datelike::year(&facts.opened_on);
        let reference = self.free_reference(Noun::Case, &facts.mission, year, |w, reference| {
            Ok(case_file::table.filter(case_file::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = CaseRow {
            id,
            reference,
            mission: facts.mission.clone(),
            state: CaseState::Open.code().into(),
            opened_on: facts.opened_on,
            information_status: facts.information_status.code().into(),
            information_on: facts.information_on,
            stage_furthest: Stage::NoInformation.code().into(),
            stage_current: Stage::NoInformation.code().into(),
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(case_file::table).values(row.clone()).execute(self.db)?;
        self.case_event(id, CaseState::Open, facts.opened_on)?;
        for incident in ids {
            diesel::insert_into(case_incident::table)
                .values((case_incident::case_id.eq(id), case_incident::incident_id.eq(incident)))
                .execute(self.db)?;
        }
        let touched = self.seal(id, id, sealed, Some(Noun::Case))?;
        let mut open = all_new(&fields(facts));
        open.insert("incidents".into(), json!({ "from": null, "to": incidents.len() }));
        self.note_case("case.create", &row.reference, id, "created", None, open, touched);
        row.into_case()
    }

    pub(super) fn incident_ids(&mut self, references: &[String]) -> Result<Vec<Id>> {
        super::named("incidents", references, |reference| {
            Ok(self.incident_get(reference, EditionChoice::Working)?.map(|found| found.id))
        })
    }

    fn case_event(&mut self, case: Id, state: CaseState, on: NaiveDate) -> Result<()> {
        diesel::insert_into(case_event::table)
            .values((
                case_event::id.eq(Id::new()),
                case_event::case_id.eq(case),
                case_event::state.eq(state.code()),
                case_event::happened_on.eq(on),
                case_event::recorded_at.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one place that names everything a revision holds")]
    fn note_case(
        &mut self,
        action: &'static str,
        reference: &str,
        id: Id,
        kind: &'static str,
        reason: Option<String>,
        open: Map<String, Value>,
        sealed: Vec<u16>,
    ) {
        let change = Change { noun: Noun::Case, record: id, root: id, edition: None, kind, reason, open, sealed };
        self.note(action, format!("cases/{reference}"), change);
    }

    /// Links an incident to a case: from now on it concerns the States of the proceedings that serve the case.
    pub(super) fn case_incident_add(&mut self, case: Id, incident: Id) -> Result<()> {
        diesel::insert_into(case_incident::table)
            .values((case_incident::case_id.eq(case), case_incident::incident_id.eq(incident)))
            .execute(self.db)?;
        let serving: Vec<String> = proceeding_case::table
            .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
            .filter(proceeding_case::case_id.eq(case))
            .select(proceeding::state)
            .distinct()
            .load(self.db)?;
        for state in serving {
            self.concern_of_proceeding(incident, &state)?;
        }
        Ok(())
    }

    /// Changes a case's facts and sealed fields, and adds incidents to it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when an incident is out of scope; the database's.
    pub fn case_edit(&mut self, case: &Case, facts: &CaseFacts, add: &[String], sealed: &SealedInput) -> Result<Case> {
        let mut open = differences(&fields(&case.facts), &fields(facts));
        let known: Vec<Id> = case_incident::table
            .filter(case_incident::case_id.eq(case.id))
            .select(case_incident::incident_id)
            .load(self.db)?;
        let new: Vec<Id> = self.incident_ids(add)?.into_iter().filter(|id| !known.contains(id)).collect();
        for incident in &new {
            self.case_incident_add(case.id, *incident)?;
        }
        if !new.is_empty() {
            open.insert("incidents".into(), json!({ "from": known.len(), "to": known.len() + new.len() }));
        }
        let touched = self.seal(case.id, case.id, sealed, None)?;
        let tag = if touched.is_empty() { case.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { case.updated_at } else { self.now() };
        diesel::update(case_file::table.find(case.id))
            .set((
                case_file::information_status.eq(facts.information_status.code()),
                case_file::information_on.eq(facts.information_on),
                case_file::tag_confidential.eq(tag),
                case_file::updated_at.eq(updated),
            ))
            .execute(self.db)?;
        self.note_case("case.edit", &case.reference, case.id, "edited", None, open, touched);
        self.case_get(&case.reference)?.ok_or(Error::NotFound)
    }

    /// Moves a case to another state, on a day.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is no such way, or the day lies before the last change.
    pub fn case_transition(
        &mut self,
        case: &Case,
        to: CaseState,
        on: NaiveDate,
        reason: Option<String>,
    ) -> Result<Case> {
        if !case_transition(case.state, to) {
            return Err(Error::Conflict(format!("no way from {} to {}", case.state.code(), to.code())));
        }
        let last: Option<NaiveDate> = case_event::table
            .filter(case_event::case_id.eq(case.id))
            .select(diesel::dsl::max(case_event::happened_on))
            .first(self.db)?;
        if last.is_some_and(|last| on < last) {
            return Err(Error::Conflict("the day lies before the case's last change".into()));
        }
        self.case_event(case.id, to, on)?;
        diesel::update(case_file::table.find(case.id))
            .set((case_file::state.eq(to.code()), case_file::updated_at.eq(self.now())))
            .execute(self.db)?;
        let open = Map::from_iter([("state".to_owned(), json!({ "from": case.state, "to": to }))]);
        self.note_case("case.transition", &case.reference, case.id, to.code(), reason, open, Vec::new());
        self.case_get(&case.reference)?.ok_or(Error::NotFound)
    }

    /// Brings the stored stages of cases to what their proceedings' steps say.
    pub(super) fn cases_restage(&mut self, cases: &[Id]) -> Result<()> {
        for case in cases {
            let (furthest, current) = self.case_progress(*case)?;
            diesel::update(case_file::table.find(case))
                .set((case_file::stage_furthest.eq(furthest.code()), case_file::stage_current.eq(current)))
                .execute(self.db)?;
        }
        Ok(())
    }
}
