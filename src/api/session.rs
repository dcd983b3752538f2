//! Signing in and out.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, delete, get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown, block};
use super::form::{Context, Form, Input};
use super::problem::{Problem, Problems};
use crate::domain::Role;
use crate::identity::{ACCESS_LASTS, Tokens};
use seal::Plain;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(session_begin).service(session_refresh).service(session_end).service(me);
}

/// Address and password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"email": "minusma.focal-point@casque.example", "password": "…"}))]
pub struct SignIn {
    /// Address of the account.
    email: String,
    /// Password.
    password: String,
}

/// A refresh token, to be used once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct Refresh {
    /// As the last answer gave it.
    refresh_token: String,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
pub struct TokenPair {
    /// Bearer token.
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the access token lives.
    #[schema(example = 900)]
    expires_in: i64,
    /// For the next pair; used twice, it ends the session.
    refresh_token: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Address.
    email: String,
    /// Name.
    name: String,
    /// Role.
    role: Role,
    /// Missions of a focal point.
    missions: Vec<String>,
    /// State of a member_state.
    state: Option<String>,
    /// Graded for disclosure.
    graded: bool,
}

fn secret(input: &Input, _: &Context) -> Result<Plain, String> {
    match input {
        Input::Text(text)
            if (1..=1_024).contains(&text.expose().len()) && !text.expose().chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err("must be text of 1 to 1024 bytes, without control characters".into()),
    }
}

fn answer(tokens: Tokens, status: u16) -> HttpResponse {
    let pair = TokenPair {
        access_token: tokens.access,
        token_type: "Bearer",
        expires_in: ACCESS_LASTS.num_seconds(),
        refresh_token: tokens.refresh,
    };
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(pair)
}

/// Signs in. An unknown address and a wrong password get the same answer after the same work.
#[utoipa::path(tag = "sessions", request_body = SignIn, security(()), responses((status = 201, body = TokenPair), Problems))]
#[post("/sessions")]
async fn session_begin(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (email, password) = Form::read(&call.context(), &body, |form| {
        let email = form.required("email", None, secret);
        let password = form.required("password", None, secret);
        Some((email?, password?))
    })?;
    let tokens = block(move || Ok(call.app().identity.sign_in(email.expose(), password.expose())?)).await?;
    Ok(answer(tokens, 201))
}

/// Takes a refresh token and gives the next pair. A token that was used before ends the session.
#[utoipa::path(tag = "sessions", request_body = Refresh, security(()), responses((status = 200, body = TokenPair), Problems))]
#[post("/sessions/refresh")]
async fn session_refresh(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let token = Form::read(&call.context(), &body, |form| form.required("refresh_token", None, secret))?;
    let tokens = block(move || Ok(call.app().identity.refresh(token.expose())?)).await?;
    Ok(answer(tokens, 200))
}

/// Signs out: the session's tokens are worth nothing from now on.
#[utoipa::path(tag = "sessions", responses((status = 204, description = "Signed out"), Problems))]
#[delete("/sessions/current")]
async fn session_end(call: Call) -> Result<HttpResponse, Problem> {
    call.as_viewer(|call, session| Ok(call.app().identity.sign_out(session)?)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who is signed in, with role and scope.
#[utoipa::path(tag = "sessions", responses((status = 200, body = Me), Problems))]
#[get("/me")]
async fn me(call: Call) -> Result<HttpResponse, Problem> {
    let me = call
        .as_viewer(|_, session| {
            let account = &session.account;
            Ok(Me {
                email: account.email.clone(),
                name: account.name.clone(),
                role: account.viewer.role,
                missions: account.viewer.missions.clone(),
                state: account.viewer.state.clone(),
                graded: account.viewer.graded,
            })
        })
        .await?;
    call.one(&Shown::plain(me))
}
