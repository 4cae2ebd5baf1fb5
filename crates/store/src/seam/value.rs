//! Values on their way into a statement and out of a row.

use std::fmt;

use uuid::Uuid;

use super::StoreError;

/// A value for a placeholder. Its debug form hides the content, which may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arg<'a> {
    /// SQL NULL, for a column of any type.
    Null,
    /// TEXT. Must not contain U+0000.
    Text(&'a str),
    /// BIGINT.
    Int(i64),
    /// BOOLEAN; 0 and 1 in SQLite.
    Bool(bool),
    /// BYTEA; BLOB in SQLite.
    Bytes(&'a [u8]),
    /// UUID; a BLOB of 16 bytes in SQLite.
    Uuid(Uuid),
}

impl Arg<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Arg::Null => "NULL",
            Arg::Text(_) => "TEXT",
            Arg::Int(_) => "BIGINT",
            Arg::Bool(_) => "BOOLEAN",
            Arg::Bytes(_) => "BYTEA",
            Arg::Uuid(_) => "UUID",
        }
    }
}

impl fmt::Debug for Arg<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// Refuses text that only one engine could store.
pub(super) fn check_args(args: &[Arg<'_>]) -> Result<(), StoreError> {
    let nul = |arg: &Arg<'_>| matches!(arg, Arg::Text(text) if text.as_bytes().contains(&0));
    if args.iter().any(nul) { Err(StoreError::NulInText) } else { Ok(()) }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Arg<'a> {
        Arg::Text(value)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Arg<'a> {
        Arg::Text(value)
    }
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Arg::Int(value)
    }
}

impl From<i32> for Arg<'_> {
    fn from(value: i32) -> Self {
        Arg::Int(value.into())
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Arg::Int(value.into())
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Arg::Bool(value)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Arg<'a> {
        Arg::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Arg<'a> {
    fn from(value: &'a Vec<u8>) -> Arg<'a> {
        Arg::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Arg<'a> {
    fn from(value: &'a [u8; N]) -> Arg<'a> {
        Arg::Bytes(value)
    }
}

impl From<Uuid> for Arg<'_> {
    fn from(value: Uuid) -> Self {
        Arg::Uuid(value)
    }
}

impl From<&Uuid> for Arg<'_> {
    fn from(value: &Uuid) -> Self {
        Arg::Uuid(*value)
    }
}

impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Arg<'a> {
        value.map_or(Arg::Null, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Arg<'a> {
    fn from(value: &'a Option<String>) -> Arg<'a> {
        value.as_deref().into()
    }
}

/// An array of [`Arg`] from anything that converts into one, in the order `$1`, `$2`, …
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        [$($crate::seam::Arg::from($value)),*]
    };
}

/// A value of a row, borrowed from it. SQLite has no booleans and UUIDs of its own: they arrive as
/// `Int` and `Bytes` and are told apart by the type that the caller asks for.
#[derive(Clone, Copy, Debug)]
pub enum Column<'r> {
    /// SQL NULL.
    Null,
    /// Text.
    Text(&'r str),
    /// An integer of any width.
    Int(i64),
    /// A boolean of PostgreSQL.
    Bool(bool),
    /// Bytes.
    Bytes(&'r [u8]),
    /// A UUID of PostgreSQL.
    Uuid(Uuid),
}

impl Column<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Column::Null => "NULL",
            Column::Text(_) => "text",
            Column::Int(_) => "an integer",
            Column::Bool(_) => "a boolean",
            Column::Bytes(_) => "bytes",
            Column::Uuid(_) => "a UUID",
        }
    }
}

/// A Rust type that a column can be read as.
pub trait FromColumn<'r>: Sized {
    /// What the type accepts, for the error text.
    const EXPECTED: &'static str;

    /// The value, or None when the column holds something else.
    fn from_column(column: Column<'r>) -> Option<Self>;
}

impl<'r> FromColumn<'r> for &'r str {
    const EXPECTED: &'static str = "text";

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'r> FromColumn<'r> for String {
    const EXPECTED: &'static str = "text";

    fn from_column(column: Column<'r>) -> Option<Self> {
        <&str>::from_column(column).map(str::to_owned)
    }
}

impl<'r> FromColumn<'r> for i64 {
    const EXPECTED: &'static str = "an integer";

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Int(int) => Some(int),
            _ => None,
        }
    }
}

impl<'r> FromColumn<'r> for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Bool(bool) => Some(bool),
            Column::Int(0) => Some(false),
            Column::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl<'r> FromColumn<'r> for &'r [u8] {
    const EXPECTED: &'static str = "bytes";

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<'r> FromColumn<'r> for Vec<u8> {
    const EXPECTED: &'static str = "bytes";

    fn from_column(column: Column<'r>) -> Option<Self> {
        <&[u8]>::from_column(column).map(<[u8]>::to_vec)
    }
}

impl<'r, const N: usize> FromColumn<'r> for [u8; N] {
    const EXPECTED: &'static str = "bytes of a fixed length";

    fn from_column(column: Column<'r>) -> Option<Self> {
        <&[u8]>::from_column(column).and_then(|bytes| bytes.try_into().ok())
    }
}

impl<'r> FromColumn<'r> for Uuid {
    const EXPECTED: &'static str = "a UUID";

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Uuid(uuid) => Some(uuid),
            Column::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
            _ => None,
        }
    }
}

impl<'r, T: FromColumn<'r>> FromColumn<'r> for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_column(column: Column<'r>) -> Option<Self> {
        match column {
            Column::Null => Some(None),
            other => T::from_column(other).map(Some),
        }
    }
}

/// A row of an answer. Columns are read by position, in the order of the statement's list.
pub struct Row(pub(super) Source);

/// Where a row's bytes live.
pub(super) enum Source {
    Sqlite(super::sqlite::SqliteRow),
    Postgres(tokio_postgres::Row),
}

impl Row {
    /// How many columns the row has.
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Sqlite(row) => row.len(),
            Source::Postgres(row) => row.len(),
        }
    }

    /// Whether the row has no column at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the column at `index`, counted from 0. [`StoreError::Corrupt`] when it holds another
    /// type, NULL without `Option`, or does not exist. `&str` and `&[u8]` borrow from the row.
    pub fn get<'r, T: FromColumn<'r>>(&'r self, index: usize) -> Result<T, StoreError> {
        let column = match &self.0 {
            Source::Sqlite(row) => row.column(index)?,
            Source::Postgres(row) => super::postgres::column(row, index)?,
        };
        T::from_column(column).ok_or_else(|| {
            StoreError::corrupt(format!("column {index} holds {}, expected {}", column.kind(), T::EXPECTED))
        })
    }
}
