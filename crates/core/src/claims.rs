//! Custom claims: what an application adds to a session and its JWT (spec 01b §7).
//!
//! A worked example. Ada's session carries `{"plan":"team","seat":7}`. Authenticating it again with
//! `{"seat":null,"plan":"pro","sub":"someone else"}` leaves `{"plan":"pro"}`: `null` deletes, other
//! values replace, and the registered claim `sub` is ignored.

use std::fmt;

use serde_json::{Map, Value};

use crate::json_limits::{is_nested_within, merge_top_level, serialized_bytes};

/// Most bytes of a session's claims as compact JSON in UTF-8.
pub const BYTES_MAX: usize = 4096;
/// Deepest nesting of objects and arrays, the claims object being level one (chosen: clients with
/// recursive parsers read these objects too).
pub const LEVELS_MAX: usize = 32;
/// The registered claims (RFC 7519 §4.1), which only the server sets.
pub const RESERVED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// What the names of the server's own claims begin with.
pub const SERVER_NAMESPACE: &str = "https://stytch.com/";

/// Why custom claims cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimsError {
    /// A claim in [`SERVER_NAMESPACE`].
    ServerNamespace,
    /// The result is longer than [`BYTES_MAX`].
    TooLarge,
    /// The result is nested deeper than [`LEVELS_MAX`].
    TooDeep,
}

impl ClaimsError {
    /// The wire name.
    pub fn error_type(self) -> &'static str {
        match self {
            ClaimsError::ServerNamespace => "stytch_claims_in_custom_claims",
            ClaimsError::TooLarge => "custom_claims_too_large",
            ClaimsError::TooDeep => "unable_to_represent_custom_claims_json",
        }
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error_type())
    }
}

impl std::error::Error for ClaimsError {}

/// The claims of a session after a call that supplies `change`; for a new session `current` is empty.
///
/// Registered claims are ignored and claims of the server's namespace refused, whatever their value
/// (chosen where error names and documented behaviour disagree). The limits hold for the result.
pub fn merge(
    current: &Map<String, Value>,
    change: &Map<String, Value>,
) -> Result<Map<String, Value>, ClaimsError> {
    if change.keys().any(|key| key.starts_with(SERVER_NAMESPACE)) {
        return Err(ClaimsError::ServerNamespace);
    }
    let merged = merge_top_level(current, change.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())));
    if serialized_bytes(&merged) > BYTES_MAX {
        return Err(ClaimsError::TooLarge);
    }
    if !is_nested_within(&merged, LEVELS_MAX) {
        return Err(ClaimsError::TooDeep);
    }
    Ok(merged)
}
