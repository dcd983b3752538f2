//! Records that may be of one person, for the Secretariat to decide.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::Call;
use super::input::{self, InputReader, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, Problem, Problems};
use crate::domain::{DuplicateFinding, DuplicateSource};
use crate::policy::{Action, authorize};
use crate::store::{Error, Id, LikelyDuplicate};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(duplicate_list).service(duplicate_decide);
}

/// Two records that may be of one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateView {
    /// Id.
    id: String,
    /// When it was found.
    at: DateTime<Utc>,
    /// Who found it; null for the operator.
    by: Option<String>,
    /// How.
    source: DuplicateSource,
    /// Path of the record that was asked about or imported; null where a match was asked about no record.
    record: Option<String>,
    /// Path of the record that may be of the same person.
    other: String,
    /// How alike they are: 1 for the same name, or casualty id.
    likeness: f64,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// By whom.
    decided_by: Option<String>,
    /// What.
    finding: Option<DuplicateFinding>,
}

fn view(of: LikelyDuplicate) -> DuplicateView {
    let LikelyDuplicate { id, at, by, source, record, other, score, decided } = of;
    let (decided_at, decided_by, finding) = match decided {
        Some((at, by, finding)) => (Some(at.and_utc()), Some(by), Some(finding)),
        None => (None, None, None),
    };
    let (id, at, likeness) = (id.to_string(), at.and_utc(), f64::from(score) / 1000.0);
    DuplicateView { id, at, by, source, record, other, likeness, decided_at, decided_by, finding }
}

/// A page of likely duplicates.
#[derive(Serialize, ToSchema)]
pub struct DuplicatePage {
    items: Vec<DuplicateView>,
    next: Option<String>,
}

describe::query!(
    /// Which, and how they are paged.
    DuplicateQuery,
    duplicate_query
);

fn duplicate_query(input: &mut InputReader<'_>) -> Option<(Paging, bool)> {
    let undecided = input.required("undecided", Some(false), input::truth().about("Only those that nobody decided."));
    Some((Paging::of(input)?, undecided?))
}

/// Records that may be the same, the newest first. A match found them outside the asker's scope, an import brought them, or somebody reported them.
/// For the Secretariat.
#[utoipa::path(
    tag = "disclosures",
    params(DuplicateQuery),
    responses((status = 200, body = DuplicatePage, content((DuplicatePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/likely-duplicates")]
async fn duplicate_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, undecided) = InputReader::query(&call.context(), &call.query, duplicate_query)?;
    call.list(paging, move |viewer, r, part| {
        authorize(viewer, Action::JudgeDuplicates).map_err(Error::from)?;
        let page = r.duplicate_list(undecided, part.after, part.limit)?;
        Ok(page.map(view))
    })
    .await
}

describe::input!(
    /// What was found out.
    DuplicateDecision,
    "What was found out.",
    duplicate_decision,
    {"finding": "different_persons"}
);

fn duplicate_decision(input: &mut InputReader<'_>) -> Option<DuplicateFinding> {
    input.required("finding", None, input::code().about("The finding."))
}

/// Decides whether two records are of one person. The records stay as they are: merge incidents, or correct a victim, where that
/// follows.
#[utoipa::path(tag = "disclosures", request_body = DuplicateDecision, responses((status = 204, description = "Decided"), Problems))]
#[post("/likely-duplicates/{id}/decision")]
async fn duplicate_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let id = Id::parse(&path).ok_or_else(|| Problem::of("not_found"))?;
    let finding = call.body(&body, duplicate_decision).await?;
    call.as_viewer(move |call, session| {
        call.app().store.signs_in()?;
        authorize(&session.account.viewer, Action::JudgeDuplicates).map_err(Error::from)?;
        Ok(call.app().store.write(&session.account.viewer, |w| w.duplicate_decide(id, finding))?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
