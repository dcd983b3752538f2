//! What is shown of a proceeding.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accused::{self, AccusedView};
use super::may_work;
use super::step::{self, StepView};
use crate::api::call::Shown;
use crate::api::confirm::{Confirmed, before_incidents};
use crate::api::decision::reasons;
use crate::api::input::{self, InputReader, Reader as _};
use crate::api::list::Part;
use crate::api::resource::{self, Decided, Resource, shared_tags};
use crate::api::withheld::{Markers, Withheld};
use crate::domain::{FieldReason, Forum, Jurisdiction, Noun, ProceedingFacts, Reason, Stage, SubmissionStatus};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{
    Case, Id, Page, Proceeding, ProceedingFilter, Read, Result as StoreResult, SealedInput, Seals, Verdict, Write,
};

/// A proceeding, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProceedingView {
    /// Reference.
    #[schema(example = "P-MLI-2020-8WX2")]
    reference: String,
    #[serde(flatten)]
    facts: ProceedingFacts,
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

/// Proceedings, as a record of their own.
pub struct Proceedings;

/// A proceeding, with the references of the cases that it serves.
pub struct NewProceeding {
    facts: ProceedingFacts,
    cases: Vec<String>,
    sealed: SealedInput,
    confirmed: Confirmed,
}

/// References of the incidents of some cases.
fn incidents_of(r: &mut Read<'_>, cases: &[Case]) -> StoreResult<Vec<String>> {
    let mut references = Vec::new();
    for case in cases {
        let incidents = r.case_incidents(case, SubmissionStatus::Accepted)?;
        references.extend(incidents.into_iter().map(|incident| incident.reference));
    }
    Ok(references)
}

impl Resource for Proceedings {
    const NOUN: Noun = Noun::Proceeding;
    const NAME: &'static str = "Proceeding";
    type Record = Proceeding;
    type New = NewProceeding;
    type Filter = ProceedingFilter;
    type View = ProceedingView;

    fn example() -> serde_json::Value {
        json!({"state": "MLI", "authority": "Court of Assizes, Bamako", "forum": "specialised", "opened_on": "2020-01-01",
            "opened_on_precision": "year", "cases": ["C-MINUSMA-2019-4TZ8"]})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Proceeding>) -> Option<NewProceeding> {
        let base = known.map(|known| &known.facts);
        let state = input.fixed("state", base.map(|b| b.state.clone()), input::state());
        let authority = input.required("authority", base.map(|b| b.authority.clone()), input::text(200));
        let forum = base.map_or(Forum::NotKnown, |b| b.forum);
        let forum = input.required("forum", Some(forum), input::code().about("`not_known` if absent."));
        let ground = base.map_or(Jurisdiction::NotKnown, |b| b.jurisdiction);
        let ground = input.required("jurisdiction", Some(ground), input::code().about("`not_known` if absent."));
        let opened = input.past_partial_date("opened_on", base.map(ProceedingFacts::opened));
        let obstacles = base.map(|b| b.obstacles.clone()).unwrap_or_default();
        let shared = input::list_of(30, input::code()).about("Obstacles that were shared with the State.");
        let obstacles = input.required("obstacles", Some(obstacles), shared);
        let cases = input::list_of(50, input::reference(Noun::Case)).about("References of the cases that it serves.");
        let cases = input.fixed("cases", known.map(|_| Vec::new()), cases);
        if known.is_none() && cases.as_ref().is_some_and(Vec::is_empty) {
            input.fault("cases", "must have at least one case");
        }
        let sealed = input.sealed(Noun::Proceeding);
        let confirmed = Confirmed::of(input);
        let (opened_on, opened_on_precision) = opened.map(|on| (on.first(), on.precision()))?;
        let facts = ProceedingFacts {
            state: state?,
            authority: authority?,
            forum: forum?,
            jurisdiction: ground?,
            opened_on,
            opened_on_precision,
            obstacles: obstacles?,
        };
        Some(NewProceeding { facts, cases: cases?, sealed, confirmed })
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<ProceedingFilter> {
        let case = input::reference(Noun::Case).about("Reference of a case that it serves.");
        let incident = input::reference(Noun::Incident).about("Reference of an incident of a case that it serves.");
        Some(ProceedingFilter {
            state: input.optional("state", None, input::state()),
            forum: input.optional("forum", None, input::code()),
            stage: input.optional("stage", None, input::code().about("Furthest stage.")),
            case: input.optional("case", None, case),
            incident: input.optional("incident", None, incident),
            status: input.optional("status", None, input::code().about("`proposed`: those that wait for an officer.")),
            from: input.optional("from", None, input::date().about("Opened on or after.")),
            to: input.optional("to", None, input::date().about("Opened on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
        })
    }

    fn page(r: &mut Read<'_>, filter: &ProceedingFilter, part: Part<'_>) -> StoreResult<Page<Proceeding>> {
        r.proceeding_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Proceeding>> {
        r.proceeding_get(reference)
    }

    fn tags(of: &Proceeding) -> Vec<Vec<u8>> {
        of.tags.to_vec()
    }

    fn access(viewer: &Viewer, of: &Proceeding) -> AccessContext {
        // A focal point's list holds its own missions' proceedings only.
        access(viewer, &of.target(&viewer.missions))
    }

    fn full_access(viewer: &Viewer, r: &mut Read<'_>, of: &Proceeding) -> StoreResult<AccessContext> {
        let missions = r.proceeding_missions(of)?;
        Ok(access(viewer, &of.target(&missions)))
    }

    fn may_create(viewer: &Viewer, new: &NewProceeding) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Prosecute { state: &new.facts.state })?)
    }

    fn may_edit(viewer: &Viewer, w: &mut Write<'_>, known: &Proceeding) -> StoreResult<()> {
        may_work(viewer, w, known)
    }

    fn create(w: &mut Write<'_>, new: &NewProceeding) -> StoreResult<String> {
        let mut cases = Vec::new();
        for reference in &new.cases {
            cases.extend(w.case_get(reference)?);
        }
        let incidents = incidents_of(w, &cases)?;
        new.confirmed.of_all(before_incidents(w, &incidents, "/opened_on", new.facts.opened())?)?;
        Ok(w.proceeding_create(&new.facts, &new.cases, &new.sealed)?.reference)
    }

    fn edit(w: &mut Write<'_>, known: &Proceeding, new: &NewProceeding) -> StoreResult<()> {
        if new.facts.opened() != known.facts.opened() {
            let cases = w.proceeding_cases(known)?;
            let incidents = incidents_of(w, &cases)?;
            new.confirmed.of_all(before_incidents(w, &incidents, "/opened_on", new.facts.opened())?)?;
        }
        w.proceeding_edit(known, &new.facts, &new.sealed).map(|_| ())
    }

    fn view(of: Proceeding, markers: &Markers<'_>) -> ProceedingView {
        let (reason, _) = reasons(of.returned.filter(|_| of.withdrawal_by.is_none()));
        ProceedingView {
            reference: of.reference,
            facts: of.facts,
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
            court_file_number: markers.of("court_file_number"),
            internal_obstacles: markers.of("internal_obstacles"),
            notes: markers.of("notes"),
            cases: None,
            accused: None,
            steps: None,
        }
    }

    fn show(viewer: &Viewer, r: &mut Read<'_>, of: Proceeding) -> StoreResult<Shown<ProceedingView>> {
        let facts = Self::full_access(viewer, r, &of)?;
        let cases = r.proceeding_cases(&of)?;
        let waits = viewer.is_inside() && of.status != SubmissionStatus::Accepted;
        let served: Vec<Id> = cases.iter().map(|case| case.id).collect();
        let will_see = if waits { Some(r.will_see_proceeding(&of.facts.state, &served)?) } else { None };
        let accused = r.accused_list(&of)?;
        let steps = r.step_list(&of)?;
        let mut holders = vec![of.id];
        holders.extend(accused.iter().map(|one| one.id));
        holders.extend(steps.iter().map(|one| one.id));
        let Seals { held, tags } = r.proceeding_seals(&of, &holders)?;
        let markers = Markers { noun: Noun::Proceeding, viewer, facts, holder: of.id, held: Some(&held) };
        let (reason, fields) = reasons(of.returned.clone());
        let asked = of.withdrawal_by.is_some();
        let mut body = Self::view(of, &markers);
        body.reason_note = Some(markers.of("reason_note"));
        body.reason_fields = fields;
        body.withdrawal_proposed = reason.filter(|_| asked);
        body.will_be_seen_by = will_see;
        body.cases = Some(cases.into_iter().map(|case| case.reference).collect());
        body.accused = Some(accused.into_iter().map(|one| accused::view(viewer, facts, one, Some(&held))).collect());
        body.steps = Some(steps.into_iter().map(|one| step::view(viewer, facts, one, Some(&held))).collect());
        Ok(Shown { body, tags: shared_tags(viewer, facts, &[Noun::Proceeding, Noun::Accused], &tags) })
    }
}

impl Decided for Proceedings {
    fn decide(w: &mut Write<'_>, known: &Proceeding, verdict: &Verdict) -> StoreResult<()> {
        w.proceeding_decide(known, verdict)
    }
}

/// A proceeding with its accused and steps, as a viewer is shown it.
pub(super) fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<ProceedingView>> {
    resource::one::<Proceedings>(viewer, r, reference)
}
