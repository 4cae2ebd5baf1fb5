//! Policies of projects, roles of organizations, and what they mean in sessions.

use crate::callers::{
    Session, backend, backend_as, browser, browser_as, set_policy, sign_in, signed_in, text,
};
use crate::harness::{Answer, Server, claims};
use crate::on_both_engines;
use ostiary_server::ops::policy;
use serde_json::{Value, json};

const SESSIONS: &str = "/v1/b2b/sessions/authenticate";

fn path(organization: &str) -> String {
    format!("/v1/b2b/rbac/organizations/{organization}")
}

fn role(role_id: &str, resource_id: &str, actions: &[&str]) -> Value {
    json!({
        "role_id": role_id, "description": "",
        "permissions": [{ "resource_id": resource_id, "actions": actions }],
    })
}

fn roles(roles: &[Value]) -> Value {
    json!({ "org_policy": { "roles": roles } })
}

/// The policy of a project that has invoices.
async fn sell_invoices(t: &Server) {
    let policy = json!({
        "resources": [{ "resource_id": "invoice", "description": "", "actions": ["read", "write", "export"] }],
        "roles": [role("editor", "invoice", &["read", "write"]), role("owner", "invoice", &["*"])],
    });
    set_policy(t, policy).await.expect("a policy that an operator could write");
}

async fn set_organization_roles(t: &Server, organization: &str, list: &[Value]) {
    t.put(&path(organization), roles(list)).await.ok();
}

async fn set_member_roles(t: &Server, organization: &str, member: &str, list: &[&str]) -> Answer {
    let path = format!("/v1/b2b/organizations/{organization}/members/{member}");
    t.put(&path, json!({ "roles": list })).await
}

async fn get_member(t: &Server, organization: &str, member: &str) -> Value {
    let path = format!("/v1/b2b/organizations/{organization}/member?member_id={member}");
    backend(t).get(&path).await.ok()["member"].clone()
}

fn role_ids(holder: &Value) -> Vec<String> {
    let id = |role: &Value| text(role.get("role_id").unwrap_or(role));
    holder["roles"].as_array().expect("roles").iter().map(id).collect()
}

async fn check(t: &Server, session: &Session, organization: &str, action: &str) -> Answer {
    let wish = json!({ "organization_id": organization, "resource_id": "invoice", "action": action });
    t.post(SESSIONS, json!({ "session_token": session.token, "authorization_check": wish })).await
}

on_both_engines! {
    async fn an_organization_gets_roles_of_its_own(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({ "organization_slug": "acme", "organization_external_id": "crm-acme" })).await;
        let none = t.get(&path(&acme)).await.ok();
        assert_eq!(none["org_policy"], json!({ "roles": [] }));
        let clerk = json!({
            "role_id": "clerk", "description": "Stamps invoices.",
            "permissions": [
                { "resource_id": "invoice", "actions": ["read", "export"] },
                { "resource_id": "stytch.member", "actions": ["search"] },
            ],
        });
        let list = [clerk, role("cashier", "invoice", &["*"])];
        for identifier in [acme.as_str(), "acme", "crm-acme"] {
            let answer = t.put(&path(identifier), roles(&list)).await.ok();
            assert_eq!(answer["org_policy"], json!({ "roles": list }));
        }
        assert_eq!(t.get(&path("acme")).await.ok()["org_policy"], json!({ "roles": list }));
        let organization = t.get(&format!("/v1/b2b/organizations/{acme}")).await.ok();
        assert_eq!(organization["organization"]["custom_roles"], json!(list));
        // The project's policy has nothing of them.
        let policy = t.get("/v1/b2b/rbac/policy").await.ok();
        assert!(!role_ids(&policy["policy"]).contains(&"clerk".to_owned()));
        // Setting replaces all.
        set_organization_roles(&t, &acme, &[]).await;
        assert_eq!(t.get(&path(&acme)).await.ok()["org_policy"], json!({ "roles": [] }));
        t.put(&path("ghost"), roles(&list)).await.fails(404, "organization_not_found");
    }

    async fn every_broken_rule_of_an_organizations_roles_has_its_error(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        let kept = [role("clerk", "invoice", &["read"])];
        set_organization_roles(&t, &acme, &kept).await;
        let with = |change: &dyn Fn(&mut Value)| {
            let mut role = role("clerk", "invoice", &["read"]);
            change(&mut role);
            roles(&[role])
        };
        let many: Vec<Value> = (0..101).map(|index| role(&format!("r{index}"), "invoice", &["read"])).collect();
        for (body, expected) in [
            (json!({}), "bad_request"),
            (json!({ "org_policy": [] }), "bad_request"),
            (json!({ "org_policy": {} }), "invalid_rbac_custom_role"),
            (json!({ "org_policy": { "roles": {} } }), "invalid_rbac_custom_role"),
            (json!({ "org_policy": { "roles": [7] } }), "invalid_rbac_custom_role"),
            (with(&|role| role["role_id"] = json!(7)), "invalid_rbac_custom_role"),
            (with(&|role| role["permissions"][0]["actions"] = json!("read")), "invalid_rbac_custom_role"),
            (with(&|role| role["role_id"] = json!("")), "empty_rbac_role_id"),
            (with(&|role| role["role_id"] = json!("a b")), "invalid_rbac_role_id"),
            (with(&|role| role["role_id"] = json!("cl\u{435}rk")), "invalid_rbac_role_id"),
            (with(&|role| role["role_id"] = json!("x".repeat(129))), "rbac_role_id_too_long"),
            (with(&|role| role["description"] = json!("x".repeat(1025))), "rbac_description_too_long"),
            (with(&|role| role["permissions"] = json!([])), "rbac_role_missing_permissions"),
            (with(&|role| role["permissions"][0]["actions"] = json!([])), "rbac_permission_missing_actions"),
            (with(&|role| role["permissions"][0]["actions"] = json!(["read", "read"])), "rbac_action_duplicate"),
            (with(&|role| role["permissions"][0]["actions"] = json!(["read", "*"])), "cannot_specify_wildcard_with_other_actions"),
            (with(&|role| role["permissions"][0]["actions"] = json!(["shred"])), "invalid_permission_action"),
            (with(&|role| role["permissions"][0]["resource_id"] = json!("report")), "invalid_permission_resource"),
            (with(&|role| role["permissions"] = json!([role["permissions"][0], role["permissions"][0]])), "rbac_resource_duplicate"),
            (with(&|role| role["role_id"] = json!("stytch_admin")), "rbac_org_custom_roles_only"),
            (with(&|role| role["role_id"] = json!("stytch_clerk")), "rbac_org_custom_roles_only"),
            (with(&|role| role["role_id"] = json!("editor")), "rbac_role_duplicate"),
            (roles(&[kept[0].clone(), kept[0].clone()]), "rbac_role_duplicate"),
            (roles(&many), "too_many_roles"),
        ] {
            let refused = t.put(&path(&acme), body.clone()).await.fails(400, expected);
            let says_where = refused["error_details"]["at"].is_string() || expected == "bad_request";
            assert!(says_where, "{body}: {refused}");
        }
        assert_eq!(t.get(&path(&acme)).await.ok()["org_policy"], json!({ "roles": kept }));
        set_organization_roles(&t, &acme, &many[..100]).await;
    }

    async fn roles_of_an_organization_count_in_its_sessions_and_nowhere_else(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        set_organization_roles(&t, &acme, &[role("clerk", "invoice", &["export"])]).await;
        // W-07: the same name means what each organization says.
        set_organization_roles(&t, &globex, &[role("clerk", "invoice", &["read"])]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &["clerk", "editor"]).await;
        let eve = signed_in(&t, &globex, "eve@globex.example", &["clerk"]).await;

        let session = t.post(SESSIONS, json!({ "session_token": ada.token })).await.ok();
        assert_eq!(role_ids(&session["member_session"]), ["stytch_member", "clerk", "editor"]);
        let jwt = claims(&text(&session["session_jwt"]));
        assert_eq!(jwt["https://stytch.com/session"]["roles"], json!(["stytch_member", "clerk", "editor"]));
        let verdict = check(&t, &ada, &acme, "export").await.ok()["verdict"].clone();
        assert_eq!(verdict, json!({ "authorized": true, "granting_roles": ["clerk"] }));
        let verdict = check(&t, &ada, &acme, "read").await.ok()["verdict"].clone();
        assert_eq!(verdict["granting_roles"], json!(["editor"]));
        check(&t, &eve, &globex, "export").await.fails(403, "session_authorization_error");
        check(&t, &eve, &globex, "read").await.ok();
        check(&t, &ada, &globex, "read").await.fails(403, "session_authorization_tenancy_error");

        set_organization_roles(&t, &globex, &[]).await;
        let eve_id = eve.member_id.as_str();
        set_member_roles(&t, &globex, eve_id, &["clerk"]).await.fails(400, "invalid_role");
    }

    async fn a_role_that_is_deleted_is_nobodys_and_stays_so(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let (clerk, cashier) = (role("clerk", "invoice", &["export"]), role("cashier", "invoice", &["read"]));
        for organization in [&acme, &globex] {
            set_organization_roles(&t, organization, &[clerk.clone(), cashier.clone()]).await;
        }
        let assign = json!({ "rbac_email_implicit_role_assignments": [
            { "domain": "acme.example", "role_id": "clerk" }, { "domain": "acme.example", "role_id": "cashier" },
        ] });
        t.put(&format!("/v1/b2b/organizations/{acme}"), assign).await.ok();
        let mut people = Vec::new();
        for (index, held) in [&["clerk"][..], &["clerk", "editor"], &["editor", "clerk", "cashier"], &["editor", "clerk"]].iter().enumerate() {
            people.push(signed_in(&t, &acme, &format!("m{index}@else.example"), held).await);
        }
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let eve = signed_in(&t, &globex, "eve@globex.example", &["clerk"]).await;
        check(&t, &ada, &acme, "export").await.ok();

        set_organization_roles(&t, &acme, std::slice::from_ref(&cashier)).await;
        for session in people.iter().chain([&ada]) {
            check(&t, session, &acme, "export").await.fails(403, "session_authorization_error");
        }
        let organization = t.get(&format!("/v1/b2b/organizations/{acme}")).await.ok();
        let implicit = &organization["organization"]["rbac_email_implicit_role_assignments"];
        assert_eq!(implicit, &json!([{ "domain": "acme.example", "role_id": "cashier" }]));
        // Nobody finds that it holds a role of this name again.
        set_organization_roles(&t, &acme, &[clerk, cashier]).await;
        let expected = [&["stytch_member"][..], &["stytch_member", "editor"], &["stytch_member", "cashier", "editor"], &["stytch_member", "editor"]];
        for (session, expected) in people.iter().zip(expected) {
            assert_eq!(role_ids(&get_member(&t, &acme, &session.member_id).await), expected);
        }
        assert_eq!(role_ids(&get_member(&t, &acme, &ada.member_id).await), ["stytch_member", "cashier"]);
        check(&t, &eve, &globex, "export").await.ok();
    }

    async fn members_define_roles_as_far_as_their_own_go(t) {
        let of_roles = "stytch.custom-org-roles";
        let policy = json!({
            "resources": [{ "resource_id": "invoice", "actions": ["read", "write", "export"] }],
            "roles": [
                role("editor", "invoice", &["read", "write"]), role("maker", of_roles, &["create"]),
                role("changer", of_roles, &["update"]), role("remover", of_roles, &["delete"]),
            ],
        });
        set_policy(&t, policy).await.expect("a policy");
        let acme = t.organization("Acme", json!({})).await;
        let actor = async |name: &str, roles: &[&str]| signed_in(&t, &acme, &format!("{name}@acme.example"), roles).await;
        let member = actor("member", &["editor"]).await;
        let maker = actor("maker", &["editor", "maker"]).await;
        let changer = actor("changer", &["editor", "changer"]).await;
        let remover = actor("remover", &["remover"]).await;
        let admin = actor("admin", &["stytch_admin"]).await;
        let put = async |session: &Session, list: &[Value]| backend_as(&t, session).put(&path(&acme), roles(list)).await;
        let refusal = "session_authorization_error";

        let (reader, writer) = (role("reader", "invoice", &["read"]), role("reader", "invoice", &["write"]));
        for session in [&member, &changer, &remover] {
            put(session, std::slice::from_ref(&reader)).await.fails(403, refusal);
        }
        put(&maker, std::slice::from_ref(&reader)).await.ok();
        // What stays as it is needs nothing.
        put(&member, std::slice::from_ref(&reader)).await.ok();
        for session in [&member, &maker, &remover] {
            put(session, std::slice::from_ref(&writer)).await.fails(403, refusal);
        }
        put(&changer, std::slice::from_ref(&writer)).await.ok();
        for session in [&member, &maker, &changer] {
            put(session, &[]).await.fails(403, refusal);
        }
        put(&remover, &[]).await.ok();

        // nobody defines a role that can do more than its author.
        put(&maker, &[role("exporter", "invoice", &["export"])]).await.fails(403, refusal);
        put(&maker, &[role("exporter", "invoice", &["*"])]).await.fails(403, refusal);
        put(&maker, &[role("boss", "stytch.member", &["*"])]).await.fails(403, refusal);
        put(&admin, &[role("boss", "stytch.member", &["*"])]).await.ok();
        put(&admin, &[role("boss", "invoice", &["read"])]).await.fails(403, refusal);
        // And only at home.
        let globex = t.organization("Globex", json!({})).await;
        backend_as(&t, &admin).put(&path(&globex), roles(&[])).await.fails(403, "session_authorization_tenancy_error");
    }

    async fn where_the_project_says_so_nobody_hands_out_more_than_it_holds(t) {
        let policy = json!({
            "resources": [{ "resource_id": "invoice", "actions": ["read", "write"] }],
            "roles": [
                role("reader", "invoice", &["read"]), role("writer", "invoice", &["*"]),
                { "role_id": "lead", "permissions": [
                    { "resource_id": "invoice", "actions": ["read"] },
                    { "resource_id": "stytch.member", "actions": ["create", "update.settings.roles", "update.info.name"] },
                    { "resource_id": "stytch.organization", "actions": ["update.settings.implicit-roles"] },
                ] },
            ],
        });
        set_policy(&t, policy).await.expect("a policy");
        let acme = t.organization("Acme", json!({})).await;
        let lead = signed_in(&t, &acme, "lead@acme.example", &["lead"]).await;
        let boss = t.member(&acme, "boss@acme.example", json!({ "roles": ["stytch_admin"] })).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        let mut count = 0;
        let mut fresh = || { count += 1; format!("m{count}@acme.example") };
        for guarded in [false, true] {
            t.set(json!({ "grant_only_held_permissions": guarded })).await;
            for caller in [backend_as(&t, &lead), browser_as(&t, &lead)] {
                let (members, organization, invite) = if caller.is_browser() {
                    ("/sdk/v1/b2b/organizations/members".to_owned(), "/sdk/v1/b2b/organizations/me".to_owned(), "/sdk/v1/b2b/magic_links/email/invite")
                } else {
                    (format!("/v1/b2b/organizations/{acme}/members"), format!("/v1/b2b/organizations/{acme}"), "/v1/b2b/magic_links/email/invite")
                };
                let judge = |answer: Answer, held: bool| if held || !guarded {
                    answer.ok();
                } else {
                    answer.fails(403, "session_authorization_error");
                };
                for (role, held) in [("reader", true), ("lead", true), ("writer", false), ("stytch_admin", false)] {
                    let created = caller.post(&members, json!({ "email_address": fresh(), "roles": [role] })).await;
                    judge(created, held);
                    let body = json!({ "organization_id": acme, "email_address": fresh(), "roles": [role] });
                    judge(caller.post(invite, body).await, held);
                    set_member_roles(&t, &acme, &bob, &[]).await.ok();
                    judge(caller.put(&format!("{members}/{bob}"), json!({ "roles": [role] })).await, held);
                    let clear = json!({ "rbac_email_implicit_role_assignments": [] });
                    t.put(&format!("/v1/b2b/organizations/{acme}"), clear).await.ok();
                    let body = json!({ "rbac_email_implicit_role_assignments": [{ "domain": "acme.example", "role_id": role }] });
                    judge(caller.put(&organization, body).await, held);
                }
                // What somebody has already can be sent along, and taken away.
                caller.put(&format!("{members}/{boss}"), json!({ "roles": ["stytch_admin", "reader"] })).await.ok();
                caller.put(&format!("{members}/{boss}"), json!({ "roles": ["stytch_admin"] })).await.ok();
            }
        }
        // The secret key may do all.
        set_member_roles(&t, &acme, &bob, &["stytch_admin"]).await.ok();
    }

    async fn a_projects_policy_is_set_as_a_whole_or_not_at_all(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        set_organization_roles(&t, &acme, &[role("clerk", "invoice", &["export"])]).await;
        let before = t.get("/v1/b2b/rbac/policy").await.ok()["policy"].clone();
        let invoice = |actions: &[&str]| json!({ "resource_id": "invoice", "actions": actions });
        for (document, expected) in [
            (json!({ "resources": [] }), "rbac_cannot_delete_attribute_used_in_org_policy"),
            (json!({ "resources": [invoice(&["read"])] }), "rbac_cannot_delete_attribute_used_in_org_policy"),
            (json!({ "resources": [invoice(&["export"])], "roles": [role("clerk", "invoice", &["export"])] }), "rbac_role_duplicate"),
            (json!({ "resources": [invoice(&["export"])], "roles": [role("stytch_boss", "invoice", &["export"])] }), "invalid_rbac_stytch_role_edit"),
            (json!({ "resources": [invoice(&["export"]), { "resource_id": "stytch.x", "actions": ["a"] }] }), "invalid_stytch_prefixed_resource"),
            (json!({ "resources": [invoice(&["export"])], "scopes": [{ "scope": "openid", "permissions": [] , "description": "x" }] }), "rbac_reserved_scope"),
            (json!({ "rolez": [] }), "invalid_argument"),
        ] {
            let error = set_policy(&t, document.clone()).await.expect_err("a policy that is refused");
            assert_eq!(error.kind.name(), expected, "{document}");
        }
        assert_eq!(t.get("/v1/b2b/rbac/policy").await.ok()["policy"], before);
        // What was read can be written back.
        set_policy(&t, before.clone()).await.expect("the same policy");
        assert_eq!(t.get("/v1/b2b/rbac/policy").await.ok()["policy"], before);
    }

    async fn two_operators_do_not_overwrite_each_other(t) {
        let project = t.app.projects.by_id(t.project.project_id).expect("the project");
        let document = json!({ "resources": [{ "resource_id": "invoice", "actions": ["read"] }] });
        policy::set(&t.app, &project, &document).await.expect("the first is in time");
        let late = json!({ "resources": [{ "resource_id": "report", "actions": ["read"] }] });
        let error = policy::set(&t.app, &project, &late).await.err().expect("the second is late");
        assert_eq!(error.kind.name(), "server_unavailable");
        let policy = t.get("/v1/b2b/rbac/policy").await.ok();
        assert_eq!(policy["policy"]["resources"][6]["resource_id"], "invoice");
        // And the roles of an organization are not judged by a policy that is gone.
        let acme = t.organization("Acme", json!({})).await;
        set_organization_roles(&t, &acme, &[role("clerk", "invoice", &["read"])]).await;
    }

    async fn a_role_that_leaves_the_policy_is_taken_back_from_everybody(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({ "rbac_email_implicit_role_assignments": [
            { "domain": "acme.example", "role_id": "editor" }, { "domain": "acme.example", "role_id": "stytch_admin" },
        ] })).await;
        set_organization_roles(&t, &acme, &[role("clerk", "invoice", &["export"])]).await;
        let ada = signed_in(&t, &acme, "ada@else.example", &["editor", "clerk", "owner"]).await;
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        check(&t, &bob, &acme, "write").await.ok();

        let invoice = json!({ "resource_id": "invoice", "actions": ["read", "write", "export"] });
        let without = json!({ "resources": [invoice], "roles": [role("owner", "invoice", &["*"])] });
        assert_eq!(set_policy(&t, without).await.expect("a policy"), 1);
        check(&t, &bob, &acme, "write").await.fails(403, "session_authorization_error");
        sell_invoices(&t).await;
        assert_eq!(role_ids(&get_member(&t, &acme, &ada.member_id).await), ["stytch_member", "clerk", "owner"]);
        assert_eq!(role_ids(&get_member(&t, &acme, &bob.member_id).await), ["stytch_member", "stytch_admin"]);
        check(&t, &bob, &acme, "write").await.fails(403, "session_authorization_error");
    }

    async fn an_operator_narrows_the_built_in_roles_when_the_project_says_so(t) {
        let narrow = json!({ "stytch_member": { "permissions": [{ "resource_id": "stytch.self", "actions": ["update.info.name"] }] } });
        set_policy(&t, narrow).await.expect("a policy");
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let me = "/sdk/v1/b2b/organizations/members/update";
        for as_written in [false, true] {
            t.set(json!({ "default_roles_as_written": as_written })).await;
            browser_as(&t, &ada).put(me, json!({ "name": "Ada" })).await.ok();
            let other = browser_as(&t, &ada).put(me, json!({ "untrusted_metadata": {} })).await;
            if as_written { other.fails(403, "session_authorization_error"); } else { other.ok(); }
            let bootstrap = format!("/sdk/v1/projects/bootstrap/{}", t.project.public_token);
            let policy = browser(&t).get(&bootstrap).await.ok()["rbac_policy"].clone();
            let actions = &policy["roles"][0]["permissions"][0]["actions"];
            assert_eq!(actions, &if as_written { json!(["update.info.name"]) } else { json!(["*"]) });
        }
    }

    async fn a_browser_reads_the_roles_of_its_organization(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({ "organization_slug": "acme" })).await;
        let list = [role("clerk", "invoice", &["export"])];
        set_organization_roles(&t, &acme, &list).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &["clerk"]).await;
        let me = browser_as(&t, &ada).get("/sdk/v1/b2b/organizations/me").await.ok();
        assert_eq!(me["organization"]["custom_roles"], json!(list));
        let refreshed = browser_as(&t, &ada).post("/sdk/v1/b2b/sessions/authenticate", json!({})).await.ok();
        assert_eq!(role_ids(&refreshed["member_session"]), ["stytch_member", "clerk"]);
        assert_eq!(refreshed["organization"]["custom_roles"], json!(list));
        // Whoever is not signed in sees none.
        let found = browser(&t).post("/sdk/v1/b2b/organizations/search", json!({ "organization_slug": "acme" })).await.ok();
        assert_eq!(found["organization"]["custom_roles"], json!(null));
    }

    async fn the_server_explains_its_answers(t) {
        sell_invoices(&t).await;
        let acme = t.organization("Acme", json!({ "organization_slug": "acme", "rbac_email_implicit_role_assignments": [
            { "domain": "acme.example", "role_id": "editor" },
        ] })).await;
        set_organization_roles(&t, &acme, &[role("clerk", "invoice", &["export"])]).await;
        let ada = t.member(&acme, "ada@acme.example", json!({ "external_id": "crm-ada" })).await;
        let explain = "/v1/ostiary/policy/explain";
        let ask = |resource_id: &str, action: &str| json!({
            "organization_id": "acme", "member_id": "crm-ada", "resource_id": resource_id, "action": action,
        });
        let answer = t.post(explain, ask("invoice", "write")).await.ok();
        assert_eq!((&answer["organization_id"], &answer["member_id"]), (&json!(acme), &json!(ada)));
        assert_eq!((&answer["resource_id"], &answer["action"]), (&json!("invoice"), &json!("write")));
        assert_eq!(answer["explanation"], json!({
            "authorized": true, "reason": "granted", "is_listed": true,
            "roles": [
                {
                    "role_id": "stytch_member", "defined_in": "project", "counts": true, "grants": false, "permissions": [],
                    "sources": [{ "type": "direct_assignment", "details": {} }],
                },
                {
                    "role_id": "editor", "defined_in": "project", "counts": true, "grants": true,
                    "sources": [{ "type": "email_assignment", "details": { "email_domain": "acme.example" } }],
                    "permissions": [{ "resource_id": "invoice", "actions": ["read", "write"] }],
                },
            ],
            "roles_that_grant_it": ["editor", "owner"],
        }));
        let verdict = |answer: Value| (answer["explanation"]["authorized"].clone(), answer["explanation"]["reason"].clone());
        let answer = t.post(explain, ask("invoice", "export")).await.ok();
        assert_eq!(answer["explanation"]["roles_that_grant_it"], json!(["owner", "clerk"]));
        assert_eq!(verdict(answer), (json!(false), json!("no_role_of_the_member_grants_it")));
        let answer = t.post(explain, ask("report", "read")).await.ok();
        assert_eq!(verdict(answer), (json!(false), json!("no_role_grants_it")));
        let mut on_self = ask("stytch.member", "delete");
        assert_eq!(verdict(t.post(explain, on_self.clone()).await.ok()).0, json!(false));
        on_self["on_self"] = json!(true);
        assert_eq!(verdict(t.post(explain, on_self).await.ok()).0, json!(true));
        // It says what the check says.
        let session = sign_in(&t, &acme, "ada@acme.example").await;
        for action in ["read", "write", "export", "shred", "*"] {
            let explained = verdict(t.post(explain, ask("invoice", action)).await.ok()).0;
            assert_eq!(json!(check(&t, &session, &acme, action).await.status.is_success()), explained, "{action}");
        }
        for (body, status, refusal) in [
            (json!({}), 400, "bad_request"),
            (json!({ "organization_id": "ghost", "member_id": ada, "resource_id": "a", "action": "b" }), 404, "organization_not_found"),
            (json!({ "organization_id": acme, "member_id": "ghost", "resource_id": "a", "action": "b" }), 404, "member_not_found"),
        ] {
            t.post(explain, body).await.fails(status, refusal);
        }
    }
}
