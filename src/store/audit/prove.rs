//! Proofs that anyone's tools can check: that an entry is in the tree, that one tree extends another (RFC 6962, 2.1), and the
//! tiles that hold the tree's hashes (C2SP tlog-tiles).

use diesel::prelude::*;
use tlog_tiles::{Hash, Tile, prove_record, prove_tree};

use super::checkpoint::Shown;
use super::sequencer::{Hashes, size};
use crate::store::db::Id;
use crate::store::db::schema::{audit_entry, audit_leaf};
use crate::store::{Read, Result};

/// The height of tiles, which C2SP fixes.
const HEIGHT: u8 = 8;

/// That an entry is in the tree.
#[derive(Debug, Clone)]
pub struct InclusionProof {
    /// Its place.
    pub leaf: u64,
    /// Leaves of the tree in which it is.
    pub size: u64,
    /// The entry as hashed.
    pub body: String,
    /// The salt that was hashed with it.
    pub salt: Vec<u8>,
    /// The hashes beside its way to the root.
    pub hashes: Vec<[u8; 32]>,
}

/// Level, number and width of a tile out of its path. Entries are for auditors: of data there are no tiles.
fn coordinates(path: &str) -> Option<(u8, u64, u32)> {
    let digits = |text: &str, long: usize| text.len() == long && text.bytes().all(|byte| byte.is_ascii_digit());
    let (level, rest) = path.split_once('/')?;
    let level: u8 = level.parse().ok().filter(|_| digits(level, 1)).filter(|level| *level < 8)?;
    let (number, width) = match rest.split_once(".p/") {
        None => (rest, 1 << HEIGHT),
        Some((number, width)) => {
            let plain = (1..=3).any(|long| digits(width, long)) && !width.starts_with('0');
            (number, width.parse().ok().filter(|width: &u32| plain && *width < 1 << HEIGHT)?)
        }
    };
    let parts: Vec<&str> = number.split('/').collect();
    let (last, before) = parts.split_last()?;
    if parts.len() > 5 || !digits(last, 3) {
        return None;
    }
    let mut number = 0_u64;
    for part in before {
        let part = part.strip_prefix('x').filter(|part| digits(part, 3))?;
        number = number * 1_000 + part.parse::<u64>().ok()?;
    }
    if !before.is_empty() && number == 0 {
        return None;
    }
    Some((level, number * 1_000 + last.parse::<u64>().ok()?, width))
}

fn plain(hashes: Vec<Hash>) -> Vec<[u8; 32]> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

impl Read<'_> {
    /// The proof that an entry is in the tree of a size, or of all that was placed; none when it is not.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_inclusion(&mut self, entry: Id, of: Option<u64>) -> Result<Option<InclusionProof>> {
        let row: Option<(i64, Vec<u8>, String)> = audit_leaf::table
            .inner_join(audit_entry::table.on(audit_entry::id.eq(audit_leaf::entry_id)))
            .filter(audit_leaf::entry_id.eq(entry))
            .select((audit_leaf::position, audit_entry::salt, audit_entry::body))
            .first(self.db)
            .optional()?;
        let Some((leaf, salt, body)) = row else { return Ok(None) };
        let placed = size(self.db)?;
        let size = of.unwrap_or(placed);
        let Some(leaf) = u64::try_from(leaf).ok().filter(|leaf| *leaf < size && size <= placed) else {
            return Ok(None);
        };
        let hashes = prove_record(size, leaf, &Hashes::new(self.db)).ok();
        Ok(hashes.map(|hashes| InclusionProof { leaf, size, body, salt, hashes: plain(hashes) }))
    }

    /// The proof that the tree of size `to` extends that of size `from`; none when the reader was shown no checkpoints of these sizes.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_consistency(&mut self, from: u64, to: u64, shown: Shown) -> Result<Option<Vec<[u8; 32]>>> {
        if from == 0 || from > to || !self.is_shown(from, shown)? || !self.is_shown(to, shown)? {
            return Ok(None);
        }
        Ok(prove_tree(to, from, &Hashes::new(self.db)).ok().map(plain))
    }

    /// A tile of hashes by its path below `tile/` (`0/x001/067`, `0/x001/067.p/12`); none when the newest checkpoint that the
    /// reader is shown does not cover it.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_tile(&mut self, path: &str, shown: Shown) -> Result<Option<Vec<u8>>> {
        let Some((level, number, width)) = coordinates(path) else { return Ok(None) };
        let hashes = number.checked_mul(1 << HEIGHT).and_then(|first| first.checked_add(width.into()));
        let leaves = hashes.and_then(|hashes| hashes.checked_mul(1 << (u32::from(level) * u32::from(HEIGHT))));
        match leaves {
            Some(leaves) if self.checkpoint_shown(shown)?.is_some_and(|newest| leaves <= newest.size) => {
                let tile = Tile::new(HEIGHT, level, number, width, false);
                Ok(tile.read_data(&Hashes::new(self.db)).ok())
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiles_path_is_read_as_it_is_written_and_no_other_way() {
        for (level, number, width) in
            [(0, 0, 256), (0, 67, 12), (1, 1_067, 256), (7, 999_999_999, 1), (2, 1_000_000, 255)]
        {
            let path = Tile::new(HEIGHT, level, number, width, false).path();
            let below = path.strip_prefix("tile/8/").unwrap();
            assert_eq!(coordinates(below), Some((level, number, width)), "{below}");
        }
        for wrong in [
            "",
            "0",
            "0/",
            "0/1",
            "0/0000",
            "8/000",
            "00/000",
            "+1/000",
            "0/x000/001",
            "0/001.p/0",
            "0/001.p/256",
            "0/001.p/01",
            "0/001.p/",
            "0/x1/001",
            "0/001/002",
            "data/000",
            "0/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(coordinates(wrong), None, "{wrong}");
        }
    }
}
