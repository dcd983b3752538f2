//! One's own account: who one is, password, second factor.

use crate::api::input::InputReader;
use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::problem::{NotModified, Problem, Problems};
use super::session::secret;
use crate::domain::{NoticeKind, Role, StateFunction};
use crate::policy::Scope;
use seal::Plain;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(me).service(password_change).service(factor_begin).service(factor_confirm);
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
    /// What a member_state does for its State.
    state_function: Option<StateFunction>,
    /// Whether it is a State's own system.
    machine: bool,
    /// Graded for disclosure.
    graded: bool,
    /// Last day of the account's term (UTC).
    to_on: Option<NaiveDate>,
    /// Whether this session was begun with a second factor: without, only what is about one's own account answers.
    assured: bool,
    /// Recovery codes that were not used.
    recovery_codes_left: i64,
    /// Until then the account opens no seals: its second factor was reset lately.
    opens_from: Option<DateTime<Utc>>,
    /// What happened to the account in the last thirty days, the newest first.
    notices: Vec<Notice>,
}

/// Something that a person is told about their own account.
#[derive(Serialize, ToSchema)]
pub struct Notice {
    /// When.
    at: DateTime<Utc>,
    /// What.
    kind: NoticeKind,
}

/// Shows who is signed in, with role and scope, and what happened to the account recently.
#[utoipa::path(tag = "me", responses((status = 200, body = Me), NotModified, Problems))]
#[get("/me")]
async fn me(call: Call) -> Result<HttpResponse, Problem> {
    let me = call
        .as_arriving(|call, session| {
            let account = &session.account;
            let (notices, left) = call.app().store.read(&Scope::Nothing, |r| {
                // A node that signs nobody in is not shown what second factors are made of.
                let left = if call.app().store.signs_in().is_ok() { r.recovery_left(account.id)? } else { 0 };
                Ok((r.notice_list(account.id)?, left))
            })?;
            let now = call.app().store.now();
            Ok(Me {
                email: account.email.clone(),
                name: account.name.clone(),
                role: account.viewer.role,
                missions: account.viewer.missions.clone(),
                state: account.viewer.state.clone(),
                state_function: account.viewer.state_function,
                machine: account.viewer.machine,
                graded: account.viewer.graded,
                to_on: account.rights.to_on,
                assured: session.assured,
                recovery_codes_left: left,
                opens_from: account.viewer.opens_from.filter(|from| now < *from).map(|from| from.and_utc()),
                notices: notices.into_iter().map(|(at, kind)| Notice { at: at.and_utc(), kind }).collect(),
            })
        })
        .await?;
    call.one(&Shown::plain(me))
}

describe::input!(
    /// The present password, and the new one.
    PasswordChange,
    "The present password, and the new one.",
    read_password_change,
    {"password": "…", "new_password": "…"}
);

fn read_password_change(input: &mut InputReader<'_>) -> Option<(Plain, Plain)> {
    let old = input.required("password", None, secret.about("Your password."));
    let new = input.required(
        "new_password",
        None,
        secret.about("The new one: at least 15 characters, and none that is guessed soon."),
    );
    Some((old?, new?))
}

/// Changes your password; your other sessions end.
#[utoipa::path(tag = "me", request_body = PasswordChange, responses((status = 204, description = "Changed"), Problems))]
#[post("/me/password")]
async fn password_change(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (old, new) = call.body(&body, read_password_change).await?;
    call.as_viewer(move |call, session| {
        Ok(call.app().identity.password_change(session, old.expose(), new.expose())?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

describe::input!(
    /// Your password, and a code of the second factor that is to be replaced.
    FactorBegin,
    "Your password, and a code of the second factor that is to be replaced.",
    read_factor_begin,
    {"password": "…"}
);

fn read_factor_begin(input: &mut InputReader<'_>) -> Option<(Plain, Option<Plain>)> {
    let password = input.required("password", None, secret.about("Your password."));
    let code = input.optional(
        "code",
        None,
        secret.about("A code of your present second factor, or a recovery code; absent while you have none."),
    );
    Some((password?, code))
}

/// A secret for an authenticator. It counts once a code of it was given.
#[derive(Serialize, ToSchema)]
pub struct FactorSecret {
    /// In base 32, to be typed.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// As an address, for a QR code.
    #[schema(example = "otpauth://totp/Casque:someone%40casque.example?secret=…&issuer=Casque")]
    url: String,
}

/// Begins to set up a second factor (RFC 6238: SHA-1, six digits, thirty seconds), or another in place of yours.
#[utoipa::path(tag = "me", request_body = FactorBegin, responses((status = 201, body = FactorSecret), Problems))]
#[post("/me/second-factor")]
async fn factor_begin(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (password, code) = call.body(&body, read_factor_begin).await?;
    let made = call
        .as_arriving(move |call, session| {
            let code = code.as_ref().map(Plain::expose);
            let made = call.app().identity.factor_begin(session, password.expose(), code)?;
            Ok(FactorSecret { secret: made.base32.to_string(), url: made.url.to_string() })
        })
        .await?;
    Ok(HttpResponse::Created().json(made))
}

describe::input!(
    /// A code.
    FactorCode,
    "A code.",
    factor_code,
    {"code": "123456"}
);

fn factor_code(input: &mut InputReader<'_>) -> Option<Plain> {
    input.required("code", None, secret.about("The present code of the new second factor."))
}

/// Codes for who has lost their second factor.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten, each good once, instead of a code at sign-in. They are shown this once.
    recovery_codes: Vec<String>,
}

/// Activates the new second factor, with a code of it. Your other sessions end.
#[utoipa::path(tag = "me", request_body = FactorCode, responses((status = 200, body = RecoveryCodes), Problems))]
#[post("/me/second-factor/confirmation")]
async fn factor_confirm(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let code = call.body(&body, factor_code).await?;
    let codes =
        call.as_arriving(move |call, session| Ok(call.app().identity.factor_confirm(session, code.expose())?)).await?;
    let recovery_codes = codes.iter().map(|code| code.to_string()).collect();
    Ok(HttpResponse::Ok().json(RecoveryCodes { recovery_codes }))
}
