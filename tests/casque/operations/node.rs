//! Nodes as an operator starts them: the real program, as processes, over a cluster with roles that own nothing.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use casque::cli::{DemoAccount, Sample, load_sample};
use casque::identity::{code_at, step_at};
use casque::node::{InstanceArgs, OpenOptions};
use serde_json::{Value, json};

use crate::harness::cluster::Cluster;
use crate::harness::process::{Signal, ended, output, signal};
use crate::harness::{Answer, Client};

/// A running `casque serve`.
pub struct Node {
    child: Child,
    /// Where it answers.
    pub address: String,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Node {
    /// Starts a node and waits until it answers. `before` is said to the shell that starts it.
    pub fn start_after(before: &str, arguments: &[&str]) -> Self {
        Self::begin(before, "error", arguments)
    }

    /// Starts a node that logs so much.
    pub fn start_logging(level: &str, arguments: &[&str]) -> Self {
        Self::begin("", level, arguments)
    }

    /// Starts a node that sends its spans to a collector.
    pub fn start_tracing(collector: &str, arguments: &[&str]) -> Self {
        Self::begin(
            &format!(
                "export OTEL_EXPORTER_OTLP_ENDPOINT={collector} OTEL_BSP_SCHEDULE_DELAY=100 OTEL_SERVICE_NAME=casque-here;"
            ),
            "debug",
            arguments,
        )
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        String::from_utf8(self.log.lock().unwrap().clone()).unwrap()
    }

    fn begin(before: &str, level: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        let script = format!("{before} exec \"$@\"");
        command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_casque"), "serve", "--listen", "127.0.0.1:0"]);
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("CASQUE_LOG", level);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let Some(address) =
            line.split_whitespace().find(|word| word.starts_with("http://") || word.starts_with("https://"))
        else {
            let mut said = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
            panic!("{arguments:?}: {line}{said}");
        };
        let address = address.trim_end_matches(',').to_owned();
        // What it logs is read at once, so that it never waits for us.
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut said, kept) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(read @ 1..) = said.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { child, address, log }
    }

    /// Starts a node.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_after("", arguments)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A client, signed in with a token or not.
    pub fn client(&self, token: Option<&str>) -> Client {
        Client::at(&self.address, token)
    }

    /// Tries to sign in as the account whose address begins so.
    pub fn try_sign_in(&self, accounts: &[DemoAccount], who: &str) -> Answer {
        let account = accounts.iter().find(|account| account.email.starts_with(who)).unwrap();
        let body = json!({"email": account.email, "password": account.password});
        with_a_code(account, &body, |body| self.client(None).post("/v1/sessions", body))
    }

    /// Asks for a disclosure, with a fresh code.
    pub fn disclose(&self, accounts: &[DemoAccount], who: &str, token: &str, ask: &Value) -> Answer {
        self.prove(accounts, who, token, "/v1/disclosures", ask)
    }

    /// Posts what takes a fresh code.
    pub fn prove(&self, accounts: &[DemoAccount], who: &str, token: &str, path: &str, body: &Value) -> Answer {
        let account = accounts.iter().find(|account| account.email.starts_with(who)).unwrap();
        with_a_code(account, body, |body| self.client(Some(token)).post(path, body))
    }

    /// Signs in, and gives the token.
    pub fn sign_in(&self, accounts: &[DemoAccount], who: &str) -> String {
        let answer = self.try_sign_in(accounts, who);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Has a person's erasure asked for and approved by two officers: the number of the request.
    pub fn erasure_approved(&self, accounts: &[DemoAccount], record: &str) -> String {
        let asks = self.client(Some(&self.sign_in(accounts, "verifier")));
        let asked = asks.post("/v1/erasures", &json!({"record": record, "reason": "family_asked"}));
        assert_eq!(asked.status, 201, "{}", asked.text);
        let number = asked.json()["number"].as_str().unwrap().to_owned();
        let decides = self.sign_in(accounts, "releaser");
        let path = format!("/v1/erasures/{number}/decision");
        let decided = self.prove(accounts, "releaser", &decides, &path, &json!({"approve": true}));
        assert_eq!(decided.status, 200, "{}", decided.text);
        number
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: gives the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        signal(self.child.id(), Signal::TERM);
        ended(&mut self.child).code()
    }
}

/// Asks with the first code that was not used yet: a node keeps the time of the machine, so that there are two at once, and then one
/// in thirty seconds.
fn with_a_code(account: &DemoAccount, body: &Value, ask: impl Fn(&Value) -> Answer) -> Answer {
    static USED: Mutex<BTreeMap<String, i64>> = Mutex::new(BTreeMap::new());
    let present = || step_at(chrono::Utc::now().naive_utc());
    let step = {
        let mut used = USED.lock().unwrap();
        let last = used.entry(account.totp_secret.clone()).or_insert(0);
        *last = (*last + 1).max(present());
        *last
    };
    while step > present() + 1 {
        std::thread::sleep(Duration::from_millis(200));
    }
    let mut body = body.clone();
    body["code"] = json!(code_at(&account.totp_secret, step).unwrap());
    ask(&body)
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster with a migrated database, accounts, roles, and the operator's folder of keys.
pub struct Site {
    /// The primary.
    pub primary: Cluster,
    /// Accounts.
    pub accounts: Vec<DemoAccount>,
    folder: tempfile::TempDir,
}

/// The roles of nodes.
pub const ROLES: [(&str, &str); 3] =
    [("--service-role", "site_service"), ("--sealed-role", "site_sealed"), ("--reader-role", "site_reader")];

impl Site {
    /// A site whose primary has these settings.
    pub fn new(settings: &str) -> Self {
        let primary = Cluster::start(settings);
        for (_, role) in ROLES {
            primary.run("postgres", &format!("CREATE ROLE {role} LOGIN"));
        }
        primary.run("postgres", "CREATE DATABASE casque");
        let folder = tempfile::tempdir().unwrap();
        let url = primary.url("casque", "casque");
        let keys = folder.path().join("keys");
        let instance =
            InstanceArgs { database: Some(url.parse().unwrap()), keys: Some(keys.clone()), ..InstanceArgs::default() };
        let server = instance.open(OpenOptions { migrate: true, ..OpenOptions::default() }).unwrap();
        let accounts = load_sample(&server.store, &server.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
        server.settle_audit().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
        command.args(["migrate", "--database", &url, "--keys"]).arg(&keys).env_clear();
        for (option, role) in ROLES {
            command.args([option, role]);
        }
        let done = output(&mut command);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { primary, accounts, folder }
    }

    /// The operator's keys.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// A folder with the public keys alone: all that a node without private keys is given.
    pub fn public_keys(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["operator.pub", "token.pub", "audit.pub"] {
            std::fs::copy(self.keys().join(name), folder.join(name)).unwrap();
        }
        folder
    }

    /// Signs in at a node, and gives the token.
    pub fn sign_in(&self, node: &Node, who: &str) -> String {
        node.sign_in(&self.accounts, who)
    }

    /// Tries to sign in at a node.
    pub fn try_sign_in(&self, node: &Node, who: &str) -> Answer {
        node.try_sign_in(&self.accounts, who)
    }

    /// Verifies the audit log, by the command.
    pub fn verify_log(&self, url: &str) {
        let keys = self.keys();
        verify_log(&["--database", url, "--keys", keys.to_str().unwrap()]);
    }
}

/// Verifies the audit log of a place, by the command.
pub fn verify_log(instance: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casque"));
    let done = output(command.args(["audit", "verify", "--deep"]).args(instance).env_clear());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// Asks until the answer is as wanted, for at most `most`; gives how long that took.
pub fn until(most: Duration, mut wanted: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !wanted() {
        assert!(began.elapsed() < most, "not within {most:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    began.elapsed()
}

/// The folder of an embedded database with accounts.
pub fn embedded(folder: &Path) -> Vec<DemoAccount> {
    let server = InstanceArgs::folder(folder).open(OpenOptions::default()).unwrap();
    let accounts = load_sample(&server.store, &server.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
    server.settle_audit().unwrap();
    accounts
}
