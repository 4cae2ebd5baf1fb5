//! The scrypt of Firebase Authentication: a key derived from the password encrypts a secret of the project, and the
//! ciphertext is the hash.

use super::phc::{self, Phc};
use super::scrypt::Cost;
use super::{KEY_BYTES_MAX, SALT_BYTES_MAX};
use crate::hash::constant_time_eq;
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use ostiary_core::error::ErrorType;
use std::fmt;

const AES_KEY_BYTES: usize = 32;

/// The parameters of a project's hashes, as its console shows them, and the salt of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirebaseImport<'a> {
    /// The member's salt in base64.
    pub salt: &'a str,
    /// The project's signer key in base64.
    pub signer_key: &'a str,
    /// The project's salt separator in base64.
    pub salt_separator: &'a str,
    /// The project's rounds.
    pub rounds: i64,
    /// The project's memory cost: scrypt's rounds are 2 to this power.
    pub mem_cost: i64,
}

/// A hash with its parameters. The salt is the member's with the project's separator behind it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FirebaseHash {
    cost: Cost,
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

impl FirebaseHash {
    pub(super) fn import(hash: &str, import: &FirebaseImport<'_>) -> Result<Self, ErrorType> {
        let number = |value: i64, error| u32::try_from(value).map_err(|_| error);
        let log_n = number(import.mem_cost, ErrorType::InvalidScryptNParameter)?;
        let cost = Cost::new(log_n, number(import.rounds, ErrorType::InvalidScryptParameters)?, 1)?;
        let output = phc::decode_lenient(hash).ok_or(ErrorType::InvalidBase64ScryptHash)?;
        let salt = |text| phc::decode_lenient(text).ok_or(ErrorType::InvalidBase64ScryptSalt);
        let mut salted = salt(import.salt)?;
        salted.extend(salt(import.salt_separator)?);
        let signer_key = phc::decode_lenient(import.signer_key).ok_or(ErrorType::InvalidScryptParameters)?;
        FirebaseHash { cost, salt: salted, signer_key, output }.checked()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = Phc::parse(text).filter(|phc| phc.id == "firebase-scrypt" && phc.version.is_none())?;
        let [log_n, r, key] = phc.values(["ln", "r", "key"])?;
        let cost = Cost::new(log_n.parse().ok()?, r.parse().ok()?, 1).ok()?;
        let is_canonical = (cost.log_n.to_string(), cost.r.to_string()) == (log_n.into(), r.into());
        let signer_key = phc::decode_canonical(key)?;
        FirebaseHash { cost, salt: phc.salt, signer_key, output: phc.hash }
            .checked()
            .ok()
            .filter(|_| is_canonical)
    }

    fn checked(self) -> Result<Self, ErrorType> {
        if !(1..=KEY_BYTES_MAX).contains(&self.signer_key.len()) {
            return Err(ErrorType::InvalidScryptParameters);
        }
        if self.output.len() != self.signer_key.len() {
            return Err(ErrorType::ScryptKeyLengthMismatch);
        }
        if !(1..=SALT_BYTES_MAX).contains(&self.salt.len()) {
            return Err(ErrorType::InvalidScryptSaltLength);
        }
        Ok(self)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let key = self.cost.derive(password, &self.salt, AES_KEY_BYTES);
        constant_time_eq(&encrypt(&key, &self.signer_key), &self.output)
    }

    pub(super) fn work_micros(&self) -> u64 {
        self.cost.work_micros()
    }
}

/// AES-256 in counter mode from a counter of zero; every key is used for one text only.
fn encrypt(key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    const WHOLE: &str = "AES takes every key of its length, and counter mode every text";
    let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ctr).expect(WHOLE);
    let mut text = plaintext.to_vec();
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from([0; 16]))).expect(WHOLE);
    text
}

impl fmt::Display for FirebaseHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [key, salt, output] =
            [&self.signer_key, &self.salt, &self.output].map(|bytes| phc::encode(bytes));
        write!(f, "$firebase-scrypt$ln={},r={},key={key}${salt}${output}", self.cost.log_n, self.cost.r)
    }
}
