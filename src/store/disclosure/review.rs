//! What is looked at afterwards: disclosures that nobody had approved, and unusual volumes.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{account, alert, disclosure, disclosure_item, disclosure_review};
use super::super::{Cursor, Error, Page, Read, Result, Write, code};
use crate::domain::{AlertKind, Code, DisclosureMode, ReviewFinding};
use crate::policy::{UNUSUAL, is_officer, may_judge_opening};

/// An unusual volume of disclosures.
#[derive(Debug, Clone)]
pub struct Alert {
    /// Its id.
    pub id: Id,
    /// When it was raised (UTC).
    pub at: NaiveDateTime,
    /// Whose: name of the account.
    pub by: String,
    /// Role of the account.
    pub role: String,
    /// Why.
    pub kind: AlertKind,
    /// Records opened within the time.
    pub records: i64,
}

impl Read<'_> {
    /// Alerts, the newest first; for those whom the policy lets see them.
    ///
    /// # Errors
    /// The database's.
    pub fn alert_list(&mut self, after: Option<&Cursor>, limit: i64) -> Result<Page<Alert>> {
        let mut query = alert::table
            .inner_join(account::table.on(account::id.eq(alert::account_id)))
            .select((alert::id, alert::raised_at, account::name, account::role, alert::kind, alert::records))
            .order(alert::id.desc())
            .limit(limit + 1)
            .into_boxed();
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(alert::id.lt(id));
        }
        let rows: Vec<(Id, NaiveDateTime, String, String, String, i64)> = query.load(self.db)?;
        let alerts = rows
            .into_iter()
            .map(|(id, at, by, role, kind, records)| {
                Ok(Alert { id, at, by, role, kind: code(&kind, "alert", "kind", &id.to_string())?, records })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Page::of(alerts, limit, |one| Cursor { on: one.at.date(), reference: one.id.to_string() }))
    }
}

impl Write<'_> {
    /// Another officer's finding on a disclosure that nobody had approved.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such emergency; [`Error::Denied`] for who made it; [`Error::Conflict`] when it was
    /// reviewed.
    pub fn disclosure_review(&mut self, id: Id, finding: ReviewFinding) -> Result<()> {
        let viewer = self.viewer;
        let found: Option<(Id, String)> = disclosure::table
            .find(id)
            .filter(disclosure::emergency.eq(true))
            .select((disclosure::account_id, disclosure::record))
            .first(self.db)
            .optional()?;
        let (opener, record) = found.filter(|_| is_officer(viewer)).ok_or(Error::NotFound)?;
        may_judge_opening(viewer, self.now(), opener.0)?;
        let done: Option<Id> =
            disclosure_review::table.find(id).select(disclosure_review::disclosure_id).first(self.db).optional()?;
        if done.is_some() {
            return Err(Error::Conflict("This disclosure is already reviewed.".into()));
        }
        let noted = !self.noted(&[id])?.is_empty();
        self.refuse_unread(id, noted)?;
        diesel::insert_into(disclosure_review::table)
            .values((
                disclosure_review::disclosure_id.eq(id),
                disclosure_review::reviewed_at.eq(self.now()),
                disclosure_review::reviewed_by.eq(self.actor()),
                disclosure_review::finding.eq(finding.code()),
            ))
            .execute(self.db)?;
        self.note_act("disclosure.review", record, json!({ "disclosure": id.to_string(), "finding": finding }));
        Ok(())
    }

    /// Whether an emergency of the viewer's is not reviewed yet.
    pub(super) fn review_is_pending(&mut self) -> Result<bool> {
        let pending: Option<Id> = disclosure::table
            .left_join(disclosure_review::table.on(disclosure_review::disclosure_id.eq(disclosure::id)))
            .filter(disclosure::account_id.eq(self.actor()))
            .filter(disclosure::emergency.eq(true))
            .filter(disclosure::refusal.is_null())
            .filter(disclosure_review::reviewed_at.nullable().is_null())
            .select(disclosure::id)
            .first(self.db)
            .optional()?;
        Ok(pending.is_some())
    }

    /// How many disclosures of this mode the viewer was granted in the last day.
    pub(super) fn made_today(&mut self, mode: DisclosureMode) -> Result<i64> {
        let made: Vec<Option<Id>> = disclosure::table
            .filter(disclosure::account_id.eq(self.actor()))
            .filter(disclosure::made_at.gt(self.now() - TimeDelta::days(1)))
            .filter(disclosure::mode.eq(mode.code()))
            .filter(disclosure::refusal.is_null())
            .select(disclosure::within_id)
            .distinct()
            .load(self.db)?;
        Ok(i64::try_from(made.len()).unwrap_or(i64::MAX))
    }

    /// Raises an alert where these openings made a volume unusual: once in its time.
    pub(super) fn volume_watch(&mut self, opened: usize) -> Result<()> {
        let opened = i64::try_from(opened).unwrap_or(i64::MAX);
        for (kind, within, most) in UNUSUAL {
            // No more than it takes to see that the line is crossed.
            let counted: Vec<Id> = disclosure_item::table
                .inner_join(disclosure::table.on(disclosure::id.eq(disclosure_item::disclosure_id)))
                .filter(disclosure::account_id.eq(self.actor()))
                .filter(disclosure::made_at.gt(self.now() - within))
                .select(disclosure_item::disclosure_id)
                .limit(most.saturating_add(opened).saturating_add(1))
                .load(self.db)?;
            let records = i64::try_from(counted.len()).unwrap_or(i64::MAX);
            let told: Option<Id> = alert::table
                .filter(alert::account_id.eq(self.actor()))
                .filter(alert::kind.eq(kind.code()))
                .filter(alert::raised_at.gt(self.now() - within))
                .select(alert::id)
                .first(self.db)
                .optional()?;
            if records <= most || told.is_some() {
                continue;
            }
            diesel::insert_into(alert::table)
                .values((
                    alert::id.eq(Id::new()),
                    alert::raised_at.eq(self.now()),
                    alert::account_id.eq(self.actor()),
                    alert::kind.eq(kind.code()),
                    alert::records.eq(records),
                ))
                .execute(self.db)?;
            let subject = format!("accounts/{}", self.actor());
            self.note_act("disclosure.alert", subject, json!({ "kind": kind, "records": records }));
        }
        Ok(())
    }
}
