//! Organizations: their life, every rule about their fields, and who may change which.

use crate::callers::{
    Session, another_project, backend, backend_as, backend_of, browser, browser_as, is_alive, keys,
    set_roles, signed_in, text,
};
use crate::harness::Server;
use crate::on_both_engines;
use ostiary_core::ids::EnvironmentKind;
use serde_json::{Value, json};

const CREATE: &str = "/v1/b2b/organizations";

fn path(organization: &str) -> String {
    format!("{CREATE}/{organization}")
}

on_both_engines! {
    async fn an_organization_is_created_read_changed_and_deleted(t) {
        let body = json!({ "organization_name": "Acme Corp", "trusted_metadata": { "plan": "pro" } });
        let created = backend(&t).post(CREATE, body).await.ok()["organization"].clone();
        let id = text(&created["organization_id"]);
        assert!(id.starts_with("organization-test-"), "{id}");
        assert_eq!(created["organization_slug"], "acme-corp");
        assert_eq!(created["trusted_metadata"], json!({ "plan": "pro" }));
        assert_eq!(backend(&t).get(&path(&id)).await.ok()["organization"], created);

        let logo = "https://acme.example/logo.png";
        let change = json!({ "organization_logo_url": logo, "mfa_policy": "REQUIRED_FOR_ALL" });
        let changed = backend(&t).put(&path(&id), change).await.ok()["organization"].clone();
        assert_eq!(changed["mfa_policy"], "REQUIRED_FOR_ALL");
        assert_eq!(changed["organization_name"], "Acme Corp", "what is not given stays");
        assert_eq!(backend(&t).get(&path(&id)).await.ok()["organization"], changed);

        assert_eq!(backend(&t).delete(&path(&id)).await.ok()["organization_id"], json!(id));
        backend(&t).get(&path(&id)).await.fails(404, "organization_not_found");
        backend(&t).delete(&path(&id)).await.fails(404, "organization_not_found");
    }

    async fn a_new_organization_has_every_field_of_the_contract(t) {
        let answer = backend(&t).post(CREATE, json!({ "organization_name": "Acme" })).await.ok();
        assert_eq!(keys(&answer), ["organization", "request_id", "status_code"]);
        let organization = &answer["organization"];
        for (field, expected) in [
            ("organization_logo_url", json!("")),
            ("organization_external_id", json!(null)),
            ("trusted_metadata", json!({})),
            ("email_invites", json!("ALL_ALLOWED")),
            ("email_jit_provisioning", json!("NOT_ALLOWED")),
            ("email_allowed_domains", json!([])),
            ("sso_jit_provisioning", json!("ALL_ALLOWED")),
            ("sso_jit_provisioning_allowed_connections", json!([])),
            ("sso_default_connection_id", json!(null)),
            ("sso_active_connections", json!([])),
            ("scim_active_connection", json!(null)),
            ("oauth_tenant_jit_provisioning", json!("NOT_ALLOWED")),
            ("allowed_oauth_tenants", json!({})),
            ("auth_methods", json!("ALL_ALLOWED")),
            ("allowed_auth_methods", json!([])),
            ("mfa_policy", json!("OPTIONAL")),
            ("mfa_methods", json!("ALL_ALLOWED")),
            ("allowed_mfa_methods", json!([])),
            ("rbac_email_implicit_role_assignments", json!([])),
            ("claimed_email_domains", json!([])),
            ("first_party_connected_apps_allowed_type", json!("ALL_ALLOWED")),
            ("third_party_connected_apps_allowed_type", json!("ALL_ALLOWED")),
            ("custom_roles", json!([])),
        ] {
            assert_eq!(organization[field], expected, "{field}");
        }
    }

    async fn naming_one_setting_about_access_closes_invitations(t) {
        let body = json!({ "organization_name": "Acme", "auth_methods": "ALL_ALLOWED" });
        let organization = backend(&t).post(CREATE, body).await.ok()["organization"].clone();
        assert_eq!(organization["email_invites"], "NOT_ALLOWED");
    }

    async fn every_broken_rule_has_its_error_and_changes_nothing(t) {
        let id = t.organization("Acme", json!({})).await;
        let before = backend(&t).get(&path(&id)).await.ok()["organization"].clone();
        let many_domains: Vec<_> = (0..101).map(|number| format!("d{number}.example")).collect();
        let assign = |domain: &str, role: &str| {
            json!({ "rbac_email_implicit_role_assignments": [{ "domain": domain, "role_id": role }] })
        };
        let keys_of_metadata = |count| (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<Value>();
        for (body, expected) in [
            (json!({ "organization_name": "" }), "organization_name_missing"),
            (json!({ "organization_name": "   " }), "organization_name_missing"),
            (json!({ "organization_name": "a".repeat(129) }), "invalid_organization_name"),
            (json!({ "organization_name": "a\nb" }), "invalid_organization_name"),
            (json!({ "organization_name": 1 }), "bad_request"),
            (json!({ "organization_name": "a\u{200B}b" }), "forbidden_character_zero_width_space"),
            (json!({ "organization_slug": "a" }), "invalid_organization_slug"),
            (json!({ "organization_slug": "a b" }), "invalid_organization_slug"),
            (json!({ "organization_slug": "a".repeat(129) }), "invalid_organization_slug"),
            (json!({ "organization_logo_url": "ftp://acme.example" }), "invalid_organization_logo_url"),
            (json!({ "organization_logo_url": "javascript:alert(1)" }), "invalid_organization_logo_url"),
            (
                json!({ "organization_logo_url": format!("https://a.example/{}", "a".repeat(2048)) }),
                "organization_logo_url_too_long",
            ),
            (json!({ "organization_external_id": "a b" }), "invalid_organization_external_id"),
            (json!({ "organization_external_id": id }), "invalid_organization_external_id"),
            (json!({ "trusted_metadata": [] }), "metadata_invalid_format"),
            (json!({ "trusted_metadata": keys_of_metadata(21) }), "metadata_too_many_keys"),
            (json!({ "trusted_metadata": { "a": "x".repeat(4096) } }), "metadata_too_large"),
            (json!({ "email_invites": "SOME" }), "invalid_organization_auth_factor_setting"),
            (json!({ "sso_jit_provisioning": "all_allowed" }), "invalid_organization_auth_factor_setting"),
            (
                json!({ "email_jit_provisioning": "ALL_ALLOWED" }),
                "invalid_organization_auth_factor_setting_for_email_jit_provisioning",
            ),
            (
                json!({ "oauth_tenant_jit_provisioning": "ALL_ALLOWED" }),
                "invalid_organization_auth_factor_setting_for_oauth_tenant_jit_provisioning",
            ),
            (json!({ "auth_methods": "NOT_ALLOWED" }), "invalid_organization_auth_method_settings"),
            (json!({ "mfa_policy": "ALWAYS" }), "invalid_organization_mfa_policy"),
            (json!({ "mfa_methods": "NOT_ALLOWED" }), "invalid_organization_mfa_factor_setting"),
            (json!({ "allowed_auth_methods": ["carrier_pigeon"] }), "invalid_organization_allowed_auth_methods"),
            (json!({ "allowed_mfa_methods": ["magic_link"] }), "invalid_organization_allowed_mfa_methods"),
            (json!({ "allowed_auth_methods": "sso" }), "bad_request"),
            (json!({ "auth_methods": "RESTRICTED" }), "allowed_auth_methods_required_for_restricted"),
            (json!({ "mfa_methods": "RESTRICTED" }), "allowed_mfa_methods_required_for_restricted"),
            (json!({ "email_invites": "RESTRICTED" }), "invalid_restricted_email_setting"),
            (json!({ "email_jit_provisioning": "RESTRICTED" }), "invalid_restricted_email_setting"),
            (json!({ "sso_jit_provisioning": "RESTRICTED" }), "invalid_restricted_sso_setting"),
            (json!({ "oauth_tenant_jit_provisioning": "RESTRICTED" }), "invalid_restricted_oauth_tenants_setting"),
            (json!({ "allowed_oauth_tenants": [] }), "invalid_oauth_allowed_tenants_format"),
            (json!({ "allowed_oauth_tenants": { "myspace": ["1"] } }), "invalid_oauth_allowed_tenants_format"),
            (json!({ "allowed_oauth_tenants": { "slack": "T1" } }), "invalid_oauth_allowed_tenants_format"),
            (json!({ "email_allowed_domains": ["gmail.com"] }), "organization_settings_domain_too_common"),
            (json!({ "email_allowed_domains": ["mailinator.com"] }), "organization_settings_disposable_domain"),
            (json!({ "email_allowed_domains": ["not a domain"] }), "organization_settings_invalid_domain"),
            (
                json!({ "email_allowed_domains": ["acme.example", "ACME.example"] }),
                "organization_settings_duplicate_domain",
            ),
            (json!({ "email_allowed_domains": many_domains }), "too_many_domains"),
            (json!({ "claimed_email_domains": ["yahoo.co.uk"] }), "organization_settings_claimed_domain_too_common"),
            (json!({ "claimed_email_domains": ["localhost"] }), "organization_settings_invalid_claimed_domain"),
            (
                json!({ "claimed_email_domains": ["a.example", "a.example"] }),
                "organization_settings_duplicate_claimed_domain",
            ),
            (assign("gmail.com", "stytch_admin"), "rbac_domain_too_common"),
            (assign("x", "stytch_admin"), "rbac_invalid_domain"),
            (assign("a.example", "ghost"), "invalid_rbac_role_assignment"),
            (assign("a.example", "stytch_member"), "cannot_assign_default_rbac_role_id"),
            (json!({ "rbac_email_implicit_role_assignments": [{ "domain": "a.example" }] }), "bad_request"),
            (json!({ "rbac_email_implicit_role_assignments": ["a.example"] }), "bad_request"),
            (
                json!({ "first_party_connected_apps_allowed_type": "MAYBE" }),
                "invalid_organization_connected_apps_setting",
            ),
            (
                json!({ "third_party_connected_apps_allowed_type": "MAYBE" }),
                "invalid_organization_connected_apps_setting",
            ),
        ] {
            backend(&t).put(&path(&id), body.clone()).await.fails(400, expected);
            let mut creation = body;
            if creation.get("organization_name").is_none() {
                creation["organization_name"] = "Globex".into();
            }
            backend(&t).post(CREATE, creation).await.fails(400, expected);
        }
        let unknown = json!({ "sso_default_connection_id": "saml-connection-test-1" });
        backend(&t).put(&path(&id), unknown).await.fails(400, "invalid_sso_default_connection_id");
        backend(&t).post(CREATE, json!({})).await.fails(400, "organization_name_missing");

        assert_eq!(backend(&t).get(&path(&id)).await.ok()["organization"], before);
        let all = backend(&t).post("/v1/b2b/organizations/search", json!({})).await.ok();
        assert_eq!(all["results_metadata"]["total"], 1, "nothing was created");
    }

    async fn restrictions_and_what_they_restrict_to_come_together(t) {
        let id = t.organization("Acme", json!({})).await;
        let restrict = json!({
            "auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link", "email_otp", "magic_link"],
            "email_invites": "RESTRICTED", "email_jit_provisioning": "RESTRICTED",
            "email_allowed_domains": ["ACME.example"],
        });
        let organization = backend(&t).put(&path(&id), restrict).await.ok()["organization"].clone();
        assert_eq!(organization["allowed_auth_methods"], json!(["magic_link", "email_otp"]));
        assert_eq!(organization["email_allowed_domains"], json!(["acme.example"]));
        let empty = |field: &str| json!({ field: [] });
        let emptied = backend(&t).put(&path(&id), empty("allowed_auth_methods")).await;
        emptied.fails(400, "allowed_auth_methods_required_for_restricted");
        let emptied = backend(&t).put(&path(&id), empty("email_allowed_domains")).await;
        emptied.fails(400, "invalid_restricted_email_setting");
    }

    async fn metadata_is_merged_at_the_top_and_null_deletes(t) {
        let id = t.organization("Acme", json!({})).await;
        let put = async |metadata: Value| {
            let body = json!({ "trusted_metadata": metadata });
            backend(&t).put(&path(&id), body).await.ok()["organization"]["trusted_metadata"].clone()
        };
        put(json!({ "plan": "pro", "limits": { "seats": 5, "rooms": 1 } })).await;
        let merged = put(json!({ "plan": null, "limits": { "seats": 9 } })).await;
        assert_eq!(merged, json!({ "limits": { "seats": 9 } }));
    }

    async fn an_organization_is_found_by_id_slug_and_external_id(t) {
        let body = json!({
            "organization_name": "Acme", "organization_slug": "Acme", "organization_external_id": "crm|42",
        });
        let id = text(&backend(&t).post(CREATE, body).await.ok()["organization"]["organization_id"]);
        for identifier in [id.as_str(), "Acme", "acme", "crm%7C42"] {
            let found = backend(&t).get(&path(identifier)).await.ok();
            assert_eq!(found["organization"]["organization_id"], json!(id), "{identifier}");
        }
        let cleared = backend(&t).delete(&format!("{}/external_id", path("acme"))).await.ok();
        assert_eq!(cleared["organization"]["organization_external_id"], json!(null));
        backend(&t).get(&path("crm%7C42")).await.fails(404, "organization_not_found");
        backend(&t).delete(&format!("{}/external_id", path("acme"))).await.ok();
    }

    async fn slugs_external_ids_and_claimed_domains_have_one_owner(t) {
        let acme = json!({ "organization_name": "Acme", "organization_slug": "acme",
            "organization_external_id": "crm-1", "claimed_email_domains": ["acme.example"] });
        backend(&t).post(CREATE, acme).await.ok();
        let globex = t.organization("Globex", json!({})).await;
        for (body, expected) in [
            (json!({ "organization_slug": "ACME" }), "organization_slug_already_used"),
            (json!({ "organization_external_id": "crm-1" }), "organization_external_id_already_used"),
            (json!({ "claimed_email_domains": ["Acme.example"] }), "organization_settings_duplicate_claimed_domain"),
        ] {
            backend(&t).put(&path(&globex), body.clone()).await.fails(400, expected);
            let mut creation = body;
            creation["organization_name"] = "Initech".into();
            backend(&t).post(CREATE, creation).await.fails(400, expected);
        }
    }

    async fn a_derived_slug_steps_aside_where_a_given_one_is_refused(t) {
        let create = async || backend(&t).post(CREATE, json!({ "organization_name": "Acme" })).await.ok();
        let first = text(&create().await["organization"]["organization_slug"]);
        let second = text(&create().await["organization"]["organization_slug"]);
        assert_eq!(first, "acme");
        assert!(second.starts_with("acme-") && second.len() == "acme-".len() + 8, "{second}");
    }

    async fn of_creations_of_one_slug_at_once_one_wins(t) {
        let create = |n: u32| {
            let body = json!({ "organization_name": format!("Acme {n}"), "organization_slug": "acme" });
            let t = &t;
            async move { post(t, body).await }
        };
        let answers = futures_util::future::join_all((0..8).map(create)).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1);
        for (status, kind) in answers.iter().filter(|(status, _)| *status != 200) {
            assert_eq!((*status, kind.as_str()), (400, "organization_slug_already_used"));
        }
    }
}

async fn post(t: &Server, body: Value) -> (u16, String) {
    let answer = backend(t).post(CREATE, body).await;
    (answer.status.as_u16(), answer.body["error_type"].as_str().unwrap_or_default().to_owned())
}

on_both_engines! {
    async fn changes_at_once_lose_nothing(t) {
        let id = t.organization("Acme", json!({})).await;
        let change = |n: u32| {
            let body = json!({ "trusted_metadata": { format!("key{n}"): n } });
            let (t, id) = (&t, &id);
            async move { backend(t).put(&path(id), body).await.ok() }
        };
        futures_util::future::join_all((0..8).map(change)).await;
        let organization = backend(&t).get(&path(&id)).await.ok()["organization"].clone();
        assert_eq!(keys(&organization["trusted_metadata"]).len(), 8);
    }

    async fn ids_of_other_projects_and_environments_lead_nowhere(t) {
        let id = t.organization("Acme", json!({})).await;
        let other = another_project(&t, EnvironmentKind::Test).await;
        let live = another_project(&t, EnvironmentKind::Live).await;
        for caller in [backend_of(&t, &other)] {
            caller.get(&path(&id)).await.fails(404, "organization_not_found");
            caller.get(&path("acme")).await.fails(404, "organization_not_found");
            let change = json!({ "organization_name": "Mine" });
            caller.put(&path(&id), change).await.fails(404, "organization_not_found");
            caller.delete(&path(&id)).await.fails(404, "organization_not_found");
            let metrics = caller.get(&format!("{}/metrics", path(&id))).await;
            metrics.fails(404, "organization_not_found");
        }
        let live = backend_of(&t, &live);
        live.get(&path(&id)).await.fails(401, "test_id_used_in_live_environment");
        let of_live = id.replace("-test-", "-live-");
        backend(&t).get(&path(&of_live)).await.fails(401, "live_id_used_in_test_environment");
        backend(&t).get(&path(&id)).await.ok();
    }

    async fn metrics_count_members_that_are_not_deleted(t) {
        let id = t.organization("Acme", json!({})).await;
        let ada = t.member(&id, "ada@acme.example", json!({})).await;
        t.member(&id, "bob@acme.example", json!({})).await;
        let metrics = format!("{}/metrics", path("acme"));
        assert_eq!(backend(&t).get(&metrics).await.ok()["member_count"], 2);
        backend(&t).delete(&format!("{}/members/{ada}", path(&id))).await.ok();
        assert_eq!(backend(&t).get(&metrics).await.ok()["member_count"], 1);
    }

    async fn with_the_organization_go_members_sessions_and_links(t) {
        let id = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &id, "ada@acme.example", &[]).await;
        let who = json!({ "organization_id": id, "email_address": "ada@acme.example" });
        backend(&t).post("/v1/b2b/magic_links/email/login_or_signup", who.clone()).await.ok();
        let token = t.last_token("ada@acme.example").await;
        backend(&t).post("/v1/b2b/otps/email/login_or_signup", who.clone()).await.ok();
        let code = t.last_code("ada@acme.example").await;

        backend(&t).delete(&path(&id)).await.ok();
        assert!(!is_alive(&t, &ada).await);
        let member = format!("/v1/b2b/organizations/members/dangerously_get/{}", ada.member_id);
        backend(&t).get(&member).await.fails(404, "member_not_found");
        backend(&t).get(&format!("{member}?include_deleted=true")).await.fails(404, "member_not_found");
        let body = json!({ "magic_links_token": token });
        backend(&t).post("/v1/b2b/magic_links/authenticate", body).await.fails(401, "unable_to_auth_magic_link");
        let mut body = who;
        body["code"] = code.into();
        backend(&t).post("/v1/b2b/otps/email/authenticate", body).await.fails(404, "organization_not_found");
        t.organization("Acme", json!({})).await;
    }
}

/// A member who holds nothing but these actions on the organization, on the browser and on the server API.
async fn administrator(t: &Server, organization: &str) -> Session {
    signed_in(t, organization, "root@acme.example", &["stytch_admin"]).await
}

on_both_engines! {
    async fn each_field_needs_its_permission_on_both_surfaces(t) {
        let id = t.organization("Acme", json!({})).await;
        let admin = administrator(&t, &id).await;
        let ada = signed_in(&t, &id, "ada@acme.example", &[]).await;
        for (field, value) in [
            ("organization_name", json!("Acme")),
            ("organization_slug", json!("acme")),
            ("organization_logo_url", json!("")),
            ("sso_jit_provisioning", json!("ALL_ALLOWED")),
            ("sso_jit_provisioning_allowed_connections", json!([])),
            ("sso_default_connection_id", json!("")),
            ("email_allowed_domains", json!([])),
            ("email_jit_provisioning", json!("NOT_ALLOWED")),
            ("email_invites", json!("ALL_ALLOWED")),
            ("auth_methods", json!("ALL_ALLOWED")),
            ("allowed_auth_methods", json!([])),
            ("mfa_policy", json!("OPTIONAL")),
            ("mfa_methods", json!("ALL_ALLOWED")),
            ("allowed_mfa_methods", json!([])),
            ("rbac_email_implicit_role_assignments", json!([])),
            ("oauth_tenant_jit_provisioning", json!("NOT_ALLOWED")),
            ("allowed_oauth_tenants", json!({})),
            ("first_party_connected_apps_allowed_type", json!("ALL_ALLOWED")),
            ("allowed_first_party_connected_apps", json!([])),
            ("third_party_connected_apps_allowed_type", json!("ALL_ALLOWED")),
            ("allowed_third_party_connected_apps", json!([])),
        ] {
            let body = json!({ field: value });
            let me = "/sdk/v1/b2b/organizations/me";
            browser_as(&t, &ada).put(me, body.clone()).await.fails(403, "session_authorization_error");
            backend_as(&t, &ada).put(&path(&id), body.clone()).await.fails(403, "session_authorization_error");
            browser_as(&t, &admin).put(me, body.clone()).await.ok();
            backend_as(&t, &admin).put(&path(&id), body).await.ok();
        }
    }

    async fn one_action_opens_one_field(t) {
        let roles =
            [("namer", "stytch.organization", &["update.info.name"][..]), ("keeper", "stytch.organization", &["*"])];
        set_roles(&t, &roles).await;
        let id = t.organization("Acme", json!({})).await;
        let namer = signed_in(&t, &id, "nina@acme.example", &["namer"]).await;
        let keeper = signed_in(&t, &id, "karl@acme.example", &["keeper"]).await;
        let named = json!({ "organization_name": "Acme Inc" });
        let more = json!({ "organization_name": "Acme Ltd", "mfa_policy": "OPTIONAL" });
        backend_as(&t, &namer).put(&path(&id), named.clone()).await.ok();
        browser_as(&t, &namer).put("/sdk/v1/b2b/organizations/me", named).await.ok();
        backend_as(&t, &namer).put(&path(&id), more.clone()).await.fails(403, "session_authorization_error");
        let refused = browser_as(&t, &namer).put("/sdk/v1/b2b/organizations/me", more).await;
        refused.fails(403, "session_authorization_error");
        // No single action covers these.
        let wide = json!({ "organization_external_id": "crm-1", "claimed_email_domains": ["acme.example"] });
        let external_id = format!("{}/external_id", path(&id));
        backend_as(&t, &namer).put(&path(&id), wide.clone()).await.fails(403, "session_authorization_error");
        backend_as(&t, &namer).delete(&external_id).await.fails(403, "session_authorization_error");
        backend_as(&t, &keeper).put(&path(&id), wide).await.ok();
        backend_as(&t, &keeper).delete(&external_id).await.ok();
    }

    async fn one_missing_permission_refuses_the_whole_change(t) {
        let id = t.organization("Acme", json!({})).await;
        let admin = administrator(&t, &id).await;
        let before = backend(&t).get(&path(&id)).await.ok()["organization"].clone();
        let body = json!({ "organization_name": "Mine", "trusted_metadata": { "plan": "free" } });
        for caller in [backend_as(&t, &admin), browser_as(&t, &admin)] {
            let own = if caller.is_browser() { "/sdk/v1/b2b/organizations/me".to_owned() } else { path(&id) };
            caller.put(&own, body.clone()).await.fails(401, "cannot_update_trusted_metadata");
        }
        for field in ["organization_external_id", "claimed_email_domains"] {
            let body = json!({ "organization_name": "Mine", field: "x" });
            let refused = browser_as(&t, &admin).put("/sdk/v1/b2b/organizations/me", body).await;
            refused.fails(403, "session_authorization_error");
        }
        assert_eq!(backend(&t).get(&path(&id)).await.ok()["organization"], before);
    }

    async fn members_act_in_their_own_organization_only(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let admin = administrator(&t, &acme).await;
        let caller = backend_as(&t, &admin);
        for identifier in [globex.as_str(), "globex", "no-such-organization"] {
            let body = json!({ "organization_name": "Mine" });
            caller.put(&path(identifier), body).await.fails(403, "session_authorization_tenancy_error");
            caller.delete(&path(identifier)).await.fails(403, "session_authorization_tenancy_error");
            let external_id = format!("{}/external_id", path(identifier));
            caller.delete(&external_id).await.fails(403, "session_authorization_tenancy_error");
        }
        // what a body says of ids does not matter in a browser.
        let body = json!({ "organization_id": globex, "organization_name": "Acme Inc" });
        let changed = browser_as(&t, &admin).put("/sdk/v1/b2b/organizations/me", body).await.ok();
        assert_eq!(changed["organization"]["organization_id"], json!(acme));
    }

    async fn browsers_read_and_delete_their_own_organization(t) {
        let id = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &id, "ada@acme.example", &[]).await;
        let admin = administrator(&t, &id).await;
        let me = "/sdk/v1/b2b/organizations/me";
        assert_eq!(browser_as(&t, &ada).get(me).await.ok()["organization"]["organization_id"], json!(id));
        browser(&t).get(me).await.fails(401, "user_unauthenticated");
        browser(&t).put(me, json!({})).await.fails(401, "user_unauthenticated");
        browser_as(&t, &ada).delete(me).await.fails(403, "session_authorization_error");
        backend_as(&t, &ada).delete(&path(&id)).await.fails(403, "session_authorization_error");
        assert_eq!(browser_as(&t, &admin).delete(me).await.ok()["organization_id"], json!(id));
        assert!(!is_alive(&t, &ada).await);
        browser_as(&t, &admin).get(me).await.fails(404, "session_not_found");
    }

    async fn a_sign_in_page_learns_of_an_organization_what_it_needs(t) {
        let body = json!({ "organization_name": "Acme", "trusted_metadata": { "plan": "pro" } });
        backend(&t).post(CREATE, body).await.ok();
        let search = "/sdk/v1/b2b/organizations/search";
        let found = browser(&t).post(search, json!({ "organization_slug": "ACME" })).await.ok();
        assert_eq!(keys(&found), ["organization", "request_id", "status_code"]);
        assert_eq!(
            keys(&found["organization"]),
            [
                "allowed_auth_methods",
                "allowed_oauth_tenants",
                "auth_methods",
                "email_allowed_domains",
                "email_jit_provisioning",
                "mfa_policy",
                "oauth_tenant_jit_provisioning",
                "organization_id",
                "organization_logo_url",
                "organization_name",
                "organization_slug",
                "sso_active_connections",
                "sso_default_connection_id",
            ]
        );
        for slug in ["globex", "", "x".repeat(5000).as_str()] {
            let found = browser(&t).post(search, json!({ "organization_slug": slug })).await.ok();
            assert_eq!(found["organization"], json!(null), "{slug}");
        }
        browser(&t).post(search, json!({})).await.fails(400, "bad_request");
        browser(&t).post(search, json!({ "organization_slug": 1 })).await.fails(400, "bad_request");
    }
}
