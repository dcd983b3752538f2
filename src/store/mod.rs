//! The database: the only place with SQL. `store.read` and `store.write` are the only doors; connections never leave.
//!
//! Names: `incident_get` gives an `Option`, `incident_list` a [`Page`], `incident_create` the record. Every query over case
//! content starts from a noun's scoped base query (`edition_seen`, `case_seen`, `proceeding_seen`, `assistance_seen`), so
//! that a query without scope cannot be written. `write` adds revisions and audit entries itself: a closure that changed
//! rows without noting a change is rolled back.

mod account;
mod assistance;
mod audit;
mod briefing;
mod case;
mod db;
mod disclosure;
mod history;
mod idempotency;
mod import;
mod incident;
mod keys;
mod list;
mod measure;
mod proceeding;
mod pulse;
mod reference;
mod statistics;
mod tally;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{NaiveDateTime, SubsecRound, Utc};
use seal::{Granter, OperatorPublic, Sealer};

use crate::domain::Fault;
use crate::policy::{Denial, Scope, Viewer, may_write};
pub use account::{Account, Credentials, NewAccount, Rotation, SessionInfo};
pub use assistance::{Assistance, AssistanceFacts, AssistanceFilter};
pub use audit::{Checkpoint, LogFinding, LogReport, LoggedEntry, audit_verify};
pub use briefing::{BriefingCorrection, CaseHistory, IncidentLine, ProceedingLine, VictimLine};
pub use case::{Case, CaseFacts, CaseFilter};
use db::{Db, Manager, Mode, Pool, Purpose};
pub use db::{Id, Location, NodeRole, grant_roles};
pub use disclosure::{Disclosed, DisclosureAsk, DisclosureOutcome, DisclosureRow, OpenableRecord, RefusedField};
pub use history::HistoryEntry;
pub use idempotency::{Idempotency, Replay};
pub use import::{ImportedPlace, ImportedVictim, RawRow};
pub use incident::{
    EditionChoice, Incident, IncidentFilter, NewIncident, NewSuspect, NewVictim, Suspect, SuspectEdit, Victim,
    VictimEdit, Withholding,
};
pub use keys::SealedInput;
pub use list::{Cursor, Page};
pub use measure::{Measure, MeasureFacts, MeasureFilter};
pub use proceeding::{Accused, NewAccused, NewStep, Proceeding, ProceedingFacts, ProceedingFilter, StepRecord};
pub use reference::{Designation, Mission, State};
pub use statistics::{Cell, Dimension, StatisticsAsk, Unit};

/// What the store answers other than a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such record within scope.
    #[error("not found")]
    NotFound,
    /// The record was within scope once, and is withdrawn or concerns the viewer no longer.
    #[error("withdrawn")]
    Gone,
    /// The record is not as the writer last saw it.
    #[error("stale")]
    Stale,
    /// The record's state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The policy denies the deed.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The input contradicts what is stored.
    #[error("invalid")]
    Invalid(Vec<Fault>),
    /// No connection, or a lock not had in time.
    #[error("the database is busy")]
    Busy,
    /// The database's disk is full: what is there can be read, and nothing can be added.
    #[error("the database's disk is full")]
    Full,
    /// This node does not do that: it only reads, or holds no private keys.
    #[error("this node does not do that")]
    Elsewhere,
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// A row that this program did not write.
    #[error("corrupt row: {table}.{column} of {row}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Id or reference.
        row: String,
    },
    /// The database's own error, by its kind only: its text can hold values of the row.
    #[error("database: {0}")]
    Database(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error as E};
        if db::is_full(&error) {
            return Self::Full;
        }
        if db::is_away(&error) || db::is_time_out(&error) {
            return Self::Busy;
        }
        match error {
            E::NotFound => Self::NotFound,
            // Two writers made the same thing at once: whoever tries again finds it made.
            E::DatabaseError(Kind::SerializationFailure | Kind::UniqueViolation, _) => Self::Busy,
            E::DatabaseError(_, ref info) if info.message().contains("database is locked") => Self::Busy,
            E::DatabaseError(_, ref info) if info.message().contains("deadlock detected") => Self::Busy,
            E::DatabaseError(kind, _) => Self::Database(format!("{kind:?}")),
            other => Self::Database(format!("{other:?}").split('(').next().unwrap_or_default().to_owned()),
        }
    }
}

impl From<db::NotBegun> for Error {
    fn from(why: db::NotBegun) -> Self {
        match why {
            db::NotBegun::Busy => Self::Busy,
            db::NotBegun::Database(error) => error.into(),
        }
    }
}

/// What the store returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Where "now" comes from; tests inject theirs.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// The machine's clock, in UTC.
    pub fn system() -> Self {
        Self(Arc::new(|| Utc::now().naive_utc()))
    }

    /// A clock that `now` tells.
    pub fn of(now: impl Fn() -> NaiveDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now, in UTC, to the microsecond that both databases keep.
    pub fn now(&self) -> NaiveDateTime {
        (self.0)().trunc_subsecs(6)
    }
}

/// The store.
pub struct Store {
    pool: Pool,
    standby: Option<Pool>,
    /// Whether a standby may be listening: on PostgreSQL.
    beats: bool,
    pulse: pulse::Watch,
    clock: Clock,
    sealer: Sealer,
    granter: Option<Granter>,
    access: Access,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

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
pub struct Reach {
    /// The database.
    pub location: Location,
    /// A standby, for accounts that cannot write.
    pub standby: Option<Location>,
    /// Connections to each, at most.
    pub connections: u32,
    /// What this node does with it.
    pub access: Access,
}

/// A database that is open and migrated, before its class keys are loaded.
pub struct Opened {
    pool: Pool,
    standby: Option<Pool>,
    beats: bool,
    clock: Clock,
    access: Access,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Opened {
    /// Opens the database.
    ///
    /// # Errors
    /// One sentence: the database cannot be reached, or its schema is not this program's.
    pub fn open(reach: &Reach, clock: Clock, migrate: bool) -> std::result::Result<Self, String> {
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
        let beats = reach.location.may_have_standby();
        Ok(Self { pool, standby, beats, clock, access: reach.access })
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
    /// The database's, or [`seal::Error::Unsigned`] when a class key was swapped.
    pub fn into_store(self, operator: &OperatorPublic, granter: Option<Granter>) -> Result<Store> {
        let keys = match self.access {
            // What only reads seals nothing, and its role is not shown the table.
            Access::ReadOnly => Vec::new(),
            Access::Sealed => self.with(Mode::Read, keys::class_keys_public)?,
            Access::Full => self.class_keys()?,
        };
        let Self { pool, standby, beats, clock, access } = self;
        let sealer = Sealer::new(&keys, operator)?;
        Ok(Store { pool, standby, beats, pulse: pulse::Watch::default(), clock, sealer, granter, access })
    }
}

/// A read transaction within a scope: one snapshot.
pub struct Read<'c> {
    pub(in crate::store) db: &'c mut Db,
    pub(in crate::store) scope: &'c Scope,
    now: NaiveDateTime,
}

impl std::fmt::Debug for Read<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Read({:?})", self.scope)
    }
}

impl Read<'_> {
    /// When the transaction began (UTC).
    pub fn now(&self) -> NaiveDateTime {
        self.now
    }
}

/// A write transaction: everything that [`Read`] does, and changes, each noted.
pub struct Write<'c> {
    read: Read<'c>,
    viewer: &'c Viewer,
    sealer: &'c Sealer,
    journal: Vec<history::Noted>,
}

impl std::fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Write({:?})", self.viewer.role)
    }
}

impl<'c> Deref for Write<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

impl<'c> DerefMut for Write<'c> {
    fn deref_mut(&mut self) -> &mut Read<'c> {
        &mut self.read
    }
}

impl Write<'_> {
    fn actor(&self) -> Id {
        Id(self.viewer.account)
    }
}

impl Store {
    /// Reads within a scope.
    ///
    /// # Errors
    /// Those of `f`, [`Error::Busy`], the database's.
    pub fn read<T>(&self, scope: &Scope, f: impl FnOnce(&mut Read<'_>) -> Result<T>) -> Result<T> {
        self.read_from(&self.pool, scope, f)
    }

    /// Reads what a viewer may know of: from the standby, where there is one that keeps up and the viewer cannot write.
    /// Whoever writes reads the primary, and so their own writes.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_as<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Read<'_>) -> Result<T>) -> Result<T> {
        let from = match &self.standby {
            Some(standby) if !may_write(viewer) && self.standby_keeps_up() => standby,
            _ => &self.pool,
        };
        self.read_from(from, &viewer.scope(), f)
    }

    fn read_from<T>(&self, pool: &Pool, scope: &Scope, f: impl FnOnce(&mut Read<'_>) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        db::transaction(pool, Mode::Read, |db| f(&mut Read { db, scope, now }))
    }

    /// Writes as a viewer, within the viewer's scope. What `f` noted becomes revisions and audit entries in the same
    /// transaction; when it noted nothing, nothing is kept. No other writes meanwhile: what `f` read is still so.
    ///
    /// # Errors
    /// Those of `f`, [`Error::Busy`], [`Error::Elsewhere`] on a node that only reads, the database's.
    pub fn write<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        self.change(viewer, Mode::Write, f)
    }

    /// Writes as [`Store::write`] does what adds rows of its own and changes none that another could be writing: beside
    /// others that add, on PostgreSQL.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn add<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        self.change(viewer, Mode::Add, f)
    }

    fn change<T>(&self, viewer: &Viewer, mode: Mode, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        if self.access == Access::ReadOnly {
            return Err(Error::Elsewhere);
        }
        let scope = viewer.scope();
        let now = self.clock.now();
        self.renew_epochs(now)?;
        let mut unnoted = None;
        let outcome = db::transaction(&self.pool, mode, |db| {
            let mut write =
                Write { read: Read { db, scope: &scope, now }, viewer, sealer: &self.sealer, journal: Vec::new() };
            let value = f(&mut write)?;
            if write.journal.is_empty() {
                unnoted = Some(value);
                return Err(Error::Stale);
            }
            write.keep_journal()?;
            Ok(value)
        });
        match unnoted {
            Some(value) => Ok(value),
            None => outcome,
        }
    }

    /// Epochs are committed by themselves, before any value is sealed under them.
    fn renew_epochs(&self, now: NaiveDateTime) -> Result<()> {
        for epoch in self.sealer.due()? {
            db::transaction(&self.pool, Mode::Add, |db| keys::epoch_store(db, epoch.stored(), now))?;
            self.sealer.adopt(epoch);
        }
        Ok(())
    }

    /// What this node does with its database.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Now, by the store's clock (UTC).
    pub fn now(&self) -> NaiveDateTime {
        self.clock.now()
    }
}

/// The records that a member of the input names: each that is not within scope is a fault, as one that never was.
fn named<T>(member: &str, references: &[String], mut find: impl FnMut(&str) -> Result<Option<T>>) -> Result<Vec<T>> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for (at, reference) in references.iter().enumerate() {
        if references[..at].contains(reference) {
            faults.push(Fault::new(format!("/{member}"), format!("item {at}: named twice")));
            continue;
        }
        match find(reference)? {
            Some(record) => found.push(record),
            None => faults.push(Fault::new(format!("/{member}"), format!("item {at}: there is no such record"))),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Error::Invalid(faults)) }
}

/// The code of a list that a column holds.
fn code<C: crate::domain::Code>(text: &str, table: &'static str, column: &'static str, row: &str) -> Result<C> {
    C::parse(text).ok_or_else(|| Error::Corrupt { table, column, row: row.to_owned() })
}

/// Several codes or States in one column: sorted by who writes them, parted by commas.
fn split(text: &str) -> Vec<String> {
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A random tag: an ETag changes with it, and it tells nothing.
fn random_tag() -> Vec<u8> {
    let mut tag = vec![0; 8];
    rand::fill(&mut tag[..]);
    tag
}
