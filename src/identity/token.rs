//! Access tokens: EdDSA (RFC 8037), claims after RFC 9068, verified after RFC 8725: one algorithm, own keys only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, TimeDelta};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::Id;

const ISSUER: &str = "casque";
const AUDIENCE: &str = "casque-api";
const TYPE: &str = "at+jwt";
/// Tokens tolerate clocks that differ by this.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// PKCS#8 version 1 around an Ed25519 seed (RFC 8410).
const PKCS8: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Claims {
    pub(super) fn session(&self) -> Option<Id> {
        Id::parse(&self.sid)
    }

    pub(super) fn is_live(&self, now: NaiveDateTime) -> bool {
        now.and_utc().timestamp() <= self.exp + LEEWAY.num_seconds()
    }
}

/// The key that signs access tokens, or its public half alone.
pub struct TokenKey {
    id: String,
    public: String,
    /// On a node that signs nobody in there is none.
    signing: Option<EncodingKey>,
    verifying: DecodingKey,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenKey({})", self.id)
    }
}

/// The keys of tokens, each from its own time on: the newest that began signs, and its predecessors verify for as long as a
/// token of theirs may live.
#[derive(Debug)]
pub struct TokenKeys(Vec<(NaiveDateTime, TokenKey)>);

impl TokenKeys {
    /// Keys with the time (UTC) from which each signs; none if there is no key.
    pub fn new(mut keys: Vec<(NaiveDateTime, TokenKey)>) -> Option<Self> {
        keys.sort_by_key(|(from, _)| *from);
        if keys.is_empty() { None } else { Some(Self(keys)) }
    }

    /// When a token that the key at this place signed is worth nothing any more (UTC); never while no other took its place.
    fn retires(&self, at: usize) -> Option<NaiveDateTime> {
        let (successor, _) = self.0.get(at + 1)?;
        Some(*successor + super::ACCESS_LASTS + LEEWAY)
    }

    /// Those that are good at a time, the one to come among them: other nodes' clocks may be ahead.
    fn good(&self, now: NaiveDateTime) -> impl Iterator<Item = &TokenKey> {
        let live = move |at: &usize| self.retires(*at).is_none_or(|until| now <= until);
        (0..self.0.len()).filter(live).map(|at| &self.0[at].1)
    }

    /// The public keys that are good (RFC 7517).
    pub(super) fn jwks(&self, now: NaiveDateTime) -> Value {
        json!({ "keys": self.good(now).map(TokenKey::jwk).collect::<Vec<_>>() })
    }

    pub(super) fn sign(&self, account: Id, session: Id, now: NaiveDateTime, lasts: TimeDelta) -> Option<String> {
        let (_, key) = self.0.iter().rev().find(|(from, _)| *from <= now)?;
        key.sign(account, session, now, lasts)
    }

    pub(super) fn verify(&self, token: &str, now: NaiveDateTime) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = self.good(now).find(|key| header.kid.as_deref() == Some(&key.id))?;
        key.verify(token)
    }
}

impl TokenKey {
    /// The key of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        let mut der = PKCS8.to_vec();
        der.extend_from_slice(seed);
        let signing = Some(EncodingKey::from_ed_der(&der));
        Some(Self { signing, ..Self::from_public(&URL_SAFE_NO_PAD.encode(public))? })
    }

    /// The public half, in base64url (RFC 8037, member `x`): it verifies, and signs nothing.
    pub fn from_public(encoded: &str) -> Option<Self> {
        let public = URL_SAFE_NO_PAD.decode(encoded).ok().filter(|bytes| bytes.len() == 32)?;
        Some(Self {
            id: URL_SAFE_NO_PAD.encode(&Sha256::digest(public)[..9]),
            signing: None,
            verifying: DecodingKey::from_ed_components(encoded).ok()?,
            public: encoded.to_owned(),
        })
    }

    /// The public half, in base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id, "x": self.public })
    }

    fn sign(&self, account: Id, session: Id, now: NaiveDateTime, lasts: TimeDelta) -> Option<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(self.id.clone());
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: account.to_string(),
            sid: session.to_string(),
            jti: Id::new().to_string(),
            iat: now.and_utc().timestamp(),
            exp: (now + lasts).and_utc().timestamp(),
        };
        jsonwebtoken::encode(&header, &claims, self.signing.as_ref()?).ok()
    }

    /// Claims of a token that this key signed for this service. Expiry is judged by the store's clock, not here.
    fn verify(&self, token: &str) -> Option<Claims> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(&self.id) || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_exp = false;
        jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation).ok().map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> NaiveDateTime {
        let began: NaiveDateTime = "2026-11-27T12:00:00".parse().unwrap();
        began + TimeDelta::minutes(minute)
    }

    fn keys(from: &[i64]) -> TokenKeys {
        let key = |minute: &i64| (at(*minute), TokenKey::from_seed(&[u8::try_from(minute + 1).unwrap(); 32]).unwrap());
        TokenKeys::new(from.iter().map(key).collect()).unwrap()
    }

    fn signed(keys: &TokenKeys, minute: i64) -> String {
        keys.sign(Id([1; 16]), Id([2; 16]), at(minute), super::super::ACCESS_LASTS).unwrap()
    }

    #[test]
    fn a_new_key_signs_from_its_time_on_and_the_old_one_verifies_until_its_last_token_is_over() {
        let (before, after) = (keys(&[0]), keys(&[0, 60]));
        let old = signed(&before, 59);
        assert_eq!(signed(&after, 59).split('.').next(), old.split('.').next(), "not before its time");
        let new = signed(&after, 60);
        assert_ne!(new.split('.').next(), old.split('.').next());
        for minute in [59, 60, 75, 76] {
            assert!(after.verify(&old, at(minute)).is_some(), "{minute}");
            assert!(after.verify(&new, at(minute)).is_some(), "{minute}");
        }
        assert!(after.verify(&old, at(77)).is_none(), "retired");
        assert!(after.verify(&new, at(6_000)).is_some());
        let listed = |minute| after.jwks(at(minute))["keys"].as_array().unwrap().len();
        assert_eq!((listed(0), listed(60), listed(77)), (2, 2, 1));
    }

    #[test]
    fn a_token_of_a_key_that_is_not_here_is_nobodys() {
        assert!(keys(&[0]).verify(&signed(&keys(&[5]), 6), at(6)).is_none());
        assert!(TokenKeys::new(Vec::new()).is_none());
    }

    #[test]
    fn public_halves_verify_and_sign_nothing() {
        let whole = TokenKey::from_seed(&[1; 32]).unwrap();
        let half = TokenKeys::new(vec![(at(0), TokenKey::from_public(whole.public()).unwrap())]).unwrap();
        assert!(half.verify(&signed(&keys(&[0]), 1), at(1)).is_some());
        assert!(half.sign(Id([1; 16]), Id([2; 16]), at(1), super::super::ACCESS_LASTS).is_none());
    }
}

/// A door for the fuzzer alone (`tests/fuzz`).
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::sync::LazyLock;

    use chrono::{NaiveDateTime, Utc};

    use super::{TokenKey, TokenKeys};

    static KEYS: LazyLock<Option<TokenKeys>> =
        LazyLock::new(|| TokenKeys::new(vec![(NaiveDateTime::MIN, TokenKey::from_seed(&[7; 32])?)]));

    /// Reads an access token: nobody signed it.
    pub fn token(text: &str) {
        assert!(KEYS.as_ref().is_none_or(|keys| keys.verify(text, Utc::now().naive_utc()).is_none()));
    }
}
