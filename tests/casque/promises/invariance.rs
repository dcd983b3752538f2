//! Only sealed values change; every request is repeated as everyone not entitled; the answers are the same, byte for byte,
//! headers and ETags included.

use casque::domain::{Noun, SealedField};
use seal::ClassCode;
use serde_json::{Map, json};

use super::canaries::{plant, questions};
use crate::harness::House;

/// Every field of a class of a noun, set anew.
fn anew(noun: Noun, class: ClassCode, text: &str) -> serde_json::Value {
    let fields = SealedField::of(noun).filter(|field| field.class == class);
    json!(Map::from_iter(fields.map(|field| (field.name.to_owned(), json!(text)))))
}

#[test]
fn an_edit_of_sealed_values_moves_nothing_for_those_who_may_not_open_them() {
    let house = House::start();
    let reference = plant(&house);
    let path = format!("/v1/incidents/{reference}");
    let victims = house.as_("minusma").get(&format!("{path}/victims")).json();
    let victim = format!("{path}/victims/{}", victims["items"][0]["handle"].as_str().unwrap());
    let suspects = house.as_("minusma").get(&format!("{path}/suspects")).json();
    let suspect = format!("{path}/suspects/{}", suspects["items"][0]["handle"].as_str().unwrap());
    let proceeding = format!("/v1/proceedings/{}", house.as_("minusma").get("/v1/proceedings").references()[0]);
    let case = format!("/v1/cases/{}", house.as_("minusma").get("/v1/cases").references()[0]);
    // The auditor's log does move: that something was edited is on the record.
    let unentitled = ["briefing", "mali", "chad", "guinea", "iceland", "unifil", "administrator"];
    let ask = || {
        let mut answers = Vec::new();
        for who in unentitled {
            for question in questions(&house, &reference) {
                // Mali may open what is sealed of a proceeding of its own: its ETag is meant to move.
                let entitled = who == "mali" && question.starts_with(&proceeding);
                if entitled || question.contains("checkpoint") || question.contains("statistics") {
                    continue;
                }
                let answer = house.as_(who).get(&question);
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
            (5, &format!("{proceeding}/accused/1"), Noun::Accused),
        ] {
            let mut body = anew(noun, class, "another, and longer");
            if noun == Noun::Incident && class == ClassCode::Confidential {
                body["region"] = json!("ML-7");
            }
            if body.as_object().unwrap().is_empty() {
                continue;
            }
            let edited = house.as_("minusma").patch(path, &body, "*");
            assert_eq!(edited.status, 200, "{at}: {}", edited.text);
        }
    }
    for (before, after) in before.iter().zip(ask()) {
        assert_eq!(*before, after);
    }
}

#[test]
fn an_edit_of_sealed_values_moves_the_etag_of_those_who_may() {
    let house = House::start();
    let reference = plant(&house);
    let path = format!("/v1/incidents/{reference}");
    let before = house.as_("minusma").get(&path);
    let edit = house.as_("minusma").patch(&path, &json!({"narrative": "another"}), before.etag());
    assert_eq!(edit.status, 200);
    assert_ne!(house.as_("minusma").get(&path).etag(), before.etag());
    assert_eq!(house.as_("minusma").patch(&path, &json!({"narrative": "third"}), before.etag()).status, 412);
}

#[test]
fn reading_opens_nothing() {
    // Decryptions are counted by the opener itself: only the disclosure in `plant` may have moved it.
    let house = House::start();
    let reference = plant(&house);
    let opened = house.opened();
    for account in house.accounts() {
        for question in questions(&house, &reference) {
            house.as_(&account.email).get(&question);
        }
    }
    assert_eq!(house.opened(), opened);
}
