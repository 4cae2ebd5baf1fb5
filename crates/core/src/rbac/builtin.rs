//! The part of every project's policy that nobody writes: six resources, two roles, six scopes
//! (spec 03a §1-§3). Ids and actions are wire facts; descriptions are our own.

use super::policy::{Permission, Policy, Resource, Role, Scope, WILDCARD};

/// The role of every member, always: it is neither assigned nor removed.
pub const MEMBER_ROLE: &str = "stytch_member";
/// The role of administrators; the creator of an organization through discovery gets it.
pub const ADMIN_ROLE: &str = "stytch_admin";

/// The acting member's organization.
pub const ORGANIZATION_RESOURCE: &str = "stytch.organization";
/// The members of that organization.
pub const MEMBER_RESOURCE: &str = "stytch.member";
/// The acting member.
pub const SELF_RESOURCE: &str = "stytch.self";
/// The organization's SSO connections.
pub const SSO_RESOURCE: &str = "stytch.sso";
/// The organization's SCIM connection.
pub const SCIM_RESOURCE: &str = "stytch.scim";
/// The organization's own roles.
pub const CUSTOM_ORGANIZATION_ROLES_RESOURCE: &str = "stytch.custom-org-roles";

/// What ids of built-in roles and resources begin with, and custom ones may not.
pub(super) const RESERVED_PREFIX: &str = "stytch";

const ORGANIZATION_ACTIONS: &[&str] = &[
    "update.info.name",
    "update.info.slug",
    "update.info.logo-url",
    "update.settings.allowed-auth-methods",
    "update.settings.allowed-mfa-methods",
    "update.settings.email-jit-provisioning",
    "update.settings.email-invites",
    "update.settings.allowed-domains",
    "update.settings.default-sso-connection",
    "update.settings.sso-jit-provisioning",
    "update.settings.mfa-policy",
    "update.settings.implicit-roles",
    "update.settings.oauth-tenant-jit-provisioning",
    "update.settings.allowed-oauth-tenants",
    "delete",
];

const MEMBER_ACTIONS: &[&str] = &[
    "create",
    "search",
    "delete",
    "revoke-sessions",
    "update.info.name",
    "update.info.email",
    "update.info.untrusted-metadata",
    "update.info.mfa-phone",
    "update.info.delete.mfa-phone",
    "update.info.delete.mfa-totp",
    "update.info.delete.password",
    "update.info.unlink.retired-email",
    "update.settings.is-breakglass",
    "update.settings.mfa-enrolled",
    "update.settings.default-mfa-method",
    "update.settings.roles",
    "get.connected-apps",
    "revoke.connected-app",
];

const SELF_ACTIONS: &[&str] = &[
    "update.info.name",
    "update.info.email",
    "update.info.untrusted-metadata",
    "update.info.mfa-phone",
    "update.info.delete.mfa-phone",
    "update.info.delete.mfa-totp",
    "update.info.delete.password",
    "update.info.unlink.retired-email",
    "update.settings.mfa-enrolled",
    "update.settings.default-mfa-method",
    "delete",
    "revoke-sessions",
    "get.connected-apps",
    "revoke.connected-app",
];

const CRUD_ACTIONS: &[&str] = &["create", "get", "update", "delete"];

const RESOURCES: &[(&str, &str, &[&str])] = &[
    (ORGANIZATION_RESOURCE, "The organization's name, settings and sign-in rules.", ORGANIZATION_ACTIONS),
    (MEMBER_RESOURCE, "Any member of the organization.", MEMBER_ACTIONS),
    (SELF_RESOURCE, "The member's own profile, factors and sessions.", SELF_ACTIONS),
    (SSO_RESOURCE, "The organization's SSO connections.", CRUD_ACTIONS),
    (SCIM_RESOURCE, "The organization's SCIM connection.", CRUD_ACTIONS),
    (CUSTOM_ORGANIZATION_ROLES_RESOURCE, "The roles that the organization defines itself.", CRUD_ACTIONS),
];

const ROLES: &[(&str, &str, &[&str])] = &[
    (MEMBER_ROLE, "Held by every member. Lets members manage themselves.", &[SELF_RESOURCE]),
    (
        ADMIN_ROLE,
        "Lets a member manage the organization, its members and its connections.",
        &[
            ORGANIZATION_RESOURCE,
            MEMBER_RESOURCE,
            SSO_RESOURCE,
            SCIM_RESOURCE,
            // Chosen: nothing documents who manages organization roles by default (spec 03a §3).
            CUSTOM_ORGANIZATION_ROLES_RESOURCE,
        ],
    ),
];

const SCOPES: &[(&str, &str)] = &[
    ("openid", "Confirm who you are."),
    ("profile", "Read your name and picture."),
    ("email", "Read your email address."),
    ("phone", "Read your phone number."),
    ("offline_access", "Keep access while you are away."),
    ("full_access", "Act as you, with everything you may do."),
];

impl Policy {
    /// The policy of a fresh project: the `stytch.*` resources with all their actions, the roles
    /// `stytch_member` and `stytch_admin`, and the six default scopes.
    pub fn builtin() -> Policy {
        Policy {
            roles: ROLES
                .iter()
                .map(|&(role_id, description, resources)| Role {
                    role_id: role_id.to_owned(),
                    description: description.to_owned(),
                    permissions: resources
                        .iter()
                        .map(|&resource_id| Permission {
                            resource_id: resource_id.to_owned(),
                            actions: vec![WILDCARD.to_owned()],
                        })
                        .collect(),
                })
                .collect(),
            resources: RESOURCES
                .iter()
                .map(|&(resource_id, description, actions)| Resource {
                    resource_id: resource_id.to_owned(),
                    description: description.to_owned(),
                    actions: actions.iter().map(|&action| action.to_owned()).collect(),
                })
                .collect(),
            scopes: SCOPES
                .iter()
                .map(|&(scope, description)| Scope {
                    scope: scope.to_owned(),
                    description: description.to_owned(),
                    permissions: Vec::new(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::policy::allows;
    use super::*;

    fn actions_of(resource_id: &str) -> Vec<String> {
        let policy = Policy::builtin();
        let resource = policy.resources.into_iter().find(|resource| resource.resource_id == resource_id);
        resource.unwrap_or_else(|| panic!("{resource_id} is missing")).actions
    }

    #[test]
    fn a_fresh_project_has_six_resources_two_roles_and_six_scopes() {
        let policy = Policy::builtin();
        let resources: Vec<(&str, usize)> = policy
            .resources
            .iter()
            .map(|resource| (resource.resource_id.as_str(), resource.actions.len()))
            .collect();
        assert_eq!(
            resources,
            [
                ("stytch.organization", 15),
                ("stytch.member", 18),
                ("stytch.self", 14),
                ("stytch.sso", 4),
                ("stytch.scim", 4),
                ("stytch.custom-org-roles", 4),
            ]
        );
        let roles: Vec<&str> = policy.roles.iter().map(|role| role.role_id.as_str()).collect();
        assert_eq!(roles, ["stytch_member", "stytch_admin"]);
        let scopes: Vec<&str> = policy.scopes.iter().map(|scope| scope.scope.as_str()).collect();
        assert_eq!(scopes, ["openid", "profile", "email", "phone", "offline_access", "full_access"]);
        assert!(policy.scopes.iter().all(|scope| scope.permissions.is_empty()));
    }

    #[test]
    fn no_builtin_resource_lists_an_action_twice_or_the_wildcard() {
        for resource in Policy::builtin().resources {
            let distinct: HashSet<&String> = resource.actions.iter().collect();
            assert_eq!(distinct.len(), resource.actions.len(), "{}", resource.resource_id);
            assert!(!resource.actions.iter().any(|action| action == WILDCARD), "{}", resource.resource_id);
        }
    }

    #[test]
    fn admins_manage_the_organization_but_hold_themselves_as_members() {
        let index = Policy::builtin().index();
        let allowed = |role: &str, resource: &str| {
            allows(&index, &[], &[role.to_owned()], resource, "delete").is_some()
        };
        for resource in [
            ORGANIZATION_RESOURCE,
            MEMBER_RESOURCE,
            SSO_RESOURCE,
            SCIM_RESOURCE,
            CUSTOM_ORGANIZATION_ROLES_RESOURCE,
        ] {
            assert!(allowed(ADMIN_ROLE, resource), "{resource}");
            assert!(!allowed(MEMBER_ROLE, resource), "{resource}");
        }
        assert!(allowed(MEMBER_ROLE, SELF_RESOURCE));
        assert!(!allowed(ADMIN_ROLE, SELF_RESOURCE));
    }

    /// The browser SDK shows a permission only if the resource lists it; these are the ones that its
    /// admin portal reads (contract/frontend.md §8).
    #[test]
    fn every_permission_that_the_admin_portal_reads_is_listed() {
        for (resource_id, actions) in [
            (
                ORGANIZATION_RESOURCE,
                "update.info.name update.info.slug update.settings.allowed-auth-methods \
                 update.settings.allowed-domains update.settings.allowed-mfa-methods \
                 update.settings.allowed-oauth-tenants update.settings.default-sso-connection \
                 update.settings.email-invites update.settings.email-jit-provisioning \
                 update.settings.implicit-roles update.settings.mfa-policy \
                 update.settings.oauth-tenant-jit-provisioning update.settings.sso-jit-provisioning",
            ),
            (
                MEMBER_RESOURCE,
                "create delete revoke-sessions search update.info.delete.mfa-phone \
                 update.info.delete.mfa-totp update.info.delete.password update.info.email \
                 update.info.mfa-phone update.info.name update.info.untrusted-metadata \
                 update.settings.default-mfa-method update.settings.is-breakglass \
                 update.settings.mfa-enrolled update.settings.roles",
            ),
            (
                SELF_RESOURCE,
                "delete revoke-sessions update.info.delete.mfa-phone update.info.delete.mfa-totp \
                 update.info.delete.password update.info.mfa-phone update.info.name \
                 update.info.untrusted-metadata update.settings.default-mfa-method \
                 update.settings.mfa-enrolled",
            ),
            (SSO_RESOURCE, "create delete get update"),
            (SCIM_RESOURCE, "create delete get update"),
            (CUSTOM_ORGANIZATION_ROLES_RESOURCE, "get"),
        ] {
            let listed = actions_of(resource_id);
            for action in actions.split_whitespace() {
                assert!(listed.iter().any(|known| known == action), "{resource_id}: {action}");
            }
        }
    }
}
