//! Reporting and editing incidents: every edit goes to a working edition.

use diesel::prelude::*;
use rand::Rng;
use serde_json::{Map, Value};

use super::fields::{incident_fields, suspect_fields, victim_fields};
use super::row::{Edition, EditionRow, HandlingRow, SuspectRow, VictimRow};
use super::{EditionChoice, Incident, NewIncident, NewSuspect, NewVictim, Suspect, Victim};
use crate::domain::{
    Code, Counts, Fault, IncidentFacts, IncidentStatus, Noun, PartialDate, Reference, SealedChange, VictimFacts, handle,
};
use crate::store::db::schema::{edition_handling as h, incident, incident_edition as e, suspect, victim};
use crate::store::db::{Id, each};
use crate::store::history::{Change, all_new, differences};
use crate::store::keys::SealedRows;
use crate::store::{Error, Result, SealedInput, Write};

/// Whether a new incident is a draft of a person or a verified row of the public file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Origin {
    Person,
    PublicFile,
}

/// What of an edition is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Saved {
    /// Sealed values alone.
    SealedOnly,
    /// Open facts that a person changed.
    Open,
    /// Open facts that the public file gives, or gave before they moved here.
    PublicFile,
}

impl Saved {
    fn of(open: &Map<String, Value>) -> Self {
        if open.is_empty() { Self::SealedOnly } else { Self::Open }
    }
}

impl Write<'_> {
    /// Reports an incident: a draft, with its victims and suspects.
    ///
    /// # Errors
    /// The database's, or sealing's.
    pub fn incident_create(&mut self, new: &NewIncident) -> Result<Incident> {
        self.incident_make(new, Origin::Person)
    }

    pub(in crate::store) fn incident_make(&mut self, new: &NewIncident, origin: Origin) -> Result<Incident> {
        let status = match origin {
            Origin::Person => IncidentStatus::Draft,
            Origin::PublicFile => IncidentStatus::Verified,
        };
        for (at, victim) in new.victims.iter().enumerate() {
            refuse_misdated(new.facts.occurred, &victim.facts, &format!("/victims/{at}"))?;
        }
        let (id, reference) = self.incident_record(&new.facts)?;
        let mut edition = Edition::first(id, reference.clone(), status, self.actor(), self.now());
        edition.set_facts(&new.facts);
        edition.row.public_file = origin == Origin::PublicFile;
        set_counts(&mut edition.row, Counts::of(new.victims.iter().map(|victim| &victim.facts)));
        edition.insert(self.db)?;
        let row = &edition.row;
        let mut rows = SealedRows::default();
        let mut sealed = self.seal_into(&mut rows, row.id, id, &new.sealed, Some(Noun::Incident))?;
        let mut victims = Vec::with_capacity(new.victims.len());
        for (position, victim) in (0..).zip(&new.victims) {
            let one = VictimRow::new(row.id, Id::new(), handle(&mut rng()), position, &victim.facts);
            sealed.extend(self.seal_into(&mut rows, one.id, one.victim_id, &victim.sealed, Some(Noun::Victim))?);
            victims.push(one);
        }
        if !victims.is_empty() {
            let db = &mut *self.db;
            each!(db, |c| diesel::insert_into(victim::table).values(&victims).execute(c))?;
        }
        self.sealed_store(rows)?;
        for (position, suspect) in (0..).zip(&new.suspects) {
            sealed.extend(self.suspect_insert(row, position, suspect)?.1);
        }
        let open = all_new(&incident_fields(&new.facts));
        self.note_incident("incident.create", Noun::Incident, id, row, "created", open, sealed);
        if origin == Origin::Person {
            self.duplicates_of_report(id)?;
        }
        edition.into_incident()
    }

    fn incident_record(&mut self, facts: &IncidentFacts) -> Result<(Id, String)> {
        let id = Id::new();
        let year = chrono::Datelike::year(&facts.occurred.first());
        let reference = self.free_reference(Noun::Incident, &facts.mission, year, |w, reference| {
            Ok(incident::table.filter(incident::reference.eq(reference)).count().get_result::<i64>(w.db)? == 0)
        })?;
        diesel::insert_into(incident::table)
            .values((
                incident::id.eq(id),
                incident::reference.eq(&reference),
                incident::created_by.eq(self.actor()),
                incident::created_at.eq(self.now()),
            ))
            .execute(self.db)?;
        Ok((id, reference))
    }

    /// A random reference that is not taken: tries again on the rare collision.
    pub(in crate::store) fn free_reference(
        &mut self,
        noun: Noun,
        stem: &str,
        year: i32,
        is_free: impl Fn(&mut Self, &str) -> Result<bool>,
    ) -> Result<String> {
        for _ in 0..64 {
            let reference = Reference::random(noun, stem, year, &mut rand::rng()).to_string();
            if is_free(self, &reference)? {
                return Ok(reference);
            }
        }
        Err(Error::Busy)
    }

    pub(super) fn victim_insert(
        &mut self,
        edition: &EditionRow,
        position: i32,
        new: &NewVictim,
    ) -> Result<(VictimRow, Vec<u16>)> {
        let row = VictimRow::new(edition.id, Id::new(), handle(&mut rng()), position, &new.facts);
        diesel::insert_into(victim::table).values(row.clone()).execute(self.db)?;
        let sealed = self.seal(row.id, row.victim_id, &new.sealed, Some(Noun::Victim))?;
        Ok((row, sealed))
    }

    fn suspect_insert(
        &mut self,
        edition: &EditionRow,
        position: i32,
        new: &NewSuspect,
    ) -> Result<(SuspectRow, Vec<u16>)> {
        let row = SuspectRow::new(edition.id, Id::new(), handle(&mut rng()), position, &new.facts);
        diesel::insert_into(suspect::table).values(row.clone()).execute(self.db)?;
        let sealed = self.seal(row.id, row.suspect_id, &new.sealed, Some(Noun::Suspect))?;
        Ok((row, sealed))
    }

    /// The edition that an edit goes to: the draft or returned one as it is; beside a released one, an amendment, begun
    /// with children and ciphertexts copied byte for byte.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the edition is submitted or verified (it must be returned first) or withdrawn.
    pub(super) fn edition_to_edit(&mut self, incident: &Incident) -> Result<Edition> {
        let edition = Edition::find(self.db, incident.edition)?;
        match incident.status {
            IncidentStatus::Draft | IncidentStatus::Returned => Ok(edition),
            IncidentStatus::Verified if incident.public_file => Ok(edition),
            IncidentStatus::Released if edition.handling.withdrawal_by.is_some() => Err(Error::Conflict(
                "An officer asked to withdraw this record. Another officer must decide that first.".into(),
            )),
            IncidentStatus::Released => self.edition_copy(&edition),
            IncidentStatus::Submitted | IncidentStatus::Verified => Err(Error::Conflict(
                "The record is under review. An officer must return it before you can change it.".into(),
            )),
            IncidentStatus::Withdrawn => Err(Error::Conflict("the record is withdrawn".into())),
        }
    }

    fn edition_copy(&mut self, from: &Edition) -> Result<Edition> {
        let (now, released) = (self.now(), &from.row);
        diesel::update(e::table.find(released.id)).set(e::is_current.eq(false)).execute(self.db)?;
        let last: Option<i32> = e::table
            .filter(e::incident_id.eq(released.incident_id))
            .select(diesel::dsl::max(e::number))
            .first(self.db)?;
        let copy = EditionRow {
            id: Id::new(),
            number: last.unwrap_or(released.number) + 1,
            status: IncidentStatus::Draft.code().into(),
            is_current: true,
            is_released: false,
            public_file: false,
            updated_at: now,
            released_at: None,
            superseded_at: None,
            ..released.clone()
        };
        let handling = HandlingRow {
            hold_reason: from.handling.hold_reason.clone(),
            hold_review_on: from.handling.hold_review_on,
            tag_confidential: from.handling.tag_confidential.clone(),
            tag_strictly_confidential: from.handling.tag_strictly_confidential.clone(),
            ..HandlingRow::new(copy.id, self.actor(), now)
        };
        let copied = Edition { row: copy, handling };
        copied.insert(self.db)?;
        let copy = &copied.row;
        self.copy_sealed(released.id, copy.id)?;
        let victims: Vec<VictimRow> = victim::table.filter(victim::edition_id.eq(released.id)).load(self.db)?;
        for row in victims {
            self.victim_copy(&row, copy, row.position)?;
        }
        let suspects: Vec<SuspectRow> = suspect::table.filter(suspect::edition_id.eq(released.id)).load(self.db)?;
        for row in suspects {
            let position = row.position;
            self.suspect_copy(row, copy, position)?;
        }
        Ok(copied)
    }

    /// Copies a suspect into another edition, as a victim is.
    pub(super) fn suspect_copy(&mut self, row: SuspectRow, into: &EditionRow, position: i32) -> Result<()> {
        let from = row.id;
        let copy = SuspectRow { id: Id::new(), edition_id: into.id, position, ..row };
        diesel::insert_into(suspect::table).values(copy.clone()).execute(self.db)?;
        self.copy_sealed(from, copy.id)
    }

    /// Copies a victim into another edition: the same record, its ciphertexts byte for byte.
    pub(super) fn victim_copy(&mut self, row: &VictimRow, into: &EditionRow, position: i32) -> Result<()> {
        let copy = VictimRow { id: Id::new(), edition_id: into.id, position, ..row.clone() };
        diesel::insert_into(victim::table).values(copy.clone()).execute(self.db)?;
        self.copy_sealed(row.id, copy.id)
    }

    /// Changes an incident's own facts and sealed fields. The first change after a release begins an amendment.
    ///
    /// # Errors
    /// [`Error::Conflict`] when its status allows no edit; the database's.
    pub fn incident_edit(
        &mut self,
        incident: &Incident,
        facts: &IncidentFacts,
        sealed: &SealedInput,
    ) -> Result<Incident> {
        let mut edition = self.edition_to_edit(incident)?;
        if self.victims_of(edition.row.id)?.iter().any(|victim| !victim.facts.misdated(facts.occurred).is_empty()) {
            let fault =
                Fault::new("/occurred_on", "dates of a victim would be before the incident: correct the victim first");
            return Err(Error::Invalid(vec![fault]));
        }
        let open = differences(&incident_fields(&incident.facts), &incident_fields(facts));
        let kind = if edition.row.id == incident.edition { "edited" } else { "amended" };
        let touched = self.seal(edition.row.id, incident.id, sealed, None)?;
        edition.set_facts(facts);
        self.edition_save(&mut edition, &touched, Saved::of(&open))?;
        let is_other = !open.is_empty();
        self.note_incident("incident.edit", Noun::Incident, incident.id, &edition.row, kind, open, touched);
        if is_other {
            self.duplicates_of_report(incident.id)?;
        }
        edition.into_incident()
    }

    /// Saves facts, counts and tags of an edition. `updated_at` and the public-file mark move with open facts only, so that
    /// an edit of a sealed field shows to nobody else. What a person changes of a verified edition is to be verified anew.
    pub(super) fn edition_save(&mut self, edition: &mut Edition, touched: &[u16], saved: Saved) -> Result<()> {
        let Edition { row, handling } = edition;
        let by_person = saved == Saved::Open || !touched.is_empty();
        if by_person && row.status == IncidentStatus::Verified.code() {
            row.status = IncidentStatus::Draft.code().into();
            handling.verifier_id = None;
            handling.author_id = self.actor();
        }
        let touches =
            |class| touched.iter().filter_map(|code| SealedChange::coded(*code)).any(|change| change.class() == class);
        if touches(seal::ClassCode::Confidential) {
            handling.tag_confidential = crate::store::random_tag();
        }
        if touches(seal::ClassCode::StrictlyConfidential) {
            handling.tag_strictly_confidential = crate::store::random_tag();
        }
        if saved != Saved::SealedOnly {
            row.updated_at = self.now();
        }
        if saved == Saved::Open {
            row.public_file = false;
        }
        let victims = self.victims_of(row.id)?;
        set_counts(row, Counts::of(victims.iter().map(|victim| &victim.facts)));
        diesel::update(e::table.find(row.id))
            .set((
                (
                    e::status.eq(&row.status),
                    e::mission.eq(&row.mission),
                    e::host_state.eq(&row.host_state),
                    e::occurred_on.eq(row.occurred_on),
                    e::occurred_on_precision.eq(&row.occurred_on_precision),
                    e::occurred_year.eq(row.occurred_year),
                    e::region.eq(&row.region),
                    e::act.eq(&row.act),
                    e::means.eq(&row.means),
                    e::activity.eq(&row.activity),
                    e::perpetrator_category.eq(&row.perpetrator_category),
                    e::others_killed.eq(row.others_killed),
                    e::others_injured.eq(row.others_injured),
                ),
                (
                    e::victims.eq(row.victims),
                    e::killed.eq(row.killed),
                    e::injured.eq(row.injured),
                    e::abducted.eq(row.abducted),
                    e::detained.eq(row.detained),
                    e::still_held.eq(row.still_held),
                    e::noticas_id.eq(&row.noticas_id),
                    e::sage_id.eq(&row.sage_id),
                    e::public_file.eq(row.public_file),
                    e::updated_at.eq(row.updated_at),
                ),
            ))
            .execute(self.db)?;
        diesel::update(h::table.find(row.id))
            .set((
                h::author_id.eq(handling.author_id),
                h::verifier_id.eq(handling.verifier_id),
                h::hold_reason.eq(&handling.hold_reason),
                h::hold_review_on.eq(handling.hold_review_on),
                h::tag_confidential.eq(&handling.tag_confidential),
                h::tag_strictly_confidential.eq(&handling.tag_strictly_confidential),
            ))
            .execute(self.db)?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one place that names everything a revision holds")]
    pub(super) fn note_incident(
        &mut self,
        action: &'static str,
        noun: Noun,
        record: Id,
        edition: &EditionRow,
        kind: &'static str,
        open: Map<String, Value>,
        sealed: Vec<u16>,
    ) {
        self.note(
            action,
            format!("incidents/{}", edition.reference),
            Change {
                noun,
                record,
                root: edition.incident_id,
                edition: Some(edition.number),
                kind,
                reason: None,
                open,
                sealed,
            },
        );
    }

    /// Adds a victim.
    ///
    /// # Errors
    /// As [`Write::incident_edit`].
    pub fn victim_create(&mut self, incident: &Incident, new: &NewVictim) -> Result<(Incident, Victim)> {
        self.victim_add(incident, new, Saved::Open)
    }

    pub(in crate::store) fn victim_add(
        &mut self,
        incident: &Incident,
        new: &NewVictim,
        saved: Saved,
    ) -> Result<(Incident, Victim)> {
        refuse_misdated(incident.facts.occurred, &new.facts, "")?;
        let mut edition = self.edition_to_edit(incident)?;
        let last: Option<i32> = victim::table
            .filter(victim::edition_id.eq(edition.row.id))
            .select(diesel::dsl::max(victim::position))
            .first(self.db)?;
        let (made, sealed) = self.victim_insert(&edition.row, last.map_or(0, |last| last + 1), new)?;
        self.edition_save(&mut edition, &sealed, saved)?;
        let open = all_new(&victim_fields(&made.handle, &new.facts));
        self.note_incident("victim.create", Noun::Victim, made.victim_id, &edition.row, "created", open, sealed);
        if saved == Saved::Open {
            self.duplicates_of_report(incident.id)?;
        }
        Ok((edition.into_incident()?, made.into_victim()?))
    }

    /// Changes a victim.
    ///
    /// # Errors
    /// As [`Write::incident_edit`].
    pub fn victim_edit(&mut self, incident: &Incident, known: &Victim, new: &NewVictim) -> Result<(Incident, Victim)> {
        refuse_misdated(incident.facts.occurred, &new.facts, "")?;
        let mut edition = self.edition_to_edit(incident)?;
        let found: VictimRow = victim::table
            .filter(victim::edition_id.eq(edition.row.id))
            .filter(victim::victim_id.eq(known.record))
            .first(self.db)?;
        let open = differences(&victim_fields(&known.handle, &known.facts), &victim_fields(&known.handle, &new.facts));
        let changed = VictimRow {
            id: found.id,
            ..VictimRow::new(edition.row.id, known.record, known.handle.clone(), found.position, &new.facts)
        };
        diesel::update(victim::table.find(found.id))
            .set((
                victim::category.eq(&changed.category),
                victim::states.eq(&changed.states),
                victim::outcome.eq(&changed.outcome),
                victim::sex_of_dead.eq(&changed.sex_of_dead),
                victim::noticas_id.eq(&changed.noticas_id),
                victim::kin_notified_on.eq(changed.kin_notified_on),
                victim::state_notified_on.eq(changed.state_notified_on),
                victim::died_on.eq(changed.died_on),
                victim::held_from.eq(changed.held_from),
                victim::held_until.eq(changed.held_until),
                victim::held_end.eq(&changed.held_end),
            ))
            .execute(self.db)?;
        let sealed = self.seal(found.id, known.record, &new.sealed, None)?;
        self.edition_save(&mut edition, &sealed, Saved::of(&open))?;
        let is_other = !open.is_empty();
        self.note_incident("victim.edit", Noun::Victim, known.record, &edition.row, "edited", open, sealed);
        if is_other {
            self.duplicates_of_report(incident.id)?;
        }
        Ok((edition.into_incident()?, changed.into_victim()?))
    }

    /// Adds a suspect.
    ///
    /// # Errors
    /// As [`Write::incident_edit`].
    pub fn suspect_create(&mut self, incident: &Incident, new: &NewSuspect) -> Result<(Incident, Suspect)> {
        let mut edition = self.edition_to_edit(incident)?;
        let last: Option<i32> = suspect::table
            .filter(suspect::edition_id.eq(edition.row.id))
            .select(diesel::dsl::max(suspect::position))
            .first(self.db)?;
        let (made, sealed) = self.suspect_insert(&edition.row, last.map_or(0, |last| last + 1), new)?;
        self.edition_save(&mut edition, &sealed, Saved::Open)?;
        let open = all_new(&suspect_fields(&made.handle, &new.facts));
        self.note_incident("suspect.create", Noun::Suspect, made.suspect_id, &edition.row, "created", open, sealed);
        Ok((edition.into_incident()?, made.into_suspect()?))
    }

    /// Changes a suspect.
    ///
    /// # Errors
    /// As [`Write::incident_edit`].
    pub fn suspect_edit(
        &mut self,
        incident: &Incident,
        known: &Suspect,
        new: &NewSuspect,
    ) -> Result<(Incident, Suspect)> {
        let mut edition = self.edition_to_edit(incident)?;
        let found: SuspectRow = suspect::table
            .filter(suspect::edition_id.eq(edition.row.id))
            .filter(suspect::suspect_id.eq(known.record))
            .first(self.db)?;
        let open =
            differences(&suspect_fields(&known.handle, &known.facts), &suspect_fields(&known.handle, &new.facts));
        let changed = SuspectRow {
            id: found.id,
            ..SuspectRow::new(edition.row.id, known.record, known.handle.clone(), found.position, &new.facts)
        };
        diesel::update(suspect::table.find(found.id))
            .set((suspect::category.eq(&changed.category), suspect::status.eq(&changed.status)))
            .execute(self.db)?;
        let sealed = self.seal(found.id, known.record, &new.sealed, None)?;
        self.edition_save(&mut edition, &sealed, Saved::of(&open))?;
        self.note_incident("suspect.edit", Noun::Suspect, known.record, &edition.row, "edited", open, sealed);
        Ok((edition.into_incident()?, changed.into_suspect()?))
    }

    /// The victims of an edition.
    fn victims_of(&mut self, edition: Id) -> Result<Vec<Victim>> {
        let rows: Vec<VictimRow> = victim::table.filter(victim::edition_id.eq(edition)).load(self.db)?;
        rows.into_iter().map(VictimRow::into_victim).collect()
    }

    /// The incident as it stands now, for a writer that has just changed it.
    pub(super) fn incident_again(&mut self, reference: &str) -> Result<Incident> {
        self.incident_get(reference, EditionChoice::Working)?.ok_or(Error::NotFound)
    }
}

/// Refuses dates of a victim that contradict the day of the incident.
fn refuse_misdated(occurred: PartialDate, victim: &VictimFacts, at: &str) -> Result<()> {
    let faults: Vec<Fault> =
        victim.misdated(occurred).into_iter().map(|(name, why)| Fault::new(format!("{at}/{name}"), why)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn set_counts(row: &mut EditionRow, counts: Counts) {
    let Counts { victims, killed, injured, abducted, detained, still_held } = counts;
    (row.victims, row.killed, row.injured) = (victims, killed, injured);
    (row.abducted, row.detained, row.still_held) = (abducted, detained, still_held);
}

fn rng() -> impl Rng {
    rand::rng()
}
