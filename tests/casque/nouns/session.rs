//! Signing in and out.

use chrono::TimeDelta;
use serde_json::json;

use crate::harness::House;

#[test]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let house = House::start();
    let sign_in = |email: &str| house.anonymous().post("/v1/sessions", &json!({"email": email, "password": "wrong"}));
    let (unknown, wrong) = (sign_in("nobody@casque.example"), sign_in("chad@casque.example"));
    assert_eq!((unknown.status, &unknown.text, &unknown.headers), (401, &wrong.text, &wrong.headers));
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn a_refresh_token_is_used_once_and_a_second_use_ends_the_session() {
    let house = House::start();
    let account = house.account("chad");
    let body = json!({"email": account.email, "password": account.password});
    let first = house.anonymous().post("/v1/sessions", &body).json();
    let refresh =
        |token: &serde_json::Value| house.anonymous().post("/v1/sessions/refresh", &json!({"refresh_token": token}));
    let second = refresh(&first["refresh_token"]);
    assert_eq!(second.status, 200, "{}", second.text);
    let access = second.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(house.with_token(&access).get("/v1/me").status, 200);
    assert_eq!(refresh(&first["refresh_token"]).status, 401, "used before: somebody has a copy");
    assert_eq!(house.with_token(&access).get("/v1/me").status, 401, "the whole session is over");
    assert_eq!(refresh(&second.json()["refresh_token"]).status, 401);
}

#[test]
fn signing_out_makes_the_tokens_worth_nothing() {
    let house = House::start();
    let chad = house.as_("chad");
    assert_eq!(chad.get("/v1/me").json()["state"], "TCD");
    assert_eq!(chad.delete("/v1/sessions/current").status, 204);
    assert_eq!(chad.get("/v1/me").status, 401);
}

#[test]
fn an_access_token_lives_fifteen_minutes_and_clocks_may_differ_by_one() {
    let house = House::start();
    let chad = house.as_("chad");
    house.pass(TimeDelta::minutes(15) + TimeDelta::seconds(30));
    assert_eq!(chad.get("/v1/me").status, 200);
    house.pass(TimeDelta::minutes(1));
    assert_eq!(chad.get("/v1/me").status, 401);
}

#[test]
fn tokens_that_this_service_did_not_sign_are_refused() {
    let house = House::start();
    let account = house.account("chad");
    let body = json!({"email": account.email, "password": account.password});
    let token = house.anonymous().post("/v1/sessions", &body).json()["access_token"].as_str().unwrap().to_owned();
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
        assert_eq!(house.with_token(&token).get("/v1/me").status, 401, "{token}");
    }
    let keys = house.anonymous().get("/.well-known/jwks.json").json();
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    assert!(keys["keys"][0].get("d").is_none(), "the public half only");
}

#[test]
fn everything_but_a_short_public_list_wants_a_token() {
    let house = House::start();
    let public = ["/healthz", "/readyz", "/.well-known/jwks.json", "/v1/openapi.json"];
    for path in public {
        assert_eq!(house.anonymous().get(path).status, 200, "{path}");
    }
    let description = house.anonymous().get("/v1/openapi.json").json();
    for (path, operations) in description["paths"].as_object().unwrap() {
        let path_filled =
            path.split('/').map(|part| if part.starts_with('{') { "X" } else { part }).collect::<Vec<_>>().join("/");
        if operations.get("get").is_some() && !public.contains(&path.as_str()) {
            assert!([401, 404].contains(&house.anonymous().get(&path_filled).status), "{path}");
        }
    }
    for path in ["/v1/me", "/v1/incidents", "/v1/states", "/v1/policy", "/v1/audit/checkpoint"] {
        assert_eq!(house.anonymous().get(path).status, 401, "{path}");
    }
}

#[test]
fn without_a_token_nothing_is_read_not_even_to_find_fault() {
    let house = House::start();
    for (path, body) in [("/v1/incidents", "{nonsense"), ("/v1/disclosures", "{}"), ("/v1/nothing", "{}")] {
        assert_eq!(house.anonymous().post_text(path, body).status, 401, "{path}");
    }
    assert_eq!(house.anonymous().get("/v1/states").header("www-authenticate"), Some("Bearer"));
    assert_eq!(house.anonymous().get("/v1/openapi.json").status, 200);
}
