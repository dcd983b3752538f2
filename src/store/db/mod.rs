//! The one room that knows there are two databases: SQLite, embedded, and PostgreSQL.

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use migrations::Changes;

mod grants;
mod migrations;
mod pool;
mod residue;
pub mod rows;
pub mod schema;
mod types;

pub use grants::{NodeRole, grant_roles};
pub use migrations::table_names;
pub use pool::{Location, Manager, Pool, PooledConnection, Purpose, pool};
pub use residue::{files_hold, rewrite};
pub(crate) use types::facts_row;
pub use types::{Coded, Column, Id};

// Links the bundled libraries; diesel names only their headers.
extern crate libsqlite3_sys as _;
extern crate pq_sys as _;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// SQLite, embedded.
    Sqlite(diesel::SqliteConnection),
    /// PostgreSQL 15 or later.
    Postgres(diesel::PgConnection),
}

/// Expands one text for each concrete connection: for what diesel's enum cannot express (upsert, many-row insert).
macro_rules! each {
    ($db:expr, |$connection:ident| $query:expr) => {
        match $db {
            $crate::store::db::Db::Sqlite($connection) => $query,
            $crate::store::db::Db::Postgres($connection) => $query,
        }
    };
}
pub(crate) use each;

/// Brings the database to this program's schema. Returns how many changes were made.
///
/// # Errors
/// The failing change's error.
pub fn migrate(db: &mut Db) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let made = match db {
        Db::Sqlite(connection) => connection.run_pending_migrations(Changes)?.len(),
        Db::Postgres(connection) => connection.run_pending_migrations(Changes)?.len(),
    };
    Ok(made)
}

// A view: a session as every node reads it, whatever its role has of the table.
use schema::account;
diesel::table! {
    live_session (id) {
        id -> Binary,
        account_id -> Binary,
        expires_at -> Timestamp,
        assured -> Bool,
    }
}
diesel::allow_tables_to_appear_in_same_query!(live_session, account);

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Whether the schema is this program's. It only reads, so that a role that owns nothing may ask, and a standby be asked.
///
/// # Errors
/// The database's error; it has no schema at all.
pub fn is_migrated(db: &mut Db) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let known = migrations::versions();
    let made = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load::<String>(db);
    let made = match made {
        // An empty database.
        Err(diesel::result::Error::DatabaseError(_, said)) if is_no_table(said.message()) => return Ok(false),
        made => made?,
    };
    Ok(known.iter().all(|version| made.contains(version)) && made.len() == known.len())
}

fn is_no_table(message: &str) -> bool {
    message.contains("no such table") || (message.contains("relation") && message.contains("does not exist"))
}

/// What a transaction does to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads only, all in one snapshot.
    Read,
    /// Adds records of its own and changes none: beside others that add, and never beside one that writes.
    Add,
    /// Writes, alone: what it read is still so when it commits.
    Write,
    /// Works off what others append, in one snapshot, beside everybody.
    Keep,
}

/// The lock of PostgreSQL's writers: shared by those that add, held alone by those that write. SQLite has one writer anyhow,
/// who takes the lock at once: a reader that turns writer would meet `SQLITE_BUSY`.
const fn begin(db: &Db, mode: Mode) -> &'static str {
    match (db, mode) {
        (Db::Sqlite(_), Mode::Add | Mode::Write | Mode::Keep) => "BEGIN IMMEDIATE",
        (Db::Sqlite(_), Mode::Read) => "BEGIN DEFERRED",
        (Db::Postgres(_), Mode::Add) => "BEGIN READ WRITE; SELECT pg_advisory_xact_lock_shared(2590)",
        (Db::Postgres(_), Mode::Write) => "BEGIN READ WRITE; SELECT pg_advisory_xact_lock(2590)",
        (Db::Postgres(_), Mode::Keep) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
        (Db::Postgres(_), Mode::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    }
}

/// Takes a connection and begins. A connection that died since it was last used is left, and another taken: a failover or
/// restart of the database costs no request that had not begun.
fn begun(pool: &Pool, mode: Mode) -> Result<diesel::r2d2::PooledConnection<Manager>, BeginError> {
    let mut last = BeginError::Busy;
    for _ in 0..=pool.max_size() {
        let mut link = pool.get().map_err(|_| BeginError::Busy)?;
        let begin = begin(&link.db, mode);
        match each!(&mut link.db, |c| AnsiTransactionManager::begin_transaction_sql(c, begin)) {
            Ok(()) => return Ok(link),
            Err(error) => {
                link.dead = true;
                let died = matches!(link.db, Db::Postgres(_)) && !is_time_out(&error);
                last = BeginError::Database(error);
                if !died {
                    break;
                }
            }
        }
    }
    Err(last)
}

/// Whether the database gave up on a statement or lock that took too long.
pub fn is_time_out(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info) if info.message().starts_with("canceling statement"))
}

/// Whether the database cannot be reached, or takes no writes, just now.
pub fn is_away(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error as E};
    match error {
        E::BrokenTransactionManager => true,
        E::DatabaseError(Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction, _) => true,
        E::DatabaseError(_, info) => {
            let said = info.message();
            said.contains("the database system is")
                || said.contains("during recovery")
                || said.contains("terminating connection")
        }
        _ => false,
    }
}

/// Whether there is no room left on the database's disk.
pub fn is_full(error: &diesel::result::Error) -> bool {
    matches!(error, diesel::result::Error::DatabaseError(_, info)
        if info.message().contains("disk is full") || info.message().contains("No space left on device"))
}

/// Why no transaction began.
#[derive(Debug)]
pub enum BeginError {
    /// No connection was to be had in time.
    Busy,
    /// The database refused.
    Database(diesel::result::Error),
}

/// Runs `f` in a transaction, and commits when it returns `Ok`.
///
/// # Errors
/// Those of `f`, or of beginning or committing.
pub fn transaction<T, E: From<diesel::result::Error> + From<BeginError>>(
    pool: &Pool,
    mode: Mode,
    f: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    let mut link = begun(pool, mode)?;
    let done = f(&mut link.db);
    let PooledConnection { db, dead } = &mut *link;
    let ended = match &done {
        Ok(_) => each!(db, |c| AnsiTransactionManager::commit_transaction(c)),
        Err(_) => each!(db, |c| AnsiTransactionManager::rollback_transaction(c)),
    };
    // A connection on which a transaction could not be ended is not used again.
    *dead |= ended.is_err();
    match (done, ended) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error),
    }
}

/// Runs reads one by one, each in a snapshot of its own. A connection that died since it was last used is found by the first
/// of them, which is read again on another: `f` only reads.
///
/// # Errors
/// Those of `f`.
pub fn read_committed<T, E: From<BeginError> + IsAway>(
    pool: &Pool,
    mut f: impl FnMut(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    for _ in 0..pool.max_size() {
        let mut link = pool.get().map_err(|_| E::from(BeginError::Busy))?;
        match f(&mut link.db) {
            Err(error) if error.is_away() => link.dead = true,
            done => return done,
        }
    }
    Err(BeginError::Busy.into())
}

/// An error that may mean that the connection died.
pub trait IsAway {
    /// Whether it may.
    fn is_away(&self) -> bool;
}

/// What one node does at a time.
#[derive(Debug, Clone, Copy)]
pub enum Lease {
    /// Places audit entries.
    Sequencer,
    /// Folds changes into the tallies.
    Folder,
}

/// Takes the lock that lets one node at a time do this, until the transaction ends; `false` when another holds it. SQLite's
/// write lock is already held by the transaction.
///
/// # Errors
/// The database's error.
pub fn try_advisory_lock(db: &mut Db, turn: Lease) -> QueryResult<bool> {
    let sql = match turn {
        Lease::Sequencer => "pg_try_advisory_xact_lock(2589)",
        Lease::Folder => "pg_try_advisory_xact_lock(2591)",
    };
    match db {
        Db::Sqlite(_) => Ok(true),
        Db::Postgres(connection) => {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(sql)).get_result(connection)
        }
    }
}
