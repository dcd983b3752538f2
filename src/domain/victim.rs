//! The victim: one UN person harmed in an incident.

use chrono::NaiveDate;
use seal::ClassCode::{Confidential as C, StrictlyConfidential as S};

use super::About as A;
use super::sealed::field;
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{Harm, Noun, Personnel, Sex, Shape};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Victim,
    name: "victim",
    path: "victims",
    prefix: "",
    openable: false,
    person: true,
    proposed: None,
    sealed: &[
        field(20, Noun::Victim, "sex", C, A::Victim, 20),
        field(21, Noun::Victim, "age_band", C, A::Victim, 20),
        field(22, Noun::Victim, "rank", C, A::Victim, 100),
        field(23, Noun::Victim, "unit", C, A::Victim, 200),
        field(24, Noun::Victim, "name", S, A::Victim, 300),
        field(25, Noun::Victim, "index_number", S, A::Victim, 60),
        field(26, Noun::Victim, "date_of_birth", S, A::Victim, 20).shaped(Shape::BirthDate),
        field(27, Noun::Victim, "medical_detail", S, A::Victim, 2_000).always(),
        field(28, Noun::Victim, "sexual_violence_detail", S, A::Victim, 2_000).always(),
    ],
    lists: &[list::<Personnel>(), list::<Harm>(), list::<Sex>()],
    tables: &[Table::reported(
        "victim",
        &[
            ("id", I),
            ("edition_id", I),
            ("victim_id", I),
            ("handle", O),
            ("position", I),
            ("category", O),
            ("states", P),
            ("outcome", O),
            ("sex_of_dead", O),
            ("noticas_id", O),
            ("kin_notified_on", P),
            ("state_notified_on", P),
        ],
    )],
};

/// The open facts of a victim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VictimFacts {
    /// Category of personnel.
    pub category: Personnel,
    /// The contributing State of uniformed personnel; the nationalities of a civilian, one or more.
    pub states: Vec<String>,
    /// What happened.
    pub outcome: Harm,
    /// Sex, for the dead only: it is public for them.
    pub sex_of_dead: Option<Sex>,
    /// Id in NOTICAS.
    pub noticas_id: Option<String>,
    /// When next of kin were notified. Mission and Secretariat only.
    pub kin_notified_on: Option<NaiveDate>,
    /// When the State was notified. Mission and Secretariat only.
    pub state_notified_on: Option<NaiveDate>,
}

impl VictimFacts {
    /// Whether next of kin and State both know.
    pub fn is_notified(&self) -> bool {
        self.kin_notified_on.is_some() && self.state_notified_on.is_some()
    }
}
