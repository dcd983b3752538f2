//! Follow-ups.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Made, Shown, last_part, read_reference};
use super::decision::{DecisionInput, reasons};
use super::history::HistoryPage;
use super::input::{self, InputReader, Reader as _, describe};
use super::list::{PageOf, Part};
use super::problem::{NotAcceptable, NotModified, Preconditions, Problem, Problems};
use super::resource::{self, Decided, Reading, Resource};
use super::withheld::{Markers, Withheld};
use crate::domain::{
    FieldReason, FollowUpFacts, Noun, Reason, ReplyStatus, ResponseFigures, SealedField, SubmissionStatus,
    response_figures,
};
use crate::policy::{AccessContext, Action, Viewer, access, authorize};
use crate::store::{Error, FollowUp, FollowUpFilter, Page, Read, Result as StoreResult, SealedInput, Verdict, Write};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config
        .service(follow_up_list)
        .service(follow_up_create)
        .service(follow_up_statistics)
        .service(follow_up_get)
        .service(follow_up_edit)
        .service(follow_up_reply)
        .service(follow_up_decide)
        .service(follow_up_history);
}

/// What the United Nations did on a case towards a State.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpView {
    /// Reference.
    #[schema(example = "F-MLI-2024-3XK9")]
    reference: String,
    /// Reference of the case.
    case: String,
    #[serde(flatten)]
    facts: FollowUpFacts,
    /// What the State says that it answered; it counts once an officer accepts it.
    offered_reply: Option<ReplyStatus>,
    /// When the State says that it did.
    offered_on: Option<NaiveDate>,
    /// What became of the State's own answer.
    status: Option<SubmissionStatus>,
    /// Why it was returned or withdrawn.
    reason: Option<Reason>,
    /// Why, field by field (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_fields: Option<Vec<FieldReason>>,
    /// Why, in words (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_note: Option<Withheld>,
    /// When it was recorded.
    created_at: DateTime<Utc>,
    /// When an open fact last changed.
    updated_at: DateTime<Utc>,
    text: Withheld,
    conditions: Withheld,
    assurances: Withheld,
    reply: Withheld,
}

/// Follow-ups, as a record of their own.
pub(super) struct FollowUps;

/// A follow-up, with the reference of its case.
pub(super) struct NewFollowUp {
    case: String,
    facts: FollowUpFacts,
    sealed: SealedInput,
}

impl Resource for FollowUps {
    const NOUN: Noun = Noun::FollowUp;
    const NAME: &'static str = "FollowUp";
    type Record = FollowUp;
    type New = NewFollowUp;
    type Filter = FollowUpFilter;
    type View = FollowUpView;

    fn example() -> serde_json::Value {
        json!({"case": "C-MINUSMA-2019-4TZ8", "state": "MLI", "kind": "note_verbale", "sent_on": "2024-03-01",
            "due_on": "2024-06-01"})
    }

    fn read_new(input: &mut InputReader<'_>, known: Option<&FollowUp>) -> Option<NewFollowUp> {
        let base = known.map(|known| &known.facts);
        let case = input.fixed("case", known.map(|known| known.case.clone()), input::reference(Noun::Case));
        let state = input.fixed("state", base.map(|b| b.state.clone()), input::state());
        let kind = input.required("kind", base.map(|b| b.kind), input::code());
        let sent_on = input.required("sent_on", base.map(|b| b.sent_on), input::past_date());
        let due_on = input.optional("due_on", base.and_then(|b| b.due_on), input::date());
        let awaited = base.map_or(ReplyStatus::Awaited, |b| b.reply_status);
        let status = input::code().about("`awaited` if absent.");
        let reply_status = input.required("reply_status", Some(awaited), status);
        let replied_on = input.optional("replied_on", base.and_then(|b| b.replied_on), input::past_date());
        for (name, on) in [("due_on", due_on), ("replied_on", replied_on)] {
            if sent_on.zip(on).is_some_and(|(sent, on)| on < sent) {
                input.fault(name, "must not be earlier than sent_on");
            }
        }
        let is_open =
            reply_status.is_some_and(|status| matches!(status, ReplyStatus::Awaited | ReplyStatus::NotExpected));
        if is_open && replied_on.is_some() {
            input.fault("replied_on", "must be absent as long as the State has not answered");
        } else if reply_status.is_some() && !is_open && replied_on.is_none() {
            input.fault("replied_on", "required once the State has answered");
        }
        let sealed = input.sealed(Noun::FollowUp);
        let facts = FollowUpFacts {
            state: state?,
            kind: kind?,
            sent_on: sent_on?,
            due_on,
            reply_status: reply_status?,
            replied_on,
        };
        Some(NewFollowUp { case: case?, facts, sealed })
    }

    fn read_filter(input: &mut InputReader<'_>) -> Option<FollowUpFilter> {
        let waits = input::code().about("What became of the State's own answer. `proposed`: it waits for an officer.");
        Some(FollowUpFilter {
            case: input.optional("case", None, input::reference(Noun::Case).about("Reference of a case.")),
            incident: input.optional(
                "incident",
                None,
                input::reference(Noun::Incident).about("Reference of an incident of the case."),
            ),
            state: input.optional("state", None, input::state()),
            kind: input.optional("kind", None, input::code()),
            reply_status: input.optional("reply_status", None, input::code()),
            status: input.optional("status", None, waits),
            from: input.optional("from", None, input::date().about("Sent on or after.")),
            to: input.optional("to", None, input::date().about("Sent on or before.")),
            updated_from: input.optional("updated_from", None, input::since()),
        })
    }

    fn page(r: &mut Read<'_>, filter: &FollowUpFilter, part: Part<'_>) -> StoreResult<Page<FollowUp>> {
        r.follow_up_list(filter, part.after, part.limit)
    }

    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<FollowUp>> {
        r.follow_up_get(reference)
    }

    fn tags(of: &FollowUp) -> Vec<Vec<u8>> {
        vec![of.tag.clone()]
    }

    fn access(viewer: &Viewer, of: &FollowUp) -> AccessContext {
        access(viewer, &of.target())
    }

    fn may_create(viewer: &Viewer, _: &NewFollowUp) -> StoreResult<()> {
        // Whose case it is, the store asks once it has found it.
        if viewer.is_inside() { Ok(()) } else { Ok(authorize(viewer, Action::Decide)?) }
    }

    fn may_edit(viewer: &Viewer, _: &mut Write<'_>, known: &FollowUp) -> StoreResult<()> {
        Ok(authorize(viewer, Action::Report { mission: &known.mission })?)
    }

    fn create(w: &mut Write<'_>, new: &NewFollowUp) -> StoreResult<String> {
        w.follow_up_create(&new.case, &new.facts, &new.sealed)
    }

    fn edit(w: &mut Write<'_>, known: &FollowUp, new: &NewFollowUp) -> StoreResult<()> {
        w.follow_up_edit(known, &new.facts, &new.sealed)
    }

    fn view(of: FollowUp, markers: &Markers<'_>) -> FollowUpView {
        let (offered_reply, offered_on) = of.offered.unzip();
        FollowUpView {
            reference: of.reference,
            case: of.case,
            facts: of.facts,
            offered_reply,
            offered_on,
            status: of.status,
            reason: reasons(of.returned).0,
            reason_fields: None,
            reason_note: None,
            created_at: of.created_at.and_utc(),
            updated_at: of.updated_at.and_utc(),
            text: markers.of("text"),
            conditions: markers.of("conditions"),
            assurances: markers.of("assurances"),
            reply: markers.of("reply"),
        }
    }

    fn detail(
        _: &Viewer,
        _: &mut Read<'_>,
        of: &FollowUp,
        markers: &Markers<'_>,
        view: &mut FollowUpView,
    ) -> StoreResult<()> {
        view.reason_note = Some(markers.of("reason_note"));
        view.reason_fields = reasons(of.returned.clone()).1;
        Ok(())
    }
}

impl Decided for FollowUps {
    fn decide(w: &mut Write<'_>, known: &FollowUp, verdict: &Verdict) -> StoreResult<()> {
        w.follow_up_decide(known, verdict)
    }
}

type FollowUpPage = PageOf<FollowUpView>;
type FollowUpInput = resource::New<FollowUps>;
type FollowUpEdit = resource::Edit<FollowUps>;
type FollowUpQuery = resource::Query<FollowUps>;

/// What a State says that it answered.
fn reply(input: &mut InputReader<'_>) -> Option<((ReplyStatus, NaiveDate), SealedInput)> {
    let status = input.required("reply_status", None, input::code::<ReplyStatus>());
    if status.is_some_and(|status| matches!(status, ReplyStatus::Awaited | ReplyStatus::NotExpected)) {
        input.fault("reply_status", "must say what was answered: acknowledged, partial, full or refused");
    }
    let on = input.required("replied_on", None, input::past_date().about("When the State answered."));
    let sealed = input.sealed_of(SealedField::of(Noun::FollowUp).filter(|field| field.name == "reply"));
    Some(((status?, on?), sealed))
}

describe::input!(FollowUpReply, "What the State answered.", reply, {
    "reply_status": "full", "replied_on": "2024-05-02", "reply": "Made-up answer."
});

/// Lists the follow-ups that you may know of, newest first.
#[utoipa::path(tag = "follow-ups", params(FollowUpQuery), responses((status = 200, body = FollowUpPage), NotAcceptable, Problems))]
#[get("/follow-ups")]
async fn follow_up_list(call: Call) -> Result<HttpResponse, Problem> {
    resource::list::<FollowUps>(call).await
}

/// Shows one follow-up.
#[utoipa::path(tag = "follow-ups", params(Reading), responses((status = 200, body = FollowUpView), NotModified, Problems))]
#[get("/follow-ups/{reference}")]
async fn follow_up_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::get::<FollowUps>(call, &path).await
}

/// Records what was done on a case: a note verbale, a request, a visit (mission and Secretariat).
#[utoipa::path(
    tag = "follow-ups",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = FollowUpInput,
    responses((status = 201, body = FollowUpView), Problems)
)]
#[post("/follow-ups")]
async fn follow_up_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::create::<FollowUps>(call, body).await
}

/// Corrects a follow-up, or records an answer that came on another way (mission and Secretariat).
#[utoipa::path(
    tag = "follow-ups",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = FollowUpEdit, content_type = "application/merge-patch+json"),
    responses((status = 200, body = FollowUpView), Preconditions, Problems)
)]
#[patch("/follow-ups/{reference}")]
async fn follow_up_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::edit::<FollowUps>(call, &path, body).await
}

/// Answers a follow-up, for the State that it was addressed to. The answer counts once an officer accepts it.
#[utoipa::path(
    tag = "follow-ups",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = FollowUpReply,
    responses((status = 200, body = FollowUpView), Problems)
)]
#[post("/follow-ups/{reference}/reply")]
async fn follow_up_reply(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(Noun::FollowUp, &path)?;
    let (answer, sealed) = call.body(&body, reply).await?;
    call.post(
        &body,
        move |_, w| {
            let of = w.follow_up_get(&reference)?.ok_or(Error::NotFound)?;
            w.follow_up_reply(&of, answer, &sealed)?;
            Ok(Made::changed(Noun::FollowUp, &reference))
        },
        |viewer, r, target| resource::one::<FollowUps>(viewer, r, last_part(target)),
    )
    .await
}

/// Accepts or returns what a State answered (Secretariat); or withdraws it (the State).
#[utoipa::path(
    tag = "follow-ups",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = FollowUpView), Problems)
)]
#[post("/follow-ups/{reference}/decision")]
async fn follow_up_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    resource::decide::<FollowUps>(call, &path, body).await
}

/// The history of a follow-up (mission and Secretariat).
#[utoipa::path(tag = "follow-ups", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), NotModified, Problems))]
#[get("/follow-ups/{reference}/history")]
async fn follow_up_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    resource::history::<FollowUps>(call, &path).await
}

/// How States answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUpStatistics {
    /// By State and year of sending, of the follow-ups that you may know of.
    items: Vec<ResponseFigures>,
}

/// How many follow-ups were answered, and after how many days, by State and year.
#[utoipa::path(tag = "follow-ups", responses((status = 200, body = FollowUpStatistics), NotModified, Problems))]
#[get("/follow-ups/statistics")]
async fn follow_up_statistics(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let items = call.read(|_, r| Ok(response_figures(&r.follow_up_facts()?))).await?;
    call.one(&Shown::plain(FollowUpStatistics { items }))
}
