//! Opening the edition that a mission's own desk works on: one code for eight hours, one entry of the log.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::ClassCode;
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{disclosure, disclosure_item};
use super::super::incident::{EditionChoice, Incident};
use super::super::{Error, FactorUse, Result, Store, Write, split};
use super::{Disclosed, DisclosureOutcome, Gathered, OpenableRecord, RefusedField};
use crate::domain::{Code, DisclosureMode, Fault, Noun, Purpose, SealedField};
use crate::policy::{Decision, Refusal, Viewer, decide, may_open_edition, mode_rule};

/// Which edition is opened, and by what.
#[derive(Debug)]
pub struct EditionAsk {
    /// Reference of the incident.
    pub reference: String,
    /// The session that asks: what it opened once, it reads again without a code.
    pub session: Id,
    /// The code that was given, where none of these hours was yet.
    pub factor: Option<FactorUse>,
}

/// What an entry names: the record, its path, and the fields that were opened.
type Named = (Id, String, Vec<&'static str>);

fn named(record: &OpenableRecord) -> Named {
    (record.record, record.path.clone(), record.granted.iter().map(|field| field.name).collect())
}

/// It is opened to go on with it.
const PURPOSE: Purpose = Purpose::DataCorrection;

impl Write<'_> {
    /// When the session opened this edition last, as long as that lasts.
    fn edition_opened(&mut self, incident: &Incident, session: Id) -> Result<Option<(Id, NaiveDateTime)>> {
        let lasts = mode_rule(DisclosureMode::Edition).lasts.unwrap_or_default();
        Ok(disclosure::table
            .filter(disclosure::account_id.eq(self.actor()))
            .filter(disclosure::root_id.eq(incident.id))
            // Of this edition: an amendment is another one.
            .filter(disclosure::made_at.ge(incident.created_at))
            .filter(disclosure::mode.eq(DisclosureMode::Edition.code()))
            .filter(disclosure::within_id.assume_not_null().eq(session))
            .filter(disclosure::refusal.is_null())
            .filter(disclosure::made_at.gt(self.now() - lasts))
            .order(disclosure::made_at.desc())
            .select((disclosure::id, disclosure::made_at))
            .first(self.db)
            .optional()?)
    }

    /// Of what is opened, what no entry of this opening names yet.
    fn not_listed(&mut self, of: Id, opened: &[OpenableRecord]) -> Result<Vec<Named>> {
        let known: Vec<(Id, String)> = disclosure_item::table
            .inner_join(disclosure::table.on(disclosure::id.eq(disclosure_item::disclosure_id)))
            .filter(disclosure::id.eq(of).or(disclosure::within_id.assume_not_null().eq(of)))
            .select((disclosure_item::record_id, disclosure_item::fields))
            .load(self.db)?;
        let is_known = |record: Id, field: &str| {
            known.iter().any(|(of, fields)| *of == record && split(fields).iter().any(|name| name == field))
        };
        let more = opened.iter().map(named).map(|(record, path, fields)| {
            let fields: Vec<&'static str> = fields.into_iter().filter(|field| !is_known(record, field)).collect();
            (record, path, fields)
        });
        Ok(more.filter(|(.., fields)| !fields.is_empty()).collect())
    }

    /// Puts an opening on the record, with what it names.
    fn edition_log(
        &mut self,
        incident: &Incident,
        mission: Option<String>,
        within: Id,
        refusal: Option<Refusal>,
        opened: Vec<Named>,
    ) -> Result<Id> {
        let id = Id::new();
        let path = format!("incidents/{}", incident.reference);
        diesel::insert_into(disclosure::table)
            .values((
                disclosure::id.eq(id),
                disclosure::made_at.eq(self.now()),
                disclosure::account_id.eq(self.actor()),
                disclosure::record.eq(&path),
                disclosure::root_id.eq(incident.id),
                disclosure::mission.eq(mission),
                disclosure::class.eq(ClassCode::StrictlyConfidential.name()),
                disclosure::purpose.eq(PURPOSE.code()),
                disclosure::refusal.eq(refusal.map(Refusal::code)),
                disclosure::mode.eq(DisclosureMode::Edition.code()),
                disclosure::within_id.eq(within),
                disclosure::emergency.eq(false),
            ))
            .execute(self.db)?;
        for (record, path, fields) in &opened {
            diesel::insert_into(disclosure_item::table)
                .values((
                    disclosure_item::disclosure_id.eq(id),
                    disclosure_item::record_id.eq(record),
                    disclosure_item::record.eq(path),
                    disclosure_item::fields.eq(fields.join(",")),
                ))
                .execute(self.db)?;
        }
        self.volume_watch(opened.len())?;
        let opened: Vec<_> =
            opened.iter().map(|(_, path, fields)| json!({ "record": path, "fields": fields })).collect();
        let detail = json!({
            "disclosure": id.to_string(), "class": ClassCode::StrictlyConfidential.name(), "purpose": PURPOSE,
            "refusal": refusal.map(Refusal::code), "opened": opened, "mode": DisclosureMode::Edition,
            "within": within.to_string(), "emergency": false,
        });
        self.note_act(if refusal.is_some() { "disclosure.refuse" } else { "disclosure.grant" }, path, detail);
        Ok(id)
    }

    fn edition_open(&mut self, ask: &EditionAsk) -> Result<(Disclosed, Gathered, Option<Refusal>)> {
        let incident = self.incident_get(&ask.reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
        let refusal =
            may_open_edition(self.viewer, self.now(), &incident.facts.mission, (incident.status, incident.number == 1))
                .err();
        let known = self.edition_opened(&incident, ask.session)?;
        if let (None, Some(given)) = (&known, &ask.factor) {
            self.factor_spend(given, "disclosure")?;
        } else if known.is_none() {
            let fault = Fault::new("/code", "required: this session did not open this edition in the last eight hours");
            return Err(Error::Invalid(vec![fault]));
        }
        let viewer = self.viewer;
        let (candidates, mission) = self.candidates(viewer, Noun::Incident, &ask.reference)?;
        let (mut gathered, mut refused) = (Gathered::default(), Vec::new());
        for candidate in candidates.iter().filter(|_| refusal.is_none()) {
            let mut granted = Vec::new();
            for class in ClassCode::ALL {
                let mut of_class: Vec<&'static SealedField> = Vec::new();
                for field in SealedField::of(candidate.noun).filter(|field| field.class == class) {
                    match decide(viewer, candidate.facts_of(field), field) {
                        Decision::Granted => of_class.push(field),
                        Decision::Refused(refusal) => {
                            refused.push(RefusedField { path: candidate.path.clone(), field: field.name, refusal });
                        }
                    }
                }
                if !of_class.is_empty() {
                    self.gather(candidate, class, &of_class, &mut gathered)?;
                    granted.extend(of_class);
                }
            }
            if !granted.is_empty() {
                let (record, path, noun) = (candidate.record, candidate.path.clone(), candidate.noun);
                gathered.records.push(OpenableRecord { record, path, noun, granted });
            }
        }
        let (id, at) = match known {
            Some((id, at)) => {
                // What came since is an entry of its own, within the first.
                let more = self.not_listed(id, &gathered.records)?;
                if !more.is_empty() {
                    self.edition_log(&incident, mission, id, None, more)?;
                }
                (id, at)
            }
            None => {
                let opened = gathered.records.iter().map(named).collect();
                (self.edition_log(&incident, mission, ask.session, refusal, opened)?, self.now())
            }
        };
        let records = std::mem::take(&mut gathered.records);
        let disclosed = Disclosed { id: id.to_string(), at, purpose: PURPOSE, review_due_at: None, records, refused };
        Ok((disclosed, gathered, refusal))
    }
}

impl Store {
    /// Opens the edition that a mission's desk works on, with all that its people may read of it: logged once, and read again by the same session
    /// for eight hours.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Invalid`] without a code where one is due; [`Error::WrongNode`] on a node without keys; the
    /// database's.
    pub fn disclose_edition(&self, viewer: &Viewer, ask: &EditionAsk) -> Result<DisclosureOutcome> {
        let granter = self.granter()?;
        let (disclosed, gathered, refusal) = self.append(viewer, |w| w.edition_open(ask))?;
        Ok(match refusal {
            Some(refusal) => DisclosureOutcome::Refused(disclosed, refusal),
            None => DisclosureOutcome::Granted(disclosed, granter.grant(gathered.permitted, gathered.epochs)),
        })
    }
}
