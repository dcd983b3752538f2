//! The marker that takes a sealed value's place in every answer, whether or not a value is there.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Noun, SealedField};
use crate::policy::{AccessContext, Viewer, may_hold, shows};
use crate::store::Id;

/// A sealed field. Its value is opened by a disclosure alone (`POST /v1/disclosures`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Withheld {
    /// Class of the value.
    #[schema(example = "confidential")]
    pub withheld: &'static str,
    /// Whether a value is there; told only to those who may open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
}

/// Makes the markers of one record for one viewer.
#[derive(Debug)]
pub struct Markers<'a> {
    /// Noun of the record.
    pub noun: Noun,
    /// Who reads.
    pub viewer: &'a Viewer,
    /// How the viewer stands to the record.
    pub facts: AccessContext,
    /// The row that the sealed values hang below.
    pub holder: Id,
    /// What is held, by holder and field; `None` where nobody looked, and then nobody is told.
    pub held: Option<&'a HashSet<(Id, u16)>>,
}

impl Markers<'_> {
    /// A value of an open column, if the list of columns lets the viewer see it.
    pub fn shown<T>(&self, column: &str, value: T) -> Option<T> {
        shows(self.viewer, self.noun, column).then_some(value)
    }

    /// The marker of a field. A name that is not of the noun gives the graver class: nothing leaks by a slip.
    pub fn of(&self, name: &str) -> Withheld {
        let Some(field) = SealedField::named(self.noun, name) else {
            return Withheld { withheld: seal::ClassCode::StrictlyConfidential.name(), held: None };
        };
        // Who may know is asked only where somebody looked.
        let told = |_: &&HashSet<(Id, u16)>| !field.always && may_hold(self.viewer, self.facts, field);
        let held = self.held.filter(told).map(|held| held.contains(&(self.holder, field.code)));
        Withheld { withheld: field.class.name(), held }
    }
}

/// Whether the viewer may open, or hold, any field of a class of these nouns: then the class's tag is in the ETag.
pub fn shares_tag(viewer: &Viewer, facts: AccessContext, nouns: &[Noun], class: seal::ClassCode) -> bool {
    nouns
        .iter()
        .flat_map(|noun| SealedField::of(*noun))
        .any(|field| field.class == class && may_hold(viewer, facts, field))
}
