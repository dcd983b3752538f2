//! Readers of single members: each says what it takes, to whoever reads and to the description alike.

use chrono::{NaiveDate, NaiveDateTime};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

use super::{Context, InputValue, describe};
use crate::domain::{Code, Noun, PartialDate, Precision, Reference, SealedField, calendar_day};
use crate::store::Id;

/// Reads one member's value; the error says which rule it breaks, and never the value.
pub trait Reader<T>: Sized {
    /// Reads a value.
    ///
    /// # Errors
    /// The rule that it breaks.
    fn read(&self, input: &InputValue, context: &Context) -> Result<T, String>;

    /// What it takes.
    fn schema(&self) -> RefOr<Schema> {
        string().into()
    }

    /// The same reader, described in words.
    fn about(self, words: &'static str) -> Described<Self> {
        Described { reader: self, words }
    }
}

impl<T, F: Fn(&InputValue, &Context) -> Result<T, String>> Reader<T> for F {
    fn read(&self, input: &InputValue, context: &Context) -> Result<T, String> {
        self(input, context)
    }
}

/// A reader with the words that describe its member.
#[derive(Debug)]
pub struct Described<R> {
    reader: R,
    words: &'static str,
}

impl<T, R: Reader<T>> Reader<T> for Described<R> {
    fn read(&self, input: &InputValue, context: &Context) -> Result<T, String> {
        self.reader.read(input, context)
    }

    fn schema(&self) -> RefOr<Schema> {
        super::describe::in_words(self.reader.schema(), self.words)
    }
}

/// A reader that is a rule, and the schema that says the same.
struct Ruled<F, S> {
    rule: F,
    schema: S,
}

impl<T, F: Fn(&InputValue, &Context) -> Result<T, String>, S: Fn() -> RefOr<Schema>> Reader<T> for Ruled<F, S> {
    fn read(&self, input: &InputValue, context: &Context) -> Result<T, String> {
        (self.rule)(input, context)
    }

    fn schema(&self) -> RefOr<Schema> {
        (self.schema)()
    }
}

fn ruled<T>(
    rule: impl Fn(&InputValue, &Context) -> Result<T, String>,
    schema: impl Fn() -> RefOr<Schema>,
) -> impl Reader<T> {
    Ruled { rule, schema }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn calendar(words: &str) -> RefOr<Schema> {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).description(Some(words)).into()
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
    let rule = move |input: &InputValue, _: &Context| {
        let text = as_text(input)?.trim();
        if text.is_empty() {
            Err("must not be empty".into())
        } else if text.chars().count() > longest {
            Err(format!("must have at most {longest} characters"))
        } else if text.chars().any(char::is_control) {
            Err("must not contain control characters".into())
        } else if hides(text) {
            Err(HIDDEN.into())
        } else {
            Ok(text.to_owned())
        }
    };
    ruled(rule, move || string().min_length(Some(1)).max_length(Some(longest)).into())
}

const HIDDEN: &str =
    "must not contain invisible characters, such as zero-width characters or marks that change the text direction";

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
pub(super) fn sealed_fault(field: &SealedField, text: &str, context: &Context) -> Option<String> {
    let has_control = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if text.chars().count() > field.longest {
        Some(format!("must have at most {} characters", field.longest))
    } else if has_control(text) {
        Some("must not contain control characters".into())
    } else if hides(text) {
        Some(HIDDEN.into())
    } else {
        // A birth is a day where it was, which may be tomorrow here.
        let today = (context.now + chrono::TimeDelta::hours(14)).date();
        field.shape.fault(text.trim(), today).map(str::to_owned)
    }
}

/// A code of a list.
pub fn code<C: Code>() -> impl Reader<C> {
    let rule = |input: &InputValue, _: &Context| {
        C::parse(as_text(input)?)
            .ok_or_else(|| format!("must be a code of the list {} (see GET /v1/vocabulary)", C::LIST))
    };
    ruled(rule, || RefOr::Ref(Ref::from_schema_name(C::name())))
}

/// A day, `YYYY-MM-DD`.
pub fn date() -> impl Reader<NaiveDate> {
    ruled(day, || calendar("A day, `YYYY-MM-DD`, from 1945 on."))
}

fn day(input: &InputValue, _: &Context) -> Result<NaiveDate, String> {
    let text = as_text(input)?;
    let date = calendar_day(text).ok_or("must be a date, YYYY-MM-DD")?;
    if chrono::Datelike::year(&date) < 1945 { Err("must not be earlier than 1945".into()) } else { Ok(date) }
}

/// A day that is not later than now + 14 h.
pub fn past_date() -> impl Reader<NaiveDate> {
    let rule = |input: &InputValue, context: &Context| {
        let day = day(input, context)?;
        if PartialDate::new(day, Precision::Day).is_future(context.now) {
            Err("must not be in the future".into())
        } else {
            Ok(day)
        }
    };
    ruled(rule, || calendar("A day, `YYYY-MM-DD`, from 1945 to today."))
}

/// A time from which something is asked: a day (from its beginning, UTC) or a time of RFC 3339.
pub fn since() -> impl Reader<NaiveDateTime> {
    let rule = |input: &InputValue, context: &Context| {
        let text = as_text(input)?;
        if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
            return Ok(at.naive_utc());
        }
        day(input, context)
            .map(|day| day.and_time(chrono::NaiveTime::MIN))
            .map_err(|_| "must be a day (YYYY-MM-DD) or a time (RFC 3339)".to_owned())
    };
    let schema = || {
        let example = serde_json::json!("2026-11-27T06:00:00Z");
        ObjectBuilder::new().schema_type(Type::String).examples([example]).into()
    };
    ruled(rule, schema).about("Changed, in what you are shown, on this day (UTC) or at this time (RFC 3339), or later.")
}

/// A whole number within bounds, as a number or, in a query, as digits.
pub fn integer<T: TryFrom<i64>>(least: i64, most: i64) -> impl Reader<T> {
    let rule = move |input: &InputValue, _: &Context| {
        let number = match input {
            InputValue::Integer(number) => Some(*number),
            InputValue::Word(text) => text.expose().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
    };
    let schema = move || {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(least)).maximum(Some(most)).into()
    };
    ruled(rule, schema)
}

/// A truth value.
pub fn truth() -> impl Reader<bool> {
    let rule = |input: &InputValue, _: &Context| match input {
        InputValue::Bool(value) => Ok(*value),
        InputValue::Word(text) if text.expose() == "true" => Ok(true),
        InputValue::Word(text) if text.expose() == "false" => Ok(false),
        _ => Err("must be true or false".into()),
    };
    ruled(rule, || ObjectBuilder::new().schema_type(Type::Boolean).into())
}

/// A State's alpha-3 code.
pub fn state() -> impl Reader<String> {
    let rule = |input: &InputValue, context: &Context| {
        let text = as_text(input)?;
        if context.reference.states.contains_key(text) {
            Ok(text.to_owned())
        } else {
            Err("must be the alpha-3 code of a State (see GET /v1/states)".into())
        }
    };
    let words = "Code of a State (ISO 3166-1 alpha-3), as `GET /v1/states` lists them.";
    ruled(rule, move || string().pattern(Some("^[A-Z]{3}$")).description(Some(words)).into())
}

/// A mission's acronym.
pub fn mission() -> impl Reader<String> {
    let rule = |input: &InputValue, context: &Context| {
        let text = as_text(input)?;
        if context.reference.missions.contains_key(text) {
            Ok(text.to_owned())
        } else {
            Err("must be the acronym of a mission (see GET /v1/missions)".into())
        }
    };
    let words = "Acronym of a mission, as `GET /v1/missions` lists them.";
    ruled(rule, move || string().min_length(Some(1)).max_length(Some(60)).description(Some(words)).into())
}

/// A list of at most that many values.
pub fn list_of<T>(longest: usize, reader: impl Reader<T>) -> impl Reader<Vec<T>> {
    let items = reader.schema();
    let rule = move |input: &InputValue, context: &Context| match input {
        InputValue::List(items) if items.len() <= longest => items
            .iter()
            .enumerate()
            .map(|(at, item)| reader.read(item, context).map_err(|detail| format!("item {at}: {detail}")))
            .collect(),
        InputValue::List(_) => Err(format!("must have at most {longest} items")),
        _ => Err("must be a list".into()),
    };
    ruled(rule, move || describe::list(longest, items.clone()))
}

/// A first-level region, ISO 3166-2.
pub fn region() -> impl Reader<String> {
    let rule = |input: &InputValue, _: &Context| {
        let text = as_text(input)?;
        if rust_iso3166::iso3166_2::from_code(text).is_some() {
            Ok(text.to_owned())
        } else {
            Err("must be an ISO 3166-2 code such as ML-7".into())
        }
    };
    let words = "First-level region (ISO 3166-2).";
    ruled(rule, move || string().pattern(Some("^[A-Z]{2}-[A-Z0-9]{1,3}$")).description(Some(words)).into())
}

/// An id of another system: letters, digits and a few signs.
pub fn external_id() -> impl Reader<String> {
    let rule = |input: &InputValue, _: &Context| {
        let text = as_text(input)?;
        let fits = (1..=60).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b' '));
        if fits {
            Ok(text.to_owned())
        } else {
            Err("must have 1 to 60 characters: letters, digits, spaces or - _ . /".into())
        }
    };
    ruled(rule, || string().pattern(Some("^[A-Za-z0-9_./ -]{1,60}$")).into())
}

/// An address that begins with `https://` or `http://`.
pub fn url() -> impl Reader<String> {
    let rule = |input: &InputValue, _: &Context| {
        let text = as_text(input)?;
        let fits = text.len() <= 500
            && (text.starts_with("https://") || text.starts_with("http://"))
            && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if fits {
            Ok(text.to_owned())
        } else {
            Err("must be a URL of at most 500 characters that begins with https:// or http://".into())
        }
    };
    ruled(rule, || string().pattern(Some("^https?://\\S+$")).max_length(Some(500)).into())
}

/// A reference of a noun.
pub fn reference(noun: Noun) -> impl Reader<String> {
    let rule = move |input: &InputValue, _: &Context| {
        Reference::parse(noun, as_text(input)?)
            .map(|reference| reference.to_string())
            .ok_or_else(|| format!("must be the reference of a record in /v1/{}", noun.path()))
    };
    ruled(rule, move || string().max_length(Some(60)).into())
}

/// An id, as answers give it.
pub fn id() -> impl Reader<Id> {
    let rule = |input: &InputValue, _: &Context| {
        Id::parse(as_text(input)?).ok_or_else(|| "must be an ID that an answer of this service gave".into())
    };
    ruled(rule, || string().pattern(Some("^[0-9a-f]{32}$")).into())
}

/// A class of sensitivity.
pub fn class() -> impl Reader<seal::ClassCode> {
    let rule = |input: &InputValue, _: &Context| {
        seal::ClassCode::parse(as_text(input)?).ok_or_else(|| "must be confidential or strictly_confidential".into())
    };
    let names = || seal::ClassCode::ALL.map(seal::ClassCode::name);
    ruled(rule, move || string().enum_values(Some(names())).into())
}
