//! What of proceedings a disclosure opens, and where a person may be named.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Proceeding, proceeding_seen};
use crate::domain::{Code as _, Noun, SubmissionStatus, TaskKind};
use crate::policy::{Action, Viewer, access, authorize};
use crate::store::candidate::{Candidate, Candidates, Room, Surroundings};
use crate::store::db::Id;
use crate::store::db::schema::{accused, proceeding, step};
use crate::store::task::{Asked, MOST, Task, withdrawals};
use crate::store::{Error, Read, Result};

pub(in crate::store) const ROOM: Room = Room { candidates: Some(candidates), near, tasks };
/// Accused are opened with their proceeding.
pub(in crate::store) const ACCUSED: Room = Room { near: accused_near, tasks: accused_tasks, ..Room::PART };
/// Steps are opened with their proceeding.
pub(in crate::store) const STEP: Room = Room { near: step_near, tasks: step_tasks, ..Room::PART };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let of = r.proceeding_get(reference)?.ok_or(Error::NotFound)?;
    let missions = r.proceeding_missions(&of)?;
    let mut facts = access(viewer, &of.target(&missions));
    facts.under_review = facts.under_review || r.is_contested(&of)?;
    let path = format!("proceedings/{}", of.reference);
    let mut all = vec![Candidate::of(Noun::Proceeding, of.id, path.clone(), facts)];
    for one in r.accused_list(&of)? {
        let facts = facts.to_submission(viewer, one.submitted_state.as_deref());
        all.push(Candidate::of(Noun::Accused, one.id, format!("{path}/accused/{}", one.handle), facts));
    }
    for one in r.step_list(&of)? {
        let facts = facts.to_submission(viewer, one.submitted_state.as_deref());
        all.push(Candidate::of(Noun::Step, one.id, format!("{path}/steps/{}", one.handle), facts));
    }
    if viewer.state.is_some() {
        all = r.typed(viewer, of.id, all)?;
    }
    Ok((all, missions.into_iter().next()))
}

impl Read<'_> {
    /// Whether a State sees an incident behind a proceeding that is looked at again: then its seals are under review to it, so that a
    /// withholding does not announce itself here either.
    fn is_contested(&mut self, of: &Proceeding) -> Result<bool> {
        if self.scope.state().is_none() {
            return Ok(false);
        }
        for case in self.proceeding_cases(of)? {
            for incident in self.case_incidents(&case, SubmissionStatus::Accepted)? {
                if self.is_disputed(&incident)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String)> = proceeding::table
        .filter(proceeding::id.eq_any(&around.proceedings))
        .select((proceeding::id, proceeding::reference))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, reference)| (id, format!("proceedings/{reference}"))).collect())
}

fn accused_near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String, String)> = accused::table
        .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
        .filter(proceeding::id.eq_any(&around.proceedings))
        .select((accused::id, proceeding::reference, accused::handle))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, of, handle)| (id, format!("proceedings/{of}/accused/{handle}"))).collect())
}

fn step_near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String, String)> = step::table
        .inner_join(proceeding::table.on(proceeding::id.eq(step::proceeding_id)))
        .filter(proceeding::id.eq_any(&around.proceedings))
        .select((step::id, proceeding::reference, step::handle))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, of, handle)| (id, format!("proceedings/{of}/steps/{handle}"))).collect())
}

/// A task for an officer, of each of these proposals that somebody else made.
fn to_decide(viewer: &Viewer, rows: Vec<(String, NaiveDateTime, Option<Id>)>) -> Vec<Task> {
    let others = rows.into_iter().filter(|(_, _, by)| *by != Some(Id(viewer.account)));
    others.map(|(record, since, _)| Task { kind: TaskKind::Decide, record, since, due_on: None }).collect()
}

fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, NaiveDateTime, Id)> = proceeding_seen(r.scope)
        .filter(proceeding::status.eq(SubmissionStatus::Proposed.code()))
        .order(proceeding::created_at)
        .limit(MOST)
        .select((proceeding::reference, proceeding::created_at, proceeding::created_by))
        .load(r.db)?;
    let rows = rows.into_iter().map(|(of, since, by)| (format!("proceedings/{of}"), since, Some(by)));
    let mut tasks = to_decide(viewer, rows.collect());
    let asked: Vec<(Id, String)> = proceeding_seen(r.scope)
        .filter(proceeding::status.eq(SubmissionStatus::Accepted.code()))
        .filter(proceeding::withdrawal_by.ne(Id(viewer.account)))
        .limit(MOST)
        .select((proceeding::id, proceeding::reference))
        .load(r.db)?;
    tasks.extend(withdrawals(
        r,
        asked.into_iter().map(|(id, of)| Asked { id, root: id, record: format!("proceedings/{of}") }).collect(),
    )?);
    Ok(tasks)
}

fn accused_tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    // Those of a proceeding that waits itself are accepted with it.
    let rows: Vec<(String, String, NaiveDateTime, Option<Id>)> = accused::table
        .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
        .filter(accused::status.eq(SubmissionStatus::Proposed.code()))
        .filter(proceeding::status.eq(SubmissionStatus::Accepted.code()))
        .order(accused::recorded_at)
        .limit(MOST)
        .select((proceeding::reference, accused::handle, accused::recorded_at, accused::submitted_by))
        .load(r.db)?;
    let path = |(of, handle, since, by)| (format!("proceedings/{of}/accused/{handle}"), since, by);
    let mut tasks = to_decide(viewer, rows.into_iter().map(path).collect());
    let asked: Vec<(Id, Id, String, String)> = accused::table
        .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
        .filter(accused::status.eq(SubmissionStatus::Accepted.code()))
        .filter(accused::withdrawal_by.ne(Id(viewer.account)))
        .limit(MOST)
        .select((accused::id, proceeding::id, proceeding::reference, accused::handle))
        .load(r.db)?;
    let path = |(id, root, of, handle)| Asked { id, root, record: format!("proceedings/{of}/accused/{handle}") };
    tasks.extend(withdrawals(r, asked.into_iter().map(path).collect())?);
    Ok(tasks)
}

fn step_tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    if authorize(viewer, Action::Decide).is_err() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, String, NaiveDateTime, Id)> = step::table
        .inner_join(proceeding::table.on(proceeding::id.eq(step::proceeding_id)))
        .filter(step::status.eq(SubmissionStatus::Proposed.code()))
        .order(step::submitted_at)
        .limit(MOST)
        .select((proceeding::reference, step::handle, step::submitted_at, step::submitted_by))
        .load(r.db)?;
    let path = |(of, handle, since, by)| (format!("proceedings/{of}/steps/{handle}"), since, Some(by));
    let mut tasks = to_decide(viewer, rows.into_iter().map(path).collect());
    let asked: Vec<(Id, Id, String, String)> = step::table
        .inner_join(proceeding::table.on(proceeding::id.eq(step::proceeding_id)))
        .filter(step::status.eq(SubmissionStatus::Accepted.code()))
        .filter(step::withdrawal_by.ne(Id(viewer.account)))
        .limit(MOST)
        .select((step::id, proceeding::id, proceeding::reference, step::handle))
        .load(r.db)?;
    let path = |(id, root, of, handle)| Asked { id, root, record: format!("proceedings/{of}/steps/{handle}") };
    tasks.extend(withdrawals(r, asked.into_iter().map(path).collect())?);
    Ok(tasks)
}
