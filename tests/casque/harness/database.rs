//! The database of each test: a copy of a migrated SQLite file, or, where the environment asks for PostgreSQL, a database
//! of a cluster that the harness starts by itself, as an unprivileged user, on a socket.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use casque::cli::Place;
use casque::store::NodeRole;

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

struct Cluster {
    socket: PathBuf,
    bin: PathBuf,
}

/// The role of the servers under test.
const SERVICE: &str = "casque_service";

static NEXT: AtomicU32 = AtomicU32::new(0);
/// `CREATE DATABASE … TEMPLATE` wants the template to itself.
static MAKING: Mutex<()> = Mutex::new(());

#[expect(clippy::zombie_processes, reason = "it outlives the suite by a moment, and ends itself")]
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is not installed: apt-get install postgresql");
        let bin = versions.map(|entry| entry.unwrap().path().join("bin")).max().expect("no version of PostgreSQL");
        let folder = tempfile::Builder::new().prefix("casque-pg-").tempdir().unwrap().keep();
        let script = format!(
            "set -e; cd {folder}; \"{bin}/initdb\" -D data -U casque --auth=trust --encoding=UTF8 --locale=C.UTF-8 >log 2>&1; \
             \"{bin}/pg_ctl\" -D data -w -l log -o \"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=300\" start >/dev/null; \
             touch ready; while [ -d /proc/{parent} ]; do sleep 0.3; done; \
             \"{bin}/pg_ctl\" -D data -m immediate stop >/dev/null; rm -rf {folder}/*",
            folder = folder.display(),
            bin = bin.display(),
            parent = std::process::id(),
        );
        // PostgreSQL refuses to run as root: then as the user that its package made.
        let root = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap() == 0;
        let mut command = if root {
            assert!(Command::new("chown").args(["postgres", folder.to_str().unwrap()]).status().unwrap().success());
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh", "-c"]);
            command
        } else {
            let mut command = Command::new("sh");
            command.arg("-c");
            command
        };
        command.arg(&script).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        for _ in 0..600 {
            if folder.join("ready").exists() {
                let cluster = Cluster { socket: folder, bin };
                cluster.run(&format!("CREATE ROLE {SERVICE} LOGIN"));
                return cluster;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("PostgreSQL did not start: see {}/log", folder.display());
    })
}

impl Cluster {
    fn run(&self, sql: &str) {
        let done = Command::new(self.bin.join("psql"))
            .args(["-h", self.socket.to_str().unwrap(), "-U", "casque", "-d", "postgres", "-q", "-c", sql])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn place(&self, name: &str, folder: &Path) -> Place {
        self.place_as("casque", name, folder)
    }

    fn place_as(&self, role: &str, name: &str, folder: &Path) -> Place {
        let url = format!("postgres://{role}@/{name}?host={}", self.socket.display());
        Place { database: Some(url.parse().unwrap()), keys: Some(folder.join("keys")), ..Place::default() }
    }
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
        cluster().run(&format!("CREATE DATABASE {name}"));
        Self::Postgres(name)
    }

    /// Where it is.
    pub fn place(&self, folder: &Path) -> Place {
        match self {
            Self::Sqlite => Place::folder(folder),
            Self::Postgres(name) => cluster().place(name, folder),
        }
    }

    /// Gives the role that servers use its rights: the suite is served by a role that owns nothing.
    pub fn grant(&self) {
        if let Self::Postgres(name) = self {
            let url = format!("postgres://casque@/{name}?host={}", cluster().socket.display());
            casque::store::grant_roles(&url.parse().unwrap(), &[(NodeRole::Service, SERVICE)]).unwrap();
        }
    }

    /// The place that a server is given.
    pub fn place_of_service(&self, place: &Place) -> Place {
        match self {
            Self::Sqlite => place.clone(),
            Self::Postgres(name) => {
                let keys = place.keys.clone().unwrap();
                cluster().place_as(SERVICE, name, keys.parent().unwrap())
            }
        }
    }

    /// A copy, with the keys in `folder`.
    pub fn copy(&self, folder: &Path) -> Place {
        match self {
            Self::Sqlite => Place::folder(folder),
            Self::Postgres(from) => {
                let name = format!("t{}", NEXT.fetch_add(1, Ordering::SeqCst));
                let _one_at_a_time = MAKING.lock().unwrap();
                cluster().run(&format!("CREATE DATABASE {name} TEMPLATE {from}"));
                cluster().place_as(SERVICE, &name, folder)
            }
        }
    }
}
