//! Organizations.

use crate::rows::{Columns, to_json};
use crate::seam::{Db, Row, Sql, StoreError};
use crate::{Scope, args, sql};
use ostiary_core::ids::OrganizationId;
use ostiary_core::organization::Organization;
use uuid::Uuid;

/// The columns that [`map`] reads, in its order.
pub(crate) const COLUMNS: &str =
    "o.organization_id, o.name, o.slug, o.logo_url, o.external_id, o.trusted_metadata,
     o.settings, o.custom_roles, o.created_at, o.updated_at, o.version";
/// How many they are.
pub(crate) const COLUMN_COUNT: usize = 11;

const BY_ID: Sql =
    sql!("SELECT ", COLUMNS, " FROM organizations o WHERE o.env = $1 AND o.organization_id = $2");
const BY_SLUG: Sql =
    sql!("SELECT ", COLUMNS, " FROM organizations o WHERE o.env = $1 AND o.slug_folded = $2");
const BY_EXTERNAL_ID: Sql =
    sql!("SELECT ", COLUMNS, " FROM organizations o WHERE o.env = $1 AND o.external_id = $2");
const INSERT: Sql = sql!(
    "INSERT INTO organizations (env, organization_id, name, name_folded, slug, slug_folded, logo_url, external_id,
         trusted_metadata, settings, custom_roles, created_at, updated_at, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
);
/// The version guards against a change that another caller made in between.
const UPDATE: Sql = sql!(
    "UPDATE organizations SET name = $3, name_folded = $4, slug = $5, slug_folded = $6, logo_url = $7,
         external_id = $8, trusted_metadata = $9, settings = $10, custom_roles = $11, updated_at = $13, version = $14
     WHERE env = $1 AND organization_id = $2 AND created_at = $12 AND version = $14 - 1"
);
const DELETE: Sql = sql!("DELETE FROM organizations WHERE env = $1 AND organization_id = $2");
const DELETE_DOMAINS: Sql = sql!("DELETE FROM organization_domains WHERE env = $1 AND organization_id = $2");
const INSERT_DOMAIN: Sql =
    sql!("INSERT INTO organization_domains (env, purpose, domain, organization_id) VALUES ($1, $2, $3, $4)");
const CLAIMANTS: Sql = sql!(
    "SELECT organization_id FROM organization_domains WHERE env = $1 AND purpose = 'claimed' AND domain = $2"
);
const BY_ALLOWED_DOMAIN: Sql = sql!(
    "SELECT ",
    COLUMNS,
    ", EXISTS (SELECT 1 FROM members m WHERE m.env = o.env AND m.organization_id = o.organization_id
                 AND m.email_domain = d.domain AND m.email_verified AND m.status <> 'deleted')
     FROM organization_domains d JOIN organizations o ON o.env = d.env AND o.organization_id = d.organization_id
     WHERE d.env = $1 AND d.purpose = 'allowed' AND d.domain = $2
     ORDER BY o.created_at, o.organization_id LIMIT 100"
);
const PAGE: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM organizations o WHERE o.env = $1 AND o.organization_id > $2 ORDER BY o.organization_id LIMIT 500"
);
const PAGE_WITH_ROLES: Sql = sql!(
    "SELECT ",
    COLUMNS,
    " FROM organizations o WHERE o.env = $1 AND o.organization_id > $2 AND o.custom_roles <> '[]'
      ORDER BY o.organization_id LIMIT 500"
);
const COUNT_MEMBERS: Sql =
    sql!("SELECT COUNT(*) FROM members WHERE env = $1 AND organization_id = $2 AND status <> 'deleted'");

pub(crate) fn map(scope: Scope, row: &Row, first_column: usize) -> Result<Organization, StoreError> {
    let mut columns = Columns::from(row, first_column);
    Ok(Organization {
        id: OrganizationId::new(columns.get()?, scope.kind),
        name: columns.get()?,
        slug: columns.get()?,
        logo_url: columns.get()?,
        external_id: columns.get()?,
        trusted_metadata: columns.json()?,
        settings: columns.json()?,
        custom_roles: columns.json()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        version: columns.get()?,
    })
}

/// The organization with this id.
pub async fn find(db: &Db, scope: Scope, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    db.row(BY_ID, &args![scope.env, id.uuid()]).await?.map(|row| map(scope, &row, 0)).transpose()
}

/// The organization with this slug; letter case does not matter.
pub async fn find_by_slug(db: &Db, scope: Scope, slug: &str) -> Result<Option<Organization>, StoreError> {
    let folded = slug.to_lowercase();
    db.row(BY_SLUG, &args![scope.env, &folded]).await?.map(|row| map(scope, &row, 0)).transpose()
}

/// The organization with this external id.
pub async fn find_by_external_id(
    db: &Db,
    scope: Scope,
    id: &str,
) -> Result<Option<Organization>, StoreError> {
    db.row(BY_EXTERNAL_ID, &args![scope.env, id]).await?.map(|row| map(scope, &row, 0)).transpose()
}

/// Adds an organization. Fails with a conflict when its slug, external id or a claimed domain is taken.
pub async fn insert(db: &Db, scope: Scope, organization: &Organization) -> Result<(), StoreError> {
    write(db, scope, organization, INSERT).await?;
    insert_domains(db, scope, organization).await
}

/// Writes a changed organization. `false` when it is gone or another change came first.
pub async fn update(db: &Db, scope: Scope, organization: &Organization) -> Result<bool, StoreError> {
    if write(db, scope, organization, UPDATE).await? == 0 {
        return Ok(false);
    }
    db.exec(DELETE_DOMAINS, &args![scope.env, organization.id.uuid()]).await?;
    insert_domains(db, scope, organization).await?;
    Ok(true)
}

async fn write(
    db: &Db,
    scope: Scope,
    organization: &Organization,
    statement: Sql,
) -> Result<u64, StoreError> {
    let metadata = to_json(&organization.trusted_metadata)?;
    let settings = to_json(&organization.settings)?;
    let roles = to_json(&organization.custom_roles)?;
    let (name_folded, slug_folded) = (organization.name.to_lowercase(), organization.slug.to_lowercase());
    let arguments = args![
        scope.env,
        organization.id.uuid(),
        &organization.name,
        &name_folded,
        &organization.slug,
        &slug_folded,
        &organization.logo_url,
        organization.external_id.as_deref(),
        &metadata,
        &settings,
        &roles,
        organization.created_at.micros(),
        organization.updated_at.micros(),
        organization.version,
    ];
    db.exec(statement, &arguments).await
}

async fn insert_domains(db: &Db, scope: Scope, organization: &Organization) -> Result<(), StoreError> {
    let settings = &organization.settings;
    let allowed = settings.email_allowed_domains.iter().map(|domain| ("allowed", domain));
    let claimed = settings.claimed_email_domains.iter().map(|domain| ("claimed", domain));
    for (purpose, domain) in allowed.chain(claimed) {
        db.exec(INSERT_DOMAIN, &args![scope.env, purpose, domain, organization.id.uuid()]).await?;
    }
    Ok(())
}

/// Deletes an organization with its members, their sessions and all else that hangs on it. `false` when it is not
/// there.
pub async fn delete(db: &Db, scope: Scope, id: OrganizationId) -> Result<bool, StoreError> {
    Ok(db.exec(DELETE, &args![scope.env, id.uuid()]).await? > 0)
}

/// The organizations that claimed this email domain.
pub async fn claimants(db: &Db, scope: Scope, domain: &str) -> Result<Vec<OrganizationId>, StoreError> {
    let rows = db.rows(CLAIMANTS, &args![scope.env, domain]).await?;
    rows.iter().map(|row| Ok(OrganizationId::new(row.get::<Uuid>(0)?, scope.kind))).collect()
}

/// The organizations that list this email domain (at most 100, oldest first), each with whether a member with a
/// proven address of the domain is there.
pub async fn list_by_allowed_domain(
    db: &Db,
    scope: Scope,
    domain: &str,
) -> Result<Vec<(Organization, bool)>, StoreError> {
    let rows = db.rows(BY_ALLOWED_DOMAIN, &args![scope.env, domain]).await?;
    rows.iter().map(|row| Ok((map(scope, row, 0)?, row.get(COLUMN_COUNT)?))).collect()
}

/// Which organizations a page goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// Those that define roles of their own.
    WithRoles,
}

/// The next 500 organizations by id, behind the last one of the page before.
pub async fn page(
    db: &Db,
    scope: Scope,
    which: Which,
    after: Option<OrganizationId>,
) -> Result<Vec<Organization>, StoreError> {
    let statement = match which {
        Which::All => PAGE,
        Which::WithRoles => PAGE_WITH_ROLES,
    };
    let after = after.map_or(Uuid::nil(), OrganizationId::uuid);
    let rows = db.long().rows(statement, &args![scope.env, after]).await?;
    rows.iter().map(|row| map(scope, row, 0)).collect()
}

/// How many members that are not deleted an organization has.
pub async fn count_members(db: &Db, scope: Scope, id: OrganizationId) -> Result<i64, StoreError> {
    match db.row(COUNT_MEMBERS, &args![scope.env, id.uuid()]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}
