//! AES-256-GCM-SIV (RFC 8452) with a random nonce in front: the one way bytes are enciphered under a symmetric key.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use zeroize::Zeroizing;

/// Plaintext is padded with zeros to the least of 32, 128, 512, 2,048 … bytes that holds it and its length, so that a
/// ciphertext tells a size class and not a size.
pub(crate) const SMALLEST: usize = 32;
/// The largest bucket, 2 MiB.
pub(crate) const LARGEST: usize = SMALLEST << 16;

/// Bytes of the nonce that stands before each ciphertext.
pub(crate) const NONCE: usize = 12;
/// Bytes of the authentication tag that ends each ciphertext.
pub(crate) const TAG: usize = 16;

/// A symmetric key that wipes itself.
pub(crate) type Key = Zeroizing<[u8; 32]>;

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}

pub(crate) fn random_key() -> Key {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut key[..]);
    key
}

/// Appends nonce and ciphertext to `out`. The cipher refuses only messages of 64 GiB, far above what the callers bound.
pub(crate) fn encipher(key: &Key, plain: &[u8], associated: &[u8], out: &mut Vec<u8>) -> Result<(), crate::Error> {
    let nonce: [u8; NONCE] = random();
    let cipher = Aes256GcmSiv::new((&**key).into());
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: associated })
        .map_err(|_| crate::Error::TooLong(LARGEST))?;
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Ok(())
}

/// Opens what [`encipher`] wrote; `None` when key, bytes or associated data differ.
pub(crate) fn decipher(key: &Key, bytes: &[u8], associated: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let cipher = Aes256GcmSiv::new((&**key).into());
    cipher.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: associated }).ok().map(Zeroizing::new)
}
