//! What becomes of what a State submitted: the one form that steps and measures are decided with.

use utoipa::ToSchema;

use super::form::{self, Form};
use crate::domain::SubmissionStatus;

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
pub fn decision(form: &mut Form<'_>) -> Option<(bool, Option<String>)> {
    let status = form.required("status", None, form::code::<SubmissionStatus>);
    let reason = form.optional("reason", None, form::text(1_000));
    match status {
        Some(SubmissionStatus::Proposed) => form.fault("status", "must be accepted or returned"),
        Some(SubmissionStatus::Returned) if reason.is_none() => form.fault("reason", "required to return"),
        _ => {}
    }
    Some((status? == SubmissionStatus::Accepted, reason))
}
