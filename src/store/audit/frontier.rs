//! The right edge of a growing tree, out of which its root is computed.

use tlog_tiles::{Hash, node_hash};

/// The roots of a growing tree: the perfect subtrees on its right edge (RFC 6962, 2.1).
#[derive(Default)]
pub(super) struct Frontier {
    pub(super) size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf; returns every hash that it completes, in the order in which they are stored.
    pub(super) fn push(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut hash = leaf;
        let mut made = vec![hash];
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(left, hash);
                made.push(hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        made
    }

    pub(super) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        peaks.next().map_or(tlog_tiles::EMPTY_HASH, |last| peaks.fold(last, |right, left| node_hash(left, right)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tlog_tiles::record_hash;

    use super::*;

    proptest! {
        #[test]
        fn the_frontier_computes_the_roots_of_rfc_6962(size in 1_u64..200) {
            fn root(leaves: &[Hash]) -> Hash {
                match leaves {
                    [one] => *one,
                    _ => {
                        let half = leaves.len().next_power_of_two() / 2;
                        node_hash(root(&leaves[..half]), root(&leaves[half..]))
                    }
                }
            }
            let leaves: Vec<Hash> = (0..size).map(|n| record_hash(&n.to_be_bytes())).collect();
            let mut frontier = Frontier::default();
            for leaf in &leaves {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.root(), root(&leaves));
        }
    }
}
