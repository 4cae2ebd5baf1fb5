//! Changing a password for who knows the present one.

use super::authenticate::{Candidate, attempt, find_candidate};
use super::check;
use super::compare::{self, Right, Use};
use super::stored::{self, NewPassword};
use crate::cx::{Cx, Result};
use crate::ops::locks::Attempt;
use crate::ops::login::{self, Authenticated, Credentials, Login};
use ostiary_core::error::ErrorType;
use ostiary_core::organization::AuthMethod;
use ostiary_core::password::Password;
use ostiary_store::seam::Db;
use std::sync::Arc;

/// A wish to change a password.
pub struct Reset {
    /// The organization by any identifier.
    pub organization: String,
    /// The member's address.
    pub email_address: String,
    /// The present password.
    pub existing_password: Password,
    /// The one to be.
    pub new_password: Password,
    /// What else the caller has.
    pub credentials: Credentials,
}

/// Changes the password and signs the member in; all sessions from before end.
pub async fn reset(cx: &Cx, input: Reset) -> Result<Authenticated> {
    let candidate = find_candidate(cx, &input.organization, &input.email_address).await?;
    let email = candidate.email.as_str();
    let right = compare::compare(cx, &candidate.against, &input.existing_password, email).await?;
    // A new password is judged only for who knows the old one.
    let new = match &right {
        Some(right) if right.allows() != Use::Nothing => {
            Some(check::accept(cx, input.new_password, vec![email.to_owned()]).await?)
        }
        _ => None,
    };
    let change = Change { candidate, right, new, credentials: input.credentials };
    cx.write(change, in_transaction).await?.into_result()?.complete(cx)
}

struct Change {
    candidate: Candidate,
    right: Option<Right>,
    new: Option<NewPassword>,
    credentials: Credentials,
}

async fn in_transaction(tx: Db, cx: Cx, input: Arc<Change>) -> Result<Attempt<Login>> {
    let attempt = attempt(&tx, &cx, &input.candidate, input.right.as_ref()).await?;
    let (organization, member, right) = match attempt {
        Attempt::Passed(passed) => passed,
        Attempt::Refused(error) => return Ok(Attempt::Refused(error)),
    };
    let Some(new) = &input.new else {
        compare::note(&tx, &cx, right).await?;
        return Ok(Attempt::Refused(ErrorType::CannotResetPasswordWithExistingPassword.into()));
    };
    if !organization.settings.allows_auth_method(AuthMethod::Password, member.is_breakglass) {
        return Err(ErrorType::OperationRestrictedByAuthMethods.into());
    }
    let member = stored::replace(&tx, &cx, member, new, &input.credentials).await?;
    let factor = stored::factor(&cx, new.id, None);
    let login = login::finish_anew(&tx, &cx, organization, member, vec![factor], &input.credentials).await?;
    Ok(Attempt::Passed(login))
}
