//! Removing members and bringing them back.

use crate::cx::{Cx, Result};
use crate::ops::{lookup, passwords, provisioning};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{IdError, MemberId};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_store::seam::Db;
use ostiary_store::{addresses, magic_links, members, sessions, sms_codes, totp};
use std::sync::Arc;

/// Removes a member, named by id or external id: it cannot sign in any more, its sessions, factors, roles and outstanding
/// links are gone, its addresses are free. The row stays, so that the member can be reactivated.
pub async fn delete(cx: &Cx, organization: String, member: String) -> Result<MemberId> {
    cx.write((organization, member), delete_in_transaction).await
}

async fn delete_in_transaction(tx: Db, cx: Cx, input: Arc<(String, String)>) -> Result<MemberId> {
    let organization = lookup::get_organization(&tx, &cx, &input.0).await?;
    let before = lookup::get_member(&tx, &cx, &organization, &input.1).await?;
    let mut member = before.clone();
    member.remove(cx.now);
    let scope = cx.scope();
    provisioning::written(members::update_with_addresses(&tx, scope, &member).await?)?;
    sessions::delete_of_member(&tx, scope, member.id).await?;
    magic_links::delete_of_member(&tx, scope, member.id).await?;
    sms_codes::delete(&tx, scope, member.id).await?;
    totp::delete(&tx, scope, member.id).await?;
    passwords::drop_own(&tx, &cx, &before).await?;
    passwords::release_address(&tx, &cx, &member.email_address).await?;
    Ok(member.id)
}

/// Brings a removed member back as an active one with nothing but its addresses, name and data. Only by id: external ids of removed members may be others' now.
pub async fn reactivate(cx: &Cx, organization: String, member: String) -> Result<(Organization, Member)> {
    cx.write((organization, member), reactivate_in_transaction).await
}

async fn reactivate_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(String, String)>,
) -> Result<(Organization, Member)> {
    let organization = lookup::get_organization(&tx, &cx, &input.0).await?;
    let mut member = get_deleted(&tx, &cx, &organization, &input.1).await?;
    if !member.email_verified {
        return Err(ErrorType::EmailUnverifiedForReactivation.into());
    }
    let email = EmailAddress::parse(&member.email_address)
        .ok_or_else(|| Error::internal("a stored email address is not valid"))?;
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    if is_taken(&tx, &cx, &organization, &member.email_address).await? {
        return Err(ErrorType::ReactivationEmailBelongsToAnotherMember.into());
    }
    // Earlier addresses that others have taken since are theirs.
    let mut kept = Vec::with_capacity(member.retired_emails.len());
    for retired in std::mem::take(&mut member.retired_emails) {
        if !is_taken(&tx, &cx, &organization, &retired.email_address).await? {
            kept.push(retired);
        }
    }
    member.retired_emails = kept;
    member.status = MemberStatus::Active;
    passwords::link_to_shared(&tx, &cx, &mut member).await?;
    member.touch(cx.now);
    provisioning::written(members::update_with_addresses(&tx, cx.scope(), &member).await?)?;
    Ok((organization, member))
}

async fn is_taken(tx: &Db, cx: &Cx, organization: &Organization, email_address: &str) -> Result<bool> {
    Ok(addresses::holder(tx, cx.scope(), organization.id, email_address, cx.now).await?.is_some())
}

async fn get_deleted(tx: &Db, cx: &Cx, organization: &Organization, id: &str) -> Result<Member> {
    let missing = || Error::from(ErrorType::NoDeletedMemberFoundForReactivation);
    let id = MemberId::parse(id, cx.project.kind()).map_err(|error| match error {
        IdError::Malformed => missing(),
        wrong_environment => wrong_environment.into_error("member_id"),
    })?;
    members::find(tx, cx.scope(), organization.id, id)
        .await?
        .filter(|member| member.status == MemberStatus::Deleted)
        .ok_or_else(missing)
}
