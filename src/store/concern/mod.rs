//! Concern: which States a released incident concerns, and which edition each of them sees; what is withheld from whom, and what a State could see
//! on a day.

mod seen_on;
mod withholding;

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use super::incident::{EditionRow, Incident, VictimRow};
use crate::domain::{Basis, Code, SubmissionStatus};
use crate::store::db::Id;
use crate::store::db::schema::{case_incident, concern, incident_edition as e, proceeding, proceeding_case, victim};
use crate::store::{Read, Result, Write, code, split};

pub use seen_on::SeenOn;
pub use withholding::{Withholding, confirmed};

type ConcernRow = (Id, Option<Id>, String, String, Option<chrono::NaiveDateTime>);

impl Read<'_> {
    /// The States whose accepted proceedings serve a case.
    pub(in crate::store) fn states_served(&mut self, case: Id) -> Result<Vec<String>> {
        Ok(proceeding_case::table
            .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
            .filter(proceeding_case::case_id.eq(case))
            .filter(proceeding::status.eq(SubmissionStatus::Accepted.code()))
            .select(proceeding::state)
            .distinct()
            .order(proceeding::state)
            .load(self.db)?)
    }

    /// What an edition says of whom it concerns: the host, and the State or States of each victim.
    fn claims(&mut self, edition: Id, host: Option<&str>) -> Result<HashSet<(Option<Id>, String, &'static str)>> {
        let victims: Vec<VictimRow> = victim::table.filter(victim::edition_id.eq(edition)).load(self.db)?;
        let mut claims: HashSet<(Option<Id>, String, &'static str)> =
            host.iter().map(|host| (None, (*host).to_owned(), Basis::Host.code())).collect();
        for row in victims {
            let category: crate::domain::Personnel = code(&row.category, "victim", "category", &row.handle)?;
            let basis = if category.is_contributed() { Basis::Contributor } else { Basis::Nationality };
            claims.extend(split(&row.states).into_iter().map(|state| (Some(row.victim_id), state, basis.code())));
        }
        Ok(claims)
    }

    /// The States that will see an incident once what is recorded of it now is released: its host, those of its victims, and those whose
    /// proceedings it concerns; without those from which it is withheld.
    ///
    /// # Errors
    /// The database's.
    pub fn will_see(&mut self, incident: &Incident) -> Result<Vec<String>> {
        let claims = self.claims(incident.edition, incident.facts.host_state.as_deref())?;
        let mut states: BTreeSet<String> = claims.into_iter().map(|(_, state, _)| state).collect();
        let trying: Vec<String> = concern::table
            .filter(concern::incident_id.eq(incident.id))
            .filter(concern::basis.eq(Basis::Proceeding.code()))
            .filter(concern::to_at.is_null())
            .select(concern::state)
            .load(self.db)?;
        states.extend(trying);
        let withheld = self.withheld_from(incident.id)?;
        Ok(states.into_iter().filter(|state| !withheld.contains(state)).collect())
    }

    /// The States that see, or will see, something new once a proceeding of this State that serves these cases is accepted: its own, and
    /// those that its incidents concern.
    ///
    /// # Errors
    /// The database's.
    pub fn will_see_proceeding(&mut self, state: &str, cases: &[Id]) -> Result<Vec<String>> {
        let concerned: Vec<String> = case_incident::table
            .inner_join(concern::table.on(concern::incident_id.eq(case_incident::incident_id)))
            .filter(case_incident::case_id.eq_any(cases.to_vec()))
            .filter(case_incident::status.eq(SubmissionStatus::Accepted.code()))
            .filter(concern::to_at.is_null())
            .filter(concern::frozen_at.is_null())
            .select(concern::state)
            .distinct()
            .load(self.db)?;
        let states: BTreeSet<String> = concerned.into_iter().chain([state.to_owned()]).collect();
        Ok(states.into_iter().collect())
    }
}

impl Write<'_> {
    /// Brings the concern rows of an incident to what its released edition and the withholding decision say: ends those
    /// that no longer hold, begins new ones, and lets each that is not frozen point to the released edition. A State
    /// withheld from before release gets no row (but the public file's own edition stays readable to it); afterwards its
    /// rows stay where they were.
    pub(in crate::store) fn concern_settle(&mut self, released: &EditionRow) -> Result<()> {
        let now = self.now();
        let incident = released.incident_id;
        let withheld = self.withheld_from(incident)?;
        let mut wanted = self.claims(released.id, released.host_state.as_deref())?;
        let live: Vec<ConcernRow> = concern::table
            .filter(concern::incident_id.eq(incident))
            .filter(concern::to_at.is_null())
            .select((concern::id, concern::victim_id, concern::state, concern::basis, concern::frozen_at))
            .load(self.db)?;
        for (id, victim, state, basis, frozen) in live {
            let still = wanted.take(&(victim, state.clone(), basis_code(&basis)?)).is_some();
            let row = concern::table.find(id);
            if withheld.contains(&state) {
                if frozen.is_none() {
                    diesel::update(row).set(concern::frozen_at.eq(now)).execute(self.db)?;
                }
            } else if still || basis == Basis::Proceeding.code() {
                let none: Option<chrono::NaiveDateTime> = None;
                diesel::update(row)
                    .set((concern::edition_id.eq(released.id), concern::frozen_at.eq(none)))
                    .execute(self.db)?;
            } else {
                diesel::update(row).set(concern::to_at.eq(now)).execute(self.db)?;
            }
        }
        for (victim, state, basis) in wanted {
            let frozen = withheld.contains(&state);
            if frozen && !released.public_file {
                continue;
            }
            let frozen_at = if frozen { Some(self.kept_since(incident, &state)?) } else { None };
            diesel::insert_into(concern::table)
                .values((
                    concern::id.eq(Id::new()),
                    concern::incident_id.eq(incident),
                    concern::victim_id.eq(victim),
                    concern::state.eq(state),
                    concern::basis.eq(basis),
                    concern::from_at.eq(now),
                    concern::edition_id.eq(released.id),
                    concern::frozen_at.eq(frozen_at),
                ))
                .execute(self.db)?;
        }
        Ok(())
    }

    /// Since when a State has been kept from an incident; from now on, if nothing of it concerned the State before.
    fn kept_since(&mut self, incident: Id, state: &str) -> Result<chrono::NaiveDateTime> {
        let since: Option<chrono::NaiveDateTime> = concern::table
            .filter(concern::incident_id.eq(incident))
            .filter(concern::state.eq(state))
            .filter(concern::to_at.is_null())
            .select(diesel::dsl::min(concern::frozen_at))
            .first(self.db)?;
        Ok(since.unwrap_or_else(|| self.now()))
    }

    /// Lets a proceeding's State be concerned by an incident, as far as it is released: when a second officer accepts the proceeding, or the
    /// incident's later link to one.
    pub(in crate::store) fn concern_of_proceeding(&mut self, incident: Id, state: &str) -> Result<()> {
        let there: i64 = concern::table
            .filter(concern::incident_id.eq(incident))
            .filter(concern::state.eq(state))
            .filter(concern::basis.eq(Basis::Proceeding.code()))
            .filter(concern::to_at.is_null())
            .count()
            .get_result(self.db)?;
        if there > 0 {
            return Ok(());
        }
        let released: Option<Id> = e::table
            .filter(e::incident_id.eq(incident))
            .filter(e::is_released.ne(false))
            .select(e::id)
            .first(self.db)
            .optional()?;
        let withheld = self.withheld_from(incident)?.iter().any(|kept| kept == state);
        let frozen_at = if withheld { Some(self.kept_since(incident, state)?) } else { None };
        diesel::insert_into(concern::table)
            .values((
                concern::id.eq(Id::new()),
                concern::incident_id.eq(incident),
                concern::state.eq(state),
                concern::basis.eq(Basis::Proceeding.code()),
                concern::from_at.eq(self.now()),
                concern::edition_id.eq(if withheld { None } else { released }),
                concern::frozen_at.eq(frozen_at),
            ))
            .execute(self.db)?;
        Ok(())
    }

    /// Ends what a withdrawn proceeding of a State began, unless another of its accepted proceedings serves the incident: a tombstone, if nothing
    /// else of the incident concerns the State.
    pub(in crate::store) fn concern_of_proceeding_end(&mut self, incident: Id, state: &str) -> Result<()> {
        let another: Option<Id> = case_incident::table
            .inner_join(proceeding_case::table.on(proceeding_case::case_id.eq(case_incident::case_id)))
            .inner_join(proceeding::table.on(proceeding::id.eq(proceeding_case::proceeding_id)))
            .filter(case_incident::incident_id.eq(incident))
            .filter(case_incident::status.eq(SubmissionStatus::Accepted.code()))
            .filter(proceeding::state.eq(state))
            .filter(proceeding::status.eq(SubmissionStatus::Accepted.code()))
            .select(proceeding::id)
            .first(self.db)
            .optional()?;
        if another.is_some() {
            return Ok(());
        }
        let live = concern::table
            .filter(concern::incident_id.eq(incident))
            .filter(concern::state.eq(state))
            .filter(concern::basis.eq(Basis::Proceeding.code()))
            .filter(concern::to_at.is_null())
            .filter(concern::frozen_at.is_null());
        diesel::update(live).set(concern::to_at.eq(self.now())).execute(self.db)?;
        Ok(())
    }

    /// Ends the concerns of a withdrawn incident: a tombstone to those who had seen it. A State that was kept from it keeps what it had.
    pub(in crate::store) fn concern_end(&mut self, incident: Id) -> Result<()> {
        let live = concern::table.filter(concern::incident_id.eq(incident)).filter(concern::to_at.is_null());
        diesel::update(live.filter(concern::frozen_at.is_null()))
            .set(concern::to_at.eq(self.now()))
            .execute(self.db)?;
        Ok(())
    }
}

fn basis_code(text: &str) -> Result<&'static str> {
    code::<Basis>(text, "concern", "basis", text).map(Code::code)
}
