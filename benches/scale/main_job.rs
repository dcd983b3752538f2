//! The main job's own goals: no list asks per row, and the United Nations' public file comes in within seconds.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::web;
use casque::cli::{Sample, load_sample};
use casque::domain::{
    Act, Activity, Harm, IncidentFacts, Means, Noun, PartialDate, Perpetrator, Personnel, Precision, Purpose,
    SealedField, VictimFacts,
};
use casque::node::{InstanceArgs, OpenOptions};
use casque::policy::{Scope, Viewer};
use casque::store::{Clock, FactorUse, MatchAsk, NewIncident, NewVictim};
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
    let node = InstanceArgs::folder(folder.path()).open(OpenOptions::default()).unwrap();
    let accounts = load_sample(&node.store, &node.identity, Sample::Whole, &mut |_, _, _| {}).unwrap();
    let (app, keeper) = node.into_app().unwrap();
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
    let node = InstanceArgs::folder(folder.path()).open(OpenOptions::default()).unwrap();
    load_sample(&node.store, &node.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    drop(node);
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

/// Persons whose names are known, for a match.
const PERSONS: usize = 100_000;
const OF_ONE_INCIDENT: usize = 50;
/// Times that the node is opened anew meanwhile: each seals under epochs of its own, as a node does every ten minutes.
const OPENINGS: usize = 500;

/// "Is this person already known, anywhere?", over very many names, before and after their epochs were merged.
pub fn matching(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    let instance = InstanceArgs::folder(folder.path());
    // Made a while ago, so that every epoch is closed.
    let then = || Clock::of(|| chrono::Utc::now().naive_utc() - chrono::TimeDelta::hours(2));
    let node = instance.open_at(OpenOptions::default(), then()).unwrap();
    let accounts = load_sample(&node.store, &node.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    drop(node);
    let given = ["Ousmane", "Fatima", "Yuri", "Wei", "João", "Anna", "Kwame", "Ingrid", "Ahmad", "Rosa"];
    let mut made = 0;
    for _ in 0..OPENINGS {
        let node = instance.open_at(OpenOptions::default(), then()).unwrap();
        let viewer = viewer(&node, &accounts, "verifier");
        for _ in 0..PERSONS / OPENINGS / OF_ONE_INCIDENT {
            let victims = (0..OF_ONE_INCIDENT).map(|_| {
                made += 1;
                let name = format!("{} Madeup{} {}", given[made % given.len()], made % 977, made / 977);
                let field = SealedField::named(Noun::Victim, "name").unwrap();
                let facts = VictimFacts::of(Personnel::ContingentTroop, vec!["TCD".into()], Harm::Injured);
                NewVictim { facts, sealed: vec![(field, Some(name.as_str().into()))] }
            });
            let new =
                NewIncident { facts: incident(), sealed: Vec::new(), victims: victims.collect(), suspects: Vec::new() };
            node.store.write(&viewer, |w| w.incident_create(&new)).unwrap();
        }
    }
    assert_eq!(made, PERSONS);
    let look = |what: &str, table: &mut Table, goal: Option<f64>| {
        let node = instance.open(OpenOptions::default()).unwrap();
        let viewer = viewer(&node, &accounts, "verifier");
        let desk = node.desk.as_ref().unwrap();
        // Each takes a code of its own, later than any before.
        let mut steps = i64::from(u32::MAX)..;
        let mut ask = || {
            let factor = FactorUse::Step(steps.next().unwrap());
            MatchAsk { noun: Noun::Victim, about: None, purpose: Purpose::Verification, note: None, factor }
        };
        let mut took: Vec<f64> = (0..5)
            .map(|_| {
                let began = Instant::now();
                let (matching, found) =
                    desk.find(&node.store, &viewer, &ask(), &"MADEUP12, Ousmane 34".into()).unwrap();
                assert_eq!((matching.known.len(), found.is_empty()), (PERSONS, false));
                began.elapsed().as_secs_f64()
            })
            .collect();
        took.sort_by(f64::total_cmp);
        let (name, measured) = (
            format!("match over {PERSONS} persons, {what}"),
            format!("median {:.2} s, worst {:.2} s", took[2], took[4]),
        );
        let (goal, met) =
            (goal.map_or_else(String::new, |goal| format!("under {goal} s")), goal.map(|goal| took[4] < goal));
        table.row(&name, "sqlite", &measured, &goal, met);
    };
    look("as sealed", table, None);
    let compacted = Command::new(env!("CARGO_BIN_EXE_casque"))
        .args(["keys", "compact", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(compacted.status.success(), "{}", String::from_utf8_lossy(&compacted.stderr));
    let said = String::from_utf8_lossy(&compacted.stdout).trim().to_owned();
    look(&format!("after casque keys compact ({said})"), table, Some(5.0));
}

fn viewer(node: &casque::node::Node, accounts: &[casque::cli::DemoAccount], who: &str) -> Viewer {
    let email = &accounts.iter().find(|account| account.email.starts_with(who)).unwrap().email;
    node.store.read(&Scope::Nothing, |r| r.account_by_email(email)).unwrap().unwrap().viewer
}

fn incident() -> IncidentFacts {
    IncidentFacts {
        mission: "MINUSMA".into(),
        host_state: Some("MLI".into()),
        occurred: PartialDate::new("2022-03-04".parse().unwrap(), Precision::Day),
        region: None,
        act: Act::AttackOnPremises,
        means: Means::SmallArms,
        activity: Activity::Patrol,
        perpetrator: Perpetrator::NotIdentified,
        others_killed: 0,
        others_injured: 0,
        noticas_id: None,
        sage_id: None,
        hold: None,
    }
}
