//! Keys of operators: they administer projects, where secrets only act within one.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::project::KeyScope;
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagementKey {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What a person calls it.
    pub name: String,
    /// What it may change.
    pub scopes: Vec<KeyScope>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "key_id, secret_hash, name, scopes, created_at";
const INSERT: Sql = sql!("INSERT INTO management_keys (", COLUMNS, ") VALUES ($1, $2, $3, $4, $5)");
const FIND: Sql = sql!("SELECT ", COLUMNS, " FROM management_keys WHERE key_id = $1");
const LIST: Sql = sql!("SELECT ", COLUMNS, " FROM management_keys ORDER BY created_at, key_id");
const DELETE: Sql = sql!("DELETE FROM management_keys WHERE key_id = $1");

fn map(row: &Row) -> Result<ManagementKey, StoreError> {
    let mut columns = Columns::of(row);
    Ok(ManagementKey {
        id: columns.get()?,
        secret_hash: columns.get()?,
        name: columns.get()?,
        scopes: columns.json()?,
        created_at: columns.time()?,
    })
}

/// Adds a key.
pub async fn insert(db: &Db, key: &ManagementKey) -> Result<(), StoreError> {
    let scopes = to_json(&key.scopes)?;
    let arguments = args![key.id, &key.secret_hash, &key.name, &scopes, key.created_at.micros()];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// The key with this id.
pub async fn find(db: &Db, id: Uuid) -> Result<Option<ManagementKey>, StoreError> {
    db.row(FIND, &args![id]).await?.as_ref().map(map).transpose()
}

/// Every key, oldest first.
pub async fn list(db: &Db) -> Result<Vec<ManagementKey>, StoreError> {
    db.rows(LIST, &[]).await?.iter().map(map).collect()
}

/// Deletes a key; `false` when there is none.
pub async fn delete(db: &Db, id: Uuid) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![id]).await? == 1)
}
