//! What a client sends back without having been shown it empties nothing, in any noun; and what was done once is not done twice.

use casque::domain::{Noun, SealedField};
use serde_json::{Value, json};
use strum::VariantArray as _;

use crate::harness::TestServer;
use crate::promises::canaries::plant;

/// Each record with sealed fields that a PATCH changes: its noun and path.
fn records(server: &TestServer) -> Vec<(Noun, String)> {
    let incident = plant(server);
    let first = |path: &str, id: &str| {
        let list = server.as_("verifier").get(path).json();
        let id = list["items"][0][id].clone();
        format!("{path}/{}", id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let below = format!("/v1/incidents/{incident}");
    let proceeding = first("/v1/proceedings", "reference");
    let scene = [
        (Noun::Incident, below.clone()),
        (Noun::Victim, first(&format!("{below}/victims"), "handle")),
        (Noun::Suspect, first(&format!("{below}/suspects"), "handle")),
        (Noun::Case, first("/v1/cases", "reference")),
        (Noun::Proceeding, proceeding.clone()),
        (Noun::Accused, first(&format!("{proceeding}/accused"), "handle")),
    ];
    let others = super::fixtures().map(|(noun, _)| (noun, first(&format!("/v1/{}", noun.path()), "reference")));
    scene.into_iter().chain(others.collect::<Vec<_>>()).collect()
}

/// Who changes a record of the noun: what a State proposes, an officer corrects; else whoever records it.
fn who(noun: Noun) -> &'static str {
    match super::fixture(noun) {
        Some(fixture) if fixture.propose.is_some() => "verifier",
        Some(fixture) => fixture.by,
        None => "minusma",
    }
}

#[test]
fn null_or_nothing_in_a_patch_empties_no_sealed_field_of_any_noun() {
    let server = TestServer::start();
    let records = records(&server);
    for noun in Noun::VARIANTS.iter().filter(|noun| !matches!(noun, Noun::Disclosure | Noun::Step)) {
        assert!(records.iter().any(|(known, _)| known == noun), "{noun:?} has no record here");
    }
    for (noun, path) in &records {
        let client = server.as_(who(*noun));
        let before = client.get(path);
        assert_eq!(before.status, 200, "{path}: {}", before.text);
        for field in SealedField::of(*noun).filter(|field| field.typed) {
            for nothing in [Value::Null, json!(""), json!("  ")] {
                let refused = client.patch(path, &json!({field.name: nothing}), before.etag());
                assert_eq!((refused.status, refused.pointers()), (400, vec![format!("/{}", field.name)]), "{path}");
                assert!(refused.text.contains("name it in clear"), "{}", refused.text);
            }
        }
        assert_eq!(client.get(path).text, before.text, "nothing was changed");
        let wrong = client.patch(path, &json!({"clear": ["/nothing", "narrative"]}), before.etag());
        assert_eq!((wrong.status, wrong.pointers()), (400, vec!["/clear".to_owned()]), "{path}");
    }
}

#[test]
fn a_sealed_field_is_emptied_by_its_pointer_in_this_edition_alone() {
    let server = TestServer::start();
    let records = records(&server);
    for (noun, path) in &records {
        let client = server.as_(who(*noun));
        let before = client.get(path);
        let marker = |answer: &Value, name: &str| answer[name]["held"].clone();
        let held: Vec<&str> = SealedField::of(*noun)
            .filter(|field| field.typed)
            .map(|field| field.name)
            .filter(|name| marker(&before.json(), name) == true)
            .collect();
        let Some(name) = held.first() else { continue };
        let body = json!({"clear": [format!("/{name}")]});
        let cleared = client.patch(path, &body, before.etag());
        assert_eq!(cleared.status, 200, "{path}: {}", cleared.text);
        assert_eq!(marker(&cleared.json(), name), false, "{path}: {name}");
        for other in &held[1..] {
            assert_eq!(marker(&cleared.json(), other), true, "{path}: {other} stays");
        }
        let both = json!({"clear": [format!("/{name}")], *name: "again"});
        assert_eq!(client.patch(path, &both, cleared.etag()).status, 400, "emptied and filled at once");
    }
    let victims = server.as_("minusma").get(&format!("{}/victims", records[0].1)).json();
    assert_eq!(victims["items"].as_array().unwrap().len(), 2, "null in a new record is as if it were left out");
}

#[test]
fn what_was_released_keeps_what_an_amendment_empties() {
    let server = TestServer::start();
    let reference = server.report("minusma", &crate::harness::ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let shown = server.as_("minusma").get(&path);
    let cleared = server.as_("minusma").patch(&path, &json!({"clear": ["/narrative"]}), shown.etag());
    assert_eq!(cleared.json()["narrative"]["held"], false);
    let released = server.as_("minusma").get(&format!("{path}?edition=released"));
    assert_eq!(released.json()["narrative"]["held"], true);
}

#[test]
fn every_post_is_done_once_under_its_key_and_answered_as_it_was() {
    let server = TestServer::start();
    let reference = plant(&server);
    let record = format!("incidents/{reference}");
    let send = |who: &str, key: &str, path: &str, body: &str| {
        let client = server.as_(who).with("idempotency-key", key).with("content-type", "application/json");
        client.post_text(path, body)
    };
    let count = |list: &str| server.as_("verifier").get(list).json()["items"].as_array().unwrap().len();
    // Compared as it was parsed.
    let incidents = format!(r#""incidents": ["{reference}"]"#);
    let one = format!(r#"{{"mission": "MINUSMA", "opened_on": "2022-03-20", {incidents}}}"#);
    let same = format!(r#"{{"opened_on":"2022-03-20",  {incidents},"mission":"MINUSMA"}}"#);
    let first = send("minusma", "a-key-of-16-chars", "/v1/cases", &one);
    let again = send("minusma", "a-key-of-16-chars", "/v1/cases", &same);
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text);
    assert_eq!(first.json()["reference"], again.json()["reference"]);
    // Of what is not one transaction with its key, too.
    let ask = format!(r#"{{"record": "{record}", "class": "strictly_confidential", "purpose": "verification"}}"#);
    let spaced = ask.replace(", ", " ,\n");
    let before = count("/v1/approvals");
    let (one, two) = (
        send("verifier", &"k".repeat(16), "/v1/approvals", &ask),
        send("verifier", &"k".repeat(16), "/v1/approvals", &spaced),
    );
    assert_eq!((one.status, two.status), (201, 201), "{}", two.text);
    assert_eq!(one.text, two.text);
    assert_eq!(count("/v1/approvals"), before + 1);
    let other = ask.replace("verification", "follow_up");
    assert_eq!(send("verifier", &"k".repeat(16), "/v1/approvals", &other).status, 409, "another body");
    let theirs = send("releaser", &"k".repeat(16), "/v1/approvals", &ask);
    assert_ne!(theirs.json()["id"], one.json()["id"], "another account");
    assert_eq!(send("verifier", "short", "/v1/approvals", &ask).status, 400);
    // A refused request does not use it up.
    let mistyped = ask.replace("verification", "nonsense");
    assert_eq!(send("verifier", &"r".repeat(16), "/v1/approvals", &mistyped).status, 400);
    assert_eq!(send("verifier", &"r".repeat(16), "/v1/approvals", &ask).status, 201);
    // What an answer held that is sealed or secret is kept nowhere.
    let open =
        json!({"record": record, "class": "confidential", "purpose": "follow_up", "code": server.code("minusma")});
    let opened = server.as_("minusma").with("idempotency-key", &"d".repeat(16)).post("/v1/disclosures", &open);
    assert_eq!(opened.status, 201, "{}", opened.text);
    let again = server.as_("minusma").with("idempotency-key", &"d".repeat(16)).post("/v1/disclosures", &open);
    assert_eq!(again.status, 409, "{}", again.text);
    assert!(again.text.contains("is not kept"), "{}", again.text);
    let kept = server.asked("SELECT count(*) FROM idempotency WHERE target LIKE '%canary%'");
    assert_eq!(kept, "0");
    // For 90 days.
    server.pass(chrono::TimeDelta::days(89));
    server.sign_in_again();
    assert_eq!(send("verifier", &"k".repeat(16), "/v1/approvals", &ask).text, one.text);
    server.pass(chrono::TimeDelta::days(2));
    server.sign_in_again();
    server.settle_audit();
    assert_eq!(server.asked("SELECT count(*) FROM idempotency WHERE route = '/v1/cases'"), "0", "and then it is gone");
    // Said of each in the description.
    let described = server.anonymous().get("/v1/openapi.json").json();
    for (path, item) in described["paths"].as_object().unwrap() {
        let Some(post) = item.get("post").filter(|post| post["security"].as_array().is_none()) else { continue };
        let named = post["parameters"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| one["name"] == "Idempotency-Key" && one["description"].as_str().unwrap().contains("90 days"))
        });
        assert!(named, "{path}");
    }
}
