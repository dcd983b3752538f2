//! The API's description (OpenAPI 3.1): what the routes say of themselves, and what is the same for many.

use actix_web::App as ActixApp;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Described, RefOr};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

use super::input::describe;
use super::limits::PUBLIC;
use super::{outside, version_1};
use crate::domain::Ruling;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Casque",
        version = "1",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Crimes against United Nations peacekeepers, the progress of States in bringing perpetrators to \
                       justice, and the assistance that the United Nations gives them (Security Council resolution 2589 \
                       (2021)). Sensitive values are sealed: a GET never opens a seal. POST /v1/disclosures opens one, for \
                       an entitled person, for a stated purpose, on the record."
    ),
    // Code lists that bodies alone name: others come with the views.
    components(schemas(Ruling)),
    modifiers(&Security),
    security(("bearer" = []))
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, api: &mut Described) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        api.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The header of a POST that is to be done once.
const KEY: &str = "Idempotency-Key";

/// The API's description (OpenAPI 3.1).
pub fn openapi() -> Described {
    whole(routes_described())
}

/// What the routes say of themselves, with what is the same for many.
pub(super) fn whole(described: Described) -> Described {
    let mut described = with_keys(described);
    with_files(&mut described);
    with_words(&mut described);
    if let Some(components) = &mut described.components {
        flat(&mut components.schemas);
        in_the_views_words(&mut components.schemas);
    }
    described
}

/// Says of every list that has files in which formats.
fn with_files(described: &mut Described) {
    for item in described.paths.paths.values_mut() {
        let Some(get) = item.get.as_mut().filter(|get| get.responses.responses.contains_key("406")) else { continue };
        if let Some(RefOr::T(list)) = get.responses.responses.get_mut("200") {
            let text = ObjectBuilder::new().schema_type(Type::String).build();
            list.content.insert("text/csv".into(), Content::new(Some(text)).into());
            let bytes = ObjectBuilder::new().schema_type(SchemaType::AnyValue).build();
            list.content.insert(XLSX.into(), Content::new(Some(bytes)).into());
        }
    }
}

/// Says of every answer what it is, where nobody said it better: generators of clients refuse one without words.
fn with_words(described: &mut Described) {
    for item in described.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete].into_iter().flatten();
        for (status, answer) in operations.flat_map(|operation| &mut operation.responses.responses) {
            if let RefOr::T(answer) = answer
                && answer.description.is_empty()
            {
                answer.description = match status.as_str() {
                    "200" => "What was asked for, as it is now.",
                    "201" => "What was made.",
                    "204" => "Done.",
                    "503" => "Not ready.",
                    _ => "A problem (RFC 9457).",
                }
                .into();
            }
        }
    }
}

/// Office Open XML's spreadsheets.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

type Schemas = std::collections::BTreeMap<String, RefOr<Schema>>;

/// Makes one object of what the code has in parts (`#[serde(flatten)]`): generators of clients read that best.
fn flat(schemas: &mut Schemas) {
    let all = schemas.clone();
    let mut parts = Vec::new();
    for schema in schemas.values_mut() {
        let RefOr::T(Schema::AllOf(of)) = &*schema else { continue };
        let mut whole = Object::default();
        whole.description.clone_from(&of.description);
        whole.schema_type = Type::Object.into();
        for part in &of.items {
            let object = match part {
                RefOr::Ref(name) => {
                    let name = name.ref_location.rsplit('/').next().unwrap_or_default();
                    parts.push(name.to_owned());
                    all.get(name)
                }
                part => Some(part),
            };
            if let Some(RefOr::T(Schema::Object(object))) = object {
                whole.properties.extend(object.properties.clone());
                whole.required.extend(object.required.clone());
            }
        }
        *schema = RefOr::T(Schema::Object(whole));
    }
    for name in parts {
        schemas.remove(&name);
    }
}

/// Gives the members of an input the words that the view of the same noun has for them: each is said once, where it is defined.
fn in_the_views_words(schemas: &mut Schemas) {
    let views = schemas.clone();
    for (name, schema) in schemas.iter_mut() {
        let Some(noun) = name.strip_suffix("Input").or_else(|| name.strip_suffix("Edit")) else { continue };
        let Some(RefOr::T(Schema::Object(view))) = views.get(&format!("{noun}View")) else { continue };
        let RefOr::T(Schema::Object(input)) = schema else { continue };
        for (member, of) in &mut input.properties {
            let words = match view.properties.get(member) {
                Some(RefOr::T(Schema::Object(shown))) => shown.description.clone(),
                Some(RefOr::T(Schema::Array(shown))) => shown.description.clone(),
                Some(RefOr::Ref(shown)) if !shown.description.is_empty() => Some(shown.description.clone()),
                _ => None,
            };
            if let Some(words) = words {
                describe::after_words(of, &words);
            }
        }
    }
}

/// Says of every POST that wants a token what its `Idempotency-Key` is.
fn with_keys(mut described: Described) -> Described {
    let key = ParameterBuilder::new()
        .name(KEY)
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A value of your own, of 16 to 200 characters and new for each request: what was done under it is not done twice. It is bound to \
             account and path, compared by the body as parsed, and kept 90 days. A refused request does not use it up.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(16)).max_length(Some(200))))
        .build();
    for (path, item) in &mut described.paths.paths {
        if let Some(post) = item.post.as_mut().filter(|_| path.starts_with("/v1/") && !PUBLIC.contains(&path.as_str()))
        {
            let parameters = post.parameters.get_or_insert_default();
            parameters.retain(|one| !is_key(one));
            parameters.push(RefOr::T(key.clone()));
        }
    }
    described
}

/// Whether a parameter is the header of a POST that is to be done once.
pub(super) fn is_key(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == KEY)
}

/// What the routes say of themselves.
pub(super) fn routes_described() -> Described {
    ActixApp::new()
        .into_utoipa_app()
        .openapi(Description::openapi())
        .configure(|config: &mut ServiceConfig<'_>| outside(config))
        .service(scope("/v1").configure(|config: &mut ServiceConfig<'_>| version_1(config)))
        .split_for_parts()
        .1
}
