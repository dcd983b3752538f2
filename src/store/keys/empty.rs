//! Emptied keys: what they opened, nobody opens.

use diesel::prelude::*;

use crate::store::Result;
use crate::store::db::schema::data_key;
use crate::store::db::{Db, Id};

/// Empties a record's wrapped data keys: values, revisions and old copies hold ciphertexts that nobody can open.
pub(in crate::store) fn empty_keys(db: &mut Db, record: Id) -> Result<usize> {
    let empty: Vec<u8> = Vec::new();
    Ok(diesel::update(data_key::table.filter(data_key::record_id.eq(record)))
        .set(data_key::wrapped.eq(empty))
        .execute(db)?)
}
