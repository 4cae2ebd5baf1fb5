//! What the calls about second factors have in common on the wire.

use crate::cx::Result;
use crate::http::call::Call;
use crate::ops::login::Credentials;
use crate::ops::sessions::tokens::{self, SessionCredential};
use crate::wire::Fields;
use ostiary_core::error::ErrorType;
use ostiary_core::mfa::{SetEnrolment, Wishes};

/// What a call brings that adds a factor to a session: exactly one credential (spec 01c §3).
pub async fn exactly_one_credential(call: &Call) -> Result<Credentials> {
    let credentials = at_most_one_credential(call).await?;
    if credentials.session.is_none() && credentials.intermediate_session_token.is_none() {
        return Err(ErrorType::NoSessionArguments
            .with_message("Give an intermediate_session_token, a session_token or a session_jwt."));
    }
    Ok(credentials)
}

/// What a call brings that a backend may make without any credential of the member. A browser always has one: its
/// intermediate session, which it gets while a login is not complete, or else its session.
pub async fn at_most_one_credential(call: &Call) -> Result<Credentials> {
    let intermediate_session_token = call.intermediate_session_token()?;
    let session = if call.is_browser() {
        match (&intermediate_session_token, &call.attached) {
            (Some(_), _) => None,
            (None, Some(attached)) => Some(attached.clone()),
            (None, None) => return Err(ErrorType::UserUnauthenticated.into()),
        }
    } else {
        let (token, jwt) = (call.fields.nonempty("session_token")?, call.fields.nonempty("session_jwt")?);
        let given = [&intermediate_session_token, &token, &jwt].into_iter().flatten().count();
        if given > 1 {
            return Err(ErrorType::TooManySessionArguments.with_message(
                "Give only one of intermediate_session_token, session_token and session_jwt.",
            ));
        }
        SessionCredential::at_most_one(token, jwt)?
    };
    let session = match session {
        Some(credential) => Some(tokens::find_session(&call.cx.reader(), &call.cx, &credential).await?),
        None => None,
    };
    let arguments = call.session_arguments()?;
    Ok(Credentials { session, intermediate_session_token, arguments, ..Credentials::default() })
}

/// What else a completed factor is to change.
pub fn wishes(fields: &Fields) -> Result<Wishes> {
    let set_enrolment = match fields.nonempty("set_mfa_enrollment")? {
        None => None,
        Some(text) => Some(SetEnrolment::parse(&text).ok_or_else(|| {
            ErrorType::InvalidArgument.with_message("set_mfa_enrollment must be enroll or unenroll.")
        })?),
    };
    Ok(Wishes { set_enrolment, set_default: fields.boolean("set_default_mfa")?.unwrap_or_default() })
}
