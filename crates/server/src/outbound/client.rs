//! The one HTTP client of the server.
//!
//! Made for few requests to addresses that others configured, so it is small and strict: each request resolves its
//! host once, connects to one of the addresses found (so that no second resolution can give another one), speaks
//! HTTP/1.1 over that connection and closes it. Redirects are answers like any other; nothing follows them.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::network_guard::is_permitted;
use crate::config::Cidr;

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Time to connect to one address.
    pub connect: Duration,
    /// Time for everything from resolving the host to the end of the answer.
    pub total: Duration,
    /// Size of the answer's body, bytes.
    pub response_bytes_max: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            response_bytes_max: 1 << 20,
        }
    }
}

/// Size of the answer's head, bytes.
const RESPONSE_HEAD_BYTES_MAX: usize = 32 * 1024;

/// A request.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// Method.
    pub method: Method,
    /// Where to; `https://`, or `http://` into an allowed network.
    pub url: Url,
    /// Headers; `Host`, `Connection` and `User-Agent` are set by the client.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// Why there is no answer. The texts carry no address and nothing that the other side wrote.
#[derive(Debug)]
pub enum HttpError {
    /// The address must not be asked.
    Refused(&'static str),
    /// The host is not known.
    Unresolved(io::Error),
    /// No connection.
    Unreachable(io::Error),
    /// No TLS connection: most often a certificate that is not trusted.
    Tls(io::Error),
    /// Connected, but what came back is no HTTP answer.
    Protocol(hyper::Error),
    /// The answer has this status, and a body over the limit.
    TooLarge(StatusCode),
    /// Everything took too long.
    TimedOut,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Refused(reason) => f.write_str(reason),
            HttpError::Unresolved(_) => f.write_str("the host name cannot be resolved"),
            HttpError::Unreachable(error) => write!(f, "no connection: {}", error.kind()),
            HttpError::Tls(_) => f.write_str("no TLS connection; is the certificate valid and trusted?"),
            HttpError::Protocol(_) => f.write_str("the connection ended without a complete answer"),
            HttpError::TooLarge(status) => {
                write!(f, "the answer with status {} is too large", status.as_u16())
            }
            HttpError::TimedOut => f.write_str("the answer took too long"),
        }
    }
}

impl StdError for HttpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            HttpError::Unresolved(error) | HttpError::Unreachable(error) | HttpError::Tls(error) => {
                Some(error)
            }
            HttpError::Protocol(error) => Some(error),
            HttpError::Refused(_) | HttpError::TooLarge(_) | HttpError::TimedOut => None,
        }
    }
}

type Resolution = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Sends requests to public addresses and allowed networks. Made by [`http_client`].
pub struct HttpClient {
    limits: HttpLimits,
    allowed: Vec<Cidr>,
    resolve: Box<dyn Fn(String, u16) -> Resolution + Send + Sync>,
    /// Made at the first TLS request: reading the certificates of the system takes a while.
    tls: OnceLock<TlsConnector>,
}

/// The only way to an HTTP client. `allowed` are the networks that are reached although they are not public.
pub fn http_client(limits: HttpLimits, allowed: Vec<Cidr>) -> HttpClient {
    HttpClient {
        limits,
        allowed,
        resolve: Box::new(|host, port| {
            Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
        }),
        tls: OnceLock::new(),
    }
}

/// Where a request goes, read from its URL.
struct Target {
    host: Host<String>,
    port: u16,
    is_tls: bool,
}

impl HttpClient {
    /// Sends a request and reads the whole answer, of whatever status.
    ///
    /// # Errors
    /// When there is no answer, or one that is too large.
    pub async fn send(&self, request: HttpRequest) -> Result<Response<Bytes>, HttpError> {
        timeout(self.limits.total, self.exchange(request)).await.unwrap_or(Err(HttpError::TimedOut))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<Response<Bytes>, HttpError> {
        let target = Target::of(&request.url)?;
        let socket = self.connect(&target).await?;
        if !target.is_tls {
            return self.speak(socket, request).await;
        }
        let name = match &target.host {
            Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
                .map_err(|_| HttpError::Refused("the host name is not one of the Internet"))?,
            Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
        };
        let tls = self.tls.get_or_init(|| tls_connector(system_roots()));
        let stream = tls.connect(name, socket).await.map_err(HttpError::Tls)?;
        self.speak(stream, request).await
    }

    /// Connects to the first address of the host that may be reached and answers.
    async fn connect(&self, target: &Target) -> Result<TcpStream, HttpError> {
        let found = match &target.host {
            Host::Ipv4(ip) => vec![SocketAddr::new(IpAddr::V4(*ip), target.port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(IpAddr::V6(*ip), target.port)],
            Host::Domain(name) => {
                (self.resolve)(name.clone(), target.port).await.map_err(HttpError::Unresolved)?
            }
        };
        let mut failure = HttpError::Refused(if target.is_tls {
            "the address is not public"
        } else {
            "http:// is allowed into allowed networks only"
        });
        for address in found.into_iter().filter(|a| is_permitted(a.ip(), target.is_tls, &self.allowed)) {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => failure = HttpError::Unreachable(error),
                Err(_) => failure = HttpError::Unreachable(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(failure)
    }

    async fn speak<T>(&self, stream: T, request: HttpRequest) -> Result<Response<Bytes>, HttpError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let request = on_the_wire(request)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(RESPONSE_HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(HttpError::Protocol)?;
        let answer = async {
            let (head, body) = sender.send_request(request).await.map_err(HttpError::Protocol)?.into_parts();
            let body =
                Limited::new(body, self.limits.response_bytes_max).collect().await.map_err(|error| {
                    match error.downcast::<hyper::Error>() {
                        Ok(error) => HttpError::Protocol(*error),
                        Err(error) => {
                            debug_assert!(
                                error.is::<LengthLimitError>(),
                                "the only other error of a limited body"
                            );
                            HttpError::TooLarge(head.status)
                        }
                    }
                })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let (mut answer, mut connection) = (std::pin::pin!(answer), std::pin::pin!(connection));
        tokio::select! {
            biased;
            answer = answer.as_mut() => answer,
            // The connection has ended and has passed on all that it had read.
            _ = connection.as_mut() => answer.await,
        }
    }
}

impl Target {
    fn of(url: &Url) -> Result<Self, HttpError> {
        let is_tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(HttpError::Refused("the address is neither https:// nor http://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::Refused("the address holds a user or password"));
        }
        let host = url.host().ok_or(HttpError::Refused("the address names no host"))?.to_owned();
        let port = url.port_or_known_default().ok_or(HttpError::Refused("the address names no port"))?;
        Ok(Target { host, port, is_tls })
    }
}

/// The request as it is written: origin form, and the headers that are the client's business.
fn on_the_wire(request: HttpRequest) -> Result<Request<Full<Bytes>>, HttpError> {
    const WRONG: HttpError = HttpError::Refused("the address cannot be written as a request");
    let HttpRequest { method, url, headers, body } = request;
    let mut wire = Request::new(Full::new(body));
    *wire.method_mut() = method;
    *wire.uri_mut() = url[url::Position::BeforePath..url::Position::AfterQuery].parse().map_err(|_| WRONG)?;
    *wire.headers_mut() = headers;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    wire.headers_mut().insert(HOST, HeaderValue::from_str(host).map_err(|_| WRONG)?);
    wire.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let agent = HeaderValue::from_static(concat!("ostiary/", env!("CARGO_PKG_VERSION")));
    wire.headers_mut().insert(USER_AGENT, agent);
    Ok(wire)
}

/// The certificate authorities that the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` are respected).
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!("the system has no certificate authorities; outgoing https requests will fail");
    }
    roots
}

fn tls_connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
#[path = "client_tests.rs"]
pub(super) mod tests;
