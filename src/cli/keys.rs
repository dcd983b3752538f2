//! `casque keys`.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};

use super::Outcome;
use super::house::{Place, Start};
use super::key_files::Keys as KeyFiles;
use crate::policy::Viewer;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Erase what is sealed of one record, for ever: empty the keys under which its values stand.
    Erase(Erase),
    /// Make another key that signs access tokens; nobody is signed out.
    RotateTokens(RotateTokens),
}

/// Erase what is sealed of one person's record, for ever and in every copy: its data keys are emptied, here and, by the ledger
/// beside the backups, in whatever is restored. The record stays, with its open facts; its markers say that something is held,
/// and nobody can open it. Free text about the person in other records stays: a human must look for it. The last copy of the
/// keys dies with the last backup of keys, after 35 days.
#[derive(Debug, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    place: Place,
    /// Path of the record: incidents/REF/victims/HANDLE, incidents/REF/suspects/HANDLE, or proceedings/REF/accused/N.
    record: String,
    /// Do it: it cannot be undone.
    #[arg(long, required = true)]
    yes: bool,
}

/// Make another key that signs access tokens. Nodes read the folder of keys every quarter of a minute, and sign with the new key
/// from its time on; what the old one signed is good as long as it would have been. Nodes with a folder of their own are given the new
/// files before that time: both to a node with keys, the .pub to the others.
#[derive(Debug, Args)]
pub(super) struct RotateTokens {
    /// Folder of the keys.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    keys: PathBuf,
    /// Seconds until the new key signs.
    #[arg(long, value_name = "N", default_value_t = 120)]
    after: u32,
}

impl Keys {
    pub(super) fn run(self) -> Outcome {
        match self {
            Keys::Erase(command) => command.run(),
            Keys::RotateTokens(command) => command.run(),
        }
    }
}

impl RotateTokens {
    fn run(self) -> Outcome {
        let from = Utc::now().naive_utc() + TimeDelta::seconds(self.after.into());
        let made = KeyFiles { folder: self.keys }.rotate_token_key(from)?;
        for path in made {
            println!("Made {}.", path.display());
        }
        println!("It signs from {} UTC on; nobody is signed out.", from.format("%Y-%m-%d %H:%M:%S"));
        Ok(ExitCode::SUCCESS)
    }
}

impl Erase {
    fn run(self) -> Outcome {
        let command = self;
        let house = command.place.open(Start { deskless: true, existing: true, ..Start::default() })?;
        let keys = house.store.erase(&Viewer::operator(), &command.record)?;
        house.settle_audit()?;
        println!("{keys} data keys of {} are emptied: what they sealed opens no more.", command.record);
        println!(
            "It is in the ledger of erasures with the next backup. Look for the person in narratives, notes and files."
        );
        Ok(ExitCode::SUCCESS)
    }
}
