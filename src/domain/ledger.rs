//! Acts that narrow what somebody may see, open or do. A restored database must not undo them, so each is also a line of a ledger that
//! lies beside the backups.

use serde::{Deserialize, Serialize};

use super::Rights;

/// An act that narrows. Records and accounts are named by their permanent ids, in hexadecimal: the ledger holds no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum NarrowingAct {
    /// A person is about to be erased: written before the erasure is committed, so that a crash between the two loses nothing.
    EraseIntent {
        /// The person's record.
        record: String,
        /// Number of the approved request.
        request: String,
    },
    /// A person was erased.
    Erased {
        /// The person's record.
        record: String,
        /// Number of the approved request.
        request: String,
    },
    /// An account's rights were changed, or it was suspended: these are its rights since.
    Rights {
        /// The account.
        account: String,
        /// What it may do since.
        rights: Box<Rights>,
    },
    /// An account's password was changed: the old one is no good.
    Password {
        /// The account.
        account: String,
    },
    /// An account's second factor was taken away or replaced: the old one is no good.
    SecondFactor {
        /// The account.
        account: String,
    },
    /// A State's key for its own system was ended.
    KeyEnded {
        /// The account.
        account: String,
        /// The key.
        key: String,
    },
    /// An account's one-time links were ended.
    LinksEnded {
        /// The account.
        account: String,
    },
    /// An incident is withheld from these States.
    Withheld {
        /// The incident.
        incident: String,
        /// From whom, alpha-3.
        states: Vec<String>,
        /// Why, as a code.
        reason: String,
        /// The officer who proposed it.
        proposed_by: String,
        /// The officer who confirmed it.
        confirmed_by: String,
    },
    /// A released incident was withdrawn.
    Withdrawn {
        /// The incident.
        incident: String,
    },
    /// An amendment of a released incident was released in its place.
    Amended {
        /// The incident.
        incident: String,
        /// Number of the edition that was released.
        edition: i32,
    },
    /// A log with another key goes on from here: after a restore, a move, or what the operator accepted.
    OriginBegun {
        /// Name of the log's new origin.
        origin: String,
        /// Entries of the log when it began.
        size: u64,
    },
}

impl NarrowingAct {
    /// What the act is about: of several about one subject, the last counts.
    pub fn subject(&self) -> String {
        match self {
            Self::EraseIntent { record, .. } | Self::Erased { record, .. } => format!("erasure/{record}"),
            Self::Rights { account, .. } => format!("rights/{account}"),
            Self::Password { account } => format!("password/{account}"),
            Self::SecondFactor { account } => format!("second_factor/{account}"),
            Self::KeyEnded { account, key } => format!("key/{account}/{key}"),
            Self::LinksEnded { account } => format!("links/{account}"),
            Self::Withheld { incident, .. } => format!("withholding/{incident}"),
            Self::Withdrawn { incident } | Self::Amended { incident, .. } => format!("release/{incident}"),
            Self::OriginBegun { .. } => "origin".to_owned(),
        }
    }
}
