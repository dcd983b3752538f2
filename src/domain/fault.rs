//! What is wrong with an input, by field.

use serde::Serialize;
use utoipa::ToSchema;

/// One fault of an input: where, and which rule it breaks. It never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the member, `#query` parameters as `/name`.
    #[schema(example = "/victims/0/outcome")]
    pub pointer: String,
    /// The rule.
    #[schema(example = "must be a code of the list outcome (see GET /v1/vocabulary)")]
    pub detail: String,
}

impl Fault {
    /// A fault at a pointer.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}
