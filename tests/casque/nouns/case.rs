//! Cases: the United Nations' own files on incidents.

use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn a_case_is_opened_closed_and_reopened_on_days_and_its_history_says_so() {
    let server = TestServer::start();
    let incident = server.report("minusma", &ambush());
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident], "notes": "canary"});
    let case = server.as_("minusma").post("/v1/cases", &body);
    assert_eq!((case.status, &case.json()["information_status"]), (201, &json!("no_request_made")), "{}", case.text);
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
