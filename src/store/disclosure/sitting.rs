//! Sittings: one purpose and one second factor for who works through a file of cases. Each opening within is a disclosure of
//! its own.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::Plain;
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::sitting;
use super::super::{Error, Read, Result, Write, code};
use crate::domain::{Code, DisclosureMode, Purpose};
use crate::policy::mode_rule;

/// A sitting.
#[derive(Debug, Clone)]
pub struct Sitting {
    /// Its id.
    pub id: Id,
    /// Why.
    pub purpose: Purpose,
    /// When it began (UTC).
    pub started_at: NaiveDateTime,
    /// When it ends (UTC).
    pub expires_at: NaiveDateTime,
}

type SittingRow = (Id, String, NaiveDateTime, NaiveDateTime);

fn sitting_of((id, purpose, started_at, expires_at): SittingRow) -> Result<Sitting> {
    Ok(Sitting { id, purpose: code(&purpose, "sitting", "purpose", &id.to_string())?, started_at, expires_at })
}

impl Read<'_> {
    /// The live sittings of an account's session, the last begun first.
    ///
    /// # Errors
    /// The database's.
    pub fn sitting_list(&mut self, account: Id, session: Id) -> Result<Vec<Sitting>> {
        let rows: Vec<SittingRow> = sitting::table
            .filter(sitting::account_id.eq(account))
            .filter(sitting::session_id.eq(session))
            .filter(sitting::ended_at.is_null())
            .filter(sitting::expires_at.gt(self.now()))
            .order((sitting::started_at.desc(), sitting::id))
            .select((sitting::id, sitting::purpose, sitting::started_at, sitting::expires_at))
            .load(self.db)?;
        rows.into_iter().map(sitting_of).collect()
    }
}

impl Write<'_> {
    /// Begins a sitting, in the session that asks: it ends with the session, or after eight hours.
    ///
    /// # Errors
    /// The database's.
    pub fn sitting_begin(&mut self, session: Id, purpose: Purpose, note: Option<&Plain>) -> Result<Sitting> {
        let lasts = mode_rule(DisclosureMode::Sitting).lasts.unwrap_or_default();
        let begun = Sitting { id: Id::new(), purpose, started_at: self.now(), expires_at: self.now() + lasts };
        diesel::insert_into(sitting::table)
            .values((
                sitting::id.eq(begun.id),
                sitting::account_id.eq(self.actor()),
                sitting::session_id.eq(session),
                sitting::purpose.eq(purpose.code()),
                sitting::started_at.eq(begun.started_at),
                sitting::expires_at.eq(begun.expires_at),
            ))
            .execute(self.db)?;
        self.seal_note(begun.id, note)?;
        self.note_act("sitting.begin", format!("sittings/{}", begun.id), json!({ "purpose": purpose }));
        Ok(begun)
    }

    /// Ends a sitting of one's own.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none that lives.
    pub fn sitting_end(&mut self, id: Id) -> Result<()> {
        let ended = diesel::update(sitting::table.find(id))
            .filter(sitting::account_id.eq(self.actor()))
            .filter(sitting::ended_at.is_null())
            .filter(sitting::expires_at.gt(self.now()))
            .set(sitting::ended_at.eq(self.now()))
            .execute(self.db)?;
        if ended != 1 {
            return Err(Error::NotFound);
        }
        self.note_act("sitting.end", format!("sittings/{id}"), serde_json::Value::Null);
        Ok(())
    }

    pub(super) fn sitting_purpose(&mut self, id: Id, session: Id) -> Result<Purpose> {
        let actor = self.actor();
        let live = self.sitting_list(actor, session)?.into_iter().find(|live| live.id == id);
        live.map(|live| live.purpose).ok_or_else(|| {
            Error::Invalid(vec![crate::domain::Fault::new(
                "/sitting",
                "There is no open sitting with this ID in this session.",
            )])
        })
    }
}
