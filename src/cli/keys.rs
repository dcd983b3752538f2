//! `casque keys`.

use std::path::PathBuf;
use std::process::ExitCode;

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use clap::{Args, Subcommand};
use seal::{ClassCode, KeyPlace, MasterKey, OperatorKey, generate_class_key, rewrap, rewrap_with_recovery, unlock};
use serde_json::json;
use zeroize::Zeroizing;

use super::Outcome;
use super::output::bar;
use super::output::say;
use crate::domain::NarrowingAct;
use crate::exchange::ledger::NewLine;
use crate::node::key_files::{KeyFiles, NEXT_MASTER};
use crate::node::{InstanceArgs, OpenOptions};
use crate::policy::Viewer;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Erase the sealed values of one person's record for ever, by emptying the keys of these values.
    ///
    /// First two officers must agree (POST /v1/erasures, POST /v1/erasures/NUMBER/decision). The record stays, with its open facts. Free text
    /// about the person in other records stays too: the command lists it, and a person must read it.
    ///
    /// Example: casque keys erase E-7KQ4M2 --data casque-data --ledger /var/backups/casque
    Erase(Erase),
    /// Make a new key that signs access tokens. Nobody is signed out.
    ///
    /// Give the new files to nodes with a folder of keys of their own before the new key signs.
    ///
    /// Example: casque keys rotate-tokens --keys /var/lib/casque/keys
    RotateTokens(RotateTokens),
    /// Make a new master key, and wrap the class keys under it.
    ///
    /// Give the new master.key to every node with keys before that node starts again. Keep the old file for 35 days: it opens older backups of
    /// keys. On PostgreSQL, run this as the owner of the schema.
    ///
    /// Example: casque keys rotate-master --data casque-data
    RotateMaster(RotateMaster),
    /// Replace a lost master key, with the offline recovery key.
    ///
    /// Example: casque keys recover --data casque-data --identity recovery-identity.txt
    Recover(Recover),
    /// Make new class keys. After one minute, everything new is sealed to them.
    ///
    /// Run `casque keys reseal` afterwards. On PostgreSQL, run both as the owner of the schema.
    ///
    /// Example: casque keys rotate-classes --data casque-data
    RotateClasses(RotateClasses),
    /// Seal old data again to the present class keys, and destroy older class keys that nothing uses.
    ///
    /// Example: casque keys reseal --data casque-data
    Reseal(Reseal),
    /// Remove the old bytes of erased keys from the database's files.
    ///
    /// Example: casque keys scrub --data casque-data
    Scrub(Scrub),
    /// Merge many short-lived keys (epochs) into few, so that a file or a match opens fast. Run it once a week.
    ///
    /// Example: casque keys compact --data casque-data
    Compact(Compact),
}

/// Erase what is sealed of one person's record, for ever and in every copy: its data keys are emptied, here and, by the ledger
/// beside the backups, in whatever is restored. Two officers agreed to it before: the command needs the number of their request
/// (POST /v1/erasures, POST /v1/erasures/NUMBER/decision). The ledger is written first: where it cannot be, nothing is erased. The command
/// ends when the old bytes are gone from the embedded database's files; on PostgreSQL run it as the owner of the schema: it rewrites the
/// table of keys, and says what may remain elsewhere, and until when. The record stays, with its open facts; its markers say that something is held,
/// and nobody can open it. Free text about the person in other records stays: a human must look for it. The last copy of the
/// keys dies with the last backup of keys, after 35 days.
///
/// Example: casque keys erase E-7KQ4M2 --data casque-data --ledger /var/backups/casque
#[derive(Debug, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Number of the approved request.
    #[arg(value_name = "NUMBER")]
    request: String,
    /// Seconds to wait until the old bytes are gone from the embedded database's files.
    #[arg(long, value_name = "N", default_value_t = 300)]
    wait: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
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

/// Make another master key, and wrap the class keys under it: what is sealed stays as it is, and nodes that run go on. Give the new
/// master.key to every node with keys before it starts again. The old one opens backups of keys that were made before: keep it as
/// long as those, 35 days. A rotation that is cut off goes on where it was when the command is run again, or a node starts. On
/// PostgreSQL it is done as the owner of the schema.
#[derive(Debug, Args)]
pub(super) struct RotateMaster {
    #[command(flatten)]
    instance: InstanceArgs,
}

/// Make another master key in place of one that is lost: the class keys are opened with the offline recovery key (an age identity,
/// AGE-SECRET-KEY-1…) and wrapped under the new one. On PostgreSQL it is done as the owner of the schema.
#[derive(Debug, Args)]
pub(super) struct Recover {
    #[command(flatten)]
    instance: InstanceArgs,
    /// File with the offline recovery key.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
}

/// Make other class keys. Nodes that run learn of them within a quarter of a minute, and seal to them from a minute later on; nobody
/// notices. What was sealed before stays sealed to the older ones until casque keys reseal. On PostgreSQL it is done as the owner of
/// the schema, with master.key and operator.key in the folder of keys.
#[derive(Debug, Args)]
pub(super) struct RotateClasses {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Seconds until everything new is sealed to the new keys. In this time every node with keys must learn of them.
    #[arg(long, value_name = "N", default_value_t = 60)]
    after: u32,
}

/// Seal to the class keys of now what is still sealed to older ones, while the service runs: epochs are sealed again, and no value is
/// opened or touched. Cut off, it goes on where it was. Then the older private keys, to which nothing is sealed any more, are
/// destroyed. On PostgreSQL it is done as the owner of the schema.
#[derive(Debug, Args)]
pub(super) struct Reseal {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Maximum number of epochs to seal again now; the rest waits for the next run.
    #[arg(long, value_name = "N")]
    at_most: Option<u64>,
}

/// Make few epochs of many, while the service runs: data keys are wrapped again, and no value is opened or touched. An epoch wraps 10,000
/// data keys at most, and each costs its opening when anything under it is opened: run this now and then, as once a week. Cut off, it
/// goes on where it was. What an earlier run left empty is taken away. On PostgreSQL it is done as the owner of the schema.
#[derive(Debug, Args)]
pub(super) struct Compact {
    #[command(flatten)]
    instance: InstanceArgs,
}

/// Write back and empty the journal of the embedded database, or on PostgreSQL rewrite the table of keys, as the owner of the schema: what
/// was erased leaves its old bytes there.
///
/// Example: casque keys scrub --data casque-data
#[derive(Debug, Args)]
pub(super) struct Scrub {
    #[command(flatten)]
    instance: InstanceArgs,
}

impl Scrub {
    fn run(self) -> Outcome {
        let (opened, _) = self.instance.open_locked()?;
        if opened.scrub(Duration::from_secs(MOST_WAIT))? {
            say!("No old bytes of keys are left in the database's own files.")?;
            Ok(ExitCode::SUCCESS)
        } else {
            Err("a reader still uses the old data: stop the service, and run this again".into())
        }
    }
}

impl Compact {
    fn run(self) -> Outcome {
        let node = self.instance.open(OpenOptions { existing: true, ..OpenOptions::default() })?;
        let _alone = node.keys.lock()?;
        let desk = node.desk.as_ref().ok_or("run this on a node that has the private keys")?;
        let operator = node.keys.operator()?;
        let removed = node.store.epochs_remove_empty()?;
        let groups = node.store.epochs_mergeable()?;
        let bar = bar("epochs");
        bar.set_length(groups.iter().map(|(_, group)| group.len() as u64).sum());
        let (mut merged, mut data_keys) = (0, 0);
        for (class, group) in &groups {
            let of = node.store.epochs_with_keys(*class, group)?;
            let (epoch, keys) = desk.merge(&of, &node.store.sealing_keys()?, &operator)?;
            node.store.epochs_merge(&of, &epoch, &keys)?;
            merged += group.len();
            data_keys += keys.len();
            bar.inc(group.len() as u64);
        }
        bar.finish_and_clear();
        say!(
            "{merged} epochs became {}, with {data_keys} data keys; {removed} empty ones were taken away.",
            groups.len()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes another key for each class, with a higher number than any that the database or this folder of keys has seen. Gives how many.
pub(super) fn make_class_keys(instance: &InstanceArgs, after: u32) -> Result<usize, Box<dyn std::error::Error>> {
    let (opened, keys) = instance.open_locked()?;
    let _alone = keys.lock()?;
    let missing = |name: &str| format!("{} is missing", keys.path(name).display());
    let master = MasterKey::from_bytes(*keys.seed("master.key")?.ok_or_else(|| missing("master.key"))?);
    let operator = OperatorKey::from_seed(&*keys.seed("operator.key")?.ok_or_else(|| missing("operator.key"))?);
    let classes = opened.class_keys()?;
    if instance.recovery.is_none() && classes.iter().any(|class| class.recovery.is_some()) {
        return Err(
            "the present class keys can be recovered with an offline key: give its recipient with --recovery".into()
        );
    }
    unlock(&master, &classes).map_err(|_| "master.key is not the one of this database (nothing was changed)")?;
    let seen = keys.class_keys_seen()?;
    let effective_from = (Utc::now() + TimeDelta::seconds(after.into())).timestamp();
    let make = |class: ClassCode| {
        let of_class = classes.iter().filter(|key| key.class == class).map(|key| key.sequence);
        let sequence = of_class.chain(seen.get(&class).copied()).max().unwrap_or(0) + 1;
        let place_of = KeyPlace { sequence, effective_from };
        generate_class_key(class, &master, &operator, instance.recovery.as_deref(), place_of)
    };
    let made = ClassCode::ALL.map(make).into_iter().collect::<Result<Vec<_>, _>>()?;
    opened.class_keys_store(&made)?;
    Ok(made.len())
}

impl RotateClasses {
    fn run(self) -> Outcome {
        let made = make_class_keys(&self.instance, self.after)?;
        say!("Made {made} class keys. In {} seconds, everything new is sealed to them.", self.after)?;
        say!("After that, run casque keys reseal for the values that were sealed before.")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Epochs that are sealed again in one transaction.
const BATCH: i64 = 200;

impl Reseal {
    fn run(self) -> Outcome {
        let node = self.instance.open(OpenOptions { existing: true, ..OpenOptions::default() })?;
        let _alone = node.keys.lock()?;
        let desk = node.desk.as_ref().ok_or("run this where the private keys are")?;
        let operator = node.keys.operator()?;
        let (_, all) = node.store.epochs_of_old_keys(0)?;
        let bar = bar("epochs");
        bar.set_length(all);
        let mut done = 0;
        loop {
            let left = self.at_most.map_or(BATCH, |most| BATCH.min(i64::try_from(most - done).unwrap_or(BATCH)));
            let (epochs, _) = node.store.epochs_of_old_keys(left)?;
            if epochs.is_empty() || left == 0 {
                break;
            }
            let current = node.store.sealing_keys()?;
            node.store.epochs_reseal(&desk.reseal(&epochs, &current, &operator)?)?;
            done += epochs.len() as u64;
            bar.set_position(done);
        }
        bar.finish_and_clear();
        let (_, left) = node.store.epochs_of_old_keys(0)?;
        say!("{done} epochs are now sealed to the present class keys; {left} are left.")?;
        if left == 0 {
            let retired = node.store.class_keys_retire()?;
            let gone = retired.is_empty() || node.store.scrub(&retired, Duration::from_secs(MOST_WAIT))?;
            say!(
                "{} older private keys were destroyed. A key is destroyed one hour after a newer key replaced it.",
                retired.len()
            )?;
            if !gone {
                return Err("their old bytes are still in the database's files, because another connection still reads the old data: run casque keys scrub a minute later".into());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl RotateMaster {
    fn run(self) -> Outcome {
        let (opened, keys) = self.instance.open_locked()?;
        let _alone = keys.lock()?;
        let mut classes = opened.class_keys()?;
        let old = keys
            .seed("master.key")?
            .ok_or("master.key is missing: if you have the offline key, run casque keys recover")?;
        let new = MasterKey::from_bytes(*keys.seed_or_new(NEXT_MASTER)?);
        // Cut off before, after the database had the new one: only the files are to be put in place.
        if unlock(&new, &classes).is_err() {
            let old = MasterKey::from_bytes(*old);
            for class in &mut classes {
                rewrap(class, &old, &new)
                    .map_err(|_| "master.key is not the one of this database (nothing was changed)")?;
            }
            opened.class_keys_rewrap(&classes)?;
        }
        let old = keys.take_next_master()?;
        say!("{} class keys are wrapped under the new {}.", classes.len(), keys.path("master.key").display())?;
        if let Some(old) = old {
            say!("Keep {} for 35 days, as long as older backups of keys; then destroy it.", old.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Recover {
    fn run(self) -> Outcome {
        let (opened, keys) = self.instance.open_locked()?;
        let _alone = keys.lock()?;
        if keys.seed("master.key")?.is_some() {
            return Err("master.key exists: to replace it, run casque keys rotate-master".into());
        }
        let identity = Zeroizing::new(
            std::fs::read_to_string(&self.identity)
                .map_err(|e| format!("{} cannot be read: {e}", self.identity.display()))?,
        );
        let secret = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap_or(identity.trim());
        let mut classes = opened.class_keys()?;
        if classes.is_empty() {
            return Err("the database holds no class keys".into());
        }
        let new = MasterKey::from_bytes(*keys.seed_or_new(NEXT_MASTER)?);
        for class in &mut classes {
            rewrap_with_recovery(class, secret, &new).map_err(|e| format!("{e} (nothing was changed)"))?;
        }
        opened.class_keys_rewrap(&classes)?;
        keys.take_next_master()?;
        say!("{} class keys are wrapped under the new {}.", classes.len(), keys.path("master.key").display())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Keys {
    pub(super) fn run(self) -> Outcome {
        match self {
            Keys::Erase(command) => command.run(),
            Keys::RotateTokens(command) => command.run(),
            Keys::RotateMaster(command) => command.run(),
            Keys::Recover(command) => command.run(),
            Keys::RotateClasses(command) => command.run(),
            Keys::Reseal(command) => command.run(),
            Keys::Scrub(command) => command.run(),
            Keys::Compact(command) => command.run(),
        }
    }
}

impl RotateTokens {
    fn run(self) -> Outcome {
        let from = Utc::now().naive_utc() + TimeDelta::seconds(self.after.into());
        let made = KeyFiles { folder: self.keys }.rotate_token_key(from)?;
        for path in made {
            say!("Made {}.", path.display())?;
        }
        say!("It signs from {} UTC on; nobody is signed out.", from.format("%Y-%m-%d %H:%M:%S"))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Nobody waits longer for one reader than this.
const MOST_WAIT: u64 = 300;

impl Erase {
    fn run(self) -> Outcome {
        let command = self;
        let node = command.instance.open(OpenOptions {
            without_private_keys: true,
            existing: true,
            ..OpenOptions::default()
        })?;
        if node.keys.ledger_known()?.places.is_empty() {
            return Err("give the folder of the ledger with --ledger DIR: the folder of the backups. Without the ledger, a restored backup would bring \
                        the person back (nothing was changed)"
                .into());
        }
        let request = node.store.erasure_approved(&command.request)?;
        node.ship()?;
        // Before anything is committed: if this machine falls now, a restore erases all the same.
        let intent =
            NarrowingAct::EraseIntent { record: request.record_id.to_string(), request: request.number.clone() };
        node.ledger_write(vec![NewLine { at: node.store.now().and_utc(), logged: None, act: intent }])?;
        let erasure = node.store.erase(&Viewer::operator(), &command.request)?;
        let gone = node.store.scrub(&erasure.emptied, Duration::from_secs(command.wait.min(MOST_WAIT)))?;
        let embedded = !node.store.may_have_standby();
        node.settle_audit()?;
        if command.json {
            let free_text: Vec<_> =
                erasure.free_text.iter().map(|(path, fields)| json!({ "record": path, "fields": fields })).collect();
            say!(
                "{}",
                json!({ "record": erasure.record, "request": request.number, "data_keys": erasure.data_keys, "gone": gone, "free_text": free_text })
            )?;
        } else {
            say!(
                "{} data keys of {} are emptied: nobody can open the values that they sealed.",
                erasure.data_keys,
                erasure.record
            )?;
            match (embedded, gone) {
                (true, true) => say!("Their old bytes are gone from the database's files.")?,
                (true, false) => {}
                (false, _) => {
                    say!(
                        "The table of keys was rewritten. Old bytes may remain in PostgreSQL's journal until it is recycled, in archives of it until \
                          you destroy them, and on standbys until they have replayed it; in backups of keys for 35 days."
                    )?;
                }
            }
            say!(
                "The ledger has the erasure, so no restore undoes it. The last copy of the keys is gone when the last backup of keys is destroyed."
            )?;
            if erasure.free_text.is_empty() {
                say!("No free text is linked to this record.")?;
            } else {
                say!("A person must check whether this free text names the erased person:")?;
                for (path, fields) in &erasure.free_text {
                    say!("  {path}: {}", fields.join(", "))?;
                }
            }
        }
        if gone {
            return Ok(ExitCode::SUCCESS);
        }
        Err("the old bytes are still in the database's files, since somebody reads from before: stop the service and start it again, which \
             writes the journal back, and look again with casque keys scrub"
            .into())
    }
}
