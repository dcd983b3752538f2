//! Cases.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::collections::HashSet;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::{Call, Made, Shown, last_part, read_reference};
use super::decision::{DecisionInput, decide, grounds};
use super::history::HistoryPage;
use super::input::{self, InputReader};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::withheld::{Markers, Withheld, shares_tag};
use crate::domain::{CaseStatus, InformationStatus, Noun, Reason, Stage, SubmissionStatus};
use crate::policy::{AccessContext, Action, Relations, Viewer, authorize};
use crate::store::{Case, CaseFacts, CaseFilter, Error, Id, Incident, Page, Read, Result as StoreResult};
use seal::ClassCode;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(case_list)
        .service(case_create)
        .service(case_get)
        .service(case_edit)
        .service(case_transition)
        .service(case_incident_decide)
        .service(case_history);
}

/// A case, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseView {
    /// Reference.
    #[schema(example = "C-MINUSMA-2019-4TZ8")]
    reference: String,
    /// Mission that answers for the file.
    mission: String,
    /// State of the file.
    status: CaseStatus,
    /// First day.
    opened_on: NaiveDate,
    /// What the State told the United Nations.
    information_status: InformationStatus,
    /// When it last did.
    information_on: Option<NaiveDate>,
    /// Furthest stage reached by anybody.
    stage_furthest: Stage,
    /// Present stage, or exit.
    #[schema(example = "trial")]
    stage_current: String,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    notes: Withheld,
    strategy: Withheld,
    /// Why it was last moved, in words (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// References of its incidents that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Vec<String>>,
    /// References of incidents that were added since proceedings serve the case, and wait for another officer (mission and Secretariat, in the
    /// single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents_proposed: Option<Vec<String>>,
    /// References of the proceedings that serve it (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    proceedings: Option<Vec<String>>,
}

/// A page of cases.
#[derive(Serialize, ToSchema)]
pub struct CasePage {
    items: Vec<CaseView>,
    next: Option<String>,
}

/// A case to be opened or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `facts` reads the body")]
#[schema(example = json!({"mission": "MINUSMA", "opened_on": "2019-03-01", "incidents": ["MINUSMA-2019-7KQ4"]}))]
pub struct CaseInput {
    /// Mission that answers for the file. Required.
    mission: Option<String>,
    /// First day. Required.
    opened_on: Option<NaiveDate>,
    /// `no_request_made` if absent.
    information_status: Option<InformationStatus>,
    /// When the State last informed.
    information_on: Option<NaiveDate>,
    /// References of incidents; in a change, those to add. Where proceedings serve the case, each waits for another officer
    /// (`POST /v1/cases/{reference}/incidents/{incident}/decision`).
    incidents: Option<Vec<String>>,
    /// Sealed, confidential.
    notes: Option<String>,
    /// Sealed, confidential.
    strategy: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// A move of a case.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"to": "concluded", "on": "2023-02-01"}))]
pub struct CaseTransitionInput {
    /// State to move to.
    to: CaseStatus,
    /// On this day.
    on: NaiveDate,
    /// Why; required to close.
    reason: Option<Reason>,
    /// Why, in words: sealed, confidential.
    reason_note: Option<String>,
}

/// What a list of cases is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct CaseQuery {
    mission: Option<String>,
    status: Option<CaseStatus>,
    information_status: Option<InformationStatus>,
    /// Opened on or after.
    from: Option<NaiveDate>,
    /// Opened on or before.
    to: Option<NaiveDate>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn access_context(viewer: &Viewer, case: &Case) -> AccessContext {
    let relations = Relations { own_mission: viewer.missions.contains(&case.facts.mission), ..Relations::default() };
    AccessContext { relations, notified: true, under_review: case.frozen_at.is_some(), ..AccessContext::default() }
}

fn view(viewer: &Viewer, case: Case, held: Option<&HashSet<(Id, u16)>>) -> CaseView {
    let facts = access_context(viewer, &case);
    let markers = Markers { noun: Noun::Case, viewer, facts, holder: case.id, held };
    let (notes, strategy) = (markers.of("notes"), markers.of("strategy"));
    let CaseFacts { mission, opened_on, information_status, information_on } = case.facts;
    CaseView {
        reference: case.reference,
        mission,
        status: case.status,
        opened_on,
        information_status,
        information_on,
        stage_furthest: case.stage_furthest,
        stage_current: case.stage_current,
        created_at: case.created_at.and_utc(),
        updated_at: case.updated_at.and_utc(),
        notes,
        strategy,
        reason_note: None,
        incidents: None,
        incidents_proposed: None,
        proceedings: None,
    }
}

fn references(incidents: Vec<Incident>) -> Vec<String> {
    incidents.into_iter().map(|incident| incident.reference).collect()
}

fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<CaseView>> {
    let case = r.case_get(reference)?.ok_or(Error::NotFound)?;
    let incidents = references(r.case_incidents(&case, SubmissionStatus::Accepted)?);
    let proposed =
        if viewer.is_inside() { Some(references(r.case_incidents(&case, SubmissionStatus::Proposed)?)) } else { None };
    let proceedings = r.proceedings_of_case(case.id)?.into_iter().map(|one| one.reference).collect();
    let held = r.held(&[case.id])?;
    let shares = shares_tag(viewer, access_context(viewer, &case), &[Noun::Case], ClassCode::Confidential);
    let tags = if shares { vec![case.tag.clone()] } else { Vec::new() };
    let markers =
        Markers { noun: Noun::Case, viewer, facts: access_context(viewer, &case), holder: case.id, held: Some(&held) };
    let note = markers.of("reason_note");
    let mut body = view(viewer, case, Some(&held));
    body.reason_note = Some(note);
    body.incidents = Some(incidents);
    body.incidents_proposed = proposed;
    body.proceedings = Some(proceedings);
    Ok(Shown { body, tags })
}

fn facts(input: &mut InputReader<'_>, base: Option<&CaseFacts>) -> Option<CaseFacts> {
    let mission = match base {
        Some(base) => Some(base.mission.clone()),
        None => input.required("mission", None, input::mission),
    };
    let opened_on = match base {
        Some(base) => Some(base.opened_on),
        None => input.required("opened_on", None, input::past_date),
    };
    let known = base.map_or(InformationStatus::NoRequestMade, |base| base.information_status);
    let information_status = input.required("information_status", Some(known), input::code);
    let information_on = input.optional("information_on", base.and_then(|base| base.information_on), input::past_date);
    Some(CaseFacts {
        mission: mission?,
        opened_on: opened_on?,
        information_status: information_status?,
        information_on,
    })
}

fn incidents(input: &mut InputReader<'_>) -> Option<Vec<String>> {
    input.required("incidents", Some(Vec::new()), input::list_of(200, input::reference(Noun::Incident)))
}

/// Lists the cases that concern you, newest first.
#[utoipa::path(
    tag = "cases",
    params(CaseQuery),
    responses((status = 200, body = CasePage, content((CasePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/cases")]
async fn case_list(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, paging) = InputReader::query(&call.context(), &call.query, |input| {
        let filter = CaseFilter {
            mission: input.optional("mission", None, input::mission),
            status: input.optional("status", None, input::code),
            information_status: input.optional("information_status", None, input::code),
            from: input.optional("from", None, input::date),
            to: input.optional("to", None, input::date),
        };
        Some((filter, Paging::of(input)?))
    })?;
    call.list(paging, move |viewer, r, part| {
        let page = r.case_list(&filter, part.after, part.limit)?;
        let holders: Vec<Id> = page.items.iter().map(|case| case.id).collect();
        let held = part.held(viewer, r, &holders)?;
        let items = page.items.into_iter().map(|case| view(viewer, case, held.as_ref())).collect();
        Ok(Page { items, next: page.next })
    })
    .await
}

/// Shows one case.
#[utoipa::path(tag = "cases", params(("reference" = String, Path)), responses((status = 200, body = CaseView), NotModified, Problems))]
#[get("/cases/{reference}")]
async fn case_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    call.record(Noun::Case, &path, show).await
}

/// Opens a case over incidents.
#[utoipa::path(
    tag = "cases",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = CaseInput,
    responses((status = 201, body = CaseView), Problems)
)]
#[post("/cases")]
async fn case_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (facts, incidents, sealed) = call
        .body(&body, |input| {
            let facts = facts(input, None);
            let incidents = incidents(input);
            let sealed = input.sealed(Noun::Case);
            Some((facts?, incidents?, sealed))
        })
        .await?;
    call.post(
        &body,
        move |viewer, w| {
            authorize(viewer, Action::Report { mission: &facts.mission })?;
            Ok(Made::new(Noun::Case, &w.case_create(&facts, &incidents, &sealed)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// Changes a case, or adds incidents to it.
#[utoipa::path(
    tag = "cases",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = CaseInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = CaseView), Preconditions, Problems)
)]
#[patch("/cases/{reference}")]
async fn case_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Case, &path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown),
        move |viewer, w, context| {
            let case = w.case_get(&reference)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &case.facts.mission }).map_err(Error::from)?;
            let (facts, add, sealed) = InputReader::read(context, &body, |input| {
                let facts = facts(input, Some(&case.facts));
                let add = incidents(input);
                let sealed = input.sealed_patch(Noun::Case);
                Some((facts?, add?, sealed))
            })?;
            w.case_edit(&case, &facts, &add, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// Moves a case to another state, on a day.
#[utoipa::path(
    tag = "cases",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = CaseTransitionInput,
    responses((status = 200, body = CaseView), Problems)
)]
#[post("/cases/{reference}/transitions")]
async fn case_transition(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Case, &path)?;
    let (to, on, grounds) = call
        .body(&body, |input| {
            let to = input.required("to", None, input::code);
            let on = input.required("on", None, input::past_date);
            // A file that is closed without a final outcome says why.
            let grounds = grounds(input, to == Some(CaseStatus::Closed));
            Some((to?, on?, grounds?))
        })
        .await?;
    call.post(
        &body,
        move |viewer, w| {
            let case = w.case_get(&reference)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &case.facts.mission })?;
            w.case_transition(&case, to, on, &grounds)?;
            Ok(Made::changed(Noun::Case, &reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// The history of a case (mission and Secretariat).
#[utoipa::path(tag = "cases", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/cases/{reference}/history")]
async fn case_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let history = |viewer: &Viewer, r: &mut Read<'_>, reference: &str| {
        let case = r.case_get(reference)?.ok_or(Error::NotFound)?;
        Ok(Shown::plain(super::history::page(viewer, access_context(viewer, &case), r.history(case.id)?, None)))
    };
    call.record(Noun::Case, &path, history).await
}

/// Accepts or returns an incident that was added to a case with proceedings, as another officer than who added it. Accepted, the incident
/// concerns their States from now on.
#[utoipa::path(
    tag = "cases",
    params(("reference" = String, Path), ("incident" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = CaseView), Problems)
)]
#[post("/cases/{reference}/incidents/{incident}/decision")]
async fn case_incident_decide(call: Call, path: Path<(String, String)>, body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, incident) = path.into_inner();
    let reference = read_reference(Noun::Case, &reference)?;
    let incident = read_reference(Noun::Incident, &incident)?;
    let target = format!("cases/{reference}");
    decide(
        &call,
        &body,
        target,
        move |w| w.case_get(&reference)?.ok_or(Error::NotFound),
        move |w, case, verdict| w.case_incident_decide(case, &incident, verdict),
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}
