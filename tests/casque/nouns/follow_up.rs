//! Follow-ups: what the United Nations did on a case towards a State, and what the State answered.

use chrono::{Days, TimeDelta};
use serde_json::{Value, json};

use super::{About, Fixture, recorded, scene};
use crate::harness::TestServer;

pub const FIXTURE: Fixture = Fixture {
    by: "minusma",
    new: note,
    edit: || json!({"due_on": "2022-12-31"}),
    propose: Some(answered),
    alone: ["what the UN did", "the same, or an answer that came on paper"],
    reads: &["/statistics"],
    more: &[("/reply", full, "the State's own answer, which an officer decides on")],
};

fn note(about: &About) -> Value {
    json!({
        "case": about.case, "state": "MLI", "kind": "note_verbale", "sent_on": "2022-06-01", "due_on": "2022-09-01",
        "text": "canary-follow-up", "conditions": "canary-conditions", "assurances": "canary-assurances",
        "reply": "canary-reply",
    })
}

fn full() -> Value {
    json!({"reply_status": "full", "replied_on": "2022-07-01", "reply": "canary-own-reply"})
}

/// A follow-up to which the host State has answered; nobody decided on it yet.
fn answered(server: &TestServer, about: &About) -> String {
    let path = recorded(server, "minusma", "/v1/follow-ups", &note(about));
    let answer = server.as_("mali").post(&format!("{path}/reply"), &full());
    assert_eq!(answer.status, 200, "{}", answer.text);
    path
}

#[test]
fn a_states_answer_counts_once_an_officer_accepts_it() {
    let server = TestServer::start();
    let about = scene(&server);
    let path = answered(&server, &about);
    let shown = server.as_("verifier").get(&path).json();
    assert_eq!((&shown["status"], &shown["reply_status"]), (&json!("proposed"), &json!("awaited")));
    assert_eq!((&shown["offered_reply"], &shown["offered_on"]), (&json!("full"), &json!("2022-07-01")));
    let rate = || server.as_("verifier").get("/v1/follow-ups/statistics").json()["items"][0].clone();
    assert_eq!((&rate()["n"], &rate()["answered"], &rate()["median_days"]), (&json!(1), &json!(0), &Value::Null));
    assert_eq!(server.as_("mali").post(&format!("{path}/reply"), &full()).status, 409, "one waits");
    let accepted = json!({"status": "accepted"});
    for who in ["mali", "minusma"] {
        assert_eq!(server.as_(who).post(&format!("{path}/decision"), &accepted).status, 403, "{who}");
    }
    let done = server.as_("verifier").post(&format!("{path}/decision"), &accepted);
    assert_eq!((done.status, &done.json()["reply_status"]), (200, &json!("full")), "{}", done.text);
    let rate = rate();
    assert_eq!(
        (&rate["state"], &rate["year"], &rate["response_rate"], &rate["median_days"]),
        (&json!("MLI"), &json!(2022), &json!(1.0), &json!(30.0))
    );
    assert_eq!(server.as_("verifier").post(&format!("{path}/decision"), &accepted).status, 409, "decided");
    let kinds: Vec<Value> = server.as_("minusma").get(&format!("{path}/history")).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert_eq!(kinds, ["created", "answered", "accepted"]);
}

#[test]
fn a_returned_answer_says_why_and_the_state_answers_again() {
    let server = TestServer::start();
    let path = answered(&server, &scene(&server));
    let unclear = json!({"status": "returned", "reason": "unclear", "reason_note": "canary-why"});
    assert_eq!(server.as_("verifier").post(&format!("{path}/decision"), &unclear).status, 200);
    let shown = server.as_("mali").get(&path).json();
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("returned"), &json!("unclear")));
    let ask = json!({"record": path.trim_start_matches("/v1/"), "class": "confidential", "purpose": "follow_up"});
    let opened = server.disclose("mali", &ask).text;
    assert!(opened.contains("canary-own-reply") && opened.contains("canary-why"), "its own words, and why: {opened}");
    assert!(!opened.contains("canary-follow-up"), "what the UN wrote down stays sealed to it");
    assert_eq!(server.as_("mali").post(&format!("{path}/reply"), &full()).status, 200);
    let withdrawn = server.as_("mali").post(&format!("{path}/decision"), &json!({"status": "withdrawn"}));
    assert_eq!((withdrawn.status, &withdrawn.json()["status"]), (200, &json!("withdrawn")), "{}", withdrawn.text);
}

#[test]
fn a_follow_up_is_seen_by_its_mission_the_secretariat_and_the_state_that_it_was_sent_to() {
    let server = TestServer::start();
    let path = recorded(&server, "minusma", "/v1/follow-ups", &note(&scene(&server)));
    for (who, seen) in [
        ("mali", true),
        ("minusma", true),
        ("verifier", true),
        ("chad", false),
        ("guinea", false),
        ("unifil", false),
        ("auditor", false),
    ] {
        let shown = server.as_(who).get(&path);
        assert_eq!(shown.status, if seen { 200 } else { 404 }, "{who}");
        assert_eq!(server.as_(who).get("/v1/follow-ups").references().len(), usize::from(seen), "{who}");
        let counted = server.as_(who).get("/v1/follow-ups/statistics").json();
        assert_eq!(counted["items"].as_array().unwrap().len(), usize::from(seen), "{who}");
    }
    assert_eq!(server.as_("chad").post(&format!("{path}/reply"), &full()).status, 404);
    assert_eq!(server.as_("reader").post(&format!("{path}/reply"), &full()).status, 403, "it reads");
    assert_eq!(server.as_("verifier").post(&format!("{path}/reply"), &full()).status, 403, "the State's to say");
}

#[test]
fn what_was_sent_on_a_case_that_is_withheld_stands_still_for_the_state() {
    let server = TestServer::start();
    let about = scene(&server);
    let path = recorded(&server, "minusma", "/v1/follow-ups", &note(&about));
    let case = server.as_("verifier").get(&format!("/v1/cases/{}", about.case)).json();
    let incident = case["incidents"][0].as_str().unwrap().to_owned();
    server.pass(TimeDelta::minutes(1));
    let asked = || [path.clone(), "/v1/follow-ups".into(), "/v1/follow-ups/statistics".into(), "/v1/tasks".into()];
    let before = asked().map(|path| server.as_("mali").get(&path)).map(|answer| (answer.status, answer.text));
    let decision = json!({"states": ["MLI"], "reason": "state_agents_alleged"});
    for officer in ["verifier", "releaser"] {
        assert_eq!(server.prove(officer, &format!("/v1/incidents/{incident}/withholding"), &decision).status, 200);
    }
    server.pass(TimeDelta::minutes(1));
    let change = json!({"due_on": "2022-12-31", "text": "canary-second"});
    assert_eq!(server.as_("minusma").patch(&path, &change, "*").status, 200);
    recorded(&server, "minusma", "/v1/follow-ups", &note(&about));
    let after = asked().map(|path| server.as_("mali").get(&path)).map(|answer| (answer.status, answer.text));
    assert_eq!(after, before);
}

#[test]
fn what_is_overdue_waits_for_the_mission_and_what_is_not_answered_for_the_state() {
    let server = TestServer::start();
    let about = scene(&server);
    let today = server.store.now().date();
    let mut due = note(&about);
    due["sent_on"] = json!(today - Days::new(30));
    due["due_on"] = json!(today);
    let path = recorded(&server, "minusma", "/v1/follow-ups", &due);
    let record = path.trim_start_matches("/v1/");
    let waits = |who: &str| {
        let tasks = server.as_(who).get("/v1/tasks").json();
        let of = tasks["items"].as_array().unwrap().iter().find(|one| one["record"] == record).cloned();
        of.map(|one| (one["kind"].as_str().unwrap().to_owned(), one["due_on"].clone()))
    };
    assert_eq!(waits("minusma"), None, "it is due today");
    assert_eq!(waits("mali"), Some(("answer".into(), json!(today))));
    assert_eq!(waits("reader"), None, "it answers nothing");
    server.pass(TimeDelta::days(1));
    for who in ["minusma", "verifier"] {
        assert_eq!(waits(who), Some(("remind".into(), json!(today))), "{who}");
    }
    assert_eq!(server.as_("mali").post(&format!("{path}/reply"), &full()).status, 400, "before it was sent");
    let answer = json!({"reply_status": "full", "replied_on": today});
    assert_eq!(server.as_("mali").post(&format!("{path}/reply"), &answer).status, 200);
    assert_eq!(waits("verifier"), Some(("decide".into(), json!(today))));
    assert_eq!((waits("minusma"), waits("mali")), (None, None));
}

#[test]
fn what_contradicts_itself_is_refused_by_pointer() {
    let server = TestServer::start();
    let about = scene(&server);
    let with = |change: Value| {
        let mut body = note(&about);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        server.as_("minusma").post("/v1/follow-ups", &body).pointers()
    };
    assert_eq!(with(json!({"due_on": "2022-05-31"})), ["/due_on"]);
    assert_eq!(with(json!({"replied_on": "2022-07-01"})), ["/replied_on"], "nothing was answered");
    assert_eq!(with(json!({"reply_status": "full"})), ["/replied_on"]);
    assert_eq!(with(json!({"case": "C-MINUSMA-2022-0000", "state": "MLI"})), ["/case"]);
    assert_eq!(
        with(json!({"state": "XXX", "kind": "letter", "sent_on": "2999-01-01"})),
        ["/kind", "/sent_on", "/state"]
    );
    let path = recorded(&server, "minusma", "/v1/follow-ups", &note(&about));
    let no_answer = json!({"reply_status": "awaited", "replied_on": "2022-07-01", "text": "x"});
    assert_eq!(server.as_("mali").post(&format!("{path}/reply"), &no_answer).pointers(), ["/reply_status", "/text"]);
    assert_eq!(server.as_("unifil").post("/v1/follow-ups", &note(&about)).pointers(), ["/case"], "no case of its own");
}
