//! The heartbeat: counters that every node polls twice a second, so that a right taken away is gone everywhere within a second,
//! and a standby that no longer hears its primary is noticed.
//!
//! A node remembers who is signed in as long as the `rights` counter stands still. `beat` moves while a node that writes
//! lives: a node on a standby that does not see it move for a second answers nothing rather than what was true once. Both
//! are judged by the node's own monotonic clock, so that no two clocks are compared.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::db::schema::heartbeat;
use super::db::{self, Db, Mode};
use super::{Access, Error, Result, Store, Write};

/// Rights are asked for anew after this long.
const POLL: Duration = Duration::from_millis(400);
/// What was heard this long ago is not relied on.
const STALE: Duration = Duration::from_secs(1);

/// Counters of the database, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    Rights,
    Beat,
    Tally,
    /// How many restorations await confirmation.
    Restored,
    /// When the last backup was made, in seconds since 1970.
    Backup,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Self::Rights => "rights",
            Self::Beat => "beat",
            Self::Tally => "tally",
            Self::Restored => "restored",
            Self::Backup => "backup",
        }
    }
}

pub(super) fn get(db: &mut Db, counter: Counter) -> Result<i64> {
    Ok(heartbeat::table.find(counter.name()).select(heartbeat::value).first(db)?)
}

pub(super) fn set(db: &mut Db, counter: Counter, value: i64) -> Result<()> {
    diesel::update(heartbeat::table.find(counter.name())).set(heartbeat::value.eq(value)).execute(db)?;
    Ok(())
}

pub(super) fn advance(db: &mut Db, counter: Counter) -> Result<()> {
    diesel::update(heartbeat::table.find(counter.name())).set(heartbeat::value.eq(heartbeat::value + 1)).execute(db)?;
    Ok(())
}

/// When a database was last heard of, and when its beat last moved.
#[derive(Debug)]
struct LastHeartbeat {
    beat: i64,
    moved: Instant,
}

/// What this node knows of the counters.
#[derive(Debug)]
pub(super) struct HeartbeatMonitor {
    since: Instant,
    /// Milliseconds from `since` to the last answer; 0 while there was none.
    asked: AtomicU64,
    /// Milliseconds from `since` to the last question that was not answered; 0 while there was none.
    failed: AtomicU64,
    rights: AtomicI64,
    polling: Mutex<Option<LastHeartbeat>>,
    standby: Mutex<Option<LastHeartbeat>>,
}

impl Default for HeartbeatMonitor {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            asked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            rights: AtomicI64::new(0),
            polling: Mutex::default(),
            standby: Mutex::default(),
        }
    }
}

impl HeartbeatMonitor {
    fn age(&self) -> Option<Duration> {
        self.ago(&self.asked)
    }

    /// Whether the database was asked a moment ago and did not answer: whoever comes meanwhile does not wait for it too.
    fn is_away(&self) -> bool {
        self.ago(&self.failed).is_some_and(|age| age < POLL)
    }

    fn ago(&self, when: &AtomicU64) -> Option<Duration> {
        let when = when.load(Ordering::Acquire);
        (when > 0).then(|| self.since.elapsed().saturating_sub(Duration::from_millis(when)))
    }

    fn mark(&self, when: &AtomicU64, at: Duration) {
        when.store(u64::try_from(at.as_millis()).unwrap_or(u64::MAX).max(1), Ordering::Release);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Whether the beat moved within the last second, as this node saw it.
fn moves(heard: &mut Option<LastHeartbeat>, beat: i64) -> bool {
    match heard {
        Some(known) if known.beat == beat => known.moved.elapsed() < STALE,
        _ => {
            *heard = Some(LastHeartbeat { beat, moved: Instant::now() });
            true
        }
    }
}

impl Store {
    /// The version of everybody's rights, if it was heard a moment ago: the database is not asked.
    ///
    /// # Errors
    /// [`Error::Busy`] when it was not.
    pub fn rights_heard(&self) -> Result<i64> {
        let watch = &self.heartbeat;
        match watch.age() {
            Some(age) if age < POLL => Ok(watch.rights.load(Ordering::Acquire)),
            _ => Err(Error::Busy),
        }
    }

    /// The version of everybody's rights, not older than a second.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Unavailable`] when the database was not heard of for a second, or, on a node that only reads, its
    /// primary.
    pub fn rights(&self) -> Result<i64> {
        let watch = &self.heartbeat;
        if self.access != Access::Full {
            // Nothing of a database that was set back is shown where it cannot be accepted.
            self.proved()?;
        }
        let younger = |than: Duration| watch.age().is_some_and(|age| age < than);
        let known = || Ok(watch.rights.load(Ordering::Acquire));
        if younger(POLL) {
            return known();
        }
        // One asks; others rely on what was heard as long as they may, and nobody asks again at once what was not answered.
        let mut heard = match watch.polling.try_lock() {
            Ok(heard) => heard,
            Err(_) if younger(STALE) => return known(),
            Err(_) if watch.is_away() => return Err(Error::Unavailable),
            Err(_) => locked(&watch.polling),
        };
        if younger(POLL) {
            known()
        } else if !watch.is_away() {
            self.poll(&mut heard)
        } else if younger(STALE) {
            known()
        } else {
            Err(Error::Unavailable)
        }
    }

    fn poll(&self, heard: &mut Option<LastHeartbeat>) -> Result<i64> {
        let heard = self.hear(heard);
        if heard.is_err() {
            self.heartbeat.mark(&self.heartbeat.failed, self.heartbeat.since.elapsed());
        }
        heard
    }

    fn hear(&self, heard: &mut Option<LastHeartbeat>) -> Result<i64> {
        let watch = &self.heartbeat;
        let asked = watch.since.elapsed();
        let rows: Vec<(String, i64)> = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            Ok(heartbeat::table.select((heartbeat::name, heartbeat::value)).load(db)?)
        })?;
        let of = |counter: Counter| rows.iter().find(|(name, _)| name == counter.name()).map_or(0, |(_, value)| *value);
        let (rights, beat, tally) = (of(Counter::Rights), of(Counter::Beat), of(Counter::Tally));
        self.watched.restored.store(of(Counter::Restored), Ordering::Release);
        self.watched.backup.store(of(Counter::Backup), Ordering::Release);
        if self.access == Access::ReadOnly && !moves(heard, beat) {
            watch.asked.store(0, Ordering::Release);
            return Err(Error::Busy);
        }
        watch.rights.store(rights, Ordering::Release);
        self.tallied.store(tally > 0, Ordering::Release);
        watch.mark(&watch.asked, asked);
        Ok(rights)
    }

    /// What every node does four times a second: hears of rights and beat, so that what it knows is fresh when it is asked;
    /// a node that writes to PostgreSQL beats.
    ///
    /// # Errors
    /// The database's.
    pub fn heartbeat(&self) -> Result<()> {
        if self.access == Access::Full && self.sends_heartbeat {
            db::transaction(&self.pool, Mode::Keep, |db| advance(db, Counter::Beat)).or_else(|error| match error {
                // Another node beat at the same moment.
                Error::Busy => Ok(()),
                other => Err(other),
            })?;
        }
        if let Some(standby) = &self.standby {
            let beat = db::transaction(standby, Mode::Read, |db| get(db, Counter::Beat));
            let mut heard = locked(&self.heartbeat.standby);
            match beat {
                Ok(beat) => {
                    moves(&mut heard, beat);
                }
                Err(_) => *heard = None,
            }
        }
        let mut heard = locked(&self.heartbeat.polling);
        self.poll(&mut heard)?;
        Ok(())
    }

    /// Whether the node can do its work now.
    ///
    /// # Errors
    /// [`Error::Busy`] when its database does not answer, does not take writes where the node writes, or, where it only
    /// reads, does not keep up with its primary; the database's.
    pub fn ready(&self) -> Result<()> {
        self.poll(&mut locked(&self.heartbeat.polling))?;
        if self.sends_heartbeat && self.access != Access::ReadOnly {
            db::transaction(&self.pool, Mode::Keep, |_| Ok::<(), Error>(()))?;
        }
        Ok(())
    }

    /// Connections to the database that are open, and those of them that nobody uses.
    pub fn connections(&self) -> (usize, usize) {
        let state = self.pool.state();
        (state.connections as usize, state.idle_connections as usize)
    }

    /// Whether a standby may follow the database: on PostgreSQL.
    pub fn may_have_standby(&self) -> bool {
        self.sends_heartbeat
    }

    /// Whether the standby's beat moved within the last second.
    pub(super) fn standby_keeps_up(&self) -> bool {
        locked(&self.heartbeat.standby).as_ref().is_some_and(|heard| heard.moved.elapsed() < STALE)
    }

    /// Forgets what was heard: whoever is asked next asks the database. For a node that has just taken a right away.
    pub fn heartbeat_forget(&self) {
        self.heartbeat.asked.store(0, Ordering::Release);
    }
}

impl Write<'_> {
    /// Tells every node that somebody's session, role or scope changed.
    pub(super) fn rights_changed(&mut self) -> Result<()> {
        advance(self.db, Counter::Rights)
    }
}
