//! Proceedings with their accused and steps.

mod accused;
mod step;
mod view;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::NaiveDate;
use utoipa::{IntoParams, ToSchema};

use view::{ProceedingPage, ProceedingView, access_context, show, view};

use super::call::{Call, Made, Shown, last_part, read_reference};
use super::decision::{DecisionInput, decide};
use super::history::HistoryPage;
use super::input::{self, InputReader};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use crate::api::Routes;
use crate::domain::{Forum, Jurisdiction, Noun, Obstacle, Precision, Stage, SubmissionStatus};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{
    Error, Id, Page, Proceeding, ProceedingFacts, ProceedingFilter, Read, Result as StoreResult, Write,
};

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
        .service(step::step_decide);
}

/// A proceeding to be recorded or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `facts` reads the body")]
#[schema(example = json!({"state": "MLI", "authority": "Court of Assizes, Bamako", "forum": "specialised", "opened_on": "2020-01-01", "opened_on_precision": "year", "cases": ["C-MINUSMA-2019-4TZ8"]}))]
pub struct ProceedingInput {
    /// Alpha-3 code. Required.
    state: Option<String>,
    /// Required.
    authority: Option<String>,
    /// `not_known` if absent.
    forum: Option<Forum>,
    /// `not_known` if absent.
    jurisdiction: Option<Jurisdiction>,
    /// Required.
    opened_on: Option<NaiveDate>,
    /// `day` if absent.
    opened_on_precision: Option<Precision>,
    /// Obstacles shared with the State.
    obstacles: Option<Vec<Obstacle>>,
    /// References of the cases that it serves, on recording: at least one.
    cases: Option<Vec<String>>,
    /// Sealed, confidential.
    court_file_number: Option<String>,
    /// Sealed, confidential.
    internal_obstacles: Option<String>,
    /// Sealed, confidential.
    notes: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// What a list of proceedings is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct ProceedingQuery {
    state: Option<String>,
    forum: Option<Forum>,
    /// Furthest stage.
    stage: Option<Stage>,
    /// Reference of a case.
    case: Option<String>,
    /// `proposed`: those that wait for an officer.
    status: Option<SubmissionStatus>,
    /// Opened on or after.
    from: Option<NaiveDate>,
    /// Opened on or before.
    to: Option<NaiveDate>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn facts(input: &mut InputReader<'_>, base: Option<&ProceedingFacts>) -> Option<ProceedingFacts> {
    let state = match base {
        Some(base) => Some(base.state.clone()),
        None => input.required("state", None, input::state),
    };
    let authority = input.required("authority", base.map(|b| b.authority.clone()), input::text(200));
    let forum = input.required("forum", Some(base.map_or(Forum::NotKnown, |b| b.forum)), input::code);
    let jurisdiction =
        input.required("jurisdiction", Some(base.map_or(Jurisdiction::NotKnown, |b| b.jurisdiction)), input::code);
    let opened = input.partial_date("opened_on", base.map(|b| b.opened));
    if opened.is_some_and(|on| on.is_future(input.context.now)) {
        input.fault("opened_on", "lies in the future");
    }
    let known = base.map(|b| b.obstacles.clone()).or(Some(Vec::new()));
    let obstacles = input.required("obstacles", known, input::list_of(30, input::code));
    Some(ProceedingFacts {
        state: state?,
        authority: authority?,
        forum: forum?,
        jurisdiction: jurisdiction?,
        opened: opened?,
        obstacles: obstacles?,
    })
}

/// Whether a viewer may work on a proceeding: the Secretariat, or a mission whose case it serves.
fn may_work(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
    let missions = w.proceeding_missions(of.id)?;
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

/// Lists the proceedings that concern you, newest first.
#[utoipa::path(
    tag = "proceedings",
    params(ProceedingQuery),
    responses((status = 200, body = ProceedingPage, content((ProceedingPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/proceedings")]
async fn proceeding_list(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, paging) = InputReader::query(&call.context(), &call.query, |input| {
        let filter = ProceedingFilter {
            state: input.optional("state", None, input::state),
            forum: input.optional("forum", None, input::code),
            stage: input.optional("stage", None, input::code),
            case: input.optional("case", None, input::reference(Noun::Case)),
            status: input.optional("status", None, input::code),
            from: input.optional("from", None, input::date),
            to: input.optional("to", None, input::date),
        };
        Some((filter, Paging::of(input)?))
    })?;
    call.list(paging, move |viewer, r, part| {
        let page = r.proceeding_list(&filter, part.after, part.limit)?;
        let holders: Vec<Id> = page.items.iter().map(|one| one.id).collect();
        let held = part.held(viewer, r, &holders)?;
        // A focal point's list holds its own missions' proceedings only.
        let missions = viewer.missions.clone();
        let items = page
            .items
            .into_iter()
            .map(|one| view(viewer, access_context(viewer, &one, &missions), one, held.as_ref()))
            .collect();
        Ok(Page { items, next: page.next })
    })
    .await
}

/// Shows one proceeding with its accused and steps, as far as they concern you.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = ProceedingView), NotModified, Problems))]
#[get("/proceedings/{reference}")]
async fn proceeding_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    call.record(Noun::Proceeding, &path, show).await
}

/// Records a proceeding that serves cases; of a State, proposes one of its own. It counts, and concerns its State, once another officer accepts it
/// (`POST /v1/proceedings/{reference}/decision`); until then only who recorded it adds to it.
#[utoipa::path(
    tag = "proceedings",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ProceedingInput,
    responses((status = 201, body = ProceedingView), Problems)
)]
#[post("/proceedings")]
async fn proceeding_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (facts, cases, sealed) = call
        .body(&body, |input| {
            let facts = facts(input, None);
            let cases = input.required("cases", None, input::list_of(50, input::reference(Noun::Case)));
            if cases.as_ref().is_some_and(Vec::is_empty) {
                input.fault("cases", "at least one");
            }
            let sealed = input.sealed(Noun::Proceeding);
            Some((facts?, cases?, sealed))
        })
        .await?;
    call.post(
        &body,
        move |viewer, w| {
            authorize(viewer, Action::Prosecute { state: &facts.state })?;
            Ok(Made::new(Noun::Proceeding, &w.proceeding_create(&facts, &cases, &sealed)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// Changes a proceeding.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = ProceedingInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ProceedingView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}")]
async fn proceeding_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Proceeding, &path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown),
        move |viewer, w, context| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_work(viewer, w, &of)?;
            let (facts, sealed) = InputReader::read(context, &body, |input| {
                let facts = facts(input, Some(&of.facts));
                let sealed = input.sealed_patch(Noun::Proceeding);
                Some((facts?, sealed))
            })?;
            w.proceeding_edit(&of, &facts, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// The history of a proceeding (mission and Secretariat).
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/proceedings/{reference}/history")]
async fn proceeding_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let history = |viewer: &Viewer, r: &mut Read<'_>, reference: &str| {
        let of = r.proceeding_get(reference)?.ok_or(Error::NotFound)?;
        let missions = r.proceeding_missions(of.id)?;
        Ok(Shown::plain(super::history::page(viewer, access_context(viewer, &of, &missions), r.history(of.id)?, None)))
    };
    call.record(Noun::Proceeding, &path, history).await
}

/// Accepts or returns a proceeding, as another officer than who recorded it. The answer to a GET says who will see something new
/// (`will_be_seen_by`). Accepted, it counts, with its accused, and its State is concerned by the incidents of its cases.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = ProceedingView), Problems)
)]
#[post("/proceedings/{reference}/decision")]
async fn proceeding_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Proceeding, &path)?;
    let target = format!("proceedings/{reference}");
    decide(
        &call,
        &body,
        target,
        move |w| w.proceeding_get(&reference)?.ok_or(Error::NotFound),
        |w, of, verdict| w.proceeding_decide(of, verdict),
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}
