//! Measures by States.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use seal::ClassCode;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::{Call, Made, Shown, last_part, read_reference};
use super::decision::{DecisionInput, decide, reasons};
use super::history::HistoryPage;
use super::input::{self, InputReader};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::withheld::{Markers, Withheld, shares_tag};
use crate::domain::{FieldReason, MeasureKind, Noun, Precision, Reason, SubmissionStatus};
use crate::policy::{AccessContext, Action, Relations, Viewer, authorize};
use crate::store::{Error, Id, Measure, MeasureFacts, MeasureFilter, Page, Read, Result as StoreResult};

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
    /// The State.
    state: String,
    /// Kind.
    kind: MeasureKind,
    /// The law, unit, chamber or treaty.
    #[schema(example = "Specialised judicial unit")]
    instrument: String,
    /// When it was taken.
    taken_on: NaiveDate,
    /// How exactly that is known.
    taken_on_precision: Precision,
    /// Public source.
    source_url: Option<String>,
    /// Whether it is part of the record.
    status: SubmissionStatus,
    /// The State that submitted it.
    submitted_by_state: Option<String>,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
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

/// A page of measures.
#[derive(Serialize, ToSchema)]
pub struct MeasurePage {
    items: Vec<MeasureView>,
    next: Option<String>,
}

/// A measure to be recorded, proposed or corrected.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `facts` reads the body")]
#[schema(example = json!({"state": "MLI", "kind": "special_unit", "instrument": "Specialised judicial unit", "taken_on": "2019-01-01", "taken_on_precision": "year"}))]
pub struct MeasureInput {
    /// Required.
    state: Option<String>,
    /// Required.
    kind: Option<MeasureKind>,
    /// The law, unit, chamber or treaty. Required.
    instrument: Option<String>,
    /// Required.
    taken_on: Option<NaiveDate>,
    /// `day` if absent.
    taken_on_precision: Option<Precision>,
    /// Public source.
    source_url: Option<String>,
    /// Sealed, confidential.
    narrative: Option<String>,
    /// Sealed, confidential.
    contact_persons: Option<String>,
    /// In a PATCH: pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.
    clear: Option<Vec<String>>,
}

/// What a list of measures is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct MeasureQuery {
    state: Option<String>,
    kind: Option<MeasureKind>,
    status: Option<SubmissionStatus>,
    /// Taken on or after.
    from: Option<NaiveDate>,
    /// Taken on or before.
    to: Option<NaiveDate>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

/// A measure is of no mission and of no incident: nobody stands nearer to it than the Secretariat, but for the State that submitted it.
fn access_context(viewer: &Viewer, of: &Measure) -> AccessContext {
    let own = of.submitted_state.is_some() && of.submitted_state == viewer.state;
    let relations = Relations { typed: own, own_submission: own, ..Relations::default() };
    AccessContext { relations, notified: true, ..AccessContext::default() }
}

fn view(viewer: &Viewer, of: Measure, held: Option<&HashSet<(Id, u16)>>) -> MeasureView {
    let markers = Markers { noun: Noun::Measure, viewer, facts: access_context(viewer, &of), holder: of.id, held };
    let (narrative, contact_persons) = (markers.of("narrative"), markers.of("contact_persons"));
    let MeasureFacts { state, kind, instrument, taken, source_url } = of.facts;
    let (reason, _) = reasons(of.returned);
    MeasureView {
        reference: of.reference,
        state,
        kind,
        instrument,
        taken_on: taken.first(),
        taken_on_precision: taken.precision(),
        source_url,
        status: of.status,
        submitted_by_state: of.submitted_state,
        reason,
        reason_fields: None,
        reason_note: None,
        created_at: of.created_at.and_utc(),
        recorded_at: of.recorded_at.map(|at| at.and_utc()),
        updated_at: of.updated_at.and_utc(),
        narrative,
        contact_persons,
    }
}

fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<MeasureView>> {
    let of = r.measure_get(reference)?.ok_or(Error::NotFound)?;
    let held = r.held(&[of.id])?;
    let shares = shares_tag(viewer, access_context(viewer, &of), &[Noun::Measure], ClassCode::Confidential);
    let tags = if shares { vec![of.tag.clone()] } else { Vec::new() };
    let markers =
        Markers { noun: Noun::Measure, viewer, facts: access_context(viewer, &of), holder: of.id, held: Some(&held) };
    let (note, (_, fields)) = (markers.of("reason_note"), reasons(of.returned.clone()));
    let mut body = view(viewer, of, Some(&held));
    body.reason_note = Some(note);
    body.reason_fields = fields;
    Ok(Shown { body, tags })
}

fn facts(input: &mut InputReader<'_>, base: Option<&MeasureFacts>) -> Option<MeasureFacts> {
    let state = match base {
        Some(base) => Some(base.state.clone()),
        None => input.required("state", None, input::state),
    };
    let kind = input.required("kind", base.map(|b| b.kind), input::code);
    let instrument = input.required("instrument", base.map(|b| b.instrument.clone()), input::text(200));
    let taken = input.partial_date("taken_on", base.map(|b| b.taken));
    if taken.is_some_and(|on| on.is_future(input.context.now)) {
        input.fault("taken_on", "lies in the future");
    }
    let source_url = input.optional("source_url", base.and_then(|b| b.source_url.clone()), input::url);
    Some(MeasureFacts { state: state?, kind: kind?, instrument: instrument?, taken: taken?, source_url })
}

/// Lists the measures that you may know of, newest first.
#[utoipa::path(
    tag = "measures",
    params(MeasureQuery),
    responses((status = 200, body = MeasurePage, content((MeasurePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/measures")]
async fn measure_list(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, paging) = InputReader::query(&call.context(), &call.query, |input| {
        let filter = MeasureFilter {
            state: input.optional("state", None, input::state),
            kind: input.optional("kind", None, input::code),
            status: input.optional("status", None, input::code),
            from: input.optional("from", None, input::date),
            to: input.optional("to", None, input::date),
        };
        Some((filter, Paging::of(input)?))
    })?;
    call.list(paging, move |viewer, r, part| {
        let page = r.measure_list(&filter, part.after, part.limit)?;
        let holders: Vec<Id> = page.items.iter().map(|one| one.id).collect();
        let held = part.held(viewer, r, &holders)?;
        let items = page.items.into_iter().map(|one| view(viewer, one, held.as_ref())).collect();
        Ok(Page { items, next: page.next })
    })
    .await
}

/// Shows one measure.
#[utoipa::path(tag = "measures", params(("reference" = String, Path)), responses((status = 200, body = MeasureView), NotModified, Problems))]
#[get("/measures/{reference}")]
async fn measure_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    call.record(Noun::Measure, &path, show).await
}

/// Records a measure; of a State, proposes one of its own: it counts for nothing until it is accepted.
#[utoipa::path(
    tag = "measures",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = MeasureInput,
    responses((status = 201, body = MeasureView), Problems)
)]
#[post("/measures")]
async fn measure_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (facts, sealed) = call
        .body(&body, |input| {
            let facts = facts(input, None);
            let sealed = input.sealed(Noun::Measure);
            Some((facts?, sealed))
        })
        .await?;
    call.post(
        &body,
        move |viewer, w| {
            authorize(viewer, Action::Submit { state: &facts.state })?;
            Ok(Made::new(Noun::Measure, &w.measure_create(&facts, &sealed)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// Corrects a measure: the Secretariat any, a State one of its own that is not decided yet.
#[utoipa::path(
    tag = "measures",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = MeasureInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = MeasureView), Preconditions, Problems)
)]
#[patch("/measures/{reference}")]
async fn measure_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Measure, &path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown),
        move |viewer, w, context| {
            let of = w.measure_get(&reference)?.ok_or(Error::NotFound)?;
            let undecided = of.submitted_state.is_some() && of.status == SubmissionStatus::Proposed;
            authorize(viewer, Action::Correct { state: &of.facts.state, undecided }).map_err(Error::from)?;
            let (facts, sealed) = InputReader::read(context, &body, |input| {
                let facts = facts(input, Some(&of.facts));
                let sealed = input.sealed_patch(Noun::Measure);
                Some((facts?, sealed))
            })?;
            w.measure_edit(&of, &facts, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// Accepts or returns a measure that a State proposed (Secretariat).
#[utoipa::path(
    tag = "measures",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = MeasureView), Problems)
)]
#[post("/measures/{reference}/decision")]
async fn measure_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::Measure, &path)?;
    let target = format!("measures/{reference}");
    decide(
        &call,
        &body,
        target,
        move |w| w.measure_get(&reference)?.ok_or(Error::NotFound),
        |w, of, verdict| w.measure_decide(of, verdict),
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// The history of a measure (mission and Secretariat).
#[utoipa::path(tag = "measures", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/measures/{reference}/history")]
async fn measure_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let history = |viewer: &Viewer, r: &mut Read<'_>, reference: &str| {
        let of = r.measure_get(reference)?.ok_or(Error::NotFound)?;
        Ok(Shown::plain(super::history::page(viewer, access_context(viewer, &of), r.history(of.id)?, None)))
    };
    call.record(Noun::Measure, &path, history).await
}
