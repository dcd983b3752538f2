//! Rows of editions, victims and suspects, and their conversion. Destructuring without `..`: a new column does not compile
//! until somebody has placed it.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::{Incident, Suspect, Victim};
use crate::domain::{Code, Counts, HoldReason, IncidentFacts, IncidentStatus, PartialDate, SuspectFacts, VictimFacts};
use crate::store::db::Id;
use crate::store::db::schema::{incident_edition, suspect, victim};
use crate::store::verdict::returned;
use crate::store::{Result, code, split};

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = incident_edition)]
pub(super) struct EditionRow {
    pub(super) id: Id,
    pub(super) incident_id: Id,
    pub(super) reference: String,
    pub(super) number: i32,
    pub(super) status: String,
    pub(super) is_current: bool,
    pub(super) is_released: bool,
    pub(super) mission: String,
    pub(super) host_state: Option<String>,
    pub(super) occurred_on: NaiveDate,
    pub(super) occurred_on_precision: String,
    pub(super) occurred_year: i32,
    pub(super) region: Option<String>,
    pub(super) act: String,
    pub(super) means: String,
    pub(super) activity: String,
    pub(super) perpetrator_category: String,
    pub(super) others_killed: i32,
    pub(super) others_injured: i32,
    pub(super) victims: i32,
    pub(super) killed: i32,
    pub(super) injured: i32,
    pub(super) abducted: i32,
    pub(super) detained: i32,
    pub(super) noticas_id: Option<String>,
    pub(super) sage_id: Option<String>,
    pub(super) hold_reason: Option<String>,
    pub(super) hold_review_on: Option<NaiveDate>,
    pub(super) public_file: bool,
    pub(super) author_id: Id,
    pub(super) verifier_id: Option<Id>,
    pub(super) releaser_id: Option<Id>,
    pub(super) tag_confidential: Vec<u8>,
    pub(super) tag_strictly_confidential: Vec<u8>,
    pub(super) created_at: NaiveDateTime,
    pub(super) updated_at: NaiveDateTime,
    pub(super) released_at: Option<NaiveDateTime>,
    pub(super) superseded_at: Option<NaiveDateTime>,
    pub(super) reason: Option<String>,
    pub(super) reason_fields: Option<String>,
    pub(super) withdrawal_by: Option<Id>,
}

const EDITION: &str = "incident_edition";

impl EditionRow {
    pub(super) fn into_incident(self) -> Result<Incident> {
        let Self {
            id,
            incident_id,
            reference,
            number,
            status,
            is_current: _,
            is_released,
            mission,
            host_state,
            occurred_on,
            occurred_on_precision,
            occurred_year: _,
            region,
            act,
            means,
            activity,
            perpetrator_category,
            others_killed,
            others_injured,
            victims,
            killed,
            injured,
            abducted,
            detained,
            noticas_id,
            sage_id,
            hold_reason,
            hold_review_on,
            public_file,
            author_id,
            verifier_id,
            releaser_id: _,
            tag_confidential,
            tag_strictly_confidential,
            created_at,
            updated_at,
            released_at,
            superseded_at: _,
            reason,
            reason_fields,
            withdrawal_by,
        } = self;
        let hold: Option<HoldReason> =
            hold_reason.map(|text| code(&text, EDITION, "hold_reason", &reference)).transpose()?;
        Ok(Incident {
            withdrawal_by,
            returned: returned(reason, reason_fields, EDITION, &reference)?,
            facts: IncidentFacts {
                mission,
                host_state,
                occurred: PartialDate::new(
                    occurred_on,
                    code(&occurred_on_precision, EDITION, "occurred_on_precision", &reference)?,
                ),
                region,
                act: code(&act, EDITION, "act", &reference)?,
                means: code(&means, EDITION, "means", &reference)?,
                activity: code(&activity, EDITION, "activity", &reference)?,
                perpetrator: code(&perpetrator_category, EDITION, "perpetrator_category", &reference)?,
                others_killed,
                others_injured,
                noticas_id,
                sage_id,
                hold: hold.zip(hold_review_on),
            },
            counts: Counts { victims, killed, injured, abducted, detained },
            status: code(&status, EDITION, "status", &reference)?,
            amends: number > 1 && !is_released,
            id: incident_id,
            edition: id,
            reference,
            number,
            public_file,
            author: author_id,
            verifier: verifier_id,
            tags: [tag_confidential, tag_strictly_confidential],
            created_at,
            updated_at,
            released_at,
        })
    }

    /// Writes facts into the row.
    pub(super) fn set_facts(&mut self, facts: &IncidentFacts) {
        let IncidentFacts {
            mission,
            host_state,
            occurred,
            region,
            act,
            means,
            activity,
            perpetrator,
            others_killed,
            others_injured,
            noticas_id,
            sage_id,
            hold,
        } = facts.clone();
        self.mission = mission;
        self.host_state = host_state;
        self.occurred_on = occurred.first();
        self.occurred_on_precision = occurred.precision().code().into();
        self.occurred_year = occurred.first().year();
        self.region = region;
        self.act = act.code().into();
        self.means = means.code().into();
        self.activity = activity.code().into();
        self.perpetrator_category = perpetrator.code().into();
        self.others_killed = others_killed;
        self.others_injured = others_injured;
        self.noticas_id = noticas_id;
        self.sage_id = sage_id;
        self.hold_reason = hold.map(|(reason, _)| reason.code().into());
        self.hold_review_on = hold.map(|(_, on)| on);
    }

    /// A first edition, with no facts yet.
    pub(super) fn first(
        incident_id: Id,
        reference: String,
        status: IncidentStatus,
        author: Id,
        now: NaiveDateTime,
    ) -> Self {
        Self {
            id: Id::new(),
            incident_id,
            reference,
            number: 1,
            status: status.code().into(),
            is_current: true,
            is_released: false,
            mission: String::new(),
            host_state: None,
            occurred_on: NaiveDate::default(),
            occurred_on_precision: String::new(),
            occurred_year: 0,
            region: None,
            act: String::new(),
            means: String::new(),
            activity: String::new(),
            perpetrator_category: String::new(),
            others_killed: 0,
            others_injured: 0,
            victims: 0,
            killed: 0,
            injured: 0,
            abducted: 0,
            detained: 0,
            noticas_id: None,
            sage_id: None,
            hold_reason: None,
            hold_review_on: None,
            public_file: false,
            author_id: author,
            verifier_id: None,
            releaser_id: None,
            tag_confidential: crate::store::random_tag(),
            tag_strictly_confidential: crate::store::random_tag(),
            created_at: now,
            updated_at: now,
            released_at: None,
            superseded_at: None,
            reason: None,
            reason_fields: None,
            withdrawal_by: None,
        }
    }
}

/// Open facts by name, as history shows them.
pub(super) fn incident_fields(facts: &IncidentFacts) -> Map<String, Value> {
    let value = json!({
        "mission": facts.mission,
        "host_state": facts.host_state,
        "occurred_on": facts.occurred.first(),
        "occurred_on_precision": facts.occurred.precision(),
        "region": facts.region,
        "act": facts.act,
        "means": facts.means,
        "activity": facts.activity,
        "perpetrator_category": facts.perpetrator,
        "others_killed": facts.others_killed,
        "others_injured": facts.others_injured,
        "noticas_id": facts.noticas_id,
        "sage_id": facts.sage_id,
        "hold_reason": facts.hold.map(|(reason, _)| reason),
        "hold_review_on": facts.hold.map(|(_, on)| on),
    });
    object(value)
}

pub(super) fn victim_fields(handle: &str, facts: &VictimFacts) -> Map<String, Value> {
    object(json!({
        "handle": handle,
        "category": facts.category,
        "states": facts.states,
        "outcome": facts.outcome,
        "sex_of_dead": facts.sex_of_dead,
        "noticas_id": facts.noticas_id,
        "kin_notified_on": facts.kin_notified_on,
        "state_notified_on": facts.state_notified_on,
    }))
}

pub(super) fn suspect_fields(handle: &str, facts: &SuspectFacts) -> Map<String, Value> {
    object(json!({ "handle": handle, "category": facts.category, "status": facts.status }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = victim)]
pub(super) struct VictimRow {
    pub(super) id: Id,
    pub(super) edition_id: Id,
    pub(super) victim_id: Id,
    pub(super) handle: String,
    pub(super) position: i32,
    pub(super) category: String,
    pub(super) states: String,
    pub(super) outcome: String,
    pub(super) sex_of_dead: Option<String>,
    pub(super) noticas_id: Option<String>,
    pub(super) kin_notified_on: Option<NaiveDate>,
    pub(super) state_notified_on: Option<NaiveDate>,
}

impl VictimRow {
    pub(super) fn new(edition_id: Id, victim_id: Id, handle: String, position: i32, facts: &VictimFacts) -> Self {
        let VictimFacts { category, states, outcome, sex_of_dead, noticas_id, kin_notified_on, state_notified_on } =
            facts.clone();
        Self {
            id: Id::new(),
            edition_id,
            victim_id,
            handle,
            position,
            category: category.code().into(),
            states: states.join(","),
            outcome: outcome.code().into(),
            sex_of_dead: sex_of_dead.map(|sex| sex.code().into()),
            noticas_id,
            kin_notified_on,
            state_notified_on,
        }
    }

    pub(super) fn into_victim(self) -> Result<Victim> {
        let Self {
            id,
            edition_id,
            victim_id,
            handle,
            position: _,
            category,
            states,
            outcome,
            sex_of_dead,
            noticas_id,
            kin_notified_on,
            state_notified_on,
        } = self;
        Ok(Victim {
            record: victim_id,
            holder: id,
            edition: edition_id,
            facts: VictimFacts {
                category: code(&category, "victim", "category", &handle)?,
                states: split(&states),
                outcome: code(&outcome, "victim", "outcome", &handle)?,
                sex_of_dead: sex_of_dead.map(|sex| code(&sex, "victim", "sex_of_dead", &handle)).transpose()?,
                noticas_id,
                kin_notified_on,
                state_notified_on,
            },
            handle,
        })
    }
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = suspect)]
pub(super) struct SuspectRow {
    pub(super) id: Id,
    pub(super) edition_id: Id,
    pub(super) suspect_id: Id,
    pub(super) handle: String,
    pub(super) position: i32,
    pub(super) category: String,
    pub(super) status: String,
}

impl SuspectRow {
    pub(super) fn new(edition_id: Id, suspect_id: Id, handle: String, position: i32, facts: &SuspectFacts) -> Self {
        let SuspectFacts { category, status } = facts;
        Self {
            id: Id::new(),
            edition_id,
            suspect_id,
            handle,
            position,
            category: category.code().into(),
            status: status.code().into(),
        }
    }

    pub(super) fn into_suspect(self) -> Result<Suspect> {
        let Self { id, edition_id, suspect_id, handle, position: _, category, status } = self;
        Ok(Suspect {
            record: suspect_id,
            holder: id,
            edition: edition_id,
            facts: SuspectFacts {
                category: code(&category, "suspect", "category", &handle)?,
                status: code(&status, "suspect", "status", &handle)?,
            },
            handle,
        })
    }
}
