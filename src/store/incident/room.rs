//! What of incidents a disclosure opens, and where a person may be named.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{EditionChoice, edition_seen};
use crate::domain::{Code as _, IncidentStatus, Noun, TaskKind};
use crate::policy::{Action, Scope, Viewer, authorize, is_on_desk};
use crate::store::candidate::{Candidate, Candidates, Room, Surroundings};
use crate::store::db::Id;
use crate::store::db::schema::{edition_handling as h, incident, incident_edition as e};
use crate::store::task::{Asked, MOST, Task, withdrawals};
use crate::store::{Error, Read, Result};

pub(in crate::store) const ROOM: Room = Room { candidates: Some(candidates), near, tasks };

fn candidates(r: &mut Read<'_>, viewer: &Viewer, reference: &str) -> Result<Candidates> {
    let incident = r.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
    let mut facts = r.incident_access(viewer, &incident)?;
    let is_state = matches!(r.scope, Scope::State(_));
    facts.under_review = facts.under_review || (is_state && r.is_disputed(&incident)?);
    let path = format!("incidents/{}", incident.reference);
    let mut all = vec![Candidate::of(Noun::Incident, incident.id, path.clone(), facts).held_by(incident.edition)];
    for victim in r.victim_list(&incident)? {
        let facts = facts.to_victim(viewer, &victim.facts.states, victim.facts.is_notified(incident.facts.occurred));
        let path = format!("{path}/victims/{}", victim.handle);
        all.push(Candidate::of(Noun::Victim, victim.record, path, facts).held_by(victim.holder));
    }
    for suspect in r.suspect_list(&incident)? {
        let path = format!("{path}/suspects/{}", suspect.handle);
        all.push(Candidate::of(Noun::Suspect, suspect.record, path, facts).held_by(suspect.holder));
    }
    if facts.relations.own_mission && is_on_desk(incident.status) {
        all = r.typed(viewer, incident.id, all)?;
    }
    Ok((all, Some(incident.facts.mission)))
}

fn near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let found: Vec<(Id, String)> = incident::table
        .filter(incident::id.eq_any(&around.incidents))
        .select((incident::id, incident::reference))
        .load(r.db)?;
    Ok(found.into_iter().map(|(id, reference)| (id, format!("incidents/{reference}"))).collect())
}

/// What was returned waits for the mission's desk; what was submitted or verified for officers, but for those who wrote or verified it.
fn tasks(r: &mut Read<'_>, viewer: &Viewer) -> Result<Vec<Task>> {
    let waits: &[(IncidentStatus, TaskKind)] = if authorize(viewer, Action::Decide).is_ok() {
        &[(IncidentStatus::Submitted, TaskKind::Verify), (IncidentStatus::Verified, TaskKind::Release)]
    } else if viewer.is_inside() {
        &[(IncidentStatus::Returned, TaskKind::Correct)]
    } else {
        &[]
    };
    let (mut tasks, actor) = (Vec::new(), Id(viewer.account));
    for (status, kind) in waits {
        let rows: Vec<(Id, String, NaiveDateTime)> = edition_seen(r.scope, EditionChoice::Working)
            .filter(e::status.eq(status.code()))
            .order(e::updated_at)
            .limit(MOST)
            .select((e::id, e::reference, e::updated_at))
            .load(r.db)?;
        let ids: Vec<Id> = rows.iter().map(|(id, ..)| *id).collect();
        let own: HashSet<Id> = if *kind == TaskKind::Correct {
            HashSet::new()
        } else {
            let handled = h::table.filter(h::edition_id.eq_any(ids));
            let own = handled.filter(h::author_id.nullable().eq(actor).or(h::verifier_id.eq(actor)));
            own.select(h::edition_id).load(r.db)?.into_iter().collect()
        };
        let others = rows.into_iter().filter(|(id, ..)| !own.contains(id));
        tasks.extend(others.map(|(_, reference, since)| Task {
            kind: *kind,
            record: format!("incidents/{reference}"),
            since,
            due_on: None,
        }));
    }
    if authorize(viewer, Action::Decide).is_ok() {
        let asked: Vec<(Id, String)> = edition_seen(r.scope, EditionChoice::Released)
            .filter(e::id.eq_any(h::table.filter(h::withdrawal_by.ne(actor)).select(h::edition_id)))
            .limit(MOST)
            .select((e::incident_id, e::reference))
            .load(r.db)?;
        tasks.extend(withdrawals(
            r,
            asked.into_iter().map(|(id, of)| Asked { id, root: id, record: format!("incidents/{of}") }).collect(),
        )?);
    }
    Ok(tasks)
}
