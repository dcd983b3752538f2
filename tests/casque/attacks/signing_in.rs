//! Getting in, and staying in.

use serde_json::json;

use crate::harness::TestServer;

#[test]
fn a49_whoever_is_signed_out_is_out_at_once() {
    let server = TestServer::start();
    let pair = server.sign_in("chad").json();
    let chad = server.with_token(pair["access_token"].as_str().unwrap());
    let id = chad.get("/v1/sessions").json()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(chad.get("/v1/incidents").status, 200);
    assert_eq!(server.as_("administrator").delete(&format!("/v1/sessions/{id}")).status, 204);
    assert_eq!(chad.get("/v1/incidents").status, 401, "its access token lives on, and is worth nothing");
    let refreshed = server.anonymous().post("/v1/sessions/refresh", &json!({"refresh_token": pair["refresh_token"]}));
    assert_eq!(refreshed.status, 401);
}

#[test]
fn a50_nothing_that_the_caller_invents_gives_more_attempts() {
    let server = TestServer::start();
    let mut statuses = Vec::new();
    for at in 0..12 {
        let client = server
            .anonymous()
            .with("x-forwarded-for", &format!("203.0.113.{at}"))
            .with("forwarded", &format!("for=203.0.113.{at}"))
            .with("x-real-ip", &format!("203.0.113.{at}"))
            .with("user-agent", &format!("client-{at}"));
        let email = ["chad@casque.example", "CHAD@casque.example", " chad@casque.example "][at % 3];
        statuses.push(client.post("/v1/sessions", &json!({"email": email, "password": "wrong"})).status);
        let invented = json!({"email": email, "password": "wrong", "device": at});
        assert_eq!(client.post("/v1/sessions", &invented).status, 400, "no password is compared");
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 7, "{statuses:?}");
}
