//! What the OAuth endpoints share: bodies as form or JSON, and clients that show their credentials in any of the ways of
//! RFC 6749 §2.3.1 (spec 03c §3, 04a §5).
//!
//! The official SDKs make two of these ways collide: Python, Ruby and Java send the client in a JSON body *and* Basic
//! authorization with the project's own id and secret. So Basic with a project id says which project is meant and that
//! the caller is its backend; it is never the client.

use crate::app::App;
use crate::cx::Result;
use crate::http::authenticate::basic;
use crate::http::call::Call;
use crate::ops::m2m::authenticate::{self, Credentials, invalid_client};
use crate::project::Project;
use crate::wire::Fields;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::ids::ProjectId;
use std::sync::Arc;

/// Reads a body by what it looks like, since some clients name the wrong type: JSON begins with a bracket, and a form
/// does not.
pub fn read_fields(headers: &HeaderMap, body: &[u8]) -> Result<Fields> {
    if !body.is_empty() && !is_form_or_json(headers) {
        return Err(ErrorType::UnsupportedMediaType
            .with_message("Send the body as application/x-www-form-urlencoded or application/json."));
    }
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[' | b'"') => Fields::parse(body),
        _ => Ok(Fields::from_form(body)),
    }
}

/// One of the two types, or nothing said.
fn is_form_or_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/json", "application/x-www-form-urlencoded"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}

/// What the Authorization header says.
enum Header {
    Absent,
    /// The project itself, with one of its secrets or none.
    Project(ProjectId, String),
    /// A client: user and password as they stand.
    Client(Credentials),
}

fn header(headers: &HeaderMap) -> Result<Header> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(Header::Absent);
    }
    let (user, password) = basic(headers).map_err(|_| invalid_client("the header is not Basic"))?;
    Ok(match ProjectId::parse_any(&user) {
        Some(id) => Header::Project(id, password),
        None => Header::Client(Credentials { id: user, secret: password }),
    })
}

/// RFC 6749 §2.3.1 wants user and password encoded like a form before base64; most clients do not. `None` when both
/// readings are the same.
fn decoded(credentials: &Credentials) -> Option<Credentials> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().map(|text| text.into_owned()).ok()
    };
    let decoded = Credentials { id: decode(&credentials.id)?, secret: decode(&credentials.secret)? };
    (decoded != *credentials).then_some(decoded)
}

/// The credentials of the calling client, in each way in which they can be read: one from the body, or one or two from
/// the header.
pub fn credentials(call: &Call) -> Result<Vec<Credentials>> {
    let (id, secret) = (call.fields.nonempty("client_id")?, call.fields.nonempty("client_secret")?);
    let readings = match header(&call.headers)? {
        Header::Absent => return Ok(vec![in_body(id, secret)?]),
        Header::Project(project, project_secret) => {
            let own = project == call.cx.project.id();
            if !own || !(project_secret.is_empty() || call.cx.project.has_secret(&project_secret)) {
                return Err(invalid_client("the project id and secret in the header are not correct"));
            }
            return Ok(vec![in_body(id, secret)?]);
        }
        Header::Client(plain) => {
            let decoded = decoded(&plain);
            std::iter::once(plain).chain(decoded).collect::<Vec<_>>()
        }
    };
    // A client may say who it is in the body too, but not that it is another, or by another secret.
    let agrees = |reading: &Credentials| {
        id.as_ref().is_none_or(|id| *id == reading.id)
            && secret.as_ref().is_none_or(|secret| *secret == reading.secret)
    };
    let agreeing: Vec<Credentials> = readings.into_iter().filter(agrees).collect();
    if agreeing.is_empty() {
        return Err(ErrorType::InvalidRequest
            .with_message("The Authorization header and the body name different credentials."));
    }
    Ok(agreeing)
}

fn in_body(id: Option<String>, secret: Option<String>) -> Result<Credentials> {
    let missing = |name: &str| ErrorType::InvalidRequest.with_message(format!("{name} is required."));
    Ok(Credentials {
        id: id.ok_or_else(|| missing("client_id"))?,
        secret: secret.ok_or_else(|| missing("client_secret"))?,
    })
}

/// The project of a request whose path names none.
pub async fn find_project(app: &App, headers: &HeaderMap, fields: &Fields) -> Result<Arc<Project>> {
    let in_header = match header(headers)? {
        Header::Project(id, _) => {
            return app.projects.by_id(id).ok_or_else(|| invalid_client("the project is not known"));
        }
        Header::Client(credentials) => Some(credentials.id),
        Header::Absent => None,
    };
    let client_id = fields.nonempty("client_id")?.or(in_header);
    authenticate::find_project(app, client_id.as_deref()).await
}

/// The `error` of a refusal (RFC 6749 §5.2). What the standard has no word for is an invalid request.
pub fn error_name(kind: ErrorType) -> &'static str {
    use ErrorType as E;
    match kind {
        E::InvalidRequest
        | E::InvalidClient
        | E::UnauthorizedClient
        | E::UnsupportedGrantType
        | E::InvalidScope
        | E::TooManyRequests => kind.name(),
        _ if kind.status() == 503 => "temporarily_unavailable",
        _ if kind.status() >= 500 => "server_error",
        _ => E::InvalidRequest.name(),
    }
}

/// The text of a refusal without the two characters that the standard forbids there (RFC 6749 §5.2).
pub fn error_description(error: &Error) -> String {
    error.text().replace(['"', '\\'], "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn typed(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
    }

    #[test]
    fn a_body_is_what_it_looks_like() {
        for content_type in
            ["application/json", "application/x-www-form-urlencoded;charset=UTF-8", "APPLICATION/JSON"]
        {
            for body in ["a=b&c=", " {\"a\":\"b\",\"c\":null}"] {
                let fields = read_fields(&typed(content_type), body.as_bytes()).unwrap();
                assert_eq!(fields.text("a").unwrap(), Some("b"), "{content_type} {body}");
                assert!(!fields.has("c"));
            }
        }
        assert!(read_fields(&HeaderMap::new(), b"a=b").unwrap().has("a"));
        for body in ["[]", "\"a=b\"", "{\"a\":", "{a=b}"] {
            let error = read_fields(&typed("application/json"), body.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorType::BadRequest, "{body}");
        }
    }

    #[test]
    fn other_types_are_refused_unless_there_is_no_body() {
        for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""] {
            let error = read_fields(&typed(content_type), b"a=b").unwrap_err();
            assert_eq!(error.kind, ErrorType::UnsupportedMediaType, "{content_type}");
            assert!(read_fields(&typed(content_type), b"").is_ok());
        }
    }

    #[test]
    fn credentials_are_read_plainly_and_as_the_standard_says() {
        let read = |id: &str, secret: &str| decoded(&Credentials { id: id.into(), secret: secret.into() });
        assert_eq!(read("m2m-client-test-1", "AZaz09-_"), None);
        let both = read("auth0%7C1", "a%2Bb+c").unwrap();
        assert_eq!((both.id.as_str(), both.secret.as_str()), ("auth0|1", "a+b c"));
        assert_eq!(read("a", "%ff"), None, "what is no text stays as it stands");
    }

    #[test]
    fn every_refusal_has_a_word_of_the_standard() {
        let words = [
            "invalid_request",
            "invalid_client",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
            "too_many_requests",
            "server_error",
            "temporarily_unavailable",
        ];
        for kind in ErrorType::ALL {
            assert!(words.contains(&error_name(*kind)), "{}", kind.name());
        }
        let error = ErrorType::BadRequest.with_message("\"a\\b\"");
        assert_eq!(error_description(&error), "'a'b'");
    }
}
