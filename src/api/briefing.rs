//! The figures of a briefing as of a cut-off, with the figures of the period before. The audit log records each request.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::NaiveDateTime;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, InputReader, InputValue, Reader as _, describe};
use super::problem::{NotModified, Problem, Problems};
use crate::briefing::{Figures, figures, markdown};
use crate::policy::{Action, Viewer, authorize};
use crate::store::{Error, Read, Result as StoreResult};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(briefing_get);
}

/// The annual briefing on peacekeeping reform (resolution 2378 (2017)), with what resolution 2589 (2021) asks for.
const PRODUCT: &str = "2378";

/// A briefing's figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct BriefingView {
    /// The product: the number of the resolution.
    #[schema(example = "2378")]
    product: &'static str,
    /// The period: a year.
    #[schema(example = 2025)]
    period: i32,
    /// The period's figures, each with its unit, scope, cut-off and source.
    #[schema(value_type = Object)]
    figures: Figures,
    /// The figures of the period before, as of the same cut-off.
    #[schema(value_type = Object)]
    before: Figures,
}

describe::query!(
    /// Which period, as of when, in which form.
    BriefingQuery,
    query
);

fn query(input: &mut InputReader<'_>) -> Option<(i32, Option<NaiveDateTime>, bool)> {
    let period = input.required("period", None, input::integer(1948, 9998).about("A year."));
    let words =
        "Count only what was recorded by then: a day (from its beginning, UTC) or a time (RFC 3339); now if absent.";
    let cut_off = input.optional("cut_off", None, input::since().about(words));
    if cut_off.is_some_and(|at| at > input.context.now) {
        input.fault("cut_off", "must not be in the future");
    }
    let form = |input: &InputValue, _: &input::Context| match input::as_text(input)? {
        "json" => Ok(false),
        "markdown" => Ok(true),
        _ => Err("must be json or markdown".to_owned()),
    };
    let as_text = input.required("format", Some(false), form.about("`json` (default), or `markdown` as a document."));
    Some((period?, cut_off, as_text?))
}

/// The figures of a period and of the one before, as recorded by one cut-off.
fn both(viewer: &Viewer, r: &mut Read<'_>, period: i32, cut_off: NaiveDateTime) -> StoreResult<BriefingView> {
    authorize(viewer, Action::Decide)?;
    let (figures, before) = (figures(r, period, cut_off)?, figures(r, period - 1, cut_off)?);
    Ok(BriefingView { product: PRODUCT, period, figures, before })
}

/// Draws up the figures of a briefing (Secretariat), as JSON with the period before beside them, or as Markdown. That they were drawn up, with period and
/// cut-off, is in the audit log.
#[utoipa::path(
    tag = "statistics",
    params(("product" = String, Path, example = "2378"), BriefingQuery),
    responses((status = 200, body = BriefingView), NotModified, Problems)
)]
#[get("/briefings/{product}")]
async fn briefing_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let (period, cut_off, as_text) = InputReader::query(&call.context(), &call.query, query)?;
    if *path != PRODUCT {
        return Err(Problem::of("not_found"));
    }
    let view = call
        .as_viewer(move |call, session| {
            let (viewer, store) = (&session.account.viewer, &call.app().store);
            let cut_off = cut_off.unwrap_or_else(|| store.now());
            let view = store.read_as(viewer, |r| both(viewer, r, period, cut_off))?;
            let detail = json!({ "period": period, "cut_off": cut_off.and_utc() });
            store.write(viewer, |w| {
                w.note_act("briefing.read", format!("briefings/{PRODUCT}"), detail);
                Ok::<(), Error>(())
            })?;
            Ok(view)
        })
        .await?;
    if as_text {
        let text = markdown(&view.figures);
        return Ok(HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(text));
    }
    call.one(&Shown::plain(view))
}
