//! Acting in a member's place: a token with a reason, a session that shows it and cannot be used to stay.

use crate::harness::{Server, claims, query};
use crate::on_both_engines;
use crate::operators::Operator;
use axum::http::Method;
use ostiary_core::project::KeyScope;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

const AUTHENTICATE: &str = "/v1/b2b/impersonation/authenticate";
const CHECK: &str = "/v1/b2b/sessions/authenticate";
const ADA: &str = "ada@acme.example";

struct Acme {
    organization: String,
    ada: String,
}

async fn acme(t: &Server) -> Acme {
    t.set(json!({"user_impersonation_enabled": true})).await;
    let organization = t.organization("Acme", json!({})).await;
    let ada = t.member(&organization, ADA, json!({"roles": ["stytch_admin"]})).await;
    t.sign_in(&organization, ADA).await;
    Acme { organization, ada }
}

fn tokens_of(operator: &Operator<'_>, member: &str) -> String {
    format!("{}/members/{member}/impersonation_tokens", operator.own_place("/admin/v1"))
}

fn wish() -> Value {
    json!({"impersonator_email": "grace@ostiary.example", "reason": "Ticket 4711: cannot see invoices"})
}

async fn token(t: &Server, member: &str) -> String {
    let operator = Operator::new(t, KeyScope::ALL).await;
    let issued = operator.post(&tokens_of(&operator, member), wish()).await.ok();
    issued["token"].as_str().unwrap().to_owned()
}

async fn impersonate(t: &Server, member: &str) -> Value {
    t.post(AUTHENTICATE, json!({"impersonation_token": token(t, member).await})).await.ok()
}

on_both_engines! {
    async fn an_operator_acts_in_a_members_place_and_everything_says_so(t) {
        let Acme { organization, ada } = acme(&t).await;
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let issued = operator.post(&tokens_of(&operator, &ada), wish()).await.ok();
        let url = issued["url"].as_str().unwrap();
        assert!(url.starts_with("http://localhost:3000/authenticate?"), "{url}");
        assert_eq!(query(url, "stytch_token_type").as_deref(), Some("multi_tenant_impersonation"));
        assert_eq!(query(url, "token").as_deref(), issued["token"].as_str());

        let login = t.post(AUTHENTICATE, json!({"impersonation_token": issued["token"]})).await.ok();
        assert_eq!(login["member_authenticated"], true);
        assert_eq!(login["intermediate_session_token"], "");
        assert_eq!((&login["organization_id"], &login["member_id"]), (&json!(organization), &json!(ada)));
        let impersonated = json!({
            "impersonator_id": operator.key.id, "impersonator_email_address": "grace@ostiary.example",
        });
        let session = &login["member_session"];
        let factor = &session["authentication_factors"][0];
        assert_eq!((&factor["type"], &factor["delivery_method"]), (&json!("impersonated"), &json!("impersonation")));
        assert_eq!(factor["impersonated_factor"], impersonated);
        let said = claims(login["session_jwt"].as_str().unwrap());
        assert_eq!(said["act"], json!({"sub": operator.key.id, "email": "grace@ostiary.example"}));
        assert_eq!(said["https://stytch.com/session"]["authentication_factors"][0]["impersonated_factor"], impersonated);

        let path = format!("/v1/b2b/sessions?organization_id={organization}&member_id={ada}");
        let sessions = t.get(&path).await.ok()["member_sessions"].take();
        assert!(sessions.as_array().unwrap().iter().any(|known|
            known["authentication_factors"][0]["impersonated_factor"] == impersonated));

        let records = operator.get(&format!("{}/impersonations", operator.own_place("/admin/v1"))).await.ok();
        let record = &records["impersonations"][0];
        assert_eq!(record["reason"], wish()["reason"]);
        assert_eq!(record["member_session_id"], session["member_session_id"]);
        assert!(record["used_at"].is_string());
        assert!(!records.to_string().contains(issued["token"].as_str().unwrap()));
        operator.get(&format!("{}/impersonations?before=yesterday", operator.own_place("/admin/v1"))).await
            .fails(400, "invalid_argument");
    }

    async fn a_token_works_once_and_for_five_minutes(t) {
        let Acme { ada, .. } = acme(&t).await;
        let used = json!({"impersonation_token": token(&t, &ada).await});
        t.post(AUTHENTICATE, used.clone()).await.ok();
        t.post(AUTHENTICATE, used).await.fails(401, "unable_to_auth_impersonation_token");
        t.post(AUTHENTICATE, json!({"impersonation_token": "unknown"})).await.fails(401, "unable_to_auth_impersonation_token");
        t.post(AUTHENTICATE, json!({})).await.fails(400, "bad_request");
        let late = json!({"impersonation_token": token(&t, &ada).await});
        t.advance_seconds(300);
        t.post(AUTHENTICATE, late).await.fails(401, "unable_to_auth_impersonation_token");
    }

    async fn of_many_who_bring_one_token_one_gets_in(t) {
        let t = Arc::new(t);
        let Acme { ada, .. } = acme(&t).await;
        let body = json!({"impersonation_token": token(&t, &ada).await});
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            let (t, body) = (t.clone(), body.clone());
            calls.spawn(async move { t.post(AUTHENTICATE, body).await.status.as_u16() });
        }
        let won = calls.join_all().await.into_iter().filter(|status| *status == 200).count();
        assert_eq!(won, 1);
    }

    async fn the_session_ends_after_an_hour_whatever_is_asked(t) {
        let Acme { ada, .. } = acme(&t).await;
        t.set(json!({"session_duration_minutes_max": 5})).await;
        let login = impersonate(&t, &ada).await;
        let session = json!({"session_token": login["session_token"]});
        for change in [json!({"session_duration_minutes": 5}), json!({"session_custom_claims": {"a": 1}})] {
            let mut body = session.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            t.post(CHECK, body).await.fails(400, "session_not_mutable");
        }
        t.advance_minutes(59);
        t.post(CHECK, session.clone()).await.ok();
        t.advance_minutes(2);
        t.post(CHECK, session).await.fails(404, "session_not_found");
    }

    async fn nothing_is_added_to_the_session_and_it_leads_nowhere_else(t) {
        let Acme { organization, ada } = acme(&t).await;
        let other = t.organization("Beta", json!({})).await;
        t.member(&other, ADA, json!({})).await;
        let login = impersonate(&t, &ada).await;
        let session = &login["session_token"];
        t.post("/v1/b2b/sessions/exchange", json!({"organization_id": other, "session_token": session})).await
            .fails(400, "insufficient_factors_for_session_exchange");
        t.post("/v1/b2b/discovery/organizations", json!({"session_token": session})).await.fails(400, "session_not_mutable");
        t.post("/v1/b2b/totp", json!({"organization_id": organization, "member_id": ada, "session_token": session})).await
            .fails(400, "session_not_mutable");
        t.post("/v1/b2b/passwords/session/reset", json!({"organization_id": organization, "password": "correct horse battery staple", "session_token": session})).await
            .fails(400, "session_not_mutable");
        let code = json!({"organization_id": organization, "email_address": ADA});
        t.post("/v1/b2b/otps/email/login_or_signup", code.clone()).await.ok();
        let mut code = code;
        code["code"] = json!(t.last_code(ADA).await);
        code["session_token"] = session.clone();
        t.post("/v1/b2b/otps/email/authenticate", code).await.fails(400, "session_not_mutable");
        // What was there before is as it was.
        let check = t.post(CHECK, json!({"session_token": session})).await.ok();
        assert_eq!(check["member_session"]["authentication_factors"].as_array().unwrap().len(), 1);
    }

    async fn whoever_acts_in_an_administrators_place_changes_no_way_in(t) {
        let Acme { organization, ada } = acme(&t).await;
        let bob = t.member(&organization, "bob@acme.example", json!({})).await;
        let login = impersonate(&t, &ada).await;
        let token = login["session_token"].as_str().unwrap();
        let mut browser = t.browser_with(token);
        let update = "/sdk/v1/b2b/organizations/members/update";
        browser.call(Method::PUT, update, Some(json!({"name": "Ada L."}))).await.ok();
        let member = |id: &str| format!("/sdk/v1/b2b/organizations/members/{id}");
        for (method, path, body) in [
            (Method::PUT, update.to_owned(), json!({"mfa_enrolled": true})),
            (Method::PUT, update.to_owned(), json!({"mfa_phone_number": "+12025550123"})),
            (Method::PUT, member(&bob), json!({"roles": ["stytch_admin"]})),
            (Method::PUT, member(&bob), json!({"email_address": "mallory@acme.example"})),
            (Method::PUT, "/sdk/v1/b2b/organizations/me".into(), json!({"mfa_policy": "OPTIONAL"})),
            (Method::POST, "/sdk/v1/b2b/organizations/members/start_email_update".into(), json!({"email_address": "mallory@acme.example"})),
            (Method::POST, "/sdk/v1/b2b/organizations/members".into(), json!({"email_address": "eve@acme.example", "roles": ["stytch_admin"]})),
            (Method::DELETE, "/sdk/v1/b2b/organizations/members/deleteTOTP".into(), json!({})),
            (Method::GET, "/sdk/v1/b2b/recovery_codes".into(), json!({})),
            (Method::POST, "/sdk/v1/b2b/recovery_codes/rotate".into(), json!({})),
        ] {
            let body = (method != Method::GET).then_some(body);
            browser.call(method, &path, body).await.fails(403, "unauthorized_action");
        }
        let headers = [("x-stytch-member-session", token)];
        let path = format!("/v1/b2b/organizations/{organization}/members/{bob}");
        t.call_as(&t.project, Method::PUT, &path, Some(json!({"roles": ["stytch_admin"]})), &headers).await
            .fails(403, "unauthorized_action");
    }

    async fn the_environment_the_browser_and_the_key_must_allow_it(t) {
        let Acme { organization, ada } = acme(&t).await;
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let path = tokens_of(&operator, &ada);
        for reason in [json!(""), json!("  \n "), json!("x".repeat(513)), json!("bell \u{7}"), Value::Null] {
            let body = json!({"impersonator_email": "grace@ostiary.example", "reason": reason});
            operator.post(&path, body).await.fails(400, "invalid_impersonation_reason");
        }
        operator.post(&path, json!({"impersonator_email": "grace", "reason": "r"})).await.fails(400, "invalid_email");
        let nobody = "member-test-00000000-0000-4000-8000-000000000000";
        operator.post(&tokens_of(&operator, nobody), wish()).await.fails(404, "member_not_found");
        operator.post(&tokens_of(&operator, "member-live-00000000-0000-4000-8000-000000000000"), wish()).await
            .fails(401, "live_id_used_in_test_environment");
        let three = [KeyScope::AdminProjects, KeyScope::ManageProjectSettings, KeyScope::ManageApiKeys];
        Operator::new(&t, &three).await.post(&path, wish()).await.fails(403, "unauthorized_action");

        let mut browser = t.browser();
        let sdk = "/sdk/v1/b2b/impersonation/authenticate";
        let body = json!({"impersonation_token": token(&t, &ada).await});
        browser.post(sdk, body.clone()).await.fails(401, "endpoint_not_authorized_for_sdk");
        operator.put(&format!("{}/sdk/b2b", operator.own_place("/pwa/v3")), json!({"config": {"user_impersonation": {"enabled": true}}})).await.ok();
        assert_eq!(browser.post(sdk, body).await.data()["member_authenticated"], true);

        let pending = token(&t, &ada).await;
        t.set(json!({"user_impersonation_enabled": false})).await;
        t.post(AUTHENTICATE, json!({"impersonation_token": pending})).await.fails(400, "member_impersonation_not_allowed");
        operator.post(&path, wish()).await.fails(400, "member_impersonation_not_allowed");
        t.set(json!({"user_impersonation_enabled": true})).await;
        t.delete(&format!("/v1/b2b/organizations/{organization}/members/{ada}")).await.ok();
        operator.post(&path, wish()).await.fails(400, "member_impersonation_not_allowed");
    }
}
