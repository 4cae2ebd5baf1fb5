//! Recovery codes (spec 01c §3).

use crate::on_both_engines;
use crate::second_factors::*;
use serde_json::{Value, json};
use std::sync::Arc;

const ROTATE: &str = "/v1/b2b/recovery_codes/rotate";

fn get_path(acme: &Acme) -> String {
    format!("/v1/b2b/recovery_codes/{}/{}", acme.organization, acme.member)
}

on_both_engines! {
    async fn a_code_stands_in_for_the_app_once(t) {
        let acme = Acme::strict(&t).await;
        let (_, codes, _) = acme.enrol_app(&t).await;
        let ist = acme.begin(&t).await;
        let with = |code: &str, ist: &str| acme.body(json!({"recovery_code": code, "intermediate_session_token": ist, "session_duration_minutes": 30}));
        t.post(RECOVER, with("aaaa-bbbb-cccc", &ist)).await.fails(401, "unable_to_authenticate_recovery_code");
        let done = t.post(RECOVER, with(&codes[3], &ist)).await.ok();
        let token = session(&done);
        assert_eq!(done["recovery_codes_remaining"], 9);
        assert!(done.get("member_authenticated").is_none() && done.get("intermediate_session_token").is_none());
        assert_eq!(factor_types(&done), ["email_otp", "recovery_codes"]);
        let factor = &done["member_session"]["authentication_factors"][1];
        assert_eq!((&factor["delivery_method"], &factor["sequence_order"]), (&json!("recovery_code"), &json!("SECONDARY")));
        let id = factor["recovery_code_factor"]["totp_recovery_code_id"].as_str().unwrap();
        assert!(id.starts_with("totp-recovery-code-test-"), "{id}");

        let ist = acme.begin(&t).await;
        t.post(RECOVER, with(&codes[3], &ist)).await.fails(401, "unable_to_authenticate_recovery_code");
        // As people type it.
        let typed = format!(" {} ", codes[0].to_uppercase().replace('-', ""));
        assert_eq!(t.post(RECOVER, with(&typed, &ist)).await.ok()["recovery_codes_remaining"], 8);
        let left = t.get(&get_path(&acme)).await.ok();
        let expected: Vec<&String> = codes.iter().enumerate().filter(|(at, _)| *at != 0 && *at != 3).map(|(_, code)| code).collect();
        assert_eq!(recovery_codes(&left).iter().collect::<Vec<_>>(), expected);
        // The factor counts like the app's: a phone may be added with it.
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "session_token": token}))).await.ok();
    }

    async fn what_is_no_recovery_code_is_told_so(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, full) = acme.enrol_app(&t).await;
        let with = |code: &str| acme.body(json!({"recovery_code": code, "session_token": full}));
        t.post(RECOVER, with(&app.code(&t))).await.fails(400, "totp_code_used_as_recovery_code");
        let long = "x".repeat(200);
        for malformed in ["", " - ", "käse-käse-käse", long.as_str()] {
            t.post(RECOVER, with(malformed)).await.fails(400, "invalid_recovery_code");
        }
        t.post(RECOVER, acme.body(json!({"recovery_code": "aaaa-bbbb-cccc"}))).await.fails(400, "no_session_arguments");
    }

    async fn a_member_without_an_app_has_none(t) {
        let acme = Acme::strict(&t).await;
        let with = |ist: &str| acme.body(json!({"recovery_code": "aaaa-bbbb-cccc", "intermediate_session_token": ist}));
        let ist = acme.begin(&t).await;
        t.post(RECOVER, with(&ist)).await.fails(400, "no_active_recovery_code_backed_factor");
        t.get(&get_path(&acme)).await.fails(404, "recovery_codes_not_found");
        t.post(ROTATE, acme.body(json!({}))).await.fails(404, "recovery_codes_not_found");
        // Codes of an app that waits for its first code do not count yet.
        let created = t.post(CREATE, acme.body(json!({"intermediate_session_token": ist}))).await.ok();
        let body = acme.body(json!({"recovery_code": recovery_codes(&created)[0], "intermediate_session_token": ist}));
        t.post(RECOVER, body).await.fails(400, "no_active_recovery_code_backed_factor");
        t.get(&get_path(&acme)).await.fails(404, "recovery_codes_not_found");
    }

    async fn the_last_code_leaves_none(t) {
        let acme = Acme::strict(&t).await;
        let migrate = acme.body(json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "recovery_codes": ["only-one"]}));
        t.post("/v1/b2b/totp/migrate", migrate).await.ok();
        let with = |ist: String| acme.body(json!({"recovery_code": "only-one", "intermediate_session_token": ist}));
        let body = with(acme.begin(&t).await);
        assert_eq!(t.post(RECOVER, body).await.ok()["recovery_codes_remaining"], 0);
        let body = with(acme.begin(&t).await);
        t.post(RECOVER, body).await.fails(404, "recovery_codes_not_found");
        assert_eq!(t.get(&get_path(&acme)).await.ok()["recovery_codes"], json!([]));
        let rotated = t.post(ROTATE, acme.body(json!({}))).await.ok();
        assert_eq!(recovery_codes(&rotated).len(), 10);
        assert_eq!((&rotated["member_id"], &rotated["organization"]["organization_id"]), (&json!(acme.member), &json!(acme.organization)));
    }

    async fn rotation_voids_the_old_codes(t) {
        let acme = Acme::strict(&t).await;
        let (_, old, _) = acme.enrol_app(&t).await;
        let rotated = t.post(ROTATE, acme.body(json!({}))).await.ok();
        let new = recovery_codes(&rotated);
        assert!(new.iter().all(|code| !old.contains(code)));
        assert_eq!(t.get(&get_path(&acme)).await.ok()["recovery_codes"], rotated["recovery_codes"]);
        let with = |code: &str, ist: String| acme.body(json!({"recovery_code": code, "intermediate_session_token": ist}));
        let ist = acme.begin(&t).await;
        t.post(RECOVER, with(&old[0], ist.clone())).await.fails(401, "unable_to_authenticate_recovery_code");
        t.post(RECOVER, with(&new[0], ist)).await.ok();
    }

    async fn wrong_codes_lock_the_member(t) {
        let acme = Acme::strict(&t).await;
        let (_, codes, _) = acme.enrol_app(&t).await;
        let ist = acme.begin(&t).await;
        let with = |code: &str| acme.body(json!({"recovery_code": code, "intermediate_session_token": ist}));
        for _ in 0..10 {
            t.post(RECOVER, with("aaaa-bbbb-cccc")).await.fails(401, "unable_to_authenticate_recovery_code");
        }
        t.post(RECOVER, with(&codes[0])).await.fails(429, "user_lock_limit_reached");
    }

    async fn a_code_works_once_under_concurrency(t) {
        let acme = Acme::strict(&t).await;
        let (_, codes, full) = acme.enrol_app(&t).await;
        t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 3600}})).await;
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..30).map(|_| {
            let (t, body) = (t.clone(), acme.body(json!({"recovery_code": codes[0], "session_token": full})));
            tokio::spawn(async move { t.post(RECOVER, body).await.status.as_u16() })
        }).collect();
        let mut won = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 200 | 401 | 429 | 503), "{status}");
            won += u32::from(status == 200);
        }
        assert_eq!(won, 1);
    }

    /// A session without a second factor cannot read codes that would pass for one.
    async fn browsers_read_and_rotate_after_a_second_factor(t) {
        let acme = Acme::lax(&t).await;
        let plain = session(&t.sign_in(&acme.organization, ADA).await);
        let other = session(&t.sign_in(&acme.organization, ADA).await);
        let (_, codes, full) = acme.enrol_app_with(&t, json!({"session_token": other})).await;
        let (read, rotate) = ("/sdk/v1/b2b/recovery_codes", "/sdk/v1/b2b/recovery_codes/rotate");
        t.browser().get(read).await.fails(401, "user_unauthenticated");
        t.browser().post(rotate, json!({})).await.fails(401, "user_unauthenticated");
        t.browser_with(&plain).get(read).await.fails(401, "insufficient_factors");
        t.browser_with(&plain).post(rotate, json!({})).await.fails(401, "insufficient_factors");
        let mut browser = t.browser_with(&full);
        let found = browser.get(read).await.data();
        assert_eq!(recovery_codes(&found), codes);
        assert_eq!(found.get("member"), None::<&Value>);
        let rotated = browser.post(rotate, json!({})).await.data();
        assert_eq!(browser.get(read).await.data()["recovery_codes"], rotated["recovery_codes"]);
        let body = acme.body(json!({"recovery_code": recovery_codes(&rotated)[0], "session_duration_minutes": 60}));
        t.browser().post("/sdk/v1/b2b/recovery_codes/recover", body.clone()).await.fails(401, "user_unauthenticated");
        let recovered = t.browser_with(&plain).post("/sdk/v1/b2b/recovery_codes/recover", body).await.data();
        assert_eq!(recovered["recovery_codes_remaining"], 9);
        assert_eq!(session(&recovered), plain, "the factor is added to the session");
        t.browser_with(&plain).get(read).await.data();
    }
}
