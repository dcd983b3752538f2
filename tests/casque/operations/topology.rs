//! The whole topology of docker-compose.yml, by hand: a primary, a standby, and three nodes, one with keys, one sealed, one
//! that only reads.

use std::process::Command;
use std::time::Duration;

use casque::domain::Noun;
use serde_json::json;
use strum::VariantArray as _;

use super::node::{Node, Site, embedded, until};
use crate::harness::cluster::binaries;
use crate::harness::process::output;
use crate::harness::{ambush, skipped};

#[test]
fn a_node_does_what_its_kind_may_and_sends_the_rest_elsewhere() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off -c hot_standby=on");
    let standby = site.primary.standby("standby", "-c fsync=off");
    let (keys, sealed_keys, reader_keys) = (site.keys(), site.public_keys("sealed"), site.public_keys("reader"));
    let node = |role: &str, keys: &std::path::Path, more: &[&str]| {
        let url = if role == "site_reader" { standby.url(role, "casque") } else { site.primary.url(role, "casque") };
        let mut arguments = vec!["--database", &url, "--keys", keys.to_str().unwrap()];
        arguments.extend(more);
        Node::start(&arguments)
    };
    let with_keys = node("site_service", &keys, &[]);
    let sealed = node("site_sealed", &sealed_keys, &["--sealed"]);
    let reader = node("site_reader", &reader_keys, &["--read-only"]);

    let token = site.sign_in(&with_keys, "minusma");
    for other in [&sealed, &reader] {
        assert_eq!(
            other.try_sign_in(&site.accounts, "minusma").status,
            421,
            "who holds no private key signs nobody in"
        );
        assert_eq!(other.client(Some(&token)).get("/v1/me").status, 200, "a token of one node is good at each");
        assert_eq!(other.client(None).get("/readyz").status, 200);
    }
    let made = sealed.client(Some(&token)).post("/v1/incidents", &ambush());
    assert_eq!(made.status, 201, "a sealed node accepts what is reported: {}", made.text);
    let path = format!("/v1/incidents/{}", made.json()["reference"].as_str().unwrap());
    until(Duration::from_secs(20), || reader.client(Some(&token)).get(&path).status == 200);
    assert_eq!(reader.client(Some(&token)).get(&path).text, with_keys.client(Some(&token)).get(&path).text);

    let ask = json!({"record": &path[4..], "class": "confidential", "purpose": "follow_up", "code": "000000"});
    for other in [&sealed, &reader] {
        assert_eq!(other.client(Some(&token)).post("/v1/disclosures", &ask).status, 421);
        assert_eq!(other.client(Some(&token)).delete("/v1/sessions/current").status, 421);
    }
    assert_eq!(reader.client(Some(&token)).post("/v1/incidents", &ambush()).status, 421);
    let opened = with_keys.disclose(&site.accounts, "minusma", &token, &ask);
    assert_eq!(opened.status, 201, "what a sealed node sealed opens where the keys are: {}", opened.text);
    assert!(opened.text.contains("canary-narrative"));
    // A sealed node changes a victim's rank, and leaves what it cannot open as it was.
    let listed = sealed.client(Some(&token)).get(&format!("{path}/victims")).json();
    let victim = format!("{path}/victims/{}", listed["items"][0]["handle"].as_str().unwrap());
    let shown = sealed.client(Some(&token)).get(&victim);
    let changed = sealed.client(Some(&token)).patch(&victim, &json!({"rank": "MADE-UP"}), shown.etag());
    assert_eq!(changed.status, 200, "{}", changed.text);
    let ask = json!({"record": &path[4..], "class": "strictly_confidential", "purpose": "follow_up"});
    let opened = with_keys.disclose(&site.accounts, "minusma", &token, &ask);
    assert!(opened.text.contains("canary-medical"), "{}", opened.text);

    // It takes what is drafted and proposed, and agrees to nothing.
    let (officer, releaser) = (site.sign_in(&with_keys, "verifier"), site.sign_in(&with_keys, "releaser"));
    let moved = |node: &Node, token: &str, to: &str| {
        node.client(Some(token)).post(&format!("{path}/transitions"), &json!({"to": to, "reason": "other"})).status
    };
    assert_eq!((moved(&sealed, &token, "submitted"), moved(&sealed, &officer, "verified")), (200, 421));
    assert_eq!((moved(&with_keys, &officer, "verified"), moved(&sealed, &releaser, "released")), (200, 421));
    let proceeding = "P-MLI-2022-0000";
    let proposed = Noun::VARIANTS.iter().map(|noun| noun.spec()).filter(|spec| spec.proposed.is_some());
    let of_nouns = proposed.map(|spec| format!("/v1/{}/{}MLI-2022-0000/decision", spec.path, spec.prefix));
    for decision in [
        format!("/v1/proceedings/{proceeding}/decision"),
        format!("/v1/proceedings/{proceeding}/accused/000000/decision"),
        format!("/v1/proceedings/{proceeding}/steps/000000/decision"),
        format!("/v1/cases/C-MINUSMA-2022-0000/incidents/{}/decision", &path[14..]),
    ]
    .into_iter()
    .chain(of_nouns)
    {
        let answer = sealed.client(Some(&officer)).post(&decision, &json!({"status": "accepted"}));
        assert_eq!(answer.status, 421, "{decision}: {}", answer.text);
    }
    let withhold = json!({"states": ["GIN"], "reason": "safety_of_persons", "code": "000000"});
    assert_eq!(sealed.client(Some(&officer)).post(&format!("{path}/withholding"), &withhold).status, 421);

    // A session that ends at one node is worth nothing at any other, within a second.
    assert_eq!(with_keys.client(Some(&token)).delete("/v1/sessions/current").status, 204);
    for other in [&with_keys, &sealed, &reader] {
        let took = until(Duration::from_secs(3), || other.client(Some(&token)).get("/v1/me").status == 401);
        assert!(took < Duration::from_millis(1_500), "{took:?}");
    }

    // A standby that stands still answers nothing rather than what was so once.
    let token = site.sign_in(&with_keys, "verifier");
    until(Duration::from_secs(20), || reader.client(Some(&token)).get("/v1/me").status == 200);
    standby.run("postgres", "SELECT pg_wal_replay_pause()");
    until(Duration::from_secs(3), || reader.client(Some(&token)).get("/v1/me").status == 503);
    assert_eq!(reader.client(None).get("/readyz").status, 503);
    assert_eq!(reader.client(None).get("/healthz").status, 200);
    standby.run("postgres", "SELECT pg_wal_replay_resume()");
    until(Duration::from_secs(20), || reader.client(Some(&token)).get("/v1/me").status == 200);
    assert_eq!(with_keys.terminate(), Some(0));
    site.verify_log(&site.primary.url("casque", "casque"));
}

#[test]
fn accounts_that_cannot_write_read_the_standby_and_the_primary_when_it_stands_still() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    let standby = site.primary.standby("standby", "-c fsync=off");
    let (url, read_url, keys) =
        (site.primary.url("site_service", "casque"), standby.url("site_reader", "casque"), site.keys());
    let node = Node::start(&["--database", &url, "--read-url", &read_url, "--keys", keys.to_str().unwrap()]);
    let auditor = site.sign_in(&node, "auditor");
    let reads = || {
        let asked = "SELECT coalesce(sum(xact_commit), 0) FROM pg_stat_database WHERE datname = 'casque'";
        standby.run("postgres", asked).parse::<u64>().unwrap()
    };
    let entries = || node.client(Some(&auditor)).get("/v1/audit?limit=200").json()["items"].as_array().unwrap().len();
    let before = (entries(), reads());
    until(Duration::from_secs(30), || {
        entries();
        reads() > before.1 + 5
    });
    standby.run("postgres", "SELECT pg_wal_replay_pause()");
    site.sign_in(&node, "minusma");
    until(Duration::from_secs(3), || entries() > before.0);
}

/// What `psql` says to a role.
fn denied(site: &Site, role: &str, sql: &str) {
    let url = site.primary.url(role, "casque");
    let psql = binaries().unwrap().join("psql");
    let done = output(Command::new(psql).args([&url, "-qAt", "-c", sql]));
    let said = String::from_utf8_lossy(&done.stderr);
    let refused =
        said.contains("permission denied") || said.contains("must be owner") || said.contains("row-level security");
    assert!(!done.status.success() && refused, "{role}: {sql}: {said}");
}

#[test]
fn what_a_nodes_role_may_not_do_the_database_refuses() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    for role in ["site_service", "site_sealed", "site_reader"] {
        for sql in [
            "UPDATE audit_entry SET body = ''",
            "DELETE FROM audit_entry",
            "UPDATE audit_leaf SET position = 0",
            "UPDATE revision SET reason = ''",
            "DELETE FROM revision",
            "TRUNCATE audit_entry",
            "ALTER TABLE revision ADD COLUMN more TEXT",
            "DROP TRIGGER tally_edition ON incident_edition",
            "CREATE TABLE more (id INTEGER)",
            "ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY",
        ] {
            denied(&site, role, sql);
        }
    }
    for role in ["site_sealed", "site_reader"] {
        for sql in [
            "SELECT * FROM credential",
            "SELECT * FROM refresh_token",
            "SELECT * FROM session",
            "SELECT wrapped FROM class_key",
            "SELECT * FROM data_key",
            "SELECT * FROM epoch",
            "UPDATE account SET role = 'administrator'",
            "INSERT INTO disclosure SELECT * FROM disclosure",
            "UPDATE class_key SET public = ''",
        ] {
            denied(&site, role, sql);
        }
    }
    denied(&site, "site_reader", "SELECT bytes FROM sealed_value");
    denied(&site, "site_reader", "INSERT INTO heartbeat VALUES ('x', 1)");
    denied(
        &site,
        "site_sealed",
        "INSERT INTO audit_entry (id, made_at, action, subject, body, salt) VALUES ('x', now(), 'disclosure.grant', '', '', '')",
    );
}

#[test]
fn the_key_of_tokens_is_rotated_while_the_node_runs_and_nobody_is_signed_out() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let node = Node::start(&["--data", folder.path().to_str().unwrap()]);
    let old = node.sign_in(&accounts, "minusma");
    let keys = folder.path().join("keys");
    let rotated = output(Command::new(env!("CARGO_BIN_EXE_casque")).args([
        "keys",
        "rotate-tokens",
        "--after",
        "1",
        "--keys",
        keys.to_str().unwrap(),
    ]));
    let told = String::from_utf8(rotated.stdout).unwrap();
    assert!(
        rotated.status.success() && told.contains("token-2.key") && told.contains("nobody is signed out"),
        "{told}"
    );
    let listed = || node.client(None).get("/.well-known/jwks.json").json()["keys"].as_array().unwrap().len();
    until(Duration::from_secs(40), || listed() == 2);
    let new = node.sign_in(&accounts, "verifier");
    let head = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(head(&new), head(&old), "the new key signs");
    for token in [&old, &new] {
        assert_eq!(node.client(Some(token)).get("/v1/incidents").status, 200);
    }
    node.terminate();
    std::fs::remove_file(keys.join("token.key")).unwrap();
    std::fs::remove_file(keys.join("token.pub")).unwrap();
    let again = Node::start(&["--data", folder.path().to_str().unwrap()]);
    assert_eq!(again.client(Some(&new)).get("/v1/incidents").status, 200);
    assert_eq!(again.client(Some(&old)).get("/v1/incidents").status, 401, "a key that was taken away verifies nothing");
}
