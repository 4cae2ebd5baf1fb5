//! Bringing members into an organization: the part that login, invitation and discovery share.

use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::passwords;
use ostiary_core::admission;
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::{MemberId, OrganizationId};
use ostiary_core::member::{Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_core::rbac;
use ostiary_store::addresses::{self, Holding};
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

/// Refuses an address that is another member's, was one's, or is about to become one's. `except` may have it.
pub async fn refuse_taken(
    tx: &Db,
    cx: &Cx,
    organization: OrganizationId,
    email: &EmailAddress,
    except: Option<MemberId>,
) -> Result<()> {
    let holder = addresses::holder(tx, cx.scope(), organization, email.as_str(), cx.now).await?;
    let Some(holder) = holder.filter(|holder| Some(holder.member) != except) else { return Ok(()) };
    Err(match holder.holding {
        Holding::Current => ErrorType::DuplicateMemberEmail,
        Holding::Retired => ErrorType::RetiredMemberEmail,
        Holding::Reserved => ErrorType::DesiredEmailUpdatingForDifferentMember,
    }
    .into())
}

/// Adds a member whose address is free. It has the password of the address at once, where passwords are shared.
pub async fn insert_member(tx: &Db, cx: &Cx, member: &mut Member, email: &EmailAddress) -> Result<()> {
    refuse_taken(tx, cx, member.organization_id, email, None).await?;
    passwords::link_to_shared(tx, cx, member).await?;
    Ok(members::insert(tx, cx.scope(), member).await?)
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

/// Roles as they are assigned to a member directly, each once; refuses those that may not be, and new ones that `actor`
/// may not hand out.
pub fn direct_roles(
    cx: &Cx,
    organization: &Organization,
    held: &[String],
    roles: &[String],
    actor: Option<&Actor>,
) -> Result<Vec<String>> {
    rbac::validate_direct_roles(&cx.project.policy, &organization.custom_roles, roles)?;
    refuse_escalation(cx, organization, roles.iter().filter(|role| !held.contains(role)), actor)?;
    let mut distinct: Vec<String> = Vec::with_capacity(roles.len());
    for role in roles {
        if !distinct.contains(role) {
            distinct.push(role.clone());
        }
    }
    Ok(distinct)
}

/// Refuses to let a member hand out roles beyond its own, where the project says so. A backend that names no member may.
pub fn refuse_escalation<'a>(
    cx: &Cx,
    organization: &Organization,
    mut roles: impl Iterator<Item = &'a String>,
    actor: Option<&Actor>,
) -> Result<()> {
    let Some(actor) = actor else { return Ok(()) };
    roles.try_for_each(|role| actor.require_grantable(cx, organization, role))
}
