//! Magic links of one organization.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::handlers::members::require_for_creation;
use crate::http::handlers::organizations::metadata;
use crate::http::reply::{Reply, authenticated, member_and_organization};
use crate::ops::magic_links::entry::Entry;
use crate::ops::magic_links::{self, Authenticate, Invite, Send};
use crate::ops::sandbox;
use crate::wire::Object;
use ostiary_core::email_template::TemplateType;

/// The answer to a call that sent something to a member. Browsers learn nothing of the member, since anybody can ask
/// with any address (contract `backend.md` §8).
pub fn entry(call: &Call, entry: Entry) -> Reply {
    if call.is_browser() {
        return Object::new().into();
    }
    member_and_organization(&call.cx, &entry.member, &entry.organization)
        .field("member_created", &entry.member_created)
        .into()
}

/// `POST magic_links/email/login_or_signup`
pub async fn login_or_signup(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    let input = Send {
        organization: fields.required("organization_id")?.to_owned(),
        email_address: fields.required("email_address")?.to_owned(),
        login_redirect_url: fields.nonempty("login_redirect_url")?,
        signup_redirect_url: fields.nonempty("signup_redirect_url")?,
        pkce_challenge: fields.nonempty("pkce_code_challenge")?,
        mail: call.mail_wishes(&[
            ("login_template_id", TemplateType::Login),
            ("signup_template_id", TemplateType::Signup),
        ])?,
        login_expiration_minutes: fields.integer("login_expiration_minutes")?,
        signup_expiration_minutes: fields.integer("signup_expiration_minutes")?,
    };
    if let Some(answer) = sandbox::send(&call.cx, &input.organization, &input.email_address) {
        return Ok(entry(&call, answer));
    }
    Ok(entry(&call, magic_links::login_or_signup(&call.cx, input).await?))
}

/// `POST magic_links/email/invite`
pub async fn invite(call: Call) -> Result<Reply> {
    require_for_creation(&call)?;
    let fields = &call.fields;
    let inviter = match &call.actor {
        Some(actor) if call.is_browser() => Some(actor.member_id().to_string()),
        _ => fields.nonempty("invited_by_member_id")?,
    };
    let input = Invite {
        organization: call.organization()?,
        email_address: fields.required("email_address")?.to_owned(),
        invite_redirect_url: fields.nonempty("invite_redirect_url")?,
        invited_by_member_id: inviter,
        name: fields.string("name")?,
        trusted_metadata: metadata(fields, "trusted_metadata")?,
        untrusted_metadata: metadata(fields, "untrusted_metadata")?,
        roles: fields.texts("roles")?,
        actor: call.actor.clone(),
        mail: call.mail_wishes(&[("invite_template_id", TemplateType::Invite)])?,
        expiration_minutes: fields.integer("invite_expiration_minutes")?,
    };
    if let Some(answer) = sandbox::send(&call.cx, &input.organization, &input.email_address) {
        return Ok(member_and_organization(&call.cx, &answer.member, &answer.organization).into());
    }
    let (member, organization) = magic_links::invite(&call.cx, input).await?;
    Ok(member_and_organization(&call.cx, &member, &organization).into())
}

/// `POST magic_links/authenticate`
pub async fn authenticate(call: Call) -> Result<Reply> {
    let fields = &call.fields;
    fields.locale()?;
    let token = fields.required("magic_links_token")?.to_owned();
    let login = match sandbox::authenticate(&call.cx, &token)? {
        Some(login) => login,
        None => {
            let input = Authenticate {
                token,
                pkce_verifier: fields.nonempty("pkce_code_verifier")?,
                credentials: call.credentials().await?,
            };
            magic_links::authenticate(&call.cx, input).await?
        }
    };
    let extra = Object::new().field("method_id", &login.member.email_id).field("reset_sessions", &false);
    Ok(authenticated(&call.cx, login, extra))
}
