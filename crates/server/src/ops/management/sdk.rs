//! The SDK configuration: a view of the settings that browsers are concerned with (spec 05a §5).

use super::{Operator, Place, change};
use crate::cx::Result;
use ostiary_core::error::ErrorType;
use ostiary_core::project::Vertical;
use ostiary_core::sdk_config::{
    AuthorizedDomain, Basic, Cookies, HttpOnly, Passwords, Redirecting, SdkConfig, SdkConfigChange, Sessions,
    Toggle,
};
use ostiary_core::session::{DURATION_MINUTES_MAX, DURATION_MINUTES_MIN};
use ostiary_store::environments::EnvironmentSettings;
use serde_json::Value;
use url::Url;

/// What stands for the slug of an organization in a pattern.
const SLUG: &str = "{{slug}}";
/// The most authorized domains, and the most mobile applications.
const LIST_MAX: usize = 200;

/// The configuration of a B2B project.
pub async fn get(operator: &Operator, place: &Place) -> Result<SdkConfig> {
    let environment = operator.environment(place).await?;
    require(environment.vertical, Vertical::B2b)?;
    Ok(view(&environment.settings))
}

/// Replaces the groups that are given.
pub async fn set(operator: &Operator, place: &Place, config: SdkConfigChange) -> Result<SdkConfig> {
    let changed = change(operator, place, move |environment| {
        require(environment.vertical, Vertical::B2b)?;
        apply(&mut environment.settings, &config)
    });
    Ok(view(&changed.await?.settings))
}

/// The configuration of a CONSUMER project, as it was set.
pub async fn get_consumer(operator: &Operator, place: &Place) -> Result<Value> {
    let environment = operator.environment(place).await?;
    require(environment.vertical, Vertical::Consumer)?;
    Ok(environment.settings.consumer_sdk_config.unwrap_or_else(|| Value::Object(serde_json::Map::new())))
}

/// Keeps the configuration of a CONSUMER project.
pub async fn set_consumer(operator: &Operator, place: &Place, config: Value) -> Result<Value> {
    let set = config.clone();
    change(operator, place, move |environment| {
        require(environment.vertical, Vertical::Consumer)?;
        environment.settings.consumer_sdk_config = Some(set.clone());
        Ok(())
    })
    .await?;
    Ok(config)
}

fn require(actual: Vertical, expected: Vertical) -> Result<()> {
    if actual == expected { Ok(()) } else { Err(ErrorType::BadVerticalForSdk.into()) }
}

fn view(settings: &EnvironmentSettings) -> SdkConfig {
    let browser = &settings.browser;
    let pattern = |domain: &str| {
        let known = browser.slug_patterns.iter().find(|known| known.domain == domain);
        known.map_or(String::new(), |known| known.slug_pattern.clone())
    };
    let with_pattern =
        |domain: &String| AuthorizedDomain { slug_pattern: pattern(domain), domain: domain.clone() };
    SdkConfig {
        basic: Basic {
            enabled: browser.enabled,
            allow_self_onboarding: settings.create_organization_enabled,
            enable_member_permissions: browser.enable_member_permissions,
            domains: settings.authorized_origins.iter().map(with_pattern).collect(),
            bundle_ids: browser.bundle_ids.clone(),
        },
        sessions: Sessions {
            max_session_duration_minutes: settings
                .session_duration_minutes_max
                .unwrap_or(DURATION_MINUTES_MAX),
        },
        magic_links: Redirecting {
            enabled: browser.magic_links,
            pkce_required: settings.pkce_required_for_email_magic_links,
        },
        oauth: Redirecting { enabled: browser.oauth, pkce_required: settings.pkce_required_for_oauth },
        totps: browser.totps,
        sso: Redirecting { enabled: browser.sso, pkce_required: settings.pkce_required_for_sso },
        otps: browser.otps.clone(),
        dfppa: browser.dfppa,
        passwords: Passwords {
            enabled: browser.passwords,
            pkce_required_for_password_resets: settings.pkce_required_for_password_resets,
        },
        cookies: Cookies {
            http_only: match (settings.http_only_cookies, browser.http_only_enforced) {
                (false, _) => HttpOnly::Disabled,
                (true, false) => HttpOnly::Enabled,
                (true, true) => HttpOnly::Enforced,
            },
        },
        user_impersonation: Toggle { enabled: browser.user_impersonation },
    }
}

fn apply(settings: &mut EnvironmentSettings, change: &SdkConfigChange) -> Result<()> {
    if let Some(basic) = &change.basic {
        apply_basic(settings, basic)?;
    }
    if let Some(sessions) = change.sessions {
        let minutes = sessions.max_session_duration_minutes;
        if !(DURATION_MINUTES_MIN..=DURATION_MINUTES_MAX).contains(&minutes) {
            return Err(ErrorType::InvalidSessionDurationMinutes
                .with_message("max_session_duration_minutes must be from 5 to 527040."));
        }
        settings.session_duration_minutes_max = Some(minutes);
    }
    let browser = &mut settings.browser;
    if let Some(group) = change.magic_links {
        browser.magic_links = group.enabled;
        settings.pkce_required_for_email_magic_links = group.pkce_required;
    }
    if let Some(group) = change.oauth {
        browser.oauth = group.enabled;
        settings.pkce_required_for_oauth = group.pkce_required;
    }
    if let Some(group) = change.sso {
        browser.sso = group.enabled;
        settings.pkce_required_for_sso = group.pkce_required;
    }
    if let Some(group) = change.passwords {
        browser.passwords = group.enabled;
        settings.pkce_required_for_password_resets = group.pkce_required_for_password_resets;
    }
    if let Some(cookies) = change.cookies {
        settings.http_only_cookies = cookies.http_only != HttpOnly::Disabled;
        browser.http_only_enforced = cookies.http_only == HttpOnly::Enforced;
    }
    browser.totps = change.totps.unwrap_or(browser.totps);
    browser.dfppa = change.dfppa.unwrap_or(browser.dfppa);
    if let Some(otps) = &change.otps {
        browser.otps = otps.clone();
    }
    if let Some(group) = change.user_impersonation {
        browser.user_impersonation = group.enabled;
    }
    Ok(())
}

fn apply_basic(settings: &mut EnvironmentSettings, basic: &Basic) -> Result<()> {
    if basic.domains.len() > LIST_MAX || basic.bundle_ids.len() > LIST_MAX {
        return Err(ErrorType::InvalidRequestValue
            .with_message(format!("domains and bundle_ids may have at most {LIST_MAX} entries.")));
    }
    for AuthorizedDomain { domain, slug_pattern } in &basic.domains {
        check_origin(domain)?;
        if !slug_pattern.is_empty() && !slug_pattern.contains(SLUG) {
            return Err(
                ErrorType::InvalidArgument.with_message("A slug_pattern must contain {{slug}} or be empty.")
            );
        }
    }
    let patterns: Vec<_> =
        basic.domains.iter().filter(|domain| !domain.slug_pattern.is_empty()).cloned().collect();
    settings.slug_pattern = patterns.first().map(|domain| domain.slug_pattern.clone());
    settings.authorized_origins = basic.domains.iter().map(|domain| domain.domain.clone()).collect();
    settings.create_organization_enabled = basic.allow_self_onboarding;
    let browser = &mut settings.browser;
    browser.slug_patterns = patterns;
    browser.enabled = basic.enabled;
    browser.enable_member_permissions = basic.enable_member_permissions;
    browser.bundle_ids.clone_from(&basic.bundle_ids);
    Ok(())
}

/// A domain is compared with the `Origin` header as it stands, so it must be one.
fn check_origin(domain: &str) -> Result<()> {
    let is_origin = Url::parse(domain).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == domain
    });
    if is_origin {
        return Ok(());
    }
    Err(ErrorType::InvalidArgument
        .with_message("A domain must be an origin, such as https://app.example.com, without a path."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_back() {
        let mut settings = EnvironmentSettings::default();
        let group = |text: &str| serde_json::from_str::<SdkConfigChange>(text).unwrap();
        let config = r#"{
            "basic": {"enabled": true, "allow_self_onboarding": false, "enable_member_permissions": true,
                "domains": [{"domain": "https://a.example", "slug_pattern": ""},
                    {"domain": "https://b.example", "slug_pattern": "https://{{slug}}.b.example"}],
                "bundle_ids": ["com.example"]},
            "sessions": {"max_session_duration_minutes": 30},
            "magic_links": {"enabled": false, "pkce_required": true},
            "cookies": {"http_only": "ENFORCED"},
            "dfppa": {"enabled": "PASSIVE", "on_challenge": "BLOCK"}
        }"#;
        apply(&mut settings, &group(config)).unwrap();
        let read = serde_json::to_value(view(&settings)).unwrap();
        let given: Value = serde_json::from_str(config).unwrap();
        for (name, value) in given.as_object().unwrap() {
            assert_eq!(&read[name], value, "{name}");
        }
        let before = settings.clone();
        apply(&mut settings, &group("{}")).unwrap();
        assert_eq!(settings, before);
        apply(&mut settings, &group(r#"{"basic": {"enabled": true}}"#)).unwrap();
        assert!(settings.authorized_origins.is_empty() && !settings.browser.enable_member_permissions);
    }

    #[test]
    fn domains_are_origins() {
        for bad in ["", "example.com", "https://a.example/", "https://a.example/x", "ftp://a.example", "*"] {
            assert!(check_origin(bad).is_err(), "{bad}");
        }
        assert!(check_origin("http://localhost:3000").is_ok());
    }
}
