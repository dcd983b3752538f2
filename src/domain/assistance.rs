//! Assistance: capacity-building that the United Nations, or a partner, offered a State.

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
    /// Kind of capacity-building (resolution 2589 (2021): information on assistance offered).
    AssistanceKind in "assistance_kind" {
        TrainingInvestigators = "Training of investigators",
        TrainingProsecutors = "Training of prosecutors",
        TrainingJudges = "Training of judges",
        Forensics = "Forensics",
        MentoringColocation = "Mentoring or co-location",
        ProsecutionSupportCell = "Prosecution support cell",
        SpecialUnitSupport = "Support to a special unit",
        MobileCourt = "Mobile court",
        WitnessVictimProtection = "Protection of witnesses and victims",
        CaseManagementIt = "Case-management system",
        InfrastructureEquipment = "Infrastructure or equipment",
        DetentionSecurity = "Secure detention",
        LegalAidDefence = "Legal aid and defence",
        LegislativeDrafting = "Legislative drafting",
        MutualLegalAssistance = "Mutual legal assistance",
        PlanningPrioritisationStrategy = "Planning and prioritisation strategy",
        Outreach = "Outreach",
        Other = "Other",
    }

    /// What became of an offer of assistance. An offer not taken up is a record.
    AssistanceStatus in "assistance_status" {
        Offered = "Offered",
        Accepted = "Accepted",
        Delivered = "Delivered",
        Declined = "Declined",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Assistance,
    name: "assistance",
    path: "assistance",
    prefix: "A-",
    openable: true,
    person: false,
    proposed: None,
    sealed: &[
        field(120, Noun::Assistance, "narrative", C, A::Record, 20_000),
        field(121, Noun::Assistance, "contact_persons", C, A::Record, 1_000),
    ],
    lists: &[list::<AssistanceKind>(), list::<AssistanceStatus>()],
    tables: &[
        Table::reported(
            "assistance",
            &[
                ("id", I),
                ("reference", O),
                ("state", O),
                ("mission", O),
                ("kind", O),
                ("provider", O),
                ("status", O),
                ("offered_on", O),
                ("delivered_from", O),
                ("delivered_to", O),
                ("women", O),
                ("men", O),
                ("cost_usd", O),
                ("funding_source", O),
                ("tag_confidential", I),
                ("created_by", P),
                ("created_at", O),
                ("updated_at", O),
            ],
        ),
        Table::reported("assistance_case", &[("assistance_id", I), ("case_id", I)]),
    ],
};

/// The open facts of assistance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssistanceFacts {
    /// State to which it was offered.
    pub state: String,
    /// Mission that offered it.
    pub mission: Option<String>,
    /// Kind.
    pub kind: AssistanceKind,
    /// Provider.
    pub provider: String,
    /// What became of it.
    pub status: AssistanceStatus,
    /// When it was offered.
    pub offered_on: NaiveDate,
    /// First day of delivery.
    pub delivered_from: Option<NaiveDate>,
    /// Last day of delivery.
    pub delivered_to: Option<NaiveDate>,
    /// Participants: women.
    pub women: Option<i32>,
    /// Participants: men.
    pub men: Option<i32>,
    /// United States dollars.
    pub cost_usd: Option<i64>,
    /// Where the money came from.
    pub funding_source: Option<String>,
}
