//! What is wrong with an input, or odd about it, by field.

use serde::Serialize;
use utoipa::ToSchema;

use super::code::code_list;

code_list! {
    /// What is odd about an input that may still be right. The service takes the input when the sender confirms this.
    Oddity in "oddity" {
        OutsideMission = "The day lies outside the mission's dates",
        BeforeIncident = "The day lies before the incident",
        BeforeProceeding = "The day lies before the proceeding was opened",
        Differs = "Two records that become one say otherwise",
    }
}

/// One fault of an input: where, and which rule it breaks. It never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the member, `#query` parameters as `/name`.
    #[schema(example = "/victims/0/outcome")]
    pub pointer: String,
    /// What is odd, where the input is taken once that is confirmed (`confirm`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Oddity>,
    /// The rule.
    #[schema(example = "must be a code of the list outcome (see GET /v1/vocabulary)")]
    pub detail: String,
}

impl Fault {
    /// A fault at a pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: None, detail: detail.into() }
    }

    /// Something odd at a pointer.
    pub fn odd(pointer: impl Into<String>, code: Oddity, detail: impl Into<String>) -> Self {
        Self { code: Some(code), ..Self::new(pointer, detail) }
    }
}
