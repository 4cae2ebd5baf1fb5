//! Registrations of authenticator apps. A member has at most one, which waits for its first code or is proven.

use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, TotpId};
use ostiary_core::time::Timestamp;

/// An authenticator app of a member.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpRegistration {
    /// Its id.
    pub id: TotpId,
    /// What app and server share, sealed by the server.
    pub secret_sealed: Vec<u8>,
    /// The hash of the session or intermediate session in which it was begun; none when a backend began it without one.
    pub begun_by: Option<[u8; 32]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends if no code was entered until then.
    pub expires_at: Timestamp,
    /// When its first code was entered.
    pub verified_at: Option<Timestamp>,
}

const FIND: Sql = sql!(
    "SELECT totp_id, secret_sealed, begun_by, created_at, expires_at, verified_at FROM totp_registrations
     WHERE env = $1 AND member_id = $2"
);
const INSERT: Sql = sql!(
    "INSERT INTO totp_registrations (env, member_id, totp_id, secret_sealed, begun_by, created_at, expires_at,
         verified_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (env, member_id) DO NOTHING"
);
/// A step is taken once, and none before it afterwards: no code works twice, and neither does an older one.
const USE_STEP: Sql = sql!(
    "UPDATE totp_registrations SET last_step = $4, verified_at = COALESCE(verified_at, $5)
     WHERE env = $1 AND member_id = $2 AND totp_id = $3 AND (last_step IS NULL OR last_step < $4)"
);
const DELETE: Sql = sql!("DELETE FROM totp_registrations WHERE env = $1 AND member_id = $2");
const DELETE_EXPIRED: Sql =
    sql!("DELETE FROM totp_registrations WHERE verified_at IS NULL AND expires_at <= $1");

/// The authenticator app of a member, proven or not.
pub async fn find(db: &Db, scope: Scope, member: MemberId) -> Result<Option<TotpRegistration>, StoreError> {
    let row = db.row(FIND, &args![scope.env, member.uuid()]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(TotpRegistration {
            id: TotpId::new(columns.get()?, scope.kind),
            secret_sealed: columns.get()?,
            begun_by: columns.get()?,
            created_at: columns.time()?,
            expires_at: columns.time()?,
            verified_at: columns.optional_time()?,
        })
    })
    .transpose()
}

/// Adds the authenticator app of a member who has none; `false` when there is one.
pub async fn insert(
    db: &Db,
    scope: Scope,
    member: MemberId,
    registration: &TotpRegistration,
) -> Result<bool, StoreError> {
    let arguments = args![
        scope.env,
        member.uuid(),
        registration.id.uuid(),
        &registration.secret_sealed,
        registration.begun_by.as_ref(),
        registration.created_at.micros(),
        registration.expires_at.micros(),
        registration.verified_at.map(Timestamp::micros),
    ];
    Ok(db.exec(INSERT, &arguments).await? > 0)
}

/// Takes a step whose code was right; only one caller can win. A registration that waited for a code is proven by it.
/// `false` when this step or a later one was taken already.
pub async fn use_step(
    db: &Db,
    scope: Scope,
    member: MemberId,
    id: TotpId,
    step: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = args![scope.env, member.uuid(), id.uuid(), step, now.micros()];
    Ok(db.exec(USE_STEP, &arguments).await? > 0)
}

/// Removes the authenticator app of a member with its recovery codes; `false` when there was none.
pub async fn delete(db: &Db, scope: Scope, member: MemberId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, member.uuid()]).await? > 0)
}

/// Removes registrations of all environments that were not proven and ended before this time. Callers keep them for a
/// while, so that a late visitor hears that the registration has expired and not that it never was.
pub async fn delete_expired(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![before.micros()]).await
}
