//! What waits for a person.

use super::code::code_list;

code_list! {
    /// What is to be done.
    TaskKind in "task_kind" {
        Correct = "Correct what was returned",
        Verify = "Verify",
        Release = "Release",
        Decide = "Accept or return a proposal",
        Answer = "Answer",
        Remind = "Remind of an answer that is overdue",
    }
}
