//! Codes of authenticator apps: time-based one-time passwords (RFC 6238) with the parameters that every app knows,
//! SHA-1, six digits and steps of 30 seconds.
//!
//! ```
//! use ostiary_proto::totp::Secret;
//!
//! let secret = Secret::parse_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
//! assert_eq!(secret.code_at(59 / 30), "287082"); // RFC 6238, appendix B
//!
//! // Ada's phone is half a minute behind, which is forgiven; a code that was used is not a code any more.
//! assert_eq!(secret.steps_of("287082", 60), [1]);
//! ```

use std::fmt;

use aws_lc_rs::hmac;

use crate::hash::constant_time_eq;
use crate::random::{self, RandomSource};

/// How long one code lasts, in seconds.
pub const STEP_SECONDS: i64 = 30;
/// How many decimal digits a code has.
pub const DIGITS: usize = 6;
/// By how many steps the clocks of app and server may differ (chosen; RFC 6238 §5.2 recommends at most one).
const SKEW_STEPS: i64 = 1;
/// Bytes of a new secret, as many as the hash has (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;
/// Bytes that an imported secret may have. RFC 4226 asks for 16; apps in wide use have made shorter ones.
const IMPORTED_BYTES: std::ops::RangeInclusive<usize> = 10..=64;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an authenticator app and the server share.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    /// A new secret of 160 random bits.
    pub fn generate(random: &dyn RandomSource) -> Self {
        Secret(random::bytes::<SECRET_BYTES>(random).to_vec())
    }

    /// Reads base32 (RFC 4648 §6) as people copy it: in any letter case, with or without padding, spaces and hyphens.
    /// `None` when it is not base32, or has fewer than 10 or more than 64 bytes.
    pub fn parse_base32(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(SECRET_BYTES);
        let (mut bits, mut bit_count) = (0u32, 0);
        for character in text.trim_end_matches('=').bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let value = BASE32.iter().position(|known| *known == character.to_ascii_uppercase())?;
            bits = (bits << 5) | u32::try_from(value).ok()?;
            bit_count += 5;
            if bit_count >= 8 {
                bit_count -= 8;
                bytes.push(u8::try_from((bits >> bit_count) & 0xff).ok()?);
            }
            if bytes.len() > *IMPORTED_BYTES.end() {
                return None;
            }
        }
        IMPORTED_BYTES.contains(&bytes.len()).then_some(Secret(bytes))
    }

    /// The secret in base32 without padding, the form that apps take.
    pub fn to_base32(&self) -> String {
        let mut text = String::with_capacity(self.0.len().div_ceil(5) * 8);
        for chunk in self.0.chunks(5) {
            let mut group = [0; 8];
            group[3..3 + chunk.len()].copy_from_slice(chunk);
            let bits = u64::from_be_bytes(group);
            for index in 0..(chunk.len() * 8).div_ceil(5) {
                let value = (bits >> (35 - 5 * index)) & 31;
                text.push(char::from(BASE32[usize::try_from(value).expect("five bits fit")]));
            }
        }
        text
    }

    /// The bytes, to be sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A secret that was sealed.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Secret(bytes)
    }

    /// The code of one step since 1970 (RFC 4226 §5.3).
    pub fn code_at(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let digest = tag.as_ref();
        let offset = usize::from(digest[digest.len() - 1] & 0x0f);
        let word = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }

    /// The steps around a time (in seconds since 1970) whose code this is, in order. Every candidate is compared in
    /// full, so that the time says nothing.
    ///
    /// A caller takes a step only once, and none before one that was taken: then no code works twice.
    pub fn steps_of(&self, code: &str, at_seconds: i64) -> Vec<i64> {
        let now = at_seconds.div_euclid(STEP_SECONDS);
        (now - SKEW_STEPS..=now + SKEW_STEPS)
            .filter(|step| constant_time_eq(self.code_at(*step).as_bytes(), code.as_bytes()))
            .collect()
    }

    /// The address that an app reads from the QR code (the "Key Uri Format" of Google Authenticator, which other apps
    /// follow). `issuer` is the name of the application, `account` tells its members apart.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent_encode(issuer), percent_encode(account));
        let secret = self.to_base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        )
    }
}

/// Everything but the unreserved characters of RFC 3986 §2.3 as `%XX`; apps disagree on `+` for a space.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::{SeededRandom, SystemRandom};

    /// The key of RFC 6238, appendix B, and of RFC 4226, appendix D.
    fn rfc_secret() -> Secret {
        Secret::from_bytes(b"12345678901234567890".to_vec())
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            // The appendix gives eight digits; six are the last six of them.
            assert_eq!(rfc_secret().code_at(seconds / STEP_SECONDS), expected[2..], "{seconds}");
        }
    }

    #[test]
    fn codes_are_those_of_rfc_4226() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, expected) in (0..).zip(expected) {
            assert_eq!(rfc_secret().code_at(step), expected, "{step}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_before_and_after_and_no_further() {
        let secret = rfc_secret();
        for (seconds, expected) in
            [(149, vec![]), (150, vec![6]), (180, vec![6]), (209, vec![6]), (239, vec![6]), (240, vec![])]
        {
            assert_eq!(secret.steps_of("287922", seconds), expected, "{seconds}");
        }
        for wrong in ["", "28792", "2879220", "287923", "２８７９２２"] {
            assert!(secret.steps_of(wrong, 180).is_empty(), "{wrong:?}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        // RFC 4648 §10, lengthened to what is accepted.
        for (bytes, text) in [
            (&b"foobarfooba"[..], "MZXW6YTBOJTG633CME"),
            (b"foobarfoobarf", "MZXW6YTBOJTG633CMFZGM"),
            (b"foobarfoob", "MZXW6YTBOJTG633C"),
            (b"12345678901234567890", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
        ] {
            assert_eq!(Secret::from_bytes(bytes.to_vec()).to_base32(), text);
            assert_eq!(Secret::parse_base32(text).map(|secret| secret.0), Some(bytes.to_vec()));
        }
        assert_eq!(Secret::parse_base32("gezd gnbv-gy3t qojq gezd gnbv gy3t qojq===="), Some(rfc_secret()));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let (short, long) = ("A".repeat(15), "A".repeat(105));
        for wrong in ["", "GEZDGNBVGY3TQOJ1", "GEZDGNBVGY3TQOJ=QGEZDGNBV", "GÉZDGNBVGY3TQOJQ", &short, &long]
        {
            assert_eq!(Secret::parse_base32(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn new_secrets_have_160_bits() {
        let secret = Secret::generate(&SystemRandom);
        assert_eq!(secret.to_base32().len(), 32);
        assert_ne!(secret, Secret::generate(&SystemRandom));
        assert_eq!(Secret::generate(&SeededRandom::new(1)), Secret::generate(&SeededRandom::new(1)));
    }

    #[test]
    fn the_address_names_issuer_and_account() {
        assert_eq!(
            rfc_secret().uri("Acme & Söhne", "ada+1@acme.example"),
            "otpauth://totp/Acme%20%26%20S%C3%B6hne:ada%2B1%40acme.example\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme%20%26%20S%C3%B6hne\
             &algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", rfc_secret()), "Secret(***)");
    }

    proptest! {
        #[test]
        fn base32_gives_back_what_it_took(bytes in prop::collection::vec(any::<u8>(), 10..=64)) {
            let secret = Secret::from_bytes(bytes);
            prop_assert_eq!(Secret::parse_base32(&secret.to_base32()), Some(secret));
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text: String, at: i64) {
            let _ = Secret::parse_base32(&text);
            // A clock that is off by centuries is still a clock.
            let _ = rfc_secret().steps_of(&text, at.clamp(i64::MIN / 2, i64::MAX / 2));
        }
    }
}
