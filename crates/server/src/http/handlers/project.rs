//! What a project says of itself.

use crate::cx::Result;
use crate::http::call::Call;
use crate::http::reply::Reply;
use crate::ops::counts;
use crate::wire::Object;
use ostiary_core::error::ErrorType;
use ostiary_core::password::{PasswordPolicy, StrengthPolicy};
use serde_json::{Value, json};

/// `GET /v1/debug/whoami`
pub async fn whoami(call: Call) -> Result<Reply> {
    let environment = &call.cx.project.environment;
    Ok(Object::new().field("project_id", &environment.project_id).field("name", &environment.name).into())
}

/// `GET /v1/projects/metrics`: how much there is in the project. B2B projects have members and no users.
pub async fn metrics(call: Call) -> Result<Reply> {
    let counts = counts::count(&call.cx).await?;
    let metrics = [
        ("USER_COUNT", 0),
        ("ORGANIZATION_COUNT", counts.organizations),
        ("MEMBER_COUNT", counts.members),
        ("M2M_CLIENT_COUNT", counts.m2m_clients),
    ];
    let metrics = metrics.map(|(metric_type, count)| json!({ "metric_type": metric_type, "count": count }));
    Ok(Object::new().field("project_id", &call.cx.project.id()).field("metrics", &metrics).into())
}

/// `GET /sdk/v1/projects/bootstrap/{public_token}` (contract `frontend.md` §4)
pub async fn bootstrap(call: Call) -> Result<Reply> {
    let named = call.cx.app.projects.by_public_token(call.param("public_token")?);
    if named.is_none_or(|named| named.id() != call.cx.project.id()) {
        return Err(ErrorType::PublicTokenNotFound.into());
    }
    let project = &call.cx.project;
    let settings = &project.environment.settings;
    let sender = call.cx.app.options.mail_from.rsplit_once('@').map(|(_, domain)| domain);
    Ok(Object::new()
        .field("project_name", &project.environment.name)
        .field("disable_sdk_watermark", &true)
        .field("cname_domain", &())
        .field("email_domains", &sender.into_iter().collect::<Vec<_>>())
        .field("captcha_settings", &json!({ "enabled": false }))
        .field("pkce_required_for_email_magic_links", &settings.pkce_required_for_email_magic_links)
        .field("pkce_required_for_password_resets", &settings.pkce_required_for_password_resets)
        .field("pkce_required_for_oauth", &settings.pkce_required_for_oauth)
        .field("pkce_required_for_sso", &settings.pkce_required_for_sso)
        .field("slug_pattern", &settings.slug_pattern)
        .field("create_organization_enabled", &settings.create_organization_enabled)
        .field("password_config", &password_config(&settings.password_strength_config))
        .field("dfp_protected_auth_enabled", &false)
        .field("rbac_policy", &project.policy)
        .field("siwe_required_for_crypto_wallets", &false)
        .field("vertical", &"B2B")
        .into())
}

/// What forms for new passwords hint at; nothing where strength is measured by guesses.
fn password_config(policy: &PasswordPolicy) -> Option<Value> {
    (policy.validation_policy == StrengthPolicy::Luds).then(|| {
        json!({
            "luds_complexity": policy.luds_min_password_complexity,
            "luds_minimum_count": policy.luds_min_password_length,
        })
    })
}

/// `GET /sdk/v1/b2b/admin_portal_config`: which parts of the portal this server has.
pub async fn admin_portal_config(_call: Call) -> Result<Reply> {
    let sso = json!({
        "sso_enabled": false,
        "can_create_saml_connection": false,
        "can_create_oidc_connection": false,
    });
    Ok(Object::new()
        .field("sso_config", &sso)
        .field("organization_config", &json!({ "mfa_controls_enabled": true }))
        .field("scim_config", &json!({ "scim_enabled": false }))
        .into())
}
