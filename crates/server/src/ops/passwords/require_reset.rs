//! Voiding a password that counts in every organization.

use super::require_shared;
use crate::cx::{Cx, Result};
use crate::ops::lookup;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::OrganizationId;
use ostiary_core::member::Member;
use ostiary_core::organization::Organization;
use ostiary_store::members;
use ostiary_store::passwords::{self, PasswordOwner};
use ostiary_store::seam::Db;
use std::sync::Arc;

/// A wish to void the password of an address.
pub struct RequireReset {
    /// The address.
    pub email_address: String,
    /// An organization of a member with that address, by any identifier.
    pub organization: Option<String>,
    /// That member.
    pub member: Option<String>,
    /// The only organization in which whoever asks may find the member.
    pub within: Option<OrganizationId>,
}

/// Marks the password of an address as one that must be reset by mail. Where only one active member has the address,
/// the password is removed (spec 01c §2). Answers with the member, when one was named.
pub async fn require_reset(cx: &Cx, input: RequireReset) -> Result<Option<(Organization, Member)>> {
    require_shared(cx)?;
    cx.write(input, in_transaction).await
}

async fn in_transaction(tx: Db, cx: Cx, input: Arc<RequireReset>) -> Result<Option<(Organization, Member)>> {
    let email = lookup::email(&input.email_address)?;
    let organization = match (&input.organization, input.within) {
        (Some(named), _) => Some(lookup::get_organization(&tx, &cx, named).await?),
        (None, Some(own)) => ostiary_store::organizations::find(&tx, cx.scope(), own).await?,
        (None, None) => None,
    };
    if let Some(organization) = &organization {
        find_member(&tx, &cx, organization, &input).await?;
    }
    let owner = PasswordOwner::Address(email.as_str().to_owned());
    let stored = passwords::find(&tx, cx.scope(), &owner).await?.ok_or(ErrorType::PasswordNotFound)?;
    if passwords::count_active_memberships(&tx, cx.scope(), email.as_str()).await? == 1 {
        passwords::delete(&tx, cx.scope(), stored.id).await?;
        passwords::set_id_of_memberships(&tx, cx.scope(), email.as_str(), None, cx.now).await?;
    } else {
        passwords::require_reset(&tx, cx.scope(), stored.id).await?;
    }
    match organization {
        Some(organization) => {
            let member = find_member(&tx, &cx, &organization, &input).await?;
            Ok(Some((organization, member)))
        }
        None => Ok(None),
    }
}

/// The member that is meant: the one with the address, who must be the one that is named.
async fn find_member(tx: &Db, cx: &Cx, organization: &Organization, input: &RequireReset) -> Result<Member> {
    let email = lookup::email(&input.email_address)?;
    let found = members::find_by_email(tx, cx.scope(), organization.id, email.as_str()).await?;
    let member = found.ok_or_else(|| Error::from(ErrorType::MemberNotFound))?;
    match &input.member {
        Some(named) if lookup::get_member(tx, cx, organization, named).await?.id != member.id => {
            Err(ErrorType::MemberNotFound.into())
        }
        _ => Ok(member),
    }
}
