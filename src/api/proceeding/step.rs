//! The dated steps of a proceeding, also those that a State proposes.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use std::collections::HashSet;

use super::may_add;
use super::view::show;
use crate::api::call::{Call, Made, Shown, last_part, read_reference};
use crate::api::decision::{DecisionInput, decide, reasons};
use crate::api::input::{self, InputReader};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{
    Exit, FieldReason, Noun, Obstacle, Outcome, Precision, Reason, Sentence, Stage, StepKind, SubmissionStatus,
};
use crate::policy::{AccessContext, Viewer};
use crate::store::{Error, Id, NewStep, Read, Result as StoreResult, StepRecord};

/// One dated event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Random handle.
    handle: String,
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

/// What is shown of a step.
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

/// The steps of a proceeding.
#[derive(Serialize, ToSchema)]
pub struct StepPage {
    items: Vec<StepView>,
}

/// A step to be recorded, or, by a State, proposed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `step` reads the body")]
#[schema(example = json!({"kind": "judgement", "accused": "3F8K2A", "happened_on": "2023-01-24", "stage": "first_judgement", "outcome": "convicted"}))]
pub struct StepInput {
    /// Required.
    kind: Option<StepKind>,
    /// Handle of the accused; absent for the proceeding as a whole.
    accused: Option<String>,
    /// Required; a hearing may lie ahead.
    happened_on: Option<NaiveDate>,
    /// `day` if absent.
    happened_on_precision: Option<Precision>,
    /// Required for `stage_reached`.
    stage: Option<Stage>,
    /// Required for `judgement`.
    outcome: Option<Outcome>,
    /// Required for `exit`.
    exit: Option<Exit>,
    /// Required for `sentence`.
    sentence: Option<Sentence>,
    /// Months.
    sentence_months: Option<i32>,
    /// Why a hearing was postponed.
    obstacle: Option<Obstacle>,
    /// Its new date.
    postponed_to: Option<NaiveDate>,
    /// Public source.
    source_url: Option<String>,
}

/// A step, and the handle of its accused.
fn step(input: &mut InputReader<'_>) -> Option<(NewStep, Option<String>)> {
    let kind = input.required("kind", None, input::code::<StepKind>());
    let accused = input.optional("accused", None, input::text(20));
    let happened = input.partial_date("happened_on", None);
    let ahead = matches!(kind, Some(StepKind::Hearing));
    if !ahead && happened.is_some_and(|on| on.is_future(input.context.now)) {
        input.fault("happened_on", "must not be in the future");
    }
    let stage = input.optional("stage", None, input::code());
    let outcome = input.optional("outcome", None, input::code());
    let exit = input.optional("exit", None, input::code());
    let sentence = input.optional("sentence", None, input::code());
    let lacking = match kind {
        Some(StepKind::StageReached) if stage.is_none() => Some("stage"),
        Some(StepKind::Judgement) if outcome.is_none() => Some("outcome"),
        Some(StepKind::Exit) if exit.is_none() => Some("exit"),
        Some(StepKind::Sentence) if sentence.is_none() => Some("sentence"),
        _ => None,
    };
    if let Some(name) = lacking {
        input.fault(name, "required for this kind of step");
    }
    if matches!(kind, Some(StepKind::Judgement | StepKind::Sentence)) && accused.is_none() {
        input.fault("accused", "required for a judgement or a sentence: give the handle of the accused");
    }
    let sentence_months = input.optional("sentence_months", None, input::integer(0, 12_000));
    let obstacle = input.optional("obstacle", None, input::code());
    let postponed_to = input.optional("postponed_to", None, input::date());
    let source_url = input.optional("source_url", None, input::url());
    let step = NewStep {
        kind: kind?,
        accused: None,
        happened: happened?,
        stage,
        outcome,
        exit,
        sentence,
        sentence_months,
        obstacle,
        postponed_to,
        source_url,
    };
    Some((step, accused))
}

/// Lists the steps that you may know of, in the order in which they happened.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = StepPage), NotModified, Problems))]
#[get("/proceedings/{reference}/steps")]
pub(super) async fn step_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(Noun::Proceeding, &path)?;
    let items = call
        .read(move |viewer, r| {
            let Shown { body, .. } = show(viewer, r, &reference)?;
            Ok(body.steps.unwrap_or_default())
        })
        .await?;
    call.one(&Shown::plain(StepPage { items }))
}

fn step_show(viewer: &Viewer, r: &mut Read<'_>, target: &str) -> StoreResult<Shown<StepView>> {
    let Shown { body, .. } = show(viewer, r, target.split('/').nth(1).unwrap_or(""))?;
    let found = body.steps.unwrap_or_default().into_iter().find(|step| step.handle == last_part(target));
    Ok(Shown::plain(found.ok_or(Error::NotFound)?))
}

/// Records a step. A State proposes one in its own proceeding: it does not count until an officer accepts it.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = StepInput,
    responses((status = 201, body = StepView), Problems)
)]
#[post("/proceedings/{reference}/steps")]
pub(super) async fn step_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Proceeding, &path)?;
    let (new, about) = call.body(&body, step).await?;
    call.post(
        &body,
        move |viewer, w| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_add(viewer, w, &of)?;
            let accused = about.as_ref().map(|handle| w.accused_place(&of, handle)).transpose()?;
            let handle = w.step_create(&of, &NewStep { accused, ..new.clone() })?;
            Ok(Made::child(format!("proceedings/{reference}/steps/{handle}")))
        },
        step_show,
    )
    .await
}

/// Accepts or returns a step that a State proposed (Secretariat).
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = StepView), Problems)
)]
#[post("/proceedings/{reference}/steps/{handle}/decision")]
pub(super) async fn step_decide(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path.into_inner();
    let reference = read_reference(Noun::Proceeding, &reference)?;
    let target = format!("proceedings/{reference}/steps/{handle}");
    decide(
        &call,
        &body,
        target,
        move |w| w.proceeding_get(&reference)?.ok_or(Error::NotFound),
        move |w, of, verdict| w.step_decide(of, &handle, verdict),
        step_show,
    )
    .await
}
