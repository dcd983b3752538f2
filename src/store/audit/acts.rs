//! Acts that narrow, out of the log: what the ledger beside the backups is made of.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Deserialize;

use crate::domain::NarrowingAct;
use crate::store::db::schema::{audit_entry, audit_leaf};
use crate::store::db::{self, Id, Mode};
use crate::store::{Result, Store};

/// An act that narrows, as the log has it.
#[derive(Debug, Clone)]
pub struct LoggedAct {
    /// Its entry's place in the tree.
    pub leaf: u64,
    /// Its entry, in hexadecimal.
    pub entry: String,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// The act.
    pub act: NarrowingAct,
}

#[derive(Deserialize)]
struct Said {
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    ledger: Option<NarrowingAct>,
}

/// Entries read at a time.
const BATCH: i64 = 2_000;

impl Store {
    /// Acts that narrow, from this place of the tree on, oldest first; and the place to ask from next. Some at a time: again, until the
    /// place stands still.
    ///
    /// # Errors
    /// The database's.
    pub fn acts_since(&self, from: u64) -> Result<(Vec<LoggedAct>, u64)> {
        let first = i64::try_from(from).unwrap_or(i64::MAX);
        let rows: Vec<(i64, Id, NaiveDateTime, String)> = db::transaction(&self.pool, Mode::Read, |db| -> Result<_> {
            Ok(audit_leaf::table
                .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_leaf::entry_id)))
                .filter(audit_leaf::position.ge(first))
                .order(audit_leaf::position)
                .limit(BATCH)
                .select((audit_leaf::position, audit_entry::id, audit_entry::made_at, audit_entry::body))
                .load(db)?)
        })?;
        let place = |leaf: i64| u64::try_from(leaf).unwrap_or(0);
        let next = rows.last().map_or(from, |(leaf, ..)| place(*leaf) + 1);
        let acts = rows
            .into_iter()
            .filter(|(.., body)| body.contains("\"ledger\""))
            .filter_map(|(leaf, id, at, body)| {
                let act = serde_json::from_str::<Said>(&body).ok()?.detail?.ledger?;
                Some(LoggedAct { leaf: place(leaf), entry: id.to_string(), at, act })
            })
            .collect();
        Ok((acts, next))
    }
}
