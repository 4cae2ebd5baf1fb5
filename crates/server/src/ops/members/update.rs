//! Changing members.

use super::address;
use super::factors::{set_default_method, set_phone};
use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::{lookup, passwords, provisioning};
use ostiary_core::member::{Member, OldEmail, valid_member_external_id, valid_member_name};
use ostiary_core::metadata;
use ostiary_core::organization::{Organization, metadata_error};
use ostiary_store::seam::Db;
use ostiary_store::{members, sessions};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A change of a member; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The name.
    pub name: Option<String>,
    /// The application's own id.
    pub external_id: Option<String>,
    /// Changes of the application's data.
    pub trusted_metadata: Option<Map<String, Value>>,
    /// Changes of the application's data that members may change themselves.
    pub untrusted_metadata: Option<Map<String, Value>>,
    /// Whether restrictions of methods do not count.
    pub is_breakglass: Option<bool>,
    /// The phone number for second factors.
    pub mfa_phone_number: Option<String>,
    /// Whether the member needs a second factor.
    pub mfa_enrolled: Option<bool>,
    /// The second factor that is offered first.
    pub default_mfa_method: Option<String>,
    /// All roles that are assigned to the member itself.
    pub roles: Option<Vec<String>>,
    /// Another address.
    pub email_address: Option<String>,
    /// Whether the old address becomes free instead of retired.
    pub unlink_email: bool,
    /// On whose behalf.
    pub actor: Option<Actor>,
}

/// Changes a member. What is not changed is not written, so that answers made for the member stay valid.
pub async fn update(cx: &Cx, input: Update) -> Result<(Organization, Member)> {
    cx.write(input, update_in_transaction).await
}

async fn update_in_transaction(tx: Db, cx: Cx, input: Arc<Update>) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let current = lookup::get_member(&tx, &cx, &organization, &input.member).await?;
    let mut member = current.clone();
    apply(&cx, &organization, &mut member, &input)?;
    if let Some(address) = &input.email_address {
        let email = lookup::email(address)?;
        let old = if input.unlink_email { OldEmail::Forget } else { OldEmail::Retire };
        address::change(&tx, &cx, &organization, &mut member, &email, old).await?;
    }
    if member == current {
        return Ok((organization, current));
    }
    member.touch(cx.now);
    if member.email_address == current.email_address {
        provisioning::save_member(&tx, &cx, &member).await?;
    } else {
        provisioning::written(members::update_with_addresses(&tx, cx.scope(), &member).await?)?;
        // Sessions rest on proofs of the old address, which may be somebody else's now.
        sessions::delete_of_member(&tx, cx.scope(), member.id).await?;
        passwords::drop_own(&tx, &cx, &current).await?;
        passwords::release_address(&tx, &cx, &current.email_address).await?;
    }
    Ok((organization, member))
}

fn apply(cx: &Cx, organization: &Organization, member: &mut Member, input: &Update) -> Result<()> {
    if let Some(name) = &input.name {
        member.name = valid_member_name(name)?;
    }
    if let Some(external_id) = &input.external_id {
        member.external_id = Some(valid_member_external_id(external_id)?);
    }
    if let Some(change) = &input.trusted_metadata {
        member.trusted_metadata =
            metadata::merge(&member.trusted_metadata, change).map_err(metadata_error)?;
    }
    if let Some(change) = &input.untrusted_metadata {
        member.untrusted_metadata =
            metadata::merge(&member.untrusted_metadata, change).map_err(metadata_error)?;
    }
    if let Some(is_breakglass) = input.is_breakglass {
        member.is_breakglass = is_breakglass;
    }
    if let Some(number) = &input.mfa_phone_number {
        set_phone(cx, member, number)?;
    }
    if let Some(enrolled) = input.mfa_enrolled {
        member.mfa_enrolled = enrolled;
    }
    // After the phone number, which may be the factor that is meant.
    if let Some(method) = &input.default_mfa_method {
        set_default_method(member, method)?;
    }
    if let Some(roles) = &input.roles {
        member.direct_roles =
            provisioning::direct_roles(cx, organization, &member.direct_roles, roles, input.actor.as_ref())?;
    }
    Ok(())
}

/// Clears the external id of a member; both are named by any identifier.
pub async fn delete_external_id(
    cx: &Cx,
    organization: String,
    member: String,
) -> Result<(Organization, Member)> {
    cx.write((organization, member), delete_external_id_in_transaction).await
}

async fn delete_external_id_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(&tx, &cx, &input.0).await?;
    let mut member = lookup::get_member(&tx, &cx, &organization, &input.1).await?;
    if member.external_id.take().is_some() {
        member.touch(cx.now);
        provisioning::save_member(&tx, &cx, &member).await?;
    }
    Ok((organization, member))
}
