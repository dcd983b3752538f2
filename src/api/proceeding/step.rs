//! The dated steps of a proceeding, also those that a State proposes.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::may_add;
use super::view::show;
use crate::api::call::{Call, Shown};
use crate::api::child::{self, Child, Decided, ListOf};
use crate::api::confirm::Confirmed;
use crate::api::decision::{DecisionInput, reasons};
use crate::api::disclosure::note;
use crate::api::input::{self, InputReader, Reader as _};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::api::resource::Reading;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{
    Exit, Fault, FieldReason, Noun, Obstacle, Oddity, Outcome, Precision, Reason, Sentence, Stage, Step, StepKind,
    SubmissionStatus,
};
use crate::policy::{AccessContext, Viewer};
use crate::store::{Correction, Id, NewStep, Proceeding, Read, Result as StoreResult, StepRecord, Verdict, Write};

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
    /// Why it was returned, withdrawn or replaced.
    reason: Option<Reason>,
    /// Why, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words.
    reason_note: Withheld,
    /// Why somebody asks that it be withdrawn, though it was accepted (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawal_proposed: Option<Reason>,
    /// Handle of the step whose place it takes once it is accepted.
    corrects: Option<String>,
    /// Why it corrects that step.
    correction_reason: Option<Reason>,
    /// Why, in words.
    correction_note: Withheld,
    /// Handle of the step that took its place.
    replaced_by: Option<String>,
    /// When it ceased to be part of the record: it was withdrawn, or another step took its place.
    ended_at: Option<DateTime<Utc>>,
    /// When it became part of the record; of a proposal, when it was submitted.
    recorded_at: DateTime<Utc>,
}

pub(super) fn view(
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
        withdrawal_by,
        corrects,
        replaced_by,
        correction_reason,
        id,
        ..
    } = record;
    let facts = facts.to_submission(viewer, submitted_state.as_deref());
    let markers = Markers { noun: Noun::Step, viewer, facts, holder: id, held };
    let (reason, reason_fields) = reasons(returned);
    let Step { kind, accused: _, happened, recorded_at, ended_at, stage, outcome, exit, sentence, obstacle } = step;
    let asked = withdrawal_by.is_some() && status == SubmissionStatus::Accepted;
    let (withdrawal_proposed, reason) = if asked { (reason, None) } else { (None, reason) };
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
        withdrawal_proposed,
        corrects,
        correction_reason,
        correction_note: markers.of("correction_note"),
        replaced_by,
        ended_at: ended_at.map(|at| at.and_utc()),
        recorded_at: recorded_at.and_utc(),
    }
}

/// Steps, as children of a proceeding.
struct Steps;

impl Child for Steps {
    const OF: Noun = Noun::Proceeding;
    const PATH: &'static str = "steps";
    const NAME: &'static str = "Step";
    type Parent = Proceeding;
    type Record = StepRecord;
    /// A step, the handle of its accused, and what is confirmed of it.
    type New = (NewStep, Option<String>, Confirmed);
    type View = StepView;

    fn example() -> serde_json::Value {
        json!({"kind": "judgement", "accused": "3F8K2A", "happened_on": "2023-01-24", "stage": "first_judgement", "outcome": "convicted"})
    }

    fn read_new(input: &mut InputReader<'_>, _: Option<&StepRecord>) -> Option<Self::New> {
        let kind = input.required("kind", None, input::code::<StepKind>().about("Required."));
        let accused = input.optional(
            "accused",
            None,
            input::text(20).about("Handle of the accused; absent for the proceeding as a whole."),
        );
        let happened = input.partial_date("happened_on", None);
        let ahead = matches!(kind, Some(StepKind::Hearing));
        if !ahead && happened.is_some_and(|on| on.is_future(input.context.now)) {
            input.fault("happened_on", "must not be in the future");
        }
        let stage = input.optional("stage", None, input::code().about("Required for `stage_reached`."));
        let outcome = input.optional("outcome", None, input::code().about("Required for `judgement`."));
        let exit = input.optional("exit", None, input::code().about("Required for `exit`."));
        let sentence = input.optional("sentence", None, input::code().about("Required for `sentence`."));
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
        let sentence_months = input.optional("sentence_months", None, input::integer(0, 12_000).about("Months."));
        let obstacle = input.optional("obstacle", None, input::code().about("Why a hearing was postponed."));
        let postponed_to = input.optional("postponed_to", None, input::date().about("Its new date."));
        let source_url = input.optional("source_url", None, input::url().about("Public source."));
        let corrects = input.optional(
            "corrects",
            None,
            input::text(20).about("Handle of an accepted step whose place this one takes when it is accepted."),
        );
        let reason = input.optional("correction_reason", None, input::code().about("Why; required with `corrects`."));
        let note = input.optional("correction_note", None, note.about("Why, in words: sealed, confidential."));
        if corrects.is_some() && reason.is_none() {
            input.fault("correction_reason", "required with corrects");
        }
        if corrects.is_none() && (reason.is_some() || note.is_some()) {
            input.fault("corrects", "required with correction_reason or correction_note");
        }
        let confirmed = Confirmed::of(input);
        let corrects = corrects.zip(reason).map(|(step, reason)| Correction { step, reason, note });
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
            corrects,
        };
        Some((step, accused, confirmed))
    }

    fn parent(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Proceeding>> {
        r.proceeding_get(reference)
    }

    fn all(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<StepView>>> {
        let Shown { body, tags } = show(viewer, r, reference)?;
        Ok(Shown { body: body.steps.unwrap_or_default(), tags })
    }

    fn handle(view: &StepView) -> &str {
        &view.handle
    }

    fn may_create(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
        may_add(viewer, w, of)
    }

    fn create(w: &mut Write<'_>, of: &Proceeding, (new, accused, confirmed): &Self::New) -> StoreResult<String> {
        let opened = of.facts.opened();
        let odd = new.happened.last() < opened.first();
        let detail = || format!("the proceeding was opened on {opened}");
        let odd = odd.then(|| Fault::odd("/happened_on", Oddity::BeforeProceeding, detail()));
        confirmed.of_all(odd.into_iter().collect())?;
        let accused = accused.as_ref().map(|handle| w.accused_place(of, handle)).transpose()?;
        w.step_create(of, &NewStep { accused, ..new.clone() })
    }
}

impl Decided for Steps {
    fn decide(w: &mut Write<'_>, of: &Proceeding, handle: &str, verdict: &Verdict) -> StoreResult<()> {
        w.step_decide(of, handle, verdict)
    }
}

type StepList = ListOf<StepView>;
type StepInput = child::New<Steps>;

/// Lists the steps that you may know of, in the order in which they happened.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path), Reading), responses((status = 200, body = StepList), NotModified, Problems))]
#[get("/proceedings/{reference}/steps")]
pub(super) async fn step_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    child::list::<Steps>(call, &path).await
}

/// Shows one step.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), Reading),
    responses((status = 200, body = StepView), NotModified, Problems)
)]
#[get("/proceedings/{reference}/steps/{handle}")]
pub(super) async fn step_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    child::get::<Steps>(call, path.into_inner()).await
}

/// Records a step, or corrects one (`corrects`). What a State submits, and a judgement, sentence, appeal or exit by anybody, does not count until
/// another officer accepts it.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = StepInput,
    responses((status = 201, body = StepView), Problems)
)]
#[post("/proceedings/{reference}/steps")]
pub(super) async fn step_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    child::create::<Steps>(call, &path, body).await
}

/// Accepts or returns a step that was proposed (Secretariat), or withdraws a step. A step with an outcome that was accepted is withdrawn by two.
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
    child::decide::<Steps>(call, path.into_inner(), body).await
}
