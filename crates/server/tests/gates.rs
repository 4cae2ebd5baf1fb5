//! What members may call, in `docs/contract/gates.tsv`, compared with the route table.
//!
//! The list has one line for each endpoint where an acting member's permissions count: on the server API those that take
//! the `X-Stytch-Member-Session` headers, in browsers all that act on members and organizations. It also has endpoints
//! that are not served yet, so that none can be added without its gate.

use ostiary_core::rbac::Policy;
use ostiary_server::http::access::Access;
use ostiary_server::http::routes::{Surface, TABLE};
use std::path::PathBuf;
use std::{env, fs};

/// How many endpoints of the server API take the headers according to the contract. Our own one beside them: the roles
/// of organizations, which the SDKs set without a member.
const WITH_HEADERS: usize = 40;
const OUR_OWN_WITH_HEADERS: &[(&str, &str)] = &[("PUT", "/v1/b2b/rbac/organizations/{organization_id}")];

struct Gate {
    surface: Surface,
    method: String,
    path: String,
    gate: String,
}

fn gates() -> Vec<Gate> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract/gates.tsv");
    let text = fs::read_to_string(path).expect("the list of gates is in the repository");
    let gate = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [surface, method, path, gate] => Gate {
            surface: if surface == "browser" { Surface::Browser } else { Surface::Backend },
            method: method.to_owned(),
            path: path.to_owned(),
            gate: gate.to_owned(),
        },
        _ => panic!("a line of the list has not four columns: {line}"),
    };
    text.lines().skip(1).map(gate).collect()
}

/// The path with its parameters unnamed.
fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// How the list says what the table says.
fn describe(access: Access) -> Option<String> {
    match access {
        Access::Open | Access::Project | Access::Operator | Access::OperatorWith(_) => None,
        Access::Member => Some("any session".into()),
        Access::Permission(resource, action) => Some(format!("{resource}: {action}")),
        Access::OnMember(action) => Some(format!("stytch.member or stytch.self: {action}")),
        Access::OnSelf(action) => Some(format!("own member: {action}")),
        Access::PerField => Some("per field".into()),
        Access::PerTarget => Some("per target".into()),
    }
}

#[test]
fn every_endpoint_that_takes_a_member_session_is_listed_once() {
    let gates = gates();
    let backend = gates.iter().filter(|gate| gate.surface == Surface::Backend).count();
    assert_eq!(backend, WITH_HEADERS + OUR_OWN_WITH_HEADERS.len());
    for (index, gate) in gates.iter().enumerate() {
        let same = |other: &Gate| other.method == gate.method && shape(&other.path) == shape(&gate.path);
        assert!(!gates[..index].iter().any(same), "twice: {} {}", gate.method, gate.path);
    }
}

/// an endpoint where permissions count cannot be served without them, nor with others.
#[test]
fn every_route_asks_for_what_the_list_says() {
    let gates = gates();
    for route in TABLE {
        let listed = gates.iter().find(|gate| {
            gate.surface == route.surface
                && gate.method == route.method.as_str()
                && shape(&gate.path) == shape(route.path)
        });
        // What members do with their own session needs no permission and no line: signing in further, reading oneself.
        if listed.is_none() && route.access == Access::Member {
            continue;
        }
        let expected = listed.map(|gate| gate.gate.clone());
        assert_eq!(describe(route.access), expected, "{} {}", route.method, route.path);
    }
}

/// A misspelled action would be one that nobody holds but by a wildcard.
#[test]
fn every_action_is_one_of_the_built_in_resources() {
    let policy = Policy::builtin();
    for Gate { gate, .. } in gates() {
        let Some((resource, action)) = gate.split_once(": ") else { continue };
        let resource =
            resource.split(' ').next().filter(|name| name.starts_with("stytch.")).unwrap_or("stytch.self");
        let listed = policy.resources.iter().find(|known| known.resource_id == resource);
        let listed = listed.unwrap_or_else(|| panic!("there is no resource {resource}"));
        assert!(action == "*" || listed.actions.iter().any(|known| known == action), "{gate}");
    }
}
