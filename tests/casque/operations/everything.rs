//! Backup, verification, restore and move of a database in which every table has rows.

use std::collections::BTreeMap;
use std::path::Path;

use casque::node::InstanceArgs;
use casque::store::{LEFT, table_names};
use chrono::Days;
use serde_json::{Value, json};

use super::archive::{confirmed, copy_keys, succeeds, told, with};
use crate::harness::cluster::{Cluster, binaries};
use crate::harness::{TestServer, ambush, skipped};
use crate::promises::canaries::plant;

/// Does what puts a row into every table that a program's user can fill.
pub fn fill(server: &TestServer) {
    let done = |who: &str, path: &str, body: &Value| {
        let answer = server.as_(who).with("idempotency-key", &format!("a-key-for {who}{path}")).post(path, body);
        assert!([200, 201, 204].contains(&answer.status), "{path}: {}", answer.text);
        answer.text
    };
    let made = |who: &str, path: &str, body: &Value| -> Value { serde_json::from_str(&done(who, path, body)).unwrap() };
    let proved = |who: &str, path: &str, body: &Value| {
        let answer = server.prove(who, path, body);
        assert!([200, 201].contains(&answer.status), "{path}: {}", answer.text);
        answer.json()
    };
    let reference = plant(server);
    let (path, record) = (format!("/v1/incidents/{reference}"), format!("incidents/{reference}"));
    let victim = server.as_("minusma").get(&format!("{path}/victims")).json()["items"][0]["handle"].clone();
    let victim = format!("{record}/victims/{}", victim.as_str().unwrap());
    for officer in ["verifier", "releaser"] {
        proved(officer, &format!("{path}/withholding"), &json!({"states": ["GIN"], "reason": "safety_of_persons"}));
    }
    // Accounts.
    let machine = json!({"email": "system@casque.example", "name": "Made-up system", "role": "member_state", "state": "MLI",
        "state_function": "proposer", "machine": true});
    let machine = server.as_("administrator").post("/v1/accounts", &machine);
    server.approve(&machine);
    let machine = machine.json()["account"]["id"].as_str().unwrap().to_owned();
    let ends = server.store.now().date() + Days::new(30);
    done("manager", &format!("/v1/accounts/{machine}/keys"), &json!({"name": "made-up", "expires_on": ends}));
    let person = json!({"email": "new@casque.example", "name": "Made-up person", "role": "auditor"});
    let asked = server.as_("administrator").post("/v1/accounts", &person);
    server.approve(&asked);
    let person = asked.json()["account"]["id"].as_str().unwrap().to_owned();
    done("administrator", &format!("/v1/accounts/{person}/invitations"), &json!({}));
    // A second factor set up anew, with its recovery codes.
    let iceland = server.account("iceland").clone();
    server.as_("iceland");
    let code = server.code("iceland");
    let begun = made("iceland", "/v1/me/second-factor", &json!({"password": iceland.password, "code": code}));
    let step = casque::identity::step_at(server.store.now());
    let code = casque::identity::code_at(begun["secret"].as_str().unwrap(), step).unwrap();
    done("iceland", "/v1/me/second-factor/confirmation", &json!({"code": code}));
    // Openings in every form, an approval, an emergency with its review, and a volume that is unusual.
    proved("verifier", "/v1/sittings", &json!({"purpose": "verification"}));
    let ask = json!({"record": record, "class": "strictly_confidential", "purpose": "verification"});
    made("verifier", "/v1/approvals", &ask);
    let emergency = json!({"record": record, "class": "strictly_confidential", "purpose": "verification", "emergency": true,
        "note": "Made-up note"});
    let opened = proved("verifier", "/v1/disclosures", &emergency)["id"].as_str().unwrap().to_owned();
    proved("releaser", &format!("/v1/disclosures/{opened}/note"), &json!({}));
    let path = format!("/v1/disclosures/{opened}/review");
    assert_eq!(server.prove("releaser", &path, &json!({"finding": "justified"})).status, 204);
    let many: Vec<String> = server
        .as_("verifier")
        .get("/v1/incidents?limit=200")
        .references()
        .iter()
        .map(|one| format!("incidents/{one}"))
        .collect();
    let file = json!({"records": many, "class": "confidential", "purpose": "verification", "format": "csv"});
    assert_eq!(server.prove("verifier", "/v1/disclosures/files", &file).status, 200);
    let ask = json!({"person": "victim", "name": "canary guinea name", "purpose": "verification"});
    proved("unifil", "/v1/disclosures/matches", &ask);
    done("verifier", "/v1/tables", &json!({"year": 2021}));
    made("verifier", "/v1/erasures", &json!({"record": victim, "reason": "court_order"}));
}

fn counts(server: &TestServer) -> BTreeMap<&'static str, u64> {
    table_names()
        .iter()
        .map(|table| (*table, server.asked(&format!("SELECT count(*) FROM {table}")).parse().unwrap()))
        .collect()
}

/// The folder of the one backup below a folder.
fn made_in(backups: &Path) -> std::path::PathBuf {
    let mut folders: Vec<_> =
        std::fs::read_dir(backups).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.pop().unwrap()
}

#[test]
fn a_database_in_which_every_table_has_rows_is_backed_up_verified_restored_and_moved() {
    let server = TestServer::with_sample();
    fill(&server);
    server.settle_audit();
    let folder = tempfile::tempdir().unwrap();
    let (backups, apart) = (folder.path().join("backups"), folder.path().join("apart"));
    // First it is restored, so that a restoration is among its rows; then an erasure is carried out.
    let instance = told(server.instance());
    succeeds(&with(&instance, &["backup", backups.to_str().unwrap()]));
    let second = folder.path().join("second");
    copy_keys(&server.folder().join("keys"), &second.join("keys"));
    let told_second = told(&InstanceArgs::folder(&second));
    succeeds(&with(&told_second, &["restore", made_in(&backups).to_str().unwrap()]));
    let restored = TestServer::of(InstanceArgs::folder(&second), &server);
    confirmed(&restored);
    let waiting = restored.as_("verifier").get("/v1/erasures?waiting=true").json();
    let number = waiting["items"][0]["number"].as_str().unwrap().to_owned();
    let decision = format!("/v1/erasures/{number}/decision");
    assert_eq!(restored.prove("releaser", &decision, &json!({"approve": true})).status, 200);
    let ledger = backups.to_str().unwrap();
    succeeds(&with(&told_second, &["keys", "erase", &number, "--ledger", ledger]));
    assert_eq!(restored.prove("verifier", "/v1/sittings", &json!({"purpose": "verification"})).status, 201);
    let link = restored.as_("administrator").get("/v1/accounts?limit=200").json();
    let person = link["items"].as_array().unwrap().iter().find(|one| one["email"] == "new@casque.example").unwrap();
    let invitation = format!("/v1/accounts/{}/invitations", person["id"].as_str().unwrap());
    assert_eq!(restored.as_("administrator").post(&invitation, &json!({})).status, 201);
    let until = restored.store.now() + chrono::TimeDelta::minutes(10);
    assert!(restored.store.sign_on_take(&[1; 32], until).unwrap());
    restored.settle_audit();
    let more = restored.report("minusma", &ambush());
    restored.release("minusma", &more);
    let rows = counts(&restored);
    // If you are here because this failed, you added a table: let `fill` put a row into it.
    let empty: Vec<_> = rows.iter().filter(|(_, rows)| **rows == 0).map(|(table, _)| *table).collect();
    assert!(empty.is_empty(), "nothing is known of what is lost of these: {empty:?}");

    succeeds(&with(&told_second, &["backup", backups.to_str().unwrap(), "--keys-to", apart.to_str().unwrap()]));
    let keys = second.join("keys");
    let backup = made_in(&backups);
    let verify = [
        "backup",
        "verify",
        backup.to_str().unwrap(),
        "--keys-from",
        apart.to_str().unwrap(),
        "--keys",
        keys.to_str().unwrap(),
    ];
    assert!(succeeds(&verify).contains("(no value was shown): confidential, strictly_confidential"));
    let third = folder.path().join("third");
    copy_keys(&keys, &third.join("keys"));
    for name in ["audit-1.pub", "ledger.log"] {
        std::fs::copy(keys.join(name), third.join("keys").join(name)).unwrap();
    }
    let told_third = told(&InstanceArgs::folder(&third));
    succeeds(&with(&told_third, &["restore", backup.to_str().unwrap(), "--keys-from", apart.to_str().unwrap()]));
    let again = TestServer::of(InstanceArgs::folder(&third), &server);
    let kept = counts(&again);
    for table in table_names().iter().filter(|table| !LEFT.contains(table)) {
        // What a restore adds: its own row, its entry, and what the demo's people did since the backup began.
        let grown = ["restoration", "audit_entry", "audit_leaf", "audit_hash", "audit_checkpoint", "audit_pending"];
        let ended = ["invitation"];
        if !grown.contains(table) && !ended.contains(table) {
            assert_eq!(kept[table], rows[table], "{table}");
        }
    }
    drop(again);
    let log = succeeds(&with(&told_third, &["audit", "verify", "--deep", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&log).unwrap()["holds"], true, "{log}");
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let cluster = Cluster::start("-c fsync=off");
    cluster.run("postgres", "CREATE DATABASE there");
    let moved = folder.path().join("moved");
    succeeds(&with(&told_third, &["export", "--all", moved.to_str().unwrap()]));
    let there = InstanceArgs {
        database: Some(cluster.url("casque", "there").parse().unwrap()),
        keys: Some(third.join("keys")),
        ..InstanceArgs::default()
    };
    succeeds(&with(&told(&there), &["import", "--all", moved.to_str().unwrap()]));
    for table in table_names().iter().filter(|table| !LEFT.contains(table)) {
        let there: u64 = cluster.run("there", &format!("SELECT count(*) FROM {table}")).parse().unwrap();
        assert!(there >= kept[table], "{table}: {there} of {}", kept[table]);
    }
    let log = succeeds(&with(&told(&there), &["audit", "verify", "--deep", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&log).unwrap()["holds"], true, "{log}");
}

#[test]
fn no_table_that_is_archived_refers_to_one_that_is_left_out() {
    let server = TestServer::start();
    let refers = |table: &str| -> String {
        if server.instance().database.is_some() {
            server.asked(&format!(
                "SELECT coalesce(string_agg(confrelid::regclass::text, ','), '') FROM pg_constraint \
                 WHERE contype = 'f' AND conrelid = '{table}'::regclass"
            ))
        } else {
            server.asked(&format!("SELECT group_concat(\"table\") FROM pragma_foreign_key_list('{table}')"))
        }
    };
    let mut seen = 0;
    for table in table_names().iter().filter(|table| !LEFT.contains(table)) {
        for target in refers(table).split(',').filter(|target| !target.is_empty()) {
            assert!(!LEFT.contains(&target), "{table} is archived and refers to {target}, which is left out");
            assert!(table_names().contains(&target), "{target}");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}
