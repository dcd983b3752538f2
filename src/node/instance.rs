//! The arguments that name an instance: its database and its key directory.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failed;
use super::key_files::KeyFiles;
use super::private_files::{make_private, owners_file};
use crate::store::{Access, Clock, ConnectionOptions, Location, NodeRole, OpenDatabase};

/// Which database and keys.
#[derive(Debug, Clone, Default, Args)]
pub struct InstanceArgs {
    /// Folder with the embedded database (casque.db) and its keys (keys/).
    #[arg(long, env = "CASQUE_DATA", value_name = "DIR", conflicts_with = "database")]
    pub data: Option<PathBuf>,
    /// URL of the database: postgres://… or sqlite://FILE. It needs --keys too.
    #[arg(long, env = "CASQUE_DATABASE", value_name = "URL")]
    pub database: Option<Location>,
    /// URL of a standby of the database, postgres://…: accounts that cannot write read from it.
    #[arg(long, env = "CASQUE_READ_URL", value_name = "URL", requires = "database")]
    pub read_url: Option<Location>,
    /// Allow a connection without TLS to a database on another host (its URL has no sslmode=require, verify-ca or verify-full).
    #[arg(long, env = "CASQUE_WITHOUT_TLS")]
    pub without_tls: bool,
    /// Maximum number of connections to the database (if absent: 8 to the embedded database, 16 to PostgreSQL).
    #[arg(long, env = "CASQUE_CONNECTIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub connections: Option<u32>,
    /// Folder of the keys: master.key, operator.key, system.key, token.key, audit.key.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Another folder for the ledger, beside the folder of keys: the folder of the backups. The program remembers it. For several folders,
    /// repeat the option, or separate them with commas in the environment variable.
    #[arg(long, env = "CASQUE_LEDGER", value_name = "DIR", value_delimiter = ',')]
    pub ledger: Vec<PathBuf>,
    /// Offline recovery key (an age recipient, age1…). New class keys are wrapped to it too.
    #[arg(long, env = "CASQUE_RECOVERY", value_name = "RECIPIENT")]
    pub recovery: Option<String>,
}

/// A database that an archive is read back to. The embedded one is made beside its place, and put there when it is whole.
#[derive(Debug)]
pub(crate) struct Target {
    reach: ConnectionOptions,
    file: Option<(PathBuf, PathBuf)>,
}

impl Target {
    pub(crate) fn open(&self) -> Result<OpenDatabase, Failed> {
        Ok(OpenDatabase::open(&self.reach, Clock::system(), true)?)
    }

    pub(crate) fn put_in_place(&self) -> Result<(), Failed> {
        let Some((fresh, file)) = &self.file else { return Ok(()) };
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
            let journal = PathBuf::from(format!("{}{end}", fresh.display()));
            if journal.exists() && std::fs::metadata(&journal)?.len() > 0 && end == "-wal" {
                std::fs::rename(&journal, format!("{}{end}", file.display()))?;
            } else {
                let _ = std::fs::remove_file(journal);
            }
        }
        std::fs::rename(fresh, file)?;
        Ok(())
    }
}

impl InstanceArgs {
    /// A place in a folder.
    pub fn folder(path: &Path) -> Self {
        Self { data: Some(path.to_owned()), ..Self::default() }
    }

    fn refuse_exposed(&self) -> Result<(), Failed> {
        let exposed = [&self.database, &self.read_url].into_iter().flatten().any(Location::is_exposed);
        if exposed && !self.without_tls {
            return Err(
                "the database is on another host, but its URL does not ask for TLS: add sslmode=verify-full and \
                        sslrootcert=FILE to it, or say --without-tls"
                    .into(),
            );
        }
        Ok(())
    }

    pub(super) fn location(&self) -> Result<(Location, PathBuf, bool), Failed> {
        self.refuse_exposed()?;
        match (&self.data, &self.database, &self.keys) {
            (None, Some(location), Some(keys)) => Ok((location.clone(), keys.clone(), false)),
            (data, None, keys) => {
                let folder = data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
                make_private(&folder)?;
                let database = folder.join("casque.db");
                if !database.exists() {
                    // Before SQLite makes it for everybody to read; its journal takes the same rights.
                    owners_file(&database)?;
                }
                let keys = keys.clone().unwrap_or_else(|| folder.join("keys"));
                Ok((Location::Sqlite(database), keys, true))
            }
            _ => Err("give --data DIR, or --database URL with --keys DIR".into()),
        }
    }

    /// Brings the schema up to date, and gives roles of PostgreSQL, by name, what nodes of their kind need.
    ///
    /// # Errors
    /// One sentence.
    pub fn migrate(&self, roles: &[(NodeRole, &str)]) -> Result<(), Failed> {
        let location = match &self.database {
            // No key is needed for it.
            Some(location) if self.data.is_none() => self.refuse_exposed().map(|()| location.clone())?,
            _ => self.location()?.0,
        };
        OpenDatabase::open(&self.reach(location.clone(), Access::Full), Clock::system(), true)?;
        if !roles.is_empty() {
            crate::store::grant_roles(&location, roles)?;
        }
        Ok(())
    }

    /// Where an archive is read back to, with the folder of its keys. `made` is told of what was made for it.
    pub(crate) fn target(&self, made: &mut Vec<PathBuf>) -> Result<(Target, KeyFiles), Failed> {
        let make = |folder: &Path, made: &mut Vec<PathBuf>| -> Result<(), Failed> {
            if !folder.exists() {
                made.push(folder.to_owned());
            }
            make_private(folder)
        };
        if let (None, Some(location), Some(folder)) = (&self.data, &self.database, &self.keys) {
            self.refuse_exposed()?;
            make(folder, made)?;
            let (reach, file) = (self.reach(location.clone(), Access::Full), None);
            return Ok((Target { reach, file }, KeyFiles { folder: folder.clone() }));
        }
        let data = self.data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
        make(&data, made)?;
        let folder = self.keys.clone().unwrap_or_else(|| data.join("keys"));
        make(&folder, made)?;
        let (fresh, file) = (data.join("casque.db.new"), data.join("casque.db"));
        if file.exists() {
            let reach = self.reach(Location::Sqlite(file.clone()), Access::Full);
            if !OpenDatabase::open(&reach, Clock::system(), true)?.is_empty()? {
                return Err("the database is not empty: an archive can only go into an empty database".into());
            }
        }
        for left in ["", "-wal", "-shm"].map(|end| data.join(format!("casque.db.new{end}"))) {
            let _ = std::fs::remove_file(&left);
            made.push(left);
        }
        owners_file(&fresh)?;
        let reach = self.reach(Location::Sqlite(fresh.clone()), Access::Full);
        Ok((Target { reach, file: Some((fresh, file)) }, KeyFiles { folder }))
    }

    /// Opens a database that is there, with the folder of its keys and no key of it.
    pub(crate) fn open_locked(&self) -> Result<(OpenDatabase, KeyFiles), Failed> {
        self.refuse_missing()?;
        let (location, folder, _) = self.location()?;
        Ok((OpenDatabase::open(&self.reach(location, Access::Full), Clock::system(), false)?, KeyFiles { folder }))
    }

    pub(super) fn refuse_missing(&self) -> Result<(), Failed> {
        let folder = self.data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
        if self.database.is_none() && !folder.join("casque.db").exists() {
            return Err(format!("there is no database in {}", folder.display()).into());
        }
        Ok(())
    }

    pub(super) fn reach(&self, location: Location, access: Access) -> ConnectionOptions {
        let connections = self.connections.unwrap_or(location.usual_connections());
        ConnectionOptions { location, standby: self.read_url.clone(), connections, access }
    }

    /// The folders in which the ledger lies: that of the keys, and those that were said, now or before.
    pub(crate) fn ledger_places(&self, keys: &KeyFiles) -> Result<Vec<PathBuf>, Failed> {
        let mut known = keys.ledger_known()?;
        if !self.ledger.is_empty() {
            let absolute = |place: &PathBuf| std::path::absolute(place);
            known.places = self.ledger.iter().map(absolute).collect::<std::io::Result<_>>()?;
            keys.ledger_remember(&known)?;
        }
        Ok(std::iter::once(keys.folder.clone()).chain(known.places).collect())
    }
}
