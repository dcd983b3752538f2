//! Decisions on withholding: two officers keep a record from a State, or lift that.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::domain::{Code, NarrowingAct, WithholdingReason};
use crate::store::db::Id;
use crate::store::db::schema::{incident_edition as e, withholding};
use crate::store::incident::{EditionRow, Incident};
use crate::store::{Read, Result, Write, code, split};

/// The decision from which States a record is kept.
#[derive(Debug, Clone)]
pub struct Withholding {
    /// The States.
    pub states: Vec<String>,
    /// Why.
    pub reason: WithholdingReason,
    /// Who proposed it.
    pub proposed_by: Id,
    /// When it was confirmed by a second officer; `None` while it is a proposal.
    pub confirmed_at: Option<NaiveDateTime>,
}

/// The States from which a record is withheld, out of every decision, the last first.
pub fn confirmed(decisions: &[Withholding]) -> Vec<String> {
    let confirmed = decisions.iter().filter(|decision| decision.confirmed_at.is_some());
    confirmed.max_by_key(|decision| decision.confirmed_at).map(|decision| decision.states.clone()).unwrap_or_default()
}

impl Read<'_> {
    /// The States from which the incident is withheld by a confirmed decision.
    ///
    /// # Errors
    /// The database's.
    pub(in crate::store) fn withheld_from(&mut self, incident: Id) -> Result<Vec<String>> {
        Ok(confirmed(&self.withholdings_of(incident)?))
    }

    /// Every decision on withholding, the last first.
    ///
    /// # Errors
    /// The database's.
    pub fn withholdings(&mut self, of: &Incident) -> Result<Vec<Withholding>> {
        self.withholdings_of(of.id)
    }

    fn withholdings_of(&mut self, incident: Id) -> Result<Vec<Withholding>> {
        let rows: Vec<(String, String, Id, Option<NaiveDateTime>)> = withholding::table
            .filter(withholding::incident_id.eq(incident))
            .order(withholding::proposed_at.desc())
            .select((withholding::states, withholding::reason, withholding::proposed_by, withholding::confirmed_at))
            .load(self.db)?;
        rows.into_iter()
            .map(|(states, reason, proposed_by, confirmed_at)| {
                Ok(Withholding {
                    states: split(&states),
                    reason: code(&reason, "withholding", "reason", &incident.to_string())?,
                    proposed_by,
                    confirmed_at,
                })
            })
            .collect()
    }

    /// The last decision on withholding, confirmed or proposed.
    ///
    /// # Errors
    /// The database's.
    pub fn withholding_get(&mut self, incident: Id) -> Result<Option<Withholding>> {
        Ok(self.withholdings_of(incident)?.into_iter().next())
    }
}

impl Write<'_> {
    /// Proposes from which States an incident is withheld, or confirms the standing proposal when another officer says the
    /// same. Returns whether it is confirmed now.
    ///
    /// # Errors
    /// The database's.
    pub fn withholding_decide(
        &mut self,
        incident: &Incident,
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
