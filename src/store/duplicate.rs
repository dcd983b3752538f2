//! Records that may be the same, for the Secretariat to decide: found by a match out of the asker's scope, by an import, or when somebody reports.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

use super::db::schema::{account, import_row, incident, incident_edition as e, likely_duplicate, victim};
use super::db::{Id, each};
use super::incident::{EditionChoice, edition_seen};
use super::{Cursor, Error, Page, Read, Result, Write, code, split};
use crate::domain::{Code, DuplicateFinding, DuplicateSource, IncidentStatus};
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
    incident: Option<String>,
    other_incident: Option<String>,
}

/// The reference of the incident that a path is of.
fn incident_of(path: &str) -> Option<String> {
    path.strip_prefix("incidents/")?.split('/').next().map(str::to_owned)
}

/// Of one day, State, category and outcome: worth a look, and no more.
const SAME_DAY: u16 = 600;
/// Of one casualty id.
const SAME_CASUALTY: u16 = 1000;
/// A report is compared with at most this many other incidents, the newest of the day, and at most `MOST_FOUND` pairs are queued. On a day with more
/// incidents, the person who enters one knows that there are many.
const MOST_LOOKED_AT: i64 = 50;
const MOST_FOUND: usize = 10;

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
    on: NaiveDate,
    casualty: Option<String>,
    traits: (String, String, String),
}

impl Write<'_> {
    /// Puts finds on the queue, each pair of records once. It takes as many statements where there are none: who waits for a match's
    /// answer is not told by it.
    pub(super) fn duplicates_note(&mut self, found: &[Found]) -> Result<()> {
        use likely_duplicate::dsl as d;
        let incidents: Vec<Option<String>> = found
            .iter()
            .flat_map(|found| [incident_of(&found.other), found.record.as_deref().and_then(incident_of)])
            .filter(Option::is_some)
            .collect();
        let near = d::incident.eq_any(&incidents).or(d::other_incident.eq_any(&incidents));
        let known: Vec<(Option<String>, String)> = likely_duplicate::table
            .filter(near)
            .filter(d::record.is_not_null())
            .select((d::record, d::other))
            .load(self.db)?;
        // A pair is queued once, in either order. A decision on it stands.
        let is_new = |found: &&Found| {
            let is_pair = |(record, other): &(Option<String>, String)| {
                let (one, two) = (record.as_deref(), Some(other.as_str()));
                let (new, old) = (found.record.as_deref(), Some(found.other.as_str()));
                (one, two) == (new, old) || (one, two) == (old, new)
            };
            !known.iter().any(is_pair)
        };
        let row = |found: &Found| NewRow {
            id: Id::new(),
            found_at: self.now(),
            found_by: self.actor(),
            source: found.source.code(),
            disclosure_id: found.disclosure,
            record: found.record.clone(),
            other: found.other.clone(),
            score: i32::from(found.score),
            incident: found.record.as_deref().and_then(incident_of),
            other_incident: incident_of(&found.other),
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

    /// The victims of these editions, as far as they are compared.
    fn candidates(&mut self, editions: &[Id]) -> Result<Vec<Candidate>> {
        type Row = (Id, String, String, NaiveDate, Option<String>, (String, String, String));
        let mut all: Vec<Candidate> = Vec::new();
        // No more at once than either database binds.
        for editions in editions.chunks(10_000) {
            let rows: Vec<Row> = victim::table
                .inner_join(e::table.on(e::id.eq(victim::edition_id)))
                .filter(e::id.eq_any(editions))
                .order((e::occurred_on, e::reference, victim::position))
                .select((
                    e::incident_id,
                    e::reference,
                    victim::handle,
                    e::occurred_on,
                    victim::noticas_id,
                    (victim::states, victim::category, victim::outcome),
                ))
                .load(self.db)?;
            all.extend(rows.into_iter().map(|(incident, reference, handle, on, casualty, traits)| Candidate {
                incident,
                path: format!("incidents/{reference}/victims/{handle}"),
                on,
                casualty,
                traits,
            }));
        }
        all.sort_by_key(|one| one.on);
        Ok(all)
    }

    /// Looks whether a victim that an import brought is likely recorded in another incident, by what is open: the casualty id; or day, State,
    /// category and outcome. Gives how many pairs it put on the queue.
    ///
    /// # Errors
    /// The database's.
    pub fn duplicates_of_import(&mut self, import: Id) -> Result<usize> {
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
        let editions: Vec<Id> = e::table
            .inner_join(incident::table.on(incident::id.eq(e::incident_id)))
            .filter(e::is_current.eq(true))
            .filter(e::occurred_on.eq_any(days))
            .filter(e::status.ne(IncidentStatus::Withdrawn.code()))
            .filter(incident::merged_into.is_null())
            .select(e::id)
            .load(self.db)?;
        let all = self.candidates(&editions)?;
        let mut found = Vec::new();
        // In the order of days, so that each is compared with those of its own day only.
        for (at, one) in all.iter().enumerate() {
            for other in all[at + 1..].iter().take_while(|other| other.on == one.on) {
                let (new, old) = if made.contains(&other.incident) { (other, one) } else { (one, other) };
                if made.contains(&new.incident) {
                    found.extend(new.pair(old, DuplicateSource::Import));
                }
            }
        }
        self.duplicates_note(&found)?;
        Ok(found.len())
    }

    /// Looks whether what a person reports is likely recorded in another incident: by an external id; or by mission, day, State, category and outcome.
    /// It never stops the report.
    pub(super) fn duplicates_of_report(&mut self, of: Id) -> Result<()> {
        type Own = (Id, String, String, NaiveDate, Option<String>, Option<String>);
        let own: Own = e::table
            .filter(e::incident_id.eq(of))
            .filter(e::is_current.eq(true))
            .select((e::id, e::reference, e::mission, e::occurred_on, e::noticas_id, e::sage_id))
            .first(self.db)?;
        let (edition, reference, mission, on, noticas, sage) = own;
        let others = || {
            e::table
                .filter(e::is_current.eq(true))
                .filter(e::incident_id.ne(of))
                .filter(e::status.ne(IncidentStatus::Withdrawn.code()))
        };
        let mut found = Vec::new();
        let mut same: Vec<String> = Vec::new();
        if let Some(id) = noticas {
            let known = others().filter(e::noticas_id.eq(id)).select(e::reference).limit(MOST_LOOKED_AT);
            same.extend(known.load::<String>(self.db)?);
        }
        if let Some(id) = sage {
            let known = others().filter(e::sage_id.eq(id)).select(e::reference).limit(MOST_LOOKED_AT);
            same.extend(known.load::<String>(self.db)?);
        }
        same.sort();
        same.dedup();
        found.extend(same.into_iter().map(|other| Found {
            source: DuplicateSource::Report,
            disclosure: None,
            record: Some(format!("incidents/{reference}")),
            other: format!("incidents/{other}"),
            score: SAME_CASUALTY,
        }));
        let victims = self.candidates(&[edition])?;
        let mut editions: Vec<Id> = others()
            .filter(e::mission.eq(&mission))
            .filter(e::occurred_on.eq(on))
            .order(e::reference.desc())
            .limit(MOST_LOOKED_AT)
            .select(e::id)
            .load(self.db)?;
        let ids: Vec<&String> = victims.iter().filter_map(|victim| victim.casualty.as_ref()).collect();
        if !ids.is_empty() {
            let known = victim::table.filter(victim::noticas_id.eq_any(ids)).select(victim::edition_id);
            let known: Vec<Id> = known.limit(MOST_LOOKED_AT).load(self.db)?;
            editions.extend(others().filter(e::id.eq_any(known)).select(e::id).load::<Id>(self.db)?);
        }
        editions.sort();
        editions.dedup();
        if !editions.is_empty() && !victims.is_empty() {
            let known = self.candidates(&editions)?;
            let mut taken = std::collections::HashSet::new();
            for victim in &victims {
                // One of each other incident is enough to look at.
                let alike =
                    known.iter().filter_map(|other| Some((other, victim.pair(other, DuplicateSource::Report)?)));
                for (other, pair) in alike {
                    if taken.insert((victim.path.clone(), other.incident)) {
                        found.push(pair);
                    }
                }
            }
        }
        found.truncate(MOST_FOUND);
        if !found.is_empty() {
            self.duplicates_note(&found)?;
        }
        Ok(())
    }
}

impl Candidate {
    /// That another is likely the same person, if it is.
    fn pair(&self, other: &Candidate, source: DuplicateSource) -> Option<Found> {
        let is_casualty = self.casualty.is_some() && self.casualty == other.casualty;
        let is_alike = self.traits == other.traits && self.on == other.on && !split(&self.traits.0).is_empty();
        if self.incident == other.incident || !(is_casualty || is_alike) {
            return None;
        }
        let score = if is_casualty { SAME_CASUALTY } else { SAME_DAY };
        Some(Found { source, disclosure: None, record: Some(self.path.clone()), other: other.path.clone(), score })
    }
}

impl Read<'_> {
    /// Paths of what is likely the same as an incident or a victim in it, that nobody decided, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn likely_duplicates_of(&mut self, reference: &str) -> Result<Vec<String>> {
        use likely_duplicate::dsl as d;
        type Pair = (Option<String>, String, Option<String>, Option<String>);
        let pairs: Vec<Pair> = likely_duplicate::table
            .filter(d::decided_at.is_null())
            .filter(d::incident.eq(reference).or(d::other_incident.eq(reference)))
            .order(d::id.desc())
            .limit(MOST_LOOKED_AT)
            .select((d::record, d::other, d::incident, d::other_incident))
            .load(self.db)?;
        let mut paths: Vec<(String, String)> = pairs
            .into_iter()
            .filter_map(|(record, other, incident, other_incident)| {
                if incident.as_deref() == Some(reference) {
                    Some((other_incident?, other))
                } else {
                    Some((incident?, record?))
                }
            })
            .collect();
        let references: Vec<String> = paths.iter().map(|(incident, _)| incident.clone()).collect();
        let seen: Vec<String> = edition_seen(self.scope, EditionChoice::Working)
            .filter(e::reference.eq_any(references))
            .select(e::reference)
            .load(self.db)?;
        paths.retain(|(incident, _)| seen.contains(incident));
        let mut paths: Vec<String> = paths.into_iter().map(|(_, path)| path).collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }
}
