//! Speed and memory at scale, on both databases, beside their ceilings, as ratios in one run:
//!
//! `cargo bench --bench scale` (10,000 and 1,000,000 incidents; with PostgreSQL's binaries on both databases) prints the table
//! of docs/performance.md, writes it there with `--write`, and exits 1 when a goal is missed. `--sizes 10000,100000` takes other
//! sizes, `--databases sqlite` one database, `--only pages,create,…` some workloads.
//!
//! Server, ceilings, database and load share the machine.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench fails by panicking"
)]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]
#![allow(clippy::allow_attributes, reason = "shared with the tests")]

mod ceiling;
#[path = "../../tests/casque/harness/cluster.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod cluster;
mod generate;
mod load;
mod main_job;
#[path = "../../tests/casque/harness/process.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod process;
#[path = "../../src/store/db/schema.rs"]
#[allow(dead_code, missing_docs, reason = "the store's own listing")]
mod schema;
mod worst_day;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use casque::cli::{DemoAccount, Sample, load_sample};
use casque::node::{InstanceArgs, OpenOptions};
use casque::policy::Scope;
use cluster::Cluster;
use load::{Connection, Round, Running, drain, get, median, post, round, with_a_code};
use serde_json::{Value, json};

const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

/// Rows of the table: what, on which database, measured, goal, whether met.
#[derive(Default)]
struct Table {
    rows: Vec<String>,
    missed: bool,
}

impl Table {
    fn row(&mut self, what: &str, database: &str, measured: &str, goal: &str, met: Option<bool>) {
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        self.missed |= met == Some(false);
        let row = format!("| {what} | {database} | {measured} | {goal} | {verdict} |");
        eprintln!("{row}");
        self.rows.push(row);
    }
}

/// What is kept of one size, to be compared with the others'.
#[derive(Default)]
struct Kept {
    page: f64,
    one: f64,
    statistics: f64,
}

struct Options {
    sizes: Vec<u64>,
    databases: Vec<String>,
    only: Vec<String>,
    write: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Self {
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        };
        let mut databases = value("--databases").unwrap_or_else(|| vec!["sqlite".into(), "postgres".into()]);
        if cluster::binaries().is_none() {
            eprintln!("PostgreSQL is not installed: the embedded database only");
            databases.retain(|database| database != "postgres");
        }
        Self {
            sizes: value("--sizes").map_or_else(
                || vec![10_000, 1_000_000],
                |sizes| sizes.iter().map(|size| size.parse().unwrap()).collect(),
            ),
            databases,
            only: value("--only").unwrap_or_default(),
            write: arguments.iter().any(|argument| argument == "--write"),
        }
    }

    fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == workload)
    }
}

/// One database of one size, with the accounts of the sample.
struct Subject {
    instance: InstanceArgs,
    folder: tempfile::TempDir,
    cluster: Option<Cluster>,
    accounts: Vec<DemoAccount>,
    size: u64,
    author: String,
}

impl Subject {
    fn make(database: &str, size: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = (database == "postgres").then(|| {
            let cluster = Cluster::start(
                "-c max_connections=200 -c shared_buffers=2GB -c max_wal_size=8GB -c checkpoint_timeout=30min -c jit=off",
            );
            cluster.run("postgres", "CREATE DATABASE casque");
            cluster
        });
        let instance = match &cluster {
            None => InstanceArgs::folder(folder.path()),
            Some(cluster) => InstanceArgs {
                database: Some(cluster.url("casque", "casque").parse().unwrap()),
                keys: Some(folder.path().join("keys")),
                ..InstanceArgs::default()
            },
        };
        let node = instance.open(OpenOptions { migrate: true, ..OpenOptions::default() }).unwrap();
        let accounts = load_sample(&node.store, &node.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
        let author =
            node.store.read(&Scope::Nothing, |r| r.account_by_email("minusma.focal-point@casque.example")).unwrap();
        let author = author.unwrap().id.to_string();
        let began = Instant::now();
        generate::fill(&subject_location(&instance, folder.path()), size, 2589, &author);
        eprintln!("{size} incidents made on {database} in {:.0} s", began.elapsed().as_secs_f64());
        let began = Instant::now();
        node.settle_audit().unwrap();
        eprintln!("tallies made in {:.1} s", began.elapsed().as_secs_f64());
        Self { instance, folder, cluster, accounts, size, author }
    }

    fn url(&self) -> String {
        match subject_location(&self.instance, self.folder.path()) {
            casque::store::Location::Sqlite(path) => format!("sqlite://{}", path.display()),
            casque::store::Location::Postgres(url) => url,
        }
    }

    fn serve(&self) -> (Running, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--workers", "2"]);
        match &self.instance.database {
            None => command.arg("--data").arg(self.folder.path()),
            Some(_) => {
                command.arg("--database").arg(self.url()).arg("--keys").arg(self.instance.keys.as_ref().unwrap())
            }
        };
        Running::start(&mut command)
    }

    fn token(&self, address: &str, who: &str) -> String {
        let account = self.accounts.iter().find(|account| account.email.starts_with(who)).unwrap();
        let login = json!({"email": account.email, "password": account.password});
        with_a_code(address, account, "/v1/sessions", "", &login)["access_token"].as_str().unwrap().to_owned()
    }

    fn epoch(&self) -> String {
        match &self.cluster {
            Some(cluster) => cluster.run("casque", "SELECT encode(id, 'hex') FROM epoch LIMIT 1"),
            None => self.sqlite("SELECT lower(hex(id)) FROM epoch LIMIT 1"),
        }
    }

    /// Asks the database with its own client.
    fn sqlite(&self, sql: &str) -> String {
        let done = Command::new("sqlite3").arg(self.folder.path().join("casque.db")).arg(sql).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

fn subject_location(instance: &InstanceArgs, folder: &Path) -> casque::store::Location {
    instance.database.clone().unwrap_or_else(|| casque::store::Location::Sqlite(folder.join("casque.db")))
}

type Asked<'a> = (&'a str, &'a (dyn Fn(u64) -> String + Sync));

/// Medians of several requests' rates, asked in turns; the first round warms all.
fn in_turns(asked: &[Asked<'_>]) -> Vec<Round> {
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); asked.len()];
    for turn in 0..=ROUNDS {
        for ((address, request), rounds) in asked.iter().zip(&mut rounds) {
            let measured = round(address, CONNECTIONS, ROUND, *request);
            if turn > 0 {
                rounds.push(measured);
            }
        }
    }
    rounds.into_iter().map(median).collect()
}

fn measure(subject: &Subject, database: &str, options: &Options, table: &mut Table) -> Kept {
    let size = subject.size;
    let named = format!("{database}, {size}");
    let mut kept = Kept::default();
    // Cold start, before anything is warm in the program; the database's own cache is as it is.
    let starts: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let (_server, address) = subject.serve();
            Connection::open(&address).ask("GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n");
            began.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    let start = starts.iter().copied().fold(f64::INFINITY, f64::min);
    table.row("cold start to the first answer", &named, &format!("{start:.0} ms"), "under 100 ms", Some(start < 100.0));
    let (server, address) = subject.serve();
    std::thread::sleep(Duration::from_secs(2));
    let idle = server.resident("VmRSS");
    table.row("resident memory, idle", &named, &format!("{idle:.0} MB"), "under 40 MB", Some(idle < 40.0));

    let (officer, minusma) = (subject.token(&address, "verifier"), subject.token(&address, "minusma"));
    let filter = "mission=MINUSMA&from=2007-01-01&to=2012-12-31&limit=50";
    let page = get(&format!("/v1/incidents?{filter}"), &officer);
    let body = Connection::open(&address).ask(&page).to_vec();
    let items: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(items["items"].as_array().unwrap().len(), 50);
    let file = subject.folder.path().join("bytes");
    std::fs::write(&file, &body).unwrap();
    let (_bare, bare) = Running::start(
        Command::new(std::env::current_exe().unwrap())
            .args(["--bare", &subject.url(), &subject.author, &subject.epoch()])
            .arg(&file),
    );
    let references: Vec<String> = references(&address, &officer, size);

    if options.wants("pages") {
        let one_bare = |n: u64| get(&format!("/incident/{}", references[n as usize % references.len()]), "none");
        let one = |n: u64| get(&format!("/v1/incidents/{}", references[n as usize % references.len()]), &officer);
        let bytes = |_: u64| get("/bytes", "none");
        let bare_page = |_: u64| get(&format!("/page?{filter}"), "none");
        let ours = |_: u64| page.clone();
        let measured =
            in_turns(&[(&address, &ours), (&bare, &bare_page), (&bare, &bytes), (&address, &one), (&bare, &one_bare)]);
        let (a, b) = (measured[0].rate, measured[1].rate);
        table.row(
            "filtered page of 50, against bare actix and diesel",
            &named,
            &format!("{a:.0}/s against {b:.0}/s: {:.2} (the same bytes from memory {:.0}/s)", a / b, measured[2].rate),
            "at least 0.80",
            Some(a / b >= 0.8),
        );
        kept.page = 1.0 / a;
        let (a, b) = (measured[3].rate, measured[4].rate);
        table.row(
            "one incident with its victims, against bare",
            &named,
            &format!("{a:.0}/s against {b:.0}/s: {:.2}", a / b),
            "at least 0.80",
            Some(a / b >= 0.8),
        );
        kept.one = 1.0 / a;
        // The host State of one incident in twenty: its concerns say which editions it sees.
        let mali = subject.token(&address, "mali");
        let ours = |_: u64| get(&format!("/v1/incidents?{filter}"), &mali);
        let theirs = |_: u64| get(&format!("/page?{filter}&state=MLI"), "none");
        let m = in_turns(&[(&address, &ours), (&bare, &theirs)]);
        let (a, b) = (m[0].rate, m[1].rate);
        table.row(
            "filtered page of 50 to its host State, against bare",
            &named,
            &format!("{a:.0}/s against {b:.0}/s: {:.2}", a / b),
            "at least 0.50",
            Some(a / b >= 0.5),
        );
    }

    if options.wants("depth") {
        let deep = size / 2;
        let (cursor, on, reference) = cursor_at(subject, deep);
        let first = |_: u64| get("/v1/incidents?limit=50", &officer);
        let at_depth = |_: u64| get(&format!("/v1/incidents?limit=50&after={cursor}"), &officer);
        let bare_first = |_: u64| get("/page?limit=50", "none");
        let bare_deep = |_: u64| get(&format!("/page?limit=50&after_on={on}&after_ref={reference}"), "none");
        let m = in_turns(&[(&address, &first), (&address, &at_depth), (&bare, &bare_first), (&bare, &bare_deep)]);
        let (ours, theirs) = (m[0].rate / m[1].rate, m[2].rate / m[3].rate);
        table.row(
            &format!("page at depth {deep} against page 1"),
            &named,
            &format!("cost {ours:.2}; the ceiling's own {theirs:.2}"),
            "at most 1.10 of the ceiling's",
            Some(ours <= theirs * 1.1),
        );
    }

    if options.wants("statistics") {
        let asked = |_: u64| get("/v1/statistics?unit=cases&by=mission,year,stage", &officer);
        let one = in_one_line(&address, &asked);
        kept.statistics = one.median;
        table.row(
            "cases by mission, year and stage, over everything, one connection",
            &named,
            &format!("median {:.2} ms, p99 {:.2} ms", one.median, one.p99),
            "p99 under 5 ms",
            Some(one.p99 < 5.0),
        );
        let iceland = subject.token(&address, "iceland");
        let scoped = |_: u64| get("/v1/statistics?unit=incidents&by=year", &iceland);
        let one = in_one_line(&address, &scoped);
        table.row(
            "incidents by year within the scope of a State concerned by 3 in 2,000",
            &named,
            &format!("median {:.2} ms", one.median),
            "in proportion to the scope",
            None,
        );
    }

    if options.wants("create") {
        let ours = |n: u64| {
            post(
                "/v1/incidents",
                &minusma,
                &format!("Idempotency-Key: bench-{n:016}-{:016x}\r\n", rand::random::<u64>()),
                &report(),
            )
        };
        let theirs = |_: u64| post("/create", "none", "", "{}");
        let m = in_turns(&[(&address, &ours), (&bare, &theirs)]);
        let (a, b) = (m[0].rate, m[1].rate);
        table.row(
            "durable report with two victims, 16 connections, against the raw insert of the same rows",
            &named,
            &format!("{a:.0}/s against {b:.0}/s: {:.2} (p99 {:.0} ms against {:.0} ms)", a / b, m[0].p99, m[1].p99),
            "at least 0.60",
            Some(a / b >= 0.6),
        );
    }

    if options.wants("disclosure") {
        let made = Connection::open(&address).ask(&post("/v1/incidents", &minusma, "", &report())).to_vec();
        let made: Value = serde_json::from_slice(&made).unwrap();
        let account = subject.accounts.iter().find(|account| account.email.starts_with("minusma")).unwrap();
        let sitting = with_a_code(&address, account, "/v1/sittings", &minusma, &json!({"purpose": "follow_up"}));
        let ask = json!({"record": format!("incidents/{}", made["reference"].as_str().unwrap()), "class": "confidential",
            "sitting": sitting["id"]});
        let asked = |_: u64| post("/v1/disclosures", &minusma, "", &ask.to_string());
        let one = in_one_line(&address, &asked);
        table.row(
            "disclosure of one record with its committed audit entry, in a sitting, one connection",
            &named,
            &format!("median {:.2} ms, p99 {:.2} ms", one.median, one.p99),
            "p99 under 10 ms",
            Some(one.p99 < 10.0),
        );
    }

    if options.wants("export") {
        export(subject, &named, &officer, table);
    }
    if options.wants("archive") {
        worst_day::archive(subject, &named, table);
    }
    table.row("resident memory, after the load", &named, &format!("{:.0} MB", server.resident("VmRSS")), "", None);
    kept
}

/// One connection, for five rounds' time.
fn in_one_line(address: &str, request: &(dyn Fn(u64) -> String + Sync)) -> Round {
    round(address, 1, Duration::from_millis(500), request);
    round(address, 1, ROUND * 3, request)
}

/// A whole export by a fresh server, against the database's own.
fn export(subject: &Subject, named: &str, token: &str, table: &mut Table) {
    let (server, address) = subject.serve();
    std::thread::sleep(Duration::from_secs(1));
    Connection::open(&address).ask(&get("/v1/incidents?limit=50", token));
    let before = server.resident("VmRSS");
    let request = get("/v1/incidents?format=csv", token);
    let timed: Vec<(f64, u64)> = (0..3)
        .map(|_| {
            let began = Instant::now();
            let bytes = drain(&address, &request);
            (began.elapsed().as_secs_f64(), bytes)
        })
        .collect();
    let took = timed.iter().map(|(took, _)| *took).fold(f64::INFINITY, f64::min);
    let most = server.resident("VmHWM");
    // The columns that the list has, as they are stored; its summary and markers are made of them.
    let columns = "reference, status, number, mission, host_state, occurred_on, occurred_on_precision, region, act, means, \
                   activity, perpetrator_category, victims, killed, injured, abducted, detained, others_killed, \
                   others_injured, noticas_id, sage_id, public_file, hold_reason, hold_review_on, updated_at, released_at";
    let select = format!(
        "SELECT {columns} FROM incident_edition JOIN edition_handling ON edition_id = id WHERE is_current ORDER BY occurred_on DESC, reference DESC"
    );
    let own: f64 = (0..3)
        .map(|_| {
            let began = Instant::now();
            let done = match &subject.cluster {
                Some(cluster) => Command::new(cluster::binaries().unwrap().join("psql"))
                    .args(["-h", cluster.socket().to_str().unwrap(), "-U", "casque", "-d", "casque", "-qAt", "-c"])
                    .arg(format!("COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER)"))
                    .stdout(std::process::Stdio::null())
                    .status(),
                None => Command::new("sqlite3")
                    .args(["-csv", "-header"])
                    .arg(subject.folder.path().join("casque.db"))
                    .arg(&select)
                    .stdout(std::process::Stdio::null())
                    .status(),
            };
            assert!(done.unwrap().success());
            began.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    table.row(
        "export of every incident as CSV, against the database's own client",
        named,
        &format!("{took:.2} s ({:.0} MB) against {own:.2} s: {:.2}", timed[0].1 as f64 / 1e6, own / took),
        "at least 0.50",
        Some(own / took >= 0.5),
    );
    table.row(
        "memory over idle during that export",
        named,
        &format!("{:.0} MB", most - before),
        "under 40 MB",
        Some(most - before < 40.0),
    );
}

fn report() -> String {
    json!({
        "mission": "MINUSMA", "occurred_on": "2022-03-04", "act": "attack_on_convoy_transport", "means": "small_arms",
        "activity": "patrol", "region": "ML-7", "exact_place": "MADE-UP crossroads, km 12",
        "narrative": "MADE-UP: a patrol came under fire on its way back; two were hit.",
        "victims": [
            {"category": "contingent_troop", "states": ["TCD"], "outcome": "killed", "sex_of_dead": "male",
             "kin_notified_on": "2022-03-06", "state_notified_on": "2022-03-06", "name": "MADE-UP NAME", "rank": "MADE-UP"},
            {"category": "contingent_troop", "states": ["GIN"], "outcome": "injured", "name": "MADE-UP NAME", "rank": "MADE-UP"}
        ]
    })
    .to_string()
}

/// References from all over the list.
fn references(address: &str, token: &str, size: u64) -> Vec<String> {
    let mut connection = Connection::open(address);
    let mut found = Vec::new();
    for mission in generate::MISSIONS.map(|(mission, _)| mission) {
        for year in 2005..2015 {
            let page = get(
                &format!(
                    "/v1/incidents?limit={}&mission={mission}&from={year}-03-01&to={year}-12-31",
                    (size / 400).clamp(5, 25)
                ),
                token,
            );
            let page: Value = serde_json::from_slice(connection.ask(&page)).unwrap();
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| item["reference"].as_str().unwrap().to_owned()));
        }
    }
    assert!(found.len() >= 500, "{}", found.len());
    found
}

/// The cursor after so many rows of the whole list, with its day and reference.
fn cursor_at(subject: &Subject, deep: u64) -> (String, String, String) {
    let sql = format!(
        "SELECT occurred_on, reference FROM incident_edition WHERE is_current ORDER BY occurred_on DESC, reference DESC LIMIT 1 OFFSET {deep}"
    );
    let row = match &subject.cluster {
        Some(cluster) => cluster.run("casque", &sql),
        None => subject.sqlite(&sql),
    };
    let (on, reference) = row.split_once('|').unwrap();
    let cursor = casque::store::Cursor { on: on.parse().unwrap(), reference: reference.to_owned() };
    (cursor.encode(), on.to_owned(), reference.to_owned())
}

/// The same at the largest size against the smallest.
fn compare(database: &str, sizes: &[u64], kept: &[Kept], options: &Options, table: &mut Table) {
    let (Some(few), Some(many)) = (kept.first(), kept.last()) else { return };
    if kept.len() < 2 {
        return;
    }
    let named = format!("{database}, {} against {}", sizes[sizes.len() - 1], sizes[0]);
    let mut say = |what: &str, a: f64, b: f64| {
        let cost = b / a;
        table.row(what, &named, &format!("{cost:.2} × the time"), "at most 1.20 ×", Some(cost <= 1.2));
    };
    if options.wants("pages") {
        say("filtered page of 50", few.page, many.page);
        say("one incident with its victims", few.one, many.one);
    }
    if options.wants("statistics") {
        say("cases by mission, year and stage, over everything", few.statistics, many.statistics);
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--bare") {
        ceiling::serve(&arguments[at + 1..]);
        return ExitCode::SUCCESS;
    }
    let options = Options::read(&arguments);
    let mut table = Table::default();
    for database in &options.databases {
        let mut kept = Vec::new();
        for size in &options.sizes {
            let subject = Subject::make(database, *size);
            kept.push(measure(&subject, database, &options, &mut table));
        }
        compare(database, &options.sizes, &kept, &options, &mut table);
        if options.wants("log") {
            worst_day::log(database, options.sizes[0], &mut table);
        }
    }
    if options.wants("import") {
        main_job::import(&mut table);
    }
    if options.wants("match") {
        main_job::matching(&mut table);
    }
    // Last: from here on every statement of this process is counted.
    if options.wants("statements") {
        main_job::statements(&mut table);
    }
    let text = format!(
        "| what | database, incidents | measured | goal | |\n| --- | --- | --- | --- | --- |\n{}\n",
        table.rows.join("\n")
    );
    println!("{text}");
    if options.write {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md"));
        let page = std::fs::read_to_string(&path).unwrap();
        let (begin, end) = ("<!-- table -->\n", "<!-- /table -->");
        let (before, rest) = page.split_once(begin).expect("a place for the table");
        let (_, after) = rest.split_once(end).expect("the end of the table");
        std::fs::write(&path, format!("{before}{begin}\n{text}\n{end}{after}")).unwrap();
    }
    if table.missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
