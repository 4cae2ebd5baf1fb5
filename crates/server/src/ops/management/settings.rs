//! Settings that are documents of their own: the strength of passwords, claim templates, countries.

use super::{Operator, Place, change};
use crate::cx::Result;
use ostiary_core::claim_template::JwtTemplate;
use ostiary_core::error::ErrorType;
use ostiary_core::password::PasswordPolicy;
use ostiary_core::project::{Vertical, country_allowlist};
use ostiary_core::rate_limit::RateLimits;
use ostiary_core::wire_enum;
use ostiary_store::environments::EnvironmentSettings;

wire_enum! {
    /// Which tokens a claim template is for.
    TemplateKind {
        /// Session tokens.
        Session = "SESSION",
        /// Tokens of M2M clients.
        M2m = "M2M",
    }
}

/// What a project asks of passwords.
pub async fn password_policy(operator: &Operator, place: &Place) -> Result<PasswordPolicy> {
    Ok(operator.environment(place).await?.settings.password_strength_config)
}

/// Decides what a project asks of passwords.
pub async fn set_password_policy(
    operator: &Operator,
    place: &Place,
    policy: PasswordPolicy,
) -> Result<PasswordPolicy> {
    policy.validate()?;
    let changed = change(operator, place, move |environment| {
        environment.settings.password_strength_config = policy;
        Ok(())
    });
    Ok(changed.await?.settings.password_strength_config)
}

fn template_of(settings: &mut EnvironmentSettings, kind: TemplateKind) -> &mut Option<JwtTemplate> {
    match kind {
        TemplateKind::Session => &mut settings.session_jwt_template,
        TemplateKind::M2m => &mut settings.m2m_jwt_template,
    }
}

/// A claim template; one that adds nothing where none was set.
pub async fn template(operator: &Operator, place: &Place, kind: TemplateKind) -> Result<JwtTemplate> {
    let mut settings = operator.environment(place).await?.settings;
    let nothing = || JwtTemplate { template_content: "{}".into(), custom_audience: String::new() };
    Ok(template_of(&mut settings, kind).take().unwrap_or_else(nothing))
}

/// Sets a claim template.
///
/// # Errors
/// Those of [`JwtTemplate::compile`].
pub async fn set_template(
    operator: &Operator,
    place: &Place,
    kind: TemplateKind,
    template: JwtTemplate,
) -> Result<JwtTemplate> {
    template.compile()?;
    let set = template.clone();
    change(operator, place, move |environment| {
        *template_of(&mut environment.settings, kind) = Some(set.clone());
        Ok(())
    })
    .await?;
    Ok(template)
}

/// What is decided about rate limits.
pub async fn rate_limits(operator: &Operator, place: &Place) -> Result<RateLimits> {
    Ok(operator.environment(place).await?.settings.rate_limits)
}

/// Decides about rate limits, in place of all that was decided before.
///
/// # Errors
/// Those of [`RateLimits::validate`].
pub async fn set_rate_limits(operator: &Operator, place: &Place, limits: RateLimits) -> Result<RateLimits> {
    limits.validate()?;
    let set = limits.clone();
    change(operator, place, move |environment| {
        environment.settings.rate_limits = set.clone();
        Ok(())
    })
    .await?;
    Ok(limits)
}

/// The countries that text messages may go to, sorted.
pub async fn sms_countries(operator: &Operator, place: &Place) -> Result<Vec<String>> {
    let mut countries = operator.environment(place).await?.settings.allowed_phone_countries;
    countries.sort();
    Ok(countries)
}

/// Decides which countries text messages may go to.
pub async fn set_sms_countries(
    operator: &Operator,
    place: &Place,
    countries: &[String],
) -> Result<Vec<String>> {
    let countries = country_allowlist(countries)?;
    let set = countries.clone();
    change(operator, place, move |environment| {
        environment.settings.allowed_phone_countries.clone_from(&set);
        Ok(())
    })
    .await?;
    Ok(countries)
}

/// Refuses what concerns messages by WhatsApp, which exist in projects without organizations only.
pub async fn refuse_whatsapp(operator: &Operator, place: &Place) -> Result<Vec<String>> {
    match operator.environment(place).await?.vertical {
        Vertical::B2b => Err(ErrorType::CountryCodeAllowlistB2bWhatsapp.into()),
        Vertical::Consumer => Err(ErrorType::UnavailableEndpoint.into()),
    }
}
