//! Accounts' passwords, sessions and tokens.

mod password;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use password::{Hasher, TooMany};
pub use token::{Claims, TokenKey};

use crate::policy::Scope;
use crate::store::{Id, Rotation, SessionInfo, Store};

/// An access token lives this long.
pub const ACCESS_LASTS: TimeDelta = TimeDelta::minutes(15);
/// A session ends after this long, refreshed or not.
pub const SESSION_LASTS: TimeDelta = TimeDelta::hours(12);
/// At most this many verified tokens are remembered.
const REMEMBERED: usize = 10_000;

/// Why somebody is not let in. It tells no more than that.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Address, password or token is not good.
    #[error("not signed in")]
    Unauthenticated,
    /// Too many passwords are being checked at once.
    #[error("too many sign-ins at once")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// What a sign-in or refresh gives.
pub struct Tokens {
    /// Bearer token for 15 minutes.
    pub access: String,
    /// To be used once, for the next pair.
    pub refresh: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// Signs people in and out, and tells who asks.
#[derive(Debug)]
pub struct Identity {
    store: Arc<Store>,
    hasher: Hasher,
    key: TokenKey,
    verified: RwLock<HashMap<[u8; 32], Claims>>,
}

impl Identity {
    /// Identity over a store, signing with `key`.
    pub fn new(store: Arc<Store>, key: TokenKey) -> Self {
        Self { store, hasher: Hasher::new(), key, verified: RwLock::default() }
    }

    /// The hasher, for making accounts.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The public keys of tokens (RFC 7517).
    pub fn jwks(&self) -> Value {
        self.key.jwks()
    }

    /// Begins a session. An unknown address costs as much work as a wrong password.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn sign_in(&self, email: &str, password: &str) -> Result<Tokens, Refused> {
        let known = self.store.read(&Scope::Nothing, |r| r.account_by_email(email))?;
        let hash = known.as_ref().map(|credentials| credentials.password_hash.as_str());
        let fits = self.hasher.verify(password, hash).map_err(|TooMany| Refused::TooMany)?;
        let credentials = known.filter(|known| fits && !known.account.suspended).ok_or(Refused::Unauthenticated)?;
        let (refresh, hash) = refresh_token();
        let viewer = credentials.account.viewer;
        let session = self.store.write(&viewer, |w| w.session_begin(&hash, SESSION_LASTS))?;
        self.tokens(Id(viewer.account), session, refresh)
    }

    /// Takes a refresh token, once. A second use ends the session.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn refresh(&self, presented: &str) -> Result<Tokens, Refused> {
        let (refresh, hash) = refresh_token();
        match self.store.session_rotate(&Sha256::digest(presented.as_bytes()), &hash)? {
            Rotation::Rotated(session) => self.tokens(session.account.id, session.id, refresh),
            Rotation::Reused | Rotation::Unknown => Err(Refused::Unauthenticated),
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn sign_out(&self, session: &SessionInfo) -> Result<(), Refused> {
        Ok(self.store.write(&session.account.viewer, |w| w.session_end(session.id))?)
    }

    /// The live session of a bearer token, with the account's rights as they are now.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn authenticate(&self, bearer: &str) -> Result<SessionInfo, Refused> {
        let claims = self.claims(bearer).ok_or(Refused::Unauthenticated)?;
        let session = claims.session().ok_or(Refused::Unauthenticated)?;
        self.store.read(&Scope::Nothing, |r| r.session_get(session))?.ok_or(Refused::Unauthenticated)
    }

    /// Claims of a verified token. A signature is checked once, and remembered until the token expires.
    fn claims(&self, bearer: &str) -> Option<Claims> {
        let now = self.store.now();
        let hash: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        let remembered = self.verified.read().ok().and_then(|verified| verified.get(&hash).cloned());
        let claims = match remembered {
            Some(claims) => claims,
            None => {
                let claims = self.key.verify(bearer)?;
                if let Ok(mut verified) = self.verified.write() {
                    if verified.len() >= REMEMBERED {
                        verified.retain(|_, claims| claims.is_live(now));
                    }
                    if verified.len() < REMEMBERED {
                        verified.insert(hash, claims.clone());
                    }
                }
                claims
            }
        };
        claims.is_live(now).then_some(claims)
    }

    fn tokens(&self, account: Id, session: Id, refresh: String) -> Result<Tokens, Refused> {
        let now: NaiveDateTime = self.store.now();
        let access = self.key.sign(account, session, now, ACCESS_LASTS).ok_or(Refused::Unauthenticated)?;
        Ok(Tokens { access, refresh })
    }
}

/// A random refresh token of 256 bits, and the hash that is kept of it.
fn refresh_token() -> (String, Vec<u8>) {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = Sha256::digest(token.as_bytes()).to_vec();
    (token, hash)
}
