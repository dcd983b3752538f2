//! What belongs together, found from either side, and what changed since.

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

/// Two attacks; one has a case, a proceeding of Mali, a note verbale and an offer.
struct Attack {
    incident: String,
    other: String,
    case: String,
    proceeding: String,
    follow_up: String,
    offer: String,
}

fn made(server: &TestServer, who: &str, path: &str, body: &Value) -> String {
    let made = server.as_(who).post(path, body);
    assert_eq!(made.status, 201, "{path}: {}", made.text);
    made.json()["reference"].as_str().unwrap().to_owned()
}

fn attack(server: &TestServer) -> Attack {
    let (incident, other) = (server.report("minusma", &ambush()), server.report("minusma", &ambush()));
    for one in [&incident, &other] {
        server.release("minusma", one);
    }
    let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]});
    let case = made(server, "minusma", "/v1/cases", &body);
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case]});
    let proceeding = made(server, "minusma", "/v1/proceedings", &body);
    server.accepted(&format!("/v1/proceedings/{proceeding}"));
    let body = json!({"case": case, "state": "MLI", "kind": "note_verbale", "sent_on": "2022-05-01"});
    let follow_up = made(server, "minusma", "/v1/follow-ups", &body);
    let body = json!({"state": "MLI", "mission": "MINUSMA", "kind": "forensics", "provider": "Made-up", "offered_on": "2022-06-01",
        "cases": [case]});
    let offer = made(server, "minusma", "/v1/assistance", &body);
    Attack { incident, other, case, proceeding, follow_up, offer }
}

#[test]
fn what_belongs_together_is_found_from_either_side() {
    let server = TestServer::start();
    let of = attack(&server);
    for who in ["minusma", "verifier", "mali"] {
        let found = |path: String| server.as_(who).get(&path).references();
        let Attack { incident, case, proceeding, follow_up, offer, .. } = &of;
        assert_eq!(found(format!("/v1/incidents?case={case}")), std::slice::from_ref(incident), "{who}");
        assert_eq!(found(format!("/v1/incidents?proceeding={proceeding}")), std::slice::from_ref(incident), "{who}");
        assert_eq!(found(format!("/v1/cases?incident={incident}")), std::slice::from_ref(case), "{who}");
        assert_eq!(found(format!("/v1/cases?proceeding={proceeding}")), std::slice::from_ref(case), "{who}");
        assert_eq!(found(format!("/v1/proceedings?incident={incident}")), std::slice::from_ref(proceeding), "{who}");
        assert_eq!(found(format!("/v1/follow-ups?incident={incident}")), std::slice::from_ref(follow_up), "{who}");
        assert_eq!(found(format!("/v1/assistance?case={case}")), std::slice::from_ref(offer), "{who}");
        for list in ["cases", "proceedings", "follow-ups"] {
            assert!(found(format!("/v1/{list}?incident={}", of.other)).is_empty(), "{who}: {list}");
        }
        let shown = server.as_(who).get(&format!("/v1/incidents/{incident}")).json();
        assert_eq!((&shown["cases"], &shown["proceedings"]), (&json!([case]), &json!([proceeding])), "{who}");
    }
    for path in ["/v1/incidents?case=", "/v1/proceedings?case=", "/v1/cases?incident="] {
        let reference = if path.ends_with("incident=") { &of.incident } else { &of.case };
        assert!(server.as_("iceland").get(&format!("{path}{reference}")).references().is_empty(), "{path}");
    }
}

#[test]
fn a_dossier_is_everything_about_one_attack_that_its_reader_may_know() {
    let server = TestServer::start();
    let of = attack(&server);
    let path = format!("/v1/incidents/{}/dossier", of.incident);
    let whole = server.as_("verifier").get(&path).json();
    assert_eq!(whole["incident"]["reference"], of.incident);
    for (list, reference) in
        [("cases", &of.case), ("proceedings", &of.proceeding), ("follow_ups", &of.follow_up), ("assistance", &of.offer)]
    {
        assert_eq!(whole[list][0]["reference"], *reference, "{list}");
        assert_eq!(whole[list].as_array().unwrap().len(), 1, "{list}");
    }
    let seen = server.as_("verifier").get(&format!("{path}?as=TCD"));
    assert_eq!(seen.text, server.as_("chad").get(&path).text, "as the State is shown it");
    assert_eq!(seen.json()["follow_ups"], json!([]), "addressed to another State");
    assert_eq!(server.as_("iceland").get(&path).status, 404);
    assert_eq!(server.as_("chad").get(&format!("{path}?as=MLI")).status, 403);
    let etag = server.as_("chad").get(&path).etag().to_owned();
    assert_eq!(server.as_("chad").with("if-none-match", &etag).get(&path).status, 304);
}

#[test]
fn what_changed_since_is_found_and_what_is_gone_is_named() {
    let server = TestServer::start();
    let of = attack(&server);
    server.pass(chrono::TimeDelta::minutes(1));
    let since = server.store.now().and_utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    server.pass(chrono::TimeDelta::minutes(1));
    let lists = ["incidents", "cases", "proceedings", "follow-ups", "assistance", "measures", "contributions"];
    for who in ["verifier", "mali"] {
        for list in lists {
            let page = server.as_(who).get(&format!("/v1/{list}?updated_from={since}"));
            assert_eq!((page.status, page.references().len()), (200, 0), "{who}: {list}: {}", page.text);
            let ever = server.as_(who).get(&format!("/v1/{list}?updated_from=2020-01-01")).references();
            assert_eq!(ever, server.as_(who).get(&format!("/v1/{list}")).references(), "{who}: {list}");
        }
    }
    let step = json!({"kind": "arrest", "happened_on": "2022-05-01"});
    assert_eq!(server.as_("minusma").post(&format!("/v1/proceedings/{}/steps", of.proceeding), &step).status, 201);
    server.withdraw(&of.other);
    for who in ["verifier", "mali"] {
        let changed = server.as_(who).get(&format!("/v1/proceedings?updated_from={since}")).references();
        assert_eq!(changed, std::slice::from_ref(&of.proceeding), "{who}");
    }
    let page = server.as_("mali").get(&format!("/v1/incidents?updated_from={since}")).json();
    assert_eq!((&page["items"], &page["gone"]), (&json!([]), &json!([of.other])));
    let inside = server.as_("verifier").get(&format!("/v1/incidents?updated_from={since}"));
    assert_eq!(
        (inside.references(), inside.json().get("gone")),
        (vec![of.other.clone()], None),
        "they see it withdrawn"
    );
    // An incident that concerns a State since is new to it, however old.
    let body = json!({"state": "ISL", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [of.case]});
    let proceeding = made(&server, "minusma", "/v1/proceedings", &body);
    server.accepted(&format!("/v1/proceedings/{proceeding}"));
    let new = server.as_("iceland").get(&format!("/v1/incidents?updated_from={since}")).references();
    assert_eq!(new, std::slice::from_ref(&of.incident));
    assert_eq!(server.as_("mali").get("/v1/incidents?updated_from=yesterday").pointers(), ["/updated_from"]);
}

#[test]
fn a_state_that_is_withheld_from_finds_by_no_filter_what_was_linked_since() {
    let server = TestServer::start();
    let of = attack(&server);
    let withhold = json!({"states": ["MLI"], "reason": "state_agents_alleged"});
    for officer in ["verifier", "releaser"] {
        assert_eq!(server.prove(officer, &format!("/v1/incidents/{}/withholding", of.other), &withhold).status, 200);
    }
    let asked = [
        format!("/v1/cases?incident={}", of.other),
        format!("/v1/proceedings?incident={}", of.other),
        format!("/v1/incidents/{}", of.other),
        format!("/v1/incidents/{}/dossier", of.other),
        format!("/v1/incidents?case={}", of.case),
    ];
    let answers = || asked.iter().map(|path| server.as_("mali").get(path).text).collect::<Vec<_>>();
    let before = answers();
    server.pass(chrono::TimeDelta::minutes(1));
    let path = format!("/v1/cases/{}", of.case);
    let added = json!({"incidents": [of.other]});
    assert_eq!(server.as_("minusma").patch(&path, &added, "*").status, 200);
    server.accepted(&format!("{path}/incidents/{}", of.other));
    assert_eq!(answers(), before);
    assert_eq!(
        server.as_("verifier").get(&format!("/v1/cases?incident={}", of.other)).references(),
        std::slice::from_ref(&of.case)
    );
}
