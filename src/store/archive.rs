//! A whole database as two files, values and keys, out of one snapshot, and back into an empty one of either kind: what a
//! backup is, and a move. Ciphertexts, revisions and the audit log go as they are, byte for byte; sessions do not go, tallies
//! are made anew. Neither file opens anything alone: one has what is sealed, the other what unwraps, and what unwraps that is
//! in the operator's folder of keys.

use std::io::BufRead;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::db::schema::{TABLES, account, data_key, erasure, incident};
use super::db::{self, Db, Id, Mode, rows};
use super::open::Opened;
use super::pulse::{self, Counter};
use super::{Error, Result, Store, audit};

/// Tables whose rows unwrap what is sealed: a file of their own, which is kept apart and not for long.
const KEYS: &[&str] = &["class_key", "epoch", "data_key"];
/// Tables that do not go: whoever was signed in signs in again, and what is counted is counted anew.
const LEFT: &[&str] = &["session", "refresh_token", "pulse", "tally_change", "tally"];
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

/// The audit log of an archive: what whoever reads it back compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedLog {
    /// Entries in the tree.
    pub size: u64,
    /// Its root, hexadecimal.
    pub root: String,
}

/// What an archive says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// `casque-archive`.
    pub format: String,
    /// 1.
    pub version: u32,
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
}

/// A record whose data keys were emptied, so that nothing of it opens any more, in any copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Permanent id of the record, hexadecimal.
    pub record: String,
    /// When (UTC).
    pub at: NaiveDateTime,
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
        values: impl std::io::Write,
        keys: impl std::io::Write,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<Manifest> {
        let made_at = self.now();
        let (mut values, mut keys) = (Hashed::new(values), Hashed::new(keys));
        let log = db::transaction(&self.pool, Mode::Read, |db| {
            for table in TABLES {
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
        Ok(Manifest { format: "casque-archive".into(), version: 1, made_at, rows, values_sha256, keys_sha256, log })
    }

    /// Every record that was erased: the ledger that lies beside the backups.
    ///
    /// # Errors
    /// The database's.
    pub fn erased(&self) -> Result<Vec<Erased>> {
        let rows: Vec<(Id, NaiveDateTime)> = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            Ok(erasure::table.order(erasure::record_id).select((erasure::record_id, erasure::erased_at)).load(db)?)
        })?;
        Ok(rows.into_iter().map(|(record, at)| Erased { record: record.to_string(), at }).collect())
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

impl Opened {
    /// Reads an archive back into a database that holds nothing yet, applies the ledger of erasures, and compares the audit
    /// log with what the archive says. All or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the database holds something, a file is not what was written, or the log has another root;
    /// the database's.
    pub fn restore(
        &self,
        manifest: &Manifest,
        sources: Vec<Source<'_>>,
        ledger: &[Erased],
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<()> {
        db::transaction(self.pool(), Mode::Write, |db| {
            let held: i64 =
                account::table.count().get_result::<i64>(db)? + incident::table.count().get_result::<i64>(db)?;
            if held > 0 {
                return Err(Error::Conflict(
                    "the database is not empty: an archive goes into one that was only migrated".into(),
                ));
            }
            rows::defer_references(db)?;
            let mut read = 0;
            for source in sources {
                table_in(db, source, &mut read, progress)?;
            }
            if read != manifest.rows {
                return Err(Error::Conflict(format!("the archive has {read} rows, and says {}", manifest.rows)));
            }
            apply(db, ledger)?;
            let log = log_of(db)?;
            if log != manifest.log {
                return Err(Error::Conflict("the audit log is not the one that the archive speaks of".into()));
            }
            pulse::set(db, Counter::Tally, 0)
        })
    }
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
                let table = TABLES.iter().find(|table| head["table"] == **table).ok_or_else(damaged)?;
                let names: Vec<String> = serde_json::from_value(head["columns"].clone()).map_err(|_| damaged())?;
                at = Some((table, names));
            }
        }
    }
    if hex::encode(hash.finalize()) == source.sha256 { Ok(()) } else { Err(damaged()) }
}

/// Empties the data keys of what was erased since the archive was made.
fn apply(db: &mut Db, ledger: &[Erased]) -> Result<()> {
    for one in ledger {
        let record = hex::decode(&one.record).ok().and_then(|bytes| bytes.try_into().ok()).map(Id);
        let record = record.ok_or_else(|| Error::Conflict("the ledger of erasures is damaged".into()))?;
        empty_keys(db, record)?;
        let known: i64 = erasure::table.filter(erasure::record_id.eq(record)).count().get_result(db)?;
        if known == 0 {
            diesel::insert_into(erasure::table)
                .values((erasure::record_id.eq(record), erasure::erased_at.eq(one.at)))
                .execute(db)?;
        }
    }
    Ok(())
}

/// Empties a record's wrapped data keys: values, revisions and old copies hold ciphertexts that nobody can open.
pub(super) fn empty_keys(db: &mut Db, record: Id) -> Result<usize> {
    let empty: Vec<u8> = Vec::new();
    Ok(diesel::update(data_key::table.filter(data_key::record_id.eq(record)))
        .set(data_key::wrapped.eq(empty))
        .execute(db)?)
}
