//! Opening seals.

use serde_json::json;

use crate::harness::{House, ambush};

#[test]
fn each_opens_what_the_policy_lets_it_and_the_rest_says_why() {
    let house = House::start();
    let reference = house.report("minusma", &ambush());
    house.release("minusma", &reference);
    let record = format!("incidents/{reference}");
    let ask = |who: &str, class: &str| {
        house.disclose(who, &json!({"record": record, "class": class, "purpose": "follow_up"}))
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
    let house = House::start();
    let reference = house.report("minusma", &ambush());
    let record = format!("incidents/{reference}");
    let one = json!({"record": record, "class": "confidential", "fields": ["exact_place"], "purpose": "follow_up"});
    let opened = house.disclose("minusma", &one).json();
    assert_eq!(opened["opened"], json!([{"record": record, "fields": {"exact_place": "canary-exact-place"}}]));
    let faults = house.disclose("minusma", &json!({"record": "accounts/1", "class": "secret", "purpose": "curiosity"}));
    assert_eq!(
        (faults.status, faults.pointers()),
        (400, ["/class", "/purpose", "/record"].map(str::to_owned).to_vec())
    );
}

#[test]
fn the_mission_sees_who_opened_its_records() {
    let house = House::start();
    let reference = house.report("minusma", &ambush());
    house.release("minusma", &reference);
    let ask =
        json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "state_notification"});
    assert_eq!(house.disclose("mali", &ask).status, 201);
    let listed = |who: &str| house.as_(who).get("/v1/disclosures").json()["items"].as_array().unwrap().len();
    assert_eq!(
        (listed("minusma"), listed("auditor"), listed("mali"), listed("unifil"), listed("chad")),
        (1, 1, 1, 0, 0)
    );
    let entry = house.as_("minusma").get("/v1/disclosures").json()["items"][0].clone();
    assert_eq!((&entry["by"], &entry["purpose"]), (&json!("Mali (host State)"), &json!("state_notification")));
    assert_eq!(entry["opened"], json!([format!("incidents/{reference}: exact_place, coordinates, exact_time")]));
}
