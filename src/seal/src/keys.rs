//! Master key, operator's key, class keys; and unlocking, the only source of a [`Granter`] and an [`Opener`].

use std::collections::HashMap;
use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, Serializable};
use zeroize::Zeroizing;

use crate::cipher::{self, Key};
use crate::permit::{Granter, Opener};
use crate::{ClassCode, Error, recovery};

const FORMAT: u8 = 1;

/// The key that the operator supplies and the database never sees; it wraps the private class keys.
pub struct MasterKey(Key);

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(cipher::random_key())
    }

    /// The key of these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key's bytes, for the file that the operator keeps.
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The operator's Ed25519 key: signs the public class keys, so that nobody swaps one in the database.
pub struct OperatorKey(SigningKey);

impl OperatorKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(SigningKey::from_bytes(&cipher::random()))
    }

    /// The key of this 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The seed, for the file that the operator keeps.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The half that a node's configuration pins.
    pub fn public(&self) -> OperatorPublic {
        OperatorPublic(self.0.verifying_key())
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey")
    }
}

/// The public half of the operator's key.
#[derive(Debug, Clone)]
pub struct OperatorPublic(VerifyingKey);

impl OperatorPublic {
    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] when they are no point of the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Error> {
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_| Error::Malformed("operator's public key"))
    }

    /// The key's bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

/// A class key as the database holds it: nothing in it opens anything.
#[derive(Clone)]
pub struct StoredClassKey {
    /// Random id.
    pub id: [u8; 16],
    /// The class it serves.
    pub class: ClassCode,
    /// Its place among the keys of its class: a later key has a higher number. Nobody goes back to a lower one.
    pub sequence: u64,
    /// From when on it is sealed to, in seconds since 1970 (UTC).
    pub effective_from: i64,
    /// HPKE public key (X-Wing).
    pub public: Vec<u8>,
    /// The operator's signature over id, class, sequence, beginning and public key.
    pub signature: Vec<u8>,
    /// The private key under the master key.
    pub wrapped: Vec<u8>,
    /// The private key as an `age` file to the offline recovery recipient, if there is one.
    pub recovery: Option<Vec<u8>>,
}

impl fmt::Debug for StoredClassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredClassKey({})", self.class.name())
    }
}

impl StoredClassKey {
    fn signed(&self) -> Vec<u8> {
        let mut bytes = b"casque class key v2\n".to_vec();
        bytes.extend_from_slice(&self.id);
        bytes.push(self.class.byte());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.effective_from.to_be_bytes());
        bytes.extend_from_slice(&self.public);
        bytes
    }

    /// Checks the operator's signature and yields the public key.
    pub(crate) fn verified(&self, operator: &OperatorPublic) -> Result<<XWing as Kem>::PublicKey, Error> {
        let refused = || Error::Unsigned(self.class.name());
        let signature = Signature::from_slice(&self.signature).map_err(|_| refused())?;
        operator.0.verify(&self.signed(), &signature).map_err(|_| refused())?;
        <XWing as Kem>::PublicKey::from_bytes(&self.public).map_err(|_| Error::Malformed("class key"))
    }

    fn associated(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.id);
        bytes.push(self.class.byte());
        bytes
    }

    fn private(&self, master: &MasterKey) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self.wrapped.split_first() {
            Some((&FORMAT, rest)) => {
                cipher::decipher(&master.0, rest, &self.associated()).ok_or(Error::Unopened("the class key"))
            }
            _ => Err(Error::Malformed("class key")),
        }
    }

    pub(crate) fn wrap(&mut self, private: &[u8], master: &MasterKey) -> Result<(), Error> {
        let mut wrapped = vec![FORMAT];
        cipher::encipher(&master.0, private, &self.associated(), &mut wrapped)?;
        self.wrapped = wrapped;
        Ok(())
    }
}

/// Which place a new class key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPlace {
    /// Its number: higher than that of every key of its class before.
    pub sequence: u64,
    /// From when on it is sealed to, in seconds since 1970 (UTC).
    pub effective_from: i64,
}

impl KeyPlace {
    /// That of the first key of a class.
    pub const FIRST: Self = Self { sequence: 1, effective_from: 0 };
}

/// Makes a key pair for a class, its private half wrapped under the master key and, where a recipient is given, to the
/// offline recovery key too (`age1…`), so that a lost master key is not the end.
///
/// # Errors
/// [`Error::Recovery`] when the recipient is not one.
pub fn generate_class_key(
    class: ClassCode,
    master: &MasterKey,
    operator: &OperatorKey,
    recovery: Option<&str>,
    place: KeyPlace,
) -> Result<StoredClassKey, Error> {
    let (private, public) = XWing::gen_keypair();
    let private = Zeroizing::new(private.to_bytes().to_vec());
    let mut key = StoredClassKey {
        id: cipher::random(),
        class,
        sequence: place.sequence,
        effective_from: place.effective_from,
        public: public.to_bytes().to_vec(),
        signature: Vec::new(),
        wrapped: Vec::new(),
        recovery: recovery.map(|recipient| recovery::wrap(&private, recipient)).transpose()?,
    };
    key.signature = operator.0.sign(&key.signed()).to_bytes().to_vec();
    key.wrap(&private, master)?;
    Ok(key)
}

/// Wraps a class key anew under another master key. What it seals and opens stays as it is.
///
/// # Errors
/// [`Error::Unopened`] when `old` is not the master key that wrapped it.
pub fn rewrap(key: &mut StoredClassKey, old: &MasterKey, new: &MasterKey) -> Result<(), Error> {
    if key.wrapped.is_empty() {
        return Ok(());
    }
    let private = key.private(old)?;
    key.wrap(&private, new)
}

/// Unlocks the class keys to one granter, for the store, and one opener, for the disclosure desk. Every key is tried at
/// once, so that a wrong master key shows at start and not at the first disclosure.
///
/// # Errors
/// [`Error::Unopened`] when the master key is not the one that wrapped a class key.
pub fn unlock(master: &MasterKey, keys: &[StoredClassKey]) -> Result<(Granter, Opener), Error> {
    let pair = cipher::random();
    Ok((Granter::new(pair), Opener::new(pair, private_keys(master, keys)?)))
}

/// Private class keys by id, with the class of each.
pub(crate) type PrivateKeys = HashMap<[u8; 16], (ClassCode, Zeroizing<Vec<u8>>)>;

/// The private halves of those that have one: an old one's is destroyed once nothing is sealed to it.
pub(crate) fn private_keys(master: &MasterKey, keys: &[StoredClassKey]) -> Result<PrivateKeys, Error> {
    let mut private = HashMap::new();
    for key in keys.iter().filter(|key| !key.wrapped.is_empty()) {
        let bytes = key.private(master)?;
        <XWing as Kem>::PrivateKey::from_bytes(&bytes).map_err(|_| Error::Malformed("class key"))?;
        private.insert(key.id, (key.class, bytes));
    }
    Ok(private)
}
