//! What browsers may do with a project (spec 05a §5): the SDK configuration of the management API.
//!
//! A configuration is changed group by group: a group that is not there stays as it is, a group that is there is
//! replaced whole, and what it does not say is false.

use crate::wire_enum;
use serde::{Deserialize, Serialize};

wire_enum! {
    /// Whether browsers keep tokens in cookies that scripts cannot read.
    HttpOnly {
        /// They keep them where scripts can.
        Disabled = "DISABLED",
        /// They cannot read them.
        Enabled = "ENABLED",
        /// As `ENABLED`, for applications too that ask otherwise.
        Enforced = "ENFORCED",
    }
}

wire_enum! {
    /// Whether calls are judged by the device that they come from.
    DeviceCheck {
        /// Verdicts are acted on.
        Enabled = "ENABLED",
        /// Verdicts are only kept.
        Passive = "PASSIVE",
        /// There are none.
        Disabled = "DISABLED",
    }
}

wire_enum! {
    /// What follows from a verdict that is neither good nor bad.
    ChallengeAction {
        /// The call goes on.
        Allow = "ALLOW",
        /// It is refused.
        Block = "BLOCK",
        /// It has to solve a puzzle first.
        TriggerCaptcha = "TRIGGER_CAPTCHA",
    }
}

wire_enum! {
    /// How a phone finds out for whom a code in a text message is.
    AutofillKind {
        /// By the domain of a web page.
        Domain = "domain",
        /// By the hash of an application.
        Hash = "hash",
    }
}

/// A page that may use the browser API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizedDomain {
    /// Its origin.
    pub domain: String,
    /// How the organization's slug is found in its URL; empty when it is not.
    pub slug_pattern: String,
}

/// The SDK as such.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Basic {
    /// Whether browsers may call at all.
    pub enabled: bool,
    /// Whether they may create organizations in discovery.
    pub allow_self_onboarding: bool,
    /// Whether members may act on their organization and its other members, as their roles allow.
    pub enable_member_permissions: bool,
    /// The pages that may call; every page when there are none.
    pub domains: Vec<AuthorizedDomain>,
    /// The mobile applications that may call.
    pub bundle_ids: Vec<String>,
}

/// Sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sessions {
    /// The longest session that may be asked for, in minutes.
    pub max_session_duration_minutes: i64,
}

/// A way to sign in that leads through another page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Redirecting {
    /// Whether browsers may use it.
    pub enabled: bool,
    /// Whether they must prove that it ends in the browser where it began.
    pub pkce_required: bool,
}

/// Passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Passwords {
    /// Whether browsers may use them.
    pub enabled: bool,
    /// Whether a reset must end in the browser where it began.
    pub pkce_required_for_password_resets: bool,
}

/// Authenticator apps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totps {
    /// Whether browsers may use them.
    pub enabled: bool,
    /// Whether they may add one.
    pub create_totps: bool,
}

/// How a phone finds the code in a text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autofill {
    /// The kind of value.
    pub metadata_type: AutofillKind,
    /// The value.
    pub metadata_value: String,
    /// The mobile application that it is for.
    #[serde(default)]
    pub bundle_id: String,
}

/// One-time codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Otps {
    /// Whether browsers may use codes by text message.
    pub sms_enabled: bool,
    /// Whether they may use codes by mail.
    pub email_enabled: bool,
    /// How phones find the code in a message.
    pub sms_autofill_metadata: Vec<Autofill>,
}

/// Devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// Whether they are judged.
    pub enabled: DeviceCheck,
    /// What follows from a doubtful one.
    pub on_challenge: ChallengeAction,
}

impl Default for Devices {
    fn default() -> Self {
        Devices { enabled: DeviceCheck::Disabled, on_challenge: ChallengeAction::Allow }
    }
}

/// Cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookies {
    /// Whether scripts can read them.
    pub http_only: HttpOnly,
}

/// Something that is on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Toggle {
    /// Whether it is on.
    pub enabled: bool,
}

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each group says what it is")]
pub struct SdkConfig {
    pub basic: Basic,
    pub sessions: Sessions,
    pub magic_links: Redirecting,
    pub oauth: Redirecting,
    pub totps: Totps,
    pub sso: Redirecting,
    pub otps: Otps,
    pub dfppa: Devices,
    pub passwords: Passwords,
    pub cookies: Cookies,
    pub user_impersonation: Toggle,
}

/// The groups to replace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each group says what it is")]
pub struct SdkConfigChange {
    pub basic: Option<Basic>,
    pub sessions: Option<Sessions>,
    pub magic_links: Option<Redirecting>,
    pub oauth: Option<Redirecting>,
    pub totps: Option<Totps>,
    pub sso: Option<Redirecting>,
    pub otps: Option<Otps>,
    pub dfppa: Option<Devices>,
    pub passwords: Option<Passwords>,
    pub cookies: Option<Cookies>,
    pub user_impersonation: Option<Toggle>,
}

/// The part of the configuration that only browsers are concerned with; the other settings of an environment hold the
/// rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrowserRules {
    /// Whether browsers may call at all.
    pub enabled: bool,
    /// Whether members may act on their organization and its other members.
    pub enable_member_permissions: bool,
    /// The mobile applications that may call.
    pub bundle_ids: Vec<String>,
    /// The slug patterns of authorized origins, those without one left out.
    pub slug_patterns: Vec<AuthorizedDomain>,
    /// Whether browsers may use magic links.
    pub magic_links: bool,
    /// Whether they may use OAuth.
    pub oauth: bool,
    /// Whether they may use SSO.
    pub sso: bool,
    /// Whether they may use passwords.
    pub passwords: bool,
    /// Whether they may use authenticator apps, and add one.
    pub totps: Totps,
    /// Whether they may use one-time codes.
    pub otps: Otps,
    /// How devices are judged.
    pub dfppa: Devices,
    /// Whether cookies that scripts cannot read are enforced.
    pub http_only_enforced: bool,
    /// Whether they may use impersonation tokens.
    pub user_impersonation: bool,
}

impl Default for BrowserRules {
    fn default() -> Self {
        BrowserRules {
            enabled: true,
            enable_member_permissions: true,
            bundle_ids: Vec::new(),
            slug_patterns: Vec::new(),
            magic_links: true,
            oauth: true,
            sso: true,
            passwords: true,
            totps: Totps { enabled: true, create_totps: true },
            otps: Otps { sms_enabled: true, email_enabled: true, sms_autofill_metadata: Vec::new() },
            dfppa: Devices::default(),
            http_only_enforced: false,
            user_impersonation: false,
        }
    }
}

impl BrowserRules {
    /// Whether browsers may call this path of the browser API. The bootstrap document is always there, since pages read
    /// from it what is allowed.
    pub fn allow(&self, method: &str, path: &str) -> bool {
        if path.starts_with("/sdk/v1/projects/bootstrap/") {
            return true;
        }
        let Some(path) = path.strip_prefix("/sdk/v1/b2b/") else { return self.enabled };
        let group = path.split('/').next().unwrap_or_default();
        let is_allowed = match group {
            "magic_links" => self.magic_links,
            "oauth" => self.oauth,
            "sso" => self.sso,
            "passwords" => self.passwords,
            "totp" if method == "POST" && path == "totp" => self.totps.enabled && self.totps.create_totps,
            "totp" => self.totps.enabled,
            "otps" if path.starts_with("otps/sms/") => self.otps.sms_enabled,
            "otps" => self.otps.email_enabled,
            "impersonation" => self.user_impersonation,
            _ => true,
        };
        self.enabled && is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_there_is_replaced_whole() {
        let change: SdkConfigChange =
            serde_json::from_str(r#"{"oauth":{"enabled":true},"sso":null,"unknown":{}}"#).unwrap();
        assert_eq!(change.oauth, Some(Redirecting { enabled: true, pkce_required: false }));
        assert_eq!((change.sso, change.basic), (None, None));
    }

    #[test]
    fn each_way_to_sign_in_can_be_closed() {
        let closed = BrowserRules {
            magic_links: false,
            oauth: false,
            sso: false,
            passwords: false,
            totps: Totps::default(),
            otps: Otps::default(),
            ..BrowserRules::default()
        };
        for path in [
            "magic_links/authenticate",
            "oauth/authenticate",
            "sso/authenticate",
            "passwords/authenticate",
            "totp",
            "totp/authenticate",
            "otps/sms/send",
            "otps/email/authenticate",
            "impersonation/authenticate",
        ] {
            let path = format!("/sdk/v1/b2b/{path}");
            assert!(!closed.allow("POST", &path), "{path}");
            assert_eq!(
                BrowserRules::default().allow("POST", &path),
                !path.contains("impersonation"),
                "{path}"
            );
        }
        assert!(closed.allow("POST", "/sdk/v1/b2b/sessions/authenticate"));
    }

    #[test]
    fn a_closed_sdk_leaves_the_bootstrap_document() {
        let closed = BrowserRules { enabled: false, ..BrowserRules::default() };
        assert!(closed.allow("GET", "/sdk/v1/projects/bootstrap/public-token-test-x"));
        assert!(!closed.allow("POST", "/sdk/v1/b2b/sessions/authenticate"));
    }
}
