//! Who may open which seal: one table, and one function that reads it. What nothing can lift stands first.

use seal::ClassCode::{self, Confidential, StrictlyConfidential};

use super::Viewer;
use super::access::{AccessContext, Relation};
use crate::domain::{About, Role, SealedField};

/// What else a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// Next of kin and State were notified.
    AfterNextOfKin,
    /// A second officer approves.
    SecondOfficer,
}

impl Condition {
    /// The condition's name at `GET /v1/policy`.
    pub const fn name(self) -> &'static str {
        match self {
            Condition::None => "none",
            Condition::AfterNextOfKin => "after_next_of_kin",
            Condition::SecondOfficer => "second_officer",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// This role,
    pub role: Role,
    /// in this relation,
    pub relation: Relation,
    /// opens fields of this class
    pub class: ClassCode,
    /// about these,
    pub about: &'static [About],
    /// under this condition.
    pub condition: Condition,
}

const CONTENT: &[About] = &[
    About::Place,
    About::Account,
    About::Victim,
    About::Suspect,
    About::Notes,
    About::CourtFile,
    About::Accused,
    About::Record,
    About::Reason,
];

const fn rule(role: Role, relation: Relation, class: ClassCode, about: &'static [About], condition: Condition) -> Rule {
    Rule { role, relation, class, about, condition }
}

use Condition::{AfterNextOfKin, None as Free, SecondOfficer};

/// The disclosure policy, first edition.
pub const RULES: &[Rule] = &[
    rule(Role::FocalPoint, Relation::OwnMission, Confidential, CONTENT, Free),
    rule(Role::FocalPoint, Relation::OwnMission, StrictlyConfidential, &[About::Victim], Free),
    rule(Role::FocalPoint, Relation::Typed, StrictlyConfidential, &[About::Account, About::Suspect], Free),
    rule(Role::MemberState, Relation::Typed, Confidential, CONTENT, Free),
    rule(Role::MemberState, Relation::Typed, StrictlyConfidential, CONTENT, Free),
    rule(Role::MemberState, Relation::OwnSubmission, Confidential, &[About::Reason], Free),
    rule(Role::MemberState, Relation::Host, Confidential, &[About::Place], Free),
    rule(Role::MemberState, Relation::Proceeding, Confidential, &[About::Place, About::CourtFile], Free),
    rule(Role::MemberState, Relation::Proceeding, StrictlyConfidential, &[About::Accused], Free),
    rule(Role::MemberState, Relation::OwnNational, Confidential, &[About::Victim], Free),
    rule(Role::MemberState, Relation::OwnNational, StrictlyConfidential, &[About::Victim], AfterNextOfKin),
    rule(Role::Secretariat, Relation::Any, Confidential, CONTENT, Free),
    rule(Role::Secretariat, Relation::Any, StrictlyConfidential, CONTENT, SecondOfficer),
    rule(Role::SeniorFocalPoint, Relation::Any, Confidential, CONTENT, Free),
    rule(Role::SeniorFocalPoint, Relation::Any, StrictlyConfidential, CONTENT, SecondOfficer),
];

/// Why a field stays sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// No rule speaks of it.
    NotEntitled,
    /// The account is not graded for disclosure.
    NotGraded,
    /// Next of kin or State are not notified yet.
    BeforeNextOfKin,
    /// A second officer must approve.
    NeedsSecondOfficer,
    /// An emergency of the account's is not reviewed yet: there is one at a time.
    ReviewPending,
    /// The account made as many of this mode today as it may.
    Quota,
    /// The account's second factor was reset lately.
    CoolingDown,
    /// The record is under review. Given for several causes, so that it announces none.
    UnderReview,
}

impl Refusal {
    /// The refusal's stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::NotEntitled => "not_entitled",
            Refusal::NotGraded => "not_graded",
            Refusal::BeforeNextOfKin => "before_next_of_kin",
            Refusal::NeedsSecondOfficer => "needs_second_officer",
            Refusal::ReviewPending => "review_pending",
            Refusal::Quota => "quota",
            Refusal::CoolingDown => "cooling_down",
            Refusal::UnderReview => "under_review",
        }
    }
}

/// The judgement on one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be opened.
    Granted,
    /// It stays sealed.
    Refused(Refusal),
}

/// Judges whether a viewer may open one field of one record. A review answers in the place of whatever else would be said to somebody entitled;
/// whoever is not is told so, review or not.
pub fn decide(viewer: &Viewer, facts: AccessContext, field: &SealedField) -> Decision {
    match judge(viewer, facts, field) {
        Decision::Granted
        | Decision::Refused(Refusal::BeforeNextOfKin | Refusal::NeedsSecondOfficer | Refusal::NotGraded)
            if facts.under_review =>
        {
            Decision::Refused(Refusal::UnderReview)
        }
        decision => decision,
    }
}

fn judge(viewer: &Viewer, facts: AccessContext, field: &SealedField) -> Decision {
    let rules = RULES.iter().filter(|rule| {
        rule.role == viewer.role
            && rule.class == field.class
            && rule.about.contains(&field.about)
            && facts.relations.has(rule.relation)
    });
    let mut refusal = Refusal::NotEntitled;
    for rule in rules {
        let lacking = match rule.condition {
            _ if viewer.role == Role::Secretariat && !viewer.graded => Refusal::NotGraded,
            Condition::AfterNextOfKin if !facts.notified => Refusal::BeforeNextOfKin,
            Condition::SecondOfficer if !facts.approved => Refusal::NeedsSecondOfficer,
            Condition::None | Condition::AfterNextOfKin | Condition::SecondOfficer => return Decision::Granted,
        };
        refusal = refusal.max(lacking);
    }
    Decision::Refused(refusal)
}

/// Whether a viewer is told that a sealed field holds something, and shares the tag that moves when it is edited: those
/// who may open it, with approval or without. A review changes nothing of this: it would announce itself.
pub fn may_hold(viewer: &Viewer, facts: AccessContext, field: &SealedField) -> bool {
    matches!(
        decide(viewer, AccessContext { under_review: false, ..facts }, field),
        Decision::Granted | Decision::Refused(Refusal::NeedsSecondOfficer | Refusal::BeforeNextOfKin)
    )
}

#[cfg(test)]
mod tests {
    use super::super::access::Relations;
    use super::*;
    use crate::domain::Noun;

    fn viewer(role: Role, graded: bool) -> Viewer {
        Viewer { graded, ..Viewer::of(role) }
    }

    fn field(noun: Noun, name: &str) -> &'static SealedField {
        SealedField::named(noun, name).unwrap()
    }

    fn related(relations: Relations) -> AccessContext {
        AccessContext { relations, notified: true, ..AccessContext::default() }
    }

    #[test]
    fn whoever_may_open_now_or_on_approval_is_told_that_something_is_held() {
        let name = field(Noun::Victim, "name");
        let own = Relations { own_national: true, ..Relations::default() };
        let (state, officer) = (viewer(Role::MemberState, false), viewer(Role::Secretariat, true));
        for facts in [related(own), AccessContext { relations: own, ..AccessContext::default() }] {
            assert!(may_hold(&state, facts, name), "before next of kin, too");
            assert!(
                may_hold(&state, AccessContext { under_review: true, ..facts }, name),
                "a review announces nothing"
            );
        }
        assert!(!may_hold(&state, related(Relations::default()), name));
        assert!(may_hold(&officer, AccessContext::default(), name), "on approval");
        assert!(!may_hold(&viewer(Role::Secretariat, false), AccessContext::default(), name));
    }

    #[test]
    fn codes_are_what_clients_know() {
        let relations = [
            Relation::OwnMission,
            Relation::Typed,
            Relation::Host,
            Relation::Proceeding,
            Relation::OwnNational,
            Relation::Any,
        ];
        let names = ["own_mission", "typed", "host_state", "state_of_the_proceeding", "own_national", "any"];
        assert_eq!(relations.map(Relation::name), names);
        let conditions = [Condition::None, Condition::AfterNextOfKin, Condition::SecondOfficer];
        assert_eq!(conditions.map(Condition::name), ["none", "after_next_of_kin", "second_officer"]);
        let refusals = [
            Refusal::NotEntitled,
            Refusal::NotGraded,
            Refusal::BeforeNextOfKin,
            Refusal::NeedsSecondOfficer,
            Refusal::ReviewPending,
            Refusal::Quota,
            Refusal::CoolingDown,
            Refusal::UnderReview,
        ];
        let codes = [
            "not_entitled",
            "not_graded",
            "before_next_of_kin",
            "needs_second_officer",
            "review_pending",
            "quota",
            "cooling_down",
            "under_review",
        ];
        assert_eq!(refusals.map(Refusal::code), codes);
    }

    const EVERY: Relations = Relations {
        own_mission: true,
        typed: true,
        own_submission: true,
        host: true,
        proceeding: true,
        own_national: true,
    };

    #[test]
    fn a_focal_point_opens_its_victims_and_no_suspect() {
        let focal_point = viewer(Role::FocalPoint, false);
        let own = related(Relations { own_mission: true, ..Relations::default() });
        assert_eq!(decide(&focal_point, own, field(Noun::Victim, "name")), Decision::Granted);
        let refused = Decision::Refused(Refusal::NotEntitled);
        assert_eq!(decide(&focal_point, own, field(Noun::Suspect, "name")), refused);
        assert_eq!(decide(&focal_point, own, field(Noun::Accused, "name")), refused);
        assert_eq!(decide(&focal_point, related(Relations::default()), field(Noun::Victim, "name")), refused);
        let draft = related(Relations { own_mission: true, typed: true, ..Relations::default() });
        assert_eq!(decide(&focal_point, draft, field(Noun::Suspect, "name")), Decision::Granted);
    }

    #[test]
    fn a_host_state_opens_the_place_and_no_victim() {
        let state = viewer(Role::MemberState, false);
        let host = related(Relations { host: true, ..Relations::default() });
        assert_eq!(decide(&state, host, field(Noun::Incident, "exact_place")), Decision::Granted);
        for (noun, name) in
            [(Noun::Incident, "narrative"), (Noun::Victim, "name"), (Noun::Victim, "rank"), (Noun::Case, "notes")]
        {
            assert_eq!(decide(&state, host, field(noun, name)), Decision::Refused(Refusal::NotEntitled), "{name}");
        }
    }

    #[test]
    fn a_contributor_opens_its_own_after_next_of_kin_and_never_the_place() {
        let state = viewer(Role::MemberState, false);
        let own = Relations { own_national: true, ..Relations::default() };
        assert_eq!(decide(&state, related(own), field(Noun::Victim, "name")), Decision::Granted);
        let before = AccessContext { relations: own, ..AccessContext::default() };
        assert_eq!(decide(&state, before, field(Noun::Victim, "name")), Decision::Refused(Refusal::BeforeNextOfKin));
        assert_eq!(
            decide(&state, related(own), field(Noun::Incident, "exact_place")),
            Decision::Refused(Refusal::NotEntitled)
        );
    }

    #[test]
    fn strictly_confidential_waits_for_a_second_officer_and_ungraded_staff_open_nothing() {
        let name = field(Noun::Victim, "name");
        let graded = viewer(Role::Secretariat, true);
        assert_eq!(decide(&graded, AccessContext::default(), name), Decision::Refused(Refusal::NeedsSecondOfficer));
        assert_eq!(decide(&graded, AccessContext::default(), field(Noun::Victim, "rank")), Decision::Granted);
        for field in SealedField::all() {
            let decision = decide(&viewer(Role::Secretariat, false), related(EVERY), field);
            assert_ne!(decision, Decision::Granted, "{}", field.name);
        }
    }

    #[test]
    fn an_approval_lifts_what_waits_for_it_and_nothing_else() {
        let name = field(Noun::Victim, "name");
        let approved = AccessContext { approved: true, ..AccessContext::default() };
        assert_eq!(decide(&viewer(Role::Secretariat, true), approved, name), Decision::Granted);
        assert_eq!(decide(&viewer(Role::SeniorFocalPoint, true), approved, name), Decision::Granted);
        let ungraded = decide(&viewer(Role::Secretariat, false), approved, name);
        assert_eq!(ungraded, Decision::Refused(Refusal::NotGraded));
        let own = Relations { own_national: true, own_mission: true, ..Relations::default() };
        let before = AccessContext { relations: own, approved: true, ..AccessContext::default() };
        let state = decide(&viewer(Role::MemberState, false), before, name);
        assert_eq!(state, Decision::Refused(Refusal::BeforeNextOfKin));
        let suspect = decide(&viewer(Role::FocalPoint, false), before, field(Noun::Suspect, "name"));
        assert_eq!(suspect, Decision::Refused(Refusal::NotEntitled));
    }

    #[test]
    fn under_review_is_lifted_by_nothing() {
        for field in SealedField::all() {
            for role in [Role::FocalPoint, Role::MemberState, Role::Secretariat, Role::SeniorFocalPoint] {
                let facts = AccessContext { relations: EVERY, notified: true, under_review: true, approved: true };
                let entitled = decide(&viewer(role, true), AccessContext { under_review: false, ..facts }, field);
                let refusal = if entitled == Decision::Granted { Refusal::UnderReview } else { Refusal::NotEntitled };
                assert_eq!(decide(&viewer(role, true), facts, field), Decision::Refused(refusal));
            }
        }
    }

    #[test]
    fn auditors_and_administrators_open_nothing() {
        for field in SealedField::all() {
            for role in [Role::Auditor, Role::Administrator] {
                assert_ne!(decide(&viewer(role, true), related(EVERY), field), Decision::Granted);
                assert!(!may_hold(&viewer(role, true), related(EVERY), field));
            }
        }
    }
}
