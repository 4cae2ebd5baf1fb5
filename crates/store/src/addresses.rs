//! The addresses that are taken in an organization: current ones, retired ones, and those that a member is about to
//! change to. The primary key of their table is what keeps two members from having the same.

use crate::seam::{Db, Sql, StoreError, UniqueKey};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::member::Member;
use ostiary_core::time::Timestamp;

/// How a member holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It is the member's address.
    Current,
    /// It was the member's address once.
    Retired,
    /// The member is about to change to it.
    Reserved,
}

/// Who holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The member.
    pub member: MemberId,
    /// In which way.
    pub holding: Holding,
}

/// A change of address that a member has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingUpdate {
    /// The member.
    pub member: MemberId,
    /// Until when the address can be proven; the time may be over.
    pub until: Timestamp,
}

/// The name of the key that says that an address is taken.
const KEY: UniqueKey = UniqueKey::new("member_emails_pkey");

/// Reservations whose time is over are no holdings.
const HOLDER: Sql = sql!(
    "SELECT member_id, is_current, is_reservation FROM member_emails
     WHERE env = $1 AND organization_id = $2 AND email_address = $3 AND NOT (is_reservation AND update_until <= $4)"
);
const FREE_ALL: Sql = sql!("DELETE FROM member_emails WHERE env = $1 AND member_id = $2");
/// Takes over a reservation whose time is over, and nothing else.
const HOLD: Sql = sql!(
    "INSERT INTO member_emails (env, organization_id, email_address, member_id, is_current)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (env, organization_id, email_address) DO UPDATE SET member_id = excluded.member_id,
         is_current = excluded.is_current, is_reservation = FALSE, update_until = NULL
     WHERE member_emails.is_reservation AND member_emails.update_until <= $6"
);
const DROP_RESERVATION: Sql =
    sql!("DELETE FROM member_emails WHERE env = $1 AND member_id = $2 AND is_reservation");
const DROP_RETURN: Sql = sql!(
    "UPDATE member_emails SET update_until = NULL
     WHERE env = $1 AND member_id = $2 AND update_until IS NOT NULL"
);
/// An address that is free, one of the member's own that is retired, or one whose reservation is over.
const BEGIN_UPDATE: Sql = sql!(
    "INSERT INTO member_emails (env, organization_id, email_address, member_id, is_current, is_reservation,
         update_until)
     VALUES ($1, $2, $3, $4, FALSE, TRUE, $5)
     ON CONFLICT (env, organization_id, email_address) DO UPDATE SET member_id = excluded.member_id,
         update_until = excluded.update_until
     WHERE NOT member_emails.is_current AND (member_emails.member_id = excluded.member_id
         OR (member_emails.is_reservation AND member_emails.update_until <= $6))"
);
const PENDING_UPDATE: Sql = sql!(
    "SELECT member_id, update_until FROM member_emails
     WHERE env = $1 AND organization_id = $2 AND email_address = $3 AND update_until IS NOT NULL"
);
/// Only the latest update of a member, in its time, and only once.
const END_UPDATE: Sql = sql!(
    "UPDATE member_emails SET update_until = NULL
     WHERE env = $1 AND organization_id = $2 AND email_address = $3 AND member_id = $4 AND update_until > $5"
);
const DELETE_EXPIRED: Sql = sql!("DELETE FROM member_emails WHERE is_reservation AND update_until <= $1");

/// Who holds an address in an organization.
pub async fn holder(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    email_address: &str,
    now: Timestamp,
) -> Result<Option<Holder>, StoreError> {
    let arguments = args![scope.env, organization.uuid(), email_address, now.micros()];
    let row = db.row(HOLDER, &arguments).await?;
    row.map(|row| {
        let holding = match (row.get(1)?, row.get(2)?) {
            (true, _) => Holding::Current,
            (false, true) => Holding::Reserved,
            (false, false) => Holding::Retired,
        };
        Ok(Holder { member: MemberId::new(row.get(0)?, scope.kind), holding })
    })
    .transpose()
}

/// Holds the addresses that a member has now, and no others. Fails with a conflict when somebody else holds one.
pub(crate) async fn hold(db: &Db, scope: Scope, member: &Member) -> Result<(), StoreError> {
    let retired = member.retired_emails.iter().map(|retired| (retired.email_address.as_str(), false));
    for (address, is_current) in std::iter::once((member.email_address.as_str(), true)).chain(retired) {
        let arguments = args![
            scope.env,
            member.organization_id.uuid(),
            address,
            member.id.uuid(),
            is_current,
            member.updated_at.micros(),
        ];
        if db.exec(HOLD, &arguments).await? == 0 {
            return Err(StoreError::Conflict(KEY));
        }
    }
    Ok(())
}

/// Lets go of every address of a member.
pub(crate) async fn free(db: &Db, scope: Scope, member: MemberId) -> Result<(), StoreError> {
    db.exec(FREE_ALL, &args![scope.env, member.uuid()]).await?;
    Ok(())
}

/// Begins the change of a member to an address, in place of an earlier one. `false` when somebody holds it.
pub async fn begin_update(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    email_address: &str,
    update: PendingUpdate,
    now: Timestamp,
) -> Result<bool, StoreError> {
    cancel_update(db, scope, update.member).await?;
    let arguments = args![
        scope.env,
        organization.uuid(),
        email_address,
        update.member.uuid(),
        update.until.micros(),
        now.micros(),
    ];
    Ok(db.exec(BEGIN_UPDATE, &arguments).await? > 0)
}

/// Gives up the change that a member has begun, if there is one.
pub async fn cancel_update(db: &Db, scope: Scope, member: MemberId) -> Result<(), StoreError> {
    db.exec(DROP_RESERVATION, &args![scope.env, member.uuid()]).await?;
    db.exec(DROP_RETURN, &args![scope.env, member.uuid()]).await?;
    Ok(())
}

/// The change to this address that somebody has begun, also when its time is over.
pub async fn find_update(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    email_address: &str,
) -> Result<Option<PendingUpdate>, StoreError> {
    let row = db.row(PENDING_UPDATE, &args![scope.env, organization.uuid(), email_address]).await?;
    row.map(|row| {
        let until = Timestamp::from_micros(row.get(1)?);
        Ok(PendingUpdate { member: MemberId::new(row.get(0)?, scope.kind), until })
    })
    .transpose()
}

/// Ends the change of a member to this address, which it has proven. `false` when there is no such change, or its time
/// is over.
pub async fn end_update(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    email_address: &str,
    member: MemberId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let arguments = args![scope.env, organization.uuid(), email_address, member.uuid(), now.micros()];
    Ok(db.exec(END_UPDATE, &arguments).await? > 0)
}

/// Removes reservations of all environments that ended before this time.
pub async fn delete_expired(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![before.micros()]).await
}
