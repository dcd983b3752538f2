//! Missions, States, vocabulary, policy and designations.

use serde_json::Value;

use crate::harness::TestServer;

fn codes(list: &Value) -> Vec<&str> {
    list["codes"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect()
}

#[test]
fn every_list_that_a_form_reads_is_in_the_vocabulary_with_labels() {
    let server = TestServer::start();
    let vocabulary = server.as_("iceland").get("/v1/vocabulary").json();
    let lists = vocabulary["lists"].as_array().unwrap();
    let description = serde_json::to_value(casque::api::openapi()).unwrap();
    // Each closed list of the description is one of the vocabulary's.
    let mut compared = 0;
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        let Some(values) = schema["enum"].as_array() else { continue };
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        assert!(lists.iter().any(|list| codes(list) == values), "{name}: {values:?}");
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
    for list in lists {
        for code in list["codes"].as_array().unwrap() {
            assert!(!code["label"].as_str().unwrap().is_empty(), "{code}");
        }
    }
}

#[test]
fn missions_have_host_states_and_states_have_m49_and_names() {
    let server = TestServer::start();
    let mission = server.as_("iceland").get("/v1/missions/MINUSMA").json();
    assert_eq!((&mission["host_states"][0], &mission["ended_on"]), (&Value::from("MLI"), &Value::from("2023-12-31")));
    assert_eq!(server.as_("iceland").get("/v1/missions/NOWHERE").status, 404);
    let states = server.as_("iceland").get("/v1/states").json();
    let ivory_coast = states["items"].as_array().unwrap().iter().find(|state| state["code"] == "CIV").unwrap().clone();
    assert_eq!(ivory_coast["m49"], "384");
    assert!(
        ivory_coast.to_string().contains("Côte d'Ivoire") || ivory_coast.to_string().contains("Côte d’Ivoire"),
        "{ivory_coast}"
    );
}

#[test]
fn the_policy_is_told_as_it_is_applied() {
    let server = TestServer::start();
    let told = server.as_("iceland").get("/v1/policy").json();
    let told = told["disclosure"].as_array().unwrap().iter().map(|rule| {
        let text = |name: &str| rule[name].as_str().unwrap().to_owned();
        (text("role"), text("relation"), text("class"), text("condition"), rule["fields"].clone())
    });
    let applied = casque::policy::RULES.iter().map(|rule| {
        let fields = casque::domain::SealedField::all()
            .filter(|field| field.class == rule.class && rule.about.contains(&field.about));
        let fields: Vec<String> = fields.map(|field| format!("{}.{}", field.noun.name(), field.name)).collect();
        let role = casque::domain::Code::code(rule.role).to_owned();
        (
            role,
            rule.relation.name().to_owned(),
            rule.class.name().to_owned(),
            rule.condition.name().to_owned(),
            serde_json::json!(fields),
        )
    });
    assert!(told.eq(applied), "each rule, with its fields");
}

#[test]
fn designations_tell_who_is_whose_focal_point() {
    let server = TestServer::start();
    let told = server.as_("verifier").get("/v1/designations?mission=MINUSMA").json();
    assert_eq!(told["items"][0]["kind"], "custodian", "{told}");
}
