//! Moving incidents: transitions, of one or of a list; withholding; splitting and merging.

use seal::Plain;
use std::sync::{Arc, OnceLock};

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::reading::handles;
use super::{IncidentView, read_reference, show};
use crate::api::call::{Call, Made, Shown, last_part, still};
use crate::api::confirm::Confirmed;
use crate::api::decision::grounds;
use crate::api::input::{self, InputReader, Reader as _, describe};
use crate::api::problem::{NotModified, Preconditions, Problem, Problems, Tombstone};
use crate::api::session::secret;
use crate::domain::{Fault, IncidentStatus, Noun, Oddity, WithholdingReason};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{EditionChoice, Error, Grounds, Result as StoreResult};

describe::input!(
    /// A move of an incident.
    TransitionInput,
    "A move of an incident.",
    transition,
    {"to": "verified"}
);

describe::input!(
    /// The same move of several incidents.
    TransitionListInput,
    "The same move of several incidents.",
    transition_list_input,
    {"to": "released", "incidents": [{"reference": "MINUSMA-2019-7KQ4"}]}
);

/// A reference, and the ETag that its record is to have still.
type Named = (String, Option<String>);

fn transition_list_input(input: &mut InputReader<'_>) -> Option<(IncidentStatus, Grounds, Vec<Named>)> {
    let moved = transition(input);
    let incidents = input.required_list("incidents", 500, |input| {
        let reference = input.required("reference", None, input::reference(Noun::Incident));
        let etag = input::text(200).about("ETag of the record as you last saw it: it moves only if it is so still.");
        let etag = input.optional("etag", None, etag);
        Some((reference?, etag))
    });
    let (to, grounds) = moved?;
    Some((to, grounds, incidents))
}

/// What became of one of several.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionOutcome {
    /// Reference.
    reference: String,
    /// Its state now, if it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<IncidentStatus>,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// What became of several; each was judged alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransitionOutcomes {
    items: Vec<TransitionOutcome>,
}

fn transition(input: &mut InputReader<'_>) -> Option<(IncidentStatus, Grounds)> {
    let to = input.required("to", None, input::code().about("State to move to."));
    let grounds = grounds(input, matches!(to, Some(IncidentStatus::Returned | IncidentStatus::Withdrawn)));
    Some((to?, grounds?))
}

/// What others agree to, and what ends a concern, is done where people are signed in.
fn here(call: &Call, to: IncidentStatus) -> Result<(), Problem> {
    match to {
        IncidentStatus::Draft | IncidentStatus::Submitted => Ok(()),
        _ => Ok(call.app().store.signs_in()?),
    }
}

/// Moves an incident to another status. The author, the verifier and the releaser must be three persons.
#[utoipa::path(
    tag = "incidents",
    params(
        ("reference" = String, Path),
        ("Idempotency-Key" = Option<String>, Header),
        ("If-Match" = Option<String>, Header, description = "ETag of the record as you last saw it: it moves only if it is so still")
    ),
    request_body = TransitionInput,
    responses((status = 200, body = IncidentView), Preconditions, Tombstone, Problems)
)]
#[post("/incidents/{reference}/transitions")]
pub(super) async fn incident_transition(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let (to, grounds) = call.body(&body, transition).await?;
    here(&call, to)?;
    let expected = call.expected_if_said();
    call.post(
        &body,
        move |viewer, w| {
            if expected.is_some() {
                still(expected.as_deref(), &show(viewer, w, &reference, EditionChoice::Working)?)?;
            }
            w.incident_transition(&reference, to, &grounds)?;
            Ok(Made::changed(Noun::Incident, &reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target), EditionChoice::Working),
    )
    .await
}

/// Moves several incidents. Each is decided separately, and the answer gives the result of each.
#[utoipa::path(
    tag = "incidents",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = TransitionListInput,
    responses((status = 200, body = TransitionOutcomes), Problems)
)]
#[post("/transitions")]
pub(super) async fn transition_list(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (to, grounds, incidents) = call.body(&body, transition_list_input).await?;
    here(&call, to)?;
    let (outcomes, told) = (Arc::new(OnceLock::new()), incidents.clone());
    let made = outcomes.clone();
    call.post(
        &body,
        move |viewer, w| {
            let mut items = Vec::with_capacity(incidents.len());
            for (reference, etag) in incidents {
                let as_seen = match &etag {
                    None => Ok(()),
                    Some(_) => show(viewer, w, &reference, EditionChoice::Working)
                        .and_then(|shown| still(etag.as_deref(), &shown)),
                };
                // Judged before anything is written: what is refused leaves nothing behind.
                items.push(match as_seen.and_then(|()| w.incident_transition(&reference, to, &grounds)) {
                    Ok(incident) => TransitionOutcome { reference, status: Some(incident.status), problem: None },
                    Err(error @ Error::Database(_)) => return Err(error),
                    Err(error) => TransitionOutcome { reference, status: None, problem: Some(error.into()) },
                });
            }
            let _ = made.set(items);
            Ok(Made { status: 200, target: "transitions".into() })
        },
        move |_, r, _| {
            if let Some(items) = outcomes.get() {
                return Ok(Shown::plain(TransitionOutcomes { items: items.clone() }));
            }
            // A replay: their states as they are now.
            let items = told.iter().map(|(reference, _)| {
                let found = r.incident_get(reference, EditionChoice::Working)?;
                let problem = found.is_none().then(|| Problem::of("not_found"));
                Ok(TransitionOutcome { reference: reference.clone(), status: found.map(|one| one.status), problem })
            });
            Ok(Shown::plain(TransitionOutcomes { items: items.collect::<StoreResult<_>>()? }))
        },
    )
    .await
}

describe::input!(
    /// A decision on withholding.
    WithholdingInput,
    "A decision on withholding.",
    withholding_input,
    {"states": ["MLI"], "reason": "state_agents_alleged", "code": "123456"}
);

fn withholding_input(input: &mut InputReader<'_>) -> Option<(Vec<String>, WithholdingReason, Plain)> {
    let states = input.required(
        "states",
        None,
        input::list_of(20, input::state()).about("States from which the record is kept; empty to decide that none is."),
    );
    let reason = input.required("reason", None, input::code::<WithholdingReason>().about("Why."));
    if let (Some(states), Some(reason)) = (&states, reason)
        && states.is_empty() != (reason == WithholdingReason::NoneNeeded)
    {
        input.fault("reason", "none_needed needs an empty list of States; every other reason needs at least one State");
    }
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((states?, reason?, code?))
}

/// Proposes from which States the record is withheld, or confirms the proposal of another officer by sending the same, each with a fresh code.
/// Takes effect when confirmed: before release the State gets nothing; after, it keeps what it had and gets nothing newer.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path)),
    request_body = WithholdingInput,
    responses((status = 200, body = IncidentView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/withholding")]
pub(super) async fn withholding_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let (states, reason, code) = call.body(&body, withholding_input).await?;
    let judge = |viewer: &Viewer| Ok(authorize(viewer, Action::Decide)?);
    let shown = call
        .agree(("withholding", code), judge, move |viewer, w| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            w.withholding_decide(&incident, &states, reason)?;
            show(viewer, w, &reference, EditionChoice::Working)
        })
        .await?;
    call.one(&shown)
}

describe::input!(
    /// Which victims to move.
    SplitInput,
    "Which victims to move.",
    split_input,
    {"victims": ["3F8K2A"]}
);

fn split_input(input: &mut InputReader<'_>) -> Option<Vec<String>> {
    input.required("victims", None, handles().about("Handles of the victims that belong to another event."))
}

/// Splits an incident: these victims belong to another event of the same date and facts.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = SplitInput,
    responses((status = 201, body = IncidentView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/split")]
pub(super) async fn incident_split(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let victims = call.body(&body, split_input).await?;
    call.post(
        &body,
        move |viewer, w| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Report { mission: &incident.facts.mission })?;
            Ok(Made::new(Noun::Incident, &w.incident_split(&incident, &victims)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target), EditionChoice::Working),
    )
    .await
}

describe::input!(
    /// Which incident to merge into.
    MergeInput,
    "Which incident to merge into.",
    merge_input,
    {"into": "MINUSMA-2019-7KQ4"}
);

fn merge_input(input: &mut InputReader<'_>) -> Option<(String, Confirmed)> {
    let confirmed = Confirmed::of(input);
    let into = input.required(
        "into",
        None,
        input::reference(Noun::Incident).about("Reference of the incident that takes the victims and suspects."),
    );
    Some((into?, confirmed))
}

/// Merges an incident into another: its victims and suspects move, and it is withdrawn. What it says otherwise is lost: each such fact is to be confirmed
/// (409 `needs_confirmation`, code `differs`).
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = MergeInput,
    responses((status = 200, body = IncidentView), Tombstone, Problems)
)]
#[post("/incidents/{reference}/merge")]
pub(super) async fn incident_merge(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    call.app().store.signs_in()?;
    let (into, confirmed) = call.body(&body, merge_input).await?;
    call.post(
        &body,
        move |viewer, w| {
            let incident = w.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            authorize(viewer, Action::Decide)?;
            let otherwise = w.incidents_compared(&incident, &into)?.into_iter().map(|(name, from, kept)| {
                let detail = format!("the incident says {from}, {into} says {kept}, which stays");
                Fault::odd(format!("/{name}"), Oddity::Differs, detail)
            });
            confirmed.of_all(otherwise.collect())?;
            w.incident_merge(&incident, &into)?;
            Ok(Made::changed(Noun::Incident, &into))
        },
        |viewer, r, target| show(viewer, r, last_part(target), EditionChoice::Working),
    )
    .await
}

/// A row of a public file, as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceRow {
    /// Vintage of the file.
    vintage: chrono::NaiveDate,
    /// The row, by column.
    #[schema(value_type = Object)]
    raw: Value,
}

/// The rows that an incident was made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceRows {
    items: Vec<SourceRow>,
}

/// The raw rows of public files that an incident was made of (mission and Secretariat).
#[utoipa::path(tag = "incidents", params(("reference" = String, Path)), responses((status = 200, body = SourceRows), NotModified, Tombstone, Problems))]
#[get("/incidents/{reference}/source-rows")]
pub(super) async fn source_rows(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let items = call
        .read(move |_, r| {
            let incident = r.incident_get(&reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
            let rows = r.raw_rows(&incident)?;
            Ok(rows
                .into_iter()
                .map(|(vintage, raw)| SourceRow { vintage, raw: serde_json::from_str(&raw).unwrap_or(Value::Null) })
                .collect())
        })
        .await?;
    call.one(&Shown::plain(SourceRows { items }))
}
