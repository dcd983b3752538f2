//! Sealing with public keys alone: epochs and data keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::KdfTurboShake128;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::cipher::{self, Key};
use crate::value::{self, Field, RecordId, Sealable, Sealed};
use crate::{Class, ClassCode, Error, OperatorPublic, StoredClassKey};

const FORMAT: u8 = 1;
const INFO: &[u8] = b"casque epoch v1";
/// An epoch key is kept for at most this long …
const EPOCH_AGE: Duration = Duration::from_secs(600);
/// … or this many data keys.
const EPOCH_USES: u32 = 10_000;

/// An epoch as the database holds it: a symmetric key sealed once to a class key.
#[derive(Clone)]
pub struct StoredEpoch {
    /// Random id.
    pub id: [u8; 16],
    /// The class key it is sealed to.
    pub class_key: [u8; 16],
    /// Format byte, encapsulated key and ciphertext (HPKE base mode).
    pub sealed: Vec<u8>,
}

/// A data key as the database holds it, wrapped under its epoch. Emptying `wrapped` erases what it sealed.
#[derive(Clone)]
pub struct StoredDataKey {
    /// Random id; the values that it sealed carry it.
    pub id: [u8; 16],
    /// The record whose values it seals.
    pub record: RecordId,
    /// The class of those values.
    pub class: ClassCode,
    /// The epoch that wraps it.
    pub epoch: [u8; 16],
    /// Format byte and ciphertext.
    pub wrapped: Vec<u8>,
}

/// An epoch that its maker has still to commit. Give it to [`Sealer::adopt`] once it is durable.
pub struct NewEpoch {
    class: ClassCode,
    key: Key,
    stored: StoredEpoch,
}

impl NewEpoch {
    /// What to commit.
    pub fn stored(&self) -> &StoredEpoch {
        &self.stored
    }
}

impl fmt::Debug for NewEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewEpoch")
    }
}

#[derive(Clone)]
struct Epoch {
    id: [u8; 16],
    key: Key,
    since: Instant,
    uses: u32,
}

/// The class key that each class is sealed to.
type PublicKeys = HashMap<ClassCode, ([u8; 16], <XWing as Kem>::PublicKey)>;

/// Seals for every class, holding public keys and the node's current epochs.
pub struct Sealer {
    public: RwLock<PublicKeys>,
    epochs: Mutex<HashMap<ClassCode, Epoch>>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer over the newest key of each class (the last of its class in `keys`).
    ///
    /// # Errors
    /// [`Error::Unsigned`] when a public key does not carry the pinned operator's signature.
    pub fn new(keys: &[StoredClassKey], operator: &OperatorPublic) -> Result<Self, Error> {
        let mut public = HashMap::new();
        for key in keys {
            public.insert(key.class, (key.id, key.verified(operator)?));
        }
        Ok(Self { public: RwLock::new(public), epochs: Mutex::new(HashMap::new()) })
    }

    fn epochs(&self) -> std::sync::MutexGuard<'_, HashMap<ClassCode, Epoch>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epochs that a write must commit before it can seal; empty while the current ones last.
    ///
    /// # Errors
    /// [`Error::NoClassKey`] when a class has no key.
    pub fn due(&self) -> Result<Vec<NewEpoch>, Error> {
        let missing: Vec<ClassCode> = {
            let epochs = self.epochs();
            let lasts = |class: &ClassCode| {
                epochs.get(class).is_some_and(|epoch| epoch.since.elapsed() < EPOCH_AGE && epoch.uses < EPOCH_USES)
            };
            ClassCode::ALL.into_iter().filter(|class| !lasts(class)).collect()
        };
        missing.into_iter().map(|class| self.make(class)).collect()
    }

    fn make(&self, class: ClassCode) -> Result<NewEpoch, Error> {
        let public = self.public.read().unwrap_or_else(PoisonError::into_inner);
        let (class_key, public) = public.get(&class).ok_or(Error::NoClassKey(class.name()))?;
        let (id, key) = (cipher::random(), cipher::random_key());
        let sealed = seal_epoch(public, class, &id, &key)?;
        Ok(NewEpoch { class, key, stored: StoredEpoch { id, class_key: *class_key, sealed } })
    }

    /// Seals to these class keys from its next epochs on.
    ///
    /// # Errors
    /// As [`Sealer::new`]; then it seals as it did.
    pub fn learn(&self, keys: &[StoredClassKey], operator: &OperatorPublic) -> Result<(), Error> {
        let other = Self::new(keys, operator)?.public.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = other;
        Ok(())
    }

    /// Seals nothing more under the epochs that it has.
    pub fn close(&self) {
        self.epochs().clear();
    }

    /// Takes a committed epoch into use.
    pub fn adopt(&self, epoch: NewEpoch) {
        let NewEpoch { class, key, stored } = epoch;
        self.epochs().insert(class, Epoch { id: stored.id, key, since: Instant::now(), uses: 0 });
    }

    /// Seals the values of one record, in one write.
    pub fn record(&self, record: RecordId) -> RecordSealer<'_> {
        RecordSealer { sealer: self, record, keys: Vec::new() }
    }
}

/// Seals values of one record under fresh data keys, one a class. Its data keys must be stored with the values.
pub struct RecordSealer<'a> {
    sealer: &'a Sealer,
    record: RecordId,
    keys: Vec<(StoredDataKey, Key)>,
}

impl fmt::Debug for RecordSealer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordSealer")
    }
}

impl RecordSealer<'_> {
    /// Seals one value.
    ///
    /// # Errors
    /// [`Error::NoEpoch`] when no epoch was adopted for the class; [`Error::TooLong`] past 2 MiB.
    pub fn seal<T: Sealable, C: Class>(&mut self, field: Field, value: &T) -> Result<Sealed<T, C>, Error> {
        self.seal_padded(field, value, 0)
    }

    /// Seals a value of one record, padded as one of at least so many bytes would be: values that are all shorter have one size.
    ///
    /// # Errors
    /// As [`RecordSealer::seal`].
    pub fn seal_padded<T: Sealable, C: Class>(
        &mut self,
        field: Field,
        value: &T,
        least: usize,
    ) -> Result<Sealed<T, C>, Error> {
        let known = self.keys.iter().position(|(stored, _)| stored.class == C::CODE);
        let at = match known {
            Some(at) => at,
            None => {
                self.keys.push(self.data_key(C::CODE)?);
                self.keys.len() - 1
            }
        };
        let (stored, key) = &self.keys[at];
        value::seal(key, &stored.id, self.record, field, value, least)
    }

    fn data_key(&self, class: ClassCode) -> Result<(StoredDataKey, Key), Error> {
        let (epoch, epoch_key) = {
            let mut epochs = self.sealer.epochs();
            let epoch = epochs.get_mut(&class).ok_or(Error::NoEpoch(class.name()))?;
            epoch.uses += 1;
            (epoch.id, epoch.key.clone())
        };
        let (id, key) = (cipher::random(), cipher::random_key());
        Ok((wrap_data_key((&epoch, &epoch_key), &id, self.record, class, &key)?, key))
    }

    /// The data keys made, to be stored in the same transaction as the values.
    #[must_use = "values whose data keys are not stored can never be opened"]
    pub fn finish(self) -> Vec<StoredDataKey> {
        self.keys.into_iter().map(|(stored, _)| stored).collect()
    }
}

fn epoch_associated(id: &[u8; 16], class: ClassCode) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(id);
    bytes.push(class.byte());
    bytes
}

fn data_key_associated(id: &[u8; 16], record: RecordId, class: ClassCode) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(&record.0);
    bytes.push(class.byte());
    bytes
}

/// Wraps a data key under an epoch.
pub(crate) fn wrap_data_key(
    (epoch, epoch_key): (&[u8; 16], &Key),
    id: &[u8; 16],
    record: RecordId,
    class: ClassCode,
    key: &Key,
) -> Result<StoredDataKey, Error> {
    let mut wrapped = vec![FORMAT];
    cipher::encipher(epoch_key, &**key, &data_key_associated(id, record, class), &mut wrapped)?;
    Ok(StoredDataKey { id: *id, record, class, epoch: *epoch, wrapped })
}

/// Seals an epoch's key to a class key.
pub(crate) fn seal_epoch(
    public: &<XWing as Kem>::PublicKey,
    class: ClassCode,
    id: &[u8; 16],
    key: &Key,
) -> Result<Vec<u8>, Error> {
    let (encapsulated, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, KdfTurboShake128, XWing>(
        &OpModeS::Base,
        public,
        INFO,
        &**key,
        &epoch_associated(id, class),
    )
    .map_err(|_| Error::Malformed("class key"))?;
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&encapsulated.to_bytes());
    bytes.extend_from_slice(&sealed);
    Ok(bytes)
}

/// Opens an epoch with the private key of its class.
pub(crate) fn open_epoch(private: &[u8], class: ClassCode, epoch: &StoredEpoch) -> Result<Key, Error> {
    let malformed = || Error::Malformed("epoch");
    let private = <XWing as Kem>::PrivateKey::from_bytes(private).map_err(|_| Error::Malformed("class key"))?;
    let (&format, rest) = epoch.sealed.split_first().ok_or_else(malformed)?;
    let (encapsulated, sealed) = rest.split_at_checked(<XWing as Kem>::EncappedKey::size()).ok_or_else(malformed)?;
    if format != FORMAT {
        return Err(malformed());
    }
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| malformed())?;
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, KdfTurboShake128, XWing>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        INFO,
        sealed,
        &epoch_associated(&epoch.id, class),
    )
    .map(Zeroizing::new)
    .map_err(|_| Error::Unopened("the epoch"))?;
    key_of(&plain).ok_or_else(malformed)
}

/// Unwraps a data key with its epoch's key.
pub(crate) fn open_data_key(epoch: &Key, key: &StoredDataKey) -> Result<Key, Error> {
    match key.wrapped.split_first() {
        Some((&FORMAT, rest)) => {
            let plain = cipher::decipher(epoch, rest, &data_key_associated(&key.id, key.record, key.class))
                .ok_or(Error::Unopened("the data key"))?;
            key_of(&plain).ok_or(Error::Malformed("data key"))
        }
        _ => Err(Error::Malformed("data key")),
    }
}

fn key_of(bytes: &[u8]) -> Option<Key> {
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(bytes);
    Some(key)
}
