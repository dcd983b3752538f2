//! Only sealed values change; every request is repeated as everyone not entitled; the answers are the same, byte for byte,
//! headers and ETags included.

use casque::domain::{Noun, SealedField, Shape};
use regex::Regex;
use seal::ClassCode;
use serde_json::{Map, Value, json};

use super::canaries::{plant, questions};
use crate::harness::{TestServer, ambush};

/// Every field of a class of a noun, set anew.
fn anew(noun: Noun, class: ClassCode, text: &str) -> serde_json::Value {
    let fields = SealedField::of(noun).filter(|field| field.class == class && field.typed);
    let fit = |field: &SealedField| match field.shape {
        Shape::Text => text,
        Shape::Coordinates => "-12.5, 100.25",
        Shape::BirthDate => "1901-12-31",
    };
    json!(Map::from_iter(fields.map(|field| (field.name.to_owned(), json!(fit(field))))))
}

#[test]
fn an_edit_of_sealed_values_moves_nothing_for_those_who_may_not_open_them() {
    let server = TestServer::start();
    let reference = plant(&server);
    let path = format!("/v1/incidents/{reference}");
    let victims = server.as_("minusma").get(&format!("{path}/victims")).json();
    let victim = format!("{path}/victims/{}", victims["items"][0]["handle"].as_str().unwrap());
    let suspects = server.as_("minusma").get(&format!("{path}/suspects")).json();
    let suspect = format!("{path}/suspects/{}", suspects["items"][0]["handle"].as_str().unwrap());
    let proceeding = format!("/v1/proceedings/{}", server.as_("minusma").get("/v1/proceedings").references()[0]);
    let case = format!("/v1/cases/{}", server.as_("minusma").get("/v1/cases").references()[0]);
    // The auditor's log does move: that something was edited is on the record.
    let unentitled = ["briefing", "mali", "chad", "guinea", "iceland", "unifil", "administrator"];
    let ask = || {
        let mut answers = Vec::new();
        for who in unentitled {
            for question in questions(&server, &reference) {
                // Mali may open what is sealed of a proceeding of its own: its ETag is meant to move.
                let of_it = question.starts_with(&proceeding) || question.contains("/dossier");
                let entitled = who == "mali" && of_it;
                if entitled || question.contains("checkpoint") || question.contains("statistics") {
                    continue;
                }
                let answer = server.as_(who).get(&question);
                answers.push((who, question, answer.status, answer.headers, answer.text));
            }
        }
        answers
    };
    let before = ask();
    assert!(before.len() > 200, "{} request shapes", before.len());
    for class in ClassCode::ALL {
        for (at, path, noun) in [
            (0, &path, Noun::Incident),
            (1, &victim, Noun::Victim),
            (2, &suspect, Noun::Suspect),
            (3, &proceeding, Noun::Proceeding),
            (4, &case, Noun::Case),
            (5, &format!("{proceeding}/accused/{}", server.accused(&proceeding[16..])[0]), Noun::Accused),
        ] {
            let mut body = anew(noun, class, "another, and longer");
            if noun == Noun::Incident && class == ClassCode::Confidential {
                body["region"] = json!("ML-7");
            }
            if body.as_object().unwrap().is_empty() {
                continue;
            }
            let edited = server.as_("minusma").patch(path, &body, "*");
            assert_eq!(edited.status, 200, "{at}: {}", edited.text);
        }
    }
    for (before, after) in before.iter().zip(ask()) {
        assert_eq!(*before, after);
    }
}

#[test]
fn an_edit_of_sealed_values_moves_the_etag_of_those_who_may() {
    let server = TestServer::start();
    let reference = plant(&server);
    let path = format!("/v1/incidents/{reference}");
    let before = server.as_("minusma").get(&path);
    let edit = server.as_("minusma").patch(&path, &json!({"narrative": "another"}), before.etag());
    assert_eq!(edit.status, 200);
    assert_ne!(server.as_("minusma").get(&path).etag(), before.etag());
    assert_eq!(server.as_("minusma").patch(&path, &json!({"narrative": "third"}), before.etag()).status, 412);
}

#[test]
fn reading_opens_nothing() {
    // Decryptions are counted by the opener itself: only the disclosure in `plant` may have moved it.
    let server = TestServer::start();
    let reference = plant(&server);
    let (opened, mut answered) = (server.opened(), 0);
    for account in server.accounts() {
        for question in questions(&server, &reference) {
            answered += u32::from(server.as_(&account.email).get(&question).status == 200);
        }
    }
    assert!(answered > 500, "{answered} questions were answered: a refusal opens nothing anyway");
    assert_eq!(server.opened(), opened);
}

/// The two gravest fields of a victim.
const GRAVEST: [&str; 2] = ["medical_detail", "sexual_violence_detail"];

/// What the database's owner sees of an incident's victim and history: sizes, masks, numbers of keys.
fn rows(server: &TestServer, reference: &str) -> Vec<String> {
    let of = format!("(SELECT id FROM incident_edition WHERE reference = '{reference}')");
    let root = format!("(SELECT id FROM incident WHERE reference = '{reference}')");
    let mut asked: Vec<String> = SealedField::of(Noun::Victim)
        .map(|field| {
            let code = field.code;
            server.asked(&format!(
                "SELECT CAST(COUNT(*) * 1000000 + COALESCE(SUM(LENGTH(bytes)), 0) AS TEXT) FROM sealed_value \
                 WHERE field = {code} AND holder_id IN (SELECT id FROM victim WHERE edition_id IN {of})"
            ))
        })
        .collect();
    asked.push(server.asked(&format!("SELECT MAX(sealed_changes) FROM revision WHERE root_id = {root}")));
    asked.push(server.asked(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM revision WHERE root_id = {root}")));
    asked.push(server.asked(&format!(
        "SELECT CAST(COUNT(*) AS TEXT) FROM data_key WHERE record_id IN (SELECT victim_id FROM victim WHERE edition_id IN {of})"
    )));
    asked
}

/// What everybody is answered about an incident, without ids, times and handles.
fn answers(server: &TestServer, reference: &str) -> Vec<(String, String)> {
    let path = format!("/v1/incidents/{reference}");
    let listed = server.as_("minusma").get(&format!("{path}/victims")).json();
    let handle = listed["items"][0]["handle"].as_str().unwrap().to_owned();
    let ids = Regex::new("[0-9a-f]{32,64}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\\+00:00)?").unwrap();
    let mut answers = Vec::new();
    for who in ["minusma", "verifier", "briefing", "senior", "chad", "mali", "auditor"] {
        let questions = [
            path.clone(),
            format!("{path}/victims"),
            format!("{path}/victims/{handle}"),
            format!("{path}/history"),
            "/v1/audit?action=incident.create&limit=1".to_owned(),
            "/v1/audit?action=victim.edit&limit=1".to_owned(),
        ];
        for question in questions {
            let text = server.as_(who).get(&question).text.replace(reference, "REFERENCE").replace(&handle, "HANDLE");
            answers.push((
                format!("{who} {}", question.replace(reference, "REFERENCE").replace(&handle, "HANDLE")),
                ids.replace_all(&text, "ID").into_owned(),
            ));
        }
    }
    answers
}

/// The entry's place in the log tells only that it is later; and the one report looks like the other, as it should.
fn without_places(answers: Vec<(String, String)>) -> Vec<(String, String)> {
    let instance = Regex::new("\"(leaf|next)\":[^,}]*|\"likely_duplicates\":\\[[^\\]]*\\]").unwrap();
    answers.into_iter().map(|(asked, text)| (asked, instance.replace_all(&text, "PLACE").into_owned())).collect()
}

#[test]
fn two_reports_that_differ_only_in_what_is_gravest_are_equal_to_everybody() {
    let server = TestServer::start();
    let report = |gravest: &[(&str, &str)]| {
        let mut body = ambush();
        body["victims"].as_array_mut().unwrap().truncate(1);
        body["suspects"] = json!([]);
        for name in GRAVEST {
            body["victims"][0].as_object_mut().unwrap().remove(name);
        }
        for (name, text) in gravest {
            body["victims"][0][*name] = json!(text);
        }
        let reference = server.report("minusma", &body);
        server.settle_audit();
        let seen = (rows(&server, &reference), without_places(answers(&server, &reference)));
        (reference, seen)
    };
    let long = "MADE-UP. ".repeat(200);
    let (plain, none) = report(&[]);
    for gravest in [
        vec![(GRAVEST[0], "MADE-UP.")],
        vec![(GRAVEST[1], long.as_str())],
        vec![(GRAVEST[1], "MADE-UP."), (GRAVEST[0], long.as_str())],
    ] {
        let (_, some) = report(&gravest);
        assert_eq!(none.0, some.0, "{gravest:?}");
        for (one, other) in none.1.iter().zip(&some.1) {
            assert_eq!(one, other, "{gravest:?}");
        }
    }

    // An edit of one of them is as an edit of a name is.
    let edit = |reference: &str, body: Value| {
        let path = format!("/v1/incidents/{reference}/victims");
        let listed = server.as_("minusma").get(&path).json();
        let path = format!("{path}/{}", listed["items"][0]["handle"].as_str().unwrap());
        let shown = server.as_("minusma").get(&path);
        assert_eq!(server.as_("minusma").patch(&path, &body, shown.etag()).status, 200);
        server.settle_audit();
        (rows(&server, reference), without_places(answers(&server, reference)))
    };
    let (grave, _) = report(&[(GRAVEST[0], "MADE-UP.")]);
    let later = |answers: Vec<(String, String)>| -> Vec<(String, String)> {
        answers.into_iter().filter(|(asked, _)| !asked.contains("action=incident.create")).collect()
    };
    let (named, graved) = (edit(&plain, json!({"name": "MADE-UP ONE"})), edit(&grave, json!({"medical_detail": long})));
    assert_eq!((named.0, later(named.1)), (graved.0, later(graved.1)));
    let edit_of_rank = edit(&grave, json!({"rank": "MADE-UP"}));
    assert!(
        !edit_of_rank
            .1
            .iter()
            .any(|(_, text)| GRAVEST.iter().any(|name| text.contains(&format!("\"sealed\":[\"{name}"))))
    );

    // A write that does not name it leaves it as it was.
    let ask = json!({"record": format!("incidents/{grave}"), "class": "strictly_confidential", "purpose": "follow_up"});
    let opened = server.disclose("minusma", &ask).json();
    let victim = opened["opened"].as_array().unwrap().iter().find(|one| one["fields"]["medical_detail"].is_string());
    assert_eq!(victim.unwrap()["fields"]["medical_detail"], long, "{opened}");
}
