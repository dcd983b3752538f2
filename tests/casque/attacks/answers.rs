//! What answers could tell beside what they say.

use serde_json::json;

use crate::harness::{Answer, TestServer, ambush};
use crate::promises::canaries::{plant, questions};

/// What can be told apart of an answer.
fn shape(answer: &Answer) -> (u16, &str, &[(String, String)]) {
    (answer.status, &answer.text, &answer.headers)
}

#[test]
fn a17_what_one_may_not_see_is_as_what_is_not_there() {
    let server = TestServer::start();
    let draft = server.report("minusma", &ambush());
    let released = server.report("minusma", &ambush());
    server.release("minusma", &released);
    let absent = "MINUSMA-2022-ZZZZ";
    for (who, hidden) in
        [("chad", &draft), ("mali", &draft), ("unifil", &draft), ("iceland", &released), ("auditor", &released)]
    {
        let client = server.as_(who);
        assert_eq!(client.get("/v1/me").status, 200);
        let asked = |reference: &str| {
            let path = format!("/v1/incidents/{reference}");
            let ask =
                json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up"});
            let mut answers: Vec<Answer> = ["", "/victims", "/suspects", "/history", "/source-rows"]
                .iter()
                .map(|tail| client.get(&format!("{path}{tail}")))
                .collect();
            answers.push(client.patch(&path, &json!({"means": "small_arms"}), "*"));
            answers.push(client.patch_bare(&path, &json!({"means": "small_arms"})));
            answers.push(client.post(&format!("{path}/transitions"), &json!({"to": "submitted"})));
            answers.push(server.disclose(who, &ask));
            answers.push(client.with("if-none-match", "\"00\"").get(&path));
            answers
        };
        for (there, not) in asked(hidden).iter().zip(&asked(absent)) {
            assert_eq!(shape(there), shape(not), "as {who}");
        }
    }
}

#[test]
fn a19_an_etag_confirms_no_guess_and_no_error_has_one() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let inside = server.as_("minusma").get(&path).etag().to_owned();
    let chad = server.as_("chad");
    assert_eq!(chad.with("if-none-match", &inside).get(&path).status, 200, "another's tag fits nothing of one's own");
    assert_eq!(server.as_("iceland").with("if-none-match", &inside).get(&path).status, 404);
    for path in [&path, "/v1/nothing", "/v1/incidents?nonsense=1"] {
        assert!(server.as_("iceland").get(path).header("etag").is_none(), "{path}");
    }
}

#[test]
fn a21_nothing_is_kept_by_a_cache_on_the_way() {
    let server = TestServer::start();
    let reference = plant(&server);
    for who in ["minusma", "chad", "auditor"] {
        for path in questions(&server, &reference) {
            let answer = server.as_(who).get(&path);
            let public = answer.status == 200 && (path == "/v1/vocabulary" || path == "/v1/states");
            let said = if public { "private, max-age=3600" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), Some(said), "{path} as {who}");
        }
    }
}

#[test]
fn a26_a_state_is_not_shown_whom_else_a_record_concerns() {
    let server = TestServer::start();
    let reference = plant(&server);
    server.release("minusma", &reference);
    let everybodys = ["/v1/states", "/v1/missions", "/v1/vocabulary", "/v1/policy", "/v1/openapi.json"];
    let chad = server.as_("chad");
    assert!(chad.get(&format!("/v1/incidents/{reference}")).text.contains("\"TCD\""), "its own it is shown");
    for path in questions(&server, &reference) {
        if !everybodys.iter().any(|open| path.starts_with(open)) {
            let answer = chad.get(&path);
            assert!(!answer.text.contains("\"GIN\""), "{path}: {}", answer.text);
        }
    }
}

#[test]
fn a45_references_count_nothing() {
    let server = TestServer::start();
    let made: Vec<String> = (0..40).map(|_| server.report("minusma", &ambush())).collect();
    let ends: Vec<&str> = made.iter().map(|reference| reference.rsplit('-').next().unwrap()).collect();
    let rising = ends.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((8..=31).contains(&rising), "in no order: {ends:?}");
    let firsts: std::collections::BTreeSet<char> = ends.iter().filter_map(|end| end.chars().next()).collect();
    assert!(firsts.len() > 12, "from all over: {ends:?}");
}

#[test]
fn a53_health_says_nothing_and_the_description_says_the_interface() {
    let server = TestServer::start();
    let (outside, inside) = (server.anonymous().get("/healthz"), server.as_("administrator").get("/healthz"));
    assert_eq!(shape(&outside), shape(&inside));
    for path in ["/metrics", "/v1/metrics", "/version", "/v1/version", "/debug", "/v1/info"] {
        assert!([401, 404].contains(&server.anonymous().get(path).status), "{path}");
    }
    assert!(outside.header("server").is_none());
}

#[test]
fn answers_carry_the_headers_that_browsers_obey_and_let_no_other_origin_in() {
    let server = TestServer::start();
    let (chad, nobody) = (server.as_("chad"), server.anonymous());
    let answers = [
        chad.get("/v1/me"),
        chad.get("/v1/incidents?format=csv"),
        chad.get("/v1/nothing"),
        chad.post("/v1/incidents", &json!({})),
        nobody.get("/v1/me"),
        nobody.get("/healthz"),
        nobody.get("/v1/openapi.json"),
        nobody.get("/docs/"),
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{}: {name}", answer.text);
        }
        let policy = answer.header("content-security-policy").unwrap();
        for rule in ["object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
    }
    let from_elsewhere = chad.with("origin", "https://elsewhere.example");
    let preflight = from_elsewhere.with("access-control-request-method", "GET");
    for answer in [from_elsewhere.get("/v1/me"), preflight.get("/v1/me"), preflight.options("/v1/incidents")] {
        assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")), "{:?}", answer.headers);
    }
    assert_eq!(preflight.options("/v1/incidents").status, 405);
}
