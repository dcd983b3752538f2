//! How a viewer stands to a record: one function, asked wherever something is shown or opened.

use super::Viewer;
use crate::domain::{Noun, Visibility};

/// How a viewer stands to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The record is of the viewer's mission.
    OwnMission,
    /// The viewer typed the value, in an edition that the mission's desk works on; or the viewer's State submitted it.
    Typed,
    /// The viewer's State submitted the record.
    OwnSubmission,
    /// The viewer's State is the incident's host.
    Host,
    /// The viewer's State holds the proceeding.
    Proceeding,
    /// The viewer's State contributed the victim, or the victim has its nationality.
    OwnNational,
    /// Any record, for the Secretariat.
    Any,
}

impl Relation {
    /// The relation's name at `GET /v1/policy`.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::OwnMission => "own_mission",
            Relation::Typed => "typed",
            Relation::OwnSubmission => "own_submission",
            Relation::Host => "host_state",
            Relation::Proceeding => "state_of_the_proceeding",
            Relation::OwnNational => "own_national",
            Relation::Any => "any",
        }
    }
}

/// The relations that hold between a viewer and one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relations {
    /// See [`Relation::OwnMission`].
    pub own_mission: bool,
    /// See [`Relation::Typed`].
    pub typed: bool,
    /// See [`Relation::OwnSubmission`].
    pub own_submission: bool,
    /// See [`Relation::Host`].
    pub host: bool,
    /// See [`Relation::Proceeding`].
    pub proceeding: bool,
    /// See [`Relation::OwnNational`].
    pub own_national: bool,
}

impl Relations {
    /// Whether a relation holds.
    pub(super) fn has(self, relation: Relation) -> bool {
        match relation {
            Relation::OwnMission => self.own_mission,
            Relation::Typed => self.typed,
            Relation::OwnSubmission => self.own_submission,
            Relation::Host => self.host,
            Relation::Proceeding => self.proceeding,
            Relation::OwnNational => self.own_national,
            Relation::Any => true,
        }
    }
}

/// What is known when a disclosure of one record is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessContext {
    /// How the viewer stands to it.
    pub relations: Relations,
    /// Next of kin and State were notified (victims; true for others).
    pub notified: bool,
    /// The record is withheld from the viewer's State, or held for another cause.
    pub under_review: bool,
    /// A second officer approved, or it is an emergency, which is flagged and reviewed.
    pub approved: bool,
}

/// Who stands near a record. What is not said is nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// Missions that answer for it.
    pub missions: &'a [String],
    /// The host State, of an incident.
    pub host: Option<&'a str>,
    /// The State that holds the proceeding.
    pub proceeding: Option<&'a str>,
    /// The State that submitted it, as long as that matters.
    pub submitted_by: Option<&'a str>,
    /// The State that alone typed in it.
    pub typed_by: Option<&'a str>,
    /// Whether the viewer alone typed in it.
    pub typed: bool,
    /// Whether it is withheld from the viewer's State, or looked at again.
    pub under_review: bool,
}

/// How a viewer stands to a record.
pub fn access(viewer: &Viewer, of: &Target<'_>) -> AccessContext {
    let is_own = |state: Option<&str>| state.is_some() && state == viewer.state.as_deref();
    AccessContext {
        relations: Relations {
            own_mission: viewer.missions.iter().any(|own| of.missions.contains(own)),
            typed: of.typed || is_own(of.typed_by),
            own_submission: is_own(of.submitted_by),
            host: is_own(of.host),
            proceeding: is_own(of.proceeding),
            own_national: false,
        },
        notified: true,
        under_review: of.under_review,
        approved: false,
    }
}

/// Whether a viewer who has a record of the noun in scope is shown this column of it: what the list of columns says.
pub fn shows(viewer: &Viewer, noun: Noun, column: &str) -> bool {
    match noun.spec().visibility(column) {
        Visibility::Open => true,
        Visibility::Scoped => viewer.is_inside(),
        Visibility::Sealed | Visibility::Internal => false,
    }
}

impl AccessContext {
    /// How the viewer stands to a victim of the record: `states` contributed the victim, or are the nationalities.
    pub fn to_victim(self, viewer: &Viewer, states: &[String], notified: bool) -> Self {
        let own_national = viewer.state.as_ref().is_some_and(|own| states.contains(own));
        Self { relations: Relations { own_national, ..self.relations }, notified, ..self }
    }

    /// How the viewer stands to a part of the record that this State submitted, if one did.
    pub fn to_submission(self, viewer: &Viewer, submitted_by: Option<&str>) -> Self {
        let own_submission = submitted_by.is_some() && submitted_by == viewer.state.as_deref();
        Self { relations: Relations { own_submission, ..self.relations }, ..self }
    }

    /// How the viewer stands to a value that the viewer typed, or did not.
    pub fn to_value(self, typed: bool) -> Self {
        Self { relations: Relations { typed, ..self.relations }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Role;

    fn viewer(mission: Option<&str>, state: Option<&str>) -> Viewer {
        Viewer {
            missions: mission.into_iter().map(str::to_owned).collect(),
            state: state.map(str::to_owned),
            ..Viewer::of(Role::FocalPoint)
        }
    }

    #[test]
    fn the_list_of_columns_says_what_is_shown_to_whom() {
        let (state, officer) = (Viewer::of_state("MLI"), Viewer::of(Role::Secretariat));
        for (column, to_state, to_officer) in [
            ("act", true, true),
            ("hold_reason", false, true),
            ("tag_confidential", false, false),
            ("nothing", false, false),
        ] {
            let shown = [&state, &officer].map(|viewer| shows(viewer, Noun::Incident, column));
            assert_eq!(shown, [to_state, to_officer], "{column}");
        }
    }

    #[test]
    fn who_has_no_state_is_of_no_record_without_one() {
        let context = access(&viewer(None, None), &Target::default());
        assert_eq!(context.relations, Relations::default());
        assert!(!context.to_submission(&viewer(None, None), None).relations.own_submission);
        assert!(!context.to_victim(&viewer(None, None), &[], true).relations.own_national);
    }

    proptest! {
        #[test]
        fn a_relation_holds_with_ones_own_mission_or_state_alone(
            mission in "[AB]", state in "[CD]", of in "[AB]", host in "[CD]", held in "[CD]", national in "[CD]"
        ) {
            let viewer = viewer(Some(&mission), Some(&state));
            let missions = [of.clone()];
            let target = Target {
                missions: &missions,
                host: Some(&host),
                proceeding: Some(&held),
                submitted_by: Some(&held),
                typed_by: Some(&host),
                ..Target::default()
            };
            let context = access(&viewer, &target).to_victim(&viewer, std::slice::from_ref(&national), false);
            prop_assert_eq!(context.relations.own_mission, mission == of);
            prop_assert_eq!(context.relations.host, state == host);
            prop_assert_eq!(context.relations.typed, state == host);
            prop_assert_eq!(context.relations.proceeding, state == held);
            prop_assert_eq!(context.relations.own_submission, state == held);
            prop_assert_eq!(context.relations.own_national, state == national);
            prop_assert!(!context.notified && !context.under_review && !context.approved);
        }
    }
}
