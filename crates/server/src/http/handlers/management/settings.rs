//! `…/password_strength_config`, `…/jwt_templates`, `…/allowed_country_codes` and `…/sdk`

use crate::cx::Result;
use crate::http::operator_call::OperatorCall;
use crate::http::reply::Reply;
use crate::ops::management::sdk;
use crate::ops::management::settings::{self, TemplateKind};
use crate::wire::{Fields, Object};
use ostiary_core::claim_template::JwtTemplate;
use ostiary_core::error::ErrorType;
use ostiary_core::password::{PasswordPolicy, StrengthPolicy};
use ostiary_core::rate_limit::RateLimits;
use serde_json::{Value, json};

fn wire_policy(policy: &PasswordPolicy) -> Value {
    let luds = |value: u32| (policy.validation_policy == StrengthPolicy::Luds).then_some(value);
    json!({
        "check_breach_on_creation": policy.check_breach_on_creation,
        "check_breach_on_authentication": policy.check_breach_on_authentication,
        "validate_on_authentication": policy.validate_on_authentication,
        "validation_policy": policy.validation_policy,
        "luds_min_password_length": luds(policy.luds_min_password_length),
        "luds_min_password_complexity": luds(policy.luds_min_password_complexity),
    })
}

/// A bound; one that no number of this size can mean is out of bounds too.
fn bound(fields: &Fields, name: &str, default: u32) -> Result<u32> {
    Ok(fields.integer(name)?.map_or(default, |value| u32::try_from(value).unwrap_or(u32::MAX)))
}

/// `GET …/password_strength_config`
pub async fn get_password_policy(call: OperatorCall) -> Result<Reply> {
    let policy = settings::password_policy(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("password_strength_config", &wire_policy(&policy)).into())
}

/// `PUT …/password_strength_config`
pub async fn set_password_policy(call: OperatorCall) -> Result<Reply> {
    let (fields, defaults) = (&call.fields, PasswordPolicy::default());
    let validation_policy = match fields.text("validation_policy")? {
        None => defaults.validation_policy,
        Some(word) => StrengthPolicy::parse(word).ok_or_else(|| {
            ErrorType::InvalidArgument.with_message("validation_policy must be ZXCVBN or LUDS.")
        })?,
    };
    let policy = PasswordPolicy {
        validation_policy,
        luds_min_password_length: bound(
            fields,
            "luds_min_password_length",
            defaults.luds_min_password_length,
        )?,
        luds_min_password_complexity: bound(
            fields,
            "luds_min_password_complexity",
            defaults.luds_min_password_complexity,
        )?,
        check_breach_on_creation: fields.boolean("check_breach_on_creation")?.unwrap_or_default(),
        check_breach_on_authentication: fields.boolean("check_breach_on_authentication")?.unwrap_or_default(),
        validate_on_authentication: fields.boolean("validate_on_authentication")?.unwrap_or_default(),
    };
    let policy = settings::set_password_policy(&call.operator, &call.place()?, policy).await?;
    Ok(Object::new().field("password_strength_config", &wire_policy(&policy)).into())
}

fn template_kind(call: &OperatorCall) -> Result<TemplateKind> {
    TemplateKind::parse(call.param("jwt_template_type")?).ok_or_else(|| ErrorType::JwtTemplateNotFound.into())
}

fn wire_template(kind: TemplateKind, template: &JwtTemplate) -> Value {
    json!({
        "template_content": template.template_content,
        "custom_audience": template.custom_audience,
        "jwt_template_type": kind,
    })
}

/// `GET …/jwt_templates/{jwt_template_type}`
pub async fn get_template(call: OperatorCall) -> Result<Reply> {
    let kind = template_kind(&call)?;
    let template = settings::template(&call.operator, &call.place()?, kind).await?;
    Ok(Object::new().field("jwt_template", &wire_template(kind, &template)).into())
}

/// `PUT …/jwt_templates/{jwt_template_type}`: the content is kept byte for byte, so it is not read like other texts.
pub async fn set_template(call: OperatorCall) -> Result<Reply> {
    let kind = template_kind(&call)?;
    let content = call.fields.raw("template_content").and_then(Value::as_str);
    let template = JwtTemplate {
        template_content: content.ok_or(ErrorType::JwtTemplateInvalidJson)?.to_owned(),
        custom_audience: call.fields.string("custom_audience")?.unwrap_or_default(),
    };
    let template = settings::set_template(&call.operator, &call.place()?, kind, template).await?;
    Ok(Object::new().field("jwt_template", &wire_template(kind, &template)).into())
}

fn wire_rate_limits(decided: &RateLimits) -> Object {
    let limits: Vec<Value> = decided
        .all()
        .map(|limit| {
            json!({
                "group": limit.group,
                "field": limit.field,
                "requests_max": limit.window.requests_max,
                "window_seconds": limit.window.window_seconds,
            })
        })
        .collect();
    Object::new().field("rate_limits", decided).field("limits", &limits)
}

/// `GET …/rate_limits`
pub async fn get_rate_limits(call: OperatorCall) -> Result<Reply> {
    Ok(wire_rate_limits(&settings::rate_limits(&call.operator, &call.place()?).await?).into())
}

/// `PUT …/rate_limits`
pub async fn set_rate_limits(call: OperatorCall) -> Result<Reply> {
    let decided = call.fields.object("rate_limits")?.ok_or_else(|| {
        ErrorType::BadRequest
            .with_message("rate_limits is required: an object with enabled, windows or both.")
    })?;
    let decided = serde_json::from_value(Value::Object(decided)).map_err(|error| {
        ErrorType::InvalidArgument.with_message(format!("rate_limits does not say what limits are: {error}."))
    })?;
    let decided = settings::set_rate_limits(&call.operator, &call.place()?, decided).await?;
    Ok(wire_rate_limits(&decided).into())
}

/// `GET …/allowed_country_codes/sms`
pub async fn get_sms_countries(call: OperatorCall) -> Result<Reply> {
    let countries = settings::sms_countries(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("country_codes", &countries).into())
}

/// `POST …/allowed_country_codes/sms`
pub async fn set_sms_countries(call: OperatorCall) -> Result<Reply> {
    let countries = call.fields.texts("country_codes")?.unwrap_or_default();
    let countries = settings::set_sms_countries(&call.operator, &call.place()?, &countries).await?;
    Ok(Object::new().field("country_codes", &countries).into())
}

/// `GET` and `POST …/allowed_country_codes/whatsapp`
pub async fn whatsapp_countries(call: OperatorCall) -> Result<Reply> {
    let countries = settings::refuse_whatsapp(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("country_codes", &countries).into())
}

/// `GET …/sdk/b2b`
pub async fn get_sdk(call: OperatorCall) -> Result<Reply> {
    let config = sdk::get(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("config", &config).into())
}

/// `PUT …/sdk/b2b`
pub async fn set_sdk(call: OperatorCall) -> Result<Reply> {
    let config = call.fields.object("config")?.unwrap_or_default();
    let change = serde_json::from_value(Value::Object(config)).map_err(|error| {
        ErrorType::BadRequest.with_message(format!("config is not an SDK configuration: {error}."))
    })?;
    let config = sdk::set(&call.operator, &call.place()?, change).await?;
    Ok(Object::new().field("config", &config).into())
}

/// `GET …/sdk/consumer`
pub async fn get_consumer_sdk(call: OperatorCall) -> Result<Reply> {
    let config = sdk::get_consumer(&call.operator, &call.place()?).await?;
    Ok(Object::new().field("config", &config).into())
}

/// `PUT …/sdk/consumer`
pub async fn set_consumer_sdk(call: OperatorCall) -> Result<Reply> {
    let config = Value::Object(call.fields.object("config")?.unwrap_or_default());
    let config = sdk::set_consumer(&call.operator, &call.place()?, config).await?;
    Ok(Object::new().field("config", &config).into())
}
