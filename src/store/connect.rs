//! Opening a database: which, as what kind of node, and with whose class keys.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use seal::{Granter, OperatorPublic, Sealer};

use super::db::{self, Db, Location, Manager, Mode, Pool, Purpose};
use super::{ClassKeyTrust, Clock, Result, Store, heartbeat, keys, watch};

/// What a node does with its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everything; with private keys, disclosures too.
    #[default]
    Full,
    /// Reads, and accepts what is reported, but signs nobody in and opens nothing: it holds no private key.
    Sealed,
    /// Reads, on a standby that may be read only.
    ReadOnly,
}

/// How the store's databases are reached.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// The database.
    pub location: Location,
    /// A standby, for accounts that cannot write.
    pub standby: Option<Location>,
    /// Connections to each, at most.
    pub connections: u32,
    /// What this node does with it.
    pub access: Access,
}

/// What a node trusts, out of its folder of keys.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Verifier keys of the log's origins, one a line.
    pub log_keys: String,
    /// Class keys that may be sealed to.
    pub class_keys: ClassKeyTrust,
}

/// A database that is open and migrated, before its class keys are loaded.
pub struct OpenDatabase {
    pool: Pool,
    standby: Option<Pool>,
    sends_heartbeat: bool,
    clock: Clock,
    access: Access,
}

impl std::fmt::Debug for OpenDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenDatabase")
    }
}

impl OpenDatabase {
    /// Opens the database.
    ///
    /// # Errors
    /// One sentence: the database cannot be reached, or its schema is not this program's.
    pub fn open(reach: &ConnectionOptions, clock: Clock, migrate: bool) -> std::result::Result<Self, String> {
        let failed = |e: String| format!("the database cannot be opened: {e}");
        let purpose = if reach.access == Access::ReadOnly { Purpose::Standby } else { Purpose::Primary };
        if migrate {
            let mut alone = Manager::open(&reach.location, Purpose::Primary).map_err(|e| failed(e.to_string()))?;
            db::migrate(&mut alone).map_err(|e| format!("the database cannot be migrated: {e}"))?;
        }
        let pool = db::pool(&reach.location, purpose, reach.connections).map_err(failed)?;
        if !migrate {
            let mut connection = pool.get().map_err(|e| failed(e.to_string()))?;
            if !db::is_migrated(&mut connection).map_err(|e| format!("the database cannot be read: {e}"))? {
                return Err("the database's schema is not this program's: run `casque migrate` first".into());
            }
        }
        let standby = match &reach.standby {
            Some(location) => Some(
                db::pool(location, Purpose::Standby, reach.connections)
                    .map_err(|e| format!("the standby cannot be opened: {e}"))?,
            ),
            None => None,
        };
        let sends_heartbeat = reach.location.may_have_standby();
        Ok(Self { pool, standby, sends_heartbeat, clock, access: reach.access })
    }

    /// Now, by its clock (UTC).
    pub(super) fn now(&self) -> chrono::NaiveDateTime {
        self.clock.now()
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    fn with<T>(&self, mode: Mode, f: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
        db::transaction(&self.pool, mode, f)
    }

    /// The stored class keys, oldest first, with their wrapped private halves.
    ///
    /// # Errors
    /// The database's.
    pub fn class_keys(&self) -> Result<Vec<seal::StoredClassKey>> {
        self.with(Mode::Read, keys::class_keys)
    }

    /// Stores the private halves of class keys as they are wrapped anew, all together; nothing else of them changes.
    ///
    /// # Errors
    /// The database's: a node's own role may not.
    pub fn class_keys_rewrap(&self, keys: &[seal::StoredClassKey]) -> Result<()> {
        self.with(Mode::Write, |db| keys::class_keys_rewrap(db, keys))
    }

    /// Stores new class keys.
    ///
    /// # Errors
    /// The database's.
    pub fn class_keys_store(&self, new: &[seal::StoredClassKey]) -> Result<()> {
        self.with(Mode::Write, |db| keys::class_keys_store(db, new, self.clock.now()))
    }

    /// Makes the store. Without a granter it accepts and answers everything but disclosures.
    ///
    /// # Errors
    /// The database's, [`seal::Error::Unsigned`] when a class key was swapped.
    pub fn into_store(self, operator: &OperatorPublic, granter: Option<Granter>, trust: Trust) -> Result<Store> {
        let keys = match self.access {
            // What only reads seals nothing, and its role is not shown the table.
            Access::ReadOnly => Vec::new(),
            Access::Sealed | Access::Full => self.with(Mode::Read, |db| keys::sealing_keys(db, self.clock.now()))?,
        };
        let Self { pool, standby, sends_heartbeat, clock, access } = self;
        let Trust { log_keys, class_keys } = trust;
        // Each must be the operator's; whether it is to be sealed to is judged when something is.
        Sealer::new(&keys, operator)?;
        let sealer = Sealer::new(&[], operator)?;
        Ok(Store {
            pool,
            standby,
            sends_heartbeat,
            heartbeat: heartbeat::HeartbeatMonitor::default(),
            tallied: AtomicBool::new(false),
            names: super::Names::new(),
            clock,
            sealer,
            operator: operator.clone(),
            granter,
            access,
            log_keys,
            class_keys: Mutex::new(class_keys),
            watched: watch::Watched::default(),
        })
    }
}
