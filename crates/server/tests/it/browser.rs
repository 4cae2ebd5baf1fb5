//! The browser API: its envelope, its cookies, its refresh loop, its cross-origin rules.

use crate::on_both_engines;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

const SEND: &str = "/sdk/v1/b2b/magic_links/email/login_or_signup";
const AUTHENTICATE: &str = "/sdk/v1/b2b/magic_links/authenticate";
const REFRESH: &str = "/sdk/v1/b2b/sessions/authenticate";

on_both_engines! {
    async fn readable_mode_answers_tokens_in_data(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let mut page = t.browser();
        let sent = page.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.data();
        assert!(sent.get("member").is_none(), "anybody can ask, so nothing of the member is answered");
        let token = t.last_token("ada@acme.example").await;
        let answer = page.post(AUTHENTICATE, json!({"magic_links_token": token, "session_duration_minutes": 30})).await;
        assert!(answer.cookies().is_empty());
        let login = answer.data();
        page.session = login["session_token"].as_str().map(str::to_owned);
        let refreshed = page.post(REFRESH, json!({})).await.data();
        assert_eq!(refreshed["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        let me = page.get("/sdk/v1/b2b/organizations/members/me").await.data();
        assert_eq!(me["member"]["email_address"], "ada@acme.example");
        let organization = page.get("/sdk/v1/b2b/organizations/me").await.data();
        assert_eq!(organization["organization"]["organization_id"], acme);
        page.post("/sdk/v1/b2b/sessions/revoke", json!({})).await.data();
        page.post(REFRESH, json!({})).await.fails(404, "session_not_found");
    }

    async fn cookie_mode_keeps_tokens_from_scripts(t) {
        t.set(json!({"http_only_cookies": true, "cookie_domain": "example.com"})).await;
        let acme = t.organization("Acme", json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link"]})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let mut page = t.browser();
        page.post(REFRESH, json!({})).await.fails(401, "user_unauthenticated");
        page.post("/sdk/v1/b2b/otps/email/discovery/send", json!({"email_address": "ada@acme.example"})).await.data();
        let code = t.last_code("ada@acme.example").await;
        let found = page.post("/sdk/v1/b2b/otps/email/discovery/authenticate", json!({"email_address": "ada@acme.example", "code": code})).await.data();
        assert_eq!(found["intermediate_session_token"], "");
        assert!(page.cookies.iter().any(|(name, _)| name == "stytch_intermediate_session_token"));
        // The body has no intermediate session: the cookie is read.
        let listed = page.post("/sdk/v1/b2b/discovery/organizations", json!({})).await.data();
        assert_eq!(listed["discovered_organizations"].as_array().unwrap().len(), 1);
        page.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.data();
        let token = t.last_token("ada@acme.example").await;
        let answer = page.post(AUTHENTICATE, json!({"magic_links_token": token, "session_duration_minutes": 30})).await;
        let session_cookie = answer.cookies().into_iter().find(|(name, _)| name == "stytch_session").unwrap().1;
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Domain=example.com", "Max-Age=1800"] {
            assert!(session_cookie.contains(attribute), "{session_cookie}");
        }
        let login = answer.data();
        assert_eq!((&login["session_token"], &login["session_jwt"]), (&json!(""), &json!("")));
        assert_eq!(login["member_session"]["authentication_factors"].as_array().unwrap().len(), 2);
        assert!(page.cookies.iter().all(|(name, _)| name != "stytch_intermediate_session_token"));
        let refreshed = page.post(REFRESH, json!({})).await;
        assert!(refreshed.cookies().iter().any(|(name, _)| name == "stytch_session_jwt"));
        refreshed.data();
        page.post("/sdk/v1/b2b/sessions/revoke", json!({})).await.data();
        assert!(page.cookies.is_empty(), "{:?}", page.cookies);
        page.post(REFRESH, json!({})).await.fails(401, "user_unauthenticated");
    }

    /// garbage in a cookie or a password refuses, and never lets anybody in.
    async fn garbage_credentials_are_refused(t) {
        t.set(json!({"http_only_cookies": true})).await;
        for garbage in ["x", "\"", "null", "true", "0", "..", "%00"] {
            let mut page = t.browser();
            page.cookies = vec![("stytch_session".into(), garbage.into())];
            let answer = page.post(REFRESH, json!({})).await;
            assert!(matches!(answer.status.as_u16(), 401 | 404), "{garbage}: {}", answer.text);
            let mut page = t.browser_with(garbage);
            page.get("/sdk/v1/b2b/organizations/me").await.fails(404, "session_not_found");
        }
    }

    async fn origins_are_echoed_on_answers_errors_and_preflights(t) {
        let mut page = t.browser();
        let answer = page.post(REFRESH, json!({})).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:3000");
        assert_eq!(answer.headers["access-control-allow-credentials"], "true");
        assert_eq!(answer.headers["vary"], "origin");
        for path in [REFRESH, "/sdk/v1/nope", "/sdk/v1/events"] {
            let preflight = Request::builder().method(Method::OPTIONS).uri(path)
                .header("origin", "https://app.example.com").header("access-control-request-method", "POST");
            let answer = t.send(preflight.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status.as_u16(), 204, "{path}");
            assert_eq!(answer.headers["access-control-allow-origin"], "https://app.example.com");
            assert!(answer.headers["access-control-allow-headers"].to_str().unwrap().contains("x-sdk-parent-host"));
        }
        let unknown = page.post("/sdk/v1/nope", json!({})).await;
        assert_eq!(unknown.headers["access-control-allow-origin"], "http://localhost:3000");
        unknown.fails(404, "route_not_found");
        page.call(Method::DELETE, REFRESH, None).await.fails(405, "method_not_allowed");
        let events = t.send(Request::post("/sdk/v1/events").body(Body::from("[]")).unwrap()).await;
        assert_eq!(events.status.as_u16(), 200);
    }

    async fn origins_can_be_restricted(t) {
        t.set(json!({"authorized_origins": ["https://app.example.com"]})).await;
        let answer = t.browser().post(REFRESH, json!({})).await;
        assert!(answer.headers.contains_key("access-control-allow-origin"), "the page must be able to read why");
        answer.fails(400, "bad_domain_for_stytch_sdk");
    }

    async fn bootstrap_has_what_the_sdks_read(t) {
        let path = format!("/sdk/v1/projects/bootstrap/{}", t.project.public_token);
        let data = t.browser().get(&path).await.data();
        assert_eq!((&data["vertical"], &data["create_organization_enabled"]), (&json!("B2B"), &json!(true)));
        assert_eq!((&data["captcha_settings"], &data["password_config"]), (&json!({"enabled": false}), &json!(null)));
        assert!(data["rbac_policy"]["scopes"].is_array() && data["email_domains"].is_array());
        t.browser().get("/sdk/v1/projects/bootstrap/public-token-test-00000000-0000-4000-8000-000000000000").await
            .fails(404, "public_token_not_found");
    }

    /// a browser cannot set what its backend trusts.
    async fn browsers_set_no_trusted_data(t) {
        t.browser().post("/sdk/v1/b2b/otps/email/discovery/send", json!({"email_address": "ada@acme.example"})).await.data();
        let code = t.last_code("ada@acme.example").await;
        let found = t.browser().post("/sdk/v1/b2b/otps/email/discovery/authenticate", json!({"email_address": "ada@acme.example", "code": code})).await.data();
        let created = t.browser().post("/sdk/v1/b2b/discovery/organizations/create", json!({
            "intermediate_session_token": found["intermediate_session_token"], "session_duration_minutes": 60,
            "trusted_metadata": {"plan": "free for ever"}, "claimed_email_domains": ["acme.example"],
            "organization_external_id": "mine", "session_custom_claims": {"admin": true}
        })).await.data();
        assert_eq!(created["organization"]["trusted_metadata"], json!({}));
        assert_eq!(created["organization"]["claimed_email_domains"], json!([]));
        assert_eq!(created["organization"]["organization_external_id"], json!(null));
        assert_eq!(created["member_session"]["custom_claims"], json!({}));
        t.set(json!({"create_organization_enabled": false})).await;
        t.browser().post("/sdk/v1/b2b/discovery/organizations/create", json!({"intermediate_session_token": "x", "session_duration_minutes": 60}))
            .await.fails(403, "unauthorized_action");
    }

    async fn two_tabs_that_refresh_at_once_stay_signed_in(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let token = login["session_token"].as_str().unwrap().to_owned();
        let t = std::sync::Arc::new(t);
        let tasks: Vec<_> = (0..50).map(|_| {
            let (t, token) = (t.clone(), token.clone());
            tokio::spawn(async move {
                t.browser_with(&token).post(REFRESH, json!({"session_duration_minutes": 60})).await.data()["session_token"].clone()
            })
        }).collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), json!(token));
        }
    }
}
