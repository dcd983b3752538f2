//! The note of what somebody asks to open, or opened in an emergency, for the officer who agrees to it.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, post};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::path_id;
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input::{InputReader, Reader as _, describe};
use crate::api::problem::{Problem, Problems};
use crate::api::session::secret;
use crate::policy::{Viewer, may_agree_to_openings};
use crate::store::{Asked, Result as StoreResult};

pub(super) fn routes(config: &mut impl Routes) {
    config.service(approval_note).service(disclosure_note);
}

/// Whether a viewer may agree to what others open.
pub(super) fn agrees(viewer: &Viewer) -> StoreResult<()> {
    Ok(may_agree_to_openings(viewer)?)
}

describe::input!(
    /// A code.
    NoteInput,
    "A code.",
    note_input,
    {"code": "123456"}
);

fn note_input(input: &mut InputReader<'_>) -> Option<Plain> {
    input.required("code", None, secret.about("A new code of the second factor."))
}

/// A note, opened for the officer who agrees.
#[derive(Serialize, ToSchema)]
pub struct NoteView {
    /// What was written; null where nothing was.
    note: Option<String>,
}

async fn read(call: &Call, body: &Bytes, of: Asked) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let code = call.body(body, note_input).await?;
    let note = call
        .as_viewer(move |call, session| {
            let (app, viewer) = (call.app(), &session.account.viewer);
            let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
            agrees(viewer)?;
            let given = app.identity.prove(session, code.expose(), "note")?;
            Ok(desk.note(&app.store, viewer, of, &given)?.map(|note| note.expose().to_owned()))
        })
        .await?;
    Ok(HttpResponse::Created().json(NoteView { note }))
}

/// Opens the note of what somebody asks to open, for the officer who decides on it. It takes a fresh code, and is on the record.
#[utoipa::path(tag = "disclosures", request_body = NoteInput, responses((status = 201, body = NoteView), Problems))]
#[post("/approvals/{id}/note")]
async fn approval_note(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    read(&call, &body, Asked::Approval(path_id(&path)?)).await
}

/// Opens the note of an emergency, for the officer who reviews it. It takes a fresh code, and is on the record.
#[utoipa::path(tag = "disclosures", request_body = NoteInput, responses((status = 201, body = NoteView), Problems))]
#[post("/disclosures/{id}/note")]
async fn disclosure_note(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    read(&call, &body, Asked::Emergency(path_id(&path)?)).await
}
