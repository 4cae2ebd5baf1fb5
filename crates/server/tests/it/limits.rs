//! Rate limits (spec 01d §4).

use crate::harness::{Answer, Server};
use crate::on_both_engines;
use crate::second_factors::{ADA, AUTHENTICATE_SMS, Acme, PHONE, SEND as SEND_SMS, last_sms_code, session};
use futures_util::future::join_all;
use ostiary_core::rate_limit::{LimitField, LimitGroup, RateLimit, Window};
use ostiary_core::time::{SECOND, Timestamp};
use ostiary_server::jobs::upkeep;
use ostiary_server::ops::limits::leases::{Demand, Leases};
use ostiary_store::rate_limits;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

const SEND: &str = "/otps/email/login_or_signup";

/// Lets limits hold, with these windows in place of the default ones.
async fn limit(t: &Server, windows: Value) {
    t.set(json!({"rate_limits": {"enabled": true, "windows": windows}})).await;
    // A moment after a window has begun, so that none ends while a test is under way.
    let into_the_day = t.app.clock.now().seconds() % 86_400;
    t.advance_seconds(86_400 - into_the_day);
}

fn window(requests_max: u32, window_seconds: u32) -> Value {
    json!([{"requests_max": requests_max, "window_seconds": window_seconds}])
}

/// The same for text messages; what is not named is not limited.
async fn limit_messages(t: &Server, windows: Value) {
    let of = |name: &str| windows.get(name).cloned().unwrap_or_else(|| json!([]));
    let sends = json!({"phone": of("phone"), "phone_prefix": of("phone_prefix"), "member": of("member")});
    let unused = json!({"phone": of("unused")});
    let changes = json!({"member": of("changes")});
    limit(t, json!({"sms_sends": sends, "sms_unused": unused, "phone_changes": changes, "email_sends": {"email": []}}))
        .await;
}

async fn send(t: &Server, organization: &str, email: &str) -> Answer {
    let body = json!({"organization_id": organization, "email_address": email});
    t.post(&format!("/v1/b2b{SEND}"), body).await
}

/// How long to wait, as a refusal says.
fn wait_of(answer: &Answer) -> u64 {
    let header = answer.headers.get("retry-after").expect("a refusal says when to come again");
    header.to_str().ok().and_then(|text| text.parse().ok()).expect("whole seconds")
}

on_both_engines! {
    async fn an_address_gets_one_mail_in_a_window_by_whatever_endpoint_and_spelling(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        t.member(&organization, "bob@acme.example", json!({})).await;
        limit(&t, json!({"email_sends": {"email": window(1, 60)}})).await;
        send(&t, &organization, "ada@acme.example").await.ok();
        let body = json!({"organization_id": organization, "email_address": "ADA@Acme.Example"});
        for path in ["otps/email/login_or_signup", "magic_links/email/login_or_signup", "passwords/email/reset/start"] {
            let refused = t.post(&format!("/v1/b2b/{path}"), body.clone()).await;
            assert!((1..=60).contains(&wait_of(&refused)), "{path}");
            refused.fails(429, "too_many_requests");
        }
        let discovery = json!({"email_address": "ada@acme.example"});
        t.post("/v1/b2b/magic_links/email/discovery/send", discovery.clone()).await.fails(429, "too_many_requests");
        t.browser().post("/sdk/v1/b2b/otps/email/discovery/send", discovery).await.fails(429, "too_many_requests");
        assert_eq!(t.messages("ada@acme.example").await.len(), 1);

        send(&t, &organization, "bob@acme.example").await.ok();
        t.advance_seconds(60);
        send(&t, &organization, "ada@acme.example").await.ok();
    }

    async fn an_address_gets_one_mail_a_second_by_default(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        t.set(json!({"rate_limits": {"enabled": true}})).await;
        // A window may end between two of them, and no more than one in the time that this takes.
        let answers = join_all((0..20).map(|_| send(&t, &organization, "ada@acme.example"))).await;
        let sent = answers.iter().filter(|answer| answer.status == 200).count();
        assert!((1..=5).contains(&sent), "{sent}");
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(wait_of(refused), 1);
        }
        for _ in 0..40 {
            t.advance_seconds(1);
            send(&t, &organization, "ada@acme.example").await;
        }
        assert!((30..=35).contains(&t.messages("ada@acme.example").await.len()), "thirty an hour");
    }

    async fn limits_hold_where_the_environment_or_the_server_says_so(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        for settings in [json!({}), json!({"enabled": false, "windows": {"email_sends": {"email": window(1, 3600)}}})] {
            t.set(json!({"rate_limits": settings})).await;
            for _ in 0..3 {
                send(&t, &organization, "ada@acme.example").await.ok();
            }
        }
    }

    async fn parallel_requests_get_no_more_than_the_limit_and_all_of_it(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        // One where every request is a reservation, and one that is reserved in shares of two.
        for max in [7, 20] {
            limit(&t, json!({"email_sends": {"email": window(max, 3600)}})).await;
            let answers = join_all((0..40).map(|_| send(&t, &organization, "ada@acme.example"))).await;
            let sent = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(sent, usize::try_from(max).unwrap());
            assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 429)));
        }
    }

    async fn nodes_together_allow_no_more_than_the_limit(t) {
        let t = Arc::new(t);
        let Some(node) = t.another_node().await else { return };
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        for (max, least) in [(9, 9), (30, 27)] {
            limit(&t, json!({"email_sends": {"email": window(max, 3600)}})).await;
            node.app.refresh_projects().await.expect("the projects can be read");
            let offset = t.app.clock.now().micros() - node.app.clock.now().micros();
            node.app.clock.advance(offset);
            let body = json!({"organization_id": organization, "email_address": "ada@acme.example"});
            let path = format!("/v1/b2b{SEND}");
            let here = join_all((0..25).map(|_| t.post(&path, body.clone())));
            let there = join_all((0..25).map(|_| node.post(&path, body.clone())));
            let (here, there) = futures_util::future::join(here, there).await;
            let sent = here.iter().chain(&there).filter(|answer| answer.status == 200).count();
            assert!((least..=max as usize).contains(&sent), "{sent} of {max}");
        }
    }

    async fn what_one_limit_refuses_the_others_do_not_count(t) {
        let organization = t.organization("Acme", json!({})).await;
        for name in ["ada", "bob"] {
            t.member(&organization, &format!("{name}@acme.example"), json!({})).await;
        }
        limit(&t, json!({"email_sends": {"email": window(1, 60), "network": window(2, 60)}})).await;
        let body = |email: &str| json!({"organization_id": organization, "email_address": email});
        let path = format!("/sdk/v1/b2b{SEND}");
        t.browser().post(&path, body("ada@acme.example")).await.ok();
        for _ in 0..5 {
            t.browser().post(&path, body("ada@acme.example")).await.fails(429, "too_many_requests");
        }
        t.browser().post(&path, body("bob@acme.example")).await.ok();
        let refused = t.browser().post(&path, body("eve@acme.example")).await;
        assert!(refused.headers.contains_key("access-control-allow-origin"), "a page can read why");
        refused.fails(429, "too_many_requests");
        let page = t.app.metrics.exposition();
        for (field, count) in [("email", 5), ("network", 1)] {
            let series = format!("ostiary_rate_limited_total{{group=\"email_sends\",field=\"{field}\"}} {count}\n");
            assert!(page.contains(&series), "{series}");
        }
    }

    async fn callers_of_the_browser_api_are_counted_by_network_and_backends_are_not(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        limit(&t, json!({"authentications": {"network": window(3, 60)}})).await;
        let session = t.sign_in(&organization, "ada@acme.example").await["session_token"].clone();
        let guess = json!({"organization_id": organization, "email_address": "ada@acme.example", "code": "000000"});
        for _ in 0..3 {
            t.browser().post("/sdk/v1/b2b/otps/email/authenticate", guess.clone()).await.fails(404, "otp_code_not_found");
        }
        let link = json!({"magic_links_token": "x".repeat(44)});
        t.browser().post("/sdk/v1/b2b/magic_links/authenticate", link).await.fails(429, "too_many_requests");
        t.post("/v1/b2b/otps/email/authenticate", guess).await.fails(404, "otp_code_not_found");
        for _ in 0..10 {
            t.post("/v1/b2b/sessions/authenticate", json!({"session_token": session})).await.ok();
        }
    }

    async fn searches_and_imports_are_counted_by_project(t) {
        let organization = t.organization("Acme", json!({})).await;
        limit(&t, json!({
            "searches": {"project": window(2, 60)},
            "password_migrations": {"project": window(1, 60)},
        })).await;
        let search = "/v1/b2b/organizations/members/search";
        t.post(search, json!({"organization_ids": [organization]})).await.ok();
        t.post("/v1/b2b/organizations/search", json!({})).await.ok();
        t.post(search, json!({"organization_ids": [organization]})).await.fails(429, "too_many_requests");
        let migrate = |email: &str| json!({
            "organization_id": organization, "email_address": email, "hash_type": "md_5",
            "hash": "5f4dcc3b5aa765d61d8327deb882cf99",
        });
        t.post("/v1/b2b/passwords/migrate", migrate("ada@acme.example")).await.ok();
        t.post("/v1/b2b/passwords/migrate", migrate("bob@acme.example")).await.fails(429, "too_many_requests");
    }

    async fn messages_to_a_number_to_its_neighbours_and_to_a_member_are_counted(t) {
        limit_messages(&t, json!({"phone": window(2, 3600), "phone_prefix": window(3, 3600), "member": window(5, 3600)})).await;
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let send = async |number: &str| {
            t.post(SEND_SMS, acme.body(json!({"mfa_phone_number": number, "intermediate_session_token": ist}))).await
        };
        send(PHONE).await.ok();
        send(PHONE).await.ok();
        let refused = send(PHONE).await;
        assert!(wait_of(&refused) <= 3600);
        refused.fails(429, "too_many_requests");
        send("+12025550124").await.ok();
        send("+12025550124").await.fails(429, "too_many_requests");
        send("+12025550125").await.fails(429, "too_many_requests");
        for number in ["+12125550123", "+12135550123"] {
            send(number).await.ok();
        }
        send("+12145550123").await.fails(429, "too_many_requests");
        assert_eq!(acme.ada(&t).await["mfa_phone_number"], "+12135550123", "a refused call changes nothing");
        for _ in 0..6 {
            send("+10000000000").await.ok();
        }
    }

    async fn numbers_whose_codes_nobody_enters_get_no_more(t) {
        limit_messages(&t, json!({"unused": window(2, 86_400)})).await;
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let body = acme.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist}));
        t.post(SEND_SMS, body.clone()).await.ok();
        let code = last_sms_code(&t, PHONE).await;
        let entered = acme.body(json!({"code": code, "intermediate_session_token": ist}));
        let session = session(&t.post(AUTHENTICATE_SMS, entered).await.ok());
        let again = acme.body(json!({"session_token": session}));
        t.post(SEND_SMS, again.clone()).await.ok();
        t.post(SEND_SMS, again.clone()).await.ok();
        t.post(SEND_SMS, again).await.fails(429, "too_few_tokens_authenticated");
        let login = t.sign_in(&acme.organization, ADA).await;
        assert_eq!(login["mfa_required"]["secondary_auth_initiated"], Value::Null, "the login goes on without");
        assert_eq!(login["mfa_required"]["member_options"]["mfa_phone_number"], PHONE);
    }

    async fn a_member_is_not_given_number_after_number(t) {
        limit_messages(&t, json!({"changes": window(2, 86_400)})).await;
        let acme = Acme::strict(&t).await;
        let ist = acme.begin(&t).await;
        let send = async |number: &str| {
            t.post(SEND_SMS, acme.body(json!({"mfa_phone_number": number, "intermediate_session_token": ist}))).await
        };
        send("+12025550123").await.ok();
        send("+12125550123").await.ok();
        send("+12135550123").await.fails(429, "too_many_unverified_factors");
        send("+12125550123").await.ok();
    }

    async fn rows_of_windows_that_are_over_are_removed(t) {
        let organization = t.organization("Acme", json!({})).await;
        t.member(&organization, "ada@acme.example", json!({})).await;
        limit(&t, json!({"email_sends": {"email": window(1, 60)}})).await;
        send(&t, &organization, "ada@acme.example").await.ok();
        let count = || async {
            let rows = t.app.store.reader().row(ostiary_store::sql!("SELECT count(*) FROM rate_limits"), &[]).await;
            rows.unwrap().unwrap().get::<i64>(0).unwrap()
        };
        upkeep::delete_expired(t.app.clone()).await.unwrap();
        assert_eq!(count().await, 1);
        t.advance_seconds(61);
        upkeep::delete_expired(t.app.clone()).await.unwrap();
        assert_eq!(count().await, 0);
    }

    async fn who_asks_in_a_loop_costs_the_database_nothing(t) {
        let leases = Leases::default();
        let (scope, now) = (scope(&t), Timestamp::from_micros(0));
        let demand = demand(1, 60);
        assert_eq!(leases.take(&t.app.store, scope, &[demand], now).await.unwrap(), Ok(()));
        let refused = leases.take(&t.app.store, scope, &[demand], now).await.unwrap().unwrap_err();
        assert_eq!(refused.again_at, Timestamp::from_micros(60 * SECOND));
        t.app.store.close().await;
        assert_eq!(leases.take(&t.app.store, scope, &[demand], now).await.unwrap(), Err(refused));
    }

    async fn a_clock_that_was_set_back_locks_nobody_out(t) {
        let scope = scope(&t);
        let at = |seconds: i64| demand(1, 60).reservation(Timestamp::from_micros(seconds * SECOND));
        let reserve = |seconds: i64| {
            let store = t.app.store.clone();
            let reservation = at(seconds);
            async move {
                store.write(move |tx| async move { rate_limits::reserve(&tx, scope, &reservation).await }).await.unwrap()
            }
        };
        assert!(reserve(7200).await);
        assert!(!reserve(7199).await, "a node that is a second behind counts in the window of the others");
        assert!(reserve(3600).await, "an hour back is another time");
        assert!(!reserve(3600).await);
    }
}

fn scope(t: &Server) -> ostiary_store::Scope {
    t.app.projects.by_id(t.project.project_id).expect("the project is there").scope()
}

fn demand(requests_max: u32, window_seconds: u32) -> Demand {
    let window = Window { requests_max, window_seconds };
    let limit = RateLimit { group: LimitGroup::EmailSends, field: LimitField::Email, window };
    Demand { limit, key: [7; 32] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However requests fall on nodes and moments, no window takes more than its limit, and one node alone takes all.
    #[test]
    fn no_window_takes_more_than_its_limit(
        requests_max in 1_u32..60,
        requests in prop::collection::vec((0_usize..3, 0_i64..3), 1..150),
        nodes in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (taken, asked) = runtime.block_on(async {
            let t = crate::harness::start(ostiary_store::seam::Engine::Sqlite).await.expect("SQLite is always there");
            let all: Vec<Leases> = (0..nodes).map(|_| Leases::default()).collect();
            let (mut taken, mut asked) = ([0_u32; 3], [0_u32; 3]);
            let mut sorted = requests.clone();
            sorted.sort_by_key(|(_, window)| *window);
            for (node, window) in sorted {
                let now = Timestamp::from_micros(window * 60 * SECOND + 1);
                let demand = demand(requests_max, 60);
                let answer = all[node % nodes].take(&t.app.store, scope(&t), &[demand], now).await.unwrap();
                let window = usize::try_from(window).unwrap();
                asked[window] += 1;
                taken[window] += u32::from(answer.is_ok());
            }
            (taken, asked)
        });
        for (taken, asked) in taken.into_iter().zip(asked) {
            prop_assert!(taken <= requests_max);
            let others = u32::try_from(nodes - 1).unwrap() * (requests_max / 10);
            prop_assert!(taken >= asked.min(requests_max - others.min(requests_max)), "{taken} of {asked}");
        }
    }
}
