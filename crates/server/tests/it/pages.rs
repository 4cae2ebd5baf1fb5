//! Pages for people, health, and the development endpoints.

use crate::on_both_engines;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

async fn get(t: &crate::harness::Server, path: &str) -> crate::harness::Answer {
    t.send(Request::get(path).body(Body::empty()).unwrap()).await
}

on_both_engines! {
    /// W-05: whoever opens the link, and however often, it still works for its member.
    async fn opening_the_page_behind_a_link_uses_nothing_up(t) {
        let acme = t.organization("Acme", json!({"organization_slug": "acme"})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let link = t.last_link("ada@acme.example").await;
        let path = link.strip_prefix("http://ostiary.test").unwrap();
        for _ in 0..20 {
            for method in [Method::GET, Method::HEAD] {
                let answer = t.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status.as_u16(), 200);
                assert!(!answer.headers.contains_key("location"), "nothing that follows redirects gets to the application");
            }
        }
        let page = get(&t, path).await;
        assert!(page.text.contains("http://localhost:3000/authenticate"));
        assert!(page.text.contains("acme"), "the organization's slug goes along");
        let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let token = t.last_token("ada@acme.example").await;
        t.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": token})).await.ok();
        assert_eq!(get(&t, path).await.status.as_u16(), 404, "a used link says so");
    }

    /// no header decides where links lead.
    async fn links_are_built_from_the_configured_address(t) {
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let body = json!({"organization_id": acme, "email_address": "ada@acme.example"});
        let headers = [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
        t.call_as(&t.project, Method::POST, "/v1/b2b/magic_links/email/login_or_signup", Some(body), &headers).await.ok();
        let mail = t.last_message("ada@acme.example").await.to_string();
        assert!(mail.contains("http://ostiary.test/") && !mail.contains("evil"));
    }

    /// nothing of a query comes back as markup.
    async fn pages_reflect_nothing(t) {
        for path in [
            "/v1/b2b/magic_links/redirect?token=%3Cscript%3Ealert(1)%3C/script%3E&public_token=%22%3E%3Cimg%20src=x%3E",
            "/docs/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        ] {
            let answer = get(&t, path).await;
            assert!(!answer.text.contains("<script>alert"), "{path}");
            assert!(!answer.text.contains("<img src=x"), "{path}");
        }
    }

    async fn every_error_has_its_page(t) {
        for kind in ostiary_core::error::ErrorType::ALL {
            let page = get(&t, &format!("/docs/errors/{}", kind.name())).await;
            assert_eq!(page.status.as_u16(), 200);
            assert!(page.text.contains(kind.name()));
        }
        let refused = t.post("/v1/b2b/sessions/authenticate", json!({})).await.fails(400, "no_session_arguments");
        let url = refused["error_url"].as_str().unwrap();
        let path = url.strip_prefix("http://ostiary.test").unwrap();
        let page = get(&t, path.split('#').next().unwrap()).await;
        assert!(page.text.contains("id=\"no_session_arguments\""), "the anchor of error_url exists");
    }

    async fn health_and_readiness(t) {
        assert_eq!(get(&t, "/healthz").await.text, "ok");
        let ready = get(&t, "/readyz").await;
        assert_eq!(ready.body, json!({"database": "ok", "projects": "ok", "signing_keys": "ok", "ready": true}));
    }

    async fn the_clock_moves_forward_only(t) {
        let clock = |body: serde_json::Value| t.send(
            Request::post("/dev/clock").header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
        );
        assert_eq!(clock(json!({"advance_seconds": 90})).await.body["offset_seconds"], 90);
        assert_eq!(clock(json!({"advance_seconds": -1})).await.status.as_u16(), 400);
        assert_eq!(clock(json!({"advance_seconds": "soon"})).await.status.as_u16(), 400);
        assert_eq!(get(&t, "/dev/clock").await.body["offset_seconds"], 90);
        let stored = ostiary_store::server_state::find(&t.app.store.reader(), "dev clock offset").await.unwrap();
        assert_eq!(stored.as_deref(), Some("90000000"), "a restart does not turn back time");
    }

    async fn the_inbox_filters_and_empties(t) {
        t.discover("ada@acme.example").await;
        t.discover("bob@acme.example").await;
        assert_eq!(get(&t, "/dev/inbox/messages").await.body["messages"].as_array().unwrap().len(), 2);
        assert_eq!(t.messages("ADA@acme.example").await.len(), 1);
        let message = t.last_message("bob@acme.example").await;
        for field in ["id", "channel", "to", "from", "subject", "text", "html", "links", "code", "template_type", "created_at"] {
            assert!(message.get(field).is_some(), "{field}");
        }
        t.send(Request::delete("/dev/inbox/messages").body(Body::empty()).unwrap()).await;
        assert!(t.messages("bob@acme.example").await.is_empty());
        assert_eq!(get(&t, "/dev/inbox").await.status.as_u16(), 200);
    }
}
