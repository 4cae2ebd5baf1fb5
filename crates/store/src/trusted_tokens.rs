//! Trusted token profiles, and which of their tokens were used.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::TrustedTokenProfileId;
use ostiary_core::time::Timestamp;
use ostiary_core::trusted_token::TrustedTokenProfile;

const LIST: Sql =
    sql!("SELECT document FROM trusted_token_profiles WHERE env = $1 ORDER BY created_at, profile_id");
const FIND: Sql = sql!("SELECT document FROM trusted_token_profiles WHERE env = $1 AND profile_id = $2");
const INSERT: Sql = sql!(
    "INSERT INTO trusted_token_profiles (env, profile_id, document, created_at) VALUES ($1, $2, $3, $4)"
);
const UPDATE: Sql =
    sql!("UPDATE trusted_token_profiles SET document = $3 WHERE env = $1 AND profile_id = $2");
const DELETE: Sql = sql!("DELETE FROM trusted_token_profiles WHERE env = $1 AND profile_id = $2");
/// Only one caller can win.
const CONSUME: Sql = sql!(
    "INSERT INTO used_trusted_tokens (env, profile_id, token_hash, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING"
);
const DELETE_EXPIRED: Sql = sql!("DELETE FROM used_trusted_tokens WHERE expires_at <= $1");

fn map(row: &Row) -> Result<TrustedTokenProfile, StoreError> {
    Columns::of(row).json()
}

/// The profiles of an environment, oldest first.
pub async fn list(db: &Db, scope: Scope) -> Result<Vec<TrustedTokenProfile>, StoreError> {
    db.rows(LIST, &args![scope.env]).await?.iter().map(map).collect()
}

/// One profile.
pub async fn find(
    db: &Db,
    scope: Scope,
    id: TrustedTokenProfileId,
) -> Result<Option<TrustedTokenProfile>, StoreError> {
    db.row(FIND, &args![scope.env, id.uuid()]).await?.as_ref().map(map).transpose()
}

/// Adds a profile.
pub async fn insert(
    db: &Db,
    scope: Scope,
    profile: &TrustedTokenProfile,
    now: Timestamp,
) -> Result<(), StoreError> {
    let document = to_json(profile)?;
    db.exec(INSERT, &args![scope.env, profile.profile_id.uuid(), &document, now.micros()]).await?;
    Ok(())
}

/// Replaces a profile.
pub async fn update(db: &Db, scope: Scope, profile: &TrustedTokenProfile) -> Result<(), StoreError> {
    let document = to_json(profile)?;
    db.exec(UPDATE, &args![scope.env, profile.profile_id.uuid(), &document]).await?;
    Ok(())
}

/// Deletes a profile; `false` when there is none.
pub async fn delete(db: &Db, scope: Scope, id: TrustedTokenProfileId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, id.uuid()]).await? == 1)
}

/// Notes that a token was used; `false` when it was before.
pub async fn consume(
    db: &Db,
    scope: Scope,
    profile: TrustedTokenProfileId,
    token_hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = args![scope.env, profile.uuid(), token_hash, expires_at.micros()];
    Ok(db.exec(CONSUME, &arguments).await? == 1)
}

/// Forgets used tokens of all environments that are too old to be used anyway.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![now.micros()]).await
}
