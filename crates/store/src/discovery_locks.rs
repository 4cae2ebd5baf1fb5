//! Failed attempts of addresses in discovery, where there is no member to lock yet (spec 01d §3).

use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::time::Timestamp;

const LOCKED_UNTIL: Sql = sql!(
    "SELECT lock_expires_at FROM discovery_locks WHERE env = $1 AND email_address = $2 AND lock_expires_at > $3"
);
const RECORD_FAILURE: Sql = sql!(
    "INSERT INTO discovery_locks (env, email_address, failed_attempts, lock_expires_at, failed_at)
     VALUES ($1, $2, 1, 0, $3)
     ON CONFLICT (env, email_address) DO UPDATE SET failed_attempts = discovery_locks.failed_attempts + 1,
         failed_at = excluded.failed_at
     RETURNING failed_attempts"
);
const LOCK: Sql = sql!(
    "UPDATE discovery_locks SET failed_attempts = 0, lock_expires_at = $3 WHERE env = $1 AND email_address = $2"
);
const DELETE_OLD: Sql = sql!("DELETE FROM discovery_locks WHERE failed_at <= $1 AND lock_expires_at <= $2");
const FORGET: Sql = sql!("DELETE FROM discovery_locks WHERE env = $1 AND email_address = $2");

/// Until when an address is locked, if it is.
pub async fn locked_until(
    db: &Db,
    scope: Scope,
    email_address: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let row = db.row(LOCKED_UNTIL, &args![scope.env, email_address, now.micros()]).await?;
    row.map(|row| row.get(0).map(Timestamp::from_micros)).transpose()
}

/// Counts a failed attempt and gives how many there were since the last success.
pub async fn record_failure(
    db: &Db,
    scope: Scope,
    email_address: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    match db.row(RECORD_FAILURE, &args![scope.env, email_address, now.micros()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// Locks an address; counting begins anew.
pub async fn lock(db: &Db, scope: Scope, email_address: &str, until: Timestamp) -> Result<(), StoreError> {
    db.exec(LOCK, &args![scope.env, email_address, until.micros()]).await?;
    Ok(())
}

/// Forgets the failures of an address after a success.
pub async fn forget(db: &Db, scope: Scope, email_address: &str) -> Result<(), StoreError> {
    db.exec(FORGET, &args![scope.env, email_address]).await?;
    Ok(())
}

/// Forgets, in all environments, failures from before this time of addresses that are not locked.
pub async fn delete_old(db: &Db, before: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_OLD, &args![before.micros(), now.micros()]).await
}
