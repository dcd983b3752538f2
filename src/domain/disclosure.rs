//! The disclosure: the act of opening seals.

use seal::ClassCode::Confidential as C;

use super::About as A;
use super::Noun;
use super::code::code_list;
use super::sealed::field;
use super::spec::Visibility::{Internal as I, Scoped as P};
use super::spec::{NounSpec, Table, list};

code_list! {
    /// Why a seal is opened.
    Purpose in "purpose" {
        FollowUp = "Follow-up with the State",
        Verification = "Verification of the record",
        ProsecutionSupport = "Support to a prosecution",
        FamilyLiaison = "Liaison with the family",
        StateNotification = "Notification of the State",
        SafetyOfPersons = "Safety of persons",
        DataCorrection = "Correction of data",
    }

    /// In which form seals are opened.
    DisclosureMode in "disclosure_mode" {
        Record = "One record, with its children",
        Sitting = "Within a sitting: one purpose for a file of cases",
        File = "A selection, as one file",
        Match = "Whether a person is already known",
        Edition = "The edition that the mission's own desk works on",
    }

    /// What another officer finds of a disclosure that nobody had approved.
    ReviewFinding in "review_finding" {
        Justified = "It was justified",
        NotJustified = "It was not justified",
    }

    /// Why an alert was raised.
    AlertKind in "alert" {
        ManyInAnHour = "Unusually many records opened within an hour",
        ManyInADay = "Unusually many records opened within a day",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Disclosure,
    name: "disclosure",
    path: "disclosures",
    prefix: "",
    openable: false,
    person: false,
    proposed: None,
    sealed: &[field(140, Noun::Disclosure, "note", C, A::DisclosureNote, 2_000)],
    lists: &[list::<DisclosureMode>(), list::<Purpose>(), list::<ReviewFinding>(), list::<AlertKind>()],
    tables: &[
        Table::decided(
            "disclosure",
            &[
                ("id", I),
                ("made_at", P),
                ("account_id", I),
                ("record", P),
                ("root_id", I),
                ("mission", P),
                ("class", P),
                ("purpose", P),
                ("refusal", P),
                ("mode", P),
                ("within_id", P),
                ("emergency", P),
            ],
        )
        .append_only(),
        Table::decided("disclosure_item", &[("disclosure_id", I), ("record_id", I), ("record", P), ("fields", P)])
            .append_only(),
        Table::decided(
            "disclosure_review",
            &[("disclosure_id", I), ("reviewed_at", P), ("reviewed_by", P), ("finding", P)],
        )
        .append_only(),
        Table::decided(
            "sitting",
            &[
                ("id", P),
                ("account_id", I),
                ("session_id", I),
                ("purpose", P),
                ("started_at", P),
                ("expires_at", P),
                ("ended_at", P),
            ],
        ),
        Table::decided(
            "approval",
            &[
                ("id", P),
                ("account_id", P),
                ("record", P),
                ("class", P),
                ("fields", P),
                ("purpose", P),
                ("asked_at", P),
                ("expires_at", P),
                ("decided_at", P),
                ("decided_by", P),
                ("approved", P),
            ],
        ),
        Table::decided("note_reading", &[("id", I), ("note_id", I), ("account_id", I), ("read_at", P)]).append_only(),
    ],
};
