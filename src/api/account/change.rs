//! Changes of accounts that two had to agree to.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::{here, id, seen_by};
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::list::Paging;
use crate::api::problem::{NotAcceptable, Problem, Problems};
use crate::api::session::secret;
use crate::domain::{AccountChangeKind, Rights, Role, StateFunction};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{AccountChange, Write};

pub(super) fn routes(config: &mut impl Routes) {
    config.service(change_list).service(change_decide);
}

/// All that an account is entitled to.
#[derive(Debug, Serialize, ToSchema)]
pub struct RightsView {
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
    /// First day of its term.
    from_on: Option<NaiveDate>,
    /// Last day of its term.
    to_on: Option<NaiveDate>,
    /// Whether it is suspended.
    suspended: bool,
    /// Who it is to the provider of single sign-on.
    single_sign_on: Option<String>,
}

fn rights_view(rights: Rights) -> RightsView {
    let Rights { role, missions, state, state_function, machine, graded, from_on, to_on, suspended, single_sign_on } =
        rights;
    RightsView { role, missions, state, state_function, machine, graded, from_on, to_on, suspended, single_sign_on }
}

/// A change of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeView {
    /// Its id.
    id: String,
    /// The account's id.
    account: String,
    /// The account's address.
    email: String,
    /// What it is about.
    kind: AccountChangeKind,
    /// What the account was entitled to when it was asked; null for a new account.
    before: Option<RightsView>,
    /// What it shall be entitled to.
    after: RightsView,
    /// When it was asked.
    asked_at: DateTime<Utc>,
    /// Who asked.
    asked_by: String,
    /// When it lapses.
    expires_at: DateTime<Utc>,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    decided_by: Option<String>,
    /// Whether it was approved; null while it waits.
    approved: Option<bool>,
    /// Whether there is another account of the address already, so that a new one cannot be approved (administrators).
    #[serde(skip_serializing_if = "Option::is_none")]
    address_taken: Option<bool>,
}

fn change_view(viewer: &Viewer, change: AccountChange) -> ChangeView {
    let AccountChange { id, account, kind, before, rights, asked_at, asked_by, expires_at, decided, address_taken } =
        change;
    let (decided_at, decided_by, approved) = match decided {
        Some((at, by, approved)) => (Some(at.and_utc()), Some(by), Some(approved)),
        None => (None, None, None),
    };
    ChangeView {
        id: id.to_string(),
        account: account.0.to_string(),
        email: account.1,
        kind,
        before: before.map(rights_view),
        after: rights_view(rights),
        asked_at: asked_at.and_utc(),
        asked_by: asked_by.1,
        expires_at: expires_at.and_utc(),
        decided_at,
        decided_by,
        approved,
        address_taken: authorize(viewer, Action::Administer).is_ok().then_some(address_taken),
    }
}

/// A page of changes.
#[derive(Serialize, ToSchema)]
pub struct ChangePage {
    items: Vec<ChangeView>,
    next: Option<String>,
}

describe::query!(
    /// Which changes, and how they are paged.
    ChangeQuery,
    change_query
);

fn change_query(input: &mut InputReader<'_>) -> Option<(Paging, bool)> {
    let waiting = input.required("waiting", Some(false), input::truth().about("Only those that await a decision."));
    Some((Paging::of(input)?, waiting?))
}

/// Changes of accounts that two had to agree to, the last asked first: to an administrator all, to a State's manager those of
/// the State's accounts.
#[utoipa::path(
    tag = "accounts",
    params(ChangeQuery),
    responses((status = 200, body = ChangePage, content((ChangePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/account-changes")]
async fn change_list(call: Call) -> Result<HttpResponse, Problem> {
    here(&call)?;
    let (paging, waiting) = InputReader::query(&call.context(), &call.query, change_query)?;
    call.list(paging, move |viewer, r, part| {
        let own = seen_by(viewer)?;
        let page = r.account_change_list(own.as_deref(), waiting, part.after, part.limit)?;
        Ok(page.map(|change| change_view(viewer, change)))
    })
    .await
}

describe::input!(
    /// A decision.
    ChangeDecision,
    "A decision.",
    change_decision,
    {"approve": true, "code": "123456"}
);

fn change_decision(input: &mut InputReader<'_>) -> Option<(bool, Plain)> {
    let approve = input.required("approve", None, input::truth().about("Whether it shall be so."));
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((approve?, code?))
}

/// Decides as the second administrator: not the person who asked, and not the person whom the change is about. Needs a new code of the second factor.
#[utoipa::path(tag = "accounts", request_body = ChangeDecision, responses((status = 200, body = ChangeView), Problems))]
#[post("/account-changes/{id}/decision")]
async fn change_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let change = id(&path)?;
    let (approve, code) = call.body(&body, change_decision).await?;
    let judge = |viewer: &Viewer| Ok(authorize(viewer, Action::Administer)?);
    let decide =
        move |viewer: &Viewer, w: &mut Write<'_>| Ok(change_view(viewer, w.account_change_decide(change, approve)?));
    let view = call.agree(("rights", code), judge, decide).await?;
    Ok(HttpResponse::Ok().json(view))
}
