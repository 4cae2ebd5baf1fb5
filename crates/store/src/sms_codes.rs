//! One-time codes that were sent to a member's phone. A member has one at a time.

use crate::otp_codes::OtpCode;
use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, PhoneId};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// A code and the phone number that it was sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsCode {
    /// The number.
    pub phone_id: PhoneId,
    /// The code.
    pub code: OtpCode,
}

/// Voids the member's earlier code, used or not (spec 01b §4).
const REPLACE: Sql = sql!(
    "INSERT INTO sms_codes (env, member_id, phone_id, code_id, code_hash, attempts, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
     ON CONFLICT (env, member_id) DO UPDATE SET phone_id = excluded.phone_id, code_id = excluded.code_id,
         code_hash = excluded.code_hash, attempts = 0, created_at = excluded.created_at,
         expires_at = excluded.expires_at, used_at = NULL"
);
/// Counts the attempt before the code is compared, so that parallel guesses cannot outrun the limit.
const ATTEMPT: Sql = sql!(
    "UPDATE sms_codes SET attempts = attempts + 1 WHERE env = $1 AND member_id = $2
     RETURNING phone_id, code_id, code_hash, attempts, expires_at, used_at"
);
const CONSUME: Sql = sql!(
    "UPDATE sms_codes SET used_at = $4
     WHERE env = $1 AND member_id = $2 AND code_id = $3 AND used_at IS NULL AND expires_at > $4"
);
const DELETE: Sql = sql!("DELETE FROM sms_codes WHERE env = $1 AND member_id = $2");
const DELETE_EXPIRED: Sql = sql!("DELETE FROM sms_codes WHERE expires_at <= $1");

/// Sets the code of a member.
pub async fn replace(
    db: &Db,
    scope: Scope,
    member: MemberId,
    sms: &SmsCode,
    now: Timestamp,
) -> Result<(), StoreError> {
    let arguments = args![
        scope.env,
        member.uuid(),
        sms.phone_id.uuid(),
        sms.code.code_id,
        &sms.code.code_hash,
        now.micros(),
        sms.code.expires_at.micros(),
    ];
    db.exec(REPLACE, &arguments).await?;
    Ok(())
}

/// Counts an attempt at the code of a member and gives the code, if there is one.
pub async fn attempt(db: &Db, scope: Scope, member: MemberId) -> Result<Option<SmsCode>, StoreError> {
    let row = db.row(ATTEMPT, &args![scope.env, member.uuid()]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(SmsCode {
            phone_id: PhoneId::new(columns.get()?, scope.kind),
            code: OtpCode {
                code_id: columns.get()?,
                code_hash: columns.get()?,
                attempts: columns.get()?,
                expires_at: columns.time()?,
                used_at: columns.optional_time()?,
            },
        })
    })
    .transpose()
}

/// Marks a code used; only one caller can win.
pub async fn consume(
    db: &Db,
    scope: Scope,
    member: MemberId,
    code_id: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(db.exec(CONSUME, &args![scope.env, member.uuid(), code_id, now.micros()]).await? > 0)
}

/// Removes the code of a member, for example with the phone number.
pub async fn delete(db: &Db, scope: Scope, member: MemberId) -> Result<(), StoreError> {
    db.exec(DELETE, &args![scope.env, member.uuid()]).await?;
    Ok(())
}

/// Removes codes of all environments that expired before this time. Callers keep them for a while, so that a late
/// visitor hears that the code has expired and not that it is wrong.
pub async fn delete_expired(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![before.micros()]).await
}
