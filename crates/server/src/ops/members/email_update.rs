//! How a member changes its address by itself: it names the new one, gets a link or a code there, and signs in with it
//! (spec 01a §4).
//!
//! Ada moves from `ada@acme.example` to `ada@globex.example`. [`start`] holds the new address for five minutes, so that
//! nobody takes it meanwhile, and mails it a link. When she signs in with that link, [`complete`] makes the address
//! hers, proven, and the old one retired. If she does not, the address is free again and nothing has changed.

use crate::cx::{Cx, Result};
use crate::ops::magic_links::link::{self, LinkRequest};
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::{codes, lookup, passwords, provisioning};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::member::{Member, MemberStatus, OldEmail};
use ostiary_core::organization::Organization;
use ostiary_core::redirect_url::RedirectUrlType;
use ostiary_core::wire_enum;
use ostiary_pages::mail::Template;
use ostiary_store::addresses::{self, Holder, Holding, PendingUpdate};
use ostiary_store::magic_links::LinkPurpose;
use ostiary_store::members;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// For how long the new address can be proven, and for how long it is kept from others, in minutes.
const UPDATE_MINUTES: i64 = 5;

wire_enum! {
    /// How the new address is proven.
    Delivery {
        /// By following a link.
        MagicLink = "EMAIL_MAGIC_LINK",
        /// By entering a code.
        Otp = "EMAIL_OTP",
    }
}

/// A wish to change an address.
pub struct Start {
    /// The organization by any identifier.
    pub organization: String,
    /// The member by id or external id.
    pub member: String,
    /// The new address.
    pub email_address: String,
    /// How it is proven.
    pub delivery: Delivery,
    /// Where the link leads; the project's default when absent.
    pub login_redirect_url: Option<String>,
    /// How the mail is to be.
    pub mail: MailWishes,
}

/// Sends a link or a code to the new address of a member. A member has one such change at a time: an earlier one is
/// void.
pub async fn start(cx: &Cx, input: Start) -> Result<(Organization, Member)> {
    let started = cx.write(input, start_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(started)
}

async fn start_in_transaction(tx: Db, cx: Cx, input: Arc<Start>) -> Result<(Organization, Member)> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let member = lookup::get_member(&tx, &cx, &organization, &input.member).await?;
    if member.status != MemberStatus::Active {
        return Err(ErrorType::EmailUpdatesOnlyForActiveMembers.into());
    }
    if !member.email_verified {
        return Err(ErrorType::MemberHasNoActiveVerifiedEmail.into());
    }
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    let update = PendingUpdate { member: member.id, until: cx.now.plus_minutes(UPDATE_MINUTES) };
    let (scope, new_address) = (cx.scope(), email.as_str());
    if !addresses::begin_update(&tx, scope, organization.id, new_address, update, cx.now).await? {
        let holder = addresses::holder(&tx, scope, organization.id, new_address, cx.now).await?;
        return Err(taken_by(holder).into());
    }
    match input.delivery {
        Delivery::MagicLink => send_link(&tx, &cx, &organization, &member, &email, &input).await?,
        Delivery::Otp => send_code(&tx, &cx, &organization, &email, &input.mail).await?,
    }
    Ok((organization, member))
}

fn taken_by(holder: Option<Holder>) -> ErrorType {
    match holder.map(|holder| holder.holding) {
        Some(Holding::Current) => ErrorType::DuplicateMemberEmail,
        Some(Holding::Retired) => ErrorType::DesiredEmailDeactivatedByDifferentMember,
        Some(Holding::Reserved) | None => ErrorType::DesiredEmailUpdatingForDifferentMember,
    }
}

async fn send_link(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: &Member,
    email: &EmailAddress,
    input: &Start,
) -> Result<()> {
    let request = LinkRequest {
        purpose: LinkPurpose::EmailUpdate,
        organization: Some(organization),
        member: Some(member.id),
        email_address: email.as_str(),
        url_type: RedirectUrlType::Login,
        wished_url: input.login_redirect_url.as_deref(),
        pkce_challenge: None,
        minutes: UPDATE_MINUTES,
    };
    let url = link::issue(tx, cx, request).await?;
    let letter = letter(Template::Login, organization, email, &input.mail);
    mail::post(tx, cx, Letter { link: Some(&url), ..letter }).await
}

async fn send_code(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    email: &EmailAddress,
    wishes: &MailWishes,
) -> Result<()> {
    let code = codes::issue(tx, cx, Some(organization.id), email.as_str(), UPDATE_MINUTES).await?;
    let letter = letter(Template::OneTimePasscode, organization, email, wishes);
    mail::post(tx, cx, Letter { code: Some(&code), ..letter }).await
}

/// The mails are those of signing in (spec 01d §7), since that is what their reader does next.
fn letter<'a>(
    template: Template,
    organization: &'a Organization,
    email: &'a EmailAddress,
    wishes: &'a MailWishes,
) -> Letter<'a> {
    Letter {
        template,
        wishes,
        to: email.as_str(),
        organization_name: Some(&organization.name),
        invited_by_name: None,
        link: None,
        code: None,
        expires_in_minutes: UPDATE_MINUTES,
    }
}

/// The member who is changing to this address, which it has not proven yet.
pub(in crate::ops) async fn find_member(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    email: &EmailAddress,
) -> Result<Option<Member>> {
    let update = addresses::find_update(tx, cx.scope(), organization.id, email.as_str()).await?;
    let Some(update) = update else { return Ok(None) };
    Ok(members::find(tx, cx.scope(), organization.id, update.member).await?)
}

/// Gives a member the address that it has just proven. Refused when the change is not the latest of the member, is
/// done already or took too long.
pub(in crate::ops) async fn complete(
    tx: &Db,
    cx: &Cx,
    organization: &Organization,
    member: Member,
    email: &EmailAddress,
) -> Result<Member> {
    let refused = || Error::from(ErrorType::UnableToVerifyMemberEmailUpdate);
    if member.status != MemberStatus::Active {
        return Err(refused());
    }
    // Another organization may have claimed the domain meanwhile.
    provisioning::respect_claims(tx, cx, Some(organization), email).await?;
    let ended =
        addresses::end_update(tx, cx.scope(), organization.id, email.as_str(), member.id, cx.now).await?;
    if !ended {
        return Err(refused());
    }
    let mut member = member;
    let left = member.email_address.clone();
    member.change_email(email, cx.new_email_id(), OldEmail::Retire);
    member.email_verified = true;
    passwords::link_to_shared(tx, cx, &mut member).await?;
    member.touch(cx.now);
    provisioning::written(members::update_with_addresses(tx, cx.scope(), &member).await?)?;
    passwords::release_address(tx, cx, &left).await?;
    Ok(member)
}
