//! Moving an edition through its states, and what a release does in one transaction.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::row::{Edition, VictimRow};
use super::{EditionChoice, Incident};
use crate::domain::{
    Code, Fault, IncidentStatus, NarrowingAct, Noun, Perpetrator, ReleaseGate, SealedField, release_gates, transition,
};
use crate::policy::Denial;
use crate::store::db::schema::{edition_handling as h, incident_edition as e, revision, victim};
use crate::store::history::Change;
use crate::store::{Error, Grounds, Result, Write, random_tag};

impl Write<'_> {
    /// Moves the current edition of an incident.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Conflict`] when the table has no such move, a reason is missing or a
    /// release's gate is shut; [`Error::Denied`] when the role may not, or the same person made the step before.
    pub fn incident_transition(&mut self, reference: &str, to: IncidentStatus, grounds: &Grounds) -> Result<Incident> {
        let incident = self.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        if incident.status == IncidentStatus::Released && !incident.amends {
            match (to, incident.withdrawal_by) {
                (IncidentStatus::Withdrawn, None) => return self.withdrawal_ask(&incident, Some(grounds)),
                (IncidentStatus::Released, Some(_)) => {
                    return self.withdrawal_ask(&incident, None);
                }
                (IncidentStatus::Withdrawn, Some(by)) if by == self.actor() => return Err(Denial::SamePerson.into()),
                _ => {}
            }
        }
        let edge = transition(incident.status, to).ok_or_else(|| {
            Error::Conflict(format!("An incident cannot move from {} to {}.", incident.status.code(), to.code()))
        })?;
        if !edge.by.includes(self.viewer.role) {
            return Err(Denial::Role.into());
        }
        let actor = self.actor();
        let was_verifier = to == IncidentStatus::Released && incident.verifier == Some(actor);
        if edge.by_another && (incident.author == actor || was_verifier || self.has_written(&incident)?) {
            return Err(Denial::SamePerson.into());
        }
        if edge.reason && grounds.returned.is_none() {
            return Err(Error::Invalid(vec![Fault::new("/reason", "required for this move")]));
        }
        let Edition { mut row, mut handling } = Edition::find(self.db, incident.edition)?;
        let now = self.now();
        row.status = to.code().into();
        row.updated_at = now;
        // On the record itself while it is returned or withdrawn; history keeps it.
        let is_back = matches!(to, IncidentStatus::Returned | IncidentStatus::Withdrawn);
        handling.reason = grounds.reason().filter(|_| is_back);
        handling.reason_fields = grounds.fields().filter(|_| is_back);
        let note = if is_back {
            let field = SealedField::named(Noun::Incident, "reason_note").map_or(0, |field| field.code);
            // The words of who asked before stay, unless the second has some.
            let is_alone = incident.withdrawal_by.is_none();
            let had_one = is_alone && self.held(&[incident.edition])?.contains(&(incident.edition, field));
            grounds.sealed(Noun::Incident, had_one)
        } else {
            Vec::new()
        };
        let sealed = self.seal(incident.edition, incident.id, &note, None)?;
        if !sealed.is_empty() && !row.is_released {
            // Of a released edition it moves nothing: a State that was kept from the record reads it on.
            handling.tag_confidential = random_tag();
        }
        match to {
            IncidentStatus::Verified => handling.verifier_id = Some(actor),
            IncidentStatus::Released => {
                self.gates(&incident)?;
                handling.releaser_id = Some(actor);
                row.released_at = Some(now);
                row.is_released = true;
                diesel::update(e::table.filter(e::incident_id.eq(incident.id)).filter(e::is_released.ne(false)))
                    .set((e::is_released.eq(false), e::superseded_at.eq(now)))
                    .execute(self.db)?;
            }
            IncidentStatus::Withdrawn if incident.amends => {
                // Only the amendment is given up: the released edition is the current one again.
                row.is_current = false;
                diesel::update(e::table.find(row.id)).set(e::is_current.eq(false)).execute(self.db)?;
                diesel::update(e::table.filter(e::incident_id.eq(incident.id)).filter(e::is_released.ne(false)))
                    .set(e::is_current.eq(true))
                    .execute(self.db)?;
            }
            IncidentStatus::Withdrawn => {
                row.superseded_at = row.is_released.then_some(now);
                row.is_released = false;
                self.concern_end(incident.id)?;
            }
            IncidentStatus::Draft | IncidentStatus::Submitted | IncidentStatus::Returned => {}
        }
        diesel::update(e::table.find(row.id))
            .set((
                e::status.eq(&row.status),
                e::is_current.eq(row.is_current),
                e::is_released.eq(row.is_released),
                e::released_at.eq(row.released_at),
                e::superseded_at.eq(row.superseded_at),
                e::updated_at.eq(row.updated_at),
            ))
            .execute(self.db)?;
        diesel::update(h::table.find(row.id))
            .set((
                h::verifier_id.eq(handling.verifier_id),
                h::releaser_id.eq(handling.releaser_id),
                h::reason.eq(&handling.reason),
                h::reason_fields.eq(&handling.reason_fields),
                h::tag_confidential.eq(&handling.tag_confidential),
            ))
            .execute(self.db)?;
        if to == IncidentStatus::Released {
            self.concern_settle(&row)?;
        }
        self.note(
            action(to),
            format!("incidents/{}", incident.reference),
            Change {
                noun: Noun::Incident,
                record: incident.id,
                root: incident.id,
                edition: Some(incident.number),
                kind: to.code(),
                reason: grounds.reason(),
                open: Map::from_iter([("status".to_owned(), json!({ "from": incident.status, "to": to }))]),
                sealed,
            },
        );
        match to {
            IncidentStatus::Withdrawn if !incident.amends => {
                self.narrows(NarrowingAct::Withdrawn { incident: incident.id.to_string() });
            }
            IncidentStatus::Released if incident.number > 1 => {
                let (incident, edition) = (incident.id.to_string(), incident.number);
                self.narrows(NarrowingAct::Amended { incident, edition });
            }
            _ => {}
        }
        self.incident_again(reference)
    }

    /// Asks that a released incident be withdrawn, which another officer then does; or, without grounds, lets it stand after all.
    fn withdrawal_ask(&mut self, incident: &Incident, grounds: Option<&Grounds>) -> Result<Incident> {
        let edge = transition(IncidentStatus::Released, IncidentStatus::Withdrawn);
        if !edge.is_some_and(|edge| edge.by.includes(self.viewer.role)) {
            return Err(Denial::Role.into());
        }
        if grounds.is_some_and(|grounds| grounds.returned.is_none()) {
            return Err(Error::Invalid(vec![Fault::new("/reason", "required for this move")]));
        }
        diesel::update(h::table.find(incident.edition))
            .set((h::withdrawal_by.eq(grounds.map(|_| self.actor())), h::reason.eq(grounds.and_then(Grounds::reason))))
            .execute(self.db)?;
        let (action, kind) = match grounds {
            Some(_) => ("incident.withdrawal.ask", "withdrawal_asked"),
            None => ("incident.withdrawal.decline", "withdrawal_declined"),
        };
        let note = grounds.map(|grounds| grounds.sealed(Noun::Incident, false)).unwrap_or_default();
        let sealed = self.seal(incident.edition, incident.id, &note, None)?;
        self.note(
            action,
            format!("incidents/{}", incident.reference),
            Change {
                noun: Noun::Incident,
                record: incident.id,
                root: incident.id,
                edition: Some(incident.number),
                kind,
                reason: grounds.and_then(Grounds::reason),
                open: asked(grounds.is_some()),
                sealed,
            },
        );
        self.incident_again(&incident.reference)
    }

    /// Whether the actor wrote anything of this edition: nobody verifies or releases words of their own.
    fn has_written(&mut self, incident: &Incident) -> Result<bool> {
        let written: i64 = revision::table
            .filter(revision::root_id.eq(incident.id))
            .filter(revision::edition.eq(incident.number))
            .filter(revision::author_id.eq(self.actor()))
            .filter(revision::kind.eq_any(["created", "edited", "amended", "split", "merged"]))
            .count()
            .get_result(self.db)?;
        Ok(written > 0)
    }

    /// Whether agents of a State were alleged in the edition before this one already.
    fn was_alleged(&mut self, incident: &Incident) -> Result<bool> {
        let before: Option<String> = e::table
            .filter(e::incident_id.eq(incident.id))
            .filter(e::number.lt(incident.number))
            .order(e::number.desc())
            .select(e::perpetrator_category)
            .first(self.db)
            .optional()?;
        let before = before.and_then(|code| Perpetrator::parse(&code));
        Ok(before.is_some_and(Perpetrator::is_of_a_state))
    }

    fn gates(&mut self, incident: &Incident) -> Result<()> {
        let victims: Vec<VictimRow> =
            victim::table.filter(victim::edition_id.eq(incident.edition)).order(victim::position).load(self.db)?;
        let victims = victims.into_iter().map(VictimRow::into_victim).collect::<Result<Vec<_>>>()?;
        let standing = self.withholding_get(incident.id)?;
        let confirmed_at = standing.as_ref().and_then(|standing| standing.confirmed_at);
        let decided = match confirmed_at {
            // Decided before a State was alleged, it was another question.
            Some(at) => at >= incident.created_at || self.was_alleged(incident)?,
            None => false,
        };
        if standing.is_some() && confirmed_at.is_none() {
            return Err(Error::Conflict(
                "An officer proposed to withhold this record. A second officer must decide that first.".into(),
            ));
        }
        let facts: Vec<_> = victims.iter().map(|victim| victim.facts.clone()).collect();
        let gates = release_gates(&incident.facts, &facts, decided);
        if gates.is_empty() {
            return Ok(());
        }
        let said: Vec<String> = gates
            .into_iter()
            .map(|gate| match gate {
                ReleaseGate::NotNotified(at) => {
                    let handle = victims.get(at).map_or("", |victim| victim.handle.as_str());
                    format!("for victim {handle}, the next of kin and the State are not both notified yet")
                }
                ReleaseGate::Hold => "the record is on hold".to_owned(),
                ReleaseGate::WithholdingUndecided => {
                    "agents of a State are alleged to be involved: first decide from which States to withhold the record".to_owned()
                }
            })
            .collect();
        Err(Error::Conflict(said.join("; ")))
    }
}

/// That a withdrawal is asked, or not any more, as history shows it.
pub(in crate::store) fn asked(is_asked: bool) -> Map<String, Value> {
    let (from, to) = if is_asked { (Value::Null, json!("asked")) } else { (json!("asked"), Value::Null) };
    Map::from_iter([("withdrawal".to_owned(), json!({ "from": from, "to": to }))])
}

const fn action(to: IncidentStatus) -> &'static str {
    match to {
        IncidentStatus::Draft => "incident.draft",
        IncidentStatus::Submitted => "incident.submit",
        IncidentStatus::Verified => "incident.verify",
        IncidentStatus::Released => "incident.release",
        IncidentStatus::Returned => "incident.return",
        IncidentStatus::Withdrawn => "incident.withdraw",
    }
}
