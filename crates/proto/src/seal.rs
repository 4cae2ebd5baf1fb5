//! Encryption of what the database must be able to give back: signing keys, TOTP seeds, client secrets.
//!
//! ```
//! use ostiary_proto::random::SystemRandom;
//! use ostiary_proto::seal::MasterKey;
//!
//! let key = MasterKey::from_bytes([7; 32]);
//! let sealed = key.seal("signing-key/jwk-test-1", b"private", &SystemRandom);
//!
//! assert_eq!(key.open("signing-key/jwk-test-1", &sealed).as_deref(), Some(&b"private"[..]));
//! assert_eq!(key.open("signing-key/jwk-test-2", &sealed), None); // moved to another row
//! ```
//!
//! A sealed value is, in this order: one byte of format version, eight bytes that identify the master key, a
//! nonce of twelve bytes, the ciphertext, and a tag of sixteen bytes. The first two and the caller's context are
//! authenticated along with the plaintext.

use std::fmt;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{self, Prk, Salt};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use crate::random::{self, RandomSource};

/// The only format so far: AES-256-GCM under a key derived from the master key.
const VERSION: u8 = 1;
const FINGERPRINT_BYTES: usize = 8;
const HEADER_BYTES: usize = 1 + FINGERPRINT_BYTES;

/// The salt that keeps these keys apart from those of any other program given the same master key.
const SALT: &[u8] = b"ostiary master key";

/// The key under which everything else is sealed, and the previous ones that still open old values.
///
/// One key may seal 2^32 values before random nonces become likely to repeat (NIST SP 800-38D §8.3).
pub struct MasterKey {
    fingerprint: [u8; FINGERPRINT_BYTES],
    sealing: LessSafeKey,
    root: Prk,
    previous: Vec<MasterKey>,
}

/// Why a text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MasterKeyError {
    /// Neither the standard nor the URL-safe alphabet of base64.
    NotBase64,
    /// Base64 of this many bytes instead of 32.
    WrongLength(usize),
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 => f.write_str("the master key is not base64"),
            Self::WrongLength(bytes) => write!(f, "the master key has {bytes} bytes instead of 32"),
        }
    }
}

impl std::error::Error for MasterKeyError {}

impl MasterKey {
    /// A master key made of 32 bytes of full entropy.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let root = Salt::new(hkdf::HKDF_SHA256, SALT).extract(&bytes);
        let sealing = UnboundKey::new(&aead::AES_256_GCM, &expand(&root, &[b"seal"]))
            .expect("32 bytes are the length of an AES-256 key");
        let fingerprint = expand(&root, &[b"fingerprint"])[..FINGERPRINT_BYTES]
            .try_into()
            .expect("32 derived bytes are enough for a fingerprint");
        Self { fingerprint, sealing: LessSafeKey::new(sealing), root, previous: Vec::new() }
    }

    /// Reads a master key from base64, standard or URL-safe, padded or not, white space around it ignored.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let text = text.trim();
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, config)
            .decode(text)
            .or_else(|_| GeneralPurpose::new(&alphabet::URL_SAFE, config).decode(text))
            .map_err(|_| MasterKeyError::NotBase64)?;
        let bytes: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| MasterKeyError::WrongLength(bytes.len()))?;
        Ok(Self::from_bytes(bytes))
    }

    /// A new master key in the form that [`MasterKey::from_base64`] reads.
    pub fn generate_base64(random: &dyn RandomSource) -> String {
        STANDARD.encode(random::bytes::<32>(random))
    }

    /// Also opens what `previous` has sealed. Everything new is sealed under this key alone.
    #[must_use]
    pub fn with_previous(mut self, mut previous: MasterKey) -> Self {
        let older = std::mem::take(&mut previous.previous);
        self.previous.push(previous);
        self.previous.extend(older);
        self
    }

    /// Encrypts `plaintext` so that it opens only with the same `context`.
    ///
    /// The context names what the value is and whose, like `signing-key/<kid>`: a value moved to another row
    /// or column no longer opens.
    pub fn seal(&self, context: &str, plaintext: &[u8], random: &dyn RandomSource) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let aad = associated_data(&self.fingerprint, context);
        let mut sealed =
            Vec::with_capacity(HEADER_BYTES + NONCE_LEN + plaintext.len() + aead::AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.fingerprint);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&aad),
                &mut sealed[HEADER_BYTES + NONCE_LEN..],
            )
            .expect("AES-GCM only refuses plaintexts beyond 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// The plaintext of a value sealed by this key or a previous one, under the same `context`.
    ///
    /// `None` when it was sealed under an unknown key or another context, or was changed in any way.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (header, rest) = sealed.split_at_checked(HEADER_BYTES)?;
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN)?;
        let (version, fingerprint) = header.split_first()?;
        if *version != VERSION {
            return None;
        }
        let key = self.keys().find(|key| key.fingerprint == fingerprint)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let aad = associated_data(&key.fingerprint, context);
        let mut buffer = ciphertext.to_vec();
        let plaintext_bytes = key.sealing.open_in_place(nonce, Aad::from(&aad), &mut buffer).ok()?.len();
        buffer.truncate(plaintext_bytes);
        Some(buffer)
    }

    /// Whether a sealed value should be sealed anew, because it is not under this key but a previous or unknown one.
    pub fn needs_resealing(&self, sealed: &[u8]) -> bool {
        sealed.get(1..HEADER_BYTES) != Some(&self.fingerprint)
    }

    /// A key of its own for `purpose`, always the same for the same master key (HKDF, RFC 5869).
    ///
    /// Knowing it reveals neither the master key nor the key of any other purpose.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        expand(&self.root, &[b"derive/", purpose.as_bytes()])
    }

    fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(self).chain(&self.previous)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

fn associated_data(fingerprint: &[u8; FINGERPRINT_BYTES], context: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(HEADER_BYTES + context.len());
    data.push(VERSION);
    data.extend_from_slice(fingerprint);
    data.extend_from_slice(context.as_bytes());
    data
}

fn expand(root: &Prk, info: &[&[u8]]) -> [u8; 32] {
    let mut key = [0; 32];
    root.expand(info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("one block is within the bounds of HKDF");
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::{SeededRandom, SystemRandom};

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_sealed_value_opens_in_its_context_only() {
        let sealed = key(1).seal("totp/ada", b"seed", &SystemRandom);
        assert_eq!(key(1).open("totp/ada", &sealed).as_deref(), Some(&b"seed"[..]));
        for context in ["totp/bob", "totp/ad", "totp/adaa", ""] {
            assert_eq!(key(1).open(context, &sealed), None, "{context}");
        }
    }

    #[test]
    fn another_key_does_not_open() {
        let sealed = key(1).seal("totp/ada", b"seed", &SystemRandom);
        assert_eq!(key(2).open("totp/ada", &sealed), None);
    }

    #[test]
    fn no_bit_of_a_sealed_value_can_change() {
        let sealed = key(1).seal("totp/ada", b"seed", &SystemRandom);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key(1).open("totp/ada", &changed), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key(1).open("totp/ada", &sealed[..length]), None, "cut to {length}");
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_to_the_same_bytes() {
        let seal = || key(1).seal("totp/ada", b"seed", &SystemRandom);
        assert_ne!(seal(), seal());
    }

    #[test]
    fn values_of_a_previous_key_open_until_they_are_sealed_anew() {
        let old = key(1).seal("totp/ada", b"seed", &SystemRandom);
        for rotated in [
            key(3).with_previous(key(2).with_previous(key(1))),
            key(3).with_previous(key(1)).with_previous(key(2)),
        ] {
            assert_eq!(rotated.open("totp/ada", &old).as_deref(), Some(&b"seed"[..]));
            assert!(rotated.needs_resealing(&old));
        }

        let rotated = key(3).with_previous(key(1));
        let new = rotated.seal("totp/ada", b"seed", &SystemRandom);
        assert!(!rotated.needs_resealing(&new));
        assert_eq!(key(3).open("totp/ada", &new).as_deref(), Some(&b"seed"[..]));
        assert_eq!(key(1).open("totp/ada", &new), None);
    }

    #[test]
    fn the_format_does_not_change_between_releases() {
        let sealed = key(1).seal("totp/ada", b"seed", &SeededRandom::new(1));
        assert_eq!(
            hex(&sealed),
            "0135a64223159bdc018c4099ff2bc7782fda1b6efcea1d15e100b60a2162cb879c3e5a88883f54e649"
        );
    }

    #[test]
    fn derived_keys_are_stable_and_differ_by_purpose() {
        let derived = key(1).derive("cursor");
        assert_eq!(derived, key(1).derive("cursor"));
        assert_ne!(derived, key(1).derive("cookie"));
        assert_ne!(derived, key(2).derive("cursor"));
        assert_eq!(hex(&derived), "4cacbc291807082c901bddf1f9a07c122aed11a615e8ca462e1a3eb11634fb97");
    }

    #[test]
    fn every_spelling_of_base64_gives_the_same_key() {
        let bytes: [u8; 32] = std::array::from_fn(|i| 0xff - (i as u8));
        let derived = MasterKey::from_bytes(bytes).derive("x");
        let standard = STANDARD.encode(bytes);
        let url_safe = standard.replace('+', "-").replace('/', "_");
        for text in [&standard, &url_safe, standard.trim_end_matches('='), &format!(" {url_safe}\r\n")] {
            assert_eq!(MasterKey::from_base64(text).expect(text).derive("x"), derived, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_by_name() {
        let error = |text| MasterKey::from_base64(text).expect_err("not a key");
        assert_eq!(error("correct horse"), MasterKeyError::NotBase64);
        assert_eq!(error(""), MasterKeyError::WrongLength(0));
        assert_eq!(error("c2hvcnQ="), MasterKeyError::WrongLength(5));
        assert_eq!(error(&STANDARD.encode([0; 33])).to_string(), "the master key has 33 bytes instead of 32");
    }

    #[test]
    fn a_generated_key_can_be_read() {
        assert!(MasterKey::from_base64(&MasterKey::generate_base64(&SystemRandom)).is_ok());
    }

    #[test]
    fn a_key_never_prints_itself() {
        assert_eq!(format!("{:?}", key(1)), "MasterKey(***)");
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(context: String, plaintext: Vec<u8>) {
            let sealed = key(1).seal(&context, &plaintext, &SystemRandom);
            prop_assert_eq!(key(1).open(&context, &sealed), Some(plaintext));
        }

        #[test]
        fn arbitrary_bytes_never_open(context: String, bytes: Vec<u8>) {
            prop_assert_eq!(key(1).open(&context, &bytes), None);
        }
    }
}
