//! One-time codes by mail in one organization.

use crate::on_both_engines;
use serde_json::json;

const SEND: &str = "/v1/b2b/otps/email/login_or_signup";
const AUTHENTICATE: &str = "/v1/b2b/otps/email/authenticate";

on_both_engines! {
    async fn a_member_signs_in_with_a_code(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({"name": "Ada"})).await;
        let answer = t.sign_in(&acme, "ada@acme.example").await;
        assert_eq!(answer["member_id"], ada);
        assert_eq!(answer["member_authenticated"], true);
        assert_eq!(answer["intermediate_session_token"], "");
        assert_eq!(answer["mfa_required"], json!(null));
        assert_eq!(answer["member"]["email_address_verified"], true);
        assert_eq!(answer["method_id"], answer["member_session"]["authentication_factors"][0]["email_factor"]["email_id"]);
        assert_eq!(answer["member_session"]["authentication_factors"][0]["type"], "email_otp");
        assert_eq!(answer["session_token"].as_str().unwrap().len(), 44);
        let mail = t.last_message("ada@acme.example").await;
        assert_eq!((mail["channel"].as_str(), mail["template_type"].as_str()), (Some("email"), Some("ONE_TIME_PASSCODE")));
    }

    async fn an_address_of_an_allowed_domain_joins_as_pending_and_becomes_active(t) {
        let acme = t.organization("Acme", json!({
            "email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]
        })).await;
        let body = json!({"organization_id": acme, "email_address": "Bob@Acme.example"});
        let sent = t.post(SEND, body).await.ok();
        assert_eq!((&sent["member_created"], &sent["member"]["status"]), (&json!(true), &json!("pending")));
        assert_eq!(sent["member"]["email_address"], "bob@acme.example");
        let code = t.last_code("bob@acme.example").await;
        let body = json!({"organization_id": acme, "email_address": "bob@acme.example", "code": code});
        let answer = t.post(AUTHENTICATE, body).await.ok();
        assert_eq!(answer["member"]["status"], "active");
    }

    async fn nobody_else_joins(t) {
        let closed = t.organization("Closed", json!({})).await;
        let body = json!({"organization_id": closed, "email_address": "eve@acme.example"});
        t.post(SEND, body).await.fails(400, "email_jit_provisioning_not_allowed");
        let restricted = t.organization("Restricted", json!({
            "email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]
        })).await;
        let body = json!({"organization_id": restricted, "email_address": "eve@evil.example"});
        t.post(SEND, body).await.fails(400, "invalid_email_for_jit_provisioning");
        assert!(t.messages("eve@evil.example").await.is_empty());
    }

    async fn a_forbidden_method_is_refused_before_anything_is_sent(t) {
        let acme = t.organization("Acme", json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["sso"]})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let body = json!({"organization_id": acme, "email_address": "ada@acme.example"});
        t.post(SEND, body).await.fails(400, "operation_restricted_by_organization_auth_methods");
        assert!(t.messages("ada@acme.example").await.is_empty());
    }

    async fn a_code_is_wrong_used_or_expired(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let send = json!({"organization_id": acme, "email_address": "ada@acme.example"});
        let with = |code: &str| json!({"organization_id": acme, "email_address": "ada@acme.example", "code": code});
        t.post(AUTHENTICATE, with("123456")).await.fails(404, "otp_code_not_found");
        t.post(SEND, send.clone()).await.ok();
        let code = t.last_code("ada@acme.example").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for malformed in ["12345", "1234567", "12345a", "１２３４５６", ""] {
            t.post(AUTHENTICATE, with(malformed)).await.fails(400, "invalid_code");
        }
        t.post(AUTHENTICATE, with(wrong)).await.fails(404, "otp_code_not_found");
        t.post(AUTHENTICATE, with(&code)).await.ok();
        t.post(AUTHENTICATE, with(&code)).await.fails(401, "unable_to_auth_otp_code");
        t.post(SEND, send).await.ok();
        let late = t.last_code("ada@acme.example").await;
        t.advance_minutes(11);
        t.post(AUTHENTICATE, with(&late)).await.fails(401, "unable_to_auth_otp_code");
    }

    async fn a_new_code_voids_the_old_one(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let send = json!({"organization_id": acme, "email_address": "ada@acme.example"});
        t.post(SEND, send.clone()).await.ok();
        let first = t.last_code("ada@acme.example").await;
        t.post(SEND, send).await.ok();
        let second = t.last_code("ada@acme.example").await;
        if first != second {
            let body = json!({"organization_id": acme, "email_address": "ada@acme.example", "code": first});
            t.post(AUTHENTICATE, body).await.fails(404, "otp_code_not_found");
        }
        let body = json!({"organization_id": acme, "email_address": "ada@acme.example", "code": second});
        t.post(AUTHENTICATE, body).await.ok();
    }

    /// five tries for a code; ten failures in a row lock the member, whatever codes are sent in between.
    async fn guessing_is_stopped(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let send = json!({"organization_id": acme, "email_address": "ada@acme.example"});
        let with = |code: &str| json!({"organization_id": acme, "email_address": "ada@acme.example", "code": code});
        t.post(SEND, send.clone()).await.ok();
        let code = t.last_code("ada@acme.example").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            t.post(AUTHENTICATE, with(wrong)).await.fails(404, "otp_code_not_found");
        }
        t.post(AUTHENTICATE, with(&code)).await.fails(401, "unable_to_auth_otp_code");
        t.post(SEND, send.clone()).await.ok();
        let code = t.last_code("ada@acme.example").await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..4 {
            t.post(AUTHENTICATE, with(wrong)).await.fails(404, "otp_code_not_found");
        }
        let refused = t.post(AUTHENTICATE, with(&code)).await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.fails(429, "user_lock_limit_reached");
        t.post(SEND, send.clone()).await.fails(429, "user_lock_limit_reached");
        t.advance_minutes(61);
        t.sign_in(&acme, "ada@acme.example").await;
    }

    /// A code that fifty callers enter at once gives one session.
    async fn a_code_works_once_under_concurrency(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let code = t.last_code("ada@acme.example").await;
        let t = std::sync::Arc::new(t);
        let mut tasks = Vec::new();
        for _ in 0..50 {
            let (t, body) = (t.clone(), json!({"organization_id": acme, "email_address": "ada@acme.example", "code": code}));
            tasks.push(tokio::spawn(async move { t.post(AUTHENTICATE, body).await.status.as_u16() }));
        }
        let mut won = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 200 | 401 | 429 | 503), "{status}");
            won += u32::from(status == 200);
        }
        assert_eq!(won, 1);
    }

    async fn expirations_and_languages_have_bounds(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let send = |more: serde_json::Value| {
            let mut body = json!({"organization_id": acme, "email_address": "ada@acme.example"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            t.post(SEND, body)
        };
        send(json!({"login_expiration_minutes": 1})).await.fails(400, "invalid_expiration_otp");
        send(json!({"signup_expiration_minutes": 16})).await.fails(400, "invalid_expiration_otp");
        send(json!({"locale": "tlh"})).await.fails(400, "invalid_locale");
        send(json!({"login_template_id": "nope"})).await.fails(400, "invalid_template_id");
        assert!(t.messages("ada@acme.example").await.is_empty());
        send(json!({"login_expiration_minutes": 2, "locale": "es"})).await.ok();
        assert!(t.last_message("ada@acme.example").await["subject"].as_str().unwrap().to_lowercase().contains("código"));
    }
}
