//! Discovery.

use crate::on_both_engines;
use serde_json::{Value, json};

const EXCHANGE: &str = "/v1/b2b/discovery/intermediate_sessions/exchange";
const LIST: &str = "/v1/b2b/discovery/organizations";
const CREATE: &str = "/v1/b2b/discovery/organizations/create";

fn ist(answer: &Value) -> &str {
    answer["intermediate_session_token"].as_str().expect("an intermediate session token")
}

on_both_engines! {
    async fn a_newcomer_creates_an_organization(t) {
        let found = t.discover("ada@acme.example").await;
        assert_eq!(found["discovered_organizations"], json!([]));
        let created = t.post(CREATE, json!({"intermediate_session_token": ist(&found)})).await.ok();
        assert_eq!(created["organization"]["organization_name"], "Acme");
        assert_eq!(created["organization"]["organization_slug"], "acme");
        assert_eq!((&created["member"]["is_admin"], &created["member"]["status"]), (&json!(true), &json!("active")));
        assert_eq!(created["member_authenticated"], true);
        assert_eq!(created["member_session"]["roles"], json!(["stytch_member", "stytch_admin"]));
        // The intermediate session is used up.
        t.post(LIST, json!({"intermediate_session_token": ist(&found)})).await.fails(404, "intermediate_session_not_found");
    }

    async fn names_follow_the_address_and_slugs_never_collide(t) {
        let private = t.discover("grace.hopper@gmail.com").await;
        let created = t.post(CREATE, json!({"intermediate_session_token": ist(&private)})).await.ok();
        assert_eq!(created["organization"]["organization_name"], "Grace.hopper");
        let again = t.discover("grace.hopper@yahoo.com").await;
        let other = t.post(CREATE, json!({"intermediate_session_token": ist(&again)})).await.ok();
        assert_ne!(created["organization"]["organization_slug"], other["organization"]["organization_slug"]);
        let third = t.discover("eve@else.example").await;
        t.post(CREATE, json!({"intermediate_session_token": ist(&third), "organization_slug": created["organization"]["organization_slug"]}))
            .await.fails(400, "organization_slug_already_used");
    }

    async fn every_kind_of_membership_is_listed(t) {
        let active = t.organization("Active", json!({})).await;
        t.member(&active, "ada@acme.example", json!({})).await;
        let invited = t.organization("Invited", json!({})).await;
        t.post("/v1/b2b/magic_links/email/invite", json!({"organization_id": invited, "email_address": "ada@acme.example"})).await.ok();
        let eligible = t.organization("Eligible", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        t.member(&eligible, "boss@acme.example", json!({})).await;
        let empty = t.organization("Empty", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        let gone = t.organization("Gone", json!({})).await;
        let member = t.member(&gone, "ada@acme.example", json!({})).await;
        t.delete(&format!("/v1/b2b/organizations/{gone}/members/{member}")).await.ok();

        // Nobody of the domain is proven in Eligible yet, so it is not offered (spec 01b §5).
        let listed = |found: &Value| -> Vec<(String, String)> {
            found["discovered_organizations"].as_array().unwrap().iter().map(|one| (
                one["organization"]["organization_name"].as_str().unwrap().to_owned(),
                one["membership"]["type"].as_str().unwrap().to_owned(),
            )).collect()
        };
        let before = t.discover("ada@acme.example").await;
        assert_eq!(listed(&before), [("Active".into(), "active_member".into()), ("Invited".into(), "invited_member".into())]);
        t.sign_in(&eligible, "boss@acme.example").await;
        let after = t.discover("ada@acme.example").await;
        assert_eq!(listed(&after)[2], ("Eligible".to_owned(), "eligible_to_join_by_email_domain".to_owned()));
        let last = &after["discovered_organizations"][2];
        assert_eq!(last["membership"]["details"], json!({"domain": "acme.example"}));
        assert_eq!((&last["membership"]["member"], &last["member_authenticated"]), (&json!(null), &json!(true)));

        let joined = t.post(EXCHANGE, json!({"intermediate_session_token": ist(&after), "organization_id": eligible})).await.ok();
        assert_eq!((&joined["member"]["status"], &joined["member"]["email_address_verified"]), (&json!("active"), &json!(true)));
        let again = t.discover("ada@acme.example").await;
        t.post(EXCHANGE, json!({"intermediate_session_token": ist(&again), "organization_id": empty})).await
            .fails(400, "invalid_email_for_jit_provisioning");
        t.post(EXCHANGE, json!({"intermediate_session_token": ist(&again), "organization_id": gone})).await
            .fails(400, "email_jit_provisioning_not_allowed");
        // A failed exchange uses nothing up.
        let accepted = t.post(EXCHANGE, json!({"intermediate_session_token": ist(&again), "organization_id": invited})).await.ok();
        assert_eq!(accepted["member"]["status"], "active");
    }

    async fn an_organization_with_other_methods_asks_for_them(t) {
        let acme = t.organization("Acme", json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link"]})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let found = t.discover("ada@acme.example").await;
        assert_eq!(found["discovered_organizations"][0]["primary_required"], json!({"allowed_auth_methods": ["magic_link"]}));
        let token = ist(&found).to_owned();
        let answer = t.post(EXCHANGE, json!({"intermediate_session_token": token, "organization_id": acme})).await.ok();
        assert_eq!((&answer["member_authenticated"], ist(&answer)), (&json!(false), token.as_str()));
        assert_eq!(answer["primary_required"], json!({"allowed_auth_methods": ["magic_link"]}));
        // The missing factor completes the login and uses the intermediate session up.
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let link = t.last_token("ada@acme.example").await;
        let done = t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": link, "intermediate_session_token": token})).await.ok();
        assert_eq!(done["member_authenticated"], true);
        let kinds: Vec<_> = done["member_session"]["authentication_factors"].as_array().unwrap().iter().map(|f| f["type"].clone()).collect();
        assert_eq!(kinds, [json!("email_otp"), json!("magic_link")]);
        t.post(LIST, json!({"intermediate_session_token": token})).await.fails(404, "intermediate_session_not_found");
    }

    async fn an_intermediate_session_of_somebody_else_is_worth_nothing(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let eve = t.discover("eve@evil.example").await;
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let link = t.last_token("ada@acme.example").await;
        t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": link, "intermediate_session_token": ist(&eve)})).await
            .fails(400, "invalid_intermediate_session_token_for_organization");
    }

    async fn lists_need_exactly_one_credential_and_respect_its_kind(t) {
        let acme = t.organization("Acme", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let session = t.sign_in(&acme, "ada@acme.example").await;
        let found = t.discover("ada@acme.example").await;
        t.post(LIST, json!({})).await.fails(400, "no_session_arguments");
        t.post(LIST, json!({"intermediate_session_token": ist(&found), "session_token": session["session_token"]})).await
            .fails(400, "too_many_session_arguments");
        let by_session = t.post(LIST, json!({"session_jwt": session["session_jwt"]})).await.ok();
        assert_eq!((&by_session["organization_id_hint"], &by_session["email_address"]), (&json!(null), &json!("ada@acme.example")));
        assert_eq!(by_session["discovered_organizations"].as_array().unwrap().len(), 1);
    }

    async fn claimed_domains_are_kept(t) {
        let acme = t.organization("Acme", json!({"claimed_email_domains": ["acme.example"]})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let other = t.organization("Other", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        let found = t.discover("ada@acme.example").await;
        t.post(CREATE, json!({"intermediate_session_token": ist(&found)})).await.fails(400, "action_not_allowed_email_domain_is_claimed");
        t.post(EXCHANGE, json!({"intermediate_session_token": ist(&found), "organization_id": other})).await
            .fails(400, "action_not_allowed_email_domain_is_claimed");
        t.post("/v1/b2b/organizations", json!({"organization_name": "Thief", "claimed_email_domains": ["acme.example"]})).await
            .fails(400, "organization_settings_duplicate_claimed_domain");
        t.post(EXCHANGE, json!({"intermediate_session_token": ist(&found), "organization_id": acme})).await.ok();
    }

    async fn guessing_an_address_locks_it(t) {
        let body = |code: &str| json!({"email_address": "ada@acme.example", "code": code});
        for _ in 0..10 {
            t.post("/v1/b2b/otps/email/discovery/authenticate", body("123456")).await.fails(404, "otp_code_not_found");
        }
        t.post("/v1/b2b/otps/email/discovery/authenticate", body("123456")).await.fails(429, "user_lock_limit_reached");
        t.post("/v1/b2b/otps/email/discovery/send", json!({"email_address": "ada@acme.example"})).await.fails(429, "user_lock_limit_reached");
        t.advance_minutes(61);
        t.discover("ada@acme.example").await;
    }
}
