//! One-time links with which people choose their passwords.

use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::{id, seen_by};
use crate::api::Routes;
use crate::api::call::{Call, block};
use crate::api::input::InputReader;
use crate::api::problem::{Problem, Problems};
use crate::api::session::secret;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(account_invite).service(invitation_accept);
}

/// A one-time link with which a person chooses a password. It is shown this once.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// What goes into `POST /v1/invitations/acceptance`.
    token: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
}

/// Makes a one-time link with which the person chooses a password, for a new account or a forgotten one; earlier links end.
/// Hand it over yourself: this service sends no mail.
#[utoipa::path(tag = "accounts", responses((status = 201, body = Invitation), Problems))]
#[post("/accounts/{id}/invitations")]
async fn account_invite(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let of = id(&path)?;
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let made = call
        .as_viewer(move |call, session| {
            let viewer = &session.account.viewer;
            seen_by(viewer)?;
            let (token, ends) = call.app().identity.invite(viewer, of)?;
            Ok(Invitation { token, expires_at: ends.and_utc() })
        })
        .await?;
    Ok(HttpResponse::Created().json(made))
}

describe::input!(
    /// A link's token, and the password that was chosen.
    Acceptance,
    "A link's token, and the password that was chosen.",
    acceptance,
    {"token": "…", "new_password": "…"}
);

fn acceptance(input: &mut InputReader<'_>) -> Option<(Plain, Plain)> {
    let token = input.required("token", None, secret.about("As the invitation gave it."));
    let password = input.required(
        "new_password",
        None,
        secret.about("The password: at least 15 characters, and none that is guessed soon."),
    );
    Some((token?, password?))
}

/// Chooses a password with a one-time link. Sign in with it next.
#[utoipa::path(tag = "accounts", request_body = Acceptance, security(()), responses((status = 204, description = "Chosen"), Problems))]
#[post("/invitations/acceptance")]
async fn invitation_accept(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (token, password) = call.body(&body, acceptance).await?;
    block(move || Ok(call.app().identity.accept(token.expose(), password.expose())?)).await?;
    Ok(HttpResponse::NoContent().finish())
}
