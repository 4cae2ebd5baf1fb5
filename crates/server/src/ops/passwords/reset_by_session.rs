//! Setting a password for who has signed in just now by any means. This is also how somebody who signed up by a link
//! gets a first password.

use super::check;
use super::stored::{self, NewPassword};
use crate::cx::{Cx, Result};
use crate::ops::login::{self, Authenticated, Credentials, Login};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::SessionId;
use ostiary_core::organization::AuthMethod;
use ostiary_core::password::Password;
use ostiary_store::seam::Db;
use ostiary_store::sessions::{self, FullSession};
use std::sync::Arc;

/// How old the newest factor of the session may be, in minutes (spec 01c §2).
const FACTOR_MINUTES_MAX: i64 = 5;

/// A wish to set a password.
pub struct Reset {
    /// The organization in which the caller expects the session, by id; any when absent.
    pub organization: Option<String>,
    /// The password to be.
    pub password: Password,
    /// The session.
    pub session: SessionId,
    /// Length and claims of the session.
    pub credentials: Credentials,
}

/// Sets the password; the session goes on, all others of the member end.
pub async fn reset(cx: &Cx, input: Reset) -> Result<Authenticated> {
    let full = find_fresh(&cx.reader(), cx, &input).await?;
    let hints = vec![full.member.email_address];
    let new = check::accept(cx, input.password.clone(), hints).await?;
    cx.write((input, new), in_transaction).await?.complete(cx)
}

async fn in_transaction(tx: Db, cx: Cx, input: Arc<(Reset, NewPassword)>) -> Result<Login> {
    let (input, new) = &*input;
    let FullSession { member, organization, .. } = find_fresh(&tx, &cx, input).await?;
    let member = stored::replace(&tx, &cx, member, new, &input.credentials).await?;
    let factor = stored::factor(&cx, new.id, None);
    login::finish(&tx, &cx, organization, member, vec![factor], &input.credentials).await
}

async fn find_fresh(db: &Db, cx: &Cx, input: &Reset) -> Result<FullSession> {
    let full = sessions::find_full(db, cx.scope(), input.session, cx.now).await?;
    let full = full.ok_or_else(|| Error::from(ErrorType::SessionNotFound))?;
    if let Some(expected) = &input.organization {
        let organization = &full.organization;
        let is_expected = *expected == organization.id.to_string()
            || *expected == organization.slug
            || organization.external_id.as_ref() == Some(expected);
        if !is_expected {
            return Err(ErrorType::SessionAuthorizationTenancyError.into());
        }
    }
    full.session.refuse_if_immutable()?;
    full.member.refuse_if_locked(cx.now)?;
    let newest = full.session.factors.iter().map(|factor| factor.last_authenticated_at).max();
    if newest.is_none_or(|at| at.plus_minutes(FACTOR_MINUTES_MAX) < cx.now) {
        return Err(ErrorType::SessionTooOldToResetPassword.into());
    }
    let settings = &full.organization.settings;
    if !settings.allows_auth_method(AuthMethod::Password, full.member.is_breakglass) {
        return Err(ErrorType::OperationRestrictedByAuthMethods.into());
    }
    if !full.member.email_verified {
        return Err(ErrorType::EmailVerificationRequired.into());
    }
    Ok(full)
}
