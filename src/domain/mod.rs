//! What resolution 2589 (2021) speaks of: words, code lists, transitions, a case's progress. Pure: no clock, no
//! database, no randomness but what is passed in.

mod account;
mod case;
mod code;
mod codes;
mod date;
mod erasure;
mod fault;
mod incident;
mod ledger;
mod proceeding;
mod reason;
mod reference;
mod sealed;
mod summary;

pub use account::{AccountChangeKind, AccountStatus, NoticeKind, Rights, StateFunction};
pub use case::{CaseEvent, Flow, case_transition, stock_and_flow};
pub use code::Code;
pub(crate) use code::code_list;
pub use codes::*;
pub use date::PartialDate;
pub use date::calendar_day;
pub use erasure::ErasureReason;
pub use fault::Fault;
pub use incident::{
    Author, Counts, HoldReason, IncidentFacts, IncidentStatus, ReleaseGate, SuspectFacts, Transition, VictimFacts,
    WithholdingReason, release_gates, transition,
};
pub use ledger::NarrowingAct;
pub use proceeding::{AsOf, Progress, Sentence, Standing, Step, progress, roll_up};
pub use reason::{FieldReason, Reason, Returned, is_pointer};
pub use reference::{Reference, handle};
pub use sealed::{About, SEALED, SealedChange, SealedField, Shape};
pub use summary::summary;

/// The nouns that hold sealed values or revisions. Matched without a wildcard everywhere: a forgotten floor does not
/// compile.
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
    /// The act of opening seals.
    Disclosure,
}

impl Noun {
    /// The noun in the singular, as the database and the audit log name it.
    pub const fn name(self) -> &'static str {
        match self {
            Noun::Incident => "incident",
            Noun::Victim => "victim",
            Noun::Suspect => "suspect",
            Noun::Case => "case",
            Noun::Proceeding => "proceeding",
            Noun::Accused => "accused",
            Noun::Step => "step",
            Noun::Assistance => "assistance",
            Noun::Measure => "measure",
            Noun::Disclosure => "disclosure",
        }
    }

    /// The noun in the plural, as paths name it.
    pub const fn path(self) -> &'static str {
        match self {
            Noun::Incident => "incidents",
            Noun::Victim => "victims",
            Noun::Suspect => "suspects",
            Noun::Case => "cases",
            Noun::Proceeding => "proceedings",
            Noun::Accused => "accused",
            Noun::Step => "steps",
            Noun::Assistance => "assistance",
            Noun::Measure => "measures",
            Noun::Disclosure => "disclosures",
        }
    }
}
