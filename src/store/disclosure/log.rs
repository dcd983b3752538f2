//! The log of disclosures, as far as a viewer may know of them.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::super::db::Id;
use super::super::db::schema::{account, concern, disclosure, disclosure_item, disclosure_review};
use super::super::{Cursor, Page, Read, Result, code, split};
use crate::domain::{DisclosureMode, Purpose, ReviewFinding, Role};
use crate::policy::{REVIEW_WITHIN, Scope, Viewer, is_officer, is_told_names};

/// A disclosure, as the log of disclosures shows it.
#[derive(Debug, Clone)]
pub struct DisclosureRow {
    /// Id, hexadecimal.
    pub id: String,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Who: name of the account.
    pub by: String,
    /// Role of the account.
    pub role: String,
    /// The record.
    pub record: String,
    /// Class.
    pub class: String,
    /// Why.
    pub purpose: Purpose,
    /// Why it was refused; `None` when it was granted.
    pub refusal: Option<String>,
    /// In which mode.
    pub mode: DisclosureMode,
    /// By when another officer reviews it (UTC), where nobody had approved.
    pub review_due_at: Option<NaiveDateTime>,
    /// When that was done (UTC), and what was found.
    pub review: Option<(NaiveDateTime, ReviewFinding)>,
    /// The records opened, with their fields.
    pub items: Vec<(String, Vec<String>)>,
}

/// Which disclosures a list has.
#[derive(Debug, Clone, Copy, Default)]
pub struct DisclosureFilter {
    /// Only those that await another officer's review.
    pub review_due: bool,
}

/// The office that an account of a role speaks for, as a State is told of it.
fn office(role: &str, mission: Option<String>) -> String {
    match role {
        "focal_point" => mission.unwrap_or_else(|| "a mission".into()),
        "member_state" => "another State".into(),
        _ => "Secretariat".into(),
    }
}

impl Read<'_> {
    /// Disclosures that the viewer may know of, newest first: its own; a focal point those of its missions' records; a State
    /// those of its own nationals' data, as far as they concern it; an officer those that another had not approved; an auditor
    /// all.
    ///
    /// # Errors
    /// The database's.
    pub fn disclosure_list(
        &mut self,
        viewer: &Viewer,
        filter: DisclosureFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<DisclosureRow>> {
        type Row = (
            Id,
            Id,
            NaiveDateTime,
            String,
            String,
            String,
            String,
            String,
            Option<String>,
            String,
            bool,
            Option<NaiveDateTime>,
            Option<String>,
            (Option<String>, Option<String>),
        );
        let mut query = disclosure::table
            .inner_join(account::table.on(account::id.eq(disclosure::account_id)))
            .left_join(disclosure_review::table.on(disclosure_review::disclosure_id.eq(disclosure::id)))
            .select((
                disclosure::id,
                disclosure::account_id,
                disclosure::made_at,
                account::name,
                account::role,
                disclosure::record,
                disclosure::class,
                disclosure::purpose,
                disclosure::refusal,
                disclosure::mode,
                disclosure::emergency,
                disclosure_review::reviewed_at.nullable(),
                disclosure_review::finding.nullable(),
                (account::state, disclosure::mission),
            ))
            .order(disclosure::id.desc())
            .limit(limit + 1)
            .into_boxed();
        let before = after.and_then(|after| Id::parse(&after.reference)).unwrap_or(Id([0xff; 16]));
        if viewer.role != Role::Auditor {
            // The newest of each way in which the viewer may know of some, each by an index: the log is not read for a few.
            let ids = self.disclosures_of(viewer, filter.review_due, before, limit + 1)?;
            query = query.filter(disclosure::id.eq_any(ids));
        }
        if filter.review_due {
            query = query
                .filter(disclosure::emergency.eq(true))
                .filter(disclosure::refusal.is_null())
                .filter(disclosure_review::reviewed_at.nullable().is_null());
        }
        query = query.filter(disclosure::id.lt(before));
        let rows: Vec<Row> = query.load(self.db)?;
        let ids: Vec<Id> = rows.iter().map(|row| row.0).collect();
        let mut items: Vec<(Id, Id, String, String)> = disclosure_item::table
            .filter(disclosure_item::disclosure_id.eq_any(ids))
            .order(disclosure_item::record)
            .select((
                disclosure_item::disclosure_id,
                disclosure_item::record_id,
                disclosure_item::record,
                disclosure_item::fields,
            ))
            .load(self.db)?;
        let mut told_until = HashMap::new();
        if let Scope::State(state) = viewer.scope() {
            // Of others' disclosures a State is told what was opened of its own nationals, and of nobody else.
            let own: Vec<Id> = rows.iter().filter(|row| row.1.0 == viewer.account).map(|row| row.0).collect();
            let nationals = self.own_nationals(&state, items.iter().map(|item| item.1).collect())?;
            items.retain(|(disclosure, record, ..)| own.contains(disclosure) || nationals.contains(record));
            told_until = self.told_until(&state, &items)?;
        }
        let rows =
            rows.into_iter()
                .map(|row| {
                    let (
                        id,
                        _,
                        at,
                        name,
                        role,
                        record,
                        class,
                        purpose,
                        refusal,
                        mode,
                        emergency,
                        reviewed_at,
                        finding,
                        of,
                    ) = row;
                    let row = id.to_string();
                    let (state, mission) = of;
                    let by = if is_told_names(viewer, state.as_deref()) { name } else { office(&role, mission) };
                    let finding =
                        finding.map(|finding| code(&finding, "disclosure_review", "finding", &row)).transpose()?;
                    let mode = code(&mode, "disclosure", "mode", &row)?;
                    // That there is an edition on a desk is not told before it is released.
                    let is_told = viewer.role != Role::MemberState || mode != DisclosureMode::Edition;
                    Ok(DisclosureRow {
                        purpose: code(&purpose, "disclosure", "purpose", &row)?,
                        mode: if is_told { mode } else { DisclosureMode::Record },
                        review_due_at: (emergency && refusal.is_none()).then_some(at + REVIEW_WITHIN),
                        review: reviewed_at
                            .zip(finding)
                            .filter(|(reviewed, _)| told_until.get(&id).is_none_or(|until| reviewed <= until)),
                        items: items
                            .iter()
                            .filter(|(of, ..)| *of == id)
                            .map(|(_, _, record, fields)| (record.clone(), split(fields)))
                            .collect(),
                        id: row,
                        at,
                        by,
                        role,
                        record,
                        class,
                        refusal,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |row| Cursor { on: row.at.date(), reference: row.id.clone() }))
    }

    /// When a State was kept from what it is told that others opened, by disclosure: what came of it later it is not told.
    fn told_until(&mut self, state: &str, of: &[(Id, Id, String, String)]) -> Result<HashMap<Id, NaiveDateTime>> {
        let records: Vec<Option<Id>> = of.iter().map(|(_, record, ..)| Some(*record)).collect();
        let frozen: Vec<(Option<Id>, Option<NaiveDateTime>)> = concern::table
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::frozen_at.is_not_null())
            .filter(concern::victim_id.eq_any(records))
            .select((concern::victim_id, concern::frozen_at))
            .load(self.db)?;
        let until = |record: Id| frozen.iter().filter(|(of, _)| *of == Some(record)).filter_map(|(_, at)| *at).min();
        let mut told: HashMap<Id, NaiveDateTime> = HashMap::new();
        for (disclosure, record, ..) in of {
            if let Some(at) = until(*record) {
                told.entry(*disclosure).and_modify(|known| *known = (*known).min(at)).or_insert(at);
            }
        }
        Ok(told)
    }

    /// The newest disclosures of which a viewer may know, before one: so many of its own, and of each other way as many.
    fn disclosures_of(&mut self, viewer: &Viewer, emergencies: bool, before: Id, most: i64) -> Result<Vec<Id>> {
        let newest = || {
            let all = disclosure::table.filter(disclosure::id.lt(before)).order(disclosure::id.desc()).limit(most);
            let all = all.select(disclosure::id).into_boxed();
            // Those that are due for review are few, and any of them may be the one.
            if emergencies { all.filter(disclosure::emergency.eq(true)).limit(i64::from(i32::MAX)) } else { all }
        };
        let mut ids: Vec<Id> = newest().filter(disclosure::account_id.eq(Id(viewer.account))).load(self.db)?;
        match viewer.scope() {
            Scope::Missions(missions) => {
                for mission in missions {
                    ids.extend(newest().filter(disclosure::mission.eq(mission)).load::<Id>(self.db)?);
                }
            }
            // From when the record concerned the State on, and until it is kept from it: what it was told stays told.
            Scope::State(state) => {
                let of_nationals = concern::table
                    .inner_join(disclosure_item::table.on(concern::victim_id.eq(disclosure_item::record_id.nullable())))
                    .inner_join(disclosure::table.on(disclosure::id.eq(disclosure_item::disclosure_id)))
                    .filter(concern::state.eq(state))
                    .filter(concern::to_at.is_null())
                    .filter(concern::from_at.le(disclosure::made_at))
                    .filter(
                        concern::frozen_at.is_null().or(concern::frozen_at.assume_not_null().ge(disclosure::made_at)),
                    )
                    .filter(disclosure::id.lt(before))
                    .order(disclosure::id.desc())
                    .select(disclosure::id)
                    .distinct()
                    .limit(most);
                ids.extend(of_nationals.load::<Id>(self.db)?);
            }
            _ if is_officer(viewer) => {
                ids.extend(newest().filter(disclosure::emergency.eq(true)).load::<Id>(self.db)?);
            }
            Scope::Everything | Scope::Nothing => {}
        }
        Ok(ids)
    }

    /// Those of some victims that concern a State as its own.
    fn own_nationals(&mut self, state: &str, of: Vec<Id>) -> Result<Vec<Id>> {
        let own: Vec<Option<Id>> = concern::table
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .filter(concern::victim_id.eq_any(of.into_iter().map(Some).collect::<Vec<_>>()))
            .select(concern::victim_id)
            .load(self.db)?;
        Ok(own.into_iter().flatten().collect())
    }
}
