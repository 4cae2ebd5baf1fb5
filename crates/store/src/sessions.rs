//! Sessions of members.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, members, organizations, sql};
use ostiary_core::ids::{MemberId, OrganizationId, SessionId};
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_core::session::Session;
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// What a session check has to know, and no more: who and where, until when, and which versions of the session, the
/// member and the organization are current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// The session.
    pub session_id: SessionId,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The version of the session.
    pub session_version: i64,
    /// The version of its member.
    pub member_version: i64,
    /// The version of its organization.
    pub organization_version: i64,
}

/// A session with its member, its organization and its token, which is sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct FullSession {
    /// The session.
    pub session: Session,
    /// Its member.
    pub member: Member,
    /// Its organization.
    pub organization: Organization,
    /// The sealed session token.
    pub token_sealed: Vec<u8>,
}

const COLUMNS: &str =
    "s.session_id, s.member_id, s.organization_id, s.factors, s.custom_claims, s.started_at,
     COALESCE(a.last_accessed_at, s.started_at), s.expires_at, s.version";
const FROM: &str = " FROM sessions s
     LEFT JOIN session_activity a ON a.env = s.env AND a.session_id = s.session_id ";
/// Versions are never negative. Saying so shows SQLite that `organizations_check_idx` has all that is asked for, which it
/// then prefers to looking up the row.
const STATE: &str = "SELECT s.session_id, s.expires_at, s.version, m.version, o.version
     FROM sessions s
     JOIN members m ON m.env = s.env AND m.member_id = s.member_id
     JOIN organizations o ON o.env = s.env AND o.organization_id = s.organization_id AND o.version >= 0 ";
const STATE_BY_TOKEN: Sql =
    sql!(STATE, "WHERE s.env = $1 AND s.token_hash = $2 AND s.expires_at > $3 AND m.status = 'active'");
const STATE_BY_ID: Sql =
    sql!(STATE, "WHERE s.env = $1 AND s.session_id = $2 AND s.expires_at > $3 AND m.status = 'active'");
const JOINS: &str = "JOIN members m ON m.env = s.env AND m.member_id = s.member_id
     JOIN organizations o ON o.env = s.env AND o.organization_id = s.organization_id ";
const FULL: Sql = sql!(
    "SELECT ",
    COLUMNS,
    ", s.token_sealed, ",
    members::COLUMNS,
    ", ",
    organizations::COLUMNS,
    FROM,
    JOINS,
    "WHERE s.env = $1 AND s.session_id = $2 AND s.expires_at > $3 AND m.status = 'active'"
);
const FULL_BY_TOKEN: Sql = sql!(
    "SELECT ",
    COLUMNS,
    ", s.token_sealed, ",
    members::COLUMNS,
    ", ",
    organizations::COLUMNS,
    FROM,
    JOINS,
    "WHERE s.env = $1 AND s.token_hash = $2 AND s.expires_at > $3 AND m.status = 'active'"
);
const LIST: Sql = sql!(
    "SELECT ",
    COLUMNS,
    FROM,
    "WHERE s.env = $1 AND s.member_id = $2 AND s.organization_id = $3 AND s.expires_at > $4
     ORDER BY s.started_at, s.session_id LIMIT 1000"
);
const INSERT: Sql = sql!(
    "INSERT INTO sessions (env, session_id, organization_id, member_id, token_hash, token_sealed, factors,
         custom_claims, started_at, expires_at, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);
/// The version guards against a change that another caller made in between.
const UPDATE: Sql = sql!(
    "UPDATE sessions SET factors = $3, custom_claims = $4, expires_at = $5, version = $6
     WHERE env = $1 AND session_id = $2 AND version = $6 - 1"
);
const DELETE: Sql = sql!("DELETE FROM sessions WHERE env = $1 AND session_id = $2");
const DELETE_BY_TOKEN: Sql = sql!("DELETE FROM sessions WHERE env = $1 AND token_hash = $2");
const DELETE_OF_MEMBER: Sql = sql!("DELETE FROM sessions WHERE env = $1 AND member_id = $2");
const DELETE_OTHERS_OF_MEMBER: Sql =
    sql!("DELETE FROM sessions WHERE env = $1 AND member_id = $2 AND session_id <> $3");
const DELETE_OTHERS_OF_ADDRESS: Sql = sql!(
    "DELETE FROM sessions WHERE env = $1 AND session_id <> $3 AND member_id IN (
         SELECT e.member_id FROM member_emails e WHERE e.env = $1 AND e.email_address = $2 AND e.is_current)"
);
const OWNER: Sql = sql!("SELECT member_id, organization_id FROM sessions WHERE env = $1 AND session_id = $2");
const OWNER_BY_TOKEN: Sql =
    sql!("SELECT member_id, organization_id FROM sessions WHERE env = $1 AND token_hash = $2");
const TOUCH: Sql = sql!(
    "INSERT INTO session_activity (env, session_id, last_accessed_at)
     SELECT s.env, s.session_id, $3 FROM sessions s WHERE s.env = $1 AND s.session_id = $2
     ON CONFLICT (env, session_id) DO UPDATE SET last_accessed_at = excluded.last_accessed_at"
);
const DELETE_EXPIRED: Sql = sql!("DELETE FROM sessions WHERE expires_at <= $1");

fn map(scope: Scope, row: &Row) -> Result<Session, StoreError> {
    let kind = scope.kind;
    let mut columns = Columns::of(row);
    Ok(Session {
        id: SessionId::new(columns.get()?, kind),
        member_id: MemberId::new(columns.get()?, kind),
        organization_id: OrganizationId::new(columns.get()?, kind),
        factors: columns.json()?,
        custom_claims: columns.json()?,
        started_at: columns.time()?,
        last_accessed_at: columns.time()?,
        expires_at: columns.time()?,
        version: columns.get()?,
    })
}

fn map_state(scope: Scope, row: &Row) -> Result<SessionState, StoreError> {
    let mut columns = Columns::of(row);
    Ok(SessionState {
        session_id: SessionId::new(columns.get()?, scope.kind),
        expires_at: columns.time()?,
        session_version: columns.get()?,
        member_version: columns.get()?,
        organization_version: columns.get()?,
    })
}

fn map_full(scope: Scope, row: &Row) -> Result<FullSession, StoreError> {
    const MEMBER: usize = 10;
    Ok(FullSession {
        session: map(scope, row)?,
        token_sealed: row.get(MEMBER - 1)?,
        member: members::map(scope, row, MEMBER)?,
        organization: organizations::map(scope, row, MEMBER + members::COLUMN_COUNT)?,
    })
}

/// The state of the session with this token, if it is alive and its member active. This is the hot path: one
/// indexed statement, a handful of numbers.
pub async fn find_state_by_token(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SessionState>, StoreError> {
    let row = db.row(STATE_BY_TOKEN, &args![scope.env, token_hash, now.micros()]).await?;
    row.map(|row| map_state(scope, &row)).transpose()
}

/// The state of the session with this id, if it is alive and its member active.
pub async fn find_state(
    db: &Db,
    scope: Scope,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<SessionState>, StoreError> {
    let row = db.row(STATE_BY_ID, &args![scope.env, id.uuid(), now.micros()]).await?;
    row.map(|row| map_state(scope, &row)).transpose()
}

/// A living session of an active member with all that belongs to it.
pub async fn find_full(
    db: &Db,
    scope: Scope,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<FullSession>, StoreError> {
    let row = db.row(FULL, &args![scope.env, id.uuid(), now.micros()]).await?;
    row.map(|row| map_full(scope, &row)).transpose()
}

/// The living session with this token, of an active member, with all that belongs to it.
pub async fn find_full_by_token(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<FullSession>, StoreError> {
    let row = db.row(FULL_BY_TOKEN, &args![scope.env, token_hash, now.micros()]).await?;
    row.map(|row| map_full(scope, &row)).transpose()
}

/// The living sessions of a member, oldest first; at most 1000.
pub async fn list(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    member: MemberId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let arguments = args![scope.env, member.uuid(), organization.uuid(), now.micros()];
    db.rows(LIST, &arguments).await?.iter().map(|row| map(scope, row)).collect()
}

/// Adds a session.
pub async fn insert(
    db: &Db,
    scope: Scope,
    session: &Session,
    token_hash: &[u8; 32],
    token_sealed: &[u8],
) -> Result<(), StoreError> {
    let (factors, claims) = (to_json(&session.factors)?, to_json(&session.custom_claims)?);
    let arguments = args![
        scope.env,
        session.id.uuid(),
        session.organization_id.uuid(),
        session.member_id.uuid(),
        token_hash,
        token_sealed,
        &factors,
        &claims,
        session.started_at.micros(),
        session.expires_at.micros(),
        session.version,
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Writes a changed session. `false` when it is gone or another change came first.
pub async fn update(db: &Db, scope: Scope, session: &Session) -> Result<bool, StoreError> {
    let (factors, claims) = (to_json(&session.factors)?, to_json(&session.custom_claims)?);
    let arguments =
        args![scope.env, session.id.uuid(), &factors, &claims, session.expires_at.micros(), session.version,];
    Ok(db.exec(UPDATE, &arguments).await? > 0)
}

fn map_owner(scope: Scope, row: Option<Row>) -> Result<Option<(MemberId, OrganizationId)>, StoreError> {
    row.map(|row| {
        Ok((
            MemberId::new(row.get::<Uuid>(0)?, scope.kind),
            OrganizationId::new(row.get::<Uuid>(1)?, scope.kind),
        ))
    })
    .transpose()
}

/// Whose session this is.
pub async fn owner(
    db: &Db,
    scope: Scope,
    id: SessionId,
) -> Result<Option<(MemberId, OrganizationId)>, StoreError> {
    map_owner(scope, db.row(OWNER, &args![scope.env, id.uuid()]).await?)
}

/// Whose session has this token.
pub async fn owner_by_token(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
) -> Result<Option<(MemberId, OrganizationId)>, StoreError> {
    map_owner(scope, db.row(OWNER_BY_TOKEN, &args![scope.env, token_hash]).await?)
}

/// Ends a session. `false` when there is none.
pub async fn delete(db: &Db, scope: Scope, id: SessionId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, id.uuid()]).await? > 0)
}

/// Ends the session with this token. `false` when there is none.
pub async fn delete_by_token(db: &Db, scope: Scope, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE_BY_TOKEN, &args![scope.env, token_hash]).await? > 0)
}

/// Ends every session of a member and gives how many there were.
pub async fn delete_of_member(db: &Db, scope: Scope, member: MemberId) -> Result<u64, StoreError> {
    db.exec(DELETE_OF_MEMBER, &args![scope.env, member.uuid()]).await
}

/// Ends every session of a member but this one, if one is named.
pub async fn delete_others_of_member(
    db: &Db,
    scope: Scope,
    member: MemberId,
    kept: Option<SessionId>,
) -> Result<(), StoreError> {
    let kept = kept.map_or(Uuid::nil(), SessionId::uuid);
    db.exec(DELETE_OTHERS_OF_MEMBER, &args![scope.env, member.uuid(), kept]).await?;
    Ok(())
}

/// Ends every session of every member with this address but this one, if one is named.
pub async fn delete_others_of_address(
    db: &Db,
    scope: Scope,
    email_address: &str,
    kept: Option<SessionId>,
) -> Result<(), StoreError> {
    let kept = kept.map_or(Uuid::nil(), SessionId::uuid);
    db.exec(DELETE_OTHERS_OF_ADDRESS, &args![scope.env, email_address, kept]).await?;
    Ok(())
}

/// Notes that a session was used; nothing happens when it has ended meanwhile.
pub async fn touch(db: &Db, env: i64, session: Uuid, at: Timestamp) -> Result<(), StoreError> {
    db.exec(TOUCH, &args![env, session, at.micros()]).await?;
    Ok(())
}

/// Removes sessions of all environments that have ended.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![now.micros()]).await
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::seam::Engine;
    use crate::testing::stores;

    /// The statements of a session check find every row by an index, whatever the size of the tables.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_session_check_scans_nothing() {
        for store in stores().await {
            for statement in [STATE_BY_TOKEN, STATE_BY_ID, FULL] {
                let plan = store.prepare(statement).await.expect("a statement that both engines take");
                if store.engine() == Engine::Sqlite {
                    assert!(!plan.is_empty());
                    assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
                }
            }
        }
    }

    /// The rows are wide; a check by token needs none of them.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_session_check_by_token_reads_indexes_only() {
        for store in stores().await.into_iter().filter(|store| store.engine() == Engine::Sqlite) {
            let plan = store.prepare(STATE_BY_TOKEN).await.expect("a statement that both engines take");
            assert_eq!(
                plan.iter().filter(|step| step.contains("USING COVERING INDEX")).count(),
                3,
                "{plan:?}"
            );
        }
    }
}
