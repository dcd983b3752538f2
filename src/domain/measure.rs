//! The measure: what a State did in its own justice system to promote accountability.

use chrono::NaiveDate;
use seal::ClassCode::Confidential as C;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About as A;
use super::code::code_list;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Proposal, Table, list};
use super::{Noun, PartialDate, Precision};

code_list! {
    /// What a State did in its own justice system to promote accountability (resolution 2589 (2021)).
    MeasureKind in "measure_kind" {
        ConventionParty = "Party to the Convention on the Safety of United Nations Personnel (1994)",
        OptionalProtocolParty = "Party to the Optional Protocol (2005)",
        DomesticCrime = "Domestic crime for attacks on United Nations personnel",
        Jurisdiction = "Jurisdiction clause",
        ExtraditeOrProsecute = "Extradition or prosecution",
        MutualLegalAssistance = "Mutual legal assistance",
        SofaClause = "Clause in a status-of-forces agreement",
        ProsecutionStrategy = "Prosecution strategy",
        SpecialUnit = "Special unit",
        SpecialisedChamber = "Specialised chamber",
        NationalFocalPoint = "National focal point",
        FinalOutcomeCommunicated = "Final outcome communicated (article 18 of the Convention)",
        Other = "Other",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Measure,
    name: "measure",
    path: "measures",
    prefix: "M-",
    openable: true,
    person: false,
    proposed: Some(Proposal { act: "propose_measure", at: "", by_all: true }),
    sealed: &[
        field(130, Noun::Measure, "narrative", C, A::Record, 20_000),
        field(131, Noun::Measure, "contact_persons", C, A::Record, 1_000),
        reason(132, Noun::Measure),
    ],
    lists: &[list::<MeasureKind>()],
    tables: &[Table::reported(
        "measure",
        &[
            ("id", I),
            ("reference", O),
            ("state", O),
            ("kind", O),
            ("instrument", O),
            ("taken_on", O),
            ("taken_on_precision", O),
            ("source_url", O),
            ("status", O),
            ("submitted_state", O),
            ("tag_confidential", I),
            ("created_by", P),
            ("decided_by", P),
            ("reason", P),
            ("created_at", O),
            ("recorded_at", O),
            ("updated_at", O),
            ("reason_fields", P),
            ("withdrawal_by", I),
            ("ended_at", O),
        ],
    )],
};

/// The open facts of a measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeasureFacts {
    /// The State.
    pub state: String,
    /// Kind.
    pub kind: MeasureKind,
    /// The law, unit, chamber or treaty.
    #[schema(example = "Specialised judicial unit")]
    pub instrument: String,
    /// When it was taken.
    pub taken_on: NaiveDate,
    /// How exactly that is known.
    pub taken_on_precision: Precision,
    /// Public source.
    pub source_url: Option<String>,
}

impl MeasureFacts {
    /// When it was taken.
    pub fn taken(&self) -> PartialDate {
        PartialDate::new(self.taken_on, self.taken_on_precision)
    }
}
