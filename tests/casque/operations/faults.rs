//! What is acknowledged stays, whatever fails; what fails says so; and what was away comes back.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use super::node::{Node, Site, embedded, until, verify_log};
use crate::harness::cluster::binaries;
use crate::harness::{Client, TestServer, ambush, skipped};

/// Reports incidents over several connections while `meanwhile` runs, and gives the references that were acknowledged.
fn under_load(address: &str, token: &str, meanwhile: impl FnOnce(&Mutex<BTreeSet<String>>)) -> BTreeSet<String> {
    let (acknowledged, stop) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let client = Client::at(address, Some(token));
                while !stop.load(Ordering::Relaxed) {
                    match client.try_post("/v1/incidents", &ambush()) {
                        Some(answer) if answer.status == 201 => {
                            let reference = answer.json()["reference"].as_str().unwrap().to_owned();
                            acknowledged.lock().unwrap().insert(reference);
                        }
                        Some(answer) => {
                            assert!([503, 500].contains(&answer.status), "{}", answer.text);
                            std::thread::sleep(Duration::from_millis(20));
                        }
                        None => std::thread::sleep(Duration::from_millis(20)),
                    }
                }
            });
        }
        let enough = acknowledged_over(&acknowledged, 20);
        until(Duration::from_secs(60), enough);
        meanwhile(&acknowledged);
        stop.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner().unwrap()
}

fn acknowledged_over(set: &Mutex<BTreeSet<String>>, many: usize) -> impl Fn() -> bool + '_ {
    move || set.lock().unwrap().len() >= many
}

/// Every acknowledged report is there, and each report that is there is whole.
fn nothing_lost_and_none_half_made(client: &Client, acknowledged: &BTreeSet<String>) {
    let (mut there, mut path) = (BTreeSet::new(), "/v1/incidents?limit=200".to_owned());
    loop {
        let page = client.get(&path);
        assert_eq!(page.status, 200, "{}", page.text);
        there.extend(page.references());
        match page.header("link") {
            Some(link) => path = link.split(['<', '>']).nth(1).unwrap().to_owned(),
            None => break,
        }
    }
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} lost", lost.len(), acknowledged.len());
    for reference in &there {
        let one = client.get(&format!("/v1/incidents/{reference}")).json();
        assert_eq!(one["victims"].as_array().unwrap().len(), 2, "{one}");
        assert_eq!(one["suspects"].as_array().unwrap().len(), 1);
        assert_eq!(one["narrative"]["held"], true);
    }
}

/// Whatever ends a service under load: what it acknowledged is there when it is begun again, and the log verifies.
fn loses_nothing_when(ends: impl FnOnce(Node)) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let data = ["--data", folder.path().to_str().unwrap()];
    let node = Node::start(&data);
    let (address, token) = (node.address.clone(), node.sign_in(&accounts, "minusma"));
    let acknowledged = under_load(&address, &token, |set| {
        let many = set.lock().unwrap().len() + 20;
        until(Duration::from_secs(60), acknowledged_over(set, many));
        ends(node);
    });
    let again = Node::start(&data);
    let token = again.sign_in(&accounts, "minusma");
    nothing_lost_and_none_half_made(&again.client(Some(&token)), &acknowledged);
    assert_eq!(again.terminate(), Some(0));
    verify_log(&data);
}

#[test]
fn a_service_that_is_killed_loses_nothing_that_it_acknowledged() {
    loses_nothing_when(Node::kill);
}

#[test]
fn a_service_that_is_told_to_stop_loses_nothing_that_it_acknowledged() {
    loses_nothing_when(|node| assert_eq!(node.terminate(), Some(0)));
}

#[test]
fn a_database_that_is_killed_loses_nothing_that_was_acknowledged_and_is_served_again_without_a_restart() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("");
    let (url, keys) = (site.primary.url("site_service", "casque"), site.keys());
    let node = Node::start(&["--database", &url, "--keys", keys.to_str().unwrap()]);
    let token = site.sign_in(&node, "minusma");
    let acknowledged = under_load(&node.address, &token, |set| {
        site.primary.kill();
        until(Duration::from_secs(5), || node.client(Some(&token)).get("/v1/me").status == 503);
        site.primary.begin();
        let many = set.lock().unwrap().len() + 20;
        until(Duration::from_secs(30), acknowledged_over(set, many));
    });
    nothing_lost_and_none_half_made(&node.client(Some(&token)), &acknowledged);
    assert_eq!(node.terminate(), Some(0));
    site.verify_log(&site.primary.url("casque", "casque"));
}

#[test]
fn a_database_that_is_gone_for_half_a_minute_is_503_and_then_served_again() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    let (url, keys) = (site.primary.url("site_service", "casque"), site.keys());
    let node = Node::start(&["--database", &url, "--keys", keys.to_str().unwrap()]);
    let token = site.sign_in(&node, "minusma");
    site.primary.stop();
    let gone = std::time::Instant::now();
    until(Duration::from_secs(5), || node.client(None).get("/readyz").status == 503);
    while gone.elapsed() < Duration::from_secs(30) {
        for answer in [
            node.client(Some(&token)).get("/v1/incidents"),
            node.client(Some(&token)).post("/v1/incidents", &ambush()),
            node.client(None).get("/readyz"),
        ] {
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text);
        }
        assert_eq!(node.client(None).get("/healthz").status, 200);
        std::thread::sleep(Duration::from_secs(2));
    }
    site.primary.begin();
    until(Duration::from_secs(10), || node.client(Some(&token)).post("/v1/incidents", &ambush()).status == 201);
    assert_eq!(node.client(None).get("/readyz").status, 200);
}

#[test]
fn a_standby_that_is_promoted_under_load_takes_over_and_nothing_acknowledged_is_lost() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("");
    let standby = site.primary.standby("standby", "");
    site.primary.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    site.primary.run("postgres", "SELECT pg_reload_conf()");
    until(Duration::from_secs(10), || {
        site.primary.run("postgres", "SELECT sync_state FROM pg_stat_replication") == "sync"
    });
    let hosts = format!("{},{}", site.primary.socket().display(), standby.socket().display());
    let (url, keys) = (format!("postgres://site_service@/casque?host={hosts}"), site.keys());
    let node = Node::start(&["--database", &url, "--keys", keys.to_str().unwrap()]);
    let token = site.sign_in(&node, "minusma");
    let acknowledged = under_load(&node.address, &token, |set| {
        site.primary.kill();
        standby.promote();
        // Its own standby is gone with the primary that it was: it waits for none.
        standby.run("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
        standby.run("postgres", "SELECT pg_reload_conf()");
        let many = set.lock().unwrap().len() + 20;
        until(Duration::from_secs(10), acknowledged_over(set, many));
    });
    nothing_lost_and_none_half_made(&node.client(Some(&token)), &acknowledged);
    assert_eq!(node.terminate(), Some(0));
    site.verify_log(&standby.url("casque", "casque"));
}

/// A file system with little room, until it is dropped.
struct Small(PathBuf);

impl Small {
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size},mode=0777");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output();
        let mounted = mounted.is_ok_and(|done| done.status.success());
        (!skipped("a small tmpfs (mount)", mounted)).then_some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

/// Reports until the disk is full: that is told plainly, and what was acknowledged can still be read, whole.
fn fills_up(client: &Client) {
    let mut made = Vec::new();
    let refused = loop {
        let answer = client.post("/v1/incidents", &ambush());
        match answer.status {
            201 => made.push(answer.json()["reference"].as_str().unwrap().to_owned()),
            _ => break answer,
        }
        assert!(made.len() < 5_000, "the disk does not fill");
    };
    assert_eq!(refused.status, 507, "{}", refused.text);
    assert_eq!(refused.json()["type"], "urn:casque:problem:full");
    assert_eq!(client.get(&format!("/v1/incidents/{}", made[0])).status, 200, "reads go on");
    assert_eq!(client.get("/v1/incidents").status, 200);
    let last = client.get(&format!("/v1/incidents/{}", made[made.len() - 1]));
    assert_eq!(last.json()["victims"].as_array().unwrap().len(), 2);
}

#[test]
fn a_full_disk_is_told_plainly_and_what_is_there_can_still_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path().join("small"), "6m") else { return };
    let accounts = embedded(&small.0);
    let node = Node::start(&["--data", small.0.to_str().unwrap()]);
    fills_up(&node.client(Some(&node.sign_in(&accounts, "minusma"))));
}

#[test]
fn a_full_disk_of_postgresqls_is_told_as_plainly() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("");
    let Some(small) = Small::mount(site.primary.socket().join("small"), "24m") else { return };
    let own = small.0.join("own");
    site.primary.make_folder(&own);
    site.primary.run("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", own.display()));
    site.primary.run("postgres", "ALTER DATABASE casque SET TABLESPACE small");
    let url = site.primary.url("site_service", "casque");
    let node = Node::start(&["--database", &url, "--keys", site.keys().to_str().unwrap()]);
    fills_up(&node.client(Some(&site.sign_in(&node, "minusma"))));
}

#[test]
fn a_client_that_sends_slowly_holds_nobody_up_and_is_given_up() {
    let server = TestServer::with_patience(Duration::from_millis(500));
    let address = server.address.trim_start_matches("http://").to_owned();
    let slow: Vec<TcpStream> = (0..30)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let head = "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.as_("verifier").get("/v1/incidents").status, 200);
    for mut stream in slow {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
}

#[test]
fn five_thousand_idle_connections_hold_nobody_up() {
    let raised = rlimit::increase_nofile_limit(20_000).is_ok_and(|limit| limit >= 20_000);
    if skipped("a limit of 20,000 open files", raised) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let node = Node::start_after("ulimit -n 20000;", &["--data", folder.path().to_str().unwrap()]);
    let token = node.sign_in(&accounts, "verifier");
    let address = node.address.trim_start_matches("http://").to_owned();
    let mut idle: Vec<TcpStream> = (0..5_000).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for stream in &mut idle {
        stream.write_all(request.as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 2_048]).unwrap() > 0);
    }
    for _ in 0..20 {
        assert_eq!(node.client(Some(&token)).get("/v1/incidents").status, 200);
    }
    for stream in idle.iter_mut().step_by(500) {
        stream.write_all(request.as_bytes()).unwrap();
        assert!(stream.read(&mut [0; 2_048]).unwrap() > 0, "it is still there");
    }
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_ends_no_session_and_turns_no_order() {
    let server = TestServer::start();
    let first = server.report("minusma", &ambush());
    server.pass(TimeDelta::hours(-1));
    let second = server.report("minusma", &ambush());
    assert_eq!(server.as_("minusma").get("/v1/me").status, 200, "a token issued in what is now the future is good");
    let page = server.as_("verifier").get("/v1/incidents?limit=1");
    let next = page.json()["next"].as_str().unwrap().to_owned();
    let rest = server.as_("verifier").get(&format!("/v1/incidents?limit=1&after={next}"));
    let both: BTreeSet<String> = page.references().into_iter().chain(rest.references()).collect();
    assert_eq!(both, BTreeSet::from([first, second.clone()]), "each once");
    let log = server.as_("auditor").get("/v1/audit?action=incident.create").json();
    assert_eq!(log["items"][0]["subject"], format!("incidents/{second}"), "the log is in the order of what was done");
    server.sign_in_again();
    assert_eq!(server.as_("minusma").get("/v1/me").status, 200);
    server.settle_audit();
    let key = std::fs::read_to_string(server.folder().join("keys/audit.pub")).unwrap();
    let ask = casque::store::LogAsk { verifier_keys: key.trim(), deep: true, ..Default::default() };
    assert_eq!(casque::store::audit_verify(&server.store, &ask).unwrap().findings, []);
}

#[test]
fn more_requests_than_a_node_takes_are_told_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let node = Node::start(&["--data", folder.path().to_str().unwrap(), "--in-flight", "1"]);
    let token = node.sign_in(&accounts, "verifier");
    let refused = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let client = node.client(Some(&token));
                let began = std::time::Instant::now();
                while !refused.load(std::sync::atomic::Ordering::Relaxed) && began.elapsed() < Duration::from_secs(20) {
                    let answer = client.get("/v1/incidents");
                    if answer.status == 503 && answer.header("retry-after") == Some("1") {
                        refused.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                    assert_eq!(client.get("/healthz").status, 200, "whoever asks how it is gets an answer");
                }
            });
        }
    });
    assert!(refused.into_inner(), "more than it takes is told to try again");
    until(Duration::from_secs(40), || node.client(Some(&token)).get("/v1/incidents").status == 200);
}
