//! Tokens with which operators act in the place of members, and the record of their use.

use crate::rows::Columns;
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, OrganizationId, SessionId};
use ostiary_core::time::Timestamp;

/// A token, used or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// Where the member is one.
    pub organization_id: OrganizationId,
    /// In whose place.
    pub member_id: MemberId,
    /// The key of the operator.
    pub impersonator_id: String,
    /// The address of the operator.
    pub impersonator_email_address: String,
    /// Why.
    pub reason: String,
    /// When the token was made.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// The session that came of it.
    pub session_id: Option<SessionId>,
}

const COLUMNS: &str =
    "organization_id, member_id, impersonator_id, impersonator_email_address, reason, created_at,
    expires_at, used_at, session_id";
const INSERT: Sql = sql!(
    "INSERT INTO impersonations (env, token_hash, ",
    COLUMNS,
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);
/// Only one caller can win.
const CONSUME: Sql = sql!(
    "UPDATE impersonations SET used_at = $3
     WHERE env = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING ",
    COLUMNS
);
const SET_SESSION: Sql = sql!("UPDATE impersonations SET session_id = $3 WHERE env = $1 AND token_hash = $2");
const LIST: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM impersonations WHERE env = $1 AND created_at < $2 ORDER BY created_at DESC, token_hash LIMIT $3"
);
const DELETE_BEFORE: Sql = sql!("DELETE FROM impersonations WHERE created_at < $1");

fn map(scope: Scope, row: &Row) -> Result<Impersonation, StoreError> {
    let mut columns = Columns::of(row);
    Ok(Impersonation {
        organization_id: OrganizationId::new(columns.get()?, scope.kind),
        member_id: MemberId::new(columns.get()?, scope.kind),
        impersonator_id: columns.get()?,
        impersonator_email_address: columns.get()?,
        reason: columns.get()?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        used_at: columns.optional_time()?,
        session_id: columns.get::<Option<_>>()?.map(|id| SessionId::new(id, scope.kind)),
    })
}

/// Adds a token.
pub async fn insert(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    new: &Impersonation,
) -> Result<(), StoreError> {
    let arguments = args![
        scope.env,
        token_hash,
        new.organization_id.uuid(),
        new.member_id.uuid(),
        &new.impersonator_id,
        &new.impersonator_email_address,
        &new.reason,
        new.created_at.micros(),
        new.expires_at.micros(),
        new.used_at.map(Timestamp::micros),
        new.session_id.map(SessionId::uuid),
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Marks a token used and gives it; none when it is unknown, was used, or has expired.
pub async fn consume(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Impersonation>, StoreError> {
    let row = db.row(CONSUME, &args![scope.env, token_hash, now.micros()]).await?;
    row.map(|row| map(scope, &row)).transpose()
}

/// Notes which session came of a token.
pub async fn set_session(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    session: SessionId,
) -> Result<(), StoreError> {
    db.exec(SET_SESSION, &args![scope.env, token_hash, session.uuid()]).await?;
    Ok(())
}

/// The tokens that were made before a time, newest first; at most `limit`.
pub async fn list(
    db: &Db,
    scope: Scope,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Impersonation>, StoreError> {
    let rows = db.rows(LIST, &args![scope.env, before.micros(), limit]).await?;
    rows.iter().map(|row| map(scope, row)).collect()
}

/// Removes the records of all environments that are older than this time.
pub async fn delete_before(db: &Db, time: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_BEFORE, &args![time.micros()]).await
}
