//! The schema's changes: one text of tables for both databases, and views and triggers in the language of each.

use std::fmt;
use std::sync::LazyLock;

use diesel::backend::Backend;
use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion, Result};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;

/// A change of the schema.
#[derive(Debug, Clone, Copy)]
struct Change {
    name: &'static str,
    tables: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// The files of a change, by the name of its folder.
macro_rules! change {
    ($name:literal) => {
        Change {
            name: $name,
            tables: include_str!(concat!("../../../migrations/", $name, "/tables.sql")),
            sqlite: include_str!(concat!("../../../migrations/", $name, "/sqlite.sql")),
            postgres: include_str!(concat!("../../../migrations/", $name, "/postgres.sql")),
        }
    };
}

/// Every change, in order.
const CHANGES: &[Change] = &[change!("2026-11-28-000000_first")];

/// Every table of the schema, each after those that it refers to: as the text makes them.
pub fn table_names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let lines = CHANGES.iter().flat_map(|change| change.tables.lines());
        lines.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next()).collect()
    });
    &NAMES
}

/// The types that PostgreSQL names otherwise. Its text is ordered by bytes, as SQLite's is.
const TYPES: [(&str, &str); 3] = [(" BLOB", " BYTEA"), (" TEXT", " TEXT COLLATE \"C\""), (" WITHOUT ROWID", "")];

/// A text of tables as PostgreSQL reads it; comments stay as they are.
fn for_postgres(tables: &str) -> String {
    let mut text = String::with_capacity(tables.len() * 2);
    for line in tables.lines() {
        let is_comment = line.trim_start().starts_with("--");
        let line = if is_comment {
            line.to_owned()
        } else {
            TYPES.iter().fold(line.to_owned(), |line, (here, there)| line.replace(here, there))
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The changes of the schema, as a source of diesel's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes;

/// One change in the words of one database.
struct Worded {
    name: Name,
    sql: String,
}

struct Name(&'static str);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl MigrationName for Name {
    fn version(&self) -> MigrationVersion<'_> {
        let digits: String = self.0.split('_').next().unwrap_or(self.0).replace('-', "");
        MigrationVersion::from(digits)
    }
}

/// In a transaction: half a schema is none.
struct Metadata;

impl MigrationMetadata for Metadata {}

impl<B: Backend> Migration<B> for Worded {
    fn run(&self, connection: &mut dyn BoxableConnection<B>) -> Result<()> {
        Ok(connection.batch_execute(&self.sql)?)
    }

    fn revert(&self, _: &mut dyn BoxableConnection<B>) -> Result<()> {
        Err("nothing goes back".into())
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &Metadata
    }

    fn name(&self) -> &dyn MigrationName {
        &self.name
    }
}

impl MigrationSource<Sqlite> for Changes {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<Sqlite>>>> {
        let worded =
            |change: &Change| Worded { name: Name(change.name), sql: format!("{}\n{}", change.tables, change.sqlite) };
        Ok(CHANGES.iter().map(|change| Box::new(worded(change)) as Box<dyn Migration<Sqlite>>).collect())
    }
}

impl MigrationSource<Pg> for Changes {
    fn migrations(&self) -> Result<Vec<Box<dyn Migration<Pg>>>> {
        let worded = |change: &Change| {
            let sql = format!("{}\n{}", for_postgres(change.tables), change.postgres);
            Worded { name: Name(change.name), sql }
        };
        Ok(CHANGES.iter().map(|change| Box::new(worded(change)) as Box<dyn Migration<Pg>>).collect())
    }
}

/// The versions of all changes.
pub(super) fn versions() -> Vec<String> {
    CHANGES.iter().map(|change| Name(change.name).version().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_put_in_their_place_and_words_of_comments_are_not() {
        let text = "-- A BLOB of TEXT.\nCREATE TABLE one (\n    id BLOB PRIMARY KEY NOT NULL,\n    name TEXT NOT NULL\n) WITHOUT ROWID;\n";
        let expected = "-- A BLOB of TEXT.\nCREATE TABLE one (\n    id BYTEA PRIMARY KEY NOT NULL,\n    \
                        name TEXT COLLATE \"C\" NOT NULL\n);\n";
        assert_eq!(for_postgres(text), expected);
    }
}
