//! A whole database as two files, values and keys, out of one snapshot, and back into an empty one of either kind: what a
//! backup is, and a move. Ciphertexts, revisions and the audit log go as they are, byte for byte; sessions do not go, tallies
//! are made anew. Neither file opens anything alone: one has what is sealed, the other what unwraps, and what unwraps that is
//! in the operator's folder of keys. Whatever is read back takes one path (`read_back`): the ledger is applied in the same transaction.

use std::io::BufRead;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::connect::OpenDatabase;
use super::db::schema::{account, incident};
use super::db::table_names;
use super::db::{self, Db, Mode, rows};
use super::heartbeat::{self, Counter};
use super::ledger::Undone;
use super::restoration::{ArchivedLog, SetBack, set_back};
use super::{Error, Result, Store, audit};
use crate::policy::Viewer;

/// Tables whose rows unwrap what is sealed: a file of their own, which is kept apart and not for long.
const KEYS: &[&str] = &["class_key", "epoch", "data_key"];
/// Tables that do not go: whoever was signed in signs in again, with what hangs on a session, and what is counted is counted anew. No table
/// that goes refers to one that is left: a test asks both databases.
pub const LEFT: &[&str] = &["session", "refresh_token", "sign_on_use", "sitting", "heartbeat", "tally_change", "tally"];
/// Rows of one statement.
const CHUNK: usize = 500;

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything but keys.
    Values,
    /// Wrapped keys.
    Keys,
}

impl Part {
    fn has(self, table: &str) -> bool {
        !LEFT.contains(&table) && KEYS.contains(&table) == (self == Part::Keys)
    }
}

/// What an archive was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveKind {
    /// To be restored on a bad day: `casque backup`.
    Backup,
    /// To be moved to another database: `casque export --all`.
    Export,
}

/// What an archive says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// `casque-archive`.
    pub format: String,
    /// 2.
    pub version: u32,
    /// What it was made for.
    pub kind: ArchiveKind,
    /// When the snapshot was taken (UTC).
    pub made_at: NaiveDateTime,
    /// Rows, in both files.
    pub rows: u64,
    /// SHA-256 of the file of values, hexadecimal.
    pub values_sha256: String,
    /// SHA-256 of the file of keys, hexadecimal.
    pub keys_sha256: String,
    /// The audit log.
    pub log: ArchivedLog,
    /// Where the ledger ended when the archive was made: number and hash of its last line.
    pub ledger: Option<(u64, String)>,
}

/// Writes lines and their hash.
struct Hashed<W> {
    to: W,
    hash: Sha256,
    rows: u64,
}

impl<W: std::io::Write> Hashed<W> {
    fn new(to: W) -> Self {
        Self { to, hash: Sha256::new(), rows: 0 }
    }

    fn line(&mut self, line: &Value) -> Result<()> {
        let mut bytes = line.to_string().into_bytes();
        bytes.push(b'\n');
        self.hash.update(&bytes);
        self.to.write_all(&bytes).map_err(|e| Error::Unwritten(e.to_string()))
    }

    fn end(mut self) -> Result<(String, u64)> {
        self.to.flush().map_err(|e| Error::Unwritten(e.to_string()))?;
        Ok((hex::encode(self.hash.finalize()), self.rows))
    }
}

impl Store {
    /// Writes everything, out of one snapshot, while others write on. Tells `progress` the table that it comes to.
    ///
    /// # Errors
    /// The database's; [`Error::Unwritten`] when a file cannot be written.
    pub fn archive(
        &self,
        kind: ArchiveKind,
        ledger: Option<(u64, String)>,
        values: impl std::io::Write,
        keys: impl std::io::Write,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<Manifest> {
        let made_at = self.now();
        let (mut values, mut keys) = (Hashed::new(values), Hashed::new(keys));
        let log = db::transaction(&self.pool, Mode::Read, |db| {
            for table in table_names() {
                progress(table, values.rows + keys.rows);
                if Part::Values.has(table) {
                    table_out(db, table, &mut values)?;
                } else if Part::Keys.has(table) {
                    table_out(db, table, &mut keys)?;
                }
            }
            log_of(db)
        })?;
        let ((values_sha256, some), (keys_sha256, others)) = (values.end()?, keys.end()?);
        let rows = some + others;
        let format = "casque-archive".into();
        Ok(Manifest { format, version: 2, kind, made_at, rows, values_sha256, keys_sha256, log, ledger })
    }

    /// Notes that a backup was made, and found to open.
    ///
    /// # Errors
    /// The database's.
    pub fn backed_up(&self, viewer: &Viewer, manifest: &Manifest) -> Result<()> {
        let made = manifest.made_at.and_utc().timestamp();
        self.write(viewer, |w| {
            heartbeat::set(w.db, Counter::Backup, made)?;
            let detail = serde_json::json!({ "size": manifest.log.size, "root": manifest.log.root });
            w.note_act("log.backup", "log".into(), detail);
            Ok(())
        })
    }
}

fn table_out<W: std::io::Write>(db: &mut Db, table: &str, to: &mut Hashed<W>) -> Result<()> {
    to.line(&serde_json::json!({ "table": table, "columns": rows::column_names(db, table)? }))?;
    rows::each_row(db, table, |row| {
        to.rows += 1;
        to.line(&row)
    })
}

fn log_of(db: &mut Db) -> Result<ArchivedLog> {
    let (size, root) = audit::recomputed(db)?;
    Ok(ArchivedLog { size, root })
}

/// A file of an archive that is read back, and what it must hash to.
pub struct Source<'a> {
    /// The file.
    pub file: &'a mut dyn BufRead,
    /// SHA-256, hexadecimal.
    pub sha256: &'a str,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({})", self.sha256)
    }
}

impl OpenDatabase {
    /// Whether the database holds nothing yet.
    ///
    /// # Errors
    /// The database's.
    pub fn is_empty(&self) -> Result<bool> {
        db::transaction(self.pool(), Mode::Read, is_empty)
    }

    /// Reads an archive back into a database that holds nothing yet: compares the audit log with what the archive says, applies the
    /// ledger, and, unless it is only verified, puts on the record that the log was set back. `ready` is asked before the commit. All or
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the database holds something, a file is not what was written, or the log has another root;
    /// [`Error::Unwritten`] with what `ready` says; the database's.
    pub fn read_back(
        &self,
        manifest: &Manifest,
        sources: Vec<Source<'_>>,
        back: &SetBack,
        ready: &mut dyn FnMut() -> std::result::Result<(), String>,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<Vec<Undone>> {
        let now = self.now();
        db::transaction(self.pool(), Mode::Write, |db| {
            if !is_empty(db)? {
                return Err(Error::Conflict(
                    "the database is not empty: an archive can only go into an empty database".into(),
                ));
            }
            rows::defer_references(db)?;
            let mut read = 0;
            for source in sources {
                table_in(db, source, &mut read, progress)?;
            }
            if read != manifest.rows {
                return Err(Error::Conflict(format!(
                    "the archive has {read} rows, but its manifest says {}",
                    manifest.rows
                )));
            }
            let log = log_of(db)?;
            if log != manifest.log {
                return Err(Error::Conflict("the audit log in the archive does not match its manifest".into()));
            }
            heartbeat::set(db, Counter::Tally, 0)?;
            let undone = set_back(db, back, now)?;
            ready().map_err(Error::Unwritten)?;
            Ok(undone)
        })
    }
}

fn is_empty(db: &mut Db) -> Result<bool> {
    let held: i64 = account::table.count().get_result::<i64>(db)? + incident::table.count().get_result::<i64>(db)?;
    Ok(held == 0)
}

fn table_in(db: &mut Db, source: Source<'_>, read: &mut u64, progress: &mut dyn FnMut(&str, u64)) -> Result<()> {
    let damaged = || Error::Conflict("a file of the archive is damaged, or not the one that was written".into());
    let mut hash = Sha256::new();
    let mut at: Option<(&'static str, Vec<String>)> = None;
    let mut waiting: Vec<Value> = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        let size = source.file.read_line(&mut line).map_err(|_| damaged())?;
        hash.update(line.as_bytes());
        let value: Option<Value> =
            if size > 0 { Some(serde_json::from_str(&line).map_err(|_| damaged())?) } else { None };
        let is_row = matches!(value, Some(Value::Array(_)));
        if let (Some((table, names)), true) = (&at, waiting.len() == CHUNK || (!is_row && !waiting.is_empty())) {
            rows::insert_rows(db, table, names, &waiting)?;
            *read += waiting.len() as u64;
            waiting.clear();
            progress(table, *read);
        }
        match value {
            None => break,
            Some(row @ Value::Array(_)) => waiting.push(row),
            Some(head) => {
                let table = table_names().iter().find(|table| head["table"] == **table).ok_or_else(damaged)?;
                let names: Vec<String> = serde_json::from_value(head["columns"].clone()).map_err(|_| damaged())?;
                at = Some((table, names));
            }
        }
    }
    if hex::encode(hash.finalize()) == source.sha256 { Ok(()) } else { Err(damaged()) }
}
