//! What setting the database back undid, and who confirmed it: after a restore, and what an operator accepted.

use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::InputReader;
use super::problem::{NotModified, Problem, Problems};
use super::session::secret;
use crate::policy::{Action, Scope, authorize};
use crate::store::{Error, Id, Restoration};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(restoration_list).service(restoration_confirm);
}

/// Something that was taken away again.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoneView {
    /// What was done.
    #[schema(example = "suspended")]
    what: String,
    /// Of what: an account's address, an incident's reference, or a number.
    about: String,
    /// The same in one sentence.
    said: String,
}

/// A database that was set back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestorationView {
    /// Its id.
    id: String,
    /// `log.restore` (a backup), `log.move` (another database) or `log.accept` (what the operator accepted).
    kind: String,
    /// When it was done.
    made_at: DateTime<Utc>,
    /// As of when the database was.
    as_of: DateTime<Utc>,
    /// The operator's reason, where one was asked for.
    reason: Option<String>,
    /// What was taken away again, since it was taken away after that moment.
    undone: Vec<UndoneView>,
    /// The officer who confirmed.
    officer: Option<String>,
    /// When the officer did.
    officer_at: Option<DateTime<Utc>>,
    /// The administrator who confirmed.
    administrator: Option<String>,
    /// When the administrator did.
    administrator_at: Option<DateTime<Utc>>,
}

fn view(of: Restoration) -> RestorationView {
    let Restoration { id, kind, made_at, as_of, reason, undone, officer, administrator } = of;
    let (officer, officer_at) = officer.unzip();
    let (administrator, administrator_at) = administrator.unzip();
    RestorationView {
        id: id.to_string(),
        kind,
        made_at: made_at.and_utc(),
        as_of: as_of.and_utc(),
        reason,
        undone: undone
            .into_iter()
            .map(|one| UndoneView { said: one.said(), what: one.what, about: one.about })
            .collect(),
        officer,
        officer_at: officer_at.map(|at| at.and_utc()),
        administrator,
        administrator_at: administrator_at.map(|at| at.and_utc()),
    }
}

/// Databases that were set back.
#[derive(Serialize, ToSchema)]
pub struct Restorations {
    items: Vec<RestorationView>,
    /// There is one page.
    #[schema(value_type = Option<String>)]
    next: Option<()>,
}

/// What restores and moves undid, the newest first (officers and administrators). While one of them waits for its two confirmations, the service answers nobody
/// else, and nothing but this.
#[utoipa::path(tag = "restorations", responses((status = 200, body = Restorations), NotModified, Problems))]
#[get("/restorations")]
async fn restoration_list(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let items = call
        .as_confirming(|call, session| {
            authorize(&session.account.viewer, Action::ConfirmRestoration).map_err(Error::from)?;
            Ok(call.app().store.read(&Scope::Nothing, |r| r.restoration_list())?)
        })
        .await?;
    call.one(&Shown::plain(Restorations { items: items.into_iter().map(view).collect(), next: None }))
}

describe::input!(
    /// A confirmation.
    Confirmation,
    "A confirmation.",
    confirmation,
    {"code": "123456"}
);

fn confirmation(input: &mut InputReader<'_>) -> Option<Plain> {
    input.required("code", None, secret.about("A fresh code of the second factor."))
}

/// Confirms that the list was read, and that the service may go on: it takes an officer and an administrator, each with a fresh code.
#[utoipa::path(tag = "restorations", request_body = Confirmation, responses((status = 200, body = RestorationView), Problems))]
#[post("/restorations/{id}/confirmation")]
async fn restoration_confirm(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let id = Id::parse(&path).ok_or_else(|| Problem::of("not_found"))?;
    let code = call.body(&body, confirmation).await?;
    let confirmed = call
        .as_confirming(move |call, session| {
            let (app, viewer) = (call.app(), &session.account.viewer);
            app.store.signs_in()?;
            authorize(viewer, Action::ConfirmRestoration).map_err(Error::from)?;
            let given = app.identity.prove(session, code.expose(), "restoration")?;
            let confirmed = app.store.write(viewer, |w| {
                w.factor_spend(&given, "restoration")?;
                w.restoration_confirm(id)
            })?;
            app.store.heartbeat_forget();
            Ok(confirmed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(view(confirmed)))
}
