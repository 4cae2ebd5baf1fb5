//! Keys of operators: they administer projects, where secrets only act within one.

use crate::seam::{Db, Sql, StoreError};
use crate::{args, sql};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

const INSERT: Sql =
    sql!("INSERT INTO management_keys (key_id, secret_hash, name, created_at) VALUES ($1, $2, $3, $4)");
const FIND_HASH: Sql = sql!("SELECT secret_hash FROM management_keys WHERE key_id = $1");

/// Adds a key; only the hash of its secret is kept.
pub async fn insert(
    db: &Db,
    key_id: Uuid,
    secret_hash: &[u8; 32],
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.exec(INSERT, &args![key_id, secret_hash, name, now.micros()]).await?;
    Ok(())
}

/// The hash of a key's secret.
pub async fn find_hash(db: &Db, key_id: Uuid) -> Result<Option<[u8; 32]>, StoreError> {
    db.row(FIND_HASH, &args![key_id]).await?.map(|row| row.get(0)).transpose()
}
