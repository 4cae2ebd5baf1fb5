//! Ending a lock before its time: by an operator, or by the member with a link that was mailed (spec 01d §3).

use crate::cx::{Cx, Result};
use crate::ops::magic_links::link;
use crate::ops::magic_links::use_link;
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::management::{Operator, Place};
use ostiary_core::error::ErrorType;
use ostiary_core::ids::MemberId;
use ostiary_core::member::{Lock, Member, MemberStatus};
use ostiary_core::organization::Organization;
use ostiary_core::redirect_url::{RedirectUrlType, append_query};
use ostiary_core::time::MINUTE;
use ostiary_pages::mail::Template;
use ostiary_proto::hash::sha256;
use ostiary_store::magic_links::{self, LinkPurpose, MagicLink};
use ostiary_store::seam::Db;
use ostiary_store::{discovery_locks, members, organizations};
use std::sync::Arc;

/// The path of the page behind the link.
pub const UNLOCK_PATH: &str = "/v1/b2b/members/unlock";

/// Mails a way out to a member who was just locked, where the project wants that and has a page to lead to afterwards.
/// Who is locked out of a mailbox that was never proven gets none.
pub async fn offer(tx: &Db, cx: &Cx, member: &Member, lock: Lock) -> Result<()> {
    let is_wanted = cx.project.environment.settings.user_lock_self_serve_enabled;
    if !is_wanted || member.status != MemberStatus::Active || !member.email_verified {
        return Ok(());
    }
    let Some(redirect_url) = destination(cx) else {
        tracing::warn!(
            "a member is locked and gets no mail, since there is no default LOGIN or DISCOVERY redirect URL"
        );
        return Ok(());
    };
    let organization = organizations::find(tx, cx.scope(), member.organization_id).await?;
    let token = cx.new_token();
    let stored = MagicLink {
        purpose: LinkPurpose::Unlock,
        organization_id: Some(member.organization_id),
        member_id: Some(member.id),
        email_address: member.email_address.clone(),
        redirect_url,
        pkce_challenge: None,
        created_at: lock.created_at,
        expires_at: lock.expires_at,
        used_at: None,
    };
    magic_links::insert(tx, cx.scope(), &sha256(token.as_bytes()), &stored).await?;
    let public_token = cx.project.public_token().map(|token| token.to_string()).unwrap_or_default();
    let page = format!("{}{UNLOCK_PATH}", cx.app.options.public_url);
    let url = append_query(&page, &[("public_token", public_token.as_str()), ("token", &token)]);
    let letter = Letter {
        template: Template::Unlock,
        // Nobody has asked for this mail, so nobody has said in which language.
        wishes: &MailWishes::default(),
        to: &member.email_address,
        organization_name: organization.as_ref().map(|organization| organization.name.as_str()),
        invited_by_name: None,
        link: Some(&url),
        code: None,
        expires_in_minutes: (lock.expires_at.micros() - cx.now.micros()) / MINUTE,
    };
    mail::post(tx, cx, letter).await
}

/// Where the link leads once the lock has ended.
fn destination(cx: &Cx) -> Option<String> {
    [RedirectUrlType::Login, RedirectUrlType::Discovery]
        .into_iter()
        .find_map(|kind| link::choose_url(cx, None, kind, &None).ok())
}

/// Whether a link would end a lock now; using it is another matter.
pub async fn is_good(cx: &Cx, token: &str) -> Result<bool> {
    let found = magic_links::find(&cx.reader(), cx.scope(), &sha256(token.as_bytes())).await?;
    Ok(found.is_some_and(|link| {
        link.purpose == LinkPurpose::Unlock && link.used_at.is_none() && link.expires_at > cx.now
    }))
}

/// Uses a link up, ends the lock that it was sent for, and says where to go on.
///
/// # Errors
/// `unable_to_auth_magic_link`, `magic_link_not_found`; also when the member has been unlocked since, and perhaps locked
/// again.
pub async fn by_link(cx: &Cx, token: String) -> Result<String> {
    cx.write(token, by_link_in_transaction).await
}

async fn by_link_in_transaction(tx: Db, cx: Cx, token: Arc<String>) -> Result<String> {
    let link = use_link(&tx, &cx, &token, &[LinkPurpose::Unlock], None).await?;
    let member = link.member_id.ok_or(ErrorType::UnableToAuthMagicLink)?;
    if !members::unlock(&tx, cx.scope(), member, Some(link.created_at)).await? {
        return Err(ErrorType::UnableToAuthMagicLink.into());
    }
    discovery_locks::forget(&tx, cx.scope(), &link.email_address).await?;
    Ok(link.redirect_url)
}

/// Ends the lock of a member for an operator, and forgets failed attempts. A member who is not locked stays as it is.
///
/// # Errors
/// `member_not_found`.
pub async fn by_operator(operator: &Operator, place: &Place, member: &str) -> Result<(Organization, Member)> {
    by_administrator(&operator.within(place).await?, member).await
}

/// Ends the lock of a member of this environment, and forgets failed attempts, those of the address included.
///
/// # Errors
/// `member_not_found`.
pub async fn by_administrator(cx: &Cx, member: &str) -> Result<(Organization, Member)> {
    let id = MemberId::parse(member, cx.project.kind()).map_err(|error| error.into_error("member_id"))?;
    let unlocked = cx.write(id, by_administrator_in_transaction).await?;
    tracing::info!(member.id = %id, "a member was unlocked");
    Ok(unlocked)
}

async fn by_administrator_in_transaction(
    tx: Db,
    cx: Cx,
    id: Arc<MemberId>,
) -> Result<(Organization, Member)> {
    members::unlock(&tx, cx.scope(), *id, None).await?;
    let member = members::find_anywhere(&tx, cx.scope(), *id).await?;
    let member = member.filter(|member| member.status != MemberStatus::Deleted);
    let member = member.ok_or(ErrorType::MemberNotFound)?;
    discovery_locks::forget(&tx, cx.scope(), &member.email_address).await?;
    let organization = organizations::find(&tx, cx.scope(), member.organization_id).await?;
    Ok((organization.ok_or(ErrorType::OrganizationNotFound)?, member))
}
