//! Connections: which database, how they are opened, and how many.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2;

use super::{Db, each};

/// Where the data is, chosen by the URL's scheme, so that a real connection error is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A `postgres://` URL; it may name several hosts.
    Postgres(String),
}

impl Location {
    /// Whether the database is on another host and its URL asks for no TLS: what is open in it would cross the network so.
    pub fn is_exposed(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        let said = |name: &str| {
            let query = url.split_once('?').map_or("", |(_, query)| query);
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .rfind(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let authority = url.split("://").nth(1).unwrap_or("").split(['/', '?']).next().unwrap_or("");
        let hosts = said("hostaddr").or(said("host")).unwrap_or_else(|| authority.rsplit('@').next().unwrap_or(""));
        let near = |host: &str| {
            let host = match host.strip_prefix('[') {
                Some(six) => six.split(']').next().unwrap_or(""),
                None => host.split(':').next().unwrap_or(""),
            };
            host.is_empty()
                || host.starts_with('/')
                || host.to_ascii_lowercase().starts_with("%2f")
                || host == "localhost"
                || host == "::1"
                || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        };
        let private = said("sslmode").is_some_and(|mode| ["require", "verify-ca", "verify-full"].contains(&mode));
        !private && !hosts.split(',').all(near)
    }

    /// Connections that a node opens to it at most, unless it is told otherwise.
    pub fn usual_connections(&self) -> u32 {
        match self {
            Self::Sqlite(_) => 8,
            Self::Postgres(_) => 16,
        }
    }

    /// Whether a standby may follow this database.
    pub fn may_have_standby(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
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

/// What a pool is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reads and writes: of several hosts, the one that takes writes.
    Primary,
    /// Reads only: any host, a hot standby too.
    Standby,
}

/// How long a statement may take, a lock be waited for, and a transaction lie idle, on PostgreSQL.
const LIMITS: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
                      SET idle_in_transaction_session_timeout = '60s';";

/// A URL with what libpq is told for our use, unless it says so itself: connect within five seconds a host, give up a dead
/// connection within ten, and of several hosts take the one that writes.
fn completed(url: &str, purpose: Purpose) -> String {
    let mut url = url.to_owned();
    let hosts = url.split("://").nth(1).unwrap_or("").split('/').next().unwrap_or("");
    let several = hosts.contains(',')
        || url.split("host=").nth(1).is_some_and(|rest| rest.split('&').next().is_some_and(|h| h.contains(',')));
    let mut tell = |name: &str, value: &str| {
        if !url.contains(&format!("{name}=")) {
            let join = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{join}{name}={value}"));
        }
    };
    tell("connect_timeout", "5");
    tell("tcp_user_timeout", "10000");
    tell("application_name", "casque");
    if several {
        tell(
            "target_session_attrs",
            match purpose {
                Purpose::Primary => "read-write",
                Purpose::Standby => "prefer-standby",
            },
        );
    }
    url
}

/// A connection, and whether the pool must not hand it out again.
pub struct PooledConnection {
    pub(super) db: Db,
    pub(super) dead: bool,
}

impl std::ops::Deref for PooledConnection {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

impl std::ops::DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Db {
        &mut self.db
    }
}

/// Opens connections of a [`Location`] for the pool.
#[derive(Debug)]
pub struct Manager {
    location: Location,
    purpose: Purpose,
}

impl Manager {
    /// Opens a connection outside of any pool.
    ///
    /// # Errors
    /// The database's.
    pub fn open(location: &Location, purpose: Purpose) -> Result<Db, diesel::ConnectionError> {
        let failed = diesel::ConnectionError::CouldntSetupConfiguration;
        match location {
            Location::Sqlite(path) => {
                let mut connection = diesel::SqliteConnection::establish(&path.to_string_lossy())?;
                // secure_delete: what was overwritten or removed leaves no copy in free pages.
                connection
                    .batch_execute(
                        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                         PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; \
                         PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;",
                    )
                    .map_err(failed)?;
                Ok(Db::Sqlite(connection))
            }
            Location::Postgres(url) => {
                let mut connection = diesel::PgConnection::establish(&completed(url, purpose))?;
                connection.batch_execute(LIMITS).map_err(failed)?;
                Ok(Db::Postgres(connection))
            }
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = PooledConnection;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<PooledConnection, Self::Error> {
        Ok(PooledConnection { db: Self::open(&self.location, self.purpose)?, dead: false })
    }

    /// Never asked: the transaction's own BEGIN is the test, which costs no trip of its own.
    fn is_valid(&self, _: &mut PooledConnection) -> Result<(), Self::Error> {
        Ok(())
    }

    fn has_broken(&self, link: &mut PooledConnection) -> bool {
        // A transaction left open by a panic must not be handed to the next request.
        link.dead
            || each!(&mut link.db, |c| {
                AnsiTransactionManager::transaction_manager_status_mut(c).transaction_depth() != Ok(None)
            })
    }
}

/// A pool of connections.
pub type Pool = r2d2::Pool<Manager>;

/// How long a request waits for a connection before it is told to try again.
const WAIT: Duration = Duration::from_secs(2);

/// Makes a pool of at most `size` connections; none is opened before it is needed, but one.
///
/// # Errors
/// The first connection's error.
pub fn pool(location: &Location, purpose: Purpose, size: u32) -> Result<Pool, String> {
    // Opened once by hand, so that the reason is told at once.
    drop(Manager::open(location, purpose).map_err(|e| e.to_string())?);
    let manager = Manager { location: location.clone(), purpose };
    Ok(r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .idle_timeout(Some(Duration::from_secs(60)))
        .connection_timeout(WAIT)
        .error_handler(Box::new(Told))
        .build_unchecked(manager))
}

/// Logs why no connection could be had: it is for the operator, who knows hosts and roles.
#[derive(Debug)]
struct Told;

impl<E: std::error::Error> r2d2::HandleError<E> for Told {
    fn handle_error(&self, error: E) {
        tracing::warn!(%error, "no connection to the database");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_elsewhere_is_asked_for_over_tls_or_refused() {
        let exposed = |url: &str| url.parse::<Location>().unwrap().is_exposed();
        for url in [
            "postgres://casque@/casque?host=/run/postgresql",
            "postgres://casque@localhost/casque",
            "postgres://casque@127.0.0.1:5432,[::1]:5433/casque",
            "postgres://casque@%2Frun%2Fpostgresql/casque",
            "postgres://casque@db.example/casque?sslmode=verify-full",
            "postgres://a,b/casque?x=y&sslmode=require",
            "sqlite:///tmp/casque.db",
        ] {
            assert!(!exposed(url), "{url}");
        }
        for url in [
            "postgres://casque@db.example/casque",
            "postgres://casque@localhost,10.0.0.1/casque",
            "postgres://casque@db.example/casque?sslmode=prefer",
            "postgres://casque@/casque?host=db.example",
            "postgres://casque@localhost/casque?hostaddr=10.0.0.1",
            "postgres://casque@db.example/casque?sslmode=require&sslmode=disable",
        ] {
            assert!(exposed(url), "{url}");
        }
    }

    #[test]
    fn of_several_hosts_the_writing_one_is_asked_for() {
        assert!(completed("postgres://a:1,b:2/x", Purpose::Primary).contains("target_session_attrs=read-write"));
        assert!(completed("postgres:///x?host=/a,/b", Purpose::Primary).contains("target_session_attrs=read-write"));
        assert!(completed("postgres://a,b/x", Purpose::Standby).contains("target_session_attrs=prefer-standby"));
        assert!(!completed("postgres://a/x", Purpose::Primary).contains("target_session_attrs"));
        let said = completed("postgres://a,b/x?target_session_attrs=any", Purpose::Primary);
        assert_eq!(said.matches("target_session_attrs").count(), 1);
    }
}
