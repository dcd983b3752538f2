//! Suspects of an incident.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{may_report, show};
use crate::api::call::{Call, Shown};
use crate::api::child::{self, Child, Edited, ListOf};
use crate::api::input::{self, InputReader};
use crate::api::problem::{NotModified, Preconditions, Problem, Problems, Tombstone};
use crate::api::resource::Reading;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{Noun, Perpetrator, SuspectFacts, SuspectStatus};
use crate::policy::{AccessContext, Viewer};
use crate::store::{EditionChoice, Id, Incident, NewSuspect, Read, Result as StoreResult, Suspect, Write};

/// A suspect, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectView {
    /// Random handle within the incident.
    #[schema(example = "9QW3TZ")]
    handle: String,
    /// Category.
    category: Perpetrator,
    /// Where the person stands.
    status: SuspectStatus,
    affiliation: Withheld,
    name: Withheld,
    aliases: Withheld,
    identifiers: Withheld,
}

impl SuspectView {
    pub(super) fn new(
        viewer: &Viewer,
        facts: AccessContext,
        suspect: &Suspect,
        held: Option<&HashSet<(Id, u16)>>,
    ) -> Self {
        let SuspectFacts { category, status } = suspect.facts;
        let markers = Markers { noun: Noun::Suspect, viewer, facts, holder: suspect.holder, held };
        Self {
            handle: suspect.handle.clone(),
            category,
            status,
            affiliation: markers.of("affiliation"),
            name: markers.of("name"),
            aliases: markers.of("aliases"),
            identifiers: markers.of("identifiers"),
        }
    }
}

/// Suspects, as children of an incident.
pub(super) struct Suspects;

impl Child for Suspects {
    const OF: Noun = Noun::Incident;
    const PATH: &'static str = "suspects";
    const NAME: &'static str = "Suspect";
    type Parent = Incident;
    type Record = Suspect;
    type New = NewSuspect;
    type View = SuspectView;

    fn example() -> serde_json::Value {
        json!({"category": "individual", "status": "at_large", "name": "Made-up Name"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Suspect>) -> Option<NewSuspect> {
        let base = known.map(|known| &known.facts);
        let category = input.required("category", base.map(|b| b.category), input::code());
        let status = input.required("status", Some(base.map_or(SuspectStatus::NotKnown, |b| b.status)), input::code());
        let sealed = input.sealed(Noun::Suspect);
        Some(NewSuspect { facts: SuspectFacts { category: category?, status: status? }, sealed })
    }

    fn parent(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Incident>> {
        r.incident_get(reference, EditionChoice::Working)
    }

    fn all(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<SuspectView>>> {
        let Shown { body, tags } = show(viewer, r, reference, EditionChoice::Working)?;
        Ok(Shown { body: body.suspects.unwrap_or_default(), tags })
    }

    fn handle(view: &SuspectView) -> &str {
        &view.handle
    }

    fn may_create(viewer: &Viewer, _: &mut Write<'_>, of: &Incident) -> StoreResult<()> {
        may_report(viewer, of)
    }

    fn create(w: &mut Write<'_>, of: &Incident, new: &NewSuspect) -> StoreResult<String> {
        Ok(w.suspect_create(of, new)?.1.handle)
    }
}

impl Edited for Suspects {
    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, of: &Incident) -> StoreResult<()> {
        may_report(viewer, of)
    }

    fn known(w: &mut Write<'_>, of: &Incident, handle: &str) -> StoreResult<Option<Suspect>> {
        Ok(w.suspect_list(of)?.into_iter().find(|one| one.handle == handle))
    }

    fn edit(w: &mut Write<'_>, of: &Incident, known: &Suspect, new: &NewSuspect) -> StoreResult<()> {
        w.suspect_edit(of, known, new).map(|_| ())
    }
}

type SuspectList = ListOf<SuspectView>;
type SuspectInput = child::New<Suspects>;
type SuspectEdit = child::Edit<Suspects>;

/// Lists the suspects of an incident.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path), Reading), responses((status = 200, body = SuspectList), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/suspects")]
pub(super) async fn suspect_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    child::list::<Suspects>(call, &path).await
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
    child::create::<Suspects>(call, &path, body).await
}

/// Shows one suspect, with the ETag that a change of it asks for.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("handle" = String, Path), Reading),
    responses((status = 200, body = SuspectView), Tombstone, NotModified, Problems)
)]
#[get("/incidents/{reference}/suspects/{handle}")]
pub(super) async fn suspect_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    child::get::<Suspects>(call, path.into_inner()).await
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
    child::edit::<Suspects>(call, path.into_inner(), body).await
}
