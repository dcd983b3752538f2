//! Concern: which States a released incident concerns, and which edition each of them sees.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use super::row::{EditionRow, VictimRow};
use super::{Incident, Withholding};
use crate::domain::{Basis, Code, NarrowingAct, SubmissionStatus, WithholdingReason};
use crate::store::db::Id;
use crate::store::db::schema::{
    case_incident, concern, incident_edition as e, proceeding, proceeding_case, victim, withholding,
};
use crate::store::{Read, Result, Write, code, split};

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

    /// The States from which the incident is withheld by a confirmed decision.
    ///
    /// # Errors
    /// The database's.
    pub fn withheld_from(&mut self, incident: Id) -> Result<Vec<String>> {
        Ok(confirmed(&self.withholdings(incident)?))
    }
}

/// The States from which a record is withheld, out of every decision, the last first.
pub fn confirmed(decisions: &[Withholding]) -> Vec<String> {
    let confirmed = decisions.iter().filter(|decision| decision.confirmed_at.is_some());
    confirmed.max_by_key(|decision| decision.confirmed_at).map(|decision| decision.states.clone()).unwrap_or_default()
}

impl Write<'_> {
    /// Brings the concern rows of an incident to what its released edition and the withholding decision say: ends those
    /// that no longer hold, begins new ones, and lets each that is not frozen point to the released edition. A State
    /// withheld from before release gets no row (but the public file's own edition stays readable to it); afterwards its
    /// rows stay where they were.
    pub(super) fn concern_settle(&mut self, released: &EditionRow) -> Result<()> {
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
    pub(super) fn concern_end(&mut self, incident: Id) -> Result<()> {
        let live = concern::table.filter(concern::incident_id.eq(incident)).filter(concern::to_at.is_null());
        diesel::update(live.filter(concern::frozen_at.is_null()))
            .set(concern::to_at.eq(self.now()))
            .execute(self.db)?;
        Ok(())
    }

    /// Proposes from which States an incident is withheld, or confirms the standing proposal when another officer says the
    /// same. Returns whether it is confirmed now.
    ///
    /// # Errors
    /// The database's.
    pub fn withholding_decide(
        &mut self,
        incident: &super::Incident,
        states: &[String],
        reason: WithholdingReason,
    ) -> Result<bool> {
        let mut states = states.to_vec();
        states.sort();
        states.dedup();
        let standing = self.withholding_get(incident.id)?;
        let confirms = standing.as_ref().is_some_and(|standing| {
            standing.confirmed_at.is_none()
                && standing.states == states
                && standing.reason == reason
                && standing.proposed_by != self.actor()
        });
        let now = self.now();
        if confirms {
            diesel::update(
                withholding::table
                    .filter(withholding::incident_id.eq(incident.id))
                    .filter(withholding::confirmed_at.is_null()),
            )
            .set((withholding::confirmed_by.eq(self.actor()), withholding::confirmed_at.eq(now)))
            .execute(self.db)?;
            let released: Option<EditionRow> = e::table
                .filter(e::incident_id.eq(incident.id))
                .filter(e::is_released.ne(false))
                .first(self.db)
                .optional()?;
            if let Some(released) = released {
                self.concern_settle(&released)?;
            }
        } else {
            diesel::delete(
                withholding::table
                    .filter(withholding::incident_id.eq(incident.id))
                    .filter(withholding::confirmed_at.is_null()),
            )
            .execute(self.db)?;
            diesel::insert_into(withholding::table)
                .values((
                    withholding::id.eq(Id::new()),
                    withholding::incident_id.eq(incident.id),
                    withholding::states.eq(states.join(",")),
                    withholding::reason.eq(reason.code()),
                    withholding::proposed_by.eq(self.actor()),
                    withholding::proposed_at.eq(now),
                ))
                .execute(self.db)?;
        }
        let action = if confirms { "incident.withholding.confirm" } else { "incident.withholding.propose" };
        let detail = serde_json::json!({ "states": states, "reason": reason });
        self.note_act(action, format!("incidents/{}", incident.reference), detail);
        if confirms {
            self.narrows(NarrowingAct::Withheld {
                incident: incident.id.to_string(),
                states,
                reason: reason.code().to_owned(),
                proposed_by: standing.map_or_else(String::new, |standing| standing.proposed_by.to_string()),
                confirmed_by: self.actor().to_string(),
            });
        }
        Ok(confirms)
    }
}

fn basis_code(text: &str) -> Result<&'static str> {
    code::<Basis>(text, "concern", "basis", text).map(Code::code)
}
