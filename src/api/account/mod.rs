//! Accounts: who may sign in, what each may do, and for how long. Administrators manage them, and a State's manager the
//! State's own; what adds to what a person may do takes two.

mod change;
mod invitation;
mod key;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Problem, Problems};
use crate::domain::{AccountStatus, Rights, Role, StateFunction};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{
    AccountFilter, AccountLine, ChangeOutcome, Error, Id, NewAccount, Page, Read, Result as StoreResult,
};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(account_list)
        .service(account_create)
        .service(account_get)
        .service(account_change)
        .service(factor_reset)
        .service(account_review);
    change::routes(config);
    invitation::routes(config);
    key::routes(config);
}

describe::input!(
    /// What an account is entitled to.
    RightsInput,
    "What an account is entitled to.",
    rights,
    {"role": "focal_point", "missions": ["MINUSMA"], "from_on": "2026-12-01", "to_on": "2027-11-30"}
);

describe::input!(
    /// A new account: address, name, and what it is entitled to.
    AccountInput,
    "A new account: address, name, and what it is entitled to.",
    account_input,
    {"email": "someone@casque.example", "name": "Someone", "role": "auditor"}
);

fn account_input(input: &mut InputReader<'_>) -> Option<NewAccount> {
    let email = input.required("email", None, email.about("Address, with which the person signs in."));
    let name = input.required("name", None, input::text(200).about("Name."));
    let rights = rights(input);
    Some(NewAccount { email: email?, name: name?, rights: rights?, password_hash: None })
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// Its id.
    #[schema(example = "0198a1b2c3d4e5f60718293a4b5c6d7e")]
    id: String,
    /// Address.
    email: String,
    /// Name.
    name: String,
    /// How it stands.
    status: AccountStatus,
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
    /// Who it is to the provider of single sign-on.
    single_sign_on: Option<String>,
    /// Whether it has set up a second factor.
    second_factor: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When its access was last looked at.
    reviewed_at: Option<DateTime<Utc>>,
    /// When its access must be looked at.
    review_due_at: DateTime<Utc>,
}

fn account_view(line: AccountLine) -> AccountView {
    let AccountLine { account, status, second_factor, review_due_at } = line;
    let Rights { role, missions, state, state_function, machine, graded, from_on, to_on, suspended: _, single_sign_on } =
        account.rights;
    AccountView {
        id: account.id.to_string(),
        email: account.email,
        name: account.name,
        status,
        role,
        missions,
        state,
        state_function,
        machine,
        graded,
        from_on,
        to_on,
        single_sign_on,
        second_factor,
        created_at: account.created_at.and_utc(),
        reviewed_at: account.reviewed_at.map(|at| at.and_utc()),
        review_due_at: review_due_at.and_utc(),
    }
}

/// What became of what was asked.
#[derive(Serialize, ToSchema)]
pub struct AccountAnswer {
    /// The account as it is now.
    account: AccountView,
    /// The change that awaits a second administrator (`POST /v1/account-changes/{id}/decision`); null when it took effect.
    #[schema(example = json!(null))]
    waiting: Option<String>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct AccountPage {
    items: Vec<AccountView>,
    next: Option<String>,
}

describe::query!(
    /// Which accounts, and how they are paged.
    AccountQuery,
    account_query
);

fn account_query(input: &mut InputReader<'_>) -> Option<(Paging, AccountFilter)> {
    let role = input.optional("role", None, input::code().about("Of this role."));
    let state = input.optional("state", None, input::state().about("Of this State."));
    let review_due = input.required(
        "review_due",
        Some(false),
        input::truth().about("Only those whose access is due to be looked at, every quarter."),
    );
    let paging = Paging::of(input);
    Some((paging?, AccountFilter { state, role, review_due: review_due? }))
}

fn rights(input: &mut InputReader<'_>) -> Option<Rights> {
    let role = input.required("role", None, input::code().about("Role."));
    let missions = input.required(
        "missions",
        Some(Vec::new()),
        input::list_of(50, input::mission()).about("Missions of a focal point."),
    );
    let state = input.optional("state", None, input::state().about("State of a member_state."));
    let state_function =
        input.optional("state_function", None, input::code().about("What a member_state does for its State."));
    let machine = input.required(
        "machine",
        Some(false),
        input::truth()
            .about("Whether it is a State's own system, which has keys rather than a password, and opens nothing."),
    );
    let graded = input.required(
        "graded",
        Some(false),
        input::truth().about("Graded for disclosure (secretariat and senior_focal_point)."),
    );
    let from_on = input.optional("from_on", None, input::date().about("First day of its term (UTC)."));
    let to_on =
        input.optional("to_on", None, input::date().about("Last day of its term (UTC); a focal point has one."));
    let suspended = input.required("suspended", Some(false), input::truth().about("Whether it is suspended."));
    let single_sign_on = input.optional(
        "single_sign_on",
        None,
        input::text(500).about("Who it is to the provider of single sign-on: issuer and subject, parted by a space."),
    );
    let mut missions = missions?;
    missions.sort();
    missions.dedup();
    let rights = Rights {
        role: role?,
        missions,
        state,
        state_function,
        machine: machine?,
        graded: graded?,
        from_on,
        to_on,
        suspended: suspended?,
        single_sign_on,
    };
    for fault in rights.faults() {
        input.fault(fault.pointer.trim_start_matches('/'), &fault.detail);
    }
    Some(rights)
}

fn email(input: &InputValue, context: &Context) -> Result<String, String> {
    let text = input::text(320).read(input, context)?;
    let fits = text.split_once('@').is_some_and(|(person, house)| !person.is_empty() && house.contains('.'));
    if fits && !text.contains(char::is_whitespace) { Ok(text) } else { Err("must be an email address".into()) }
}

/// Accounts are read where people are signed in: other nodes are not shown what that takes.
fn here(call: &Call) -> Result<(), Problem> {
    Ok(call.app().store.signs_in()?)
}

fn id(path: &str) -> Result<Id, Problem> {
    Id::parse(path).ok_or_else(|| Problem::of("not_found"))
}

/// Whose accounts a viewer sees: a State's manager its State's, an administrator all.
fn seen_by(viewer: &Viewer) -> StoreResult<Option<String>> {
    let state = if authorize(viewer, Action::Administer).is_ok() { None } else { viewer.state.clone() };
    authorize(viewer, Action::SeeAccounts { state: state.as_deref() })?;
    Ok(state)
}

fn one(r: &mut Read<'_>, of: Id) -> StoreResult<AccountView> {
    let account = r.account_get(of)?.ok_or(Error::NotFound)?;
    let line = r.account_lines(vec![account])?.pop().ok_or(Error::NotFound)?;
    Ok(account_view(line))
}

fn answer(account: AccountView, outcome: ChangeOutcome) -> AccountAnswer {
    let waiting = match outcome {
        ChangeOutcome::Applied => None,
        ChangeOutcome::Waiting(change) => Some(change.to_string()),
    };
    AccountAnswer { account, waiting }
}

/// Accounts, the first made first: to an administrator all, to a State's manager the State's. With `review_due`, those whose access must
/// be looked at this quarter.
#[utoipa::path(
    tag = "accounts",
    params(AccountQuery),
    responses((status = 200, body = AccountPage, content((AccountPage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/accounts")]
async fn account_list(call: Call) -> Result<HttpResponse, Problem> {
    here(&call)?;
    let (paging, filter) = InputReader::query(&call.context(), &call.query, account_query)?;
    call.list(paging, move |viewer, r, part| {
        let mut filter = filter.clone();
        if let Some(own) = seen_by(viewer)? {
            if filter.state.as_ref().is_some_and(|state| *state != own) {
                return Ok(Page::default());
            }
            filter.state = Some(own);
        }
        let page = r.account_list(&filter, part.after, part.limit)?;
        Ok(page.map(account_view))
    })
    .await
}

/// One account.
#[utoipa::path(tag = "accounts", responses((status = 200, body = AccountView), NotModified, Problems))]
#[get("/accounts/{id}")]
async fn account_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    here(&call)?;
    let of = id(&path)?;
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let view = call
        .read(move |viewer, r| {
            let own = seen_by(viewer)?;
            let view = one(r, of)?;
            if own.is_some() && own != view.state { Err(Error::NotFound) } else { Ok(view) }
        })
        .await?;
    call.one(&Shown::plain(view))
}

/// Makes an account: it awaits a second administrator. A person then gets a one-time link (`POST /v1/accounts/{id}/invitations`), and chooses a
/// password with it; for a State's own system the State's manager makes keys.
#[utoipa::path(tag = "accounts", request_body = AccountInput, responses((status = 201, body = AccountAnswer), Problems))]
#[post("/accounts")]
async fn account_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let new = call.body(&body, account_input).await?;
    let made = call
        .as_viewer(move |call, session| {
            Ok(call.app().store.write(&session.account.viewer, |w| {
                seen_by(&session.account.viewer)?;
                let (of, outcome) = w.account_create(new)?;
                Ok(answer(one(w, of)?, outcome))
            })?)
        })
        .await?;
    Ok(HttpResponse::Created().json(made))
}

/// Changes an account's rights; a member that is left out has its default, as for a new account. The change takes effect at once where it takes rights away, and
/// waits for a second administrator where it adds rights. A change of role, State, missions, function or machine ends its
/// sessions and keys. Nobody can change their own rights.
#[utoipa::path(tag = "accounts", request_body = RightsInput, responses((status = 200, body = AccountAnswer), Problems))]
#[post("/accounts/{id}/changes")]
async fn account_change(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let of = id(&path)?;
    let rights = call.body(&body, rights).await?;
    let made = managed(&call, move |w| {
        let outcome = w.account_change(of, &rights)?;
        Ok(answer(one(w, of)?, outcome))
    })
    .await?;
    Ok(HttpResponse::Ok().json(made))
}

/// Asks to remove an account's second factor, for a person who lost it and its recovery codes. A second administrator
/// approves; then the person signs in with the password, sets up another, and opens no seals for 72 hours.
#[utoipa::path(tag = "accounts", responses((status = 200, body = AccountAnswer), Problems))]
#[delete("/accounts/{id}/second-factor")]
async fn factor_reset(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let of = id(&path)?;
    let made = managed(&call, move |w| {
        let outcome = w.factor_reset_ask(of)?;
        Ok(answer(one(w, of)?, outcome))
    })
    .await?;
    Ok(HttpResponse::Ok().json(made))
}

/// Writes on accounts, for who manages any, and lets what changed be known here at once.
async fn managed<T: Send + 'static>(
    call: &Call,
    work: impl FnOnce(&mut crate::store::Write<'_>) -> StoreResult<T> + Send + 'static,
) -> Result<T, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    call.as_viewer(move |call, session| {
        let viewer = &session.account.viewer;
        seen_by(viewer)?;
        let made = call.app().store.write(viewer, work)?;
        call.app().store.heartbeat_forget();
        Ok(made)
    })
    .await
}

/// Confirms that you reviewed an account and that it still needs its access: due every quarter. Change the account to remove other access.
#[utoipa::path(tag = "accounts", responses((status = 200, body = AccountView), Problems))]
#[post("/accounts/{id}/reviews")]
async fn account_review(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let of = id(&path)?;
    let view = managed(&call, move |w| {
        w.account_review(of)?;
        one(w, of)
    })
    .await?;
    Ok(HttpResponse::Ok().json(view))
}
