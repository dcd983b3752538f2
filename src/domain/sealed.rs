//! Which fields are sealed, under which class and stable code. A new sealed field is one line of its noun's specification.

use chrono::{Datelike, NaiveDate};
use seal::{ClassCode, Field};
use strum::VariantArray as _;

use super::Noun;
use super::date::calendar_day;

/// What a group of sealed fields is about: the disclosure policy grants by group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// Exact place and time of an incident.
    Place,
    /// Narrative, attribution and sources of an incident.
    Account,
    /// A victim.
    Victim,
    /// A suspect.
    Suspect,
    /// The United Nations' own notes on a case or proceeding.
    Notes,
    /// The court's own file number.
    CourtFile,
    /// An accused.
    Accused,
    /// Words of a record of what States and the United Nations did: narrative, conditions, contacts.
    Record,
    /// Why something was returned or withdrawn, in words.
    Reason,
    /// The note that states why a seal was opened.
    DisclosureNote,
}

/// One sealed field. `code` is bound into the ciphertext and is never given to another field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedField {
    /// Stable code.
    pub code: u16,
    /// The noun that has it.
    pub noun: Noun,
    /// Name in the API and in history.
    pub name: &'static str,
    /// Class (ST/SGB/2007/6).
    pub class: ClassCode,
    /// What it is about.
    pub about: About,
    /// Sealed even when empty and to one size, never named in history, and its marker never tells `held`: that there is something would
    /// itself tell.
    pub always: bool,
    /// Longest text taken, in characters.
    pub longest: usize,
    /// What the text must be: once it is sealed, nobody looks.
    pub shape: Shape,
    /// Whether forms of the noun take it. What comes with a decision on the record is no member of it.
    pub typed: bool,
}

/// What the text of a sealed field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Words.
    Text,
    /// Latitude and longitude in decimal degrees (WGS 84), parted by a comma.
    Coordinates,
    /// A day from 1850 to today, `YYYY-MM-DD`.
    BirthDate,
}

impl Shape {
    /// What is wrong with a text of this shape; `today` is the last day that a person may be born on.
    pub fn fault(self, text: &str, today: NaiveDate) -> Option<&'static str> {
        let fits = match self {
            Self::Text => true,
            Self::Coordinates => is_place(text),
            Self::BirthDate => calendar_day(text).is_some_and(|day| (1850..).contains(&day.year()) && day <= today),
        };
        let rule = match self {
            Self::Text => "must be text",
            Self::Coordinates => "must be latitude and longitude in decimal degrees, such as 16.2639, -0.0279",
            Self::BirthDate => "must be a day from 1850 to today, YYYY-MM-DD",
        };
        (!fits).then_some(rule)
    }
}

fn is_place(text: &str) -> bool {
    let degrees = |text: &str, most: f64| {
        let text = text.trim();
        let plain =
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        plain && text.parse::<f64>().is_ok_and(|value| value.abs() <= most)
    };
    text.split_once(',').is_some_and(|(latitude, longitude)| degrees(latitude, 90.0) && degrees(longitude, 180.0))
}

impl SealedField {
    /// The code as the seal takes it.
    pub const fn field(&self) -> Field {
        Field(self.code)
    }

    /// Every sealed field of the product.
    pub fn all() -> impl Iterator<Item = &'static SealedField> {
        Noun::VARIANTS.iter().flat_map(|noun| Self::of(*noun))
    }

    /// The sealed fields of a noun, in the order that answers show them.
    pub fn of(noun: Noun) -> impl Iterator<Item = &'static SealedField> {
        noun.spec().sealed.iter()
    }

    /// The field of that name.
    pub fn named(noun: Noun, name: &str) -> Option<&'static SealedField> {
        Self::of(noun).find(|field| field.name == name)
    }

    /// The field of that code.
    pub fn coded(code: u16) -> Option<&'static SealedField> {
        Self::all().find(|field| field.code == code)
    }
}

/// What history says of a sealed value that was written: its field, or only its class, where some field of noun and class may not be named
/// (victims' medical detail and sexual violence: that somebody wrote one would itself tell).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedChange {
    /// The field.
    Field(&'static SealedField),
    /// Some field of the noun's class.
    Class(Noun, ClassCode),
}

/// Stands in the place of every strictly confidential field of a victim.
const VICTIM_STRICTLY: u16 = 0;
/// Added to a field's code where it was emptied.
const EMPTIED: u16 = 1 << 15;

impl SealedChange {
    /// What a write of this field is said to be.
    pub fn of(field: &'static SealedField) -> Self {
        let hides = |one: &&SealedField| one.always && one.class == field.class;
        if SealedField::of(field.noun).any(|one| hides(&one)) {
            Self::Class(field.noun, field.class)
        } else {
            Self::Field(field)
        }
    }

    /// The code that history keeps of a value that was written, or emptied.
    pub fn code(self, emptied: bool) -> u16 {
        match self {
            Self::Field(field) if emptied => field.code | EMPTIED,
            Self::Field(field) => field.code,
            Self::Class(..) => VICTIM_STRICTLY,
        }
    }

    /// What a code of history says.
    pub fn coded(code: u16) -> Option<Self> {
        if code == VICTIM_STRICTLY {
            return Some(Self::Class(Noun::Victim, ClassCode::StrictlyConfidential));
        }
        SealedField::coded(code & !EMPTIED).map(Self::of)
    }

    /// Whether a code of history says that the field was emptied.
    pub const fn is_emptied(code: u16) -> bool {
        code & EMPTIED != 0
    }

    /// Its class.
    pub fn class(self) -> ClassCode {
        match self {
            Self::Field(field) => field.class,
            Self::Class(_, class) => class,
        }
    }

    /// Its name in history and in the audit log: the field's, or the class's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Field(field) => field.name,
            Self::Class(_, class) => class.name(),
        }
    }

    /// The fields that it may be.
    pub fn fields(self) -> impl Iterator<Item = &'static SealedField> {
        SealedField::all().filter(move |one| match self {
            Self::Field(field) => one.code == field.code,
            Self::Class(noun, class) => one.noun == noun && one.class == class,
        })
    }
}

impl SealedField {
    /// The same field, sealed even when it is empty and to one size.
    pub(super) const fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// The same field, whose text has a shape.
    pub(super) const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }
}

/// A sealed field, of at most `longest` characters.
pub(super) const fn field(
    code: u16,
    noun: Noun,
    name: &'static str,
    class: ClassCode,
    about: About,
    longest: usize,
) -> SealedField {
    SealedField { code, noun, name, class, about, always: false, longest, shape: Shape::Text, typed: true }
}

/// Why something was returned or withdrawn, in words.
pub(super) const fn reason(code: u16, noun: Noun) -> SealedField {
    let about = About::Reason;
    SealedField { typed: false, ..field(code, noun, "reason_note", ClassCode::Confidential, about, 2_000) }
}
