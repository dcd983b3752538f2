//! Pages of a list by keyset: a cursor holds the sort key and reference of the last row shown, and nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Datelike, NaiveDate};
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, Date, HasSqlType, Text};

use crate::domain::{PartialDate, Precision};

/// One page, newest first.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
    /// References of what the viewer had seen, and sees no more since the time that was asked for.
    pub gone: Vec<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, gone: Vec::new() }
    }
}

impl<T> Page<T> {
    /// The same page of what its items become.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next: self.next, gone: self.gone }
    }
}

/// The place of a row in a list ordered by `(date, reference)`. It holds only what the viewer was shown, so it needs no
/// secret; scope is computed anew for each page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The row's date.
    pub on: NaiveDate,
    /// The row's reference.
    pub reference: String,
}

impl Cursor {
    /// The cursor as a query parameter.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{} {}", self.on, self.reference))
    }

    /// Reads a query parameter.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (on, reference) = text.split_once(' ')?;
        let on: NaiveDate = on.parse().ok()?;
        let known = (1..=9999).contains(&on.year())
            && reference.len() <= 100
            && reference.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        known.then(|| Self { on, reference: reference.to_owned() })
    }
}

impl<T> Page<T> {
    /// Makes a page out of at most `limit + 1` rows: the one too many only tells that there is a next page.
    pub(super) fn of(mut items: Vec<T>, limit: i64, place: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next, gone: Vec::new() }
    }

    /// Makes a page out of everything that a viewer is shown: for lists whose rows are what they are shown as only after
    /// they were read.
    pub(super) fn within(
        mut items: Vec<T>,
        after: Option<&Cursor>,
        limit: i64,
        place: impl Fn(&T) -> Cursor + Copy,
    ) -> Self {
        let key = |item: &T| {
            let Cursor { on, reference } = place(item);
            (on, reference)
        };
        items.retain(|item| after.is_none_or(|after| key(item) < (after.on, after.reference.clone())));
        items.sort_by_key(|item| std::cmp::Reverse(key(item)));
        items.truncate(usize::try_from(limit + 1).unwrap_or(0));
        Self::of(items, limit, place)
    }
}

/// The first days of the year and of the month of a day.
pub(super) fn first_days(on: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = |precision| PartialDate::new(on, precision).first();
    (first(Precision::Year), first(Precision::Month))
}

/// Narrows a query to dates that may lie on a day or after it: a month or year, which is stored by its first day, may reach it.
macro_rules! may_reach {
    ($query:expr, $on:expr, $precision:expr, $from:expr) => {{
        let (year, month) = $crate::store::list::first_days($from);
        let within_month = $precision.eq($crate::domain::Precision::Month.code()).and($on.ge(month));
        let within_year = $precision.eq($crate::domain::Precision::Year.code());
        $query.filter($on.ge(year)).filter($on.ge($from).or(within_month).or(within_year))
    }};
}
pub(super) use may_reach;

/// `(date, reference) < (…, …)`: the query builder knows no row values, the `OR` form costs 1.8 times as much on PostgreSQL,
/// and a literal of SQL would not be kept as a prepared statement.
#[derive(Debug, Clone)]
pub(super) struct Before<D, R> {
    pub(super) date: D,
    pub(super) reference: R,
    pub(super) after: Cursor,
}

impl<D, R> diesel::query_builder::QueryId for Before<D, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<D: Expression, R: Expression> Expression for Before<D, R> {
    type SqlType = Bool;
}

impl<D, R, G> ValidGrouping<G> for Before<D, R> {
    type IsAggregate = diesel::expression::is_aggregate::No;
}

impl<D, R, T> AppearsOnTable<T> for Before<D, R>
where
    D: AppearsOnTable<T>,
    R: AppearsOnTable<T>,
{
}

impl<D, R, DB> QueryFragment<DB> for Before<D, R>
where
    DB: Backend + HasSqlType<Date> + HasSqlType<Text>,
    D: QueryFragment<DB>,
    R: QueryFragment<DB>,
    NaiveDate: ToSql<Date, DB>,
    String: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> diesel::QueryResult<()> {
        out.push_sql("(");
        self.date.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.reference.walk_ast(out.reborrow())?;
        out.push_sql(") < (");
        out.push_bind_param::<Date, _>(&self.after.on)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.after.reference)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Adds keyset, order and limit to a boxed query over a table with a date column and a reference. A macro, since the type of
/// a boxed query names its table.
macro_rules! page_of {
    ($query:expr, $date:expr, $reference:expr, $after:expr, $limit:expr) => {{
        use diesel::prelude::*;
        let mut query = $query;
        if let Some(after) = $after {
            let after: &$crate::store::Cursor = after;
            query =
                query.filter($crate::store::list::Before { date: $date, reference: $reference, after: after.clone() });
        }
        query.order(($date.desc(), $reference.desc())).limit($limit + 1)
    }};
}
pub(super) use page_of;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_rubbish_does_not() {
        let cursor =
            Cursor { on: NaiveDate::from_ymd_opt(2019, 2, 22).unwrap(), reference: "MINUSMA-2019-7KQ4".into() };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        assert_eq!(Cursor::decode("%%%"), None);
        assert_eq!(Cursor::decode("AAAA"), None);
    }
}
