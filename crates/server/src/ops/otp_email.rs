//! One-time codes by mail, in one organization (spec 01b §3).

use crate::cx::{Cx, Result};
use crate::ops::locks::{self, Attempt};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use crate::ops::magic_links::entry::{self, Entry};
use crate::ops::mail::{self, Letter, MailWishes};
use crate::ops::members::email_update;
use crate::ops::{codes, lookup};
use ostiary_core::error::ErrorType;
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::member::MemberStatus;
use ostiary_core::organization::AuthMethod;
use ostiary_pages::mail::Template;
use ostiary_store::members;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// A wish to be sent a code.
pub struct Send {
    /// The organization by any identifier.
    pub organization: String,
    /// The address.
    pub email_address: String,
    /// How the mail is to be.
    pub mail: MailWishes,
    /// For how long the code is good if the member is active, in minutes.
    pub login_expiration_minutes: Option<i64>,
    /// For how long the code is good otherwise, in minutes.
    pub signup_expiration_minutes: Option<i64>,
}

/// Sends a code to a member, who is created when the organization lets the address join.
pub async fn login_or_signup(cx: &Cx, input: Send) -> Result<Entry> {
    codes::expiration_minutes(input.login_expiration_minutes)?;
    codes::expiration_minutes(input.signup_expiration_minutes)?;
    let entry = cx.write(input, send_in_transaction).await?;
    cx.app.outbox_wake.notify_one();
    Ok(entry)
}

async fn send_in_transaction(tx: Db, cx: Cx, input: Arc<Send>) -> Result<Entry> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let entry = entry::admit(&tx, &cx, organization, &email, AuthMethod::EmailOtp).await?;
    let (template, wished) = match entry.member.status {
        MemberStatus::Active => (Template::OneTimePasscode, input.login_expiration_minutes),
        _ => (Template::OneTimePasscodeSignup, input.signup_expiration_minutes),
    };
    let minutes = codes::expiration_minutes(wished)?;
    let code = codes::issue(&tx, &cx, Some(entry.organization.id), email.as_str(), minutes).await?;
    let letter = Letter {
        template,
        wishes: &input.mail,
        to: email.as_str(),
        organization_name: Some(&entry.organization.name),
        invited_by_name: None,
        link: None,
        code: Some(&code),
        expires_in_minutes: minutes,
    };
    mail::post(&tx, &cx, letter).await?;
    Ok(entry)
}

/// A code that was entered.
pub struct Authenticate {
    /// The organization by any identifier.
    pub organization: String,
    /// The address that received the code.
    pub email_address: String,
    /// The code.
    pub code: String,
    /// What else the caller has.
    pub credentials: Credentials,
}

/// Proves control of an email address with a six-digit code and logs the member in.
pub async fn authenticate(cx: &Cx, input: Authenticate) -> Result<Authenticated> {
    codes::check_format(&input.code)?;
    let attempt = cx.write(input, authenticate_in_transaction).await?;
    attempt.into_result()?.complete(cx)
}

async fn authenticate_in_transaction(tx: Db, cx: Cx, input: Arc<Authenticate>) -> Result<Attempt<Login>> {
    let email = lookup::email(&input.email_address)?;
    let organization = lookup::get_organization(&tx, &cx, &input.organization).await?;
    let known = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str()).await?;
    let is_update = known.is_none();
    let member = match known {
        Some(member) => Some(member),
        None => email_update::find_member(&tx, &cx, &organization, &email).await?,
    };
    // To someone who only guesses addresses, an unknown one looks like a wrong code.
    let mut member = member.ok_or(ErrorType::OtpCodeNotFound)?;
    member.refuse_if_locked(cx.now)?;
    match codes::attempt(&tx, &cx, Some(organization.id), email.as_str(), &input.code).await? {
        Attempt::Refused(error) => locks::refuse_member(&tx, &cx, &member, error.kind).await,
        Attempt::Passed(()) => {
            if is_update {
                member = email_update::complete(&tx, &cx, &organization, member, &email).await?;
            }
            let factor = Factor::new(
                Proof::EmailOtp { email_id: Some(member.email_id), email_address: email.as_str().to_owned() },
                cx.now,
            );
            let login =
                login::finish(&tx, &cx, organization, member, vec![factor], &input.credentials).await?;
            Ok(Attempt::Passed(login))
        }
    }
}
