//! Assistance: capacity-building that was offered, taken up or not.

use serde_json::json;

use crate::harness::TestServer;

use super::{About, Fixture};

pub const FIXTURE: Fixture = Fixture {
    by: "minusma",
    new: |about: &About| {
        let mut offer = offer();
        offer["cases"] = json!([about.case]);
        offer
    },
    edit: || json!({"provider": "MINUSMA"}),
    propose: None,
    alone: ["what the UN gives", "the same"],
    reads: &[],
    more: &[],
};

fn offer() -> serde_json::Value {
    json!({
        "state": "MLI", "mission": "MINUSMA", "kind": "forensics", "provider": "Made-up provider", "offered_on": "2022-06-01",
        "narrative": "canary-narrative", "contact_persons": "canary-contact",
    })
}

#[test]
fn an_offer_is_a_record_whether_accepted_or_declined() {
    let server = TestServer::start();
    let made = server.as_("minusma").post("/v1/assistance", &offer());
    assert_eq!((made.status, &made.json()["status"]), (201, &json!("offered")), "{}", made.text);
    let path = format!("/v1/assistance/{}", made.json()["reference"].as_str().unwrap());
    let declined = server.as_("minusma").patch(&path, &json!({"status": "declined"}), made.etag());
    assert_eq!((declined.status, &declined.json()["status"]), (200, &json!("declined")), "{}", declined.text);
    assert_eq!(server.as_("mali").get(&path).json()["status"], "declined");
    assert!(!server.as_("mali").get(&path).text.contains("canary"));
    assert_eq!(server.as_("mali").patch(&path, &json!({"status": "accepted"}), "*").status, 403);
    for who in ["chad", "iceland", "unifil", "auditor"] {
        assert_eq!(server.as_(who).get(&path).status, 404, "{who}");
    }
}

#[test]
fn wrong_offers_are_refused_by_pointer() {
    let server = TestServer::start();
    for (change, pointer) in [
        (json!({"state": "XXX"}), "/state"),
        (json!({"mission": "NOWHERE"}), "/mission"),
        (json!({"women": -1}), "/women"),
        (json!({"cost_usd": "many"}), "/cost_usd"),
        (json!({"cases": ["C-MINUSMA-2022-0000"]}), "/cases"),
        (json!({"narrative": {"withheld": "confidential", "held": true}}), "/narrative"),
    ] {
        let mut body = offer();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = server.as_("minusma").post("/v1/assistance", &body);
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{}", answer.text);
    }
    let mut others = offer();
    others["mission"] = json!("UNIFIL");
    assert_eq!(server.as_("minusma").post("/v1/assistance", &others).status, 403, "another mission's");
    assert_eq!(server.as_("verifier").get("/v1/assistance").references().len(), 0);
}
