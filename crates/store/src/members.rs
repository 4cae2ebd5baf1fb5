//! Members. Which addresses they hold is written with them, by [`crate::addresses`].

use crate::rows::{Columns, to_json};
use crate::seam::{Arg, Db, Row, Sql, StoreError};
use crate::{Scope, addresses, args, organizations, sql};
use ostiary_core::ids::{EmailId, MemberId, MemberPasswordId, OrganizationId, PhoneId, TotpId};
use ostiary_core::member::{Lock, Member, MemberStatus, MfaPhone};
use ostiary_core::organization::{MfaMethod, Organization};
use ostiary_core::time::Timestamp;

/// The columns that [`map`] reads, in its order.
pub(crate) const COLUMNS: &str = "m.member_id, m.organization_id, m.email_id, m.email_address, m.email_verified,
     m.status, m.name, m.external_id, m.is_breakglass, m.mfa_enrolled, m.mfa_phone_id, m.mfa_phone_number,
     m.mfa_phone_verified, m.default_mfa_method, m.password_id, m.totp_id, m.direct_roles, m.trusted_metadata,
     m.untrusted_metadata, m.retired_emails, m.failed_attempts, m.lock_created_at, m.lock_expires_at, m.created_at,
     m.updated_at, m.version";
/// How many they are.
pub(crate) const COLUMN_COUNT: usize = 26;

const BY_ID: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM members m WHERE m.env = $1 AND m.organization_id = $2 AND m.member_id = $3"
);
const BY_ID_ANYWHERE: Sql = sql!("SELECT ", COLUMNS, " FROM members m WHERE m.env = $1 AND m.member_id = $2");
const BY_EXTERNAL_ID: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM members m WHERE m.env = $1 AND m.organization_id = $2 AND m.external_id = $3 AND m.status <> 'deleted'"
);
const BY_EMAIL: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM member_emails e JOIN members m ON m.env = e.env AND m.member_id = e.member_id
      WHERE e.env = $1 AND e.organization_id = $2 AND e.email_address = $3 AND e.is_current"
);
const MEMBERSHIPS: Sql = sql!(
    "SELECT ",
    organizations::COLUMNS,
    ", ",
    COLUMNS,
    " FROM member_emails e
      JOIN members m ON m.env = e.env AND m.member_id = e.member_id
      JOIN organizations o ON o.env = e.env AND o.organization_id = e.organization_id
      WHERE e.env = $1 AND e.email_address = $2 AND e.is_current
      ORDER BY m.created_at, m.member_id LIMIT 1000"
);
const INSERT: Sql = sql!(
    "INSERT INTO members (env, member_id, organization_id, created_at, email_id, email_address, email_domain,
         email_verified, status, name, external_id, is_breakglass, mfa_enrolled, mfa_phone_id, mfa_phone_number,
         mfa_phone_verified, default_mfa_method, password_id, totp_id, direct_roles, trusted_metadata,
         untrusted_metadata, retired_emails, failed_attempts, lock_created_at, lock_expires_at, updated_at, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
         $24, $25, $26, $27, $28)"
);
/// The version guards against a change that another caller made in between.
const UPDATE: Sql = sql!(
    "UPDATE members SET email_id = $5, email_address = $6, email_domain = $7, email_verified = $8, status = $9,
         name = $10, external_id = $11, is_breakglass = $12, mfa_enrolled = $13, mfa_phone_id = $14,
         mfa_phone_number = $15, mfa_phone_verified = $16, default_mfa_method = $17, password_id = $18, totp_id = $19,
         direct_roles = $20, trusted_metadata = $21, untrusted_metadata = $22, retired_emails = $23,
         failed_attempts = $24, lock_created_at = $25, lock_expires_at = $26, updated_at = $27, version = $28
     WHERE env = $1 AND member_id = $2 AND organization_id = $3 AND created_at = $4 AND version = $28 - 1"
);
pub(crate) fn map(scope: Scope, row: &Row, first_column: usize) -> Result<Member, StoreError> {
    let kind = scope.kind;
    let mut columns = Columns::from(row, first_column);
    let id = MemberId::new(columns.get()?, kind);
    let organization_id = OrganizationId::new(columns.get()?, kind);
    let email_id = EmailId::new(columns.get()?, kind);
    let email_address = columns.get()?;
    let email_verified = columns.get()?;
    let status = columns.word(MemberStatus::parse)?;
    let name = columns.get()?;
    let external_id = columns.get()?;
    let is_breakglass = columns.get()?;
    let mfa_enrolled = columns.get()?;
    let phone_id = columns.get::<Option<_>>()?;
    let phone_number = columns.get::<Option<_>>()?;
    let verified = columns.get()?;
    let mfa_phone = phone_id.zip(phone_number).map(|(id, number)| MfaPhone {
        id: PhoneId::new(id, kind),
        number,
        verified,
    });
    let default_mfa_method = columns.optional_word(MfaMethod::parse)?;
    let password_id = columns.get::<Option<_>>()?.map(|id| MemberPasswordId::new(id, kind));
    let totp_id = columns.get::<Option<_>>()?.map(|id| TotpId::new(id, kind));
    let direct_roles = columns.json()?;
    let trusted_metadata = columns.json()?;
    let untrusted_metadata = columns.json()?;
    let retired_emails = columns.json()?;
    let failed_attempts = columns.get()?;
    let lock = columns
        .optional_time()?
        .zip(columns.optional_time()?)
        .map(|(created_at, expires_at)| Lock { created_at, expires_at });
    Ok(Member {
        id,
        organization_id,
        email_id,
        email_address,
        email_verified,
        status,
        name,
        external_id,
        is_breakglass,
        mfa_enrolled,
        mfa_phone,
        default_mfa_method,
        password_id,
        totp_id,
        direct_roles,
        trusted_metadata,
        untrusted_metadata,
        retired_emails,
        failed_attempts,
        lock,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        version: columns.get()?,
    })
}

/// The member with this id in this organization, deleted ones included.
pub async fn find(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    id: MemberId,
) -> Result<Option<Member>, StoreError> {
    let row = db.row(BY_ID, &args![scope.env, organization.uuid(), id.uuid()]).await?;
    row.map(|row| map(scope, &row, 0)).transpose()
}

/// The member with this id in any organization of the environment, deleted ones included.
pub async fn find_anywhere(db: &Db, scope: Scope, id: MemberId) -> Result<Option<Member>, StoreError> {
    let row = db.row(BY_ID_ANYWHERE, &args![scope.env, id.uuid()]).await?;
    row.map(|row| map(scope, &row, 0)).transpose()
}

/// The member with this external id in this organization; deleted members have none.
pub async fn find_by_external_id(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    external_id: &str,
) -> Result<Option<Member>, StoreError> {
    let row = db.row(BY_EXTERNAL_ID, &args![scope.env, organization.uuid(), external_id]).await?;
    row.map(|row| map(scope, &row, 0)).transpose()
}

/// The member whose current address this is in this organization; never a deleted one.
pub async fn find_by_email(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    email_address: &str,
) -> Result<Option<Member>, StoreError> {
    let row = db.row(BY_EMAIL, &args![scope.env, organization.uuid(), email_address]).await?;
    row.map(|row| map(scope, &row, 0)).transpose()
}

/// Every membership of an address that is not deleted, with its organization; at most 1000, oldest first.
pub async fn memberships(
    db: &Db,
    scope: Scope,
    email_address: &str,
) -> Result<Vec<(Organization, Member)>, StoreError> {
    let rows = db.rows(MEMBERSHIPS, &args![scope.env, email_address]).await?;
    rows.iter()
        .map(|row| Ok((organizations::map(scope, row, 0)?, map(scope, row, organizations::COLUMN_COUNT)?)))
        .collect()
}

/// Adds a member. Fails with a conflict when the address, external id or phone number is taken.
pub async fn insert(db: &Db, scope: Scope, member: &Member) -> Result<(), StoreError> {
    write(db, scope, member, INSERT).await?;
    addresses::hold(db, scope, member).await
}

/// Writes a changed member whose addresses are as before. `false` when the member is gone or another change came
/// first.
pub async fn update(db: &Db, scope: Scope, member: &Member) -> Result<bool, StoreError> {
    Ok(write(db, scope, member, UPDATE).await? > 0)
}

/// Writes a changed member and the addresses that it holds now: those of deleted members are free. Fails with a
/// conflict when an address is taken.
pub async fn update_with_addresses(db: &Db, scope: Scope, member: &Member) -> Result<bool, StoreError> {
    if write(db, scope, member, UPDATE).await? == 0 {
        return Ok(false);
    }
    addresses::free(db, scope, member.id).await?;
    if member.status != MemberStatus::Deleted {
        addresses::hold(db, scope, member).await?;
    }
    Ok(true)
}

async fn write(db: &Db, scope: Scope, member: &Member, statement: Sql) -> Result<u64, StoreError> {
    let roles = to_json(&member.direct_roles)?;
    let trusted = to_json(&member.trusted_metadata)?;
    let untrusted = to_json(&member.untrusted_metadata)?;
    let retired = to_json(&member.retired_emails)?;
    let phone = member.mfa_phone.as_ref();
    let arguments: [Arg<'_>; 28] = args![
        scope.env,
        member.id.uuid(),
        member.organization_id.uuid(),
        member.created_at.micros(),
        member.email_id.uuid(),
        &member.email_address,
        member.email_domain(),
        member.email_verified,
        member.status.as_str(),
        &member.name,
        member.external_id.as_deref(),
        member.is_breakglass,
        member.mfa_enrolled,
        phone.map(|phone| phone.id.uuid()),
        phone.map(|phone| phone.number.as_str()),
        phone.is_some_and(|phone| phone.verified),
        member.default_mfa_method.map(MfaMethod::as_str),
        member.password_id.map(MemberPasswordId::uuid),
        member.totp_id.map(TotpId::uuid),
        &roles,
        &trusted,
        &untrusted,
        &retired,
        member.failed_attempts,
        member.lock.map(|lock| lock.created_at.micros()),
        member.lock.map(|lock| lock.expires_at.micros()),
        member.updated_at.micros(),
        member.version,
    ];
    db.exec(statement, &arguments).await
}

const RECORD_FAILURE: Sql = sql!(
    "UPDATE members SET failed_attempts = failed_attempts + 1, version = version + 1
     WHERE env = $1 AND member_id = $2 RETURNING failed_attempts"
);
const LOCK: Sql = sql!(
    "UPDATE members SET failed_attempts = 0, lock_created_at = $3, lock_expires_at = $4, version = version + 1
     WHERE env = $1 AND member_id = $2"
);
const UNLOCK: Sql = sql!(
    "UPDATE members SET failed_attempts = 0, lock_created_at = NULL, lock_expires_at = NULL, version = version + 1
     WHERE env = $1 AND member_id = $2 AND (failed_attempts > 0 OR lock_created_at IS NOT NULL)"
);
const UNLOCK_SINCE: Sql = sql!(
    "UPDATE members SET failed_attempts = 0, lock_created_at = NULL, lock_expires_at = NULL, version = version + 1
     WHERE env = $1 AND member_id = $2 AND lock_created_at = $3"
);

const HOLD: Sql =
    sql!("UPDATE members SET failed_attempts = failed_attempts WHERE env = $1 AND member_id = $2");

/// Takes the member's row, so that until the end of the transaction no other attempt of the member is judged. Without
/// it, attempts that run at the same time would each see the failures from before all of them.
pub async fn hold(db: &Db, scope: Scope, id: MemberId) -> Result<(), StoreError> {
    db.exec(HOLD, &args![scope.env, id.uuid()]).await?;
    Ok(())
}

/// Counts a failed attempt and gives how many there were since the last success.
pub async fn record_failure(db: &Db, scope: Scope, id: MemberId) -> Result<i64, StoreError> {
    match db.row(RECORD_FAILURE, &args![scope.env, id.uuid()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// Locks a member; counting begins anew.
pub async fn lock(
    db: &Db,
    scope: Scope,
    id: MemberId,
    from: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    db.exec(LOCK, &args![scope.env, id.uuid(), from.micros(), until.micros()]).await?;
    Ok(())
}

/// Ends the lock of a member and forgets failed attempts: any lock, or only the one from this moment. Says whether there
/// was anything to do.
pub async fn unlock(
    db: &Db,
    scope: Scope,
    id: MemberId,
    locked_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let changed = match locked_at {
        None => db.exec(UNLOCK, &args![scope.env, id.uuid()]).await?,
        Some(at) => db.exec(UNLOCK_SINCE, &args![scope.env, id.uuid(), at.micros()]).await?,
    };
    Ok(changed > 0)
}
