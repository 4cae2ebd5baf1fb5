//! A small closed-loop client: one thread, keep-alive connections, requests that were written beforehand.
//!
//! It does as little as possible, so that the other core is the server's: each connection sends its next request when
//! the answer to the last has come in whole.

use crate::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// More than any answer here has.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What a load did.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// From the first request to the last answer.
    pub wall: Duration,
    /// Median time of an answer.
    pub p50: Duration,
    /// The time within which 99 of 100 answers came.
    pub p99: Duration,
}

/// A POST request as the official server SDKs send it.
pub fn request(address: SocketAddr, path: &str, project_id: &str, secret: &str, body: &str) -> Vec<u8> {
    let credentials = STANDARD.encode(format!("{project_id}:{secret}"));
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Basic {credentials}\r\n\
         content-type: application/json\r\nuser-agent: Stytch Node v12.0.0\r\naccept: */*\r\n\
         accept-encoding: gzip, deflate\r\nconnection: keep-alive\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends `count` requests, going round the given ones, over this many connections. Every answer must have status 200.
pub fn run(
    address: SocketAddr,
    requests: &Rc<Vec<Vec<u8>>>,
    count: usize,
    connections: usize,
) -> Result<Load, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let taken = Rc::new(Cell::new(0));
    let micros = Rc::new(RefCell::new(Vec::with_capacity(count)));
    let wall = LocalSet::new().block_on(&runtime, async {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            open.push(Connection::open(address).await?);
        }
        let started = Instant::now();
        let loops: Vec<_> = open
            .into_iter()
            .map(|connection| {
                let (requests, taken, micros) = (requests.clone(), taken.clone(), micros.clone());
                tokio::task::spawn_local(connection.send(requests, taken, micros, count))
            })
            .collect();
        for running in loops {
            running.await??;
        }
        Ok::<_, Failure>(started.elapsed())
    })?;
    let mut micros = micros.take();
    micros.sort_unstable();
    let at = |hundredths: usize| Duration::from_micros(micros[(micros.len() - 1) * hundredths / 100]);
    Ok(Load { wall, p50: at(50), p99: at(99) })
}

/// Sends one request and gives the body of its answer.
pub fn once(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let body = connection.exchange(request).await?;
        Ok(connection.buffer[body].to_vec())
    })
}

struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: vec![0; ANSWER_BYTES_MAX].into() })
    }

    async fn send(
        mut self,
        requests: Rc<Vec<Vec<u8>>>,
        taken: Rc<Cell<usize>>,
        micros: Rc<RefCell<Vec<u64>>>,
        count: usize,
    ) -> Result<(), Failure> {
        loop {
            let next = taken.get();
            if next == count {
                return Ok(());
            }
            taken.set(next + 1);
            let started = Instant::now();
            self.exchange(&requests[next % requests.len()]).await?;
            micros.borrow_mut().push(u64::try_from(started.elapsed().as_micros())?);
        }
    }

    /// Sends a request and reads the whole answer; gives where its body lies in the buffer.
    async fn exchange(&mut self, request: &[u8]) -> Result<std::ops::Range<usize>, Failure> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the server closed a connection in the middle of an answer".into());
            }
            filled += read;
            let received = &self.buffer[..filled];
            let Some(end_of_head) = find(received, b"\r\n\r\n") else { continue };
            let (head, body) = received.split_at(end_of_head + 4);
            if body.len() < content_length(head)? {
                continue;
            }
            if !head.starts_with(b"HTTP/1.1 200 ") {
                return Err(format!("not a success: {}", String::from_utf8_lossy(received)).into());
            }
            return Ok(end_of_head + 4..filled);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn content_length(head: &[u8]) -> Result<usize, Failure> {
    const NAME: &[u8] = b"content-length: ";
    let start = find(head, NAME).ok_or("an answer without content-length")? + NAME.len();
    let digits = head[start..].iter().take_while(|byte| byte.is_ascii_digit());
    Ok(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}
