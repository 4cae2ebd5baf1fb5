//! Operators: callers of the management API.

use crate::harness::{Answer, Server, basic};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Method, Request};
use ostiary_core::project::KeyScope;
use ostiary_server::ops::management::keys::{self, CreatedKey};
use serde_json::{Value, json};

pub const PROJECTS: &str = "/pwa/v3/projects";
pub const TEST: &str = "/pwa/v3/projects/acme/environments/test";

/// An operator with a key.
pub struct Operator<'a> {
    server: &'a Server,
    pub key: CreatedKey,
}

impl<'a> Operator<'a> {
    pub async fn new(server: &'a Server, scopes: &[KeyScope]) -> Self {
        Operator { server, key: keys::create(&server.app, "test", scopes).await.expect("a key can be made") }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, basic(&self.key.id, &self.key.secret))
            .header(CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.server.send(request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// A project `acme` with the environments `production` and `test`.
    pub async fn acme(&self) {
        self.post(PROJECTS, json!({"name": "Acme", "vertical": "B2B", "project_slug": "acme"})).await.ok();
        let environments = format!("{PROJECTS}/acme/environments");
        for (slug, kind) in [("production", "LIVE"), ("test", "TEST")] {
            let new = json!({"name": slug, "type": kind, "environment_slug": slug});
            self.post(&environments, new).await.ok();
        }
    }

    /// Where the environment of the test's own project is, under `/pwa/v3` or `/admin/v1`.
    pub fn own_place(&self, prefix: &str) -> String {
        let project = self.server.app.projects.by_id(self.server.project.project_id).expect("it is there");
        let environment = &project.environment;
        format!("{prefix}/projects/{}/environments/{}", environment.project_slug, environment.slug)
    }
}
