//! Erasing one person: the record's data keys are emptied, the ledger says so, and the free text in which they may be named is
//! listed for a human to look at.

use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;
use strum::VariantArray as _;

use super::candidate::Surroundings;
use super::db::Pool;
use super::db::schema::{
    account, accused, accused_incident, case_incident, data_key, erasure, erasure_request, import_row, incident,
    incident_edition, proceeding, proceeding_case, sealed_value, suspect, victim,
};
use super::db::{self, Id};
use super::keys::empty_keys;
use super::{Cursor, Error, OpenDatabase, Page, Read, Result, Store, Write, code, room};
use crate::domain::{Code, ErasureReason, Fault, NarrowingAct, Noun, SealedField, handle};
use crate::policy::{Action, Denial, Scope, Viewer, authorize};

/// What an erasure did, and left.
#[derive(Debug)]
pub struct Erasure {
    /// The person's record: its path.
    pub record: String,
    /// Data keys that were emptied.
    pub data_keys: usize,
    /// The keys' bytes as they were, to look for in the database's files.
    pub emptied: Vec<Vec<u8>>,
    /// Records with free text in which the person may be named, each with its fields.
    pub free_text: Vec<(String, Vec<&'static str>)>,
}

/// A request to erase a person: one officer asks, another decides, and the operator carries out what was approved.
#[derive(Debug, Clone)]
pub struct ErasureRequest {
    /// Its id.
    pub id: Id,
    /// Its number, which the operator's command needs: `E-7KQ4M2`.
    pub number: String,
    /// The person's record: its path.
    pub record: String,
    /// The person's permanent id.
    pub record_id: Id,
    /// Why.
    pub reason: ErasureReason,
    /// Who asked: id and name.
    pub asked_by: (Id, String),
    /// When it was asked (UTC).
    pub asked_at: NaiveDateTime,
    /// Not decided, or not carried out, by then, it lapses (UTC).
    pub expires_at: NaiveDateTime,
    /// When it was decided (UTC), by whom, and whether it was approved.
    pub decided: Option<(NaiveDateTime, (Id, String), bool)>,
    /// When it was carried out (UTC).
    pub erased_at: Option<NaiveDateTime>,
}

/// A sealed field from this many characters on is text in which anybody may be named.
const FREE: usize = 1_000;
/// A request that is not decided or not carried out by then lapses.
const LASTS: TimeDelta = TimeDelta::days(30);

type RequestRow = (
    Id,
    String,
    String,
    Id,
    String,
    Id,
    NaiveDateTime,
    NaiveDateTime,
    Option<Id>,
    Option<NaiveDateTime>,
    Option<bool>,
    Option<NaiveDateTime>,
);

impl Read<'_> {
    fn erasure_request_of(&mut self, row: RequestRow) -> Result<ErasureRequest> {
        let (id, number, record, record_id, reason, asked_by, asked_at, expires_at, by, at, approved, erased_at) = row;
        let mut person = |of: Id| -> Result<(Id, String)> {
            let name: Option<String> = account::table.find(of).select(account::name).first(self.db).optional()?;
            Ok((of, name.unwrap_or_default()))
        };
        let asked_by = person(asked_by)?;
        let decided = match (at, by, approved) {
            (Some(at), Some(by), Some(approved)) => Some((at, person(by)?, approved)),
            _ => None,
        };
        let reason = code(&reason, "erasure_request", "reason", &number)?;
        Ok(ErasureRequest { id, number, record, record_id, reason, asked_by, asked_at, expires_at, decided, erased_at })
    }

    /// Requests to erase somebody, the last asked first; only those that wait for a decision, or all. The cursor's reference is a
    /// request's id.
    ///
    /// # Errors
    /// The database's.
    pub fn erasure_list(&mut self, waiting: bool, after: Option<&Cursor>, limit: i64) -> Result<Page<ErasureRequest>> {
        let mut query = erasure_request::table.order(erasure_request::id.desc()).limit(limit + 1).into_boxed();
        if waiting {
            query =
                query.filter(erasure_request::decided_at.is_null()).filter(erasure_request::expires_at.gt(self.now()));
        }
        if let Some(id) = after.and_then(|after| Id::parse(&after.reference)) {
            query = query.filter(erasure_request::id.lt(id));
        }
        let rows: Vec<RequestRow> = query.load(self.db)?;
        let requests = rows.into_iter().map(|row| self.erasure_request_of(row)).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(requests, limit, |one| Cursor { on: one.asked_at.date(), reference: one.id.to_string() }))
    }

    /// A request, by its number.
    ///
    /// # Errors
    /// The database's.
    pub fn erasure_get(&mut self, number: &str) -> Result<Option<ErasureRequest>> {
        let number = number.trim().to_ascii_uppercase();
        let row: Option<RequestRow> =
            erasure_request::table.filter(erasure_request::number.eq(number)).first(self.db).optional()?;
        row.map(|row| self.erasure_request_of(row)).transpose()
    }
}

impl Write<'_> {
    /// Asks that the person at this path be erased.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] when there is no such person; [`Error::Conflict`] while another request for them waits.
    pub fn erasure_ask(&mut self, path: &str, reason: ErasureReason) -> Result<ErasureRequest> {
        authorize(self.viewer, Action::Erase)?;
        let missing = || Error::Invalid(vec![Fault::new("/record", "there is no such person")]);
        let record = self.person_at(path)?.ok_or_else(missing)?;
        let open: i64 = erasure_request::table
            .filter(erasure_request::record_id.eq(record))
            .filter(erasure_request::erased_at.is_null())
            .filter(erasure_request::approved.is_null().or(erasure_request::approved.eq(true)))
            .filter(erasure_request::expires_at.gt(self.now()))
            .count()
            .get_result(self.db)?;
        if open > 0 {
            return Err(Error::Conflict("A request to erase this person is already waiting.".into()));
        }
        let (id, number) = (Id::new(), format!("E-{}", handle(&mut rand::rng())));
        diesel::insert_into(erasure_request::table)
            .values((
                erasure_request::id.eq(id),
                erasure_request::number.eq(&number),
                erasure_request::record.eq(path),
                erasure_request::record_id.eq(record),
                erasure_request::reason.eq(reason.code()),
                erasure_request::asked_by.eq(self.actor()),
                erasure_request::asked_at.eq(self.now()),
                erasure_request::expires_at.eq(self.now() + LASTS),
            ))
            .execute(self.db)?;
        self.note_act(
            "erasure.ask",
            format!("erasures/{id}"),
            json!({ "number": number, "record": path, "reason": reason }),
        );
        self.erasure_get(&number)?.ok_or(Error::NotFound)
    }

    /// Another officer's decision on a request.
    ///
    /// # Errors
    /// [`Error::Denied`], also for who asked; [`Error::NotFound`]; [`Error::Conflict`] when it was decided, or lapsed.
    pub fn erasure_decide(&mut self, number: &str, approve: bool) -> Result<ErasureRequest> {
        authorize(self.viewer, Action::Erase)?;
        let request = self.erasure_get(number)?.ok_or(Error::NotFound)?;
        if request.asked_by.0 == self.actor() {
            return Err(Denial::SamePerson.into());
        }
        if request.decided.is_some() || request.expires_at <= self.now() {
            return Err(Error::Conflict("This request is already decided, or it expired.".into()));
        }
        diesel::update(erasure_request::table.find(request.id))
            .set((
                erasure_request::decided_by.eq(self.actor()),
                erasure_request::decided_at.eq(self.now()),
                erasure_request::approved.eq(approve),
            ))
            .execute(self.db)?;
        let action = if approve { "erasure.approve" } else { "erasure.decline" };
        self.note_act(action, format!("erasures/{}", request.id), json!({ "number": request.number }));
        self.erasure_get(number)?.ok_or(Error::NotFound)
    }
}

impl Store {
    /// The request of this number, if it may be carried out: two officers agreed, both of whom may still do so.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] with what is lacking; the database's.
    pub fn erasure_approved(&self, number: &str) -> Result<ErasureRequest> {
        let refused = |why: &str| Err(Error::Conflict(why.to_owned()));
        self.read(&Scope::Nothing, |r| {
            let request = r.erasure_get(number)?.ok_or(Error::NotFound)?;
            let Some((_, (by, _), true)) = &request.decided else {
                return refused("A second officer has not approved this request yet: POST /v1/erasures/NUMBER/decision");
            };
            if request.erased_at.is_some() {
                return refused("This request was already carried out.");
            }
            if request.expires_at <= r.now() {
                return refused("This request expired. An officer must ask again, and another officer must approve.");
            }
            for person in [request.asked_by.0, *by] {
                let found = r.account_get(person)?.filter(|account| account.rights.hold_on(r.now().date()));
                if found.is_none_or(|account| authorize(&account.viewer, Action::Erase).is_err()) {
                    return refused(
                        "One of the two officers no longer has the right to ask or approve this. An officer must ask again.",
                    );
                }
            }
            Ok(request)
        })
    }

    /// Erases what is sealed of the person whom an approved request is about. Gives what was emptied, and what a person must look at.
    ///
    /// # Errors
    /// As [`Store::erasure_approved`]; the database's.
    pub fn erase(&self, viewer: &Viewer, number: &str) -> Result<Erasure> {
        let request = self.erasure_approved(number)?;
        self.write(viewer, |w| {
            let record = request.record_id;
            let wrapped: Vec<Vec<u8>> = data_key::table
                .filter(data_key::record_id.eq(record))
                .filter(data_key::wrapped.ne(Vec::new()))
                .select(data_key::wrapped)
                .load(w.db)?;
            let emptied = empty_keys(w.db, record)?;
            let known: i64 = erasure::table.filter(erasure::record_id.eq(record)).count().get_result(w.db)?;
            if known == 0 {
                diesel::insert_into(erasure::table)
                    .values((erasure::record_id.eq(record), erasure::erased_at.eq(w.now())))
                    .execute(w.db)?;
            }
            diesel::update(erasure_request::table.find(request.id))
                .set(erasure_request::erased_at.eq(w.now()))
                .execute(w.db)?;
            let detail = json!({ "data_keys": wrapped.len(), "request": request.number });
            w.note_act("record.erase", request.record.clone(), detail);
            w.narrows(NarrowingAct::Erased { record: record.to_string(), request: request.number.clone() });
            let free_text = w.free_text(&request.record)?;
            Ok(Erasure { record: request.record.clone(), data_keys: emptied, emptied: wrapped, free_text })
        })
    }

    /// Waits until the old bytes of what was emptied are gone from the database's files, for at most `patience`; on PostgreSQL writes
    /// the tables of keys anew, as their owner. Gives whether they are gone.
    ///
    /// # Errors
    /// The database's.
    pub fn scrub(&self, emptied: &[Vec<u8>], patience: Duration) -> Result<bool> {
        scrub(&self.pool, emptied, patience)
    }
}

impl OpenDatabase {
    /// As [`Store::scrub`], whatever was emptied.
    ///
    /// # Errors
    /// The database's.
    pub fn scrub(&self, patience: Duration) -> Result<bool> {
        scrub(self.pool(), &[], patience)
    }
}

fn scrub(pool: &Pool, emptied: &[Vec<u8>], patience: Duration) -> Result<bool> {
    let began = Instant::now();
    loop {
        let written = db::rewrite::<Error>(pool, "data_key")? && db::rewrite::<Error>(pool, "class_key")?;
        if written && !db::files_hold(pool, emptied).map_err(|e| Error::Unwritten(e.to_string()))? {
            return Ok(true);
        }
        if began.elapsed() >= patience {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Write<'_> {
    /// Records around a person's in which free text is held: what each noun's room finds near, and rows of imported files.
    fn free_text(&mut self, path: &str) -> Result<Vec<(String, Vec<&'static str>)>> {
        let parts: Vec<&str> = path.split('/').collect();
        let mut around = Surroundings::default();
        match parts[..] {
            ["incidents", reference, ..] => {
                around.incidents =
                    incident::table.filter(incident::reference.eq(reference)).select(incident::id).load(self.db)?;
            }
            ["proceedings", reference, ..] => {
                around.proceedings = proceeding::table
                    .filter(proceeding::reference.eq(reference))
                    .select(proceeding::id)
                    .load(self.db)?;
                around.incidents = accused_incident::table
                    .inner_join(accused::table.on(accused::id.eq(accused_incident::accused_id)))
                    .filter(accused::proceeding_id.eq_any(&around.proceedings))
                    .select(accused_incident::incident_id)
                    .load(self.db)?;
            }
            _ => {}
        }
        around.cases = case_incident::table
            .filter(case_incident::incident_id.eq_any(&around.incidents))
            .select(case_incident::case_id)
            .distinct()
            .load(self.db)?;
        let serving: Vec<Id> = proceeding_case::table
            .filter(proceeding_case::case_id.eq_any(&around.cases))
            .select(proceeding_case::proceeding_id)
            .distinct()
            .load(self.db)?;
        around
            .proceedings
            .extend(serving.into_iter().filter(|id| !around.proceedings.contains(id)).collect::<Vec<_>>());
        for noun in Noun::VARIANTS {
            let near = (room(*noun).near)(self, &around)?;
            around.found.extend(near);
        }

        let mut listed: Vec<(String, Vec<&'static str>)> = Vec::new();
        for (id, path) in &around.found {
            let held: Vec<i32> = sealed_value::table
                .filter(sealed_value::record_id.eq(id))
                .select(sealed_value::field)
                .distinct()
                .order(sealed_value::field)
                .load(self.db)?;
            let fields = held.into_iter().filter_map(|code| SealedField::coded(u16::try_from(code).ok()?));
            let fields: Vec<&str> = fields.filter(|field| field.longest >= FREE).map(|field| field.name).collect();
            if !fields.is_empty() {
                listed.push((path.clone(), fields));
            }
        }
        for (id, path) in around.found.iter().filter(|(id, _)| around.incidents.contains(id)) {
            let rows: i64 = import_row::table.filter(import_row::incident_id.eq(id)).count().get_result(self.db)?;
            if rows > 0 {
                listed.push((format!("{path}/source-rows"), vec!["raw"]));
            }
        }
        Ok(listed)
    }

    /// The permanent id of a victim, suspect or accused, in whichever edition. For the operator, who has no scope and sees
    /// nothing of it.
    fn person_at(&mut self, path: &str) -> Result<Option<Id>> {
        let parts: Vec<&str> = path.split('/').collect();
        let found = match parts[..] {
            ["incidents", reference, "victims", handle] => victim::table
                .inner_join(incident_edition::table.on(incident_edition::id.eq(victim::edition_id)))
                .inner_join(incident::table.on(incident::id.eq(incident_edition::incident_id)))
                .filter(incident::reference.eq(reference))
                .filter(victim::handle.eq(handle))
                .select(victim::victim_id)
                .first(self.db)
                .optional()?,
            ["incidents", reference, "suspects", handle] => suspect::table
                .inner_join(incident_edition::table.on(incident_edition::id.eq(suspect::edition_id)))
                .inner_join(incident::table.on(incident::id.eq(incident_edition::incident_id)))
                .filter(incident::reference.eq(reference))
                .filter(suspect::handle.eq(handle))
                .select(suspect::suspect_id)
                .first(self.db)
                .optional()?,
            ["proceedings", reference, "accused", handle] => accused::table
                .inner_join(proceeding::table.on(proceeding::id.eq(accused::proceeding_id)))
                .filter(proceeding::reference.eq(reference))
                .filter(accused::handle.eq(handle))
                .select(accused::id)
                .first(self.db)
                .optional()?,
            _ => None,
        };
        Ok(found)
    }
}
