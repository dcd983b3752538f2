//! The audit log, and its signed checkpoint.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, InputReader, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Problem, Problems};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{CheckpointsShown, Error, Id, InclusionProof, LoggedEntry, Page};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(audit_list).service(checkpoint).service(inclusion).service(consistency).service(tile);
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

describe::query!(
    /// What the log is narrowed to.
    AuditQuery,
    audit_query
);

fn audit_query(input: &mut InputReader<'_>) -> Option<(Option<String>, Paging)> {
    let action = input.optional("action", None, input::text(60).about("Only this action."));
    Some((action, Paging::of(input)?))
}

/// The audit log, newest first (auditors).
#[utoipa::path(
    tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = EntryPage, content((EntryPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/audit")]
async fn audit_list(call: Call) -> Result<HttpResponse, Problem> {
    let (action, paging) = InputReader::query(&call.context(), &call.query, audit_query)?;
    call.list(paging, move |viewer, r, part| {
        authorize(viewer, Action::Audit)?;
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
        Ok(Page { items, next: page.next, gone: Vec::new() })
    })
    .await
}

/// Which checkpoints a viewer is shown: of the size of the log as it grows nobody but an auditor reads what goes on.
fn shown(viewer: &Viewer) -> CheckpointsShown {
    if authorize(viewer, Action::Audit).is_ok() { CheckpointsShown::Each } else { CheckpointsShown::Hourly }
}

/// The last signed checkpoint of the audit log (C2SP tlog-checkpoint). People who are not auditors get the last one of the hour before. Keep it elsewhere:
/// with it anyone can show that the log was not rewritten since.
#[utoipa::path(tag = "audit", responses((status = 200, body = String, content_type = "text/plain"), Problems))]
#[get("/audit/checkpoint")]
async fn checkpoint(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let note = call.read(|viewer, r| Ok(r.checkpoint_shown(shown(viewer))?.ok_or(Error::NotFound)?.note)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}

/// That an entry is in the tree: everything that it takes to check it (RFC 6962, 2.1.1). The leaf is SHA-256 of the salt and the
/// entry, hashed as a leaf.
#[derive(Serialize, ToSchema)]
pub struct InclusionView {
    /// Place of the entry.
    leaf: u64,
    /// Leaves of the tree.
    size: u64,
    /// The entry as hashed.
    entry: String,
    /// The salt, hexadecimal.
    salt: String,
    /// The hashes beside its way to the root, hexadecimal.
    hashes: Vec<String>,
}

fn hexadecimal(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

/// The proof that an entry is in the tree that the last checkpoint covers, or in one of another `size` (auditors).
/// `casque audit check` checks it, and so does any tool that knows RFC 6962.
#[utoipa::path(tag = "audit", params(("size" = Option<u64>, Query, description = "Leaves of the tree")), responses((status = 200, body = InclusionView), NotModified, Problems))]
#[get("/audit/entries/{id}/proof")]
async fn inclusion(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = Id::parse(&path).ok_or_else(|| Problem::of("not_found"))?;
    let size = InputReader::query(&call.context(), &call.query, |input| Some(input.optional("size", None, leaves())))?;
    let proof = call
        .read(move |viewer, r| {
            authorize(viewer, Action::Audit)?;
            let size = match size {
                Some(size) => size,
                None => r.checkpoint_latest()?.ok_or(Error::NotFound)?.size,
            };
            r.audit_inclusion(id, Some(size))?.ok_or(Error::NotFound)
        })
        .await?;
    let InclusionProof { leaf, size, body, salt, hashes } = proof;
    let hashes = hexadecimal(&hashes);
    call.one(&Shown::plain(InclusionView { leaf, size, entry: body, salt: hex::encode(salt), hashes }))
}

fn leaves() -> impl input::Reader<u64> {
    input::integer(1, i64::MAX)
}

/// That one tree extends another (RFC 6962, 2.1.2).
#[derive(Serialize, ToSchema)]
pub struct ConsistencyView {
    /// Leaves of the older tree.
    from: u64,
    /// Leaves of the newer one.
    to: u64,
    /// The proof's hashes, hexadecimal.
    hashes: Vec<String>,
}

/// The proof that the tree of `to` leaves extends that of `from`: that what an older checkpoint covers was not rewritten.
/// Between checkpoints that you are shown, and no other sizes.
#[utoipa::path(tag = "audit", params(("from" = u64, Query, description = "Leaves of the older tree"), ("to" = u64, Query, description = "Leaves of the newer one")), responses((status = 200, body = ConsistencyView), NotModified, Problems))]
#[get("/audit/consistency")]
async fn consistency(call: Call) -> Result<HttpResponse, Problem> {
    let (from, to) = InputReader::query(&call.context(), &call.query, |input| {
        let from = input.required("from", None, leaves());
        let to = input.required("to", None, leaves());
        Some((from?, to?))
    })?;
    let hashes =
        call.read(move |viewer, r| r.audit_consistency(from, to, shown(viewer))?.ok_or(Error::NotFound)).await?;
    call.one(&Shown::plain(ConsistencyView { from, to, hashes: hexadecimal(&hashes) }))
}

/// A tile of the tree's hashes (C2SP tlog-tiles: `0/x001/067`, `0/x001/067.p/12`), with which any verifier checks the tree that a
/// checkpoint covers. It holds hashes alone: entries are salted, and for auditors.
#[utoipa::path(path = "/audit/tile/{tile}", tag = "audit", responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Problems))]
#[get("/audit/tile/{tile:.*}")]
async fn tile(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let tile = path.into_inner();
    let bytes = call.read(move |viewer, r| r.audit_tile(&tile, shown(viewer))?.ok_or(Error::NotFound)).await?;
    Ok(HttpResponse::Ok().content_type("application/octet-stream").body(bytes))
}
