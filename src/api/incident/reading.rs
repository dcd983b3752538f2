//! What people send about incidents.

use super::suspect::Suspects;
use super::victim::Victims;
use crate::api::child::Child as _;
use crate::api::confirm::Confirmed;
use crate::api::input::{self, Context, InputReader, describe};
use crate::domain::{Activity, IncidentFacts, Means, Noun, Perpetrator};
use crate::store::{NewIncident, SealedInput};

describe::input!(
    /// An incident as reported. Sealed fields are plain text on the way in, and are never shown again without a disclosure.
    IncidentInput,
    "An incident as reported. Sealed fields are plain text on the way in, and are never shown again without a disclosure.",
    reported,
    {
        "mission": "MINUSMA", "occurred_on": "2019-02-22", "act": "killing", "means": "small_arms", "activity": "travel_official",
        "perpetrator_category": "not_identified", "region": "ML-2", "exact_place": "made-up place, km 12",
        "narrative": "Made-up narrative.",
        "victims": [{"category": "contingent_troop", "states": ["GIN"], "outcome": "killed", "sex_of_dead": "male", "name": "Made-up Name"}]
    }
);
describe::edit!(
    /// An incident as changed: a JSON Merge Patch (RFC 7396).
    IncidentEdit,
    "A JSON Merge Patch (RFC 7396): what is left out stays as it is, `null` empties a member that may be empty.",
    edited_incident,
    {"means": "ied", "narrative": "Made-up narrative, corrected."}
);
fn edited_incident(input: &mut InputReader<'_>) -> Option<(IncidentFacts, SealedInput, Confirmed)> {
    edited(input, None)
}

/// Reads a change of an incident, over the facts that it had, with what is confirmed of it.
pub(super) fn edited(
    input: &mut InputReader<'_>,
    base: Option<&IncidentFacts>,
) -> Option<(IncidentFacts, SealedInput, Confirmed)> {
    let confirmed = Confirmed::of(input);
    let (facts, sealed) = incident(input, base)?;
    Some((facts, sealed, confirmed))
}

/// Reads an incident, over the facts that it had.
fn incident(input: &mut InputReader<'_>, base: Option<&IncidentFacts>) -> Option<(IncidentFacts, SealedInput)> {
    let facts = incident_facts(input, base);
    let sealed = input.sealed(Noun::Incident);
    Some((facts?, sealed))
}

/// Reads the open facts of an incident, over those it had.
pub(super) fn incident_facts(input: &mut InputReader<'_>, base: Option<&IncidentFacts>) -> Option<IncidentFacts> {
    let mission = input.required("mission", base.map(|b| b.mission.clone()), input::mission());
    let host_given = input.has("host_state");
    let host = input.optional("host_state", base.and_then(|b| b.host_state.clone()), input::state());
    let occurred = input.past_partial_date("occurred_on", base.map(|b| b.occurred));
    let place_given = input.has("exact_place");
    let region = input.optional("region", base.and_then(|b| b.region.clone()), input::region());
    if place_given && region.is_none() {
        input.fault("region", "required with exact_place: send the region (which is not sealed) in the same request");
    }
    let act = input.required("act", base.map(|b| b.act), input::code());
    let means = input.required("means", Some(base.map_or(Means::NotKnown, |b| b.means)), input::code());
    let activity = input.required("activity", Some(base.map_or(Activity::NotKnown, |b| b.activity)), input::code());
    let perpetrator = input.required(
        "perpetrator_category",
        Some(base.map_or(Perpetrator::NotIdentified, |b| b.perpetrator)),
        input::code(),
    );
    let others_killed =
        input.required("others_killed", Some(base.map_or(0, |b| b.others_killed)), input::integer(0, 100_000));
    let others_injured =
        input.required("others_injured", Some(base.map_or(0, |b| b.others_injured)), input::integer(0, 100_000));
    let noticas_id = input.optional("noticas_id", base.and_then(|b| b.noticas_id.clone()), input::external_id());
    let sage_id = input.optional("sage_id", base.and_then(|b| b.sage_id.clone()), input::external_id());
    let known = base.and_then(|b| b.hold);
    let reason = input.optional("hold_reason", known.map(|(reason, _)| reason), input::code());
    let review = input.optional("hold_review_on", known.map(|(_, on)| on), input::date());
    if reason.is_some() != review.is_some() {
        input.fault("hold_review_on", "a hold needs both hold_reason and hold_review_on");
    }
    let host_state = match (&mission, host) {
        (Some(mission), None) if !host_given => sole_host(input.context, mission),
        (_, host) => host,
    };
    if let (Some(mission), Some(host)) = (&mission, &host_state) {
        let hosts = input.context.reference.missions.get(mission);
        if hosts.is_some_and(|hosts| !hosts.is_empty() && !hosts.contains(host)) {
            input.fault("host_state", "must be a host State of the mission");
        }
    }
    if let (Some(mission), Some(region)) = (&mission, &region) {
        let hosts = input.context.reference.missions.get(mission).cloned().unwrap_or_default();
        let hosts = host_state.as_ref().map_or(hosts, |host| vec![host.clone()]);
        if !hosts.is_empty() && !hosts.iter().any(|host| is_of(host, region)) {
            input.fault("region", "must be a region of the host State (ISO 3166-2)");
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

/// Reads a report, with what is confirmed of it.
pub(super) fn reported(input: &mut InputReader<'_>) -> Option<(NewIncident, Confirmed)> {
    let confirmed = Confirmed::of(input);
    Some((new_incident(input)?, confirmed))
}

/// Reads a report.
pub(in crate::api) fn new_incident(input: &mut InputReader<'_>) -> Option<NewIncident> {
    let incident = incident(input, None);
    let victims = input.list("victims", 500, |input| Victims::read_new(input, None));
    let suspects = input.list("suspects", 500, |input| Suspects::read_new(input, None));
    for (at, victim) in victims.iter().enumerate() {
        let id = victim.facts.noticas_id.as_ref();
        if id.is_some() && victims[..at].iter().any(|other| other.facts.noticas_id.as_ref() == id) {
            input
                .fault_at(&["victims", &at.to_string(), "noticas_id"], "another victim of this report has the same id");
        }
    }
    let (facts, sealed) = incident?;
    Some(NewIncident { facts, sealed, victims, suspects })
}

/// Reads a list of handles.
pub(super) fn handles() -> impl input::Reader<Vec<String>> {
    input::list_of(500, input::text(20))
}
