//! Setting a password by a link that is mailed: for who has forgotten it, and for who never had one.

use super::check;
use super::stored::{self, NewPassword};
use crate::cx::{Cx, Result};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::magic_links::entry::{self, Entry};
use crate::ops::magic_links::link::{self, LinkRequest, RedirectType};
use crate::ops::magic_links::{check_challenge, check_link, entry_of, expiration_minutes, use_link};
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::{lookup, provisioning};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::member::MemberStatus;
use ostiary_core::organization::AuthMethod;
use ostiary_core::password::Password;
use ostiary_core::redirect_url::RedirectUrlType;
use ostiary_pages::mail::Template;
use ostiary_store::magic_links::{LinkPurpose, MagicLink};
use ostiary_store::passwords::PasswordOwner;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// The life of a link when the call names none, in minutes.
pub const EXPIRATION_MINUTES_DEFAULT: i64 = 30;

/// A wish to be sent a link.
pub struct Start {
    /// The organization by any identifier.
    pub organization: String,
    /// The address.
    pub email_address: String,
    /// Where the link leads; the project's default when absent.
    pub reset_password_redirect_url: Option<String>,
    /// Where the link leads that signs in without a password; the project's default when absent.
    pub login_redirect_url: Option<String>,
    /// For how long both links are good, in minutes.
    pub expiration_minutes: Option<i64>,
    /// The PKCE challenge.
    pub pkce_challenge: Option<String>,
    /// How the mail is to be.
    pub mail: MailWishes,
}

/// Sends a link to a member, who is created when the organization lets the address join.
pub async fn start(cx: &Cx, input: Start) -> Result<Entry> {
    check_challenge(input.pkce_challenge.as_deref())?;
    expiration_minutes(input.expiration_minutes, EXPIRATION_MINUTES_DEFAULT)?;
    let entry = cx.write(input, start_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(entry)
}

async fn start_in_transaction(tx: Db, cx: Cx, input: Arc<Start>) -> Result<Entry> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let entry = entry::admit(&tx, &cx, organization, &email, AuthMethod::Password).await?;
    let minutes = expiration_minutes(input.expiration_minutes, EXPIRATION_MINUTES_DEFAULT)?;
    let request = LinkRequest {
        purpose: LinkPurpose::PasswordReset,
        organization: Some(&entry.organization),
        member: Some(entry.member.id),
        email_address: email.as_str(),
        url_type: RedirectUrlType::ResetPassword,
        wished_url: input.reset_password_redirect_url.as_deref(),
        pkce_challenge: input.pkce_challenge.as_deref(),
        minutes,
    };
    let url = link::issue(&tx, &cx, request).await?;
    let request = LinkRequest {
        purpose: LinkPurpose::Organization,
        organization: Some(&entry.organization),
        member: Some(entry.member.id),
        email_address: email.as_str(),
        url_type: RedirectUrlType::Login,
        wished_url: input.login_redirect_url.as_deref(),
        pkce_challenge: input.pkce_challenge.as_deref(),
        minutes,
    };
    let passwordless_url = link::issue_as(&tx, &cx, request, Some(RedirectType::Login)).await?;
    let is_first = entry.member.password_id.is_none() && !entry.member.email_verified;
    let letter = Letter {
        template: if is_first { Template::VerifyEmailPasswordReset } else { Template::ResetPassword },
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: Some(&entry.organization.name),
        invited_by_name: None,
        link: Some(&url),
        code: None,
        expires_in_minutes: minutes,
    };
    mail::post_with_second_link(&tx, &cx, letter, &passwordless_url).await?;
    Ok(entry)
}

/// A link that was followed, and the password to be.
pub struct Reset {
    /// The token of the link.
    pub token: String,
    /// The password to be.
    pub password: Password,
    /// The PKCE verifier.
    pub pkce_verifier: Option<String>,
    /// What else the caller has.
    pub credentials: Credentials,
}

/// Sets the password and signs the member in: the address is proven, and all sessions from before end. A password that
/// will not do does not use up the link.
pub async fn reset(cx: &Cx, input: Reset) -> Result<Authenticated> {
    let verifier = input.pkce_verifier.as_deref();
    let link = check_link(&cx.reader(), cx, &input.token, &[LinkPurpose::PasswordReset], verifier).await;
    let link = link.map_err(as_reset_error)?;
    let new = check::accept(cx, input.password.clone(), vec![link.email_address]).await?;
    cx.write((input, new), reset_in_transaction).await?.complete(cx)
}

async fn reset_in_transaction(tx: Db, cx: Cx, input: Arc<(Reset, NewPassword)>) -> Result<Login> {
    let (input, new) = &*input;
    let verifier = input.pkce_verifier.as_deref();
    let link = use_link(&tx, &cx, &input.token, &[LinkPurpose::PasswordReset], verifier).await;
    let link = link.map_err(as_reset_error)?;
    let (organization, mut member) = entry_of(&tx, &cx, &link).await.map_err(as_reset_error)?;
    member.refuse_if_locked(cx.now)?;
    refuse_outdated(&tx, &cx, &stored::owner_of(&cx, &member), &link).await?;
    if !organization.settings.allows_auth_method(AuthMethod::Password, member.is_breakglass) {
        return Err(ErrorType::OperationRestrictedByAuthMethods.into());
    }
    // Following the link proves the address, whatever else this login may lack.
    if !member.email_verified || member.status != MemberStatus::Active {
        member.email_verified = true;
        member.status = MemberStatus::Active;
        member.touch(cx.now);
        provisioning::save_member(&tx, &cx, &member).await?;
    }
    let member = stored::replace(&tx, &cx, member, new, &input.credentials).await?;
    let factor = stored::factor(&cx, new.id, Some(&link.email_address));
    login::finish_anew(&tx, &cx, organization, member, vec![factor], &input.credentials).await
}

/// A link from before the last change of the password is void: whoever changed it did not mean to leave a way in.
pub(super) async fn refuse_outdated(tx: &Db, cx: &Cx, owner: &PasswordOwner, link: &MagicLink) -> Result<()> {
    match stored::find(tx, cx, owner).await? {
        Some(known) if link.created_at < known.set_at => {
            Err(ErrorType::UnableToAuthPasswordResetToken.into())
        }
        _ => Ok(()),
    }
}

/// What is wrong with a link is the same error for every reason (spec 01c §2), but for those of PKCE.
pub(super) fn as_reset_error(error: Error) -> Error {
    match error.kind {
        ErrorType::MagicLinkNotFound | ErrorType::UnableToAuthMagicLink => {
            ErrorType::UnableToAuthPasswordResetToken.into()
        }
        _ => error,
    }
}
