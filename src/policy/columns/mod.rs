//! Every column of every table, and who may see it. A test requires this list to equal the database's own columns.

/// Who may see a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Whoever has the record in scope.
    Open,
    /// Some of those: mission and Secretariat, or those whom the row concerns.
    Scoped,
    /// Nobody, without a disclosure.
    Sealed,
    /// No one outside the service: keys, hashes, internal ids.
    Internal,
}

mod content;
mod service;

/// A table with its columns.
pub type Table = (&'static str, &'static [(&'static str, Visibility)]);

/// Every table with its columns.
pub fn columns() -> impl Iterator<Item = &'static Table> {
    content::TABLES.iter().chain(service::TABLES)
}
