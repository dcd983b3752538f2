//! The open facts of incidents, victims and suspects by name, as history shows them.

use serde_json::{Map, Value, json};

use crate::domain::{IncidentFacts, SuspectFacts, VictimFacts};

/// Of an incident.
pub(super) fn incident_fields(facts: &IncidentFacts) -> Map<String, Value> {
    let value = json!({
        "mission": facts.mission,
        "host_state": facts.host_state,
        "occurred_on": facts.occurred.first(),
        "occurred_on_precision": facts.occurred.precision(),
        "region": facts.region,
        "act": facts.act,
        "means": facts.means,
        "activity": facts.activity,
        "perpetrator_category": facts.perpetrator,
        "others_killed": facts.others_killed,
        "others_injured": facts.others_injured,
        "noticas_id": facts.noticas_id,
        "sage_id": facts.sage_id,
        "hold_reason": facts.hold.map(|(reason, _)| reason),
        "hold_review_on": facts.hold.map(|(_, on)| on),
    });
    object(value)
}

/// Of a victim.
pub(super) fn victim_fields(handle: &str, facts: &VictimFacts) -> Map<String, Value> {
    object(json!({
        "handle": handle,
        "category": facts.category,
        "states": facts.states,
        "outcome": facts.outcome,
        "sex_of_dead": facts.sex_of_dead,
        "noticas_id": facts.noticas_id,
        "kin_notified_on": facts.kin_notified_on,
        "state_notified_on": facts.state_notified_on,
        "died_on": facts.died_on,
        "held_from": facts.held_from,
        "held_until": facts.held_until,
        "held_end": facts.held_end,
    }))
}

/// Of a suspect.
pub(super) fn suspect_fields(handle: &str, facts: &SuspectFacts) -> Map<String, Value> {
    object(json!({ "handle": handle, "category": facts.category, "status": facts.status }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
