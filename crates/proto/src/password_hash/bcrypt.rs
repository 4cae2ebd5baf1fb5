//! bcrypt (Provos and Mazières 1999), revisions 2a, 2b and 2y.

use crate::hash::constant_time_eq;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use blowfish::Blowfish;
use ostiary_core::error::ErrorType;
use std::fmt;

/// The least cost, by definition, and the most, which takes about two seconds.
const COSTS: std::ops::RangeInclusive<u32> = 4..=15;
/// Characters of `$2b$12$` and what follows.
const TEXT_BYTES: usize = 60;
const SALT_CHARS: usize = 22;
const SALT_BYTES: usize = 16;
/// bcrypt makes 24 bytes and writes 23.
const HASH_BYTES: usize = 23;
/// Only so many bytes of a password count.
const PASSWORD_BYTES: usize = 72;
/// What is encrypted, three blocks.
const MAGIC: &[u8; 24] = b"OrpheanBeholderScryDoubt";

/// The last character of salt and hash has bits that mean nothing and that implementations fill differently.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A hash with its cost and salt. The revisions differ in how they once treated passwords of 256 bytes and more; read
/// correctly they are the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BcryptHash {
    revision: char,
    cost: u32,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, ErrorType> {
        let invalid = ErrorType::InvalidBcryptHash;
        if text.len() != TEXT_BYTES || !text.is_ascii() {
            return Err(invalid);
        }
        let mut parts = text.strip_prefix('$').ok_or(invalid)?.split('$');
        let revision = match parts.next() {
            Some("2a") => 'a',
            Some("2b") => 'b',
            Some("2y") => 'y',
            _ => return Err(invalid),
        };
        let cost = parts.next().filter(|cost| cost.len() == 2 && cost.bytes().all(|b| b.is_ascii_digit()));
        let cost = cost.and_then(|cost| cost.parse().ok()).ok_or(invalid)?;
        let encoded = parts.next().ok_or(invalid)?;
        if parts.next().is_some() || encoded.len() <= SALT_CHARS {
            return Err(invalid);
        }
        let (salt, hash) = encoded.split_at(SALT_CHARS);
        let salt = decode(salt).ok_or(invalid)?;
        let hash = decode(hash).ok_or(invalid)?;
        if !COSTS.contains(&cost) {
            return Err(ErrorType::InvalidBcryptCost);
        }
        Ok(BcryptHash { revision, cost, salt, hash })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        constant_time_eq(&compute(password, self.cost, &self.salt), &self.hash)
    }

    pub(super) fn work_micros(&self) -> u64 {
        // Cost 10: 59 ms.
        58 << self.cost
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

impl fmt::Display for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (BASE64.encode(self.salt), BASE64.encode(self.hash));
        write!(f, "$2{}${:02}${salt}{hash}", self.revision, self.cost)
    }
}

fn compute(password: &[u8], cost: u32, salt: &[u8; SALT_BYTES]) -> [u8; HASH_BYTES] {
    // The NUL that ends a text in C is part of the key.
    let key: Vec<u8> = password.iter().copied().chain([0]).take(PASSWORD_BYTES).collect();
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1u32 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut hash = [0; 24];
    for (block, output) in MAGIC.chunks(8).zip(hash.chunks_mut(8)) {
        let mut halves = [word(&block[..4]), word(&block[4..])];
        for _ in 0..64 {
            halves = state.bc_encrypt(halves);
        }
        output[..4].copy_from_slice(&halves[0].to_be_bytes());
        output[4..].copy_from_slice(&halves[1].to_be_bytes());
    }
    let mut written = [0; HASH_BYTES];
    written.copy_from_slice(&hash[..HASH_BYTES]);
    written
}
