//! Sittings: one purpose and one code for who works through a file of cases.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::{note, path_id};
use crate::api::Routes;
use crate::api::call::{Call, Shown};
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::api::session::secret;
use crate::domain::Purpose;
use crate::policy::{Scope, may_begin};
use crate::store::Sitting;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(sitting_begin).service(sitting_list).service(sitting_end);
}

describe::input!(
    /// Why, and a code.
    SittingInput,
    "Why, and a code.",
    sitting_input,
    {"purpose": "verification", "note": "Made-up note.", "code": "123456"}
);

fn sitting_input(input: &mut InputReader<'_>) -> Option<(Purpose, Option<Plain>, Plain)> {
    let purpose = input.required("purpose", None, input::code().about("Why."));
    let note = input.optional("note", None, note.about("Why, in words: sealed."));
    let code = input.required("code", None, secret.about("A code of your second factor that was not used yet."));
    Some((purpose?, note, code?))
}

/// A sitting.
#[derive(Serialize, ToSchema)]
pub struct SittingView {
    /// What goes into `sitting` of `POST /v1/disclosures`.
    id: String,
    /// Why.
    purpose: Purpose,
    /// When it began.
    started_at: DateTime<Utc>,
    /// When it ends: at the latest with the session that began it.
    expires_at: DateTime<Utc>,
}

fn view(of: Sitting) -> SittingView {
    let Sitting { id, purpose, started_at, expires_at } = of;
    SittingView { id: id.to_string(), purpose, started_at: started_at.and_utc(), expires_at: expires_at.and_utc() }
}

/// Live sittings.
#[derive(Serialize, ToSchema)]
pub struct Sittings {
    /// The last begun first.
    items: Vec<SittingView>,
    /// Always null: the list is whole.
    #[schema(value_type = Option<String>)]
    next: Option<()>,
}

/// Begins a sitting: for at most eight hours, in this session, one purpose and one code are enough to open confidential values. Each
/// opening in the sitting is a separate disclosure, on the record.
#[utoipa::path(tag = "disclosures", request_body = SittingInput, responses((status = 201, body = SittingView), Problems))]
#[post("/sittings")]
async fn sitting_begin(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (purpose, note, code) = call.body(&body, sitting_input).await?;
    let begun = call
        .as_viewer(move |call, session| {
            let (app, viewer) = (call.app(), &session.account.viewer);
            app.store.signs_in()?;
            may_begin(viewer, app.store.now()).map_err(|refusal| Problem::of("sealed").with_detail(refusal.code()))?;
            let given = app.identity.prove(session, code.expose(), "sitting")?;
            Ok(app.store.append(viewer, |w| {
                w.factor_spend(&given, "sitting")?;
                w.sitting_begin(session.id, purpose, note.as_ref())
            })?)
        })
        .await?;
    Ok(HttpResponse::Created().json(view(begun)))
}

/// This session's sittings that are open.
#[utoipa::path(tag = "disclosures", responses((status = 200, body = Sittings), NotModified, Problems))]
#[get("/sittings")]
async fn sitting_list(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let items = call
        .as_viewer(|call, session| {
            Ok(call.app().store.read(&Scope::Nothing, |r| r.sitting_list(session.account.id, session.id))?)
        })
        .await?;
    call.one(&Shown::plain(Sittings { items: items.into_iter().map(view).collect(), next: None }))
}

/// Ends a sitting.
#[utoipa::path(tag = "disclosures", responses((status = 204, description = "Ended"), Problems))]
#[delete("/sittings/{id}")]
async fn sitting_end(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let id = path_id(&path)?;
    call.as_viewer(move |call, session| {
        call.app().store.signs_in()?;
        Ok(call.app().store.write(&session.account.viewer, |w| w.sitting_end(id))?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
