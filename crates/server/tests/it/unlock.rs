//! Ending locks before their time (spec 01d §3).

use crate::harness::{Answer, REDIRECT_URL, Server, query};
use crate::on_both_engines;
use crate::operators::Operator;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use ostiary_core::project::KeyScope;
use serde_json::{Value, json};

const AUTHENTICATE: &str = "/v1/b2b/passwords/authenticate";
const ADA: &str = "ada@acme.example";
const PASSWORD: &str = "correct horse battery staple";

/// An organization with Ada, who has a password; three failures lock her.
async fn acme(t: &Server, self_serve: bool) -> (String, String) {
    t.set(json!({"lock": {"threshold": 3, "ttl_seconds": 3600}, "user_lock_self_serve_enabled": self_serve}))
        .await;
    let organization = t.organization("Acme", json!({})).await;
    let ada = t.member(&organization, ADA, json!({})).await;
    t.set_password(&organization, ADA, PASSWORD).await;
    (organization, ada)
}

async fn sign_in(t: &Server, organization: &str, password: &str) -> Answer {
    let body = json!({"organization_id": organization, "email_address": ADA, "password": password});
    t.post(AUTHENTICATE, body).await
}

async fn lock(t: &Server, organization: &str) {
    for _ in 0..3 {
        sign_in(t, organization, "wrong").await.fails(401, "unauthorized_credentials");
    }
    sign_in(t, organization, PASSWORD).await.fails(429, "user_lock_limit_reached");
}

async fn mails(t: &Server) -> Vec<Value> {
    let mut mails = t.messages(ADA).await;
    mails.retain(|mail| mail["template_type"] == "UNLOCK");
    mails
}

async fn open(t: &Server, link: &str) -> Answer {
    let path = link.strip_prefix("http://ostiary.test").expect("a link to this server");
    t.send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn press(t: &Server, link: &str) -> Answer {
    let (path, form) = link.strip_prefix("http://ostiary.test").unwrap().split_once('?').unwrap();
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    t.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

on_both_engines! {
    async fn a_lock_ends_by_the_button_behind_the_mailed_link(t) {
        let (organization, ada) = acme(&t, true).await;
        lock(&t, &organization).await;
        let mail = mails(&t).await.pop().expect("a mail");
        let link = mail["links"][0].as_str().unwrap().to_owned();
        for _ in 0..3 {
            let page = open(&t, &link).await;
            assert_eq!(page.status, 200);
            assert!(page.text.contains("method=\"post\"") && page.headers.contains_key("content-security-policy"));
        }
        sign_in(&t, &organization, PASSWORD).await.fails(429, "user_lock_limit_reached");

        let pressed = press(&t, &link).await;
        assert_eq!((pressed.status.as_u16(), pressed.headers["location"].to_str().unwrap()), (303, REDIRECT_URL));
        assert_eq!(sign_in(&t, &organization, PASSWORD).await.ok()["member_authenticated"], true);
        assert_eq!(press(&t, &link).await.status, 404);
        assert_eq!(open(&t, &link).await.status, 404);
        let path = format!("/v1/b2b/organizations/{organization}/member?member_id={ada}");
        let member = t.get(&path).await.ok()["member"].take();
        assert_eq!((&member["is_locked"], &member["lock_created_at"]), (&json!(false), &Value::Null));
    }

    async fn a_link_ends_its_own_lock_only_and_in_its_time(t) {
        let (organization, ada) = acme(&t, true).await;
        lock(&t, &organization).await;
        let first = mails(&t).await[0]["links"][0].as_str().unwrap().to_owned();
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.post(&format!("{}/members/{ada}/unlock", operator.own_place("/admin/v1")), json!({})).await.ok();
        t.advance_seconds(1);
        lock(&t, &organization).await;
        assert_eq!(press(&t, &first).await.status, 404);
        sign_in(&t, &organization, PASSWORD).await.fails(429, "user_lock_limit_reached");
        let second = mails(&t).await[1]["links"][0].as_str().unwrap().to_owned();
        t.advance_minutes(61);
        assert_eq!(open(&t, &second).await.status, 404);
        assert_eq!(press(&t, &second).await.status, 404);
        sign_in(&t, &organization, PASSWORD).await.ok();
    }

    async fn the_token_of_such_a_link_signs_nobody_in(t) {
        let (organization, _) = acme(&t, true).await;
        lock(&t, &organization).await;
        let link = mails(&t).await[0]["links"][0].as_str().unwrap().to_owned();
        let token = query(&link, "token").unwrap();
        let body = json!({"magic_links_token": token});
        t.post("/v1/b2b/magic_links/authenticate", body).await.fails(404, "magic_link_not_found");
        let body = json!({"discovery_magic_links_token": token});
        t.post("/v1/b2b/magic_links/discovery/authenticate", body).await.fails(404, "magic_link_not_found");
        let body = json!({"password_reset_token": token, "password": "another lighthouse keeper"});
        t.post("/v1/b2b/passwords/email/reset", body).await.fails(401, "unable_to_auth_password_reset_token");
        let hop = link.replace("/v1/b2b/members/unlock", "/v1/b2b/magic_links/redirect");
        assert_eq!(open(&t, &hop).await.status, 404);
        for nonsense in ["", "?token=x", "?public_token=x&token=y"] {
            let link = format!("http://ostiary.test/v1/b2b/members/unlock{nonsense}");
            assert_eq!(open(&t, &link).await.status, 404, "{nonsense}");
        }
        assert_eq!(press(&t, &link.replace(&token, &"x".repeat(5000))).await.status, 404);
        assert_eq!(press(&t, &link).await.status, 303, "nothing of this used it up");
    }

    async fn no_mail_is_sent_where_members_may_not_unlock_themselves(t) {
        let (organization, _) = acme(&t, false).await;
        lock(&t, &organization).await;
        assert!(mails(&t).await.is_empty());
    }

    async fn one_mail_is_sent_for_each_lock_however_many_guess(t) {
        let (organization, _) = acme(&t, true).await;
        futures_util::future::join_all((0..20).map(|_| sign_in(&t, &organization, "wrong"))).await;
        assert_eq!(mails(&t).await.len(), 1);
    }

    async fn an_operator_ends_a_lock(t) {
        let (organization, ada) = acme(&t, false).await;
        lock(&t, &organization).await;
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let path = |member: &str| format!("{}/members/{member}/unlock", operator.own_place("/admin/v1"));
        let reader = Operator::new(&t, &[]).await;
        reader.post(&path(&ada), json!({})).await.fails(403, "unauthorized_action");
        operator.post(&path(&ada.replace(&ada[12..16], "0000")), json!({})).await.fails(404, "member_not_found");
        operator.post(&path("nobody"), json!({})).await.fails(400, "invalid_id");
        sign_in(&t, &organization, PASSWORD).await.fails(429, "user_lock_limit_reached");
        let unlocked = operator.post(&path(&ada), json!({})).await.ok();
        assert_eq!((&unlocked["member_id"], &unlocked["is_locked"]), (&json!(ada), &json!(false)));
        sign_in(&t, &organization, PASSWORD).await.ok();
        operator.post(&path(&ada), json!({})).await.ok();
    }

    async fn an_operator_decides_about_rate_limits(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let path = format!("{}/rate_limits", operator.own_place("/admin/v1"));
        let before = operator.get(&path).await.ok();
        assert_eq!(before["rate_limits"], json!({"enabled": null, "windows": {}}));
        let published = json!({"group": "email_sends", "field": "email", "requests_max": 1, "window_seconds": 1});
        assert!(before["limits"].as_array().unwrap().contains(&published));
        let wish = json!({"enabled": true, "windows": {"searches": {"project": [{"requests_max": 1, "window_seconds": 86400}]}}});
        let reader = Operator::new(&t, &[]).await;
        reader.put(&path, json!({"rate_limits": wish})).await.fails(403, "unauthorized_action");
        let after = operator.put(&path, json!({"rate_limits": wish})).await.ok();
        assert_eq!(after["rate_limits"], wish);
        t.post("/v1/b2b/organizations/search", json!({})).await.ok();
        t.post("/v1/b2b/organizations/search", json!({})).await.fails(429, "too_many_requests");
        for (bad, kind) in [
            (json!({"rate_limits": {"windows": {"searches": {"phone": []}}}}), "invalid_argument"),
            (json!({"rate_limits": {"windows": {"unknown": {}}}}), "invalid_argument"),
            (json!({"rate_limits": {"on": true}}), "invalid_argument"),
            (json!({"rate_limits": true}), "bad_request"),
            (json!({}), "bad_request"),
        ] {
            operator.put(&path, bad).await.fails(400, kind);
        }
        assert_eq!(operator.get(&path).await.ok()["rate_limits"], wish);
    }
}
