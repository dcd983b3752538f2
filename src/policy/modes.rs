//! The modes in which seals are opened, each with its limits: one table.

use chrono::{NaiveDateTime, TimeDelta};
use seal::ClassCode::{self, Confidential, StrictlyConfidential};

use super::Viewer;
use super::accounts::{bars, is_cooling};
use super::disclosure::{RULES, Refusal};
use super::writing::Denial;
use crate::domain::{AlertKind, DisclosureMode, IncidentStatus, Noun, Role};

/// The limits of one mode.
#[derive(Debug, Clone, Copy)]
pub struct ModeRule {
    /// The mode.
    pub mode: DisclosureMode,
    /// Classes that it opens.
    pub classes: &'static [ClassCode],
    /// How long one lasts, where more than one record is opened in it.
    pub lasts: Option<TimeDelta>,
    /// Records that one opens, at most.
    pub records: Option<usize>,
    /// How many one account makes in a day (24 hours), at most.
    pub a_day: Option<i64>,
}

/// Each mode with its limits. Every one takes a fresh code of the second factor; within a sitting, the sitting does.
pub const MODES: &[ModeRule] = &[
    ModeRule {
        mode: DisclosureMode::Record,
        classes: &[Confidential, StrictlyConfidential],
        lasts: None,
        records: None,
        a_day: None,
    },
    ModeRule {
        mode: DisclosureMode::Sitting,
        classes: &[Confidential],
        lasts: Some(TimeDelta::hours(8)),
        records: None,
        a_day: None,
    },
    ModeRule {
        mode: DisclosureMode::File,
        classes: &[Confidential, StrictlyConfidential],
        lasts: None,
        records: Some(5_000),
        a_day: Some(10),
    },
    ModeRule {
        mode: DisclosureMode::Match,
        classes: &[StrictlyConfidential],
        lasts: None,
        records: None,
        a_day: Some(20),
    },
    ModeRule {
        mode: DisclosureMode::Edition,
        classes: &[Confidential, StrictlyConfidential],
        lasts: Some(TimeDelta::hours(8)),
        records: Some(1),
        a_day: None,
    },
];

/// Judges the opening of an edition that its mission's own desk works on: while it is in draft, submitted or returned; a first edition
/// after a factor was reset, too. Whoever wrote it this morning reads it again; what anybody else typed in strict confidence stays sealed.
///
/// # Errors
/// The reason for which it is refused.
pub fn may_open_edition(
    viewer: &Viewer,
    now: NaiveDateTime,
    mission: &str,
    (status, is_first): (IncidentStatus, bool),
) -> Result<(), Refusal> {
    let desk = viewer.role == Role::FocalPoint && !viewer.machine && viewer.missions.iter().any(|own| own == mission);
    if !desk || !is_on_desk(status) {
        Err(Refusal::NotEntitled)
    } else if !is_first && is_cooling(viewer, now) {
        // An amendment is begun by an edit, and holds all that was released.
        Err(Refusal::CoolingDown)
    } else {
        Ok(())
    }
}

/// Whether the mission's desk works on an edition in this status.
pub fn is_on_desk(status: IncidentStatus) -> bool {
    match status {
        IncidentStatus::Draft | IncidentStatus::Submitted | IncidentStatus::Returned => true,
        IncidentStatus::Verified | IncidentStatus::Released | IncidentStatus::Withdrawn => false,
    }
}

/// The limits of a mode.
pub fn mode_rule(mode: DisclosureMode) -> &'static ModeRule {
    MODES.iter().find(|rule| rule.mode == mode).unwrap_or(&MODES[0])
}

/// Whose names a role may look for, anywhere. What is alike within its scope it is told; the rest goes to the Secretariat.
#[derive(Debug, Clone, Copy)]
pub struct MatchRule {
    /// This role,
    pub role: Role,
    /// these persons.
    pub nouns: &'static [Noun],
}

/// Who may ask whether a person is already known. States do not: it would answer for persons who do not concern them.
pub const MATCHES: &[MatchRule] = &[
    MatchRule { role: Role::FocalPoint, nouns: &[Noun::Victim] },
    MatchRule { role: Role::Secretariat, nouns: &[Noun::Victim, Noun::Suspect, Noun::Accused] },
    MatchRule { role: Role::SeniorFocalPoint, nouns: &[Noun::Victim, Noun::Suspect, Noun::Accused] },
];

/// Judges a match. It gives out no sealed value, so that no second officer approves it; a quota holds it.
///
/// # Errors
/// The reason for which it is refused.
pub fn may_match(viewer: &Viewer, now: NaiveDateTime, noun: Noun) -> Result<(), Refusal> {
    may_begin(viewer, now)?;
    let is_ruled = MATCHES.iter().any(|rule| rule.role == viewer.role && rule.nouns.contains(&noun));
    if is_ruled { Ok(()) } else { Err(Refusal::NotEntitled) }
}

/// A second officer decides within this.
pub const APPROVAL_WAITS: TimeDelta = TimeDelta::hours(72);
/// What was approved may be opened for this long.
pub const APPROVAL_LASTS: TimeDelta = TimeDelta::hours(24);
/// A disclosure that nobody had approved is reviewed within this; until then its account makes no other of the kind.
pub const REVIEW_WITHIN: TimeDelta = TimeDelta::hours(72);

/// Volumes that are unusual for one account: so many records within so long.
pub const UNUSUAL: [(AlertKind, TimeDelta, i64); 2] =
    [(AlertKind::ManyInAnHour, TimeDelta::hours(1), 60), (AlertKind::ManyInADay, TimeDelta::hours(24), 300)];

/// What keeps a viewer from beginning to open seals at all, whatever the record: that they never open any, or what bars them now.
pub fn may_begin(viewer: &Viewer, now: NaiveDateTime) -> Result<(), Refusal> {
    let never = if !RULES.iter().any(|rule| rule.role == viewer.role) {
        Some(Refusal::NotEntitled)
    } else if viewer.role == Role::Secretariat && !viewer.graded {
        Some(Refusal::NotGraded)
    } else {
        None
    };
    never.or(bars(viewer, now)).map_or(Ok(()), Err)
}

/// Whether a viewer is an officer who opens seals of any record, and so may approve and review what others open.
pub fn is_officer(viewer: &Viewer) -> bool {
    match viewer.role {
        Role::Secretariat => viewer.graded,
        Role::SeniorFocalPoint => true,
        Role::FocalPoint | Role::MemberState | Role::Auditor | Role::Administrator => false,
    }
}

/// Whether a viewer is among those who agree to what others open.
///
/// # Errors
/// [`Denial::Role`].
pub fn may_agree_to_openings(viewer: &Viewer) -> Result<(), Denial> {
    if is_officer(viewer) { Ok(()) } else { Err(Denial::Role) }
}

/// Whether a viewer is told by name who opened a seal. A State is told the office, but for people of its own; `state` is the opener's.
pub fn is_told_names(viewer: &Viewer, state: Option<&str>) -> bool {
    viewer.role != Role::MemberState || (state.is_some() && viewer.state.as_deref() == state)
}

/// Judges a second officer's decision on what another asked to open, or opened.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_judge_opening(viewer: &Viewer, now: NaiveDateTime, opener: [u8; 16]) -> Result<(), Denial> {
    if is_cooling(viewer, now) {
        Err(Denial::CoolingDown)
    } else if !is_officer(viewer) {
        Err(Denial::Role)
    } else if viewer.account == opener {
        Err(Denial::SamePerson)
    } else {
        Ok(())
    }
}

/// Who is told of unusual volumes: auditors, and the senior focal point.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_see_alerts(viewer: &Viewer) -> Result<(), Denial> {
    match viewer.role {
        Role::Auditor | Role::SeniorFocalPoint => Ok(()),
        Role::FocalPoint | Role::MemberState | Role::Secretariat | Role::Administrator => Err(Denial::Role),
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    const NOW: NaiveDateTime = chrono::DateTime::UNIX_EPOCH.naive_utc();

    #[test]
    fn every_form_has_its_limits_and_a_sitting_opens_nothing_strictly_confidential() {
        for mode in DisclosureMode::VARIANTS {
            assert_eq!(mode_rule(*mode).mode, *mode);
        }
        let sitting = mode_rule(DisclosureMode::Sitting);
        assert_eq!((sitting.classes, sitting.lasts), (&[Confidential][..], Some(TimeDelta::hours(8))));
        assert_eq!(mode_rule(DisclosureMode::File).records, Some(5_000));
    }

    #[test]
    fn a_second_officer_is_graded_and_another_than_the_first() {
        let graded = Viewer { account: [1; 16], graded: true, ..Viewer::of(Role::Secretariat) };
        let senior = Viewer { account: [2; 16], ..Viewer::of(Role::SeniorFocalPoint) };
        assert_eq!(may_judge_opening(&graded, NOW, [2; 16]), Ok(()));
        assert_eq!(may_judge_opening(&senior, NOW, [1; 16]), Ok(()));
        assert_eq!(may_judge_opening(&graded, NOW, [1; 16]), Err(Denial::SamePerson));
        let cooling = Viewer { opens_from: Some(NOW + TimeDelta::hours(1)), ..senior.clone() };
        assert_eq!(may_judge_opening(&cooling, NOW, [1; 16]), Err(Denial::CoolingDown));
        assert_eq!(may_judge_opening(&Viewer { graded: false, ..graded }, NOW, [2; 16]), Err(Denial::Role));
        for role in [Role::FocalPoint, Role::MemberState, Role::Auditor, Role::Administrator] {
            let other = Viewer { graded: true, ..Viewer::of(role) };
            assert_eq!(may_judge_opening(&other, NOW, [2; 16]), Err(Denial::Role), "{role:?}");
        }
    }

    #[test]
    fn a_sitting_is_begun_by_who_opens_anything() {
        let now: NaiveDateTime = "2026-11-27T12:00:00".parse().unwrap();
        for (role, graded, expected) in [
            (Role::FocalPoint, false, Ok(())),
            (Role::MemberState, false, Ok(())),
            (Role::Secretariat, true, Ok(())),
            (Role::Secretariat, false, Err(Refusal::NotGraded)),
            (Role::SeniorFocalPoint, true, Ok(())),
            (Role::Auditor, true, Err(Refusal::NotEntitled)),
            (Role::Administrator, true, Err(Refusal::NotEntitled)),
        ] {
            assert_eq!(may_begin(&Viewer { graded, ..Viewer::of(role) }, now), expected, "{role:?}");
        }
        let machine = Viewer { machine: true, ..Viewer::of(Role::MemberState) };
        assert_eq!(may_begin(&machine, now), Err(Refusal::NotEntitled));
        let cooling = Viewer { opens_from: Some(now + TimeDelta::hours(1)), ..Viewer::of(Role::FocalPoint) };
        assert_eq!(may_begin(&cooling, now), Err(Refusal::CoolingDown));
    }

    #[test]
    fn a_focal_point_looks_for_victims_officers_for_anyone_and_states_for_nobody() {
        let persons = [Noun::Victim, Noun::Suspect, Noun::Accused];
        let allowed = |role, graded| {
            let viewer = Viewer { graded, ..Viewer::of(role) };
            persons.map(|noun| may_match(&viewer, NOW, noun).is_ok())
        };
        assert_eq!(allowed(Role::FocalPoint, false), [true, false, false]);
        assert_eq!(allowed(Role::Secretariat, true), [true; 3]);
        assert_eq!(allowed(Role::Secretariat, false), [false; 3]);
        assert_eq!(allowed(Role::SeniorFocalPoint, false), [true; 3]);
        for role in [Role::MemberState, Role::Auditor, Role::Administrator] {
            assert_eq!(allowed(role, true), [false; 3], "{role:?}");
        }
        assert_eq!(may_match(&Viewer::of(Role::SeniorFocalPoint), NOW, Noun::Incident), Err(Refusal::NotEntitled));
        let cooling = Viewer { opens_from: Some(NOW + TimeDelta::hours(1)), ..Viewer::of(Role::FocalPoint) };
        assert_eq!(may_match(&cooling, NOW, Noun::Victim), Err(Refusal::CoolingDown));
    }

    #[test]
    fn a_state_is_told_names_of_its_own_people_alone() {
        let mali = Viewer { state: Some("MLI".into()), ..Viewer::of(Role::MemberState) };
        assert_eq!([Some("MLI"), Some("TCD"), None].map(|state| is_told_names(&mali, state)), [true, false, false]);
        for role in [Role::FocalPoint, Role::Auditor, Role::Secretariat] {
            assert!(is_told_names(&Viewer::of(role), Some("MLI")), "{role:?}");
        }
    }

    #[test]
    fn alerts_are_for_auditors_and_the_senior_focal_point() {
        for role in Role::VARIANTS {
            let told = may_see_alerts(&Viewer { graded: true, ..Viewer::of(*role) }).is_ok();
            assert_eq!(told, matches!(role, Role::Auditor | Role::SeniorFocalPoint), "{role:?}");
        }
    }
}
