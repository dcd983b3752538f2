//! The few types of ours that both databases store.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Binary;
use seal::RecordId;

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
