use std::fs;
use std::path::Path;

use axum::Extension;
use axum::body::to_bytes;
use axum::routing::{get, post};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;

/// A served application.
struct Served {
    address: SocketAddr,
    shutdown: Shutdown,
    ended: JoinHandle<Drained>,
}

async fn start(app: Router, tls: Option<Arc<Certificates>>, limits: Limits, drain: Duration) -> Served {
    start_ending(app, tls, limits, Ending { drain, ..Ending::default() }).await
}

async fn start_ending(app: Router, tls: Option<Arc<Certificates>>, limits: Limits, ending: Ending) -> Served {
    let listener = Listener::bind("test", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.address();
    let shutdown = Shutdown::new();
    let told = shutdown.clone();
    let ended =
        tokio::spawn(
            async move { serve(vec![Endpoint { listener, tls, app }], limits, ending, &told).await },
        );
    Served { address, shutdown, ended }
}

async fn start_plain(app: Router) -> Served {
    start(app, None, Limits::default(), Duration::from_secs(30)).await
}

impl Served {
    /// Sends bytes over a new connection.
    async fn send(&self, bytes: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(bytes.as_bytes()).await.unwrap();
        socket
    }

    async fn end(self) -> Drained {
        self.shutdown.trigger();
        self.ended.await.unwrap()
    }
}

/// Everything that arrives until the other side closes.
async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // A reset counts as an end: what was read before it stays.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Reads until a text has arrived.
async fn until(stream: &mut (impl AsyncRead + Unpin), text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(count > 0, "ended after {seen:?}");
        seen.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    seen
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// An application whose one answer waits: `(app, request has arrived, let it answer)`.
fn gated() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (arrived, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&arrived), Arc::clone(&gate));
    let handler = async move || {
        tell.notify_one();
        wait.notified().await;
        "finished"
    };
    (Router::new().route("/", get(handler)), arrived, gate)
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn draining_lets_a_running_request_finish_and_then_closes() {
    let (app, arrived, gate) = gated();
    let served = start_plain(app).await;
    let socket = served.send(GET).await;
    arrived.notified().await;
    served.shutdown.trigger();
    // The listener is gone while the request still runs.
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!served.ended.is_finished());
    gate.notify_one();
    let answer = rest(socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("finished"), "{answer}");
    assert_eq!(served.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn during_the_notice_everyone_is_served_and_sent_away() {
    let notice = Duration::from_secs(3600);
    let ending = Ending { notice, ..Ending::default() };
    let served = start_ending(hello(), None, Limits::default(), ending).await;
    let mut open = served.send(GET).await;
    until(&mut open, "hello").await;
    served.shutdown.trigger();
    // The answer to an open connection and the one to a new connection are their last.
    open.write_all(GET.as_bytes()).await.unwrap();
    let last = rest(open).await;
    assert!(last.contains("connection: close\r\n") && last.ends_with("hello"), "{last}");
    let last = rest(served.send(GET).await).await;
    assert!(last.contains("connection: close\r\n") && last.ends_with("hello"), "{last}");
    served.shutdown.force();
    assert_eq!(served.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_connection_made_at_the_last_moment_is_answered() {
    let served = start_plain(hello()).await;
    let mut socket = TcpStream::connect(served.address).await.unwrap();
    served.shutdown.trigger();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    socket.write_all(GET.as_bytes()).await.unwrap();
    let answer = rest(socket).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    assert_eq!(served.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn draining_is_bounded_and_says_what_it_cut() {
    let (app, arrived, _gate) = gated();
    let served = start(app, None, Limits::default(), Duration::from_millis(20)).await;
    let socket = served.send(GET).await;
    arrived.notified().await;
    assert_eq!(served.end().await, Drained { cut: 1 });
    assert_eq!(rest(socket).await, "");
}

#[tokio::test]
async fn forced_end_does_not_wait() {
    let (app, arrived, _gate) = gated();
    let served = start(app, None, Limits::default(), Duration::from_secs(3600)).await;
    let _socket = served.send(GET).await;
    arrived.notified().await;
    served.shutdown.force();
    assert_eq!(served.end().await, Drained { cut: 1 });
}

#[tokio::test]
async fn draining_closes_idle_connections_and_unfinished_handshakes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (certificates, _) = write_certificate(folder.path());
    let served = start_plain(hello()).await;
    let mut idle = served.send(GET).await;
    until(&mut idle, "hello").await;
    assert_eq!(served.end().await, Drained { cut: 0 });
    assert_eq!(rest(idle).await, "");

    let certificates = certificates.unwrap();
    let served = start(hello(), Some(certificates), Limits::default(), Duration::from_secs(3600)).await;
    let _silent = TcpStream::connect(served.address).await.unwrap();
    assert_eq!(served.end().await, Drained { cut: 0 });
}

#[tokio::test]
async fn several_endpoints_are_served_and_ended_together() {
    let shutdown = Shutdown::new();
    let mut endpoints = Vec::new();
    let mut addresses = Vec::new();
    for answer in ["one", "two"] {
        let listener = Listener::bind("test", "127.0.0.1:0".parse().unwrap()).await.unwrap();
        addresses.push((listener.address(), answer));
        endpoints.push(Endpoint {
            listener,
            tls: None,
            app: Router::new().route("/", get(move || async move { answer })),
        });
    }
    let told = shutdown.clone();
    let ended =
        tokio::spawn(async move { serve(endpoints, Limits::default(), Ending::default(), &told).await });
    for (address, answer) in addresses {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(GET.as_bytes()).await.unwrap();
        until(&mut socket, answer).await;
    }
    shutdown.trigger();
    ended.await.unwrap();
}

#[tokio::test]
async fn handlers_find_the_connection_of_a_request() {
    let app = Router::new().route(
        "/",
        get(|Extension(connection): Extension<Connection>| async move { format!("{connection:?}") }),
    );
    let served = start_plain(app).await;
    let mut socket = served.send(GET).await;
    let expected = Connection { peer: socket.local_addr().unwrap(), is_tls: false };
    until(&mut socket, &format!("{expected:?}")).await;
}

#[tokio::test]
async fn oversized_heads_are_refused_and_large_ones_are_not() {
    let served = start_plain(hello()).await;
    for (size, status) in [(16 * 1024, "200"), (40 * 1024, "431"), (4 << 20, "431")] {
        let request =
            format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-big: {}\r\n\r\n", "a".repeat(size));
        let mut socket = TcpStream::connect(served.address).await.unwrap();
        let (mut reader, mut writer) = socket.split();
        let (_, answer) = tokio::join!(writer.write_all(request.as_bytes()), rest(&mut reader));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{size}: {answer}");
    }
    let many =
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_owned() + &"a: b\r\n".repeat(200) + "\r\n";
    let answer = rest(served.send(&many).await).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn body_that_does_not_arrive_is_an_error_of_its_own_kind() {
    let app = Router::new().route(
        "/",
        post(|body: axum::body::Body| async {
            let error = to_bytes(body, 1024).await.expect_err("half of it is missing");
            let mut source: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = source {
                if error.is::<BodyTimedOut>() {
                    return "timed out";
                }
                source = error.source();
            }
            "something else"
        }),
    );
    let limits = Limits { body_read: Duration::from_millis(20), ..Limits::default() };
    let served = start(app, None, limits, Duration::ZERO).await;
    let request = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf";
    assert!(rest(served.send(request).await).await.ends_with("timed out"));
}

#[tokio::test]
async fn connections_that_do_not_speak_are_closed() {
    let limits = Limits { header_read: Duration::from_millis(20), ..Limits::default() };
    let served = start(hello(), None, limits, Duration::ZERO).await;
    assert_eq!(rest(served.send("").await).await, "");
    assert_eq!(rest(served.send("GET / HTTP/1.1\r\nhost:").await).await, "");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let served = start(hello(), None, limits, Duration::ZERO).await;
    let mut first = served.send(GET).await;
    until(&mut first, "hello").await;
    let mut second = served.send(GET).await;
    let waited = tokio::time::timeout(Duration::from_millis(50), second.read(&mut [0; 1])).await;
    assert!(waited.is_err(), "no place is free");
    drop(first);
    until(&mut second, "hello").await;
}

/// Writes a new self-signed certificate and its key, and gives them loaded, with the certificate.
fn write_certificate(folder: &Path) -> (Result<Arc<Certificates>, CertificateError>, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    (Certificates::load(folder.join("chain.pem"), folder.join("key.pem")), made.cert.pem())
}

/// Speaks TLS to a server that must have exactly the given certificate.
async fn handshake(
    address: SocketAddr,
    certificate: &str,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

#[tokio::test]
async fn replaced_certificate_is_used_by_the_next_handshake_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (certificates, first) = write_certificate(folder.path());
    let limits = Limits { certificate_poll: Duration::from_millis(5), ..Limits::default() };
    let served = start(hello(), Some(certificates.unwrap()), limits, Duration::ZERO).await;
    let mut open = handshake(served.address, &first).await.unwrap();

    let (_, second) = write_certificate(folder.path());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while handshake(served.address, &second).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is never used");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(handshake(served.address, &first).await.is_err(), "the old one is gone");
    open.write_all(GET.as_bytes()).await.unwrap();
    until(&mut open, "hello").await;
    served.end().await;
}

#[test]
fn bad_replacement_keeps_the_certificate_and_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let (certificates, first) = write_certificate(folder.path());
    let certificates = certificates.unwrap();
    let in_use = certificates.current_key();
    assert!(!certificates.reload().unwrap(), "nothing has changed");

    let other = tempfile::tempdir().unwrap();
    write_certificate(other.path()).0.unwrap();
    for (file, content, reason) in [
        ("key.pem", fs::read_to_string(other.path().join("key.pem")).unwrap(), "does not go with"),
        ("key.pem", "no key".to_owned(), "holds no PEM private key"),
        ("chain.pem", String::new(), "holds no PEM certificate"),
        ("chain.pem", first.replace("MI", "!!"), "is not a PEM certificate"),
    ] {
        fs::write(folder.path().join(file), content).unwrap();
        let error = certificates.reload().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(!certificates.reload().unwrap(), "the same files are not judged twice");
        assert!(Arc::ptr_eq(&in_use, &certificates.current_key()));
    }
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    assert!(certificates.reload().unwrap_err().to_string().contains("key.pem: cannot be read"));

    write_certificate(folder.path()).0.unwrap();
    assert!(certificates.reload().unwrap());
    assert!(!Arc::ptr_eq(&in_use, &certificates.current_key()));
}

#[tokio::test]
async fn plain_request_to_the_tls_port_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = write_certificate(folder.path()).0.unwrap();
    let served = start(hello(), Some(certificates), Limits::default(), Duration::ZERO).await;
    assert!(!rest_lossy(served.send(GET).await).await.contains("HTTP"));
}

/// As [`rest`], for answers that are no text (a TLS alert).
async fn rest_lossy(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn taken_address_is_named() {
    let first = Listener::bind("http", "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let Err(error) = Listener::bind("http", first.address()).await else { panic!("the address is taken") };
    assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", first.address())), "{error}");
}
