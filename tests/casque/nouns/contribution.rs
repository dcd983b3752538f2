//! Contributions: what States gave of their own will, pledged and received.

use serde_json::{Value, json};

use super::{About, Fixture, recorded};
use crate::harness::TestServer;

pub const FIXTURE: Fixture = Fixture {
    by: "verifier",
    new: |_: &About| pledge(),
    edit: || json!({"received_on": "2022-09-01", "received_usd": 100_000}),
    propose: None,
    alone: [
        "what a State gave: it concerns no person, and nobody is told more by it",
        "the same, or that it was received",
    ],
    reads: &[],
    more: &[],
};

/// What Mali pledged for MINUSMA: of a State and a mission that the tests of all nouns ask as.
fn pledge() -> Value {
    json!({
        "state": "MLI", "purpose": "witness_protection", "pledged_on": "2022-06-01", "pledged_usd": 250_000, "mission": "MINUSMA",
        "narrative": "canary-narrative", "contact_persons": "canary-contact",
    })
}

#[test]
fn what_was_pledged_is_recorded_and_what_was_received_is_added() {
    let server = TestServer::start();
    let path = recorded(&server, "verifier", "/v1/contributions", &pledge());
    let shown = server.as_("verifier").get(&path);
    assert_eq!((&shown.json()["pledged_usd"], &shown.json()["received_usd"]), (&json!(250_000), &Value::Null));
    let change = json!({"received_on": "2022-09-01", "received_usd": 250_000});
    let received = server.as_("verifier").patch(&path, &change, shown.etag());
    assert_eq!((received.status, &received.json()["received_usd"]), (200, &json!(250_000)), "{}", received.text);
    let history = server.as_("minusma").get(&format!("{path}/history")).json();
    let kinds: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["created", "edited"]);
    assert_eq!(history["items"][1]["changes"]["received_usd"], json!({"from": null, "to": 250_000}));
    let undone = server.as_("verifier").patch(&path, &json!({"received_on": null, "received_usd": null}), "*");
    assert_eq!((undone.status, &undone.json()["received_on"]), (200, &Value::Null), "{}", undone.text);
}

#[test]
fn a_contribution_is_seen_by_the_secretariat_its_state_and_the_mission_that_it_is_earmarked_for() {
    let server = TestServer::start();
    let path = recorded(&server, "verifier", "/v1/contributions", &pledge());
    let seen_by = |expected: &[&str]| {
        for who in
            ["verifier", "senior", "briefing", "mali", "reader", "minusma", "unifil", "chad", "iceland", "auditor"]
        {
            let seen = expected.contains(&who);
            assert_eq!(server.as_(who).get(&path).status, if seen { 200 } else { 404 }, "{who}");
            assert_eq!(server.as_(who).get("/v1/contributions").references().len(), usize::from(seen), "{who}");
        }
    };
    seen_by(&["verifier", "senior", "briefing", "mali", "reader", "minusma"]);
    let moved = server.as_("verifier").patch(&path, &json!({"mission": "UNIFIL"}), "*");
    assert_eq!((moved.status, &moved.json()["mission"]), (200, &json!("UNIFIL")), "{}", moved.text);
    seen_by(&["verifier", "senior", "briefing", "mali", "reader", "unifil"]);
    assert_eq!(server.as_("verifier").patch(&path, &json!({"mission": null}), "*").status, 200);
    seen_by(&["verifier", "senior", "briefing", "mali", "reader"]);
}

#[test]
fn the_secretariat_alone_records_and_corrects() {
    let server = TestServer::start();
    for who in ["minusma", "mali", "manager", "auditor", "administrator"] {
        assert_eq!(server.as_(who).post("/v1/contributions", &pledge()).status, 403, "{who}");
    }
    let path = recorded(&server, "senior", "/v1/contributions", &pledge());
    for who in ["minusma", "mali"] {
        assert_eq!(server.as_(who).patch(&path, &json!({"pledged_usd": 1}), "*").status, 403, "{who}");
    }
    assert_eq!(server.as_("unifil").patch(&path, &json!({"pledged_usd": 1}), "*").status, 404, "it sees nothing of it");
    assert_eq!(server.as_("mali").post(&format!("{path}/decision"), &json!({"status": "accepted"})).status, 404);
    assert_eq!(server.as_("verifier").get(&path).json()["pledged_usd"], 250_000);
}

#[test]
fn its_words_are_opened_by_the_secretariat_and_the_mission_and_stay_sealed_to_the_state() {
    let server = TestServer::start();
    let path = recorded(&server, "verifier", "/v1/contributions", &pledge());
    let ask = json!({"record": path.trim_start_matches("/v1/"), "class": "confidential", "purpose": "follow_up"});
    for (who, opens) in [("verifier", true), ("minusma", true), ("mali", false)] {
        let opened = server.disclose(who, &ask).text;
        assert_eq!(opened.contains("canary-narrative") && opened.contains("canary-contact"), opens, "{who}: {opened}");
        assert!(opens || !opened.contains("canary"), "{who}: {opened}");
        assert!(!server.as_(who).get(&path).text.contains("canary"), "{who}");
    }
}

#[test]
fn a_list_is_narrowed_by_state_purpose_mission_and_day_of_pledge() {
    let server = TestServer::start();
    let other = json!({"state": "ISL", "purpose": "trust_fund", "pledged_on": "2023-02-01", "pledged_usd": 5_000});
    for body in [pledge(), other] {
        recorded(&server, "verifier", "/v1/contributions", &body);
    }
    let found = |query: &str| {
        let list = server.as_("verifier").get(&format!("/v1/contributions?{query}")).json();
        let states = list["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    assert_eq!(found(""), ["ISL", "MLI"], "newest first");
    assert_eq!(found("state=ISL"), ["ISL"]);
    assert_eq!(found("purpose=witness_protection"), ["MLI"]);
    assert_eq!(found("mission=MINUSMA"), ["MLI"]);
    assert_eq!(found("mission=UNIFIL"), [""; 0]);
    assert_eq!(found("from=2022-06-02"), ["ISL"]);
    assert_eq!(found("to=2022-06-01"), ["MLI"]);
    assert_eq!(found("as=MLI"), ["MLI"], "what Mali is shown");
}

#[test]
fn what_contradicts_itself_is_refused_by_pointer() {
    let server = TestServer::start();
    for (change, pointers) in [
        (json!({"received_usd": 250_001}), &["/received_usd"][..]),
        (json!({"received_on": "2022-05-31"}), &["/received_on"]),
        (json!({"received_on": "2022-05-31", "received_usd": 250_001}), &["/received_on", "/received_usd"]),
        (json!({"pledged_usd": 0}), &["/pledged_usd"]),
        (json!({"pledged_usd": 1.5}), &["/pledged_usd"]),
        (json!({"pledged_on": "2999-01-01", "state": "XXX"}), &["/pledged_on", "/state"]),
        (json!({"purpose": "friendship", "mission": "NOWHERE"}), &["/mission", "/purpose"]),
        (json!({"status": "accepted"}), &["/status"]),
    ] {
        let mut body = pledge();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = server.as_("verifier").post("/v1/contributions", &body);
        assert_eq!(
            (answer.status, answer.pointers()),
            (400, pointers.iter().map(|p| (*p).to_owned()).collect()),
            "{change}"
        );
    }
    let mut body = pledge();
    body["received_usd"] = json!(200_000);
    let path = recorded(&server, "verifier", "/v1/contributions", &body);
    let less = server.as_("verifier").patch(&path, &json!({"pledged_usd": 100_000}), "*");
    assert_eq!(less.pointers(), ["/received_usd"], "less was pledged than was received: {}", less.text);
    assert_eq!(server.as_("verifier").patch(&path, &json!({"state": "ISL"}), "*").pointers(), ["/state"], "it stays");
}
