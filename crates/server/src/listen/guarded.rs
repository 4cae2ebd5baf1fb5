//! A stream that ends when its client holds it without using it.
//!
//! Three waits are bounded, each with its own time: for the rest of a request head that has begun, for the next
//! request of an open connection, and for a client to take an answer. While a request is being answered reading
//! is not bounded here; its body keeps its own time ([`super::body`]).
//!
//! The time is kept cheaply: one timer a connection and direction, made at the first wait, and moved only when it
//! goes off or must go off earlier. Requests that follow each other on a connection move none.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;

/// Whether a connection is answering a request; told by the service, read by the stream. Both live in the task
/// of the connection, so that relaxed order is enough.
pub(super) struct Activity {
    is_serving: AtomicBool,
    /// Requests begun so far.
    begun: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Activity { is_serving: AtomicBool::new(false), begun: AtomicU64::new(0) })
    }

    /// Says that a request has arrived; it is answered when the value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InService {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.is_serving.store(true, Ordering::Relaxed);
        InService(Arc::clone(self))
    }

    /// Whether any request has arrived so far.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }
}

/// A request that is being answered.
pub(super) struct InService(Arc<Activity>);

impl Drop for InService {
    fn drop(&mut self) {
        self.0.is_serving.store(false, Ordering::Relaxed);
    }
}

/// A stream with bounded waits.
pub(super) struct Guarded<T> {
    stream: T,
    activity: Arc<Activity>,
    header_read: Duration,
    idle: Duration,
    write_stall: Duration,
    /// The request that is awaited, counted from 0.
    awaited: u64,
    /// Whether any of its bytes have been read.
    has_begun: bool,
    read_wait: Wait,
    write_wait: Wait,
}

/// A wait that began at a moment and may last for a time.
#[derive(Default)]
struct Wait {
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    /// Ready when the wait has lasted for `limit`. Otherwise the task is woken when it has.
    fn poll_over(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let deadline = *self.since.get_or_insert_with(Instant::now) + limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            // It went off for an earlier wait of the same stream.
            timer.as_mut().reset(deadline);
        }
    }

    fn end(&mut self) {
        self.since = None;
    }
}

impl<T> Guarded<T> {
    pub(super) fn new(stream: T, activity: Arc<Activity>, limits: &Limits) -> Self {
        Guarded {
            stream,
            activity,
            header_read: limits.header_read,
            idle: limits.idle,
            write_stall: limits.write_stall,
            awaited: 0,
            has_begun: false,
            read_wait: Wait::default(),
            write_wait: Wait::default(),
        }
    }

    /// Bounds a write that gets nowhere.
    fn watch_write<R>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.write_wait.end();
            return result;
        }
        match self.write_wait.poll_over(cx, self.write_stall) {
            Poll::Ready(()) => Poll::Ready(Err(timed_out("the client takes nothing of its answer"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = Pin::new(&mut this.stream).poll_read(cx, buf);
        if this.activity.is_serving.load(Ordering::Relaxed) {
            return result;
        }
        let begun = this.activity.begun.load(Ordering::Relaxed);
        if begun != this.awaited {
            this.awaited = begun;
            this.has_begun = false;
            this.read_wait.end();
        }
        if result.is_ready() {
            if !this.has_begun {
                this.has_begun = true;
                this.read_wait.end();
            }
            return result;
        }
        let is_first = this.awaited == 0;
        let limit = if this.has_begun || is_first { this.header_read } else { this.idle };
        match this.read_wait.poll_over(cx, limit) {
            Poll::Ready(()) => Poll::Ready(Err(timed_out("no request arrived in time"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch_write(cx, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch_write(cx, result)
    }
}

fn timed_out(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, reason)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const LIMITS: Limits = Limits {
        connections_max: 1,
        header_bytes_max: 8192,
        handshake: Duration::from_secs(10),
        header_read: Duration::from_secs(10),
        body_read: Duration::from_secs(30),
        write_stall: Duration::from_secs(20),
        idle: Duration::from_secs(75),
        certificate_poll: Duration::from_secs(10),
    };

    fn pair() -> (Guarded<DuplexStream>, Arc<Activity>, DuplexStream) {
        let (near, far) = duplex(16);
        let activity = Activity::new();
        (Guarded::new(near, Arc::clone(&activity), &LIMITS), activity, far)
    }

    /// Lets bytes arrive and be read.
    async fn arrive(far: &mut DuplexStream, stream: &mut Guarded<DuplexStream>, bytes: &[u8]) {
        far.write_all(bytes).await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), bytes.len());
    }

    /// Seconds until reading fails, while nothing arrives.
    async fn seconds_until_closed(stream: &mut Guarded<DuplexStream>) -> u64 {
        let start = Instant::now();
        let error = stream.read(&mut [0; 16]).await.expect_err("nothing arrives");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_never_speaks_is_closed_after_the_header_time() {
        let (mut stream, _, _far) = pair();
        assert_eq!(seconds_until_closed(&mut stream).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn head_that_drips_is_closed_although_bytes_keep_coming() {
        let (mut stream, _, mut far) = pair();
        let drip = tokio::spawn(async move {
            while far.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        let start = Instant::now();
        let error = loop {
            if let Err(error) = stream.read(&mut [0; 16]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 10);
        drop(stream);
        drip.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn open_connection_may_rest_longer_between_requests() {
        let (mut stream, activity, mut far) = pair();
        for _ in 0..3 {
            arrive(&mut far, &mut stream, b"head").await;
            drop(activity.begin());
            let rest = timeout(Duration::from_secs(70), stream.read(&mut [0; 16])).await;
            assert!(rest.is_err(), "still open");
        }
        // 70 of its 75 seconds have passed.
        assert_eq!(seconds_until_closed(&mut stream).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn head_after_a_rest_has_its_own_shorter_time() {
        let (mut stream, activity, mut far) = pair();
        arrive(&mut far, &mut stream, b"head").await;
        drop(activity.begin());
        assert!(timeout(Duration::from_secs(60), stream.read(&mut [0; 16])).await.is_err());
        arrive(&mut far, &mut stream, b"he").await;
        assert_eq!(seconds_until_closed(&mut stream).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn request_that_takes_long_to_answer_is_left_alone() {
        let (mut stream, activity, mut far) = pair();
        arrive(&mut far, &mut stream, b"head").await;
        let in_service = activity.begin();
        assert!(timeout(Duration::from_secs(1000), stream.read(&mut [0; 16])).await.is_err());
        drop(in_service);
        assert_eq!(seconds_until_closed(&mut stream).await, 75);
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_takes_nothing_is_closed_and_a_slow_one_is_not() {
        let (mut stream, _, mut far) = pair();
        stream.write_all(&[0; 16]).await.unwrap();
        let reader = tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(15)).await;
                far.read_exact(&mut [0; 8]).await.unwrap();
            }
            far
        });
        stream.write_all(&[0; 40]).await.expect("progress every 15 seconds");
        let _far = reader.await.unwrap();
        let start = Instant::now();
        let error = stream.write_all(&[0; 40]).await.unwrap_err();
        assert_eq!((error.kind(), start.elapsed().as_secs()), (io::ErrorKind::TimedOut, 20));
    }
}
