//! What a seal promises, through the crate's public edge.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use seal::{
    ClassCode, Confidential, Error, Field, Granter, MasterKey, OpenedRecord, Opener, OperatorKey, PermittedRecord,
    Plain, RecordId, Sealed, Sealer, StoredClassKey, StoredDataKey, StoredEpoch, StrictlyConfidential,
    generate_class_key, rewrap_with_recovery, unlock,
};

struct House {
    master: MasterKey,
    keys: Vec<StoredClassKey>,
    sealer: Sealer,
    epochs: Vec<StoredEpoch>,
    granter: Granter,
    opener: Opener,
}

fn house() -> House {
    let (master, operator) = (MasterKey::generate(), OperatorKey::generate());
    let keys: Vec<_> =
        ClassCode::ALL.into_iter().map(|class| generate_class_key(class, &master, &operator, None).unwrap()).collect();
    let sealer = Sealer::new(&keys, &operator.public()).unwrap();
    let mut epochs = Vec::new();
    for epoch in sealer.due().unwrap() {
        epochs.push(epoch.stored().clone());
        sealer.adopt(epoch);
    }
    let (granter, opener) = unlock(&master, &keys).unwrap();
    House { master, keys, sealer, epochs, granter, opener }
}

const RECORD: RecordId = RecordId([7; 16]);
const NAME: Field = Field(1);

impl House {
    fn seal(&self, text: &str) -> (Vec<u8>, Vec<StoredDataKey>) {
        let mut sealer = self.sealer.record(RECORD);
        let sealed: Sealed<Plain, Confidential> = sealer.seal(NAME, &Plain::from(text)).unwrap();
        (sealed.stored().to_vec(), sealer.finish())
    }

    fn open(
        &self,
        record: RecordId,
        field: Field,
        bytes: &[u8],
        keys: &[StoredDataKey],
    ) -> Result<Vec<OpenedRecord>, Error> {
        let allowed = PermittedRecord {
            record,
            class: ClassCode::Confidential,
            values: vec![(field, bytes.to_vec())],
            data_keys: keys.to_vec(),
        };
        self.opener.open(self.granter.grant(vec![allowed], self.epochs.clone()))
    }
}

#[test]
fn a_permit_opens_what_was_sealed() {
    let house = house();
    let (bytes, keys) = house.seal("made-up name");
    let opened = house.open(RECORD, NAME, &bytes, &keys).unwrap();
    assert_eq!(opened[0].values[0].expose(), b"made-up name");
    assert_eq!(house.opener.opened(), 1);
}

#[test]
fn a_value_moved_to_another_field_or_record_does_not_open() {
    let house = house();
    let (bytes, keys) = house.seal("made-up name");
    assert!(house.open(RECORD, Field(2), &bytes, &keys).is_err());
    assert!(house.open(RecordId([8; 16]), NAME, &bytes, &keys).is_err());
}

#[test]
fn an_emptied_data_key_erases_its_values_and_breaks_nothing() {
    let house = house();
    let (bytes, mut keys) = house.seal("made-up name");
    keys[0].wrapped.clear();
    assert!(house.open(RECORD, NAME, &bytes, &keys).unwrap()[0].values.is_empty());
}

#[test]
fn a_permit_of_another_granter_is_refused() {
    let (house, other) = (house(), house());
    let (bytes, keys) = house.seal("made-up name");
    let allowed = PermittedRecord {
        record: RECORD,
        class: ClassCode::Confidential,
        values: vec![(NAME, bytes)],
        data_keys: keys,
    };
    let permit = other.granter.grant(vec![allowed], house.epochs.clone());
    assert_eq!(house.opener.open(permit).unwrap_err(), Error::ForeignPermit);
}

#[test]
fn another_master_key_unlocks_nothing() {
    let house = house();
    assert_eq!(unlock(&MasterKey::generate(), &house.keys).unwrap_err(), Error::Unopened("the class key"));
}

#[test]
fn a_public_key_swapped_in_the_database_is_refused() {
    let (master, operator, thief) = (MasterKey::generate(), OperatorKey::generate(), OperatorKey::generate());
    let swapped = generate_class_key(ClassCode::Confidential, &master, &thief, None).unwrap();
    assert_eq!(Sealer::new(&[swapped], &operator.public()).unwrap_err(), Error::Unsigned("confidential"));
}

#[test]
fn the_same_text_twice_gives_different_bytes_of_one_size() {
    let house = house();
    let (one, two) = (house.seal("made-up name").0, house.seal("made-up name").0);
    assert_ne!(one, two);
    assert_eq!(one.len(), two.len());
}

#[test]
fn a_seal_prints_its_class_and_nothing_else() {
    let house = house();
    let mut sealer = house.sealer.record(RECORD);
    let sealed: Sealed<Plain, StrictlyConfidential> = sealer.seal(NAME, &Plain::from("made-up name")).unwrap();
    assert_eq!(format!("{sealed} {sealed:?}"), "[withheld: strictly_confidential] [withheld: strictly_confidential]");
    assert_eq!(format!("{:?}", Plain::from("made-up name")), "[plain]");
    assert_eq!(sealer.finish().len(), 1);
}

#[test]
fn the_offline_recovery_key_outlives_a_lost_master_key() {
    let identity = age::x25519::Identity::generate();
    let operator = OperatorKey::generate();
    let recipient = identity.to_public().to_string();
    let mut key =
        generate_class_key(ClassCode::Confidential, &MasterKey::generate(), &operator, Some(&recipient)).unwrap();
    let master = MasterKey::generate();
    assert!(unlock(&master, std::slice::from_ref(&key)).is_err());
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    rewrap_with_recovery(&mut key, &secret, &master).unwrap();
    assert!(unlock(&master, std::slice::from_ref(&key)).is_ok());
}

#[test]
fn the_master_key_survives_its_file() {
    let house = house();
    let again = MasterKey::from_bytes(*house.master.expose());
    assert!(unlock(&again, &house.keys).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sealing_and_opening_is_the_identity_and_tells_a_bucket_only(text in ".{0,700}") {
        let house = house();
        let (bytes, keys) = house.seal(&text);
        let opened = house.open(RECORD, NAME, &bytes, &keys).unwrap();
        prop_assert_eq!(opened[0].values[0].expose(), text.as_bytes());
        prop_assert!([32, 128, 512, 2048, 8192].contains(&(bytes.len() - 45)), "{} bytes", bytes.len());
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed(at in 0_usize..77, bit in 0_u8..8) {
        let house = house();
        let (mut bytes, keys) = house.seal("made-up name");
        bytes[at] ^= 1 << bit;
        let opened = house.open(RECORD, NAME, &bytes, &keys);
        prop_assert!(opened.is_err() || opened.unwrap()[0].values.is_empty());
    }
}
