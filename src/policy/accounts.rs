//! Who may change what an account is entitled to, and when a second person must agree.

use chrono::{NaiveDateTime, TimeDelta};

use super::Viewer;
use super::disclosure::Refusal;
use super::writing::Denial;
use crate::domain::{Rights, Role, StateFunction};

/// For so long after a second factor or password was reset by others, or a recovery code was used, an account opens no seals and agrees to
/// nothing: time for the person to notice, if it was not them. A person's first one waits for nothing.
pub const COOL_DOWN: TimeDelta = TimeDelta::hours(72);
/// Access is looked at anew after this long.
pub const REVIEW_EVERY: TimeDelta = TimeDelta::days(90);

/// How many must agree to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgreementNeeded {
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

/// Judges a new key for a State's own system. The key reads what the State sees, so only the State's manager makes one.
///
/// # Errors
/// The reason for which it is denied.
pub fn may_make_key(viewer: &Viewer, of: [u8; 16], rights: &Rights) -> Result<(), Denial> {
    may_manage(viewer, of, rights)?;
    if viewer.role == Role::MemberState { Ok(()) } else { Err(Denial::StatesOwn) }
}

/// Judges a change of an account's rights, or a new account (`before` is none).
///
/// # Errors
/// The reason for which it is denied.
pub fn may_change(
    viewer: &Viewer,
    of: [u8; 16],
    before: Option<&Rights>,
    after: &Rights,
) -> Result<AgreementNeeded, Denial> {
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
    // Whoever else makes one would be told by what is refused at once which addresses are known.
    let is_asked = before.is_none() && viewer.role != Role::Administrator;
    let widens = is_asked || is_tied || (!after.suspended && !before.is_some_and(|before| covers(before, after)));
    Ok(if widens && !viewer.is_operator() { AgreementNeeded::Second } else { AgreementNeeded::Alone })
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
    use std::collections::HashSet;

    use chrono::NaiveDate;
    use strum::VariantArray;

    use super::super::Scope;
    use super::super::disclosure::RULES;
    use super::super::modes::{may_begin, may_judge_opening};
    use super::super::writing::{Action, authorize};
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
    fn every_account_is_made_by_two() {
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
            assert_eq!(change(&trusted), Ok(AgreementNeeded::Second), "{trusted:?}");
        }
        let machine = Rights { machine: true, ..of_mali(StateFunction::Proposer) };
        assert_eq!(change(&machine), Ok(AgreementNeeded::Second), "a State's own system reads what the State reads");
    }

    /// Every combination of rights that fits together, over two missions, two States and two terms.
    fn every_rights() -> Vec<Rights> {
        let term = |text: &str| text.parse::<NaiveDate>().ok();
        let terms = [(None, term("2027-01-01")), (term("2026-06-01"), term("2026-12-31")), (None, None)];
        let missions: [&[&str]; 4] = [&[], &["MINUSMA"], &["UNIFIL"], &["MINUSMA", "UNIFIL"]];
        let mut all = Vec::new();
        for role in Role::VARIANTS {
            for missions in missions {
                for state in [None, Some("MLI"), Some("TCD")] {
                    for function in [None].into_iter().chain(StateFunction::VARIANTS.iter().copied().map(Some)) {
                        for bits in 0..8_u8 {
                            for (from_on, to_on) in terms {
                                all.push(Rights {
                                    missions: missions.iter().map(|one| (*one).to_owned()).collect(),
                                    state: state.map(str::to_owned),
                                    state_function: function,
                                    machine: bits & 1 != 0,
                                    graded: bits & 2 != 0,
                                    suspended: bits & 4 != 0,
                                    from_on,
                                    to_on,
                                    ..Rights::of(*role)
                                });
                            }
                        }
                    }
                }
            }
        }
        all.retain(|rights| rights.faults().is_empty());
        all
    }

    /// Everything that rights let somebody see, open, agree to or write, on each of some days.
    fn reach(rights: &Rights) -> HashSet<(usize, String)> {
        let mut reach = HashSet::new();
        for (at, day) in ["2026-01-01", "2026-07-01", "2027-01-01", "2027-06-01"].iter().enumerate() {
            if !day.parse().is_ok_and(|day| rights.hold_on(day)) {
                continue;
            }
            let viewer = Viewer {
                account: OTHER,
                role: rights.role,
                missions: rights.missions.clone(),
                state: rights.state.clone(),
                state_function: rights.state_function,
                machine: rights.machine,
                graded: rights.graded,
                opens_from: None,
            };
            let seen: Vec<String> = match viewer.scope() {
                Scope::Everything => vec!["MINUSMA".into(), "UNIFIL".into(), "MLI".into(), "TCD".into(), "all".into()],
                Scope::Missions(missions) => missions,
                Scope::State(state) => vec![state],
                Scope::Nothing => Vec::new(),
            };
            reach.extend(seen.into_iter().map(|what| (at, format!("sees {what}"))));
            for rule in RULES.iter().filter(|rule| rule.role == rights.role) {
                let opens = may_begin(&viewer, NOW).is_ok();
                reach.extend(opens.then(|| (at, format!("opens {:?} {:?}", rule.relation, rule.class))));
            }
            let agrees = may_judge_opening(&viewer, NOW, [1; 16]).is_ok();
            reach.extend(agrees.then(|| (at, "agrees to openings".to_owned())));
            let decides = may_decide_change(&viewer, NOW, [1; 16], [2; 16]).is_ok();
            reach.extend(decides.then(|| (at, "agrees to rights".to_owned())));
            let audits = authorize(&viewer, Action::Audit).is_ok();
            reach.extend(audits.then(|| (at, "reads the audit log".to_owned())));
            for state in ["MLI", "TCD"] {
                let proposes = authorize(&viewer, Action::Propose { state }).is_ok();
                reach.extend(proposes.then(|| (at, format!("proposes for {state}"))));
                let manages = authorize(&viewer, Action::SeeAccounts { state: Some(state) }).is_ok();
                reach.extend(manages.then(|| (at, format!("manages {state}"))));
            }
        }
        reach
    }

    #[test]
    fn what_after_reaches_and_before_did_not_is_never_given_by_one_person() {
        let all: Vec<(Rights, HashSet<(usize, String)>)> =
            every_rights().into_iter().map(|rights| (rights.clone(), reach(&rights))).collect();
        assert!(all.len() > 100, "{}", all.len());
        let manager = |state: &str| Viewer {
            account: [6; 16],
            state: Some(state.into()),
            state_function: Some(StateFunction::Manager),
            ..Viewer::of(Role::MemberState)
        };
        let (askers, mut widenings) = ([administrator(), manager("MLI"), manager("TCD")], 0);
        for (after, reached) in &all {
            for asker in &askers {
                let made = may_change(asker, OTHER, None, after);
                assert!(reached.is_empty() || made != Ok(AgreementNeeded::Alone), "{after:?}");
            }
            for (before, had) in &all {
                if !after.change_faults(before).is_empty() || reached.is_subset(had) {
                    continue;
                }
                widenings += 1;
                for asker in &askers {
                    let changed = may_change(asker, OTHER, Some(before), after);
                    assert_ne!(changed, Ok(AgreementNeeded::Alone), "{before:?} to {after:?}");
                }
            }
        }
        assert!(widenings > 1000, "{widenings}");
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
            assert_eq!(change(less.clone()), AgreementNeeded::Alone, "{less:?}");
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
            assert_eq!(change(more.clone()), AgreementNeeded::Second, "{more:?}");
        }
        let suspended = Rights { suspended: true, ..before.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&suspended), &before), Ok(AgreementNeeded::Second));
        let officer = Rights::of(Role::Secretariat);
        let graded = Rights { graded: true, ..officer.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&officer), &graded), Ok(AgreementNeeded::Second));
        assert_eq!(may_change(&administrator(), OTHER, Some(&graded), &officer), Ok(AgreementNeeded::Alone));
        let (reader, proposer) = (of_mali(StateFunction::Reader), of_mali(StateFunction::Proposer));
        assert_eq!(may_change(&administrator(), OTHER, Some(&reader), &proposer), Ok(AgreementNeeded::Second));
        assert_eq!(may_change(&administrator(), OTHER, Some(&proposer), &reader), Ok(AgreementNeeded::Alone));
        let chad = Rights { state: Some("TCD".into()), ..reader.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&chad), &reader), Ok(AgreementNeeded::Second));
        let machine = Rights { machine: true, ..reader.clone() };
        assert_eq!(may_change(&administrator(), OTHER, Some(&machine), &reader), Ok(AgreementNeeded::Second));
    }

    #[test]
    fn who_somebody_is_to_the_provider_takes_two_administrators_and_no_manager() {
        let change = |before: &Rights, after: &Rights| may_change(&administrator(), OTHER, Some(before), after);
        let plain = of_mali(StateFunction::Proposer);
        let tied = Rights { single_sign_on: Some("https://login.example 1".into()), ..plain.clone() };
        let other = Rights { single_sign_on: Some("https://login.example 2".into()), ..plain.clone() };
        assert_eq!(change(&plain, &tied), Ok(AgreementNeeded::Second));
        assert_eq!(change(&tied, &other), Ok(AgreementNeeded::Second));
        assert_eq!(
            change(&plain, &Rights { suspended: true, ..tied.clone() }),
            Ok(AgreementNeeded::Second),
            "suspended, too"
        );
        assert_eq!(
            (change(&tied, &plain), change(&tied, &tied)),
            (Ok(AgreementNeeded::Alone), Ok(AgreementNeeded::Alone))
        );
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
        assert_eq!(change(&of_mali(StateFunction::Proposer)), Ok(AgreementNeeded::Second));
        let machine = Rights { machine: true, ..of_mali(StateFunction::Reader) };
        assert_eq!(change(&machine), Ok(AgreementNeeded::Second), "an administrator agrees");
        let suspended = Rights { suspended: true, ..machine.clone() };
        let lifted = may_change(&manager, OTHER, Some(&suspended), &machine);
        assert_eq!(lifted, Ok(AgreementNeeded::Second), "and nobody lifts a suspension alone");
        assert_eq!(may_change(&manager, OTHER, Some(&machine), &suspended), Ok(AgreementNeeded::Alone));
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
        assert_eq!(may_change(&operator, OTHER, None, &Rights::of(Role::Administrator)), Ok(AgreementNeeded::Alone));
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
