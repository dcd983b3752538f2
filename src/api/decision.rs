//! What becomes of what was proposed: the one form in which proposals are decided.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::{Call, Made, Shown};
use super::form::{self, Form};
use super::problem::Problem;
use crate::domain::SubmissionStatus;
use crate::policy::{Deed, Viewer, may};
use crate::store::{Read, Result as StoreResult, Write};

/// What becomes of a proposal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `decision` reads the body")]
#[schema(example = json!({"status": "accepted"}))]
pub struct DecisionInput {
    /// `accepted` or `returned`.
    status: SubmissionStatus,
    /// Why; required to return.
    reason: Option<String>,
}

/// Whether a proposal is accepted, and why not.
fn decision(form: &mut Form<'_>) -> Option<(bool, Option<String>)> {
    let status = form.required("status", None, form::code::<SubmissionStatus>);
    let reason = form.optional("reason", None, form::text(1_000));
    match status {
        Some(SubmissionStatus::Proposed) => form.fault("status", "must be accepted or returned"),
        Some(SubmissionStatus::Returned) if reason.is_none() => form.fault("reason", "required to return"),
        _ => {}
    }
    Some((status? == SubmissionStatus::Accepted, reason))
}

/// Decides on a proposal, on a node that signs people in: finds it, judges who decides, and shows what it became.
///
/// # Errors
/// 400; 403 for others than officers; 404; 421 on a node without keys; those of `decide`.
pub async fn decide<P: Send + 'static, T: Serialize + Send + 'static>(
    call: &Call,
    body: &Bytes,
    target: String,
    find: impl FnOnce(&mut Write<'_>) -> StoreResult<P> + Send + 'static,
    decide: impl FnOnce(&mut Write<'_>, &P, bool, Option<String>) -> StoreResult<()> + Send + 'static,
    show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.app().store.signs_in()?;
    let (accept, reason) = call.form(body, decision).await?;
    call.post(
        body,
        move |viewer, w| {
            let of = find(w)?;
            may(viewer, Deed::Decide)?;
            decide(w, &of, accept, reason)?;
            Ok(Made { status: 200, target })
        },
        show,
    )
    .await
}
