//! The accused: a person within a proceeding. Where one stands follows from the steps.

use seal::ClassCode::{Confidential as C, StrictlyConfidential as S};

use super::About as A;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{Detention, Exit, Noun, Outcome, Stage};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Accused,
    name: "accused",
    path: "accused",
    prefix: "",
    openable: false,
    person: true,
    proposed: None,
    sealed: &[
        field(100, Noun::Accused, "notes", C, A::Notes, 5_000),
        field(101, Noun::Accused, "name", S, A::Accused, 300),
        field(102, Noun::Accused, "identifiers", S, A::Accused, 500),
        reason(103, Noun::Accused),
    ],
    lists: &[list::<Stage>(), list::<Exit>(), list::<Outcome>(), list::<Detention>()],
    tables: &[
        Table::reported(
            "accused",
            &[
                ("id", I),
                ("proceeding_id", I),
                ("number", I),
                ("suspect_id", I),
                ("stage_furthest", O),
                ("stage_current", O),
                ("outcome", O),
                ("in_absentia", O),
                ("detention", O),
                ("recorded_at", O),
                ("status", O),
                ("submitted_by", I),
                ("submitted_state", P),
                ("decided_by", I),
                ("reason", P),
                ("handle", O),
                ("reason_fields", P),
                ("withdrawal_by", I),
                ("ended_at", O),
            ],
        ),
        Table::reported("accused_incident", &[("accused_id", I), ("incident_id", I)]),
    ],
};
