//! `Idempotency-Key` on every POST: what was done once is not done twice, and is answered as it was. Where a handler makes its record and keeps
//! the key in one transaction (`Call::post`), it does so by itself; of every other POST the key is taken here before, and settled after.

use actix_web::body::{BoxBody, to_bytes_limited};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, ResponseError as _};

use super::call::{App, block};
use super::key::read_key;
use super::problem::Problem;
use crate::policy::Viewer;
use crate::store::{Access, Claim, Idempotency};

/// Answers of these hold what is sealed or secret: they are kept nowhere.
fn is_secret(path: &str) -> bool {
    path.starts_with("/v1/disclosures")
        || path.starts_with("/v1/me/")
        || path.ends_with("/note")
        || path.ends_with("/keys")
        || path.ends_with("/invitations")
}

/// A key that was taken for a request that is being worked on.
pub struct Once {
    app: Data<App>,
    viewer: Viewer,
    asked: Idempotency,
    secret: bool,
}

/// An answer is kept up to this many bytes.
const LONGEST: usize = 64 << 10;

/// Takes the key of a request; or gives the answer, where there is one already. Who is not signed in is told so by the handler.
///
/// # Errors
/// 400 for what is no key; 409 when it was used with another body, or nobody knows what became of it; 503 while another works under it.
pub async fn claim(app: Data<App>, token: String, path: String, key: String, body: Bytes) -> Result<Taken, Problem> {
    let asked = read_key(&path, &key, &body)?;
    let secret = is_secret(&path);
    block(move || {
        if app.store.access() == Access::ReadOnly {
            return Ok(Taken::Not);
        }
        let Ok(session) = app.identity.authenticate(&token) else { return Ok(Taken::Not) };
        let viewer = session.account.viewer.clone();
        let conflict = |why: &str| Err(Problem::of("conflict").with_detail(why));
        match app.store.claim(&viewer, &asked)? {
            Claim::Fresh => Ok(Taken::Once(Once { app: app.clone(), viewer, asked, secret })),
            Claim::Running => Err(Problem::of("busy")),
            Claim::CutOff => conflict(
                "An earlier request with this Idempotency-Key was interrupted. Check whether it was done, then use another key.",
            ),
            Claim::Done(..) if secret => conflict(
                "This request was already done with this Idempotency-Key. The answer is not kept, because it contained sealed or secret values.",
            ),
            Claim::Done(status, answer) => Ok(Taken::Answered(status, answer)),
        }
    })
    .await
}

/// What became of a request's key.
pub enum Taken {
    /// It has none, or its handler keeps it.
    Not,
    /// It was taken, and is settled with the answer.
    Once(Once),
    /// It was done before, and answered so.
    Answered(u16, String),
}

/// The answer that was given before.
pub fn again(status: u16, answer: String) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK));
    if answer.is_empty() { response.finish() } else { response.content_type("application/json").body(answer) }
}

impl Once {
    /// Keeps the answer of what was done; of what was refused it lets the key go.
    pub async fn settle(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let Self { app, viewer, asked, secret } = self;
        let status = response.status();
        let settled = |kept: Result<(), Problem>| {
            if let Err(problem) = kept {
                // Who asks again is told that it was cut off.
                tracing::error!(%problem, "an Idempotency-Key was not settled");
            }
        };
        if !status.is_success() || secret {
            let answered = status.is_success().then_some((status.as_u16(), ""));
            settled(block(move || Ok(app.store.claim_end(&viewer, &asked, answered)?)).await);
            return response;
        }
        let (request, response) = response.into_parts();
        let (response, body) = response.into_parts();
        let Ok(Ok(body)) = to_bytes_limited(body, LONGEST).await else {
            return ServiceResponse::new(request, Problem::of("internal").error_response());
        };
        let answer = String::from_utf8_lossy(&body).into_owned();
        settled(block(move || Ok(app.store.claim_end(&viewer, &asked, Some((status.as_u16(), &answer)))?)).await);
        ServiceResponse::new(request, response.set_body(BoxBody::new(body)))
    }
}
