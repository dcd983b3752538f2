//! The accused of a proceeding, by handle.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::AccusedView;
use super::view::show;
use super::{may_add, may_work};
use crate::api::call::{Call, Made, Shown, last_part, read_reference};
use crate::api::decision::{DecisionInput, decide};
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::problem::{NotModified, Preconditions, Problem, Problems};
use crate::domain::Noun;
use crate::policy::Viewer;
use crate::store::{Error, NewAccused, Read, Result as StoreResult};

/// The accused of a proceeding.
#[derive(Serialize, ToSchema)]
pub struct AccusedPage {
    items: Vec<AccusedView>,
}

describe::input!(
    /// An accused to be added or changed.
    AccusedInput,
    "An accused to be added or changed.",
    accused_input,
    {"incidents": ["MINUSMA-2019-7KQ4"], "name": "Made-up Name"}
);

fn accused_input(input: &mut InputReader<'_>) -> Option<NewAccused> {
    let incidents = input.required(
        "incidents",
        Some(Vec::new()),
        input::list_of(200, input::reference(Noun::Incident)).about("References of incidents (on adding only)."),
    );
    let sealed = input.sealed(Noun::Accused);
    Some(NewAccused { incidents: incidents?, sealed })
}

/// Lists the accused that you may know of, in the order of recording.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = AccusedPage), NotModified, Problems))]
#[get("/proceedings/{reference}/accused")]
pub(super) async fn accused_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(Noun::Proceeding, &path)?;
    let shown = call.read(move |viewer, r| show(viewer, r, &reference)).await?;
    call.one(&Shown { body: AccusedPage { items: shown.body.accused.unwrap_or_default() }, tags: shown.tags })
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
    let reference = read_reference(Noun::Proceeding, &path)?;
    let new = call.body(&body, accused_input).await?;
    call.post(
        &body,
        move |viewer, w| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_add(viewer, w, &of)?;
            let accused = w.accused_create(&of, &new)?;
            Ok(Made::child(format!("proceedings/{reference}/accused/{}", accused.handle)))
        },
        accused_show,
    )
    .await
}

fn accused_show(viewer: &Viewer, r: &mut Read<'_>, target: &str) -> StoreResult<Shown<AccusedView>> {
    let reference = target.split('/').nth(1).unwrap_or("");
    let handle = last_part(target);
    let Shown { body, tags } = show(viewer, r, reference)?;
    let view = body.accused.unwrap_or_default().into_iter().find(|one| one.handle == handle).ok_or(Error::NotFound)?;
    Ok(Shown { body: view, tags })
}

/// Shows one accused, with the ETag that a change asks for.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path), ("handle" = String, Path)), responses((status = 200, body = AccusedView), NotModified, Problems))]
#[get("/proceedings/{reference}/accused/{handle}")]
pub(super) async fn accused_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let (reference, handle) = path.into_inner();
    let target = format!("proceedings/{}/accused/{handle}", read_reference(Noun::Proceeding, &reference)?);
    let shown = call.read(move |viewer, r| accused_show(viewer, r, &target)).await?;
    call.one(&shown)
}

/// Changes an accused's sealed fields. What happened to the accused is a step.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), ("If-Match" = String, Header)),
    request_body(content = AccusedInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccusedView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}/accused/{handle}")]
pub(super) async fn accused_edit(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path.into_inner();
    let reference = read_reference(Noun::Proceeding, &reference)?;
    let target = format!("proceedings/{reference}/accused/{handle}");
    call.patch(
        move |viewer, r| accused_show(viewer, r, &target),
        move |viewer, w, context| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_work(viewer, w, &of)?;
            let known = w.accused_list(&of)?.into_iter().find(|one| one.handle == handle).ok_or(Error::NotFound)?;
            let sealed = InputReader::change(context, &body, |input| Some(input.sealed(Noun::Accused)))?;
            w.accused_edit(&of, &known, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// Accepts or returns an accused who was added to an accepted proceeding. The officer who decides is not the person who added the accused.
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
    let (reference, handle) = path.into_inner();
    let reference = read_reference(Noun::Proceeding, &reference)?;
    let target = format!("proceedings/{reference}/accused/{handle}");
    decide(
        &call,
        &body,
        target,
        move |w| w.proceeding_get(&reference)?.ok_or(Error::NotFound),
        move |w, of, verdict| w.accused_decide(of, &handle, verdict),
        accused_show,
    )
    .await
}
