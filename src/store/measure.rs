//! Measures: what a State did in its own justice system to promote accountability.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::db::schema::{measure as m, mission_host};
use super::db::{Db, Id};
use super::history::{Change, all_new, differences};
use super::list::page_of;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Verdict, Write, code};
use crate::domain::{Code, MeasureKind, Noun, PartialDate, Returned, SubmissionStatus};
use crate::policy::Scope;

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

/// The open facts of a measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureFacts {
    /// The State.
    pub state: String,
    /// Kind.
    pub kind: MeasureKind,
    /// The law, unit, chamber or treaty.
    pub instrument: String,
    /// When it was taken.
    pub taken: PartialDate,
    /// Public source.
    pub source_url: Option<String>,
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

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = m)]
struct MeasureRow {
    id: Id,
    reference: String,
    state: String,
    kind: String,
    instrument: String,
    taken_on: NaiveDate,
    taken_on_precision: String,
    source_url: Option<String>,
    status: String,
    submitted_state: Option<String>,
    tag_confidential: Vec<u8>,
    created_by: Id,
    decided_by: Option<Id>,
    reason: Option<String>,
    created_at: NaiveDateTime,
    recorded_at: Option<NaiveDateTime>,
    updated_at: NaiveDateTime,
    reason_fields: Option<String>,
}

impl MeasureRow {
    fn into_measure(self) -> Result<Measure> {
        let Self {
            id,
            reference,
            state,
            kind,
            instrument,
            taken_on,
            taken_on_precision,
            source_url,
            status,
            submitted_state,
            tag_confidential,
            created_by,
            decided_by: _,
            reason,
            created_at,
            recorded_at,
            updated_at,
            reason_fields,
        } = self;
        Ok(Measure {
            recorded_by: created_by,
            returned: super::verdict::returned(reason, reason_fields, "measure", &reference)?,
            facts: MeasureFacts {
                state,
                kind: code(&kind, "measure", "kind", &reference)?,
                instrument,
                taken: PartialDate::new(
                    taken_on,
                    code(&taken_on_precision, "measure", "taken_on_precision", &reference)?,
                ),
                source_url,
            },
            status: code(&status, "measure", "status", &reference)?,
            submitted_state,
            tag: tag_confidential,
            id,
            reference,
            created_at,
            recorded_at,
            updated_at,
        })
    }
}

fn fields(facts: &MeasureFacts) -> Map<String, Value> {
    let value = json!({
        "state": facts.state,
        "kind": facts.kind,
        "instrument": facts.instrument,
        "taken_on": facts.taken.first(),
        "taken_on_precision": facts.taken.precision(),
        "source_url": facts.source_url,
    });
    value.as_object().cloned().unwrap_or_default()
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
        let rows: Vec<MeasureRow> = page_of!(query, m::taken_on, m::reference, after, limit).load(self.db)?;
        let items = rows.into_iter().map(MeasureRow::into_measure).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, |one| Cursor { on: one.facts.taken.first(), reference: one.reference.clone() }))
    }

    /// One measure.
    ///
    /// # Errors
    /// The database's.
    pub fn measure_get(&mut self, reference: &str) -> Result<Option<Measure>> {
        let row: Option<MeasureRow> =
            measure_seen(self.scope).filter(m::reference.eq(reference.to_owned())).first(self.db).optional()?;
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
        let year = facts.taken.first().year();
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
            state: facts.state.clone(),
            kind: facts.kind.code().into(),
            instrument: facts.instrument.clone(),
            taken_on: facts.taken.first(),
            taken_on_precision: facts.taken.precision().code().into(),
            source_url: facts.source_url.clone(),
            status: status.code().into(),
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
        self.note_measure("measure.create", &reference, id, kind, None, all_new(&fields(facts)), touched);
        self.measure_get(&reference)?.ok_or_else(|| crate::policy::Denial::NotYours.into())
    }

    #[expect(clippy::too_many_arguments, reason = "one place that names everything a revision holds")]
    fn note_measure(
        &mut self,
        action: &'static str,
        reference: &str,
        id: Id,
        kind: &'static str,
        reason: Option<String>,
        open: Map<String, Value>,
        sealed: Vec<u16>,
    ) {
        let change = Change { noun: Noun::Measure, record: id, root: id, edition: None, kind, reason, open, sealed };
        self.note(action, format!("measures/{reference}"), change);
    }

    /// Corrects a measure.
    ///
    /// # Errors
    /// The database's.
    pub fn measure_edit(&mut self, known: &Measure, facts: &MeasureFacts, sealed: &SealedInput) -> Result<Measure> {
        let open = differences(&fields(&known.facts), &fields(facts));
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(m::table.find(known.id))
            .set((
                m::kind.eq(facts.kind.code()),
                m::instrument.eq(&facts.instrument),
                m::taken_on.eq(facts.taken.first()),
                m::taken_on_precision.eq(facts.taken.precision().code()),
                m::source_url.eq(&facts.source_url),
                m::tag_confidential.eq(tag),
                m::updated_at.eq(updated),
            ))
            .execute(self.db)?;
        self.note_measure("measure.edit", &known.reference, known.id, "edited", None, open, touched);
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
        self.note_measure(action, &known.reference, known.id, kind, verdict.grounds.reason(), open, sealed);
        Ok(())
    }
}
