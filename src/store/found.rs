//! Records that were found within a scope. What is asked about a record takes the record, and not its id: whoever asks has found it.

use super::db::Id;

/// A record that a scope gave.
pub trait Found {
    /// Its permanent id.
    fn root(&self) -> Id;
}

/// Says of records that they are found by a scope alone.
macro_rules! found {
    ($($record:ty),* $(,)?) => {
        $(impl $crate::store::Found for $record {
            fn root(&self) -> $crate::store::Id {
                self.id
            }
        })*
    };
}
pub(super) use found;
