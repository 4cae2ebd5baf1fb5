//! What the tests about second factors say often.

use crate::harness::Server;
use ostiary_proto::totp::Secret;
use serde_json::{Value, json};

pub const ADA: &str = "ada@acme.example";
pub const PHONE: &str = "+12025550123";
pub const SEND: &str = "/v1/b2b/otps/sms/send";
pub const AUTHENTICATE_SMS: &str = "/v1/b2b/otps/sms/authenticate";
pub const CREATE: &str = "/v1/b2b/totp";
pub const AUTHENTICATE_TOTP: &str = "/v1/b2b/totp/authenticate";
pub const RECOVER: &str = "/v1/b2b/recovery_codes/recover";

/// An organization that requires a second factor of everybody, with Ada in it.
pub struct Acme {
    pub organization: String,
    pub member: String,
}

impl Acme {
    pub async fn with(t: &Server, settings: Value, fields: Value) -> Acme {
        let organization = t.organization("Acme", settings).await;
        let member = t.member(&organization, ADA, fields).await;
        Acme { organization, member }
    }

    pub async fn strict(t: &Server) -> Acme {
        Acme::with(t, json!({"mfa_policy": "REQUIRED_FOR_ALL"}), json!({})).await
    }

    pub async fn lax(t: &Server) -> Acme {
        Acme::with(t, json!({}), json!({})).await
    }

    /// Ada's ids, with more fields.
    pub fn body(&self, more: Value) -> Value {
        let mut body = json!({"organization_id": self.organization, "member_id": self.member});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// The first factor: the intermediate session token of a login that is not complete.
    pub async fn begin(&self, t: &Server) -> String {
        intermediate(&t.sign_in(&self.organization, ADA).await)
    }

    /// Ada as the server knows her.
    pub async fn ada(&self, t: &Server) -> Value {
        let path = format!("/v1/b2b/organizations/{}/member?member_id={}", self.organization, self.member);
        t.get(&path).await.ok()["member"].take()
    }

    /// Proves a phone in a new login and gives the session token.
    pub async fn enrol_phone(&self, t: &Server) -> String {
        let ist = self.begin(t).await;
        t.post(SEND, self.body(json!({"mfa_phone_number": PHONE, "intermediate_session_token": ist})))
            .await
            .ok();
        let code = last_sms_code(t, PHONE).await;
        let body = self.body(json!({"code": code, "intermediate_session_token": ist}));
        session(&t.post(AUTHENTICATE_SMS, body).await.ok())
    }

    /// Registers an app in a new login and gives it with its recovery codes and the session token.
    pub async fn enrol_app(&self, t: &Server) -> (App, Vec<String>, String) {
        let ist = self.begin(t).await;
        self.enrol_app_with(t, json!({"intermediate_session_token": ist})).await
    }

    /// The same with another credential.
    pub async fn enrol_app_with(&self, t: &Server, credential: Value) -> (App, Vec<String>, String) {
        let created = t.post(CREATE, self.body(credential.clone())).await.ok();
        let app = App::of(&created);
        let mut body = self.body(credential);
        body["code"] = json!(app.code(t));
        let session = session(&t.post(AUTHENTICATE_TOTP, body).await.ok());
        (app, recovery_codes(&created), session)
    }
}

/// An authenticator app.
pub struct App(Secret);

impl App {
    pub fn of(created: &Value) -> App {
        App::with_secret(created["secret"].as_str().unwrap())
    }

    pub fn with_secret(secret: &str) -> App {
        App(Secret::parse_base32(secret).unwrap())
    }

    /// The code at this moment.
    pub fn code(&self, t: &Server) -> String {
        self.code_in(t, 0)
    }

    /// The code that is shown some steps from now.
    pub fn code_in(&self, t: &Server, steps: i64) -> String {
        self.0.code_at(t.app.clock.now().seconds() / 30 + steps)
    }

    /// A code that is wrong now and in the steps around.
    pub fn wrong_code(&self, t: &Server) -> String {
        let right: Vec<String> = (-2..=2).map(|steps| self.code_in(t, steps)).collect();
        (0..10).map(|digit| digit.to_string().repeat(6)).find(|code| !right.contains(code)).unwrap()
    }
}

/// The token of an answer that is not complete.
#[track_caller]
pub fn intermediate(answer: &Value) -> String {
    assert_eq!(answer["member_authenticated"], false, "{answer}");
    assert_eq!((&answer["session_token"], &answer["session_jwt"]), (&json!(""), &json!("")));
    assert_eq!(answer["member_session"], Value::Null);
    answer["intermediate_session_token"].as_str().filter(|token| !token.is_empty()).unwrap().to_owned()
}

/// The session token of an answer that is complete.
#[track_caller]
pub fn session(answer: &Value) -> String {
    assert!(answer["member_session"].is_object(), "{answer}");
    answer["session_token"].as_str().filter(|token| !token.is_empty()).unwrap().to_owned()
}

/// The types of the factors in a session, in order.
pub fn factor_types(answer: &Value) -> Vec<&str> {
    let factors = answer["member_session"]["authentication_factors"].as_array().unwrap();
    factors.iter().map(|factor| factor["type"].as_str().unwrap()).collect()
}

pub fn recovery_codes(answer: &Value) -> Vec<String> {
    let codes = answer["recovery_codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// The text messages to a number, newest last.
pub async fn texts(t: &Server, number: &str) -> Vec<Value> {
    t.messages(&number.replace('+', "%2B")).await
}

pub async fn last_sms_code(t: &Server, number: &str) -> String {
    let message = texts(t, number).await.pop().unwrap_or_else(|| panic!("no message to {number}"));
    assert_eq!(message["channel"], "sms");
    message["code"].as_str().unwrap().to_owned()
}

/// Six digits that are not this code.
pub fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}
