//! Keys of others, and what they signed: tokens of systems that a project trusts (spec 05a §8).
//!
//! Unlike our own, such keys come from a JWKS or a PEM file, may be RSA or P-256, and may have no id. What a header asks
//! for decides nothing: a key says which algorithm it is for, and a token of another one is refused (spec 06 R-14).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::verify::{check_extras, split};
use super::{Claims, JwtError, PublicKey};

/// The most keys of a JWKS that are read.
const KEYS_MAX: usize = 100;
/// The longest PEM file that is read, in bytes.
const PEM_BYTES_MAX: usize = 16 * 1024;
/// A coordinate of a point on P-256, in bytes.
const COORDINATE_BYTES: usize = 32;
/// The `SubjectPublicKeyInfo` of an RSA key has this object identifier, `rsaEncryption` (RFC 8017 §A.1), in DER.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
        }
    }
}

enum Parsed {
    Components(PublicKey),
    Whole(ParsedPublicKey),
}

/// A public key of somebody else.
pub struct ForeignKey {
    kid: Option<String>,
    algorithm: Algorithm,
    parsed: Parsed,
}

impl std::fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForeignKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl ForeignKey {
    /// The keys of a JWKS (RFC 7517 §5) that can verify tokens; `None` when it is not one. Keys of other kinds, for
    /// other uses, and secret ones are left out.
    pub fn of_jwks(document: &Value) -> Option<Vec<ForeignKey>> {
        let keys = document.get("keys")?.as_array()?;
        Some(keys.iter().take(KEYS_MAX).filter_map(ForeignKey::of_jwk).collect())
    }

    fn of_jwk(jwk: &Value) -> Option<ForeignKey> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        if text("use").is_some_and(|usage| usage != "sig") {
            return None;
        }
        let kid = text("kid").map(str::to_owned);
        let (algorithm, parsed) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let key = PublicKey::from_components("", &bytes("n")?, &bytes("e")?).ok()?;
                (Algorithm::Rs256, Parsed::Components(key))
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
                    return None;
                }
                // An uncompressed point (SEC 1 §2.3.3).
                let point = [&[4][..], &x, &y].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
                (Algorithm::Es256, Parsed::Whole(key))
            }
            _ => return None,
        };
        let is_for_it = text("alg").is_none_or(|named| named == algorithm.name());
        is_for_it.then_some(ForeignKey { kid, algorithm, parsed })
    }

    /// The key of a PEM file: a `PUBLIC KEY` (RFC 7468 §13). `None` when it is not one that can verify tokens.
    pub fn of_pem(pem: &str) -> Option<ForeignKey> {
        const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
        const END: &str = "-----END PUBLIC KEY-----";
        if pem.len() > PEM_BYTES_MAX {
            return None;
        }
        let (_, rest) = pem.split_once(BEGIN)?;
        let (body, _) = rest.split_once(END)?;
        let base64: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
        let der = STANDARD.decode(base64).ok()?;
        let is_rsa = der.windows(RSA_ENCRYPTION.len()).take(32).any(|window| window == RSA_ENCRYPTION);
        let (algorithm, key) = match is_rsa {
            true => (Algorithm::Rs256, ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der)),
            false => (Algorithm::Es256, ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, der)),
        };
        Some(ForeignKey { kid: None, algorithm, parsed: Parsed::Whole(key.ok()?) })
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.parsed {
            Parsed::Components(key) => key.is_signature_of(message, signature),
            Parsed::Whole(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// Checks the signature of a compact JWT by one of these keys and gives its claims; says nothing of time, issuer or
/// audience. A token that names a key is checked by keys of that name and by keys without one only.
///
/// # Errors
/// [`JwtError::UnknownKey`] when no key could have signed it: the caller may know of newer ones.
pub fn verify_foreign(token: &str, keys: &[ForeignKey]) -> Result<Claims, JwtError> {
    let parts = split(token)?;
    let header = &parts.header;
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::Rs256,
        Some("ES256") => Algorithm::Es256,
        _ => return Err(JwtError::Algorithm),
    };
    check_extras(header)?;
    let kid = match header.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().ok_or(JwtError::Malformed)?),
    };
    let is_named = |key: &&ForeignKey| match (kid, key.kid.as_deref()) {
        (Some(wanted), Some(known)) => wanted == known,
        _ => true,
    };
    let mut candidates = keys.iter().filter(|key| key.algorithm == algorithm).filter(is_named).peekable();
    if candidates.peek().is_none() {
        return Err(JwtError::UnknownKey);
    }
    if candidates.any(|key| key.has_signed(parts.signed.as_bytes(), &parts.signature)) {
        parts.claims()
    } else {
        Err(JwtError::BadSignature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SigningKey;
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    };
    use serde_json::json;

    fn encode(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn pem(der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        let lines: Vec<_> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    fn token(alg: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let signed = format!("{}.{}", encode(json!({"alg": alg}).to_string()), encode(r#"{"sub":"ada"}"#));
        format!("{signed}.{}", encode(sign(signed.as_bytes())))
    }

    fn rsa_token(pair: &rsa::KeyPair) -> String {
        token("RS256", |message| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        })
    }

    fn ec_token(pair: &EcdsaKeyPair) -> String {
        token("ES256", |message| pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }

    fn ec_jwk(pair: &EcdsaKeyPair, more: &[(&str, &str)]) -> Value {
        let point = pair.public_key().as_ref();
        let mut jwk =
            json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])});
        for (name, value) in more {
            jwk[*name] = json!(value);
        }
        jwk
    }

    #[test]
    fn keys_of_both_kinds_verify_from_sets_and_from_files() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let rsa_der: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
        let ec_der: PublicKeyX509Der<'_> = ec.public_key().as_der().unwrap();
        let rsa_file = ForeignKey::of_pem(&pem(rsa_der.as_ref())).expect("a key");
        let ec_file = ForeignKey::of_pem(&pem(ec_der.as_ref())).expect("a key");
        let set = ForeignKey::of_jwks(&json!({"keys": [ec_jwk(&ec, &[])]})).unwrap();
        assert_eq!(verify_foreign(&rsa_token(&rsa), &[rsa_file]).unwrap()["sub"], "ada");
        assert_eq!(verify_foreign(&ec_token(&ec), &[ec_file]).unwrap()["sub"], "ada");
        assert_eq!(verify_foreign(&ec_token(&ec), &set).unwrap()["sub"], "ada");
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        assert_eq!(verify_foreign(&ec_token(&other), &set), Err(JwtError::BadSignature));
        assert_eq!(verify_foreign(&rsa_token(&rsa), &set), Err(JwtError::UnknownKey));
    }

    #[test]
    fn a_token_that_names_a_key_is_checked_by_that_one() {
        let (first, _) = SigningKey::generate("key-1").unwrap();
        let (second, _) = SigningKey::generate("key-2").unwrap();
        let jwks = |keys: &[&SigningKey]| {
            let keys: Vec<_> = keys.iter().map(|key| key.public_key().to_jwk()).collect();
            ForeignKey::of_jwks(&json!({ "keys": keys })).unwrap()
        };
        let token = second.sign(br#"{"sub":"ada"}"#);
        assert!(verify_foreign(&token, &jwks(&[&first, &second])).is_ok());
        assert_eq!(verify_foreign(&token, &jwks(&[&first])), Err(JwtError::UnknownKey));
        assert_eq!(verify_foreign(&token, &[]), Err(JwtError::UnknownKey));
    }

    #[test]
    fn what_is_no_key_for_signatures_is_left_out() {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        for jwk in [
            json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": encode([1; 32])}),
            json!({"kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB"}),
            json!({"kty": "RSA", "n": encode([0xff; 256]), "e": "AQ"}),
            json!({"kty": "EC", "crv": "P-256", "x": encode([1; 32]), "y": encode([1; 32])}),
            json!({"kty": "EC", "crv": "P-256", "x": encode([1; 31]), "y": encode([1; 32])}),
            ec_jwk(&ec, &[("use", "enc")]),
            ec_jwk(&ec, &[("alg", "RS256")]),
            json!({}),
            json!("key"),
        ] {
            assert!(ForeignKey::of_jwks(&json!({"keys": [jwk]})).unwrap().is_empty(), "{jwk}");
        }
        for document in [json!({}), json!([]), json!({"keys": {}}), json!(null)] {
            assert!(ForeignKey::of_jwks(&document).is_none(), "{document}");
        }
        for text in ["", "not a key", "-----BEGIN PUBLIC KEY-----", &pem(b"not a key"), &pem(&[0x30; 300])] {
            assert!(ForeignKey::of_pem(text).is_none(), "{text}");
        }
    }
}
