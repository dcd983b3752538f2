//! Measures by States.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Routes;
use super::call::Call;
use super::decision::{DecisionInput, reasons};
use super::history::HistoryPage;
use super::input::{self, InputReader, Reader as _};
use super::list::{PageOf, Part};
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::resource::{self, Decided, Reading, Resource};
use super::withheld::{Markers, Withheld};
use crate::domain::{FieldReason, MeasureFacts, Noun, Reason, SubmissionStatus};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{Measure, MeasureFilter, Page, Read, Result as StoreResult, SealedInput, Verdict, Write};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(measure_list)
        .service(measure_create)
        .service(measure_get)
        .service(measure_edit)
        .service(measure_decide)
        .service(measure_history);
}

/// What a State did in its own justice system to promote accountability.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeasureView {
    /// Reference.
    #[schema(example = "M-MLI-2019-6QT3")]
    reference: String,
    #[serde(flatten)]
    facts: MeasureFacts,
    /// Whether it is part of the record.
    status: SubmissionStatus,
    /// The State that submitted it.
    submitted_by_state: Option<String>,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why somebody asks that it be withdrawn, though it was accepted (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawal_proposed: Option<Reason>,
    /// Why, field by field (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// When it was written down.
    created_at: DateTime<Utc>,
    /// When it became part of the record.
    recorded_at: Option<DateTime<Utc>>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    narrative: Withheld,
    contact_persons: Withheld,
}

struct Measures;

impl Resource for Measures {
    const NOUN: Noun = Noun::Measure;
    const NAME: &'static str = "Measure";
    type Record = Measure;
    type New = (MeasureFacts, SealedInput);
    type Filter = MeasureFilter;
    type View = MeasureView;

    fn example() -> serde_json::Value {
        json!({"state": "MLI", "kind": "special_unit", "instrument": "Specialised judicial unit",
            "taken_on": "2019-01-01", "taken_on_precision": "year"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&Measure>) -> Option<(MeasureFacts, SealedInput)> {
        let base = known.map(|known| &known.facts);
        let state = input.fixed("state", base.map(|b| b.state.clone()), input::state());
        let kind = input.required("kind", base.map(|b| b.kind), input::code());
        let instrument = input.required("instrument", base.map(|b| b.instrument.clone()), input::text(200));
        let taken = input.past_partial_date("taken_on", base.map(MeasureFacts::taken));
        let source_url = input.optional("source_url", base.and_then(|b| b.source_url.clone()), input::url());
        let sealed = input.sealed(Noun::Measure);
        let (taken_on, taken_on_precision) = taken.map(|on| (on.first(), on.precision()))?;
        let (state, kind, instrument) = (state?, kind?, instrument?);
        Some((MeasureFacts { state, kind, instrument, taken_on, taken_on_precision, source_url }, sealed))
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<MeasureFilter> {
        Some(MeasureFilter {
            state: input.optional("state", None, input::state()),
            kind: input.optional("kind", None, input::code()),
            status: input.optional("status", None, input::code()),
            from: input.optional("from", None, input::date().about("Taken on or after.")),
            to: input.optional("to", None, input::date().about("Taken on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
        })
    }

    fn page(r: &mut Read<'_>, filter: &MeasureFilter, part: Part<'_>) -> StoreResult<Page<Measure>> {
        r.measure_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Measure>> {
        r.measure_get(reference)
    }

    fn tags(of: &Measure) -> Vec<Vec<u8>> {
        vec![of.tag.clone()]
    }

    fn access(viewer: &Viewer, of: &Measure) -> AccessContext {
        access(viewer, &of.target())
    }

    fn may_create(viewer: &Viewer, (facts, _): &Self::New) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Submit { state: &facts.state })?)
    }

    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, known: &Measure) -> StoreResult<()> {
        let undecided = known.status == SubmissionStatus::Proposed;
        Ok(authorize(viewer, Action::Correct { state: &known.facts.state, undecided })?)
    }

    fn create(w: &mut Write<'_>, (facts, sealed): &Self::New) -> StoreResult<String> {
        Ok(w.measure_create(facts, sealed)?.reference)
    }

    fn edit(w: &mut Write<'_>, known: &Measure, (facts, sealed): &Self::New) -> StoreResult<()> {
        w.measure_edit(known, facts, sealed).map(|_| ())
    }

    fn view(of: Measure, markers: &Markers<'_>) -> MeasureView {
        let asked = of.withdrawal_by.is_some() && of.status == SubmissionStatus::Accepted;
        let (reason, _) = reasons(of.returned);
        let (withdrawal_proposed, reason) = if asked { (reason, None) } else { (None, reason) };
        MeasureView {
            reference: of.reference,
            facts: of.facts,
            status: of.status,
            submitted_by_state: of.submitted_state,
            reason,
            withdrawal_proposed,
            reason_fields: None,
            reason_note: None,
            created_at: of.created_at.and_utc(),
            recorded_at: of.recorded_at.map(|at| at.and_utc()),
            updated_at: of.updated_at.and_utc(),
            narrative: markers.of("narrative"),
            contact_persons: markers.of("contact_persons"),
        }
    }

    fn detail(
        _: &Viewer,
        _: &mut Read<'_>,
        of: &Measure,
        markers: &Markers<'_>,
        view: &mut MeasureView,
    ) -> StoreResult<()> {
        view.reason_note = Some(markers.of("reason_note"));
        view.reason_fields = reasons(of.returned.clone()).1;
        Ok(())
    }
}

impl Decided for Measures {
    fn decide(w: &mut Write<'_>, known: &Measure, verdict: &Verdict) -> StoreResult<()> {
        w.measure_decide(known, verdict)
    }
}

type MeasurePage = PageOf<MeasureView>;
type MeasureInput = resource::New<Measures>;
type MeasureEdit = resource::Edit<Measures>;
type MeasureQuery = resource::Query<Measures>;

/// Lists the measures that you may know of, newest first.
#[utoipa::path(tag = "measures", params(MeasureQuery), responses((status = 200, body = MeasurePage), NotAcceptable, Problems))]
#[get("/measures")]
async fn measure_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<Measures>(call).await
}

/// Shows one measure.
#[utoipa::path(tag = "measures", params(Reading), responses((status = 200, body = MeasureView), NotModified, Problems))]
#[get("/measures/{reference}")]
async fn measure_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<Measures>(call, &path).await
}

/// Proposes a measure: a State one of its own. It does not count until another officer accepts it.
#[utoipa::path(tag = "measures",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = MeasureInput, responses((status = 201, body = MeasureView), Problems))]
#[post("/measures")]
async fn measure_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<Measures>(call, body).await
}

/// Corrects a measure. Whoever may propose a measure can correct it until it is decided; after that, the Secretariat can.
#[utoipa::path(
    tag = "measures",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = MeasureEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = MeasureView), Preconditions, Problems)
)]
#[patch("/measures/{reference}")]
async fn measure_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<Measures>(call, &path, body).await
}

/// Accepts or returns a measure that was proposed (Secretariat). Two people withdraw a measure that was accepted.
#[utoipa::path(
    tag = "measures",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = MeasureView), Problems)
)]
#[post("/measures/{reference}/decision")]
async fn measure_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::decide::<Measures>(call, &path, body).await
}

/// The history of a measure (mission and Secretariat).
#[utoipa::path(tag = "measures", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/measures/{reference}/history")]
async fn measure_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<Measures>(call, &path).await
}
