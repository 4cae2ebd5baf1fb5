//! One-time codes that were mailed. An address has one code at a time in each organization, and one in discovery.

use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::OrganizationId;
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// A code that was mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtpCode {
    /// Distinguishes this code from its predecessors; part of the hashed text.
    pub code_id: Uuid,
    /// The keyed hash of the code.
    pub code_hash: [u8; 32],
    /// How often a code was tried, this time included.
    pub attempts: i64,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Voids the earlier code of the address, used or not (spec 01b §3).
const REPLACE: Sql = sql!(
    "INSERT INTO otp_codes (env, organization_id, email_address, code_id, code_hash, attempts, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
     ON CONFLICT (env, organization_id, email_address) DO UPDATE SET code_id = excluded.code_id,
         code_hash = excluded.code_hash, attempts = 0, created_at = excluded.created_at,
         expires_at = excluded.expires_at, used_at = NULL"
);
/// Counts the attempt before the code is compared, so that parallel guesses cannot outrun the limit.
const ATTEMPT: Sql = sql!(
    "UPDATE otp_codes SET attempts = attempts + 1 WHERE env = $1 AND organization_id = $2 AND email_address = $3
     RETURNING code_id, code_hash, attempts, expires_at, used_at"
);
const CONSUME: Sql = sql!(
    "UPDATE otp_codes SET used_at = $5
     WHERE env = $1 AND organization_id = $2 AND email_address = $3 AND code_id = $4 AND used_at IS NULL
         AND expires_at > $5"
);
const DELETE_EXPIRED: Sql = sql!("DELETE FROM otp_codes WHERE expires_at <= $1");

/// Codes of discovery belong to no organization.
fn key(organization: Option<OrganizationId>) -> Uuid {
    organization.map_or(Uuid::nil(), OrganizationId::uuid)
}

/// Sets the code of an address; `organization` is none in discovery.
pub async fn replace(
    db: &Db,
    scope: Scope,
    organization: Option<OrganizationId>,
    email_address: &str,
    code: &OtpCode,
    now: Timestamp,
) -> Result<(), StoreError> {
    let arguments = args![
        scope.env,
        key(organization),
        email_address,
        code.code_id,
        &code.code_hash,
        now.micros(),
        code.expires_at.micros(),
    ];
    db.exec(REPLACE, &arguments).await?;
    Ok(())
}

/// Counts an attempt at the code of an address and gives the code, if there is one.
pub async fn attempt(
    db: &Db,
    scope: Scope,
    organization: Option<OrganizationId>,
    email_address: &str,
) -> Result<Option<OtpCode>, StoreError> {
    let row = db.row(ATTEMPT, &args![scope.env, key(organization), email_address]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(OtpCode {
            code_id: columns.get()?,
            code_hash: columns.get()?,
            attempts: columns.get()?,
            expires_at: columns.time()?,
            used_at: columns.optional_time()?,
        })
    })
    .transpose()
}

/// Marks a code used; only one caller can win.
pub async fn consume(
    db: &Db,
    scope: Scope,
    organization: Option<OrganizationId>,
    email_address: &str,
    code_id: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = args![scope.env, key(organization), email_address, code_id, now.micros()];
    Ok(db.exec(CONSUME, &arguments).await? > 0)
}

/// Removes codes of all environments that expired before this time. Callers keep them for a while, so that a late
/// visitor hears that the code has expired and not that it is wrong.
pub async fn delete_expired(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![before.micros()]).await
}
