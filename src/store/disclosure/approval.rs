//! A second officer's approval of what is strictly confidential: asked, decided, and good for a day.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::{ClassCode, Plain};
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{account, approval};
use super::super::{Cursor, Error, Page, Read, Result, Write, code, split};
use super::DisclosureAsk;
use crate::domain::{Code, Fault, Noun, Purpose};
use crate::policy::{APPROVAL_LASTS, APPROVAL_WAITS, Denial, Viewer, is_officer, may_judge_opening};

/// What a second officer is asked to approve.
#[derive(Debug)]
pub struct ApprovalAsk {
    /// The record: noun and reference.
    pub record: (Noun, String),
    /// Class to open.
    pub class: ClassCode,
    /// Only these fields; all of the class when empty.
    pub fields: Vec<String>,
    /// Why.
    pub purpose: Purpose,
    /// Why, in words: sealed.
    pub note: Option<Plain>,
}

/// What was asked, and what became of it.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Its id.
    pub id: Id,
    /// Who asked: name of the account.
    pub asked_by: String,
    /// The record.
    pub record: String,
    /// Class.
    pub class: String,
    /// Fields; all of the class when empty.
    pub fields: Vec<String>,
    /// Why.
    pub purpose: Purpose,
    /// Whether a note says why, in words.
    pub has_note: bool,
    /// When it was asked (UTC).
    pub asked_at: NaiveDateTime,
    /// When it lapses (UTC): undecided after three days, approved after one.
    pub expires_at: NaiveDateTime,
    /// When it was decided (UTC), and whether it was approved.
    pub decided: Option<(NaiveDateTime, bool)>,
}

type ApprovalRow = (
    Id,
    Id,
    String,
    String,
    String,
    String,
    NaiveDateTime,
    NaiveDateTime,
    Option<NaiveDateTime>,
    Option<Id>,
    Option<bool>,
);

fn approval_of((row, asked_by): (ApprovalRow, String), noted: &[Id]) -> Result<Approval> {
    let (id, _, record, class, fields, purpose, asked_at, expires_at, decided_at, _, approved) = row;
    Ok(Approval {
        id,
        asked_by,
        record,
        class,
        fields: split(&fields),
        purpose: code(&purpose, "approval", "purpose", &id.to_string())?,
        has_note: noted.contains(&id),
        asked_at,
        expires_at,
        decided: decided_at.zip(approved),
    })
}

impl Read<'_> {
    /// Approvals, the last asked first: one's own, and to a second officer everyone's. With `waiting`, those that may be decided.
    ///
    /// # Errors
    /// The database's.
    pub fn approval_list(
        &mut self,
        viewer: &Viewer,
        waiting: bool,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Approval>> {
        let mut query = approval::table
            .inner_join(account::table.on(account::id.eq(approval::account_id)))
            .select((approval::all_columns, account::name))
            .order(approval::id.desc())
            .limit(limit + 1)
            .into_boxed();
        if !is_officer(viewer) {
            query = query.filter(approval::account_id.eq(Id(viewer.account)));
        }
        if waiting {
            query = query.filter(approval::decided_at.is_null()).filter(approval::expires_at.gt(self.now()));
        }
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(approval::id.lt(id));
        }
        let rows: Vec<(ApprovalRow, String)> = query.load(self.db)?;
        let noted = self.noted(&rows.iter().map(|(row, _)| row.0).collect::<Vec<_>>())?;
        let approvals = rows.into_iter().map(|row| approval_of(row, &noted)).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(approvals, limit, |one| Cursor { on: one.asked_at.date(), reference: one.id.to_string() }))
    }

    pub(super) fn approval_get(&mut self, id: Id) -> Result<Option<(Id, Approval)>> {
        let row: Option<(ApprovalRow, String)> = approval::table
            .find(id)
            .inner_join(account::table.on(account::id.eq(approval::account_id)))
            .select((approval::all_columns, account::name))
            .first(self.db)
            .optional()?;
        let noted = self.noted(&[id])?;
        row.map(|(row, name)| Ok((row.1, approval_of((row, name), &noted)?))).transpose()
    }
}

impl Write<'_> {
    /// Asks a second officer to approve what is to be opened of a record.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Denied`] for who opens nothing on approval.
    pub fn approval_ask(&mut self, ask: &ApprovalAsk) -> Result<Approval> {
        let viewer = self.viewer;
        if !is_officer(viewer) {
            return Err(Denial::Role.into());
        }
        let (candidates, _) = self.candidates(viewer, ask.record.0, &ask.record.1)?;
        let path = candidates.first().ok_or(Error::NotFound)?.path.clone();
        let id = Id::new();
        diesel::insert_into(approval::table)
            .values((
                approval::id.eq(id),
                approval::account_id.eq(self.actor()),
                approval::record.eq(&path),
                approval::class.eq(ask.class.name()),
                approval::fields.eq(ask.fields.join(",")),
                approval::purpose.eq(ask.purpose.code()),
                approval::asked_at.eq(self.now()),
                approval::expires_at.eq(self.now() + APPROVAL_WAITS),
            ))
            .execute(self.db)?;
        self.seal_note(id, ask.note.as_ref())?;
        let detail = json!({
            "approval": id.to_string(), "class": ask.class.name(), "fields": ask.fields, "purpose": ask.purpose,
        });
        self.note_act("approval.ask", path, detail);
        self.approval_get(id)?.map(|(_, asked)| asked).ok_or(Error::NotFound)
    }

    /// The second officer's decision.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Denied`] for who asked, and who is no officer; [`Error::Conflict`] when it was decided, or
    /// lapsed.
    pub fn approval_decide(&mut self, id: Id, approve: bool) -> Result<Approval> {
        let viewer = self.viewer;
        let found = self.approval_get(id)?.filter(|_| is_officer(viewer));
        let (asker, asked) = found.ok_or(Error::NotFound)?;
        may_judge_opening(viewer, self.now(), asker.0)?;
        if asked.decided.is_some() || asked.expires_at <= self.now() {
            return Err(Error::Conflict("This request is already decided, or it expired.".into()));
        }
        self.refuse_unread(id, asked.has_note)?;
        let expires_at = if approve { self.now() + APPROVAL_LASTS } else { self.now() };
        diesel::update(approval::table.find(id))
            .set((
                approval::decided_at.eq(self.now()),
                approval::decided_by.eq(self.actor()),
                approval::approved.eq(approve),
                approval::expires_at.eq(expires_at),
            ))
            .execute(self.db)?;
        let action = if approve { "approval.approve" } else { "approval.decline" };
        self.note_act(action, asked.record, json!({ "approval": id.to_string(), "asked_by": asker.to_string() }));
        self.approval_get(id)?.map(|(_, asked)| asked).ok_or(Error::NotFound)
    }

    /// What an approval lets its asker open: why, and which fields.
    pub(super) fn approval_use(&mut self, id: Id, ask: &DisclosureAsk) -> Result<(Purpose, Vec<String>)> {
        let wrong = |detail: &str| Error::Invalid(vec![Fault::new("/approval", detail)]);
        let actor = self.actor();
        let (_, found) = self
            .approval_get(id)?
            .filter(|(asker, found)| {
                *asker == actor && found.decided.is_some_and(|(_, approved)| approved) && self.now() < found.expires_at
            })
            .ok_or_else(|| wrong("must be an approval that you asked for, and that was given in the last 24 hours"))?;
        let second: Option<Id> = approval::table.find(id).select(approval::decided_by).first(self.db)?;
        let second = second.map(|second| self.account_get(second)).transpose()?.flatten();
        let today = self.now().date();
        if !second.is_some_and(|second| second.rights.hold_on(today) && is_officer(&second.viewer)) {
            return Err(wrong("this approval ended, because the officer who gave it may no longer approve. Ask again"));
        }
        let same = ask.records.iter().all(|(noun, reference)| found.record == format!("{}/{reference}", noun.path()));
        if !same || found.class != ask.class.name() {
            return Err(wrong("this approval is for another record or another class"));
        }
        Ok((found.purpose, found.fields))
    }
}
