//! Accounts: what one is entitled to, and for how long.

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use super::code::code_list;
use super::{Fault, Role};

code_list! {
    /// What a State's account does for it.
    StateFunction in "state_function" {
        Reader = "Reads what concerns the State",
        Proposer = "Reads, and submits the State's own steps and measures",
        Manager = "Reads, and manages the State's accounts",
    }

    /// How an account stands.
    AccountStatus in "account_status" {
        AwaitingApproval = "Awaits a second administrator",
        Invited = "Invited",
        NotYet = "Term not begun",
        Active = "Active",
        Suspended = "Suspended",
        Ended = "Term ended",
    }

    /// What a change of an account is about.
    AccountChangeKind in "account_change_kind" {
        Create = "A new account",
        Rights = "Change of rights",
        SecondFactor = "Removal of its second factor",
    }

    /// What a person is told about their own account.
    NoticeKind in "notice" {
        RightsChanged = "Your rights were changed",
        PasswordChanged = "Your password was changed",
        SecondFactorSet = "A second factor was set up",
        SecondFactorReset = "Your second factor was removed. For some days you cannot open sealed values",
        RecoveryUsed = "A recovery code was used. For some days you cannot open sealed values",
        CodesGuessed = "Somebody tried to guess your codes, and was stopped",
        KeyMade = "A key was made for this system",
    }
}

/// What an account is entitled to, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Role.
    pub role: Role,
    /// Missions of a focal point.
    pub missions: Vec<String>,
    /// State of a `member_state`.
    pub state: Option<String>,
    /// What a `member_state` does for its State.
    pub state_function: Option<StateFunction>,
    /// Whether it is a State's own system rather than a person.
    pub machine: bool,
    /// Graded for disclosure, for the Secretariat.
    pub graded: bool,
    /// First day of its term (UTC); from the beginning if absent.
    pub from_on: Option<NaiveDate>,
    /// Last day of its term (UTC); without an end if absent.
    pub to_on: Option<NaiveDate>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Who it is to a provider of single sign-on: issuer and subject, parted by a space.
    #[serde(default)]
    pub single_sign_on: Option<String>,
}

impl Rights {
    /// Those of a role alone.
    pub fn of(role: Role) -> Self {
        Self {
            role,
            missions: Vec::new(),
            state: None,
            state_function: None,
            machine: false,
            graded: false,
            from_on: None,
            to_on: None,
            suspended: false,
            single_sign_on: None,
        }
    }

    /// Whether it may open seals, of some record, on some condition.
    pub fn opens(&self) -> bool {
        match self.role {
            Role::FocalPoint | Role::SeniorFocalPoint => true,
            Role::MemberState => !self.machine,
            Role::Secretariat => self.graded,
            Role::Auditor | Role::Administrator => false,
        }
    }

    /// Whether it decides on others' rights.
    pub fn administers(&self) -> bool {
        self.role == Role::Administrator || self.state_function == Some(StateFunction::Manager)
    }

    /// Whether these hold on a day: neither suspended, nor outside the term.
    pub fn hold_on(&self, day: NaiveDate) -> bool {
        !self.suspended && self.from_on.is_none_or(|from| from <= day) && self.to_on.is_none_or(|to| day <= to)
    }

    /// When the term is over (UTC).
    pub fn end(&self) -> Option<NaiveDateTime> {
        self.to_on?.succ_opt()?.and_hms_opt(0, 0, 0)
    }

    /// What no change may do, each by its field: an account of a person never becomes one of a State's system, and the other way round.
    pub fn change_faults(&self, before: &Self) -> Vec<Fault> {
        let moved = self.machine != before.machine;
        let detail = "a person's account cannot become a system's account, or the reverse: make another account";
        moved.then(|| Fault::new("/machine", detail)).into_iter().collect()
    }

    /// Whether both stand for the same scope and part: what is signed in under one may go on under the other.
    pub fn stand_alike(&self, other: &Self) -> bool {
        let Self { role, missions, state, state_function, machine, .. } = self;
        (*role, missions, state, state_function, *machine)
            == (other.role, &other.missions, &other.state, &other.state_function, other.machine)
    }

    /// What does not fit together, each by its field.
    pub fn faults(&self) -> Vec<Fault> {
        let for_missions = self.role == Role::FocalPoint;
        let for_state = self.role == Role::MemberState;
        let may_be_graded = matches!(self.role, Role::Secretariat | Role::SeniorFocalPoint);
        [
            (
                for_missions == self.missions.is_empty(),
                "/missions",
                "a focal point needs at least one mission; other roles must have none",
            ),
            (for_missions && self.to_on.is_none(), "/to_on", "a focal point needs a last day of access"),
            (for_state != self.state.is_some(), "/state", "required for member_state, and not allowed for other roles"),
            (
                for_state != self.state_function.is_some(),
                "/state_function",
                "required for member_state, and not allowed for other roles",
            ),
            (self.machine && !for_state, "/machine", "only a member_state account can be a machine"),
            (
                self.machine && self.state_function == Some(StateFunction::Manager),
                "/state_function",
                "a machine must be a reader or a proposer",
            ),
            (
                self.graded && !may_be_graded,
                "/graded",
                "only secretariat and senior_focal_point can be graded for disclosure",
            ),
            (
                self.single_sign_on.as_ref().is_some_and(|who| !is_issuer_and_subject(who)),
                "/single_sign_on",
                "must be the provider's issuer (a URL) and the person's subject there, separated by a space",
            ),
            (
                self.machine && self.single_sign_on.is_some(),
                "/single_sign_on",
                "a machine signs in with keys, and not with single sign-on",
            ),
            (
                self.to_on.zip(self.from_on).is_some_and(|(to, from)| to < from),
                "/to_on",
                "the term ends before it begins",
            ),
        ]
        .into_iter()
        .filter(|(wrong, ..)| *wrong)
        .map(|(_, pointer, detail)| Fault::new(pointer, detail))
        .collect()
    }
}

fn is_issuer_and_subject(who: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    let schemes = ["https://", "http://127.0.0.1", "http://[::1]", "http://localhost"];
    who.split_once(' ').is_some_and(|(issuer, subject)| {
        schemes.iter().any(|scheme| issuer.starts_with(scheme)) && is_plain(issuer) && is_plain(subject)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_term_holds_from_its_first_day_to_its_last() {
        let rights =
            Rights { from_on: Some(day("2026-01-01")), to_on: Some(day("2026-03-31")), ..Rights::of(Role::Auditor) };
        let held = ["2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01"].map(|on| rights.hold_on(day(on)));
        assert_eq!(held, [false, true, true, false]);
        assert_eq!(rights.end().unwrap().to_string(), "2026-04-01 00:00:00");
        assert!(!Rights { suspended: true, ..rights }.hold_on(day("2026-02-01")));
    }

    #[test]
    fn every_misfit_is_named_by_its_field() {
        let pointers = |rights: &Rights| rights.faults().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>();
        assert_eq!(pointers(&Rights::of(Role::FocalPoint)), ["/missions", "/to_on"]);
        assert_eq!(pointers(&Rights::of(Role::MemberState)), ["/state", "/state_function"]);
        let odd = Rights {
            machine: true,
            graded: true,
            missions: vec!["UNIFIL".into()],
            from_on: Some(day("2026-02-01")),
            to_on: Some(day("2026-01-01")),
            ..Rights::of(Role::Auditor)
        };
        assert_eq!(pointers(&odd), ["/missions", "/machine", "/graded", "/to_on"]);
        let machine = Rights {
            state: Some("MLI".into()),
            state_function: Some(StateFunction::Manager),
            machine: true,
            ..Rights::of(Role::MemberState)
        };
        assert_eq!(pointers(&machine), ["/state_function"]);
        assert!(pointers(&Rights::of(Role::Administrator)).is_empty());
        let known_as =
            |who: &str| pointers(&Rights { single_sign_on: Some(who.into()), ..Rights::of(Role::Auditor) }).is_empty();
        assert!(known_as("https://login.example 24400320"));
        for odd in [
            "",
            "24400320",
            "https://login.example",
            "https://login.example ",
            "ftp://login.example 1",
            "https://a b c",
        ] {
            assert!(!known_as(odd), "{odd}");
        }
    }
}
