//! Runs migrations on SQLite.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::statement::plain_error;
use crate::migrate::{self, Migration};
use crate::seam::{Engine, StoreError};

/// Applies what is missing, each step in its own transaction. BEGIN IMMEDIATE makes another process
/// that starts at the same time wait, and what is missing is read under that lock.
///
/// Foreign keys are switched off meanwhile and checked as a whole before each commit: SQLite changes
/// some tables only by building a new one and dropping the old, which must not cascade.
pub(super) fn apply(connection: &Connection, migrations: &[Migration]) -> Result<(), StoreError> {
    let plain = |error: rusqlite::Error| plain_error(&error);
    connection.pragma_update(None, "foreign_keys", false).map_err(plain)?;
    loop {
        connection.execute_batch("BEGIN IMMEDIATE").map_err(plain)?;
        match apply_next(connection, migrations) {
            Ok(true) => connection.execute_batch("COMMIT").map_err(plain)?,
            Ok(false) => {
                connection.execute_batch("ROLLBACK").map_err(plain)?;
                break;
            }
            Err(error) => {
                // Some errors end the transaction by themselves; either way it is gone afterwards.
                let _ = connection.execute_batch("ROLLBACK");
                return Err(error);
            }
        }
    }
    connection.pragma_update(None, "foreign_keys", true).map_err(plain)
}

/// Applies the next missing step inside the open transaction; false when there is none.
fn apply_next(connection: &Connection, migrations: &[Migration]) -> Result<bool, StoreError> {
    let plain = |error: rusqlite::Error| plain_error(&error);
    connection.execute_batch(migrate::CREATE_TABLE).map_err(plain)?;
    let applied = connection
        .prepare(migrate::SELECT_VERSIONS)
        .and_then(|mut select| {
            select.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<BTreeSet<_>, _>>()
        })
        .map_err(plain)?;
    let Some(next) = migrate::next(migrations, &applied)? else {
        return Ok(false);
    };
    let step = || {
        connection.execute_batch(next.text(Engine::Sqlite))?;
        let broken = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
        connection.execute(migrate::INSERT, (next.version, next.name, migrate::now_micros()))?;
        Ok(broken)
    };
    let broken = step().map_err(|error| next.failed(&plain_error(&error)))?;
    if broken {
        return Err(next.failed(&StoreError::ForeignKey));
    }
    next.report();
    Ok(true)
}
