//! How much of a limit is used up in its present window (spec 01d §4). The rows hold no address and no number: their
//! keys are keyed hashes.

use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::time::{MINUTE, Timestamp};

/// What is reserved of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Names the limit and the value that it is counted under.
    pub key: [u8; 32],
    /// When the window began.
    pub window_start: Timestamp,
    /// When it ends.
    pub window_end: Timestamp,
    /// How many requests are reserved.
    pub share: u32,
    /// How many requests the window takes.
    pub requests_max: u32,
}

/// Reserves when the limit is not exceeded by it; one statement, so nodes that ask at the same time never get more than
/// the limit together. A row of a window that is a little ahead is from a node whose clock is, and counts; one that is
/// further ahead is from before the clock was set back, and does not.
const RESERVE: Sql = sql!(
    "INSERT INTO rate_limits (env, key, window_start, window_end, taken) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (env, key) DO UPDATE SET
         taken = CASE WHEN rate_limits.window_start BETWEEN excluded.window_start AND $6
             THEN rate_limits.taken + excluded.taken ELSE excluded.taken END,
         window_end = CASE WHEN rate_limits.window_start BETWEEN excluded.window_start AND $6
             THEN rate_limits.window_end ELSE excluded.window_end END,
         window_start = CASE WHEN rate_limits.window_start BETWEEN excluded.window_start AND $6
             THEN rate_limits.window_start ELSE excluded.window_start END
     WHERE rate_limits.window_start NOT BETWEEN excluded.window_start AND $6
         OR rate_limits.taken + excluded.taken <= $7
     RETURNING taken"
);
const FORGET: Sql = sql!("DELETE FROM rate_limits WHERE env = $1 AND key = $2");
const DELETE_EXPIRED: Sql = sql!("DELETE FROM rate_limits WHERE window_end <= $1");

/// Reserves a share of a limit; false when too little of it is left.
pub async fn reserve(db: &Db, scope: Scope, reservation: &Reservation) -> Result<bool, StoreError> {
    let Reservation { key, window_start, window_end, share, requests_max } = reservation;
    let length = window_end.micros() - window_start.micros();
    let newest = window_start.plus_micros(length.max(MINUTE));
    let arguments = args![
        scope.env,
        key,
        window_start.micros(),
        window_end.micros(),
        i64::from(*share),
        newest.micros(),
        i64::from(*requests_max),
    ];
    Ok(db.row(RESERVE, &arguments).await?.is_some())
}

/// Begins a count anew.
pub async fn forget(db: &Db, scope: Scope, key: &[u8; 32]) -> Result<(), StoreError> {
    db.exec(FORGET, &args![scope.env, key]).await?;
    Ok(())
}

/// Removes the rows of windows that are over.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<(), StoreError> {
    db.exec(DELETE_EXPIRED, &args![now.micros()]).await?;
    Ok(())
}
