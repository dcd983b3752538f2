//! Who may do what. Whether the record is within scope was judged before, by the store.

use super::Viewer;
use crate::domain::{Role, StateFunction, SubmissionStatus};

/// A deed that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed<'a> {
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
    #[error("your role may not do this")]
    Role,
    /// The role may, but for its own mission or State only.
    #[error("this is for the record's own mission or State")]
    NotYours,
    /// The same person made the step before.
    #[error("this takes another person than the one who made the step before")]
    SamePerson,
    /// The viewer's second factor or password was reset in the last 72 hours.
    #[error("your second factor or password was reset: you agree to nothing for 72 hours")]
    CoolingDown,
    /// It is for the State itself.
    #[error("only the State's manager makes keys for the State's systems, because a key reads what the State sees")]
    StatesOwn,
    /// It is about the viewer.
    #[error("You cannot change your own permissions.")]
    Oneself,
}

/// Whether there is any deed that this viewer may do. Whoever may do none reads what a standby has.
pub fn may_write(viewer: &Viewer) -> bool {
    match viewer.role {
        Role::FocalPoint | Role::MemberState | Role::Secretariat | Role::SeniorFocalPoint | Role::Administrator => true,
        Role::Auditor => false,
    }
}

/// Judges a deed.
///
/// # Errors
/// The reason for which it is denied.
pub fn may(viewer: &Viewer, deed: Deed<'_>) -> Result<(), Denial> {
    let secretariat = viewer.is_secretariat();
    match deed {
        Deed::Report { mission } if viewer.role == Role::FocalPoint => {
            if viewer.missions.iter().any(|own| own == mission) { Ok(()) } else { Err(Denial::NotYours) }
        }
        Deed::Prosecute { .. } if viewer.role == Role::FocalPoint => Ok(()),
        Deed::Work { missions } if viewer.role == Role::FocalPoint => {
            if missions.iter().any(|mission| viewer.missions.contains(mission)) {
                Ok(())
            } else {
                Err(Denial::NotYours)
            }
        }
        Deed::Submit { .. } if viewer.role == Role::FocalPoint => Ok(()),
        Deed::Correct { state, undecided: true } => may(viewer, Deed::Submit { state }),
        Deed::Correct { undecided: false, .. } => may(viewer, Deed::Decide),
        Deed::Prosecute { state } | Deed::Propose { state } | Deed::Submit { state }
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
        Deed::ConfirmRestoration if viewer.role == Role::Administrator && !viewer.is_operator() => Ok(()),
        Deed::Audit if viewer.role == Role::Auditor => Ok(()),
        Deed::Administer if viewer.role == Role::Administrator => Ok(()),
        Deed::SeeAccounts { state: Some(state) } if viewer.state_function == Some(StateFunction::Manager) => {
            if viewer.state.as_deref() == Some(state) { Ok(()) } else { Err(Denial::NotYours) }
        }
        Deed::SeeAccounts { .. } => may(viewer, Deed::Administer),
        Deed::EndSession { of } if of == viewer.account => Ok(()),
        Deed::EndSession { .. } => may(viewer, Deed::Administer),
        Deed::Report { .. }
        | Deed::Prosecute { .. }
        | Deed::Work { .. }
        | Deed::Submit { .. }
        | Deed::Decide
        | Deed::JudgeDuplicates
        | Deed::Erase
        | Deed::ConfirmRestoration
        | Deed::Import
            if secretariat =>
        {
            Ok(())
        }
        Deed::Report { .. }
        | Deed::Prosecute { .. }
        | Deed::Propose { .. }
        | Deed::Work { .. }
        | Deed::Submit { .. }
        | Deed::Decide
        | Deed::JudgeDuplicates
        | Deed::Erase
        | Deed::ConfirmRestoration
        | Deed::Import
        | Deed::Audit
        | Deed::Administer => Err(Denial::Role),
    }
}

/// Judges what becomes of a proposal: another officer accepts or returns it; whoever submitted it, or a proposer of the State that did, withdraws
/// it.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_settle(viewer: &Viewer, by: [u8; 16], of_state: Option<&str>, to: SubmissionStatus) -> Result<(), Denial> {
    if to != SubmissionStatus::Withdrawn {
        may(viewer, Deed::Decide)?;
        return if by == viewer.account { Err(Denial::SamePerson) } else { Ok(()) };
    }
    match of_state {
        _ if by == viewer.account => Ok(()),
        Some(state) if viewer.state.as_deref() == Some(state) => may(viewer, Deed::Submit { state }),
        _ => Err(Denial::NotYours),
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
        assert_eq!(may(&focal_point, Deed::Report { mission: "MINUSMA" }), Ok(()));
        assert_eq!(may(&focal_point, Deed::Report { mission: "UNIFIL" }), Err(Denial::NotYours));
        assert_eq!(may(&focal_point, Deed::Decide), Err(Denial::Role));
    }

    #[test]
    fn a_focal_point_records_what_belongs_to_no_mission_and_what_a_state_did() {
        let focal_point = viewer(Role::FocalPoint);
        for deed in [Deed::Prosecute { state: "TCD" }, Deed::Submit { state: "TCD" }] {
            assert_eq!(may(&focal_point, deed), Ok(()));
            assert_eq!(may(&viewer(Role::Secretariat), deed), Ok(()));
            assert_eq!(may(&viewer(Role::Auditor), deed), Err(Denial::Role));
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
        assert_eq!(may(&state, Deed::Propose { state: "MLI" }), Ok(()));
        assert_eq!(may(&state, Deed::Propose { state: "TCD" }), Err(Denial::NotYours));
        assert_eq!(may(&state, Deed::Prosecute { state: "MLI" }), Ok(()));
        assert_eq!(may(&state, Deed::Prosecute { state: "TCD" }), Err(Denial::NotYours));
        for deed in [Deed::Report { mission: "MINUSMA" }, Deed::Decide, Deed::Import, Deed::Audit] {
            assert_eq!(may(&state, deed), Err(Denial::Role));
        }
    }

    #[test]
    fn of_a_states_people_proposers_alone_propose() {
        for function in [StateFunction::Reader, StateFunction::Manager] {
            let reader = Viewer { state_function: Some(function), ..viewer(Role::MemberState) };
            for deed in [Deed::Propose { state: "MLI" }, Deed::Submit { state: "MLI" }] {
                assert_eq!(may(&reader, deed), Err(Denial::Role));
            }
        }
    }

    #[test]
    fn accounts_are_seen_by_administrators_and_by_their_own_states_manager() {
        let manager = Viewer { state_function: Some(StateFunction::Manager), ..viewer(Role::MemberState) };
        assert_eq!(may(&manager, Deed::SeeAccounts { state: Some("MLI") }), Ok(()));
        assert_eq!(may(&manager, Deed::SeeAccounts { state: Some("TCD") }), Err(Denial::NotYours));
        assert_eq!(may(&manager, Deed::SeeAccounts { state: None }), Err(Denial::Role));
        let proposer = viewer(Role::MemberState);
        assert_eq!(may(&proposer, Deed::SeeAccounts { state: Some("MLI") }), Err(Denial::Role));
        assert_eq!(may(&viewer(Role::Administrator), Deed::SeeAccounts { state: None }), Ok(()));
        assert_eq!(may(&viewer(Role::Auditor), Deed::SeeAccounts { state: None }), Err(Denial::Role));
    }

    #[test]
    fn a_measure_is_its_states_to_correct_until_it_is_decided() {
        let (state, officer) = (viewer(Role::MemberState), viewer(Role::Secretariat));
        let correct = |viewer: &Viewer, state, undecided| may(viewer, Deed::Correct { state, undecided });
        assert_eq!(correct(&state, "MLI", true), Ok(()));
        assert_eq!(correct(&state, "TCD", true), Err(Denial::NotYours));
        assert_eq!(correct(&state, "MLI", false), Err(Denial::Role));
        assert_eq!(correct(&officer, "MLI", false), Ok(()));
        assert_eq!(may(&viewer(Role::Auditor), Deed::Submit { state: "MLI" }), Err(Denial::Role));
    }

    #[test]
    fn a_proceeding_is_worked_on_by_a_mission_whose_case_it_serves() {
        let missions = ["MINUSMA".to_owned(), "UNIFIL".to_owned()];
        assert_eq!(may(&viewer(Role::FocalPoint), Deed::Work { missions: &missions }), Ok(()));
        assert_eq!(may(&viewer(Role::FocalPoint), Deed::Work { missions: &missions[1..] }), Err(Denial::NotYours));
        assert_eq!(may(&viewer(Role::Secretariat), Deed::Work { missions: &[] }), Ok(()));
        assert_eq!(may(&viewer(Role::MemberState), Deed::Work { missions: &missions }), Err(Denial::Role));
    }

    #[test]
    fn officers_ask_for_erasures_and_a_restoration_is_confirmed_by_officers_and_administrators() {
        for role in Role::VARIANTS {
            let officer = matches!(role, Role::Secretariat | Role::SeniorFocalPoint);
            assert_eq!(may(&viewer(*role), Deed::Erase).is_ok(), officer, "{role:?}");
            let confirms = officer || *role == Role::Administrator;
            assert_eq!(
                may(&Viewer { account: [1; 16], ..viewer(*role) }, Deed::ConfirmRestoration).is_ok(),
                confirms,
                "{role:?}"
            );
        }
        assert_eq!(
            may(&Viewer::operator(), Deed::ConfirmRestoration),
            Err(Denial::Role),
            "who restored does not confirm"
        );
    }

    #[test]
    fn a_session_is_ended_by_its_own_account_and_by_an_administrator() {
        let other = [9; 16];
        for role in [Role::FocalPoint, Role::MemberState, Role::Secretariat, Role::SeniorFocalPoint, Role::Auditor] {
            let own = viewer(role);
            assert_eq!(may(&own, Deed::EndSession { of: own.account }), Ok(()));
            assert_eq!(may(&own, Deed::EndSession { of: other }), Err(Denial::Role));
            assert_eq!(may(&own, Deed::Administer), Err(Denial::Role));
        }
        assert_eq!(may(&viewer(Role::Administrator), Deed::EndSession { of: other }), Ok(()));
    }

    #[test]
    fn auditors_read_the_log_and_administrators_touch_no_content() {
        assert_eq!(may(&viewer(Role::Auditor), Deed::Audit), Ok(()));
        for role in [Role::Auditor, Role::Administrator] {
            for deed in [
                Deed::Report { mission: "MINUSMA" },
                Deed::Prosecute { state: "MLI" },
                Deed::Decide,
                Deed::Import,
                Deed::Propose { state: "MLI" },
            ] {
                assert_eq!(may(&viewer(role), deed), Err(Denial::Role));
            }
        }
    }
}
