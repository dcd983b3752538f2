//! The incident: open facts, statuses and who moves them, and the gates of a release.

use chrono::NaiveDate;

use seal::ClassCode::{Confidential as C, StrictlyConfidential};

use super::About as A;
use super::code::code_list;
use super::sealed::{field, reason};
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{
    Act, Activity, Basis, Harm, Means, Noun, Oddity, PartialDate, Perpetrator, Precision, Role, Shape, VictimFacts,
};

code_list! {
    /// Status of an edition of an incident.
    IncidentStatus in "incident_status" {
        Draft = "Draft",
        Submitted = "Submitted",
        Verified = "Verified",
        Released = "Released",
        Returned = "Returned to its author",
        Withdrawn = "Withdrawn",
    }

    /// Why release waits.
    HoldReason in "hold_reason" {
        LiveAbduction = "Live abduction",
        OngoingOperation = "Ongoing operation",
        FamilyRequest = "Request of the family",
        Other = "Other",
    }

    /// Why a State concerned is kept from a record.
    WithholdingReason in "withholding_reason" {
        StateAgentsAlleged = "Agents of the State are alleged to be involved",
        SafetyOfPersons = "Safety of persons",
        NoneNeeded = "No withholding needed",
    }
}

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Incident,
    name: "incident",
    path: "incidents",
    prefix: "",
    openable: true,
    person: false,
    proposed: None,
    sealed: &[
        field(1, Noun::Incident, "exact_place", C, A::Place, 500),
        field(2, Noun::Incident, "coordinates", C, A::Place, 60).shaped(Shape::Coordinates),
        field(3, Noun::Incident, "exact_time", C, A::Place, 60),
        field(4, Noun::Incident, "narrative", C, A::Account, 20_000),
        field(5, Noun::Incident, "attribution", C, A::Account, 2_000),
        field(6, Noun::Incident, "attribution_basis", C, A::Account, 2_000),
        field(7, Noun::Incident, "sources", StrictlyConfidential, A::Account, 5_000),
        reason(8, Noun::Incident),
    ],
    lists: &[
        list::<Precision>(),
        list::<Act>(),
        list::<Means>(),
        list::<Activity>(),
        list::<Perpetrator>(),
        list::<IncidentStatus>(),
        list::<HoldReason>(),
        list::<WithholdingReason>(),
        list::<Basis>(),
        list::<Oddity>(),
    ],
    tables: &[
        Table::reported(
            "incident",
            &[("id", I), ("reference", O), ("merged_into", I), ("created_by", P), ("created_at", P)],
        ),
        Table::reported(
            "incident_edition",
            &[
                ("id", I),
                ("incident_id", I),
                ("reference", O),
                ("number", P),
                ("status", O),
                ("is_current", P),
                ("is_released", I),
                ("mission", O),
                ("host_state", O),
                ("occurred_on", O),
                ("occurred_on_precision", O),
                ("occurred_year", O),
                ("region", O),
                ("act", O),
                ("means", O),
                ("activity", O),
                ("perpetrator_category", O),
                ("others_killed", O),
                ("others_injured", O),
                ("victims", O),
                ("killed", O),
                ("injured", O),
                ("abducted", O),
                ("detained", O),
                ("still_held", O),
                ("noticas_id", O),
                ("sage_id", O),
                ("public_file", I),
                ("updated_at", O),
                ("released_at", O),
                ("superseded_at", O),
            ],
        ),
        Table::reported(
            "edition_handling",
            &[
                ("edition_id", I),
                ("author_id", P),
                ("verifier_id", P),
                ("releaser_id", P),
                ("created_at", P),
                ("hold_reason", P),
                ("hold_review_on", P),
                ("reason", P),
                ("reason_fields", P),
                ("withdrawal_by", I),
                ("tag_confidential", I),
                ("tag_strictly_confidential", I),
            ],
        ),
        Table::decided(
            "withholding",
            &[
                ("id", I),
                ("incident_id", I),
                ("states", P),
                ("reason", P),
                ("proposed_by", P),
                ("proposed_at", P),
                ("confirmed_by", P),
                ("confirmed_at", P),
            ],
        ),
        Table::decided(
            "concern",
            &[
                ("id", I),
                ("incident_id", I),
                ("victim_id", I),
                ("state", P),
                ("basis", P),
                ("from_at", P),
                ("to_at", P),
                ("edition_id", I),
                ("frozen_at", P),
            ],
        ),
    ],
};

/// The open facts of an incident, as one edition holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentFacts {
    /// Acronym of the mission that the victims belonged to.
    pub mission: String,
    /// State on whose territory it happened (ISO 3166-1 alpha-3); `None` where a source names a mission of several.
    pub host_state: Option<String>,
    /// When, local to the mission.
    pub occurred: PartialDate,
    /// First-level region, ISO 3166-2: the coarse twin of the sealed place.
    pub region: Option<String>,
    /// Kind of act.
    pub act: Act,
    /// Means used.
    pub means: Means,
    /// What the victims were doing.
    pub activity: Activity,
    /// Alleged perpetrator.
    pub perpetrator: Perpetrator,
    /// Harm to persons who are not UN personnel: dead.
    pub others_killed: i32,
    /// Harm to persons who are not UN personnel: injured.
    pub others_injured: i32,
    /// Id in NOTICAS.
    pub noticas_id: Option<String>,
    /// Id in SAGE.
    pub sage_id: Option<String>,
    /// Why release waits, and when that is reviewed. Mission and Secretariat only.
    pub hold: Option<(HoldReason, NaiveDate)>,
}

/// How many victims an incident has, by outcome. Derived from the victims, so that it cannot contradict them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Victims in all.
    pub victims: i32,
    /// Killed.
    pub killed: i32,
    /// Injured, gravely or not.
    pub injured: i32,
    /// Abducted or missing.
    pub abducted: i32,
    /// Detained.
    pub detained: i32,
    /// Of those who were abducted, detained or missing, how many still are.
    pub still_held: i32,
}

impl Counts {
    /// Counts victims, each once, by outcome: who was abducted and freed stays among the abducted.
    pub fn of<'a>(victims: impl IntoIterator<Item = &'a VictimFacts>) -> Self {
        let mut counts = Self::default();
        for victim in victims {
            counts.victims += 1;
            counts.still_held += i32::from(victim.outcome.is_held() && victim.held_end.is_none());
            match victim.outcome {
                Harm::Killed => counts.killed += 1,
                Harm::GravelyInjured | Harm::Injured => counts.injured += 1,
                Harm::Abducted | Harm::Missing => counts.abducted += 1,
                Harm::Detained => counts.detained += 1,
                Harm::Threatened | Harm::Unharmed | Harm::NotKnown => {}
            }
        }
        counts
    }
}

/// Who may make a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The mission's people, or the Secretariat in their place.
    MissionOrSecretariat,
    /// The Secretariat or its senior focal point.
    Secretariat,
}

/// One permitted move of an edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// From this state …
    pub from: IncidentStatus,
    /// … to this one,
    pub to: IncidentStatus,
    /// by these,
    pub by: Author,
    /// by another person than the edition's author and, for a release, than its verifier,
    pub by_another: bool,
    /// and with a reason.
    pub reason: bool,
}

const fn edge(from: IncidentStatus, to: IncidentStatus, by: Author, by_another: bool, reason: bool) -> Transition {
    Transition { from, to, by, by_another, reason }
}

use Author::{MissionOrSecretariat as M, Secretariat as S};
use IncidentStatus::{Draft, Released, Returned, Submitted, Verified, Withdrawn};

const TRANSITIONS: &[Transition] = &[
    edge(Draft, Submitted, M, false, false),
    edge(Returned, Submitted, M, false, false),
    edge(Submitted, Verified, S, true, false),
    edge(Verified, Released, S, true, false),
    edge(Submitted, Returned, S, true, true),
    edge(Verified, Returned, S, true, true),
    edge(Draft, Withdrawn, M, false, true),
    edge(Returned, Withdrawn, M, false, true),
    edge(Submitted, Withdrawn, S, false, true),
    edge(Verified, Withdrawn, S, false, true),
    edge(Released, Withdrawn, S, false, true),
];

/// The move from one state to another, if there is one.
pub fn transition(from: IncidentStatus, to: IncidentStatus) -> Option<&'static Transition> {
    TRANSITIONS.iter().find(|edge| edge.from == from && edge.to == to)
}

impl Author {
    /// Whether a role is among them. Mission is a matter of scope, judged before.
    pub const fn includes(self, role: Role) -> bool {
        match self {
            Author::MissionOrSecretariat => {
                matches!(role, Role::FocalPoint | Role::Secretariat | Role::SeniorFocalPoint)
            }
            Author::Secretariat => matches!(role, Role::Secretariat | Role::SeniorFocalPoint),
        }
    }
}

impl IncidentStatus {}

/// What still stands before a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseGate {
    /// A dead or gravely injured victim, by place in the list, whose next of kin or State are not notified.
    NotNotified(usize),
    /// A hold.
    Hold,
    /// A State's agents are alleged: whether to withhold is undecided.
    WithholdingUndecided,
}

/// The gates that keep an edition from release; empty when it may go.
pub fn release_gates(facts: &IncidentFacts, victims: &[VictimFacts], withholding_decided: bool) -> Vec<ReleaseGate> {
    let mut gates: Vec<_> = victims
        .iter()
        .enumerate()
        .filter(|(_, victim)| victim.outcome.asks_notification() && !victim.is_notified(facts.occurred))
        .map(|(at, _)| ReleaseGate::NotNotified(at))
        .collect();
    if facts.hold.is_some() {
        gates.push(ReleaseGate::Hold);
    }
    if facts.perpetrator.is_of_a_state() && !withholding_decided {
        gates.push(ReleaseGate::WithholdingUndecided);
    }
    gates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HeldEnd, Personnel};
    use strum::VariantArray;

    #[test]
    fn every_way_to_release_passes_submission_and_verification_by_the_secretariat() {
        for edge in TRANSITIONS.iter().filter(|edge| edge.to == Released) {
            assert_eq!((edge.from, edge.by, edge.by_another), (Verified, S, true));
        }
        for edge in TRANSITIONS.iter().filter(|edge| edge.to == Verified) {
            assert_eq!((edge.from, edge.by, edge.by_another), (Submitted, S, true));
        }
    }

    #[test]
    fn nothing_leaves_withdrawn_and_every_way_back_gives_a_reason() {
        for status in IncidentStatus::VARIANTS {
            assert_eq!(transition(Withdrawn, *status), None);
        }
        assert!(TRANSITIONS.iter().filter(|edge| matches!(edge.to, Returned | Withdrawn)).all(|edge| edge.reason));
    }

    fn facts(perpetrator: Perpetrator) -> IncidentFacts {
        IncidentFacts {
            mission: "MINUSMA".into(),
            host_state: Some("MLI".into()),
            occurred: PartialDate::new(NaiveDate::default(), super::super::Precision::Day),
            region: None,
            act: Act::Killing,
            means: Means::NotKnown,
            activity: Activity::NotKnown,
            perpetrator,
            others_killed: 0,
            others_injured: 0,
            noticas_id: None,
            sage_id: None,
            hold: None,
        }
    }

    fn victim(outcome: Harm, notified: bool) -> VictimFacts {
        let on = notified.then(NaiveDate::default);
        VictimFacts {
            kin_notified_on: on,
            state_notified_on: on,
            ..VictimFacts::of(Personnel::Military, vec!["TCD".into()], outcome)
        }
    }

    #[test]
    fn release_waits_for_next_of_kin_of_the_dead_and_gravely_injured_only() {
        let victims = [victim(Harm::Killed, true), victim(Harm::GravelyInjured, false), victim(Harm::Injured, false)];
        assert_eq!(release_gates(&facts(Perpetrator::NotIdentified), &victims, false), [ReleaseGate::NotNotified(1)]);
    }

    #[test]
    fn who_was_told_of_an_injury_was_not_told_of_the_death() {
        let day = |day| NaiveDate::from_ymd_opt(2022, 3, day);
        let injured =
            VictimFacts { kin_notified_on: day(5), state_notified_on: day(5), ..victim(Harm::GravelyInjured, false) };
        let died = |kin, state| VictimFacts {
            outcome: Harm::Killed,
            died_on: day(9),
            kin_notified_on: day(kin),
            state_notified_on: day(state),
            ..injured.clone()
        };
        let facts = IncidentFacts {
            occurred: PartialDate::new(day(4).unwrap(), super::super::Precision::Day),
            ..facts(Perpetrator::NotIdentified)
        };
        let gates = |victim: VictimFacts| release_gates(&facts, &[victim], false);
        assert_eq!(gates(injured.clone()), []);
        assert_eq!(gates(died(5, 5)), [ReleaseGate::NotNotified(0)]);
        assert_eq!(gates(died(8, 8)), [], "a day's tolerance");
        assert_eq!(gates(died(10, 5)), [ReleaseGate::NotNotified(0)]);
    }

    #[test]
    fn a_state_as_alleged_perpetrator_blocks_release_until_withholding_is_decided() {
        let facts = facts(Perpetrator::HostStateForces);
        assert_eq!(release_gates(&facts, &[], false), [ReleaseGate::WithholdingUndecided]);
        assert_eq!(release_gates(&facts, &[], true), []);
    }

    #[test]
    fn counts_follow_the_victims() {
        let freed = VictimFacts { held_end: Some(HeldEnd::Freed), ..victim(Harm::Abducted, true) };
        let others = [Harm::Killed, Harm::Killed, Harm::Injured, Harm::Missing, Harm::Unharmed];
        let victims: Vec<_> = others.map(|outcome| victim(outcome, true)).into_iter().chain([freed]).collect();
        let counts = Counts { victims: 6, killed: 2, injured: 1, abducted: 2, detained: 0, still_held: 1 };
        assert_eq!(Counts::of(&victims), counts);
    }
}
