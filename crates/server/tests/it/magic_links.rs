//! Magic links of one organization.

use crate::harness::{REDIRECT_URL, query};
use crate::on_both_engines;
use serde_json::{Value, json};

const SEND: &str = "/v1/b2b/magic_links/email/login_or_signup";
const INVITE: &str = "/v1/b2b/magic_links/email/invite";
const AUTHENTICATE: &str = "/v1/b2b/magic_links/authenticate";
const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";

fn challenge() -> String {
    ostiary_proto::pkce::challenge_of(VERIFIER)
}

on_both_engines! {
    async fn a_link_signs_its_member_in_once(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let link = t.last_link("ada@acme.example").await;
        assert!(link.starts_with("http://ostiary.test/v1/b2b/magic_links/redirect?"), "{link}");
        assert_eq!(query(&link, "stytch_token_type").as_deref(), Some("multi_tenant_magic_links"));
        let token = query(&link, "token").unwrap();
        let answer = t.post(AUTHENTICATE, json!({"magic_links_token": token})).await.ok();
        assert_eq!((answer["member_id"].as_str(), &answer["reset_sessions"]), (Some(ada.as_str()), &json!(false)));
        assert_eq!(answer["member_session"]["authentication_factors"][0]["type"], "magic_link");
        t.post(AUTHENTICATE, json!({"magic_links_token": token})).await.fails(401, "unable_to_auth_magic_link");
        t.post(AUTHENTICATE, json!({"magic_links_token": "unknown"})).await.fails(404, "magic_link_not_found");
    }

    async fn links_are_addressed_by_slug_and_external_id_too(t) {
        let acme = t.organization("Acme", json!({"organization_slug": "acme-co", "organization_external_id": "crm|7"})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        for name in ["acme-co", "ACME-CO", "crm|7"] {
            let sent = t.post(SEND, json!({"organization_id": name, "email_address": "ada@acme.example"})).await.ok();
            assert_eq!(sent["organization"]["organization_id"], acme);
        }
        t.post(SEND, json!({"organization_id": "acme-corp", "email_address": "ada@acme.example"})).await
            .fails(404, "organization_not_found");
    }

    async fn an_invitation_brings_its_data_and_becomes_a_membership(t) {
        let acme = t.organization("Acme", json!({})).await;
        let boss = t.member(&acme, "boss@acme.example", json!({"name": "The Boss"})).await;
        let invited = t.post(INVITE, json!({
            "organization_id": acme, "email_address": "bob@partner.example", "name": "Bob",
            "untrusted_metadata": {"theme": "dark"}, "trusted_metadata": {"plan": "pro"}, "roles": ["stytch_admin"],
            "invited_by_member_id": boss, "locale": "fr"
        })).await.ok();
        assert_eq!((&invited["member"]["status"], &invited["member"]["is_admin"]), (&json!("invited"), &json!(true)));
        let mail = t.last_message("bob@partner.example").await;
        assert_eq!(mail["template_type"], "INVITE");
        assert!(mail["text"].as_str().unwrap().contains("The Boss"));
        let token = t.last_token("bob@partner.example").await;
        let answer = t.post(AUTHENTICATE, json!({"magic_links_token": token})).await.ok();
        assert_eq!(answer["member"]["status"], "active");
        assert_eq!(answer["member"]["untrusted_metadata"], json!({"theme": "dark"}));
        t.post(INVITE, json!({"organization_id": acme, "email_address": "bob@partner.example"})).await
            .fails(400, "duplicate_member_email");
    }

    async fn invitations_follow_the_settings(t) {
        let closed = t.organization("Closed", json!({"email_invites": "NOT_ALLOWED"})).await;
        t.post(INVITE, json!({"organization_id": closed, "email_address": "bob@acme.example"})).await
            .fails(400, "invalid_email_for_invites");
        let acme = t.organization("Acme", json!({"email_invites": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        t.post(INVITE, json!({"organization_id": acme, "email_address": "bob@else.example"})).await
            .fails(400, "invalid_email_for_invites");
        t.post(INVITE, json!({"organization_id": acme, "email_address": "bob@acme.example", "roles": ["nope"]})).await
            .fails(400, "invalid_role");
        t.post(INVITE, json!({"organization_id": acme, "email_address": "bob@acme.example",
            "invited_by_member_id": "member-test-00000000-0000-4000-8000-000000000000"})).await
            .fails(404, "member_not_found");
        assert!(t.messages("bob@acme.example").await.is_empty());
        t.post(INVITE, json!({"organization_id": acme, "email_address": "bob@acme.example"})).await.ok();
    }

    async fn a_deleted_member_cannot_use_an_old_link(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let token = t.last_token("ada@acme.example").await;
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/{ada}")).await.ok();
        let refused = t.post(AUTHENTICATE, json!({"magic_links_token": token})).await;
        assert!(matches!(refused.status.as_u16(), 401 | 404), "{}", refused.text);
    }

    async fn links_expire_at_their_time(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let send = |minutes: i64| t.post(SEND, json!({
            "organization_id": acme, "email_address": "ada@acme.example", "login_expiration_minutes": minutes
        }));
        send(4).await.fails(400, "invalid_expiration");
        send(10_081).await.fails(400, "invalid_expiration");
        send(5).await.ok();
        let in_time = t.last_token("ada@acme.example").await;
        send(5).await.ok();
        let too_late = t.last_token("ada@acme.example").await;
        t.advance_seconds(290);
        t.post(AUTHENTICATE, json!({"magic_links_token": in_time})).await.ok();
        t.advance_seconds(15);
        t.post(AUTHENTICATE, json!({"magic_links_token": too_late})).await.fails(401, "unable_to_auth_magic_link");
    }

    async fn pkce_binds_a_link_to_who_asked_for_it(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let mut body = json!({"organization_id": acme, "email_address": "ada@acme.example", "pkce_code_challenge": "short"});
        t.post(SEND, body.clone()).await.fails(400, "invalid_pkce_code_challenge");
        body["pkce_code_challenge"] = json!(challenge());
        t.post(SEND, body).await.ok();
        let token = t.last_token("ada@acme.example").await;
        let with = |verifier: Value| json!({"magic_links_token": token, "pkce_code_verifier": verifier});
        t.post(AUTHENTICATE, with(json!(null))).await.fails(400, "pkce_expected_code_verifier");
        t.post(AUTHENTICATE, with(json!("another-verifier-that-is-long-enough-0123456789"))).await.fails(400, "pkce_mismatch");
        t.post(AUTHENTICATE, with(json!("x"))).await.fails(400, "invalid_pkce_code_verifier");
        // None of the failures used the link up.
        t.post(AUTHENTICATE, with(json!(VERIFIER))).await.ok();
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let token = t.last_token("ada@acme.example").await;
        t.post(AUTHENTICATE, json!({"magic_links_token": token, "pkce_code_verifier": VERIFIER})).await
            .fails(400, "pkce_did_not_expect_code_verifier");
    }

    async fn a_redirect_url_that_is_not_allowed_is_refused_before_anything_is_sent(t) {
        let acme = t.organization("Acme", json!({"email_jit_provisioning": "RESTRICTED", "email_allowed_domains": ["acme.example"]})).await;
        for (url, error) in [
            ("https://evil.example/authenticate", "no_match_for_provided_magic_link_url"),
            ("http://localhost.evil.example:3000/authenticate", "no_match_for_provided_magic_link_url"),
            ("http://localhost:3000@evil.example/", "invalid_login_redirect_url"),
            ("javascript:alert(1)", ""),
            ("not a url", "invalid_login_redirect_url"),
        ] {
            let answer = t.post(SEND, json!({
                "organization_id": acme, "email_address": "new@acme.example", "login_redirect_url": url
            })).await;
            assert_eq!(answer.status.as_u16(), 400, "{url}: {}", answer.text);
            if !error.is_empty() {
                answer.fails(400, error);
            }
        }
        assert!(t.messages("new@acme.example").await.is_empty());
        let found = t.get(&format!("/v1/b2b/organizations/{acme}/member?email_address=new@acme.example")).await;
        found.fails(404, "member_not_found");
    }

    async fn the_link_leads_where_the_request_says(t) {
        let acme = t.organization("Acme", json!({"organization_slug": "acme"})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.set(json!({"direct_links": true})).await;
        t.post(SEND, json!({
            "organization_id": acme, "email_address": "ada@acme.example",
            "login_redirect_url": "http://localhost:4000/in?next=%2Fhome"
        })).await.ok();
        let link = t.last_link("ada@acme.example").await;
        assert!(link.starts_with("http://localhost:4000/in?next=%2Fhome&"), "{link}");
        assert_eq!(query(&link, "slug").as_deref(), Some("acme"));
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        assert!(t.last_link("ada@acme.example").await.starts_with(REDIRECT_URL));
    }

    /// fifty callers, one session.
    async fn a_link_works_once_under_concurrency(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let token = t.last_token("ada@acme.example").await;
        let t = std::sync::Arc::new(t);
        let mut tasks = Vec::new();
        for _ in 0..50 {
            let (t, body) = (t.clone(), json!({"magic_links_token": token}));
            tasks.push(tokio::spawn(async move { t.post(AUTHENTICATE, body).await.status.as_u16() }));
        }
        let mut won = 0;
        for task in tasks {
            won += u32::from(task.await.unwrap() == 200);
        }
        assert_eq!(won, 1);
    }

    async fn mfa_ends_in_an_intermediate_session(t) {
        let acme = t.organization("Acme", json!({"mfa_policy": "REQUIRED_FOR_ALL"})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post(SEND, json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let token = t.last_token("ada@acme.example").await;
        let answer = t.post(AUTHENTICATE, json!({"magic_links_token": token})).await.ok();
        assert_eq!(answer["member_authenticated"], false);
        assert_eq!((&answer["session_token"], &answer["session_jwt"], &answer["member_session"]), (&json!(""), &json!(""), &json!(null)));
        assert_eq!(answer["mfa_required"], json!({"member_options": null, "secondary_auth_initiated": null}));
        assert!(!answer["intermediate_session_token"].as_str().unwrap().is_empty());
    }

    async fn sandbox_values_answer_without_touching_data(t) {
        let works = t.post(AUTHENTICATE, json!({"magic_links_token": "DOYoip3rvIMMW5lgItikFK-Ak1CfMsgjuiCyI7uuU94="})).await.ok();
        assert_eq!(works["member"]["email_address"], "sandbox@stytch.com");
        t.post(AUTHENTICATE, json!({"magic_links_token": "3pzjQpgksDlGKWEwUq2Up--hCHC_0oamfLHyfspKDFU="})).await
            .fails(401, "unable_to_auth_magic_link");
        t.post(AUTHENTICATE, json!({"magic_links_token": "CprTtwhnRNiMBiUS2jSLcWYrfuO2POeBNdo5HhW6qTM="})).await
            .fails(404, "magic_link_not_found");
        t.post(SEND, json!({"organization_id": "organization-test-007d9d4a-deac-4a87-ba0a-e6e8afba4d4b",
            "email_address": "sandbox@stytch.com"})).await.ok();
        assert!(t.messages("sandbox@stytch.com").await.is_empty());
        t.browser().post("/sdk/v1/b2b/magic_links/authenticate",
            json!({"magic_links_token": "DOYoip3rvIMMW5lgItikFK-Ak1CfMsgjuiCyI7uuU94=", "session_duration_minutes": 60})).await
            .fails(404, "magic_link_not_found");
    }
}
