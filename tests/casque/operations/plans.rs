//! Nothing grows with the log: no regular work and no route reads a table that only grows from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _};
use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::everything::fill;
use crate::harness::{TestServer, beside, postgres_wanted};
use crate::promises::canaries::questions;

/// Tables to which every act adds, and from which nothing is taken away.
const GROWING: [&str; 23] = [
    "audit_entry",
    "audit_leaf",
    "audit_hash",
    "audit_checkpoint",
    "revision",
    "disclosure",
    "disclosure_item",
    "disclosure_review",
    "note_reading",
    "session",
    "refresh_token",
    "sitting",
    "approval",
    "alert",
    "notice",
    "invitation",
    "account_change",
    "idempotency",
    "data_key",
    "sealed_value",
    "import_row",
    "case_event",
    "concern",
];

/// Statements that read such a table whole, each with the reason why that is right.
const ALLOWED: [(&str, &str); 2] = [
    (
        "FROM `audit_checkpoint` WHERE (`audit_checkpoint`.`size` <= ?) ORDER BY",
        "by its key, from the newest on, twenty of them",
    ),
    ("tally_source", "the figures are made of everything once, in a new or restored database"),
];

static SAID: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Remembers the statements of a connection by the database that it is to.
#[derive(Default)]
struct Listening {
    to: String,
}

impl Instrumentation for Listening {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.to),
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let text = text.split(" -- binds:").next().unwrap_or_default().trim().to_owned();
                SAID.lock().unwrap().entry(self.to.clone()).or_default().insert(text);
            }
            _ => {}
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The table that a step of a plan reads from end to end.
fn scanned(step: &str) -> Option<&str> {
    let table = step.strip_prefix("SCAN ")?.split_whitespace().next()?;
    GROWING.iter().find(|growing| **growing == table).copied()
}

/// Whether a statement takes the first rows of a table in the order of an index, whatever else there is.
fn is_page(sql: &str, plan: &[String]) -> bool {
    let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    // The account that a row refers to is always there: joining it leaves no row out.
    let sql = sql.replace("INNER JOIN `account` ", "");
    let ordered = sql.contains(" LIMIT ") && sql.contains("ORDER BY") && !sorted;
    ordered && !sql.contains(" WHERE ") && !sql.contains("INNER JOIN")
}

/// A briefing is drawn up of the dated statuses of every case: now and then, by an officer.
fn is_of_a_briefing(sql: &str) -> bool {
    let plain = sql.replace(['"', '`'], "");
    plain.starts_with("SELECT case_event.case_id, case_event.status, case_event.happened_on FROM case_event WHERE (case_event.recorded_at <=")
}

/// What of these statements reads a growing table from end to end.
fn scans(connection: &mut SqliteConnection, statements: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for sql in statements {
        let verb = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
        if !["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].contains(&verb.as_str()) {
            continue;
        }
        // A list of nothing: nothing is read.
        if sql.contains("(1=0)") || ALLOWED.iter().any(|(part, _)| sql.contains(part)) || is_of_a_briefing(&sql) {
            continue;
        }
        let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<Step>(connection);
        let plan: Vec<String> =
            plan.unwrap_or_else(|e| panic!("{sql}: {e}")).into_iter().map(|step| step.detail).collect();
        if plan.iter().any(|step| scanned(step).is_some()) && !is_page(&sql, &plan) {
            found.push(format!("{sql}\n    {}", plan.join("\n    ")));
        }
    }
    found
}

#[test]
fn no_route_and_no_regular_work_reads_a_table_that_only_grows_from_end_to_end() {
    diesel::connection::set_default_instrumentation(|| Some(Box::new(Listening::default()))).unwrap();
    let server = TestServer::with_sample();
    fill(&server);
    let path = match postgres_wanted() {
        true => server.database_address(),
        false => server.folder().join("casque.db").display().to_string(),
    };
    // From here on: every route by everybody, and what a node does by itself. Loading the sample is the demo's own.
    taken(&path);
    let reference = server.report("minusma", &crate::harness::ambush());
    server.release("minusma", &reference);
    let proceeding = &server.as_("verifier").get("/v1/proceedings?status=accepted").references()[0];
    let ask = serde_json::json!({"status": "withdrawn", "reason": "duplicate"});
    let decision = format!("/v1/proceedings/{proceeding}/decision");
    assert_eq!(server.as_("verifier").post(&decision, &ask).status, 200, "another officer finds it among the tasks");
    fill_again(&server);
    for who in ["minusma", "verifier", "senior", "mali", "chad", "auditor", "administrator", "manager.mali"] {
        for question in questions(&server, &reference) {
            server.as_(who).get(&question);
        }
    }
    server.regular();
    let said = taken(&path);
    assert!(said.len() > 200, "{} statements", said.len());
    for part in ["audit_pending", "DELETE FROM |idempotency", "tally_change", "INSERT INTO |session"] {
        let heard = |sql: &String| part.split('|').all(|word| sql.replace(['"', '`'], "").contains(word.trim()));
        assert!(said.iter().any(heard), "nothing was heard of {part}");
    }
    if postgres_wanted() {
        let found: Vec<String> = said.into_iter().filter(|sql| is_scanned_by_postgres(&server, sql)).collect();
        assert!(found.is_empty(), "{} statements grow with the log:\n{}", found.len(), found.join("\n"));
        return;
    }
    let mut connection = beside(&server.folder());
    let found = scans(&mut connection, said);
    assert!(found.is_empty(), "{} statements grow with the log:\n{}", found.len(), found.join("\n"));
}

/// The statements that were said to a database, by a part of its address; they are forgotten.
fn taken(address: &str) -> BTreeSet<String> {
    let mut all = SAID.lock().unwrap();
    let known: Vec<String> = all.keys().filter(|to| to.contains(address)).cloned().collect();
    known.iter().filter_map(|to| all.remove(to)).flatten().collect()
}

/// Whether PostgreSQL, which avoids it wherever an index will do, reads a growing table from end to end all the same.
fn is_scanned_by_postgres(server: &TestServer, sql: &str) -> bool {
    let verb = sql.split_whitespace().next().unwrap_or_default().to_uppercase();
    let regular = ["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].contains(&verb.as_str());
    // What only adds rows reads none.
    let adds = verb == "INSERT" && !sql.contains("SELECT");
    if !regular || adds || sql.contains("tally_source") || sql.contains("DECLARE") || is_of_a_briefing(sql) {
        return false;
    }
    let most = (1..=200).rev().find(|n| sql.contains(&format!("${n}"))).unwrap_or(0);
    let (name, values) = match most {
        0 => ("q".to_owned(), String::new()),
        _ => ("q".to_owned(), format!("({})", vec!["NULL"; most].join(", "))),
    };
    let plan = server.asked(&format!(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE {name} AS {sql}; EXPLAIN EXECUTE {name}{values}"
    ));
    let scans = |line: &str| {
        let table = line.split("Seq Scan on ").nth(1).and_then(|rest| rest.split_whitespace().next());
        table.is_some_and(|table| GROWING.contains(&table))
    };
    // A list of nothing is planned as no scan at all.
    plan.lines().any(scans)
}

/// What else changes records.
fn fill_again(server: &TestServer) {
    crate::promises::canaries::plant(server);
    server.pass(chrono::TimeDelta::minutes(16));
    let refresh = server.sign_in("lebanon").json()["refresh_token"].clone();
    server.anonymous().post("/v1/sessions/refresh", &serde_json::json!({ "refresh_token": refresh }));
}

#[test]
fn the_plan_of_a_sequencer_that_read_the_whole_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let instance = casque::node::InstanceArgs::folder(folder.path());
    drop(instance.open(casque::node::OpenOptions::default()).unwrap());
    let mut connection = beside(folder.path());
    connection.batch_execute("SELECT 1").unwrap();
    let sequencer = |by: &str| {
        format!(
            "SELECT audit_entry.id, salt, body FROM audit_pending INNER JOIN audit_entry ON audit_entry.id = audit_pending.entry_id \
             ORDER BY {by} LIMIT ?"
        )
    };
    assert_eq!(scans(&mut connection, [sequencer("audit_entry.id")]).len(), 1);
    assert_eq!(scans(&mut connection, [sequencer("audit_pending.entry_id")]), Vec::<String>::new());
}
