//! Measures: what a State did in its own justice system to promote accountability.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Map, json};

use super::candidate::{Candidate, Candidates, Room};
use super::db::schema::{measure, measure as m, mission_host};
use super::db::{Coded, Db, Id, facts_row};
use super::history::{Change, changed, created};
use super::list::page_of;
use super::task::{MOST, Task};
use super::verdict::returned;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Verdict, Write};
use crate::domain::{Code, MeasureFacts, MeasureKind, Noun, Precision, Returned, SubmissionStatus, TaskKind};
use crate::policy::{Action, Scope, Target, Viewer, access, authorize};

/// A measure.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// Open facts.
    pub facts: MeasureFacts,
    /// Whether it is part of the record.
    pub status: SubmissionStatus,
    /// The State that submitted it, if one did.
    pub submitted_state: Option<String>,
    /// Who wrote it down.
    pub recorded_by: Id,
    /// Why it was returned or withdrawn.
    pub returned: Option<Returned>,
    /// Random tag that moves when a sealed field is edited.
    pub tag: Vec<u8>,
    /// When it was written down (UTC).
    pub created_at: NaiveDateTime,
    /// When it became part of the record (UTC).
    pub recorded_at: Option<NaiveDateTime>,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
}

impl Measure {
    /// Who stands near it: of no mission and of no incident, it is the Secretariat's, and that of the State that submitted it.
    pub fn target(&self) -> Target<'_> {
        let submitter = self.submitted_state.as_deref();
        Target { submitted_by: submitter, typed_by: submitter, ..Target::default() }
    }
}

/// What a list of measures is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct MeasureFilter {
    /// State.
    pub state: Option<String>,
    /// Kind.
    pub kind: Option<MeasureKind>,
    /// Status.
    pub status: Option<SubmissionStatus>,
    /// Taken on or after.
    pub from: Option<NaiveDate>,
    /// Taken on or before.
    pub to: Option<NaiveDate>,
}

facts_row! {
    MeasureFactsRow of MeasureFacts in measure {
        state: String,
        kind: Coded<MeasureKind>,
        instrument: String,
        taken_on: NaiveDate,
        taken_on_precision: Coded<Precision>,
        source_url: Option<String>,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = measure)]
struct MeasureRow {
    id: Id,
    reference: String,
    #[diesel(embed)]
    facts: MeasureFactsRow,
    status: Coded<SubmissionStatus>,
    submitted_state: Option<String>,
    tag_confidential: Vec<u8>,
    created_by: Id,
    decided_by: Option<Id>,
    reason: Option<String>,
    reason_fields: Option<String>,
    created_at: NaiveDateTime,
    recorded_at: Option<NaiveDateTime>,
    updated_at: NaiveDateTime,
}

impl MeasureRow {
    fn into_measure(self) -> Result<Measure> {
        Ok(Measure {
            facts: self.facts.facts()?,
            status: self.status.0,
            submitted_state: self.submitted_state,
            recorded_by: self.created_by,
            returned: returned(self.reason, self.reason_fields, "measure", &self.reference)?,
            tag: self.tag_confidential,
            id: self.id,
            reference: self.reference,
            created_at: self.created_at,
            recorded_at: self.recorded_at,
            updated_at: self.updated_at,
        })
    }
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// The measures that a scope sees: to a mission those of its host States; to a State its own.
fn measure_seen(scope: &Scope) -> m::BoxedQuery<'static, Backend> {
    let query = m::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Nothing => query.filter(m::reference.eq("")),
        Scope::Missions(missions) => {
            let hosts =
                mission_host::table.filter(mission_host::mission.eq_any(missions.clone())).select(mission_host::state);
            query.filter(m::state.eq_any(hosts))
        }
        Scope::State(state) => query.filter(m::state.eq(state.clone())),
    }
}

impl Read<'_> {
    /// A page of measures, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn measure_list(
        &mut self,
        filter: &MeasureFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Measure>> {
        let mut query = measure_seen(self.scope);
        if let Some(state) = &filter.state {
            query = query.filter(m::state.eq(state.clone()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(m::kind.eq(kind.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(m::status.eq(status.code()));
        }
        if let Some(from) = filter.from {
            query = query.filter(m::taken_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(m::taken_on.le(to));
        }
        let rows: Vec<MeasureRow> =
            page_of!(query, m::taken_on, m::reference, after, limit).select(MeasureRow::as_select()).load(self.db)?;
        let items = rows.into_iter().map(MeasureRow::into_measure).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, |one| Cursor { on: one.facts.taken_on, reference: one.reference.clone() }))
    }

    /// One measure.
    ///
    /// # Errors
    /// The database's.
    pub fn measure_get(&mut self, reference: &str) -> Result<Option<Measure>> {
        let row: Option<MeasureRow> = measure_seen(self.scope)
            .filter(m::reference.eq(reference.to_owned()))
            .select(MeasureRow::as_select())
            .first(self.db)
            .optional()?;
        row.map(MeasureRow::into_measure).transpose()
    }
}

impl Write<'_> {
    /// Records a measure, or, of a State, proposes one: it counts for nothing until it is accepted.
    ///
    /// # Errors
    /// [`Error::Denied`] when the State is out of scope; the database's.
    pub fn measure_create(&mut self, facts: &MeasureFacts, sealed: &SealedInput) -> Result<Measure> {
        let (id, now) = (Id::new(), self.now());
        let year = facts.taken_on.year();
        let reference = self.free_reference(Noun::Measure, &facts.state, year, |w, reference| {
            Ok(m::table.filter(m::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let submitted_state = match self.scope {
            Scope::State(state) => Some(state.clone()),
            Scope::Everything | Scope::Missions(_) | Scope::Nothing => None,
        };
        let (status, kind) = match submitted_state {
            Some(_) => (SubmissionStatus::Proposed, "proposed"),
            None => (SubmissionStatus::Accepted, "created"),
        };
        let row = MeasureRow {
            id,
            reference: reference.clone(),
            facts: MeasureFactsRow::of(facts),
            status: Coded(status),
            submitted_state,
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            decided_by: None,
            reason: None,
            reason_fields: None,
            created_at: now,
            recorded_at: (status == SubmissionStatus::Accepted).then_some(now),
            updated_at: now,
        };
        diesel::insert_into(m::table).values(row).execute(self.db)?;
        let touched = self.seal(id, id, sealed, Some(Noun::Measure))?;
        let change = Change::of(Noun::Measure, id, kind).open(created(facts)).sealed(touched);
        self.note_record("measure.create", &reference, change);
        self.measure_get(&reference)?.ok_or_else(|| crate::policy::Denial::NotYours.into())
    }

    /// Corrects a measure.
    ///
    /// # Errors
    /// The database's.
    pub fn measure_edit(&mut self, known: &Measure, facts: &MeasureFacts, sealed: &SealedInput) -> Result<Measure> {
        let open = changed(&known.facts, facts);
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(m::table.find(known.id))
            .set((MeasureFactsRow::of(facts), m::tag_confidential.eq(tag), m::updated_at.eq(updated)))
            .execute(self.db)?;
        let change = Change::of(Noun::Measure, known.id, "edited").open(open).sealed(touched);
        self.note_record("measure.edit", &known.reference, change);
        self.measure_get(&known.reference)?.ok_or(Error::NotFound)
    }

    /// What becomes of a measure that a State proposed. Accepted, it is recorded now.
    ///
    /// # Errors
    /// [`Error::Denied`] for who may not; [`Error::Conflict`] when it was decided already; the database's.
    pub fn measure_decide(&mut self, known: &Measure, verdict: &Verdict) -> Result<()> {
        self.settle(known.recorded_by, known.submitted_state.as_deref(), known.status, verdict.status)?;
        let (action, kind) = match verdict.status {
            SubmissionStatus::Accepted => ("measure.accept", "accepted"),
            SubmissionStatus::Withdrawn => ("measure.withdraw", "withdrawn"),
            SubmissionStatus::Returned | SubmissionStatus::Proposed => ("measure.return", "returned"),
        };
        let now = self.now();
        let note = verdict.grounds.sealed(Noun::Measure, known.returned.is_some());
        let sealed = self.seal(known.id, known.id, &note, None)?;
        let tag = if sealed.is_empty() { known.tag.clone() } else { super::random_tag() };
        diesel::update(m::table.find(known.id))
            .set((
                m::status.eq(verdict.status.code()),
                m::recorded_at.eq(verdict.accepts().then_some(now)),
                m::decided_by.eq(self.actor()),
                m::reason.eq(verdict.grounds.reason()),
                m::reason_fields.eq(verdict.grounds.fields()),
                m::tag_confidential.eq(tag),
                m::updated_at.eq(now),
            ))
            .execute(self.db)?;
        let open = Map::from_iter([("status".to_owned(), json!({ "from": known.status, "to": verdict.status }))]);
        let change = Change::of(Noun::Measure, known.id, kind).open(open).sealed(sealed);
        self.note_record(action, &known.reference, change.because(verdict.grounds.reason()));
        Ok(())
    }
}

pub(super) const ROOM: Room = Room { candidates: Some(candidates), tasks, ..Room::PART };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let of = r.measure_get(reference)?.ok_or(Error::NotFound)?;
    let facts = access(viewer, &of.target());
    let mut all = vec![Candidate::of(Noun::Measure, of.id, format!("measures/{}", of.reference), facts)];
    if viewer.state.is_some() {
        all = r.typed(viewer, of.id, all)?;
    }
    Ok((all, None))
}

/// What a State proposed waits for an officer.
fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, NaiveDateTime)> = measure_seen(r.scope)
        .filter(m::status.eq(SubmissionStatus::Proposed.code()))
        .order(m::created_at)
        .limit(MOST)
        .select((m::reference, m::created_at))
        .load(r.db)?;
    let task = |(reference, since)| Task {
        kind: TaskKind::Decide,
        record: format!("measures/{reference}"),
        since,
        due_on: None,
    };
    Ok(rows.into_iter().map(task).collect())
}
