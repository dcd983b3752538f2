//! Single sign-on by OpenID Connect (Core 1.0; authorization code with PKCE, RFC 7636): one provider, whom the operator names. It
//! takes the place of a password, and of nothing else: the second factor is asked for here all the same. Who somebody is to the
//! provider is part of an account's rights, so that two administrators agree to it.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{NaiveDateTime, TimeDelta};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpClientError, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, SyncHttpClient, TokenResponse,
};
use openidconnect::{http, reqwest};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, SemaphorePermit};
use zeroize::Zeroizing;

use super::second_factor::SystemKey;
use super::throttle::{Network, SignInAttempt};
use super::{Identity, Refused, STAYS_KNOWN, Tokens};
use crate::policy::Scope;
use crate::store::{Error, Id, PrimaryFactor};

/// What the provider publishes of itself is read anew after this long; …
const PUBLISHED_LASTS: Duration = Duration::from_secs(600);
/// … once what it signed does not fit, after this long, since it may have changed its keys; …
const DOUBTED_AFTER: Duration = Duration::from_secs(60);
/// … and when it did not answer, it is let be for this long.
const LET_BE: Duration = Duration::from_secs(10);
/// The provider has this long to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many sign-ins wait for the provider at once; more are told to try again, so that a provider that hangs holds nothing else up.
const WAITING: usize = 8;
/// A sign-in that was begun is completed within this.
const BEGUN_LASTS: TimeDelta = TimeDelta::minutes(10);
/// What a sign-in that was begun is encrypted for, in place of an account: nothing else is.
const BEGUN: Id = Id(*b"single sign-on 1");

/// Signatures of identity tokens that are taken: none that anybody who knows the client's secret can make.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 5] = [
    CoreJwsSigningAlgorithm::EdDsa,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
];

/// A provider of single sign-on, and who this service is to it.
#[derive(Clone)]
pub struct Provider {
    /// Its issuer, a URL.
    pub issuer: String,
    /// Who this service is to it.
    pub client: String,
    /// What this service proves that with, if it has to.
    pub secret: Option<Zeroizing<String>>,
    /// Where the provider sends a person back to: a page of whatever client the person uses.
    pub redirect: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.issuer)
    }
}

/// Why the provider cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the provider of single sign-on cannot be used: {0}")]
pub struct Unusable(String);

/// An answer of the provider's is at most this long, in bytes.
const LONGEST_ANSWER: u64 = 256 << 10;

/// A client that reads so much of an answer and no more.
struct Bounded(reqwest::blocking::Client);

impl SyncHttpClient for Bounded {
    type Error = HttpClientError<reqwest::Error>;

    fn call(&self, request: HttpRequest) -> Result<HttpResponse, Self::Error> {
        let response = self.0.execute(request.try_into().map_err(Box::new)?).map_err(Box::new)?;
        let mut answer = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let mut body = Vec::new();
        response.take(LONGEST_ANSWER + 1).read_to_end(&mut body)?;
        if body.len() as u64 > LONGEST_ANSWER {
            return Err(HttpClientError::Other(format!("an answer is longer than {LONGEST_ANSWER} bytes")));
        }
        answer.body(body).map_err(HttpClientError::Http)
    }
}

/// Single sign-on with a provider.
pub(super) struct SingleSignOn {
    provider: Provider,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Bounded,
    /// When it was last asked what it publishes, and what it said; none if it did not answer.
    published: RwLock<Option<(Instant, Option<Arc<CoreProviderMetadata>>)>>,
    /// Held by who asks.
    asking: Mutex<()>,
    turns: Semaphore,
}

impl std::fmt::Debug for SingleSignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.provider.fmt(f)
    }
}

/// A sign-in that a person began: for the provider's page, and to be given back with what comes from there.
pub struct Begun {
    /// The provider's page.
    pub page: String,
    /// What the client keeps until the person comes back: encrypted, and of use to nobody else.
    pub kept: String,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun")
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    state: String,
    nonce: String,
    verifier: String,
    until: NaiveDateTime,
}

impl SingleSignOn {
    pub(super) fn with(provider: Provider) -> Result<Self, Unusable> {
        let unusable = |why: String| Unusable(why);
        let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(|e| unusable(format!("issuer: {e}")))?;
        let redirect = RedirectUrl::new(provider.redirect.clone()).map_err(|e| unusable(format!("redirect: {e}")))?;
        let is_loopback =
            |url: &url::Url| url.host_str().is_some_and(|host| ["127.0.0.1", "[::1]", "localhost"].contains(&host));
        for url in [issuer.url(), redirect.url()] {
            if url.scheme() != "https" && !is_loopback(url) {
                return Err(unusable(format!("{url} is not https")));
            }
        }
        // Asked is what the operator named, and what that publishes of itself; no redirection is followed.
        let http = reqwest::blocking::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .https_only(!is_loopback(issuer.url()))
            .timeout(PATIENCE)
            .build()
            .map(Bounded)
            .map_err(|e| unusable(e.to_string()))?;
        let (published, asking, turns) = (RwLock::new(None), Mutex::new(()), Semaphore::new(WAITING));
        Ok(Self { provider, issuer, redirect, http, published, asking, turns })
    }

    /// What the provider publishes of itself, read anew when it is older than that. One caller asks; meanwhile others take what is
    /// known, and nobody waits for a lock.
    fn published(&self, lasts: Duration) -> Result<Arc<CoreProviderMetadata>, Unusable> {
        let silent = || Unusable("it does not answer".into());
        let known = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        match &known {
            Some((at, Some(read))) if at.elapsed() < lasts => return Ok(read.clone()),
            Some((at, None)) if at.elapsed() < LET_BE => return Err(silent()),
            _ => {}
        }
        let Ok(_asking) = self.asking.try_lock() else {
            return known.and_then(|(_, read)| read).ok_or_else(silent);
        };
        let read = CoreProviderMetadata::discover(&self.issuer, &self.http).map(Arc::new);
        let now = (Instant::now(), read.as_ref().ok().cloned());
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(now);
        read.map_err(|e| Unusable(e.to_string()))
    }

    /// Begins a sign-in.
    pub(super) fn begin(&self, system: &SystemKey, now: NaiveDateTime) -> Result<Begun, Unusable> {
        let published = self.published(PUBLISHED_LASTS)?;
        let client =
            CoreClient::from_provider_metadata((*published).clone(), ClientId::new(self.provider.client.clone()), None);
        let client = client.set_redirect_uri(self.redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (page, state, nonce) =
            client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).set_pkce_challenge(challenge).url();
        let kept = Kept {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            until: now + BEGUN_LASTS,
        };
        let kept = serde_json::to_vec(&kept).map(Zeroizing::new).map_err(|e| Unusable(e.to_string()))?;
        let kept = system.hide(BEGUN, &kept).ok_or_else(|| Unusable("the system's key".into()))?;
        Ok(Begun { page: page.to_string(), kept: URL_SAFE_NO_PAD.encode(kept) })
    }

    /// Who came back from the provider: issuer and subject, as accounts have them. `None` for who brought what the provider does not vouch for.
    fn complete(&self, kept: Kept, code: &str) -> Result<Option<String>, Unusable> {
        let secret = self.provider.secret.as_ref().map(|secret| ClientSecret::new(secret.to_string()));
        let client = |lasts: Duration| {
            let published = (*self.published(lasts)?).clone();
            let id = ClientId::new(self.provider.client.clone());
            let client = CoreClient::from_provider_metadata(published, id, secret.clone());
            Ok::<_, Unusable>(client.set_redirect_uri(self.redirect.clone()))
        };
        let authorization = AuthorizationCode::new(code.to_owned());
        let known = client(PUBLISHED_LASTS)?;
        let request = known.exchange_code(authorization).map_err(|e| Unusable(e.to_string()))?;
        let given = match request.set_pkce_verifier(PkceCodeVerifier::new(kept.verifier)).request(&self.http) {
            Ok(given) => given,
            Err(RequestTokenError::ServerResponse(_)) => return Ok(None),
            Err(error) => return Err(Unusable(error.to_string())),
        };
        let nonce = Nonce::new(kept.nonce);
        for lasts in [PUBLISHED_LASTS, DOUBTED_AFTER] {
            let client = client(lasts)?;
            let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
            if let Some(claims) = given.id_token().and_then(|token| token.claims(&verifier, &nonce).ok()) {
                return Ok(Some(format!("{} {}", self.provider.issuer, claims.subject().as_str())));
            }
        }
        Ok(None)
    }

    /// What somebody kept of a sign-in that was begun here; none for who did not begin it, or came late.
    fn begun(system: &SystemKey, now: NaiveDateTime, kept: &str, state: &str) -> Option<Kept> {
        let kept = URL_SAFE_NO_PAD.decode(kept).ok().and_then(|kept| system.show(BEGUN, &kept))?;
        let kept: Kept = serde_json::from_slice(&kept).ok()?;
        let own = now < kept.until && bool::from(kept.state.as_bytes().ct_eq(state.as_bytes()));
        own.then_some(kept)
    }

    /// A turn to ask the provider.
    fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.try_acquire().ok()
    }
}

impl Identity {
    /// Trusts a provider of single sign-on, from now on.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub fn trust(&self, provider: Provider) -> Result<(), Unusable> {
        let _ = self.provider.set(SingleSignOn::with(provider)?);
        Ok(())
    }

    fn provider(&self) -> Result<&SingleSignOn, Refused> {
        self.store.signs_in()?;
        self.provider.get().ok_or(Refused::Store(Error::NotFound))
    }

    /// Begins a sign-in with the provider.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn single_sign_on_begin(&self, network: Network) -> Result<Begun, Refused> {
        let provider = self.provider()?;
        self.throttle.arrive(&SignInAttempt::of("", network)).map_err(Refused::Throttled)?;
        let _turn = provider.turn().ok_or(Refused::TooMany)?;
        Ok(provider.begin(self.system()?, self.store.now())?)
    }

    /// Completes a sign-in with what the provider sent a person back with. Who is nobody's account here, or brings no good code, is
    /// told what a wrong password is told.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn single_sign_on(
        &self,
        (kept, state, authorization): (&str, &str, &str),
        code: Option<&str>,
        network: Network,
    ) -> Result<Tokens, Refused> {
        let provider = self.provider()?;
        self.throttle.arrive(&SignInAttempt::of("", network)).map_err(Refused::Throttled)?;
        let begun = SingleSignOn::begun(self.system()?, self.store.now(), kept, state);
        let Some(begun) = begun else { return self.refuse(None, None, "single_sign_on") };
        let turn = provider.turn().ok_or(Refused::TooMany)?;
        // Good once, whatever the provider would say to a second.
        if !self.store.sign_on_take(&Sha256::digest(begun.state.as_bytes()), begun.until)? {
            return self.refuse(None, None, "single_sign_on");
        }
        let who = provider.complete(begun, authorization)?;
        drop(turn);
        let Some(who) = who else { return self.refuse(None, None, "single_sign_on") };
        let visit = SignInAttempt::of(&who, network);
        let (known, visited) = self.store.read(&Scope::Nothing, |r| {
            Ok((r.account_by_single_sign_on(&who)?, r.visited(&visit.visitor, self.store.now() - STAYS_KNOWN)?))
        })?;
        self.throttle.attempt(&visit, visited).map_err(Refused::Throttled)?;
        let Some((account, factor)) = known else { return self.refuse(None, None, "single_sign_on") };
        self.begin(&account, factor.as_ref(), code, PrimaryFactor::Provider(&who), &visit)
    }
}
