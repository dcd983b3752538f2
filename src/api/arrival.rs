//! What a request may cost before anybody knows who sends it: the token is verified before body and query are read, and what is not read yet is
//! bounded by network.

use std::time::Duration;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web;

use super::call::{App, bearer, block, network};
use super::limits::{IMPORTS, LARGEST_BODY, LARGEST_FILE, PUBLIC};
use super::problem::Problem;
use super::unread::Unread;
use crate::policy::{Action, authorize};
use crate::store::Error;

/// What a request without a token may send, in bytes.
const LARGEST_OF_STRANGERS: usize = 16 << 10;
/// How long it may take to send it.
const PATIENCE_WITH_STRANGERS: Duration = Duration::from_secs(10);
/// An address with its parameters is at most this long, in bytes.
const LONGEST_ADDRESS: usize = 8 << 10;

/// What a request may send, once it is known who sends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Bytes of its body.
    pub(super) bytes: usize,
    /// Time for it.
    pub(super) patience: Duration,
}

/// Whether a path wants a token.
fn wants_token(path: &str) -> bool {
    path.starts_with("/v1/") && !PUBLIC.contains(&path)
}

/// Judges a request by its head alone: verifies its token, and says what it may send.
///
/// # Errors
/// 401 without a good token; 403 for a file of who imports none; 503 while another of theirs is on its way; 400 for an address that is too long.
pub(super) async fn admit(request: &ServiceRequest) -> Result<Allowance, Problem> {
    let Some(app) = request.app_data::<web::Data<App>>() else { return Err(Problem::of("internal")) };
    if request.uri().path_and_query().is_some_and(|asked| asked.as_str().len() > LONGEST_ADDRESS) {
        return Err(Problem::of("invalid").with_detail(format!("the address is longer than {LONGEST_ADDRESS} bytes")));
    }
    let patience = app.limits.patience;
    if !wants_token(&request.path().to_ascii_lowercase()) {
        let patience = patience.min(PATIENCE_WITH_STRANGERS);
        return Ok(Allowance { bytes: LARGEST_OF_STRANGERS, patience });
    }
    let token = bearer(request.headers()).ok_or_else(|| Problem::of("unauthenticated"))?;
    let imports = request.path() == IMPORTS && *request.method() == Method::POST;
    if imports || !app.identity.knows(&token) {
        let app = app.clone();
        let turn = block(move || {
            let session = app.identity.authenticate(&token)?;
            let viewer = &session.account.viewer;
            if imports {
                authorize(viewer, Action::Import).map_err(Error::from)?;
            }
            imports.then(|| app.imports.take(viewer.account)).transpose()
        })
        .await?;
        // Held as long as the request is.
        request.extensions_mut().insert(turn);
    }
    Ok(Allowance { bytes: if imports { LARGEST_FILE } else { LARGEST_BODY }, patience })
}

/// Begins to read a body, unless as many of the network as the node takes are being read. A request that sends none holds none.
///
/// # Errors
/// 429.
pub(super) fn begin(request: &ServiceRequest) -> Result<Option<Unread>, Problem> {
    let Some(app) = request.app_data::<web::Data<App>>() else { return Err(Problem::of("internal")) };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let sends = request.headers().contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0");
    if !sends {
        return Ok(None);
    }
    let from = network(request.request(), app.limits.behind_proxy).wide();
    let many = || {
        Problem::of("throttled")
            .with_detail("Too many requests from your network are still being sent. Wait, then try again.")
    };
    app.arriving.begin(from, app.limits.unread).map(Some).ok_or_else(many)
}
