//! Opening seals.

use serde_json::json;

use crate::harness::{TestServer, ambush};

#[test]
fn each_opens_what_the_policy_lets_it_and_the_rest_says_why() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let record = format!("incidents/{reference}");
    let ask = |who: &str, class: &str| {
        server.disclose(who, &json!({"record": record, "class": class, "purpose": "follow_up"}))
    };
    let host = ask("mali", "confidential");
    assert!(host.text.contains("canary-exact-place") && !host.text.contains("canary-narrative"), "{}", host.text);
    assert_eq!(ask("mali", "strictly_confidential").json()["detail"], "not_entitled");
    let contributor = ask("chad", "strictly_confidential");
    assert!(
        contributor.text.contains("canary-name") && !contributor.text.contains("canary-guinea-name"),
        "{}",
        contributor.text
    );
    let own = ask("chad", "confidential");
    assert!(own.text.contains("canary-rank") && !own.text.contains("canary-exact-place"), "{}", own.text);
    assert_eq!(ask("guinea", "strictly_confidential").json()["detail"], "before_next_of_kin");
    assert_eq!(ask("briefing", "confidential").json()["detail"], "not_graded");
    assert_eq!(ask("verifier", "strictly_confidential").json()["detail"], "needs_second_officer");
    assert_eq!(ask("iceland", "confidential").status, 404);
    assert_eq!(ask("auditor", "confidential").status, 404);
}

#[test]
fn a_disclosure_is_of_named_fields_for_a_coded_purpose() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let record = format!("incidents/{reference}");
    let one = json!({"record": record, "class": "confidential", "fields": ["exact_place"], "purpose": "follow_up"});
    let opened = server.disclose("minusma", &one).json();
    assert_eq!(opened["opened"], json!([{"record": record, "fields": {"exact_place": "canary-exact-place"}}]));
    let faults =
        server.disclose("minusma", &json!({"record": "accounts/1", "class": "secret", "purpose": "curiosity"}));
    assert_eq!(
        (faults.status, faults.pointers()),
        (400, ["/class", "/purpose", "/record"].map(str::to_owned).to_vec())
    );
}

#[test]
fn the_mission_sees_who_opened_its_records() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let ask =
        json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "state_notification"});
    assert_eq!(server.disclose("mali", &ask).status, 201);
    let listed = |who: &str| server.as_(who).get("/v1/disclosures").json()["items"].as_array().unwrap().len();
    assert_eq!(
        (listed("minusma"), listed("auditor"), listed("mali"), listed("unifil"), listed("chad")),
        (1, 1, 1, 0, 0)
    );
    let entry = server.as_("minusma").get("/v1/disclosures").json()["items"][0].clone();
    assert_eq!((&entry["by"], &entry["purpose"]), (&json!("Mali (host State)"), &json!("state_notification")));
    assert_eq!(entry["opened"], json!([format!("incidents/{reference}: exact_place, coordinates, exact_time")]));
}

/// What was opened, by field, whichever record it is of.
fn opened(answer: &crate::harness::Answer) -> std::collections::BTreeMap<String, String> {
    let body = answer.json();
    let records = body["opened"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
    records
        .iter()
        .flat_map(|record| {
            let noun = record["record"].as_str().unwrap().split('/').nth(2).unwrap_or("incident").to_owned();
            let fields = record["fields"].as_object().unwrap().clone();
            fields
                .into_iter()
                .filter_map(move |(name, value)| Some((format!("{noun} {name}"), value.as_str()?.to_owned())))
        })
        .collect()
}

#[test]
fn a_missions_desk_reads_its_own_edition_for_eight_hours_by_one_code_and_one_entry() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let ask = json!({"incident": reference});
    let again = |who: &str| server.as_(who).post("/v1/disclosures/editions", &ask);
    assert_eq!((again("minusma").status, again("minusma").pointers()), (400, vec!["/code".to_owned()]));
    let first = server.prove("minusma", "/v1/disclosures/editions", &ask);
    assert_eq!(first.status, 201, "{}", first.text);
    let all = opened(&first);
    for field in
        ["incident narrative", "incident sources", "victims name", "victims sexual_violence_detail", "suspects name"]
    {
        assert!(all[field].starts_with("canary-"), "{field}: {all:?}");
    }
    // Once more, and after a correction, without a code.
    let path = format!("/v1/incidents/{reference}");
    assert_eq!(server.as_("minusma").patch(&path, &json!({"narrative": "canary-corrected"}), "*").status, 200);
    assert_eq!(opened(&again("minusma"))["incident narrative"], "canary-corrected");
    server.moved("minusma", &reference, "submitted");
    assert_eq!(again("minusma").status, 201, "submitted");
    let logged = server.as_("minusma").get("/v1/disclosures").json()["items"].clone();
    assert_eq!(logged.as_array().unwrap().len(), 1, "{logged}");
    assert_eq!((&logged[0]["mode"], &logged[0]["class"]), (&json!("edition"), &json!("strictly_confidential")));
    let granted = server.as_("auditor").get("/v1/audit?action=disclosure.grant").json()["items"].clone();
    assert_eq!(granted.as_array().unwrap().len(), 1);
    // Nobody else, and not what is verified.
    for (who, status) in [("verifier", 403), ("senior", 403), ("mali", 404), ("unifil", 404), ("auditor", 404)] {
        assert_eq!(server.prove(who, "/v1/disclosures/editions", &ask).status, status, "{who}");
    }
    let returned = json!({"to": "returned", "reason": "incomplete"});
    assert_eq!(server.as_("verifier").post(&format!("{path}/transitions"), &returned).status, 200);
    assert_eq!(again("minusma").status, 201, "returned");
    server.pass(chrono::TimeDelta::hours(8));
    server.sign_in_again();
    assert_eq!(again("minusma").status, 400, "eight hours, and one session");
    assert_eq!(server.prove("minusma", "/v1/disclosures/editions", &ask).status, 201);
    server.moved("minusma", &reference, "submitted");
    server.moved("verifier", &reference, "verified");
    let refused = again("minusma");
    assert_eq!((refused.status, &refused.json()["detail"]), (403, &json!("not_entitled")));
}

#[test]
fn of_what_is_strictly_confidential_a_desk_reads_victims_and_what_each_typed() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let second = json!({"email": "second@casque.example", "name": "Made-up", "role": "focal_point", "missions": ["MINUSMA"],
        "to_on": server.store.now().date() + chrono::Days::new(30)});
    server.newcomer(&second);
    let (client, secret, _) = server.enrol("second@casque.example", crate::harness::PASSWORD);
    let path = format!("/v1/incidents/{reference}");
    assert_eq!(client.patch(&path, &json!({"sources": "canary-second-sources"}), "*").status, 200);
    let open = |client: &crate::harness::Client, code: &str| {
        client.post("/v1/disclosures/editions", &json!({"incident": reference, "code": code}))
    };
    let by_first = opened(&open(&server.as_("minusma"), &server.code("minusma")));
    assert!(by_first.contains_key("suspects name") && by_first.contains_key("incident narrative"));
    assert!(!by_first.contains_key("incident sources"), "the other typed them since");
    server.pass(chrono::TimeDelta::seconds(60));
    let code = casque::identity::code_at(&secret, casque::identity::step_at(server.store.now())).unwrap();
    let by_second = opened(&open(&client, &code));
    assert_eq!(by_second["incident sources"], "canary-second-sources");
    assert!(by_second.contains_key("victims name") && !by_second.contains_key("suspects name"));
    // Another form gives no more.
    let ask = json!({"record": format!("incidents/{reference}"), "class": "strictly_confidential", "purpose": "data_correction"});
    let opened = opened(&server.disclose("minusma", &ask));
    assert!(opened.contains_key("suspects name") && !opened.contains_key("incident sources"));
}

#[test]
fn what_comes_into_an_edition_later_is_an_entry_of_its_own_and_an_amendment_another_opening() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let ask = json!({"incident": reference});
    assert_eq!(server.prove("minusma", "/v1/disclosures/editions", &ask).status, 201);
    let later =
        json!({"category": "contingent_troop", "states": ["TCD"], "outcome": "injured", "name": "canary-later"});
    let path = format!("/v1/incidents/{reference}");
    assert_eq!(server.as_("minusma").post(&format!("{path}/victims"), &later).status, 201);
    let again = || server.as_("minusma").post("/v1/disclosures/editions", &ask);
    assert!(again().text.contains("canary-later"));
    assert_eq!(again().status, 201);
    let logged = server.as_("minusma").get("/v1/disclosures").json()["items"].clone();
    assert_eq!(logged.as_array().unwrap().len(), 2, "what came since, once: {logged}");
    assert_eq!(logged[0]["opened"].as_array().unwrap().len(), 1);
    let eight = logged[1]["at"].clone();
    server.pass(chrono::TimeDelta::seconds(1));

    server.release("minusma", &reference);
    server.pass(chrono::TimeDelta::seconds(1));
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), "*").status, 200);
    assert_eq!(again().status, 400, "an amendment is another edition: {eight}");
    assert_eq!(server.prove("minusma", "/v1/disclosures/editions", &ask).status, 201);
    // A State is not told that there is one.
    let told = server.as_("chad").get("/v1/disclosures").json();
    assert!(!told.to_string().contains("edition"), "{told}");
    // After a reset of the factor a first edition is read on, and what was released is not.
    let account = server.account("minusma").clone();
    let accounts = server.as_("administrator").get("/v1/accounts?limit=200").json();
    let id =
        accounts["items"].as_array().unwrap().iter().find(|one| one["email"] == account.email).unwrap()["id"].clone();
    let asked = server.as_("administrator").delete(&format!("/v1/accounts/{}/second-factor", id.as_str().unwrap()));
    server.approve(&asked);
    let (client, secret, _) = server.enrol(&account.email, &account.password);
    let fresh = |incident: &str| {
        server.pass(chrono::TimeDelta::seconds(60));
        let code = casque::identity::code_at(&secret, casque::identity::step_at(server.store.now())).unwrap();
        client.post("/v1/disclosures/editions", &json!({"incident": incident, "code": code}))
    };
    let new = client.post("/v1/incidents", &ambush()).json()["reference"].as_str().unwrap().to_owned();
    assert_eq!(fresh(&new).status, 201, "its report of this morning");
    assert_eq!(fresh(&reference).json()["detail"], "cooling_down");
}
