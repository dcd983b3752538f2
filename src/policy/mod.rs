//! Who may see and do what: pure functions over facts, and the tables that they read. Saying nothing means refuse.

mod access;
mod accounts;
mod acts;
mod disclosure;
mod modes;
pub mod suppression;
mod writing;

pub use access::{AccessContext, Relation, Relations, Target, access, shows};
pub use accounts::{
    AgreementNeeded, COOL_DOWN, REVIEW_EVERY, bars, may_change, may_decide_change, may_make_key, may_manage,
};
pub use acts::{ActRule, Party, acts};
pub use disclosure::{Condition, Decision, RULES, Refusal, Rule, decide, may_hold};
pub use modes::{
    APPROVAL_LASTS, APPROVAL_WAITS, MATCHES, MODES, MatchRule, ModeRule, REVIEW_WITHIN, UNUSUAL, is_officer,
    is_on_desk, is_told_names, may_agree_to_openings, may_begin, may_judge_opening, may_match, may_open_edition,
    may_see_alerts, mode_rule,
};
pub use writing::{Action, Denial, Ending, authorize, may_end, may_settle, may_write};

use chrono::NaiveDateTime;

use crate::domain::{Role, StateFunction};

/// Whoever asks: an account with its role and scope, as it stood when the request began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Internal id of the account.
    pub account: [u8; 16],
    /// Its role.
    pub role: Role,
    /// The missions of a focal point, substitute or custodian.
    pub missions: Vec<String>,
    /// The State of a `member_state`.
    pub state: Option<String>,
    /// What a `member_state` does for its State.
    pub state_function: Option<StateFunction>,
    /// Whether it is a State's own system rather than a person.
    pub machine: bool,
    /// Whether the Secretariat graded this account for disclosure.
    pub graded: bool,
    /// Until then it opens no seals (UTC): its second factor was reset.
    pub opens_from: Option<NaiveDateTime>,
}

/// Which records a viewer may know of. Every read takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them: Secretariat and senior focal point.
    Everything,
    /// Those of these missions, working editions too.
    Missions(Vec<String>),
    /// Those that concern this State, as released.
    State(String),
    /// No case content: auditors and administrators.
    Nothing,
}

impl Viewer {
    /// Nobody in particular, with a role.
    pub fn of(role: Role) -> Self {
        Self {
            account: [0; 16],
            role,
            missions: Vec::new(),
            state: None,
            state_function: None,
            machine: false,
            graded: false,
            opens_from: None,
        }
    }

    /// A reader of that State, as `?as=` shows the Secretariat what the State is shown.
    pub fn of_state(state: &str) -> Self {
        Self { state: Some(state.into()), state_function: Some(StateFunction::Reader), ..Self::of(Role::MemberState) }
    }

    /// Whoever holds the machine: what commands do that nobody is named for, such as the first accounts, is in its name.
    pub fn operator() -> Self {
        Self::of(Role::Administrator)
    }

    /// Whether this is whoever holds the machine.
    pub fn is_operator(&self) -> bool {
        self.account == [0; 16] && self.role == Role::Administrator
    }

    /// The viewer's scope.
    pub fn scope(&self) -> Scope {
        match (self.role, &self.state) {
            (Role::Secretariat | Role::SeniorFocalPoint, _) => Scope::Everything,
            (Role::FocalPoint, _) => Scope::Missions(self.missions.clone()),
            (Role::MemberState, Some(state)) => Scope::State(state.clone()),
            (Role::MemberState, None) | (Role::Auditor | Role::Administrator, _) => Scope::Nothing,
        }
    }

    /// Whether the viewer works inside the United Nations on case content: sees working editions, holds, notification
    /// dates and `withheld_from`.
    pub fn is_inside(&self) -> bool {
        matches!(self.role, Role::FocalPoint | Role::Secretariat | Role::SeniorFocalPoint)
    }

    /// Whether the viewer is of the Secretariat.
    pub fn is_secretariat(&self) -> bool {
        matches!(self.role, Role::Secretariat | Role::SeniorFocalPoint)
    }
}

impl Scope {
    /// Whether readers of this scope see working editions, and facts that are for mission and Secretariat only.
    pub fn is_inside(&self) -> bool {
        matches!(self, Scope::Everything | Scope::Missions(_))
    }

    /// The State whose scope this is, if one's.
    pub fn state(&self) -> Option<&str> {
        match self {
            Scope::State(state) => Some(state),
            Scope::Everything | Scope::Missions(_) | Scope::Nothing => None,
        }
    }

    /// Whether everything of a mission is within this scope, working editions too. A State's is by record, and by no mission.
    pub fn has_mission(&self, mission: &str) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Missions(missions) => missions.iter().any(|own| own == mission),
            Scope::State(_) | Scope::Nothing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_mission_is_within_its_own_scope_and_within_everything() {
        let scopes = [
            Scope::Everything,
            Scope::Missions(vec!["UNIFIL".into(), "MINUSMA".into()]),
            Scope::Missions(vec!["UNIFIL".into()]),
            Scope::State("MLI".into()),
            Scope::Nothing,
        ];
        assert_eq!(scopes.map(|scope| scope.has_mission("MINUSMA")), [true, true, false, false, false]);
    }

    #[test]
    fn each_roles_scope_is_what_it_answers_for() {
        let viewer = |role| Viewer { missions: vec!["UNIFIL".into()], state: Some("MLI".into()), ..Viewer::of(role) };
        for role in Role::VARIANTS {
            let expected = match role {
                Role::Secretariat | Role::SeniorFocalPoint => Scope::Everything,
                Role::FocalPoint => Scope::Missions(vec!["UNIFIL".into()]),
                Role::MemberState => Scope::State("MLI".into()),
                Role::Auditor | Role::Administrator => Scope::Nothing,
            };
            assert_eq!(viewer(*role).scope(), expected, "{role:?}");
            let inside = matches!(role, Role::FocalPoint | Role::Secretariat | Role::SeniorFocalPoint);
            assert_eq!((viewer(*role).is_inside(), expected.is_inside()), (inside, inside), "{role:?}");
            let secretariat = matches!(role, Role::Secretariat | Role::SeniorFocalPoint);
            assert_eq!(viewer(*role).is_secretariat(), secretariat, "{role:?}");
        }
        assert_eq!(Viewer::of(Role::MemberState).scope(), Scope::Nothing, "of no State");
    }

    #[test]
    fn whom_the_secretariat_looks_through_is_a_reader_of_that_state() {
        let state = Viewer::of_state("MLI");
        assert_eq!((state.role, state.scope()), (Role::MemberState, Scope::State("MLI".into())));
        assert_eq!(state.state_function, Some(StateFunction::Reader));
    }

    #[test]
    fn the_operator_is_nobody_with_an_account() {
        assert!(Viewer::operator().is_operator());
        assert!(!Viewer { account: [1; 16], ..Viewer::operator() }.is_operator());
        assert!(!Viewer::of(Role::Auditor).is_operator());
    }
}
