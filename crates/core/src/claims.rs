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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("not an object: {other}"),
        }
    }

    #[track_caller]
    fn check(current: Value, change: Value, expected: Value) {
        assert_eq!(merge(&object(current), &object(change)), Ok(object(expected)));
    }

    #[track_caller]
    fn refused(current: Value, change: Value, error_type: &str) {
        let error = merge(&object(current), &object(change)).unwrap_err();
        assert_eq!(error.error_type(), error_type);
    }

    #[test]
    fn null_deletes_and_other_values_replace() {
        check(json!({"plan": "team", "seat": 7}), json!({"plan": "pro"}), json!({"plan": "pro", "seat": 7}));
        check(json!({"plan": "team", "seat": 7}), json!({"seat": null}), json!({"plan": "team"}));
        check(json!({"a": {"b": 1}}), json!({"a": {"c": 2}}), json!({"a": {"c": 2}}));
        check(json!({"a": 1}), json!({}), json!({"a": 1}));
    }

    #[test]
    fn registered_claims_are_ignored_whatever_their_value() {
        for claim in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
            for value in [json!("x"), json!(0), json!(null)] {
                let mut change = object(json!({"plan": "pro"}));
                change.insert(claim.to_owned(), value);
                check(json!({}), Value::Object(change), json!({"plan": "pro"}));
            }
        }
        // Only at the top level, and only these exact names.
        check(json!({}), json!({"a": {"sub": 1}, "SUB": 2}), json!({"a": {"sub": 1}, "SUB": 2}));
    }

    #[test]
    fn the_namespace_of_the_server_is_refused() {
        for claim in ["https://stytch.com/session", "https://stytch.com/organization", "https://stytch.com/"]
        {
            for value in [json!({"roles": ["stytch_admin"]}), json!(null)] {
                let mut change = Map::new();
                change.insert(claim.to_owned(), value);
                refused(json!({}), Value::Object(change), "stytch_claims_in_custom_claims");
            }
        }
        let elsewhere = json!({"https://stytch.com.acme.com/x": 1, "https://acme.com/plan": "pro"});
        check(json!({}), elsewhere.clone(), elsewhere);
    }

    #[test]
    fn four_kilobytes_of_the_result_are_the_most() {
        let sized = |bytes: usize| json!({"a": "x".repeat(bytes - 8)});
        check(json!({}), sized(4096), sized(4096));
        refused(json!({}), sized(4097), "custom_claims_too_large");
        refused(sized(4096), json!({"b": 1}), "custom_claims_too_large");
        check(sized(4096), json!({"a": null, "b": 1}), json!({"b": 1}));
        // What is ignored does not count.
        check(json!({}), json!({"sub": "x".repeat(5000)}), json!({}));
    }

    #[test]
    fn thirty_two_levels_are_the_most() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
        check(json!({}), nested(32), nested(32));
        refused(json!({}), nested(33), "unable_to_represent_custom_claims_json");
    }
}
