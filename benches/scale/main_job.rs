//! The main job's own goals: no list asks per row, and the United Nations' public file comes in within seconds.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::web;
use casque::cli::{Place, Sample, Start, load_sample};
use serde_json::{Value, json};

use crate::Table;
use crate::load::{Connection, get, with_a_code};

static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// Statements that a page of 1 and a page of 50 take, over the whole demo: what takes more for more rows asks per row.
pub fn statements(table: &mut Table) {
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
            let server = casque::api::serve(app, listener, 1, None).unwrap();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receive.recv().unwrap();
    for who in ["verifier", "minusma", "mali"] {
        let account = accounts.iter().find(|account| account.email.starts_with(who)).unwrap();
        let login = json!({"email": account.email, "password": account.password});
        let tokens = with_a_code(&address, account, "/v1/sessions", "", &login);
        let token = tokens["access_token"].as_str().unwrap();
        for list in ["incidents", "cases", "proceedings", "assistance", "measures"] {
            let mut connection = Connection::open(&address);
            // Rights are asked for twice a second, whoever comes: not by this page.
            let mut taken = |limit: u32| {
                let counts: Vec<(u64, usize)> = (0..3)
                    .map(|_| {
                        let before = STATEMENTS.load(Ordering::SeqCst);
                        let page = connection.ask(&get(&format!("/v1/{list}?limit={limit}"), token)).to_vec();
                        let page: Value = serde_json::from_slice(&page).unwrap();
                        (STATEMENTS.load(Ordering::SeqCst) - before, page["items"].as_array().unwrap().len())
                    })
                    .collect();
                counts.into_iter().min().unwrap()
            };
            let ((few, one), (many, fifty)) = (taken(1), taken(50));
            table.row(
                &format!("statements for a page of {list}, {who}"),
                "sqlite, the demo",
                &format!("{few} for {one} rows, {many} for {fifty}"),
                "the same",
                Some(few == many),
            );
        }
    }
    actix_web::rt::System::new().block_on(handle.stop(false));
    thread.join().unwrap();
}

/// The real file, by the command, into a database that has none of it.
pub fn import(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let house = Place::folder(folder.path()).open(Start::default()).unwrap();
    load_sample(&house.store, &house.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    drop(house);
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_casque"))
        .args(["import", "fatalities", "src/exchange/data/fatalities-2025-04-04.csv", "--json"])
        .args(["--account", "verifier@casque.example", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    table.row("import of the real file", "sqlite", &format!("{took:.2} s"), "under 5 s", Some(took < 5.0));
}
