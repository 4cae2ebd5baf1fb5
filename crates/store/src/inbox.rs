//! The development inbox: messages that `ostiary dev` shows instead of sending.

use crate::seam::{Db, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

const INSERT: Sql = sql!(
    "INSERT INTO inbox_messages (message_id, recipient, body, created_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (message_id) DO NOTHING"
);
const LIST: Sql = sql!(
    "SELECT body FROM (SELECT body, created_at, message_id FROM inbox_messages
         ORDER BY created_at DESC, message_id DESC LIMIT 500) newest ORDER BY created_at, message_id"
);
const LIST_TO: Sql = sql!(
    "SELECT body FROM (SELECT body, created_at, message_id FROM inbox_messages WHERE recipient = $1
         ORDER BY created_at DESC, message_id DESC LIMIT 500) newest ORDER BY created_at, message_id"
);
const FIND: Sql = sql!("SELECT body FROM inbox_messages WHERE message_id = $1");
const CLEAR: Sql = sql!("DELETE FROM inbox_messages");

/// Adds a message; adding it again changes nothing. `body` is its JSON.
pub async fn insert(
    db: &Db,
    message_id: Uuid,
    recipient: &str,
    body: &str,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    db.exec(INSERT, &args![message_id, recipient, body, created_at.micros()]).await?;
    Ok(())
}

/// The newest 500 messages (to one recipient, if one is given), newest last, each as its JSON.
pub async fn list(db: &Db, recipient: Option<&str>) -> Result<Vec<String>, StoreError> {
    let rows = match recipient {
        Some(recipient) => db.rows(LIST_TO, &args![recipient]).await?,
        None => db.rows(LIST, &[]).await?,
    };
    rows.iter().map(|row| row.get(0)).collect()
}

/// A message as its JSON.
pub async fn find(db: &Db, message_id: Uuid) -> Result<Option<String>, StoreError> {
    db.row(FIND, &args![message_id]).await?.map(|row| row.get(0)).transpose()
}

/// Empties the inbox.
pub async fn clear(db: &Db) -> Result<(), StoreError> {
    db.exec(CLEAR, &[]).await?;
    Ok(())
}
