//! Assistance.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Routes;
use super::call::Call;
use super::history::HistoryPage;
use super::input::{self, InputReader, Reader as _};
use super::list::{PageOf, Part};
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::resource::{self, Reading, Resource};
use super::withheld::{Markers, Withheld};
use crate::domain::{AssistanceFacts, AssistanceStatus, Noun};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{Assistance, AssistanceFilter, Page, Read, Result as StoreResult, SealedInput, Write};

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
    #[serde(flatten)]
    facts: AssistanceFacts,
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

/// Offers of assistance, as a record of their own.
pub(super) struct Offers;

/// An offer, with the references of the cases that it helped.
pub(super) struct NewOffer {
    facts: AssistanceFacts,
    cases: Vec<String>,
    sealed: SealedInput,
}

fn action(facts: &AssistanceFacts) -> Action<'_> {
    facts.mission.as_deref().map_or(Action::Decide, |mission| Action::Report { mission })
}

impl Resource for Offers {
    const NOUN: Noun = Noun::Assistance;
    const NAME: &'static str = "Assistance";
    type Record = Assistance;
    type New = NewOffer;
    type Filter = AssistanceFilter;
    type View = AssistanceView;

    fn example() -> serde_json::Value {
        json!({"state": "MLI", "mission": "MINUSMA", "kind": "training_investigators", "provider": "MINUSMA",
            "status": "offered", "offered_on": "2021-05-01"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Assistance>) -> Option<NewOffer> {
        let base = known.map(|known| &known.facts);
        let state = input.fixed("state", base.map(|b| b.state.clone()), input::state());
        let mission = match base {
            Some(base) => base.mission.clone(),
            None if input.is_edit() => None,
            None => input.optional("mission", None, input::mission()),
        };
        let kind = input.required("kind", base.map(|b| b.kind), input::code());
        let provider = input.required("provider", base.map(|b| b.provider.clone()), input::text(200));
        let offered = base.map_or(AssistanceStatus::Offered, |b| b.status);
        let status = input.required("status", Some(offered), input::code().about("`offered` if absent."));
        let offered_on = input.required("offered_on", base.map(|b| b.offered_on), input::past_date());
        let delivered_from = input.optional("delivered_from", base.and_then(|b| b.delivered_from), input::date());
        let delivered_to = input.optional("delivered_to", base.and_then(|b| b.delivered_to), input::date());
        if delivered_from.zip(delivered_to).is_some_and(|(from, to)| to < from) {
            input.fault("delivered_to", "lies before delivered_from");
        }
        let women = input.optional("women", base.and_then(|b| b.women), input::integer(0, 1_000_000));
        let men = input.optional("men", base.and_then(|b| b.men), input::integer(0, 1_000_000));
        let cost_usd = input.optional("cost_usd", base.and_then(|b| b.cost_usd), input::integer(0, 1_000_000_000_000));
        let funding_source =
            input.optional("funding_source", base.and_then(|b| b.funding_source.clone()), input::text(200));
        let cases = input::list_of(200, input::reference(Noun::Case)).about("References of the cases that it helped.");
        let cases = if input.is_edit() { Vec::new() } else { input.optional("cases", None, cases).unwrap_or_default() };
        let sealed = input.sealed(Noun::Assistance);
        let facts = AssistanceFacts {
            state: state?,
            mission,
            kind: kind?,
            provider: provider?,
            status: status?,
            offered_on: offered_on?,
            delivered_from,
            delivered_to,
            women,
            men,
            cost_usd,
            funding_source,
        };
        Some(NewOffer { facts, cases, sealed })
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<AssistanceFilter> {
        Some(AssistanceFilter {
            state: input.optional("state", None, input::state()),
            kind: input.optional("kind", None, input::code()),
            status: input.optional("status", None, input::code()),
            from: input.optional("from", None, input::date().about("Offered on or after.")),
            to: input.optional("to", None, input::date().about("Offered on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
            case: input.optional(
                "case",
                None,
                input::reference(Noun::Case).about("Reference of a case that it helped."),
            ),
        })
    }

    fn page(r: &mut Read<'_>, filter: &AssistanceFilter, part: Part<'_>) -> StoreResult<Page<Assistance>> {
        r.assistance_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Assistance>> {
        r.assistance_get(reference)
    }

    fn tags(of: &Assistance) -> Vec<Vec<u8>> {
        vec![of.tag.clone()]
    }

    fn access(viewer: &Viewer, of: &Assistance) -> AccessContext {
        access(viewer, &of.target())
    }

    fn may_create(viewer: &Viewer, new: &NewOffer) -> StoreResult<()> {
        Ok(authorize(viewer, action(&new.facts))?)
    }

    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, known: &Assistance) -> StoreResult<()> {
        Ok(authorize(viewer, action(&known.facts))?)
    }

    fn create(w: &mut Write<'_>, new: &NewOffer) -> StoreResult<String> {
        Ok(w.assistance_create(&new.facts, &new.cases, &new.sealed)?.reference)
    }

    fn edit(w: &mut Write<'_>, known: &Assistance, new: &NewOffer) -> StoreResult<()> {
        w.assistance_edit(known, &new.facts, &new.sealed).map(|_| ())
    }

    fn view(of: Assistance, markers: &Markers<'_>) -> AssistanceView {
        AssistanceView {
            reference: of.reference,
            facts: of.facts,
            created_at: of.created_at.and_utc(),
            updated_at: of.updated_at.and_utc(),
            narrative: markers.of("narrative"),
            contact_persons: markers.of("contact_persons"),
            cases: None,
        }
    }

    fn detail(
        _: &Viewer,
        r: &mut Read<'_>,
        of: &Assistance,
        _: &Markers<'_>,
        view: &mut AssistanceView,
    ) -> StoreResult<()> {
        view.cases = Some(r.assistance_cases(of)?);
        Ok(())
    }
}

type AssistancePage = PageOf<AssistanceView>;
type AssistanceInput = resource::New<Offers>;
type AssistanceEdit = resource::Edit<Offers>;
type AssistanceQuery = resource::Query<Offers>;

/// Lists the assistance that you may know of, newest first.
#[utoipa::path(tag = "assistance", params(AssistanceQuery), responses((status = 200, body = AssistancePage), NotAcceptable, Problems))]
#[get("/assistance")]
async fn assistance_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<Offers>(call).await
}

/// Shows one offer.
#[utoipa::path(tag = "assistance", params(Reading), responses((status = 200, body = AssistanceView), NotModified, Problems))]
#[get("/assistance/{reference}")]
async fn assistance_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<Offers>(call, &path).await
}

/// Records an offer: an offer not taken up is a record.
#[utoipa::path(tag = "assistance",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AssistanceInput, responses((status = 201, body = AssistanceView), Problems))]
#[post("/assistance")]
async fn assistance_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<Offers>(call, body).await
}

/// Changes an offer: accepted, delivered, declined, or corrected.
#[utoipa::path(
    tag = "assistance",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = AssistanceEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AssistanceView), Preconditions, Problems)
)]
#[patch("/assistance/{reference}")]
async fn assistance_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<Offers>(call, &path, body).await
}

/// The history of an offer (mission and Secretariat).
#[utoipa::path(tag = "assistance", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/assistance/{reference}/history")]
async fn assistance_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<Offers>(call, &path).await
}
