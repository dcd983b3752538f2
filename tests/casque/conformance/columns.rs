//! Every column of every table is listed with who may see it, and both databases have the same ones.

use std::collections::BTreeSet;

use casque::domain::{Visibility, tables};

use crate::harness::{TestServer, postgres_wanted};

fn listed() -> BTreeSet<(String, String)> {
    tables()
        .flat_map(|table| table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned())))
        .collect()
}

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
fn migrated() -> BTreeSet<(String, String)> {
    let made = schema_of(&TestServer::start());
    let columns = made.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let (table, column) = name.split_once('.')?;
        let is_column = rest.split(' ').next()?.chars().all(|letter| letter.is_ascii_uppercase());
        is_column.then(|| (table.to_owned(), column.to_owned()))
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

/// The store's listing of tables, in diesel's words, made of the migration's text.
fn listing_of(text: &str) -> String {
    let mut listing = String::from(
        "//! The tables, in diesel's words. Made of the migration's text by `CASQUE_REWRITE=1 cargo test conformance::columns`.\n\n",
    );
    let mut names = Vec::new();
    for table in text.split("\nCREATE TABLE ").skip(1) {
        let (name, rest) = table.split_once(" (\n").unwrap();
        let (mut keys, mut columns) = (Vec::new(), String::new());
        for line in rest.split("\n)").next().unwrap().lines().map(str::trim).filter(|line| !line.starts_with("--")) {
            if let Some(both) = line.strip_prefix("PRIMARY KEY (") {
                keys = both.split(')').next().unwrap().split(", ").map(str::to_owned).collect();
            }
            let mut words = line.split([' ', ',']);
            let (column, kind) = (words.next().unwrap(), words.next().unwrap_or_default());
            if !column.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit()) {
                continue;
            }
            let kind = match kind {
                "BLOB" => "Binary",
                "BIGINT" => "BigInt",
                "BOOLEAN" => "Bool",
                "DATE" => "Date",
                "INTEGER" => "Integer",
                "TEXT" => "Text",
                "TIMESTAMP" => "Timestamp",
                _ => continue,
            };
            if line.contains(" PRIMARY KEY") {
                keys.push(column.to_owned());
            }
            let kind = if line.contains("NOT NULL") { kind.to_owned() } else { format!("Nullable<{kind}>") };
            columns.push_str(&format!("        {column} -> {kind},\n"));
        }
        if keys.is_empty() {
            // Diesel wants one of every table; nothing finds a row of such a table by it.
            keys.extend(columns.split_whitespace().next().map(str::to_owned));
        }
        listing.push_str(&format!("diesel::table! {{\n    {name} ({}) {{\n{columns}    }}\n}}\n\n", keys.join(", ")));
        names.push(format!("    {name},\n"));
    }
    listing.push_str(&format!("diesel::allow_tables_to_appear_in_same_query!(\n{});\n", names.concat()));
    listing
}

#[test]
fn the_stores_listing_is_made_of_the_migrations_text() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut folders: Vec<_> =
        std::fs::read_dir(format!("{root}/migrations")).unwrap().map(|one| one.unwrap().path()).collect();
    folders.sort();
    let text: String = folders.iter().map(|one| std::fs::read_to_string(one.join("tables.sql")).unwrap()).collect();
    let (kept, made) = (format!("{root}/src/store/db/schema.rs"), listing_of(&text));
    if crate::harness::rewriting() {
        std::fs::write(&kept, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(kept).unwrap(), made, "run with CASQUE_REWRITE=1");
}

#[test]
fn every_column_is_listed_with_who_may_see_it() {
    // If you are here because this failed, you added a column: say in its noun's specification (src/domain) who may see it.
    assert_eq!(listed(), migrated());
}

#[test]
fn every_ciphertext_stands_in_one_column() {
    let sealed: Vec<_> = tables()
        .flat_map(|table| table.columns.iter().map(move |(column, visibility)| (table.name, *column, *visibility)))
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
