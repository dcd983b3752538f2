//! The folder of keys: its files, which only their owner reads and which are never written over, and what is read out of them.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};
use seal::OperatorPublic;
use signed_note::StandardSigner;
use zeroize::Zeroizing;

use crate::identity::{TokenKey, TokenKeys};
use crate::store::Checkpoint;

type Failed = Box<dyn std::error::Error>;

/// The master key that is to take the present one's place.
pub(super) const NEXT_MASTER: &str = "master-next.key";

/// The files in the folder of keys.
#[derive(Debug)]
pub struct Keys {
    pub(super) folder: PathBuf,
}

impl Keys {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, Failed> {
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
    pub(super) fn write_new(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path(name);
        let mut file = owners_file(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // And that it is there, too: what was wrapped under a new key is lost with it.
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Lets one command at a time change keys. It is let go with what this gives.
    pub(super) fn lock(&self) -> Result<fs::File, Failed> {
        let path = self.path("keys.lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err("another command is changing keys: wait until it is done".into()),
            Err(fs::TryLockError::Error(error)) => Err(format!("{} cannot be locked: {error}", path.display()).into()),
        }
    }

    pub(super) fn seed(&self, name: &str) -> Result<Option<Zeroizing<[u8; 32]>>, Failed> {
        let Some(text) = self.read(name)? else { return Ok(None) };
        let mut seed = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut seed[..])
            .map_err(|_| format!("{} is not a key: it must hold 64 hexadecimal digits", self.path(name).display()))?;
        Ok(Some(seed))
    }

    /// Puts the new master key in the old one's place; the old one stays beside it under the time of the day, since it opens backups
    /// of keys that were made before. Gives where it stays, if there was one.
    pub(super) fn take_next_master(&self) -> Result<Option<PathBuf>, Failed> {
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
    pub(super) fn operator(&self) -> Result<OperatorPublic, Failed> {
        let bytes = self.seed("operator.pub")?.ok_or_else(|| {
            format!(
                "{} is missing: without it nobody can tell whose class keys these are",
                self.path("operator.pub").display()
            )
        })?;
        Ok(OperatorPublic::from_bytes(&bytes)?)
    }

    pub(super) fn seed_or_new(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, Failed> {
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
    pub(super) fn token_keys(&self, public: bool) -> Result<TokenKeys, Failed> {
        let mut keys = Vec::new();
        for number in self.token_numbers()? {
            let file = format!("{}.{}", token_name(number), if public { "pub" } else { "key" });
            let Some(text) = self.read(&file)? else { continue };
            let wrong = || format!("{} is not a key of tokens", self.path(&file).display());
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
    pub(super) fn make_token_key(&self) -> Result<(), Failed> {
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
    pub(super) fn rotate_token_key(&self, from: NaiveDateTime) -> Result<[PathBuf; 2], Failed> {
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
    pub(super) fn audit_signer(&self) -> Result<StandardSigner, Failed> {
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
    pub(super) fn last_checkpoint(&self) -> Result<Option<Checkpoint>, Failed> {
        let Some(text) = self.read("audit.checkpoint")? else { return Ok(None) };
        let size = text.lines().nth(1).and_then(|line| line.parse().ok());
        let size = size.ok_or_else(|| format!("{} is damaged", self.path("audit.checkpoint").display()))?;
        Ok(Some(Checkpoint { size, note: text.to_string() }))
    }

    pub(super) fn keep_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failed> {
        let fresh = self.path("audit.checkpoint.new");
        fs::write(&fresh, &checkpoint.note)?;
        fs::rename(&fresh, self.path("audit.checkpoint"))?;
        Ok(())
    }
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

/// A new file that only its owner reads.
pub(super) fn owners_file(path: &Path) -> Result<fs::File, Failed> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}

/// A folder that only its owner enters.
pub(super) fn make_private(folder: &Path) -> Result<(), Failed> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()).into())
}
