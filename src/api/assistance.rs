//! Assistance.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::{Call, Made, Shown, last_part, read_reference};
use super::history::HistoryPage;
use super::input::{self, InputReader};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::withheld::{Markers, Withheld, shares_tag};
use crate::domain::{AssistanceKind, AssistanceStatus, Noun};
use crate::policy::{AccessContext, Action, Relations, Viewer, authorize};
use crate::store::{Assistance, AssistanceFacts, AssistanceFilter, Error, Id, Page, Read, Result as StoreResult};
use seal::ClassCode;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(assistance_list)
        .service(assistance_create)
        .service(assistance_get)
        .service(assistance_edit)
        .service(assistance_history);
}

/// An offer of assistance.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssistanceView {
    /// Reference.
    #[schema(example = "A-MLI-2021-2FJ7")]
    reference: String,
    /// State to which it was offered.
    state: String,
    /// Mission that offered it.
    mission: Option<String>,
    /// Kind.
    kind: AssistanceKind,
    /// Provider.
    provider: String,
    /// What became of it.
    status: AssistanceStatus,
    /// When it was offered.
    offered_on: NaiveDate,
    /// First day of delivery.
    delivered_from: Option<NaiveDate>,
    /// Last day of delivery.
    delivered_to: Option<NaiveDate>,
    /// Participants: women.
    women: Option<i32>,
    /// Participants: men.
    men: Option<i32>,
    /// United States dollars.
    cost_usd: Option<i64>,
    /// Where the money came from.
    funding_source: Option<String>,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    narrative: Withheld,
    contact_persons: Withheld,
    /// References of the cases that it helped (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<String>>,
}

/// A page of assistance.
#[derive(Serialize, ToSchema)]
pub struct AssistancePage {
    items: Vec<AssistanceView>,
    next: Option<String>,
}

/// An offer to be recorded or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `facts` reads the body")]
#[schema(example = json!({"state": "MLI", "mission": "MINUSMA", "kind": "training_investigators", "provider": "MINUSMA", "status": "offered", "offered_on": "2021-05-01"}))]
pub struct AssistanceInput {
    /// Required.
    state: Option<String>,
    mission: Option<String>,
    /// Required.
    kind: Option<AssistanceKind>,
    /// Required.
    provider: Option<String>,
    /// `offered` if absent.
    status: Option<AssistanceStatus>,
    /// Required.
    offered_on: Option<NaiveDate>,
    delivered_from: Option<NaiveDate>,
    delivered_to: Option<NaiveDate>,
    women: Option<i32>,
    men: Option<i32>,
    cost_usd: Option<i64>,
    funding_source: Option<String>,
    /// References of cases, on recording.
    cases: Option<Vec<String>>,
    /// Sealed, confidential.
    narrative: Option<String>,
    /// Sealed, confidential.
    contact_persons: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// What a list of assistance is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct AssistanceQuery {
    state: Option<String>,
    kind: Option<AssistanceKind>,
    status: Option<AssistanceStatus>,
    /// Offered on or after.
    from: Option<NaiveDate>,
    /// Offered on or before.
    to: Option<NaiveDate>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn access_context(viewer: &Viewer, of: &Assistance) -> AccessContext {
    let own_mission = of.facts.mission.as_ref().is_some_and(|mission| viewer.missions.contains(mission));
    AccessContext {
        relations: Relations { own_mission, ..Relations::default() },
        notified: true,
        ..AccessContext::default()
    }
}

fn view(viewer: &Viewer, of: Assistance, held: Option<&HashSet<(Id, u16)>>) -> AssistanceView {
    let markers = Markers { noun: Noun::Assistance, viewer, facts: access_context(viewer, &of), holder: of.id, held };
    let (narrative, contact_persons) = (markers.of("narrative"), markers.of("contact_persons"));
    let AssistanceFacts {
        state,
        mission,
        kind,
        provider,
        status,
        offered_on,
        delivered,
        women,
        men,
        cost_usd,
        funding_source,
    } = of.facts;
    AssistanceView {
        reference: of.reference,
        state,
        mission,
        kind,
        provider,
        status,
        offered_on,
        delivered_from: delivered.0,
        delivered_to: delivered.1,
        women,
        men,
        cost_usd,
        funding_source,
        created_at: of.created_at.and_utc(),
        updated_at: of.updated_at.and_utc(),
        narrative,
        contact_persons,
        cases: None,
    }
}

fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<AssistanceView>> {
    let of = r.assistance_get(reference)?.ok_or(Error::NotFound)?;
    let cases = r.assistance_cases(of.id)?;
    let held = r.held(&[of.id])?;
    let shares = shares_tag(viewer, access_context(viewer, &of), &[Noun::Assistance], ClassCode::Confidential);
    let tags = if shares { vec![of.tag.clone()] } else { Vec::new() };
    let mut body = view(viewer, of, Some(&held));
    body.cases = Some(cases);
    Ok(Shown { body, tags })
}

fn facts(input: &mut InputReader<'_>, base: Option<&AssistanceFacts>) -> Option<AssistanceFacts> {
    let state = match base {
        Some(base) => Some(base.state.clone()),
        None => input.required("state", None, input::state),
    };
    let mission = match base {
        Some(base) => base.mission.clone(),
        None => input.optional("mission", None, input::mission),
    };
    let kind = input.required("kind", base.map(|b| b.kind), input::code);
    let provider = input.required("provider", base.map(|b| b.provider.clone()), input::text(200));
    let status = input.required("status", Some(base.map_or(AssistanceStatus::Offered, |b| b.status)), input::code);
    let offered_on = input.required("offered_on", base.map(|b| b.offered_on), input::past_date);
    let from = input.optional("delivered_from", base.and_then(|b| b.delivered.0), input::date);
    let to = input.optional("delivered_to", base.and_then(|b| b.delivered.1), input::date);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        input.fault("delivered_to", "lies before delivered_from");
    }
    let women = input.optional("women", base.and_then(|b| b.women), input::integer(0, 1_000_000));
    let men = input.optional("men", base.and_then(|b| b.men), input::integer(0, 1_000_000));
    let cost_usd = input.optional("cost_usd", base.and_then(|b| b.cost_usd), input::integer(0, 1_000_000_000_000));
    let funding_source =
        input.optional("funding_source", base.and_then(|b| b.funding_source.clone()), input::text(200));
    Some(AssistanceFacts {
        state: state?,
        mission,
        kind: kind?,
        provider: provider?,
        status: status?,
        offered_on: offered_on?,
        delivered: (from, to),
        women,
        men,
        cost_usd,
        funding_source,
    })
}

fn action(facts: &AssistanceFacts) -> Action<'_> {
    facts.mission.as_deref().map_or(Action::Decide, |mission| Action::Report { mission })
}

/// Lists the assistance that you may know of, newest first.
#[utoipa::path(
    tag = "assistance",
    params(AssistanceQuery),
    responses((status = 200, body = AssistancePage, content((AssistancePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/assistance")]
async fn assistance_list(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, paging) = InputReader::query(&call.context(), &call.query, |input| {
        let filter = AssistanceFilter {
            state: input.optional("state", None, input::state),
            kind: input.optional("kind", None, input::code),
            status: input.optional("status", None, input::code),
            from: input.optional("from", None, input::date),
            to: input.optional("to", None, input::date),
        };
        Some((filter, Paging::of(input)?))
    })?;
    call.list(paging, move |viewer, r, part| {
        let page = r.assistance_list(&filter, part.after, part.limit)?;
        let holders: Vec<Id> = page.items.iter().map(|one| one.id).collect();
        let held = part.held(viewer, r, &holders)?;
        let items = page.items.into_iter().map(|one| view(viewer, one, held.as_ref())).collect();
        Ok(Page { items, next: page.next })
    })
    .await
}

/// Shows one offer.
#[utoipa::path(tag = "assistance", params(("reference" = String, Path)), responses((status = 200, body = AssistanceView), NotModified, Problems))]
#[get("/assistance/{reference}")]
async fn assistance_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    call.record(Noun::Assistance, &path, show).await
}

/// Records an offer: an offer not taken up is a record.
#[utoipa::path(
    tag = "assistance",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AssistanceInput,
    responses((status = 201, body = AssistanceView), Problems)
)]
#[post("/assistance")]
async fn assistance_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (facts, cases, sealed) = call
        .body(&body, |input| {
            let facts = facts(input, None);
            let cases = input.required("cases", Some(Vec::new()), input::list_of(200, input::reference(Noun::Case)));
            let sealed = input.sealed(Noun::Assistance);
            Some((facts?, cases?, sealed))
        })
        .await?;
    call.post(
        &body,
        move |viewer, w| {
            authorize(viewer, action(&facts))?;
            Ok(Made::new(Noun::Assistance, &w.assistance_create(&facts, &cases, &sealed)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// Changes an offer: accepted, delivered, declined, or corrected.
#[utoipa::path(
    tag = "assistance",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = AssistanceInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AssistanceView), Preconditions, Problems)
)]
#[patch("/assistance/{reference}")]
async fn assistance_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Assistance, &path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown),
        move |viewer, w, context| {
            let of = w.assistance_get(&reference)?.ok_or(Error::NotFound)?;
            authorize(viewer, action(&of.facts)).map_err(Error::from)?;
            let (facts, sealed) = InputReader::read(context, &body, |input| {
                let facts = facts(input, Some(&of.facts));
                let sealed = input.sealed_patch(Noun::Assistance);
                Some((facts?, sealed))
            })?;
            w.assistance_edit(&of, &facts, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// The history of an offer (mission and Secretariat).
#[utoipa::path(tag = "assistance", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/assistance/{reference}/history")]
async fn assistance_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let history = |viewer: &Viewer, r: &mut Read<'_>, reference: &str| {
        let of = r.assistance_get(reference)?.ok_or(Error::NotFound)?;
        Ok(Shown::plain(super::history::page(viewer, access_context(viewer, &of), r.history(of.id)?, None)))
    };
    call.record(Noun::Assistance, &path, history).await
}
