//! Whether a person is already known, anywhere.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{note, path_id};
use crate::api::Routes;
use crate::api::call::Call;
use crate::api::form::{self, Context, Form, Input};
use crate::api::list::Paging;
use crate::api::problem::{NotAcceptable, Problem, Problems, Tombstone};
use crate::api::session::secret;
use crate::disclosure::Alike;
use crate::domain::{DuplicateFinding, DuplicateSource, Noun, Purpose, Reference, SealedField};
use crate::policy::{Deed, may};
use crate::store::{Error, LikelyDuplicate, MatchAsk, Page};
use seal::Plain;

pub(super) fn routes(config: &mut impl Routes) {
    config.service(match_create).service(duplicate_list).service(duplicate_decide);
}

/// For whom to look, and why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"person": "victim", "name": "Made-up Name", "record": "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A", "purpose": "verification", "code": "123456"}))]
pub struct MatchInput {
    /// `victim`, `suspect` or `accused`.
    person: String,
    /// The name, in any script and order.
    name: String,
    /// Path of the victim that the question is about, if it is recorded: the Secretariat is told of it where it finds another
    /// elsewhere.
    record: Option<String>,
    /// Why.
    purpose: Purpose,
    /// Why, in words: sealed.
    note: Option<String>,
    /// A code of your second factor that was not used yet.
    code: String,
}

/// A record whose person may be the same.
#[derive(Serialize, ToSchema)]
pub struct AlikeView {
    /// Path of the record.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4/victims/3F8K2A")]
    record: String,
    /// `same` or `close`: no finer, so that nobody feels their way to a name.
    #[schema(example = "close")]
    likeness: &'static str,
}

/// From here on names are the same, in thousandths.
const SAME: u16 = 970;

/// What a match found within your scope. It is on the record.
#[derive(Serialize, ToSchema)]
pub struct MatchView {
    /// Id of the disclosure.
    id: String,
    /// When.
    at: DateTime<Utc>,
    /// Why.
    purpose: Purpose,
    /// Records within your scope, the most alike first; at most 20.
    found: Vec<AlikeView>,
}

fn person(input: &Input, _: &Context) -> Result<Noun, String> {
    let name = form::as_text(input)?;
    let persons = [Noun::Victim, Noun::Suspect, Noun::Accused];
    persons.into_iter().find(|noun| noun.name() == name).ok_or_else(|| "must be victim, suspect or accused".into())
}

fn name(input: &Input, _: &Context) -> Result<Plain, String> {
    let longest = SealedField::named(Noun::Victim, "name").map_or(0, |field| field.longest);
    match input {
        Input::Text(text) if text.expose().chars().count() > longest => {
            Err(format!("must be text of at most {longest} characters"))
        }
        Input::Text(text) if text.expose().chars().any(char::is_alphabetic) => Ok(text.clone()),
        _ => Err("must be a name".into()),
    }
}

fn victim(input: &Input, _: &Context) -> Result<(String, String), String> {
    let path: Vec<&str> = form::as_text(input)?.split('/').collect();
    match path[..] {
        ["incidents", reference, "victims", handle] => Reference::parse(Noun::Incident, reference)
            .map(|reference| (reference.to_string(), handle.to_owned()))
            .ok_or_else(|| "must be the path of a victim".into()),
        _ => Err("must be the path of a victim".into()),
    }
}

fn share(thousandths: u16) -> f64 {
    f64::from(thousandths) / 1000.0
}

/// Whether a person is already known, anywhere. Names are opened in memory, compared across scripts, orders and spellings, and
/// forgotten; no sealed value is given. You are told of records within your scope; what may be the same person elsewhere goes to the
/// Secretariat, and nothing here tells whether there is any. Focal points ask for victims, graded officers for anyone. Twenty a day.
#[utoipa::path(tag = "disclosures", request_body = MatchInput, responses((status = 201, body = MatchView), Tombstone, Problems))]
#[post("/disclosures/matches")]
async fn match_create(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let (ask, name, code) = Form::read(&call.context(), &body, |form| {
        let noun = form.required("person", None, person);
        let name = form.required("name", None, name);
        let about = form.optional("record", None, victim);
        let purpose = form.required("purpose", None, form::code);
        let note = form.optional("note", None, note);
        let code = form.required("code", None, secret);
        if about.is_some() && noun.is_some_and(|noun| noun != Noun::Victim) {
            form.fault("record", "is a victim: only a question about victims names one");
        }
        Some((MatchAsk { noun: noun?, about, purpose: purpose?, note }, name?, code?))
    })?;
    let view = call
        .as_viewer(move |call, session| {
            let (app, viewer) = (call.app(), &session.account.viewer);
            let desk = app.desk.as_ref().ok_or_else(|| Problem::of("elsewhere"))?;
            app.identity.prove(viewer, code.expose(), "match")?;
            let (matching, found) = desk.find(&app.store, viewer, &ask, &name)?;
            let found = found.into_iter().map(|Alike { path, likeness }| AlikeView {
                record: path,
                likeness: if likeness >= SAME { "same" } else { "close" },
            });
            let (id, at) = (matching.id.to_string(), matching.at.and_utc());
            Ok(MatchView { id, at, purpose: matching.purpose, found: found.collect() })
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Two records that may be of one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct DuplicateView {
    /// Id.
    id: String,
    /// When it was found.
    at: DateTime<Utc>,
    /// Who found it; null for the operator.
    by: Option<String>,
    /// How.
    source: DuplicateSource,
    /// Path of the record that was asked about or imported; null where a match was asked about no record.
    record: Option<String>,
    /// Path of the record that may be of the same person.
    other: String,
    /// How alike they are: 1 for the same name, or casualty id.
    likeness: f64,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// By whom.
    decided_by: Option<String>,
    /// What.
    finding: Option<DuplicateFinding>,
}

fn view(of: LikelyDuplicate) -> DuplicateView {
    let LikelyDuplicate { id, at, by, source, record, other, score, decided } = of;
    let (decided_at, decided_by, finding) = match decided {
        Some((at, by, finding)) => (Some(at.and_utc()), Some(by), Some(finding)),
        None => (None, None, None),
    };
    let (id, at, likeness) = (id.to_string(), at.and_utc(), share(score));
    DuplicateView { id, at, by, source, record, other, likeness, decided_at, decided_by, finding }
}

/// A page of likely duplicates.
#[derive(Serialize, ToSchema)]
pub struct DuplicatePage {
    items: Vec<DuplicateView>,
    next: Option<String>,
}

/// Which, and how they are paged.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct DuplicateQuery {
    /// Only those that nobody decided.
    undecided: Option<bool>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

/// Records that may be of one person, the newest first: found by a match out of the asker's scope, or by an import in another mission.
/// For the Secretariat.
#[utoipa::path(
    tag = "disclosures",
    params(DuplicateQuery),
    responses((status = 200, body = DuplicatePage, content((DuplicatePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/likely-duplicates")]
async fn duplicate_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, undecided) = Form::query(&call.context(), &call.query, |form| {
        let undecided = form.required("undecided", Some(false), form::truth);
        Some((Paging::of(form)?, undecided?))
    })?;
    call.list(paging, move |viewer, r, part| {
        may(viewer, Deed::JudgeDuplicates).map_err(Error::from)?;
        let page = r.duplicate_list(undecided, part.after, part.limit)?;
        Ok(Page { items: page.items.into_iter().map(view).collect(), next: page.next })
    })
    .await
}

/// What was found out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"finding": "different_persons"}))]
pub struct DuplicateDecision {
    /// The finding.
    finding: DuplicateFinding,
}

/// Decides whether two records are of one person. The records stay as they are: merge incidents, or correct a victim, where that
/// follows.
#[utoipa::path(tag = "disclosures", request_body = DuplicateDecision, responses((status = 204, description = "Decided"), Problems))]
#[post("/likely-duplicates/{id}/decision")]
async fn duplicate_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let id = path_id(&path)?;
    let finding = Form::read(&call.context(), &body, |form| form.required("finding", None, form::code))?;
    call.as_viewer(move |call, session| {
        call.app().store.signs_in()?;
        may(&session.account.viewer, Deed::JudgeDuplicates).map_err(Error::from)?;
        Ok(call.app().store.write(&session.account.viewer, |w| w.duplicate_decide(id, finding))?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
