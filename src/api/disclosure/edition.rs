//! Opening the edition that a mission's own desk works on, to go on with it.

use crate::api::input::InputReader;
use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, post};
use seal::Plain;

use super::{DisclosureView, given_view};
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input;
use crate::api::problem::{Problem, Problems, Tombstone};
use crate::api::session::secret;
use crate::domain::Noun;
use crate::store::EditionAsk;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(edition_open);
}

describe::input!(
    /// Which edition to open.
    EditionInput,
    "Which edition to open.",
    edition_input,
    {"incident": "MINUSMA-2019-7KQ4", "code": "123456"}
);

fn edition_input(input: &mut InputReader<'_>) -> Option<(String, Option<Plain>)> {
    let incident = input.required(
        "incident",
        None,
        input::reference(Noun::Incident)
            .about("Reference of an incident of your mission that is in draft, submitted or returned."),
    );
    let code = input.optional("code", None, secret.about("A code of your second factor that was not used yet; absent where this session opened the edition in the last eight hours."));
    Some((incident?, code))
}

/// Opens the edition that your mission's desk works on, with all that you may read of it: everything confidential, what is strictly confidential
/// of victims, and what else you typed yourself. One code is good for eight hours in this session, and one entry of the log; a second factor that
/// was reset lately does not keep you from it.
#[utoipa::path(
    tag = "disclosures",
    request_body = EditionInput,
    responses((status = 201, body = DisclosureView), Tombstone, Problems)
)]
#[post("/disclosures/editions")]
async fn edition_open(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, code) = call.body(&body, edition_input).await?;
    let view = call
        .as_viewer(move |call, session| {
            let app = call.app();
            let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
            let prove = |code: &Plain| app.identity.prove(session, code.expose(), "disclosure");
            let factor = code.as_ref().map(prove).transpose()?;
            let ask = EditionAsk { reference, session: session.id, factor };
            Ok(given_view(desk.disclose_edition(&app.store, &session.account.viewer, &ask)?))
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}
