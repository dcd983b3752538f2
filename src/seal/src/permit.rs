//! The permit: what passes from a committed decision to the desk that opens.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use zeroize::Zeroizing;

use crate::cipher::{self, Key};
use crate::keys::{PrivateKeys, private_keys};
use crate::sealer::{self, StoredDataKey, StoredEpoch};
use crate::value::{self, Field, RecordId};
use crate::{ClassCode, Error, MasterKey, OperatorPublic, StoredClassKey};

/// Makes permits. One exists for each unlocking; the store owns it and grants only after its commit.
pub struct Granter {
    pair: [u8; 16],
}

impl fmt::Debug for Granter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Granter")
    }
}

/// What a permit allows of one record: the ciphertexts themselves, with the keys that wrap theirs.
#[derive(Clone)]
pub struct PermittedRecord {
    /// The record.
    pub record: RecordId,
    /// The class of the values.
    pub class: ClassCode,
    /// The ciphertexts allowed, by field.
    pub values: Vec<(Field, Vec<u8>)>,
    /// The data keys that they name.
    pub data_keys: Vec<StoredDataKey>,
}

/// The leave to open certain ciphertexts once. It cannot be cloned, nor made but by a [`Granter`].
pub struct Permit {
    pair: [u8; 16],
    records: Vec<PermittedRecord>,
    epochs: Vec<StoredEpoch>,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({} records)", self.records.len())
    }
}

impl Granter {
    pub(crate) fn new(pair: [u8; 16]) -> Self {
        Self { pair }
    }

    /// Packs what a committed decision allowed.
    pub fn grant(&self, records: Vec<PermittedRecord>, epochs: Vec<StoredEpoch>) -> Permit {
        Permit { pair: self.pair, records, epochs }
    }
}

/// Opens what permits carry. One exists for each unlocking; the disclosure desk owns it.
pub struct Opener {
    pair: [u8; 16],
    private: RwLock<PrivateKeys>,
    opened: AtomicU64,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener")
    }
}

/// One opened value. It wipes itself, and prints nothing of itself.
pub struct OpenedValue {
    /// The field.
    pub field: Field,
    plain: Zeroizing<Vec<u8>>,
}

impl OpenedValue {
    /// The plaintext. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &[u8] {
        &self.plain
    }
}

impl fmt::Debug for OpenedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedValue({})", self.field.0)
    }
}

/// The opened values of one record.
#[derive(Debug)]
pub struct OpenedRecord {
    /// The record.
    pub record: RecordId,
    /// Its values of one class. A value whose data key was erased is not among them.
    pub values: Vec<OpenedValue>,
}

impl Opener {
    pub(crate) fn new(pair: [u8; 16], private: PrivateKeys) -> Self {
        Self { pair, private: RwLock::new(private), opened: AtomicU64::new(0) }
    }

    fn private(&self) -> RwLockReadGuard<'_, PrivateKeys> {
        self.private.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The class of a class key whose private half it has.
    pub fn class_of(&self, class_key: &[u8; 16]) -> Option<ClassCode> {
        self.private().get(class_key).map(|(class, _)| *class)
    }

    /// Takes other class keys in place of its own: another was made.
    ///
    /// # Errors
    /// [`Error::Unopened`] when the master key is not the one that wrapped them; then it knows what it knew.
    pub fn learn(&self, master: &MasterKey, keys: &[StoredClassKey]) -> Result<(), Error> {
        let private = private_keys(master, keys)?;
        *self.private.write().unwrap_or_else(PoisonError::into_inner) = private;
        Ok(())
    }

    /// Seals an epoch to another class key of its class. What stands under it is not touched, and nothing is opened but the epoch.
    ///
    /// # Errors
    /// [`Error::NoClassKey`] when the epoch's own key is not known; [`Error::Unsigned`] when the other's is nobody's.
    pub fn reseal(
        &self,
        epoch: &StoredEpoch,
        to: &StoredClassKey,
        operator: &OperatorPublic,
    ) -> Result<StoredEpoch, Error> {
        let public = to.verified(operator)?;
        let private = self.private();
        let (class, private) = private.get(&epoch.class_key).ok_or(Error::NoClassKey(to.class.name()))?;
        if *class != to.class {
            return Err(Error::NoClassKey(class.name()));
        }
        let key = sealer::open_epoch(private, *class, epoch)?;
        let sealed = sealer::seal_epoch(&public, *class, &epoch.id, &key)?;
        Ok(StoredEpoch { id: epoch.id, class_key: to.id, sealed })
    }

    /// Makes one epoch of several of a class: what they wrap is wrapped anew under it. No value is opened, and what was emptied
    /// stays empty.
    ///
    /// # Errors
    /// As [`Opener::reseal`]; [`Error::Malformed`] for a data key of another class, or of none of the epochs.
    pub fn merge(
        &self,
        epochs: &[StoredEpoch],
        data_keys: &[StoredDataKey],
        to: &StoredClassKey,
        operator: &OperatorPublic,
    ) -> Result<(StoredEpoch, Vec<StoredDataKey>), Error> {
        let public = to.verified(operator)?;
        let private = self.private();
        let mut open: HashMap<[u8; 16], Key> = HashMap::new();
        for epoch in epochs {
            let (class, private) = private.get(&epoch.class_key).ok_or(Error::NoClassKey(to.class.name()))?;
            if *class != to.class {
                return Err(Error::NoClassKey(class.name()));
            }
            open.insert(epoch.id, sealer::open_epoch(private, *class, epoch)?);
        }
        let (id, key) = (cipher::random(), cipher::random_key());
        let sealed = sealer::seal_epoch(&public, to.class, &id, &key)?;
        let wrap = |data_key: &StoredDataKey| {
            let epoch = open.get(&data_key.epoch).filter(|_| data_key.class == to.class);
            let plain = sealer::open_data_key(epoch.ok_or(Error::Malformed("data key"))?, data_key)?;
            sealer::wrap_data_key((&id, &key), &data_key.id, data_key.record, data_key.class, &plain)
        };
        let wrapped = data_keys.iter().filter(|key| !key.wrapped.is_empty()).map(wrap).collect::<Result<_, _>>()?;
        Ok((StoredEpoch { id, class_key: to.id, sealed }, wrapped))
    }

    /// How many values this opener has opened since it was made: reads must leave it still.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    /// Consumes a permit and opens what it carries. Values under an emptied (erased) data key are left out.
    ///
    /// # Errors
    /// [`Error::ForeignPermit`] for a permit of another granter; [`Error::Unopened`] when bytes were changed or moved.
    pub fn open(&self, permit: Permit) -> Result<Vec<OpenedRecord>, Error> {
        let opened = self.open_each(permit)?;
        opened.into_iter().collect()
    }

    /// As [`Opener::open`], each record by itself: of one that somebody damaged there is an error in its place.
    ///
    /// # Errors
    /// [`Error::ForeignPermit`] for a permit of another granter.
    pub fn open_each(&self, permit: Permit) -> Result<Vec<Result<OpenedRecord, Error>>, Error> {
        if permit.pair != self.pair {
            return Err(Error::ForeignPermit);
        }
        let private = self.private();
        let stored: HashMap<[u8; 16], &StoredEpoch> = permit.epochs.iter().map(|epoch| (epoch.id, epoch)).collect();
        let mut epochs: HashMap<[u8; 16], Key> = HashMap::new();
        let mut one = |allowed: &PermittedRecord| {
            let mut keys: HashMap<[u8; 16], Key> = HashMap::new();
            for data_key in allowed.data_keys.iter().filter(|key| !key.wrapped.is_empty()) {
                if !epochs.contains_key(&data_key.epoch) {
                    let epoch = stored.get(&data_key.epoch).ok_or(Error::Malformed("permit"))?;
                    let (class, private) =
                        private.get(&epoch.class_key).ok_or(Error::NoClassKey(data_key.class.name()))?;
                    epochs.insert(epoch.id, sealer::open_epoch(private, *class, epoch)?);
                }
                let epoch = epochs.get(&data_key.epoch).ok_or(Error::Malformed("permit"))?;
                keys.insert(data_key.id, sealer::open_data_key(epoch, data_key)?);
            }
            let mut values = Vec::with_capacity(allowed.values.len());
            for (field, bytes) in &allowed.values {
                if let Some(key) = keys.get(&value::data_key_of(bytes)?) {
                    let plain = value::open(key, allowed.record, allowed.class, *field, bytes)?;
                    self.opened.fetch_add(1, Ordering::Relaxed);
                    values.push(OpenedValue { field: *field, plain });
                }
            }
            Ok(OpenedRecord { record: allowed.record, values })
        };
        Ok(permit.records.iter().map(&mut one).collect())
    }
}
