//! Signing in and out.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown, block};
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::problem::{NotModified, Problem, Problems};
use crate::identity::{ACCESS_LASTS, Tokens};
use crate::policy::{Action, Scope, authorize};
use crate::store::{Error, Id};
use seal::Plain;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(session_begin)
        .service(single_sign_on_begin)
        .service(single_sign_on)
        .service(session_refresh)
        .service(session_list)
        .service(session_end)
        .service(session_end_one);
}

describe::input!(
    /// Address, password, and a code of the second factor.
    SignIn,
    "Address, password, and a code of the second factor.",
    sign_in,
    {"email": "minusma.focal-point@casque.example", "password": "…", "code": "123456"}
);

fn sign_in(input: &mut InputReader<'_>) -> Option<(Plain, Plain, Option<Plain>)> {
    let email = input.required("email", None, secret.about("Address of the account."));
    let password = input.required("password", None, secret.about("Password."));
    let code = input.optional(
        "code",
        None,
        secret.about("The present code of the second factor, or a recovery code; absent while there is none."),
    );
    Some((email?, password?, code))
}

/// Where a person signs in with the provider.
#[derive(Serialize, ToSchema)]
pub struct SingleSignOnBegun {
    /// The provider's page, which the person opens; it comes back to the client with `code` and `state`.
    #[schema(example = "https://login.example/authorize?response_type=code&…")]
    page: String,
    /// What the client keeps meanwhile, for ten minutes at most: of use to nobody else.
    sign_on: String,
}

describe::input!(
    /// What the provider sent a person back with.
    SingleSignOn,
    "What the provider sent a person back with.",
    completion,
    {"sign_on": "…", "state": "…", "authorization_code": "…", "code": "123456"}
);

fn completion(input: &mut InputReader<'_>) -> Option<(Plain, Plain, Plain, Option<Plain>)> {
    let kept = input.required("sign_on", None, secret.about("What was kept."));
    let state = input.required("state", None, secret.about("The provider's `state`."));
    // Some providers' codes are long.
    let authorization =
        input.required("authorization_code", None, |input: &InputValue, _: &Context| secret_of(input, 8_192));
    let code = input.optional(
        "code",
        None,
        secret.about("The present code of the second factor here, or a recovery code; absent while there is none."),
    );
    Some((kept?, state?, authorization?, code))
}

describe::input!(
    /// A refresh token, to be used once.
    Refresh,
    "A refresh token, to be used once.",
    refresh,
    null
);

fn refresh(input: &mut InputReader<'_>) -> Option<Plain> {
    input.required("refresh_token", None, secret.about("As the last answer gave it."))
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

/// What somebody knows, and nobody repeats.
pub(super) fn secret(input: &InputValue, _: &Context) -> Result<Plain, String> {
    secret_of(input, 1_024)
}

fn secret_of(input: &InputValue, longest: usize) -> Result<Plain, String> {
    match input {
        InputValue::Text(text)
            if (1..=longest).contains(&text.expose().len()) && !text.expose().chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(format!("must be text of 1 to {longest} bytes, without control characters")),
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

/// Signs in. An unknown address, a wrong password and a wrong code get the same answer. A code works once. A person who has no second
/// factor yet gets a session in which they can set one up (`POST /v1/me/second-factor`), and nothing else. After too many attempts the caller must wait (429). A stranger's attempts do not block a person who signs in from a network that they used before.
#[utoipa::path(tag = "sessions", request_body = SignIn, security(()), responses((status = 201, body = TokenPair), Problems))]
#[post("/sessions")]
async fn session_begin(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (email, password, code) = call.body(&body, sign_in).await?;
    let network = call.network;
    let tokens = block(move || {
        let code = code.as_ref().map(Plain::expose);
        Ok(call.app().identity.sign_in(email.expose(), password.expose(), code, network)?)
    })
    .await?;
    Ok(answer(tokens, 201))
}

/// Begins a sign-in with the operator's provider of single sign-on (OpenID Connect, authorization code with PKCE). 404 where there is none.
#[utoipa::path(tag = "sessions", security(()), responses((status = 201, body = SingleSignOnBegun), Problems))]
#[post("/sessions/single-sign-on")]
async fn single_sign_on_begin(call: Call) -> Result<HttpResponse, Problem> {
    let network = call.network;
    let begun = block(move || Ok(call.app().identity.single_sign_on_begin(network)?)).await?;
    Ok(HttpResponse::Created().json(SingleSignOnBegun { page: begun.page, sign_on: begun.kept }))
}

/// Completes a single sign-on. The provider replaces only the password: this service still asks for the second factor. A person who
/// has no account here gets the same answer as for a wrong password.
#[utoipa::path(tag = "sessions", request_body = SingleSignOn, security(()), responses((status = 201, body = TokenPair), Problems))]
#[post("/sessions/single-sign-on/completion")]
async fn single_sign_on(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (kept, state, authorization, code) = call.body(&body, completion).await?;
    let network = call.network;
    let tokens = block(move || {
        let given = (kept.expose(), state.expose(), authorization.expose());
        Ok(call.app().identity.single_sign_on(given, code.as_ref().map(Plain::expose), network)?)
    })
    .await?;
    Ok(answer(tokens, 201))
}

/// Takes a refresh token and gives the next pair. A token that was used before ends the session; but within 30 seconds one
/// retry is accepted, because an answer may be lost on a bad link. The tokens of the lost answer are then void.
#[utoipa::path(tag = "sessions", request_body = Refresh, security(()), responses((status = 200, body = TokenPair), Problems))]
#[post("/sessions/refresh")]
async fn session_refresh(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let token = call.body(&body, refresh).await?;
    let tokens = block(move || Ok(call.app().identity.refresh(token.expose())?)).await?;
    Ok(answer(tokens, 200))
}

/// A live session.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    #[schema(example = "0198a1b2c3d4e5f60718293a4b5c6d7e")]
    id: String,
    /// When it was begun.
    started_at: DateTime<Utc>,
    /// When its tokens were last given.
    refreshed_at: DateTime<Utc>,
    /// When it ends, refreshed or not.
    expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

/// Live sessions.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    /// The newest first.
    items: Vec<SessionView>,
    /// Always null: the list is whole.
    #[schema(value_type = Option<String>)]
    next: Option<()>,
}

/// Your live sessions; to an administrator, those of the account that `account` names.
#[utoipa::path(tag = "sessions", params(("account" = Option<String>, Query, description = "Id of an account (administrator)")), responses((status = 200, body = Sessions), NotModified, Problems))]
#[get("/sessions")]
async fn session_list(call: Call) -> Result<HttpResponse, Problem> {
    let account =
        InputReader::query(&call.context(), &call.query, |input| Some(input.optional("account", None, input::id())))?;
    let sessions = call
        .as_arriving(move |call, session| {
            let store = &call.app().store;
            store.signs_in()?;
            let viewer = &session.account.viewer;
            if account.is_some() {
                call.session()?;
                authorize(viewer, Action::Administer).map_err(Error::from)?;
            }
            let lines = store.read(&Scope::Nothing, |r| {
                let of = match &account {
                    None => Some(session.account.id),
                    Some(of) => r.account_get(*of)?.map(|found| found.id),
                };
                r.session_list(of.ok_or(Error::NotFound)?)
            })?;
            let items = lines.into_iter().map(|line| SessionView {
                id: line.id.to_string(),
                started_at: line.started_at.and_utc(),
                refreshed_at: line.refreshed_at.and_utc(),
                expires_at: line.expires_at.and_utc(),
                current: line.id == session.id,
            });
            Ok(Sessions { items: items.collect(), next: None })
        })
        .await?;
    call.one(&Shown::plain(sessions))
}

/// Ends a session, your own or, as an administrator, anyone's: its tokens are worth nothing from now on.
#[utoipa::path(tag = "sessions", responses((status = 204, description = "Ended"), Problems))]
#[delete("/sessions/{id}")]
async fn session_end_one(call: Call, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    call.as_arriving(move |call, session| {
        let id = Id::parse(&id).ok_or_else(|| Problem::of("not_found"))?;
        if id != session.id {
            call.session()?;
        }
        Ok(call.app().store.session_end(&session.account.viewer, id)?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs out: the session's tokens are worth nothing from now on.
#[utoipa::path(tag = "sessions", responses((status = 204, description = "Signed out"), Problems))]
#[delete("/sessions/current")]
async fn session_end(call: Call) -> Result<HttpResponse, Problem> {
    call.as_arriving(|call, session| Ok(call.app().store.session_end(&session.account.viewer, session.id)?)).await?;
    Ok(HttpResponse::NoContent().finish())
}
