//! Roles that were assigned to members: taking back what was deleted since.
//!
//! An assignment of a role that does not exist grants nothing. It must go all the same: a role that is created later
//! under the same id would find people who hold it already.

use crate::rows::{Columns, from_json, to_json};
use crate::seam::{Db, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::time::Timestamp;
use uuid::Uuid;

/// The most members of a page.
pub const PAGE_MEMBERS_MAX: usize = 500;

/// The roles that were assigned to a member, who may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignments {
    /// The organization.
    pub organization: OrganizationId,
    /// The member.
    pub member: MemberId,
    /// The role ids; never empty.
    pub roles: Vec<String>,
}

const PAGE: Sql = sql!(
    "SELECT organization_id, member_id, direct_roles FROM members
     WHERE env = $1 AND (organization_id, member_id) > ($2, $3) AND direct_roles <> '[]'
     ORDER BY organization_id, member_id LIMIT 500"
);
/// Only if the roles are still those that were read.
const REPLACE: Sql = sql!(
    "UPDATE members SET direct_roles = $5, updated_at = $6, version = version + 1
     WHERE env = $1 AND organization_id = $2 AND member_id = $3 AND direct_roles = $4"
);
/// The column is a JSON list of texts, in which a role id in its quotes stands for itself only, since ids have neither
/// quotes nor backslashes.
const REVOKE: Sql = sql!(
    "UPDATE members SET direct_roles = replace(replace(replace(direct_roles, $3, ''), $4, ''), $5, ''),
         updated_at = $6, version = version + 1
     WHERE env = $1 AND organization_id = $2 AND direct_roles <> '[]' AND replace(direct_roles, $5, '') <> direct_roles"
);

/// Takes a role back from every member of an organization who has it.
pub async fn revoke(
    db: &Db,
    scope: Scope,
    organization: OrganizationId,
    role_id: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let quoted = to_json(&role_id)?;
    let (before_others, after_others) = (format!("{quoted},"), format!(",{quoted}"));
    let arguments =
        args![scope.env, organization.uuid(), &before_others, &after_others, &quoted, now.micros()];
    db.exec(REVOKE, &arguments).await
}

/// The next [`PAGE_MEMBERS_MAX`] members with assigned roles, by organization and member, behind the last one of the
/// page before.
pub async fn page(
    db: &Db,
    scope: Scope,
    after: Option<(OrganizationId, MemberId)>,
) -> Result<Vec<Assignments>, StoreError> {
    let (organization, member) = after
        .map_or((Uuid::nil(), Uuid::nil()), |(organization, member)| (organization.uuid(), member.uuid()));
    let rows = db.long().rows(PAGE, &args![scope.env, organization, member]).await?;
    rows.iter()
        .map(|row| {
            let mut columns = Columns::of(row);
            Ok(Assignments {
                organization: OrganizationId::new(columns.get()?, scope.kind),
                member: MemberId::new(columns.get()?, scope.kind),
                roles: from_json(columns.get()?)?,
            })
        })
        .collect()
}

/// Gives a member other roles than those that were read. `false` when they have changed since.
pub async fn replace(
    db: &Db,
    scope: Scope,
    read: &Assignments,
    roles: &[String],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (before, after) = (to_json(&read.roles)?, to_json(&roles)?);
    let arguments =
        args![scope.env, read.organization.uuid(), read.member.uuid(), &before, &after, now.micros()];
    Ok(db.exec(REPLACE, &arguments).await? > 0)
}
