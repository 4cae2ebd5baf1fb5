//! Digests, keyed digests and the comparison of secrets.

use aws_lc_rs::{constant_time, digest, hmac};

/// The SHA-256 digest of `data`. What is stored of an opaque token (spec 01a §2).
///
/// Right for secrets of full entropy only. Codes and passwords need a keyed or a slow hash.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    into_array(digest::digest(&digest::SHA256, data).as_ref())
}

/// The SHA-1 digest of `data`. By it the lists of breached passwords are ordered; it protects nothing any more.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data);
    digest.as_ref().try_into().expect("a SHA-1 digest has 20 bytes")
}

/// HMAC-SHA-256 over a list of parts.
///
/// Every part goes in with its length in front, so `["ab", "c"]` and `["a", "bc"]` have different digests.
/// The result therefore differs from a plain HMAC over the concatenation, even for one part.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        let length = u64::try_from(part.len()).expect("no slice is longer than 2^64 bytes");
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    into_array(context.sign().as_ref())
}

/// Whether two secrets are equal, in a time that tells nothing but whether their lengths are.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

fn into_array(digest: &[u8]) -> [u8; 32] {
    digest.try_into().expect("a SHA-256 digest has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn sha256_is_that_of_the_standard() {
        // FIPS 180-4, example "abc".
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn sha1_is_that_of_the_standard() {
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }

    #[test]
    fn hmac_is_that_of_the_standard_over_lengths_and_parts() {
        let reference = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, b"key"),
            b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x00\0\0\0\0\0\0\0\x01c",
        );
        assert_eq!(hmac_sha256(b"key", &[b"ab", b"", b"c"]), reference.as_ref());
    }

    #[test]
    fn bytes_cannot_move_from_one_part_to_the_next() {
        let digests: Vec<_> =
            [&[&b"ab"[..], b"c"][..], &[b"a", b"bc"], &[b"abc"], &[b"abc", b""], &[b"", b"abc"], &[]]
                .map(|parts| hmac_sha256(b"key", parts))
                .into();
        for (i, digest) in digests.iter().enumerate() {
            assert!(!digests[..i].contains(digest), "case {i} repeats an earlier digest");
        }
    }

    #[test]
    fn equality_is_that_of_the_bytes() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"secret", b"secret"));
        assert!(!constant_time_eq(b"secret", b"secreT"));
        assert!(!constant_time_eq(b"secret", b"secret "));
    }
}
