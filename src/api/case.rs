//! Cases.

use crate::store::Grounds;
use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Made, last_part, read_reference, still};
use super::confirm::{Confirmed, before_incidents};
use super::decision::{DecisionInput, decide, grounds};
use super::history::HistoryPage;
use super::input::{self, InputReader, Reader as _, describe};
use super::list::{PageOf, Part};
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::resource::{self, Reading, Resource};
use super::withheld::{Markers, Withheld};
use crate::domain::{CaseFacts, CaseStatus, InformationStatus, Noun, PartialDate, Precision, Stage, SubmissionStatus};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{Case, CaseFilter, Error, Incident, Page, Read, Result as StoreResult, SealedInput, Write};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(case_list)
        .service(case_create)
        .service(case_get)
        .service(case_edit)
        .service(case_transition)
        .service(case_incident_decide)
        .service(case_history);
}

/// A case, as you may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseView {
    /// Reference.
    #[schema(example = "C-MINUSMA-2019-4TZ8")]
    reference: String,
    #[serde(flatten)]
    facts: CaseFacts,
    /// How far the file is.
    status: CaseStatus,
    /// Furthest stage reached by anybody.
    stage_furthest: Stage,
    /// Present stage, or exit.
    #[schema(example = "trial")]
    stage_current: String,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    notes: Withheld,
    strategy: Withheld,
    /// Why it was last moved, in words (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// References of its incidents that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Vec<String>>,
    /// References of incidents that were added since proceedings serve the case, and wait for another officer (mission and Secretariat, in the
    /// single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents_proposed: Option<Vec<String>>,
    /// References of incidents that somebody asks to take out of the case (mission and Secretariat, in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents_withdrawal_proposed: Option<Vec<String>>,
    /// References of the proceedings that serve it (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    proceedings: Option<Vec<String>>,
}

/// Cases, as a record of their own.
pub(super) struct Cases;

/// A case, with the references of incidents to add to it.
pub(super) struct NewCase {
    facts: CaseFacts,
    incidents: Vec<String>,
    sealed: SealedInput,
    confirmed: Confirmed,
}

fn references(incidents: Vec<Incident>) -> Vec<String> {
    incidents.into_iter().map(|incident| incident.reference).collect()
}

impl Resource for Cases {
    const NOUN: Noun = Noun::Case;
    const NAME: &'static str = "Case";
    type Record = Case;
    type New = NewCase;
    type Filter = CaseFilter;
    type View = CaseView;

    fn example() -> serde_json::Value {
        json!({"mission": "MINUSMA", "opened_on": "2019-03-01", "incidents": ["MINUSMA-2019-7KQ4"]})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Case>) -> Option<NewCase> {
        let base = known.map(|known| &known.facts);
        let mission = input.fixed("mission", base.map(|b| b.mission.clone()), input::mission());
        let opened_on = input.fixed("opened_on", base.map(|b| b.opened_on), input::past_date());
        let none = base.map_or(InformationStatus::NotRecorded, |base| base.information_status);
        let status = input::code().about("`not_recorded` if absent.");
        let information_status = input.required("information_status", Some(none), status);
        let information_on = input.optional("information_on", base.and_then(|b| b.information_on), input::past_date());
        let incidents = input::list_of(200, input::reference(Noun::Incident)).about(
            "References of incidents; in a change, those to add. Where proceedings serve the case, each waits for another officer \
             (`POST /v1/cases/{reference}/incidents/{incident}/decision`).",
        );
        let given = input.has("incidents");
        let incidents = input.required("incidents", known.map(|_| Vec::new()), incidents);
        if given && incidents.as_ref().is_some_and(Vec::is_empty) {
            input.fault(
                "incidents",
                "must name at least one incident; one is taken out by a decision (withdrawn) on it",
            );
        }
        let sealed = input.sealed(Noun::Case);
        let confirmed = Confirmed::of(input);
        let facts = CaseFacts {
            mission: mission?,
            opened_on: opened_on?,
            information_status: information_status?,
            information_on,
        };
        Some(NewCase { facts, incidents: incidents?, sealed, confirmed })
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<CaseFilter> {
        Some(CaseFilter {
            mission: input.optional("mission", None, input::mission()),
            status: input.optional("status", None, input::code()),
            information_status: input.optional("information_status", None, input::code()),
            from: input.optional("from", None, input::date().about("Opened on or after.")),
            to: input.optional("to", None, input::date().about("Opened on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
            incident: input.optional(
                "incident",
                None,
                input::reference(Noun::Incident).about("Reference of an incident of it."),
            ),
            proceeding: input.optional(
                "proceeding",
                None,
                input::reference(Noun::Proceeding).about("Reference of a proceeding that serves it."),
            ),
        })
    }

    fn page(r: &mut Read<'_>, filter: &CaseFilter, part: Part<'_>) -> StoreResult<Page<Case>> {
        r.case_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Case>> {
        r.case_get(reference)
    }

    fn tags(of: &Case) -> Vec<Vec<u8>> {
        vec![of.tag.clone()]
    }

    fn access(viewer: &Viewer, of: &Case) -> AccessContext {
        access(viewer, &of.target())
    }

    fn may_create(viewer: &Viewer, new: &NewCase) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Report { mission: &new.facts.mission })?)
    }

    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, known: &Case) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Report { mission: &known.facts.mission })?)
    }

    fn create(w: &mut Write<'_>, new: &NewCase) -> StoreResult<String> {
        let on = PartialDate::new(new.facts.opened_on, Precision::Day);
        new.confirmed.of_all(before_incidents(w, &new.incidents, "/opened_on", on)?)?;
        Ok(w.case_create(&new.facts, &new.incidents, &new.sealed)?.reference)
    }

    fn edit(w: &mut Write<'_>, known: &Case, new: &NewCase) -> StoreResult<()> {
        w.case_edit(known, &new.facts, &new.incidents, &new.sealed).map(|_| ())
    }

    fn view(of: Case, markers: &Markers<'_>) -> CaseView {
        CaseView {
            reference: of.reference,
            facts: of.facts,
            status: of.status,
            stage_furthest: of.stage_furthest,
            stage_current: of.stage_current,
            created_at: of.created_at.and_utc(),
            updated_at: of.updated_at.and_utc(),
            notes: markers.of("notes"),
            strategy: markers.of("strategy"),
            reason_note: None,
            incidents: None,
            incidents_proposed: None,
            incidents_withdrawal_proposed: None,
            proceedings: None,
        }
    }

    fn detail(
        viewer: &Viewer,
        r: &mut Read<'_>,
        of: &Case,
        markers: &Markers<'_>,
        view: &mut CaseView,
    ) -> StoreResult<()> {
        view.reason_note = Some(markers.of("reason_note"));
        view.incidents = Some(references(r.case_incidents(of, SubmissionStatus::Accepted)?));
        if viewer.is_inside() {
            view.incidents_proposed = Some(references(r.case_incidents(of, SubmissionStatus::Proposed)?));
            view.incidents_withdrawal_proposed = Some(references(r.case_incidents_disputed(of)?));
        }
        view.proceedings = Some(r.proceedings_of_case(of)?.into_iter().map(|one| one.reference).collect());
        Ok(())
    }
}

type CasePage = PageOf<CaseView>;
type CaseInput = resource::New<Cases>;
type CaseEdit = resource::Edit<Cases>;
type CaseQuery = resource::Query<Cases>;

describe::input!(
    /// A move of a case.
    CaseTransitionInput,
    "A move of a case.",
    case_transition_input,
    {"to": "concluded", "on": "2023-02-01"}
);

fn case_transition_input(input: &mut InputReader<'_>) -> Option<(CaseStatus, NaiveDate, Grounds)> {
    let to = input.required("to", None, input::code().about("Status to move to."));
    let on = input.required("on", None, input::past_date().about("On this day."));
    // A file that is closed without a final outcome says why.
    let grounds = grounds(input, to == Some(CaseStatus::Closed));
    Some((to?, on?, grounds?))
}

/// Lists the cases that concern you, newest first.
#[utoipa::path(tag = "cases", params(CaseQuery), responses((status = 200, body = CasePage), NotAcceptable, Problems))]
#[get("/cases")]
async fn case_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<Cases>(call).await
}

/// Shows one case.
#[utoipa::path(tag = "cases", params(Reading), responses((status = 200, body = CaseView), NotModified, Problems))]
#[get("/cases/{reference}")]
async fn case_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<Cases>(call, &path).await
}

/// Opens a case over incidents.
#[utoipa::path(tag = "cases",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = CaseInput, responses((status = 201, body = CaseView), Problems))]
#[post("/cases")]
async fn case_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<Cases>(call, body).await
}

/// Changes a case, or adds incidents to it.
#[utoipa::path(
    tag = "cases",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = CaseEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = CaseView), Preconditions, Problems)
)]
#[patch("/cases/{reference}")]
async fn case_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<Cases>(call, &path, body).await
}

/// Moves a case to another status, on a day.
#[utoipa::path(
    tag = "cases",
    params(
        ("reference" = String, Path),
        ("Idempotency-Key" = Option<String>, Header),
        ("If-Match" = Option<String>, Header, description = "ETag of the record as you last saw it: it moves only if it is so still")
    ),
    request_body = CaseTransitionInput,
    responses((status = 200, body = CaseView), Preconditions, Problems)
)]
#[post("/cases/{reference}/transitions")]
async fn case_transition(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Case, &path)?;
    let (to, on, grounds) = call.body(&body, case_transition_input).await?;
    let expected = call.expected_if_said();
    call.post(
        &body,
        move |viewer, w| {
            let case = w.case_get(&reference)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &case.facts.mission })?;
            if expected.is_some() {
                still(expected.as_deref(), &resource::one::<Cases>(viewer, w, &reference)?)?;
            }
            w.case_transition(&case, to, on, &grounds)?;
            Ok(Made::changed(Noun::Case, &reference))
        },
        |viewer, r, target| resource::one::<Cases>(viewer, r, last_part(target)),
    )
    .await
}

/// The history of a case (mission and Secretariat).
#[utoipa::path(tag = "cases", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/cases/{reference}/history")]
async fn case_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<Cases>(call, &path).await
}

/// Accepts or returns an incident that was added to a case with proceedings. The officer who decides is not the person who added it. Once accepted, the incident
/// concerns their States from now on. Two people withdraw an incident from the case (`withdrawn`, with a reason): what it concerned by the case ends.
#[utoipa::path(
    tag = "cases",
    params(("reference" = String, Path), ("incident" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = CaseView), Problems)
)]
#[post("/cases/{reference}/incidents/{incident}/decision")]
async fn case_incident_decide(call: Call, path: Path<(String, String)>, body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, incident) = path.into_inner();
    let reference = read_reference(Noun::Case, &reference)?;
    let incident = read_reference(Noun::Incident, &incident)?;
    let target = format!("cases/{reference}");
    decide(
        &call,
        &body,
        target,
        move |w| w.case_get(&reference)?.ok_or(Error::NotFound),
        move |w, case, verdict| w.case_incident_decide(case, &incident, verdict),
        |viewer, r, target| resource::one::<Cases>(viewer, r, last_part(target)),
    )
    .await
}
