//! How roles reach a member, and which of them count in a session (spec 03a §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::builtin::{ADMIN_ROLE, MEMBER_ROLE};
use super::policy::{PolicyIndex, Role};

/// Why a member holds a role; `{type, details}` on the wire. The order of the variants is the order
/// in which the sources of a role are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "type", content = "details", rename_all = "snake_case")]
pub enum RoleSource {
    /// Assigned to the member itself. Braces, because the wire wants `details: {}`.
    DirectAssignment {},
    /// The organization gives the role to addresses of this domain.
    EmailAssignment {
        /// As the organization's setting spells it.
        email_domain: String,
    },
    /// An SSO connection gives the role to everyone who has signed in through it.
    SsoConnection {
        /// The connection.
        connection_id: String,
    },
    /// An SSO connection gives the role to a group that its last assertion about the member named.
    SsoConnectionGroup {
        /// The connection.
        connection_id: String,
        /// The group, as the identity provider names it.
        group: String,
    },
    /// A SCIM connection gives the role to a group the member is in.
    ScimConnectionGroup {
        /// The connection.
        connection_id: String,
        /// Our id of the group.
        group_id: String,
    },
}

impl RoleSource {
    /// Whether the source counts in a session whose factors come from these SSO connections.
    fn counts_with(&self, connections_in_session: &[&str]) -> bool {
        match self {
            RoleSource::SsoConnection { connection_id }
            | RoleSource::SsoConnectionGroup { connection_id, .. } => {
                connections_in_session.contains(&connection_id.as_str())
            }
            RoleSource::DirectAssignment {}
            | RoleSource::EmailAssignment { .. }
            | RoleSource::ScimConnectionGroup { .. } => true,
        }
    }
}

/// A role of a member with every source of it, as on the member object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberRole {
    /// The role.
    pub role_id: String,
    /// Never empty; each source once.
    pub sources: Vec<RoleSource>,
}

/// One entry of an organization's `rbac_email_implicit_role_assignments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailImplicitRole {
    /// The domain of the member's address: compared whole, without regard to case.
    pub domain: String,
    /// The role that it brings.
    pub role_id: String,
}

/// A role that an SSO connection gives to this member, because a registration of the member exists
/// and, with `group`, because the latest assertion named that group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoGrant {
    /// The connection.
    pub connection_id: String,
    /// The group that brings the role; `None` when the connection alone does.
    pub group: Option<String>,
    /// The role that it brings.
    pub role_id: String,
}

/// A role that a SCIM group gives to this member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimGrant {
    /// The connection.
    pub connection_id: String,
    /// Our id of the group.
    pub group_id: String,
    /// The role that it brings.
    pub role_id: String,
}

/// Everything that is stored about a member's roles.
#[derive(Clone, Copy, Debug)]
pub struct RoleFacts<'a> {
    /// Role ids assigned to the member itself.
    pub direct: &'a [String],
    /// Domain of the primary address, verified or not: a session needs a proven factor anyway, and
    /// SCIM provisioning grants these roles at once (chosen, spec 03a §6).
    pub email_domain: Option<&'a str>,
    /// The organization's assignments by domain, all of them.
    pub email_implicit: &'a [EmailImplicitRole],
    /// What the SSO connections give to this member.
    pub sso: &'a [SsoGrant],
    /// What the SCIM groups give to this member.
    pub scim: &'a [ScimGrant],
}

/// The roles of a member: `stytch_member` first, always as a direct assignment, then the others by
/// id. Assignments of roles that were deleted since are still among them: see [`retain_existing`].
pub fn member_roles(facts: &RoleFacts) -> Vec<MemberRole> {
    let direct = facts.direct.iter().map(|role_id| (role_id, RoleSource::DirectAssignment {}));
    let email = facts
        .email_implicit
        .iter()
        .filter(|entry| facts.email_domain.is_some_and(|domain| domain.eq_ignore_ascii_case(&entry.domain)))
        .map(|entry| (&entry.role_id, RoleSource::EmailAssignment { email_domain: entry.domain.clone() }));
    let sso = facts.sso.iter().map(|grant| {
        let connection_id = grant.connection_id.clone();
        let source = match &grant.group {
            None => RoleSource::SsoConnection { connection_id },
            Some(group) => RoleSource::SsoConnectionGroup { connection_id, group: group.clone() },
        };
        (&grant.role_id, source)
    });
    let scim = facts.scim.iter().map(|grant| {
        let source = RoleSource::ScimConnectionGroup {
            connection_id: grant.connection_id.clone(),
            group_id: grant.group_id.clone(),
        };
        (&grant.role_id, source)
    });

    let mut sources_by_role: BTreeMap<&str, Vec<RoleSource>> = BTreeMap::new();
    for (role_id, source) in direct.chain(email).chain(sso).chain(scim) {
        if role_id != MEMBER_ROLE {
            sources_by_role.entry(role_id).or_default().push(source);
        }
    }

    let mut roles = Vec::with_capacity(1 + sources_by_role.len());
    roles
        .push(MemberRole { role_id: MEMBER_ROLE.to_owned(), sources: vec![RoleSource::DirectAssignment {}] });
    roles.extend(sources_by_role.into_iter().map(|(role_id, mut sources)| {
        sources.sort();
        sources.dedup();
        MemberRole { role_id: role_id.to_owned(), sources }
    }));
    roles
}

/// Drops the roles that exist neither in the project's policy nor in the organization. Deleting a role
/// leaves its assignments inert: they grant nothing and are not shown (chosen, spec 03a §5).
pub fn retain_existing(member_roles: &mut Vec<MemberRole>, index: &PolicyIndex, organization_roles: &[Role]) {
    member_roles.retain(|held| {
        index.has_role(&held.role_id) || organization_roles.iter().any(|role| role.role_id == held.role_id)
    });
}

/// The role ids that count in a session, in the order of `member_roles`: a role that comes only from
/// SSO connections counts when the session holds a factor of one of them.
pub fn session_roles(member_roles: &[MemberRole], connections_in_session: &[&str]) -> Vec<String> {
    member_roles
        .iter()
        .filter(|role| role.sources.iter().any(|source| source.counts_with(connections_in_session)))
        .map(|role| role.role_id.clone())
        .collect()
}

/// Whether the member holds `stytch_admin`, from whatever source: `is_admin` of the member object.
pub fn is_admin(member_roles: &[MemberRole]) -> bool {
    member_roles.iter().any(|role| role.role_id == ADMIN_ROLE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::policy::Policy;
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn by_domain(domain: &str, role_id: &str) -> EmailImplicitRole {
        EmailImplicitRole { domain: domain.to_owned(), role_id: role_id.to_owned() }
    }

    fn by_connection(connection_id: &str, group: Option<&str>, role_id: &str) -> SsoGrant {
        SsoGrant {
            connection_id: connection_id.to_owned(),
            group: group.map(str::to_owned),
            role_id: role_id.to_owned(),
        }
    }

    fn by_scim(connection_id: &str, group_id: &str, role_id: &str) -> ScimGrant {
        ScimGrant {
            connection_id: connection_id.to_owned(),
            group_id: group_id.to_owned(),
            role_id: role_id.to_owned(),
        }
    }

    const NOTHING: RoleFacts<'static> =
        RoleFacts { direct: &[], email_domain: Some("acme.com"), email_implicit: &[], sso: &[], scim: &[] };

    fn ids(roles: &[MemberRole]) -> Vec<&str> {
        roles.iter().map(|role| role.role_id.as_str()).collect()
    }

    #[test]
    fn every_member_is_a_member() {
        let roles = member_roles(&NOTHING);
        assert_eq!(
            serde_json::to_value(&roles).unwrap(),
            json!([{
                "role_id": "stytch_member",
                "sources": [{"type": "direct_assignment", "details": {}}],
            }])
        );
        assert!(!is_admin(&roles));
    }

    #[test]
    fn every_source_of_a_role_is_listed_once_in_a_stable_order() {
        let direct = texts(&["editor", "editor"]);
        let email = [by_domain("Acme.com", "editor"), by_domain("other.com", "editor")];
        let sso = [
            by_connection("saml-2", Some("Finance"), "editor"),
            by_connection("saml-2", None, "editor"),
            by_connection("saml-1", None, "editor"),
            by_connection("saml-1", None, "editor"),
        ];
        let scim = [by_scim("scim-1", "group-1", "editor")];
        let facts = RoleFacts { direct: &direct, email_implicit: &email, sso: &sso, scim: &scim, ..NOTHING };
        assert_eq!(
            serde_json::to_value(&member_roles(&facts)[1]).unwrap(),
            json!({
                "role_id": "editor",
                "sources": [
                    {"type": "direct_assignment", "details": {}},
                    {"type": "email_assignment", "details": {"email_domain": "Acme.com"}},
                    {"type": "sso_connection", "details": {"connection_id": "saml-1"}},
                    {"type": "sso_connection", "details": {"connection_id": "saml-2"}},
                    {"type": "sso_connection_group", "details": {"connection_id": "saml-2", "group": "Finance"}},
                    {"type": "scim_connection_group", "details": {"connection_id": "scim-1", "group_id": "group-1"}},
                ],
            })
        );
    }

    #[test]
    fn the_default_role_comes_first_and_the_others_by_id() {
        let direct = texts(&["writer", "auditor", "stytch_admin"]);
        let scim = [by_scim("scim-1", "group-1", "Owner")];
        let roles = member_roles(&RoleFacts { direct: &direct, scim: &scim, ..NOTHING });
        assert_eq!(ids(&roles), ["stytch_member", "Owner", "auditor", "stytch_admin", "writer"]);
        assert!(is_admin(&roles));
    }

    #[test]
    fn an_assignment_of_the_default_role_changes_nothing() {
        let direct = texts(&["stytch_member"]);
        let sso = [by_connection("saml-1", None, "stytch_member")];
        let facts = RoleFacts { direct: &direct, sso: &sso, ..NOTHING };
        assert_eq!(member_roles(&facts), member_roles(&NOTHING));
    }

    #[test]
    fn a_domain_matches_whole_and_without_regard_to_case() {
        for (email_domain, assigned, expected) in [
            (Some("acme.com"), "acme.com", true),
            (Some("acme.com"), "ACME.com", true),
            (Some("mail.acme.com"), "acme.com", false),
            (Some("acme.com"), "mail.acme.com", false),
            (Some("notacme.com"), "acme.com", false),
            (Some("acme.com.evil.org"), "acme.com", false),
            (None, "acme.com", false),
        ] {
            let email = [by_domain(assigned, "editor")];
            let roles = member_roles(&RoleFacts { email_domain, email_implicit: &email, ..NOTHING });
            assert_eq!(roles.len() == 2, expected, "{email_domain:?} {assigned}");
        }
    }

    #[test]
    fn an_sso_role_counts_only_with_a_factor_of_its_connection() {
        let direct = texts(&["writer"]);
        let email = [by_domain("acme.com", "mailer")];
        let sso = [
            by_connection("saml-1", None, "auditor"),
            by_connection("saml-2", Some("Finance"), "cashier"),
            by_connection("saml-1", None, "writer"),
        ];
        let scim = [by_scim("scim-1", "group-1", "shipper")];
        let roles = member_roles(&RoleFacts {
            direct: &direct,
            email_implicit: &email,
            sso: &sso,
            scim: &scim,
            ..NOTHING
        });
        for (connections, expected) in [
            (&[][..], &["stytch_member", "mailer", "shipper", "writer"][..]),
            (&["saml-1"], &["stytch_member", "auditor", "mailer", "shipper", "writer"]),
            (&["saml-2"], &["stytch_member", "cashier", "mailer", "shipper", "writer"]),
            (&["saml-1", "saml-2"], &["stytch_member", "auditor", "cashier", "mailer", "shipper", "writer"]),
            // A SCIM connection is never what a factor comes from, and a prefix is not a connection.
            (&["scim-1", "saml"], &["stytch_member", "mailer", "shipper", "writer"]),
        ] {
            assert_eq!(session_roles(&roles, connections), expected, "{connections:?}");
        }
    }

    #[test]
    fn deleted_roles_are_dropped_and_organization_roles_stay() {
        let direct = texts(&["clerk", "gone", "stytch_admin"]);
        let mut roles = member_roles(&RoleFacts { direct: &direct, ..NOTHING });
        let clerk = Role { role_id: "clerk".to_owned(), ..Role::default() };
        retain_existing(&mut roles, &Policy::builtin().index(), &[clerk]);
        assert_eq!(ids(&roles), ["stytch_member", "clerk", "stytch_admin"]);
    }
}
