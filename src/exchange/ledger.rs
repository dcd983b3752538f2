//! The ledger beside the backups: a file of lines, each an act that narrows, chained by hashes and signed by the log's key. A line is
//! `JSON KEY SIGNATURE`, parted by spaces; its hash is that of the whole line.
//!
//! It lies in one or more places, each a folder. All of them hold the same lines: one that was away is given what it lacks.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signed_note::{StandardVerifier, Verifier};

use crate::domain::NarrowingAct;
use crate::store::{Act, LogKey};

/// Its file, in each of its places.
pub const FILE: &str = "ledger.log";

/// Number and hash of the last line; none of an empty ledger.
pub type Head = Option<(u64, String)>;

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Hash of the line before; empty in the first.
    pub previous: String,
    /// When the act was done.
    pub at: DateTime<Utc>,
    /// Place of the act's entry in the audit log, of the origin that signs the line.
    pub leaf: Option<u64>,
    /// The act's entry in the audit log.
    pub entry: Option<String>,
    /// The act.
    #[serde(flatten)]
    pub act: NarrowingAct,
}

/// An act that is to become a line.
#[derive(Debug, Clone)]
pub struct NewLine {
    /// When the act was done.
    pub at: DateTime<Utc>,
    /// Place and id of its entry in the audit log, once it has one.
    pub logged: Option<(u64, String)>,
    /// The act.
    pub act: NarrowingAct,
}

/// What is wrong with a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file cannot be read or written.
    #[error("the ledger {0} cannot be {1}: {2}")]
    File(PathBuf, &'static str, std::io::Error),
    /// A line is not what was written.
    #[error("line {1} of the ledger {0} is not what was written")]
    Changed(PathBuf, u64),
    /// Two places hold ledgers of which neither goes on from the other.
    #[error("the ledgers {0} and {1} disagree")]
    Fork(PathBuf, PathBuf),
    /// A line cannot be made.
    #[error("a line of the ledger cannot be signed")]
    Unsigned,
}

/// A ledger as it was read and verified.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// Its lines.
    pub lines: Vec<Line>,
    /// The key that signed each.
    signed_by: Vec<String>,
    /// Each as it is written, without its line break.
    texts: Vec<String>,
    hashes: Vec<String>,
    /// The audit entries that have a line.
    entries: HashSet<String>,
}

fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl Chain {
    /// Number and hash of the last line.
    pub fn head(&self) -> Head {
        Some((self.lines.last()?.number, self.hashes.last()?.clone()))
    }

    /// Whether it goes on from this head.
    pub fn extends(&self, head: &(u64, String)) -> bool {
        let at = usize::try_from(head.0).ok().and_then(|number| number.checked_sub(1));
        at.and_then(|at| self.hashes.get(at)) == Some(&head.1)
    }

    /// The place of the log after the last act of this origin that it has.
    pub fn shipped(&self, origin: &str) -> u64 {
        let of = |(line, by): (&Line, &String)| {
            line.leaf.filter(|_| by.rsplit_once('+').is_some_and(|(name, _)| name == origin))
        };
        self.lines.iter().zip(&self.signed_by).filter_map(of).max().map_or(0, |leaf| leaf + 1)
    }

    /// Its acts, oldest first.
    pub fn acts(&self) -> Vec<Act> {
        let act = |line: &Line| Act { entry: line.entry.clone(), at: line.at.naive_utc(), act: line.act.clone() };
        self.lines.iter().map(act).collect()
    }

    /// It as it is written.
    pub fn text(&self) -> String {
        self.texts.iter().map(|text| format!("{text}\n")).collect()
    }

    /// Only its first lines, up to this number.
    pub fn cut(mut self, number: u64) -> Self {
        let most = usize::try_from(number).unwrap_or(usize::MAX);
        self.lines.truncate(most);
        self.signed_by.truncate(most);
        self.texts.truncate(most);
        self.hashes.truncate(most);
        self.entries = self.lines.iter().filter_map(|line| line.entry.clone()).collect();
        self
    }

    /// The longer of two ledgers; none when it does not go on from the shorter one.
    pub fn longer(self, other: Self) -> Option<Self> {
        let (short, long) = if other.lines.len() > self.lines.len() { (self, other) } else { (other, self) };
        short.head().is_none_or(|head| long.extends(&head)).then_some(long)
    }

    fn push(&mut self, text: &str, verifiers: &[StandardVerifier]) -> Option<()> {
        let mut parts = text.rsplitn(3, ' ');
        let (signature, by, json) = (parts.next()?, parts.next()?, parts.next()?);
        let line: Line = serde_json::from_str(json).ok()?;
        let fits = line.number == self.lines.len() as u64 + 1
            && line.previous == self.hashes.last().map_or("", String::as_str);
        let signature = STANDARD.decode(signature).ok()?;
        let (name, id) = by.rsplit_once('+')?;
        let id = u32::from_str_radix(id, 16).ok()?;
        let signed = |verifier: &StandardVerifier| {
            verifier.name() == name && verifier.key_id() == id && verifier.verify(json.as_bytes(), &signature)
        };
        if !fits || !verifiers.iter().any(signed) {
            return None;
        }
        self.entries.extend(line.entry.clone());
        self.lines.push(line);
        self.signed_by.push(by.to_owned());
        self.hashes.push(hash_of(text));
        self.texts.push(text.to_owned());
        Some(())
    }

    fn add(&mut self, new: NewLine, key: &LogKey) -> Option<()> {
        let (leaf, entry) = new.logged.unzip();
        let previous = self.hashes.last().cloned().unwrap_or_default();
        let line = Line { number: self.lines.len() as u64 + 1, previous, at: new.at, leaf, entry, act: new.act };
        let json = serde_json::to_string(&line).ok()?;
        let verifier = StandardVerifier::new(key.public()).ok()?;
        let signature = STANDARD.encode(key.sign(json.as_bytes())?);
        let text = format!("{json} {}+{:08x} {signature}", verifier.name(), verifier.key_id());
        self.push(&text, &[verifier])
    }
}

fn verifiers(keys: &str) -> Vec<StandardVerifier> {
    keys.lines().filter_map(|key| StandardVerifier::new(key.trim()).ok()).collect()
}

/// Reads and verifies a ledger's file. A last line that was cut off while it was written is left out.
///
/// # Errors
/// [`Fault`].
pub fn read(path: &Path, verifier_keys: &str) -> Result<Chain, Fault> {
    let mut chain = Chain::default();
    let text = fs::read_to_string(path).map_err(|e| Fault::File(path.to_owned(), "read", e))?;
    let verifiers = verifiers(verifier_keys);
    for line in whole_lines(&text) {
        let number = chain.lines.len() as u64 + 1;
        chain.push(line, &verifiers).ok_or_else(|| Fault::Changed(path.to_owned(), number))?;
    }
    Ok(chain)
}

/// The lines of a text, without their breaks; a last one that has no break is not whole.
fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'))
}

/// One of its places, as it was last seen.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Whole lines, and their bytes.
    lines: usize,
    bytes: u64,
}

/// The ledger, in all of its places.
#[derive(Debug)]
pub struct Ledger {
    chain: Chain,
    places: Vec<Place>,
    verifier_keys: String,
}

/// What became of adding to the ledger.
#[derive(Debug)]
pub struct Added {
    /// Number and hash of its last line.
    pub head: Head,
    /// Places that could not be brought up to date, each with the reason.
    pub behind: Vec<String>,
}

impl Ledger {
    /// The ledger in these folders: the longest of them, from which no other may differ.
    ///
    /// # Errors
    /// [`Fault`]; a place that cannot be read now is left to later.
    pub fn open(places: &[PathBuf], verifier_keys: &str) -> Result<Self, Fault> {
        let mut ledger = Self { chain: Chain::default(), places: Vec::new(), verifier_keys: verifier_keys.to_owned() };
        let mut from = PathBuf::new();
        for folder in places {
            let path = folder.join(FILE);
            match read(&path, verifier_keys) {
                Ok(other) => {
                    let grows = other.lines.len() > ledger.chain.lines.len();
                    let fork = || Fault::Fork(from.clone(), path.clone());
                    ledger.chain = std::mem::take(&mut ledger.chain).longer(other).ok_or_else(fork)?;
                    if grows {
                        from.clone_from(&path);
                    }
                }
                Err(Fault::File(..)) => {}
                Err(fault) => return Err(fault),
            }
            // Read again when it is written to: another program may write to it meanwhile.
            ledger.places.push(Place { path, lines: 0, bytes: 0 });
        }
        Ok(ledger)
    }

    /// Takes another folder among its places; what it lacks is written there with the next lines.
    pub fn add_place(&mut self, folder: &Path) {
        let path = folder.join(FILE);
        if self.places.iter().all(|place| place.path != path) {
            self.places.push(Place { path, lines: 0, bytes: 0 });
        }
    }

    /// What it holds.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Adds lines, in every place; those that were away are given what they lack.
    ///
    /// # Errors
    /// [`Fault`] when no place took them, or what lies there was changed.
    pub fn add(&mut self, new: Vec<NewLine>, key: &LogKey) -> Result<Added, Fault> {
        let mut files: Vec<(usize, File)> = Vec::new();
        let mut behind = Vec::new();
        for at in 0..self.places.len() {
            match self.take(at) {
                Ok(file) => files.push((at, file)),
                Err(Fault::File(path, what, error)) => {
                    behind.push(format!("{} cannot be {what}: {error}", path.display()));
                }
                Err(fault) => return Err(fault),
            }
        }
        for line in new {
            // Another program, or this one before it fell, may have shipped it.
            if !line.logged.as_ref().is_some_and(|(_, entry)| self.chain.entries.contains(entry)) {
                self.chain.add(line, key).ok_or(Fault::Unsigned)?;
            }
        }
        let mut written = 0;
        for (at, mut file) in files {
            let place = &mut self.places[at];
            let rest: String = self.chain.texts[place.lines..].iter().map(|text| format!("{text}\n")).collect();
            let done =
                if rest.is_empty() { Ok(()) } else { file.write_all(rest.as_bytes()).and_then(|()| file.sync_data()) };
            match done {
                Ok(()) => {
                    place.lines = self.chain.texts.len();
                    place.bytes += rest.len() as u64;
                    written += 1;
                }
                Err(error) => behind.push(format!("{} cannot be written: {error}", place.path.display())),
            }
        }
        if written == 0 {
            let error = std::io::Error::other(behind.join("; "));
            return Err(Fault::File(
                self.places.first().map(|place| place.path.clone()).unwrap_or_default(),
                "written",
                error,
            ));
        }
        Ok(Added { head: self.chain.head(), behind })
    }

    /// Opens a place's file for itself alone, with what another program wrote there taken over; its end is where whole lines end.
    fn take(&mut self, at: usize) -> Result<File, Fault> {
        let place = &mut self.places[at];
        let fault = |what: &'static str| {
            let path = place.path.clone();
            move |error| Fault::File(path, what, error)
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&place.path).map_err(fault("written"))?;
        file.lock().map_err(fault("locked"))?;
        let size = file.metadata().map_err(fault("read"))?.len();
        if size < place.bytes {
            return Err(Fault::Changed(place.path.clone(), place.lines as u64));
        }
        if size > place.bytes {
            let mut text = String::new();
            file.seek(SeekFrom::Start(place.bytes)).map_err(fault("read"))?;
            file.read_to_string(&mut text).map_err(fault("read"))?;
            let verifiers = verifiers(&self.verifier_keys);
            for line in whole_lines(&text) {
                let changed = || Fault::Changed(place.path.clone(), place.lines as u64 + 1);
                match self.chain.texts.get(place.lines) {
                    Some(known) if known == line => {}
                    Some(_) => return Err(changed()),
                    None => self.chain.push(line, &verifiers).ok_or_else(changed)?,
                }
                place.lines += 1;
                place.bytes += line.len() as u64 + 1;
            }
            // What was cut off while it was written.
            file.set_len(place.bytes).map_err(fault("written"))?;
        }
        file.seek(SeekFrom::Start(place.bytes)).map_err(fault("read"))?;
        Ok(file)
    }
}
