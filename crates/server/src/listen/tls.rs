//! Certificates that can be replaced while the server runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::Shutdown;

/// A certificate chain and its key, read from files and read again when the files change.
pub struct Certificates {
    chain_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// Digest of the files as last read, good or bad: a bad pair is reported once, not at every look.
    seen: Mutex<Vec<u8>>,
}

/// Why certificate files cannot be used.
#[derive(Debug)]
pub struct CertificateError {
    file: PathBuf,
    reason: String,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for CertificateError {}

/// The content of both files.
struct Files {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    /// Reads a chain (leaf first) and its key, both PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or the key is not that of the certificate.
    pub fn load(chain_file: PathBuf, key_file: PathBuf) -> Result<Arc<Self>, CertificateError> {
        let files = Files::read(&chain_file, &key_file)?;
        let current = RwLock::new(Arc::new(files.certified_key(&chain_file, &key_file)?));
        let seen = Mutex::new(files.digest());
        Ok(Arc::new(Certificates { chain_file, key_file, current, seen }))
    }

    /// Takes over files that have changed since they were last read; `true` when it did. The handshakes that
    /// follow use them; connections that are open keep theirs.
    ///
    /// # Errors
    /// As [`Certificates::load`]; the certificate in use stays. A pair of files that was refused is not read
    /// again until one of them changes.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let files = Files::read(&self.chain_file, &self.key_file)?;
        let digest = files.digest();
        if std::mem::replace(&mut *self.seen.lock(), digest.clone()) == digest {
            return Ok(false);
        }
        *self.current.write() = Arc::new(files.certified_key(&self.chain_file, &self.key_file)?);
        Ok(true)
    }

    /// The certificate of the moment.
    pub(super) fn current_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read())
    }

    /// Makes TLS connections with the certificate of the moment.
    pub(super) fn acceptor(self: Arc<Self>) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions")
            .with_no_client_auth()
            .with_cert_resolver(self);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current_key())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("chain_file", &self.chain_file).finish_non_exhaustive()
    }
}

impl Files {
    fn read(chain_file: &Path, key_file: &Path) -> Result<Self, CertificateError> {
        Ok(Files { chain: read(chain_file)?, key: read(key_file)? })
    }

    fn digest(&self) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        context.update(&self.chain.len().to_be_bytes());
        context.update(&self.chain);
        context.update(&self.key);
        context.finish().as_ref().to_vec()
    }

    fn certified_key(&self, chain_file: &Path, key_file: &Path) -> Result<CertifiedKey, CertificateError> {
        let of = |file: &Path, reason: String| CertificateError { file: file.to_owned(), reason };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| of(chain_file, format!("is not a PEM certificate: {error}")))?;
        if chain.is_empty() {
            return Err(of(chain_file, "holds no PEM certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| of(key_file, format!("holds no PEM private key: {error}")))?;
        // Also compares the key with the certificate, as both files are rarely replaced in one moment.
        CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|error| of(key_file, format!("does not go with {}: {error}", chain_file.display())))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(file).map_err(|error: io::Error| CertificateError {
        file: file.to_owned(),
        reason: format!("cannot be read: {error}"),
    })
}

/// Looks at the files again and again until the process ends.
pub(super) async fn watch(certificates: Arc<Certificates>, every: Duration, shutdown: Shutdown) {
    let mut complaint = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.triggered() => return,
        }
        let looked_at = Arc::clone(&certificates);
        let outcome = tokio::task::spawn_blocking(move || looked_at.reload())
            .await
            .expect("reading certificate files does not panic");
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                complaint.clear();
                tracing::info!(file = %certificates.chain_file.display(), "took over the new certificate");
            }
            Err(error) => {
                let text = error.to_string();
                if text != complaint {
                    tracing::error!(error = text, "the new certificate cannot be used; the old one stays");
                    complaint = text;
                }
            }
        }
    }
}
