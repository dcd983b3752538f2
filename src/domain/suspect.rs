//! The suspect: an alleged perpetrator as the UN knows one.

use seal::ClassCode::{Confidential as C, StrictlyConfidential as S};

use super::About as A;
use super::sealed::field;
use super::spec::Visibility::{Internal as I, Open as O};
use super::spec::{NounSpec, Table, list};
use super::{Noun, Perpetrator, SuspectStatus};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Suspect,
    name: "suspect",
    path: "suspects",
    prefix: "",
    openable: false,
    person: true,
    proposed: None,
    sealed: &[
        field(40, Noun::Suspect, "affiliation", C, A::Suspect, 500),
        field(41, Noun::Suspect, "name", S, A::Suspect, 300),
        field(42, Noun::Suspect, "aliases", S, A::Suspect, 500),
        field(43, Noun::Suspect, "identifiers", S, A::Suspect, 500),
    ],
    lists: &[list::<SuspectStatus>()],
    tables: &[Table::reported(
        "suspect",
        &[
            ("id", I),
            ("edition_id", I),
            ("suspect_id", I),
            ("handle", O),
            ("position", I),
            ("category", O),
            ("status", O),
        ],
    )],
};

/// The open facts of a suspect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspectFacts {
    /// Category.
    pub category: Perpetrator,
    /// Where the person stands.
    pub status: SuspectStatus,
}
