//! The command line: one file a command. Every command takes `--data DIR` or `--database URL`, and exits 0, 1 (it failed)
//! or 2 (wrong use).

mod account;
mod archive;
mod audit;
mod briefing;
mod demo;
mod import;
mod keys;
mod openapi;
mod output;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::{Unwritten, flush, tell};

pub use demo::{DemoAccount, Sample, load_sample};

/// The online database that Security Council resolution 2589 (2021) asks for.
#[derive(Debug, Parser)]
#[command(name = "casque", version, about, long_about = None, max_term_width = 100)]
struct Casque {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try everything: start a server on a database with real public data, made-up samples and an account for every role.
    ///
    /// Without --data the database is temporary. The command prints the address, the accounts and a first request for each.
    ///
    /// Example: casque demo --data casque-demo
    Demo(demo::Demo),
    /// Serve the API and its interactive documentation (at /docs/).
    ///
    /// Example: casque serve --data casque-data --listen 127.0.0.1:8589
    Serve(serve::Serve),
    /// Create the database's schema, or update it to this version of the program.
    ///
    /// Example: casque migrate --database "postgres://casque@db1/casque?sslmode=verify-full&sslrootcert=ca.crt" --service-role casque_service
    Migrate(serve::Migrate),
    /// Import a file of the United Nations' public data, or a whole database.
    ///
    /// Example: casque import --all /tmp/moving --database "postgres://casque@db1/casque?sslmode=verify-full&sslrootcert=ca.crt" --keys keys
    Import(import::Import),
    /// Write the whole database to a folder, to move it to another database.
    ///
    /// Stop the nodes first. Then read it with `casque import --all`, with the same folder of keys.
    ///
    /// Example: casque export --data casque-data --all /tmp/moving
    Export(archive::Export),
    /// Write a backup while the service runs, or verify one.
    ///
    /// The command reads the backup back and compares it. It also writes the ledger beside the backups; every restore applies the ledger.
    ///
    /// Example: casque backup --data casque-data /var/backups/casque --keys-to /mnt/keys
    Backup(archive::Backup),
    /// Restore a backup into an empty database.
    ///
    /// The folder of keys must already hold master.key, system.key, operator.pub and audit.pub: no backup contains them. The restore ends
    /// all sessions, one-time links, machine keys, recovery codes and approvals. It also takes away again everything that was erased or taken away after the
    /// backup. The service answers nobody else until an officer and an administrator confirm that list.
    ///
    /// Example: casque restore --data casque-data /var/backups/casque/casque-20261128T020000Z --keys-from /mnt/keys
    Restore(archive::Restore),
    /// Print the figures of a year's annual briefing.
    ///
    /// Example: casque briefing 2025 --data casque-data --cut-off 2026-02-01T00:00:00Z
    Briefing(briefing::Briefing),
    /// Create, list and invite accounts.
    #[command(subcommand)]
    Account(account::Account),
    /// Manage keys: rotate them, or erase the sealed values of a person.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Verify the audit log, check a proof, or accept a log that was set back.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the API's description (OpenAPI 3.1).
    ///
    /// Example: casque openapi > openapi.json
    Openapi,
}

/// The command line's definition: what its documentation is compared with.
pub fn command() -> clap::Command {
    <Casque as clap::CommandFactory>::command()
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let log = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("CASQUE_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr);
    // A person reads it on a terminal, a collector everywhere else.
    let _ = if std::io::IsTerminal::is_terminal(&std::io::stderr()) { log.try_init() } else { log.json().try_init() };
    let outcome = match Casque::parse().command {
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Briefing(command) => command.run(),
        Command::Account(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Openapi => openapi::run(),
    };
    match outcome.and_then(|code| Ok(flush().map(|()| code)?)) {
        Ok(code) => code,
        Err(error) if error.downcast_ref().is_some_and(Unwritten::is_closed) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("casque: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What a command ends with: an exit code, or one sentence on why it failed.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;
