//! Who gets a login link or code: members, and people whom the organization lets join by their address.

use crate::cx::{Cx, Result};
use crate::ops::provisioning;
use ostiary_core::admission;
use ostiary_core::email::EmailAddress;
use ostiary_core::error::ErrorType;
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::{AuthMethod, Organization};
use ostiary_store::members;
use ostiary_store::seam::Db;

/// A member at the door of an organization.
pub struct Entry {
    /// The member.
    pub member: Member,
    /// The organization.
    pub organization: Organization,
    /// Whether the member is new.
    pub member_created: bool,
}

/// Finds the member of an address, or creates a pending one where the organization's rules admit it. Refuses a method
/// that the organization does not allow before anything is sent.
pub async fn admit(
    tx: &Db,
    cx: &Cx,
    organization: Organization,
    email: &EmailAddress,
    method: AuthMethod,
) -> Result<Entry> {
    let known = members::find_by_email(tx, cx.scope(), organization.id, email.as_str()).await?;
    let is_breakglass = known.as_ref().is_some_and(|member| member.is_breakglass);
    if known.is_none() {
        admission::admit_by_email(&organization.settings, email)?;
    }
    provisioning::respect_claims(tx, cx, Some(&organization), email).await?;
    if !organization.settings.allows_auth_method(method, is_breakglass) {
        return Err(ErrorType::OperationRestrictedByAuthMethods.into());
    }
    match known {
        Some(member) => {
            member.refuse_if_locked(cx.now)?;
            Ok(Entry { member, organization, member_created: false })
        }
        None => {
            let mut member = provisioning::new_member(cx, &organization, email, MemberStatus::Pending);
            provisioning::insert_member(tx, cx, &mut member, email).await?;
            Ok(Entry { member, organization, member_created: true })
        }
    }
}
