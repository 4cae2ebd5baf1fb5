//! PBKDF2 (RFC 8018 §5.2) with HMAC-SHA-256 or HMAC-SHA-512.

use super::phc::{self, Phc};
use super::{KEY_BYTES_MAX, SALT_BYTES_MAX};
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use ostiary_core::error::ErrorType;
use std::fmt;
use std::num::NonZeroU32;

/// The most iterations times blocks of the key: about 1.2 seconds of one core with SHA-256, twice that with SHA-512.
const WORK_MAX: u64 = 10_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    fn of(name: &str) -> Option<Self> {
        match name {
            "sha256" => Some(Algorithm::Sha256),
            "sha512" => Some(Algorithm::Sha512),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    fn block_bytes(self) -> usize {
        match self {
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }
}

/// The parameters beside a hash (`pbkdf_2_config`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pbkdf2Import<'a> {
    /// The salt in base64.
    pub salt: &'a str,
    /// Iterations.
    pub iteration_amount: i64,
    /// Bytes of the hash.
    pub key_length: i64,
    /// `sha256`, which is the default, or `sha512`.
    pub algorithm: Option<&'a str>,
}

/// A hash with its parameters.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pbkdf2Hash {
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(super) fn import(hash: &str, import: &Pbkdf2Import<'_>) -> Result<Self, ErrorType> {
        let algorithm = Algorithm::of(import.algorithm.unwrap_or("sha256"));
        let algorithm = algorithm.ok_or(ErrorType::InvalidPbkdf2Algorithm)?;
        let output = phc::decode_lenient(hash).ok_or(ErrorType::InvalidPbkdf2Hash)?;
        let salt = phc::decode_lenient(import.salt).ok_or(ErrorType::InvalidPbkdf2Salt)?;
        let iterations = u32::try_from(import.iteration_amount).ok().and_then(NonZeroU32::new);
        let iterations = iterations.ok_or(ErrorType::InvalidPbkdf2IterationAmount)?;
        let hash = Pbkdf2Hash { algorithm, iterations, salt, output }.checked()?;
        if usize::try_from(import.key_length) != Ok(hash.output.len()) {
            return Err(ErrorType::Pbkdf2KeyLengthMismatch);
        }
        Ok(hash)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = Phc::parse(text).filter(|phc| phc.version.is_none())?;
        let algorithm = Algorithm::of(phc.id.strip_prefix("pbkdf2-")?)?;
        let [iterations] = phc.numbers(["i"])?;
        let iterations = NonZeroU32::new(iterations)?;
        Pbkdf2Hash { algorithm, iterations, salt: phc.salt, output: phc.hash }.checked().ok()
    }

    fn checked(self) -> Result<Self, ErrorType> {
        if !(1..=KEY_BYTES_MAX).contains(&self.output.len()) {
            return Err(ErrorType::InvalidPbkdf2Hash);
        }
        if !(1..=SALT_BYTES_MAX).contains(&self.salt.len()) {
            return Err(ErrorType::InvalidPbkdf2Salt);
        }
        if self.rounds() > WORK_MAX {
            return Err(ErrorType::InvalidPbkdf2IterationAmount);
        }
        Ok(self)
    }

    /// Every block of the key takes all iterations.
    fn rounds(&self) -> u64 {
        let blocks = self.output.len().div_ceil(self.algorithm.block_bytes());
        u64::from(self.iterations.get()) * u64::try_from(blocks).unwrap_or(u64::MAX)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let algorithm = match self.algorithm {
            Algorithm::Sha256 => PBKDF2_HMAC_SHA256,
            Algorithm::Sha512 => PBKDF2_HMAC_SHA512,
        };
        pbkdf2::verify(algorithm, self.iterations, &self.salt, password, &self.output).is_ok()
    }

    pub(super) fn work_micros(&self) -> u64 {
        // 600 000 with SHA-256: 68 ms.
        let nanos = match self.algorithm {
            Algorithm::Sha256 => 115,
            Algorithm::Sha512 => 250,
        };
        self.rounds() * nanos / 1000
    }
}

impl fmt::Display for Pbkdf2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, output) = (phc::encode(&self.salt), phc::encode(&self.output));
        write!(f, "$pbkdf2-{}$i={}${salt}${output}", self.algorithm.name(), self.iterations)
    }
}
