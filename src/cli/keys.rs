//! `casque keys`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Outcome;
use super::house::{Place, Start};
use crate::policy::Viewer;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Erase what is sealed of one record, for ever: empty the keys under which its values stand.
    Erase(Erase),
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

impl Keys {
    pub(super) fn run(self) -> Outcome {
        let Keys::Erase(command) = self;
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
