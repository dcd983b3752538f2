//! The published tables: what everybody signed in sees of what does not concern them.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use seal::Plain;
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::{self, InputReader, Reader as _, describe};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Problem, Problems};
use super::session::secret;
use crate::briefing::{PublishedTable, ReleasedTable, tables};
use crate::domain::Code;
use crate::policy::suppression::Suppressed;
use crate::policy::{Action, Viewer, authorize};
use crate::store::{Cursor, Error, Page, Read, TableRelease};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(table_list).service(table_get).service(table_propose).service(table_decide);
}

/// A row of a published table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableRow {
    /// A mission, a State or an obstacle; `other` for what is merged.
    #[schema(example = "MINUSMA")]
    label: String,
    /// A count for each column; null where it is withheld.
    #[schema(example = json!([12, null, null, 0]))]
    cells: Vec<Option<u32>>,
    /// The row's total; null where it is withheld, or where cells do not add up.
    total: Option<u32>,
}

/// A published table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableView {
    /// Which.
    table: PublishedTable,
    /// What is counted, by what.
    title: &'static str,
    /// What the rows are: `mission`, `state` or `obstacle`.
    #[schema(example = "mission")]
    rows_are: &'static str,
    /// Codes of the columns.
    #[schema(example = json!(["no_information", "judgement"]))]
    columns: Vec<&'static str>,
    /// Rows, `other` last.
    rows: Vec<TableRow>,
    /// Totals of the columns, null where withheld; empty where cells do not add up.
    totals: Vec<Option<u32>>,
    /// The total of everything; null where cells do not add up.
    total: Option<u32>,
}

/// A release of the published tables.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableReleaseView {
    /// The year whose incidents and proceedings it counts.
    #[schema(example = 2025)]
    year: i32,
    /// What was recorded by then is counted.
    cut_off: DateTime<Utc>,
    /// When it was released; null while it is a proposal, which the Secretariat alone sees.
    released_at: Option<DateTime<Utc>>,
    /// Where the figures come from, and how they are held.
    method: &'static str,
    /// The tables of the fixed set of which anything can be published.
    tables: Vec<TableView>,
}

const METHOD: &str = "Casque, released editions and proceedings as recorded at the cut-off; a year's tables are published once. Counts of \
    fewer than five, and what would give them away, are withheld; groups of which fewer than five are publicly known are merged. \
    Method: docs/statistics.md.";

/// Why a release that was stored cannot be shown.
fn stored(tables: &str) -> Result<Vec<ReleasedTable>, Error> {
    let corrupt = |_| Error::Corrupt { table: "table_release", column: "tables", row: String::new() };
    serde_json::from_str(tables).map_err(corrupt)
}

fn table(of: ReleasedTable) -> Option<TableView> {
    let table = of.kind()?;
    let (columns, shape) = (table.columns(), table.shape());
    let below = of.content.rows.len();
    let total = shape.adds_up.then(|| of.content.value((below, columns.len())));
    let of_column =
        |column| (!of.content.withheld.contains(&(below, column))).then(|| of.content.value((below, column)));
    let totals = if shape.adds_up { (0..columns.len()).map(of_column).collect() } else { Vec::new() };
    let Suppressed { rows, withheld } = of.content;
    let rows = rows.into_iter().enumerate().map(|(at, (label, cells))| {
        let told = |column: usize, count: u32| (!withheld.contains(&(at, column))).then_some(count);
        let total = told(columns.len(), cells.iter().sum()).filter(|_| shape.adds_up);
        let cells = cells.into_iter().enumerate().map(|(column, count)| told(column, count)).collect();
        TableRow { label, cells, total }
    });
    let rows = rows.collect();
    Some(TableView {
        table,
        title: table.label(),
        rows_are: table.rows(),
        columns: columns.to_vec(),
        rows,
        totals,
        total,
    })
}

fn view(of: TableRelease) -> Result<TableReleaseView, Error> {
    let TableRelease { year, cut_off, tables, released_at } = of;
    let tables = stored(&tables)?.into_iter().filter_map(table).collect();
    let released_at = released_at.map(|at| at.and_utc());
    Ok(TableReleaseView { year, cut_off: cut_off.and_utc(), released_at, method: METHOD, tables })
}

fn seen(viewer: &Viewer, r: &mut Read<'_>, year: i32) -> Result<TableReleaseView, Error> {
    let all = r.table_releases(authorize(viewer, Action::Decide).is_ok())?;
    let found = all.into_iter().find(|one| one.year == year).ok_or(Error::NotFound)?;
    view(found)
}

/// A cell of a published table, for spreadsheets.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableCell {
    /// The year.
    #[schema(example = 2025)]
    year: i32,
    /// Which table.
    table: PublishedTable,
    /// The row; `total` for the columns'.
    #[schema(example = "MINUSMA")]
    row: String,
    /// The column; `total` for the row's.
    #[schema(example = "judgement")]
    column: &'static str,
    /// The count; null where it is withheld.
    count: Option<u32>,
}

/// A page of cells.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableCells {
    items: Vec<TableCell>,
    next: Option<String>,
}

describe::query!(
    /// Which cells, and how they are paged.
    TableQuery,
    table_query
);

fn table_query(input: &mut InputReader<'_>) -> Option<(Paging, Option<PublishedTable>, Option<i32>)> {
    let table = input.optional("table", None, input::code::<PublishedTable>().about("Only this table."));
    let year = input.optional("year", None, input::integer(1948, 9998).about("Only this year's."));
    Some((Paging::of(input)?, table, year))
}

fn cells(of: TableReleaseView) -> Vec<TableCell> {
    let mut all = Vec::new();
    for TableView { table, columns, mut rows, totals, total, .. } in of.tables {
        let has_totals = table.shape().adds_up;
        if has_totals {
            rows.push(TableRow { label: "total".into(), cells: totals, total });
        }
        for TableRow { label, cells, total } in rows {
            let counts = columns.iter().copied().zip(cells).chain(has_totals.then_some(("total", total)));
            all.extend(counts.map(|(column, count)| TableCell {
                year: of.year,
                table,
                row: label.clone(),
                column,
                count,
            }));
        }
    }
    all
}

/// The published tables, cell by cell, the newest year first: the same for everybody signed in.
#[utoipa::path(
    tag = "tables",
    params(TableQuery),
    responses((status = 200, body = TableCells, content((TableCells = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/tables")]
async fn table_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, table, year) = InputReader::query(&call.context(), &call.query, table_query)?;
    call.list(paging, move |_, r, part| {
        let mut all = Vec::new();
        for release in r.table_releases(false)? {
            if year.is_none_or(|wanted: i32| wanted == release.year) {
                all.extend(cells(view(release)?));
            }
        }
        all.retain(|cell| table.is_none_or(|wanted| wanted == cell.table));
        // The place of a cell in what does not change but by another release at its beginning, counted from the end.
        let from = part.after.and_then(|after| after.reference.parse::<usize>().ok()).unwrap_or(all.len());
        let skipped = all.len().saturating_sub(from);
        let mut left = from;
        let placed = all.into_iter().skip(skipped).map(|cell| {
            left -= 1;
            (left, cell)
        });
        let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
        let page: Vec<(usize, TableCell)> = placed.take(limit.saturating_add(1)).collect();
        let next = (page.len() > limit).then(|| page[limit - 1].0);
        let items = page.into_iter().take(limit).map(|(_, cell)| cell).collect();
        let next = next.map(|at| Cursor { on: chrono::NaiveDate::default(), reference: at.to_string() });
        Ok(Page { items, next, gone: Vec::new() })
    })
    .await
}

fn year_of(path: &str) -> Result<i32, Problem> {
    path.parse().ok().filter(|year| (1948..=9998).contains(year)).ok_or_else(|| Problem::of("not_found"))
}

/// The published tables of one year.
#[utoipa::path(tag = "tables", responses((status = 200, body = TableReleaseView), NotModified, Problems))]
#[get("/tables/{year}")]
async fn table_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let year = year_of(&path)?;
    let view = call.read(move |viewer, r| Ok(Shown::plain(seen(viewer, r, year)?))).await?;
    call.one(&view)
}

describe::input!(
    /// Of which year to propose the tables.
    TableProposal,
    "Of which year to propose the tables.",
    table_proposal,
    {"year": 2025}
);

fn table_proposal(input: &mut InputReader<'_>) -> Option<i32> {
    let year = input.required("year", None, input::integer::<i32>(1948, 9998).about("A year that has ended."))?;
    if year >= chrono::Datelike::year(&input.context.now) {
        input.fault("year", "The year has not ended yet.");
    }
    Some(year)
}

/// Counts the fixed set of tables of a year from the present records, and proposes them for release, once for each year. Another person of the Secretariat releases
/// it.
#[utoipa::path(tag = "tables", request_body = TableProposal, responses((status = 201, body = TableReleaseView), Problems))]
#[post("/tables")]
async fn table_propose(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let year = call.body(&body, table_proposal).await?;
    let view = call
        .as_viewer(move |call, session| {
            let (store, viewer) = (&call.app().store, &session.account.viewer);
            store.signs_in()?;
            authorize(viewer, Action::Decide).map_err(Error::from)?;
            // Counted and solved before anything is written: nobody's write waits for it.
            let cut_off = store.now();
            let made = store.read(&viewer.scope(), |r| tables(r, year, cut_off))?;
            let made = serde_json::to_string(&made).map_err(|_| Problem::of("internal"))?;
            Ok(store.write(viewer, |w| {
                w.table_propose(year, cut_off, &made)?;
                seen(viewer, w, year)
            })?)
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

describe::input!(
    /// What is decided on a proposal.
    TableDecision,
    "What is decided on a proposal.",
    table_decision,
    {"release": true, "code": "123456"}
);

fn table_decision(input: &mut InputReader<'_>) -> Option<(bool, Plain)> {
    let release = input.required(
        "release",
        None,
        input::truth().about("Whether to release it; else it is declined, and the year may have another."),
    );
    let code = input.required("code", None, secret.about("A fresh code of the second factor."));
    Some((release?, code?))
}

/// Releases the tables that another person of the Secretariat proposed, or declines them. It takes a fresh code.
#[utoipa::path(tag = "tables", request_body = TableDecision, responses((status = 204, description = "Decided"), Problems))]
#[post("/tables/{year}/decision")]
async fn table_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let year = year_of(&path)?;
    let (release, code) = call.body(&body, table_decision).await?;
    let judge = |viewer: &Viewer| Ok(authorize(viewer, Action::Decide)?);
    call.agree(("tables", code), judge, move |_, w| w.table_decide(year, release)).await?;
    Ok(HttpResponse::NoContent().finish())
}
