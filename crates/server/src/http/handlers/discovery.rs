//! Discovery: signing in before an organization is chosen.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::organizations::read_change;
use crate::http::reply::{Reply, authenticated, discovered};
use crate::ops::discovery::{self, Create, Exchange, ListCredential, SendCode, SendLink};
use crate::ops::sandbox;
use crate::wire::Object;
use ostiary_core::email_template::TemplateType;
use ostiary_core::error::ErrorType;

/// `POST magic_links/email/discovery/send`
pub async fn send_link(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = SendLink {
        email_address: fields.required("email_address")?.to_owned(),
        discovery_redirect_url: fields.nonempty("discovery_redirect_url")?,
        pkce_challenge: fields.nonempty("pkce_code_challenge")?,
        mail: call.mail_wishes(&[("login_template_id", TemplateType::Login)])?,
        expiration_minutes: fields.integer("discovery_expiration_minutes")?,
    };
    if !sandbox::is_sandbox_address(&call.cx, &input.email_address) {
        discovery::send_link(&call.cx, input).await?;
    }
    Ok(Object::new().into())
}

/// `POST magic_links/discovery/authenticate`
pub async fn authenticate_link(call: Call) -> Result<Reply> {
    let token = call.fields.required("discovery_magic_links_token")?.to_owned();
    if let Some(found) = sandbox::discover(&call.cx, &token)? {
        return discovered(&call.cx, found);
    }
    let verifier = call.fields.nonempty("pkce_code_verifier")?;
    discovered(&call.cx, discovery::authenticate_link(&call.cx, token, verifier).await?)
}

/// `POST otps/email/discovery/send`
pub async fn send_code(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = SendCode {
        email_address: fields.required("email_address")?.to_owned(),
        mail: call.mail_wishes(&[("login_template_id", TemplateType::OneTimePasscode)])?,
        expiration_minutes: fields.integer("discovery_expiration_minutes")?,
    };
    discovery::send_code(&call.cx, input).await?;
    Ok(Object::new().into())
}

/// `POST otps/email/discovery/authenticate`
pub async fn authenticate_code(call: Call) -> Result<Reply> {
    let email_address = call.fields.required("email_address")?.to_owned();
    let code = call.fields.required("code")?.to_owned();
    discovered(&call.cx, discovery::authenticate_code(&call.cx, email_address, code).await?)
}

/// `POST discovery/organizations`: exactly one of an intermediate session and a full one. A browser that sends neither
/// in the body is known by its cookie or its Basic password; an intermediate session in hand comes first.
pub async fn list(call: Call) -> Result<Reply> {
    let intermediate = call.intermediate_session_token()?;
    let session = if call.is_browser() { call.attached.clone() } else { call.session_in_body()? };
    let credential = match (intermediate, session) {
        (Some(_), Some(_)) if !call.is_browser() => return Err(ErrorType::TooManySessionArguments.into()),
        (Some(token), _) => ListCredential::Intermediate(token),
        (None, Some(session)) => ListCredential::Session(session),
        (None, None) => return Err(ErrorType::NoSessionArguments.into()),
    };
    discovered(&call.cx, discovery::list(&call.cx, credential).await?)
}

/// `POST discovery/intermediate_sessions/exchange`
pub async fn exchange(call: Call) -> Result<Reply> {
    call.fields.locale()?;
    let mut credentials = call.credentials().await?;
    // The way in is the intermediate session alone; a session in some other organization has no say here.
    credentials.session = None;
    let input = Exchange { organization: call.fields.required("organization_id")?.to_owned(), credentials };
    Ok(authenticated(&call.cx, discovery::exchange(&call.cx, input).await?, Object::new()))
}

/// `POST discovery/organizations/create`
pub async fn create(call: Call) -> Result<Reply> {
    if call.is_browser() && !call.cx.project.environment.settings.create_organization_enabled {
        return Err(ErrorType::UnauthorizedAction
            .with_message("Creating organizations from the browser is switched off in this project."));
    }
    let mut credentials = call.credentials().await?;
    credentials.session = None;
    let mut organization = read_change(&call.fields)?;
    if call.is_browser() {
        // Trust fields come from the backend only.
        organization.trusted_metadata = None;
        organization.external_id = None;
        organization.claimed_email_domains = None;
    }
    // Both may come empty from forms that leave them to the server.
    organization.name = organization.name.filter(|name| !name.trim().is_empty());
    organization.slug = organization.slug.filter(|slug| !slug.is_empty());
    let login = discovery::create(&call.cx, Create { organization, credentials }).await?;
    Ok(authenticated(&call.cx, login, Object::new()))
}
