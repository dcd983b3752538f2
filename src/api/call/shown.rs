//! What a call shows: one record with its ETag, or what a POST made.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::api::problem::Problem;
use crate::domain::Noun;

/// A body of one record, with the tags that its ETag mixes in.
#[derive(Debug)]
pub struct Shown<T> {
    /// What is served.
    pub body: T,
    /// Random tags of the classes that this viewer may open or edit.
    pub tags: Vec<Vec<u8>>,
}

impl<T: Serialize> Shown<T> {
    /// A body without sealed fields.
    pub fn plain(body: T) -> Self {
        Self { body, tags: Vec::new() }
    }

    /// The ETag: a hash of the bytes served and the tags. It holds only what this viewer has seen.
    pub(super) fn etag(&self) -> Result<(String, Vec<u8>), Problem> {
        let bytes = serde_json::to_vec(&self.body).map_err(|_| Problem::of("internal"))?;
        let mut hasher = Sha256::new();
        hasher.update(&bytes);
        for tag in &self.tags {
            hasher.update(tag);
        }
        Ok((format!("\"{}\"", hex::encode(&hasher.finalize()[..16])), bytes))
    }
}

/// Whether `If-None-Match` names an ETag: weakly compared (RFC 9110, 13.1.2).
pub(super) fn is_known(known: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|one| bare(one) == etag)
}

/// What a POST made.
#[derive(Debug)]
pub struct Made {
    /// Status: 201 for a new record, 200 else.
    pub status: u16,
    /// Path of the record below `/v1/`.
    pub target: String,
}

impl Made {
    /// A new record.
    pub fn new(noun: Noun, reference: &str) -> Self {
        Self { status: 201, target: format!("{}/{reference}", noun.path()) }
    }

    /// A new child of a record.
    pub fn child(target: String) -> Self {
        Self { status: 201, target }
    }

    /// A record that was there.
    pub fn changed(noun: Noun, reference: &str) -> Self {
        Self { status: 200, target: format!("{}/{reference}", noun.path()) }
    }
}
