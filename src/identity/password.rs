//! Argon2id at OWASP's parameters (19 MiB, two passes, one lane), with a bound on how many run at once: a flood of
//! sign-ins is a flood of memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Shortest password, in characters (NIST SP 800-63B-4 §3.1.1.2, where it stands alone).
const SHORTEST: usize = 15;
/// Longest, in bytes.
const LONGEST: usize = 1_024;
/// Guesses that a password withstands, as a power of ten: what is on lists of common passwords, words and names, in rows of keys,
/// or in the account's own address, falls below.
const GUESSES: f64 = 10.0;

/// What is wrong with a password that somebody chose: too short, too long, or what others would guess. No kinds of characters are
/// asked for, and none is refused. `about` is what one would guess first: the account's address and name.
pub fn password_fault(password: &str, about: &[&str]) -> Option<String> {
    if password.chars().count() < SHORTEST {
        return Some(format!("the password must have at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Some(format!("the password must have at most {LONGEST} bytes"));
    }
    let mut words = vec!["casque", "peacekeeping", "united", "nations"];
    for text in about {
        words.push(text);
        words.extend(text.split('@'));
        words.extend(text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2));
    }
    let guessed = zxcvbn::zxcvbn(password, &words).guesses_log10() < GUESSES;
    guessed.then(|| {
        "others can guess this password: it is common, or it is made of common words or of your own name".into()
    })
}

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
        hash(normal(password).as_bytes()).ok_or(TooMany)
    }

    /// Whether a password fits a hash; with `None` it does the same work and says no.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn verify(&self, password: &str, against: Option<&str>) -> Result<bool, TooMany> {
        let _turn = self.turn()?;
        let fits = PasswordHash::new(against.unwrap_or(&self.decoy)).is_ok_and(|hash| {
            argon2().is_some_and(|argon2| argon2.verify_password(normal(password).as_bytes(), &hash).is_ok())
        });
        Ok(fits && against.is_some())
    }
}

/// The same password from any keyboard: composed (NFC), as SP 800-63B-4 §3.1.1.2 has it.
fn normal(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> Option<String> {
    let hash: PasswordHash = argon2()?.hash_password(password).ok()?;
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_is_the_same_whichever_keyboard_composed_it() {
        let hasher = Hasher::new();
        let hash = hasher.hash("caf\u{e9} sous la pluie").unwrap();
        assert!(hasher.verify("cafe\u{301} sous la pluie", Some(&hash)).unwrap());
        assert!(!hasher.verify("cafe sous la pluie", Some(&hash)).unwrap());
    }

    #[test]
    fn what_others_would_guess_is_refused_and_no_kind_of_character_is_asked_for() {
        let about = ["minusma.focal-point@casque.example", "Aïssata Made-Up"];
        for guessed in [
            "short",
            "passwordpassword",
            "123456789012345678",
            "qwertyuiopasdfghjkl",
            "aaaaaaaaaaaaaaaaaaaaaa",
            "minusma.focal-point",
            "casquecasquecasque",
            "unitednations2026",
        ] {
            assert!(password_fault(guessed, &about).is_some(), "{guessed}");
        }
        for good in
            ["wander velvet ostrich lamp", "été caravane sous la pluie", "أسد يمشي فوق جسر قديم", "kx3 8vq mmz t01 ppw"]
        {
            assert_eq!(password_fault(good, &about), None, "{good}");
        }
        assert!(password_fault(&"wander velvet ".repeat(100), &about).is_some());
    }
}
