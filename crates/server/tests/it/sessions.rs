//! Sessions of the server API.

use crate::harness::{add_project, claims};
use crate::on_both_engines;
use axum::http::Method;
use ostiary_store::seam::count_statements;
use serde_json::{Value, json};

const AUTHENTICATE: &str = "/v1/b2b/sessions/authenticate";
const REVOKE: &str = "/v1/b2b/sessions/revoke";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

async fn signed_in(t: &crate::harness::Server) -> (String, Value) {
    let acme = t.organization("Acme", json!({"organization_slug": "acme"})).await;
    t.member(&acme, "ada@acme.example", json!({})).await;
    let login = t.sign_in(&acme, "ada@acme.example").await;
    (acme, login)
}

on_both_engines! {
    async fn a_session_is_checked_by_token_and_by_jwt(t) {
        let (acme, login) = signed_in(&t).await;
        let by_token = t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.ok();
        assert_eq!(by_token["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        assert_eq!(by_token["member"]["email_address"], "ada@acme.example");
        assert_eq!(by_token["organization"]["organization_id"], acme);
        assert_eq!(by_token["session_token"], login["session_token"]);
        assert_eq!(by_token["member_session"]["organization_slug"], "acme");
        let by_jwt = t.post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.ok();
        assert_eq!(by_jwt["session_token"], login["session_token"], "who has only the signed token gets the other too");
    }

    async fn the_signed_token_says_what_sdks_verify(t) {
        let (acme, login) = signed_in(&t).await;
        let project = t.project.project_id.to_string();
        let jwt = text(&login, "session_jwt");
        let said = claims(jwt);
        assert_eq!(said["iss"], format!("stytch.com/{project}"));
        assert_eq!(said["aud"], json!([project]));
        assert_eq!(said["sub"], login["member_id"]);
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 300);
        assert_eq!(said["nbf"], said["iat"]);
        assert_eq!(said["https://stytch.com/session"]["id"], login["member_session"]["member_session_id"]);
        assert_eq!(said["https://stytch.com/session"]["roles"], json!(["stytch_member"]));
        assert_eq!(said["https://stytch.com/organization"], json!({"organization_id": acme, "slug": "acme"}));
    }

    async fn the_key_set_is_public_and_cacheable(t) {
        let path = format!("/v1/b2b/sessions/jwks/{}", t.project.project_id);
        let request = axum::http::Request::get(&path).body(axum::body::Body::empty()).unwrap();
        let answer = t.send(request).await;
        assert_eq!(answer.headers["cache-control"], "public, max-age=900");
        let body = answer.ok();
        let key = &body["keys"][0];
        for field in ["kty", "use", "key_ops", "alg", "kid", "x5c", "x5tS256", "x5t#S256", "n", "e"] {
            assert!(!key[field].is_null(), "{field}");
        }
        let other = "/v1/b2b/sessions/jwks/project-test-00000000-0000-4000-8000-000000000000";
        let request = axum::http::Request::get(other).body(axum::body::Body::empty()).unwrap();
        t.send(request).await.fails(404, "project_not_found");
    }

    async fn exactly_one_credential(t) {
        let (_, login) = signed_in(&t).await;
        t.post(AUTHENTICATE, json!({})).await.fails(400, "no_session_arguments");
        t.post(AUTHENTICATE, json!({"session_token": login["session_token"], "session_jwt": login["session_jwt"]})).await
            .fails(400, "too_many_session_arguments");
        t.post(AUTHENTICATE, json!({"session_token": "unknown"})).await.fails(404, "session_not_found");
        for jwt in ["garbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            t.post(AUTHENTICATE, json!({"session_jwt": jwt})).await.fails(400, "unable_to_parse_session_jwt");
        }
    }

    async fn a_signed_token_past_its_end_still_finds_a_living_session(t) {
        let (_, login) = signed_in(&t).await;
        t.advance_minutes(10);
        let fresh = t.post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.ok();
        assert_ne!(fresh["session_jwt"], login["session_jwt"]);
        t.advance_minutes(51);
        t.post(AUTHENTICATE, json!({"session_jwt": fresh["session_jwt"]})).await.fails(404, "session_not_found");
        t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.fails(404, "session_not_found");
    }

    async fn lengths_are_chosen_within_bounds(t) {
        let (_, login) = signed_in(&t).await;
        let check = |minutes: i64| t.post(AUTHENTICATE, json!({"session_token": login["session_token"], "session_duration_minutes": minutes}));
        check(4).await.fails(400, "invalid_session_duration_minutes");
        check(527_041).await.fails(400, "invalid_session_duration_minutes");
        t.set(json!({"session_duration_minutes_max": 120})).await;
        check(121).await.fails(400, "invalid_session_duration");
        let before = t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.ok();
        let longer = check(120).await.ok();
        assert!(text(&longer["member_session"], "expires_at") > text(&before["member_session"], "expires_at"));
        let shorter = check(5).await.ok();
        assert!(text(&shorter["member_session"], "expires_at") < text(&before["member_session"], "expires_at"));
        t.advance_minutes(6);
        check(60).await.fails(404, "session_not_found");
    }

    async fn claims_are_merged_and_reserved_ones_stay(t) {
        let (_, login) = signed_in(&t).await;
        let check = |claims: Value| t.post(AUTHENTICATE, json!({"session_token": login["session_token"], "session_custom_claims": claims}));
        let first = check(json!({"tier": "gold", "seats": 3, "sub": "evil"})).await.ok();
        assert_eq!(first["member_session"]["custom_claims"], json!({"tier": "gold", "seats": 3}));
        let said = claims(text(&first, "session_jwt"));
        assert_eq!((&said["tier"], &said["sub"]), (&json!("gold"), &login["member_id"]));
        let second = check(json!({"seats": null})).await.ok();
        assert_eq!(second["member_session"]["custom_claims"], json!({"tier": "gold"}));
        check(json!({"https://stytch.com/session": {}})).await.fails(400, "stytch_claims_in_custom_claims");
        check(json!({"big": "x".repeat(4096)})).await.fails(400, "custom_claims_too_large");
        check(json!([1])).await.fails(400, "bad_request");
    }

    async fn an_answer_is_reused_only_while_nothing_changed(t) {
        let (acme, login) = signed_in(&t).await;
        let check = || t.post(AUTHENTICATE, json!({"session_token": login["session_token"]}));
        let first = check().await.ok();
        let second = check().await.ok();
        assert_eq!(first["session_jwt"], second["session_jwt"]);
        assert_eq!(first["member_session"], second["member_session"]);
        assert_ne!(first["request_id"], second["request_id"]);
        t.put(&format!("/v1/b2b/organizations/{acme}"), json!({"organization_slug": "acme-two"})).await.ok();
        let renamed = check().await.ok();
        assert_eq!(renamed["member_session"]["organization_slug"], "acme-two");
        t.put(&format!("/v1/b2b/organizations/{acme}/members/{}", text(&login, "member_id")), json!({"roles": ["stytch_admin"]})).await.ok();
        let promoted = check().await.ok();
        assert_eq!(promoted["member_session"]["roles"], json!(["stytch_member", "stytch_admin"]));
        t.advance_seconds(11);
        assert_ne!(check().await.ok()["session_jwt"], promoted["session_jwt"]);
    }

    /// Credentials, settings, policy and keys of the project are in memory: no request asks the database for them.
    async fn a_check_costs_one_statement(t) {
        let (_, login) = signed_in(&t).await;
        let check = |body: Value| count_statements(t.post(AUTHENTICATE, body));
        let (first, _) = check(json!({"session_token": login["session_token"]})).await;
        let wish = json!({"organization_id": "acme", "resource_id": "stytch.self", "action": "update.info.name"});
        let own = json!({"organization_id": first.ok()["organization"]["organization_id"], "resource_id": "stytch.self", "action": "update.info.name"});
        for (body, statements) in [
            (json!({"session_token": login["session_token"]}), 1),
            (json!({"session_jwt": login["session_jwt"]}), 1),
            (json!({"session_token": login["session_token"], "authorization_check": own}), 1),
            // Any other identifier than the id is looked up.
            (json!({"session_token": login["session_token"], "authorization_check": wish}), 2),
        ] {
            let (answer, ran) = check(body.clone()).await;
            answer.ok();
            assert_eq!(ran, statements, "{body}");
        }
        t.advance_seconds(11);
        let (answer, ran) = check(json!({"session_token": login["session_token"]})).await;
        answer.ok();
        assert_eq!(ran, 2, "what is signed anew is read anew");
    }

    async fn permissions_are_checked(t) {
        let (acme, login) = signed_in(&t).await;
        let other = t.organization("Other", json!({})).await;
        let check = |organization: &str, action: &str| t.post(AUTHENTICATE, json!({
            "session_token": login["session_token"],
            "authorization_check": {"organization_id": organization, "resource_id": "stytch.member", "action": action}
        }));
        check(&acme, "delete").await.fails(403, "session_authorization_error");
        check(&other, "delete").await.fails(403, "session_authorization_tenancy_error");
        t.put(&format!("/v1/b2b/organizations/{acme}/members/{}", text(&login, "member_id")), json!({"roles": ["stytch_admin"]})).await.ok();
        let allowed = check("acme", "delete").await.ok();
        assert_eq!(allowed["verdict"], json!({"authorized": true, "granting_roles": ["stytch_admin"]}));
    }

    async fn sessions_are_listed_and_ended_in_every_way(t) {
        let (acme, first) = signed_in(&t).await;
        let member = text(&first, "member_id").to_owned();
        let mut logins = vec![first];
        for _ in 0..4 {
            logins.push(t.sign_in(&acme, "ada@acme.example").await);
        }
        let list = async || {
            let path = format!("/v1/b2b/sessions?organization_id={acme}&member_id={member}");
            t.get(&path).await.ok()["member_sessions"].as_array().unwrap().len()
        };
        assert_eq!(list().await, 5);
        t.post(REVOKE, json!({})).await.fails(400, "no_session_revoke_arguments");
        t.post(REVOKE, json!({"member_id": member, "session_token": "x"})).await.fails(400, "too_many_session_revoke_arguments");
        assert_eq!(list().await, 5);
        let by_id = json!({"member_session_id": logins[0]["member_session"]["member_session_id"]});
        t.post(REVOKE, by_id.clone()).await.ok();
        t.post(REVOKE, by_id).await.ok();
        t.post(REVOKE, json!({"session_token": logins[1]["session_token"]})).await.ok();
        t.post(REVOKE, json!({"session_jwt": logins[2]["session_jwt"]})).await.ok();
        assert_eq!(list().await, 2);
        for login in &logins[..3] {
            t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.fails(404, "session_not_found");
            t.post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.fails(404, "session_not_found");
        }
        t.post(REVOKE, json!({"member_id": member})).await.ok();
        assert_eq!(list().await, 0);
        t.post(REVOKE, json!({"member_id": "member-test-00000000-0000-4000-8000-000000000000"})).await.fails(404, "member_not_found");
        t.post(REVOKE, json!({"member_session_id": "nonsense"})).await.fails(400, "invalid_id");
    }

    /// W-02: off-boarding takes effect now.
    async fn a_session_ends_with_its_member_and_its_organization(t) {
        let (acme, login) = signed_in(&t).await;
        t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.ok();
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/{}", text(&login, "member_id"))).await.ok();
        t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.fails(404, "session_not_found");
        let beta = t.organization("Beta", json!({})).await;
        t.member(&beta, "bob@beta.example", json!({})).await;
        let login = t.sign_in(&beta, "bob@beta.example").await;
        t.delete(&format!("/v1/b2b/organizations/{beta}")).await.ok();
        t.post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.fails(404, "session_not_found");
    }

    /// A login with a session of the same member adds the factor to it; one of another member is ignored.
    async fn a_session_that_is_brought_along_grows(t) {
        let (acme, login) = signed_in(&t).await;
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let link = t.last_token("ada@acme.example").await;
        let grown = t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": link, "session_token": login["session_token"]})).await.ok();
        assert_eq!(grown["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        assert_eq!(grown["member_session"]["authentication_factors"].as_array().unwrap().len(), 2);
        t.member(&acme, "bob@acme.example", json!({})).await;
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "bob@acme.example"})).await.ok();
        let link = t.last_token("bob@acme.example").await;
        let bob = t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": link, "session_token": login["session_token"]})).await.ok();
        assert_ne!(bob["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        assert_eq!(bob["member"]["email_address"], "bob@acme.example");
    }

    /// nothing of one project is worth anything in another.
    async fn projects_are_kept_apart(t) {
        let (acme, login) = signed_in(&t).await;
        let other = add_project(&t.app, "Other").await;
        let post = |path: &'static str, body: Value| t.call_as(&other, Method::POST, path, Some(body), &[]);
        post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.fails(404, "session_not_found");
        post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.fails(400, "unable_to_parse_session_jwt");
        post(REVOKE, json!({"session_token": login["session_token"]})).await.ok();
        post("/v1/b2b/otps/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await
            .fails(404, "organization_not_found");
        t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.ok();
    }

    async fn keys_rotate_with_overlap(t) {
        let (_, login) = signed_in(&t).await;
        let scope = t.app.projects.all()[0].scope();
        t.advance_minutes(10);
        ostiary_server::ops::projects::rotate_signing_key(&t.app, scope, t.app.clock.now()).await.unwrap();
        let kid = |jwt: &str| {
            use base64::Engine as _;
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap();
            serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
        };
        let old = kid(text(&login, "session_jwt"));
        let keep = json!({"session_token": login["session_token"], "session_duration_minutes": 527_040});
        let soon = t.post(AUTHENTICATE, keep.clone()).await.ok();
        assert_eq!(kid(text(&soon, "session_jwt")), old, "the new key is published before it signs");
        t.advance_minutes(61);
        let later = t.post(AUTHENTICATE, json!({"session_token": login["session_token"]})).await.ok();
        assert_ne!(kid(text(&later, "session_jwt")), old);
        t.post(AUTHENTICATE, json!({"session_jwt": soon["session_jwt"]})).await.ok();
        t.advance_minutes(31 * 24 * 60);
        t.post(AUTHENTICATE, json!({"session_jwt": soon["session_jwt"]})).await.fails(400, "unable_to_parse_session_jwt");
    }
}
