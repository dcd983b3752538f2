//! Cases: the United Nations' own files on incidents.

use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn a_case_is_opened_closed_and_reopened_on_days_and_its_history_says_so() {
    let server = TestServer::start();
    let incident = server.report("minusma", &ambush());
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident], "notes": "canary"});
    let case = server.as_("minusma").post("/v1/cases", &body);
    assert_eq!((case.status, &case.json()["information_status"]), (201, &json!("not_recorded")), "{}", case.text);
    let path = format!("/v1/cases/{}", case.json()["reference"].as_str().unwrap());
    let patch = |body| server.as_("minusma").patch(&path, &body, server.as_("minusma").get(&path).etag());
    let replied = patch(json!({"information_status": "acknowledged_only", "information_on": "2022-05-02"}));
    assert_eq!(
        (replied.status, &replied.json()["information_status"]),
        (200, &json!("acknowledged_only")),
        "{}",
        replied.text
    );
    let moved = |body| server.as_("verifier").post(&format!("{path}/transitions"), &body);
    let early = moved(json!({"to": "closed", "on": "2021-01-01"}));
    assert!((400..500).contains(&early.status), "before it was opened: {}", early.text);
    let without = moved(json!({"to": "closed", "on": "2023-06-30"}));
    assert_eq!((without.status, without.pointers()), (400, vec!["/reason".to_owned()]), "it says why");
    let closed = moved(json!({"to": "closed", "on": "2023-06-30", "reason": "other", "reason_note": "canary-why"}));
    assert_eq!((closed.status, &closed.json()["status"]), (200, &json!("closed")), "{}", closed.text);
    let reopened = moved(json!({"to": "reopened", "on": "2024-02-01"}));
    assert_eq!((reopened.status, &reopened.json()["status"]), (200, &json!("reopened")), "{}", reopened.text);
    let history = server.as_("minusma").get(&format!("{path}/history")).json();
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(!history.to_string().contains("canary"));
}

#[test]
fn a_case_over_a_record_not_yet_released_is_not_seen_by_a_state() {
    let server = TestServer::start();
    let incident = server.report("minusma", &ambush());
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]});
    let case = server.as_("minusma").post("/v1/cases", &body).json()["reference"].as_str().unwrap().to_owned();
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).status, 404);
    server.release("minusma", &incident);
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).json()["incidents"], json!([incident]));
}

#[test]
fn a_case_is_over_at_least_one_incident() {
    let server = TestServer::start();
    let bare = json!({"mission": "MINUSMA", "opened_on": "2022-03-20"});
    assert_eq!(server.as_("minusma").post("/v1/cases", &bare).pointers(), ["/incidents"]);
    let mut empty = bare;
    empty["incidents"] = json!([]);
    assert_eq!(server.as_("minusma").post("/v1/cases", &empty).pointers(), ["/incidents"]);
    empty["incidents"] = json!([server.report("minusma", &ambush())]);
    let made = server.as_("minusma").post("/v1/cases", &empty);
    let path = format!("/v1/cases/{}", made.json()["reference"].as_str().unwrap());
    let cleared = server.as_("minusma").patch(&path, &json!({"incidents": []}), made.etag());
    assert_eq!(cleared.pointers(), ["/incidents"], "it adds; it does not take out in silence");
}

#[test]
fn two_people_take_an_incident_out_of_a_case_and_what_it_concerned_by_the_case_ends() {
    let server = TestServer::start();
    let (right, wrong) = (server.report("minusma", &ambush()), server.report("minusma", &ambush()));
    for one in [&right, &wrong] {
        server.release("minusma", one);
    }
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [right, wrong]});
    let case = server.as_("minusma").post("/v1/cases", &body).json()["reference"].as_str().unwrap().to_owned();
    let path = format!("/v1/cases/{case}");
    let body = json!({"state": "ISL", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case]});
    let made = server.as_("minusma").post("/v1/proceedings", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    server.accepted(&format!("/v1/proceedings/{}", made.json()["reference"].as_str().unwrap()));
    let seen = |incident: &str| server.as_("iceland").get(&format!("/v1/incidents/{incident}")).status;
    assert_eq!((seen(&right), seen(&wrong)), (200, 200));
    let decide = |who: &str, incident: &str, status: &str| {
        let body = json!({"status": status, "reason": "entered_by_mistake"});
        server.as_(who).post(&format!("{path}/incidents/{incident}/decision"), &body)
    };
    assert_eq!(decide("minusma", &wrong, "withdrawn").json()["incidents_withdrawal_proposed"], json!([wrong]));
    assert_eq!(server.as_("iceland").get(&path).json()["incidents"].as_array().unwrap().len(), 2);
    assert_eq!(decide("minusma", &wrong, "withdrawn").status, 403, "not by who asked");
    assert_eq!(decide("verifier", &wrong, "withdrawn").json()["incidents"], json!([right]));
    assert_eq!((seen(&right), seen(&wrong)), (200, 410), "a tombstone to the State that had seen it by the case alone");
    assert_eq!(server.as_("iceland").get(&path).json()["incidents"], json!([right]));
    // The last one stays: a case is over something.
    assert_eq!(decide("minusma", &right, "withdrawn").status, 200);
    assert_eq!(decide("verifier", &right, "withdrawn").status, 409);
}

#[test]
fn a_state_that_is_withheld_from_does_not_learn_that_an_incident_was_taken_out_of_a_case() {
    let server = TestServer::start();
    let (kept, other) = (server.report("minusma", &ambush()), server.report("minusma", &ambush()));
    for one in [&kept, &other] {
        server.release("minusma", one);
    }
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [kept, other]});
    let case = server.as_("minusma").post("/v1/cases", &body).json()["reference"].as_str().unwrap().to_owned();
    let path = format!("/v1/cases/{case}");
    let withhold = json!({"states": ["MLI"], "reason": "state_agents_alleged"});
    for officer in ["verifier", "releaser"] {
        assert_eq!(server.prove(officer, &format!("/v1/incidents/{kept}/withholding"), &withhold).status, 200);
    }
    let before = server.as_("mali").get(&path).text;
    server.pass(chrono::TimeDelta::minutes(1));
    let ask = json!({"status": "withdrawn", "reason": "entered_by_mistake"});
    for who in ["minusma", "verifier"] {
        assert_eq!(server.as_(who).post(&format!("{path}/incidents/{kept}/decision"), &ask).status, 200);
    }
    assert_eq!(server.as_("mali").get(&path).text, before);
    assert_eq!(server.as_("verifier").get(&path).json()["incidents"], json!([other]));
}
