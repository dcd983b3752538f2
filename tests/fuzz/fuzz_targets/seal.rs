//! Sealed values, data keys and epochs as a database that somebody wrote to may hold them: none opens, and nothing breaks.
#![no_main]

use std::sync::LazyLock;

use seal::{
    ClassCode, Field, Granter, MasterKey, Opener, OperatorKey, PermittedRecord, RecordId, StoredClassKey, StoredDataKey,
    StoredEpoch, KeyPlace, generate_class_key, unlock,
};

static HOUSE: LazyLock<(Granter, Opener, StoredClassKey)> = LazyLock::new(|| {
    let (master, operator) = (MasterKey::generate(), OperatorKey::generate());
    let key = generate_class_key(ClassCode::Confidential, &master, &operator, None, KeyPlace::FIRST).unwrap();
    let (granter, opener) = unlock(&master, std::slice::from_ref(&key)).unwrap();
    (granter, opener, key)
});

libfuzzer_sys::fuzz_target!(|given: (&[u8], &[u8], &[u8], [u8; 16])| {
    let (value, wrapped, sealed, id) = given;
    let (granter, opener, class_key) = &*HOUSE;
    let record = RecordId([7; 16]);
    let class = ClassCode::Confidential;
    let data_key = StoredDataKey { id, record, class, epoch: id, wrapped: wrapped.to_vec() };
    let epoch = StoredEpoch { id, class_key: class_key.id, sealed: sealed.to_vec() };
    let values = vec![(Field(1), value.to_vec())];
    let permitted = PermittedRecord { record, class, values, data_keys: vec![data_key] };
    if let Ok(opened) = opener.open(granter.grant(vec![permitted], vec![epoch])) {
        assert!(opened.iter().all(|record| record.values.is_empty()), "nobody sealed it");
    }
});
