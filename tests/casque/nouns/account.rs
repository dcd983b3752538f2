//! Accounts: joining, second factors, what one may do and for how long, and who decides on it.

use casque::identity::{code_at, step_at};
use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, TestServer, ambush};

fn today(server: &TestServer) -> NaiveDate {
    server.store.now().date()
}

fn create(server: &TestServer, who: &str, body: &Value) -> Answer {
    server.as_(who).post("/v1/accounts", body)
}

/// The id of an account that was made.
fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["account"]["id"].as_str().unwrap().to_owned()
}

/// The id of an account of the sample.
fn id_of(server: &TestServer, who: &str) -> String {
    let list = server.as_("administrator").get("/v1/accounts?limit=200").json();
    let email = &server.account(who).email;
    let one = list["items"].as_array().unwrap().iter().find(|one| one["email"] == **email).unwrap();
    one["id"].as_str().unwrap().to_owned()
}

fn status(server: &TestServer, id: &str) -> String {
    let shown = server.as_("administrator").get(&format!("/v1/accounts/{id}")).json();
    shown["status"].as_str().unwrap().to_owned()
}

fn sign_in(server: &TestServer, email: &str, code: Option<&str>) -> Answer {
    server.anonymous().post("/v1/sessions", &json!({"email": email, "password": PASSWORD, "code": code}))
}

#[test]
fn a_person_joins_by_a_one_time_link_and_sets_a_second_factor_up_before_anything_else() {
    let server = TestServer::start();
    let email = "new.auditor@casque.example";
    let made = create(&server, "administrator", &json!({"email": email, "name": "New auditor", "role": "auditor"}));
    let id = id(&made);
    assert_eq!(status(&server, &id), "awaiting_approval");
    server.approve(&made);
    assert_eq!(status(&server, &id), "invited");
    let link = server.as_("administrator").post(&format!("/v1/accounts/{id}/invitations"), &json!({})).json();
    let accept = |token: &Value, password: &str| {
        server.anonymous().post("/v1/invitations/acceptance", &json!({"token": token, "new_password": password}))
    };
    assert_eq!(accept(&link["token"], "new.auditor new.auditor").pointers(), ["/new_password"]);
    assert_eq!(accept(&link["token"], PASSWORD).status, 204);
    assert_eq!(accept(&link["token"], PASSWORD).status, 404, "good once");
    assert_eq!(accept(&json!("nonsense"), PASSWORD).status, 404);

    let begun = sign_in(&server, email, None);
    assert_eq!(begun.status, 201, "{}", begun.text);
    let client = server.with_token(begun.json()["access_token"].as_str().unwrap());
    assert_eq!(client.get("/v1/me").json()["assured"], false);
    for path in ["/v1/audit", "/v1/incidents", "/v1/vocabulary", "/v1/disclosures"] {
        let refused = client.get(path);
        assert_eq!(
            (refused.status, &refused.json()["type"]),
            (403, &json!("urn:casque:problem:second_factor")),
            "{path}"
        );
    }
    assert_eq!(client.post("/v1/me/second-factor", &json!({"password": "wrong"})).pointers(), ["/password"]);
    let made = client.post("/v1/me/second-factor", &json!({"password": PASSWORD})).json();
    assert!(made["url"].as_str().unwrap().starts_with("otpauth://totp/"));
    assert_eq!(client.post("/v1/me/second-factor/confirmation", &json!({"code": "000000"})).status, 403);
    assert_eq!(client.get("/v1/audit").status, 403);
    let (client, secret, codes) = server.enrol(email, PASSWORD);
    assert_eq!(client.get("/v1/audit").status, 200, "the session that set it up goes on");
    assert_eq!(client.get("/v1/me").json()["recovery_codes_left"], 10);
    assert_eq!(status(&server, &id), "active");

    let used = code_at(&secret, step_at(server.store.now())).unwrap();
    for code in [None, Some("000000"), Some(used.as_str()), Some("AAAA-BBBB-CCCC-DDDD")] {
        assert_eq!(sign_in(&server, email, code).status, 401, "{code:?}");
    }
    server.pass(TimeDelta::seconds(60));
    let fresh = code_at(&secret, step_at(server.store.now())).unwrap();
    assert_eq!(sign_in(&server, email, Some(&fresh)).status, 201);
    assert_eq!(sign_in(&server, email, Some(&fresh)).status, 401, "good once");
    let by_recovery = sign_in(&server, email, Some(&codes[3].to_lowercase()));
    assert_eq!(by_recovery.status, 201, "{}", by_recovery.text);
    assert_eq!(sign_in(&server, email, Some(&codes[3])).status, 401, "good once");
    let me = server.with_token(by_recovery.json()["access_token"].as_str().unwrap()).get("/v1/me").json();
    assert_eq!((&me["recovery_codes_left"], &me["notices"][0]["kind"]), (&json!(9), &json!("recovery_used")));
}

#[test]
fn an_answer_at_sign_in_does_not_say_which_of_password_and_code_was_wrong() {
    let server = TestServer::start();
    let account = server.account("chad");
    let sign_in = |password: &str, code: &str| {
        server.anonymous().post("/v1/sessions", &json!({"email": account.email, "password": password, "code": code}))
    };
    let (password, code) = (sign_in("wrong", &server.code("chad")), sign_in(&account.password, "000000"));
    let neither =
        server.anonymous().post("/v1/sessions", &json!({"email": account.email, "password": account.password}));
    assert_eq!(password.status, 401);
    for other in [&code, &neither] {
        assert_eq!((&password.text, &password.headers), (&other.text, &other.headers));
    }
    let log = server.as_("auditor").get("/v1/audit?action=session.refuse").json();
    let why: Vec<_> = log["items"].as_array().unwrap().iter().map(|one| &one["entry"]["detail"]["why"]).collect();
    assert_eq!(why, ["code", "code", "password"], "the record says it to auditors");
}

#[test]
fn whoever_opens_seals_is_made_by_two_administrators() {
    let server = TestServer::start();
    let to_on = today(&server) + Days::new(200);
    let body = json!({"email": "new@casque.example", "name": "New focal point", "role": "focal_point",
        "missions": ["UNIFIL"], "to_on": to_on});
    let made = create(&server, "administrator", &body);
    let id = id(&made);
    let change = made.json()["waiting"].as_str().unwrap().to_owned();
    assert_eq!(status(&server, &id), "awaiting_approval");
    let invite = |who: &str| server.as_(who).post(&format!("/v1/accounts/{id}/invitations"), &json!({})).status;
    assert_eq!(invite("administrator"), 409);
    let waiting = server.as_("deputy").get("/v1/account-changes?waiting=true").json();
    assert_eq!((&waiting["items"][0]["id"], &waiting["items"][0]["kind"]), (&json!(change), &json!("create")));
    assert_eq!(waiting["items"][0]["asked_by"], "Administrator");

    let decide = |who: &str| {
        server.prove(who, &format!("/v1/account-changes/{change}/decision"), &json!({"approve": true})).status
    };
    assert_eq!(decide("administrator"), 403, "another than who asked");
    for nobody in ["auditor", "verifier", "senior", "manager", "minusma"] {
        assert_eq!(decide(nobody), 403, "{nobody}");
    }
    let un_suspend = json!({"role": "focal_point", "missions": ["UNIFIL"], "to_on": to_on});
    let path = format!("/v1/accounts/{id}/changes");
    assert_eq!(server.as_("administrator").post(&path, &un_suspend).status, 409, "there is no way around");
    assert_eq!(decide("deputy"), 200);
    assert_eq!(decide("deputy"), 409, "once");
    assert_eq!((status(&server, &id).as_str(), invite("administrator")), ("invited", 201));

    // What adds waits, what takes away does not.
    let more = json!({"role": "focal_point", "missions": ["MINUSMA", "UNIFIL"], "to_on": to_on});
    let asked = server.as_("administrator").post(&path, &more);
    assert_eq!(asked.json()["account"]["missions"], json!(["UNIFIL"]), "{}", asked.text);
    server.approve(&asked);
    let shown = || server.as_("administrator").get(&format!("/v1/accounts/{id}")).json();
    assert_eq!(shown()["missions"], json!(["MINUSMA", "UNIFIL"]));
    let less = json!({"role": "focal_point", "missions": ["MINUSMA"], "to_on": today(&server)});
    let done = server.as_("deputy").post(&path, &less).json();
    assert_eq!((&done["waiting"], &done["account"]["missions"]), (&Value::Null, &json!(["MINUSMA"])));
}

#[test]
fn a_change_that_is_declined_or_not_decided_in_a_week_is_none() {
    let server = TestServer::start();
    let id = id_of(&server, "briefing");
    let ask = || {
        let body = json!({"role": "secretariat", "graded": true});
        let asked = server.as_("administrator").post(&format!("/v1/accounts/{id}/changes"), &body);
        asked.json()["waiting"].as_str().unwrap().to_owned()
    };
    let decide = |change: &str, approve: bool| {
        let path = format!("/v1/account-changes/{change}/decision");
        server.prove("deputy", &path, &json!({"approve": approve})).status
    };
    let (first, second) = (ask(), ask());
    assert_eq!(decide(&first, true), 409, "a later one took its place");
    assert_eq!(decide(&second, false), 200);
    let third = ask();
    server.pass(TimeDelta::days(7));
    assert_eq!(decide(&third, true), 409, "lapsed");
    assert_eq!(server.as_("briefing").get("/v1/me").json()["graded"], false);
}

#[test]
fn who_agrees_to_rights_sees_all_of_them_before_and_after_and_no_person_becomes_a_machine() {
    let server = TestServer::start();
    let path = format!("/v1/accounts/{}/changes", id_of(&server, "chad"));
    let change = |body: Value| server.as_("administrator").post(&path, &body);
    let mali = |machine: bool| json!({"role": "member_state", "state": "MLI", "state_function": "proposer", "machine": machine});
    assert_eq!(change(mali(true)).pointers(), ["/machine"], "a person's session would go on as a machine's");
    let suspended = json!({"role": "member_state", "state": "TCD", "state_function": "proposer", "suspended": true});
    assert_eq!(change(suspended).status, 200);
    let asked = change(mali(false));
    let waiting = server.as_("deputy").get("/v1/account-changes?waiting=true").json()["items"][0].clone();
    let rights = |state: &str, suspended: bool| {
        json!({"role": "member_state", "missions": [], "state": state, "state_function": "proposer", "machine": false,
            "graded": false, "from_on": null, "to_on": null, "suspended": suspended, "single_sign_on": null})
    };
    assert_eq!((&waiting["before"], &waiting["after"]), (&rights("TCD", true), &rights("MLI", false)));
    let decision = format!("/v1/account-changes/{}/decision", asked.json()["waiting"].as_str().unwrap());
    assert_eq!(server.as_("deputy").post(&decision, &json!({"approve": true})).pointers(), ["/code"], "a token alone");
    server.approve(&asked);
    let made = change(json!({"role": "auditor"}));
    let decided = server.as_("deputy").get("/v1/account-changes").json();
    assert_eq!(decided["items"][0]["before"]["state"], "MLI", "{}", made.text);
}

#[test]
fn nobody_changes_what_they_themselves_may_do() {
    let server = TestServer::start();
    let own = id_of(&server, "administrator");
    let change = |who: &str, id: &str| {
        server
            .as_(who)
            .post(&format!("/v1/accounts/{id}/changes"), &json!({"role": "senior_focal_point", "graded": true}))
    };
    assert_eq!(change("administrator", &own).json()["detail"], "You cannot change your own permissions.");
    let asked = change("deputy", &own);
    let decision = format!("/v1/account-changes/{}/decision", asked.json()["waiting"].as_str().unwrap());
    assert_eq!(server.prove("administrator", &decision, &json!({"approve": true})).status, 403);
    for who in ["verifier", "minusma", "mali", "auditor", "senior"] {
        assert_eq!(change(who, &id_of(&server, who)).status, 403, "{who}");
        assert_eq!(server.as_(who).get("/v1/accounts").status, 403, "{who}");
        let body = json!({"email": "x@casque.example", "name": "X", "role": "administrator"});
        assert_eq!(create(&server, who, &body).status, 403, "{who}");
    }
    assert_eq!(server.as_("administrator").delete(&format!("/v1/accounts/{own}/second-factor")).status, 403);
}

#[test]
fn a_changed_role_is_felt_at_the_next_request_and_a_suspended_person_is_out() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let focal_point = server.as_("minusma");
    let path = format!("/v1/incidents/{reference}");
    assert_eq!(focal_point.get(&path).status, 200);
    let id = id_of(&server, "minusma");
    let change = |body: Value| server.as_("administrator").post(&format!("/v1/accounts/{id}/changes"), &body);
    let moved = change(json!({"role": "focal_point", "missions": ["UNIFIL"], "to_on": today(&server)}));
    server.approve(&moved);
    assert_eq!(focal_point.get(&path).status, 401, "what was signed in for another mission ends");
    server.forget("minusma");
    let focal_point = server.as_("minusma");
    assert_eq!(focal_point.get(&path).status, 404, "the mission is no longer theirs");
    assert_eq!(focal_point.get("/v1/me").json()["notices"][0]["kind"], "rights_changed");
    let suspended = json!({"role": "focal_point", "missions": ["UNIFIL"], "to_on": today(&server), "suspended": true});
    assert_eq!(change(suspended).json()["account"]["status"], "suspended");
    assert_eq!(focal_point.get("/v1/me").status, 401);
    let account = server.account("minusma");
    let body = json!({"email": account.email, "password": account.password, "code": server.code("minusma")});
    assert_eq!(server.anonymous().post("/v1/sessions", &body).status, 401);
}

#[test]
fn access_ends_by_itself_with_the_term() {
    let server = TestServer::start();
    let focal_point = server.as_("unifil");
    assert_eq!(focal_point.get("/v1/incidents").status, 200);
    let id = id_of(&server, "unifil");
    let body = json!({"role": "focal_point", "missions": ["UNIFIL"], "to_on": today(&server)});
    server.as_("administrator").post(&format!("/v1/accounts/{id}/changes"), &body);
    assert_eq!(focal_point.get("/v1/incidents").status, 200, "to the end of its last day");
    server.pass(TimeDelta::days(1));
    assert_eq!(focal_point.get("/v1/incidents").status, 401);
    let account = server.account("unifil");
    let body = json!({"email": account.email, "password": account.password, "code": server.code("unifil")});
    assert_eq!(server.anonymous().post("/v1/sessions", &body).status, 401);
    assert_eq!(status(&server, &id), "ended");

    let later = json!({"email": "later@casque.example", "name": "Later", "role": "auditor",
        "from_on": today(&server) + Days::new(2)});
    let id = server.newcomer(&later);
    assert_eq!(
        (sign_in(&server, "later@casque.example", None).status, status(&server, &id).as_str()),
        (401, "not_yet")
    );
    server.pass(TimeDelta::days(2));
    assert_eq!(sign_in(&server, "later@casque.example", None).status, 201);
}

#[test]
fn a_lost_second_factor_is_reset_by_two_and_its_account_cools_down() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up"});
    assert_eq!(server.disclose("minusma", &ask).status, 201);
    let id = id_of(&server, "minusma");
    let before = server.as_("minusma");
    let asked = server.as_("administrator").delete(&format!("/v1/accounts/{id}/second-factor"));
    assert!(asked.json()["waiting"].is_string(), "{}", asked.text);
    assert_eq!(before.get("/v1/incidents").status, 200, "nothing happens before a second one agrees");
    server.approve(&asked);
    assert_eq!(before.get("/v1/incidents").status, 401);

    let account = server.account("minusma");
    let (client, secret, _) = server.enrol(&account.email, &account.password);
    let me = client.get("/v1/me").json();
    let told: Vec<_> = me["notices"].as_array().unwrap().iter().map(|notice| &notice["kind"]).collect();
    assert_eq!(told, ["second_factor_set", "second_factor_reset", "second_factor_set"]);
    assert!(me["opens_from"].is_string());
    let disclose = |client: &Client| {
        server.pass(TimeDelta::seconds(30));
        let mut ask = ask.clone();
        ask["code"] = json!(code_at(&secret, step_at(server.store.now())));
        client.post("/v1/disclosures", &ask)
    };
    let refused = disclose(&client);
    assert_eq!((refused.status, &refused.json()["detail"]), (403, &json!("cooling_down")));
    assert_eq!(client.get("/v1/incidents").status, 200, "everything else goes on");
    server.pass(TimeDelta::hours(72));
    let code = code_at(&secret, step_at(server.store.now()));
    let body = json!({"email": account.email, "password": account.password, "code": code});
    let again = server.anonymous().post("/v1/sessions", &body);
    let client = server.with_token(again.json()["access_token"].as_str().unwrap());
    assert_eq!(disclose(&client).status, 201);
}

#[test]
fn a_new_second_factor_takes_the_place_of_the_old_one_given_a_code_of_it() {
    let server = TestServer::start();
    let account = server.account("minusma");
    let client = server.as_("minusma");
    let begin =
        |code: Option<&str>| client.post("/v1/me/second-factor", &json!({"password": account.password, "code": code}));
    for code in [None, Some("000000")] {
        assert_eq!(begin(code).json()["type"], "urn:casque:problem:second_factor", "{code:?}");
    }
    let secret = begin(Some(&server.code("minusma"))).json()["secret"].as_str().unwrap().to_owned();
    let code = code_at(&secret, step_at(server.store.now()));
    let other = server.sign_in("minusma").json();
    assert_eq!(client.post("/v1/me/second-factor/confirmation", &json!({"code": code})).status, 200);
    assert_eq!(client.get("/v1/me").json()["opens_from"], Value::Null, "nobody lost anything: no cool-down");
    let other = server.with_token(other["access_token"].as_str().unwrap());
    assert_eq!(other.get("/v1/me").status, 401, "other sessions end");
    server.pass(TimeDelta::seconds(60));
    let body = json!({"email": account.email, "password": account.password, "code": server.code("minusma")});
    assert_eq!(server.anonymous().post("/v1/sessions", &body).status, 401, "the old one is worth nothing");
}

#[test]
fn a_disclosure_takes_a_code_of_its_own_and_guessing_at_codes_is_noticed() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let client = server.as_("minusma");
    let disclose = |code: &str| {
        let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up",
            "code": code});
        client.post("/v1/disclosures", &ask).status
    };
    let code = server.code("minusma");
    assert_eq!((disclose(&code), disclose(&code)), (201, 403), "good once");
    for _ in 0..9 {
        assert_eq!(disclose("000000"), 403);
    }
    assert_eq!(client.get("/v1/incidents").status, 200);
    assert_eq!(
        (disclose("000000"), disclose("000000")),
        (403, 401),
        "with the tenth the session ends, and whoever stole it is out"
    );
    assert_eq!(client.get("/v1/incidents").status, 401);
    // The person is not: nothing of the account is closed.
    server.forget("minusma");
    let client = server.as_("minusma");
    assert_eq!(client.get("/v1/me").json()["notices"][0]["kind"], "codes_guessed");
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up",
        "code": server.code("minusma")});
    assert_eq!(client.post("/v1/disclosures", &ask).status, 201);
    let refused = server.as_("auditor").get("/v1/audit?action=session.refuse").json();
    assert_eq!(refused["items"].as_array().unwrap().len(), 10);
    assert_eq!(server.opened(), 24, "two disclosures of twelve values");
}

#[test]
fn a_person_changes_their_password_and_their_other_sessions_end() {
    let server = TestServer::start();
    let account = server.account("chad");
    let (client, other) = (server.as_("chad"), server.sign_in("chad").json());
    let change = |old: &str, new: &str| client.post("/v1/me/password", &json!({"password": old, "new_password": new}));
    assert_eq!(change("wrong", PASSWORD).pointers(), ["/password"]);
    assert_eq!(change(&account.password, "short").pointers(), ["/new_password"]);
    assert_eq!(change(&account.password, PASSWORD).status, 204);
    assert_eq!(client.get("/v1/me").json()["notices"][0]["kind"], "password_changed");
    assert_eq!(server.with_token(other["access_token"].as_str().unwrap()).get("/v1/me").status, 401);
    let old = json!({"email": account.email, "password": account.password, "code": server.code("chad")});
    assert_eq!(server.anonymous().post("/v1/sessions", &old).status, 401);
    assert_eq!(sign_in(&server, &account.email, Some(&server.code("chad"))).status, 201);
}

#[test]
fn a_states_manager_manages_the_states_readers_and_proposers_and_nobody_else() {
    let server = TestServer::start();
    let manager = server.as_("manager");
    let listed = manager.get("/v1/accounts").json();
    let states: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["MLI", "MLI", "MLI"]);
    assert_eq!(manager.get("/v1/accounts?state=TCD").references().len(), 0);
    let chad = id_of(&server, "chad");
    assert_eq!(manager.get(&format!("/v1/accounts/{chad}")).status, 404);
    let suspend = json!({"role": "member_state", "state": "TCD", "state_function": "reader", "suspended": true});
    assert_eq!(manager.post(&format!("/v1/accounts/{chad}/changes"), &suspend).status, 404);
    let body = |function: &str, state: &str| {
        json!({"email": "justice@casque.example", "name": "Ministry of Justice", "role": "member_state", "state": state,
            "state_function": function})
    };
    assert_eq!(create(&server, "manager", &body("proposer", "TCD")).status, 403);
    assert_eq!(create(&server, "manager", &body("manager", "MLI")).status, 403);
    let made = create(&server, "manager", &body("proposer", "MLI"));
    assert!(made.json()["waiting"].is_string(), "it opens seals: an administrator must agree");
    server.approve(&made);
    let link = manager.post(&format!("/v1/accounts/{}/invitations", id(&made)), &json!({}));
    assert_eq!(link.status, 201, "{}", link.text);

    // Who reads does not propose.
    let measure =
        json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up unit", "taken_on": "2022-06-01"});
    let submit = |who: &str| server.as_(who).post("/v1/measures", &measure).status;
    assert_eq!((submit("reader"), submit("manager"), submit("mali")), (403, 403, 201));
}

#[test]
fn a_states_own_system_has_keys_that_end_and_open_nothing() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let body = json!({"email": "register@casque.example", "name": "Case register", "role": "member_state", "state": "MLI",
        "state_function": "reader", "machine": true});
    let made = create(&server, "manager", &body);
    server.approve(&made);
    let other = json!({"email": "other@casque.example", "name": "Another register", "role": "member_state", "state": "MLI",
        "state_function": "reader", "machine": true});
    assert!(
        create(&server, "administrator", &other).json()["waiting"].is_string(),
        "it reads what Mali reads: two agree"
    );
    let id = id(&made);
    let own = json!({"name": "own", "expires_on": today(&server) + Days::new(30)});
    let kept = server.as_("administrator").post(&format!("/v1/accounts/{id}/keys"), &own);
    assert_eq!(kept.status, 403, "whoever has the key has what the State sees: an administrator makes none");
    let manager = server.as_("manager");
    let keys = format!("/v1/accounts/{id}/keys");
    let key = |name: &str, days: u64| {
        manager.post(&keys, &json!({"name": name, "expires_on": today(&server) + Days::new(days)}))
    };
    assert_eq!(key("for ever", 400).pointers(), ["/expires_on"]);
    let (one, two) = (key("one", 30).json(), key("two", 60).json());
    assert!(one["key"].as_str().unwrap().starts_with("casque_"));
    let listed = manager.get(&keys);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 2);
    assert!(!listed.text.contains(one["key"].as_str().unwrap()), "a key is shown when it is made, and never again");
    let person = id_of(&server, "mali");
    let for_a_person =
        manager.post(&format!("/v1/accounts/{person}/keys"), &json!({"name": "x", "expires_on": today(&server)}));
    assert_eq!(for_a_person.status, 409);

    let machine = server.with_token(one["key"].as_str().unwrap());
    assert_eq!(
        machine.get(&format!("/v1/incidents/{reference}")).text,
        server.as_("mali").get(&format!("/v1/incidents/{reference}")).text
    );
    assert_eq!(machine.get("/v1/me").json()["machine"], true);
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up", "code": "000000"});
    assert_eq!(machine.post("/v1/disclosures", &ask).status, 403);
    let measure =
        json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up unit", "taken_on": "2022-06-01"});
    assert_eq!(machine.post("/v1/measures", &measure).status, 403, "it reads");
    assert_eq!(server.opened(), 0);

    assert_eq!(manager.delete(&format!("{keys}/{}", one["id"].as_str().unwrap())).status, 204);
    assert_eq!(machine.get("/v1/incidents").status, 401);
    let other = server.with_token(two["key"].as_str().unwrap());
    assert_eq!(other.get("/v1/incidents").status, 200);
    server.pass(TimeDelta::days(61));
    assert_eq!(other.get("/v1/incidents").status, 401, "it ends");
}

#[test]
fn access_is_looked_at_every_quarter() {
    let server = TestServer::start();
    let due = |query: &str| {
        let list = server.as_("administrator").get(&format!("/v1/accounts?review_due=true{query}")).json();
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(due(""), 0);
    server.pass(TimeDelta::days(90));
    let all = server.accounts().len();
    assert_eq!((due(""), due("&role=auditor"), due("&state=MLI")), (all, 1, 3));
    let id = id_of(&server, "auditor");
    let review = |who: &str, id: &str| server.as_(who).post(&format!("/v1/accounts/{id}/reviews"), &json!({})).status;
    assert_eq!(review("administrator", &id), 200);
    assert_eq!((due(""), due("&role=auditor")), (all - 1, 0));
    assert_eq!(review("administrator", &id_of(&server, "administrator")), 403, "not one's own");
    assert_eq!((review("manager", &id), review("manager", &id_of(&server, "mali"))), (404, 200));
}

#[test]
fn whoever_had_a_second_factor_or_password_reset_by_others_opens_and_agrees_to_nothing_yet() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let body = json!({"email": "new@casque.example", "name": "New officer", "role": "secretariat", "graded": true});
    let officer = server.newcomer(&body);
    let ask = json!({"record": format!("incidents/{reference}"), "class": "strictly_confidential", "purpose": "verification"});
    let with_code = |client: &Client, secret: &str, path: &str, body: Value| {
        server.pass(TimeDelta::seconds(60));
        let mut body = body;
        body["code"] = json!(code_at(secret, step_at(server.store.now())));
        client.post(path, &body)
    };
    let open = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "verification"});
    let decide = |client: &Client, secret: &str| {
        let asked = server.as_("verifier").post("/v1/approvals", &ask).json();
        let path = format!("/v1/approvals/{}/decision", asked["id"].as_str().unwrap());
        with_code(client, secret, &path, json!({"approve": true}))
    };
    let (client, secret, _) = server.enrol("new@casque.example", PASSWORD);
    assert_eq!(
        with_code(&client, &secret, "/v1/disclosures", open.clone()).status,
        201,
        "a first one waits for nothing"
    );
    assert_eq!(decide(&client, &secret).status, 200);

    // Two administrators take the second factor away. The cool-down counts from the new one, however late that is set up.
    server.approve(&server.as_("administrator").delete(&format!("/v1/accounts/{officer}/second-factor")));
    server.pass(TimeDelta::days(10));
    let (client, secret, _) = server.enrol("new@casque.example", PASSWORD);
    assert!(decide(&client, &secret).json()["detail"].as_str().unwrap().contains("72 hours"));
    let refused = with_code(&client, &secret, "/v1/disclosures", open.clone());
    assert_eq!(refused.json()["detail"], "cooling_down");
    server.pass(TimeDelta::hours(73));
    let client = server.arrive_with("new@casque.example", PASSWORD, &secret);
    assert_eq!(with_code(&client, &secret, "/v1/disclosures", open.clone()).status, 201);
    // A link for somebody who has a password is a reset, too.
    server.join(&officer);
    let client = server.arrive_with("new@casque.example", PASSWORD, &secret);
    assert_eq!(with_code(&client, &secret, "/v1/disclosures", open).json()["detail"], "cooling_down");

    let body = json!({"email": "third@casque.example", "name": "Third administrator", "role": "administrator"});
    let id = server.newcomer(&body);
    let arrived = server.arrive("third@casque.example", PASSWORD);
    let chad = id_of(&server, "chad");
    assert_eq!(arrived.get(&format!("/v1/sessions?account={chad}")).status, 403, "with a password alone");
    server.enrol("third@casque.example", PASSWORD);
    server.approve(&server.as_("administrator").delete(&format!("/v1/accounts/{id}/second-factor")));
    let (third, secret, _) = server.enrol("third@casque.example", PASSWORD);
    let grade = json!({"role": "secretariat", "graded": true});
    let path = format!("/v1/accounts/{}/changes", id_of(&server, "briefing"));
    let asked = server.as_("administrator").post(&path, &grade).json();
    let decision = format!("/v1/account-changes/{}/decision", asked["waiting"].as_str().unwrap());
    let cooling = with_code(&third, &secret, &decision, json!({"approve": true}));
    assert!(cooling.json()["detail"].as_str().unwrap().contains("72 hours"), "{}", cooling.text);
    // Restating the rights as they are withdraws what waits.
    assert_eq!(server.as_("administrator").post(&path, &json!({"role": "secretariat"})).json()["waiting"], Value::Null);
    assert_eq!(server.prove("deputy", &decision, &json!({"approve": true})).status, 409);
}

#[test]
fn what_is_suspended_gets_no_keys_and_its_links_end() {
    let server = TestServer::start();
    let administrator = server.as_("administrator");
    let id = id_of(&server, "chad");
    let link = administrator.post(&format!("/v1/accounts/{id}/invitations"), &json!({})).json();
    let change = |id: &str, body: Value| administrator.post(&format!("/v1/accounts/{id}/changes"), &body);
    let suspended = json!({"role": "member_state", "state": "TCD", "state_function": "proposer", "suspended": true});
    assert_eq!(change(&id, suspended).json()["account"]["status"], "suspended");
    let lifted = json!({"role": "member_state", "state": "TCD", "state_function": "proposer"});
    server.approve(&change(&id, lifted));
    let accept = json!({"token": link["token"], "new_password": PASSWORD});
    assert_eq!(server.anonymous().post("/v1/invitations/acceptance", &accept).status, 404, "a link of before");

    let machine = json!({"email": "register@casque.example", "name": "Register", "role": "member_state", "state": "MLI",
        "state_function": "proposer", "machine": true});
    let made = create(&server, "administrator", &machine);
    server.approve(&made);
    let id = self::id(&made);
    let rights = |suspended: bool| json!({"role": "member_state", "state": "MLI", "state_function": "proposer", "machine": true, "suspended": suspended});
    assert_eq!(change(&id, rights(true)).status, 200);
    let key = json!({"name": "one", "expires_on": today(&server) + Days::new(30)});
    let manager = server.as_("manager");
    assert_eq!(manager.post(&format!("/v1/accounts/{id}/keys"), &key).status, 409);
    let lifted = manager.post(&format!("/v1/accounts/{id}/changes"), &rights(false));
    assert!(lifted.json()["waiting"].is_string(), "a manager lifts no suspension alone");
    assert_eq!(manager.post(&format!("/v1/accounts/{id}/keys"), &key).status, 409);
}

#[test]
fn a_states_manager_is_not_told_which_addresses_have_accounts() {
    let server = TestServer::start();
    let asked = |email: &str| {
        let body = json!({"email": email, "name": "Made-up", "role": "member_state", "state": "MLI", "state_function": "reader"});
        server.as_("manager").post("/v1/accounts", &body)
    };
    let ids = regex::Regex::new("[0-9a-f]{32}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z").unwrap();
    let plain = |text: &str, email: &str| ids.replace_all(&text.replace(email, "ADDRESS"), "ID").into_owned();
    let (known, new) = ("releaser@casque.example", "nobody-yet@casque.example");
    let (taken, free) = (asked(known), asked(new));
    assert_eq!((taken.status, free.status), (201, 201));
    assert_eq!(plain(&taken.text, known), plain(&free.text, new));
    // Nor is the manager told by what becomes of it, or by asking again.
    let shown = |made: &Answer| {
        let path = format!("/v1/accounts/{}", id(made));
        let invited = server.as_("manager").post(&format!("{path}/invitations"), &json!({}));
        (server.as_("manager").get(&path).text, invited.status)
    };
    let (one, other) = (shown(&taken), shown(&free));
    assert_eq!((plain(&one.0, known), one.1), (plain(&other.0, new), other.1));
    assert_eq!((asked(known).status, asked(new).status), (201, 201));
    let listed = server.as_("manager").get("/v1/account-changes?waiting=true").text;
    assert!(!listed.contains("address_taken"), "{listed}");
    // An administrator is, and cannot approve it; nobody is signed in by it meanwhile.
    let changes = server.as_("deputy").get("/v1/account-changes?waiting=true").json();
    let told = |email: &str| {
        let items = changes["items"].as_array().unwrap().iter();
        items.filter(|one| one["email"] == email).map(|one| one["address_taken"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((told(known), told(new)), (vec![json!(true); 2], vec![json!(false); 2]));
    let decide = |made: &Answer, approve: bool| {
        let path = format!("/v1/account-changes/{}/decision", made.json()["waiting"].as_str().unwrap());
        server.prove("deputy", &path, &json!({"approve": approve})).status
    };
    assert_eq!((decide(&taken, true), decide(&taken, false), decide(&free, true)), (409, 200, 200));
    assert_eq!(server.sign_in("releaser").status, 201, "whose address it is");
    // Nor by an account that would be suspended from the beginning.
    let suspended = |email: &str| {
        let body = json!({"email": email, "name": "Made-up", "role": "member_state", "state": "MLI",
            "state_function": "reader", "suspended": true});
        server.as_("manager").post("/v1/accounts", &body).status
    };
    assert_eq!((suspended(known), suspended("another@casque.example")), (201, 201));
    // Between administrators it is no secret.
    assert_eq!(
        create(&server, "administrator", &json!({"email": known, "name": "Made-up", "role": "auditor"})).status,
        409
    );
}
