//! any order of steps, skipped, repeated and mixed between two flows and two people, never gives a session
//! without each required proof, and nothing that was used up works again.

use crate::harness::{Server, start};
use crate::second_factors::{App, recovery_codes};
use axum::http::Method;
use ostiary_store::seam::Engine;
use serde_json::{Value, json};
use std::collections::HashSet;

const PEOPLE: [&str; 2] = ["ada@acme.example", "eve@acme.example"];
const STEPS: usize = 220;
/// The place of the organization that takes links only, and of the one that asks for a second factor.
const STRICT: usize = 1;
const GUARDED: usize = 2;

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
    /// The member in the guarded organization, its app and the codes that stand in for it.
    guarded_member: String,
    app: Option<App>,
    recovery_codes: Vec<String>,
}

struct Walk {
    t: Server,
    dice: Dice,
    organizations: [String; 3],
    people: [Person; 2],
    used: HashSet<String>,
    guarded_sessions: usize,
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
        let emails = factors.iter().filter_map(|factor| factor.get("email_factor"));
        assert!(emails.into_iter().all(|email| email["email_address"] == PEOPLE[who]));
        let seconds: Vec<&Value> =
            factors.iter().filter(|factor| factor["sequence_order"] == "SECONDARY").collect();
        if session["organization_id"] == self.organizations[GUARDED].as_str() {
            assert!(!seconds.is_empty(), "the guarded organization asks for a second factor");
            let own = answer["member"]["totp_registration_id"].as_str().unwrap();
            let uuid = own.strip_prefix("member-totp-test-").unwrap();
            assert!(seconds.iter().all(|factor| factor.to_string().contains(uuid)), "somebody else's app");
            self.guarded_sessions += 1;
        } else {
            assert!(seconds.is_empty(), "a second factor stays where it was proven");
        }
        if session["organization_id"] == self.organizations[STRICT].as_str() {
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

    /// A call about the person as a member of the guarded organization.
    fn about_guarded(&self, who: usize, mut body: Value) -> Value {
        body["organization_id"] = json!(self.organizations[GUARDED]);
        body["member_id"] = json!(self.people[who].guarded_member);
        body
    }

    async fn step(&mut self) {
        let who = self.dice.roll(2);
        let email = PEOPLE[who];
        let place = self.dice.roll(3);
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
        match self.dice.roll(12) {
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
            8 | 9 => {
                // A code of the app is another one every half minute, and works once.
                self.t.advance_seconds(30);
                let code = person.app.as_ref().map(|app| app.code(&self.t));
                let body = self.about_guarded(who, json!({"code": code}));
                if let Some(answer) = self.post("/v1/b2b/totp/authenticate", with(body.clone())).await {
                    if let Some(token) = &intermediate {
                        self.use_up(token);
                    }
                    self.received(who, &answer);
                    assert!(self.post("/v1/b2b/totp/authenticate", with(body)).await.is_none());
                }
            }
            10 => {
                let Some(code) = self.dice.pick(&person.recovery_codes).cloned() else { return };
                let body = self.about_guarded(who, json!({"recovery_code": code}));
                if let Some(answer) = self.post("/v1/b2b/recovery_codes/recover", with(body)).await {
                    self.use_up(&code);
                    if let Some(token) = &intermediate {
                        self.use_up(token);
                    }
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

async fn walk(engine: Engine, seed: u64) -> Option<(usize, usize)> {
    let t = start(engine).await?;
    let open = t.organization("Open", json!({})).await;
    let strict = t
        .organization("Strict", json!({"auth_methods": "RESTRICTED", "allowed_auth_methods": ["magic_link"]}))
        .await;
    let guarded = t.organization("Guarded", json!({"mfa_policy": "REQUIRED_FOR_ALL"})).await;
    let mut people: [Person; 2] = Default::default();
    for (person, email) in people.iter_mut().zip(PEOPLE) {
        for organization in [&open, &strict] {
            t.member(organization, email, json!({})).await;
        }
        person.guarded_member = t.member(&guarded, email, json!({})).await;
        let secret = format!("{:A<32}", email.to_uppercase().replace(|c: char| !c.is_ascii_uppercase(), ""));
        let body = json!({"organization_id": guarded, "member_id": person.guarded_member, "secret": secret});
        person.recovery_codes = recovery_codes(&t.post("/v1/b2b/totp/migrate", body).await.ok());
        person.app = Some(App::with_secret(&secret));
    }
    t.set(json!({"lock": {"threshold": 100, "ttl_seconds": 300}})).await;
    let mut walk = Walk {
        t,
        dice: Dice(seed),
        organizations: [open, strict, guarded],
        people,
        used: HashSet::new(),
        guarded_sessions: 0,
    };
    for _ in 0..STEPS {
        walk.step().await;
    }
    let sessions = walk.people.iter().map(|person| person.sessions.len()).sum();
    Some((sessions, walk.guarded_sessions))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_steps_gives_a_session_without_its_proofs() {
    let mut reached = (0, 0);
    for seed in 1..=7 {
        let engine = if seed < 7 { Engine::Sqlite } else { Engine::Postgres };
        if let Some((sessions, guarded)) = walk(engine, seed).await {
            reached = (reached.0 + sessions, reached.1 + guarded);
        }
    }
    assert!(reached.0 > 20 && reached.1 > 10, "the walks reach sessions at all: {reached:?}");
}
