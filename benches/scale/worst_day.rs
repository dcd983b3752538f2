//! What an operator waits for: backup, verification and restore; and what a report costs once the audit log is long.

use std::process::Command;
use std::time::Instant;

use casque::node::{InstanceArgs, Node, OpenOptions};

use super::cluster::Cluster;
use super::load::post;
use super::{Subject, Table, in_turns, report, subject_location};

/// Entries of a long log.
const ENTRIES: u64 = 1_000_000;

fn told(instance: &InstanceArgs, folder: &std::path::Path) -> Vec<String> {
    match &instance.database {
        None => vec!["--data".into(), folder.display().to_string()],
        Some(_) => {
            let casque::store::Location::Postgres(url) = subject_location(instance, folder) else { return Vec::new() };
            vec!["--database".into(), url, "--keys".into(), instance.keys.as_ref().unwrap().display().to_string()]
        }
    }
}

fn timed(arguments: &[&str], instance: &[String]) -> f64 {
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_casque")).args(arguments).args(instance).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    began.elapsed().as_secs_f64()
}

/// Backup (read back and compared), verification and restore, by the commands.
pub fn archive(subject: &Subject, named: &str, table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let (backups, keys) = (folder.path().join("backups"), subject.folder.path().join("keys"));
    let from = told(&subject.instance, subject.folder.path());
    let backup = timed(&["backup", backups.to_str().unwrap()], &from);
    let made =
        std::fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let size: u64 = std::fs::read_dir(&made).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    let made = made.to_str().unwrap().to_owned();
    let verify = timed(&["backup", "verify", &made, "--keys", keys.to_str().unwrap()], &[]);
    let target = folder.path().join("restored");
    let cluster = subject.cluster.as_ref().map(|_| {
        let cluster = Cluster::start("-c shared_buffers=1GB -c max_wal_size=8GB -c checkpoint_timeout=30min");
        cluster.run("postgres", "CREATE DATABASE casque");
        cluster
    });
    let keys_to = target.join("keys");
    std::fs::create_dir_all(&keys_to).unwrap();
    for name in ["master.key", "system.key", "operator.key", "operator.pub", "audit.pub"] {
        std::fs::copy(keys.join(name), keys_to.join(name)).unwrap();
    }
    let instance = match &cluster {
        None => InstanceArgs::folder(&target),
        Some(cluster) => InstanceArgs {
            database: Some(cluster.url("casque", "casque").parse().unwrap()),
            keys: Some(keys_to),
            ..InstanceArgs::default()
        },
    };
    let to = told(&instance, &target);
    if cluster.is_some() {
        timed(&["migrate"], &to[..2]);
    }
    let restore = timed(&["restore", &made], &to);
    for (what, took) in [
        ("backup, read back and compared", backup),
        ("backup verify, one seal of each class opened", verify),
        ("restore, with a new origin of the log", restore),
    ] {
        let measured = format!("{took:.1} s ({:.0} MB, {:.1} MB/s)", size as f64 / 1e6, size as f64 / 1e6 / took);
        table.row(what, named, &measured, "", None);
    }
}

/// Makes the log long, past the program, and has the program place what it finds.
fn lengthen(subject: &Subject, node: &Node) {
    let (id, salt, numbers) = match &subject.cluster {
        None => (
            "CAST(printf('%016d', n) AS BLOB)",
            "zeroblob(16)",
            format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ENTRIES})"),
        ),
        Some(_) => (
            "decode(lpad(to_hex(n), 32, '0'), 'hex')",
            "decode(repeat('00', 16), 'hex')",
            format!("WITH s(n) AS (SELECT generate_series(1, {ENTRIES}))"),
        ),
    };
    let columns = "id, made_at, actor_id, action, subject, body, salt";
    let body = "'{\"id\":\"made-up\",\"at\":\"2026-01-01T00:00:00+00:00\",\"action\":\"made.up\",\"subject\":\"made-up\",\"detail\":null}'";
    let entry = format!("{id}, '2026-01-01 00:00:00', NULL, 'made.up', 'made-up', {body}, {salt}");
    let entries = match &subject.cluster {
        None => format!("INSERT INTO audit_entry ({columns}) {numbers} SELECT {entry} FROM s;"),
        Some(_) => format!(
            "{numbers} INSERT INTO audit_entry ({columns}) SELECT {};",
            entry.replace("'2026-01-01 00:00:00'", "timestamp '2026-01-01 00:00:00'") + " FROM s"
        ),
    };
    let pending = "INSERT INTO audit_pending (entry_id) SELECT id FROM audit_entry WHERE action = 'made.up';";
    for sql in [&entries, pending] {
        match &subject.cluster {
            Some(cluster) => drop(cluster.run("casque", sql)),
            None => drop(subject.sqlite(sql)),
        }
    }
    while node.store.audit_sequence().unwrap() > 0 {}
}

/// Lets a database come to rest, as it would be long after.
fn rest(subject: &Subject) {
    if let Some(cluster) = &subject.cluster {
        cluster.run("casque", "VACUUM ANALYZE");
        cluster.run("casque", "CHECKPOINT");
    }
}

/// Reports beside each other, in turns: with a log of hardly anything, and with a long one.
pub fn log(database: &str, size: u64, table: &mut Table) {
    let (short, long) = (Subject::make(database, size), Subject::make(database, size));
    let node = long.instance.open(OpenOptions { without_private_keys: true, ..OpenOptions::default() }).unwrap();
    lengthen(&long, &node);
    node.settle_audit().unwrap();
    rest(&short);
    rest(&long);
    let ((_one, few), (_other, many)) = (short.serve(), long.serve());
    let tokens = [short.token(&few, "minusma"), long.token(&many, "minusma")];
    let asked = |token: &str| {
        let token = token.to_owned();
        move |n: u64| {
            let key = format!("Idempotency-Key: bench-{n:016}-{:016x}\r\n", rand::random::<u64>());
            post("/v1/incidents", &token, &key, &report())
        }
    };
    let (ours, theirs) = (asked(&tokens[0]), asked(&tokens[1]));
    let m = in_turns(&[(&few, &ours), (&many, &theirs)]);
    let ratio = m[1].rate / m[0].rate;
    table.row(
        &format!("durable report at {ENTRIES} entries of the log, against one at an empty log"),
        &format!("{database}, {size}"),
        &format!(
            "{:.0}/s against {:.0}/s: {ratio:.2} (p99 {:.0} ms against {:.0} ms)",
            m[1].rate, m[0].rate, m[1].p99, m[0].p99
        ),
        "at least 0.90",
        Some(ratio >= 0.9),
    );
}
