//! The edge that every call crosses: who must be signed in, what a body may be, what a path answers to, and the headers of every answer.

use std::sync::LazyLock;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use opentelemetry::context::FutureExt as _;
use tracing::Instrument as _;
use utoipa::openapi::OpenApi;

use super::arrival::{Allowance, admit, begin};
use super::call::App;
use super::description;
use super::limits::{IMPORTS, PUBLIC};
use super::observe::{self, InFlight};
use super::once::{self, Taken};
use super::problem::{KINDS, Problem};
use super::trace;

/// The methods that each path has, as the API's description says, and whether its POST keeps the `Idempotency-Key` by itself.
#[derive(Debug)]
struct Methods(Vec<(ResourceDef, String, bool)>);

impl Methods {
    fn of(description: &OpenApi) -> Self {
        let paths = description.paths.paths.iter().map(|(path, item)| {
            let has = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let allow: Vec<&str> = has.into_iter().filter(|(_, has)| *has).map(|(method, _)| method).collect();
            let parameters = item.post.as_ref().and_then(|post| post.parameters.as_ref());
            let keeps = parameters.is_some_and(|all| all.iter().any(description::is_key));
            (ResourceDef::new(path.as_str()), allow.join(", "), keeps)
        });
        Self(paths.collect())
    }
}

/// The API's description as it is served, and the methods that it gives each path: made when first asked for.
static DESCRIBED: LazyLock<(Bytes, Methods)> = LazyLock::new(|| {
    let described = description::routes_described();
    (description::whole(described.clone()).to_json().unwrap_or_default().into(), Methods::of(&described))
});

/// The API's description (OpenAPI 3.1).
pub async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DESCRIBED.0.clone())
}

/// Answers what no route does: 405 with `Allow` (RFC 9110, 15.5.6) where the path has other methods, else 404.
pub async fn unrouted(request: HttpRequest) -> HttpResponse {
    match DESCRIBED.1.0.iter().find(|(path, ..)| path.is_match(request.path())) {
        Some((_, allow, _)) => {
            let mut response = Problem::of("method_not_allowed").error_response();
            if let Ok(allow) = HeaderValue::from_str(allow) {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            response
        }
        None => Problem::of("not_found").error_response(),
    }
}

/// Why a call is refused before it is read. A body that does not name its type is taken for what the path expects.
fn refused(request: &ServiceRequest) -> Option<Problem> {
    let imports = request.path() == IMPORTS;
    let path = request.path().to_ascii_lowercase();
    if ["%0", "%1", "%7f"].iter().any(|control| path.contains(control)) {
        // No record's name holds a control character, and a database may refuse to look for one.
        return Some(Problem::of("not_found"));
    }
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let kind = text(header::CONTENT_TYPE)?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let understood = match *request.method() {
        Method::POST if imports => kind == "text/csv",
        Method::POST => kind == "application/json",
        Method::PATCH => kind == "application/merge-patch+json" || kind == "application/json",
        _ => true,
    };
    (!understood).then(|| Problem::of("media_type"))
}

/// Reads the body whole before anybody works on it: a client that sends it slowly, or without end, holds nothing but itself.
async fn take_body(request: &mut ServiceRequest, allowed: Allowance) -> Result<Bytes, Problem> {
    let Allowance { bytes: most, patience } = allowed;
    if *request.method() == Method::GET {
        return Ok(Bytes::new());
    }
    let _unread = begin(request)?;
    let payload = request.extract::<web::Payload>().await.map_err(|_| Problem::of("internal"))?;
    match tokio::time::timeout(patience, payload.to_bytes_limited(most)).await {
        Err(_) => Err(Problem::of("timed_out")),
        Ok(Err(_)) => Err(Problem::of("too_large")),
        Ok(Ok(Err(_))) => Err(Problem::of("invalid").with_detail("The body did not arrive completely.")),
        Ok(Ok(Ok(body))) => {
            let payload = Box::pin(futures_util::stream::once(std::future::ready(Ok(body.clone()))));
            request.set_payload(Payload::Stream { payload });
            Ok(body)
        }
    }
}

/// Takes a request in: by its head alone, then its body whole.
async fn arrive(request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    if let Some(refused) = refused(request) {
        return Err(refused);
    }
    let allowed = admit(request).await?;
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > allowed.bytes) {
        return Err(Problem::of("too_large"));
    }
    take_body(request, allowed).await
}

/// Takes the `Idempotency-Key` of a POST whose handler does not keep it by itself.
async fn claim(request: &ServiceRequest, body: Bytes) -> Result<Taken, Problem> {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default().to_owned());
    let (Some(key), Some(token)) = (text("idempotency-key"), text("authorization")) else { return Ok(Taken::Not) };
    let path = request.path();
    let here = *request.method() == Method::POST && path.starts_with("/v1/") && !PUBLIC.contains(&path);
    let Some(app) = request.app_data::<web::Data<App>>().filter(|_| here) else { return Ok(Taken::Not) };
    let known = DESCRIBED.1.0.iter().find(|(route, ..)| route.is_match(path));
    if known.is_none_or(|(_, _, keeps)| *keeps) {
        return Ok(Taken::Not);
    }
    let token = token.split_once(' ').map_or("", |(_, token)| token).trim().to_owned();
    once::claim(app.clone(), token, path.to_owned(), key, body).await
}

/// Refuses a body that is too long or of another type, turns the framework's bare errors into problems, and sets the
/// headers that every answer carries.
pub async fn apply_response_policy(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let began = Instant::now();
    let method = observe::method_name(request.method());
    let path = request.path().to_owned();
    let span = trace::request(request.request(), method);
    // Whatever is logged while it is answered carries it, whichever the level.
    let id = observe::request_id();
    let line = tracing::error_span!("request", id);
    if request.method() == Method::HEAD {
        // Answered as a GET whose body the connection leaves out (RFC 9110, 9.3.2).
        request.head_mut().method = Method::GET;
    }
    let is_secure = request.app_config().secure();
    let limits = request.app_data::<web::Data<App>>().map(|app| app.limits).unwrap_or_default();
    // Whoever asks how the node is gets an answer when it is full, too.
    let asks_how_it_is = path == "/healthz" || path == "/readyz";
    let arrived = arrive(&mut request).instrument(line.clone()).await;
    // A request is in flight once its body is whole: a slow sender takes no place from others.
    let turn = InFlight::begin(if asks_how_it_is { usize::MAX } else { limits.in_flight });
    let taken = if turn.is_none() { Err(Problem::of("busy")) } else { arrived };
    let claimed = match taken {
        Ok(body) => claim(&request, body).instrument(line.clone()).await,
        Err(problem) => Err(problem),
    };
    let mut response = match claimed {
        Err(problem) => request.into_response(problem.error_response()),
        Ok(Taken::Answered(status, answer)) => request.into_response(once::again(status, answer)),
        Ok(Taken::Once(once)) => {
            let answer = next.call(request).with_context(span.clone()).instrument(line.clone()).await?;
            once.settle(answer.map_into_boxed_body()).instrument(line.clone()).await
        }
        Ok(Taken::Not) => {
            next.call(request).with_context(span.clone()).instrument(line.clone()).await?.map_into_boxed_body()
        }
    };
    let status = response.status();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    if (status.is_client_error() || status.is_server_error()) && !is_problem {
        let name = KINDS
            .iter()
            .find(|(known, ..)| *known == status.as_u16())
            .map_or(if status.is_server_error() { "internal" } else { "invalid" }, |(_, name, _)| *name);
        response = response.into_response(Problem::of(name).error_response());
    }
    let cacheable = status.is_success() && (path == "/v1/vocabulary" || path == "/v1/states");
    let docs = path.starts_with("/docs");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    if is_secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    for (name, value) in [
        ("cache-control", if cacheable { "private, max-age=3600" } else { "no-store" }),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            if docs {
                "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"
            } else {
                "default-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"
            },
        ),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    line.in_scope(|| observe::answered(&response, method, began.elapsed(), &span));
    Ok(response)
}
