//! A policy as an operator keeps it in a file: read strictly, in either of the two shapes in which policies travel.
//!
//! `GET /v1/b2b/rbac/policy` answers `{roles, resources, scopes}`. The management API exports the same as
//! `{stytch_member, stytch_admin, custom_roles, custom_resources, custom_scopes}`, with `available_actions` for
//! `actions` (spec 03a §5). Either can be written back. A key that is not known is a mistake: a misspelled `roles` must
//! not read as "no roles".

use serde::Deserialize;
use serde_json::Value;

use super::builtin::{ADMIN_ROLE, MEMBER_ROLE, RESERVED_PREFIX};
use super::policy::{Permission, Policy, Resource, Role, Scope};
use super::validate::{PolicyError, PolicyFault};
use crate::error::{Error, ErrorType};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    roles: Vec<RoleEntry>,
    #[serde(default)]
    resources: Vec<ResourceEntry>,
    #[serde(default)]
    scopes: Vec<ScopeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    stytch_member: Option<BuiltinEntry>,
    stytch_admin: Option<BuiltinEntry>,
    /// Read only; what is built in is known.
    #[serde(default, rename = "stytch_resources")]
    _stytch_resources: Vec<Value>,
    #[serde(default)]
    custom_roles: Vec<RoleEntry>,
    #[serde(default)]
    custom_resources: Vec<ResourceEntry>,
    #[serde(default)]
    custom_scopes: Vec<ScopeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltinEntry {
    #[serde(default)]
    permissions: Vec<PermissionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    role_id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    permissions: Vec<PermissionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionEntry {
    resource_id: String,
    #[serde(default)]
    actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceEntry {
    resource_id: String,
    #[serde(default)]
    description: String,
    #[serde(default, alias = "available_actions")]
    actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeEntry {
    scope: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    permissions: Vec<PermissionEntry>,
}

impl From<RoleEntry> for Role {
    fn from(entry: RoleEntry) -> Self {
        Role {
            role_id: entry.role_id,
            description: entry.description,
            permissions: permissions(entry.permissions),
        }
    }
}

impl From<ResourceEntry> for Resource {
    fn from(entry: ResourceEntry) -> Self {
        Resource { resource_id: entry.resource_id, description: entry.description, actions: entry.actions }
    }
}

impl From<ScopeEntry> for Scope {
    fn from(entry: ScopeEntry) -> Self {
        Scope {
            scope: entry.scope,
            description: entry.description,
            permissions: permissions(entry.permissions),
        }
    }
}

fn permissions(entries: Vec<PermissionEntry>) -> Vec<Permission> {
    let permission = |entry: PermissionEntry| {
        let actions =
            entry.actions.iter().map(|action| current_spelling(&entry.resource_id, action)).collect();
        Permission { resource_id: entry.resource_id, actions }
    };
    entries.into_iter().map(permission).collect()
}

/// Reads the roles that an organization is to have; anything but a list of roles is `invalid_rbac_custom_role`. The result
/// is to be judged by [`super::validate_organization_roles`].
pub fn read_organization_roles(roles: &Value) -> Result<Vec<Role>, PolicyError> {
    let entries = roles.as_array().ok_or_else(|| PolicyFault::MalformedRole.at("roles"))?;
    let role = |(i, entry)| {
        Role::deserialize(entry).map_err(|_| PolicyFault::MalformedRole.at(format!("roles[{i}]")))
    };
    entries.iter().enumerate().map(role).collect()
}

/// Actions on built-in resources were spelled with underscores once, and settings as `update.info.…` (spec 03a §2, §9).
fn current_spelling(resource_id: &str, action: &str) -> String {
    const SETTINGS: [&str; 7] = [
        "email-jit-provisioning",
        "email-invites",
        "allowed-domains",
        "default-sso-connection",
        "sso-jit-provisioning",
        "mfa-policy",
        "implicit-roles",
    ];
    if !resource_id.starts_with(RESERVED_PREFIX) {
        return action.to_owned();
    }
    let action = action.replace('_', "-");
    match action.strip_prefix("update.info.") {
        Some(setting) if SETTINGS.contains(&setting) => format!("update.settings.{setting}"),
        _ if action == "revoke.sessions" => "revoke-sessions".to_owned(),
        _ => action,
    }
}

impl Policy {
    /// Reads a policy document. What it leaves out of the built-in part stays as it is in `current`, the part that is
    /// written now; the rest is replaced whole. The result is to be judged by [`super::validate_policy`].
    ///
    /// Fails with `invalid_argument` and a text that says what does not fit.
    pub fn read_document(document: &Value, current: &Policy) -> Result<Policy, Error> {
        let refuse = |error: serde_json::Error| {
            ErrorType::InvalidArgument.with_message(format!("The policy does not fit: {error}."))
        };
        let is_export = document.as_object().is_some_and(|keys| {
            keys.keys().any(|key| key.starts_with("custom_") || key.starts_with(RESERVED_PREFIX))
        });
        let mut policy = if is_export {
            Policy::from(Export::deserialize(document).map_err(refuse)?)
        } else {
            Policy::from(Document::deserialize(document).map_err(refuse)?)
        };
        for role in &current.roles {
            let is_builtin = [MEMBER_ROLE, ADMIN_ROLE].contains(&role.role_id.as_str());
            if is_builtin && policy.roles.iter().all(|written| written.role_id != role.role_id) {
                policy.roles.push(role.clone());
            }
        }
        Ok(policy)
    }
}

impl From<Document> for Policy {
    fn from(document: Document) -> Self {
        Policy {
            roles: document.roles.into_iter().map(Role::from).collect(),
            resources: document.resources.into_iter().map(Resource::from).collect(),
            scopes: document.scopes.into_iter().map(Scope::from).collect(),
        }
    }
}

impl From<Export> for Policy {
    fn from(export: Export) -> Self {
        let described = |role_id: &str, entry: BuiltinEntry| {
            let builtin = Policy::builtin().roles.into_iter().find(|role| role.role_id == role_id);
            Role { permissions: permissions(entry.permissions), ..builtin.unwrap_or_default() }
        };
        let builtin = [
            export.stytch_member.map(|entry| described(MEMBER_ROLE, entry)),
            export.stytch_admin.map(|entry| described(ADMIN_ROLE, entry)),
        ];
        let custom = export.custom_roles.into_iter().map(Role::from);
        Policy {
            roles: builtin.into_iter().flatten().chain(custom).collect(),
            resources: export.custom_resources.into_iter().map(Resource::from).collect(),
            scopes: export.custom_scopes.into_iter().map(Scope::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::validate::validate_policy;
    use super::*;

    fn read(document: Value) -> Result<Policy, String> {
        Policy::read_document(&document, &Policy::default()).map_err(|error| error.text().to_owned())
    }

    fn expected() -> Policy {
        let document = json!({
            "roles": [
                {
                    "role_id": "stytch_admin",
                    "description": Policy::builtin().roles[1].description,
                    "permissions": [{"resource_id": "invoice", "actions": ["*"]}],
                },
                {"role_id": "editor", "description": "Writes.", "permissions": [{"resource_id": "invoice", "actions": ["write"]}]},
            ],
            "resources": [{"resource_id": "invoice", "description": "", "actions": ["read", "write"]}],
            "scopes": [{"scope": "invoice:read", "description": "", "permissions": [{"resource_id": "invoice", "actions": ["read"]}]}],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn both_shapes_say_the_same() {
        let expected = expected();
        assert_eq!(read(serde_json::to_value(&expected).unwrap()), Ok(expected.clone()));
        let export = json!({
            "stytch_admin": {"permissions": [{"resource_id": "invoice", "actions": ["*"]}]},
            "stytch_resources": [{"resource_id": "stytch.self", "available_actions": ["delete"]}],
            "custom_roles": [{"role_id": "editor", "description": "Writes.", "permissions": [{"resource_id": "invoice", "actions": ["write"]}]}],
            "custom_resources": [{"resource_id": "invoice", "available_actions": ["read", "write"]}],
            "custom_scopes": [{"scope": "invoice:read", "permissions": [{"resource_id": "invoice", "actions": ["read"]}]}],
        });
        assert_eq!(read(export), Ok(expected.clone()));
        assert_eq!(validate_policy(&expected), Ok(()));
    }

    #[test]
    fn built_in_roles_stay_as_they_are_unless_they_are_named() {
        let current = expected();
        let kept = Policy::read_document(&json!({ "roles": [] }), &current).unwrap();
        assert_eq!(kept.roles, [current.roles[0].clone()]);
        let emptied = json!({ "stytch_admin": { "permissions": [] } });
        let changed = Policy::read_document(&emptied, &current).unwrap();
        assert_eq!(changed.roles[0].permissions, []);
        assert_eq!(changed.roles.len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (document, expected) in [
            (json!({ "rolez": [] }), "rolez"),
            (json!({ "roles": [{ "role_id": "a", "permisions": [] }] }), "permisions"),
            (json!({ "roles": [{ "description": "a" }] }), "role_id"),
            (json!({ "roles": {} }), "invalid type"),
            (json!({ "custom_roles": [], "roles": [] }), "roles"),
            (json!({ "stytch_user": { "permissions": [] } }), "stytch_user"),
            (json!([1]), "invalid type"),
            (json!(null), "invalid type"),
        ] {
            let error = read(document.clone()).unwrap_err();
            assert!(error.contains(expected), "{document}: {error}");
        }
    }

    #[test]
    fn what_is_no_list_of_roles_is_malformed() {
        let roles =
            json!([{"role_id": "clerk", "permissions": [{"resource_id": "invoice", "actions": ["read"]}]}]);
        assert_eq!(read_organization_roles(&roles).unwrap()[0].role_id, "clerk");
        for (roles, at) in [
            (json!(null), "roles"),
            (json!({}), "roles"),
            (json!([roles[0], 7]), "roles[1]"),
            (json!([{"role_id": 7}]), "roles[0]"),
            (json!([{"role_id": "clerk", "permissions": {}}]), "roles[0]"),
            (
                json!([{"role_id": "clerk", "permissions": [{"resource_id": "invoice", "actions": "read"}]}]),
                "roles[0]",
            ),
        ] {
            assert_eq!(
                read_organization_roles(&roles).unwrap_err(),
                PolicyFault::MalformedRole.at(at),
                "{roles}"
            );
        }
    }

    #[test]
    fn old_spellings_of_built_in_actions_are_understood() {
        for (old, new) in [
            ("update.info.mfa_policy", "update.settings.mfa-policy"),
            ("update.info.email_jit_provisioning", "update.settings.email-jit-provisioning"),
            ("update.info.logo_url", "update.info.logo-url"),
            ("update.settings.mfa_enrolled", "update.settings.mfa-enrolled"),
            ("update.info.name", "update.info.name"),
            ("revoke.sessions", "revoke-sessions"),
            ("*", "*"),
        ] {
            assert_eq!(current_spelling("stytch.member", old), new);
            assert_eq!(current_spelling("invoice", old), old, "custom resources spell as they like");
        }
    }
}
