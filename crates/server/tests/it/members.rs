//! Members: their life, every rule about their fields, and who may change which.

use crate::callers::{
    Caller, Session, another_project, backend, backend_as, backend_of, browser, browser_as, is_alive, keys,
    set_roles, sign_in, signed_in, text,
};
use crate::harness::Server;
use crate::on_both_engines;
use ostiary_core::ids::EnvironmentKind;
use serde_json::{Value, json};

const ME: &str = "/sdk/v1/b2b/organizations/members/me";
const SELF: &str = "/sdk/v1/b2b/organizations/members/update";
const BROWSER: &str = "/sdk/v1/b2b/organizations/members";

fn members(organization: &str) -> String {
    format!("/v1/b2b/organizations/{organization}/members")
}

fn path(organization: &str, member: &str) -> String {
    format!("{}/{member}", members(organization))
}

async fn get(t: &Server, organization: &str, member: &str) -> Value {
    let path = format!("/v1/b2b/organizations/{organization}/member?member_id={member}");
    backend(t).get(&path).await.ok()["member"].clone()
}

on_both_engines! {
    async fn a_member_is_created_with_all_that_is_given(t) {
        let acme = t.organization("Acme", json!({})).await;
        let body = json!({
            "email_address": "Ada@Acme.Example", "name": "Ada", "external_id": "crm-1",
            "trusted_metadata": { "plan": "pro" }, "untrusted_metadata": { "theme": "dark" },
            "is_breakglass": true, "mfa_phone_number": "+12025550123", "mfa_enrolled": true,
            "roles": ["stytch_admin", "stytch_admin"],
        });
        let answer = backend(&t).post(&members(&acme), body).await.ok();
        assert_eq!(keys(&answer), ["member", "member_id", "organization", "request_id", "status_code"]);
        let member = &answer["member"];
        assert_eq!(member["member_id"], answer["member_id"]);
        for (field, expected) in [
            ("organization_id", json!(acme)),
            ("email_address", json!("ada@acme.example")),
            ("email_address_verified", json!(false)),
            ("status", json!("active")),
            ("name", json!("Ada")),
            ("external_id", json!("crm-1")),
            ("trusted_metadata", json!({ "plan": "pro" })),
            ("untrusted_metadata", json!({ "theme": "dark" })),
            ("is_breakglass", json!(true)),
            ("is_admin", json!(true)),
            ("is_locked", json!(false)),
            ("lock_created_at", json!(null)),
            ("lock_expires_at", json!(null)),
            ("mfa_enrolled", json!(true)),
            ("mfa_phone_number", json!("+12025550123")),
            ("mfa_phone_number_verified", json!(false)),
            ("default_mfa_method", json!("")),
            ("member_password_id", json!("")),
            ("totp_registration_id", json!("")),
            ("retired_email_addresses", json!([])),
            ("sso_registrations", json!([])),
            ("oauth_registrations", json!([])),
            ("scim_registration", json!(null)),
        ] {
            assert_eq!(member[field], expected, "{field}");
        }
        let roles: Vec<_> = member["roles"].as_array().unwrap().iter().map(|role| &role["role_id"]).collect();
        assert_eq!(roles, ["stytch_member", "stytch_admin"]);
        assert_eq!(&get(&t, &acme, &text(&answer["member_id"])).await, member);
    }

    async fn a_member_is_pending_when_that_is_asked_for(t) {
        let acme = t.organization("Acme", json!({})).await;
        let body = json!({ "email_address": "ada@acme.example", "create_member_as_pending": true });
        let member = backend(&t).post(&members(&acme), body).await.ok()["member"].clone();
        assert_eq!(member["status"], "pending");
        sign_in(&t, &acme, "ada@acme.example").await;
        assert_eq!(get(&t, &acme, &text(&member["member_id"])).await["status"], "active");
    }

    async fn creating_does_not_ask_whether_invitations_are_open(t) {
        let body = json!({ "organization_name": "Acme", "email_invites": "NOT_ALLOWED" });
        let acme = backend(&t).post("/v1/b2b/organizations", body).await.ok();
        let acme = text(&acme["organization"]["organization_id"]);
        t.member(&acme, "ada@elsewhere.example", json!({})).await;
    }

    async fn every_broken_rule_has_its_error_and_changes_nothing(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        let bob = json!({
            "email_address": "bob@acme.example", "external_id": "crm-2", "mfa_phone_number": "+12025550199",
        });
        backend(&t).post(&members(&acme), bob).await.ok();
        let before = get(&t, &acme, &ada).await;
        let keys_of_metadata = |count| (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<Value>();
        let many_roles: Vec<_> = (0..1000).map(|_| "stytch_admin").collect();
        for (body, expected) in [
            (json!({ "name": "a".repeat(257) }), "invalid_name"),
            (json!({ "name": "a\u{7}" }), "invalid_name"),
            (json!({ "name": ["Ada"] }), "bad_request"),
            (json!({ "name": "A\u{200B}da" }), "forbidden_character_zero_width_space"),
            (json!({ "external_id": "" }), "invalid_member_external_id"),
            (json!({ "external_id": "a b" }), "invalid_member_external_id"),
            (json!({ "external_id": ada }), "invalid_member_external_id"),
            (json!({ "external_id": "passwords" }), "invalid_member_external_id"),
            (json!({ "external_id": "crm-2" }), "duplicate_member_external_id"),
            (json!({ "trusted_metadata": "x" }), "metadata_invalid_format"),
            (json!({ "untrusted_metadata": [1] }), "metadata_invalid_format"),
            (json!({ "trusted_metadata": keys_of_metadata(21) }), "metadata_too_many_keys"),
            (json!({ "untrusted_metadata": { "a": "x".repeat(4096) } }), "metadata_too_large"),
            (json!({ "is_breakglass": "yes" }), "bad_request"),
            (json!({ "mfa_enrolled": 7 }), "bad_request"),
            (json!({ "mfa_phone_number": "2025550123" }), "invalid_phone_number"),
            (json!({ "mfa_phone_number": "+442071838750" }), "invalid_phone_number_country_code"),
            (json!({ "mfa_phone_number": "+12025550199" }), "duplicate_member_phone_number"),
            (json!({ "mfa_phone_number": 12 }), "bad_request"),
            (json!({ "roles": "stytch_admin" }), "bad_request"),
            (json!({ "roles": ["ghost"] }), "invalid_role"),
            (json!({ "roles": ["stytch_member"] }), "cannot_assign_default_rbac_role_id"),
            (json!({ "roles": many_roles }), "too_many_roles"),
            (json!({ "email_address": "ada" }), "invalid_email"),
            (json!({ "email_address": "bob@acme.example" }), "duplicate_member_email"),
            (json!({ "email_address": 1 }), "bad_request"),
        ] {
            backend(&t).put(&path(&acme, &ada), body.clone()).await.fails(400, expected);
            let mut creation = body;
            if creation.get("email_address").is_none() {
                creation["email_address"] = "eve@acme.example".into();
            }
            backend(&t).post(&members(&acme), creation).await.fails(400, expected);
        }
        for (body, expected) in [
            (json!({ "default_mfa_method": "carrier_pigeon" }), "invalid_mfa_default_method"),
            (json!({ "default_mfa_method": "sms_otp" }), "default_mfa_member_missing_factor"),
            (json!({ "default_mfa_method": "totp" }), "default_mfa_member_missing_factor"),
            (json!({ "unlink_email": "yes" }), "bad_request"),
            (json!({ "preserve_existing_sessions": "yes" }), "bad_request"),
        ] {
            backend(&t).put(&path(&acme, &ada), body).await.fails(400, expected);
        }
        backend(&t).post(&members(&acme), json!({})).await.fails(400, "bad_request");
        let nowhere = backend(&t).post(&members("ghost"), json!({ "email_address": "a@a.example" })).await;
        nowhere.fails(404, "organization_not_found");

        assert_eq!(get(&t, &acme, &ada).await, before);
        let metrics = format!("/v1/b2b/organizations/{acme}/metrics");
        assert_eq!(backend(&t).get(&metrics).await.ok()["member_count"], 2, "nobody was created");
    }

    async fn a_claimed_domain_is_for_its_organization_only(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let eve = t.member(&globex, "eve@globex.example", json!({})).await;
        let claim = json!({ "claimed_email_domains": ["acme.example"] });
        backend(&t).put(&format!("/v1/b2b/organizations/{acme}"), claim).await.ok();
        let body = json!({ "email_address": "ada@acme.example" });
        let refusal = "action_not_allowed_email_domain_is_claimed";
        backend(&t).post(&members(&globex), body.clone()).await.fails(400, refusal);
        backend(&t).put(&path(&globex, &eve), body.clone()).await.fails(400, refusal);
        backend(&t).post(&members(&acme), body).await.ok();
    }

    async fn a_member_is_got_by_exactly_one_key(t) {
        let acme = t.organization("Acme", json!({})).await;
        let body = json!({ "email_address": "ada@acme.example", "external_id": "crm|1" });
        let ada = text(&backend(&t).post(&members(&acme), body).await.ok()["member_id"]);
        let get = async |query: &str| backend(&t).get(&format!("/v1/b2b/organizations/acme/member?{query}")).await;
        for query in [
            format!("member_id={ada}"),
            "member_id=crm%7C1".into(),
            "email_address=ADA%40acme.example".into(),
            format!("member_id={ada}&email_address=undefined"),
        ] {
            assert_eq!(get(&query).await.ok()["member_id"], json!(ada), "{query}");
        }
        get("").await.fails(400, "invalid_member_get_fields");
        let both = format!("member_id={ada}&email_address=ada%40acme.example");
        get(&both).await.fails(400, "invalid_member_get_fields");
        get("email_address=ada").await.fails(400, "invalid_email");
        get("email_address=bob%40acme.example").await.fails(404, "member_not_found");
        get("member_id=ghost").await.fails(404, "member_not_found");
    }

    async fn members_of_other_organizations_projects_and_environments_are_not_found(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        let other = another_project(&t, EnvironmentKind::Test).await;
        let body = json!({ "organization_name": "Acme" });
        let other_acme = backend_of(&t, &other).post("/v1/b2b/organizations", body).await.ok();
        let other_acme = text(&other_acme["organization"]["organization_id"]);
        for (caller, organization) in [(backend(&t), &globex), (backend_of(&t, &other), &other_acme)] {
            let own = path(organization, &ada);
            caller.put(&own, json!({ "name": "Eve" })).await.fails(404, "member_not_found");
            caller.delete(&own).await.fails(404, "member_not_found");
            caller.delete(&format!("{own}/external_id")).await.fails(404, "member_not_found");
            let reactivate = caller.put(&format!("{own}/reactivate"), json!({})).await;
            reactivate.fails(404, "no_deleted_member_found_for_reactivation");
            let by_id = format!("/v1/b2b/organizations/{organization}/member?member_id={ada}");
            caller.get(&by_id).await.fails(404, "member_not_found");
        }
        let dangerously = format!("/v1/b2b/organizations/members/dangerously_get/{ada}");
        backend_of(&t, &other).get(&dangerously).await.fails(404, "member_not_found");
        let live = ada.replace("-test-", "-live-");
        backend(&t).delete(&path(&acme, &live)).await.fails(401, "live_id_used_in_test_environment");
        assert_eq!(get(&t, &acme, &ada).await["status"], "active");
    }

    async fn dangerously_get_knows_every_organization(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        let dangerously = format!("/v1/b2b/organizations/members/dangerously_get/{ada}");
        let answer = backend(&t).get(&dangerously).await.ok();
        assert_eq!(answer["organization"]["organization_id"], json!(acme));
        backend(&t).delete(&path(&acme, &ada)).await.ok();
        backend(&t).get(&dangerously).await.fails(404, "member_not_found");
        let deleted = backend(&t).get(&format!("{dangerously}?include_deleted=true")).await.ok();
        assert_eq!(deleted["member"]["status"], "deleted");
        let malformed = backend(&t).get("/v1/b2b/organizations/members/dangerously_get/ada").await;
        malformed.fails(400, "invalid_id");
    }

    async fn what_is_not_given_stays_and_roles_are_replaced(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({ "roles": ["stytch_admin"] })).await;
        let put = async |body: Value| backend(&t).put(&path(&acme, &ada), body).await.ok()["member"].clone();
        put(json!({ "name": "Ada", "untrusted_metadata": { "theme": "dark", "tips": { "a": 1 } } })).await;
        let member = put(json!({ "untrusted_metadata": { "theme": null, "tips": { "b": 2 } } })).await;
        assert_eq!(member["untrusted_metadata"], json!({ "tips": { "b": 2 } }));
        assert_eq!((&member["name"], &member["is_admin"]), (&json!("Ada"), &json!(true)));
        let member = put(json!({ "roles": [], "preserve_existing_sessions": true })).await;
        assert_eq!(member["is_admin"], false);
        assert_eq!(put(json!({})).await, member, "no change, no new version");
    }

    async fn a_phone_number_is_set_once_and_may_be_the_default(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        let put = async |body: Value| backend(&t).put(&path(&acme, &ada), body).await;
        let both = json!({ "mfa_phone_number": "+12025550123", "default_mfa_method": "sms_otp" });
        let member = put(both.clone()).await.ok()["member"].clone();
        assert_eq!(member["mfa_phone_number"], both["mfa_phone_number"]);
        assert_eq!(member["default_mfa_method"], "sms_otp");
        put(both).await.ok();
        put(json!({ "mfa_phone_number": "" })).await.ok();
        let other = put(json!({ "mfa_phone_number": "+12025550124" })).await;
        other.fails(400, "duplicate_member_phone_number_for_member");
    }

    async fn whoever_gets_another_address_from_others_is_signed_out(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let own = path(&acme, &ada.member_id);
        backend(&t).put(&own, json!({ "email_address": "ADA@acme.example", "name": "Ada" })).await.ok();
        assert!(is_alive(&t, &ada).await, "the same address is no change");
        backend(&t).put(&own, json!({ "email_address": "ada@globex.example" })).await.ok();
        assert!(!is_alive(&t, &ada).await);
    }

    async fn another_address_is_unproven_and_the_old_one_retired(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        let old_id = get(&t, &acme, &ada.member_id).await;
        assert_eq!(old_id["email_address_verified"], true);
        let own = path(&acme, &ada.member_id);

        let changed = backend(&t).put(&own, json!({ "email_address": "lovelace@acme.example" })).await.ok();
        let member = &changed["member"];
        assert_eq!(member["email_address"], "lovelace@acme.example");
        assert_eq!(member["email_address_verified"], false);
        assert_eq!(member["retired_email_addresses"][0]["email_address"], "ada@acme.example");

        // The old address is nobody else's while it is retired, and no way in.
        let wish = json!({ "email_address": "ada@acme.example" });
        backend(&t).put(&path(&acme, &bob), wish.clone()).await.fails(400, "retired_member_email");
        backend(&t).post(&members(&acme), wish.clone()).await.fails(400, "retired_member_email");
        let by_email = "/v1/b2b/organizations/acme/member?email_address=ada%40acme.example";
        backend(&t).get(by_email).await.fails(404, "member_not_found");

        // Its owner may return to it under its old id.
        let returned = backend(&t).put(&own, wish.clone()).await.ok()["member"].clone();
        assert_eq!(returned["retired_email_addresses"].as_array().unwrap().len(), 1);
        assert_eq!(returned["retired_email_addresses"][0]["email_address"], "lovelace@acme.example");

        // An unlinked address is free.
        let unlink = json!({ "email_address": "countess@acme.example", "unlink_email": true });
        backend(&t).put(&own, unlink).await.ok();
        backend(&t).put(&path(&acme, &bob), wish).await.ok();
    }

    async fn of_creations_of_one_address_at_once_one_wins(t) {
        let acme = t.organization("Acme", json!({})).await;
        let create = |n: u32| {
            let (t, acme) = (&t, &acme);
            let body = json!({ "email_address": "ada@acme.example", "name": format!("Ada {n}") });
            async move { backend(t).post(&members(acme), body).await }
        };
        let answers = futures_util::future::join_all((0..8).map(create)).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            answer.fails(400, "duplicate_member_email");
        }
    }

    async fn of_moves_to_one_address_at_once_one_wins(t) {
        let acme = t.organization("Acme", json!({})).await;
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(t.member(&acme, &format!("member{n}@acme.example"), json!({})).await);
        }
        let change = |id: &String| {
            let (t, own) = (&t, path(&acme, id));
            async move { backend(t).put(&own, json!({ "email_address": "ada@acme.example" })).await }
        };
        let answers = futures_util::future::join_all(ids.iter().map(change)).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            answer.fails(400, "duplicate_member_email");
        }
    }

    async fn with_a_member_go_sessions_links_and_claims_on_addresses(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let who = json!({ "organization_id": acme, "email_address": "ada@acme.example" });
        backend(&t).post("/v1/b2b/magic_links/email/login_or_signup", who.clone()).await.ok();
        let token = t.last_token("ada@acme.example").await;

        let own = path(&acme, &ada.member_id);
        let deleted = backend(&t).delete(&own).await.ok();
        assert_eq!(keys(&deleted), ["member_id", "request_id", "status_code"]);
        assert!(!is_alive(&t, &ada).await);
        let body = json!({ "magic_links_token": token });
        let refused = backend(&t).post("/v1/b2b/magic_links/authenticate", body).await;
        refused.fails(404, "magic_link_not_found");
        let refused = backend(&t).post("/v1/b2b/otps/email/login_or_signup", who).await;
        refused.fails(400, "email_jit_provisioning_not_allowed");
        backend(&t).delete(&own).await.fails(404, "member_not_found");
        backend(&t).put(&own, json!({ "name": "Ada" })).await.fails(404, "member_not_found");
        let again = t.member(&acme, "ada@acme.example", json!({})).await;
        assert_ne!(again, ada.member_id);
    }

    async fn a_deleted_member_comes_back_active(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let own = path(&acme, &ada.member_id);
        let reactivate = format!("{own}/reactivate");
        let refused = backend(&t).put(&reactivate, json!({})).await;
        refused.fails(404, "no_deleted_member_found_for_reactivation");
        backend(&t).put(&own, json!({ "external_id": "crm-1" })).await.ok();
        backend(&t).delete(&own).await.ok();
        for identifier in ["crm-1", "ghost"] {
            let refused = backend(&t).put(&format!("{}/reactivate", path(&acme, identifier)), json!({})).await;
            refused.fails(404, "no_deleted_member_found_for_reactivation");
        }
        let member = backend(&t).put(&reactivate, json!({})).await.ok()["member"].clone();
        assert_eq!((&member["status"], &member["external_id"]), (&json!("active"), &json!("crm-1")));
        assert!(!is_alive(&t, &ada).await, "sessions do not come back");
        sign_in(&t, &acme, "ada@acme.example").await;
    }

    async fn roles_and_factors_do_not_come_back(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &["stytch_admin"]).await;
        let own = path(&acme, &ada.member_id);
        let ids = json!({ "organization_id": acme, "member_id": ada.member_id });
        let with = |more: Value| {
            let mut body = ids.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let data = json!({ "name": "Ada", "mfa_phone_number": "+12025550123", "untrusted_metadata": { "theme": "dark" } });
        backend(&t).put(&own, data).await.ok();
        backend(&t).post("/v1/b2b/totp/migrate", with(json!({ "secret": "JBSWY3DPEHPK3PXP" }))).await.ok();
        let hash = "$2a$04$vUKcN/wTIqa1pmXjEXbyU.Nxdc3KV79IfWPqYjZ61X8FfVDtPPXsa";
        let password = json!({ "email_address": "ada@acme.example", "hash": hash, "hash_type": "bcrypt" });
        backend(&t).post("/v1/b2b/passwords/migrate", with(password)).await.ok();
        let before = get(&t, &acme, &ada.member_id).await;
        assert_eq!(before["roles"].as_array().unwrap().len(), 2);
        for factor in ["mfa_phone_number", "totp_registration_id", "member_password_id", "default_mfa_method"] {
            assert_ne!(before[factor], "", "{factor} is set before");
        }

        backend(&t).delete(&own).await.ok();
        let member = backend(&t).put(&format!("{own}/reactivate"), json!({})).await.ok()["member"].clone();
        for factor in ["mfa_phone_number", "totp_registration_id", "member_password_id", "default_mfa_method"] {
            assert_eq!(member[factor], "", "{factor}");
        }
        assert_eq!(member["roles"].as_array().unwrap().len(), 1);
        assert_eq!(member["is_admin"], false);
        assert_eq!((&member["name"], &member["untrusted_metadata"]), (&json!("Ada"), &json!({ "theme": "dark" })));
        let codes = backend(&t).get(&format!("/v1/b2b/recovery_codes/{acme}/{}", ada.member_id)).await;
        codes.fails(404, "recovery_codes_not_found");
        // What was let go of is free for others.
        let taker = json!({ "mfa_phone_number": "+12025550123" });
        t.member(&acme, "grace@acme.example", taker).await;
    }

    async fn a_member_does_not_come_back_into_what_others_have_taken(t) {
        let acme = t.organization("Acme", json!({})).await;
        let unproven = t.member(&acme, "eve@acme.example", json!({})).await;
        backend(&t).delete(&path(&acme, &unproven)).await.ok();
        let refused = backend(&t).put(&format!("{}/reactivate", path(&acme, &unproven)), json!({})).await;
        refused.fails(400, "email_unverified_for_reactivation");

        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let own = path(&acme, &ada.member_id);
        backend(&t).put(&own, json!({ "external_id": "crm-1" })).await.ok();
        backend(&t).delete(&own).await.ok();
        let reactivate = format!("{own}/reactivate");
        for (body, expected) in [
            (json!({ "email_address": "ada@acme.example" }), "reactivation_email_belongs_to_another_member"),
            (json!({ "email_address": "b@acme.example", "external_id": "crm-1" }), "duplicate_member_external_id"),
        ] {
            let taker = text(&backend(&t).post(&members(&acme), body).await.ok()["member_id"]);
            backend(&t).put(&reactivate, json!({})).await.fails(400, expected);
            backend(&t).delete(&path(&acme, &taker)).await.ok();
        }
        backend(&t).put(&reactivate, json!({})).await.ok();
    }

    async fn an_external_id_is_cleared_by_its_own_call(t) {
        let acme = t.organization("Acme", json!({})).await;
        let body = json!({ "email_address": "ada@acme.example", "external_id": "crm-1" });
        let ada = text(&backend(&t).post(&members(&acme), body).await.ok()["member_id"]);
        let cleared = backend(&t).delete(&format!("{}/external_id", path("acme", "crm-1"))).await.ok();
        assert_eq!(cleared["member"]["external_id"], json!(null));
        assert_eq!(cleared["member_id"], json!(ada));
        let member = backend(&t).delete(&format!("{}/external_id", path("acme", &ada))).await.ok();
        assert_eq!(member["member"], cleared["member"], "clearing nothing changes nothing");
    }
}

/// Callers on both surfaces on behalf of one member, each with its path to another member.
fn surfaces<'a>(t: &'a Server, session: &Session, acme: &str, target: &str) -> [(Caller<'a>, String); 2] {
    [(backend_as(t, session), path(acme, target)), (browser_as(t, session), format!("{BROWSER}/{target}"))]
}

on_both_engines! {
    async fn each_field_of_another_member_needs_its_permission(t) {
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        let body = json!({ "mfa_phone_number": "+12025550123", "name": "Bob" });
        backend(&t).put(&path(&acme, &bob), body).await.ok();
        for (field, value) in [
            ("name", json!("Bob")),
            ("untrusted_metadata", json!({})),
            ("mfa_phone_number", json!("+12025550123")),
            ("mfa_enrolled", json!(false)),
            ("default_mfa_method", json!("sms_otp")),
            ("is_breakglass", json!(false)),
            ("roles", json!([])),
            ("preserve_existing_sessions", json!(false)),
            ("email_address", json!("bob@acme.example")),
            ("unlink_email", json!(false)),
        ] {
            let body = json!({ field: value });
            for (caller, path) in surfaces(&t, &ada, &acme, &bob) {
                caller.put(&path, body.clone()).await.fails(403, "session_authorization_error");
            }
            for (caller, path) in surfaces(&t, &admin, &acme, &bob) {
                caller.put(&path, body.clone()).await.ok();
            }
        }
    }

    async fn one_missing_permission_refuses_the_whole_change(t) {
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        for (caller, path) in surfaces(&t, &admin, &acme, &bob) {
            let body = json!({ "name": "Eve", "trusted_metadata": {} });
            caller.put(&path, body).await.fails(401, "cannot_update_trusted_metadata");
        }
        let body = json!({ "name": "Eve", "external_id": "crm-1" });
        let refused = browser_as(&t, &admin).put(&format!("{BROWSER}/{bob}"), body).await;
        refused.fails(403, "session_authorization_error");
        for (caller, path) in surfaces(&t, &ada, &acme, &ada.member_id) {
            let body = json!({ "name": "Eve", "roles": ["stytch_admin"] });
            caller.put(&path, body).await.fails(403, "session_authorization_error");
        }
        for id in [&bob, &ada.member_id] {
            assert_eq!(get(&t, &acme, id).await["name"], "");
        }
    }

    async fn members_change_themselves_within_limits(t) {
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let mine = json!({
            "name": "Ada", "untrusted_metadata": { "theme": "dark" }, "mfa_phone_number": "+12025550123",
            "mfa_enrolled": true, "default_mfa_method": "sms_otp",
        });
        let member = browser_as(&t, &ada).put(SELF, mine.clone()).await.ok()["member"].clone();
        for (field, value) in mine.as_object().unwrap() {
            assert_eq!(&member[field], value, "{field}");
        }
        for (caller, path) in surfaces(&t, &ada, &acme, &ada.member_id) {
            caller.put(&path, mine.clone()).await.ok();
        }
        // Whatever the roles: nobody changes the own address here, or trusted data.
        for session in [&ada, &admin] {
            for (caller, path) in surfaces(&t, session, &acme, &session.member_id) {
                let body = json!({ "email_address": "me@acme.example" });
                caller.put(&path, body).await.fails(400, "member_cannot_update_their_email_address");
            }
            let browser = browser_as(&t, session);
            let body = json!({ "email_address": "me@acme.example" });
            browser.put(SELF, body).await.fails(400, "member_cannot_update_their_email_address");
            let body = json!({ "trusted_metadata": {} });
            browser.put(SELF, body).await.fails(401, "cannot_update_trusted_metadata");
            for body in [json!({ "roles": [] }), json!({ "is_breakglass": true }), json!({ "external_id": "x" })] {
                browser.put(SELF, body).await.fails(403, "session_authorization_error");
            }
        }
        browser(&t).put(SELF, mine).await.fails(401, "user_unauthenticated");
    }

    async fn creating_needs_create_and_more_for_roles_and_exemptions(t) {
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let create = |n: u32| json!({ "email_address": format!("new{n}@acme.example") });
        browser_as(&t, &ada).post(BROWSER, create(1)).await.fails(403, "session_authorization_error");
        backend_as(&t, &ada).post(&members(&acme), create(1)).await.fails(403, "session_authorization_error");
        browser_as(&t, &admin).post(BROWSER, create(1)).await.ok();
        backend_as(&t, &admin).post(&members(&acme), create(2)).await.ok();
        let mut with_roles = create(3);
        with_roles["roles"] = json!(["stytch_admin"]);
        with_roles["is_breakglass"] = true.into();
        let created = browser_as(&t, &admin).post(BROWSER, with_roles).await.ok();
        assert_eq!(created["member"]["is_admin"], true);
        let mut trusted = create(4);
        trusted["trusted_metadata"] = json!({ "plan": "pro" });
        browser_as(&t, &admin).post(BROWSER, trusted.clone()).await.fails(401, "cannot_update_trusted_metadata");
        backend_as(&t, &admin).post(&members(&acme), trusted).await.fails(401, "cannot_update_trusted_metadata");
        let mut external = create(4);
        external["external_id"] = "crm-4".into();
        browser_as(&t, &admin).post(BROWSER, external).await.fails(403, "session_authorization_error");
    }

    /// whoever may bring members in cannot make administrators of them.
    async fn creating_and_inviting_grant_no_more_than_the_role_says(t) {
        set_roles(&t, &[("recruiter", "stytch.member", &["create"])]).await;
        let acme = t.organization("Acme", json!({})).await;
        let recruiter = signed_in(&t, &acme, "rita@acme.example", &["recruiter"]).await;
        let invite = "/b2b/magic_links/email/invite";
        for (caller, path) in [
            (backend_as(&t, &recruiter), members(&acme)),
            (browser_as(&t, &recruiter), BROWSER.to_owned()),
            (backend_as(&t, &recruiter), format!("/v1{invite}")),
            (browser_as(&t, &recruiter), format!("/sdk/v1{invite}")),
        ] {
            let mut body = json!({ "organization_id": acme, "email_address": format!("{}@acme.example", path.len()) });
            body["roles"] = json!(["stytch_admin"]);
            caller.post(&path, body.clone()).await.fails(403, "session_authorization_error");
            body["roles"] = json!(["recruiter"]);
            caller.post(&path, body.clone()).await.fails(403, "session_authorization_error");
            body["roles"] = json!(null);
            body["is_breakglass"] = true.into();
            caller.post(&path, body.clone()).await.fails(403, "session_authorization_error");
            body["is_breakglass"] = json!(null);
            body["trusted_metadata"] = json!({ "plan": "pro" });
            caller.post(&path, body.clone()).await.fails(401, "cannot_update_trusted_metadata");
            body["trusted_metadata"] = json!(null);
            caller.post(&path, body).await.ok();
        }
    }

    async fn one_action_opens_one_field(t) {
        let roles = [("namer", "stytch.member", &["update.info.name"][..]), ("keeper", "stytch.member", &["*"])];
        set_roles(&t, &roles).await;
        let acme = t.organization("Acme", json!({})).await;
        let namer = signed_in(&t, &acme, "nina@acme.example", &["namer"]).await;
        let keeper = signed_in(&t, &acme, "karl@acme.example", &["keeper"]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        for (caller, path) in surfaces(&t, &namer, &acme, &bob) {
            caller.put(&path, json!({ "name": "Bob" })).await.ok();
            let body = json!({ "name": "Bob", "untrusted_metadata": {} });
            caller.put(&path, body).await.fails(403, "session_authorization_error");
        }
        // No single action covers the external id.
        let body = json!({ "external_id": "crm-1" });
        let own = path(&acme, &bob);
        backend_as(&t, &namer).put(&own, body.clone()).await.fails(403, "session_authorization_error");
        let clear = format!("{own}/external_id");
        backend_as(&t, &namer).delete(&clear).await.fails(403, "session_authorization_error");
        backend_as(&t, &keeper).put(&own, body).await.ok();
        backend_as(&t, &keeper).delete(&clear).await.ok();
    }

    async fn a_browser_that_removes_its_own_member_loses_its_cookies(t) {
        t.set(json!({ "http_only_cookies": true })).await;
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        let others = browser_as(&t, &admin).delete(&format!("{BROWSER}/{bob}")).await;
        assert!(others.cookies().is_empty());
        let own = browser_as(&t, &admin).delete(&format!("{BROWSER}/{}", admin.member_id)).await;
        let cleared = own.cookies();
        let is_gone = |(name, header): &(String, String)| name == "stytch_session" && header.contains("Max-Age=0");
        assert!(cleared.iter().any(is_gone), "{cleared:?}");
    }

    async fn members_delete_themselves_when_a_role_says_so_and_administrators_others(t) {
        let acme = t.organization("Acme", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let bob = t.member(&acme, "bob@acme.example", json!({})).await;
        for (caller, path) in surfaces(&t, &ada, &acme, &bob) {
            caller.delete(&path).await.fails(403, "session_authorization_error");
            caller.put(&format!("{path}/reactivate"), json!({})).await.fails(403, "session_authorization_error");
        }
        browser_as(&t, &ada).delete(&format!("{BROWSER}/{}", ada.member_id)).await.ok();
        assert!(!is_alive(&t, &ada).await);
        let back = browser_as(&t, &admin).put(&format!("{BROWSER}/{}/reactivate", ada.member_id), json!({})).await;
        assert_eq!(back.ok()["member"]["status"], "active");
        let deleted = browser_as(&t, &admin).delete(&format!("{BROWSER}/{bob}")).await.ok();
        assert_eq!(deleted["member_id"], json!(bob));
    }

    async fn members_act_in_their_own_organization_only(t) {
        let acme = t.organization("Acme", json!({})).await;
        let globex = t.organization("Globex", json!({})).await;
        let admin = signed_in(&t, &acme, "root@acme.example", &["stytch_admin"]).await;
        let eve = t.member(&globex, "eve@globex.example", json!({})).await;
        let refusal = "session_authorization_tenancy_error";
        let backend = backend_as(&t, &admin);
        for organization in [globex.as_str(), "globex"] {
            let own = path(organization, &eve);
            backend.put(&own, json!({ "name": "Mine" })).await.fails(403, refusal);
            backend.delete(&own).await.fails(403, refusal);
            backend.delete(&format!("{own}/external_id")).await.fails(403, refusal);
            backend.put(&format!("{own}/reactivate"), json!({})).await.fails(403, refusal);
            let body = json!({ "email_address": "new@acme.example" });
            backend.post(&members(organization), body).await.fails(403, refusal);
        }
        let browser = browser_as(&t, &admin);
        let own = format!("{BROWSER}/{eve}");
        browser.put(&own, json!({ "name": "Mine" })).await.fails(404, "member_not_found");
        browser.delete(&own).await.fails(404, "member_not_found");
        // an organization in the body does not matter in a browser.
        let body = json!({ "email_address": "new@acme.example", "organization_id": globex });
        assert_eq!(browser.post(BROWSER, body).await.ok()["member"]["organization_id"], json!(acme));
        assert_eq!(get(&t, &globex, &eve).await["name"], "");
    }

    async fn a_browser_reads_its_own_member(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = signed_in(&t, &acme, "ada@acme.example", &[]).await;
        let me = browser_as(&t, &ada).get(ME).await.ok();
        assert_eq!(me["member"]["member_id"], json!(ada.member_id));
        browser(&t).get(ME).await.fails(401, "user_unauthenticated");
        backend(&t).delete(&path(&acme, &ada.member_id)).await.ok();
        browser_as(&t, &ada).get(ME).await.fails(404, "session_not_found");
    }

    async fn a_sign_in_page_learns_of_a_member_what_it_needs(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        backend(&t).put(&path(&acme, &ada), json!({ "name": "Ada" })).await.ok();
        let search = "/sdk/v1/b2b/organizations/members/search";
        let find = async |email: &str| {
            let body = json!({ "organization_id": acme, "email_address": email });
            browser(&t).post(search, body).await
        };
        let expected = json!({ "status": "active", "name": "Ada", "member_password_id": "" });
        assert_eq!(find("ADA@acme.example").await.ok()["member"], expected);
        assert_eq!(find("bob@acme.example").await.ok()["member"], json!(null));
        find("bob").await.fails(400, "invalid_email");
        browser(&t).post(search, json!({ "organization_id": acme })).await.fails(400, "bad_request");
        let body = json!({ "organization_id": "ghost", "email_address": "ada@acme.example" });
        browser(&t).post(search, body).await.fails(404, "organization_not_found");
        backend(&t).delete(&path(&acme, &ada)).await.ok();
        assert_eq!(find("ada@acme.example").await.ok()["member"], json!(null));
    }
}
