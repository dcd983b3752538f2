//! "Is this person already known, anywhere?": names compared in memory, and what is told of them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer, ambush};

/// An incident of a mission with one victim of that name: the victim's path.
fn named(server: &TestServer, who: &str, mission: &str, name: &str) -> String {
    let mut body = ambush();
    body["mission"] = json!(mission);
    body["region"] = Value::Null;
    body["victims"] = json!([{"category": "contingent_troop", "states": ["TCD"], "outcome": "injured", "name": name}]);
    for sealed in ["exact_place", "coordinates", "exact_time"] {
        body.as_object_mut().unwrap().remove(sealed);
    }
    let reference = server.report(who, &body);
    let victims = server.as_(who).get(&format!("/v1/incidents/{reference}/victims")).json();
    let handle = victims["items"][0]["handle"].as_str().unwrap().to_owned();
    format!("incidents/{reference}/victims/{handle}")
}

fn ask(server: &TestServer, who: &str, name: &str) -> Answer {
    server.prove(who, "/v1/disclosures/matches", &json!({"person": "victim", "name": name, "purpose": "verification"}))
}

fn found(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 201, "{}", answer.text);
    let items = answer.json()["found"].as_array().unwrap().clone();
    items.iter().map(|one| one["record"].as_str().unwrap().to_owned()).collect()
}

fn queue(server: &TestServer, who: &str) -> Vec<Value> {
    let listed = server.as_(who).get("/v1/likely-duplicates?undecided=true");
    assert_eq!(listed.status, 200, "{}", listed.text);
    let mut items = listed.json()["items"].as_array().unwrap().clone();
    items.retain(|item| item["source"] != "report");
    items
}

#[test]
fn a_person_is_known_again_in_another_script_and_what_is_elsewhere_goes_to_the_secretariat() {
    let server = TestServer::start();
    let here = named(&server, "minusma", "MINUSMA", "Muhammad al-Hassan");
    named(&server, "minusma", "MINUSMA", "Ousmane Traoré");
    let elsewhere = named(&server, "unifil", "UNIFIL", "محمد الحسن");
    let matched = ask(&server, "minusma", "Mohamed AL HASAN");
    assert_eq!(found(&matched), std::slice::from_ref(&here));
    assert!(!matched.text.contains("UNIFIL") && !matched.text.contains("Hassan"), "{}", matched.text);
    assert_eq!(matched.json()["found"][0]["likeness"], "close");
    assert_eq!(ask(&server, "minusma", "al-Hassan, Muhammad").json()["found"][0]["likeness"], "same");
    assert_eq!(found(&ask(&server, "minusma", "Hassan")), Vec::<String>::new(), "one word finds nobody who has two");
    assert_eq!(found(&ask(&server, "minusma", "Nobody Known")), Vec::<String>::new());

    let queued = queue(&server, "verifier");
    assert_eq!(queued.len(), 2, "{queued:?}");
    assert_eq!((&queued[0]["other"], &queued[0]["source"]), (&json!(elsewhere), &json!("match")));
    assert_eq!(queued[0]["record"], Value::Null);
    let everywhere = ask(&server, "verifier", "محمد الحسن");
    let mut both = [here.clone(), elsewhere.clone()];
    both.sort();
    let mut told = found(&everywhere);
    told.sort();
    assert_eq!(told, both, "an officer is told of all");
    assert_eq!(queue(&server, "verifier").len(), 2);

    // Asked about a record: it is left out of what is compared, and named to the Secretariat, once.
    let about = json!({"person": "victim", "name": "Mohamed al Hasan", "record": here, "purpose": "verification"});
    for _ in 0..2 {
        assert_eq!(found(&server.prove("minusma", "/v1/disclosures/matches", &about)), Vec::<String>::new());
    }
    let queued = queue(&server, "senior");
    assert_eq!((queued.len(), &queued[0]["record"]), (3, &json!(here)));
    let nobodys = json!({"person": "victim", "name": "Mohamed", "record": elsewhere, "purpose": "verification"});
    let refused = server.prove("minusma", "/v1/disclosures/matches", &nobodys);
    assert_eq!((refused.status, refused.pointers()), (400, vec!["/record".to_owned()]), "{}", refused.text);

    let path = format!("/v1/likely-duplicates/{}/decision", queued[0]["id"].as_str().unwrap());
    let decide = |who: &str| server.as_(who).post(&path, &json!({"finding": "same_person"})).status;
    assert_eq!(["minusma", "mali", "auditor", "administrator"].map(decide), [403; 4]);
    assert_eq!((decide("briefing"), decide("verifier")), (204, 409));
    for who in ["minusma", "mali", "auditor", "administrator"] {
        assert_eq!(server.as_(who).get("/v1/likely-duplicates").status, 403, "{who}");
    }
    let all = server.as_("verifier").get("/v1/likely-duplicates").json();
    let matched = all["items"].as_array().unwrap().iter().filter(|item| item["source"] == "match").count();
    assert_eq!((&all["items"][0]["finding"], matched), (&json!("same_person"), 3));
}

#[test]
fn a_match_is_on_the_record_holds_to_its_quota_and_is_for_who_the_policy_names() {
    let server = TestServer::start();
    let here = named(&server, "minusma", "MINUSMA", "Ousmane Traoré");
    let reason = |answer: Answer| {
        assert_eq!(answer.status, 403, "{}", answer.text);
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    for (who, why) in [
        ("mali", "not_entitled"),
        ("chad", "not_entitled"),
        ("auditor", "not_entitled"),
        ("administrator", "not_entitled"),
        ("briefing", "not_graded"),
    ] {
        assert_eq!(reason(ask(&server, who, "Ousmane Traoré")), why, "{who}");
    }
    let suspects = json!({"person": "suspect", "name": "canary", "purpose": "verification"});
    assert_eq!(reason(server.prove("minusma", "/v1/disclosures/matches", &suspects)), "not_entitled");
    let without = json!({"person": "victim", "name": "Ousmane", "purpose": "verification", "code": "000000"});
    assert_eq!(server.as_("minusma").post("/v1/disclosures/matches", &without).status, 403, "a fresh code");
    let faulty = json!({"person": "incident", "name": "…", "record": "cases/1", "code": "1"});
    let pointers = server.as_("minusma").post("/v1/disclosures/matches", &faulty).pointers();
    assert_eq!(pointers, ["/name", "/person", "/purpose", "/record"]);

    for _ in 0..20 {
        assert_eq!(found(&ask(&server, "minusma", "Traore Ousmane")), std::slice::from_ref(&here));
    }
    assert_eq!(reason(ask(&server, "minusma", "Traore Ousmane")), "quota");
    server.pass(TimeDelta::hours(24));
    assert_eq!(found(&ask(&server, "minusma", "Traore Ousmane")), std::slice::from_ref(&here));
    let log = server.as_("auditor").get("/v1/disclosures?limit=200").json();
    let made: Vec<_> = log["items"].as_array().unwrap().iter().filter(|one| one["mode"] == "match").collect();
    assert_eq!(made.iter().filter(|one| one["refusal"].is_null()).count(), 21);
    assert!(made.iter().all(|one| one["record"] == "victims" || one["record"] == "suspects"), "{made:?}");
    server.settle_audit();
    let audit = server.as_("auditor").get("/v1/audit?limit=200").text;
    assert!(!audit.contains("Ousmane") && !audit.contains("Traor"), "whom one asked for is not written down open");
}

#[test]
fn suspects_and_accused_are_found_by_officers_by_their_aliases_too() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let look = |person: &str, name: &str| {
        let ask = json!({"person": person, "name": name, "purpose": "prosecution_support"});
        found(&server.prove("senior", "/v1/disclosures/matches", &ask))
    };
    let by_name = look("suspect", "canary suspect name");
    assert!(by_name.len() == 1 && by_name[0].starts_with(&format!("incidents/{reference}/suspects/")), "{by_name:?}");
    assert_eq!(look("suspect", "canary aliases"), by_name);
    assert_eq!(look("accused", "canary suspect name"), Vec::<String>::new());
}

const FILE: &str = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update
1,2021-05-06,9000001,MINUSMA,Fatality,M,Chad,Military,Malicious Act,148,TCD,2024-01-01
2,2021-05-06,9000002,MINUSCA,Fatality,M,Chad,Military,Malicious Act,148,TCD,2024-01-01
3,2021-05-06,9000003,MINUSCA,Fatality,M,Togo,Military,Malicious Act,768,TGO,2024-01-01
4,2021-05-07,9000004,MINUSMA,Fatality,M,Togo,Military,Malicious Act,768,TGO,2024-01-01
";

#[test]
fn an_import_queues_who_may_be_the_same_person_in_another_mission() {
    let server = TestServer::start();
    let imported = server.as_("verifier").post_text("/v1/imports", FILE);
    assert_eq!(imported.status, 201, "{}", imported.text);
    assert_eq!(imported.json()["likely_duplicates"], 1, "{}", imported.text);
    let queued = queue(&server, "verifier");
    assert_eq!((queued.len(), &queued[0]["source"]), (1, &json!("import")));
    let paths = format!("{} {}", queued[0]["record"], queued[0]["other"]);
    assert!(paths.contains("MINUSMA-2021") && paths.contains("MINUSCA-2021"), "{paths}");
    let again = server.as_("verifier").post_text("/v1/imports", FILE);
    assert_eq!((&again.json()["likely_duplicates"], queue(&server, "verifier").len()), (&json!(0), 1));
}
