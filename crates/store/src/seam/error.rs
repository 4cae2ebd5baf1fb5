//! What can go wrong between the program and its database, told without naming a driver.

use std::borrow::Cow;
use std::fmt;

/// The name of a unique index or primary key, equal on both engines.
///
/// Named unique indexes carry the name they were created with; a primary key is `<table>_pkey`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UniqueKey(Cow<'static, str>);

impl UniqueKey {
    /// A key known in the code, for comparisons and tests.
    pub const fn new(name: &'static str) -> UniqueKey {
        UniqueKey(Cow::Borrowed(name))
    }

    /// The index name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for UniqueKey {
    fn from(name: String) -> UniqueKey {
        UniqueKey(Cow::Owned(name))
    }
}

impl PartialEq<str> for UniqueKey {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for UniqueKey {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Debug for UniqueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for UniqueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A failed statement or transaction. The text is for the operator's log, never for API clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// A row with the same unique key exists (or was committed by someone else in the meantime).
    Conflict(UniqueKey),
    /// A referenced row does not exist, or a row still referenced was to be removed.
    ForeignKey,
    /// A text argument contains U+0000, which PostgreSQL cannot store. Refused on both engines.
    NulInText,
    /// The database cannot be reached or cannot write now (connection lost, pool exhausted, disk
    /// full, closed). When a connection breaks during COMMIT the outcome is unknown.
    Unavailable {
        /// What happened, with the driver's words.
        reason: String,
    },
    /// The transaction collided with others at every try and was given up; nothing was written.
    Contention {
        /// How often the closure was run.
        tries: u32,
    },
    /// Stored data is not what the code expects: wrong column type, unexpected NULL, damaged file.
    Corrupt {
        /// Which column or file, what was expected, what was found.
        detail: String,
    },
    /// A statement was run in a transaction in which an earlier one had failed.
    Aborted,
    /// Anything else: a mistake in a statement, a violated CHECK or NOT NULL, a misuse of the seam.
    Other(String),
}

impl StoreError {
    pub(crate) fn unavailable(reason: impl Into<String>) -> StoreError {
        StoreError::Unavailable { reason: reason.into() }
    }

    pub(crate) fn corrupt(detail: impl Into<String>) -> StoreError {
        StoreError::Corrupt { detail: detail.into() }
    }

    /// The violated key, when this is a conflict.
    pub fn conflict(&self) -> Option<&UniqueKey> {
        match self {
            StoreError::Conflict(key) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict(key) => write!(f, "unique key {key} is taken"),
            StoreError::ForeignKey => f.write_str("a foreign key is violated"),
            StoreError::NulInText => f.write_str("a text value contains U+0000"),
            StoreError::Unavailable { reason } => write!(f, "the database is unavailable: {reason}"),
            StoreError::Contention { tries } => {
                write!(f, "the transaction collided with others {tries} times and was given up")
            }
            StoreError::Corrupt { detail } => write!(f, "stored data is not as expected: {detail}"),
            StoreError::Aborted => {
                f.write_str("an earlier statement of this transaction failed, so it cannot go on")
            }
            StoreError::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for StoreError {}
