//! Errors as RFC 9457 problems: the one place that knows status codes.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::disclosure::NotGiven;
use crate::domain::Fault;
use crate::identity::Refused;
use crate::store::Error;

/// A problem (RFC 9457), `application/problem+json`. It never repeats what was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Stable identifier of the kind of problem; `docs/problems.md` describes each.
    #[serde(rename = "type")]
    #[schema(example = "urn:casque:problem:invalid")]
    pub kind: String,
    /// The kind in words.
    #[schema(example = "The request is not valid")]
    pub title: &'static str,
    /// HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// This occurrence in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Every fault, by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// When it may be tried again: said in `Retry-After`.
    #[serde(skip)]
    pub again_in: Option<Duration>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.kind)
    }
}

/// Every kind of problem: its status, name and title.
pub const KINDS: &[(u16, &str, &str)] = &[
    (400, "invalid", "The request is not valid"),
    (401, "unauthenticated", "Sign in first"),
    (403, "denied", "You may not do this"),
    (403, "sealed", "The fields stay sealed"),
    (403, "second_factor", "A second factor is needed"),
    (404, "not_found", "There is no such record"),
    (405, "method_not_allowed", "This resource has no such method"),
    (406, "not_acceptable", "This format is not offered"),
    (408, "timed_out", "The request took too long"),
    (409, "conflict", "The present status does not allow this"),
    (409, "needs_confirmation", "This looks odd. Correct it, or confirm it"),
    (410, "withdrawn", "The record is withdrawn, or no longer concerns you"),
    (412, "stale", "The record changed after you last read it"),
    (413, "too_large", "The body is too large"),
    (415, "media_type", "The body's media type is not supported"),
    (421, "elsewhere", "Use another node of this service"),
    (428, "precondition_required", "If-Match is required"),
    (429, "throttled", "Too many attempts"),
    (500, "internal", "The service failed"),
    (503, "busy", "The service is busy. Try again later"),
    (503, "unconfirmed", "The database was restored, and the restore is not confirmed yet"),
    (503, "unproved", "The audit log does not continue from its last signed checkpoint"),
    (507, "full", "The database's disk is full"),
];

impl Problem {
    /// A problem of a kind in [`KINDS`].
    pub fn of(name: &'static str) -> Self {
        let (status, name, title) = KINDS.iter().find(|(_, known, _)| *known == name).copied().unwrap_or((
            500,
            "internal",
            "The service failed",
        ));
        Self {
            kind: format!("urn:casque:problem:{name}"),
            title,
            status,
            detail: None,
            errors: Vec::new(),
            again_in: None,
        }
    }

    /// The same with words on this occurrence.
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// An invalid request.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::of("invalid") }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::of("not_found"),
            Error::Withdrawn => Self::of("withdrawn"),
            Error::PreconditionFailed => Self::of("stale"),
            Error::Conflict(why) => Self::of("conflict").with_detail(why),
            Error::Denied(why) => Self::of("denied").with_detail(why.to_string()),
            Error::Invalid(faults) => Self::invalid(faults),
            Error::NeedsConfirmation(errors) => Self { errors, ..Self::of("needs_confirmation") },
            Error::Busy | Error::Unavailable => Self::of("busy"),
            Error::Full => {
                tracing::error!("the database's disk is full");
                Self::of("full")
            }
            Error::Unwritten(why) => {
                tracing::error!(why, "a file");
                Self::of("internal")
            }
            Error::Unproved => Self::of("unproved")
                .with_detail("Nobody can sign in or open sealed values until the operator has checked the audit log."),
            Error::Unconfirmed => Self::of("unconfirmed").with_detail(
                "Until an officer and an administrator confirm what the restore undid, the service answers nobody else.",
            ),
            Error::Keys(why) => {
                tracing::error!(why, "class keys");
                Self::of("busy")
            }
            Error::WrongNode => Self::of("elsewhere"),
            Error::CodeUsed => Refused::SecondFactor.into(),
            Error::Seal(seal::Error::TooLong(_)) => Self::of("too_large"),
            // The class keys are not to be trusted: that was told in the log.
            Error::Seal(seal::Error::NoEpoch(_)) => Self::of("busy"),
            Error::Seal(error) => {
                tracing::error!(%error, "sealing failed");
                Self::of("internal")
            }
            Error::Corrupt { table, column, .. } => {
                tracing::error!(table, column, "corrupt row");
                Self::of("internal")
            }
            Error::Database(kind) => {
                tracing::error!(kind, "the database failed");
                Self::of("internal")
            }
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unauthenticated => Self::of("unauthenticated"),
            Refused::SecondFactor => {
                Self::of("second_factor").with_detail("The code is wrong or was already used. A code works once.")
            }
            Refused::Invalid(fault) => Self::invalid(vec![fault]),
            Refused::TooMany => Self::of("busy"),
            Refused::Provider(why) => {
                tracing::error!(%why, "single sign-on");
                Self::of("busy").with_detail("The single sign-on provider does not answer.")
            }
            Refused::Throttled(wait) => Self { again_in: Some(wait), ..Self::of("throttled") },
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<NotGiven> for Problem {
    fn from(refused: NotGiven) -> Self {
        match refused {
            NotGiven::Refused(refusal) => Self::of("sealed").with_detail(refusal.code()),
            NotGiven::Store(error) => error.into(),
            NotGiven::Damaged(error) => {
                tracing::error!(%error, "a granted value did not open");
                Self::of("internal")
            }
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        match self.status {
            401 => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            429 | 503 => {
                let seconds = self.again_in.map_or(1, |wait| wait.as_secs() + 1);
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            _ => {}
        }
        response.body(serde_json::to_string(self).unwrap_or_default())
    }
}

/// The problems that any operation may answer with, for the API's description.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the description reads it")]
pub enum Problems {
    /// The request is not valid: every fault is listed by pointer.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
    /// There is no bearer token, or it is no longer valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// Your role does not allow this, another person or a second factor is needed, or the fields stay sealed.
    #[response(status = 403, content_type = "application/problem+json")]
    Denied(Problem),
    /// There is no such record in your scope. A record that does not exist gets the same answer.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The body did not come in time.
    #[response(status = 408, content_type = "application/problem+json")]
    TimedOut(Problem),
    /// The record's status does not allow it, something looks odd and is not confirmed, or the idempotency key was used with another body.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body's media type is not understood.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(Problem),
    /// This node only reads, or has no private keys. Use another node.
    #[response(status = 421, content_type = "application/problem+json")]
    Elsewhere(Problem),
    /// Too many attempts: try again after `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    Throttled(Problem),
    /// The service failed.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// The service is busy; try again after `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(Problem),
    /// The database's disk is full: you can read, but you can add nothing.
    #[response(status = 507, content_type = "application/problem+json")]
    Full(Problem),
}

/// What a read may answer besides: the tombstone of a record that was within scope once.
#[derive(utoipa::IntoResponses)]
#[response(
    status = 410,
    content_type = "application/problem+json",
    description = "The record is withdrawn, or it no longer concerns you."
)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct Tombstone(#[to_schema] Problem);

/// A record that is as the client knows it.
#[derive(utoipa::IntoResponses)]
#[response(status = 304, description = "Not changed: the ETag is still one that `If-None-Match` names.")]
pub struct NotModified;

/// A list that is asked for in a format which it has not.
#[derive(utoipa::IntoResponses)]
#[response(
    status = 406,
    content_type = "application/problem+json",
    description = "This list does not come in any format that `Accept` names."
)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct NotAcceptable(#[to_schema] Problem);

/// What a PATCH may answer besides.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only the description reads it")]
pub enum Preconditions {
    /// The record changed: its ETag is not the one in `If-Match`.
    #[response(status = 412, content_type = "application/problem+json")]
    Stale(Problem),
    /// `If-Match` is missing.
    #[response(status = 428, content_type = "application/problem+json")]
    Required(Problem),
}
