//! The policy as it travels, its fast form, and the permission check.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::builtin::{MEMBER_RESOURCE, SELF_RESOURCE};

/// The action that stands for every action of its resource. It is a value of a permission only: no
/// resource lists it, and it means nothing inside a longer name (spec 03a §1).
pub const WILDCARD: &str = "*";

/// A project's policy in the shape of the wire: `GET /v1/b2b/rbac/policy`, the browser's bootstrap and
/// the caches of the SDKs. All three lists are always present, built-in entries first.
///
/// The same type holds the part that an operator writes; [`Policy::effective`] joins it with the
/// built-in part. What is missing in JSON reads as empty, so that validation names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// What a member can hold.
    pub roles: Vec<Role>,
    /// What can be acted on.
    pub resources: Vec<Resource>,
    /// What a Connected App can ask for.
    pub scopes: Vec<Scope>,
}

/// A named set of permissions, of a project or of one organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// The name by which it is assigned; what sessions and JWTs carry.
    pub role_id: String,
    /// Free text for people.
    pub description: String,
    /// What it grants.
    pub permissions: Vec<Permission>,
}

/// Some or all actions of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Permission {
    /// The resource acted on.
    pub resource_id: String,
    /// The actions, or [`WILDCARD`] alone.
    pub actions: Vec<String>,
}

/// Something that can be acted on, with all its actions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// The name by which permissions refer to it.
    pub resource_id: String,
    /// Free text for people.
    pub description: String,
    /// Every action; the browser SDK enumerates them.
    pub actions: Vec<String>,
}

/// A named set of permissions that a member can pass on to a Connected App.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// An OAuth scope token.
    pub scope: String,
    /// Free text for the consent screen.
    pub description: String,
    /// What a member must hold to grant it; empty for the default scopes.
    pub permissions: Vec<Permission>,
}

impl Policy {
    /// The policy in force when an operator has written `written`: the built-in part, then the custom
    /// roles, resources and scopes in their order.
    ///
    /// Permissions written for `stytch_member` and `stytch_admin` are added to the built-in ones and
    /// never take away from them (chosen, spec 03a §3). Other entries of `written` that repeat a
    /// built-in id change nothing.
    pub fn effective(written: &Policy) -> Policy {
        Policy::join(written, Role::add_permissions)
    }

    /// [`Policy::effective`] for operators who narrow the built-in roles: permissions written for
    /// `stytch_member` and `stytch_admin` stand in place of the built-in ones.
    pub fn effective_as_written(written: &Policy) -> Policy {
        Policy::join(written, |builtin, permissions| builtin.permissions = permissions.to_vec())
    }

    fn join(written: &Policy, write_builtin: impl Fn(&mut Role, &[Permission])) -> Policy {
        let mut policy = Policy::builtin();
        let builtin_roles = policy.roles.len();
        let builtin_resources = policy.resources.len();
        let builtin_scopes = policy.scopes.len();

        for role in &written.roles {
            match policy.roles[..builtin_roles].iter_mut().find(|builtin| builtin.role_id == role.role_id) {
                Some(builtin) => write_builtin(builtin, &role.permissions),
                None => policy.roles.push(role.clone()),
            }
        }
        for resource in &written.resources {
            let builtin = &policy.resources[..builtin_resources];
            if !builtin.iter().any(|known| known.resource_id == resource.resource_id) {
                policy.resources.push(resource.clone());
            }
        }
        for scope in &written.scopes {
            if !policy.scopes[..builtin_scopes].iter().any(|known| known.scope == scope.scope) {
                policy.scopes.push(scope.clone());
            }
        }
        policy
    }

    /// The form in which checks are fast. Build it once per change of the policy.
    pub fn index(&self) -> PolicyIndex {
        let mut roles: HashMap<String, HashMap<String, Granted>> = HashMap::with_capacity(self.roles.len());
        for role in &self.roles {
            let resources = roles.entry(role.role_id.clone()).or_default();
            for permission in &role.permissions {
                resources.entry(permission.resource_id.clone()).or_default().add(&permission.actions);
            }
        }
        PolicyIndex { roles }
    }
}

impl Role {
    /// Adds permissions; the wildcard swallows single actions of its resource.
    fn add_permissions(&mut self, added: &[Permission]) {
        for permission in added {
            let held = self.permissions.iter_mut().find(|held| held.resource_id == permission.resource_id);
            let Some(held) = held else {
                self.permissions.push(permission.clone());
                continue;
            };
            if held.grants(WILDCARD) {
                continue;
            }
            if permission.grants(WILDCARD) {
                held.actions = vec![WILDCARD.to_owned()];
                continue;
            }
            for action in &permission.actions {
                if !held.actions.contains(action) {
                    held.actions.push(action.clone());
                }
            }
        }
    }

    fn grants(&self, resource: &str, action: &str) -> bool {
        self.permissions
            .iter()
            .any(|permission| permission.resource_id == resource && permission.grants(action))
    }
}

impl Permission {
    fn grants(&self, action: &str) -> bool {
        self.actions.iter().any(|granted| granted == action || granted == WILDCARD)
    }
}

/// A project's roles as nested hash maps: role → resource → actions.
#[derive(Clone, Debug, Default)]
pub struct PolicyIndex {
    roles: HashMap<String, HashMap<String, Granted>>,
}

impl PolicyIndex {
    /// Whether the project has a role of this id.
    pub fn has_role(&self, role_id: &str) -> bool {
        self.roles.contains_key(role_id)
    }

    fn grants(&self, role_id: &str, resource: &str, action: &str) -> bool {
        let granted = self.roles.get(role_id).and_then(|resources| resources.get(resource));
        granted.is_some_and(|granted| granted.includes(action))
    }
}

/// The actions that one role grants on one resource.
#[derive(Clone, Debug)]
enum Granted {
    Every,
    Listed(HashSet<String>),
}

impl Default for Granted {
    fn default() -> Self {
        Granted::Listed(HashSet::new())
    }
}

impl Granted {
    fn add(&mut self, actions: &[String]) {
        if actions.iter().any(|action| action == WILDCARD) {
            *self = Granted::Every;
        }
        if let Granted::Listed(listed) = self {
            listed.extend(actions.iter().cloned());
        }
    }

    fn includes(&self, action: &str) -> bool {
        match self {
            Granted::Every => true,
            Granted::Listed(listed) => listed.contains(action),
        }
    }
}

/// The roles among `roles` that grant `action` on `resource`, in the order of `roles`; `None` when
/// none does. A refusal allocates nothing.
///
/// A role counts with its project permissions and with those of an organization role of the same id.
/// Neither resource nor action needs to exist: under a wildcard an unlisted action passes (spec 03a
/// §1). Checking the action [`WILDCARD`] itself therefore passes only for roles that hold the
/// wildcard, which is what "`*` only" means for fields that no single action covers (spec 03a §8).
pub fn allows(
    index: &PolicyIndex,
    organization_roles: &[Role],
    roles: &[String],
    resource: &str,
    action: &str,
) -> Option<Vec<String>> {
    let granting: Vec<String> = roles
        .iter()
        .filter(|role_id| role_grants(index, organization_roles, role_id, resource, action))
        .cloned()
        .collect();
    (!granting.is_empty()).then_some(granting)
}

/// Whether `roles` permit `action` on a member: by `stytch.member`, or by `stytch.self` when the
/// target is the acting member (the self rule of spec 03a §8).
pub fn allows_on_member(
    index: &PolicyIndex,
    organization_roles: &[Role],
    roles: &[String],
    target_is_self: bool,
    action: &str,
) -> bool {
    roles.iter().any(|role_id| {
        role_grants(index, organization_roles, role_id, MEMBER_RESOURCE, action)
            || (target_is_self && role_grants(index, organization_roles, role_id, SELF_RESOURCE, action))
    })
}

/// Whether `roles` hold everything that `permissions` grant: what a member must hold who hands them out, where nobody may
/// grant more than it holds (spec 06 R-43). The wildcard is covered by the wildcard only, since it also grants actions
/// that are yet to come.
pub fn covers(
    index: &PolicyIndex,
    organization_roles: &[Role],
    roles: &[String],
    permissions: &[Permission],
) -> bool {
    permissions.iter().all(|permission| {
        permission.actions.iter().all(|action| {
            roles
                .iter()
                .any(|role| role_grants(index, organization_roles, role, &permission.resource_id, action))
        })
    })
}

fn role_grants(
    index: &PolicyIndex,
    organization_roles: &[Role],
    role_id: &str,
    resource: &str,
    action: &str,
) -> bool {
    index.grants(role_id, resource, action)
        || organization_roles.iter().any(|role| role.role_id == role_id && role.grants(resource, action))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn role(role_id: &str, permissions: &[(&str, &[&str])]) -> Role {
        Role {
            role_id: role_id.to_owned(),
            description: String::new(),
            permissions: permissions
                .iter()
                .map(|&(resource_id, actions)| Permission {
                    resource_id: resource_id.to_owned(),
                    actions: texts(actions),
                })
                .collect(),
        }
    }

    fn acme() -> (PolicyIndex, Vec<Role>) {
        let policy = Policy {
            roles: vec![
                role("editor", &[("invoice", &["read", "write"]), ("report", &["update.*"])]),
                role("owner", &[("invoice", &["*"])]),
                role("auditor", &[("invoice", &["read"]), ("invoice", &["export"])]),
                role("twice", &[("invoice", &["read"])]),
                role("twice", &[("invoice", &["void"])]),
            ],
            ..Policy::default()
        };
        let organization_roles =
            vec![role("clerk", &[("invoice", &["stamp"])]), role("editor", &[("invoice", &["stamp"])])];
        (policy.index(), organization_roles)
    }

    #[test]
    fn a_check_passes_for_exactly_the_roles_that_grant_it() {
        let (index, organization_roles) = acme();
        let check = |roles: &[&str], resource, action, granting: &[&str]| {
            let expected = (!granting.is_empty()).then(|| texts(granting));
            let actual = allows(&index, &organization_roles, &texts(roles), resource, action);
            assert_eq!(actual, expected, "{roles:?} {resource} {action}");
        };
        check(&["editor"], "invoice", "read", &["editor"]);
        check(&["editor"], "invoice", "export", &[]);
        check(&[], "invoice", "read", &[]);
        check(&["nobody"], "invoice", "read", &[]);
        // Every role that grants it is named, in the order held.
        check(&["owner", "auditor", "editor"], "invoice", "read", &["owner", "auditor", "editor"]);
        check(&["owner", "auditor", "editor"], "invoice", "write", &["owner", "editor"]);
        // The wildcard covers actions that the resource never listed, of its own resource only.
        check(&["owner"], "invoice", "shred", &["owner"]);
        check(&["owner"], "report", "read", &[]);
        check(&["owner"], "invoice.line", "read", &[]);
        // A star inside a name is a letter like any other.
        check(&["editor"], "report", "update.title", &[]);
        check(&["editor"], "report", "update.*", &["editor"]);
        // Case matters.
        check(&["editor"], "Invoice", "read", &[]);
        check(&["editor"], "invoice", "Read", &[]);
        // Entries for one resource, roles of one id, and organization and project all add up.
        check(&["auditor"], "invoice", "export", &["auditor"]);
        check(&["twice"], "invoice", "read", &["twice"]);
        check(&["twice"], "invoice", "void", &["twice"]);
        check(&["clerk"], "invoice", "stamp", &["clerk"]);
        check(&["editor"], "invoice", "stamp", &["editor"]);
    }

    #[test]
    fn a_member_covers_what_its_roles_grant_together() {
        let (index, organization_roles) = acme();
        let permission = |resource_id: &str, actions: &[&str]| Permission {
            resource_id: resource_id.to_owned(),
            actions: texts(actions),
        };
        for (roles, permissions, expected) in [
            (&["editor"][..], vec![permission("invoice", &["read", "write"])], true),
            (&["editor"], vec![permission("invoice", &["read", "export"])], false),
            (&["editor", "auditor"], vec![permission("invoice", &["write", "export"])], true),
            (&["clerk"], vec![permission("invoice", &["stamp"])], true),
            (&["editor", "auditor"], vec![permission("invoice", &["*"])], false),
            (&["owner"], vec![permission("invoice", &["*"]), permission("report", &["read"])], false),
            (&["owner"], vec![permission("invoice", &["*"])], true),
            (&[], vec![permission("invoice", &["read"])], false),
            (&[], vec![], true),
        ] {
            let actual = covers(&index, &organization_roles, &texts(roles), &permissions);
            assert_eq!(actual, expected, "{roles:?} {permissions:?}");
        }
    }

    #[test]
    fn checking_the_wildcard_asks_for_a_wildcard_grant() {
        let (index, organization_roles) = acme();
        let passes =
            |role: &str| allows(&index, &organization_roles, &texts(&[role]), "invoice", WILDCARD).is_some();
        assert!(passes("owner"));
        assert!(!passes("editor"));
        assert!(!passes("clerk"));
    }

    #[test]
    fn stytch_self_suffices_for_the_acting_member_only() {
        let policy = Policy {
            roles: vec![
                role("selfish", &[("stytch.self", &["delete"])]),
                role("manager", &[("stytch.member", &["delete"])]),
            ],
            ..Policy::default()
        };
        let index = policy.index();
        for (held, target_is_self, action, expected) in [
            ("selfish", true, "delete", true),
            ("selfish", false, "delete", false),
            ("selfish", true, "revoke-sessions", false),
            ("manager", true, "delete", true),
            ("manager", false, "delete", true),
            ("manager", false, "search", false),
        ] {
            let actual = allows_on_member(&index, &[], &texts(&[held]), target_is_self, action);
            assert_eq!(actual, expected, "{held} self={target_is_self} {action}");
        }
    }

    #[test]
    fn the_wire_shape_has_all_keys_and_reads_missing_ones_as_empty() {
        let policy = Policy {
            roles: vec![role("editor", &[("invoice", &["read"])])],
            resources: vec![Resource {
                resource_id: "invoice".to_owned(),
                description: "Bills.".to_owned(),
                actions: texts(&["read"]),
            }],
            scopes: vec![Scope { scope: "openid".to_owned(), ..Scope::default() }],
        };
        let wire = json!({
            "roles": [{
                "role_id": "editor",
                "description": "",
                "permissions": [{"resource_id": "invoice", "actions": ["read"]}],
            }],
            "resources": [{"resource_id": "invoice", "description": "Bills.", "actions": ["read"]}],
            "scopes": [{"scope": "openid", "description": "", "permissions": []}],
        });
        assert_eq!(serde_json::to_value(&policy).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Policy>(wire).unwrap(), policy);
        assert_eq!(serde_json::from_value::<Policy>(json!({})).unwrap(), Policy::default());
        assert_eq!(serde_json::from_value::<Role>(json!({"role_id": "x"})).unwrap(), role("x", &[]));
    }

    #[test]
    fn nothing_written_is_the_builtin_policy() {
        assert_eq!(Policy::effective(&Policy::default()), Policy::builtin());
        assert_eq!(Policy::effective(&Policy::builtin()), Policy::builtin());
    }

    #[test]
    fn what_is_written_follows_the_builtin_part_and_adds_to_its_roles() {
        let invoice = Resource {
            resource_id: "invoice".to_owned(),
            description: String::new(),
            actions: texts(&["read", "write"]),
        };
        let written = Policy {
            roles: vec![
                role("editor", &[("invoice", &["*"])]),
                role("stytch_member", &[("invoice", &["read"]), ("stytch.self", &["delete"])]),
            ],
            resources: vec![invoice.clone()],
            scopes: vec![
                Scope { scope: "invoice.read".to_owned(), ..Scope::default() },
                Scope { scope: "openid".to_owned(), description: "Renamed.".to_owned(), ..Scope::default() },
            ],
        };
        let effective = Policy::effective(&written);

        let role_ids: Vec<&str> = effective.roles.iter().map(|role| role.role_id.as_str()).collect();
        assert_eq!(role_ids, ["stytch_member", "stytch_admin", "editor"]);
        let member = &effective.roles[0].permissions;
        assert_eq!(*member, role("", &[("stytch.self", &["*"]), ("invoice", &["read"])]).permissions);
        assert_eq!(effective.roles[1], Policy::builtin().roles[1]);
        assert_eq!(effective.resources.last(), Some(&invoice));
        assert_eq!(effective.resources.len(), 7);
        assert_eq!(effective.scopes.last().map(|scope| scope.scope.as_str()), Some("invoice.read"));
        assert_eq!(effective.scopes.len(), 7);
        assert_eq!(Policy::effective(&effective), effective, "joining twice changes nothing");
        let narrowed = Policy::effective_as_written(&written);
        let of_members = written.roles.iter().find(|role| role.role_id == "stytch_member");
        assert_eq!(Some(&narrowed.roles[0].permissions), of_members.map(|role| &role.permissions));
        assert_eq!(narrowed.roles[1], Policy::builtin().roles[1], "what is not written stays");
    }

    #[test]
    fn added_permissions_join_and_the_wildcard_swallows() {
        for (held, added, expected) in [
            (&["read"][..], &["write", "read"][..], &["read", "write"][..]),
            (&["read"], &["*"], &["*"]),
            (&["*"], &["read"], &["*"]),
        ] {
            let mut joined = role("", &[("invoice", held)]);
            joined.add_permissions(&role("", &[("invoice", added)]).permissions);
            assert_eq!(joined, role("", &[("invoice", expected)]), "{held:?} + {added:?}");
        }
    }

    /// Few names, so that random policies and checks meet often.
    fn any_roles() -> impl Strategy<Value = Vec<Role>> {
        let action = prop::sample::select(vec!["a", "b", "c", "*"]);
        let permission = (prop::sample::select(vec!["x", "y"]), prop::collection::vec(action, 0..3))
            .prop_map(|(resource_id, actions)| Permission {
                resource_id: resource_id.to_owned(),
                actions: texts(&actions),
            });
        let permissions = prop::collection::vec(permission, 0..3);
        let role =
            (prop::sample::select(vec!["r", "s", "t"]), permissions).prop_map(|(role_id, permissions)| {
                Role { role_id: role_id.to_owned(), description: String::new(), permissions }
            });
        prop::collection::vec(role, 0..4)
    }

    proptest! {
        /// The server SDKs walk the lists; the index must answer the same.
        #[test]
        fn the_index_agrees_with_walking_the_lists(
            project in any_roles(),
            organization in any_roles(),
            held in prop::sample::subsequence(vec!["r", "s", "t", "u"], 0..=4),
            resource in prop::sample::select(vec!["x", "y", "z"]),
            action in prop::sample::select(vec!["a", "b", "d", "*"]),
        ) {
            let granting: Vec<String> = held
                .iter()
                .filter(|held| {
                    project.iter().chain(&organization).filter(|role| role.role_id == **held).any(|role| {
                        role.permissions.iter().any(|permission| {
                            permission.resource_id == resource
                                && permission.actions.iter().any(|granted| granted == action || granted == "*")
                        })
                    })
                })
                .map(|held| (*held).to_owned())
                .collect();
            let index = Policy { roles: project, ..Policy::default() }.index();
            let actual = allows(&index, &organization, &texts(&held), resource, action);
            prop_assert_eq!(actual.unwrap_or_default(), granting);
        }
    }
}
