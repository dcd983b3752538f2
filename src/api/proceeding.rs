//! Proceedings with their accused and steps.

use std::collections::HashSet;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::call::{Call, Made, Paging, Shown, last_part};
use super::form::{self, Form};
use super::history::HistoryPage;
use super::problem::{Preconditions, Problem, Problems};
use super::withheld::{Markers, Withheld, shares_tag};
use crate::domain::{
    Detention, Exit, Forum, Jurisdiction, Noun, Obstacle, Outcome, Precision, Reference, Sentence, Stage, StepKind,
    StepStatus,
};
use crate::policy::{Deed, Denial, Facts, Relations, Viewer, may};
use crate::store::{
    Accused, Error, Id, NewAccused, NewStep, Page, Proceeding, ProceedingFacts, ProceedingFilter, Read,
    Result as StoreResult, StepRecord, Write,
};
use seal::ClassCode;

/// Adds the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(proceeding_list)
        .service(proceeding_create)
        .service(proceeding_get)
        .service(proceeding_edit)
        .service(proceeding_history)
        .service(accused_list)
        .service(accused_create)
        .service(accused_edit)
        .service(step_list)
        .service(step_create)
        .service(step_decide);
}

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
    accused: Option<Vec<AccusedView>>,
    /// The steps that you may know of (in the single view).
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<StepView>>,
}

/// An accused, by number.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccusedView {
    /// Number within the proceeding.
    number: i32,
    /// Furthest stage.
    stage_furthest: Stage,
    /// Present stage, or exit.
    stage_current: String,
    /// Outcome.
    outcome: Outcome,
    /// Whether convicted while absent.
    in_absentia: bool,
    /// Whether held.
    detention: Detention,
    /// Last sentence.
    sentence: Option<Sentence>,
    /// References of incidents that you may know of.
    incidents: Vec<String>,
    notes: Withheld,
    name: Withheld,
    identifiers: Withheld,
}

/// One dated event.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// Random handle.
    handle: String,
    /// What it is.
    kind: StepKind,
    /// Number of the accused; null for the proceeding as a whole.
    accused: Option<i32>,
    /// When it happened.
    happened_on: NaiveDate,
    /// How exactly that is known.
    happened_on_precision: Precision,
    /// Stage reached.
    stage: Option<Stage>,
    /// Outcome of a judgement.
    outcome: Option<Outcome>,
    /// Exit.
    exit: Option<Exit>,
    /// Sentence.
    sentence: Option<Sentence>,
    /// Length of a sentence, months.
    sentence_months: Option<i32>,
    /// Why a hearing was postponed.
    obstacle: Option<Obstacle>,
    /// Its new date.
    postponed_to: Option<NaiveDate>,
    /// Public source.
    source_url: Option<String>,
    /// Whether it is part of the record.
    status: StepStatus,
    /// The State that submitted it.
    submitted_by_state: Option<String>,
    /// When it became part of the record; of a proposal, when it was submitted.
    recorded_at: DateTime<Utc>,
}

impl From<StepRecord> for StepView {
    fn from(record: StepRecord) -> Self {
        let StepRecord { handle, step, sentence_months, postponed_to, source_url, status, submitted_state } = record;
        let crate::domain::Step { kind, accused, happened, recorded_at, stage, outcome, exit, sentence, obstacle } =
            step;
        Self {
            handle,
            kind,
            accused,
            happened_on: happened.first(),
            happened_on_precision: happened.precision(),
            stage,
            outcome,
            exit,
            sentence,
            sentence_months,
            obstacle,
            postponed_to,
            source_url,
            status,
            submitted_by_state: submitted_state,
            recorded_at: recorded_at.and_utc(),
        }
    }
}

/// A page of proceedings.
#[derive(Serialize, ToSchema)]
pub struct ProceedingPage {
    items: Vec<ProceedingView>,
    next: Option<String>,
}

/// The accused of a proceeding.
#[derive(Serialize, ToSchema)]
pub struct AccusedPage {
    items: Vec<AccusedView>,
}

/// The steps of a proceeding.
#[derive(Serialize, ToSchema)]
pub struct StepPage {
    items: Vec<StepView>,
}

/// A proceeding to be recorded or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `facts` reads the body")]
#[schema(example = json!({"state": "MLI", "authority": "Court of Assizes, Bamako", "forum": "specialised", "opened_on": "2020-01-01", "opened_on_precision": "year", "cases": ["C-MINUSMA-2019-4TZ8"]}))]
pub struct ProceedingInput {
    /// Alpha-3 code. Required.
    state: Option<String>,
    /// Required.
    authority: Option<String>,
    /// `not_known` if absent.
    forum: Option<Forum>,
    /// `not_known` if absent.
    jurisdiction: Option<Jurisdiction>,
    /// Required.
    opened_on: Option<NaiveDate>,
    /// `day` if absent.
    opened_on_precision: Option<Precision>,
    /// Obstacles shared with the State.
    obstacles: Option<Vec<Obstacle>>,
    /// References of the cases that it serves, on recording: at least one.
    cases: Option<Vec<String>>,
    /// Sealed, confidential.
    court_file_number: Option<String>,
    /// Sealed, confidential.
    internal_obstacles: Option<String>,
    /// Sealed, confidential.
    notes: Option<String>,
}

/// An accused to be added or changed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"incidents": ["MINUSMA-2019-7KQ4"], "name": "Made-up Name"}))]
pub struct AccusedInput {
    /// References of incidents (on adding only).
    incidents: Option<Vec<String>>,
    /// Sealed, confidential.
    notes: Option<String>,
    /// Sealed, strictly confidential.
    name: Option<String>,
    /// Sealed, strictly confidential.
    identifiers: Option<String>,
}

/// A step to be recorded, or, by a State, proposed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it; `step` reads the body")]
#[schema(example = json!({"kind": "judgement", "accused": 1, "happened_on": "2023-01-24", "stage": "first_judgement", "outcome": "convicted"}))]
pub struct StepInput {
    /// Required.
    kind: Option<StepKind>,
    /// Number of the accused; absent for the proceeding as a whole.
    accused: Option<i32>,
    /// Required; a hearing may lie ahead.
    happened_on: Option<NaiveDate>,
    /// `day` if absent.
    happened_on_precision: Option<Precision>,
    /// Required for `stage_reached`.
    stage: Option<Stage>,
    /// Required for `judgement`.
    outcome: Option<Outcome>,
    /// Required for `exit`.
    exit: Option<Exit>,
    /// Required for `sentence`.
    sentence: Option<Sentence>,
    /// Months.
    sentence_months: Option<i32>,
    /// Why a hearing was postponed.
    obstacle: Option<Obstacle>,
    /// Its new date.
    postponed_to: Option<NaiveDate>,
    /// Public source.
    source_url: Option<String>,
}

/// What becomes of a proposal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"status": "accepted"}))]
pub struct DecisionInput {
    /// `accepted` or `returned`.
    status: StepStatus,
    /// Why; required to return.
    reason: Option<String>,
}

/// What a list of proceedings is narrowed to.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct ProceedingQuery {
    state: Option<String>,
    forum: Option<Forum>,
    /// Furthest stage.
    stage: Option<Stage>,
    /// Reference of a case.
    case: Option<String>,
    /// Opened on or after.
    from: Option<NaiveDate>,
    /// Opened on or before.
    to: Option<NaiveDate>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn judged(viewer: &Viewer, of: &Proceeding, missions: &[String]) -> Facts {
    let relations = Relations {
        own_mission: viewer.missions.iter().any(|own| missions.contains(own)),
        proceeding: viewer.state.as_ref() == Some(&of.facts.state),
        ..Relations::default()
    };
    Facts { relations, notified: true, under_review: of.frozen_at.is_some() }
}

fn view(viewer: &Viewer, facts: Facts, of: Proceeding, held: Option<&HashSet<(Id, u16)>>) -> ProceedingView {
    let markers = Markers { noun: Noun::Proceeding, viewer, facts, holder: of.id, held };
    let (file, internal, notes) =
        (markers.of("court_file_number"), markers.of("internal_obstacles"), markers.of("notes"));
    let ProceedingFacts { state, authority, forum, jurisdiction, opened, obstacles } = of.facts;
    ProceedingView {
        reference: of.reference,
        state,
        authority,
        forum,
        jurisdiction,
        opened_on: opened.first(),
        opened_on_precision: opened.precision(),
        obstacles,
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

fn accused_view(viewer: &Viewer, facts: Facts, accused: Accused, held: Option<&HashSet<(Id, u16)>>) -> AccusedView {
    let markers = Markers { noun: Noun::Accused, viewer, facts, holder: accused.id, held };
    let progress = accused.progress;
    AccusedView {
        number: accused.number,
        stage_furthest: progress.furthest,
        stage_current: progress.current.code().to_owned(),
        outcome: progress.outcome,
        in_absentia: progress.outcome == Outcome::ConvictedInAbsentia,
        detention: progress.detention,
        sentence: accused.sentence,
        notes: markers.of("notes"),
        name: markers.of("name"),
        identifiers: markers.of("identifiers"),
        incidents: accused.incidents,
    }
}

fn show(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<ProceedingView>> {
    let of = r.proceeding_get(reference)?.ok_or(Error::NotFound)?;
    let missions = r.proceeding_missions(of.id)?;
    let facts = judged(viewer, &of, &missions);
    let cases = r.proceeding_cases(of.id)?.into_iter().map(|case| case.reference).collect();
    let accused = r.accused_list(&of)?;
    let steps = r.step_list(&of)?.into_iter().map(StepView::from).collect();
    let mut holders = vec![of.id];
    holders.extend(accused.iter().map(|one| one.id));
    let held = r.held(&holders)?;
    let tags = ClassCode::ALL
        .into_iter()
        .zip(&of.tags)
        .filter(|(class, _)| shares_tag(viewer, facts, &[Noun::Proceeding, Noun::Accused], *class))
        .map(|(_, tag)| tag.clone())
        .collect();
    let mut body = view(viewer, facts, of, Some(&held));
    body.cases = Some(cases);
    body.accused = Some(accused.into_iter().map(|one| accused_view(viewer, facts, one, Some(&held))).collect());
    body.steps = Some(steps);
    Ok(Shown { body, tags })
}

fn facts(form: &mut Form<'_>, base: Option<&ProceedingFacts>) -> Option<ProceedingFacts> {
    let state = match base {
        Some(base) => Some(base.state.clone()),
        None => form.required("state", None, form::state),
    };
    let authority = form.required("authority", base.map(|b| b.authority.clone()), form::text(200));
    let forum = form.required("forum", Some(base.map_or(Forum::NotKnown, |b| b.forum)), form::code);
    let jurisdiction =
        form.required("jurisdiction", Some(base.map_or(Jurisdiction::NotKnown, |b| b.jurisdiction)), form::code);
    let opened = form.partial_date("opened_on", base.map(|b| b.opened));
    if opened.is_some_and(|on| on.is_future(form.context.now)) {
        form.fault("opened_on", "lies in the future");
    }
    let known = base.map(|b| b.obstacles.clone()).or(Some(Vec::new()));
    let obstacles = form.required("obstacles", known, form::list_of(30, form::code));
    Some(ProceedingFacts {
        state: state?,
        authority: authority?,
        forum: forum?,
        jurisdiction: jurisdiction?,
        opened: opened?,
        obstacles: obstacles?,
    })
}

fn step(form: &mut Form<'_>) -> Option<NewStep> {
    let kind = form.required("kind", None, form::code::<StepKind>);
    let accused = form.optional("accused", None, form::integer(1, 100_000));
    let happened = form.partial_date("happened_on", None);
    let ahead = matches!(kind, Some(StepKind::Hearing));
    if !ahead && happened.is_some_and(|on| on.is_future(form.context.now)) {
        form.fault("happened_on", "lies in the future");
    }
    let stage = form.optional("stage", None, form::code);
    let outcome = form.optional("outcome", None, form::code);
    let exit = form.optional("exit", None, form::code);
    let sentence = form.optional("sentence", None, form::code);
    let lacking = match kind {
        Some(StepKind::StageReached) if stage.is_none() => Some("stage"),
        Some(StepKind::Judgement) if outcome.is_none() => Some("outcome"),
        Some(StepKind::Exit) if exit.is_none() => Some("exit"),
        Some(StepKind::Sentence) if sentence.is_none() => Some("sentence"),
        _ => None,
    };
    if let Some(name) = lacking {
        form.fault(name, "required for this kind of step");
    }
    if matches!(kind, Some(StepKind::Judgement | StepKind::Sentence)) && accused.is_none() {
        form.fault("accused", "outcome and sentence are an accused's own: name the accused");
    }
    let sentence_months = form.optional("sentence_months", None, form::integer(0, 12_000));
    let obstacle = form.optional("obstacle", None, form::code);
    let postponed_to = form.optional("postponed_to", None, form::date);
    let source_url = form.optional("source_url", None, form::url);
    Some(NewStep {
        kind: kind?,
        accused,
        happened: happened?,
        stage,
        outcome,
        exit,
        sentence,
        sentence_months,
        obstacle,
        postponed_to,
        source_url,
    })
}

fn read_reference(path: &str) -> Result<String, Problem> {
    Reference::parse(Noun::Proceeding, path).map(|found| found.to_string()).ok_or_else(|| Problem::of("not_found"))
}

/// Whether a viewer may work on a proceeding: the Secretariat, or a mission whose case it serves.
fn may_work(viewer: &Viewer, w: &mut Write<'_>, of: &Proceeding) -> StoreResult<()> {
    if viewer.is_secretariat() {
        return Ok(());
    }
    let missions = w.proceeding_missions(of.id)?;
    let allowed = missions.iter().any(|mission| may(viewer, Deed::Report { mission }).is_ok());
    if allowed { Ok(()) } else { Err(may(viewer, Deed::Record).err().unwrap_or(Denial::NotYours).into()) }
}

/// Lists the proceedings that concern you, newest first.
#[utoipa::path(
    tag = "proceedings",
    params(ProceedingQuery),
    responses((status = 200, body = ProceedingPage, content((ProceedingPage = "application/json"), (String = "text/csv"))), Problems)
)]
#[get("/proceedings")]
async fn proceeding_list(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, paging) = Form::query(&call.context(), &call.query, |form| {
        let filter = ProceedingFilter {
            state: form.optional("state", None, form::state),
            forum: form.optional("forum", None, form::code),
            stage: form.optional("stage", None, form::code),
            case: form.optional("case", None, form::reference(Noun::Case)),
            from: form.optional("from", None, form::date),
            to: form.optional("to", None, form::date),
        };
        Some((filter, Paging::of(form)?))
    })?;
    let format = paging.format;
    let page = call
        .read(move |viewer, r| {
            let page = r.proceeding_list(&filter, paging.after.as_ref(), paging.limit)?;
            let holders: Vec<Id> = page.items.iter().map(|one| one.id).collect();
            let held = if viewer.is_inside() { Some(r.held(&holders)?) } else { None };
            // A focal point's list holds its own missions' proceedings only.
            let missions = viewer.missions.clone();
            let items = page
                .items
                .into_iter()
                .map(|one| view(viewer, judged(viewer, &one, &missions), one, held.as_ref()))
                .collect();
            Ok(Page { items, next: page.next })
        })
        .await?;
    call.page(page, format)
}

/// Shows one proceeding with its accused and steps, as far as they concern you.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = ProceedingView), Problems))]
#[get("/proceedings/{reference}")]
async fn proceeding_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let shown = call.read(move |viewer, r| show(viewer, r, &reference)).await?;
    call.one(&shown)
}

/// Records a proceeding that serves cases.
#[utoipa::path(
    tag = "proceedings",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = ProceedingInput,
    responses((status = 201, body = ProceedingView), Problems)
)]
#[post("/proceedings")]
async fn proceeding_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (facts, cases, sealed) = Form::read(&call.context(), &body, |form| {
        let facts = facts(form, None);
        let cases = form.required("cases", None, form::list_of(50, form::reference(Noun::Case)));
        if cases.as_ref().is_some_and(Vec::is_empty) {
            form.fault("cases", "at least one");
        }
        let sealed = form.sealed(Noun::Proceeding);
        Some((facts?, cases?, sealed))
    })?;
    call.post(
        &body,
        move |viewer, w| {
            may(viewer, Deed::Record)?;
            Ok(Made::new(Noun::Proceeding, &w.proceeding_create(&facts, &cases, &sealed)?.reference))
        },
        |viewer, r, target| show(viewer, r, last_part(target)),
    )
    .await
}

/// Changes a proceeding.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("If-Match" = String, Header)),
    request_body(content = ProceedingInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ProceedingView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}")]
async fn proceeding_edit(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let shown = reference.clone();
    call.patch(
        move |viewer, r| show(viewer, r, &shown),
        move |viewer, w, context| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_work(viewer, w, &of)?;
            let (facts, sealed) = Form::read(context, &body, |form| {
                let facts = facts(form, Some(&of.facts));
                let sealed = form.sealed(Noun::Proceeding);
                Some((facts?, sealed))
            })?;
            w.proceeding_edit(&of, &facts, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// The history of a proceeding (mission and Secretariat).
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = HistoryPage), Problems))]
#[get("/proceedings/{reference}/history")]
async fn proceeding_history(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let page = call
        .read(move |viewer, r| {
            let of = r.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            let missions = r.proceeding_missions(of.id)?;
            Ok(super::history::page(viewer, judged(viewer, &of, &missions), r.history(of.id)?, None))
        })
        .await?;
    call.one(&Shown::plain(page))
}

/// Lists the accused that you may know of, by number.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = AccusedPage), Problems))]
#[get("/proceedings/{reference}/accused")]
async fn accused_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let shown = call.read(move |viewer, r| show(viewer, r, &reference)).await?;
    call.one(&Shown { body: AccusedPage { items: shown.body.accused.unwrap_or_default() }, tags: shown.tags })
}

/// Adds an accused under the next number.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = AccusedInput,
    responses((status = 201, body = AccusedView), Problems)
)]
#[post("/proceedings/{reference}/accused")]
async fn accused_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let new = Form::read(&call.context(), &body, |form| {
        let incidents =
            form.required("incidents", Some(Vec::new()), form::list_of(200, form::reference(Noun::Incident)));
        let sealed = form.sealed(Noun::Accused);
        Some(NewAccused { incidents: incidents?, sealed })
    })?;
    call.post(
        &body,
        move |viewer, w| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_work(viewer, w, &of)?;
            let accused = w.accused_create(&of, &new)?;
            Ok(Made::child(format!("proceedings/{reference}/accused/{}", accused.number)))
        },
        |viewer, r, target| accused_show(viewer, r, target),
    )
    .await
}

fn accused_show(viewer: &Viewer, r: &mut Read<'_>, target: &str) -> StoreResult<Shown<AccusedView>> {
    let reference = target.split('/').nth(1).unwrap_or("");
    let number: i32 = last_part(target).parse().map_err(|_| Error::NotFound)?;
    let Shown { body, tags } = show(viewer, r, reference)?;
    let view = body.accused.unwrap_or_default().into_iter().find(|one| one.number == number).ok_or(Error::NotFound)?;
    Ok(Shown { body: view, tags })
}

/// Changes an accused's sealed fields. What happened to the accused is a step.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("number" = i32, Path), ("If-Match" = String, Header)),
    request_body(content = AccusedInput, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AccusedView), Preconditions, Problems)
)]
#[patch("/proceedings/{reference}/accused/{number}")]
async fn accused_edit(call: Call, path: Path<(String, String)>, body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, number) = path.into_inner();
    let reference = read_reference(&reference)?;
    let target = format!("proceedings/{reference}/accused/{number}");
    call.patch(
        move |viewer, r| accused_show(viewer, r, &target),
        move |viewer, w, context| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may_work(viewer, w, &of)?;
            let number: i32 = number.parse().map_err(|_| Error::NotFound)?;
            let known = w.accused_list(&of)?.into_iter().find(|one| one.number == number).ok_or(Error::NotFound)?;
            let sealed = Form::read(context, &body, |form| Some(form.sealed(Noun::Accused)))?;
            w.accused_edit(&of, &known, &sealed)?;
            Ok(())
        },
    )
    .await
}

/// Lists the steps that you may know of, in the order in which they happened.
#[utoipa::path(tag = "proceedings", params(("reference" = String, Path)), responses((status = 200, body = StepPage), Problems))]
#[get("/proceedings/{reference}/steps")]
async fn step_list(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let reference = read_reference(&path)?;
    let items = call
        .read(move |_, r| {
            let of = r.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            Ok(r.step_list(&of)?.into_iter().map(StepView::from).collect())
        })
        .await?;
    call.one(&Shown::plain(StepPage { items }))
}

fn step_show(r: &mut Read<'_>, target: &str) -> StoreResult<Shown<StepView>> {
    let of = r.proceeding_get(target.split('/').nth(1).unwrap_or(""))?.ok_or(Error::NotFound)?;
    let found = r.step_list(&of)?.into_iter().find(|record| record.handle == last_part(target));
    Ok(Shown::plain(StepView::from(found.ok_or(Error::NotFound)?)))
}

/// Records a step; of a State, proposes one in a proceeding of its own: it counts for nothing until it is accepted.
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = StepInput,
    responses((status = 201, body = StepView), Problems)
)]
#[post("/proceedings/{reference}/steps")]
async fn step_create(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let new = Form::read(&call.context(), &body, step)?;
    call.post(
        &body,
        move |viewer, w| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            if viewer.is_inside() {
                may_work(viewer, w, &of)?;
            } else {
                may(viewer, Deed::Propose { state: &of.facts.state })?;
            }
            let record = w.step_create(&of, &new)?;
            Ok(Made::child(format!("proceedings/{reference}/steps/{}", record.handle)))
        },
        |_, r, target| step_show(r, target),
    )
    .await
}

/// Accepts or returns a step that a State proposed (Secretariat).
#[utoipa::path(
    tag = "proceedings",
    params(("reference" = String, Path), ("handle" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = DecisionInput,
    responses((status = 200, body = StepView), Problems)
)]
#[post("/proceedings/{reference}/steps/{handle}/decision")]
async fn step_decide(call: Call, path: Path<(String, String)>, body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path.into_inner();
    let reference = read_reference(&reference)?;
    let (accept, reason) = Form::read(&call.context(), &body, |form| {
        let status = form.required("status", None, form::code::<StepStatus>);
        let reason = form.optional("reason", None, form::text(1_000));
        match status {
            Some(StepStatus::Proposed) => form.fault("status", "must be accepted or returned"),
            Some(StepStatus::Returned) if reason.is_none() => form.fault("reason", "required to return"),
            _ => {}
        }
        Some((status? == StepStatus::Accepted, reason))
    })?;
    call.post(
        &body,
        move |viewer, w| {
            let of = w.proceeding_get(&reference)?.ok_or(Error::NotFound)?;
            may(viewer, Deed::Decide)?;
            w.step_decide(&of, &handle, accept, reason)?;
            Ok(Made { status: 200, target: format!("proceedings/{reference}/steps/{handle}") })
        },
        |_, r, target| step_show(r, target),
    )
    .await
}
