//! Which action each field of an update needs, when a member session makes it (spec 03a §8, 01a §3
//! and §4). Every supplied field needs its own action, also one supplied with its present value.

use super::builtin::{CUSTOM_ORGANIZATION_ROLES_RESOURCE, SCIM_RESOURCE, SSO_RESOURCE};
use super::policy::WILDCARD;

/// The action on `stytch.organization` that an acting member needs to write a field of an
/// organization. [`WILDCARD`]: no single action covers the field, only a wildcard grant does.
///
/// `None`: no member may write it, whatever the roles. That is `trusted_metadata`, which has its own
/// refusal (`cannot_update_trusted_metadata`), and anything that is not a field.
pub fn actions_for_organization_update(field: &str) -> Option<&'static str> {
    let action = match field {
        "organization_name" => "update.info.name",
        "organization_slug" => "update.info.slug",
        "organization_logo_url" => "update.info.logo-url",
        "sso_default_connection_id" => "update.settings.default-sso-connection",
        "sso_jit_provisioning" | "sso_jit_provisioning_allowed_connections" => {
            "update.settings.sso-jit-provisioning"
        }
        "email_allowed_domains" => "update.settings.allowed-domains",
        "email_jit_provisioning" => "update.settings.email-jit-provisioning",
        "email_invites" => "update.settings.email-invites",
        "auth_methods" | "allowed_auth_methods" => "update.settings.allowed-auth-methods",
        "mfa_policy" => "update.settings.mfa-policy",
        "mfa_methods" | "allowed_mfa_methods" => "update.settings.allowed-mfa-methods",
        "rbac_email_implicit_role_assignments" => "update.settings.implicit-roles",
        "oauth_tenant_jit_provisioning" => "update.settings.oauth-tenant-jit-provisioning",
        "allowed_oauth_tenants" => "update.settings.allowed-oauth-tenants",
        "claimed_email_domains"
        | "first_party_connected_apps_allowed_type"
        | "allowed_first_party_connected_apps"
        | "third_party_connected_apps_allowed_type"
        | "allowed_third_party_connected_apps"
        | "organization_external_id" => WILDCARD,
        _ => return None,
    };
    Some(action)
}

/// What an acting member needs to write one field of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFieldAction {
    /// The action, on `stytch.member` always; [`WILDCARD`] when only a wildcard grant covers it.
    pub action: &'static str,
    /// Whether the same action on `stytch.self` also suffices for the acting member's own field.
    /// Exactly these fields exist on the browser's self update.
    pub self_suffices: bool,
}

/// What an acting member needs to write a field of a member. A member's own `email_address` is
/// refused before permissions are asked (`member_cannot_update_their_email_address`).
///
/// `None`: no member may write it, whatever the roles. That is `trusted_metadata`, which has its own
/// refusal (`cannot_update_trusted_metadata`), and anything that is not a field.
pub fn actions_for_member_update(field: &str) -> Option<MemberFieldAction> {
    let (action, self_suffices) = match field {
        "name" => ("update.info.name", true),
        "untrusted_metadata" => ("update.info.untrusted-metadata", true),
        "mfa_phone_number" => ("update.info.mfa-phone", true),
        "mfa_enrolled" => ("update.settings.mfa-enrolled", true),
        "default_mfa_method" => ("update.settings.default-mfa-method", true),
        "is_breakglass" => ("update.settings.is-breakglass", false),
        // The two modifiers need what the field they modify needs.
        "roles" | "preserve_existing_sessions" => ("update.settings.roles", false),
        "email_address" | "unlink_email" => ("update.info.email", false),
        "external_id" => (WILDCARD, false),
        _ => return None,
    };
    Some(MemberFieldAction { action, self_suffices })
}

/// Whether an action is out of reach while an operator acts in a member's place, whatever the member's roles: it changes
/// how members prove who they are, what they may do, or what they have consented to (spec 05b §6). What only a wildcard
/// grant covers is out of reach too.
pub fn is_closed_to_impersonators(resource_id: &str, action: &str) -> bool {
    const CLOSED: &[&str] = &[
        "update.info.email",
        "update.info.unlink.retired-email",
        "update.info.mfa-phone",
        "update.info.delete.mfa-phone",
        "update.info.delete.mfa-totp",
        "update.info.delete.password",
        "update.settings.mfa-enrolled",
        "update.settings.default-mfa-method",
        "update.settings.is-breakglass",
        "update.settings.roles",
        "update.settings.implicit-roles",
        "update.settings.mfa-policy",
        "update.settings.allowed-mfa-methods",
        "update.settings.allowed-auth-methods",
        "revoke.connected-app",
        WILDCARD,
    ];
    let changes_ways_in =
        matches!(resource_id, SSO_RESOURCE | SCIM_RESOURCE | CUSTOM_ORGANIZATION_ROLES_RESOURCE)
            && action != "get";
    CLOSED.contains(&action) || changes_ways_in
}

#[cfg(test)]
mod tests {
    use super::super::builtin::{MEMBER_RESOURCE, ORGANIZATION_RESOURCE, SELF_RESOURCE};
    use super::super::policy::Policy;
    use super::*;

    fn lists(resource_id: &str, action: &str) -> bool {
        Policy::builtin().resources.iter().any(|resource| {
            resource.resource_id == resource_id && resource.actions.iter().any(|listed| listed == action)
        })
    }

    #[test]
    fn impersonators_read_and_repair_but_change_no_way_in() {
        for action in [
            "update.info.name",
            "update.info.untrusted-metadata",
            "delete",
            "revoke-sessions",
            "create",
            "search",
        ] {
            assert!(!is_closed_to_impersonators(MEMBER_RESOURCE, action), "{action}");
        }
        for (resource, action) in [
            (SELF_RESOURCE, "update.info.delete.password"),
            (SELF_RESOURCE, "update.info.mfa-phone"),
            (MEMBER_RESOURCE, "update.info.email"),
            (MEMBER_RESOURCE, "update.settings.roles"),
            (MEMBER_RESOURCE, WILDCARD),
            (ORGANIZATION_RESOURCE, "update.settings.mfa-policy"),
            (ORGANIZATION_RESOURCE, "update.settings.implicit-roles"),
            (SSO_RESOURCE, "update"),
            (CUSTOM_ORGANIZATION_ROLES_RESOURCE, "create"),
        ] {
            assert!(is_closed_to_impersonators(resource, action), "{resource} {action}");
        }
        assert!(!is_closed_to_impersonators(SSO_RESOURCE, "get"));
        assert!(!is_closed_to_impersonators("documents", "update"));
    }

    #[test]
    fn every_field_of_an_organization_update_has_its_action() {
        for (fields, expected) in [
            ("organization_name", "update.info.name"),
            ("organization_slug", "update.info.slug"),
            ("organization_logo_url", "update.info.logo-url"),
            ("sso_default_connection_id", "update.settings.default-sso-connection"),
            (
                "sso_jit_provisioning sso_jit_provisioning_allowed_connections",
                "update.settings.sso-jit-provisioning",
            ),
            ("email_allowed_domains", "update.settings.allowed-domains"),
            ("email_jit_provisioning", "update.settings.email-jit-provisioning"),
            ("email_invites", "update.settings.email-invites"),
            ("auth_methods allowed_auth_methods", "update.settings.allowed-auth-methods"),
            ("mfa_policy", "update.settings.mfa-policy"),
            ("mfa_methods allowed_mfa_methods", "update.settings.allowed-mfa-methods"),
            ("rbac_email_implicit_role_assignments", "update.settings.implicit-roles"),
            ("oauth_tenant_jit_provisioning", "update.settings.oauth-tenant-jit-provisioning"),
            ("allowed_oauth_tenants", "update.settings.allowed-oauth-tenants"),
            (
                "claimed_email_domains organization_external_id first_party_connected_apps_allowed_type \
                 allowed_first_party_connected_apps third_party_connected_apps_allowed_type \
                 allowed_third_party_connected_apps",
                "*",
            ),
        ] {
            for field in fields.split_whitespace() {
                assert_eq!(actions_for_organization_update(field), Some(expected), "{field}");
            }
            assert!(expected == "*" || lists(ORGANIZATION_RESOURCE, expected), "{expected}");
        }
    }

    #[test]
    fn every_field_of_a_member_update_has_its_action() {
        for (field, action, self_suffices) in [
            ("name", "update.info.name", true),
            ("untrusted_metadata", "update.info.untrusted-metadata", true),
            ("mfa_phone_number", "update.info.mfa-phone", true),
            ("mfa_enrolled", "update.settings.mfa-enrolled", true),
            ("default_mfa_method", "update.settings.default-mfa-method", true),
            ("is_breakglass", "update.settings.is-breakglass", false),
            ("roles", "update.settings.roles", false),
            ("preserve_existing_sessions", "update.settings.roles", false),
            ("email_address", "update.info.email", false),
            ("unlink_email", "update.info.email", false),
            ("external_id", "*", false),
        ] {
            let expected = MemberFieldAction { action, self_suffices };
            assert_eq!(actions_for_member_update(field), Some(expected), "{field}");
            assert!(action == "*" || lists(MEMBER_RESOURCE, action), "{action}");
            assert!(!self_suffices || lists(SELF_RESOURCE, action), "{action}");
        }
    }

    #[test]
    fn trusted_metadata_and_unknown_fields_are_nobodys() {
        for field in ["trusted_metadata", "", "*", "created_at", "status", "Name"] {
            assert_eq!(actions_for_organization_update(field), None, "{field}");
            assert_eq!(actions_for_member_update(field), None, "{field}");
        }
    }
}
