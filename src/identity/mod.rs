//! Accounts' passwords, sessions and tokens.

mod password;
mod throttle;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use password::{Hasher, TooMany, password_fault};
pub use throttle::Network;
pub use token::{Claims, TokenKey};

use throttle::{Throttle, Visit};

use crate::policy::Scope;
use crate::store::{Id, Rotation, SessionInfo, Store};

/// An access token lives this long.
pub const ACCESS_LASTS: TimeDelta = TimeDelta::minutes(15);
/// A session ends after this long, refreshed or not.
pub const SESSION_LASTS: TimeDelta = TimeDelta::hours(12);
/// A network that an account was signed in from stays known for this long.
const STAYS_KNOWN: TimeDelta = TimeDelta::days(90);
/// At most this many verified tokens are remembered, with whose they are.
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
    /// This was tried too often; not again before so long.
    #[error("tried too often")]
    Throttled(Duration),
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
    throttle: Throttle,
    known: RwLock<HashMap<[u8; 32], Known>>,
}

/// A token whose signature was verified, and the session that it stood for when the rights had this version.
#[derive(Debug, Clone)]
struct Known {
    claims: Claims,
    session: Arc<SessionInfo>,
    rights: i64,
}

impl Identity {
    /// Identity over a store, signing with `key`.
    pub fn new(store: Arc<Store>, key: TokenKey) -> Self {
        Self { store, hasher: Hasher::new(), key, throttle: Throttle::new(), known: RwLock::default() }
    }

    /// The hasher, for making accounts.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The public keys of tokens (RFC 7517).
    pub fn jwks(&self) -> Value {
        self.key.jwks()
    }

    /// Begins a session. An unknown address costs as much work as a wrong password, and is throttled as a known one is.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn sign_in(&self, email: &str, password: &str, network: Network) -> Result<Tokens, Refused> {
        self.store.signs_in()?;
        let visit = Visit::of(email, network);
        self.throttle.arrive(&visit).map_err(Refused::Throttled)?;
        let since = self.store.now() - STAYS_KNOWN;
        let (known, visited) = self
            .store
            .read(&Scope::Nothing, |r| Ok((r.account_by_email(email)?, r.visited(&visit.visitor, since)?)))?;
        self.throttle.attempt(&visit, visited).map_err(Refused::Throttled)?;
        let hash = known.as_ref().map(|credentials| credentials.password_hash.as_str());
        let fits = self.hasher.verify(password, hash).map_err(|TooMany| Refused::TooMany)?;
        let credentials = known.filter(|known| fits && !known.account.suspended).ok_or(Refused::Unauthenticated)?;
        let (refresh, hash) = refresh_token();
        let viewer = credentials.account.viewer;
        let session = self.store.session_begin(&viewer, &visit.visitor, &hash, SESSION_LASTS)?;
        self.tokens(Id(viewer.account), session, refresh)
    }

    /// Takes a refresh token, once; a second use ends the session, but for one retry soon after the first.
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

    /// The live session of a bearer token, with the account's rights as they were at most a second ago. A signature is
    /// verified once, and the session looked up once, as long as nobody's rights change.
    ///
    /// # Errors
    /// [`Refused`]; also when rights so fresh are not to be had.
    pub fn authenticate(&self, bearer: &str) -> Result<Arc<SessionInfo>, Refused> {
        let now = self.store.now();
        let rights = self.store.rights()?;
        let hash: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        let known = self.known.read().ok().and_then(|known| known.get(&hash).cloned());
        let claims = match known {
            Some(known) if known.rights == rights && known.claims.is_live(now) && known.session.expires_at > now => {
                return Ok(known.session);
            }
            Some(known) => known.claims,
            None => self.key.verify(bearer).ok_or(Refused::Unauthenticated)?,
        };
        if !claims.is_live(now) {
            return Err(Refused::Unauthenticated);
        }
        let id = claims.session().ok_or(Refused::Unauthenticated)?;
        let session = self.store.read(&Scope::Nothing, |r| r.session_get(id))?.ok_or(Refused::Unauthenticated)?;
        let session = Arc::new(session);
        if let Ok(mut known) = self.known.write() {
            if known.len() >= REMEMBERED {
                known.retain(|_, known| known.rights == rights && known.claims.is_live(now));
            }
            if known.len() < REMEMBERED {
                known.insert(hash, Known { claims, session: session.clone(), rights });
            }
        }
        Ok(session)
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
