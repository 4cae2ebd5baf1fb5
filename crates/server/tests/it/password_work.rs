//! How much work an answer about a password is, which must not tell who is a member. Work is counted, not timed.

use crate::harness::Server;
use crate::on_both_engines;
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

const MIGRATE: &str = "/v1/b2b/passwords/migrate";
/// Published for the password `U*U`, at a cost that is far from that of this server's scheme.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// The work that a browser causes by trying a password, in microseconds.
async fn work(t: &Server, path: &str, organization: &str, email: &str, password: &str) -> u64 {
    let before = t.password_work();
    let body = json!({
        "organization_id": organization, "email_address": email, "password": password, "existing_password": password,
        "new_password": "seven quiet lighthouses at five", "session_duration_minutes": 60,
    });
    let refused = t.browser().call(Method::POST, &format!("/sdk/v1/b2b/passwords/{path}"), Some(body)).await;
    refused.fails(401, "unauthorized_credentials");
    t.password_work() - before
}

async fn import(t: &Server, organization: &str, email: &str, hash: Value) {
    let mut body = json!({"organization_id": organization, "email_address": email});
    body.as_object_mut().unwrap().extend(hash.as_object().unwrap().clone());
    t.post(MIGRATE, body).await.ok();
}

on_both_engines! {
    async fn an_address_with_an_imported_password_takes_no_other_work_than_one_without(t) {
        t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 3600}})).await;
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        let nobody_has_one = work(&t, "authenticate", &acme, "eve@acme.example", "wrong").await;
        assert_eq!(nobody_has_one, t.app.hashing.params().work_micros());

        import(&t, &acme, "ada@acme.example", json!({"hash_type": "bcrypt", "hash": BCRYPT})).await;
        for path in ["authenticate", "existing_password/reset"] {
            let member = work(&t, path, &acme, "ada@acme.example", "wrong").await;
            assert!(member > nobody_has_one, "a bcrypt hash is more work than these tests' own");
            for email in ["bob@acme.example", "eve@acme.example", "mallory@elsewhere.example"] {
                assert_eq!(work(&t, path, &acme, email, "wrong").await, member, "{path} {email}");
                assert_eq!(work(&t, path, &acme, email, "U*U").await, member, "Ada's password tells nothing");
            }
        }
    }

    async fn strangers_take_the_work_of_members_in_the_same_mixture(t) {
        t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 3600}})).await;
        let acme = t.organization("Acme", json!({})).await;
        let mut of_members = HashSet::new();
        for (name, hash) in [
            ("ada", json!({"hash_type": "bcrypt", "hash": BCRYPT})),
            ("bob", json!({"hash_type": "md_5", "hash": "8743b52063cd84097a65d1633f5c74f5"})),
            ("cid", json!({"hash_type": "phpass", "hash": "$P$984478476IagS59wHZvyQMArzfx58u."})),
        ] {
            let email = format!("{name}@acme.example");
            import(&t, &acme, &email, hash).await;
            of_members.insert(work(&t, "authenticate", &acme, &email, "wrong").await);
        }
        assert_eq!(of_members.len(), 3);
        let mut of_strangers = HashSet::new();
        for number in 0..60 {
            let email = format!("stranger{number}@acme.example");
            let first = work(&t, "authenticate", &acme, &email, "wrong").await;
            assert_eq!(work(&t, "authenticate", &acme, &email, "other").await, first, "an address does not change");
            of_strangers.insert(first);
        }
        // One of three in sixty draws is missed less often than once in ten million runs, ids being evenly spread.
        assert!(of_strangers.is_subset(&of_members) && of_strangers.len() >= 2, "{of_strangers:?}");
    }

    async fn discovery_does_not_tell_either(t) {
        t.set(json!({"cross_org_passwords_enabled": true})).await;
        let acme = t.organization("Acme", json!({})).await;
        import(&t, &acme, "ada@acme.example", json!({"hash_type": "bcrypt", "hash": BCRYPT})).await;
        let member = work(&t, "discovery/authenticate", &acme, "ada@acme.example", "wrong").await;
        assert_eq!(work(&t, "discovery/authenticate", &acme, "eve@acme.example", "wrong").await, member);
    }
}
