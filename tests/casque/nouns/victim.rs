//! Victims: what happened to a person, and what of it changes with time.

use serde_json::{Value, json};

use crate::harness::{Answer, TestServer, ambush};

/// A report whose only victim is this one.
fn report(victim: Value) -> Value {
    let mut body = ambush();
    body["victims"] = json!([victim]);
    body
}

fn abducted() -> Value {
    json!({"category": "military_observer", "states": ["TCD"], "outcome": "abducted", "kin_notified_on": "2022-03-05",
        "state_notified_on": "2022-03-05"})
}

fn pointers(server: &TestServer, victim: Value) -> Vec<String> {
    server.as_("minusma").post("/v1/incidents", &report(victim)).pointers()
}

/// The first victim of an incident: its path, and how it is shown to a mission.
fn victim(server: &TestServer, reference: &str) -> (String, Answer) {
    let list = format!("/v1/incidents/{reference}/victims");
    let handle = server.as_("minusma").get(&list).json()["items"][0]["handle"].as_str().unwrap().to_owned();
    let path = format!("{list}/{handle}");
    let shown = server.as_("minusma").get(&path);
    (path, shown)
}

fn changed(server: &TestServer, reference: &str, change: &Value) {
    let (path, shown) = victim(server, reference);
    let answer = server.as_("minusma").patch(&path, change, shown.etag());
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn returned(server: &TestServer, reference: &str) {
    let back = json!({"to": "returned", "reason": "wrong_value"});
    let answer = server.as_("verifier").post(&format!("/v1/incidents/{reference}/transitions"), &back);
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[test]
fn who_was_abducted_and_freed_stays_among_the_abducted_in_every_figure() {
    let server = TestServer::start();
    let reference = server.report("minusma", &report(abducted()));
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let shown = || {
        let shown = server.as_("chad").get(&path).json();
        (shown["abducted"].clone(), shown["still_held"].clone(), shown["summary"].as_str().unwrap().to_owned())
    };
    let (held, still, summary) = shown();
    assert_eq!((held, still), (json!(1), json!(1)));
    assert!(summary.contains("one abducted or missing, of whom one still held."), "{summary}");
    let figures = |year| {
        let all = casque::policy::Scope::Everything;
        server.store.read(&all, |r| casque::briefing::figures(r, year, r.now())).unwrap()
    };
    let flow = |year| {
        let held = figures(year).held;
        assert!(held.reconciles(), "{year}");
        (held.at_start, held.taken, held.ended, held.at_end)
    };
    assert_eq!((flow(2022), flow(2023)), ((0, 1, 0, 1), (1, 0, 0, 1)));
    server.pass(chrono::TimeDelta::minutes(1));
    changed(&server, &reference, &json!({"held_until": "2023-06-01", "held_end": "freed"}));
    server.release("minusma", &reference);
    let (held, still, summary) = shown();
    assert_eq!((held, still), (json!(1), json!(0)), "freed, and abducted all the same");
    assert!(summary.contains("one abducted or missing."), "{summary}");
    assert_eq!(figures(2022).by_mission.total.abducted, 1);
    assert_eq!((flow(2022), flow(2023), flow(2024)), ((0, 1, 0, 1), (1, 0, 1, 0), (0, 0, 0, 0)));
    let counted = server.as_("verifier").get("/v1/statistics?unit=victims&by=outcome").json()["cells"].clone();
    assert_eq!((&counted[0]["by"]["outcome"], &counted[0]["count"]), (&json!("abducted"), &json!(1)), "{counted}");
}

#[test]
fn a_death_in_captivity_moves_the_person_and_the_correction_says_so() {
    let server = TestServer::start();
    let reference = server.report("minusma", &report(abducted()));
    server.release("minusma", &reference);
    server.pass(chrono::TimeDelta::minutes(1));
    let died = json!({"outcome": "killed", "sex_of_dead": "male", "died_on": "2022-09-01", "held_until": "2022-09-01", "held_end": "died"});
    changed(&server, &reference, &died);
    let refused = server.release_tried("minusma", "verifier", "releaser", &reference);
    assert!(refused.text.contains("not both notified"), "the family was told of the abduction alone: {}", refused.text);
    returned(&server, &reference);
    changed(&server, &reference, &json!({"kin_notified_on": "2022-09-02", "state_notified_on": "2022-09-02"}));
    server.release("minusma", &reference);
    let all = casque::policy::Scope::Everything;
    let of = server.store.read(&all, |r| casque::briefing::figures(r, 2023, r.now())).unwrap();
    let corrected = of.corrections.iter().find(|one| one.kind == casque::store::CorrectionKind::Replaced).unwrap();
    assert_eq!((corrected.abducted, corrected.killed), ([1, 0], [0, 1]));
    let of = server.store.read(&all, |r| casque::briefing::figures(r, 2022, r.now())).unwrap();
    assert_eq!((of.held.taken, of.held.ended, of.held.at_end), (1, 1, 0), "held all the same");
}

#[test]
fn an_injured_person_who_dies_is_released_once_the_family_was_told_of_the_death() {
    let server = TestServer::start();
    let injured = json!({"category": "contingent_troop", "states": ["TCD"], "outcome": "gravely_injured",
        "kin_notified_on": "2022-03-05", "state_notified_on": "2022-03-05"});
    let reference = server.report("minusma", &report(injured));
    changed(&server, &reference, &json!({"outcome": "killed", "died_on": "2022-03-20"}));
    let refused = server.release_tried("minusma", "verifier", "releaser", &reference);
    assert_eq!(refused.status, 409, "{}", refused.text);
    returned(&server, &reference);
    changed(&server, &reference, &json!({"kin_notified_on": "2022-03-19", "state_notified_on": "2022-03-21"}));
    server.release("minusma", &reference);
    assert_eq!(
        server.as_("chad").get(&format!("/v1/incidents/{reference}/victims")).json()["items"][0]["died_on"],
        "2022-03-20"
    );
}

#[test]
fn dates_of_a_victim_that_cannot_be_are_refused_by_field() {
    let server = TestServer::start();
    let with = |more: Value| {
        let mut victim = abducted();
        victim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        victim
    };
    for (more, wrong) in [
        (json!({"died_on": "2022-03-05"}), vec!["/victims/0/died_on"]),
        (json!({"outcome": "killed", "died_on": "2022-03-03"}), vec!["/victims/0/died_on"]),
        (json!({"outcome": "killed", "held_until": "2022-04-01", "held_end": "freed"}), vec!["/victims/0/held_end"]),
        (json!({"held_until": "2022-04-01", "held_end": "died"}), vec!["/victims/0/held_end"]),
        (json!({"held_until": "2022-04-01"}), vec!["/victims/0/held_end"]),
        (json!({"held_end": "escaped"}), vec!["/victims/0/held_until"]),
        (json!({"outcome": "injured", "held_from": "2022-03-04"}), vec!["/victims/0/held_from"]),
        (json!({"held_from": "2022-03-01"}), vec!["/victims/0/held_from"]),
        (
            json!({"held_from": "2022-03-10", "held_until": "2022-03-09", "held_end": "found"}),
            vec!["/victims/0/held_until"],
        ),
        (json!({"kin_notified_on": "2019-03-06"}), vec!["/victims/0/kin_notified_on"]),
        (json!({"state_notified_on": "2022-03-02"}), vec!["/victims/0/state_notified_on"]),
        (json!({"died_on": "2999-01-01"}), vec!["/victims/0/died_on"]),
    ] {
        assert_eq!(pointers(&server, with(more.clone())), wrong, "{more}");
    }
    // A day earlier on another clock.
    let reference = server.report("minusma", &report(with(json!({"state_notified_on": "2022-03-03"}))));
    let (path, shown) = victim(&server, &reference);
    let early = server.as_("minusma").patch(&path, &json!({"held_from": "2022-01-01"}), shown.etag());
    assert_eq!(early.pointers(), ["/held_from"]);
    let incident = format!("/v1/incidents/{reference}");
    let shown = server.as_("minusma").get(&incident);
    let moved = server.as_("minusma").patch(&incident, &json!({"occurred_on": "2022-05-01"}), shown.etag());
    assert_eq!(moved.pointers(), ["/occurred_on"], "its victim would be notified before it");
}
