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
    /// The encoded JOSE header with its dot, the same for every token of this key.
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
        let header = URL_SAFE_NO_PAD.encode(header) + ".";
        Ok(Self { pair, header, public })
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
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let encoded_bytes = |bytes: usize| bytes.div_ceil(3) * 4;
        let mut token = String::with_capacity(
            self.header.len() + encoded_bytes(claims_json.len()) + 1 + encoded_bytes(signature.len()),
        );
        token.push_str(&self.header);
        URL_SAFE_NO_PAD.encode_string(claims_json, &mut token);
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

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}
