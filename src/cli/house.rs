//! Where a house stands: its database and its keys; and opening it.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use seal::{ClassCode, MasterKey, OperatorKey, OperatorPublic, check_recovery, generate_class_key, unlock};
use signed_note::StandardSigner;
use zeroize::Zeroizing;

use super::account::operator;
use crate::api::App;
use crate::disclosure::Desk;
use crate::exchange::{missions, states};
use crate::identity::{Identity, TokenKey};
use crate::policy::Scope;
use crate::store::{Access, Checkpoint, Clock, Location, NodeRole, Opened, Reach, Store};

type Failed = Box<dyn std::error::Error>;

/// Which database and keys.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// Folder of the embedded database (casque.db) and of its keys (keys/).
    #[arg(long, env = "CASQUE_DATA", value_name = "DIR", conflicts_with = "database")]
    pub data: Option<PathBuf>,
    /// Database: postgres://… or sqlite://FILE; with --keys.
    #[arg(long, env = "CASQUE_DATABASE", value_name = "URL", requires = "keys")]
    pub database: Option<Location>,
    /// A standby of the database, postgres://…, which serves accounts that cannot write.
    #[arg(long, env = "CASQUE_READ_URL", value_name = "URL", requires = "database")]
    pub read_url: Option<Location>,
    /// Take a database on another host whose URL asks for no TLS (sslmode=require, verify-ca or verify-full).
    #[arg(long, env = "CASQUE_WITHOUT_TLS")]
    pub without_tls: bool,
    /// Connections to the database, at most (8 to the embedded one if absent, 16 to PostgreSQL).
    #[arg(long, env = "CASQUE_CONNECTIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub connections: Option<u32>,
    /// Folder of the keys: master.key, operator.key, token.key, audit.key.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Offline recovery key (an age recipient, age1…) to which new class keys are wrapped too.
    #[arg(long, env = "CASQUE_RECOVERY", value_name = "RECIPIENT")]
    pub recovery: Option<String>,
}

/// How a house is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start {
    /// Bring the schema up to date (always so for the embedded database).
    pub migrate: bool,
    /// What the node does; without `Access::Full` it is opened without private keys.
    pub access: Access,
    /// Leave the private class keys where they are: for commands that open nothing.
    pub deskless: bool,
    /// Open what is there, and make nothing: a mistyped folder is an error.
    pub existing: bool,
}

/// The files in the folder of keys.
#[derive(Debug)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failed> {
        let path = self.path(name);
        let mut text = Zeroizing::new(String::new());
        match OpenOptions::new().read(true).open(&path) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
                Ok(Some(text))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display()).into()),
        }
    }

    /// Writes a file that only its owner reads, and never over another.
    fn write_new(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path(name);
        let mut file = owners_file(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(())
    }

    fn seed(&self, name: &str) -> Result<Option<Zeroizing<[u8; 32]>>, Failed> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut seed[..])
            .map_err(|_| format!("{} is not a key: it must hold 64 hexadecimal digits", self.path(name).display()))?;
        Ok(Some(seed))
    }

    /// The operator's public key: whose class keys are trusted.
    fn operator(&self) -> Result<OperatorPublic, Failed> {
        let bytes = self.seed("operator.pub")?.ok_or_else(|| {
            format!(
                "{} is missing: without it nobody can tell whose class keys these are",
                self.path("operator.pub").display()
            )
        })?;
        Ok(OperatorPublic::from_bytes(&bytes)?)
    }

    fn seed_or_new(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, Failed> {
        if let Some(seed) = self.seed(name)? {
            return Ok(seed);
        }
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]);
        self.write_new(name, &format!("{}\n", hex::encode(*seed)))?;
        Ok(seed)
    }

    /// The key that signs checkpoints, made when there is none, with its public half beside it.
    fn audit_signer(&self) -> Result<StandardSigner, Failed> {
        if self.read("audit.key")?.is_none() {
            self.make_audit_key("casque")?;
        }
        let text = self.read("audit.key")?.unwrap_or_default();
        StandardSigner::new(text.trim()).map_err(|e| format!("audit.key cannot be read: {e}").into())
    }

    /// The public halves of the keys that sign, and signed, checkpoints: one a line, one an origin of the log.
    ///
    /// # Errors
    /// When there is none.
    pub fn audit_public(&self) -> Result<String, Failed> {
        let text = self.read("audit.pub")?.ok_or_else(|| format!("{} is missing", self.path("audit.pub").display()))?;
        let mut all = text.trim().to_owned();
        for number in 1.. {
            let Some(earlier) = self.read(&format!("audit-{number}.pub"))? else { break };
            all.push('\n');
            all.push_str(earlier.trim());
        }
        Ok(all)
    }

    /// Begins a new origin of the log, after a restore or a move: the key and the last checkpoint of the old one are put
    /// aside, and another key signs from now on. Gives the old checkpoint.
    ///
    /// # Errors
    /// When a file cannot be moved or written.
    pub fn begin_origin(&self) -> Result<Option<Checkpoint>, Failed> {
        let last = self.last_checkpoint()?;
        if self.read("audit.key")?.is_none() {
            return Ok(last);
        }
        let mut number = 1;
        while self.path(&format!("audit-{number}.pub")).exists() {
            number += 1;
        }
        for ending in ["key", "pub", "checkpoint"] {
            let from = self.path(&format!("audit.{ending}"));
            if from.exists() {
                fs::rename(from, self.path(&format!("audit-{number}.{ending}")))?;
            }
        }
        self.make_audit_key(&format!("casque-{}", number + 1))?;
        Ok(last)
    }

    fn make_audit_key(&self, name: &str) -> Result<(), Failed> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]);
        let (private, public) = note_key(name, &seed);
        self.write_new("audit.key", &format!("{}\n", *private))?;
        self.write_new("audit.pub", &format!("{public}\n"))
    }

    /// The last checkpoint that was signed here.
    fn last_checkpoint(&self) -> Result<Option<Checkpoint>, Failed> {
        let Some(text) = self.read("audit.checkpoint")? else { return Ok(None) };
        let size = text.lines().nth(1).and_then(|line| line.parse().ok());
        let size = size.ok_or_else(|| format!("{} is damaged", self.path("audit.checkpoint").display()))?;
        Ok(Some(Checkpoint { size, note: text.to_string() }))
    }

    fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failed> {
        let fresh = self.path("audit.checkpoint.new");
        fs::write(&fresh, &checkpoint.note)?;
        fs::rename(&fresh, self.path("audit.checkpoint"))?;
        Ok(())
    }
}

/// A C2SP signed-note key pair out of a seed.
fn note_key(name: &str, seed: &[u8; 32]) -> (Zeroizing<String>, String) {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    const ED25519: u8 = 1;
    let key = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key();
    let public = [&[ED25519][..], key.as_bytes()].concat();
    let id = signed_note::key_id(name, &public);
    let private = Zeroizing::new([&[ED25519][..], seed].concat());
    let text = Zeroizing::new(format!("PRIVATE+KEY+{name}+{id:08x}+{}", STANDARD.encode(&*private)));
    (text, signed_note::new_ed25519_verifier_key(name, &key))
}

/// An open house: store, desk, identity, and the audit log's signer.
pub struct House {
    /// The store.
    pub store: Arc<Store>,
    /// Identity over it.
    pub identity: Arc<Identity>,
    /// The disclosure desk, unless opened without private keys.
    pub desk: Option<Desk>,
    /// Files of keys.
    pub keys: Keys,
    signer: Option<StandardSigner>,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("House")
    }
}

impl Place {
    /// A place in a folder.
    pub fn folder(path: &Path) -> Self {
        Self { data: Some(path.to_owned()), ..Self::default() }
    }

    fn location(&self) -> Result<(Location, PathBuf, bool), Failed> {
        let exposed = [&self.database, &self.read_url].into_iter().flatten().any(Location::is_exposed);
        if exposed && !self.without_tls {
            return Err("the database is on another host, and its URL asks for no TLS: add sslmode=verify-full and \
                        sslrootcert=FILE to it, or say --without-tls"
                .into());
        }
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
        let (location, _, _) = self.location()?;
        Opened::open(&self.reach(location.clone(), Access::Full), Clock::system(), true)?;
        if !roles.is_empty() {
            crate::store::grant_roles(&location, roles)?;
        }
        Ok(())
    }

    /// Opens the database alone, migrated, with no word of its keys: to read an archive back into.
    ///
    /// # Errors
    /// One sentence.
    pub fn open_empty(&self) -> Result<Opened, Failed> {
        let (location, keys, _) = self.location()?;
        make_private(&keys)?;
        Ok(Opened::open(&self.reach(location, Access::Full), Clock::system(), true)?)
    }

    fn reach(&self, location: Location, access: Access) -> Reach {
        let usual = if matches!(location, Location::Sqlite(_)) { 8 } else { 16 };
        let connections = self.connections.unwrap_or(usual);
        Reach { location, standby: self.read_url.clone(), connections, access }
    }

    /// Opens the house with the machine's clock.
    ///
    /// # Errors
    /// One sentence, and nothing destroyed: the database cannot be opened, a key is missing, wrong or swapped.
    pub fn open(&self, start: Start) -> Result<House, Failed> {
        self.open_at(start, Clock::system())
    }

    /// Opens the house with a clock.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn open_at(&self, start: Start, clock: Clock) -> Result<House, Failed> {
        if let Some(recipient) = &self.recovery {
            check_recovery(recipient)?;
        }
        if let (true, None) = (start.existing, &self.database) {
            let folder = self.data.clone().unwrap_or_else(|| PathBuf::from("casque-data"));
            if !folder.join("casque.db").exists() {
                return Err(format!("there is no database in {}", folder.display()).into());
            }
        }
        let (location, folder, embedded) = self.location()?;
        make_private(&folder)?;
        let keys = Keys { folder };
        let migrate = (embedded && start.access != Access::ReadOnly) || start.migrate;
        let opened = Opened::open(&self.reach(location, start.access), clock, migrate)?;
        if start.access == Access::Full {
            self.open_with_keys(opened, keys, start.deskless)
        } else {
            open_without_keys(opened, keys)
        }
    }

    fn open_with_keys(&self, opened: Opened, keys: Keys, deskless: bool) -> Result<House, Failed> {
        let mut classes = opened.class_keys()?;
        let master = keys.seed("master.key")?;
        if classes.is_empty() {
            let master = MasterKey::from_bytes(*keys.seed_or_new("master.key")?);
            let operator = OperatorKey::from_seed(&*keys.seed_or_new("operator.key")?);
            if keys.read("operator.pub")?.is_none() {
                keys.write_new("operator.pub", &format!("{}\n", hex::encode(operator.public().to_bytes())))?;
            }
            for class in ClassCode::ALL {
                classes.push(generate_class_key(class, &master, &operator, self.recovery.as_deref())?);
            }
            opened.class_keys_store(&classes)?;
        }
        let (granter, desk) = if deskless {
            (None, None)
        } else {
            let path = keys.path("master.key");
            let seed = match master {
                Some(seed) => seed,
                None => keys.seed("master.key")?.ok_or_else(|| {
                    format!(
                        "the master key {} is missing; put it back, or serve with --sealed (nothing was changed)",
                        path.display()
                    )
                })?,
            };
            let (granter, opener) = unlock(&MasterKey::from_bytes(*seed), &classes).map_err(|_| {
                format!("the master key {} is not the one of this database (nothing was changed)", path.display())
            })?;
            (Some(granter), Some(Desk::new(opener)))
        };
        let store = Arc::new(opened.into_store(&keys.operator()?, granter)?);
        load_reference(&store)?;
        let token = TokenKey::from_seed(&*keys.seed_or_new("token.key")?).ok_or("token.key is not a key")?;
        if keys.read("token.pub")?.is_none() {
            keys.write_new("token.pub", &format!("{}\n", token.public()))?;
        }
        let identity = Arc::new(Identity::new(store.clone(), token));
        let signer = Some(keys.audit_signer()?);
        Ok(House { store, identity, desk, keys, signer })
    }
}

/// Opens with public keys alone: whose class keys are trusted (`operator.pub`), and whose tokens (`token.pub`).
fn open_without_keys(opened: Opened, keys: Keys) -> Result<House, Failed> {
    let store = Arc::new(opened.into_store(&keys.operator()?, None)?);
    let token = keys.read("token.pub")?.ok_or_else(|| format!("{} is missing", keys.path("token.pub").display()))?;
    let token = TokenKey::from_public(token.trim()).ok_or("token.pub is not a key")?;
    let identity = Arc::new(Identity::new(store.clone(), token));
    Ok(House { store, identity, desk: None, keys, signer: None })
}

/// A new file that only its owner reads.
pub(super) fn owners_file(path: &Path) -> Result<fs::File, Failed> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}

/// Loads the missions and States that this program carries and the database lacks.
fn load_reference(store: &Store) -> Result<(), Failed> {
    let (missions, states) = (missions()?, states()?);
    let known = store.read(&Scope::Nothing, |r| Ok((r.mission_list()?.len(), r.state_list()?.len())))?;
    if known.0 < missions.len() || known.1 < states.len() {
        store.write(&operator(), |w| w.reference_load(&missions, &states))?;
    }
    Ok(())
}

/// A folder that only its owner enters.
pub(super) fn make_private(folder: &Path) -> Result<(), Failed> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()).into())
}

impl House {
    /// Places waiting audit entries in the tree and signs what it has become: what a command does before it ends.
    ///
    /// # Errors
    /// As [`Keeper::sign`].
    pub fn settle_audit(self) -> Result<(), Failed> {
        self.into_app()?.1.sign()
    }

    /// Splits into what calls share, and what keeps the audit log.
    ///
    /// # Errors
    /// The store's.
    pub fn into_app(self) -> Result<(App, Keeper), Failed> {
        let Self { store, identity, desk, keys, signer } = self;
        let app = App::new(store.clone(), identity, desk)?;
        Ok((app, Keeper { store, keys, signer }))
    }
}

/// Keeps the house while a server runs: hears and gives the pulse, places audit entries, folds tallies, and signs the tree, as
/// far as the node may.
pub struct Keeper {
    store: Arc<Store>,
    keys: Keys,
    signer: Option<StandardSigner>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Keeper {
    /// Hears the pulse, and gives it where the node writes.
    ///
    /// # Errors
    /// The store's.
    pub fn pulse(&self) -> Result<(), Failed> {
        Ok(self.store.pulse()?)
    }

    /// Places waiting audit entries, and folds what changed into the tallies.
    ///
    /// # Errors
    /// The store's.
    pub fn place(&self) -> Result<(), Failed> {
        if self.signer.is_none() {
            return Ok(());
        }
        while self.store.audit_sequence()? > 0 {}
        Ok(self.store.tally_fold()?)
    }

    /// Signs the tree as it is.
    ///
    /// # Errors
    /// The store's; that the tree does not extend its last checkpoint.
    pub fn sign(&self) -> Result<(), Failed> {
        self.place()?;
        let Some(signer) = &self.signer else { return Ok(()) };
        let last = self.keys.last_checkpoint()?;
        if let Some(checkpoint) = self.store.audit_checkpoint(signer, last.as_ref())? {
            self.keys.keep_checkpoint(&checkpoint)?;
        }
        Ok(())
    }
}
