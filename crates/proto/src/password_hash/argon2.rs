//! Argon2i and Argon2id (RFC 9106), versions 16 and 19.

use super::phc::{self, Phc};
use super::{KEY_BYTES_MAX, MEMORY_KIB_MAX, SALT_BYTES_MAX};
use crate::hash::constant_time_eq;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ostiary_core::error::ErrorType;
use std::fmt;

/// Bytes of the salts of new hashes.
pub(super) const SALT_BYTES: usize = 16;
/// Bytes of new hashes.
const OUTPUT_BYTES: usize = 32;
/// The least bytes of a salt (RFC 9106 §3.1).
const SALT_BYTES_MIN: usize = 8;
/// The least bytes of a hash (RFC 9106 §3.1).
const KEY_BYTES_MIN: usize = 4;
/// The most lanes; they are worked on one after the other.
const LANES_MAX: u32 = 64;
/// The most memory times passes, in KiB: about 1.6 seconds of one core.
const MEMORY_PASSES_KIB_MAX: u64 = 4 * 1024 * 1024;

/// How new passwords are hashed. The default is what OWASP recommends: argon2id with 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Default for Argon2Params {
    fn default() -> Self {
        Argon2Params { memory_kib: 19_456, iterations: 2, lanes: 1 }
    }
}

impl Argon2Params {
    /// Memory in KiB, passes over it, and lanes.
    ///
    /// # Errors
    /// When a hash with these would be out of the bounds of imported ones.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, ErrorType> {
        check_cost(memory_kib, iterations, lanes)?;
        Ok(Argon2Params { memory_kib, iterations, lanes })
    }

    /// About how long a hash takes on one core, in microseconds.
    pub fn work_micros(&self) -> u64 {
        work_micros(self.memory_kib, self.iterations)
    }

    /// The memory that hashing needs, in KiB.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }
}

/// The memory that Argon2 works in. A thread keeps one and uses it again, since getting 19 MiB from the system for
/// every password would cost as much as a part of the work.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
}

impl Memory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.blocks.len() < count {
            self.blocks.resize(count, Block::default());
        }
        &mut self.blocks[..count]
    }

    /// Gives back what is more than this many KiB, after a foreign hash needed much.
    pub fn shrink_to_kib(&mut self, kib: u32) {
        let count = usize::try_from(kib).unwrap_or(usize::MAX);
        if self.blocks.len() > count {
            self.blocks.truncate(count);
            self.blocks.shrink_to_fit();
        }
    }
}

/// Which Argon2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Argon2i.
    I,
    /// Argon2id.
    Id,
}

impl Variant {
    fn id(self) -> &'static str {
        match self {
            Variant::I => "argon2i",
            Variant::Id => "argon2id",
        }
    }
}

/// The parameters beside a raw hash (`argon_2_config`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Import<'a> {
    /// The salt as it is, not encoded.
    pub salt: &'a str,
    /// Passes over the memory.
    pub iteration_amount: i64,
    /// Memory in KiB.
    pub memory: i64,
    /// Lanes.
    pub threads: i64,
    /// Bytes of the hash.
    pub key_length: i64,
}

/// A hash with its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2Hash {
    variant: Variant,
    version: Version,
    params: Argon2Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    pub(super) fn create(params: &Argon2Params, password: &[u8], salt: &[u8], memory: &mut Memory) -> Self {
        let mut hash = Argon2Hash {
            variant: Variant::Id,
            version: Version::V0x13,
            params: *params,
            salt: salt.to_vec(),
            output: vec![0; OUTPUT_BYTES],
        };
        hash.output = hash.compute(password, memory);
        hash
    }

    pub(super) fn import(
        variant: Variant,
        hash: &str,
        import: Option<&Argon2Import<'_>>,
    ) -> Result<Self, ErrorType> {
        if hash.starts_with('$') {
            return Self::parse(hash).ok_or(ErrorType::InvalidHash)?.and_then(|found| {
                if found.variant == variant { Ok(found) } else { Err(ErrorType::InvalidHash) }
            });
        }
        let import = import.ok_or(ErrorType::InvalidHash)?;
        let number = |value: i64, error| u32::try_from(value).map_err(|_| error);
        let memory_kib = number(import.memory, ErrorType::InvalidArgon2Memory)?;
        let iterations = number(import.iteration_amount, ErrorType::InvalidArgon2IterationAmount)?;
        let lanes = number(import.threads, ErrorType::InvalidArgon2Threads)?;
        let params = Argon2Params::new(memory_kib, iterations, lanes)?;
        let key_bytes = usize::try_from(import.key_length).map_err(|_| ErrorType::InvalidArgon2KeyLength)?;
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key_bytes) {
            return Err(ErrorType::InvalidArgon2KeyLength);
        }
        let output = phc::decode_hex(hash).ok_or(ErrorType::InvalidHash)?;
        if output.len() != key_bytes {
            return Err(ErrorType::Argon2KeyLengthMismatch);
        }
        let salt = import.salt.as_bytes().to_vec();
        Argon2Hash { variant, version: Version::V0x13, params, salt, output }.checked()
    }

    /// `None` when the text is not in PHC form; an error when it is, and a value is out of bounds.
    pub(super) fn parse(text: &str) -> Option<Result<Self, ErrorType>> {
        let phc = Phc::parse(text)?;
        let variant = match phc.id {
            "argon2i" => Variant::I,
            "argon2id" => Variant::Id,
            _ => return None,
        };
        let version = match phc.version {
            None | Some(16) => Version::V0x10,
            Some(19) => Version::V0x13,
            Some(_) => return None,
        };
        let [memory_kib, iterations, lanes] = phc.numbers(["m", "t", "p"])?;
        let params = match Argon2Params::new(memory_kib, iterations, lanes) {
            Ok(params) => params,
            Err(error) => return Some(Err(error)),
        };
        Some(Argon2Hash { variant, version, params, salt: phc.salt, output: phc.hash }.checked())
    }

    fn checked(self) -> Result<Self, ErrorType> {
        if !(SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&self.salt.len()) {
            return Err(ErrorType::InvalidArgon2Salt);
        }
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&self.output.len()) {
            return Err(ErrorType::InvalidArgon2KeyLength);
        }
        Ok(self)
    }

    fn compute(&self, password: &[u8], memory: &mut Memory) -> Vec<u8> {
        let algorithm = match self.variant {
            Variant::I => Algorithm::Argon2i,
            Variant::Id => Algorithm::Argon2id,
        };
        let Argon2Params { memory_kib, iterations, lanes } = self.params;
        let params = Params::new(memory_kib, iterations, lanes, Some(self.output.len()))
            .expect("the bounds of this module lie within those of Argon2");
        let blocks = memory.blocks(params.block_count());
        let mut output = vec![0; self.output.len()];
        Argon2::new(algorithm, self.version, params)
            .hash_password_into_with_memory(password, &self.salt, &mut output, blocks)
            .expect("the bounds of this module lie within those of Argon2");
        output
    }

    pub(super) fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        constant_time_eq(&self.compute(password, memory), &self.output)
    }

    pub(super) fn is_current(&self, params: &Argon2Params) -> bool {
        (self.variant, self.version) == (Variant::Id, Version::V0x13)
            && self.params == *params
            && self.output.len() == OUTPUT_BYTES
    }

    pub(super) fn work_micros(&self) -> u64 {
        self.params.work_micros()
    }
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Argon2Params { memory_kib, iterations, lanes } = self.params;
        let (version, id) = (u32::from(self.version), self.variant.id());
        let (salt, output) = (phc::encode(&self.salt), phc::encode(&self.output));
        write!(f, "${id}$v={version}$m={memory_kib},t={iterations},p={lanes}${salt}${output}")
    }
}

fn check_cost(memory_kib: u32, iterations: u32, lanes: u32) -> Result<(), ErrorType> {
    if !(1..=LANES_MAX).contains(&lanes) {
        return Err(ErrorType::InvalidArgon2Threads);
    }
    if memory_kib < 8 * lanes || memory_kib > MEMORY_KIB_MAX {
        return Err(ErrorType::InvalidArgon2Memory);
    }
    let memory_passes = u64::from(memory_kib) * u64::from(iterations);
    if iterations == 0 || memory_passes > MEMORY_PASSES_KIB_MAX {
        return Err(ErrorType::InvalidArgon2IterationAmount);
    }
    Ok(())
}

fn work_micros(memory_kib: u32, iterations: u32) -> u64 {
    // 19 MiB twice: 14 ms.
    u64::from(memory_kib) * u64::from(iterations) * 37 / 100
}
