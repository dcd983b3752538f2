//! The command line, through the real program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use casque::node::{InstanceArgs, OpenOptions};
use serde_json::Value;

use crate::harness::process::{Signal, ended, output, output_of, signal, write_private};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/exchange/data/fatalities-2025-04-04.csv");

fn casque(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
    command.args(arguments).env_clear();
    if arguments[0] != "openapi" {
        command.arg("--data").arg(data);
    }
    output(&mut command)
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every file of a folder with its bytes, but for the journal that a reader of the database leaves.
fn bytes_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes_of(&path));
        } else if !path.display().to_string().ends_with("-shm") && !path.display().to_string().ends_with("-wal") {
            found.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

/// A running `casque`, ended by its id.
struct Running(Child);

impl Running {
    fn demo(data: &Path) -> (Self, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
        command.args(["demo", "--json", "--port", "0", "--data"]).arg(data).env_clear();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        (Self(child), ready)
    }

    /// Ctrl-C.
    fn interrupt(mut self) -> i32 {
        signal(self.0.id(), Signal::INT);
        ended(&mut self.0).code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_wrong_or_missing_master_key_stops_the_server_with_one_sentence_and_destroys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    assert!(casque(data, &["migrate"]).status.success());
    assert!(casque(data, &["account", "list"]).status.success());
    let key = data.join("keys/master.key");
    let right = std::fs::read(&key).unwrap();
    for (wrong, sentence) in [
        (Some("00".repeat(32)), "is not the one of this database (nothing was changed)"),
        (Some("nonsense".to_owned()), "is not a key: it must hold 64 hexadecimal digits"),
        (None, "is missing; put it back, or serve with --sealed (nothing was changed)"),
    ] {
        std::fs::remove_file(&key).unwrap();
        if let Some(wrong) = &wrong {
            write_private(&key, wrong);
        }
        let before = bytes_of(data);
        let refused = casque(data, &["serve", "--listen", "127.0.0.1:0"]);
        let error = said(&refused.stderr);
        assert_eq!((refused.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains(sentence), "{error}");
        assert!(before == bytes_of(data), "a file changed");
        let _ = std::fs::remove_file(&key);
        write_private(&key, &right);
    }
    let server = InstanceArgs::folder(data).open(OpenOptions::default());
    assert!(server.is_ok_and(|server| server.desk.is_some()), "with the right key it opens as before");
}

#[test]
fn the_demo_has_something_for_every_role_keeps_its_keys_to_its_owner_and_starts_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("demo");
    let (running, ready) = Running::demo(&data);
    let mut roles: Vec<&str> =
        ready["accounts"].as_array().unwrap().iter().map(|account| account["role"].as_str().unwrap()).collect();
    roles.sort_unstable();
    roles.dedup();
    assert_eq!(roles, ["administrator", "auditor", "focal_point", "member_state", "secretariat", "senior_focal_point"]);
    for name in [
        "keys/master.key",
        "keys/operator.key",
        "keys/system.key",
        "keys/token.key",
        "keys/audit.key",
        "demo-accounts.json",
        "tour.sh",
        "casque.db",
    ] {
        let mode = std::fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    for folder in [&data, &data.join("keys")] {
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(running.interrupt(), 0, "Ctrl-C stops it cleanly");
    let (again, second) = Running::demo(&data);
    assert_eq!(second["accounts"], ready["accounts"]);
    let figures = casque(&data, &["briefing", "2022", "--json"]);
    assert!(figures.status.success(), "while the server runs: {}", said(&figures.stderr));
    let figures: Value = serde_json::from_slice(&figures.stdout).unwrap();
    assert_eq!(figures["cases"]["reconciles"], true);
    assert_eq!(again.interrupt(), 0);
    let report = casque(&data, &["audit", "verify", "--deep", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["holds"], &report["unplaced"]), (&Value::Bool(true), &Value::from(0)), "{report}");
}

#[test]
fn an_operator_makes_an_account_imports_a_file_and_prints_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let make = |email: &str, password: &str, role: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
        command
            .args(["account", "create", "--email", email, "--name", "An office", "--role", role, "--data"])
            .arg(data);
        let mut child =
            command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let done = output_of(child);
        (done.status.code(), said(&done.stderr))
    };
    assert_eq!(make("one@casque.example", "a long enough password", "secretariat"), (Some(0), String::new()));
    let (code, error) = make("two@casque.example", "too short", "secretariat");
    assert_eq!((code, error.as_str()), (Some(1), "casque: the password must have at least 15 characters\n"));
    assert_eq!(make("three@casque.example", "a long enough password", "nobody").0, Some(2), "wrong use");
    let list = said(&casque(data, &["account", "list", "--json"]).stdout);
    assert_eq!(list.lines().count(), 1, "{list}");

    let made = |more: &[&str]| {
        let base = ["account", "create", "--email", "x@casque.example", "--name", "An office"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
        command.args(base).args(more).arg("--data").arg(data).env_clear();
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"a long enough password");
        said(&output_of(child).stderr)
    };
    for (more, sentence) in [
        (&["--role", "focal_point"][..], "--mission: a focal point needs at least one mission"),
        (&["--role", "focal_point", "--mission", "NOWHERE"], "NOWHERE is not a mission"),
        (&["--role", "member_state", "--state", "XX"], "XX is not the alpha-3 code of a State"),
        (
            &["--role", "secretariat", "--state", "MLI"],
            "--state: required for member_state, and not allowed for other roles",
        ),
        (
            &["--role", "auditor", "--graded"],
            "--graded: only secretariat and senior_focal_point can be graded for disclosure",
        ),
    ] {
        assert!(made(more).contains(sentence), "{more:?}: {}", made(more));
    }

    let import = |more: &[&str]| casque(data, &[&["import", "fatalities", FILE, "--account"], more].concat());
    assert_eq!(
        said(&import(&["nobody@casque.example"]).stderr),
        "casque: there is no account with this email address\n"
    );
    let done = import(&["one@casque.example", "--json"]);
    assert!(done.status.success(), "{}", said(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["new_incidents"], 611, "{}", said(&done.stdout).chars().take(600).collect::<String>());
}

#[test]
fn the_description_on_standard_output_is_the_servers() {
    let printed: Value = serde_json::from_slice(&casque(Path::new("."), &["openapi"]).stdout).unwrap();
    assert!(printed == serde_json::to_value(casque::api::openapi()).unwrap());
}

#[test]
fn a_mistyped_folder_is_an_error_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mistyped");
    for command in [&["briefing", "2022"][..], &["audit", "verify"], &["account", "list"]] {
        let refused = casque(&data, command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert!(said(&refused.stderr).contains("there is no database in"), "{}", said(&refused.stderr));
    }
    let refused = casque(&data, &["serve", "--recovery", "age1nonsense"]);
    assert!(said(&refused.stderr).starts_with("casque: recovery key: "), "{}", said(&refused.stderr));
    assert!(!data.exists());
    assert_eq!(casque(&data, &["serve", "--workers", "0"]).status.code(), Some(2), "wrong use");
}

/// The names of the commands below one, and its help.
fn helped(path: &[String]) -> (Vec<String>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
    command.args(path).arg("--help").env_clear();
    let help = said(&output(&mut command).stdout);
    let listed = help.split("\nCommands:\n").nth(1).map(|rest| rest.split("\n\n").next().unwrap().to_owned());
    let names = listed.iter().flat_map(|list| list.lines()).filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        (!name.starts_with(' ')).then(|| name.split_whitespace().next().unwrap().to_owned())
    });
    (names.filter(|name| name != "help").collect(), help)
}

#[test]
fn every_command_helps_with_an_example_in_lines_that_fit() {
    let mut waiting: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let (below, help) = helped(&path);
        for line in help.lines() {
            // An address or a name is not broken.
            assert!(line.chars().count() <= 100 || !line.trim().contains(' '), "{path:?}: {line}");
        }
        if below.is_empty() {
            seen += 1;
            let text = help.split_whitespace().collect::<Vec<_>>().join(" ");
            let example = format!("Example: casque {}", path.join(" "));
            assert!(text.contains(&example), "{path:?} has no example:\n{help}");
        }
        waiting.extend(below.into_iter().map(|name| path.iter().cloned().chain([name]).collect()));
    }
    assert!(seen > 18, "{seen} commands");
}
