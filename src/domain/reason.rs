//! Why something was returned or withdrawn: a code that everybody may read, for the whole and for single fields. What words there are beside it
//! are sealed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::code::code_list;

code_list! {
    /// Why something is returned, or withdrawn.
    Reason in "reason" {
        Incomplete = "Something is missing",
        Unclear = "It is not clear",
        Contradicted = "It contradicts other information",
        NotSourced = "Its source is missing, or does not support it",
        WrongValue = "A value is wrong",
        Duplicate = "It is already recorded",
        OutOfScope = "It is out of scope",
        EnteredByMistake = "It was entered by mistake",
        SubmitterAsked = "The person who submitted it asked for this",
        Other = "Another reason: see the note",
    }
}

/// Why one field is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldReason {
    /// Pointer of the field in the record as it is shown.
    #[schema(example = "/victims/3F8K2A/outcome")]
    pub pointer: String,
    /// Why.
    pub reason: Reason,
}

/// Why something was returned or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Why, on the whole.
    pub reason: Reason,
    /// Why, field by field.
    pub fields: Vec<FieldReason>,
}

/// Whether a text is the pointer of a field (RFC 6901), and can be nothing else: names of members, handles and numbers.
pub fn is_pointer(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let name = |part: &&str| {
        (1..=40).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let handle =
        |part: &&str| part.len() == 6 && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=5).contains(&parts.len())
        && parts[0].is_empty()
        && parts[1..].iter().all(|part| name(part) || handle(part) || number(part))
        && parts.last().is_some_and(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_a_field_and_holds_no_words() {
        for good in ["/narrative", "/victims/3F8K2A/outcome", "/victims/0/outcome", "/happened_on"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "narrative",
            "/Jean",
            "/victims/3F8K2A",
            "/a b",
            "/é",
            "//x",
            "/a/b/c/d/e",
            "/victims/Jean Made-up/name",
        ] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }
}
