//! What the service says of itself: health, keys of tokens.

use actix_web::{HttpResponse, get, web};

use serde::Serialize;

use super::call::{App, block};
use super::problem::Problem;
use crate::store::Check;

/// The process answers.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/healthz")]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// How a node stands: to its operator, on an address of its own.
#[derive(Serialize)]
struct Readiness {
    /// Whether it can do its work.
    ready: bool,
    /// What that rests on, and what else its operator should know.
    checks: Vec<Check>,
}

async fn look(app: web::Data<App>) -> Result<Readiness, Problem> {
    let checks = block(move || Ok(app.store.checks())).await?;
    Ok(Readiness { ready: checks.iter().all(|check| check.ok || !check.required), checks })
}

/// The node can do its work: its database answers, takes writes where the node writes, and where it only reads keeps up with
/// its primary; the audit log goes on from what was signed, is signed, and is in the ledger; and what is sealed can be opened.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
pub(super) async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    if look(app).await?.ready {
        Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
    } else {
        // Why is for the operator, on the other address.
        Err(Problem::of("busy"))
    }
}

/// The same for the node's operator, with everything that was looked at.
pub(super) async fn readiness(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let readiness = look(app).await?;
    let mut answer = if readiness.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    Ok(answer.json(readiness))
}

/// The verifier keys of the audit log, one a line, the present one first (C2SP signed-note): with them anyone verifies the log's
/// checkpoints. Compare them with what the operator published elsewhere.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/.well-known/audit-keys")]
pub(super) async fn audit_keys(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(format!("{}\n", app.store.log_keys()))
}

/// Public keys that verify access tokens (RFC 7517).
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = Object), (status = 503, body = Problem, content_type = "application/problem+json")))]
#[get("/.well-known/jwks.json")]
pub(super) async fn jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(app.identity.jwks())
}
