//! The worst day: a database that is set back, rewritten or lost, and what was taken away meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use casque::cli::DemoAccount;
use casque::node::{InstanceArgs, OpenOptions};
use casque::store::{LogAsk, audit_verify};
use serde_json::{Value, json};

use super::archive::{confirmed, copy_keys, fails, succeeds, told, with};
use super::node::{Node, Site, embedded, until};
use crate::harness::cluster::binaries;
use crate::harness::{PASSWORD, TestServer, ambush, skipped};

/// The one backup below a folder.
fn backup_in(backups: &Path) -> PathBuf {
    std::fs::read_dir(backups).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap()
}

/// A server, and a folder with a backup of it.
struct Backed {
    server: TestServer,
    folder: tempfile::TempDir,
    backups: PathBuf,
}

impl Backed {
    fn of(server: TestServer) -> Self {
        server.settle_audit();
        let folder = tempfile::tempdir().unwrap();
        let backups = folder.path().join("backups");
        succeeds(&with(&told(server.instance()), &["backup", backups.to_str().unwrap()]));
        Self { server, folder, backups }
    }

    /// Restores the backup on another machine, to which the operator brings the keys and nothing else. Gives what was told.
    fn restored(&self, name: &str) -> (TestServer, String) {
        // What was done since is shipped within two seconds of its commit.
        self.server.settle_audit();
        let data = self.folder.path().join(name);
        copy_keys(&self.server.folder().join("keys"), &data.join("keys"));
        std::fs::remove_file(data.join("keys/ledger.log")).unwrap();
        let instance = told(&InstanceArgs::folder(&data));
        let said = succeeds(&with(&instance, &["restore", backup_in(&self.backups).to_str().unwrap()]));
        (TestServer::of(InstanceArgs::folder(&data), &self.server), said)
    }
}

#[test]
fn a_restore_gives_back_nothing_that_was_taken_away() {
    let server = TestServer::start();
    let released = |server: &TestServer| {
        let reference = server.report("minusma", &ambush());
        server.release("minusma", &reference);
        reference
    };
    let (withdrawn, amended, withheld, kept) =
        (released(&server), released(&server), released(&server), released(&server));
    let machine = json!({"email": "system@casque.example", "name": "Made-up system", "role": "member_state", "state": "MLI",
        "state_function": "proposer", "machine": true});
    let machine = server.as_("administrator").post("/v1/accounts", &machine);
    server.approve(&machine);
    let machine = machine.json()["account"]["id"].clone();
    let keys = format!("/v1/accounts/{}/keys", machine.as_str().unwrap());
    let ends = server.store.now().date() + chrono::Days::new(30);
    let key = server.as_("manager").post(&keys, &json!({"name": "made-up", "expires_on": ends})).json();
    let token = key["key"].as_str().unwrap().to_owned();
    assert_eq!(server.with_token(&token).get("/v1/incidents").status, 200);
    let accounts = server.as_("administrator").get("/v1/accounts?limit=200").json();
    let id_of = |who: &str| {
        let all = accounts["items"].as_array().unwrap();
        let one = all.iter().find(|one| one["email"].as_str().unwrap().starts_with(who));
        one.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let invite = format!("/v1/accounts/{}/invitations", id_of("ireland"));
    let link = server.as_("administrator").post(&invite, &json!({})).json()["token"].as_str().unwrap().to_owned();
    let rights = |server: &TestServer, who: &str, change: Value| {
        let own = server.as_("administrator").get(&format!("/v1/accounts/{}", id_of(who))).json();
        let mut rights = json!({});
        for name in ["role", "missions", "state", "state_function", "graded", "from_on", "to_on"] {
            rights[name] = own[name].clone();
        }
        for (name, value) in change.as_object().unwrap() {
            rights[name] = value.clone();
        }
        let path = format!("/v1/accounts/{}/changes", id_of(who));
        let answer = server.as_("administrator").post(&path, &rights);
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    assert_eq!(server.as_("chad").get(&format!("/v1/incidents/{withheld}")).status, 200);
    let backed = Backed::of(server);
    let server = &backed.server;

    // What is taken away after the backup.
    rights(server, "guinea", json!({"suspended": true}));
    rights(server, "verifier", json!({"graded": false}));
    let key_path = format!("{keys}/{}", key["id"].as_str().unwrap());
    assert_eq!(server.as_("administrator").delete(&key_path).status, 204);
    server.as_("administrator").post(&invite, &json!({}));
    let chad = server.account("chad").clone();
    let changed =
        server.as_("chad").post("/v1/me/password", &json!({"password": chad.password, "new_password": PASSWORD}));
    assert_eq!(changed.status, 204, "{}", changed.text);
    let reset = server.as_("administrator").delete(&format!("/v1/accounts/{}/second-factor", id_of("mali")));
    server.approve(&reset);
    server.withdraw(&withdrawn);
    let path = format!("/v1/incidents/{amended}");
    let etag = server.as_("minusma").get(&path).etag().to_owned();
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), &etag).status, 200);
    server.release("minusma", &amended);
    for officer in ["verifier", "releaser"] {
        let decision = json!({"states": ["TCD"], "reason": "safety_of_persons"});
        assert_eq!(server.prove(officer, &format!("/v1/incidents/{withheld}/withholding"), &decision).status, 200);
    }

    let (again, said) = backed.restored("restored");
    for line in [
        "Account guinea",
        "Account verifier",
        "The password of chad",
        "The second factor and password of mali",
        &format!("Incident {withdrawn} is withdrawn again."),
        &format!("Incident {amended} is no longer released"),
        &format!("Incident {withheld} is withheld again."),
        "machine keys were ended",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    // Nobody is served before an officer and an administrator have confirmed that list; a session begun before is over.
    let waits = again.anonymous().post(
        "/v1/sessions",
        &json!({"email": again.account("lebanon").email,
        "password": again.account("lebanon").password, "code": again.code("lebanon")}),
    );
    assert_eq!((waits.status, waits.json()["type"].as_str().unwrap()), (503, "urn:casque:problem:unconfirmed"));
    assert_eq!(again.as_("administrator").get("/v1/accounts").status, 503);
    assert_eq!(again.as_("releaser").get("/v1/incidents").status, 503);
    assert_eq!(again.as_("releaser").get("/v1/me").status, 200);
    let listed = again.as_("administrator").get("/v1/restorations").json();
    let undone = listed["items"][0]["undone"].as_array().unwrap();
    assert!(undone.iter().any(|one| one["what"] == "suspended"), "{listed}");
    let id = listed["items"][0]["id"].as_str().unwrap();
    let confirmation = format!("/v1/restorations/{id}/confirmation");
    assert_eq!(again.prove("administrator", &confirmation, &json!({})).status, 200);
    assert_eq!(again.prove("administrator", &confirmation, &json!({})).status, 409, "one of each");
    assert_eq!(again.as_("releaser").get("/v1/incidents").status, 503, "one alone is not enough");
    assert_eq!(again.prove("releaser", &confirmation, &json!({})).status, 200);
    assert_eq!(again.as_("releaser").get("/v1/incidents").status, 200);

    let sign_in = |who: &str| {
        let account = again.account(who).clone();
        let body = json!({"email": account.email, "password": account.password, "code": again.code(who)});
        again.anonymous().post("/v1/sessions", &body).status
    };
    assert_eq!(sign_in("guinea"), 401, "suspended");
    assert_eq!(sign_in("chad"), 401, "the password of before");
    assert_eq!(sign_in("mali"), 401, "the second factor of before");
    assert_eq!(sign_in("lebanon"), 201);
    assert_eq!(again.with_token(&token).get("/v1/incidents").status, 401, "the machine's key");
    let used = again.anonymous().post("/v1/invitations/acceptance", &json!({"token": link, "new_password": PASSWORD}));
    assert_eq!(used.status, 404, "the link");
    let me = again.as_("verifier").get("/v1/me").json();
    assert_eq!(me["graded"], false, "{me}");
    let seen = |who: &str, reference: &str| again.as_(who).get(&format!("/v1/incidents/{reference}")).status;
    assert_eq!((seen("lebanon", &kept), seen("ireland", &kept)), (404, 404));
    let shows = |reference: &str| {
        let seen = again.as_("verifier").get(&format!("/v1/incidents/{reference}?as=TCD"));
        (seen.status, again.as_("verifier").get(&format!("/v1/incidents/{reference}")).json()["status"].clone())
    };
    assert_eq!(shows(&kept), (200, json!("released")));
    assert_eq!(shows(&withdrawn), (410, json!("withdrawn")));
    assert_eq!(shows(&amended).1, json!("verified"));
    assert_ne!(shows(&amended).0, 200);
    let frozen = "SELECT count(*) FROM concern JOIN incident ON incident.id = concern.incident_id WHERE state = 'TCD' AND frozen_at IS NOT NULL";
    assert_ne!(again.asked(&format!("{frozen} AND incident.reference = '{withheld}'")), "0");
    again.settle_audit();
    let data = ["--data".to_owned(), again.instance().data.as_ref().unwrap().display().to_string()];
    assert!(succeeds(&with(&data, &["audit", "verify", "--deep"])).contains("self-consistent"));
}

#[test]
fn a_ledger_that_was_changed_or_cut_is_refused_and_an_older_one_is_taken_for_a_reason_alone() {
    let backed = Backed::of(TestServer::start());
    let server = &backed.server;
    let chad = server.account("chad").clone();
    for (old, new) in [(chad.password.as_str(), PASSWORD), (PASSWORD, "nine lanterns over two rivers")] {
        let body = json!({"email": chad.email, "password": old, "code": server.code("chad")});
        let session =
            server.anonymous().post("/v1/sessions", &body).json()["access_token"].as_str().unwrap().to_owned();
        let changed =
            server.with_token(&session).post("/v1/me/password", &json!({"password": old, "new_password": new}));
        assert_eq!(changed.status, 204, "{}", changed.text);
    }
    server.settle_audit();
    let path = backed.backups.join("ledger.log");
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let data = backed.folder.path().join("restored");
    copy_keys(&server.folder().join("keys"), &data.join("keys"));
    std::fs::remove_file(data.join("keys/ledger.log")).unwrap();
    let instance = told(&InstanceArgs::folder(&data));
    let from = backup_in(&backed.backups);
    let restore = |more: &[&str]| {
        let arguments = [&["restore", from.to_str().unwrap()], more].concat();
        with(&instance, &arguments).iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()
    };
    let refused = |more: &[&str]| {
        let arguments = restore(more);
        let said = fails(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!data.join("casque.db").exists() && !data.join("casque.db.new").exists(), "it leaves nothing behind");
        said
    };
    let last = lines.len() - 1;
    let other = lines[last].replacen("\"act\":\"password\"", "\"act\":\"links_ended\"", 1);
    for (wrong, why) in [
        (format!("{}\n{other}\n", lines[..last].join("\n")), "is not what was written"),
        (format!("{}\n{}\n", lines[1..].join("\n"), ""), "is not what was written"),
        (format!("{}\n{}\n", lines[..last - 1].join("\n"), lines[last]), "is not what was written"),
        (format!("{}\n", lines[..last].join("\n")), "is known too"),
        (String::new(), "is known too"),
    ] {
        std::fs::write(&path, wrong).unwrap();
        assert!(refused(&[]).contains(why), "{why}");
    }
    // The last line is lost: the operator says so, and it is on the record.
    std::fs::write(&path, format!("{}\n", lines[..last].join("\n"))).unwrap();
    use sha2::Digest as _;
    let head = hex::encode(sha2::Sha256::digest(lines[last - 1].as_bytes()));
    assert!(refused(&["--ledger-head", &"0".repeat(64), "--reason", "made-up"]).contains("no line of the ledger"));
    let arguments = restore(&["--ledger-head", &head, "--reason", "the disk of the backups lost a line"]);
    succeeds(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let again = TestServer::of(InstanceArgs::folder(&data), server);
    confirmed(&again);
    let told = again.as_("auditor").get("/v1/audit?action=log.restore").json();
    assert_eq!(told["items"][0]["entry"]["detail"]["reason"], "the disk of the backups lost a line");
}

#[test]
fn a_backup_is_verified_with_the_same_ledger_as_it_would_be_restored() {
    let backed = Backed::of(TestServer::start());
    let (keys, from) = (backed.server.folder().join("keys"), backup_in(&backed.backups));
    let verify = ["backup", "verify", from.to_str().unwrap(), "--keys", keys.to_str().unwrap()];
    succeeds(&verify);
    let held: Vec<_> = std::fs::read_dir(&backed.backups).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(held.len(), 2, "it leaves nothing behind: {held:?}");
    std::fs::remove_file(backed.backups.join("ledger.log")).unwrap();
    std::fs::remove_file(keys.join("ledger.log")).unwrap();
    assert!(fails(&verify).contains("no ledger was found"));
}

/// Puts a checkpoint into the database, past the program.
fn forged(server: &TestServer, size: u64, note: &str) {
    let note = note.replace('\'', "''");
    server.tampered(&format!("DELETE FROM audit_checkpoint WHERE size = {size}"));
    server.tampered(&format!(
        "INSERT INTO audit_checkpoint (size, note, made_at) VALUES ({size}, '{note}', '2026-01-01 00:00:00')"
    ));
}

#[test]
fn a_checkpoint_that_somebody_put_into_the_database_is_never_adopted() {
    let other = TestServer::start();
    other.report("minusma", &ambush());
    other.settle_audit();
    let foreign = other.as_("iceland").get("/v1/audit/checkpoint").text;
    for at_present in [true, false] {
        for way in ["signature", "root", "origin"] {
            let server = TestServer::start();
            server.report("minusma", &ambush());
            let kept = server.folder().join("keys/audit.checkpoint");
            server.settle_audit();
            let genuine = std::fs::read_to_string(&kept).unwrap();
            let signed: u64 = genuine.lines().nth(1).unwrap().parse().unwrap();
            server.report("minusma", &ambush());
            let size = signed + if at_present { 1 } else { 3 };
            let note = match way {
                "signature" => genuine.replacen(&format!("\n{signed}\n"), &format!("\n{size}\n"), 1),
                "root" => {
                    let root = genuine.lines().nth(2).unwrap();
                    genuine.replacen(&format!("\n{signed}\n{root}"), &format!("\n{size}\n{}", "A".repeat(43) + "="), 1)
                }
                _ => foreign.clone(),
            };
            forged(&server, size, &note);
            for _ in 0..3 {
                server.settle_audit();
                server.report("minusma", &ambush());
            }
            server.settle_audit();
            let last = std::fs::read_to_string(&kept).unwrap();
            assert_ne!(last, note, "{way}");
            let now: u64 = last.lines().nth(1).unwrap().parse().unwrap();
            assert_eq!(now, signed + 4, "{way}: signing goes on");
            assert_eq!(last.lines().next(), genuine.lines().next());
            let served = server.as_("auditor").get("/v1/audit/checkpoint").text;
            assert_eq!(served, last, "{way}: what is served is signed");
            let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
            let ask = LogAsk { verifier_keys: key.trim(), ..LogAsk::default() };
            let findings = audit_verify(&server.store, &ask).unwrap().findings;
            assert_eq!(findings.len(), 1, "{way}: it is told of: {findings:?}");
        }
    }
}

#[test]
fn what_is_in_no_tree_and_what_no_entry_speaks_of_is_found() {
    let server = TestServer::start();
    server.report("minusma", &ambush());
    server.settle_audit();
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    let kept = [std::fs::read_to_string(server.folder().join("keys/audit.checkpoint")).unwrap()];
    let found = |deep: bool| {
        let ask = LogAsk { verifier_keys: key.trim(), kept: &kept, deep, ..LogAsk::default() };
        let findings = audit_verify(&server.store, &ask).unwrap().findings;
        findings.into_iter().map(|finding| format!("{}: {}", finding.at, finding.what)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!((found(false), found(true)), (String::new(), String::new()));
    let hex = |digits: &str| match server.instance().database {
        Some(_) => format!("decode('{digits}', 'hex')"),
        None => format!("x'{digits}'"),
    };
    let id = hex(&"ab".repeat(16));
    server.tampered(&format!(
        "INSERT INTO audit_entry (id, made_at, actor_id, action, subject, body, salt) \
         VALUES ({id}, '2026-01-01 00:00:00', NULL, 'incident.release', 'x', '{{}}', {id})"
    ));
    assert!(found(false).contains("it is in no tree"), "{}", found(false));
    server.tampered(&format!("DELETE FROM audit_entry WHERE id = {id}"));
    let copied =
        "noun, record_id, root_id, edition, kind, made_at, author_id, reason, open_changes, sealed_changes, audit_id";
    server.tampered(&format!("INSERT INTO revision (id, {copied}) SELECT {id}, {copied} FROM revision LIMIT 1"));
    assert!(found(false).contains("no audit entry speaks of it"), "{}", found(false));
    server.tampered(&format!("DELETE FROM revision WHERE id = {id}"));
    assert_eq!(found(true), "");
    // Everything after the first entry is gone, with what was signed of it: the checkpoint beside the key says so.
    server.tampered("DELETE FROM audit_checkpoint");
    server.tampered("DELETE FROM audit_leaf WHERE position > 0");
    server.tampered("DELETE FROM audit_hash WHERE position > 0");
    assert!(found(false).contains("its tail was cut"), "{}", found(false));
}

#[test]
fn a_log_of_which_nothing_was_signed_does_not_verify_after_its_first_minutes() {
    // Made now: of a copy the first entry is older.
    let server = TestServer::with_sample();
    server.report("minusma", &ambush());
    server.settle_audit();
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    server.tampered("DELETE FROM audit_checkpoint");
    let ask = LogAsk { verifier_keys: key.trim(), ..LogAsk::default() };
    assert_eq!(audit_verify(&server.store, &ask).unwrap().findings, []);
    server.pass(chrono::TimeDelta::minutes(6));
    assert!(audit_verify(&server.store, &ask).unwrap().findings[0].what.contains("nothing of it was ever signed"));
}

fn copy_database(from: &Path, to: &Path) {
    for name in ["casque.db", "casque.db-wal", "casque.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

fn confirmed_at(node: &Node, accounts: &[DemoAccount]) {
    for who in ["administrator", "releaser"] {
        let token = node.sign_in(accounts, who);
        let listed = node.client(Some(&token)).get("/v1/restorations").json();
        let path = format!("/v1/restorations/{}/confirmation", listed["items"][0]["id"].as_str().unwrap());
        assert_eq!(node.prove(accounts, who, &token, &path, &json!({})).status, 200);
    }
}

#[test]
fn a_database_that_was_set_back_is_not_served_until_the_operator_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let accounts = embedded(&data);
    let instance = ["--data".to_owned(), data.display().to_string()];
    let older = folder.path().join("older");
    std::fs::create_dir(&older).unwrap();
    copy_database(&data, &older);
    let node = Node::start(&["--data", data.to_str().unwrap()]);
    let token = node.sign_in(&accounts, "minusma");
    let report = node.client(Some(&token)).post("/v1/incidents", &ambush());
    let mine = format!("incidents/{}", report.json()["reference"].as_str().unwrap());
    assert_eq!(node.terminate(), Some(0));
    assert!(fails(&with(&instance, &["audit", "accept", "--reason", "made-up"])).contains("nothing to accept"));
    copy_database(&older, &data);

    let node = Node::start(&["--data", data.to_str().unwrap()]);
    until(Duration::from_secs(5), || node.client(None).get("/readyz").status == 503);
    let refused = node.try_sign_in(&accounts, "minusma");
    assert_eq!((refused.status, refused.json()["type"].as_str().unwrap()), (503, "urn:casque:problem:unproved"));
    let ask = json!({"record": mine, "class": "confidential", "purpose": "follow_up", "code": "000000"});
    assert_ne!(node.client(Some(&token)).post("/v1/disclosures", &ask).status, 201);
    assert_eq!(node.terminate(), Some(1), "the last entries are not signed");
    let verified = super::archive::casque(&with(&instance, &["audit", "verify"]));
    assert_eq!(verified.status.code(), Some(1), "the checkpoint beside the key disagrees");
    assert!(String::from_utf8_lossy(&verified.stdout).contains("its tail was cut"));
    for command in [&["keys", "compact"][..], &["account", "list"]] {
        assert!(fails(&with(&instance, command)).contains("casque audit accept"), "{command:?}");
    }

    let said = succeeds(&with(&instance, &["audit", "accept", "--reason", "a copy of before was put in place"]));
    assert!(said.contains("new origin casque-"), "{said}");
    let node = Node::start(&["--data", data.to_str().unwrap()]);
    assert_eq!(node.try_sign_in(&accounts, "minusma").status, 503, "what it undid awaits its confirmation");
    confirmed_at(&node, &accounts);
    let token = node.sign_in(&accounts, "minusma");
    assert_eq!(node.client(Some(&token)).post("/v1/incidents", &ambush()).status, 201);
    assert_eq!(node.terminate(), Some(0));
    let verified = succeeds(&with(&instance, &["audit", "verify", "--deep"]));
    assert!(verified.contains("was signed before the log was set back"), "{verified}");
}

/// What an officer reads of a log: that it says why it was set back.
fn accepted(entry: &Value) -> &str {
    entry["items"][0]["entry"]["detail"]["reason"].as_str().unwrap()
}

#[test]
fn a_failover_to_a_standby_that_lacked_the_last_seconds_is_accepted_by_the_operator_alone() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("");
    let standby = site.primary.standby("standby", "");
    let hosts = format!("{},{}", site.primary.socket().display(), standby.socket().display());
    let (url, keys) = (format!("postgres://site_service@/casque?host={hosts}"), site.keys());
    let instance = ["--database", &url, "--keys", keys.to_str().unwrap()];
    let node = Node::start(&instance);
    let token = site.sign_in(&node, "minusma");
    assert_eq!(node.client(Some(&token)).post("/v1/incidents", &ambush()).status, 201);
    let caught_up = || {
        site.primary.run("postgres", "SELECT pg_current_wal_lsn()::text")
            == standby.run("postgres", "SELECT pg_last_wal_replay_lsn()::text")
    };
    until(Duration::from_secs(20), caught_up);
    // Nothing waits for the standby, and it is away for a moment: what comes now is on the primary alone, and signed.
    standby.stop();
    assert_eq!(node.client(Some(&token)).post("/v1/incidents", &ambush()).status, 201);
    assert_eq!(node.terminate(), Some(0), "which signs what there is");
    site.primary.kill();
    standby.begin();
    standby.promote();
    let alone = standby.url("site_service", "casque");
    let instance = ["--database", &alone, "--keys", keys.to_str().unwrap()];
    let node = Node::start(&instance);
    until(Duration::from_secs(5), || node.client(None).get("/readyz").status == 503);
    assert_eq!(site.try_sign_in(&node, "minusma").status, 503);
    assert_eq!(node.terminate(), Some(1), "the last entries are not signed");
    succeeds(&[&["audit", "accept", "--reason", "failover, the standby lagged"][..], &instance].concat());
    let node = Node::start(&instance);
    confirmed_at(&node, &site.accounts);
    let auditor = site.sign_in(&node, "auditor");
    let told = node.client(Some(&auditor)).get("/v1/audit?action=log.accept").json();
    assert_eq!(accepted(&told), "failover, the standby lagged");
    assert_eq!(node.terminate(), Some(0));
    site.verify_log(&standby.url("casque", "casque"));
}

#[test]
fn a_node_without_keys_goes_on_from_what_it_saw_and_from_nothing_smaller() {
    let server = TestServer::start();
    server.report("minusma", &ambush());
    server.settle_audit();
    let public = server.folder().join("public");
    std::fs::create_dir(&public).unwrap();
    for name in ["operator.pub", "token.pub", "audit.pub"] {
        std::fs::copy(server.folder().join("keys").join(name), public.join(name)).unwrap();
    }
    let instance = InstanceArgs { keys: Some(public), ..server.instance().clone() };
    let sealed =
        instance.open(OpenOptions { access: casque::store::Access::Sealed, ..OpenOptions::default() }).unwrap();
    let (app, tasks) = sealed.into_app().unwrap();
    tasks.watch().unwrap();
    server.report("minusma", &ambush());
    server.settle_audit();
    tasks.watch().unwrap();
    server.tampered("DELETE FROM audit_checkpoint WHERE size > 22");
    server.tampered("DELETE FROM audit_leaf WHERE position > 20");
    assert!(tasks.watch().is_err(), "the tree is smaller than it was");
    assert!(app.store.rights().is_err(), "nobody is answered");
    let another = TestServer::start();
    another.settle_audit();
    forged(&server, 2_000, &another.as_("iceland").get("/v1/audit/checkpoint").text);
    let sealed =
        instance.open(OpenOptions { access: casque::store::Access::Sealed, ..OpenOptions::default() }).unwrap();
    assert!(sealed.into_app().unwrap().1.watch().is_err(), "a note that nobody of this log signed");
}

#[test]
fn what_takes_something_away_is_in_every_place_of_the_ledger_within_two_seconds_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, backups) = (folder.path().join("data"), folder.path().join("backups"));
    let accounts = embedded(&data);
    std::fs::create_dir(&backups).unwrap();
    let (data, place) = (data.to_str().unwrap(), backups.to_str().unwrap());
    let node = Node::start(&["--data", data, "--ledger", place]);
    let administrator = node.sign_in(&accounts, "administrator");
    let client = node.client(Some(&administrator));
    let listed = client.get("/v1/accounts?limit=200").json();
    let suspend = |who: &str| {
        let all = listed["items"].as_array().unwrap();
        let one = all.iter().find(|one| one["email"].as_str().unwrap().starts_with(who)).unwrap();
        let mut rights = json!({ "suspended": true });
        for name in ["role", "missions", "state", "state_function", "graded", "to_on"] {
            rights[name] = one[name].clone();
        }
        let began = std::time::Instant::now();
        let done = client.post(&format!("/v1/accounts/{}/changes", one["id"].as_str().unwrap()), &rights);
        assert_eq!(done.status, 200, "{}", done.text);
        assert!(began.elapsed() < Duration::from_secs(2));
        one["id"].as_str().unwrap().to_owned()
    };
    let shipped = |id: &str| {
        let text = std::fs::read_to_string(backups.join("ledger.log")).unwrap_or_default();
        text.lines().any(|line| line.contains("\"act\":\"rights\"") && line.contains(id))
    };
    let chad = suspend("chad");
    let took = until(Duration::from_secs(5), || shipped(&chad));
    assert!(took < Duration::from_secs(2), "{took:?}");
    // The place is away: nobody waits, and an erasure is refused.
    std::fs::rename(&backups, folder.path().join("away")).unwrap();
    let guinea = suspend("guinea");
    let minusma = node.sign_in(&accounts, "minusma");
    let made = node.client(Some(&minusma)).post("/v1/incidents", &ambush()).json();
    let victim = format!(
        "incidents/{}/victims/{}",
        made["reference"].as_str().unwrap(),
        made["victims"][0]["handle"].as_str().unwrap()
    );
    let number = node.erasure_approved(&accounts, &victim);
    let refused = fails(&["keys", "erase", &number, "--data", data]);
    assert!(refused.contains("cannot be written") && refused.contains("nothing was changed"), "{refused}");
    assert_eq!(node.client(None).get("/readyz").status, 200);
    // It is back: it is given what it lacks, with the next lines or within a minute.
    std::fs::rename(folder.path().join("away"), &backups).unwrap();
    let iceland = suspend("iceland");
    until(Duration::from_secs(5), || shipped(&iceland) && shipped(&guinea));
    succeeds(&["keys", "erase", &number, "--data", data]);
    assert_eq!(node.terminate(), Some(0));
}
