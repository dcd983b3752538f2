//! Assistance: capacity-building that the United Nations, or a partner, offered a State.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::db::schema::{assistance as a, assistance_case, mission_host};
use super::db::{Db, Id};
use super::history::{Change, all_new, differences};
use super::list::page_of;
use super::{Cursor, Error, Page, Read, Result, SealedInput, Write, code};
use crate::domain::{AssistanceKind, AssistanceStatus, Code, Noun};
use crate::policy::Scope;

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

/// The open facts of assistance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssistanceFacts {
    /// State to which it was offered.
    pub state: String,
    /// Mission that offered it, if one did.
    pub mission: Option<String>,
    /// Kind.
    pub kind: AssistanceKind,
    /// Provider.
    pub provider: String,
    /// What became of it.
    pub status: AssistanceStatus,
    /// When it was offered.
    pub offered_on: NaiveDate,
    /// First and last day of delivery.
    pub delivered: (Option<NaiveDate>, Option<NaiveDate>),
    /// Participants: women.
    pub women: Option<i32>,
    /// Participants: men.
    pub men: Option<i32>,
    /// Cost, United States dollars.
    pub cost_usd: Option<i64>,
    /// Where the money came from.
    pub funding_source: Option<String>,
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
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = a)]
struct AssistanceRow {
    id: Id,
    reference: String,
    state: String,
    mission: Option<String>,
    kind: String,
    provider: String,
    status: String,
    offered_on: NaiveDate,
    delivered_from: Option<NaiveDate>,
    delivered_to: Option<NaiveDate>,
    women: Option<i32>,
    men: Option<i32>,
    cost_usd: Option<i64>,
    funding_source: Option<String>,
    tag_confidential: Vec<u8>,
    created_by: Id,
    created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
}

impl AssistanceRow {
    fn into_assistance(self) -> Result<Assistance> {
        let Self {
            id,
            reference,
            state,
            mission,
            kind,
            provider,
            status,
            offered_on,
            delivered_from,
            delivered_to,
            women,
            men,
            cost_usd,
            funding_source,
            tag_confidential,
            created_by: _,
            created_at,
            updated_at,
        } = self;
        Ok(Assistance {
            facts: AssistanceFacts {
                state,
                mission,
                kind: code(&kind, "assistance", "kind", &reference)?,
                provider,
                status: code(&status, "assistance", "status", &reference)?,
                offered_on,
                delivered: (delivered_from, delivered_to),
                women,
                men,
                cost_usd,
                funding_source,
            },
            tag: tag_confidential,
            id,
            reference,
            created_at,
            updated_at,
        })
    }
}

fn fields(facts: &AssistanceFacts) -> Map<String, Value> {
    let value = json!({
        "state": facts.state,
        "mission": facts.mission,
        "kind": facts.kind,
        "provider": facts.provider,
        "status": facts.status,
        "offered_on": facts.offered_on,
        "delivered_from": facts.delivered.0,
        "delivered_to": facts.delivered.1,
        "women": facts.women,
        "men": facts.men,
        "cost_usd": facts.cost_usd,
        "funding_source": facts.funding_source,
    });
    value.as_object().cloned().unwrap_or_default()
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
        if let Some(from) = filter.from {
            query = query.filter(a::offered_on.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(a::offered_on.le(to));
        }
        let rows: Vec<AssistanceRow> = page_of!(query, a::offered_on, a::reference, after, limit).load(self.db)?;
        let items = rows.into_iter().map(AssistanceRow::into_assistance).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(items, limit, |one| Cursor { on: one.facts.offered_on, reference: one.reference.clone() }))
    }

    /// What of an offer changes was recorded at a time.
    pub(super) fn assistance_then(&mut self, one: &Assistance, at: NaiveDateTime) -> Result<AssistanceFacts> {
        let then = self.rewind(one.id, at, fields(&one.facts))?;
        let number = |name: &str| then.get(name).and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
        let status = then.get("status").and_then(Value::as_str).unwrap_or_default();
        Ok(AssistanceFacts {
            status: code(status, "revision", "open_changes", &one.reference)?,
            women: number("women"),
            men: number("men"),
            ..one.facts.clone()
        })
    }

    /// One offer of assistance.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_get(&mut self, reference: &str) -> Result<Option<Assistance>> {
        let row: Option<AssistanceRow> =
            assistance_seen(self.scope).filter(a::reference.eq(reference.to_owned())).first(self.db).optional()?;
        row.map(AssistanceRow::into_assistance).transpose()
    }

    /// References of the cases that it helped, within scope.
    ///
    /// # Errors
    /// The database's.
    pub fn assistance_cases(&mut self, of: Id) -> Result<Vec<String>> {
        let ids: Vec<Id> = assistance_case::table
            .filter(assistance_case::assistance_id.eq(of))
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
        let AssistanceFacts {
            state,
            mission,
            kind,
            provider,
            status,
            offered_on,
            delivered,
            women,
            men,
            cost_usd,
            funding_source,
        } = facts.clone();
        let row = AssistanceRow {
            id,
            reference,
            state,
            mission,
            kind: kind.code().into(),
            provider,
            status: status.code().into(),
            offered_on,
            delivered_from: delivered.0,
            delivered_to: delivered.1,
            women,
            men,
            cost_usd,
            funding_source,
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
        self.note_assistance("assistance.create", &row.reference, id, "created", all_new(&fields(facts)), touched);
        row.into_assistance()
    }

    fn note_assistance(
        &mut self,
        action: &'static str,
        reference: &str,
        id: Id,
        kind: &'static str,
        open: Map<String, Value>,
        sealed: Vec<u16>,
    ) {
        let change =
            Change { noun: Noun::Assistance, record: id, root: id, edition: None, kind, reason: None, open, sealed };
        self.note(action, format!("assistance/{reference}"), change);
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
        let open = differences(&fields(&known.facts), &fields(facts));
        let touched = self.seal(known.id, known.id, sealed, None)?;
        let tag = if touched.is_empty() { known.tag.clone() } else { super::random_tag() };
        let updated = if open.is_empty() { known.updated_at } else { self.now() };
        diesel::update(a::table.find(known.id))
            .set((
                a::kind.eq(facts.kind.code()),
                a::provider.eq(&facts.provider),
                a::status.eq(facts.status.code()),
                a::offered_on.eq(facts.offered_on),
                a::delivered_from.eq(facts.delivered.0),
                a::delivered_to.eq(facts.delivered.1),
                a::women.eq(facts.women),
                a::men.eq(facts.men),
                a::cost_usd.eq(facts.cost_usd),
                a::funding_source.eq(&facts.funding_source),
                a::tag_confidential.eq(tag),
                a::updated_at.eq(updated),
            ))
            .execute(self.db)?;
        self.note_assistance("assistance.edit", &known.reference, known.id, "edited", open, touched);
        self.assistance_get(&known.reference)?.ok_or(Error::NotFound)
    }
}
