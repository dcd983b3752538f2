//! Sessions. What is kept of a refresh token is its hash, and nothing of an access token.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::account::{Account, AccountRow, FactorUse};
use super::db::live_session;
use super::db::schema::{account, refresh_token, session, sign_on_use};
use super::db::{Id, each};
use super::{Access, Error, Mode, Read, Result, Store, Write};
use crate::domain::NoticeKind;
use crate::policy::{Action, Scope, Viewer, authorize};

/// A session ends when its tokens were not refreshed for this long.
const IDLE: TimeDelta = TimeDelta::minutes(30);
/// A refresh token that was just used is taken once more within this: its answer may have been lost on a bad link.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// A live session.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    /// Its id, as tokens carry it.
    pub id: Id,
    /// Whose.
    pub account: Account,
    /// When it ends (UTC), refreshed or not: at the latest with the account's term.
    pub expires_at: NaiveDateTime,
    /// Whether a second factor was given: without, it reaches nothing but its own account.
    pub assured: bool,
}

/// A live session in a list.
#[derive(Debug, Clone)]
pub struct SessionLine {
    /// Its id.
    pub id: Id,
    /// When it was begun (UTC).
    pub started_at: NaiveDateTime,
    /// When its tokens were last given (UTC).
    pub refreshed_at: NaiveDateTime,
    /// When it ends (UTC), refreshed or not.
    pub expires_at: NaiveDateTime,
}

/// A session to be begun.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// What is kept of the network it comes from.
    pub visitor: &'a [u8],
    /// Hash of its first refresh token.
    pub refresh_hash: &'a [u8],
    /// How long it lasts, refreshed or not.
    pub lasts: TimeDelta,
    /// The second factor that was given.
    pub factor: Option<&'a FactorUse>,
    /// What vouched for the person, and must still be so when the session begins.
    pub vouched: PrimaryFactor<'a>,
}

/// What vouched for a person who signs in.
#[derive(Debug, Clone, Copy)]
pub enum PrimaryFactor<'a> {
    /// A password, compared with this hash.
    Password(&'a str),
    /// A provider of single sign-on, to whom the person is this.
    Provider(&'a str),
}

/// What became of a refresh token that was presented.
#[derive(Debug)]
pub enum Rotation {
    /// It was good, and is used now; the new one is stored.
    Rotated(Box<SessionInfo>),
    /// It was used before: the whole session was ended.
    Reused,
    /// There is no such token, or its session is over.
    Unknown,
}

impl Read<'_> {
    /// The live session of that id, with its account as it stands now.
    ///
    /// # Errors
    /// The database's.
    pub fn session_get(&mut self, id: Id) -> Result<Option<SessionInfo>> {
        let row: Option<(AccountRow, NaiveDateTime, bool)> = live_session::table
            .inner_join(account::table.on(account::id.eq(live_session::account_id)))
            .filter(live_session::id.eq(id))
            .filter(live_session::expires_at.gt(self.now()))
            .select((account::all_columns, live_session::expires_at, live_session::assured))
            .first(self.db)
            .optional()?;
        let Some((row, expires_at, assured)) = row else { return Ok(None) };
        let account = self.account_of(row)?;
        if !account.rights.hold_on(self.now().date()) {
            return Ok(None);
        }
        let expires_at = account.rights.end().map_or(expires_at, |end| end.min(expires_at));
        Ok(Some(SessionInfo { id, account, expires_at, assured }))
    }

    /// The live sessions of an account, the last begun first.
    ///
    /// # Errors
    /// The database's.
    pub fn session_list(&mut self, of: Id) -> Result<Vec<SessionLine>> {
        let live = session::table
            .filter(session::account_id.eq(of))
            .filter(session::ended_at.is_null())
            .filter(session::expires_at.gt(self.now()));
        let refreshed = refresh_token::table
            .inner_join(session::table.on(session::id.eq(refresh_token::session_id)))
            .filter(session::account_id.eq(of))
            .filter(refresh_token::issued_at.gt(self.now() - IDLE))
            .order(refresh_token::issued_at.desc())
            .select((refresh_token::session_id, refresh_token::issued_at));
        let refreshed: Vec<(Id, NaiveDateTime)> = refreshed.load(self.db)?;
        let rows: Vec<(Id, NaiveDateTime, NaiveDateTime)> = live
            .order((session::started_at.desc(), session::id))
            .select((session::id, session::started_at, session::expires_at))
            .load(self.db)?;
        let line = |(id, started_at, expires_at)| {
            let (_, refreshed_at) = *refreshed.iter().find(|(of, _)| *of == id)?;
            Some(SessionLine { id, started_at, refreshed_at, expires_at })
        };
        Ok(rows.into_iter().filter_map(line).collect())
    }

    /// Whether a session was begun by this visitor after `since`.
    ///
    /// # Errors
    /// The database's.
    pub fn visited(&mut self, visitor: &[u8], since: NaiveDateTime) -> Result<bool> {
        let one = session::table.filter(session::visitor.eq(visitor)).filter(session::started_at.gt(since));
        Ok(one.select(session::id).first::<Id>(self.db).optional()?.is_some())
    }
}

impl Write<'_> {
    fn session_begin(&mut self, new: &NewSession<'_>) -> Result<Option<Id>> {
        let of = self.actor();
        // The password, or the account, may have changed while the hash was computed or the provider answered.
        let account = self.account_get(of)?.ok_or(Error::NotFound)?;
        let vouched = match new.vouched {
            PrimaryFactor::Password(hash) => {
                self.credentials(&account.email)?.is_some_and(|known| known.password_hash == hash)
            }
            PrimaryFactor::Provider(who) => account.rights.single_sign_on.as_deref() == Some(who),
        };
        if !vouched || !account.rights.hold_on(self.now().date()) {
            return Ok(None);
        }
        if let Some(factor) = new.factor
            && !self.factor_take(of, factor)?
        {
            return Ok(None);
        }
        let id = Id::new();
        diesel::insert_into(session::table)
            .values((
                session::id.eq(id),
                session::account_id.eq(self.actor()),
                session::started_at.eq(self.now()),
                session::expires_at.eq(self.now() + new.lasts),
                session::visitor.eq(new.visitor),
                session::assured.eq(new.factor.is_some()),
            ))
            .execute(self.db)?;
        self.refresh_store(id, new.refresh_hash, None)?;
        let detail = json!({ "account": of.to_string(), "second_factor": new.factor.is_some() });
        self.note_act("session.begin", format!("sessions/{id}"), detail);
        Ok(Some(id))
    }

    fn refresh_store(&mut self, session: Id, hash: &[u8], parent: Option<&[u8]>) -> Result<()> {
        diesel::insert_into(refresh_token::table)
            .values((
                refresh_token::hash.eq(hash),
                refresh_token::session_id.eq(session),
                refresh_token::issued_at.eq(self.now()),
                refresh_token::parent.eq(parent),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// Uses a refresh token; `false` when it was used before.
    fn refresh_use(&mut self, hash: &[u8]) -> Result<bool> {
        let used = diesel::update(refresh_token::table.find(hash))
            .filter(refresh_token::used_at.is_null())
            .set(refresh_token::used_at.eq(self.now()))
            .execute(self.db)?;
        Ok(used == 1)
    }

    /// Forgives a second use, once, soon after the first, as long as nobody used what the first one gave: that is void now.
    fn refresh_forgive(&mut self, hash: &[u8]) -> Result<bool> {
        let forgiven = diesel::update(refresh_token::table.find(hash))
            .filter(refresh_token::used_at.ge(self.now() - GRACE))
            .filter(refresh_token::retried_at.is_null())
            .set(refresh_token::retried_at.eq(self.now()))
            .execute(self.db)?;
        if forgiven != 1 {
            return Ok(false);
        }
        let lost = diesel::update(refresh_token::table)
            .filter(refresh_token::parent.eq(hash))
            .filter(refresh_token::used_at.is_null())
            .set(refresh_token::used_at.eq(self.now() - GRACE * 2))
            .execute(self.db)?;
        Ok(lost == 1)
    }

    fn session_close(&mut self, id: Id, action: &'static str, detail: Value) -> Result<()> {
        diesel::update(session::table.find(id)).set(session::ended_at.eq(self.now())).execute(self.db)?;
        self.rights_changed()?;
        self.note_act(action, format!("sessions/{id}"), detail);
        Ok(())
    }
}

impl Store {
    /// Begins a session of an account; none when the second factor was used before, or the password is another by now.
    ///
    /// # Errors
    /// The database's; [`Error::WrongNode`] on a node that signs nobody in.
    pub fn session_begin(&self, viewer: &Viewer, new: &NewSession<'_>) -> Result<Option<Id>> {
        self.signs_in()?;
        self.proved()?;
        self.append(viewer, |w| w.session_begin(new))
    }

    /// Ends a live session, one's own or, as an administrator, anyone's: its tokens are worth nothing from now on, here at once
    /// and everywhere within a second.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or none of one's own; the database's; [`Error::WrongNode`] on a node that
    /// signs nobody in.
    pub fn session_end(&self, viewer: &Viewer, id: Id) -> Result<()> {
        self.signs_in()?;
        self.append(viewer, |w| {
            let owner: Option<Id> = session::table
                .find(id)
                .filter(session::ended_at.is_null())
                .filter(session::expires_at.gt(w.now()))
                .select(session::account_id)
                .first(w.db)
                .optional()?;
            let owner = owner.filter(|owner| authorize(viewer, Action::EndSession { of: owner.0 }).is_ok());
            let owner = owner.ok_or(Error::NotFound)?;
            let detail = if owner.0 == viewer.account { Value::Null } else { json!({ "account": owner.to_string() }) };
            w.session_close(id, "session.end", detail)
        })?;
        self.heartbeat_forget();
        Ok(())
    }

    /// Puts on the record that a code or password was wrong within a session, for an act. A session in which `most` were wrong ends: whoever stole
    /// it goes with it, and the person is told and signs in again.
    ///
    /// # Errors
    /// The database's.
    pub fn proof_refused(&self, viewer: &Viewer, id: Id, act: &'static str, most: i32) -> Result<()> {
        self.append(viewer, |w| {
            let live = session::table.find(id);
            diesel::update(live).set(session::wrong_proofs.eq(session::wrong_proofs + 1)).execute(w.db)?;
            let wrong: Option<i32> = live.select(session::wrong_proofs).first(w.db).optional()?;
            w.note_act("session.refuse", format!("accounts/{}", Id(viewer.account)), json!({ "why": act }));
            if wrong.is_some_and(|wrong| wrong >= most) {
                w.tell(Id(viewer.account), NoticeKind::CodesGuessed)?;
                w.session_close(id, "session.end", json!({ "why": "wrong_codes" }))?;
            }
            Ok(())
        })?;
        self.heartbeat_forget();
        Ok(())
    }

    /// Uses up a sign-in at the provider, which could be completed until a time (UTC); `false` when it was before, on whichever node.
    ///
    /// # Errors
    /// The database's.
    pub fn sign_on_take(&self, hash: &[u8], good_until: NaiveDateTime) -> Result<bool> {
        let now = self.clock.now();
        super::db::transaction(&self.pool, Mode::Add, |db| {
            diesel::delete(sign_on_use::table.filter(sign_on_use::good_until.lt(now))).execute(db)?;
            let row = (sign_on_use::hash.eq(hash), sign_on_use::good_until.eq(good_until));
            let taken =
                each!(db, |c| diesel::insert_into(sign_on_use::table).values(row).on_conflict_do_nothing().execute(c))?;
            Ok(taken == 1)
        })
    }

    /// Whether this node signs people in.
    ///
    /// # Errors
    /// [`Error::WrongNode`] when it does not.
    pub fn signs_in(&self) -> Result<()> {
        if self.access() == Access::Full { Ok(()) } else { Err(Error::WrongNode) }
    }

    /// Takes a refresh token and gives another in its place. A token used before ends its session, since somebody has a
    /// copy; but for one retry within 30 seconds, whose first answer may have been lost (RFC 9700 §4.14.2).
    ///
    /// # Errors
    /// The database's.
    pub fn session_rotate(&self, presented: &[u8], next: &[u8]) -> Result<Rotation> {
        self.signs_in()?;
        self.proved()?;
        let found: Option<SessionInfo> = self.read(&Scope::Nothing, |r| {
            let token = refresh_token::table.find(presented).filter(refresh_token::issued_at.gt(r.now() - IDLE));
            let id: Option<Id> = token.select(refresh_token::session_id).first(r.db).optional()?;
            id.map(|id| r.session_get(id)).transpose().map(Option::flatten)
        })?;
        let Some(info) = found else { return Ok(Rotation::Unknown) };
        let rotation = self.append(&info.account.viewer.clone(), |w| {
            let fresh = w.refresh_use(presented)?;
            if !fresh && !w.refresh_forgive(presented)? {
                w.session_close(info.id, "session.reuse", Value::Null)?;
                return Ok(Rotation::Reused);
            }
            w.refresh_store(info.id, next, Some(presented))?;
            let detail = if fresh { Value::Null } else { json!({ "retry": true }) };
            w.note_act("session.refresh", format!("sessions/{}", info.id), detail);
            Ok(Rotation::Rotated(Box::new(info)))
        })?;
        if matches!(rotation, Rotation::Reused) {
            self.heartbeat_forget();
        }
        Ok(rotation)
    }
}
