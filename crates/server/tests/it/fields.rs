//! Every field of the contracts, with a value of another type: each is refused by name. So no field is passed over in
//! silence, and none reaches a rule unchecked.
//!
//! `docs/contract/fields.tsv` has a line for each endpoint with a body; `name:type`, and a `?` where the SDKs may leave
//! the field out.

use crate::callers::{Session, backend, browser_as, signed_in};
use crate::on_both_engines;
use crate::operators::Operator;
use ostiary_core::project::KeyScope;
use ostiary_server::http::routes::{Surface, TABLE};
use serde_json::{Map, Value, json};

const CONTRACT: &str = include_str!("../../../../docs/contract/fields.tsv");

/// What the SDKs send for services of the vendor that the server does not ask: whatever it is, it changes nothing.
const IGNORED: &[&str] = &["captcha_token", "dfp_telemetry_id", "telemetry_id"];

/// Fields that have no meaning at one endpoint, each with its reason.
const MEANINGLESS: &[(&str, &str, &str)] = &[
    (
        "/sdk/v1/b2b/passwords/authenticate",
        "code_verifier",
        "a password is checked in one step, which no challenge began",
    ),
    (
        "/sdk/v1/b2b/otps/sms/send",
        "enable_autofill",
        "for native apps; texts are the same for all, and phones offer their code",
    ),
    ("/sdk/v1/b2b/otps/sms/send", "autofill_session_duration_minutes", "goes with enable_autofill"),
    ("/sdk/v1/b2b/passwords/discovery/authenticate", "code_verifier", "as above"),
    (
        "/sdk/v1/b2b/passwords/discovery/reset",
        "intermediate_session_token",
        "the reset begins a discovery of its own",
    ),
    ("/sdk/v1/b2b/sessions/attest", "session_token", "a browser's session comes with the request itself"),
    ("/sdk/v1/b2b/sessions/attest", "session_jwt", "as above"),
];

/// A field as the contract has it.
#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'a str,
    kind: &'a str,
    is_optional: bool,
}

impl<'a> Field<'a> {
    fn parse(text: &'a str) -> Self {
        let (name, kind) = text.split_once(':').expect("name:type");
        Field { name, kind: kind.trim_end_matches('?'), is_optional: kind.ends_with('?') }
    }

    /// Values of all other types. `null` is no value at all (contract `backend.md` §2).
    fn wrong(self) -> impl Iterator<Item = Value> {
        [
            ("string", json!("x")),
            ("number", json!(7)),
            ("boolean", json!(true)),
            ("array", json!([["x"]])),
            ("object", json!({"a": {"b": []}})),
        ]
        .into_iter()
        .filter(move |(kind, _)| *kind != self.kind)
        .map(|(_, value)| value)
    }
}

/// By whom and about whom the calls are.
struct People {
    organization: String,
    member: String,
    session: Session,
}

impl People {
    /// A body that has what is required, a session where one can be given, and one field of a wrong type.
    fn body(&self, fields: &[Field<'_>], wrong: Field<'_>, value: Value) -> Value {
        let plausible = |field: &Field<'_>| match (field.name, field.kind) {
            ("organization_id", _) => json!(self.organization),
            ("member_id", _) => json!(self.member),
            ("organization_ids", _) => json!([self.organization]),
            ("email_address", _) => json!("eve@acme.example"),
            ("session_token", _) => json!(self.session.token),
            // The configuration of a hash is read where the hash is of that type.
            ("hash_type", _) => match wrong.name.strip_suffix("_config") {
                Some("argon_2") => json!("argon_2id"),
                Some(kind) => json!(kind),
                None => json!("bcrypt"),
            },
            ("hash", _) if !wrong.name.ends_with("_config") => {
                json!("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
            }
            (_, "number") => json!(60),
            (_, "boolean") => json!(true),
            (_, "array") => json!([]),
            (_, "object") => json!({}),
            _ => json!("x"),
        };
        let is_there = |field: &&Field<'_>| {
            !field.is_optional || (field.name == "session_token" && !wrong.name.starts_with("session_jwt"))
        };
        let mut body: Map<String, Value> =
            fields.iter().filter(is_there).map(|field| (field.name.to_owned(), plausible(field))).collect();
        body.insert(wrong.name.to_owned(), value);
        Value::Object(body)
    }
}

on_both_engines! {
    /// what a field may be is decided field by field.
    async fn every_field_is_checked_by_its_name(t) {
        // Closed to browsers until an operator opens it.
        let operator = Operator::new(&t, &[KeyScope::ManageProjectSettings]).await;
        let opened = json!({"config": {"user_impersonation": {"enabled": true}}});
        operator.put(&format!("{}/sdk/b2b", operator.own_place("/pwa/v3")), opened).await.ok();
        let organization = t.organization("Acme", json!({})).await;
        let session = signed_in(&t, &organization, "ada@acme.example", &["stytch_admin"]).await;
        let member = t.member(&organization, "eve@acme.example", json!({})).await;
        let people = People { organization, member, session };
        let mut passed_over = Vec::new();
        let mut count = 0;
        for line in CONTRACT.lines().skip(1) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [surface, method, path, fields] = columns[..] else { panic!("four columns: {line}") };
            let surface = if surface == "browser" { Surface::Browser } else { Surface::Backend };
            if !TABLE.iter().any(|route| (route.path, route.method.as_str(), route.surface) == (path, method, surface)) {
                continue;
            }
            let fields: Vec<Field<'_>> = fields.split(' ').map(Field::parse).collect();
            let has_meaning = |field: &str| !MEANINGLESS.iter().any(|(at, name, _)| (*at, *name) == (path, field));
            let is_in_path = |field: &str| path.contains(&format!("{{{field}}}"));
            let is_read =
                |field: &&Field<'_>| !IGNORED.contains(&field.name) && has_meaning(field.name) && !is_in_path(field.name);
            let full_path = path.replace("{organization_id}", &people.organization).replace("{member_id}", &people.member);
            let caller = if surface == Surface::Browser { browser_as(&t, &people.session) } else { backend(&t) };
            for field in fields.iter().filter(is_read) {
                for value in field.wrong() {
                    count += 1;
                    let body = people.body(&fields, *field, value);
                    let answer = match method {
                        "POST" => caller.post(&full_path, body).await,
                        "PUT" => caller.put(&full_path, body).await,
                        _ => panic!("{method} with a body"),
                    };
                    let [kind, message] = ["error_type", "error_message"].map(|name| answer.body[name].as_str().unwrap_or_default());
                    if answer.status != 400 || (!message.contains(field.name) && kind != "metadata_invalid_format") {
                        passed_over.push(format!("{} {}", answer.status, answer.text));
                    }
                }
            }
        }
        assert!(count > 1_000, "only {count} calls were made");
        assert!(passed_over.is_empty(), "{} of {count}:\n{}", passed_over.len(), passed_over.join("\n"));
    }
}
