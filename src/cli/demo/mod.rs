//! `casque demo`: a node to try everything in.

mod sample;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Outcome;
use super::output::{Unwritten, bar, say, tell};
use crate::api::Limits;
use crate::node::private_files::{make_private, owners_file};
use crate::node::{InstanceArgs, OpenOptions, Serving, until_stopped};
pub use sample::{Sample, load_sample};

/// Make (or reuse, with --data) an embedded database with reference data, the incidents of the UN's public fatalities file,
/// public proceedings, and a small made-up set of identities, proceedings and assistance (labelled MADE-UP); make an
/// account for every role; print address, accounts and what each would ask; and serve.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder for the database. If absent, a temporary folder that is removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port to listen on (on 127.0.0.1 only); 0 means any free port.
    #[arg(long, default_value_t = 8589)]
    port: u16,
    /// Print one line of JSON when ready.
    #[arg(long)]
    json: bool,
}

/// An account of the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoAccount {
    /// Address.
    pub email: String,
    /// Password, random for each database.
    pub password: String,
    /// Secret of its second factor, in base 32, random for each database.
    pub totp_secret: String,
    /// Role.
    pub role: String,
    /// Missions, State, or what it is graded for.
    pub scope: String,
}

/// File in the data folder that keeps the demo's passwords, for its owner only.
const ACCOUNTS: &str = "demo-accounts.json";
/// File in the data folder while the sample is loaded: left there, the load was interrupted.
const LOADING: &str = "demo-loading";
/// File in the data folder with shell functions to ask as any account, for its owner only.
const TOUR: &str = "tour.sh";

impl Demo {
    pub(super) fn run(self) -> Outcome {
        let temporary = match &self.data {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("casque-demo-").tempdir()?),
        };
        let folder: &Path = match (&self.data, &temporary) {
            (Some(folder), _) => folder,
            (None, Some(folder)) => folder.path(),
            (None, None) => return Err("no folder".into()),
        };
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .map_err(|e| format!("cannot listen on port {}: {e} (choose another with --port)", self.port))?;
        let kept = folder.join(ACCOUNTS);
        let loading = folder.join(LOADING);
        if loading.exists() {
            begin_anew(folder)?;
        } else if !kept.exists() && folder.join("casque.db").exists() {
            return Err(format!("{} holds a database that does not come from a demo", folder.display()).into());
        }
        if !kept.exists() {
            make_private(folder)?;
            owners_file(&loading)?;
        }
        let node = InstanceArgs::folder(folder).open(OpenOptions::default())?;
        let accounts: Vec<DemoAccount> = if kept.exists() {
            serde_json::from_str(&std::fs::read_to_string(&kept)?)?
        } else {
            tell(format_args!("Loading the sample data into {} …", folder.display()));
            let bar = bar("loading");
            let accounts = load_sample(&node.store, &node.identity, Sample::Whole, &mut |what, done, all| {
                bar.set_message(what);
                bar.set_length(all as u64);
                bar.set_position(done as u64);
            })?;
            bar.finish_and_clear();
            owners_file(&kept)?.write_all(serde_json::to_string_pretty(&accounts)?.as_bytes())?;
            std::fs::remove_file(&loading)?;
            accounts
        };
        let address = format!("http://{}", listener.local_addr()?);
        let tour = folder.join(TOUR);
        if tour.exists() {
            std::fs::remove_file(&tour)?;
        }
        owners_file(&tour)?.write_all(tour_of(&address, folder, &accounts)?.as_bytes())?;
        let serving = Serving { listener, operators: None, workers: 2, limits: Limits::default(), tls: None };
        let ended = until_stopped(node, serving, || {
            // Nobody has to read it.
            let _ = if self.json {
                say!("{}", serde_json::json!({ "address": address, "accounts": accounts }))
            } else {
                print_accounts(&address, folder, &accounts, temporary.is_some())
            };
        });
        drop(temporary);
        ended?;
        let _ = say!("Stopped.");
        Ok(ExitCode::SUCCESS)
    }
}

/// Removes what an interrupted load left.
fn begin_anew(folder: &Path) -> std::io::Result<()> {
    for name in ["casque.db", "casque.db-wal", "casque.db-shm", LOADING] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match std::fs::remove_dir_all(folder.join("keys")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The shell functions of the tour, with this demo's address and accounts; each account by the first word of its address.
fn tour_of(address: &str, folder: &Path, accounts: &[DemoAccount]) -> std::io::Result<String> {
    let program = std::env::current_exe()?;
    let cases: Vec<String> = accounts
        .iter()
        .map(|account| {
            let name = account.email.split(['.', '@']).next().unwrap_or_default();
            let (email, password, secret) = (&account.email, &account.password, &account.totp_secret);
            format!("    {name}) casque_email='{email}' casque_password='{password}' casque_secret='{secret}' ;;")
        })
        .collect();
    Ok(include_str!("tour.sh")
        .replace("{address}", address)
        .replace("{program}", &program.display().to_string())
        .replace("{folder}", &folder.display().to_string())
        .replace("{accounts}", &cases.join("\n")))
}

fn print_accounts(address: &str, folder: &Path, accounts: &[DemoAccount], temporary: bool) -> Result<(), Unwritten> {
    say!("Casque answers at {address}")?;
    say!("Interactive documentation: {address}/docs/")?;
    let until = if temporary { " (removed at the end; to keep it, give --data DIR)" } else { "" };
    say!("Database and keys: {}{until}", folder.display())?;
    say!("\nTo ask as any account, from another shell:\n  . {}", folder.join(TOUR).display())?;
    say!("\nAccounts, each with a first request:")?;
    for account in accounts {
        say!("\n  {:18} {:44} {}", account.role, account.scope, account.email)?;
        say!("  password {}   second factor {}", account.password, account.totp_secret)?;
        let name = account.email.split(['.', '@']).next().unwrap_or_default();
        say!("  as {name} '{}'", first_question(&account.role))?;
    }
    say!("\nCtrl-C stops it.")
}

/// What each role would ask first.
fn first_question(role: &str) -> &'static str {
    match role {
        "member_state" => "/v1/cases",
        "secretariat" | "senior_focal_point" => "/v1/statistics?unit=victims&by=mission,year",
        "auditor" => "/v1/audit?limit=5",
        "administrator" => "/v1/me",
        _ => "/v1/incidents?limit=3",
    }
}
