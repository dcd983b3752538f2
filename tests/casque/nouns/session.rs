//! Signing in and out.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, TestServer};

#[test]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let server = TestServer::start();
    let sign_in = |email: &str| server.anonymous().post("/v1/sessions", &json!({"email": email, "password": "wrong"}));
    let (unknown, wrong) = (sign_in("nobody@casque.example"), sign_in("chad@casque.example"));
    assert_eq!((unknown.status, &unknown.text, &unknown.headers), (401, &wrong.text, &wrong.headers));
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
}

/// Begins a session of one's own: its pair of tokens.
fn begin(server: &TestServer, who: &str) -> Value {
    server.sign_in(who).json()
}

fn refresh(server: &TestServer, pair: &Value) -> Answer {
    server.anonymous().post("/v1/sessions/refresh", &json!({"refresh_token": pair["refresh_token"]}))
}

/// Whether a pair's access token is good.
fn is_in(server: &TestServer, pair: &Value) -> bool {
    let status = server.with_token(pair["access_token"].as_str().unwrap()).get("/v1/me").status;
    assert!([200, 401].contains(&status));
    status == 200
}

#[test]
fn a_refresh_token_is_used_once_and_a_second_use_ends_the_session() {
    let server = TestServer::start();
    let first = begin(&server, "chad");
    let second = refresh(&server, &first).json();
    assert!(is_in(&server, &second));
    server.pass(TimeDelta::seconds(31));
    assert_eq!(refresh(&server, &first).status, 401, "used before: somebody has a copy");
    assert!(!is_in(&server, &second), "the whole session is over");
    assert_eq!(refresh(&server, &second).status, 401);
}

#[test]
fn an_answer_lost_on_a_bad_link_signs_nobody_out() {
    let server = TestServer::start();
    let first = begin(&server, "minusma");
    let lost = refresh(&server, &first).json();
    server.pass(TimeDelta::seconds(20));
    let again = refresh(&server, &first);
    assert_eq!(again.status, 200, "{}", again.text);
    let third = refresh(&server, &again.json());
    assert_eq!(third.status, 200, "{}", third.text);
    assert_eq!(
        refresh(&server, &lost).status,
        401,
        "what the lost answer held is void, and whoever has it is no friend"
    );
    assert!(!is_in(&server, &third.json()));
}

#[test]
fn a_retry_is_forgiven_once_and_only_while_nobody_used_the_first_answer() {
    let server = TestServer::start();
    let first = begin(&server, "minusma");
    assert_eq!((refresh(&server, &first).status, refresh(&server, &first).status), (200, 200));
    assert_eq!(refresh(&server, &first).status, 401, "once");
    let first = begin(&server, "minusma");
    let second = refresh(&server, &first).json();
    assert_eq!(refresh(&server, &second).status, 200, "the first answer arrived");
    assert_eq!(refresh(&server, &first).status, 401);
    assert!(!is_in(&server, &second));
}

#[test]
fn a_session_ends_after_half_an_hour_without_a_refresh() {
    let server = TestServer::start();
    let first = begin(&server, "chad");
    server.pass(TimeDelta::minutes(29));
    let second = refresh(&server, &first);
    assert_eq!(second.status, 200, "{}", second.text);
    server.pass(TimeDelta::minutes(31));
    assert_eq!(refresh(&server, &second.json()).status, 401);
    let chad = server.with_token(begin(&server, "chad")["access_token"].as_str().unwrap());
    assert_eq!(chad.get("/v1/sessions").json()["items"].as_array().unwrap().len(), 1, "the idle one is not live");
}

#[test]
fn people_see_and_end_their_own_sessions_and_administrators_anyones() {
    let server = TestServer::start();
    let (here, there) = (begin(&server, "chad"), begin(&server, "chad"));
    let chad = server.with_token(here["access_token"].as_str().unwrap());
    let listed = chad.get("/v1/sessions").json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!((items.len(), &listed["next"]), (2, &Value::Null));
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    let other = items.iter().find(|item| item["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{other}");
    assert_eq!(server.as_("mali").delete(&path).status, 404, "another's is as one that never was");
    assert!(is_in(&server, &there), "nothing was ended");
    assert_eq!(chad.delete(&path).status, 204);
    assert!(!is_in(&server, &there));
    assert_eq!((chad.delete(&path).status, chad.delete("/v1/sessions/nonsense").status), (404, 404));

    let administrator = server.as_("administrator");
    let accounts = administrator.get("/v1/accounts?limit=200").json();
    let email = &server.account("chad").email;
    let chads = accounts["items"].as_array().unwrap().iter().find(|one| one["email"] == **email).unwrap();
    let path = format!("/v1/sessions?account={}", chads["id"].as_str().unwrap());
    assert_eq!(server.as_("mali").get(&path).status, 403);
    let theirs = administrator.get(&path).json();
    let id = theirs["items"][0]["id"].as_str().unwrap();
    assert_eq!(administrator.delete(&format!("/v1/sessions/{id}")).status, 204);
    assert!(!is_in(&server, &here));
    let nobodys = format!("/v1/sessions?account={}", "0".repeat(32));
    assert_eq!(administrator.get(&nobodys).status, 404);
    assert_eq!(
        administrator.get("/v1/sessions?account=chad@casque.example").pointers(),
        ["/account"],
        "no address in addresses"
    );
}

#[test]
fn who_guesses_passwords_waits_and_the_person_who_signed_in_from_there_does_not() {
    let server = TestServer::start();
    let guess = |email: &str| server.anonymous().post("/v1/sessions", &json!({"email": email, "password": "wrong"}));
    let statuses = |email: &str| (0..7).map(|_| guess(email).status).collect::<Vec<_>>();
    assert_eq!(statuses("chad@casque.example"), [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(statuses("nobody@casque.example"), [401, 401, 401, 401, 401, 429, 429], "an account or none: the same");
    let (known, unknown) = (guess("chad@casque.example"), guess("nobody@casque.example"));
    assert_eq!((known.status, &known.text), (429, &unknown.text));
    assert_eq!(known.json()["type"], "urn:casque:problem:throttled");
    let wait: u64 = known.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");

    begin(&server, "mali");
    assert_eq!((0..9).map(|_| guess(&server.account("mali").email).status).max(), Some(401));
    begin(&server, "mali");
}

#[test]
fn behind_a_proxy_the_caller_is_who_the_proxy_says_and_not_who_the_caller_says() {
    let server = TestServer::behind_proxy();
    let guess = |forwarded: &str| {
        let client = server.anonymous().with("x-forwarded-for", forwarded);
        client.post("/v1/sessions", &json!({"email": "chad@casque.example", "password": "wrong"})).status
    };
    assert_eq!((0..6).map(|at| guess(&format!("203.0.113.{at}, 198.51.100.7"))).max(), Some(429));
    assert_eq!(guess("198.51.100.7, 198.51.100.8"), 401, "another network");
}

#[test]
fn signing_out_makes_the_tokens_worth_nothing() {
    let server = TestServer::start();
    let chad = server.as_("chad");
    assert_eq!(chad.get("/v1/me").json()["state"], "TCD");
    assert_eq!(chad.delete("/v1/sessions/current").status, 204);
    assert_eq!(chad.get("/v1/me").status, 401);
}

#[test]
fn an_access_token_lives_fifteen_minutes_and_clocks_may_differ_by_one() {
    let server = TestServer::start();
    let chad = server.as_("chad");
    server.pass(TimeDelta::minutes(15) + TimeDelta::seconds(30));
    assert_eq!(chad.get("/v1/me").status, 200);
    server.pass(TimeDelta::minutes(1));
    assert_eq!(chad.get("/v1/me").status, 401);
}

#[test]
fn tokens_that_this_service_did_not_sign_are_refused() {
    let server = TestServer::start();
    let token = begin(&server, "chad")["access_token"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let none = encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let forged = [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!(
            "{}.{}.{}",
            parts[0],
            encode(r#"{"iss":"casque","aud":"casque-api","sub":"x","sid":"x","jti":"x","iat":0,"exp":9999999999}"#),
            parts[2]
        ),
        format!("{}.{}.{}", parts[0], parts[1], encode("not a signature")),
        String::new(),
        "x".repeat(10_000),
    ];
    for token in forged {
        assert_eq!(server.with_token(&token).get("/v1/me").status, 401, "{token}");
    }
    let keys = server.anonymous().get("/.well-known/jwks.json").json();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    assert!(keys["keys"][0].get("d").is_none(), "the public half only");
}

#[test]
fn everything_but_a_short_public_list_wants_a_token() {
    let server = TestServer::start();
    let public = ["/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/audit-keys", "/v1/openapi.json"];
    for path in public {
        assert_eq!(server.anonymous().get(path).status, 200, "{path}");
    }
    let description = server.anonymous().get("/v1/openapi.json").json();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let path_filled =
            path.split('/').map(|part| if part.starts_with('{') { "X" } else { part }).collect::<Vec<_>>().join("/");
        if operations.get("get").is_some() && !public.contains(&path.as_str()) {
            assert!([401, 404].contains(&server.anonymous().get(&path_filled).status), "{path}");
        }
    }
    for path in ["/v1/me", "/v1/incidents", "/v1/states", "/v1/policy", "/v1/audit/checkpoint"] {
        assert_eq!(server.anonymous().get(path).status, 401, "{path}");
    }
}

#[test]
fn without_a_token_nothing_is_read_not_even_to_find_fault() {
    let server = TestServer::start();
    for (path, body) in [("/v1/incidents", "{nonsense"), ("/v1/disclosures", "{}"), ("/v1/nothing", "{}")] {
        assert_eq!(server.anonymous().post_text(path, body).status, 401, "{path}");
    }
    assert_eq!(server.anonymous().get("/v1/states").header("www-authenticate"), Some("Bearer"));
    assert_eq!(server.anonymous().get("/v1/openapi.json").status, 200);
}

#[test]
fn blanks_that_people_type_are_not_held_against_them() {
    let server = TestServer::start();
    let account = server.account("mali");
    let code = server.code("mali");
    let body = json!({"email": format!(" {} ", account.email), "password": account.password,
        "code": format!("{} {} ", &code[..3], &code[3..])});
    let begun = server.anonymous().post("/v1/sessions", &body);
    assert_eq!(begun.status, 201, "{}", begun.text);
}
