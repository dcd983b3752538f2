//! Who may see and do what: pure functions over facts, and the tables that they read. Saying nothing means refuse.

pub mod columns;
mod disclosure;
mod writing;

pub use disclosure::{Condition, Decision, Facts, RULES, Refusal, Relation, Relations, Rule, decide, may_hold};
pub use writing::{Deed, Denial, may, may_write};

use crate::domain::Role;

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
    /// Whether the Secretariat graded this account for disclosure.
    pub graded: bool,
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
    /// A reader of that State, as `?as=` shows the Secretariat what the State is shown.
    pub fn of_state(state: &str) -> Self {
        Self {
            account: [0; 16],
            role: Role::MemberState,
            missions: Vec::new(),
            state: Some(state.into()),
            graded: false,
        }
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
}
