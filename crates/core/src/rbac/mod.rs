//! Roles and permissions: who may do what in an organization (spec 03a).
//!
//! A worked example. Ada is a direct `editor` of Acme, and Acme's SAML connection gives everyone in
//! its group "Finance" the role `auditor`. [`member_roles`] joins what is stored about her,
//! [`session_roles`] keeps what counts in one session, and [`allows`] asks whether that is enough:
//!
//! ```
//! use ostiary_core::rbac::{Policy, RoleFacts, SsoGrant, allows, member_roles, session_roles};
//!
//! let written: Policy = serde_json::from_str(r#"{
//!     "resources": [{"resource_id": "invoice", "actions": ["read", "write", "export"]}],
//!     "roles": [
//!         {"role_id": "editor", "permissions": [{"resource_id": "invoice", "actions": ["read", "write"]}]},
//!         {"role_id": "auditor", "permissions": [{"resource_id": "invoice", "actions": ["read", "export"]}]}
//!     ]
//! }"#)?;
//! let index = Policy::effective(&written).index();
//!
//! let ada = member_roles(&RoleFacts {
//!     direct: &["editor".to_owned()],
//!     email_domain: Some("acme.com"),
//!     email_implicit: &[],
//!     sso: &[SsoGrant {
//!         connection_id: "saml-connection-1".to_owned(),
//!         group: Some("Finance".to_owned()),
//!         role_id: "auditor".to_owned(),
//!     }],
//!     scim: &[],
//! });
//! let by_email = session_roles(&ada, &[]);
//! let by_saml = session_roles(&ada, &["saml-connection-1"]);
//! assert_eq!(by_email, ["stytch_member", "editor"]);
//! assert_eq!(by_saml, ["stytch_member", "auditor", "editor"]);
//!
//! assert_eq!(allows(&index, &[], &by_email, "invoice", "export"), None);
//! assert_eq!(allows(&index, &[], &by_saml, "invoice", "export"), Some(vec!["auditor".to_owned()]));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Roles only add: there is no deny. A check is a plain string match, the same one that the official
//! SDKs make locally, so the server and a caller's cached policy never disagree.

mod assignment;
mod builtin;
mod diff;
mod document;
mod explain;
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
pub use diff::{EntryChange, EntryKind, PolicyChange, diff};
pub use document::read_organization_roles;
pub use explain::{ExplainedRole, Explanation, Question, Reason, RoleOrigin, explain};
pub use fields::{
    MemberFieldAction, actions_for_member_update, actions_for_organization_update, is_closed_to_impersonators,
};
pub use policy::{
    Permission, Policy, PolicyIndex, Resource, Role, Scope, WILDCARD, allows, allows_on_member, covers,
};
pub use validate::{
    ACTION_CHARS_MAX, DESCRIPTION_CHARS_MAX, DIRECT_ROLES_MAX, ID_CHARS_MAX, ORGANIZATION_ROLES_MAX,
    PROJECT_ROLES_MAX, PolicyError, PolicyFault, RoleError, validate_assignable, validate_direct_roles,
    validate_implicit_assignment, validate_organization_roles, validate_organization_use, validate_policy,
};
