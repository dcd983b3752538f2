//! The REST API: one file a noun. A handler parses, calls the store or the desk, and answers; it decides nothing.

mod assistance;
mod audit;
mod call;
mod case;
mod decision;
mod disclosure;
mod edge;
mod export;
mod form;
mod history;
mod import;
mod incident;
mod list;
mod measure;
mod problem;
mod proceeding;
mod reference;
mod service;
mod session;
mod statistics;
mod withheld;

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpServer, web};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};
use utoipa_swagger_ui::SwaggerUi;

pub use call::App;
pub use problem::{KINDS, Problem};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Casque",
        version = "1",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Crimes against United Nations peacekeepers, the progress of States in bringing perpetrators to \
                       justice, and the assistance that the United Nations gives them (Security Council resolution 2589 \
                       (2021)). What is sensitive is sealed: a GET never opens a seal; POST /v1/disclosures does, by \
                       somebody entitled, for a stated purpose, on the record."
    ),
    modifiers(&Security),
    security(("bearer" = []))
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

fn version_1(config: &mut ServiceConfig) {
    session::routes(config);
    reference::routes(config);
    incident::routes(config);
    case::routes(config);
    proceeding::routes(config);
    assistance::routes(config);
    measure::routes(config);
    disclosure::routes(config);
    statistics::routes(config);
    import::routes(config);
    audit::routes(config);
}

fn outside(config: &mut ServiceConfig) {
    config.service(service::healthz).service(service::readyz).service(service::jwks);
}

/// The application with every route, and the API's description that the same routes gave: the two cannot differ by a route
/// that utoipa knows. A test compares both with what actix really has.
pub fn application(
    shared: web::Data<App>,
) -> ActixApp<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = actix_web::Error, InitError = ()>,
> {
    let description = openapi();
    let unrouted = web::Data::new(edge::Methods::of(&description));
    // Before the scope of /v1, which would answer for its description.
    let docs = SwaggerUi::new("/docs/{_:.*}").url("/v1/openapi.json", description);
    let (app, _) = ActixApp::new()
        .app_data(shared)
        .app_data(unrouted)
        .app_data(web::PayloadConfig::new(edge::LARGEST_BODY))
        .service(docs)
        .into_utoipa_app()
        .configure(outside)
        .service(scope("/v1").configure(version_1))
        .split_for_parts();
    app.default_service(web::to(edge::unrouted)).wrap(from_fn(edge::dress))
}

/// The API's description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    ActixApp::new()
        .into_utoipa_app()
        .openapi(Description::openapi())
        .configure(outside)
        .service(scope("/v1").configure(version_1))
        .split_for_parts()
        .1
}

/// Serves on a listener until stopped; in-flight requests have ten seconds to end.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(shared: web::Data<App>, listener: TcpListener, workers: usize) -> io::Result<Server> {
    Ok(HttpServer::new(move || application(shared.clone()))
        .workers(workers)
        .client_request_timeout(Duration::from_secs(30))
        .shutdown_timeout(10)
        .listen(listener)?
        .run())
}
