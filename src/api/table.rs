//! The published tables: what everybody signed in sees of what does not concern them.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Routes;
use super::call::{Call, Shown};
use super::form::{self, Form};
use super::list::Paging;
use super::problem::{NotAcceptable, NotModified, Problem, Problems};
use crate::briefing::{PublishedTable, ReleasedTable, tables};
use crate::domain::Code;
use crate::policy::suppression::Row;
use crate::policy::{Deed, Viewer, may};
use crate::store::{Cursor, Error, Page, Read, TableRelease, quarter_of};

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
    /// The release with which it was counted: what changed by fewer than five since stands as it was.
    #[schema(example = "2026-Q4")]
    as_of: String,
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
    /// Totals of the columns; empty where cells do not add up.
    totals: Vec<u32>,
}

/// A release of the published tables.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableReleaseView {
    /// Its quarter.
    #[schema(example = "2026-Q4")]
    quarter: String,
    /// What was recorded by then is counted.
    cut_off: DateTime<Utc>,
    /// When it was released; null while it is a proposal, which the Secretariat alone sees.
    released_at: Option<DateTime<Utc>>,
    /// Where the figures come from, and how they are held.
    method: &'static str,
    /// The tables of the fixed set of which anything can be published.
    tables: Vec<TableView>,
}

const METHOD: &str = "Casque, released editions and proceedings as recorded at the cut-off. Counts of fewer than five, and what would \
    give them away, are withheld; groups of which fewer than five are publicly known are merged; a row that changed by fewer than five \
    stands as it was. Method: docs/statistics.md.";

/// Why a release that was stored cannot be shown.
fn stored(tables: &str) -> Result<Vec<ReleasedTable>, Error> {
    let corrupt = |_| Error::Corrupt { table: "table_release", column: "tables", row: String::new() };
    serde_json::from_str(tables).map_err(corrupt)
}

fn table(of: ReleasedTable) -> Option<TableView> {
    let table = of.kind()?;
    let (columns, shape) = (table.columns(), table.shape());
    let totals = match shape.adds_up {
        true => (0..columns.len()).map(|at| of.release.rows.iter().map(|row| row.cells[at]).sum()).collect(),
        false => Vec::new(),
    };
    let withheld = &of.release.withheld;
    let rows = of.release.rows.into_iter().enumerate().map(|(at, Row { label, as_of, cells })| {
        let told = |column: usize, count: u32| (!withheld.contains(&(at, column))).then_some(count);
        let total = told(columns.len(), cells.iter().sum()).filter(|_| shape.adds_up);
        let cells = cells.into_iter().enumerate().map(|(column, count)| told(column, count)).collect();
        TableRow { label, as_of, cells, total }
    });
    let rows = rows.collect();
    Some(TableView { table, title: table.label(), rows_are: table.rows(), columns: columns.to_vec(), rows, totals })
}

fn view(of: TableRelease) -> Result<TableReleaseView, Error> {
    let TableRelease { quarter, cut_off, tables, released_at } = of;
    let tables = stored(&tables)?.into_iter().filter_map(table).collect();
    let released_at = released_at.map(|at| at.and_utc());
    Ok(TableReleaseView { quarter, cut_off: cut_off.and_utc(), released_at, method: METHOD, tables })
}

fn seen(viewer: &Viewer, r: &mut Read<'_>, quarter: &str) -> Result<TableReleaseView, Error> {
    let all = r.table_releases(may(viewer, Deed::Decide).is_ok())?;
    let found = all.into_iter().find(|one| one.quarter == quarter).ok_or(Error::NotFound)?;
    view(found)
}

/// A cell of a published table, for spreadsheets.
#[derive(Debug, Serialize, ToSchema)]
pub struct TableCell {
    /// The release.
    #[schema(example = "2026-Q4")]
    quarter: String,
    /// Which table.
    table: PublishedTable,
    /// The row.
    #[schema(example = "MINUSMA")]
    row: String,
    /// The release with which the row was counted.
    #[schema(example = "2026-Q4")]
    as_of: String,
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

/// Which cells, and how they are paged.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the description reads it")]
pub struct TableQuery {
    /// Only this table.
    table: Option<PublishedTable>,
    /// Only this release.
    quarter: Option<String>,
    limit: Option<i64>,
    after: Option<String>,
    format: Option<String>,
}

fn cells(of: TableReleaseView) -> Vec<TableCell> {
    let mut all = Vec::new();
    for TableView { table, columns, rows, .. } in of.tables {
        let has_totals = table.shape().adds_up;
        for TableRow { label, as_of, cells, total } in rows {
            let counts = columns.iter().copied().zip(cells).chain(has_totals.then_some(("total", total)));
            all.extend(counts.map(|(column, count)| TableCell {
                quarter: of.quarter.clone(),
                table,
                row: label.clone(),
                as_of: as_of.clone(),
                column,
                count,
            }));
        }
    }
    all
}

/// The published tables, cell by cell, the newest release first: the same for everybody signed in.
#[utoipa::path(
    tag = "tables",
    params(TableQuery),
    responses((status = 200, body = TableCells, content((TableCells = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), NotAcceptable, Problems)
)]
#[get("/tables")]
async fn table_list(call: Call) -> Result<HttpResponse, Problem> {
    let (paging, table, quarter) = Form::query(&call.context(), &call.query, |form| {
        let table = form.optional("table", None, form::code::<PublishedTable>);
        let quarter = form.optional("quarter", None, form::text(10));
        Some((Paging::of(form)?, table, quarter))
    })?;
    call.list(paging, move |_, r, part| {
        let mut all = Vec::new();
        for release in r.table_releases(false)? {
            if quarter.as_ref().is_none_or(|wanted| *wanted == release.quarter) {
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
        Ok(Page { items, next })
    })
    .await
}

/// One release of the published tables.
#[utoipa::path(tag = "tables", responses((status = 200, body = TableReleaseView), NotModified, Problems))]
#[get("/tables/{quarter}")]
async fn table_get(call: Call, path: Path<String>) -> Result<HttpResponse, Problem> {
    Form::query(&call.context(), &call.query, |_| Some(()))?;
    let quarter = path.into_inner();
    let view = call.read(move |viewer, r| Ok(Shown::plain(seen(viewer, r, &quarter)?))).await?;
    call.one(&view)
}

/// Which release to propose.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"quarter": "2026-Q4"}))]
pub struct TableProposal {
    /// The present quarter.
    quarter: String,
}

/// Counts the fixed set as recorded now and proposes it for release as this quarter's. One a quarter; another person of the Secretariat
/// releases it.
#[utoipa::path(tag = "tables", request_body = TableProposal, responses((status = 201, body = TableReleaseView), Problems))]
#[post("/tables")]
async fn table_propose(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let present = quarter_of(call.app().store.now());
    Form::read(&call.context(), &body, |form| {
        let asked = form.required("quarter", None, form::text(10))?;
        if asked != present {
            form.fault("quarter", "is not the present quarter");
        }
        Some(())
    })?;
    let view = call
        .as_viewer(|call, session| {
            let (store, viewer) = (&call.app().store, &session.account.viewer);
            store.signs_in()?;
            may(viewer, Deed::Decide).map_err(Error::from)?;
            Ok(store.write(viewer, |w| {
                let cut_off = w.now();
                let mut earlier = Vec::new();
                for release in w.table_releases(false)?.into_iter().rev() {
                    earlier.push(stored(&release.tables)?);
                }
                let made = tables(w, &earlier, &quarter_of(cut_off), cut_off)?;
                let quarter = w.table_propose(cut_off, &serde_json::to_string(&made).unwrap_or_default())?;
                seen(viewer, w, &quarter)
            })?)
        })
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// What is decided on a proposal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the description reads it")]
#[schema(example = json!({"release": true}))]
pub struct TableDecision {
    /// Whether to release it; else it is declined, and the quarter may have another.
    release: bool,
}

/// Releases the tables that another person of the Secretariat proposed, or declines them.
#[utoipa::path(tag = "tables", request_body = TableDecision, responses((status = 204, description = "Decided"), Problems))]
#[post("/tables/{quarter}/decision")]
async fn table_decide(call: Call, path: Path<String>, body: Bytes) -> Result<HttpResponse, Problem> {
    let quarter = path.into_inner();
    let release = Form::read(&call.context(), &body, |form| form.required("release", None, form::truth))?;
    call.as_viewer(move |call, session| {
        let (store, viewer) = (&call.app().store, &session.account.viewer);
        store.signs_in()?;
        may(viewer, Deed::Decide).map_err(Error::from)?;
        Ok(store.write(viewer, |w| w.table_decide(&quarter, release))?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
