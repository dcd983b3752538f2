//! Reading what people send: every fault is found, each by its pointer, before anything is done.
//!
//! Bodies are parsed into [`InputValue`], whose texts wipe themselves, never into `serde_json::Value`. A [`InputReader`] then takes its
//! members one by one; what nobody took is an unknown field.

pub mod describe;
mod readers;
mod value;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDateTime;
use describe::Member;
use readers::sealed_fault;
pub use readers::{
    Reader, as_text, class, code, date, external_id, id, integer, list_of, mission, past_date, reference, region,
    since, state, text, truth, url,
};
use seal::Plain;
use utoipa::openapi::{RefOr, Schema};
pub use value::InputValue;

use super::problem::Problem;
use crate::domain::{Fault, Noun, PartialDate, Precision, SealedField};
use crate::store::SealedInput;

/// Reference data that inputs are checked against.
#[derive(Debug, Default)]
pub struct ReferenceData {
    /// English names of States, by code.
    pub states: HashMap<String, String>,
    /// Host States of missions, by acronym.
    pub missions: HashMap<String, Vec<String>>,
}

/// What a form is read with.
#[derive(Debug, Clone)]
pub struct Context {
    /// States and missions.
    pub reference: Arc<ReferenceData>,
    /// Now (UTC).
    pub now: NaiveDateTime,
}

/// Faults that an answer lists, at most.
const MOST_FAULTS: usize = 100;

/// An object being read; or described, by the same function that reads it.
#[derive(Debug)]
pub struct InputReader<'c> {
    /// What it is read with.
    pub context: &'c Context,
    at: String,
    members: Vec<(String, InputValue)>,
    faults: Vec<Fault>,
    is_edit: bool,
    /// What was asked for so far, where the object is described and not read.
    described: Option<Vec<Member>>,
}

impl<'c> InputReader<'c> {
    fn new(context: &'c Context, at: String, members: Vec<(String, InputValue)>) -> Self {
        let mut input = Self {
            context,
            at,
            members: Vec::with_capacity(members.len()),
            faults: Vec::new(),
            is_edit: false,
            described: None,
        };
        let mut seen = HashSet::new();
        for (name, value) in members {
            if seen.insert(name.clone()) {
                input.members.push((name, value));
            } else {
                input.fault(&name, "given more than once");
            }
        }
        input
    }

    /// Reads a JSON body as one object.
    ///
    /// # Errors
    /// A 400 problem that lists every fault.
    pub fn read<T>(
        context: &'c Context,
        body: &[u8],
        parse: impl FnOnce(&mut InputReader<'c>) -> Option<T>,
    ) -> Result<T, Problem> {
        Self::of(context, body)?.finish(parse)
    }

    /// Reads a JSON body as a merge patch of a record that is there.
    ///
    /// # Errors
    /// A 400 problem that lists every fault.
    pub fn change<T>(
        context: &'c Context,
        body: &[u8],
        parse: impl FnOnce(&mut InputReader<'c>) -> Option<T>,
    ) -> Result<T, Problem> {
        Self { is_edit: true, ..Self::of(context, body)? }.finish(parse)
    }

    fn of(context: &'c Context, body: &[u8]) -> Result<Self, Problem> {
        // serde_json's message can quote the input: only the place is repeated.
        let input: InputValue = serde_json::from_slice(body).map_err(|error| {
            Problem::of("invalid").with_detail(format!(
                "The body is not valid JSON: see line {}, column {}.",
                error.line(),
                error.column()
            ))
        })?;
        let InputValue::Object(members) = input else {
            return Err(Problem::invalid(vec![Fault::new("", "must be an object")]));
        };
        Ok(Self::new(context, String::new(), members))
    }

    /// Reads a query string as one object of texts.
    ///
    /// # Errors
    /// A 400 problem that lists every fault, unknown parameters among them.
    pub fn query<T>(
        context: &'c Context,
        query: &str,
        parse: impl FnOnce(&mut InputReader<'c>) -> Option<T>,
    ) -> Result<T, Problem> {
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|_| Problem::of("invalid").with_detail("The query string cannot be read."))?;
        let members =
            pairs.into_inner().into_iter().map(|(name, value)| (name, InputValue::Word(Plain::from(value)))).collect();
        Self::new(context, String::new(), members).finish(parse)
    }

    fn finish<T>(mut self, parse: impl FnOnce(&mut InputReader<'c>) -> Option<T>) -> Result<T, Problem> {
        let value = parse(&mut self);
        self.refuse_rest();
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Problem::invalid(self.faults)),
        }
    }

    fn refuse_rest(&mut self) {
        for (name, _) in std::mem::take(&mut self.members).into_iter().take(MOST_FAULTS) {
            self.fault(&name, "unknown field");
        }
    }

    /// Whether the object changes a record that is there.
    pub fn is_edit(&self) -> bool {
        self.is_edit
    }

    fn describe(&mut self, name: &str, is_required: bool, schema: impl FnOnce() -> RefOr<Schema>) -> bool {
        let is_required = is_required && !self.is_edit;
        if let Some(described) = &mut self.described {
            described.push(Member { name: name.to_owned(), is_required, schema: schema() });
        }
        self.described.is_some()
    }

    /// Records a fault at a member.
    pub fn fault(&mut self, name: &str, detail: &str) {
        let escaped: String = name.replace('~', "~0").replace('/', "~1").chars().take(100).collect();
        let fault = Fault::new(format!("{}/{escaped}", self.at), detail);
        // The first fault of a member tells enough: what could not be read is not lacking too. And a hundred tell enough.
        if self.faults.len() < MOST_FAULTS && !self.faults.iter().any(|known| known.pointer == fault.pointer) {
            self.faults.push(fault);
        }
    }

    /// Records a fault further below.
    pub fn fault_at(&mut self, path: &[&str], detail: &str) {
        let fault = Fault::new(format!("{}/{}", self.at, path.join("/")), detail);
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    fn take(&mut self, name: &str) -> Option<InputValue> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.swap_remove(at).1)
    }

    /// Whether a member was sent.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    /// A member that must be there: sent, or as it was (`base`, in a merge patch).
    pub fn required<T>(&mut self, name: &str, base: Option<T>, reader: impl Reader<T>) -> Option<T> {
        if self.describe(name, base.is_none(), || reader.schema()) {
            return base;
        }
        match self.take(name) {
            None if base.is_some() => base,
            None => {
                self.fault(name, "required");
                None
            }
            Some(InputValue::Null) => {
                self.fault(name, "cannot be null");
                None
            }
            Some(input) => self.value(name, &input, reader),
        }
    }

    /// A member that is set once: required of a new record, and as it was (`base`) in a change, which does not take it.
    pub fn fixed<T>(&mut self, name: &str, base: Option<T>, reader: impl Reader<T>) -> Option<T> {
        if self.is_edit { base } else { self.required(name, None, reader) }
    }

    /// A member that may be absent (then it is as it was) or null (then it is cleared).
    pub fn optional<T>(&mut self, name: &str, base: Option<T>, reader: impl Reader<T>) -> Option<T> {
        let is_edit = self.is_edit;
        if self.describe(name, false, || if is_edit { describe::or_null(reader.schema()) } else { reader.schema() }) {
            return base;
        }
        match self.take(name) {
            None => base,
            Some(InputValue::Null) => None,
            Some(input) => self.value(name, &input, reader),
        }
    }

    fn value<T>(&mut self, name: &str, input: &InputValue, reader: impl Reader<T>) -> Option<T> {
        match reader.read(input, self.context) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(name, &detail);
                None
            }
        }
    }

    /// A list of objects; empty when absent.
    pub fn list<T>(&mut self, name: &str, longest: usize, parse: impl Fn(&mut InputReader<'c>) -> Option<T>) -> Vec<T> {
        self.objects(name, longest, false, parse)
    }

    /// A list of objects that must be there.
    pub fn required_list<T>(
        &mut self,
        name: &str,
        longest: usize,
        parse: impl Fn(&mut InputReader<'c>) -> Option<T>,
    ) -> Vec<T> {
        if self.described.is_none() && !self.has(name) {
            self.fault(name, "required");
        }
        self.objects(name, longest, true, parse)
    }

    fn objects<T>(
        &mut self,
        name: &str,
        longest: usize,
        is_required: bool,
        parse: impl Fn(&mut InputReader<'c>) -> Option<T>,
    ) -> Vec<T> {
        let (context, is_edit) = (self.context, self.is_edit);
        if self.describe(name, is_required, || describe::list(longest, describe::object(context, is_edit, &parse))) {
            return Vec::new();
        }
        match self.take(name) {
            None => Vec::new(),
            Some(InputValue::List(items)) if items.len() <= longest => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.into_iter().enumerate() {
                    let pointer = format!("{}/{name}/{at}", self.at);
                    let InputValue::Object(members) = item else {
                        self.faults.push(Fault::new(pointer, "must be an object"));
                        continue;
                    };
                    let mut input = InputReader::new(self.context, pointer, members);
                    list.extend(parse(&mut input));
                    input.refuse_rest();
                    let room = MOST_FAULTS.saturating_sub(self.faults.len());
                    self.faults.extend(input.faults.into_iter().take(room));
                }
                list
            }
            Some(InputValue::List(_)) => {
                self.fault(name, &format!("must have at most {longest} items"));
                Vec::new()
            }
            Some(_) => {
                self.fault(name, "must be a list");
                Vec::new()
            }
        }
    }

    /// The sealed fields of a record, as far as they were sent. A marker sent back is refused, so that nobody overwrites a seal with it. In a
    /// change, `null` and an empty text are refused too: a client that sends back what it was not shown would empty them. Who means to empty a
    /// field names it in `clear`, by its pointer.
    pub fn sealed(&mut self, noun: Noun) -> SealedInput {
        let mut sealed = self.sealed_of(SealedField::of(noun).filter(|field| field.typed));
        if !self.is_edit {
            return sealed;
        }
        let clear = list_of(100, text(100))
            .about("Pointers of sealed fields to empty, such as `/narrative`. `null` does not empty one.");
        let pointers = self.optional("clear", None, clear).unwrap_or_default();
        for (at, pointer) in pointers.iter().enumerate() {
            let found = pointer.strip_prefix('/').and_then(|name| SealedField::named(noun, name));
            let found = found.filter(|field| field.typed);
            match found {
                None => self
                    .fault("clear", &format!("item {at}: must be the pointer of a sealed field, such as /narrative")),
                Some(field) if sealed.iter().any(|(known, _)| known.code == field.code) => {
                    self.fault(
                        "clear",
                        &format!("item {at}: {pointer} also has a value in this request, or is named twice"),
                    );
                }
                Some(field) => sealed.push((field, None)),
            }
        }
        sealed
    }

    /// These sealed fields, as far as they were sent, and no others.
    pub fn sealed_of(&mut self, fields: impl Iterator<Item = &'static SealedField>) -> SealedInput {
        const EMPTIES: &str = "this does not clear a sealed field: leave the field out to keep it, or name it in clear";
        let changes = self.is_edit;
        let mut sealed = Vec::new();
        for field in fields {
            self.describe(field.name, false, || describe::sealed(field));
            match self.take(field.name) {
                None => {}
                Some(InputValue::Null) if changes => self.fault(field.name, EMPTIES),
                Some(InputValue::Text(text)) if changes && text.expose().trim().is_empty() => {
                    self.fault(field.name, EMPTIES)
                }
                Some(InputValue::Null) => {}
                Some(InputValue::Text(text)) if text.expose().trim().is_empty() => {}
                Some(InputValue::Text(text)) => match sealed_fault(field, text.expose(), self.context) {
                    Some(fault) => self.fault(field.name, &fault),
                    None => sealed.push((field, Some(text))),
                },
                Some(InputValue::Object(members)) if members.iter().any(|(name, _)| name == "withheld") => {
                    self.fault(field.name, "a withheld marker cannot be sent back: leave the field out to keep it");
                }
                Some(_) => self.fault(field.name, "must be text"),
            }
        }
        sealed
    }

    /// As [`InputReader::partial_date`], of a date that has begun somewhere on earth.
    pub fn past_partial_date(&mut self, name: &str, base: Option<PartialDate>) -> Option<PartialDate> {
        let on = self.partial_date(name, base);
        if on.is_some_and(|on| on.is_future(self.context.now)) {
            self.fault(name, "must not be in the future");
        }
        on
    }

    /// A date with its precision, in two members: `name` and `name_precision`.
    pub fn partial_date(&mut self, name: &str, base: Option<PartialDate>) -> Option<PartialDate> {
        let given = (self.has(name), self.has(&format!("{name}_precision")));
        let date = self.required(name, base.map(PartialDate::first), date());
        let known = base.map_or(Precision::Day, PartialDate::precision);
        let precision = self.required(&format!("{name}_precision"), Some(known), code());
        // Another day in a year that was known alone may be the day, or an example of it: nobody guesses.
        let is_other = base
            .is_some_and(|base| date.is_some_and(|date| PartialDate::new(date, known) != base || date != base.first()));
        if given == (true, false) && known != Precision::Day && is_other {
            let detail = "say how exactly the new date is known: day, month or year";
            self.fault(&format!("{name}_precision"), detail);
        }
        Some(PartialDate::new(date?, precision?))
    }
}
