//! Writes that ask.

use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn a14_no_error_speaks_of_the_database() {
    let server = TestServer::start();
    let broken = [
        json!({"victims": [{"category": "contingent_troop", "states": ["ZZZ"], "outcome": "killed"}]}),
        json!({"others_killed": -1}),
        json!({"others_killed": 9_999_999_999_i64}),
        json!({"region": "canary-region"}),
        json!({"noticas_id": "canary\u{0}null"}),
        json!({"noticas_id": "x".repeat(100_000)}),
        json!({"occurred_on": "0000-00-00"}),
        json!({"mission": "CANARY"}),
    ];
    for change in broken {
        let mut body = ambush();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = server.as_("minusma").post("/v1/incidents", &body);
        assert_eq!(answer.status, 400, "{change}: {}", answer.text);
        let said = answer.text.to_lowercase();
        for word in
            ["constraint", "unique", "foreign key", "sqlite", "postgres", "incident_edition", "canary", "diesel"]
        {
            assert!(!said.contains(word), "{word}: {}", answer.text);
        }
    }
}

#[test]
fn a15_a_hidden_twin_changes_no_answer() {
    let server = TestServer::start();
    let report = |mission: &str| {
        let mut body = ambush();
        body["mission"] = json!(mission);
        body["noticas_id"] = json!("NOTICAS-2022-0001");
        for place in ["region", "exact_place", "coordinates"] {
            body.as_object_mut().unwrap().remove(place);
        }
        body
    };
    let alone = server.as_("unifil").post("/v1/incidents", &report("UNIFIL"));
    server.report("minusma", &report("MINUSMA"));
    let twin = server.as_("unifil").post("/v1/incidents", &report("UNIFIL"));
    assert_eq!((alone.status, twin.status), (201, 201), "{}", twin.text);
    let names = |answer: &crate::harness::Answer| -> Vec<String> {
        answer.headers.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&alone), names(&twin));
}

#[test]
fn a42_an_idempotency_key_gives_nobody_anothers_answer() {
    let server = TestServer::start();
    let key = "0123456789abcdef-one-key";
    let send = |who: &str| server.as_(who).with("idempotency-key", key).post("/v1/incidents", &ambush());
    let first = send("minusma");
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(send("minusma").json()["reference"], first.json()["reference"], "one's own is one's own");
    let other = send("senior");
    assert_eq!(other.status, 201, "{}", other.text);
    assert_ne!(other.json()["reference"], first.json()["reference"]);
    assert_eq!(send("unifil").status, 403, "as if there were no such key");
    let elsewhere = server.as_("minusma").with("idempotency-key", key).post("/v1/disclosures", &json!({}));
    assert_eq!(elsewhere.status, 400, "a key is bound to its route");
}

#[test]
fn a43_a_precondition_tells_nothing_of_what_one_may_not_see() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let etag = server.as_("minusma").get(&format!("/v1/incidents/{reference}")).etag().to_owned();
    for who in ["unifil", "chad", "mali"] {
        let tried = |reference: &str, etag: &str| {
            let answer =
                server.as_(who).patch(&format!("/v1/incidents/{reference}"), &json!({"means": "not_known"}), etag);
            (answer.status, answer.text, answer.headers)
        };
        let absent = tried("MINUSMA-2022-ZZZZ", "\"00\"");
        assert_eq!(absent.0, 404);
        for guess in [etag.as_str(), "*", "\"00\""] {
            assert_eq!(tried(&reference, guess), absent, "{guess} as {who}");
        }
    }
    assert_eq!(
        server
            .as_("minusma")
            .patch(&format!("/v1/incidents/{reference}"), &json!({"means": "not_known"}), &etag)
            .status,
        200
    );
}

#[test]
fn a44_what_is_not_asked_for_is_not_taken() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    for member in [
        "status",
        "reference",
        "id",
        "edition",
        "author",
        "author_id",
        "verifier_id",
        "released_at",
        "updated_at",
        "class",
        "scope",
        "role",
        "graded",
        "withheld_from",
        "is_released",
        "public_file",
        "summary",
        "held",
    ] {
        let pointer = format!("/{member}");
        let mut body = ambush();
        body[member] = json!("released");
        let made = server.as_("minusma").post("/v1/incidents", &body);
        assert_eq!((made.status, made.pointers().contains(&pointer)), (400, true), "{member}: {}", made.text);
        let path = format!("/v1/incidents/{reference}");
        let edited = server.as_("minusma").patch(&path, &json!({member: "released"}), "*");
        assert_eq!((edited.status, edited.pointers().contains(&pointer)), (400, true), "{member}: {}", edited.text);
        let account = server.account("minusma");
        let body = json!({"email": account.email, "password": account.password, member: "administrator"});
        assert_eq!(server.anonymous().post("/v1/sessions", &body).status, 400, "{member}");
    }
    assert_eq!(server.as_("minusma").get(&format!("/v1/incidents/{reference}")).json()["status"], "draft");
}
