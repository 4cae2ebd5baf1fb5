//! Organizations.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, Tokens};
use crate::ops::organizations::{self, Update};
use crate::ops::search;
use crate::wire::{Fields, Object, WireOrganization, WireOrganizationMatch};
use ostiary_core::error::ErrorType;
use ostiary_core::organization::{EmailRoleAssignment, Organization, OrganizationChange};
use ostiary_core::rbac::{ORGANIZATION_RESOURCE, actions_for_organization_update};
use serde_json::{Map, Value, json};

fn organization(organization: &Organization) -> Reply {
    Object::with_capacity(2048).field("organization", &WireOrganization(organization)).into()
}

/// Metadata of a request; anything but an object is a mistake with a name of its own.
pub fn metadata(fields: &Fields, name: &str) -> Result<Option<Map<String, Value>>> {
    match fields.raw(name) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(_) => Err(ErrorType::MetadataInvalidFormat.into()),
    }
}

/// What a request says about an organization, under the names of the wire.
pub fn read_change(fields: &Fields) -> Result<OrganizationChange> {
    Ok(OrganizationChange {
        name: fields.string("organization_name")?,
        slug: fields.string("organization_slug")?,
        logo_url: fields.string("organization_logo_url")?,
        external_id: fields.string("organization_external_id")?,
        trusted_metadata: metadata(fields, "trusted_metadata")?,
        email_invites: fields.string("email_invites")?,
        email_jit_provisioning: fields.string("email_jit_provisioning")?,
        email_allowed_domains: fields.texts("email_allowed_domains")?,
        sso_jit_provisioning: fields.string("sso_jit_provisioning")?,
        sso_jit_provisioning_allowed_connections: fields.texts("sso_jit_provisioning_allowed_connections")?,
        sso_default_connection_id: fields.string("sso_default_connection_id")?,
        oauth_tenant_jit_provisioning: fields.string("oauth_tenant_jit_provisioning")?,
        allowed_oauth_tenants: read_tenants(fields)?,
        auth_methods: fields.string("auth_methods")?,
        allowed_auth_methods: fields.texts("allowed_auth_methods")?,
        mfa_policy: fields.string("mfa_policy")?,
        mfa_methods: fields.string("mfa_methods")?,
        allowed_mfa_methods: fields.texts("allowed_mfa_methods")?,
        rbac_email_implicit_role_assignments: read_assignments(fields)?,
        claimed_email_domains: fields.texts("claimed_email_domains")?,
        first_party_connected_apps_allowed_type: fields.string("first_party_connected_apps_allowed_type")?,
        allowed_first_party_connected_apps: fields.texts("allowed_first_party_connected_apps")?,
        third_party_connected_apps_allowed_type: fields.string("third_party_connected_apps_allowed_type")?,
        allowed_third_party_connected_apps: fields.texts("allowed_third_party_connected_apps")?,
    })
}

fn read_tenants(fields: &Fields) -> Result<Option<Map<String, Value>>> {
    match fields.raw("allowed_oauth_tenants") {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(_) => Err(ErrorType::InvalidAllowedOauthTenants.into()),
    }
}

fn read_assignments(fields: &Fields) -> Result<Option<Vec<EmailRoleAssignment>>> {
    let Some(assignments) = fields.objects("rbac_email_implicit_role_assignments")? else { return Ok(None) };
    let assignments = assignments.iter().map(|assignment| {
        Ok(EmailRoleAssignment {
            domain: assignment.required("domain")?.to_owned(),
            role_id: assignment.required("role_id")?.to_owned(),
        })
    });
    assignments.collect::<Result<Vec<_>>>().map(Some)
}

/// Every field that an acting member gives needs its own permission, also one given with its present value; one that
/// is missing refuses the whole change (spec 03a §8).
fn require_permissions(call: &Call) -> Result<()> {
    let Some(actor) = &call.actor else { return Ok(()) };
    for field in call.fields.names() {
        if field == "trusted_metadata" {
            return Err(ErrorType::CannotUpdateTrustedMetadata.into());
        }
        // What the application trusts comes from its backend only, whatever the roles.
        if call.is_browser() && matches!(field, "organization_external_id" | "claimed_email_domains") {
            return Err(ErrorType::SessionAuthorizationError
                .with_message(format!("{field} can only be changed with the secret key.")));
        }
        if let Some(action) = actions_for_organization_update(field) {
            actor.require(&call.cx, ORGANIZATION_RESOURCE, action)?;
        }
    }
    Ok(())
}

/// `POST /v1/b2b/organizations`
pub async fn create(call: Call) -> Result<Reply> {
    let change = read_change(&call.fields)?;
    Ok(organization(&organizations::create(&call.cx, change).await?))
}

/// `GET /v1/b2b/organizations/{organization_id}` and `GET /sdk/v1/b2b/organizations/me`
pub async fn get(call: Call) -> Result<Reply> {
    Ok(organization(&organizations::get(&call.cx, &call.organization()?).await?))
}

/// `PUT /v1/b2b/organizations/{organization_id}` and `PUT /sdk/v1/b2b/organizations/me`
pub async fn update(call: Call) -> Result<Reply> {
    require_permissions(&call)?;
    let input = Update {
        organization: call.organization()?,
        change: read_change(&call.fields)?,
        actor: call.actor.clone(),
    };
    Ok(organization(&organizations::update(&call.cx, input).await?))
}

/// `DELETE /v1/b2b/organizations/{organization_id}` and `DELETE /sdk/v1/b2b/organizations/me`: in a browser the own
/// session goes with it.
pub async fn delete(call: Call) -> Result<Reply> {
    let id = organizations::delete(&call.cx, call.organization()?).await?;
    let tokens = if call.is_browser() { Tokens::SignedOut } else { Tokens::Untouched };
    Ok(Reply::with_tokens(Object::new().field("organization_id", &id), tokens))
}

/// `DELETE /v1/b2b/organizations/{organization_id}/external_id`
pub async fn delete_external_id(call: Call) -> Result<Reply> {
    Ok(organization(&organizations::delete_external_id(&call.cx, call.organization()?).await?))
}

/// `GET /v1/b2b/organizations/{organization_id}/metrics`
pub async fn metrics(call: Call) -> Result<Reply> {
    let members = organizations::count_members(&call.cx, &call.organization()?).await?;
    Ok(Object::new().field("member_count", &members).into())
}

/// `POST /v1/b2b/organizations/search`
pub async fn search(call: Call) -> Result<Reply> {
    let found = search::organizations(&call.cx, &call.fields).await?;
    let organizations: Vec<WireOrganization> = found.entries.iter().map(WireOrganization).collect();
    Ok(Object::new()
        .field("organizations", &organizations)
        .field("results_metadata", &json!({ "total": found.total, "next_cursor": found.next_cursor }))
        .into())
}

/// `POST /sdk/v1/b2b/organizations/search`: what a sign-in page may know of an organization by its slug.
pub async fn find_by_slug(call: Call) -> Result<Reply> {
    let slug = call.fields.required("organization_slug")?;
    let found = organizations::find_by_slug(&call.cx, slug).await?;
    Ok(Object::new().field("organization", &found.as_ref().map(WireOrganizationMatch)).into())
}
