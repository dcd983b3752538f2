//! Concern decides which records a State knows of, and which victims in them.

use chrono::{Days, TimeDelta};
use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn a_victim_of_another_state_is_not_listed_for_a_contributor() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}/victims");
    let listed = |who: &str| server.as_(who).get(&path).json()["items"].as_array().unwrap().len();
    assert_eq!((listed("mali"), listed("chad"), listed("guinea"), listed("verifier")), (2, 1, 1, 2));
    let count = |who: &str| {
        let cells = server.as_(who).get("/v1/statistics?unit=victims&by=outcome").json()["cells"].clone();
        cells.as_array().unwrap().iter().map(|cell| cell["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((count("mali"), count("chad"), count("iceland")), (2, 1, 0), "figures say no more than lists");
}

/// Both officers decide the same.
fn withhold(server: &TestServer, reference: &str, states: &[&str]) {
    let reason = if states.is_empty() { "none_needed" } else { "state_agents_alleged" };
    let body = json!({"states": states, "reason": reason});
    for officer in ["verifier", "releaser"] {
        let answer = server.prove(officer, &format!("/v1/incidents/{reference}/withholding"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[test]
fn withheld_before_release_a_state_knows_nothing_of_it() {
    let server = TestServer::start();
    let mut body = ambush();
    body["perpetrator_category"] = json!("host_state_forces");
    let reference = server.report("minusma", &body);
    server.moved("minusma", &reference, "submitted");
    server.moved("verifier", &reference, "verified");
    let release =
        || server.as_("releaser").post(&format!("/v1/incidents/{reference}/transitions"), &json!({"to": "released"}));
    assert_eq!(release().status, 409, "a State is alleged: release waits until withholding is decided");
    let one = json!({"states": ["MLI"], "reason": "state_agents_alleged"});
    let path = format!("/v1/incidents/{reference}/withholding");
    assert_eq!(server.prove("verifier", &path, &one).status, 200);
    assert_eq!(release().status, 409, "one officer does not decide");
    let shown = server.as_("senior").get(&format!("/v1/incidents/{reference}")).json();
    assert_eq!((&shown["withheld_from"], &shown["withholding_proposed"]), (&json!([]), &one), "the other is shown it");
    assert_eq!(server.prove("verifier", &path, &one).status, 200);
    assert_eq!(release().status, 409, "nor the same one twice");
    assert_eq!(server.prove("senior", &path, &one).status, 200);
    assert_eq!(release().status, 200);
    assert_eq!(server.as_("chad").get(&format!("/v1/incidents/{reference}")).status, 200);
    let (there, never) = (
        server.as_("mali").get(&format!("/v1/incidents/{reference}")),
        server.as_("mali").get("/v1/incidents/MINUSMA-2022-0000"),
    );
    assert_eq!((there.status, there.text, there.headers), (404, never.text, never.headers));
    assert_eq!(server.as_("mali").get("/v1/incidents").references().len(), 0);
    withhold(&server, &reference, &[]);
    assert_eq!(server.as_("mali").get(&format!("/v1/incidents/{reference}")).status, 200, "lifted by two officers");
}

#[test]
fn a_decision_of_before_does_not_answer_a_later_allegation() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    withhold(&server, &reference, &[]);
    server.release("minusma", &reference);
    server.pass(chrono::TimeDelta::minutes(1));
    let path = format!("/v1/incidents/{reference}");
    let alleged = json!({"perpetrator_category": "host_state_forces"});
    assert_eq!(server.as_("minusma").patch(&path, &alleged, "*").status, 200);
    server.moved("minusma", &reference, "submitted");
    server.moved("verifier", &reference, "verified");
    let release = || server.as_("releaser").post(&format!("{path}/transitions"), &json!({"to": "released"})).status;
    assert_eq!(release(), 409);
    withhold(&server, &reference, &["MLI"]);
    assert_eq!(release(), 200);
    assert_eq!(server.as_("mali").get(&path).json()["perpetrator_category"], "not_identified");
}

#[test]
fn withheld_after_release_a_state_keeps_what_it_had_and_gets_nothing_newer() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let case = server
        .as_("minusma")
        .post("/v1/cases", &json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [reference]}));
    let case = format!("/v1/cases/{}", case.json()["reference"].as_str().unwrap());
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [&case[10..]]});
    let made = server.as_("minusma").post("/v1/proceedings", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let proceeding = format!("/v1/proceedings/{}", made.json()["reference"].as_str().unwrap());
    server.accepted(&proceeding);
    let before = server.as_("mali").get(&path);
    withhold(&server, &reference, &["MLI"]);
    let withheld = server.as_("mali").get(&path);
    assert_eq!((&withheld.text, &withheld.headers), (&before.text, &before.headers), "it does not announce itself");

    // Everything moves on.
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    server.release("minusma", &reference);
    let step = json!({"kind": "stage_reached", "stage": "investigation", "happened_on": "2022-04-12"});
    assert_eq!(server.as_("minusma").post(&format!("{proceeding}/steps"), &step).status, 201);
    let shown = server.as_("minusma").get(&case);
    let informed = json!({"information_status": "reply_disputed"});
    assert_eq!(server.as_("minusma").patch(&case, &informed, shown.etag()).status, 200);

    // Chad sees it; Mali keeps what it had, byte for byte, and its own later submission.
    assert_eq!(server.as_("chad").get(&path).json()["means"], "ied");
    assert_eq!(server.as_("chad").get(&proceeding).json()["stage_furthest"], "investigation");
    assert_eq!(server.as_("chad").get(&case).json()["information_status"], "reply_disputed");
    let after = server.as_("mali").get(&path);
    assert_eq!((after.status, &after.json()["means"]), (200, &json!("small_arms")));
    assert_eq!((&after.text, &after.headers), (&before.text, &before.headers));
    assert_eq!(server.as_("mali").get(&format!("{path}/history")).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.as_("mali").get(&proceeding).json()["stage_furthest"], "no_information");
    assert_eq!(server.as_("mali").get(&case).json()["information_status"], "not_recorded");
    // Neither a filter nor a cursor tells of what is newer.
    let later = json!({"mission": "MINUSMA", "opened_on": "2022-06-20", "incidents": [reference]});
    assert_eq!(server.as_("minusma").post("/v1/cases", &later).status, 201);
    let listed = |query: &str| server.as_("mali").get(&format!("/v1/cases?{query}"));
    assert_eq!((listed("limit=1").references().len(), &listed("limit=1").json()["next"]), (1, &json!(null)));
    assert_eq!(listed("information_status=reply_disputed").references().len(), 0);
    assert_eq!(listed("information_status=not_recorded").references().len(), 1);
    assert_eq!(server.as_("mali").get("/v1/proceedings?stage=investigation").references().len(), 0);
    let own = json!({"kind": "stage_reached", "stage": "charged", "happened_on": "2022-05-01"});
    assert_eq!(server.as_("mali").post(&format!("{proceeding}/steps"), &own).status, 201);
    assert_eq!(server.as_("mali").get(&format!("{proceeding}/steps")).json()["items"].as_array().unwrap().len(), 1);
    let cells = server.as_("mali").get("/v1/statistics?unit=proceedings&by=stage").json()["cells"].clone();
    assert_eq!(cells, json!([{"by": {"stage": "no_information"}, "count": 1}]), "nor do figures tell");

    // Its disclosures answer "under review", as they do for other causes.
    let ask = json!({"record": &path[4..], "class": "confidential", "purpose": "follow_up"});
    let refused = server.disclose("mali", &ask);
    assert_eq!((refused.status, &refused.json()["detail"]), (403, &json!("under_review")));
}

#[test]
fn what_the_public_file_says_stays_readable_to_a_state_that_is_withheld_from() {
    let server = TestServer::start();
    let file = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update\n\
                1,2016-02-12,MINUSMA-2016-02-00001,MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04\n";
    assert_eq!(server.as_("verifier").post_text("/v1/imports", file).status, 201);
    let reference = server.as_("verifier").get("/v1/incidents").references().remove(0);
    withhold(&server, &reference, &["MLI"]);
    server.moved("releaser", &reference, "released");
    assert_eq!(server.as_("mali").get(&format!("/v1/incidents/{reference}")).json()["killed"], 1);
}

#[test]
fn a_correction_that_ends_a_concern_leaves_a_tombstone() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let victims = server.as_("minusma").get(&format!("{path}/victims")).json();
    let guinean = victims["items"][1]["handle"].as_str().unwrap();
    let edited = server.as_("minusma").patch(&format!("{path}/victims/{guinean}"), &json!({"states": ["ISL"]}), "*");
    assert_eq!(edited.status, 200, "{}", edited.text);
    assert_eq!(server.as_("guinea").get(&path).status, 200, "not before the amendment is released");
    assert_eq!(server.as_("iceland").get(&path).status, 404);
    server.release("minusma", &reference);
    let gone = server.as_("guinea").get(&path);
    assert_eq!((gone.status, &gone.json()["type"]), (410, &json!("urn:casque:problem:withdrawn")));
    assert_eq!(server.as_("guinea").get("/v1/incidents").references().len(), 0);
    assert_eq!(server.as_("iceland").get(&path).status, 200);
}

#[test]
fn a_withdrawn_record_stays_with_mission_and_secretariat_and_is_a_tombstone_to_who_had_seen_it() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let decide = |who: &str, body| server.as_(who).post(&format!("{path}/transitions"), &body);
    let grounds = || json!({"to": "withdrawn", "reason": "duplicate"});
    let status = |who: &str| server.as_(who).get(&path).status;
    assert_eq!(decide("verifier", json!({"to": "withdrawn"})).pointers(), ["/reason"], "it takes a reason");
    assert_eq!((decide("minusma", grounds()).status, decide("verifier", grounds()).status), (403, 200));
    assert_eq!(decide("verifier", grounds()).status, 403, "one officer does not");
    let asked = server.as_("releaser").get(&path).json();
    assert_eq!((&asked["status"], &asked["withdrawal_proposed"]), (&json!("released"), &json!("duplicate")));
    assert_eq!(status("chad"), 200);
    assert!(!server.as_("chad").get(&path).text.contains("duplicate"));
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), "*").status, 409, "no amendment meanwhile");
    // Another lets it stand; then it is asked again.
    assert_eq!(decide("releaser", json!({"to": "released"})).status, 200);
    assert!(server.as_("releaser").get(&path).json().get("withdrawal_proposed").is_none());
    assert_eq!((decide("releaser", grounds()).status, decide("verifier", grounds()).status), (200, 200));
    assert_eq!((status("minusma"), status("verifier"), status("chad"), status("iceland")), (200, 200, 410, 404));
    assert_eq!(server.as_("verifier").get("/v1/statistics").json()["cells"], json!([]));
}

#[test]
fn what_a_state_could_see_on_a_day_is_told_from_editions_and_concern() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let handles: Vec<String> = server.as_("minusma").get(&path).json()["victims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|victim| victim["handle"].as_str().unwrap().to_owned())
        .collect();
    let today = || server.store.now().date();
    let (before, first) = (today() - Days::new(1), today());
    server.release("minusma", &reference);
    server.pass(TimeDelta::days(2));
    // It was not a Chadian, but a Senegalese: one concern ends, another begins.
    let victim = format!("{path}/victims/{}", handles[0]);
    let shown = server.as_("minusma").get(&victim);
    let corrected = server.as_("minusma").patch(&victim, &json!({"states": ["SEN"]}), shown.etag());
    assert_eq!(corrected.status, 200, "{}", corrected.text);
    server.release("minusma", &reference);
    let second = today();
    server.pass(TimeDelta::days(2));
    withhold(&server, &reference, &["MLI"]);
    let kept = today();
    server.pass(TimeDelta::days(2));
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    server.release("minusma", &reference);
    let third = today();
    server.pass(TimeDelta::days(2));
    withhold(&server, &reference, &[]);
    let fourth = today();

    let seen = |state: &str, on: chrono::NaiveDate| {
        let answer = server.as_("verifier").get(&format!("{path}/seen?as={state}&on={on}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        (body["edition"].as_i64(), body["tombstone"] == true, body["victims"].as_array().unwrap().len())
    };
    assert_eq!(seen("TCD", before), (None, false, 0));
    assert_eq!(seen("TCD", first), (Some(1), false, 1));
    assert_eq!(seen("TCD", second), (None, true, 0), "corrected: a tombstone");
    assert_eq!(server.as_("chad").get(&path).status, 410);
    assert_eq!((seen("SEN", first), seen("SEN", second)), ((None, false, 0), (Some(2), false, 1)));
    assert_eq!(seen("GIN", third), (Some(3), false, 1));
    assert_eq!((seen("MLI", first), seen("MLI", second)), ((Some(1), false, 2), (Some(2), false, 2)));
    assert_eq!(
        (seen("MLI", kept), seen("MLI", third)),
        ((Some(2), false, 2), (Some(2), false, 2)),
        "it keeps what it had"
    );
    assert_eq!(seen("MLI", fourth), (Some(3), false, 2), "withheld no longer");
    assert_eq!(seen("ISL", third), (None, false, 0));
    for nobody in ["mali", "chad", "minusma", "auditor"] {
        let refused = server.as_(nobody).get(&format!("{path}/seen?as=MLI&on={first}"));
        assert_eq!(refused.status, 403, "{nobody}");
    }
    let faults = server.as_("verifier").get(&format!("{path}/seen"));
    assert_eq!(faults.pointers(), ["/as", "/on"]);
}
