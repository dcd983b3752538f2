//! The year's figures: what they say of dates known to the month, and of what changed in earlier years.

use casque::briefing::{Figures, figures, markdown};
use casque::policy::Scope;
use casque::store::CorrectionKind;
use serde_json::json;

use crate::harness::{TestServer, ambush};

fn of(server: &TestServer, year: i32) -> Figures {
    server.store.read(&Scope::Everything, |r| figures(r, year, r.now())).unwrap()
}

#[test]
fn a_month_is_printed_as_a_month_and_a_year_as_a_year() {
    let server = TestServer::start();
    let mut body = ambush();
    body["occurred_on"] = json!("2020-03-01");
    body["occurred_on_precision"] = json!("month");
    for at in 0..2 {
        body["victims"][at].as_object_mut().unwrap().remove("kin_notified_on");
        body["victims"][at]["outcome"] = json!("injured");
        body["victims"][at].as_object_mut().unwrap().remove("sex_of_dead");
        body["victims"][at].as_object_mut().unwrap().remove("state_notified_on");
    }
    let incident = server.report("minusma", &body);
    server.release("minusma", &incident);
    let made = |path: &str, body| {
        let made = server.as_("minusma").post(path, &body);
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()
    };
    let case = made("/v1/cases", json!({"mission": "MINUSMA", "opened_on": "2020-04-01", "incidents": [incident]}));
    let opened = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2020-01-01", "opened_on_precision": "year",
        "cases": [case["reference"]]});
    let proceeding = made("/v1/proceedings", opened)["reference"].as_str().unwrap().to_owned();
    let below = format!("/v1/proceedings/{proceeding}");
    let accused = made(&format!("{below}/accused"), json!({"incidents": [incident]}));
    let judged = json!({"kind": "judgement", "outcome": "acquitted", "accused": accused["handle"], "happened_on": "2020-01-01",
        "happened_on_precision": "year"});
    made(&format!("{below}/steps"), judged);
    server.accepted(&below);
    let figures = of(&server, 2020);
    let text = markdown(&figures);
    assert!(text.contains(&format!("| {incident} | March 2020 | MINUSMA |")), "{text}");
    assert!(text.contains(&format!("| 2020 | Mali | Not known | {proceeding} |")), "{text}");
    let json = serde_json::to_value(&figures).unwrap();
    assert_eq!(json["incidents"][0]["occurred_on_precision"], "month");
    assert_eq!(json["judgements"][0]["on_precision"], "year");
    let shown = server.as_("minusma").get(&format!("/v1/incidents/{incident}")).json();
    assert!(shown["summary"].as_str().unwrap().starts_with("In March 2020, "), "{}", shown["summary"]);
}

#[test]
fn an_incident_of_an_earlier_year_that_is_released_late_is_a_correction() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let this_year = chrono::Datelike::year(&server.store.now().date());
    let figures = of(&server, this_year);
    let late = &figures.corrections[0];
    assert_eq!(
        (late.kind, late.reference.as_str(), late.killed, late.injured),
        (CorrectionKind::Late, &*reference, [0, 1], [0, 1])
    );
    assert!(markdown(&figures).contains("| 2022 | MINUSMA | 1 | 1 | 1 | — | — |"), "{}", markdown(&figures));
    assert!(of(&server, 2022).corrections.is_empty(), "of its own year it is a figure");
}

#[test]
fn figures_are_drawn_up_by_the_secretariat_with_the_period_before_on_the_record() {
    let server = TestServer::start();
    let incident = server.report("minusma", &ambush());
    server.release("minusma", &incident);
    server.pass(chrono::TimeDelta::minutes(1));
    let then = server.store.now().and_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let drawn = |query: &str| server.as_("verifier").get(&format!("/v1/briefings/2378?{query}"));
    let before = drawn(&format!("period=2022&cut_off={then}"));
    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(before.json()["figures"]["by_mission"]["total"]["killed"], 1);
    assert_eq!(before.json()["before"]["from"], "2021-01-01");
    server.pass(chrono::TimeDelta::minutes(1));
    server.withdraw(&incident);
    assert_eq!(drawn(&format!("period=2022&cut_off={then}")).json(), before.json(), "what was said can be said again");
    assert_eq!(drawn("period=2022").json()["figures"]["by_mission"]["total"]["killed"], 0);
    let beside = drawn("period=2023").json();
    assert_eq!(beside["before"]["by_mission"]["total"]["killed"], 0);
    let text = drawn("period=2022&format=markdown");
    assert!(text.text.starts_with("# Crimes against peacekeepers: figures for 2022"), "{}", text.text);
    for who in ["minusma", "mali", "auditor", "administrator"] {
        assert_eq!(server.as_(who).get("/v1/briefings/2378?period=2022").status, 403, "{who}");
    }
    assert_eq!(drawn("").pointers(), ["/period"]);
    assert_eq!(drawn("period=2022&cut_off=2999-01-01").pointers(), ["/cut_off"]);
    assert_eq!(server.as_("verifier").get("/v1/briefings/2823?period=2022").status, 404);
    let log = server.as_("auditor").get("/v1/audit?action=briefing.read").json();
    let entries = log["items"].as_array().unwrap();
    assert_eq!(entries.len(), 5, "{log}");
    assert!(entries.iter().all(|entry| entry["subject"] == "briefings/2378"), "{log}");
}
