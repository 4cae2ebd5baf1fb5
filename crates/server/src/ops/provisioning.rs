//! Bringing members into an organization: the part that login, invitation and discovery share.

use crate::cx::{Cx, Result};
use ostiary_core::admission;
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_core::rbac::{self, Policy};
use ostiary_store::seam::Db;
use ostiary_store::{members, organizations};

/// Refuses an address whose domain other organizations have claimed.
pub async fn respect_claims(
    tx: &Db,
    cx: &Cx,
    organization: Option<&Organization>,
    email: &EmailAddress,
) -> Result<()> {
    let claimants = organizations::claimants(tx, cx.scope(), email.domain()).await?;
    Ok(admission::respect_claims(&claimants, organization.map(|organization| organization.id))?)
}

/// Adds a member whose address is free: neither another member's nor a retired one of somebody else.
pub async fn insert_member(tx: &Db, cx: &Cx, member: &Member) -> Result<()> {
    let holder =
        members::address_holder(tx, cx.scope(), member.organization_id, &member.email_address).await?;
    match holder {
        Some((_, true)) => Err(ErrorType::DuplicateMemberEmail.into()),
        Some((_, false)) => Err(ErrorType::RetiredMemberEmail.into()),
        None => Ok(members::insert(tx, cx.scope(), member).await?),
    }
}

/// A new member of the organization, not stored yet.
pub fn new_member(
    cx: &Cx,
    organization: &Organization,
    email: &EmailAddress,
    status: MemberStatus,
) -> Member {
    Member::new(cx.new_member_id(), organization.id, cx.new_email_id(), email, status, cx.now)
}

/// Writes a changed member; the loser of a race starts over.
pub async fn save_member(tx: &Db, cx: &Cx, member: &Member) -> Result<()> {
    written(members::update(tx, cx.scope(), member).await?)
}

/// Turns "somebody else changed it first" into an error that is worth repeating.
pub fn written(was_written: bool) -> Result<()> {
    if was_written {
        return Ok(());
    }
    Err(Error {
        retry_after_seconds: Some(1),
        source: Some("a concurrent change came first".into()),
        ..ErrorType::ServerUnavailable.into()
    })
}

/// Roles as they are assigned to a member directly, each once; refuses those that may not be.
pub fn direct_roles(policy: &Policy, organization: &Organization, roles: &[String]) -> Result<Vec<String>> {
    rbac::validate_direct_roles(policy, &organization.custom_roles, roles)
        .map_err(|error| ErrorType::parse(error.error_type()).unwrap_or(ErrorType::InvalidRole))?;
    let mut distinct: Vec<String> = Vec::with_capacity(roles.len());
    for role in roles {
        if !distinct.contains(role) {
            distinct.push(role.clone());
        }
    }
    Ok(distinct)
}
