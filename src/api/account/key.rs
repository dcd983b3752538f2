//! Keys of States' own systems.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{here, id, managed, seen_by};
use crate::api::Routes;
use crate::api::call::{Call, Shown};
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::identity::Identity;
use crate::store::{Error, MachineKey};

pub(super) fn routes(config: &mut impl Routes) {
    config.service(key_list).service(key_make).service(key_end);
}

/// A key of a State's own system.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    /// Its id.
    id: String,
    /// What it is for.
    name: String,
    /// When it was made.
    made_at: DateTime<Utc>,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// The key, to be sent as a bearer token: shown when it is made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn key_view(made: MachineKey, key: Option<String>) -> KeyView {
    let MachineKey { id, name, made_at, expires_at } = made;
    KeyView { id: id.to_string(), name, made_at: made_at.and_utc(), expires_at: expires_at.and_utc(), key }
}

/// Live keys of an account.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// The last made first.
    items: Vec<KeyView>,
    /// Always null: the list is whole.
    #[schema(value_type = Option<String>)]
    next: Option<()>,
}

describe::input!(
    /// What a key is for, and its last day.
    KeyInput,
    "What a key is for, and its last day.",
    key_input,
    {"name": "Case register of the Ministry of Justice", "expires_on": "2027-06-30"}
);

fn key_input(input: &mut InputReader<'_>) -> Option<(String, NaiveDate)> {
    let name = input.required("name", None, input::text(100).about("What it is for."));
    let last_day = input.required("expires_on", None, input::date().about("Its last day (UTC), within a year."));
    Some((name?, last_day?))
}

/// The live keys of a machine's account, without their secret values.
#[utoipa::path(tag = "accounts", responses((status = 200, body = Keys), NotModified, Problems))]
#[get("/accounts/{id}/keys")]
async fn key_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    here(&call)?;
    let of = id(&path)?;
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let keys = call
        .read(move |viewer, r| {
            let own = seen_by(viewer)?;
            let account = r.account_get(of)?.filter(|found| own.is_none() || own == found.rights.state);
            let keys = r.machine_key_list(account.ok_or(Error::NotFound)?.id)?;
            Ok(Keys { items: keys.into_iter().map(|key| key_view(key, None)).collect(), next: None })
        })
        .await?;
    call.one(&Shown::plain(keys))
}

/// Makes a key for a State's own system. Only the State's manager can: with a key, an administrator could read what the State sees. The answer shows the key once. The key acts within the account's scope, opens no seals, and has an end.
#[utoipa::path(tag = "accounts", request_body = KeyInput, responses((status = 201, body = KeyView), Problems))]
#[post("/accounts/{id}/keys")]
async fn key_make(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let of = id(&path)?;
    let (name, last_day) = call.body(&body, key_input).await?;
    let view = managed(&call, move |w| {
        let (key, hash) = Identity::machine_key();
        let ends = last_day.and_hms_opt(23, 59, 59).ok_or(Error::NotFound)?;
        Ok(key_view(w.machine_key_make(of, &name, &hash, ends)?, Some(key)))
    })
    .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Ends a key, on every node within a second.
#[utoipa::path(tag = "accounts", responses((status = 204, description = "Ended"), Problems))]
#[delete("/accounts/{id}/keys/{key}")]
async fn key_end(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (of, key) = path.into_inner();
    let (of, key) = (id(&of)?, id(&key)?);
    managed(&call, move |w| w.machine_key_end(of, key)).await?;
    Ok(HttpResponse::NoContent().finish())
}
