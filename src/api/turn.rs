//! Turns at what is long and costly: so many at once on a node, and one for each account, so that nobody takes them all.

use std::sync::{Arc, Mutex, PoisonError};

use super::problem::Problem;

/// The turns at one kind of work.
#[derive(Debug, Clone)]
pub struct Turns {
    most: usize,
    taken: Arc<Mutex<Vec<[u8; 16]>>>,
}

impl Turns {
    /// So many at once.
    pub(super) fn of(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// How many are taken.
    pub(super) fn running(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes a turn for an account, which gives it back when it is dropped.
    ///
    /// # Errors
    /// `busy`, when all are taken, or this account has one.
    pub(super) fn take(&self, account: [u8; 16]) -> Result<Turn, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains(&account) {
            return Err(
                Problem::of("busy").with_detail("You already have an export or import running. Wait until it ends.")
            );
        }
        if taken.len() >= self.most {
            return Err(Problem::of("busy"));
        }
        taken.push(account);
        Ok(Turn { of: self.clone(), account })
    }
}

/// A turn that was taken.
pub(super) struct Turn {
    of: Turns,
    account: [u8; 16],
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.taken.lock().unwrap_or_else(PoisonError::into_inner).retain(|account| *account != self.account);
    }
}

/// The turns at exports on a node: each holds a connection.
pub(super) fn export_turns() -> Turns {
    Turns::of(4)
}

/// The turns at imports on a node: each holds a whole file.
pub(super) fn import_turns() -> Turns {
    Turns::of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_turn_and_a_node_so_many() {
        let turns = Turns::of(2);
        let first = turns.take([1; 16]).unwrap();
        assert!(turns.take([1; 16]).is_err(), "one for each account");
        let _second = turns.take([2; 16]).unwrap();
        assert!(turns.take([3; 16]).is_err(), "two on the node");
        drop(first);
        assert_eq!(turns.running(), 1);
        assert!(turns.take([1; 16]).is_ok());
    }
}
