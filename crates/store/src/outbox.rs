//! The outbox: mails and text messages that are to be sent, written in the transaction that causes them.

use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// A message that waits to be sent. The payload is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its id; a sender uses it to recognize a message that it has seen.
    pub message_id: Uuid,
    /// The number of the environment that it belongs to.
    pub env: i64,
    /// The sealed message.
    pub payload: Vec<u8>,
    /// How often sending was tried, this time included.
    pub attempts: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is no longer worth sending.
    pub expires_at: Timestamp,
}

const INSERT: Sql = sql!(
    "INSERT INTO outbox (message_id, env, payload, attempts, created_at, next_attempt_at, expires_at)
     VALUES ($1, $2, $3, 0, $4, $4, $5)"
);
/// Takes the message by moving its next attempt behind the lease, so that no other node takes it meanwhile.
const CLAIM: Sql = sql!(
    "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2
     WHERE message_id IN (SELECT message_id FROM outbox WHERE next_attempt_at <= $1
         ORDER BY next_attempt_at, message_id LIMIT 16) AND next_attempt_at <= $1
     RETURNING message_id, env, payload, attempts, created_at, expires_at"
);
const DELETE: Sql = sql!("DELETE FROM outbox WHERE message_id = $1");
const RETRY_AT: Sql = sql!("UPDATE outbox SET next_attempt_at = $2 WHERE message_id = $1");
const GIVE_BACK: Sql = sql!(
    "UPDATE outbox SET next_attempt_at = $3, attempts = attempts - 1
     WHERE message_id = $1 AND next_attempt_at = $2"
);
const NEXT_DUE: Sql = sql!("SELECT MIN(next_attempt_at) FROM outbox");
const COUNT: Sql = sql!("SELECT COUNT(*) FROM outbox");

/// Adds a message that is due at once.
pub async fn insert(db: &Db, message: &OutboxMessage) -> Result<(), StoreError> {
    let arguments = args![
        message.message_id,
        message.env,
        &message.payload,
        message.created_at.micros(),
        message.expires_at.micros(),
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Takes up to 16 messages that are due; nobody else gets them before `lease_until`.
pub async fn claim(
    db: &Db,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<OutboxMessage>, StoreError> {
    let rows = db.rows(CLAIM, &args![now.micros(), lease_until.micros()]).await?;
    let mut messages = rows
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(OutboxMessage {
                message_id: columns.get()?,
                env: columns.get()?,
                payload: columns.get()?,
                attempts: columns.get()?,
                created_at: columns.time()?,
                expires_at: columns.time()?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    messages.sort_by_key(|message| (message.created_at, message.message_id));
    Ok(messages)
}

/// Removes a message that was sent or given up.
pub async fn delete(db: &Db, message_id: Uuid) -> Result<(), StoreError> {
    db.exec(DELETE, &args![message_id]).await?;
    Ok(())
}

/// Puts a message back for a later attempt.
pub async fn retry_at(db: &Db, message_id: Uuid, at: Timestamp) -> Result<(), StoreError> {
    db.exec(RETRY_AT, &args![message_id, at.micros()]).await?;
    Ok(())
}

/// Gives back a message that was taken until `lease` and not tried; one that somebody else has taken since stays theirs.
pub async fn give_back(
    db: &Db,
    message_id: Uuid,
    lease: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.exec(GIVE_BACK, &args![message_id, lease.micros(), now.micros()]).await?;
    Ok(())
}

/// When the next message is due.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>, StoreError> {
    match db.row(NEXT_DUE, &[]).await? {
        Some(row) => Ok(row.get::<Option<i64>>(0)?.map(Timestamp::from_micros)),
        None => Ok(None),
    }
}

/// How many messages wait.
pub async fn count(db: &Db) -> Result<i64, StoreError> {
    match db.row(COUNT, &[]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}
