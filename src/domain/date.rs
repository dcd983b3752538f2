//! Dates that may be known only to the month or the year.

use std::fmt;

use chrono::{Datelike, Month, Months, NaiveDate, NaiveDateTime, TimeDelta};

use super::Precision;

/// A day written `YYYY-MM-DD`: ten characters, digits and hyphens alone, so that no year has five digits and none a sign.
pub fn calendar_day(text: &str) -> Option<NaiveDate> {
    let fits = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if fits { text.parse().ok() } else { None }
}

/// A calendar date, local to the mission, with its precision; held as its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialDate {
    first: NaiveDate,
    precision: Precision,
}

impl PartialDate {
    /// A date of that precision; a day within a month or year is brought to its first day.
    pub fn new(date: NaiveDate, precision: Precision) -> Self {
        let first = match precision {
            Precision::Day => Some(date),
            Precision::Month => date.with_day(1),
            Precision::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
        };
        Self { first: first.unwrap_or(date), precision }
    }

    /// The first day that the date may be.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// The last day that the date may be.
    pub fn last(self) -> NaiveDate {
        let next = match self.precision {
            Precision::Day => return self.first,
            Precision::Month => self.first.checked_add_months(Months::new(1)),
            Precision::Year => self.first.checked_add_months(Months::new(12)),
        };
        next.and_then(|day| day.pred_opt()).unwrap_or(self.first)
    }

    /// How exactly it is known.
    pub fn precision(self) -> Precision {
        self.precision
    }

    /// Whether the date may lie in a range of days; a bound that is absent bounds nothing.
    pub fn may_lie_within(self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> bool {
        from.is_none_or(|from| self.last() >= from) && to.is_none_or(|to| self.first <= to)
    }

    /// Whether it cannot have happened yet anywhere on earth: its first day begins later than now + 14 h.
    pub fn is_future(self, now: NaiveDateTime) -> bool {
        self.first > (now + TimeDelta::hours(14)).date()
    }
}

/// The date in words, as the United Nations writes it: `18 August 2021`, `August 2021`, `2021`.
impl fmt::Display for PartialDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.first.year();
        let month = u8::try_from(self.first.month()).ok().and_then(|month| Month::try_from(month).ok());
        match (self.precision, month) {
            (Precision::Day, Some(month)) => write!(out, "{} {} {year}", self.first.day(), month.name()),
            (Precision::Month, Some(month)) => write!(out, "{} {year}", month.name()),
            _ => write!(out, "{year}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_month_and_a_year_span_their_days() {
        let month = PartialDate::new(day(2024, 2, 17), Precision::Month);
        assert_eq!((month.first(), month.last()), (day(2024, 2, 1), day(2024, 2, 29)));
        let year = PartialDate::new(day(2023, 7, 4), Precision::Year);
        assert_eq!((year.first(), year.last()), (day(2023, 1, 1), day(2023, 12, 31)));
        assert_eq!(month.to_string(), "February 2024");
    }

    #[test]
    fn a_year_may_lie_within_any_part_of_it() {
        let year = PartialDate::new(day(2018, 7, 4), Precision::Year);
        assert!(year.may_lie_within(Some(day(2018, 6, 1)), Some(day(2018, 12, 31))));
        assert!(year.may_lie_within(None, Some(day(2018, 1, 1))) && year.may_lie_within(Some(day(2018, 12, 31)), None));
        assert!(
            !year.may_lie_within(Some(day(2019, 1, 1)), None) && !year.may_lie_within(None, Some(day(2017, 12, 31)))
        );
    }

    #[test]
    fn tomorrow_on_the_date_line_is_not_the_future() {
        let now = day(2026, 1, 1).and_hms_opt(11, 0, 0).unwrap();
        assert!(!PartialDate::new(day(2026, 1, 2), Precision::Day).is_future(now));
        assert!(PartialDate::new(day(2026, 1, 3), Precision::Day).is_future(now));
    }

    proptest! {
        #[test]
        fn a_date_lies_within_its_partial_date(days in 0_i32..40_000, precision in 0_usize..3) {
            let date = NaiveDate::from_num_days_from_ce_opt(711_000 + days).unwrap();
            let precision = [Precision::Day, Precision::Month, Precision::Year][precision];
            let partial = PartialDate::new(date, precision);
            prop_assert!(partial.first() <= date && date <= partial.last());
            prop_assert_eq!(PartialDate::new(partial.first(), precision), partial);
        }
    }
}
