//! Bad input, driven by the route table: whatever comes in, a catalogued error goes out.

use crate::harness::basic;
use crate::on_both_engines;
use axum::body::Body;
use axum::http::{Method, Request};
use ostiary_core::sdk_config::BrowserRules;
use ostiary_server::http::routes::{Route, Surface, TABLE};
use serde_json::json;

/// A path with plausible ids in place of its parameters.
fn fill(path: &str, project: &str, public_token: &str) -> String {
    path.replace("{project_id}", project)
        .replace("{public_token}", public_token)
        .replace("{organization_id}", "organization-test-00000000-0000-4000-8000-000000000000")
        .replace("{member_id}", "member-test-00000000-0000-4000-8000-000000000000")
        .replace("{client_id}", "m2m-client-test-00000000-0000-4000-8000-000000000000")
}

on_both_engines! {
    /// every endpoint that needs credentials refuses without them, whatever else is said.
    async fn no_endpoint_answers_without_credentials(t) {
        let project = t.project.project_id.to_string();
        let public_token = t.project.public_token.to_string();
        for route in TABLE.iter().filter(|route| matches!(route.surface, Surface::Backend | Surface::Browser)) {
            let path = fill(route.path, &project, &public_token);
            let user = if route.surface == Surface::Backend { &project } else { "public-token-test-00000000-0000-4000-8000-000000000000" };
            for authorization in [None, Some("Basic".to_owned()), Some("Bearer x".to_owned()), Some("Basic !!!".to_owned()),
                Some(basic(user, "wrong")), Some(basic("", "")), Some(basic(&t.project.secret, &project))] {
                let mut request = Request::builder().method(route.method.clone()).uri(&path).header("content-type", "application/json");
                if let Some(authorization) = &authorization {
                    request = request.header("authorization", authorization);
                }
                let answer = t.send(request.body(Body::from("{}")).unwrap()).await;
                assert!(matches!(answer.status.as_u16(), 401 | 404), "{} {path} {authorization:?}: {}", route.method, answer.text);
                let kind = answer.body["error_type"].as_str().unwrap_or_default();
                assert!(matches!(kind, "unauthorized_credentials" | "invalid_authorization_header" | "public_token_not_found"), "{path}: {}", answer.text);
            }
        }
    }

    async fn malformed_bodies_are_named_and_change_nothing(t) {
        // Closed to browsers by default; then nothing is read.
        let open = BrowserRules { user_impersonation: true, ..BrowserRules::default() };
        t.set(json!({ "browser": open })).await;
        let project = t.project.project_id.to_string();
        let public_token = t.project.public_token.to_string();
        // The other surfaces have errors of another shape, and tests of their own.
        let has_body = |route: &&Route| matches!(route.method, Method::POST | Method::PUT) && matches!(route.surface, Surface::Backend | Surface::Browser);
        for route in TABLE.iter().filter(has_body) {
            let path = fill(route.path, &project, &public_token);
            let authorization = match route.surface {
                Surface::Backend => basic(&project, &t.project.secret),
                _ => basic(&public_token, &public_token),
            };
            let send = |content_type: &'static str, body: String| {
                let request = Request::builder().method(route.method.clone()).uri(&path)
                    .header("authorization", &authorization).header("content-type", content_type);
                t.send(request.body(Body::from(body)).unwrap())
            };
            for body in ["{", "[]", "\"x\"", "{\"a\":1,}", "\u{0}"] {
                send("application/json", body.to_owned()).await.fails(400, "bad_request");
            }
            send("text/plain", "{}".to_owned()).await.fails(415, "unsupported_media_type");
            let huge = json!({"email_address": "x".repeat(70_000)}).to_string();
            send("application/json", huge).await.fails(413, "request_too_large");
            let deep = format!("{}{}", "{\"a\":".repeat(5_000), "1}");
            send("application/json", deep).await.fails(400, "bad_request");
        }
    }

    /// Every field of the wrong type is a 400, and never a 500.
    async fn wrong_types_never_break_a_handler(t) {
        let acme = t.organization("Acme", json!({})).await;
        let fields = ["organization_id", "email_address", "code", "magic_links_token", "session_token", "session_jwt",
            "session_duration_minutes", "session_custom_claims", "intermediate_session_token", "discovery_magic_links_token",
            "organization_name", "organization_slug", "roles", "limit", "cursor", "query", "organization_ids", "name",
            "trusted_metadata", "email_allowed_domains", "authorization_check", "locale", "pkce_code_challenge",
            "login_expiration_minutes", "mfa_enrolled", "client_id", "client_secret", "client_name", "scopes", "status", "rbac_email_implicit_role_assignments", "allowed_oauth_tenants"];
        let values = [json!(true), json!(-1), json!(1e300), json!([[]]), json!({"a": {"b": []}}), json!(""), json!("\u{0000}"),
            json!("ａｄａ@acme.example"), json!("x\u{200b}y"), json!("organization-live-00000000-0000-4000-8000-000000000000")];
        for route in TABLE.iter().filter(|route| route.method == Method::POST && route.surface == Surface::Backend) {
            let path = fill(route.path, "", "");
            for value in &values {
                for field in fields {
                    let mut body = json!({"organization_id": acme, "email_address": "ada@acme.example", "code": "123456"});
                    body[field] = value.clone();
                    let answer = t.post(&path, body).await;
                    assert!(answer.status.as_u16() < 500, "{path} {field}={value}: {}", answer.text);
                    assert!(answer.status.is_success() || answer.body["error_type"].is_string(), "{path}: {}", answer.text);
                }
            }
        }
    }

    /// Metadata that is built to be expensive, and names that are built to be taken for others.
    async fn bombs_and_disguises_are_refused_and_make_nothing(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        let members = format!("/v1/b2b/organizations/{acme}/members");
        let places = [format!("/v1/b2b/organizations/{acme}"), format!("{members}/{ada}")];
        let nested = |levels: usize| (1..levels).fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) });
        let keys = |count: usize| (0..count).map(|key| (format!("{key}"), json!(null))).collect::<serde_json::Value>();
        for (metadata, expected) in [
            (json!({ "a": nested(33) }), "metadata_invalid_format"),
            (json!({ "a": nested(100) }), "metadata_invalid_format"),
            (json!({ "a": vec![json!({}); 2000] }), "metadata_too_large"),
            (json!({ "a": "\u{1F600}".repeat(1100) }), "metadata_too_large"),
            (json!({ "\n".repeat(2100): 1 }), "metadata_too_large"),
            ((0..21).map(|key| (key.to_string(), json!(0))).collect(), "metadata_too_many_keys"),
            (json!("{}"), "metadata_invalid_format"),
            (json!([[]]), "metadata_invalid_format"),
        ] {
            for place in &places {
                t.put(place, json!({ "trusted_metadata": metadata })).await.fails(400, expected);
            }
            t.put(&places[1], json!({ "untrusted_metadata": metadata })).await.fails(400, expected);
        }
        // Deleting what is not there is no key too many.
        t.put(&places[1], json!({ "untrusted_metadata": keys(1000) })).await.ok();

        for (email, expected) in [
            ("\u{430}da@acme.example", "invalid_email"),
            ("\u{FF41}da@acme.example", "invalid_email"),
            ("ada@acme\u{3002}example", "invalid_email"),
            ("ada@\u{FF41}cme.example", "invalid_email"),
            ("ada@acme.example ", "invalid_email"),
            ("ada@acme.example\r\nBcc: eve@evil.example", "invalid_email"),
            ("\"ada\"@acme.example", "invalid_email"),
            ("ada(comment)@acme.example", "invalid_email"),
            ("ada@[127.0.0.1]", "invalid_email"),
            ("ada@acme", "invalid_email"),
            ("ada@@acme.example", "invalid_email"),
            ("ada\u{200B}@acme.example", "forbidden_character_zero_width_space"),
            ("ada@acme.example\u{2060}", "forbidden_character_zero_width_space"),
            ("\u{202E}ada@acme.example", "forbidden_character_zero_width_space"),
            ("a\u{0}da@acme.example", "invalid_request_value"),
        ] {
            t.post(&members, json!({ "email_address": email })).await.fails(400, expected);
            t.put(&places[1], json!({ "email_address": email })).await.fails(400, expected);
        }
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(190));
        t.post(&members, json!({ "email_address": long })).await.fails(400, "invalid_email");
        // Letters of another script in a domain are another domain, and seen as such.
        let other = t.post(&members, json!({ "email_address": "ada@\u{430}cme.example" })).await.ok();
        assert_eq!(other["member"]["email_address"], "ada@xn--cme-5cd.example");

        for field in ["organization_name", "organization_slug", "organization_external_id", "organization_logo_url"] {
            t.put(&places[0], json!({ field: "ac\u{FEFF}me" })).await.fails(400, "forbidden_character_zero_width_space");
            let long = t.put(&places[0], json!({ field: "x".repeat(9000) })).await;
            assert!(long.status == 400, "{field}: {}", long.text);
        }
        for field in ["name", "external_id"] {
            t.put(&places[1], json!({ field: "A\u{200D}da" })).await.fails(400, "forbidden_character_zero_width_space");
            let long = t.put(&places[1], json!({ field: "x".repeat(9000) })).await;
            assert!(long.status == 400, "{field}: {}", long.text);
        }
        let found = t.post("/v1/b2b/organizations/members/search", json!({ "organization_ids": [acme] })).await.ok();
        assert_eq!(found["results_metadata"]["total"], 2);
    }

    /// a path means one thing, however it is spelled.
    async fn odd_paths_lead_nowhere(t) {
        for path in ["/v1/b2b/organizations/", "//v1/b2b/organizations/search", "/V1/b2b/organizations/search",
            "/v1/b2b/organizations%2Fsearch", "/v1/b2b/./organizations/search", "/v1/b2b/organizations/search;x=1",
            "/v1/b2b/organizations/..%2f..%2fdebug/whoami", "/v1/b2b/sessions/authenticate/"] {
            let answer = t.post(path, json!({})).await;
            assert!(matches!(answer.status.as_u16(), 404 | 405), "{path}: {}", answer.text);
            assert!(answer.body["error_type"].is_string());
        }
    }

    /// messages of concurrent refusals do not mix.
    async fn concurrent_errors_keep_their_own_texts(t) {
        let t = std::sync::Arc::new(t);
        let tasks: Vec<_> = (0..40).map(|index| {
            let t = t.clone();
            tokio::spawn(async move {
                let field = if index % 2 == 0 { "email_address" } else { "organization_id" };
                let mut body = json!({"organization_id": "acme", "email_address": "ada@acme.example"});
                body[field] = json!(index);
                let refused = t.post("/v1/b2b/otps/email/login_or_signup", body).await.fails(400, "bad_request");
                assert!(refused["error_message"].as_str().unwrap().starts_with(field));
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}
