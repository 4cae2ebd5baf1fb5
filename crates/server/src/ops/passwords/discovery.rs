//! Passwords that count in every organization, before an organization is chosen.

use super::compare::{self, Against, Right, Use};
use super::reset_by_email::{EXPIRATION_MINUTES_DEFAULT, as_reset_error, refuse_outdated};
use super::stored::{self, NewPassword};
use super::{check, require_shared, wrong};
use crate::cx::{Cx, Result};
use crate::ops::discovery::{self, Discovered};
use crate::ops::locks::{self, Attempt};
use crate::ops::lookup;
use crate::ops::magic_links::link::{self, LinkRequest, RedirectType};
use crate::ops::magic_links::{check_challenge, check_link, expiration_minutes, use_link};
use crate::ops::mail::{self, Letter, MailWishes};
use ostiary_core::email::EmailAddress;
use ostiary_core::error::ErrorType;
use ostiary_core::password::Password;
use ostiary_core::redirect_url::RedirectUrlType;
use ostiary_pages::mail::Template;
use ostiary_store::magic_links::LinkPurpose;
use ostiary_store::passwords::{self, PasswordOwner};
use ostiary_store::seam::Db;
use ostiary_store::{discovery_locks, sessions};
use std::sync::Arc;

fn owner(email: &EmailAddress) -> PasswordOwner {
    PasswordOwner::Address(email.as_str().to_owned())
}

/// Begins discovery with a password.
pub async fn authenticate(cx: &Cx, email_address: &str, password: Password) -> Result<Discovered> {
    require_shared(cx)?;
    cx.app.hashing.refuse_when_full()?;
    let reader = cx.reader();
    let email = lookup::email(email_address)?;
    locks::refuse_locked_address(&reader, cx, email.as_str()).await?;
    let known = stored::find(&reader, cx, &owner(&email)).await?;
    if cx.is_backend && known.is_none() {
        return Err(ErrorType::PasswordNotFound.into());
    }
    let against = Against::of(&reader, cx, known, email.as_str()).await?;
    let right = compare::compare(cx, &against, &password, email.as_str()).await?;
    cx.write((email, right), authenticate_in_transaction).await?.into_result()
}

async fn authenticate_in_transaction(
    tx: Db,
    cx: Cx,
    input: Arc<(EmailAddress, Option<Right>)>,
) -> Result<Attempt<Discovered>> {
    let (email, right) = &*input;
    let owner = owner(email);
    passwords::hold(&tx, cx.scope(), &owner).await?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let right = match right {
        Some(right) if compare::is_still(&tx, &cx, &owner, right).await? => right,
        _ => return locks::refuse_address(&tx, &cx, email.as_str(), wrong()).await,
    };
    discovery_locks::forget(&tx, cx.scope(), email.as_str()).await?;
    compare::note(&tx, &cx, right).await?;
    if right.allows() != Use::Anything {
        return Ok(Attempt::Refused(ErrorType::MemberResetPassword.into()));
    }
    let factor = stored::factor(&cx, right.id, None);
    Ok(Attempt::Passed(discovery::begin(&tx, &cx, email, factor).await?))
}

/// A wish to be sent a link.
pub struct Start {
    /// The address.
    pub email_address: String,
    /// Where the link leads; the project's default when absent.
    pub reset_password_redirect_url: Option<String>,
    /// Where the link leads that begins discovery without a password; the project's default when absent.
    pub discovery_redirect_url: Option<String>,
    /// For how long both links are good, in minutes.
    pub expiration_minutes: Option<i64>,
    /// The PKCE challenge.
    pub pkce_challenge: Option<String>,
    /// How the mail is to be.
    pub mail: MailWishes,
}

/// Sends a link to any address: whoever has no password yet gets one this way.
pub async fn start(cx: &Cx, input: Start) -> Result<()> {
    require_shared(cx)?;
    check_challenge(input.pkce_challenge.as_deref())?;
    cx.write(input, start_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(())
}

async fn start_in_transaction(tx: Db, cx: Cx, input: Arc<Start>) -> Result<()> {
    let email = lookup::email(&input.email_address)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let minutes = expiration_minutes(input.expiration_minutes, EXPIRATION_MINUTES_DEFAULT)?;
    let request = |purpose, url_type, wished_url| LinkRequest {
        purpose,
        organization: None,
        member: None,
        email_address: email.as_str(),
        url_type,
        wished_url,
        pkce_challenge: input.pkce_challenge.as_deref(),
        minutes,
    };
    let reset = request(
        LinkPurpose::DiscoveryPasswordReset,
        RedirectUrlType::ResetPassword,
        input.reset_password_redirect_url.as_deref(),
    );
    let url = link::issue(&tx, &cx, reset).await?;
    let passwordless =
        request(LinkPurpose::Discovery, RedirectUrlType::Discovery, input.discovery_redirect_url.as_deref());
    let passwordless_url = link::issue_as(&tx, &cx, passwordless, Some(RedirectType::Login)).await?;
    let is_first = passwords::find(&tx, cx.scope(), &owner(&email)).await?.is_none();
    let letter = Letter {
        template: if is_first { Template::VerifyEmailPasswordReset } else { Template::ResetPassword },
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: None,
        invited_by_name: None,
        link: Some(&url),
        code: None,
        expires_in_minutes: minutes,
    };
    mail::post_with_second_link(&tx, &cx, letter, &passwordless_url).await
}

/// A link that was followed, and the password to be.
pub struct Reset {
    /// The token of the link.
    pub token: String,
    /// The password to be.
    pub password: Password,
    /// The PKCE verifier.
    pub pkce_verifier: Option<String>,
}

const PURPOSES: &[LinkPurpose] = &[LinkPurpose::DiscoveryPasswordReset];

/// Sets the password of the address, ends all sessions of its memberships, and begins discovery with a proven address.
pub async fn reset(cx: &Cx, input: Reset) -> Result<Discovered> {
    require_shared(cx)?;
    let verifier = input.pkce_verifier.as_deref();
    let link = check_link(&cx.reader(), cx, &input.token, PURPOSES, verifier).await;
    let link = link.map_err(as_reset_error)?;
    let new = check::accept(cx, input.password.clone(), vec![link.email_address]).await?;
    cx.write((input, new), reset_in_transaction).await
}

async fn reset_in_transaction(tx: Db, cx: Cx, input: Arc<(Reset, NewPassword)>) -> Result<Discovered> {
    let (input, new) = &*input;
    let verifier = input.pkce_verifier.as_deref();
    let link = use_link(&tx, &cx, &input.token, PURPOSES, verifier).await.map_err(as_reset_error)?;
    let email = lookup::email(&link.email_address)?;
    locks::refuse_locked_address(&tx, &cx, email.as_str()).await?;
    let owner = owner(&email);
    refuse_outdated(&tx, &cx, &owner, &link).await?;
    sessions::delete_others_of_address(&tx, cx.scope(), email.as_str(), None).await?;
    stored::put(&tx, &cx, &owner, new).await?;
    discovery_locks::forget(&tx, cx.scope(), email.as_str()).await?;
    let factor = stored::factor(&cx, new.id, Some(email.as_str()));
    discovery::begin(&tx, &cx, &email, factor).await
}
