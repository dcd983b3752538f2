//! A second officer's approval of what is strictly confidential.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::note::agrees;
use super::{note, path_id, record, wanted};
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::list::Paging;
use crate::api::problem::{NotAcceptable, Problem, Problems};
use crate::api::session::secret;
use crate::domain::Purpose;
use crate::store::{Approval, ApprovalAsk};

pub(super) fn routes(config: &mut impl Routes) {
    config.service(approval_ask).service(approval_list).service(approval_decide);
}

describe::input!(
    /// What is to be opened, and why.
    ApprovalInput,
    "What is to be opened, and why.",
    approval_input,
    {"record": "incidents/MINUSMA-2019-7KQ4", "class": "strictly_confidential", "fields": ["name"], "purpose": "prosecution_support", "note": "Made-up note."}
);

fn approval_input(input: &mut InputReader<'_>) -> Option<ApprovalAsk> {
    let record = input.required(
        "record",
        None,
        record.about("Path of an incident, case, proceeding, assistance or measure, with its children."),
    );
    let wanted = wanted(input);
    let purpose = input.required("purpose", None, input::code().about("Why."));
    let note = input.optional("note", None, note.about("Why, in words: sealed."));
    let (class, fields) = wanted?;
    Some(ApprovalAsk { record: record?, class, fields, purpose: purpose?, note })
}

/// What was asked, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalView {
    /// What goes into `approval` of `POST /v1/disclosures`, once approved.
    id: String,
    /// Who asked.
    asked_by: String,
    /// The record.
    record: String,
    /// Class.
    class: String,
    /// Fields; all of the class when empty.
    fields: Vec<String>,
    /// Why.
    purpose: Purpose,
    /// Whether a note says why, in words: the second officer reads it first.
    has_note: bool,
    /// When it was asked.
    asked_at: DateTime<Utc>,
    /// When it lapses: undecided after 72 hours, approved after 24.
    expires_at: DateTime<Utc>,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// Whether it was approved; null while it waits.
    approved: Option<bool>,
}

fn view(of: Approval) -> ApprovalView {
    let Approval { id, asked_by, record, class, fields, purpose, has_note, asked_at, expires_at, decided } = of;
    ApprovalView {
        id: id.to_string(),
        asked_by,
        record,
        class,
        fields,
        purpose,
        has_note,
        asked_at: asked_at.and_utc(),
        expires_at: expires_at.and_utc(),
        decided_at: decided.map(|(at, _)| at.and_utc()),
        approved: decided.map(|(_, approved)| approved),
    }
}

/// A page of approvals.
#[derive(Serialize, ToSchema)]
pub struct ApprovalPage {
    items: Vec<ApprovalView>,
    next: Option<String>,
}

describe::query!(
    /// Which approvals, and how they are paged.
    ApprovalQuery,
    approval_query
);

fn approval_query(input: &mut InputReader<'_>) -> Option<(Paging, bool)> {
    let waiting = input.required("waiting", Some(false), input::truth().about("Only those that may be decided."));
    Some((Paging::of(input)?, waiting?))
}

/// Asks a second officer to approve what you want to open of a record.
#[utoipa::path(tag = "disclosures", request_body = ApprovalInput, responses((status = 201, body = ApprovalView), Problems))]
#[post("/approvals")]
async fn approval_ask(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let ask = call.body(&body, approval_input).await?;
    let asked = call
        .as_viewer(move |call, session| {
            call.app().store.signs_in()?;
            Ok(call.app().store.write(&session.account.viewer, |w| w.approval_ask(&ask))?)
        })
        .await?;
    Ok(HttpResponse::Created().json(view(asked)))
}

/// Approvals, the last asked first: your own; to an officer everyone's, since any other of them may decide.
#[utoipa::path(
    tag = "disclosures",
    params(ApprovalQuery),
    responses((status = 200, body = ApprovalPage, content((ApprovalPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/approvals")]
async fn approval_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, waiting) = InputReader::query(&call.context(), &call.query, approval_query)?;
    call.list(paging, move |viewer, r, part| {
        let page = r.approval_list(viewer, waiting, part.after, part.limit)?;
        Ok(page.map(view))
    })
    .await
}

describe::input!(
    /// A decision.
    ApprovalDecision,
    "A decision.",
    approval_decision,
    {"approve": true, "code": "123456"}
);

fn approval_decision(input: &mut InputReader<'_>) -> Option<(bool, Plain)> {
    let approve = input.required("approve", None, input::truth().about("Whether it may be opened."));
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((approve?, code?))
}

/// Decides as the second officer: not the person who asked, and only after reading the note (`POST /v1/approvals/{id}/note`). Needs a new code. Only
/// the person who asked can then open the values, for 24 hours, as long as the second officer could still approve it.
#[utoipa::path(tag = "disclosures", request_body = ApprovalDecision, responses((status = 200, body = ApprovalView), Problems))]
#[post("/approvals/{id}/decision")]
async fn approval_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let id = path_id(&path)?;
    let (approve, code) = call.body(&body, approval_decision).await?;
    let decided = call.agree(("approval", code), agrees, move |_, w| w.approval_decide(id, approve)).await?;
    Ok(HttpResponse::Ok().json(view(decided)))
}
