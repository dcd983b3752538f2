//! What a node knows of how it stands: whether its audit log holds, and how long ago it was signed, shipped and backed up.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use seal::Granter;
use serde::Serialize;

use super::{Access, Error, Result, Store};

/// How the audit log of a node's database stands to what the node signed, or saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStanding {
    /// Nobody has looked yet.
    Unknown,
    /// It extends it.
    Holds,
    /// It does not: the database was set back, or is another one.
    Broken,
}

/// A log is signed, and the ledger shipped, within so long; later, the node is not ready.
const SIGNED_WITHIN: Duration = Duration::from_secs(600);
const SHIPPED_WITHIN: Duration = Duration::from_secs(300);
/// A backup is made within so long; later, the operator is told.
const BACKED_UP_WITHIN: Duration = Duration::from_secs(26 * 3_600);

/// What a node knows of itself.
#[derive(Debug)]
pub(super) struct Watched {
    log: AtomicU8,
    signed: Mutex<Instant>,
    shipped: Mutex<(Instant, Vec<String>)>,
    /// Leaves of the largest tree that was seen.
    grown: AtomicU64,
    pub(super) restored: AtomicI64,
    pub(super) backup: AtomicI64,
}

impl Watched {
    /// Whether the tree is at least as large as it was ever seen.
    pub(super) fn has_grown(&self, size: u64) -> bool {
        self.grown.fetch_max(size, Ordering::AcqRel) <= size
    }
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            log: AtomicU8::new(0),
            signed: Mutex::new(Instant::now()),
            shipped: Mutex::new((Instant::now(), Vec::new())),
            grown: AtomicU64::new(0),
            restored: AtomicI64::new(0),
            backup: AtomicI64::new(0),
        }
    }
}

/// One thing that readiness depends on, or that an operator should know.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was looked at: `database`, `audit_log`, `checkpoint`, `ledger`, `class_keys`, `backup`, `restoration`.
    pub check: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// Whether the node is not ready without it.
    pub required: bool,
    /// Seconds since it was last so, where that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// What is wrong, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Says how the log stands.
    pub fn log_stands(&self, standing: LogStanding) {
        self.watched.log.store(standing as u8, Ordering::Release);
    }

    /// How the log stands, as far as anybody looked.
    pub fn log_standing(&self) -> LogStanding {
        match self.watched.log.load(Ordering::Acquire) {
            1 => LogStanding::Holds,
            2 => LogStanding::Broken,
            _ => LogStanding::Unknown,
        }
    }

    /// The verifier keys of the log's origins, one a line, the present one first.
    pub fn log_keys(&self) -> &str {
        &self.log_keys
    }

    /// Says that the log was found signed whole.
    pub fn log_signed(&self) {
        *locked(&self.watched.signed) = Instant::now();
    }

    /// Says that the ledger has every act, and which of its places are behind.
    pub fn ledger_shipped(&self, behind: Vec<String>) {
        *locked(&self.watched.shipped) = (Instant::now(), behind);
    }

    /// Says that the ledger has every act, with nothing to be added.
    pub fn ledger_reached(&self) {
        locked(&self.watched.shipped).0 = Instant::now();
    }

    /// Whether this node may sign people in and open seals: a node with keys does so on a log that extends what it signed.
    ///
    /// # Errors
    /// [`Error::Unproved`].
    pub(super) fn proved(&self) -> Result<()> {
        if self.log_standing() == LogStanding::Broken { Err(Error::Unproved) } else { Ok(()) }
    }

    /// What makes permits.
    ///
    /// # Errors
    /// [`Error::WrongNode`] on a node without keys; [`Error::Unproved`].
    pub(super) fn granter(&self) -> Result<&Granter> {
        self.proved()?;
        self.granter.as_ref().ok_or(Error::WrongNode)
    }

    /// Whether the database was restored and nobody has confirmed yet what that undid: only officers and administrators are served,
    /// to do just that.
    pub fn awaits_confirmation(&self) -> bool {
        let waits = || self.watched.restored.load(Ordering::Acquire) > 0;
        // Heard anew, unless it was within the moment: it ends only once.
        waits() && self.rights().is_ok() && waits()
    }

    /// Seconds since the log was last found signed whole, and since the ledger had every act.
    pub fn ages(&self) -> (u64, u64) {
        (locked(&self.watched.signed).elapsed().as_secs(), locked(&self.watched.shipped).0.elapsed().as_secs())
    }

    /// Seconds since the last backup was made; none where there never was one.
    pub fn backup_age(&self) -> Option<u64> {
        let made = self.watched.backup.load(Ordering::Acquire);
        let since = self.now().and_utc().timestamp().saturating_sub(made);
        (made > 0).then(|| u64::try_from(since).unwrap_or(0))
    }

    /// Everything that the node's readiness depends on, and what else its operator should know.
    pub fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut check = |check, required, age: Option<u64>, wrong: Option<String>| {
            checks.push(Check { check, ok: wrong.is_none(), required, age_seconds: age, detail: wrong });
        };
        check("database", true, None, self.ready().err().map(|error| error.to_string()));
        let broken = self.log_standing() == LogStanding::Broken;
        check("audit_log", true, None, broken.then(|| Error::Unproved.to_string()));
        if self.access != Access::ReadOnly {
            let keys = self.sealing_keys().and_then(|keys| self.judge_sealing_keys(&keys));
            let wrong = match keys {
                Err(Error::Keys(why)) => Some(why),
                Err(Error::Seal(error)) => Some(error.to_string()),
                // The database is away: that is said above.
                _ => None,
            };
            check("class_keys", true, None, wrong);
        }
        if self.access == Access::Full {
            let (signed, shipped) = self.ages();
            let late = |age: u64, within: Duration, what: &str| {
                (age > within.as_secs()).then(|| format!("{what} for {}", minutes(age)))
            };
            check("checkpoint", true, Some(signed), late(signed, SIGNED_WITHIN, "the audit log was not signed"));
            let behind = locked(&self.watched.shipped).1.clone();
            let wrong = late(shipped, SHIPPED_WITHIN, "the ledger was not brought up to date");
            check("ledger", true, Some(shipped), wrong);
            let behind =
                (!behind.is_empty()).then(|| format!("places of the ledger are behind: {}", behind.join(", ")));
            check("ledger_places", false, None, behind);
            let backup = self.backup_age();
            let wrong = match backup {
                None => Some("no backup was made yet".to_owned()),
                Some(age) => late(age, BACKED_UP_WITHIN, "no backup was made"),
            };
            check("backup", false, backup, wrong);
            let waits = self.awaits_confirmation();
            check("restoration", false, None, waits.then(|| Error::Unconfirmed.to_string()));
        }
        checks
    }
}

fn minutes(seconds: u64) -> String {
    let span = TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000));
    if span.num_hours() > 1 { format!("{} hours", span.num_hours()) } else { format!("{} minutes", span.num_minutes()) }
}
