//! The `Idempotency-Key` of a request.

use super::input::InputValue;
use super::problem::Problem;
use crate::store::Idempotency;

/// Reads a key, with the body that it stands for: as it was parsed, so that spaces and the order of members do not matter.
///
/// # Errors
/// 400 for a key of less than 16 or more than 200 characters.
pub fn read_key(route: &str, key: &str, body: &[u8]) -> Result<Idempotency, Problem> {
    let wrong = || Problem::of("invalid").with_detail("Idempotency-Key must have 16 to 200 characters");
    if key.chars().count() < 16 || key.len() > 200 {
        return Err(wrong());
    }
    let parsed: Option<InputValue> = serde_json::from_slice(body).ok();
    let said = |take: &mut dyn FnMut(&[u8])| match &parsed {
        Some(input) => input.canonical(take),
        None => take(body),
    };
    Idempotency::new(route, key, said).ok_or_else(wrong)
}
