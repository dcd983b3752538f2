//! A State from which a record is withheld learns nothing of what happens to it: what it is answered stands still at the moment of the
//! decision, whatever is recorded afterwards.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer, ambush};

/// The States from which the record is withheld: its host, which also holds a proceeding, and a contributor, which holds another.
const KEPT_OUT: [&str; 2] = ["mali", "chad"];

/// What was recorded before the decision.
struct Recorded {
    withheld: String,
    other: String,
    third: String,
    case: String,
    second_case: String,
    proceeding: String,
    of_chad: String,
    assistance: String,
}

fn made(server: &TestServer, who: &str, path: &str, body: &Value) -> String {
    let answer = server.as_(who).post(path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    let body = answer.json();
    ["reference", "handle"].iter().find_map(|name| body[*name].as_str()).unwrap_or_default().to_owned()
}

fn edited(server: &TestServer, who: &str, path: &str, body: &Value) {
    let answer = server.as_(who).patch(path, body, "*");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
}

fn recorded(server: &TestServer) -> Recorded {
    let withheld = server.report("minusma", &ambush());
    server.release("minusma", &withheld);
    let other = server.report("minusma", &ambush());
    server.release("minusma", &other);
    let third = server.report("minusma", &ambush());
    server.release("minusma", &third);
    let case = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [withheld, other]});
    let case = made(server, "minusma", "/v1/cases", &case);
    let second_case = json!({"mission": "MINUSMA", "opened_on": "2022-03-21", "incidents": [other]});
    let second_case = made(server, "minusma", "/v1/cases", &second_case);
    let proceeding = |state: &str, incident: &str| {
        let body = json!({"state": state, "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case],
            "court_file_number": "MADE-UP 1"});
        let reference = made(server, "minusma", "/v1/proceedings", &body);
        let path = format!("/v1/proceedings/{reference}");
        made(server, "minusma", &format!("{path}/accused"), &json!({"incidents": [incident], "name": "MADE-UP ONE"}));
        server.accepted(&path);
        let step = json!({"kind": "stage_reached", "stage": "investigation", "happened_on": "2022-04-12"});
        made(server, "minusma", &format!("{path}/steps"), &step);
        reference
    };
    let (proceeding, of_chad) = (proceeding("MLI", &withheld), proceeding("TCD", &withheld));
    let assistance = json!({"state": "MLI", "mission": "MINUSMA", "kind": "forensics", "provider": "MINUSMA",
        "offered_on": "2022-06-01", "cases": [case]});
    let assistance = made(server, "minusma", "/v1/assistance", &assistance);
    let emergency = json!({"record": format!("incidents/{withheld}"), "class": "strictly_confidential",
        "purpose": "follow_up", "emergency": true, "note": "MADE-UP"});
    let opened = server.disclose("verifier", &emergency);
    assert_eq!(opened.status, 201, "{}", opened.text);
    let confidential =
        json!({"record": format!("incidents/{withheld}"), "class": "confidential", "purpose": "follow_up"});
    assert_eq!(server.disclose("releaser", &confidential).status, 201);
    Recorded { withheld, other, third, case, second_case, proceeding, of_chad, assistance }
}

/// Everything that a State is answered about what was recorded.
fn answers(server: &TestServer, of: &Recorded) -> BTreeMap<(String, String), Answer> {
    let mut questions: Vec<String> = [
        "/v1/incidents",
        "/v1/incidents?limit=1",
        "/v1/incidents?means=ied",
        "/v1/incidents?status=withdrawn",
        "/v1/incidents?format=csv",
        "/v1/cases",
        "/v1/cases?limit=1",
        "/v1/cases?status=closed",
        "/v1/cases?information_status=reply_disputed",
        "/v1/cases?format=csv",
        "/v1/proceedings",
        "/v1/proceedings?limit=1",
        "/v1/proceedings?stage=charged",
        "/v1/proceedings?format=csv",
        "/v1/assistance",
        "/v1/assistance?format=csv",
        "/v1/measures",
        "/v1/disclosures",
        "/v1/disclosures?format=csv",
        "/v1/designations",
        "/v1/tables",
        "/v1/tasks",
        "/v1/me",
        "/v1/statistics",
        "/v1/statistics?by=act,means,host_state",
        "/v1/statistics?unit=victims&by=mission,outcome,personnel_category",
        "/v1/statistics?unit=cases&by=stage,information_status",
        "/v1/statistics?unit=proceedings&by=forum,stage",
        "/v1/statistics?unit=proceedings&by=year,host_state",
        "/v1/statistics?unit=accused&by=stage,outcome",
        "/v1/statistics?unit=accused&by=in_absentia",
    ]
    .map(str::to_owned)
    .to_vec();
    for incident in [&of.withheld, &of.other, &of.third] {
        for tail in ["", "/history", "/victims", "/suspects"] {
            questions.push(format!("/v1/incidents/{incident}{tail}"));
        }
        let victims = server.as_("minusma").get(&format!("/v1/incidents/{incident}/victims?edition=released")).json();
        for victim in victims["items"].as_array().into_iter().flatten() {
            questions.push(format!("/v1/incidents/{incident}/victims/{}", victim["handle"].as_str().unwrap()));
        }
    }
    for case in [&of.case, &of.second_case] {
        questions.extend([
            format!("/v1/cases/{case}"),
            format!("/v1/cases/{case}/history"),
            format!("/v1/proceedings?case={case}"),
        ]);
    }
    for proceeding in [&of.proceeding, &of.of_chad] {
        for tail in ["", "/history", "/accused", "/steps"] {
            questions.push(format!("/v1/proceedings/{proceeding}{tail}"));
        }
        let accused = server.accused(proceeding);
        questions.extend(accused.iter().map(|handle| format!("/v1/proceedings/{proceeding}/accused/{handle}")));
    }
    questions.push(format!("/v1/assistance/{}", of.assistance));
    let mut answers = BTreeMap::new();
    for who in KEPT_OUT {
        for question in &questions {
            let mut answer = server.as_(who).get(question);
            if question.starts_with("/v1/statistics") {
                // Figures say when they were counted, to a fraction of a second that drops its last zeros.
                answer.text = answer.json()["cells"].to_string();
                answer.headers.retain(|(name, _)| name != "etag" && name != "content-length");
            }
            answers.insert((who.to_owned(), question.clone()), answer);
        }
    }
    answers
}

/// Answers that differ, in words.
fn differing(before: &BTreeMap<(String, String), Answer>, after: &BTreeMap<(String, String), Answer>) -> Vec<String> {
    let mut differing = Vec::new();
    for (asked, answer) in after {
        match before.get(asked) {
            Some(known)
                if (known.status, &known.headers, &known.text) == (answer.status, &answer.headers, &answer.text) => {}
            Some(known) => {
                let at = known.text.bytes().zip(answer.text.bytes()).take_while(|(one, other)| one == other).count();
                let near = |text: &str| text.chars().skip(at.saturating_sub(60)).take(200).collect::<String>();
                differing.push(format!(
                    "{asked:?} {} {:?}: {}\n    became {} {:?}: {}",
                    known.status,
                    known.header("etag"),
                    near(&known.text),
                    answer.status,
                    answer.header("etag"),
                    near(&answer.text)
                ));
            }
            // A victim or accused that was added since: not there for who asks.
            None if answer.status == 404 => {}
            None => differing.push(format!("{asked:?} is new: {}", answer.text)),
        }
    }
    differing
}

/// What a State is answered when it asks to open, without ids and times: the same whatever happened since.
fn openings(server: &TestServer, of: &Recorded) -> Vec<String> {
    let ids = Regex::new("[0-9a-f]{32}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\\+00:00)?").unwrap();
    let mut answers = Vec::new();
    for (who, own) in [("mali", &of.proceeding), ("chad", &of.of_chad)] {
        let records =
            [format!("incidents/{}", of.withheld), format!("proceedings/{own}"), format!("cases/{}", of.case)];
        for record in records {
            for class in ["confidential", "strictly_confidential"] {
                let ask = json!({"record": record, "class": class, "purpose": "follow_up"});
                let answer = server.disclose(who, &ask);
                answers.push(format!(
                    "{who} {record} {class} {} {}",
                    answer.status,
                    ids.replace_all(&answer.text, "ID")
                ));
            }
        }
        let file = json!({"records": [format!("incidents/{}", of.withheld)], "class": "confidential", "purpose": "follow_up",
            "format": "csv"});
        let answer = server.prove(who, "/v1/disclosures/files", &file);
        answers.push(format!("{who} file {} {}", answer.status, ids.replace_all(&answer.text, "ID")));
    }
    answers
}

/// Everything moves on, for the mission, the Secretariat and every other State.
fn everything_moves_on(server: &TestServer, of: &Recorded) {
    let minusma = "minusma";
    let incident = format!("/v1/incidents/{}", of.withheld);
    let added = json!({"category": "contingent_troop", "states": ["TCD"], "outcome": "injured"});
    edited(server, minusma, &incident, &json!({"means": "ied", "narrative": "MADE-UP, and longer"}));
    made(server, minusma, &format!("{incident}/victims"), &added);
    server.release(minusma, &of.withheld);

    let case = format!("/v1/cases/{}", of.case);
    edited(server, minusma, &case, &json!({"information_status": "reply_disputed", "notes": "MADE-UP"}));
    let closed = json!({"to": "closed", "on": "2022-09-01", "reason": "other"});
    let moved = server.as_("verifier").post(&format!("{case}/transitions"), &closed);
    assert_eq!(moved.status, 200, "{}", moved.text);
    for (into, incident) in [(&of.case, &of.third), (&of.second_case, &of.withheld)] {
        edited(server, minusma, &format!("/v1/cases/{into}"), &json!({"incidents": [incident]}));
        let waiting = server.as_("releaser").get(&format!("/v1/cases/{into}")).json();
        if waiting["incidents_waiting"].as_array().is_some_and(|list| !list.is_empty()) {
            server.accepted(&format!("/v1/cases/{into}/incidents/{incident}"));
        }
    }
    let later = json!({"mission": "MINUSMA", "opened_on": "2022-06-20", "incidents": [of.withheld]});
    let later = made(server, minusma, "/v1/cases", &later);

    // A case that it never saw gets the withheld incident, and after that one that it sees.
    let hidden = server.report(minusma, &json!({"mission": "MINUSMA", "occurred_on": "2022-02-01", "act": "killing"}));
    let unseen = json!({"mission": "MINUSMA", "opened_on": "2022-06-21", "incidents": [hidden]});
    let unseen = made(server, minusma, "/v1/cases", &unseen);
    for incident in [&of.withheld, &of.other] {
        server.pass(chrono::TimeDelta::seconds(1));
        edited(server, minusma, &format!("/v1/cases/{unseen}"), &json!({"incidents": [incident]}));
    }

    for reference in [&of.proceeding, &of.of_chad] {
        let path = format!("/v1/proceedings/{reference}");
        let edit = json!({"authority": "Another made-up court", "obstacles": ["suspects_at_large"], "notes": "MADE-UP",
            "court_file_number": "MADE-UP 2"});
        edited(server, minusma, &path, &edit);
        let second =
            made(server, minusma, &format!("{path}/accused"), &json!({"incidents": [of.other], "name": "MADE-UP TWO"}));
        server.accepted(&format!("{path}/accused/{second}"));
        let first = server.accused(reference).remove(0);
        edited(server, minusma, &format!("{path}/accused/{first}"), &json!({"identifiers": "MADE-UP"}));
        for accused in [Value::Null, json!(first)] {
            let step =
                json!({"kind": "stage_reached", "stage": "charged", "happened_on": "2022-07-12", "accused": accused});
            made(server, minusma, &format!("{path}/steps"), &step);
        }
    }
    for state in ["MLI", "TCD", "ISL"] {
        let body =
            json!({"state": state, "authority": "Made-up court", "opened_on": "2022-05-01", "cases": [of.case, later]});
        let reference = made(server, minusma, "/v1/proceedings", &body);
        server.accepted(&format!("/v1/proceedings/{reference}"));
    }

    let confidential =
        json!({"record": format!("incidents/{}", of.withheld), "class": "confidential", "purpose": "follow_up"});
    assert_eq!(server.disclose(minusma, &confidential).status, 201);
    for officer in ["verifier", "releaser"] {
        let grounds = json!({"status": "withdrawn", "reason": "entered_by_mistake", "reason_note": "MADE-UP"});
        let withdrawn = server.as_(officer).post(&format!("/v1/proceedings/{}/decision", of.proceeding), &grounds);
        assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    }
    let due = server.as_("releaser").get("/v1/disclosures?review_due=true").json();
    let id = due["items"][0]["id"].as_str().unwrap();
    assert_eq!(server.prove("releaser", &format!("/v1/disclosures/{id}/note"), &json!({})).status, 201);
    let reviewed = server.prove("releaser", &format!("/v1/disclosures/{id}/review"), &json!({"finding": "justified"}));
    assert_eq!(reviewed.status, 204, "{}", reviewed.text);
    server.withdraw(&of.withheld);
}

fn withhold(server: &TestServer, reference: &str) {
    let body = json!({"states": ["MLI", "TCD"], "reason": "state_agents_alleged"});
    for officer in ["verifier", "releaser"] {
        let answer = server.prove(officer, &format!("/v1/incidents/{reference}/withholding"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[test]
fn what_a_state_is_answered_stands_still_from_the_decision_on() {
    let server = TestServer::start();
    let of = recorded(&server);
    server.pass(chrono::TimeDelta::minutes(1));
    let before = answers(&server, &of);
    withhold(&server, &of.withheld);
    let withheld = answers(&server, &of);
    assert_eq!(differing(&before, &withheld), Vec::<String>::new(), "the decision announces itself");
    server.pass(chrono::TimeDelta::minutes(1));
    everything_moves_on(&server, &of);
    let guinea = server.as_("guinea").get(&format!("/v1/incidents/{}", of.withheld));
    assert_eq!(guinea.status, 410, "others are told");
    let after = answers(&server, &of);
    let moved = differing(&before, &after);
    assert!(moved.is_empty(), "{}", moved.join("\n"));
}

#[test]
fn what_a_state_may_open_stands_still_too() {
    let server = TestServer::start();
    let of = recorded(&server);
    withhold(&server, &of.withheld);
    let asked = openings(&server, &of);
    assert!(
        asked.iter().all(|answer| answer.contains("under_review") || answer.contains("not_entitled")),
        "{asked:#?}"
    );
    server.pass(chrono::TimeDelta::minutes(1));
    everything_moves_on(&server, &of);
    assert_eq!(openings(&server, &of), asked);
}

#[test]
fn what_a_state_submits_itself_lies_over_what_it_keeps() {
    let server = TestServer::start();
    let of = recorded(&server);
    withhold(&server, &of.withheld);
    server.pass(chrono::TimeDelta::minutes(1));
    everything_moves_on(&server, &of);

    // A hidden accused is one that never was.
    let path = format!("/v1/proceedings/{}", of.proceeding);
    let hidden = server.accused(&of.proceeding).remove(1);
    let about = |accused: &str| {
        let step = json!({"kind": "arrest", "happened_on": "2022-05-01", "accused": accused});
        let answer = server.as_("mali").post(&format!("{path}/steps"), &step);
        (answer.status, answer.text, answer.headers)
    };
    assert_eq!(about(&hidden), about("000000"));
    let known = server.as_("mali").get(&format!("{path}/accused")).json();
    assert_eq!(about(known["items"][0]["handle"].as_str().unwrap()).0, 201);

    // A proceeding of its own, with an accused: shown to it, with what it sealed, before and after an officer accepted it.
    let body = json!({"state": "MLI", "authority": "Made-up court of its own", "opened_on": "2022-08-01", "cases": [of.case],
        "court_file_number": "MADE-UP 3"});
    let own = format!("/v1/proceedings/{}", made(&server, "mali", "/v1/proceedings", &body));
    made(&server, "mali", &format!("{own}/accused"), &json!({"incidents": [of.withheld], "name": "MADE-UP THREE"}));
    for status in ["proposed", "accepted"] {
        let shown = server.as_("mali").get(&own);
        assert_eq!((shown.status, &shown.json()["status"]), (200, &json!(status)), "{}", shown.text);
        let shown = shown.json();
        assert_eq!((&shown["authority"], &shown["court_file_number"]["held"]), (&body["authority"], &json!(true)));
        assert_eq!(shown["accused"][0]["name"]["held"], true, "{shown}");
        if status == "proposed" {
            server.accepted(&own);
        }
    }
    edited(&server, "minusma", &own, &json!({"authority": "As the mission has it"}));
    assert_eq!(server.as_("mali").get(&own).json()["authority"], body["authority"]);
}
