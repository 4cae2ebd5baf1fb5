//! Which address a member has, and which it lets go of.

use crate::cx::{Cx, Result};
use crate::ops::{lookup, passwords, provisioning};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::ErrorType;
use ostiary_core::ids::EmailId;
use ostiary_core::member::{Member, OldEmail};
use ostiary_core::organization::Organization;
use ostiary_store::members;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// Gives a member another address on somebody else's word: it is unproven and has no password. A member's own retired
/// address may become the current one again.
pub(super) async fn change(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: &mut Member,
    email: &EmailAddress,
    old: OldEmail,
) -> Result<()> {
    if email.as_str() == member.email_address {
        return Ok(());
    }
    provisioning::respect_claims(tx, cx, Some(organization), email).await?;
    provisioning::refuse_taken(tx, cx, organization.id, email, Some(member.id)).await?;
    member.change_email(email, cx.new_email_id(), old);
    member.email_verified = false;
    member.password_id = None;
    passwords::link_to_shared(tx, cx, member).await?;
    Ok(())
}

/// A retired address that a member is to let go of.
pub struct Unlink {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The address's id.
    pub email_id: Option<String>,
    /// The address.
    pub email_address: Option<String>,
}

/// Lets go of a retired address, so that others can have it. It is named by its id, by itself, or by both, which must
/// agree (spec 01a §4).
pub async fn unlink_retired_email(cx: &Cx, input: Unlink) -> Result<(Organization, Member)> {
    if input.email_id.is_none() && input.email_address.is_none() {
        return Err(ErrorType::RetiredEmailMissingIdentifiers.into());
    }
    cx.write(input, unlink_in_transaction).await
}

async fn unlink_in_transaction(tx: Db, cx: Cx, input: Arc<Unlink>) -> Result<(Organization, Member)> {
    let id = input.email_id.as_deref().map(|id| EmailId::parse(id, cx.project.kind()));
    let id = id.transpose().map_err(|error| error.into_error("email_id"))?;
    let email = input.email_address.as_deref().map(lookup::email).transpose()?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let mut member = lookup::get_member(&tx, &cx, &organization, &input.member).await?;
    let named = member.find_retired_email(id, email.as_ref()).ok_or(ErrorType::EmailNotFound)?;
    let unlinked = named.email_id;
    member.retired_emails.retain(|retired| retired.email_id != unlinked);
    member.touch(cx.now);
    provisioning::written(members::update_with_addresses(&tx, cx.scope(), &member).await?)?;
    Ok((organization, member))
}
