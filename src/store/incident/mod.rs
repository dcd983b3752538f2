//! Incidents with their victims and suspects, by edition.
//!
//! `incident` is the permanent record that others point to; what it says stands in its editions. Every list, figure and
//! feed starts from [`edition_seen`], which yields at most one edition an incident, and [`victim_seen`], which yields the
//! victims in them that a scope may know of.

mod fields;
mod read;
mod room;
mod row;
mod split_merge;
mod transition;
mod write;

pub(super) use room::ROOM;
pub(super) use row::{EditionRow, VictimRow};

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::SealedInput;
use super::db::schema::{concern, incident_edition, victim};
use super::db::{Db, Id};
use crate::domain::{Basis, Code, Counts, IncidentFacts, IncidentStatus, Returned, SuspectFacts, VictimFacts};
use crate::policy::Scope;

/// One edition of an incident, as a scope sees it.
#[derive(Debug, Clone)]
pub struct Incident {
    /// Permanent id.
    pub id: Id,
    /// Id of this edition.
    pub edition: Id,
    /// Reference.
    pub reference: String,
    /// Number of this edition, from 1.
    pub number: i32,
    /// Its state.
    pub status: IncidentStatus,
    /// Whether a released edition stands behind this working one.
    pub amends: bool,
    /// Open facts.
    pub facts: IncidentFacts,
    /// Victims by outcome.
    pub counts: Counts,
    /// Whether the edition says just what the United Nations' public file says.
    pub public_file: bool,
    /// Who wrote it.
    pub author: Id,
    /// Who verified it.
    pub verifier: Option<Id>,
    /// Random tags that move when a sealed field of the class is edited: confidential, strictly confidential.
    pub tags: [Vec<u8>; 2],
    /// When the edition was begun (UTC).
    pub created_at: NaiveDateTime,
    /// When an open fact of it last changed (UTC).
    pub updated_at: NaiveDateTime,
    /// Why it was returned or withdrawn, while it is.
    pub returned: Option<Returned>,
    /// Who asks that it be withdrawn, though it was released.
    pub withdrawal_by: Option<Id>,
    /// When it was released (UTC).
    pub released_at: Option<NaiveDateTime>,
}

/// A victim in an edition.
#[derive(Debug, Clone)]
pub struct Victim {
    /// Permanent id.
    pub record: Id,
    /// Id of the row in this edition: what its sealed values hang below.
    pub holder: Id,
    /// The edition.
    pub edition: Id,
    /// Random handle.
    pub handle: String,
    /// Open facts.
    pub facts: VictimFacts,
}

/// A suspect in an edition.
#[derive(Debug, Clone)]
pub struct Suspect {
    /// Permanent id.
    pub record: Id,
    /// Id of the row in this edition.
    pub holder: Id,
    /// The edition.
    pub edition: Id,
    /// Random handle.
    pub handle: String,
    /// Open facts.
    pub facts: SuspectFacts,
}

/// An incident as reported.
#[derive(Debug)]
pub struct NewIncident {
    /// Open facts.
    pub facts: IncidentFacts,
    /// Sealed fields.
    pub sealed: SealedInput,
    /// Victims.
    pub victims: Vec<NewVictim>,
    /// Suspects.
    pub suspects: Vec<NewSuspect>,
}

/// A victim as reported.
#[derive(Debug)]
pub struct NewVictim {
    /// Open facts.
    pub facts: VictimFacts,
    /// Sealed fields.
    pub sealed: SealedInput,
}

/// A suspect as reported.
#[derive(Debug)]
pub struct NewSuspect {
    /// Open facts.
    pub facts: SuspectFacts,
    /// Sealed fields.
    pub sealed: SealedInput,
}

/// A change of a victim.
pub type VictimEdit = NewVictim;
/// A change of a suspect.
pub type SuspectEdit = NewSuspect;

/// Which edition an insider reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EditionChoice {
    /// The working one where there is one.
    #[default]
    Working,
    /// The released one.
    Released,
}

/// What a list of incidents is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Which edition insiders read.
    pub edition: EditionChoice,
    /// Mission.
    pub mission: Option<String>,
    /// Host State.
    pub host_state: Option<String>,
    /// Kind of act.
    pub act: Option<crate::domain::Act>,
    /// Means.
    pub means: Option<crate::domain::Means>,
    /// Category of alleged perpetrator.
    pub perpetrator: Option<crate::domain::Perpetrator>,
    /// State of the edition (insiders; to a State everything is released).
    pub status: Option<IncidentStatus>,
    /// Id in NOTICAS, of the incident.
    pub noticas_id: Option<String>,
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
    /// Reference of a case that it belongs to.
    pub case: Option<String>,
    /// Changed, as it is shown, from this time on (UTC).
    pub updated_from: Option<NaiveDateTime>,
    /// Reference of a proceeding that serves a case of it.
    pub proceeding: Option<String>,
}

pub(in crate::store) use transition::asked;
pub(in crate::store) use write::{Origin, Saved};

type Backend = <Db as diesel::connection::Connection>::Backend;
pub(in crate::store) type EditionQuery = incident_edition::BoxedQuery<'static, Backend>;
pub(in crate::store) type VictimQuery = victim::BoxedQuery<'static, Backend>;

/// The editions that a scope sees, one an incident: insiders the current one, or the released; a State the one that each
/// of its live concerns points to. Whoever looks an edition up by its incident writes `is_released <> FALSE`: indexes that
/// begin with the flag are for lists.
pub(in crate::store) fn edition_seen(scope: &Scope, choice: EditionChoice) -> EditionQuery {
    use incident_edition::dsl as e;
    let query = incident_edition::table.into_boxed();
    match scope {
        Scope::State(state) => query.filter(
            e::id.nullable().eq_any(
                concern::table
                    .filter(concern::state.eq(state.clone()))
                    .filter(concern::to_at.is_null())
                    .filter(concern::edition_id.is_not_null())
                    .select(concern::edition_id),
            ),
        ),
        Scope::Nothing => query.filter(e::number.lt(0)),
        Scope::Everything | Scope::Missions(_) => {
            let query = match choice {
                EditionChoice::Working => query.filter(e::is_current.eq(true)),
                EditionChoice::Released => query.filter(e::is_released.eq(true)),
            };
            match scope {
                // One mission as an equality, so that the index gives the order too.
                Scope::Missions(missions) if missions.len() == 1 => query.filter(e::mission.eq(missions[0].clone())),
                Scope::Missions(missions) => query.filter(e::mission.eq_any(missions.clone())),
                _ => query,
            }
        }
    }
}

/// The same editions for a State that very many incidents concern: asked of each edition in the order of the page, in place
/// of gathering them all and sorting.
pub(in crate::store) fn edition_seen_in_order(state: &str) -> EditionQuery {
    use incident_edition::dsl as e;
    incident_edition::table.into_boxed().filter(diesel::dsl::exists(
        concern::table
            .filter(concern::state.eq(state.to_owned()))
            .filter(concern::edition_id.eq(e::id.nullable()))
            .filter(concern::to_at.is_null()),
    ))
}

/// The victims that a scope sees, in whichever editions it sees: all of them to insiders, to the host State and the State of a
/// proceeding; to a contributor or State of nationality its own.
pub(in crate::store) fn victim_seen(scope: &Scope) -> VictimQuery {
    let query = victim::table.into_boxed();
    match scope {
        Scope::Everything | Scope::Missions(_) => query,
        Scope::Nothing => query.filter(victim::position.lt(0)),
        Scope::State(state) => {
            let live = || concern::table.filter(concern::state.eq(state.clone())).filter(concern::to_at.is_null());
            let all = live()
                .filter(concern::basis.eq_any([Basis::Host.code(), Basis::Proceeding.code()]))
                .filter(concern::edition_id.is_not_null())
                .select(concern::edition_id);
            let own = live().filter(concern::victim_id.is_not_null()).select(concern::victim_id);
            query.filter(victim::edition_id.nullable().eq_any(all).or(victim::victim_id.nullable().eq_any(own)))
        }
    }
}
