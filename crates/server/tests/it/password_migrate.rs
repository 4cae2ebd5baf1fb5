//! Passwords of other systems: every type of hash is taken over, signs its member in, and is replaced by then.

use crate::harness::Server;
use crate::on_both_engines;
use ostiary_core::ids::{EnvironmentKind, MemberId};
use ostiary_proto::password_hash::PasswordHash;
use ostiary_store::passwords::{PasswordOwner, find};
use serde_json::{Value, json};

const MIGRATE: &str = "/v1/b2b/passwords/migrate";
const AUTHENTICATE: &str = "/v1/b2b/passwords/authenticate";
const ADA: &str = "ada@acme.example";
/// Published for the password `U*U`.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// A published hash of each type, as a request carries it, and its password.
fn published() -> Vec<(Value, &'static str)> {
    let scrypt = "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
    vec![
        (json!({"hash_type": "bcrypt", "hash": BCRYPT}), "U*U"),
        (json!({"hash_type": "md_5", "hash": "8743b52063cd84097a65d1633f5c74f5"}), "hashcat"),
        (
            json!({
                "hash_type": "md_5", "hash": "01dfae6e5d4d90d9892622325959afbe",
                "md_5_config": {"prepend_salt": "", "append_salt": "7050461"}
            }),
            "hashcat",
        ),
        (
            json!({
                "hash_type": "sha_1", "hash": "2fc5a684737ce1bf7b3b239df432416e0dd07357",
                "sha_1_config": {"append_salt": "2014"}
            }),
            "hashcat",
        ),
        (
            json!({
                "hash_type": "sha_512",
                "hash": "82a9dda829eb7f8ffe9fbe49e45d47d2dad9664fbb7adf72492e3c81ebd3e29134d9bc12212bf83c6840f10e8246b9db54a4859b7ccd0123d86e5872c1e5082f",
            }),
            "hashcat",
        ),
        (
            json!({
                "hash_type": "argon_2id", "hash": "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
                "argon_2_config": {
                    "salt": "somesalt", "iteration_amount": 2, "memory": 256, "threads": 1, "key_length": 32
                }
            }),
            "password",
        ),
        (
            json!({
                "hash_type": "argon_2i", "hash":
                "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"
            }),
            "password",
        ),
        (
            json!({
                "hash_type": "scrypt", "hash": scrypt,
                "scrypt_config": {
                    "salt": "U29kaXVtQ2hsb3JpZGU=", "n_parameter": 16384, "r_parameter": 8, "p_parameter": 1,
                    "key_length": 64
                }
            }),
            "pleaseletmein",
        ),
        (
            json!({"hash_type": "scrypt", "hash": format!("$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU${scrypt}")}),
            "pleaseletmein",
        ),
        (json!({"hash_type": "phpass", "hash": "$P$984478476IagS59wHZvyQMArzfx58u."}), "hashcat"),
        (
            json!({
                "hash_type": "pbkdf_2",
                "hash": "hn9wzxreAs/zdSWZo6U9xK80x6ZpgVrl1RNVThyM8lI=",
                "pbkdf_2_config": {"salt": "c2FsdA==", "iteration_amount": 1, "key_length": 32, "algorithm": "sha512"}
            }),
            "password",
        ),
        (
            json!({
                "hash_type": "firebase_scrypt",
                "hash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
                "firebase_scrypt_config": {
                    "salt": "42xEC+ixf3L2lw==", "salt_separator": "Bw==", "rounds": 8, "mem_cost": 14,
                    "signer_key":
                        "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
                }
            }),
            "user1password",
        ),
    ]
}

/// The stored hash of a member, opened as only the server can.
async fn stored(t: &Server, member: &str) -> String {
    let id = MemberId::parse(member, EnvironmentKind::Test).unwrap();
    let scope = t.app.projects.by_id(t.project.project_id).unwrap().scope();
    let found = find(&t.app.store.reader(), scope, &PasswordOwner::Member(id)).await.unwrap().unwrap();
    let text = t.app.master_key.open(&format!("password {}", found.id), &found.hash_sealed).unwrap();
    String::from_utf8(text).unwrap()
}

on_both_engines! {
    async fn every_type_signs_in_and_is_replaced(t) {
        let acme = t.organization("Acme", json!({})).await;
        for (number, (mut body, password)) in published().into_iter().enumerate() {
            let email = format!("member{number}@acme.example");
            body["organization_id"] = json!(acme);
            body["email_address"] = json!(email);
            let migrated = t.post(MIGRATE, body.clone()).await.ok();
            let member = migrated["member_id"].as_str().unwrap().to_owned();
            assert_eq!(migrated["member_created"], true);
            assert_eq!((&migrated["member"]["status"], &migrated["member"]["email_address_verified"]),
                (&json!("active"), &json!(true)));
            assert!(!stored(&t, &member).await.starts_with("$argon2id$v=19$m=64,"), "{body}");
            let sign_in = |password: &str| t.post(AUTHENTICATE, json!({
                "organization_id": acme, "email_address": email, "password": password
            }));
            sign_in("wrong").await.fails(401, "unauthorized_credentials");
            assert!(!stored(&t, &member).await.starts_with("$argon2id$v=19$m=64,"), "{body}");
            let first = sign_in(password).await.ok();
            assert_eq!(first["member_id"], json!(member));
            let text = stored(&t, &member).await;
            assert!(text.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{body}");
            let hash = PasswordHash::parse(&text).unwrap();
            assert!(hash.verify(password.as_bytes(), &mut Default::default()));
            let second = sign_in(password).await.ok();
            assert_eq!(second["member"]["member_password_id"], first["member"]["member_password_id"]);
            assert_eq!(stored(&t, &member).await, text);
            t.post(MIGRATE, body).await.fails(400, "password_already_exists");
        }
    }

    async fn refusals_name_what_is_wrong(t) {
        let acme = t.organization("Acme", json!({})).await;
        let migrate = |more: Value| {
            let mut body = json!({"organization_id": acme, "email_address": ADA});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            t.post(MIGRATE, body)
        };
        let hex = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe";
        let argon = |memory: i64, iterations: i64| json!({
            "hash_type": "argon_2id", "hash": hex, "argon_2_config": {
                "salt": "somesalt", "iteration_amount": iterations, "memory": memory, "threads": 1, "key_length": 32
            }
        });
        let scrypt = |n: i64| json!({
            "hash_type": "scrypt", "hash": "aGFzaA==", "scrypt_config": {
                "salt": "c2FsdA==", "n_parameter": n, "r_parameter": 8, "p_parameter": 1, "key_length": 4
            }
        });
        let pbkdf2 = |iterations: i64| json!({
            "hash_type": "pbkdf_2", "hash": "aGFzaA==", "pbkdf_2_config": {
                "salt": "c2FsdA==", "iteration_amount": iterations, "key_length": 4, "algorithm": "sha256"
            }
        });
        let long_salt = "s".repeat(1025);
        let with = |mut body: Value, config: &str, field: &str, value: Value| {
            body[config][field] = value;
            body
        };
        let with_hash = |mut body: Value, hash: &str| {
            body["hash"] = json!(hash);
            body
        };
        let work_before = t.password_work();
        for (body, expected) in [
            (json!({"hash_type": "sha_256", "hash": hex}), "invalid_hash_type"),
            (json!({"hash_type": "", "hash": hex}), "invalid_hash_type"),
            (json!({"hash_type": "bcrypt", "hash": "x"}), "invalid_bcrypt_hash"),
            (json!({"hash_type": "bcrypt", "hash": BCRYPT.replace("$05$", "$31$")}), "invalid_bcrypt_cost"),
            (json!({"hash_type": "md_5", "hash": hex}), "invalid_md_5_hash"),
            (json!({"hash_type": "sha_1", "hash": hex}), "invalid_sha_1_hash"),
            (json!({"hash_type": "sha_512", "hash": hex}), "invalid_sha_512_hash"),
            (json!({"hash_type": "phpass", "hash": hex}), "invalid_phpass_hash_prefix"),
            (json!({"hash_type": "argon_2id", "hash": "$argon2id$"}), "invalid_hash"),
            (json!({"hash_type": "phpass", "hash": "$P$9844"}), "invalid_phpass_hash_format"),
            (json!({"hash_type": "md_5", "hash": hex[..32], "md_5_config": {"prepend_salt": long_salt}}), "invalid_prepend_salt"),
            (json!({"hash_type": "md_5", "hash": hex[..32], "md_5_config": {"append_salt": long_salt}}), "invalid_append_salt"),
            (with(argon(256, 1), "argon_2_config", "key_length", json!(31)), "argon_2_key_length_mismatch"),
            (with(argon(256, 1), "argon_2_config", "key_length", json!(1_i64 << 40)), "invalid_argon_2_key_length"),
            (with(argon(256, 1), "argon_2_config", "salt", json!("short")), "invalid_argon_2_salt"),
            (with(argon(256, 1), "argon_2_config", "threads", json!(0)), "invalid_argon_2_threads"),
            (with(argon(256, 1), "argon_2_config", "threads", json!(1_i64 << 40)), "invalid_argon_2_threads"),
            (with(argon(256, 1), "argon_2_config", "iteration_amount", json!(0)), "invalid_argon_2_iteration_amount"),
            (with(argon(256, 1), "argon_2_config", "memory", json!(-1)), "invalid_argon_2_memory"),
            (with(scrypt(16), "scrypt_config", "r_parameter", json!(1_i64 << 40)), "invalid_scrypt_parameters"),
            (with(scrypt(16), "scrypt_config", "p_parameter", json!(0)), "invalid_scrypt_parameters"),
            (with(scrypt(16), "scrypt_config", "salt", json!("%")), "invalid_base64_scrypt_salt"),
            (with(scrypt(16), "scrypt_config", "salt", json!("A".repeat(400))), "invalid_scrypt_salt_length"),
            (with(scrypt(16), "scrypt_config", "key_length", json!(5)), "scrypt_key_length_mismatch"),
            (with_hash(scrypt(16), "%"), "invalid_base64_scrypt_hash"),
            (with_hash(pbkdf2(1), "%"), "invalid_pbkdf_2_hash"),
            (with(pbkdf2(1), "pbkdf_2_config", "salt", json!("%")), "invalid_pbkdf_2_salt"),
            (with(pbkdf2(1), "pbkdf_2_config", "algorithm", json!("md5")), "invalid_pbkdf_2_algorithm"),
            (with(pbkdf2(1), "pbkdf_2_config", "key_length", json!(5)), "pbkdf_2_key_length_mismatch"),
            (with(pbkdf2(1), "pbkdf_2_config", "iteration_amount", json!(0)), "invalid_pbkdf_2_iteration_amount"),
            (with_hash(json!({"hash_type": "scrypt"}), "$scrypt$ln=40,r=8,p=1$c2FsdA$aGFzaA"), "invalid_scrypt_n_parameter"),
            (argon(1 << 40, 1), "invalid_argon_2_memory"),
            (argon(256, 1 << 40), "invalid_argon_2_iteration_amount"),
            (scrypt(1 << 40), "invalid_scrypt_n_parameter"),
            (scrypt(1000), "invalid_scrypt_n_parameter"),
            (pbkdf2(1 << 40), "invalid_pbkdf_2_iteration_amount"),
            (json!({"hash_type": "argon_2id", "hash": hex}), "bad_request"),
            (json!({"hash_type": "scrypt", "hash": "aGFzaA=="}), "bad_request"),
            (json!({"hash_type": "pbkdf_2", "hash": "aGFzaA=="}), "bad_request"),
            (json!({"hash_type": "md_5", "hash": 1}), "bad_request"),
            (json!({"hash_type": "md_5"}), "bad_request"),
            (json!({"hash": hex}), "bad_request"),
        ] {
            let refused = migrate(body.clone()).await;
            assert_eq!(refused.body["error_type"], expected, "{body}");
            refused.fails(400, expected);
        }
        assert_eq!(t.password_work(), work_before, "nothing was computed");
        let long = "x".repeat(8193);
        migrate(json!({"hash_type": "bcrypt", "hash": long})).await.fails(400, "invalid_request_value");
        let path = format!("/v1/b2b/organizations/{acme}/member?email_address={ADA}");
        t.get(&path).await.fails(404, "member_not_found");
    }

    async fn a_member_comes_along_with_all_that_is_known(t) {
        let acme = t.organization("Acme", json!({})).await;
        let body = json!({
            "organization_id": acme, "email_address": ADA, "hash_type": "bcrypt", "hash": BCRYPT, "name": "Ada",
            "external_id": "legacy-1", "trusted_metadata": {"plan": "pro"}, "untrusted_metadata": {"theme": "dark"},
            "roles": ["stytch_admin"], "mfa_phone_number": "+12025550162", "set_phone_number_verified": true,
            "preserve_existing_sessions": false,
        });
        let mut unknown_role = body.clone();
        unknown_role["roles"] = json!(["nobody"]);
        t.post(MIGRATE, unknown_role).await.fails(400, "invalid_role");
        let migrated = t.post(MIGRATE, body).await.ok();
        let member = &migrated["member"];
        assert_eq!((&member["name"], &member["external_id"]), (&json!("Ada"), &json!("legacy-1")));
        assert_eq!((&member["trusted_metadata"]["plan"], &member["untrusted_metadata"]["theme"]),
            (&json!("pro"), &json!("dark")));
        assert_eq!((&member["is_admin"], &member["mfa_phone_number_verified"]), (&json!(true), &json!(true)));
        assert_eq!(member["mfa_phone_number"], "+12025550162");
        let body = json!({
            "organization_id": acme, "email_address": "bob@acme.example", "hash_type": "bcrypt", "hash": BCRYPT,
            "set_phone_number_verified": true
        });
        t.post(MIGRATE, body).await.fails(400, "invalid_argument");
    }

    async fn a_member_who_is_there_gets_the_password_and_becomes_active(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, ADA, json!({"create_member_as_pending": true, "roles": ["stytch_admin"]})).await;
        let session_before = json!({
            "organization_id": acme, "email_address": ADA, "hash_type": "bcrypt", "hash": BCRYPT, "roles": [],
            "external_id": "only at creation"
        });
        let migrated = t.post(MIGRATE, session_before).await.ok();
        assert_eq!((&migrated["member_id"], &migrated["member_created"]), (&json!(ada), &json!(false)));
        assert_eq!((&migrated["member"]["status"], &migrated["member"]["is_admin"]), (&json!("active"), &json!(false)));
        assert_eq!(migrated["member"]["external_id"], Value::Null);
        let body = json!({"organization_id": acme, "email_address": ADA, "password": "U*U"});
        assert_eq!(t.post(AUTHENTICATE, body).await.ok()["member_authenticated"], true);
    }
}
