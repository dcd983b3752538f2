//! What the store answers other than a value. One place knows what the databases' own errors mean.

use super::db;
use crate::domain::Fault;
use crate::policy::Denial;

/// What the store answers other than a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such record within scope.
    #[error("not found")]
    NotFound,
    /// The record was within scope once, and is withdrawn or concerns the viewer no longer.
    #[error("withdrawn")]
    Withdrawn,
    /// The record is not as the writer last saw it.
    #[error("stale")]
    PreconditionFailed,
    /// The record's status does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The policy denies the action.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The input contradicts what is stored.
    #[error("invalid")]
    Invalid(Vec<Fault>),
    /// The input may be right, and looks odd: it is taken once that is confirmed.
    #[error("needs confirmation")]
    NeedsConfirmation(Vec<Fault>),
    /// No connection, or a lock not had in time.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached, or takes no writes, just now.
    #[error("the database cannot be reached")]
    Unavailable,
    /// The database's disk is full: what is there can be read, and nothing can be added.
    #[error("the database's disk is full")]
    Full,
    /// A file cannot be written.
    #[error("a file cannot be written: {0}")]
    Unwritten(String),
    /// This node does not do that: it only reads, or holds no private keys.
    #[error("this node does not do that")]
    WrongNode,
    /// The class keys that the database offers are not to be trusted: nothing is sealed.
    #[error("{0}")]
    Keys(String),
    /// The audit log does not extend what this node signed or saw: nobody is signed in, and nothing is opened.
    #[error("the audit log does not extend its last checkpoint: find out why, and only then run `casque audit accept`")]
    Unproved,
    /// The database was restored, and what that undid is not confirmed yet.
    #[error("the database was restored: an officer and an administrator must confirm it first")]
    Unconfirmed,
    /// The code of the second factor was used for another act meanwhile.
    #[error("the code was used")]
    CodeUsed,
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// A row that this program did not write.
    #[error("corrupt row: {table}.{column} of {row}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Id or reference.
        row: String,
    },
    /// The database's own error, in its words, for the operator's log: no answer repeats them. What it quotes of a row is left out.
    #[error("database: {0}")]
    Database(String),
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error as E};
        if db::is_full(&error) {
            return Self::Full;
        }
        if db::is_away(&error) {
            return Self::Unavailable;
        }
        if db::is_time_out(&error) {
            return Self::Busy;
        }
        match error {
            E::NotFound => Self::NotFound,
            // Two writers made the same thing at once: whoever tries again finds it made.
            E::DatabaseError(Kind::SerializationFailure | Kind::UniqueViolation, _) => Self::Busy,
            E::DatabaseError(_, ref info) if info.message().contains("database is locked") => Self::Busy,
            E::DatabaseError(_, ref info) if info.message().contains("deadlock detected") => Self::Busy,
            E::DatabaseError(_, info) => Self::Database(words(info.message(), info.constraint_name())),
            other => Self::Database(words(&other.to_string(), None)),
        }
    }
}

/// What a database said, without the values that it quotes (`invalid input syntax for type date: "…"`).
fn words(message: &str, constraint: Option<&str>) -> String {
    let line = message.lines().next().unwrap_or_default();
    let told = line.split_once(": \"").map_or(line, |(told, _)| told);
    match constraint.filter(|constraint| !told.contains(*constraint)) {
        Some(constraint) => format!("{told} ({constraint})"),
        None => told.to_owned(),
    }
}

impl From<db::BeginError> for Error {
    fn from(why: db::BeginError) -> Self {
        match why {
            db::BeginError::Busy => Self::Busy,
            db::BeginError::Database(error) => error.into(),
        }
    }
}

impl db::IsAway for Error {
    fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
