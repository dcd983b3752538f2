//! Class keys, epochs, data keys, and the one table that holds every ciphertext of the product.
//!
//! A sealed value hangs below its *holder*: the row that shows its marker (an edition, an edition's victim, a case). Lists
//! and reads never touch this table, but to tell an entitled viewer that a field is held.

mod compact;
mod empty;

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use seal::{ClassCode, Confidential, Plain, Sealed, StoredClassKey, StoredDataKey, StoredEpoch, StrictlyConfidential};

use super::db::schema::{class_key, data_key, epoch, sealed_value};
use super::db::{self, Db, Id, Mode, each};
use super::{Error, Read, Result, Store, Write};
use crate::domain::{SealedChange, SealedField};
pub use compact::Mergeable;
pub(super) use empty::empty_keys;

/// Sealed fields as typed: a text to seal, or `None` to clear the field.
pub type SealedInput = Vec<(&'static SealedField, Option<Plain>)>;

type PublicKeyRow = (Id, String, (i64, NaiveDateTime), Vec<u8>, Vec<u8>);
type ClassKeyRow = (Id, String, (i64, NaiveDateTime), Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>);

fn sequence_of(sequence: i64, id: Id) -> Result<u64> {
    let corrupt = |_| Error::Corrupt { table: "class_key", column: "sequence", row: id.to_string() };
    u64::try_from(sequence).map_err(corrupt)
}

pub(super) fn class_keys(db: &mut Db) -> Result<Vec<StoredClassKey>> {
    use class_key::dsl as k;
    let rows: Vec<ClassKeyRow> = class_key::table
        .select((k::id, k::class, (k::sequence, k::effective_from), k::public, k::signature, k::wrapped, k::recovery))
        .order((k::sequence, k::id))
        .load(db)?;
    rows.into_iter()
        .map(|(id, class, (sequence, from), public, signature, wrapped, recovery)| {
            Ok(StoredClassKey {
                class: class_of(&class, "class_key", id)?,
                id: id.0,
                sequence: sequence_of(sequence, id)?,
                effective_from: from.and_utc().timestamp(),
                public,
                signature,
                wrapped,
                recovery,
            })
        })
        .collect()
}

/// The public halves of the class keys that are sealed to now, one a class: of those that have begun, the one of the highest number. It is
/// all that a node without private keys is told. Number and beginning are signed with the key; when the row was made decides nothing.
pub(super) fn sealing_keys(db: &mut Db, now: NaiveDateTime) -> Result<Vec<StoredClassKey>> {
    use class_key::dsl as k;
    let rows: Vec<PublicKeyRow> = class_key::table
        .select((k::id, k::class, (k::sequence, k::effective_from), k::public, k::signature))
        .order((k::sequence.desc(), k::id))
        .load(db)?;
    let mut current: Vec<StoredClassKey> = Vec::new();
    for (id, class, (sequence, from), public, signature) in rows {
        let class = class_of(&class, "class_key", id)?;
        if from <= now && current.iter().all(|known| known.class != class) {
            let (wrapped, recovery) = (Vec::new(), None);
            let (sequence, effective_from) = (sequence_of(sequence, id)?, from.and_utc().timestamp());
            current.push(StoredClassKey {
                class,
                id: id.0,
                sequence,
                effective_from,
                public,
                signature,
                wrapped,
                recovery,
            });
        }
    }
    Ok(current)
}

/// A class key is destroyed no sooner than so long after another took its place.
const SETTLED: TimeDelta = TimeDelta::hours(1);

impl Store {
    /// The stored class keys, oldest first, with their wrapped private halves.
    ///
    /// # Errors
    /// The database's.
    pub fn class_keys(&self) -> Result<Vec<StoredClassKey>> {
        db::transaction(&self.pool, Mode::Read, class_keys)
    }

    /// The class keys that are sealed to now, one a class, without their private halves.
    ///
    /// # Errors
    /// The database's.
    pub fn sealing_keys(&self) -> Result<Vec<StoredClassKey>> {
        let now = self.now();
        db::transaction(&self.pool, Mode::Read, |db| sealing_keys(db, now))
    }

    /// Some epochs that are sealed to other class keys than those that are sealed to now; and how many there are.
    ///
    /// # Errors
    /// The database's.
    pub fn epochs_of_old_keys(&self, limit: i64) -> Result<(Vec<StoredEpoch>, u64)> {
        let now = self.now();
        db::transaction(&self.pool, Mode::Read, |db| {
            let current: Vec<Id> = sealing_keys(db, now)?.iter().map(|key| Id(key.id)).collect();
            let old = epoch::table.filter(epoch::class_key_id.ne_all(current));
            let all: i64 = old.clone().count().get_result(db)?;
            let rows: Vec<(Id, Id, Vec<u8>)> =
                old.order(epoch::id).limit(limit).select((epoch::id, epoch::class_key_id, epoch::sealed)).load(db)?;
            let epoch =
                |(id, class_key, sealed): (Id, Id, Vec<u8>)| StoredEpoch { id: id.0, class_key: class_key.0, sealed };
            Ok((rows.into_iter().map(epoch).collect(), u64::try_from(all).unwrap_or(0)))
        })
    }

    /// Stores epochs that were sealed to other class keys, all together.
    ///
    /// # Errors
    /// The database's: a node's own role may not.
    pub fn epochs_reseal(&self, epochs: &[StoredEpoch]) -> Result<()> {
        db::transaction(&self.pool, Mode::Keep, |db| {
            for one in epochs {
                diesel::update(epoch::table.find(Id(one.id)))
                    .set((epoch::class_key_id.eq(Id(one.class_key)), epoch::sealed.eq(&one.sealed)))
                    .execute(db)?;
            }
            Ok(())
        })
    }

    /// Destroys the private halves of class keys that are not sealed to any more and to which no epoch is sealed. Gives their old bytes, as
    /// they were wrapped, to be looked for in the database's files.
    ///
    /// # Errors
    /// The database's: a node's own role may not.
    pub fn class_keys_retire(&self) -> Result<Vec<Vec<u8>>> {
        let now = self.now();
        db::transaction(&self.pool, Mode::Keep, |db| {
            // Not before every write that began while another was sealed to is long over, whatever the nodes' clocks: each class keeps its
            // highest number, and of those that were made an hour ago the highest too.
            let settled: Vec<(Id, String)> = class_key::table
                .filter(class_key::created_at.le(now - SETTLED))
                .order((class_key::sequence.desc(), class_key::id))
                .select((class_key::id, class_key::class))
                .load(db)?;
            let current: Vec<Id> = settled
                .iter()
                .enumerate()
                .filter(|(at, (_, class))| settled[..*at].iter().all(|(_, known)| known != class))
                .map(|(_, (id, _))| *id)
                .collect();
            let newest: Vec<Id> = class_keys(db)?
                .iter()
                .rev()
                .scan(Vec::new(), |seen, key| {
                    let first = !seen.contains(&key.class);
                    seen.push(key.class);
                    Some(first.then_some(Id(key.id)))
                })
                .flatten()
                .collect();
            let nothing: Option<Vec<u8>> = None;
            let old: Vec<(Id, Vec<u8>)> = class_key::table
                .filter(class_key::id.ne_all(current))
                .filter(class_key::id.ne_all(newest))
                .filter(class_key::wrapped.ne(Vec::new()))
                .filter(class_key::id.ne_all(epoch::table.select(epoch::class_key_id)))
                .select((class_key::id, class_key::wrapped))
                .load(db)?;
            let ids: Vec<Id> = old.iter().map(|(id, _)| *id).collect();
            let set = (class_key::wrapped.eq(Vec::<u8>::new()), class_key::recovery.eq(nothing));
            diesel::update(class_key::table.filter(class_key::id.eq_any(ids))).set(set).execute(db)?;
            Ok(old.into_iter().map(|(_, wrapped)| wrapped).collect())
        })
    }

    /// Seals to the class keys that are to be sealed to now, if others were made.
    ///
    /// # Errors
    /// As [`Store::judge_sealing_keys`]; the database's.
    pub(super) fn learn_sealing_keys(&self) -> Result<()> {
        let keys = self.sealing_keys()?;
        self.judge_sealing_keys(&keys)?;
        Ok(self.sealer.learn(&keys, &self.operator)?)
    }

    /// Judges the class keys that are to be sealed to: their numbers are not lower than what this node has seen, and a node with keys
    /// can open what is sealed to them. What is sealed to another key is lost, or read by somebody else.
    ///
    /// # Errors
    /// [`Error::Keys`].
    pub fn judge_sealing_keys(&self, keys: &[StoredClassKey]) -> Result<()> {
        let mut trust = self.class_keys.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            let name = key.class.name();
            let seen = trust.seen.get(&key.class).copied().unwrap_or(0);
            if key.sequence < seen {
                return Err(Error::Keys(format!(
                    "the database offers key {} of class {name} to seal to, and this node has seen key {seen}: somebody went back to an \
                     older one. After a restore, run `casque keys rotate-classes`",
                    key.sequence
                )));
            }
            if trust.opens.as_ref().is_some_and(|opens| !opens.contains(&key.id)) {
                return Err(Error::Keys(format!(
                    "this node cannot open key {} of class {name}, so it seals nothing to it",
                    key.sequence
                )));
            }
        }
        for key in keys {
            trust.seen.insert(key.class, key.sequence);
        }
        Ok(())
    }

    /// The highest number of each class's key that this node has seen: to be kept in its folder of keys.
    pub fn class_keys_seen(&self) -> HashMap<ClassCode, u64> {
        self.class_keys.lock().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    /// Tells the store which class keys its node can open.
    pub fn class_keys_open(&self, keys: &[StoredClassKey]) {
        let opens = keys.iter().filter(|key| !key.wrapped.is_empty()).map(|key| key.id).collect();
        self.class_keys.lock().unwrap_or_else(PoisonError::into_inner).opens = Some(opens);
    }
}

/// Which class keys a node trusts to be sealed to.
#[derive(Debug, Clone, Default)]
pub struct ClassKeyTrust {
    /// The highest number of each class that it has seen.
    pub seen: HashMap<ClassCode, u64>,
    /// The keys that it can open; none where it holds no private key.
    pub opens: Option<HashSet<[u8; 16]>>,
}

pub(super) fn class_keys_store(db: &mut Db, keys: &[StoredClassKey], now: NaiveDateTime) -> Result<()> {
    for key in keys {
        diesel::insert_into(class_key::table)
            .values((
                class_key::id.eq(Id(key.id)),
                class_key::class.eq(key.class.name()),
                class_key::sequence.eq(i64::try_from(key.sequence).unwrap_or(i64::MAX)),
                class_key::effective_from
                    .eq(DateTime::from_timestamp(key.effective_from, 0).unwrap_or_default().naive_utc()),
                class_key::public.eq(&key.public),
                class_key::signature.eq(&key.signature),
                class_key::wrapped.eq(&key.wrapped),
                class_key::recovery.eq(key.recovery.as_ref()),
                class_key::created_at.eq(now),
            ))
            .execute(db)?;
    }
    Ok(())
}

pub(super) fn class_keys_rewrap(db: &mut Db, keys: &[StoredClassKey]) -> Result<()> {
    for key in keys {
        diesel::update(class_key::table.find(Id(key.id))).set(class_key::wrapped.eq(&key.wrapped)).execute(db)?;
    }
    Ok(())
}

/// Stores a new epoch; `false` when the class key that it is sealed to is not the one that is sealed to now.
pub(super) fn epoch_store(db: &mut Db, new: &StoredEpoch, now: NaiveDateTime) -> Result<bool> {
    if !sealing_keys(db, now)?.iter().any(|key| key.id == new.class_key) {
        return Ok(false);
    }
    diesel::insert_into(epoch::table)
        .values((
            epoch::id.eq(Id(new.id)),
            epoch::class_key_id.eq(Id(new.class_key)),
            epoch::sealed.eq(&new.sealed),
            epoch::created_at.eq(now),
        ))
        .execute(db)?;
    Ok(true)
}

fn class_of(name: &str, table: &'static str, row: Id) -> Result<ClassCode> {
    ClassCode::parse(name).ok_or_else(|| Error::Corrupt { table, column: "class", row: row.to_string() })
}

#[derive(Insertable)]
#[diesel(table_name = data_key)]
struct KeyRow {
    id: Id,
    epoch_id: Id,
    record_id: Id,
    class: &'static str,
    wrapped: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = sealed_value)]
struct ValueRow {
    holder_id: Id,
    field: i32,
    record_id: Id,
    bytes: Vec<u8>,
}

/// Ciphertexts and the keys that they stand under, of one record or of several, to be stored together.
#[derive(Default)]
pub(super) struct SealedRows {
    keys: Vec<KeyRow>,
    values: Vec<ValueRow>,
}

/// What a [`seal::Permit`] needs of one record.
pub(super) struct Ciphertexts {
    pub(super) values: Vec<(&'static SealedField, Vec<u8>)>,
    pub(super) data_keys: Vec<StoredDataKey>,
    pub(super) epochs: Vec<StoredEpoch>,
}

impl Read<'_> {
    /// Which sealed fields of these holders hold something, by holder and field code.
    ///
    /// # Errors
    /// The database's.
    pub fn held(&mut self, holders: &[Id]) -> Result<HashSet<(Id, u16)>> {
        if holders.is_empty() {
            return Ok(HashSet::new());
        }
        let rows: Vec<(Id, i32)> = sealed_value::table
            .filter(sealed_value::holder_id.eq_any(holders))
            .select((sealed_value::holder_id, sealed_value::field))
            .load(self.db)?;
        Ok(rows.into_iter().filter_map(|(id, field)| u16::try_from(field).ok().map(|code| (id, code))).collect())
    }

    /// The ciphertexts of one holder, of one class, with the keys that wrap theirs. For the disclosure alone.
    pub(super) fn ciphertexts(&mut self, holder: Id, record: Id, class: ClassCode) -> Result<Ciphertexts> {
        let rows: Vec<(i32, Vec<u8>)> = sealed_value::table
            .filter(sealed_value::holder_id.eq(holder))
            .filter(sealed_value::record_id.eq(record))
            .order(sealed_value::field)
            .select((sealed_value::field, sealed_value::bytes))
            .load(self.db)?;
        let values = rows
            .into_iter()
            .filter_map(|(code, bytes)| Some((SealedField::coded(u16::try_from(code).ok()?)?, bytes)))
            .filter(|(field, _)| field.class == class)
            .collect();
        let keys: Vec<(Id, Id, Vec<u8>)> = data_key::table
            .filter(data_key::record_id.eq(record))
            .filter(data_key::class.eq(class.name()))
            .select((data_key::id, data_key::epoch_id, data_key::wrapped))
            .load(self.db)?;
        let epochs: Vec<(Id, Id, Vec<u8>)> = epoch::table
            .filter(epoch::id.eq_any(keys.iter().map(|(_, epoch, _)| *epoch).collect::<Vec<_>>()))
            .select((epoch::id, epoch::class_key_id, epoch::sealed))
            .load(self.db)?;
        Ok(Ciphertexts {
            values,
            data_keys: keys
                .into_iter()
                .map(|(id, epoch, wrapped)| StoredDataKey {
                    id: id.0,
                    record: record.record(),
                    class,
                    epoch: epoch.0,
                    wrapped,
                })
                .collect(),
            epochs: epochs
                .into_iter()
                .map(|(id, class_key, sealed)| StoredEpoch { id: id.0, class_key: class_key.0, sealed })
                .collect(),
        })
    }
}

impl Write<'_> {
    /// Seals what was typed for one record, into the holder's row, and stores the data keys. A field that is sealed even
    /// when empty is written on creation whatever was typed. Returns what history says of it ([`SealedChange`]).
    pub(super) fn seal(
        &mut self,
        holder: Id,
        record: Id,
        typed: &SealedInput,
        creation: Option<crate::domain::Noun>,
    ) -> Result<Vec<u16>> {
        let mut rows = SealedRows::default();
        let codes = self.seal_into(&mut rows, holder, record, typed, creation)?;
        if creation.is_none() && !typed.is_empty() {
            let touched: Vec<i32> = typed.iter().map(|(field, _)| i32::from(field.code)).collect();
            diesel::delete(sealed_value::table)
                .filter(sealed_value::holder_id.eq(holder))
                .filter(sealed_value::field.eq_any(&touched))
                .execute(self.db)?;
        }
        self.sealed_store(rows)?;
        Ok(codes)
    }

    /// Stores what was sealed, a statement for the data keys and one for the values.
    pub(super) fn sealed_store(&mut self, rows: SealedRows) -> Result<()> {
        let SealedRows { keys, values } = rows;
        let db = &mut *self.db;
        if !keys.is_empty() {
            each!(db, |c| diesel::insert_into(data_key::table).values(&keys).execute(c))?;
        }
        if !values.is_empty() {
            each!(db, |c| diesel::insert_into(sealed_value::table).values(&values).execute(c))?;
        }
        Ok(())
    }

    /// Seals what was typed for one record into rows that are to be stored.
    pub(super) fn seal_into(
        &mut self,
        rows: &mut SealedRows,
        holder: Id,
        record: Id,
        typed: &SealedInput,
        creation: Option<crate::domain::Noun>,
    ) -> Result<Vec<u16>> {
        let empty = Plain::from("");
        let always = creation
            .into_iter()
            .flat_map(SealedField::of)
            .filter(|field| field.always && !typed.iter().any(|(given, _)| given.code == field.code));
        let mut all: Vec<(&'static SealedField, Option<&Plain>)> = typed
            .iter()
            .map(|(field, text)| (*field, text.as_ref()))
            .chain(always.map(|field| (field, None)))
            .collect();
        // What was typed and what is sealed anyway stand in one order.
        all.sort_by_key(|(field, _)| field.code);
        let mut changes: Vec<u16> =
            all.iter().map(|(field, text)| SealedChange::of(field).code(text.is_none())).collect();
        changes.dedup();
        let mut sealer = self.sealer.record(record.record());
        for (field, text) in all {
            let text = match text {
                Some(text) => text,
                None if field.always => &empty,
                None => continue,
            };
            // One size, whatever there is: a character has four bytes at most.
            let least = if field.always { 4 * field.longest } else { 0 };
            let bytes = match field.class {
                ClassCode::Confidential => {
                    sealer.seal_padded::<Plain, Confidential>(field.field(), text, least).map(|s| stored(&s))?
                }
                ClassCode::StrictlyConfidential => {
                    sealer.seal_padded::<Plain, StrictlyConfidential>(field.field(), text, least).map(|s| stored(&s))?
                }
            };
            let field = i32::from(field.code);
            rows.values.push(ValueRow { holder_id: holder, field, record_id: record, bytes });
        }
        rows.keys.extend(sealer.finish().into_iter().map(|key| KeyRow {
            id: Id(key.id),
            epoch_id: Id(key.epoch),
            record_id: record,
            class: key.class.name(),
            wrapped: key.wrapped,
        }));
        Ok(changes)
    }

    /// Copies a holder's ciphertexts to another holder of the same record, byte for byte.
    pub(super) fn copy_sealed(&mut self, from: Id, to: Id) -> Result<()> {
        let rows: Vec<(i32, Id, Vec<u8>)> = sealed_value::table
            .filter(sealed_value::holder_id.eq(from))
            .select((sealed_value::field, sealed_value::record_id, sealed_value::bytes))
            .load(self.db)?;
        for (field, record, bytes) in rows {
            diesel::insert_into(sealed_value::table)
                .values((
                    sealed_value::holder_id.eq(to),
                    sealed_value::field.eq(field),
                    sealed_value::record_id.eq(record),
                    sealed_value::bytes.eq(bytes),
                ))
                .execute(self.db)?;
        }
        Ok(())
    }
}

fn stored<T, C: seal::Class>(sealed: &Sealed<T, C>) -> Vec<u8> {
    sealed.stored().to_vec()
}
