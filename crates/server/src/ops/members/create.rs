//! Creating members directly, without an invitation.

use super::factors::set_phone;
use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::{lookup, provisioning};
use ostiary_core::member::{Member, MemberStatus, valid_member_external_id, valid_member_name};
use ostiary_core::metadata;
use ostiary_core::organization::{Organization, metadata_error};
use ostiary_store::seam::Db;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A member to be created.
#[derive(Clone, Debug, Default)]
pub struct Create {
    /// The organization by any identifier.
    pub organization: String,
    /// The address.
    pub email_address: String,
    /// The name.
    pub name: Option<String>,
    /// The application's own id.
    pub external_id: Option<String>,
    /// Data of the application.
    pub trusted_metadata: Option<Map<String, Value>>,
    /// Data of the application that members may change themselves.
    pub untrusted_metadata: Option<Map<String, Value>>,
    /// Whether the member is pending until the first sign-in.
    pub as_pending: bool,
    /// Whether restrictions of methods do not count.
    pub is_breakglass: bool,
    /// The phone number for second factors.
    pub mfa_phone_number: Option<String>,
    /// Whether the member needs a second factor.
    pub mfa_enrolled: bool,
    /// Roles to assign.
    pub roles: Option<Vec<String>>,
    /// On whose behalf.
    pub actor: Option<Actor>,
}

/// Creates a member. The address counts as unproven until its owner signs in. Nothing is sent, and the rules about
/// invitations do not count, since whoever may create members vouches for them (spec 01a §4).
pub async fn create(cx: &Cx, input: Create) -> Result<(Organization, Member)> {
    cx.write(input, create_in_transaction).await
}

async fn create_in_transaction(tx: Db, cx: Cx, input: Arc<Create>) -> Result<(Organization, Member)> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    let status = if input.as_pending { MemberStatus::Pending } else { MemberStatus::Active };
    let mut member = provisioning::new_member(&cx, &organization, &email, status);
    if let Some(name) = &input.name {
        member.name = valid_member_name(name)?;
    }
    if let Some(external_id) = &input.external_id {
        member.external_id = Some(valid_member_external_id(external_id)?);
    }
    if let Some(given) = &input.trusted_metadata {
        member.trusted_metadata = metadata::validate_new(given).map_err(metadata_error)?;
    }
    if let Some(given) = &input.untrusted_metadata {
        member.untrusted_metadata = metadata::validate_new(given).map_err(metadata_error)?;
    }
    member.is_breakglass = input.is_breakglass;
    member.mfa_enrolled = input.mfa_enrolled;
    if let Some(number) = &input.mfa_phone_number {
        set_phone(&cx, &mut member, number)?;
    }
    if let Some(roles) = &input.roles {
        member.direct_roles =
            provisioning::direct_roles(&cx, &organization, &[], roles, input.actor.as_ref())?;
    }
    provisioning::insert_member(&tx, &cx, &mut member, &email).await?;
    Ok((organization, member))
}
