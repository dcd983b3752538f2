//! Sealed values: what is sensitive is ciphertext from the moment of entry until a person opens it by an act.
//!
//! This crate knows no noun of the product. Its edge is what makes "does not compile" true:
//!
//! - [`Sealed`] holds a ciphertext with its class in the type. It has no `Serialize`; `Debug` and `Display` print the
//!   class and nothing else.
//! - [`Sealer`] seals with public keys alone, so a node needs no private key to write.
//! - [`unlock`] turns the master key and the stored class keys into exactly one [`Granter`] and one [`Opener`]. Neither
//!   can be cloned or made in another way. The granter packs the ciphertexts that a decision allowed into a [`Permit`];
//!   only its own opener consumes it.
//!
//! The chain of keys, from the outside in (RFC 9180 for the first link, RFC 8452 for the others):
//! class key pair (HPKE, X-Wing) → epoch key → data key (one for each record, class and write) → value.

mod cipher;
mod class;
mod keys;
mod permit;
mod plain;
mod recovery;
mod sealer;
mod value;

pub use class::{Class, ClassCode, Confidential, StrictlyConfidential};
pub use keys::{KeyPlace, MasterKey, OperatorKey, OperatorPublic, StoredClassKey, generate_class_key, rewrap, unlock};
pub use permit::{Granter, OpenedRecord, OpenedValue, Opener, Permit, PermittedRecord};
pub use plain::Plain;
pub use recovery::{check_recovery, rewrap_with_recovery};
pub use sealer::{NewEpoch, RecordSealer, Sealer, StoredDataKey, StoredEpoch};
pub use value::{Field, RecordId, Sealable, Sealed};

/// Why sealing or opening failed. No variant carries plaintext, key material or ciphertext.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum Error {
    /// The bytes are not a sealed value, key or epoch of a known format.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The key does not fit the bytes, or the bytes were changed or moved to another field, record or class.
    #[error("{0} does not open with this key")]
    Unopened(&'static str),
    /// A class key's public half does not carry the operator's signature.
    #[error("the public key of class {0} is not signed by the operator's key")]
    Unsigned(&'static str),
    /// The sealer holds no current epoch for the class: make and commit one first.
    #[error("no current epoch for class {0}")]
    NoEpoch(&'static str),
    /// No class key of this class is known.
    #[error("no key for class {0}")]
    NoClassKey(&'static str),
    /// The permit was made by another granter than this opener's.
    #[error("this permit was not granted for this desk")]
    ForeignPermit,
    /// A value is longer than the largest bucket.
    #[error("a sealed value may hold at most {0} bytes")]
    TooLong(usize),
    /// The recovery recipient or identity could not be read.
    #[error("recovery key: {0}")]
    Recovery(String),
}
