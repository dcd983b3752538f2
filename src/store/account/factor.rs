//! Second factors, as they are kept: secrets encrypted by who made them, the last step used, and hashes of recovery codes.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::super::db::Id;
use super::super::db::schema::{account, recovery_code, second_factor, session};
use super::super::{Error, Read, Result, Store, Write};
use crate::domain::{NarrowingAct, NoticeKind};
use crate::policy::{COOL_DOWN, Viewer};

/// A second factor.
#[derive(Clone)]
pub struct Factor {
    /// The secret of its codes, encrypted; none until the first code was given.
    pub secret: Option<Vec<u8>>,
    /// The secret that is to take its place, encrypted.
    pub pending: Option<Vec<u8>>,
    /// How often a code was wrong since one was right.
    pub failures: i32,
    /// When that was last (UTC).
    pub failed_at: Option<NaiveDateTime>,
}

impl std::fmt::Debug for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Factor")
    }
}

/// What was given as a second factor, and found right: it is used up in the transaction that it lets happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorUse {
    /// The code of this time step.
    Step(i64),
    /// A recovery code, by its hash.
    Recovery(Vec<u8>),
}

impl Read<'_> {
    /// An account's second factor, set up or about to be.
    ///
    /// # Errors
    /// The database's.
    pub fn factor_get(&mut self, of: Id) -> Result<Option<Factor>> {
        type Row = (Option<Vec<u8>>, Option<Vec<u8>>, i32, Option<NaiveDateTime>);
        let row: Option<Row> = second_factor::table
            .find(of)
            .select((second_factor::secret, second_factor::pending, second_factor::failures, second_factor::failed_at))
            .first(self.db)
            .optional()?;
        Ok(row.map(|(secret, pending, failures, failed_at)| Factor { secret, pending, failures, failed_at }))
    }

    /// Some account's second factor, to see whether the system's key is the right one: whose, and its secret, encrypted.
    ///
    /// # Errors
    /// The database's.
    pub fn factor_any(&mut self) -> Result<Option<(Id, Vec<u8>)>> {
        let one = second_factor::table
            .filter(second_factor::secret.is_not_null())
            .select((second_factor::account_id, second_factor::secret.assume_not_null()));
        Ok(one.first(self.db).optional()?)
    }

    /// Recovery codes of an account that were not used.
    ///
    /// # Errors
    /// The database's.
    pub fn recovery_left(&mut self, of: Id) -> Result<i64> {
        let left = recovery_code::table
            .filter(recovery_code::account_id.eq(of))
            .filter(recovery_code::used_at.is_null())
            .count();
        Ok(left.get_result(self.db)?)
    }
}

impl Write<'_> {
    /// Uses up what was given; `false` when it was used before: the code of a step, once, and none of an earlier step after.
    pub(in crate::store) fn factor_take(&mut self, of: Id, given: &FactorUse) -> Result<bool> {
        match given {
            FactorUse::Step(step) => {
                let taken = diesel::update(second_factor::table.find(of))
                    .filter(second_factor::last_step.lt(step))
                    .set((
                        second_factor::last_step.eq(step),
                        second_factor::failures.eq(0),
                        second_factor::failed_at.eq(None::<NaiveDateTime>),
                    ))
                    .execute(self.db)?;
                Ok(taken == 1)
            }
            FactorUse::Recovery(hash) => {
                let taken = diesel::update(recovery_code::table.find(hash))
                    .filter(recovery_code::account_id.eq(of))
                    .filter(recovery_code::used_at.is_null())
                    .set(recovery_code::used_at.eq(self.now()))
                    .execute(self.db)?;
                if taken == 1 {
                    self.cool_down(of)?;
                    self.tell(of, NoticeKind::RecoveryUsed)?;
                    self.note_act("second_factor.recover", format!("accounts/{of}"), Value::Null);
                }
                Ok(taken == 1)
            }
        }
    }

    /// Uses up the viewer's code for the act of this transaction: both happen, or neither.
    ///
    /// # Errors
    /// [`Error::CodeUsed`] when it was used meanwhile; the database's.
    pub fn factor_spend(&mut self, given: &FactorUse, act: &'static str) -> Result<()> {
        let of = self.actor();
        if !self.factor_take(of, given)? {
            return Err(Error::CodeUsed);
        }
        self.note_act("second_factor.use", format!("accounts/{of}"), json!({ "for": act }));
        Ok(())
    }

    /// Counts a wrong code. `guessed` is how many make it look like guessing: then the person is told, once, and what is tried
    /// meanwhile is neither looked at nor counted, so that nobody is kept out for longer than `wait`.
    fn factor_failed(&mut self, of: Id, (guessed, wait): (i32, TimeDelta)) -> Result<()> {
        let over = self.now() - wait;
        diesel::update(second_factor::table.find(of))
            .filter(second_factor::failures.lt(guessed).or(second_factor::failed_at.assume_not_null().le(over)))
            .set((second_factor::failures.eq(second_factor::failures + 1), second_factor::failed_at.eq(self.now())))
            .execute(self.db)?;
        let now = self.now();
        if self.factor_get(of)?.is_some_and(|factor| factor.failures == guessed && factor.failed_at == Some(now)) {
            self.tell(of, NoticeKind::CodesGuessed)?;
        }
        Ok(())
    }

    pub(super) fn cool_down(&mut self, of: Id) -> Result<()> {
        let opens_from = self.now() + COOL_DOWN;
        diesel::update(account::table.find(of)).set(account::opens_from.eq(opens_from)).execute(self.db)?;
        self.rights_changed()
    }

    /// Keeps a secret that is to become the account's second factor once a code of it was given.
    ///
    /// # Errors
    /// The database's.
    pub fn factor_begin(&mut self, of: Id, pending: &[u8]) -> Result<()> {
        if self.factor_get(of)?.is_some() {
            diesel::update(second_factor::table.find(of)).set(second_factor::pending.eq(pending)).execute(self.db)?;
        } else {
            diesel::insert_into(second_factor::table)
                .values((
                    second_factor::account_id.eq(of),
                    second_factor::pending.eq(pending),
                    second_factor::last_step.eq(0),
                    second_factor::failures.eq(0),
                ))
                .execute(self.db)?;
        }
        self.note_act("second_factor.begin", format!("accounts/{of}"), Value::Null);
        Ok(())
    }

    /// Makes the pending secret the account's second factor, with new recovery codes; the session that did it is assured from
    /// now on, the others end. Where others took an earlier one away, its account opens no seals for some days from now; a first one waits for
    /// nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when another was begun meanwhile; the database's.
    pub fn factor_confirm(
        &mut self,
        of: Id,
        (pending, step): (&[u8], i64),
        codes: &[Vec<u8>],
        kept: Option<Id>,
    ) -> Result<()> {
        let is_first = self.factor_get(of)?.is_none_or(|factor| factor.secret.is_none());
        let confirmed = diesel::update(second_factor::table.find(of))
            // The one of which a code was given, whatever was begun meanwhile.
            .filter(second_factor::pending.eq(pending))
            .set((
                second_factor::secret.eq(second_factor::pending),
                second_factor::last_step.eq(step),
                second_factor::failures.eq(0),
                second_factor::failed_at.eq(None::<NaiveDateTime>),
            ))
            .execute(self.db)?;
        if confirmed != 1 {
            return Err(Error::NotFound);
        }
        let was_reset = self.account_get(of)?.is_some_and(|account| account.viewer.opens_from.is_some());
        if is_first && was_reset {
            self.cool_down(of)?;
        }
        diesel::update(second_factor::table.find(of))
            .set(second_factor::pending.eq(None::<Vec<u8>>))
            .execute(self.db)?;
        diesel::delete(recovery_code::table.filter(recovery_code::account_id.eq(of))).execute(self.db)?;
        for hash in codes {
            diesel::insert_into(recovery_code::table)
                .values((recovery_code::hash.eq(hash), recovery_code::account_id.eq(of)))
                .execute(self.db)?;
        }
        self.sign_out(of, kept)?;
        if let Some(kept) = kept {
            diesel::update(session::table.find(kept)).set(session::assured.eq(true)).execute(self.db)?;
        }
        self.tell(of, NoticeKind::SecondFactorSet)?;
        self.note_act("second_factor.confirm", format!("accounts/{of}"), Value::Null);
        self.narrows(NarrowingAct::SecondFactor { account: of.to_string() });
        Ok(())
    }

    /// Takes an account's second factor away; who signs in next sets up another, and opens no seals for some days.
    pub(super) fn factor_reset(&mut self, of: Id) -> Result<()> {
        diesel::delete(recovery_code::table.filter(recovery_code::account_id.eq(of))).execute(self.db)?;
        diesel::delete(second_factor::table.find(of)).execute(self.db)?;
        self.sign_out(of, None)?;
        self.cool_down(of)?;
        self.tell(of, NoticeKind::SecondFactorReset)?;
        self.note_act("second_factor.reset", format!("accounts/{of}"), Value::Null);
        self.narrows(NarrowingAct::SecondFactor { account: of.to_string() });
        Ok(())
    }
}

impl Store {
    /// Uses up a second factor that is to be replaced by another; `false` when it was used before.
    ///
    /// # Errors
    /// The database's.
    pub fn factor_prove(&self, viewer: &Viewer, given: &FactorUse) -> Result<bool> {
        self.append(viewer, |w| {
            let of = Id(viewer.account);
            let taken = w.factor_take(of, given)?;
            if taken {
                w.note_act("second_factor.use", format!("accounts/{of}"), json!({ "for": "second_factor.begin" }));
            }
            Ok(taken)
        })
    }

    /// Puts on the record that somebody was not let in, or that a second factor was wrong; for an address without an account
    /// too, so that both are the same work. `code_of` is the account whose code was wrong.
    ///
    /// # Errors
    /// The database's.
    pub fn sign_in_refused(
        &self,
        of: Option<Id>,
        code_of: Option<Id>,
        why: &'static str,
        guessed: (i32, TimeDelta),
    ) -> Result<()> {
        self.append(&Viewer::operator(), |w| {
            if let Some(of) = code_of {
                w.factor_failed(of, guessed)?;
            }
            let subject = of.map_or_else(|| "accounts/unknown".to_owned(), |of| format!("accounts/{of}"));
            w.note_act("session.refuse", subject, json!({ "why": why }));
            Ok(())
        })
    }
}
