//! Cursors: where the next page begins, in a form that only this server makes and that fits only one search.
//!
//! A cursor is the key of the last row, followed by a keyed hash over it, the environment and the search. So one that
//! was altered, made up, taken from another project or used with other filters is refused (spec 06 R-50); what it says
//! is typed and bound as parameters nevertheless.

use crate::cx::{Cx, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::time::Timestamp;
use ostiary_proto::hash::{constant_time_eq, hmac_sha256};
use ostiary_store::search::Position;
use serde::Serialize;
use uuid::Uuid;

const KEY_PURPOSE: &str = "search cursors";
const TIME_BYTES: usize = 8;
const ID_BYTES: usize = 16;
const CONTENT_BYTES: usize = TIME_BYTES + ID_BYTES;
const CURSOR_BYTES: usize = CONTENT_BYTES + 32;
/// The longest text that is decoded: more than any cursor has.
const CURSOR_CHARS_MAX: usize = 128;

/// The search that cursors belong to.
pub(super) struct Binding {
    key: [u8; 32],
    env: i64,
    query: Vec<u8>,
}

impl Binding {
    /// Binds cursors to the environment and to a search, whatever page and page size are asked for.
    pub(super) fn new(cx: &Cx, query: &impl Serialize) -> Result<Self> {
        Ok(Binding {
            key: cx.app.master_key.derive(KEY_PURPOSE),
            env: cx.scope().env,
            query: serde_json::to_vec(query).map_err(Error::internal)?,
        })
    }

    #[cfg(test)]
    pub(super) fn test(query: &str) -> Self {
        Binding { key: [7; 32], env: 1, query: query.into() }
    }

    fn hash(&self, content: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.key, &[&self.env.to_be_bytes(), &self.query, content])
    }

    /// The cursor of the page behind this row.
    pub(super) fn seal(&self, last: Position) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.extend_from_slice(&last.created_at.micros().to_be_bytes());
        bytes.extend_from_slice(last.id.as_bytes());
        let hash = self.hash(&bytes);
        bytes.extend_from_slice(&hash);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The row that a cursor names.
    pub(super) fn open(&self, cursor: &str) -> Result<Position> {
        self.read(cursor).ok_or_else(|| ErrorType::SearchInvalidCursor.into())
    }

    fn read(&self, cursor: &str) -> Option<Position> {
        if cursor.len() > CURSOR_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (content, hash) = bytes.split_at_checked(CONTENT_BYTES)?;
        if !constant_time_eq(hash, &self.hash(content)) {
            return None;
        }
        let (time, id) = content.split_at_checked(TIME_BYTES)?;
        Some(Position {
            created_at: Timestamp::from_micros(i64::from_be_bytes(time.try_into().ok()?)),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position() -> Position {
        Position { created_at: Timestamp::from_micros(1_700_000_000_000_000), id: Uuid::from_u128(42) }
    }

    #[test]
    fn a_cursor_leads_back_to_its_row() {
        let binding = Binding::test("members");
        let cursor = binding.seal(position());
        assert_eq!(binding.open(&cursor).unwrap(), position());
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
    }

    ///
    #[test]
    fn a_cursor_altered_in_any_bit_is_refused() {
        let binding = Binding::test("members");
        let bytes = URL_SAFE_NO_PAD.decode(binding.seal(position())).unwrap();
        assert_eq!(bytes.len(), CURSOR_BYTES);
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let error = binding.open(&URL_SAFE_NO_PAD.encode(altered)).unwrap_err();
            assert_eq!(error.kind, ErrorType::SearchInvalidCursor);
        }
    }

    #[test]
    fn a_cursor_fits_one_search_in_one_environment_only() {
        let binding = Binding::test("members");
        let cursor = binding.seal(position());
        let others = [
            Binding::test("organizations"),
            Binding { env: 2, ..Binding::test("members") },
            Binding { key: [8; 32], ..Binding::test("members") },
        ];
        for other in others {
            assert!(other.open(&cursor).is_err());
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let binding = Binding::test("members");
        let short = URL_SAFE_NO_PAD.encode([0; CONTENT_BYTES]);
        let empty_hash = URL_SAFE_NO_PAD.encode([0; CURSOR_BYTES]);
        let long = "A".repeat(CURSOR_CHARS_MAX * 2);
        for text in ["", "x", "null", "' OR 1=1 --", "ä", &short, &empty_hash, &long] {
            assert!(binding.open(text).is_err(), "{text}");
        }
    }
}
