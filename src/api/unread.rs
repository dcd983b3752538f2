//! Bodies that are being read: so many of one network, and no more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use crate::identity::Network;

/// Bodies that are being read, by network: an IPv4 /24, an IPv6 /48.
#[derive(Debug, Clone, Default)]
pub struct Arriving(Arc<Mutex<HashMap<Network, usize>>>);

/// One body that is being read.
#[derive(Debug)]
pub struct Unread(Arriving, Network);

impl Arriving {
    /// Begins one, unless `most` of the network are being read.
    pub(super) fn begin(&self, from: Network, most: usize) -> Option<Unread> {
        let mut unread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = unread.entry(from).or_insert(0);
        if *held >= most {
            return None;
        }
        *held += 1;
        Some(Unread(self.clone(), from))
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let mut unread = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut held) = unread.entry(self.1) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}
