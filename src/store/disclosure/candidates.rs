//! The records that a disclosure is about, each with the facts that the policy judges by.

use std::collections::HashMap;

use diesel::prelude::*;

use super::super::db::Id;
use super::super::db::schema::{account, revision};
use super::super::incident::EditionChoice;
use super::super::proceeding::Proceeding;
use super::super::{Error, Read, Result, split};
use crate::domain::{Noun, SealedChange, SealedField, SubmissionStatus};
use crate::policy::{AccessContext, Relations, Scope, Viewer, is_on_desk};

/// One record under judgement.
pub(super) struct Candidate {
    pub(super) noun: Noun,
    pub(super) record: Id,
    pub(super) holder: Id,
    pub(super) path: String,
    pub(super) facts: AccessContext,
    /// Codes of the fields whose value the viewer, or the viewer's State, typed.
    pub(super) typed: Vec<u16>,
}

impl Candidate {
    /// The facts by which one of its fields is judged.
    pub(super) fn facts_of(&self, field: &SealedField) -> AccessContext {
        let relations = Relations { typed: self.typed.contains(&field.code), ..self.facts.relations };
        AccessContext { relations, ..self.facts }
    }
}

fn is_own(viewer: &Viewer, submitted: &Option<String>) -> bool {
    submitted.is_some() && *submitted == viewer.state
}

impl Read<'_> {
    /// Tells of each of these records which fields the viewer typed, or of a State's viewer the State: who wrote a value last.
    fn typed(&mut self, viewer: &Viewer, root: Id, mut all: Vec<Candidate>) -> Result<Vec<Candidate>> {
        let rows: Vec<(Id, String, Id, Option<String>)> = revision::table
            .inner_join(account::table.on(account::id.eq(revision::author_id)))
            .filter(revision::root_id.eq(root))
            .filter(revision::sealed_changes.ne(""))
            .order((revision::made_at, revision::id))
            .select((revision::record_id, revision::sealed_changes, revision::author_id, account::state))
            .load(self.db)?;
        let own = |author: Id, state: &Option<String>| match &viewer.state {
            Some(of) => state.as_ref() == Some(of),
            None => author.0 == viewer.account,
        };
        let mut last: HashMap<(Id, u16), bool> = HashMap::new();
        for (record, codes, author, state) in &rows {
            for code in split(codes).iter().filter_map(|code| code.parse::<u16>().ok()) {
                for field in SealedChange::coded(code).into_iter().flat_map(SealedChange::fields) {
                    last.insert((*record, field.code), own(*author, state));
                }
            }
        }
        for one in &mut all {
            // What came with a report stands in the report's own revision.
            let is_own =
                |code: &u16| last.get(&(one.record, *code)).or_else(|| last.get(&(root, *code))) == Some(&true);
            one.typed = SealedField::of(one.noun).map(|field| field.code).filter(is_own).collect();
        }
        Ok(all)
    }

    /// Whether a State sees an incident behind a proceeding that is looked at again: then its seals are under review to it, so that a
    /// withholding does not announce itself here either.
    fn is_contested(&mut self, of: &Proceeding) -> Result<bool> {
        if self.scope.state().is_none() {
            return Ok(false);
        }
        for case in self.proceeding_cases(of.id)? {
            for incident in self.case_incidents(&case, SubmissionStatus::Accepted)? {
                if self.is_disputed(&incident)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    pub(super) fn candidates(
        &mut self,
        viewer: &Viewer,
        noun: Noun,
        reference: &str,
    ) -> Result<(Vec<Candidate>, Option<String>)> {
        match noun {
            Noun::Incident => {
                let incident = self.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
                let (relations, withheld) = self.incident_relations(viewer, &incident)?;
                let is_state = matches!(self.scope, Scope::State(_));
                let under_review = withheld || (is_state && self.is_disputed(&incident)?);
                let facts = AccessContext { relations, notified: true, under_review, ..AccessContext::default() };
                let path = format!("incidents/{}", incident.reference);
                let mut all = vec![Candidate {
                    noun: Noun::Incident,
                    record: incident.id,
                    holder: incident.edition,
                    path: path.clone(),
                    facts,
                    typed: Vec::new(),
                }];
                for victim in self.victim_list(&incident)? {
                    let own_national = viewer.state.as_ref().is_some_and(|state| victim.facts.states.contains(state));
                    all.push(Candidate {
                        noun: Noun::Victim,
                        record: victim.record,
                        holder: victim.holder,
                        path: format!("{path}/victims/{}", victim.handle),
                        facts: AccessContext {
                            relations: Relations { own_national, ..relations },
                            notified: victim.facts.is_notified(),
                            under_review,
                            ..AccessContext::default()
                        },
                        typed: Vec::new(),
                    });
                }
                for suspect in self.suspect_list(&incident)? {
                    all.push(Candidate {
                        noun: Noun::Suspect,
                        record: suspect.record,
                        holder: suspect.holder,
                        path: format!("{path}/suspects/{}", suspect.handle),
                        facts,
                        typed: Vec::new(),
                    });
                }
                if relations.own_mission && is_on_desk(incident.status) {
                    all = self.typed(viewer, incident.id, all)?;
                }
                Ok((all, Some(incident.facts.mission)))
            }
            Noun::Case => {
                let case = self.case_get(reference)?.ok_or(Error::NotFound)?;
                let relations =
                    Relations { own_mission: viewer.missions.contains(&case.facts.mission), ..Relations::default() };
                let facts = AccessContext {
                    relations,
                    notified: true,
                    under_review: case.frozen_at.is_some(),
                    ..AccessContext::default()
                };
                let path = format!("cases/{}", case.reference);
                let one = Candidate { noun, record: case.id, holder: case.id, path, facts, typed: Vec::new() };
                Ok((vec![one], Some(case.facts.mission)))
            }
            Noun::Proceeding => {
                let proceeding = self.proceeding_get(reference)?.ok_or(Error::NotFound)?;
                let missions = self.proceeding_missions(proceeding.id)?;
                let relations = Relations {
                    own_mission: viewer.missions.iter().any(|own| missions.contains(own)),
                    proceeding: viewer.state.as_ref() == Some(&proceeding.facts.state),
                    // Why it came back is told with what it became; what is asked about an accepted one is not.
                    own_submission: is_own(viewer, &proceeding.submitted_state)
                        && proceeding.status != SubmissionStatus::Accepted,
                    ..Relations::default()
                };
                let facts = AccessContext {
                    relations,
                    notified: true,
                    under_review: proceeding.frozen_at.is_some() || self.is_contested(&proceeding)?,
                    ..AccessContext::default()
                };
                let path = format!("proceedings/{}", proceeding.reference);
                let (record, typed) = (proceeding.id, Vec::new());
                let mut all = vec![Candidate { noun, record, holder: record, path: path.clone(), facts, typed }];
                for accused in self.accused_list(&proceeding)? {
                    let own_submission = is_own(viewer, &accused.submitted_state);
                    all.push(Candidate {
                        noun: Noun::Accused,
                        record: accused.id,
                        holder: accused.id,
                        path: format!("{path}/accused/{}", accused.handle),
                        facts: AccessContext { relations: Relations { own_submission, ..relations }, ..facts },
                        typed: Vec::new(),
                    });
                }
                for step in self.step_list(&proceeding)? {
                    let own_submission = is_own(viewer, &step.submitted_state);
                    all.push(Candidate {
                        noun: Noun::Step,
                        record: step.id,
                        holder: step.id,
                        path: format!("{path}/steps/{}", step.handle),
                        facts: AccessContext { relations: Relations { own_submission, ..relations }, ..facts },
                        typed: Vec::new(),
                    });
                }
                if viewer.state.is_some() {
                    all = self.typed(viewer, proceeding.id, all)?;
                }
                Ok((all, missions.into_iter().next()))
            }
            Noun::Assistance => {
                let found = self.assistance_get(reference)?.ok_or(Error::NotFound)?;
                let own_mission = found.facts.mission.as_ref().is_some_and(|mission| viewer.missions.contains(mission));
                let facts = AccessContext {
                    relations: Relations { own_mission, ..Relations::default() },
                    notified: true,
                    ..AccessContext::default()
                };
                let path = format!("assistance/{}", found.reference);
                let one = Candidate { noun, record: found.id, holder: found.id, path, facts, typed: Vec::new() };
                Ok((vec![one], found.facts.mission))
            }
            Noun::Measure => {
                let found = self.measure_get(reference)?.ok_or(Error::NotFound)?;
                let own_submission = is_own(viewer, &found.submitted_state);
                let relations = Relations { own_submission, ..Relations::default() };
                let facts = AccessContext { relations, notified: true, ..AccessContext::default() };
                let path = format!("measures/{}", found.reference);
                let mut all =
                    vec![Candidate { noun, record: found.id, holder: found.id, path, facts, typed: Vec::new() }];
                if viewer.state.is_some() {
                    all = self.typed(viewer, found.id, all)?;
                }
                Ok((all, None))
            }
            Noun::Victim | Noun::Suspect | Noun::Accused | Noun::Step | Noun::Disclosure => Err(Error::NotFound),
        }
    }
}
