//! The case: its states, and the stock-and-flow table that must reconcile.

use chrono::NaiveDate;

use seal::ClassCode::Confidential as C;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About as A;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{CaseStatus, InformationStatus, Noun};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Case,
    name: "case",
    path: "cases",
    prefix: "C-",
    openable: true,
    person: false,
    proposed: None,
    sealed: &[
        field(60, Noun::Case, "notes", C, A::Notes, 20_000),
        field(61, Noun::Case, "strategy", C, A::Notes, 20_000),
        reason(62, Noun::Case),
    ],
    lists: &[list::<CaseStatus>(), list::<InformationStatus>()],
    tables: &[
        Table::reported(
            "case_file",
            &[
                ("id", I),
                ("reference", O),
                ("mission", O),
                ("status", O),
                ("opened_on", O),
                ("information_status", O),
                ("information_on", O),
                ("stage_furthest", O),
                ("stage_current", O),
                ("tag_confidential", I),
                ("created_by", P),
                ("created_at", O),
                ("updated_at", O),
            ],
        ),
        Table::reported(
            "case_event",
            &[("id", I), ("case_id", I), ("status", O), ("happened_on", O), ("recorded_at", O)],
        )
        .append_only(),
        Table::reported(
            "case_incident",
            &[
                ("case_id", I),
                ("incident_id", I),
                ("status", P),
                ("added_by", I),
                ("since", I),
                ("decided_by", I),
                ("withdrawal_by", I),
                ("ended_at", I),
            ],
        ),
    ],
};

/// The open facts of a case that people give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseFacts {
    /// Mission that answers for the file.
    pub mission: String,
    /// First day.
    pub opened_on: NaiveDate,
    /// What the State told the United Nations.
    pub information_status: InformationStatus,
    /// When it last did.
    pub information_on: Option<NaiveDate>,
}

/// One dated change of a case's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseEvent {
    /// The state that began.
    pub status: CaseStatus,
    /// On this day.
    pub on: NaiveDate,
}

/// Whether a case may go from one state to another: `open` → `concluded` or `closed` → `reopened` → …
pub const fn case_transition(from: CaseStatus, to: CaseStatus) -> bool {
    matches!(
        (from, to),
        (CaseStatus::Open | CaseStatus::Reopened, CaseStatus::Concluded | CaseStatus::Closed)
            | (CaseStatus::Concluded | CaseStatus::Closed, CaseStatus::Reopened)
    )
}

/// Stock and flow of cases over a period: `open_at_start + new + reopened − concluded − closed = open_at_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Flow {
    /// Cases open or reopened on the eve of the first day.
    pub open_at_start: i64,
    /// Opened in the period.
    pub new: i64,
    /// Reopened in the period.
    pub reopened: i64,
    /// Concluded in the period.
    pub concluded: i64,
    /// Closed in the period.
    pub closed: i64,
    /// Cases open or reopened at the end of the last day.
    pub open_at_end: i64,
}

impl Flow {
    /// Whether the table adds up.
    pub const fn reconciles(&self) -> bool {
        self.open_at_start + self.new + self.reopened - self.concluded - self.closed == self.open_at_end
    }
}

/// The stock and flow of cases, each given by its events in order. Stocks are counted from the state on a day and flows
/// from the events within, so that the reconciliation is a check and not a definition.
pub fn stock_and_flow<'a>(cases: impl IntoIterator<Item = &'a [CaseEvent]>, first: NaiveDate, last: NaiveDate) -> Flow {
    let mut flow = Flow::default();
    for events in cases {
        let open_on = |day: NaiveDate, inclusive: bool| {
            events
                .iter()
                .take_while(|event| if inclusive { event.on <= day } else { event.on < day })
                .last()
                .is_some_and(|event| matches!(event.status, CaseStatus::Open | CaseStatus::Reopened))
        };
        flow.open_at_start += i64::from(open_on(first, false));
        flow.open_at_end += i64::from(open_on(last, true));
        for event in events.iter().filter(|event| first <= event.on && event.on <= last) {
            match event.status {
                CaseStatus::Open => flow.new += 1,
                CaseStatus::Reopened => flow.reopened += 1,
                CaseStatus::Concluded => flow.concluded += 1,
                CaseStatus::Closed => flow.closed += 1,
            }
        }
    }
    flow
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_history_that_the_transitions_allow_reconciles(
            cases in prop::collection::vec(prop::collection::vec((0_i32..400, any::<bool>()), 1..6), 0..20),
            first in 0_i32..400,
            length in 0_i32..200,
        ) {
            let day = |n: i32| NaiveDate::from_num_days_from_ce_opt(737_000 + n).unwrap();
            let histories: Vec<Vec<CaseEvent>> = cases.into_iter().map(|moves| {
                let mut at = 0;
                let mut status = CaseStatus::Open;
                let mut events = Vec::new();
                for (gap, conclude) in moves {
                    at += gap;
                    events.push(CaseEvent { status, on: day(at) });
                    let next = match (status, conclude) {
                        (CaseStatus::Open | CaseStatus::Reopened, true) => CaseStatus::Concluded,
                        (CaseStatus::Open | CaseStatus::Reopened, false) => CaseStatus::Closed,
                        _ => CaseStatus::Reopened,
                    };
                    assert!(case_transition(status, next));
                    status = next;
                }
                events
            }).collect();
            let flow = stock_and_flow(histories.iter().map(Vec::as_slice), day(first), day(first + length));
            prop_assert!(flow.reconciles(), "{flow:?}");
        }
    }
}
