//! The REST API: one file a noun. A handler parses, calls the store or the desk, and answers; it decides nothing.

mod account;
mod arrival;
mod assistance;
mod audit;
mod briefing;
mod call;
mod case;
mod child;
mod confirm;
mod contribution;
mod decision;
mod description;
mod disclosure;
mod duplicate;
mod erasure;
mod export;
mod follow_up;
#[cfg(fuzzing)]
pub mod fuzzing;
mod health;
mod history;
mod import;
mod incident;
mod input;
mod key;
mod limits;
mod list;
mod me;
mod measure;
mod middleware;
mod observe;
mod once;
mod part;
mod problem;
mod proceeding;
mod reference;
mod resource;
mod restoration;
mod session;
mod statistics;
mod table;
mod task;
mod trace;
mod turn;
mod unread;
mod withheld;

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{HttpServiceFactory, Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer, web};
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use call::{App, Limits};
pub use description::openapi;
pub use observe::{measure, metrics};
pub use problem::{KINDS, Problem};
pub use trace::{Tracing, trace};

/// What takes routes: the application that serves them, and the description that tells of them. Both are given the same
/// functions, and a test compares both with what actix really has; a worker does not pay for the description.
pub trait Routes {
    /// Takes a route.
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;
}

impl Routes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        web::ServiceConfig::service(self, route)
    }
}

impl Routes for ServiceConfig<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        ServiceConfig::service(self, route)
    }
}

fn version_1(config: &mut impl Routes) {
    session::routes(config);
    me::routes(config);
    account::routes(config);
    reference::routes(config);
    incident::routes(config);
    case::routes(config);
    proceeding::routes(config);
    assistance::routes(config);
    measure::routes(config);
    follow_up::routes(config);
    contribution::routes(config);
    disclosure::routes(config);
    duplicate::routes(config);
    statistics::routes(config);
    table::routes(config);
    briefing::routes(config);
    task::routes(config);
    import::routes(config);
    audit::routes(config);
    erasure::routes(config);
    restoration::routes(config);
}

fn outside(config: &mut impl Routes) {
    config.service(health::healthz).service(health::readyz).service(health::jwks).service(health::audit_keys);
}

/// The application with every route.
pub fn application(
    shared: web::Data<App>,
) -> ActixApp<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let described = "/v1/openapi.json";
    ActixApp::new()
        .app_data(shared)
        .app_data(web::PayloadConfig::new(limits::LARGEST_FILE))
        // Before the scope of /v1, which would answer for its description.
        .route(described, web::get().to(middleware::description))
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from(described.to_owned())))
        .configure(outside)
        .service(web::scope("/v1").configure(version_1))
        .default_service(web::to(middleware::unrouted))
        .wrap(from_fn(middleware::apply_response_policy))
}

/// Serves on a listener until stopped; in-flight requests have ten seconds to end. A connection that says nothing is left
/// open for 75 seconds, a client has 30 to send the head of a request.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    shared: web::Data<App>,
    listener: TcpListener,
    workers: usize,
    tls: Option<rustls::ServerConfig>,
) -> io::Result<Server> {
    let server = HttpServer::new(move || application(shared.clone()))
        .workers(workers)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(30))
        .client_disconnect_timeout(Duration::from_secs(5))
        .shutdown_timeout(10);
    Ok(match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    }
    .run())
}

/// Serves what operators ask of a node, on an address of its own: metrics, health and readiness.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve_operators(shared: web::Data<App>, listener: TcpListener) -> io::Result<Server> {
    let application = move || {
        ActixApp::new()
            .app_data(shared.clone())
            .route("/metrics", web::get().to(metrics))
            .service(health::healthz)
            .route("/readyz", web::get().to(health::readiness))
    };
    Ok(HttpServer::new(application).workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}
