//! Applying the ledger: what was narrowed after a database was copied is narrowed again in the copy.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::Result;
use super::account::rights_write;
use super::db::schema::{
    account, audit_entry, concern, credential, erasure, incident, incident_edition as e, mission, recovery_code,
    second_factor, withholding,
};
use super::db::{Db, Id};
use super::keys::empty_keys;
use crate::domain::{Code, IncidentStatus, NarrowingAct};

/// An act of the ledger.
#[derive(Debug, Clone)]
pub struct Act {
    /// Its entry in the audit log, hexadecimal; none for what was written before it was committed.
    pub entry: Option<String>,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// The act.
    pub act: NarrowingAct,
}

/// Something that a restored database would have brought back, and that was taken away again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// What was done: `erased`, `suspended`, `rights`, `password`, `second_factor`, `withheld`, `withdrawn`, `amended`, or what was ended.
    pub what: String,
    /// Of what: an account's address, an incident's reference, or a number.
    pub about: String,
}

impl Undone {
    fn new(what: &str, about: impl Into<String>) -> Self {
        Self { what: what.to_owned(), about: about.into() }
    }

    /// One sentence.
    pub fn said(&self) -> String {
        let about = &self.about;
        match self.what.as_str() {
            "erased" => format!("Person {about} was erased again."),
            "suspended" => format!("Account {about} is suspended again."),
            "rights" => format!("Account {about} has its last rights again."),
            "password" => {
                format!(
                    "The password of {about} was removed, because it was changed later. Give the person a new one-time link."
                )
            }
            "second_factor" => {
                format!(
                    "The second factor and password of {about} were removed, because they were changed later. Give the person a new one-time link."
                )
            }
            "withheld" => format!("Incident {about} is withheld again."),
            "withdrawn" => format!("Incident {about} is withdrawn again."),
            "amended" => {
                format!(
                    "Incident {about} is no longer released, because it was amended later. Enter the amendment, and release it again."
                )
            }
            ended => format!("{about} {} were ended.", ended.replace('_', " ")),
        }
    }
}

fn id(text: &str) -> Option<Id> {
    Id::parse(text)
}

/// Applies, for each subject, the last act that the database does not have. Gives what it changed.
pub(super) fn apply(db: &mut Db, acts: &[Act]) -> Result<Vec<Undone>> {
    let mut latest: BTreeMap<String, &Act> = BTreeMap::new();
    for act in acts {
        latest.insert(act.act.subject(), act);
    }
    let entries: Vec<Id> = latest.values().filter_map(|act| id(act.entry.as_deref()?)).collect();
    let mut known: HashSet<Id> = HashSet::new();
    for some in entries.chunks(500) {
        let found: Vec<Id> =
            audit_entry::table.filter(audit_entry::id.eq_any(some)).select(audit_entry::id).load(db)?;
        known.extend(found);
    }
    let mut undone = Vec::new();
    for act in latest.values() {
        let has = act.entry.as_deref().and_then(id).is_some_and(|entry| known.contains(&entry));
        if !has {
            undone.extend(apply_one(db, act)?);
        }
    }
    Ok(undone)
}

fn address(db: &mut Db, of: Id) -> Result<Option<String>> {
    Ok(account::table.find(of).select(account::email).first(db).optional()?)
}

fn reference(db: &mut Db, of: Id) -> Result<Option<String>> {
    Ok(incident::table.find(of).select(incident::reference).first(db).optional()?)
}

fn apply_one(db: &mut Db, act: &Act) -> Result<Option<Undone>> {
    let at = act.at;
    Ok(match &act.act {
        NarrowingAct::EraseIntent { record, request } | NarrowingAct::Erased { record, request } => {
            let Some(record) = id(record) else { return Ok(None) };
            let emptied = empty_keys(db, record)?;
            let known: i64 = erasure::table.filter(erasure::record_id.eq(record)).count().get_result(db)?;
            if known == 0 {
                diesel::insert_into(erasure::table)
                    .values((erasure::record_id.eq(record), erasure::erased_at.eq(at)))
                    .execute(db)?;
            }
            (emptied > 0 || known == 0).then(|| Undone::new("erased", request))
        }
        NarrowingAct::Rights { account: of, rights } => {
            let Some(of) = id(of) else { return Ok(None) };
            let Some(email) = address(db, of)? else { return Ok(None) };
            let mut rights = rights.as_ref().clone();
            let missions: Vec<String> = mission::table.select(mission::acronym).load(db)?;
            rights.missions.retain(|own| missions.contains(own));
            if let Some(who) = &rights.single_sign_on {
                let nobody: Option<String> = None;
                diesel::update(account::table.filter(account::single_sign_on.eq(who)).filter(account::id.ne(of)))
                    .set(account::single_sign_on.eq(nobody))
                    .execute(db)?;
            }
            rights_write(db, of, &rights)?;
            Some(Undone::new(if rights.suspended { "suspended" } else { "rights" }, email))
        }
        NarrowingAct::Password { account: of } => {
            let Some(of) = id(of) else { return Ok(None) };
            let gone = diesel::delete(credential::table.find(of)).execute(db)?;
            let email = address(db, of)?.filter(|_| gone > 0);
            email.map(|email| Undone::new("password", email))
        }
        NarrowingAct::SecondFactor { account: of } => {
            let Some(of) = id(of) else { return Ok(None) };
            // Whoever knows the password alone could else set one up.
            let gone = diesel::delete(second_factor::table.find(of)).execute(db)?
                + diesel::delete(recovery_code::table.filter(recovery_code::account_id.eq(of))).execute(db)?
                + diesel::delete(credential::table.find(of)).execute(db)?;
            let email = address(db, of)?.filter(|_| gone > 0);
            email.map(|email| Undone::new("second_factor", email))
        }
        NarrowingAct::Withheld { incident: of, states, reason, proposed_by, confirmed_by } => {
            let Some(of) = id(of) else { return Ok(None) };
            let found: Option<(String, Id)> =
                incident::table.find(of).select((incident::reference, incident::created_by)).first(db).optional()?;
            let Some((named, author)) = found else { return Ok(None) };
            let known: Option<String> = withholding::table
                .filter(withholding::incident_id.eq(of))
                .filter(withholding::confirmed_at.is_not_null())
                .order(withholding::confirmed_at.desc())
                .select(withholding::states)
                .first(db)
                .optional()?;
            let mut all = known.as_deref().map(super::split).unwrap_or_default();
            let before = all.len();
            all.extend(states.iter().filter(|state| !all.contains(state)).cloned().collect::<Vec<_>>());
            if all.len() == before {
                return Ok(None);
            }
            all.sort();
            // Who decided may have joined later than the copy was made.
            let mut person = |by: &str| -> Result<Id> {
                let by = id(by).unwrap_or(author);
                Ok(if address(db, by)?.is_some() { by } else { author })
            };
            let (proposed_by, confirmed_by) = (person(proposed_by)?, person(confirmed_by)?);
            diesel::insert_into(withholding::table)
                .values((
                    withholding::id.eq(Id::new()),
                    withholding::incident_id.eq(of),
                    withholding::states.eq(all.join(",")),
                    withholding::reason.eq(reason),
                    withholding::proposed_by.eq(proposed_by),
                    withholding::proposed_at.eq(at),
                    withholding::confirmed_by.eq(confirmed_by),
                    withholding::confirmed_at.eq(at),
                ))
                .execute(db)?;
            diesel::update(concern::table)
                .filter(concern::incident_id.eq(of))
                .filter(concern::state.eq_any(&all))
                .filter(concern::to_at.is_null())
                .filter(concern::frozen_at.is_null())
                .set(concern::frozen_at.eq(at))
                .execute(db)?;
            Some(Undone::new("withheld", named))
        }
        NarrowingAct::Withdrawn { incident: of } => {
            let Some(of) = id(of) else { return Ok(None) };
            unrelease(db, of, IncidentStatus::Withdrawn, None, at)?.map(|named| Undone::new("withdrawn", named))
        }
        NarrowingAct::Amended { incident: of, edition } => {
            let Some(of) = id(of) else { return Ok(None) };
            unrelease(db, of, IncidentStatus::Verified, Some(*edition), at)?.map(|named| Undone::new("amended", named))
        }
        // All keys and links are ended anyhow.
        NarrowingAct::KeyEnded { .. } | NarrowingAct::LinksEnded { .. } | NarrowingAct::OriginBegun { .. } => None,
    })
}

/// Takes a release back: no State sees it from now on, but for those that are kept from it with what they had. Of an amendment, only what is
/// older than it.
fn unrelease(
    db: &mut Db,
    of: Id,
    to: IncidentStatus,
    before: Option<i32>,
    at: NaiveDateTime,
) -> Result<Option<String>> {
    let released = e::table
        .filter(e::incident_id.eq(of))
        .filter(e::is_released.ne(false))
        .filter(e::number.lt(before.unwrap_or(i32::MAX)));
    let row: Option<Id> = released.select(e::id).first(db).optional()?;
    let Some(row) = row else { return Ok(None) };
    diesel::update(e::table.find(row))
        .set((e::is_released.eq(false), e::status.eq(to.code()), e::superseded_at.eq(at), e::updated_at.eq(at)))
        .execute(db)?;
    let live = concern::table.filter(concern::incident_id.eq(of)).filter(concern::to_at.is_null());
    diesel::update(live.filter(concern::frozen_at.is_null())).set(concern::to_at.eq(at)).execute(db)?;
    reference(db, of)
}
