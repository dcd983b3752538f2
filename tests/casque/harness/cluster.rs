//! A PostgreSQL cluster of one's own, out of the system's binaries: as an unprivileged user, on a socket in a temporary
//! folder. It ends when the process that started it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{Signal, signal};

/// A running cluster, or one that was stopped.
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    settings: String,
    owner: &'static str,
}

/// Where the system's binaries are, if they are anywhere.
pub fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).filter(|bin| bin.join("initdb").exists()).max()
}

impl Cluster {
    /// A new cluster, with the user `casque` who owns it, and these settings (`-c name=value …`).
    pub fn start(settings: &str) -> Self {
        Self::start_of("casque", settings)
    }

    /// A new cluster whose superuser has this name.
    pub fn start_of(owner: &'static str, settings: &str) -> Self {
        let cluster = Self { owner, ..Self::folder(settings) };
        cluster.shell(&format!(
            "\"{bin}/initdb\" -D data -U {owner} --auth=trust --encoding=UTF8 --locale=C.UTF-8 -N >log 2>&1",
            bin = cluster.bin.display(),
        ));
        cluster.begin();
        cluster
    }

    /// A standby that follows this cluster by streaming, under a name that it may wait for.
    pub fn standby(&self, name: &str, settings: &str) -> Self {
        let standby = Self::folder(settings);
        standby.shell(&format!(
            "\"{bin}/pg_basebackup\" -D data -R -X stream -c fast -d 'host={from} user=casque application_name={name}' >log 2>&1",
            bin = standby.bin.display(),
            from = self.folder.display(),
        ));
        standby.begin();
        standby
    }

    fn folder(settings: &str) -> Self {
        let bin = binaries().expect("PostgreSQL is not installed: apt-get install postgresql");
        let folder = tempfile::Builder::new().prefix("casque-pg-").tempdir().unwrap().keep();
        if is_root() {
            assert!(Command::new("chown").args(["postgres", folder.to_str().unwrap()]).status().unwrap().success());
        }
        Self { folder, bin, settings: settings.to_owned(), owner: "casque" }
    }

    /// A cluster that does not run yet, and whose data a script is to bring.
    pub fn to_come(owner: &'static str, settings: &str) -> Self {
        Self { owner, ..Self::folder(settings) }
    }

    /// Runs a script in the cluster's folder, as its user.
    pub fn bring(&self, script: &str) {
        self.shell(&format!("export PATH={}:$PATH; {script}", self.bin.display()));
    }

    /// Where the system's programs of PostgreSQL are.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// A shell in the cluster's folder. PostgreSQL refuses to run as root: then as the user that its package made.
    fn command(&self, script: &str) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh", "-c"]);
            command
        } else {
            let mut command = Command::new("sh");
            command.arg("-c");
            command
        };
        command.arg(script).current_dir(&self.folder);
        command
    }

    fn shell(&self, script: &str) {
        let done = self.command(script).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(done.success(), "{script}: {log}");
    }

    /// Starts it, and waits until it answers.
    #[expect(clippy::zombie_processes, reason = "it outlives the suite by a moment, and ends itself")]
    pub fn begin(&self) {
        let script = format!(
            "\"{bin}/postgres\" -D data -k {folder} -c listen_addresses= {settings} >>log 2>&1 & pid=$!; \
             while [ -d /proc/{parent} ] && kill -0 $pid 2>/dev/null; do sleep 0.2; done; \
             if [ ! -d /proc/{parent} ]; then kill -QUIT $pid; wait $pid; cd /; rm -rf {folder}; fi",
            bin = self.bin.display(),
            folder = self.folder.display(),
            settings = self.settings,
            parent = std::process::id(),
        );
        self.command(&script).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..600 {
            let ready = Command::new(self.bin.join("pg_isready")).args(["-q", "-h"]).arg(&self.folder).status();
            if ready.unwrap().success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start: {log}");
    }

    /// The folder of its socket: what a URL of several hosts names.
    pub fn socket(&self) -> &Path {
        &self.folder
    }

    /// Makes a folder of the cluster's own.
    pub fn make_folder(&self, path: &Path) {
        self.shell(&format!("mkdir -m 0700 '{}'", path.display()));
    }

    /// A URL.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@/{database}?host={}", self.folder.display())
    }

    /// Runs SQL as the owner, and gives what it prints, unaligned.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let done = Command::new(self.bin.join("psql"))
            .args([
                "-h",
                self.folder.to_str().unwrap(),
                "-U",
                self.owner,
                "-d",
                database,
                "-qAt",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .args(["-c", sql])
            .output()
            .unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Runs a file of SQL as the owner.
    pub fn run_file(&self, path: &str) {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-h",
            self.folder.to_str().unwrap(),
            "-U",
            self.owner,
            "-d",
            "postgres",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
        ]);
        let done = psql.args(["-f", path]).output().unwrap();
        assert!(done.status.success(), "{path}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Its first process.
    fn pid(&self) -> u32 {
        let text = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        text.lines().next().unwrap().trim().parse().unwrap()
    }

    /// `kill -9`, and waits until nobody answers.
    pub fn kill(&self) {
        signal(self.pid(), Signal::KILL);
        self.gone();
    }

    /// An immediate shutdown, as of a machine that is switched off with its disk written.
    pub fn stop(&self) {
        signal(self.pid(), Signal::QUIT);
        self.gone();
    }

    fn gone(&self) {
        for _ in 0..200 {
            let ready = Command::new(self.bin.join("pg_isready")).args(["-q", "-h"]).arg(&self.folder).status();
            if !ready.unwrap().success() {
                // Its children notice within a moment, and let go of shared memory.
                std::thread::sleep(Duration::from_millis(300));
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("PostgreSQL still answers");
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        assert_eq!(self.run("postgres", "SELECT pg_promote(true, 30)"), "t");
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap() == 0
}
