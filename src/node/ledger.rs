//! What a command writes to the ledger at once, and reads of it.

use super::background::locked;
use super::key_files::LedgerKnown;
use super::{Failed, Node};
use crate::domain::NarrowingAct;
use crate::exchange::ledger::{Head, NewLine};

impl Node {
    /// Number and hash of the ledger's last line.
    pub(crate) fn ledger_head(&self) -> Result<Head, Failed> {
        match &self.ledger {
            Some(Ok(ledger)) => Ok(locked(ledger).chain().head()),
            Some(Err(fault)) => Err(fault.clone().into()),
            None => Ok(None),
        }
    }

    /// Writes acts to the ledger at once, in every place of it.
    pub(crate) fn ledger_write(&self, lines: Vec<NewLine>) -> Result<(), Failed> {
        let (Some(key), Some(ledger)) = (&self.log_key, &self.ledger) else {
            return Err("this node keeps no ledger".into());
        };
        let added = locked(ledger.as_ref().map_err(Clone::clone)?).add(lines, key)?;
        if let Some(behind) = added.behind.first() {
            return Err(format!("the ledger: {behind} (nothing was changed)").into());
        }
        let known = self.keys.ledger_known()?;
        self.keys.ledger_remember(&LedgerKnown { head: added.head, ..known })
    }

    /// Tells the ledger that another origin of the log goes on from this size.
    pub(crate) fn origin_begun(&self, size: u64) -> Result<(), Failed> {
        let origin = self.log_key.as_ref().map(|key| key.origin().to_owned()).unwrap_or_default();
        let act = NarrowingAct::OriginBegun { origin, size };
        let at = self.store.now().and_utc();
        // Its place in the log is before the first entry of the new origin.
        let logged = size.checked_sub(1).map(|leaf| (leaf, format!("origin-{size}")));
        self.ledger_write(vec![NewLine { at, logged, act }])
    }
}
