//! Every column of every table is listed with who may see it, and both databases have the same ones.

use std::collections::{BTreeMap, BTreeSet};

use casque::policy::columns::{Visibility, columns};

fn listed() -> BTreeSet<(String, String)> {
    columns()
        .flat_map(|(table, columns)| columns.iter().map(|(column, _)| ((*table).to_owned(), (*column).to_owned())))
        .collect()
}

/// Type and whether it may be null, by table and column.
type Columns = BTreeMap<(String, String), (String, bool)>;

/// Columns as a migration makes them.
fn migrated(database: &str) -> Columns {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut columns = Columns::new();
    let mut changes: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    changes.sort();
    for change in changes {
        let sql = std::fs::read_to_string(change.join("up.sql")).unwrap();
        let mut table = None;
        for line in sql.lines() {
            let words: Vec<&str> = line.trim_end_matches(';').split_whitespace().collect();
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.split_whitespace().next().map(str::to_owned);
            } else if let ["DROP", "TABLE", gone] = words[..] {
                columns.retain(|(table, _), _| table != gone);
            } else if let ["ALTER", "TABLE", of, "DROP", "COLUMN", gone] = words[..] {
                columns.remove(&(of.to_owned(), gone.to_owned()));
            } else if let ["ALTER", "TABLE", of, "ADD", "COLUMN", name, kind, ref rest @ ..] = words[..] {
                let nullable = !rest.contains(&"NOT");
                columns.insert((of.to_owned(), name.to_owned()), (kind.to_owned(), nullable));
            } else if let ["ALTER", "TABLE", from, "RENAME", "TO", to] = words[..] {
                let moved = columns.extract_if(.., |(table, _), _| table == from);
                let moved: Vec<_> = moved.map(|((_, column), kind)| ((to.to_owned(), column), kind)).collect();
                columns.extend(moved);
            } else if line.starts_with(')') {
                table = None;
            } else if let Some(table) = &table {
                let mut words = line.trim_end_matches(',').split_whitespace();
                let name = words.next().unwrap_or("");
                if !["PRIMARY", "UNIQUE", ""].contains(&name) {
                    let kind = words.next().unwrap().to_owned();
                    let nullable = !line.contains("NOT NULL");
                    columns.insert((table.clone(), name.to_owned()), (kind, nullable));
                }
            }
        }
    }
    columns
}

/// Of sessions, what a node that signs nobody in is told; it has no columns of its own.
const VIEW: &str = "live_session";

/// Columns as the store's own listing has them, with the types that a database gives them.
fn schema(database: &str) -> Columns {
    let path = format!("{}/src/store/db/schema.rs", env!("CARGO_MANIFEST_DIR"));
    let (mut columns, mut table) = (Columns::new(), String::new());
    for line in std::fs::read_to_string(path).unwrap().lines().map(str::trim) {
        if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ").filter(|_| table != VIEW) {
            let (kind, nullable) = match kind.strip_prefix("Nullable<") {
                Some(kind) => (kind.trim_end_matches('>'), true),
                None => (kind, false),
            };
            let kind = match (kind, database) {
                ("Binary", "sqlite") => "BLOB",
                ("Binary", _) => "BYTEA",
                ("BigInt", _) => "BIGINT",
                ("Bool", _) => "BOOLEAN",
                ("Date", _) => "DATE",
                ("Integer", _) => "INTEGER",
                ("Text", _) => "TEXT",
                ("Timestamp", _) => "TIMESTAMP",
                other => panic!("{other:?}: what is this in SQL?"),
            };
            columns.insert((table.clone(), name.to_owned()), (kind.to_owned(), nullable));
        } else if line.ends_with(") {") {
            table = line.split_whitespace().next().unwrap().to_owned();
        }
    }
    columns
}

#[test]
fn both_databases_have_the_columns_of_the_stores_own_listing() {
    for database in ["sqlite", "postgres"] {
        let (made, listed) = (migrated(database), schema(database));
        let differing: Vec<_> = made
            .iter()
            .filter(|(name, column)| listed.get(*name) != Some(*column))
            .chain(listed.iter().filter(|(name, column)| made.get(*name) != Some(*column)))
            .collect();
        assert!(differing.is_empty() && made.len() > 200, "{database}: {differing:?}");
    }
}

#[test]
fn every_column_is_listed_with_who_may_see_it() {
    // If you are here because this failed, you added a column: say in policy/columns.rs who may see it.
    assert_eq!(listed(), migrated("sqlite").into_keys().collect());
}

#[test]
fn every_ciphertext_stands_in_one_column() {
    let sealed: Vec<_> = columns()
        .flat_map(|(table, columns)| columns.iter().map(move |(column, visibility)| (*table, *column, *visibility)))
        .filter(|(_, _, visibility)| *visibility == Visibility::Sealed)
        .map(|(table, column, _)| (table, column))
        .collect();
    assert_eq!(sealed, [("sealed_value", "bytes")]);
}

#[test]
fn no_index_stands_over_a_ciphertext() {
    for database in ["sqlite", "postgres"] {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let sql = std::fs::read_to_string(entry.unwrap().path().join("up.sql")).unwrap();
            assert!(
                sql.lines()
                    .filter(|line| line.contains("INDEX") || line.contains("UNIQUE"))
                    .all(|line| !line.contains("bytes"))
            );
        }
    }
}
