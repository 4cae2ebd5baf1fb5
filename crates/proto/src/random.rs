//! Where randomness comes from, and the secrets made of it (spec 01a §2).

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::hash;

/// Random bytes in an opaque token; a multiple of three, so that base64 needs no padding.
const TOKEN_BYTES: usize = 33;
/// Random bytes in a project secret.
const SECRET_BYTES: usize = 32;
/// How many one-time codes there are: `000000` to `999999`.
const ONE_TIME_CODES: u32 = 1_000_000;

/// A source of unpredictable bytes.
///
/// The server hands one down to everything that makes ids or secrets; tests hand down a [`SeededRandom`].
pub trait RandomSource: Send + Sync {
    /// Overwrites all of `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
}

/// The cryptographic random generator, seeded and reseeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes)
            .expect("the generator only fails where the operating system has no randomness to give");
    }
}

/// A predictable stream of bytes, for tests only: the same seed gives the same ids and secrets in the same order.
///
/// Anyone who knows the seed knows every secret made from it. Nothing but a test may construct one.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    blocks_used: AtomicU64,
}

impl SeededRandom {
    /// Starts the stream of `seed` at its beginning.
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks_used: AtomicU64::new(0) }
    }
}

impl RandomSource for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = self.blocks_used.fetch_add(1, Ordering::Relaxed);
            let stream = hash::hmac_sha256(&self.seed.to_be_bytes(), &[&block.to_be_bytes()]);
            chunk.copy_from_slice(&stream[..chunk.len()]);
        }
    }
}

/// An opaque token (session, magic link, intermediate session): 264 random bits as 44 characters of base64url.
///
/// Only its [`hash::sha256`] may be stored.
pub fn token(random: &dyn RandomSource) -> String {
    URL_SAFE_NO_PAD.encode(bytes::<TOKEN_BYTES>(random))
}

/// A project secret such as `secret-test-…`: 256 random bits as padded base64url behind the environment's prefix.
///
/// `environment` is `test` or `live`.
pub fn secret(random: &dyn RandomSource, environment: &str) -> String {
    format!("secret-{environment}-{}", URL_SAFE.encode(bytes::<SECRET_BYTES>(random)))
}

/// A one-time code of six decimal digits, every code equally likely.
pub fn one_time_code(random: &dyn RandomSource) -> String {
    // A plain remainder would favour the low codes: draws from the incomplete last million are thrown away.
    const UNBIASED_BELOW: u32 = u32::MAX - u32::MAX % ONE_TIME_CODES;
    loop {
        let draw = u32::from_be_bytes(bytes(random));
        if draw < UNBIASED_BELOW {
            return format!("{:06}", draw % ONE_TIME_CODES);
        }
    }
}

/// A recovery code such as `k3vq-08mz-t1xd`: three groups of four letters and digits, 62 random bits (spec 01c §3).
pub fn recovery_code(random: &dyn RandomSource) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    // The largest multiple of 36 that a byte can reach: draws from the incomplete rest are thrown away.
    const UNBIASED_BELOW: u8 = 252;
    let mut code = String::with_capacity(14);
    while code.len() < 14 {
        if matches!(code.len(), 4 | 9) {
            code.push('-');
        }
        let [draw] = bytes(random);
        if draw < UNBIASED_BELOW {
            code.push(char::from(ALPHABET[usize::from(draw % 36)]));
        }
    }
    code
}

/// A version 4 UUID (RFC 9562 §5.4).
pub fn uuid(random: &dyn RandomSource) -> Uuid {
    uuid::Builder::from_random_bytes(bytes(random)).into_uuid()
}

/// `N` fresh random bytes.
pub(crate) fn bytes<const N: usize>(random: &dyn RandomSource) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Gives out the prepared draws, one each time four bytes are asked for.
    struct Draws(Mutex<Vec<u32>>);

    impl RandomSource for Draws {
        fn fill(&self, bytes: &mut [u8]) {
            let draw = self.0.lock().unwrap().pop().expect("a draw is left");
            bytes.copy_from_slice(&draw.to_be_bytes());
        }
    }

    fn code_of(draws: &[u32]) -> String {
        one_time_code(&Draws(Mutex::new(draws.iter().rev().copied().collect())))
    }

    #[test]
    fn tokens_have_the_documented_form() {
        let token = token(&SystemRandom);
        assert_eq!(token.len(), 44);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    }

    #[test]
    fn secrets_have_the_documented_form() {
        let secret = secret(&SystemRandom, "live");
        let encoded = secret.strip_prefix("secret-live-").expect("the environment is named");
        assert_eq!(URL_SAFE.decode(encoded).expect("padded base64url").len(), 32);
        assert!(encoded.ends_with('='));
    }

    #[test]
    fn one_time_codes_keep_their_leading_zeros() {
        assert_eq!(code_of(&[0]), "000000");
        assert_eq!(code_of(&[1_000_042]), "000042");
        assert_eq!(code_of(&[4_293_999_999]), "999999");
    }

    #[test]
    fn draws_that_would_favour_low_codes_are_thrown_away() {
        assert_eq!(code_of(&[4_294_000_000, u32::MAX, 7]), "000007");
    }

    #[test]
    fn recovery_codes_have_their_form_and_do_not_repeat() {
        let code = recovery_code(&SystemRandom);
        assert_eq!(code.len(), 14, "{code}");
        assert!(code.split('-').all(|group| group.len() == 4), "{code}");
        assert!(code.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        assert_ne!(code, recovery_code(&SystemRandom));
    }

    #[test]
    fn uuids_are_version_4_of_the_standard_variant() {
        let uuid = uuid(&SystemRandom);
        assert_eq!(uuid.get_version_num(), 4);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn the_system_generator_does_not_repeat_itself() {
        assert_ne!(token(&SystemRandom), token(&SystemRandom));
    }

    #[test]
    fn a_seed_fixes_the_whole_stream() {
        let stream = |seed| {
            let random = SeededRandom::new(seed);
            [token(&random), token(&random), uuid(&random).to_string()]
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
        assert_ne!(stream(1)[0], stream(1)[1]);
    }
}
