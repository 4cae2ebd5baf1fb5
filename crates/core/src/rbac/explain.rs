//! Why a member may or may not do something: every role that could matter, where it comes from, and what it grants.
//!
//! The verdict is the one of [`super::allows`]; this says how it comes about, for people who ask "why can Ada not export
//! invoices?" and would otherwise compare policies and assignments by eye.

use serde::Serialize;

use super::assignment::{MemberRole, RoleSource, session_roles};
use super::builtin::{MEMBER_RESOURCE, SELF_RESOURCE};
use super::policy::{Permission, Policy, Role, WILDCARD};
use crate::wire_enum;

wire_enum! {
    /// Why the answer is what it is.
    Reason {
        /// A role that counts grants it.
        Granted = "granted",
        /// A role grants it, but counts only in sessions with a factor of the connection that brings it.
        NeedsSsoFactor = "needs_sso_factor",
        /// The member has no role that grants it; others may.
        NoRoleGrantsIt = "no_role_of_the_member_grants_it",
        /// No role of the project or the organization grants it.
        NobodyIsGrantedIt = "no_role_grants_it",
    }
}

wire_enum! {
    /// Where a role is defined.
    RoleOrigin {
        /// In the policy of the project.
        Project = "project",
        /// Among the roles of the organization.
        Organization = "organization",
        /// Nowhere: it was deleted after it had been assigned.
        Deleted = "deleted",
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// On what.
    pub resource_id: &'a str,
    /// What.
    pub action: &'a str,
    /// Whether it is done to the acting member itself: then `stytch.self` suffices for `stytch.member` (spec 03a §8).
    pub on_self: bool,
    /// The SSO connections from which a session would have factors.
    pub connections_in_session: &'a [&'a str],
}

impl Question<'_> {
    fn concerns(&self, resource_id: &str) -> bool {
        resource_id == self.resource_id
            || (self.on_self && self.resource_id == MEMBER_RESOURCE && resource_id == SELF_RESOURCE)
    }

    fn is_granted_by(&self, permission: &Permission) -> bool {
        self.concerns(&permission.resource_id)
            && permission.actions.iter().any(|granted| granted == self.action || granted == WILDCARD)
    }
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the member may do it.
    pub authorized: bool,
    /// Why.
    pub reason: Reason,
    /// Whether the policy has the resource, and the resource lists the action. A wildcard grants others too.
    pub is_listed: bool,
    /// Every role that is assigned to the member.
    pub roles: Vec<ExplainedRole>,
    /// Every role that grants it, whoever has it.
    pub roles_that_grant_it: Vec<String>,
}

/// What one role of a member contributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedRole {
    /// The role.
    pub role_id: String,
    /// Where it is defined.
    pub defined_in: RoleOrigin,
    /// Why the member has it.
    pub sources: Vec<RoleSource>,
    /// Whether it counts: deleted roles never do, those of SSO connections only with a factor.
    pub counts: bool,
    /// Whether it grants what was asked.
    pub grants: bool,
    /// What it grants on the resource at all.
    pub permissions: Vec<Permission>,
}

/// Explains an answer. `policy` is the effective policy of the project, `member_roles` are all roles that are assigned to
/// the member, deleted ones included.
pub fn explain(
    policy: &Policy,
    organization_roles: &[Role],
    member_roles: &[MemberRole],
    question: Question<'_>,
) -> Explanation {
    let counting = session_roles(member_roles, question.connections_in_session);
    let roles: Vec<ExplainedRole> = member_roles
        .iter()
        .map(|held| {
            let named = |role: &&Role| role.role_id == held.role_id;
            let definitions: Vec<&Role> =
                policy.roles.iter().filter(named).chain(organization_roles.iter().filter(named)).collect();
            let permissions = || definitions.iter().flat_map(|role| &role.permissions);
            let defined_in = match definitions.is_empty() {
                true => RoleOrigin::Deleted,
                false if policy.roles.iter().any(|role| named(&role)) => RoleOrigin::Project,
                false => RoleOrigin::Organization,
            };
            ExplainedRole {
                role_id: held.role_id.clone(),
                defined_in,
                sources: held.sources.clone(),
                counts: defined_in != RoleOrigin::Deleted && counting.contains(&held.role_id),
                grants: permissions().any(|permission| question.is_granted_by(permission)),
                permissions: permissions()
                    .filter(|permission| question.concerns(&permission.resource_id))
                    .cloned()
                    .collect(),
            }
        })
        .collect();
    let roles_that_grant_it: Vec<String> = policy
        .roles
        .iter()
        .chain(organization_roles)
        .filter(|role| role.permissions.iter().any(|permission| question.is_granted_by(permission)))
        .map(|role| role.role_id.clone())
        .collect();
    let reason = if roles.iter().any(|role| role.grants && role.counts) {
        Reason::Granted
    } else if roles.iter().any(|role| role.grants) {
        Reason::NeedsSsoFactor
    } else if roles_that_grant_it.is_empty() {
        Reason::NobodyIsGrantedIt
    } else {
        Reason::NoRoleGrantsIt
    };
    let is_listed = policy.resources.iter().any(|resource| {
        question.concerns(&resource.resource_id)
            && (question.action == WILDCARD
                || resource.actions.iter().any(|listed| listed == question.action))
    });
    Explanation { authorized: reason == Reason::Granted, reason, is_listed, roles, roles_that_grant_it }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::assignment::{EmailImplicitRole, RoleFacts, SsoGrant, member_roles};
    use super::super::policy::{allows, allows_on_member};
    use super::*;

    fn acme() -> (Policy, Vec<Role>) {
        let written = serde_json::from_value(json!({
            "resources": [{"resource_id": "invoice", "actions": ["read", "write", "export"]}],
            "roles": [
                {"role_id": "editor", "permissions": [{"resource_id": "invoice", "actions": ["read", "write"]}]},
                {"role_id": "auditor", "permissions": [{"resource_id": "invoice", "actions": ["read", "export"]}]},
            ],
        }));
        let clerk =
            json!([{"role_id": "clerk", "permissions": [{"resource_id": "invoice", "actions": ["read"]}]}]);
        (Policy::effective(&written.unwrap()), serde_json::from_value(clerk).unwrap())
    }

    /// Ada: `editor` directly, `clerk` by her domain, `auditor` by SAML, and `gone`, which was deleted.
    fn ada() -> Vec<MemberRole> {
        member_roles(&RoleFacts {
            direct: &["editor".to_owned(), "gone".to_owned()],
            email_domain: Some("acme.example"),
            email_implicit: &[EmailImplicitRole { domain: "acme.example".into(), role_id: "clerk".into() }],
            sso: &[SsoGrant { connection_id: "saml-1".into(), group: None, role_id: "auditor".into() }],
            scim: &[],
        })
    }

    fn ask<'a>(resource_id: &'a str, action: &'a str) -> Question<'a> {
        Question { resource_id, action, on_self: false, connections_in_session: &[] }
    }

    #[test]
    fn every_answer_has_its_reason() {
        let (policy, organization_roles) = acme();
        let with_saml = Question { connections_in_session: &["saml-1"], ..ask("invoice", "export") };
        let on_self = Question { on_self: true, ..ask("stytch.member", "update.info.name") };
        for (question, authorized, reason, is_listed, grant) in [
            (ask("invoice", "write"), true, Reason::Granted, true, "editor"),
            (ask("invoice", "read"), true, Reason::Granted, true, "editor auditor clerk"),
            (ask("invoice", "export"), false, Reason::NeedsSsoFactor, true, "auditor"),
            (with_saml, true, Reason::Granted, true, "auditor"),
            (ask("stytch.member", "search"), false, Reason::NoRoleGrantsIt, true, "stytch_admin"),
            (ask("stytch.member", "dance"), false, Reason::NoRoleGrantsIt, false, "stytch_admin"),
            (on_self, true, Reason::Granted, true, "stytch_member stytch_admin"),
            (ask("stytch.member", "update.info.name"), false, Reason::NoRoleGrantsIt, true, "stytch_admin"),
            (ask("invoice", "shred"), false, Reason::NobodyIsGrantedIt, false, ""),
            (ask("report", "read"), false, Reason::NobodyIsGrantedIt, false, ""),
        ] {
            let told = explain(&policy, &organization_roles, &ada(), question);
            let grant: Vec<&str> = grant.split_whitespace().collect();
            assert_eq!(
                (told.authorized, told.reason, told.is_listed),
                (authorized, reason, is_listed),
                "{question:?}"
            );
            assert_eq!(told.roles_that_grant_it, grant, "{question:?}");
            // The verdict is that of the check itself.
            let held = session_roles(&ada(), question.connections_in_session);
            let (index, action) = (policy.index(), question.action);
            let allowed = if question.on_self {
                allows_on_member(&index, &organization_roles, &held, true, action)
            } else {
                allows(&index, &organization_roles, &held, question.resource_id, action).is_some()
            };
            assert_eq!(allowed, authorized, "{question:?}");
        }
    }

    #[test]
    fn every_role_says_where_it_comes_from_and_what_it_gives() {
        let (policy, organization_roles) = acme();
        let told = explain(&policy, &organization_roles, &ada(), ask("invoice", "write"));
        let direct = json!([{"type": "direct_assignment", "details": {}}]);
        assert_eq!(
            serde_json::to_value(&told.roles).unwrap(),
            json!([
                {
                    "role_id": "stytch_member", "defined_in": "project", "sources": direct, "counts": true,
                    "grants": false, "permissions": [],
                },
                {
                    "role_id": "auditor", "defined_in": "project", "counts": false, "grants": false,
                    "sources": [{"type": "sso_connection", "details": {"connection_id": "saml-1"}}],
                    "permissions": [{"resource_id": "invoice", "actions": ["read", "export"]}],
                },
                {
                    "role_id": "clerk", "defined_in": "organization", "counts": true, "grants": false,
                    "sources": [{"type": "email_assignment", "details": {"email_domain": "acme.example"}}],
                    "permissions": [{"resource_id": "invoice", "actions": ["read"]}],
                },
                {
                    "role_id": "editor", "defined_in": "project", "sources": direct, "counts": true, "grants": true,
                    "permissions": [{"resource_id": "invoice", "actions": ["read", "write"]}],
                },
                {
                    "role_id": "gone", "defined_in": "deleted", "sources": direct, "counts": false, "grants": false,
                    "permissions": [],
                },
            ])
        );
    }
}
