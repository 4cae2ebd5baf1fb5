//! Secrets of clients: making them, keeping their hashes, comparing (spec 03c §1).
//!
//! A secret that is made here has 264 random bits, so a plain digest hides it. One that a client brings along is a
//! password at best and is hashed like one, which takes as long as sixty signatures; so a secret that was found to be
//! right is remembered for as long as the process lives, in a form from which it cannot be recovered.

use crate::cx::{Cx, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_core::error::{Error, ErrorType};
use ostiary_core::m2m::check_secret_form;
use ostiary_core::password::{Password, PasswordPolicy, ZXCVBN_SCORE_MIN, judge};
use ostiary_proto::hash::{constant_time_eq, hmac_sha256, sha256};
use ostiary_proto::password_hash::{Memory, PasswordHash};
use ostiary_proto::seal::MasterKey;
use ostiary_store::m2m_clients::SecretHashes;
use parking_lot::Mutex;
use std::collections::HashSet;

/// The most secrets remembered, at 32 bytes each.
const VERIFIED_MAX: usize = 8192;
/// What the text form of a digest begins with.
const DIGEST_PREFIX: &str = "$sha256$";

/// What is kept of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretHash {
    /// Of a secret that was made here.
    Digest([u8; 32]),
    /// Of a secret that a client brought along.
    Slow(PasswordHash),
}

impl SecretHash {
    /// The hash of a secret of full entropy.
    pub fn digest(secret: &str) -> Self {
        SecretHash::Digest(sha256(secret.as_bytes()))
    }

    /// The text that is stored.
    pub fn to_text(&self) -> String {
        match self {
            SecretHash::Digest(digest) => format!("{DIGEST_PREFIX}{}", URL_SAFE_NO_PAD.encode(digest)),
            SecretHash::Slow(hash) => hash.to_string(),
        }
    }

    /// Reads the text; `None` when it is no hash.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(DIGEST_PREFIX) {
            Some(digest) => {
                let digest = URL_SAFE_NO_PAD.decode(digest).ok()?;
                Some(SecretHash::Digest(digest.try_into().ok()?))
            }
            None => PasswordHash::parse(text).map(SecretHash::Slow),
        }
    }
}

/// A new secret of 44 characters, and its hash.
pub fn generate(cx: &Cx) -> (String, SecretHash) {
    let secret = cx.new_token();
    let hash = SecretHash::digest(&secret);
    (secret, hash)
}

/// Refuses a secret that not every client can send, or that is easy to guess, also from the client's name.
pub fn judge_supplied(secret: &str, client_name: &str) -> Result<Password> {
    check_secret_form(secret)?;
    let password = Password::new(secret)?;
    let strength = judge(&PasswordPolicy::default(), &password, &[client_name], false);
    if strength.score() < ZXCVBN_SCORE_MIN {
        return Err(ErrorType::InsecureM2mClientSecret.into());
    }
    Ok(password)
}

/// The hash of a secret that a client brings along, if it is [good enough](judge_supplied).
pub async fn hash_supplied(cx: &Cx, secret: &str, client_name: &str) -> Result<SecretHash> {
    let password = judge_supplied(secret, client_name)?;
    hash_slowly(cx, password).await.map(SecretHash::Slow)
}

async fn hash_slowly(cx: &Cx, password: Password) -> Result<PasswordHash> {
    let (params, random) = (cx.app.hashing.params(), cx.app.random.clone());
    let hash = move |memory: &mut Memory| {
        PasswordHash::create(&params, password.as_bytes(), random.as_ref(), memory)
    };
    cx.app.hashing.run(params.work_micros(), hash).await
}

async fn verify_slowly(cx: &Cx, hash: PasswordHash, password: Password) -> Result<bool> {
    let work = hash.work_micros();
    cx.app.hashing.run(work, move |memory| hash.verify(password.as_bytes(), memory)).await
}

/// Whether the secret is the current or the next one. Without hashes it is nobody's, and the answer takes as long as
/// that of a wrong secret: a slow hash is computed in vain where the client, were there one, could have such a hash.
pub async fn verify(cx: &Cx, hashes: Option<&SecretHashes>, secret: &str, may_be_slow: bool) -> Result<bool> {
    let given = sha256(secret.as_bytes());
    let known = hashes.into_iter().flat_map(|hashes| std::iter::once(&hashes.current).chain(&hashes.next));
    let (mut is_right, mut slow) = (false, Vec::new());
    for text in known {
        let hash = SecretHash::parse(text)
            .ok_or_else(|| Error::internal("the stored hash of an M2M client's secret is not one"))?;
        match hash {
            SecretHash::Digest(digest) => is_right |= constant_time_eq(&digest, &given),
            SecretHash::Slow(hash) => slow.push((text, hash)),
        }
    }
    if is_right {
        return Ok(true);
    }
    if slow.is_empty() {
        if may_be_slow {
            hash_slowly(cx, Password::new("")?).await?;
        }
        return Ok(false);
    }
    for (text, hash) in slow {
        if cx.app.m2m.verified.has(text, secret) {
            return Ok(true);
        }
        if check_secret_form(secret).is_ok() && verify_slowly(cx, hash, Password::new(secret)?).await? {
            cx.app.m2m.verified.remember(text, secret);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Secrets that were found to be right for a hash. A secret that is replaced has another hash, so nothing here ever
/// becomes wrong.
pub struct VerifiedSecrets {
    key: [u8; 32],
    known: Mutex<HashSet<[u8; 32]>>,
}

impl VerifiedSecrets {
    /// None yet.
    pub fn new(master_key: &MasterKey) -> Self {
        VerifiedSecrets { key: master_key.derive("verified M2M secrets"), known: Mutex::default() }
    }

    fn mark(&self, hash: &str, secret: &str) -> [u8; 32] {
        hmac_sha256(&self.key, &[hash.as_bytes(), secret.as_bytes()])
    }

    fn has(&self, hash: &str, secret: &str) -> bool {
        self.known.lock().contains(&self.mark(hash, secret))
    }

    fn remember(&self, hash: &str, secret: &str) {
        let mark = self.mark(hash, secret);
        let mut known = self.known.lock();
        if known.len() >= VERIFIED_MAX {
            known.clear();
        }
        known.insert(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_were_written() {
        let digest = SecretHash::digest("secret");
        let text = digest.to_text();
        assert_eq!(text, "$sha256$K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols");
        assert_eq!(SecretHash::parse(&text), Some(digest));
        for wrong in [
            "",
            "$sha256$",
            "$sha256$AAAA",
            "$sha256$K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols",
            "secret",
            "$md4$x",
        ] {
            assert_eq!(SecretHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_remembered_for_one_hash_only() {
        let verified = VerifiedSecrets::new(&MasterKey::from_bytes([7; 32]));
        verified.remember("hash", "secret");
        assert!(verified.has("hash", "secret"));
        for (hash, secret) in [("hash", "other"), ("other", "secret"), ("hashs", "ecret"), ("secret", "hash")]
        {
            assert!(!verified.has(hash, secret));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let verified = VerifiedSecrets::new(&MasterKey::from_bytes([7; 32]));
        for index in 0..VERIFIED_MAX * 2 + 5 {
            verified.remember("hash", &index.to_string());
        }
        assert!(verified.known.lock().len() <= VERIFIED_MAX);
    }
}
