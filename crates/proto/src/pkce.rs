//! Proof Key for Code Exchange: the party that started a login is the one that finishes it (RFC 7636).
//!
//! Only the `S256` method exists here (spec 01b §1): the challenge is the base64url of the verifier's SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::hash;

/// Characters in a verifier (RFC 7636 §4.1).
///
/// The official browser SDK writes sixteen random 32-bit words in hex without leading zeros, so its length
/// varies below 128. Falling under 43 would take 86 leading zeros in one draw, a chance under 2^-280: the
/// standard's own lower bound never refuses it.
const VERIFIER_CHARACTERS: std::ops::RangeInclusive<usize> = 43..=128;

/// Whether `challenge` can be the challenge of some verifier: the unpadded base64url of 32 bytes.
pub fn is_valid_challenge(challenge: &str) -> bool {
    challenge.len() == 43 && URL_SAFE_NO_PAD.decode(challenge).is_ok()
}

/// Whether `verifier` is 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636 §4.1).
pub fn is_valid_verifier(verifier: &str) -> bool {
    VERIFIER_CHARACTERS.contains(&verifier.len())
        && verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// The challenge of a verifier (RFC 7636 §4.2, `S256`).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash::sha256(verifier.as_bytes()))
}

/// Whether `verifier` is the one that `challenge` was made from. Constant time for challenges of equal length.
pub fn matches(challenge: &str, verifier: &str) -> bool {
    is_valid_verifier(verifier)
        && hash::constant_time_eq(challenge.as_bytes(), challenge_of(verifier).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        assert_eq!(challenge_of(VERIFIER), CHALLENGE);
        assert!(matches(CHALLENGE, VERIFIER));
    }

    #[test]
    fn a_wrong_verifier_does_not_match() {
        assert!(!matches(CHALLENGE, &VERIFIER.replace('d', "e")));
        assert!(!matches(CHALLENGE, ""));
        assert!(!matches("", VERIFIER));
        // The `plain` method does not exist.
        assert!(!matches(VERIFIER, VERIFIER));
    }

    #[test]
    fn challenges_are_the_unpadded_base64url_of_32_bytes() {
        assert!(is_valid_challenge(CHALLENGE));
        for wrong in [
            "",
            &CHALLENGE[..42],
            &format!("{CHALLENGE}="),
            &format!("{CHALLENGE}A"),
            &CHALLENGE.replace('-', "+"),
            &CHALLENGE.replace('E', " "),
            // The last character carries two bits that must be zero.
            &format!("{}N", &CHALLENGE[..42]),
        ] {
            assert!(!is_valid_challenge(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn verifiers_have_the_length_and_characters_of_the_standard() {
        assert!(is_valid_verifier(&"a".repeat(43)));
        assert!(is_valid_verifier(&"aZ09-._~".repeat(16)));
        assert!(!is_valid_verifier(&"a".repeat(42)));
        assert!(!is_valid_verifier(&"a".repeat(129)));
        for c in [" ", "+", "/", "=", "\n", "é", "\0"] {
            assert!(!is_valid_verifier(&("a".repeat(50) + c)), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn every_verifier_of_the_browser_sdk_is_accepted(words: [u32; 16]) {
            // Hex without leading zeros. Words this small come up with a chance of 2^-280.
            prop_assume!(words.iter().filter(|word| **word > 0xff_ffff).count() > 5);
            let verifier: String = words.iter().map(|word| format!("{word:x}")).collect();
            prop_assert!(is_valid_verifier(&verifier));
            let challenge = challenge_of(&verifier);
            prop_assert!(is_valid_challenge(&challenge));
            prop_assert!(matches(&challenge, &verifier));
        }

        #[test]
        fn any_text_is_answered_without_a_panic(challenge: String, verifier: String) {
            let is_match = matches(&challenge, &verifier);
            prop_assert!(!is_match || (is_valid_challenge(&challenge) && is_valid_verifier(&verifier)));
        }
    }
}
