//! Passwords.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::{Reply, authenticated, discovered, member_and_organization, member_roles};
use crate::ops::passwords::authenticate::{self, Authenticate};
use crate::ops::passwords::check::{self, StrengthCheck};
use crate::ops::passwords::migrate::{self, Migrate};
use crate::ops::passwords::require_reset::{self, RequireReset};
use crate::ops::passwords::{self, discovery, existing, reset_by_email, reset_by_session};
use crate::ops::sandbox;
use crate::ops::sessions::tokens::{self, SessionCredential};
use crate::wire::{Object, WireMember};
use ostiary_core::email_template::TemplateType;
use ostiary_core::error::ErrorType;
use ostiary_core::password::{Feedback, Password};
use serde_json::json;

/// A password in a field of the body.
fn password(call: &Call, field: &str) -> Result<Password> {
    Password::new(call.fields.verbatim(field)?)
}

/// The templates of mails with links for passwords.
const PASSWORD_TEMPLATES: [(&str, TemplateType); 2] = [
    ("reset_password_template_id", TemplateType::ResetPassword),
    ("verify_email_template_id", TemplateType::VerifyEmailPasswordReset),
];

/// `POST passwords/strength_check`
pub async fn strength_check(call: Call) -> Result<Reply> {
    let input = StrengthCheck {
        password: password(&call, "password")?,
        email_address: call.fields.nonempty("email_address")?,
    };
    let checked = check::strength_check(&call.cx, input).await?;
    let strength = &checked.strength;
    let (luds, zxcvbn) = match &strength.feedback {
        Feedback::Luds(feedback) => (Some(feedback), None),
        Feedback::Zxcvbn { warning, suggestions, .. } => {
            (None, Some(json!({ "warning": warning, "suggestions": suggestions })))
        }
    };
    Ok(Object::new()
        .field("valid_password", &strength.is_valid())
        .field("score", &strength.score())
        .field("breached_password", &strength.is_breached)
        .field("strength_policy", &checked.policy.wire_name())
        .field("breach_detection_on_create", &checked.detects_breaches)
        .field("luds_feedback", &luds)
        .field("zxcvbn_feedback", &zxcvbn)
        .into())
}

/// `POST passwords/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let organization = call.fields.required("organization_id")?.to_owned();
    let email_address = call.fields.required("email_address")?.to_owned();
    let password = password(&call, "password")?;
    if let Some(login) = sandbox::password(&call.cx, &organization, &email_address)? {
        return Ok(authenticated(&call.cx, login, Object::new()));
    }
    let input =
        Authenticate { organization, email_address, password, credentials: call.credentials().await? };
    Ok(authenticated(&call.cx, authenticate::authenticate(&call.cx, input).await?, Object::new()))
}

/// `POST passwords/email/reset/start`
pub async fn start_reset(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = reset_by_email::Start {
        organization: fields.required("organization_id")?.to_owned(),
        email_address: fields.required("email_address")?.to_owned(),
        reset_password_redirect_url: fields.nonempty("reset_password_redirect_url")?,
        login_redirect_url: fields.nonempty("login_redirect_url")?,
        expiration_minutes: fields.integer("reset_password_expiration_minutes")?,
        pkce_challenge: fields.nonempty("code_challenge")?,
        mail: call.mail_wishes(&PASSWORD_TEMPLATES)?,
    };
    let entry = reset_by_email::start(&call.cx, input).await?;
    if call.is_browser() {
        return Ok(Object::new().into());
    }
    let roles = member_roles(&call.cx, &entry.member, &entry.organization);
    Ok(Object::new()
        .field("member_id", &entry.member.id)
        .field("member_email_id", &entry.member.email_id)
        .field("member", &WireMember { member: &entry.member, roles: &roles, now: call.cx.now })
        .into())
}

/// `POST passwords/email/reset`
pub async fn reset(call: Call) -> Result<Reply> {
    let input = reset_by_email::Reset {
        token: call.fields.required("password_reset_token")?.to_owned(),
        password: password(&call, "password")?,
        pkce_verifier: call.fields.nonempty("code_verifier")?,
        credentials: call.credentials().await?,
    };
    let login = reset_by_email::reset(&call.cx, input).await?;
    let extra = Object::new().field("member_email_id", &login.member.email_id);
    Ok(authenticated(&call.cx, login, extra))
}

/// `POST passwords/existing_password/reset`
pub async fn reset_by_existing(call: Call) -> Result<Reply> {
    let input = existing::Reset {
        organization: call.fields.required("organization_id")?.to_owned(),
        email_address: call.fields.required("email_address")?.to_owned(),
        existing_password: password(&call, "existing_password")?,
        new_password: password(&call, "new_password")?,
        credentials: call.credentials().await?,
    };
    Ok(authenticated(&call.cx, existing::reset(&call.cx, input).await?, Object::new()))
}

/// `POST passwords/session/reset`: browsers are known by the session that they hold.
pub async fn reset_by_session(call: Call) -> Result<Reply> {
    let credential = match &call.attached {
        Some(attached) if call.is_browser() => attached.clone(),
        None if call.is_browser() => return Err(ErrorType::UserUnauthenticated.into()),
        _ => SessionCredential::exactly_one(
            call.fields.nonempty("session_token")?,
            call.fields.nonempty("session_jwt")?,
        )?,
    };
    let organization =
        if call.is_browser() { None } else { Some(call.fields.required("organization_id")?.to_owned()) };
    let session = tokens::find_session(&call.cx.reader(), &call.cx, &credential).await?;
    let mut credentials = call.credentials().await?;
    credentials.session = Some(session);
    // The session is the whole way in.
    credentials.intermediate_session_token = None;
    let input = reset_by_session::Reset {
        organization,
        password: password(&call, "password")?,
        session,
        credentials,
    };
    Ok(authenticated(&call.cx, reset_by_session::reset(&call.cx, input).await?, Object::new()))
}

/// `POST passwords/email/require_reset`
pub async fn require_reset(call: Call) -> Result<Reply> {
    let input = RequireReset {
        email_address: call.fields.required("email_address")?.to_owned(),
        organization: call.fields.nonempty("organization_id")?,
        member: call.fields.nonempty("member_id")?,
        within: call.actor.as_ref().map(|actor| actor.organization_id()),
    };
    let object = match require_reset::require_reset(&call.cx, input).await? {
        Some((organization, member)) => member_and_organization(&call.cx, &member, &organization),
        None => Object::new().field("member_id", &()).field("member", &()).field("organization", &()),
    };
    Ok(object.into())
}

/// `POST passwords/discovery/authenticate`
pub async fn discover(call: Call) -> Result<Reply> {
    let email_address = call.fields.required("email_address")?;
    let found = discovery::authenticate(&call.cx, email_address, password(&call, "password")?).await?;
    discovered(&call.cx, found)
}

/// `POST passwords/discovery/email/reset/start`, in browsers `passwords/discovery/reset/start`
pub async fn start_discovery_reset(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = discovery::Start {
        email_address: fields.required("email_address")?.to_owned(),
        reset_password_redirect_url: fields.nonempty("reset_password_redirect_url")?,
        discovery_redirect_url: fields.nonempty("discovery_redirect_url")?,
        expiration_minutes: fields.integer("reset_password_expiration_minutes")?,
        pkce_challenge: fields.nonempty("pkce_code_challenge")?,
        mail: call.mail_wishes(&PASSWORD_TEMPLATES)?,
    };
    discovery::start(&call.cx, input).await?;
    Ok(Object::new().into())
}

/// `POST passwords/discovery/email/reset`, in browsers `passwords/discovery/reset`
pub async fn reset_in_discovery(call: Call) -> Result<Reply> {
    let input = discovery::Reset {
        token: call.fields.required("password_reset_token")?.to_owned(),
        password: password(&call, "password")?,
        pkce_verifier: call.fields.nonempty("pkce_code_verifier")?,
    };
    discovered(&call.cx, discovery::reset(&call.cx, input).await?)
}

/// `POST /v1/b2b/passwords/migrate`
pub async fn migrate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    // Sessions depend on directly assigned roles only where a connection brings the same role.
    fields.boolean("preserve_existing_sessions")?;
    let metadata = |name| crate::http::handlers::organizations::metadata(fields, name);
    let input = Migrate {
        organization: fields.required("organization_id")?.to_owned(),
        email_address: fields.required("email_address")?.to_owned(),
        hash: super::password_hashes::read(fields)?,
        name: fields.string("name")?,
        external_id: fields.nonempty("external_id")?,
        trusted_metadata: metadata("trusted_metadata")?,
        untrusted_metadata: metadata("untrusted_metadata")?,
        roles: fields.texts("roles")?,
        mfa_phone_number: fields.nonempty("mfa_phone_number")?,
        phone_number_verified: fields.boolean("set_phone_number_verified")?.unwrap_or_default(),
    };
    let migrated = migrate::migrate(&call.cx, input).await?;
    Ok(member_and_organization(&call.cx, &migrated.member, &migrated.organization)
        .field("member_created", &migrated.member_created)
        .into())
}

/// `DELETE …/organizations/{organization_id}/members/passwords/{member_password_id}` and
/// `DELETE /sdk/v1/b2b/organizations/members/passwords/{member_password_id}`: whose password it is decides which
/// permission it takes.
pub async fn delete(call: Call) -> Result<Reply> {
    let organization = call.organization()?;
    let id = call.param("member_password_id")?.to_owned();
    if let Some(actor) = &call.actor {
        let (_, owner) = passwords::find_owner(&call.cx.reader(), &call.cx, &organization, &id).await?;
        let is_self = owner.id == actor.member_id();
        actor.require_on_member(&call.cx, is_self, "update.info.delete.password")?;
    }
    let (organization, member) = passwords::delete(&call.cx, organization, id).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}
