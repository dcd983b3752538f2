//! Accounts: who may sign in, what each is entitled to, and what it is told. What is kept of a password is its hash.

mod change;
mod factor;
mod invitation;
mod machine;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;

pub(super) use change::rights_write;
pub use change::{AccountChange, ChangeOutcome};
pub use factor::{Factor, FactorUse};
pub use machine::MachineKey;

use super::db::Id;
use super::db::schema::{
    account, account_change, account_mission, credential, machine_key, notice, second_factor, session,
};
use super::{Cursor, Error, Page, Read, Result, Write, code};
use crate::domain::{AccountChangeKind, AccountStatus, Code, NarrowingAct, NoticeKind, Rights};
use crate::policy::{REVIEW_EVERY, Viewer};

/// Notices are shown for this long.
const NOTICES_LAST: TimeDelta = TimeDelta::days(30);

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Internal id.
    pub id: Id,
    /// Address, in small letters: what people sign in with.
    pub email: String,
    /// Name.
    pub name: String,
    /// What it may do, and where, now.
    pub viewer: Viewer,
    /// What it is entitled to, and for how long.
    pub rights: Rights,
    /// When it was made (UTC).
    pub created_at: NaiveDateTime,
    /// When its access was last looked at (UTC).
    pub reviewed_at: Option<NaiveDateTime>,
}

/// An account in a list of them.
#[derive(Debug, Clone)]
pub struct AccountLine {
    /// The account.
    pub account: Account,
    /// How it stands.
    pub status: AccountStatus,
    /// Whether it has a second factor.
    pub second_factor: bool,
    /// When its access must be looked at (UTC).
    pub review_due_at: NaiveDateTime,
}

/// What sign-in compares.
#[derive(Clone)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// Its second factor, if it has set one up.
    pub factor: Option<Factor>,
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
    /// What it is entitled to.
    pub rights: Rights,
    /// Argon2id in PHC form; none where the person is to choose a password by invitation.
    pub password_hash: Option<String>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewAccount({})", self.rights.role.code())
    }
}

/// Which accounts a list has.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Of this State.
    pub state: Option<String>,
    /// Of this role.
    pub role: Option<crate::domain::Role>,
    /// Whose access is due to be looked at.
    pub review_due: bool,
}

pub(super) type AccountRow = (
    Id,
    String,
    String,
    String,
    Option<String>,
    bool,
    bool,
    NaiveDateTime,
    Option<String>,
    bool,
    Option<NaiveDate>,
    Option<NaiveDate>,
    Option<NaiveDateTime>,
    Option<NaiveDateTime>,
    Option<String>,
    bool,
);

impl Read<'_> {
    pub(super) fn account_of(&mut self, row: AccountRow) -> Result<Account> {
        self.accounts_of(vec![row])?.pop().ok_or(Error::NotFound)
    }

    /// Accounts of rows: their missions in one query, however many they are.
    fn accounts_of(&mut self, rows: Vec<AccountRow>) -> Result<Vec<Account>> {
        let missions: Vec<(Id, String)> = account_mission::table
            .filter(account_mission::account_id.eq_any(rows.iter().map(|row| row.0).collect::<Vec<_>>()))
            .order(account_mission::mission)
            .select((account_mission::account_id, account_mission::mission))
            .load(self.db)?;
        rows.into_iter().map(|row| Self::account_with(row, &missions)).collect()
    }

    fn account_with(row: AccountRow, missions: &[(Id, String)]) -> Result<Account> {
        let (
            id,
            email,
            name,
            role,
            state,
            graded,
            suspended,
            created_at,
            state_function,
            machine,
            from_on,
            to_on,
            opens_from,
            reviewed_at,
            single_sign_on,
            _proposed,
        ) = row;
        let missions: Vec<String> =
            missions.iter().filter(|(of, _)| *of == id).map(|(_, mission)| mission.clone()).collect();
        let state_function =
            state_function.map(|function| code(&function, "account", "state_function", &email)).transpose()?;
        let role = code(&role, "account", "role", &email)?;
        let viewer = Viewer {
            account: id.0,
            role,
            missions: missions.clone(),
            state: state.clone(),
            state_function,
            machine,
            graded,
            opens_from,
        };
        let rights = Rights {
            role,
            missions,
            state,
            state_function,
            machine,
            graded,
            from_on,
            to_on,
            suspended,
            single_sign_on,
        };
        Ok(Account { id, email, name, viewer, rights, created_at, reviewed_at })
    }

    /// The account of an id.
    ///
    /// # Errors
    /// The database's.
    pub fn account_get(&mut self, id: Id) -> Result<Option<Account>> {
        let row: Option<AccountRow> = account::table.find(id).first(self.db).optional()?;
        row.map(|row| self.account_of(row)).transpose()
    }

    /// The account of an address, once it was agreed to.
    ///
    /// # Errors
    /// The database's.
    pub fn account_by_email(&mut self, email: &str) -> Result<Option<Account>> {
        let of = account::table.filter(account::email.eq(email.trim().to_lowercase()));
        let of = of.filter(account::proposed.eq(false)).limit(1);
        let rows: Vec<AccountRow> = of.load(self.db)?;
        Ok(self.accounts_of(rows)?.pop())
    }

    /// The account of whom a provider of single sign-on vouches for, with its second factor.
    ///
    /// # Errors
    /// The database's.
    pub fn account_by_single_sign_on(&mut self, who: &str) -> Result<Option<(Account, Option<Factor>)>> {
        let rows: Vec<AccountRow> = account::table.filter(account::single_sign_on.eq(who)).limit(1).load(self.db)?;
        let Some(account) = self.accounts_of(rows)?.pop() else { return Ok(None) };
        let factor = self.factor_get(account.id)?;
        Ok(Some((account, factor)))
    }

    /// The account of an address, with what sign-in compares; none if it has no password. An unknown address costs the statements
    /// that a known one does.
    ///
    /// # Errors
    /// The database's.
    pub fn credentials(&mut self, email: &str) -> Result<Option<Credentials>> {
        let account = self.account_by_email(email)?;
        let of = account.as_ref().map_or_else(Id::new, |account| account.id);
        let hash: Option<String> =
            credential::table.find(of).select(credential::password_hash).first(self.db).optional()?;
        let factor = self.factor_get(of)?;
        Ok(account.zip(hash).map(|(account, password_hash)| Credentials { account, password_hash, factor }))
    }

    /// Accounts, the first made first; the cursor's reference is an id, since an address would stand in logs of addresses.
    ///
    /// # Errors
    /// The database's.
    pub fn account_list(
        &mut self,
        filter: &AccountFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<AccountLine>> {
        let mut query = account::table.order(account::id).limit(limit + 1).into_boxed();
        if let Some(state) = &filter.state {
            query = query.filter(account::state.eq(state.clone()));
        }
        if let Some(role) = filter.role {
            query = query.filter(account::role.eq(role.code()));
        }
        if filter.review_due {
            let before = self.now() - REVIEW_EVERY;
            let looked_at = account::reviewed_at.assume_not_null().le(before).and(account::reviewed_at.is_not_null());
            let never = account::reviewed_at.is_null().and(account::created_at.le(before));
            query = query.filter(account::suspended.eq(false)).filter(looked_at.or(never));
        }
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(account::id.gt(id));
        }
        let rows: Vec<AccountRow> = query.load(self.db)?;
        let accounts = self.accounts_of(rows)?;
        let lines = self.account_lines(accounts)?;
        Ok(Page::of(lines, limit, |line: &AccountLine| Cursor {
            on: line.account.created_at.date(),
            reference: line.account.id.to_string(),
        }))
    }

    /// How accounts stand.
    ///
    /// # Errors
    /// The database's.
    pub fn account_lines(&mut self, accounts: Vec<Account>) -> Result<Vec<AccountLine>> {
        let ids: Vec<Id> = accounts.iter().map(|account| account.id).collect();
        let with_password: Vec<Id> = credential::table
            .filter(credential::account_id.eq_any(&ids))
            .select(credential::account_id)
            .load(self.db)?;
        let with_factor: Vec<Id> = second_factor::table
            .filter(second_factor::account_id.eq_any(&ids))
            .filter(second_factor::secret.is_not_null())
            .select(second_factor::account_id)
            .load(self.db)?;
        let waiting: Vec<Id> = account_change::table
            .filter(account_change::account_id.eq_any(&ids))
            .filter(account_change::kind.eq(AccountChangeKind::Create.code()))
            .filter(account_change::decided_at.is_null())
            .select(account_change::account_id)
            .load(self.db)?;
        let today = self.now().date();
        Ok(accounts
            .into_iter()
            .map(|account| {
                let rights = &account.rights;
                let status = if waiting.contains(&account.id) {
                    AccountStatus::AwaitingApproval
                } else if rights.suspended {
                    AccountStatus::Suspended
                } else if rights.to_on.is_some_and(|to| to < today) {
                    AccountStatus::Ended
                } else if !rights.machine && !with_password.contains(&account.id) {
                    AccountStatus::Invited
                } else if rights.from_on.is_some_and(|from| today < from) {
                    AccountStatus::NotYet
                } else {
                    AccountStatus::Active
                };
                AccountLine {
                    status,
                    second_factor: with_factor.contains(&account.id),
                    review_due_at: account.reviewed_at.unwrap_or(account.created_at) + REVIEW_EVERY,
                    account,
                }
            })
            .collect())
    }

    /// What an account is told, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn notice_list(&mut self, of: Id) -> Result<Vec<(NaiveDateTime, NoticeKind)>> {
        let rows: Vec<(NaiveDateTime, String)> = notice::table
            .filter(notice::account_id.eq(of))
            .filter(notice::told_at.gt(self.now() - NOTICES_LAST))
            .order((notice::told_at.desc(), notice::id.desc()))
            .select((notice::told_at, notice::kind))
            .load(self.db)?;
        rows.into_iter().map(|(at, kind)| Ok((at, code(&kind, "notice", "kind", &of.to_string())?))).collect()
    }
}

impl Write<'_> {
    /// Tells an account something about itself.
    pub(in crate::store) fn tell(&mut self, account: Id, kind: NoticeKind) -> Result<()> {
        diesel::insert_into(notice::table)
            .values((
                notice::id.eq(Id::new()),
                notice::account_id.eq(account),
                notice::told_at.eq(self.now()),
                notice::kind.eq(kind.code()),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// Ends an account's sessions, keys and unused links, but for one session.
    fn sign_out(&mut self, account: Id, but: Option<Id>) -> Result<()> {
        diesel::update(session::table)
            .filter(session::account_id.eq(account))
            .filter(session::ended_at.is_null())
            .filter(session::id.ne(but.unwrap_or(Id([0; 16]))))
            .set(session::ended_at.eq(self.now()))
            .execute(self.db)?;
        diesel::update(machine_key::table)
            .filter(machine_key::account_id.eq(account))
            .filter(machine_key::ended_at.is_null())
            .set(machine_key::ended_at.eq(self.now()))
            .execute(self.db)?;
        self.links_end(account)?;
        self.rights_changed()
    }

    /// Sets an account's password. `kept` is the session that goes on; the others end.
    ///
    /// # Errors
    /// The database's.
    pub fn password_set(&mut self, account: Id, password_hash: &str, kept: Option<Id>) -> Result<()> {
        diesel::delete(credential::table.find(account)).execute(self.db)?;
        diesel::insert_into(credential::table)
            .values((credential::account_id.eq(account), credential::password_hash.eq(password_hash)))
            .execute(self.db)?;
        self.sign_out(account, kept)?;
        self.tell(account, NoticeKind::PasswordChanged)?;
        self.note_act("account.password", format!("accounts/{account}"), serde_json::Value::Null);
        self.narrows(NarrowingAct::Password { account: account.to_string() });
        Ok(())
    }
}
