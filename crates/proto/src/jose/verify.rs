//! Who signed a token: the checks that come before any claim is believed.

use std::borrow::Borrow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::{Claims, PublicKey};

/// Longest token looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a JWT is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtError {
    /// Not a compact JWS of JSON objects, or a header or claim is missing or of the wrong type.
    Malformed,
    /// The header asks for an algorithm other than RS256.
    Algorithm,
    /// No key is published under the header's `kid`.
    UnknownKey,
    /// The signature is not that of the named key.
    BadSignature,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `iss` is another issuer.
    Issuer,
    /// `aud` does not include the expected audience.
    Audience,
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the token is not a well-formed JWT",
            Self::Algorithm => "the token is not signed with RS256",
            Self::UnknownKey => "the token names an unknown key",
            Self::BadSignature => "the token's signature is wrong",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::Issuer => "the token comes from another issuer",
            Self::Audience => "the token is meant for another audience",
        })
    }
}

impl std::error::Error for JwtError {}

/// Checks header and signature of a compact JWT and gives its claims; says nothing of time, issuer or audience.
///
/// `keys` finds the key of a `kid`. It is the only source of keys: `jwk`, `jku`, `x5c` and `x5u` in the header are
/// never looked at (spec 06 R-14).
pub fn verify<K: Borrow<PublicKey>>(
    token: &str,
    keys: impl FnOnce(&str) -> Option<K>,
) -> Result<Claims, JwtError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwtError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
    // A second dot in the payload (as in the five parts of a JWE, spec 06 R-17) is no base64url and fails there.
    let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;

    let header = decode_object(header)?;
    let kid = check_header(&header)?;
    let signature = decode(signature)?;
    let key = keys(kid).ok_or(JwtError::UnknownKey)?;
    if !key.borrow().is_signature_of(signed.as_bytes(), &signature) {
        return Err(JwtError::BadSignature);
    }
    decode_object(payload)
}

/// The `kid` of an acceptable header.
fn check_header(header: &Claims) -> Result<&str, JwtError> {
    // The exact string: `none`, `HS256`, `rs256` and a missing value are all another algorithm.
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(JwtError::Algorithm);
    }
    // RFC 7515 §4.1.11: whoever does not understand every critical extension must refuse. None is understood.
    if header.contains_key("crit") {
        return Err(JwtError::Malformed);
    }
    // Absent or `JWT` in any letter case (RFC 7519 §5.1); an `at+jwt` is a token of another kind.
    if let Some(typ) = header.get("typ")
        && !typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))
    {
        return Err(JwtError::Malformed);
    }
    header.get("kid").and_then(Value::as_str).ok_or(JwtError::Malformed)
}

fn decode_object(part: &str) -> Result<Claims, JwtError> {
    let json = decode(part)?;
    serde_json::from_slice(&json).map(|UniqueKeys(object)| object).map_err(|_| JwtError::Malformed)
}

/// Strict base64url: no padding, no white space, no bits left over (each value has exactly one spelling).
fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)
}

/// A JSON object that names no key twice (RFC 7519 §4 allows refusing; two readers would see two tokens).
struct UniqueKeys(Claims);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueKeysVisitor).map(UniqueKeys)
    }
}

struct UniqueKeysVisitor;

impl<'de> Visitor<'de> for UniqueKeysVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object without repeated keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Claims, A::Error> {
        let mut object = Claims::new();
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("repeated key"));
            }
        }
        Ok(object)
    }
}
