//! Bringing in the United Nations' public file of fatalities.

use actix_web::web::Payload;
use actix_web::{HttpResponse, post};

use super::Routes;
use super::call::Call;
use super::input::{self, InputReader, Reader as _, describe};
use super::limits::LARGEST_FILE;
use super::problem::{Problem, Problems};
use crate::exchange::{ImportReport, Unreadable, import_fatalities};
use crate::policy::{Action, authorize};
use crate::store::Error;

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(import_create);
}

describe::query!(
    /// How to import.
    ImportQuery,
    import_query
);

fn import_query(input: &mut InputReader<'_>) -> Option<bool> {
    input.required("dry_run", Some(false), input::truth().about("Report what would be done, and change nothing."))
}

/// Imports the UN fatalities file (dataset DPPADPOSS-FATALITIES, CSV). Malicious acts become incidents with their victims,
/// one incident for each mission and date; the rest is counted. A file that cannot be read is refused whole. The same file
/// sent again adds nothing, so it needs no `Idempotency-Key`.
#[utoipa::path(
    tag = "imports",
    params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = ImportReport), (status = 200, body = ImportReport, description = "Dry run"), Problems)
)]
#[post("/imports")]
async fn import_create(call: Call, body: Payload) -> Result<HttpResponse, Problem> {
    let dry_run = InputReader::query(&call.context(), &call.query, import_query)?;
    let body = match body.to_bytes_limited(LARGEST_FILE).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(Problem::of("invalid").with_detail("The file did not arrive completely.")),
        Err(_) => return Err(Problem::of("too_large")),
    };
    let report = call
        .as_viewer(move |call, session| {
            let viewer = &session.account.viewer;
            authorize(viewer, Action::Import).map_err(Error::from)?;
            import_fatalities(&call.app().store, viewer, &body, dry_run, &mut |_, _| {}).map_err(
                |refused| match refused {
                    Unreadable::File(why) => Problem::of("invalid").with_detail(why),
                    Unreadable::Store(error) => error.into(),
                },
            )
        })
        .await?;
    if dry_run {
        return Ok(HttpResponse::Ok().json(report));
    }
    Ok(HttpResponse::Created().json(report))
}
