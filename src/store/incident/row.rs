//! Rows of editions, victims and suspects, and their conversion. Destructuring without `..`: a new column does not compile
//! until somebody has placed it.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::{Incident, Suspect, Victim};
use crate::domain::{Code, Counts, HoldReason, IncidentFacts, IncidentStatus, PartialDate, SuspectFacts, VictimFacts};
use crate::store::db::schema::{
    edition_handling, edition_handling as h, incident_edition, incident_edition as e, suspect, victim,
};
use crate::store::db::{Db, Id};
use crate::store::verdict::returned;
use crate::store::{Result, code, random_tag, split};

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = incident_edition)]
pub(in crate::store) struct EditionRow {
    pub(in crate::store) id: Id,
    pub(in crate::store) incident_id: Id,
    pub(in crate::store) reference: String,
    pub(in crate::store) number: i32,
    pub(in crate::store) status: String,
    pub(in crate::store) is_current: bool,
    pub(in crate::store) is_released: bool,
    pub(in crate::store) mission: String,
    pub(in crate::store) host_state: Option<String>,
    pub(in crate::store) occurred_on: NaiveDate,
    pub(in crate::store) occurred_on_precision: String,
    pub(in crate::store) occurred_year: i32,
    pub(in crate::store) region: Option<String>,
    pub(in crate::store) act: String,
    pub(in crate::store) means: String,
    pub(in crate::store) activity: String,
    pub(in crate::store) perpetrator_category: String,
    pub(in crate::store) others_killed: i32,
    pub(in crate::store) others_injured: i32,
    pub(in crate::store) victims: i32,
    pub(in crate::store) killed: i32,
    pub(in crate::store) injured: i32,
    pub(in crate::store) abducted: i32,
    pub(in crate::store) detained: i32,
    pub(in crate::store) still_held: i32,
    pub(in crate::store) noticas_id: Option<String>,
    pub(in crate::store) sage_id: Option<String>,
    pub(in crate::store) public_file: bool,
    pub(in crate::store) updated_at: NaiveDateTime,
    pub(in crate::store) released_at: Option<NaiveDateTime>,
    pub(in crate::store) superseded_at: Option<NaiveDateTime>,
}

/// How an edition was worked on. A table of its own: the edition's would have more columns than Diesel takes without a feature that
/// costs every build three quarters of a minute.
#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = edition_handling)]
pub(super) struct HandlingRow {
    pub(super) edition_id: Id,
    pub(super) author_id: Id,
    pub(super) verifier_id: Option<Id>,
    pub(super) releaser_id: Option<Id>,
    pub(super) created_at: NaiveDateTime,
    pub(super) hold_reason: Option<String>,
    pub(super) hold_review_on: Option<NaiveDate>,
    pub(super) reason: Option<String>,
    pub(super) reason_fields: Option<String>,
    pub(super) withdrawal_by: Option<Id>,
    pub(super) tag_confidential: Vec<u8>,
    pub(super) tag_strictly_confidential: Vec<u8>,
}

impl HandlingRow {
    /// Of an edition that somebody begins.
    pub(super) fn new(edition_id: Id, author_id: Id, created_at: NaiveDateTime) -> Self {
        Self {
            edition_id,
            author_id,
            verifier_id: None,
            releaser_id: None,
            created_at,
            hold_reason: None,
            hold_review_on: None,
            reason: None,
            reason_fields: None,
            withdrawal_by: None,
            tag_confidential: random_tag(),
            tag_strictly_confidential: random_tag(),
        }
    }
}

/// An edition, and how it was worked on.
#[derive(Clone)]
pub(super) struct Edition {
    pub(super) row: EditionRow,
    pub(super) handling: HandlingRow,
}

/// So many editions are asked for at once: a statement has a bounded number of parameters.
const AT_ONCE: usize = 1_000;

impl Edition {
    /// The edition of an id.
    pub(super) fn find(db: &mut Db, id: Id) -> Result<Self> {
        let (row, handling) = (e::table.find(id).first(db)?, h::table.find(id).first(db)?);
        Ok(Self { row, handling })
    }

    /// How these editions were worked on, in their order.
    pub(super) fn all(db: &mut Db, rows: Vec<EditionRow>) -> Result<Vec<Self>> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let mut handled: HashMap<Id, HandlingRow> = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let some: Vec<HandlingRow> = h::table.filter(h::edition_id.eq_any(ids)).load(db)?;
            handled.extend(some.into_iter().map(|handling| (handling.edition_id, handling)));
        }
        let whole = |row: EditionRow| {
            let handling = handled.remove(&row.id).ok_or(diesel::result::Error::NotFound)?;
            Ok(Self { row, handling })
        };
        rows.into_iter().map(whole).collect()
    }

    /// Stores a new edition.
    pub(super) fn insert(&self, db: &mut Db) -> Result<()> {
        diesel::insert_into(e::table).values(self.row.clone()).execute(db)?;
        diesel::insert_into(h::table).values(self.handling.clone()).execute(db)?;
        Ok(())
    }
}

const EDITION: &str = "incident_edition";

impl Edition {
    pub(super) fn into_incident(self) -> Result<Incident> {
        let HandlingRow {
            edition_id: _,
            author_id,
            verifier_id,
            releaser_id: _,
            created_at,
            hold_reason,
            hold_review_on,
            reason,
            reason_fields,
            withdrawal_by,
            tag_confidential,
            tag_strictly_confidential,
        } = self.handling;
        let EditionRow {
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
            still_held,
            noticas_id,
            sage_id,
            public_file,
            updated_at,
            released_at,
            superseded_at: _,
        } = self.row;
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
            counts: Counts { victims, killed, injured, abducted, detained, still_held },
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

    /// Writes facts into the rows.
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
        self.row.mission = mission;
        self.row.host_state = host_state;
        self.row.occurred_on = occurred.first();
        self.row.occurred_on_precision = occurred.precision().code().into();
        self.row.occurred_year = occurred.first().year();
        self.row.region = region;
        self.row.act = act.code().into();
        self.row.means = means.code().into();
        self.row.activity = activity.code().into();
        self.row.perpetrator_category = perpetrator.code().into();
        self.row.others_killed = others_killed;
        self.row.others_injured = others_injured;
        self.row.noticas_id = noticas_id;
        self.row.sage_id = sage_id;
        self.handling.hold_reason = hold.map(|(reason, _)| reason.code().into());
        self.handling.hold_review_on = hold.map(|(_, on)| on);
    }

    /// A first edition, with no facts yet.
    pub(super) fn first(
        incident_id: Id,
        reference: String,
        status: IncidentStatus,
        author: Id,
        now: NaiveDateTime,
    ) -> Self {
        let id = Id::new();
        let row = EditionRow {
            id,
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
            still_held: 0,
            noticas_id: None,
            sage_id: None,
            public_file: false,
            updated_at: now,
            released_at: None,
            superseded_at: None,
        };
        Self { row, handling: HandlingRow::new(id, author, now) }
    }
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = victim)]
pub(in crate::store) struct VictimRow {
    pub(in crate::store) id: Id,
    pub(in crate::store) edition_id: Id,
    pub(in crate::store) victim_id: Id,
    pub(in crate::store) handle: String,
    pub(in crate::store) position: i32,
    pub(in crate::store) category: String,
    pub(in crate::store) states: String,
    pub(in crate::store) outcome: String,
    pub(in crate::store) sex_of_dead: Option<String>,
    pub(in crate::store) noticas_id: Option<String>,
    pub(in crate::store) kin_notified_on: Option<NaiveDate>,
    pub(in crate::store) state_notified_on: Option<NaiveDate>,
    pub(in crate::store) died_on: Option<NaiveDate>,
    pub(in crate::store) held_from: Option<NaiveDate>,
    pub(in crate::store) held_until: Option<NaiveDate>,
    pub(in crate::store) held_end: Option<String>,
}

impl VictimRow {
    pub(in crate::store) fn new(
        edition_id: Id,
        victim_id: Id,
        handle: String,
        position: i32,
        facts: &VictimFacts,
    ) -> Self {
        let VictimFacts {
            category,
            states,
            outcome,
            sex_of_dead,
            noticas_id,
            kin_notified_on,
            state_notified_on,
            died_on,
            held_from,
            held_until,
            held_end,
        } = facts.clone();
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
            died_on,
            held_from,
            held_until,
            held_end: held_end.map(|end| end.code().into()),
        }
    }

    pub(in crate::store) fn into_victim(self) -> Result<Victim> {
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
            died_on,
            held_from,
            held_until,
            held_end,
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
                died_on,
                held_from,
                held_until,
                held_end: held_end.map(|end| code(&end, "victim", "held_end", &handle)).transpose()?,
            },
            handle,
        })
    }
}

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = suspect)]
pub(in crate::store) struct SuspectRow {
    pub(in crate::store) id: Id,
    pub(in crate::store) edition_id: Id,
    pub(in crate::store) suspect_id: Id,
    pub(in crate::store) handle: String,
    pub(in crate::store) position: i32,
    pub(in crate::store) category: String,
    pub(in crate::store) status: String,
}

impl SuspectRow {
    pub(in crate::store) fn new(
        edition_id: Id,
        suspect_id: Id,
        handle: String,
        position: i32,
        facts: &SuspectFacts,
    ) -> Self {
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

    pub(in crate::store) fn into_suspect(self) -> Result<Suspect> {
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
