//! Traces, where a collector of OpenTelemetry's is named: a span for each request and one for the work it did on a database
//! thread. A span says what the log says (method, route, status, duration); never a query, a body, a token or a name. It
//! belongs to the caller's trace where the request names one (W3C Trace Context).

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::HttpRequest;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

/// What makes the spans, once a collector is named.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();
/// How long the last spans may take to be sent when a node stops.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// Traces that are being kept; what is left of them is sent when this is dropped.
#[derive(Debug)]
pub struct Tracing(SdkTracerProvider);

/// Begins to send spans to a collector, by OTLP over HTTP at `address` (`http://host:4318`). How many are kept, and what the
/// node is called, is set by OpenTelemetry's own variables (OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME).
///
/// # Errors
/// One sentence, when no spans can be sent there.
pub fn trace(address: &str) -> Result<Tracing, String> {
    let fault = || format!("spans cannot be sent to {address}: name a collector as http://host:port");
    let endpoint = format!("{}/v1/traces", address.trim_end_matches('/'));
    if !endpoint.parse().is_ok_and(|uri: actix_web::http::Uri| uri.scheme_str() == Some("http")) {
        return Err(fault());
    }
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build().map_err(|_| fault())?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("casque");
    }
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
    TRACER.set(provider.tracer("casque")).map_err(|_| "spans are sent to one collector")?;
    Ok(Tracing(provider))
}

impl Drop for Tracing {
    fn drop(&mut self) {
        if self.0.shutdown_with_timeout(LAST_SPANS).is_err() {
            tracing::warn!("the last spans were not sent");
        }
    }
}

/// The headers in which a caller names its trace.
struct Headers<'a>(&'a HttpRequest);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.headers().get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.headers().keys().map(|name| name.as_str()).collect()
    }
}

/// Begins a request's span.
pub(super) fn request(request: &HttpRequest, method: &'static str) -> Context {
    let Some(tracer) = TRACER.get() else { return Context::new() };
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(request));
    let span = tracer
        .span_builder(method)
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", method)])
        .start_with_context(tracer, &parent);
    parent.with_span(span)
}

/// Ends a request's span.
pub(super) fn answered(request: &Context, method: &'static str, route: &str, status: u16) {
    let span = request.span();
    if !span.is_recording() {
        return;
    }
    span.update_name(format!("{method} {route}"));
    span.set_attribute(KeyValue::new("http.route", route.to_owned()));
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
    span.end();
}

/// Does a request's work inside a span of its own, on whatever thread it is called.
pub(super) fn work<T>(request: &Context, work: impl FnOnce() -> T) -> T {
    let Some(tracer) = TRACER.get() else { return work() };
    let mut span = tracer.start_with_context("work", request);
    let done = work();
    span.end();
    done
}
