use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::*;

const LIMITS: HttpLimits = HttpLimits {
    connect: Duration::from_millis(200),
    total: Duration::from_secs(10),
    response_bytes_max: 4096,
};

/// A client that may reach this machine.
pub(in crate::outbound) fn loopback_client(total: Duration) -> HttpClient {
    http_client(HttpLimits { total, ..LIMITS }, vec!["127.0.0.0/8".parse().unwrap()])
}

/// A server that reads one request whole, gives an answer and closes.
pub(in crate::outbound) async fn answering(answer: &str) -> (SocketAddr, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, received) = oneshot::channel();
    let answer = answer.to_owned();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = tell.send(read_request(&mut socket).await);
        let _ = socket.write_all(answer.as_bytes()).await;
        let _ = socket.shutdown().await;
    });
    (address, received)
}

/// A server that accepts and says nothing.
pub(in crate::outbound) async fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    address
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

/// A client whose resolver gives these addresses, with any port, and counts how often it is asked.
fn resolving(addresses: &'static [&'static str], allowed: &[&str]) -> (HttpClient, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut client = http_client(LIMITS, allowed.iter().map(|range| range.parse().unwrap()).collect());
    client.resolve = Box::new(move |_, port| {
        counter.fetch_add(1, Ordering::Relaxed);
        let found = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect();
        Box::pin(async move { Ok(found) })
    });
    (client, asked)
}

#[tokio::test]
async fn whole_answer_is_read() {
    let (address, received) = answering("HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\nhello").await;
    let client = loopback_client(LIMITS.total);
    let response = client.send(get(&format!("http://{address}/a%20b/../c?d=e#f"))).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-a"]),
        (200, &HeaderValue::from_static("b"))
    );
    assert_eq!(response.body(), "hello");
    assert!(received.await.unwrap().starts_with("GET /c?d=e HTTP/1.1\r\n"));
}

#[tokio::test]
async fn answer_that_ends_with_the_connection_is_read() {
    let (address, _) = answering("HTTP/1.1 200 OK\r\n\r\nuntil the end").await;
    let response = loopback_client(LIMITS.total).send(get(&format!("http://{address}/"))).await.unwrap();
    assert_eq!(response.body(), "until the end");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (target, mut reached) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let redirect = format!("HTTP/1.1 307 X\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = answering(&redirect).await;
    let response = loopback_client(LIMITS.total).send(get(&format!("http://{address}/"))).await.unwrap();
    assert_eq!(response.status().as_u16(), 307);
    assert!(reached.try_recv().is_err(), "nobody asked the other server");
}

#[tokio::test]
async fn answer_over_the_limit_is_refused_with_and_without_a_length() {
    let body = "x".repeat(LIMITS.response_bytes_max + 1);
    for head in [
        format!("HTTP/1.1 201 X\r\ncontent-length: {}\r\n\r\n", body.len()),
        "HTTP/1.1 201 X\r\n\r\n".to_owned(),
    ] {
        let (address, _) = answering(&format!("{head}{body}")).await;
        let error = loopback_client(LIMITS.total).send(get(&format!("http://{address}/"))).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge(StatusCode::CREATED)), "{error:?}");
    }
    let (address, _) = answering(&format!("HTTP/1.1 200 X\r\nx-big: {}\r\n\r\n", "x".repeat(100_000))).await;
    let error = loopback_client(LIMITS.total).send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, HttpError::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn answer_that_does_not_come_ends_with_the_time() {
    let client = loopback_client(Duration::from_millis(30));
    let error = client.send(get(&format!("http://{}/", silent().await))).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut), "{error:?}");
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let (address, mut reached) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let client = http_client(LIMITS, Vec::new());
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST.",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00:ec2::254]",
    ] {
        for scheme in ["http", "https"] {
            let error = client.send(get(&format!("{scheme}://{host}:{port}/"))).await.unwrap_err();
            let is_refused = matches!(error, HttpError::Refused(_));
            assert!(
                is_refused || host.starts_with("LOCALHOST") && matches!(error, HttpError::Unresolved(_)),
                "{scheme} {host}: {error:?}"
            );
        }
    }
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn name_that_resolves_to_a_private_address_is_refused() {
    for addresses in [&["127.0.0.1"][..], &["10.0.0.1", "::1"], &["::ffff:192.168.0.1"], &[]] {
        let (client, _) = resolving(Box::leak(addresses.into()), &[]);
        let error = client.send(get("https://public.example.com/")).await.unwrap_err();
        assert!(matches!(error, HttpError::Refused(_)), "{addresses:?}: {error:?}");
    }
}

#[tokio::test]
async fn connection_goes_to_an_address_that_was_judged_and_no_other() {
    let (address, received) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    // 127.0.0.2 is this machine too, but is not allowed; a second resolution could give anything.
    let (client, asked) = resolving(&["127.0.0.2", "127.0.0.1"], &["127.0.0.1/32"]);
    client.send(get(&format!("http://public.example.com:{}/", address.port()))).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(received.await.unwrap().contains(&format!("host: public.example.com:{}\r\n", address.port())));
}

#[tokio::test]
async fn next_address_is_tried_when_the_first_does_not_answer() {
    let (address, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let (client, _) = resolving(&["127.0.0.2", "127.0.0.1"], &["127.0.0.0/8"]);
    client.send(get(&format!("http://public.example.com:{}/", address.port()))).await.unwrap();
}

#[tokio::test]
async fn other_schemes_and_credentials_in_the_address_are_refused() {
    let client = loopback_client(LIMITS.total);
    for url in
        ["ftp://127.0.0.1/", "file:///etc/passwd", "https://ada@example.com/", "https://ada:x@example.com/"]
    {
        let error = client.send(get(url)).await.unwrap_err();
        assert!(matches!(error, HttpError::Refused(_)), "{url}: {error:?}");
    }
}

/// A TLS server for a name, and a client that trusts it and resolves everything to it.
async fn tls_pair(name: &str) -> (HttpClient, u16) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (socket, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(socket).await else { return };
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntls").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let (client, _) = resolving(&["127.0.0.1"], &["127.0.0.1"]);
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    assert!(client.tls.set(tls_connector(roots)).is_ok());
    (client, port)
}

#[tokio::test]
async fn certificate_must_be_that_of_the_host() {
    let (client, port) = tls_pair("hooks.example.com").await;
    let response = client.send(get(&format!("https://hooks.example.com:{port}/"))).await.unwrap();
    assert_eq!(response.body(), "tls");

    let (client, port) = tls_pair("hooks.example.com").await;
    let error = client.send(get(&format!("https://other.example.com:{port}/"))).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls(_)), "{error:?}");
}

#[test]
fn texts_of_errors_repeat_nothing_from_outside() {
    let told = io::Error::other("10.0.0.1:443 said hunter2");
    for error in [
        HttpError::Unresolved(io::Error::other("10.0.0.1:443 said hunter2")),
        HttpError::Unreachable(io::Error::other("10.0.0.1:443 said hunter2")),
        HttpError::Tls(told),
    ] {
        let text = error.to_string();
        assert!(!text.contains("hunter2") && !text.contains("10.0.0.1"), "{text}");
    }
}
