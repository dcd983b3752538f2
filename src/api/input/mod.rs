//! Reading what people send: every fault is found, each by its pointer, before anything is done.
//!
//! Bodies are parsed into [`InputValue`], whose texts wipe themselves, never into `serde_json::Value`. A [`InputReader`] then takes its
//! members one by one; what nobody took is an unknown field.

mod value;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use seal::Plain;
pub use value::InputValue;

use super::problem::Problem;
use crate::domain::{Code, Fault, Noun, PartialDate, Precision, Reference, SealedField, calendar_day};
use crate::store::{Id, SealedInput};

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

/// Reads one member's value; the error says which rule it breaks, and never the value.
pub trait Reader<T>: Fn(&InputValue, &Context) -> Result<T, String> {}
impl<T, F: Fn(&InputValue, &Context) -> Result<T, String>> Reader<T> for F {}

/// An object being read.
#[derive(Debug)]
pub struct InputReader<'c> {
    /// What it is read with.
    pub context: &'c Context,
    at: String,
    members: Vec<(String, InputValue)>,
    faults: Vec<Fault>,
}

impl<'c> InputReader<'c> {
    fn new(context: &'c Context, at: String, members: Vec<(String, InputValue)>) -> Self {
        let mut input = Self { context, at, members: Vec::with_capacity(members.len()), faults: Vec::new() };
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
        // serde_json's message can quote the input: only the place is repeated.
        let input: InputValue = serde_json::from_slice(body).map_err(|error| {
            Problem::of("invalid").with_detail(format!("not JSON, at line {} column {}", error.line(), error.column()))
        })?;
        let InputValue::Object(members) = input else {
            return Err(Problem::invalid(vec![Fault::new("", "must be an object")]));
        };
        Self::new(context, String::new(), members).finish(parse)
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
            .map_err(|_| Problem::of("invalid").with_detail("the query string cannot be read"))?;
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

    /// Records a fault at a member.
    pub fn fault(&mut self, name: &str, detail: &str) {
        let escaped: String = name.replace('~', "~0").replace('/', "~1").chars().take(100).collect();
        let fault = Fault::new(format!("{}/{escaped}", self.at), detail);
        // The first fault of a member tells enough: what could not be read is not lacking too. And a hundred tell enough.
        if self.faults.len() < MOST_FAULTS && !self.faults.iter().any(|known| known.pointer == fault.pointer) {
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

    /// A member that may be absent (then it is as it was) or null (then it is cleared).
    pub fn optional<T>(&mut self, name: &str, base: Option<T>, reader: impl Reader<T>) -> Option<T> {
        match self.take(name) {
            None => base,
            Some(InputValue::Null) => None,
            Some(input) => self.value(name, &input, reader),
        }
    }

    fn value<T>(&mut self, name: &str, input: &InputValue, reader: impl Reader<T>) -> Option<T> {
        match reader(input, self.context) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(name, &detail);
                None
            }
        }
    }

    /// A list of objects; empty when absent.
    pub fn list<T>(&mut self, name: &str, longest: usize, parse: impl Fn(&mut InputReader<'c>) -> Option<T>) -> Vec<T> {
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
                self.fault(name, &format!("at most {longest} items"));
                Vec::new()
            }
            Some(_) => {
                self.fault(name, "must be a list");
                Vec::new()
            }
        }
    }

    /// The sealed fields of a new record, as far as they were sent. A marker sent back is refused, so that nobody overwrites a
    /// seal with it.
    pub fn sealed(&mut self, noun: Noun) -> SealedInput {
        self.sealed_over(noun, false)
    }

    /// The sealed fields of a record that is changed, as far as they were sent. `null` and an empty text are refused: a client that sends
    /// back what it was not shown would empty them. Who means to empty a field names it in `clear`, by its pointer.
    pub fn sealed_patch(&mut self, noun: Noun) -> SealedInput {
        let mut sealed = self.sealed_over(noun, true);
        let pointers = self.optional("clear", None, list_of(100, text(100))).unwrap_or_default();
        for (at, pointer) in pointers.iter().enumerate() {
            let found = pointer.strip_prefix('/').and_then(|name| SealedField::named(noun, name));
            let found = found.filter(|field| field.typed);
            match found {
                None => self
                    .fault("clear", &format!("item {at}: must be the pointer of a sealed field, such as /narrative")),
                Some(field) if sealed.iter().any(|(known, _)| known.code == field.code) => {
                    self.fault("clear", &format!("item {at}: {pointer} is sent too, or named twice"));
                }
                Some(field) => sealed.push((field, None)),
            }
        }
        sealed
    }

    fn sealed_over(&mut self, noun: Noun, changes: bool) -> SealedInput {
        const EMPTIES: &str = "this does not empty a sealed field: leave it out to keep it, or name it in clear";
        let mut sealed = Vec::new();
        for field in SealedField::of(noun).filter(|field| field.typed) {
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

    /// A date with its precision, in two members: `name` and `name_precision`.
    pub fn partial_date(&mut self, name: &str, base: Option<PartialDate>) -> Option<PartialDate> {
        let date = self.required(name, base.map(PartialDate::first), date);
        let known = base.map_or(Precision::Day, PartialDate::precision);
        let precision = self.required(&format!("{name}_precision"), Some(known), code);
        Some(PartialDate::new(date?, precision?))
    }
}

/// The text of a member, or of a parameter.
///
/// # Errors
/// That it is another type.
pub fn as_text(input: &InputValue) -> Result<&str, String> {
    match input {
        InputValue::Text(text) | InputValue::Word(text) => Ok(text.expose()),
        _ => Err("must be text".into()),
    }
}

/// Text of at most that many characters, without line breaks or control characters.
pub fn text(longest: usize) -> impl Reader<String> {
    move |input: &InputValue, _: &Context| {
        let text = as_text(input)?.trim();
        if text.is_empty() {
            Err("must not be empty".into())
        } else if text.chars().count() > longest {
            Err(format!("at most {longest} characters"))
        } else if text.chars().any(char::is_control) {
            Err("must not hold control characters".into())
        } else if hides(text) {
            Err(HIDDEN.into())
        } else {
            Ok(text.to_owned())
        }
    }
}

const HIDDEN: &str =
    "must not hold characters that are not seen: zero-width ones, or those that turn the direction of writing";

/// Whether a text holds characters that are not seen and change what is read: those that turn the direction of writing (Unicode's
/// bidirectional marks, embeddings, overrides and isolates), or have no width. Two that join or part letters stay between letters, where
/// Persian, Urdu and scripts of India need them.
fn hides(text: &str) -> bool {
    let all: Vec<char> = text.chars().collect();
    all.iter().enumerate().any(|(at, c)| match c {
        '\u{061c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        '\u{200c}' | '\u{200d}' => {
            let is_letter =
                |at: Option<usize>| at.and_then(|at| all.get(at)).is_some_and(|c| c.is_alphabetic() && !c.is_ascii());
            !(is_letter(at.checked_sub(1)) && is_letter(at.checked_add(1)))
        }
        _ => false,
    })
}

/// What is wrong with a sealed text: looked at before it is sealed, since nobody looks afterwards.
fn sealed_fault(field: &SealedField, text: &str, context: &Context) -> Option<String> {
    let has_control = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if text.chars().count() > field.longest {
        Some(format!("at most {} characters", field.longest))
    } else if has_control(text) {
        Some("must not hold control characters".into())
    } else if hides(text) {
        Some(HIDDEN.into())
    } else {
        // A birth is a day where it was, which may be tomorrow here.
        let today = (context.now + chrono::TimeDelta::hours(14)).date();
        field.shape.fault(text.trim(), today).map(str::to_owned)
    }
}

/// A code of a list.
pub fn code<C: Code>(input: &InputValue, _: &Context) -> Result<C, String> {
    C::parse(as_text(input)?).ok_or_else(|| format!("not a code of the list {}", C::LIST))
}

/// A day, `YYYY-MM-DD`.
pub fn date(input: &InputValue, _: &Context) -> Result<NaiveDate, String> {
    let text = as_text(input)?;
    let date = calendar_day(text).ok_or("must be a date, YYYY-MM-DD")?;
    if chrono::Datelike::year(&date) < 1945 { Err("lies before the United Nations".into()) } else { Ok(date) }
}

/// A day that is not later than now + 14 h.
pub fn past_date(input: &InputValue, context: &Context) -> Result<NaiveDate, String> {
    let day = date(input, context)?;
    if PartialDate::new(day, Precision::Day).is_future(context.now) {
        Err("lies in the future".into())
    } else {
        Ok(day)
    }
}

/// A whole number within bounds, as a number or, in a query, as digits.
pub fn integer<T: TryFrom<i64>>(least: i64, most: i64) -> impl Reader<T> {
    move |input: &InputValue, _: &Context| {
        let number = match input {
            InputValue::Integer(number) => Some(*number),
            InputValue::Word(text) => text.expose().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
    }
}

/// A truth value.
pub fn truth(input: &InputValue, _: &Context) -> Result<bool, String> {
    match input {
        InputValue::Bool(value) => Ok(*value),
        InputValue::Word(text) if text.expose() == "true" => Ok(true),
        InputValue::Word(text) if text.expose() == "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// A State's alpha-3 code.
pub fn state(input: &InputValue, context: &Context) -> Result<String, String> {
    let text = as_text(input)?;
    if context.reference.states.contains_key(text) {
        Ok(text.to_owned())
    } else {
        Err("not the code of a State".into())
    }
}

/// A mission's acronym.
pub fn mission(input: &InputValue, context: &Context) -> Result<String, String> {
    let text = as_text(input)?;
    if context.reference.missions.contains_key(text) { Ok(text.to_owned()) } else { Err("not a mission".into()) }
}

/// A list of at most that many values.
pub fn list_of<T>(longest: usize, reader: impl Reader<T>) -> impl Reader<Vec<T>> {
    move |input: &InputValue, context: &Context| match input {
        InputValue::List(items) if items.len() <= longest => items
            .iter()
            .enumerate()
            .map(|(at, item)| reader(item, context).map_err(|detail| format!("item {at}: {detail}")))
            .collect(),
        InputValue::List(_) => Err(format!("at most {longest} items")),
        _ => Err("must be a list".into()),
    }
}

/// A first-level region, ISO 3166-2.
pub fn region(input: &InputValue, _: &Context) -> Result<String, String> {
    let text = as_text(input)?;
    if rust_iso3166::iso3166_2::from_code(text).is_some() {
        Ok(text.to_owned())
    } else {
        Err("must be an ISO 3166-2 code such as ML-7".into())
    }
}

/// An id of another system: letters, digits and a few signs.
pub fn external_id(input: &InputValue, _: &Context) -> Result<String, String> {
    let text = as_text(input)?;
    let fits = (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b' '));
    if fits { Ok(text.to_owned()) } else { Err("must be 1 to 60 letters, digits or - _ . /".into()) }
}

/// An address that begins with `https://` or `http://`.
pub fn url(input: &InputValue, _: &Context) -> Result<String, String> {
    let text = as_text(input)?;
    let fits = text.len() <= 500
        && (text.starts_with("https://") || text.starts_with("http://"))
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if fits { Ok(text.to_owned()) } else { Err("must be a web address of at most 500 characters".into()) }
}

/// A reference of a noun.
pub fn reference(noun: Noun) -> impl Reader<String> {
    move |input: &InputValue, _: &Context| {
        Reference::parse(noun, as_text(input)?)
            .map(|reference| reference.to_string())
            .ok_or_else(|| format!("not a reference of {}", noun.path()))
    }
}

/// An id, as answers give it.
pub fn id(input: &InputValue, _: &Context) -> Result<Id, String> {
    Id::parse(as_text(input)?).ok_or_else(|| "must be an id".into())
}

/// A class of sensitivity.
pub fn class(input: &InputValue, _: &Context) -> Result<seal::ClassCode, String> {
    seal::ClassCode::parse(as_text(input)?).ok_or_else(|| "not a class".into())
}
