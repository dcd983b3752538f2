//! How an incident is shown. The one place that decides which of its facts are for mission and Secretariat only.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::suspect::SuspectView;
use super::victim::VictimView;
use crate::api::call::Shown;
use crate::api::decision::reasons;
use crate::api::input::Context;
use crate::api::resource::shared_tags;
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{
    Act, Activity, Counts, FieldReason, HoldReason, IncidentFacts, IncidentStatus, Means, Noun, Perpetrator, Precision,
    Reason, WithholdingReason, summary,
};
use crate::policy::{AccessContext, Target, Viewer, access};
use crate::store::{Id, Incident, Read, Result, confirmed};

/// An incident, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentView {
    /// Reference.
    #[schema(example = "MINUSMA-2019-7KQ4")]
    reference: String,
    /// Status of the edition shown; to States always `released`.
    status: IncidentStatus,
    /// Number of the edition shown (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<i32>,
    /// Whether the edition shown amends a released one (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    amends: Option<bool>,
    /// Acronym of the mission.
    #[schema(example = "MINUSMA")]
    mission: String,
    /// Host State, alpha-3; null where the source names a mission of several.
    #[schema(example = "MLI")]
    host_state: Option<String>,
    /// Date, local to the mission; the first day where the precision is a month or year.
    occurred_on: NaiveDate,
    /// How exactly the date is known.
    occurred_on_precision: Precision,
    /// First-level region, ISO 3166-2.
    region: Option<String>,
    /// Kind of act.
    act: Act,
    /// Means.
    means: Means,
    /// What the victims were doing.
    activity: Activity,
    /// Alleged perpetrator.
    perpetrator_category: Perpetrator,
    /// Victims in all.
    victims_total: i32,
    /// Killed.
    killed: i32,
    /// Injured.
    injured: i32,
    /// Abducted or missing.
    abducted: i32,
    /// Detained.
    detained: i32,
    /// Of those who were abducted, detained or missing, how many still are.
    still_held: i32,
    /// Dead who are not UN personnel.
    others_killed: i32,
    /// Injured who are not UN personnel.
    others_injured: i32,
    /// Id in NOTICAS.
    noticas_id: Option<String>,
    /// Id in SAGE.
    sage_id: Option<String>,
    /// Whether this is just what the United Nations' public file says.
    public_file: bool,
    /// Generated from the codes above.
    #[schema(example = "On 22 February 2019, MINUSMA reported a killing in Mali: three killed, two injured.")]
    summary: String,
    /// Why release waits (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_reason: Option<Option<HoldReason>>,
    /// When the hold is reviewed (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_review_on: Option<Option<NaiveDate>>,
    /// States from which the record is withheld by a confirmed decision (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld_from: Option<Vec<String>>,
    /// A proposal on withholding that waits for a second officer (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    withholding_proposed: Option<WithholdingView>,
    /// The States that will see what is shown here once it is released (mission and Secretariat, in the single view, before release).
    #[serde(skip_serializing_if = "Option::is_none")]
    will_be_seen_by: Option<Vec<String>>,
    /// Why another officer asks that it be withdrawn, though it was released (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawal_proposed: Option<Reason>,
    /// Why it was returned or withdrawn, while it is (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Why, field by field (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// When an open fact last changed; to States, when the edition was released.
    updated_at: DateTime<Utc>,
    /// When the edition was released.
    released_at: Option<DateTime<Utc>>,
    exact_place: Withheld,
    coordinates: Withheld,
    exact_time: Withheld,
    narrative: Withheld,
    attribution: Withheld,
    attribution_basis: Withheld,
    sources: Withheld,
    /// Paths of records that may be the same: of the same external id, or of the same mission, day, State and category (mission and Secretariat,
    /// in the single view). Nothing is stopped by it; the Secretariat decides (`GET /v1/likely-duplicates`).
    #[serde(skip_serializing_if = "Option::is_none")]
    likely_duplicates: Option<Vec<String>>,
    /// References of the cases that it belongs to, as far as they concern you (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cases: Option<Vec<String>>,
    /// References of the proceedings that serve those cases (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proceedings: Option<Vec<String>>,
    /// Victims that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) victims: Option<Vec<VictimView>>,
    /// Suspects (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suspects: Option<Vec<SuspectView>>,
}

/// A proposal on withholding.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithholdingView {
    /// States from which the record would be kept; none to decide that it is kept from nobody.
    states: Vec<String>,
    /// Why.
    reason: WithholdingReason,
}

fn view(
    incident: Incident,
    host: Option<&str>,
    markers: &Markers<'_>,
    withheld_from: Option<Vec<String>>,
) -> IncidentView {
    let inside = markers.viewer.is_inside();
    let summary = summary(&incident.facts, host, incident.counts);
    let IncidentFacts {
        mission,
        host_state,
        occurred,
        region,
        act,
        means,
        activity,
        perpetrator,
        others_killed,
        others_injured,
        noticas_id,
        sage_id,
        hold,
    } = incident.facts;
    let Counts { victims, killed, injured, abducted, detained, still_held } = incident.counts;
    let updated = if inside { incident.updated_at } else { incident.released_at.unwrap_or(incident.updated_at) };
    IncidentView {
        reference: incident.reference,
        status: if inside { incident.status } else { IncidentStatus::Released },
        edition: markers.shown("number", incident.number),
        amends: markers.shown("number", incident.amends),
        mission,
        host_state,
        occurred_on: occurred.first(),
        occurred_on_precision: occurred.precision(),
        region,
        act,
        means,
        activity,
        perpetrator_category: perpetrator,
        victims_total: victims,
        killed,
        injured,
        abducted,
        detained,
        still_held,
        others_killed,
        others_injured,
        noticas_id,
        sage_id,
        public_file: incident.public_file,
        summary,
        hold_reason: markers.shown("hold_reason", hold.map(|(reason, _)| reason)),
        hold_review_on: markers.shown("hold_review_on", hold.map(|(_, on)| on)),
        withheld_from,
        withholding_proposed: None,
        will_be_seen_by: None,
        withdrawal_proposed: None,
        reason: None,
        reason_fields: None,
        reason_note: None,
        updated_at: updated.and_utc(),
        released_at: incident.released_at.map(|at| at.and_utc()),
        exact_place: markers.of("exact_place"),
        coordinates: markers.of("coordinates"),
        exact_time: markers.of("exact_time"),
        narrative: markers.of("narrative"),
        attribution: markers.of("attribution"),
        attribution_basis: markers.of("attribution_basis"),
        sources: markers.of("sources"),
        likely_duplicates: None,
        cases: None,
        proceedings: None,
        victims: None,
        suspects: None,
    }
}

/// How a viewer stands to an incident, as far as the incident alone tells: in lists a State is told of nothing held.
fn list_context(viewer: &Viewer, incident: &Incident) -> AccessContext {
    access(viewer, &Target { missions: std::slice::from_ref(&incident.facts.mission), ..Target::default() })
}

/// Shows a list.
pub(super) fn many(
    viewer: &Viewer,
    incidents: Vec<Incident>,
    held: Option<&HashSet<(Id, u16)>>,
    context: &Context,
) -> Vec<IncidentView> {
    incidents
        .into_iter()
        .map(|incident| {
            let markers = Markers {
                noun: Noun::Incident,
                viewer,
                facts: list_context(viewer, &incident),
                holder: incident.edition,
                held,
            };
            let host = incident.facts.host_state.as_ref().and_then(|code| context.reference.states.get(code));
            view(incident, host.map(String::as_str), &markers, None)
        })
        .collect()
}

/// Shows one incident with its children.
pub(super) fn one(viewer: &Viewer, r: &mut Read<'_>, incident: &Incident) -> Result<Shown<IncidentView>> {
    let facts = r.incident_access(viewer, incident)?;
    let victims = r.victim_list(incident)?;
    let suspects = r.suspect_list(incident)?;
    let mut holders = vec![incident.edition];
    holders.extend(victims.iter().map(|victim| victim.holder));
    holders.extend(suspects.iter().map(|suspect| suspect.holder));
    let held = r.held(&holders)?;
    let host = incident.facts.host_state.as_deref().map(|code| r.state_name(code)).transpose()?;
    let decisions = if viewer.is_inside() { Some(r.withholdings(incident)?) } else { None };
    let withheld_from = decisions.as_deref().map(confirmed);
    let proposed = decisions.and_then(|decisions| decisions.into_iter().next());
    let markers = Markers { noun: Noun::Incident, viewer, facts, holder: incident.edition, held: Some(&held) };
    let mut body = view(incident.clone(), host.as_deref(), &markers, withheld_from);
    body.withholding_proposed = proposed
        .filter(|standing| standing.confirmed_at.is_none())
        .map(|standing| WithholdingView { states: standing.states, reason: standing.reason });
    if viewer.is_inside() {
        let (reason, fields) = reasons(incident.returned.clone());
        if incident.status == IncidentStatus::Released {
            body.withdrawal_proposed = reason;
        } else {
            (body.reason, body.reason_fields) = (reason, fields);
        }
        body.reason_note = Some(markers.of("reason_note"));
        body.likely_duplicates = Some(r.likely_duplicates_of(&incident.reference)?);
    }
    let waits = !matches!(incident.status, IncidentStatus::Released | IncidentStatus::Withdrawn);
    body.will_be_seen_by = if viewer.is_inside() && waits { Some(r.will_see(incident)?) } else { None };
    body.cases = Some(r.cases_of_incident(incident)?.into_iter().map(|case| case.reference).collect());
    body.proceedings = Some(r.proceedings_of_incident(incident)?.into_iter().map(|one| one.reference).collect());
    let states: Vec<String> = victims.iter().flat_map(|victim| victim.facts.states.clone()).collect();
    body.victims =
        Some(victims.iter().map(|victim| VictimView::new(viewer, facts, incident, victim, Some(&held))).collect());
    body.suspects =
        Some(suspects.iter().map(|suspect| SuspectView::new(viewer, facts, suspect, Some(&held))).collect());
    // The tags move with any victim of the viewer's State.
    let of_tags = facts.to_victim(viewer, &states, true);
    let tags = shared_tags(viewer, of_tags, &[Noun::Incident, Noun::Victim, Noun::Suspect], &incident.tags);
    Ok(Shown { body, tags })
}
