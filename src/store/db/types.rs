//! The few types of ours that both databases store.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{Binary, Text};
use seal::RecordId;

use crate::domain::Code;

/// Internal id of a row: a UUID of version 7 in 16 bytes, so that rows written together lie together. Never shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// A new id.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().into_bytes())
    }

    /// Reads an id as it is displayed.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The id as the seal binds it.
    pub fn record(self) -> RecordId {
        RecordId(self.0)
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<DB: Backend> ToSql<Binary, DB> for Id
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.as_slice().to_sql(out)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for Id
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = Vec::<u8>::from_sql(bytes)?;
        Ok(Self(bytes.as_slice().try_into().map_err(|_| "an id is 16 bytes")?))
    }
}

/// A code in a column: the text of a code list. A text that is no code of the list is an error of the row, never a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Coded<C: Code>(pub C);

impl<C: Code + fmt::Debug, DB: Backend> ToSql<Text, DB> for Coded<C>
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.code().to_sql(out)
    }
}

impl<C: Code, DB: Backend> FromSql<Text, DB> for Coded<C>
where
    String: FromSql<Text, DB>,
{
    fn from_sql(text: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = String::from_sql(text)?;
        Ok(Self(C::parse(&text).ok_or_else(|| format!("no code of the list {}", C::LIST))?))
    }
}

/// How a column holds a value of the domain.
pub trait Column<T>: Sized {
    /// The value, as it is stored.
    fn column(of: &T) -> Self;
    /// What is stored, if it is a value at all.
    fn value(stored: Self) -> Option<T>;
}

impl<T: Clone> Column<T> for T {
    fn column(of: &T) -> Self {
        of.clone()
    }

    fn value(stored: Self) -> Option<T> {
        Some(stored)
    }
}

impl<C: Code> Column<C> for Coded<C> {
    fn column(of: &C) -> Self {
        Self(*of)
    }

    fn value(stored: Self) -> Option<C> {
        Some(stored.0)
    }
}

impl<C: Code> Column<Option<C>> for Option<Coded<C>> {
    fn column(of: &Option<C>) -> Self {
        of.map(Coded)
    }

    fn value(stored: Self) -> Option<Option<C>> {
        Some(stored.map(|code| code.0))
    }
}

/// Several codes, in the order that they were given, with commas between.
impl<C: Code> Column<Vec<C>> for String {
    fn column(of: &Vec<C>) -> Self {
        of.iter().map(|code| code.code()).collect::<Vec<_>>().join(",")
    }

    fn value(stored: Self) -> Option<Vec<C>> {
        stored.split(',').filter(|part| !part.is_empty()).map(C::parse).collect()
    }
}

/// The columns of a noun's facts, and the way between both. Each field is named once, with the type of its column.
macro_rules! facts_row {
    ($row:ident of $facts:ident in $table:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        #[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
        #[diesel(table_name = $table, treat_none_as_null = true)]
        pub(super) struct $row { $($field: $kind),+ }

        impl $row {
            /// Facts, as they are stored.
            pub(super) fn of(facts: &$facts) -> Self {
                Self { $($field: $crate::store::db::Column::column(&facts.$field)),+ }
            }

            /// What is stored.
            pub(super) fn facts(self) -> $crate::store::Result<$facts> {
                Ok($facts {
                    $($field: $crate::store::db::Column::value(self.$field).ok_or_else(|| $crate::store::Error::Corrupt {
                        table: stringify!($table),
                        column: stringify!($field),
                        row: String::new(),
                    })?),+
                })
            }
        }
    };
}
pub(crate) use facts_row;
