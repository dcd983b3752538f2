//! The folder of keys: its files, which only their owner reads and which are never written over, and what is read out of them.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, Utc};
use seal::{ClassCode, OperatorPublic};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::private_files::{make_private, owners_file, refuse_root, refuse_shared};
use crate::exchange::ledger::{Chain, FILE};
use crate::identity::{TokenKey, TokenKeys};
use crate::store::{Checkpoint, LogKey};

type Failed = Box<dyn std::error::Error>;

/// The master key that is to take the present one's place.
pub(crate) const NEXT_MASTER: &str = "master-next.key";

/// The files in the folder of keys.
#[derive(Debug)]
pub struct KeyFiles {
    pub(crate) folder: PathBuf,
}

impl KeyFiles {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failed> {
        let path = self.path(name);
        let mut text = Zeroizing::new(String::new());
        match OpenOptions::new().read(true).open(&path) {
            Ok(mut file) => {
                if is_private(name) {
                    refuse_shared(&path, &file)?;
                }
                file.read_to_string(&mut text).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
                Ok(Some(text))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display()).into()),
        }
    }

    /// Writes a file that only its owner reads, and never over another.
    pub(crate) fn write_new(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path(name);
        let mut file = owners_file(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // And that it is there, too: what was wrapped under a new key is lost with it.
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Lets one command at a time change keys. It is let go with what this gives.
    pub(crate) fn lock(&self) -> Result<fs::File, Failed> {
        refuse_root(&self.folder)?;
        let path = self.path("keys.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err("another command is changing keys: wait until it is done".into()),
            Err(fs::TryLockError::Error(error)) => Err(format!("{} cannot be locked: {error}", path.display()).into()),
        }
    }

    pub(crate) fn seed(&self, name: &str) -> Result<Option<Zeroizing<[u8; 32]>>, Failed> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut seed[..])
            .map_err(|_| format!("{} is not a key: it must hold 64 hexadecimal digits", self.path(name).display()))?;
        Ok(Some(seed))
    }

    /// Puts the new master key in the old one's place; the old one stays beside it under the time of the day, since it opens backups
    /// of keys that were made before. Gives where it stays, if there was one.
    pub(crate) fn take_next_master(&self) -> Result<Option<PathBuf>, Failed> {
        let (present, next) = (self.path("master.key"), self.path(NEXT_MASTER));
        let old = self.path(&format!("master-{}.key", Utc::now().format("%Y%m%dT%H%M%SZ")));
        let old = if present.exists() {
            // Linked, not moved: there is a master.key at every moment.
            fs::hard_link(&present, &old)?;
            Some(old)
        } else {
            None
        };
        fs::rename(&next, &present)?;
        Ok(old)
    }

    /// The operator's public key: whose class keys are trusted.
    pub(crate) fn operator(&self) -> Result<OperatorPublic, Failed> {
        let bytes = self.seed("operator.pub")?.ok_or_else(|| {
            format!(
                "{} is missing: it is needed to check who signed the class keys",
                self.path("operator.pub").display()
            )
        })?;
        Ok(OperatorPublic::from_bytes(&bytes)?)
    }

    pub(crate) fn seed_or_new(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, Failed> {
        if let Some(seed) = self.seed(name)? {
            return Ok(seed);
        }
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]);
        self.write_new(name, &format!("{}\n", hex::encode(*seed)))?;
        Ok(seed)
    }

    /// The keys of tokens, each with the time (UTC) from which it signs: `token.key`, and one file for each that took its place,
    /// `token-2.key` … With `public` their public halves alone, which are all that a node without private keys is given.
    pub(crate) fn token_keys(&self, public: bool) -> Result<TokenKeys, Failed> {
        let mut keys = Vec::new();
        for number in self.token_numbers()? {
            let file = format!("{}.{}", token_name(number), if public { "pub" } else { "key" });
            let Some(text) = self.read(&file)? else { continue };
            let wrong = || format!("{} is not a token key", self.path(&file).display());
            let mut parts = text.split_whitespace();
            let (key, from) = (parts.next().ok_or_else(wrong)?, parts.next());
            let from = from.map_or(Ok(DateTime::UNIX_EPOCH.naive_utc()), str::parse).map_err(|_| wrong())?;
            let key = if public {
                TokenKey::from_public(key)
            } else {
                let mut seed = Zeroizing::new([0; 32]);
                hex::decode_to_slice(key, &mut seed[..]).map_err(|_| wrong())?;
                TokenKey::from_seed(&seed)
            };
            keys.push((from, key.ok_or_else(wrong)?));
        }
        TokenKeys::new(keys).ok_or_else(|| {
            format!("{} is missing", self.path(if public { "token.pub" } else { "token.key" }).display()).into()
        })
    }

    /// Makes the first key of tokens where there is none.
    pub(crate) fn make_token_key(&self) -> Result<(), Failed> {
        if self.token_numbers()?.is_empty() {
            self.seed_or_new("token.key")?;
        }
        let Some(seed) = self.seed("token.key")? else { return Ok(()) };
        if self.read("token.pub")?.is_none() {
            let key = TokenKey::from_seed(&seed).ok_or("token.key is not a key")?;
            self.write_new("token.pub", &format!("{}\n", key.public()))?;
        }
        Ok(())
    }

    /// The numbers of the keys of tokens that are there: those that retired may have been taken away.
    fn token_numbers(&self) -> Result<Vec<u32>, Failed> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some((stem, "key" | "pub")) = name.to_str().and_then(|name| name.rsplit_once('.')) else { continue };
            let number = match stem.strip_prefix("token") {
                Some("") => Some(1),
                Some(rest) => rest.strip_prefix('-').and_then(|number| number.parse().ok()),
                None => None,
            };
            numbers.extend(number.filter(|number| *number > 0));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// Makes another key of tokens, which signs from a time (UTC) on. Gives the files it made.
    pub(crate) fn rotate_token_key(&self, from: NaiveDateTime) -> Result<[PathBuf; 2], Failed> {
        let name = token_name(self.token_numbers()?.last().copied().unwrap_or(1) + 1);
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]);
        let key = TokenKey::from_seed(&seed).ok_or("the key cannot be made")?;
        let from = from.format("%Y-%m-%dT%H:%M:%S");
        let (private, public) = (format!("{name}.key"), format!("{name}.pub"));
        // Its public half first: whoever sees the private one can be sure of the other.
        self.write_new(&public, &format!("{} {from}\n", key.public()))?;
        self.write_new(&private, &format!("{} {from}\n", hex::encode(*seed)))?;
        Ok([self.path(&private), self.path(&public)])
    }

    /// The key that signs checkpoints, made when there is none, with its public half beside it.
    pub(crate) fn log_key(&self) -> Result<LogKey, Failed> {
        if self.read("audit.key")?.is_none() {
            self.origin_switch(&NewOrigin::random())?;
        }
        let private = self.read("audit.key")?.unwrap_or_default();
        let public =
            self.read("audit.pub")?.ok_or_else(|| format!("{} is missing", self.path("audit.pub").display()))?;
        Ok(LogKey::new(private.trim(), public.trim())?)
    }

    /// Whether there is a key that signs checkpoints.
    pub(crate) fn has_log_key(&self) -> Result<bool, Failed> {
        Ok(self.read("audit.key")?.is_some())
    }

    /// The public halves of the keys that sign, and signed, checkpoints: one a line, one an origin of the log, the present one first.
    ///
    /// # Errors
    /// When there is none.
    pub fn audit_public(&self) -> Result<String, Failed> {
        let text = self.read("audit.pub")?.ok_or_else(|| {
            format!(
                "{} is missing: it is needed to check who signed the audit log and the ledger",
                self.path("audit.pub").display()
            )
        })?;
        let mut all = text.trim().to_owned();
        for number in self.origin_numbers()? {
            if let Some(earlier) = self.read(&format!("audit-{number}.pub"))? {
                all.push('\n');
                all.push_str(earlier.trim());
            }
        }
        Ok(all)
    }

    /// The numbers of earlier origins of the log.
    fn origin_numbers(&self) -> Result<Vec<u32>, Failed> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number =
                name.to_str().and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".pub")?.parse::<u32>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Lets another key sign the log from now on: the old one and its last checkpoint are put aside. Gives how to take that back.
    ///
    /// # Errors
    /// When a file cannot be moved or written; then nothing was.
    pub(crate) fn origin_switch(&self, next: &NewOrigin) -> Result<Switched, Failed> {
        let number = self.origin_numbers()?.last().copied().unwrap_or(0) + 1;
        let mut switched = Switched { moved: Vec::new(), made: Vec::new() };
        let mut switch = || -> Result<(), Failed> {
            for ending in ["key", "pub", "checkpoint"] {
                let (from, to) =
                    (self.path(&format!("audit.{ending}")), self.path(&format!("audit-{number}.{ending}")));
                if from.exists() {
                    fs::rename(&from, &to)?;
                    switched.moved.push((from, to));
                }
            }
            for (name, text) in [("audit.key", &*next.private), ("audit.pub", &next.public)] {
                self.write_new(name, &format!("{text}\n"))?;
                switched.made.push(self.path(name));
            }
            Ok(())
        };
        match switch() {
            Ok(()) => Ok(switched),
            Err(error) => {
                switched.undo();
                Err(error)
            }
        }
    }

    /// The last checkpoint that was signed here. One that this log's own key did not sign is refused: nothing is built on it.
    pub(crate) fn last_checkpoint(&self, key: &LogKey) -> Result<Option<Checkpoint>, Failed> {
        let Some(text) = self.read("audit.checkpoint")? else { return Ok(None) };
        let path = self.path("audit.checkpoint");
        let checkpoint = Checkpoint::verified(&text, key.public()).ok_or_else(|| {
            format!("this log's key did not sign {}: put back the file that it signed", path.display())
        })?;
        Ok(Some(checkpoint))
    }

    /// The checkpoints that were kept here: the last of each origin, and the last few of the present one.
    pub(crate) fn kept_checkpoints(&self) -> Result<Vec<String>, Failed> {
        let mut kept: Vec<String> = self.read("audit.checkpoint")?.into_iter().map(|text| text.to_string()).collect();
        for number in self.origin_numbers()? {
            kept.extend(self.read(&format!("audit-{number}.checkpoint"))?.map(|text| text.to_string()));
        }
        for name in self.older_checkpoints()? {
            // The node that signs may have taken the oldest away meanwhile.
            kept.extend(self.read(&name)?.map(|text| text.to_string()));
        }
        Ok(kept)
    }

    /// The files of the last few checkpoints of the present origin, the oldest first.
    fn older_checkpoints(&self) -> Result<Vec<String>, Failed> {
        let mut found = Vec::new();
        if let Ok(entries) = fs::read_dir(self.path(CHECKPOINTS)) {
            for entry in entries {
                let name =
                    entry.map_err(|e| format!("{} cannot be read: {e}", self.path(CHECKPOINTS).display()))?.file_name();
                let name = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
                found.extend(name.map(|name| format!("{CHECKPOINTS}/{name}")));
            }
        }
        found.sort();
        Ok(found)
    }

    pub(crate) fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failed> {
        make_private(&self.path(CHECKPOINTS))?;
        self.replace(&format!("{CHECKPOINTS}/{:020}", checkpoint.size), &checkpoint.note)?;
        let all = self.older_checkpoints()?;
        for name in all.iter().take(all.len().saturating_sub(KEPT)) {
            let _ = fs::remove_file(self.path(name));
        }
        self.replace("audit.checkpoint", &checkpoint.note)
    }

    /// Writes a file of ours in place of what it was, whole or not at all. A node and a command may do it at the same time: each has a new
    /// file of its own.
    fn replace(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.folder);
        refuse_root(folder)?;
        let write = || -> std::io::Result<()> {
            let mut fresh = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
            fresh.write_all(text.as_bytes())?;
            fresh.as_file().sync_all()?;
            fresh.persist(&path)?;
            Ok(())
        };
        write().map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
    }

    /// The highest number of each class's key that was seen here.
    pub(crate) fn class_keys_seen(&self) -> Result<HashMap<ClassCode, u64>, Failed> {
        let Some(text) = self.read(SEEN)? else { return Ok(HashMap::new()) };
        let seen: HashMap<String, u64> =
            serde_json::from_str(&text).map_err(|_| format!("{} is damaged", self.path(SEEN).display()))?;
        Ok(seen.into_iter().filter_map(|(class, number)| Some((ClassCode::parse(&class)?, number))).collect())
    }

    /// Remembers the highest number of each class's key. Where the folder cannot be written, as where it is mounted as secrets, the node
    /// remembers while it runs.
    pub(crate) fn class_keys_remember(&self, seen: &HashMap<ClassCode, u64>) -> Result<(), Failed> {
        if self.class_keys_seen()? == *seen {
            return Ok(());
        }
        let text: std::collections::BTreeMap<&str, u64> =
            seen.iter().map(|(class, number)| (class.name(), *number)).collect();
        let kept = self.replace(SEEN, &format!("{}\n", serde_json::to_string(&text)?));
        if let Err(error) = kept {
            tracing::debug!(%error, "the numbers of class keys are remembered while the node runs");
        }
        Ok(())
    }

    /// Where the ledger lies, as it was last said; its own place in the folder of keys is always among them.
    pub(crate) fn ledger_known(&self) -> Result<LedgerKnown, Failed> {
        let Some(text) = self.read(LEDGER)? else { return Ok(LedgerKnown::default()) };
        Ok(serde_json::from_str(&text).map_err(|_| format!("{} is damaged", self.path(LEDGER).display()))?)
    }

    /// Keeps a copy of a ledger here, in place of a shorter one.
    pub(crate) fn ledger_keep(&self, chain: &Chain) -> Result<(), Failed> {
        self.replace(FILE, &chain.text())
    }

    /// Remembers where the ledger lies, and its last line.
    pub(crate) fn ledger_remember(&self, known: &LedgerKnown) -> Result<(), Failed> {
        if self.ledger_known()? == *known {
            return Ok(());
        }
        self.replace(LEDGER, &format!("{}\n", serde_json::to_string(known)?))
    }
}

/// The file with the highest numbers of class keys that were seen.
const SEEN: &str = "class-keys.json";
/// The file that says where the ledger lies, and which line was its last.
const LEDGER: &str = "ledger.json";
/// The folder of earlier checkpoints.
const CHECKPOINTS: &str = "checkpoints";
/// So many checkpoints are kept beside the last one.
const KEPT: usize = 50;

/// What is remembered of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerKnown {
    /// Its places besides the folder of keys.
    pub(crate) places: Vec<PathBuf>,
    /// Number and hash of its last line.
    pub(crate) head: Option<(u64, String)>,
    /// The log's origin, and the place up to which its acts are in the ledger.
    pub(crate) shipped: Option<(String, u64)>,
}

/// The key of a new origin of the log, before it is in place. Its name is unique to the installation (C2SP tlog-checkpoint).
pub(crate) struct NewOrigin {
    pub(crate) name: String,
    private: Zeroizing<String>,
    pub(crate) public: String,
}

impl NewOrigin {
    pub(crate) fn random() -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]);
        let name = format!("casque-{}", hex::encode(rand::random::<[u8; 8]>()));
        let (private, public) = note_key(&name, &seed);
        Self { name, private, public }
    }
}

/// A change of origin that can be taken back.
pub(crate) struct Switched {
    moved: Vec<(PathBuf, PathBuf)>,
    made: Vec<PathBuf>,
}

impl Switched {
    pub(crate) fn undo(&self) {
        for made in &self.made {
            let _ = fs::remove_file(made);
        }
        for (from, to) in &self.moved {
            let _ = fs::rename(to, from);
        }
    }
}

/// Whether a file of this name holds what must not be read by others.
fn is_private(name: &str) -> bool {
    name.ends_with(".key") || name.ends_with(".secret")
}

fn token_name(number: u32) -> String {
    if number == 1 { "token".into() } else { format!("token-{number}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_and_a_command_write_the_same_files_of_the_folder_at_once_and_both_succeed() -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        let failed = std::thread::scope(|scope| {
            let work = |who: u64| {
                let keys = KeyFiles { folder: folder.path().to_owned() };
                move || -> Result<(), String> {
                    for size in 0..150 {
                        let at = LedgerKnown { head: Some((size, who.to_string())), ..LedgerKnown::default() };
                        keys.ledger_remember(&at).map_err(|e| e.to_string())?;
                        let note = format!("{size}\n");
                        let checkpoint = Checkpoint { size, root: [0; 32], origin: String::new(), ledger: None, note };
                        keys.keep_checkpoint(&checkpoint).map_err(|e| e.to_string())?;
                        keys.kept_checkpoints().map_err(|e| e.to_string())?;
                    }
                    Ok(())
                }
            };
            let both = [scope.spawn(work(1)), scope.spawn(work(2))];
            both.map(|one| one.join().unwrap_or_else(|_| Err("a thread ended early".into())))
        });
        assert_eq!(failed, [Ok(()), Ok(())]);
        Ok(())
    }
}
