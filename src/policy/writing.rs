//! Who may do what. Whether the record is within scope was judged before, by the store.

use super::Viewer;
use crate::domain::Role;

/// A deed that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed<'a> {
    /// Report or amend facts of this mission: incidents, victims, suspects, cases, proceedings, steps.
    Report {
        /// The mission.
        mission: &'a str,
    },
    /// Record proceedings or assistance that belong to no single mission.
    Record,
    /// Propose a step in a proceeding of this State.
    Propose {
        /// The State of the proceeding.
        state: &'a str,
    },
    /// Verify, release, accept or return, withhold from a State, merge or split.
    Decide,
    /// Bring in a file of the United Nations' public data.
    Import,
    /// Read the audit log.
    Audit,
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
        Deed::Record if viewer.role == Role::FocalPoint => Ok(()),
        Deed::Propose { state } if viewer.role == Role::MemberState => {
            if viewer.state.as_deref() == Some(state) {
                Ok(())
            } else {
                Err(Denial::NotYours)
            }
        }
        Deed::Audit if viewer.role == Role::Auditor => Ok(()),
        Deed::Report { .. } | Deed::Record | Deed::Decide | Deed::Import if secretariat => Ok(()),
        Deed::Report { .. } | Deed::Record | Deed::Propose { .. } | Deed::Decide | Deed::Import | Deed::Audit => {
            Err(Denial::Role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(role: Role) -> Viewer {
        Viewer { account: [0; 16], role, missions: vec!["MINUSMA".into()], state: Some("MLI".into()), graded: true }
    }

    #[test]
    fn a_focal_point_reports_for_its_own_mission_only() {
        let focal_point = viewer(Role::FocalPoint);
        assert_eq!(may(&focal_point, Deed::Report { mission: "MINUSMA" }), Ok(()));
        assert_eq!(may(&focal_point, Deed::Report { mission: "UNIFIL" }), Err(Denial::NotYours));
        assert_eq!(may(&focal_point, Deed::Decide), Err(Denial::Role));
    }

    #[test]
    fn a_state_proposes_in_its_own_proceedings_and_nothing_else() {
        let state = viewer(Role::MemberState);
        assert_eq!(may(&state, Deed::Propose { state: "MLI" }), Ok(()));
        assert_eq!(may(&state, Deed::Propose { state: "TCD" }), Err(Denial::NotYours));
        for deed in [Deed::Report { mission: "MINUSMA" }, Deed::Record, Deed::Decide, Deed::Import, Deed::Audit] {
            assert_eq!(may(&state, deed), Err(Denial::Role));
        }
    }

    #[test]
    fn auditors_read_the_log_and_administrators_touch_no_content() {
        assert_eq!(may(&viewer(Role::Auditor), Deed::Audit), Ok(()));
        for role in [Role::Auditor, Role::Administrator] {
            for deed in [
                Deed::Report { mission: "MINUSMA" },
                Deed::Record,
                Deed::Decide,
                Deed::Import,
                Deed::Propose { state: "MLI" },
            ] {
                assert_eq!(may(&viewer(role), deed), Err(Denial::Role));
            }
        }
    }
}
