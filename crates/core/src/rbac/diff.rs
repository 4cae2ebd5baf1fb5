//! What another policy would change, in the words of its entries: for operators who look before they set one.

use super::policy::{Permission, Policy, Resource, Role, Scope};
use serde::Serialize;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A role.
    Role,
    /// A resource.
    Resource,
    /// A scope.
    Scope,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryChange {
    /// It is new.
    Added,
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
}

/// One entry of a policy that is not the same in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    /// What it is.
    pub kind: EntryKind,
    /// Its `role_id`, `resource_id` or `scope`.
    pub id: String,
    /// What becomes of it.
    pub change: EntryChange,
    /// What it has only afterwards: actions of a resource; `ACTION on RESOURCE` of a role or a scope.
    pub gains: Vec<String>,
    /// What it has only before.
    pub losses: Vec<String>,
    /// Whether its description is another one.
    pub is_described_anew: bool,
}

/// An entry as far as a comparison goes.
struct Entry<'a> {
    id: &'a str,
    description: &'a str,
    facts: Vec<String>,
}

/// The entries that differ: those of `after` in its order, then those that are gone in the order of `before`; roles
/// first, then resources, then scopes. The order of entries and of what is in them is no difference.
pub fn diff(before: &Policy, after: &Policy) -> Vec<PolicyChange> {
    let mut changes = compare(EntryKind::Role, &roles(before), &roles(after));
    changes.extend(compare(EntryKind::Resource, &resources(before), &resources(after)));
    changes.extend(compare(EntryKind::Scope, &scopes(before), &scopes(after)));
    changes
}

fn roles<'a>(policy: &'a Policy) -> Vec<Entry<'a>> {
    let entry = |role: &'a Role| Entry {
        id: &role.role_id,
        description: &role.description,
        facts: grants(&role.permissions),
    };
    policy.roles.iter().map(entry).collect()
}

fn resources<'a>(policy: &'a Policy) -> Vec<Entry<'a>> {
    let entry = |resource: &'a Resource| Entry {
        id: &resource.resource_id,
        description: &resource.description,
        facts: resource.actions.clone(),
    };
    policy.resources.iter().map(entry).collect()
}

fn scopes<'a>(policy: &'a Policy) -> Vec<Entry<'a>> {
    let entry = |scope: &'a Scope| Entry {
        id: &scope.scope,
        description: &scope.description,
        facts: grants(&scope.permissions),
    };
    policy.scopes.iter().map(entry).collect()
}

fn grants(permissions: &[Permission]) -> Vec<String> {
    let of_resource = |permission: &Permission| {
        let resource_id = permission.resource_id.clone();
        permission.actions.clone().into_iter().map(move |action| format!("{action} on {resource_id}"))
    };
    permissions.iter().flat_map(of_resource).collect()
}

fn compare(kind: EntryKind, before: &[Entry<'_>], after: &[Entry<'_>]) -> Vec<PolicyChange> {
    let mut changes = Vec::new();
    for entry in after {
        let known = before.iter().find(|known| known.id == entry.id);
        let old = known.map_or(&[][..], |known| &known.facts);
        let change = PolicyChange {
            kind,
            id: entry.id.to_owned(),
            change: if known.is_some() { EntryChange::Changed } else { EntryChange::Added },
            gains: only_in(&entry.facts, old),
            losses: only_in(old, &entry.facts),
            is_described_anew: known.is_some_and(|known| known.description != entry.description),
        };
        let is_same = change.gains.is_empty() && change.losses.is_empty() && !change.is_described_anew;
        if known.is_none() || !is_same {
            changes.push(change);
        }
    }
    for entry in before.iter().filter(|entry| after.iter().all(|kept| kept.id != entry.id)) {
        changes.push(PolicyChange {
            kind,
            id: entry.id.to_owned(),
            change: EntryChange::Removed,
            gains: Vec::new(),
            losses: entry.facts.clone(),
            is_described_anew: false,
        });
    }
    changes
}

fn only_in(facts: &[String], others: &[String]) -> Vec<String> {
    facts.iter().filter(|fact| !others.contains(fact)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn policy(value: Value) -> Policy {
        serde_json::from_value(value).expect("a policy")
    }

    fn told(before: Value, after: Value) -> Value {
        serde_json::to_value(diff(&policy(before), &policy(after))).expect("JSON")
    }

    fn role(id: &str, description: &str, actions: &[&str]) -> Value {
        let permissions = json!([{ "resource_id": "notes", "actions": actions }]);
        json!({ "role_id": id, "description": description, "permissions": permissions })
    }

    #[test]
    fn what_is_new_changed_and_gone_is_told_in_this_order() {
        let before = json!({
            "roles": [role("old", "", &["read"]), role("kept", "", &["read", "write"])],
            "resources": [{ "resource_id": "notes", "actions": ["read", "write"] }],
        });
        let after = json!({
            "roles": [role("kept", "Writes", &["write", "share"]), role("new", "", &["*"])],
            "resources": [{ "resource_id": "notes", "actions": ["write", "read", "share"] }],
            "scopes": [{ "scope": "notes", "permissions": [{ "resource_id": "notes", "actions": ["read"] }] }],
        });
        let change = |kind: &str, id: &str, change: &str, gains: &[&str], losses: &[&str], anew: bool| {
            json!({
                "kind": kind, "id": id, "change": change, "gains": gains, "losses": losses, "is_described_anew": anew,
            })
        };
        assert_eq!(
            told(before, after),
            json!([
                change("role", "kept", "changed", &["share on notes"], &["read on notes"], true),
                change("role", "new", "added", &["* on notes"], &[], false),
                change("role", "old", "removed", &[], &["read on notes"], false),
                change("resource", "notes", "changed", &["share"], &[], false),
                change("scope", "notes", "added", &["read on notes"], &[], false),
            ])
        );
    }

    #[test]
    fn order_is_no_difference() {
        let one = json!({ "roles": [role("a", "", &["read", "write"]), role("b", "", &["read"])] });
        let other = json!({ "roles": [role("b", "", &["read"]), role("a", "", &["write", "read"])] });
        assert_eq!(told(one, other), json!([]));
        assert!(diff(&Policy::builtin(), &Policy::builtin()).is_empty());
    }
}
