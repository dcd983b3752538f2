//! Epochs made fewer: each costs its opening whenever anything under it is opened, and a node makes one every ten minutes.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::dsl::count;
use diesel::prelude::*;
use seal::{ClassCode, RecordId, StoredDataKey, StoredEpoch};

use super::super::db::schema::{data_key, epoch};
use super::super::db::{self, Id, Mode};
use super::super::{Error, Result, Store};
use super::{class_of, sealing_keys};

/// An epoch is closed when it is older than this, whatever the nodes' clocks: a node seals under one for ten minutes.
const CLOSED: TimeDelta = TimeDelta::hours(1);

/// What wraps nothing is taken away so long after it was made, or emptied: a node that stood still for hours may still think it new.
const GONE: TimeDelta = TimeDelta::hours(24);

/// As many data keys as one epoch wraps (design.md, 8).
const MOST: i64 = 10_000;

/// Epochs of one class that one is to take the place of, with what they wrap.
pub struct Mergeable {
    /// Their class.
    pub class: ClassCode,
    /// The epochs.
    pub epochs: Vec<StoredEpoch>,
    /// What they wrap, but for what was emptied.
    pub data_keys: Vec<StoredDataKey>,
}

impl std::fmt::Debug for Mergeable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mergeable({} epochs)", self.epochs.len())
    }
}

impl Store {
    /// The closed epochs that fit into fewer, in groups of one class.
    ///
    /// # Errors
    /// The database's.
    pub fn epochs_mergeable(&self) -> Result<Vec<(ClassCode, Vec<Id>)>> {
        let closed = self.now() - CLOSED;
        let (closed, counted) = db::transaction(&self.pool, Mode::Read, |db| {
            let closed: Vec<Id> = epoch::table
                .filter(epoch::created_at.lt(closed))
                .order((epoch::created_at, epoch::id))
                .select(epoch::id)
                .load(db)?;
            let counted: Vec<(Id, String, i64)> = data_key::table
                .group_by((data_key::epoch_id, data_key::class))
                .select((data_key::epoch_id, data_key::class, count(data_key::id)))
                .load(db)?;
            Ok::<_, Error>((closed, counted))
        })?;
        let counted: HashMap<Id, (String, i64)> =
            counted.into_iter().map(|(epoch, class, keys)| (epoch, (class, keys))).collect();
        let mut all: HashMap<ClassCode, Vec<(Id, i64)>> = HashMap::new();
        for id in closed {
            let Some((class, keys)) = counted.get(&id) else { continue };
            all.entry(class_of(class, "data_key", id)?).or_default().push((id, *keys));
        }
        let mut groups: Vec<(ClassCode, Vec<Id>)> = Vec::new();
        for (class, epochs) in all {
            let mut wrapped = MOST;
            for (id, keys) in epochs {
                match groups.last_mut() {
                    Some((of, group)) if *of == class && wrapped + keys <= MOST => {
                        group.push(id);
                        wrapped += keys;
                    }
                    _ => {
                        groups.push((class, vec![id]));
                        wrapped = keys;
                    }
                }
            }
        }
        groups.retain(|(_, group)| group.len() > 1);
        Ok(groups)
    }

    /// These epochs, with what they wrap.
    ///
    /// # Errors
    /// The database's.
    pub fn epochs_with_keys(&self, class: ClassCode, ids: &[Id]) -> Result<Mergeable> {
        db::transaction(&self.pool, Mode::Read, |db| {
            let epochs: Vec<(Id, Id, Vec<u8>)> = epoch::table
                .filter(epoch::id.eq_any(ids))
                .select((epoch::id, epoch::class_key_id, epoch::sealed))
                .load(db)?;
            let keys: Vec<(Id, Id, Id, Vec<u8>)> = data_key::table
                .filter(data_key::epoch_id.eq_any(ids))
                .filter(data_key::wrapped.ne(Vec::new()))
                .select((data_key::id, data_key::epoch_id, data_key::record_id, data_key::wrapped))
                .load(db)?;
            let epoch =
                |(id, class_key, sealed): (Id, Id, Vec<u8>)| StoredEpoch { id: id.0, class_key: class_key.0, sealed };
            let key = |(id, epoch, record, wrapped): (Id, Id, Id, Vec<u8>)| StoredDataKey {
                id: id.0,
                record: RecordId(record.0),
                class,
                epoch: epoch.0,
                wrapped,
            };
            Ok(Mergeable {
                class,
                epochs: epochs.into_iter().map(epoch).collect(),
                data_keys: keys.into_iter().map(key).collect(),
            })
        })
    }

    /// Puts one epoch in the place of several. What was erased meanwhile stays erased.
    ///
    /// # Errors
    /// The database's: a node's own role may not.
    pub fn epochs_merge(&self, of: &Mergeable, merged: &StoredEpoch, data_keys: &[StoredDataKey]) -> Result<()> {
        let now = self.now();
        let ids: Vec<Id> = of.epochs.iter().map(|epoch| Id(epoch.id)).collect();
        db::transaction(&self.pool, Mode::Keep, |db| {
            if !sealing_keys(db, now)?.iter().any(|key| key.id == merged.class_key) {
                return Err(Error::Conflict("The class key was rotated meanwhile. Run the command again.".into()));
            }
            diesel::insert_into(epoch::table)
                .values((
                    epoch::id.eq(Id(merged.id)),
                    epoch::class_key_id.eq(Id(merged.class_key)),
                    epoch::sealed.eq(&merged.sealed),
                    epoch::created_at.eq(now),
                ))
                .execute(db)?;
            for key in data_keys {
                diesel::update(data_key::table.find(Id(key.id)))
                    .filter(data_key::wrapped.ne(Vec::new()))
                    .set((data_key::epoch_id.eq(Id(merged.id)), data_key::wrapped.eq(&key.wrapped)))
                    .execute(db)?;
            }
            diesel::update(data_key::table)
                .filter(data_key::epoch_id.eq_any(&ids))
                .filter(data_key::wrapped.eq(Vec::new()))
                .set(data_key::epoch_id.eq(Id(merged.id)))
                .execute(db)?;
            // From now on they wrap nothing: whoever read a data key just before still finds its epoch.
            diesel::update(epoch::table.filter(epoch::id.eq_any(&ids))).set(epoch::created_at.eq(now)).execute(db)?;
            Ok(())
        })
    }

    /// Takes away old epochs that wrap nothing. Gives how many.
    ///
    /// # Errors
    /// The database's: a node's own role may not.
    pub fn epochs_remove_empty(&self) -> Result<usize> {
        let closed = self.now() - GONE;
        db::transaction(&self.pool, Mode::Keep, |db| {
            let wraps = data_key::table.filter(data_key::epoch_id.eq(epoch::id));
            let empty =
                epoch::table.filter(epoch::created_at.lt(closed)).filter(diesel::dsl::not(diesel::dsl::exists(wraps)));
            Ok(diesel::delete(empty).execute(db)?)
        })
    }
}
