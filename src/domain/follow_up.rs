//! The follow-up: what the United Nations did on a case towards a State, and what the State answered.

use chrono::{Datelike as _, NaiveDate};
use seal::ClassCode::Confidential as C;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About as A;
use super::Noun;
use super::code::code_list;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Proposal, Table, list};

code_list! {
    /// What the United Nations did on a case.
    FollowUpKind in "follow_up_kind" {
        NoteVerbale = "Note verbale",
        RequestForInformation = "Request for information",
        RequestForArrest = "Request for arrest or detention",
        EvidenceShared = "Evidence shared",
        Visit = "Visit to the authorities",
        HearingObserved = "Hearing observed",
        Meeting = "Meeting",
        Other = "Other",
    }

    /// What the State answered.
    ReplyStatus in "reply_status" {
        Awaited = "Awaited",
        Acknowledged = "Acknowledged only",
        Partial = "Answered in part",
        Full = "Answered in full",
        Refused = "Refused",
        NotExpected = "No answer is expected",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::FollowUp,
    name: "follow_up",
    path: "follow-ups",
    prefix: "F-",
    openable: true,
    person: false,
    proposed: Some(Proposal { act: "answer_follow_up", at: "/reply", by_all: false }),
    sealed: &[
        field(150, Noun::FollowUp, "text", C, A::Record, 20_000),
        field(151, Noun::FollowUp, "conditions", C, A::Record, 5_000),
        field(152, Noun::FollowUp, "assurances", C, A::Record, 5_000),
        field(153, Noun::FollowUp, "reply", C, A::Record, 20_000),
        reason(154, Noun::FollowUp),
    ],
    lists: &[list::<FollowUpKind>(), list::<ReplyStatus>()],
    tables: &[Table::reported(
        "follow_up",
        &[
            ("id", I),
            ("reference", O),
            ("case_reference", O),
            ("mission", O),
            ("state", O),
            ("kind", O),
            ("sent_on", O),
            ("due_on", O),
            ("reply_status", O),
            ("replied_on", O),
            ("status", O),
            ("offered_reply", O),
            ("offered_on", O),
            ("offered_by", I),
            ("offered_at", I),
            ("decided_by", P),
            ("reason", O),
            ("reason_fields", O),
            ("tag_confidential", I),
            ("created_by", P),
            ("created_at", O),
            ("updated_at", O),
        ],
    )],
};

/// The open facts of a follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FollowUpFacts {
    /// State that it was addressed to.
    pub state: String,
    /// Kind.
    pub kind: FollowUpKind,
    /// When it was sent, or took place.
    pub sent_on: NaiveDate,
    /// When the answer is due; null where none is expected by a day.
    pub due_on: Option<NaiveDate>,
    /// What the State answered.
    pub reply_status: ReplyStatus,
    /// When it did.
    pub replied_on: Option<NaiveDate>,
}

impl FollowUpFacts {
    /// Whether the answer is awaited after the day on which it was due.
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.reply_status == ReplyStatus::Awaited && self.due_on.is_some_and(|due| due < today)
    }

    /// Whether an answer was expected.
    fn expects(&self) -> bool {
        self.reply_status != ReplyStatus::NotExpected
    }

    /// Days until the State answered in substance, in part or in full.
    fn answered_after(&self) -> Option<i64> {
        let answered = matches!(self.reply_status, ReplyStatus::Partial | ReplyStatus::Full);
        self.replied_on.filter(|_| answered).map(|on| (on - self.sent_on).num_days())
    }
}

/// How a State answered what was sent in a year.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ResponseFigures {
    /// The State.
    #[schema(example = "MLI")]
    pub state: String,
    /// Year in which they were sent.
    #[schema(example = 2024)]
    pub year: i32,
    /// Follow-ups that expected an answer: the n of both figures.
    pub n: usize,
    /// Of those, how many were answered in part or in full.
    pub answered: usize,
    /// `answered` of `n`, from 0 to 1, to three decimals.
    pub response_rate: f64,
    /// Median days from sending to the answer, of those that were answered; null where none was.
    pub median_days: Option<f64>,
}

/// Figures by State and year, in that order.
pub fn response_figures<'a>(all: impl IntoIterator<Item = &'a FollowUpFacts>) -> Vec<ResponseFigures> {
    let mut groups: std::collections::BTreeMap<(String, i32), (usize, Vec<i64>)> = Default::default();
    for one in all.into_iter().filter(|one| one.expects()) {
        let (n, days) = groups.entry((one.state.clone(), one.sent_on.year())).or_default();
        *n += 1;
        days.extend(one.answered_after());
    }
    let figures = |((state, year), (n, mut days)): ((String, i32), (usize, Vec<i64>))| {
        days.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "counts and days of some years")]
        ResponseFigures {
            state,
            year,
            n,
            answered: days.len(),
            response_rate: (days.len() as f64 / n as f64 * 1_000.0).round() / 1_000.0,
            median_days: days.get(days.len() / 2).map(|upper| {
                let lower = if days.len() % 2 == 0 { days[days.len() / 2 - 1] } else { *upper };
                (lower + upper) as f64 / 2.0
            }),
        }
    };
    groups.into_iter().map(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, month, day).unwrap()
    }

    fn sent(reply_status: ReplyStatus, replied_on: Option<NaiveDate>) -> FollowUpFacts {
        FollowUpFacts {
            state: "MLI".into(),
            kind: FollowUpKind::NoteVerbale,
            sent_on: day(3, 1),
            due_on: Some(day(4, 1)),
            reply_status,
            replied_on,
        }
    }

    #[test]
    fn a_rate_counts_what_expected_an_answer_and_the_median_what_was_answered() {
        let all = [
            sent(ReplyStatus::Full, Some(day(3, 11))),
            sent(ReplyStatus::Partial, Some(day(3, 31))),
            sent(ReplyStatus::Acknowledged, Some(day(3, 2))),
            sent(ReplyStatus::Awaited, None),
            sent(ReplyStatus::NotExpected, None),
        ];
        let figures = response_figures(&all);
        assert_eq!(figures.len(), 1);
        assert_eq!((figures[0].n, figures[0].answered, figures[0].response_rate), (4, 2, 0.5));
        assert_eq!(figures[0].median_days, Some(20.0), "between 10 and 30");
        assert_eq!(response_figures(&all[..1])[0].median_days, Some(10.0));
        assert_eq!(response_figures(&all[3..])[0].median_days, None);
        assert_eq!(response_figures([]), []);
    }

    #[test]
    fn an_answer_is_overdue_from_the_day_after_it_was_due() {
        let awaited = sent(ReplyStatus::Awaited, None);
        assert!(!awaited.is_overdue(day(4, 1)));
        assert!(awaited.is_overdue(day(4, 2)));
        assert!(!sent(ReplyStatus::Full, Some(day(4, 5))).is_overdue(day(4, 6)));
    }
}
