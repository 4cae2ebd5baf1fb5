//! Cross-origin rules. Calls to the browser API (contract `frontend.md` §9) carry credentials, so the exact origin is
//! echoed, on errors too. An origin that a project has not authorized gets an answer that its page can read.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// How long a browser may keep the answer to a preflight, in seconds; Chromium keeps none longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, x-sdk-client, x-sdk-parent-host");
const OAUTH_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");
const OAUTH_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, mcp-protocol-version");

/// Lets any page read an answer of the OAuth endpoints, which know no cookies (spec 04a §1).
pub fn allow_any(response: &mut HeaderMap) {
    response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The answer to a preflight of the OAuth endpoints.
pub fn preflight_any() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_any(headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, OAUTH_METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, OAUTH_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// Whether a path belongs to the browser API, including the one that the SDKs misspell.
pub fn applies_to(path: &str) -> bool {
    path.starts_with("/sdk/v1")
}

/// Adds the headers that let the calling page read an answer.
pub fn allow(request: &HeaderMap, response: &mut HeaderMap) {
    response.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = request.get(ORIGIN) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// The answer to a preflight.
pub fn preflight(request: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow(request, headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}
