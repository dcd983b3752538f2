//! The whole job of resolution 2589 (2021), through HTTP, as all roles, with what each may and may not see at each step.

use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn the_main_job() {
    let server = TestServer::start();
    let get = |who: &str, path: &str| server.as_(who).get(path);

    // A focal point reports from the first facts.
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let draft = get("minusma", &path);
    assert_eq!(draft.json()["status"], "draft");
    assert_eq!(draft.json()["host_state"], "MLI", "the mission has one host State");
    assert_eq!(draft.json()["killed"], 1);
    assert!(!draft.text.contains("canary"), "not even the author reads a sealed value: {}", draft.text);

    // Nobody outside the mission and the Secretariat knows of it; another mission does not either.
    for who in ["mali", "chad", "guinea", "iceland", "unifil", "auditor", "administrator"] {
        let there = get(who, &path);
        let never = get(who, "/v1/incidents/MINUSMA-2022-0000");
        assert_eq!((there.status, &there.text), (404, &never.text), "{who}");
        assert_eq!(there.headers, never.headers, "{who}");
        assert_eq!(get(who, "/v1/incidents").references(), Vec::<String>::new(), "{who}");
    }

    // Three persons: author, verifier, releaser.
    let transitions = format!("{path}/transitions");
    assert_eq!(server.as_("minusma").post(&transitions, &json!({"to": "verified"})).status, 409);
    server.moved("minusma", &reference, "submitted");
    assert_eq!(server.as_("minusma").post(&transitions, &json!({"to": "verified"})).status, 403);
    server.moved("verifier", &reference, "verified");
    assert_eq!(server.as_("verifier").post(&transitions, &json!({"to": "released"})).status, 403);
    assert_eq!(get("chad", &path).status, 404, "verified is not released");
    server.moved("releaser", &reference, "released");

    // The host State sees all victims' open fields; a contributor its own; the unconcerned nothing.
    let states_of = |who: &str| {
        let body = get(who, &path).json();
        let victims = body["victims"].as_array().unwrap().clone();
        victims.iter().map(|victim| victim["states"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(states_of("mali"), ["[\"TCD\"]", "[\"GIN\"]"]);
    assert_eq!(states_of("chad"), ["[\"TCD\"]"]);
    assert_eq!(states_of("guinea"), ["[\"GIN\"]"]);
    assert_eq!(get("chad", &path).json()["victims_total"], 2, "counts are the incident's");
    let (there, never) = (get("iceland", &path), get("iceland", "/v1/incidents/MINUSMA-2022-0000"));
    assert_eq!((there.status, there.text, there.headers), (404, never.text, never.headers));

    // States see nothing of the history before the release.
    let history = get("chad", &format!("{path}/history")).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    assert_eq!(history["items"][0]["kind"], "released");

    // A case, a proceeding with an accused, and steps.
    let case = server.as_("minusma").post(
        "/v1/cases",
        &json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [reference], "notes": "canary-case-notes"}),
    );
    assert_eq!(case.status, 201, "{}", case.text);
    let case = case.json()["reference"].as_str().unwrap().to_owned();
    let proceeding = server.as_("minusma").post(
        "/v1/proceedings",
        &json!({
            "state": "MLI", "authority": "Made-up court", "forum": "specialised", "opened_on": "2022-04-01",
            "cases": [case], "court_file_number": "canary-court-file",
        }),
    );
    assert_eq!(proceeding.status, 201, "{}", proceeding.text);
    let proceeding = proceeding.json()["reference"].as_str().unwrap().to_owned();
    let below = format!("/v1/proceedings/{proceeding}");
    let accused = server
        .as_("minusma")
        .post(&format!("{below}/accused"), &json!({"incidents": [reference], "name": "canary-accused-name"}));
    assert_eq!(accused.status, 201, "{}", accused.text);
    let accused = accused.json()["handle"].clone();
    let step = |who: &str, body| server.as_(who).post(&format!("{below}/steps"), &body);
    let charged = json!({"kind": "stage_reached", "stage": "charged", "accused": accused, "happened_on": "2022-09-01"});
    assert_eq!(step("minusma", charged).status, 201);
    assert_eq!(get("chad", &below).status, 404, "nobody else has accepted it");
    server.accepted(&below);

    // The State concerned follows it, and proposes what its court did; it counts for nothing until accepted.
    assert_eq!(get("chad", &below).json()["stage_furthest"], "charged");
    let judged = json!({
        "kind": "judgement", "accused": accused, "happened_on": "2023-01-24", "outcome": "convicted_in_absentia"
    });
    assert_eq!(step("chad", judged.clone()).status, 403, "not its proceeding");
    let proposal = step("mali", judged);
    assert_eq!((proposal.status, &proposal.json()["status"]), (201, &json!("proposed")), "{}", proposal.text);
    assert_eq!(get("mali", &below).json()["stage_furthest"], "charged");
    assert_eq!(get("mali", &below).json()["steps"].as_array().unwrap().len(), 2, "its own proposal is shown to it");
    assert_eq!(get("chad", &below).json()["steps"].as_array().unwrap().len(), 1, "and to no other State");
    let decision = format!("{below}/steps/{}/decision", proposal.json()["handle"].as_str().unwrap());
    assert_eq!(server.as_("mali").post(&decision, &json!({"status": "accepted"})).status, 403);
    assert_eq!(server.as_("verifier").post(&decision, &json!({"status": "accepted"})).status, 200);
    let seen = get("chad", &below).json();
    assert_eq!(seen["stage_furthest"], "first_judgement");
    assert_eq!(seen["accused"][0]["outcome"], "convicted_in_absentia");
    assert_eq!(get("chad", &format!("/v1/cases/{case}")).json()["stage_furthest"], "first_judgement");
    assert_eq!(get("iceland", &below).status, 404);

    // Assistance that was offered is a record, taken up or not.
    let offer = server.as_("minusma").post(
        "/v1/assistance",
        &json!({
            "state": "MLI", "mission": "MINUSMA", "kind": "forensics", "provider": "MINUSMA", "offered_on": "2022-06-01",
            "cases": [case], "narrative": "canary-assistance",
        }),
    );
    assert_eq!(offer.status, 201, "{}", offer.text);
    assert_eq!(get("mali", "/v1/assistance").references().len(), 1);
    assert_eq!(get("iceland", "/v1/assistance").references().len(), 0);

    // The one disclosure: for a stated purpose, on the record. The mission's victims are its own to open.
    let record = format!("incidents/{reference}");
    let opened = server.disclose(
        "minusma",
        &json!({"record": record, "class": "strictly_confidential", "purpose": "family_liaison", "note": "canary-note"}),
    );
    assert_eq!(opened.status, 201, "{}", opened.text);
    assert!(opened.text.contains("canary-name") && !opened.text.contains("canary-suspect-name"), "{}", opened.text);
    server.settle_audit();
    let log = get("auditor", "/v1/audit?action=disclosure.grant").json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["subject"], record.as_str());
    assert_eq!(log["items"][0]["entry"]["detail"]["purpose"], "family_liaison");
    assert!(log["items"][0]["leaf"].is_number(), "placed in the tree");

    // An amendment is not seen before its release.
    let shown = get("minusma", &path);
    let amended = server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag());
    assert_eq!((amended.status, &amended.json()["amends"]), (200, &json!(true)), "{}", amended.text);
    assert_eq!(get("chad", &path).json()["means"], "small_arms");
    assert_eq!(get("verifier", &path).json()["means"], "ied");
    assert_eq!(get("verifier", &format!("{path}?edition=released")).json()["means"], "small_arms");
    assert_eq!(get("verifier", &format!("{path}?as=TCD")).text, get("chad", &path).text);
    let cells = |who: &str| get(who, "/v1/statistics?unit=incidents&by=means").json()["cells"].clone();
    assert_eq!(
        cells("verifier"),
        json!([{"by": {"means": "small_arms"}, "count": 1}]),
        "figures count what is released"
    );
    server.release("minusma", &reference);
    assert_eq!(get("chad", &path).json()["means"], "ied");
    assert_eq!(get("chad", &format!("{path}/history")).json()["items"].as_array().unwrap().len(), 2);

    // The year's figures come out, and reconcile.
    let figures =
        server.store.read(&casque::policy::Scope::Everything, |r| casque::briefing::figures(r, 2022, r.now())).unwrap();
    assert_eq!((figures.by_mission.total.incidents, figures.by_mission.total.killed), (1, 1));
    assert_eq!((figures.cases.flow.new, figures.cases.flow.open_at_end, figures.cases.reconciles), (1, 1, true));
    assert_eq!(figures.persons.charged, 1);
    let next = server.store.read(&casque::policy::Scope::Everything, |r| casque::briefing::figures(r, 2023, r.now()));
    assert_eq!(next.unwrap().persons.convicted_in_absentia, 1);

    // Nobody read a sealed value in any GET.
    for account in server.accounts() {
        for path in
            [&path, &below, &format!("/v1/cases/{case}"), &format!("{path}/history"), &"/v1/disclosures".to_owned()]
        {
            let answer = get(&account.email, path);
            assert!(!answer.text.contains("canary"), "{} {path}: {}", account.email, answer.text);
        }
    }
}
