//! Placing entries in the tree.

use std::cell::RefCell;
use std::collections::HashMap;

use diesel::prelude::*;
use tlog_tiles::{Error as TreeError, Hash, HashReader, stored_hashes};

use super::leaf_data;
use crate::store::db::schema::{audit_entry, audit_hash, audit_leaf, audit_pending};
use crate::store::db::{self, Db, Id, Lease, Mode, each};
use crate::store::{Error, Result, Store};

/// Entries placed in one transaction.
const BATCH: i64 = 5_000;
/// Rows of one statement.
const CHUNK: usize = 1_000;

/// Hashes by their stored position: those of this batch, then those of the database.
pub(super) struct Hashes<'a> {
    pub(super) db: RefCell<&'a mut Db>,
    pub(super) fresh: RefCell<HashMap<u64, Hash>>,
}

impl<'a> Hashes<'a> {
    pub(super) fn new(db: &'a mut Db) -> Self {
        Self { db: RefCell::new(db), fresh: RefCell::default() }
    }
}

impl HashReader for Hashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> std::result::Result<Vec<Hash>, TreeError> {
        let fresh = self.fresh.borrow();
        let stored: Vec<i64> =
            indexes.iter().filter(|at| !fresh.contains_key(at)).filter_map(|at| i64::try_from(*at).ok()).collect();
        let mut found: HashMap<u64, Hash> = HashMap::new();
        if !stored.is_empty() {
            let rows: Vec<(i64, Vec<u8>)> = audit_hash::table
                .filter(audit_hash::position.eq_any(stored))
                .select((audit_hash::position, audit_hash::hash))
                .load(&mut **self.db.borrow_mut())
                .map_err(|_| TreeError::IndexesNotInTree)?;
            for (at, hash) in rows {
                if let (Ok(at), Ok(hash)) = (u64::try_from(at), <[u8; 32]>::try_from(hash)) {
                    found.insert(at, Hash(hash));
                }
            }
        }
        indexes
            .iter()
            .map(|at| fresh.get(at).or_else(|| found.get(at)).copied().ok_or(TreeError::IndexesNotInTree))
            .collect()
    }
}

pub(super) fn size(db: &mut Db) -> Result<u64> {
    let last: Option<i64> = audit_leaf::table.select(diesel::dsl::max(audit_leaf::position)).first(db)?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).map_or(0, |last| last + 1))
}

pub(super) fn broken(what: &'static str) -> Error {
    Error::Corrupt { table: "audit_hash", column: "hash", row: what.to_owned() }
}

impl Store {
    /// Places waiting entries in the tree. Returns how many; 0 also when another node holds the lock.
    ///
    /// # Errors
    /// The database's; [`Error::Corrupt`] when the tree's hashes are not there.
    pub fn audit_sequence(&self) -> Result<usize> {
        let waiting: Option<Id> = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            Ok(audit_pending::table.select(audit_pending::entry_id).first(db).optional()?)
        })?;
        if waiting.is_none() {
            return Ok(0);
        }
        db::transaction(&self.pool, Mode::Keep, |db| {
            if !db::try_advisory_lock(db, Lease::Sequencer)? {
                return Ok(0);
            }
            let entries: Vec<(Id, Vec<u8>, String)> = audit_pending::table
                .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_pending::entry_id)))
                // By the column of the table that is short: by the entry's own, the whole log is read for it.
                .order(audit_pending::entry_id)
                .limit(BATCH)
                .select((audit_entry::id, audit_entry::salt, audit_entry::body))
                .load(db)?;
            let first = size(db)?;
            let hashes = Hashes::new(db);
            let mut placed = Vec::with_capacity(entries.len());
            for (at, (id, salt, body)) in (first..).zip(&entries) {
                let new = stored_hashes(at, &leaf_data(salt, body), &hashes).map_err(|_| broken("sequencing"))?;
                let position = tlog_tiles::stored_hash_index(0, at);
                hashes.fresh.borrow_mut().extend((position..).zip(new));
                placed.push((*id, at));
            }
            let fresh = hashes.fresh.into_inner();
            let signed = |at: u64| i64::try_from(at).map_err(|_| broken("sequencing"));
            let hashes = fresh.into_iter().map(|(at, hash)| Ok((signed(at)?, hash.0))).collect::<Result<Vec<_>>>()?;
            let leaves = placed.iter().map(|(id, at)| Ok((signed(*at)?, *id))).collect::<Result<Vec<_>>>()?;
            for some in hashes.chunks(CHUNK) {
                let rows: Vec<_> = some
                    .iter()
                    .map(|(at, hash)| (audit_hash::position.eq(*at), audit_hash::hash.eq(&hash[..])))
                    .collect();
                each!(db, |c| diesel::insert_into(audit_hash::table).values(&rows).execute(c))?;
            }
            for some in leaves.chunks(CHUNK) {
                let rows: Vec<_> =
                    some.iter().map(|(at, id)| (audit_leaf::position.eq(*at), audit_leaf::entry_id.eq(*id))).collect();
                each!(db, |c| diesel::insert_into(audit_leaf::table).values(&rows).execute(c))?;
                let ids: Vec<Id> = some.iter().map(|(_, id)| *id).collect();
                diesel::delete(audit_pending::table.filter(audit_pending::entry_id.eq_any(ids))).execute(db)?;
            }
            Ok(placed.len())
        })
    }

    /// How many entries wait to be placed.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_waiting(&self) -> Result<usize> {
        let waiting: i64 = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            Ok(audit_pending::table.count().get_result(db)?)
        })?;
        Ok(usize::try_from(waiting).unwrap_or(0))
    }
}
