//! Proceedings with their accused and steps.

mod read;
mod room;
mod seen;
mod step;
mod verdict;
mod write;

pub(in crate::store) use read::AccusedRow;
pub(super) use room::{ACCUSED, ROOM, STEP};
pub use seen::Seals;

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use seal::Plain;

use super::SealedInput;
use super::case::cases_concerning;
use super::db::schema::{case_file, proceeding, proceeding_case};
use super::db::{Db, Id};
use crate::domain::{
    AsOf, Code, Exit, Forum, Obstacle, Outcome, PartialDate, ProceedingFacts, Progress, Reason, Returned, Sentence,
    Stage, Step, StepKind, SubmissionStatus, progress, roll_up,
};
use crate::policy::{Scope, Target};

/// A proceeding, as a scope sees it.
#[derive(Debug, Clone)]
pub struct Proceeding {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// Open facts.
    pub facts: ProceedingFacts,
    /// Furthest stage.
    pub stage_furthest: Stage,
    /// Present stage or exit, as code.
    pub stage_current: String,
    /// Random tags: confidential, strictly confidential.
    pub tags: [Vec<u8>; 2],
    /// Whether it counts, and concerns anybody: once another officer accepted it.
    pub status: SubmissionStatus,
    /// Who recorded it.
    pub recorded_by: Id,
    /// The State that recorded it, if one did.
    pub submitted_state: Option<String>,
    /// When it was accepted or returned (UTC).
    pub decided_at: Option<NaiveDateTime>,
    /// Why it was returned or withdrawn, or another officer asks that it be.
    pub returned: Option<Returned>,
    /// Who asks that it be withdrawn, once it was accepted.
    pub withdrawal_by: Option<Id>,
    /// When it was withdrawn after it had been accepted (UTC).
    pub withdrawn_at: Option<NaiveDateTime>,
    /// When it was recorded (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
    /// When the viewer's State ceased to get what is newer; `None` for everybody else.
    pub frozen_at: Option<NaiveDateTime>,
}

impl Proceeding {
    /// Who stands near it, where these missions' cases are served. What a State submitted is its own until it is accepted: nobody else types in it
    /// before, and why it came back is told with what it became.
    pub fn target<'a>(&'a self, missions: &'a [String]) -> Target<'a> {
        let submitted_by = self.submitted_state.as_deref().filter(|_| self.status != SubmissionStatus::Accepted);
        Target {
            missions,
            proceeding: Some(&self.facts.state),
            submitted_by,
            typed_by: submitted_by.filter(|_| self.withdrawn_at.is_none()),
            under_review: self.frozen_at.is_some(),
            ..Target::default()
        }
    }
}

/// What a list of proceedings is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct ProceedingFilter {
    /// State.
    pub state: Option<String>,
    /// Forum.
    pub forum: Option<Forum>,
    /// Furthest stage.
    pub stage: Option<Stage>,
    /// Reference of a case that it serves.
    pub case: Option<String>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
    /// Reference of an incident of a case that it serves.
    pub incident: Option<String>,
    /// Opened on or after.
    pub from: Option<NaiveDate>,
    /// Opened on or before.
    pub to: Option<NaiveDate>,
    /// Whether it is accepted.
    pub status: Option<SubmissionStatus>,
}

/// An accused within a proceeding.
#[derive(Debug, Clone)]
pub struct Accused {
    /// Permanent id: what its sealed values hang below.
    pub id: Id,
    /// Random handle: numbers would count the hidden.
    pub handle: String,
    /// Place in the order of recording, from 1: what steps refer to. Shown to nobody.
    pub number: i32,
    /// Whether it counts: once another officer accepted it.
    pub status: SubmissionStatus,
    /// Why it was returned or withdrawn, or somebody asks that it be.
    pub returned: Option<Returned>,
    /// Who asks that it be withdrawn, though it was accepted.
    pub withdrawal_by: Option<Id>,
    /// The State that submitted it, if one did.
    pub submitted_state: Option<String>,
    /// Where the accused stands.
    pub progress: Progress,
    /// Last sentence.
    pub sentence: Option<Sentence>,
    /// References of the incidents, as far as the scope sees them.
    pub incidents: Vec<String>,
}

/// An accused to be added.
#[derive(Debug)]
pub struct NewAccused {
    /// References of incidents that the accused is linked to.
    pub incidents: Vec<String>,
    /// Sealed fields.
    pub sealed: SealedInput,
}

/// A step as stored.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// Random handle.
    pub handle: String,
    /// What happened; `recorded_at` is when it was submitted, until it is accepted.
    pub step: Step,
    /// Handle of the accused; of none for the proceeding as a whole.
    pub accused: Option<String>,
    /// Length of a sentence, months.
    pub sentence_months: Option<i32>,
    /// New date of a postponed hearing.
    pub postponed_to: Option<NaiveDate>,
    /// Public source.
    pub source_url: Option<String>,
    /// Whether it is part of the record.
    pub status: SubmissionStatus,
    /// The State that submitted it, if one did.
    pub submitted_state: Option<String>,
    /// Why it was returned, withdrawn or replaced, or somebody asks that it be withdrawn.
    pub returned: Option<Returned>,
    /// Who asks that it be withdrawn, though it was accepted.
    pub withdrawal_by: Option<Id>,
    /// Handle of the step whose place it takes once it is accepted, as far as the scope sees it.
    pub corrects: Option<String>,
    /// Handle of the step that took its place, as far as the scope sees it.
    pub replaced_by: Option<String>,
    pub(super) corrects_id: Option<Id>,
    /// Why it corrects the other.
    pub correction_reason: Option<Reason>,
    /// Permanent id: what its notes hang below.
    pub id: Id,
}

/// What a step corrects, and why.
#[derive(Debug, Clone)]
pub struct Correction {
    /// Handle of the step whose place it takes.
    pub step: String,
    /// Why.
    pub reason: Reason,
    /// Why, in words, which are sealed.
    pub note: Option<Plain>,
}

/// A step to be recorded or proposed.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// What it is.
    pub kind: StepKind,
    /// Place of the accused in the order of recording.
    pub accused: Option<i32>,
    /// When.
    pub happened: PartialDate,
    /// Stage reached.
    pub stage: Option<Stage>,
    /// Outcome of a judgement.
    pub outcome: Option<Outcome>,
    /// Exit.
    pub exit: Option<Exit>,
    /// Sentence.
    pub sentence: Option<Sentence>,
    /// Length of a sentence, months.
    pub sentence_months: Option<i32>,
    /// Why a hearing was postponed.
    pub obstacle: Option<Obstacle>,
    /// Its new date.
    pub postponed_to: Option<NaiveDate>,
    /// Public source.
    pub source_url: Option<String>,
    /// The step that it corrects, if it corrects one.
    pub corrects: Option<Correction>,
}

impl NewStep {
    /// A step of which no more is known than what it is, whom it is about and when it happened.
    pub fn of(kind: StepKind, accused: Option<i32>, happened: PartialDate) -> Self {
        Self {
            kind,
            accused,
            happened,
            stage: None,
            outcome: None,
            exit: None,
            sentence: None,
            sentence_months: None,
            obstacle: None,
            postponed_to: None,
            source_url: None,
            corrects: None,
        }
    }
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// The proceedings that a scope sees: to mission and Secretariat those that nobody accepted yet, too; to a State those of its own and those that
/// serve a case with an incident that it sees, once they were accepted, also where they are withdrawn now; and what it submitted itself.
pub(in crate::store) fn proceeding_seen(scope: &Scope) -> proceeding::BoxedQuery<'static, Backend> {
    let query = proceeding::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Nothing => query.filter(proceeding::reference.eq("")),
        Scope::Missions(missions) => query.filter(
            proceeding::id.eq_any(
                proceeding_case::table
                    .inner_join(case_file::table.on(case_file::id.eq(proceeding_case::case_id)))
                    .filter(case_file::mission.eq_any(missions.clone()))
                    .select(proceeding_case::proceeding_id),
            ),
        ),
        Scope::State(state) => {
            let serving = proceeding_case::table
                .filter(proceeding_case::case_id.eq_any(cases_concerning(state.clone())))
                .select(proceeding_case::proceeding_id);
            let accepted =
                proceeding::status.eq(SubmissionStatus::Accepted.code()).or(proceeding::withdrawn_at.is_not_null());
            let submitted = proceeding::submitted_state.assume_not_null().eq(state.clone());
            query.filter(
                accepted
                    .and(proceeding::state.eq(state.clone()).or(proceeding::id.eq_any(serving)))
                    .or(proceeding::submitted_state.is_not_null().and(submitted)),
            )
        }
    }
}

/// Of those, what figures count: what another officer accepted.
pub(in crate::store) fn proceeding_counted(scope: &Scope) -> proceeding::BoxedQuery<'static, Backend> {
    proceeding_seen(scope).filter(proceeding::status.eq(SubmissionStatus::Accepted.code()))
}

/// The lines of a proceeding: its own, and one for each accused that has a step.
fn lines(steps: &[Step]) -> Vec<(Option<i32>, Progress)> {
    let mut numbers: Vec<Option<i32>> = steps.iter().map(|step| step.accused).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|accused| (accused, progress(steps, accused, AsOf::NOW))).collect()
}

/// A proceeding's progress out of its steps.
pub(super) fn whole(steps: &[Step]) -> Progress {
    let lines: Vec<Progress> = lines(steps).into_iter().map(|(_, line)| line).collect();
    roll_up(&lines)
}

/// Whether an outcome was reached while the accused was absent.
const fn in_absentia(progress: &Progress) -> bool {
    matches!(progress.outcome, Outcome::ConvictedInAbsentia)
}

/// Whether a step counts.
fn is_accepted(record: &StepRecord) -> bool {
    record.status == SubmissionStatus::Accepted
}
