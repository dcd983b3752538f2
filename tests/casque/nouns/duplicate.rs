//! Records that may be the same: pointed out to who enters one, and decided by the Secretariat.

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

fn one(outcome: &str, id: Option<&str>) -> Value {
    let mut body = ambush();
    let mut victim = json!({"category": "military_observer", "states": ["TCD"], "outcome": outcome});
    if let Some(id) = id {
        victim["noticas_id"] = json!(id);
    }
    body["victims"] = json!([victim]);
    body
}

fn pointed_out(server: &TestServer, who: &str, reference: &str) -> Vec<String> {
    let shown = server.as_(who).get(&format!("/v1/incidents/{reference}")).json();
    let all = shown["likely_duplicates"].as_array().unwrap_or_else(|| panic!("{who}: {shown}"));
    all.iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

fn queue(server: &TestServer) -> Vec<Value> {
    let listed = server.as_("verifier").get("/v1/likely-duplicates?undecided=true").json();
    listed["items"].as_array().unwrap().clone()
}

#[test]
fn the_same_report_twice_is_taken_and_pointed_out_to_who_enters_it() {
    let server = TestServer::start();
    let first = server.report("minusma", &one("killed", None));
    assert!(pointed_out(&server, "minusma", &first).is_empty());
    let made = server.as_("minusma").post("/v1/incidents", &one("killed", None));
    assert_eq!(made.status, 201, "it never blocks: {}", made.text);
    let second = made.json()["reference"].as_str().unwrap().to_owned();
    let told = made.json()["likely_duplicates"].clone();
    assert!(told[0].as_str().unwrap().starts_with(&format!("incidents/{first}/victims/")), "{told}");
    assert!(
        pointed_out(&server, "verifier", &first)[0].starts_with(&format!("incidents/{second}/victims/")),
        "from either side"
    );
    let waiting = queue(&server);
    assert_eq!((waiting.len(), &waiting[0]["source"]), (1, &json!("report")));
    let (kin, told) = (json!({"kin_notified_on": "2022-03-06", "state_notified_on": "2022-03-06"}), "*");
    let victims = server.as_("minusma").get(&format!("/v1/incidents/{first}/victims")).json();
    let path = format!("/v1/incidents/{first}/victims/{}", victims["items"][0]["handle"].as_str().unwrap());
    assert_eq!(server.as_("minusma").patch(&path, &kin, told).status, 200);
    server.release("minusma", &first);
    let state = server.as_("chad").get(&format!("/v1/incidents/{first}")).json();
    assert_eq!(state.get("likely_duplicates"), None, "States are told of what was released alone");
    // Another outcome is another person; so is another day.
    let other = server.report("minusma", &one("injured", None));
    assert!(pointed_out(&server, "minusma", &other).is_empty());
}

#[test]
fn what_was_found_to_be_no_duplicate_is_not_raised_again() {
    let server = TestServer::start();
    let first = server.report("minusma", &one("killed", None));
    let second = server.report("minusma", &one("killed", None));
    let id = queue(&server)[0]["id"].as_str().unwrap().to_owned();
    let decided = server
        .as_("verifier")
        .post(&format!("/v1/likely-duplicates/{id}/decision"), &json!({"finding": "different_persons"}));
    assert_eq!(decided.status, 204, "{}", decided.text);
    assert!(pointed_out(&server, "minusma", &second).is_empty());
    let path = format!("/v1/incidents/{first}");
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    assert!(queue(&server).is_empty(), "the pair was decided, whichever is edited");
}

#[test]
fn one_external_id_on_two_records_is_pointed_out_and_twice_in_a_report_refused() {
    let server = TestServer::start();
    let first = server.report("minusma", &one("killed", Some("NOTICAS-1")));
    let mut elsewhere = one("injured", Some("NOTICAS-1"));
    elsewhere["mission"] = json!("UNIFIL");
    elsewhere["region"] = json!("LB-JA");
    elsewhere["occurred_on"] = json!("2022-06-01");
    let second = server.report("unifil", &elsewhere);
    assert!(pointed_out(&server, "unifil", &second).is_empty(), "the other is out of the focal point's scope");
    assert_eq!(pointed_out(&server, "verifier", &second).len(), 1);
    assert_eq!(pointed_out(&server, "verifier", &first).len(), 1);
    let mut twice = one("killed", Some("NOTICAS-2"));
    let victim = twice["victims"][0].clone();
    twice["victims"].as_array_mut().unwrap().push(victim);
    assert_eq!(server.as_("minusma").post("/v1/incidents", &twice).pointers(), ["/victims/1/noticas_id"]);
    let mut same = one("unharmed", None);
    same["sage_id"] = json!("SAGE-1");
    let (one, two) = (server.report("minusma", &same), server.report("minusma", &same));
    assert!(pointed_out(&server, "minusma", &two).contains(&format!("incidents/{one}")));
}

#[test]
fn an_imported_row_beside_a_report_is_pointed_out() {
    let server = TestServer::start();
    let mut body = one("killed", None);
    body["occurred_on"] = json!("2016-02-12");
    body["victims"][0]["category"] = json!("military");
    body["victims"][0]["states"] = json!(["GIN"]);
    let reported = server.report("minusma", &body);
    let file = "incident_date,casualty_id,mission_acronym,gender,casualty_nationality,casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update\n\
        2016-02-12,MADE-UP-1,MINUSMA,M,Guinea,Military,Malicious Act,324.0,GIN,2020-01-01\n";
    let report = server.as_("verifier").post_text("/v1/imports", file).json();
    assert_eq!(report["likely_duplicates"], 1, "{report}");
    assert_eq!(pointed_out(&server, "minusma", &reported).len(), 1);
}

#[test]
fn a_merge_loses_no_suspect_and_no_fact_unseen() {
    let server = TestServer::start();
    let mut body = one("killed", None);
    body["suspects"] = json!([{"category": "individual", "status": "at_large", "name": "canary-first"}]);
    let kept = server.report("minusma", &body);
    body["suspects"][0]["name"] = json!("canary-second");
    body["others_killed"] = json!(2);
    body["sage_id"] = json!("SAGE-7");
    let merged = server.report("minusma", &body);
    let path = format!("/v1/incidents/{merged}/merge");
    let odd = server.as_("verifier").post(&path, &json!({"into": kept}));
    assert_eq!(odd.status, 409, "{}", odd.text);
    let faults = odd.json()["errors"].as_array().unwrap().clone();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/others_killed", "/sage_id"], "{}", odd.text);
    assert!(faults.iter().all(|fault| fault["code"] == "differs"), "{}", odd.text);
    let confirm: Vec<Value> =
        faults.iter().map(|fault| json!({"pointer": fault["pointer"], "code": fault["code"]})).collect();
    let done = server.as_("verifier").post(&path, &json!({"into": kept, "confirm": confirm}));
    assert_eq!(done.status, 200, "{}", done.text);
    let shown = server.as_("minusma").get(&format!("/v1/incidents/{kept}")).json();
    assert_eq!((shown["suspects"].as_array().unwrap().len(), shown["victims"].as_array().unwrap().len()), (2, 2));
    assert!(shown["suspects"][1]["name"]["withheld"].is_string());
    let ask = json!({"record": format!("incidents/{kept}"), "class": "strictly_confidential", "purpose": "verification", "emergency": true,
        "note": "Made-up note"});
    let opened = server.disclose("verifier", &ask).text;
    assert!(
        opened.contains("canary-first") && opened.contains("canary-second"),
        "their seals came with them: {opened}"
    );
}
