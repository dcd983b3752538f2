//! What is shown of accused and steps.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::decision::reasons;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{
    Detention, Exit, FieldReason, Noun, Obstacle, Outcome, Precision, Reason, Sentence, Stage, StepKind,
    SubmissionStatus,
};
use crate::policy::{AccessContext, Viewer};
use crate::store::{Accused, Id, StepRecord};

/// An accused, by handle.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccusedView {
    /// Random handle.
    pub(super) handle: String,
    /// Whether it counts: once another officer accepted it, or the proceeding with it.
    status: SubmissionStatus,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words.
    reason_note: Withheld,
    /// Furthest stage.
    stage_furthest: Stage,
    /// Present stage, or exit.
    stage_current: String,
    /// Outcome.
    outcome: Outcome,
    /// Whether convicted while absent.
    in_absentia: bool,
    /// Whether held.
    detention: Detention,
    /// Last sentence.
    sentence: Option<Sentence>,
    /// References of incidents that you may know of.
    incidents: Vec<String>,
    notes: Withheld,
    name: Withheld,
    identifiers: Withheld,
}

pub(super) fn accused_view(
    viewer: &Viewer,
    facts: AccessContext,
    accused: Accused,
    held: Option<&HashSet<(Id, u16)>>,
) -> AccusedView {
    let facts = facts.to_submission(viewer, accused.submitted_state.as_deref());
    let markers = Markers { noun: Noun::Accused, viewer, facts, holder: accused.id, held };
    let progress = accused.progress;
    let (reason, reason_fields) = reasons(accused.returned);
    AccusedView {
        handle: accused.handle,
        status: accused.status,
        reason,
        reason_fields,
        reason_note: markers.of("reason_note"),
        stage_furthest: progress.furthest,
        stage_current: progress.current.code().to_owned(),
        outcome: progress.outcome,
        in_absentia: progress.outcome == Outcome::ConvictedInAbsentia,
        detention: progress.detention,
        sentence: accused.sentence,
        notes: markers.of("notes"),
        name: markers.of("name"),
        identifiers: markers.of("identifiers"),
        incidents: accused.incidents,
    }
}

/// One dated event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Random handle.
    pub(super) handle: String,
    /// What it is.
    kind: StepKind,
    /// Handle of the accused; null for the proceeding as a whole.
    accused: Option<String>,
    /// When it happened.
    happened_on: NaiveDate,
    /// How exactly that is known.
    happened_on_precision: Precision,
    /// Stage reached.
    stage: Option<Stage>,
    /// Outcome of a judgement.
    outcome: Option<Outcome>,
    /// Exit.
    exit: Option<Exit>,
    /// Sentence.
    sentence: Option<Sentence>,
    /// Length of a sentence, months.
    sentence_months: Option<i32>,
    /// Why a hearing was postponed.
    obstacle: Option<Obstacle>,
    /// Its new date.
    postponed_to: Option<NaiveDate>,
    /// Public source.
    source_url: Option<String>,
    /// Whether it is part of the record.
    status: SubmissionStatus,
    /// The State that submitted it.
    submitted_by_state: Option<String>,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words.
    reason_note: Withheld,
    /// When it became part of the record; of a proposal, when it was submitted.
    recorded_at: DateTime<Utc>,
}

pub(super) fn step_view(
    viewer: &Viewer,
    facts: AccessContext,
    record: StepRecord,
    held: Option<&HashSet<(Id, u16)>>,
) -> StepView {
    let StepRecord {
        handle,
        step,
        accused,
        sentence_months,
        postponed_to,
        source_url,
        status,
        submitted_state,
        returned,
        id,
    } = record;
    let facts = facts.to_submission(viewer, submitted_state.as_deref());
    let markers = Markers { noun: Noun::Step, viewer, facts, holder: id, held };
    let (reason, reason_fields) = reasons(returned);
    let crate::domain::Step { kind, accused: _, happened, recorded_at, stage, outcome, exit, sentence, obstacle } =
        step;
    StepView {
        handle,
        kind,
        accused,
        happened_on: happened.first(),
        happened_on_precision: happened.precision(),
        stage,
        outcome,
        exit,
        sentence,
        sentence_months,
        obstacle,
        postponed_to,
        source_url,
        status,
        submitted_by_state: submitted_state,
        reason,
        reason_fields,
        reason_note: markers.of("reason_note"),
        recorded_at: recorded_at.and_utc(),
    }
}
