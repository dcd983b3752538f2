//! What is shown of victims and suspects.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::withheld::{Markers, Withheld};
use crate::domain::{Harm, Noun, Perpetrator, Personnel, Sex, SuspectFacts, SuspectStatus, VictimFacts};
use crate::policy::{AccessContext, Viewer};
use crate::store::{Id, Suspect, Victim};

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
        victim: &Victim,
        held: Option<&HashSet<(Id, u16)>>,
    ) -> Self {
        let VictimFacts { category, states, outcome, sex_of_dead, noticas_id, kin_notified_on, state_notified_on } =
            victim.facts.clone();
        let inside = viewer.is_inside();
        // The host State, and the State of a proceeding, see whose nationals all victims are.
        let sees_all = inside || facts.relations.host || facts.relations.proceeding;
        let facts = facts.to_victim(viewer, &states, victim.facts.is_notified());
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

/// A suspect, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectView {
    /// Random handle within the incident.
    #[schema(example = "9QW3TZ")]
    handle: String,
    /// Category.
    category: Perpetrator,
    /// Where the person stands.
    status: SuspectStatus,
    affiliation: Withheld,
    name: Withheld,
    aliases: Withheld,
    identifiers: Withheld,
}

impl SuspectView {
    pub(super) fn new(
        viewer: &Viewer,
        facts: AccessContext,
        suspect: &Suspect,
        held: Option<&HashSet<(Id, u16)>>,
    ) -> Self {
        let SuspectFacts { category, status } = suspect.facts;
        let markers = Markers { noun: Noun::Suspect, viewer, facts, holder: suspect.holder, held };
        Self {
            handle: suspect.handle.clone(),
            category,
            status,
            affiliation: markers.of("affiliation"),
            name: markers.of("name"),
            aliases: markers.of("aliases"),
            identifiers: markers.of("identifiers"),
        }
    }
}
