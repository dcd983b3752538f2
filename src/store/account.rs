//! Accounts. What is kept of a password is its hash.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

use super::db::Id;
use super::db::schema::{account, account_mission, credential};
use super::{Error, Read, Result, Write, code};
use crate::domain::{Code, Role};
use crate::policy::Viewer;

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

pub(super) type AccountRow = (Id, String, String, String, Option<String>, bool, bool, NaiveDateTime);

impl Read<'_> {
    pub(super) fn account_of(&mut self, row: AccountRow) -> Result<Account> {
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
}
