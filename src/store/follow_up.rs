//! Follow-ups: what the United Nations did on a case towards a State, and what the State answered.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::candidate::{Candidate, Candidates, Room, Surroundings};
use super::case::{cases_concerning, cases_served};
use super::db::schema::{case_file, follow_up, follow_up as f};
use super::db::{Coded, Db, Id, facts_row};
use super::history::{Change, changed, created};
use super::list::page_of;
use super::task::{MOST, Task};
use super::verdict::returned;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Verdict, Write};
use crate::domain::{
    Code, Fault, FollowUpFacts, FollowUpKind, Noun, ReplyStatus, Returned, Ruling, SubmissionStatus, TaskKind,
};
use crate::policy::{Action, Scope, Target, Viewer, access, authorize};

/// A follow-up, as a scope sees it.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// Reference of the case.
    pub case: String,
    /// The mission that answers for the case.
    pub mission: String,
    /// Open facts.
    pub facts: FollowUpFacts,
    /// What the State says that it answered, and when, once it said so.
    pub offered: Option<(ReplyStatus, NaiveDate)>,
    /// What became of that.
    pub status: Option<SubmissionStatus>,
    /// Why it was returned or withdrawn.
    pub returned: Option<Returned>,
    /// Random tag that moves when a sealed field is edited.
    pub tag: Vec<u8>,
    /// When it was recorded (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
    offered_by: Option<Id>,
    frozen: bool,
}

impl FollowUp {
    /// Who stands near it: the mission that answers for its case.
    pub fn target(&self) -> Target<'_> {
        Target { missions: std::slice::from_ref(&self.mission), under_review: self.frozen, ..Target::default() }
    }
}

/// What a list of follow-ups is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct FollowUpFilter {
    /// Reference of a case.
    pub case: Option<String>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
    /// Reference of an incident of the case.
    pub incident: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Kind.
    pub kind: Option<FollowUpKind>,
    /// What the State answered.
    pub reply_status: Option<ReplyStatus>,
    /// What became of the State's own answer.
    pub status: Option<SubmissionStatus>,
    /// Sent on or after.
    pub from: Option<NaiveDate>,
    /// Sent on or before.
    pub to: Option<NaiveDate>,
}

facts_row! {
    FollowUpFactsRow of FollowUpFacts in follow_up {
        state: String,
        kind: Coded<FollowUpKind>,
        sent_on: NaiveDate,
        due_on: Option<NaiveDate>,
        reply_status: Coded<ReplyStatus>,
        replied_on: Option<NaiveDate>,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = follow_up)]
struct FollowUpRow {
    id: Id,
    reference: String,
    case_reference: String,
    mission: String,
    #[diesel(embed)]
    facts: FollowUpFactsRow,
    status: Option<Coded<SubmissionStatus>>,
    offered_reply: Option<Coded<ReplyStatus>>,
    offered_on: Option<NaiveDate>,
    offered_by: Option<Id>,
    offered_at: Option<NaiveDateTime>,
    decided_by: Option<Id>,
    reason: Option<String>,
    reason_fields: Option<String>,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl FollowUpRow {
    fn into_follow_up(self) -> Result<FollowUp> {
        Ok(FollowUp {
            facts: self.facts.facts()?,
            offered: self.offered_reply.map(|reply| reply.0).zip(self.offered_on),
            status: self.status.map(|status| status.0),
            returned: returned(self.reason, self.reason_fields, "follow_up", &self.reference)?,
            tag: self.tag_confidential,
            offered_by: self.offered_by,
            frozen: false,
            id: self.id,
            reference: self.reference,
            case: self.case_reference,
            mission: self.mission,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// What history says of a follow-up: its facts, and what became of the State's own answer.
#[derive(Serialize, Deserialize)]
struct Recorded {
    #[serde(flatten)]
    facts: FollowUpFacts,
    status: Option<SubmissionStatus>,
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// The follow-ups that a scope sees: to a mission those on its cases; to a State those that were addressed to it, on cases that it sees.
fn follow_up_seen(scope: &Scope) -> f::BoxedQuery<'static, Backend> {
    let query = f::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Nothing => query.filter(f::reference.eq("")),
        Scope::Missions(missions) => query.filter(f::mission.eq_any(missions.clone())),
        Scope::State(state) => {
            let is_seen = case_file::id
                .eq_any(cases_concerning(state.clone()))
                .or(case_file::id.eq_any(cases_served(state.clone())));
            let cases = case_file::table.filter(is_seen).select(case_file::reference);
            query.filter(f::state.eq(state.clone())).filter(f::case_reference.eq_any(cases))
        }
    }
}

fn place(one: &FollowUp) -> Cursor {
    Cursor { on: one.facts.sent_on, reference: one.reference.clone() }
}

impl Read<'_> {
    /// A page of follow-ups, newest first. A State's is made out of what it is shown, so that neither a filter nor a cursor tells of anything
    /// else.
    ///
    /// # Errors
    /// The database's.
    pub fn follow_up_list(
        &mut self,
        filter: &FollowUpFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<FollowUp>> {
        let mut query = follow_up_seen(self.scope);
        if let Some(case) = &filter.case {
            query = query.filter(f::case_reference.eq(case.clone()));
        }
        if let Some(incident) = &filter.incident {
            let ids = self.case_ids_of_incident(incident)?;
            let cases: Vec<String> = self.cases_of(&ids)?.into_iter().map(|case| case.reference).collect();
            query = query.filter(f::case_reference.eq_any(cases));
        }
        if let Some(state) = &filter.state {
            query = query.filter(f::state.eq(state.clone()));
        }
        if self.scope.state().is_some() {
            let rows: Vec<FollowUpRow> = query.select(FollowUpRow::as_select()).load(self.db)?;
            let mut seen = self.follow_ups_as_seen(rows)?;
            seen.retain(|one| {
                let facts = &one.facts;
                filter.updated_from.is_none_or(|since| one.updated_at >= since)
                    && filter.kind.is_none_or(|kind| facts.kind == kind)
                    && filter.reply_status.is_none_or(|status| facts.reply_status == status)
                    && filter.status.is_none_or(|status| one.status == Some(status))
                    && filter.from.is_none_or(|from| facts.sent_on >= from)
                    && filter.to.is_none_or(|to| facts.sent_on <= to)
            });
            return Ok(Page::within(seen, after, limit, place));
        }
        if let Some(since) = filter.updated_from {
            query = query.filter(f::updated_at.ge(since));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(f::kind.eq(kind.code()));
        }
        if let Some(status) = filter.reply_status {
            query = query.filter(f::reply_status.eq(status.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(f::status.is_not_null()).filter(f::status.assume_not_null().eq(status.code()));
        }
        if let Some(from) = filter.from {
            query = query.filter(f::sent_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(f::sent_on.le(to));
        }
        let rows: Vec<FollowUpRow> =
            page_of!(query, f::sent_on, f::reference, after, limit).select(FollowUpRow::as_select()).load(self.db)?;
        Ok(Page::of(self.follow_ups_as_seen(rows)?, limit, place))
    }

    /// One follow-up.
    ///
    /// # Errors
    /// The database's.
    pub fn follow_up_get(&mut self, reference: &str) -> Result<Option<FollowUp>> {
        let row: Option<FollowUpRow> = follow_up_seen(self.scope)
            .filter(f::reference.eq(reference.to_owned()))
            .select(FollowUpRow::as_select())
            .first(self.db)
            .optional()?;
        Ok(self.follow_ups_as_seen(row.into_iter().collect())?.pop())
    }

    /// Facts of all follow-ups within scope: what figures are made of.
    ///
    /// # Errors
    /// The database's.
    pub fn follow_up_facts(&mut self) -> Result<Vec<FollowUpFacts>> {
        let rows: Vec<FollowUpRow> = follow_up_seen(self.scope).select(FollowUpRow::as_select()).load(self.db)?;
        Ok(self.follow_ups_as_seen(rows)?.into_iter().map(|one| one.facts).collect())
    }

    /// Follow-ups as a State sees them: of a case with an incident that is withheld from it, nothing that was recorded since, but for what it
    /// answered itself.
    fn follow_ups_as_seen(&mut self, rows: Vec<FollowUpRow>) -> Result<Vec<FollowUp>> {
        let mut found = rows.into_iter().map(FollowUpRow::into_follow_up).collect::<Result<Vec<_>>>()?;
        if self.scope.state().is_none() || found.is_empty() {
            return Ok(found);
        }
        let named: Vec<String> = found.iter().map(|one| one.case.clone()).collect();
        let ids: Vec<Id> =
            case_file::table.filter(case_file::reference.eq_any(named)).select(case_file::id).load(self.db)?;
        let cases: HashMap<String, Option<NaiveDateTime>> =
            self.cases_of(&ids)?.into_iter().map(|case| (case.reference, case.frozen_at)).collect();
        found.retain(|one| cases.get(&one.case).is_some_and(|frozen| frozen.is_none_or(|at| one.created_at <= at)));
        for one in &mut found {
            let Some(at) = cases.get(&one.case).copied().flatten() else { continue };
            let now = Recorded { facts: one.facts.clone(), status: one.status };
            let Recorded { facts, status } = self.as_of((Noun::FollowUp, one.id), at, &now)?;
            if status != one.status {
                one.returned = None;
            }
            (one.facts, one.status, one.frozen) = (facts, status, true);
            one.updated_at = self.moved_by(one.id, at)?.unwrap_or(one.created_at);
        }
        Ok(found)
    }
}

impl Write<'_> {
    /// Records what was done on a case.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the case is out of scope; [`Error::Denied`] for who may not; the database's.
    pub fn follow_up_create(&mut self, case: &str, facts: &FollowUpFacts, sealed: &SealedInput) -> Result<String> {
        let case = super::named("case", &[case.to_owned()], |reference| self.case_get(reference))?.remove(0);
        let mission = case.facts.mission;
        authorize(self.viewer, Action::Report { mission: &mission })?;
        let (id, now) = (Id::new(), self.now());
        let reference = self.free_reference(Noun::FollowUp, &facts.state, facts.sent_on.year(), |w, reference| {
            Ok(f::table.filter(f::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = FollowUpRow {
            id,
            reference: reference.clone(),
            case_reference: case.reference.clone(),
            mission,
            facts: FollowUpFactsRow::of(facts),
            status: None,
            offered_reply: None,
            offered_on: None,
            offered_by: None,
            offered_at: None,
            decided_by: None,
            reason: None,
            reason_fields: None,
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(f::table).values(row).execute(self.db)?;
        let touched = self.seal(id, id, sealed, Some(Noun::FollowUp))?;
        let mut open = created(facts);
        open.insert("case".into(), json!({ "from": null, "to": case.reference }));
        let change = Change::of(Noun::FollowUp, id, "created").open(open).sealed(touched);
        self.note_record("follow_up.create", &reference, change);
        Ok(reference)
    }

    /// Corrects a follow-up.
    ///
    /// # Errors
    /// The database's.
    pub fn follow_up_edit(&mut self, known: &FollowUp, facts: &FollowUpFacts, sealed: &SealedInput) -> Result<()> {
        let open = changed(&known.facts, facts);
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(f::table.find(known.id))
            .set((FollowUpFactsRow::of(facts), f::tag_confidential.eq(tag), f::updated_at.eq(updated)))
            .execute(self.db)?;
        let change = Change::of(Noun::FollowUp, known.id, "edited").open(open).sealed(touched);
        self.note_record("follow_up.edit", &known.reference, change);
        Ok(())
    }

    /// Says, for the State that it was addressed to, what it answered. It counts once an officer accepts it.
    ///
    /// # Errors
    /// [`Error::Denied`] for others; [`Error::Conflict`] while another answer waits; the database's.
    pub fn follow_up_reply(
        &mut self,
        known: &FollowUp,
        (reply, on): (ReplyStatus, NaiveDate),
        sealed: &SealedInput,
    ) -> Result<()> {
        authorize(self.viewer, Action::Propose { state: &known.facts.state })?;
        if known.status == Some(SubmissionStatus::Proposed) {
            return Err(Error::Conflict("An answer already waits for an officer.".into()));
        }
        if on < known.facts.sent_on {
            return Err(Error::Invalid(vec![Fault::new("/replied_on", "must not be earlier than sent_on")]));
        }
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        diesel::update(f::table.find(known.id))
            .set((
                f::status.eq(SubmissionStatus::Proposed.code()),
                f::offered_reply.eq(reply.code()),
                f::offered_on.eq(on),
                f::offered_by.eq(self.actor()),
                f::offered_at.eq(self.now()),
                f::tag_confidential.eq(tag),
                f::updated_at.eq(self.now()),
            ))
            .execute(self.db)?;
        let open = Map::from_iter([
            ("status".to_owned(), json!({ "from": known.status, "to": SubmissionStatus::Proposed })),
            ("offered_reply".to_owned(), json!({ "from": known.offered.map(|of| of.0), "to": reply })),
            ("offered_on".to_owned(), json!({ "from": known.offered.map(|of| of.1), "to": on })),
        ]);
        let change = Change::of(Noun::FollowUp, known.id, "answered").open(open).sealed(touched);
        self.note_record("follow_up.reply", &known.reference, change);
        Ok(())
    }

    /// What becomes of what the State said that it answered. Accepted, it is the answer.
    ///
    /// # Errors
    /// [`Error::Denied`] for who may not; [`Error::Conflict`] when nothing waits; the database's.
    pub fn follow_up_decide(&mut self, known: &FollowUp, verdict: &Verdict) -> Result<()> {
        let (Some((reply, on)), Some(status)) = (known.offered, known.status) else {
            return Err(Error::Conflict("The State has not answered.".into()));
        };
        let by = known.offered_by.unwrap_or_default();
        self.settle(by, Some(&known.facts.state), status, verdict.ruling)?;
        let mut facts = known.facts.clone();
        if verdict.accepts() {
            (facts.reply_status, facts.replied_on) = (reply, Some(on));
        }
        let (action, kind) = match verdict.ruling {
            Ruling::Accepted => ("follow_up.accept", "accepted"),
            Ruling::Withdrawn => ("follow_up.withdraw", "withdrawn"),
            Ruling::Returned => ("follow_up.return", "returned"),
        };
        let note = verdict.grounds.sealed(Noun::FollowUp, known.returned.is_some());
        let sealed = self.seal(known.id, known.id, &note, None)?;
        let tag = if sealed.is_empty() { known.tag.clone() } else { super::random_tag() };
        diesel::update(f::table.find(known.id))
            .set((
                FollowUpFactsRow::of(&facts),
                f::status.eq(verdict.ruling.status().code()),
                f::decided_by.eq(self.actor()),
                f::reason.eq(verdict.grounds.reason()),
                f::reason_fields.eq(verdict.grounds.fields()),
                f::tag_confidential.eq(tag),
                f::updated_at.eq(self.now()),
            ))
            .execute(self.db)?;
        let mut open = changed(&known.facts, &facts);
        open.insert("status".into(), json!({ "from": known.status, "to": verdict.ruling }));
        let change = Change::of(Noun::FollowUp, known.id, kind).open(open).sealed(sealed);
        self.note_record(action, &known.reference, change.because(verdict.grounds.reason()));
        Ok(())
    }
}

pub(super) const ROOM: Room = Room { candidates: Some(candidates), near, tasks };

/// What the State typed, and why it came back, is its own to open.
fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let of = r.follow_up_get(reference)?.ok_or(Error::NotFound)?;
    let answered = of.offered.map(|_| of.facts.state.as_str());
    let facts = access(viewer, &of.target()).to_submission(viewer, answered);
    let mut all = vec![Candidate::of(Noun::FollowUp, of.id, format!("follow-ups/{}", of.reference), facts)];
    if viewer.state.is_some() {
        all = r.typed(viewer, of.id, all)?;
    }
    Ok((all, Some(of.mission)))
}

fn near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String)> = f::table
        .inner_join(case_file::table.on(case_file::reference.eq(f::case_reference)))
        .filter(case_file::id.eq_any(&around.cases))
        .select((f::id, f::reference))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, reference)| (id, format!("follow-ups/{reference}"))).collect())
}

/// An answer waits for an officer; what is overdue waits for the mission and the Secretariat; what is not answered, for the State.
fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    let today = r.now().date();
    let rows: Vec<FollowUpRow> = follow_up_seen(r.scope)
        .filter(f::reply_status.eq(ReplyStatus::Awaited.code()))
        .order((f::sent_on, f::reference))
        .limit(MOST)
        .select(FollowUpRow::as_select())
        .load(r.db)?;
    let decides = authorize(viewer, Action::Decide).is_ok();
    let mut tasks = Vec::new();
    for row in rows {
        let offered_at = row.offered_at;
        for one in r.follow_ups_as_seen(vec![row])? {
            let waits = one.status == Some(SubmissionStatus::Proposed);
            let answers = authorize(viewer, Action::Propose { state: &one.facts.state }).is_ok();
            let kind = match (waits, viewer.is_inside()) {
                (true, _) if decides => TaskKind::Decide,
                (false, true) if one.facts.is_overdue(today) => TaskKind::Remind,
                (false, false) if answers => TaskKind::Answer,
                _ => continue,
            };
            let since = if waits { offered_at.unwrap_or(one.created_at) } else { one.created_at };
            let record = format!("follow-ups/{}", one.reference);
            tasks.push(Task { kind, record, since, due_on: one.facts.due_on });
        }
    }
    Ok(tasks)
}
