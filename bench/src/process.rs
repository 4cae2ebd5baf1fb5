//! Servers as processes of their own, and what Linux tells of them.

use crate::Failure;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer for the first time.
const START_WAIT: Duration = Duration::from_secs(20);

/// `CLK_TCK` of Linux on every architecture that Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that ends with this value.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a program and waits until `/healthz` answers. What it logs goes into a file.
    pub fn start(
        program: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        address: SocketAddr,
        log: &Path,
    ) -> Result<Server, Failure> {
        let log_file = File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut server = Server { child, address };
        let deadline = Instant::now() + START_WAIT;
        while !is_healthy(address) {
            if server.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{} did not start: {said}", program.display()).into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(server)
    }

    /// CPU time so far, user and system, of all its threads; exact to a hundredth of a second.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        cpu_of(&self.child.id().to_string())
    }

    /// CPU time of the threads that are alive, exact to the nanosecond.
    pub fn cpu_of_threads(&self) -> Result<Duration, Failure> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            nanos += scheduled_nanos(&task?.path().join("schedstat"))?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// A line of `/proc/<pid>/status` that tells kibibytes.
    pub fn kibibytes(&self, line: &str) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let value = status.lines().find_map(|known| known.strip_prefix(line)?.strip_prefix(':'));
        let value = value.and_then(|value| value.trim().strip_suffix("kB")).ok_or("no such line")?;
        Ok(value.trim().parse()?)
    }

    /// Asks it to end and waits until it has.
    pub fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time so far of a process, or of this one (`self`).
pub fn cpu_of(process: &str) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program is in parentheses and may hold anything; fields 14 and 15 of the line are the times.
    let (_, after_name) = stat.rsplit_once(')').ok_or("an odd stat line")?;
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>()?;
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

/// CPU time so far of the calling thread.
pub fn cpu_of_this_thread() -> Result<Duration, Failure> {
    Ok(Duration::from_nanos(scheduled_nanos(Path::new("/proc/thread-self/schedstat"))?))
}

fn scheduled_nanos(schedstat: &Path) -> Result<u64, Failure> {
    let text = fs::read_to_string(schedstat)?;
    Ok(text.split_whitespace().next().ok_or("an empty schedstat")?.parse()?)
}

/// An address on this machine that nobody uses now.
pub fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn is_healthy(address: SocketAddr) -> bool {
    get(address, "/healthz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The whole answer to a GET request.
pub fn get(address: SocketAddr, path: &str) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
