//! The key that encrypts stored secrets.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Length of a master key.
pub const MASTER_KEY_BYTES: usize = 32;

/// Name of the file under the data directory that `dev` keeps its key in.
const FILE_NAME: &str = "master-key";

/// Key that encrypts what is stored and must be read again (signing keys, TOTP seeds). Prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; MASTER_KEY_BYTES]);

impl MasterKey {
    /// Reads a key written as base64, either alphabet, with or without padding.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let standard = text.trim().replace('-', "+").replace('_', "/");
        let bytes = GeneralPurpose::new(&alphabet::STANDARD, lenient)
            .decode(standard)
            .map_err(|_| "is not base64".to_owned())?;
        let length = bytes.len();
        let bytes: [u8; MASTER_KEY_BYTES] = bytes
            .try_into()
            .map_err(|_| format!("has {length} bytes; a master key has {MASTER_KEY_BYTES}"))?;
        // a key that someone left at a placeholder protects nothing.
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err("repeats one byte and so protects nothing; make a random key".to_owned());
        }
        Ok(MasterKey(bytes))
    }

    /// The key of `dev`: kept in the data directory and made on the first start, readable by its owner only.
    ///
    /// # Errors
    /// When the directory cannot be written, or the file holds something else.
    pub fn find_or_create(data: &Path) -> io::Result<Self> {
        let path = data.join(FILE_NAME);
        match fs::read_to_string(&path) {
            Ok(text) => MasterKey::parse(&text).map_err(|reason| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{}: the master key {reason}", path.display()),
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => MasterKey::create(data, &path),
            Err(error) => Err(error),
        }
    }

    fn create(data: &Path, path: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        let mut bytes = [0; MASTER_KEY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| io::Error::other("the system gives no random bytes"))?;
        // Written under another name and linked into place: a crash leaves no half a key, and of two processes
        // that start together only one key ever gets the name.
        let draft = data.join(format!("{FILE_NAME}.{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(STANDARD.encode(bytes).as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => Ok(MasterKey(bytes)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => MasterKey::find_or_create(data),
            Err(error) => Err(error),
        }
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8; MASTER_KEY_BYTES] {
        &self.0
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_is_read_in_either_alphabet_with_or_without_padding() {
        let bytes: [u8; MASTER_KEY_BYTES] = std::array::from_fn(|i| 255 - (i as u8) * 4);
        let padded = STANDARD.encode(bytes);
        let url_safe = padded.replace('+', "-").replace('/', "_");
        for text in [padded.as_str(), padded.trim_end_matches('='), url_safe.as_str(), &format!("{padded}\n")]
        {
            assert_eq!(MasterKey::parse(text).unwrap().expose(), &bytes, "{text:?}");
        }
    }

    #[test]
    fn wrong_keys_are_refused_with_a_reason() {
        for (text, reason) in [
            ("", "has 0 bytes; a master key has 32"),
            ("not base64!", "is not base64"),
            ("c2hvcnQ=", "has 5 bytes; a master key has 32"),
            (&STANDARD.encode([0; 32]), "repeats one byte and so protects nothing; make a random key"),
        ] {
            assert_eq!(MasterKey::parse(text).unwrap_err(), reason, "{text:?}");
        }
    }

    #[test]
    fn dev_key_is_made_once_and_kept_private() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("data");
        let first = MasterKey::find_or_create(&data).unwrap();
        assert_eq!(MasterKey::find_or_create(&data).unwrap(), first);
        let mode = fs::metadata(data.join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn damaged_dev_key_is_reported_and_never_replaced() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE_NAME), "oops").unwrap();
        let error = MasterKey::find_or_create(data.path()).unwrap_err();
        assert!(error.to_string().contains("has 3 bytes"), "{error}");
        assert_eq!(fs::read_to_string(data.path().join(FILE_NAME)).unwrap(), "oops");
    }

    #[test]
    fn key_prints_as_stars() {
        assert_eq!(format!("{:?}", MasterKey([7; 32])), "***");
    }
}
