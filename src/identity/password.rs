//! Argon2id at OWASP's parameters (19 MiB, two passes, one lane), with a bound on how many run at once: a flood of
//! sign-ins is a flood of memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Hashes at once.
const AT_ONCE: usize = 4;

/// Too many hashes are running.
#[derive(Debug, thiserror::Error)]
#[error("too many at once")]
pub struct TooMany;

/// Hashes and verifies passwords.
#[derive(Debug)]
pub struct Hasher {
    running: AtomicUsize,
    /// A hash of nothing at all: what an unknown address is compared with.
    decoy: String,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hasher {
    /// A hasher.
    pub fn new() -> Self {
        let (mut salt, mut hash) = ([0; 16], [0; 32]);
        rand::fill(&mut salt);
        rand::fill(&mut hash);
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        let decoy = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${hash}");
        Self { running: AtomicUsize::new(0), decoy }
    }

    fn turn(&self) -> Result<Turn<'_>, TooMany> {
        if self.running.fetch_add(1, Ordering::AcqRel) >= AT_ONCE {
            self.running.fetch_sub(1, Ordering::AcqRel);
            return Err(TooMany);
        }
        Ok(Turn(&self.running))
    }

    /// Hashes a password, in PHC form.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn hash(&self, password: &str) -> Result<String, TooMany> {
        let _turn = self.turn()?;
        hash(password.as_bytes()).ok_or(TooMany)
    }

    /// Whether a password fits a hash; with `None` it does the same work and says no.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn verify(&self, password: &str, against: Option<&str>) -> Result<bool, TooMany> {
        let _turn = self.turn()?;
        let fits = PasswordHash::new(against.unwrap_or(&self.decoy)).is_ok_and(|hash| {
            argon2().is_some_and(|argon2| argon2.verify_password(password.as_bytes(), &hash).is_ok())
        });
        Ok(fits && against.is_some())
    }
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> Option<String> {
    let hash: PasswordHash = argon2()?.hash_password(password).ok()?;
    Some(hash.to_string())
}
