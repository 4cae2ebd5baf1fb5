//! Going from one organization into another with a session.

use crate::on_both_engines;
use serde_json::{Value, json};

const EXCHANGE: &str = "/v1/b2b/sessions/exchange";

on_both_engines! {
    async fn a_session_opens_another_organization_of_the_same_person(t) {
        let acme = t.organization("Acme", json!({})).await;
        let beta = t.organization("Beta", json!({"organization_slug": "beta"})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post("/v1/b2b/magic_links/email/invite", json!({"organization_id": beta, "email_address": "ada@acme.example"})).await.ok();
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let other = t.post(EXCHANGE, json!({"organization_id": "beta", "session_jwt": login["session_jwt"], "session_duration_minutes": 10})).await.ok();
        assert_eq!((&other["member_authenticated"], &other["member"]["status"]), (&json!(true), &json!("active")));
        assert_eq!(other["organization"]["organization_id"], beta);
        assert_ne!(other["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        let factor = &other["member_session"]["authentication_factors"][0];
        assert_eq!(factor["type"], "email_otp");
        assert_ne!(factor["email_factor"]["email_id"], login["method_id"], "the address has another id there");
        // The first session stays.
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": login["session_token"]})).await.ok();
    }

    /// W-20: exactly the missing factors are demanded.
    async fn the_other_organizations_rules_hold(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let login = t.sign_in(&acme, "ada@acme.example").await;
        for (settings, primary, mfa) in [
            (json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["sso"]}), json!({"allowed_auth_methods": ["sso"]}), Value::Null),
            (json!({"mfa_policy": "REQUIRED_FOR_ALL"}), Value::Null, json!({"member_options": null, "secondary_auth_initiated": null})),
        ] {
            let strict = t.organization("Strict", settings).await;
            t.member(&strict, "ada@acme.example", json!({})).await;
            // The newcomer has not proven the address there yet; the link that is carried over does.
            let answer = t.post(EXCHANGE, json!({"organization_id": strict, "session_token": login["session_token"]})).await.ok();
            assert_eq!((&answer["primary_required"], &answer["mfa_required"]), (&primary, &mfa));
            assert_eq!((&answer["member_authenticated"], &answer["session_token"]), (&json!(false), &json!("")));
            assert!(!answer["intermediate_session_token"].as_str().unwrap().is_empty());
        }
    }

    async fn nobody_joins_by_exchange(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let open = t.organization("Open", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let with = |more: Value| {
            let mut body = json!({"organization_id": open});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            t.post(EXCHANGE, body)
        };
        with(json!({"session_token": login["session_token"]})).await.fails(404, "member_not_found");
        with(json!({})).await.fails(400, "no_session_arguments");
        with(json!({"session_token": "x", "session_jwt": "y"})).await.fails(400, "too_many_session_arguments");
        with(json!({"session_token": "unknown"})).await.fails(404, "session_not_found");
        t.post(EXCHANGE, json!({"organization_id": "nowhere", "session_token": login["session_token"]})).await.fails(404, "organization_not_found");
        t.browser().post("/sdk/v1/b2b/sessions/exchange", json!({"organization_id": open, "session_duration_minutes": 60})).await
            .fails(401, "user_unauthenticated");
        let token = login["session_token"].as_str().unwrap();
        t.browser_with(token).post("/sdk/v1/b2b/sessions/exchange", json!({"organization_id": acme, "session_duration_minutes": 60})).await.data();
    }
}
