//! Measures: what a State did in its own justice system to promote accountability.

use serde_json::{Value, json};

use crate::harness::TestServer;

use super::{About, Fixture, recorded};

pub const FIXTURE: Fixture = Fixture {
    by: "minusma",
    new: |_: &About| unit(),
    edit: || json!({"instrument": "Made-up unit"}),
    propose: Some(|server, _| recorded(server, "mali", "/v1/measures", &unit())),
    alone: ["", "a measure that is proposed, or was accepted"],
    reads: &[],
    more: &[],
};

fn unit() -> Value {
    json!({
        "state": "MLI", "kind": "special_unit", "instrument": "Made-up judicial unit", "taken_on": "2019-01-01",
        "taken_on_precision": "year", "narrative": "canary-narrative", "contact_persons": "canary-contact",
    })
}

#[test]
fn a_state_proposes_its_own_measure_and_it_counts_once_it_is_accepted() {
    let server = TestServer::start();
    let counted = || {
        let of = server.store.read(&casque::policy::Scope::Everything, |r| casque::briefing::figures(r, 2019, r.now()));
        of.unwrap().measures.len()
    };
    let proposed = server.as_("mali").post("/v1/measures", &unit());
    assert_eq!((proposed.status, &proposed.json()["status"]), (201, &json!("proposed")), "{}", proposed.text);
    assert_eq!(counted(), 0);
    let path = format!("/v1/measures/{}", proposed.json()["reference"].as_str().unwrap());
    let corrected = server.as_("mali").patch(&path, &json!({"taken_on_precision": "month"}), proposed.etag());
    assert_eq!(
        (corrected.status, &corrected.json()["taken_on_precision"]),
        (200, &json!("month")),
        "{}",
        corrected.text
    );
    let decision = format!("{path}/decision");
    assert_eq!(server.as_("mali").post(&decision, &json!({"status": "accepted"})).status, 403);
    assert_eq!(server.as_("verifier").post(&decision, &json!({"status": "accepted"})).status, 200);
    assert_eq!(counted(), 1);
    assert_eq!(server.as_("verifier").post(&decision, &json!({"status": "accepted"})).status, 409, "decided once");
    assert_eq!(server.as_("mali").patch(&path, &json!({"kind": "other"}), "*").status, 403, "decided");
    let history = server.as_("verifier").get(&format!("{path}/history")).json();
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["proposed", "edited", "accepted"]);
}

#[test]
fn a_returned_measure_tells_its_state_why() {
    let server = TestServer::start();
    let proposed = server.as_("mali").post("/v1/measures", &unit());
    let path = format!("/v1/measures/{}", proposed.json()["reference"].as_str().unwrap());
    let returned = json!({"status": "returned", "reason": "unclear"});
    assert_eq!(server.as_("verifier").post(&format!("{path}/decision"), &returned).status, 200);
    let told = server.as_("mali").get(&path).json();
    assert_eq!((&told["status"], &told["reason"]), (&json!("returned"), &json!("unclear")));
}

#[test]
fn a_measure_is_seen_by_its_state_its_missions_and_the_secretariat() {
    let server = TestServer::start();
    let made = server.as_("minusma").post("/v1/measures", &unit());
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/v1/measures/{}", made.json()["reference"].as_str().unwrap());
    server.accepted(&path);
    for (who, seen) in
        [("mali", true), ("minusma", true), ("verifier", true), ("chad", false), ("unifil", false), ("auditor", false)]
    {
        let shown = server.as_(who).get(&path);
        assert_eq!(shown.status, if seen { 200 } else { 404 }, "{who}");
        assert!(!shown.text.contains("canary"), "{who}");
        assert_eq!(server.as_(who).get("/v1/measures").references().len(), usize::from(seen), "{who}");
    }
    let ask = json!({"record": path.trim_start_matches("/v1/"), "class": "confidential", "purpose": "follow_up"});
    assert_eq!(server.disclose("mali", &ask).status, 403);
    assert!(server.disclose("verifier", &ask).text.contains("canary-narrative"));
}

#[test]
fn nobody_records_for_another_state_or_writes_rubbish() {
    let server = TestServer::start();
    let mut others = unit();
    others["state"] = json!("TCD");
    assert_eq!(server.as_("mali").post("/v1/measures", &others).status, 403);
    assert_eq!(server.as_("minusma").post("/v1/measures", &others).status, 403, "no host State of its mission");
    let wrong =
        json!({"state": "XXX", "kind": "law", "instrument": "", "taken_on": "2999-01-01", "source_url": "x", "y": 1});
    let answer = server.as_("verifier").post("/v1/measures", &wrong);
    assert_eq!(
        answer.pointers(),
        ["/instrument", "/kind", "/source_url", "/state", "/taken_on", "/y"],
        "{}",
        answer.text
    );
    assert_eq!(server.as_("verifier").get("/v1/measures").references().len(), 0);
}

#[test]
fn a_measure_of_anybody_counts_once_another_officer_accepts_it() {
    let server = TestServer::start();
    for who in ["minusma", "verifier"] {
        let made = server.as_(who).post("/v1/measures", &unit());
        assert_eq!((made.status, &made.json()["status"]), (201, &json!("proposed")), "{}", made.text);
        let path = format!("/v1/measures/{}", made.json()["reference"].as_str().unwrap());
        assert_eq!(server.as_(who).post(&format!("{path}/decision"), &json!({"status": "accepted"})).status, 403);
        assert_eq!(server.as_("mali").get(&path).status, 404, "nobody else has accepted it");
        server.accepted(&path);
        assert_eq!(server.as_("mali").get(&path).json()["status"], "accepted");
    }
}

#[test]
fn two_people_withdraw_an_accepted_measure_and_earlier_figures_keep_it() {
    let server = TestServer::start();
    let counted = |cut_off| {
        let all = casque::policy::Scope::Everything;
        server.store.read(&all, |r| casque::briefing::figures(r, 2019, cut_off)).unwrap().measures.len()
    };
    let made = server.as_("mali").post("/v1/measures", &unit());
    let path = format!("/v1/measures/{}", made.json()["reference"].as_str().unwrap());
    server.accepted(&path);
    let before = server.store.now();
    server.pass(chrono::TimeDelta::minutes(1));
    let decide = |who: &str, status: &str| {
        let fields = json!([{"pointer": "/taken_on", "reason": "wrong_value"}]);
        let body = json!({"status": status, "reason": "entered_by_mistake", "reason_fields": fields, "reason_note": "canary-why"});
        server.as_(who).post(&format!("{path}/decision"), &body)
    };
    assert_eq!(decide("minusma", "withdrawn").status, 403, "a mission answers for no State");
    assert_eq!(decide("mali", "withdrawn").json()["status"], "accepted", "the State asks");
    assert_eq!(server.as_("verifier").get(&path).json()["withdrawal_proposed"], "entered_by_mistake");
    assert_eq!(decide("verifier", "accepted").json()["status"], "accepted", "it stands after all");
    assert_eq!(decide("releaser", "withdrawn").json()["status"], "accepted");
    assert_eq!(decide("releaser", "withdrawn").status, 403, "not by who asked");
    let told = server.as_("mali").get(&path).json();
    let hidden = (told.get("withdrawal_proposed"), &told["reason"], told.get("reason_fields"));
    assert_eq!(hidden, (None, &json!(null), None), "a State is not told that an officer asks");
    assert_eq!(decide("verifier", "withdrawn").json()["status"], "withdrawn");
    let told = server.as_("mali").get(&path).json();
    assert_eq!((&told["status"], &told["reason"]), (&json!("withdrawn"), &json!("entered_by_mistake")));
    assert_eq!((counted(before), counted(server.store.now())), (1, 0));
    assert_eq!(decide("verifier", "withdrawn").status, 403, "it is over");
}
