//! Taking a session over from the system that came before (spec 01b §7, migrate).

use crate::cx::{Cx, Result};
use crate::ops::login::{self, Credentials, Login};
use crate::ops::lookup;
use crate::ops::sessions::render::Rendered;
use ostiary_core::email::EmailAddress;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::factor::{Factor, Proof};
use ostiary_core::session::SessionArguments;
use ostiary_store::members;
use ostiary_store::seam::Db;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// The longest token that is passed on, in bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A session of the other system.
pub struct Migrate {
    /// Its token, an access token for the UserInfo endpoint.
    pub session_token: String,
    /// The organization by any identifier.
    pub organization: String,
    /// Length and claims of the session to be.
    pub arguments: SessionArguments,
}

/// Asks the project's UserInfo endpoint (OpenID Connect Core §5.3) whose token it is, and signs the member with that
/// address in. Nobody becomes a member this way, and no second factor is asked for: the other system did.
///
/// # Errors
/// `migrate_from_external_missing_userinfo`, `migrate_from_external_unexpected_response` when it does not know the token
/// or says no address, `migrate_from_external_email_does_not_exist`.
pub async fn migrate(cx: &Cx, input: Migrate) -> Result<Arc<Rendered>> {
    let endpoint = &cx.project.environment.settings.zero_downtime_session_migration_url;
    let endpoint = Url::parse(endpoint).map_err(|_| ErrorType::MigrateFromExternalMissingUserinfo)?;
    // The organization is asked for first, so that no token is passed on in vain.
    lookup::get_organization(&cx.reader(), cx, &input.organization).await?;
    let email = ask(cx, &endpoint, &input.session_token).await?;
    cx.write((input, email), migrate_in_transaction).await?.session(cx)
}

async fn ask(cx: &Cx, endpoint: &Url, token: &str) -> Result<EmailAddress> {
    let is_token =
        (1..=TOKEN_BYTES_MAX).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    if !is_token {
        return Err(unexpected("session_token must have 1 to 8192 printable ASCII characters."));
    }
    let answer = cx.app.options.fetch.get(endpoint, Some(token)).await.map_err(|error| {
        tracing::warn!(error.reason = error.0, "the UserInfo endpoint cannot be asked");
        unexpected("The UserInfo endpoint cannot be reached.")
    })?;
    if answer.status != 200 {
        return Err(unexpected("The UserInfo endpoint does not accept the token."));
    }
    let said: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| unexpected("The UserInfo endpoint did not answer with JSON."))?;
    // An address that the other system has not proven could be anybody's (spec 06 R-19).
    if said.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true)) {
        return Err(unexpected("The UserInfo endpoint says that the address is not verified."));
    }
    let email = said.get("email").and_then(Value::as_str).and_then(EmailAddress::parse);
    email.ok_or_else(|| unexpected("The UserInfo endpoint says no email address."))
}

fn unexpected(message: &str) -> Error {
    ErrorType::MigrateFromExternalUnexpectedResponse.with_message(message)
}

async fn migrate_in_transaction(tx: Db, cx: Cx, input: Arc<(Migrate, EmailAddress)>) -> Result<Login> {
    let (migrate, email) = &*input;
    let organization = lookup::get_organization(&tx, &cx, &migrate.organization).await?;
    let member = members::find_by_email(&tx, cx.scope(), organization.id, email.as_str()).await?;
    let member = member.ok_or(ErrorType::MigrateFromExternalEmailDoesNotExist)?;
    member.refuse_if_locked(cx.now)?;
    let credentials = Credentials { arguments: migrate.arguments.clone(), ..Credentials::default() };
    login::vouch(&tx, &cx, organization, member, Factor::new(Proof::Imported, cx.now), &credentials).await
}
