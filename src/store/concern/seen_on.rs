//! What a State could see of an incident at a time, out of its editions, concern rows and decisions on withholding: for who
//! answers for what it was shown.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::domain::Basis;
use crate::store::db::Id;
use crate::store::db::schema::{concern, incident, incident_edition as e, victim, withholding};
use crate::store::incident::VictimRow;
use crate::store::{Error, Read, Result, code, split};

/// What a State could see of an incident at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenOn {
    /// The edition that it was shown, and when that was released (UTC); none when it was shown none.
    pub edition: Option<(i32, NaiveDateTime)>,
    /// Whether it had been shown one before, and was told that it is withdrawn or of no concern.
    pub tombstone: bool,
    /// Why it concerned the State.
    pub bases: Vec<Basis>,
    /// Handles of the victims that it was shown.
    pub victims: Vec<String>,
}

type ConcernRow = (Option<Id>, String, NaiveDateTime, Option<NaiveDateTime>);

impl Read<'_> {
    /// What a State could see of the incident of a reference at a time (UTC).
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such incident; the database's.
    pub fn incident_seen_on(&mut self, reference: &str, state: &str, at: NaiveDateTime) -> Result<SeenOn> {
        let found: Option<Id> =
            incident::table.filter(incident::reference.eq(reference)).select(incident::id).first(self.db).optional()?;
        let id = found.ok_or(Error::NotFound)?;
        let rows: Vec<ConcernRow> = concern::table
            .filter(concern::incident_id.eq(id))
            .filter(concern::state.eq(state))
            .filter(concern::from_at.le(at))
            .order((concern::from_at, concern::id))
            .select((concern::victim_id, concern::basis, concern::from_at, concern::to_at))
            .load(self.db)?;
        let (live, over): (Vec<ConcernRow>, Vec<ConcernRow>) =
            rows.into_iter().partition(|(.., to)| to.is_none_or(|to| at < to));
        let withheld_since = self.withheld_since(id, state, at)?;
        let released: Vec<(Id, i32, Option<NaiveDateTime>, bool)> = e::table
            .filter(e::incident_id.eq(id))
            .filter(e::released_at.is_not_null())
            .order(e::released_at.desc())
            .select((e::id, e::number, e::released_at, e::public_file))
            .load(self.db)?;
        let tombstone = live.is_empty() && !over.is_empty();
        let mut seen = SeenOn { edition: None, tombstone, bases: Vec::new(), victims: Vec::new() };
        if live.is_empty() {
            return Ok(seen);
        }
        let last = |until: NaiveDateTime, public: bool| {
            released.iter().find_map(|(edition, number, released, of_public_file)| {
                let released = released.filter(|released| *released <= until && (*of_public_file || !public))?;
                Some((*edition, *number, released))
            })
        };
        // Withheld, it keeps what was released before; what the public file says stays readable to it either way.
        let shown =
            last(withheld_since.unwrap_or(at), false).or_else(|| last(at, true).filter(|_| withheld_since.is_some()));
        let Some((edition, number, released)) = shown else { return Ok(seen) };
        seen.edition = Some((number, released));
        for (_, basis, ..) in &live {
            let basis: Basis = code(basis, "concern", "basis", reference)?;
            if !seen.bases.contains(&basis) {
                seen.bases.push(basis);
            }
        }
        let all = seen.bases.iter().any(|basis| matches!(basis, Basis::Host | Basis::Proceeding));
        let victims: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(edition)).order(victim::position).load(self.db)?;
        let own = |victim: &VictimRow| live.iter().any(|(of, ..)| *of == Some(victim.victim_id));
        seen.victims = victims.into_iter().filter(|victim| all || own(victim)).map(|victim| victim.handle).collect();
        Ok(seen)
    }

    /// Since when a State was withheld from at a time, if it was.
    fn withheld_since(&mut self, incident: Id, state: &str, at: NaiveDateTime) -> Result<Option<NaiveDateTime>> {
        let decisions: Vec<(String, Option<NaiveDateTime>)> = withholding::table
            .filter(withholding::incident_id.eq(incident))
            .filter(withholding::confirmed_at.le(at))
            .order(withholding::confirmed_at)
            .select((withholding::states, withholding::confirmed_at))
            .load(self.db)?;
        let mut since = None;
        for (states, confirmed) in decisions {
            since = if split(&states).iter().any(|kept| kept == state) { since.or(confirmed) } else { None };
        }
        Ok(since)
    }
}
