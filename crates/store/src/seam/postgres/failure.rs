//! What a failed statement means for the transaction around it.

use std::error::Error as _;
use std::{error, io};

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::seam::{StoreError, UniqueKey};

/// Why a statement or transaction did not succeed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Another transaction was faster (serialization failure, deadlock).
    Collision,
    /// The connection broke, or the server is going down.
    Disconnected(String),
    /// The connection's prepared form no longer fits the schema, which a newer node has changed.
    StalePlan,
    /// Anything that would happen again.
    Refused(StoreError),
}

impl Failure {
    /// Whether the same may succeed when it is tried again.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Failure::Refused(_))
    }

    /// What the caller learns after this many tries.
    pub(super) fn into_error(self, tries: u32) -> StoreError {
        match self {
            Failure::Collision => StoreError::Contention { tries },
            Failure::Disconnected(reason) => StoreError::Unavailable { reason },
            Failure::StalePlan => StoreError::unavailable("the schema changed under a prepared statement"),
            Failure::Refused(error) => error,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Refused(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        if let Some(reported) = error.as_db_error() {
            return from_server(reported);
        }
        let broken = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
            .is_some_and(|source| source.kind() != io::ErrorKind::InvalidInput);
        if error.is_closed() || broken {
            return Failure::Disconnected(text(&error));
        }
        Failure::Refused(StoreError::Other(text(&error)))
    }
}

/// Sorts what the server reports (PostgreSQL documentation, appendix A).
fn from_server(reported: &DbError) -> Failure {
    let code = reported.code();
    let words = || format!("{} (SQLSTATE {})", reported.message(), code.code());
    if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
        return Failure::Collision;
    }
    if *code == SqlState::FEATURE_NOT_SUPPORTED && reported.message().starts_with("cached plan")
        || *code == SqlState::INVALID_SQL_STATEMENT_NAME
    {
        return Failure::StalePlan;
    }
    if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code) {
        return Failure::Disconnected(words());
    }
    Failure::Refused(if *code == SqlState::UNIQUE_VIOLATION {
        let name = reported.constraint().unwrap_or_default();
        StoreError::Conflict(UniqueKey::from(name.to_owned()))
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION || *code == SqlState::RESTRICT_VIOLATION {
        StoreError::ForeignKey
    } else if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        StoreError::Aborted
    } else {
        match &code.code()[..2] {
            // 08 connection, 25 (above all: the server is a read-only standby), 53 resources, 55
            // locks, 57 operator intervention (also a statement over its time limit), 58 system.
            "08" | "25" | "53" | "55" | "57" | "58" => StoreError::unavailable(words()),
            "XX" => StoreError::corrupt(words()),
            _ => StoreError::Other(words()),
        }
    })
}

/// The error with all its causes; the driver's own text names only the step that failed.
pub(super) fn text(error: &(dyn error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}
