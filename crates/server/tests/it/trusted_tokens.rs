//! Signing in with tokens of systems that a project trusts, and with sessions of the system that came before.

use crate::harness::{Server, claims};
use crate::on_both_engines;
use crate::operators::Operator;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_core::project::KeyScope;
use ostiary_proto::jose::SigningKey;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use tokio::task::JoinSet;

const ATTEST: &str = "/v1/b2b/sessions/attest";
const MIGRATE: &str = "/v1/b2b/sessions/migrate";
const JWKS: &str = "https://legacy.example/jwks.json";
const USERINFO: &str = "https://legacy.example/userinfo";
const ADA: &str = "ada@acme.example";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("key-1").expect("a key").0);
static OTHER_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("key-2").expect("a key").0);

fn key_set(keys: &[&SigningKey]) -> String {
    json!({"keys": keys.iter().map(|key| key.public_key().to_jwk()).collect::<Vec<_>>()}).to_string()
}

async fn profile(t: &Server, more: Value) -> String {
    t.web.answers(JWKS, 200, &key_set(&[&KEY]));
    let mut profile = json!({
        "name": "Legacy", "audience": "acme", "issuer": "https://legacy.example", "pem_files": [],
        "public_key_type": "JWK", "jwks_url": JWKS, "can_jit_provision": false,
    });
    profile.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let operator = Operator::new(t, KeyScope::ALL).await;
    let path = format!("{}/trusted_token_profiles", operator.own_place("/pwa/v3"));
    let created = operator.post(&path, profile).await.ok();
    created["profile"]["profile_id"].as_str().unwrap().to_owned()
}

/// What a good token says, with changes.
fn said(t: &Server, id: &str, more: Value) -> Value {
    let now = t.app.clock.now().seconds();
    let mut said = json!({
        "iss": "https://legacy.example", "aud": "acme", "exp": now + 60, "email": ADA, "token_id": id,
    });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => said.as_object_mut().unwrap().remove(name),
            value => said.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    said
}

fn signed(t: &Server, id: &str, more: Value) -> String {
    KEY.sign(said(t, id, more).to_string().as_bytes())
}

async fn acme(t: &Server) -> String {
    let acme = t
        .organization("Acme", json!({"organization_external_id": "acme-1", "mfa_policy": "REQUIRED_FOR_ALL"}))
        .await;
    t.member(&acme, ADA, json!({"external_id": "user-1"})).await;
    acme
}

on_both_engines! {
    async fn a_token_of_a_trusted_system_signs_a_member_in(t) {
        let (acme, profile) = (acme(&t).await, profile(&t, json!({})).await);
        let token = signed(&t, "token-1", json!({"organization_id": "acme-1", "external_member_id": "user-1"}));
        let body = json!({"profile_id": profile, "token": token, "session_duration_minutes": 30, "session_custom_claims": {"a": 1}});
        let login = t.post(ATTEST, body.clone()).await.ok();
        assert_eq!((&login["organization"]["organization_id"], &login["member"]["email_address"]), (&json!(acme), &json!(ADA)));
        let factor = &login["member_session"]["authentication_factors"][0];
        assert_eq!((&factor["type"], &factor["delivery_method"]), (&json!("trusted_auth_token"), &json!("trusted_token_exchange")));
        assert_eq!(factor["trusted_auth_token_factor"], json!({"token_id": "token-1"}));
        assert_eq!(claims(login["session_jwt"].as_str().unwrap())["a"], 1);
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": login["session_token"]})).await.ok();
        t.post(ATTEST, body).await.fails(401, "invalid_trusted_auth_token");

        // A second token is added to a session that is there.
        let token = signed(&t, "token-2", json!({"organization_id": acme}));
        let body = json!({"profile_id": profile, "token": token, "session_token": login["session_token"]});
        let again = t.post(ATTEST, body).await.ok();
        assert_eq!(again["member_session"]["member_session_id"], login["member_session"]["member_session_id"]);
        assert_eq!(again["member_session"]["authentication_factors"].as_array().unwrap().len(), 2);
        let mut browser = t.browser();
        let token = signed(&t, "token-3", json!({}));
        let body = json!({"profile_id": profile, "token": token, "organization_id": acme, "session_duration_minutes": 30});
        assert_eq!(browser.post("/sdk/v1/b2b/sessions/attest", body).await.data()["member"]["email_address"], ADA);
    }

    async fn of_many_who_bring_one_token_one_gets_in(t) {
        let t = Arc::new(t);
        let (acme, profile) = (acme(&t).await, profile(&t, json!({})).await);
        let body = json!({"profile_id": profile, "token": signed(&t, "token-1", json!({})), "organization_id": acme});
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            let (t, body) = (t.clone(), body.clone());
            calls.spawn(async move { t.post(ATTEST, body).await.status.as_u16() });
        }
        let won = calls.join_all().await.into_iter().filter(|status| *status == 200).count();
        assert_eq!(won, 1);
    }

    ///
    async fn forged_and_foreign_tokens_are_refused(t) {
        let (acme, profile) = (acme(&t).await, profile(&t, json!({})).await);
        let attest = |token: String| t.post(ATTEST, json!({"profile_id": profile, "token": token, "organization_id": acme}));
        let good = signed(&t, "token-1", json!({}));
        let parts: Vec<&str> = good.split('.').collect();
        let header = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
        let mut flipped = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        flipped[10] ^= 1;
        let mac = ostiary_proto::hash::hmac_sha256(&[1; 32], &[b"x"]);
        for token in [
            "garbage".to_owned(),
            String::from("a.b.c"),
            format!("{}.{}.", header(json!({"alg": "none"})), parts[1]),
            format!("{}.{}.{}", header(json!({"alg": "HS256", "kid": "key-1"})), parts[1], URL_SAFE_NO_PAD.encode(mac)),
            format!("{}.{}.{}", header(json!({"alg": "ES256", "kid": "key-1"})), parts[1], parts[2]),
            format!("{}.{}.{}", header(json!({"alg": "RS256", "kid": "key-1", "crit": ["exp"]})), parts[1], parts[2]),
            format!("{}.{}.{}", header(json!({"alg": "RS256", "jwk": OTHER_KEY.public_key().to_jwk()})), parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(flipped)),
            OTHER_KEY.sign(said(&t, "token-1", json!({})).to_string().as_bytes()),
            signed(&t, "token-1", json!({"exp": t.app.clock.now().seconds()})),
            signed(&t, "token-1", json!({"exp": null})),
            signed(&t, "token-1", json!({"nbf": t.app.clock.now().seconds() + 60})),
        ] {
            attest(token).await.fails(401, "invalid_trusted_auth_token");
        }
        for (more, expected) in [
            (json!({"iss": "https://evil.example"}), "jwt_invalid_issuer"),
            (json!({"iss": null}), "jwt_invalid_issuer"),
            (json!({"aud": "beta"}), "jwt_invalid_audience"),
            (json!({"aud": null}), "jwt_invalid_audience"),
            (json!({"email": null}), "jwt_invalid_claims"),
            (json!({"email": "nobody"}), "jwt_invalid_claims"),
            (json!({"email": ["ada@acme.example"]}), "jwt_invalid_claims"),
            (json!({"token_id": null}), "jwt_invalid_claims"),
            (json!({"token_id": "x".repeat(257)}), "jwt_invalid_claims"),
            (json!({"role_ids": "stytch_admin"}), "jwt_invalid_claims"),
            (json!({"organization_id": true}), "invalid_token_organization_id_claim"),
            (json!({"organization_id": "organization-live-00000000-0000-4000-8000-000000000000"}), "invalid_token_organization_id_claim"),
        ] {
            attest(signed(&t, "token-1", more)).await.fails(400, expected);
        }
        // A session token of our own is not one of a trusted system.
        let login = t.sign_in(&acme, ADA).await;
        if let Some(own) = login["session_jwt"].as_str().filter(|jwt| !jwt.is_empty()) {
            attest(own.to_owned()).await.fails(401, "invalid_trusted_auth_token");
        }
        let beta = t.organization("Beta", json!({})).await;
        attest(signed(&t, "token-1", json!({"organization_id": beta}))).await.fails(400, "invalid_token_organization_id_claim");
        let token = signed(&t, "token-1", json!({}));
        t.post(ATTEST, json!({"profile_id": profile, "token": token})).await.fails(400, "token_missing_organization_id_claim");
        t.post(ATTEST, json!({"profile_id": "ttp-test-00000000-0000-4000-8000-000000000000", "token": token, "organization_id": acme})).await
            .fails(404, "trusted_token_profile_not_found");
        t.post(ATTEST, json!({"token": token})).await.fails(400, "bad_request");
        // Nothing of all that has used the token up.
        attest(token).await.ok();
    }

    async fn nobody_joins_unless_the_profile_says_so(t) {
        let (acme, plain) = (acme(&t).await, profile(&t, json!({})).await);
        let attest = |profile: &str, token: String| t.post(ATTEST, json!({"profile_id": profile, "token": token}));
        let eve = |id: &str, more: Value| {
            let mut said = json!({"email": "eve@acme.example", "organization_id": "acme-1"});
            said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            signed(&t, id, said)
        };
        attest(&plain, eve("token-1", json!({}))).await.fails(404, "member_not_found");
        attest(&plain, eve("token-1", json!({"organization_id": "beta-1"}))).await.fails(404, "organization_not_found");

        let jit = profile(&t, json!({"can_jit_provision": true, "attribute_mapping": {"external_member_id": "sub", "role_ids": "groups"}})).await;
        let joined = attest(&jit, eve("token-1", json!({"sub": "user-2", "groups": ["stytch_admin"]}))).await.ok();
        assert_eq!(joined["organization"]["organization_id"], acme);
        let member = &joined["member"];
        assert_eq!((&member["status"], &member["external_id"], &member["email_address_verified"]), (&json!("active"), &json!("user-2"), &json!(false)));
        assert!(joined["member_session"]["roles"].as_array().unwrap().contains(&json!("stytch_admin")));
        let founded = attest(&jit, eve("token-2", json!({"organization_id": "beta-1"}))).await.ok();
        assert_eq!(founded["organization"]["organization_external_id"], "beta-1");
        let same = attest(&jit, eve("token-3", json!({"organization_id": "beta-1"}))).await.ok();
        assert_eq!(same["organization"]["organization_id"], founded["organization"]["organization_id"]);
        attest(&jit, eve("token-4", json!({"organization_id": null}))).await.fails(400, "token_missing_organization_id_claim");
        attest(&jit, eve("token-4", json!({"groups": ["no-such-role"], "email": "new@acme.example"}))).await.fails(400, "invalid_role");
        // an address that has gone to somebody else does not bring the member with it.
        attest(&jit, eve("token-5", json!({"sub": "user-3"}))).await.fails(400, "jwt_invalid_claims");
        let moved = attest(&jit, eve("token-6", json!({"sub": "user-2", "email": "eve.new@acme.example"}))).await.ok();
        assert_eq!(moved["member_id"], member["member_id"]);
    }

    async fn key_sets_are_fetched_rarely_and_again_when_a_key_is_new(t) {
        let (acme, profile) = (acme(&t).await, profile(&t, json!({})).await);
        let attest = |token: String| t.post(ATTEST, json!({"profile_id": profile, "token": token, "organization_id": acme}));
        for id in ["token-1", "token-2"] {
            attest(signed(&t, id, json!({}))).await.ok();
        }
        assert_eq!(t.web.calls(JWKS), 1);
        let rotated = |id: &str| OTHER_KEY.sign(said(&t, id, json!({})).to_string().as_bytes());
        for _ in 0..5 {
            attest(rotated("token-3")).await.fails(401, "invalid_trusted_auth_token");
        }
        assert_eq!(t.web.calls(JWKS), 1, "not more often than once a minute");
        t.web.answers(JWKS, 200, &key_set(&[&KEY, &OTHER_KEY]));
        t.advance_minutes(1);
        attest(rotated("token-3")).await.ok();
        assert_eq!(t.web.calls(JWKS), 2);
        // While the other side is away, the keys that are known count.
        t.web.answers(JWKS, 500, "");
        t.advance_minutes(20);
        attest(rotated("token-4")).await.ok();
        t.advance_minutes(25 * 60);
        let refused = attest(rotated("token-5")).await;
        assert_eq!(refused.headers["retry-after"], "60");
        refused.fails(503, "server_unavailable");
    }

    async fn an_old_session_becomes_a_new_one(t) {
        let acme = acme(&t).await;
        let migrate = |token: &str| t.post(MIGRATE, json!({"session_token": token, "organization_id": acme}));
        migrate("old").await.fails(400, "migrate_from_external_missing_userinfo");
        t.set(json!({"zero_downtime_session_migration_url": USERINFO})).await;
        migrate("old").await.fails(400, "migrate_from_external_unexpected_response");
        t.web.answers(USERINFO, 200, &json!({"sub": "1", "email": ADA, "email_verified": true}).to_string());
        let login = migrate("old").await.ok();
        assert_eq!(t.web.last_bearer(USERINFO).as_deref(), Some("old"));
        let factor = &login["member_session"]["authentication_factors"][0];
        assert_eq!((&factor["type"], &factor["delivery_method"]), (&json!("imported"), &json!("imported_auth0")));
        assert_eq!(login["member"]["email_address"], ADA);
        t.post("/v1/b2b/sessions/authenticate", json!({"session_token": login["session_token"]})).await.ok();

        for (status, body, expected) in [
            (401, json!({"email": ADA}).to_string(), "migrate_from_external_unexpected_response"),
            (302, json!({"email": ADA}).to_string(), "migrate_from_external_unexpected_response"),
            (200, "<html>".to_owned(), "migrate_from_external_unexpected_response"),
            (200, json!({"sub": "1"}).to_string(), "migrate_from_external_unexpected_response"),
            (200, json!({"email": ADA, "email_verified": false}).to_string(), "migrate_from_external_unexpected_response"),
            (200, json!({"email": "eve@acme.example"}).to_string(), "migrate_from_external_email_does_not_exist"),
        ] {
            t.web.answers(USERINFO, status, &body);
            migrate("old").await.fails(400, expected);
        }
        for token in ["", "with space", "line\nbreak"] {
            let answer = migrate(token).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
        }
        t.post(MIGRATE, json!({"session_token": "old", "organization_id": "unknown"})).await.fails(404, "organization_not_found");
    }

    async fn profiles_are_kept_as_they_are_written(t) {
        let operator = Operator::new(&t, KeyScope::ALL).await;
        let profiles = format!("{}/trusted_token_profiles", operator.own_place("/pwa/v3"));
        let new = json!({"name": "Pem", "audience": "acme", "issuer": "legacy", "pem_files": ["not a key\n", " second "], "public_key_type": "PEM", "can_jit_provision": true, "attribute_mapping": {"email": "mail"}});
        let created = operator.post(&profiles, new.clone()).await.ok()["profile"].take();
        assert_eq!(created["pem_files"][0]["public_key"], "not a key\n");
        assert_eq!(created["attribute_mapping"], json!({"email": "mail"}));
        let path = format!("{profiles}/{}", created["profile_id"].as_str().unwrap());
        assert_eq!(operator.get(&path).await.ok()["profile"], created);
        let changed = operator.patch(&path, json!({"name": "Other", "can_jit_provision": false})).await.ok()["profile"].take();
        assert_eq!((&changed["name"], &changed["audience"], &changed["can_jit_provision"]), (&json!("Other"), &json!("acme"), &json!(false)));
        let file = operator.post(&format!("{path}/keys"), json!({"public_key": "third"})).await.ok()["pem_file"].take();
        let file_path = format!("{path}/keys/{}", file["pem_file_id"].as_str().unwrap());
        assert_eq!(operator.get(&file_path).await.ok()["pem_file"], file);
        operator.delete(&file_path).await.ok();
        operator.get(&file_path).await.fails(404, "trusted_token_profile_not_found");
        for file in created["pem_files"].as_array().unwrap().iter().take(1) {
            operator.delete(&format!("{path}/keys/{}", file["pem_file_id"].as_str().unwrap())).await.ok();
        }
        let last = created["pem_files"][1]["pem_file_id"].as_str().unwrap();
        operator.delete(&format!("{path}/keys/{last}")).await.fails(400, "must_have_pem_files_for_trusted_token_profile_with_type_pem");
        let with = |more: Value| {
            let mut new = new.clone();
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            new
        };
        for (bad, expected) in [
            (with(json!({"pem_files": []})), "must_have_pem_files_for_trusted_token_profile_with_type_pem"),
            (with(json!({"pem_files": [1]})), "trusted_token_profile_invalid_request"),
            (with(json!({"public_key_type": "X509"})), "trusted_token_profile_invalid_request"),
            (with(json!({"public_key_type": "JWK", "pem_files": []})), "must_have_jwks_url_for_trusted_token_profile_with_type_jwk"),
            (with(json!({"public_key_type": "JWK", "pem_files": [], "jwks_url": "ftp://x"})), "trusted_token_profile_invalid_request"),
            (with(json!({"attribute_mapping": {"email": 1}})), "trusted_token_profile_invalid_request"),
            (with(json!({"name": ""})), "trusted_token_profile_invalid_request"),
        ] {
            operator.post(&profiles, bad).await.fails(400, expected);
        }
        let reader = Operator::new(&t, &[]).await;
        reader.delete(&path).await.fails(403, "unauthorized_action");
        operator.delete(&path).await.ok();
        operator.get(&path).await.fails(404, "trusted_token_profile_not_found");
        assert_eq!(operator.get(&profiles).await.ok()["profiles"], json!([]));
    }
}
