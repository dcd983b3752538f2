//! What people send about incidents, victims and suspects. The structs describe it; the functions read it.

use chrono::NaiveDate;
use utoipa::ToSchema;

use crate::api::form::{self, Context, Form, Input};
use crate::domain::{
    Act, Activity, Harm, HoldReason, IncidentFacts, Means, Noun, Perpetrator, Personnel, Precision, Sex, SuspectFacts,
    SuspectStatus, VictimFacts,
};
use crate::store::{NewIncident, NewSuspect, NewVictim};

/// An incident as reported, or as changed (then every field may be left out). Sealed fields are plain text on the way in
/// and are never shown again without a disclosure.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `incident_facts` reads the body")]
#[schema(example = json!({
    "mission": "MINUSMA", "occurred_on": "2019-02-22", "act": "killing", "means": "small_arms", "activity": "travel_official",
    "perpetrator_category": "not_identified", "region": "ML-2", "exact_place": "made-up place, km 12",
    "narrative": "Made-up narrative.",
    "victims": [{"category": "contingent_troop", "states": ["GIN"], "outcome": "killed", "sex_of_dead": "male", "name": "Made-up Name"}]
}))]
pub struct IncidentInput {
    /// Acronym of the mission. Required in a report.
    mission: Option<String>,
    /// Alpha-3 code of the host State; taken from the mission where it has just one.
    host_state: Option<String>,
    /// Date, local to the mission. Required in a report.
    occurred_on: Option<NaiveDate>,
    /// How exactly the date is known (`day` if absent).
    occurred_on_precision: Option<Precision>,
    /// First-level region, ISO 3166-2: the coarse twin of `exact_place`, required with it.
    region: Option<String>,
    /// Kind of act. Required in a report.
    act: Option<Act>,
    /// Means (`not_known` if absent).
    means: Option<Means>,
    /// Activity (`not_known` if absent).
    activity: Option<Activity>,
    /// Alleged perpetrator (`not_identified` if absent).
    perpetrator_category: Option<Perpetrator>,
    /// Dead who are not UN personnel.
    others_killed: Option<i32>,
    /// Injured who are not UN personnel.
    others_injured: Option<i32>,
    /// Id in NOTICAS.
    noticas_id: Option<String>,
    /// Id in SAGE.
    sage_id: Option<String>,
    /// Why release waits; with `hold_review_on`.
    hold_reason: Option<HoldReason>,
    /// When the hold is reviewed.
    hold_review_on: Option<NaiveDate>,
    /// Sealed, confidential.
    exact_place: Option<String>,
    /// Sealed, confidential: latitude and longitude.
    coordinates: Option<String>,
    /// Sealed, confidential.
    exact_time: Option<String>,
    /// Sealed, confidential.
    narrative: Option<String>,
    /// Sealed, confidential.
    attribution: Option<String>,
    /// Sealed, confidential.
    attribution_basis: Option<String>,
    /// Sealed, strictly confidential.
    sources: Option<String>,
    /// Victims (in a report only; later at `…/victims`).
    victims: Option<Vec<VictimInput>>,
    /// Suspects (in a report only; later at `…/suspects`).
    suspects: Option<Vec<SuspectInput>>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// A victim as reported or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `victim` reads the body")]
#[schema(example = json!({"category": "contingent_troop", "states": ["GIN"], "outcome": "killed", "sex_of_dead": "male", "name": "Made-up Name"}))]
pub struct VictimInput {
    /// Category of personnel. Required in a report.
    category: Option<Personnel>,
    /// Alpha-3 codes: the contributing State, or a civilian's nationalities.
    states: Option<Vec<String>>,
    /// What happened. Required in a report.
    outcome: Option<Harm>,
    /// Sex, for the dead only.
    sex_of_dead: Option<Sex>,
    /// Id in NOTICAS.
    noticas_id: Option<String>,
    /// When next of kin were notified.
    kin_notified_on: Option<NaiveDate>,
    /// When the State was notified.
    state_notified_on: Option<NaiveDate>,
    /// Sealed, confidential.
    sex: Option<String>,
    /// Sealed, confidential.
    age_band: Option<String>,
    /// Sealed, confidential.
    rank: Option<String>,
    /// Sealed, confidential.
    unit: Option<String>,
    /// Sealed, strictly confidential.
    name: Option<String>,
    /// Sealed, strictly confidential.
    index_number: Option<String>,
    /// Sealed, strictly confidential.
    date_of_birth: Option<String>,
    /// Sealed, strictly confidential.
    medical_detail: Option<String>,
    /// Sealed, strictly confidential.
    sexual_violence_detail: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// A suspect as reported or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `suspect` reads the body")]
#[schema(example = json!({"category": "individual", "status": "at_large", "name": "Made-up Name"}))]
pub struct SuspectInput {
    /// Category. Required in a report.
    category: Option<Perpetrator>,
    /// Where the person stands (`not_known` if absent).
    status: Option<SuspectStatus>,
    /// Sealed, confidential.
    affiliation: Option<String>,
    /// Sealed, strictly confidential.
    name: Option<String>,
    /// Sealed, strictly confidential.
    aliases: Option<String>,
    /// Sealed, strictly confidential.
    identifiers: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// Reads the open facts of an incident, over those it had.
pub(super) fn incident_facts(form: &mut Form<'_>, base: Option<&IncidentFacts>) -> Option<IncidentFacts> {
    let mission = form.required("mission", base.map(|b| b.mission.clone()), form::mission);
    let host_given = form.has("host_state");
    let host = form.optional("host_state", base.and_then(|b| b.host_state.clone()), form::state);
    let occurred = form.partial_date("occurred_on", base.map(|b| b.occurred));
    if occurred.is_some_and(|on| on.is_future(form.context.now)) {
        form.fault("occurred_on", "lies in the future");
    }
    let place_given = form.has("exact_place");
    let region = form.optional("region", base.and_then(|b| b.region.clone()), form::region);
    if place_given && region.is_none() {
        form.fault("region", "required with exact_place: the coarse twin of a sealed place comes in the same request");
    }
    let act = form.required("act", base.map(|b| b.act), form::code);
    let means = form.required("means", Some(base.map_or(Means::NotKnown, |b| b.means)), form::code);
    let activity = form.required("activity", Some(base.map_or(Activity::NotKnown, |b| b.activity)), form::code);
    let perpetrator = form.required(
        "perpetrator_category",
        Some(base.map_or(Perpetrator::NotIdentified, |b| b.perpetrator)),
        form::code,
    );
    let others_killed =
        form.required("others_killed", Some(base.map_or(0, |b| b.others_killed)), form::integer(0, 100_000));
    let others_injured =
        form.required("others_injured", Some(base.map_or(0, |b| b.others_injured)), form::integer(0, 100_000));
    let noticas_id = form.optional("noticas_id", base.and_then(|b| b.noticas_id.clone()), form::external_id);
    let sage_id = form.optional("sage_id", base.and_then(|b| b.sage_id.clone()), form::external_id);
    let known = base.and_then(|b| b.hold);
    let reason = form.optional("hold_reason", known.map(|(reason, _)| reason), form::code);
    let review = form.optional("hold_review_on", known.map(|(_, on)| on), form::date);
    if reason.is_some() != review.is_some() {
        form.fault("hold_review_on", "a hold has both a reason and a review date");
    }
    let host_state = match (&mission, host) {
        (Some(mission), None) if !host_given => sole_host(form.context, mission),
        (_, host) => host,
    };
    if let (Some(mission), Some(host)) = (&mission, &host_state) {
        let hosts = form.context.reference.missions.get(mission);
        if hosts.is_some_and(|hosts| !hosts.is_empty() && !hosts.contains(host)) {
            form.fault("host_state", "not a host State of the mission");
        }
    }
    if let (Some(mission), Some(region)) = (&mission, &region) {
        let hosts = form.context.reference.missions.get(mission).cloned().unwrap_or_default();
        let hosts = host_state.as_ref().map_or(hosts, |host| vec![host.clone()]);
        if !hosts.is_empty() && !hosts.iter().any(|host| is_of(host, region)) {
            form.fault("region", "must be a region of the host State (ISO 3166-2)");
        }
    }
    Some(IncidentFacts {
        mission: mission?,
        host_state,
        occurred: occurred?,
        region,
        act: act?,
        means: means?,
        activity: activity?,
        perpetrator: perpetrator?,
        others_killed: others_killed?,
        others_injured: others_injured?,
        noticas_id,
        sage_id,
        hold: reason.zip(review),
    })
}

/// Whether a first-level region (ISO 3166-2) is a State's; of a State without a code of two letters, any may be.
fn is_of(state: &str, region: &str) -> bool {
    let letters = rust_iso3166::from_alpha3(state).map(|country| country.alpha2);
    letters.is_none_or(|letters| region.split_once('-').is_some_and(|(country, _)| country == letters))
}

fn sole_host(context: &Context, mission: &str) -> Option<String> {
    match context.reference.missions.get(mission).map(Vec::as_slice) {
        Some([host]) => Some(host.clone()),
        _ => None,
    }
}

/// Reads a report.
pub(in crate::api) fn new_incident(form: &mut Form<'_>) -> Option<NewIncident> {
    let facts = incident_facts(form, None);
    let sealed = form.sealed(Noun::Incident);
    let victims = form.list("victims", 500, |form| victim(form, None));
    let suspects = form.list("suspects", 500, |form| suspect(form, None));
    Some(NewIncident { facts: facts?, sealed, victims, suspects })
}

/// Reads a victim, over what it was.
pub(super) fn victim(form: &mut Form<'_>, base: Option<&VictimFacts>) -> Option<NewVictim> {
    let category = form.required("category", base.map(|b| b.category), form::code::<Personnel>);
    let states =
        form.required("states", base.map(|b| b.states.clone()).or(Some(Vec::new())), form::list_of(5, form::state));
    if let (Some(category), Some(states)) = (category, &states) {
        let mut distinct = states.clone();
        distinct.sort();
        distinct.dedup();
        if distinct.len() != states.len() {
            form.fault("states", "the same State twice");
        } else if category.is_contributed() && states.len() > 1 {
            form.fault("states", "uniformed personnel have one contributing State");
        }
    }
    let outcome = form.required("outcome", base.map(|b| b.outcome), form::code::<Harm>);
    let sex_of_dead = form.optional("sex_of_dead", base.and_then(|b| b.sex_of_dead), form::code::<Sex>);
    if sex_of_dead.is_some() && outcome.is_some_and(|outcome| outcome != Harm::Killed) {
        form.fault("sex_of_dead", "only for the dead: the sex of others is sealed, in sex");
    }
    let noticas_id = form.optional("noticas_id", base.and_then(|b| b.noticas_id.clone()), form::external_id);
    let kin_notified_on = form.optional("kin_notified_on", base.and_then(|b| b.kin_notified_on), form::past_date);
    let state_notified_on = form.optional("state_notified_on", base.and_then(|b| b.state_notified_on), form::past_date);
    let sealed = if base.is_some() { form.sealed_patch(Noun::Victim) } else { form.sealed(Noun::Victim) };
    Some(NewVictim {
        facts: VictimFacts {
            category: category?,
            states: states?,
            outcome: outcome?,
            sex_of_dead,
            noticas_id,
            kin_notified_on,
            state_notified_on,
        },
        sealed,
    })
}

/// Reads a suspect, over what it was.
pub(super) fn suspect(form: &mut Form<'_>, base: Option<&SuspectFacts>) -> Option<NewSuspect> {
    let category = form.required("category", base.map(|b| b.category), form::code);
    let status = form.required("status", Some(base.map_or(SuspectStatus::NotKnown, |b| b.status)), form::code);
    let sealed = if base.is_some() { form.sealed_patch(Noun::Suspect) } else { form.sealed(Noun::Suspect) };
    Some(NewSuspect { facts: SuspectFacts { category: category?, status: status? }, sealed })
}

/// Reads a list of handles.
pub(super) fn handles(input: &Input, context: &Context) -> Result<Vec<String>, String> {
    form::list_of(500, form::text(20))(input, context)
}
