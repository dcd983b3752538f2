//! Incidents with their victims and suspects.

mod dossier;
mod moves;
mod reading;
mod seen;
mod suspect;
mod victim;
mod view;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};

#[cfg(fuzzing)]
pub(super) use reading::new_incident;
use reading::{IncidentEdit, IncidentInput};
use view::IncidentView;

use super::call::{Call, Made, Shown, last_part};
use super::confirm::outside_mission;
use super::history::HistoryPage;
use super::input::{self, InputReader, Reader as _, describe};
use super::list::{PageOf, Paging};
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems, Tombstone};
use super::resource::{as_state, view_as};
use crate::api::Routes;
use crate::domain::Noun;
use crate::policy::{Action, Viewer, authorize};
use crate::store::{EditionChoice, Error, Id, Incident, IncidentFilter, Page, Read, Result as StoreResult};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(incident_list)
        .service(incident_create)
        .service(incident_get)
        .service(incident_edit)
        .service(incident_history)
        .service(dossier::incident_dossier)
        .service(seen::incident_seen)
        .service(moves::incident_transition)
        .service(moves::transition_list)
        .service(moves::withholding_decide)
        .service(moves::incident_split)
        .service(moves::incident_merge)
        .service(moves::source_rows)
        .service(victim::victim_list)
        .service(victim::victim_create)
        .service(victim::victim_get)
        .service(victim::victim_edit)
        .service(suspect::suspect_list)
        .service(suspect::suspect_create)
        .service(suspect::suspect_get)
        .service(suspect::suspect_edit);
}

describe::query!(
    /// What a list of incidents is narrowed to.
    IncidentQuery,
    filter
);
describe::query!(
    /// Which edition, and as whom.
    SightQuery,
    sight
);

type IncidentPage = PageOf<IncidentView>;

fn edition_choice(input: &mut InputReader<'_>) -> Option<EditionChoice> {
    let choice = |input: &input::InputValue, _: &input::Context| match input::as_text(input)? {
        "working" => Ok(EditionChoice::Working),
        "released" => Ok(EditionChoice::Released),
        _ => Err("must be working or released".into()),
    };
    let words = "`working` (default) or `released`, for mission and Secretariat.";
    input.required("edition", Some(EditionChoice::Working), choice.about(words))
}

pub(super) fn filter(input: &mut InputReader<'_>) -> Option<(IncidentFilter, Option<String>, Paging)> {
    let edition = edition_choice(input);
    let filter = IncidentFilter {
        edition: EditionChoice::Working,
        mission: input.optional("mission", None, input::mission()),
        host_state: input.optional("host_state", None, input::state()),
        act: input.optional("act", None, input::code()),
        means: input.optional("means", None, input::code()),
        perpetrator: input.optional("perpetrator_category", None, input::code()),
        status: input.optional("status", None, input::code().about("Status of the edition (mission and Secretariat).")),
        noticas_id: input.optional("noticas_id", None, input::external_id()),
        from: input.optional(
            "from",
            None,
            input::date().about("First day. A month or a year is found that may reach it."),
        ),
        to: input.optional("to", None, input::date().about("Last day.")),
        updated_from: input.optional("updated_from", None, input::since()),
        case: input.optional(
            "case",
            None,
            input::reference(Noun::Case).about("Reference of a case that it belongs to."),
        ),
        proceeding: input.optional(
            "proceeding",
            None,
            input::reference(Noun::Proceeding).about("Reference of a proceeding that serves a case of it."),
        ),
    };
    let as_state = as_state(input);
    let paging = Paging::of(input);
    Some((IncidentFilter { edition: edition?, ..filter }, as_state, paging?))
}

/// Lists the incidents that concern you, newest first.
#[utoipa::path(
    tag = "incidents",
    params(IncidentQuery),
    responses((status = 200, body = IncidentPage), NotAcceptable, Problems)
)]
#[get("/incidents")]
async fn incident_list(call: Call) -> Result<HttpResponse, Problem> {
    let context = call.context();
    let (filter, as_state, paging) = InputReader::query(&context, &call.query, filter)?;
    call.list_as(
        paging,
        move |viewer| view_as(viewer, as_state.as_deref()),
        move |viewer, r, part| {
            let page = r.incident_list(&filter, part.after, part.limit)?;
            let holders: Vec<Id> = page.items.iter().map(|incident| incident.edition).collect();
            let held = part.held(viewer, r, &holders)?;
            let items = view::many(viewer, page.items, held.as_ref(), &context);
            Ok(Page { items, next: page.next, gone: page.gone })
        },
    )
    .await
}

/// Shows an incident with its victims and suspects, to whoever calls `show`.
pub(super) fn show(
    viewer: &Viewer,
    r: &mut Read<'_>,
    reference: &str,
    choice: EditionChoice,
) -> StoreResult<Shown<IncidentView>> {
    let incident = r.incident_get(reference, choice)?.ok_or(Error::NotFound)?;
    view::one(viewer, r, &incident)
}

/// Whether a viewer may report on an incident, and on its victims and suspects.
fn may_report(viewer: &Viewer, incident: &Incident) -> StoreResult<()> {
    Ok(authorize(viewer, Action::Report { mission: &incident.facts.mission })?)
}

fn read_reference(path: &str) -> Result<String, Problem> {
    super::call::read_reference(Noun::Incident, path)
}

fn sight(input: &mut InputReader<'_>) -> Option<(EditionChoice, Option<String>)> {
    let choice = edition_choice(input);
    let as_state = as_state(input);
    Some((choice?, as_state))
}

/// Shows one incident with its victims and suspects, as far as they concern you.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path, example = "MINUSMA-2019-7KQ4"), SightQuery),
    responses((status = 200, body = IncidentView, headers(("ETag" = String))), NotModified, Tombstone, Problems)
)]
#[get("/incidents/{reference}")]
async fn incident_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let context = call.context();
    let (choice, as_state) = InputReader::query(&context, &call.query, sight)?;
    let reference = read_reference(&path)?;
    let shown = call
        .as_viewer(move |call, session| {
            let viewer = view_as(&session.account.viewer, as_state.as_deref())?;
            Ok(call.app().store.read_committed(&viewer, |r| show(&viewer, r, &reference, choice))?)
        })
        .await?;
    call.one(&shown)
}

/// Reports an incident, as a draft, with its victims and suspects. Sealed fields are enciphered on entry.
#[utoipa::path(
    tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header, description = "16 to 200 characters: the same report sent again is stored once")),
    request_body = IncidentInput,
    responses((status = 201, body = IncidentView, headers(("Location" = String), ("ETag" = String))), Problems)
)]
#[post("/incidents")]
async fn incident_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (new, confirmed) = call.body(&body, reading::reported).await?;
    call.post_concurrent(
        &body,
        move |viewer, w| {
            authorize(viewer, Action::Report { mission: &new.facts.mission })?;
            confirmed.of_all(outside_mission(w, &new.facts.mission, "/occurred_on", new.facts.occurred)?)?;
            Ok(Made::new(Noun::Incident, &w.incident_create(&new)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target), EditionChoice::Working),
    )
    .await
}

/// Changes an incident. After release the first change begins an amendment: States read the released edition until the
/// amendment is released in its place.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("If-Match" = String, Header, description = "ETag of the record as you last saw it")),
    request_body(content = IncidentEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = IncidentView, headers(("ETag" = String))), Preconditions, Tombstone, Problems)
)]
#[patch("/incidents/{reference}")]
async fn incident_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown, EditionChoice::Working),
        move |viewer, w, context| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            may_report(viewer, &incident)?;
            let (facts, sealed, confirmed) =
                InputReader::change(context, &body, |input| reading::edited(input, Some(&incident.facts)))?;
            authorize(viewer, Action::Report { mission: &facts.mission }).map_err(Error::from)?;
            if (facts.occurred, &facts.mission) != (incident.facts.occurred, &incident.facts.mission) {
                confirmed.of_all(outside_mission(w, &facts.mission, "/occurred_on", facts.occurred)?)?;
            }
            w.incident_edit(&incident, &facts, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// The history of an incident: to mission and Secretariat every revision, to a State one entry a release.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path)),
    responses((status = 200, body = HistoryPage), Tombstone, NotModified, Problems)
)]
#[get("/incidents/{reference}/history")]
async fn incident_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let page = call
        .read(move |viewer, r| {
            let incident = r.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            let facts = r.incident_access(viewer, &incident)?;
            let first = r.concerned_since(&incident)?;
            Ok(super::history::page(viewer, facts, r.history(&incident)?, first.zip(incident.released_at)))
        })
        .await?;
    call.one(&Shown::plain(page))
}
