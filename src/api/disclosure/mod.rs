//! Opening seals: the only routes whose answers hold sealed values.

mod approval;
mod edition;
mod file;
mod matching;
mod note;
mod review;
mod sitting;

use std::collections::BTreeMap;

use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use strum::VariantArray as _;
use utoipa::ToSchema;

use super::Routes;
use super::call::Call;
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, Problem, Problems, Tombstone};
use super::session::secret;
use crate::disclosure::{Given, Opened};
use crate::domain::{DisclosureMode, Noun, Purpose, Reference, ReviewFinding};
use crate::store::{Authorization, DisclosureAsk, DisclosureFilter, DisclosureRow, Id, SessionInfo};
use seal::Plain;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(disclosure_create).service(disclosure_list);
    file::routes(config);
    matching::routes(config);
    sitting::routes(config);
    approval::routes(config);
    edition::routes(config);
    review::routes(config);
    note::routes(config);
}

describe::input!(
    /// What to open, and why.
    DisclosureInput,
    "What to open, and why.",
    described,
    {"record": "incidents/MINUSMA-2019-7KQ4", "class": "confidential", "purpose": "follow_up", "note": "Made-up note.",
        "code": "123456"}
);

/// A record, opened as far as the policy allows.
#[derive(Serialize, ToSchema)]
pub struct OpenedView {
    /// Path of the record.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A")]
    record: String,
    /// Its opened fields; null where a field holds nothing.
    fields: BTreeMap<&'static str, Option<String>>,
}

/// A field that stays sealed.
#[derive(Serialize, ToSchema)]
pub struct RefusedView {
    /// Path of the record.
    record: String,
    /// Field.
    field: &'static str,
    /// Why.
    #[schema(example = "needs_second_officer")]
    refusal: &'static str,
}

/// What a disclosure gave. It is on the record.
#[derive(Serialize, ToSchema)]
pub struct DisclosureView {
    /// Id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Why.
    purpose: Purpose,
    /// By when another officer reviews it; null where that is not needed.
    review_due_at: Option<DateTime<Utc>>,
    /// Opened records.
    opened: Vec<OpenedView>,
    /// Fields of the class that stay sealed.
    refused: Vec<RefusedView>,
}

/// An entry of the log of disclosures.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisclosureEntry {
    /// Id.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Who, by name; to a State the office, but for its own people: a mission's acronym, `Secretariat`, or `another State`.
    by: String,
    /// Role.
    role: String,
    /// Record.
    record: String,
    /// Class.
    class: String,
    /// Why.
    purpose: Purpose,
    /// Why it was refused; null when it was granted.
    refusal: Option<String>,
    /// In which mode.
    mode: DisclosureMode,
    /// By when another officer reviews what nobody had approved; null where that is not needed.
    review_due_at: Option<DateTime<Utc>>,
    /// When that was done.
    reviewed_at: Option<DateTime<Utc>>,
    /// What was found.
    finding: Option<ReviewFinding>,
    /// Records with the fields that were opened, `path: field, field`.
    opened: Vec<String>,
}

/// A page of the log of disclosures.
#[derive(Serialize, ToSchema)]
pub struct DisclosurePage {
    items: Vec<DisclosureEntry>,
    next: Option<String>,
}

describe::query!(
    /// How the log is paged.
    DisclosureQuery,
    disclosure_query
);

fn disclosure_query(input: &mut InputReader<'_>) -> Option<(Paging, DisclosureFilter)> {
    let review_due = input.required(
        "review_due",
        Some(false),
        input::truth().about("Only those that await another officer's review."),
    );
    Some((Paging::of(input)?, DisclosureFilter { review_due: review_due? }))
}

fn record(input: &InputValue, _: &Context) -> Result<(Noun, String), String> {
    let InputValue::Text(text) = input else { return Err("must be text".into()) };
    let openable = || Noun::VARIANTS.iter().copied().filter(|noun| noun.spec().openable);
    let whole = || {
        let paths: Vec<&str> = openable().map(Noun::path).collect();
        format!("must be the path of a record, such as incidents/MINUSMA-2019-7KQ4: one of {}", paths.join(", "))
    };
    let (path, reference) = text.expose().split_once('/').ok_or_else(whole)?;
    openable()
        .find(|noun| noun.path() == path)
        .and_then(|noun| Some((noun, Reference::parse(noun, reference)?.to_string())))
        .ok_or_else(whole)
}

pub(super) fn note(input: &InputValue, _: &Context) -> Result<Plain, String> {
    match input {
        InputValue::Text(text) if text.expose().chars().count() <= 2_000 => Ok(text.clone()),
        _ => Err("must be text of at most 2000 characters".into()),
    }
}

fn path_id(path: &str) -> Result<Id, Problem> {
    Id::parse(path).ok_or_else(|| Problem::of("not_found"))
}

/// Takes the class and fields to be opened out of the input.
fn wanted(input: &mut InputReader<'_>) -> Option<(seal::ClassCode, Vec<String>)> {
    let class = input.required("class", None, input::class());
    let fields = input::list_of(50, input::text(60)).about("Only these fields; all of the class if absent.");
    let fields = input.required("fields", Some(Vec::new()), fields);
    Some((class?, fields?))
}

/// Takes what a disclosure rests on out of the input, with the code that it needs.
fn warrant(input: &mut InputReader<'_>, session: Id) -> Option<(Authorization, Option<Plain>, Option<Plain>)> {
    let (has_sitting, has_approval) = (input.has("sitting"), input.has("approval"));
    let sitting = input::id().about("The sitting within which it is opened.");
    let sitting = input.optional("sitting", None, sitting);
    let approval = input.optional("approval", None, input::id().about("What a second officer approved."));
    let words = "Opens at once what a second officer should approve first. It is flagged, and another officer reviews it within 72 hours.";
    let emergency = input.required("emergency", Some(false), input::truth().about(words))?;
    if usize::from(has_sitting) + usize::from(has_approval) + usize::from(emergency) > 1 {
        input.fault("sitting", "give only one of sitting, approval and emergency");
        return None;
    }
    if has_sitting {
        for member in ["purpose", "note", "code"] {
            if input.has(member) {
                input.fault(member, "leave this out: the sitting already has it");
            }
        }
        return Some((Authorization::Sitting { id: sitting?, session }, None, None));
    }
    if has_approval && input.has("purpose") {
        input.fault("purpose", "leave this out: the approval already has it");
    }
    let purpose = input::code().about("Why. Leave it out where a sitting or an approval is given.");
    let purpose = input.optional("purpose", None, purpose);
    let note = input.optional("note", None, note.about("Why, in words: sealed. An emergency needs one."));
    let code =
        input.optional("code", None, secret.about("A new code of the second factor. Leave it out in a sitting."));
    let lacking = [
        ("purpose", !has_approval && purpose.is_none()),
        ("note", emergency && note.is_none()),
        ("code", code.is_none()),
    ];
    for (member, _) in lacking.into_iter().filter(|(_, is_lacking)| *is_lacking) {
        input.fault(member, "required");
    }
    let by_purpose = if emergency { Authorization::Emergency } else { Authorization::Purpose };
    let warrant = if has_approval { approval.map(Authorization::Approval) } else { purpose.map(by_purpose) };
    Some((warrant?, note, Some(code?)))
}

/// What to open, within a session.
fn asked(input: &mut InputReader<'_>, session: Id) -> Option<(DisclosureAsk, Option<Plain>)> {
    let words = "Path of a record of its own, such as an incident or a case. Its children are opened with it.";
    let record = input.required("record", None, record.about(words));
    let wanted = wanted(input);
    let warrant = warrant(input, session);
    let ((class, fields), (warrant, note, code)) = (wanted?, warrant?);
    Some((DisclosureAsk { records: vec![record?], class, fields, warrant, note, factor: None }, code))
}

/// The same, of no session: what the description asks.
fn described(input: &mut InputReader<'_>) -> Option<(DisclosureAsk, Option<Plain>)> {
    asked(input, Id([0; 16]))
}

/// What was given, as it is shown once.
fn given_view(given: Given) -> DisclosureView {
    let Given { id, at, purpose, review_due_at, records, refused } = given;
    let opened = records
        .into_iter()
        .map(|Opened { path, fields }| OpenedView {
            record: path,
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, value.map(|plain| plain.expose().to_owned())))
                .collect(),
        })
        .collect();
    let refused = refused
        .into_iter()
        .map(|one| RefusedView { record: one.path, field: one.field, refusal: one.refusal.code() })
        .collect();
    let review_due_at = review_due_at.map(|at| at.and_utc());
    DisclosureView { id, at: at.and_utc(), purpose, review_due_at, opened, refused }
}

/// Opens, with the code that was given for it.
fn open(call: &Call, session: &SessionInfo, ask: DisclosureAsk, code: Option<&Plain>) -> Result<Given, Problem> {
    let app = call.app();
    let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
    let viewer = &session.account.viewer;
    let factor = code.map(|code| app.identity.prove(session, code.expose(), "disclosure")).transpose()?;
    Ok(desk.disclose(&app.store, viewer, &DisclosureAsk { factor, ..ask })?)
}

/// Opens the sealed fields of a record, of one class, for a stated purpose. The decision is logged before anything is
/// opened; a request that is sent again is a new disclosure. It needs a new code of the second factor, except in a sitting. What is
/// strictly confidential takes a second officer's approval (`POST /v1/approvals`), or is an emergency.
#[utoipa::path(
    tag = "disclosures",
    request_body = DisclosureInput,
    responses((status = 201, body = DisclosureView), Tombstone, Problems)
)]
#[post("/disclosures")]
async fn disclosure_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let view = call
        .as_viewer(move |call, session| {
            let (ask, code) = InputReader::read(&call.context(), &body, |input| asked(input, session.id))?;
            Ok(given_view(open(call, session, ask, code.as_ref())?))
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// The log of disclosures: your own; to a focal point those of its missions' records too; to a State those of its own nationals'
/// data; to an officer those that nobody had approved; to an auditor all.
#[utoipa::path(
    tag = "disclosures",
    params(DisclosureQuery),
    responses((status = 200, body = DisclosurePage, content((DisclosurePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/disclosures")]
async fn disclosure_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, filter) = InputReader::query(&call.context(), &call.query, disclosure_query)?;
    call.list(paging, move |viewer, r, part| {
        let page = r.disclosure_list(viewer, filter, part.after, part.limit)?;
        Ok(page.map(entry))
    })
    .await
}

fn entry(row: DisclosureRow) -> DisclosureEntry {
    let DisclosureRow { id, at, by, role, record, class, purpose, refusal, mode, review_due_at, review, items } = row;
    DisclosureEntry {
        id,
        at: at.and_utc(),
        by,
        role,
        record,
        class,
        purpose,
        refusal,
        mode,
        review_due_at: review_due_at.map(|at| at.and_utc()),
        reviewed_at: review.map(|(at, _)| at.and_utc()),
        finding: review.map(|(_, finding)| finding),
        opened: items.into_iter().map(|(path, fields)| format!("{path}: {}", fields.join(", "))).collect(),
    }
}
