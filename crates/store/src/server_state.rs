//! Small facts about the server as a whole.

use crate::seam::{Db, Sql, StoreError};
use crate::{args, sql};

const FIND: Sql = sql!("SELECT value FROM server_state WHERE name = $1");
const PUT: Sql = sql!(
    "INSERT INTO server_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
);

/// The value of a name, if one was put.
pub async fn find(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
    db.row(FIND, &args![name]).await?.map(|row| row.get(0)).transpose()
}

/// Sets the value of a name.
pub async fn put(db: &Db, name: &str, value: &str) -> Result<(), StoreError> {
    db.exec(PUT, &args![name, value]).await?;
    Ok(())
}
