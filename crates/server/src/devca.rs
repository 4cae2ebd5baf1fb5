//! HTTPS under `ostiary dev`: an authority of this machine and a certificate for localhost.
//!
//! Some SDKs accept `https://` addresses only. `--tls-listen` then serves a certificate that is signed by an
//! authority made for this data directory; whoever is told to trust its file (`NODE_EXTRA_CA_CERTS`,
//! `SSL_CERT_FILE`, a browser's settings) can connect. The authority is limited to the names of this machine, so
//! that a copy of its key is of no use against any other site.
//!
//! All files are under `dev-tls` in the data directory. What is still good is left as it is, so that trust given
//! once lasts.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use ostiary_core::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType,
};
use time::{Duration, OffsetDateTime};

/// Life of the authority.
const AUTHORITY_DAYS: i64 = 3650;
/// Life of the certificate. Browsers and Apple systems refuse long ones.
const CERTIFICATE_DAYS: i64 = 90;
/// A certificate with less left is replaced at the next start.
const CERTIFICATE_DAYS_LEFT_MIN: i64 = 30;
/// First line of certificate files, before the seconds since the epoch at which the certificate expires. Readers of
/// PEM skip it.
const EXPIRY_PREFIX: &str = "# expires ";

/// Files to serve HTTPS with, and to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevCertificates {
    /// Certificate of the authority, PEM; the file that clients are told to trust.
    pub authority_file: PathBuf,
    /// Certificate for localhost, 127.0.0.1 and ::1, PEM.
    pub certificate_file: PathBuf,
    /// Its private key, PEM, readable by its owner only.
    pub private_key_file: PathBuf,
}

/// Makes what is missing or about to expire. `now` is the real time, by which clients judge certificates, whatever
/// the clock of `ostiary dev` says.
///
/// # Errors
/// When the files cannot be read or written; the text names the file.
pub fn ensure(data: &Path, now: Timestamp) -> io::Result<DevCertificates> {
    let folder = data.join("dev-tls");
    fs::create_dir_all(&folder).map_err(|error| about(&folder, &error))?;
    let authority_file = folder.join("ca.pem");
    let authority_key_file = folder.join("ca-key.pem");
    let files = DevCertificates {
        certificate_file: folder.join("localhost.pem"),
        private_key_file: folder.join("localhost-key.pem"),
        authority_file,
    };
    // Whoever depends on a file is removed before the file is replaced: a crash between two writes then leaves
    // something missing, which the next start makes, and never two files that do not go together.
    let is_lasting = days_left(&files.authority_file, now).is_some_and(|days| days > CERTIFICATE_DAYS);
    let authority_key = match read_key(&authority_key_file)? {
        Some(key) if is_lasting => key,
        _ => {
            remove(&files.certificate_file)?;
            remove(&files.authority_file)?;
            let key = make_key(&authority_key_file)?;
            let certificate = authority_params(&key, now)?.self_signed(&key).map_err(io::Error::other)?;
            write_certificate(&files.authority_file, &certificate.pem(), now, AUTHORITY_DAYS)?;
            key
        }
    };
    let key = match read_key(&files.private_key_file)? {
        Some(key) => key,
        None => {
            remove(&files.certificate_file)?;
            make_key(&files.private_key_file)?
        }
    };
    if days_left(&files.certificate_file, now).is_none_or(|days| days < CERTIFICATE_DAYS_LEFT_MIN) {
        let authority = Issuer::new(authority_params(&authority_key, now)?, authority_key);
        let certificate = localhost_params(now)?.signed_by(&key, &authority).map_err(io::Error::other)?;
        write_certificate(&files.certificate_file, &certificate.pem(), now, CERTIFICATE_DAYS)?;
    }
    Ok(files)
}

/// The authority. Its name follows from its key, so that the authorities of two data directories can be trusted
/// side by side, and the same name comes out at every start.
fn authority_params(key: &KeyPair, now: Timestamp) -> io::Result<CertificateParams> {
    let fingerprint = digest(&SHA256, key.der_bytes());
    let name: String = fingerprint.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut params = lasting(now, AUTHORITY_DAYS)?;
    params.distinguished_name.push(DnType::CommonName, format!("Ostiary development CA {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv4Addr::LOCALHOST.into(), 32)),
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(Ipv6Addr::LOCALHOST.into(), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn localhost_params(now: Timestamp) -> io::Result<CertificateParams> {
    let mut params = lasting(now, CERTIFICATE_DAYS)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().map_err(io::Error::other)?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Valid from yesterday, for clocks that are late, for a number of days from now.
fn lasting(now: Timestamp, days: i64) -> io::Result<CertificateParams> {
    let now = OffsetDateTime::from_unix_timestamp(now.seconds()).map_err(io::Error::other)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(days);
    Ok(params)
}

/// Days until the certificate in a file expires; `None` when there is none that this module has written.
fn days_left(file: &Path, now: Timestamp) -> Option<i64> {
    let text = fs::read_to_string(file).ok()?;
    let expires_at: i64 = text.lines().next()?.strip_prefix(EXPIRY_PREFIX)?.parse().ok()?;
    Some((expires_at - now.seconds()) / (24 * 3600))
}

fn write_certificate(file: &Path, pem: &str, now: Timestamp, days: i64) -> io::Result<()> {
    let expires_at = now.seconds() + days * 24 * 3600;
    write(file, 0o644, &format!("{EXPIRY_PREFIX}{expires_at}\n{pem}"))
}

fn make_key(file: &Path) -> io::Result<KeyPair> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    write(file, 0o600, &key.serialize_pem())?;
    Ok(key)
}

/// The key in a file; `None` when there is no file.
fn read_key(file: &Path) -> io::Result<Option<KeyPair>> {
    match fs::read_to_string(file) {
        Ok(pem) => match KeyPair::from_pem(&pem) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(about(file, &io::Error::new(io::ErrorKind::InvalidData, error))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(about(file, &error)),
    }
}

/// Writes a file whole or not at all.
fn write(file: &Path, mode: u32, text: &str) -> io::Result<()> {
    let draft = file.with_extension("draft");
    let written = || -> io::Result<()> {
        remove(&draft)?;
        let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&draft, file)
    };
    written().map_err(|error| about(file, &error))
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(about(file, &error)),
        _ => Ok(()),
    }
}

fn about(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    const DAY: i64 = 24 * 3600;
    const NOW: Timestamp = Timestamp::from_micros(1_750_000_000_000_000);

    fn read(files: &DevCertificates) -> (String, String, String) {
        let text = |file| fs::read_to_string(file).unwrap();
        (text(&files.authority_file), text(&files.certificate_file), text(&files.private_key_file))
    }

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    /// Whether a client that trusts the authority accepts a certificate for a name.
    fn is_accepted(authority: &str, leaf: &str, name: &'static str, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(authority)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.seconds().try_into().unwrap()));
        let name = ServerName::try_from(name).unwrap();
        verifier.verify_server_cert(&certificate(leaf), &[], &name, &[], at).is_ok()
    }

    #[test]
    fn certificate_is_good_for_this_machine_and_signed_by_the_authority() {
        let data = tempfile::tempdir().unwrap();
        let files = ensure(data.path(), NOW).unwrap();
        let (authority, leaf, _) = read(&files);
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(is_accepted(&authority, &leaf, name, NOW), "{name}");
        }
        for name in ["example.com", "127.0.0.2", "app.localhost"] {
            assert!(!is_accepted(&authority, &leaf, name, NOW), "{name}");
        }
        let other = tempfile::tempdir().unwrap();
        let (stranger, _, _) = read(&ensure(other.path(), NOW).unwrap());
        assert!(!is_accepted(&stranger, &leaf, "localhost", NOW));
        crate::listen::Certificates::load(files.certificate_file, files.private_key_file).unwrap();
    }

    #[test]
    fn authority_cannot_vouch_for_any_other_site() {
        let data = tempfile::tempdir().unwrap();
        let (authority, ..) = read(&ensure(data.path(), NOW).unwrap());
        let stolen = read_key(&data.path().join("dev-tls/ca-key.pem")).unwrap().unwrap();
        let issuer = Issuer::new(authority_params(&stolen, NOW).unwrap(), stolen);
        let key = KeyPair::generate().unwrap();
        for (name, can) in [("example.com", false), ("8.8.8.8", false), ("app.localhost", true)] {
            let mut params = localhost_params(NOW).unwrap();
            params.subject_alt_names = CertificateParams::new([name.to_owned()]).unwrap().subject_alt_names;
            let leaf = params.signed_by(&key, &issuer).unwrap();
            assert_eq!(is_accepted(&authority, &leaf.pem(), name, NOW), can, "{name}");
        }
    }

    #[test]
    fn restart_changes_nothing_and_renewal_keeps_authority_and_key() {
        let data = tempfile::tempdir().unwrap();
        let first = read(&ensure(data.path(), NOW).unwrap());
        let last_good_day = NOW.plus_seconds((CERTIFICATE_DAYS - CERTIFICATE_DAYS_LEFT_MIN) * DAY);
        assert_eq!(read(&ensure(data.path(), last_good_day).unwrap()), first);

        let later = last_good_day.plus_seconds(DAY);
        let renewed = read(&ensure(data.path(), later).unwrap());
        assert_eq!((&renewed.0, &renewed.2), (&first.0, &first.2));
        assert_ne!(renewed.1, first.1);
        let expiry_of_the_first = NOW.plus_seconds((CERTIFICATE_DAYS + 1) * DAY);
        assert!(!is_accepted(&first.0, &first.1, "localhost", expiry_of_the_first));
        assert!(is_accepted(&renewed.0, &renewed.1, "localhost", expiry_of_the_first));
    }

    #[test]
    fn authority_is_replaced_before_a_certificate_could_outlive_it() {
        let data = tempfile::tempdir().unwrap();
        let first = read(&ensure(data.path(), NOW).unwrap());
        let late = NOW.plus_seconds((AUTHORITY_DAYS - CERTIFICATE_DAYS) * DAY);
        let second = read(&ensure(data.path(), late).unwrap());
        assert_ne!(second.0, first.0);
        assert!(is_accepted(&second.0, &second.1, "localhost", late));
    }

    #[test]
    fn any_missing_file_is_made_again_so_that_all_go_together() {
        for missing in ["ca.pem", "ca-key.pem", "localhost.pem", "localhost-key.pem"] {
            let data = tempfile::tempdir().unwrap();
            ensure(data.path(), NOW).unwrap();
            fs::remove_file(data.path().join("dev-tls").join(missing)).unwrap();
            let files = ensure(data.path(), NOW).unwrap();
            let (authority, leaf, _) = read(&files);
            assert!(is_accepted(&authority, &leaf, "localhost", NOW), "{missing}");
            let loaded = crate::listen::Certificates::load(files.certificate_file, files.private_key_file);
            assert!(loaded.is_ok(), "{missing}");
        }
    }

    #[test]
    fn keys_are_readable_by_their_owner_only_and_nothing_else_is_left() {
        let data = tempfile::tempdir().unwrap();
        ensure(data.path(), NOW).unwrap();
        let mut modes: Vec<(String, u32)> = fs::read_dir(data.path().join("dev-tls"))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        modes.sort();
        let names: Vec<&str> = modes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ca-key.pem", "ca.pem", "localhost-key.pem", "localhost.pem"]);
        assert!(modes.iter().all(|(name, mode)| !name.contains("key") || *mode == 0o600), "{modes:?}");
    }

    #[test]
    fn damaged_key_is_named_and_kept() {
        let data = tempfile::tempdir().unwrap();
        ensure(data.path(), NOW).unwrap();
        let key_file = data.path().join("dev-tls/ca-key.pem");
        fs::write(&key_file, "oops").unwrap();
        let error = ensure(data.path(), NOW).unwrap_err();
        assert!(error.to_string().contains("ca-key.pem"), "{error}");
        assert_eq!(fs::read_to_string(&key_file).unwrap(), "oops");
    }
}
