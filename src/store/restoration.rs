//! Setting a database back: after a restore, a move, or what an operator accepted. All that opens a door is ended, the ledger is applied,
//! and until an officer and an administrator have confirmed what that undid, nobody else is served.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit::{self, Doer};
use super::db::schema::{
    account, account_change, approval, invitation, machine_key, recovery_code, restoration, session, sitting,
};
use super::db::{self, Db, Id, Mode};
use super::heartbeat::{self, Counter};
use super::ledger::{Act, Undone, apply};
use super::{Error, Read, Result, Store, Write};
use crate::domain::Role;
use crate::policy::{Action, Viewer, authorize};

/// The audit log of an archive: what whoever reads it back compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivedLog {
    /// Entries in the tree.
    pub size: u64,
    /// Its root, hexadecimal.
    pub root: String,
}

/// Why a log goes on from an earlier moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBackKind {
    /// A backup was restored.
    Restore,
    /// A database was moved.
    Move,
    /// The operator accepted a database that does not extend the last checkpoint.
    Accept,
    /// A copy is only looked at: nothing is put on its record.
    Verify,
}

impl SetBackKind {
    const fn action(self) -> &'static str {
        match self {
            Self::Restore => "log.restore",
            Self::Move => "log.move",
            Self::Accept | Self::Verify => "log.accept",
        }
    }
}

/// How a database is set back.
#[derive(Debug, Clone)]
pub struct SetBack {
    /// Why.
    pub kind: SetBackKind,
    /// The ledger's acts, oldest first.
    pub acts: Vec<Act>,
    /// The operator's reason, where one was asked for.
    pub reason: Option<String>,
    /// As of when the database is (UTC).
    pub as_of: NaiveDateTime,
    /// The audit log as it is there.
    pub log: ArchivedLog,
    /// Name of the log's origin from now on.
    pub origin: String,
    /// Name of the origin that signed before, and its last checkpoint.
    pub previous: Option<(String, String)>,
}

/// A database that was set back, and who confirmed what that undid.
#[derive(Debug, Clone)]
pub struct Restoration {
    /// Its id.
    pub id: Id,
    /// `log.restore`, `log.move` or `log.accept`.
    pub kind: String,
    /// When it was done (UTC).
    pub made_at: NaiveDateTime,
    /// As of when the database is (UTC).
    pub as_of: NaiveDateTime,
    /// The operator's reason, where one was asked for.
    pub reason: Option<String>,
    /// What was taken away again.
    pub undone: Vec<Undone>,
    /// The officer who confirmed, and when (UTC).
    pub officer: Option<(String, NaiveDateTime)>,
    /// The administrator who confirmed, and when (UTC).
    pub administrator: Option<(String, NaiveDateTime)>,
}

/// Ends whatever opens a door, so that each is given anew by who may. Gives how many of each there were.
fn end_everything(db: &mut Db, now: NaiveDateTime) -> Result<Vec<Undone>> {
    let ended = |what: &str, number: usize| Undone { what: what.to_owned(), about: number.to_string() };
    let mut undone = Vec::new();
    let sessions = diesel::update(session::table.filter(session::ended_at.is_null())).set(session::ended_at.eq(now));
    undone.push(ended("sessions", sessions.execute(db)?));
    let sittings = diesel::update(sitting::table.filter(sitting::ended_at.is_null())).set(sitting::ended_at.eq(now));
    undone.push(ended("sittings", sittings.execute(db)?));
    let keys = machine_key::table.filter(machine_key::ended_at.is_null()).filter(machine_key::expires_at.gt(now));
    undone.push(ended("machine_keys", diesel::update(keys).set(machine_key::ended_at.eq(now)).execute(db)?));
    let links = invitation::table.filter(invitation::used_at.is_null());
    undone.push(ended("one-time_links", diesel::delete(links).execute(db)?));
    let codes = recovery_code::table.filter(recovery_code::used_at.is_null());
    undone.push(ended("recovery_codes", diesel::update(codes).set(recovery_code::used_at.eq(now)).execute(db)?));
    let approvals = approval::table.filter(approval::expires_at.gt(now));
    undone.push(ended("approvals", diesel::update(approvals).set(approval::expires_at.eq(now)).execute(db)?));
    let changes =
        account_change::table.filter(account_change::decided_at.is_null()).filter(account_change::expires_at.gt(now));
    let changes = diesel::update(changes).set(account_change::expires_at.eq(now)).execute(db)?;
    undone.push(ended("changes_of_rights_that_waited", changes));
    undone.retain(|one| one.about != "0");
    Ok(undone)
}

/// Sets a database back, in a transaction that its caller commits. Gives what was taken away again.
pub(super) fn set_back(db: &mut Db, back: &SetBack, now: NaiveDateTime) -> Result<Vec<Undone>> {
    let mut undone = apply(db, &back.acts)?;
    if back.kind == SetBackKind::Verify {
        return Ok(undone);
    }
    // A move takes nothing back by itself: what was given stands, unless the ledger has acts that the copy lacks.
    let plain = back.kind == SetBackKind::Move && undone.is_empty();
    if !plain {
        undone.extend(end_everything(db, now)?);
    }
    let id = Id::new();
    let (action, list) = (back.kind.action(), serde_json::to_string(&undone).unwrap_or_default());
    diesel::insert_into(restoration::table)
        .values((
            restoration::id.eq(id),
            restoration::kind.eq(action),
            restoration::made_at.eq(now),
            restoration::archived_at.eq(back.as_of),
            restoration::reason.eq(&back.reason),
            restoration::undone.eq(list),
            restoration::officer_at.eq(plain.then_some(now)),
            restoration::administrator_at.eq(plain.then_some(now)),
        ))
        .execute(db)?;
    let (previous, last) = back.previous.clone().unzip();
    let detail = json!({
        "made_at": back.as_of.and_utc(), "size": back.log.size, "root": back.log.root, "origin": back.origin,
        "previous": previous, "last_checkpoint": last, "reason": back.reason, "undone": undone.len(),
    });
    let doer = Doer { account: Id(Viewer::operator().account), role: Role::Administrator, at: now };
    audit::append(db, Id::new(), &doer, (action, &format!("restorations/{id}")), &detail)?;
    settle(db)?;
    Ok(undone)
}

/// Brings the counters that every node hears to what the table says.
fn settle(db: &mut Db) -> Result<()> {
    let waiting: i64 = restoration::table
        .filter(restoration::officer_at.is_null().or(restoration::administrator_at.is_null()))
        .count()
        .get_result(db)?;
    heartbeat::set(db, Counter::Restored, waiting)?;
    heartbeat::advance(db, Counter::Rights)
}

impl Store {
    /// Accepts the database as it is: what does not extend the last checkpoint is treated as a restored backup. `ready` is asked before the
    /// commit.
    ///
    /// # Errors
    /// [`Error::Unwritten`] with what `ready` says; the database's.
    pub fn set_back(
        &self,
        back: &SetBack,
        ready: &mut dyn FnMut() -> std::result::Result<(), String>,
    ) -> Result<Vec<Undone>> {
        let now = self.now();
        let undone = db::transaction(&self.pool, Mode::Write, |db| {
            let undone = set_back(db, back, now)?;
            ready().map_err(Error::Unwritten)?;
            Ok::<_, Error>(undone)
        })?;
        self.heartbeat_forget();
        Ok(undone)
    }

    /// Size and root of the audit log, out of its entries.
    ///
    /// # Errors
    /// The database's; [`Error::Conflict`] when it has a gap.
    pub fn audit_recomputed(&self) -> Result<ArchivedLog> {
        let (size, root) = db::transaction(&self.pool, Mode::Read, audit::recomputed)?;
        Ok(ArchivedLog { size, root })
    }
}

type RestorationRow = (
    Id,
    String,
    NaiveDateTime,
    NaiveDateTime,
    Option<String>,
    String,
    Option<Id>,
    Option<NaiveDateTime>,
    Option<Id>,
    Option<NaiveDateTime>,
);

impl Read<'_> {
    /// Databases that were set back, the last first.
    ///
    /// # Errors
    /// The database's.
    pub fn restoration_list(&mut self) -> Result<Vec<Restoration>> {
        let rows: Vec<RestorationRow> = restoration::table.order(restoration::id.desc()).limit(200).load(self.db)?;
        rows.into_iter().map(|row| self.restoration_of(row)).collect()
    }

    fn restoration_of(&mut self, row: RestorationRow) -> Result<Restoration> {
        let (id, kind, made_at, as_of, reason, undone, officer, officer_at, administrator, administrator_at) = row;
        let corrupt = |_| Error::Corrupt { table: "restoration", column: "undone", row: id.to_string() };
        let undone = serde_json::from_str(&undone).map_err(corrupt)?;
        let mut person = |by: Option<Id>, at: Option<NaiveDateTime>| -> Result<_> {
            let Some(at) = at else { return Ok(None) };
            let name: Option<String> = match by {
                Some(by) => account::table.find(by).select(account::name).first(self.db).optional()?,
                None => None,
            };
            Ok(Some((name.unwrap_or_else(|| "operator".to_owned()), at)))
        };
        let (officer, administrator) = (person(officer, officer_at)?, person(administrator, administrator_at)?);
        Ok(Restoration { id, kind, made_at, as_of, reason, undone, officer, administrator })
    }
}

impl Write<'_> {
    /// Confirms what setting the database back undid, as an officer or as an administrator: it takes one of each.
    ///
    /// # Errors
    /// [`Error::Denied`] for other roles; [`Error::NotFound`]; [`Error::Conflict`] when it was confirmed already.
    pub fn restoration_confirm(&mut self, id: Id) -> Result<Restoration> {
        authorize(self.viewer, Action::ConfirmRestoration)?;
        let (now, actor) = (self.now(), self.actor());
        let row = restoration::table.find(id);
        let confirmed = if self.viewer.role == Role::Administrator {
            diesel::update(row)
                .filter(restoration::administrator_at.is_null())
                .set((restoration::administrator_id.eq(actor), restoration::administrator_at.eq(now)))
                .execute(self.db)?
        } else {
            diesel::update(row)
                .filter(restoration::officer_at.is_null())
                .set((restoration::officer_id.eq(actor), restoration::officer_at.eq(now)))
                .execute(self.db)?
        };
        let found: RestorationRow = restoration::table.find(id).first(self.db).optional()?.ok_or(Error::NotFound)?;
        if confirmed != 1 {
            return Err(Error::Conflict("A person with your role already confirmed this.".into()));
        }
        self.note_act("restoration.confirm", format!("restorations/{id}"), json!({ "role": self.viewer.role }));
        settle(self.db)?;
        self.restoration_of(found)
    }
}
