//! The description is kept in `openapi/`, and says of every route that actix really has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush, rewriting};

fn description() -> Value {
    serde_json::to_value(casque::api::openapi()).unwrap()
}

#[test]
fn the_kept_description_is_the_present_one() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&description()).unwrap());
    if rewriting() {
        std::fs::write(kept, &now).unwrap();
    }
    let before = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(
        before == now,
        "the API changed. If that is meant, run with CASQUE_REWRITE=1 and review openapi/openapi.json"
    );
    assert_eq!(description()["openapi"], "3.1.0");
}

#[test]
fn every_route_that_actix_has_is_described_and_every_described_one_is_there() {
    let server = TestServer::start();
    let routes = server.routes();
    assert!(routes.len() > 50, "{} routes", routes.len());
    let mut described = BTreeSet::new();
    for (path, operations) in description()["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    // The interactive documentation and the description itself are the only routes beside.
    let undescribed: BTreeSet<_> = routes.difference(&described).cloned().collect();
    assert!(
        undescribed.iter().all(|(_, path)| path == "/v1/openapi.json" || path.starts_with("/docs/")),
        "{undescribed:?}"
    );
    let missing: BTreeSet<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_operation_says_what_it_does_and_every_body_has_an_example() {
    let description = description();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{name}");
            assert!(operation["tags"].is_array(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            if path.starts_with("/v1") {
                for status in ["400", "401", "404", "500", "503"] {
                    assert!(responses.contains_key(status), "{name} does not say {status}");
                }
            }
            if let Some(content) = operation["requestBody"]["content"].as_object() {
                for (kind, media) in content {
                    if kind.contains("json") {
                        let schema = media["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                        let schema = &description["components"]["schemas"][schema];
                        let has = schema["example"].is_object()
                            || schema["examples"].is_array()
                            || schema["properties"].as_object().is_some_and(|p| p.len() == 1);
                        assert!(has, "{name}: {schema}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    let described = description();
    let text = described.to_string();
    let known = described["components"]["schemas"].as_object().unwrap();
    let mut seen = 0;
    for found in text.split("\"#/components/schemas/").skip(1) {
        let name = found.split('"').next().unwrap();
        assert!(known.contains_key(name), "{name}: name it in the description's components");
        seen += 1;
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn the_documentation_needs_no_network() {
    let server = TestServer::start();
    let page = server.anonymous().get("/docs/");
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    assert_eq!(server.anonymous().get("/docs/swagger-ui-bundle.js").status, 200);
}

#[test]
fn unknown_parameters_are_refused_on_every_list() {
    let server = TestServer::start();
    for (path, operations) in description()["paths"].as_object().unwrap() {
        if operations.get("get").is_some() && path.starts_with("/v1") && !path.contains('{') {
            let who = if path.starts_with("/v1/audit") { "auditor" } else { "verifier" };
            if path == "/v1/me" {
                continue;
            }
            let answer = server.as_(who).get(&format!("{path}?nonsense=1"));
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        }
    }
}

#[test]
fn what_an_answer_may_be_is_described() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let described = server.anonymous().get("/v1/openapi.json").json();
    let has = |path: &str, method: &str, status: u16| {
        described["paths"][path][method]["responses"][status.to_string()].is_object()
    };
    let incident = format!("/v1/incidents/{reference}");
    assert_eq!(server.as_("chad").get(&incident).status, 200);
    server.withdraw(&reference);
    let asked = server.as_("chad").post(&format!("{incident}/transitions"), &json!({"to": "submitted"}));
    assert_eq!(
        (asked.status, has("/v1/incidents/{reference}/transitions", "post", 410)),
        (410, true),
        "{}",
        asked.text
    );
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up"});
    assert_eq!((server.disclose("chad", &ask).status, has("/v1/disclosures", "post", 410)), (410, true));
    let client = server.as_("verifier");
    for path in ["/v1/me", "/v1/vocabulary", "/v1/states"] {
        let etag = client.get(path).etag().to_owned();
        for known in [etag.clone(), format!("W/{etag}"), format!("\"00\", {etag}"), "*".to_owned()] {
            assert_eq!(
                (client.with("if-none-match", &known).get(path).status, has(path, "get", 304)),
                (304, true),
                "{path}"
            );
        }
        assert_eq!(client.with("if-none-match", "\"00\"").get(path).status, 200);
    }
    for path in ["/v1/cases", "/v1/tables", "/v1/accounts"] {
        let refused = server.as_("administrator").with("accept", "text/html").get(path);
        assert_eq!((refused.status, has(path, "get", 406)), (406, true), "{path}");
    }
    let lower = server.anonymous().with("authorization", &format!("bearer {}", client.token().unwrap()));
    assert_eq!(lower.get("/v1/me").status, 200, "a scheme is named in whatever case");
}
