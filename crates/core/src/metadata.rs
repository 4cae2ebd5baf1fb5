//! Metadata: the JSON objects that an application hangs on organizations, members and M2M clients
//! (spec 01a §4).
//!
//! A worked example. Ada's `untrusted_metadata` is `{"theme":"dark","tips":{"seen":true}}`. An update
//! with `{"theme":null,"tips":{"count":2}}` leaves `{"tips":{"count":2}}`: the merge is at the top
//! level only, `null` deletes a key, and nested objects are replaced whole.

use std::fmt;

use serde_json::{Map, Value};

use crate::json_limits::{is_nested_within, merge_top_level, serialized_bytes};

/// Most top-level keys.
pub const KEYS_MAX: usize = 20;
/// Most bytes as compact JSON in UTF-8.
pub const BYTES_MAX: usize = 4096;
/// Deepest nesting of objects and arrays, the metadata object being level one (chosen: clients with
/// recursive parsers read these objects too).
pub const LEVELS_MAX: usize = 32;

/// Why metadata cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataError {
    /// The result has more than [`KEYS_MAX`] keys.
    TooManyKeys,
    /// The result is longer than [`BYTES_MAX`].
    TooLarge,
    /// The result is nested deeper than [`LEVELS_MAX`].
    TooDeep,
}

impl MetadataError {
    /// The wire name.
    pub fn error_type(self) -> &'static str {
        match self {
            MetadataError::TooManyKeys => "metadata_too_many_keys",
            MetadataError::TooLarge => "metadata_too_large",
            MetadataError::TooDeep => "metadata_invalid_format",
        }
    }
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error_type())
    }
}

impl std::error::Error for MetadataError {}

/// The metadata after an update. The limits hold for the result, not for the change.
pub fn merge(
    current: &Map<String, Value>,
    change: &Map<String, Value>,
) -> Result<Map<String, Value>, MetadataError> {
    let merged = merge_top_level(current, change);
    if merged.len() > KEYS_MAX {
        return Err(MetadataError::TooManyKeys);
    }
    if serialized_bytes(&merged) > BYTES_MAX {
        return Err(MetadataError::TooLarge);
    }
    if !is_nested_within(&merged, LEVELS_MAX) {
        return Err(MetadataError::TooDeep);
    }
    Ok(merged)
}

/// The metadata of a new object: what was given without its `null` keys.
pub fn validate_new(given: &Map<String, Value>) -> Result<Map<String, Value>, MetadataError> {
    merge(&Map::new(), given)
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

    /// An object of `count` keys.
    fn keys(count: usize) -> Value {
        (0..count).map(|i| (format!("key{i}"), json!(i))).collect::<Map<_, _>>().into()
    }

    /// An object of exactly `bytes` bytes: `{"a":"…"}` is eight bytes around its text.
    fn sized(bytes: usize) -> Value {
        json!({"a": "x".repeat(bytes - 8)})
    }

    /// An object of `levels` levels.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({"a": inner}))
    }

    #[test]
    fn the_merge_is_at_the_top_level_only() {
        check(
            json!({"theme": "dark", "tips": {"seen": true}}),
            json!({"theme": null, "tips": {"count": 2}}),
            json!({"tips": {"count": 2}}),
        );
        check(json!({"a": 1}), json!({}), json!({"a": 1}));
        check(json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]}));
        check(json!({}), json!({"gone": null}), json!({}));
        check(json!({"a": 1}), json!({"a": {"b": null}}), json!({"a": {"b": null}}));
        check(json!({"a": 1}), json!({"a": false, "b": ""}), json!({"a": false, "b": ""}));
    }

    #[test]
    fn twenty_keys_are_the_most() {
        check(json!({}), keys(20), keys(20));
        refused(json!({}), keys(21), "metadata_too_many_keys");
        refused(keys(20), json!({"one more": 1}), "metadata_too_many_keys");
        let swapped = merge(&object(keys(20)), &object(json!({"key0": null, "new": 1})));
        assert_eq!(swapped.map(|merged| merged.len()), Ok(20), "the limit holds for the result");
    }

    #[test]
    fn four_kilobytes_are_the_most() {
        check(json!({}), sized(4096), sized(4096));
        refused(json!({}), sized(4097), "metadata_too_large");
        refused(sized(4096), json!({"b": 1}), "metadata_too_large");
        check(sized(4096), json!({"a": 1}), json!({"a": 1}));
        // Bytes, not characters: `é` is two in UTF-8, a line feed is two as `\n`.
        refused(json!({}), json!({"a": "é".repeat(2045)}), "metadata_too_large");
        refused(json!({}), json!({"a": "\n".repeat(2045)}), "metadata_too_large");
        check(json!({}), json!({"a": "é".repeat(2044)}), json!({"a": "é".repeat(2044)}));
    }

    #[test]
    fn thirty_two_levels_are_the_most() {
        check(json!({}), nested(32), nested(32));
        refused(json!({}), nested(33), "metadata_invalid_format");
    }

    #[test]
    fn new_metadata_has_no_null_keys() {
        let given = object(json!({"a": null, "b": 1}));
        assert_eq!(validate_new(&given), Ok(object(json!({"b": 1}))));
        assert_eq!(validate_new(&object(keys(21))), Err(MetadataError::TooManyKeys));
    }
}
