//! Names with one owner, wanted by many at the same time: exactly one gets each, and the others hear why.

use crate::callers::text;
use crate::harness::Server;
use crate::on_both_engines;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// How many want the same name.
const CALLERS: usize = 24;

/// Sends all requests at once, and gives their statuses and errors.
async fn at_once(t: Arc<Server>, path: &str, bodies: Vec<Value>) -> Vec<(u16, String)> {
    let calls = bodies.into_iter().map(|body| {
        let (t, path) = (t.clone(), path.to_owned());
        tokio::spawn(async move {
            let answer = t.post(&path, body).await;
            (answer.status.as_u16(), answer.body["error_type"].as_str().unwrap_or_default().to_owned())
        })
    });
    let mut outcomes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        outcomes.push(call.await.expect("a call ends"));
    }
    outcomes
}

#[track_caller]
fn one_wins(outcomes: &[(u16, String)], refusal: &str) {
    let winners = outcomes.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(winners, 1, "{outcomes:?}");
    let losers = outcomes.iter().filter(|(status, error)| *status == 400 && error == refusal).count();
    assert_eq!(losers, outcomes.len() - 1, "{outcomes:?}");
}

async fn all(t: &Server, path: &str, body: Value, list: &str) -> Vec<Value> {
    t.post(path, body).await.ok()[list].as_array().expect("a list").clone()
}

on_both_engines! {
    async fn of_many_organizations_one_gets_a_name(t) {
        let t = Arc::new(t);
        for (field, value, refusal) in [
            ("organization_slug", json!("acme"), "organization_slug_already_used"),
            ("organization_external_id", json!("crm-1"), "organization_external_id_already_used"),
            ("claimed_email_domains", json!(["acme.example"]), "organization_settings_duplicate_claimed_domain"),
        ] {
            let wish = |number: usize| {
                let mut body = json!({ "organization_name": format!("Acme {number}"), "organization_slug": format!("{field}-{number}") });
                body[field] = value.clone();
                body
            };
            let outcomes = at_once(t.clone(), "/v1/b2b/organizations", (0..CALLERS).map(wish).collect()).await;
            one_wins(&outcomes, refusal);
        }
        let found = all(&t, "/v1/b2b/organizations/search", json!({}), "organizations").await;
        assert_eq!(found.len(), 3, "the others made nothing");
    }

    async fn many_organizations_of_one_name_get_slugs_of_their_own(t) {
        let t = Arc::new(t);
        let wish = |_| json!({ "organization_name": "Acme" });
        let outcomes = at_once(t.clone(), "/v1/b2b/organizations", (0..CALLERS).map(wish).collect()).await;
        assert!(outcomes.iter().all(|(status, _)| *status == 200), "{outcomes:?}");
        let found = all(&t, "/v1/b2b/organizations/search", json!({}), "organizations").await;
        let slugs: HashSet<String> = found.iter().map(|found| text(&found["organization_slug"])).collect();
        assert_eq!(slugs.len(), CALLERS);
    }

    async fn of_many_members_one_gets_a_name(t) {
        let acme = t.organization("Acme", json!({})).await;
        let t = Arc::new(t);
        let path = format!("/v1/b2b/organizations/{acme}/members");
        for (field, value, refusal) in [
            ("email_address", "ada@acme.example", "duplicate_member_email"),
            ("external_id", "crm-1", "duplicate_member_external_id"),
            ("mfa_phone_number", "+12025550123", "duplicate_member_phone_number"),
        ] {
            let wish = |number: usize| {
                let mut body = json!({ "email_address": format!("m{number}.{field}@acme.example") });
                // Whoever spells an address in capitals wants the same one.
                body[field] = if number.is_multiple_of(2) { value.to_uppercase().replace("CRM", "crm").into() } else { value.into() };
                body
            };
            let outcomes = at_once(t.clone(), &path, (0..CALLERS).map(wish).collect()).await;
            one_wins(&outcomes, refusal);
        }
        let search = json!({ "organization_ids": [acme] });
        assert_eq!(all(&t, "/v1/b2b/organizations/members/search", search, "members").await.len(), 3);
    }

    async fn of_many_who_return_to_one_address_one_does(t) {
        let acme = t.organization("Acme", json!({})).await;
        let members = format!("/v1/b2b/organizations/{acme}/members");
        let mut gone = Vec::new();
        for _ in 0..8 {
            t.member(&acme, "ada@acme.example", json!({})).await;
            let member = text(&t.sign_in(&acme, "ada@acme.example").await["member_id"]);
            t.delete(&format!("{members}/{member}")).await.ok();
            gone.push(member);
        }
        let t = Arc::new(t);
        let calls: Vec<_> = gone
            .into_iter()
            .map(|member| {
                let (t, path) = (t.clone(), format!("{members}/{member}/reactivate"));
                tokio::spawn(async move {
                    let answer = t.put(&path, json!({})).await;
                    (answer.status.as_u16(), answer.body["error_type"].as_str().unwrap_or_default().to_owned())
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for call in calls {
            outcomes.push(call.await.expect("a call ends"));
        }
        let winners = outcomes.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(winners, 1, "{outcomes:?}");
        let refusals = ["reactivation_email_belongs_to_another_member", "duplicate_member_email"];
        assert!(outcomes.iter().all(|(status, error)| *status == 200 || refusals.contains(&error.as_str())), "{outcomes:?}");
    }
}
