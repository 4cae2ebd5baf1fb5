//! The list of endpoints in `docs/endpoints.md`, compared with the route table.
//!
//! `docs/contract/endpoints.tsv` says what the official SDKs can call: one line for each endpoint of the two contracts.
//! The page says which of these work, and is generated: `UPDATE_DOCS=1 cargo test -p ostiary-server --test endpoints`.

use ostiary_server::http::routes::{Surface, TABLE};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

/// Endpoints of the contract that are served, but not from the table, and the source that serves them.
const SERVED_ELSEWHERE: &[(&str, &str, &str)] =
    &[("POST", "/sdk/v1/events", include_str!("../src/http/pages.rs"))];

/// Endpoints of the contract that refuse every call, with the error that fits, until what they belong to is there.
const ALWAYS_REFUSED: &[(&str, &str, &str)] = &[
    ("POST", "/v1/b2b/sessions/exchange_access_token", "no Connected App has tokens to exchange yet"),
    ("POST", "/sdk/v1/b2b/sessions/exchange_access_token", "as above"),
];

/// Routes of the table that no contract knows, each with its reason.
const OUR_OWN: &[(&str, &str, &str)] = &[
    (
        "POST",
        "/v1/ostiary/policy/explain",
        "says why a member may or may not do something, which no endpoint of the contract can (docs/rbac.md)",
    ),
    (
        "POST",
        "/v1/oauth2/token",
        "the token endpoint for clients that know a host name and no project id (docs/m2m.md)",
    ),
    (
        "POST",
        "/v1/m2m/token",
        "another path of the token endpoint, which some documents of the vendor name (docs/m2m.md)",
    ),
    (
        "POST",
        "/oauth/token",
        "the path of Auth0's token endpoint, for callers that come from there (docs/m2m.md)",
    ),
    (
        "POST",
        "/v1/oauth2/introspect",
        "introspection without a project id in the path, which the Ruby SDK calls",
    ),
];

/// How many endpoints the contracts have: server, browser.
const CONTRACT_SIZES: (usize, usize) = (123, 97);

/// An endpoint that an official SDK can call.
struct Endpoint<'a> {
    surface: &'a str,
    group: &'a str,
    method: &'a str,
    path: &'a str,
    sdk: &'a str,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn contract(text: &str) -> Vec<Endpoint<'_>> {
    let endpoint = |line| {
        let columns: Vec<&str> = str::split(line, '\t').collect();
        match columns[..] {
            [surface, group, method, path, sdk] => Endpoint { surface, group, method, path, sdk },
            _ => panic!("a line of the contract has not five columns: {line}"),
        }
    };
    text.lines().skip(1).map(endpoint).collect()
}

fn read_contract() -> String {
    fs::read_to_string(root().join("docs/contract/endpoints.tsv"))
        .expect("the contract's list is in the repository")
}

/// The path with its parameters unnamed, since names differ between the contract and the table.
fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// What is served: method and shape.
fn served() -> HashSet<(String, String)> {
    let from_table = TABLE.iter().map(|route| (route.method.to_string(), shape(route.path)));
    let elsewhere = SERVED_ELSEWHERE.iter().map(|(method, path, _)| ((*method).to_owned(), shape(path)));
    from_table.chain(elsewhere).collect()
}

fn works(endpoint: &Endpoint<'_>, served: &HashSet<(String, String)>) -> bool {
    let is_refused =
        ALWAYS_REFUSED.iter().any(|(method, path, _)| (*method, *path) == (endpoint.method, endpoint.path));
    !is_refused && served.contains(&(endpoint.method.to_owned(), shape(endpoint.path)))
}

const HEAD: &str = "\
# Endpoints

<!-- Generated from docs/contract/endpoints.tsv and the route table; crates/server/tests/endpoints.rs compares them.
     Update: UPDATE_DOCS=1 cargo test -p ostiary-server --test endpoints -->

Every endpoint that the official SDKs can call, and whether this server has it. \"works\" means that it is served, with
bodies, answers and errors as the SDKs expect them. Anything else is refused, as a rule with `404 route_not_found`, in
the error shape of its surface.

";

/// The page.
fn render(endpoints: &[Endpoint<'_>]) -> String {
    let served = served();
    let mut page = HEAD.to_owned();
    let surfaces = [
        (
            "server",
            "Server API",
            "Called by your backend with the project id and a secret. The names are those of the Node SDK.",
        ),
        (
            "browser",
            "Browser API",
            "Called from pages with the public token. The names are those of `@stytch/vanilla-js`.",
        ),
    ];
    let count = |surface: &str, group: Option<&str>| {
        let of_group: Vec<_> = endpoints
            .iter()
            .filter(|endpoint| {
                endpoint.surface == surface && group.is_none_or(|group| endpoint.group == group)
            })
            .collect();
        let working = of_group.iter().filter(|endpoint| works(endpoint, &served)).count();
        (working, of_group.len())
    };
    page += "| | works | of |\n|---|--:|--:|\n";
    for (surface, title, _) in surfaces {
        let (working, all) = count(surface, None);
        writeln!(page, "| {title} | {working} | {all} |").expect("a string takes what is written");
    }
    for (surface, title, about) in surfaces {
        write!(page, "\n## {title}\n\n{about}\n").expect("a string takes what is written");
        let mut groups: Vec<&str> = Vec::new();
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.surface == surface) {
            if !groups.contains(&endpoint.group) {
                groups.push(endpoint.group);
            }
        }
        // What works stands first; within that, by name.
        groups.sort_by_key(|group| (count(surface, Some(group)).0 == 0, *group));
        for group in groups {
            let (working, all) = count(surface, Some(group));
            let heading = format!("\n### {}: {working} of {all}\n\n", group.replace('_', " "));
            page += &heading;
            page += "| endpoint | SDK | state |\n|---|---|---|\n";
            for endpoint in
                endpoints.iter().filter(|endpoint| endpoint.surface == surface && endpoint.group == group)
            {
                let Endpoint { method, path, sdk, .. } = endpoint;
                let state = if works(endpoint, &served) { "works" } else { "not yet" };
                let sdk = match sdk.strip_prefix("internal: ") {
                    Some(name) => format!("{name} (internal)"),
                    None => format!("`{}`", sdk.replace(", ", "`, `")),
                };
                writeln!(page, "| `{method} {path}` | {sdk} | {state} |")
                    .expect("a string takes what is written");
            }
        }
    }
    page
}

#[test]
fn the_page_says_what_is_served() {
    let text = read_contract();
    let page = render(&contract(&text));
    let path = root().join("docs/endpoints.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        written == page,
        "docs/endpoints.md is not what the route table says, first here:\n  {}\n\
         Run: UPDATE_DOCS=1 cargo test -p ostiary-server --test endpoints",
        differs.map_or("(the length)".to_owned(), |(old, new)| format!("{old}\n  {new}")),
    );
}

#[test]
fn the_contract_has_every_endpoint_once() {
    let text = read_contract();
    let endpoints = contract(&text);
    let of = |surface: &str| endpoints.iter().filter(|endpoint| endpoint.surface == surface).count();
    assert_eq!((of("server"), of("browser")), CONTRACT_SIZES);
    let mut seen = HashSet::new();
    for Endpoint { method, path, .. } in &endpoints {
        assert!(seen.insert((*method, shape(path))), "twice: {method} {path}");
    }
}

#[test]
fn every_route_is_in_a_contract_or_declared_as_our_own() {
    let text = read_contract();
    let endpoints = contract(&text);
    // The management API is called by clients of its own, whose endpoints are not in these lists.
    for route in TABLE.iter().filter(|route| route.surface != Surface::Management) {
        let known = endpoints.iter().find(|endpoint| {
            endpoint.method == route.method.as_str() && shape(endpoint.path) == shape(route.path)
        });
        let own =
            OUR_OWN.iter().any(|(method, path, _)| *method == route.method.as_str() && *path == route.path);
        match known {
            Some(endpoint) => {
                assert!(!own, "{} {} is in the contract, so it is not our own", route.method, route.path);
                let surface = if route.surface == Surface::Browser { "browser" } else { "server" };
                assert_eq!(endpoint.surface, surface, "the surface of {} {}", route.method, route.path);
            }
            None => assert!(
                own,
                "{} {} is in no contract: misspelled, or to be listed in OUR_OWN with its reason",
                route.method, route.path
            ),
        }
    }
    for (method, path, reason) in OUR_OWN {
        let is_there = TABLE.iter().any(|route| route.method.as_str() == *method && route.path == *path);
        assert!(
            is_there && !reason.is_empty(),
            "{method} {path} is listed as our own, but is no route or has no reason"
        );
    }
}

#[test]
fn what_is_served_elsewhere_is_served_there() {
    for (method, path, source) in SERVED_ELSEWHERE {
        assert!(source.contains(&format!("\"{path}\"")), "{method} {path} is not served where the list says");
        assert!(
            TABLE.iter().all(|route| route.path != *path),
            "{path} is in the table, so it needs no exception"
        );
    }
}
