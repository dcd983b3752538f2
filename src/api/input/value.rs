//! What people send, before anything is taken out of it.

use std::fmt;

use seal::Plain;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A JSON value as sent. Repeated keys are kept, so that the form can refuse them.
pub enum InputValue {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Other,
    /// A text.
    Text(Plain),
    /// A parameter of a query, which may be meant as any type.
    Word(Plain),
    /// A list.
    List(Vec<InputValue>),
    /// An object.
    Object(Vec<(String, InputValue)>),
}

impl InputValue {
    /// Gives the value's parts, the members of objects in the order of their names: two bodies that say the same give the same.
    pub fn canonical(&self, take: &mut dyn FnMut(&[u8])) {
        let sized = |take: &mut dyn FnMut(&[u8]), tag: u8, bytes: &[u8]| {
            take(&[tag]);
            take(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            take(bytes);
        };
        match self {
            Self::Null => take(b"n"),
            Self::Bool(value) => take(&[b'b', u8::from(*value)]),
            Self::Integer(value) => sized(take, b'i', &value.to_be_bytes()),
            // No field takes one.
            Self::Other => take(b"o"),
            Self::Text(text) | Self::Word(text) => sized(take, b't', text.expose().as_bytes()),
            Self::List(items) => {
                sized(take, b'l', &u64::try_from(items.len()).unwrap_or(u64::MAX).to_be_bytes());
                items.iter().for_each(|item| item.canonical(take));
            }
            Self::Object(members) => {
                sized(take, b'm', &u64::try_from(members.len()).unwrap_or(u64::MAX).to_be_bytes());
                let mut members: Vec<&(String, Self)> = members.iter().collect();
                members.sort_by(|one, other| one.0.cmp(&other.0));
                for (name, value) in members {
                    sized(take, b'k', name.as_bytes());
                    value.canonical(take);
                }
            }
        }
    }
}

impl fmt::Debug for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InputValue")
    }
}

impl<'de> Deserialize<'de> for InputValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = InputValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<InputValue, E> {
                Ok(InputValue::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<InputValue, E> {
                Ok(InputValue::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<InputValue, E> {
                Ok(InputValue::Integer(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<InputValue, E> {
                Ok(i64::try_from(value).map_or(InputValue::Other, InputValue::Integer))
            }
            fn visit_f64<E>(self, _: f64) -> Result<InputValue, E> {
                Ok(InputValue::Other)
            }
            fn visit_str<E>(self, value: &str) -> Result<InputValue, E> {
                Ok(InputValue::Text(Plain::from(value)))
            }
            fn visit_string<E>(self, value: String) -> Result<InputValue, E> {
                Ok(InputValue::Text(Plain::from(value)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<InputValue, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if list.len() > 5_000 {
                        return Err(A::Error::custom("too many items"));
                    }
                    list.push(item);
                }
                Ok(InputValue::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InputValue, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if members.len() > 500 {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(InputValue::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
