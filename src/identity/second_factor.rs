//! The second factor: one-time codes by time (RFC 6238: SHA-1, six digits, a step of thirty seconds, as every authenticator
//! takes them), each taken once, and ten recovery codes. Passkeys would stand beside it here: what a sign-in and a disclosure
//! ask for is a [`FactorUse`], whatever gave it.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use chrono::{NaiveDateTime, TimeDelta};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::policy::Scope;
use crate::store::{Error, Factor, FactorUse, Id, Store};

/// Wrong codes in a row after which it looks like guessing: from then on one is tried every [`WAIT`].
const GUESSED: i32 = 10;
const WAIT: TimeDelta = TimeDelta::minutes(15);
/// Both, as the store counts by them.
pub(super) const GUESSING: (i32, TimeDelta) = (GUESSED, WAIT);
/// Wrong codes and passwords within one session, with the last of which it ends.
pub(super) const WITHIN_SESSION: i32 = 10;
/// Seconds that a code is shown for.
const STEP: u64 = 30;
/// Recovery codes that an account is given.
const RECOVERY_CODES: usize = 10;
/// First byte of what is encrypted under the system's key.
const FORMAT: u8 = 1;

/// The key under which the system keeps secrets of its own, which no disclosure opens.
pub struct SystemKey(Aes256GcmSiv);

impl std::fmt::Debug for SystemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemKey")
    }
}

impl SystemKey {
    /// The key of 32 bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(seed.into()))
    }

    /// Encrypts a secret of an account: it opens for that account alone.
    pub(super) fn hide(&self, of: Id, secret: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; 12];
        rand::fill(&mut nonce);
        let body = self.0.encrypt(&Nonce::from(nonce), Payload { msg: secret, aad: &of.0 }).ok()?;
        Some([&[FORMAT][..], &nonce, &body].concat())
    }

    /// Whether this is the key under which the store's second factors are kept; so it is where there are none.
    ///
    /// # Errors
    /// The store's.
    pub fn fits(&self, store: &Store) -> Result<bool, Error> {
        let one = store.read(&Scope::Nothing, |r| r.factor_any())?;
        Ok(one.is_none_or(|(of, hidden)| self.show(of, &hidden).is_some()))
    }

    pub(super) fn show(&self, of: Id, hidden: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (format, rest) = hidden.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<12>()?;
        if *format != FORMAT {
            return None;
        }
        self.0.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: &of.0 }).ok().map(Zeroizing::new)
    }
}

/// A new secret, for the person and to be kept.
pub struct NewSecret {
    /// In base 32, as authenticators take it by hand.
    pub base32: Zeroizing<String>,
    /// As `otpauth://totp/…`, for a QR code.
    pub url: Zeroizing<String>,
    pub(super) hidden: Vec<u8>,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewSecret")
    }
}

fn totp(secret: &[u8], account: &str) -> Option<Totp> {
    let builder =
        Builder::new().with_secret(Secret::from(secret)).with_account_name(account).with_issuer(Some("Casque"));
    builder.build().ok()
}

/// The code of a secret in base 32 at a time step.
pub fn code_at(base32: &str, step: i64) -> Option<String> {
    let secret = Secret::try_from_base32(base32.trim()).ok()?;
    let totp = totp(secret.as_bytes(), "casque")?;
    Some(totp.generate(u64::try_from(step).ok()?.checked_mul(STEP)?).to_string())
}

/// The time step of a time (UTC).
pub fn step_at(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp().div_euclid(STEP.cast_signed())
}

pub(super) fn new_secret(key: &SystemKey, of: Id, email: &str) -> Option<NewSecret> {
    let mut secret = Zeroizing::new([0; 20]);
    rand::fill(&mut secret[..]);
    // A label takes no colon, which stands between issuer and account there.
    let totp = totp(&secret[..], &email.replace(':', " "))?;
    Some(NewSecret {
        base32: Zeroizing::new(totp.secret().to_base32()),
        url: Zeroizing::new(totp.to_url().ok()?),
        hidden: key.hide(of, &secret[..])?,
    })
}

/// A code as it was meant: applications show it in groups, and people type the blanks too.
fn typed(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The step whose code this is, one before and one after the present among them, so that clocks may differ by half a minute.
pub(super) fn step_of(key: &SystemKey, of: Id, hidden: &[u8], code: &str, now: NaiveDateTime) -> Option<i64> {
    let secret = key.show(of, hidden)?;
    let time = u64::try_from(now.and_utc().timestamp()).ok()?;
    totp(&secret, "casque")?.check(&typed(code), time).and_then(|step| i64::try_from(step).ok())
}

/// Whether somebody seems to be guessing.
pub(super) fn is_guessed(factor: &Factor, now: NaiveDateTime) -> bool {
    factor.failures >= GUESSED && factor.failed_at.is_some_and(|at| now < at + WAIT)
}

/// What a code is good for at a sign-in, if anything: nothing while somebody seems to be guessing.
pub(super) fn given(key: &SystemKey, of: Id, factor: &Factor, code: &str, now: NaiveDateTime) -> Option<FactorUse> {
    let guessed = typed(code).len() == 6 && is_guessed(factor, now);
    if guessed { None } else { given_within(key, of, factor, code, now) }
}

/// What a code is good for within a session, which has few attempts of its own: a code of the present, or one that looks like a recovery code,
/// which the database knows or not.
pub(super) fn given_within(
    key: &SystemKey,
    of: Id,
    factor: &Factor,
    code: &str,
    now: NaiveDateTime,
) -> Option<FactorUse> {
    if typed(code).len() == 6 {
        step_of(key, of, factor.secret.as_deref()?, code, now).map(FactorUse::Step)
    } else {
        Some(FactorUse::Recovery(recovery_hash(code)))
    }
}

/// A recovery code is 140 random bits in base 32, seven groups of four: too many to try, so that a plain hash is kept (ASVS 6.5.2).
pub(super) fn recovery_codes() -> (Vec<Zeroizing<String>>, Vec<Vec<u8>>) {
    let code = || {
        let mut bits = [0; 18];
        rand::fill(&mut bits);
        let plain = Secret::from(&bits[..]).to_base32();
        let parts: Vec<&str> = (0..7).filter_map(|part| plain.get(part * 4..part * 4 + 4)).collect();
        Zeroizing::new(parts.join("-"))
    };
    let codes: Vec<Zeroizing<String>> = (0..RECOVERY_CODES).map(|_| code()).collect();
    let hashes = codes.iter().map(|code| recovery_hash(code)).collect();
    (codes, hashes)
}

fn recovery_hash(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    Sha256::digest(plain.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(hidden: Vec<u8>) -> Factor {
        Factor { secret: Some(hidden), pending: None, failures: 0, failed_at: None }
    }

    #[test]
    fn a_code_of_the_present_and_its_neighbours_is_known_by_its_step() {
        let (key, of) = (SystemKey::from_seed(&[3; 32]), Id([1; 16]));
        let new = new_secret(&key, of, "someone@casque.example").unwrap();
        let now: NaiveDateTime = "2026-11-27T12:00:10".parse().unwrap();
        let present = step_at(now);
        for step in present - 3..=present + 3 {
            let code = code_at(&new.base32, step).unwrap();
            let expected = (step - present).abs() <= 1;
            let found = given(&key, of, &factor(new.hidden.clone()), &code, now);
            assert_eq!(found, expected.then_some(FactorUse::Step(step)), "{}", step - present);
        }
        assert!(new.url.starts_with("otpauth://totp/Casque:someone%40casque.example?"), "{}", &*new.url);
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        let secret = Secret::from(b"12345678901234567890".as_slice()).to_base32();
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code_at(&secret, time / 30).as_deref(), Some(code));
        }
    }

    #[test]
    fn a_secret_opens_for_its_own_account_and_key_alone() {
        let (key, of) = (SystemKey::from_seed(&[3; 32]), Id([1; 16]));
        let hidden = key.hide(of, b"secret").unwrap();
        assert_eq!(key.show(of, &hidden).unwrap().as_slice(), b"secret");
        assert!(key.show(Id([2; 16]), &hidden).is_none());
        assert!(SystemKey::from_seed(&[4; 32]).show(of, &hidden).is_none());
        for at in 0..hidden.len() {
            let mut damaged = hidden.clone();
            damaged[at] ^= 1;
            assert!(key.show(of, &damaged).is_none(), "{at}");
        }
    }

    #[test]
    fn whoever_guesses_waits() {
        let (key, of) = (SystemKey::from_seed(&[3; 32]), Id([1; 16]));
        let new = new_secret(&key, of, "someone@casque.example").unwrap();
        let now: NaiveDateTime = "2026-11-27T12:00:10".parse().unwrap();
        let code = code_at(&new.base32, step_at(now)).unwrap();
        let failed = |failures, ago| Factor { failures, failed_at: Some(now - ago), ..factor(new.hidden.clone()) };
        let tried = |factor: &Factor| given(&key, of, factor, &code, now).is_some();
        assert!(tried(&failed(GUESSED - 1, TimeDelta::zero())));
        assert!(!tried(&failed(GUESSED, TimeDelta::zero())));
        assert!(tried(&failed(GUESSED, WAIT)));
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let (codes, hashes) = recovery_codes();
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        assert_eq!(codes[0].len(), 34);
        let typed = codes[0].to_lowercase().replace('-', " ");
        assert_eq!(recovery_hash(&typed), hashes[0]);
        assert_ne!(hashes[0], hashes[1]);
    }
}
