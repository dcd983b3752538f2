//! Requests to erase a person: one officer asks, another decides, and the operator carries out what was approved.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::Call;
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, Problem, Problems};
use super::session::secret;
use crate::domain::ErasureReason;
use crate::policy::{Action, Viewer, authorize};
use crate::store::{ErasureRequest, Error};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(erasure_ask).service(erasure_list).service(erasure_decide);
}

describe::input!(
    /// Whom to erase, and why.
    ErasureInput,
    "Whom to erase, and why.",
    erasure_input,
    {"record": "incidents/MINUSMA-2019-7KQ4/victims/7KQ4M2", "reason": "family_asked"}
);

fn erasure_input(input: &mut InputReader<'_>) -> Option<(String, ErasureReason)> {
    let record = input.required("record", None, person.about("Path of a victim, a suspect or an accused."));
    let reason = input.required("reason", None, input::code::<ErasureReason>().about("Why."));
    Some((record?, reason?))
}

/// A request to erase a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureView {
    /// Its number, which the operator's command needs.
    #[schema(example = "E-7KQ4M2")]
    number: String,
    /// Path of the person's record.
    record: String,
    /// Why.
    reason: ErasureReason,
    /// Who asked.
    asked_by: String,
    /// When it was asked.
    asked_at: DateTime<Utc>,
    /// When it lapses, unless it is decided and carried out.
    expires_at: DateTime<Utc>,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    decided_by: Option<String>,
    /// Whether it was approved; null while it waits.
    approved: Option<bool>,
    /// When the operator carried it out.
    erased_at: Option<DateTime<Utc>>,
}

fn view(of: ErasureRequest) -> ErasureView {
    let ErasureRequest {
        id: _,
        number,
        record,
        record_id: _,
        reason,
        asked_by,
        asked_at,
        expires_at,
        decided,
        erased_at,
    } = of;
    let (decided_at, decided_by, approved) = match decided {
        Some((at, (_, by), approved)) => (Some(at.and_utc()), Some(by), Some(approved)),
        None => (None, None, None),
    };
    ErasureView {
        number,
        record,
        reason,
        asked_by: asked_by.1,
        asked_at: asked_at.and_utc(),
        expires_at: expires_at.and_utc(),
        decided_at,
        decided_by,
        approved,
        erased_at: erased_at.map(|at| at.and_utc()),
    }
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub struct ErasurePage {
    items: Vec<ErasureView>,
    next: Option<String>,
}

describe::query!(
    /// Which requests, and how they are paged.
    ErasureQuery,
    erasure_query
);

fn erasure_query(input: &mut InputReader<'_>) -> Option<(Paging, bool)> {
    let waiting = input.required("waiting", Some(false), input::truth().about("Only those that await a decision."));
    Some((Paging::of(input)?, waiting?))
}

fn person(input: &InputValue, _: &Context) -> Result<String, String> {
    let text = input::as_text(input)?;
    let parts: Vec<&str> = text.split('/').collect();
    let short = text.len() <= 200 && text.is_ascii();
    match parts[..] {
        ["incidents", _, "victims" | "suspects", _] | ["proceedings", _, "accused", _] if short => Ok(text.to_owned()),
        _ => Err("must be incidents/REFERENCE/victims/HANDLE, incidents/REFERENCE/suspects/HANDLE or \
                  proceedings/REFERENCE/accused/NUMBER"
            .into()),
    }
}

/// Asks that what is sealed of a person be erased, for ever and in every copy. Another officer decides, within 30 days; then the
/// operator carries it out with the request's number.
#[utoipa::path(tag = "erasures", request_body = ErasureInput, responses((status = 201, body = ErasureView), Problems))]
#[post("/erasures")]
async fn erasure_ask(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let (record, reason) = call.body(&body, erasure_input).await?;
    let asked = call
        .as_viewer(move |call, session| {
            let (store, viewer) = (&call.app().store, &session.account.viewer);
            store.signs_in()?;
            Ok(store.write(viewer, |w| w.erasure_ask(&record, reason))?)
        })
        .await?;
    Ok(HttpResponse::Created().json(view(asked)))
}

/// Requests to erase a person, the last asked first (officers).
#[utoipa::path(
    tag = "erasures",
    params(ErasureQuery),
    responses((status = 200, body = ErasurePage, content((ErasurePage = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/erasures")]
async fn erasure_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, waiting) = InputReader::query(&call.context(), &call.query, erasure_query)?;
    call.list(paging, move |viewer, r, part| {
        authorize(viewer, Action::Erase).map_err(Error::from)?;
        let page = r.erasure_list(waiting, part.after, part.limit)?;
        Ok(page.map(view))
    })
    .await
}

describe::input!(
    /// A decision, with a fresh code.
    ErasureDecision,
    "A decision, with a fresh code.",
    erasure_decision,
    {"approve": true, "code": "123456"}
);

fn erasure_decision(input: &mut InputReader<'_>) -> Option<(bool, Plain)> {
    let approve = input.required("approve", None, input::truth().about("Whether the person is to be erased."));
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((approve?, code?))
}

/// Decides on a request, as another officer than the one who asked. Needs a new code of the second factor.
#[utoipa::path(tag = "erasures", request_body = ErasureDecision, responses((status = 200, body = ErasureView), Problems))]
#[post("/erasures/{number}/decision")]
async fn erasure_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let (approve, code) = call.body(&body, erasure_decision).await?;
    let number = path.into_inner();
    let judge = |viewer: &Viewer| Ok(authorize(viewer, Action::Erase)?);
    let decided = call.agree(("erasure", code), judge, move |_, w| w.erasure_decide(&number, approve)).await?;
    Ok(HttpResponse::Ok().json(view(decided)))
}
