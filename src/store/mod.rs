//! The database: the only place with SQL. `store.read` and `store.write` are the only doors; connections never leave.
//!
//! Names: `incident_get` gives an `Option`, `incident_list` a [`Page`], `incident_create` the record. Every query over case
//! content starts from a noun's scoped base query (`edition_seen`, `case_seen`, `proceeding_seen`, `assistance_seen`), so
//! that a query without scope cannot be written. `write` adds revisions and audit entries itself: a closure that changed
//! rows without noting a change is rolled back.

mod account;
mod archive;
mod assistance;
mod audit;
mod briefing;
mod candidate;
mod case;
mod concern;
mod connect;
mod contribution;
mod db;
mod disclosure;
mod duplicate;
mod erasure;
mod error;
mod follow_up;
mod found;
mod heartbeat;
mod history;
mod idempotency;
mod import;
mod incident;
mod keys;
mod ledger;
mod list;
mod measure;
mod proceeding;
mod reference;
mod related;
mod restoration;
mod session;
mod statistics;
mod table;
mod tally;
mod task;
mod verdict;
mod watch;

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{NaiveDateTime, SubsecRound, Utc};
use seal::{Granter, OperatorPublic, Sealer};

use crate::domain::{Fault, Noun};
use crate::policy::{Scope, Viewer, may_write};
pub use account::{
    Account, AccountChange, AccountFilter, AccountLine, ChangeOutcome, Credentials, Factor, FactorUse, MachineKey,
    NewAccount,
};
pub use archive::LEFT;
pub use archive::{ArchiveKind, Manifest, Source};
pub use assistance::{Assistance, AssistanceFilter};
pub use audit::{
    Checkpoint, InclusionProof, LogAsk, LogFinding, LogKey, LogReport, LoggedAct, LoggedEntry,
    Shown as CheckpointsShown, audit_verify, entry_is_proved, tree_is_extended,
};
pub use briefing::{BriefingCorrection, CaseHistory, CorrectionKind, IncidentLine, ProceedingLine, VictimLine};
pub use case::{Case, CaseFilter};
pub use concern::{SeenOn, Withholding, confirmed};
pub use connect::{Access, ConnectionOptions, OpenDatabase, Trust};
pub use contribution::{Contribution, ContributionFilter};
pub use db::table_names;
use db::{Db, Mode, Pool};
pub use db::{Id, Location, NodeRole, grant_roles};
pub use disclosure::{
    Alert, Approval, ApprovalAsk, Asked, Authorization, Disclosed, DisclosureAsk, DisclosureFilter, DisclosureOutcome,
    DisclosureRow, EditionAsk, KnownPerson, MatchAsk, MatchOutcome, Matching, OpenableRecord, RefusedField, Sitting,
};
pub use duplicate::LikelyDuplicate;
pub use erasure::{Erasure, ErasureRequest};
pub use error::Error;
pub use follow_up::{FollowUp, FollowUpFilter};
pub use found::Found;
pub use history::HistoryEntry;
pub use idempotency::{Claim, Idempotency, Replay};
pub use import::{ImportedPlace, ImportedVictim, RawRow};
pub use incident::{
    EditionChoice, Incident, IncidentFilter, NewIncident, NewSuspect, NewVictim, Suspect, SuspectEdit, Victim,
    VictimEdit,
};
pub use keys::{ClassKeyTrust, Mergeable, SealedInput};
pub use ledger::{Act, Undone};
pub use list::{Cursor, Page};
pub use measure::{Measure, MeasureFilter};
pub use proceeding::{Accused, Correction, NewAccused, NewStep, Proceeding, ProceedingFilter, Seals, StepRecord};
pub use reference::{Designation, Mission, State};
pub use restoration::{ArchivedLog, Restoration, SetBack, SetBackKind};
pub use session::{NewSession, PrimaryFactor, Rotation, SessionInfo, SessionLine};
pub use statistics::{Cell, Dimension, StatisticsAsk, Unit};
pub use table::TableRelease;
pub use task::Task;
pub use verdict::{Grounds, Verdict};
pub use watch::{Check, LogStanding};

found::found!(Incident, Case, Proceeding, Assistance, Measure, FollowUp, Contribution);

/// What each noun's room offers the rooms that look through all of them.
const fn room(noun: Noun) -> candidate::Room {
    match noun {
        Noun::Incident => incident::ROOM,
        Noun::Case => case::ROOM,
        Noun::Proceeding => proceeding::ROOM,
        Noun::Accused => proceeding::ACCUSED,
        Noun::Step => proceeding::STEP,
        Noun::Assistance => assistance::ROOM,
        Noun::Measure => measure::ROOM,
        Noun::FollowUp => follow_up::ROOM,
        Noun::Contribution => contribution::ROOM,
        Noun::Disclosure => disclosure::ROOM,
        Noun::Victim | Noun::Suspect => candidate::Room::PART,
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
    sends_heartbeat: bool,
    heartbeat: heartbeat::HeartbeatMonitor,
    /// Whether the tallies are known to have been made.
    tallied: AtomicBool,
    names: Names,
    clock: Clock,
    sealer: Sealer,
    operator: OperatorPublic,
    granter: Option<Granter>,
    access: Access,
    /// Verifier keys of the log's origins, one a line.
    log_keys: String,
    class_keys: Mutex<ClassKeyTrust>,
    watched: watch::Watched,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// A read transaction within a scope: one snapshot.
pub struct Read<'c> {
    pub(in crate::store) db: &'c mut Db,
    pub(in crate::store) scope: &'c Scope,
    now: NaiveDateTime,
    tallied: bool,
    names: &'c Names,
    log_keys: &'c str,
}

/// English short names of States, by code, once they were asked for.
type Names = std::sync::OnceLock<std::collections::HashMap<String, String>>;

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
        let (now, tallied) = (self.clock.now(), self.tallied.load(Ordering::Acquire));
        db::transaction(pool, Mode::Read, |db| {
            f(&mut Read { db, scope, now, tallied, names: &self.names, log_keys: &self.log_keys })
        })
    }

    /// Reads as [`Store::read_as`] does, statement by statement, in no one snapshot: for what mission and Secretariat read all
    /// day, where a record that changes between two statements is shown half old and half new, and its ETag fits neither.
    /// What a State is shown hangs together, and is read in one snapshot here too.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_committed<T>(&self, viewer: &Viewer, mut f: impl FnMut(&mut Read<'_>) -> Result<T>) -> Result<T> {
        if !viewer.is_inside() {
            return self.read_as(viewer, f);
        }
        let (now, tallied) = (self.clock.now(), self.tallied.load(Ordering::Acquire));
        let scope = &viewer.scope();
        db::read_committed(&self.pool, |db| {
            f(&mut Read { db, scope, now, tallied, names: &self.names, log_keys: &self.log_keys })
        })
    }

    /// Writes as a viewer, within the viewer's scope. What `f` noted becomes revisions and audit entries in the same
    /// transaction; when it noted nothing, nothing is kept. No other writes meanwhile: what `f` read is still so.
    ///
    /// # Errors
    /// Those of `f`, [`Error::Busy`], [`Error::WrongNode`] on a node that only reads, the database's.
    pub fn write<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        self.change(viewer, Mode::Write, f)
    }

    /// Writes as [`Store::write`] does what adds rows of its own and changes none that another could be writing: beside
    /// others that add, on PostgreSQL.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn append<T>(&self, viewer: &Viewer, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        self.change(viewer, Mode::Add, f)
    }

    fn change<T>(&self, viewer: &Viewer, mode: Mode, f: impl FnOnce(&mut Write<'_>) -> Result<T>) -> Result<T> {
        if self.access == Access::ReadOnly {
            return Err(Error::WrongNode);
        }
        let scope = viewer.scope();
        let now = self.clock.now();
        match self.renew_epochs() {
            // What seals something fails; what does not, goes on.
            Err(Error::Keys(why)) => {
                tracing::error!(why, "class keys");
                self.sealer.close();
            }
            renewed => renewed?,
        }
        let mut unnoted = None;
        let outcome = db::transaction(&self.pool, mode, |db| {
            let mut write = Write {
                read: Read { db, scope: &scope, now, tallied: false, names: &self.names, log_keys: &self.log_keys },
                viewer,
                sealer: &self.sealer,
                journal: Vec::new(),
            };
            let value = f(&mut write)?;
            if write.journal.is_empty() {
                unnoted = Some(value);
                return Err(Error::PreconditionFailed);
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
    fn renew_epochs(&self) -> Result<()> {
        // Once more, if another class key was made since this node last asked.
        for _ in 0..2 {
            let mut stale = false;
            let due = match self.sealer.due() {
                Err(seal::Error::NoClassKey(_)) => {
                    self.learn_sealing_keys()?;
                    self.sealer.due()
                }
                due => due,
            };
            for epoch in due? {
                if db::transaction(&self.pool, Mode::Add, |db| keys::epoch_store(db, epoch.stored(), self.clock.now()))?
                {
                    self.sealer.adopt(epoch);
                } else {
                    stale = true;
                }
            }
            if !stale {
                return Ok(());
            }
            self.learn_sealing_keys()?;
        }
        Err(Error::Busy)
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
