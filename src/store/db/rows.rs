//! Rows of any table as lines of JSON, and back, the same for both databases: what an archive is made of.

use diesel::deserialize::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::Value;

use super::Db;

/// What a column holds, as far as the databases write it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bytes,
    Truth,
    Time,
    Date,
    Number,
    Text,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The columns of a table, by name.
fn columns(db: &mut Db, table: &str) -> QueryResult<Vec<(String, Kind)>> {
    let found: Vec<Column> = match db {
        Db::Sqlite(connection) => diesel::sql_query(format!(
            "SELECT name, lower(type) AS kind FROM pragma_table_info('{table}') ORDER BY name"
        ))
        .load(connection)?,
        Db::Postgres(connection) => diesel::sql_query(format!(
            "SELECT column_name::text AS name, data_type::text AS kind FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY column_name::text COLLATE \"C\""
        ))
        .load(connection)?,
    };
    Ok(found
        .into_iter()
        .map(|Column { name, kind }| {
            let kind = match kind.as_str() {
                "blob" | "bytea" => Kind::Bytes,
                "boolean" => Kind::Truth,
                "timestamp" | "timestamp without time zone" => Kind::Time,
                "date" => Kind::Date,
                "integer" | "bigint" => Kind::Number,
                _ => Kind::Text,
            };
            (name, kind)
        })
        .collect())
}

/// Names of a table's columns, in the order in which its rows are written.
///
/// # Errors
/// The database's.
pub fn column_names(db: &mut Db, table: &str) -> QueryResult<Vec<String>> {
    Ok(columns(db, table)?.into_iter().map(|(name, _)| name).collect())
}

/// Gives each row of a table as a list of values: bytes in hexadecimal, times to the microsecond.
///
/// # Errors
/// The database's; those of `take`.
pub fn each_row<E: From<diesel::result::Error>>(
    db: &mut Db,
    table: &str,
    mut take: impl FnMut(Value) -> Result<(), E>,
) -> Result<(), E> {
    let columns = columns(db, table)?;
    let sqlite = matches!(db, Db::Sqlite(_));
    let values: Vec<String> = columns
        .iter()
        .map(|(name, kind)| match (kind, sqlite) {
            (Kind::Bytes, true) => format!("CASE WHEN \"{name}\" IS NULL THEN NULL ELSE lower(hex(\"{name}\")) END"),
            (Kind::Bytes, false) => format!("encode(\"{name}\", 'hex')"),
            (Kind::Truth, true) => format!("CASE \"{name}\" WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"),
            // Written with 0, 3 or 6 digits of a second.
            (Kind::Time, true) => format!(
                "CASE WHEN instr(\"{name}\", '.') = 0 THEN \"{name}\" || '.000000' ELSE substr(\"{name}\" || '000', 1, 26) END"
            ),
            (Kind::Time, false) => format!("to_char(\"{name}\", 'YYYY-MM-DD HH24:MI:SS.US')"),
            (Kind::Date, false) => format!("to_char(\"{name}\", 'YYYY-MM-DD')"),
            _ => format!("\"{name}\""),
        })
        .collect();
    let values = values.join(", ");
    let corrupt = |_| E::from(diesel::result::Error::DeserializationError("a row is no JSON".into()));
    match db {
        Db::Sqlite(connection) => {
            let query = diesel::sql_query(format!("SELECT json_array({values}) AS line FROM \"{table}\""));
            let rows = query.load_iter::<Line, diesel::connection::DefaultLoadingMode>(connection)?;
            for row in rows {
                take(serde_json::from_str(&row?.line).map_err(corrupt)?)?;
            }
        }
        Db::Postgres(connection) => {
            let declare = format!(
                "DECLARE rows NO SCROLL CURSOR FOR SELECT json_build_array({values})::text AS line FROM \"{table}\""
            );
            diesel::sql_query(declare).execute(connection)?;
            loop {
                let rows: Vec<Line> = diesel::sql_query("FETCH 1000 FROM rows").load(connection)?;
                if rows.is_empty() {
                    break;
                }
                for row in rows {
                    take(serde_json::from_str(&row.line).map_err(corrupt)?)?;
                }
            }
            diesel::sql_query("CLOSE rows").execute(connection)?;
        }
    }
    Ok(())
}

/// Inserts rows, as [`each_row`] gave them, in the order of `names`.
///
/// # Errors
/// The database's; also when the table has other columns.
pub fn insert_rows(db: &mut Db, table: &str, names: &[String], rows: &[Value]) -> QueryResult<()> {
    let columns = columns(db, table)?;
    if !columns.iter().map(|(name, _)| name).eq(names) {
        return Err(diesel::result::Error::QueryBuilderError(format!("{table} has other columns").into()));
    }
    let sqlite = matches!(db, Db::Sqlite(_));
    let values: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, (_, kind))| {
            let value = format!("(one.value ->> {at})");
            match (kind, sqlite) {
                (Kind::Bytes, true) => format!("unhex{value}"),
                (Kind::Bytes, false) => format!("decode({value}, 'hex')"),
                (Kind::Time, true) => format!(
                    "CASE WHEN {value} LIKE '%.000000' THEN substr({value}, 1, 19) \
                     WHEN {value} LIKE '%000' THEN substr({value}, 1, 23) ELSE {value} END"
                ),
                (Kind::Truth, false) => format!("{value}::boolean"),
                (Kind::Time, false) => format!("{value}::timestamp"),
                (Kind::Date, false) => format!("{value}::date"),
                (Kind::Number, false) => format!("{value}::bigint"),
                _ => value,
            }
        })
        .collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let insert = format!("INSERT INTO \"{table}\" ({}) SELECT {}", quoted.join(", "), values.join(", "));
    let text = Value::Array(rows.to_vec()).to_string();
    match db {
        Db::Sqlite(connection) => {
            diesel::sql_query(format!("{insert} FROM json_each(?) AS one")).bind::<Text, _>(text).execute(connection)
        }
        Db::Postgres(connection) => {
            diesel::sql_query(format!("{insert} FROM json_array_elements($1::json) AS one(value)"))
                .bind::<Text, _>(text)
                .execute(connection)
        }
    }
    .map(|_| ())
}

/// Lets references be checked at the end of this transaction, not at once.
///
/// # Errors
/// The database's.
pub fn defer_references(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(connection) => diesel::sql_query("PRAGMA defer_foreign_keys = ON").execute(connection),
        Db::Postgres(connection) => diesel::sql_query("SET CONSTRAINTS ALL DEFERRED").execute(connection),
    }
    .map(|_| ())
}
