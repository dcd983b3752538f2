//! Everything about one attack, in one answer.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use super::show;
use super::view::IncidentView;
use crate::api::assistance::{AssistanceView, Offers};
use crate::api::call::{Call, Shown, read_reference};
use crate::api::case::{CaseView, Cases};
use crate::api::follow_up::{FollowUpView, FollowUps};
use crate::api::input::InputReader;
use crate::api::list::Part;
use crate::api::problem::{NotModified, Problem, Problems, Tombstone};
use crate::api::proceeding::{ProceedingView, Proceedings};
use crate::api::resource::{self, Reading, Resource, as_state, view_as};
use crate::domain::Noun;
use crate::policy::Viewer;
use crate::store::{AssistanceFilter, EditionChoice, FollowUpFilter, Read, Result as StoreResult};

/// An incident with all that belongs to it, as far as it concerns you.
#[derive(Debug, Serialize, ToSchema)]
pub struct DossierView {
    incident: IncidentView,
    cases: Vec<CaseView>,
    proceedings: Vec<ProceedingView>,
    follow_ups: Vec<FollowUpView>,
    assistance: Vec<AssistanceView>,
}

/// Of each list there is at most so much.
const MOST: i64 = 200;

fn dossier(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<DossierView>> {
    let Shown { body: incident, mut tags } = show(viewer, r, reference, EditionChoice::Working)?;
    let cases = all::<Cases>(viewer, r, incident.cases.as_deref(), &mut tags)?;
    let proceedings = all::<Proceedings>(viewer, r, incident.proceedings.as_deref(), &mut tags)?;
    let part = || Part { after: None, limit: MOST, whole: false };
    let (mut follow_ups, mut assistance) = (Vec::new(), Vec::new());
    for case in incident.cases.iter().flatten() {
        let of = FollowUpFilter { case: Some(case.clone()), ..FollowUpFilter::default() };
        follow_ups.extend(resource::page::<FollowUps>(viewer, r, &of, part())?.items);
        let of = AssistanceFilter { case: Some(case.clone()), ..AssistanceFilter::default() };
        assistance.extend(resource::page::<Offers>(viewer, r, &of, part())?.items);
    }
    Ok(Shown { body: DossierView { incident, cases, proceedings, follow_ups, assistance }, tags })
}

fn all<R: Resource>(
    viewer: &Viewer,
    r: &mut Read<'_>,
    references: Option<&[String]>,
    tags: &mut Vec<Vec<u8>>,
) -> StoreResult<Vec<R::View>> {
    let mut views = Vec::new();
    for reference in references.unwrap_or_default() {
        let shown = resource::one::<R>(viewer, r, reference)?;
        tags.extend(shown.tags);
        views.push(shown.body);
    }
    Ok(views)
}

/// Shows an incident with its cases, their proceedings, follow-ups and assistance, as far as they concern you.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), Reading),
    responses((status = 200, body = DossierView), NotModified, Tombstone, Problems)
)]
#[get("/incidents/{reference}/dossier")]
pub(super) async fn incident_dossier(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let as_state = InputReader::query(&call.context(), &call.query, |input| Some(as_state(input)))?;
    let reference = read_reference(Noun::Incident, &path)?;
    let shown = call
        .as_viewer(move |call, session| {
            let viewer = view_as(&session.account.viewer, as_state.as_deref())?;
            Ok(call.app().store.read_as(&viewer, |r| dossier(&viewer, r, &reference))?)
        })
        .await?;
    call.one(&shown)
}
