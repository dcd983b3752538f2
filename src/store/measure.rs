//! Measures: what a State did in its own justice system to promote accountability.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Map, json};

use super::candidate::{Candidate, Candidates, Room};
use super::db::schema::{measure, measure as m, mission_host};
use super::db::{Coded, Db, Id, facts_row};
use super::history::{Change, changed, created};
use super::incident::asked;
use super::list::{may_reach, page_of};
use super::task::{Asked, MOST, Task, withdrawals};
use super::verdict::{Accepted, returned};
use super::{Cursor, Error, Page, Read, Result, SealedInput, Verdict, Write};
use crate::domain::{Code, MeasureFacts, MeasureKind, Noun, Precision, Returned, Ruling, SubmissionStatus, TaskKind};
use crate::policy::{Action, Ending, Scope, Target, Viewer, access, authorize};

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
    /// Why it was returned or withdrawn, or somebody asks that it be.
    pub returned: Option<Returned>,
    /// Who asks that it be withdrawn, though it was accepted.
    pub withdrawal_by: Option<Id>,
    /// When it was withdrawn after it had been accepted (UTC).
    pub ended_at: Option<NaiveDateTime>,
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
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
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
    withdrawal_by: Option<Id>,
    ended_at: Option<NaiveDateTime>,
}

impl MeasureRow {
    /// As the scope is told it: a State is not told that others ask to withdraw what was accepted, nor why.
    fn into_measure(self, scope: &Scope) -> Result<Measure> {
        let mut measure = self.whole()?;
        if scope.state().is_some() && measure.status == SubmissionStatus::Accepted {
            (measure.withdrawal_by, measure.returned) = (None, None);
        }
        Ok(measure)
    }

    fn whole(self) -> Result<Measure> {
        Ok(Measure {
            facts: self.facts.facts()?,
            status: self.status.0,
            submitted_state: self.submitted_state,
            recorded_by: self.created_by,
            returned: returned(self.reason, self.reason_fields, "measure", &self.reference)?,
            withdrawal_by: self.withdrawal_by,
            ended_at: self.ended_at,
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

/// The measures that a scope sees: to a mission those of its host States; to a State its own that were accepted, and those that it submitted.
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
        Scope::State(state) => {
            let was_accepted = m::status.eq(SubmissionStatus::Accepted.code()).or(m::ended_at.is_not_null());
            let own = m::submitted_state.is_not_null().and(m::submitted_state.assume_not_null().eq(state.clone()));
            query.filter(m::state.eq(state.clone())).filter(was_accepted.or(own))
        }
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
        if let Some(since) = filter.updated_from {
            query = query.filter(m::updated_at.ge(since));
        }
        if let Some(from) = filter.from {
            query = may_reach!(query, m::taken_on, m::taken_on_precision, from);
        }
        if let Some(to) = filter.to {
            query = query.filter(m::taken_on.le(to));
        }
        let rows: Vec<MeasureRow> =
            page_of!(query, m::taken_on, m::reference, after, limit).select(MeasureRow::as_select()).load(self.db)?;
        let items = rows.into_iter().map(|row| row.into_measure(self.scope)).collect::<Result<Vec<_>>>()?;
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
        row.map(|row| row.into_measure(self.scope)).transpose()
    }
}

impl Write<'_> {
    /// Proposes a measure: it counts for nothing until another officer accepts it.
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
        let row = MeasureRow {
            id,
            reference: reference.clone(),
            facts: MeasureFactsRow::of(facts),
            status: Coded(SubmissionStatus::Proposed),
            submitted_state,
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            decided_by: None,
            reason: None,
            reason_fields: None,
            created_at: now,
            recorded_at: None,
            updated_at: now,
            withdrawal_by: None,
            ended_at: None,
        };
        diesel::insert_into(m::table).values(row).execute(self.db)?;
        let touched = self.seal(id, id, sealed, Some(Noun::Measure))?;
        let change = Change::of(Noun::Measure, id, "proposed").open(created(facts)).sealed(touched);
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

    /// What becomes of a measure: one that was proposed is accepted, and recorded now, returned or withdrawn; one that was accepted is withdrawn by two.
    ///
    /// # Errors
    /// [`Error::Denied`] for who may not; [`Error::Conflict`] when it was decided already; the database's.
    pub fn measure_decide(&mut self, known: &Measure, verdict: &Verdict) -> Result<()> {
        if known.status == SubmissionStatus::Accepted {
            return self.measure_end(known, verdict);
        }
        self.settle(known.recorded_by, known.submitted_state.as_deref(), known.status, verdict.ruling)?;
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("measure.accept", "accepted"),
            Ruling::Withdrawn => ("measure.withdraw", "withdrawn"),
            Ruling::Returned => ("measure.return", "returned"),
        };
        let now = self.now();
        let note = verdict.grounds.sealed(Noun::Measure, known.returned.is_some());
        let sealed = self.seal(known.id, known.id, &note, None)?;
        let tag = if sealed.is_empty() { known.tag.clone() } else { super::random_tag() };
        diesel::update(m::table.find(known.id))
            .set((
                m::status.eq(verdict.ruling.status().code()),
                m::recorded_at.eq(verdict.accepts().then_some(now)),
                m::decided_by.eq(self.actor()),
                m::reason.eq(verdict.grounds.reason()),
                m::reason_fields.eq(verdict.grounds.fields()),
                m::tag_confidential.eq(tag),
                m::updated_at.eq(now),
            ))
            .execute(self.db)?;
        let open = Map::from_iter([("status".to_owned(), json!({ "from": known.status, "to": verdict.ruling }))]);
        let change = Change::of(Noun::Measure, known.id, kind).open(open).sealed(sealed);
        self.note_record(action, &known.reference, change.because(verdict.grounds.reason()));
        Ok(())
    }

    /// Asks that an accepted measure be withdrawn, does so when another officer agrees, or lets it stand after all.
    fn measure_end(&mut self, known: &Measure, verdict: &Verdict) -> Result<()> {
        let (withdrawal_by, of_state) = (known.withdrawal_by, known.submitted_state.as_deref());
        let ending = self.ending(&Accepted { withdrawal_by, missions: &[], of_state, takes_two: true }, verdict)?;
        let (mut status, mut by, mut ended_at) = (known.status, known.withdrawal_by, known.ended_at);
        let (action, kind) = match ending {
            Ending::Asked => {
                by = Some(self.actor());
                ("measure.withdrawal.ask", "withdrawal_asked")
            }
            Ending::Withdrawn => {
                (status, ended_at) = (SubmissionStatus::Withdrawn, Some(self.now()));
                ("measure.withdraw", "withdrawn")
            }
            Ending::Declined => {
                by = None;
                ("measure.withdrawal.decline", "withdrawal_declined")
            }
        };
        let had_note = known.returned.is_some() && ending != Ending::Withdrawn;
        let sealed = self.seal(known.id, known.id, &verdict.grounds.sealed(Noun::Measure, had_note), None)?;
        let tag = if sealed.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if ending == Ending::Withdrawn { self.now() } else { known.updated_at };
        diesel::update(m::table.find(known.id))
            .set((
                m::status.eq(status.code()),
                m::withdrawal_by.eq(by),
                m::ended_at.eq(ended_at),
                m::reason.eq(verdict.grounds.reason()),
                m::reason_fields.eq(verdict.grounds.fields()),
                m::tag_confidential.eq(tag),
                m::updated_at.eq(updated),
            ))
            .execute(self.db)?;
        let open = match ending {
            Ending::Withdrawn => Map::from_iter([("status".to_owned(), json!({ "from": known.status, "to": status }))]),
            Ending::Asked | Ending::Declined => asked(ending == Ending::Asked),
        };
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

/// What somebody else proposed waits for an officer.
fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, NaiveDateTime)> = measure_seen(r.scope)
        .filter(m::status.eq(SubmissionStatus::Proposed.code()))
        .filter(m::created_by.ne(Id(viewer.account)))
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
    let mut tasks: Vec<Task> = rows.into_iter().map(task).collect();
    let asked: Vec<(Id, String)> = measure_seen(r.scope)
        .filter(m::status.eq(SubmissionStatus::Accepted.code()))
        .filter(m::withdrawal_by.ne(Id(viewer.account)))
        .limit(MOST)
        .select((m::id, m::reference))
        .load(r.db)?;
    tasks.extend(withdrawals(
        r,
        asked.into_iter().map(|(id, of)| Asked { id, root: id, record: format!("measures/{of}") }).collect(),
    )?);
    Ok(tasks)
}
