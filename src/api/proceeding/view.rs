//! What is shown of a proceeding.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use seal::ClassCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::accused::{AccusedView, accused_view};
use super::step::{StepView, step_view};
use crate::api::call::Shown;
use crate::api::decision::reasons;
use crate::api::withheld::{Markers, Withheld, shares_tag};
use crate::domain::{FieldReason, Forum, Jurisdiction, Noun, Obstacle, Precision, Reason, Stage, SubmissionStatus};
use crate::policy::{AccessContext, Relations, Viewer};
use crate::store::{Error, Id, Proceeding, ProceedingFacts, Read, Result as StoreResult, Seals};

/// A proceeding, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProceedingView {
    /// Reference.
    #[schema(example = "P-MLI-2020-8WX2")]
    reference: String,
    /// State whose authority holds the file.
    state: String,
    /// The authority.
    #[schema(example = "Court of Assizes, Bamako")]
    authority: String,
    /// Its kind.
    forum: Forum,
    /// Ground of jurisdiction.
    jurisdiction: Jurisdiction,
    /// When it was opened.
    opened_on: NaiveDate,
    /// How exactly that is known.
    opened_on_precision: Precision,
    /// Obstacles that were shared with the State.
    obstacles: Vec<Obstacle>,
    /// Whether it counts, and concerns its State: once another officer accepted it.
    status: SubmissionStatus,
    /// The State that recorded it, if one did.
    submitted_by_state: Option<String>,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why, field by field (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// Why another officer asks that it be withdrawn, though it was accepted (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawal_proposed: Option<Reason>,
    /// The States that will see something new once it is accepted (mission and Secretariat, in the single view, while it waits).
    #[serde(skip_serializing_if = "Option::is_none")]
    will_be_seen_by: Option<Vec<String>>,
    /// Furthest stage reached by anybody.
    stage_furthest: Stage,
    /// Present stage, or exit.
    stage_current: String,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    court_file_number: Withheld,
    internal_obstacles: Withheld,
    notes: Withheld,
    /// References of the cases that it serves (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<String>>,
    /// The accused that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accused: Option<Vec<AccusedView>>,
    /// The steps that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steps: Option<Vec<StepView>>,
}

/// A page of proceedings.
#[derive(Serialize, ToSchema)]
pub struct ProceedingPage {
    items: Vec<ProceedingView>,
    next: Option<String>,
}

pub(super) fn access_context(viewer: &Viewer, of: &Proceeding, missions: &[String]) -> AccessContext {
    let own = of.submitted_state.is_some() && of.submitted_state == viewer.state;
    let relations = Relations {
        own_mission: viewer.missions.iter().any(|own| missions.contains(own)),
        proceeding: viewer.state.as_ref() == Some(&of.facts.state),
        own_submission: own && of.status != SubmissionStatus::Accepted,
        // Nobody else types in it before it is accepted.
        typed: own && of.status != SubmissionStatus::Accepted && of.withdrawn_at.is_none(),
        ..Relations::default()
    };
    AccessContext { relations, notified: true, under_review: of.frozen_at.is_some(), ..AccessContext::default() }
}

pub(super) fn view(
    viewer: &Viewer,
    facts: AccessContext,
    of: Proceeding,
    held: Option<&HashSet<(Id, u16)>>,
) -> ProceedingView {
    let markers = Markers { noun: Noun::Proceeding, viewer, facts, holder: of.id, held };
    let (file, internal, notes) =
        (markers.of("court_file_number"), markers.of("internal_obstacles"), markers.of("notes"));
    let ProceedingFacts { state, authority, forum, jurisdiction, opened, obstacles } = of.facts;
    let (reason, _) = reasons(of.returned.filter(|_| of.withdrawal_by.is_none()));
    ProceedingView {
        reference: of.reference,
        state,
        authority,
        forum,
        jurisdiction,
        opened_on: opened.first(),
        opened_on_precision: opened.precision(),
        obstacles,
        status: of.status,
        submitted_by_state: of.submitted_state,
        reason,
        reason_fields: None,
        reason_note: None,
        withdrawal_proposed: None,
        will_be_seen_by: None,
        stage_furthest: of.stage_furthest,
        stage_current: of.stage_current,
        created_at: of.created_at.and_utc(),
        updated_at: of.updated_at.and_utc(),
        court_file_number: file,
        internal_obstacles: internal,
        notes,
        cases: None,
        accused: None,
        steps: None,
    }
}

pub(super) fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<ProceedingView>> {
    let of = r.proceeding_get(reference)?.ok_or(Error::NotFound)?;
    let missions = r.proceeding_missions(of.id)?;
    let facts = access_context(viewer, &of, &missions);
    let cases = r.proceeding_cases(of.id)?;
    let waits = viewer.is_inside() && of.status != SubmissionStatus::Accepted;
    let served: Vec<Id> = cases.iter().map(|case| case.id).collect();
    let will_see = if waits { Some(r.will_see_proceeding(&of.facts.state, &served)?) } else { None };
    let cases = cases.into_iter().map(|case| case.reference).collect();
    let accused = r.accused_list(&of)?;
    let steps = r.step_list(&of)?;
    let mut holders = vec![of.id];
    holders.extend(accused.iter().map(|one| one.id));
    holders.extend(steps.iter().map(|one| one.id));
    let Seals { held, tags } = r.proceeding_seals(&of, &holders)?;
    let tags = ClassCode::ALL
        .into_iter()
        .zip(&tags)
        .filter(|(class, _)| shares_tag(viewer, facts, &[Noun::Proceeding, Noun::Accused], *class))
        .map(|(_, tag)| tag.clone())
        .collect();
    let markers = Markers { noun: Noun::Proceeding, viewer, facts, holder: of.id, held: Some(&held) };
    let (note, (reason, fields)) = (markers.of("reason_note"), reasons(of.returned.clone()));
    let asked = of.withdrawal_by.is_some();
    let mut body = view(viewer, facts, of, Some(&held));
    body.reason_note = Some(note);
    body.reason_fields = fields;
    body.withdrawal_proposed = reason.filter(|_| asked);
    body.will_be_seen_by = will_see;
    body.cases = Some(cases);
    body.accused = Some(accused.into_iter().map(|one| accused_view(viewer, facts, one, Some(&held))).collect());
    body.steps = Some(steps.into_iter().map(|one| step_view(viewer, facts, one, Some(&held))).collect());
    Ok(Shown { body, tags })
}
