//! The note of what somebody asks to open, or opened in an emergency: the officer who agrees to it reads it first.

use diesel::prelude::*;
use seal::{ClassCode, Permit, PermittedRecord};
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{disclosure, note_reading, sealed_value};
use super::super::keys::Ciphertexts;
use super::super::{Error, FactorUse, Read, Result, Store, Write};
use crate::policy::{Viewer, may_judge_opening};

/// What another officer is asked to agree to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// An approval, by its id.
    Approval(Id),
    /// An emergency, by the id of its disclosure.
    Emergency(Id),
}

impl Read<'_> {
    /// Of these, those that have a note.
    pub(super) fn noted(&mut self, of: &[Id]) -> Result<Vec<Id>> {
        let noted = sealed_value::table.filter(sealed_value::holder_id.eq_any(of.to_vec()));
        Ok(noted.select(sealed_value::holder_id).distinct().load(self.db)?)
    }

    /// Who asked, and about which record.
    fn asked_by(&mut self, of: Asked) -> Result<Option<(Id, String)>> {
        Ok(match of {
            Asked::Approval(id) => self.approval_get(id)?.map(|(asker, asked)| (asker, asked.record)),
            Asked::Emergency(id) => disclosure::table
                .find(id)
                .filter(disclosure::emergency.eq(true))
                .select((disclosure::account_id, disclosure::record))
                .first(self.db)
                .optional()?,
        })
    }
}

impl Write<'_> {
    /// Refuses to agree to what has a note that the viewer has not read.
    pub(super) fn refuse_unread(&mut self, id: Id, has_note: bool) -> Result<()> {
        let actor = self.actor();
        let read: i64 = note_reading::table
            .filter(note_reading::note_id.eq(id))
            .filter(note_reading::account_id.eq(actor))
            .count()
            .get_result(self.db)?;
        if has_note && read == 0 {
            return Err(Error::Conflict("read the note first: POST …/note".into()));
        }
        Ok(())
    }

    fn note_open(&mut self, of: Asked) -> Result<Ciphertexts> {
        let (asker, record) = self.asked_by(of)?.ok_or(Error::NotFound)?;
        may_judge_opening(self.viewer, self.now(), asker.0)?;
        let (Asked::Approval(id) | Asked::Emergency(id)) = of;
        let found = self.ciphertexts(id, id, ClassCode::Confidential)?;
        diesel::insert_into(note_reading::table)
            .values((
                note_reading::id.eq(Id::new()),
                note_reading::note_id.eq(id),
                note_reading::account_id.eq(self.actor()),
                note_reading::read_at.eq(self.now()),
            ))
            .execute(self.db)?;
        let detail = json!({ "note": id.to_string(), "asked_by": asker.to_string() });
        self.note_act("disclosure.note", record, detail);
        Ok(found)
    }
}

impl Store {
    /// Judges that an officer reads a note, with a code that is used up, and puts it on the record; hands out the permit after the commit.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] for who wrote it, and who is no officer; [`Error::WrongNode`] on a node without keys; the
    /// database's.
    pub fn note_begin(&self, viewer: &Viewer, of: Asked, given: &FactorUse) -> Result<Permit> {
        let granter = self.granter()?;
        let (Asked::Approval(id) | Asked::Emergency(id)) = of;
        let Ciphertexts { values, data_keys, epochs } = self.append(viewer, |w| {
            w.factor_spend(given, "note")?;
            w.note_open(of)
        })?;
        let values = values.into_iter().map(|(field, bytes)| (field.field(), bytes)).collect();
        let record = PermittedRecord { record: id.record(), class: ClassCode::Confidential, values, data_keys };
        Ok(granter.grant(vec![record], epochs))
    }
}
