//! Two nodes on one database behave as one server.

use crate::on_both_engines;
use serde_json::json;
use std::sync::Arc;

const AUTHENTICATE: &str = "/v1/b2b/sessions/authenticate";

on_both_engines! {
    /// A revoked session is refused by the next call on every node, although each node keeps answers for a while.
    async fn revocation_is_immediate_everywhere(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let login = t.sign_in(&acme, "ada@acme.example").await;
        let check = json!({"session_token": login["session_token"]});
        for _ in 0..2 {
            t.post(AUTHENTICATE, check.clone()).await.ok();
            second.post(AUTHENTICATE, check.clone()).await.ok();
        }
        t.post("/v1/b2b/sessions/revoke", check.clone()).await.ok();
        second.post(AUTHENTICATE, check.clone()).await.fails(404, "session_not_found");
        second.post(AUTHENTICATE, json!({"session_jwt": login["session_jwt"]})).await.fails(404, "session_not_found");
    }

    async fn a_link_that_one_node_sends_works_once_on_all(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        let second = Arc::new(second);
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        t.post("/v1/b2b/magic_links/email/login_or_signup", json!({"organization_id": acme, "email_address": "ada@acme.example"})).await.ok();
        let body = json!({"magic_links_token": t.last_token("ada@acme.example").await});
        let mut tasks = Vec::new();
        for index in 0..50 {
            let (t, second, body) = (t.clone(), second.clone(), body.clone());
            tasks.push(tokio::spawn(async move {
                let path = "/v1/b2b/magic_links/authenticate";
                let answer = if index % 2 == 0 { t.post(path, body).await } else { second.post(path, body).await };
                answer.status.as_u16()
            }));
        }
        let mut won = 0;
        for task in tasks {
            won += u32::from(task.await.unwrap() == 200);
        }
        assert_eq!(won, 1);
    }

    /// Settings and signing keys reach the other node with its next look at the versions.
    async fn settings_and_keys_spread(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        t.set(json!({"session_duration_minutes_max": 5})).await;
        second.app.refresh_projects().await.unwrap();
        let project = second.app.projects.by_id(t.project.project_id).unwrap();
        assert_eq!(project.environment.settings.session_duration_minutes_max, Some(5));
        let scope = project.scope();
        t.advance_minutes(90);
        ostiary_server::ops::projects::rotate_signing_key(&t.app, scope, t.app.clock.now()).await.unwrap();
        t.advance_minutes(90);
        ostiary_server::ops::projects::rotate_signing_key(&t.app, scope, t.app.clock.now()).await.unwrap();
        second.app.refresh_projects().await.unwrap();
        let keys = |app: &ostiary_server::app::App| app.projects.by_env(scope.env).unwrap().keys.jwks(t.app.clock.now());
        assert_eq!(keys(&t.app), keys(&second.app));
        assert_eq!(keys(&t.app).as_array().unwrap().len(), 3);
    }

    /// Two nodes deliver the outbox at the same time, and every message goes out once.
    async fn the_outbox_sends_nothing_twice(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        for index in 0..40 {
            let address = format!("user{index}@acme.example");
            t.post("/v1/b2b/otps/email/discovery/send", json!({"email_address": address})).await.ok();
        }
        use ostiary_server::jobs::{inbox::InboxDelivery, outbox::deliver_due};
        let mut news = (t.app.inbox_news.subscribe(), second.app.inbox_news.subscribe());
        let (first, other) = tokio::join!(deliver_due(&t.app, &InboxDelivery), deliver_due(&second.app, &InboxDelivery));
        first.unwrap();
        other.unwrap();
        let mut sent = 0;
        while news.0.try_recv().is_ok() {
            sent += 1;
        }
        while news.1.try_recv().is_ok() {
            sent += 1;
        }
        assert_eq!(sent, 40);
    }
}
