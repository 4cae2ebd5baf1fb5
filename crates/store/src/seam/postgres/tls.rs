//! The connection string, and what it says about encryption.

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::seam::StoreError;

/// Reads a `postgres://` URL.
pub(super) fn configure(url: &str) -> Result<(Config, MakeRustlsConnect), StoreError> {
    let Url { rest, root_file } = Url::split(url);
    // The driver's error may quote the value that it stumbled over, but not the password.
    let config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
        let text = super::failure::text(&error);
        StoreError::Other(format!("the address of the database cannot be read: {text}"))
    })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Other(error.to_string()))?;
    let mut client = match config.get_ssl_mode() {
        SslMode::Require => client.with_root_certificates(authorities(root_file)?),
        _ => client.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked(provider))),
    }
    .with_no_client_auth();
    // Servers from version 17 on can be spoken to over TLS at once, and ask for this name then.
    client.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok((config, MakeRustlsConnect::new(client)))
}

/// A connection string without the parts that the driver does not know.
struct Url {
    rest: String,
    root_file: Option<PathBuf>,
}

impl Url {
    fn split(url: &str) -> Url {
        let Some((base, query)) = url.split_once('?') else {
            return Url { rest: url.to_owned(), root_file: None };
        };
        let mut root_file = None;
        let mut kept = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path).decode_utf8_lossy();
                    root_file = Some(PathBuf::from(path.into_owned()));
                }
                // Certificates are always checked wholly or not at all.
                Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
                _ => kept.push(parameter),
            }
        }
        Url { rest: format!("{base}?{}", kept.join("&")), root_file }
    }
}

/// The authorities that may vouch for the server.
fn authorities(root_file: Option<PathBuf>) -> Result<RootCertStore, StoreError> {
    let certificates: Vec<CertificateDer<'static>> = match &root_file {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| StoreError::Other(format!("{}: {error}", path.display())))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(StoreError::Other(format!(
            "sslmode=require needs certificate authorities, but {} has none",
            root_file.map_or("the system".to_owned(), |path| path.display().to_string())
        )));
    }
    Ok(roots)
}

/// For `sslmode=prefer`, which takes a connection without encryption too: whoever could present a
/// false certificate could as well refuse to encrypt, so checking it would only keep out servers
/// with a certificate of their own making.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
