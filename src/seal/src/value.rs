//! A sealed value: its bytes, its size buckets, and what it is bound to.

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroizing;

use crate::cipher::{self, Key, LARGEST, NONCE, SMALLEST, TAG};
use crate::{Class, ClassCode, Error, Plain};

/// First byte of every sealed value. Readers take every format ever written.
const FORMAT: u8 = 1;
const HEAD: usize = 1 + 16;
const LENGTH: usize = 4;

/// The permanent id of the record that a value belongs to; never changes, through editions and moves alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub [u8; 16]);

/// The stable code of a sealed field. A code is never given to another field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(pub u16);

/// What can be sealed: a value that knows its bytes.
pub trait Sealable: Sized {
    /// The bytes to encipher.
    fn to_plain(&self) -> Zeroizing<Vec<u8>>;
    /// The value of these bytes, for a reader that has opened them; `None` when they are not of this type.
    fn from_plain(bytes: &[u8]) -> Option<Self>;
}

impl Sealable for Plain {
    fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.expose().as_bytes().to_vec())
    }
    fn from_plain(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(Plain::from)
    }
}

/// A ciphertext of a `T`, of class `C`. It cannot be serialised, and prints as its marker.
pub struct Sealed<T, C> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> (T, C)>,
}

impl<T, C: Class> Sealed<T, C> {
    /// Takes ciphertext as the database holds it.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the bytes cannot be a sealed value.
    pub fn from_stored(bytes: Vec<u8>) -> Result<Self, Error> {
        check(&bytes)?;
        Ok(Self { bytes: bytes.into(), of: PhantomData })
    }

    /// The ciphertext, for the database.
    pub fn stored(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T, C> Clone for Sealed<T, C> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), of: PhantomData }
    }
}

impl<T, C: Class> fmt::Debug for Sealed<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T, C: Class> fmt::Display for Sealed<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[withheld: {}]", C::CODE.name())
    }
}

fn check(bytes: &[u8]) -> Result<(), Error> {
    let padded = bytes.len().checked_sub(HEAD + NONCE + TAG).ok_or(Error::Malformed("sealed value"))?;
    if bytes[0] == FORMAT && bucket(padded) == Some(padded) { Ok(()) } else { Err(Error::Malformed("sealed value")) }
}

/// The id of the data key that a stored value was sealed under.
pub(crate) fn data_key_of(bytes: &[u8]) -> Result<[u8; 16], Error> {
    check(bytes)?;
    bytes[1..HEAD].try_into().map_err(|_| Error::Malformed("sealed value"))
}

fn bucket(needed: usize) -> Option<usize> {
    let mut size = SMALLEST;
    while size < needed {
        size <<= 2;
    }
    (size <= LARGEST).then_some(size)
}

fn associated(data_key: &[u8; 16], record: RecordId, class: ClassCode, field: Field) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + 16 + 3);
    bytes.push(FORMAT);
    bytes.extend_from_slice(data_key);
    bytes.extend_from_slice(&record.0);
    bytes.push(class.byte());
    bytes.extend_from_slice(&field.0.to_be_bytes());
    bytes
}

/// Seals `value` under a data key, bound to key, record, class and field; padded as if it had `least` bytes, where it has fewer.
pub(crate) fn seal<T: Sealable, C: Class>(
    key: &Key,
    data_key: &[u8; 16],
    record: RecordId,
    field: Field,
    value: &T,
    least: usize,
) -> Result<Sealed<T, C>, Error> {
    let plain = value.to_plain();
    let size = bucket(LENGTH + plain.len().max(least)).ok_or(Error::TooLong(LARGEST - LENGTH))?;
    let length = u32::try_from(plain.len()).map_err(|_| Error::TooLong(LARGEST - LENGTH))?;
    let mut padded = Zeroizing::new(vec![0; size]);
    padded[..LENGTH].copy_from_slice(&length.to_be_bytes());
    padded[LENGTH..LENGTH + plain.len()].copy_from_slice(&plain);
    let mut bytes = Vec::with_capacity(HEAD + NONCE + size + TAG);
    bytes.push(FORMAT);
    bytes.extend_from_slice(data_key);
    cipher::encipher(key, &padded, &associated(data_key, record, C::CODE, field), &mut bytes)?;
    Ok(Sealed { bytes: bytes.into(), of: PhantomData })
}

/// Opens a stored value with its data key.
pub(crate) fn open(
    key: &Key,
    record: RecordId,
    class: ClassCode,
    field: Field,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let data_key = data_key_of(bytes)?;
    let padded = cipher::decipher(key, &bytes[HEAD..], &associated(&data_key, record, class, field))
        .ok_or(Error::Unopened("the sealed value"))?;
    let (length, rest) = padded.split_at_checked(LENGTH).ok_or(Error::Malformed("sealed value"))?;
    let length = length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
    rest.get(..length).map(|plain| Zeroizing::new(plain.to_vec())).ok_or(Error::Malformed("sealed value"))
}
