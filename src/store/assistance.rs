//! Assistance: capacity-building that the United Nations, or a partner, offered a State.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::candidate::{Candidate, Candidates, Room, Surroundings};
use super::db::schema::{assistance, assistance as a, assistance_case, mission_host};
use super::db::{Coded, Db, Id, facts_row};
use super::history::{Change, changed, created};
use super::list::page_of;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Write};
use crate::domain::{AssistanceFacts, AssistanceKind, AssistanceStatus, Code, Noun};
use crate::policy::{Scope, Target, Viewer, access};

/// An offer of assistance.
#[derive(Debug, Clone)]
pub struct Assistance {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// Open facts.
    pub facts: AssistanceFacts,
    /// Random tag that moves when a sealed field is edited.
    pub tag: Vec<u8>,
    /// When it was recorded (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
}

impl Assistance {
    /// Who stands near it: the mission that offered it.
    pub fn target(&self) -> Target<'_> {
        Target { missions: self.facts.mission.as_slice(), ..Target::default() }
    }
}

/// What a list of assistance is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct AssistanceFilter {
    /// State.
    pub state: Option<String>,
    /// Kind.
    pub kind: Option<AssistanceKind>,
    /// Status.
    pub status: Option<AssistanceStatus>,
    /// Offered on or after.
    pub from: Option<NaiveDate>,
    /// Offered on or before.
    pub to: Option<NaiveDate>,
    /// Reference of a case that it helped.
    pub case: Option<String>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
}

facts_row! {
    AssistanceFactsRow of AssistanceFacts in assistance {
        state: String,
        mission: Option<String>,
        kind: Coded<AssistanceKind>,
        provider: String,
        status: Coded<AssistanceStatus>,
        offered_on: NaiveDate,
        delivered_from: Option<NaiveDate>,
        delivered_to: Option<NaiveDate>,
        women: Option<i32>,
        men: Option<i32>,
        cost_usd: Option<i64>,
        funding_source: Option<String>,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = assistance)]
struct AssistanceRow {
    id: Id,
    reference: String,
    #[diesel(embed)]
    facts: AssistanceFactsRow,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl AssistanceRow {
    fn into_assistance(self) -> Result<Assistance> {
        Ok(Assistance {
            facts: self.facts.facts()?,
            tag: self.tag_confidential,
            id: self.id,
            reference: self.reference,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

type Backend = <Db as diesel::connection::Connection>::Backend;

/// The assistance that a scope sees: to a mission what was offered to its host States; to a State what was offered to
/// itself.
fn assistance_seen(scope: &Scope) -> a::BoxedQuery<'static, Backend> {
    let query = a::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Nothing => query.filter(a::reference.eq("")),
        Scope::Missions(missions) => {
            let hosts =
                mission_host::table.filter(mission_host::mission.eq_any(missions.clone())).select(mission_host::state);
            query.filter(a::mission.eq_any(missions.clone()).assume_not_null().or(a::state.eq_any(hosts)))
        }
        Scope::State(state) => query.filter(a::state.eq(state.clone())),
    }
}

impl Read<'_> {
    /// A page of assistance, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_list(
        &mut self,
        filter: &AssistanceFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Assistance>> {
        let mut query = assistance_seen(self.scope);
        if let Some(state) = &filter.state {
            query = query.filter(a::state.eq(state.clone()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(a::kind.eq(kind.code()));
        }
        if let Some(status) = filter.status {
            query = query.filter(a::status.eq(status.code()));
        }
        if let Some(since) = filter.updated_from {
            query = query.filter(a::updated_at.ge(since));
        }
        if let Some(from) = filter.from {
            query = query.filter(a::offered_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(a::offered_on.le(to));
        }
        if let Some(case) = &filter.case {
            let case: Vec<Id> = self.case_get(case)?.into_iter().map(|case| case.id).collect();
            let helped = assistance_case::table.filter(assistance_case::case_id.eq_any(case));
            query = query.filter(a::id.eq_any(helped.select(assistance_case::assistance_id)));
        }
        let rows: Vec<AssistanceRow> = page_of!(query, a::offered_on, a::reference, after, limit)
            .select(AssistanceRow::as_select())
            .load(self.db)?;
        let items = rows.into_iter().map(AssistanceRow::into_assistance).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, |one| Cursor { on: one.facts.offered_on, reference: one.reference.clone() }))
    }

    /// One offer of assistance.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_get(&mut self, reference: &str) -> Result<Option<Assistance>> {
        let row: Option<AssistanceRow> = assistance_seen(self.scope)
            .filter(a::reference.eq(reference.to_owned()))
            .select(AssistanceRow::as_select())
            .first(self.db)
            .optional()?;
        row.map(AssistanceRow::into_assistance).transpose()
    }

    /// References of the cases that it helped, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_cases(&mut self, of: &Assistance) -> Result<Vec<String>> {
        let ids: Vec<Id> = assistance_case::table
            .filter(assistance_case::assistance_id.eq(of.id))
            .select(assistance_case::case_id)
            .load(self.db)?;
        Ok(self.cases_of(&ids)?.into_iter().map(|case| case.reference).collect())
    }
}

impl Write<'_> {
    /// Records an offer.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a case is out of scope; the database's.
    pub fn assistance_create(
        &mut self,
        facts: &AssistanceFacts,
        cases: &[String],
        sealed: &SealedInput,
    ) -> Result<Assistance> {
        let (id, now) = (Id::new(), self.now());
        let year = chrono::Datelike::year(&facts.offered_on);
        let reference = self.free_reference(Noun::Assistance, &facts.state, year, |w, reference| {
            Ok(a::table.filter(a::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = AssistanceRow {
            id,
            reference,
            facts: AssistanceFactsRow::of(facts),
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(a::table).values(row.clone()).execute(self.db)?;
        for case in super::named("cases", cases, |reference| self.case_get(reference))? {
            diesel::insert_into(assistance_case::table)
                .values((assistance_case::assistance_id.eq(id), assistance_case::case_id.eq(case.id)))
                .execute(self.db)?;
        }
        let touched = self.seal(id, id, sealed, Some(Noun::Assistance))?;
        let change = Change::of(Noun::Assistance, id, "created").open(created(facts)).sealed(touched);
        self.note_record("assistance.create", &row.reference, change);
        row.into_assistance()
    }

    /// Changes an offer: accepted, delivered, declined, or corrected.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_edit(
        &mut self,
        known: &Assistance,
        facts: &AssistanceFacts,
        sealed: &SealedInput,
    ) -> Result<Assistance> {
        let open = changed(&known.facts, facts);
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(a::table.find(known.id))
            .set((AssistanceFactsRow::of(facts), a::tag_confidential.eq(tag), a::updated_at.eq(updated)))
            .execute(self.db)?;
        let change = Change::of(Noun::Assistance, known.id, "edited").open(open).sealed(touched);
        self.note_record("assistance.edit", &known.reference, change);
        self.assistance_get(&known.reference)?.ok_or(Error::NotFound)
    }
}

pub(super) const ROOM: Room = Room { candidates: Some(candidates), near, ..Room::PART };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let of = r.assistance_get(reference)?.ok_or(Error::NotFound)?;
    let facts = access(viewer, &of.target());
    let one = Candidate::of(Noun::Assistance, of.id, format!("assistance/{}", of.reference), facts);
    Ok((vec![one], of.facts.mission))
}

fn near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String)> = a::table
        .filter(
            a::id.eq_any(
                assistance_case::table
                    .filter(assistance_case::case_id.eq_any(around.cases.clone()))
                    .select(assistance_case::assistance_id),
            ),
        )
        .select((a::id, a::reference))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, reference)| (id, format!("assistance/{reference}"))).collect())
}
