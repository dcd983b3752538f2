//! The database of each test: a copy of a migrated SQLite file, or, where the environment asks for PostgreSQL, a database
//! of a cluster that the harness starts by itself.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use casque::node::InstanceArgs;
use casque::store::{Location, NodeRole};

use super::cluster::Cluster;

/// Whether `CASQUE_TEST_DATABASE=postgres`.
#[expect(clippy::disallowed_methods, reason = "the one switch of the suite")]
pub fn postgres_wanted() -> bool {
    std::env::var("CASQUE_TEST_DATABASE").is_ok_and(|value| value == "postgres")
}

/// Whether `CASQUE_REWRITE=1`: kept files are written anew, for review.
#[expect(clippy::disallowed_methods, reason = "the one switch for kept files")]
pub fn rewriting() -> bool {
    std::env::var("CASQUE_REWRITE").is_ok_and(|value| value == "1")
}

/// Whether this is CI, where nothing may be skipped.
#[expect(clippy::disallowed_methods, reason = "the one switch for what may be missing")]
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok()
}

/// The role of the servers under test.
const SERVICE: &str = "casque_service";

static NEXT: AtomicU32 = AtomicU32::new(0);
/// `CREATE DATABASE … TEMPLATE` wants the template to itself.
static MAKING: Mutex<()> = Mutex::new(());

/// The cluster of the suite. What is lost when the machine stops is not asked of it.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start("-c fsync=off -c max_connections=300");
        cluster.run("postgres", &format!("CREATE ROLE {SERVICE} LOGIN"));
        cluster
    })
}

/// Its name, where it is one of the cluster's.
fn name_of(instance: &InstanceArgs) -> Option<&str> {
    match &instance.database {
        Some(Location::Postgres(url)) => url.split('?').next().and_then(|url| url.rsplit('/').next()),
        Some(Location::Sqlite(_)) | None => None,
    }
}

/// A second connection to the embedded database of `folder`, which waits while another writes.
pub fn beside(folder: &Path) -> diesel::SqliteConnection {
    let path = folder.join("casque.db");
    let mut connection: diesel::SqliteConnection = diesel::Connection::establish(path.to_str().unwrap()).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut connection, "PRAGMA busy_timeout = 10000").unwrap();
    connection
}

/// What of its address distinguishes a server's database from every other's.
pub fn address_of(instance: &InstanceArgs, folder: &Path) -> String {
    name_of(instance).map_or_else(|| folder.display().to_string(), |name| format!("@/{name}?"))
}

/// Lets the database gather its planner's statistics, and gives all of them as text.
pub fn analysed(instance: &InstanceArgs, folder: &Path) -> String {
    if let Some(name) = name_of(instance) {
        let sql = "SELECT string_agg(s::text, ' ') FROM pg_stats s WHERE schemaname = 'public'";
        cluster().run(name, "ANALYZE");
        return cluster().run(name, sql);
    }
    let mut connection = beside(folder);
    diesel::connection::SimpleConnection::batch_execute(&mut connection, "ANALYZE").unwrap();
    let told = diesel::dsl::sql::<diesel::sql_types::Text>("SELECT group_concat(tbl || ' ' || stat) FROM sqlite_stat1");
    diesel::RunQueryDsl::get_result(told, &mut connection).unwrap()
}

/// What the owner of a server's database is answered: one value, as text.
pub fn asked(instance: &InstanceArgs, folder: &Path, sql: &str) -> String {
    if let Some(name) = name_of(instance) {
        return cluster().run(name, sql);
    }
    let mut connection = beside(instance.data.as_deref().unwrap_or(folder));
    #[derive(diesel::QueryableByName)]
    struct One {
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
        one: Option<String>,
    }
    let query = diesel::sql_query(format!("SELECT CAST(({sql}) AS TEXT) AS one"));
    let rows: Vec<One> = diesel::RunQueryDsl::load(query, &mut connection).unwrap();
    rows.into_iter().next().and_then(|row| row.one).unwrap_or_default()
}

/// Does something to a server's database as its owner, past the program.
pub fn tampered(instance: &InstanceArgs, folder: &Path, sql: &str) {
    if let Some(name) = name_of(instance) {
        cluster().run(name, sql);
        return;
    }
    let mut connection = beside(instance.data.as_deref().unwrap_or(folder));
    diesel::connection::SimpleConnection::batch_execute(&mut connection, sql).unwrap();
}

fn place_as(role: &str, name: &str, folder: &Path) -> InstanceArgs {
    let database = Some(cluster().url(role, name).parse().unwrap());
    InstanceArgs { database, keys: Some(folder.join("keys")), ..InstanceArgs::default() }
}

/// A migrated database to copy.
pub enum Template {
    Sqlite,
    Postgres(String),
}

impl Template {
    /// A new, empty one.
    pub fn new(_: &Path) -> Self {
        if !postgres_wanted() {
            return Self::Sqlite;
        }
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::SeqCst));
        cluster().run("postgres", &format!("CREATE DATABASE {name}"));
        Self::Postgres(name)
    }

    /// Where it is.
    pub fn instance(&self, folder: &Path) -> InstanceArgs {
        match self {
            Self::Sqlite => InstanceArgs::folder(folder),
            Self::Postgres(name) => place_as("casque", name, folder),
        }
    }

    /// Gives the role that servers use its rights: the suite is served by a role that owns nothing.
    pub fn grant(&self) {
        if let Self::Postgres(name) = self {
            let owner = cluster().url("casque", name).parse().unwrap();
            casque::store::grant_roles(&owner, &[(NodeRole::Service, SERVICE)]).unwrap();
        }
    }

    /// The place that a server is given.
    pub fn place_of_service(&self, instance: &InstanceArgs) -> InstanceArgs {
        match self {
            Self::Sqlite => instance.clone(),
            Self::Postgres(name) => {
                let keys = instance.keys.clone().unwrap();
                place_as(SERVICE, name, keys.parent().unwrap())
            }
        }
    }

    /// A copy, with the keys in `folder`.
    pub fn copy(&self, folder: &Path) -> InstanceArgs {
        match self {
            Self::Sqlite => InstanceArgs::folder(folder),
            Self::Postgres(from) => {
                let name = format!("t{}", NEXT.fetch_add(1, Ordering::SeqCst));
                let _one_at_a_time = MAKING.lock().unwrap();
                cluster().run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {from}"));
                place_as(SERVICE, &name, folder)
            }
        }
    }
}

/// A number that the environment sets, for a run that is longer than usual.
#[expect(clippy::disallowed_methods, reason = "tests have no command line of their own")]
pub fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
