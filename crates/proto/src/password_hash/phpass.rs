//! The portable hashes of phpass: MD5 many times. WordPress writes `$P$`, phpBB 3 writes `$H$`.

use crate::hash::constant_time_eq;
use md5::{Digest as _, Md5};
use ostiary_core::error::ErrorType;
use std::fmt;

/// The digits of its base 64, lowest first.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The rounds are 2 to one of these powers; the most takes about a second.
const LOG_ROUNDS: std::ops::RangeInclusive<u32> = 7..=23;
const TEXT_BYTES: usize = 34;
const SALT_BYTES: usize = 8;
const HASH_BYTES: usize = 16;
const HASH_CHARS: usize = 22;

/// A hash with its rounds and salt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PhpassHash {
    prefix: char,
    log_rounds: u32,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl PhpassHash {
    pub(super) fn parse(text: &str) -> Result<Self, ErrorType> {
        let prefix = match text.get(..3) {
            Some("$P$") => 'P',
            Some("$H$") => 'H',
            _ => return Err(ErrorType::InvalidPhpassHashPrefix),
        };
        let invalid = ErrorType::InvalidPhpassHashFormat;
        if text.len() != TEXT_BYTES || !text.is_ascii() {
            return Err(invalid);
        }
        let digits = &text.as_bytes()[3..];
        let log_rounds = digit(digits[0]).filter(|log_rounds| LOG_ROUNDS.contains(log_rounds));
        let log_rounds = log_rounds.ok_or(invalid)?;
        let salt = digits[1..=SALT_BYTES].try_into().map_err(|_| invalid)?;
        let hash = decode(&digits[1 + SALT_BYTES..]).ok_or(invalid)?;
        Ok(PhpassHash { prefix, log_rounds, salt, hash })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut hash = Md5::new().chain_update(self.salt).chain_update(password).finalize();
        for _ in 0..1u32 << self.log_rounds {
            hash = Md5::new().chain_update(hash).chain_update(password).finalize();
        }
        constant_time_eq(&hash, &self.hash)
    }

    pub(super) fn work_micros(&self) -> u64 {
        (130 << self.log_rounds) / 1000
    }
}

impl fmt::Display for PhpassHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = char::from(DIGITS[self.log_rounds as usize]);
        let salt = String::from_utf8_lossy(&self.salt);
        write!(f, "${}${rounds}{salt}{}", self.prefix, encode(&self.hash))
    }
}

fn digit(character: u8) -> Option<u32> {
    DIGITS.iter().position(|digit| *digit == character).and_then(|value| u32::try_from(value).ok())
}

/// Groups of three bytes, lowest first, as four digits, lowest first.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(HASH_CHARS);
    for group in bytes.chunks(3) {
        let value = group.iter().rev().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
        for index in 0..=group.len() {
            text.push(char::from(DIGITS[((value >> (6 * index)) & 63) as usize]));
        }
    }
    text
}

/// Reads what [`encode`] writes, in that one spelling.
fn decode(text: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let mut bytes = Vec::with_capacity(HASH_BYTES);
    for group in text.chunks(4) {
        let mut value = 0;
        for (index, character) in group.iter().enumerate() {
            value |= digit(*character)? << (6 * index);
        }
        bytes.extend(value.to_le_bytes().into_iter().take(group.len() - 1));
    }
    let bytes = <[u8; HASH_BYTES]>::try_from(bytes).ok()?;
    (encode(&bytes).as_bytes() == text).then_some(bytes)
}
