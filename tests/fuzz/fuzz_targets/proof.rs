//! Checkpoints and proofs of the audit log that come from elsewhere.
#![no_main]

use casque::store::{InclusionProof, entry_is_proved, tree_is_extended};

const KEY: &str = "casque.example/audit+7a1d6f7e+AVw0ubnzRs4YYvHNGW0Xw2uCk6q5yGVdsyVxOIOaxxUp";

libfuzzer_sys::fuzz_target!(|given: (&str, &str, u64, u64, &str, Vec<[u8; 32]>, &str)| {
    let (older, newer, leaf, size, body, hashes, keys) = given;
    for keys in [KEY, keys] {
        let proof =
            InclusionProof { leaf, size, body: body.to_owned(), salt: older.as_bytes().to_vec(), hashes: hashes.clone() };
        assert!(!entry_is_proved(newer, keys, &proof) || keys != KEY, "nobody signed it");
        assert!(!tree_is_extended(older, newer, keys, &hashes) || keys != KEY, "nobody signed it");
    }
});
