//! What is left of overwritten rows in the database's own files.

use std::io::Read as _;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::{BeginError, Db, Pool};

#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

#[derive(QueryableByName)]
struct File {
    #[diesel(sql_type = Text)]
    file: String,
}

/// Brings what was overwritten in a table out of the files: SQLite's journal is written back and emptied, PostgreSQL's table is written anew
/// (as its owner). `false` when others read on from before: to be tried again.
///
/// # Errors
/// The database's.
pub fn rewrite<E: From<diesel::result::Error> + From<BeginError>>(pool: &Pool, table: &str) -> Result<bool, E> {
    let mut link = pool.get().map_err(|_| E::from(BeginError::Busy))?;
    match &mut link.db {
        Db::Sqlite(connection) => {
            let done: Checkpointed = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection)?;
            Ok(done.busy == 0)
        }
        Db::Postgres(connection) => {
            // One by one: of several statements in one message PostgreSQL makes a transaction, in which nothing can be vacuumed.
            connection.batch_execute("SET statement_timeout = 0")?;
            connection.batch_execute(&format!("VACUUM FULL {table}"))?;
            Ok(true)
        }
    }
}

/// Whether any of these byte strings is still in the embedded database's files. Of PostgreSQL's files nothing is asked.
///
/// # Errors
/// When a file cannot be read.
pub fn files_hold(pool: &Pool, needles: &[Vec<u8>]) -> std::io::Result<bool> {
    let mut link = pool.get().map_err(std::io::Error::other)?;
    let Db::Sqlite(connection) = &mut link.db else { return Ok(false) };
    let main: File = diesel::sql_query("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .get_result(connection)
        .map_err(std::io::Error::other)?;
    drop(link);
    for path in [main.file.clone(), format!("{}-wal", main.file)] {
        match std::fs::File::open(&path) {
            Ok(file) => {
                if holds(file, needles)? {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Reads a file once, in pieces that overlap by the longest of what is looked for.
fn holds(mut file: std::fs::File, needles: &[Vec<u8>]) -> std::io::Result<bool> {
    const PIECE: usize = 1 << 20;
    let finders: Vec<memchr::memmem::Finder<'_>> =
        needles.iter().filter(|one| !one.is_empty()).map(memchr::memmem::Finder::new).collect();
    let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
    let mut held: Vec<u8> = Vec::with_capacity(PIECE + longest);
    loop {
        let before = held.len();
        let read = file.by_ref().take(PIECE as u64).read_to_end(&mut held)?;
        if finders.iter().any(|finder| finder.find(&held).is_some()) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        held.drain(..(before + read).saturating_sub(longest));
    }
}
