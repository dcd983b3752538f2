//! The act of opening: the desk owns the one [`Opener`], takes a committed decision with its permit, and opens what the
//! permit carries. A disclosure's way is five rooms down and none back: api, disclosure, store, policy, seal.

mod likeness;

use std::collections::HashMap;

use seal::{MasterKey, Opener, OperatorPublic, Plain, Sealable, StoredClassKey, StoredDataKey, StoredEpoch};

use crate::domain::Purpose;
use crate::policy::{Refusal, Viewer};
use crate::store::{
    Asked, Disclosed, DisclosureAsk, DisclosureOutcome, EditionAsk, FactorUse, KnownPerson, MatchAsk, MatchOutcome,
    Matching, Mergeable, OpenableRecord, RefusedField, Store,
};
use likeness::{ALIKE, Name};

/// The disclosure desk of a node that holds private keys.
#[derive(Debug)]
pub struct Desk {
    opener: Opener,
}

/// A record, opened as far as the policy allows.
#[derive(Debug)]
pub struct Opened {
    /// Path of the record.
    pub path: String,
    /// Field and value; `None` where the field holds nothing.
    pub fields: Vec<(&'static str, Option<Plain>)>,
}

/// What a disclosure gave.
#[derive(Debug)]
pub struct Given {
    /// Id of the disclosure.
    pub id: String,
    /// When (UTC).
    pub at: chrono::NaiveDateTime,
    /// Why.
    pub purpose: Purpose,
    /// By when another officer reviews it (UTC), where nobody had approved.
    pub review_due_at: Option<chrono::NaiveDateTime>,
    /// Opened records.
    pub records: Vec<Opened>,
    /// Fields that stay sealed.
    pub refused: Vec<RefusedField>,
}

/// A record of somebody whose name is like the one that was asked about.
#[derive(Debug)]
pub struct Alike {
    /// Its path.
    pub path: String,
    /// How alike the names are, in thousandths.
    pub likeness: u16,
}

/// So many are told, and so many go to the Secretariat, the most alike first.
const MOST_ALIKE: usize = 20;

/// The likeness of the closest of several names that were written in one field.
fn closest(asked: &Name, written: &str) -> u16 {
    written.split([';', '/', '\n', '،', '、']).map(|one| asked.likeness(&Name::of(one))).max().unwrap_or(0)
}

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// The policy refuses, and the refusal is on the record.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// The store failed before anything was granted.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A ciphertext did not open, though granted: it was damaged or moved.
    #[error("a sealed value does not open: {0}")]
    Damaged(#[from] seal::Error),
}

impl Desk {
    /// A desk with its opener.
    pub fn new(opener: Opener) -> Self {
        Self { opener }
    }

    /// Makes a disclosure, of one record or of a file of them: decided, logged and committed by the store, then opened here.
    ///
    /// # Errors
    /// [`NotGiven`].
    pub fn disclose(&self, store: &Store, viewer: &Viewer, ask: &DisclosureAsk) -> Result<Given, NotGiven> {
        self.hand_out(store.disclose(viewer, ask)?)
    }

    /// Opens the edition that a mission's desk works on.
    ///
    /// # Errors
    /// [`NotGiven`].
    pub fn disclose_edition(&self, store: &Store, viewer: &Viewer, ask: &EditionAsk) -> Result<Given, NotGiven> {
        self.hand_out(store.disclose_edition(viewer, ask)?)
    }

    fn hand_out(&self, outcome: DisclosureOutcome) -> Result<Given, NotGiven> {
        let (Disclosed { id, at, purpose, review_due_at, records, refused }, permit) = match outcome {
            DisclosureOutcome::Granted(disclosed, permit) => (disclosed, permit),
            DisclosureOutcome::Refused(_, refusal) => return Err(NotGiven::Refused(refusal)),
        };
        let opened = self.opener.open(permit)?;
        let mut values: HashMap<([u8; 16], u16), Plain> = HashMap::new();
        for record in &opened {
            for value in &record.values {
                if let Some(plain) = Plain::from_plain(value.expose()).filter(|plain| !plain.expose().is_empty()) {
                    values.insert((record.record.0, value.field.0), plain);
                }
            }
        }
        let records = records
            .into_iter()
            .map(|OpenableRecord { record, path, noun: _, granted }| Opened {
                path,
                fields: granted.iter().map(|field| (field.name, values.remove(&(record.0, field.code)))).collect(),
            })
            .collect();
        Ok(Given { id, at, purpose, review_due_at, records, refused })
    }

    /// Opens the note of what somebody asks to open, or opened in an emergency, for the officer who agrees to it.
    ///
    /// # Errors
    /// [`NotGiven`].
    pub fn note(
        &self,
        store: &Store,
        viewer: &Viewer,
        of: Asked,
        given: &FactorUse,
    ) -> Result<Option<Plain>, NotGiven> {
        let opened = self.opener.open(store.note_begin(viewer, of, given)?)?;
        let written = opened.iter().flat_map(|record| &record.values);
        Ok(written.filter_map(|value| Plain::from_plain(value.expose())).find(|plain| !plain.expose().is_empty()))
    }

    /// Looks for a person by name among all that are known: names are opened here, compared, and forgotten. What is alike within
    /// the asker's scope is given; what is elsewhere goes to the Secretariat.
    ///
    /// # Errors
    /// [`NotGiven`].
    pub fn find(
        &self,
        store: &Store,
        viewer: &Viewer,
        ask: &MatchAsk,
        name: &Plain,
    ) -> Result<(Matching, Vec<Alike>), NotGiven> {
        let (matching, permit) = match store.match_begin(viewer, ask)? {
            MatchOutcome::Granted(matching, permit) => (matching, permit),
            MatchOutcome::Refused(refusal) => return Err(NotGiven::Refused(refusal)),
        };
        let asked = Name::of(name.expose());
        let mut scores: HashMap<[u8; 16], u16> = HashMap::new();
        let mut damaged = 0_u32;
        for record in self.opener.open_each(permit)? {
            // One name that somebody damaged keeps nobody else's from being found.
            let Ok(record) = record else {
                damaged += 1;
                continue;
            };
            let text = |value: &seal::OpenedValue| Plain::from_plain(value.expose());
            let best = record.values.iter().filter_map(text).map(|known| closest(&asked, known.expose())).max();
            if let Some(best) = best.filter(|best| *best >= ALIKE) {
                scores.insert(record.record.0, best);
            }
        }
        if damaged > 0 {
            tracing::error!(damaged, "sealed names do not open");
        }
        let scored = |known: &'_ KnownPerson| scores.get(&known.record.0).copied();
        let mut found: Vec<(&KnownPerson, u16)> =
            matching.known.iter().filter_map(|known| Some((known, scored(known)?))).collect();
        found.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.path.cmp(&other.path)));
        let mut left = [MOST_ALIKE; 2];
        found.retain(|(known, _)| {
            let of = &mut left[usize::from(known.in_scope)];
            let is_kept = *of > 0;
            *of = of.saturating_sub(1);
            is_kept
        });
        store.match_end(viewer, &matching, &found)?;
        let told = found.iter().filter(|(known, _)| known.in_scope);
        let told = told.map(|(known, likeness)| Alike { path: known.path.clone(), likeness: *likeness }).collect();
        Ok((matching, told))
    }

    /// Opens one value of each class that holds any, and shows none of them: whether a copy of a database opens with these
    /// keys. Gives the classes that opened.
    ///
    /// # Errors
    /// The store's; that a value does not open.
    pub fn prove(&self, store: &Store, viewer: &Viewer) -> Result<Vec<&'static str>, NotGiven> {
        let mut opened = Vec::new();
        for (class, permit) in store.prove(viewer)? {
            let values: usize = self.opener.open(permit)?.iter().map(|record| record.values.len()).sum();
            if values > 0 {
                opened.push(class.name());
            }
        }
        Ok(opened)
    }

    /// Whether it has the private halves of these class keys, but for those that were destroyed.
    pub fn knows(&self, keys: &[StoredClassKey]) -> bool {
        keys.iter().all(|key| key.wrapped.is_empty() || self.opener.class_of(&key.id).is_some())
    }

    /// Takes these class keys in place of its own: another was made.
    ///
    /// # Errors
    /// When the master key is not theirs; then it knows what it knew.
    pub fn learn(&self, master: &MasterKey, keys: &[StoredClassKey]) -> Result<(), seal::Error> {
        self.opener.learn(master, keys)
    }

    /// Seals epochs to the class key of their class that is sealed to now; opens no value.
    ///
    /// # Errors
    /// When one does not open.
    pub fn reseal(
        &self,
        epochs: &[StoredEpoch],
        current: &[StoredClassKey],
        operator: &OperatorPublic,
    ) -> Result<Vec<StoredEpoch>, seal::Error> {
        let to = |epoch: &StoredEpoch| {
            let class = self.opener.class_of(&epoch.class_key);
            current.iter().find(|key| Some(key.class) == class).ok_or(seal::Error::Malformed("epoch"))
        };
        epochs.iter().map(|epoch| self.opener.reseal(epoch, to(epoch)?, operator)).collect()
    }

    /// Makes one epoch of several, sealed to the class key of their class that is sealed to now; opens no value.
    ///
    /// # Errors
    /// When one does not open.
    pub fn merge(
        &self,
        of: &Mergeable,
        current: &[StoredClassKey],
        operator: &OperatorPublic,
    ) -> Result<(StoredEpoch, Vec<StoredDataKey>), seal::Error> {
        let to = current.iter().find(|key| key.class == of.class).ok_or(seal::Error::Malformed("epoch"))?;
        self.opener.merge(&of.epochs, &of.data_keys, to, operator)
    }

    /// How many values this desk has opened since the node started. Reads leave it still.
    pub fn opened(&self) -> u64 {
        self.opener.opened()
    }
}

/// A door for the fuzzer alone (`tests/fuzz`).
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::likeness::Name;

    /// Compares two names.
    pub fn likeness(one: &str, other: &str) {
        let (one, other) = (Name::of(one), Name::of(other));
        assert_eq!(one.likeness(&other), other.likeness(&one));
        assert!(one.is_empty() || one.likeness(&one) == 1000);
    }
}
