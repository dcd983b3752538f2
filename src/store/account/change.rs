//! Making accounts and changing what they may do: by one administrator where it takes away, by two where it adds to what opens
//! seals or decides on rights.

use std::collections::HashMap;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

use super::super::db::schema::{account, account_change, account_mission, credential};
use super::super::db::{Db, Id};
use super::super::{Cursor, Error, Page, Read, Result, Write, code};
use super::{Account, NewAccount};
use crate::domain::{AccountChangeKind, Code, NarrowingAct, NoticeKind, Rights};
use crate::policy::{Action, AgreementNeeded, Denial, Viewer, authorize, may_change, may_decide_change, may_manage};

/// A change that is not decided by then lapses.
const CHANGE_LASTS: TimeDelta = TimeDelta::days(7);

/// A change of an account, decided or not.
#[derive(Debug, Clone)]
pub struct AccountChange {
    /// Its id.
    pub id: Id,
    /// The account's id and address.
    pub account: (Id, String),
    /// What it is about.
    pub kind: AccountChangeKind,
    /// The rights as they were; none for a new account.
    pub before: Option<Rights>,
    /// The rights as they shall be.
    pub rights: Rights,
    /// When it was asked (UTC).
    pub asked_at: NaiveDateTime,
    /// Who asked: id of the account, and its name.
    pub asked_by: (Id, String),
    /// When it lapses (UTC).
    pub expires_at: NaiveDateTime,
    /// When it was decided (UTC), by whom, and whether it was approved.
    pub decided: Option<(NaiveDateTime, String, bool)>,
    /// Whether there is another account of the address already.
    pub address_taken: bool,
}

/// What became of a change that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It took effect.
    Applied,
    /// It waits for a second administrator.
    Waiting(Id),
}

#[derive(Queryable)]
#[diesel(table_name = account_change)]
struct ChangeRow {
    id: Id,
    of: Id,
    kind: String,
    rights: String,
    asked_at: NaiveDateTime,
    asked_by: Id,
    expires_at: NaiveDateTime,
    decided_at: Option<NaiveDateTime>,
    decided_by: Option<Id>,
    approved: Option<bool>,
    before: Option<String>,
}

fn rights_read(text: &str, row: Id) -> Result<Rights> {
    let corrupt = |_| Error::Corrupt { table: "account_change", column: "rights", row: row.to_string() };
    serde_json::from_str(text).map_err(corrupt)
}

impl Read<'_> {
    fn change_of(&mut self, row: ChangeRow) -> Result<AccountChange> {
        self.changes_of(vec![row])?.pop().ok_or(Error::NotFound)
    }

    /// Changes of rows: whom they name in one query, however many they are.
    fn changes_of(&mut self, rows: Vec<ChangeRow>) -> Result<Vec<AccountChange>> {
        let named = |row: &ChangeRow| [Some(row.of), Some(row.asked_by), row.decided_by];
        let ids: Vec<Id> = rows.iter().flat_map(named).flatten().collect();
        let people: Vec<(Id, (String, String))> = account::table
            .filter(account::id.eq_any(ids))
            .select((account::id, (account::email, account::name)))
            .load(self.db)?;
        let people: HashMap<Id, (String, String)> = people.into_iter().collect();
        let addresses: Vec<&String> = people.values().map(|(email, _)| email).collect();
        let taken: HashMap<String, Id> = account::table
            .filter(account::email.eq_any(addresses))
            .filter(account::proposed.eq(false))
            .select((account::email, account::id))
            .load(self.db)?
            .into_iter()
            .collect();
        let name_of = |id: Id| people.get(&id).map_or_else(|| "operator".to_owned(), |(_, name)| name.clone());
        let change = |row: ChangeRow| {
            let ChangeRow {
                id,
                of,
                kind,
                rights,
                asked_at,
                asked_by,
                expires_at,
                decided_at,
                decided_by,
                approved,
                before,
            } = row;
            let decided = match (decided_at, decided_by, approved) {
                (Some(at), Some(by), Some(approved)) => Some((at, name_of(by), approved)),
                _ => None,
            };
            let (email, _) = people.get(&of).ok_or(Error::NotFound)?;
            Ok(AccountChange {
                address_taken: taken.get(email).is_some_and(|by| *by != of),
                id,
                account: (of, email.clone()),
                kind: code(&kind, "account_change", "kind", &id.to_string())?,
                before: before.map(|before| rights_read(&before, id)).transpose()?,
                rights: rights_read(&rights, id)?,
                asked_at,
                asked_by: (asked_by, name_of(asked_by)),
                expires_at,
                decided,
            })
        };
        rows.into_iter().map(change).collect()
    }

    /// Changes of accounts, the last asked first; those that wait, or all. To a State's manager, of the State's accounts. The
    /// cursor's reference is a change's id.
    ///
    /// # Errors
    /// The database's.
    pub fn account_change_list(
        &mut self,
        state: Option<&str>,
        waiting: bool,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<AccountChange>> {
        let mut query = account_change::table
            .inner_join(account::table.on(account::id.eq(account_change::account_id)))
            .select(account_change::all_columns)
            .order(account_change::id.desc())
            .limit(limit + 1)
            .into_boxed();
        if let Some(state) = state {
            let own = account::table.filter(account::state.eq(state.to_owned())).select(account::id);
            let own: Vec<Id> = own.load(self.db)?;
            query = query.filter(account_change::account_id.eq_any(own));
        }
        if waiting {
            query =
                query.filter(account_change::decided_at.is_null()).filter(account_change::expires_at.gt(self.now()));
        }
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(account_change::id.lt(id));
        }
        let rows: Vec<ChangeRow> = query.load(self.db)?;
        let changes = self.changes_of(rows)?;
        Ok(Page::of(changes, limit, |change| Cursor { on: change.asked_at.date(), reference: change.id.to_string() }))
    }
}

impl Write<'_> {
    /// Makes an account: at once, or suspended until a second administrator approves it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what does not fit together; [`Error::Denied`]; [`Error::Conflict`] when the address is taken.
    pub fn account_create(&mut self, new: NewAccount) -> Result<(Id, ChangeOutcome)> {
        let id = Id::new();
        let rights = new.rights;
        refuse(&rights)?;
        let approval = may_change(self.viewer, id.0, None, &rights)?;
        let email = new.email.trim().to_lowercase();
        let waits = approval == AgreementNeeded::Second;
        // Who manages a State's accounts alone would learn who has one: what is asked waits all the same, and an administrator is told.
        let may_know = authorize(self.viewer, Action::Administer).is_ok() || self.viewer.is_operator();
        if (may_know || !waits) && self.account_by_email(&email)?.is_some() {
            return Err(Error::Conflict("An account with this email address already exists.".into()));
        }
        self.refuse_known_as(id, rights.single_sign_on.as_deref())?;
        diesel::insert_into(account::table)
            .values((
                account::id.eq(id),
                account::email.eq(&email),
                account::name.eq(new.name.trim()),
                account::role.eq(rights.role.code()),
                account::state.eq(&rights.state),
                account::graded.eq(rights.graded),
                account::suspended.eq(rights.suspended || waits),
                account::created_at.eq(self.now()),
                account::state_function.eq(rights.state_function.map(Code::code)),
                account::machine.eq(rights.machine),
                account::from_on.eq(rights.from_on),
                account::to_on.eq(rights.to_on),
                account::single_sign_on.eq(&rights.single_sign_on),
                account::proposed.eq(waits),
            ))
            .execute(self.db)?;
        missions_write(self.db, id, &rights.missions)?;
        if let Some(hash) = &new.password_hash {
            diesel::insert_into(credential::table)
                .values((credential::account_id.eq(id), credential::password_hash.eq(hash)))
                .execute(self.db)?;
        }
        let outcome =
            if waits { self.change_ask(id, AccountChangeKind::Create, None, &rights)? } else { ChangeOutcome::Applied };
        let detail = json!({ "rights": rights, "waits": waits });
        self.note_act("account.create", format!("accounts/{id}"), detail);
        Ok((id, outcome))
    }

    /// Refuses to know a second account as the same person of the provider.
    fn refuse_known_as(&mut self, id: Id, who: Option<&str>) -> Result<()> {
        let Some(who) = who else { return Ok(()) };
        match self.account_by_single_sign_on(who)? {
            Some((known, _)) if known.id != id => {
                Err(Error::Conflict("Another account already uses this single sign-on identity.".into()))
            }
            _ => Ok(()),
        }
    }

    fn change_ask(
        &mut self,
        of: Id,
        kind: AccountChangeKind,
        before: Option<&Rights>,
        rights: &Rights,
    ) -> Result<ChangeOutcome> {
        let id = Id::new();
        let before = before.map(|before| serde_json::to_string(before).unwrap_or_default());
        diesel::insert_into(account_change::table)
            .values((
                account_change::id.eq(id),
                account_change::account_id.eq(of),
                account_change::kind.eq(kind.code()),
                account_change::rights.eq(serde_json::to_string(rights).unwrap_or_default()),
                account_change::rights_before.eq(before),
                account_change::asked_at.eq(self.now()),
                account_change::asked_by.eq(self.actor()),
                account_change::expires_at.eq(self.now() + CHANGE_LASTS),
            ))
            .execute(self.db)?;
        Ok(ChangeOutcome::Waiting(id))
    }

    /// An account that the viewer manages; to whom manages none of its kind, it is not there.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] for one's own.
    pub fn account_managed(&mut self, id: Id) -> Result<Account> {
        let found = self.account_get(id)?.ok_or(Error::NotFound)?;
        match may_manage(self.viewer, id.0, &found.rights) {
            Ok(()) => Ok(found),
            Err(Denial::Oneself) => Err(Denial::Oneself.into()),
            Err(_) => Err(Error::NotFound),
        }
    }

    /// Changes what an account may do: at once where it adds nothing to what opens seals or decides on rights, else once a
    /// second administrator approves. A later change takes an earlier one's place.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Denied`], [`Error::Invalid`]; [`Error::Conflict`] while the account itself awaits approval.
    pub fn account_change(&mut self, id: Id, rights: &Rights) -> Result<ChangeOutcome> {
        refuse(rights)?;
        let found = self.account_managed(id)?;
        self.refuse_known_as(id, rights.single_sign_on.as_deref())?;
        let faults = rights.change_faults(&found.rights);
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let approval = may_change(self.viewer, id.0, Some(&found.rights), rights)?;
        self.refuse_waiting(id, AccountChangeKind::Create)?;
        self.changes_lapse(id, AccountChangeKind::Rights)?;
        match approval {
            AgreementNeeded::Alone => {
                if found.rights != *rights {
                    self.rights_set(id, rights)?;
                    self.note_act("account.change", format!("accounts/{id}"), json!({ "rights": rights }));
                    self.narrows(NarrowingAct::Rights { account: id.to_string(), rights: Box::new(rights.clone()) });
                }
                Ok(ChangeOutcome::Applied)
            }
            AgreementNeeded::Second => {
                self.note_act("account.ask", format!("accounts/{id}"), json!({ "rights": rights }));
                self.change_ask(id, AccountChangeKind::Rights, Some(&found.rights), rights)
            }
        }
    }

    /// Asks that an account's second factor be taken away, so that the person can set up another: once a second
    /// administrator approves, or at once where the operator asks.
    ///
    /// # Errors
    /// As [`Write::account_change`].
    pub fn factor_reset_ask(&mut self, id: Id) -> Result<ChangeOutcome> {
        let found = self.account_managed(id)?;
        self.refuse_waiting(id, AccountChangeKind::Create)?;
        self.changes_lapse(id, AccountChangeKind::SecondFactor)?;
        if self.viewer.is_operator() {
            self.factor_reset(id)?;
            return Ok(ChangeOutcome::Applied);
        }
        self.note_act("account.ask", format!("accounts/{id}"), json!({ "reset": "second_factor" }));
        self.change_ask(id, AccountChangeKind::SecondFactor, Some(&found.rights), &found.rights)
    }

    fn refuse_waiting(&mut self, id: Id, kind: AccountChangeKind) -> Result<()> {
        let waiting: Option<Id> = account_change::table
            .filter(account_change::account_id.eq(id))
            .filter(account_change::kind.eq(kind.code()))
            .filter(account_change::decided_at.is_null())
            .select(account_change::id)
            .first(self.db)
            .optional()?;
        match waiting {
            Some(_) => Err(Error::Conflict("A second administrator must approve this account first.".into())),
            None => Ok(()),
        }
    }

    /// Declines, in the viewer's name, what waits of this kind: another takes its place.
    fn changes_lapse(&mut self, id: Id, kind: AccountChangeKind) -> Result<()> {
        let lapsed = diesel::update(account_change::table)
            .filter(account_change::account_id.eq(id))
            .filter(account_change::kind.eq(kind.code()))
            .filter(account_change::decided_at.is_null())
            .set((
                account_change::decided_at.eq(self.now()),
                account_change::decided_by.eq(self.actor()),
                account_change::approved.eq(false),
            ))
            .execute(self.db)?;
        if lapsed > 0 {
            self.note_act("account.withdraw", format!("accounts/{id}"), json!({ "kind": kind }));
        }
        Ok(())
    }

    fn rights_set(&mut self, id: Id, rights: &Rights) -> Result<()> {
        self.refuse_known_as(id, rights.single_sign_on.as_deref())?;
        let before = self.account_get(id)?.ok_or(Error::NotFound)?.rights;
        rights_write(self.db, id, rights)?;
        // Whoever signed in for another scope or part, or as somebody else to the provider, is signed out.
        if rights.suspended || before.single_sign_on != rights.single_sign_on || !before.stand_alike(rights) {
            self.sign_out(id, None)?;
        }
        if !before.stand_alike(rights) {
            self.machine_keys_end(id)?;
        }
        self.tell(id, NoticeKind::RightsChanged)?;
        self.rights_changed()
    }

    /// The second administrator's decision on a change.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] for who asked and whom it is about; [`Error::Conflict`] when it was decided, or
    /// lapsed.
    pub fn account_change_decide(&mut self, id: Id, approve: bool) -> Result<AccountChange> {
        let viewer: &Viewer = self.viewer;
        let row: ChangeRow = account_change::table.find(id).first(self.db).optional()?.ok_or(Error::NotFound)?;
        let change = self.change_of(row)?;
        let of = change.account.0;
        may_decide_change(viewer, self.now(), change.asked_by.0.0, of.0)?;
        if change.decided.is_some() {
            return Err(Error::Conflict("This change is already decided.".into()));
        }
        let now = self.account_get(of)?.ok_or(Error::NotFound)?.rights;
        if approve && change.before.as_ref().is_some_and(|before| *before != now) {
            return Err(Error::Conflict("The account's rights changed after this was asked. Ask again.".into()));
        }
        if approve && change.expires_at <= self.now() {
            return Err(Error::Conflict("This change expired: nobody decided it in time.".into()));
        }
        if approve && change.kind == AccountChangeKind::Create {
            if change.address_taken {
                return Err(Error::Conflict(
                    "An account with this email address already exists. Decline this one.".into(),
                ));
            }
            diesel::update(account::table.find(of)).set(account::proposed.eq(false)).execute(self.db)?;
        }
        diesel::update(account_change::table.find(id))
            .set((
                account_change::decided_at.eq(self.now()),
                account_change::decided_by.eq(self.actor()),
                account_change::approved.eq(approve),
            ))
            .execute(self.db)?;
        if approve {
            match change.kind {
                AccountChangeKind::Create | AccountChangeKind::Rights => self.rights_set(of, &change.rights)?,
                AccountChangeKind::SecondFactor => self.factor_reset(of)?,
            }
        }
        let action = if approve { "account.approve" } else { "account.decline" };
        let detail =
            json!({ "change": id.to_string(), "kind": change.kind, "asked_by": change.asked_by.0.to_string() });
        self.note_act(action, format!("accounts/{of}"), detail);
        if approve && change.kind == AccountChangeKind::Rights {
            self.narrows(NarrowingAct::Rights { account: of.to_string(), rights: Box::new(change.rights) });
        }
        let row: ChangeRow = account_change::table.find(id).first(self.db)?;
        self.change_of(row)
    }

    /// Says that an account's access was looked at, and is still needed.
    ///
    /// # Errors
    /// As [`Write::account_managed`].
    pub fn account_review(&mut self, id: Id) -> Result<()> {
        self.account_managed(id)?;
        diesel::update(account::table.find(id)).set(account::reviewed_at.eq(self.now())).execute(self.db)?;
        self.note_act("account.review", format!("accounts/{id}"), serde_json::Value::Null);
        Ok(())
    }
}

fn missions_write(db: &mut Db, id: Id, missions: &[String]) -> Result<()> {
    diesel::delete(account_mission::table.filter(account_mission::account_id.eq(id))).execute(db)?;
    for mission in missions {
        diesel::insert_into(account_mission::table)
            .values((account_mission::account_id.eq(id), account_mission::mission.eq(mission)))
            .execute(db)?;
    }
    Ok(())
}

/// Writes all of an account's rights.
pub(in crate::store) fn rights_write(db: &mut Db, id: Id, rights: &Rights) -> Result<()> {
    let Rights { role, missions, state, state_function, machine, graded, from_on, to_on, suspended, single_sign_on } =
        rights;
    diesel::update(account::table.find(id))
        .set((
            account::role.eq(role.code()),
            account::state.eq(state),
            account::graded.eq(graded),
            account::suspended.eq(suspended),
            account::state_function.eq(state_function.map(Code::code)),
            account::machine.eq(machine),
            account::from_on.eq(from_on),
            account::to_on.eq(to_on),
            account::single_sign_on.eq(single_sign_on),
        ))
        .execute(db)?;
    missions_write(db, id, missions)
}

fn refuse(rights: &Rights) -> Result<()> {
    let faults = rights.faults();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
