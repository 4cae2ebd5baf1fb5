//! Machine-to-machine clients: managing them, rotating their secrets, getting and checking tokens.

use crate::harness::{Answer, Server, add_project, basic, claims};
use crate::on_both_engines;
use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_core::error::ErrorType;
use ostiary_proto::jose::SigningKey;
use ostiary_server::cx::Cx;
use ostiary_server::listen::Connection;
use ostiary_server::ops::m2m::clients;
use ostiary_server::ops::m2m::import::{self, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;

const CLIENTS: &str = "/v1/m2m/clients";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A client and its secret.
#[derive(Clone, Debug)]
struct Client {
    id: String,
    secret: String,
}

impl Client {
    fn path(&self, rest: &str) -> String {
        format!("{CLIENTS}/{}{rest}", self.id)
    }
}

async fn create(t: &Server, body: Value) -> Client {
    let answer = t.post(CLIENTS, body).await.ok();
    let text = |name: &str| answer["m2m_client"][name].as_str().expect(name).to_owned();
    Client { id: text("client_id"), secret: text("client_secret") }
}

async fn reader(t: &Server) -> Client {
    create(t, json!({"client_name": "Nightly export", "scopes": ["read:notes", "write:notes"]})).await
}

/// The path of the token endpoint of the server's project.
fn token_path(t: &Server) -> String {
    format!("/v1/public/{}/oauth2/token", t.project.project_id)
}

fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn send(
    t: &Server,
    path: &str,
    content_type: &str,
    authorization: Option<&str>,
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::post(path).header("content-type", content_type);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    t.send(request.body(body.into()).unwrap()).await
}

/// Asks for a token like the Node SDK: a form without authorization.
async fn ask(t: &Server, client: &Client, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.as_str()),
    ];
    pairs.extend_from_slice(more);
    send(t, &token_path(t), FORM, None, form(&pairs)).await
}

async fn token(t: &Server, client: &Client) -> String {
    ask(t, client, &[]).await.ok()["access_token"].as_str().unwrap().to_owned()
}

/// Checks a refusal in the words of OAuth, with everything that SDKs read of it.
#[track_caller]
fn refused(answer: Answer, status: u16, error: &str) -> Value {
    assert_eq!(answer.body["error"], error, "{}", answer.text);
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.body["status_code"], status);
    for field in ["request_id", "error_description", "error_uri"] {
        assert!(answer.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", answer.text);
    }
    assert!(answer.body.get("error_type").is_none() && answer.body.get("access_token").is_none());
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    answer.body
}

/// Whether the server says that a token is good, asked by a client.
async fn is_active(t: &Server, client: &Client, token: &str) -> bool {
    let body = form(&[("client_id", &client.id), ("client_secret", &client.secret), ("token", token)]);
    let path = format!("/v1/public/{}/oauth2/introspect", t.project.project_id);
    send(t, &path, FORM, None, body).await.ok()["active"].as_bool().unwrap()
}

fn cx(t: &Server) -> Cx {
    let project = t.app.projects.by_id(t.project.project_id).unwrap();
    Cx { app: t.app.clone(), project, now: t.app.clock.now(), is_backend: true }
}

on_both_engines! {
    async fn a_client_is_created_read_changed_and_deleted(t) {
        let made = t.post(CLIENTS, json!({
            "client_name": "Nightly export", "client_description": "Exports notes", "scopes": ["read:notes", "x", "read:notes"],
            "trusted_metadata": {"organization_id": "acme", "gone": null}, "status": "inactive",
        })).await.ok()["m2m_client"].take();
        let secret = made["client_secret"].as_str().unwrap().to_owned();
        assert_eq!(secret.len(), 44);
        assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        let id = made["client_id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("m2m-client-test-"));
        let mut expected = json!({
            "client_id": id, "client_name": "Nightly export", "client_description": "Exports notes", "status": "active",
            "scopes": ["read:notes", "x"], "client_secret_last_four": &secret[40..], "next_client_secret_last_four": null,
            "trusted_metadata": {"organization_id": "acme"},
        });
        let path = format!("{CLIENTS}/{id}");
        // Python repeats the id in the query.
        assert_eq!(t.get(&format!("{path}?client_id={id}")).await.ok()["m2m_client"], expected, "never the secret again");

        let changed = t.put(&path, json!({"scopes": ["y"], "trusted_metadata": {"plan": "gold"}, "client_name": "",
            "client_id": "other", "client_secret": "another long enough secret 42"})).await.ok();
        expected["scopes"] = json!(["y"]);
        expected["client_name"] = json!("");
        expected["trusted_metadata"] = json!({"organization_id": "acme", "plan": "gold"});
        assert_eq!(changed["m2m_client"], expected);
        assert_eq!(t.put(&path, json!({})).await.ok()["m2m_client"], expected);
        assert_eq!(t.put(&path, json!({"client_name": null, "scopes": null})).await.ok()["m2m_client"], expected);
        let client = Client { id, secret };
        ask(&t, &client, &[("scope", "y")]).await.ok();

        assert_eq!(t.delete(&path).await.ok()["client_id"], client.id);
        t.get(&path).await.fails(404, "m2m_client_not_found");
        refused(ask(&t, &client, &[]).await, 401, "invalid_client");
        // Its id may be used again at once.
        create(&t, json!({"client_id": client.id, "scopes": []})).await;
    }

    async fn the_least_that_is_said_makes_a_client(t) {
        let made = t.post(CLIENTS, json!({"scopes": []})).await.ok()["m2m_client"].take();
        assert_eq!((&made["client_name"], &made["client_description"]), (&json!(""), &json!("")));
        assert_eq!((&made["scopes"], &made["trusted_metadata"]), (&json!([]), &json!({})));
        let client = Client { id: made["client_id"].as_str().unwrap().into(), secret: made["client_secret"].as_str().unwrap().into() };
        let answer = ask(&t, &client, &[]).await.ok();
        assert_eq!(answer["scope"], "");
        assert_eq!(claims(answer["access_token"].as_str().unwrap())["scope"], "", "present, though there is none");
    }

    async fn every_mistake_about_a_client_has_its_error(t) {
        let long = |length: usize| "x".repeat(length);
        for (field, value, expected) in [
            ("client_name", json!(long(129)), "m2m_client_invalid_client_name"),
            ("client_name", json!("a\u{7}b"), "m2m_client_invalid_client_name"),
            ("client_description", json!(long(513)), "m2m_client_invalid_client_description"),
            ("scopes", json!(["a b"]), "invalid_m2m_client_scope"),
            ("scopes", json!([""]), "invalid_m2m_client_scope"),
            ("scopes", json!([long(129)]), "invalid_m2m_client_scope"),
            ("scopes", json!((0..201).map(|n| format!("s{n}")).collect::<Vec<_>>()), "too_many_m2m_client_scopes"),
            ("scopes", json!("a"), "bad_request"),
            ("trusted_metadata", json!([]), "metadata_invalid_format"),
            ("trusted_metadata", json!({"a": long(5000)}), "metadata_too_large"),
            ("trusted_metadata", json!((0..21).map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>()), "metadata_too_many_keys"),
            ("client_id", json!("a b"), "m2m_client_invalid_client_id"),
            ("client_id", json!(long(129)), "m2m_client_invalid_client_id"),
            ("client_id", json!("member-test-00000000-0000-4000-8000-000000000000"), "m2m_client_invalid_client_id"),
            ("client_id", json!("search"), "m2m_client_invalid_client_id"),
            ("client_secret", json!("short"), "insecure_m2m_client_secret"),
            ("client_secret", json!("password1234"), "insecure_m2m_client_secret"),
            ("client_secret", json!("aaaaaaaaaaaaaaaaaaaaaaaaaa"), "insecure_m2m_client_secret"),
            ("client_secret", json!(long(257)), "m2m_client_invalid_client_secret"),
            ("client_secret", json!("geheimes wört mit umlaut"), "m2m_client_invalid_client_secret"),
        ] {
            let mut body = json!({"scopes": []});
            body[field] = value.clone();
            t.post(CLIENTS, body).await.fails(400, expected);
        }
        t.post(CLIENTS, json!({})).await.fails(400, "bad_request");
        let live = "m2m-client-live-00000000-0000-4000-8000-000000000000";
        t.post(CLIENTS, json!({"scopes": [], "client_id": live})).await.fails(401, "live_id_used_in_test_environment");
        assert_eq!(t.post(&format!("{CLIENTS}/search"), json!({})).await.ok()["results_metadata"]["total"], 0, "nothing came of it");

        let client = reader(&t).await;
        t.post(CLIENTS, json!({"scopes": [], "client_id": client.id})).await.fails(400, "duplicate_m2m_client_id");
        for status in [json!("paused"), json!(""), json!("ACTIVE")] {
            t.put(&client.path(""), json!({"status": status})).await.fails(400, "invalid_m2m_client_status");
        }
        t.put(&client.path(""), json!({"scopes": ["a\"b"]})).await.fails(400, "invalid_m2m_client_scope");
        for unknown in ["m2m-client-test-00000000-0000-4000-8000-000000000000", "nobody", "undefined", "a%20b", "%2e%2e"] {
            let path = format!("{CLIENTS}/{unknown}");
            t.get(&path).await.fails(404, "m2m_client_not_found");
            t.put(&path, json!({"client_name": "x"})).await.fails(404, "m2m_client_not_found");
            t.delete(&path).await.fails(404, "m2m_client_not_found");
            for step in ["/start", "/cancel", ""] {
                t.post(&format!("{path}/secrets/rotate{step}"), json!({})).await.fails(404, "m2m_client_not_found");
            }
        }
        t.get(&format!("{CLIENTS}/{live}")).await.fails(401, "live_id_used_in_test_environment");
    }

    async fn an_operator_can_cap_the_number_of_clients(t) {
        t.set(json!({"m2m_clients_max": 3})).await;
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..12).map(|_| {
            let t = t.clone();
            tokio::spawn(async move { t.post(CLIENTS, json!({"scopes": []})).await })
        }).collect();
        let mut made = 0;
        for task in tasks {
            let answer = task.await.unwrap();
            if answer.status == 200 {
                made += 1;
            } else {
                answer.fails(400, "too_many_m2m_clients_for_billing_tier");
            }
        }
        assert_eq!(made, 3);
    }

    async fn clients_are_found_by_any_filter_and_page_by_page(t) {
        for number in 0..5 {
            let scopes = if number % 2 == 0 { json!(["read:notes", "x"]) } else { json!(["write:notes"]) };
            create(&t, json!({"client_id": format!("client-{number}"), "client_name": format!("Export {}", number / 2), "scopes": scopes})).await;
            t.advance_seconds(1);
        }
        let search = |body: Value| {
            let t = &t;
            async move {
                let answer = t.post(&format!("{CLIENTS}/search"), body).await.ok();
                let ids: Vec<_> = answer["m2m_clients"].as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap()[7..].to_owned()).collect();
                (ids.concat(), answer["results_metadata"].clone())
            }
        };
        let query = |operator: &str, operands: Value| json!({"query": {"operator": operator, "operands": operands}});
        let operand = |name: &str, value: Value| json!({"filter_name": name, "filter_value": value});
        assert_eq!(search(json!({})).await, ("01234".into(), json!({"total": 5, "next_cursor": null})));
        for (body, expected) in [
            (query("AND", json!([operand("client_id", json!(["client-3", "client-1", "nobody"]))])), "13"),
            (query("AND", json!([operand("client_name", json!(["Export 0", "Export 2"]))])), "014"),
            (query("AND", json!([operand("client_name", json!(["Export"]))])), ""),
            (query("AND", json!([operand("scopes", json!(["write:notes", "x"]))])), "01234"),
            (query("AND", json!([operand("scopes", json!(["notes"]))])), ""),
            (query("AND", json!([operand("scopes", json!(["x"])), operand("client_name", json!(["Export 1"]))])), "2"),
            (query("OR", json!([operand("scopes", json!(["write:notes"])), operand("client_id", json!(["client-4"]))])), "134"),
            (query("AND", json!([operand("scopes", json!([]))])), ""),
            (query("OR", json!([])), "01234"),
        ] {
            assert_eq!(search(body.clone()).await.0, expected, "{body}");
        }
        let (first, metadata) = search(json!({"limit": 2})).await;
        let (second, rest) = search(json!({"limit": 2, "cursor": metadata["next_cursor"]})).await;
        let (third, end) = search(json!({"limit": 2, "cursor": rest["next_cursor"]})).await;
        assert_eq!((first.as_str(), second.as_str(), third.as_str()), ("01", "23", "4"));
        assert_eq!(end, json!({"total": 5, "next_cursor": null}));

        let path = format!("{CLIENTS}/search");
        for (body, expected) in [
            (json!({"limit": 0}), "user_search_invalid_limit"),
            (json!({"limit": 1001}), "user_search_invalid_limit"),
            (json!({"cursor": "x"}), "user_search_invalid_cursor"),
            // R-50: a cursor of another search.
            (json!({"cursor": metadata["next_cursor"], "query": {"operator": "AND", "operands": [operand("scopes", json!(["x"]))]}}), "user_search_invalid_cursor"),
            (query("XOR", json!([])), "user_search_invalid_operator"),
            (query("AND", json!([{"filter_value": ["x"]}])), "m2m_search_missing_filter_name"),
            (query("AND", json!([{"filter_name": 1, "filter_value": ["x"]}])), "m2m_search_filter_name_must_be_string"),
            (query("AND", json!([operand("status", json!(["active"]))])), "m2m_search_filter_name_not_recognized"),
            (query("AND", json!([{"filter_name": "scopes"}])), "m2m_search_missing_filter_value"),
            (query("AND", json!([operand("scopes", json!("x"))])), "m2m_search_expected_array_of_strings"),
            (query("AND", json!([operand("client_id", json!([1]))])), "m2m_search_expected_array_of_strings"),
        ] {
            t.post(&path, body).await.fails(400, expected);
        }
    }

    async fn both_secrets_work_while_one_is_rotated(t) {
        let client = reader(&t).await;
        for step in ["", "/cancel"] {
            t.post(&client.path(&format!("/secrets/rotate{step}")), json!({})).await.fails(400, "m2m_client_not_rotating_secret");
        }
        let started = t.post(&client.path("/secrets/rotate/start"), json!({})).await.ok()["m2m_client"].take();
        let next = Client { secret: started["next_client_secret"].as_str().unwrap().to_owned(), ..client.clone() };
        assert!(started.get("client_secret").is_none());
        assert_eq!(started["next_client_secret_last_four"], next.secret[40..]);
        assert_eq!(started["client_secret_last_four"], client.secret[40..]);
        t.post(&client.path("/secrets/rotate/start"), json!({})).await.fails(400, "m2m_client_already_rotating_secret");
        token(&t, &client).await;
        token(&t, &next).await;

        let cancelled = t.post(&client.path("/secrets/rotate/cancel"), json!({})).await.ok();
        assert_eq!(cancelled["m2m_client"]["next_client_secret_last_four"], json!(null));
        assert!(cancelled["m2m_client"].get("next_client_secret").is_none());
        token(&t, &client).await;
        refused(ask(&t, &next, &[]).await, 401, "invalid_client");

        let started = t.post(&client.path("/secrets/rotate/start"), json!({})).await.ok()["m2m_client"].take();
        let next = Client { secret: started["next_client_secret"].as_str().unwrap().to_owned(), ..client.clone() };
        // A change in between concerns neither secret.
        t.put(&client.path(""), json!({"client_name": "Renamed"})).await.ok();
        let completed = t.post(&client.path("/secrets/rotate"), json!({})).await.ok()["m2m_client"].take();
        assert_eq!(completed["client_secret_last_four"], next.secret[40..]);
        assert_eq!(completed["next_client_secret_last_four"], json!(null));
        assert_eq!(completed["client_name"], "Renamed");
        token(&t, &next).await;
        refused(ask(&t, &client, &[]).await, 401, "invalid_client");
    }

    async fn of_fifty_that_start_a_rotation_one_does(t) {
        let client = reader(&t).await;
        let t = Arc::new(t);
        let fifty = |step: &'static str| {
            let tasks: Vec<_> = (0..50).map(|_| {
                let (t, path) = (t.clone(), client.path(&format!("/secrets/rotate{step}")));
                tokio::spawn(async move { t.post(&path, json!({})).await })
            }).collect();
            async move {
                let mut won = Vec::new();
                for task in tasks {
                    let answer = task.await.unwrap();
                    match answer.status.as_u16() {
                        200 => won.push(answer.body["m2m_client"].clone()),
                        _ => {
                            let expected = if step == "/start" { "m2m_client_already_rotating_secret" } else { "m2m_client_not_rotating_secret" };
                            answer.fails(400, expected);
                        }
                    }
                }
                assert_eq!(won.len(), 1, "{step}");
                won.remove(0)
            }
        };
        let started = fifty("/start").await;
        let next = Client { secret: started["next_client_secret"].as_str().unwrap().to_owned(), ..client.clone() };
        token(&t, &client).await;
        token(&t, &next).await;
        fifty("").await;
        token(&t, &next).await;
        refused(ask(&t, &client, &[]).await, 401, "invalid_client");
        fifty("/start").await;
        fifty("/cancel").await;
        token(&t, &next).await;
    }

    /// Every start, cancel and completion that fifty callers hear of has happened, in some order: the client always has
    /// one secret that the last completion or its creation named.
    async fn rotations_in_any_order_leave_a_secret_that_works(t) {
        let client = reader(&t).await;
        let t = Arc::new(t);
        let tasks: Vec<_> = (0..50).map(|index| {
            let (t, client) = (t.clone(), client.clone());
            tokio::spawn(async move {
                let step = ["/start", "", "/cancel"][index % 3];
                let answer = t.post(&client.path(&format!("/secrets/rotate{step}")), json!({})).await;
                assert!(matches!(answer.status.as_u16(), 200 | 400), "{}", answer.text);
                answer.body["m2m_client"]["next_client_secret"].as_str().map(str::to_owned)
            })
        }).collect();
        let mut secrets = vec![client.secret.clone()];
        for task in tasks {
            secrets.extend(task.await.unwrap());
        }
        let state = t.get(&client.path("")).await.ok()["m2m_client"].take();
        let shown = |name: &str| state[name].as_str().map(str::to_owned);
        let is_shown = |secret: &String| [shown("client_secret_last_four"), shown("next_client_secret_last_four")].contains(&Some(secret[40..].to_owned()));
        for secret in secrets.iter().filter(|secret| is_shown(secret)) {
            token(&t, &Client { secret: secret.clone(), ..client.clone() }).await;
        }
        let stale = secrets.iter().find(|secret| !is_shown(secret));
        if let Some(stale) = stale {
            refused(ask(&t, &Client { secret: stale.clone(), ..client.clone() }, &[]).await, 401, "invalid_client");
        }
    }

    async fn a_token_says_what_verifiers_expect(t) {
        let client = reader(&t).await;
        let answer = ask(&t, &client, &[]).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let answer = answer.ok();
        assert_eq!((&answer["token_type"], &answer["expires_in"], &answer["scope"]), (&json!("bearer"), &json!(3600), &json!("read:notes write:notes")));
        assert!(answer["request_id"].is_string() && answer.get("refresh_token").is_none());
        let jwt = answer["access_token"].as_str().unwrap();
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
        assert!(header["kid"].is_string());
        let mut claims = claims(jwt);
        let claims = claims.as_object_mut().unwrap();
        let now = t.app.clock.now().seconds();
        let issued_at = claims["iat"].as_i64().unwrap();
        assert!((now - 5..=now).contains(&issued_at));
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(issued_at), &json!(issued_at + 3600)));
        assert_eq!(claims["iss"], format!("stytch.com/{}", t.project.project_id));
        assert_eq!(claims["aud"], json!([t.project.project_id]));
        assert_eq!(claims["sub"], client.id);
        assert_eq!(claims["scope"], "read:notes write:notes");
        assert_eq!(claims["jti"].as_str().unwrap().len(), 44);
        assert_eq!(claims.len(), 8, "and nothing else");
    }

    async fn a_token_has_the_scopes_that_are_asked_for(t) {
        let client = create(&t, json!({"scopes": ["read:notes", "write:notes", "read:*"]})).await;
        for (more, expected) in [
            (&[("scope", "")][..], "read:notes write:notes read:*"),
            (&[("scope", "write:notes read:notes write:notes")], "write:notes read:notes"),
            (&[("scope", " read:notes  ")], "read:notes"),
            (&[("scope", "read:*")], "read:*"),
            (&[("scopes", "write:notes"), ("scopes", "read:notes")], "write:notes read:notes"),
            (&[("scopes", "write:notes")], "write:notes"),
        ] {
            assert_eq!(ask(&t, &client, more).await.ok()["scope"], expected, "{more:?}");
        }
        for scope in ["delete:notes", "read:notes delete:notes", "read:reports", "READ:NOTES", "*", "<script>"] {
            let body = refused(ask(&t, &client, &[("scope", scope)]).await, 400, "invalid_scope");
            assert!(!body["error_description"].as_str().unwrap().contains(['"', '\\']));
        }
        refused(ask(&t, &client, &[("scope", "read:notes"), ("scope", "write:notes")]).await, 400, "invalid_request");
        let body = |scopes: Value| json!({"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "scopes": scopes}).to_string();
        let path = token_path(&t);
        assert_eq!(send(&t, &path, JSON, None, body(json!(["write:notes"]))).await.ok()["scope"], "write:notes");
        assert_eq!(send(&t, &path, JSON, None, body(json!([]))).await.ok()["scope"], "read:notes write:notes read:*");
        refused(send(&t, &path, JSON, None, body(json!([1]))).await, 400, "invalid_request");
        refused(send(&t, &path, JSON, None, body(json!(["delete:notes"]))).await, 400, "invalid_scope");
    }

    async fn every_way_to_show_credentials_works(t) {
        let client = reader(&t).await;
        let project = t.project.project_id.to_string();
        let of_project = basic(&project, &t.project.secret);
        let of_client = basic(&client.id, &client.secret);
        let full = [("grant_type", "client_credentials"), ("client_id", client.id.as_str()), ("client_secret", client.secret.as_str())];
        let json_of = |pairs: &[(&str, &str)]| Value::Object(pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()).to_string();
        for path in [token_path(&t), "/v1/oauth2/token".to_owned(), "/v1/m2m/token".to_owned()] {
            for (authorization, pairs) in [
                (None, &full[..]),
                // Python, Ruby, Java and Rust send the project beside the client.
                (Some(of_project.clone()), &full[..]),
                (Some(basic(&project, "")), &full[..]),
                (Some(of_client.clone()), &full[..1]),
                (Some(of_client.clone()), &full[..2]),
                (Some(of_client.clone()), &full[..]),
            ] {
                for (content_type, body) in [
                    (FORM, form(pairs)), (JSON, json_of(pairs)),
                    // The content says what it is, whatever its type says.
                    (JSON, form(pairs)), (FORM, json_of(pairs)), ("application/x-www-form-urlencoded;charset=UTF-8", form(pairs)),
                ] {
                    let answer = send(&t, &path, content_type, authorization.as_deref(), body).await;
                    assert_eq!(claims(answer.ok()["access_token"].as_str().unwrap())["sub"], client.id, "{path} {authorization:?} {content_type}");
                    // Do not run into the limit of tokens.
                    t.advance_seconds(1);
                }
            }
        }
    }

    async fn credentials_that_contradict_each_other_are_refused(t) {
        let client = reader(&t).await;
        let other = reader(&t).await;
        let second = add_project(&t.app, "Second").await;
        let project = t.project.project_id.to_string();
        let path = token_path(&t);
        let body = |client: &Client| form(&[("grant_type", "client_credentials"), ("client_id", &client.id), ("client_secret", &client.secret)]);
        let only_grant = form(&[("grant_type", "client_credentials")]);
        for (authorization, body, status, error) in [
            (basic(&other.id, &other.secret), body(&client), 400, "invalid_request"),
            (basic(&client.id, "wrong"), body(&client), 400, "invalid_request"),
            (basic(&client.id, "wrong"), only_grant.clone(), 401, "invalid_client"),
            (basic(&project, "wrong"), body(&client), 401, "invalid_client"),
            (basic(&second.project_id.to_string(), &second.secret), body(&client), 401, "invalid_client"),
            // The project is no client, however right its secret is.
            (basic(&project, &t.project.secret), only_grant.clone(), 400, "invalid_request"),
            (basic(&project, &t.project.secret), form(&[("grant_type", "client_credentials"), ("client_id", &project), ("client_secret", &t.project.secret)]), 401, "invalid_client"),
            ("Bearer abc".to_owned(), body(&client), 401, "invalid_client"),
            ("Basic !!!".to_owned(), body(&client), 401, "invalid_client"),
        ] {
            let answer = send(&t, &path, FORM, Some(&authorization), body).await;
            if status == 401 {
                assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "), "the header was tried");
            }
            refused(answer, status, error);
        }
        let answer = send(&t, &path, FORM, None, body(&Client { secret: "wrong".into(), ..client.clone() })).await;
        assert!(!answer.headers.contains_key("www-authenticate"), "the header was not tried");
        refused(answer, 401, "invalid_client");
    }

    /// Unknown, wrong and inactive cannot be told from each other.
    async fn refused_clients_all_hear_the_same(t) {
        let client = reader(&t).await;
        let inactive = reader(&t).await;
        t.put(&inactive.path(""), json!({"status": "inactive"})).await.ok();
        let unknown = Client { id: "m2m-client-test-00000000-0000-4000-8000-000000000000".into(), ..client.clone() };
        let malformed = Client { id: "a b/../\u{e4}".into(), ..client.clone() };
        let wrong = Client { secret: "wrong".into(), ..client.clone() };
        let mut bodies = Vec::new();
        for refused_client in [&unknown, &malformed, &wrong, &inactive] {
            let mut body = refused(ask(&t, refused_client, &[]).await, 401, "invalid_client");
            body["request_id"] = json!("");
            bodies.push(body);
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    }

    /// R-18
    async fn an_inactive_client_gets_no_tokens_and_keeps_those_it_has(t) {
        let client = reader(&t).await;
        let held = token(&t, &client).await;
        assert!(is_active(&t, &client, &held).await);
        t.put(&client.path(""), json!({"status": "inactive"})).await.ok();
        refused(ask(&t, &client, &[]).await, 401, "invalid_client");
        assert!(!is_active(&t, &client, &held).await, "who asks the server hears at once");
        t.put(&client.path(""), json!({"status": "active"})).await.ok();
        assert!(is_active(&t, &client, &held).await);
        token(&t, &client).await;
    }

    async fn malformed_requests_are_answered_in_the_words_of_oauth(t) {
        let client = reader(&t).await;
        let path = token_path(&t);
        let (id, secret) = (client.id.as_str(), client.secret.as_str());
        let grant = ("grant_type", "client_credentials");
        for (content_type, body, status, error) in [
            (FORM, form(&[("client_id", id), ("client_secret", secret)]), 400, "invalid_request"),
            (FORM, form(&[grant, ("client_secret", secret)]), 400, "invalid_request"),
            (FORM, form(&[grant, ("client_id", id)]), 400, "invalid_request"),
            (FORM, form(&[grant, ("client_id", id), ("client_secret", "")]), 400, "invalid_request"),
            (FORM, form(&[grant, grant, ("client_id", id), ("client_secret", secret)]), 400, "invalid_request"),
            (FORM, form(&[grant, ("client_id", id), ("client_id", "x"), ("client_secret", secret)]), 400, "invalid_request"),
            (FORM, String::new(), 400, "invalid_request"),
            (JSON, "{".into(), 400, "invalid_request"),
            (JSON, "[]".into(), 400, "invalid_request"),
            (JSON, "null".into(), 400, "invalid_request"),
            (JSON, json!({"grant_type": 1, "client_id": id, "client_secret": secret}).to_string(), 400, "invalid_request"),
            (JSON, json!({"grant_type": "client_credentials", "client_id": [id], "client_secret": secret}).to_string(), 400, "invalid_request"),
            (JSON, json!({"grant_type": "client_credentials", "client_id": id, "client_secret": {"$ne": ""}}).to_string(), 400, "invalid_request"),
            (FORM, form(&[grant, ("client_id", "a\u{200b}b"), ("client_secret", secret)]), 400, "invalid_request"),
            (FORM, form(&[("grant_type", "password"), ("client_id", id), ("client_secret", secret)]), 400, "unsupported_grant_type"),
            (FORM, form(&[("grant_type", "authorization_code"), ("client_id", id), ("client_secret", secret)]), 400, "unsupported_grant_type"),
            (FORM, form(&[grant, ("client_id", "connected-app-test-00000000-0000-4000-8000-000000000000"), ("client_secret", secret)]), 400, "unauthorized_client"),
            ("text/plain", form(&[grant, ("client_id", id), ("client_secret", secret)]), 415, "invalid_request"),
            ("multipart/form-data; boundary=x", "--x--".into(), 415, "invalid_request"),
            (FORM, format!("grant_type={}", "x".repeat(70_000)), 413, "invalid_request"),
        ] {
            let shown = body.chars().take(120).collect::<String>();
            let answer = send(&t, &path, content_type, None, body).await;
            assert_eq!(answer.status.as_u16(), status, "{content_type} {shown}: {}", answer.text);
            refused(answer, status, error);
        }
        let unknown = "/v1/public/project-test-00000000-0000-4000-8000-000000000000/oauth2/token";
        for path in [unknown, "/v1/public/undefined/oauth2/token"] {
            refused(send(&t, path, FORM, None, form(&[grant, ("client_id", id), ("client_secret", secret)])).await, 404, "invalid_request");
        }
        for path in [path.as_str(), "/v1/oauth2/token", "/v1/m2m/token"] {
            let get = Request::get(format!("{path}?grant_type=client_credentials&client_id={id}&client_secret={secret}"));
            refused(t.send(get.body(Body::empty()).unwrap()).await, 405, "invalid_request");
        }
        // Credentials in the URL are not looked at.
        let in_url = format!("{path}?{}", form(&[grant, ("client_id", id), ("client_secret", secret)]));
        refused(send(&t, &in_url, FORM, None, "").await, 400, "invalid_request");
        let preflight = Request::builder().method(Method::OPTIONS).uri(&path).header("origin", "https://app.example")
            .header("access-control-request-method", "POST");
        let answer = t.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.headers["access-control-allow-origin"].to_str().unwrap()), (204, "*"));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        token(&t, &client).await;
    }

    async fn a_client_that_brings_a_secret_along_keeps_it(t) {
        let brought = Client { id: "3MVG9lKcPoNINVBIPJjdw1J9LLM82HnF".into(), secret: "1955279925675241571:nR8p+Q %2F_~|xK".into() };
        let made = t.post(CLIENTS, json!({"client_id": brought.id, "client_secret": brought.secret, "scopes": ["read:notes"]})).await.ok();
        assert_eq!(made["m2m_client"]["client_secret"], brought.secret);
        assert_eq!(made["m2m_client"]["client_secret_last_four"], "~|xK");
        for _ in 0..3 {
            token(&t, &brought).await;
        }
        refused(ask(&t, &Client { secret: "1955279925675241571:nR8p+Q %2F_~|xL".into(), ..brought.clone() }, &[]).await, 401, "invalid_client");
        // RFC 6749 §2.3.1 wants it encoded in the header; most clients do not do that.
        let only_grant = form(&[("grant_type", "client_credentials")]);
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        for authorization in [basic(&brought.id, &brought.secret), basic(&encode(&brought.id), &encode(&brought.secret))] {
            send(&t, &token_path(&t), FORM, Some(&authorization), only_grant.clone()).await.ok();
        }
        // While it is rotated, both kinds of secret work.
        let started = t.post(&brought.path("/secrets/rotate/start"), json!({})).await.ok();
        let next = Client { secret: started["m2m_client"]["next_client_secret"].as_str().unwrap().into(), ..brought.clone() };
        token(&t, &brought).await;
        token(&t, &next).await;
        t.post(&brought.path("/secrets/rotate"), json!({})).await.ok();
        token(&t, &next).await;
        refused(ask(&t, &brought, &[]).await, 401, "invalid_client");
    }

    async fn claims_come_from_the_template_and_from_nowhere_else(t) {
        let client = create(&t, json!({"client_name": "Export", "scopes": ["a", "b"], "trusted_metadata": {"organization_id": "acme", "seats": 5}})).await;
        let plain = ask(&t, &client, &[("audience", "https://api.acme.example"), ("plan", "gold")]).await.ok();
        assert_eq!(claims(plain["access_token"].as_str().unwrap()).as_object().unwrap().len(), 8, "what a caller says is not copied");
        let template = r#"{"org":{{ client.trusted_metadata.organization_id }}, "seats": {{client.trusted_metadata.seats}}, "who": "{{ client.client_name }} <{{ client.client_id }}>",
            "audience": {{ request.audience }}, "n": {{ request.n }}, "stolen": {{ request.client_secret }}, "grant": {{ request.grant_type }}, "active": {{ request.n }}}"#;
        t.set(json!({"m2m_jwt_template": {"template_content": template, "custom_audience": "https://api.acme.example"}})).await;
        let answer = ask(&t, &client, &[("audience", "https://api.acme.example/\"}"), ("n", "7"), ("sub", "x"), ("scope", "a")]).await.ok();
        let jwt = answer["access_token"].as_str().unwrap();
        let of_form = claims(jwt);
        assert_eq!(of_form["aud"], json!([t.project.project_id, "https://api.acme.example"]));
        for (claim, expected) in [("org", json!("acme")), ("seats", json!(5)), ("who", json!(format!("Export <{}>", client.id))),
            ("audience", json!("https://api.acme.example/\"}")), ("n", json!("7")), ("sub", json!(client.id)), ("scope", json!("a"))] {
            assert_eq!(of_form[claim], expected, "{claim}");
        }
        assert!(of_form.get("stolen").is_none() && of_form.get("grant").is_none(), "what is for the endpoint itself is not for templates");
        // What the server says of a token does not change when a claim has the same name.
        let body = form(&[("client_id", &client.id), ("client_secret", &client.secret), ("token", jwt)]);
        let said = send(&t, "/v1/oauth2/introspect", FORM, None, body).await.ok();
        assert_eq!((&said["active"], &said["client_id"], &said["org"], &said["status_code"]), (&json!(true), &json!(client.id), &json!("acme"), &json!(200)));

        let body = json!({"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "n": {"deep": [1, true]}, "audience": null});
        let of_json = claims(send(&t, &token_path(&t), JSON, None, body.to_string()).await.ok()["access_token"].as_str().unwrap());
        assert_eq!(of_json["n"], json!({"deep": [1, true]}), "JSON keeps its types");
        assert!(of_json.get("audience").is_none(), "nothing is left of what is missing");
        let long = ask(&t, &client, &[("audience", &"x".repeat(5000)), ("n", "7")]).await.ok();
        let of_long = claims(long["access_token"].as_str().unwrap());
        assert!(of_long.get("audience").is_none() && of_long["n"] == "7", "what is too long is left out alone");
    }

    /// R-45
    async fn templates_are_judged_when_they_are_set(t) {
        let project = t.app.projects.by_id(t.project.project_id).unwrap();
        for (template, expected) in [
            ("[]", ErrorType::JwtTemplateInvalidJson),
            (r#"{"a":{{ client.x }"#, ErrorType::JwtTemplateMismatchedTag),
            (r#"{"a":{{ process.env }}}"#, ErrorType::JwtTemplateInvalidTag),
            (r#"{"sub":{{ request.sub }}}"#, ErrorType::ReservedClaimsInCustomClaims),
            (r#"{"https://stytch.com/session":{{ request.x }}}"#, ErrorType::StytchClaimsInCustomClaims),
        ] {
            let change = json!({"m2m_jwt_template": {"template_content": template}});
            let result = ostiary_server::ops::projects::change_settings(&t.app, &project.environment, change.as_object().unwrap().clone()).await;
            assert_eq!(result.unwrap_err().kind, expected, "{template}");
        }
    }

    /// R-14, R-15, R-16, R-17: tokens that the server did not issue to the asking client, for this project, for now.
    async fn forged_and_foreign_tokens_are_not_active(t) {
        let client = reader(&t).await;
        let good = token(&t, &client).await;
        let question = form(&[("client_id", &client.id), ("client_secret", &client.secret), ("token", &good)]);
        let said = send(&t, &format!("/v1/public/{}/oauth2/introspect", t.project.project_id), FORM, None, question).await.ok();
        assert_eq!((&said["active"], &said["sub"], &said["scope"], &said["token_type"]), (&json!(true), &json!(client.id), &json!("read:notes write:notes"), &json!("access_token")));
        assert!(said["aud"].is_array() && said["exp"].is_i64() && said["iat"].is_i64());

        let parts: Vec<&str> = good.split('.').collect();
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
        let kid = header["kid"].as_str().unwrap();
        let (stranger, _) = SigningKey::generate(kid).unwrap();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let with_header = |header: Value| format!("{}.{}.{}", encode(&header), parts[1], parts[2]);
        let mut grown = claims(&good);
        grown["scope"] = json!("read:notes write:notes admin");
        let mut flipped = good.clone().into_bytes();
        let last = flipped.len() - 10;
        flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
        let other = reader(&t).await;
        let second = add_project(&t.app, "Second").await;
        let foreign = t.call_as(&second, Method::POST, CLIENTS, Some(json!({"client_id": client.id, "client_secret": "the same client, another project 42", "scopes": []})), &[]).await;
        foreign.ok();
        let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.id), ("client_secret", "the same client, another project 42")]);
        let of_second = send(&t, &format!("/v1/public/{}/oauth2/token", second.project_id), FORM, None, body).await.ok();
        let acme = t.organization("Acme", json!({})).await;
        t.member(&acme, "ada@acme.example", json!({})).await;
        let session = t.sign_in(&acme, "ada@acme.example").await;
        for forged in [
            String::new() + "x", "a.b.c".into(),
            stranger.sign(claims(&good).to_string().as_bytes()),
            format!("{}.{}.{}", parts[0], encode(&grown), parts[2]),
            format!("{}.{}.", encode(&json!({"alg": "none", "typ": "JWT", "kid": kid})), parts[1]),
            with_header(json!({"alg": "HS256", "typ": "JWT", "kid": kid})),
            with_header(json!({"alg": "RS256", "typ": "at+jwt", "kid": kid})),
            with_header(json!({"alg": "RS256", "typ": "JWT", "kid": "../../etc/passwd"})),
            String::from_utf8(flipped).unwrap(),
            format!("{good}.{}.{}", parts[1], parts[2]),
            token(&t, &other).await,
            of_second["access_token"].as_str().unwrap().to_owned(),
            session["session_jwt"].as_str().unwrap().to_owned(),
        ] {
            assert!(!is_active(&t, &client, &forged).await, "{forged}");
        }
        assert!(is_active(&t, &client, &good).await);
        assert!(!is_active(&t, &other, &good).await, "another client's");
        t.advance_seconds(3594);
        assert!(is_active(&t, &client, &good).await);
        t.advance_seconds(6);
        assert!(!is_active(&t, &client, &good).await, "expired");

        // A session check takes no access token for a session.
        t.post("/v1/b2b/sessions/authenticate", json!({"session_jwt": token(&t, &client).await})).await.fails(400, "unable_to_parse_session_jwt");
        let bad = form(&[("client_id", &client.id), ("client_secret", "wrong"), ("token", &good)]);
        let introspect = format!("/v1/public/{}/oauth2/introspect", t.project.project_id);
        refused(send(&t, &introspect, FORM, None, bad).await, 401, "invalid_client");
        let none = form(&[("client_id", &client.id), ("client_secret", &client.secret)]);
        refused(send(&t, &introspect, FORM, None, none).await, 400, "invalid_request");
    }

    async fn tokens_of_a_replaced_key_stay_good(t) {
        let client = reader(&t).await;
        let scope = cx(&t).scope();
        t.advance_minutes(5);
        ostiary_server::ops::projects::rotate_signing_key(&t.app, scope, t.app.clock.now()).await.unwrap();
        t.advance_minutes(58);
        let old = token(&t, &client).await;
        t.advance_minutes(4);
        let new = token(&t, &client).await;
        assert_ne!(old.split('.').next(), new.split('.').next(), "signed by another key");
        assert!(is_active(&t, &client, &old).await && is_active(&t, &client, &new).await);
    }

    async fn without_a_project_in_the_path_the_client_says_which(t) {
        let client = reader(&t).await;
        let second = add_project(&t.app, "Second").await;
        let body = |id: &str, secret: &str| form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]);
        for path in ["/v1/oauth2/token", "/v1/m2m/token"] {
            let answer = send(&t, path, FORM, None, body(&client.id, &client.secret)).await.ok();
            assert_eq!(claims(answer["access_token"].as_str().unwrap())["aud"], json!([t.project.project_id]));
            refused(send(&t, path, FORM, None, body("nobody", "x")).await, 401, "invalid_client");
            refused(send(&t, path, FORM, None, form(&[("grant_type", "client_credentials")])).await, 400, "invalid_request");
        }
        // The same id in two projects: only the project's own authorization or the path can tell.
        for project in [&t.project, &second] {
            t.call_as(project, Method::POST, CLIENTS, Some(json!({"client_id": "shared", "client_secret": "a secret of the two of us 42", "scopes": []})), &[]).await.ok();
        }
        let shared = body("shared", "a secret of the two of us 42");
        refused(send(&t, "/v1/oauth2/token", FORM, None, shared.clone()).await, 400, "invalid_request");
        for project in [&t.project, &second] {
            let authorization = basic(&project.project_id.to_string(), &project.secret);
            let by_header = send(&t, "/v1/oauth2/token", FORM, Some(&authorization), shared.clone()).await.ok();
            let by_path = send(&t, &format!("/v1/public/{}/oauth2/token", project.project_id), FORM, None, shared.clone()).await.ok();
            for answer in [by_header, by_path] {
                assert_eq!(claims(answer["access_token"].as_str().unwrap())["aud"], json!([project.project_id]));
            }
        }
        // R-39: a client of one project is none of the other.
        let path = format!("/v1/public/{}/oauth2/token", second.project_id);
        refused(send(&t, &path, FORM, None, body(&client.id, &client.secret)).await, 401, "invalid_client");
        t.call_as(&second, Method::GET, &client.path(""), None, &[]).await.fails(404, "m2m_client_not_found");
        t.call_as(&second, Method::DELETE, &client.path(""), None, &[]).await.fails(404, "m2m_client_not_found");
    }

    async fn the_path_of_auth0_is_served_where_an_operator_wants_it(t) {
        let client = reader(&t).await;
        let body = json!({"grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret, "audience": "https://api.acme.example"}).to_string();
        refused(send(&t, "/oauth/token", JSON, None, body.clone()).await, 404, "invalid_request");
        t.set(json!({"m2m_auth0_token_path": true})).await;
        send(&t, "/oauth/token", JSON, None, body).await.ok();
    }

    async fn who_guesses_secrets_is_stopped_and_the_client_is_not(t) {
        let client = reader(&t).await;
        let from = |address: &'static str, secret: &str| {
            let body = form(&[("grant_type", "client_credentials"), ("client_id", &client.id), ("client_secret", secret)]);
            let mut request = Request::post(token_path(&t)).header("content-type", FORM)
                // Nobody may choose the address that counts.
                .header("x-forwarded-for", "203.0.113.9").body(Body::from(body)).unwrap();
            request.extensions_mut().insert(Connection { peer: address.parse().unwrap(), is_tls: false });
            let t = &t;
            async move { t.send(request).await }
        };
        for _ in 0..10 {
            refused(from("192.0.2.1:5000", "wrong").await, 401, "invalid_client");
        }
        let answer = from("192.0.2.1:6000", &client.secret).await;
        let seconds: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((50..=61).contains(&seconds), "{seconds}");
        refused(answer, 429, "too_many_requests");
        from("192.0.2.2:5000", &client.secret).await.ok();
        t.advance_seconds(62);
        from("192.0.2.1:5000", &client.secret).await.ok();
        // R-37: all addresses of one IPv6 network count as one, and an IPv4 address however it is written.
        for number in 0..10 {
            let address = format!("[2001:db8::{number}]:5000").leak();
            refused(from(address, "wrong").await, 401, "invalid_client");
            refused(from("[::ffff:192.0.2.7]:5000", "wrong").await, 401, "invalid_client");
        }
        refused(from("[2001:db8::ffff]:5000", &client.secret).await, 429, "too_many_requests");
        refused(from("192.0.2.7:5000", &client.secret).await, 429, "too_many_requests");
        from("[2001:db8:0:1::1]:5000", &client.secret).await.ok();
    }

    async fn a_client_that_asks_too_often_waits(t) {
        let client = reader(&t).await;
        let other = reader(&t).await;
        let mut refusals = 0;
        for _ in 0..130 {
            let answer = ask(&t, &client, &[]).await;
            if answer.status == 429 {
                assert_eq!(answer.headers["retry-after"], "1");
                refused(answer, 429, "too_many_requests");
                refusals += 1;
            } else {
                answer.ok();
            }
        }
        assert!(refusals > 0, "a hundred at once, and twenty for each second that passed");
        token(&t, &other).await;
        t.advance_seconds(1);
        token(&t, &client).await;
    }

    async fn tokens_are_counted_by_day(t) {
        use ostiary_server::ops::m2m::usage::day_of;
        let client = reader(&t).await;
        let first = day_of(t.app.clock.now());
        for _ in 0..3 {
            token(&t, &client).await;
        }
        t.app.m2m.usage.flush(&t.app.store).await.unwrap();
        token(&t, &client).await;
        t.advance_minutes(24 * 60);
        token(&t, &client).await;
        refused(ask(&t, &Client { secret: "wrong".into(), ..client.clone() }, &[]).await, 401, "invalid_client");
        t.app.m2m.usage.flush(&t.app.store).await.unwrap();
        let uses = clients::uses(&cx(&t), &client.id, first).await.unwrap();
        let counted: Vec<_> = uses.iter().map(|usage| usage.tokens).collect();
        assert_eq!(counted, [4, 1]);
        assert!(uses[1].last_issued_at.seconds() > uses[0].last_issued_at.seconds());
        // A client that is gone meanwhile does not hold up the others.
        let other = reader(&t).await;
        token(&t, &client).await;
        token(&t, &other).await;
        t.delete(&client.path("")).await.ok();
        t.app.m2m.usage.flush(&t.app.store).await.unwrap();
        assert_eq!(clients::uses(&cx(&t), &other.id, first).await.unwrap().len(), 1);
    }

    async fn a_list_from_elsewhere_is_applied_as_often_as_one_likes(t) {
        let list = json!([
            {"client_id": "export", "client_secret": "1955279925675241571_nR8pQ", "name": "Export", "scopes": ["read:notes"], "metadata": {"org": "acme"}},
            {"client_id": "hashed", "client_secret_hash": "$2b$04$YkLkM8QyMtbJgxwUVDYkYubdKNAQzUCHFz7sRBZ5uQlEGzWhOYo9m", "client_secret_last_four": "wxyz", "scopes": "a b"},
            {"client_id": "made", "scopes": []},
            {"client_id": "weak", "client_secret": "password", "scopes": []},
            {"client_id": "bad id", "client_secret": "1955279925675241571_nR8pQ", "scopes": []},
            {"client_id": "export", "client_secret": "1955279925675241571_nR8pQ", "name": "Export", "scopes": ["read:notes"], "metadata": {"org": "acme"}},
        ]).to_string();
        let apply = |list: String, is_rehearsal| { let cx = cx(&t); async move { import::apply(&cx, import::read(&list).unwrap(), is_rehearsal).await.unwrap() } };
        let rehearsed = apply(list.clone(), true).await;
        assert_eq!(rehearsed.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Created(None))).count(), 4);
        assert_eq!(t.post(&format!("{CLIENTS}/search"), json!({})).await.ok()["results_metadata"]["total"], 0, "a rehearsal changes nothing");

        let applied: Vec<_> = apply(list.clone(), false).await;
        assert_eq!(applied[0].1, Outcome::Created(None));
        let Outcome::Created(Some(secret)) = &applied[2].1 else { panic!("{:?}", applied[2]) };
        let refused_kinds: Vec<_> = applied.iter().filter_map(|(_, outcome)| match outcome { Outcome::Refused(error) => Some(error.kind), _ => None }).collect();
        assert_eq!(refused_kinds, [ErrorType::InsecureM2mClientSecret, ErrorType::M2mClientInvalidClientId]);
        assert_eq!(applied[5].1, Outcome::Unchanged);
        for (id, secret) in [("export", "1955279925675241571_nR8pQ"), ("made", secret.as_str())] {
            token(&t, &Client { id: id.into(), secret: secret.into() }).await;
        }
        let hashed = t.get(&format!("{CLIENTS}/hashed")).await.ok()["m2m_client"].take();
        assert_eq!((&hashed["client_secret_last_four"], &hashed["scopes"]), (&json!("wxyz"), &json!(["a", "b"])));

        // Again, with a change: secrets stay.
        let changed = list.replace("\"name\":\"Export\"", "\"name\":\"Renamed\"").replace("1955279925675241571_nR8pQ", "another secret that is good 7");
        let again = apply(changed, false).await;
        assert_eq!((&again[0].1, &again[1].1, &again[2].1), (&Outcome::Updated, &Outcome::Unchanged, &Outcome::Unchanged));
        assert_eq!(t.get(&format!("{CLIENTS}/export")).await.ok()["m2m_client"]["client_name"], "Renamed");
        token(&t, &Client { id: "export".into(), secret: "1955279925675241571_nR8pQ".into() }).await;
    }

    async fn a_project_counts_what_it_has(t) {
        let acme = t.organization("Acme", json!({})).await;
        let ada = t.member(&acme, "ada@acme.example", json!({})).await;
        t.member(&acme, "bob@acme.example", json!({})).await;
        t.delete(&format!("/v1/b2b/organizations/{acme}/members/{ada}")).await.ok();
        reader(&t).await;
        let second = add_project(&t.app, "Second").await;
        let metrics = t.get("/v1/projects/metrics").await.ok();
        assert_eq!(metrics["project_id"], json!(t.project.project_id));
        let count = |metrics: &Value, kind: &str| metrics["metrics"].as_array().unwrap().iter().find(|metric| metric["metric_type"] == kind).unwrap()["count"].clone();
        for (kind, expected) in [("ORGANIZATION_COUNT", 1), ("MEMBER_COUNT", 1), ("M2M_CLIENT_COUNT", 1), ("USER_COUNT", 0)] {
            assert_eq!(count(&metrics, kind), expected, "{kind}");
        }
        let metrics = t.call_as(&second, Method::GET, "/v1/projects/metrics", None, &[]).await.ok();
        assert_eq!(count(&metrics, "M2M_CLIENT_COUNT"), 0);
    }

    /// What one node decides about a client holds on the other with the next request.
    async fn nodes_agree_about_clients_at_once(t) {
        let t = Arc::new(t);
        let Some(second) = t.another_node().await else { return };
        let client = reader(&t).await;
        let ask_second = |secret: &str| {
            let body = json!({"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret});
            let (second, path) = (&second, token_path(&t));
            async move { second.post(&path, body).await }
        };
        ask_second(&client.secret).await.ok();
        let started = second.post(&client.path("/secrets/rotate/start"), json!({})).await.ok();
        let next = Client { secret: started["m2m_client"]["next_client_secret"].as_str().unwrap().into(), ..client.clone() };
        token(&t, &next).await;
        t.post(&client.path("/secrets/rotate"), json!({})).await.ok();
        refused(ask_second(&client.secret).await, 401, "invalid_client");
        ask_second(&next.secret).await.ok();
        t.put(&client.path(""), json!({"status": "inactive"})).await.ok();
        refused(ask_second(&next.secret).await, 401, "invalid_client");
    }
}
