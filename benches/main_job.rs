//! Speed and memory of the main job on the embedded database with 100,000 incidents, as ratios in one run:
//! `cargo bench --bench main_job`. Prints a table, and exits 1 when a goal is missed.
//!
//! The rows are made up: they go in by the import and the release that everybody uses. Server, bare handler and load share
//! the machine; the bare handler is actix-web and diesel alone, with the same SQL, no token, no policy, no markers.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]

#[path = "../src/store/db/schema.rs"]
mod schema;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use casque::cli::{Place, Sample, Start, load_sample};
use casque::domain::{IncidentState, Role};
use casque::exchange::import_fatalities;
use casque::policy::{Scope, Viewer};
use casque::store::IncidentFilter;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use serde_json::Value;

const MISSIONS: [&str; 10] =
    ["MINUSMA", "UNIFIL", "MINUSCA", "MONUSCO", "UNMISS", "UNAMID", "UNISFA", "UNOCI", "UNMIL", "MINUSTAH"];
const STATES: [(&str, &str); 5] =
    [("Chad", "TCD"), ("Guinea", "GIN"), ("Ireland", "IRL"), ("Nepal", "NPL"), ("Bangladesh", "BGD")];
const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 7;

/// A file of 100,000 malicious acts: each of ten missions on each of 10,000 days.
fn file() -> String {
    let mut text = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,\
                    casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update\n"
        .to_owned();
    let first = NaiveDate::from_ymd_opt(1996, 1, 1).unwrap();
    for at in 0..100_000_usize {
        let (mission, day) = (MISSIONS[at % 10], first + chrono::Days::new(at as u64 / 10));
        let (name, code) = STATES[at / 7 % 5];
        let kind = "Fatality,M";
        text.push_str(&format!(
            "{at},{day},{mission}-X-{at},{mission},{kind},{name},Military,Malicious Act,,{code},2025-04-04\n"
        ));
    }
    text
}

/// Makes the database; gives the accounts' sign-in bodies by role.
fn make(folder: &Path) -> Vec<(String, String)> {
    let house = Place::folder(folder).open(Start::default()).unwrap();
    let accounts = load_sample(&house.store, &house.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    let viewer = |email: &str| -> Viewer {
        house.store.read(&Scope::Nothing, |r| r.account_by_email(email)).unwrap().unwrap().account.viewer
    };
    let began = Instant::now();
    let officer = viewer("verifier@casque.example");
    assert_eq!(officer.role, Role::Secretariat);
    let report = import_fatalities(&house.store, &officer, file().as_bytes(), false, &mut |_, _| {}).unwrap();
    assert_eq!(report.made(), (100_000, 100_000));
    eprintln!("100,000 incidents imported in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let releaser = viewer("releaser@casque.example");
    let waiting = IncidentFilter { state: Some(IncidentState::Verified), ..IncidentFilter::default() };
    loop {
        let page = house.store.read(&Scope::Everything, |r| r.incident_list(&waiting, None, 2_000)).unwrap().items;
        if page.is_empty() {
            break;
        }
        house
            .store
            .write(&releaser, |w| {
                for incident in &page {
                    w.incident_transition(&incident.reference, IncidentState::Released, None)?;
                }
                Ok(())
            })
            .unwrap();
    }
    eprintln!("released in {:.1} s", began.elapsed().as_secs_f64());
    house.settle_audit().unwrap();
    accounts
        .into_iter()
        .map(|account| {
            (
                account.email.clone(),
                serde_json::json!({"email": account.email, "password": account.password}).to_string(),
            )
        })
        .collect()
}

#[derive(Queryable, serde::Serialize)]
struct BareEdition {
    id: Vec<u8>,
    incident_id: Vec<u8>,
    reference: String,
    number: i32,
    state: String,
    is_current: bool,
    is_released: bool,
    mission: String,
    host_state: Option<String>,
    occurred_on: NaiveDate,
    occurred_on_precision: String,
    occurred_year: i32,
    region: Option<String>,
    act: String,
    means: String,
    activity: String,
    perpetrator_category: String,
    others_killed: i32,
    others_injured: i32,
    victims: i32,
    killed: i32,
    injured: i32,
    abducted: i32,
    detained: i32,
    noticas_id: Option<String>,
    sage_id: Option<String>,
    hold_reason: Option<String>,
    hold_review_on: Option<NaiveDate>,
    public_file: bool,
    author_id: Vec<u8>,
    verifier_id: Option<Vec<u8>>,
    releaser_id: Option<Vec<u8>>,
    tag_confidential: Vec<u8>,
    tag_strictly_confidential: Vec<u8>,
    created_at: chrono::NaiveDateTime,
    updated_at: chrono::NaiveDateTime,
    released_at: Option<chrono::NaiveDateTime>,
    superseded_at: Option<chrono::NaiveDateTime>,
}

#[derive(serde::Deserialize)]
struct BareQuery {
    mission: String,
    from: NaiveDate,
    to: NaiveDate,
    limit: i64,
    state: Option<String>,
}

type BarePool = Pool<ConnectionManager<SqliteConnection>>;

async fn bare_page(pool: web::Data<BarePool>, query: web::Query<BareQuery>) -> HttpResponse {
    use schema::{concern, incident_edition as e};
    let rows: Vec<BareEdition> = web::block(move || {
        let mut connection = pool.get().unwrap();
        let BareQuery { mission, from, to, limit, state } = query.into_inner();
        let page = e::table
            .filter(e::mission.eq(mission))
            .filter(e::occurred_on.ge(from))
            .filter(e::occurred_on.le(to))
            .order((e::occurred_on.desc(), e::reference.desc()))
            .limit(limit + 1);
        match state {
            None => page.filter(e::is_current.eq(true)).load(&mut connection).unwrap(),
            Some(state) => page
                .filter(diesel::dsl::exists(
                    concern::table
                        .filter(concern::state.eq(state))
                        .filter(concern::edition_id.eq(e::id.nullable()))
                        .filter(concern::to_at.is_null()),
                ))
                .load(&mut connection)
                .unwrap(),
        }
    })
    .await
    .unwrap();
    HttpResponse::Ok().json(rows)
}

/// The bare handler as a process of its own: `main_job --bare FILE`.
fn bare(file: &str) {
    let pool: BarePool = Pool::builder()
        .max_size(8)
        .connection_customizer(Box::new(Pragmas))
        .build(ConnectionManager::new(file))
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    let pool = web::Data::new(pool);
    actix_web::rt::System::new()
        .block_on(async move {
            HttpServer::new(move || App::new().app_data(pool.clone()).route("/page", web::get().to(bare_page)))
                .workers(2)
                .listen(listener)
                .unwrap()
                .run()
                .await
        })
        .unwrap();
}

#[derive(Debug)]
struct Pragmas;

impl diesel::r2d2::CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::connection::SimpleConnection;
        connection
            .batch_execute("PRAGMA journal_mode = WAL; PRAGMA cache_size = -4000;")
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A process that ends with this value.
struct Running(Child);

impl Running {
    /// Starts a program, and gives the first address that it prints.
    fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("127.0.0.1:").nth(1).unwrap_or_else(|| panic!("{line}"));
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        (Self(child), format!("127.0.0.1:{port}"))
    }

    /// Resident memory, in MB.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One keep-alive connection.
struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::with_capacity(1 << 16, stream), body: Vec::new() }
    }

    /// Sends a request and reads its answer's body.
    fn ask(&mut self, request: &str) -> &[u8] {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if status.is_empty() {
                status = line.clone();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).unwrap();
        assert!(status.contains(" 20"), "{status} {}", String::from_utf8_lossy(&self.body));
        &self.body
    }
}

fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// Requests a second over all connections for one round.
fn rate(address: &str, request: &str) -> f64 {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = Connection::open(address);
                while !stop.load(Ordering::Relaxed) {
                    connection.ask(request);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(ROUND);
        stop.store(true, Ordering::Relaxed);
    });
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians of two requests' rates, asked in turns.
fn in_turns(one: (&str, &str), other: (&str, &str)) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (a, b) = (rate(one.0, one.1), rate(other.0, other.1));
        // The first round warms both.
        if round > 0 {
            first.push(a);
            second.push(b);
        }
    }
    (median(first), median(second))
}

struct Table(bool);

impl Table {
    fn row(&mut self, what: &str, measured: String, goal: &str, met: bool) {
        self.0 &= met;
        println!("| {what} | {measured} | {goal} | {} |", if met { "met" } else { "MISSED" });
    }
}

static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// Statements that a page of 1 and a page of 50 take, over the whole demo: what takes more for more rows asks per row.
fn statements(table: &mut Table) {
    diesel::connection::set_default_instrumentation(|| {
        Some(Box::new(|event: diesel::connection::InstrumentationEvent<'_>| {
            if matches!(event, diesel::connection::InstrumentationEvent::StartQuery { .. }) {
                STATEMENTS.fetch_add(1, Ordering::SeqCst);
            }
        }))
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let house = Place::folder(folder.path()).open(Start::default()).unwrap();
    let accounts = load_sample(&house.store, &house.identity, Sample::Whole, &mut |_, _, _| {}).unwrap();
    let (app, keeper) = house.into_app().unwrap();
    keeper.sign().unwrap();
    let app = web::Data::new(app);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = casque::api::serve(app, listener, 1).unwrap();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receive.recv().unwrap();
    for who in ["verifier", "minusma", "mali"] {
        let account = accounts.iter().find(|account| account.email.starts_with(who)).unwrap();
        let login = serde_json::json!({"email": account.email, "password": account.password}).to_string();
        let token = sign_in(&address, &login);
        for list in ["incidents", "cases", "proceedings", "assistance", "measures"] {
            let taken = [1, 50].map(|limit| {
                let before = STATEMENTS.load(Ordering::SeqCst);
                let mut connection = Connection::open(&address);
                let page = connection.ask(&get(&format!("/v1/{list}?limit={limit}"), &token));
                let page: Value = serde_json::from_slice(page).unwrap();
                (STATEMENTS.load(Ordering::SeqCst) - before, page["items"].as_array().unwrap().len())
            });
            let [(few, one), (many, fifty)] = taken;
            table.row(
                &format!("statements for a page of {list}, {who}"),
                format!("{few} for {one} rows, {many} for {fifty}"),
                "the same",
                few == many,
            );
        }
    }
    actix_web::rt::System::new().block_on(handle.stop(false));
    thread.join().unwrap();
}

fn sign_in(address: &str, login: &str) -> String {
    let request = format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{login}",
        login.len()
    );
    let answer: Value = serde_json::from_slice(Connection::open(address).ask(&request)).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--bare") {
        bare(&arguments[at + 1]);
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().unwrap();
    let logins = make(folder.path());
    let casque = env!("CARGO_BIN_EXE_casque");
    let (server, address) =
        Running::start(Command::new(casque).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path()));
    let idle = server.resident();
    let database = folder.path().join("casque.db");
    let (_bare, bare) = Running::start(Command::new(std::env::current_exe().unwrap()).arg("--bare").arg(&database));
    let token = |who: &str| {
        let (_, login) = logins.iter().find(|(email, _)| email.starts_with(who)).unwrap();
        sign_in(&address, login)
    };
    let (officer, state) = (token("verifier"), token("mali"));
    let mut table = Table(true);
    println!("| what | measured | goal | |\n| --- | --- | --- | --- |");

    let filter = "mission=MINUSMA&from=2010-01-01&to=2014-12-31&limit=50";
    for (who, token, scope) in [("Secretariat", &officer, ""), ("host State", &state, "&state=MLI")] {
        let ours = get(&format!("/v1/incidents?{filter}"), token);
        let items = Connection::open(&address).ask(&ours).to_vec();
        let items: Value = serde_json::from_slice(&items).unwrap();
        assert_eq!(items["items"].as_array().unwrap().len(), 50);
        let theirs = get(&format!("/page?{filter}{scope}"), "none");
        let (a, b) = in_turns((&address, &ours), (&bare, &theirs));
        table.row(
            &format!("redacted page of 50 by mission and dates, {who}, against the bare handler"),
            format!("{a:.0}/s against {b:.0}/s: {:.2}", a / b),
            "at least 0.50",
            a / b >= 0.5,
        );
    }

    let mut cursor = String::new();
    let mut walk = Connection::open(&address);
    for _ in 0..475 {
        let after = if cursor.is_empty() { String::new() } else { format!("&after={cursor}") };
        let page: Value =
            serde_json::from_slice(walk.ask(&get(&format!("/v1/incidents?limit=200{after}"), &officer))).unwrap();
        cursor = page["next"].as_str().expect("a next page").to_owned();
    }
    let first = get("/v1/incidents?limit=50", &officer);
    let deep = get(&format!("/v1/incidents?limit=50&after={cursor}"), &officer);
    let (a, b) = in_turns((&address, &first), (&address, &deep));
    table.row(
        "page 1,901 against page 1",
        format!("{b:.0}/s against {a:.0}/s: cost {:.2}", a / b),
        "at most 1.20",
        a / b <= 1.2,
    );

    table.row("resident memory, idle", format!("{idle:.0} MB"), "under 60 MB", idle < 60.0);
    println!("| resident memory after the load | {:.0} MB | | |", server.resident());
    drop(server);

    let fresh = tempfile::tempdir().unwrap();
    let house = Place::folder(fresh.path()).open(Start::default()).unwrap();
    load_sample(&house.store, &house.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    drop(house);
    let began = Instant::now();
    let done = Command::new(casque)
        .args(["import", "fatalities", "src/exchange/data/fatalities-2025-04-04.csv", "--json"])
        .args(["--account", "verifier@casque.example", "--data"])
        .arg(fresh.path())
        .output()
        .unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    table.row("import of the real file", format!("{took:.2} s"), "under 5 s", took < 5.0);
    statements(&mut table);
    if table.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
