//! `Idempotency-Key`: what was done once is not done twice. The key's hash and a MAC of the body under it are kept, never
//! the key or a plain digest; bound to account and route, inserted in the write's own transaction.

use chrono::TimeDelta;
use diesel::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::db::schema::idempotency;
use super::db::{self, Id, Mode};
use super::{Error, Result, Store, Write};
use crate::policy::Viewer;

/// A POST's key, with the body that it stands for.
#[derive(Clone)]
pub struct Idempotency {
    route: String,
    key_hash: Vec<u8>,
    body_mac: Vec<u8>,
}

impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Idempotency({})", self.route)
    }
}

impl Idempotency {
    /// The key as sent, on this route, for a body whose parts `body` gives.
    pub fn new(route: &str, key: &str, body: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
        body(&mut |part| mac.update(part));
        Some(Self {
            route: route.to_owned(),
            key_hash: Sha256::digest(key.as_bytes()).to_vec(),
            body_mac: mac.finalize().into_bytes().to_vec(),
        })
    }
}

/// What the first POST under a key did: the replay answers with its status and the target's present view.
#[derive(Debug, Clone)]
pub struct Replay {
    /// HTTP status of the first answer.
    pub status: u16,
    /// What it made: a reference or path, for the caller to read again.
    pub target: String,
}

/// Keys are kept this long.
const KEPT: TimeDelta = TimeDelta::days(90);

impl Write<'_> {
    /// What was done under this key before, if anything.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the key was used with another body.
    pub fn replay(&mut self, asked: &Idempotency) -> Result<Option<Replay>> {
        let found: Option<(Vec<u8>, i32, String, chrono::NaiveDateTime)> = idempotency::table
            .find((self.actor(), &asked.route, &asked.key_hash))
            .select((idempotency::body_mac, idempotency::status, idempotency::target, idempotency::made_at))
            .first(self.db)
            .optional()?;
        match found {
            None => Ok(None),
            Some((_, _, _, at)) if at + KEPT < self.now() => {
                diesel::delete(idempotency::table.find((self.actor(), &asked.route, &asked.key_hash)))
                    .execute(self.db)?;
                Ok(None)
            }
            Some((mac, status, target, _)) if mac == asked.body_mac => {
                Ok(Some(Replay { status: u16::try_from(status).unwrap_or(200), target }))
            }
            Some(_) => Err(Error::Conflict("this Idempotency-Key was used with another body".into())),
        }
    }

    /// Remembers what was done under a key. Of two that come at once under one key, one waits here for the other, and is then
    /// told to try again: what it would have done is undone.
    ///
    /// # Errors
    /// [`Error::Busy`] for the second of two at once; the database's.
    pub fn remember(&mut self, asked: &Idempotency, status: u16, target: &str) -> Result<()> {
        diesel::insert_into(idempotency::table)
            .values((
                idempotency::account_id.eq(self.actor()),
                idempotency::route.eq(&asked.route),
                idempotency::key_hash.eq(&asked.key_hash),
                idempotency::body_mac.eq(&asked.body_mac),
                idempotency::status.eq(i32::from(status)),
                idempotency::target.eq(target),
                idempotency::made_at.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok(())
    }
}

/// What is known of a key before its request is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It was not used: it is taken now.
    Fresh,
    /// It was used, and this was answered: status and body, where the body is kept.
    Done(u16, String),
    /// Another request works under it now.
    Running,
    /// A request under it was cut off: nobody knows whether it was done.
    CutOff,
}

/// The status of a request that is being worked on.
const RUNNING: i32 = 0;
/// A request is worked on for so long at most.
const WORKS: TimeDelta = TimeDelta::minutes(2);

impl Store {
    /// Takes a key before its request is worked on, where what the request does is not one transaction with the key.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the key was used with another body; the database's.
    pub fn claim(&self, viewer: &Viewer, asked: &Idempotency) -> Result<Claim> {
        let (account, now) = (Id(viewer.account), self.now());
        db::transaction(&self.pool, Mode::Write, |db| {
            let row = idempotency::table.find((account, &asked.route, &asked.key_hash));
            let found: Option<(Vec<u8>, i32, String, chrono::NaiveDateTime)> = row
                .select((idempotency::body_mac, idempotency::status, idempotency::target, idempotency::made_at))
                .first(db)
                .optional()?;
            match found {
                Some((.., at)) if at + KEPT < now => {
                    diesel::delete(row).execute(db)?;
                }
                Some((mac, ..)) if mac != asked.body_mac => {
                    return Err(Error::Conflict("this Idempotency-Key was used with another body".into()));
                }
                Some((_, RUNNING, _, at)) => {
                    return Ok(if at + WORKS < now { Claim::CutOff } else { Claim::Running });
                }
                Some((_, status, answer, _)) => {
                    return Ok(Claim::Done(u16::try_from(status).unwrap_or(200), answer));
                }
                None => {}
            }
            diesel::insert_into(idempotency::table)
                .values((
                    idempotency::account_id.eq(account),
                    idempotency::route.eq(&asked.route),
                    idempotency::key_hash.eq(&asked.key_hash),
                    idempotency::body_mac.eq(&asked.body_mac),
                    idempotency::status.eq(RUNNING),
                    idempotency::target.eq(""),
                    idempotency::made_at.eq(now),
                ))
                .execute(db)?;
            Ok(Claim::Fresh)
        })
    }

    /// Says what became of a request whose key was taken: its answer, or that it was refused, which uses no key up.
    ///
    /// # Errors
    /// The database's.
    pub fn claim_end(&self, viewer: &Viewer, asked: &Idempotency, answered: Option<(u16, &str)>) -> Result<()> {
        let row = idempotency::table.find((Id(viewer.account), &asked.route, &asked.key_hash));
        db::transaction(&self.pool, Mode::Add, |db| {
            match answered {
                Some((status, answer)) => diesel::update(row)
                    .set((idempotency::status.eq(i32::from(status)), idempotency::target.eq(answer)))
                    .execute(db)?,
                None => diesel::delete(row).execute(db)?,
            };
            Ok(())
        })
    }

    /// Takes away the keys that are not kept any longer. Gives how many.
    ///
    /// # Errors
    /// The database's.
    pub fn idempotency_forget(&self) -> Result<usize> {
        let oldest = self.now() - KEPT;
        db::transaction(&self.pool, Mode::Add, |db| {
            Ok(diesel::delete(idempotency::table.filter(idempotency::made_at.lt(oldest))).execute(db)?)
        })
    }
}
