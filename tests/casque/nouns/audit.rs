//! The audit log.

use casque::cli::Start;
use casque::store::audit_verify;
use serde_json::json;

use crate::harness::{House, ambush, postgres_wanted};

fn verify(house: &House, outside: Option<&str>) -> casque::store::LogReport {
    let key = std::fs::read_to_string(house.folder().join("keys/audit.pub")).unwrap();
    audit_verify(&house.store, key.trim(), outside, true).unwrap()
}

#[test]
fn every_write_is_in_the_log_and_no_read_is() {
    let house = House::start();
    let reference = house.report("minusma", &ambush());
    let count = || house.as_("auditor").get("/v1/audit?limit=200").json()["items"].as_array().unwrap().len();
    house.as_("auditor");
    house.as_("verifier");
    let before = count();
    house.as_("verifier").get(&format!("/v1/incidents/{reference}"));
    house.as_("verifier").get("/v1/statistics");
    assert_eq!(count(), before);
    assert_eq!(
        house.as_("minusma").patch(&format!("/v1/incidents/{reference}"), &json!({"means": "nonsense"}), "*").status,
        400
    );
    assert_eq!(count(), before, "a refused write leaves nothing");
    house.moved("minusma", &reference, "submitted");
    assert_eq!(count(), before + 1);
    let refused = json!({"record": format!("incidents/{reference}"), "class": "strictly_confidential", "purpose": "verification"});
    assert_eq!(house.as_("verifier").post("/v1/disclosures", &refused).json()["detail"], "needs_second_officer");
    let log = house.as_("auditor").get("/v1/audit?action=disclosure.refuse").json();
    assert_eq!(log["items"][0]["entry"]["detail"]["refusal"], "needs_second_officer", "a refusal is on the record too");
    for who in ["minusma", "verifier", "mali", "administrator"] {
        assert_eq!(house.as_(who).get("/v1/audit").status, 403, "{who}");
    }
}

#[test]
fn the_log_verifies_against_a_checkpoint_kept_elsewhere() {
    let house = House::start();
    house.report("minusma", &ambush());
    house.settle_audit();
    let outside = house.as_("iceland").get("/v1/audit/checkpoint").text;
    house.report("minusma", &ambush());
    house.settle_audit();
    let report = verify(&house, Some(&outside));
    assert_eq!(report.findings, []);
    assert!(report.against_outside && report.entries > 20 && report.revisions == Some(2), "{report:?}");
    assert!(!verify(&house, None).against_outside, "self-consistent only");
}

#[test]
fn tampering_is_found() {
    if postgres_wanted() {
        return;
    }
    let ways = [
        "UPDATE audit_entry SET body = replace(body, 'incident.create', 'incident.delete') WHERE action = 'incident.create'",
        "UPDATE audit_entry SET action = 'nothing' WHERE id = (SELECT entry_id FROM audit_leaf WHERE position = 3)",
        "UPDATE audit_entry SET salt = x'00' WHERE id = (SELECT entry_id FROM audit_leaf WHERE position = 5)",
        "DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_leaf WHERE position = 4)",
        "DELETE FROM audit_entry WHERE id = (SELECT entry_id FROM audit_leaf ORDER BY position DESC LIMIT 1)",
        "DELETE FROM audit_leaf WHERE position = 4",
        "DELETE FROM audit_leaf WHERE position = (SELECT max(position) FROM audit_leaf)",
        "UPDATE audit_hash SET hash = zeroblob(32) WHERE position = 7",
        "UPDATE audit_checkpoint SET note = replace(note, 'casque', 'casqua')",
        "UPDATE revision SET reason = 'another'",
        "UPDATE revision SET open_changes = '{}'",
    ];
    for way in ways {
        let mut house = House::start();
        house.report("minusma", &ambush());
        house.settle_audit();
        assert_eq!(verify(&house, None).findings, []);
        house.stop();
        let mut connection: diesel::SqliteConnection =
            diesel::Connection::establish(house.folder().join("casque.db").to_str().unwrap()).unwrap();
        diesel::connection::SimpleConnection::batch_execute(&mut connection, way).unwrap();
        assert_ne!(verify(&house, None).findings, [], "{way}");
    }
}

#[test]
fn a_rewritten_log_is_not_signed() {
    if postgres_wanted() {
        return;
    }
    let mut house = House::start();
    house.report("minusma", &ambush());
    house.settle_audit();
    house.stop();
    let mut connection: diesel::SqliteConnection =
        diesel::Connection::establish(house.folder().join("casque.db").to_str().unwrap()).unwrap();
    let way = "UPDATE audit_hash SET hash = zeroblob(32)";
    diesel::connection::SimpleConnection::batch_execute(&mut connection, way).unwrap();
    let second = house.place().open(Start::default()).unwrap();
    second
        .store
        .write(&casque::policy::Viewer::of_state("MLI"), |w| {
            w.note_act("test.act", "test".into(), serde_json::Value::Null);
            Ok(())
        })
        .unwrap();
    let refused = second.settle_audit().unwrap_err().to_string();
    assert!(refused.contains("does not extend"), "{refused}");
}
