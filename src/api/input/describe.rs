//! The description of an input, made by the function that reads it: what the reader asks for is what the description tells.

use std::fmt;

use chrono::NaiveDateTime;
use seal::ClassCode;
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Required, Schema};

use super::{Context, InputReader};
use crate::domain::{SealedField, Shape};

/// A member that a reader asked for.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) schema: RefOr<Schema>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The members that a function asks of a reader.
fn members<'c, T>(
    context: &'c Context,
    is_edit: bool,
    read: impl FnOnce(&mut InputReader<'c>) -> Option<T>,
) -> Vec<Member> {
    let mut input = InputReader::new(context, String::new(), Vec::new());
    input.is_edit = is_edit;
    input.described = Some(Vec::new());
    read(&mut input);
    input.described.unwrap_or_default()
}

/// A context in which nothing is known, for what is described and not read.
fn nowhere() -> Context {
    Context { reference: Default::default(), now: NaiveDateTime::MIN }
}

fn object_of(members: Vec<Member>) -> ObjectBuilder {
    members.into_iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, member| {
        let object = if member.is_required { object.required(&member.name) } else { object };
        object.property(member.name, member.schema)
    })
}

/// An object within another.
pub(super) fn object<'c, T>(
    context: &'c Context,
    is_edit: bool,
    read: impl FnOnce(&mut InputReader<'c>) -> Option<T>,
) -> RefOr<Schema> {
    object_of(members(context, is_edit, read)).into()
}

/// The body that a function reads. Of a new record all of `example` is shown.
pub fn body<T>(
    is_edit: bool,
    words: &str,
    example: Option<Value>,
    read: impl FnOnce(&mut InputReader<'_>) -> Option<T>,
) -> RefOr<Schema> {
    let members = members(&nowhere(), is_edit, read);
    // Of a record's example, a change takes what it may change.
    let example = example.map(|example| match example {
        Value::Object(all) => {
            Value::Object(all.into_iter().filter(|(name, _)| members.iter().any(|one| one.name == *name)).collect())
        }
        other => other,
    });
    object_of(members).description(Some(words)).examples(example).into()
}

/// The body of a new record.
pub fn new_record<T>(example: Value, read: impl FnOnce(&mut InputReader<'_>) -> Option<T>) -> RefOr<Schema> {
    body(false, "A new record.", Some(example), read)
}

/// The body of a change: a merge patch.
pub fn merge_patch<T>(example: Value, read: impl FnOnce(&mut InputReader<'_>) -> Option<T>) -> RefOr<Schema> {
    let words =
        "A JSON Merge Patch (RFC 7396): what is left out stays as it is, `null` empties a member that may be empty.";
    body(true, words, Some(example), read)
}

/// The parameters of the query that a function reads.
pub fn parameters<T>(read: impl FnOnce(&mut InputReader<'_>) -> Option<T>) -> Vec<Parameter> {
    let parameter = |member: Member| {
        let words = match &member.schema {
            RefOr::T(Schema::Object(object)) => object.description.clone(),
            RefOr::Ref(of) if !of.description.is_empty() => Some(of.description.clone()),
            _ => None,
        };
        let schema = match member.schema {
            RefOr::T(Schema::Object(mut object)) => {
                object.description = None;
                object.into()
            }
            other => other,
        };
        ParameterBuilder::new()
            .name(member.name)
            .parameter_in(ParameterIn::Query)
            .required(if member.is_required { Required::True } else { Required::False })
            .description(words)
            .schema(Some(schema))
            .build()
    };
    members(&nowhere(), false, read).into_iter().map(parameter).collect()
}

/// A list of at most that many items.
pub(super) fn list(longest: usize, items: RefOr<Schema>) -> RefOr<Schema> {
    ArrayBuilder::new().items(items).max_items(Some(longest)).into()
}

/// A sealed field of a body.
pub(super) fn sealed(field: &SealedField) -> RefOr<Schema> {
    let class = match field.class {
        ClassCode::Confidential => "Sealed, confidential.",
        ClassCode::StrictlyConfidential => "Sealed, strictly confidential.",
    };
    let shape = match field.shape {
        Shape::Text => "",
        Shape::Coordinates => " Latitude and longitude in decimal degrees, such as `16.2639, -0.0279`.",
        Shape::BirthDate => " A day from 1850 to today, `YYYY-MM-DD`.",
    };
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(field.longest));
    text.description(Some(format!("{class}{shape}"))).into()
}

/// A schema with other words.
pub(super) fn in_words(schema: RefOr<Schema>, words: &str) -> RefOr<Schema> {
    match schema {
        RefOr::Ref(mut of) => {
            words.clone_into(&mut of.description);
            RefOr::Ref(of)
        }
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(words.to_owned());
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(words.to_owned());
            RefOr::T(Schema::Array(array))
        }
        other => other,
    }
}

/// Puts words before those that a schema has.
pub fn after_words(schema: &mut RefOr<Schema>, words: &str) {
    let joined = |known: Option<&String>| match known.filter(|known| *known != words) {
        Some(known) => format!("{words} {known}"),
        None => words.to_owned(),
    };
    match schema {
        RefOr::Ref(of) => of.description = joined(Some(&of.description).filter(|known| !known.is_empty())),
        RefOr::T(Schema::Object(object)) => object.description = Some(joined(object.description.as_ref())),
        RefOr::T(Schema::Array(array)) => array.description = Some(joined(array.description.as_ref())),
        RefOr::T(Schema::OneOf(one)) => one.description = Some(joined(one.description.as_ref())),
        RefOr::T(_) => {}
    }
}

/// A schema that `null` fits too: it empties the member.
pub(super) fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Type(kind) = object.schema_type {
                object.schema_type = SchemaType::from_iter([kind, Type::Null]);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
            RefOr::T(Schema::Array(array))
        }
        RefOr::Ref(mut of) => {
            let words = Some(std::mem::take(&mut of.description)).filter(|words| !words.is_empty());
            let null = ObjectBuilder::new().schema_type(Type::Null);
            OneOfBuilder::new().item(null).item(of).description(words).into()
        }
        other => other,
    }
}

/// Declares the description of a body that a function reads: a name, words, the function, and an example that the service accepts.
macro_rules! input {
    ($(#[$doc:meta])* $name:ident, $words:literal, $read:path, $($example:tt)+) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::api::input::describe::body(false, $words, Some(serde_json::json!($($example)+)), |input| $read(input))
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
pub(in crate::api) use input;

/// As [`input!`], of a change: a merge patch.
macro_rules! edit {
    ($(#[$doc:meta])* $name:ident, $words:literal, $read:path, $($example:tt)+) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::api::input::describe::body(true, $words, Some(serde_json::json!($($example)+)), |input| $read(input))
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
pub(in crate::api) use edit;

/// Declares the description of a query that a function reads.
macro_rules! query {
    ($(#[$doc:meta])* $name:ident, $read:path) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::IntoParams for $name {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                $crate::api::input::describe::parameters(|input| $read(input))
            }
        }
    };
}
pub(in crate::api) use query;
