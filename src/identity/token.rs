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

    pub(super) fn jwks(&self) -> Value {
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.id, "x": self.public }] })
    }

    pub(super) fn sign(&self, account: Id, session: Id, now: NaiveDateTime, lasts: TimeDelta) -> Option<String> {
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
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
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
