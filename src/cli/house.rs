//! Where a house stands, its database and its folder of keys; and opening it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use seal::{ClassCode, MasterKey, OperatorKey, check_recovery, generate_class_key, unlock};
use signed_note::StandardSigner;

use super::key_files::{Keys, NEXT_MASTER, make_private, owners_file};
use crate::api::App;
use crate::disclosure::Desk;
use crate::exchange::{missions, states};
use crate::identity::{Identity, SystemKey};
use crate::policy::{Scope, Viewer};
use crate::store::{Access, Clock, Location, NodeRole, Opened, Reach, Store};

type Failed = Box<dyn std::error::Error>;

/// Which database and keys.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// Folder of the embedded database (casque.db) and of its keys (keys/).
    #[arg(long, env = "CASQUE_DATA", value_name = "DIR", conflicts_with = "database")]
    pub data: Option<PathBuf>,
    /// Database: postgres://… or sqlite://FILE; with --keys.
    #[arg(long, env = "CASQUE_DATABASE", value_name = "URL", requires = "keys")]
    pub database: Option<Location>,
    /// A standby of the database, postgres://…, which serves accounts that cannot write.
    #[arg(long, env = "CASQUE_READ_URL", value_name = "URL", requires = "database")]
    pub read_url: Option<Location>,
    /// Take a database on another host whose URL asks for no TLS (sslmode=require, verify-ca or verify-full).
    #[arg(long, env = "CASQUE_WITHOUT_TLS")]
    pub without_tls: bool,
    /// Connections to the database, at most (8 to the embedded one if absent, 16 to PostgreSQL).
    #[arg(long, env = "CASQUE_CONNECTIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub connections: Option<u32>,
    /// Folder of the keys: master.key, operator.key, system.key, token.key, audit.key.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Offline recovery key (an age recipient, age1…) to which new class keys are wrapped too.
    #[arg(long, env = "CASQUE_RECOVERY", value_name = "RECIPIENT")]
    pub recovery: Option<String>,
}

/// How a house is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start {
    /// Bring the schema up to date (always so for the embedded database).
    pub migrate: bool,
    /// What the node does; without `Access::Full` it is opened without private keys.
    pub access: Access,
    /// Leave the private class keys where they are: for commands that open nothing.
    pub deskless: bool,
    /// Open what is there, and make nothing: a mistyped folder is an error.
    pub existing: bool,
}

/// An open house: store, desk, identity, and the audit log's signer.
pub struct House {
    /// The store.
    pub store: Arc<Store>,
    /// Identity over it.
    pub identity: Arc<Identity>,
    /// The disclosure desk, unless opened without private keys.
    pub desk: Option<Desk>,
    /// Files of keys.
    pub keys: Keys,
    signer: Option<StandardSigner>,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("House")
    }
}

impl Place {
    /// A place in a folder.
    pub fn folder(path: &Path) -> Self {
        Self { data: Some(path.to_owned()), ..Self::default() }
    }

    fn location(&self) -> Result<(Location, PathBuf, bool), Failed> {
        let exposed = [&self.database, &self.read_url].into_iter().flatten().any(Location::is_exposed);
        if exposed && !self.without_tls {
            return Err("the database is on another host, and its URL asks for no TLS: add sslmode=verify-full and \
                        sslrootcert=FILE to it, or say --without-tls"
                .into());
        }
        match (&self.data, &self.database, &self.keys) {
            (None, Some(location), Some(keys)) => Ok((location.clone(), keys.clone(), false)),
            (data, None, keys) => {
                let folder = data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
                make_private(&folder)?;
                let database = folder.join("casque.db");
                if !database.exists() {
                    // Before SQLite makes it for everybody to read; its journal takes the same rights.
                    owners_file(&database)?;
                }
                let keys = keys.clone().unwrap_or_else(|| folder.join("keys"));
                Ok((Location::Sqlite(database), keys, true))
            }
            _ => Err("give --data DIR, or --database URL with --keys DIR".into()),
        }
    }

    /// Brings the schema up to date, and gives roles of PostgreSQL, by name, what nodes of their kind need.
    ///
    /// # Errors
    /// One sentence.
    pub fn migrate(&self, roles: &[(NodeRole, &str)]) -> Result<(), Failed> {
        let (location, _, _) = self.location()?;
        Opened::open(&self.reach(location.clone(), Access::Full), Clock::system(), true)?;
        if !roles.is_empty() {
            crate::store::grant_roles(&location, roles)?;
        }
        Ok(())
    }

    /// Opens the database alone, migrated, with no word of its keys: to read an archive back into.
    ///
    /// # Errors
    /// One sentence.
    pub fn open_empty(&self) -> Result<Opened, Failed> {
        let (location, keys, _) = self.location()?;
        make_private(&keys)?;
        Ok(Opened::open(&self.reach(location, Access::Full), Clock::system(), true)?)
    }

    /// Opens a database that is there, with the folder of its keys and no key of it.
    pub(super) fn open_locked(&self) -> Result<(Opened, Keys), Failed> {
        self.refuse_missing()?;
        let (location, folder, _) = self.location()?;
        Ok((Opened::open(&self.reach(location, Access::Full), Clock::system(), false)?, Keys { folder }))
    }

    fn refuse_missing(&self) -> Result<(), Failed> {
        let folder = self.data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
        if self.database.is_none() && !folder.join("casque.db").exists() {
            return Err(format!("there is no database in {}", folder.display()).into());
        }
        Ok(())
    }

    fn reach(&self, location: Location, access: Access) -> Reach {
        let connections = self.connections.unwrap_or(location.usual_connections());
        Reach { location, standby: self.read_url.clone(), connections, access }
    }

    /// Opens the house with the machine's clock.
    ///
    /// # Errors
    /// One sentence, and nothing destroyed: the database cannot be opened, a key is missing, wrong or swapped.
    pub fn open(&self, start: Start) -> Result<House, Failed> {
        self.open_at(start, Clock::system())
    }

    /// Opens the house with a clock.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn open_at(&self, start: Start, clock: Clock) -> Result<House, Failed> {
        if let Some(recipient) = &self.recovery {
            check_recovery(recipient)?;
        }
        if start.existing {
            self.refuse_missing()?;
        }
        let (location, folder, embedded) = self.location()?;
        make_private(&folder)?;
        let keys = Keys { folder };
        let migrate = (embedded && start.access != Access::ReadOnly) || start.migrate;
        let opened = Opened::open(&self.reach(location, start.access), clock, migrate)?;
        if start.access == Access::Full {
            self.open_with_keys(opened, keys, start.deskless)
        } else {
            open_without_keys(opened, keys)
        }
    }

    fn open_with_keys(&self, opened: Opened, keys: Keys, deskless: bool) -> Result<House, Failed> {
        let mut classes = opened.class_keys()?;
        let master = keys.seed("master.key")?;
        if classes.is_empty() {
            let master = MasterKey::from_bytes(*keys.seed_or_new("master.key")?);
            let operator = OperatorKey::from_seed(&*keys.seed_or_new("operator.key")?);
            if keys.read("operator.pub")?.is_none() {
                keys.write_new("operator.pub", &format!("{}\n", hex::encode(operator.public().to_bytes())))?;
            }
            for class in ClassCode::ALL {
                classes.push(generate_class_key(class, &master, &operator, self.recovery.as_deref())?);
            }
            opened.class_keys_store(&classes)?;
        }
        let (granter, desk) = if deskless {
            (None, None)
        } else {
            let path = keys.path("master.key");
            let seed = match master {
                Some(seed) => seed,
                None => keys.seed("master.key")?.ok_or_else(|| {
                    format!(
                        "the master key {} is missing; put it back, or serve with --sealed (nothing was changed)",
                        path.display()
                    )
                })?,
            };
            let wrong =
                || format!("the master key {} is not the one of this database (nothing was changed)", path.display());
            let (granter, opener) = match unlock(&MasterKey::from_bytes(*seed), &classes) {
                Ok(unlocked) => unlocked,
                // A rotation that was cut off after the database had the new one.
                Err(_) => {
                    let next = keys.seed(NEXT_MASTER)?.ok_or_else(wrong)?;
                    let unlocked = unlock(&MasterKey::from_bytes(*next), &classes).map_err(|_| wrong())?;
                    keys.take_next_master()?;
                    unlocked
                }
            };
            (Some(granter), Some(Desk::new(opener)))
        };
        let store = Arc::new(opened.into_store(&keys.operator()?, granter)?);
        load_reference(&store)?;
        keys.make_token_key()?;
        let token = keys.token_keys(false)?;
        let system = system_key(&keys, &store)?;
        let identity = Arc::new(Identity::new(store.clone(), token, Some(system)));
        let signer = Some(keys.audit_signer()?);
        Ok(House { store, identity, desk, keys, signer })
    }
}

/// The key of the system's own secrets: a new one where it has none yet.
fn system_key(keys: &Keys, store: &Store) -> Result<SystemKey, Failed> {
    let path = keys.path("system.key");
    let known = keys.seed("system.key")?;
    if known.is_none() && store.read(&Scope::Nothing, |r| r.factor_any())?.is_some() {
        return Err(format!("the system key {} is missing; put it back (nothing was changed)", path.display()).into());
    }
    let key = SystemKey::from_seed(&*keys.seed_or_new("system.key")?);
    if key.fits(store)? {
        Ok(key)
    } else {
        Err(format!("the system key {} is not the one of this database (nothing was changed)", path.display()).into())
    }
}

/// Opens with public keys alone: whose class keys are trusted (`operator.pub`), and whose tokens (`token.pub`).
fn open_without_keys(opened: Opened, keys: Keys) -> Result<House, Failed> {
    let store = Arc::new(opened.into_store(&keys.operator()?, None)?);
    let token = keys.token_keys(true)?;
    let identity = Arc::new(Identity::new(store.clone(), token, None));
    Ok(House { store, identity, desk: None, keys, signer: None })
}

/// Loads the missions and States that this program carries and the database lacks.
fn load_reference(store: &Store) -> Result<(), Failed> {
    let (missions, states) = (missions()?, states()?);
    let known = store.read(&Scope::Nothing, |r| Ok((r.mission_list()?.len(), r.state_list()?.len())))?;
    if known.0 < missions.len() || known.1 < states.len() {
        store.write(&Viewer::operator(), |w| w.reference_load(&missions, &states))?;
    }
    Ok(())
}

impl House {
    /// Places waiting audit entries in the tree and signs what it has become: what a command does before it ends.
    ///
    /// # Errors
    /// As [`Keeper::sign`].
    pub fn settle_audit(self) -> Result<(), Failed> {
        self.into_app()?.1.sign()
    }

    /// Splits into what calls share, and what keeps the audit log.
    ///
    /// # Errors
    /// The store's.
    pub fn into_app(self) -> Result<(App, Keeper), Failed> {
        let Self { store, identity, desk, keys, signer } = self;
        let desk = desk.map(Arc::new);
        let app = App::new(store.clone(), identity.clone(), desk.clone())?;
        Ok((app, Keeper { store, identity, desk, keys, signer }))
    }
}

/// Keeps the house while a server runs: hears and gives the pulse, places audit entries, folds tallies, and signs the tree, as
/// far as the node may; reads the keys of tokens anew.
pub struct Keeper {
    store: Arc<Store>,
    identity: Arc<Identity>,
    desk: Option<Arc<Desk>>,
    keys: Keys,
    signer: Option<StandardSigner>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Keeper {
    /// Hears the pulse, and gives it where the node writes.
    ///
    /// # Errors
    /// The store's.
    pub fn pulse(&self) -> Result<(), Failed> {
        Ok(self.store.pulse()?)
    }

    /// Reads the keys of tokens and the class keys anew: others may have been made.
    ///
    /// # Errors
    /// One sentence; the keys stay as they were.
    pub fn keys(&self) -> Result<(), Failed> {
        let public = self.store.signs_in().is_err();
        self.identity.take_keys(self.keys.token_keys(public)?);
        let Some(desk) = &self.desk else { return Ok(()) };
        let classes = self.store.class_keys()?;
        if !desk.knows(&classes) {
            let master =
                self.keys.seed("master.key")?.ok_or("master.key is missing, and another class key was made")?;
            desk.learn(&MasterKey::from_bytes(*master), &classes)?;
        }
        Ok(())
    }

    /// Places waiting audit entries, and folds what changed into the tallies.
    ///
    /// # Errors
    /// The store's.
    pub fn place(&self) -> Result<(), Failed> {
        if self.signer.is_none() {
            return Ok(());
        }
        while self.store.audit_sequence()? > 0 {}
        Ok(self.store.tally_fold()?)
    }

    /// Signs the tree as it is.
    ///
    /// # Errors
    /// The store's; that the tree does not extend its last checkpoint.
    pub fn sign(&self) -> Result<(), Failed> {
        self.place()?;
        let Some(signer) = &self.signer else { return Ok(()) };
        let last = self.keys.last_checkpoint()?;
        if let Some(checkpoint) = self.store.audit_checkpoint(signer, last.as_ref())? {
            self.keys.keep_checkpoint(&checkpoint)?;
        }
        Ok(())
    }
}
