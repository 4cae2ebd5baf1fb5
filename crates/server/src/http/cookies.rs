//! The cookies of browsers whose scripts must not see tokens (contract `frontend.md` §5, cookie mode).

use crate::cx::Cx;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use ostiary_core::time::Timestamp;

/// The opaque session token.
pub const SESSION: &str = "stytch_session";
/// The signed session token.
pub const SESSION_JWT: &str = "stytch_session_jwt";
/// The intermediate session token.
pub const INTERMEDIATE: &str = "stytch_intermediate_session_token";

/// The value of a cookie. Anything that is not a plain token counts as absent (spec 06 R-30).
pub fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, value)| *known == name && is_token(value))
        .map(|(_, value)| value.to_owned())
}

fn is_token(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 8192
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'='))
}

fn attributes(cx: &Cx) -> String {
    let domain = match &cx.project.environment.settings.cookie_domain {
        Some(domain) => format!("; Domain={domain}"),
        None => String::new(),
    };
    format!("; Path=/{domain}; HttpOnly; Secure; SameSite=Lax")
}

/// A `Set-Cookie` that keeps a token until it ends.
pub fn set(cx: &Cx, name: &str, token: &str, expires_at: Timestamp) -> Option<HeaderValue> {
    let seconds = (expires_at.seconds() - cx.now.seconds()).max(0);
    HeaderValue::try_from(format!("{name}={token}; Max-Age={seconds}{}", attributes(cx))).ok()
}

/// A `Set-Cookie` that removes a token.
pub fn clear(cx: &Cx, name: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("{name}=; Max-Age=0{}", attributes(cx))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_counts_as_absent() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=b; stytch_session=\"x y\"; theme=dark"));
        assert_eq!(find(&headers, SESSION), None);
        headers.append(COOKIE, HeaderValue::from_static("stytch_session=abc_-123"));
        assert_eq!(find(&headers, SESSION).as_deref(), Some("abc_-123"));
    }
}
