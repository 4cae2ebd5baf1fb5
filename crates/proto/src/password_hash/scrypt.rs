//! scrypt (RFC 7914).

use super::phc::{self, Phc};
use super::{KEY_BYTES_MAX, MEMORY_KIB_MAX, SALT_BYTES_MAX};
use crate::hash::constant_time_eq;
use ostiary_core::error::ErrorType;
use std::fmt;

/// The most rounds are 2 to this power.
const LOG_N_MAX: u32 = 18;
/// The most of N times r times p: about two seconds of one core.
const WORK_MAX: u64 = 1 << 23;

/// The cost of a scrypt hash, within bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) log_n: u32,
    pub(super) r: u32,
    pub(super) p: u32,
}

impl Cost {
    pub(super) fn new(log_n: u32, r: u32, p: u32) -> Result<Self, ErrorType> {
        if !(1..=LOG_N_MAX).contains(&log_n) {
            return Err(ErrorType::InvalidScryptNParameter);
        }
        let (r, p, n) = (u64::from(r), u64::from(p), 1u64 << log_n);
        let memory_kib = n.saturating_mul(r) / 8;
        let work = n.saturating_mul(r).saturating_mul(p);
        if r == 0 || p == 0 || memory_kib > MEMORY_KIB_MAX.into() || work > WORK_MAX {
            return Err(ErrorType::InvalidScryptParameters);
        }
        let narrow = |value: u64| u32::try_from(value).map_err(|_| ErrorType::InvalidScryptParameters);
        Ok(Cost { log_n, r: narrow(r)?, p: narrow(p)? })
    }

    /// Derives a key of this many bytes.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], bytes: usize) -> Vec<u8> {
        const WITHIN: &str = "the bounds of this module lie within those of scrypt";
        let params = scrypt::Params::new(u8::try_from(self.log_n).expect(WITHIN), self.r, self.p);
        let mut key = vec![0; bytes];
        scrypt::scrypt(password, salt, &params.expect(WITHIN), &mut key).expect(WITHIN);
        key
    }

    pub(super) fn work_micros(self) -> u64 {
        // N = 2^14, r = 8: 31 ms.
        ((u64::from(self.r) * u64::from(self.p) * 236) << self.log_n) / 1000
    }
}

/// The parameters beside a raw hash (`scrypt_config`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScryptImport<'a> {
    /// The salt in base64.
    pub salt: &'a str,
    /// Rounds, a power of two.
    pub n_parameter: i64,
    /// Block size.
    pub r_parameter: i64,
    /// How often.
    pub p_parameter: i64,
    /// Bytes of the hash.
    pub key_length: i64,
}

/// A hash with its cost and salt.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    pub(super) fn import(hash: &str, import: Option<&ScryptImport<'_>>) -> Result<Self, ErrorType> {
        if hash.starts_with('$') {
            return Self::parse(hash).ok_or(ErrorType::InvalidHash)?;
        }
        let import = import.ok_or(ErrorType::InvalidHash)?;
        let n = u32::try_from(import.n_parameter).ok().filter(|n| n.is_power_of_two());
        let n = n.ok_or(ErrorType::InvalidScryptNParameter)?;
        let number = |value: i64| u32::try_from(value).map_err(|_| ErrorType::InvalidScryptParameters);
        let cost = Cost::new(n.trailing_zeros(), number(import.r_parameter)?, number(import.p_parameter)?)?;
        let output = phc::decode_lenient(hash).ok_or(ErrorType::InvalidBase64ScryptHash)?;
        let salt = phc::decode_lenient(import.salt).ok_or(ErrorType::InvalidBase64ScryptSalt)?;
        let hash = ScryptHash { cost, salt, output }.checked()?;
        if usize::try_from(import.key_length) != Ok(hash.output.len()) {
            return Err(ErrorType::ScryptKeyLengthMismatch);
        }
        Ok(hash)
    }

    /// `None` when the text is not in PHC form; an error when it is, and a value is out of bounds.
    pub(super) fn parse(text: &str) -> Option<Result<Self, ErrorType>> {
        let phc = Phc::parse(text).filter(|phc| phc.id == "scrypt" && phc.version.is_none())?;
        let [log_n, r, p] = phc.numbers(["ln", "r", "p"])?;
        let hash = |cost| ScryptHash { cost, salt: phc.salt, output: phc.hash };
        Some(Cost::new(log_n, r, p).map(hash).and_then(ScryptHash::checked))
    }

    fn checked(self) -> Result<Self, ErrorType> {
        if !(1..=KEY_BYTES_MAX).contains(&self.output.len()) {
            return Err(ErrorType::InvalidBase64ScryptHash);
        }
        if !(1..=SALT_BYTES_MAX).contains(&self.salt.len()) {
            return Err(ErrorType::InvalidScryptSaltLength);
        }
        Ok(self)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        constant_time_eq(&self.cost.derive(password, &self.salt, self.output.len()), &self.output)
    }

    pub(super) fn work_micros(&self) -> u64 {
        self.cost.work_micros()
    }
}

impl fmt::Display for ScryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { log_n, r, p } = self.cost;
        let (salt, output) = (phc::encode(&self.salt), phc::encode(&self.output));
        write!(f, "$scrypt$ln={log_n},r={r},p={p}${salt}${output}")
    }
}
