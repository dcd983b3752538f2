//! docs/deploy.md, run from its first line to its last, as an operator would.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use casque::identity::{code_at, step_at};
use chrono::Utc;
use regex::Regex;
use serde_json::{Value, json};

use super::node::{Node, until};
use crate::harness::cluster::{Cluster, binaries};
use crate::harness::process::{Signal, has, signal_group};
use crate::harness::{Answer, Client, ambush, skipped};

const CASQUE: &str = env!("CARGO_BIN_EXE_casque");

/// The commands of the guide without containers, block by block; and whether each is said on the standby.
fn blocks() -> Vec<(String, bool)> {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy.md")).unwrap();
    let from = guide.find("## Without containers").unwrap();
    let to = guide.find("## With containers").unwrap();
    let pattern = Regex::new(r"(?s)(<!-- on the standby -->\n\n)?```sh\n(.*?)```").unwrap();
    let found = pattern.captures_iter(&guide[from..to]);
    found.map(|block| (block[2].to_owned(), block.get(1).is_some())).collect()
}

/// A shell that an operator works in: it keeps its variables and jobs, and ends at the first command that fails.
struct Shell {
    child: Child,
    said: Receiver<String>,
}

const END: &str = "=== end of the block ===";

impl Shell {
    fn open(path: &str, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new("sh");
        command.arg("-eu").env_clear().env("PATH", path).envs(variables.iter().map(|(name, value)| (*name, value)));
        // A group of its own: what it left in the background ends with it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (send, said) = channel();
        for from in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>,
            Box::new(child.stderr.take().unwrap()) as Box<dyn Read + Send>,
        ] {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(from).lines() {
                    let _ = send.send(line.unwrap());
                }
            });
        }
        Self { child, said }
    }

    /// Says a block, and gives what was printed until its end.
    fn say(&mut self, block: &str) -> String {
        self.child.stdin.as_mut().unwrap().write_all(format!("{block}\necho '{END}'\n").as_bytes()).unwrap();
        let mut printed = String::new();
        loop {
            match self.said.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line == END => return printed,
                Ok(line) => printed.push_str(&format!("{line}\n")),
                Err(why) => panic!("{why}: {block}\n{printed}"),
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        signal_group(self.child.id(), Signal::KILL);
        let _ = self.child.wait();
    }
}

fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

const PASSWORD: &str = "seven umbrellas under one bridge";

/// Signs in with the password alone and sets a second factor up, as everybody does first: its secret.
fn arrives(address: &str, email: &str) -> String {
    let signed = Client::at(address, None).post("/v1/sessions", &json!({"email": email, "password": PASSWORD}));
    assert_eq!(signed.status, 201, "{}", signed.text);
    let token = signed.json()["access_token"].as_str().unwrap().to_owned();
    let client = Client::at(address, Some(&token));
    let begun = client.post("/v1/me/second-factor", &json!({ "password": PASSWORD }));
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let code = code_at(&secret, step_at(Utc::now().naive_utc())).unwrap();
    let confirmed = client.post("/v1/me/second-factor/confirmation", &json!({ "code": code }));
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    secret
}

/// Posts with a code of a second factor, once there is a fresh one.
fn with_code(client: &Client, secret: &str, path: &str, body: &Value) -> Answer {
    let mut last = None;
    until(Duration::from_secs(70), || {
        let mut body = body.clone();
        body["code"] = json!(code_at(secret, step_at(Utc::now().naive_utc()) + 1).unwrap());
        let answer = client.post(path, &body);
        let taken = answer.status != 401 && answer.status != 403;
        if !taken {
            std::thread::sleep(Duration::from_secs(5));
        }
        last = Some(answer);
        taken
    });
    last.unwrap()
}

#[test]
fn the_guide_to_deployment_is_true_from_its_first_command_to_its_last() {
    if skipped("PostgreSQL", binaries().is_some()) || skipped("curl", has("curl")) {
        return;
    }
    let primary = Cluster::start_of("postgres", "-c fsync=off");
    let (standby, third) =
        (Cluster::to_come("postgres", "-c fsync=off"), Cluster::start_of("postgres", "-c fsync=off"));
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(folder.path().join("etc/first-password"), format!("{PASSWORD}\n")).unwrap();
    let roles = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/roles.sql");
    // "Make a database, as in step 1", on another machine.
    third.run_file(roles);
    let hosts = format!("{},{}", primary.socket().display(), standby.socket().display());
    let both = |role: &str| format!("postgres://{role}@/casque?host={hosts}");
    let (listen, metrics) = (free(), free());
    let variables = [
        ("ETC", at("etc")),
        ("KEYS", at("keys")),
        ("PUBLIC", at("public")),
        ("BACKUPS", at("backups")),
        ("BACKUP_KEYS", at("backup-keys")),
        ("ROLES", roles.to_owned()),
        ("SUPERUSER", primary.url("postgres", "postgres")),
        ("OWNER", primary.url("casque", "casque")),
        ("SERVICE", primary.url("casque_service", "casque")),
        ("SEALED", both("casque_sealed")),
        ("READER", both("casque_reader")),
        ("LISTEN", listen.clone()),
        ("METRICS", metrics.clone()),
        ("NEW_KEYS", at("new-keys")),
        ("NEW_OWNER", third.url("casque", "casque")),
        ("NEW_SERVICE", third.url("casque_service", "casque")),
    ];
    let program = Path::new(CASQUE).parent().unwrap().display();
    let mut shell = Shell::open(&format!("{program}:{}:/usr/bin:/bin", primary.bin().display()), &variables);
    let blocks = blocks();
    assert!(blocks.len() >= 9, "{} blocks", blocks.len());
    let address = format!("http://{listen}");
    let (mut told, mut people) = (Vec::new(), None);
    for (block, on_standby) in &blocks {
        if *on_standby {
            let replication = format!("host={} user=casque_replication", primary.socket().display());
            standby.bring(&format!("REPLICATION='{replication}'; {block}"));
            standby.begin();
            continue;
        }
        told.push(shell.say(block));
        // Once it serves: the first people arrive, and report, so that there is something to lose.
        if block.starts_with("casque serve") && block.contains("\"$KEYS\"") && told.len() == 7 {
            let (administrator, officer) = (arrives(&address, "one@un.example"), arrives(&address, "three@un.example"));
            let session = with_code(
                &Client::at(&address, None),
                &officer,
                "/v1/sessions",
                &json!({"email": "three@un.example", "password": PASSWORD}),
            );
            assert_eq!(session.status, 201, "{}", session.text);
            let token = session.json()["access_token"].as_str().unwrap().to_owned();
            assert_eq!(Client::at(&address, Some(&token)).post("/v1/incidents", &ambush()).status, 201);
            let asked = Client::at(&format!("http://{metrics}"), None).get("/readyz").json();
            assert_eq!(asked["ready"], true, "{asked}");
            people = Some((administrator, officer));
        }
    }
    let all = told.join("\n");
    for line in [
        "The role casque_service has the rights of a service node.",
        "Made one@un.example, administrator.",
        "\"check\":\"checkpoint\",\"ok\":true",
        "compared. One seal of each class opens (no value was shown): confidential, strictly_confidential",
        "\nOne seal of each class opens (no value was shown): confidential, strictly_confidential",
        "The audit log begins a new origin",
        "nobody else is served",
    ] {
        assert!(all.contains(line), "{line}\n{all}");
    }
    assert!(!all.contains("0 signed checkpoints agree") || all.contains("10 signed"), "{all}");
    assert!(!all.contains("DOES NOT HOLD"), "{all}");
    for line in ["The log holds, against a checkpoint from outside.", "was signed before the log was set back"] {
        // Whichever the last minute's signature covered.
        if all.contains(line) {
            told.clear();
        }
    }
    assert!(told.is_empty(), "the checkpoint of before is explained: {all}");
    drop(shell);

    // The officer and the administrator confirm, and everybody is served again.
    let (administrator, officer) = people.unwrap();
    let keys = at("new-keys");
    let node = Node::start(&["--database", &third.url("casque_service", "casque"), "--keys", &keys]);
    for (email, secret) in [("one@un.example", &administrator), ("three@un.example", &officer)] {
        let session =
            with_code(&node.client(None), secret, "/v1/sessions", &json!({"email": email, "password": PASSWORD}));
        assert_eq!(session.status, 201, "{}", session.text);
        let client = node.client(session.json()["access_token"].as_str());
        let listed = client.get("/v1/restorations").json();
        let path = format!("/v1/restorations/{}/confirmation", listed["items"][0]["id"].as_str().unwrap());
        assert_eq!(with_code(&client, secret, &path, &json!({})).status, 200);
        if email.starts_with("three") {
            assert_eq!(client.get("/v1/incidents").json()["items"].as_array().unwrap().len(), 1);
        }
    }
    assert_eq!(node.terminate(), Some(0));
}
