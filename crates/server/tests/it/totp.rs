//! Codes of authenticator apps (spec 01c §3).

use crate::on_both_engines;
use crate::second_factors::*;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostiary_server::jobs::upkeep;
use serde_json::{Value, json};
use std::sync::Arc;

const MIGRATE: &str = "/v1/b2b/totp/migrate";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn delete_path(acme: &Acme) -> String {
    format!("/v1/b2b/organizations/{}/members/{}/totp", acme.organization, acme.member)
}

on_both_engines! {
    async fn a_member_enrols_an_app_and_signs_in_with_it(t) {
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let created = t.post(CREATE, acme.body(json!({"intermediate_session_token": ist}))).await.ok();
        assert!(created["totp_registration_id"].as_str().unwrap().starts_with("member-totp-test-"));
        assert_eq!(created["secret"].as_str().unwrap().len(), 32);
        let picture = created["qr_code"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
        assert!(STANDARD.decode(picture).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"));
        let codes = recovery_codes(&created);
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 14 && code.split('-').count() == 3), "{codes:?}");
        assert_eq!((&created["member_id"], &created["organization"]["organization_id"]), (&json!(acme.member), &json!(acme.organization)));
        assert_eq!(created["member"]["totp_registration_id"], "", "it is the member's when its first code was entered");

        let app = App::of(&created);
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": ist}));
        let done = t.post(AUTHENTICATE_TOTP, body).await.ok();
        session(&done);
        let member = &done["member"];
        assert_eq!(member["totp_registration_id"], created["totp_registration_id"]);
        assert_eq!((&member["mfa_enrolled"], &member["default_mfa_method"]), (&json!(true), &json!("totp")));
        assert_eq!(factor_types(&done), ["email_otp", "totp"]);
        let factor = &done["member_session"]["authentication_factors"][1];
        assert_eq!((&factor["delivery_method"], &factor["sequence_order"]), (&json!("authenticator_app"), &json!("SECONDARY")));
        assert_eq!(factor["authenticator_app_factor"]["totp_id"], created["totp_registration_id"]);

        t.advance_seconds(30);
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"], json!({
            "member_options": {"mfa_phone_number": "", "totp_registration_id": created["totp_registration_id"]},
            "secondary_auth_initiated": null,
        }));
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": intermediate(&login)}));
        session(&t.post(AUTHENTICATE_TOTP, body).await.ok());
    }

    /// A code is good for its own step and the ones beside it, once.
    async fn no_code_works_twice_in_its_own_or_an_adjacent_step(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, full) = acme.enrol_app(&t).await;
        let with = |code: String| acme.body(json!({"code": code, "session_token": full}));
        let used = "totp_code_already_authenticated";
        let code = app.code(&t);
        t.post(AUTHENTICATE_TOTP, with(code.clone())).await.fails(401, used);
        t.post(AUTHENTICATE_TOTP, with(app.code_in(&t, -1))).await.fails(401, used);
        t.advance_seconds(30);
        t.post(AUTHENTICATE_TOTP, with(code.clone())).await.fails(401, used);
        // The clock of the app may be a step ahead or behind.
        t.post(AUTHENTICATE_TOTP, with(app.code_in(&t, 1))).await.ok();
        t.post(AUTHENTICATE_TOTP, with(app.code(&t))).await.fails(401, used);
        t.advance_seconds(30);
        t.post(AUTHENTICATE_TOTP, with(app.code(&t))).await.fails(401, used);
        t.advance_seconds(60);
        t.post(AUTHENTICATE_TOTP, with(app.code_in(&t, -1))).await.ok();
        t.post(AUTHENTICATE_TOTP, with(app.code(&t))).await.ok();
        t.post(AUTHENTICATE_TOTP, with(app.code_in(&t, 2))).await.fails(401, "unable_to_authenticate_totp");
        t.post(AUTHENTICATE_TOTP, with(code)).await.fails(401, "unable_to_authenticate_totp");
    }

    async fn a_code_works_once_under_concurrency(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, full) = acme.enrol_app(&t).await;
        t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 3600}})).await;
        t.advance_seconds(30);
        let code = app.code(&t);
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..40).map(|_| {
            let (t, body) = (t.clone(), acme.body(json!({"code": code, "session_token": full})));
            tokio::spawn(async move { t.post(AUTHENTICATE_TOTP, body).await.status.as_u16() })
        }).collect();
        let mut won = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 200 | 401 | 429 | 503), "{status}");
            won += u32::from(status == 200);
        }
        assert_eq!(won, 1);
    }

    /// The lock holds however many connections guess at once, and a new first factor does not start over.
    async fn guessing_is_stopped(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, _) = acme.enrol_app(&t).await;
        t.advance_seconds(60);
        let logins = [acme.begin(&t).await, acme.begin(&t).await, acme.begin(&t).await];
        let wrong = app.wrong_code(&t);
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..45).map(|number| {
            let body = acme.body(json!({"code": wrong, "intermediate_session_token": logins[number % 3]}));
            let t = t.clone();
            tokio::spawn(async move { t.post(AUTHENTICATE_TOTP, body).await.status.as_u16() })
        }).collect();
        let mut tried = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 401 | 429 | 503), "{status}");
            tried += u32::from(status == 401);
        }
        assert!(tried <= 10, "{tried} guesses were judged");
        for _ in tried..10 {
            let body = acme.body(json!({"code": wrong, "intermediate_session_token": logins[0]}));
            t.post(AUTHENTICATE_TOTP, body).await.fails(401, "unable_to_authenticate_totp");
        }
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": logins[0]}));
        t.post(AUTHENTICATE_TOTP, body).await.fails(429, "user_lock_limit_reached");
        t.post(CREATE, acme.body(json!({"intermediate_session_token": logins[0]}))).await.fails(429, "user_lock_limit_reached");
        let body = acme.body(json!({"recovery_code": "aaaa-bbbb-cccc", "intermediate_session_token": logins[0]}));
        t.post(RECOVER, body).await.fails(429, "user_lock_limit_reached");
    }

    async fn a_first_factor_does_not_forgive_wrong_codes(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, _) = acme.enrol_app(&t).await;
        t.advance_seconds(60);
        for _ in 0..5 {
            let ist = acme.begin(&t).await;
            for _ in 0..2 {
                let body = acme.body(json!({"code": app.wrong_code(&t), "intermediate_session_token": ist}));
                t.post(AUTHENTICATE_TOTP, body).await.fails(401, "unable_to_authenticate_totp");
            }
        }
        let body = json!({"organization_id": acme.organization, "email_address": ADA});
        t.post("/v1/b2b/otps/email/login_or_signup", body).await.fails(429, "user_lock_limit_reached");
    }

    async fn codes_of_the_wrong_form_are_refused_before_they_are_tried(t) {
        let acme = Acme::strict(&t).await;
        let (_, codes, full) = acme.enrol_app(&t).await;
        let with = |code: &str| acme.body(json!({"code": code, "session_token": full}));
        for malformed in ["", "12345", "1234567", "12345a", "１２３４５６", "000 000"] {
            t.post(AUTHENTICATE_TOTP, with(malformed)).await.fails(400, "invalid_totp_code");
        }
        t.post(AUTHENTICATE_TOTP, with(&codes[0])).await.fails(400, "recovery_code_used_as_totp_code");
        t.post(AUTHENTICATE_TOTP, acme.body(json!({"session_token": full}))).await.fails(400, "bad_request");
        t.post(AUTHENTICATE_TOTP, acme.body(json!({"code": "123456"}))).await.fails(400, "no_session_arguments");
    }

    async fn a_registration_waits_for_its_first_code_for_a_while(t) {
        let acme = Acme::lax(&t).await;
        let token = session(&t.sign_in(&acme.organization, ADA).await);
        let with = |more: Value| { let mut body = acme.body(more); body["session_token"] = json!(token); body };
        for wrong in [4, 1441, 0, -60] {
            t.post(CREATE, with(json!({"expiration_minutes": wrong}))).await.fails(400, "invalid_expiration");
        }
        t.post(AUTHENTICATE_TOTP, with(json!({"code": "123456"}))).await.fails(404, "totp_not_found");
        let first = t.post(CREATE, with(json!({"expiration_minutes": 5}))).await.ok();
        t.post(CREATE, with(json!({}))).await.fails(400, "pending_totp_exists");
        t.advance_seconds(299);
        t.post(CREATE, with(json!({}))).await.fails(400, "pending_totp_exists");
        t.advance_seconds(1);
        t.post(AUTHENTICATE_TOTP, with(json!({"code": App::of(&first).code(&t)}))).await.fails(401, "expired_totp");
        let second = t.post(CREATE, with(json!({}))).await.ok();
        assert_ne!(first["secret"], second["secret"]);
        t.post(AUTHENTICATE_TOTP, with(json!({"code": App::of(&first).code(&t)}))).await.fails(401, "unable_to_authenticate_totp");
        t.post(AUTHENTICATE_TOTP, with(json!({"code": App::of(&second).code(&t)}))).await.ok();
        t.post(CREATE, with(json!({}))).await.fails(400, "active_totp_exists");
        t.post(CREATE, acme.body(json!({}))).await.fails(400, "active_totp_exists");
    }

    /// A late visitor hears that a registration has expired for a week; what is proven is never removed.
    async fn what_was_never_proven_is_removed_in_the_end(t) {
        let acme = Acme::lax(&t).await;
        let (app, _, _) = acme.enrol_app_with(&t, json!({"session_token": session(&t.sign_in(&acme.organization, ADA).await)})).await;
        let eve = t.member(&acme.organization, "eve@acme.example", json!({})).await;
        let ids = json!({"organization_id": acme.organization, "member_id": eve});
        let created = t.post(CREATE, ids.clone()).await.ok();
        let mut sms = ids.clone();
        sms["mfa_phone_number"] = json!(PHONE);
        t.post(SEND, sms).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        for (days, totp, sms) in [(6, (401, "expired_totp"), (401, "unable_to_auth_otp_code")), (2, (404, "totp_not_found"), (404, "otp_code_not_found"))] {
            t.advance_minutes(days * 24 * 60);
            upkeep::delete_expired(t.app.clone()).await.unwrap();
            let mut body = ids.clone();
            body["session_token"] = json!(session(&t.sign_in(&acme.organization, "eve@acme.example").await));
            body["code"] = json!(App::of(&created).code(&t));
            t.post(AUTHENTICATE_TOTP, body.clone()).await.fails(totp.0, totp.1);
            body["code"] = json!(code);
            t.post(AUTHENTICATE_SMS, body).await.fails(sms.0, sms.1);
        }
        let body = acme.body(json!({"code": app.code(&t), "session_token": session(&t.sign_in(&acme.organization, ADA).await)}));
        t.post(AUTHENTICATE_TOTP, body).await.ok();
    }

    /// Who left a page with a QR code and signs in anew gets a new one, and not an error for an hour.
    async fn a_registration_of_a_login_that_was_given_up_makes_way(t) {
        let acme = Acme::strict(&t).await;
        let given_up = acme.begin(&t).await;
        let create = |ist: &str| acme.body(json!({"intermediate_session_token": ist}));
        let first = t.post(CREATE, create(&given_up)).await.ok();
        t.post(CREATE, create(&given_up)).await.fails(400, "pending_totp_exists");
        let ist = acme.begin(&t).await;
        let second = t.post(CREATE, create(&ist)).await.ok();
        assert_ne!(first["totp_registration_id"], second["totp_registration_id"]);
        let body = acme.body(json!({"code": App::of(&second).code(&t), "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_TOTP, body).await.ok();
        let body = acme.body(json!({"code": App::of(&first).code(&t), "intermediate_session_token": given_up}));
        t.post(AUTHENTICATE_TOTP, body).await.fails(401, "unable_to_authenticate_totp");
    }

    /// neither begun nor finished without the factor that is there.
    async fn an_app_is_not_added_beside_a_phone_without_it(t) {
        let acme = Acme::strict(&t).await;
        let early = acme.begin(&t).await;
        let pending = t.post(CREATE, acme.body(json!({"intermediate_session_token": early}))).await.ok();
        let full = acme.enrol_phone(&t).await;
        // Begun while there was nothing, to be finished when there is a phone.
        let body = acme.body(json!({"code": App::of(&pending).code(&t), "intermediate_session_token": early}));
        t.post(AUTHENTICATE_TOTP, body).await.fails(401, "insufficient_factors");
        let ist = acme.begin(&t).await;
        for credential in [json!({}), json!({"intermediate_session_token": ist})] {
            t.post(CREATE, acme.body(credential)).await.fails(401, "insufficient_factors");
        }
        let body = acme.body(json!({"code": App::of(&pending).code(&t), "session_token": full}));
        let done = t.post(AUTHENTICATE_TOTP, body).await.ok();
        assert_eq!(factor_types(&done), ["email_otp", "otp", "totp"]);
    }

    async fn a_forbidden_method_is_not_begun(t) {
        let settings = json!({"mfa_policy": "REQUIRED_FOR_ALL", "mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]});
        let acme = Acme::with(&t, settings, json!({})).await;
        let ist = acme.begin(&t).await;
        let create = acme.body(json!({"intermediate_session_token": ist}));
        t.post(CREATE, create.clone()).await.fails(400, "operation_restricted_by_organization_mfa_methods");
        t.put(&format!("/v1/b2b/organizations/{}", acme.organization), json!({"mfa_methods": "ALL_ALLOWED"})).await.ok();
        let app = App::of(&t.post(CREATE, create).await.ok());
        let codes = t.post(AUTHENTICATE_TOTP, acme.body(json!({"code": app.code(&t), "intermediate_session_token": ist}))).await.ok();
        session(&codes);
        t.put(&format!("/v1/b2b/organizations/{}", acme.organization), json!({"mfa_methods": "RESTRICTED"})).await.ok();
        t.advance_seconds(60);
        let ist = acme.begin(&t).await;
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_TOTP, body).await.fails(400, "operation_restricted_by_organization_mfa_methods");
        let body = acme.body(json!({"recovery_code": "aaaa-bbbb-cccc", "intermediate_session_token": ist}));
        t.post(RECOVER, body).await.fails(400, "operation_restricted_by_organization_mfa_methods");
    }

    async fn an_app_from_another_system_works_at_once(t) {
        let acme = Acme::strict(&t).await;
        let with = |more: Value| acme.body(more);
        for wrong in ["", "GEZD", "not base32!", "0189"] {
            t.post(MIGRATE, with(json!({"secret": wrong, "recovery_codes": []}))).await.fails(400, "invalid_argument");
        }
        for wrong in [json!(["same", "SAME"]), json!([""]), json!(["123456"])] {
            t.post(MIGRATE, with(json!({"secret": SECRET, "recovery_codes": wrong}))).await.fails(400, "invalid_recovery_code");
        }
        let codes = json!(["Old-Code-1", "old-code-2"]);
        let migrated = t.post(MIGRATE, with(json!({"secret": SECRET.to_lowercase(), "recovery_codes": codes}))).await.ok();
        assert_eq!(migrated["recovery_codes"], codes);
        let member = &migrated["member"];
        assert_eq!(member["totp_registration_id"], migrated["totp_registration_id"]);
        assert_eq!((&member["default_mfa_method"], &member["mfa_enrolled"]), (&json!("totp"), &json!(true)));
        t.post(MIGRATE, with(json!({"secret": SECRET, "recovery_codes": []}))).await.fails(400, "active_totp_exists");
        let body = acme.body(json!({"code": App::with_secret(SECRET).code(&t), "intermediate_session_token": acme.begin(&t).await}));
        session(&t.post(AUTHENTICATE_TOTP, body).await.ok());
        let body = acme.body(json!({"recovery_code": "old-code-1", "intermediate_session_token": acme.begin(&t).await}));
        assert_eq!(t.post(RECOVER, body).await.ok()["recovery_codes_remaining"], 1);

        let eve = t.member(&acme.organization, "eve@acme.example", json!({})).await;
        let ids = json!({"organization_id": acme.organization, "member_id": eve});
        t.post(CREATE, ids.clone()).await.ok();
        let mut body = ids;
        body["secret"] = json!(SECRET);
        let migrated = t.post(MIGRATE, body).await.ok();
        assert_eq!(recovery_codes(&migrated).len(), 10, "an app that was never proven gives way, codes are made");
    }

    async fn a_deleted_app_is_gone_with_its_codes_and_sessions_stay(t) {
        let acme = Acme::strict(&t).await;
        t.delete(&delete_path(&acme)).await.fails(404, "totp_not_found");
        let (app, codes, full) = acme.enrol_app(&t).await;
        t.advance_seconds(60);
        let ist = acme.begin(&t).await;
        let deleted = t.delete(&delete_path(&acme)).await.ok();
        assert_eq!((&deleted["member"]["totp_registration_id"], &deleted["member"]["default_mfa_method"]), (&json!(""), &json!("")));
        assert_eq!((&deleted["member_id"], &deleted["organization"]["organization_id"]), (&json!(acme.member), &json!(acme.organization)));
        t.delete(&delete_path(&acme)).await.fails(404, "totp_not_found");
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_TOTP, body).await.fails(404, "totp_not_found");
        let body = acme.body(json!({"recovery_code": codes[0], "intermediate_session_token": ist}));
        t.post(RECOVER, body).await.fails(400, "no_active_recovery_code_backed_factor");
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": full})).await.ok();
        // Whoever had the old app enrols a new one at the next login.
        let (_, _, token) = acme.enrol_app_with(&t, json!({"intermediate_session_token": ist})).await;
        let mut browser = t.browser_with(&token);
        let path = "/sdk/v1/b2b/organizations/members/deleteTOTP";
        assert_eq!(browser.call(Method::DELETE, path, None).await.data()["member"]["totp_registration_id"], "");
        browser.call(Method::DELETE, path, None).await.fails(404, "totp_not_found");
        // One that waits for its first code can be deleted too.
        t.post(CREATE, acme.body(json!({}))).await.ok();
        t.delete(&delete_path(&acme)).await.ok();
    }

    async fn browsers_enrol_and_sign_in(t) {
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let mut browser = t.browser();
        browser.post("/sdk/v1/b2b/totp", acme.body(json!({}))).await.fails(401, "user_unauthenticated");
        browser.post("/sdk/v1/b2b/totp/authenticate", acme.body(json!({"code": "123456"}))).await.fails(401, "user_unauthenticated");
        let created = browser.post("/sdk/v1/b2b/totp", acme.body(json!({"intermediate_session_token": ist}))).await.data();
        assert_eq!(recovery_codes(&created).len(), 10);
        let body = acme.body(json!({
            "code": App::of(&created).code(&t), "intermediate_session_token": ist, "session_duration_minutes": 60,
            "session_custom_claims": {"role": "admin"},
        }));
        let done = browser.post("/sdk/v1/b2b/totp/authenticate", body).await.data();
        session(&done);
        assert_eq!(done["member_session"]["custom_claims"], json!({}), "browsers set no claims");
        browser.post("/sdk/v1/b2b/totp/migrate", acme.body(json!({"secret": SECRET}))).await.fails(404, "route_not_found");
    }

    /// no step is skipped by leaving something out.
    async fn empty_and_wrong_values_give_nothing(t) {
        let acme = Acme::strict(&t).await;
        let (_, _, _) = acme.enrol_app(&t).await;
        let ist = acme.begin(&t).await;
        for path in [AUTHENTICATE_TOTP, AUTHENTICATE_SMS] {
            for code in [Value::Null, json!(""), json!(123456), json!([]), json!(true), json!({"": ""})] {
                let answer = t.post(path, acme.body(json!({"code": code, "intermediate_session_token": ist}))).await;
                assert_eq!(answer.status.as_u16(), 400, "{path} {code}: {}", answer.text);
            }
        }
        for code in [Value::Null, json!(""), json!(0), json!([])] {
            let answer = t.post(RECOVER, acme.body(json!({"recovery_code": code, "intermediate_session_token": ist}))).await;
            assert_eq!(answer.status.as_u16(), 400, "{code}: {}", answer.text);
        }
        for path in [AUTHENTICATE_TOTP, AUTHENTICATE_SMS, RECOVER, SEND, CREATE, MIGRATE] {
            t.post(path, json!({})).await.fails(400, "bad_request");
        }
    }
}
