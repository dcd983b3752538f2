//! What a seal promises, through the crate's public edge.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use seal::{
    ClassCode, Confidential, Error, Field, Granter, KeyPlace, MasterKey, OpenedRecord, Opener, OperatorKey,
    OperatorPublic, PermittedRecord, Plain, RecordId, Sealable, Sealed, Sealer, StoredClassKey, StoredDataKey,
    StoredEpoch, StrictlyConfidential, check_recovery, generate_class_key, rewrap, rewrap_with_recovery, unlock,
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
    let keys: Vec<_> = ClassCode::ALL
        .into_iter()
        .map(|class| generate_class_key(class, &master, &operator, None, KeyPlace::FIRST).unwrap())
        .collect();
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
    let swapped = generate_class_key(ClassCode::Confidential, &master, &thief, None, KeyPlace::FIRST).unwrap();
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
    let mut key = generate_class_key(
        ClassCode::Confidential,
        &MasterKey::generate(),
        &operator,
        Some(&recipient),
        KeyPlace::FIRST,
    )
    .unwrap();
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

/// A permit for one value, with everything as the database would have it.
fn permit(house: &House, bytes: &[u8], keys: Vec<StoredDataKey>, epochs: Vec<StoredEpoch>) -> seal::Permit {
    let values = vec![(NAME, bytes.to_vec())];
    let allowed = PermittedRecord { record: RECORD, class: ClassCode::Confidential, values, data_keys: keys };
    house.granter.grant(vec![allowed], epochs)
}

#[test]
fn the_operators_signature_covers_the_class_keys_id_class_and_public_half() {
    let (master, operator) = (MasterKey::generate(), OperatorKey::generate());
    let key = |class| generate_class_key(class, &master, &operator, None, KeyPlace::FIRST).unwrap();
    let (one, other) = (key(ClassCode::Confidential), key(ClassCode::StrictlyConfidential));
    let refused = |key: StoredClassKey| {
        assert!(matches!(Sealer::new(&[key], &operator.public()).unwrap_err(), Error::Unsigned(_)));
    };
    refused(StoredClassKey { sequence: 2, ..one.clone() });
    refused(StoredClassKey { effective_from: 1, ..one.clone() });
    refused(StoredClassKey { id: other.id, ..one.clone() });
    refused(StoredClassKey { class: other.class, ..one.clone() });
    refused(StoredClassKey { public: other.public.clone(), ..one.clone() });
    refused(StoredClassKey { signature: other.signature.clone(), ..one.clone() });
    assert!(Sealer::new(&[one], &operator.public()).is_ok());
}

#[test]
fn a_wrapped_class_key_moved_to_another_id_or_class_does_not_unlock() {
    let house = house();
    let (one, other) = (&house.keys[0], &house.keys[1]);
    for moved in [
        StoredClassKey { id: other.id, ..one.clone() },
        StoredClassKey { class: other.class, ..one.clone() },
        StoredClassKey { wrapped: other.wrapped.clone(), ..one.clone() },
    ] {
        assert_eq!(unlock(&house.master, &[moved]).unwrap_err(), Error::Unopened("the class key"));
    }
}

#[test]
fn an_epoch_or_data_key_moved_elsewhere_does_not_open() {
    let house = house();
    let (bytes, keys) = house.seal("made-up name");
    let of = |class_key: [u8; 16]| house.epochs.iter().find(|epoch| epoch.class_key == class_key).unwrap().clone();
    let epoch = of(house.keys[0].id);
    let opens = |epoch: StoredEpoch, key: StoredDataKey| {
        house
            .opener
            .open(permit(&house, &bytes, vec![key], vec![epoch]))
            .is_ok_and(|opened| !opened[0].values.is_empty())
    };
    assert!(opens(epoch.clone(), keys[0].clone()));
    let renamed = StoredEpoch { id: [9; 16], ..epoch.clone() };
    assert!(!opens(renamed, StoredDataKey { epoch: [9; 16], ..keys[0].clone() }), "an epoch under another id");
    let strict = of(house.keys[1].id);
    assert!(!opens(StoredEpoch { class_key: strict.class_key, ..epoch.clone() }, keys[0].clone()), "of another class");
    assert!(!opens(StoredEpoch { sealed: strict.sealed, ..epoch.clone() }, keys[0].clone()), "another's key");
    assert!(!opens(epoch.clone(), StoredDataKey { record: RecordId([8; 16]), ..keys[0].clone() }), "another record's");
    let class = ClassCode::StrictlyConfidential;
    assert!(!opens(epoch.clone(), StoredDataKey { class, ..keys[0].clone() }), "another class's");
    assert!(!opens(epoch, StoredDataKey { id: [9; 16], ..keys[0].clone() }), "another's id");
}

#[test]
fn a_class_key_wrapped_anew_unlocks_with_the_new_master_key_alone() {
    let house = house();
    let new = MasterKey::generate();
    let mut keys = house.keys.clone();
    for key in &mut keys {
        rewrap(key, &house.master, &new).unwrap();
    }
    assert!(unlock(&new, &keys).is_ok());
    assert!(unlock(&house.master, &keys).is_err());
    assert_eq!(rewrap(&mut keys[0], &house.master, &new).unwrap_err(), Error::Unopened("the class key"));
}

#[test]
fn an_epoch_sealed_to_another_class_key_opens_what_it_did_and_the_old_key_may_go() {
    let (master, operator) = (MasterKey::generate(), OperatorKey::generate());
    let [old, new] = [(); 2].map(|()| {
        ClassCode::ALL
            .map(|class| generate_class_key(class, &master, &operator, None, KeyPlace::FIRST).unwrap())
            .to_vec()
    });
    let sealer = Sealer::new(&old, &operator.public()).unwrap();
    let mut epochs = Vec::new();
    for epoch in sealer.due().unwrap() {
        epochs.push(epoch.stored().clone());
        sealer.adopt(epoch);
    }
    let (granter, opener) = unlock(&master, &old).unwrap();
    let house = House { master, keys: old.clone(), sealer, epochs, granter, opener };
    let (bytes, data_keys) = house.seal("made-up name");
    let [new, strict] = [&new[0], &new[1]];
    let epoch = house.epochs.iter().find(|epoch| epoch.class_key == old[0].id).unwrap();

    assert!(house.opener.class_of(&new.id).is_none());
    assert!(house.opener.reseal(epoch, strict, &operator.public()).is_err());
    let thief = OperatorKey::generate();
    assert!(house.opener.reseal(epoch, new, &thief.public()).is_err(), "nobody signed it");
    let moved = house.opener.reseal(epoch, new, &operator.public()).unwrap();
    assert_eq!((moved.id, moved.class_key), (epoch.id, new.id));
    let opens = |epoch: &StoredEpoch| {
        let opened = house.opener.open(permit(&house, &bytes, data_keys.clone(), vec![epoch.clone()]));
        opened.is_ok_and(|opened| opened[0].values[0].expose() == b"made-up name")
    };
    assert!(opens(epoch) && !opens(&moved), "it does not know the new key yet");
    let destroyed = StoredClassKey { wrapped: Vec::new(), ..old[0].clone() };
    assert!(house.opener.learn(&MasterKey::generate(), std::slice::from_ref(new)).is_err());
    house.opener.learn(&house.master, &[destroyed, old[1].clone(), new.clone()]).unwrap();
    assert_eq!(house.opener.class_of(&new.id), Some(ClassCode::Confidential));
    assert!(opens(&moved) && !opens(epoch), "the old key is gone");

    house.sealer.learn(&[new.clone(), old[1].clone()], &operator.public()).unwrap();
    assert!(house.sealer.learn(std::slice::from_ref(new), &thief.public()).is_err());
    assert!(house.sealer.due().unwrap().is_empty(), "the present epochs last");
}

#[test]
fn epochs_that_became_one_open_what_they_did_and_what_was_emptied_stays_empty() {
    let operator = OperatorKey::generate();
    let master = MasterKey::generate();
    let keys = ClassCode::ALL
        .map(|class| generate_class_key(class, &master, &operator, None, KeyPlace::FIRST).unwrap())
        .to_vec();
    let [class, strict] = [&keys[0], &keys[1]];
    let (mut epochs, mut values, mut data_keys) = (Vec::new(), Vec::new(), Vec::new());
    for text in ["one", "two", "three"] {
        let sealer = Sealer::new(&keys, &operator.public()).unwrap();
        for epoch in sealer.due().unwrap() {
            if epoch.stored().class_key == class.id {
                epochs.push(epoch.stored().clone());
            }
            sealer.adopt(epoch);
        }
        let mut record = sealer.record(RECORD);
        let sealed: Sealed<Plain, Confidential> = record.seal(NAME, &Plain::from(text)).unwrap();
        values.push((NAME, sealed.stored().to_vec()));
        data_keys.extend(record.finish());
    }
    let (granter, opener) = unlock(&master, &keys).unwrap();
    data_keys[1].wrapped.clear();
    let (merged, wrapped) = opener.merge(&epochs, &data_keys, class, &operator.public()).unwrap();
    assert_eq!((wrapped.len(), merged.class_key), (2, class.id), "the emptied one is not among them");
    assert!(wrapped.iter().all(|key| key.epoch == merged.id && key.record == RECORD));
    let permitted = PermittedRecord { record: RECORD, class: ClassCode::Confidential, values, data_keys: wrapped };
    let opened = opener.open(granter.grant(vec![permitted], vec![merged])).unwrap();
    let texts: Vec<_> = opened[0].values.iter().map(|value| value.expose().to_vec()).collect();
    assert_eq!(texts, [b"one".to_vec(), b"three".to_vec()]);

    let refused = |epochs: &[StoredEpoch], keys: &[StoredDataKey], to: &StoredClassKey, by: &OperatorKey| {
        opener.merge(epochs, keys, to, &by.public()).is_err()
    };
    assert!(refused(&epochs, &data_keys, strict, &operator), "another class");
    assert!(refused(&epochs[1..], &data_keys, class, &operator), "an epoch is lacking");
    assert!(refused(&epochs, &data_keys, class, &OperatorKey::generate()), "nobody signed it");
    data_keys[0].class = ClassCode::StrictlyConfidential;
    assert!(refused(&epochs, &data_keys, class, &operator), "a data key of another class");
}

#[test]
fn an_epoch_lasts_for_ten_thousand_data_keys() {
    let house = house();
    assert!(house.sealer.due().unwrap().is_empty());
    for _ in 0..9_999 {
        house.seal("x");
    }
    assert!(house.sealer.due().unwrap().is_empty());
    house.seal("x");
    let due = house.sealer.due().unwrap();
    assert_eq!(due.len(), 1, "of the class that was used");
    assert_eq!(due[0].stored().class_key, house.keys[0].id);
}

#[test]
fn values_of_one_class_share_a_data_key_and_classes_do_not() {
    let house = house();
    let mut sealer = house.sealer.record(RECORD);
    let one: Sealed<Plain, Confidential> = sealer.seal(NAME, &Plain::from("one")).unwrap();
    let two: Sealed<Plain, Confidential> = sealer.seal(Field(2), &Plain::from("two")).unwrap();
    let strict: Sealed<Plain, StrictlyConfidential> = sealer.seal(Field(3), &Plain::from("three")).unwrap();
    let keys = sealer.finish();
    assert_eq!(keys.iter().map(|key| key.class).collect::<Vec<_>>(), ClassCode::ALL);
    let values = vec![(NAME, one.stored().to_vec()), (Field(2), two.stored().to_vec())];
    let allowed = PermittedRecord { record: RECORD, class: ClassCode::Confidential, values, data_keys: keys.clone() };
    let values = vec![(Field(3), strict.stored().to_vec())];
    let other = PermittedRecord { record: RECORD, class: ClassCode::StrictlyConfidential, values, data_keys: keys };
    let opened = house.opener.open(house.granter.grant(vec![allowed, other], house.epochs.clone())).unwrap();
    let texts: Vec<_> = opened.iter().flat_map(|record| &record.values).map(|value| value.expose().to_vec()).collect();
    assert_eq!(texts, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    assert_eq!(house.opener.opened(), 3, "each is counted");
}

#[test]
fn keys_are_read_back_from_their_files_and_names() {
    let operator = OperatorKey::generate();
    let again = OperatorKey::from_seed(&operator.seed());
    assert_eq!(again.public().to_bytes(), operator.public().to_bytes());
    let public = OperatorPublic::from_bytes(&operator.public().to_bytes()).unwrap();
    let key =
        generate_class_key(ClassCode::Confidential, &MasterKey::generate(), &operator, None, KeyPlace::FIRST).unwrap();
    assert!(Sealer::new(&[key], &public).is_ok());
    for class in ClassCode::ALL {
        assert_eq!(ClassCode::parse(class.name()), Some(class));
    }
    assert_eq!(ClassCode::parse("secret"), None);
    assert!(check_recovery(&age::x25519::Identity::generate().to_public().to_string()).is_ok());
    assert!(matches!(check_recovery("age1nonsense"), Err(Error::Recovery(_))));
}

#[test]
fn a_value_has_a_largest_size_which_the_refusal_names() {
    const MOST: usize = 2 * 1024 * 1024 - 4;
    let house = house();
    let seal = |size: usize| {
        let sealed: Result<Sealed<Plain, Confidential>, Error> =
            house.sealer.record(RECORD).seal(NAME, &Plain::from("x".repeat(size)));
        sealed
    };
    assert!(seal(MOST).is_ok());
    assert_eq!(seal(MOST + 1).unwrap_err(), Error::TooLong(MOST));
}

#[test]
fn bytes_that_cannot_be_a_seal_are_none_and_text_reads_back() {
    let house = house();
    let (bytes, _) = house.seal("made-up name");
    let stored = |bytes: Vec<u8>| Sealed::<Plain, Confidential>::from_stored(bytes);
    assert_eq!(stored(bytes.clone()).unwrap().stored(), bytes);
    let mut another_format = bytes.clone();
    another_format[0] = 9;
    for wrong in [Vec::new(), vec![1; 10], bytes[1..].to_vec(), another_format] {
        assert_eq!(stored(wrong).unwrap_err(), Error::Malformed("sealed value"));
    }
    assert_eq!(Plain::from_plain("made-up".as_bytes()).unwrap().expose(), "made-up");
    assert!(Plain::from_plain(&[0xff]).is_none());
}

#[test]
fn nothing_prints_a_key() {
    let house = house();
    let (bytes, keys) = house.seal("made-up name");
    let opened = house.open(RECORD, NAME, &bytes, &keys).unwrap();
    let said = [
        format!("{:?}", house.master),
        format!("{:?}", OperatorKey::generate()),
        format!("{:?}", house.keys[0]),
        format!("{:?}", house.sealer),
        format!("{:?}", house.sealer.record(RECORD)),
        format!("{:?}", house.granter),
        format!("{:?}", house.opener),
        format!("{:?}", permit(&house, &bytes, keys, house.epochs.clone())),
        format!("{:?}", opened[0].values[0]),
    ];
    let names = [
        "MasterKey",
        "OperatorKey",
        "StoredClassKey(confidential)",
        "Sealer",
        "RecordSealer",
        "Granter",
        "Opener",
        "Permit(1 records)",
        "OpenedValue(1)",
    ];
    assert_eq!(said, names);
    let operator = OperatorKey::generate();
    let key = |class| generate_class_key(class, &house.master, &operator, None, KeyPlace::FIRST).unwrap();
    let fresh = Sealer::new(&ClassCode::ALL.map(key), &operator.public()).unwrap();
    assert_eq!(format!("{:?}", fresh.due().unwrap()[0]), "NewEpoch");
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
