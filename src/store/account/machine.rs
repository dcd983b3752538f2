//! Keys of States' own systems: each for one account, with an end. What is kept of a key is its hash.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{account, machine_key};
use super::super::{Error, Read, Result, SessionInfo, Write};
use super::AccountRow;
use crate::domain::{Fault, NarrowingAct, NoticeKind};
use crate::policy::may_make_key;

/// A key lasts at most this long.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// A key, without what it is.
#[derive(Debug, Clone)]
pub struct MachineKey {
    /// Its id.
    pub id: Id,
    /// What it is for.
    pub name: String,
    /// When it was made (UTC).
    pub made_at: NaiveDateTime,
    /// When it ends (UTC).
    pub expires_at: NaiveDateTime,
}

impl Read<'_> {
    /// The session, as it were, of a key: as long as the key and its account are good.
    ///
    /// # Errors
    /// The database's.
    pub fn machine_session(&mut self, hash: &[u8]) -> Result<Option<SessionInfo>> {
        let row: Option<(AccountRow, Id, NaiveDateTime)> = machine_key::table
            .inner_join(account::table.on(account::id.eq(machine_key::account_id)))
            .filter(machine_key::hash.eq(hash))
            .filter(machine_key::ended_at.is_null())
            .filter(machine_key::expires_at.gt(self.now()))
            .filter(account::machine.eq(true))
            .select((account::all_columns, machine_key::id, machine_key::expires_at))
            .first(self.db)
            .optional()?;
        let Some((row, id, expires_at)) = row else { return Ok(None) };
        let account = self.account_of(row)?;
        if !account.rights.hold_on(self.now().date()) {
            return Ok(None);
        }
        let expires_at = account.rights.end().map_or(expires_at, |end| end.min(expires_at));
        Ok(Some(SessionInfo { id, account, expires_at, assured: true }))
    }

    /// The live keys of an account, the last made first.
    ///
    /// # Errors
    /// The database's.
    pub fn machine_key_list(&mut self, of: Id) -> Result<Vec<MachineKey>> {
        let rows: Vec<(Id, String, NaiveDateTime, NaiveDateTime)> = machine_key::table
            .filter(machine_key::account_id.eq(of))
            .filter(machine_key::ended_at.is_null())
            .filter(machine_key::expires_at.gt(self.now()))
            .order((machine_key::made_at.desc(), machine_key::id))
            .select((machine_key::id, machine_key::name, machine_key::made_at, machine_key::expires_at))
            .load(self.db)?;
        let key = |(id, name, made_at, expires_at)| MachineKey { id, name, made_at, expires_at };
        Ok(rows.into_iter().map(key).collect())
    }
}

impl Write<'_> {
    /// Makes a key of a machine's account.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`]; [`Error::Conflict`] for a person's account; [`Error::Invalid`] for an end that is
    /// over, or more than a year away.
    pub fn machine_key_make(
        &mut self,
        of: Id,
        name: &str,
        hash: &[u8],
        expires_at: NaiveDateTime,
    ) -> Result<MachineKey> {
        let found = self.account_managed(of)?;
        may_make_key(self.viewer, of.0, &found.rights)?;
        if !found.rights.machine {
            return Err(Error::Conflict("API keys can only be issued to machine accounts.".into()));
        }
        if found.rights.suspended {
            return Err(Error::Conflict(
                "The account is suspended, or a second administrator has not approved it yet.".into(),
            ));
        }
        if expires_at <= self.now() || expires_at > self.now() + LONGEST {
            return Err(Error::Invalid(vec![Fault::new("/expires_on", "must be in the future, and within one year")]));
        }
        let key = MachineKey { id: Id::new(), name: name.to_owned(), made_at: self.now(), expires_at };
        diesel::insert_into(machine_key::table)
            .values((
                machine_key::id.eq(key.id),
                machine_key::hash.eq(hash),
                machine_key::account_id.eq(of),
                machine_key::name.eq(name),
                machine_key::made_at.eq(key.made_at),
                machine_key::made_by.eq(self.actor()),
                machine_key::expires_at.eq(expires_at),
            ))
            .execute(self.db)?;
        self.tell(of, NoticeKind::KeyMade)?;
        let detail = json!({ "key": key.id.to_string(), "expires_at": expires_at.and_utc().to_rfc3339() });
        self.note_act("account.key", format!("accounts/{of}"), detail);
        Ok(key)
    }

    /// Ends every key of an account.
    pub(super) fn machine_keys_end(&mut self, of: Id) -> Result<()> {
        let live: Vec<Id> = machine_key::table
            .filter(machine_key::account_id.eq(of))
            .filter(machine_key::ended_at.is_null())
            .select(machine_key::id)
            .load(self.db)?;
        for id in live {
            self.key_end(of, id)?;
        }
        Ok(())
    }

    /// Ends a key.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`].
    pub fn machine_key_end(&mut self, of: Id, id: Id) -> Result<()> {
        self.account_managed(of)?;
        self.key_end(of, id)
    }

    fn key_end(&mut self, of: Id, id: Id) -> Result<()> {
        let ended = diesel::update(machine_key::table.find(id))
            .filter(machine_key::account_id.eq(of))
            .filter(machine_key::ended_at.is_null())
            .set(machine_key::ended_at.eq(self.now()))
            .execute(self.db)?;
        if ended != 1 {
            return Err(Error::NotFound);
        }
        self.rights_changed()?;
        self.note_act("account.key_end", format!("accounts/{of}"), json!({ "key": id.to_string() }));
        self.narrows(NarrowingAct::KeyEnded { account: of.to_string(), key: id.to_string() });
        Ok(())
    }
}
