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
    /// Try everything: a database with real public data and made-up samples, an account for every role, the server up.
    Demo(demo::Demo),
    /// Serve the API and its interactive documentation.
    Serve(serve::Serve),
    /// Bring the database to this program's schema.
    Migrate(serve::Migrate),
    /// Bring in a file of the United Nations' public data, or a whole database.
    Import(import::Import),
    /// Write everything, to be moved to another database.
    Export(archive::Export),
    /// Write a backup while the service runs, or verify one.
    Backup(archive::Backup),
    /// Read a backup back into an empty database.
    Restore(archive::Restore),
    /// Print the figures of a year's annual briefing.
    Briefing(briefing::Briefing),
    /// Make and list accounts.
    #[command(subcommand)]
    Account(account::Account),
    /// Erase what is sealed of one record; rotate keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Verify the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Print the API's description (OpenAPI 3.1).
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
