//! The management API: what the key of an operator may do, and that it holds at once.

use crate::harness::{basic, claims};
use crate::on_both_engines;
use crate::operators::{Operator, PROJECTS, TEST};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::AUTHORIZATION;
use ostiary_core::project::KeyScope;
use ostiary_server::ops::management::keys;
use serde_json::{Value, json};
use std::sync::Arc;

on_both_engines! {
    async fn wrong_keys_are_refused_alike(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let (id, secret) = (operator.key.id.as_str(), operator.key.secret.as_str());
        let unknown = "workspace-key-prod-00000000-0000-4000-8000-000000000000";
        let project = (t.project.project_id.to_string(), t.project.secret.clone());
        let mut texts = Vec::new();
        for (id, secret) in [
            (id, "wrong"), (id, ""), (unknown, secret), ("", secret), (&*id.to_uppercase(), secret),
            (id.trim_start_matches("workspace-key-prod-"), secret), (&project.0, &project.1),
        ] {
            let request = Request::get(PROJECTS).header(AUTHORIZATION, basic(id, secret));
            let answer = t.send(request.body(Body::empty()).unwrap()).await;
            texts.push(answer.fails(401, "unauthorized_credentials")["error_message"].clone());
        }
        texts.dedup();
        assert_eq!(texts.len(), 1);
        let none = Request::get(PROJECTS).body(Body::empty()).unwrap();
        t.send(none).await.fails(401, "invalid_authorization_header");
        // The other way round: an operator's key opens no environment.
        let request = Request::get("/v1/debug/whoami").header(AUTHORIZATION, basic(id, secret));
        t.send(request.body(Body::empty()).unwrap()).await.fails(401, "unauthorized_credentials");
        operator.get(PROJECTS).await.ok();
        keys::delete(&t.app, id).await.unwrap();
        operator.get(PROJECTS).await.fails(401, "unauthorized_credentials");
    }

    async fn keys_do_what_their_scopes_say(t) {
        let all = Operator::new(&t, KeyScope::ALL).await;
        all.acme().await;
        let secrets = format!("{TEST}/secrets");
        let reader = Operator::new(&t, &[]).await;
        reader.get(&secrets).await.ok();
        for answer in [
            reader.post(PROJECTS, json!({"name": "Beta"})).await,
            reader.delete(TEST).await,
            reader.post(&secrets, json!({})).await,
            reader.patch(TEST, json!({"user_lock_threshold": 5})).await,
        ] {
            answer.fails(403, "unauthorized_action");
        }
        let settings = Operator::new(&t, &[KeyScope::ManageProjectSettings]).await;
        settings.patch(TEST, json!({"user_lock_threshold": 5})).await.ok();
        settings.post(&secrets, json!({})).await.fails(403, "unauthorized_action");
        let keys = Operator::new(&t, &[KeyScope::ManageApiKeys]).await;
        keys.post(&secrets, json!({})).await.ok();
        keys.patch(TEST, json!({"user_lock_threshold": 6})).await.fails(403, "unauthorized_action");
    }

    async fn projects_and_environments_follow_their_rules(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let made = operator.post(PROJECTS, json!({"name": "Acme Notes"})).await.ok();
        let slug = made["project"]["project_slug"].as_str().unwrap();
        assert!(slug.starts_with("acme-notes-"), "{slug}");
        operator.acme().await;
        let environments = format!("{PROJECTS}/acme/environments");
        operator.post(PROJECTS, json!({"name": "Other", "project_slug": "acme"})).await.fails(400, "invalid_argument");
        operator.post(PROJECTS, json!({"name": "Other", "project_slug": "a/b"})).await.fails(400, "invalid_argument");
        operator.post(PROJECTS, json!({"name": " "})).await.fails(400, "invalid_project_name");
        operator.post(PROJECTS, json!({})).await.fails(400, "bad_request");
        operator.post(PROJECTS, json!({"name": "Other", "vertical": "ALL"})).await.fails(400, "invalid_argument");
        for new in [
            json!({"name": "Second", "type": "LIVE"}),
            json!({"name": "Same", "type": "TEST", "environment_slug": "test"}),
            json!({"name": "Same", "type": "STAGING"}),
            json!({"name": "Same", "type": "TEST", "environment_slug": ".."}),
        ] {
            operator.post(&environments, new).await.fails(400, "invalid_argument");
        }
        let lonely = format!("{PROJECTS}/{slug}/environments");
        operator.post(&lonely, json!({"name": "Test", "type": "TEST"})).await.fails(400, "invalid_argument");
        for path in [format!("{PROJECTS}/nobody"), format!("{environments}/nobody"), format!("{PROJECTS}/nobody/environments")] {
            operator.get(&path).await.fails(404, "project_not_found");
        }
        operator.patch(&format!("{PROJECTS}/nobody"), json!({"name": "X"})).await.fails(404, "project_not_found");

        let renamed = operator.patch(&format!("{PROJECTS}/acme"), json!({"name": "Acme 2"})).await.ok();
        assert_eq!(renamed["project"]["name"], "Acme 2");
        let environment = operator.get(TEST).await.ok()["environment"].take();
        let project_id = environment["project_id"].as_str().unwrap().to_owned();
        assert!(project_id.starts_with("project-test-"));
        assert_eq!(t.app.projects.by_id_text(&project_id).unwrap().environment.name, "Acme 2");
        assert_eq!(operator.get(&format!("{environments}/production")).await.ok()["environment"]["type"], "LIVE");
        let old = operator.get(&format!("/web/v1/projects/{project_id}")).await.ok();
        assert_eq!(old["project"]["test_project_id"], project_id.as_str());
        assert_eq!(operator.get("/web/v1/projects").await.ok()["projects"].as_array().unwrap().len(), 3);

        operator.delete(&format!("{environments}/production")).await.fails(400, "invalid_argument");
        operator.delete(TEST).await.ok();
        operator.delete(TEST).await.fails(404, "project_not_found");
        assert!(t.app.projects.by_id_text(&project_id).is_none());
        operator.delete(&format!("{PROJECTS}/acme")).await.ok();
        operator.delete(&format!("{PROJECTS}/acme")).await.fails(404, "project_not_found");
        t.get("/v1/debug/whoami").await.ok();
    }

    /// Numbers of environments are never given twice, so that nothing that is remembered of one meets another.
    async fn a_deleted_environment_has_no_heir(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let number = |id: &Value| t.app.projects.by_id_text(id.as_str().unwrap()).unwrap().scope().env;
        let before = number(&operator.get(TEST).await.ok()["environment"]["project_id"]);
        operator.delete(TEST).await.ok();
        let new = json!({"name": "Test", "type": "TEST", "environment_slug": "test"});
        let made = operator.post(&format!("{PROJECTS}/acme/environments"), new).await.ok();
        assert!(number(&made["environment"]["project_id"]) > before);
    }

    async fn environment_settings_change_field_by_field(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let before = operator.get(TEST).await.ok()["environment"].take();
        assert_eq!((before["user_lock_threshold"].as_i64(), before["user_lock_ttl"].as_i64()), (Some(10), Some(3600)));
        let changed = operator.patch(TEST, json!({"user_lock_threshold": 3, "idp_authorization_url": "https://app.example/consent"})).await.ok();
        let mut expected = before.clone();
        expected["user_lock_threshold"] = json!(3);
        expected["idp_authorization_url"] = json!("https://app.example/consent");
        assert_eq!(changed["environment"], expected);
        assert_eq!(operator.get(TEST).await.ok()["environment"], expected);
        for (change, error) in [
            (json!({"user_lock_threshold": 0}), "invalid_user_lock_threshold"),
            (json!({"user_lock_threshold": 101}), "invalid_user_lock_threshold"),
            (json!({"user_lock_ttl": 299}), "invalid_user_lock_ttl"),
            (json!({"user_lock_ttl": 604_801}), "invalid_user_lock_ttl"),
            (json!({"user_lock_ttl": "1h"}), "bad_request"),
            (json!({"name": ""}), "invalid_project_name"),
            (json!({"idp_authorization_url": "javascript:alert(1)"}), "invalid_argument"),
            (json!({"zero_downtime_session_migration_url": "https://u:p@x.example"}), "invalid_argument"),
            (json!({"idp_dynamic_client_registration_access_token_template_content": "{\"a\": {{ b"}), "jwt_template_mismatched_tag"),
        ] {
            operator.patch(TEST, change).await.fails(400, error);
        }
        assert_eq!(operator.get(TEST).await.ok()["environment"], expected);
    }

    async fn secrets_open_and_close_at_once(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let secrets = format!("{TEST}/secrets");
        let project_id = operator.get(TEST).await.ok()["environment"]["project_id"].as_str().unwrap().to_owned();
        let made = operator.post(&secrets, json!({})).await.ok()["secret"].take();
        let whoami = |secret: &Value| {
            let header = basic(&project_id, secret.as_str().unwrap());
            Request::get("/v1/debug/whoami").header(AUTHORIZATION, header).body(Body::empty()).unwrap()
        };
        t.send(whoami(&made["secret"])).await.ok();
        let path = format!("{secrets}/{}", made["secret_id"].as_str().unwrap());
        let masked = operator.get(&path).await.ok()["secret"].take();
        assert!(made["secret"].as_str().unwrap().ends_with(masked["last_four"].as_str().unwrap()));
        assert_eq!(masked["created_at"], made["created_at"]);
        assert_eq!((masked.get("secret"), &masked["used_at"]), (None, &Value::Null));
        assert_eq!(operator.get(&secrets).await.ok()["secrets"], json!([masked]));
        operator.delete(&path).await.ok();
        t.send(whoami(&made["secret"])).await.fails(401, "unauthorized_credentials");
        operator.delete(&path).await.fails(404, "secret_not_found");
        operator.get(&path).await.fails(404, "secret_not_found");
        operator.get(&format!("{secrets}/nonsense")).await.fails(400, "invalid_secret_id");
        for _ in 0..20 {
            operator.post(&secrets, json!({})).await.ok();
        }
        operator.post(&secrets, json!({})).await.fails(400, "too_many_secrets");
    }

    async fn the_last_public_token_stays(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let tokens = format!("{TEST}/public_tokens");
        let first = operator.get(&tokens).await.ok()["public_tokens"][0].take();
        let path = |token: &Value| format!("{tokens}/{}", token["public_token"].as_str().unwrap());
        operator.delete(&path(&first)).await.fails(400, "unable_to_delete_last_public_token");
        let second = operator.post(&tokens, json!({})).await.ok()["public_token"].take();
        assert_eq!(operator.get(&path(&second)).await.ok()["public_token"], second);
        operator.delete(&path(&first)).await.ok();
        operator.delete(&path(&first)).await.fails(404, "public_token_not_found");
        operator.get(&path(&first)).await.fails(404, "public_token_not_found");
        operator.get(&format!("{tokens}/nonsense")).await.fails(404, "public_token_not_found");
        for _ in 0..19 {
            operator.post(&tokens, json!({})).await.ok();
        }
        operator.post(&tokens, json!({})).await.fails(400, "too_many_public_tokens");
    }

    async fn redirect_urls_are_a_set_with_defaults(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let urls = format!("{TEST}/redirect_urls");
        let login = |is_default: bool| json!([{"type": "LOGIN", "is_default": is_default}]);
        let first = json!({"url": "https://a.example/?next=1", "valid_types": login(false)});
        let made = operator.post(&urls, first).await.ok()["redirect_url"].take();
        assert_eq!(made["valid_types"], login(true));
        let merged = json!({"url": "https://a.example/?next=1", "valid_types": [{"type": "SIGNUP", "is_default": false}], "do_not_promote_defaults": true});
        let merged = operator.post(&urls, merged).await.ok()["redirect_url"].take();
        assert_eq!(merged["valid_types"], json!([{"type": "LOGIN", "is_default": true}, {"type": "SIGNUP", "is_default": false}]));
        operator.post(&urls, json!({"url": "https://b.example", "valid_types": login(true)})).await.ok();
        let one = format!("{urls}?url=https%3A%2F%2Fa.example%2F%3Fnext%3D1");
        assert_eq!(operator.get(&one).await.ok()["redirect_url"]["valid_types"][0]["is_default"], false);
        let replaced = operator.put(&one, json!({"valid_types": login(false)})).await.ok()["redirect_url"].take();
        assert_eq!(replaced["valid_types"], login(false));
        assert_eq!(operator.get(&format!("{urls}/all")).await.ok()["redirect_urls"].as_array().unwrap().len(), 2);
        operator.delete(&format!("{urls}?url=https://b.example")).await.ok();
        assert_eq!(operator.get(&one).await.ok()["redirect_url"]["valid_types"], login(true));
        operator.delete(&format!("{one}&do_not_promote_defaults=True")).await.ok();
        for answer in [
            operator.get(&one).await, operator.delete(&one).await, operator.put(&one, json!({"valid_types": login(false)})).await,
        ] {
            answer.fails(404, "redirect_url_not_found");
        }
        for (body, error) in [
            (json!({"url": "not a url", "valid_types": login(false)}), "invalid_login_redirect_url"),
            (json!({"url": "javascript:alert(1)", "valid_types": login(false)}), "redirect_url_cannot_use_protocol"),
            (json!({"url": "https://*.example.com", "valid_types": login(true)}), "redirect_url_with_wildcard_cannot_be_default"),
            (json!({"url": "https://a.example", "valid_types": [{"type": "LOGOUT"}]}), "invalid_redirect_url_type"),
            (json!({"url": "https://a.example", "valid_types": []}), "bad_request"),
            (json!({"valid_types": login(false)}), "bad_request"),
        ] {
            operator.post(&urls, body).await.fails(400, error);
        }
    }

    async fn documents_are_read_back_as_they_were_set(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let passwords = format!("{TEST}/password_strength_config");
        let luds = json!({"check_breach_on_creation": true, "check_breach_on_authentication": false, "validate_on_authentication": true,
            "validation_policy": "LUDS", "luds_min_password_length": 12, "luds_min_password_complexity": 4});
        assert_eq!(operator.put(&passwords, luds.clone()).await.ok()["password_strength_config"], luds);
        assert_eq!(operator.get(&passwords).await.ok()["password_strength_config"], luds);
        let zxcvbn = operator.put(&passwords, json!({"validation_policy": "ZXCVBN", "check_breach_on_creation": false})).await.ok();
        assert_eq!(zxcvbn["password_strength_config"]["luds_min_password_length"], Value::Null);
        operator.put(&passwords, json!({"validation_policy": "LUDS", "luds_min_password_length": 7})).await.fails(400, "invalid_password_strength_luds_length");
        operator.put(&passwords, json!({"validation_policy": "LUDS", "luds_min_password_complexity": 5})).await.fails(400, "invalid_password_strength_luds_complexity");
        operator.put(&passwords, json!({"validation_policy": "NONE"})).await.fails(400, "invalid_argument");

        let session = format!("{TEST}/jwt_templates/SESSION");
        assert_eq!(operator.get(&session).await.ok()["jwt_template"]["template_content"], "{}");
        let template = json!({"template_content": "{ \"plan\" :\n {{ organization.trusted_metadata.plan }} }", "custom_audience": "acme"});
        operator.put(&session, template.clone()).await.ok();
        let read = operator.get(&session).await.ok()["jwt_template"].take();
        assert_eq!((&read["template_content"], &read["custom_audience"]), (&template["template_content"], &json!("acme")));
        for (content, error) in [("{", "jwt_template_invalid_json"), ("[]", "jwt_template_invalid_json"), ("{\"a\": {{ member.name }", "jwt_template_mismatched_tag")] {
            operator.put(&session, json!({"template_content": content, "custom_audience": ""})).await.fails(400, error);
        }
        operator.put(&session, json!({})).await.fails(400, "jwt_template_invalid_json");
        operator.get(&format!("{TEST}/jwt_templates/OTHER")).await.fails(404, "jwt_template_not_found");

        let sms = format!("{TEST}/allowed_country_codes/sms");
        assert_eq!(operator.get(&sms).await.ok()["country_codes"], json!(["CA", "US"]));
        assert_eq!(operator.post(&sms, json!({"country_codes": ["US", "DE"]})).await.ok()["country_codes"], json!(["DE", "US"]));
        operator.post(&sms, json!({"country_codes": []})).await.fails(400, "country_code_allowlist_empty");
        operator.post(&sms, json!({"country_codes": ["us"]})).await.fails(400, "country_code_allowlist_invalid_country_codes");
        operator.get(&format!("{TEST}/allowed_country_codes/whatsapp")).await.fails(400, "country_code_allowlist_b2b_whatsapp_not_supported");

        let counts = operator.get(&format!("{TEST}/metrics")).await.ok()["metrics"].take();
        assert_eq!(counts, json!({"user_count": 0, "organization_count": 0, "member_count": 0, "m2m_client_count": 0}));
    }

    /// What the session itself was given stands before what the template says.
    async fn session_tokens_have_the_claims_of_the_template(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let slug = operator.get(PROJECTS).await.ok()["projects"][0]["project_slug"].as_str().unwrap().to_owned();
        let path = format!("{PROJECTS}/{slug}/environments/test/jwt_templates/SESSION");
        let acme = t.organization("Acme", json!({"trusted_metadata": {"plan": "pro"}})).await;
        t.member(&acme, "ada@acme.example", json!({"trusted_metadata": {"level": 3}})).await;
        let content = r#"{"plan": {{ organization.trusted_metadata.plan }}, "roles": {{ member.rbac.roles }},
            "level": {{ member.trusted_metadata.level }}, "gone": {{ member.trusted_metadata.gone }}, "kind": "template"}"#;
        operator.put(&path, json!({"template_content": content, "custom_audience": "acme"})).await.ok();
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let token = claims(login["session_jwt"].as_str().unwrap());
        assert_eq!((&token["plan"], &token["level"], &token["kind"]), (&json!("pro"), &json!(3), &json!("template")));
        assert_eq!((&token["roles"], token.get("gone")), (&json!(["stytch_member"]), None));
        assert_eq!(token["aud"], json!([t.project.project_id, "acme"]));
        let own = json!({"session_token": login["session_token"], "session_custom_claims": {"kind": "own"}});
        let renewed = t.post("/v1/b2b/sessions/authenticate", own).await.ok();
        let token = claims(renewed["session_jwt"].as_str().unwrap());
        assert_eq!((&token["kind"], &token["plan"]), (&json!("own"), &json!("pro")));
        let reserved = json!({"template_content": r#"{"aud": "x"}"#, "custom_audience": ""});
        operator.put(&path, reserved).await.fails(400, "reserved_claims_in_custom_claims");
    }

    async fn the_policy_is_replaced_whole(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        let path = format!("{TEST}/rbac_policy");
        let empty = operator.get(&path).await.ok()["policy"].take();
        assert_eq!((&empty["stytch_member"], &empty["stytch_user"]), (&json!({"permissions": []}), &Value::Null));
        assert!(empty["stytch_resources"].as_array().unwrap().iter().all(|resource| resource["available_actions"].is_array()));
        let policy = json!({
            "stytch_member": {"permissions": [{"resource_id": "notes", "actions": ["read"]}]},
            "custom_roles": [{"role_id": "writer", "description": "Writes", "permissions": [{"resource_id": "notes", "actions": ["*"]}]}],
            "custom_resources": [{"resource_id": "notes", "description": "", "available_actions": ["write", "read"]}],
            "custom_scopes": [],
        });
        let set = operator.put(&path, policy.clone()).await.ok()["policy"].take();
        for (part, value) in policy.as_object().unwrap() {
            assert_eq!(&set[part], value, "{part}");
        }
        assert_eq!(operator.get(&path).await.ok()["policy"], set);
        operator.put(&path, json!({"stytch_user": {"permissions": []}})).await.fails(400, "invalid_role_for_vertical");
        operator.put(&path, json!({"custom_roles": [{"role_id": "x", "description": "", "permissions": [{"resource_id": "ghost", "actions": ["read"]}]}]})).await.fails(400, "invalid_permission_resource");
        assert_eq!(operator.get(&path).await.ok()["policy"], set);
    }

    async fn what_the_sdk_configuration_closes_is_closed_to_browsers(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let slug = operator.get(PROJECTS).await.ok()["projects"][0]["project_slug"].as_str().unwrap().to_owned();
        let path = format!("{PROJECTS}/{slug}/environments/test/sdk/b2b");
        let before = operator.get(&path).await.ok()["config"].take();
        let discover = json!({"email_address": "ada@acme.example"});
        let send = "/sdk/v1/b2b/otps/email/discovery/send";
        t.browser().post(send, discover.clone()).await.data();
        operator.put(&path, json!({"config": {"otps": {"sms_enabled": true}}})).await.ok();
        t.browser().post(send, discover.clone()).await.fails(401, "endpoint_not_authorized_for_sdk");
        // The server API is not concerned.
        t.post("/v1/b2b/otps/email/discovery/send", discover.clone()).await.ok();
        let restored = operator.put(&path, json!({"config": before})).await.ok()["config"].take();
        assert_eq!(restored, before);
        t.browser().post(send, discover).await.data();
        for (config, error) in [
            (json!({"sessions": {"max_session_duration_minutes": 4}}), "invalid_session_duration_minutes"),
            (json!({"basic": {"enabled": true, "domains": [{"domain": "app.example"}]}}), "invalid_argument"),
            (json!({"basic": {"enabled": true, "domains": [{"domain": "https://app.example", "slug_pattern": "https://x.example"}]}}), "invalid_argument"),
            (json!({"cookies": {"http_only": "SOMETIMES"}}), "bad_request"),
            (json!({"basic": 1}), "bad_request"),
        ] {
            operator.put(&path, json!({"config": config})).await.fails(400, error);
        }
        assert_eq!(operator.get(&path).await.ok()["config"], before);
        operator.get(&path.replace("/b2b", "/consumer")).await.fails(400, "bad_vertical_for_stytch_sdk");
    }

    async fn consumer_projects_can_be_configured_and_nothing_else(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.post(PROJECTS, json!({"name": "Shop", "vertical": "CONSUMER", "project_slug": "shop"})).await.ok();
        let live = format!("{PROJECTS}/shop/environments/live");
        let new = json!({"name": "Live", "type": "LIVE", "environment_slug": "live"});
        let made = operator.post(&format!("{PROJECTS}/shop/environments"), new).await.ok();
        let config = json!({"webauthn": {"enabled": true, "create_webauthns": false}});
        operator.put(&format!("{live}/sdk/consumer"), json!({"config": config})).await.ok();
        assert_eq!(operator.get(&format!("{live}/sdk/consumer")).await.ok()["config"], config);
        operator.get(&format!("{live}/sdk/b2b")).await.fails(400, "bad_vertical_for_stytch_sdk");
        operator.put(&format!("{live}/rbac_policy"), json!({"stytch_member": {"permissions": []}})).await.fails(400, "invalid_role_for_vertical");
        let secret = operator.post(&format!("{live}/secrets"), json!({})).await.ok()["secret"]["secret"].take();
        let header = basic(made["environment"]["project_id"].as_str().unwrap(), secret.as_str().unwrap());
        let request = Request::get("/v1/debug/whoami").header(AUTHORIZATION, header).body(Body::empty()).unwrap();
        t.send(request).await.fails(400, "invalid_b2b_endpoint");
    }

    /// Two operators who change different settings of an environment at the same time both have their way.
    async fn no_change_of_another_operator_is_lost(t) {
        let t = Arc::new(t);
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        for threshold in 11..21 {
            let config = json!({"config": {"sessions": {"max_session_duration_minutes": threshold * 10}}});
            let sdk = format!("{TEST}/sdk/b2b");
            let codes = json!({"country_codes": ["US", if threshold % 2 == 0 { "DE" } else { "FR" }]});
            let sms = format!("{TEST}/allowed_country_codes/sms");
            let policy = json!({"custom_resources": [{"resource_id": format!("r{threshold}"), "description": "", "available_actions": ["read"]}]});
            let rbac = format!("{TEST}/rbac_policy");
            let (first, second, third, fourth) = tokio::join!(
                operator.patch(TEST, json!({"user_lock_threshold": threshold})),
                operator.put(&sdk, config.clone()),
                operator.post(&sms, codes.clone()),
                operator.put(&rbac, policy.clone()),
            );
            for answer in [first, second, third, fourth] {
                answer.ok();
            }
            assert_eq!(operator.get(TEST).await.ok()["environment"]["user_lock_threshold"], threshold);
            assert_eq!(operator.get(&sdk).await.ok()["config"]["sessions"], config["config"]["sessions"]);
            assert!(operator.get(&sms).await.ok()["country_codes"].as_array().unwrap().contains(&codes["country_codes"][1]));
            assert_eq!(operator.get(&rbac).await.ok()["policy"]["custom_resources"], policy["custom_resources"]);
        }
    }

    /// What one node was told holds on another with its next look at the versions, which is every second.
    async fn settings_reach_other_nodes(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        let operator = Operator::new(&t, KeyScope::ALL).await;
        operator.acme().await;
        operator.patch(TEST, json!({"user_lock_threshold": 7})).await.ok();
        second.app.refresh_projects().await.unwrap();
        let project_id = operator.get(TEST).await.ok()["environment"]["project_id"].as_str().unwrap().to_owned();
        let seen = || second.app.projects.by_id_text(&project_id).map(|project| project.environment.settings.lock.threshold);
        assert_eq!(seen(), Some(7));
        operator.delete(TEST).await.ok();
        second.app.refresh_projects().await.unwrap();
        assert_eq!(seen(), None);
    }
}
