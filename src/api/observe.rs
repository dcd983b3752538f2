//! What a node tells its operator: a line and a measurement for each request, and the state of its pools. Of a request there
//! is method, route, status and duration; never its query, its body, a token or anybody's name.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::{HttpResponse, web};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::Context;

use super::call::App;
use crate::store::LogStanding;

/// Upper bounds of the buckets of durations, in seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to measure. Without it nothing is kept.
///
/// # Errors
/// One sentence, when another recorder was there first.
pub fn measure() -> Result<(), String> {
    let recorder = RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("casque_request_seconds".into()), &BUCKETS)
            .ok()?
            .install_recorder()
            .ok()
    });
    recorder.as_ref().map(|_| ()).ok_or_else(|| "metrics are not available in this process".into())
}

/// Requests that are being answered now.
static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// One request that is being answered.
#[derive(Debug)]
pub(super) struct InFlight;

impl InFlight {
    /// Begins one, unless `limit` are being answered.
    pub(super) fn begin(limit: usize) -> Option<Self> {
        let begun = Self;
        (IN_FLIGHT.fetch_add(1, Ordering::AcqRel) < limit).then_some(begun)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A request's id, at random: in its answer (`x-request-id`) and in every line that is logged of it.
pub(super) fn request_id() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}

/// Tells of one request.
pub(super) fn answered<B>(response: &ServiceResponse<B>, method: &'static str, took: Duration, span: &Context) {
    let route = response.request().match_pattern().unwrap_or_else(|| "unrouted".into());
    let status = response.status();
    let millis = took.as_secs_f64() * 1_000.0;
    tracing::info!(target: "casque::request", method, route, status = status.as_u16(), millis, "answered");
    super::trace::answered(span, method, &route, status.as_u16());
    if RECORDER.get().is_some() {
        counter!("casque_requests_total", "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string())
            .increment(1);
        histogram!("casque_request_seconds", "method" => method, "route" => route).record(took.as_secs_f64());
    }
}

/// The method as a label: those that no route has are one.
pub(super) fn method_name(method: &actix_web::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// Metrics in Prometheus' text format. On an address of its own, which is not for the public.
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    let Some(recorder) = RECORDER.get().and_then(Option::as_ref) else { return HttpResponse::NotFound().finish() };
    #[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are doubles")]
    let set = |name: &'static str, value: usize| gauge!(name).set(value as f64);
    set("casque_requests_in_flight", IN_FLIGHT.load(Ordering::Acquire));
    set("casque_exports_running", app.exports.running());
    let (open, idle) = app.store.connections();
    set("casque_database_connections", open);
    set("casque_database_connections_idle", idle);
    if let Some(desk) = &app.desk {
        set("casque_values_opened", usize::try_from(desk.opened()).unwrap_or(usize::MAX));
    }
    set("casque_resident_bytes", resident());
    let (signed, shipped) = app.store.ages();
    let seconds = |age: u64| usize::try_from(age).unwrap_or(usize::MAX);
    if app.desk.is_some() {
        set("casque_audit_unsigned_seconds", seconds(signed));
        set("casque_ledger_behind_seconds", seconds(shipped));
        if let Some(age) = app.store.backup_age() {
            set("casque_backup_age_seconds", seconds(age));
        }
    }
    set("casque_audit_log_broken", usize::from(app.store.log_standing() == LogStanding::Broken));
    set("casque_restoration_unconfirmed", usize::from(app.store.awaits_confirmation()));
    let waiting = web::block(move || app.store.audit_waiting()).await;
    if let Ok(Ok(waiting)) = waiting {
        set("casque_audit_entries_unplaced", waiting);
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(recorder.render())
}

/// Resident memory of this process, in bytes; 0 where the system does not tell.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()));
    pages.unwrap_or(0) * 4_096
}
