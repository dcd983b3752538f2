//! Every view as a whole, kept as people read it: what a mission, an officer and a State are shown of one record of each noun.

use std::fmt::Write as _;

use casque::domain::Noun;
use regex::Regex;

use crate::harness::{TestServer, rewriting};
use crate::nouns::{fixtures, recorded, scene};

/// What differs from run to run, by what it is.
fn steady(text: &str) -> String {
    let ways = [
        (r"\b(([A-Z]+-)?[A-Z]+-\d{4})-[0-9A-Z]{4}\b", "$1-····"),
        (r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "TIME"),
        (r#"("(?:handle|accused|corrects|replaced_by)": )"[0-9A-Z]{6}""#, "$1\"······\""),
    ];
    ways.iter().fold(text.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

#[test]
fn every_view_is_the_kept_one() {
    let server = TestServer::start();
    let about = scene(&server);
    let case = format!("/v1/cases/{}", about.case);
    let incident = server.as_("minusma").get(&case).json()["incidents"][0].as_str().unwrap().to_owned();
    let incident = format!("/v1/incidents/{incident}");
    let body = serde_json::json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [about.case]});
    let proceeding = recorded(&server, "minusma", "/v1/proceedings", &body);
    let made = |below: &str, body: serde_json::Value| {
        let made = server.as_("minusma").post(&format!("{proceeding}/{below}"), &body);
        assert_eq!(made.status, 201, "{}", made.text);
        format!("{proceeding}/{below}/{}", made.json()["handle"].as_str().unwrap())
    };
    let accused = made("accused", serde_json::json!({"incidents": [], "name": "canary-accused"}));
    let step = made("steps", serde_json::json!({"kind": "arrest", "happened_on": "2022-05-01"}));
    server.accepted(&proceeding);
    let child = |list: &str| {
        let listed = server.as_("minusma").get(&format!("{incident}/{list}")).json();
        format!("{incident}/{list}/{}", listed["items"][0]["handle"].as_str().unwrap())
    };
    let mut records = vec![
        (Noun::Incident, incident.clone()),
        (Noun::Victim, child("victims")),
        (Noun::Suspect, child("suspects")),
        (Noun::Case, case),
        (Noun::Proceeding, proceeding.clone()),
        (Noun::Accused, accused),
        (Noun::Step, step),
    ];
    for (noun, fixture) in fixtures() {
        let path = recorded(&server, fixture.by, &format!("/v1/{}", noun.path()), &(fixture.new)(&about));
        if noun.spec().proposed.is_some_and(|proposal| proposal.at.is_empty()) {
            server.accepted(&path);
        }
        records.push((noun, path));
    }
    let mut kept = String::new();
    for (noun, path) in records {
        let mut before: Option<String> = None;
        for who in ["minusma", "verifier", "mali"] {
            let shown = server.as_(who).get(&path);
            let view = if shown.status == 200 {
                steady(&serde_json::to_string_pretty(&shown.json()).unwrap())
            } else {
                shown.status.to_string()
            };
            let view =
                if before.as_ref() == Some(&view) { "as before".to_owned() } else { before.insert(view).clone() };
            writeln!(kept, "== {} as {who}\n{view}\n", noun.name()).unwrap();
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/casque/conformance/views.txt");
    if rewriting() {
        std::fs::write(file, &kept).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == expected,
        "a view changed. If that is meant, run with CASQUE_REWRITE=1 and review the difference:\n{kept}"
    );
}
