//! A disclosure's transaction: facts and ciphertexts are loaded, the pure policy is asked, the grant or the refusal is
//! written and logged; the permit is handed out only after the commit.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use seal::{ClassCode, Permit, PermittedRecord, Plain, StoredEpoch};
use serde_json::json;

use super::db::Id;
use super::db::schema::{account, data_key, disclosure, disclosure_item, sealed_value};
use super::incident::EditionChoice;
use super::keys::Ciphertexts;
use super::{Cursor, Error, Page, Read, Result, Store, Write, code};
use crate::domain::{Code, Noun, Purpose, SealedField};
use crate::policy::{Decision, Facts, Refusal, Relations, Scope, Viewer, decide};

/// What is asked.
#[derive(Debug)]
pub struct DisclosureAsk {
    /// Noun of the record: incident, case, proceeding or assistance.
    pub noun: Noun,
    /// Its reference.
    pub reference: String,
    /// Class to open.
    pub class: ClassCode,
    /// Only these fields; all of the class when empty.
    pub fields: Vec<String>,
    /// Why.
    pub purpose: Purpose,
    /// Why, in words: sealed under the disclosure's own id.
    pub note: Option<Plain>,
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
    /// Id of the disclosure, hexadecimal.
    pub id: String,
    /// When (UTC).
    pub at: NaiveDateTime,
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

/// A disclosure, as the log of disclosures shows it.
#[derive(Debug, Clone)]
pub struct DisclosureRow {
    /// Id, hexadecimal.
    pub id: String,
    /// When (UTC).
    pub at: NaiveDateTime,
    /// Who: name of the account.
    pub by: String,
    /// Role of the account.
    pub role: String,
    /// The record.
    pub record: String,
    /// Class.
    pub class: String,
    /// Why.
    pub purpose: Purpose,
    /// Why it was refused; `None` when it was granted.
    pub refusal: Option<String>,
    /// The records opened, with their fields.
    pub items: Vec<(String, Vec<String>)>,
}

/// One record under judgement.
struct Candidate {
    noun: Noun,
    record: Id,
    holder: Id,
    path: String,
    facts: Facts,
}

impl Read<'_> {
    fn candidates(&mut self, viewer: &Viewer, noun: Noun, reference: &str) -> Result<(Vec<Candidate>, Option<String>)> {
        match noun {
            Noun::Incident => {
                let incident = self.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)?;
                let (relations, withheld) = self.incident_relations(viewer, &incident)?;
                let is_state = matches!(self.scope, Scope::State(_));
                let under_review = withheld || (is_state && self.is_disputed(&incident)?);
                let facts = Facts { relations, notified: true, under_review };
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
                let facts = Facts { relations, notified: true, under_review: case.frozen_at.is_some() };
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
                let facts = Facts { relations, notified: true, under_review: proceeding.frozen_at.is_some() };
                let path = format!("proceedings/{}", proceeding.reference);
                let mut all =
                    vec![Candidate { noun, record: proceeding.id, holder: proceeding.id, path: path.clone(), facts }];
                for accused in self.accused_list(&proceeding)? {
                    all.push(Candidate {
                        noun: Noun::Accused,
                        record: accused.id,
                        holder: accused.id,
                        path: format!("{path}/accused/{}", accused.number),
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
                    under_review: false,
                };
                let path = format!("assistance/{}", found.reference);
                Ok((vec![Candidate { noun, record: found.id, holder: found.id, path, facts }], found.facts.mission))
            }
            Noun::Measure => {
                let found = self.measure_get(reference)?.ok_or(Error::NotFound)?;
                let facts = Facts { relations: Relations::default(), notified: true, under_review: false };
                let path = format!("measures/{}", found.reference);
                Ok((vec![Candidate { noun, record: found.id, holder: found.id, path, facts }], None))
            }
            Noun::Victim | Noun::Suspect | Noun::Accused | Noun::Disclosure => Err(Error::NotFound),
        }
    }

    /// Disclosures that the viewer may know of, newest first: its own, a focal point those of its missions' records, an
    /// auditor all.
    ///
    /// # Errors
    /// The database's.
    pub fn disclosure_list(
        &mut self,
        viewer: &Viewer,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Page<DisclosureRow>> {
        type Row = (Id, NaiveDateTime, String, String, String, String, String, Option<String>);
        let mut query = disclosure::table
            .inner_join(account::table.on(account::id.eq(disclosure::account_id)))
            .select((
                disclosure::id,
                disclosure::made_at,
                account::name,
                account::role,
                disclosure::record,
                disclosure::class,
                disclosure::purpose,
                disclosure::refusal,
            ))
            .order(disclosure::id.desc())
            .limit(limit + 1)
            .into_boxed();
        let own = disclosure::account_id.eq(Id(viewer.account));
        query = match (viewer.role, viewer.scope()) {
            (crate::domain::Role::Auditor, _) => query,
            (_, Scope::Missions(missions)) => query.filter(
                own.or(disclosure::mission.assume_not_null().eq_any(missions).and(disclosure::mission.is_not_null())),
            ),
            _ => query.filter(own),
        };
        if let Some(id) = after.and_then(|after| <[u8; 16]>::try_from(hex::decode(&after.reference).ok()?).ok()) {
            query = query.filter(disclosure::id.lt(Id(id)));
        }
        let rows: Vec<Row> = query.load(self.db)?;
        let ids: Vec<Id> = rows.iter().map(|row| row.0).collect();
        let items: Vec<(Id, String, String)> = disclosure_item::table
            .filter(disclosure_item::disclosure_id.eq_any(ids))
            .order(disclosure_item::record)
            .select((disclosure_item::disclosure_id, disclosure_item::record, disclosure_item::fields))
            .load(self.db)?;
        let rows = rows
            .into_iter()
            .map(|(id, at, by, role, record, class, purpose, refusal)| {
                Ok(DisclosureRow {
                    purpose: code(&purpose, "disclosure", "purpose", &record)?,
                    items: items
                        .iter()
                        .filter(|(of, ..)| *of == id)
                        .map(|(_, record, fields)| (record.clone(), super::split(fields)))
                        .collect(),
                    id: id.to_string(),
                    at,
                    by,
                    role,
                    record,
                    class,
                    refusal,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |row| Cursor { on: row.at.date(), reference: row.id.clone() }))
    }
}

/// What is answered, what may be opened with which epochs, and why nothing may.
type Written = (Disclosed, Vec<PermittedRecord>, Vec<StoredEpoch>, Option<Refusal>);

impl Write<'_> {
    fn disclosure_write(&mut self, ask: &DisclosureAsk) -> Result<Written> {
        let viewer = self.viewer;
        let (candidates, mission) = self.candidates(viewer, ask.noun, &ask.reference)?;
        let root = candidates.first().ok_or(Error::NotFound)?;
        let (root_id, root_path) = (root.record, root.path.clone());
        let id = Id::new();
        let mut disclosed = Disclosed { id: id.to_string(), at: self.now(), records: Vec::new(), refused: Vec::new() };
        let (mut permitted, mut epochs) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let asked = |field: &&SealedField| {
                field.class == ask.class && (ask.fields.is_empty() || ask.fields.iter().any(|name| name == field.name))
            };
            let mut granted: Vec<&'static SealedField> = Vec::new();
            for field in SealedField::of(candidate.noun).filter(asked) {
                match decide(viewer, candidate.facts, field) {
                    Decision::Granted => granted.push(field),
                    Decision::Refused(refusal) => disclosed.refused.push(RefusedField {
                        path: candidate.path.clone(),
                        field: field.name,
                        refusal,
                    }),
                }
            }
            if granted.is_empty() {
                continue;
            }
            let found = self.ciphertexts(candidate.holder, candidate.record, ask.class)?;
            permitted.push(PermittedRecord {
                record: candidate.record.record(),
                class: ask.class,
                values: found
                    .values
                    .into_iter()
                    .filter(|(field, _)| granted.iter().any(|allowed| allowed.code == field.code))
                    .map(|(field, bytes)| (field.field(), bytes))
                    .collect(),
                data_keys: found.data_keys,
            });
            epochs.extend(found.epochs);
            disclosed.records.push(OpenableRecord {
                record: candidate.record,
                path: candidate.path,
                noun: candidate.noun,
                granted,
            });
        }
        let refusal = if disclosed.records.is_empty() {
            Some(disclosed.refused.iter().map(|refused| refused.refusal).max().unwrap_or(Refusal::NotEntitled))
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
                disclosure::purpose.eq(ask.purpose.code()),
                disclosure::refusal.eq(refusal.map(Refusal::code)),
            ))
            .execute(self.db)?;
        for record in &disclosed.records {
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
        if let (Some(note), Some(field)) = (&ask.note, SealedField::named(Noun::Disclosure, "note")) {
            self.seal(id, id, &vec![(field, Some(note.clone()))], None)?;
        }
        let opened: Vec<_> = disclosed
            .records
            .iter()
            .map(|record| json!({ "record": record.path, "fields": record.granted.iter().map(|f| f.name).collect::<Vec<_>>() }))
            .collect();
        let detail = json!({
            "disclosure": disclosed.id, "class": ask.class.name(), "purpose": ask.purpose,
            "refusal": refusal.map(Refusal::code), "opened": opened,
        });
        let action = if refusal.is_some() { "disclosure.refuse" } else { "disclosure.grant" };
        self.note_act(action, root_path, detail);
        Ok((disclosed, permitted, epochs, refusal))
    }
}

impl Store {
    /// Judges a disclosure of one record with its children, writes and logs the decision, and hands out the permit after
    /// the commit.
    ///
    /// # Errors
    /// [`Error::NotFound`] out of scope; [`Error::Elsewhere`] on a node without keys; the database's.
    pub fn disclose(&self, viewer: &Viewer, ask: &DisclosureAsk) -> Result<DisclosureOutcome> {
        let granter = self.granter.as_ref().ok_or(Error::Elsewhere)?;
        let (disclosed, permitted, epochs, refusal) = self.add(viewer, |w| w.disclosure_write(ask))?;
        Ok(match refusal {
            Some(refusal) => DisclosureOutcome::Refused(disclosed, refusal),
            None => DisclosureOutcome::Granted(disclosed, granter.grant(permitted, epochs)),
        })
    }
}

impl Store {
    /// One value of each class that holds any, under permits of its own: to prove that a copy of the database opens. It is on
    /// the record of that copy.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] on a node without keys; the database's.
    pub fn prove(&self, viewer: &Viewer) -> Result<Vec<(ClassCode, Permit)>> {
        let granter = self.granter.as_ref().ok_or(Error::Elsewhere)?;
        let found = self.add(viewer, |w| {
            let mut found = Vec::new();
            for class in ClassCode::ALL {
                let codes: Vec<i32> =
                    crate::domain::SEALED.iter().filter(|f| f.class == class).map(|f| i32::from(f.code)).collect();
                let one: Option<(Id, Id)> = sealed_value::table
                    .inner_join(data_key::table.on(data_key::record_id.eq(sealed_value::record_id)))
                    .filter(data_key::class.eq(class.name()))
                    .filter(data_key::wrapped.ne(Vec::new()))
                    .filter(sealed_value::field.eq_any(codes))
                    .select((sealed_value::holder_id, sealed_value::record_id))
                    .first(w.db)
                    .optional()?;
                let Some((holder, record)) = one else { continue };
                let Ciphertexts { values, data_keys, epochs } = w.ciphertexts(holder, record, class)?;
                let values = values.into_iter().take(1).map(|(field, bytes)| (field.field(), bytes)).collect();
                found.push((class, PermittedRecord { record: record.record(), class, values, data_keys }, epochs));
            }
            w.note_act("seal.prove", "backup".into(), json!({ "classes": found.len() }));
            Ok(found)
        })?;
        Ok(found.into_iter().map(|(class, record, epochs)| (class, granter.grant(vec![record], epochs))).collect())
    }
}
