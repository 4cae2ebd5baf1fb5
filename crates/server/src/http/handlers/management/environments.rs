//! `/pwa/v3/projects/{project_slug}/environments`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::environments::{self, Change, New};
use crate::wire::{Fields, Object};
use ostiary_core::error::ErrorType;
use ostiary_core::project::{environment_type, parse_environment_type};
use serde_json::{Value, json};

macro_rules! wire {
    ($environment:expr) => {{
        let environment = &$environment;
        let settings = &environment.settings;
        json!({
            "environment_slug": environment.slug,
            "project_slug": environment.project_slug,
            "project_id": environment.project_id,
            "name": environment.label,
            "type": environment_type(environment.scope.kind),
            "created_at": environment.created_at,
            // Opaque, unlike that of any other environment, and the same for ever: so is the environment's own id.
            "oauth_callback_id": environment.project_id.uuid().to_string(),
            "cross_org_passwords_enabled": settings.cross_org_passwords_enabled,
            "user_impersonation_enabled": settings.user_impersonation_enabled,
            "zero_downtime_session_migration_url": settings.zero_downtime_session_migration_url,
            "use_custom_domain_in_magic_link_emails": settings.use_custom_domain_in_magic_link_emails,
            "user_lock_self_serve_enabled": settings.user_lock_self_serve_enabled,
            "user_lock_threshold": settings.lock.threshold,
            "user_lock_ttl": settings.lock.ttl_seconds,
            "idp_authorization_url": settings.idp_authorization_url,
            "idp_dynamic_client_registration_enabled": settings.idp_dynamic_client_registration_enabled,
            "idp_dynamic_client_registration_access_token_template_content":
                settings.idp_dynamic_client_registration_access_token_template_content,
        })
    }};
}

fn read_change(fields: &Fields) -> Result<Change> {
    Ok(Change {
        name: fields.string("name")?,
        cross_org_passwords_enabled: fields.boolean("cross_org_passwords_enabled")?,
        user_impersonation_enabled: fields.boolean("user_impersonation_enabled")?,
        zero_downtime_session_migration_url: fields.string("zero_downtime_session_migration_url")?,
        use_custom_domain_in_magic_link_emails: fields.boolean("use_custom_domain_in_magic_link_emails")?,
        user_lock_self_serve_enabled: fields.boolean("user_lock_self_serve_enabled")?,
        user_lock_threshold: fields.integer("user_lock_threshold")?,
        user_lock_ttl: fields.integer("user_lock_ttl")?,
        idp_authorization_url: fields.string("idp_authorization_url")?,
        idp_dynamic_client_registration_enabled: fields.boolean("idp_dynamic_client_registration_enabled")?,
        idp_dynamic_client_registration_access_token_template_content: fields
            .string("idp_dynamic_client_registration_access_token_template_content")?,
    })
}

/// `POST …`
pub async fn create(call: OperatorCall) -> Result<Reply> {
    call.fields.required("name")?;
    let kind = parse_environment_type(call.fields.required("type")?)
        .ok_or_else(|| ErrorType::InvalidArgument.with_message("type must be LIVE or TEST."))?;
    let new = New {
        project: call.param("project_slug")?.to_owned(),
        kind,
        slug: call.fields.nonempty("environment_slug")?,
        change: read_change(&call.fields)?,
    };
    let environment = environments::create(&call.operator, new).await?;
    Ok(Object::new().field("environment", &wire!(environment)).into())
}

/// `GET …`
pub async fn list(call: OperatorCall) -> Result<Reply> {
    let environments = environments::list(&call.operator, call.param("project_slug")?).await?;
    let environments: Vec<Value> = environments.iter().map(|environment| wire!(environment)).collect();
    Ok(Object::new().field("environments", &environments).into())
}

/// `GET …/{environment_slug}`
pub async fn get(call: OperatorCall) -> Result<Reply> {
    let environment = call.operator.environment(&call.place()?).await?;
    Ok(Object::new().field("environment", &wire!(environment)).into())
}

/// `PATCH …/{environment_slug}`
pub async fn update(call: OperatorCall) -> Result<Reply> {
    let change = read_change(&call.fields)?;
    let environment = environments::update(&call.operator, &call.place()?, change).await?;
    Ok(Object::new().field("environment", &wire!(environment)).into())
}

/// `DELETE …/{environment_slug}`
pub async fn delete(call: OperatorCall) -> Result<Reply> {
    environments::delete(&call.operator, &call.place()?).await?;
    Ok(Object::new().into())
}

/// `GET …/{environment_slug}/metrics`
pub async fn metrics(call: OperatorCall) -> Result<Reply> {
    let counts = environments::counts(&call.operator, &call.place()?).await?;
    let metrics = json!({
        "user_count": 0,
        "organization_count": counts.organizations,
        "member_count": counts.members,
        "m2m_client_count": counts.m2m_clients,
    });
    Ok(Object::new().field("metrics", &metrics).into())
}
