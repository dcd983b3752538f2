//! `Idempotency-Key`: what was done once is not done twice. The key's hash and a MAC of the body under it are kept, never
//! the key or a plain digest; bound to account and route, inserted in the write's own transaction.

use chrono::TimeDelta;
use diesel::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::db::schema::idempotency;
use super::{Error, Result, Write};

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
    /// The key as sent, on this route, for this body.
    pub fn new(route: &str, key: &str, body: &[u8]) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
        mac.update(body);
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
const KEPT: TimeDelta = TimeDelta::days(7);

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
