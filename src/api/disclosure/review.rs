//! What is looked at afterwards: disclosures that nobody had approved, and unusual volumes.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::note::agrees;
use super::path_id;
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::list::Paging;
use crate::api::problem::{NotAcceptable, Problem, Problems};
use crate::api::session::secret;
use crate::domain::{AlertKind, ReviewFinding};
use crate::policy::may_see_alerts;
use crate::store::Alert;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(disclosure_review).service(alert_list);
}

describe::input!(
    /// What another officer finds.
    ReviewInput,
    "What another officer finds.",
    review_input,
    {"finding": "justified", "code": "123456"}
);

fn review_input(input: &mut InputReader<'_>) -> Option<(ReviewFinding, Plain)> {
    let finding = input.required("finding", None, input::code().about("The finding."));
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((finding?, code?))
}

/// Reviews a disclosure that nobody had approved, as another officer who has read its note (`POST /v1/disclosures/{id}/note`). It takes a
/// fresh code. It is due within 72 hours. Until then, the person who opened the values cannot make another emergency disclosure.
#[utoipa::path(tag = "disclosures", request_body = ReviewInput, responses((status = 204, description = "Reviewed"), Problems))]
#[post("/disclosures/{id}/review")]
async fn disclosure_review(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let id = path_id(&path)?;
    let (finding, code) = call.body(&body, review_input).await?;
    call.agree(("review", code), agrees, move |_, w| w.disclosure_review(id, finding)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// An unusual volume of disclosures.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertView {
    /// When it was raised.
    at: DateTime<Utc>,
    /// Whose.
    by: String,
    /// Role.
    role: String,
    /// Why.
    kind: AlertKind,
    /// Records opened within the time.
    records: i64,
}

fn view(of: Alert) -> AlertView {
    let Alert { id: _, at, by, role, kind, records } = of;
    AlertView { at: at.and_utc(), by, role, kind, records }
}

/// A page of alerts.
#[derive(Serialize, ToSchema)]
pub struct AlertPage {
    items: Vec<AlertView>,
    next: Option<String>,
}

describe::query!(
    /// How alerts are paged.
    AlertQuery,
    Paging::of
);

/// Unusual volumes of disclosures, the newest first: more than 60 records of one account within an hour, or 300 within a day. For
/// auditors and the senior focal point.
#[utoipa::path(
    tag = "disclosures",
    params(AlertQuery),
    responses((status = 200, body = AlertPage, content((AlertPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/alerts")]
async fn alert_list(call: Call) -> Result<HttpResponse, Problem> {
    let paging = InputReader::query(&call.context(), &call.query, Paging::of)?;
    call.list(paging, move |viewer, r, part| {
        may_see_alerts(viewer)?;
        let page = r.alert_list(part.after, part.limit)?;
        Ok(page.map(view))
    })
    .await
}
