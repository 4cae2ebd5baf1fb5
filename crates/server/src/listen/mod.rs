//! Listeners: sockets, TLS, limits against clients that hold connections, and an end that loses no request.
//!
//! Every listener of the process (HTTP, HTTPS, metrics) is an [`Endpoint`]; [`serve`] runs them together until a
//! [`Shutdown`] is triggered. Then it ends in two steps, whose lengths [`Ending`] says. For the time of the notice
//! everything goes on, so that load balancers can notice that the server is about to go; only that each answer is the
//! last of its connection. After it no connection is accepted any more, idle ones are closed, running requests finish,
//! and what still runs when the time is up is cut.
//!
//! ```text
//! let http = Listener::bind("http", config.listen).await?;
//! let shutdown = Shutdown::new();
//! shutdown.trigger_on_signals()?;
//! serve(vec![Endpoint { listener: http, tls: None, app }], Limits::default(), config.ending, &shutdown).await;
//! ```

mod body;
mod client_ip;
mod guarded;
mod shutdown;
mod tls;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use self::body::{Arriving, Leaving};
use self::guarded::{Activity, Guarded};

pub use self::body::BodyTimedOut;
pub use self::client_ip::{client_ip, rate_limit_key};
pub use self::shutdown::Shutdown;
pub use self::tls::{CertificateError, Certificates};

/// A bound socket.
pub struct Listener {
    name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
}

/// A listener and what it serves.
pub struct Endpoint {
    /// The socket.
    pub listener: Listener,
    /// Certificate to serve HTTPS with; plain HTTP when absent.
    pub tls: Option<Arc<Certificates>>,
    /// What answers; it finds a [`Connection`] among the extensions of each request.
    pub app: Router,
}

/// The connection a request came over: an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end of the socket, which may be a proxy; see [`client_ip`].
    pub peer: SocketAddr,
    /// Whether this server decrypted it.
    pub is_tls: bool,
}

/// Bounds on what one client may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections per endpoint; further ones wait in the queue of the system.
    pub connections_max: usize,
    /// Size of request line and headers together, bytes; more is answered with status 431.
    pub header_bytes_max: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for request line and headers to arrive in full, and for the first request of a connection to begin.
    pub header_read: Duration,
    /// Time for a body to arrive in full, from the first moment the server waits for it.
    pub body_read: Duration,
    /// Time a client may take nothing of an answer.
    pub write_stall: Duration,
    /// Time an open connection may wait for its next request. Longer than the 60 seconds that common proxies
    /// keep connections, so that it is the proxy that closes and never a request that meets a closing socket.
    pub idle: Duration,
    /// How often certificate files are looked at.
    pub certificate_poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 10_000,
            header_bytes_max: 32 * 1024,
            handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(10),
            body_read: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            certificate_poll: Duration::from_secs(10),
        }
    }
}

/// The time that clients get when the server is asked to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// How long connections are still accepted and answered, each answer being the last of its connection.
    pub notice: Duration,
    /// How long running requests may then take to finish.
    pub drain: Duration,
}

/// How long a connection that was accepted last may take to say what it wants.
const FIRST_REQUEST_WAIT: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because their request had not finished in time.
    pub cut: usize,
}

impl Listener {
    /// Binds a socket. `name` says in logs what it is for: `http`, `https`, `metrics`.
    ///
    /// # Errors
    /// When the address is taken or not of this machine; the text names the address.
    pub async fn bind(name: &'static str, address: SocketAddr) -> io::Result<Self> {
        let told =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
        let socket = TcpListener::bind(address).await.map_err(told)?;
        let address = socket.local_addr()?;
        Ok(Listener { name, socket, address })
    }

    /// Where it listens, with the port that the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// How far the end of the server has come, for its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Answer requests.
    Serving,
    /// Finish the running request, then close.
    Draining,
    /// Close now.
    Closed,
}

/// Serves all endpoints until `shutdown` is triggered, then ends them as `ending` says.
pub async fn serve(endpoints: Vec<Endpoint>, limits: Limits, ending: Ending, shutdown: &Shutdown) -> Drained {
    let is_leaving = Arc::new(AtomicBool::new(false));
    // Each connection holds a receiver: the channel is closed when the last of them has ended.
    let (phase, connections) = watch::channel(Phase::Serving);
    let mut loops = JoinSet::new();
    for Endpoint { listener, tls, app } in endpoints {
        if let Some(certificates) = &tls {
            loops.spawn(tls::watch(Arc::clone(certificates), limits.certificate_poll, shutdown.clone()));
        }
        tracing::info!(listener = listener.name, address = %listener.address, tls = tls.is_some(), "listening");
        let tls = tls.map(|certificates| certificates.acceptor());
        let server = Arc::new(Server { app, tls, limits, is_leaving: Arc::clone(&is_leaving) });
        loops.spawn(accept(listener, server, connections.clone()));
    }
    drop(connections);
    shutdown.triggered().await;
    is_leaving.store(true, Ordering::Relaxed);
    tokio::select! {
        () = tokio::time::sleep(ending.notice) => {}
        () = shutdown.forced() => {}
    }

    phase.send_replace(Phase::Draining);
    while let Some(ended) = loops.join_next().await {
        ended.expect("accept and watch loops do not panic");
    }
    tokio::select! {
        () = phase.closed() => {}
        () = tokio::time::sleep(ending.drain) => {}
        () = shutdown.forced() => {}
    }
    let cut = phase.receiver_count();
    phase.send_replace(Phase::Closed);
    phase.closed().await;
    Drained { cut }
}

/// What the connections of one endpoint share.
struct Server {
    app: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    /// Whether each answer is the last of its connection.
    is_leaving: Arc<AtomicBool>,
}

async fn accept(listener: Listener, server: Arc<Server>, mut connections: watch::Receiver<Phase>) {
    let places = Arc::new(Semaphore::new(server.limits.connections_max));
    loop {
        // Taken before accepting: beyond the limit clients wait in the queue of the system.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.socket.accept().await)
        };
        let accepted = tokio::select! {
            biased;
            _ = connections.wait_for(|phase| *phase != Phase::Serving) => None,
            accepted = accepted => Some(accepted),
        };
        let Some((place, accepted)) = accepted else {
            return accept_waiting(listener, &places, &server, &connections);
        };
        match accepted {
            Ok((socket, peer)) => {
                tokio::spawn(connection(socket, peer, Arc::clone(&server), connections.clone(), place));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // Most likely no file descriptor is left: wait for connections to end instead of spinning.
                tracing::error!(listener = listener.name, %error, "cannot accept connections");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Accepts those that wait in the queue of the system, who would be cut off when the socket closes, and closes it.
fn accept_waiting(
    listener: Listener,
    places: &Arc<Semaphore>,
    server: &Arc<Server>,
    connections: &watch::Receiver<Phase>,
) {
    let Ok(socket) = listener.socket.into_std() else { return };
    while let Ok(place) = Arc::clone(places).try_acquire_owned()
        && let Ok((stream, peer)) = socket.accept()
    {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        match stream {
            Ok(stream) => {
                tokio::spawn(connection(stream, peer, Arc::clone(server), connections.clone(), place));
            }
            Err(error) => tracing::debug!(%error, "a waiting connection could not be taken"),
        }
    }
}

/// Whether accepting failed because the one client went away.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    server: Arc<Server>,
    mut phase: watch::Receiver<Phase>,
    _place: OwnedSemaphorePermit,
) {
    // Answers are written whole; waiting to fill packets would only delay them. A failure means the client has
    // gone, which reading will notice.
    let _ = socket.set_nodelay(true);
    let Some(tls) = &server.tls else {
        return requests(socket, Connection { peer, is_tls: false }, &server, phase).await;
    };
    let handshake = tokio::time::timeout(server.limits.handshake, tls.accept(socket));
    let stream = tokio::select! {
        result = handshake => result,
        () = async {
            let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
            tokio::time::sleep(FIRST_REQUEST_WAIT).await;
        } => return,
    };
    match stream {
        Ok(Ok(stream)) => requests(stream, Connection { peer, is_tls: true }, &server, phase).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// Answers the requests of one connection until either side closes it.
async fn requests<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    connection: Connection,
    server: &Server,
    mut phase: watch::Receiver<Phase>,
) {
    let activity = Activity::new();
    let stream = Guarded::new(stream, Arc::clone(&activity), &server.limits);
    let body_read = server.limits.body_read;
    let service = service_fn(|request: Request<Incoming>| {
        let in_service = activity.begin();
        let mut request = request.map(|body| axum::body::Body::new(Arriving::new(body, body_read)));
        request.extensions_mut().insert(connection);
        let answer = server.app.clone().call(request);
        async move {
            let mut response = answer.await?.map(|body| Leaving::new(body, in_service));
            if server.is_leaving.load(Ordering::Relaxed) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let http = http1::Builder::new()
        .header_read_timeout(None) // `Guarded` keeps the time, apart for headers and for idle connections
        .max_header_size(server.limits.header_bytes_max)
        .max_buf_size(2 * server.limits.header_bytes_max.max(8192))
        .serve_connection(TokioIo::new(stream), service);
    let mut http = std::pin::pin!(http);
    let mut draining = false;
    let mut first_request = std::pin::pin!(None::<tokio::time::Sleep>);
    let ended = loop {
        tokio::select! {
            biased;
            ended = http.as_mut() => break ended,
            () = async { first_request.as_mut().as_pin_mut().expect("it is awaited only when there").await },
                if first_request.is_some() =>
            {
                first_request.set(None);
                http.as_mut().graceful_shutdown();
            }
            phase = phase.wait_for(|phase| *phase == Phase::Closed || (*phase == Phase::Draining && !draining)) => {
                match phase.as_deref() {
                    Ok(Phase::Draining) => {
                        draining = true;
                        if activity.has_begun() {
                            http.as_mut().graceful_shutdown();
                        } else {
                            // Its request may be on the way, and its client cannot know that nobody waits for it.
                            first_request.set(Some(tokio::time::sleep(FIRST_REQUEST_WAIT)));
                        }
                    }
                    _ => return,
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
