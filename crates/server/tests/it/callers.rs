//! Callers of both surfaces that take the same calls, so that one test can compare what either may do.

use crate::harness::{Answer, Server, basic};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request, StatusCode};
use ostiary_core::error::Error;
use ostiary_core::ids::EnvironmentKind;
use ostiary_server::ops::policy;
use ostiary_server::ops::projects::{self, CreatedProject, NewProject};
use serde_json::{Value, json};

/// A member who is signed in.
pub struct Session {
    pub token: String,
    pub member_id: String,
}

/// Somebody who calls the server.
pub struct Caller<'a> {
    server: &'a Server,
    authorization: String,
    member_session: Option<String>,
    is_browser: bool,
}

/// The server API with all its power.
pub fn backend(server: &Server) -> Caller<'_> {
    backend_of(server, &server.project)
}

/// The server API of some project.
pub fn backend_of<'a>(server: &'a Server, project: &CreatedProject) -> Caller<'a> {
    let authorization = basic(&project.project_id.to_string(), &project.secret);
    Caller { server, authorization, member_session: None, is_browser: false }
}

/// The server API on behalf of a member.
pub fn backend_as<'a>(server: &'a Server, session: &Session) -> Caller<'a> {
    Caller { member_session: Some(session.token.clone()), ..backend(server) }
}

/// The browser API without a session.
pub fn browser(server: &Server) -> Caller<'_> {
    let token = server.project.public_token.to_string();
    Caller { server, authorization: basic(&token, &token), member_session: None, is_browser: true }
}

/// The browser API with a session.
pub fn browser_as<'a>(server: &'a Server, session: &Session) -> Caller<'a> {
    let authorization = basic(&server.project.public_token.to_string(), &session.token);
    Caller { authorization, ..browser(server) }
}

impl Caller<'_> {
    /// Whether this is the browser API.
    pub fn is_browser(&self) -> bool {
        self.is_browser
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let said = body.as_ref().map(Value::to_string).unwrap_or_default();
        let what = format!("{method} {path} {said}");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.member_session {
            request = request.header("X-Stytch-Member-Session", token);
        }
        let request = request.body(Body::from(said)).expect("a request");
        let mut answer = self.server.send(request).await;
        // Tests of tables say which line failed.
        answer.text = format!("{what}: {}", answer.text);
        if self.is_browser && answer.status == StatusCode::OK {
            answer.body = answer.body["data"].take();
        }
        answer
    }
}

/// Signs a member in with a code from its mail.
pub async fn sign_in(server: &Server, organization: &str, email: &str) -> Session {
    let answer = server.sign_in(organization, email).await;
    Session { token: text(&answer["session_token"]), member_id: text(&answer["member_id"]) }
}

/// A new member with these roles, signed in.
pub async fn signed_in(server: &Server, organization: &str, email: &str, roles: &[&str]) -> Session {
    server.member(organization, email, json!({ "roles": roles })).await;
    sign_in(server, organization, email).await
}

/// Gives the project these roles: their id, and the actions that they grant on one resource.
pub async fn set_roles(server: &Server, roles: &[(&str, &str, &[&str])]) {
    let role = |(role_id, resource_id, actions): &(&str, &str, &[&str])| json!({ "role_id": role_id, "permissions": [{ "resource_id": resource_id, "actions": actions }] });
    let document = json!({ "roles": roles.iter().map(role).collect::<Vec<_>>() });
    set_policy(server, document).await.expect("a policy that an operator could write");
}

/// Sets the policy of the project, and gives how many members lost a role.
pub async fn set_policy(server: &Server, document: Value) -> Result<u64, Error> {
    let project = server.app.projects.by_id(server.project.project_id).expect("the project is there");
    Ok(policy::set(&server.app, &project, &document).await?.members_changed)
}

/// Whether a session is alive.
pub async fn is_alive(server: &Server, session: &Session) -> bool {
    let body = json!({ "session_token": session.token });
    server.post("/v1/b2b/sessions/authenticate", body).await.status == StatusCode::OK
}

/// Another project of the same server.
pub async fn another_project(server: &Server, kind: EnvironmentKind) -> CreatedProject {
    let new = NewProject { name: "Globex Notes".into(), kind, redirect_urls: Vec::new(), secret: None };
    projects::create(&server.app, new).await.expect("a project can be created")
}

/// A text of an answer.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The keys of an object, sorted.
#[track_caller]
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
