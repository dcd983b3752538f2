//! Victims of an incident.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{may_report, show};
use crate::api::call::{Call, Shown};
use crate::api::child::{self, Child, Edited, ListOf};
use crate::api::input::{self, InputReader, Reader as _};
use crate::api::problem::{NotModified, Preconditions, Problem, Problems, Tombstone};
use crate::api::resource::Reading;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{Harm, HeldEnd, Noun, Personnel, Sex, VictimFacts};
use crate::policy::{AccessContext, Viewer};
use crate::store::{EditionChoice, Id, Incident, NewVictim, Read, Result as StoreResult, Victim, Write};

/// A victim, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VictimView {
    /// Random handle within the incident.
    #[schema(example = "3F8K2A")]
    handle: String,
    /// Category of personnel.
    category: Personnel,
    /// The contributing State, or the nationalities. Where two States share a victim each sees itself only.
    states: Vec<String>,
    /// What happened.
    outcome: Harm,
    /// Sex of the dead.
    sex_of_dead: Option<Sex>,
    /// Id in NOTICAS.
    noticas_id: Option<String>,
    /// When next of kin were notified (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    kin_notified_on: Option<Option<NaiveDate>>,
    /// When the State was notified (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    state_notified_on: Option<Option<NaiveDate>>,
    /// When a person who was killed died, where that was later than the incident.
    died_on: Option<NaiveDate>,
    /// Since when the person was held, where that was later than the incident.
    held_from: Option<NaiveDate>,
    /// Until when; null as long as the person is held.
    held_until: Option<NaiveDate>,
    /// How it ended.
    held_end: Option<HeldEnd>,
    sex: Withheld,
    age_band: Withheld,
    rank: Withheld,
    unit: Withheld,
    name: Withheld,
    index_number: Withheld,
    date_of_birth: Withheld,
    medical_detail: Withheld,
    sexual_violence_detail: Withheld,
}

impl VictimView {
    pub(super) fn new(
        viewer: &Viewer,
        facts: AccessContext,
        incident: &Incident,
        victim: &Victim,
        held: Option<&HashSet<(Id, u16)>>,
    ) -> Self {
        let VictimFacts {
            category,
            states,
            outcome,
            sex_of_dead,
            noticas_id,
            kin_notified_on,
            state_notified_on,
            died_on,
            held_from,
            held_until,
            held_end,
        } = victim.facts.clone();
        let inside = viewer.is_inside();
        // The host State, and the State of a proceeding, see whose nationals all victims are.
        let sees_all = inside || facts.relations.host || facts.relations.proceeding;
        let facts = facts.to_victim(viewer, &states, victim.facts.is_notified(incident.facts.occurred));
        let markers = Markers { noun: Noun::Victim, viewer, facts, holder: victim.holder, held };
        Self {
            handle: victim.handle.clone(),
            category,
            states: states.into_iter().filter(|state| sees_all || viewer.state.as_ref() == Some(state)).collect(),
            outcome,
            sex_of_dead,
            noticas_id,
            kin_notified_on: markers.shown("kin_notified_on", kin_notified_on),
            state_notified_on: markers.shown("state_notified_on", state_notified_on),
            died_on,
            held_from,
            held_until,
            held_end,
            sex: markers.of("sex"),
            age_band: markers.of("age_band"),
            rank: markers.of("rank"),
            unit: markers.of("unit"),
            name: markers.of("name"),
            index_number: markers.of("index_number"),
            date_of_birth: markers.of("date_of_birth"),
            medical_detail: markers.of("medical_detail"),
            sexual_violence_detail: markers.of("sexual_violence_detail"),
        }
    }
}

/// Faults of what is said of a death and of a time in which somebody was held.
fn harm_faults(
    input: &mut InputReader<'_>,
    outcome: Harm,
    has_died: bool,
    has_from: bool,
    (until, end): (Option<NaiveDate>, Option<HeldEnd>),
) {
    if has_died && outcome != Harm::Killed {
        input.fault("died_on", "only for a victim who was killed");
    }
    let may_be_held = outcome.is_held() || outcome == Harm::Killed;
    for (name, given) in [("held_from", has_from), ("held_until", until.is_some()), ("held_end", end.is_some())] {
        if given && !may_be_held {
            input.fault(
                name,
                "only for a victim who was abducted, detained or missing; the outcome stays so when it ended",
            );
        }
    }
    if until.is_some() != end.is_some() {
        input
            .fault(if end.is_some() { "held_until" } else { "held_end" }, "held_until and held_end are given together");
    }
    match end {
        Some(HeldEnd::Died) if outcome != Harm::Killed => {
            input.fault("held_end", "a person who died has the outcome killed");
        }
        Some(end) if outcome == Harm::Killed && end != HeldEnd::Died => {
            input.fault("held_end", "must be died for a victim who was killed");
        }
        _ => {}
    }
}

/// Victims, as children of an incident.
pub(super) struct Victims;

impl Child for Victims {
    const OF: Noun = Noun::Incident;
    const PATH: &'static str = "victims";
    const NAME: &'static str = "Victim";
    type Parent = Incident;
    type Record = Victim;
    type New = NewVictim;
    type View = VictimView;

    fn example() -> serde_json::Value {
        json!({"category": "contingent_troop", "states": ["GIN"], "outcome": "killed", "sex_of_dead": "male", "name": "Made-up Name"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Victim>) -> Option<NewVictim> {
        let base = known.map(|known| &known.facts);
        let category = input.required("category", base.map(|b| b.category), input::code::<Personnel>());
        let states = input.required(
            "states",
            base.map(|b| b.states.clone()).or(Some(Vec::new())),
            input::list_of(5, input::state()),
        );
        if let (Some(category), Some(states)) = (category, &states) {
            let mut distinct = states.clone();
            distinct.sort();
            distinct.dedup();
            if distinct.len() != states.len() {
                input.fault("states", "must not list the same State twice");
            } else if category.is_contributed() && states.len() > 1 {
                input.fault("states", "uniformed personnel can have only one State: the contributing State");
            }
        }
        let outcome = input.required("outcome", base.map(|b| b.outcome), input::code::<Harm>());
        let sex_of_dead = input.optional("sex_of_dead", base.and_then(|b| b.sex_of_dead), input::code::<Sex>());
        if sex_of_dead.is_some() && outcome.is_some_and(|outcome| outcome != Harm::Killed) {
            input.fault("sex_of_dead", "only for a victim who was killed; for others use the sealed field sex");
        }
        let noticas_id = input.optional("noticas_id", base.and_then(|b| b.noticas_id.clone()), input::external_id());
        let kin_notified_on =
            input.optional("kin_notified_on", base.and_then(|b| b.kin_notified_on), input::past_date());
        let state_notified_on =
            input.optional("state_notified_on", base.and_then(|b| b.state_notified_on), input::past_date());
        let known_held = |on: fn(&VictimFacts) -> Option<NaiveDate>| base.and_then(on);
        let died = input::past_date().about("For a person who was killed, where it was later than the incident.");
        let died_on = input.optional("died_on", known_held(|b| b.died_on), died);
        let from = input::past_date().about("For a person who was held, where it was later than the incident.");
        let held_from = input.optional("held_from", known_held(|b| b.held_from), from);
        let held_until = input.optional("held_until", known_held(|b| b.held_until), input::past_date());
        let end = input::code::<HeldEnd>().about("How it ended; with `held_until`.");
        let held_end = input.optional("held_end", base.and_then(|b| b.held_end), end);
        if let Some(outcome) = outcome {
            harm_faults(input, outcome, died_on.is_some(), held_from.is_some(), (held_until, held_end));
        }
        let sealed = input.sealed(Noun::Victim);
        Some(NewVictim {
            facts: VictimFacts {
                category: category?,
                states: states?,
                outcome: outcome?,
                sex_of_dead,
                noticas_id,
                kin_notified_on,
                state_notified_on,
                died_on,
                held_from,
                held_until,
                held_end,
            },
            sealed,
        })
    }

    fn parent(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Incident>> {
        r.incident_get(reference, EditionChoice::Working)
    }

    fn all(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<VictimView>>> {
        let Shown { body, tags } = show(viewer, r, reference, EditionChoice::Working)?;
        Ok(Shown { body: body.victims.unwrap_or_default(), tags })
    }

    fn handle(view: &VictimView) -> &str {
        &view.handle
    }

    fn may_create(viewer: &Viewer, _: &mut Write<'_>, of: &Incident) -> StoreResult<()> {
        may_report(viewer, of)
    }

    fn create(w: &mut Write<'_>, of: &Incident, new: &NewVictim) -> StoreResult<String> {
        Ok(w.victim_create(of, new)?.1.handle)
    }
}

impl Edited for Victims {
    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, of: &Incident) -> StoreResult<()> {
        may_report(viewer, of)
    }

    fn known(w: &mut Write<'_>, of: &Incident, handle: &str) -> StoreResult<Option<Victim>> {
        Ok(w.victim_list(of)?.into_iter().find(|one| one.handle == handle))
    }

    fn edit(w: &mut Write<'_>, of: &Incident, known: &Victim, new: &NewVictim) -> StoreResult<()> {
        w.victim_edit(of, known, new).map(|_| ())
    }
}

type VictimList = ListOf<VictimView>;
type VictimInput = child::New<Victims>;
type VictimEdit = child::Edit<Victims>;

/// Lists the victims of an incident that you may know of.
#[utoipa::path(tag = "incidents", params(("reference" = String, Path), Reading), responses((status = 200, body = VictimList), Tombstone, NotModified, Problems))]
#[get("/incidents/{reference}/victims")]
pub(super) async fn victim_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    child::list::<Victims>(call, &path).await
}

/// Adds a victim; after release, to an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = VictimInput,
    responses((status = 201, body = VictimView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/victims")]
pub(super) async fn victim_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    child::create::<Victims>(call, &path, body).await
}

/// Shows one victim, with the ETag that a change of it asks for.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("handle" = String, Path), Reading),
    responses((status = 200, body = VictimView), Tombstone, NotModified, Problems)
)]
#[get("/incidents/{reference}/victims/{handle}")]
pub(super) async fn victim_get(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    child::get::<Victims>(call, path.into_inner()).await
}

/// Changes a victim; after release, in an amendment.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("handle" = String, Path), ("If-Match" = String, Header, description = "ETag of the victim, or *")),
    request_body(content = VictimEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = VictimView), Preconditions, Tombstone, Problems)
)]
#[patch("/incidents/{reference}/victims/{handle}")]
pub(super) async fn victim_edit(
    call: Call,
    path: Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    child::edit::<Victims>(call, path.into_inner(), body).await
}
