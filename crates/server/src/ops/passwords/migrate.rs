//! Taking over passwords from other systems, with or without the members (spec 01c §2, migrate).

use super::stored;
use crate::cx::{Cx, Result};
use crate::ops::members::set_phone;
use crate::ops::{lookup, provisioning};
use ostiary_core::error::ErrorType;
use ostiary_core::member::{Member, MemberStatus, valid_member_external_id, valid_member_name};
use ostiary_core::metadata;
use ostiary_core::organization::{Organization, metadata_error};
use ostiary_proto::password_hash::PasswordHash;
use ostiary_store::seam::Db;
use ostiary_store::{members, passwords};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A member with the hash of a password.
pub struct Migrate {
    /// The organization by any identifier.
    pub organization: String,
    /// The address, which counts as proven.
    pub email_address: String,
    /// The hash.
    pub hash: PasswordHash,
    /// The name.
    pub name: Option<String>,
    /// The application's own id; only for a member that is created.
    pub external_id: Option<String>,
    /// Data of the application.
    pub trusted_metadata: Option<Map<String, Value>>,
    /// Data of the application that members may change themselves.
    pub untrusted_metadata: Option<Map<String, Value>>,
    /// All roles that are assigned to the member itself.
    pub roles: Option<Vec<String>>,
    /// The phone number for second factors.
    pub mfa_phone_number: Option<String>,
    /// Whether that number counts as proven.
    pub phone_number_verified: bool,
}

/// A member whose password was taken over.
pub struct Migrated {
    /// The member.
    pub member: Member,
    /// The organization.
    pub organization: Organization,
    /// Whether the member is new.
    pub member_created: bool,
}

/// Gives a member without a password one of which only the hash is known. The member is created when it is missing, and
/// is active and proven afterwards. Policies do not count, since nobody knows the password.
///
/// Where passwords are shared, the call is made once for each organization of an address. The first hash is the one that
/// counts; later calls bring the members.
pub async fn migrate(cx: &Cx, input: Migrate) -> Result<Migrated> {
    cx.write(input, in_transaction).await
}

async fn in_transaction(tx: Db, cx: Cx, input: Arc<Migrate>) -> Result<Migrated> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let known = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str()).await?;
    if known.as_ref().is_some_and(|member| member.password_id.is_some()) {
        return Err(ErrorType::PasswordAlreadyExists.into());
    }
    let member_created = known.is_none();
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    let mut member =
        known.unwrap_or_else(|| provisioning::new_member(&cx, &organization, &email, MemberStatus::Active));
    apply(&cx, &organization, &mut member, &input, member_created)?;
    if member_created {
        provisioning::insert_member(&tx, &cx, &mut member, &email).await?;
    } else {
        member.touch(cx.now);
        provisioning::save_member(&tx, &cx, &member).await?;
    }
    let owner = stored::owner_of(&cx, &member);
    if passwords::find(&tx, cx.scope(), &owner).await?.is_none() {
        let new = stored::import(&cx, &input.hash);
        member = stored::set_first(&tx, &cx, member, &new).await?;
    }
    Ok(Migrated { member, organization, member_created })
}

fn apply(
    cx: &Cx,
    organization: &Organization,
    member: &mut Member,
    input: &Migrate,
    is_new: bool,
) -> Result<()> {
    member.status = MemberStatus::Active;
    member.email_verified = true;
    if let Some(name) = &input.name {
        member.name = valid_member_name(name)?;
    }
    if let Some(external_id) = input.external_id.as_ref().filter(|_| is_new) {
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
    if let Some(roles) = &input.roles {
        let held = member.direct_roles.clone();
        member.direct_roles = provisioning::direct_roles(cx, organization, &held, roles, None)?;
    }
    if let Some(number) = &input.mfa_phone_number {
        set_phone(cx, member, number)?;
    }
    match &mut member.mfa_phone {
        Some(phone) => phone.verified |= input.phone_number_verified,
        None if input.phone_number_verified => {
            return Err(
                ErrorType::InvalidArgument.with_message("set_phone_number_verified needs mfa_phone_number.")
            );
        }
        None => {}
    }
    Ok(())
}
