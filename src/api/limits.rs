//! Bounds that several rooms of the API keep, and the paths that they are about.

/// Bodies are at most this long, in bytes; imports have their own bound.
pub const LARGEST_BODY: usize = 1 << 20;
/// An imported file is at most this long, in bytes.
pub const LARGEST_FILE: usize = 16 << 20;
/// Where files are imported.
pub(super) const IMPORTS: &str = "/v1/imports";

/// What answers without a token, below `/v1`.
pub(super) const PUBLIC: [&str; 6] = [
    "/v1/sessions",
    "/v1/sessions/refresh",
    "/v1/sessions/single-sign-on",
    "/v1/sessions/single-sign-on/completion",
    "/v1/invitations/acceptance",
    "/v1/openapi.json",
];
