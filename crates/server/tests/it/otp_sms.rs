//! One-time codes by text message (spec 01b §4, 01c §3).

use crate::callers;
use crate::on_both_engines;
use crate::second_factors::*;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const OTHER_PHONE: &str = "+12025550124";

on_both_engines! {
    /// The first login enrols, the second one sends by itself.
    async fn a_member_enrols_a_phone_and_signs_in_with_it(t) {
        let acme = Acme::strict(&t).await;
        let first = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(first["mfa_required"], json!({"member_options": null, "secondary_auth_initiated": null}));
        assert_eq!(first["primary_required"], Value::Null);
        let ist = intermediate(&first);
        let sent = t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}))).await.ok();
        assert_eq!((&sent["member_id"], &sent["organization"]["organization_id"]), (&json!(acme.member), &json!(acme.organization)));
        assert_eq!((&sent["member"]["mfa_phone_number"], &sent["member"]["mfa_phone_number_verified"]), (&json!(PHONE), &json!(false)));
        let text = texts(&t, PHONE).await.pop().unwrap();
        let code = text["code"].as_str().unwrap();
        assert_eq!(text["text"], format!("{code} is your code for Acme Notes. It expires in 2 minutes."));

        let body = acme.body(json!({"code": code, "intermediate_session_token": ist, "session_duration_minutes": 30}));
        let done = t.post(AUTHENTICATE_SMS, body).await.ok();
        session(&done);
        for absent in ["member_authenticated", "intermediate_session_token", "mfa_required", "primary_required"] {
            assert!(done.get(absent).is_none(), "{absent}");
        }
        let member = &done["member"];
        assert_eq!(member["mfa_phone_number_verified"], true);
        assert_eq!((&member["mfa_enrolled"], &member["default_mfa_method"]), (&json!(true), &json!("sms_otp")));
        assert_eq!(factor_types(&done), ["email_otp", "otp"]);
        let factor = &done["member_session"]["authentication_factors"][1];
        assert_eq!((&factor["delivery_method"], &factor["sequence_order"]), (&json!("sms"), &json!("SECONDARY")));
        assert_eq!(factor["phone_number_factor"]["phone_number"], PHONE);
        assert!(factor["phone_number_factor"]["phone_id"].as_str().unwrap().starts_with("phone-number-test-"));

        let again = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, again).await.fails(404, "intermediate_session_not_found");

        let second = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(second["mfa_required"], json!({
            "member_options": {"mfa_phone_number": PHONE, "totp_registration_id": ""},
            "secondary_auth_initiated": "sms_otp",
        }));
        assert_eq!(texts(&t, PHONE).await.len(), 2);
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "intermediate_session_token": intermediate(&second)}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok());
    }

    async fn wrong_used_late_and_malformed_codes_are_told_apart(t) {
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let with = |code: &str| acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, with("123456")).await.fails(404, "otp_code_not_found");
        let send = acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}));
        t.post(SEND, send.clone()).await.ok();
        let first = last_sms_code(&t, PHONE).await;
        for malformed in ["12345", "1234567", "12345a", "１２３４５６", "", " 12345"] {
            t.post(AUTHENTICATE_SMS, with(malformed)).await.fails(400, "invalid_code");
        }
        t.post(AUTHENTICATE_SMS, with(another(&first))).await.fails(404, "otp_code_not_found");
        t.post(SEND, send.clone()).await.ok();
        let second = last_sms_code(&t, PHONE).await;
        if first != second {
            t.post(AUTHENTICATE_SMS, with(&first)).await.fails(404, "otp_code_not_found");
        }
        t.advance_seconds(120);
        t.post(AUTHENTICATE_SMS, with(&second)).await.fails(401, "unable_to_auth_otp_code");
        t.post(SEND, send).await.ok();
        t.advance_seconds(119);
        let body = with(&last_sms_code(&t, PHONE).await);
        let token = session(&t.post(AUTHENTICATE_SMS, body.clone()).await.ok());
        let mut body = body;
        body.as_object_mut().unwrap().remove("intermediate_session_token");
        body["session_token"] = json!(token);
        t.post(AUTHENTICATE_SMS, body).await.fails(401, "unable_to_auth_otp_code");
    }

    /// A wrong code keeps the login alive; an empty call, a call with two credentials or a stranger's gives nothing.
    async fn exactly_one_credential_of_the_member_is_needed(t) {
        let acme = Acme::strict(&t).await;
        let eve = t.member(&acme.organization, "eve@acme.example", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let other = t.member(&globex, ADA, json!({})).await;
        let foreign = session(&t.sign_in(&globex, ADA).await);
        let jwt = t.sign_in(&globex, ADA).await["session_jwt"].as_str().unwrap().to_owned();
        let ist = acme.begin(&t).await;
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}))).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        let with = |more: Value| { let mut body = acme.body(more); body["code"] = json!(code); body };
        t.post(AUTHENTICATE_SMS, with(json!({}))).await.fails(400, "no_session_arguments");
        t.post(AUTHENTICATE_SMS, with(json!({"session_token": "", "intermediate_session_token": null}))).await.fails(400, "no_session_arguments");
        for two in [
            json!({"intermediate_session_token": ist, "session_token": foreign}),
            json!({"intermediate_session_token": ist, "session_jwt": jwt}),
            json!({"session_token": foreign, "session_jwt": jwt}),
        ] {
            t.post(AUTHENTICATE_SMS, with(two.clone())).await.fails(400, "too_many_session_arguments");
            t.post(SEND, acme.body(two)).await.fails(400, "too_many_session_arguments");
        }
        t.post(AUTHENTICATE_SMS, with(json!({"intermediate_session_token": "x"}))).await.fails(404, "intermediate_session_not_found");
        t.post(AUTHENTICATE_SMS, with(json!({"session_token": "x"}))).await.fails(404, "session_not_found");
        // The same person in another organization, and another person in the same one.
        for foreign in [json!({"session_token": foreign}), json!({"session_jwt": jwt})] {
            t.post(AUTHENTICATE_SMS, with(foreign.clone())).await.fails(400, "member_session_member_id_mismatch");
            t.post(SEND, acme.body(foreign)).await.fails(400, "member_session_member_id_mismatch");
        }
        let body = json!({"organization_id": acme.organization, "member_id": eve, "code": code, "intermediate_session_token": ist});
        t.post(AUTHENTICATE_SMS, body).await.fails(400, "invalid_intermediate_session_token_for_organization");
        let body = json!({"organization_id": globex, "member_id": acme.member, "code": code, "intermediate_session_token": ist});
        t.post(AUTHENTICATE_SMS, body).await.fails(404, "member_not_found");
        let body = json!({"organization_id": globex, "member_id": other, "code": code, "intermediate_session_token": ist});
        t.post(AUTHENTICATE_SMS, body).await.fails(404, "otp_code_not_found");
        session(&t.post(AUTHENTICATE_SMS, with(json!({"intermediate_session_token": ist}))).await.ok());
    }

    async fn a_second_factor_waits_for_the_first_one(t) {
        let settings = json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link"], "mfa_policy": "REQUIRED_FOR_ALL"});
        let acme = Acme::with(&t, settings, json!({"mfa_phone_number": PHONE})).await;
        let discovered = t.discover(ADA).await;
        let ist = discovered["intermediate_session_token"].as_str().unwrap();
        let exchange = json!({"organization_id": acme.organization, "intermediate_session_token": ist});
        let pending = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", exchange).await.ok();
        assert_eq!(pending["primary_required"]["allowed_auth_methods"], json!(["magic_link"]));
        assert_eq!(pending["mfa_required"]["secondary_auth_initiated"], Value::Null);
        let refusal = (400, "action_available_only_once_primary_authentication_is_met");
        t.post(SEND, acme.body(json!({"intermediate_session_token": ist}))).await.fails(refusal.0, refusal.1);
        let body = acme.body(json!({"code": "123456", "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(refusal.0, refusal.1);
        assert!(texts(&t, PHONE).await.is_empty());
    }

    async fn numbers_are_judged_before_anything_is_sent(t) {
        let acme = Acme::lax(&t).await;
        let send = |number: &str| t.post(SEND, acme.body(json!({"mfa_phone_number": number})));
        t.post(SEND, acme.body(json!({}))).await.fails(404, "member_phone_number_not_found");
        for wrong in ["2025550123", "+1202555012", "+1 202 555 0123", "+12025550123x", "tel:+12025550123"] {
            send(wrong).await.fails(400, "invalid_phone_number");
        }
        for foreign in ["+442071838750", "+18765550123", "+18005550123", "+881612345678"] {
            send(foreign).await.fails(400, "invalid_phone_number_country_code");
        }
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "locale": "tlh"}))).await.fails(400, "invalid_locale");
        assert_eq!(acme.ada(&t).await["mfa_phone_number"], "");
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "locale": "de-DE"}))).await.ok();
        assert!(texts(&t, PHONE).await[0]["text"].as_str().unwrap().contains("Ihr Code"));
        t.set(json!({"allowed_phone_countries": ["GB"]})).await;
        t.post(SEND, acme.body(json!({}))).await.fails(400, "invalid_phone_number_country_code");
        send("+442071838750").await.ok();
    }

    /// A mistyped number can be corrected; a proven one has to be deleted first, and nobody shares a number.
    async fn a_number_that_was_never_proven_gives_way(t) {
        let acme = Acme::lax(&t).await;
        t.post(SEND, acme.body(json!({"mfa_phone_number": OTHER_PHONE}))).await.ok();
        let stale = last_sms_code(&t, OTHER_PHONE).await;
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE}))).await.ok();
        assert_eq!(acme.ada(&t).await["mfa_phone_number"], PHONE);
        let token = session(&t.sign_in(&acme.organization, ADA).await);
        let code = last_sms_code(&t, PHONE).await;
        let with = |code: &str| acme.body(json!({"code": code, "session_token": token}));
        if code != stale {
            t.post(AUTHENTICATE_SMS, with(&stale)).await.fails(404, "otp_code_not_found");
        }
        t.post(AUTHENTICATE_SMS, with(&code)).await.ok();
        let other = acme.body(json!({"mfa_phone_number": OTHER_PHONE, "session_token": token}));
        t.post(SEND, other).await.fails(400, "duplicate_member_phone_number_for_member");
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE}))).await.ok();

        let eve = t.member(&acme.organization, "eve@acme.example", json!({})).await;
        let body = json!({"organization_id": acme.organization, "member_id": eve, "mfa_phone_number": PHONE});
        t.post(SEND, body).await.fails(400, "duplicate_member_phone_number");
    }

    async fn only_active_members_get_second_factors(t) {
        let acme = Acme::with(&t, json!({}), json!({"create_member_as_pending": true})).await;
        let body = acme.body(json!({"mfa_phone_number": PHONE}));
        t.post(SEND, body).await.fails(400, "action_available_only_for_active_members");
        t.post(CREATE, acme.body(json!({}))).await.fails(400, "action_available_only_for_active_members");
        let migrate = acme.body(json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "recovery_codes": []}));
        t.post("/v1/b2b/totp/migrate", migrate).await.fails(400, "action_available_only_for_active_members");
        t.delete(&format!("/v1/b2b/organizations/{}/members/{}", acme.organization, acme.member)).await.ok();
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE}))).await.fails(404, "member_not_found");
    }

    /// whoever has the first factor alone cannot add a factor of their own.
    async fn a_phone_is_not_added_beside_an_app_without_it(t) {
        let acme = Acme::strict(&t).await;
        let (app, _, full) = acme.enrol_app(&t).await;
        let ist = acme.begin(&t).await;
        for credential in [json!({}), json!({"intermediate_session_token": ist})] {
            let mut body = acme.body(credential);
            body["mfa_phone_number"] = json!(PHONE);
            t.post(SEND, body).await.fails(401, "insufficient_factors");
        }
        assert_eq!(acme.ada(&t).await["mfa_phone_number"], "");
        // Nor when the number is there already, unproven, and a code is on its way.
        let path = format!("/v1/b2b/organizations/{}/members/{}", acme.organization, acme.member);
        t.put(&path, json!({"mfa_phone_number": PHONE})).await.ok();
        t.post(SEND, acme.body(json!({"intermediate_session_token": ist}))).await.fails(401, "insufficient_factors");
        t.post(SEND, acme.body(json!({"session_token": full}))).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        let body = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(401, "insufficient_factors");
        let done = t.post(AUTHENTICATE_SMS, acme.body(json!({"code": code, "session_token": full}))).await.ok();
        assert_eq!(factor_types(&done), ["email_otp", "totp", "otp"]);
        assert_eq!(done["member"]["default_mfa_method"], "totp");

        // With both, the preferred one decides whether a message is sent.
        let sent = texts(&t, PHONE).await.len();
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"]["secondary_auth_initiated"], Value::Null);
        let options = &login["mfa_required"]["member_options"];
        assert_eq!((&options["mfa_phone_number"], &options["totp_registration_id"]), (&json!(PHONE), &done["member"]["totp_registration_id"]));
        assert_eq!(texts(&t, PHONE).await.len(), sent);
        let ist = intermediate(&login);
        t.post(SEND, acme.body(json!({"intermediate_session_token": ist}))).await.ok();
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "intermediate_session_token": ist, "set_default_mfa": true}));
        assert_eq!(t.post(AUTHENTICATE_SMS, body).await.ok()["member"]["default_mfa_method"], "sms_otp");
        assert_eq!(t.sign_in(&acme.organization, ADA).await["mfa_required"]["secondary_auth_initiated"], "sms_otp");
        t.advance_seconds(60);
        let body = acme.body(json!({"code": app.code(&t), "intermediate_session_token": acme.begin(&t).await}));
        t.post(AUTHENTICATE_TOTP, body).await.ok();
    }

    async fn methods_that_the_organization_forbids_do_not_work(t) {
        let settings = json!({"mfa_policy": "REQUIRED_FOR_ALL", "mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["totp"]});
        let acme = Acme::with(&t, settings, json!({})).await;
        let ist = acme.begin(&t).await;
        let refused = "operation_restricted_by_organization_mfa_methods";
        let send = acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}));
        t.post(SEND, send.clone()).await.fails(400, refused);
        let path = format!("/v1/b2b/organizations/{}/members/{}", acme.organization, acme.member);
        t.put(&path, json!({"is_breakglass": true})).await.ok();
        t.post(SEND, send).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        t.post(AUTHENTICATE_SMS, acme.body(json!({"code": code, "intermediate_session_token": ist}))).await.ok();

        // The only factor that Ada has becomes forbidden: nothing is sent, and an allowed one may be enrolled.
        t.put(&path, json!({"is_breakglass": false})).await.ok();
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"], json!({"member_options": null, "secondary_auth_initiated": null}));
        let ist = intermediate(&login);
        t.post(SEND, acme.body(json!({"intermediate_session_token": ist}))).await.fails(400, refused);
        let body = acme.body(json!({"code": "123456", "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(400, refused);
        let created = t.post(CREATE, acme.body(json!({"intermediate_session_token": ist}))).await.ok();
        let body = acme.body(json!({"code": App::of(&created).code(&t), "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_TOTP, body).await.ok();
    }

    /// five tries for a code; ten failures lock the member, and neither new codes nor new logins start over.
    async fn guessing_is_stopped_and_a_first_factor_does_not_start_over(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        let mut failures = 0;
        for _ in 0..2 {
            let ist = acme.begin(&t).await;
            let code = last_sms_code(&t, PHONE).await;
            let with = |code: &str| acme.body(json!({"code": code, "intermediate_session_token": ist}));
            for _ in 0..5 {
                if failures < 9 {
                    t.post(AUTHENTICATE_SMS, with(another(&code))).await.fails(404, "otp_code_not_found");
                    failures += 1;
                }
            }
        }
        let ist = acme.begin(&t).await;
        let code = last_sms_code(&t, PHONE).await;
        let with = |code: &str| acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, with(another(&code))).await.fails(404, "otp_code_not_found");
        let refused = t.post(AUTHENTICATE_SMS, with(&code)).await;
        assert!(refused.headers.contains_key("retry-after"));
        refused.fails(429, "user_lock_limit_reached");
        t.post(SEND, acme.body(json!({"intermediate_session_token": ist}))).await.fails(429, "user_lock_limit_reached");
        assert_eq!(acme.ada(&t).await["is_locked"], true);
        t.advance_minutes(61);
        let ist = acme.begin(&t).await;
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "intermediate_session_token": ist}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok());
        assert_eq!(acme.ada(&t).await["is_locked"], false);
    }

    async fn a_code_may_be_tried_five_times(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        let ist = acme.begin(&t).await;
        let code = last_sms_code(&t, PHONE).await;
        let with = |code: &str| acme.body(json!({"code": code, "intermediate_session_token": ist}));
        for _ in 0..5 {
            t.post(AUTHENTICATE_SMS, with(another(&code))).await.fails(404, "otp_code_not_found");
        }
        t.post(AUTHENTICATE_SMS, with(&code)).await.fails(401, "unable_to_auth_otp_code");
    }

    /// Many guesses from many connections get as many tries as one after the other.
    async fn parallel_guesses_have_no_more_tries(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 3600}})).await;
        let ist = acme.begin(&t).await;
        let code = last_sms_code(&t, PHONE).await;
        let wrong = another(&code);
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..40).map(|_| {
            let (t, body) = (t.clone(), acme.body(json!({"code": wrong, "intermediate_session_token": ist})));
            tokio::spawn(async move { t.post(AUTHENTICATE_SMS, body).await.status.as_u16() })
        }).collect();
        let mut tried = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 404 | 429 | 503), "{status}");
            tried += u32::from(status == 404);
        }
        assert!(tried >= 5, "{tried}");
        let body = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(401, "unable_to_auth_otp_code");
    }

    /// A code that many callers enter at once gives one session.
    async fn a_code_works_once_under_concurrency(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        let logins = [acme.begin(&t).await, acme.begin(&t).await];
        let code = last_sms_code(&t, PHONE).await;
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..30).map(|number| {
            let body = acme.body(json!({"code": code, "intermediate_session_token": logins[number % 2]}));
            let t = t.clone();
            tokio::spawn(async move { t.post(AUTHENTICATE_SMS, body).await.status.as_u16() })
        }).collect();
        let mut won = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 200 | 401 | 404 | 429 | 503), "{status}");
            won += u32::from(status == 200);
        }
        assert_eq!(won, 1);
    }

    /// The factor is added to a session; length and claims follow the call.
    async fn a_session_takes_the_factor(t) {
        let acme = Acme::lax(&t).await;
        let login = t.sign_in(&acme.organization, ADA).await;
        let token = session(&login);
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "session_jwt": login["session_jwt"]}))).await.ok();
        let body = acme.body(json!({
            "code": last_sms_code(&t, PHONE).await, "session_token": token, "session_duration_minutes": 5,
            "session_custom_claims": {"step": "up"}, "set_mfa_enrollment": "enroll",
        }));
        let done = t.post(AUTHENTICATE_SMS, body).await.ok();
        assert_eq!(session(&done), token, "the same session");
        assert_eq!(done["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        assert_eq!(done["member_session"]["custom_claims"], json!({"step": "up"}));
        assert!(done["member_session"]["expires_at"].as_str().unwrap() < login["member_session"]["expires_at"].as_str().unwrap());
        assert_eq!(factor_types(&done), ["email_otp", "otp"]);
        assert_eq!(done["member"]["mfa_enrolled"], true);
        // Enrolment makes the next login ask, and a session of the member's own stands for the answer.
        let pending = t.sign_in(&acme.organization, ADA).await;
        intermediate(&pending);
        t.post("/v1/b2b/otps/email/login_or_signup", json!({"organization_id": acme.organization, "email_address": ADA})).await.ok();
        let own = json!({"organization_id": acme.organization, "email_address": ADA, "code": t.last_code(ADA).await, "session_token": token});
        assert_eq!(t.post("/v1/b2b/otps/email/authenticate", own).await.ok()["member_authenticated"], true);
        let ist = acme.begin(&t).await;
        let with = |wish: &str, code: String| acme.body(json!({"code": code, "intermediate_session_token": ist, "set_mfa_enrollment": wish}));
        let code = last_sms_code(&t, PHONE).await;
        t.post(AUTHENTICATE_SMS, with("maybe", code.clone())).await.fails(400, "invalid_argument");
        assert_eq!(t.post(AUTHENTICATE_SMS, with("unenroll", code)).await.ok()["member"]["mfa_enrolled"], false);
        session(&t.sign_in(&acme.organization, ADA).await);
    }

    /// A login that waits for a second factor does not look at length and claims; a policy leaves sessions alone.
    async fn a_pending_login_has_no_length_and_a_policy_ends_no_session(t) {
        let acme = Acme::lax(&t).await;
        let before = session(&t.sign_in(&acme.organization, ADA).await);
        t.put(&format!("/v1/b2b/organizations/{}", acme.organization), json!({"mfa_policy": "REQUIRED_FOR_ALL"})).await.ok();
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": before})).await.ok();
        t.post("/v1/b2b/otps/email/login_or_signup", json!({"organization_id": acme.organization, "email_address": ADA})).await.ok();
        let body = json!({
            "organization_id": acme.organization, "email_address": ADA, "code": t.last_code(ADA).await,
            "session_duration_minutes": 500, "session_custom_claims": {"a": 1},
        });
        let ist = intermediate(&t.post("/v1/b2b/otps/email/authenticate", body).await.ok());
        t.post(SEND, acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}))).await.ok();
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "intermediate_session_token": ist}));
        let done = t.post(AUTHENTICATE_SMS, body).await.ok();
        assert_eq!(done["member_session"]["custom_claims"], json!({}));
    }

    /// A number for tests on the server API of a test environment: nothing is sent, the code is known.
    async fn the_sandbox_number_has_a_known_code(t) {
        const SANDBOX: &str = "+10000000000";
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        t.post(SEND, acme.body(json!({"mfa_phone_number": SANDBOX, "intermediate_session_token": ist}))).await.ok();
        assert!(texts(&t, SANDBOX).await.is_empty());
        let body = acme.body(json!({"code": "000000", "intermediate_session_token": ist}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok());
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"]["secondary_auth_initiated"], "sms_otp");
        let body = acme.body(json!({"code": "000000", "intermediate_session_token": intermediate(&login)}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok());
        // Browsers know no such number.
        let ist = acme.begin(&t).await;
        let body = acme.body(json!({"intermediate_session_token": ist}));
        t.browser().post("/sdk/v1/b2b/otps/sms/send", body).await.fails(400, "invalid_phone_number_country_code");
    }

    /// A number that no message may go to any more is no reason to refuse the login.
    async fn a_code_that_cannot_be_sent_is_not_announced(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        t.set(json!({"allowed_phone_countries": ["GB"]})).await;
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"]["secondary_auth_initiated"], Value::Null);
        assert_eq!(login["mfa_required"]["member_options"]["mfa_phone_number"], PHONE);
    }

    /// Nothing is sent while a person still chooses, and the language follows the call.
    async fn entering_from_discovery_sends_and_listing_does_not(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        let sent = texts(&t, PHONE).await.len();
        let discovered = t.discover(ADA).await;
        assert_eq!(discovered["discovered_organizations"][0]["mfa_required"]["secondary_auth_initiated"], Value::Null);
        let ist = discovered["intermediate_session_token"].as_str().unwrap();
        t.post("/v1/b2b/discovery/organizations", json!({"intermediate_session_token": ist})).await.ok();
        assert_eq!(texts(&t, PHONE).await.len(), sent);
        let exchange = json!({"organization_id": acme.organization, "intermediate_session_token": ist, "locale": "es"});
        let pending = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", exchange).await.ok();
        assert_eq!(pending["mfa_required"]["secondary_auth_initiated"], "sms_otp");
        assert_eq!(pending["intermediate_session_token"], ist);
        let text = texts(&t, PHONE).await.pop().unwrap();
        assert!(text["text"].as_str().unwrap().contains("tu código"));
        let body = acme.body(json!({"code": text["code"], "intermediate_session_token": ist}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok());
    }

    /// What was proven in one organization does not count as a second factor in another.
    async fn a_second_factor_does_not_go_along_into_another_organization(t) {
        let acme = Acme::strict(&t).await;
        let globex = t.organization("Globex", json!({"mfa_policy": "REQUIRED_FOR_ALL"})).await;
        t.member(&globex, ADA, json!({})).await;
        let token = acme.enrol_phone(&t).await;
        let body = json!({"organization_id": globex, "session_token": token});
        let pending = t.post("/v1/b2b/sessions/exchange", body).await.ok();
        assert_eq!(pending["mfa_required"]["member_options"], Value::Null);
        intermediate(&pending);
    }

    async fn a_deleted_phone_is_gone_and_sessions_stay(t) {
        let acme = Acme::strict(&t).await;
        let token = acme.enrol_phone(&t).await;
        t.post(SEND, acme.body(json!({}))).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        let path = format!("/v1/b2b/organizations/{}/members/mfa_phone_numbers/{}", acme.organization, acme.member);
        let deleted = t.delete(&path).await.ok();
        let member = &deleted["member"];
        assert_eq!((&member["mfa_phone_number"], &member["mfa_phone_number_verified"], &member["default_mfa_method"]), (&json!(""), &json!(false), &json!("")));
        assert_eq!((&deleted["member_id"], &deleted["organization"]["organization_id"]), (&json!(acme.member), &json!(acme.organization)));
        t.delete(&path).await.fails(404, "member_phone_number_not_found");
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": token})).await.ok();
        t.post(AUTHENTICATE_SMS, acme.body(json!({"code": code, "session_token": token}))).await.fails(404, "otp_code_not_found");
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"]["member_options"], Value::Null);
    }

    /// A factor that was proven in a login that is still open is worth nothing once it is gone.
    async fn a_phone_that_is_deleted_during_a_login_does_not_count(t) {
        let acme = Acme::strict(&t).await;
        acme.enrol_phone(&t).await;
        let ist = acme.begin(&t).await;
        let code = last_sms_code(&t, PHONE).await;
        t.delete(&format!("/v1/b2b/organizations/{}/members/mfa_phone_numbers/{}", acme.organization, acme.member)).await.ok();
        let body = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(404, "otp_code_not_found");
        t.put(&format!("/v1/b2b/organizations/{}/members/{}", acme.organization, acme.member), json!({"mfa_phone_number": PHONE})).await.ok();
        let body = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        t.post(AUTHENTICATE_SMS, body).await.fails(404, "otp_code_not_found");
    }

    async fn browsers_enrol_and_sign_in_with_their_intermediate_session(t) {
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let mut browser = t.browser();
        let send = acme.body(json!({"mfa_phone_number": PHONE}));
        browser.post("/sdk/v1/b2b/otps/sms/send", send.clone()).await.fails(401, "user_unauthenticated");
        let mut send = send;
        send["intermediate_session_token"] = json!(ist);
        let sent = browser.post("/sdk/v1/b2b/otps/sms/send", send).await.data();
        assert!(sent.get("member").is_none(), "{sent}");
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "session_duration_minutes": 60}));
        browser.post("/sdk/v1/b2b/otps/sms/authenticate", body.clone()).await.fails(401, "user_unauthenticated");
        let mut body = body;
        body["intermediate_session_token"] = json!(ist);
        let done = browser.post("/sdk/v1/b2b/otps/sms/authenticate", body).await.data();
        let token = session(&done);
        assert_eq!(done["member"]["mfa_phone_number_verified"], true);
        let mut browser = t.browser_with(&token);
        let path = "/sdk/v1/b2b/organizations/members/deletePhoneNumber";
        let deleted = browser.call(Method::DELETE, path, None).await.data();
        assert_eq!(deleted["member"]["mfa_phone_number"], "");
        browser.call(Method::DELETE, path, None).await.fails(404, "member_phone_number_not_found");
        t.browser().call(Method::DELETE, path, None).await.fails(401, "user_unauthenticated");
        t.browser_with("gone").call(Method::DELETE, path, None).await.fails(404, "session_not_found");
    }

    /// In the mode of cookies that scripts cannot read, the intermediate session is one of them.
    async fn browsers_with_cookies_go_on_with_them(t) {
        t.set(json!({"http_only_cookies": true, "create_organization_enabled": true})).await;
        let acme = Acme::strict(&t).await;
        let mut browser = t.browser();
        let body = json!({"organization_id": acme.organization, "email_address": ADA});
        browser.post("/sdk/v1/b2b/otps/email/login_or_signup", body.clone()).await.data();
        let mut body = body;
        body["code"] = json!(t.last_code(ADA).await);
        body["session_duration_minutes"] = json!(60);
        browser.post("/sdk/v1/b2b/otps/email/authenticate", body).await.data();
        browser.post("/sdk/v1/b2b/otps/sms/send", acme.body(json!({"mfa_phone_number": PHONE}))).await.data();
        let body = acme.body(json!({"code": last_sms_code(&t, PHONE).await, "session_duration_minutes": 60}));
        let done = browser.post("/sdk/v1/b2b/otps/sms/authenticate", body).await.data();
        assert_eq!((&done["session_token"], &done["session_jwt"]), (&json!(""), &json!("")));
        let names: Vec<&str> = browser.cookies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["stytch_session", "stytch_session_jwt"]);
    }

    /// Deleting others' factors is for those who may.
    async fn only_who_may_deletes_the_factors_of_others(t) {
        let acme = Acme::strict(&t).await;
        let token = acme.enrol_phone(&t).await;
        acme.enrol_app_with(&t, json!({"session_token": token})).await;
        t.put(&format!("/v1/b2b/organizations/{}", acme.organization), json!({"mfa_policy": "OPTIONAL"})).await.ok();
        let plain = callers::signed_in(&t, &acme.organization, "eve@acme.example", &[]).await;
        let admin = callers::signed_in(&t, &acme.organization, "boss@acme.example", &["stytch_admin"]).await;
        for (kind, field) in [("mfa_phone_numbers", "mfa_phone_number"), ("totp", "totp_registration_id")] {
            let path = format!("/sdk/v1/b2b/organizations/members/{kind}/{}", acme.member);
            t.browser_with(&plain.token).call(Method::DELETE, &path, None).await.fails(403, "session_authorization_error");
            let deleted = t.browser_with(&admin.token).call(Method::DELETE, &path, None).await.data();
            assert_eq!(deleted["member"][field], "");
        }
        let globex = t.organization("Globex", json!({})).await;
        let foreign = callers::signed_in(&t, &globex, "boss@globex.example", &["stytch_admin"]).await;
        let path = format!("/sdk/v1/b2b/organizations/members/totp/{}", acme.member);
        t.browser_with(&foreign.token).call(Method::DELETE, &path, None).await.fails(404, "member_not_found");
        let path = format!("/v1/b2b/organizations/{}/members/mfa_phone_numbers/{}", acme.organization, acme.member);
        let as_member = [("x-stytch-member-session", foreign.token.as_str())];
        t.call_as(&t.project, Method::DELETE, &path, None, &as_member).await.fails(403, "session_authorization_tenancy_error");
    }
}
