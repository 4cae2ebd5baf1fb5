//! Organizations: the object, its settings, and what a change of them must satisfy (spec 01a §3).

use crate::email::{is_common_domain, is_disposable_domain, parse_domain};
use crate::error::{Error, ErrorType};
use crate::ids::OrganizationId;
use crate::metadata;
use crate::rbac::Role;
use crate::slug::{is_valid_external_id, is_valid_slug};
use crate::time::Timestamp;
use crate::wire_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most domains in one list of an organization (chosen).
pub const DOMAINS_MAX: usize = 100;
/// The most characters of an organization's name.
pub const NAME_CHARS_MAX: usize = 128;
/// The most bytes of a logo URL (chosen).
pub const LOGO_URL_BYTES_MAX: usize = 2048;
/// The most entries in any other list of settings (chosen).
pub const LIST_ENTRIES_MAX: usize = 200;

wire_enum! {
    /// How far something is allowed.
    Allowance { AllAllowed = "ALL_ALLOWED", Restricted = "RESTRICTED", NotAllowed = "NOT_ALLOWED" }
}
wire_enum! {
    /// Whether every method of a kind may be used or only listed ones.
    MethodRule { AllAllowed = "ALL_ALLOWED", Restricted = "RESTRICTED" }
}
wire_enum! {
    /// Whether each member needs a second factor.
    MfaPolicy { Optional = "OPTIONAL", RequiredForAll = "REQUIRED_FOR_ALL" }
}
wire_enum! {
    /// A way to prove who one is as a first factor.
    AuthMethod {
        Sso = "sso",
        MagicLink = "magic_link",
        EmailOtp = "email_otp",
        Password = "password",
        GoogleOauth = "google_oauth",
        MicrosoftOauth = "microsoft_oauth",
        SlackOauth = "slack_oauth",
        GithubOauth = "github_oauth",
        HubspotOauth = "hubspot_oauth",
    }
}
wire_enum! {
    /// A kind of second factor.
    MfaMethod { SmsOtp = "sms_otp", Totp = "totp" }
}

impl AuthMethod {
    /// Whether completing the method proves, at that moment, that the member controls the email address
    /// (spec 01b §5: magic link, email code, Google, Microsoft, SSO).
    pub fn verifies_email(self) -> bool {
        matches!(
            self,
            AuthMethod::Sso
                | AuthMethod::MagicLink
                | AuthMethod::EmailOtp
                | AuthMethod::GoogleOauth
                | AuthMethod::MicrosoftOauth
        )
    }
}

/// A role that everyone with a verified address of the domain holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailRoleAssignment {
    /// The domain, in lower case.
    pub domain: String,
    /// The role.
    pub role_id: String,
}

/// Everything that an organization's administrators decide about sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationSettings {
    /// Who may be invited.
    pub email_invites: Allowance,
    /// Whether people with an allowed email domain may join by themselves (never `ALL_ALLOWED`).
    pub email_jit_provisioning: Allowance,
    /// The domains that invites and joining by email are restricted to.
    pub email_allowed_domains: Vec<String>,
    /// Whether an SSO login may create a member.
    pub sso_jit_provisioning: Allowance,
    /// The connections that this is restricted to.
    pub sso_jit_provisioning_allowed_connections: Vec<String>,
    /// The connection that an SSO login uses when none is named.
    pub sso_default_connection_id: Option<String>,
    /// Whether members of an allowed OAuth tenant may join by themselves (never `ALL_ALLOWED`).
    pub oauth_tenant_jit_provisioning: Allowance,
    /// The tenants, by provider (`slack`, `hubspot`, `github`).
    pub allowed_oauth_tenants: BTreeMap<String, Vec<String>>,
    /// Whether first factors are restricted.
    pub auth_methods: MethodRule,
    /// The first factors that are allowed when they are restricted.
    pub allowed_auth_methods: Vec<AuthMethod>,
    /// Whether each member needs a second factor.
    pub mfa_policy: MfaPolicy,
    /// Whether second factors are restricted.
    pub mfa_methods: MethodRule,
    /// The second factors that are allowed when they are restricted.
    pub allowed_mfa_methods: Vec<MfaMethod>,
    /// Roles that follow from the domain of a member's verified address.
    pub rbac_email_implicit_role_assignments: Vec<EmailRoleAssignment>,
    /// Domains whose addresses may belong to organizations that claimed them only.
    pub claimed_email_domains: Vec<String>,
    /// Which first-party connected apps members may use.
    pub first_party_connected_apps_allowed_type: Allowance,
    /// Their client ids, when restricted.
    pub allowed_first_party_connected_apps: Vec<String>,
    /// Which third-party connected apps members may use.
    pub third_party_connected_apps_allowed_type: Allowance,
    /// Their client ids, when restricted.
    pub allowed_third_party_connected_apps: Vec<String>,
}

impl Default for OrganizationSettings {
    /// The settings of an organization that was created with a name only.
    fn default() -> Self {
        OrganizationSettings {
            email_invites: Allowance::AllAllowed,
            email_jit_provisioning: Allowance::NotAllowed,
            email_allowed_domains: Vec::new(),
            sso_jit_provisioning: Allowance::AllAllowed,
            sso_jit_provisioning_allowed_connections: Vec::new(),
            sso_default_connection_id: None,
            oauth_tenant_jit_provisioning: Allowance::NotAllowed,
            allowed_oauth_tenants: BTreeMap::new(),
            auth_methods: MethodRule::AllAllowed,
            allowed_auth_methods: Vec::new(),
            mfa_policy: MfaPolicy::Optional,
            mfa_methods: MethodRule::AllAllowed,
            allowed_mfa_methods: Vec::new(),
            rbac_email_implicit_role_assignments: Vec::new(),
            claimed_email_domains: Vec::new(),
            first_party_connected_apps_allowed_type: Allowance::AllAllowed,
            allowed_first_party_connected_apps: Vec::new(),
            third_party_connected_apps_allowed_type: Allowance::AllAllowed,
            allowed_third_party_connected_apps: Vec::new(),
        }
    }
}

impl OrganizationSettings {
    /// Whether members may use this first factor here. Break-glass members may use every one.
    pub fn allows_auth_method(&self, method: AuthMethod, is_breakglass: bool) -> bool {
        is_breakglass
            || self.auth_methods == MethodRule::AllAllowed
            || self.allowed_auth_methods.contains(&method)
    }

    /// Whether members may use this second factor here. Break-glass members may use every one.
    pub fn allows_mfa_method(&self, method: MfaMethod, is_breakglass: bool) -> bool {
        is_breakglass
            || self.mfa_methods == MethodRule::AllAllowed
            || self.allowed_mfa_methods.contains(&method)
    }

    /// The first factors that members may use, in the order of the documents.
    pub fn usable_auth_methods(&self, is_breakglass: bool) -> Vec<AuthMethod> {
        AuthMethod::ALL
            .iter()
            .copied()
            .filter(|method| self.allows_auth_method(*method, is_breakglass))
            .collect()
    }
}

/// An organization: a customer of the application, whose members sign in together.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The name that people see, 1 to 128 characters.
    pub name: String,
    /// The short name in URLs, unique in the project.
    pub slug: String,
    /// A picture, or empty.
    pub logo_url: String,
    /// The application's own id, unique in the project.
    pub external_id: Option<String>,
    /// Data of the application.
    pub trusted_metadata: Map<String, Value>,
    /// What its administrators decided.
    pub settings: OrganizationSettings,
    /// Its own roles beside those of the project.
    pub custom_roles: Vec<Role>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Grows with every change; cached answers are valid for one version.
    pub version: i64,
}

/// A wish to create or change an organization; `None` leaves a field as it is. Values are as they came in, the
/// rules of [`OrganizationChange::apply`] judge them.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of Organization and OrganizationSettings")]
pub struct OrganizationChange {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub logo_url: Option<String>,
    pub external_id: Option<String>,
    pub trusted_metadata: Option<Map<String, Value>>,
    pub email_invites: Option<String>,
    pub email_jit_provisioning: Option<String>,
    pub email_allowed_domains: Option<Vec<String>>,
    pub sso_jit_provisioning: Option<String>,
    pub sso_jit_provisioning_allowed_connections: Option<Vec<String>>,
    pub sso_default_connection_id: Option<String>,
    pub oauth_tenant_jit_provisioning: Option<String>,
    pub allowed_oauth_tenants: Option<Map<String, Value>>,
    pub auth_methods: Option<String>,
    pub allowed_auth_methods: Option<Vec<String>>,
    pub mfa_policy: Option<String>,
    pub mfa_methods: Option<String>,
    pub allowed_mfa_methods: Option<Vec<String>>,
    pub rbac_email_implicit_role_assignments: Option<Vec<EmailRoleAssignment>>,
    pub claimed_email_domains: Option<Vec<String>>,
    pub first_party_connected_apps_allowed_type: Option<String>,
    pub allowed_first_party_connected_apps: Option<Vec<String>>,
    pub third_party_connected_apps_allowed_type: Option<String>,
    pub allowed_third_party_connected_apps: Option<Vec<String>>,
}

impl OrganizationChange {
    /// Whether the wish names any setting about who may get in. When a create call names none, invites are open;
    /// when it names one but not `email_invites`, they are closed (spec 01a §3, `email_invites`).
    fn names_an_auth_setting(&self) -> bool {
        self.email_invites.is_some()
            || self.email_jit_provisioning.is_some()
            || self.email_allowed_domains.is_some()
            || self.sso_jit_provisioning.is_some()
            || self.oauth_tenant_jit_provisioning.is_some()
            || self.auth_methods.is_some()
            || self.allowed_auth_methods.is_some()
    }

    /// The settings of a new organization.
    pub fn settings_at_creation(&self) -> Result<OrganizationSettings, Error> {
        let mut base = OrganizationSettings::default();
        if self.names_an_auth_setting() && self.email_invites.is_none() {
            base.email_invites = Allowance::NotAllowed;
        }
        self.apply_settings(&base)
    }

    /// The organization after this change, with a new version. `known_roles` are the role ids of the project's
    /// policy. Fails with the catalogued error of the first rule that is broken; lists are replaced whole.
    pub fn apply(&self, current: &Organization, now: Timestamp) -> Result<Organization, Error> {
        let mut next = current.clone();
        if let Some(name) = &self.name {
            next.name = valid_name(name)?;
        }
        if let Some(slug) = &self.slug {
            next.slug = valid_slug(slug)?;
        }
        if let Some(logo_url) = &self.logo_url {
            next.logo_url = valid_logo_url(logo_url)?;
        }
        if let Some(external_id) = &self.external_id {
            next.external_id = Some(valid_organization_external_id(external_id)?);
        }
        if let Some(change) = &self.trusted_metadata {
            next.trusted_metadata =
                metadata::merge(&current.trusted_metadata, change).map_err(metadata_error)?;
        }
        next.settings = self.apply_settings(&current.settings)?;
        next.updated_at = now;
        next.version = current.version + 1;
        Ok(next)
    }

    fn apply_settings(&self, current: &OrganizationSettings) -> Result<OrganizationSettings, Error> {
        use ErrorType as E;
        let mut next = current.clone();
        if let Some(text) = &self.email_invites {
            next.email_invites = word(Allowance::parse(text), E::InvalidAuthFactorSetting)?;
        }
        if let Some(text) = &self.email_jit_provisioning {
            next.email_jit_provisioning = word(jit_allowance(text), E::InvalidEmailJitSetting)?;
        }
        if let Some(domains) = &self.email_allowed_domains {
            next.email_allowed_domains = valid_domains(domains, &ALLOWED_DOMAIN_ERRORS)?;
        }
        if let Some(text) = &self.sso_jit_provisioning {
            next.sso_jit_provisioning = word(Allowance::parse(text), E::InvalidAuthFactorSetting)?;
        }
        if let Some(connections) = &self.sso_jit_provisioning_allowed_connections {
            next.sso_jit_provisioning_allowed_connections = bounded_list(connections)?;
        }
        if let Some(connection) = &self.sso_default_connection_id {
            next.sso_default_connection_id = (!connection.is_empty()).then(|| connection.clone());
        }
        if let Some(text) = &self.oauth_tenant_jit_provisioning {
            next.oauth_tenant_jit_provisioning = word(jit_allowance(text), E::InvalidOauthTenantJitSetting)?;
        }
        if let Some(tenants) = &self.allowed_oauth_tenants {
            next.allowed_oauth_tenants = valid_oauth_tenants(tenants)?;
        }
        if let Some(text) = &self.auth_methods {
            next.auth_methods = word(MethodRule::parse(text), E::InvalidAuthMethodSettings)?;
        }
        if let Some(methods) = &self.allowed_auth_methods {
            next.allowed_auth_methods = words(methods, AuthMethod::parse, E::InvalidAllowedAuthMethods)?;
        }
        if let Some(text) = &self.mfa_policy {
            next.mfa_policy = word(MfaPolicy::parse(text), E::InvalidMfaPolicy)?;
        }
        if let Some(text) = &self.mfa_methods {
            next.mfa_methods = word(MethodRule::parse(text), E::InvalidMfaFactorSetting)?;
        }
        if let Some(methods) = &self.allowed_mfa_methods {
            next.allowed_mfa_methods = words(methods, MfaMethod::parse, E::InvalidAllowedMfaMethods)?;
        }
        if let Some(assignments) = &self.rbac_email_implicit_role_assignments {
            next.rbac_email_implicit_role_assignments = valid_role_assignments(assignments)?;
        }
        if let Some(domains) = &self.claimed_email_domains {
            next.claimed_email_domains = valid_domains(domains, &CLAIMED_DOMAIN_ERRORS)?;
        }
        if let Some(text) = &self.first_party_connected_apps_allowed_type {
            next.first_party_connected_apps_allowed_type =
                word(Allowance::parse(text), E::InvalidConnectedAppsSetting)?;
        }
        if let Some(apps) = &self.allowed_first_party_connected_apps {
            next.allowed_first_party_connected_apps = bounded_list(apps)?;
        }
        if let Some(text) = &self.third_party_connected_apps_allowed_type {
            next.third_party_connected_apps_allowed_type =
                word(Allowance::parse(text), E::InvalidConnectedAppsSetting)?;
        }
        if let Some(apps) = &self.allowed_third_party_connected_apps {
            next.allowed_third_party_connected_apps = bounded_list(apps)?;
        }
        check_consistency(&next)?;
        Ok(next)
    }
}

/// RESTRICTED without anything to restrict to would lock everybody out, so each pair must fit.
fn check_consistency(settings: &OrganizationSettings) -> Result<(), Error> {
    let refuse = |condition: bool, kind: ErrorType| if condition { Err(Error::from(kind)) } else { Ok(()) };
    let restricted = |allowance: Allowance| allowance == Allowance::Restricted;
    refuse(
        settings.auth_methods == MethodRule::Restricted && settings.allowed_auth_methods.is_empty(),
        ErrorType::AllowedAuthMethodsRequired,
    )?;
    refuse(
        settings.mfa_methods == MethodRule::Restricted && settings.allowed_mfa_methods.is_empty(),
        ErrorType::AllowedMfaMethodsRequired,
    )?;
    refuse(
        (restricted(settings.email_invites) || restricted(settings.email_jit_provisioning))
            && settings.email_allowed_domains.is_empty(),
        ErrorType::InvalidRestrictedEmailSetting,
    )?;
    refuse(
        restricted(settings.sso_jit_provisioning)
            && settings.sso_jit_provisioning_allowed_connections.is_empty(),
        ErrorType::InvalidRestrictedSsoSetting,
    )?;
    refuse(
        restricted(settings.oauth_tenant_jit_provisioning)
            && settings.allowed_oauth_tenants.values().all(Vec::is_empty),
        ErrorType::InvalidRestrictedOauthTenantsSetting,
    )
}

fn jit_allowance(text: &str) -> Option<Allowance> {
    Allowance::parse(text).filter(|allowance| *allowance != Allowance::AllAllowed)
}

fn word<T>(parsed: Option<T>, error: ErrorType) -> Result<T, Error> {
    parsed.ok_or(error.into())
}

fn words<T: PartialEq>(
    texts: &[String],
    parse: impl Fn(&str) -> Option<T>,
    error: ErrorType,
) -> Result<Vec<T>, Error> {
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let value = word(parse(text), error)?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}

fn bounded_list(values: &[String]) -> Result<Vec<String>, Error> {
    if values.len() > LIST_ENTRIES_MAX || values.iter().any(|value| value.is_empty() || value.len() > 256) {
        return Err(ErrorType::InvalidArgument
            .with_message(format!("A list may have at most {LIST_ENTRIES_MAX} entries of 1 to 256 bytes.")));
    }
    Ok(values.to_vec())
}

struct DomainErrors {
    invalid: ErrorType,
    too_common: ErrorType,
    disposable: ErrorType,
    duplicate: ErrorType,
}

const ALLOWED_DOMAIN_ERRORS: DomainErrors = DomainErrors {
    invalid: ErrorType::SettingsInvalidDomain,
    too_common: ErrorType::SettingsDomainTooCommon,
    disposable: ErrorType::SettingsDisposableDomain,
    duplicate: ErrorType::SettingsDuplicateDomain,
};
const CLAIMED_DOMAIN_ERRORS: DomainErrors = DomainErrors {
    invalid: ErrorType::SettingsInvalidClaimedDomain,
    too_common: ErrorType::SettingsClaimedDomainTooCommon,
    disposable: ErrorType::SettingsDisposableDomain,
    duplicate: ErrorType::SettingsDuplicateClaimedDomain,
};

fn valid_domains(domains: &[String], errors: &DomainErrors) -> Result<Vec<String>, Error> {
    if domains.len() > DOMAINS_MAX {
        return Err(ErrorType::TooManyDomains
            .with_message(format!("An organization may list at most {DOMAINS_MAX} domains.")));
    }
    let mut valid = Vec::with_capacity(domains.len());
    for text in domains {
        let domain = word(parse_domain(text), errors.invalid)?;
        let refuse = |kind: ErrorType| Err(kind.with_message(format!("{} ({domain})", kind.text())));
        if is_common_domain(&domain) {
            return refuse(errors.too_common);
        }
        if is_disposable_domain(&domain) {
            return refuse(errors.disposable);
        }
        if valid.contains(&domain) {
            return refuse(errors.duplicate);
        }
        valid.push(domain);
    }
    Ok(valid)
}

fn valid_role_assignments(assignments: &[EmailRoleAssignment]) -> Result<Vec<EmailRoleAssignment>, Error> {
    if assignments.len() > LIST_ENTRIES_MAX {
        return Err(ErrorType::InvalidRoleAssignment.into());
    }
    let mut valid: Vec<EmailRoleAssignment> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let domain = word(parse_domain(&assignment.domain), ErrorType::RbacInvalidDomain)?;
        if is_common_domain(&domain) {
            return Err(ErrorType::RbacDomainTooCommon.into());
        }
        let assignment = EmailRoleAssignment { domain, role_id: assignment.role_id.clone() };
        if !valid.contains(&assignment) {
            valid.push(assignment);
        }
    }
    Ok(valid)
}

fn valid_oauth_tenants(tenants: &Map<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let error = || Error::from(ErrorType::InvalidAllowedOauthTenants);
    let mut valid = BTreeMap::new();
    for (provider, ids) in tenants {
        if !matches!(provider.as_str(), "slack" | "hubspot" | "github") {
            return Err(error());
        }
        let ids = ids.as_array().ok_or_else(error)?;
        let ids = ids
            .iter()
            .map(|id| id.as_str().filter(|id| !id.is_empty() && id.len() <= 256).map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .filter(|ids| ids.len() <= LIST_ENTRIES_MAX)
            .ok_or_else(error)?;
        valid.insert(provider.clone(), ids);
    }
    Ok(valid)
}

/// A name as it may stand on a page or in a mail: 1 to 128 characters, trimmed, without control characters.
pub fn valid_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(ErrorType::OrganizationNameMissing.into());
    }
    if name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(ErrorType::InvalidOrganizationName.into());
    }
    Ok(name.to_owned())
}

/// Refuses a name that has one of these words, or several of them in a row where an entry has several. Letter case and
/// what stands between words do not count: `tax office` stands in `The Tax-Office` and not in `Taxoffices`.
pub fn refuse_banned_words(name: &str, banned: &[String]) -> Result<(), Error> {
    let words = words_of(name);
    let is_in_name = |entry: &String| {
        let entry = words_of(entry);
        !entry.is_empty() && words.windows(entry.len()).any(|run| *run == entry)
    };
    if banned.iter().any(is_in_name) {
        return Err(ErrorType::OrganizationNameIncludesBannedWords.into());
    }
    Ok(())
}

fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A slug that satisfies the rules of spec 01a §3.
pub fn valid_slug(slug: &str) -> Result<String, Error> {
    if is_valid_slug(slug) { Ok(slug.to_owned()) } else { Err(ErrorType::InvalidOrganizationSlug.into()) }
}

/// An external id that satisfies the rules of spec 01a §2.
pub fn valid_organization_external_id(external_id: &str) -> Result<String, Error> {
    if is_valid_external_id(external_id) {
        Ok(external_id.to_owned())
    } else {
        Err(ErrorType::InvalidOrganizationExternalId.into())
    }
}

/// A logo is shown in mails and pages, so nothing but http and https URLs are taken; empty means none.
pub fn valid_logo_url(logo_url: &str) -> Result<String, Error> {
    if logo_url.len() > LOGO_URL_BYTES_MAX {
        return Err(ErrorType::OrganizationLogoUrlTooLong.into());
    }
    if !logo_url.is_empty() {
        let url = url::Url::parse(logo_url).map_err(|_| ErrorType::InvalidOrganizationLogoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ErrorType::InvalidOrganizationLogoUrl.into());
        }
    }
    Ok(logo_url.to_owned())
}

/// The catalogued error of a metadata rule.
pub fn metadata_error(error: metadata::MetadataError) -> Error {
    ErrorType::parse(error.error_type()).unwrap_or(ErrorType::MetadataInvalidFormat).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Option<Vec<String>> {
        Some(values.iter().map(|value| (*value).to_owned()).collect())
    }

    fn refused(change: OrganizationChange, expected: ErrorType) {
        assert_eq!(change.settings_at_creation().unwrap_err().kind, expected, "{change:?}");
    }

    #[test]
    fn invites_are_open_only_when_no_auth_setting_is_named() {
        let open = OrganizationChange::default().settings_at_creation().unwrap();
        assert_eq!(open.email_invites, Allowance::AllAllowed);
        let named =
            OrganizationChange { sso_jit_provisioning: Some("NOT_ALLOWED".into()), ..Default::default() };
        assert_eq!(named.settings_at_creation().unwrap().email_invites, Allowance::NotAllowed);
    }

    #[test]
    fn every_setting_refuses_values_that_do_not_fit() {
        let with = |set: fn(&mut OrganizationChange)| {
            let mut change = OrganizationChange::default();
            set(&mut change);
            change
        };
        use ErrorType as E;
        refused(with(|c| c.email_invites = Some("SOME".into())), E::InvalidAuthFactorSetting);
        refused(with(|c| c.email_jit_provisioning = Some("ALL_ALLOWED".into())), E::InvalidEmailJitSetting);
        refused(
            with(|c| c.email_jit_provisioning = Some("RESTRICTED".into())),
            E::InvalidRestrictedEmailSetting,
        );
        refused(with(|c| c.email_invites = Some("RESTRICTED".into())), E::InvalidRestrictedEmailSetting);
        refused(
            with(|c| c.oauth_tenant_jit_provisioning = Some("ALL_ALLOWED".into())),
            E::InvalidOauthTenantJitSetting,
        );
        refused(
            with(|c| c.oauth_tenant_jit_provisioning = Some("RESTRICTED".into())),
            E::InvalidRestrictedOauthTenantsSetting,
        );
        refused(with(|c| c.sso_jit_provisioning = Some("RESTRICTED".into())), E::InvalidRestrictedSsoSetting);
        refused(with(|c| c.auth_methods = Some("NONE".into())), E::InvalidAuthMethodSettings);
        refused(with(|c| c.auth_methods = Some("RESTRICTED".into())), E::AllowedAuthMethodsRequired);
        refused(
            with(|c| c.allowed_auth_methods = Some(vec!["telepathy".into()])),
            E::InvalidAllowedAuthMethods,
        );
        refused(with(|c| c.mfa_policy = Some("SOMETIMES".into())), E::InvalidMfaPolicy);
        refused(with(|c| c.mfa_methods = Some("NOT_ALLOWED".into())), E::InvalidMfaFactorSetting);
        refused(with(|c| c.mfa_methods = Some("RESTRICTED".into())), E::AllowedMfaMethodsRequired);
        refused(with(|c| c.allowed_mfa_methods = Some(vec!["email".into()])), E::InvalidAllowedMfaMethods);
        refused(with(|c| c.email_allowed_domains = texts(&["gmail.com"])), E::SettingsDomainTooCommon);
        refused(with(|c| c.email_allowed_domains = texts(&["not a domain"])), E::SettingsInvalidDomain);
        refused(
            with(|c| c.email_allowed_domains = texts(&["acme.example", "ACME.example"])),
            E::SettingsDuplicateDomain,
        );
        refused(
            with(|c| c.claimed_email_domains = texts(&["outlook.com"])),
            E::SettingsClaimedDomainTooCommon,
        );
        refused(with(|c| c.email_allowed_domains = Some(vec!["a.example".into(); 101])), E::TooManyDomains);
    }

    #[test]
    fn banned_words_are_words() {
        let banned = ["Initech".to_owned(), "tax office".to_owned(), " - ".to_owned()];
        for name in ["Initech", "The INITECH Group", "initech!", "My (tax—office)", "Tax Office of Acme"] {
            let refused = refuse_banned_words(name, &banned).unwrap_err();
            assert_eq!(refused.kind, ErrorType::OrganizationNameIncludesBannedWords, "{name}");
        }
        for name in ["Acme", "Initechnology", "Office of tax", "Taxoffice", "-"] {
            assert!(refuse_banned_words(name, &banned).is_ok(), "{name}");
        }
    }

    #[test]
    fn restricted_methods_cannot_be_emptied_while_restricted() {
        let base = OrganizationSettings {
            auth_methods: MethodRule::Restricted,
            allowed_auth_methods: vec![AuthMethod::MagicLink],
            ..Default::default()
        };
        let change = OrganizationChange { allowed_auth_methods: Some(vec![]), ..Default::default() };
        assert_eq!(change.apply_settings(&base).unwrap_err().kind, ErrorType::AllowedAuthMethodsRequired);
    }

    #[test]
    fn lists_are_replaced_whole() {
        let base =
            OrganizationSettings { email_allowed_domains: vec!["old.example".into()], ..Default::default() };
        let change =
            OrganizationChange { email_allowed_domains: texts(&["New.Example"]), ..Default::default() };
        assert_eq!(change.apply_settings(&base).unwrap().email_allowed_domains, ["new.example"]);
    }
}
