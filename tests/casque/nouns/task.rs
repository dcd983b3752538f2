//! Tasks: what waits for whom.

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

fn waiting(server: &TestServer, who: &str) -> Vec<(String, String)> {
    let tasks = server.as_(who).get("/v1/tasks").json();
    let items = tasks["items"].as_array().unwrap();
    let counted: u64 = tasks["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, items.len() as u64, "{tasks}");
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    items.iter().map(|one| (text(one, "kind"), text(one, "record"))).collect()
}

#[test]
fn an_incident_waits_for_whoever_makes_the_next_step() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let record = format!("incidents/{reference}");
    let task = |kind: &str| vec![(kind.to_owned(), record.clone())];
    for who in ["minusma", "verifier", "mali", "auditor"] {
        assert_eq!(waiting(&server, who), [], "a draft waits for nobody: {who}");
    }
    server.moved("minusma", &reference, "submitted");
    assert_eq!(waiting(&server, "verifier"), task("verify"));
    let returned = json!({"to": "returned", "reason": "unclear"});
    let path = format!("/v1/{record}/transitions");
    assert_eq!(server.as_("verifier").post(&path, &returned).status, 200);
    assert_eq!(waiting(&server, "verifier"), []);
    assert_eq!(waiting(&server, "minusma"), task("correct"));
    assert_eq!(waiting(&server, "unifil"), [], "another mission's");
    server.moved("minusma", &reference, "submitted");
    server.moved("verifier", &reference, "verified");
    assert_eq!(waiting(&server, "verifier"), [], "who verified does not release");
    assert_eq!(waiting(&server, "releaser"), task("release"));
    assert_eq!(waiting(&server, "mali"), [], "a State is told of nothing before the release");
}

#[test]
fn a_proposal_waits_for_an_officer_until_it_is_decided() {
    let server = TestServer::start();
    let about = super::scene(&server);
    for (noun, fixture) in super::fixtures() {
        let Some(propose) = fixture.propose else { continue };
        let path = propose(&server, &about);
        let record = path.trim_start_matches("/v1/").to_owned();
        let decide = ("decide".to_owned(), record.clone());
        assert!(waiting(&server, "verifier").contains(&decide), "{noun:?}");
        assert!(!waiting(&server, "mali").iter().any(|(kind, _)| kind == "decide"), "{noun:?}");
        let accepted = server.as_("verifier").post(&format!("{path}/decision"), &json!({"status": "accepted"}));
        assert_eq!(accepted.status, 200, "{}", accepted.text);
        assert!(!waiting(&server, "verifier").iter().any(|(_, of)| *of == record), "{noun:?}");
    }
}
