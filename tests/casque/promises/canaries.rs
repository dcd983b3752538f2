//! A unique string stands in every sealed field; then everything is asked for, by everyone, in every format, and nothing
//! but a disclosure may hold it: no body, header, list, export, history, log or database file.

use std::collections::BTreeSet;

use casque::domain::{Noun, SealedField};
use serde_json::{Value, json};
use strum::VariantArray as _;

use crate::harness::{TestServer, ambush, has_canary, postgres_wanted};
use crate::nouns::{About, fixtures};

/// Everything that can be read, with hostile questions among it.
pub fn questions(server: &TestServer, reference: &str) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/v1/me",
        "/v1/sessions",
        "/v1/accounts",
        "/v1/accounts?format=csv",
        "/v1/account-changes",
        "/v1/missions",
        "/v1/states",
        "/v1/missions/MINUSMA",
        "/v1/vocabulary",
        "/v1/policy",
        "/v1/designations",
        "/v1/incidents",
        "/v1/incidents?limit=1",
        "/v1/incidents?edition=released",
        "/v1/incidents?format=csv",
        "/v1/cases",
        "/v1/cases?format=csv",
        "/v1/proceedings",
        "/v1/proceedings?format=csv",
        "/v1/disclosures",
        "/v1/disclosures?format=csv",
        "/v1/sittings",
        "/v1/approvals",
        "/v1/approvals?format=csv",
        "/v1/tasks",
        "/v1/tables",
        "/v1/tables?format=csv",
        "/v1/tables/2022",
        "/v1/likely-duplicates",
        "/v1/likely-duplicates?format=csv",
        "/v1/alerts",
        "/v1/alerts?format=csv",
        "/v1/statistics",
        "/v1/statistics?unit=victims&by=mission,outcome,personnel_category",
        "/v1/statistics?unit=accused&by=stage,outcome",
        "/v1/briefings/2378?period=2022&cut_off=2026-01-01",
        "/v1/statistics?unit=cases&by=stage,information_status",
        "/v1/statistics?unit=proceedings&by=forum,stage",
        "/v1/audit",
        "/v1/audit?format=csv",
        "/v1/audit/checkpoint",
        "/v1/audit/consistency?from=1&to=2",
        "/v1/audit/tile/0",
        "/v1/audit/tile/0/000.p/1",
        "/v1/openapi.json",
        "/healthz",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/audit-keys",
        "/v1/erasures",
        "/v1/restorations",
        "/v1/nothing",
    ]
    .map(str::to_owned)
    .to_vec();
    for (noun, fixture) in fixtures() {
        paths.extend([format!("/v1/{}", noun.path()), format!("/v1/{}?format=csv", noun.path())]);
        paths.extend(fixture.reads.iter().map(|end| format!("/v1/{}{end}", noun.path())));
    }
    for field in SealedField::all() {
        let name = field.name;
        paths.push(format!("/v1/incidents?{name}=canary"));
        paths.push(format!("/v1/incidents?{name}[starts_with]=canary"));
        paths.push(format!("/v1/incidents?sort={name}"));
        paths.push(format!("/v1/incidents?fields={name}"));
        paths.push(format!("/v1/statistics?by={name}"));
        paths.push(format!("/v1/statistics?{name}=canary"));
    }
    let accounts = server.as_("administrator").get("/v1/accounts").json();
    let one = accounts["items"][0]["id"].as_str().unwrap().to_owned();
    paths.extend([format!("/v1/accounts/{one}"), format!("/v1/accounts/{one}/keys")]);
    let entries = server.as_("auditor").get("/v1/audit?action=account.create&limit=1").json();
    paths.push(format!("/v1/audit/entries/{}/proof", entries["items"][0]["id"].as_str().unwrap()));
    let incident = format!("/v1/incidents/{reference}");
    for tail in [
        "",
        "?edition=released",
        "?as=TCD",
        "?as=MLI",
        "/history",
        "/victims",
        "/suspects",
        "/source-rows",
        "/seen?as=TCD&on=2026-01-01",
        "/dossier",
    ] {
        paths.push(format!("{incident}{tail}"));
    }
    for child in ["victims", "suspects"] {
        let listed = server.as_("minusma").get(&format!("{incident}/{child}")).json();
        for one in listed["items"].as_array().unwrap() {
            paths.push(format!("{incident}/{child}/{}", one["handle"].as_str().unwrap()));
        }
    }
    for (list, tails) in
        [("cases", &["", "/history"][..]), ("proceedings", &["", "/history", "/accused", "/steps"][..])]
            .into_iter()
            .chain(fixtures().map(|(noun, _)| (noun.path(), &["", "/history"][..])))
    {
        for one in server.as_("verifier").get(&format!("/v1/{list}")).references() {
            paths.extend(tails.iter().map(|tail| format!("/v1/{list}/{one}{tail}")));
            if list == "proceedings" {
                let accused = server.accused(&one);
                paths.extend(accused.iter().map(|accused| format!("/v1/proceedings/{one}/accused/{accused}")));
                let steps = server.as_("verifier").get(&format!("/v1/proceedings/{one}/steps")).json();
                for step in steps["items"].as_array().unwrap() {
                    paths.push(format!("/v1/proceedings/{one}/steps/{}", step["handle"].as_str().unwrap()));
                }
            }
        }
    }
    paths
}

/// Reports with a canary in every sealed field, in every noun.
pub fn plant(server: &TestServer) -> String {
    let reference = server.report("minusma", &ambush());
    let focal_point = server.as_("minusma");
    let made = |path: &str, body: Value| {
        let answer = focal_point.post(path, &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    };
    let case = made(
        "/v1/cases",
        json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [reference], "notes": "canary-case-notes", "strategy": "canary-strategy"}),
    );
    let proceeding = made(
        "/v1/proceedings",
        json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case["reference"]],
            "court_file_number": "canary-court-file", "internal_obstacles": "canary-obstacles", "notes": "canary-proceeding-notes"}),
    );
    made(
        &format!("/v1/proceedings/{}/accused", proceeding["reference"].as_str().unwrap()),
        json!({"incidents": [reference], "name": "canary-accused", "identifiers": "canary-accused-ids", "notes": "canary-accused-notes"}),
    );
    server.accepted(&format!("/v1/proceedings/{}", proceeding["reference"].as_str().unwrap()));
    let about = About { case: case["reference"].as_str().unwrap().to_owned() };
    for (noun, fixture) in fixtures() {
        let made = server.as_(fixture.by).post(&format!("/v1/{}", noun.path()), &(fixture.new)(&about));
        assert_eq!(made.status, 201, "{noun:?}: {}", made.text);
    }
    reasons(server, &reference, proceeding["reference"].as_str().unwrap(), case["reference"].as_str().unwrap());
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "verification", "note": "canary-note"});
    assert_eq!(server.disclose("minusma", &ask).status, 201);
    reference
}

/// Has one of everything returned, with words.
fn reasons(server: &TestServer, incident: &str, proceeding: &str, case: &str) {
    let grounds = |mut body: Value| {
        body["reason"] = json!("unclear");
        body["reason_note"] = json!("canary-reason");
        body
    };
    let made = |who: &str, path: &str, body: &Value| {
        let answer = server.as_(who).post(path, body);
        assert!([200, 201].contains(&answer.status), "{path}: {}", answer.text);
        let body = answer.json();
        ["handle", "reference"].iter().find_map(|name| body[*name].as_str()).unwrap().to_owned()
    };
    let returned = |path: &str| {
        made("verifier", &format!("{path}/decision"), &grounds(json!({"status": "returned"})));
    };
    let below = format!("/v1/proceedings/{proceeding}");
    let arrest = json!({"kind": "arrest", "happened_on": "2022-05-01"});
    returned(&format!("{below}/steps/{}", made("mali", &format!("{below}/steps"), &arrest)));
    let wrong = made("minusma", &format!("{below}/steps"), &arrest);
    let right = json!({"kind": "arrest", "happened_on": "2022-05-02", "corrects": wrong, "correction_reason": "wrong_value",
        "correction_note": "canary-correction"});
    made("minusma", &format!("{below}/steps"), &right);
    returned(&format!("{below}/accused/{}", made("mali", &format!("{below}/accused"), &json!({"incidents": []}))));
    let other = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-03-31", "cases": [case]});
    returned(&format!("/v1/proceedings/{}", made("minusma", "/v1/proceedings", &other)));
    for (_, fixture) in fixtures() {
        if let Some(propose) = fixture.propose {
            returned(&propose(server, &About { case: case.to_owned() }));
        }
    }
    let path = format!("/v1/incidents/{incident}/transitions");
    made("minusma", &path, &json!({"to": "submitted"}));
    made("verifier", &path, &grounds(json!({"to": "returned"})));
    let closed = grounds(json!({"to": "closed", "on": "2023-02-01"}));
    made("minusma", &format!("/v1/cases/{case}/transitions"), &closed);
    made("minusma", &format!("/v1/cases/{case}/transitions"), &json!({"to": "reopened", "on": "2023-02-02"}));
}

fn nothing_leaks(server: &TestServer, reference: &str, state: &str) {
    for account in server.accounts() {
        let client = server.as_(&account.email);
        for path in questions(server, reference) {
            let answer = client.get(&path);
            assert!(answer.status < 500, "{path} as {}: {}", account.email, answer.text);
            // A parameter's own name is the asker's; a value of ours begins with "canary-".
            let held = has_canary(&answer.text) || answer.headers.iter().any(|(_, value)| has_canary(value));
            assert!(!held, "{path} as {} in state {state}: {}", account.email, answer.text);
            if path.contains("=canary") || path.contains("sort=") || path.contains("fields=") {
                assert_eq!(answer.status, 400, "{path}");
            }
        }
    }
}

#[test]
fn no_canary_is_ever_read() {
    let mut server = TestServer::start();
    let reference = plant(&server);
    nothing_leaks(&server, &reference, "draft");
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let shown = server.as_("minusma").get(&path);
    let edit = json!({"narrative": "canary-second-narrative", "clear": ["/exact_place"]});
    assert_eq!(server.as_("minusma").patch(&path, &edit, shown.etag()).status, 200);
    nothing_leaks(&server, &reference, "amended");
    server.release("minusma", &reference);
    nothing_leaks(&server, &reference, "released again");
    server.settle_audit();
    server.stop();
    if !postgres_wanted() {
        for file in ["casque.db", "casque.db-wal", "casque.db-shm"] {
            let bytes = std::fs::read(server.folder().join(file)).unwrap_or_default();
            assert!(!has_canary(&String::from_utf8_lossy(&bytes)), "{file} holds a canary");
        }
    }
}

#[test]
fn what_is_typed_wrong_is_not_repeated() {
    let server = TestServer::start();
    let body = json!({
        "mission": "canary-mission", "occurred_on": "canary-date", "act": "canary-act", "narrative": ["canary-list"],
        "canary-field": 1, "victims": [{"category": "canary-category", "outcome": "killed", "name": {"withheld": "canary"}}]
    });
    let answer = server.as_("minusma").post("/v1/incidents", &body);
    assert_eq!(answer.status, 400);
    let values = ["canary-mission", "canary-date", "canary-act", "canary-list", "canary-category"];
    assert!(values.iter().all(|value| !answer.text.contains(value)), "{}", answer.text);
}

#[test]
fn every_sealed_field_holds_a_canary() {
    // If you are here because this failed, you added a sealed field: plant it, so that it is searched for.
    if crate::harness::postgres_wanted() {
        return; // the same requests: what they plant is the same
    }
    let mut server = TestServer::start();
    plant(&server);
    server.stop();
    let mut connection = crate::harness::beside(&server.folder());
    let query = diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT DISTINCT field FROM sealed_value");
    let held: BTreeSet<i32> = diesel::RunQueryDsl::load(query, &mut connection).unwrap().into_iter().collect();
    let missing: Vec<_> = SealedField::all().filter(|field| !held.contains(&i32::from(field.code))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_get_route_is_among_the_questions() {
    // If you are here because this failed, you added a route: ask it, so that its answers are searched.
    let server = TestServer::start();
    let reference = plant(&server);
    let questions = questions(&server, &reference);
    let parameters = regex::Regex::new(r"\{[^}]+\}").unwrap();
    let shapes: Vec<&str> = questions.iter().map(|question| question.split('?').next().unwrap()).collect();
    for (method, route) in server.routes() {
        if method != "GET" || route.starts_with("/docs/") {
            continue;
        }
        // Each literal of the route, and one segment for each of its parameters; a tile's is the rest of the path.
        let literals: Vec<String> = parameters.split(&route).map(regex::escape).collect();
        let parameter = if route.ends_with("/tile/{tile}") { ".+" } else { "[^/]+" };
        let shape = regex::Regex::new(&format!("^{}$", literals.join(parameter))).unwrap();
        assert!(shapes.iter().any(|path| shape.is_match(path)), "{route}");
    }
}

#[test]
fn every_sealed_field_is_opened_by_somebody() {
    // If you are here because this failed, you added a sealed field that no rule of policy/disclosure.rs speaks of.
    let server = TestServer::start();
    plant(&server);
    let mut opened: BTreeSet<(Noun, String)> = BTreeSet::new();
    let noun_of = |record: &str| {
        let parts: Vec<&str> = record.split('/').collect();
        let path = if parts.len() == 4 { parts[2] } else { parts[0] };
        *Noun::VARIANTS.iter().find(|noun| noun.path() == path).unwrap()
    };
    for list in crate::nouns::lists() {
        for reference in server.as_("verifier").get(&format!("/v1/{list}")).references() {
            for class in ["confidential", "strictly_confidential"] {
                let ask = json!({"record": format!("{list}/{reference}"), "class": class, "purpose": "verification",
                    "emergency": class == "strictly_confidential", "note": "canary-note"});
                let answer = server.disclose("verifier", &ask);
                for record in answer.json()["opened"].as_array().into_iter().flatten() {
                    let noun = noun_of(record["record"].as_str().unwrap());
                    let fields = record["fields"].as_object().unwrap().iter().filter(|(_, value)| value.is_string());
                    opened.extend(fields.map(|(name, _)| (noun, name.clone())));
                }
                server.review_emergencies();
            }
        }
    }
    let noted = server.as_("verifier").get("/v1/disclosures").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let note = server.prove("releaser", &format!("/v1/disclosures/{noted}/note"), &json!({}));
    assert_eq!((note.status, has_canary(&note.text)), (201, true), "{}", note.text);
    opened.insert((Noun::Disclosure, "note".into()));
    let closed: Vec<_> =
        SealedField::all().filter(|field| !opened.contains(&(field.noun, field.name.to_owned()))).collect();
    assert!(closed.is_empty(), "{closed:?}");
}
