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
mod reference;
mod statistics;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use chrono::{NaiveDateTime, SubsecRound, Utc};
use seal::{Granter, OperatorPublic, Sealer};

use crate::domain::Fault;
use crate::policy::{Denial, Scope, Viewer};
pub use account::{Account, Credentials, NewAccount, Rotation, SessionInfo};
pub use assistance::{Assistance, AssistanceFacts, AssistanceFilter};
pub use audit::{Checkpoint, LogFinding, LogReport, LoggedEntry, audit_verify};
pub use briefing::{BriefingCorrection, CaseHistory, IncidentLine, ProceedingLine, VictimLine};
pub use case::{Case, CaseFacts, CaseFilter};
use db::{Db, Mode, Pool};
pub use db::{Id, Location};
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
        match error {
            E::NotFound => Self::NotFound,
            E::DatabaseError(Kind::SerializationFailure | Kind::ClosedConnection, _) => Self::Busy,
            E::DatabaseError(_, ref info) if info.message().contains("database is locked") => Self::Busy,
            E::DatabaseError(kind, _) => Self::Database(format!("{kind:?}")),
            other => Self::Database(format!("{other:?}").split('(').next().unwrap_or_default().to_owned()),
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
    clock: Clock,
    sealer: Sealer,
    granter: Option<Granter>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// A database that is open and migrated, before its class keys are loaded.
pub struct Opened {
    pool: Pool,
    clock: Clock,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Opened {
    /// Opens the database with a pool of at most `size` connections.
    ///
    /// # Errors
    /// One sentence: the database cannot be reached, or its schema is not this program's.
    pub fn open(location: &Location, size: u32, clock: Clock, migrate: bool) -> std::result::Result<Self, String> {
        let pool = db::pool(location, size).map_err(|e| format!("the database cannot be opened: {e}"))?;
        {
            let mut connection = pool.get().map_err(|e| format!("the database cannot be opened: {e}"))?;
            if migrate {
                db::migrate(&mut connection).map_err(|e| format!("the database cannot be migrated: {e}"))?;
            } else if !db::is_migrated(&mut connection).map_err(|e| format!("the database cannot be read: {e}"))? {
                return Err("the database's schema is not this program's: run `casque migrate` first".into());
            }
        }
        Ok(Self { pool, clock })
    }

    /// The stored class keys, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn class_keys(&self) -> Result<Vec<seal::StoredClassKey>> {
        keys::class_keys(&mut *self.pool.get().map_err(|_| Error::Busy)?)
    }

    /// Stores new class keys.
    ///
    /// # Errors
    /// The database's.
    pub fn class_keys_store(&self, new: &[seal::StoredClassKey]) -> Result<()> {
        keys::class_keys_store(&mut *self.pool.get().map_err(|_| Error::Busy)?, new, self.clock.now())
    }

    /// Makes the store. Without a granter it accepts and answers everything but disclosures.
    ///
    /// # Errors
    /// The database's, or [`seal::Error::Unsigned`] when a class key was swapped.
    pub fn into_store(self, operator: &OperatorPublic, granter: Option<Granter>) -> Result<Store> {
        let keys = self.class_keys()?;
        Ok(Store { sealer: Sealer::new(&keys, operator)?, pool: self.pool, clock: self.clock, granter })
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
        let now = self.clock.now();
        let mut connection = self.pool.get().map_err(|_| Error::Busy)?;
        db::transaction(&mut connection, Mode::Read, |db| f(&mut Read { db, scope, now }))
    }

    /// Writes as a viewer, within the viewer's scope. What `f` noted becomes revisions and audit entries in the same
    /// transaction; when it noted nothing, nothing is kept.
    ///
    /// # Errors
    /// Those of `f`, [`Error::Busy`], the database's.
    pub fn write<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        let scope = viewer.scope();
        let now = self.clock.now();
        let mut connection = self.pool.get().map_err(|_| Error::Busy)?;
        self.renew_epochs(&mut connection, now)?;
        let mut unnoted = None;
        let outcome = db::transaction(&mut connection, Mode::Write, |db| {
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
    fn renew_epochs(&self, db: &mut Db, now: NaiveDateTime) -> Result<()> {
        for epoch in self.sealer.due()? {
            db::transaction(db, Mode::Write, |db| keys::epoch_store(db, epoch.stored(), now))?;
            self.sealer.adopt(epoch);
        }
        Ok(())
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
