//! Who may do what. Whether the record is within scope was judged before, by the store.

use super::Viewer;
use crate::domain::{Role, Ruling, StateFunction};

/// An action that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Report or amend facts of this mission: incidents, victims, suspects, cases, proceedings, steps.
    Report {
        /// The mission.
        mission: &'a str,
    },
    /// Record a proceeding of this State: mission, Secretariat, or the State itself. Another officer accepts it.
    Prosecute {
        /// The State of the proceeding.
        state: &'a str,
    },
    /// Propose a step in a proceeding of this State.
    Propose {
        /// The State of the proceeding.
        state: &'a str,
    },
    /// Work on a proceeding that serves cases of these missions.
    Work {
        /// The missions.
        missions: &'a [String],
    },
    /// Submit a measure of this State: the State proposes, mission and Secretariat record.
    Submit {
        /// The State.
        state: &'a str,
    },
    /// Correct a measure of this State: while it is a proposal as one submits it, once decided as one decides.
    Correct {
        /// The State.
        state: &'a str,
        /// Whether it is a proposal that is not decided yet.
        undecided: bool,
    },
    /// Verify, release, accept or return, withhold from a State, merge or split.
    Decide,
    /// See which records may be of one person, and decide it.
    JudgeDuplicates,
    /// Ask that a person be erased, or decide on it.
    Erase,
    /// Confirm what setting the database back undid.
    ConfirmRestoration,
    /// Bring in a file of the United Nations' public data.
    Import,
    /// Read the audit log.
    Audit,
    /// See anyone's sessions, all accounts, and decide on others' changes.
    Administer,
    /// See accounts, of this State or of all: administrators, and a State's own manager.
    SeeAccounts {
        /// The State; none for all.
        state: Option<&'a str>,
    },
    /// End a session of this account: one's own, or, as an administrator, anyone's.
    EndSession {
        /// Internal id of the account.
        of: [u8; 16],
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The role never may.
    #[error("Your role does not allow this.")]
    Role,
    /// The role may, but for its own mission or State only.
    #[error("Only the record's own mission or State may do this.")]
    NotYours,
    /// The same person made the step before.
    #[error("Another person must do this, because you did an earlier step.")]
    SamePerson,
    /// The viewer's second factor or password was reset in the last 72 hours.
    #[error("Your second factor or password was reset. For 72 hours you cannot approve anything.")]
    CoolingDown,
    /// It is for the State itself.
    #[error(
        "Only the State's manager can make keys for the State's systems, because a key can read everything that the State sees."
    )]
    StatesOwn,
    /// It is about the viewer.
    #[error("You cannot change your own permissions.")]
    Oneself,
}

/// Whether there is any action that this viewer may do. Whoever may do none reads what a standby has.
pub fn may_write(viewer: &Viewer) -> bool {
    match viewer.role {
        Role::FocalPoint | Role::MemberState | Role::Secretariat | Role::SeniorFocalPoint | Role::Administrator => true,
        Role::Auditor => false,
    }
}

/// Judges an action.
///
/// # Errors
/// The reason for which it is denied.
pub fn authorize(viewer: &Viewer, action: Action<'_>) -> Result<(), Denial> {
    let secretariat = viewer.is_secretariat();
    match action {
        Action::Report { mission } if viewer.role == Role::FocalPoint => {
            if viewer.missions.iter().any(|own| own == mission) { Ok(()) } else { Err(Denial::NotYours) }
        }
        Action::Prosecute { .. } if viewer.role == Role::FocalPoint => Ok(()),
        Action::Work { missions } if viewer.role == Role::FocalPoint => {
            if missions.iter().any(|mission| viewer.missions.contains(mission)) {
                Ok(())
            } else {
                Err(Denial::NotYours)
            }
        }
        Action::Submit { .. } if viewer.role == Role::FocalPoint => Ok(()),
        Action::Correct { state, undecided: true } => authorize(viewer, Action::Submit { state }),
        Action::Correct { undecided: false, .. } => authorize(viewer, Action::Decide),
        Action::Prosecute { state } | Action::Propose { state } | Action::Submit { state }
            if viewer.role == Role::MemberState =>
        {
            if viewer.state.as_deref() != Some(state) {
                Err(Denial::NotYours)
            } else if viewer.state_function == Some(StateFunction::Proposer) {
                Ok(())
            } else {
                Err(Denial::Role)
            }
        }
        Action::ConfirmRestoration if viewer.role == Role::Administrator && !viewer.is_operator() => Ok(()),
        Action::Audit if viewer.role == Role::Auditor => Ok(()),
        Action::Administer if viewer.role == Role::Administrator => Ok(()),
        Action::SeeAccounts { state: Some(state) } if viewer.state_function == Some(StateFunction::Manager) => {
            if viewer.state.as_deref() == Some(state) { Ok(()) } else { Err(Denial::NotYours) }
        }
        Action::SeeAccounts { .. } => authorize(viewer, Action::Administer),
        Action::EndSession { of } if of == viewer.account => Ok(()),
        Action::EndSession { .. } => authorize(viewer, Action::Administer),
        Action::Report { .. }
        | Action::Prosecute { .. }
        | Action::Work { .. }
        | Action::Submit { .. }
        | Action::Decide
        | Action::JudgeDuplicates
        | Action::Erase
        | Action::ConfirmRestoration
        | Action::Import
            if secretariat =>
        {
            Ok(())
        }
        Action::Report { .. }
        | Action::Prosecute { .. }
        | Action::Propose { .. }
        | Action::Work { .. }
        | Action::Submit { .. }
        | Action::Decide
        | Action::JudgeDuplicates
        | Action::Erase
        | Action::ConfirmRestoration
        | Action::Import
        | Action::Audit
        | Action::Administer => Err(Denial::Role),
    }
}

/// Judges what becomes of a proposal: another officer accepts or returns it; whoever submitted it, or a proposer of the State that did, withdraws
/// it.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_settle(viewer: &Viewer, by: [u8; 16], of_state: Option<&str>, to: Ruling) -> Result<(), Denial> {
    if to != Ruling::Withdrawn {
        authorize(viewer, Action::Decide)?;
        return if by == viewer.account { Err(Denial::SamePerson) } else { Ok(()) };
    }
    match of_state {
        _ if by == viewer.account => Ok(()),
        Some(state) if viewer.state.as_deref() == Some(state) => authorize(viewer, Action::Submit { state }),
        _ => Err(Denial::NotYours),
    }
}

/// What becomes of something that was accepted, and that somebody wants withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Somebody asks for it; another officer must agree.
    Asked,
    /// It is withdrawn.
    Withdrawn,
    /// It stands after all.
    Declined,
}

/// Judges a decision on something that was accepted; `None` where there is nothing to decide. An officer, a mission that works on it, or a proposer
/// of the State that submitted it, asks for its withdrawal; another officer agrees, or lets it stand. Where one person is enough, an officer or the
/// mission withdraws it at once.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_end(
    viewer: &Viewer,
    asked_by: Option<[u8; 16]>,
    missions: &[String],
    of_state: Option<&str>,
    takes_two: bool,
    to: Ruling,
) -> Result<Option<Ending>, Denial> {
    // A State is not told that somebody asks, so its own request is answered as if nobody did.
    let asked_by = asked_by.filter(|_| viewer.state.is_none());
    match (to, asked_by) {
        (Ruling::Withdrawn, None) => match authorize(viewer, Action::Work { missions }) {
            Ok(()) => Ok(Some(if takes_two { Ending::Asked } else { Ending::Withdrawn })),
            Err(denied) => {
                let own = of_state.filter(|state| viewer.state.as_deref() == Some(*state)).ok_or(denied)?;
                authorize(viewer, Action::Submit { state: own })?;
                Ok(Some(Ending::Asked))
            }
        },
        (Ruling::Withdrawn, Some(by)) => {
            authorize(viewer, Action::Decide)?;
            if by == viewer.account { Err(Denial::SamePerson) } else { Ok(Some(Ending::Withdrawn)) }
        }
        (Ruling::Accepted, Some(_)) => {
            authorize(viewer, Action::Decide)?;
            Ok(Some(Ending::Declined))
        }
        _ => {
            authorize(viewer, Action::Decide)?;
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    fn viewer(role: Role) -> Viewer {
        Viewer {
            missions: vec!["MINUSMA".into()],
            state: Some("MLI".into()),
            state_function: Some(StateFunction::Proposer),
            graded: true,
            ..Viewer::of(role)
        }
    }

    #[test]
    fn a_focal_point_reports_for_its_own_mission_only() {
        let focal_point = viewer(Role::FocalPoint);
        assert_eq!(authorize(&focal_point, Action::Report { mission: "MINUSMA" }), Ok(()));
        assert_eq!(authorize(&focal_point, Action::Report { mission: "UNIFIL" }), Err(Denial::NotYours));
        assert_eq!(authorize(&focal_point, Action::Decide), Err(Denial::Role));
    }

    #[test]
    fn a_focal_point_records_what_belongs_to_no_mission_and_what_a_state_did() {
        let focal_point = viewer(Role::FocalPoint);
        for action in [Action::Prosecute { state: "TCD" }, Action::Submit { state: "TCD" }] {
            assert_eq!(authorize(&focal_point, action), Ok(()));
            assert_eq!(authorize(&viewer(Role::Secretariat), action), Ok(()));
            assert_eq!(authorize(&viewer(Role::Auditor), action), Err(Denial::Role));
        }
    }

    #[test]
    fn auditors_alone_have_nothing_to_write() {
        for role in Role::VARIANTS {
            assert_eq!(may_write(&viewer(*role)), *role != Role::Auditor, "{role:?}");
        }
    }

    #[test]
    fn a_state_proposes_in_its_own_proceedings_and_nothing_else() {
        let state = viewer(Role::MemberState);
        assert_eq!(authorize(&state, Action::Propose { state: "MLI" }), Ok(()));
        assert_eq!(authorize(&state, Action::Propose { state: "TCD" }), Err(Denial::NotYours));
        assert_eq!(authorize(&state, Action::Prosecute { state: "MLI" }), Ok(()));
        assert_eq!(authorize(&state, Action::Prosecute { state: "TCD" }), Err(Denial::NotYours));
        for action in [Action::Report { mission: "MINUSMA" }, Action::Decide, Action::Import, Action::Audit] {
            assert_eq!(authorize(&state, action), Err(Denial::Role));
        }
    }

    #[test]
    fn of_a_states_people_proposers_alone_propose() {
        for function in [StateFunction::Reader, StateFunction::Manager] {
            let reader = Viewer { state_function: Some(function), ..viewer(Role::MemberState) };
            for action in [Action::Propose { state: "MLI" }, Action::Submit { state: "MLI" }] {
                assert_eq!(authorize(&reader, action), Err(Denial::Role));
            }
        }
    }

    #[test]
    fn accounts_are_seen_by_administrators_and_by_their_own_states_manager() {
        let manager = Viewer { state_function: Some(StateFunction::Manager), ..viewer(Role::MemberState) };
        assert_eq!(authorize(&manager, Action::SeeAccounts { state: Some("MLI") }), Ok(()));
        assert_eq!(authorize(&manager, Action::SeeAccounts { state: Some("TCD") }), Err(Denial::NotYours));
        assert_eq!(authorize(&manager, Action::SeeAccounts { state: None }), Err(Denial::Role));
        let proposer = viewer(Role::MemberState);
        assert_eq!(authorize(&proposer, Action::SeeAccounts { state: Some("MLI") }), Err(Denial::Role));
        assert_eq!(authorize(&viewer(Role::Administrator), Action::SeeAccounts { state: None }), Ok(()));
        assert_eq!(authorize(&viewer(Role::Auditor), Action::SeeAccounts { state: None }), Err(Denial::Role));
    }

    #[test]
    fn a_measure_is_its_states_to_correct_until_it_is_decided() {
        let (state, officer) = (viewer(Role::MemberState), viewer(Role::Secretariat));
        let correct = |viewer: &Viewer, state, undecided| authorize(viewer, Action::Correct { state, undecided });
        assert_eq!(correct(&state, "MLI", true), Ok(()));
        assert_eq!(correct(&state, "TCD", true), Err(Denial::NotYours));
        assert_eq!(correct(&state, "MLI", false), Err(Denial::Role));
        assert_eq!(correct(&officer, "MLI", false), Ok(()));
        assert_eq!(authorize(&viewer(Role::Auditor), Action::Submit { state: "MLI" }), Err(Denial::Role));
    }

    #[test]
    fn a_proceeding_is_worked_on_by_a_mission_whose_case_it_serves() {
        let missions = ["MINUSMA".to_owned(), "UNIFIL".to_owned()];
        assert_eq!(authorize(&viewer(Role::FocalPoint), Action::Work { missions: &missions }), Ok(()));
        assert_eq!(
            authorize(&viewer(Role::FocalPoint), Action::Work { missions: &missions[1..] }),
            Err(Denial::NotYours)
        );
        assert_eq!(authorize(&viewer(Role::Secretariat), Action::Work { missions: &[] }), Ok(()));
        assert_eq!(authorize(&viewer(Role::MemberState), Action::Work { missions: &missions }), Err(Denial::Role));
    }

    #[test]
    fn officers_ask_for_erasures_and_a_restoration_is_confirmed_by_officers_and_administrators() {
        for role in Role::VARIANTS {
            let officer = matches!(role, Role::Secretariat | Role::SeniorFocalPoint);
            assert_eq!(authorize(&viewer(*role), Action::Erase).is_ok(), officer, "{role:?}");
            let confirms = officer || *role == Role::Administrator;
            assert_eq!(
                authorize(&Viewer { account: [1; 16], ..viewer(*role) }, Action::ConfirmRestoration).is_ok(),
                confirms,
                "{role:?}"
            );
        }
        assert_eq!(
            authorize(&Viewer::operator(), Action::ConfirmRestoration),
            Err(Denial::Role),
            "who restored does not confirm"
        );
    }

    #[test]
    fn a_session_is_ended_by_its_own_account_and_by_an_administrator() {
        let other = [9; 16];
        for role in [Role::FocalPoint, Role::MemberState, Role::Secretariat, Role::SeniorFocalPoint, Role::Auditor] {
            let own = viewer(role);
            assert_eq!(authorize(&own, Action::EndSession { of: own.account }), Ok(()));
            assert_eq!(authorize(&own, Action::EndSession { of: other }), Err(Denial::Role));
            assert_eq!(authorize(&own, Action::Administer), Err(Denial::Role));
        }
        assert_eq!(authorize(&viewer(Role::Administrator), Action::EndSession { of: other }), Ok(()));
    }

    #[test]
    fn auditors_read_the_log_and_administrators_touch_no_content() {
        assert_eq!(authorize(&viewer(Role::Auditor), Action::Audit), Ok(()));
        for role in [Role::Auditor, Role::Administrator] {
            for action in [
                Action::Report { mission: "MINUSMA" },
                Action::Prosecute { state: "MLI" },
                Action::Decide,
                Action::Import,
                Action::Propose { state: "MLI" },
            ] {
                assert_eq!(authorize(&viewer(role), action), Err(Denial::Role));
            }
        }
    }
}
