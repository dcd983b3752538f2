//! Inputs that look odd and may be right. The service takes such an input when the sender confirms it.

use super::input::{self, InputReader, InputValue};
use crate::domain::{Fault, Oddity, PartialDate, is_pointer};
use crate::store::{Error, Read, Result as StoreResult};

/// What somebody confirms: the pointers, each with what is odd there.
#[derive(Debug, Clone, Default)]
pub struct Confirmed(Vec<(String, Oddity)>);

impl Confirmed {
    /// Reads `confirm`.
    pub fn of(input: &mut InputReader<'_>) -> Self {
        let pointer = |input: &InputValue, _: &input::Context| {
            let text = input::as_text(input)?;
            if is_pointer(text) { Ok(text.to_owned()) } else { Err("must be the pointer of a member".to_owned()) }
        };
        Self(input.list("confirm", 20, |input| {
            let pointer = input.required("pointer", None, pointer);
            let code = input.required("code", None, input::code());
            Some((pointer?, code?))
        }))
    }

    /// Refuses what is odd and not confirmed.
    ///
    /// # Errors
    /// [`Error::NeedsConfirmation`].
    pub fn of_all(&self, odd: Vec<Fault>) -> StoreResult<()> {
        let known = |one: &Fault| one.code.is_some_and(|code| self.0.contains(&(one.pointer.clone(), code)));
        let lacking: Vec<Fault> = odd.into_iter().filter(|one| !known(one)).collect();
        if lacking.is_empty() { Ok(()) } else { Err(Error::NeedsConfirmation(lacking)) }
    }
}

/// A day on which the mission was not there, as far as its dates are known.
///
/// # Errors
/// The store's.
pub fn outside_mission(r: &mut Read<'_>, acronym: &str, pointer: &str, on: PartialDate) -> StoreResult<Vec<Fault>> {
    let Some(mission) = r.mission_get(acronym)? else { return Ok(Vec::new()) };
    if on.may_lie_within(mission.started_on, mission.ended_on) {
        return Ok(Vec::new());
    }
    let bound = |on: Option<chrono::NaiveDate>| on.map_or_else(|| "now".to_owned(), |on| on.to_string());
    let detail = format!("{acronym} was there from {} to {}", bound(mission.started_on), bound(mission.ended_on));
    Ok(vec![Fault::odd(pointer, Oddity::OutsideMission, detail)])
}

/// A day before the first of some incidents, within scope.
///
/// # Errors
/// The store's.
pub fn before_incidents(
    r: &mut Read<'_>,
    incidents: &[String],
    pointer: &str,
    on: PartialDate,
) -> StoreResult<Vec<Fault>> {
    let mut first: Option<PartialDate> = None;
    for reference in incidents {
        let found = r.incident_get(reference, crate::store::EditionChoice::Working)?;
        first = first.into_iter().chain(found.map(|incident| incident.facts.occurred)).min();
    }
    let odd = first.filter(|first| on.last() < first.first());
    Ok(odd
        .map(|first| Fault::odd(pointer, Oddity::BeforeIncident, format!("the incident was on {first}")))
        .into_iter()
        .collect())
}
