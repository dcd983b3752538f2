//! One running instance: its configuration, its key files, its background tasks, and serving. Opening it is here; each of
//! the others is a file beside.

mod background;
mod instance;
pub(crate) mod key_files;
mod ledger;
pub(crate) mod private_files;
mod serve;
pub(crate) mod tls;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use seal::{ClassCode, KeyPlace, MasterKey, OperatorKey, check_recovery, generate_class_key, unlock};

pub use background::BackgroundTasks;
pub(crate) use background::locked;
use background::{ship, shipped_to};
pub use instance::InstanceArgs;
pub use key_files::KeyFiles;
use key_files::NEXT_MASTER;
use private_files::make_private;
pub(crate) use serve::{Serving, until_stopped};

use crate::api::App;
use crate::disclosure::Desk;
use crate::exchange::ledger::Ledger;
use crate::exchange::{missions, states};
use crate::identity::{Identity, SystemKey};
use crate::policy::{Scope, Viewer};
use crate::store::{Access, ClassKeyTrust, Clock, LogKey, LogStanding, OpenDatabase, Store, Trust};

type Failed = Box<dyn std::error::Error>;

/// How a node is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Bring the schema up to date (always so for the embedded database).
    pub migrate: bool,
    /// What the node does; without `Access::Full` it is opened without private keys.
    pub access: Access,
    /// Leave the private class keys where they are: for commands that open nothing.
    pub without_private_keys: bool,
    /// Open what is there, and make nothing: a mistyped folder is an error.
    pub existing: bool,
    /// Open a database whose log does not extend the last checkpoint, too: for what shows that, backs it up, or accepts it.
    pub doubtful: bool,
}

/// An open node: its store, identity and disclosure desk, and the signer of the audit log.
pub struct Node {
    /// The store.
    pub store: Arc<Store>,
    /// Identity over it.
    pub identity: Arc<Identity>,
    /// The disclosure desk, unless opened without private keys.
    pub desk: Option<Desk>,
    /// Files of keys.
    pub keys: KeyFiles,
    /// The key of the audit log, where the node signs it.
    pub(crate) log_key: Option<LogKey>,
    /// The ledger, or why it cannot be kept; none where the node keeps none.
    pub(crate) ledger: Option<Result<Mutex<Ledger>, String>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Node")
    }
}

impl InstanceArgs {
    /// Opens the node with the machine's clock.
    ///
    /// # Errors
    /// One sentence, and nothing destroyed: the database cannot be opened, a key is missing, wrong or swapped.
    pub fn open(&self, start: OpenOptions) -> Result<Node, Failed> {
        self.open_at(start, Clock::system())
    }

    /// Opens the node with a clock.
    ///
    /// # Errors
    /// As [`InstanceArgs::open`].
    pub fn open_at(&self, start: OpenOptions, clock: Clock) -> Result<Node, Failed> {
        if let Some(recipient) = &self.recovery {
            check_recovery(recipient)?;
        }
        if start.existing {
            self.refuse_missing()?;
        }
        let (location, folder, embedded) = self.location()?;
        make_private(&folder)?;
        let keys = KeyFiles { folder };
        let migrate = (embedded && start.access != Access::ReadOnly) || start.migrate;
        let opened = OpenDatabase::open(&self.reach(location, start.access), clock, migrate)?;
        if start.access == Access::Full {
            self.open_with_keys(opened, keys, start)
        } else {
            open_without_keys(opened, keys)
        }
    }

    fn open_with_keys(&self, opened: OpenDatabase, keys: KeyFiles, start: OpenOptions) -> Result<Node, Failed> {
        let mut classes = opened.class_keys()?;
        let master = keys.seed("master.key")?;
        if classes.is_empty() {
            let master = MasterKey::from_bytes(*keys.seed_or_new("master.key")?);
            let operator = OperatorKey::from_seed(&*keys.seed_or_new("operator.key")?);
            if keys.read("operator.pub")?.is_none() {
                keys.write_new("operator.pub", &format!("{}\n", hex::encode(operator.public().to_bytes())))?;
            }
            for class in ClassCode::ALL {
                let recovery = self.recovery.as_deref();
                classes.push(generate_class_key(class, &master, &operator, recovery, KeyPlace::FIRST)?);
            }
            opened.class_keys_store(&classes)?;
        }
        let (granter, desk) = if start.without_private_keys {
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
        if !keys.has_log_key()? && opened.was_signed()? {
            return Err(format!(
                "the audit log's key {} is missing, and this database's log was signed: put the key back (nothing was changed)",
                keys.path("audit.key").display()
            )
            .into());
        }
        let log_key = keys.log_key()?;
        let opens_some = desk.is_some();
        let trust = Trust {
            log_keys: keys.audit_public()?,
            class_keys: ClassKeyTrust { seen: keys.class_keys_seen()?, opens: None },
        };
        let store = Arc::new(opened.into_store(&keys.operator()?, granter, trust)?);
        if opens_some {
            store.class_keys_open(&classes);
        }
        let last = match keys.last_checkpoint(&log_key) {
            Ok(last) => Ok(last.map_or(Ok(true), |last| store.audit_extends(&last))?),
            Err(error) if start.doubtful => {
                tracing::error!(%error, "the audit log");
                Ok(false)
            }
            Err(error) => Err(error),
        }?;
        store.log_stands(if last { LogStanding::Holds } else { LogStanding::Broken });
        if !last && !start.doubtful {
            return Err(Box::new(crate::store::Error::Unproved));
        }
        if last {
            load_reference(&store)?;
        }
        keys.make_token_key()?;
        let token = keys.token_keys(false)?;
        let system = system_key(&keys, &store)?;
        let identity = Arc::new(Identity::new(store.clone(), token, Some(system)));
        let places = self.ledger_places(&keys)?;
        let ledger = Ledger::open(&places, &keys.audit_public()?).map(Mutex::new).map_err(|fault| fault.to_string());
        Ok(Node { store, identity, desk, keys, log_key: Some(log_key), ledger: Some(ledger) })
    }
}

/// The key of the system's own secrets: a new one where it has none yet.
fn system_key(keys: &KeyFiles, store: &Store) -> Result<SystemKey, Failed> {
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

/// Opens with public keys alone: whose class keys are trusted (`operator.pub`), whose tokens (`token.pub`), and whose log (`audit.pub`).
fn open_without_keys(opened: OpenDatabase, keys: KeyFiles) -> Result<Node, Failed> {
    let trust = Trust {
        log_keys: keys.audit_public()?,
        class_keys: ClassKeyTrust { seen: keys.class_keys_seen()?, opens: None },
    };
    let store = Arc::new(opened.into_store(&keys.operator()?, None, trust)?);
    let token = keys.token_keys(true)?;
    let identity = Arc::new(Identity::new(store.clone(), token, None));
    Ok(Node { store, identity, desk: None, keys, log_key: None, ledger: None })
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

impl Node {
    /// Places waiting audit entries in the tree and signs what it has become: what a command does before it ends.
    ///
    /// # Errors
    /// As [`BackgroundTasks::sign`].
    pub fn settle_audit(self) -> Result<(), Failed> {
        self.into_app()?.1.sign()
    }

    /// Places waiting audit entries, and brings the ledger up to date in every place of it; not of a log that was set back.
    ///
    /// # Errors
    /// The store's; the ledger's.
    pub(crate) fn ship(&self) -> Result<(), Failed> {
        if self.store.log_standing() != LogStanding::Holds {
            return Ok(());
        }
        while self.store.audit_sequence()? > 0 {}
        let (Some(key), Some(ledger)) = (&self.log_key, &self.ledger) else { return Ok(()) };
        let mut ledger = locked(ledger.as_ref().map_err(Clone::clone)?);
        let from = shipped_to(&self.keys, key, &ledger);
        ship(&self.store, &self.keys, key, &mut ledger, from, true)?;
        Ok(())
    }

    /// Splits into what calls share, and what keeps the audit log.
    ///
    /// # Errors
    /// The store's.
    pub fn into_app(self) -> Result<(App, BackgroundTasks), Failed> {
        let Self { store, identity, desk, keys, log_key, ledger } = self;
        let desk = desk.map(Arc::new);
        // What every node hears, heard once before the first call.
        store.rights()?;
        let app = App::new(store.clone(), identity.clone(), desk.clone())?;
        let shipped = match (&log_key, &ledger) {
            (Some(key), Some(Ok(ledger))) => shipped_to(&keys, key, &locked(ledger)),
            _ => 0,
        };
        Ok((app, BackgroundTasks { store, identity, desk, keys, log_key, ledger, shipped: AtomicU64::new(shipped) }))
    }
}
