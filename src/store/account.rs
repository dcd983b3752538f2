//! Accounts and sessions. What is kept of a password is its hash, of a refresh token its hash, and nothing of an access
//! token.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

use super::db::Id;
use super::db::schema::{account, account_mission, credential, live_session, refresh_token, session};
use super::{Access, Error, Read, Result, Store, Write, code};
use crate::domain::{Code, Role};
use crate::policy::{Scope, Viewer};

/// An account as others see it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Internal id.
    pub id: Id,
    /// Address, in small letters: what people sign in with.
    pub email: String,
    /// Name.
    pub name: String,
    /// What it may do, and where.
    pub viewer: Viewer,
    /// Whether it is suspended.
    pub suspended: bool,
}

/// What sign-in compares.
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.account.id)
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Missions of a focal point.
    pub missions: Vec<String>,
    /// State of a `member_state`.
    pub state: Option<String>,
    /// Graded for disclosure.
    pub graded: bool,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewAccount({})", self.role.code())
    }
}

/// A live session.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    /// Its id, as tokens carry it.
    pub id: Id,
    /// Whose.
    pub account: Account,
    /// When it ends (UTC), refreshed or not.
    pub expires_at: NaiveDateTime,
}

/// What became of a refresh token that was presented.
#[derive(Debug)]
pub enum Rotation {
    /// It was good, and is used now; the new one is stored.
    Rotated(SessionInfo),
    /// It was used before: the whole session was ended.
    Reused,
    /// There is no such token, or its session is over.
    Unknown,
}

type AccountRow = (Id, String, String, String, Option<String>, bool, bool, NaiveDateTime);

impl Read<'_> {
    fn account_of(&mut self, row: AccountRow) -> Result<Account> {
        let (id, email, name, role, state, graded, suspended, _) = row;
        let missions = account_mission::table
            .filter(account_mission::account_id.eq(id))
            .order(account_mission::mission)
            .select(account_mission::mission)
            .load(self.db)?;
        let viewer = Viewer { account: id.0, role: code(&role, "account", "role", &email)?, missions, state, graded };
        Ok(Account { id, email, name, viewer, suspended })
    }

    /// The account of an address, with what sign-in compares.
    ///
    /// # Errors
    /// The database's.
    pub fn account_by_email(&mut self, email: &str) -> Result<Option<Credentials>> {
        let row: Option<(AccountRow, String)> = account::table
            .inner_join(credential::table.on(credential::account_id.eq(account::id)))
            .filter(account::email.eq(email.trim().to_lowercase()))
            .select((account::all_columns, credential::password_hash))
            .first(self.db)
            .optional()?;
        row.map(|(row, password_hash)| Ok(Credentials { account: self.account_of(row)?, password_hash })).transpose()
    }

    /// Every account, by address.
    ///
    /// # Errors
    /// The database's.
    pub fn account_list(&mut self) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> = account::table.order(account::email).load(self.db)?;
        rows.into_iter().map(|row| self.account_of(row)).collect()
    }

    /// The live session of that id, with its account as it stands now.
    ///
    /// # Errors
    /// The database's.
    pub fn session_get(&mut self, id: Id) -> Result<Option<SessionInfo>> {
        let row: Option<(AccountRow, NaiveDateTime)> = live_session::table
            .inner_join(account::table.on(account::id.eq(live_session::account_id)))
            .filter(live_session::id.eq(id))
            .filter(live_session::expires_at.gt(self.now()))
            .filter(account::suspended.eq(false))
            .select((account::all_columns, live_session::expires_at))
            .first(self.db)
            .optional()?;
        row.map(|(row, expires_at)| Ok(SessionInfo { id, account: self.account_of(row)?, expires_at })).transpose()
    }
}

impl Write<'_> {
    /// Makes an account.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the address is taken.
    pub fn account_create(&mut self, new: NewAccount) -> Result<Id> {
        let email = new.email.trim().to_lowercase();
        if self.account_by_email(&email)?.is_some() {
            return Err(Error::Conflict("an account of this address exists".into()));
        }
        let id = Id::new();
        diesel::insert_into(account::table)
            .values((
                account::id.eq(id),
                account::email.eq(&email),
                account::name.eq(new.name.trim()),
                account::role.eq(new.role.code()),
                account::state.eq(&new.state),
                account::graded.eq(new.graded),
                account::suspended.eq(false),
                account::created_at.eq(self.now()),
            ))
            .execute(self.db)?;
        diesel::insert_into(credential::table)
            .values((credential::account_id.eq(id), credential::password_hash.eq(&new.password_hash)))
            .execute(self.db)?;
        for mission in &new.missions {
            diesel::insert_into(account_mission::table)
                .values((account_mission::account_id.eq(id), account_mission::mission.eq(mission)))
                .execute(self.db)?;
        }
        let detail =
            json!({ "role": new.role.code(), "missions": new.missions, "state": new.state, "graded": new.graded });
        self.note_act("account.create", format!("accounts/{id}"), detail);
        Ok(id)
    }

    fn session_begin(&mut self, refresh_hash: &[u8], lasts: TimeDelta) -> Result<Id> {
        let id = Id::new();
        diesel::insert_into(session::table)
            .values((
                session::id.eq(id),
                session::account_id.eq(self.actor()),
                session::started_at.eq(self.now()),
                session::expires_at.eq(self.now() + lasts),
            ))
            .execute(self.db)?;
        self.refresh_store(id, refresh_hash)?;
        self.note_act("session.begin", format!("sessions/{id}"), serde_json::Value::Null);
        Ok(id)
    }

    fn refresh_store(&mut self, session: Id, hash: &[u8]) -> Result<()> {
        diesel::insert_into(refresh_token::table)
            .values((
                refresh_token::hash.eq(hash),
                refresh_token::session_id.eq(session),
                refresh_token::issued_at.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok(())
    }

    fn session_close(&mut self, id: Id, action: &'static str) -> Result<()> {
        diesel::update(session::table.find(id)).set(session::ended_at.eq(self.now())).execute(self.db)?;
        self.rights_changed()?;
        self.note_act(action, format!("sessions/{id}"), serde_json::Value::Null);
        Ok(())
    }
}

impl Store {
    /// Begins a session of an account with its first refresh token.
    ///
    /// # Errors
    /// The database's; [`Error::Elsewhere`] on a node that signs nobody in.
    pub fn session_begin(&self, viewer: &Viewer, refresh_hash: &[u8], lasts: TimeDelta) -> Result<Id> {
        self.signs_in()?;
        self.add(viewer, |w| w.session_begin(refresh_hash, lasts))
    }

    /// Ends a session of this account: its tokens are worth nothing from now on, here at once and everywhere within a second.
    ///
    /// # Errors
    /// The database's; [`Error::Elsewhere`] on a node that signs nobody in.
    pub fn session_end(&self, session: &SessionInfo) -> Result<()> {
        self.signs_in()?;
        self.add(&session.account.viewer, |w| w.session_close(session.id, "session.end"))?;
        self.pulse_forget();
        Ok(())
    }

    /// Whether this node signs people in.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] when it does not.
    pub fn signs_in(&self) -> Result<()> {
        if self.access() == Access::Full { Ok(()) } else { Err(Error::Elsewhere) }
    }

    /// Takes a refresh token and gives another in its place. A token used before ends its session: somebody has a copy.
    ///
    /// # Errors
    /// The database's.
    pub fn session_rotate(&self, presented: &[u8], next: &[u8]) -> Result<Rotation> {
        self.signs_in()?;
        let found: Option<SessionInfo> = self.read(&Scope::Nothing, |r| {
            let id: Option<Id> =
                refresh_token::table.find(presented).select(refresh_token::session_id).first(r.db).optional()?;
            id.map(|id| r.session_get(id)).transpose().map(Option::flatten)
        })?;
        let Some(info) = found else { return Ok(Rotation::Unknown) };
        let rotation = self.add(&info.account.viewer.clone(), |w| {
            let fresh = diesel::update(refresh_token::table.find(presented))
                .filter(refresh_token::used_at.is_null())
                .set(refresh_token::used_at.eq(w.now()))
                .execute(w.db)?;
            if fresh == 0 {
                w.session_close(info.id, "session.reuse")?;
                return Ok(Rotation::Reused);
            }
            w.refresh_store(info.id, next)?;
            w.note_act("session.refresh", format!("sessions/{}", info.id), serde_json::Value::Null);
            Ok(Rotation::Rotated(info))
        })?;
        if matches!(rotation, Rotation::Reused) {
            self.pulse_forget();
        }
        Ok(rotation)
    }
}
