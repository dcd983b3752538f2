//! Proceedings with their accused and steps.

mod accused;
mod step;
mod view;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
pub(super) use view::{ProceedingView, Proceedings};

use super::call::Call;
use super::decision::DecisionInput;
use super::history::HistoryPage;
use super::list::PageOf;
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::resource::{self, Reading};
use crate::api::Routes;
use crate::policy::{Action, Viewer, authorize};
use crate::store::{Proceeding, Result as StoreResult, Write};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(proceeding_list)
        .service(proceeding_create)
        .service(proceeding_get)
        .service(proceeding_edit)
        .service(proceeding_history)
        .service(proceeding_decide)
        .service(accused::accused_list)
        .service(accused::accused_create)
        .service(accused::accused_get)
        .service(accused::accused_edit)
        .service(accused::accused_decide)
        .service(step::step_list)
        .service(step::step_create)
        .service(step::step_get)
        .service(step::step_decide);
}

/// Whether a viewer may work on a proceeding: the Secretariat, or a mission whose case it serves.
fn may_work(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
    let missions = w.proceeding_missions(of)?;
    Ok(authorize(viewer, Action::Work { missions: &missions })?)
}

/// Whether a viewer may add to a proceeding: those who work on it, and its own State.
fn may_add(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
    if viewer.is_inside() {
        may_work(viewer, w, of)
    } else {
        Ok(authorize(viewer, Action::Propose { state: &of.facts.state })?)
    }
}

type ProceedingPage = PageOf<ProceedingView>;
type ProceedingInput = resource::New<Proceedings>;
type ProceedingEdit = resource::Edit<Proceedings>;
type ProceedingQuery = resource::Query<Proceedings>;

/// Lists the proceedings that concern you, newest first.
#[utoipa::path(tag = "proceedings", params(ProceedingQuery), responses((status = 200, body = ProceedingPage), NotAcceptable, Problems))]
#[get("/proceedings")]
async fn proceeding_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<Proceedings>(call).await
}

/// Shows one proceeding with its accused and steps, as far as they concern you.
#[utoipa::path(tag = "proceedings", params(Reading), responses((status = 200, body = ProceedingView), NotModified, Problems))]
#[get("/proceedings/{reference}")]
async fn proceeding_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<Proceedings>(call, &path).await
}

/// Records a proceeding for one or more cases. A State proposes one of its own. It counts, and concerns its State, after another officer accepts it
/// (`POST /v1/proceedings/{reference}/decision`). Until then only the person who recorded it can add to it.
#[utoipa::path(tag = "proceedings",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ProceedingInput, responses((status = 201, body = ProceedingView), Problems))]
#[post("/proceedings")]
async fn proceeding_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<Proceedings>(call, body).await
}

/// Changes a proceeding.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = ProceedingEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ProceedingView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}")]
async fn proceeding_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<Proceedings>(call, &path, body).await
}

/// The history of a proceeding (mission and Secretariat).
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/proceedings/{reference}/history")]
async fn proceeding_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<Proceedings>(call, &path).await
}

/// Accepts or returns a proceeding. The officer who decides is not the person who recorded it. The answer to a GET says who will see something new
/// (`will_be_seen_by`). Once accepted, it counts, with its accused, and the incidents of its cases concern its State.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = ProceedingView), Problems)
)]
#[post("/proceedings/{reference}/decision")]
async fn proceeding_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::decide::<Proceedings>(call, &path, body).await
}
