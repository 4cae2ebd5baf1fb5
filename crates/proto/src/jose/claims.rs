//! What verified claims say about time, issuer and audience (RFC 7519 §4.1).

use serde_json::Value;

use super::JwtError;

/// The claims of a JWT, in the order in which they were signed.
pub type Claims = serde_json::Map<String, Value>;

/// Checks `exp` and, if present, `nbf` against `now_seconds` (Unix time), without tolerance.
///
/// A token is valid from the second `nbf` up to, but not including, the second `exp`. A token without `exp` is
/// malformed: nothing here is meant to live for ever.
pub fn check_times(claims: &Claims, now_seconds: i64) -> Result<(), JwtError> {
    let expires_at = numeric_date(claims, "exp")?.ok_or(JwtError::Malformed)?;
    let not_before = numeric_date(claims, "nbf")?;
    let now = now_seconds as f64;
    if now >= expires_at {
        return Err(JwtError::Expired);
    }
    if not_before.is_some_and(|not_before| now < not_before) {
        return Err(JwtError::NotYetValid);
    }
    Ok(())
}

/// Checks that `iss` is exactly `issuer`.
pub fn check_issuer(claims: &Claims, issuer: &str) -> Result<(), JwtError> {
    if claims.get("iss").and_then(Value::as_str) == Some(issuer) { Ok(()) } else { Err(JwtError::Issuer) }
}

/// Checks that `aud`, a string or a list of strings, is or contains `audience`.
pub fn check_audience(claims: &Claims, audience: &str) -> Result<(), JwtError> {
    let is_meant = match claims.get("aud") {
        Some(Value::String(only)) => only == audience,
        Some(Value::Array(list)) => list.iter().any(|entry| entry.as_str() == Some(audience)),
        _ => false,
    };
    if is_meant { Ok(()) } else { Err(JwtError::Audience) }
}

/// A claim in seconds since the epoch, which may have a fraction (RFC 7519 §2, NumericDate).
fn numeric_date(claims: &Claims, name: &str) -> Result<Option<f64>, JwtError> {
    claims.get(name).map(|value| value.as_f64().ok_or(JwtError::Malformed)).transpose()
}
