//! A disclosure's transaction: facts and ciphertexts are loaded, the pure policy is asked, the grant or the refusal is
//! written and logged; the permit is handed out only after the commit.

mod approval;
mod edition;
mod log;
mod matching;
mod note;
mod prove;
mod review;
mod sitting;

use std::collections::HashSet;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::{ClassCode, Permit, PermittedRecord, Plain, StoredEpoch};
use serde_json::json;

use super::candidate::{Candidate, Room, Surroundings};
use super::db::Id;
use super::db::schema::{disclosure, disclosure_item};
use super::{Error, FactorUse, Read, Result, Store, Write};
use crate::domain::{Code, DisclosureMode, Fault, Noun, Purpose, SealedField};
use crate::policy::{AccessContext, Decision, Refusal, Viewer, bars, decide, mode_rule};

pub use approval::{Approval, ApprovalAsk};
pub use edition::EditionAsk;
pub use log::{DisclosureFilter, DisclosureRow};
pub use matching::{KnownPerson, MatchAsk, MatchOutcome, Matching};
pub use note::Asked;
pub use review::Alert;
pub use sitting::Sitting;

/// What is asked.
#[derive(Debug)]
pub struct DisclosureAsk {
    /// The records, each by noun and reference: one, but for a file.
    pub records: Vec<(Noun, String)>,
    /// Class to open.
    pub class: ClassCode,
    /// Only these fields; all of the class when empty.
    pub fields: Vec<String>,
    /// What it rests on.
    pub warrant: Authorization,
    /// Why, in words: sealed under the disclosure's own id.
    pub note: Option<Plain>,
    /// The code that was given for it, used up in its transaction; none within a sitting, which took one.
    pub factor: Option<FactorUse>,
}

/// What a disclosure rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// A purpose of its own.
    Purpose(Purpose),
    /// A sitting, within the session that began it.
    Sitting {
        /// The sitting.
        id: Id,
        /// The session that asks.
        session: Id,
    },
    /// What a second officer approved.
    Approval(Id),
    /// An emergency: nobody approved, and another officer reviews it.
    Emergency(Purpose),
    /// A purpose, for a selection as one file.
    File(Purpose),
}

/// One record, or child of it, that a disclosure was asked for.
#[derive(Debug, Clone)]
pub struct OpenableRecord {
    /// Permanent id.
    pub record: Id,
    /// Path, `incidents/MINUSMA-2019-7KQ4/victims/3F8K2A`.
    pub path: String,
    /// Noun.
    pub noun: Noun,
    /// Fields that may be opened, whether or not they hold anything.
    pub granted: Vec<&'static SealedField>,
}

/// A field that stays sealed, and why.
#[derive(Debug, Clone)]
pub struct RefusedField {
    /// Path of the record.
    pub path: String,
    /// The field.
    pub field: &'static str,
    /// Why.
    pub refusal: Refusal,
}

/// What the transaction decided.
#[derive(Debug)]
pub struct Disclosed {
    /// Id of the disclosure, or of the file, hexadecimal.
    pub id: String,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Why.
    pub purpose: Purpose,
    /// By when another officer reviews it (UTC), where nobody approved.
    pub review_due_at: Option<NaiveDateTime>,
    /// Records with granted fields.
    pub records: Vec<OpenableRecord>,
    /// Fields that stay sealed.
    pub refused: Vec<RefusedField>,
}

/// A committed decision.
#[derive(Debug)]
pub enum DisclosureOutcome {
    /// Some fields may be opened, with this permit.
    Granted(Disclosed, Permit),
    /// None may.
    Refused(Disclosed, Refusal),
}

/// What a warrant comes to, once it was looked up.
struct ResolvedAuthorization {
    purpose: Purpose,
    mode: DisclosureMode,
    /// The sitting, approval or file that it is within.
    within: Option<Id>,
    approved: bool,
    emergency: bool,
    /// What bars it whatever the record.
    barred: Option<Refusal>,
    /// The fields that were approved; all when empty.
    fields: Vec<String>,
}

/// What is answered, and what may be opened with which epochs.
#[derive(Default)]
struct Gathered {
    records: Vec<OpenableRecord>,
    refused: Vec<RefusedField>,
    permitted: Vec<PermittedRecord>,
    epochs: Vec<StoredEpoch>,
}

impl Write<'_> {
    /// Whether the viewer made as many of this mode today as the policy gives.
    fn is_spent(&mut self, mode: DisclosureMode) -> Result<bool> {
        let Some(most) = mode_rule(mode).a_day else { return Ok(false) };
        Ok(self.made_today(mode)? >= most)
    }

    fn standing(&mut self, ask: &DisclosureAsk) -> Result<ResolvedAuthorization> {
        let alone = |purpose| ResolvedAuthorization {
            purpose,
            mode: DisclosureMode::Record,
            within: None,
            approved: false,
            emergency: false,
            barred: None,
            fields: Vec::new(),
        };
        let standing = match ask.warrant {
            Authorization::Purpose(purpose) => alone(purpose),
            Authorization::Sitting { id, session } => {
                let purpose = self.sitting_purpose(id, session)?;
                ResolvedAuthorization { mode: DisclosureMode::Sitting, within: Some(id), ..alone(purpose) }
            }
            Authorization::Approval(id) => {
                let (purpose, fields) = self.approval_use(id, ask)?;
                ResolvedAuthorization { within: Some(id), approved: true, fields, ..alone(purpose) }
            }
            Authorization::Emergency(purpose) => {
                let barred = self.review_is_pending()?.then_some(Refusal::ReviewPending);
                ResolvedAuthorization { approved: true, emergency: true, barred, ..alone(purpose) }
            }
            Authorization::File(purpose) => {
                let barred = self.is_spent(DisclosureMode::File)?;
                ResolvedAuthorization {
                    mode: DisclosureMode::File,
                    within: Some(Id::new()),
                    barred: barred.then_some(Refusal::Quota),
                    ..alone(purpose)
                }
            }
        };
        if !mode_rule(standing.mode).classes.contains(&ask.class) {
            return Err(Error::Invalid(vec![Fault::new("/class", "a sitting opens only confidential fields")]));
        }
        let barred = bars(self.viewer, self.now()).or(standing.barred);
        Ok(ResolvedAuthorization { barred, ..standing })
    }

    /// Loads the ciphertexts of what was granted of one record, of a class.
    fn gather(
        &mut self,
        candidate: &Candidate,
        class: ClassCode,
        granted: &[&'static SealedField],
        gathered: &mut Gathered,
    ) -> Result<()> {
        let found = self.ciphertexts(candidate.holder, candidate.record, class)?;
        gathered.permitted.push(PermittedRecord {
            record: candidate.record.record(),
            class,
            values: found
                .values
                .into_iter()
                .filter(|(field, _)| granted.iter().any(|allowed| allowed.code == field.code))
                .map(|(field, bytes)| (field.field(), bytes))
                .collect(),
            data_keys: found.data_keys,
        });
        gathered.epochs.extend(found.epochs);
        Ok(())
    }

    /// Decides on one record with its children, and writes the decision. Gives the disclosure's id and its refusal, if nothing of
    /// it may be opened.
    fn disclosure_write(
        &mut self,
        ask: &DisclosureAsk,
        standing: &ResolvedAuthorization,
        (noun, reference): (Noun, &str),
        gathered: &mut Gathered,
    ) -> Result<(Id, Option<Refusal>)> {
        let viewer = self.viewer;
        let (candidates, mission) = self.candidates(viewer, noun, reference)?;
        let root = candidates.first().ok_or(Error::NotFound)?;
        let (root_id, root_path) = (root.record, root.path.clone());
        let (first, first_refused) = (gathered.records.len(), gathered.refused.len());
        for candidate in candidates {
            let named = |fields: &[String], field: &SealedField| {
                fields.is_empty() || fields.iter().any(|name| name == field.name)
            };
            let asked = |field: &&SealedField| {
                field.class == ask.class && named(&ask.fields, field) && named(&standing.fields, field)
            };
            let mut granted: Vec<&'static SealedField> = Vec::new();
            for field in SealedField::of(candidate.noun).filter(asked) {
                let facts = AccessContext { approved: standing.approved, ..candidate.facts_of(field) };
                match standing.barred.map_or_else(|| decide(viewer, facts, field), Decision::Refused) {
                    Decision::Granted => granted.push(field),
                    Decision::Refused(refusal) => {
                        gathered.refused.push(RefusedField { path: candidate.path.clone(), field: field.name, refusal })
                    }
                }
            }
            if granted.is_empty() {
                continue;
            }
            self.gather(&candidate, ask.class, &granted, gathered)?;
            gathered.records.push(OpenableRecord {
                record: candidate.record,
                path: candidate.path,
                noun: candidate.noun,
                granted,
            });
        }
        let id = Id::new();
        let opened = &gathered.records[first..];
        let refusal = if opened.is_empty() {
            let refused = gathered.refused[first_refused..].iter().map(|refused| refused.refusal).max();
            Some(refused.or(standing.barred).unwrap_or(Refusal::NotEntitled))
        } else {
            None
        };
        diesel::insert_into(disclosure::table)
            .values((
                disclosure::id.eq(id),
                disclosure::made_at.eq(self.now()),
                disclosure::account_id.eq(self.actor()),
                disclosure::record.eq(&root_path),
                disclosure::root_id.eq(root_id),
                disclosure::mission.eq(mission),
                disclosure::class.eq(ask.class.name()),
                disclosure::purpose.eq(standing.purpose.code()),
                disclosure::refusal.eq(refusal.map(Refusal::code)),
                disclosure::mode.eq(standing.mode.code()),
                disclosure::within_id.eq(standing.within),
                disclosure::emergency.eq(standing.emergency),
            ))
            .execute(self.db)?;
        for record in opened {
            let names: Vec<&str> = record.granted.iter().map(|field| field.name).collect();
            diesel::insert_into(disclosure_item::table)
                .values((
                    disclosure_item::disclosure_id.eq(id),
                    disclosure_item::record_id.eq(record.record),
                    disclosure_item::record.eq(&record.path),
                    disclosure_item::fields.eq(names.join(",")),
                ))
                .execute(self.db)?;
        }
        let named: Vec<_> = opened
            .iter()
            .map(|record| json!({ "record": record.path, "fields": record.granted.iter().map(|f| f.name).collect::<Vec<_>>() }))
            .collect();
        let detail = json!({
            "disclosure": id.to_string(), "class": ask.class.name(), "purpose": standing.purpose,
            "refusal": refusal.map(Refusal::code), "opened": named, "mode": standing.mode,
            "within": standing.within.map(|id| id.to_string()), "emergency": standing.emergency,
        });
        let action = if refusal.is_some() { "disclosure.refuse" } else { "disclosure.grant" };
        self.note_act(action, root_path, detail);
        Ok((id, refusal))
    }

    /// Seals the words with which something about seals was asked, under its id.
    fn seal_note(&mut self, id: Id, note: Option<&Plain>) -> Result<()> {
        if let (Some(note), Some(field)) = (note, SealedField::named(Noun::Disclosure, "note")) {
            self.seal(id, id, &vec![(field, Some(note.clone()))], None)?;
        }
        Ok(())
    }

    fn disclose_all(&mut self, ask: &DisclosureAsk) -> Result<(Disclosed, Gathered, Option<Refusal>)> {
        if let Some(given) = &ask.factor {
            self.factor_spend(given, "disclosure")?;
        }
        let standing = self.standing(ask)?;
        let (mut gathered, mut faults) = (Gathered::default(), Vec::new());
        if let (Some(refusal), DisclosureMode::File) = (standing.barred, standing.mode) {
            // Refused whole: of each record there is nothing to say.
            let id = standing.within.unwrap_or_default().to_string();
            let detail = json!({ "disclosure": id, "mode": standing.mode, "refusal": refusal.code() });
            self.note_act("disclosure.refuse", "disclosures".into(), detail);
            let (records, refused) = (Vec::new(), Vec::new());
            let (at, purpose) = (self.now(), standing.purpose);
            let disclosed = Disclosed { id, at, purpose, review_due_at: None, records, refused };
            return Ok((disclosed, gathered, Some(refusal)));
        }
        let (mut ids, mut refusals) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (at, (noun, reference)) in ask.records.iter().enumerate() {
            if !seen.insert((noun, reference)) {
                continue;
            }
            match self.disclosure_write(ask, &standing, (*noun, reference), &mut gathered) {
                Ok((id, refusal)) => {
                    ids.push(id);
                    refusals.extend(refusal);
                }
                Err(Error::NotFound | Error::Withdrawn) if standing.mode == DisclosureMode::File => {
                    faults.push(Fault::new(format!("/records/{at}"), "there is no such record"));
                }
                Err(error) => return Err(error),
            }
        }
        let most = mode_rule(standing.mode).records;
        if most.is_some_and(|most| gathered.records.len() > most) {
            faults.push(Fault::new("/records", "too many rows for one file: choose fewer records"));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let alone = ids.first().copied().ok_or(Error::NotFound)?;
        let id = if standing.mode == DisclosureMode::File { standing.within.unwrap_or(alone) } else { alone };
        self.seal_note(id, ask.note.as_ref())?;
        self.volume_watch(gathered.records.len())?;
        let refusal = if gathered.records.is_empty() { refusals.into_iter().max() } else { None };
        let disclosed = Disclosed {
            id: id.to_string(),
            at: self.now(),
            purpose: standing.purpose,
            review_due_at: standing.emergency.then(|| self.now() + crate::policy::REVIEW_WITHIN),
            records: std::mem::take(&mut gathered.records),
            refused: std::mem::take(&mut gathered.refused),
        };
        Ok((disclosed, gathered, refusal))
    }
}

impl Store {
    /// Judges a disclosure of records with their children, writes and logs each decision, and hands out the permit after the
    /// commit.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Invalid`] for what the mode does not take; [`Error::WrongNode`] on a node
    /// without keys; the database's.
    pub fn disclose(&self, viewer: &Viewer, ask: &DisclosureAsk) -> Result<DisclosureOutcome> {
        let granter = self.granter()?;
        let (disclosed, gathered, refusal) = match ask.warrant {
            // Counted against the day's, or against what is not reviewed yet: one at a time.
            Authorization::File(_) | Authorization::Emergency(_) => self.write(viewer, |w| w.disclose_all(ask)),
            _ => self.append(viewer, |w| w.disclose_all(ask)),
        }?;
        Ok(match refusal {
            Some(refusal) => DisclosureOutcome::Refused(disclosed, refusal),
            None => DisclosureOutcome::Granted(disclosed, granter.grant(gathered.permitted, gathered.epochs)),
        })
    }
}

/// Notes of disclosures are opened by reading them, and name persons of the records that were opened.
pub(super) const ROOM: Room = Room { near: notes_near, ..Room::PART };

fn notes_near(r: &mut Read<'_>, around: &Surroundings) -> Result<Vec<(Id, String)>> {
    let roots = around.found.iter().map(|(id, _)| *id);
    let noted: Vec<Id> =
        disclosure::table.filter(disclosure::root_id.eq_any(roots)).select(disclosure::id).load(r.db)?;
    Ok(noted.into_iter().map(|id| (id, format!("disclosures/{id}"))).collect())
}
