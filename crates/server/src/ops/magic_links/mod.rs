//! Magic links of one organization: sending, inviting, authenticating (spec 01b §1 and §2).

pub mod entry;
pub mod link;

use crate::cx::{Cx, Result};
use crate::ops::actor::Actor;
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::members::email_update;
use crate::ops::{lookup, provisioning};
use entry::Entry;
use link::LinkRequest;
use ostiary_core::admission;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::member::{Member, MemberStatus, valid_member_name};
use ostiary_core::metadata;
use ostiary_core::organization::{AuthMethod, Organization, metadata_error};
use ostiary_core::redirect_url::RedirectUrlType;
use ostiary_pages::mail::Template;
use ostiary_proto::hash::sha256;
use ostiary_proto::pkce;
use ostiary_store::magic_links::{self, LinkPurpose, MagicLink};
use ostiary_store::members;
use ostiary_store::seam::Db;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The shortest and the longest life of a link, in minutes.
pub const EXPIRATION_MINUTES: std::ops::RangeInclusive<i64> = 5..=10_080;
/// The life of a login, signup or discovery link when the call names none, in minutes.
pub const LOGIN_EXPIRATION_MINUTES_DEFAULT: i64 = 60;
/// The life of an invitation when the call names none, in minutes.
pub const INVITE_EXPIRATION_MINUTES_DEFAULT: i64 = 10_080;

/// The life of a link as wished, in minutes.
pub fn expiration_minutes(wished: Option<i64>, default: i64) -> Result<i64> {
    let minutes = wished.unwrap_or(default);
    if EXPIRATION_MINUTES.contains(&minutes) { Ok(minutes) } else { Err(ErrorType::InvalidExpiration.into()) }
}

/// A PKCE challenge from a request.
pub fn check_challenge(challenge: Option<&str>) -> Result<()> {
    match challenge {
        Some(challenge) if !pkce::is_valid_challenge(challenge) => {
            Err(ErrorType::InvalidPkceCodeChallenge.into())
        }
        _ => Ok(()),
    }
}

/// A wish to be sent a login link.
pub struct Send {
    /// The organization by any identifier.
    pub organization: String,
    /// The address.
    pub email_address: String,
    /// Where the link leads if the member is active; the project's default when absent.
    pub login_redirect_url: Option<String>,
    /// Where the link leads otherwise.
    pub signup_redirect_url: Option<String>,
    /// The PKCE challenge.
    pub pkce_challenge: Option<String>,
    /// How the mail is to be.
    pub mail: MailWishes,
    /// For how long the link is good if the member is active, in minutes.
    pub login_expiration_minutes: Option<i64>,
    /// For how long the link is good otherwise, in minutes.
    pub signup_expiration_minutes: Option<i64>,
}

/// Sends a login link to a member, who is created when the organization lets the address join.
pub async fn login_or_signup(cx: &Cx, input: Send) -> Result<Entry> {
    check_challenge(input.pkce_challenge.as_deref())?;
    expiration_minutes(input.login_expiration_minutes, LOGIN_EXPIRATION_MINUTES_DEFAULT)?;
    expiration_minutes(input.signup_expiration_minutes, LOGIN_EXPIRATION_MINUTES_DEFAULT)?;
    let entry = cx.write(input, send_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(entry)
}

async fn send_in_transaction(tx: Db, cx: Cx, input: Arc<Send>) -> Result<Entry> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let entry = entry::admit(&tx, &cx, organization, &email, AuthMethod::MagicLink).await?;
    let is_login = entry.member.status == MemberStatus::Active;
    let (template, url_type, wished_url, wished_minutes) = if is_login {
        (Template::Login, RedirectUrlType::Login, &input.login_redirect_url, input.login_expiration_minutes)
    } else {
        (
            Template::Signup,
            RedirectUrlType::Signup,
            &input.signup_redirect_url,
            input.signup_expiration_minutes,
        )
    };
    // Both URLs are judged, so that a mistake shows before it meets the one member whom it concerns.
    link::choose_url(
        &cx,
        input.login_redirect_url.as_deref(),
        RedirectUrlType::Login,
        &input.pkce_challenge,
    )?;
    link::choose_url(
        &cx,
        input.signup_redirect_url.as_deref(),
        RedirectUrlType::Signup,
        &input.pkce_challenge,
    )?;
    let minutes = expiration_minutes(wished_minutes, LOGIN_EXPIRATION_MINUTES_DEFAULT)?;
    let url = link::issue(
        &tx,
        &cx,
        LinkRequest {
            purpose: LinkPurpose::Organization,
            organization: Some(&entry.organization),
            member: Some(entry.member.id),
            email_address: email.as_str(),
            url_type,
            wished_url: wished_url.as_deref(),
            pkce_challenge: input.pkce_challenge.as_deref(),
            minutes,
        },
    )
    .await?;
    let letter = Letter {
        template,
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: Some(&entry.organization.name),
        invited_by_name: None,
        link: Some(&url),
        code: None,
        expires_in_minutes: minutes,
    };
    mail::post(&tx, &cx, letter).await?;
    Ok(entry)
}

/// An invitation.
pub struct Invite {
    /// The organization by any identifier.
    pub organization: String,
    /// The address.
    pub email_address: String,
    /// Where the link leads; the project's default when absent.
    pub invite_redirect_url: Option<String>,
    /// Who invites, for the text of the mail.
    pub invited_by_member_id: Option<String>,
    /// The member's name.
    pub name: Option<String>,
    /// The member's trusted metadata.
    pub trusted_metadata: Option<Map<String, Value>>,
    /// The member's untrusted metadata.
    pub untrusted_metadata: Option<Map<String, Value>>,
    /// Roles to assign.
    pub roles: Option<Vec<String>>,
    /// On whose behalf.
    pub actor: Option<Actor>,
    /// How the mail is to be.
    pub mail: MailWishes,
    /// For how long the link is good, in minutes.
    pub expiration_minutes: Option<i64>,
}

/// Invites somebody: a new member, or one who is pending or was invited before.
pub async fn invite(cx: &Cx, input: Invite) -> Result<(Member, Organization)> {
    expiration_minutes(input.expiration_minutes, INVITE_EXPIRATION_MINUTES_DEFAULT)?;
    let invited = cx.write(input, invite_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(invited)
}

async fn invite_in_transaction(tx: Db, cx: Cx, input: Arc<Invite>) -> Result<(Member, Organization)> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    admission::admit_by_invite(&organization.settings, &email)?;
    provisioning::respect_claims(&tx, &cx, Some(&organization), &email).await?;
    let inviter = match &input.invited_by_member_id {
        Some(id) => Some(lookup::get_member(&tx, &cx, &organization, id).await?),
        None => None,
    };
    let known = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str()).await?;
    if known.as_ref().is_some_and(|member| member.status == MemberStatus::Active) {
        return Err(ErrorType::DuplicateMemberEmail.into());
    }
    let is_new = known.is_none();
    let mut member =
        known.unwrap_or_else(|| provisioning::new_member(&cx, &organization, &email, MemberStatus::Invited));
    apply_invitation(&cx, &organization, &mut member, &input)?;
    if is_new {
        provisioning::insert_member(&tx, &cx, &mut member, &email).await?;
    } else {
        member.touch(cx.now);
        provisioning::save_member(&tx, &cx, &member).await?;
    }
    let minutes = expiration_minutes(input.expiration_minutes, INVITE_EXPIRATION_MINUTES_DEFAULT)?;
    let url = link::issue(
        &tx,
        &cx,
        LinkRequest {
            purpose: LinkPurpose::Organization,
            organization: Some(&organization),
            member: Some(member.id),
            email_address: email.as_str(),
            url_type: RedirectUrlType::Invite,
            wished_url: input.invite_redirect_url.as_deref(),
            pkce_challenge: None,
            minutes,
        },
    )
    .await?;
    let inviter_name = inviter.as_ref().map(|inviter| {
        if inviter.name.is_empty() { inviter.email_address.as_str() } else { inviter.name.as_str() }
    });
    let letter = Letter {
        template: Template::Invite,
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: Some(&organization.name),
        invited_by_name: inviter_name,
        link: Some(&url),
        code: None,
        expires_in_minutes: minutes,
    };
    mail::post(&tx, &cx, letter).await?;
    Ok((member, organization))
}

fn apply_invitation(cx: &Cx, organization: &Organization, member: &mut Member, input: &Invite) -> Result<()> {
    member.status = MemberStatus::Invited;
    if let Some(name) = &input.name {
        member.name = valid_member_name(name)?;
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
        member.direct_roles =
            provisioning::direct_roles(cx, organization, &member.direct_roles, roles, input.actor.as_ref())?;
    }
    Ok(())
}

/// A link that was followed.
pub struct Authenticate {
    /// The token of the link.
    pub token: String,
    /// The PKCE verifier.
    pub pkce_verifier: Option<String>,
    /// What else the caller has.
    pub credentials: Credentials,
}

/// Uses up a link and logs its member in.
pub async fn authenticate(cx: &Cx, input: Authenticate) -> Result<Authenticated> {
    cx.write(input, authenticate_in_transaction).await?.complete(cx)
}

async fn authenticate_in_transaction(tx: Db, cx: Cx, input: Arc<Authenticate>) -> Result<Login> {
    let purposes = [LinkPurpose::Organization, LinkPurpose::EmailUpdate];
    let link = use_link(&tx, &cx, &input.token, &purposes, input.pkce_verifier.as_deref()).await?;
    let (organization, mut member) = entry_of(&tx, &cx, &link).await?;
    member.refuse_if_locked(cx.now)?;
    if link.purpose == LinkPurpose::EmailUpdate {
        let email = lookup::email(&link.email_address)?;
        member = email_update::complete(&tx, &cx, &organization, member, &email).await?;
    }
    let factor = Factor::new(
        Proof::MagicLink { email_id: Some(member.email_id), email_address: link.email_address },
        cx.now,
    );
    login::finish(&tx, &cx, organization, member, vec![factor], &input.credentials).await
}

/// The organization and member of a link; both may be gone since it was sent, and the member may have another address,
/// unless the link is what makes it the member's.
pub async fn entry_of(tx: &Db, cx: &Cx, link: &MagicLink) -> Result<(Organization, Member)> {
    let gone = || Error::from(ErrorType::UnableToAuthMagicLink);
    let (Some(organization), Some(member)) = (link.organization_id, link.member_id) else {
        return Err(gone());
    };
    let organization =
        ostiary_store::organizations::find(tx, cx.scope(), organization).await?.ok_or_else(gone)?;
    let may_use = |member: &Member| {
        let has_address =
            link.purpose == LinkPurpose::EmailUpdate || member.email_address == link.email_address;
        member.status != MemberStatus::Deleted && has_address
    };
    let member = members::find(tx, cx.scope(), organization.id, member).await?;
    Ok((organization, member.filter(may_use).ok_or_else(gone)?))
}

/// Checks a link and uses it up. A wrong verifier does not: the rightful caller may still come (spec 01b §1, chosen).
pub async fn use_link(
    tx: &Db,
    cx: &Cx,
    token: &str,
    purposes: &[LinkPurpose],
    verifier: Option<&str>,
) -> Result<MagicLink> {
    let link = check_link(tx, cx, token, purposes, verifier).await?;
    if !magic_links::consume(tx, cx.scope(), &sha256(token.as_bytes()), cx.now).await? {
        return Err(ErrorType::UnableToAuthMagicLink.into());
    }
    Ok(link)
}

/// The link that [`use_link`] would use up now.
pub async fn check_link(
    db: &Db,
    cx: &Cx,
    token: &str,
    purposes: &[LinkPurpose],
    verifier: Option<&str>,
) -> Result<MagicLink> {
    let link = magic_links::find(db, cx.scope(), &sha256(token.as_bytes()))
        .await?
        .filter(|link| purposes.contains(&link.purpose))
        .ok_or(ErrorType::MagicLinkNotFound)?;
    if link.used_at.is_some() || link.expires_at <= cx.now {
        return Err(ErrorType::UnableToAuthMagicLink.into());
    }
    check_verifier(link.pkce_challenge.as_deref(), verifier)?;
    Ok(link)
}

/// The verifier must fit the challenge with which the flow began, or both must be absent.
pub fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<()> {
    let kind = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(_), None) => ErrorType::PkceExpectedCodeVerifier,
        (None, Some(_)) => ErrorType::PkceDidNotExpectCodeVerifier,
        (Some(_), Some(verifier)) if !pkce::is_valid_verifier(verifier) => ErrorType::InvalidPkceCodeVerifier,
        (Some(challenge), Some(verifier)) if pkce::matches(challenge, verifier) => return Ok(()),
        (Some(_), Some(_)) => ErrorType::PkceMismatch,
    };
    Err(kind.into())
}
