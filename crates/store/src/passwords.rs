//! Passwords: of a member, or (where passwords count in every organization) of an address.
//!
//! Members carry the id of their password, so that answers about them need no second look; whoever writes here keeps
//! that in step ([`set_id_of_memberships`] does for all memberships of an address). A password that is set anew gets a
//! new id. So whoever has compared a password outside of a transaction finds out inside of one whether it is still the
//! one that was compared.

use crate::rows::Columns;
use crate::seam::{Arg, Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, MemberPasswordId, OrganizationId};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// Whose a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordOwner {
    /// One member's.
    Member(MemberId),
    /// That of every member with this address.
    Address(String),
}

/// A password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassword {
    /// Its id.
    pub id: MemberPasswordId,
    /// The sealed hash.
    pub hash_sealed: Vec<u8>,
    /// Whether it must be reset by mail before anything else.
    pub needs_reset: bool,
    /// When it was last looked up among breached passwords, and not found.
    pub breach_checked_at: Option<Timestamp>,
    /// When it was set.
    pub set_at: Timestamp,
}

const COLUMNS: &str =
    "SELECT password_id, hash_sealed, needs_reset, breach_checked_at, set_at FROM passwords ";
const OF_MEMBER: Sql = sql!(COLUMNS, "WHERE env = $1 AND member_id = $2");
const OF_ADDRESS: Sql = sql!(COLUMNS, "WHERE env = $1 AND email_address = $2");
/// The first at or after an id, or the first of all when there is none: ids are random, so any id leads to each password
/// about equally often.
const NEXT: Sql = sql!(
    "SELECT password_id, hash_sealed, needs_reset, breach_checked_at, set_at FROM (
         SELECT * FROM (SELECT 0 AS turn, p.* FROM passwords p WHERE p.env = $1 AND p.password_id >= $2
             ORDER BY p.password_id LIMIT 1) AS behind
         UNION ALL
         SELECT * FROM (SELECT 1 AS turn, p.* FROM passwords p WHERE p.env = $1
             ORDER BY p.password_id LIMIT 1) AS first
     ) AS found ORDER BY turn LIMIT 1"
);
const PUT_OF_MEMBER: Sql = sql!(
    "INSERT INTO passwords (env, password_id, member_id, hash_sealed, needs_reset, breach_checked_at, set_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (env, member_id) DO UPDATE SET password_id = excluded.password_id,
         hash_sealed = excluded.hash_sealed, needs_reset = excluded.needs_reset,
         breach_checked_at = excluded.breach_checked_at, set_at = excluded.set_at"
);
const PUT_OF_ADDRESS: Sql = sql!(
    "INSERT INTO passwords (env, password_id, email_address, hash_sealed, needs_reset, breach_checked_at, set_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (env, email_address) DO UPDATE SET password_id = excluded.password_id,
         hash_sealed = excluded.hash_sealed, needs_reset = excluded.needs_reset,
         breach_checked_at = excluded.breach_checked_at, set_at = excluded.set_at"
);
const HOLD_OF_MEMBER: Sql =
    sql!("UPDATE passwords SET needs_reset = needs_reset WHERE env = $1 AND member_id = $2");
const HOLD_OF_ADDRESS: Sql =
    sql!("UPDATE passwords SET needs_reset = needs_reset WHERE env = $1 AND email_address = $2");
const OWNER: Sql = sql!("SELECT member_id FROM passwords WHERE env = $1 AND password_id = $2");
const REPLACE_HASH: Sql = sql!("UPDATE passwords SET hash_sealed = $3 WHERE env = $1 AND password_id = $2");
const NOTE_BREACH_CHECK: Sql =
    sql!("UPDATE passwords SET breach_checked_at = $3 WHERE env = $1 AND password_id = $2");
const REQUIRE_RESET: Sql =
    sql!("UPDATE passwords SET needs_reset = TRUE WHERE env = $1 AND password_id = $2");
const DELETE: Sql = sql!("DELETE FROM passwords WHERE env = $1 AND password_id = $2");
const ANY: Sql = sql!("SELECT 1 FROM passwords WHERE env = $1 LIMIT 1");
/// Of memberships that do not have it already, since a change voids cached answers.
const SET_ID_OF_MEMBERSHIPS: Sql = sql!(
    "UPDATE members SET password_id = $3, updated_at = $4, version = version + 1
     WHERE env = $1 AND member_id IN (SELECT e.member_id FROM member_emails e
         WHERE e.env = $1 AND e.email_address = $2 AND e.is_current)
         AND (password_id IS NULL OR password_id <> $3)"
);
const CLEAR_ID_OF_MEMBERSHIPS: Sql = sql!(
    "UPDATE members SET password_id = NULL, updated_at = $3, version = version + 1
     WHERE env = $1 AND member_id IN (SELECT e.member_id FROM member_emails e
         WHERE e.env = $1 AND e.email_address = $2 AND e.is_current)
         AND password_id IS NOT NULL"
);
const COUNT_ACTIVE_MEMBERSHIPS: Sql = sql!(
    "SELECT COUNT(*) FROM member_emails e JOIN members m ON m.env = e.env AND m.member_id = e.member_id
     WHERE e.env = $1 AND e.email_address = $2 AND e.is_current AND m.status = 'active'"
);
/// Whoever gets the address next must not be open to its last owner.
const DELETE_OF_UNUSED_ADDRESS: Sql = sql!(
    "DELETE FROM passwords WHERE env = $1 AND email_address = $2 AND NOT EXISTS (SELECT 1 FROM member_emails e
         WHERE e.env = $1 AND e.email_address = $2 AND e.is_current)"
);
const DELETE_OF_ADDRESSES_USED_HERE_ONLY: Sql = sql!(
    "DELETE FROM passwords WHERE env = $1
         AND email_address IN (SELECT e.email_address FROM member_emails e
             WHERE e.env = $1 AND e.organization_id = $2 AND e.is_current)
         AND NOT EXISTS (SELECT 1 FROM member_emails e
             WHERE e.env = $1 AND e.email_address = passwords.email_address AND e.is_current
                 AND e.organization_id <> $2)"
);

/// The password of a member or an address.
pub async fn find(
    db: &Db,
    scope: Scope,
    owner: &PasswordOwner,
) -> Result<Option<StoredPassword>, StoreError> {
    let row = match owner {
        PasswordOwner::Member(id) => db.row(OF_MEMBER, &args![scope.env, id.uuid()]).await?,
        PasswordOwner::Address(address) => db.row(OF_ADDRESS, &args![scope.env, address]).await?,
    };
    row.map(|row| stored(&row, scope)).transpose()
}

/// Some password of the environment, the same for the same number as long as no password comes or goes.
pub async fn find_any(db: &Db, scope: Scope, number: Uuid) -> Result<Option<StoredPassword>, StoreError> {
    let row = db.row(NEXT, &args![scope.env, number]).await?;
    row.map(|row| stored(&row, scope)).transpose()
}

fn stored(row: &Row, scope: Scope) -> Result<StoredPassword, StoreError> {
    let mut columns = Columns::of(row);
    Ok(StoredPassword {
        id: MemberPasswordId::new(columns.get()?, scope.kind),
        hash_sealed: columns.get()?,
        needs_reset: columns.get()?,
        breach_checked_at: columns.optional_time()?,
        set_at: columns.time()?,
    })
}

/// The member whose password this is; none when it is an address's.
pub async fn find_owner(db: &Db, scope: Scope, id: MemberPasswordId) -> Result<Option<MemberId>, StoreError> {
    match db.row(OWNER, &args![scope.env, id.uuid()]).await? {
        Some(row) => Ok(row.get::<Option<_>>(0)?.map(|id| MemberId::new(id, scope.kind))),
        None => Ok(None),
    }
}

/// Takes the row of a password, so that until the end of the transaction no other attempt at it is judged.
pub async fn hold(db: &Db, scope: Scope, owner: &PasswordOwner) -> Result<(), StoreError> {
    match owner {
        PasswordOwner::Member(id) => db.exec(HOLD_OF_MEMBER, &args![scope.env, id.uuid()]).await?,
        PasswordOwner::Address(address) => db.exec(HOLD_OF_ADDRESS, &args![scope.env, address]).await?,
    };
    Ok(())
}

/// Sets a password in place of the one before, if there is one.
pub async fn put(
    db: &Db,
    scope: Scope,
    owner: &PasswordOwner,
    password: &StoredPassword,
) -> Result<(), StoreError> {
    let (statement, whose): (Sql, Arg<'_>) = match owner {
        PasswordOwner::Member(id) => (PUT_OF_MEMBER, id.uuid().into()),
        PasswordOwner::Address(address) => (PUT_OF_ADDRESS, address.into()),
    };
    let arguments = args![
        scope.env,
        password.id.uuid(),
        whose,
        &password.hash_sealed,
        password.needs_reset,
        password.breach_checked_at.map(Timestamp::micros),
        password.set_at.micros(),
    ];
    db.exec(statement, &arguments).await?;
    Ok(())
}

/// Keeps the same password under another hash. Nothing happens when it was set anew meanwhile.
pub async fn replace_hash(
    db: &Db,
    scope: Scope,
    id: MemberPasswordId,
    hash_sealed: &[u8],
) -> Result<(), StoreError> {
    db.exec(REPLACE_HASH, &args![scope.env, id.uuid(), hash_sealed]).await?;
    Ok(())
}

/// Notes that a password was looked up among breached ones, and not found.
pub async fn note_breach_check(
    db: &Db,
    scope: Scope,
    id: MemberPasswordId,
    at: Timestamp,
) -> Result<(), StoreError> {
    db.exec(NOTE_BREACH_CHECK, &args![scope.env, id.uuid(), at.micros()]).await?;
    Ok(())
}

/// Lets a password do nothing any more but wait for its reset.
pub async fn require_reset(db: &Db, scope: Scope, id: MemberPasswordId) -> Result<(), StoreError> {
    db.exec(REQUIRE_RESET, &args![scope.env, id.uuid()]).await?;
    Ok(())
}

/// Removes a password. `false` when there is none.
pub async fn delete(db: &Db, scope: Scope, id: MemberPasswordId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, id.uuid()]).await? > 0)
}

/// Whether the environment has any password.
pub async fn exist(db: &Db, scope: Scope) -> Result<bool, StoreError> {
    Ok(db.row(ANY, &args![scope.env]).await?.is_some())
}

/// Lets every membership of an address carry the id of its password, or none.
pub async fn set_id_of_memberships(
    db: &Db,
    scope: Scope,
    email_address: &str,
    id: Option<MemberPasswordId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match id {
        Some(id) => {
            let arguments = args![scope.env, email_address, id.uuid(), now.micros()];
            db.exec(SET_ID_OF_MEMBERSHIPS, &arguments).await?;
        }
        None => {
            db.exec(CLEAR_ID_OF_MEMBERSHIPS, &args![scope.env, email_address, now.micros()]).await?;
        }
    }
    Ok(())
}

/// How many active members have an address.
pub async fn count_active_memberships(db: &Db, scope: Scope, email_address: &str) -> Result<i64, StoreError> {
    match db.row(COUNT_ACTIVE_MEMBERSHIPS, &args![scope.env, email_address]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}

/// Removes the password of an address that no member has any more.
pub async fn delete_of_unused_address(db: &Db, scope: Scope, email_address: &str) -> Result<(), StoreError> {
    db.exec(DELETE_OF_UNUSED_ADDRESS, &args![scope.env, email_address]).await?;
    Ok(())
}

/// Removes the passwords of addresses that members of this organization have and nobody else; before it is deleted.
pub async fn delete_of_addresses_used_here_only(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
) -> Result<(), StoreError> {
    db.exec(DELETE_OF_ADDRESSES_USED_HERE_ONLY, &args![scope.env, organization.uuid()]).await?;
    Ok(())
}
