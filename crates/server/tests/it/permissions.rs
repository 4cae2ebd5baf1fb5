//! Every endpoint that asks for one permission, called with roles that have it, lack it, or have just lost it. The calls
//! are generated from the route table; what each route asks for is compared with `docs/contract/gates.tsv` elsewhere
//! (`tests/gates.rs`). Routes that ask for each field or for a target found later have tests of their own.

use crate::callers::{
    Caller, Session, backend, backend_as, browser_as, set_policy, sign_in, signed_in, text,
};
use crate::harness::{Answer, Server};
use crate::on_both_engines;
use axum::http::Method;
use ostiary_core::rbac::{MEMBER_RESOURCE, Policy, SELF_RESOURCE};
use ostiary_server::http::access::Access;
use ostiary_server::http::routes::{Route, Surface, TABLE};
use serde_json::{Value, json};

/// An organization with somebody who acts and somebody else.
struct Crew {
    organization: String,
    actor: Session,
    target: String,
}

impl Crew {
    /// `number` keeps the addresses of one test apart.
    async fn new(t: &Server, number: usize) -> Self {
        let organization = t.organization("Acme", json!({})).await;
        let actor = signed_in(t, &organization, &format!("actor{number}@acme.example"), &[]).await;
        let target = t.member(&organization, &format!("target{number}@acme.example"), json!({})).await;
        Crew { organization, actor, target }
    }

    /// Gives the actor a role with these actions on a resource, and no other role.
    async fn grant(&self, t: &Server, resource_id: &str, actions: &[&str]) {
        let permissions = json!([{ "resource_id": resource_id, "actions": actions }]);
        let roles = json!([{ "role_id": "acting", "description": "", "permissions": permissions }]);
        let policy = format!("/v1/b2b/rbac/organizations/{}", self.organization);
        t.put(&policy, json!({ "org_policy": { "roles": roles } })).await.ok();
        self.assign(t, &["acting"]).await;
    }

    async fn assign(&self, t: &Server, roles: &[&str]) {
        let actor = format!("/v1/b2b/organizations/{}/members/{}", self.organization, self.actor.member_id);
        t.put(&actor, json!({ "roles": roles })).await.ok();
    }

    /// Calls a route on behalf of the actor.
    async fn call(&self, t: &Server, route: &Route, target: &str) -> Answer {
        let path = route.path.replace("{organization_id}", &self.organization).replace("{member_id}", target);
        let body = json!({
            "organization_id": self.organization, "organization_ids": [self.organization], "member_id": target,
            "email_address": "new@acme.example",
        });
        let caller = match route.surface {
            Surface::Browser => browser_as(t, &self.actor),
            _ => backend_as(t, &self.actor),
        };
        send(&caller, &route.method, &path, body).await
    }
}

async fn send(caller: &Caller<'_>, method: &Method, path: &str, body: Value) -> Answer {
    match method.as_str() {
        "GET" => caller.get(path).await,
        "POST" => caller.post(path, body).await,
        "PUT" => caller.put(path, body).await,
        "DELETE" => caller.delete(path).await,
        other => panic!("no route has the method {other}"),
    }
}

/// Whatever the call met behind its gate, it was let in.
#[track_caller]
fn is_let_in(answer: &Answer) {
    let refused = matches!(
        answer.body["error_type"].as_str(),
        Some("session_authorization_error" | "session_authorization_tenancy_error" | "session_not_found")
    );
    assert!(!refused && answer.status.as_u16() < 500, "{}", answer.text);
}

/// All actions of a built-in resource but one.
fn others(resource_id: &str, action: &str) -> Vec<String> {
    let policy = Policy::builtin();
    let resource = policy.resources.iter().find(|known| known.resource_id == resource_id);
    let actions = &resource.expect("a built-in resource").actions;
    actions.iter().filter(|known| *known != action).cloned().collect()
}

/// The routes that ask for one permission, with its resource and action.
fn gated(is_on_self: bool) -> impl Iterator<Item = (&'static Route, &'static str, &'static str)> {
    TABLE.iter().filter_map(move |route| {
        let (resource, action) = match route.access {
            Access::Permission(resource, action) => (resource, action),
            Access::OnMember(action) => (MEMBER_RESOURCE, action),
            Access::OnSelf(action) => (SELF_RESOURCE, action),
            _ => return None,
        };
        ((resource == SELF_RESOURCE) == is_on_self).then_some((route, resource, action))
    })
}

on_both_engines! {
    async fn one_permission_opens_each_endpoint_and_its_loss_closes_it_at_once(t) {
        let refused = |answer: Answer| answer.fails(403, "session_authorization_error");
        for (number, (route, resource, action)) in gated(false).enumerate() {
            let crew = Crew::new(&t, number).await;
            refused(crew.call(&t, route, &crew.target).await);
            let others = others(resource, action);
            crew.grant(&t, resource, &others.iter().map(String::as_str).collect::<Vec<_>>()).await;
            refused(crew.call(&t, route, &crew.target).await);
            crew.grant(&t, resource, &["*"]).await;
            crew.assign(&t, &[]).await;
            refused(crew.call(&t, route, &crew.target).await);
            crew.grant(&t, resource, &[action]).await;
            is_let_in(&crew.call(&t, route, &crew.target).await);

            let crew = Crew::new(&t, number).await;
            crew.grant(&t, resource, &["*"]).await;
            is_let_in(&crew.call(&t, route, &crew.target).await);
        }
    }

    async fn what_is_allowed_on_oneself_is_not_allowed_on_others(t) {
        let routes = TABLE.iter().filter(|route| matches!(route.access, Access::OnMember(_)));
        for (number, route) in routes.enumerate() {
            let crew = Crew::new(&t, number).await;
            crew.call(&t, route, &crew.target).await.fails(403, "session_authorization_error");
            is_let_in(&crew.call(&t, route, &crew.actor.member_id).await);
        }
    }

    async fn the_own_member_is_gated_too(t) {
        t.set(json!({ "default_roles_as_written": true })).await;
        let set = async |actions: &[&str]| {
            let permissions = json!([{ "resource_id": SELF_RESOURCE, "actions": actions }]);
            set_policy(&t, json!({ "stytch_member": { "permissions": permissions } })).await.expect("a policy");
        };
        for (number, (route, resource, action)) in gated(true).enumerate() {
            let crew = Crew::new(&t, number).await;
            let own = &crew.actor.member_id;
            let others = others(resource, action);
            set(&others.iter().map(String::as_str).collect::<Vec<_>>()).await;
            crew.call(&t, route, own).await.fails(403, "session_authorization_error");
            set(&[action]).await;
            is_let_in(&crew.call(&t, route, own).await);
            set(&["*"]).await;
            is_let_in(&crew.call(&t, route, own).await);
        }
    }

    async fn the_headers_name_one_living_session(t) {
        let acme = t.organization("Acme", json!({ "organization_slug": "acme" })).await;
        t.member(&acme, "ada@acme.example", json!({ "roles": ["stytch_admin"] })).await;
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let (token, jwt) = (text(&login["session_token"]), text(&login["session_jwt"]));
        let path = "/v1/b2b/organizations/acme";
        let rename = async |headers: &[(&str, &str)]| {
            let body = Some(json!({ "organization_name": "Acme Corp" }));
            t.call_as(&t.project, Method::PUT, path, body, headers).await
        };
        const TOKEN: &str = "X-Stytch-Member-Session";
        const JWT: &str = "X-Stytch-Member-SessionJWT";
        rename(&[(TOKEN, &token)]).await.ok();
        rename(&[(JWT, &jwt)]).await.ok();
        rename(&[(TOKEN, &token), (JWT, &jwt)]).await.fails(400, "too_many_session_arguments");
        rename(&[(TOKEN, "garbage")]).await.fails(404, "session_not_found");
        rename(&[(JWT, "garbage")]).await.fails(400, "unable_to_parse_session_jwt");
        let forged = format!("{}x", &jwt[..jwt.len() - 1]);
        assert_ne!(rename(&[(JWT, &forged)]).await.status, 200);
        // Where no permission counts, the headers do not either.
        t.call_as(&t.project, Method::GET, path, None, &[(TOKEN, "garbage")]).await.ok();
        // A JWT that has expired still names its session, and the session is asked.
        t.advance_minutes(6);
        rename(&[(JWT, &jwt)]).await.ok();
        backend(&t).post("/v1/b2b/sessions/revoke", json!({ "session_token": token })).await.ok();
        rename(&[(JWT, &jwt)]).await.fails(404, "session_not_found");
        rename(&[(TOKEN, &token)]).await.fails(404, "session_not_found");
    }

    async fn a_check_answers_in_order_and_a_failed_one_changes_nothing(t) {
        let acme = t.organization("Acme", json!({ "organization_slug": "acme" })).await;
        let globex = t.organization("Globex", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let check = async |token: &str, organization_id: &str, resource_id: &str, action: &str| {
            let check = json!({ "organization_id": organization_id, "resource_id": resource_id, "action": action });
            let body = json!({ "session_token": token, "session_duration_minutes": 500, "authorization_check": check });
            t.post("/v1/b2b/sessions/authenticate", body).await
        };
        let read = async || {
            let path = format!("/v1/b2b/sessions?organization_id={acme}&member_id={}", ada.member_id);
            t.get(&path).await.ok()["member_sessions"].clone()
        };
        let before = read().await;
        t.advance_minutes(2);
        check("garbage", &globex, "stytch.member", "create").await.fails(404, "session_not_found");
        check(&ada.token, &globex, "stytch.member", "create").await.fails(403, "session_authorization_tenancy_error");
        check(&ada.token, "ghost", "stytch.member", "create").await.fails(403, "session_authorization_tenancy_error");
        check(&ada.token, &acme, "stytch.member", "create").await.fails(403, "session_authorization_error");
        check(&ada.token, &acme, "nothing", "at-all").await.fails(403, "session_authorization_error");
        for incomplete in [
            json!({}),
            json!({ "organization_id": acme }),
            json!({ "organization_id": acme, "resource_id": "stytch.self" }),
            json!({ "resource_id": "stytch.self", "action": "delete" }),
        ] {
            let body = json!({ "session_token": ada.token, "authorization_check": incomplete });
            t.post("/v1/b2b/sessions/authenticate", body).await.fails(400, "invalid_argument");
        }
        assert_eq!(read().await, before, "neither its end nor its last use has moved");
        for organization in [acme.as_str(), "acme"] {
            let granted = check(&ada.token, organization, "stytch.self", "delete").await.ok();
            assert_eq!(granted["verdict"], json!({ "authorized": true, "granting_roles": ["stytch_member"] }));
        }
        assert_ne!(read().await[0]["expires_at"], before[0]["expires_at"]);
        sign_in(&t, &acme, "ada@acme.example").await;
    }
}
