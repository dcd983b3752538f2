//! Why a person is erased.

use super::code::code_list;

code_list! {
    /// Why a person's sealed values are erased.
    ErasureReason in "erasure_reason" {
        PersonAsked = "The person asked for it",
        FamilyAsked = "The family asked for it",
        CourtOrder = "A court ordered it",
        WrongPerson = "The record is of the wrong person",
        RetentionOver = "The retention period is over",
        Other = "Other",
    }
}
