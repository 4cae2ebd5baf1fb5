//! Intermediate sessions: what was proven before a full session can be given (spec 01b §5).

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::factor::Factor;
use ostiary_core::ids::OrganizationId;
use ostiary_core::time::Timestamp;

/// Factors of one person that are not worth a session yet.
#[derive(Clone, Debug, PartialEq)]
pub struct IntermediateSession {
    /// The address that was proven.
    pub email_address: String,
    /// The organization in which it came about; none when it came about in discovery.
    pub organization_id: Option<OrganizationId>,
    /// What was proven.
    pub factors: Vec<Factor>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

const FIND: Sql = sql!(
    "SELECT email_address, organization_id, factors, created_at, expires_at FROM intermediate_sessions
     WHERE env = $1 AND token_hash = $2 AND expires_at > $3"
);
const INSERT: Sql = sql!(
    "INSERT INTO intermediate_sessions (env, token_hash, email_address, organization_id, factors, created_at,
         expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);
const SET_FACTORS: Sql =
    sql!("UPDATE intermediate_sessions SET factors = $3 WHERE env = $1 AND token_hash = $2");
const CONSUME: Sql =
    sql!("DELETE FROM intermediate_sessions WHERE env = $1 AND token_hash = $2 AND expires_at > $3");
const DELETE_EXPIRED: Sql = sql!("DELETE FROM intermediate_sessions WHERE expires_at <= $1");

/// The living intermediate session with this token.
pub async fn find(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<IntermediateSession>, StoreError> {
    let row = db.row(FIND, &args![scope.env, token_hash, now.micros()]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(IntermediateSession {
            email_address: columns.get()?,
            organization_id: columns.get::<Option<_>>()?.map(|id| OrganizationId::new(id, scope.kind)),
            factors: columns.json()?,
            created_at: columns.time()?,
            expires_at: columns.time()?,
        })
    })
    .transpose()
}

/// Adds an intermediate session.
pub async fn insert(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    session: &IntermediateSession,
) -> Result<(), StoreError> {
    let factors = to_json(&session.factors)?;
    let arguments = args![
        scope.env,
        token_hash,
        &session.email_address,
        session.organization_id.map(OrganizationId::uuid),
        &factors,
        session.created_at.micros(),
        session.expires_at.micros(),
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Replaces what was proven.
pub async fn set_factors(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    factors: &[Factor],
) -> Result<(), StoreError> {
    let factors = to_json(&factors)?;
    db.exec(SET_FACTORS, &args![scope.env, token_hash, &factors]).await?;
    Ok(())
}

/// Ends an intermediate session because it became a session; only one caller can win.
pub async fn consume(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(db.exec(CONSUME, &args![scope.env, token_hash, now.micros()]).await? > 0)
}

/// Removes intermediate sessions of all environments that have ended.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![now.micros()]).await
}
