//! Victims and suspects of an incident.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::{SuspectView, VictimView};
use super::reading::{self, SuspectEdit, SuspectInput, VictimEdit, VictimInput};
use super::{read_reference, show};
use crate::api::call::{Call, Made, Shown};
use crate::api::input::InputReader;
use crate::api::problem::{NotModified, Preconditions, Problem, Problems, Tombstone};
use crate::policy::{AccessContext, Action, Viewer, authorize};
use crate::store::{EditionChoice, Error, Incident, Read, Result as StoreResult, Suspect, Victim};

/// Victims of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct VictimPage {
    items: Vec<VictimView>,
    /// Always null: the list is whole.
    next: Option<String>,
}

/// Suspects of an incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectPage {
    items: Vec<SuspectView>,
    /// Always null: the list is whole.
    next: Option<String>,
}

struct Family {
    incident: Incident,
    facts: AccessContext,
    tags: Vec<Vec<u8>>,
}

fn family(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Family> {
    let tags = show(viewer, r, reference, EditionChoice::Working)?.tags;
    let incident = r.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
    let facts = r.incident_access(viewer, &incident)?;
    Ok(Family { incident, facts, tags })
}

fn victims(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<(Victim, VictimView)>>> {
    let family = family(viewer, r, reference)?;
    let victims = r.victim_list(&family.incident)?;
    let held = r.held(&victims.iter().map(|victim| victim.holder).collect::<Vec<_>>())?;
    let body = victims
        .into_iter()
        .map(|victim| {
            let view = VictimView::new(viewer, family.facts, &victim, Some(&held));
            (victim, view)
        })
        .collect();
    Ok(Shown { body, tags: family.tags })
}

fn victim_show(viewer: &Viewer, r: &mut Read<'_>, reference: &str, handle: &str) -> StoreResult<Shown<VictimView>> {
    let Shown { body, tags } = victims(viewer, r, reference)?;
    let view = body.into_iter().find(|(victim, _)| victim.handle == handle).ok_or(Error::NotFound)?.1;
    Ok(Shown { body: view, tags })
}

fn suspects(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<(Suspect, SuspectView)>>> {
    let family = family(viewer, r, reference)?;
    let suspects = r.suspect_list(&family.incident)?;
    let held = r.held(&suspects.iter().map(|suspect| suspect.holder).collect::<Vec<_>>())?;
    let body = suspects
        .into_iter()
        .map(|suspect| {
            let view = SuspectView::new(viewer, family.facts, &suspect, Some(&held));
            (suspect, view)
        })
        .collect();
    Ok(Shown { body, tags: family.tags })
}

fn suspect_show(viewer: &Viewer, r: &mut Read<'_>, reference: &str, handle: &str) -> StoreResult<Shown<SuspectView>> {
    let Shown { body, tags } = suspects(viewer, r, reference)?;
    let view = body.into_iter().find(|(suspect, _)| suspect.handle == handle).ok_or(Error::NotFound)?.1;
    Ok(Shown { body: view, tags })
}

/// Reference and handle out of a child's target, `incidents/REF/victims/HANDLE`.
fn parts(target: &str) -> (String, String) {
    let mut parts = target.split('/');
    let reference = parts.nth(1).unwrap_or("").to_owned();
    (reference, parts.nth(1).unwrap_or("").to_owned())
}

/// Lists the victims of an incident that you may know of.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path)), responses((status = 200, body = VictimPage), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/victims")]
pub(super) async fn victim_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let shown = call.read(move |viewer, r| victims(viewer, r, &reference)).await?;
    let items = shown.body.into_iter().map(|(_, view)| view).collect();
    call.one(&Shown { body: VictimPage { items, next: None }, tags: shown.tags })
}

/// Adds a victim; after release, to an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = VictimInput,
    responses((status = 201, body = VictimView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/victims")]
pub(super) async fn victim_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let new = call.body(&body, |input| reading::victim(input, None)).await?;
    call.post(
        &body,
        move |viewer, w| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &incident.facts.mission })?;
            let (_, victim) = w.victim_create(&incident, &new)?;
            Ok(Made::child(format!("incidents/{reference}/victims/{}", victim.handle)))
        },
        |viewer, r, target| {
            let (reference, handle) = parts(target);
            victim_show(viewer, r, &reference, &handle)
        },
    )
    .await
}

/// Shows one victim, with the ETag that a change of it asks for.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path), ("handle" = String, Path)), responses((status = 200, body = VictimView), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/victims/{handle}")]
pub(super) async fn victim_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let (reference, handle) = path.into_inner();
    let reference = read_reference(&reference)?;
    let shown = call.read(move |viewer, r| victim_show(viewer, r, &reference, &handle)).await?;
    call.one(&shown)
}

/// Changes a victim; after release, in an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("handle" = String, Path), ("If-Match" = String, Header, description = "ETag of the victim, or * ")),
    request_body(content = VictimEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = VictimView), Preconditions, Tombstone, Problems)
)]
#[patch("/incidents/{reference}/victims/{handle}")]
pub(super) async fn victim_edit(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path.into_inner();
    let reference = read_reference(&reference)?;
    let shown = (reference.clone(), handle.clone());
    call.patch(
        move |viewer, r| victim_show(viewer, r, &shown.0, &shown.1),
        move |viewer, w, context| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &incident.facts.mission }).map_err(Error::from)?;
            let known =
                w.victim_list(&incident)?.into_iter().find(|victim| victim.handle == handle).ok_or(Error::NotFound)?;
            let new = InputReader::change(context, &body, |input| reading::victim(input, Some(&known.facts)))?;
            w.victim_edit(&incident, &known, &new)?;
            Ok(())
        },
    )
    .await
}

/// Lists the suspects of an incident.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path)), responses((status = 200, body = SuspectPage), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/suspects")]
pub(super) async fn suspect_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let shown = call.read(move |viewer, r| suspects(viewer, r, &reference)).await?;
    let items = shown.body.into_iter().map(|(_, view)| view).collect();
    call.one(&Shown { body: SuspectPage { items, next: None }, tags: shown.tags })
}

/// Adds a suspect; after release, to an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = SuspectInput,
    responses((status = 201, body = SuspectView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/suspects")]
pub(super) async fn suspect_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let new = call.body(&body, |input| reading::suspect(input, None)).await?;
    call.post(
        &body,
        move |viewer, w| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &incident.facts.mission })?;
            let (_, suspect) = w.suspect_create(&incident, &new)?;
            Ok(Made::child(format!("incidents/{reference}/suspects/{}", suspect.handle)))
        },
        |viewer, r, target| {
            let (reference, handle) = parts(target);
            suspect_show(viewer, r, &reference, &handle)
        },
    )
    .await
}

/// Shows one suspect, with the ETag that a change of it asks for.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path), ("handle" = String, Path)), responses((status = 200, body = SuspectView), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/suspects/{handle}")]
pub(super) async fn suspect_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let (reference, handle) = path.into_inner();
    let reference = read_reference(&reference)?;
    let shown = call.read(move |viewer, r| suspect_show(viewer, r, &reference, &handle)).await?;
    call.one(&shown)
}

/// Changes a suspect; after release, in an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("handle" = String, Path), ("If-Match" = String, Header, description = "ETag of the suspect, or *")),
    request_body(content = SuspectEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = SuspectView), Preconditions, Tombstone, Problems)
)]
#[patch("/incidents/{reference}/suspects/{handle}")]
pub(super) async fn suspect_edit(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path.into_inner();
    let reference = read_reference(&reference)?;
    let shown = (reference.clone(), handle.clone());
    call.patch(
        move |viewer, r| suspect_show(viewer, r, &shown.0, &shown.1),
        move |viewer, w, context| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &incident.facts.mission }).map_err(Error::from)?;
            let known = w
                .suspect_list(&incident)?
                .into_iter()
                .find(|suspect| suspect.handle == handle)
                .ok_or(Error::NotFound)?;
            let new = InputReader::change(context, &body, |input| reading::suspect(input, Some(&known.facts)))?;
            w.suspect_edit(&incident, &known, &new)?;
            Ok(())
        },
    )
    .await
}
