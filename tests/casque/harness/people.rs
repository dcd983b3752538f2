//! People who join a server while a test runs.

use casque::identity::{code_at, step_at};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Answer, Client, TestServer};

/// The password that they choose.
pub const PASSWORD: &str = "seven umbrellas under one bridge";

impl TestServer {
    /// Makes an account, with both administrators' consent, and has its person choose a password: its id.
    pub fn newcomer(&self, body: &Value) -> String {
        let made = self.as_("administrator").post("/v1/accounts", body);
        assert_eq!(made.status, 201, "{}", made.text);
        if made.json()["waiting"].is_string() {
            self.approve(&made);
        }
        let id = made.json()["account"]["id"].as_str().unwrap().to_owned();
        self.join(&id);
        id
    }

    /// Approves a change that waits, as the other administrator.
    pub fn approve(&self, answer: &Answer) {
        let change = answer.json()["waiting"].as_str().unwrap().to_owned();
        let path = format!("/v1/account-changes/{change}/decision");
        let decided = self.prove("deputy", &path, &json!({"approve": true}));
        assert_eq!(decided.status, 200, "{}", decided.text);
    }

    /// Has an account choose its password by a one-time link.
    pub fn join(&self, id: &str) {
        let link = self.as_("administrator").post(&format!("/v1/accounts/{id}/invitations"), &json!({}));
        assert_eq!(link.status, 201, "{}", link.text);
        let body = json!({"token": link.json()["token"], "new_password": PASSWORD});
        let joined = self.anonymous().post("/v1/invitations/acceptance", &body);
        assert_eq!(joined.status, 204, "{}", joined.text);
    }

    /// Signs in without a second factor.
    pub fn arrive(&self, email: &str, password: &str) -> Client {
        let begun = self.anonymous().post("/v1/sessions", &json!({"email": email, "password": password}));
        assert_eq!(begun.status, 201, "{}", begun.text);
        self.with_token(begun.json()["access_token"].as_str().unwrap())
    }

    /// Signs in with a code of the present time.
    pub fn arrive_with(&self, email: &str, password: &str, secret: &str) -> Client {
        self.pass(TimeDelta::seconds(60));
        let code = code_at(secret, step_at(self.store.now())).unwrap();
        let body = json!({"email": email, "password": password, "code": code});
        let begun = self.anonymous().post("/v1/sessions", &body);
        assert_eq!(begun.status, 201, "{}", begun.text);
        self.with_token(begun.json()["access_token"].as_str().unwrap())
    }

    /// Signs in for the first time, and sets a second factor up: the client, its secret, and the recovery codes.
    pub fn enrol(&self, email: &str, password: &str) -> (Client, String, Vec<String>) {
        let client = self.arrive(email, password);
        let made = client.post("/v1/me/second-factor", &json!({"password": password}));
        assert_eq!(made.status, 201, "{}", made.text);
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        let code = code_at(&secret, step_at(self.store.now())).unwrap();
        let confirmed = client.post("/v1/me/second-factor/confirmation", &json!({"code": code}));
        assert_eq!(confirmed.status, 200, "{}", confirmed.text);
        let confirmed = confirmed.json();
        let codes = confirmed["recovery_codes"].as_array().unwrap().iter();
        (client, secret, codes.map(|code| code.as_str().unwrap().to_owned()).collect())
    }
}
