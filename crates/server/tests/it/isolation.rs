//! Nobody reaches into another organization or another project (W-03, R-31, R-38, R-39): every route of the table, with
//! every kind of identifier of somebody else, for every kind of caller.
//!
//! The calls are generated. Paths and bodies are filled with identifiers of the caller's own organization ("home"), of
//! another organization of the same project, or of another project on the same server, in every combination. What
//! belongs to the others carries a mark that no call sends: an answer with the mark has given something away. And their
//! data must be afterwards what it was before.

use crate::callers::{another_project, text};
use crate::harness::{Answer, Server, basic};
use crate::on_both_engines;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};
use ostiary_core::ids::EnvironmentKind;
use ostiary_server::http::access::Access;
use ostiary_server::http::routes::{Route, Surface, TABLE};
use ostiary_server::ops::projects::CreatedProject;
use serde_json::{Map, Value, json};

/// Stands in everything of others that no call sends.
const MARK: &str = "quagga";

/// An organization with two members, and all by which they can be called.
struct Place {
    project: CreatedProject,
    organization: Identifiers,
    member: Identifiers,
    email: String,
    email_id: String,
    session_id: String,
    session_token: String,
    session_jwt: String,
    intermediate: String,
    link: String,
    client_id: String,
}

/// The ways to call something: by our id, by names of its owner's choice.
struct Identifiers {
    id: String,
    names: Vec<String>,
}

/// How a call names things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Ids,
    Names,
}

impl Identifiers {
    fn all(&self, style: Style) -> Vec<&str> {
        match style {
            Style::Ids => vec![&self.id],
            Style::Names => self.names.iter().map(String::as_str).collect(),
        }
    }

    fn one(&self, style: Style) -> &str {
        match style {
            Style::Ids => &self.id,
            Style::Names => &self.names[0],
        }
    }
}

async fn call(t: &Server, project: &CreatedProject, method: Method, path: &str, body: Value) -> Value {
    t.call_as(project, method, path, Some(body), &[]).await.ok()
}

impl Place {
    /// `mark` is put where data is; `roles` are those of the member.
    async fn new(t: &Server, project: &CreatedProject, name: &str, mark: &str, roles: &[&str]) -> Self {
        let post = async |path: &str, body: Value| call(t, project, Method::POST, path, body).await;
        let organization = json!({
            "organization_name": format!("{name} {mark}"), "organization_slug": format!("{name}-slug"),
            "organization_external_id": format!("{name}-external"), "trusted_metadata": { "note": mark },
        });
        let organization = post("/v1/b2b/organizations", organization).await["organization"].clone();
        let id = text(&organization["organization_id"]);
        let role = json!({ "role_id": format!("{name}-{mark}"), "description": mark, "permissions": [
            { "resource_id": "stytch.member", "actions": ["search"] },
        ] });
        let policy = json!({ "org_policy": { "roles": [role] } });
        call(t, project, Method::PUT, &format!("/v1/b2b/rbac/organizations/{id}"), policy).await;
        let members = format!("/v1/b2b/organizations/{id}/members");
        let email = format!("{name}@{name}.example");
        let member = json!({
            "email_address": email, "external_id": format!("{name}-member"), "name": format!("{name} {mark}"),
            "trusted_metadata": { "note": mark }, "untrusted_metadata": { "note": mark }, "roles": roles,
        });
        let member = post(&members, member).await["member"].clone();
        post(&members, json!({ "email_address": format!("{mark}@{name}.example"), "name": mark })).await;
        let code = async |path: &str, body: Value| {
            post(&format!("/v1/b2b/otps/email/{path}"), body.clone()).await;
            t.last_code(&email).await
        };
        let who = json!({ "organization_id": id, "email_address": email });
        let mut login = who.clone();
        login["code"] = json!(code("login_or_signup", who.clone()).await);
        let login = post("/v1/b2b/otps/email/authenticate", login).await;
        let code = code("discovery/send", json!({ "email_address": email })).await;
        let discovered = json!({ "email_address": email, "code": code });
        let discovered = post("/v1/b2b/otps/email/discovery/authenticate", discovered).await;
        let url = json!({ "organization_id": id, "email_address": email, "login_redirect_url": null });
        let link = match t
            .call_as(project, Method::POST, "/v1/b2b/magic_links/email/login_or_signup", Some(url), &[])
            .await
        {
            sent if sent.status.is_success() => t.last_token(&email).await,
            // A project without redirect URLs has no links.
            _ => "none".to_owned(),
        };
        let client = post("/v1/m2m/clients", json!({ "client_name": mark, "scopes": ["read:notes"] })).await;
        Place {
            project: project.clone(),
            organization: Identifiers { id, names: vec![format!("{name}-slug"), format!("{name}-external")] },
            member: Identifiers { id: text(&member["member_id"]), names: vec![format!("{name}-member")] },
            email_id: text(&login["method_id"]),
            email,
            session_id: text(&login["member_session"]["member_session_id"]),
            session_token: text(&login["session_token"]),
            session_jwt: text(&login["session_jwt"]),
            intermediate: text(&discovered["intermediate_session_token"]),
            link,
            client_id: text(&client["m2m_client"]["client_id"]),
        }
    }

    /// Everything that others must neither see nor change.
    async fn snapshot(&self, t: &Server) -> Value {
        let id = &self.organization.id;
        let get = async |path: String| t.call_as(&self.project, Method::GET, &path, None, &[]).await.ok();
        let all = json!({ "organization_ids": [id], "query": { "operator": "AND", "operands": [
            { "filter_name": "statuses", "filter_value": ["pending", "invited", "active", "deleted"] },
        ] } });
        let members = call(t, &self.project, Method::POST, "/v1/b2b/organizations/members/search", all).await;
        let sessions =
            get(format!("/v1/b2b/sessions?organization_id={id}&member_id={}", self.member.id)).await;
        let roles = get(format!("/v1/b2b/rbac/organizations/{id}")).await;
        let client = get(format!("/v1/m2m/clients/{}", self.client_id)).await;
        json!([
            members["members"],
            members["organizations"],
            sessions["member_sessions"],
            roles["org_policy"],
            client["m2m_client"]
        ])
    }

    /// The paths of a route that mean this place.
    fn paths(&self, route: &Route, style: Style) -> Vec<String> {
        let mut paths = vec![String::new()];
        for segment in route.path.trim_start_matches('/').split('/') {
            let values = match segment {
                "{organization_id}" => self.organization.all(style),
                "{member_id}" => self.member.all(style),
                "{project_id}" => vec![segment],
                "{public_token}" => vec!["{public_token}"],
                "{client_id}" => vec![self.client_id.as_str()],
                parameter if parameter.starts_with('{') => vec![self.email_id.as_str()],
                word => vec![word],
            };
            paths = paths
                .iter()
                .flat_map(|path| values.iter().map(move |value| format!("{path}/{value}")))
                .collect();
        }
        let project = self.project.project_id.to_string();
        let public_token = self.project.public_token.to_string();
        paths
            .iter()
            .map(|path| path.replace("{project_id}", &project).replace("{public_token}", &public_token))
            .collect()
    }

    /// Bodies that mean this place. Of what excludes each other, each body has one.
    fn bodies(&self, style: Style) -> Vec<Map<String, Value>> {
        let common = json!({
            "organization_id": self.organization.one(style), "organization_slug": self.organization.names[0],
            "organization_ids": self.organization.all(style), "code": "000000", "name": "New",
            "resource_id": "stytch.member", "action": "search", "org_policy": { "roles": [] }, "password": "correct horse battery",
            "query": { "operator": "OR", "operands": [
                { "filter_name": "member_emails", "filter_value": [self.email] },
                { "filter_name": "member_ids", "filter_value": [self.member.one(style)] },
            ] },
        });
        let choices = [
            json!({ "email_address": self.email, "invited_by_member_id": self.member.one(style) }),
            json!({ "email_address": "new@home.example", "email_id": self.email_id, "member_id": self.member.one(style) }),
            json!({ "member_id": self.member.one(style) }),
            json!({ "email_id": self.email_id }),
            json!({ "member_session_id": self.session_id }),
            json!({ "session_token": self.session_token, "email_address": self.email }),
            json!({ "session_jwt": self.session_jwt, "email_address": self.email }),
            json!({ "intermediate_session_token": self.intermediate, "email_address": self.email }),
            json!({
                "magic_links_token": self.link, "discovery_magic_links_token": self.link,
                "password_reset_token": self.link, "client_id": self.client_id,
            }),
        ];
        choices
            .into_iter()
            .map(|choice| match (common.clone(), choice) {
                (Value::Object(mut body), Value::Object(choice)) => {
                    body.extend(choice);
                    body
                }
                _ => unreachable!("bodies are objects"),
            })
            .collect()
    }
}

/// Who calls, always with credentials of home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    /// The secret key alone.
    Secret,
    /// The secret key on behalf of a member, by token.
    SecretWithToken,
    /// The secret key on behalf of a member, by signed token.
    SecretWithJwt,
    /// A browser that is not signed in.
    Anonymous,
    /// A browser with a session.
    Session,
}

impl Credential {
    fn is_of(self, surface: Surface) -> bool {
        match self {
            Credential::Secret | Credential::SecretWithToken | Credential::SecretWithJwt => {
                surface == Surface::Backend
            }
            Credential::Anonymous | Credential::Session => surface == Surface::Browser,
        }
    }

    /// Whether the member's organization bounds what a route does. The secret key alone may do all in its project, and
    /// where a route does not look at members, so may the key that names one (spec 03a §8).
    fn is_bound_to_organization(self, route: &Route) -> bool {
        match self {
            Credential::Secret => false,
            Credential::SecretWithToken | Credential::SecretWithJwt => route.access != Access::Project,
            Credential::Anonymous | Credential::Session => true,
        }
    }

    async fn send(
        self,
        t: &Server,
        home: &Place,
        route: &Route,
        path: &str,
        body: &Map<String, Value>,
    ) -> Answer {
        let public_token = home.project.public_token.to_string();
        let authorization = match self {
            Credential::Secret | Credential::SecretWithToken | Credential::SecretWithJwt => {
                basic(&home.project.project_id.to_string(), &home.project.secret)
            }
            Credential::Anonymous => basic(&public_token, &public_token),
            Credential::Session => basic(&public_token, &home.session_token),
        };
        let has_body = !matches!(route.method, Method::GET | Method::DELETE);
        let uri = if has_body { path.to_owned() } else { format!("{path}?{}", query(body)) };
        let mut request = Request::builder().method(route.method.clone()).uri(uri);
        request = request.header(AUTHORIZATION, authorization).header(CONTENT_TYPE, "application/json");
        request = match self {
            Credential::SecretWithToken => request.header("X-Stytch-Member-Session", &home.session_token),
            Credential::SecretWithJwt => request.header("X-Stytch-Member-SessionJWT", &home.session_jwt),
            Credential::Secret | Credential::Anonymous | Credential::Session => request,
        };
        let body = if has_body { Body::from(Value::Object(body.clone()).to_string()) } else { Body::empty() };
        t.send(request.body(body).expect("a request")).await
    }
}

fn query(body: &Map<String, Value>) -> String {
    let pairs = body.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What an anonymous visitor may learn of any organization, since sign-in pages show it: what it is called, how one signs
/// in, and whether an address is a member's.
const LOGIN_PAGES: [&str; 2] =
    ["/sdk/v1/b2b/organizations/search", "/sdk/v1/b2b/organizations/members/search"];

/// Calls every route as `credential`, with what belongs to `foreign` in the path, in the body, and in both.
async fn attack(t: &Server, credential: Credential, roles: &[&str], foreign: &Place, is_same_project: bool) {
    let before = foreign.snapshot(t).await;
    let mut home = Place::new(t, &t.project, "home", "plain", roles).await;
    let mut attempts = 0;
    for route in TABLE.iter().filter(|route| credential.is_of(route.surface)) {
        if is_same_project && !credential.is_bound_to_organization(route) {
            continue;
        }
        for style in [Style::Ids, Style::Names] {
            let [own_paths, foreign_paths] = [home.paths(route, style), foreign.paths(route, style)];
            let [own_bodies, foreign_bodies] = [home.bodies(style), foreign.bodies(style)];
            let is_named_in_path = own_paths != foreign_paths;
            for (paths, bodies, in_path) in [
                (&foreign_paths, &own_bodies, is_named_in_path),
                (&foreign_paths, &foreign_bodies, is_named_in_path),
                (&own_paths, &foreign_bodies, false),
            ] {
                if !is_named_in_path && std::ptr::eq(bodies, &own_bodies) {
                    continue;
                }
                for (path, body) in paths.iter().flat_map(|path| bodies.iter().map(move |body| (path, body)))
                {
                    // A session or a link of somebody is a credential and no identifier: whoever has it is that person.
                    let has_credential =
                        ["session_token", "session_jwt", "intermediate_session_token", "magic_links_token"]
                            .iter()
                            .any(|name| body.contains_key(*name));
                    if is_same_project && has_credential && std::ptr::eq(bodies, &foreign_bodies) {
                        continue;
                    }
                    attempts += 1;
                    let answer = credential.send(t, &home, route, path, body).await;
                    let what = || {
                        format!(
                            "{credential:?} {} {path} {}: {}",
                            route.method,
                            Value::Object(body.clone()),
                            answer.text
                        )
                    };
                    assert!(answer.status.as_u16() < 500, "{}", what());
                    assert!(!in_path || !answer.status.is_success(), "{}", what());
                    let may_tell = is_same_project && LOGIN_PAGES.contains(&route.path);
                    assert!(may_tell || !answer.text.contains(MARK), "{}", what());
                }
            }
            // Some calls end the caller's own session, member or organization.
            if !home.is_whole(t).await {
                home.remove(t).await;
                home = Place::new(t, &t.project, "home", "plain", roles).await;
            }
        }
        assert_eq!(foreign.snapshot(t).await, before, "{credential:?} {} {}", route.method, route.path);
    }
    assert!(attempts > 100, "only {attempts} attempts");
}

impl Place {
    /// Whether the member is still there and signed in.
    async fn is_whole(&self, t: &Server) -> bool {
        let body = json!({ "session_token": self.session_token });
        let alive =
            t.call_as(&self.project, Method::POST, "/v1/b2b/sessions/authenticate", Some(body), &[]).await;
        alive.status.is_success()
            && alive.body["member"]["external_id"] == json!(self.member.names[0])
            && alive.body["organization"]["organization_external_id"] == json!(self.organization.names[1])
            && alive.body["organization"]["organization_slug"] == json!(self.organization.names[0])
            && alive.body["member"]["email_address"] == json!(self.email)
    }

    async fn remove(&self, t: &Server) {
        let path = format!("/v1/b2b/organizations/{}", self.organization.id);
        t.call_as(&self.project, Method::DELETE, &path, None, &[]).await;
    }
}

/// One test for each caller and kind of others.
macro_rules! attacks {
    ($($name:ident: $credential:ident $roles:expr;)+) => {
        mod another_organization {
            use super::*;
            on_both_engines! {$(
                async fn $name(t) {
                    if Credential::$credential == Credential::Secret {
                        // The secret key may do all in its project.
                        return;
                    }
                    t.set(json!({ "lock": { "threshold": 100, "ttl_seconds": 300 } })).await;
                    let foreign = Place::new(&t, &t.project, "other", MARK, &[]).await;
                    attack(&t, Credential::$credential, $roles, &foreign, true).await;
                }
            )+}
        }
        mod another_project_of_the_same_kind {
            use super::*;
            on_both_engines! {$(
                async fn $name(t) {
                    let project = another_project(&t, EnvironmentKind::Test).await;
                    let foreign = Place::new(&t, &project, "other", MARK, &[]).await;
                    attack(&t, Credential::$credential, $roles, &foreign, false).await;
                }
            )+}
        }
        mod the_live_environment {
            use super::*;
            on_both_engines! {$(
                async fn $name(t) {
                    let project = another_project(&t, EnvironmentKind::Live).await;
                    let foreign = Place::new(&t, &project, "other", MARK, &[]).await;
                    attack(&t, Credential::$credential, $roles, &foreign, false).await;
                }
            )+}
        }
    };
}

attacks! {
    is_closed_to_a_secret: Secret &[];
    is_closed_to_an_administrator_on_the_server: SecretWithToken &["stytch_admin"];
    is_closed_to_an_administrator_with_a_signed_token: SecretWithJwt &["stytch_admin"];
    is_closed_to_a_member_on_the_server: SecretWithToken &[];
    is_closed_to_a_visitor: Anonymous &[];
    is_closed_to_an_administrator: Session &["stytch_admin"];
    is_closed_to_a_member: Session &[];
}

on_both_engines! {
    /// Credentials count only where they come from, and two that do not belong together are worth nothing.
    async fn credentials_of_different_projects_do_not_mix(t) {
        let project = another_project(&t, EnvironmentKind::Test).await;
        let home = Place::new(&t, &t.project, "home", MARK, &["stytch_admin"]).await;
        let other = Place::new(&t, &project, "other", MARK, &["stytch_admin"]).await;
        let before = [home.snapshot(&t).await, other.snapshot(&t).await];
        let id = |place: &Place| place.project.project_id.to_string();
        let token = |place: &Place| place.project.public_token.to_string();
        for route in TABLE.iter().filter(|route| matches!(route.surface, Surface::Backend | Surface::Browser)) {
            for place in [&home, &other] {
                let path = &place.paths(route, Style::Ids)[0];
                let body = &place.bodies(Style::Ids)[2];
                let pairs = if route.surface == Surface::Backend {
                    vec![
                        (basic(&id(&home), &other.project.secret), None),
                        (basic(&id(&other), &home.project.secret), None),
                        (basic(&token(&home), &home.project.secret), None),
                        (basic(&id(&home), &home.project.secret), Some(&other.session_token)),
                        (basic(&id(&other), &other.project.secret), Some(&home.session_token)),
                    ]
                } else {
                    vec![
                        (basic(&token(&home), &other.session_token), None),
                        (basic(&token(&other), &home.session_token), None),
                        (basic(&id(&home), &home.session_token), None),
                    ]
                };
                for (authorization, session) in pairs {
                    // A member that is not of the project matters only where members do.
                    let looks_at_members = !matches!(route.access, Access::Project | Access::Open);
                    let is_credential_enough = session.is_some() || route.surface == Surface::Browser;
                    if is_credential_enough && !looks_at_members {
                        continue;
                    }
                    let mut request = Request::builder().method(route.method.clone()).uri(path)
                        .header(AUTHORIZATION, &authorization).header(CONTENT_TYPE, "application/json");
                    if let Some(session) = session {
                        request = request.header("X-Stytch-Member-Session", session);
                    }
                    let body = Body::from(Value::Object(body.clone()).to_string());
                    let answer = t.send(request.body(body).expect("a request")).await;
                    let what = format!("{} {path}: {}", route.method, answer.text);
                    assert!(matches!(answer.status.as_u16(), 401 | 404), "{what}");
                    assert!(!answer.text.contains(MARK), "{what}");
                }
            }
        }
        assert_eq!([home.snapshot(&t).await, other.snapshot(&t).await], before);
    }

    /// The calls of the attacks are real ones: with the own identifiers they succeed.
    async fn with_ones_own_identifiers_the_same_calls_succeed(t) {
        for (credential, prefix) in [(Credential::Secret, "/v1/b2b/"), (Credential::SecretWithToken, "/v1/b2b/"), (Credential::Session, "/sdk/v1/b2b/")] {
            for path in ["organizations", "members", "member_id}/start_email_update", "reactivate", "rbac", "sessions", "invite"] {
                let routes: Vec<_> = TABLE.iter().filter(|route| {
                    credential.is_of(route.surface) && route.path.starts_with(prefix) && route.path.contains(path)
                }).collect();
                let mut succeeded = 0;
                for route in &routes {
                    let home = Place::new(&t, &t.project, "home", "plain", &["stytch_admin"]).await;
                    'route: for style in [Style::Ids, Style::Names] {
                        for path in home.paths(route, style) {
                            for body in home.bodies(style) {
                                if credential.send(&t, &home, route, &path, &body).await.status.is_success() {
                                    succeeded += 1;
                                    break 'route;
                                }
                            }
                        }
                    }
                    home.remove(&t).await;
                }
                let enough = routes.len().div_ceil(2);
                assert!(succeeded >= enough || path == "reactivate" || path == "rbac", "{credential:?} {path}: {succeeded} of {}", routes.len());
            }
        }
    }
}
