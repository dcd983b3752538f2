//! Every column of every table is listed with who may see it, and both databases have the same ones.

use std::collections::BTreeSet;

use casque::policy::columns::COLUMNS;
use casque::policy::columns::Visibility;

fn listed() -> BTreeSet<(String, String)> {
    COLUMNS
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(|(column, _)| ((*table).to_owned(), (*column).to_owned())))
        .collect()
}

/// Columns as a migration makes them.
fn migrated(database: &str) -> BTreeSet<(String, String)> {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let mut columns = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let sql = std::fs::read_to_string(entry.unwrap().path().join("up.sql")).unwrap();
        let mut table = None;
        for line in sql.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.split_whitespace().next().map(str::to_owned);
            } else if line.starts_with(')') {
                table = None;
            } else if let Some(table) = &table {
                let name = line.split_whitespace().next().unwrap_or("");
                if !["PRIMARY", "UNIQUE", ""].contains(&name) {
                    columns.insert((table.clone(), name.to_owned()));
                }
            }
        }
    }
    columns
}

#[test]
fn every_column_is_listed_with_who_may_see_it() {
    // If you are here because this failed, you added a column: say in policy/columns.rs who may see it.
    assert_eq!(listed(), migrated("sqlite"));
    assert_eq!(listed(), migrated("postgres"));
}

#[test]
fn every_ciphertext_stands_in_one_column() {
    let sealed: Vec<_> = COLUMNS
        .iter()
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
