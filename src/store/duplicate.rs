//! Records that may be of one person, for the Secretariat to decide: found by a match out of the asker's scope, or by an import
//! in another mission.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

use super::db::schema::{account, import_row, incident, incident_edition as e, likely_duplicate, victim};
use super::db::{Id, each};
use super::{Cursor, Error, Page, Read, Result, Write, code, split};
use crate::domain::{Code, DuplicateFinding, DuplicateSource};
use crate::policy::{Action, authorize};

/// Two records that may be of one person.
#[derive(Debug, Clone)]
pub struct LikelyDuplicate {
    /// Its id.
    pub id: Id,
    /// When it was found (UTC).
    pub at: NaiveDateTime,
    /// Who found it: name of the account; none for the command line's own.
    pub by: Option<String>,
    /// How.
    pub source: DuplicateSource,
    /// Path of the record that was asked about or imported; none where a match was asked about no record.
    pub record: Option<String>,
    /// Path of the record that may be of the same person.
    pub other: String,
    /// How alike they are, in thousandths.
    pub score: u16,
    /// When it was decided (UTC), by whom and what.
    pub decided: Option<(NaiveDateTime, String, DuplicateFinding)>,
}

/// What was found.
pub(super) struct Found {
    pub(super) source: DuplicateSource,
    pub(super) disclosure: Option<Id>,
    pub(super) record: Option<String>,
    pub(super) other: String,
    pub(super) score: u16,
}

#[derive(Insertable)]
#[diesel(table_name = likely_duplicate)]
struct NewRow {
    id: Id,
    found_at: NaiveDateTime,
    found_by: Id,
    source: &'static str,
    disclosure_id: Option<Id>,
    record: Option<String>,
    other: String,
    score: i32,
}

/// Of one day, State, category and outcome, in two missions: worth a look, and no more.
const SAME_DAY: u16 = 600;
/// Of one casualty id.
const SAME_CASUALTY: u16 = 1000;

#[derive(Queryable)]
struct Row {
    id: Id,
    at: NaiveDateTime,
    by: Option<String>,
    source: String,
    record: Option<String>,
    other: String,
    score: i32,
    decided_at: Option<NaiveDateTime>,
    decided_by: Option<Id>,
    finding: Option<String>,
}

impl Read<'_> {
    /// What may be one person, the newest first; for those whom the policy lets judge it.
    ///
    /// # Errors
    /// The database's.
    pub fn duplicate_list(
        &mut self,
        undecided: bool,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<LikelyDuplicate>> {
        use likely_duplicate::dsl as d;
        let mut query = likely_duplicate::table
            .left_join(account::table.on(account::id.eq(d::found_by)))
            .select((
                d::id,
                d::found_at,
                account::name.nullable(),
                d::source,
                d::record,
                d::other,
                d::score,
                d::decided_at,
                d::decided_by,
                d::finding,
            ))
            .order(d::id.desc())
            .limit(limit.saturating_add(1))
            .into_boxed();
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(d::id.lt(id));
        }
        if undecided {
            query = query.filter(d::decided_at.is_null());
        }
        let rows: Vec<Row> = query.load(self.db)?;
        let deciders: Vec<Id> = rows.iter().filter_map(|row| row.decided_by).collect();
        let names: Vec<(Id, String)> =
            account::table.filter(account::id.eq_any(deciders)).select((account::id, account::name)).load(self.db)?;
        let one = |row: Row| {
            let Row { id, at, by, source, record, other, score, decided_at, decided_by, finding } = row;
            let row = id.to_string();
            let decided = match (decided_at, decided_by, finding) {
                (Some(at), Some(by), Some(finding)) => {
                    let name = names.iter().find(|(known, _)| *known == by).map(|(_, name)| name.clone());
                    let finding = code(&finding, "likely_duplicate", "finding", &row)?;
                    Some((at, name.unwrap_or_default(), finding))
                }
                _ => None,
            };
            let score = u16::try_from(score).unwrap_or_default();
            let source = code(&source, "likely_duplicate", "source", &row)?;
            Ok(LikelyDuplicate { id, at, by, source, record, other, score, decided })
        };
        let all = rows.into_iter().map(one).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(all, limit, |one| Cursor { on: one.at.date(), reference: one.id.to_string() }))
    }
}

/// A victim as far as an import compares it.
struct Candidate {
    incident: Id,
    path: String,
    mission: String,
    on: NaiveDate,
    casualty: Option<String>,
    traits: (String, String, String),
}

impl Write<'_> {
    /// Puts finds on the queue, each pair of records once. It takes as many statements where there are none: who waits for a match's
    /// answer is not told by it.
    pub(super) fn duplicates_note(&mut self, found: &[Found]) -> Result<()> {
        use likely_duplicate::dsl as d;
        let others: Vec<&str> = found.iter().map(|found| found.other.as_str()).collect();
        let known: Vec<(Option<String>, String)> = likely_duplicate::table
            .filter(d::other.eq_any(others))
            .filter(d::record.is_not_null())
            .select((d::record, d::other))
            .load(self.db)?;
        let is_new =
            |found: &&Found| !known.iter().any(|(record, other)| *record == found.record && *other == found.other);
        let row = |found: &Found| NewRow {
            id: Id::new(),
            found_at: self.now(),
            found_by: self.actor(),
            source: found.source.code(),
            disclosure_id: found.disclosure,
            record: found.record.clone(),
            other: found.other.clone(),
            score: i32::from(found.score),
        };
        let rows: Vec<NewRow> = found.iter().filter(is_new).map(row).collect();
        let db = &mut *self.db;
        if rows.is_empty() {
            let _: Option<Id> = likely_duplicate::table.select(d::id).first(db).optional()?;
        }
        // No more at once than either database binds.
        for rows in rows.chunks(500) {
            each!(db, |c| diesel::insert_into(likely_duplicate::table).values(rows).execute(c))?;
        }
        Ok(())
    }

    /// Decides whether two records are of one person. What follows (a merge, a withdrawal) is done to the records themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Denied`] for others than the Secretariat; [`Error::Conflict`] when it
    /// was decided.
    pub fn duplicate_decide(&mut self, id: Id, finding: DuplicateFinding) -> Result<()> {
        use likely_duplicate::dsl as d;
        authorize(self.viewer, Action::JudgeDuplicates)?;
        let other: String =
            likely_duplicate::table.find(id).select(d::other).first(self.db).optional()?.ok_or(Error::NotFound)?;
        let decided = diesel::update(likely_duplicate::table.find(id))
            .filter(d::decided_at.is_null())
            .set((d::decided_at.eq(self.now()), d::decided_by.eq(self.actor()), d::finding.eq(finding.code())))
            .execute(self.db)?;
        if decided != 1 {
            return Err(Error::Conflict("This is already decided.".into()));
        }
        self.note_act("duplicate.decide", other, json!({ "likely_duplicate": id.to_string(), "finding": finding }));
        Ok(())
    }

    /// Looks whether a victim that an import brought is likely recorded in another mission, by what is open: the casualty id;
    /// or day, State, category and outcome. Gives how many pairs it put on the queue.
    ///
    /// # Errors
    /// The database's.
    pub fn duplicates_of_import(&mut self, import: Id) -> Result<usize> {
        type Row = (Id, String, String, String, NaiveDate, Option<String>, (String, String, String));
        let made: Vec<Option<Id>> = import_row::table
            .filter(import_row::import_id.eq(import))
            .select(import_row::incident_id)
            .distinct()
            .load(self.db)?;
        let made: std::collections::HashSet<Id> = made.into_iter().flatten().collect();
        let days: Vec<NaiveDate> = e::table
            .filter(e::incident_id.eq_any(made.iter().copied().collect::<Vec<_>>()))
            .select(e::occurred_on)
            .distinct()
            .load(self.db)?;
        let rows: Vec<Row> = victim::table
            .inner_join(e::table.on(e::id.eq(victim::edition_id)))
            .inner_join(incident::table.on(incident::id.eq(e::incident_id)))
            .filter(e::is_current.eq(true))
            .filter(e::occurred_on.eq_any(days))
            .filter(incident::merged_into.is_null())
            .order((e::occurred_on, e::reference, victim::position))
            .select((
                e::incident_id,
                e::reference,
                victim::handle,
                e::mission,
                e::occurred_on,
                victim::noticas_id,
                (victim::states, victim::category, victim::outcome),
            ))
            .load(self.db)?;
        let all: Vec<Candidate> = rows
            .into_iter()
            .map(|(incident, reference, handle, mission, on, casualty, traits)| Candidate {
                incident,
                path: format!("incidents/{reference}/victims/{handle}"),
                mission,
                on,
                casualty,
                traits,
            })
            .collect();
        let mut pairs = Vec::new();
        // In the order of days, so that each is compared with those of its own day only.
        for (at, one) in all.iter().enumerate() {
            for other in all[at + 1..].iter().take_while(|other| other.on == one.on) {
                let (new, old) = if made.contains(&other.incident) { (other, one) } else { (one, other) };
                let is_casualty = one.casualty.is_some() && one.casualty == other.casualty;
                let is_alike = one.traits == other.traits && !split(&one.traits.0).is_empty();
                if new.mission != old.mission && made.contains(&new.incident) && (is_casualty || is_alike) {
                    let score = if is_casualty { SAME_CASUALTY } else { SAME_DAY };
                    pairs.push((new.path.clone(), old.path.clone(), score));
                }
            }
        }
        let source = DuplicateSource::Import;
        let found = |(record, other, score)| Found { source, disclosure: None, record: Some(record), other, score };
        let found: Vec<Found> = pairs.into_iter().map(found).collect();
        self.duplicates_note(&found)?;
        Ok(found.len())
    }
}
