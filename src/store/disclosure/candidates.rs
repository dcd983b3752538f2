//! The records that a disclosure is about, each with the facts that the policy judges by.

use super::super::db::Id;
use super::super::incident::EditionChoice;
use super::super::proceeding::Proceeding;
use super::super::{Error, Read, Result};
use crate::domain::{Noun, SubmissionStatus};
use crate::policy::{Facts, Relations, Scope, Viewer};

/// One record under judgement.
pub(super) struct Candidate {
    pub(super) noun: Noun,
    pub(super) record: Id,
    pub(super) holder: Id,
    pub(super) path: String,
    pub(super) facts: Facts,
}

impl Read<'_> {
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
                let facts = Facts { relations, notified: true, under_review, ..Facts::default() };
                let path = format!("incidents/{}", incident.reference);
                let mut all = vec![Candidate {
                    noun: Noun::Incident,
                    record: incident.id,
                    holder: incident.edition,
                    path: path.clone(),
                    facts,
                }];
                for victim in self.victim_list(&incident)? {
                    let own_national = viewer.state.as_ref().is_some_and(|state| victim.facts.states.contains(state));
                    all.push(Candidate {
                        noun: Noun::Victim,
                        record: victim.record,
                        holder: victim.holder,
                        path: format!("{path}/victims/{}", victim.handle),
                        facts: Facts {
                            relations: Relations { own_national, ..relations },
                            notified: victim.facts.is_notified(),
                            under_review,
                            ..Facts::default()
                        },
                    });
                }
                for suspect in self.suspect_list(&incident)? {
                    all.push(Candidate {
                        noun: Noun::Suspect,
                        record: suspect.record,
                        holder: suspect.holder,
                        path: format!("{path}/suspects/{}", suspect.handle),
                        facts,
                    });
                }
                Ok((all, Some(incident.facts.mission)))
            }
            Noun::Case => {
                let case = self.case_get(reference)?.ok_or(Error::NotFound)?;
                let relations =
                    Relations { own_mission: viewer.missions.contains(&case.facts.mission), ..Relations::default() };
                let facts =
                    Facts { relations, notified: true, under_review: case.frozen_at.is_some(), ..Facts::default() };
                let path = format!("cases/{}", case.reference);
                let one = Candidate { noun, record: case.id, holder: case.id, path, facts };
                Ok((vec![one], Some(case.facts.mission)))
            }
            Noun::Proceeding => {
                let proceeding = self.proceeding_get(reference)?.ok_or(Error::NotFound)?;
                let missions = self.proceeding_missions(proceeding.id)?;
                let relations = Relations {
                    own_mission: viewer.missions.iter().any(|own| missions.contains(own)),
                    proceeding: viewer.state.as_ref() == Some(&proceeding.facts.state),
                    ..Relations::default()
                };
                let facts = Facts {
                    relations,
                    notified: true,
                    under_review: proceeding.frozen_at.is_some() || self.is_contested(&proceeding)?,
                    ..Facts::default()
                };
                let path = format!("proceedings/{}", proceeding.reference);
                let mut all =
                    vec![Candidate { noun, record: proceeding.id, holder: proceeding.id, path: path.clone(), facts }];
                for accused in self.accused_list(&proceeding)? {
                    all.push(Candidate {
                        noun: Noun::Accused,
                        record: accused.id,
                        holder: accused.id,
                        path: format!("{path}/accused/{}", accused.handle),
                        facts,
                    });
                }
                Ok((all, missions.into_iter().next()))
            }
            Noun::Assistance => {
                let found = self.assistance_get(reference)?.ok_or(Error::NotFound)?;
                let own_mission = found.facts.mission.as_ref().is_some_and(|mission| viewer.missions.contains(mission));
                let facts = Facts {
                    relations: Relations { own_mission, ..Relations::default() },
                    notified: true,
                    ..Facts::default()
                };
                let path = format!("assistance/{}", found.reference);
                Ok((vec![Candidate { noun, record: found.id, holder: found.id, path, facts }], found.facts.mission))
            }
            Noun::Measure => {
                let found = self.measure_get(reference)?.ok_or(Error::NotFound)?;
                let facts = Facts { relations: Relations::default(), notified: true, ..Facts::default() };
                let path = format!("measures/{}", found.reference);
                Ok((vec![Candidate { noun, record: found.id, holder: found.id, path, facts }], None))
            }
            Noun::Victim | Noun::Suspect | Noun::Accused | Noun::Disclosure => Err(Error::NotFound),
        }
    }
}
