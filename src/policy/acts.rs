//! Which acts take more than one person: who begins, who agrees, who may stand in. The table that `GET /v1/policy` shows; a test finds every
//! route of the API in it, or among what one person does.

use super::Viewer;
use super::modes::is_officer;
use strum::VariantArray as _;

use crate::domain::{Noun, Proposal, Role, StateFunction};

/// Somebody's part in an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A mission's focal point, substitute or custodian.
    Mission,
    /// A person of the Secretariat.
    Secretariat,
    /// A person of the Secretariat who is graded for disclosure, or the senior focal point.
    GradedOfficer,
    /// Whoever proposes for the State that the record belongs to.
    State,
    /// A State's manager, for its own State.
    StateManager,
    /// An administrator.
    Administrator,
    /// Whoever holds the machine, by a command.
    Operator,
}

impl Party {
    /// Its name at `GET /v1/policy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mission => "mission",
            Self::Secretariat => "secretariat",
            Self::GradedOfficer => "graded_officer",
            Self::State => "state",
            Self::StateManager => "state_manager",
            Self::Administrator => "administrator",
            Self::Operator => "operator",
        }
    }

    /// Whether a viewer may take this part in some act.
    pub fn has(self, viewer: &Viewer) -> bool {
        match self {
            Self::Mission => viewer.role == Role::FocalPoint,
            Self::Secretariat => viewer.is_secretariat(),
            Self::GradedOfficer => is_officer(viewer),
            Self::State => viewer.state_function == Some(StateFunction::Proposer),
            Self::StateManager => viewer.state_function == Some(StateFunction::Manager),
            Self::Administrator => viewer.role == Role::Administrator && !viewer.is_operator(),
            Self::Operator => viewer.is_operator(),
        }
    }
}

/// An act of several people.
#[derive(Debug, Clone, Copy)]
pub struct ActRule {
    /// Its code.
    pub act: &'static str,
    /// Who begins it.
    pub begins: &'static [Party],
    /// Who agrees. It is not the person who began.
    pub agrees: &'static [Party],
    /// How many people it takes in all.
    pub persons: u8,
    /// Whether the person who agrees gives a fresh code of the second factor.
    pub code: bool,
}

impl ActRule {
    /// Who may stand in for whoever agrees: the senior focal point, for any officer.
    pub fn stands_in(&self) -> Option<Role> {
        let by_officer = self.agrees.iter().any(|party| matches!(party, Party::Secretariat | Party::GradedOfficer));
        by_officer.then_some(Role::SeniorFocalPoint)
    }
}

const fn act(
    act: &'static str,
    begins: &'static [Party],
    agrees: &'static [Party],
    persons: u8,
    code: bool,
) -> ActRule {
    ActRule { act, begins, agrees, persons, code }
}

use Party::{Administrator, GradedOfficer, Mission, Operator, Secretariat, State, StateManager};

/// Every act of several people: those of the table, and the proposals of nouns.
pub fn acts() -> impl Iterator<Item = ActRule> {
    let proposed = Noun::VARIANTS.iter().filter_map(|noun| noun.spec().proposed);
    let begins = |by_all| -> &'static [Party] { if by_all { &[Mission, Secretariat, State] } else { &[State] } };
    let of = move |proposal: Proposal| act(proposal.act, begins(proposal.by_all), &[Secretariat], 2, false);
    TABLE.iter().copied().chain(proposed.map(of))
}

const TABLE: &[ActRule] = &[
    act("release_incident", &[Mission, Secretariat], &[Secretariat], 3, false),
    act("record_proceeding", &[Mission, Secretariat, State], &[Secretariat], 2, false),
    act("withdraw_incident", &[Secretariat], &[Secretariat], 2, false),
    act("withdraw_proceeding", &[Secretariat], &[Secretariat], 2, false),
    act("add_accused", &[Mission, Secretariat, State], &[Secretariat], 2, false),
    act("withdraw_accused", &[Mission, Secretariat, State], &[Secretariat], 2, false),
    act("add_incident_to_case", &[Mission, Secretariat], &[Secretariat], 2, false),
    act("withdraw_incident_from_case", &[Mission, Secretariat], &[Secretariat], 2, false),
    act("propose_step", &[State], &[Secretariat], 2, false),
    act("record_outcome", &[Mission, Secretariat, State], &[Secretariat], 2, false),
    act("withdraw_outcome", &[Mission, Secretariat, State], &[Secretariat], 2, false),
    act("withdraw_measure", &[Secretariat, State], &[Secretariat], 2, false),
    act("withhold_from_state", &[Secretariat], &[Secretariat], 2, true),
    act("open_strictly_confidential", &[GradedOfficer], &[GradedOfficer], 2, true),
    act("open_in_emergency", &[GradedOfficer], &[GradedOfficer], 2, true),
    act("give_rights", &[Administrator, StateManager], &[Administrator], 2, true),
    act("reset_second_factor", &[Administrator, StateManager], &[Administrator], 2, true),
    act("erase_person", &[Secretariat], &[Secretariat], 2, true),
    act("publish_tables", &[Secretariat], &[Secretariat], 2, true),
    act("confirm_restoration", &[Operator], &[Secretariat, Administrator], 3, true),
];

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::super::{Action, authorize, may_decide_change, may_judge_opening};
    use super::*;

    #[test]
    fn whoever_agrees_by_the_table_may_and_nobody_else() {
        let now = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let rule = |code: &str| acts().find(|rule| rule.act == code).unwrap();
        for role in Role::VARIANTS {
            for graded in [false, true] {
                for function in [None, Some(StateFunction::Proposer), Some(StateFunction::Manager)] {
                    let function = function.filter(|_| *role == Role::MemberState);
                    let viewer = Viewer {
                        account: [1; 16],
                        graded,
                        state: function.map(|_| "MLI".to_owned()),
                        state_function: function,
                        ..Viewer::of(*role)
                    };
                    let by_table = |code: &str| rule(code).agrees.iter().any(|party| party.has(&viewer));
                    let action = |action| authorize(&viewer, action).is_ok();
                    for (code, allowed) in [
                        ("record_proceeding", action(Action::Decide)),
                        ("withhold_from_state", action(Action::Decide)),
                        ("publish_tables", action(Action::Decide)),
                        ("erase_person", action(Action::Erase)),
                        ("confirm_restoration", action(Action::ConfirmRestoration)),
                        ("open_strictly_confidential", may_judge_opening(&viewer, now, [2; 16]).is_ok()),
                        ("give_rights", may_decide_change(&viewer, now, [2; 16], [3; 16]).is_ok()),
                    ] {
                        assert_eq!(by_table(code), allowed, "{code}: {viewer:?}");
                    }
                    let begins = |code: &str| rule(code).begins.iter().any(|party| party.has(&viewer));
                    assert_eq!(begins("record_proceeding"), action(Action::Prosecute { state: "MLI" }), "{viewer:?}");
                }
            }
        }
    }

    #[test]
    fn every_act_takes_at_least_two() {
        for rule in acts() {
            assert!(rule.persons >= 2 && !rule.begins.is_empty() && !rule.agrees.is_empty(), "{rule:?}");
        }
    }
}
