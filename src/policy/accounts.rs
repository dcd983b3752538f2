//! Who may change what an account is entitled to, and when a second person must agree.

use chrono::{NaiveDateTime, TimeDelta};

use super::Viewer;
use super::disclosure::Refusal;
use super::writing::Denial;
use crate::domain::{Rights, Role, StateFunction};

/// For so long after a second factor was first set up, reset, or replaced by a recovery code, its account opens no seals and approves
/// nothing: time for the person to notice, if it was not them.
pub const COOL_DOWN: TimeDelta = TimeDelta::hours(72);
/// Access is looked at anew after this long.
pub const REVIEW_EVERY: TimeDelta = TimeDelta::days(90);

/// How many must agree to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// It takes effect at once.
    Alone,
    /// A second administrator approves it first.
    Second,
}

/// Whether an account is among those that a viewer manages: all but one's own to an administrator, the others of its own State
/// to a State's manager.
///
/// # Errors
/// Why it is not.
pub fn may_manage(viewer: &Viewer, of: [u8; 16], rights: &Rights) -> Result<(), Denial> {
    if of == viewer.account {
        return Err(Denial::Oneself);
    }
    match (viewer.role, viewer.state_function) {
        (Role::Administrator, _) => Ok(()),
        (Role::MemberState, Some(StateFunction::Manager)) => {
            let own = rights.role == Role::MemberState && rights.state == viewer.state && !rights.administers();
            if own { Ok(()) } else { Err(Denial::NotYours) }
        }
        _ => Err(Denial::Role),
    }
}

/// Judges a change of an account's rights, or a new account (`before` is none).
///
/// # Errors
/// The reason for which it is denied.
pub fn may_change(viewer: &Viewer, of: [u8; 16], before: Option<&Rights>, after: &Rights) -> Result<Approval, Denial> {
    may_manage(viewer, of, after)?;
    if let Some(before) = before {
        may_manage(viewer, of, before)?;
    }
    let known_as = before.and_then(|before| before.single_sign_on.as_deref());
    let is_known_otherwise = after.single_sign_on.as_deref() != known_as;
    if is_known_otherwise && viewer.role != Role::Administrator && !viewer.is_operator() {
        // To whom a provider's person is tied would be told by what is refused.
        return Err(Denial::Role);
    }
    let is_tied = is_known_otherwise && after.single_sign_on.is_some();
    let widens = is_tied || (!after.suspended && !before.is_some_and(|before| covers(before, after)));
    // A State's own system opens nothing, and decides nothing: an administrator makes one alone.
    let plain = viewer.is_operator() || (after.machine && viewer.role == Role::Administrator);
    Ok(if widens && !plain { Approval::Second } else { Approval::Alone })
}

/// Whether everything that `after` gives, `before` gave.
fn covers(before: &Rights, after: &Rights) -> bool {
    let Rights { role, missions, state, state_function, machine, graded, from_on, to_on, suspended, single_sign_on } =
        after;
    let function = before.state_function == *state_function || *state_function == Some(StateFunction::Reader);
    let begins = before.from_on.is_none() || from_on.is_some_and(|from| before.from_on <= Some(from));
    let ends = before.to_on.is_none() || to_on.is_some_and(|to| Some(to) <= before.to_on);
    before.role == *role
        && missions.iter().all(|mission| before.missions.contains(mission))
        && before.state == *state
        && function
        && before.machine == *machine
        && (before.graded || !graded)
        && begins
        && ends
        && (*suspended || !before.suspended)
        && (single_sign_on.is_none() || before.single_sign_on == *single_sign_on)
}

/// Judges the second administrator's decision on a change.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_decide_change(viewer: &Viewer, now: NaiveDateTime, asked_by: [u8; 16], of: [u8; 16]) -> Result<(), Denial> {
    if is_cooling(viewer, now) {
        Err(Denial::CoolingDown)
    } else if viewer.role != Role::Administrator {
        Err(Denial::Role)
    } else if asked_by == viewer.account {
        Err(Denial::SamePerson)
    } else if of == viewer.account {
        Err(Denial::Oneself)
    } else {
        Ok(())
    }
}

/// Whether an account's second factor is so new that it neither opens seals nor lets others do anything.
pub(super) fn is_cooling(viewer: &Viewer, now: NaiveDateTime) -> bool {
    viewer.opens_from.is_some_and(|from| now < from)
}

/// What keeps an account from opening anything, whatever the record.
pub fn bars(viewer: &Viewer, now: NaiveDateTime) -> Option<Refusal> {
    if viewer.machine {
        Some(Refusal::NotEntitled)
    } else if is_cooling(viewer, now) {
        Some(Refusal::CoolingDown)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn administrator() -> Viewer {
        Viewer { account: [7; 16], ..Viewer::of(Role::Administrator) }
    }

    fn focal_point() -> Rights {
        Rights {
            missions: vec!["MINUSMA".into(), "UNIFIL".into()],
            from_on: "2026-01-01".parse().ok(),
            to_on: "2026-12-31".parse().ok(),
            ..Rights::of(Role::FocalPoint)
        }
    }

    fn of_mali(state_function: StateFunction) -> Rights {
        Rights { state: Some("MLI".into()), state_function: Some(state_function), ..Rights::of(Role::MemberState) }
    }

    const OTHER: [u8; 16] = [9; 16];
    const NOW: NaiveDateTime = chrono::DateTime::UNIX_EPOCH.naive_utc();

    #[test]
    fn nobody_changes_what_they_themselves_may_do() {
        let own = administrator();
        let denied = may_change(&own, own.account, None, &Rights::of(Role::Auditor));
        assert_eq!(denied, Err(Denial::Oneself));
        assert_eq!(may_decide_change(&own, NOW, OTHER, own.account), Err(Denial::Oneself));
        assert_eq!(may_decide_change(&own, NOW, own.account, OTHER), Err(Denial::SamePerson));
        assert_eq!(may_decide_change(&own, NOW, OTHER, [1; 16]), Ok(()));
    }

    #[test]
    fn a_person_is_made_by_two_and_a_states_own_system_by_one_administrator() {
        let change = |after: &Rights| may_change(&administrator(), OTHER, None, after);
        for trusted in [
            focal_point(),
            Rights::of(Role::SeniorFocalPoint),
            Rights { graded: true, ..Rights::of(Role::Secretariat) },
            of_mali(StateFunction::Reader),
            of_mali(StateFunction::Manager),
            Rights::of(Role::Administrator),
            Rights::of(Role::Secretariat),
            Rights::of(Role::Auditor),
        ] {
            assert_eq!(change(&trusted), Ok(Approval::Second), "{trusted:?}");
        }
        let machine = Rights { machine: true, ..of_mali(StateFunction::Proposer) };
        assert_eq!(change(&machine), Ok(Approval::Alone));
    }

    #[test]
    fn what_takes_away_needs_one_and_what_adds_needs_two() {
        let before = focal_point();
        let change = |after: Rights| may_change(&administrator(), OTHER, Some(&before), &after).unwrap();
        for less in [
            before.clone(),
            Rights { missions: vec!["UNIFIL".into()], ..before.clone() },
            Rights { to_on: "2026-06-30".parse().ok(), ..before.clone() },
            Rights { from_on: "2026-02-01".parse().ok(), ..before.clone() },
            Rights { suspended: true, ..before.clone() },
            Rights { suspended: true, role: Role::SeniorFocalPoint, ..before.clone() },
        ] {
            assert_eq!(change(less.clone()), Approval::Alone, "{less:?}");
        }
        for more in [
            Rights { missions: vec!["UNFICYP".into()], ..before.clone() },
            Rights { to_on: "2027-01-01".parse().ok(), ..before.clone() },
            Rights { to_on: None, ..before.clone() },
            Rights { from_on: "2025-12-31".parse().ok(), ..before.clone() },
            Rights { from_on: None, ..before.clone() },
            Rights { role: Role::SeniorFocalPoint, missions: vec![], ..before.clone() },
            Rights::of(Role::Auditor),
        ] {
            assert_eq!(change(more.clone()), Approval::Second, "{more:?}");
        }
        let suspended = Rights { suspended: true, ..before.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&suspended), &before), Ok(Approval::Second));
        let officer = Rights::of(Role::Secretariat);
        let graded = Rights { graded: true, ..officer.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&officer), &graded), Ok(Approval::Second));
        assert_eq!(may_change(&administrator(), OTHER, Some(&graded), &officer), Ok(Approval::Alone));
        let (reader, proposer) = (of_mali(StateFunction::Reader), of_mali(StateFunction::Proposer));
        assert_eq!(may_change(&administrator(), OTHER, Some(&reader), &proposer), Ok(Approval::Second));
        assert_eq!(may_change(&administrator(), OTHER, Some(&proposer), &reader), Ok(Approval::Alone));
        let chad = Rights { state: Some("TCD".into()), ..reader.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&chad), &reader), Ok(Approval::Second));
        let machine = Rights { machine: true, ..reader.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&machine), &reader), Ok(Approval::Second));
    }

    #[test]
    fn who_somebody_is_to_the_provider_takes_two_administrators_and_no_manager() {
        let change = |before: &Rights, after: &Rights| may_change(&administrator(), OTHER, Some(before), after);
        let plain = of_mali(StateFunction::Proposer);
        let tied = Rights { single_sign_on: Some("https://login.example 1".into()), ..plain.clone() };
        let other = Rights { single_sign_on: Some("https://login.example 2".into()), ..plain.clone() };
        assert_eq!(change(&plain, &tied), Ok(Approval::Second));
        assert_eq!(change(&tied, &other), Ok(Approval::Second));
        assert_eq!(change(&plain, &Rights { suspended: true, ..tied.clone() }), Ok(Approval::Second), "suspended, too");
        assert_eq!((change(&tied, &plain), change(&tied, &tied)), (Ok(Approval::Alone), Ok(Approval::Alone)));
        let manager = Viewer {
            account: [7; 16],
            state: Some("MLI".into()),
            state_function: Some(StateFunction::Manager),
            ..Viewer::of(Role::MemberState)
        };
        for (before, after) in [(&plain, &tied), (&tied, &plain), (&tied, &other)] {
            assert_eq!(may_change(&manager, OTHER, Some(before), after), Err(Denial::Role));
        }
        assert!(may_change(&manager, OTHER, Some(&tied), &Rights { suspended: true, ..tied.clone() }).is_ok());
        assert_eq!(may_change(&manager, OTHER, None, &tied), Err(Denial::Role));
    }

    #[test]
    fn a_states_manager_manages_its_own_states_readers_and_proposers() {
        let manager = Viewer {
            account: [7; 16],
            state: Some("MLI".into()),
            state_function: Some(StateFunction::Manager),
            ..Viewer::of(Role::MemberState)
        };
        let change = |after: &Rights| may_change(&manager, OTHER, None, after);
        assert_eq!(change(&of_mali(StateFunction::Proposer)), Ok(Approval::Second));
        let machine = Rights { machine: true, ..of_mali(StateFunction::Reader) };
        assert_eq!(change(&machine), Ok(Approval::Second), "an administrator agrees");
        let suspended = Rights { suspended: true, ..machine.clone() };
        let lifted = may_change(&manager, OTHER, Some(&suspended), &machine);
        assert_eq!(lifted, Ok(Approval::Second), "and nobody lifts a suspension alone");
        assert_eq!(may_change(&manager, OTHER, Some(&machine), &suspended), Ok(Approval::Alone));
        assert_eq!(change(&of_mali(StateFunction::Manager)), Err(Denial::NotYours));
        assert_eq!(
            change(&Rights { state: Some("TCD".into()), ..of_mali(StateFunction::Reader) }),
            Err(Denial::NotYours)
        );
        assert_eq!(change(&Rights::of(Role::Auditor)), Err(Denial::NotYours));
        let chad = Rights { state: Some("TCD".into()), ..of_mali(StateFunction::Reader) };
        let moved = may_change(&manager, OTHER, Some(&chad), &of_mali(StateFunction::Reader));
        assert_eq!(moved, Err(Denial::NotYours));
        assert_eq!(may_decide_change(&manager, NOW, OTHER, [1; 16]), Err(Denial::Role));
        for function in [StateFunction::Reader, StateFunction::Proposer] {
            let other = Viewer { state_function: Some(function), ..manager.clone() };
            assert_eq!(may_change(&other, OTHER, None, &of_mali(StateFunction::Reader)), Err(Denial::Role));
        }
    }

    #[test]
    fn the_operator_alone_makes_the_first_administrators() {
        let operator = Viewer::operator();
        assert_eq!(may_change(&operator, OTHER, None, &Rights::of(Role::Administrator)), Ok(Approval::Alone));
    }

    #[test]
    fn machines_and_whoever_cools_down_open_nothing() {
        let now: NaiveDateTime = "2026-11-27T12:00:00".parse().unwrap();
        let person = Viewer::of(Role::SeniorFocalPoint);
        assert_eq!(bars(&person, now), None);
        assert_eq!(bars(&Viewer { machine: true, ..person.clone() }, now), Some(Refusal::NotEntitled));
        let cooling = Viewer { opens_from: Some(now + TimeDelta::seconds(1)), ..person };
        assert_eq!(bars(&cooling, now), Some(Refusal::CoolingDown));
        let decider = Viewer { role: Role::Administrator, ..cooling.clone() };
        assert_eq!(may_decide_change(&decider, now, OTHER, [1; 16]), Err(Denial::CoolingDown));
        assert_eq!(may_decide_change(&decider, now + TimeDelta::seconds(1), OTHER, [1; 16]), Ok(()));
        assert_eq!(bars(&cooling, now + TimeDelta::seconds(1)), None);
    }
}
