//! One-time links with which a person chooses a password.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};

use super::super::db::Id;
use super::super::db::schema::{credential, invitation};
use super::super::{Error, Read, Result, Write};
use super::Account;
use crate::domain::NarrowingAct;

/// A link is good for this long.
const INVITATION_LASTS: TimeDelta = TimeDelta::hours(72);

impl Read<'_> {
    /// The account that a link is for, while it is good.
    ///
    /// # Errors
    /// The database's.
    pub fn invited(&mut self, hash: &[u8]) -> Result<Option<Account>> {
        let of: Option<Id> = invitation::table
            .find(hash)
            .filter(invitation::used_at.is_null())
            .filter(invitation::expires_at.gt(self.now()))
            .select(invitation::account_id)
            .first(self.db)
            .optional()?;
        let Some(of) = of else { return Ok(None) };
        let today = self.now().date();
        Ok(self
            .account_get(of)?
            .filter(|account| !account.rights.suspended && account.rights.to_on.is_none_or(|to| today <= to)))
    }
}

impl Write<'_> {
    /// Makes a link for an account that the viewer manages, in place of earlier ones. Gives when it ends (UTC).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`]; [`Error::Conflict`] for a machine or a suspended account.
    pub fn invite(&mut self, of: Id, hash: &[u8]) -> Result<chrono::NaiveDateTime> {
        let found = self.account_managed(of)?;
        if found.rights.machine {
            return Err(Error::Conflict("A machine account has keys, and no password.".into()));
        }
        if found.rights.suspended {
            return Err(Error::Conflict(
                "The account is suspended, or a second administrator has not approved it yet.".into(),
            ));
        }
        let ended = self.links_end(of)?;
        let expires_at = self.now() + INVITATION_LASTS;
        diesel::insert_into(invitation::table)
            .values((
                invitation::hash.eq(hash),
                invitation::account_id.eq(of),
                invitation::made_at.eq(self.now()),
                invitation::made_by.eq(self.actor()),
                invitation::expires_at.eq(expires_at),
            ))
            .execute(self.db)?;
        self.note_act("account.invite", format!("accounts/{of}"), Value::Null);
        if ended > 0 {
            self.narrows(NarrowingAct::LinksEnded { account: of.to_string() });
        }
        Ok(expires_at)
    }

    /// Ends an account's links that were not used: each is one way in more.
    pub(super) fn links_end(&mut self, of: Id) -> Result<usize> {
        Ok(diesel::delete(invitation::table)
            .filter(invitation::account_id.eq(of))
            .filter(invitation::used_at.is_null())
            .execute(self.db)?)
    }

    /// Uses a link up, and sets the password that was chosen with it, as the account that it is for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the link was used, or is over.
    pub fn invitation_accept(&mut self, hash: &[u8], password_hash: &str) -> Result<()> {
        let of = self.actor();
        let used = diesel::update(invitation::table.find(hash))
            .filter(invitation::account_id.eq(of))
            .filter(invitation::used_at.is_null())
            .filter(invitation::expires_at.gt(self.now()))
            .set(invitation::used_at.eq(self.now()))
            .execute(self.db)?;
        if used != 1 {
            return Err(Error::NotFound);
        }
        let had: i64 = credential::table.filter(credential::account_id.eq(of)).count().get_result(self.db)?;
        if had > 0 {
            // Others gave a link to who had a password: a reset.
            self.cool_down(of)?;
        }
        self.password_set(of, password_hash, None)?;
        self.note_act("account.join", format!("accounts/{of}"), json!({ "by": "invitation" }));
        Ok(())
    }
}
