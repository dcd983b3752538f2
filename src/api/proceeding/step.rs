//! The dated steps of a proceeding, also those that a State proposes.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::may_add;
use super::parts::StepView;
use super::view::show;
use crate::api::call::{Call, Made, Shown, last_part, read_reference};
use crate::api::decision::{DecisionInput, decide};
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::domain::{Noun, StepKind};
use crate::policy::Viewer;
use crate::store::{Error, NewStep, Read, Result as StoreResult};

/// What is shown of a step.
/// The steps of a proceeding.
#[derive(Serialize, ToSchema)]
pub struct StepPage {
    items: Vec<StepView>,
}

describe::input!(
    /// A step to be recorded, or, by a State, proposed.
    StepInput,
    "A step to be recorded, or, by a State, proposed.",
    step,
    {"kind": "judgement", "accused": "3F8K2A", "happened_on": "2023-01-24", "stage": "first_judgement", "outcome": "convicted"}
);

/// A step, and the handle of its accused.
fn step(input: &mut InputReader<'_>) -> Option<(NewStep, Option<String>)> {
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
