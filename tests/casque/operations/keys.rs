//! Keys that change, are lost, are swapped, or are not there.

use std::path::Path;
use std::process::{Command, Output};

use casque::cli::DemoAccount;
use casque::node::{InstanceArgs, OpenOptions};
use serde_json::{Value, json};

use super::node::{Node, embedded, until};
use crate::harness::process::{output, write_private};
use crate::harness::{TestServer, ambush};

fn casque(arguments: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_casque")).args(arguments).env_clear())
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command on a folder: what it printed.
fn done(data: &str, arguments: &[&str]) -> String {
    let output = casque(&[arguments, &["--data", data]].concat());
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout)
}

/// Asks the database of a folder for one value.
fn asked<S, T>(folder: &Path, sql: &str) -> T
where
    S: diesel::sql_types::SingleValue,
    T: diesel::deserialize::FromSqlRow<S, diesel::sqlite::Sqlite> + 'static,
    diesel::expression::SqlLiteral<S>: for<'q> diesel::query_dsl::LoadQuery<'q, diesel::SqliteConnection, T>,
{
    diesel::RunQueryDsl::get_result(diesel::dsl::sql::<S>(sql), &mut crate::harness::beside(folder)).unwrap()
}

/// Reports an incident with a canary in every sealed field: its path in disclosures.
fn reported(node: &Node, token: &str) -> String {
    let made = node.client(Some(token)).post("/v1/incidents", &ambush());
    assert_eq!(made.status, 201, "{}", made.text);
    format!("incidents/{}", made.json()["reference"].as_str().unwrap())
}

/// A focal point's session, with a sitting in it.
struct Sitting {
    token: String,
    id: Value,
}

fn sit(node: &Node, accounts: &[DemoAccount]) -> Sitting {
    let token = node.sign_in(accounts, "minusma");
    let begun = node.prove(accounts, "minusma", &token, "/v1/sittings", &json!({"purpose": "follow_up"}));
    assert_eq!(begun.status, 201, "{}", begun.text);
    Sitting { id: begun.json()["id"].clone(), token }
}

/// What a focal point is given of its own record, opened.
fn opened(node: &Node, sitting: &Sitting, record: &str) -> Value {
    let ask = json!({"record": record, "class": "confidential", "sitting": sitting.id});
    let answer = node.client(Some(&sitting.token)).post("/v1/disclosures", &ask);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(answer.text.contains("canary-narrative"));
    answer.json()["opened"].clone()
}

#[test]
fn another_master_key_takes_the_old_ones_place_and_everything_opens_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().to_str().unwrap(), folder.path().join("keys"));
    let accounts = embedded(folder.path());
    let node = Node::start(&["--data", data]);
    let sitting = sit(&node, &accounts);
    let record = reported(&node, &sitting.token);
    let before = opened(&node, &sitting, &record);
    let first = std::fs::read(keys.join("master.key")).unwrap();
    let rotated = casque(&["keys", "rotate-master", "--data", data]);
    assert!(rotated.status.success(), "{}", said(&rotated.stderr));
    assert_eq!(opened(&node, &sitting, &record), before, "the node that runs goes on");
    node.terminate();
    let second = std::fs::read(keys.join("master.key")).unwrap();
    assert_ne!(first, second);
    let kept = std::fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.is_file() && std::fs::read(path).unwrap() == first).collect();
    assert_eq!(kept.len(), 1, "the old one stays for backups of before: {kept:?}");
    let node = Node::start(&["--data", data]);
    assert_eq!(opened(&node, &sitting, &record), before);
    node.terminate();

    // Cut off after the database had the new one, and before the files were in place.
    std::fs::rename(keys.join("master.key"), keys.join("master-next.key")).unwrap();
    write_private(&keys.join("master.key"), &first);
    let node = Node::start(&["--data", data]);
    assert_eq!(opened(&node, &sitting, &record), before, "a node that starts ends the rotation");
    node.terminate();
    assert_eq!(std::fs::read(keys.join("master.key")).unwrap(), second);

    write_private(&keys.join("master.key"), &first);
    let refused = casque(&["keys", "rotate-master", "--data", data]);
    assert!(said(&refused.stderr).contains("not the one of this database"), "{}", said(&refused.stderr));
}

#[test]
fn class_keys_rotate_while_the_node_runs_and_the_old_ones_are_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let accounts = embedded(folder.path());
    let node = Node::start(&["--data", data]);
    let sitting = sit(&node, &accounts);
    let record = reported(&node, &sitting.token);
    let before = opened(&node, &sitting, &record);
    let done = |arguments: &[&str]| done(data, arguments);
    let count = |sql: &str| asked::<diesel::sql_types::BigInt, i64>(folder.path(), sql);
    assert_eq!(
        done(&["keys", "reseal"]),
        "0 epochs are now sealed to the present class keys; 0 are left.\n0 older private keys were destroyed. A key is destroyed one hour after a newer key replaced it.\n"
    );
    assert!(done(&["keys", "rotate-classes", "--after", "20"]).starts_with("Made 2 class keys."));
    assert_eq!(
        done(&["keys", "reseal"]),
        "0 epochs are now sealed to the present class keys; 0 are left.\n0 older private keys were destroyed. A key is destroyed one hour after a newer key replaced it.\n",
        "not before every node knows them"
    );
    // Time passes until they are sealed to; and, as the database has it, until the old ones may be destroyed.
    std::thread::sleep(std::time::Duration::from_secs(20));
    count("UPDATE class_key SET created_at = strftime('%Y-%m-%d %H:%M:%f', created_at, '-2 hours') RETURNING 1");
    let epochs = count("SELECT count(*) FROM epoch");
    assert!(epochs >= 2);
    assert_eq!(
        done(&["keys", "reseal", "--at-most", "1"]),
        format!("1 epochs are now sealed to the present class keys; {} are left.\n", epochs - 1),
        "cut off"
    );
    assert_eq!(count("SELECT count(*) FROM class_key WHERE wrapped = x''"), 0, "what something is sealed to is kept");
    // The node that runs learns of the new keys by itself.
    let opens = || {
        node.client(Some(&sitting.token))
            .post("/v1/disclosures", &json!({"record": record, "class": "confidential", "sitting": sitting.id}))
    };
    until(std::time::Duration::from_secs(40), || opens().status == 201);
    assert_eq!(opened(&node, &sitting, &record), before);
    let rest = done(&["keys", "reseal"]);
    assert!(rest.contains("2 older private keys were destroyed"), "{rest}");
    assert_eq!(count("SELECT count(*) FROM class_key WHERE wrapped = x''"), 2);
    until(std::time::Duration::from_secs(40), || opens().status == 201);
    assert_eq!(opened(&node, &sitting, &record), before);
    let later = reported(&node, &sitting.token);
    node.terminate();
    let node = Node::start(&["--data", data]);
    let again = reported(&node, &sitting.token);
    for record in [&record, &later, &again] {
        opened(&node, &sitting, record);
    }
    assert_eq!(opened(&node, &sitting, &record), before);
    node.terminate();
    assert!(done(&["audit", "verify"]).contains("self-consistent"));
}

#[test]
fn many_epochs_become_few_while_the_node_runs_and_what_was_erased_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let accounts = embedded(folder.path());
    let mut node = Node::start(&["--data", data]);
    let sitting = sit(&node, &accounts);
    let mut records = Vec::new();
    for _ in 0..3 {
        records.push(reported(&node, &sitting.token));
        node.terminate();
        node = Node::start(&["--data", data]);
    }
    let before: Vec<Value> = records.iter().map(|record| opened(&node, &sitting, record)).collect();
    let done = |arguments: &[&str]| done(data, arguments);
    let count = |sql: &str| asked::<diesel::sql_types::BigInt, i64>(folder.path(), sql);
    assert!(done(&["keys", "compact"]).starts_with("0 epochs became 0"), "those of this hour are still in use");
    let victims = node.client(Some(&sitting.token)).get(&format!("/v1/{}/victims", records[1])).json();
    let victim = format!("{}/victims/{}", records[1], victims["items"][0]["handle"].as_str().unwrap());
    let request = node.erasure_approved(&accounts, &victim);
    let ledger = tempfile::tempdir().unwrap();
    done(&["keys", "erase", &request, "--ledger", ledger.path().to_str().unwrap()]);
    let erased = opened(&node, &sitting, &records[1]);
    assert_ne!(erased, before[1]);
    count(
        "UPDATE epoch SET created_at = strftime('%Y-%m-%d %H:%M:%f', created_at, '-25 hours')
         WHERE id IN (SELECT epoch_id FROM data_key) RETURNING 1",
    );
    let epochs = count("SELECT count(*) FROM epoch");
    let used = count("SELECT count(DISTINCT epoch_id) FROM data_key");
    let ids = "SELECT group_concat(quote(id)) FROM epoch WHERE id IN (SELECT epoch_id FROM data_key)";
    let merging: String = asked::<diesel::sql_types::Text, _>(folder.path(), ids);
    let merged = done(&["keys", "compact"]);
    assert!(merged.starts_with(&format!("{used} epochs became 2, with ")), "{merged}");
    assert_eq!(opened(&node, &sitting, &records[0]), before[0], "the node that runs opens as before");
    assert_eq!(opened(&node, &sitting, &records[1]), erased);
    assert_eq!(opened(&node, &sitting, &records[2]), before[2]);
    assert_eq!(count("SELECT count(*) FROM epoch"), epochs + 2, "they are taken away by a later run");
    assert!(
        done(&["keys", "compact"]).ends_with("; 0 empty ones were taken away.\n"),
        "not while somebody may still read them"
    );
    count(&format!(
        "UPDATE epoch SET created_at = strftime('%Y-%m-%d %H:%M:%f', created_at, '-25 hours') WHERE id IN ({merging}) RETURNING 1"
    ));
    let again = done(&["keys", "compact"]);
    assert_eq!(again, format!("0 epochs became 0, with 0 data keys; {used} empty ones were taken away.\n"));
    assert_eq!(opened(&node, &sitting, &records[0]), before[0]);
    let later = reported(&node, &sitting.token);
    opened(&node, &sitting, &later);
    node.terminate();

    let lock = std::fs::File::options().write(true).open(folder.path().join("keys/keys.lock")).unwrap();
    lock.lock().unwrap();
    for command in ["compact", "reseal", "rotate-classes", "rotate-master"] {
        let refused = casque(&["keys", command, "--data", data]);
        assert!(said(&refused.stderr).contains("another command is changing keys"), "{command}");
    }
}

#[test]
fn a_node_that_falls_leaves_no_picture_of_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let node = Node::start(&["--data", folder.path().to_str().unwrap()]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", node.id())).unwrap();
    let core: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{limits}");
    node.terminate();
}

#[test]
fn a_lost_master_key_is_recovered_with_the_offline_key() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().join("data"), folder.path().join("data/keys"));
    let path = data.to_str().unwrap();
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let instance = InstanceArgs { recovery: Some(recipient), ..InstanceArgs::folder(&data) };
    let server = instance.open(OpenOptions { migrate: true, ..OpenOptions::default() }).unwrap();
    let accounts =
        casque::cli::load_sample(&server.store, &server.identity, casque::cli::Sample::Bare, &mut |_, _, _| {})
            .unwrap();
    drop(server);
    let node = Node::start(&["--data", path]);
    let sitting = sit(&node, &accounts);
    let record = reported(&node, &sitting.token);
    let before = opened(&node, &sitting, &record);
    node.terminate();

    std::fs::remove_file(keys.join("master.key")).unwrap();
    let refused = casque(&["serve", "--data", path, "--listen", "127.0.0.1:0"]);
    assert!(said(&refused.stderr).contains("master.key is missing"), "{}", said(&refused.stderr));
    let offline = folder.path().join("offline");
    let recover = |secret: &str| {
        std::fs::write(&offline, format!("# made-up\n{secret}\n")).unwrap();
        casque(&["keys", "recover", "--data", path, "--identity", offline.to_str().unwrap()])
    };
    let another = age::secrecy::ExposeSecret::expose_secret(&age::x25519::Identity::generate().to_string()).to_owned();
    assert!(said(&recover(&another).stderr).contains("nothing was changed"));
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    let done = recover(&secret);
    assert!(done.status.success(), "{}", said(&done.stderr));
    let node = Node::start(&["--data", path]);
    assert_eq!(opened(&node, &sitting, &record), before);
    node.terminate();
    assert!(said(&recover(&secret).stderr).contains("rotate-master"), "the key is there again");
}

#[test]
fn a_class_key_that_somebody_swapped_in_the_database_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let other = tempfile::tempdir().unwrap();
    embedded(other.path());
    let database = |folder: &Path| folder.join("casque.db").display().to_string();
    let mut connection = crate::harness::beside(folder.path());
    let swap = format!(
        "ATTACH '{}' AS other; UPDATE class_key SET public = (SELECT public FROM other.class_key AS o WHERE o.class = class_key.class)",
        database(other.path())
    );
    diesel::connection::SimpleConnection::batch_execute(&mut connection, &swap).unwrap();
    drop(connection);
    let refused = casque(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused.stderr).contains("is not signed by the operator's key"), "{}", said(&refused.stderr));
}

/// Which of some bytes a process holds in memory that it may write.
#[cfg(target_os = "linux")]
fn remembered<'a>(process: u32, wanted: &[(&'a str, Vec<u8>)]) -> Vec<&'a str> {
    use std::io::{Read, Seek, SeekFrom};
    const PART: usize = 1 << 20;
    let longest = wanted.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
    let finders: Vec<_> = wanted.iter().map(|(name, bytes)| (*name, memchr::memmem::Finder::new(bytes))).collect();
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut found = std::collections::BTreeSet::new();
    let mut part = vec![0; PART + longest];
    for line in maps.lines() {
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next().unwrap(), parts.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let at = |text: &str| u64::from_str_radix(text, 16).unwrap();
        if !rights.starts_with("rw") {
            continue;
        }
        let (mut from, to) = (at(from), at(to));
        while from < to {
            let size = usize::try_from(to - from).unwrap().min(part.len());
            if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(&mut part[..size]).is_err() {
                break;
            }
            found.extend(
                finders.iter().filter(|(_, finder)| finder.find(&part[..size]).is_some()).map(|(name, _)| *name),
            );
            // Each part overlaps the last, so that nothing is cut in two.
            from += PART as u64;
        }
    }
    found.into_iter().collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_node_without_private_keys_holds_none_and_no_value_that_it_was_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (data, keys) = (folder.path().to_str().unwrap(), folder.path().join("keys"));
    let accounts = embedded(folder.path());
    let with_keys = Node::start(&["--data", data]);
    let token = with_keys.sign_in(&accounts, "minusma");
    let record = reported(&with_keys, &token);
    let seed = |name: &str| hex::decode(std::fs::read_to_string(keys.join(name)).unwrap().trim()).unwrap();
    let mut wanted: Vec<(&str, Vec<u8>)> =
        ["master.key", "operator.key", "system.key", "token.key"].iter().map(|name| (*name, seed(name))).collect();
    let held = remembered(with_keys.id(), &wanted);
    assert!(held.contains(&"token.key"), "a node that signs holds what it signs with: the search finds it");
    assert!(!held.contains(&"master.key"), "the master key is wiped once the class keys are unlocked");
    with_keys.terminate();

    let public = folder.path().join("public");
    std::fs::create_dir_all(&public).unwrap();
    for name in ["operator.pub", "token.pub", "audit.pub"] {
        std::fs::copy(keys.join(name), public.join(name)).unwrap();
    }
    wanted.push(("what was sealed before", b"canary-".to_vec()));
    for kind in ["--sealed", "--read-only"] {
        let node = Node::start(&["--data", data, "--keys", public.to_str().unwrap(), kind]);
        let client = node.client(Some(&token));
        for path in ["", "/victims", "/suspects", "/history"] {
            assert_eq!(client.get(&format!("/v1/{record}{path}")).status, 200, "{path}");
        }
        let csv = client.get("/v1/incidents?format=csv");
        assert_eq!(csv.status, 200);
        let ask = json!({"record": record, "class": "confidential", "purpose": "follow_up", "code": "000000"});
        assert_eq!(client.post("/v1/disclosures", &ask).status, 421);
        assert_eq!(remembered(node.id(), &wanted), Vec::<&str>::new(), "{kind}");
        if kind == "--sealed" {
            let mut body = ambush();
            body["narrative"] = json!("what passes through it from now on");
            assert_eq!(client.post("/v1/incidents", &body).status, 201, "it accepts what is reported");
        }
        node.terminate();
    }
}

#[test]
fn nobody_goes_back_to_an_older_class_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let accounts = embedded(folder.path());
    let count = |sql: &str| asked::<diesel::sql_types::BigInt, i64>(folder.path(), sql);
    done(data, &["keys", "rotate-classes", "--after", "0"]);
    let node = Node::start(&["--data", data]);
    let token = node.sign_in(&accounts, "minusma");
    reported(&node, &token);
    let newest = "SELECT count(*) FROM epoch JOIN class_key ON class_key.id = class_key_id WHERE sequence = 2";
    assert_ne!(count(newest), 0, "it seals to the new ones");
    until(std::time::Duration::from_secs(30), || folder.path().join("keys/class-keys.json").exists());
    assert_eq!(node.terminate(), Some(0));
    // When a row was made decides nothing; what was signed does.
    count(
        "UPDATE class_key SET created_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '+5 minutes') WHERE sequence = 1 RETURNING 1",
    );
    count("UPDATE class_key SET created_at = '2020-01-01 00:00:00' WHERE sequence = 2 RETURNING 1");
    let before = count(newest);
    let node = Node::start(&["--data", data]);
    let token = node.sign_in(&accounts, "minusma");
    reported(&node, &token);
    assert!(count(newest) > before);
    assert_eq!(node.terminate(), Some(0));
    // The new ones are hidden: the node remembers that it has seen them.
    count("UPDATE epoch SET class_key_id = (SELECT k.id FROM class_key AS k WHERE k.sequence = 1 LIMIT 1) RETURNING 1");
    count("DELETE FROM class_key WHERE sequence = 2 RETURNING 1");
    let node = Node::start(&["--data", data]);
    until(std::time::Duration::from_secs(5), || node.client(None).get("/readyz").status == 503);
    let epochs = count("SELECT count(*) FROM epoch");
    let token = node.sign_in(&accounts, "minusma");
    let refused = node.client(Some(&token)).post("/v1/incidents", &ambush());
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert_eq!(count("SELECT count(*) FROM epoch"), epochs, "nothing is sealed to the older ones");
    assert_eq!(node.terminate(), Some(0));
    // Another number is not signed.
    count("UPDATE class_key SET sequence = 3 RETURNING 1");
    let refused = casque(&["serve", "--data", data, "--listen", "127.0.0.1:0"]);
    assert!(said(&refused.stderr).contains("is not signed by the operator's key"), "{}", said(&refused.stderr));
}

#[test]
fn a_node_with_keys_seals_only_to_what_it_can_open() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let accounts = embedded(folder.path());
    done(data, &["keys", "rotate-classes", "--after", "0"]);
    let count = |sql: &str| asked::<diesel::sql_types::BigInt, i64>(folder.path(), sql);
    // The private half is gone: what would be sealed to it would be lost.
    count("UPDATE class_key SET wrapped = x'' WHERE sequence = 2 RETURNING 1");
    let node = Node::start(&["--data", data]);
    until(std::time::Duration::from_secs(5), || node.client(None).get("/readyz").status == 503);
    let token = node.sign_in(&accounts, "minusma");
    assert_eq!(node.client(Some(&token)).post("/v1/incidents", &ambush()).status, 503);
    assert_eq!(count("SELECT count(*) FROM epoch JOIN class_key ON class_key.id = class_key_id WHERE sequence = 2"), 0);
    assert_eq!(node.terminate(), Some(0));
}

#[test]
fn a_key_that_others_may_read_is_refused_unless_it_is_a_mounted_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    embedded(folder.path());
    let keys = folder.path().join("keys");
    let allow = |name: &str, mode: u32| {
        std::fs::set_permissions(keys.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["master.key", "operator.key", "system.key", "token.key", "audit.key"] {
        for mode in [0o644, 0o604, 0o620, 0o666] {
            allow(name, mode);
            // Every command that reads it says so.
            let command: &[&str] = if name == "operator.key" {
                &["keys", "rotate-classes"]
            } else {
                &["serve", "--listen", "127.0.0.1:0"]
            };
            let refused = casque(&[command, &["--data", data]].concat());
            let told = said(&refused.stderr);
            assert_eq!(refused.status.code(), Some(1), "{name} {mode:o}: {told}");
            assert!(
                told.contains(name) && told.contains("other users can read") && told.contains("chmod 600"),
                "{told}"
            );
        }
        allow(name, 0o600);
    }
    for entry in std::fs::read_dir(&keys).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}: for its owner alone, whatever the umask", path.display());
    }
    // As a container mounts a secret: root's, and read by the service's group alone.
    let ours = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&keys).unwrap());
    if ours == 0 {
        allow("master.key", 0o440);
        let node = Node::start(&["--data", data]);
        assert_eq!(node.terminate(), Some(0));
        allow("master.key", 0o444);
        assert_eq!(casque(&["serve", "--listen", "127.0.0.1:0", "--data", data]).status.code(), Some(1));
    }
}

#[test]
fn what_was_erased_leaves_no_bytes_in_the_files_of_the_embedded_database() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ledger) = (folder.path().join("data"), folder.path().join("ledger"));
    std::fs::create_dir(&ledger).unwrap();
    let accounts = embedded(&data);
    let path = data.to_str().unwrap();
    let node = Node::start(&["--data", path]);
    let token = node.sign_in(&accounts, "minusma");
    let record = reported(&node, &token);
    let victims = node.client(Some(&token)).get(&format!("/v1/{record}/victims")).json();
    let victim = format!("{record}/victims/{}", victims["items"][0]["handle"].as_str().unwrap());
    let wrapped =
        "SELECT group_concat(hex(wrapped)) FROM data_key JOIN victim ON victim_id = record_id WHERE position = 0";
    let wrapped: String = asked::<diesel::sql_types::Text, _>(&data, wrapped);
    let old: Vec<Vec<u8>> = wrapped.split(',').map(|one| hex::decode(one).unwrap()).collect();
    let held = || {
        let files = ["casque.db", "casque.db-wal"].map(|name| std::fs::read(data.join(name)).unwrap_or_default());
        old.iter().any(|one| files.iter().any(|file| memchr::memmem::find(file, one).is_some()))
    };
    assert!(old.len() >= 2 && held());
    let request = node.erasure_approved(&accounts, &victim);
    let unsaid = casque(&["keys", "erase", &request, "--data", path]);
    assert!(said(&unsaid.stderr).contains("give the folder of the ledger"), "{}", said(&unsaid.stderr));
    assert!(held(), "nothing was changed");
    // Somebody reads from before: the command says that it is not over, and how it is ended.
    let mut reader = crate::harness::beside(&data);
    diesel::connection::SimpleConnection::batch_execute(&mut reader, "BEGIN; SELECT count(*) FROM victim;").unwrap();
    let erase = ["keys", "erase", &request, "--data", path, "--ledger", ledger.to_str().unwrap(), "--wait", "1"];
    let early = casque(&erase);
    assert_eq!(early.status.code(), Some(1));
    assert!(said(&early.stderr).contains("casque keys scrub"), "{}", said(&early.stderr));
    diesel::connection::SimpleConnection::batch_execute(&mut reader, "COMMIT").unwrap();
    done(path, &["keys", "scrub"]);
    assert!(!held(), "while the service runs");
    let twice = casque(&["keys", "erase", &request, "--data", path]);
    assert!(said(&twice.stderr).contains("already carried out"), "{}", said(&twice.stderr));
    for (number, why) in [("E-000000", "not found"), ("nonsense", "not found")] {
        let refused = casque(&["keys", "erase", number, "--data", path]);
        assert!(said(&refused.stderr).contains(why), "{}", said(&refused.stderr));
    }
    assert_eq!(node.terminate(), Some(0));
}

#[test]
fn an_erasure_takes_two_officers_who_still_may() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let victims = server.as_("minusma").get(&format!("/v1/incidents/{reference}/victims")).json();
    let victim = format!("incidents/{reference}/victims/{}", victims["items"][0]["handle"].as_str().unwrap());
    let ask = json!({"record": victim, "reason": "person_asked"});
    assert_eq!(server.as_("minusma").post("/v1/erasures", &ask).status, 403);
    let nobody = json!({"record": format!("incidents/{reference}/victims/000000"), "reason": "person_asked"});
    assert_eq!(server.as_("verifier").post("/v1/erasures", &nobody).pointers(), ["/record"]);
    let number = server.as_("verifier").post("/v1/erasures", &ask).json()["number"].as_str().unwrap().to_owned();
    assert_eq!(server.as_("verifier").post("/v1/erasures", &ask).status, 409, "one waits already");
    assert!(server.store.erase(&casque::policy::Viewer::operator(), &number).is_err(), "nobody agreed");
    let path = format!("/v1/erasures/{number}/decision");
    assert_eq!(server.prove("verifier", &path, &json!({"approve": true})).status, 403, "another officer");
    let bare = server.as_("releaser").post(&path, &json!({"approve": true}));
    assert_eq!(bare.pointers(), ["/code"], "with a fresh code");
    assert_eq!(server.prove("releaser", &path, &json!({"approve": true})).status, 200);
    assert_eq!(server.prove("senior", &path, &json!({"approve": false})).status, 409, "it was decided");
    let accounts = server.as_("administrator").get("/v1/accounts?limit=200").json();
    let releaser =
        accounts["items"].as_array().unwrap().iter().find(|one| one["email"] == "releaser@casque.example").unwrap();
    let suspended = json!({"role": "secretariat", "graded": true, "suspended": true});
    let path = format!("/v1/accounts/{}/changes", releaser["id"].as_str().unwrap());
    assert_eq!(server.as_("administrator").post(&path, &suspended).status, 200);
    let refused = server.store.erase(&casque::policy::Viewer::operator(), &number).unwrap_err().to_string();
    assert!(refused.contains("no longer has the right to ask or approve this"), "{refused}");
}
