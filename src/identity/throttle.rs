//! How often one may try to sign in: by network, and by account from one site, with a wide bound on strangers together.
//! Whoever tries passwords from networks of their own cannot lock a person out of a network that this person signed in from:
//! that one has attempts of its own.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

/// Keys kept, until those that have all their attempts again are forgotten.
const KEPT: usize = 10_000;

/// Where a call comes from: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has whole (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(Option<IpAddr>);

impl Network {
    /// The network of an address; calls without one are one network.
    pub fn of(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
            address => address,
        }))
    }
}

impl Network {
    /// What one subscriber has whole, or may have: an IPv4 address, the /48 of an IPv6 one (RFC 6177).
    fn site(self) -> Self {
        match self.0 {
            Some(IpAddr::V6(_)) => self.wide(),
            _ => self,
        }
    }

    /// The wider network that one operator usually has whole: the /24 of an IPv4 address, the /48 of an IPv6 one.
    pub fn wide(self) -> Self {
        Self(self.0.map(|address| match address {
            IpAddr::V4(address) => IpAddr::V4((u32::from(address) & !0xff).into()),
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !((1 << 80) - 1)).into()),
        }))
    }
}

/// An account's address and a network: who tries, as far as anybody can tell before the password is right.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignInAttempt {
    network: Network,
    account: [u8; 32],
    /// What is kept of it with a session.
    pub(super) visitor: [u8; 32],
}

impl SignInAttempt {
    pub(super) fn of(email: &str, network: Network) -> Self {
        let account = Sha256::digest(email.trim().to_lowercase().as_bytes());
        let mut visitor = Sha256::new();
        visitor.update(account);
        visitor.update(format!("{network:?}").as_bytes());
        Self { network, account: account.into(), visitor: visitor.finalize().into() }
    }
}

type Bucket<K> = DefaultKeyedRateLimiter<K>;

/// Attempts at once, and then one in so many seconds.
struct Rate(u32, u64);

/// A site, whichever accounts it tries: an office behind one address signs in at nine.
const SITE: Rate = Rate(60, 1);
/// An account from a network that it was signed in from before.
const KNOWN: Rate = Rate(10, 10);
/// An account from another site: so few that it takes many sites to use up what all strangers have together.
const UNKNOWN: Rate = Rate(5, 300);
/// An account from all other networks together: at most a hundred guesses an hour (NIST SP 800-63B-4 §3.2.2 has a hundred in all).
const STRANGERS: Rate = Rate(100, 36);

#[derive(Debug)]
pub(super) struct Throttle {
    sites: Bucket<Network>,
    known: Bucket<[u8; 32]>,
    unknown: Bucket<([u8; 32], Network)>,
    strangers: Bucket<[u8; 32]>,
}

fn bucket<K: Hash + Eq + Clone>(rate: &Rate) -> Bucket<K> {
    let burst = NonZeroU32::new(rate.0).unwrap_or(NonZeroU32::MIN);
    let every = Quota::with_period(Duration::from_secs(rate.1)).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
    RateLimiter::keyed(every.allow_burst(burst))
}

fn take<K: Hash + Eq + Clone>(bucket: &Bucket<K>, key: &K) -> Result<(), Duration> {
    if bucket.len() >= KEPT {
        bucket.retain_recent();
    }
    bucket.check_key(key).map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self { sites: bucket(&SITE), known: bucket(&KNOWN), unknown: bucket(&UNKNOWN), strangers: bucket(&STRANGERS) }
    }

    /// Takes an attempt of a site.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn arrive(&self, visit: &SignInAttempt) -> Result<(), Duration> {
        take(&self.sites, &visit.network.site())
    }

    /// Takes an attempt at an account. `known` tells whether it was signed in from this network before.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn attempt(&self, visit: &SignInAttempt, known: bool) -> Result<(), Duration> {
        if known {
            return take(&self.known, &visit.visitor);
        }
        take(&self.unknown, &(visit.account, visit.network.site()))?;
        take(&self.strangers, &visit.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn an_ipv6_subscriber_is_one_network_and_an_ipv4_address_is_one() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn strangers_use_up_their_attempts_and_not_a_persons_own() {
        let throttle = Throttle::new();
        let own = SignInAttempt::of("Chad@casque.example ", network("192.0.2.1"));
        let mut told = 0;
        for at in 0..200_u32 {
            let stranger =
                SignInAttempt::of("chad@casque.example", Network::of(Some(IpAddr::V4((0xc633_6400 + at).into()))));
            told += u32::from(throttle.attempt(&stranger, false).is_ok());
        }
        assert_eq!(told, 100, "from whichever networks");
        assert!(throttle.attempt(&own, false).is_err(), "a network that nobody knows is a stranger's");
        assert_eq!(throttle.attempt(&own, true), Ok(()));
    }

    #[test]
    fn one_site_alone_closes_an_account_to_no_other() {
        let throttle = Throttle::new();
        let from = |at: u32| SignInAttempt::of("chad@casque.example", network(&format!("2001:db8:1:{at:x}::1")));
        let told = (0..1_000).filter(|at| throttle.attempt(&from(*at), false).is_ok()).count();
        assert_eq!(told, 5, "its /64 networks are one site");
        let elsewhere = SignInAttempt::of("chad@casque.example", network("2001:db8:2::1"));
        assert_eq!(throttle.attempt(&elsewhere, false), Ok(()));
        let office = (0..1_000).filter(|at| throttle.arrive(&from(*at)).is_ok()).count();
        assert!((60..70).contains(&office), "{office}");
    }

    #[test]
    fn one_network_has_few_attempts_at_an_account_and_then_waits() {
        let throttle = Throttle::new();
        let visit = SignInAttempt::of("chad@casque.example", network("192.0.2.1"));
        assert!((0..5).all(|_| throttle.attempt(&visit, false).is_ok()));
        let wait = throttle.attempt(&visit, false).unwrap_err();
        assert!((1..=300).contains(&wait.as_secs()), "{wait:?}");
        let other = SignInAttempt::of("mali@casque.example", network("192.0.2.1"));
        assert_eq!(throttle.attempt(&other, false), Ok(()));
        assert!((0..60).all(|_| throttle.arrive(&visit).is_ok()));
        assert!(throttle.arrive(&other).is_err(), "a network is bounded whichever accounts it tries");
    }
}
