//! Every column of every table is listed with who may see it, and both databases have the same ones.

use std::collections::{BTreeMap, BTreeSet};

use casque::policy::columns::{Visibility, columns};

use crate::harness::{TestServer, postgres_wanted};

fn listed() -> BTreeSet<(String, String)> {
    columns()
        .flat_map(|(table, columns)| columns.iter().map(|(column, _)| ((*table).to_owned(), (*column).to_owned())))
        .collect()
}

/// Type and whether it may be null, by table and column.
type Columns = BTreeMap<(String, String), (String, bool)>;

/// The schema as a database itself has it, a line for each column, key, index and reference: of either database in the same words.
const OF_SQLITE: &str = "
    SELECT group_concat(line, char(10)) FROM (SELECT line FROM (
        SELECT t.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" THEN ' not null' ELSE '' END
            || coalesce(' default ' || lower(c.dflt_value), '') AS line
        FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
      UNION ALL
        SELECT t.name || '.' || k.\"from\" || ' references ' || k.\"table\" || '.' || k.\"to\"
        FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table'
      UNION ALL
        SELECT t.name || CASE i.origin WHEN 'pk' THEN ' primary key' WHEN 'u' THEN ' unique' ELSE
            CASE WHEN i.\"unique\" THEN ' unique index ' ELSE ' index ' END || i.name END || ' ('
            || (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
            || CASE WHEN i.partial THEN ' where' ELSE '' END
        FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table'
      UNION ALL
        SELECT t.name || ' view' FROM sqlite_master t WHERE t.type = 'view'
      UNION ALL
        SELECT t.tbl_name || ' trigger ' || t.name FROM sqlite_master t WHERE t.type = 'trigger'
    ) WHERE line NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND line NOT LIKE 'sqlite%' ORDER BY line)";
const OF_POSTGRES: &str = "
    SELECT string_agg(line, chr(10) ORDER BY line COLLATE \"C\") FROM (
        SELECT table_name || '.' || column_name || ' '
            || CASE data_type WHEN 'bytea' THEN 'BLOB' WHEN 'timestamp without time zone' THEN 'TIMESTAMP' ELSE upper(data_type) END
            || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || lower(column_default), '') AS line
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
      UNION ALL
        SELECT c.conrelid::regclass || '.' || a.attname || ' references ' || c.confrelid::regclass || '.' || f.attname
        FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
        WHERE c.contype = 'f'
      UNION ALL
        SELECT i.indrelid::regclass || CASE WHEN i.indisprimary THEN ' primary key' WHEN k.oid IS NOT NULL THEN ' unique' ELSE
            CASE WHEN i.indisunique THEN ' unique index ' ELSE ' index ' END || i.indexrelid::regclass END || ' ('
            || (SELECT string_agg(a.attname, ', ' ORDER BY o.at) FROM unnest(i.indkey) WITH ORDINALITY o (attnum, at)
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = o.attnum) || ')'
            || CASE WHEN i.indpred IS NULL THEN '' ELSE ' where' END
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'u'
        WHERE n.nspname = 'public'
      UNION ALL
        SELECT table_name || ' view' FROM information_schema.views WHERE table_schema = 'public'
      UNION ALL
        SELECT tgrelid::regclass || ' trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
    ) s WHERE line NOT LIKE '\\_\\_diesel%'";

/// The schema of the present database.
fn schema_of(server: &TestServer) -> String {
    server.asked(if postgres_wanted() { OF_POSTGRES } else { OF_SQLITE }) + "\n"
}

/// Columns as a database has them.
fn migrated() -> Columns {
    let made = schema_of(&TestServer::start());
    let columns = made.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (table, column) = name.split_once('.')?;
        let kind = rest.split(' ').next()?;
        let is_column = kind.chars().all(|letter| letter.is_ascii_uppercase());
        is_column.then(|| ((table.to_owned(), column.to_owned()), (kind.to_owned(), !rest.contains("not null"))))
    });
    columns.collect()
}

#[test]
fn both_databases_have_one_schema() {
    // The suite runs on both: what each has is compared with what is kept here, and so with each other.
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/casque/conformance/schema.txt");
    let made = schema_of(&TestServer::start());
    if crate::harness::rewriting() {
        std::fs::write(kept, &made).unwrap();
    }
    let expected = std::fs::read_to_string(kept).unwrap();
    let (expected, made): (BTreeSet<&str>, BTreeSet<&str>) = (expected.lines().collect(), made.lines().collect());
    let differing: Vec<&&str> = expected.symmetric_difference(&made).collect();
    assert!(
        differing.is_empty(),
        "if that is meant, run with CASQUE_REWRITE=1 on one database, and again on the other: {differing:#?}"
    );
}

/// Of sessions, what a node that signs nobody in is told; it has no columns of its own.
const VIEW: &str = "live_session";

/// Columns as the store's own listing has them.
fn schema() -> Columns {
    let path = format!("{}/src/store/db/schema.rs", env!("CARGO_MANIFEST_DIR"));
    let (mut columns, mut table) = (Columns::new(), String::new());
    for line in std::fs::read_to_string(path).unwrap().lines().map(str::trim) {
        if let Some((name, kind)) = line.trim_end_matches(',').split_once(" -> ").filter(|_| table != VIEW) {
            let (kind, nullable) = match kind.strip_prefix("Nullable<") {
                Some(kind) => (kind.trim_end_matches('>'), true),
                None => (kind, false),
            };
            let kind = match kind {
                "Binary" => "BLOB",
                "BigInt" => "BIGINT",
                "Bool" => "BOOLEAN",
                "Date" => "DATE",
                "Integer" => "INTEGER",
                "Text" => "TEXT",
                "Timestamp" => "TIMESTAMP",
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
fn a_database_has_the_columns_of_the_stores_own_listing() {
    let (made, listed) = (migrated(), schema());
    let differing: Vec<_> = made
        .iter()
        .filter(|(name, column)| listed.get(*name) != Some(*column))
        .chain(listed.iter().filter(|(name, column)| made.get(*name) != Some(*column)))
        .collect();
    assert!(differing.is_empty() && made.len() > 200, "{differing:?}");
}

#[test]
fn every_column_is_listed_with_who_may_see_it() {
    // If you are here because this failed, you added a column: say in policy/columns.rs who may see it.
    assert_eq!(listed(), migrated().into_keys().collect());
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
    let made = schema_of(&TestServer::start());
    let keys = made.lines().filter(|line| {
        line.contains(" (") && (line.contains("index") || line.contains("unique") || line.contains("key"))
    });
    let keys: Vec<&str> = keys.collect();
    assert!(keys.len() > 60 && keys.iter().all(|line| !line.contains("bytes")), "{keys:?}");
}
