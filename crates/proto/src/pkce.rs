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
