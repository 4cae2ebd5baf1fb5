//! Encoding answers: flat on the server API and the OAuth endpoints, in `{data}` on the browser API; errors at the top
//! level on all, and in the words of RFC 6749 §5.2 on the OAuth endpoints (contracts `backend.md` §2, `frontend.md` §2).

use crate::cx::Cx;
use crate::http::in_two::InTwo;
use crate::http::reply::{Reply, Tokens};
use crate::http::routes::Surface;
use crate::http::{cookies, oauth};
use crate::ops::sessions::render::Rendered;
use crate::wire::Object;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::EnvironmentKind;
use ostiary_core::session::INTERMEDIATE_MINUTES;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A quarter of an hour, for which verifiers may keep the key set (contract `backend.md` §4).
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=900");
/// The header in which every answer repeats its request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: `request-id-<test|live>-<uuid>`.
pub fn request_id(uuid: Uuid, kind: EnvironmentKind) -> String {
    format!("request-id-{}-{}", kind.as_str(), uuid.as_hyphenated())
}

fn json_response(status: StatusCode, request_id: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// Encodes a success; the status is always 200 (contract `backend.md` §2).
pub fn success(cx: &Cx, surface: Surface, request_id: &str, reply: Reply) -> Response<Body> {
    let hides_tokens = surface == Surface::Browser && cx.project.environment.settings.http_only_cookies;
    let object = |bytes: usize| {
        Object::with_capacity(bytes).plain("request_id", request_id).field("status_code", &200)
    };
    let body = match &reply.tokens {
        Tokens::Checked(session) if surface == Surface::Backend => {
            let own = object(reply.object.len() + NAMES).extend(&reply.object);
            Body::new(InTwo::new(own.into_open_json(), Answer(session.clone())))
        }
        tokens => {
            let object = object(reply.object.len() + bytes_of(tokens) + NAMES);
            let object = match tokens {
                Tokens::Checked(session) => object.encoded(session.fields()),
                _ => object,
            };
            let object = with_tokens(object.extend(&reply.object), tokens, hides_tokens);
            Body::from(if surface == Surface::Browser { wrap(&object) } else { object.into_json() })
        }
    };
    let mut response = json_response(StatusCode::OK, request_id, body);
    if reply.is_cacheable {
        response.headers_mut().insert(CACHE_CONTROL, PUBLIC);
    }
    if hides_tokens {
        for cookie in token_cookies(cx, &reply.tokens) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// Encodes a success of the management API, which has no tokens: always 200, never without a body (spec 05a §2).
pub fn success_for_operator(request_id: &str, reply: Reply) -> Response<Body> {
    let object = Object::with_capacity(reply.object.len() + 128)
        .plain("request_id", request_id)
        .field("status_code", &200)
        .extend(&reply.object);
    json_response(StatusCode::OK, request_id, object.into_json().into())
}

/// About how many bytes an answer takes beside its object and its tokens.
const NAMES: usize = 256;

/// About how many bytes of an answer come with its tokens.
fn bytes_of(tokens: &Tokens) -> usize {
    match tokens {
        Tokens::Checked(session) => session.answer().len(),
        Tokens::Session(session) | Tokens::SessionOnly(session) => session.token.len() + session.jwt().len(),
        Tokens::Untouched | Tokens::Intermediate(_) | Tokens::IntermediateOnly(_) | Tokens::SignedOut => 0,
    }
}

/// The bytes that were encoded when a session was signed. They go out as they are, however often they are asked for.
struct Answer(Arc<Rendered>);

impl AsRef<[u8]> for Answer {
    fn as_ref(&self) -> &[u8] {
        self.0.answer().as_bytes()
    }
}

fn wrap(object: &Object) -> Vec<u8> {
    let mut body = Vec::with_capacity(object.len() + 12);
    body.extend_from_slice(b"{\"data\":{");
    body.extend_from_slice(object.members());
    body.extend_from_slice(b"}}");
    body
}

fn with_tokens(object: Object, tokens: &Tokens, hide: bool) -> Object {
    let shown = |token: &str| if hide { String::new() } else { token.to_owned() };
    match tokens {
        Tokens::Untouched | Tokens::SignedOut => object,
        Tokens::Checked(session) | Tokens::SessionOnly(session) => with_session(object, session, hide),
        Tokens::Session(session) => {
            with_session(object, session, hide).plain("intermediate_session_token", "")
        }
        Tokens::Intermediate(token) => object
            .plain("session_token", "")
            .plain("session_jwt", "")
            .plain("intermediate_session_token", &shown(token)),
        Tokens::IntermediateOnly(token) => object.plain("intermediate_session_token", &shown(token)),
    }
}

fn with_session(object: Object, session: &Rendered, hide: bool) -> Object {
    if hide {
        object.plain("session_token", "").plain("session_jwt", "")
    } else {
        object.plain("session_token", &session.token).plain("session_jwt", session.jwt())
    }
}

fn token_cookies(cx: &Cx, tokens: &Tokens) -> Vec<HeaderValue> {
    let cookies = match tokens {
        Tokens::Untouched => return Vec::new(),
        Tokens::Session(session) | Tokens::Checked(session) | Tokens::SessionOnly(session) => {
            let until = session.session.expires_at;
            [
                cookies::set(cx, cookies::SESSION, &session.token, until),
                cookies::set(cx, cookies::SESSION_JWT, session.jwt(), until),
                cookies::clear(cx, cookies::INTERMEDIATE),
            ]
        }
        Tokens::Intermediate(token) | Tokens::IntermediateOnly(token) => [
            cookies::clear(cx, cookies::SESSION),
            cookies::clear(cx, cookies::SESSION_JWT),
            cookies::set(cx, cookies::INTERMEDIATE, token, cx.now.plus_minutes(INTERMEDIATE_MINUTES)),
        ],
        Tokens::SignedOut => [
            cookies::clear(cx, cookies::SESSION),
            cookies::clear(cx, cookies::SESSION_JWT),
            cookies::clear(cx, cookies::INTERMEDIATE),
        ],
    };
    cookies.into_iter().flatten().collect()
}

/// Encodes an error in the shape of its surface. The page behind `error_url` explains it.
pub fn error(public_url: &str, surface: Surface, request_id: &str, error: &Error) -> Response<Body> {
    let status = error.kind.status();
    let mut body = Map::new();
    body.insert("status_code".into(), status.into());
    body.insert("request_id".into(), request_id.into());
    let url = error_url(public_url, error.kind);
    if surface == Surface::OAuth {
        body.insert("error".into(), oauth::error_name(error.kind).into());
        body.insert("error_description".into(), oauth::error_description(error).into());
        body.insert("error_uri".into(), url.into());
    } else {
        body.insert("error_type".into(), error.kind.name().into());
        body.insert("error_message".into(), error.text().into());
        body.insert("error_url".into(), url.into());
    }
    if surface != Surface::OAuth
        && let Some(details) = &error.details
    {
        body.insert("error_details".into(), Value::Object(details.clone()));
        if surface == Surface::Browser && error.kind == ErrorType::BadRequest {
            body.insert("body".into(), schema_errors(error, details));
        }
    }
    let body = Body::from(serde_json::to_vec(&body).unwrap_or_default());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, request_id, body);
    if let Some(seconds) = error.retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The list of mistakes that the browser SDKs render specially (spec 01a §1).
fn schema_errors(error: &Error, details: &Map<String, Value>) -> Value {
    let field = details.get("field").and_then(Value::as_str).unwrap_or_default();
    json!([{
        "keyword": "type",
        "dataPath": format!(".{field}"),
        "schemaPath": format!("#/properties/{field}/type"),
        "params": details,
        "message": error.text(),
    }])
}

/// Where an error is explained.
pub fn error_url(public_url: &str, kind: ErrorType) -> String {
    format!("{public_url}/docs/errors/{}#{}", kind.status(), kind.name())
}
