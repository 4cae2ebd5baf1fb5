//! Passwords that count in every organization.

use crate::harness::Server;
use crate::on_both_engines;
use ostiary_core::error::ErrorType;
use ostiary_server::jobs::upkeep;
use serde_json::{Value, json};

const AUTHENTICATE: &str = "/v1/b2b/passwords/authenticate";
const DISCOVER: &str = "/v1/b2b/passwords/discovery/authenticate";
const START: &str = "/v1/b2b/passwords/discovery/email/reset/start";
const RESET: &str = "/v1/b2b/passwords/discovery/email/reset";
const REQUIRE_RESET: &str = "/v1/b2b/passwords/email/require_reset";
const ADA: &str = "ada@acme.example";
const GOOD: &str = "correct horse battery staple";
const BETTER: &str = "seven quiet lighthouses at dawn";

async fn share(t: &Server) {
    t.set(json!({"cross_org_passwords_enabled": true})).await;
}

fn sign_in(organization: &str, password: &str) -> Value {
    json!({"organization_id": organization, "email_address": ADA, "password": password})
}

/// Sets the password of an address in discovery, and gives the whole answer.
async fn set(t: &Server, email: &str, password: &str) -> Value {
    t.post(START, json!({"email_address": email})).await.ok();
    let token = t.last_token(email).await;
    t.post(RESET, json!({"password_reset_token": token, "password": password})).await.ok()
}

async fn password_id(t: &Server, organization: &str, email: &str) -> Value {
    let path = format!("/v1/b2b/organizations/{organization}/member?email_address={email}");
    t.get(&path).await.ok()["member"]["member_password_id"].clone()
}

on_both_engines! {
    async fn the_mode_is_fixed_while_there_are_passwords(t) {
        let toggle = async |on: bool| {
            let project = t.app.projects.by_id(t.project.project_id).unwrap();
            let change = json!({"cross_org_passwords_enabled": on}).as_object().unwrap().clone();
            let changed = ostiary_server::ops::projects::change_settings(&t.app, &project.environment, change).await;
            changed.map(|_| ()).map_err(|error| error.kind)
        };
        assert_eq!(toggle(true).await, Ok(()));
        set(&t, ADA, GOOD).await;
        assert_eq!(toggle(false).await, Err(ErrorType::CannotToggleCrossOrgPasswords));
        assert_eq!(toggle(true).await, Ok(()), "what stays as it is may be said again");
    }

    async fn calls_of_the_other_mode_are_refused(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let email = json!({"email_address": ADA});
        let off = "cross_org_passwords_not_enabled";
        t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.fails(400, off);
        t.post(START, email.clone()).await.fails(400, off);
        t.post(RESET, json!({"password_reset_token": "x", "password": GOOD})).await.fails(400, off);
        t.post(REQUIRE_RESET, email).await.fails(400, off);
        share(&t).await;
        let set = t.set_password(&acme, ADA, GOOD).await;
        let id = set["member"]["member_password_id"].as_str().unwrap();
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/passwords/{id}"))
            .await.fails(400, "cross_org_passwords_enabled");
    }

    async fn one_password_opens_every_organization_of_the_address(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        for organization in [&acme, &globex] {
            t.member(organization, ADA, json!({})).await;
            t.sign_in(organization, ADA).await;
        }
        let set = t.set_password(&acme, ADA, GOOD).await;
        assert_eq!(password_id(&t, &globex, ADA).await, set["member"]["member_password_id"]);
        let here = t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        let there = t.post(AUTHENTICATE, sign_in(&globex, GOOD)).await.ok();
        assert_eq!((&here["member_authenticated"], &there["member_authenticated"]), (&json!(true), &json!(true)));
        // A reset in one place ends the sessions of all places.
        t.set_password(&globex, ADA, BETTER).await;
        for session in [here, there] {
            t.post("/v1/b2b/sessions/authenticate", json!({"session_token": session["session_token"]}))
                .await.fails(404, "session_not_found");
        }
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(401, "unauthorized_credentials");
        t.post(AUTHENTICATE, sign_in(&acme, BETTER)).await.ok();
        // Members that come later have it at once, but must prove the address there first.
        let initech = t.organization("Initech", json!({})).await;
        t.member(&initech, ADA, json!({})).await;
        assert_eq!(password_id(&t, &initech, ADA).await, password_id(&t, &acme, ADA).await);
        let unproven = t.post(AUTHENTICATE, sign_in(&initech, BETTER)).await.ok();
        assert_eq!(unproven["member_authenticated"], false);
        assert!(!unproven["primary_required"]["allowed_auth_methods"].as_array().unwrap().contains(&json!("password")));
    }

    async fn discovery_by_password(t) {
        share(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        let first = set(&t, ADA, GOOD).await;
        assert_eq!(first["email_address"], ADA);
        assert_eq!(first["discovered_organizations"][0]["member_authenticated"], true, "the link proved the address");
        let body = json!({"organization_id": acme, "intermediate_session_token": first["intermediate_session_token"]});
        let entered = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", body).await.ok();
        assert_eq!(entered["member"]["email_address_verified"], true);
        assert_eq!(entered["member_session"]["authentication_factors"][0]["type"], "password");
        let mut browser = t.browser();
        let path = "/sdk/v1/b2b/passwords/discovery/authenticate";
        let found = browser.post(path, json!({"email_address": ADA, "password": GOOD})).await.data();
        assert_eq!(found["discovered_organizations"][0]["organization"]["organization_id"], json!(acme));
        let body = json!({"organization_id": acme, "intermediate_session_token": found["intermediate_session_token"]});
        let entered = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", body).await.ok();
        assert_eq!(entered["member_authenticated"], true);
        t.post(DISCOVER, json!({"email_address": ADA, "password": "wrong"}))
            .await.fails(401, "unauthorized_credentials");
        t.post(DISCOVER, json!({"email_address": "eve@acme.example", "password": GOOD}))
            .await.fails(404, "password_not_found");
        for email in [ADA, "eve@acme.example"] {
            browser.post(path, json!({"email_address": email, "password": "wrong"}))
                .await.fails(401, "unauthorized_credentials");
        }
    }

    async fn links_of_discovery_lead_to_the_right_screens(t) {
        share(&t).await;
        t.post(START, json!({"email_address": ADA})).await.ok();
        let mail = t.last_message(ADA).await;
        assert_eq!(mail["template_type"], "VERIFY_EMAIL_PASSWORD_RESET");
        let links = mail["links"].as_array().unwrap().clone();
        for (link, redirect_type) in links.iter().zip(["reset_password", "login"]) {
            let link = link.as_str().unwrap();
            assert!(link.contains("stytch_token_type=discovery&"), "{link}");
            let page = t.get(link.strip_prefix("http://ostiary.test").unwrap()).await.text;
            let field = format!("name=\"stytch_redirect_type\" value=\"{redirect_type}\"");
            assert!(page.contains(&field) && !page.contains("name=\"slug\""), "{page}");
        }
        let token = crate::harness::query(links[1].as_str().unwrap(), "token").unwrap();
        t.post(RESET, json!({"password_reset_token": token, "password": GOOD}))
            .await.fails(401, "unable_to_auth_password_reset_token");
        let body = json!({"discovery_magic_links_token": token});
        t.post("/v1/b2b/magic_links/discovery/authenticate", body).await.ok();
        let token = crate::harness::query(links[0].as_str().unwrap(), "token").unwrap();
        let body = json!({"discovery_magic_links_token": token});
        t.post("/v1/b2b/magic_links/discovery/authenticate", body).await.fails(404, "magic_link_not_found");
        t.post(RESET, json!({"password_reset_token": token, "password": "weak"})).await.fails(400, "weak_password");
        t.post(RESET, json!({"password_reset_token": token, "password": GOOD})).await.ok();
        t.post(RESET, json!({"password_reset_token": token, "password": GOOD}))
            .await.fails(401, "unable_to_auth_password_reset_token");
        t.post(START, json!({"email_address": ADA})).await.ok();
        assert_eq!(t.last_message(ADA).await["template_type"], "RESET_PASSWORD");
    }

    /// Only setting a password by a link proves the address in that moment (spec 01b §5).
    async fn a_returning_password_creates_an_organization_that_waits_for_the_address(t) {
        share(&t).await;
        let create = |name: &str, token: &Value| {
            let body = json!({"organization_name": name, "intermediate_session_token": token});
            t.post("/v1/b2b/discovery/organizations/create", body)
        };
        let first = set(&t, ADA, GOOD).await;
        let created = create("First", &first["intermediate_session_token"]).await.ok();
        assert_eq!((&created["member_authenticated"], &created["member"]["is_admin"]), (&json!(true), &json!(true)));
        assert!(created["member"]["member_password_id"].as_str().unwrap().starts_with("member-password-"));
        let found = t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.ok();
        let token = &found["intermediate_session_token"];
        let waiting = create("Second", token).await.ok();
        assert_eq!(waiting["member_authenticated"], false);
        assert_eq!(waiting["intermediate_session_token"], *token);
        let methods = waiting["primary_required"]["allowed_auth_methods"].as_array().unwrap().clone();
        assert!(methods.contains(&json!("email_otp")) && !methods.contains(&json!("password")));
        let second = waiting["organization_id"].as_str().unwrap();
        t.post("/v1/b2b/otps/email/login_or_signup", json!({"organization_id": second, "email_address": ADA})).await.ok();
        let body = json!({
            "organization_id": second, "email_address": ADA, "code": t.last_code(ADA).await,
            "intermediate_session_token": token
        });
        let done = t.post("/v1/b2b/otps/email/authenticate", body).await.ok();
        assert_eq!((&done["member_authenticated"], &done["member"]["is_admin"]), (&json!(true), &json!(true)));
    }

    /// Who joins by domain after setting a password brings it along.
    async fn a_newcomer_joins_with_the_password(t) {
        share(&t).await;
        let acme = t.organization("Acme", json!({
            "email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]
        })).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        t.sign_in(&acme, "bob@acme.example").await;
        let first = set(&t, ADA, GOOD).await;
        let discovered = &first["discovered_organizations"][0];
        assert_eq!(discovered["membership"]["type"], "eligible_to_join_by_email_domain");
        assert_eq!(discovered["member_authenticated"], true);
        let body = json!({"organization_id": acme, "intermediate_session_token": first["intermediate_session_token"]});
        let joined = t.post("/v1/b2b/discovery/intermediate_sessions/exchange", body).await.ok();
        assert_eq!((&joined["member_authenticated"], &joined["member"]["status"]), (&json!(true), &json!("active")));
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.ok();
        // Entered again it proves nothing, so it is no way to join.
        let found = t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.ok();
        assert_eq!(found["discovered_organizations"].as_array().unwrap().len(), 1);
    }

    /// one password with many doors counts what is tried at all of them.
    async fn guesses_at_all_doors_count_together(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        for organization in [&acme, &globex] {
            t.member(organization, ADA, json!({})).await;
        }
        set(&t, ADA, GOOD).await;
        for number in 0..9 {
            let organization = if number % 2 == 0 { &acme } else { &globex };
            t.post(AUTHENTICATE, sign_in(organization, "wrong")).await.fails(401, "unauthorized_credentials");
        }
        t.post(DISCOVER, json!({"email_address": ADA, "password": "wrong"}))
            .await.fails(401, "unauthorized_credentials");
        for organization in [&acme, &globex] {
            t.post(AUTHENTICATE, sign_in(organization, GOOD)).await.fails(429, "user_lock_limit_reached");
        }
        t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.fails(429, "user_lock_limit_reached");
        t.advance_minutes(61);
        t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.ok();
    }

    async fn guesses_are_forgotten_a_week_after_the_last(t) {
        share(&t).await;
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, ADA, json!({})).await;
        set(&t, ADA, GOOD).await;
        let guess = json!({"email_address": ADA, "password": "wrong"});
        for after_minutes in [6 * 24 * 60, 8 * 24 * 60] {
            for _ in 0..4 {
                t.post(DISCOVER, guess.clone()).await.fails(401, "unauthorized_credentials");
            }
            t.advance_minutes(after_minutes);
            upkeep::delete_expired(t.app.clone()).await.unwrap();
        }
        for _ in 0..10 {
            t.post(DISCOVER, guess.clone()).await.fails(401, "unauthorized_credentials");
        }
        t.advance_minutes(59);
        upkeep::delete_expired(t.app.clone()).await.unwrap();
        t.post(DISCOVER, guess).await.fails(429, "user_lock_limit_reached");
    }

    async fn a_reset_can_be_required(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        let ada = t.member(&acme, ADA, json!({})).await;
        t.post(REQUIRE_RESET, json!({"email_address": ADA})).await.fails(404, "password_not_found");
        set(&t, ADA, GOOD).await;
        let body = json!({"email_address": ADA, "organization_id": globex});
        t.post(REQUIRE_RESET, body).await.fails(404, "member_not_found");
        // Only one active member has the address: the password is gone.
        let body = json!({"email_address": ADA, "organization_id": acme, "member_id": ada});
        let answer = t.post(REQUIRE_RESET, body).await.ok();
        assert_eq!((&answer["member_id"], &answer["member"]["member_password_id"]), (&json!(ada), &json!("")));
        t.post(AUTHENTICATE, sign_in(&acme, GOOD)).await.fails(404, "member_password_not_found");
        // Several have it: the password must be reset.
        t.member(&globex, ADA, json!({})).await;
        set(&t, ADA, GOOD).await;
        let answer = t.post(REQUIRE_RESET, json!({"email_address": ADA})).await.ok();
        assert_eq!(answer["member"], Value::Null);
        for organization in [&acme, &globex] {
            t.post(AUTHENTICATE, sign_in(organization, GOOD)).await.fails(400, "member_reset_password");
        }
        t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD})).await.fails(400, "member_reset_password");
        let body = json!({
            "organization_id": acme, "email_address": ADA, "existing_password": GOOD, "new_password": BETTER
        });
        t.post("/v1/b2b/passwords/existing_password/reset", body)
            .await.fails(400, "cannot_reset_password_with_existing_password");
        set(&t, ADA, BETTER).await;
        t.post(DISCOVER, json!({"email_address": ADA, "password": BETTER})).await.ok();
    }

    async fn members_require_resets_in_their_own_organization_only(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        t.member(&globex, ADA, json!({})).await;
        set(&t, ADA, GOOD).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        t.member(&acme, "root@acme.example", json!({"roles": ["stytch_admin"]})).await;
        let call = async |session: &Value, body: Value| {
            let token = session["session_token"].as_str().unwrap();
            let headers = [("x-stytch-member-session", token)];
            t.call_as(&t.project, axum::http::Method::POST, REQUIRE_RESET, Some(body), &headers).await
        };
        let bob = t.sign_in(&acme, "bob@acme.example").await;
        call(&bob, json!({"email_address": ADA})).await.fails(403, "session_authorization_error");
        let root = t.sign_in(&acme, "root@acme.example").await;
        call(&root, json!({"email_address": ADA})).await.fails(404, "member_not_found");
        call(&root, json!({"email_address": ADA, "organization_id": globex}))
            .await.fails(403, "session_authorization_tenancy_error");
        t.member(&acme, ADA, json!({})).await;
        call(&root, json!({"email_address": ADA})).await.ok();
        t.post(AUTHENTICATE, sign_in(&globex, GOOD)).await.fails(400, "member_reset_password");
    }

    /// Whoever gets an address next is not open to its last owner.
    async fn the_password_goes_with_the_last_membership(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        let here = t.member(&acme, ADA, json!({})).await;
        let there = t.member(&globex, ADA, json!({})).await;
        let discover = || t.post(DISCOVER, json!({"email_address": ADA, "password": GOOD}));
        set(&t, ADA, GOOD).await;
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/{here}")).await.ok();
        discover().await.ok();
        t.put(&format!("/v1/b2b/organizations/{globex}/members/{there}"), json!({"email_address": "ada.l@acme.example"}))
            .await.ok();
        discover().await.fails(404, "password_not_found");
        assert_eq!(password_id(&t, &globex, "ada.l@acme.example").await, "");
        let initech = t.organization("Initech", json!({})).await;
        t.member(&initech, ADA, json!({})).await;
        assert_eq!(password_id(&t, &initech, ADA).await, "");
        set(&t, ADA, GOOD).await;
        t.delete(&format!("/v1/b2b/organizations/{initech}")).await.ok();
        discover().await.fails(404, "password_not_found");
    }

    async fn migration_is_called_for_each_organization(t) {
        share(&t).await;
        let (acme, globex) = (t.organization("Acme", json!({})).await, t.organization("Globex", json!({})).await);
        let migrate = |organization: &str| t.post("/v1/b2b/passwords/migrate", json!({
            "organization_id": organization, "email_address": ADA, "hash_type": "bcrypt",
            "hash": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        }));
        let first = migrate(&acme).await.ok();
        let second = migrate(&globex).await.ok();
        assert_eq!((&first["member_created"], &second["member_created"]), (&json!(true), &json!(true)));
        assert_eq!(first["member"]["member_password_id"], second["member"]["member_password_id"]);
        migrate(&acme).await.fails(400, "password_already_exists");
        for organization in [&acme, &globex] {
            assert_eq!(t.post(AUTHENTICATE, sign_in(organization, "U*U")).await.ok()["member_authenticated"], true);
        }
        let found = t.post(DISCOVER, json!({"email_address": ADA, "password": "U*U"})).await.ok();
        assert_eq!(found["discovered_organizations"].as_array().unwrap().len(), 2);
    }
}
