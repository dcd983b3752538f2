//! What an operator meets: words that say what is wrong, and commands that end as they should.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::node::{Node, Site, embedded, until};
use crate::harness::cluster::binaries;
use crate::harness::process::{ended, has, output, output_of};
use crate::harness::{ambush, skipped};

const CASQUE: &str = env!("CARGO_BIN_EXE_casque");

fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let done = output(Command::new(CASQUE).args(arguments).env_clear());
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn a_database_without_this_programs_schema_is_told_what_to_run() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    site.primary.run("postgres", "CREATE DATABASE empty");
    let (url, keys) = (site.primary.url("casque", "empty"), site.keys());
    let keys = keys.to_str().unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["account", "list"], &["audit", "verify"]] {
        let (code, told) = said(&[command, &["--database", &url, "--keys", keys]].concat());
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("run `casque migrate` first"), "{command:?}: {told}");
    }
    // It needs no keys, and says which role is missing before it tries anything.
    let (code, told) = said(&["migrate", "--database", &url, "--service-role", "nobody_known"]);
    assert_eq!(
        (code, told.as_str()),
        (Some(1), "casque: there is no role nobody_known: make it first (CREATE ROLE nobody_known LOGIN …)\n")
    );
    let (code, told) = said(&["migrate", "--database", &url, "--service-role", "site_service"]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn the_first_account_is_made_by_the_services_own_role_and_the_log_is_signed() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    site.primary.run("postgres", "CREATE DATABASE fresh");
    let owner = site.primary.url("casque", "fresh");
    assert_eq!(said(&["migrate", "--database", &owner, "--service-role", "site_service"]).0, Some(0));
    let (folder, url) = (tempfile::tempdir().unwrap(), site.primary.url("site_service", "fresh"));
    let keys = folder.path().join("keys").display().to_string();
    let mut create = Command::new(CASQUE);
    create.args(["account", "create", "--email", "one@un.example", "--name", "One", "--role", "administrator"]);
    let mut child = create
        .args(["--database", &url, "--keys", &keys])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"seven umbrellas under one bridge").unwrap();
    let done = output_of(child);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let node = Node::start_logging("warn", &["--database", &url, "--keys", &keys]);
    until(Duration::from_secs(20), || site.primary.run("fresh", "SELECT count(*) FROM audit_checkpoint") != "0");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(node.log(), "", "and nothing is wrong");
    assert_eq!(node.terminate(), Some(0));
}

#[test]
fn the_log_has_the_databases_words_and_the_answers_request_and_the_answer_has_neither_value_nor_word() {
    if skipped("PostgreSQL", binaries().is_some()) {
        return;
    }
    let site = Site::new("-c fsync=off");
    let (url, keys) = (site.primary.url("site_service", "casque"), site.keys());
    let node = Node::start_logging("warn", &["--database", &url, "--keys", keys.to_str().unwrap()]);
    let token = site.sign_in(&node, "minusma");
    site.primary.run("casque", "REVOKE INSERT ON suspect FROM site_service");
    let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
    let mut failed = agent
        .post(format!("{}/v1/incidents", node.address))
        .header("authorization", format!("Bearer {token}"))
        .send_json(ambush())
        .unwrap();
    let id = failed.headers()["x-request-id"].to_str().unwrap().to_owned();
    let answer = failed.body_mut().read_to_string().unwrap();
    assert_eq!(failed.status().as_u16(), 500);
    assert!(!answer.contains("permission") && !answer.contains("suspect"), "{answer}");
    until(Duration::from_secs(10), || node.log().contains("permission denied for table suspect"));
    let log = node.log();
    let line = log.lines().find(|line| line.contains("permission denied")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["span"]["id"], json!(id), "{line}");
    assert!(!log.contains("Unknown") && !log.contains("canary"), "{log}");
    assert_eq!(node.terminate(), Some(0));
}

#[test]
fn every_answer_has_a_request_id_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let node = Node::start(&["--data", folder.path().to_str().unwrap()]);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/healthz", "/readyz", "/v1/me", "/nowhere", "/docs/", "/v1/openapi.json", "/v1/sessions"] {
        let answer = agent.get(format!("{}{path}", node.address)).call().unwrap();
        ids.insert(answer.headers()["x-request-id"].to_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 7);
    assert_eq!(node.terminate(), Some(0));
}

/// Commands that print much, on a folder with a database.
fn printing(data: &str) -> Vec<Vec<String>> {
    let commands: [&[&str]; 9] = [
        &["openapi"],
        &["--help"],
        &["keys", "--help"],
        &["account", "list", "--data", data],
        &["account", "list", "--json", "--data", data],
        &["briefing", "2022", "--data", data],
        &["briefing", "2022", "--json", "--data", data],
        &["audit", "verify", "--data", data],
        &["keys", "reseal", "--data", data],
    ];
    commands.iter().map(|command| command.iter().map(|one| (*one).to_owned()).collect()).collect()
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly_and_a_full_disk_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    for command in printing(folder.path().to_str().unwrap()) {
        let mut closed = Command::new(CASQUE);
        let mut child =
            closed.args(&command).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = output_of(child);
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), told.as_str()), (Some(0), ""), "{command:?}");
        if !Path::new("/dev/full").exists() || command.iter().any(|one| one == "--help") {
            continue;
        }
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut child =
            Command::new(CASQUE).args(&command).env_clear().stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let status = ended(&mut child);
        let mut told = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut told).unwrap();
        assert_eq!(status.code(), Some(1), "{command:?}: {told}");
        assert!(told.starts_with("casque: the output cannot be written: No space left"), "{command:?}: {told}");
        // Nobody to tell, either: it ends all the same.
        let full = || File::options().write(true).open("/dev/full").unwrap();
        let mut child = Command::new(CASQUE).args(&command).env_clear().stdout(full()).stderr(full()).spawn().unwrap();
        assert_eq!(ended(&mut child).code(), Some(1), "{command:?}");
    }
}

#[test]
fn a_service_whose_output_nobody_reads_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut serve = Command::new(CASQUE);
    serve.args(["serve", "--listen", &free, "--data", folder.path().to_str().unwrap()]).env_clear();
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let client = crate::harness::Client::at(&format!("http://{free}"), None);
    until(Duration::from_secs(20), || std::net::TcpStream::connect(&free).is_ok());
    assert_eq!(client.get("/readyz").status, 200);
    crate::harness::process::signal(child.id(), crate::harness::process::Signal::TERM);
    assert_eq!(ended(&mut child).code(), Some(0));
}

#[test]
fn a_password_is_asked_for_on_a_terminal_and_not_shown() {
    if skipped("script", has("script")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let command = format!("{CASQUE} account create --email one@un.example --name One --role auditor --data {data}");
    let typed = |first: &str, second: &str| {
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let (first, second) = (format!("{first}\n"), format!("{second}\n"));
        let typing = std::thread::spawn(move || {
            // As a person does, once asked.
            std::thread::sleep(Duration::from_millis(1_500));
            let _ = stdin.write_all(first.as_bytes());
            std::thread::sleep(Duration::from_millis(700));
            let _ = stdin.write_all(second.as_bytes());
            std::thread::sleep(Duration::from_secs(4));
        });
        let done = output_of_after(child, typing);
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (code, shown) = typed("seven umbrellas under one bridge", "another");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("Password of one@un.example: ") && shown.contains("are different"), "{shown}");
    assert!(!shown.contains("umbrellas"), "{shown}");
    let (code, shown) = typed("seven umbrellas under one bridge", "seven umbrellas under one bridge");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("Made one@un.example, auditor.") && !shown.contains("umbrellas"), "{shown}");
}

fn output_of_after(child: std::process::Child, typing: std::thread::JoinHandle<()>) -> std::process::Output {
    let done = output_of(child);
    let _ = typing.join();
    done
}

#[test]
fn root_leaves_nothing_in_a_folder_of_keys_that_the_service_could_not_read() {
    let folder = tempfile::tempdir().unwrap();
    embedded(folder.path());
    let keys = folder.path().join("keys");
    if std::os::unix::fs::chown(&keys, Some(65_534), None).is_err() {
        eprintln!("SKIPPED: only root gives a folder to somebody else");
        return;
    }
    let (data, keys) = (folder.path().to_str().unwrap(), keys.to_str().unwrap());
    for command in [
        &["keys", "rotate-tokens", "--keys", keys][..],
        &["backup", data, "--data", data],
        &["serve", "--listen", "127.0.0.1:0", "--data", data],
    ] {
        let (code, told) = said(command);
        assert_eq!(code, Some(1), "{command:?}: {told}");
        assert!(told.contains("belongs to user 65534") && told.contains("runuser"), "{told}");
    }
}
