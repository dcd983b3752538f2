//! The forms in which seals are opened: a second officer's approval, emergencies, sittings, files; and who is told of it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer, ambush};

/// A released incident of MINUSMA, and its path in disclosures.
fn released(server: &TestServer) -> String {
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    format!("incidents/{reference}")
}

fn strictly(record: &str) -> Value {
    json!({"record": record, "class": "strictly_confidential", "purpose": "prosecution_support"})
}

fn reason(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{}", answer.text);
    answer.json()["detail"].as_str().unwrap().to_owned()
}

/// Asks a second officer; gives the approval's id.
fn ask(server: &TestServer, who: &str, body: &Value) -> String {
    let asked = server.as_(who).post("/v1/approvals", body);
    assert_eq!(asked.status, 201, "{}", asked.text);
    asked.json()["id"].as_str().unwrap().to_owned()
}

fn decide(server: &TestServer, who: &str, approval: &str, approve: bool) -> u16 {
    let path = format!("/v1/approvals/{approval}/decision");
    server.prove(who, &path, &json!({"approve": approve})).status
}

fn note(server: &TestServer, who: &str, approval: &str) -> Answer {
    server.prove(who, &format!("/v1/approvals/{approval}/note"), &json!({}))
}

fn on_approval(server: &TestServer, who: &str, record: &str, approval: &str) -> Answer {
    let ask = json!({"record": record, "class": "strictly_confidential", "approval": approval});
    server.disclose(who, &ask)
}

#[test]
fn what_is_strictly_confidential_opens_with_a_second_officers_approval_for_a_day() {
    let server = TestServer::start();
    let record = released(&server);
    assert_eq!(reason(&server.disclose("verifier", &strictly(&record))), "needs_second_officer");
    let mut body = strictly(&record);
    body["fields"] = json!(["name"]);
    body["note"] = json!("canary-note");
    for nobody in ["minusma", "mali", "briefing", "auditor", "administrator"] {
        assert_eq!(server.as_(nobody).post("/v1/approvals", &body).status, 403, "{nobody}");
    }
    let approval = ask(&server, "verifier", &body);
    assert_eq!(on_approval(&server, "verifier", &record, &approval).pointers(), ["/approval"], "not approved yet");
    assert_eq!(decide(&server, "verifier", &approval, true), 403, "another than who asked");
    for nobody in ["minusma", "briefing", "auditor", "mali"] {
        assert_eq!(decide(&server, nobody, &approval, true), 403, "{nobody}");
        assert_eq!(note(&server, nobody, &approval).status, 403, "{nobody}");
    }
    let waiting = server.as_("releaser").get("/v1/approvals?waiting=true");
    assert!(waiting.json()["items"][0]["id"] == *approval && !waiting.text.contains("canary"), "{}", waiting.text);
    assert_eq!((&waiting.json()["items"][0]["has_note"], server.opened()), (&json!(true), 0), "reading opened nothing");
    let path = format!("/v1/approvals/{approval}/decision");
    let bare = server.as_("releaser").post(&path, &json!({"approve": true}));
    assert_eq!(bare.pointers(), ["/code"], "a token alone agrees to nothing");
    assert_eq!(server.as_("releaser").post(&path, &json!({"approve": true, "code": "000000"})).status, 403);
    assert_eq!(decide(&server, "releaser", &approval, true), 409, "the note was not read");
    assert_eq!(note(&server, "verifier", &approval).status, 403, "who wrote it agrees to nothing");
    assert_eq!(note(&server, "releaser", &approval).json()["note"], "canary-note");
    assert_eq!(decide(&server, "senior", &approval, true), 409, "another read it");
    assert_eq!(decide(&server, "releaser", &approval, true), 200);
    assert_eq!(decide(&server, "senior", &approval, false), 409, "once");

    let opened = on_approval(&server, "verifier", &record, &approval);
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert!(opened.text.contains("canary-name") && opened.text.contains("canary-suspect-name"));
    assert!(!opened.text.contains("canary-sources"), "what was asked, and no more");
    assert_eq!(opened.json()["purpose"], "prosecution_support");
    assert_eq!(on_approval(&server, "senior", &record, &approval).pointers(), ["/approval"], "another's");
    let other = released(&server);
    assert_eq!(on_approval(&server, "verifier", &other, &approval).pointers(), ["/approval"], "another record");
    server.pass(TimeDelta::hours(24));
    assert_eq!(on_approval(&server, "verifier", &record, &approval).pointers(), ["/approval"], "its day is over");

    let declined = ask(&server, "verifier", &strictly(&record));
    assert_eq!(decide(&server, "senior", &declined, false), 200);
    assert_eq!(on_approval(&server, "verifier", &record, &declined).pointers(), ["/approval"]);
    let late = ask(&server, "verifier", &strictly(&record));
    server.pass(TimeDelta::hours(72));
    assert_eq!(decide(&server, "senior", &late, true), 409, "it lapsed");
}

#[test]
fn an_approval_ends_when_its_officer_may_give_none_any_more() {
    let server = TestServer::start();
    let record = released(&server);
    let approval = ask(&server, "verifier", &strictly(&record));
    assert_eq!(decide(&server, "releaser", &approval, true), 200);
    assert_eq!(on_approval(&server, "verifier", &record, &approval).status, 201);
    let accounts = server.as_("administrator").get("/v1/accounts?role=secretariat&limit=200").json();
    let releaser = accounts["items"].as_array().unwrap().iter().find(|one| one["email"] == "releaser@casque.example");
    let path = format!("/v1/accounts/{}/changes", releaser.unwrap()["id"].as_str().unwrap());
    let ungraded = server.as_("administrator").post(&path, &json!({"role": "secretariat"}));
    assert_eq!(ungraded.status, 200, "{}", ungraded.text);
    let refused = on_approval(&server, "verifier", &record, &approval);
    assert_eq!(refused.pointers(), ["/approval"], "{}", refused.text);
}

#[test]
fn an_emergency_opens_at_once_is_flagged_and_must_be_reviewed_by_another() {
    let server = TestServer::start();
    let record = released(&server);
    let emergency = |who: &str| {
        let mut ask = strictly(&record);
        ask["emergency"] = json!(true);
        ask["note"] = json!("canary-note");
        server.disclose(who, &ask)
    };
    let mut silent = strictly(&record);
    silent["emergency"] = json!(true);
    assert_eq!(server.disclose("verifier", &silent).pointers(), ["/note"], "it says why, in words");
    let opened = emergency("verifier");
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert!(opened.text.contains("canary-name") && opened.json()["review_due_at"].is_string());
    assert_eq!(emergency("briefing").json()["detail"], "not_graded");
    assert!(!emergency("mali").text.contains("canary-name"), "an emergency gives nobody what only approval would");
    assert_eq!(reason(&emergency("mali")), "not_entitled");

    let id = opened.json()["id"].as_str().unwrap().to_owned();
    let due = server.as_("releaser").get("/v1/disclosures?review_due=true").json();
    assert_eq!((due["items"].as_array().unwrap().len(), &due["items"][0]["id"]), (1, &json!(id)));
    let review =
        |who: &str| server.prove(who, &format!("/v1/disclosures/{id}/review"), &json!({"finding": "justified"})).status;
    assert_eq!((review("verifier"), review("briefing"), review("mali"), review("auditor")), (403, 403, 403, 403));
    assert_eq!(reason(&emergency("verifier")), "review_pending", "one at a time");
    assert_eq!(review("releaser"), 409, "the note was not read");
    for reviewer in ["releaser", "senior"] {
        let read = server.prove(reviewer, &format!("/v1/disclosures/{id}/note"), &json!({}));
        assert_eq!(read.json()["note"], "canary-note");
    }
    server.pass(TimeDelta::hours(72));
    assert_eq!(reason(&emergency("verifier")), "review_pending");
    assert_eq!((review("releaser"), review("senior")), (204, 409));
    assert_eq!(emergency("verifier").status, 201);
    let log = server.as_("auditor").get("/v1/disclosures").json();
    let first = log["items"].as_array().unwrap().iter().find(|one| one["id"] == *id).unwrap().clone();
    assert_eq!((&first["finding"], first["reviewed_at"].is_string()), (&json!("justified"), true));
}

#[test]
fn within_a_sitting_each_opening_is_a_disclosure_without_a_dialogue() {
    let server = TestServer::start();
    let (one, two) = (released(&server), released(&server));
    let begun = server.prove("verifier", "/v1/sittings", &json!({"purpose": "verification", "note": "canary-note"}));
    assert_eq!(begun.status, 201, "{}", begun.text);
    let sitting = begun.json()["id"].as_str().unwrap().to_owned();
    let client = server.as_("verifier");
    let open = |record: &str, class: &str| {
        client.post("/v1/disclosures", &json!({"record": record, "class": class, "sitting": sitting}))
    };
    for record in [&one, &two] {
        let opened = open(record, "confidential");
        assert_eq!(opened.status, 201, "{}", opened.text);
        assert!(opened.text.contains("canary-narrative"));
    }
    assert_eq!(open(&one, "strictly_confidential").pointers(), ["/class"]);
    let twice =
        json!({"record": one, "class": "confidential", "sitting": sitting, "purpose": "verification", "code": "1"});
    assert_eq!(client.post("/v1/disclosures", &twice).pointers(), ["/code", "/purpose"], "the sitting has them");
    let log = server.as_("auditor").get("/v1/disclosures").json();
    let forms: Vec<_> = log["items"].as_array().unwrap().iter().map(|one| (&one["mode"], &one["purpose"])).collect();
    assert_eq!(forms, [(&json!("sitting"), &json!("verification")); 2]);

    let borrowed = json!({"record": one, "class": "confidential", "sitting": sitting});
    assert_eq!(server.as_("releaser").post("/v1/disclosures", &borrowed).pointers(), ["/sitting"], "another's");
    let elsewhere = server.with_token(server.sign_in("verifier").json()["access_token"].as_str().unwrap());
    assert_eq!(elsewhere.post("/v1/disclosures", &borrowed).pointers(), ["/sitting"], "another session's");
    assert_eq!(client.get("/v1/sittings").json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(elsewhere.get("/v1/sittings").json()["items"].as_array().unwrap().len(), 0);
    assert_eq!(elsewhere.delete(&format!("/v1/sittings/{sitting}")).status, 204, "one's own, from anywhere");
    assert_eq!(open(&one, "confidential").pointers(), ["/sitting"], "it is over");
    for (who, why) in [("auditor", "not_entitled"), ("administrator", "not_entitled"), ("briefing", "not_graded")] {
        assert_eq!(reason(&server.prove(who, "/v1/sittings", &json!({"purpose": "verification"}))), why);
    }
    let theirs = server.prove("iceland", "/v1/sittings", &json!({"purpose": "follow_up"})).json();
    let nothing = json!({"record": one, "class": "confidential", "sitting": theirs["id"]});
    assert_eq!(server.as_("iceland").post("/v1/disclosures", &nothing).status, 404, "a sitting adds no right");
}

#[test]
fn a_selection_is_opened_as_one_file_that_says_on_every_row_who_opened_it() {
    let server = TestServer::start();
    let (one, two) = (released(&server), released(&server));
    let ask = |records: Value, format: &str| json!({"records": records, "class": "confidential", "format": format, "purpose": "follow_up"});
    let file = |who: &str, records: Value| server.prove(who, "/v1/disclosures/files", &ask(records, "csv"));
    let answer = file("minusma", json!([one, two, one]));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let mut lines = answer.text.lines();
    let head = lines.next().unwrap();
    assert!(head.starts_with("record,exact_place,") && head.ends_with("opened_by,opened_at,purpose,file"), "{head}");
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), 8, "of each incident itself, two victims and a suspect");
    assert!(rows.iter().all(|row| row.contains("minusma.focal-point@casque.example") && row.contains("follow_up")));
    assert!(answer.text.contains("canary-narrative") && !answer.text.contains("canary-name"));
    let log = server.as_("auditor").get("/v1/audit?action=disclosure.grant").json();
    let subjects: Vec<_> = log["items"].as_array().unwrap().iter().map(|one| &one["subject"]).collect();
    assert_eq!(subjects.len(), 2, "each record is in the log: {subjects:?}");

    // A State's file holds its own nationals; what is not there is refused whole.
    let chad = file("chad", json!([one]));
    assert_eq!(chad.text.lines().count(), 2, "{}", chad.text);
    assert!(chad.text.contains("canary-rank") && !chad.text.contains("canary-guinea-rank"));
    let opened = server.opened();
    let absent = file("chad", json!([one, "incidents/MINUSMA-2022-0000"]));
    assert_eq!((absent.pointers(), server.opened()), (vec!["/records/1".to_owned()], opened));
    assert_eq!(file("chad", json!([])).pointers(), ["/records"]);
    assert_eq!(reason(&file("briefing", json!([one]))), "not_graded");

    let sheet = {
        let client = server.as_("verifier");
        let mut body = ask(json!([two]), "xlsx");
        body["code"] = json!(server.code("verifier"));
        client.post_bytes("/v1/disclosures/files", &body)
    };
    assert_eq!(&sheet[..2], b"PK");
    for _ in 0..8 {
        assert_eq!(file("chad", json!([one])).status, 200);
    }
    assert_eq!(file("chad", json!([one])).status, 200);
    assert_eq!(reason(&file("chad", json!([one]))), "quota", "ten a day");
}

#[test]
fn a_state_is_told_who_opened_its_own_nationals_data_and_nothing_else() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let record = format!("incidents/{reference}");
    assert_eq!(server.disclose("minusma", &strictly(&record)).status, 201, "before any State knows of it");
    server.release("minusma", &reference);
    let log = |who: &str| server.as_(who).get("/v1/disclosures").json()["items"].as_array().unwrap().clone();
    assert!(log("chad").is_empty(), "nothing of what was before the release");
    assert_eq!(server.disclose("minusma", &strictly(&record)).status, 201);
    let seen = log("chad");
    assert_eq!((seen.len(), &seen[0]["by"]), (1, &json!("MINUSMA")), "which office, and no name");
    assert_eq!(log("auditor")[0]["by"], "Custodian, MINUSMA", "people to missions and auditors");
    let ranks = json!({"record": record, "class": "confidential", "purpose": "follow_up", "fields": ["rank"]});
    assert_eq!(server.disclose("verifier", &ranks).status, 201);
    assert_eq!(
        (&log("chad")[0]["by"], &log("minusma")[0]["by"]),
        (&json!("Secretariat"), &json!("Secretariat, verification"))
    );
    assert_eq!(server.disclose("chad", &ranks).status, 201);
    assert_eq!(log("chad")[0]["by"], server.as_("chad").get("/v1/me").json()["name"], "its own people by name");
    let opened = seen[0]["opened"].as_array().unwrap();
    assert_eq!(opened.len(), 1, "its own victim, and not Guinea's: {opened:?}");
    assert!(log("mali").is_empty() && log("iceland").is_empty(), "a host State has no nationals here");
    let confidential = json!({"record": record, "class": "confidential", "purpose": "follow_up"});
    assert_eq!(server.disclose("guinea", &confidential).status, 201);
    assert_eq!(log("chad").len(), 3, "what Guinea opened of its own is Guinea's");
    assert_eq!(log("guinea").len(), 3);

    // What is kept from a State is kept here too, and what it was told stays told.
    let withhold = json!({"states": ["TCD"], "reason": "state_agents_alleged"});
    let path = format!("/v1/incidents/{reference}/withholding");
    for officer in ["verifier", "releaser"] {
        let decided = server.prove(officer, &path, &withhold);
        assert_eq!(decided.status, 200, "{}", decided.text);
    }
    assert_eq!(server.disclose("minusma", &strictly(&record)).status, 201);
    assert_eq!((log("chad").len(), log("guinea").len()), (3, 4));
}

#[test]
fn unusual_volumes_raise_an_alert_once() {
    let server = TestServer::start();
    let records: Vec<String> = (0..16).map(|_| released(&server)).collect();
    let sitting = server.prove("verifier", "/v1/sittings", &json!({"purpose": "verification"})).json();
    let client = server.as_("verifier");
    for record in &records {
        let ask = json!({"record": record, "class": "confidential", "sitting": sitting["id"]});
        assert_eq!(client.post("/v1/disclosures", &ask).status, 201);
    }
    let alerts = server.as_("auditor").get("/v1/alerts").json();
    let items = alerts["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "64 records within the hour, of 60 that are usual: {items:?}");
    assert_eq!((&items[0]["kind"], &items[0]["by"]), (&json!("many_in_an_hour"), &json!("Secretariat, verification")));
    assert_eq!(server.as_("senior").get("/v1/alerts").status, 200);
    for nobody in ["verifier", "minusma", "mali", "administrator"] {
        assert_eq!(server.as_(nobody).get("/v1/alerts").status, 403, "{nobody}");
    }
}
