//! The one room that knows there are two databases: SQLite, embedded, and PostgreSQL.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub mod schema;
mod types;

pub use types::Id;

// Links the bundled libraries; diesel names only their headers.
extern crate libsqlite3_sys as _;
extern crate pq_sys as _;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

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

/// Where the data is, chosen by the URL's scheme, so that a real connection error is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A `postgres://` URL.
    Postgres(String),
}

impl FromStr for Location {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(text.to_owned()))
        } else if let Some(path) = text.strip_prefix("sqlite://") {
            Ok(Self::Sqlite(path.into()))
        } else {
            Err("a database URL begins with postgres:// or sqlite://".into())
        }
    }
}

/// Opens connections of a [`Location`] for the pool.
#[derive(Debug)]
pub struct Manager(Location);

impl r2d2::ManageConnection for Manager {
    type Connection = Db;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Db, Self::Error> {
        match &self.0 {
            Location::Sqlite(path) => {
                let mut connection = diesel::SqliteConnection::establish(&path.to_string_lossy())?;
                // secure_delete: what was overwritten or removed leaves no copy in free pages.
                connection
                    .batch_execute(
                        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                         PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; \
                         PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;",
                    )
                    .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(Db::Sqlite(connection))
            }
            Location::Postgres(url) => diesel::PgConnection::establish(url).map(Db::Postgres),
        }
    }

    fn is_valid(&self, db: &mut Db) -> Result<(), Self::Error> {
        match db {
            Db::Sqlite(_) => Ok(()),
            Db::Postgres(connection) => {
                connection.batch_execute("SELECT 1").map_err(Self::Error::CouldntSetupConfiguration)
            }
        }
    }

    fn has_broken(&self, db: &mut Db) -> bool {
        // A transaction left open by a panic must not be handed to the next request.
        match db {
            Db::Sqlite(connection) => {
                AnsiTransactionManager::transaction_manager_status_mut(connection).transaction_depth() != Ok(None)
            }
            Db::Postgres(connection) => {
                AnsiTransactionManager::transaction_manager_status_mut(connection).transaction_depth() != Ok(None)
            }
        }
    }
}

/// A pool of connections.
pub type Pool = r2d2::Pool<Manager>;

/// Makes a pool of at most `size` connections; none is opened before it is needed, but one.
///
/// # Errors
/// The first connection's error.
pub fn pool(location: &Location, size: u32) -> Result<Pool, r2d2::PoolError> {
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(matches!(location, Location::Postgres(_)))
        .connection_timeout(Duration::from_secs(10))
        .build(Manager(location.clone()))
}

/// Brings the database to this program's schema. Returns how many changes were made.
///
/// # Errors
/// The failing change's error.
pub fn migrate(db: &mut Db) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let made = match db {
        Db::Sqlite(connection) => connection.run_pending_migrations(SQLITE)?.len(),
        Db::Postgres(connection) => connection.run_pending_migrations(POSTGRES)?.len(),
    };
    Ok(made)
}

/// Whether the schema is this program's.
///
/// # Errors
/// The database's error.
pub fn is_migrated(db: &mut Db) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    Ok(!match db {
        Db::Sqlite(connection) => connection.has_pending_migration(SQLITE)?,
        Db::Postgres(connection) => connection.has_pending_migration(POSTGRES)?,
    })
}

/// Whether a transaction may write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads only, all in one snapshot.
    Read,
    /// Writes. On SQLite it takes the write lock at once: a reader that turns writer would meet `SQLITE_BUSY`.
    Write,
}

/// Runs `f` in a transaction, and commits when it returns `Ok`.
///
/// # Errors
/// Those of `f`, or of beginning or committing.
pub fn transaction<T, E: From<diesel::result::Error>>(
    db: &mut Db,
    mode: Mode,
    f: impl FnOnce(&mut Db) -> Result<T, E>,
) -> Result<T, E> {
    let begin = match (&*db, mode) {
        (Db::Sqlite(_), Mode::Write) => "BEGIN IMMEDIATE",
        (Db::Sqlite(_), Mode::Read) => "BEGIN DEFERRED",
        (Db::Postgres(_), Mode::Write) => "BEGIN",
        (Db::Postgres(_), Mode::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    each!(db, |c| AnsiTransactionManager::begin_transaction_sql(c, begin))?;
    let done = match (&mut *db, mode) {
        // One writer at a time, as SQLite has it: what a write read is still so when it is committed.
        (Db::Postgres(connection), Mode::Write) => {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("pg_advisory_xact_lock(2590)::text"))
                .execute(connection)
                .map_err(E::from)
                .and_then(|_| f(db))
        }
        _ => f(db),
    };
    match done {
        Ok(value) => {
            each!(db, |c| AnsiTransactionManager::commit_transaction(c))?;
            Ok(value)
        }
        Err(error) => {
            each!(db, |c| AnsiTransactionManager::rollback_transaction(c))?;
            Err(error)
        }
    }
}

/// Takes the lock that lets one sequencer place audit entries; `false` when another holds it. SQLite's write lock is
/// already held by the transaction.
///
/// # Errors
/// The database's error.
pub fn try_sequencer_lock(db: &mut Db) -> QueryResult<bool> {
    match db {
        Db::Sqlite(_) => Ok(true),
        Db::Postgres(connection) => {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>("pg_try_advisory_xact_lock(2589)"))
                .get_result(connection)
        }
    }
}
