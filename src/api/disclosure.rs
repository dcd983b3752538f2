//! Opening seals: the one route whose answers hold sealed values.

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::Call;
use super::form::{self, Context, Form, Input};
use super::list::Paging;
use super::problem::{Problem, Problems};
use crate::disclosure::{Given, Opened};
use crate::domain::{Noun, Purpose, Reference};
use crate::store::{DisclosureAsk, DisclosureRow, Page};
use seal::Plain;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(disclosure_create).service(disclosure_list);
}

/// What to open, and why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"record": "incidents/MINUSMA-2019-7KQ4", "class": "confidential", "purpose": "follow_up", "note": "Made-up note."}))]
pub struct DisclosureInput {
    /// Path of an incident, case, proceeding, assistance or measure, with its children.
    record: String,
    /// `confidential` or `strictly_confidential`.
    class: String,
    /// Only these fields; all of the class if absent.
    fields: Option<Vec<String>>,
    /// Why.
    purpose: Purpose,
    /// Why, in words: sealed.
    note: Option<String>,
}

/// A record, opened as far as the policy allows.
#[derive(Serialize, ToSchema)]
pub struct OpenedView {
    /// Path of the record.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A")]
    record: String,
    /// Its opened fields; null where a field holds nothing.
    fields: BTreeMap<&'static str, Option<String>>,
}

/// A field that stays sealed.
#[derive(Serialize, ToSchema)]
pub struct RefusedView {
    /// Path of the record.
    record: String,
    /// Field.
    field: &'static str,
    /// Why.
    #[schema(example = "needs_second_officer")]
    refusal: &'static str,
}

/// What a disclosure gave. It is on the record.
#[derive(Serialize, ToSchema)]
pub struct DisclosureView {
    /// Id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Opened records.
    opened: Vec<OpenedView>,
    /// Fields of the class that stay sealed.
    refused: Vec<RefusedView>,
}

/// An entry of the log of disclosures.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisclosureEntry {
    /// Id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Who.
    by: String,
    /// Role.
    role: String,
    /// Record.
    record: String,
    /// Class.
    class: String,
    /// Why.
    purpose: Purpose,
    /// Why it was refused; null when it was granted.
    refusal: Option<String>,
    /// Records with the fields that were opened, `path: field, field`.
    opened: Vec<String>,
}

/// A page of the log of disclosures.
#[derive(Serialize, ToSchema)]
pub struct DisclosurePage {
    items: Vec<DisclosureEntry>,
    next: Option<String>,
}

/// How the log is paged.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct DisclosureQuery {
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn record(input: &Input, _: &Context) -> Result<(Noun, String), String> {
    let Input::Text(text) = input else { return Err("must be text".into()) };
    let whole = || "must be the path of an incident, case, proceeding or assistance".to_owned();
    let (path, reference) = text.expose().split_once('/').ok_or_else(whole)?;
    [Noun::Incident, Noun::Case, Noun::Proceeding, Noun::Assistance, Noun::Measure]
        .into_iter()
        .find(|noun| noun.path() == path)
        .and_then(|noun| Some((noun, Reference::parse(noun, reference)?.to_string())))
        .ok_or_else(whole)
}

fn note(input: &Input, _: &Context) -> Result<Plain, String> {
    match input {
        Input::Text(text) if text.expose().chars().count() <= 2_000 => Ok(text.clone()),
        _ => Err("must be text of at most 2000 characters".into()),
    }
}

/// Opens the sealed fields of a record, of one class, for a stated purpose. The decision is logged before anything is
/// opened; a replayed request is a new disclosure.
#[utoipa::path(
    tag = "disclosures",
    request_body = DisclosureInput,
    responses((status = 201, body = DisclosureView), Problems)
)]
#[post("/disclosures")]
async fn disclosure_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let ask = Form::read(&call.context(), &body, |form| {
        let record = form.required("record", None, record);
        let class = form.required("class", None, form::class);
        let fields = form.required("fields", Some(Vec::new()), form::list_of(50, form::text(60)));
        let purpose = form.required("purpose", None, form::code);
        let note = form.optional("note", None, note);
        let (noun, reference) = record?;
        Some(DisclosureAsk { noun, reference, class: class?, fields: fields?, purpose: purpose?, note })
    })?;
    let view = call
        .as_viewer(move |call, session| {
            let app = call.app();
            let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
            let Given { id, at, records, refused } = desk.disclose(&app.store, &session.account.viewer, &ask)?;
            let opened = records
                .into_iter()
                .map(|Opened { path, fields }| OpenedView {
                    record: path,
                    fields: fields
                        .into_iter()
                        .map(|(name, value)| (name, value.map(|plain| plain.expose().to_owned())))
                        .collect(),
                })
                .collect();
            let refused = refused
                .into_iter()
                .map(|one| RefusedView { record: one.path, field: one.field, refusal: one.refusal.code() })
                .collect();
            Ok(DisclosureView { id, at: at.and_utc(), opened, refused })
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// The log of disclosures: your own; to a focal point those of its missions' records too; to an auditor all.
#[utoipa::path(
    tag = "disclosures",
    params(DisclosureQuery),
    responses((status = 200, body = DisclosurePage, content((DisclosurePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Problems)
)]
#[get("/disclosures")]
async fn disclosure_list(call: Call) -> Result<HttpResponse, Problem> {
    let paging = Form::query(&call.context(), &call.query, Paging::of)?;
    call.list(paging, move |viewer, r, part| {
        let page = r.disclosure_list(viewer, part.after, part.limit)?;
        Ok(Page { items: page.items.into_iter().map(entry).collect(), next: page.next })
    })
    .await
}

fn entry(row: DisclosureRow) -> DisclosureEntry {
    let DisclosureRow { id, at, by, role, record, class, purpose, refusal, items } = row;
    let opened = items.into_iter().map(|(path, fields)| format!("{path}: {}", fields.join(", "))).collect();
    DisclosureEntry { id, at: at.and_utc(), by, role, record, class, purpose, refusal, opened }
}
