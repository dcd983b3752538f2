//! The audit log, and its signed checkpoint.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::Call;
use super::form::{self, Form};
use super::list::Paging;
use super::problem::{Problem, Problems};
use crate::policy::{Deed, may};
use crate::store::{Error, LoggedEntry, Page};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(audit_list).service(checkpoint);
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Place in the tree; null until it is placed, within a second.
    leaf: Option<i64>,
    /// What was done.
    #[schema(example = "disclosure.grant")]
    action: String,
    /// To what.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4")]
    subject: String,
    /// The entry as hashed. It names fields and records, never values.
    #[schema(value_type = Object)]
    entry: Value,
}

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub struct EntryPage {
    items: Vec<EntryView>,
    next: Option<String>,
}

/// What the log is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct AuditQuery {
    /// Only this action.
    action: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

/// The audit log, newest first (auditors).
#[utoipa::path(
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = EntryPage, content((EntryPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Problems)
)]
#[get("/audit")]
async fn audit_list(call: Call) -> Result<HttpResponse, Problem> {
    let (action, paging) = Form::query(&call.context(), &call.query, |form| {
        let action = form.optional("action", None, form::text(60));
        Some((action, Paging::of(form)?))
    })?;
    call.list(paging, move |viewer, r, part| {
        may(viewer, Deed::Audit)?;
        let page = r.audit_list(action.as_deref(), part.after, part.limit)?;
        let items = page
            .items
            .into_iter()
            .map(|LoggedEntry { id, at, leaf, action, subject, body }| EntryView {
                id,
                at: at.and_utc(),
                leaf,
                action,
                subject,
                entry: serde_json::from_str(&body).unwrap_or(Value::Null),
            })
            .collect();
        Ok(Page { items, next: page.next })
    })
    .await
}

/// The last signed checkpoint of the audit log (C2SP tlog-checkpoint). Keep it elsewhere: with it anyone can show that the
/// log was not rewritten since.
#[utoipa::path(tag = "audit", responses((status = 200, body = String, content_type = "text/plain"), Problems))]
#[get("/audit/checkpoint")]
async fn checkpoint(call: Call) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let note = call.read(|_, r| Ok(r.checkpoint_latest()?.ok_or(Error::NotFound)?.note)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}
