//! Backups, restores and moves, through the real program.

use std::path::Path;
use std::process::{Command, Output};

use casque::node::{InstanceArgs, OpenOptions};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, binaries};
use crate::harness::process::output;
use crate::harness::{TestServer, ambush, skipped};
use crate::promises::canaries::plant;

pub fn casque(arguments: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_casque")).args(arguments).env_clear())
}

pub fn succeeds(arguments: &[&str]) -> String {
    let done = casque(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

pub fn fails(arguments: &[&str]) -> String {
    let done = casque(arguments);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8(done.stderr).unwrap()
}

/// How the program is told of a place.
pub fn told(instance: &InstanceArgs) -> Vec<String> {
    match (&instance.data, &instance.database) {
        (Some(folder), _) => vec!["--data".into(), folder.display().to_string()],
        (None, Some(casque::store::Location::Postgres(url))) => {
            vec![
                "--database".into(),
                url.clone(),
                "--keys".into(),
                instance.keys.as_ref().unwrap().display().to_string(),
            ]
        }
        other => panic!("{other:?}"),
    }
}

pub fn with<'a>(instance: &'a [String], arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().copied().chain(instance.iter().map(String::as_str)).collect()
}

/// The operator's keys, which no backup holds.
pub fn copy_keys(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in [
        "ledger.log",
        "master.key",
        "operator.pub",
        "operator.key",
        "system.key",
        "token.key",
        "audit.key",
        "audit.pub",
        "audit.checkpoint",
    ] {
        let _ = std::fs::copy(from.join(name), to.join(name));
    }
}

/// What a focal point is given of its own record, opened.
fn opened(server: &TestServer, reference: &str) -> Value {
    let ask =
        json!({"record": format!("incidents/{reference}"), "class": "strictly_confidential", "purpose": "follow_up"});
    let answer = server.disclose("minusma", &ask);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["opened"].clone()
}

/// An officer and an administrator confirm what a restore undid.
pub fn confirmed(server: &TestServer) {
    let waiting = server.as_("administrator").get("/v1/restorations").json();
    let id = waiting["items"][0]["id"].as_str().unwrap().to_owned();
    for who in ["administrator", "verifier"] {
        let done = server.prove(who, &format!("/v1/restorations/{id}/confirmation"), &json!({}));
        assert_eq!(done.status, 200, "{}", done.text);
    }
}

#[test]
fn a_backup_made_while_writes_go_on_is_one_moment_and_comes_back_with_seals_history_and_log() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    server.settle_audit();
    let instance = told(server.instance());
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                server.report("minusma", &ambush());
            }
        });
        succeeds(&with(&instance, &["backup", backups.to_str().unwrap(), "--json"]));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let made =
        std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let text = std::fs::read_to_string(made.join("values.jsonl")).unwrap()
        + &std::fs::read_to_string(made.join("keys.jsonl")).unwrap();
    assert!(!text.contains("canary-"), "what is sealed stays so");

    let keys = server.folder().join("keys");
    let verified = succeeds(&["backup", "verify", made.to_str().unwrap(), "--keys", keys.to_str().unwrap(), "--json"]);
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["opened"], json!(["confidential", "strictly_confidential"]));

    let restored = folder.path().join("restored");
    copy_keys(&keys, &restored.join("keys"));
    let data = ["--data".to_owned(), restored.display().to_string()];
    succeeds(&with(&data, &["restore", made.to_str().unwrap()]));
    let refused = fails(&with(&data, &["restore", made.to_str().unwrap()]));
    assert!(refused.contains("not empty"), "{refused}");
    let again = TestServer::of(InstanceArgs::folder(&restored), &server);
    confirmed(&again);
    assert_eq!(again.as_("chad").get(&format!("/v1/incidents/{reference}")).json()["status"], "released");
    assert_eq!(opened(&again, &reference), opened(&server, &reference));
    let history = |server: &TestServer| server.as_("verifier").get(&format!("/v1/incidents/{reference}/history")).text;
    assert_eq!(history(&again), history(&server));
    let incidents = again.as_("verifier").get("/v1/statistics?unit=incidents&by=mission").json();
    assert_eq!(incidents["cells"], json!([{"by": {"mission": "MINUSMA"}, "count": 1}]), "the figures are made anew");
    drop(again);
    let log = succeeds(&with(&data, &["audit", "verify", "--deep", "--json"]));
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["holds"], true, "{log}");
    assert!(log["checkpoints"].as_u64().unwrap() >= 2, "checkpoints of both origins: {log}");
}

#[test]
fn what_was_erased_does_not_come_back_from_an_older_backup() {
    let server = TestServer::start();
    let reference = plant(&server);
    let instance = told(server.instance());
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    succeeds(&with(&instance, &["backup", backups.to_str().unwrap()]));
    let victims = server.as_("minusma").get(&format!("/v1/incidents/{reference}")).json()["victims"].clone();
    let erased = format!("incidents/{reference}/victims/{}", victims[0]["handle"].as_str().unwrap());
    let names = |opened: &Value| opened.to_string().matches("canary-name").count();
    assert_eq!(names(&opened(&server, &reference)), 1);
    let request = server.erasure_approved(&erased);
    let told = succeeds(&with(&instance, &["keys", "erase", &request]));
    let listed = |line: &str| told.lines().any(|one| regex::Regex::new(line).unwrap().is_match(one));
    for line in [
        &format!("^  incidents/{reference}: narrative, attribution, attribution_basis, sources, reason_note$"),
        "^  cases/C-[^:]*: notes, strategy, reason_note$",
        "^  proceedings/P-[^:]*: internal_obstacles, notes$",
        "^  proceedings/P-[^:]*/accused/[0-9A-Z]{6}: notes$",
        "^  proceedings/P-[^:]*/accused/[0-9A-Z]{6}: reason_note$",
        "^  proceedings/P-[^:]*/steps/[0-9A-Z]{6}: reason_note$",
        "^  assistance/A-[^:]*: narrative, contact_persons$",
        "^  disclosures/[0-9a-f]{32}: note$",
    ] {
        assert!(listed(line), "a human must look there: {line}\n{told}");
    }
    assert!(!told.contains("canary"), "{told}");
    assert_eq!(names(&opened(&server, &reference)), 0, "erased: it opens no more");
    assert_eq!(
        opened(&server, &reference).to_string().matches("canary-guinea-name").count(),
        1,
        "the other victim's does"
    );
    assert_eq!(
        server.as_("minusma").get(&format!("/v1/incidents/{reference}")).json()["victims"].as_array().unwrap().len(),
        2
    );

    let old =
        std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    // No other backup was made since: the ledger has it all the same.
    let ledger = std::fs::read_to_string(backups.join("ledger.log")).unwrap();
    assert!(ledger.contains("\"act\":\"erase_intent\"") && ledger.contains("\"act\":\"erased\""), "{ledger}");
    let restored = folder.path().join("restored");
    copy_keys(&server.folder().join("keys"), &restored.join("keys"));
    let data = ["--data".to_owned(), restored.display().to_string()];
    // The machine is lost, with its own copy; the operator has the keys.
    std::fs::remove_file(restored.join("keys/ledger.log")).unwrap();
    std::fs::rename(backups.join("ledger.log"), backups.join("elsewhere")).unwrap();
    let refused = fails(&with(&data, &["restore", old.to_str().unwrap()]));
    assert!(refused.contains("no ledger was found: without it, data that was erased"), "{refused}");
    assert!(!restored.join("casque.db").exists(), "a restore that failed leaves nothing behind");
    let told = succeeds(&with(
        &data,
        &["restore", old.to_str().unwrap(), "--ledger-file", backups.join("elsewhere").to_str().unwrap()],
    ));
    assert!(told.contains(&format!("Person {request} was erased again.")), "{told}");
    let again = TestServer::of(InstanceArgs::folder(&restored), &server);
    confirmed(&again);
    assert_eq!(names(&opened(&again, &reference)), 0);
    assert_eq!(opened(&again, &reference).to_string().matches("canary-guinea-name").count(), 1);
}

#[test]
fn a_database_moves_from_one_kind_to_the_other_and_back() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    server.settle_audit();
    let cluster = Cluster::start("-c fsync=off");
    for name in ["there", "unused"] {
        cluster.run("postgres", &format!("CREATE DATABASE {name}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    copy_keys(&server.folder().join("keys"), &keys);
    let there = InstanceArgs {
        database: Some(cluster.url("casque", "there").parse().unwrap()),
        keys: Some(keys.clone()),
        ..InstanceArgs::default()
    };
    let (out, back) = (folder.path().join("out"), folder.path().join("back"));
    let first = succeeds(&with(&told(server.instance()), &["export", "--all", out.to_str().unwrap()]));
    let moved = succeeds(&with(&told(&there), &["import", "--all", out.to_str().unwrap()]));
    let root = first.split("root ").nth(1).unwrap().trim();
    assert!(moved.contains(root), "{first} {moved}");
    let served = TestServer::of(there.clone(), &server);
    assert_eq!(opened(&served, &reference), opened(&server, &reference));
    drop(served);
    succeeds(&with(&told(&there), &["export", "--all", back.to_str().unwrap()]));
    let home = folder.path().join("home");
    copy_keys(&keys, &home.join("keys"));
    for name in ["audit-1.pub", "audit-1.key"] {
        std::fs::copy(keys.join(name), home.join("keys").join(name)).unwrap();
    }
    let home_told = ["--data".to_owned(), home.display().to_string()];
    succeeds(&with(&home_told, &["import", "--all", back.to_str().unwrap()]));
    let log = succeeds(&with(&home_told, &["audit", "verify", "--deep", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&log).unwrap()["holds"], true, "{log}");
    let again = TestServer::of(InstanceArgs::folder(&home), &server);
    assert_eq!(opened(&again, &reference), opened(&server, &reference));
    // Of a row that no act touched since, the two databases say the same.
    let incident = |path: &Path| {
        let text = std::fs::read_to_string(path.join("values.jsonl")).unwrap();
        let mut lines = text.lines().skip_while(|line| !line.contains("\"incident_edition\""));
        let head = lines.next().unwrap().to_owned();
        let mut rows: Vec<String> = lines.take_while(|line| line.starts_with('[')).map(str::to_owned).collect();
        rows.sort();
        (head, rows)
    };
    assert_eq!(incident(&out), incident(&back));
}

#[test]
fn a_damaged_archive_is_refused_whole() {
    let server = TestServer::start();
    server.report("minusma", &ambush());
    server.settle_audit();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    succeeds(&with(&told(server.instance()), &["export", "--all", out.to_str().unwrap()]));
    let (path, keys) = (out.join("values.jsonl"), server.folder().join("keys"));
    let right = std::fs::read_to_string(&path).unwrap();
    for (at, wrong) in [
        right.replacen("attack_on_convoy_transport", "attack_on_premises", 1),
        right.replacen("incident.create", "incident.delete", 1),
        right[..right.len() / 2].to_owned(),
        String::new(),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&path, wrong).unwrap();
        let target = folder.path().join(format!("target-{at}"));
        copy_keys(&keys, &target.join("keys"));
        let data = ["--data".to_owned(), target.display().to_string()];
        let refused = fails(&with(&data, &["import", "--all", out.to_str().unwrap()]));
        assert!(refused.contains("damaged") || refused.contains("rows"), "{refused}");
        std::fs::write(&path, &right).unwrap();
        succeeds(&with(&data, &["import", "--all", out.to_str().unwrap()]));
        assert!(InstanceArgs::folder(&target).open(OpenOptions::default()).is_ok());
    }
}
