//! "Is this person already known, anywhere?": the names of everybody, under one permit, for the desk to compare in memory.

use std::collections::HashMap;

use diesel::prelude::*;
use seal::{ClassCode, Field, Permit, PermittedRecord, Plain, StoredDataKey, StoredEpoch};
use serde_json::json;

use super::super::db::Id;
use super::super::db::schema::{
    accused, data_key, disclosure, epoch, incident_edition as e, proceeding, sealed_value, suspect, victim,
};
use super::super::duplicate::Found;
use super::super::incident::EditionChoice;
use super::super::{Error, FactorUse, Read, Result, Store, Write};
use crate::domain::{Code, DisclosureMode, DuplicateSource, Fault, Noun, Purpose, SealedField};
use crate::policy::{Refusal, Scope, Viewer, may_match};

/// The fields that hold what a person is called.
const NAMES: [&str; 2] = ["name", "aliases"];

/// The class of names.
const CLASS: ClassCode = ClassCode::StrictlyConfidential;

/// For whom to look, and why.
#[derive(Debug)]
pub struct MatchAsk {
    /// Victims, suspects or accused.
    pub noun: Noun,
    /// The victim that the question is about, by incident and handle: left out of what is compared, and named to the Secretariat.
    pub about: Option<(String, String)>,
    /// Why.
    pub purpose: Purpose,
    /// Why, in words: sealed under the disclosure's own id.
    pub note: Option<Plain>,
    /// The code that was given for it, used up in its transaction.
    pub factor: FactorUse,
}

/// A person whose name is compared.
#[derive(Debug, Clone)]
pub struct KnownPerson {
    /// Permanent id of the record.
    pub record: Id,
    /// Its path.
    pub path: String,
    /// Whether it is within the asker's scope.
    pub in_scope: bool,
}

/// A match that was granted and is on the record.
#[derive(Debug)]
pub struct Matching {
    /// Id of the disclosure.
    pub id: Id,
    /// When (UTC).
    pub at: chrono::NaiveDateTime,
    /// Why.
    pub purpose: Purpose,
    /// The record that the question is about.
    pub about: Option<String>,
    /// Those whose names the permit opens.
    pub known: Vec<KnownPerson>,
}

/// A committed decision.
#[derive(Debug)]
pub enum MatchOutcome {
    /// Names may be compared, with this permit.
    Granted(Matching, Permit),
    /// They may not.
    Refused(Refusal),
}

impl Write<'_> {
    fn match_decide(&mut self, ask: &MatchAsk) -> Result<(Id, Option<Refusal>)> {
        self.factor_spend(&ask.factor, "match")?;
        let spent = self.is_spent(DisclosureMode::Match)?;
        let barred = may_match(self.viewer, self.now(), ask.noun).err();
        let refusal = barred.or(spent.then_some(Refusal::Quota));
        let id = Id::new();
        let record = ask.noun.path();
        diesel::insert_into(disclosure::table)
            .values((
                disclosure::id.eq(id),
                disclosure::made_at.eq(self.now()),
                disclosure::account_id.eq(self.actor()),
                disclosure::record.eq(record),
                disclosure::root_id.eq(id),
                disclosure::class.eq(CLASS.name()),
                disclosure::purpose.eq(ask.purpose.code()),
                disclosure::refusal.eq(refusal.map(Refusal::code)),
                disclosure::mode.eq(DisclosureMode::Match.code()),
                disclosure::within_id.eq(id),
                disclosure::emergency.eq(false),
            ))
            .execute(self.db)?;
        self.seal_note(id, ask.note.as_ref())?;
        let detail = json!({
            "disclosure": id.to_string(), "class": CLASS.name(), "purpose": ask.purpose,
            "refusal": refusal.map(Refusal::code), "mode": DisclosureMode::Match,
        });
        let action = if refusal.is_some() { "disclosure.refuse" } else { "disclosure.grant" };
        self.note_act(action, record.to_owned(), detail);
        Ok((id, refusal))
    }
}

impl Read<'_> {
    fn match_about(&mut self, ask: &MatchAsk) -> Result<Option<(Id, String)>> {
        let Some((reference, handle)) = &ask.about else { return Ok(None) };
        let none = || Error::Invalid(vec![Fault::new("/record", "there is no such record")]);
        let incident = self.incident_get(reference, EditionChoice::Working)?.ok_or_else(none)?;
        let found =
            self.victim_list(&incident)?.into_iter().find(|victim| victim.handle == *handle).ok_or_else(none)?;
        Ok(Some((found.record, format!("incidents/{}/victims/{}", incident.reference, found.handle))))
    }

    /// Everyone of a noun, in whichever mission, as recorded now.
    fn persons(&mut self, noun: Noun, scope: &Scope) -> Result<Vec<(Id, KnownPerson)>> {
        let of_incident = |children: &str, rows: Vec<(Id, Id, String, String, String)>| {
            let known = |(holder, record, handle, reference, mission): (Id, Id, String, String, String)| {
                let path = format!("incidents/{reference}/{children}/{handle}");
                (holder, KnownPerson { record, path, in_scope: scope.has_mission(&mission) })
            };
            rows.into_iter().map(known).collect()
        };
        Ok(match noun {
            Noun::Victim => of_incident(
                "victims",
                victim::table
                    .inner_join(e::table.on(e::id.eq(victim::edition_id)))
                    .filter(e::is_current.eq(true))
                    .select((victim::id, victim::victim_id, victim::handle, e::reference, e::mission))
                    .load(self.db)?,
            ),
            Noun::Suspect => of_incident(
                "suspects",
                suspect::table
                    .inner_join(e::table.on(e::id.eq(suspect::edition_id)))
                    .filter(e::is_current.eq(true))
                    .select((suspect::id, suspect::suspect_id, suspect::handle, e::reference, e::mission))
                    .load(self.db)?,
            ),
            Noun::Accused => {
                let rows: Vec<(Id, String, String)> = accused::table
                    .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
                    .select((accused::id, accused::handle, proceeding::reference))
                    .load(self.db)?;
                // A proceeding is nobody's mission: only who sees everything is told of it.
                let in_scope = matches!(scope, Scope::Everything);
                let known = |(id, handle, reference): (Id, String, String)| {
                    (
                        id,
                        KnownPerson { record: id, path: format!("proceedings/{reference}/accused/{handle}"), in_scope },
                    )
                };
                rows.into_iter().map(known).collect()
            }
            // No person: nobody looks for its name.
            _ => Vec::new(),
        })
    }

    /// The names of these persons, sealed, with what opens them.
    fn names(&mut self, noun: Noun, of: &[(Id, KnownPerson)]) -> Result<(Vec<PermittedRecord>, Vec<StoredEpoch>)> {
        let codes: Vec<i32> =
            NAMES.iter().filter_map(|name| SealedField::named(noun, name)).map(|field| i32::from(field.code)).collect();
        let named = || sealed_value::table.filter(sealed_value::field.eq_any(codes.clone()));
        let values: Vec<(Id, i32, Vec<u8>)> =
            named().select((sealed_value::holder_id, sealed_value::field, sealed_value::bytes)).load(self.db)?;
        let keys = || {
            data_key::table
                .filter(data_key::class.eq(CLASS.name()))
                .filter(data_key::record_id.eq_any(named().select(sealed_value::record_id)))
        };
        let rows: Vec<(Id, Id, Id, Vec<u8>)> =
            keys().select((data_key::id, data_key::record_id, data_key::epoch_id, data_key::wrapped)).load(self.db)?;
        let epochs: Vec<(Id, Id, Vec<u8>)> = epoch::table
            .filter(epoch::id.eq_any(keys().select(data_key::epoch_id)))
            .select((epoch::id, epoch::class_key_id, epoch::sealed))
            .load(self.db)?;
        let mut by_holder: HashMap<Id, Vec<(Field, Vec<u8>)>> = HashMap::new();
        for (holder, code, bytes) in values {
            let code = u16::try_from(code).unwrap_or_default();
            by_holder.entry(holder).or_default().push((Field(code), bytes));
        }
        let mut by_record: HashMap<Id, Vec<StoredDataKey>> = HashMap::new();
        for (id, record, epoch, wrapped) in rows {
            let key = StoredDataKey { id: id.0, record: record.record(), class: CLASS, epoch: epoch.0, wrapped };
            by_record.entry(record).or_default().push(key);
        }
        let permitted = of.iter().filter_map(|(holder, known)| {
            Some(PermittedRecord {
                record: known.record.record(),
                class: CLASS,
                values: by_holder.remove(holder)?,
                data_keys: by_record.remove(&known.record)?,
            })
        });
        let permitted = permitted.collect();
        let epochs = epochs
            .into_iter()
            .map(|(id, class_key, sealed)| StoredEpoch { id: id.0, class_key: class_key.0, sealed })
            .collect();
        Ok((permitted, epochs))
    }
}

impl Store {
    /// Judges a match, writes and logs the decision, and hands out the permit over everybody's names after the commit. What is
    /// compared is read after it too: the decision rests on none of it, and nobody's write waits.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such record to ask about; [`Error::WrongNode`] on a node without keys; the
    /// database's.
    pub fn match_begin(&self, viewer: &Viewer, ask: &MatchAsk) -> Result<MatchOutcome> {
        let granter = self.granter()?;
        let scope = viewer.scope();
        let about = self.read(&scope, |r| r.match_about(ask))?;
        // Counted against the day's: one at a time.
        let (id, refusal) = self.write(viewer, |w| w.match_decide(ask))?;
        if let Some(refusal) = refusal {
            return Ok(MatchOutcome::Refused(refusal));
        }
        let at = self.now();
        let (known, (permitted, epochs)) = self.read(&scope, |r| {
            let mut persons = r.persons(ask.noun, &scope)?;
            persons.retain(|(_, known)| about.as_ref().is_none_or(|(record, _)| known.record != *record));
            let names = r.names(ask.noun, &persons)?;
            Ok((persons.into_iter().map(|(_, known)| known).collect(), names))
        })?;
        let about = about.map(|(_, path)| path);
        let matching = Matching { id, at, purpose: ask.purpose, about, known };
        Ok(MatchOutcome::Granted(matching, granter.grant(permitted, epochs)))
    }

    /// Puts on the record what a match found: what is out of the asker's scope goes to the Secretariat's queue. Likeness is in
    /// thousandths.
    ///
    /// # Errors
    /// The database's.
    pub fn match_end(&self, viewer: &Viewer, of: &Matching, found: &[(&KnownPerson, u16)]) -> Result<()> {
        self.append(viewer, |w| {
            let told: Vec<&str> =
                found.iter().filter(|(known, _)| known.in_scope).map(|(known, _)| known.path.as_str()).collect();
            let elsewhere = found.iter().filter(|(known, _)| !known.in_scope).map(|(known, score)| Found {
                source: DuplicateSource::Match,
                disclosure: Some(of.id),
                record: of.about.clone(),
                other: known.path.clone(),
                score: *score,
            });
            w.duplicates_note(&elsewhere.collect::<Vec<_>>())?;
            let detail = json!({
                "disclosure": of.id.to_string(), "found": told, "elsewhere": found.len() - told.len(),
            });
            w.note_act("disclosure.match", "disclosures".into(), detail);
            Ok(())
        })
    }
}
