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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_token_lives_from_nbf_until_just_before_exp() {
        let claims = claims(json!({"nbf": 1000, "exp": 1300}));
        assert_eq!(check_times(&claims, 999), Err(JwtError::NotYetValid));
        assert_eq!(check_times(&claims, 1000), Ok(()));
        assert_eq!(check_times(&claims, 1299), Ok(()));
        assert_eq!(check_times(&claims, 1300), Err(JwtError::Expired));
    }

    #[test]
    fn fractions_of_a_second_count() {
        let claims = claims(json!({"nbf": 1000.5, "exp": 1300.5}));
        assert_eq!(check_times(&claims, 1000), Err(JwtError::NotYetValid));
        assert_eq!(check_times(&claims, 1300), Ok(()));
        assert_eq!(check_times(&claims, 1301), Err(JwtError::Expired));
    }

    #[test]
    fn nbf_may_be_absent_but_exp_may_not() {
        assert_eq!(check_times(&claims(json!({"exp": 1300})), 0), Ok(()));
        assert_eq!(check_times(&claims(json!({"nbf": 1000})), 1000), Err(JwtError::Malformed));
    }

    #[test]
    fn times_that_are_no_numbers_are_malformed() {
        for wrong in [json!("1300"), json!(null), json!([1300]), json!(true)] {
            assert_eq!(check_times(&claims(json!({"exp": wrong})), 0), Err(JwtError::Malformed), "{wrong}");
            assert_eq!(
                check_times(&claims(json!({"exp": 9, "nbf": wrong})), 0),
                Err(JwtError::Malformed),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_issuer_is_compared_exactly() {
        let issuer = "stytch.com/project-test-1";
        assert_eq!(check_issuer(&claims(json!({"iss": issuer})), issuer), Ok(()));
        for wrong in
            [json!("stytch.com/project-test-1/"), json!("STYTCH.com/project-test-1"), json!([issuer])]
        {
            assert_eq!(
                check_issuer(&claims(json!({"iss": wrong})), issuer),
                Err(JwtError::Issuer),
                "{wrong}"
            );
        }
        assert_eq!(check_issuer(&Claims::new(), issuer), Err(JwtError::Issuer));
    }

    #[test]
    fn the_audience_is_one_of_those_listed() {
        let us = "project-test-1";
        for right in [json!(us), json!([us]), json!(["project-test-2", us])] {
            assert_eq!(check_audience(&claims(json!({"aud": right})), us), Ok(()), "{right}");
        }
        // the token of another project or environment.
        for wrong in
            [json!("project-live-1"), json!(["project-test-2"]), json!([]), json!([[us]]), json!({us: us})]
        {
            assert_eq!(
                check_audience(&claims(json!({"aud": wrong})), us),
                Err(JwtError::Audience),
                "{wrong}"
            );
        }
        assert_eq!(check_audience(&Claims::new(), us), Err(JwtError::Audience));
    }
}
