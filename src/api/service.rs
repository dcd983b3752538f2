//! What the service says of itself: health, keys of tokens.

use actix_web::{HttpResponse, get, web};

use super::call::{App, block};
use super::problem::Problem;

/// The process answers.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/healthz")]
pub(super) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// The node can do its work: its database answers, takes writes where the node writes, and where it only reads keeps up with
/// its primary.
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem, content_type = "application/problem+json")))]
#[get("/readyz")]
pub(super) async fn readyz(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    block(move || Ok(app.store.ready()?)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}

/// Public keys that verify access tokens (RFC 7517).
#[utoipa::path(tag = "service", security(()), responses((status = 200, body = Object), (status = 503, body = Problem, content_type = "application/problem+json")))]
#[get("/.well-known/jwks.json")]
pub(super) async fn jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().json(app.identity.jwks())
}
