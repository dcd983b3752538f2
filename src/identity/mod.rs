//! Accounts' passwords, sessions and tokens.

mod password;
mod second_factor;
mod single_sign_on;
mod throttle;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use password::{Hasher, TooMany, password_fault};
pub use second_factor::{NewSecret, SystemKey, code_at, step_at};
pub use single_sign_on::{Begun, Provider, Unusable};
pub use throttle::Network;
#[cfg(fuzzing)]
pub use token::fuzzing;
pub use token::{Claims, TokenKey, TokenKeys};

use single_sign_on::SingleSignOn;
use throttle::{SignInAttempt, Throttle};

use crate::domain::Fault;
use crate::policy::{Action, Scope, Viewer, authorize};
use crate::store::{Account, Factor, FactorUse, Id, NewSession, PrimaryFactor, Rotation, SessionInfo, Store};

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
    /// Address, password, code or token is not good.
    #[error("not signed in")]
    Unauthenticated,
    /// The second factor that an act asks for anew is not good.
    #[error("the second factor is not good")]
    SecondFactor,
    /// A password that was typed within a session is wrong, or a new one breaks a rule.
    #[error("{}", .0.detail)]
    Invalid(Fault),
    /// Too many passwords are being checked at once.
    #[error("too many sign-ins at once")]
    TooMany,
    /// This was tried too often; not again before so long.
    #[error("tried too often")]
    Throttled(Duration),
    /// There is no single sign-on, or its provider does not answer.
    #[error(transparent)]
    Provider(#[from] Unusable),
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
    keys: RwLock<Arc<TokenKeys>>,
    /// Absent on a node that signs nobody in.
    system: Option<SystemKey>,
    throttle: Throttle,
    /// Absent where the operator named no provider.
    provider: OnceLock<SingleSignOn>,
    known: RwLock<HashMap<[u8; 32], VerifiedBearer>>,
}

/// A bearer that was verified, and the session that it stood for when the rights had this version.
#[derive(Debug, Clone)]
struct VerifiedBearer {
    bearer: Bearer,
    session: Arc<SessionInfo>,
    rights: i64,
}

/// What a bearer says, once verified.
#[derive(Debug, Clone)]
enum Bearer {
    /// The token of a session.
    Token(Claims),
    /// The key of a State's own system, by its hash.
    Key([u8; 32]),
}

impl Bearer {
    fn is_live(&self, now: NaiveDateTime) -> bool {
        match self {
            Bearer::Token(claims) => claims.is_live(now),
            Bearer::Key(_) => true,
        }
    }
}

/// How keys of States' own systems begin, so that one that lies about is recognised.
const KEY_BEGINS: &str = "casque_";

impl Identity {
    /// Identity over a store, with the keys of tokens, and the key of the system's own secrets.
    pub fn new(store: Arc<Store>, keys: TokenKeys, system: Option<SystemKey>) -> Self {
        let keys = RwLock::new(Arc::new(keys));
        let (hasher, throttle) = (Hasher::new(), Throttle::new());
        Self { store, hasher, keys, system, throttle, provider: OnceLock::new(), known: RwLock::default() }
    }

    /// Takes other keys of tokens in place of these, while the node answers.
    pub fn take_keys(&self, keys: TokenKeys) {
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(keys);
    }

    fn keys(&self) -> Arc<TokenKeys> {
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn system(&self) -> Result<&SystemKey, Refused> {
        self.system.as_ref().ok_or(Refused::Store(crate::store::Error::WrongNode))
    }

    /// The hasher, for making accounts.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The public keys of tokens (RFC 7517).
    pub fn jwks(&self) -> Value {
        self.keys().jwks(self.store.now())
    }

    /// Begins a session. An unknown address costs as much work as a wrong password, and is throttled as a known one is; a wrong
    /// code is answered as a wrong password. Who has no second factor yet gets a session in which to set one up, and no more.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn sign_in(
        &self,
        email: &str,
        password: &str,
        code: Option<&str>,
        network: Network,
    ) -> Result<Tokens, Refused> {
        self.store.signs_in()?;
        let email = email.trim();
        let visit = SignInAttempt::of(email, network);
        self.throttle.arrive(&visit).map_err(Refused::Throttled)?;
        let now = self.store.now();
        let (known, visited) = self
            .store
            .read(&Scope::Nothing, |r| Ok((r.credentials(email)?, r.visited(&visit.visitor, now - STAYS_KNOWN)?)))?;
        self.throttle.attempt(&visit, visited).map_err(Refused::Throttled)?;
        let hash = known.as_ref().map(|credentials| credentials.password_hash.as_str());
        let fits = self.hasher.verify(password, hash).map_err(|TooMany| Refused::TooMany)?;
        let of = known.as_ref().map(|credentials| credentials.account.id);
        let Some(credentials) = known.filter(|_| fits) else { return self.refuse(of, None, "password") };
        let vouched = PrimaryFactor::Password(&credentials.password_hash);
        self.begin(&credentials.account, credentials.factor.as_ref(), code, vouched, &visit)
    }

    /// Begins a session of an account that somebody vouched for, once its second factor was given.
    fn begin(
        &self,
        account: &Account,
        factor: Option<&Factor>,
        code: Option<&str>,
        vouched: PrimaryFactor<'_>,
        visit: &SignInAttempt,
    ) -> Result<Tokens, Refused> {
        let (of, now) = (Some(account.id), self.store.now());
        if !account.rights.hold_on(now.date()) {
            return self.refuse(of, None, "suspended");
        }
        if self.store.awaits_confirmation() && authorize(&account.viewer, Action::ConfirmRestoration).is_err() {
            return Err(Refused::Store(crate::store::Error::Unconfirmed));
        }
        let factor = match factor {
            Some(factor) if factor.secret.is_some() => {
                let system = self.system()?;
                let given = code.and_then(|code| second_factor::given(system, account.id, factor, code, now));
                let Some(given) = given else { return self.refuse(of, of, "code") };
                Some(given)
            }
            _ => None,
        };
        let (refresh, hash) = random_token();
        let factor = factor.as_ref();
        let new = NewSession { visitor: &visit.visitor, refresh_hash: &hash, lasts: SESSION_LASTS, factor, vouched };
        match self.store.session_begin(&account.viewer, &new)? {
            Some(session) => self.tokens(account.id, session, refresh),
            None => self.refuse(of, of, "code"),
        }
    }

    /// Puts a refusal on the record, whoever it was.
    fn refuse<T>(&self, of: Option<Id>, code_of: Option<Id>, why: &'static str) -> Result<T, Refused> {
        self.store.sign_in_refused(of, code_of, why, second_factor::GUESSING)?;
        Err(Refused::Unauthenticated)
    }

    /// Asks for the second factor again, for an act that wants one of its own: a code that was not used yet, and no recovery
    /// code. The act's own transaction uses it up ([`crate::store::Write::factor_spend`]).
    ///
    /// # Errors
    /// [`Refused::SecondFactor`], on the record: with the tenth in a session it ends; the store's.
    pub fn prove(&self, session: &SessionInfo, code: &str, act: &'static str) -> Result<FactorUse, Refused> {
        let (system, of) = (self.system()?, session.account.id);
        // Asked of the database: what was known a moment ago of a session that ended meanwhile is not enough here.
        let (live, factor) =
            self.store.read(&Scope::Nothing, |r| Ok((r.session_get(session.id)?.is_some(), r.factor_get(of)?)))?;
        if !live && !session.account.viewer.machine {
            return Err(Refused::Unauthenticated);
        }
        let given = factor.and_then(|factor| second_factor::given_within(system, of, &factor, code, self.store.now()));
        if let Some(given @ FactorUse::Step(_)) = given {
            return Ok(given);
        }
        self.unproved(session, act)?;
        Err(Refused::SecondFactor)
    }

    /// Counts what was wrong within a session: not against the account, or whoever stole a session would close it to the person.
    fn unproved(&self, session: &SessionInfo, act: &'static str) -> Result<(), Refused> {
        Ok(self.store.proof_refused(&session.account.viewer, session.id, act, second_factor::WITHIN_SESSION)?)
    }

    /// Checks an account's password once more, within a session.
    fn password_again(&self, session: &SessionInfo, password: &str) -> Result<(), Refused> {
        let account = &session.account;
        let visit = SignInAttempt::of(&account.email, Network::of(None));
        self.throttle.attempt(&visit, true).map_err(Refused::Throttled)?;
        let known = self.store.read(&Scope::Nothing, |r| r.credentials(&account.email))?;
        let hash = known.as_ref().map(|known| known.password_hash.as_str());
        if self.hasher.verify(password, hash).map_err(|TooMany| Refused::TooMany)? {
            Ok(())
        } else {
            self.unproved(session, "password")?;
            Err(Refused::Invalid(Fault::new("/password", "must be your present password")))
        }
    }

    /// Begins to set up a second factor: a secret, which counts once a code of it was given. Who has one already gives a code
    /// of it, or a recovery code.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn factor_begin(
        &self,
        session: &SessionInfo,
        password: &str,
        code: Option<&str>,
    ) -> Result<NewSecret, Refused> {
        self.password_again(session, password)?;
        let account = &session.account;
        let (system, of) = (self.system()?, account.id);
        let factor = self.store.read(&Scope::Nothing, |r| r.factor_get(of))?;
        let taken = match factor.filter(|factor| factor.secret.is_some()) {
            None => true,
            Some(factor) => {
                let now = self.store.now();
                let given = code.and_then(|code| second_factor::given_within(system, of, &factor, code, now));
                match given {
                    None => false,
                    Some(given) => self.store.factor_prove(&account.viewer, &given)?,
                }
            }
        };
        if !taken {
            self.unproved(session, "second_factor.begin")?;
            return Err(Refused::SecondFactor);
        }
        let secret = second_factor::new_secret(system, of, &account.email).ok_or(Refused::SecondFactor)?;
        self.store.append(&account.viewer, |w| w.factor_begin(of, &secret.hidden))?;
        Ok(secret)
    }

    /// Makes the new secret count, by a code of it. Gives the recovery codes, which are shown this once. The session goes on,
    /// assured; the account's others end.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn factor_confirm(
        &self,
        session: &SessionInfo,
        code: &str,
    ) -> Result<Vec<zeroize::Zeroizing<String>>, Refused> {
        let (system, account) = (self.system()?, &session.account);
        let factor = self.store.read(&Scope::Nothing, |r| r.factor_get(account.id))?;
        let now = self.store.now();
        let pending = factor.and_then(|factor| factor.pending).ok_or(Refused::SecondFactor)?;
        let Some(step) = second_factor::step_of(system, account.id, &pending, code, now) else {
            self.unproved(session, "second_factor.confirm")?;
            return Err(Refused::SecondFactor);
        };
        let (codes, hashes) = second_factor::recovery_codes();
        self.store
            .write(&account.viewer, |w| w.factor_confirm(account.id, (&pending, step), &hashes, Some(session.id)))?;
        self.store.heartbeat_forget();
        Ok(codes)
    }

    /// Gives an account a second factor outright, as the demo does; gives its secret in base 32.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn factor_give(&self, account: &Account) -> Result<zeroize::Zeroizing<String>, Refused> {
        let secret = second_factor::new_secret(self.system()?, account.id, &account.email);
        let secret = secret.ok_or(Refused::SecondFactor)?;
        self.store.write(&account.viewer, |w| {
            w.factor_begin(account.id, &secret.hidden)?;
            w.factor_confirm(account.id, (&secret.hidden, 0), &[], None)
        })?;
        Ok(secret.base32)
    }

    /// Changes a person's own password. Their other sessions end.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn password_change(&self, session: &SessionInfo, password: &str, new: &str) -> Result<(), Refused> {
        let account = &session.account;
        self.password_again(session, password)?;
        let hash = self.new_password(account, new)?;
        self.store.write(&account.viewer, |w| w.password_set(account.id, &hash, Some(session.id)))?;
        self.store.heartbeat_forget();
        Ok(())
    }

    fn new_password(&self, account: &Account, password: &str) -> Result<String, Refused> {
        match password_fault(password, &[&account.email, &account.name]) {
            Some(fault) => Err(Refused::Invalid(Fault::new("/new_password", fault))),
            None => self.hasher.hash(password).map_err(|_| Refused::TooMany),
        }
    }

    /// A one-time link for an account, in place of earlier ones, as far as the viewer manages it; and when it ends (UTC).
    ///
    /// # Errors
    /// The store's.
    pub fn invite(&self, viewer: &Viewer, of: Id) -> Result<(String, NaiveDateTime), Refused> {
        self.store.signs_in()?;
        let (token, hash) = random_token();
        let ends = self.store.write(viewer, |w| w.invite(of, &hash))?;
        Ok((token, ends))
    }

    /// Sets the password that a person chose with a one-time link.
    ///
    /// # Errors
    /// [`Refused`]; the store's not found for a link that was used, is over, or never was.
    pub fn accept(&self, token: &str, password: &str) -> Result<(), Refused> {
        self.store.signs_in()?;
        let hash = Sha256::digest(token.as_bytes());
        let account = self.store.read(&Scope::Nothing, |r| r.invited(&hash))?;
        let account = account.ok_or(crate::store::Error::NotFound)?;
        let password = self.new_password(&account, password)?;
        self.store.write(&account.viewer, |w| w.invitation_accept(&hash, &password))?;
        self.store.heartbeat_forget();
        Ok(())
    }

    /// A new key for a State's own system, and the hash that is kept of it.
    pub fn machine_key() -> (String, Vec<u8>) {
        let token = format!("{KEY_BEGINS}{}", random_token().0);
        let hash = Sha256::digest(token.as_bytes()).to_vec();
        (token, hash)
    }

    /// Takes a refresh token, once; a second use ends the session, but for one retry soon after the first.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn refresh(&self, presented: &str) -> Result<Tokens, Refused> {
        let (refresh, hash) = random_token();
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
        let bearer = match known {
            Some(known) if known.rights == rights && known.bearer.is_live(now) && known.session.expires_at > now => {
                return Ok(known.session);
            }
            Some(known) => known.bearer,
            None if bearer.starts_with(KEY_BEGINS) => Bearer::Key(hash),
            None => Bearer::Token(self.keys().verify(bearer, now).ok_or(Refused::Unauthenticated)?),
        };
        if !bearer.is_live(now) {
            return Err(Refused::Unauthenticated);
        }
        let session = self.store.read(&Scope::Nothing, |r| match &bearer {
            Bearer::Token(claims) => claims.session().map(|id| r.session_get(id)).transpose().map(Option::flatten),
            Bearer::Key(hash) => r.machine_session(hash),
        })?;
        let session = Arc::new(session.ok_or(Refused::Unauthenticated)?);
        if let Ok(mut known) = self.known.write() {
            if known.len() >= REMEMBERED {
                known.retain(|_, known| known.rights == rights && known.bearer.is_live(now));
            }
            if known.len() < REMEMBERED {
                known.insert(hash, VerifiedBearer { bearer, session: session.clone(), rights });
            }
        }
        Ok(session)
    }

    /// Whether a token was verified a moment ago, and nobody's rights changed since: asked of memory alone.
    pub fn knows(&self, bearer: &str) -> bool {
        let now = self.store.now();
        let (Ok(rights), Ok(known)) = (self.store.rights_heard(), self.known.read()) else { return false };
        let hash: [u8; 32] = Sha256::digest(bearer.as_bytes()).into();
        known
            .get(&hash)
            .is_some_and(|known| known.rights == rights && known.bearer.is_live(now) && known.session.expires_at > now)
    }

    fn tokens(&self, account: Id, session: Id, refresh: String) -> Result<Tokens, Refused> {
        let now: NaiveDateTime = self.store.now();
        let access = self.keys().sign(account, session, now, ACCESS_LASTS).ok_or(Refused::Unauthenticated)?;
        Ok(Tokens { access, refresh })
    }
}

/// A random refresh token of 256 bits, and the hash that is kept of it.
fn random_token() -> (String, Vec<u8>) {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = Sha256::digest(token.as_bytes()).to_vec();
    (token, hash)
}
