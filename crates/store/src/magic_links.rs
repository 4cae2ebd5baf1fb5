//! Magic links: single-use tokens that were mailed.

use crate::rows::Columns;
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::time::Timestamp;
use ostiary_core::wire_enum;

wire_enum! {
    /// What a link is for; it works for nothing else.
    LinkPurpose {
        /// Sign in to one organization (login, signup and invite links).
        Organization = "organization",
        /// Begin discovery.
        Discovery = "discovery",
        /// Change to the address that received it, and sign in to one organization.
        EmailUpdate = "email_update",
        /// Set a password in one organization, and sign in there.
        PasswordReset = "password_reset",
        /// Set a password that counts in every organization, and begin discovery.
        DiscoveryPasswordReset = "discovery_password_reset",
        /// End the lock of a member, and nothing else: it signs nobody in.
        Unlock = "unlock",
    }
}

/// A link that was mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MagicLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The organization; none for discovery.
    pub organization_id: Option<OrganizationId>,
    /// The member; none for discovery.
    pub member_id: Option<MemberId>,
    /// The address that received it.
    pub email_address: String,
    /// Where the link leads in the end.
    pub redirect_url: String,
    /// The PKCE challenge with which the flow began.
    pub pkce_challenge: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

const FIND: Sql = sql!(
    "SELECT purpose, organization_id, member_id, email_address, redirect_url, pkce_challenge, created_at, expires_at,
         used_at
     FROM magic_links WHERE env = $1 AND token_hash = $2"
);
const INSERT: Sql = sql!(
    "INSERT INTO magic_links (env, token_hash, purpose, organization_id, member_id, email_address, redirect_url,
         pkce_challenge, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);
const CONSUME: Sql = sql!(
    "UPDATE magic_links SET used_at = $3
     WHERE env = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3"
);
const DELETE_OF_MEMBER: Sql = sql!("DELETE FROM magic_links WHERE env = $1 AND member_id = $2");
const DELETE_EXPIRED: Sql = sql!("DELETE FROM magic_links WHERE expires_at <= $1");

/// The link with this token, used and expired ones included.
pub async fn find(db: &Db, scope: Scope, token_hash: &[u8; 32]) -> Result<Option<MagicLink>, StoreError> {
    let row = db.row(FIND, &args![scope.env, token_hash]).await?;
    row.map(|row| {
        let mut columns = Columns::of(&row);
        Ok(MagicLink {
            purpose: columns.word(LinkPurpose::parse)?,
            organization_id: columns.get::<Option<_>>()?.map(|id| OrganizationId::new(id, scope.kind)),
            member_id: columns.get::<Option<_>>()?.map(|id| MemberId::new(id, scope.kind)),
            email_address: columns.get()?,
            redirect_url: columns.get()?,
            pkce_challenge: columns.get()?,
            created_at: columns.time()?,
            expires_at: columns.time()?,
            used_at: columns.optional_time()?,
        })
    })
    .transpose()
}

/// Adds a link.
pub async fn insert(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    link: &MagicLink,
) -> Result<(), StoreError> {
    let arguments = args![
        scope.env,
        token_hash,
        link.purpose.as_str(),
        link.organization_id.map(OrganizationId::uuid),
        link.member_id.map(MemberId::uuid),
        &link.email_address,
        &link.redirect_url,
        link.pkce_challenge.as_deref(),
        link.created_at.micros(),
        link.expires_at.micros(),
    ];
    db.exec(INSERT, &arguments).await?;
    Ok(())
}

/// Marks the link used; only one caller can win.
pub async fn consume(
    db: &Db,
    scope: Scope,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(db.exec(CONSUME, &args![scope.env, token_hash, now.micros()]).await? > 0)
}

/// Revokes every link of a member.
pub async fn delete_of_member(db: &Db, scope: Scope, member: MemberId) -> Result<u64, StoreError> {
    db.exec(DELETE_OF_MEMBER, &args![scope.env, member.uuid()]).await
}

/// Removes links of all environments that expired before this time. Callers keep them for a while, so that a late
/// visitor hears that the link has expired and not that it never was.
pub async fn delete_expired(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    db.exec(DELETE_EXPIRED, &args![before.micros()]).await
}
