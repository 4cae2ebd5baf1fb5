//! Sessions.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, Tokens, authenticated, full_session, member_roles};
use crate::ops::sandbox;
use crate::ops::sessions::attest::{self, Attest};
use crate::ops::sessions::check::{self, AuthorizationCheck, Check};
use crate::ops::sessions::exchange::{self, Exchange};
use crate::ops::sessions::manage::{self, Revocation};
use crate::ops::sessions::migrate::{self, Migrate};
use crate::ops::sessions::tokens::SessionCredential;
use crate::wire::{Fields, Object, WireSession};
use ostiary_core::error::ErrorType;
use ostiary_core::rbac;
use serde_json::json;

/// A field of an authorization check; one that is missing has the error of spec 03a §7.
fn checked_field(wish: &Fields, name: &str) -> Result<String> {
    wish.nonempty(name)?
        .ok_or_else(|| ErrorType::InvalidArgument.with_message(format!("authorization_check needs {name}.")))
}

/// `POST /v1/b2b/sessions/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let credential =
        SessionCredential::exactly_one(fields.nonempty("session_token")?, fields.nonempty("session_jwt")?)?;
    let authorization = match fields.object("authorization_check")? {
        None => None,
        Some(wish) => {
            let wish = Fields::of(wish);
            Some(AuthorizationCheck {
                organization: checked_field(&wish, "organization_id")?,
                resource_id: checked_field(&wish, "resource_id")?,
                action: checked_field(&wish, "action")?,
            })
        }
    };
    if let SessionCredential::Token(token) = &credential
        && let Some(rendered) = sandbox::session(&call.cx, token)?
    {
        return Ok(Reply::of_session(rendered, Object::new()));
    }
    let check = Check { credential, arguments: call.session_arguments()?, authorization };
    let checked = check::authenticate(&call.cx, check).await?;
    let verdict = match &checked.granting_roles {
        None => Object::new(),
        Some(roles) => {
            Object::new().field("verdict", &json!({ "authorized": true, "granting_roles": roles }))
        }
    };
    Ok(Reply::of_session(checked.rendered, verdict))
}

/// `POST /sdk/v1/b2b/sessions/authenticate`: the refresh loop of browsers. Without a session the answer is one of the
/// errors that end the loop (contract `frontend.md` §5).
pub async fn refresh(call: Call) -> Result<Reply> {
    let credential = call.attached.clone().ok_or(ErrorType::UserUnauthenticated)?;
    let check = Check { credential, arguments: call.session_arguments()?, authorization: None };
    let checked = check::authenticate(&call.cx, check).await?;
    Ok(Reply::of_session(checked.rendered, Object::new()))
}

/// `POST sessions/exchange`
pub async fn exchange(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    fields.locale()?;
    let credential = if call.is_browser() {
        call.attached.clone().ok_or(ErrorType::UserUnauthenticated)?
    } else {
        call.session_in_body()?.ok_or(ErrorType::NoSessionArguments)?
    };
    let input = Exchange {
        credential,
        organization: fields.required("organization_id")?.to_owned(),
        arguments: call.session_arguments()?,
    };
    Ok(authenticated(&call.cx, exchange::exchange(&call.cx, input).await?, Object::new()))
}

/// `POST sessions/attest`
pub async fn attest(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Attest {
        profile: fields.required("profile_id")?.to_owned(),
        token: fields.required("token")?.to_owned(),
        organization: fields.nonempty("organization_id")?,
        credentials: call.credentials().await?,
    };
    Ok(full_session(attest::attest(&call.cx, input).await?, Object::new()))
}

/// `POST /v1/b2b/sessions/migrate`
pub async fn migrate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Migrate {
        session_token: fields.required("session_token")?.to_owned(),
        organization: fields.required("organization_id")?.to_owned(),
        arguments: call.session_arguments()?,
    };
    Ok(full_session(migrate::migrate(&call.cx, input).await?, Object::new()))
}

/// `POST sessions/exchange_access_token`. Only Connected Apps get access tokens that could be exchanged, and this server
/// has none, so no token is one of theirs.
pub async fn exchange_access_token(call: Call) -> Result<Reply> {
    call.fields.required("access_token")?;
    call.session_arguments()?;
    Err(ErrorType::OauthAccessTokenExchangeInvalidGrant.into())
}

/// `GET /v1/b2b/sessions`
pub async fn list(call: Call) -> Result<Reply> {
    let organization = call.fields.required("organization_id")?;
    let member = call.fields.required("member_id")?;
    let (organization, member, sessions) = manage::list(&call.cx, organization, member).await?;
    let roles = rbac::session_roles(&member_roles(&call.cx, &member, &organization), &[]);
    let sessions: Vec<WireSession> = sessions
        .iter()
        .map(|session| WireSession { session, roles: &roles, organization_slug: &organization.slug })
        .collect();
    Ok(Object::new().field("member_sessions", &sessions).into())
}

/// `POST /v1/b2b/sessions/revoke`
pub async fn revoke(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let revocation = Revocation::exactly_one(
        fields.nonempty("member_session_id")?,
        fields.nonempty("session_token")?,
        fields.nonempty("session_jwt")?,
        fields.nonempty("member_id")?,
    )?;
    if let Some(actor) = &call.actor
        && let Some((member, organization)) = manage::target(&call.cx, &revocation).await?
    {
        if organization != actor.organization_id() {
            return Err(ErrorType::SessionAuthorizationTenancyError.into());
        }
        actor.require_on_member(&call.cx, member == actor.member_id(), "revoke-sessions")?;
    }
    manage::revoke(&call.cx, revocation).await?;
    Ok(Object::new().into())
}

/// `POST /sdk/v1/b2b/sessions/revoke`: signing out. It succeeds without a session too, so that a browser can always
/// get rid of its cookies.
pub async fn revoke_own(call: Call) -> Result<Reply> {
    if let Some(credential) = &call.attached {
        manage::revoke(&call.cx, Revocation::Credential(credential.clone())).await?;
    }
    Ok(Reply::with_tokens(Object::new(), Tokens::SignedOut))
}

/// `POST /sdk/v1/b2b/sessions/revoke/{member_id}`
pub async fn revoke_of_member(call: Call) -> Result<Reply> {
    let revocation = Revocation::Member(call.param("member_id")?.to_owned());
    let actor = call.actor()?;
    match manage::target(&call.cx, &revocation).await? {
        Some((_, organization)) if organization == actor.organization_id() => {}
        _ => return Err(ErrorType::MemberNotFound.into()),
    }
    manage::revoke(&call.cx, revocation).await?;
    Ok(Object::new().into())
}

/// `GET /v1/b2b/sessions/jwks/{project_id}`
pub async fn jwks(call: Call) -> Result<Reply> {
    let keys = call.cx.project.keys.jwks(call.cx.now);
    Ok(Reply::from(Object::new().field("keys", &keys)).cacheable())
}
