//! How members change their address by themselves, and let go of the old one.

use crate::callers::{
    Caller, Session, backend, backend_as, browser_as, is_alive, set_roles, sign_in, signed_in, text,
};
use crate::harness::{Server, query};
use crate::on_both_engines;
use serde_json::{Value, json};
use std::sync::Arc;

const NEW: &str = "ada@globex.example";
const OLD: &str = "ada@acme.example";
const SELF_START: &str = "/sdk/v1/b2b/organizations/members/start_email_update";
const SELF_UNLINK: &str = "/sdk/v1/b2b/organizations/members/unlink_retired_email";

/// The call about a member on either surface.
fn path(caller: &Caller<'_>, organization: &str, member: &str, call: &str) -> String {
    if caller.is_browser() {
        format!("/sdk/v1/b2b/organizations/members/{member}/{call}")
    } else {
        format!("/v1/b2b/organizations/{organization}/members/{member}/{call}")
    }
}

async fn start(t: &Server, organization: &str, member: &str, email: &str) -> crate::harness::Answer {
    let caller = backend(t);
    caller
        .post(&path(&caller, organization, member, "start_email_update"), json!({ "email_address": email }))
        .await
}

async fn start_with_code(t: &Server, organization: &str, member: &str, email: &str) {
    let body = json!({ "email_address": email, "delivery_method": "EMAIL_OTP" });
    let caller = backend(t);
    caller.post(&path(&caller, organization, member, "start_email_update"), body).await.ok();
}

async fn follow_link(t: &Server, email: &str) -> crate::harness::Answer {
    let token = t.last_token(email).await;
    t.post("/v1/b2b/magic_links/authenticate", json!({ "magic_links_token": token })).await
}

async fn enter(t: &Server, organization: &str, email: &str, code: &str) -> crate::harness::Answer {
    let body = json!({ "organization_id": organization, "email_address": email, "code": code });
    t.post("/v1/b2b/otps/email/authenticate", body).await
}

async fn member(t: &Server, organization: &str, member: &str) -> Value {
    let path = format!("/v1/b2b/organizations/{organization}/member?member_id={member}");
    backend(t).get(&path).await.ok()["member"].clone()
}

fn retired(member: &Value) -> Vec<&str> {
    let list = member["retired_email_addresses"].as_array().expect("a list");
    list.iter().map(|retired| retired["email_address"].as_str().expect("an address")).collect()
}

/// Acme with Ada, who has proven her address.
async fn acme_and_ada(t: &Server) -> (String, Session) {
    let acme = t.organization("Acme", json!({})).await;
    let ada = signed_in(t, &acme, OLD, &[]).await;
    (acme, ada)
}

on_both_engines! {
    async fn following_the_link_moves_the_member_to_its_new_address(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        let started = start(&t, &acme, &ada.member_id, "Ada@Globex.example").await.ok();
        assert_eq!(started["member"]["email_address"], OLD);
        let link = t.last_link(NEW).await;
        assert_eq!(query(&link, "stytch_token_type").as_deref(), Some("multi_tenant_magic_links"));
        assert_eq!(t.last_message(NEW).await["template_type"], "LOGIN");

        let login = follow_link(&t, NEW).await.ok();
        assert_eq!(login["member_authenticated"], true);
        assert_eq!(login["member_id"], json!(ada.member_id));
        let now = &login["member"];
        assert_eq!(now["email_address"], NEW);
        assert_eq!(now["email_address_verified"], true);
        assert_eq!(retired(now), [OLD]);
        assert_eq!(login["method_id"], login["member_session"]["authentication_factors"][0]["email_factor"]["email_id"]);
        assert_eq!(&member(&t, &acme, &ada.member_id).await, now);
        assert!(is_alive(&t, &ada).await, "the earlier session stays");

        follow_link(&t, NEW).await.fails(401, "unable_to_auth_magic_link");
        assert_eq!(sign_in(&t, &acme, NEW).await.member_id, ada.member_id);
    }

    async fn entering_the_code_does_the_same(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start_with_code(&t, &acme, &ada.member_id, NEW).await;
        let code = t.last_code(NEW).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        enter(&t, &acme, NEW, wrong).await.fails(404, "otp_code_not_found");
        let login = enter(&t, &acme, NEW, &code).await.ok();
        assert_eq!(login["member"]["email_address"], NEW);
        assert_eq!(login["member"]["email_address_verified"], true);
        assert_eq!(retired(&login["member"]), [OLD]);
        assert_eq!(login["member_session"]["authentication_factors"][0]["type"], "email_otp");
        enter(&t, &acme, NEW, &code).await.fails(401, "unable_to_auth_otp_code");
    }

    async fn the_own_session_goes_on_with_both_factors(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start_with_code(&t, &acme, &ada.member_id, NEW).await;
        let body = json!({
            "organization_id": acme, "email_address": NEW, "code": t.last_code(NEW).await, "session_token": ada.token,
        });
        let login = t.post("/v1/b2b/otps/email/authenticate", body).await.ok();
        assert_eq!(login["session_token"], json!(ada.token));
        assert_eq!(login["member_session"]["authentication_factors"].as_array().unwrap().len(), 2);
    }

    async fn what_took_more_than_five_minutes_changes_nothing(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        for by_code in [false, true] {
            if by_code {
                start_with_code(&t, &acme, &ada.member_id, NEW).await;
            } else {
                start(&t, &acme, &ada.member_id, NEW).await.ok();
            }
            let message = t.last_message(NEW).await;
            t.advance_minutes(5);
            if by_code {
                let code = text(&message["code"]);
                enter(&t, &acme, NEW, &code).await.fails(401, "unable_to_auth_otp_code");
            } else {
                follow_link(&t, NEW).await.fails(401, "unable_to_auth_magic_link");
            }
            assert_eq!(member(&t, &acme, &ada.member_id).await["email_address"], OLD);
        }
        // The last moment of the five minutes still counts.
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        t.advance_seconds(299);
        follow_link(&t, NEW).await.ok();
    }

    async fn the_new_address_is_kept_from_others_for_five_minutes(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        let taken = "desired_email_updating_for_different_member";
        start(&t, &acme, &bob.member_id, NEW).await.fails(400, taken);
        let members = format!("/v1/b2b/organizations/{acme}/members");
        t.post(&members, json!({ "email_address": NEW })).await.fails(400, taken);
        let invitation = json!({ "organization_id": acme, "email_address": NEW });
        t.post("/v1/b2b/magic_links/email/invite", invitation).await.fails(400, taken);
        t.put(&format!("{members}/{}", bob.member_id), json!({ "email_address": NEW })).await.fails(400, taken);
        // Another organization does not mind.
        let globex = t.organization("Globex", json!({})).await;
        t.member(&globex, NEW, json!({})).await;

        t.advance_minutes(5);
        start(&t, &acme, &bob.member_id, NEW).await.ok();
        start(&t, &acme, &ada.member_id, NEW).await.fails(400, taken);
        follow_link(&t, NEW).await.ok();
        assert_eq!(member(&t, &acme, &bob.member_id).await["email_address"], NEW);
        start(&t, &acme, &ada.member_id, NEW).await.fails(400, "duplicate_member_email");
        start(&t, &acme, &ada.member_id, "bob@acme.example").await.fails(400, "desired_email_deactivated_by_different_member");
    }

    async fn an_address_whose_time_is_over_is_free_for_a_new_member(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start_with_code(&t, &acme, &ada.member_id, NEW).await;
        let code = t.last_code(NEW).await;
        t.advance_minutes(5);
        let eve = t.member(&acme, NEW, json!({})).await;
        enter(&t, &acme, NEW, &code).await.fails(401, "unable_to_auth_otp_code");
        assert_eq!(sign_in(&t, &acme, NEW).await.member_id, eve);
        assert_eq!(member(&t, &acme, &ada.member_id).await["email_address"], OLD);
    }

    async fn a_later_change_voids_the_earlier_one(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        let first = t.last_token(NEW).await;
        start(&t, &acme, &ada.member_id, "ada@initech.example").await.ok();
        let follow = async |token: &str| t.post("/v1/b2b/magic_links/authenticate", json!({ "magic_links_token": token })).await;
        follow(&first).await.fails(400, "unable_to_verify_member_email_update");
        // And the first address is free again.
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        start(&t, &acme, &bob.member_id, NEW).await.ok();
        follow_link(&t, "ada@initech.example").await.ok();
        assert_eq!(member(&t, &acme, &ada.member_id).await["email_address"], "ada@initech.example");
    }

    async fn a_change_by_an_administrator_voids_the_members_own(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        let path = format!("/v1/b2b/organizations/{acme}/members/{}", ada.member_id);
        t.put(&path, json!({ "email_address": "ada@initech.example" })).await.ok();
        follow_link(&t, NEW).await.fails(400, "unable_to_verify_member_email_update");
        // A change of anything else does not.
        sign_in(&t, &acme, "ada@initech.example").await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        t.put(&path, json!({ "name": "Ada" })).await.ok();
        follow_link(&t, NEW).await.ok();
    }

    async fn a_member_returns_to_an_address_of_its_own(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        let first_id = member(&t, &acme, &ada.member_id).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        follow_link(&t, NEW).await.ok();
        for by_code in [false, true] {
            // A code that was sent for signing in is no consent to a change.
            enter(&t, &acme, OLD, "000000").await.fails(404, "otp_code_not_found");
            let login = if by_code {
                start_with_code(&t, &acme, &ada.member_id, OLD).await;
                let code = t.last_code(OLD).await;
                enter(&t, &acme, OLD, &code).await.ok()
            } else {
                start(&t, &acme, &ada.member_id, OLD).await.ok();
                // While the change waits, the address is still the member's own retired one.
                let taken = json!({ "email_address": OLD });
                t.post(&format!("/v1/b2b/organizations/{acme}/members"), taken).await.fails(400, "retired_member_email");
                follow_link(&t, OLD).await.ok()
            };
            assert_eq!(login["member"]["email_address"], OLD);
            assert_eq!(retired(&login["member"]), [NEW]);
            assert_eq!(first_id["retired_email_addresses"], json!([]));
            start(&t, &acme, &ada.member_id, NEW).await.ok();
            follow_link(&t, NEW).await.ok();
        }
        // A return that was not completed in time leaves the address with the member.
        start(&t, &acme, &ada.member_id, OLD).await.ok();
        t.advance_minutes(6);
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        start(&t, &acme, &bob.member_id, OLD).await.fails(400, "desired_email_deactivated_by_different_member");
    }

    async fn only_active_members_with_a_proven_address_can_start(t) {
        let acme = t.organization("Acme", json!({})).await;
        for (index, (fields, refusal)) in [
            (json!({ "create_member_as_pending": true }), "email_updates_available_only_for_active_members"),
            (json!({}), "member_has_no_active_verified_email"),
        ].into_iter().enumerate() {
            let id = t.member(&acme, &format!("m{index}@acme.example"), fields).await;
            start(&t, &acme, &id, NEW).await.fails(400, refusal);
        }
        let ada = signed_in(&t, &acme, OLD, &[]).await;
        backend(&t).delete(&format!("/v1/b2b/organizations/{acme}/members/{}", ada.member_id)).await.ok();
        start(&t, &acme, &ada.member_id, NEW).await.fails(404, "member_not_found");
        assert!(t.messages(NEW).await.is_empty());
    }

    async fn a_member_who_is_deleted_meanwhile_gets_nothing(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start_with_code(&t, &acme, &ada.member_id, NEW).await;
        let path = format!("/v1/b2b/organizations/{acme}/members/{}", ada.member_id);
        t.delete(&path).await.ok();
        let code = t.last_code(NEW).await;
        enter(&t, &acme, NEW, &code).await.fails(404, "otp_code_not_found");
        // Its reservation went with it.
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        start(&t, &acme, &bob.member_id, NEW).await.ok();
    }

    async fn a_locked_member_cannot_complete_a_change(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        t.set(json!({ "lock": { "threshold": 2, "ttl_seconds": 300 } })).await;
        start_with_code(&t, &acme, &ada.member_id, NEW).await;
        let code = t.last_code(NEW).await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for _ in 0..2 {
            enter(&t, &acme, NEW, wrong).await.fails(404, "otp_code_not_found");
        }
        enter(&t, &acme, NEW, &code).await.fails(429, "user_lock_limit_reached");
        assert_eq!(member(&t, &acme, &ada.member_id).await["email_address"], OLD);
    }

    async fn claims_are_respected_at_both_ends(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        let globex = t.organization("Globex", json!({ "claimed_email_domains": ["globex.example"] })).await;
        let refusal = "action_not_allowed_email_domain_is_claimed";
        follow_link(&t, NEW).await.fails(400, refusal);
        start(&t, &acme, &ada.member_id, NEW).await.fails(400, refusal);
        backend(&t).delete(&format!("/v1/b2b/organizations/{globex}")).await.ok();
        follow_link(&t, NEW).await.ok();
    }

    async fn every_broken_rule_of_starting_has_its_error(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        let caller = backend(&t);
        let path = path(&caller, &acme, &ada.member_id, "start_email_update");
        for (body, expected) in [
            (json!({}), "bad_request"),
            (json!({ "email_address": "ada" }), "invalid_email"),
            (json!({ "email_address": OLD }), "duplicate_member_email"),
            (json!({ "email_address": NEW, "delivery_method": "PIGEON" }), "invalid_argument"),
            (json!({ "email_address": NEW, "locale": "tlh" }), "invalid_locale"),
            (json!({ "email_address": NEW, "login_template_id": "ours" }), "invalid_template_id"),
            (json!({ "email_address": NEW, "login_redirect_url": "nowhere" }), "invalid_login_redirect_url"),
            (json!({ "email_address": NEW, "login_redirect_url": "https://evil.example" }), "no_match_for_provided_magic_link_url"),
        ] {
            caller.post(&path, body).await.fails(400, expected);
        }
        // A refused start holds nothing.
        t.member(&acme, NEW, json!({})).await;
    }

    async fn members_need_the_permission_and_start_for_themselves(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        set_roles(&t, &[("mailer", "stytch.member", &["update.info.email", "update.info.unlink.retired-email"])]).await;
        let mailer = signed_in(&t, &acme, "mel@acme.example", &["mailer"]).await;
        let bob = signed_in(&t, &acme, "bob@acme.example", &[]).await;
        t.put(&format!("/v1/b2b/organizations/{acme}/members/{}", bob.member_id), json!({ "external_id": "crm-bob" })).await.ok();
        let body = |email: &str| json!({ "email_address": email });
        for caller in [backend_as(&t, &bob), browser_as(&t, &bob)] {
            for call in ["start_email_update", "unlink_retired_email"] {
                let of_ada = path(&caller, &acme, &ada.member_id, call);
                caller.post(&of_ada, body(NEW)).await.fails(403, "session_authorization_error");
            }
            let own = path(&caller, &acme, &bob.member_id, "start_email_update");
            caller.post(&own, body("bob@globex.example")).await.ok();
            // Whoever a member is called by, it is itself.
            let own = path(&caller, &acme, "crm-bob", "start_email_update");
            caller.post(&own, body("bob@globex.example")).await.ok();
        }
        browser_as(&t, &bob).post(SELF_START, body("bob@globex.example")).await.ok();
        for caller in [backend_as(&t, &mailer), browser_as(&t, &mailer)] {
            let of_ada = path(&caller, &acme, &ada.member_id, "start_email_update");
            caller.post(&of_ada, body(NEW)).await.ok();
        }
        crate::callers::browser(&t).post(SELF_START, body(NEW)).await.fails(401, "user_unauthenticated");
        // a member or an organization that the body names does not matter.
        let named = json!({ "email_address": "bob@initech.example", "member_id": ada.member_id, "organization_id": "ghost" });
        let started = browser_as(&t, &bob).post(SELF_START, named).await.ok();
        assert_eq!(started["member_id"], json!(bob.member_id));
    }

    async fn a_retired_address_can_be_unlinked(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        for email in [NEW, "ada@initech.example", "ada@umbrella.example"] {
            start(&t, &acme, &ada.member_id, email).await.ok();
            follow_link(&t, email).await.ok();
        }
        let before = member(&t, &acme, &ada.member_id).await;
        assert_eq!(retired(&before), [OLD, NEW, "ada@initech.example"]);
        let id_of = |index: usize| before["retired_email_addresses"][index]["email_id"].clone();
        let caller = backend(&t);
        let unlink = path(&caller, &acme, &ada.member_id, "unlink_retired_email");
        for (body, status, refusal) in [
            (json!({}), 400, "retired_email_missing_email_identifiers"),
            (json!({ "email_id": "", "email_address": "" }), 400, "retired_email_missing_email_identifiers"),
            (json!({ "email_id": "x" }), 400, "invalid_id"),
            (json!({ "email_address": "x" }), 400, "invalid_email"),
            (json!({ "email_address": "ada@umbrella.example" }), 404, "email_not_found"),
            (json!({ "email_id": before["email_id"] , "email_address": "bob@acme.example" }), 404, "email_not_found"),
            (json!({ "email_id": id_of(0), "email_address": NEW }), 404, "email_not_found"),
            (json!({ "email_id": "email-live-00000000-0000-4000-8000-000000000000" }), 401, "live_id_used_in_test_environment"),
        ] {
            caller.post(&unlink, body).await.fails(status, refusal);
        }
        let answer = caller.post(&unlink, json!({ "email_id": id_of(0), "email_address": "ADA@acme.example" })).await.ok();
        assert_eq!(answer["organization_id"], json!(acme));
        assert_eq!(retired(&answer["member"]), [NEW, "ada@initech.example"]);
        let own = browser_as(&t, &ada);
        own.post(SELF_UNLINK, json!({ "email_address": NEW })).await.ok();
        let named = path(&own, &acme, &ada.member_id, "unlink_retired_email");
        let answer = own.post(&named, json!({ "email_id": id_of(2) })).await.ok();
        assert_eq!(answer["member"]["retired_email_addresses"], json!([]));
        assert_eq!(answer["member_id"], json!(ada.member_id));
        // What is unlinked is free.
        t.member(&acme, OLD, json!({})).await;
    }

    /// Of two members who want the same address at once, one gets it.
    async fn one_of_two_who_want_an_address_gets_it(t) {
        let acme = t.organization("Acme", json!({})).await;
        let mut ids = Vec::new();
        for index in 0..4 {
            ids.push(signed_in(&t, &acme, &format!("m{index}@acme.example"), &[]).await.member_id);
        }
        let t = Arc::new(t);
        let tasks: Vec<_> = ids.into_iter().map(|id| {
            let (t, acme) = (t.clone(), acme.clone());
            tokio::spawn(async move { start(&t, &acme, &id, NEW).await })
        }).collect();
        let mut started = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            if answer.status.is_success() {
                started += 1;
            } else {
                answer.fails(400, "desired_email_updating_for_different_member");
            }
        }
        assert_eq!(started, 1);
        text(&follow_link(&t, NEW).await.ok()["session_token"]);
    }

    /// A link is worth one change, however often it is followed at once.
    async fn one_of_many_who_follow_the_link_signs_in(t) {
        let (acme, ada) = acme_and_ada(&t).await;
        start(&t, &acme, &ada.member_id, NEW).await.ok();
        let link = json!({ "magic_links_token": t.last_token(NEW).await });
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..8).map(|_| {
            let (t, link) = (t.clone(), link.clone());
            tokio::spawn(async move { t.post("/v1/b2b/magic_links/authenticate", link).await })
        }).collect();
        let mut signed_in = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            if answer.status.is_success() {
                signed_in += 1;
            } else {
                answer.fails(401, "unable_to_auth_magic_link");
            }
        }
        assert_eq!(signed_in, 1);
    }
}
