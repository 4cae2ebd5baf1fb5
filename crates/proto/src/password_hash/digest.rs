//! One digest of the password between two salts: MD5, SHA-1, SHA-512. Weak, and so replaced at the first sign-in.

use super::phc::{self, Phc};
use crate::hash::constant_time_eq;
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA512};
use md5::{Digest as _, Md5};
use ostiary_core::error::ErrorType;
use std::fmt;

/// The most bytes of each salt.
const SALT_BYTES_MAX: usize = 1024;

/// Which digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    /// MD5 (RFC 1321).
    Md5,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

impl DigestKind {
    fn id(self) -> &'static str {
        match self {
            DigestKind::Md5 => "md5",
            DigestKind::Sha1 => "sha1",
            DigestKind::Sha512 => "sha512",
        }
    }

    fn output_bytes(self) -> usize {
        match self {
            DigestKind::Md5 => 16,
            DigestKind::Sha1 => 20,
            DigestKind::Sha512 => 64,
        }
    }

    fn invalid_hash(self) -> ErrorType {
        match self {
            DigestKind::Md5 => ErrorType::InvalidMd5Hash,
            DigestKind::Sha1 => ErrorType::InvalidSha1Hash,
            DigestKind::Sha512 => ErrorType::InvalidSha512Hash,
        }
    }

    fn compute(self, data: &[u8]) -> Vec<u8> {
        match self {
            DigestKind::Md5 => Md5::digest(data).to_vec(),
            DigestKind::Sha1 => digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, data).as_ref().to_vec(),
            DigestKind::Sha512 => digest::digest(&SHA512, data).as_ref().to_vec(),
        }
    }
}

/// A digest with its salts. In the text form the salt of the PHC form is what stands before the password, and the one
/// parameter is what stands behind it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct DigestHash {
    kind: DigestKind,
    prepend: Vec<u8>,
    append: Vec<u8>,
    output: Vec<u8>,
}

impl DigestHash {
    pub(super) fn import(
        kind: DigestKind,
        hash: &str,
        prepend: &str,
        append: &str,
    ) -> Result<Self, ErrorType> {
        let output = phc::decode_hex(hash).filter(|output| output.len() == kind.output_bytes());
        let output = output.ok_or_else(|| kind.invalid_hash())?;
        if prepend.len() > SALT_BYTES_MAX {
            return Err(ErrorType::InvalidPrependSalt);
        }
        if append.len() > SALT_BYTES_MAX {
            return Err(ErrorType::InvalidAppendSalt);
        }
        Ok(DigestHash { kind, prepend: prepend.into(), append: append.into(), output })
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = Phc::parse(text)?;
        let kind = [DigestKind::Md5, DigestKind::Sha1, DigestKind::Sha512]
            .into_iter()
            .find(|kind| kind.id() == phc.id)?;
        let [append] = phc.values(["append"])?;
        let append = phc::decode_canonical(append)?;
        let is_bounded = phc.version.is_none()
            && phc.salt.len() <= SALT_BYTES_MAX
            && append.len() <= SALT_BYTES_MAX
            && phc.hash.len() == kind.output_bytes();
        is_bounded.then_some(DigestHash { kind, prepend: phc.salt, append, output: phc.hash })
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let data = [&self.prepend[..], password, &self.append].concat();
        constant_time_eq(&self.kind.compute(&data), &self.output)
    }
}

impl fmt::Display for DigestHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = [&self.append, &self.prepend, &self.output].map(|bytes| phc::encode(bytes));
        let [append, prepend, output] = encoded;
        write!(f, "${}$append={append}${prepend}${output}", self.kind.id())
    }
}
