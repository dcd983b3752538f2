//! The step: one dated event of a proceeding, or of one accused in it.

use chrono::NaiveDateTime;
use seal::ClassCode::Confidential as C;

use super::About as A;
use super::code::code_list;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{Exit, Noun, Obstacle, Outcome, PartialDate, SealedField, Stage, StepKind};

code_list! {
    /// Kind of sentence. Whether it was carried out is a step of its own.
    Sentence in "sentence" {
        Death = "Death",
        Life = "Life imprisonment",
        Term = "Imprisonment for a term",
        Suspended = "Suspended sentence",
        Fine = "Fine",
        Other = "Other",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Step,
    name: "step",
    path: "steps",
    prefix: "",
    openable: false,
    person: false,
    proposed: None,
    sealed: &[
        reason(110, Noun::Step),
        SealedField { typed: false, ..field(111, Noun::Step, "correction_note", C, A::Reason, 2_000) },
    ],
    lists: &[list::<StepKind>(), list::<Sentence>()],
    tables: &[Table::reported(
        "step",
        &[
            ("id", I),
            ("handle", O),
            ("proceeding_id", I),
            ("accused", O),
            ("kind", O),
            ("happened_on", O),
            ("happened_on_precision", O),
            ("stage", O),
            ("outcome", O),
            ("exit", O),
            ("sentence", O),
            ("sentence_months", O),
            ("obstacle", O),
            ("postponed_to", O),
            ("source_url", O),
            ("status", O),
            ("submitted_by", P),
            ("submitted_state", P),
            ("submitted_at", P),
            ("recorded_at", O),
            ("decided_by", P),
            ("reason", P),
            ("reason_fields", P),
            ("corrects", P),
            ("correction_reason", O),
            ("withdrawal_by", I),
            ("ended_at", O),
        ],
    )],
};

/// One dated event of a proceeding, or of one accused in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// Number of the accused, or the proceeding as a whole.
    pub accused: Option<i32>,
    /// When it happened.
    pub happened: PartialDate,
    /// When it became part of the record (UTC).
    pub recorded_at: NaiveDateTime,
    /// When it ceased to stand, because it was withdrawn, or a correction took its place (UTC).
    pub ended_at: Option<NaiveDateTime>,
    /// Stage reached, for `stage_reached`, `judgement`, `appeal` and `reopened`.
    pub stage: Option<Stage>,
    /// Outcome, for `judgement`.
    pub outcome: Option<Outcome>,
    /// Exit, for `exit`.
    pub exit: Option<Exit>,
    /// Sentence, for `sentence`.
    pub sentence: Option<Sentence>,
    /// Why, for `postponement`.
    pub obstacle: Option<Obstacle>,
}

impl Step {
    /// Whether it was part of the record at a time.
    pub fn stood(&self, at: NaiveDateTime) -> bool {
        stood(Some(self.recorded_at), self.ended_at, at)
    }
}

/// Whether something was part of the record at a time: what was recorded by then, and had not ended.
pub fn stood(recorded_at: Option<NaiveDateTime>, ended_at: Option<NaiveDateTime>, at: NaiveDateTime) -> bool {
    recorded_at.is_some_and(|recorded| recorded <= at) && ended_at.is_none_or(|ended| ended > at)
}

impl StepKind {
    /// Whether it is an outcome: it tells how the proceedings of an accused end or continue. An outcome takes a second person.
    pub const fn takes_two(self) -> bool {
        matches!(self, Self::Judgement | Self::Sentence | Self::Appeal | Self::Exit)
    }
}
