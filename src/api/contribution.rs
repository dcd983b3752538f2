//! Contributions.

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
use crate::domain::{ContributionFacts, Noun};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{Contribution, ContributionFilter, Page, Read, Result as StoreResult, SealedInput, Write};

/// The largest amount that is taken, in United States dollars.
const MOST_USD: i64 = 1_000_000_000_000;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(contribution_list)
        .service(contribution_create)
        .service(contribution_get)
        .service(contribution_edit)
        .service(contribution_history);
}

/// What a State gave of its own will to capacity-building and accountability work.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContributionView {
    /// Reference.
    #[schema(example = "V-ISL-2023-8QK2")]
    reference: String,
    #[serde(flatten)]
    facts: ContributionFacts,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    narrative: Withheld,
    contact_persons: Withheld,
}

struct Contributions;

/// A contribution, with what is sealed of it.
struct NewContribution {
    facts: ContributionFacts,
    sealed: SealedInput,
}

impl Resource for Contributions {
    const NOUN: Noun = Noun::Contribution;
    const NAME: &'static str = "Contribution";
    type Record = Contribution;
    type New = NewContribution;
    type Filter = ContributionFilter;
    type View = ContributionView;

    fn example() -> serde_json::Value {
        json!({"state": "ISL", "purpose": "forensics", "pledged_on": "2023-05-29", "pledged_usd": 250_000,
            "received_on": "2023-09-01", "received_usd": 100_000, "mission": "MINUSMA"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Contribution>) -> Option<NewContribution> {
        let base = known.map(|known| &known.facts);
        let state = input.fixed("state", base.map(|b| b.state.clone()), input::state());
        let purpose = input.required("purpose", base.map(|b| b.purpose), input::code());
        let pledged_on = input.required("pledged_on", base.map(|b| b.pledged_on), input::past_date());
        let pledged_usd = input.required("pledged_usd", base.map(|b| b.pledged_usd), input::integer(1, MOST_USD));
        let received_on = input.optional("received_on", base.and_then(|b| b.received_on), input::past_date());
        let received_usd =
            input.optional("received_usd", base.and_then(|b| b.received_usd), input::integer(0, MOST_USD));
        let mission = input.optional("mission", base.and_then(|b| b.mission.clone()), input::mission());
        let sealed = input.sealed(Noun::Contribution);
        if pledged_on.zip(received_on).is_some_and(|(pledged, received)| received < pledged) {
            input.fault("received_on", "must not be earlier than pledged_on");
        }
        let facts = ContributionFacts {
            state: state?,
            purpose: purpose?,
            pledged_on: pledged_on?,
            pledged_usd: pledged_usd?,
            received_on,
            received_usd,
            mission,
        };
        if facts.is_overpaid() {
            input.fault("received_usd", "must not be more than pledged_usd");
        }
        Some(NewContribution { facts, sealed })
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<ContributionFilter> {
        Some(ContributionFilter {
            state: input.optional("state", None, input::state()),
            purpose: input.optional("purpose", None, input::code()),
            mission: input.optional("mission", None, input::mission()),
            from: input.optional("from", None, input::date().about("Pledged on or after.")),
            to: input.optional("to", None, input::date().about("Pledged on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
        })
    }

    fn page(r: &mut Read<'_>, filter: &ContributionFilter, part: Part<'_>) -> StoreResult<Page<Contribution>> {
        r.contribution_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Contribution>> {
        r.contribution_get(reference)
    }

    fn tags(of: &Contribution) -> Vec<Vec<u8>> {
        vec![of.tag.clone()]
    }

    fn access(viewer: &Viewer, of: &Contribution) -> AccessContext {
        access(viewer, &of.target())
    }

    fn may_create(viewer: &Viewer, _: &NewContribution) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Decide)?)
    }

    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, _: &Contribution) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Decide)?)
    }

    fn create(w: &mut Write<'_>, new: &NewContribution) -> StoreResult<String> {
        w.contribution_create(&new.facts, &new.sealed)
    }

    fn edit(w: &mut Write<'_>, known: &Contribution, new: &NewContribution) -> StoreResult<()> {
        w.contribution_edit(known, &new.facts, &new.sealed)
    }

    fn view(of: Contribution, markers: &Markers<'_>) -> ContributionView {
        ContributionView {
            reference: of.reference,
            facts: of.facts,
            created_at: of.created_at.and_utc(),
            updated_at: of.updated_at.and_utc(),
            narrative: markers.of("narrative"),
            contact_persons: markers.of("contact_persons"),
        }
    }
}

type ContributionPage = PageOf<ContributionView>;
type ContributionInput = resource::New<Contributions>;
type ContributionEdit = resource::Edit<Contributions>;
type ContributionQuery = resource::Query<Contributions>;

/// Lists the contributions that you may know of, newest pledge first.
#[utoipa::path(tag = "contributions", params(ContributionQuery), responses((status = 200, body = ContributionPage), NotAcceptable, Problems))]
#[get("/contributions")]
async fn contribution_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<Contributions>(call).await
}

/// Shows one contribution.
#[utoipa::path(tag = "contributions", params(Reading), responses((status = 200, body = ContributionView), NotModified, Problems))]
#[get("/contributions/{reference}")]
async fn contribution_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<Contributions>(call, &path).await
}

/// Records what a State pledged, and what of it was received (Secretariat).
#[utoipa::path(
    tag = "contributions",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ContributionInput,
    responses((status = 201, body = ContributionView), Problems)
)]
#[post("/contributions")]
async fn contribution_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<Contributions>(call, body).await
}

/// Corrects a contribution, or says what was received (Secretariat).
#[utoipa::path(
    tag = "contributions",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = ContributionEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ContributionView), Preconditions, Problems)
)]
#[patch("/contributions/{reference}")]
async fn contribution_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<Contributions>(call, &path, body).await
}

/// The history of a contribution (mission and Secretariat).
#[utoipa::path(tag = "contributions", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/contributions/{reference}/history")]
async fn contribution_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<Contributions>(call, &path).await
}
