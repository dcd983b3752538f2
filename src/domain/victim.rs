//! The victim: one UN person harmed in an incident.

use chrono::{NaiveDate, TimeDelta};
use seal::ClassCode::{Confidential as C, StrictlyConfidential as S};

use super::About as A;
use super::sealed::field;
use super::spec::Visibility::{Internal as I, Open as O, Scoped as P};
use super::spec::{NounSpec, Table, list};
use super::{Harm, HeldEnd, Noun, PartialDate, Personnel, Sex, Shape};

/// What is said of it.
pub(super) const SPEC: NounSpec = NounSpec {
    noun: Noun::Victim,
    name: "victim",
    path: "victims",
    prefix: "",
    openable: false,
    person: true,
    proposed: None,
    sealed: &[
        field(20, Noun::Victim, "sex", C, A::Victim, 20),
        field(21, Noun::Victim, "age_band", C, A::Victim, 20),
        field(22, Noun::Victim, "rank", C, A::Victim, 100),
        field(23, Noun::Victim, "unit", C, A::Victim, 200),
        field(24, Noun::Victim, "name", S, A::Victim, 300),
        field(25, Noun::Victim, "index_number", S, A::Victim, 60),
        field(26, Noun::Victim, "date_of_birth", S, A::Victim, 20).shaped(Shape::BirthDate),
        field(27, Noun::Victim, "medical_detail", S, A::Victim, 2_000).always(),
        field(28, Noun::Victim, "sexual_violence_detail", S, A::Victim, 2_000).always(),
    ],
    lists: &[list::<Personnel>(), list::<Harm>(), list::<HeldEnd>(), list::<Sex>()],
    tables: &[Table::reported(
        "victim",
        &[
            ("id", I),
            ("edition_id", I),
            ("victim_id", I),
            ("handle", O),
            ("position", I),
            ("category", O),
            ("states", P),
            ("outcome", O),
            ("sex_of_dead", O),
            ("noticas_id", O),
            ("kin_notified_on", P),
            ("state_notified_on", P),
            ("died_on", O),
            ("held_from", O),
            ("held_until", O),
            ("held_end", O),
        ],
    )],
};

/// The open facts of a victim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VictimFacts {
    /// Category of personnel.
    pub category: Personnel,
    /// The contributing State of uniformed personnel; the nationalities of a civilian, one or more.
    pub states: Vec<String>,
    /// What happened.
    pub outcome: Harm,
    /// Sex, for the dead only: it is public for them.
    pub sex_of_dead: Option<Sex>,
    /// Id in NOTICAS.
    pub noticas_id: Option<String>,
    /// When next of kin were notified. Mission and Secretariat only.
    pub kin_notified_on: Option<NaiveDate>,
    /// When the State was notified. Mission and Secretariat only.
    pub state_notified_on: Option<NaiveDate>,
    /// When a person who was killed died, where that was later than the incident.
    pub died_on: Option<NaiveDate>,
    /// Since when a person who was abducted, detained or missing was held, where that was later than the incident.
    pub held_from: Option<NaiveDate>,
    /// Until when; none as long as the person is held.
    pub held_until: Option<NaiveDate>,
    /// How it ended.
    pub held_end: Option<HeldEnd>,
}

/// Clocks of the field and of headquarters differ by a day at most.
const TOLERANCE: TimeDelta = TimeDelta::days(1);

impl VictimFacts {
    /// A victim of whom no more is known than who it was and what happened.
    pub fn of(category: Personnel, states: Vec<String>, outcome: Harm) -> Self {
        Self {
            category,
            states,
            outcome,
            sex_of_dead: None,
            noticas_id: None,
            kin_notified_on: None,
            state_notified_on: None,
            died_on: None,
            held_from: None,
            held_until: None,
            held_end: None,
        }
    }

    /// Whether next of kin and State both know of this outcome: they were told on its day or later, with one day's tolerance for time zones.
    pub fn is_notified(&self, occurred: PartialDate) -> bool {
        let since = self.died_on.unwrap_or(occurred.first()) - TOLERANCE;
        let told = |on: Option<NaiveDate>| on.is_some_and(|on| on >= since);
        told(self.kin_notified_on) && told(self.state_notified_on)
    }

    /// Whether the person was held, and for how long.
    pub fn held(&self, occurred: PartialDate) -> Option<(NaiveDate, Option<NaiveDate>)> {
        let was_held = self.outcome.is_held() || self.held_end.is_some();
        was_held.then(|| (self.held_from.unwrap_or(occurred.first()), self.held_until))
    }

    /// Dates that contradict the day of the incident, each by member, with what is wrong.
    pub fn misdated(&self, occurred: PartialDate) -> Vec<(&'static str, &'static str)> {
        let first = occurred.first();
        let before = |on: Option<NaiveDate>, since: NaiveDate| on.is_some_and(|on| on < since);
        let checks = [
            ("died_on", before(self.died_on, first), "must not be before the incident"),
            ("held_from", before(self.held_from, first), "must not be before the incident"),
            (
                "held_until",
                before(self.held_until, self.held_from.unwrap_or(first)),
                "must not be before the person was held",
            ),
            ("kin_notified_on", before(self.kin_notified_on, first - TOLERANCE), "must not be before the incident"),
            ("state_notified_on", before(self.state_notified_on, first - TOLERANCE), "must not be before the incident"),
        ];
        checks.into_iter().filter(|(_, wrong, _)| *wrong).map(|(name, _, why)| (name, why)).collect()
    }
}
