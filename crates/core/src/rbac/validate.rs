//! What may be written into a policy, and which roles may be assigned (spec 03a §5).

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::Map;

use super::builtin::{MEMBER_ROLE, RESERVED_PREFIX};
use super::policy::{Permission, Policy, Resource, Role, Scope, WILDCARD};
use crate::error::{Error, ErrorType};

/// Longest id of a role, resource or scope, in characters (chosen).
pub const ID_CHARS_MAX: usize = 128;
/// Longest action, in characters (chosen).
pub const ACTION_CHARS_MAX: usize = 128;
/// Longest description, in characters (chosen).
pub const DESCRIPTION_CHARS_MAX: usize = 1024;
/// Most custom roles of a project (chosen).
pub const PROJECT_ROLES_MAX: usize = 500;
/// Most roles of one organization (chosen).
pub const ORGANIZATION_ROLES_MAX: usize = 100;
/// Most roles assigned directly to one member (chosen).
pub const DIRECT_ROLES_MAX: usize = 100;

/// A rule that a written policy breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The rule.
    pub fault: PolicyFault,
    /// The place in the document, such as `roles[3].permissions[0].actions[1]`. Never text of the
    /// document itself, so its length is bounded.
    pub at: String,
}

impl PolicyError {
    /// The wire name of the rule.
    pub fn error_type(&self) -> &'static str {
        self.fault.error_type()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.error_type(), self.at)
    }
}

impl std::error::Error for PolicyError {}

impl From<PolicyError> for Error {
    /// The text says where in the document, and the details say it to programs.
    fn from(error: PolicyError) -> Self {
        let kind = error.fault.kind();
        let mut refusal = kind.with_message(format!("{} At {}.", kind.text(), error.at));
        refusal.details = Some(Map::from_iter([("at".to_owned(), error.at.into())]));
        refusal
    }
}

/// The rules of a written policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyFault {
    /// A role without id.
    EmptyRoleId,
    /// A resource without id.
    EmptyResourceId,
    /// A scope without name.
    EmptyScope,
    /// A role id with other characters than letters, digits and `_.:-`.
    InvalidRoleId,
    /// A scope that is not an OAuth scope token (RFC 6749 §3.3).
    InvalidScope,
    /// A role id over [`ID_CHARS_MAX`].
    RoleIdTooLong,
    /// A resource id over [`ID_CHARS_MAX`].
    ResourceIdTooLong,
    /// An action over [`ACTION_CHARS_MAX`].
    ActionTooLong,
    /// A scope over [`ID_CHARS_MAX`].
    ScopeTooLong,
    /// A description over [`DESCRIPTION_CHARS_MAX`].
    DescriptionTooLong,
    /// Two roles of one id, also of an organization and its project.
    RoleDuplicate,
    /// Two resources of one id, or two permissions of one role or scope for the same resource.
    ResourceDuplicate,
    /// An action twice in one list.
    ActionDuplicate,
    /// Two scopes of one name.
    ScopeDuplicate,
    /// A role without permissions.
    RoleMissingPermissions,
    /// A scope without permissions.
    ScopeMissingPermissions,
    /// A permission without actions.
    PermissionMissingActions,
    /// A resource without actions, or with a blank one.
    ResourceMissingActions,
    /// A permission for a resource that does not exist, or a resource id that none may have.
    InvalidPermissionResource,
    /// A permission for an action that its resource does not list, or a resource listing `*`.
    InvalidPermissionAction,
    /// `*` beside other actions.
    WildcardWithOtherActions,
    /// A custom resource whose id begins with `stytch`.
    StytchPrefixedResource,
    /// A changed built-in role, or a custom role whose id begins with `stytch`.
    StytchRoleEdit,
    /// A custom scope of a default scope's name.
    ReservedScope,
    /// A built-in role among the roles of an organization.
    OrganizationCustomRolesOnly,
    /// A resource or action that a role of an organization uses is missing in the project's policy.
    UsedByOrganization,
    /// Something that is no role where one should be.
    MalformedRole,
    /// More than [`PROJECT_ROLES_MAX`] or [`ORGANIZATION_ROLES_MAX`] roles.
    TooManyRoles,
}

impl PolicyFault {
    /// The row of the error catalogue.
    pub fn kind(self) -> ErrorType {
        match self {
            PolicyFault::EmptyRoleId => ErrorType::EmptyRbacRoleId,
            PolicyFault::EmptyResourceId => ErrorType::EmptyRbacResourceId,
            PolicyFault::EmptyScope => ErrorType::EmptyRbacScope,
            PolicyFault::InvalidRoleId => ErrorType::InvalidRbacRoleId,
            PolicyFault::InvalidScope => ErrorType::InvalidRbacScope,
            PolicyFault::RoleIdTooLong => ErrorType::RbacRoleIdTooLong,
            PolicyFault::ResourceIdTooLong => ErrorType::RbacResourceIdTooLong,
            PolicyFault::ActionTooLong => ErrorType::RbacActionTooLong,
            PolicyFault::ScopeTooLong => ErrorType::RbacScopeTooLong,
            PolicyFault::DescriptionTooLong => ErrorType::RbacDescriptionTooLong,
            PolicyFault::RoleDuplicate => ErrorType::RbacRoleDuplicate,
            PolicyFault::ResourceDuplicate => ErrorType::RbacResourceDuplicate,
            PolicyFault::ActionDuplicate => ErrorType::RbacActionDuplicate,
            PolicyFault::ScopeDuplicate => ErrorType::RbacScopeDuplicate,
            PolicyFault::RoleMissingPermissions => ErrorType::RbacRoleMissingPermissions,
            PolicyFault::ScopeMissingPermissions => ErrorType::RbacScopeMissingPermissions,
            PolicyFault::PermissionMissingActions => ErrorType::RbacPermissionMissingActions,
            PolicyFault::ResourceMissingActions => ErrorType::RbacResourceMissingActions,
            PolicyFault::InvalidPermissionResource => ErrorType::InvalidPermissionResource,
            PolicyFault::InvalidPermissionAction => ErrorType::InvalidPermissionAction,
            PolicyFault::WildcardWithOtherActions => ErrorType::CannotSpecifyWildcardWithOtherActions,
            PolicyFault::StytchPrefixedResource => ErrorType::InvalidStytchPrefixedResource,
            PolicyFault::StytchRoleEdit => ErrorType::InvalidRbacStytchRoleEdit,
            PolicyFault::ReservedScope => ErrorType::RbacReservedScope,
            PolicyFault::OrganizationCustomRolesOnly => ErrorType::RbacOrgCustomRolesOnly,
            PolicyFault::UsedByOrganization => ErrorType::RbacCannotDeleteAttributeUsedInOrgPolicy,
            PolicyFault::MalformedRole => ErrorType::InvalidRbacCustomRole,
            PolicyFault::TooManyRoles => ErrorType::TooManyRoles,
        }
    }

    /// The wire name.
    pub fn error_type(self) -> &'static str {
        self.kind().name()
    }

    /// The fault at a place of the document.
    pub(super) fn at(self, at: impl Into<String>) -> PolicyError {
        PolicyError { fault: self, at: at.into() }
    }
}

/// Why a role cannot be assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleError {
    /// A direct assignment of a role that exists neither in the project nor in the organization.
    UnknownRole,
    /// An implicit assignment of such a role.
    UnknownImplicitRole,
    /// An assignment of `stytch_member`, which every member holds anyway.
    DefaultRole,
    /// More than [`DIRECT_ROLES_MAX`] direct assignments.
    TooManyRoles,
}

impl RoleError {
    /// The row of the error catalogue.
    pub fn kind(self) -> ErrorType {
        match self {
            RoleError::UnknownRole => ErrorType::InvalidRole,
            RoleError::UnknownImplicitRole => ErrorType::InvalidRoleAssignment,
            RoleError::DefaultRole => ErrorType::CannotAssignDefaultRole,
            RoleError::TooManyRoles => ErrorType::TooManyRoles,
        }
    }

    /// The wire name.
    pub fn error_type(self) -> &'static str {
        self.kind().name()
    }
}

impl From<RoleError> for Error {
    fn from(error: RoleError) -> Self {
        error.kind().into()
    }
}

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error_type())
    }
}

impl std::error::Error for RoleError {}

/// Checks the policy that an operator writes for a project; the first fault is the answer.
///
/// The document may leave the built-in part out or repeat it, so that what was read can be written
/// back: `stytch_member` and `stytch_admin` with their own description and any permissions to add,
/// built-in resources and scopes unchanged.
pub fn validate_policy(policy: &Policy) -> Result<(), PolicyError> {
    let builtin = Policy::builtin();
    validate_resources(&policy.resources, &builtin.resources)?;
    let known = KnownActions::of(builtin.resources.iter().chain(&policy.resources));
    validate_project_roles(&policy.roles, &builtin.roles, &known)?;
    validate_scopes(&policy.scopes, &builtin.scopes, &known)
}

/// Checks the roles that an organization defines against the effective policy of its project; the
/// first fault is the answer.
pub fn validate_organization_roles(policy: &Policy, roles: &[Role]) -> Result<(), PolicyError> {
    if roles.len() > ORGANIZATION_ROLES_MAX {
        return Err(PolicyFault::TooManyRoles.at("roles"));
    }
    let known = KnownActions::of(&policy.resources);
    let mut seen: HashSet<&str> = policy.roles.iter().map(|role| role.role_id.as_str()).collect();
    for (i, role) in roles.iter().enumerate() {
        let at = format!("roles[{i}]");
        if role.role_id.starts_with(RESERVED_PREFIX) {
            return Err(PolicyFault::OrganizationCustomRolesOnly.at(at));
        }
        validate_custom_role(role, &at, &known)?;
        if !seen.insert(&role.role_id) {
            return Err(PolicyFault::RoleDuplicate.at(at));
        }
    }
    Ok(())
}

/// Checks that a project's policy leaves the roles of one of its organizations whole: it has the resources and actions
/// that they use, and no roles of their ids. `at` says which organization.
pub fn validate_organization_use(
    policy: &Policy,
    organization_roles: &[Role],
    at: &str,
) -> Result<(), PolicyError> {
    let known = KnownActions::of(&policy.resources);
    for role in organization_roles {
        if policy.roles.iter().any(|taken| taken.role_id == role.role_id) {
            return Err(PolicyFault::RoleDuplicate.at(at));
        }
        for permission in &role.permissions {
            let actions = known.0.get(permission.resource_id.as_str());
            let is_known = |action: &String| {
                actions.is_some_and(|actions| action == WILDCARD || actions.contains(action.as_str()))
            };
            if !permission.actions.iter().all(is_known) {
                return Err(PolicyFault::UsedByOrganization.at(at));
            }
        }
    }
    Ok(())
}

/// Checks that a role can be assigned to a member directly. `policy` is the effective policy of the
/// project, `organization_roles` are those of the member's organization.
pub fn validate_assignable(
    policy: &Policy,
    organization_roles: &[Role],
    role_id: &str,
) -> Result<(), RoleError> {
    if role_id == MEMBER_ROLE {
        return Err(RoleError::DefaultRole);
    }
    if policy.roles.iter().chain(organization_roles).any(|role| role.role_id == role_id) {
        Ok(())
    } else {
        Err(RoleError::UnknownRole)
    }
}

/// Checks a whole list of direct assignments: its length, and every role.
pub fn validate_direct_roles(
    policy: &Policy,
    organization_roles: &[Role],
    role_ids: &[String],
) -> Result<(), RoleError> {
    if role_ids.len() > DIRECT_ROLES_MAX {
        return Err(RoleError::TooManyRoles);
    }
    role_ids.iter().try_for_each(|role_id| validate_assignable(policy, organization_roles, role_id))
}

/// Checks a role that a domain, a connection or a group is to bring.
pub fn validate_implicit_assignment(
    policy: &Policy,
    organization_roles: &[Role],
    role_id: &str,
) -> Result<(), RoleError> {
    validate_assignable(policy, organization_roles, role_id).map_err(|error| match error {
        RoleError::UnknownRole => RoleError::UnknownImplicitRole,
        other => other,
    })
}

/// The actions of every resource that permissions can name.
struct KnownActions<'a>(HashMap<&'a str, HashSet<&'a str>>);

impl<'a> KnownActions<'a> {
    fn of(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
        let mut known: HashMap<&str, HashSet<&str>> = HashMap::new();
        for resource in resources {
            let actions = resource.actions.iter().map(String::as_str);
            known.entry(&resource.resource_id).or_default().extend(actions);
        }
        KnownActions(known)
    }
}

fn validate_resources(resources: &[Resource], builtin: &[Resource]) -> Result<(), PolicyError> {
    let mut seen = HashSet::new();
    for (i, resource) in resources.iter().enumerate() {
        let at = format!("resources[{i}]");
        let id = resource.resource_id.as_str();
        if id.trim().is_empty() {
            return Err(PolicyFault::EmptyResourceId.at(at));
        }
        if id.chars().count() > ID_CHARS_MAX {
            return Err(PolicyFault::ResourceIdTooLong.at(at));
        }
        if id.starts_with(RESERVED_PREFIX) && !builtin.contains(resource) {
            return Err(PolicyFault::StytchPrefixedResource.at(at));
        }
        // Chosen: the catalogue has no name of its own for bad characters here. `*` is one of them,
        // and an id with braces or spaces could not be named in a claim template.
        if !has_id_characters(id) {
            return Err(PolicyFault::InvalidPermissionResource.at(at));
        }
        validate_description(&resource.description, &at)?;
        validate_resource_actions(&resource.actions, &at)?;
        if !seen.insert(id) {
            return Err(PolicyFault::ResourceDuplicate.at(at));
        }
    }
    Ok(())
}

fn validate_resource_actions(actions: &[String], at: &str) -> Result<(), PolicyError> {
    if actions.is_empty() {
        return Err(PolicyFault::ResourceMissingActions.at(at));
    }
    let mut seen = HashSet::new();
    for (i, action) in actions.iter().enumerate() {
        let fault = if action.trim().is_empty() {
            PolicyFault::ResourceMissingActions
        } else if action.chars().count() > ACTION_CHARS_MAX {
            PolicyFault::ActionTooLong
        } else if action == WILDCARD {
            PolicyFault::InvalidPermissionAction
        } else if !seen.insert(action) {
            PolicyFault::ActionDuplicate
        } else {
            continue;
        };
        return Err(fault.at(format!("{at}.actions[{i}]")));
    }
    Ok(())
}

fn validate_project_roles(
    roles: &[Role],
    builtin: &[Role],
    known: &KnownActions<'_>,
) -> Result<(), PolicyError> {
    let find_builtin = |role: &Role| builtin.iter().find(|builtin| builtin.role_id == role.role_id);
    if roles.iter().filter(|role| find_builtin(role).is_none()).count() > PROJECT_ROLES_MAX {
        return Err(PolicyFault::TooManyRoles.at("roles"));
    }
    let mut seen = HashSet::new();
    for (i, role) in roles.iter().enumerate() {
        let at = format!("roles[{i}]");
        match find_builtin(role) {
            Some(builtin) if role.description == builtin.description => {
                validate_permissions(&role.permissions, &at, known)?;
            }
            Some(_) => return Err(PolicyFault::StytchRoleEdit.at(at)),
            None if role.role_id.starts_with(RESERVED_PREFIX) => {
                return Err(PolicyFault::StytchRoleEdit.at(at));
            }
            None => validate_custom_role(role, &at, known)?,
        }
        if !seen.insert(&role.role_id) {
            return Err(PolicyFault::RoleDuplicate.at(at));
        }
    }
    Ok(())
}

fn validate_custom_role(role: &Role, at: &str, known: &KnownActions<'_>) -> Result<(), PolicyError> {
    let id = role.role_id.as_str();
    if id.trim().is_empty() {
        return Err(PolicyFault::EmptyRoleId.at(at));
    }
    if id.chars().count() > ID_CHARS_MAX {
        return Err(PolicyFault::RoleIdTooLong.at(at));
    }
    if !has_id_characters(id) {
        return Err(PolicyFault::InvalidRoleId.at(at));
    }
    validate_description(&role.description, at)?;
    if role.permissions.is_empty() {
        return Err(PolicyFault::RoleMissingPermissions.at(at));
    }
    validate_permissions(&role.permissions, at, known)
}

fn validate_scopes(scopes: &[Scope], builtin: &[Scope], known: &KnownActions<'_>) -> Result<(), PolicyError> {
    let mut seen = HashSet::new();
    for (i, scope) in scopes.iter().enumerate() {
        let at = format!("scopes[{i}]");
        if scope.scope.trim().is_empty() {
            return Err(PolicyFault::EmptyScope.at(at));
        }
        if scope.scope.chars().count() > ID_CHARS_MAX {
            return Err(PolicyFault::ScopeTooLong.at(at));
        }
        if !is_scope_token(&scope.scope) {
            return Err(PolicyFault::InvalidScope.at(at));
        }
        if !seen.insert(&scope.scope) {
            return Err(PolicyFault::ScopeDuplicate.at(at));
        }
        if let Some(builtin) = builtin.iter().find(|builtin| builtin.scope == scope.scope) {
            if builtin != scope {
                return Err(PolicyFault::ReservedScope.at(at));
            }
            continue;
        }
        validate_description(&scope.description, &at)?;
        if scope.permissions.is_empty() {
            return Err(PolicyFault::ScopeMissingPermissions.at(at));
        }
        validate_permissions(&scope.permissions, &at, known)?;
    }
    Ok(())
}

fn validate_permissions(
    permissions: &[Permission],
    at: &str,
    known: &KnownActions<'_>,
) -> Result<(), PolicyError> {
    let mut seen = HashSet::new();
    for (i, permission) in permissions.iter().enumerate() {
        let at = format!("{at}.permissions[{i}]");
        let Some(known_actions) = known.0.get(permission.resource_id.as_str()) else {
            return Err(PolicyFault::InvalidPermissionResource.at(at));
        };
        // Chosen: evaluators join two entries for one resource, but nothing obliges them to.
        if !seen.insert(&permission.resource_id) {
            return Err(PolicyFault::ResourceDuplicate.at(at));
        }
        validate_permission_actions(&permission.actions, &at, known_actions)?;
    }
    Ok(())
}

fn validate_permission_actions(
    actions: &[String],
    at: &str,
    known_actions: &HashSet<&str>,
) -> Result<(), PolicyError> {
    if actions.is_empty() {
        return Err(PolicyFault::PermissionMissingActions.at(at));
    }
    if actions.iter().any(|action| action == WILDCARD) {
        return match actions.len() {
            1 => Ok(()),
            _ => Err(PolicyFault::WildcardWithOtherActions.at(at)),
        };
    }
    let mut seen = HashSet::new();
    for (i, action) in actions.iter().enumerate() {
        let fault = if !known_actions.contains(action.as_str()) {
            PolicyFault::InvalidPermissionAction
        } else if !seen.insert(action) {
            PolicyFault::ActionDuplicate
        } else {
            continue;
        };
        return Err(fault.at(format!("{at}.actions[{i}]")));
    }
    Ok(())
}

fn validate_description(description: &str, at: &str) -> Result<(), PolicyError> {
    if description.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(PolicyFault::DescriptionTooLong.at(at));
    }
    Ok(())
}

fn has_id_characters(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

/// RFC 6749 §3.3: printable ASCII without space, quotation mark and backslash.
fn is_scope_token(scope: &str) -> bool {
    scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A valid policy with one custom entry of each kind.
    fn written() -> Value {
        json!({
            "roles": [{
                "role_id": "editor",
                "description": "Writes invoices.",
                "permissions": [
                    {"resource_id": "invoice", "actions": ["read", "write"]},
                    {"resource_id": "stytch.sso", "actions": ["*"]},
                ],
            }],
            "resources": [{"resource_id": "invoice", "description": "", "actions": ["read", "write"]}],
            "scopes": [{
                "scope": "invoice:read",
                "description": "",
                "permissions": [{"resource_id": "invoice", "actions": ["read"]}],
            }],
        })
    }

    fn validate(document: Value) -> Result<(), (&'static str, String)> {
        let policy: Policy = serde_json::from_value(document).unwrap();
        validate_policy(&policy).map_err(|error| (error.error_type(), error.at))
    }

    /// Writes `value` at `pointer` of the valid policy (the end of a list is `/-`) and expects the fault.
    #[track_caller]
    fn refused(pointer: &str, value: Value, error_type: &str, at: &str) {
        assert_eq!(validate(with(pointer, value)), Err((error_type, at.to_owned())));
    }

    #[track_caller]
    fn accepted(pointer: &str, value: Value) {
        assert_eq!(validate(with(pointer, value)), Ok(()));
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut document = written();
        match pointer.strip_suffix("/-") {
            Some(list) => document.pointer_mut(list).unwrap().as_array_mut().unwrap().push(value),
            None => *document.pointer_mut(pointer).unwrap() = value,
        }
        document
    }

    fn role(role_id: &str) -> Value {
        json!({"role_id": role_id, "permissions": [{"resource_id": "invoice", "actions": ["read"]}]})
    }

    #[test]
    fn what_was_read_can_be_written_back() {
        assert_eq!(validate(json!({})), Ok(()));
        assert_eq!(validate(written()), Ok(()));
        assert_eq!(validate_policy(&Policy::builtin()), Ok(()));
        let policy: Policy = serde_json::from_value(written()).unwrap();
        assert_eq!(validate_policy(&Policy::effective(&policy)), Ok(()));
    }

    #[test]
    fn ids_are_present_short_and_plain() {
        let id = "/roles/0/role_id";
        refused(id, json!(""), "empty_rbac_role_id", "roles[0]");
        refused(id, json!(" \t"), "empty_rbac_role_id", "roles[0]");
        refused(id, json!("a b"), "invalid_rbac_role_id", "roles[0]");
        refused(id, json!("*"), "invalid_rbac_role_id", "roles[0]");
        refused(id, json!("éditeur"), "invalid_rbac_role_id", "roles[0]");
        refused(id, json!("a\u{200b}b"), "invalid_rbac_role_id", "roles[0]");
        refused(id, json!("x".repeat(129)), "rbac_role_id_too_long", "roles[0]");
        accepted(id, json!("x".repeat(128)));
        accepted(id, json!("Az09_.:-"));

        let id = "/resources/-";
        let resource = |id: &str| json!({"resource_id": id, "actions": ["read"]});
        refused(id, resource(""), "empty_rbac_resource_id", "resources[1]");
        refused(id, resource("*"), "invalid_permission_resource", "resources[1]");
        refused(id, resource("a}b"), "invalid_permission_resource", "resources[1]");
        refused(id, resource(&"x".repeat(129)), "rbac_resource_id_too_long", "resources[1]");
        accepted(id, resource(&"x".repeat(128)));

        let scope = "/scopes/0/scope";
        refused(scope, json!(""), "empty_rbac_scope", "scopes[0]");
        refused(scope, json!("a b"), "invalid_rbac_scope", "scopes[0]");
        refused(scope, json!("a\"b"), "invalid_rbac_scope", "scopes[0]");
        refused(scope, json!("a\\b"), "invalid_rbac_scope", "scopes[0]");
        refused(scope, json!("a\u{7f}"), "invalid_rbac_scope", "scopes[0]");
        refused(scope, json!("x".repeat(129)), "rbac_scope_too_long", "scopes[0]");
        accepted(scope, json!("https://acme.com/invoice.read!#[]^~"));
    }

    #[test]
    fn descriptions_are_counted_in_characters() {
        for (list, at) in [("roles", "roles[0]"), ("resources", "resources[0]"), ("scopes", "scopes[0]")] {
            let pointer = format!("/{list}/0/description");
            accepted(&pointer, json!("é".repeat(1024)));
            refused(&pointer, json!("é".repeat(1025)), "rbac_description_too_long", at);
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        refused("/roles/-", role("editor"), "rbac_role_duplicate", "roles[1]");
        refused(
            "/resources/-",
            json!({"resource_id": "invoice", "actions": ["void"]}),
            "rbac_resource_duplicate",
            "resources[1]",
        );
        refused(
            "/scopes/-",
            json!({
                "scope": "invoice:read",
                "permissions": [{"resource_id": "invoice", "actions": ["write"]}],
            }),
            "rbac_scope_duplicate",
            "scopes[1]",
        );
        refused("/resources/0/actions/-", json!("read"), "rbac_action_duplicate", "resources[0].actions[2]");
        refused(
            "/roles/0/permissions/0/actions/-",
            json!("read"),
            "rbac_action_duplicate",
            "roles[0].permissions[0].actions[2]",
        );
        refused(
            "/roles/0/permissions/-",
            json!({"resource_id": "invoice", "actions": ["*"]}),
            "rbac_resource_duplicate",
            "roles[0].permissions[2]",
        );
    }

    #[test]
    fn nothing_is_empty() {
        refused("/roles/0/permissions", json!([]), "rbac_role_missing_permissions", "roles[0]");
        refused("/scopes/0/permissions", json!([]), "rbac_scope_missing_permissions", "scopes[0]");
        refused(
            "/roles/0/permissions/0/actions",
            json!([]),
            "rbac_permission_missing_actions",
            "roles[0].permissions[0]",
        );
        refused("/resources/-", json!({"resource_id": "a"}), "rbac_resource_missing_actions", "resources[1]");
        refused(
            "/resources/0/actions/-",
            json!(" "),
            "rbac_resource_missing_actions",
            "resources[0].actions[2]",
        );
    }

    #[test]
    fn permissions_name_what_exists() {
        let permission = "/roles/0/permissions/-";
        let at = "roles[0].permissions[2]";
        refused(
            permission,
            json!({"resource_id": "report", "actions": ["*"]}),
            "invalid_permission_resource",
            at,
        );
        refused(permission, json!({"resource_id": "*", "actions": ["*"]}), "invalid_permission_resource", at);
        refused(permission, json!({"actions": ["*"]}), "invalid_permission_resource", at);
        refused(
            "/roles/0/permissions/0/actions",
            json!(["read", "shred"]),
            "invalid_permission_action",
            "roles[0].permissions[0].actions[1]",
        );
        refused(
            "/scopes/0/permissions/0/actions",
            json!(["shred"]),
            "invalid_permission_action",
            "scopes[0].permissions[0].actions[0]",
        );
        refused(
            permission,
            json!({"resource_id": "stytch.member", "actions": ["update.*"]}),
            "invalid_permission_action",
            "roles[0].permissions[2].actions[0]",
        );
        accepted(permission, json!({"resource_id": "stytch.member", "actions": ["search"]}));
    }

    #[test]
    fn the_wildcard_stands_alone_and_only_in_permissions() {
        refused(
            "/roles/0/permissions/0/actions",
            json!(["read", "*"]),
            "cannot_specify_wildcard_with_other_actions",
            "roles[0].permissions[0]",
        );
        refused(
            "/roles/0/permissions/0/actions",
            json!(["*", "*"]),
            "cannot_specify_wildcard_with_other_actions",
            "roles[0].permissions[0]",
        );
        refused("/resources/0/actions/-", json!("*"), "invalid_permission_action", "resources[0].actions[2]");
        accepted("/roles/0/permissions/0/actions", json!(["*"]));
    }

    #[test]
    fn actions_are_short() {
        accepted("/resources/0/actions/-", json!("x".repeat(128)));
        refused(
            "/resources/0/actions/-",
            json!("x".repeat(129)),
            "rbac_action_too_long",
            "resources[0].actions[2]",
        );
    }

    #[test]
    fn the_builtin_part_cannot_be_changed() {
        let builtin = Policy::builtin();
        let member = |description: &str| {
            json!({
                "role_id": "stytch_member",
                "description": description,
                "permissions": [{"resource_id": "invoice", "actions": ["read"]}],
            })
        };
        accepted("/roles/-", member(&builtin.roles[0].description));
        refused("/roles/-", member("Renamed."), "invalid_rbac_stytch_role_edit", "roles[1]");
        refused("/roles/-", role("stytch_owner"), "invalid_rbac_stytch_role_edit", "roles[1]");
        refused(
            "/resources/-",
            json!({"resource_id": "stytch.sso", "actions": ["create"]}),
            "invalid_stytch_prefixed_resource",
            "resources[1]",
        );
        refused(
            "/resources/-",
            json!({"resource_id": "stytchy", "actions": ["create"]}),
            "invalid_stytch_prefixed_resource",
            "resources[1]",
        );
        refused(
            "/scopes/-",
            json!({"scope": "openid", "permissions": [{"resource_id": "invoice", "actions": ["read"]}]}),
            "rbac_reserved_scope",
            "scopes[1]",
        );
        // A builtin role may repeat its permissions, but not invent any.
        refused(
            "/roles/-",
            json!({
                "role_id": "stytch_admin",
                "description": builtin.roles[1].description,
                "permissions": [{"resource_id": "report", "actions": ["*"]}],
            }),
            "invalid_permission_resource",
            "roles[1].permissions[0]",
        );
    }

    #[test]
    fn a_project_has_at_most_500_roles_of_its_own() {
        let roles = |count: usize| -> Value { (0..count).map(|i| role(&format!("role-{i}"))).collect() };
        accepted("/roles", roles(500));
        refused("/roles", roles(501), "too_many_roles", "roles");
        let mut with_builtin: Policy = serde_json::from_value(with("/roles", roles(500))).unwrap();
        with_builtin = Policy::effective(&with_builtin);
        assert_eq!(validate_policy(&with_builtin), Ok(()), "the two builtin roles do not count");
    }

    fn project() -> Policy {
        Policy::effective(&serde_json::from_value(written()).unwrap())
    }

    fn organization_roles(roles: Value) -> Result<(), (&'static str, String)> {
        let roles: Vec<Role> = serde_json::from_value(roles).unwrap();
        validate_organization_roles(&project(), &roles).map_err(|error| (error.error_type(), error.at))
    }

    #[test]
    fn an_organization_defines_roles_of_its_own_over_the_projects_resources() {
        assert_eq!(organization_roles(json!([])), Ok(()));
        assert_eq!(organization_roles(json!([role("clerk"), role("cashier")])), Ok(()));
        let shred = json!({
            "role_id": "clerk",
            "permissions": [{"resource_id": "invoice", "actions": ["shred"]}],
        });
        for (roles, error_type, at) in [
            (json!([role("stytch_admin")]), "rbac_org_custom_roles_only", "roles[0]"),
            (json!([role("stytch_clerk")]), "rbac_org_custom_roles_only", "roles[0]"),
            (json!([role("editor")]), "rbac_role_duplicate", "roles[0]"),
            (json!([role("clerk"), role("clerk")]), "rbac_role_duplicate", "roles[1]"),
            (json!([role("")]), "empty_rbac_role_id", "roles[0]"),
            (json!([role("a b")]), "invalid_rbac_role_id", "roles[0]"),
            (json!([{"role_id": "clerk"}]), "rbac_role_missing_permissions", "roles[0]"),
            (json!([shred]), "invalid_permission_action", "roles[0].permissions[0].actions[0]"),
        ] {
            assert_eq!(organization_roles(roles.clone()), Err((error_type, at.to_owned())), "{roles}");
        }
    }

    #[test]
    fn an_organization_has_at_most_100_roles() {
        let roles = |count: usize| -> Value { (0..count).map(|i| role(&format!("role-{i}"))).collect() };
        assert_eq!(organization_roles(roles(100)), Ok(()));
        assert_eq!(organization_roles(roles(101)), Err(("too_many_roles", "roles".to_owned())));
    }

    #[test]
    fn a_policy_cannot_drop_what_an_organization_uses() {
        let clerk = |resource: &str, actions: Value| -> Vec<Role> {
            let permissions = json!([{"resource_id": resource, "actions": actions}]);
            serde_json::from_value(json!([{"role_id": "clerk", "permissions": permissions}])).unwrap()
        };
        let check = |roles: &[Role]| {
            validate_organization_use(&project(), roles, "acme")
                .map_err(|error| (error.error_type(), error.at))
        };
        assert_eq!(check(&clerk("invoice", json!(["read"]))), Ok(()));
        assert_eq!(check(&clerk("invoice", json!(["*"]))), Ok(()));
        let used = Err(("rbac_cannot_delete_attribute_used_in_org_policy", "acme".to_owned()));
        assert_eq!(check(&clerk("invoice", json!(["read", "shred"]))), used);
        assert_eq!(check(&clerk("report", json!(["*"]))), used);
        let editor: Vec<Role> = serde_json::from_value(json!([role("editor")])).unwrap();
        assert_eq!(check(&editor), Err(("rbac_role_duplicate", "acme".to_owned())));
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let error = Error::from(PolicyFault::EmptyRoleId.at("roles[3]"));
        assert_eq!(error.kind, ErrorType::EmptyRbacRoleId);
        assert_eq!(error.text(), "A role needs a role_id. At roles[3].");
        assert_eq!(error.details.unwrap()["at"], "roles[3]");
    }

    #[test]
    fn roles_are_assignable_when_they_exist_and_are_not_everyones() {
        let policy = project();
        let clerk = [Role { role_id: "clerk".to_owned(), ..Role::default() }];
        for (role_id, direct, implicit) in [
            ("editor", Ok(()), Ok(())),
            ("stytch_admin", Ok(()), Ok(())),
            ("clerk", Ok(()), Ok(())),
            (
                "stytch_member",
                Err("cannot_assign_default_rbac_role_id"),
                Err("cannot_assign_default_rbac_role_id"),
            ),
            ("gone", Err("invalid_role"), Err("invalid_rbac_role_assignment")),
            ("", Err("invalid_role"), Err("invalid_rbac_role_assignment")),
            ("Editor", Err("invalid_role"), Err("invalid_rbac_role_assignment")),
        ] {
            let actual = validate_assignable(&policy, &clerk, role_id).map_err(RoleError::error_type);
            assert_eq!(actual, direct, "{role_id}");
            let actual =
                validate_implicit_assignment(&policy, &clerk, role_id).map_err(RoleError::error_type);
            assert_eq!(actual, implicit, "{role_id}");
        }
        // Roles of another organization are unknown here.
        assert_eq!(validate_assignable(&policy, &[], "clerk"), Err(RoleError::UnknownRole));
    }

    #[test]
    fn a_member_has_at_most_100_direct_roles() {
        let policy = project();
        let roles = |count: usize| vec!["editor".to_owned(); count];
        assert_eq!(validate_direct_roles(&policy, &[], &roles(100)), Ok(()));
        assert_eq!(validate_direct_roles(&policy, &[], &roles(101)), Err(RoleError::TooManyRoles));
        let mixed = ["editor".to_owned(), "gone".to_owned()];
        assert_eq!(validate_direct_roles(&policy, &[], &mixed), Err(RoleError::UnknownRole));
        assert_eq!(RoleError::TooManyRoles.to_string(), "too_many_roles");
    }
}
