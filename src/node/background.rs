//! What keeps a node while a server runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use seal::MasterKey;

use super::Failed;
use super::key_files::{KeyFiles, LedgerKnown};
use crate::disclosure::Desk;
use crate::exchange::ledger::{Added, Head, Ledger, NewLine};
use crate::identity::Identity;
use crate::store::{Access, Checkpoint, LogKey, LogStanding, Store};

pub(crate) fn locked(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The background tasks of a node that serves. They read and send heartbeats, place audit entries, ship narrowing acts to the ledger, fold
/// tallies and sign the tree, as far as the node may. They watch that the log extends what was signed, and read keys again.
pub struct BackgroundTasks {
    pub(super) store: Arc<Store>,
    pub(super) identity: Arc<Identity>,
    pub(super) desk: Option<Arc<Desk>>,
    pub(super) keys: KeyFiles,
    pub(super) log_key: Option<LogKey>,
    pub(super) ledger: Option<Result<Mutex<Ledger>, String>>,
    /// The place of the log up to which acts are in the ledger.
    pub(super) shipped: AtomicU64,
}

impl std::fmt::Debug for BackgroundTasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackgroundTasks")
    }
}

impl BackgroundTasks {
    /// Reads the heartbeat, and sends one where the node writes.
    ///
    /// # Errors
    /// The store's.
    pub fn heartbeat(&self) -> Result<(), Failed> {
        Ok(self.store.heartbeat()?)
    }

    /// Reads the keys of tokens and the class keys again: others may have been made.
    ///
    /// # Errors
    /// One sentence; the keys stay as they were.
    pub fn keys(&self) -> Result<(), Failed> {
        let public = self.store.signs_in().is_err();
        self.identity.take_keys(self.keys.token_keys(public)?);
        if let Some(desk) = &self.desk {
            let classes = self.store.class_keys()?;
            if !desk.knows(&classes) {
                let master =
                    self.keys.seed("master.key")?.ok_or("master.key is missing, and another class key was made")?;
                desk.learn(&MasterKey::from_bytes(*master), &classes)?;
            }
            self.store.class_keys_open(&classes);
        }
        if self.store.access() == Access::ReadOnly {
            return Ok(());
        }
        let keys = self.store.sealing_keys()?;
        self.store.judge_sealing_keys(&keys)?;
        self.keys.class_keys_remember(&self.store.class_keys_seen())
    }

    /// Looks whether the log goes on from what this node signed, or saw signed. While it does not, nobody is signed in here and nothing is
    /// opened.
    ///
    /// # Errors
    /// The store's; that it does not.
    pub fn watch(&self) -> Result<(), Failed> {
        let holds = match &self.log_key {
            Some(key) => match self.keys.last_checkpoint(key)? {
                Some(last) => self.store.audit_extends(&last)?,
                None => true,
            },
            None => self.store.audit_goes_on()?,
        };
        self.store.log_stands(if holds { LogStanding::Holds } else { LogStanding::Broken });
        if holds { Ok(()) } else { Err(Box::new(crate::store::Error::Unproved)) }
    }

    /// Places waiting audit entries, ships acts to the ledger, and folds what changed into the tallies.
    ///
    /// # Errors
    /// The store's; the ledger's.
    pub fn place(&self) -> Result<(), Failed> {
        self.watch()?;
        if self.log_key.is_none() {
            return Ok(());
        }
        while self.store.audit_sequence()? > 0 {}
        self.store.tally_fold()?;
        self.ship(false)
    }

    /// Adds to the ledger what narrows and was placed in the log since. `all` brings places that were away up to date, too.
    fn ship(&self, all: bool) -> Result<(), Failed> {
        let (Some(key), Some(ledger)) = (&self.log_key, &self.ledger) else { return Ok(()) };
        let mut ledger = locked(ledger.as_ref().map_err(Clone::clone)?);
        let from = self.shipped.load(Ordering::Acquire);
        self.shipped.store(ship(&self.store, &self.keys, key, &mut ledger, from, all)?, Ordering::Release);
        Ok(())
    }

    fn ledger_head(&self) -> Head {
        self.ledger.as_ref().and_then(|ledger| locked(ledger.as_ref().ok()?).chain().head())
    }

    /// Signs the tree as it is.
    ///
    /// # Errors
    /// The store's; that the tree does not extend its last checkpoint.
    pub fn sign(&self) -> Result<(), Failed> {
        self.place()?;
        let Some(key) = &self.log_key else { return Ok(()) };
        // The tree is signed even while the ledger's places are away: that is told by itself.
        let shipped = self.ship(true);
        let last: Option<Checkpoint> = self.keys.last_checkpoint(key)?;
        if let Some(checkpoint) = self.store.audit_checkpoint(key, last.as_ref(), self.ledger_head().as_ref())? {
            self.keys.keep_checkpoint(&checkpoint)?;
        }
        self.store.idempotency_forget()?;
        self.store.log_signed();
        shipped
    }
}

/// The place of the log up to which acts are in the ledger already.
pub(super) fn shipped_to(keys: &KeyFiles, key: &LogKey, ledger: &Ledger) -> u64 {
    let in_chain = ledger.chain().shipped(key.origin());
    match keys.ledger_known().ok().and_then(|known| known.shipped) {
        // What is remembered spares reading the log again, as long as the ledger is the one that was remembered.
        Some((origin, leaf)) if origin == key.origin() && ledger.chain().head().is_some() => leaf.max(in_chain),
        _ => in_chain,
    }
}

/// Adds to the ledger the acts that the log has from a place on. Gives the place up to which it has them now.
pub(super) fn ship(
    store: &Store,
    keys: &KeyFiles,
    key: &LogKey,
    ledger: &mut Ledger,
    mut from: u64,
    all: bool,
) -> Result<u64, Failed> {
    let mut new = Vec::new();
    loop {
        let (acts, next) = store.acts_since(from)?;
        new.extend(acts.into_iter().map(|logged| NewLine {
            at: logged.at.and_utc(),
            logged: Some((logged.leaf, logged.entry)),
            act: logged.act,
        }));
        if next == from {
            break;
        }
        from = next;
    }
    if all || !new.is_empty() {
        // A backup may have named another place meanwhile.
        for place in &keys.ledger_known()?.places {
            ledger.add_place(place);
        }
        let Added { head, behind } = ledger.add(new, key)?;
        for place in &behind {
            tracing::warn!(%place, "the ledger");
        }
        let known = keys.ledger_known()?;
        keys.ledger_remember(&LedgerKnown { head, shipped: Some((key.origin().to_owned(), from)), ..known })?;
        store.ledger_shipped(behind);
    } else {
        store.ledger_reached();
    }
    Ok(from)
}
