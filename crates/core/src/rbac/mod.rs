//! Roles and permissions: who may do what in an organization (spec 03a).
//!
//! A worked example. Ada is a direct `editor` of Acme, and Acme's SAML connection gives everyone in
//! its group "Finance" the role `auditor`.
//!
//! 1. [`member_roles`] turns what is stored about Ada into the roles of her member object, each with
//!    its sources: `stytch_member` (every member), `auditor` (from the group), `editor` (direct).
//! 2. [`session_roles`] narrows them to one session. Signed in by email, Ada has `stytch_member` and
//!    `editor`; only a session holding a factor of that SAML connection has `auditor` too.
//! 3. [`allows`] asks whether any of those roles grants, say, `export` on `invoice`, and names the
//!    roles that do.
//!
//! Roles only add: there is no deny. A check is a plain string match, the same one that the official
//! SDKs make locally, so the server and a caller's cached policy never disagree.

mod assignment;
mod builtin;
mod fields;
mod policy;
mod validate;

pub use assignment::{
    EmailImplicitRole, MemberRole, RoleFacts, RoleSource, ScimGrant, SsoGrant, is_admin, member_roles,
    retain_existing, session_roles,
};
pub use builtin::{
    ADMIN_ROLE, CUSTOM_ORGANIZATION_ROLES_RESOURCE, MEMBER_RESOURCE, MEMBER_ROLE, ORGANIZATION_RESOURCE,
    SCIM_RESOURCE, SELF_RESOURCE, SSO_RESOURCE,
};
pub use fields::{MemberFieldAction, actions_for_member_update, actions_for_organization_update};
pub use policy::{
    Permission, Policy, PolicyIndex, Resource, Role, Scope, WILDCARD, allows, allows_on_member,
};
pub use validate::{
    ACTION_CHARS_MAX, DESCRIPTION_CHARS_MAX, DIRECT_ROLES_MAX, ID_CHARS_MAX, ORGANIZATION_ROLES_MAX,
    PROJECT_ROLES_MAX, PolicyError, PolicyFault, RoleError, validate_assignable, validate_direct_roles,
    validate_implicit_assignment, validate_organization_roles, validate_policy,
};
