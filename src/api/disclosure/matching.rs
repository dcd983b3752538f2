//! Whether a person is already known, anywhere.

use crate::api::input::InputReader;
use crate::api::input::Reader as _;
use crate::api::input::describe;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::note;
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::input::{self, Context, InputValue};
use crate::api::problem::{Problem, Problems, Tombstone};
use crate::api::session::secret;
use crate::disclosure::Alike;
use crate::domain::{Noun, Purpose, Reference, SealedField};
use crate::store::MatchAsk;
use seal::Plain;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(match_create);
}

describe::input!(
    /// For whom to look, and why.
    MatchInput,
    "For whom to look, and why.",
    match_input,
    {"person": "victim", "name": "Made-up Name", "record": "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A",
        "purpose": "verification", "code": "123456"}
);

/// What a match asks.
struct MatchQuestion {
    person: Noun,
    about: Option<(String, String)>,
    purpose: Purpose,
    note: Option<Plain>,
    name: Plain,
    code: Plain,
}

fn match_input(input: &mut InputReader<'_>) -> Option<MatchQuestion> {
    let noun = input.required("person", None, person.about("`victim`, `suspect` or `accused`."));
    let name = input.required("name", None, name.about("The name, in any script and order."));
    let words = "Path of the victim that the question is about, if it is recorded: the Secretariat is told of it where it finds another elsewhere.";
    let about = input.optional("record", None, victim.about(words));
    let purpose = input.required("purpose", None, input::code().about("Why."));
    let note = input.optional("note", None, note.about("Why, in words: sealed."));
    let code = input.required("code", None, secret.about("A new code of the second factor."));
    if about.is_some() && noun.is_some_and(|noun| noun != Noun::Victim) {
        input.fault("record", "only when person is victim: leave it out for a suspect or an accused");
    }
    Some(MatchQuestion { person: noun?, about, purpose: purpose?, note, name: name?, code: code? })
}

/// A record whose person may be the same.
#[derive(Serialize, ToSchema)]
pub struct AlikeView {
    /// Path of the record.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A")]
    record: String,
    /// `same` or `close`: no finer, so that nobody feels their way to a name.
    #[schema(example = "close")]
    likeness: &'static str,
}

/// From here on names are the same, in thousandths.
const SAME: u16 = 970;

/// What a match found within your scope. It is on the record.
#[derive(Serialize, ToSchema)]
pub struct MatchView {
    /// Id of the disclosure.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Why.
    purpose: Purpose,
    /// Records within your scope, the most alike first; at most 20.
    found: Vec<AlikeView>,
}

fn person(input: &InputValue, _: &Context) -> Result<Noun, String> {
    let name = input::as_text(input)?;
    let persons = [Noun::Victim, Noun::Suspect, Noun::Accused];
    persons.into_iter().find(|noun| noun.name() == name).ok_or_else(|| "must be victim, suspect or accused".into())
}

fn name(input: &InputValue, _: &Context) -> Result<Plain, String> {
    let longest = SealedField::named(Noun::Victim, "name").map_or(0, |field| field.longest);
    match input {
        InputValue::Text(text) if text.expose().chars().count() > longest => {
            Err(format!("must be text of at most {longest} characters"))
        }
        InputValue::Text(text) if text.expose().chars().any(char::is_alphabetic) => Ok(text.clone()),
        _ => Err("must be a name".into()),
    }
}

fn victim(input: &InputValue, _: &Context) -> Result<(String, String), String> {
    let path: Vec<&str> = input::as_text(input)?.split('/').collect();
    match path[..] {
        ["incidents", reference, "victims", handle] => Reference::parse(Noun::Incident, reference)
            .map(|reference| (reference.to_string(), handle.to_owned()))
            .ok_or_else(|| "must be the path of a victim".into()),
        _ => Err("must be the path of a victim".into()),
    }
}

/// Whether a person is already known, anywhere. Names are opened in memory, compared across scripts, orders and spellings, and
/// forgotten; the answer has no sealed value. It lists records in your scope. A record elsewhere that may be of the same person goes to the
/// Secretariat, and the answer does not show whether there is one. Focal points can ask about victims, graded officers about anyone. At most 20 a day.
#[utoipa::path(tag = "disclosures", request_body = MatchInput, responses((status = 201, body = MatchView), Tombstone, Problems))]
#[post("/disclosures/matches")]
async fn match_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let MatchQuestion { person: noun, about, purpose, note, name, code } = call.body(&body, match_input).await?;
    let view = call
        .as_viewer(move |call, session| {
            let (app, viewer) = (call.app(), &session.account.viewer);
            let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
            let factor = app.identity.prove(session, code.expose(), "match")?;
            let ask = MatchAsk { noun, about, purpose, note, factor };
            let (matching, found) = desk.find(&app.store, viewer, &ask, &name)?;
            let found = found.into_iter().map(|Alike { path, likeness }| AlikeView {
                record: path,
                likeness: if likeness >= SAME { "same" } else { "close" },
            });
            let (id, at) = (matching.id.to_string(), matching.at.and_utc());
            Ok(MatchView { id, at, purpose: matching.purpose, found: found.collect() })
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}
