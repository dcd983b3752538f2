//! What resolution 2589 (2021) speaks of: words, code lists, transitions, a case's progress. Pure: no clock, no
//! database, no randomness but what is passed in.

mod account;
mod accused;
mod assistance;
mod case;
mod code;
mod codes;
mod contribution;
mod date;
mod disclosure;
mod erasure;
mod fault;
mod follow_up;
mod incident;
mod ledger;
mod measure;
mod proceeding;
mod reason;
mod reference;
mod sealed;
mod spec;
mod step;
mod summary;
mod suspect;
mod tables;
mod task;
mod victim;

pub use account::{AccountChangeKind, AccountStatus, NoticeKind, Rights, StateFunction};
pub use assistance::{AssistanceFacts, AssistanceKind, AssistanceStatus};
pub use case::{CaseEvent, CaseFacts, Flow, case_transition, stock_and_flow};
pub use code::Code;
pub(crate) use code::code_list;
pub use codes::*;
pub use contribution::{ContributionFacts, ContributionPurpose};
pub use date::PartialDate;
pub use date::calendar_day;
pub use disclosure::{AlertKind, DisclosureMode, Purpose, ReviewFinding};
pub use erasure::ErasureReason;
pub use fault::{Fault, Oddity};
pub use follow_up::{FollowUpFacts, FollowUpKind, ReplyStatus, ResponseFigures, response_figures};
pub use incident::{
    Author, Counts, HoldReason, IncidentFacts, IncidentStatus, ReleaseGate, Transition, WithholdingReason,
    release_gates, transition,
};
pub use ledger::NarrowingAct;
pub use measure::{MeasureFacts, MeasureKind};
pub use proceeding::{AsOf, ProceedingFacts, Progress, Standing, progress, roll_up};
pub use reason::{FieldReason, Reason, Returned, is_pointer};
pub use reference::{Reference, handle};
pub use sealed::{About, SealedChange, SealedField, Shape};
pub use spec::{CodeList, Custody, NounSpec, Proposal, Table, Visibility, list};
pub use step::{Sentence, Step, stood};
pub use summary::summary;
pub use suspect::SuspectFacts;
pub use tables::tables;
pub use task::TaskKind;
pub use victim::VictimFacts;

/// The nouns that hold sealed values or revisions. Whoever adds one says here where its specification stands; the lists of tables, columns,
/// code lists, sealed fields and rights follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::VariantArray)]
pub enum Noun {
    /// One event that harmed or endangered UN personnel, premises or transport.
    Incident,
    /// One UN person harmed in an incident.
    Victim,
    /// An alleged perpetrator as the UN knows one.
    Suspect,
    /// The United Nations' accountability file.
    Case,
    /// One national file before one authority.
    Proceeding,
    /// A person within a proceeding.
    Accused,
    /// One dated event of a proceeding or accused.
    Step,
    /// Capacity-building that was offered to a State.
    Assistance,
    /// What a State did in its own justice system.
    Measure,
    /// What the United Nations did on a case towards a State.
    FollowUp,
    /// What a State gave of its own will to capacity-building and accountability work.
    Contribution,
    /// The act of opening seals.
    Disclosure,
}

impl Noun {
    /// What is said of it.
    pub const fn spec(self) -> &'static NounSpec {
        match self {
            Noun::Incident => &incident::SPEC,
            Noun::Victim => &victim::SPEC,
            Noun::Suspect => &suspect::SPEC,
            Noun::Case => &case::SPEC,
            Noun::Proceeding => &proceeding::SPEC,
            Noun::Accused => &accused::SPEC,
            Noun::Step => &step::SPEC,
            Noun::Assistance => &assistance::SPEC,
            Noun::Measure => &measure::SPEC,
            Noun::FollowUp => &follow_up::SPEC,
            Noun::Contribution => &contribution::SPEC,
            Noun::Disclosure => &disclosure::SPEC,
        }
    }

    /// The noun in the singular, as the database and the audit log name it.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The noun in the plural, as paths name it.
    pub const fn path(self) -> &'static str {
        self.spec().path
    }
}
