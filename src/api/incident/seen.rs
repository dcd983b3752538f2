//! What a State could see on a day.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{read_reference, view_as};
use crate::api::call::{Call, Shown};
use crate::api::input::{self, InputReader};
use crate::api::problem::{NotModified, Problem, Problems};
use crate::domain::Basis;
use crate::store::SeenOn;

/// What a State could see of an incident on a day.
#[derive(Serialize, ToSchema)]
pub struct SeenView {
    /// The State.
    state: String,
    /// The day (UTC): as it was at its end, or now.
    on: NaiveDate,
    /// The edition that it was shown; null when it was shown none.
    edition: Option<i32>,
    /// When that edition was released.
    released_at: Option<DateTime<Utc>>,
    /// Whether it had been shown one before, and was told that it is withdrawn or of no concern.
    tombstone: bool,
    /// Why it concerned the State.
    bases: Vec<Basis>,
    /// Handles of the victims that it was shown.
    victims: Vec<String>,
}

/// What a State (`as`) could see of the incident at the end of a day (`on`), out of editions, concern and decisions on withholding.
/// What an edition said is at `?edition=`, and in its history. For the Secretariat.
#[utoipa::path(
    tag = "incidents",
    params(("reference" = String, Path), ("as" = String, Query, description = "The State, alpha-3"), ("on" = NaiveDate, Query, description = "The day (UTC)")),
    responses((status = 200, body = SeenView), NotModified, Problems)
)]
#[get("/incidents/{reference}/seen")]
pub(super) async fn incident_seen(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    let reference = read_reference(&path)?;
    let (state, on) = InputReader::query(&call.context(), &call.query, |input| {
        let state = input.required("as", None, input::state());
        let on = input.required("on", None, input::past_date());
        Some((state?, on?))
    })?;
    let view = call
        .read(move |viewer, r| {
            view_as(viewer, Some(&state))?;
            let end = on.succ_opt().and_then(|next| next.and_hms_opt(0, 0, 0)).unwrap_or(r.now());
            let seen = r.incident_seen_on(&reference, &state, end.min(r.now()))?;
            let SeenOn { edition, tombstone, bases, victims } = seen;
            let released_at = edition.map(|(_, at)| at.and_utc());
            Ok(SeenView {
                state,
                on,
                edition: edition.map(|(number, _)| number),
                released_at,
                tombstone,
                bases,
                victims,
            })
        })
        .await?;
    call.one(&Shown::plain(view))
}
