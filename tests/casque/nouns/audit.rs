//! The audit log.

use casque::node::OpenOptions;
use casque::store::{LogAsk, audit_verify};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, SqliteConnection};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tlog_tiles::{Hash, node_hash, record_hash};

use crate::harness::{TestServer, ambush, beside, postgres_wanted};

fn verify(server: &TestServer, outside: Option<&str>) -> casque::store::LogReport {
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    let ask = LogAsk { verifier_keys: key.trim(), outside, kept: &[], deep: true };
    audit_verify(&server.store, &ask).unwrap()
}

#[test]
fn every_write_is_in_the_log_and_no_read_is() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let count = || server.as_("auditor").get("/v1/audit?limit=200").json()["items"].as_array().unwrap().len();
    server.as_("auditor");
    server.as_("verifier");
    let before = count();
    server.as_("verifier").get(&format!("/v1/incidents/{reference}"));
    server.as_("verifier").get("/v1/statistics");
    assert_eq!(count(), before);
    assert_eq!(
        server.as_("minusma").patch(&format!("/v1/incidents/{reference}"), &json!({"means": "nonsense"}), "*").status,
        400
    );
    assert_eq!(count(), before, "a refused write leaves nothing");
    server.moved("minusma", &reference, "submitted");
    assert_eq!(count(), before + 1);
    let refused = json!({"record": format!("incidents/{reference}"), "class": "strictly_confidential", "purpose": "verification"});
    assert_eq!(server.disclose("verifier", &refused).json()["detail"], "needs_second_officer");
    let log = server.as_("auditor").get("/v1/audit?action=disclosure.refuse").json();
    assert_eq!(log["items"][0]["entry"]["detail"]["refusal"], "needs_second_officer", "a refusal is on the record too");
    for who in ["minusma", "verifier", "mali", "administrator"] {
        assert_eq!(server.as_(who).get("/v1/audit").status, 403, "{who}");
    }
}

#[test]
fn the_log_verifies_against_a_checkpoint_kept_elsewhere() {
    let server = TestServer::start();
    server.report("minusma", &ambush());
    server.settle_audit();
    let outside = server.as_("iceland").get("/v1/audit/checkpoint").text;
    server.report("minusma", &ambush());
    server.settle_audit();
    let report = verify(&server, Some(&outside));
    assert_eq!(report.findings, []);
    assert!(report.against_outside && report.entries > 20 && report.revisions == Some(2), "{report:?}");
    assert!(!verify(&server, None).against_outside, "self-consistent only");
}

/// Runs `casque audit check` on what the service answered; whether it holds.
fn checks(folder: &std::path::Path, proof: &str, checkpoint: &str, since: Option<&str>, key: &str) -> bool {
    for (name, text) in [("proof", proof), ("checkpoint", checkpoint), ("since", since.unwrap_or("")), ("key", key)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casque"));
    command.current_dir(folder).args(["audit", "check", "proof", "--checkpoint", "checkpoint", "--key", "key"]);
    if since.is_some() {
        command.args(["--since", "since"]);
    }
    crate::harness::process::output(&mut command).status.success()
}

#[test]
fn proofs_are_checked_elsewhere_with_no_database() {
    let server = TestServer::start();
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    let checkpoint = || {
        server.settle_audit();
        server.pass(chrono::TimeDelta::hours(1));
        server.as_("iceland").get("/v1/audit/checkpoint").text
    };
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<usize>().unwrap();
    server.report("minusma", &ambush());
    let older = checkpoint();
    server.report("minusma", &ambush());
    let newer = checkpoint();
    let folder = tempfile::tempdir().unwrap();
    let query = format!("/v1/audit/consistency?from={}&to={}", size(&older), size(&newer));
    let extends = server.as_("iceland").get(&query).text;
    assert!(checks(folder.path(), &extends, &newer, Some(&older), &key), "{extends}");
    assert!(!checks(folder.path(), &extends, &older, Some(&newer), &key), "not the other way round");
    let forged = newer.replace("casque", "casqua");
    assert!(!checks(folder.path(), &extends, &forged, Some(&older), &key), "nobody signed that");
    for none in ["from=0&to=1", "from=3&to=2", "from=1&to=1000000"] {
        let status = server.as_("auditor").get(&format!("/v1/audit/consistency?{none}")).status;
        assert!([400, 404].contains(&status), "{none}");
    }

    let entries = server.as_("auditor").get("/v1/audit?limit=200").json();
    let placed: Vec<_> =
        entries["items"].as_array().unwrap().iter().filter(|entry| entry["leaf"].is_number()).collect();
    for entry in [placed[0], placed[placed.len() / 2], placed[placed.len() - 1]] {
        let path = format!("/v1/audit/entries/{}/proof", entry["id"].as_str().unwrap());
        let leaf = usize::try_from(entry["leaf"].as_u64().unwrap()).unwrap();
        if leaf < size(&newer) {
            let proof = server.as_("auditor").get(&format!("{path}?size={}", size(&newer)));
            assert!(checks(folder.path(), &proof.text, &newer, None, &key), "{}", proof.text);
            let changed = proof.text.replace("casque", "x").replace("create", "delete").replace("begin", "end");
            assert!(changed == proof.text || !checks(folder.path(), &changed, &newer, None, &key), "{changed}");
            assert!(!checks(folder.path(), &proof.text, &older, None, &key), "it is of another size");
        }
        assert_eq!(server.as_("verifier").get(&path).status, 403, "entries and salts are for auditors");
    }
    assert_eq!(server.as_("auditor").get(&format!("/v1/audit/entries/{}/proof", "0".repeat(32))).status, 404);
}

#[test]
fn the_logs_size_tells_nobody_but_an_auditor_what_goes_on() {
    let server = TestServer::start();
    let size = |who: &str| {
        let note = server.as_(who).get("/v1/audit/checkpoint");
        assert_eq!(note.status, 200, "{who}: {}", note.text);
        note.text.lines().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let proves = |who: &str, from: u64, to: u64| {
        server.as_(who).get(&format!("/v1/audit/consistency?from={from}&to={to}")).status
    };
    for who in ["auditor", "iceland", "verifier"] {
        server.as_(who);
    }
    server.settle_audit();
    let first = size("iceland");
    let mut sizes = vec![size("auditor")];
    for _ in 0..3 {
        server.report("minusma", &ambush());
        server.report("minusma", &ambush());
        server.settle_audit();
        sizes.push(size("auditor"));
    }
    let (before, last) = (sizes[2], sizes[3]);
    assert!(sizes[0] < sizes[1] && before < last);
    assert_eq!((size("iceland"), size("verifier")), (first, first), "nothing of the present hour");
    // Neither a proof nor a tile nor a guess tells more.
    for to in first + 1..=last + 3 {
        assert_eq!(proves("iceland", first, to), 404, "{to}");
    }
    assert_eq!(server.as_("iceland").get(&format!("/v1/audit/tile/0/000.p/{}", first + 1)).status, 404);
    assert_eq!(server.as_("iceland").get(&format!("/v1/audit/tile/0/000.p/{first}")).status, 200);
    assert_eq!(
        (proves("auditor", before, last), proves("auditor", before - 1, last)),
        (200, 404),
        "of checkpoints alone"
    );

    server.pass(chrono::TimeDelta::hours(1));
    assert_eq!(size("iceland"), last, "the last of the hour before");
    assert_eq!((proves("iceland", first, last), proves("iceland", before, last)), (200, 404));
    server.settle_audit();
    assert!(size("auditor") > last && size("iceland") == last);
}

#[test]
fn anyones_verifier_computes_the_signed_root_from_the_tiles() {
    fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        match leaves {
            [one] => *one,
            _ => {
                let half = leaves.len().next_power_of_two() / 2;
                let (left, right) = (root(&leaves[..half]), root(&leaves[half..]));
                Sha256::digest([&[1][..], &left, &right].concat()).into()
            }
        }
    }
    let server = TestServer::start();
    for _ in 0..240 {
        server.report("minusma", &ambush());
    }
    server.settle_audit();
    server.pass(chrono::TimeDelta::hours(1));
    let client = server.as_("iceland");
    let note = client.get("/v1/audit/checkpoint").text;
    let size: usize = note.lines().nth(1).unwrap().parse().unwrap();
    assert!((256..512).contains(&size), "{size}: a whole tile and a part");
    let whole = client.get_bytes("/v1/audit/tile/0/000");
    let part = client.get_bytes(&format!("/v1/audit/tile/0/001.p/{}", size - 256));
    assert_eq!((whole.len(), part.len()), (256 * 32, (size - 256) * 32));
    let leaves: Vec<[u8; 32]> = [whole, part].concat().chunks(32).map(|hash| hash.try_into().unwrap()).collect();
    let signed = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, note.lines().nth(2).unwrap());
    assert_eq!(root(&leaves).to_vec(), signed.unwrap());
    assert_eq!(client.get_bytes("/v1/audit/tile/1/000.p/1"), root(&leaves[..256]));
    for none in [
        "0/001",
        "0/002.p/1",
        "1/000.p/2",
        "1/000",
        "7/000.p/1",
        "63/000",
        "data/000",
        "0/000.p/0",
        "0/000.p/256",
        "0/x001/000",
        "x",
        "",
    ] {
        assert_eq!(client.get(&format!("/v1/audit/tile/{none}")).status, 404, "{none}");
    }
    assert_eq!(client.get("/v1/audit/tile/0/x999/x999/x999/x999/x999/x999/999").status, 404);
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
        let mut server = TestServer::start();
        server.report("minusma", &ambush());
        server.settle_audit();
        assert_eq!(verify(&server, None).findings, []);
        server.stop();
        let mut connection = beside(&server.folder());
        diesel::connection::SimpleConnection::batch_execute(&mut connection, way).unwrap();
        assert_ne!(verify(&server, None).findings, [], "{way}");
    }
}

/// Somebody with the rights of the database's owner, who changes what was signed.
struct Tamperer {
    connection: SqliteConnection,
    random: StdRng,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Nullable<Text>)]
    found: Option<String>,
}

/// What a log is made of, with the columns that can be changed.
const LOG: [(&str, &[&str]); 5] = [
    ("audit_entry", &["id", "made_at", "actor_id", "action", "subject", "body", "salt"]),
    ("audit_leaf", &["position", "entry_id"]),
    ("audit_hash", &["position", "hash"]),
    ("audit_checkpoint", &["note"]),
    (
        "revision",
        &[
            "noun",
            "record_id",
            "root_id",
            "edition",
            "kind",
            "made_at",
            "author_id",
            "reason",
            "open_changes",
            "sealed_changes",
            "audit_id",
        ],
    ),
];

impl Tamperer {
    fn new(server: &TestServer) -> Self {
        let connection = beside(&server.folder());
        let mut this = Self { connection, random: StdRng::seed_from_u64(2_589) };
        this.does("PRAGMA synchronous = OFF");
        for (table, _) in LOG {
            this.does(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
        }
        this
    }

    fn does(&mut self, sql: &str) {
        self.connection.batch_execute(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    fn asks(&mut self, sql: &str) -> String {
        let rows: Vec<Found> = diesel::sql_query(sql).load(&mut self.connection).unwrap();
        rows.into_iter().next().and_then(|row| row.found).unwrap_or_default()
    }

    fn of(&mut self, count: u64) -> u64 {
        self.random.random_range(0..count)
    }

    /// How many leaves the tree has.
    fn size(&mut self) -> u64 {
        self.asks("SELECT CAST(count(*) AS TEXT) AS found FROM audit_leaf").parse().unwrap()
    }

    /// Makes one change, and gives it in SQL.
    fn change(&mut self) -> String {
        let size = self.size();
        let (one, other) = (self.of(size), self.of(size));
        match self.of(6) {
            0 | 1 => self.flip(),
            2 => {
                let (table, _) = LOG[[0, 1, 2, 4][usize::try_from(self.of(4)).unwrap()]];
                let rows: u64 =
                    self.asks(&format!("SELECT CAST(count(*) AS TEXT) AS found FROM {table}")).parse().unwrap();
                let row = self.of(rows);
                format!("DELETE FROM {table} WHERE rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {row})")
            }
            // Two entries in each other's places.
            3 => {
                let other = if one == other { (one + 1) % size } else { other };
                format!(
                    "UPDATE audit_leaf SET position = -1 WHERE position = {one}; \
                     UPDATE audit_leaf SET position = {one} WHERE position = {other}; \
                     UPDATE audit_leaf SET position = {other} WHERE position = -1"
                )
            }
            // An entry that never was, with those after it moved by one.
            4 => format!(
                "INSERT INTO audit_entry SELECT randomblob(16), made_at, actor_id, action, subject, body, salt \
                   FROM audit_entry WHERE id = (SELECT entry_id FROM audit_leaf WHERE position = {one}); \
                 UPDATE audit_leaf SET position = -position - 2 WHERE position >= {one}; \
                 UPDATE audit_leaf SET position = -position - 1 WHERE position < 0; \
                 INSERT INTO audit_leaf SELECT {one}, id FROM audit_entry ORDER BY rowid DESC LIMIT 1"
            ),
            // The tail cut, with the checkpoints that covered it.
            _ => format!(
                "DELETE FROM audit_leaf WHERE position >= {one}; \
                 DELETE FROM audit_hash WHERE position >= {one} * 2; \
                 DELETE FROM audit_checkpoint WHERE size > {one}"
            ),
        }
    }

    /// One bit of one value.
    fn flip(&mut self) -> String {
        loop {
            let (table, columns) = LOG[usize::try_from(self.of(5)).unwrap()];
            let column = columns[usize::try_from(self.of(columns.len() as u64)).unwrap()];
            let rows: u64 = self.asks(&format!("SELECT CAST(count(*) AS TEXT) AS found FROM {table}")).parse().unwrap();
            let row = self.of(rows);
            let row = self.asks(&format!("SELECT CAST(rowid AS TEXT) AS found FROM {table} LIMIT 1 OFFSET {row}"));
            let value = format!("SELECT hex(CAST({column} AS BLOB)) AS found FROM {table} WHERE rowid = {row}");
            let mut bytes = hex::decode(self.asks(&value)).unwrap();
            if bytes.is_empty() {
                continue;
            }
            let bit = self.of(bytes.len() as u64 * 8);
            let byte = &mut bytes[usize::try_from(bit / 8).unwrap()];
            *byte ^= 1 << (bit % 8);
            // A zero of a time that is written as a space is read as the same time: nothing was changed.
            if column == "made_at" && *byte == b' ' {
                continue;
            }
            let kind = self.asks(&format!("SELECT typeof({column}) AS found FROM {table} WHERE rowid = {row}"));
            let changed = format!("x'{}'", hex::encode(bytes));
            let changed = match kind.as_str() {
                "blob" => changed,
                // A place in the tree: another one.
                "integer" => format!("{column} + 1000000"),
                _ => format!("CAST({changed} AS TEXT)"),
            };
            return format!("UPDATE {table} SET {column} = {changed} WHERE rowid = {row}");
        }
    }

    /// Computes the hashes above the entries anew, as they are now, so that the log agrees with itself.
    fn cover_up(&mut self) {
        #[derive(QueryableByName)]
        struct Leaf {
            #[diesel(sql_type = Binary)]
            salt: Vec<u8>,
            #[diesel(sql_type = Binary)]
            body: Vec<u8>,
        }
        let leaves: Vec<Leaf> = diesel::sql_query(
            "SELECT salt, CAST(body AS BLOB) AS body FROM audit_leaf JOIN audit_entry ON id = entry_id ORDER BY position",
        )
        .load(&mut self.connection)
        .unwrap();
        let mut rows = Vec::new();
        let mut peaks: Vec<Hash> = Vec::new();
        for (at, leaf) in leaves.iter().enumerate() {
            let salted = Sha256::new().chain_update(&leaf.salt).chain_update(&leaf.body).finalize();
            let mut hash = record_hash(&salted);
            rows.push(hash);
            for _ in 0..at.trailing_ones() {
                hash = node_hash(peaks.pop().unwrap(), hash);
                rows.push(hash);
            }
            peaks.push(hash);
        }
        let rows: Vec<String> =
            rows.iter().enumerate().map(|(at, hash)| format!("({at}, x'{}')", hex::encode(hash.0))).collect();
        self.does("DELETE FROM audit_hash");
        if !rows.is_empty() {
            self.does(&format!("INSERT INTO audit_hash (position, hash) VALUES {}", rows.join(", ")));
        }
    }

    fn undo(&mut self) {
        let all: Vec<String> = LOG
            .iter()
            .map(|(table, _)| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};"))
            .collect();
        self.does(&format!("BEGIN; {} COMMIT", all.concat()));
    }
}

#[test]
fn ten_thousand_changes_within_what_was_published_are_all_found() {
    if postgres_wanted() {
        return;
    }
    let mut server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.moved("minusma", &reference, "submitted");
    server.as_("auditor");
    server.settle_audit();
    let published = server.as_("auditor").get("/v1/audit/checkpoint").text;
    server.stop();
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    // What cannot even be read is found, too.
    let found = |server: &TestServer| {
        audit_verify(
            &server.store,
            &LogAsk { verifier_keys: key.trim(), outside: Some(&published), kept: &[], deep: true },
        )
        .map_or(true, |report| !report.findings.is_empty())
    };
    assert!(!found(&server));
    let mut tamperer = Tamperer::new(&server);
    tamperer.does("PRAGMA foreign_keys = OFF");
    for round in 0..10_000 {
        let change = tamperer.change();
        tamperer.does(&format!("BEGIN; {change}; COMMIT"));
        // To compute changed hashes anew would only put them right.
        let covered = round % 2 == 1 && (change.contains("audit_entry") || change.contains("audit_leaf"));
        if covered {
            tamperer.cover_up();
        }
        assert!(found(&server), "round {round}, {}: {change}", if covered { "covered up" } else { "left so" });
        tamperer.undo();
    }
    assert!(!found(&server), "and what was undone holds");
}

#[test]
fn a_rewritten_log_is_not_signed() {
    if postgres_wanted() {
        return;
    }
    let mut server = TestServer::start();
    server.report("minusma", &ambush());
    server.settle_audit();
    server.stop();
    let mut connection = beside(&server.folder());
    let way = "UPDATE audit_hash SET hash = zeroblob(32)";
    diesel::connection::SimpleConnection::batch_execute(&mut connection, way).unwrap();
    let refused = server.instance().open(OpenOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("does not extend"), "{refused}");
    let second = server.instance().open(OpenOptions { doubtful: true, ..OpenOptions::default() }).unwrap();
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
