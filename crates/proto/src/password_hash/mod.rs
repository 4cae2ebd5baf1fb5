//! Password hashes: the scheme of this server (argon2id) and those that other systems hand over (spec 01c §2, migrate).
//!
//! A hash comes in as another system wrote it, is checked strictly, and is kept in one text form, `$scheme$parameters$
//! salt$hash`; bcrypt and phpass keep the form by which everybody knows them. Ada's password comes from a system that
//! used bcrypt. It is imported with [`PasswordHash::from_bcrypt`], and when she signs in, [`PasswordHash::verify`]
//! answers yes; since it [is not current](PasswordHash::is_current), it is replaced by an argon2id hash then.
//!
//! Parameters decide how long a check takes and how much memory it needs, so all that would need more than about two
//! seconds of one core or 256 MiB are refused before any work is done. [`PasswordHash::work_micros`] says what a check
//! will take, for those who queue it.

mod argon2;
mod bcrypt;
mod digest;
mod firebase;
mod pbkdf2;
mod phc;
mod phpass;
mod scrypt;

#[cfg(test)]
mod tests;

pub use self::argon2::{Argon2Hash, Argon2Import, Argon2Params, Memory, Variant};
pub use self::digest::DigestKind;
pub use self::firebase::FirebaseImport;
pub use self::pbkdf2::Pbkdf2Import;
pub use self::scrypt::ScryptImport;

use self::bcrypt::BcryptHash;
use self::digest::DigestHash;
use self::firebase::FirebaseHash;
use self::pbkdf2::Pbkdf2Hash;
use self::phpass::PhpassHash;
use self::scrypt::ScryptHash;
use crate::random::{self, RandomSource};
use ostiary_core::error::ErrorType;
use std::fmt;

/// The longest text of a hash that is looked at, in bytes.
pub const TEXT_BYTES_MAX: usize = 8192;
/// The most bytes of a salt.
const SALT_BYTES_MAX: usize = 256;
/// The most bytes of a derived key.
const KEY_BYTES_MAX: usize = 128;
/// The most memory that checking a hash may need, in KiB.
const MEMORY_KIB_MAX: u32 = 262_144;

/// A password hash of any supported scheme. Whoever has one exists within the bounds of its scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Scheme);

#[derive(Clone, PartialEq, Eq)]
enum Scheme {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Digest(DigestHash),
    Firebase(FirebaseHash),
    Pbkdf2(Pbkdf2Hash),
    Phpass(PhpassHash),
    Scrypt(ScryptHash),
}

impl PasswordHash {
    /// Hashes a password with a fresh salt.
    pub fn create(
        params: &Argon2Params,
        password: &[u8],
        random: &dyn RandomSource,
        memory: &mut Memory,
    ) -> Self {
        let salt = random::bytes::<{ argon2::SALT_BYTES }>(random);
        PasswordHash(Scheme::Argon2(Argon2Hash::create(params, password, &salt, memory)))
    }

    /// Reads the text form of a hash; `None` when it is not exactly one, or out of bounds.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let scheme = match text.strip_prefix('$')?.split('$').next()? {
            "argon2i" | "argon2id" => Scheme::Argon2(Argon2Hash::parse(text)?.ok()?),
            "2a" | "2b" | "2y" => Scheme::Bcrypt(BcryptHash::parse(text).ok()?),
            "md5" | "sha1" | "sha512" => Scheme::Digest(DigestHash::parse(text)?),
            "firebase-scrypt" => Scheme::Firebase(FirebaseHash::parse(text)?),
            "pbkdf2-sha256" | "pbkdf2-sha512" => Scheme::Pbkdf2(Pbkdf2Hash::parse(text)?),
            "P" | "H" => Scheme::Phpass(PhpassHash::parse(text).ok()?),
            "scrypt" => Scheme::Scrypt(ScryptHash::parse(text)?.ok()?),
            _ => return None,
        };
        Some(PasswordHash(scheme))
    }

    /// A bcrypt hash in its usual form.
    ///
    /// # Errors
    /// `invalid_bcrypt_hash`, `invalid_bcrypt_cost`.
    pub fn from_bcrypt(hash: &str) -> Result<Self, ErrorType> {
        BcryptHash::parse(hash).map(|hash| PasswordHash(Scheme::Bcrypt(hash)))
    }

    /// A phpass hash in its usual form.
    ///
    /// # Errors
    /// `invalid_phpass_hash_prefix`, `invalid_phpass_hash_format`.
    pub fn from_phpass(hash: &str) -> Result<Self, ErrorType> {
        PhpassHash::parse(hash).map(|hash| PasswordHash(Scheme::Phpass(hash)))
    }

    /// A digest of the password between two salts, in hexadecimal digits.
    ///
    /// # Errors
    /// That of the digest's hash, `invalid_prepend_salt`, `invalid_append_salt`.
    pub fn from_digest(kind: DigestKind, hash: &str, prepend: &str, append: &str) -> Result<Self, ErrorType> {
        DigestHash::import(kind, hash, prepend, append).map(|hash| PasswordHash(Scheme::Digest(hash)))
    }

    /// An Argon2 hash: in PHC form (`$argon2id$v=19$…`), or in hexadecimal digits beside its parameters.
    ///
    /// # Errors
    /// `invalid_hash` for a hash that is not well formed, of another variant, or neither in PHC form nor beside
    /// parameters; an `argon_2` error for each parameter that is out of bounds.
    pub fn from_argon2(
        variant: Variant,
        hash: &str,
        import: Option<&Argon2Import<'_>>,
    ) -> Result<Self, ErrorType> {
        Argon2Hash::import(variant, hash, import).map(|hash| PasswordHash(Scheme::Argon2(hash)))
    }

    /// A scrypt hash: in PHC form (`$scrypt$ln=14,…`), or in base64 beside its parameters.
    ///
    /// # Errors
    /// `invalid_hash` for a hash that is neither in PHC form nor beside parameters; a `scrypt` error for each value
    /// that is not well formed or out of bounds.
    pub fn from_scrypt(hash: &str, import: Option<&ScryptImport<'_>>) -> Result<Self, ErrorType> {
        ScryptHash::import(hash, import).map(|hash| PasswordHash(Scheme::Scrypt(hash)))
    }

    /// A PBKDF2 hash in base64.
    ///
    /// # Errors
    /// A `pbkdf_2` error for each value that is not well formed or out of bounds.
    pub fn from_pbkdf2(hash: &str, import: &Pbkdf2Import<'_>) -> Result<Self, ErrorType> {
        Pbkdf2Hash::import(hash, import).map(|hash| PasswordHash(Scheme::Pbkdf2(hash)))
    }

    /// A hash of Firebase Authentication in base64.
    ///
    /// # Errors
    /// A `scrypt` error for each value that is not well formed or out of bounds.
    pub fn from_firebase(hash: &str, import: &FirebaseImport<'_>) -> Result<Self, ErrorType> {
        FirebaseHash::import(hash, import).map(|hash| PasswordHash(Scheme::Firebase(hash)))
    }

    /// Whether this is the hash of a password. The comparison takes the same time wherever the two differ.
    pub fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        match &self.0 {
            Scheme::Argon2(hash) => hash.verify(password, memory),
            Scheme::Bcrypt(hash) => hash.verify(password),
            Scheme::Digest(hash) => hash.verify(password),
            Scheme::Firebase(hash) => hash.verify(password),
            Scheme::Pbkdf2(hash) => hash.verify(password),
            Scheme::Phpass(hash) => hash.verify(password),
            Scheme::Scrypt(hash) => hash.verify(password),
        }
    }

    /// Whether a new hash with these parameters would be of the same kind. Others are replaced when they were right.
    pub fn is_current(&self, params: &Argon2Params) -> bool {
        matches!(&self.0, Scheme::Argon2(hash) if hash.is_current(params))
    }

    /// About how long a check takes on one core, in microseconds (measured on a server of 2024).
    pub fn work_micros(&self) -> u64 {
        match &self.0 {
            Scheme::Argon2(hash) => hash.work_micros(),
            Scheme::Bcrypt(hash) => hash.work_micros(),
            Scheme::Digest(_) => 5,
            Scheme::Firebase(hash) => hash.work_micros(),
            Scheme::Pbkdf2(hash) => hash.work_micros(),
            Scheme::Phpass(hash) => hash.work_micros(),
            Scheme::Scrypt(hash) => hash.work_micros(),
        }
    }
}

/// The text form, which [`PasswordHash::parse`] reads.
impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Scheme::Argon2(hash) => hash.fmt(f),
            Scheme::Bcrypt(hash) => hash.fmt(f),
            Scheme::Digest(hash) => hash.fmt(f),
            Scheme::Firebase(hash) => hash.fmt(f),
            Scheme::Pbkdf2(hash) => hash.fmt(f),
            Scheme::Phpass(hash) => hash.fmt(f),
            Scheme::Scrypt(hash) => hash.fmt(f),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}
