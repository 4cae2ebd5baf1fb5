//! any order of steps, skipped, repeated and mixed between two flows and two people, never gives a session
//! without each required proof, and nothing that was used up works again.

use crate::harness::{Server, start};
use axum::http::Method;
use ostiary_store::seam::Engine;
use serde_json::{Value, json};
use std::collections::HashSet;

const PEOPLE: [&str; 2] = ["ada@acme.example", "eve@acme.example"];
const STEPS: usize = 160;

/// A small generator, so that a failing walk can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.roll(from.len())])
    }
}

/// What a person has got hold of: everything in the own mailbox, and every answer to the own calls.
#[derive(Default)]
struct Person {
    links: Vec<String>,
    discovery_links: Vec<String>,
    codes: Vec<(usize, String)>,
    discovery_codes: Vec<String>,
    intermediate: Vec<String>,
    sessions: Vec<String>,
}

struct Walk {
    t: Server,
    dice: Dice,
    organizations: [String; 2],
    people: [Person; 2],
    used: HashSet<String>,
}

impl Walk {
    async fn post(&self, path: &str, body: Value) -> Option<Value> {
        let answer = self.t.call(Method::POST, path, Some(body)).await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text);
        (answer.status.as_u16() == 200).then_some(answer.body)
    }

    /// Takes down what an answer gave, after checking that it was due.
    fn received(&mut self, who: usize, answer: &Value) {
        if let Some(token) = answer["intermediate_session_token"].as_str().filter(|token| !token.is_empty())
            && !self.people[who].intermediate.iter().any(|known| known == token)
        {
            self.people[who].intermediate.push(token.to_owned());
        }
        let session = &answer["member_session"];
        if session.is_null() {
            assert!(answer.get("session_token").is_none_or(|token| token == ""), "a token without a session");
            return;
        }
        assert_eq!(answer["member"]["email_address"], PEOPLE[who], "a session of somebody else");
        let factors = session["authentication_factors"].as_array().unwrap();
        assert!(factors.iter().all(|factor| factor["email_factor"]["email_address"] == PEOPLE[who]));
        if session["organization_id"] == self.organizations[1].as_str() {
            assert!(
                factors.iter().any(|factor| factor["type"] == "magic_link"),
                "the strict organization asks for a link"
            );
        }
        self.people[who].sessions.push(answer["session_token"].as_str().unwrap().to_owned());
    }

    fn use_up(&mut self, credential: &str) {
        assert!(self.used.insert(credential.to_owned()), "{credential} worked twice");
    }

    async fn step(&mut self) {
        let who = self.dice.roll(2);
        let email = PEOPLE[who];
        let place = self.dice.roll(2);
        let organization = self.organizations[place].clone();
        let brought = self.dice.roll(3);
        let person = &self.people[who];
        // Sometimes an intermediate session or a session comes along, perhaps the other person's.
        let lender = if self.dice.roll(4) == 0 { &self.people[1 - who] } else { person };
        let intermediate = self.dice.pick(&lender.intermediate).filter(|_| brought == 1).cloned();
        let session = self.dice.pick(&lender.sessions).filter(|_| brought == 2).cloned();
        let with = |mut body: Value| {
            if let Some(token) = &intermediate {
                body["intermediate_session_token"] = json!(token);
            }
            if let Some(token) = &session {
                body["session_token"] = json!(token);
            }
            body
        };
        match self.dice.roll(9) {
            0 => {
                let body = json!({"organization_id": organization, "email_address": email});
                if self.post("/v1/b2b/magic_links/email/login_or_signup", body).await.is_some() {
                    let token = self.t.last_token(email).await;
                    self.people[who].links.push(token);
                }
            }
            1 => {
                let body = json!({"organization_id": organization, "email_address": email});
                if self.post("/v1/b2b/otps/email/login_or_signup", body).await.is_some() {
                    let code = self.t.last_code(email).await;
                    self.people[who].codes.retain(|(known, _)| *known != place);
                    self.people[who].codes.push((place, code));
                }
            }
            2 => {
                if self
                    .post("/v1/b2b/magic_links/email/discovery/send", json!({"email_address": email}))
                    .await
                    .is_some()
                {
                    let token = self.t.last_token(email).await;
                    self.people[who].discovery_links.push(token);
                }
            }
            3 => {
                if self
                    .post("/v1/b2b/otps/email/discovery/send", json!({"email_address": email}))
                    .await
                    .is_some()
                {
                    let code = self.t.last_code(email).await;
                    self.people[who].discovery_codes = vec![code];
                }
            }
            4 => {
                let Some(token) = self.dice.pick(&person.links).cloned() else { return };
                if let Some(answer) = self
                    .post("/v1/b2b/magic_links/authenticate", with(json!({"magic_links_token": token})))
                    .await
                {
                    self.use_up(&token);
                    self.received(who, &answer);
                }
            }
            5 => {
                let Some((place, code)) = self.dice.pick(&person.codes).cloned() else { return };
                let body = json!({"organization_id": self.organizations[place], "email_address": email, "code": code});
                if let Some(answer) = self.post("/v1/b2b/otps/email/authenticate", with(body)).await {
                    self.people[who].codes.retain(|(known, _)| *known != place);
                    self.received(who, &answer);
                }
            }
            6 => {
                let Some(token) = self.dice.pick(&person.discovery_links).cloned() else { return };
                let body = json!({"discovery_magic_links_token": token});
                if let Some(answer) = self.post("/v1/b2b/magic_links/discovery/authenticate", body).await {
                    self.use_up(&token);
                    assert_eq!(answer["email_address"], email);
                    self.received(who, &answer);
                }
                // The kinds of links are not interchangeable.
                assert!(
                    self.post("/v1/b2b/magic_links/authenticate", json!({"magic_links_token": token}))
                        .await
                        .is_none()
                );
            }
            7 => {
                let Some(code) = self.dice.pick(&person.discovery_codes).cloned() else { return };
                let body = json!({"email_address": email, "code": code});
                if let Some(answer) = self.post("/v1/b2b/otps/email/discovery/authenticate", body).await {
                    self.people[who].discovery_codes.clear();
                    self.received(who, &answer);
                }
            }
            _ => {
                let Some(token) = self.dice.pick(&person.intermediate).cloned() else { return };
                let body = json!({"intermediate_session_token": token, "organization_id": organization});
                if let Some(answer) =
                    self.post("/v1/b2b/discovery/intermediate_sessions/exchange", body).await
                {
                    if !answer["member_session"].is_null() {
                        self.use_up(&token);
                    }
                    self.received(who, &answer);
                }
            }
        }
    }
}

async fn walk(engine: Engine, seed: u64) -> Option<usize> {
    let t = start(engine).await?;
    let open = t.organization("Open", json!({})).await;
    let strict = t
        .organization("Strict", json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link"]}))
        .await;
    for organization in [&open, &strict] {
        for email in PEOPLE {
            t.member(organization, email, json!({})).await;
        }
    }
    let mut walk = Walk {
        t,
        dice: Dice(seed),
        organizations: [open, strict],
        people: Default::default(),
        used: HashSet::new(),
    };
    for _ in 0..STEPS {
        walk.step().await;
    }
    Some(walk.people.iter().map(|person| person.sessions.len()).sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_steps_gives_a_session_without_its_proofs() {
    let mut sessions = 0;
    for seed in 1..=6 {
        sessions += walk(Engine::Sqlite, seed).await.expect("SQLite is always there");
    }
    if let Some(more) = walk(Engine::Postgres, 7).await {
        sessions += more;
    }
    assert!(sessions > 20, "the walks reach sessions at all: {sessions}");
}
