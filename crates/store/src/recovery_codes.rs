//! Recovery codes, which stand in for an authenticator app. Rows are the codes that were not used yet.

use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::MemberId;

/// A code as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode {
    /// The keyed hash by which it is found.
    pub hash: [u8; 32],
    /// The code, sealed by the server.
    pub sealed: Vec<u8>,
}

const LIST: Sql = sql!(
    "SELECT code_sealed FROM recovery_codes WHERE env = $1 AND member_id = $2 ORDER BY position LIMIT 1000"
);
const DELETE_ALL: Sql = sql!("DELETE FROM recovery_codes WHERE env = $1 AND member_id = $2");
const INSERT: Sql = sql!(
    "INSERT INTO recovery_codes (env, member_id, code_hash, position, code_sealed) VALUES ($1, $2, $3, $4, $5)"
);
const CONSUME: Sql = sql!("DELETE FROM recovery_codes WHERE env = $1 AND member_id = $2 AND code_hash = $3");
const COUNT: Sql = sql!("SELECT COUNT(*) FROM recovery_codes WHERE env = $1 AND member_id = $2");

/// The sealed codes of a member in the order in which they were given.
pub async fn list(db: &Db, scope: Scope, member: MemberId) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = db.rows(LIST, &args![scope.env, member.uuid()]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Replaces the whole set. The member must have an authenticator app.
pub async fn replace(
    db: &Db,
    scope: Scope,
    member: MemberId,
    codes: &[RecoveryCode],
) -> Result<(), StoreError> {
    db.exec(DELETE_ALL, &args![scope.env, member.uuid()]).await?;
    for (position, code) in (0i64..).zip(codes) {
        db.exec(INSERT, &args![scope.env, member.uuid(), &code.hash, position, &code.sealed]).await?;
    }
    Ok(())
}

/// Uses a code up; only one caller can win. `false` when there is no such code.
pub async fn consume(db: &Db, scope: Scope, member: MemberId, hash: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(db.exec(CONSUME, &args![scope.env, member.uuid(), hash]).await? > 0)
}

/// How many codes are left.
pub async fn count(db: &Db, scope: Scope, member: MemberId) -> Result<i64, StoreError> {
    match db.row(COUNT, &args![scope.env, member.uuid()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}
