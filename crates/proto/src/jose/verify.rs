//! Who signed a token: the checks that come before any claim is believed.

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
pub fn verify<K: AsRef<PublicKey>>(
    token: &str,
    keys: impl FnOnce(&str) -> Option<K>,
) -> Result<Claims, JwtError> {
    let parts = split(token)?;
    let kid = check_header(&parts.header)?;
    let key = keys(kid).ok_or(JwtError::UnknownKey)?;
    if !key.as_ref().is_signature_of(parts.signed.as_bytes(), &parts.signature) {
        return Err(JwtError::BadSignature);
    }
    parts.claims()
}

/// The parts of a compact JWS.
pub(super) struct Parts<'t> {
    pub(super) header: Claims,
    payload: &'t str,
    pub(super) signature: Vec<u8>,
    /// What is signed.
    pub(super) signed: &'t str,
}

impl Parts<'_> {
    /// The claims, to be read once the signature is checked.
    pub(super) fn claims(&self) -> Result<Claims, JwtError> {
        decode_object(self.payload)
    }
}

/// Takes a token apart.
pub(super) fn split(token: &str) -> Result<Parts<'_>, JwtError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwtError::Malformed);
    }
    // Three parts exactly: the five of a JWE are another thing (spec 06 R-17).
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwtError::Malformed);
    };
    let signed = &token[..header.len() + 1 + payload.len()];
    Ok(Parts { header: decode_object(header)?, payload, signature: decode(signature)?, signed })
}

/// Refuses what no key makes good: extensions that must be understood, and tokens of another kind.
pub(super) fn check_extras(header: &Claims) -> Result<(), JwtError> {
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
    Ok(())
}

/// The `kid` of an acceptable header.
fn check_header(header: &Claims) -> Result<&str, JwtError> {
    // The exact string: `none`, `HS256`, `rs256` and a missing value are all another algorithm.
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(JwtError::Algorithm);
    }
    check_extras(header)?;
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use aws_lc_rs::hmac;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const KID: &str = "jwk-test-1";
    const CLAIMS: &[u8] = br#"{"iss":"stytch.com/project-test-1","sub":"member-test-ada","exp":1300}"#;

    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(KID).expect("a key").0);

    fn published(kid: &str) -> Option<Arc<PublicKey>> {
        (kid == KID).then(|| KEY.public_key().clone())
    }

    fn refusal(token: &str) -> JwtError {
        verify(token, published).expect_err(token)
    }

    fn encode(json: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    /// A token with a header of our making and a signature of our key over exactly these parts.
    fn signed_with_header(header: &str, payload: &[u8]) -> String {
        KEY.sign_parts(&encode(header), payload)
    }

    #[test]
    fn a_token_we_signed_gives_back_its_claims_in_order() {
        let claims = verify(&KEY.sign(CLAIMS), published).expect("our own token");
        assert_eq!(serde_json::to_vec(&claims).expect("JSON"), CLAIMS);
    }

    #[test]
    fn the_header_names_algorithm_key_and_type() {
        let token = KEY.sign(CLAIMS);
        let header = decode_object(token.split('.').next().expect("a header")).expect("an object");
        assert_eq!(Value::Object(header), json!({"alg": "RS256", "kid": KID, "typ": "JWT"}));
    }

    #[test]
    fn keys_may_be_borrowed() {
        let key: &PublicKey = KEY.public_key();
        assert!(verify(&KEY.sign(CLAIMS), |_| Some(key)).is_ok());
    }

    #[test]
    fn r15_no_bit_of_a_token_can_change() {
        let token = KEY.sign(CLAIMS).into_bytes();
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = String::from_utf8(changed) {
                assert!(verify(&changed, published).is_err(), "bit {bit}: {changed}");
            }
        }
    }

    #[test]
    fn r14_other_algorithms_are_refused_before_any_key_is_used() {
        for alg in ["none", "None", "", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", "RS256 "] {
            let token = signed_with_header(&format!(r#"{{"alg":"{alg}","kid":"{KID}"}}"#), CLAIMS);
            assert_eq!(
                verify(&token, |_| -> Option<&PublicKey> { panic!("a key was asked for") }),
                Err(JwtError::Algorithm),
                "{alg}"
            );
        }
        for header in [
            r#"{"kid":"jwk-test-1"}"#,
            r#"{"alg":null,"kid":"jwk-test-1"}"#,
            r#"{"alg":["RS256"],"kid":"jwk-test-1"}"#,
        ] {
            assert_eq!(refusal(&signed_with_header(header, CLAIMS)), JwtError::Algorithm, "{header}");
        }
    }

    #[test]
    fn r14_the_public_key_is_no_hmac_secret() {
        let jwk = KEY.public_key().to_jwk().to_string();
        for alg in ["HS256", "RS256"] {
            let signed =
                format!("{}.{}", encode(format!(r#"{{"alg":"{alg}","kid":"{KID}"}}"#)), encode(CLAIMS));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, jwk.as_bytes()), signed.as_bytes());
            assert!(verify(&format!("{signed}.{}", encode(tag.as_ref())), published).is_err());
        }
    }

    #[test]
    fn r14_keys_and_addresses_of_keys_in_the_header_are_not_used() {
        let (stranger, _) = SigningKey::generate("stranger").expect("a key");
        for header in [
            json!({"alg": "RS256", "kid": KID, "jwk": stranger.public_key().to_jwk()}),
            json!({"alg": "RS256", "kid": KID, "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u"}),
        ] {
            let token = stranger.sign_parts(&encode(header.to_string()), CLAIMS);
            assert_eq!(refusal(&token), JwtError::BadSignature);
        }
    }

    #[test]
    fn r14_the_kid_is_only_looked_up() {
        for kid in ["", "../../etc/passwd", "' OR 1=1 --", "JWK-TEST-1", "jwk-test-1\0"] {
            let header = json!({"alg": "RS256", "kid": kid}).to_string();
            assert_eq!(refusal(&signed_with_header(&header, CLAIMS)), JwtError::UnknownKey, "{kid:?}");
        }
        for header in [r#"{"alg":"RS256"}"#, r#"{"alg":"RS256","kid":1}"#, r#"{"alg":"RS256","kid":null}"#] {
            assert_eq!(refusal(&signed_with_header(header, CLAIMS)), JwtError::Malformed, "{header}");
        }
    }

    #[test]
    fn r14_critical_extensions_are_refused() {
        for crit in [r#"["b64"]"#, "[]", "null"] {
            let header = format!(r#"{{"alg":"RS256","kid":"{KID}","crit":{crit},"b64":false}}"#);
            assert_eq!(refusal(&signed_with_header(&header, CLAIMS)), JwtError::Malformed, "{crit}");
        }
    }

    #[test]
    fn only_a_jwt_is_taken_for_a_jwt() {
        for typ in [r#""JWT""#, r#""jwt""#] {
            let header = format!(r#"{{"alg":"RS256","kid":"{KID}","typ":{typ}}}"#);
            assert!(verify(&signed_with_header(&header, CLAIMS), published).is_ok(), "{typ}");
        }
        assert!(
            verify(&signed_with_header(r#"{"alg":"RS256","kid":"jwk-test-1"}"#, CLAIMS), published).is_ok()
        );
        for typ in [r#""at+jwt""#, r#""JOSE""#, r#""""#, "null", "1"] {
            let header = format!(r#"{{"alg":"RS256","kid":"{KID}","typ":{typ}}}"#);
            assert_eq!(refusal(&signed_with_header(&header, CLAIMS)), JwtError::Malformed, "{typ}");
        }
    }

    #[test]
    fn a_key_of_the_same_name_does_not_verify_anothers_token() {
        let (impostor, _) = SigningKey::generate(KID).expect("a key");
        assert_eq!(refusal(&impostor.sign(CLAIMS)), JwtError::BadSignature);
    }

    #[test]
    fn payloads_other_than_one_object_without_repeated_keys_are_malformed() {
        for payload in [
            &b""[..],
            b"[]",
            b"null",
            br#""text""#,
            b"{} {}",
            b"{}x",
            br#"{"exp":1,}"#,
            br#"{"sub":"ada","sub":"bob"}"#,
            br#"{"sub":"ada","s\u0075b":"bob"}"#,
            b"{\"sub\":\"\xff\"}",
            b"\xef\xbb\xbf{}",
        ] {
            assert_eq!(refusal(&KEY.sign(payload)), JwtError::Malformed, "{}", payload.escape_ascii());
        }
        let repeated = format!(r#"{{"alg":"RS256","kid":"stranger","kid":"{KID}"}}"#);
        assert_eq!(refusal(&signed_with_header(&repeated, CLAIMS)), JwtError::Malformed);
    }

    #[test]
    fn deep_nesting_is_malformed_and_not_a_crash() {
        let payload = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert_eq!(refusal(&KEY.sign(payload.as_bytes())), JwtError::Malformed);
    }

    #[test]
    fn other_spellings_of_the_same_token_are_malformed() {
        let token = KEY.sign(CLAIMS);
        let parts: Vec<&str> = token.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        for wrong in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            format!("{header}.{payload}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}.{signature}"),
            format!("{header}.{payload}.{signature}="),
            format!(" {token}"),
            format!("{token}\n"),
            token.replace('_', "/").replace('-', "+") + "/",
        ] {
            assert_eq!(refusal(&wrong), JwtError::Malformed, "{wrong}");
        }
        // Of these, the key itself has never signed the text.
        for wrong in [format!("{header}.{payload}."), format!("{header}.{payload}=.{signature}")] {
            assert_eq!(refusal(&wrong), JwtError::BadSignature, "{wrong}");
        }
    }

    #[test]
    fn the_longest_token_is_16_kib() {
        let with_filling = |bytes: usize| KEY.sign(format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes)).as_bytes());
        let fitting = (TOKEN_BYTES_MAX - with_filling(0).len()) / 4 * 3;

        let longest = with_filling(fitting);
        assert!((TOKEN_BYTES_MAX - 3..=TOKEN_BYTES_MAX).contains(&longest.len()), "{}", longest.len());
        assert!(verify(&longest, published).is_ok());
        assert_eq!(refusal(&with_filling(fitting + 4)), JwtError::Malformed);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(token: String) {
            prop_assert!(verify(&token, published).is_err());
        }

        #[test]
        fn any_three_parts_are_refused_without_a_panic(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
            let token = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
            prop_assert!(verify(&token, published).is_err());
        }

        #[test]
        fn any_signature_under_a_good_header_is_refused(payload: Vec<u8>, signature in prop::collection::vec(any::<u8>(), 0..300)) {
            let header = json!({"alg": "RS256", "kid": KID}).to_string();
            let token = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
            prop_assert_eq!(verify(&token, published), Err(JwtError::BadSignature));
        }

        #[test]
        fn any_signed_bytes_are_answered_without_a_panic(payload: Vec<u8>) {
            prop_assert!(matches!(verify(&KEY.sign(&payload), published), Ok(_) | Err(JwtError::Malformed)));
        }
    }
}
