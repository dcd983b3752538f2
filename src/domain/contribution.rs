//! The contribution: what a State gave of its own will to capacity-building and accountability work, pledged and received.

use chrono::NaiveDate;
use seal::ClassCode::Confidential as C;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About as A;
use super::Noun;
use super::code::code_list;
use super::sealed::field;
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};

code_list! {
    /// What a State contributed to.
    ContributionPurpose in "contribution_purpose" {
        Training = "Training",
        Forensics = "Forensics",
        WitnessProtection = "Witness protection",
        MobileCourts = "Mobile courts",
        CaseManagement = "Case management",
        TrustFund = "Trust fund",
        Other = "Other",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Contribution,
    name: "contribution",
    path: "contributions",
    prefix: "V-",
    openable: true,
    person: false,
    proposed: None,
    sealed: &[
        field(160, Noun::Contribution, "narrative", C, A::Record, 20_000),
        field(161, Noun::Contribution, "contact_persons", C, A::Record, 1_000),
    ],
    lists: &[list::<ContributionPurpose>()],
    tables: &[Table::reported(
        "contribution",
        &[
            ("id", I),
            ("reference", O),
            ("state", O),
            ("purpose", O),
            ("pledged_on", O),
            ("pledged_usd", O),
            ("received_on", O),
            ("received_usd", O),
            ("mission", O),
            ("tag_confidential", I),
            ("created_by", P),
            ("created_at", O),
            ("updated_at", O),
        ],
    )],
};

/// The open facts of a contribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContributionFacts {
    /// State that contributed.
    pub state: String,
    /// What it contributed to.
    pub purpose: ContributionPurpose,
    /// When it was pledged.
    pub pledged_on: NaiveDate,
    /// How much was pledged, in United States dollars.
    pub pledged_usd: i64,
    /// When it was received; null as long as it is not known to be.
    pub received_on: Option<NaiveDate>,
    /// How much was received, in United States dollars; never more than was pledged.
    pub received_usd: Option<i64>,
    /// Mission that it is earmarked for; null where it is for none in particular.
    pub mission: Option<String>,
}

impl ContributionFacts {
    /// Whether more was received than was pledged.
    pub fn is_overpaid(&self) -> bool {
        self.received_usd.is_some_and(|received| received > self.pledged_usd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_is_at_most_what_was_pledged() {
        let with = |received_usd| ContributionFacts {
            state: "ISL".into(),
            purpose: ContributionPurpose::Forensics,
            pledged_on: NaiveDate::MIN,
            pledged_usd: 100,
            received_on: None,
            received_usd,
            mission: None,
        };
        assert_eq!(
            [None, Some(0), Some(100), Some(101)].map(|usd| with(usd).is_overpaid()),
            [false, false, false, true]
        );
    }
}
