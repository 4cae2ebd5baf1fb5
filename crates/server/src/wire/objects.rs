//! The objects that answers share: member, organization, session, and what a login still lacks.

use ostiary_core::discovery::{DiscoveredOrganization, Membership};
use ostiary_core::factor::WireFactor;
use ostiary_core::login::{MfaRequired, Verdict};
use ostiary_core::member::Member;
use ostiary_core::organization::{AuthMethod, Organization};
use ostiary_core::rbac::{self, MemberRole};
use ostiary_core::session::Session;
use ostiary_core::time::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

/// An organization (`Organization` in the contracts).
pub struct WireOrganization<'a>(pub &'a Organization);

impl Serialize for WireOrganization<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let organization = self.0;
        let settings = &organization.settings;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("organization_id", &organization.id)?;
        map.serialize_entry("organization_name", &organization.name)?;
        map.serialize_entry("organization_slug", &organization.slug)?;
        map.serialize_entry("organization_logo_url", &organization.logo_url)?;
        map.serialize_entry("organization_external_id", &organization.external_id)?;
        map.serialize_entry("trusted_metadata", &organization.trusted_metadata)?;
        map.serialize_entry("sso_default_connection_id", &settings.sso_default_connection_id)?;
        map.serialize_entry("sso_active_connections", &[(); 0])?;
        map.serialize_entry("scim_active_connection", &())?;
        map.serialize_entry("email_invites", &settings.email_invites)?;
        map.serialize_entry("email_jit_provisioning", &settings.email_jit_provisioning)?;
        map.serialize_entry("email_allowed_domains", &settings.email_allowed_domains)?;
        map.serialize_entry("sso_jit_provisioning", &settings.sso_jit_provisioning)?;
        map.serialize_entry(
            "sso_jit_provisioning_allowed_connections",
            &settings.sso_jit_provisioning_allowed_connections,
        )?;
        map.serialize_entry("oauth_tenant_jit_provisioning", &settings.oauth_tenant_jit_provisioning)?;
        map.serialize_entry("allowed_oauth_tenants", &settings.allowed_oauth_tenants)?;
        map.serialize_entry("auth_methods", &settings.auth_methods)?;
        map.serialize_entry("allowed_auth_methods", &settings.allowed_auth_methods)?;
        map.serialize_entry("mfa_policy", &settings.mfa_policy)?;
        map.serialize_entry("mfa_methods", &settings.mfa_methods)?;
        map.serialize_entry("allowed_mfa_methods", &settings.allowed_mfa_methods)?;
        map.serialize_entry(
            "rbac_email_implicit_role_assignments",
            &settings.rbac_email_implicit_role_assignments,
        )?;
        map.serialize_entry("claimed_email_domains", &settings.claimed_email_domains)?;
        map.serialize_entry(
            "first_party_connected_apps_allowed_type",
            &settings.first_party_connected_apps_allowed_type,
        )?;
        map.serialize_entry(
            "allowed_first_party_connected_apps",
            &settings.allowed_first_party_connected_apps,
        )?;
        map.serialize_entry(
            "third_party_connected_apps_allowed_type",
            &settings.third_party_connected_apps_allowed_type,
        )?;
        map.serialize_entry(
            "allowed_third_party_connected_apps",
            &settings.allowed_third_party_connected_apps,
        )?;
        map.serialize_entry("custom_roles", &organization.custom_roles)?;
        map.serialize_entry("created_at", &organization.created_at)?;
        map.serialize_entry("updated_at", &organization.updated_at)?;
        map.end()
    }
}

/// The part of an organization that anybody may see who knows its slug (`OrganizationBySlugMatch`).
pub struct WireOrganizationMatch<'a>(pub &'a Organization);

impl Serialize for WireOrganizationMatch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let organization = self.0;
        let settings = &organization.settings;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("organization_id", &organization.id)?;
        map.serialize_entry("organization_name", &organization.name)?;
        map.serialize_entry("organization_slug", &organization.slug)?;
        map.serialize_entry("organization_logo_url", &organization.logo_url)?;
        map.serialize_entry("sso_active_connections", &[(); 0])?;
        map.serialize_entry("sso_default_connection_id", &settings.sso_default_connection_id)?;
        map.serialize_entry("email_jit_provisioning", &settings.email_jit_provisioning)?;
        map.serialize_entry("email_allowed_domains", &settings.email_allowed_domains)?;
        map.serialize_entry("oauth_tenant_jit_provisioning", &settings.oauth_tenant_jit_provisioning)?;
        map.serialize_entry("allowed_oauth_tenants", &settings.allowed_oauth_tenants)?;
        map.serialize_entry("auth_methods", &settings.auth_methods)?;
        map.serialize_entry("allowed_auth_methods", &settings.allowed_auth_methods)?;
        map.serialize_entry("mfa_policy", &settings.mfa_policy)?;
        map.end()
    }
}

/// A member (`Member` in the contracts).
pub struct WireMember<'a> {
    /// The member.
    pub member: &'a Member,
    /// Its roles with their sources.
    pub roles: &'a [MemberRole],
    /// The time, for `is_locked`.
    pub now: Timestamp,
}

impl Serialize for WireMember<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let member = self.member;
        let lock = member.lock_at(self.now);
        let phone = member.mfa_phone.as_ref();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("organization_id", &member.organization_id)?;
        map.serialize_entry("member_id", &member.id)?;
        map.serialize_entry("external_id", &member.external_id)?;
        map.serialize_entry("email_address", &member.email_address)?;
        map.serialize_entry("email_address_verified", &member.email_verified)?;
        map.serialize_entry("retired_email_addresses", &member.retired_emails)?;
        map.serialize_entry("status", &member.status)?;
        map.serialize_entry("name", &member.name)?;
        map.serialize_entry("is_breakglass", &member.is_breakglass)?;
        map.serialize_entry("is_admin", &rbac::is_admin(self.roles))?;
        map.serialize_entry("is_locked", &lock.is_some())?;
        map.serialize_entry("lock_created_at", &lock.map(|lock| lock.created_at))?;
        map.serialize_entry("lock_expires_at", &lock.map(|lock| lock.expires_at))?;
        map.serialize_entry("member_password_id", &text_or_empty(member.password_id))?;
        map.serialize_entry("totp_registration_id", &text_or_empty(member.totp_id))?;
        map.serialize_entry("mfa_enrolled", &member.mfa_enrolled)?;
        map.serialize_entry("mfa_phone_number", phone.map_or("", |phone| phone.number.as_str()))?;
        map.serialize_entry("mfa_phone_number_verified", &phone.is_some_and(|phone| phone.verified))?;
        map.serialize_entry(
            "default_mfa_method",
            member.default_mfa_method.map_or("", |method| method.as_str()),
        )?;
        map.serialize_entry("sso_registrations", &[(); 0])?;
        map.serialize_entry("oauth_registrations", &[(); 0])?;
        map.serialize_entry("scim_registration", &())?;
        map.serialize_entry("roles", self.roles)?;
        map.serialize_entry("trusted_metadata", &member.trusted_metadata)?;
        map.serialize_entry("untrusted_metadata", &member.untrusted_metadata)?;
        map.serialize_entry("created_at", &member.created_at)?;
        map.serialize_entry("updated_at", &member.updated_at)?;
        map.end()
    }
}

fn text_or_empty(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A session (`MemberSession` in the contracts).
pub struct WireSession<'a> {
    /// The session.
    pub session: &'a Session,
    /// The roles that count in it.
    pub roles: &'a [String],
    /// The slug of its organization.
    pub organization_slug: &'a str,
}

impl Serialize for WireSession<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.session;
        let factors: Vec<WireFactor> = session.factors.iter().map(WireFactor).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("member_session_id", &session.id)?;
        map.serialize_entry("member_id", &session.member_id)?;
        map.serialize_entry("organization_id", &session.organization_id)?;
        map.serialize_entry("organization_slug", self.organization_slug)?;
        map.serialize_entry("started_at", &session.started_at)?;
        map.serialize_entry("last_accessed_at", &session.last_accessed_at)?;
        map.serialize_entry("expires_at", &session.expires_at)?;
        map.serialize_entry("authentication_factors", &factors)?;
        map.serialize_entry("roles", self.roles)?;
        map.serialize_entry("custom_claims", &session.custom_claims)?;
        map.end()
    }
}

/// First factors of which one is missing (`PrimaryRequired`).
pub struct WirePrimaryRequired<'a>(pub &'a [AuthMethod]);

impl Serialize for WirePrimaryRequired<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("allowed_auth_methods", self.0)?;
        map.end()
    }
}

/// A second factor that is missing (`MfaRequired`).
pub struct WireMfaRequired<'a> {
    /// What is missing.
    pub required: &'a MfaRequired,
    /// Whether a text message is on its way.
    pub sms_was_sent: bool,
}

impl Serialize for WireMfaRequired<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let options = self.required.options.as_ref().map(|options| {
            json!({
                "mfa_phone_number": options.phone_number,
                "totp_registration_id": text_or_empty(options.totp_id),
            })
        });
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("member_options", &options)?;
        map.serialize_entry("secondary_auth_initiated", &self.sms_was_sent.then_some("sms_otp"))?;
        map.end()
    }
}

/// A discovered organization (`DiscoveredOrganization`).
pub struct WireDiscovered<'a> {
    /// The organization and how the person stands to it.
    pub discovered: &'a DiscoveredOrganization,
    /// The member's roles; empty for those who are not members.
    pub roles: &'a [MemberRole],
    /// The time.
    pub now: Timestamp,
}

impl Serialize for WireDiscovered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let discovered = self.discovered;
        let (primary, mfa) = match &discovered.verdict {
            Verdict::Session => (None, None),
            Verdict::Intermediate { primary_required, mfa_required } => {
                (primary_required.as_deref(), mfa_required.as_ref())
            }
        };
        let (details, member) = match &discovered.membership {
            Membership::Member(member) => {
                (None, Some(WireMember { member, roles: self.roles, now: self.now }))
            }
            Membership::EligibleByEmailDomain { domain } => (Some(json!({ "domain": domain })), None),
        };
        let membership = WireMembership { kind: discovered.membership.wire_type(), details, member };
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("organization", &WireOrganization(&discovered.organization))?;
        map.serialize_entry("membership", &membership)?;
        map.serialize_entry("member_authenticated", &discovered.verdict.is_session())?;
        map.serialize_entry("primary_required", &primary.map(WirePrimaryRequired))?;
        // Nothing is ever sent while a person is still choosing (spec 01b §5).
        map.serialize_entry(
            "mfa_required",
            &mfa.map(|required| WireMfaRequired { required, sms_was_sent: false }),
        )?;
        map.end()
    }
}

#[derive(Serialize)]
struct WireMembership<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    details: Option<serde_json::Value>,
    member: Option<WireMember<'a>>,
}
