//! References: what people write in letters. The last part is random, so that references count nothing.

use std::fmt;

use rand::{Rng, RngExt};

use super::Noun;

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The reference of a record: an incident's is `MINUSMA-2019-7KQ4`; other nouns have a letter before (`C-` a case, `P-` a
/// proceeding, `A-` assistance), so that a reference tells its noun.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    /// A new random reference for a noun under a mission or State (`stem`) and a year.
    pub fn random(noun: Noun, stem: &str, year: i32, rng: &mut impl Rng) -> Self {
        let stem: String = stem.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        Self(format!("{}{stem}-{year:04}-{}", noun.spec().prefix, suffix(4, rng)))
    }

    /// Reads a reference of that noun; Crockford's look-alikes and small letters are taken as meant.
    pub fn parse(noun: Noun, text: &str) -> Option<Self> {
        let body = text.strip_prefix(noun.spec().prefix)?;
        let mut parts = body.split('-');
        let (stem, year, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let is_code =
            |part: &str| !part.is_empty() && part.len() <= 16 && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if parts.next().is_some()
            || !is_code(stem)
            || !is_code(tail)
            || year.len() != 4
            || !year.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let stem = stem.to_ascii_uppercase();
        let tail: String = tail
            .to_ascii_uppercase()
            .chars()
            .map(|c| match c {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            })
            .collect();
        tail.bytes().all(|b| ALPHABET.contains(&b)).then(|| Self(format!("{}{stem}-{year}-{tail}", noun.spec().prefix)))
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A random handle of a child (victim, suspect): numbers would count the hidden.
pub fn handle(rng: &mut impl Rng) -> String {
    suffix(6, rng)
}

fn suffix(length: usize, rng: &mut impl Rng) -> String {
    (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use strum::VariantArray;

    #[test]
    fn a_reference_is_read_as_people_write_it() {
        let read = |text| Reference::parse(Noun::Incident, text).map(|r| r.to_string());
        assert_eq!(read("minusma-2019-7kq4").as_deref(), Some("MINUSMA-2019-7KQ4"));
        assert_eq!(read("MINUSMA-2019-OIL4").as_deref(), Some("MINUSMA-2019-0114"));
        for wrong in
            ["", "MINUSMA", "MINUSMA-19-7KQ4", "MINUSMA-2019-7KU4", "MINUSMA-2019-7KQ4-1", "C-MINUSMA-2019-7KQ4"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_made_is_read_back(seed: u64, year in 1948_i32..2100) {
            let mut rng = rand::rngs::SmallRng::seed_from_u64(seed);
            for noun in Noun::VARIANTS.iter().copied().filter(|noun| noun.spec().openable) {
                let made = Reference::random(noun, "OSE-Syria", year, &mut rng);
                prop_assert_eq!(Reference::parse(noun, made.as_str()), Some(made));
            }
        }
    }
}
