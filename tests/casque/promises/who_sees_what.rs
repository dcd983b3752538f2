//! The access matrix as people read it, kept in step: role × relation × state of the record × operation. A change of right
//! shows in review as a changed line of `who_sees_what.txt`.

use casque::domain::{Noun, Visibility};
use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

/// Who, and how it stands to the record.
const PEOPLE: [(&str, &str); 12] = [
    ("minusma", "focal point, own mission"),
    ("unifil", "focal point, other mission"),
    ("senior", "senior focal point"),
    ("verifier", "Secretariat, graded"),
    ("briefing", "Secretariat, not graded"),
    ("mali", "host State"),
    ("chad", "contributor"),
    ("guinea", "contributor, withheld from after release"),
    ("iceland", "State not concerned"),
    ("auditor", "auditor"),
    ("administrator", "administrator"),
    ("", "not signed in"),
];

fn asked(server: &TestServer, who: &str) -> crate::harness::Client {
    if who.is_empty() { server.anonymous() } else { server.as_(who) }
}

fn said(answer: &crate::harness::Answer) -> String {
    match answer.status {
        200 | 201 | 204 => "yes".into(),
        status => {
            let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            match body["detail"].as_str() {
                Some(detail) if status == 403 => format!("{status} {detail}"),
                _ => status.to_string(),
            }
        }
    }
}

fn lines(server: &TestServer, reference: &str, state: &str, table: &mut String) {
    let path = format!("/v1/incidents/{reference}");
    for (who, relation) in PEOPLE {
        let client = asked(server, who);
        let shown = client.get(&path);
        let listed = client.get("/v1/incidents");
        let listed = listed.status == 200 && listed.references().contains(&reference.to_owned());
        let victims = match client.get(&format!("{path}/victims")) {
            answer if answer.status == 200 => answer.json()["items"].as_array().unwrap().len().to_string(),
            _ => "-".into(),
        };
        let history = match client.get(&format!("{path}/history")) {
            answer if answer.status == 200 => answer.json()["items"].as_array().unwrap().len().to_string(),
            _ => "-".into(),
        };
        // An edit that changes nothing: it is allowed or refused as any other, and leaves the record as it is.
        let edit = said(&client.patch(&path, &json!({"means": "small_arms"}), "*"));
        let open = |class: &str| {
            let body = json!({"record": format!("incidents/{reference}"), "class": class, "purpose": "verification"});
            let answer = match who {
                "" => client.post("/v1/disclosures", &body),
                who => server.disclose(who, &body),
            };
            if answer.status != 201 {
                return said(&answer);
            }
            let body = answer.json();
            let mut names: Vec<String> = body["opened"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| {
                    let noun = match record["record"].as_str().unwrap() {
                        path if path.contains("/victims/") => "victim",
                        path if path.contains("/suspects/") => "suspect",
                        _ => "incident",
                    };
                    format!("{noun} ({})", record["fields"].as_object().unwrap().len())
                })
                .collect();
            names.dedup();
            names.join(", ")
        };
        table.push_str(&format!(
            "{state:<10} {relation:<42} read {:<5} listed {:<5} victims {victims:<2} history {history:<2} edit {edit:<40} opens confidential: {}; strictly: {}\n",
            said(&shown),
            if listed { "yes" } else { "no" },
            open("confidential"),
            open("strictly_confidential"),
        ));
    }
    table.push('\n');
}

#[test]
fn who_sees_what() {
    let server = TestServer::start();
    let mut table = String::new();
    let reference = server.report("minusma", &ambush());
    lines(&server, &reference, "draft", &mut table);
    server.moved("minusma", &reference, "submitted");
    lines(&server, &reference, "submitted", &mut table);
    server.moved("verifier", &reference, "verified");
    lines(&server, &reference, "verified", &mut table);
    server.moved("releaser", &reference, "released");
    for officer in ["verifier", "releaser"] {
        let body = json!({"states": ["GIN"], "reason": "safety_of_persons"});
        assert_eq!(server.prove(officer, &format!("/v1/incidents/{reference}/withholding"), &body).status, 200);
    }
    lines(&server, &reference, "released", &mut table);
    server.withdraw(&reference);
    lines(&server, &reference, "withdrawn", &mut table);
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/casque/promises/who_sees_what.txt");
    if crate::harness::rewriting() {
        std::fs::write(kept, &table).unwrap();
    }
    let expected = std::fs::read_to_string(kept).unwrap();
    assert!(
        table == expected,
        "rights changed. If that is meant, run with CASQUE_REWRITE=1 and let the changed lines be reviewed:\n{table}"
    );
}

#[test]
fn the_list_of_columns_decides_what_a_state_is_shown() {
    // If you are here because this failed: the specification of a noun says who may see a column, and its view does otherwise.
    let server = TestServer::start();
    let about = crate::nouns::scene(&server);
    let case = server.as_("minusma").get(&format!("/v1/cases/{}", about.case)).json();
    let incident = format!("/v1/incidents/{}", case["incidents"][0].as_str().unwrap());
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [about.case]});
    let proceeding = crate::nouns::recorded(&server, "minusma", "/v1/proceedings", &body);
    server.accepted(&proceeding);
    let mut records = vec![
        (Noun::Incident, incident.clone()),
        (Noun::Case, format!("/v1/cases/{}", about.case)),
        (Noun::Proceeding, proceeding),
    ];
    let victims = server.as_("minusma").get(&format!("{incident}/victims")).json();
    let victim = victims["items"][0]["handle"].as_str().unwrap();
    records.push((Noun::Victim, format!("{incident}/victims/{victim}")));
    for (noun, fixture) in crate::nouns::fixtures() {
        let path = format!("/v1/{}", noun.path());
        let record = crate::nouns::recorded(&server, fixture.by, &path, &(fixture.new)(&about));
        if noun.spec().proposed.is_some_and(|proposal| proposal.at.is_empty()) {
            server.accepted(&record);
        }
        records.push((noun, record));
    }
    let mut seen = [0, 0];
    for (noun, path) in records {
        let shown = |who: &str| server.as_(who).get(&path).json().as_object().unwrap().clone();
        let (inside, outside) = (shown("minusma"), shown("mali"));
        assert!(outside.contains_key("reference") || outside.contains_key("handle"), "{path}: {outside:?}");
        for member in inside.keys() {
            match noun.spec().visibility(member) {
                Visibility::Open => {
                    assert!(outside.contains_key(member), "{noun:?}: {member} is open, and not shown");
                    seen[0] += 1;
                }
                // Of whom a victim is, a State is shown as far as it is concerned; why its own proposal came back, too.
                Visibility::Scoped if ["states", "reason", "reason_fields"].contains(&member.as_str()) => {}
                Visibility::Scoped => {
                    assert!(!outside.contains_key(member), "{noun:?}: {member} is for mission and Secretariat");
                    seen[1] += 1;
                }
                Visibility::Sealed => panic!("{noun:?}: {member} is sealed"),
                // No column: a marker, a count, or what is made of several.
                Visibility::Internal => {}
            }
        }
    }
    assert!(seen[0] > 50 && seen[1] >= 4, "{seen:?}");
}
