//! Contributions: what States gave of their own will to capacity-building and accountability work, pledged and received.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::candidate::{Candidate, Candidates, Room};
use super::db::schema::{contribution, contribution as c};
use super::db::{Coded, Db, Id, facts_row};
use super::history::{Change, changed, created};
use super::list::page_of;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Write};
use crate::domain::{Code, ContributionFacts, ContributionPurpose, Noun};
use crate::policy::{Scope, Target, Viewer, access};

/// A contribution.
#[derive(Debug, Clone)]
pub struct Contribution {
    /// Permanent id.
    pub id: Id,
    /// Reference.
    pub reference: String,
    /// Open facts.
    pub facts: ContributionFacts,
    /// Random tag that moves when a sealed field is edited.
    pub tag: Vec<u8>,
    /// When it was recorded (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact last changed (UTC).
    pub updated_at: NaiveDateTime,
}

impl Contribution {
    /// Who stands near it: the mission that it is earmarked for.
    pub fn target(&self) -> Target<'_> {
        Target { missions: self.facts.mission.as_slice(), ..Target::default() }
    }
}

/// What a list of contributions is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct ContributionFilter {
    /// State that contributed.
    pub state: Option<String>,
    /// What it contributed to.
    pub purpose: Option<ContributionPurpose>,
    /// Mission that it is earmarked for.
    pub mission: Option<String>,
    /// Pledged on or after.
    pub from: Option<NaiveDate>,
    /// Pledged on or before.
    pub to: Option<NaiveDate>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
}

facts_row! {
    ContributionFactsRow of ContributionFacts in contribution {
        state: String,
        purpose: Coded<ContributionPurpose>,
        pledged_on: NaiveDate,
        pledged_usd: i64,
        received_on: Option<NaiveDate>,
        received_usd: Option<i64>,
        mission: Option<String>,
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = contribution)]
struct ContributionRow {
    id: Id,
    reference: String,
    #[diesel(embed)]
    facts: ContributionFactsRow,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl ContributionRow {
    fn into_contribution(self) -> Result<Contribution> {
        Ok(Contribution {
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

/// The contributions that a scope sees: to a mission those that are earmarked for it; to a State its own.
fn contribution_seen(scope: &Scope) -> c::BoxedQuery<'static, Backend> {
    let query = c::table.into_boxed();
    match scope {
        Scope::Everything => query,
        Scope::Nothing => query.filter(c::reference.eq("")),
        Scope::Missions(missions) => query.filter(c::mission.eq_any(missions.clone())),
        Scope::State(state) => query.filter(c::state.eq(state.clone())),
    }
}

impl Read<'_> {
    /// A page of contributions, newest pledge first.
    ///
    /// # Errors
    /// The database's.
    pub fn contribution_list(
        &mut self,
        filter: &ContributionFilter,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<Contribution>> {
        let mut query = contribution_seen(self.scope);
        if let Some(state) = &filter.state {
            query = query.filter(c::state.eq(state.clone()));
        }
        if let Some(purpose) = filter.purpose {
            query = query.filter(c::purpose.eq(purpose.code()));
        }
        if let Some(mission) = &filter.mission {
            query = query.filter(c::mission.eq(mission.clone()));
        }
        if let Some(since) = filter.updated_from {
            query = query.filter(c::updated_at.ge(since));
        }
        if let Some(from) = filter.from {
            query = query.filter(c::pledged_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(c::pledged_on.le(to));
        }
        let rows: Vec<ContributionRow> = page_of!(query, c::pledged_on, c::reference, after, limit)
            .select(ContributionRow::as_select())
            .load(self.db)?;
        let items = rows.into_iter().map(ContributionRow::into_contribution).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, |one| Cursor { on: one.facts.pledged_on, reference: one.reference.clone() }))
    }

    /// One contribution.
    ///
    /// # Errors
    /// The database's.
    pub fn contribution_get(&mut self, reference: &str) -> Result<Option<Contribution>> {
        let row: Option<ContributionRow> = contribution_seen(self.scope)
            .filter(c::reference.eq(reference.to_owned()))
            .select(ContributionRow::as_select())
            .first(self.db)
            .optional()?;
        row.map(ContributionRow::into_contribution).transpose()
    }
}

impl Write<'_> {
    /// Records what a State pledged, and what of it was received.
    ///
    /// # Errors
    /// The database's.
    pub fn contribution_create(&mut self, facts: &ContributionFacts, sealed: &SealedInput) -> Result<String> {
        let (id, now) = (Id::new(), self.now());
        let year = facts.pledged_on.year();
        let reference = self.free_reference(Noun::Contribution, &facts.state, year, |w, reference| {
            Ok(c::table.filter(c::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        let row = ContributionRow {
            id,
            reference: reference.clone(),
            facts: ContributionFactsRow::of(facts),
            tag_confidential: super::random_tag(),
            created_by: self.actor(),
            created_at: now,
            updated_at: now,
        };
        diesel::insert_into(c::table).values(row).execute(self.db)?;
        let touched = self.seal(id, id, sealed, Some(Noun::Contribution))?;
        let change = Change::of(Noun::Contribution, id, "created").open(created(facts)).sealed(touched);
        self.note_record("contribution.create", &reference, change);
        Ok(reference)
    }

    /// Corrects a contribution, or says what was received.
    ///
    /// # Errors
    /// The database's.
    pub fn contribution_edit(
        &mut self,
        known: &Contribution,
        facts: &ContributionFacts,
        sealed: &SealedInput,
    ) -> Result<()> {
        let open = changed(&known.facts, facts);
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(c::table.find(known.id))
            .set((ContributionFactsRow::of(facts), c::tag_confidential.eq(tag), c::updated_at.eq(updated)))
            .execute(self.db)?;
        let change = Change::of(Noun::Contribution, known.id, "edited").open(open).sealed(touched);
        self.note_record("contribution.edit", &known.reference, change);
        Ok(())
    }
}

/// A contribution is of no case, so that nothing of it is near a person; and nothing of it waits for anybody.
pub(super) const ROOM: Room = Room { candidates: Some(candidates), ..Room::PART };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let of = r.contribution_get(reference)?.ok_or(Error::NotFound)?;
    let facts = access(viewer, &of.target());
    let one = Candidate::of(Noun::Contribution, of.id, format!("contributions/{}", of.reference), facts);
    Ok((vec![one], of.facts.mission))
}
