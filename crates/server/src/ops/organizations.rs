//! Creating, reading, changing and deleting organizations (spec 01a §3).

use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::{lookup, passwords, provisioning};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::OrganizationId;
use ostiary_core::organization::{Organization, OrganizationChange, refuse_banned_words, valid_name};
use ostiary_core::rbac;
use ostiary_core::slug::{derive_slug, with_suffix};
use ostiary_proto::random;
use ostiary_store::organizations;
use ostiary_store::seam::Db;
use serde_json::Map;
use std::sync::Arc;

/// How often a derived slug is tried with another suffix when it is taken.
const SLUG_TRIES: usize = 5;
/// The length of such a suffix: 32 bits, so that five tries are more than enough.
const SUFFIX_CHARS: usize = 8;
/// The longest slug that is looked up.
const SLUG_BYTES_MAX: usize = 128;

/// A new organization, not stored yet. Without a slug one is made from the name; `slug_suffix` sets it apart from one
/// that is taken.
pub fn build(cx: &Cx, change: &OrganizationChange, slug_suffix: Option<&str>) -> Result<Organization> {
    let name = valid_name(change.name.as_deref().unwrap_or_default())?;
    refuse_banned_words(&name, banned_words(cx))?;
    let mut change = change.clone();
    // Connections come after the organization, so a new one has none to name.
    change.sso_default_connection_id = None;
    change.sso_jit_provisioning_allowed_connections = None;
    let blank = Organization {
        id: cx.new_organization_id(),
        slug: with_suffix(&derive_slug(&name), slug_suffix.unwrap_or_default()),
        name,
        logo_url: String::new(),
        external_id: None,
        trusted_metadata: Map::new(),
        settings: change.settings_at_creation()?,
        custom_roles: Vec::new(),
        created_at: cx.now,
        updated_at: cx.now,
        version: 0,
    };
    let organization = change.apply(&blank, cx.now)?;
    check_implicit_roles(cx, &organization)?;
    Ok(organization)
}

fn banned_words(cx: &Cx) -> &[String] {
    &cx.project.environment.settings.organization_name_banned_words
}

/// A suffix that sets a slug apart: letters in lower case and digits.
pub fn random_suffix(cx: &Cx) -> String {
    let mut suffix = random::uuid(cx.app.random.as_ref()).simple().to_string();
    suffix.truncate(SUFFIX_CHARS);
    suffix
}

/// Roles that follow from a domain must be roles that can be assigned.
fn check_implicit_roles(cx: &Cx, organization: &Organization) -> Result<()> {
    for assignment in &organization.settings.rbac_email_implicit_role_assignments {
        rbac::validate_implicit_assignment(
            &cx.project.policy,
            &organization.custom_roles,
            &assignment.role_id,
        )?;
    }
    Ok(())
}

/// Creates an organization.
pub async fn create(cx: &Cx, change: OrganizationChange) -> Result<Organization> {
    let slug_is_derived = change.slug.is_none();
    let mut suffix = None;
    for _ in 0..SLUG_TRIES {
        let organization = build(cx, &change, suffix.as_deref())?;
        match cx.write(organization, insert).await {
            Err(error) if slug_is_derived && error.kind == ErrorType::OrganizationSlugAlreadyUsed => {
                suffix = Some(random_suffix(cx));
            }
            other => return other,
        }
    }
    Err(ErrorType::OrganizationSlugAlreadyUsed.into())
}

async fn insert(tx: Db, cx: Cx, organization: Arc<Organization>) -> Result<Organization> {
    organizations::insert(&tx, cx.scope(), &organization).await?;
    Ok(Organization::clone(&organization))
}

/// The organization that a request names by any identifier.
pub async fn get(cx: &Cx, identifier: &str) -> Result<Organization> {
    lookup::get_organization(&cx.reader(), cx, identifier).await
}

/// The organization with this slug, for pages that show how one can sign in to it.
pub async fn find_by_slug(cx: &Cx, slug: &str) -> Result<Option<Organization>> {
    if slug.len() > SLUG_BYTES_MAX {
        return Ok(None);
    }
    Ok(organizations::find_by_slug(&cx.reader(), cx.scope(), slug).await?)
}

/// How many members that are not deleted an organization has.
pub async fn count_members(cx: &Cx, identifier: &str) -> Result<i64> {
    let reader = cx.reader();
    let organization = lookup::get_organization(&reader, cx, identifier).await?;
    Ok(organizations::count_members(&reader.long(), cx.scope(), organization.id).await?)
}

/// A change of an organization.
pub struct Update {
    /// The organization by any identifier.
    pub organization: String,
    /// What is changed; fields that are not given stay as they are.
    pub change: OrganizationChange,
    /// On whose behalf.
    pub actor: Option<Actor>,
}

/// Changes an organization.
pub async fn update(cx: &Cx, input: Update) -> Result<Organization> {
    cx.write(input, update_in_transaction).await
}

async fn update_in_transaction(tx: Db, cx: Cx, input: Arc<Update>) -> Result<Organization> {
    let Update { organization, change, actor } = &*input;
    let current = lookup::get_organization(&tx, &cx, organization).await?;
    let next = change.apply(&current, cx.now)?;
    if next.name != current.name {
        refuse_banned_words(&next.name, banned_words(&cx))?;
    }
    if next.settings.sso_default_connection_id.is_some() {
        // It must be a connection of the organization, and there are none on this server.
        return Err(ErrorType::InvalidSsoDefaultConnection.into());
    }
    if change.rbac_email_implicit_role_assignments.is_some() {
        check_implicit_roles(&cx, &next)?;
        let before = &current.settings.rbac_email_implicit_role_assignments;
        let after = &next.settings.rbac_email_implicit_role_assignments;
        let added = after.iter().filter(|assignment| !before.contains(assignment));
        provisioning::refuse_escalation(&cx, &next, added.map(|added| &added.role_id), actor.as_ref())?;
    }
    save(&tx, &cx, current, next).await
}

/// Clears the external id of an organization, which is named by any identifier.
pub async fn delete_external_id(cx: &Cx, identifier: String) -> Result<Organization> {
    cx.write(identifier, delete_external_id_in_transaction).await
}

async fn delete_external_id_in_transaction(tx: Db, cx: Cx, identifier: Arc<String>) -> Result<Organization> {
    let current = lookup::get_organization(&tx, &cx, &identifier).await?;
    let next = Organization {
        external_id: None,
        updated_at: cx.now,
        version: current.version + 1,
        ..current.clone()
    };
    save(&tx, &cx, current, next).await
}

/// Writes what changed. A change that changes nothing is none: answers that were made for this version stay valid.
pub(super) async fn save(
    tx: &Db,
    cx: &Cx,
    current: Organization,
    next: Organization,
) -> Result<Organization> {
    let unchanged = Organization { updated_at: current.updated_at, version: current.version, ..next.clone() };
    if unchanged == current {
        return Ok(current);
    }
    provisioning::written(organizations::update(tx, cx.scope(), &next).await?)?;
    Ok(next)
}

/// Deletes an organization, which is named by any identifier, with its members and their sessions. Links and codes
/// that were sent lead nowhere from then on.
pub async fn delete(cx: &Cx, identifier: String) -> Result<OrganizationId> {
    cx.write(identifier, delete_in_transaction).await
}

async fn delete_in_transaction(tx: Db, cx: Cx, identifier: Arc<String>) -> Result<OrganizationId> {
    let organization = lookup::get_organization(&tx, &cx, &identifier).await?;
    passwords::leave_organization(&tx, &cx, &organization).await?;
    if organizations::delete(&tx, cx.scope(), organization.id).await? {
        Ok(organization.id)
    } else {
        Err(Error::from(ErrorType::OrganizationNotFound))
    }
}
