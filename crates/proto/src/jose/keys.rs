//! RSA keys: the private one that signs, the public one that is published and verifies.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::hash;

/// Modulus sizes accepted in bytes: 2048 to 8192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Longest public exponent accepted in bytes; larger ones only make verifying slow.
const EXPONENT_BYTES_MAX: usize = 4;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes are not an RSA key, or its parts do not fit together.
    Malformed,
    /// The modulus is outside 2048 to 8192 bits, or the exponent outside 3 to 2^32.
    Unsupported,
    /// The random generator failed to yield a key.
    Generation,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the bytes are not a consistent RSA key",
            Self::Unsupported => {
                "the RSA key is smaller than 2048 or larger than 8192 bits, or its exponent is"
            }
            Self::Generation => "no RSA key could be generated",
        })
    }
}

impl std::error::Error for KeyError {}

/// A private key that signs JWTs with RS256, parsed once.
///
/// Signing costs a quarter of a millisecond of CPU; keep it off the threads that answer requests.
pub struct SigningKey {
    pair: KeyPair,
    /// The encoded JOSE header, the same for every token of this key.
    header: String,
    public: Arc<PublicKey>,
}

impl SigningKey {
    /// Makes a new 2048-bit key. Also gives its PKCS#8 form, which must be sealed before it is stored.
    ///
    /// Costs a few hundred milliseconds of CPU.
    pub fn generate(kid: &str) -> Result<(Self, Vec<u8>), KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation)?;
        let pkcs8 = pair.as_der().map_err(|_| KeyError::Generation)?.as_ref().to_vec();
        Ok((Self::new(kid, pair)?, pkcs8))
    }

    /// Reads a private key in PKCS#8 form (RFC 5958).
    pub fn from_pkcs8(kid: &str, der: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, KeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?)
    }

    fn new(kid: &str, pair: KeyPair) -> Result<Self, KeyError> {
        let components = PublicKeyComponents::from(pair.public_key());
        let public = Arc::new(PublicKey::from_components(kid, &components.n, &components.e)?);
        let header = json!({"alg": "RS256", "kid": kid, "typ": "JWT"}).to_string();
        Ok(Self { pair, header: URL_SAFE_NO_PAD.encode(header), public })
    }

    /// The id under which the public half is published.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The half that may be published, and verifies what this key signs.
    pub fn public_key(&self) -> &Arc<PublicKey> {
        &self.public
    }

    /// Signs claims, given as the text of one JSON object, into a compact JWT with `typ: JWT` and this `kid`.
    pub fn sign(&self, claims_json: &[u8]) -> String {
        self.sign_parts(&self.header, claims_json)
    }

    /// Signs a payload under an encoded header.
    pub(super) fn sign_parts(&self, header: &str, payload: &[u8]) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let encoded_bytes = |bytes: usize| bytes.div_ceil(3) * 4;
        let mut token = String::with_capacity(
            header.len() + 1 + encoded_bytes(payload.len()) + 1 + encoded_bytes(signature.len()),
        );
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        // PKCS#1 v1.5 signatures are deterministic: the generator asked for is not used.
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .expect("a consistent key of at least 2048 bits signs any SHA-256 digest");
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        token
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// A public RSA key, parsed once.
pub struct PublicKey {
    kid: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    parsed: ParsedPublicKey,
}

impl PublicKey {
    /// Builds a key from its modulus `n` and exponent `e`, both big-endian without leading zeros (RFC 7518 §6.3.1).
    pub fn from_components(kid: &str, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if !MODULUS_BYTES.contains(&n.len()) || e.len() > EXPONENT_BYTES_MAX {
            return Err(KeyError::Unsupported);
        }
        // The library takes any numbers. Under the exponent 1 every text would be its own signature.
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        if !is_odd(n) || !is_odd(e) || e == [1] {
            return Err(KeyError::Malformed);
        }
        let parsed = PublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self { kid: kid.to_owned(), modulus: n.to_vec(), exponent: e.to_vec(), parsed })
    }

    /// The id that tokens name this key by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key as an entry of a JWKS, with every field that the official SDKs insist on (backend contract §3).
    ///
    /// No certificate stands behind the key, so `x5c` is empty. Its thumbprint may not be null either; chosen:
    /// both spellings carry the RFC 7638 thumbprint of the key itself, which no certificate can have.
    pub fn to_jwk(&self) -> Value {
        let n = URL_SAFE_NO_PAD.encode(&self.modulus);
        let e = URL_SAFE_NO_PAD.encode(&self.exponent);
        // RFC 7638 §3: the required members alone, in lexicographic order, without white space.
        let thumbprint = URL_SAFE_NO_PAD
            .encode(hash::sha256(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#).as_bytes()));
        json!({
            "kty": "RSA",
            "use": "sig",
            "key_ops": ["verify"],
            "alg": "RS256",
            "kid": self.kid,
            "x5c": [],
            "x5tS256": thumbprint,
            "x5t#S256": thumbprint,
            "n": n,
            "e": e,
        })
    }

    pub(super) fn is_signature_of(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

/// Lets [`super::verify`] take a key as it is, borrowed or shared.
impl AsRef<PublicKey> for PublicKey {
    fn as_ref(&self) -> &PublicKey {
        self
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The key of RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
                     jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaS\
                     qzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksIN\
                     HaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn modulus() -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(N).expect("base64url")
    }

    #[test]
    fn a_published_key_has_every_field_that_the_sdks_insist_on() {
        let key = PublicKey::from_components("jwk-test-1", &modulus(), &[1, 0, 1]).expect("a key");
        assert_eq!(
            key.to_jwk(),
            json!({
                "kty": "RSA",
                "use": "sig",
                "key_ops": ["verify"],
                "alg": "RS256",
                "kid": "jwk-test-1",
                "x5c": [],
                "x5tS256": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                "x5t#S256": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                "n": N,
                "e": "AQAB",
            })
        );
    }

    #[test]
    fn weak_and_absurd_public_keys_are_refused() {
        let refusal =
            |n: &[u8], e: &[u8]| PublicKey::from_components("k", n, e).map(|_| ()).expect_err("refused");
        let n = modulus();
        assert_eq!(refusal(&n[..128], &[1, 0, 1]), KeyError::Unsupported);
        assert_eq!(refusal(&[], &[1, 0, 1]), KeyError::Unsupported);
        assert_eq!(refusal(&n.repeat(5), &[1, 0, 1]), KeyError::Unsupported);
        assert_eq!(refusal(&n, &[1, 0, 0, 0, 1]), KeyError::Unsupported);
        assert_eq!(refusal(&n, &[]), KeyError::Malformed);
        assert_eq!(refusal(&[&[0], &n[..]].concat(), &[1, 0, 1]), KeyError::Malformed);
        assert_eq!(refusal(&n, &[1]), KeyError::Malformed);
        assert_eq!(refusal(&n, &[1, 0, 0]), KeyError::Malformed);
    }

    #[test]
    fn a_key_survives_being_stored() {
        let (key, der) = SigningKey::generate("jwk-test-1").expect("a key");
        let read = SigningKey::from_pkcs8("jwk-test-1", &der).expect("the same key");
        assert_eq!(read.sign(b"{}"), key.sign(b"{}"));
        assert_eq!(read.public_key().to_jwk(), key.public_key().to_jwk());
        assert_eq!(read.kid(), "jwk-test-1");
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        for der in [&b""[..], b"0", &[0x30; 1200]] {
            assert_eq!(SigningKey::from_pkcs8("k", der).map(|_| ()), Err(KeyError::Malformed));
        }
    }

    #[test]
    fn keys_print_their_name_alone() {
        let (key, _) = SigningKey::generate("jwk-test-1").expect("a key");
        assert_eq!(format!("{key:?}"), r#"SigningKey { kid: "jwk-test-1", .. }"#);
        assert_eq!(format!("{:?}", key.public_key()), r#"PublicKey { kid: "jwk-test-1", .. }"#);
    }
}
