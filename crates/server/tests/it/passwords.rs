//! Passwords of one member: strength, signing in, resets, locks, breaches.

use crate::harness::{Server, query};
use crate::on_both_engines;
use axum::http::Method;
use ostiary_core::error::ErrorType;
use serde_json::{Value, json};
use std::sync::Arc;

const STRENGTH: &str = "/v1/b2b/passwords/strength_check";
const AUTHENTICATE: &str = "/v1/b2b/passwords/authenticate";
const START: &str = "/v1/b2b/passwords/email/reset/start";
const RESET: &str = "/v1/b2b/passwords/email/reset";
const EXISTING: &str = "/v1/b2b/passwords/existing_password/reset";
const SESSION: &str = "/v1/b2b/passwords/session/reset";
const CHECK: &str = "/v1/b2b/sessions/authenticate";

const ADA: &str = "ada@acme.example";
const GOOD: &str = "correct horse battery staple";
const BETTER: &str = "seven quiet lighthouses at dawn";

fn sign_in(organization: &str, password: &str) -> Value {
    json!({"organization_id": organization, "email_address": ADA, "password": password})
}

/// Acme with Ada, who has the password [`GOOD`].
async fn acme_with_password(t: &Server) -> (String, String) {
    let acme = t.organization("Acme", json!({})).await;
    let ada = t.member(&acme, ADA, json!({})).await;
    t.set_password(&acme, ADA, GOOD).await;
    (acme, ada)
}

async fn is_alive(t: &Server, session: &Value) -> bool {
    t.post(CHECK, json!({"session_token": session["session_token"]})).await.status == 200
}

fn challenge() -> (&'static str, &'static str) {
    // RFC 7636 appendix B.
    ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
}

on_both_engines! {
    async fn strength_is_measured_by_guesses(t) {
        let weak = t.post(STRENGTH, json!({"password": "password"})).await.ok();
        assert_eq!((&weak["valid_password"], &weak["score"]), (&json!(false), &json!(0)));
        assert_eq!((&weak["strength_policy"], &weak["luds_feedback"]), (&json!("zxcvbn"), &Value::Null));
        assert!(!weak["zxcvbn_feedback"]["warning"].as_str().unwrap().is_empty());
        assert!(!weak["zxcvbn_feedback"]["suggestions"].as_array().unwrap().is_empty());
        let strong = t.browser().post("/sdk/v1/b2b/passwords/strength_check", json!({"password": GOOD})).await.data();
        assert_eq!((&strong["valid_password"], &strong["score"]), (&json!(true), &json!(4)));
        assert_eq!(strong["zxcvbn_feedback"], json!({"warning": "", "suggestions": []}));
        let own = json!({"password": "zkqxvw@vqzkxj.example", "email_address": "zkqxvw@vqzkxj.example"});
        assert_eq!(t.post(STRENGTH, own).await.ok()["valid_password"], false);
    }

    async fn strength_is_measured_by_kinds_of_characters(t) {
        t.set(json!({"password_strength_config": {
            "validation_policy": "LUDS", "luds_min_password_length": 10, "luds_min_password_complexity": 3
        }})).await;
        let answer = t.post(STRENGTH, json!({"password": "abcD"})).await.ok();
        assert_eq!((&answer["strength_policy"], &answer["zxcvbn_feedback"]), (&json!("luds"), &Value::Null));
        assert_eq!(answer["luds_feedback"], json!({
            "has_lower_case": true, "has_upper_case": true, "has_digit": false, "has_symbol": false,
            "missing_complexity": 1, "missing_characters": 6,
        }));
        assert_eq!(t.post(STRENGTH, json!({"password": "abcdefgH1j"})).await.ok()["valid_password"], true);
        let path = format!("/sdk/v1/projects/bootstrap/{}", t.project.public_token);
        let bootstrap = t.browser().get(&path).await.data();
        assert_eq!(bootstrap["password_config"], json!({"luds_complexity": 3, "luds_minimum_count": 10}));
    }

    async fn bounds_of_the_policy_are_checked(t) {
        let project = t.app.projects.by_id(t.project.project_id).unwrap();
        for (config, expected) in [
            (json!({"luds_min_password_length": 7}), ErrorType::InvalidPasswordStrengthLudsLength),
            (json!({"luds_min_password_complexity": 5}), ErrorType::InvalidPasswordStrengthLudsComplexity),
            (json!({"validation_policy": "LENGTH"}), ErrorType::InvalidArgument),
            (json!({"luds_min": 5}), ErrorType::InvalidArgument),
        ] {
            let change = json!({"password_strength_config": config}).as_object().unwrap().clone();
            let refused = ostiary_server::ops::projects::change_settings(&t.app, &project.environment, change).await;
            assert_eq!(refused.unwrap_err().kind, expected);
        }
        let path = format!("/sdk/v1/projects/bootstrap/{}", t.project.public_token);
        assert_eq!(t.browser().get(&path).await.data()["password_config"], Value::Null);
    }

    async fn a_password_is_set_by_a_link_and_signs_in(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, ADA, json!({})).await;
        let started = t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        assert_eq!(started["member_id"], ada);
        assert!(started["member_email_id"].as_str().unwrap().starts_with("email-test-"));
        assert_eq!(t.last_message(ADA).await["template_type"], "VERIFY_EMAIL_PASSWORD_RESET");
        let token = t.last_token(ADA).await;
        let set = t.post(RESET, json!({"password_reset_token": token, "password": GOOD})).await.ok();
        assert_eq!(set["member_authenticated"], true);
        assert_eq!(set["member"]["email_address_verified"], true);
        assert_eq!(set["member_email_id"], started["member_email_id"]);
        assert!(set["member"]["member_password_id"].as_str().unwrap().starts_with("member-password-test-"));
        let signed_in = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let factors = signed_in["member_session"]["authentication_factors"].as_array().unwrap().clone();
        assert_eq!(factors.len(), 1);
        assert_eq!((&factors[0]["type"], &factors[0]["delivery_method"]), (&json!("password"), &json!("knowledge")));
        assert_eq!((&signed_in["primary_required"], &signed_in["mfa_required"]), (&Value::Null, &Value::Null));
        let mut browser = t.browser();
        let body = json!({
            "organization_id": acme, "email_address": "Ada@Acme.example", "password": GOOD, "session_duration_minutes": 60
        });
        let answer = browser.post("/sdk/v1/b2b/passwords/authenticate", body).await.data();
        assert_eq!(answer["member_id"], ada);
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        assert_eq!(t.last_message(ADA).await["template_type"], "RESET_PASSWORD");
    }

    /// Sign-up: the mailed link makes a pending member an active one.
    async fn a_newcomer_of_an_allowed_domain_sets_a_first_password(t) {
        let acme = t.organization("Acme", json!({
            "email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]
        })).await;
        let body = |email: &str| json!({"organization_id": acme, "email_address": email});
        let started = t.post(START, body(ADA)).await.ok();
        assert_eq!(started["member"]["status"], "pending");
        let set = t.post(RESET, json!({"password_reset_token": t.last_token(ADA).await, "password": GOOD})).await.ok();
        assert_eq!((&set["member"]["status"], &set["member_authenticated"]), (&json!("active"), &json!(true)));
        t.post(START, body("eve@evil.example")).await.fails(400, "invalid_email_for_jit_provisioning");
        let mut browser = t.browser();
        let started = browser.post("/sdk/v1/b2b/passwords/email/reset/start", body(ADA)).await.data();
        assert_eq!(started.get("member"), None);
    }

    async fn both_links_of_the_mail_say_which_screen_they_are_for(t) {
        let acme = t.organization("Acme", json!({"organization_slug": "acme"})).await;
        t.member(&acme, ADA, json!({})).await;
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        let links = t.last_message(ADA).await["links"].as_array().unwrap().clone();
        assert_eq!(links.len(), 2);
        let expected = [("multi_tenant_passwords", "reset_password"), ("multi_tenant_magic_links", "login")];
        for (link, (token_type, redirect_type)) in links.iter().zip(expected) {
            let link = link.as_str().unwrap();
            assert_eq!(query(link, "stytch_token_type").as_deref(), Some(token_type));
            let path = link.strip_prefix("http://ostiary.test").unwrap();
            let page = t.get(path).await.text;
            let field = |name: &str, value: &str| format!("name=\"{name}\" value=\"{value}\"");
            for (name, value) in [
                ("stytch_redirect_type", redirect_type), ("stytch_token_type", token_type), ("slug", "acme"),
            ] {
                assert!(page.contains(&field(name, value)), "{name}: {page}");
            }
            let public_token = field("public_token", &t.project.public_token.to_string());
            assert_eq!(page.contains(&public_token), redirect_type == "reset_password");
        }
        let token = query(links[1].as_str().unwrap(), "token").unwrap();
        t.post("/v1/b2b/passwords/email/reset", json!({"password_reset_token": token, "password": GOOD}))
            .await.fails(401, "unable_to_auth_password_reset_token");
        t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": token})).await.ok();
        let token = query(links[0].as_str().unwrap(), "token").unwrap();
        t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": token}))
            .await.fails(404, "magic_link_not_found");
    }

    /// The page for new passwords gets a login link, which is how the pre-built form signs people up.
    async fn a_login_link_to_the_page_for_new_passwords_says_so(t) {
        let url = ostiary_core::redirect_url::RedirectUrl {
            url: "https://app.example.com/new-password".into(),
            valid_types: vec![ostiary_core::redirect_url::ValidType {
                r#type: ostiary_core::redirect_url::RedirectUrlType::ResetPassword, is_default: false,
            }],
        };
        let scope = t.app.projects.by_id(t.project.project_id).unwrap().scope();
        ostiary_server::ops::projects::put_redirect_url(&t.app, scope, url).await.unwrap();
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let send = |url: &str| t.post("/v1/b2b/magic_links/email/login_or_signup", json!({
            "organization_id": acme, "email_address": ADA, "login_redirect_url": url, "signup_redirect_url": url,
        }));
        let page = async || {
            let link = t.last_link(ADA).await;
            t.get(link.strip_prefix("http://ostiary.test").unwrap()).await.text
        };
        send("https://app.example.com/new-password").await.ok();
        assert!(page().await.contains("name=\"stytch_redirect_type\" value=\"reset_password\""));
        send(crate::harness::REDIRECT_URL).await.ok();
        assert!(!page().await.contains("stytch_redirect_type"));
        send("https://app.example.com/other").await.fails(400, "no_match_for_provided_magic_link_url");
    }

    async fn what_is_asked_of_a_link_has_bounds(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let start = |more: Value| {
            let mut body = json!({"organization_id": acme, "email_address": ADA});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            t.post(START, body)
        };
        start(json!({"reset_password_expiration_minutes": 4})).await.fails(400, "invalid_expiration");
        start(json!({"reset_password_expiration_minutes": 10081})).await.fails(400, "invalid_expiration");
        start(json!({"reset_password_redirect_url": "https://evil.example/"}))
            .await.fails(400, "no_match_for_provided_magic_link_url");
        start(json!({"reset_password_redirect_url": "nonsense"}))
            .await.fails(400, "invalid_password_reset_redirect_url");
        start(json!({"login_redirect_url": "https://evil.example/"}))
            .await.fails(400, "no_match_for_provided_magic_link_url");
        start(json!({"reset_password_template_id": "x"})).await.fails(400, "invalid_template_id");
        start(json!({"code_challenge": "short"})).await.fails(400, "invalid_pkce_code_challenge");
        start(json!({"locale": "tlh"})).await.fails(400, "invalid_locale");
        assert!(t.messages(ADA).await.is_empty());
    }

    async fn a_link_works_once_in_its_time_and_not_for_a_weak_password(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let start = || t.post(START, json!({"organization_id": acme, "email_address": ADA}));
        let reset = |token: &str, password: &str| {
            t.post(RESET, json!({"password_reset_token": token, "password": password}))
        };
        reset("unknown", GOOD).await.fails(401, "unable_to_auth_password_reset_token");
        start().await.ok();
        let token = t.last_token(ADA).await;
        let refused = reset(&token, "password").await.fails(400, "weak_password");
        assert!(!refused["error_message"].as_str().unwrap().contains("password\""));
        reset(&token, ADA).await.fails(400, "weak_password");
        reset(&token, GOOD).await.ok();
        reset(&token, GOOD).await.fails(401, "unable_to_auth_password_reset_token");
        start().await.ok();
        let late = t.last_token(ADA).await;
        t.advance_minutes(30);
        reset(&late, BETTER).await.fails(401, "unable_to_auth_password_reset_token");
    }

    async fn a_link_from_before_the_last_change_is_void(t) {
        let (acme, _) = acme_with_password(&t).await;
        t.advance_seconds(1);
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        let old = t.last_token(ADA).await;
        t.advance_seconds(1);
        t.set_password(&acme, ADA, BETTER).await;
        t.post(RESET, json!({"password_reset_token": old, "password": GOOD}))
            .await.fails(401, "unable_to_auth_password_reset_token");
        t.post(AUTHENTICATE, sign_in(&acme, BETTER)).await.ok();
    }

    async fn pkce_holds_for_resets(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let (verifier, challenge) = challenge();
        t.post(START, json!({"organization_id": acme, "email_address": ADA, "code_challenge": challenge})).await.ok();
        let token = t.last_token(ADA).await;
        let reset = |verifier: Option<&str>| {
            t.post(RESET, json!({"password_reset_token": token, "password": GOOD, "code_verifier": verifier}))
        };
        reset(None).await.fails(400, "pkce_expected_code_verifier");
        reset(Some(&verifier.replace('d', "e"))).await.fails(400, "pkce_mismatch");
        reset(Some(verifier)).await.ok();
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        let token = t.last_token(ADA).await;
        t.post(RESET, json!({"password_reset_token": token, "password": GOOD, "code_verifier": verifier}))
            .await.fails(400, "pkce_did_not_expect_code_verifier");
    }

    async fn a_reset_ends_every_session(t) {
        let (acme, _) = acme_with_password(&t).await;
        let first = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let second = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let reset = t.set_password(&acme, ADA, BETTER).await;
        assert!(!is_alive(&t, &first).await && !is_alive(&t, &second).await && is_alive(&t, &reset).await);
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(401, "unauthorized_credentials");
    }

    async fn the_server_api_tells_what_is_missing_and_browsers_do_not(t) {
        let (acme, _) = acme_with_password(&t).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        let body = |email: &str| json!({
            "organization_id": acme, "email_address": email, "password": "wrong", "session_duration_minutes": 60
        });
        for (email, status, error_type) in [
            (ADA, 401, "unauthorized_credentials"),
            ("bob@acme.example", 404, "member_password_not_found"),
            ("eve@acme.example", 404, "member_not_found"),
        ] {
            t.post(AUTHENTICATE, body(email)).await.fails(status, error_type);
        }
        let mut texts = Vec::new();
        for email in [ADA, "bob@acme.example", "eve@acme.example"] {
            let mut browser = t.browser();
            let refused = browser.post("/sdk/v1/b2b/passwords/authenticate", body(email)).await;
            texts.push(refused.fails(401, "unauthorized_credentials")["error_message"].clone());
        }
        assert!(texts.iter().all(|text| *text == texts[0]));
    }

    /// Who guesses is locked out the same way whether or not there is anybody.
    async fn locks_do_not_tell_members_from_strangers(t) {
        let (acme, _) = acme_with_password(&t).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        for email in [ADA, "bob@acme.example", "eve@acme.example"] {
            let mut browser = t.browser();
            let body = json!({
                "organization_id": acme, "email_address": email, "password": "wrong", "session_duration_minutes": 60
            });
            for _ in 0..10 {
                let refused = browser.post("/sdk/v1/b2b/passwords/authenticate", body.clone()).await;
                refused.fails(401, "unauthorized_credentials");
            }
            let refused = browser.post("/sdk/v1/b2b/passwords/authenticate", body).await;
            assert!(refused.headers.contains_key("retry-after"), "{email}");
            refused.fails(429, "user_lock_limit_reached");
        }
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(429, "user_lock_limit_reached");
        t.post(START, json!({"organization_id": acme, "email_address": ADA}))
            .await.fails(429, "user_lock_limit_reached");
        t.advance_minutes(61);
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
    }

    /// of fifty guesses at once at most ten are answered, and after them the right one is of no use.
    async fn guesses_in_parallel_gain_nothing(t) {
        let (acme, _) = acme_with_password(&t).await;
        let t = Arc::new(t);
        let mut tasks = Vec::new();
        for number in 0..50 {
            let (t, body) = (t.clone(), sign_in(&acme, &format!("guess {number}")));
            tasks.push(tokio::spawn(async move { t.post(AUTHENTICATE, body).await.status.as_u16() }));
        }
        let mut answered = 0;
        for task in tasks {
            let status = task.await.unwrap();
            assert!(matches!(status, 401 | 429 | 503), "{status}");
            answered += u32::from(status == 401);
        }
        assert_eq!(answered, 10);
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(429, "user_lock_limit_reached");
    }

    async fn a_success_forgets_failures(t) {
        let (acme, _) = acme_with_password(&t).await;
        for _ in 0..3 {
            for _ in 0..9 {
                t.post(AUTHENTICATE, sign_in(&acme, "wrong")).await.fails(401, "unauthorized_credentials");
            }
            t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        }
    }

    async fn who_knows_the_password_can_change_it(t) {
        let (acme, ada) = acme_with_password(&t).await;
        let session = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let body = |existing: &str, new: &str| json!({
            "organization_id": acme, "email_address": ADA, "existing_password": existing, "new_password": new
        });
        t.post(EXISTING, body("wrong", BETTER)).await.fails(401, "unauthorized_credentials");
        // Whether the new one would do is for those to know who know the old one.
        t.post(EXISTING, body("wrong", "weak")).await.fails(401, "unauthorized_credentials");
        t.post(EXISTING, body(GOOD, "weak")).await.fails(400, "weak_password");
        assert!(is_alive(&t, &session).await);
        let mut with_session = body(GOOD, BETTER);
        with_session["session_token"] = session["session_token"].clone();
        let changed = t.post(EXISTING, with_session).await.ok();
        assert_eq!(changed["member_id"], ada);
        assert_ne!(changed["session_token"], session["session_token"]);
        assert!(!is_alive(&t, &session).await && is_alive(&t, &changed).await);
        assert_ne!(changed["member"]["member_password_id"], session["member"]["member_password_id"]);
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(401, "unauthorized_credentials");
        let mut browser = t.browser();
        let mut back = body(BETTER, GOOD);
        back["session_duration_minutes"] = json!(60);
        browser.post("/sdk/v1/b2b/passwords/existing_password/reset", back).await.data();
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
    }

    async fn failures_of_changing_count_towards_the_lock(t) {
        let (acme, _) = acme_with_password(&t).await;
        let body = json!({
            "organization_id": acme, "email_address": ADA, "existing_password": "wrong", "new_password": BETTER
        });
        for _ in 0..10 {
            t.post(EXISTING, body.clone()).await.fails(401, "unauthorized_credentials");
        }
        t.post(EXISTING, body).await.fails(429, "user_lock_limit_reached");
    }

    /// a change of the password is no way around the second factor, unless it was given in the own session.
    async fn a_change_needs_the_second_factor_too(t) {
        let (acme, _) = acme_with_password(&t).await;
        let session = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        t.put(&format!("/v1/b2b/organizations/{acme}"), json!({"mfa_policy": "REQUIRED_FOR_ALL"})).await.ok();
        let signed_in = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        assert_eq!((&signed_in["member_authenticated"], &signed_in["session_token"]), (&json!(false), &json!("")));
        assert_eq!(signed_in["mfa_required"]["member_options"], Value::Null);
        let body = |existing: &str, new: &str| json!({
            "organization_id": acme, "email_address": ADA, "existing_password": existing, "new_password": new
        });
        let mut with_session = body(GOOD, BETTER);
        with_session["session_token"] = session["session_token"].clone();
        let changed = t.post(EXISTING, with_session).await.ok();
        assert_eq!(changed["member_authenticated"], true);
        let changed = t.post(EXISTING, body(BETTER, GOOD)).await.ok();
        assert_eq!((&changed["member_authenticated"], &changed["session_token"]), (&json!(false), &json!("")));
        let reset = t.set_password(&acme, ADA, BETTER).await;
        assert_eq!((&reset["member_authenticated"], &reset["session_token"]), (&json!(false), &json!("")));
    }

    async fn a_fresh_session_sets_a_password(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let other = t.sign_in(&acme, ADA).await;
        let own = t.sign_in(&acme, ADA).await;
        let body = |password: &str| json!({
            "organization_id": acme, "password": password, "session_token": own["session_token"]
        });
        t.post(SESSION, json!({"organization_id": acme, "password": GOOD})).await.fails(400, "no_session_arguments");
        t.post(SESSION, body("weak")).await.fails(400, "weak_password");
        let set = t.post(SESSION, body(GOOD)).await.ok();
        assert_eq!(set["session_token"], own["session_token"]);
        assert!(is_alive(&t, &own).await && !is_alive(&t, &other).await);
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let globex = t.organization("Globex", json!({})).await;
        let mut elsewhere = body(BETTER);
        elsewhere["organization_id"] = json!(globex);
        t.post(SESSION, elsewhere).await.fails(403, "session_authorization_tenancy_error");
        t.advance_minutes(5);
        t.advance_seconds(1);
        t.post(SESSION, body(BETTER)).await.fails(400, "session_too_old_to_reset_password");
        let mut browser = t.browser_with(own["session_token"].as_str().unwrap());
        browser.post("/sdk/v1/b2b/passwords/session/reset", json!({"password": BETTER}))
            .await.fails(400, "session_too_old_to_reset_password");
        t.browser().post("/sdk/v1/b2b/passwords/session/reset", json!({"password": BETTER}))
            .await.fails(401, "user_unauthenticated");
        let fresh = t.sign_in(&acme, ADA).await;
        let mut browser = t.browser_with(fresh["session_token"].as_str().unwrap());
        let set = browser.post("/sdk/v1/b2b/passwords/session/reset", json!({"password": BETTER})).await.data();
        assert_eq!(set["member_session"]["member_session_id"], fresh["member_session"]["member_session_id"]);
    }

    async fn breached_passwords_cannot_be_set(t) {
        t.breaches.add(GOOD);
        let check = t.post(STRENGTH, json!({"password": GOOD})).await.ok();
        assert_eq!((&check["valid_password"], &check["breached_password"]), (&json!(false), &json!(true)));
        assert_eq!((&check["score"], &check["breach_detection_on_create"]), (&json!(4), &json!(true)));
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        let token = t.last_token(ADA).await;
        let reset = |password: &str| t.post(RESET, json!({"password_reset_token": token, "password": password}));
        reset(GOOD).await.fails(400, "breached_password");
        reset(BETTER).await.ok();
    }

    async fn a_password_that_becomes_breached_must_be_reset_by_mail(t) {
        let (acme, _) = acme_with_password(&t).await;
        t.breaches.add(GOOD);
        // It was looked up when it was set, and is again a day later.
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        t.advance_minutes(24 * 60 + 1);
        t.post(AUTHENTICATE, sign_in(&acme, "wrong")).await.fails(401, "unauthorized_credentials");
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(400, "member_reset_password");
        t.breaches.break_down();
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(400, "member_reset_password");
        let body = json!({
            "organization_id": acme, "email_address": ADA, "existing_password": GOOD, "new_password": BETTER
        });
        t.post(EXISTING, body).await.fails(400, "cannot_reset_password_with_existing_password");
        t.set_password(&acme, ADA, BETTER).await;
        t.post(AUTHENTICATE, sign_in(&acme, BETTER)).await.ok();
    }

    async fn lookups_fail_open_and_are_made_once_a_day(t) {
        let (acme, _) = acme_with_password(&t).await;
        let before = t.breaches.lookups();
        for _ in 0..3 {
            t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        }
        assert_eq!(t.breaches.lookups(), before);
        t.advance_minutes(24 * 60 + 1);
        for _ in 0..3 {
            t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        }
        assert_eq!(t.breaches.lookups(), before + 1);
        t.breaches.break_down();
        t.set_password(&acme, ADA, BETTER).await;
        t.post(AUTHENTICATE, sign_in(&acme, BETTER)).await.ok();
        assert_eq!(t.post(STRENGTH, json!({"password": GOOD})).await.ok()["valid_password"], true);
    }

    async fn lookups_can_be_switched_off(t) {
        t.set(json!({"password_strength_config": {
            "check_breach_on_creation": false, "check_breach_on_authentication": false
        }})).await;
        t.breaches.add(GOOD);
        let check = t.post(STRENGTH, json!({"password": GOOD})).await.ok();
        assert_eq!((&check["breached_password"], &check["breach_detection_on_create"]), (&json!(false), &json!(false)));
        let (acme, _) = acme_with_password(&t).await;
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        assert_eq!(t.breaches.lookups(), 0);
    }

    async fn a_password_below_a_new_policy_must_be_changed_where_the_policy_says_so(t) {
        let (acme, _) = acme_with_password(&t).await;
        let luds = |validates: bool| json!({"password_strength_config": {
            "validation_policy": "LUDS", "luds_min_password_complexity": 4, "validate_on_authentication": validates
        }});
        t.set(luds(false)).await;
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        t.set(luds(true)).await;
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(400, "member_reset_password");
        let body = json!({
            "organization_id": acme, "email_address": ADA, "existing_password": GOOD, "new_password": "Quiet Lighthouse 7!"
        });
        t.post(EXISTING, body).await.ok();
        t.post(AUTHENTICATE, sign_in(&acme, "Quiet Lighthouse 7!")).await.ok();
    }

    async fn a_method_that_is_not_allowed_sets_nothing_and_signs_nobody_in(t) {
        let (acme, _) = acme_with_password(&t).await;
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.ok();
        let token = t.last_token(ADA).await;
        let own = t.sign_in(&acme, ADA).await;
        let path = format!("/v1/b2b/organizations/{acme}");
        t.put(&path, json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["email_otp"]})).await.ok();
        let refusal = "operation_restricted_by_organization_auth_methods";
        t.post(START, json!({"organization_id": acme, "email_address": ADA})).await.fails(400, refusal);
        t.post(RESET, json!({"password_reset_token": token, "password": BETTER})).await.fails(400, refusal);
        let body = json!({"organization_id": acme, "password": BETTER, "session_token": own["session_token"]});
        t.post(SESSION, body).await.fails(400, refusal);
        let body = json!({
            "organization_id": acme, "email_address": ADA, "existing_password": GOOD, "new_password": BETTER
        });
        t.post(EXISTING, body).await.fails(400, refusal);
        let signed_in = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        assert_eq!(signed_in["member_authenticated"], false);
        assert_eq!(signed_in["primary_required"]["allowed_auth_methods"], json!(["email_otp"]));
        // The password does not come along into another organization.
        let globex = t.organization("Globex", json!({})).await;
        t.member(&globex, ADA, json!({})).await;
        t.sign_in(&globex, ADA).await;
        let body = json!({
            "organization_id": globex, "intermediate_session_token": signed_in["intermediate_session_token"]
        });
        let exchanged = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", body).await.ok();
        assert_eq!(exchanged["member_authenticated"], false);
        let body = json!({
            "organization_name": "Mine", "intermediate_session_token": signed_in["intermediate_session_token"]
        });
        t.post("/v1/b2b/discovery/organizations/create", body)
            .await.fails(400, "invalid_intermediate_session_token_for_organization");
    }

    async fn a_password_can_be_deleted_by_who_may(t) {
        let (acme, ada) = acme_with_password(&t).await;
        let signed_in = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let id = signed_in["member"]["member_password_id"].as_str().unwrap().to_owned();
        t.member(&acme, "bob@acme.example", json!({})).await;
        let bob = t.sign_in(&acme, "bob@acme.example").await;
        let path = format!("/sdk/v1/b2b/organizations/members/passwords/{id}");
        let mut other = t.browser_with(bob["session_token"].as_str().unwrap());
        other.call(Method::DELETE, &path, None).await.fails(403, "session_authorization_error");
        let mut own = t.browser_with(signed_in["session_token"].as_str().unwrap());
        let deleted = own.call(Method::DELETE, &path, None).await.data();
        assert_eq!((&deleted["member_id"], &deleted["member"]["member_password_id"]), (&json!(ada), &json!("")));
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(404, "member_password_not_found");
        let path = format!("/v1/b2b/organizations/{acme}/members/passwords/{id}");
        t.delete(&path).await.fails(404, "member_password_not_found");
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/passwords/nonsense"))
            .await.fails(400, "invalid_password_id");
        let set = t.set_password(&acme, ADA, GOOD).await;
        let id = set["member"]["member_password_id"].as_str().unwrap();
        let globex = t.organization("Globex", json!({})).await;
        t.delete(&format!("/v1/b2b/organizations/{globex}/members/passwords/{id}"))
            .await.fails(404, "member_password_not_found");
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/passwords/{id}")).await.ok();
    }

    async fn another_address_has_no_password(t) {
        let (acme, ada) = acme_with_password(&t).await;
        let path = format!("/v1/b2b/organizations/{acme}/members/{ada}");
        let changed = t.put(&path, json!({"email_address": "ada.l@acme.example"})).await.ok();
        assert_eq!(changed["member"]["member_password_id"], "");
        for email in [ADA, "ada.l@acme.example"] {
            let body = json!({"organization_id": acme, "email_address": email, "password": GOOD});
            assert_eq!(t.post(AUTHENTICATE, body).await.status, 404, "{email}");
        }
        t.put(&path, json!({"email_address": ADA})).await.ok();
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(404, "member_password_not_found");
    }

    /// What is typed is what counts: every character but NUL, and up to 1024 bytes.
    async fn passwords_of_every_kind_are_taken_as_they_are(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        for password in ["пароль правильный 密码 👩‍👩‍👧", " leading and trailing lighthouse ", &"wxyz 1234 ".repeat(102)] {
            t.set_password(&acme, ADA, password).await;
            t.post(AUTHENTICATE, sign_in(&acme, password)).await.ok();
            t.post(AUTHENTICATE, sign_in(&acme, password.trim_end_matches(['👧', ' '])))
                .await.fails(401, "unauthorized_credentials");
        }
        for password in ["x".repeat(1025), "nul\u{0}inside".to_owned()] {
            t.post(AUTHENTICATE, sign_in(&acme, &password)).await.fails(400, "invalid_request_value");
            t.post(STRENGTH, json!({"password": password})).await.fails(400, "invalid_request_value");
        }
        t.post(AUTHENTICATE, sign_in(&acme, &"x".repeat(1_000_000))).await.fails(413, "request_too_large");
        t.post(AUTHENTICATE, sign_in(&acme, "")).await.fails(401, "unauthorized_credentials");
        for password in [json!(1), json!(null), json!(["x"]), json!({})] {
            let body = json!({"organization_id": acme, "email_address": ADA, "password": password});
            t.post(AUTHENTICATE, body).await.fails(400, "bad_request");
        }
    }

    /// Performance notes §8: what cannot be hashed within two seconds is refused at once.
    async fn a_full_pool_refuses_at_once(t) {
        let (acme, _) = acme_with_password(&t).await;
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let app = t.app.clone();
        let busy = tokio::spawn(async move {
            app.hashing.run(60_000_000, move |_| { let _ = blocked.recv(); }).await
        });
        while t.app.hashing.wait_micros() < 10_000_000 {
            tokio::task::yield_now().await;
        }
        let refused = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await;
        let seconds: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(seconds >= 2, "{seconds}");
        refused.fails(429, "too_many_requests");
        // Nobody was blamed for it.
        drop(release);
        busy.await.unwrap().unwrap();
        while t.app.hashing.wait_micros() > 1_000_000 {
            tokio::task::yield_now().await;
        }
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
    }

    async fn the_sandbox_has_a_password(t) {
        let body = json!({
            "organization_id": "organization-test-007d9d4a-deac-4a87-ba0a-e6e8afba4d4b",
            "email_address": "sandbox@stytch.com", "password": "any"
        });
        assert_eq!(t.post(AUTHENTICATE, body).await.ok()["member_authenticated"], true);
    }
}
