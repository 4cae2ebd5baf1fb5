//! Published test vectors of every scheme, the exact refusals, and what holds for every hash.

use super::*;
use crate::random::SeededRandom;
use proptest::prelude::*;

fn verifies(hash: &PasswordHash, password: &str) -> bool {
    hash.verify(password.as_bytes(), &mut Memory::default())
}

/// The hash accepts this password and no other, and survives being written and read.
#[track_caller]
fn accepts(hash: Result<PasswordHash, ErrorType>, password: &str) {
    let hash = hash.expect("a published hash");
    assert!(verifies(&hash, password), "{hash}");
    assert!(!verifies(&hash, &format!("{password}x")), "{hash}");
    assert!(password.is_empty() || !verifies(&hash, ""), "{hash}");
    assert!(PasswordHash::parse(&hash.to_string()) == Some(hash));
}

const ARGON2: Argon2Import<'_> =
    Argon2Import { salt: "somesalt", iteration_amount: 2, memory: 256, threads: 1, key_length: 32 };
const SCRYPT: ScryptImport<'_> =
    ScryptImport { salt: "TmFDbA==", n_parameter: 1024, r_parameter: 8, p_parameter: 16, key_length: 64 };
const PBKDF2: Pbkdf2Import<'_> =
    Pbkdf2Import { salt: "c2FsdA==", iteration_amount: 1, key_length: 64, algorithm: None };
const FIREBASE: FirebaseImport<'_> = FirebaseImport {
    salt: "42xEC+ixf3L2lw==",
    signer_key: "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    salt_separator: "Bw==",
    rounds: 8,
    mem_cost: 14,
};
const FIREBASE_HASH: &str =
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
fn base64_of_hex(hex: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(phc::decode_hex(hex).expect("hexadecimal digits"))
}

/// From the test program of the reference implementation.
#[test]
fn argon2_is_that_of_the_reference_implementation() {
    for (variant, hash) in [
        (
            Variant::Id,
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ),
        (Variant::I, "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"),
        (Variant::I, "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"),
    ] {
        accepts(PasswordHash::from_argon2(variant, hash, None), "password");
    }
    for (variant, threads, hash) in [
        (Variant::Id, 1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
        (Variant::Id, 2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
        (Variant::I, 1, "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"),
        (Variant::I, 2, "4ff5ce2769a1d7f4c8a491df09d41a9fbe90e5eb02155a13e4c01e20cd4eab61"),
    ] {
        let import = Argon2Import { threads, ..ARGON2 };
        accepts(PasswordHash::from_argon2(variant, hash, Some(&import)), "password");
        accepts(PasswordHash::from_argon2(variant, &hash.to_uppercase(), Some(&import)), "password");
    }
}

/// From the tests of jBCrypt and of crypt_blowfish.
#[test]
fn bcrypt_is_that_of_openbsd() {
    for (password, hash) in [
        ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
        ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
        ("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ] {
        accepts(PasswordHash::from_bcrypt(hash), password);
    }
    let long =
        PasswordHash::from_bcrypt("$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui").unwrap();
    let password = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    assert!(verifies(&long, &format!("{password}chars after 72 are ignored")));
    assert!(verifies(&long, password) && !verifies(&long, &password[..71]));
}

/// RFC 7914 §12.
#[test]
fn scrypt_is_that_of_the_standard() {
    let hash = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da\
                c727afb94a83ee6d8360cbdfa2cc0640";
    accepts(PasswordHash::from_scrypt(&base64_of_hex(hash), Some(&SCRYPT)), "password");
    let hash = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9\
                e61e85dc0d651e40dfcf017b45575887";
    let import = ScryptImport { salt: "U29kaXVtQ2hsb3JpZGU", n_parameter: 16_384, p_parameter: 1, ..SCRYPT };
    accepts(PasswordHash::from_scrypt(&base64_of_hex(hash), Some(&import)), "pleaseletmein");
    let phc = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";
    accepts(PasswordHash::from_scrypt(phc, None), "pleaseletmein");
}

/// RFC 7914 §11 for SHA-256; the widely published one for SHA-512 of RFC 6070's first case.
#[test]
fn pbkdf2_is_that_of_the_standards() {
    let hash = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef3\
                17c71b845b1e30bd509112041d3a19783";
    accepts(PasswordHash::from_pbkdf2(&base64_of_hex(hash), &PBKDF2), "passwd");
    let hash = "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b317\
                6a272bdebba1d078478f62b397f33c8d";
    let import =
        Pbkdf2Import { salt: "TmFDbA", iteration_amount: 80_000, algorithm: Some("sha256"), ..PBKDF2 };
    accepts(PasswordHash::from_pbkdf2(&base64_of_hex(hash), &import), "Password");
    let hash = "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f\
                050235d7d68b1da55e63f73b60a57fce";
    let import = Pbkdf2Import { algorithm: Some("sha512"), ..PBKDF2 };
    accepts(PasswordHash::from_pbkdf2(&base64_of_hex(hash), &import), "password");
}

/// From the test program of phpass, and the example of hashcat.
#[test]
fn phpass_is_that_of_its_authors() {
    for (password, hash) in [
        ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        ("test12345", "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        ("hashcat", "$P$984478476IagS59wHZvyQMArzfx58u."),
    ] {
        accepts(PasswordHash::from_phpass(hash), password);
    }
}

/// The examples of hashcat.
#[test]
fn digests_are_salted_on_either_side() {
    let long = "82a9dda829eb7f8ffe9fbe49e45d47d2dad9664fbb7adf72492e3c81ebd3e29134d9bc12212bf83c6840f10e8246b9db\
                54a4859b7ccd0123d86e5872c1e5082f";
    let long_salted = "e5c3ede3e49fb86592fb03f471c35ba13e8d89b8ab65142c9a8fdafb635fa2223c24e5558fd9313e8995019dcbec1f\
                       b584146b7bb12685c7765fc8c0d51379fd";
    for (kind, hash, prepend, append) in [
        (DigestKind::Md5, "8743b52063cd84097a65d1633f5c74f5", "", ""),
        (DigestKind::Md5, "01dfae6e5d4d90d9892622325959afbe", "", "7050461"),
        (DigestKind::Md5, "f0fda58630310a6dd91a7d8f0a4ceda2", "4225637426", ""),
        (DigestKind::Sha1, "b89eaac7e61417341b710b727768294d0e6a277b", "", ""),
        (DigestKind::Sha1, "2fc5a684737ce1bf7b3b239df432416e0dd07357", "", "2014"),
        (DigestKind::Sha512, long, "", ""),
        (DigestKind::Sha512, long_salted, "", "6352283260"),
    ] {
        accepts(PasswordHash::from_digest(kind, hash, prepend, append), "hashcat");
    }
    let both = PasswordHash::from_digest(DigestKind::Md5, "900150983cd24fb0d6963f7d28e17f72", "a", "c");
    accepts(both, "b");
}

/// From the README of Firebase's own scrypt program.
#[test]
fn firebase_scrypt_is_that_of_firebase() {
    accepts(PasswordHash::from_firebase(FIREBASE_HASH, &FIREBASE), "user1password");
}

#[test]
fn new_hashes_are_argon2id_with_their_own_salt() {
    let random = SeededRandom::new(1);
    let mut memory = Memory::default();
    let params = Argon2Params::new(64, 1, 1).unwrap();
    let mut create = || PasswordHash::create(&params, b"password", &random, &mut memory);
    let (first, second) = (create(), create());
    assert!(first != second);
    assert!(first.to_string().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert!(first.is_current(&params) && !first.is_current(&Argon2Params::default()));
    accepts(Ok(first), "password");
    let foreign = PasswordHash::from_phpass("$P$984478476IagS59wHZvyQMArzfx58u.").unwrap();
    assert!(!foreign.is_current(&params));
}

#[test]
fn memory_of_any_earlier_size_gives_the_same_hash() {
    let hash = PasswordHash::create(
        &Argon2Params::new(64, 2, 2).unwrap(),
        b"password",
        &SeededRandom::new(1),
        &mut Memory::default(),
    );
    let large = PasswordHash::create(
        &Argon2Params::new(1024, 1, 1).unwrap(),
        b"other",
        &SeededRandom::new(2),
        &mut Memory::default(),
    );
    let mut memory = Memory::default();
    for shrink in [false, true] {
        assert!(large.verify(b"other", &mut memory));
        if shrink {
            memory.shrink_to_kib(32);
        }
        assert!(hash.verify(b"password", &mut memory));
    }
}

#[track_caller]
fn refused(result: Result<PasswordHash, ErrorType>, expected: &str) {
    assert_eq!(result.err().map(ErrorType::name), Some(expected));
}

#[test]
fn bcrypt_refusals() {
    let tail = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for (hash, expected) in [
        (String::new(), "invalid_bcrypt_hash"),
        ("password".into(), "invalid_bcrypt_hash"),
        (format!("$2$05${tail}"), "invalid_bcrypt_hash"),
        (format!("$2x$05${tail}"), "invalid_bcrypt_hash"),
        (format!("$2b$5${tail}a"), "invalid_bcrypt_hash"),
        (format!("$2b$+5${tail}"), "invalid_bcrypt_hash"),
        (format!("$2b$05${}", &tail[1..]), "invalid_bcrypt_hash"),
        (format!("$2b$05${tail}a"), "invalid_bcrypt_hash"),
        (format!("$2b$05${}", tail.replace('Y', "$")), "invalid_bcrypt_hash"),
        (format!("$2b$05${}", tail.replace('Y', "=")), "invalid_bcrypt_hash"),
        (format!("$2b$05${}é", &tail[..51]), "invalid_bcrypt_hash"),
        (format!("$2b$03${tail}"), "invalid_bcrypt_cost"),
        (format!("$2b$16${tail}"), "invalid_bcrypt_cost"),
        (format!("$2b$31${tail}"), "invalid_bcrypt_cost"),
        (format!("$2b$99${tail}"), "invalid_bcrypt_cost"),
    ] {
        refused(PasswordHash::from_bcrypt(&hash), expected);
    }
}

#[test]
fn argon2_refusals() {
    let hex = "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe";
    let with = |import: Argon2Import<'_>| PasswordHash::from_argon2(Variant::Id, hex, Some(&import));
    refused(with(Argon2Import { salt: "short", ..ARGON2 }), "invalid_argon_2_salt");
    refused(with(Argon2Import { salt: &"x".repeat(257), ..ARGON2 }), "invalid_argon_2_salt");
    for iteration_amount in [0, -1, 16_385, i64::MAX] {
        refused(with(Argon2Import { iteration_amount, ..ARGON2 }), "invalid_argon_2_iteration_amount");
    }
    for memory in [0, 7, -1, 262_145, i64::from(u32::MAX), i64::MAX] {
        refused(with(Argon2Import { memory, ..ARGON2 }), "invalid_argon_2_memory");
    }
    for threads in [0, -1, 65, i64::MAX] {
        refused(with(Argon2Import { threads, ..ARGON2 }), "invalid_argon_2_threads");
    }
    refused(with(Argon2Import { threads: 64, ..ARGON2 }), "invalid_argon_2_memory");
    for key_length in [0, 3, -1, 129, i64::MAX] {
        refused(with(Argon2Import { key_length, ..ARGON2 }), "invalid_argon_2_key_length");
    }
    refused(with(Argon2Import { key_length: 31, ..ARGON2 }), "argon_2_key_length_mismatch");
    refused(PasswordHash::from_argon2(Variant::Id, "xyz", Some(&ARGON2)), "invalid_hash");
    refused(PasswordHash::from_argon2(Variant::Id, hex, None), "invalid_hash");
    let phc = |head: &str| format!("{head}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    for (head, expected) in [
        ("$argon2d$v=19$m=65536,t=2,p=1", "invalid_hash"),
        ("$argon2i$v=19$m=65536,t=2,p=1", "invalid_hash"),
        ("$argon2id$v=18$m=65536,t=2,p=1", "invalid_hash"),
        ("$argon2id$v=19$m=65536,t=2", "invalid_hash"),
        ("$argon2id$v=19$m=65536,t=2,p=1,x=1", "invalid_hash"),
        ("$argon2id$v=19$m=065536,t=2,p=1", "invalid_hash"),
        ("$argon2id$v=19$m=99999999999,t=2,p=1", "invalid_hash"),
        ("$argon2id$v=19$m=4294967295,t=2,p=1", "invalid_argon_2_memory"),
        ("$argon2id$v=19$m=262144,t=17,p=1", "invalid_argon_2_iteration_amount"),
        ("$argon2id$v=19$m=65536,t=0,p=1", "invalid_argon_2_iteration_amount"),
        ("$argon2id$v=19$m=65536,t=2,p=0", "invalid_argon_2_threads"),
    ] {
        refused(PasswordHash::from_argon2(Variant::Id, &phc(head), None), expected);
    }
}

#[test]
fn scrypt_refusals() {
    let key = base64_of_hex(&"ab".repeat(64));
    let with = |import: ScryptImport<'_>| PasswordHash::from_scrypt(&key, Some(&import));
    for n_parameter in [0, 1, 3, -2, 524_288, 1 << 32, i64::MAX] {
        refused(with(ScryptImport { n_parameter, ..SCRYPT }), "invalid_scrypt_n_parameter");
    }
    for (r_parameter, p_parameter) in [(0, 1), (1, 0), (-1, 1), (i64::MAX, 1), (8, 1 << 20), (1 << 31, 1)] {
        refused(with(ScryptImport { r_parameter, p_parameter, ..SCRYPT }), "invalid_scrypt_parameters");
    }
    let largest = ScryptImport { n_parameter: 262_144, r_parameter: 8, p_parameter: 4, ..SCRYPT };
    assert!(with(largest).is_ok());
    refused(with(ScryptImport { r_parameter: 9, ..largest }), "invalid_scrypt_parameters");
    refused(with(ScryptImport { p_parameter: 5, ..largest }), "invalid_scrypt_parameters");
    refused(with(ScryptImport { salt: "?", ..SCRYPT }), "invalid_base64_scrypt_salt");
    refused(with(ScryptImport { salt: "", ..SCRYPT }), "invalid_scrypt_salt_length");
    refused(with(ScryptImport { salt: &"A".repeat(344), ..SCRYPT }), "invalid_scrypt_salt_length");
    for key_length in [63, 0, -1, i64::MAX] {
        refused(with(ScryptImport { key_length, ..SCRYPT }), "scrypt_key_length_mismatch");
    }
    for hash in ["?", "", "fdbabe1c9d3472007856e7190d01e9fe7"] {
        refused(PasswordHash::from_scrypt(hash, Some(&SCRYPT)), "invalid_base64_scrypt_hash");
    }
    refused(PasswordHash::from_scrypt(&key, None), "invalid_hash");
    refused(PasswordHash::from_scrypt("$scrypt$ln=14,r=8$c2FsdA$aGFzaA", None), "invalid_hash");
    refused(
        PasswordHash::from_scrypt("$scrypt$ln=19,r=8,p=1$c2FsdA$aGFzaA", None),
        "invalid_scrypt_n_parameter",
    );
    refused(
        PasswordHash::from_scrypt("$scrypt$ln=18,r=9,p=1$c2FsdA$aGFzaA", None),
        "invalid_scrypt_parameters",
    );
}

#[test]
fn pbkdf2_refusals() {
    let key = base64_of_hex(&"ab".repeat(64));
    let with = |import: Pbkdf2Import<'_>| PasswordHash::from_pbkdf2(&key, &import);
    for iteration_amount in [0, -1, 5_000_001, i64::from(u32::MAX), i64::MAX] {
        refused(with(Pbkdf2Import { iteration_amount, ..PBKDF2 }), "invalid_pbkdf_2_iteration_amount");
    }
    assert!(with(Pbkdf2Import { iteration_amount: 5_000_000, ..PBKDF2 }).is_ok());
    let wide = Pbkdf2Import { iteration_amount: 10_000_000, algorithm: Some("sha512"), ..PBKDF2 };
    assert!(with(wide).is_ok());
    for algorithm in ["sha1", "SHA256", ""] {
        refused(with(Pbkdf2Import { algorithm: Some(algorithm), ..PBKDF2 }), "invalid_pbkdf_2_algorithm");
    }
    for salt in ["?", "", &"A".repeat(344)] {
        refused(with(Pbkdf2Import { salt, ..PBKDF2 }), "invalid_pbkdf_2_salt");
    }
    refused(with(Pbkdf2Import { key_length: 32, ..PBKDF2 }), "pbkdf_2_key_length_mismatch");
    for hash in ["?", "", &base64_of_hex(&"ab".repeat(129))] {
        refused(PasswordHash::from_pbkdf2(hash, &PBKDF2), "invalid_pbkdf_2_hash");
    }
}

#[test]
fn phpass_refusals() {
    for (hash, expected) in [
        ("", "invalid_phpass_hash_prefix"),
        ("$P", "invalid_phpass_hash_prefix"),
        ("$S$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "invalid_phpass_hash_prefix"),
        ("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.", "invalid_phpass_hash_prefix"),
        ("$P$", "invalid_phpass_hash_format"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L", "invalid_phpass_hash_format"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L00", "invalid_phpass_hash_format"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.=0", "invalid_phpass_hash_format"),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.é", "invalid_phpass_hash_format"),
        // 2^6 and 2^24 rounds, and the 2^63 of the last digit.
        ("$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "invalid_phpass_hash_format"),
        ("$P$MIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "invalid_phpass_hash_format"),
        ("$P$zIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "invalid_phpass_hash_format"),
        // The last digit has two bits only.
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.Lz", "invalid_phpass_hash_format"),
    ] {
        refused(PasswordHash::from_phpass(hash), expected);
    }
}

#[test]
fn digest_refusals() {
    let md5 = "8743b52063cd84097a65d1633f5c74f5";
    let long = "x".repeat(1025);
    refused(PasswordHash::from_digest(DigestKind::Md5, &md5[1..], "", ""), "invalid_md_5_hash");
    refused(PasswordHash::from_digest(DigestKind::Md5, &md5.replace('f', "g"), "", ""), "invalid_md_5_hash");
    refused(PasswordHash::from_digest(DigestKind::Sha1, md5, "", ""), "invalid_sha_1_hash");
    refused(PasswordHash::from_digest(DigestKind::Sha512, md5, "", ""), "invalid_sha_512_hash");
    refused(PasswordHash::from_digest(DigestKind::Sha512, "", "", ""), "invalid_sha_512_hash");
    refused(PasswordHash::from_digest(DigestKind::Md5, md5, &long, ""), "invalid_prepend_salt");
    refused(PasswordHash::from_digest(DigestKind::Md5, md5, "", &long), "invalid_append_salt");
}

#[test]
fn firebase_refusals() {
    let with = |import: FirebaseImport<'_>| PasswordHash::from_firebase(FIREBASE_HASH, &import);
    for mem_cost in [0, -1, 19, i64::MAX] {
        refused(with(FirebaseImport { mem_cost, ..FIREBASE }), "invalid_scrypt_n_parameter");
    }
    for rounds in [0, -1, 1 << 40] {
        refused(with(FirebaseImport { rounds, ..FIREBASE }), "invalid_scrypt_parameters");
    }
    refused(with(FirebaseImport { signer_key: "", ..FIREBASE }), "invalid_scrypt_parameters");
    refused(with(FirebaseImport { signer_key: "AAAA", ..FIREBASE }), "scrypt_key_length_mismatch");
    refused(with(FirebaseImport { salt: "?", ..FIREBASE }), "invalid_base64_scrypt_salt");
    refused(with(FirebaseImport { salt: "", salt_separator: "", ..FIREBASE }), "invalid_scrypt_salt_length");
    refused(PasswordHash::from_firebase("?", &FIREBASE), "invalid_base64_scrypt_hash");
}

/// What is stored is ours, but a text that was damaged must not become another hash or a panic.
#[test]
fn only_whole_texts_are_read() {
    for text in [
        "",
        "$",
        "$$$",
        "password",
        "$argon2id",
        "$unknown$a=1$c2FsdA$aGFzaA",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc$x",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ=$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
        "$md5$append=$$h0O1IGPNhAl6ZdFjP1x09",
        "$md5$$$h0O1IGPNhAl6ZdFjP1x09Q",
        "$pbkdf2-sha256$i=4294967295$c2FsdA$aGFzaA",
        "$pbkdf2-sha1$i=1$c2FsdA$aGFzaA",
        "$firebase-scrypt$ln=+1,r=8,key=AAAA$AAAA$AAAA",
    ] {
        assert!(PasswordHash::parse(text).is_none(), "{text}");
    }
    assert!(PasswordHash::parse(&format!("$md5$append={}$$x", "A".repeat(TEXT_BYTES_MAX))).is_none());
}

#[test]
fn nothing_secret_is_printed() {
    let hash = PasswordHash::from_phpass("$P$984478476IagS59wHZvyQMArzfx58u.").unwrap();
    assert_eq!(format!("{hash:?}"), "PasswordHash(***)");
}

#[test]
fn everything_within_bounds_takes_about_two_seconds_at_most() {
    let hashes = [
        PasswordHash::from_bcrypt("$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        PasswordHash::from_phpass("$P$LIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        PasswordHash::from_argon2(
            Variant::Id,
            "$argon2id$v=19$m=262144,t=16,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            None,
        ),
        PasswordHash::from_scrypt("$scrypt$ln=18,r=8,p=4$c2FsdA$aGFzaA", None),
        PasswordHash::from_pbkdf2(
            &base64_of_hex(&"ab".repeat(64)),
            &Pbkdf2Import { iteration_amount: 10_000_000, algorithm: Some("sha512"), ..PBKDF2 },
        ),
    ];
    for hash in hashes {
        let micros = hash.expect("within bounds").work_micros();
        assert!((1_000_000..=2_600_000).contains(&micros), "{micros}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}") {
        let _ = PasswordHash::parse(&text);
        let _ = PasswordHash::from_bcrypt(&text);
        let _ = PasswordHash::from_phpass(&text);
        let _ = PasswordHash::from_argon2(Variant::I, &text, None);
        let _ = PasswordHash::from_scrypt(&text, None);
    }

    /// Texts that look like hashes get further than random ones.
    #[test]
    fn reading_what_looks_like_a_hash_never_panics(
        text in r"\$(argon2id?|2[abxy]|md5|sha512|firebase-scrypt|pbkdf2-sha256|P|H|scrypt)(\$(v=)?[0-9]{1,3})?(\$[a-z]{1,6}=[0-9A-Za-z+/]{0,12}(,[a-z]{1,3}=[0-9]{1,10}){0,3})?\$[./A-Za-z0-9+$é]{0,60}"
    ) {
        if let Some(hash) = PasswordHash::parse(&text) {
            prop_assert!(PasswordHash::parse(&hash.to_string()) == Some(hash));
        }
        let _ = PasswordHash::from_bcrypt(&text);
        let _ = PasswordHash::from_phpass(&text);
    }

    #[test]
    fn parameters_of_any_size_are_read_or_refused(
        hash in "[0-9a-f]{0,64}|[A-Za-z0-9+/=_-]{0,90}", salt in ".{0,40}",
        a in any::<i64>(), b in any::<i64>(), c in any::<i64>(), key_length in any::<i64>(),
    ) {
        let _ = PasswordHash::from_argon2(Variant::Id, &hash, Some(&Argon2Import {
            salt: &salt, iteration_amount: a, memory: b, threads: c, key_length,
        }));
        let _ = PasswordHash::from_scrypt(&hash, Some(&ScryptImport {
            salt: &salt, n_parameter: a, r_parameter: b, p_parameter: c, key_length,
        }));
        let _ = PasswordHash::from_pbkdf2(&hash, &Pbkdf2Import {
            salt: &salt, iteration_amount: a, key_length, algorithm: None,
        });
        let _ = PasswordHash::from_firebase(&hash, &FirebaseImport {
            salt: &salt, signer_key: &hash, salt_separator: &salt, rounds: a, mem_cost: b,
        });
        for kind in [DigestKind::Md5, DigestKind::Sha1, DigestKind::Sha512] {
            let _ = PasswordHash::from_digest(kind, &hash, &salt, &salt);
        }
    }

    #[test]
    fn what_was_written_is_read_again(salt in "[a-z]{8,40}", append in ".{0,40}", output in "([0-9a-f]{2}){4,128}") {
        let bytes = i64::try_from(output.len() / 2).unwrap();
        let argon2 = Argon2Import { salt: &salt, key_length: bytes, ..ARGON2 };
        let scrypt = ScryptImport { salt: &salt[..8], key_length: bytes, ..SCRYPT };
        let hashes = [
            PasswordHash::from_argon2(Variant::I, &output, Some(&argon2)),
            PasswordHash::from_scrypt(&base64_of_hex(&output), Some(&scrypt)),
            PasswordHash::from_digest(DigestKind::Md5, &"ab".repeat(16), &salt, &append),
        ];
        for hash in hashes {
            let hash = hash.expect("within bounds");
            prop_assert!(PasswordHash::parse(&hash.to_string()) == Some(hash));
        }
    }
}
