//! Proceedings: the progress of States in bringing perpetrators to justice.

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

/// A released incident, a case over it, and a proceeding of Mali with two accused.
fn opened(server: &TestServer) -> (String, String, String) {
    let incident = server.report("minusma", &ambush());
    server.release("minusma", &incident);
    let made = |path: &str, body: Value| {
        let answer = server.as_("minusma").post(path, &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["reference"].as_str().map(str::to_owned).unwrap_or_default()
    };
    let case = made("/v1/cases", json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]}));
    let proceeding = made(
        "/v1/proceedings",
        json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-01-01", "opened_on_precision": "year", "cases": [case]}),
    );
    for _ in 0..2 {
        made(&format!("/v1/proceedings/{proceeding}/accused"), json!({"incidents": [incident]}));
    }
    server.accepted(&format!("/v1/proceedings/{proceeding}"));
    (incident, case, proceeding)
}

fn step(server: &TestServer, who: &str, proceeding: &str, body: &Value) -> crate::harness::Answer {
    server.as_(who).post(&format!("/v1/proceedings/{proceeding}/steps"), body)
}

/// Records a step, has another officer accept it where it takes two, and gives its path.
fn recorded(server: &TestServer, who: &str, proceeding: &str, body: &Value) -> String {
    let made = step(server, who, proceeding, body);
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/v1/proceedings/{proceeding}/steps/{}", made.json()["handle"].as_str().unwrap());
    if made.json()["status"] == "proposed" {
        server.accepted(&path);
    }
    path
}

/// The last part of a path.
fn handle_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[test]
fn stage_and_outcome_are_each_accuseds_own_and_roll_up_to_the_proceeding_and_the_case() {
    let server = TestServer::start();
    let (_, case, proceeding) = opened(&server);
    let accused = server.accused(&proceeding);
    for body in [
        json!({"kind": "stage_reached", "stage": "investigation", "happened_on": "2022-04-12"}),
        json!({"kind": "stage_reached", "stage": "charged", "accused": accused[0], "happened_on": "2022-09-01"}),
        json!({"kind": "judgement", "outcome": "acquitted", "accused": accused[0], "happened_on": "2023-03-01"}),
        json!({"kind": "exit", "exit": "discontinued", "accused": accused[1], "happened_on": "2022-10-17", "happened_on_precision": "month"}),
    ] {
        recorded(&server, "minusma", &proceeding, &body);
    }
    let shown = server.as_("mali").get(&format!("/v1/proceedings/{proceeding}")).json();
    assert_eq!(shown["opened_on_precision"], "year");
    assert_eq!(
        (&shown["accused"][0]["outcome"], &shown["accused"][0]["stage_furthest"]),
        (&json!("acquitted"), &json!("first_judgement"))
    );
    assert_eq!(
        (&shown["accused"][1]["outcome"], &shown["accused"][1]["stage_current"]),
        (&json!("dismissed"), &json!("discontinued"))
    );
    assert_eq!(shown["stage_furthest"], "first_judgement");
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).json()["stage_furthest"], "first_judgement");
    let steps = server.as_("mali").get(&format!("/v1/proceedings/{proceeding}/steps")).json();
    let days: Vec<&str> =
        steps["items"].as_array().unwrap().iter().map(|s| s["happened_on"].as_str().unwrap()).collect();
    assert_eq!(days, ["2022-04-12", "2022-09-01", "2022-10-01", "2023-03-01"], "in the order in which they happened");
}

#[test]
fn a_wrong_step_is_refused_with_every_fault_and_changes_nothing() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    for (body, pointers) in [
        (json!({}), vec!["/happened_on", "/kind"]),
        (json!({"kind": "judgement", "happened_on": "2023-01-01"}), vec!["/accused", "/outcome"]),
        (json!({"kind": "stage_reached", "happened_on": "2999-01-01"}), vec!["/happened_on", "/stage"]),
        (json!({"kind": "arrest", "accused": "000000", "happened_on": "2022-05-01"}), vec!["/accused"]),
        (
            json!({"kind": "arrest", "happened_on": "2022-05-01", "source_url": "javascript:alert(1)"}),
            vec!["/source_url"],
        ),
        (json!({"kind": "arrest", "happened_on": "2022-05-01", "verdict": "guilty"}), vec!["/verdict"]),
    ] {
        let answer = step(&server, "minusma", &proceeding, &body);
        assert_eq!(
            (answer.status, answer.pointers()),
            (400, pointers.into_iter().map(str::to_owned).collect()),
            "{}",
            answer.text
        );
    }
    assert_eq!(server.as_("minusma").get(&format!("/v1/proceedings/{proceeding}/steps")).json()["items"], json!([]));
}

#[test]
fn a_returned_proposal_counts_for_nothing_and_says_so_to_its_state() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let proposed = step(
        &server,
        "mali",
        &proceeding,
        &json!({"kind": "arrest", "accused": server.accused(&proceeding)[0], "happened_on": "2022-05-01"}),
    );
    assert_eq!(proposed.status, 201, "{}", proposed.text);
    let decision =
        format!("/v1/proceedings/{proceeding}/steps/{}/decision", proposed.json()["handle"].as_str().unwrap());
    let decide = |who: &str, body: Value| server.as_(who).post(&decision, &body);
    assert_eq!(decide("verifier", json!({"status": "returned"})).pointers(), ["/reason"]);
    assert_eq!(decide("minusma", json!({"status": "returned", "reason": "not_sourced"})).status, 403);
    let returned = decide("verifier", json!({"status": "returned", "reason": "not_sourced"}));
    assert_eq!((returned.status, &returned.json()["status"]), (200, &json!("returned")));
    assert_eq!(decide("verifier", json!({"status": "accepted"})).status, 409, "decided once");
    let path = format!("/v1/proceedings/{proceeding}");
    assert_eq!(server.as_("mali").get(&path).json()["accused"][0]["detention"], "not_known");
    let told = server.as_("mali").get(&path).json()["steps"][0].clone();
    assert_eq!((&told["status"], &told["reason"]), (&json!("returned"), &json!("not_sourced")));
    assert_eq!(server.as_("chad").get(&path).json()["steps"], json!([]));
}

#[test]
fn a_proceeding_follows_the_incidents_that_concern_a_state() {
    let server = TestServer::start();
    let (incident, case, proceeding) = opened(&server);
    for (who, seen) in
        [("mali", true), ("chad", true), ("guinea", true), ("iceland", false), ("unifil", false), ("auditor", false)]
    {
        for path in [format!("/v1/proceedings/{proceeding}"), format!("/v1/cases/{case}")] {
            let status = server.as_(who).get(&path).status;
            assert_eq!(status, if seen { 200 } else { 404 }, "{who} {path}");
        }
        let listed = server.as_(who).get("/v1/proceedings");
        assert_eq!(listed.references().contains(&proceeding), seen, "{who}");
    }
    // A State with a proceeding of its own is concerned by it, wherever the incident was.
    let new = json!({"state": "ISL", "authority": "Made-up prosecutor", "opened_on": "2022-06-01", "cases": [case]});
    let made = server.as_("verifier").post("/v1/proceedings", &new);
    let path = format!("/v1/proceedings/{}", made.json()["reference"].as_str().unwrap());
    assert_eq!(server.as_("iceland").get(&format!("/v1/incidents/{incident}")).status, 404, "one officer shows nobody");
    server.accepted(&path);
    assert_eq!(server.as_("iceland").get(&format!("/v1/incidents/{incident}")).status, 200);
    assert_eq!(server.as_("iceland").get("/v1/proceedings").references().len(), 2);
}

#[test]
fn a_record_out_of_scope_cannot_be_named_in_another() {
    let server = TestServer::start();
    let (incident, case, _) = opened(&server);
    let unknown = "C-MINUSMA-2022-0000";
    let post = |who: &str, path: &str, body: Value| server.as_(who).post(path, &body);
    for case in [case.as_str(), unknown] {
        let body = json!({"state": "LBN", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case]});
        let answer = post("unifil", "/v1/proceedings", body);
        assert_eq!((answer.status, answer.pointers()), (400, vec!["/cases".to_owned()]), "{}", answer.text);
    }
    for incident in [incident.as_str(), "MINUSMA-2022-0000"] {
        let body = json!({"mission": "UNIFIL", "opened_on": "2022-06-01", "incidents": [incident]});
        let answer = post("unifil", "/v1/cases", body);
        assert_eq!((answer.status, answer.pointers()), (400, vec!["/incidents".to_owned()]), "{}", answer.text);
    }
}

#[test]
fn accused_of_anothers_incident_are_hidden_and_move_nothing() {
    let server = TestServer::start();
    let (_, case, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let other = json!({"mission": "UNIFIL", "occurred_on": "2022-12-14", "act": "killing", "victims": [
        {"category": "contingent_troop", "states": ["IRL"], "outcome": "killed", "kin_notified_on": "2022-12-15",
         "state_notified_on": "2022-12-15"}]});
    let other = server.report("unifil", &other);
    server.release("unifil", &other);
    let unifil = json!({"mission": "UNIFIL", "opened_on": "2022-12-20", "incidents": [other]});
    let unifil = server.as_("unifil").post("/v1/cases", &unifil).json()["reference"].clone();
    let shared =
        json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case, unifil]});
    let shared =
        server.as_("verifier").post("/v1/proceedings", &shared).json()["reference"].as_str().unwrap().to_owned();
    let shared = format!("/v1/proceedings/{shared}");
    server.accepted(&shared);
    let before = server.as_("chad").get(&shared);
    assert_eq!(before.status, 200);
    let accused = json!({"incidents": [other], "notes": "canary-notes"});
    assert_eq!(server.as_("verifier").post(&format!("{shared}/accused"), &accused).status, 201);
    let accused = server.accused(&shared[16..]).remove(0);
    server.accepted(&format!("{shared}/accused/{accused}"));
    let step = json!({"kind": "stage_reached", "stage": "charged", "accused": accused, "happened_on": "2023-01-10"});
    assert_eq!(server.as_("verifier").post(&format!("{shared}/steps"), &step).status, 201);
    let after = server.as_("chad").get(&shared);
    assert_eq!((&after.text, &after.headers), (&before.text, &before.headers), "a contributor to the other incident");
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).json()["stage_furthest"], "no_information");
    assert_eq!(server.as_("ireland").get(&shared).json()["stage_furthest"], "charged");
    assert_eq!(server.as_("mali").get(&shared).json()["stage_furthest"], "charged", "its own proceeding");
    // Another mission's accused is not shown to a focal point either, nor opened.
    assert_eq!(server.as_("minusma").get(&format!("{shared}/accused")).json()["items"], json!([]));
    let ask = json!({"record": &shared[4..], "class": "confidential", "purpose": "follow_up"});
    assert!(!server.disclose("minusma", &ask).text.contains("canary-notes"));
    assert!(server.disclose("unifil", &ask).text.contains("canary-notes"));
    // A case out of scope is none by which a list can be narrowed.
    let by_case = format!("/v1/proceedings?case={}", unifil.as_str().unwrap());
    assert_eq!(server.as_("chad").get(&by_case).references().len(), 0);
    assert_eq!(server.as_("ireland").get(&by_case).references().len(), 1);
    assert_eq!(server.as_("chad").get(&path).status, 200);
}

#[test]
fn who_is_convicted_and_then_acquitted_in_one_year_is_counted_as_both() {
    let server = TestServer::start();
    let (incident, _, proceeding) = opened(&server);
    for (outcome, on) in [("convicted_in_absentia", "2023-03-01"), ("acquitted", "2023-11-01")] {
        let body = json!({"kind": "judgement", "outcome": outcome, "accused": server.accused(&proceeding)[0], "happened_on": on});
        recorded(&server, "minusma", &proceeding, &body);
    }
    let figures = |year, cut_off| {
        server.store.read(&casque::policy::Scope::Everything, |r| casque::briefing::figures(r, year, cut_off)).unwrap()
    };
    let now = server.store.now();
    let of = figures(2023, now).persons;
    assert_eq!((of.convicted, of.convicted_in_absentia, of.acquitted), (1, 1, 1));
    // A withdrawal changes no figure of an earlier cut-off; it is a correction of the next.
    assert_eq!(figures(2022, now).by_mission.total.killed, 1);
    server.pass(chrono::TimeDelta::minutes(1));
    server.withdraw(&incident);
    assert_eq!(figures(2022, now).by_mission.total.killed, 1, "as recorded by then");
    assert_eq!(figures(2022, server.store.now()).by_mission.total.killed, 0);
    let corrections = figures(2023, server.store.now()).corrections;
    let withdrawn = corrections.iter().find(|one| one.kind == casque::store::CorrectionKind::Withdrawn);
    assert_eq!(withdrawn.unwrap().killed, [1, 0]);
}

#[test]
fn a_correction_changes_no_figure_of_an_earlier_cut_off() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let made = |path: &str, body: Value| -> String {
        let made = server.as_("verifier").post(path, &body);
        assert_eq!(made.status, 201, "{}", made.text);
        format!("{path}/{}", made.json()["reference"].as_str().unwrap())
    };
    let measure =
        json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up unit", "taken_on": "2023-06-01"});
    let offer = json!({"state": "MLI", "mission": "MINUSMA", "kind": "forensics", "provider": "Made-up",
        "offered_on": "2023-06-01", "women": 3});
    let (measure, offer) = (made("/v1/measures", measure), made("/v1/assistance", offer));
    server.accepted(&measure);
    let figures = |cut_off| {
        let all = casque::policy::Scope::Everything;
        let of = server.store.read(&all, |r| casque::briefing::figures(r, 2023, cut_off)).unwrap();
        serde_json::to_value(of).unwrap()
    };
    let then = server.store.now();
    let before = figures(then);
    server.pass(chrono::TimeDelta::minutes(1));
    for (path, change) in [
        (measure, json!({"kind": "other", "taken_on": "2021-06-01"})),
        (offer, json!({"women": 5, "status": "declined", "offered_on": "2023-07-01"})),
        (
            format!("/v1/proceedings/{proceeding}"),
            json!({"forum": "military", "opened_on": "2023-12-31", "opened_on_precision": "day"}),
        ),
    ] {
        let changed = server.as_("verifier").patch(&path, &change, "*");
        assert_eq!(changed.status, 200, "{path}: {}", changed.text);
    }
    assert_eq!(figures(then), before, "what was said can be said again");
    let now = figures(server.store.now());
    for table in ["measures", "assistance"] {
        assert_ne!(now[table], before[table], "{table}");
    }
}

#[test]
fn one_person_shows_a_record_to_no_state_by_a_proceeding() {
    let server = TestServer::start();
    let incident = server.report("minusma", &ambush());
    server.release("minusma", &incident);
    let path = format!("/v1/incidents/{incident}");
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]});
    let case = server.as_("minusma").post("/v1/cases", &body).json()["reference"].as_str().unwrap().to_owned();
    let body = json!({"state": "IRL", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case]});
    let made = server.as_("minusma").post("/v1/proceedings", &body);
    assert_eq!((made.status, &made.json()["status"]), (201, &json!("proposed")), "{}", made.text);
    assert_eq!(
        made.json()["will_be_seen_by"],
        json!(["GIN", "IRL", "MLI", "TCD"]),
        "whoever accepts it is shown who will see it"
    );
    let proceeding = format!("/v1/proceedings/{}", made.json()["reference"].as_str().unwrap());
    let accused = json!({"incidents": [incident]});
    assert_eq!(server.as_("minusma").post(&format!("{proceeding}/accused"), &accused).status, 201);
    let first = server.accused(&proceeding[16..]).remove(0);
    let charged = json!({"kind": "stage_reached", "stage": "charged", "accused": first, "happened_on": "2022-09-01"});
    assert_eq!(
        server.as_("verifier").post(&format!("{proceeding}/steps"), &charged).status,
        409,
        "others add nothing yet"
    );
    assert_eq!(server.as_("minusma").post(&format!("{proceeding}/steps"), &charged).status, 201);

    // Nobody new sees anything, and it counts nowhere.
    let counted = |unit: &str| {
        let answer = server.as_("verifier").get(&format!("/v1/statistics?unit={unit}&by=host_state")).json();
        let cells = answer["cells"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        cells.iter().map(|cell| cell["count"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((counted("proceedings"), counted("accused")), (0, 0));
    for who in ["ireland", "mali", "chad"] {
        assert_eq!(server.as_(who).get(&proceeding).status, 404, "{who}");
        assert!(server.as_(who).get("/v1/proceedings").references().is_empty(), "{who}");
    }
    assert_eq!(server.as_("ireland").get(&path).status, 404);
    assert_eq!(server.as_("ireland").get(&format!("/v1/cases/{case}")).status, 404);
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).json()["stage_furthest"], "no_information");
    let ask =
        json!({"record": format!("incidents/{incident}"), "class": "confidential", "purpose": "prosecution_support"});
    assert_eq!(server.disclose("ireland", &ask).status, 404);

    // The recorder does not accept it; another officer does.
    let decide =
        |who: &str| server.as_(who).post(&format!("{proceeding}/decision"), &json!({"status": "accepted"})).status;
    assert_eq!((decide("minusma"), decide("mali"), decide("verifier"), decide("releaser")), (403, 404, 200, 409));
    assert_eq!((counted("proceedings"), counted("accused")), (1, 1));
    assert_eq!(server.as_("ireland").get(&path).status, 200);
    assert_eq!(server.as_("chad").get(&format!("/v1/cases/{case}")).json()["stage_furthest"], "charged");

    // An accused that is added later waits for another officer, too.
    assert_eq!(server.as_("verifier").post(&format!("{proceeding}/accused"), &accused).json()["status"], "proposed");
    assert_eq!(
        server.as_("ireland").get(&format!("{proceeding}/accused")).json()["items"].as_array().unwrap().len(),
        1
    );
    let second = server.accused(&proceeding[16..]).remove(1);
    let accept = |who: &str| {
        server.as_(who).post(&format!("{proceeding}/accused/{second}/decision"), &json!({"status": "accepted"})).status
    };
    assert_eq!((counted("accused"), accept("verifier"), accept("releaser"), counted("accused")), (1, 403, 200, 2));
    assert_eq!(
        server.as_("ireland").get(&format!("{proceeding}/accused")).json()["items"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn an_incident_that_is_added_to_a_case_with_proceedings_waits_for_another_officer() {
    let server = TestServer::start();
    let (_, case, _) = opened(&server);
    let other = json!({"mission": "MINUSMA", "occurred_on": "2022-12-14", "act": "killing", "host_state": "MLI", "victims": [
        {"category": "contingent_troop", "states": ["EGY"], "outcome": "killed", "kin_notified_on": "2022-12-15",
         "state_notified_on": "2022-12-15"}]});
    let other = server.report("minusma", &other);
    let own = json!({"state": "IRL", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case]});
    let made = server.as_("minusma").post("/v1/proceedings", &own).json();
    server.accepted(&format!("/v1/proceedings/{}", made["reference"].as_str().unwrap()));
    let path = format!("/v1/cases/{case}");
    let add = |incident: &str| {
        let shown = server.as_("minusma").get(&path);
        server.as_("minusma").patch(&path, &json!({"incidents": [incident]}), shown.etag()).json()
    };
    let changed = add(&other);
    assert_eq!(changed["incidents_proposed"], json!([other]));
    assert!(!changed["incidents"].as_array().unwrap().contains(&json!(other)));
    // Whoever releases it is shown who will see it: not Ireland, which nobody agreed to.
    server.moved("minusma", &other, "submitted");
    server.moved("verifier", &other, "verified");
    let shown = server.as_("releaser").get(&format!("/v1/incidents/{other}")).json();
    assert_eq!(shown["will_be_seen_by"], json!(["EGY", "MLI"]));
    server.moved("releaser", &other, "released");
    let seen = |who: &str| server.as_(who).get(&format!("/v1/incidents/{other}")).status;
    assert_eq!(seen("ireland"), 404);
    assert!(!server.as_("ireland").get(&path).text.contains(&other));
    let decide = |who: &str, status: &str| {
        let body = json!({"status": status, "reason": "unclear"});
        server.as_(who).post(&format!("{path}/incidents/{other}/decision"), &body).status
    };
    assert_eq!(
        (decide("minusma", "accepted"), decide("verifier", "returned"), decide("verifier", "accepted")),
        (403, 200, 404)
    );
    assert_eq!(add(&other)["incidents_proposed"], json!([other]), "it is proposed again");
    assert_eq!((seen("ireland"), decide("verifier", "accepted"), seen("ireland")), (404, 200, 200));
}

#[test]
fn a_state_proposes_a_proceeding_of_its_own_and_sees_what_becomes_of_it() {
    let server = TestServer::start();
    let (incident, case, _) = opened(&server);
    let body = |state: &str| {
        json!({"state": state, "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case],
            "court_file_number": "MADE-UP 7"})
    };
    assert_eq!(server.as_("mali").post("/v1/proceedings", &body("TCD")).status, 403, "not another State's");
    assert_eq!(server.as_("reader.mali").post("/v1/proceedings", &body("MLI")).status, 403);
    let made = server.as_("mali").post("/v1/proceedings", &body("MLI"));
    assert_eq!((made.status, &made.json()["status"]), (201, &json!("proposed")), "{}", made.text);
    let path = format!("/v1/proceedings/{}", made.json()["reference"].as_str().unwrap());
    assert!(made.json().get("will_be_seen_by").is_none(), "other States are not named to it");
    let accused =
        server.as_("mali").post(&format!("{path}/accused"), &json!({"incidents": [incident], "name": "MADE-UP NAME"}));
    assert_eq!(accused.status, 201, "{}", accused.text);
    assert_eq!((server.as_("mali").get(&path).status, server.as_("chad").get(&path).status), (200, 404));
    assert_eq!(server.as_("verifier").get("/v1/proceedings?status=proposed").references().len(), 1);
    let returned = json!({"status": "returned", "reason": "unclear"});
    assert_eq!(server.as_("verifier").post(&format!("{path}/decision"), &returned).status, 200);
    let shown = server.as_("mali").get(&path).json();
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("returned"), &json!("unclear")));
    assert_eq!(server.as_("chad").get(&path).status, 404);
}

/// What an officer says of a proposal: a code, fields, and words that are sealed.
fn unclear(status: &str) -> Value {
    json!({"status": status, "reason": "unclear", "reason_fields": [{"pointer": "/happened_on", "reason": "not_sourced"}],
        "reason_note": "canary-why"})
}

#[test]
fn a_state_is_told_by_field_why_something_came_back_and_reads_the_words_and_what_it_submitted() {
    let server = TestServer::start();
    let (_, case, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let proposed = step(&server, "mali", &proceeding, &json!({"kind": "arrest", "happened_on": "2022-05-01"}));
    let handle = proposed.json()["handle"].as_str().unwrap().to_owned();
    let returned = server.as_("verifier").post(&format!("{path}/steps/{handle}/decision"), &unclear("returned"));
    assert_eq!(returned.status, 200, "{}", returned.text);
    let told = server.as_("mali").get(&path).json()["steps"][0].clone();
    assert_eq!((&told["reason"], &told["reason_fields"][0]["pointer"]), (&json!("unclear"), &json!("/happened_on")));
    assert_eq!(told["reason_note"], json!({"withheld": "confidential", "held": true}));
    let ask = json!({"record": &path[4..], "class": "confidential", "purpose": "data_correction"});
    let words = server.disclose("mali", &ask);
    assert!(words.text.contains("canary-why") && words.text.contains(&handle), "{}", words.text);

    // A proceeding and a measure of its own: it reads what it typed, and why they came back.
    let own = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case],
        "court_file_number": "MADE-UP 7", "notes": "canary-own-notes"});
    let own = server.as_("mali").post("/v1/proceedings", &own).json()["reference"].as_str().unwrap().to_owned();
    let accused = json!({"incidents": [], "name": "canary-own-accused", "notes": "canary-own-accused-notes"});
    assert_eq!(server.as_("mali").post(&format!("/v1/proceedings/{own}/accused"), &accused).status, 201);
    let open = |record: &str, class: &str| {
        server.disclose("mali", &json!({"record": record, "class": class, "purpose": "data_correction"})).text
    };
    let record = format!("proceedings/{own}");
    let confidential = open(&record, "confidential");
    assert!(
        confidential.contains("canary-own-notes") && confidential.contains("canary-own-accused-notes"),
        "{confidential}"
    );
    assert!(open(&record, "strictly_confidential").contains("canary-own-accused"));
    // What the United Nations add to it later is theirs.
    server.accepted(&format!("/v1/proceedings/{own}"));
    let shown = server.as_("minusma").get(&format!("/v1/proceedings/{own}"));
    let noted = json!({"notes": "canary-of-the-un"});
    assert_eq!(server.as_("minusma").patch(&format!("/v1/proceedings/{own}"), &noted, shown.etag()).status, 200);
    assert!(!open(&record, "confidential").contains("canary-of-the-un"));
    let measure = json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up unit", "taken_on": "2022-06-01",
        "narrative": "canary-own-measure"});
    let measure = server.as_("mali").post("/v1/measures", &measure).json()["reference"].as_str().unwrap().to_owned();
    assert_eq!(
        server.as_("verifier").post(&format!("/v1/measures/{measure}/decision"), &unclear("returned")).status,
        200
    );
    let opened = open(&format!("measures/{measure}"), "confidential");
    assert!(opened.contains("canary-own-measure") && opened.contains("canary-why"), "{opened}");
    // No words in the open: not in the record, its history or the log.
    for who in ["mali", "minusma", "verifier", "auditor"] {
        for asked in
            [path.clone(), format!("{path}/history"), format!("/v1/measures/{measure}"), "/v1/audit?limit=200".into()]
        {
            assert!(!server.as_(who).get(&asked).text.contains("canary-"), "{who} {asked}");
        }
    }
}

#[test]
fn whoever_submitted_a_proposal_withdraws_it_until_it_is_decided() {
    let server = TestServer::start();
    let (_, case, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let made = |who: &str, path: &str, body: &Value| {
        let answer = server.as_(who).post(path, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        let body = answer.json();
        ["handle", "reference"].iter().find_map(|name| body[*name].as_str()).unwrap().to_owned()
    };
    let own = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case]});
    let measure =
        json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up unit", "taken_on": "2022-06-01"});
    let proposals = || {
        let arrest = json!({"kind": "arrest", "happened_on": "2022-05-01"});
        [
            format!("{path}/steps/{}", made("mali", &format!("{path}/steps"), &arrest)),
            format!("{path}/accused/{}", made("mali", &format!("{path}/accused"), &json!({"incidents": []}))),
            format!("/v1/proceedings/{}", made("mali", "/v1/proceedings", &own)),
            format!("/v1/measures/{}", made("mali", "/v1/measures", &measure)),
        ]
    };
    for proposal in proposals() {
        let decide = |who: &str, status: &str| {
            server.as_(who).post(&format!("{proposal}/decision"), &json!({"status": status})).status
        };
        assert!([403, 404].contains(&decide("chad", "withdrawn")), "{proposal}");
        assert_eq!((decide("verifier", "withdrawn"), decide("minusma", "withdrawn")), (403, 403), "{proposal}");
        assert_eq!((decide("mali", "accepted"), decide("mali", "withdrawn")), (403, 200), "{proposal}");
        assert_eq!((decide("mali", "withdrawn"), decide("verifier", "accepted")), (409, 409), "{proposal}");
    }
    let shown = server.as_("mali").get(&path).json();
    assert_eq!(shown["steps"][0]["status"], "withdrawn", "it stays with the State and the Secretariat");
    assert_eq!(server.as_("chad").get(&path).json()["steps"], json!([]));
    // What is decided is withdrawn by nobody alone.
    for proposal in proposals() {
        server.accepted(&proposal);
        let ask = json!({"status": "withdrawn", "reason": "submitter_asked"});
        let late = server.as_("mali").post(&format!("{proposal}/decision"), &ask);
        assert!(late.status == 403 || late.json()["status"] == "accepted", "{proposal}: {}", late.text);
    }
}

#[test]
fn what_officers_say_of_a_states_accepted_proceeding_is_not_told_to_it() {
    let server = TestServer::start();
    let (_, case, _) = opened(&server);
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case], "notes": "canary-own"});
    let own = server.as_("mali").post("/v1/proceedings", &body).json()["reference"].as_str().unwrap().to_owned();
    let path = format!("/v1/proceedings/{own}");
    server.accepted(&path);
    let shown = || {
        let answer = server.as_("mali").get(&path);
        (answer.text, answer.headers)
    };
    let before = shown();
    let decide = |who: &str, grounds: Value| server.as_(who).post(&format!("{path}/decision"), &grounds);
    let without = decide("verifier", json!({"status": "withdrawn"}));
    assert_eq!((without.status, without.pointers()), (400, vec!["/reason".to_owned()]), "it takes a reason");
    let ask = json!({"status": "withdrawn", "reason": "duplicate", "reason_note": "canary-why"});
    assert_eq!(decide("verifier", ask).status, 200);
    assert_eq!(shown(), before, "asked");
    let open = || {
        let ask = json!({"record": &path[4..], "class": "confidential", "purpose": "data_correction"});
        server.disclose("mali", &ask).text
    };
    assert!(!open().contains("canary-why") && open().contains("canary-own"));
    // Whoever asked takes it back.
    assert_eq!(decide("verifier", json!({"status": "accepted"})).status, 200);
    assert_eq!(shown(), before, "and not any more");
    // The second officer's decision keeps the words of the first, and then the State reads them.
    let again = json!({"status": "withdrawn", "reason": "duplicate", "reason_note": "canary-again"});
    assert_eq!(decide("verifier", again).status, 200);
    assert_eq!(decide("releaser", json!({"status": "withdrawn", "reason": "duplicate"})).status, 200);
    assert!(open().contains("canary-again"));
    assert_eq!(server.as_("mali").get(&path).json()["internal_obstacles"], json!({"withheld": "confidential"}));
}

#[test]
fn two_officers_withdraw_a_proceeding_and_the_concern_that_it_began_ends() {
    let server = TestServer::start();
    let (incident, case, _) = opened(&server);
    let path = format!("/v1/incidents/{incident}");
    let body = json!({"state": "IRL", "authority": "Made-up court", "opened_on": "2022-06-01", "cases": [case]});
    let irish = || {
        let made =
            server.as_("minusma").post("/v1/proceedings", &body).json()["reference"].as_str().unwrap().to_owned();
        server.accepted(&format!("/v1/proceedings/{made}"));
        format!("/v1/proceedings/{made}")
    };
    let (one, other) = (irish(), irish());
    assert_eq!(server.as_("ireland").get(&path).status, 200);
    let withdraw = |who: &str, of: &str| {
        let grounds = json!({"status": "withdrawn", "reason": "entered_by_mistake"});
        server.as_(who).post(&format!("{of}/decision"), &grounds).status
    };
    for of in [&one, &other] {
        assert_eq!((withdraw("minusma", of), withdraw("ireland", of)), (403, 403));
        assert_eq!((withdraw("verifier", of), withdraw("verifier", of)), (200, 403), "one officer does not");
        let asked = server.as_("releaser").get(of).json();
        assert_eq!(
            (&asked["status"], &asked["withdrawal_proposed"]),
            (&json!("accepted"), &json!("entered_by_mistake"))
        );
        let shown = server.as_("ireland").get(of).json();
        assert!(shown.get("withdrawal_proposed").is_none() && shown["reason"].is_null(), "{shown}");
        assert_eq!(server.as_("ireland").get(&path).status, 200);
        if of == &one {
            // Another lets it stand; then it is asked again.
            assert_eq!(
                server.as_("releaser").post(&format!("{of}/decision"), &json!({"status": "accepted"})).status,
                200
            );
            assert_eq!(withdraw("verifier", of), 200);
        }
        assert_eq!(withdraw("releaser", of), 200);
        let concerned = if of == &one { 200 } else { 410 };
        assert_eq!(
            server.as_("ireland").get(&path).status,
            concerned,
            "as long as another proceeding of the State serves it"
        );
    }
    let shown = server.as_("ireland").get(&other).json();
    assert_eq!(
        (&shown["status"], &shown["reason"]),
        (&json!("withdrawn"), &json!("entered_by_mistake")),
        "who saw it is told"
    );
    assert_eq!(server.as_("ireland").get(&format!("/v1/cases/{case}")).status, 404);
    assert_eq!(server.as_("mali").get(&path).status, 200);
    let counted = server.as_("verifier").get("/v1/statistics?unit=proceedings&by=host_state").json();
    assert!(!counted["cells"].to_string().contains("IRL"), "{counted}");
    assert_eq!(withdraw("verifier", &one), 403, "once");
    assert_eq!(server.as_("minusma").patch(&one, &json!({"authority": "Another"}), "*").status, 409);
}

fn judgement(accused: &str, outcome: &str) -> Value {
    json!({"kind": "judgement", "outcome": outcome, "accused": accused, "happened_on": "2023-03-01"})
}

#[test]
fn an_outcome_counts_once_a_second_person_accepts_it() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let accused = server.accused(&proceeding)[0].clone();
    for (kind, rest) in [
        ("judgement", json!({"outcome": "convicted"})),
        ("sentence", json!({"sentence": "term", "sentence_months": 120})),
        ("appeal", json!({})),
        ("exit", json!({"exit": "discontinued"})),
    ] {
        let mut body = json!({"kind": kind, "accused": accused, "happened_on": "2023-03-01"});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        for who in ["minusma", "verifier"] {
            let made = step(&server, who, &proceeding, &body);
            assert_eq!((made.status, &made.json()["status"]), (201, &json!("proposed")), "{kind}: {}", made.text);
            let decision = format!("{path}/steps/{}/decision", made.json()["handle"].as_str().unwrap());
            let accepted = server.as_(who).post(&decision, &json!({"status": "accepted"}));
            assert_eq!(accepted.status, 403, "not by who recorded it: {}", accepted.text);
        }
    }
    let shown = server.as_("mali").get(&path).json();
    assert_eq!((&shown["accused"][0]["outcome"], &shown["steps"]), (&json!("pending"), &json!([])));
    let waiting = server.as_("releaser").get("/v1/tasks").json();
    let of_steps = waiting["items"].as_array().unwrap().iter();
    assert_eq!(of_steps.filter(|task| task["record"].as_str().unwrap().contains("/steps/")).count(), 8);
    assert_eq!(
        step(&server, "minusma", &proceeding, &json!({"kind": "arrest", "happened_on": "2022-05-01"})).json()["status"],
        "accepted"
    );
}

#[test]
fn a_correction_takes_the_place_of_a_wrong_step_and_both_stay() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let accused = server.accused(&proceeding)[0].clone();
    let wrong = recorded(&server, "minusma", &proceeding, &judgement(&accused, "convicted"));
    let before = server.store.now();
    server.pass(chrono::TimeDelta::minutes(1));
    let mut right = judgement(&accused, "acquitted");
    right["corrects"] = json!(handle_of(&wrong));
    let refused = step(&server, "minusma", &proceeding, &right);
    assert_eq!(refused.pointers(), ["/correction_reason"]);
    right["correction_reason"] = json!("wrong_value");
    let proposed = step(&server, "minusma", &proceeding, &right);
    assert_eq!((proposed.status, &proposed.json()["status"]), (201, &json!("proposed")), "{}", proposed.text);
    let outcome = |who: &str| server.as_(who).get(&path).json()["accused"][0]["outcome"].clone();
    assert_eq!(outcome("mali"), "convicted", "what stands counts until the correction is accepted");
    let new = format!("{path}/steps/{}", proposed.json()["handle"].as_str().unwrap());
    server.accepted(&new);
    assert_eq!(outcome("mali"), "acquitted");
    for who in ["mali", "chad", "verifier"] {
        let old = server.as_(who).get(&wrong).json();
        let told = (&old["status"], &old["reason"], &old["replaced_by"]);
        assert_eq!(told, (&json!("superseded"), &json!("wrong_value"), &json!(handle_of(&new))), "{who}");
        assert_eq!(server.as_(who).get(&new).json()["corrects"], handle_of(&wrong));
    }
    let persons = |cut_off| {
        let all = casque::policy::Scope::Everything;
        let of = server.store.read(&all, |r| casque::briefing::figures(r, 2023, cut_off)).unwrap().persons;
        (of.convicted, of.acquitted)
    };
    assert_eq!((persons(before), persons(server.store.now())), ((1, 0), (0, 1)), "as recorded by each cut-off");
    // A step that ended is corrected no more; one that waits is withdrawn.
    assert_eq!(step(&server, "minusma", &proceeding, &right).status, 409);
    right["corrects"] = json!("NOSUCH");
    assert_eq!(step(&server, "minusma", &proceeding, &right).pointers(), ["/corrects"]);
    let kinds: Vec<String> = server.as_("verifier").get(&format!("{path}/history")).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap().to_owned())
        .collect();
    for kind in ["step_proposed", "step_accepted", "step_superseded"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn two_people_withdraw_an_outcome_and_one_withdraws_another_step() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let accused = server.accused(&proceeding)[0].clone();
    let decide = |who: &str, path: &str, status: &str| {
        let body = json!({"status": status, "reason": "entered_by_mistake"});
        server.as_(who).post(&format!("{path}/decision"), &body)
    };
    let judged = recorded(&server, "minusma", &proceeding, &judgement(&accused, "convicted"));
    let arrest = json!({"kind": "arrest", "accused": accused, "happened_on": "2022-05-01"});
    let arrest = recorded(&server, "minusma", &proceeding, &arrest);
    let bare = server.as_("minusma").post(&format!("{arrest}/decision"), &json!({"status": "withdrawn"}));
    assert_eq!(bare.pointers(), ["/reason"]);
    assert_eq!(decide("minusma", &arrest, "withdrawn").json()["status"], "withdrawn");
    let shown = server.as_("mali").get(&path).json();
    assert_eq!(shown["accused"][0]["detention"], "not_known");
    assert_eq!(
        server.as_("mali").get(&arrest).json()["reason"],
        "entered_by_mistake",
        "the State sees what became of it"
    );
    // An outcome takes two; nobody is told meanwhile.
    let asked = decide("minusma", &judged, "withdrawn");
    assert_eq!(
        (&asked.json()["status"], &asked.json()["withdrawal_proposed"]),
        (&json!("accepted"), &json!("entered_by_mistake"))
    );
    let told = server.as_("mali").get(&judged).json();
    assert_eq!((told.get("withdrawal_proposed"), &told["reason"]), (None, &json!(null)));
    assert_eq!(decide("minusma", &judged, "withdrawn").status, 403, "not by who asked");
    assert_eq!(decide("verifier", &judged, "accepted").json().get("withdrawal_proposed"), None, "it stands after all");
    decide("minusma", &judged, "withdrawn");
    assert_eq!(decide("verifier", &judged, "withdrawn").json()["status"], "withdrawn");
    assert_eq!(server.as_("mali").get(&path).json()["accused"][0]["outcome"], "pending");
    assert_eq!(decide("verifier", &judged, "withdrawn").status, 403, "it is over");
}

#[test]
fn a_state_asks_that_its_own_step_be_withdrawn_and_an_officer_agrees() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let arrest = recorded(&server, "mali", &proceeding, &json!({"kind": "arrest", "happened_on": "2022-05-01"}));
    let ask = json!({"status": "withdrawn", "reason": "wrong_value"});
    let others = server.as_("chad").post(&format!("{arrest}/decision"), &ask);
    assert!([403, 404].contains(&others.status), "{}", others.text);
    assert_eq!(server.as_("mali").post(&format!("{arrest}/decision"), &ask).json()["status"], "accepted");
    assert_eq!(server.as_("verifier").post(&format!("{arrest}/decision"), &ask).json()["status"], "withdrawn");
}

#[test]
fn an_accused_recorded_by_mistake_is_withdrawn_by_two_with_the_steps() {
    let server = TestServer::start();
    let (_, case, proceeding) = opened(&server);
    let path = format!("/v1/proceedings/{proceeding}");
    let accused = server.accused(&proceeding);
    let judged = recorded(&server, "minusma", &proceeding, &judgement(&accused[0], "convicted"));
    let before = server.store.now();
    server.pass(chrono::TimeDelta::minutes(1));
    let count = || {
        let lines = server.as_("verifier").get("/v1/statistics?unit=accused&by=stage").json()["cells"].clone();
        lines.as_array().unwrap().iter().map(|line| line["count"].as_i64().unwrap()).sum::<i64>()
    };
    let known = count();
    let ask = json!({"status": "withdrawn", "reason": "duplicate"});
    let decision = format!("{path}/accused/{}/decision", accused[0]);
    assert_eq!(server.as_("minusma").post(&decision, &ask).json()["withdrawal_proposed"], "duplicate");
    assert_eq!(server.as_("verifier").post(&decision, &ask).json()["status"], "withdrawn");
    assert_eq!(count(), known - 1);
    assert_eq!(server.as_("mali").get(&judged).json()["status"], "withdrawn");
    let shown = server.as_("mali").get(&path).json();
    assert_eq!(
        (&shown["accused"][0]["status"], &shown["stage_furthest"]),
        (&json!("withdrawn"), &json!("no_information"))
    );
    assert_eq!(server.as_("mali").get(&format!("/v1/cases/{case}")).json()["stage_furthest"], "no_information");
    let convicted = |cut_off| {
        let all = casque::policy::Scope::Everything;
        server.store.read(&all, |r| casque::briefing::figures(r, 2023, cut_off)).unwrap().persons.convicted
    };
    assert_eq!((convicted(before), convicted(server.store.now())), (1, 0));
}

#[test]
fn a_withdrawn_proceeding_stays_in_the_figures_of_an_earlier_cut_off() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    recorded(&server, "minusma", &proceeding, &judgement(&server.accused(&proceeding)[0], "convicted"));
    let before = server.store.now();
    server.pass(chrono::TimeDelta::minutes(1));
    for who in ["verifier", "releaser"] {
        let ask = json!({"status": "withdrawn", "reason": "duplicate"});
        assert_eq!(server.as_(who).post(&format!("/v1/proceedings/{proceeding}/decision"), &ask).status, 200);
    }
    let convicted = |cut_off| {
        let all = casque::policy::Scope::Everything;
        server.store.read(&all, |r| casque::briefing::figures(r, 2023, cut_off)).unwrap().persons.convicted
    };
    assert_eq!((convicted(before), convicted(server.store.now())), (1, 0));
}

#[test]
fn what_lies_before_its_cause_is_taken_once_it_is_confirmed() {
    let server = TestServer::start();
    let (incident, case, proceeding) = opened(&server);
    let sends = |path: &str, mut body: Value, pointer: &str, code: &str| {
        let odd = server.as_("minusma").post(path, &body);
        assert_eq!(odd.status, 409, "{path}: {}", odd.text);
        assert_eq!(
            (&odd.json()["errors"][0]["pointer"], &odd.json()["errors"][0]["code"]),
            (&json!(pointer), &json!(code))
        );
        body["confirm"] = json!([{"pointer": pointer, "code": code}]);
        let made = server.as_("minusma").post(path, &body);
        assert_eq!(made.status, 201, "{path}: {}", made.text);
    };
    let early = json!({"mission": "MINUSMA", "opened_on": "2022-03-03", "incidents": [incident]});
    sends("/v1/cases", early, "/opened_on", "before_incident");
    let early = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2021-12-01", "opened_on_precision": "month", "cases": [case]});
    sends("/v1/proceedings", early, "/opened_on", "before_incident");
    let early = json!({"kind": "arrest", "happened_on": "2021-05-01"});
    sends(&format!("/v1/proceedings/{proceeding}/steps"), early, "/happened_on", "before_proceeding");
    let path = format!("/v1/proceedings/{proceeding}");
    let shown = server.as_("minusma").get(&path);
    let moved = json!({"opened_on": "2021-01-01", "opened_on_precision": "day"});
    assert_eq!(server.as_("minusma").patch(&path, &moved, shown.etag()).status, 409);
}

#[test]
fn a_state_that_asks_is_answered_alike_whether_an_officer_asked_before_or_not() {
    let server = TestServer::start();
    let (_, _, proceeding) = opened(&server);
    let accused = server.accused(&proceeding)[0].clone();
    let judged = |by_officer: bool| {
        let path = recorded(&server, "mali", &proceeding, &judgement(&accused, "convicted"));
        let ask = json!({"status": "withdrawn", "reason": "wrong_value"});
        if by_officer {
            assert_eq!(server.as_("releaser").post(&format!("{path}/decision"), &ask).status, 200);
        }
        let answer = server.as_("mali").post(&format!("{path}/decision"), &ask);
        (answer.status, answer.json()["status"].clone())
    };
    assert_eq!(judged(true), judged(false));
}
