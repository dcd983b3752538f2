//! The accused of a proceeding, by handle.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::view::show;
use super::{may_add, may_work};
use crate::api::call::{Call, Shown};
use crate::api::child::{self, Child, Decided, Edited, ListOf};
use crate::api::decision::{DecisionInput, reasons};
use crate::api::input::{self, InputReader, Reader as _};
use crate::api::problem::{NotModified, Preconditions, Problem, Problems};
use crate::api::resource::Reading;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{Detention, FieldReason, Noun, Outcome, Reason, Sentence, Stage, SubmissionStatus};
use crate::policy::{AccessContext, Viewer};
use crate::store::{Accused, Id, NewAccused, Proceeding, Read, Result as StoreResult, Verdict, Write};

/// An accused, by handle.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccusedView {
    /// Random handle.
    handle: String,
    /// Whether it counts: once another officer accepted it, or the proceeding with it.
    status: SubmissionStatus,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why, field by field.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words.
    reason_note: Withheld,
    /// Why somebody asks that the accused be withdrawn, though accepted (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawal_proposed: Option<Reason>,
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

pub(super) fn view(
    viewer: &Viewer,
    facts: AccessContext,
    accused: Accused,
    held: Option<&HashSet<(Id, u16)>>,
) -> AccusedView {
    let facts = facts.to_submission(viewer, accused.submitted_state.as_deref());
    let markers = Markers { noun: Noun::Accused, viewer, facts, holder: accused.id, held };
    let progress = accused.progress;
    let (reason, reason_fields) = reasons(accused.returned);
    let asked = accused.withdrawal_by.is_some() && accused.status == SubmissionStatus::Accepted;
    let (withdrawal_proposed, reason) = if asked { (reason, None) } else { (None, reason) };
    AccusedView {
        handle: accused.handle,
        status: accused.status,
        reason,
        reason_fields,
        reason_note: markers.of("reason_note"),
        withdrawal_proposed,
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

/// Accused, as children of a proceeding.
struct AllAccused;

impl Child for AllAccused {
    const OF: Noun = Noun::Proceeding;
    const PATH: &'static str = "accused";
    const NAME: &'static str = "Accused";
    type Parent = Proceeding;
    type Record = Accused;
    type New = NewAccused;
    type View = AccusedView;

    fn example() -> serde_json::Value {
        json!({"incidents": ["MINUSMA-2019-7KQ4"], "name": "Made-up Name"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Accused>) -> Option<NewAccused> {
        let about = input::list_of(200, input::reference(Noun::Incident)).about("References of the incidents.");
        let incidents = match known {
            Some(known) => input.fixed("incidents", Some(known.incidents.clone()), about),
            None => input.required("incidents", Some(Vec::new()), about),
        };
        let sealed = input.sealed(Noun::Accused);
        Some(NewAccused { incidents: incidents?, sealed })
    }

    fn parent(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Proceeding>> {
        r.proceeding_get(reference)
    }

    fn all(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<AccusedView>>> {
        let Shown { body, tags } = show(viewer, r, reference)?;
        Ok(Shown { body: body.accused.unwrap_or_default(), tags })
    }

    fn handle(view: &AccusedView) -> &str {
        &view.handle
    }

    fn may_create(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
        may_add(viewer, w, of)
    }

    fn create(w: &mut Write<'_>, of: &Proceeding, new: &NewAccused) -> StoreResult<String> {
        Ok(w.accused_create(of, new)?.handle)
    }
}

impl Edited for AllAccused {
    fn may_edit(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
        may_work(viewer, w, of)
    }

    fn known(w: &mut Write<'_>, of: &Proceeding, handle: &str) -> StoreResult<Option<Accused>> {
        Ok(w.accused_list(of)?.into_iter().find(|one| one.handle == handle))
    }

    fn edit(w: &mut Write<'_>, of: &Proceeding, known: &Accused, new: &NewAccused) -> StoreResult<()> {
        w.accused_edit(of, known, &new.sealed).map(|_| ())
    }
}

impl Decided for AllAccused {
    fn decide(w: &mut Write<'_>, of: &Proceeding, handle: &str, verdict: &Verdict) -> StoreResult<()> {
        w.accused_decide(of, handle, verdict)
    }
}

type AccusedList = ListOf<AccusedView>;
type AccusedInput = child::New<AllAccused>;
type AccusedEdit = child::Edit<AllAccused>;

/// Lists the accused that you may know of, in the order of recording.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path), Reading), responses((status = 200, body = AccusedList), NotModified, Problems))]
#[get("/proceedings/{reference}/accused")]
pub(super) async fn accused_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    child::list::<AllAccused>(call, &path).await
}

/// Adds an accused under a random handle. A State proposes one in its own proceeding. The accused counts after another officer accepts.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = AccusedInput,
    responses((status = 201, body = AccusedView), Problems)
)]
#[post("/proceedings/{reference}/accused")]
pub(super) async fn accused_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    child::create::<AllAccused>(call, &path, body).await
}

/// Shows one accused, with the ETag that a change asks for.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), Reading),
    responses((status = 200, body = AccusedView), NotModified, Problems)
)]
#[get("/proceedings/{reference}/accused/{handle}")]
pub(super) async fn accused_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    child::get::<AllAccused>(call, path.into_inner()).await
}

/// Changes an accused's sealed fields. What happened to the accused is a step.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), ("If-Match" = String, Header)),
    request_body(content = AccusedEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccusedView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}/accused/{handle}")]
pub(super) async fn accused_edit(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    child::edit::<AllAccused>(call, path.into_inner(), body).await
}

/// Accepts or returns an accused who was added to an accepted proceeding; the officer who decides is not the person who added the accused. Two people
/// withdraw an accused who was accepted, with the steps about the accused.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = AccusedView), Problems)
)]
#[post("/proceedings/{reference}/accused/{handle}/decision")]
pub(super) async fn accused_decide(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    child::decide::<AllAccused>(call, path.into_inner(), body).await
}
