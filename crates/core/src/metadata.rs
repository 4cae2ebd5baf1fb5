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
