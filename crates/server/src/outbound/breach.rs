//! Looking passwords up among those of known breaches.
//!
//! Over the network only the first five of forty digits of the password's SHA-1 digest are sent; the answer is the list
//! of all digests that begin with them, some of them made up, and the comparison happens here (the range protocol of
//! Have I Been Pwned). Without a network the same list can be a file: the digests in order, one a line.

use super::client::{HttpClient, HttpLimits, HttpRequest, http_client};
use crate::breach::{BreachCorpus, BreachError, LookingUp};
use crate::config::Cidr;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Digits of the digest that are sent.
const PREFIX_DIGITS: usize = 5;
/// Digits of a SHA-1 digest.
const DIGITS: usize = 40;
/// A lookup is on the way of somebody who waits, so it is given up early.
const LIMITS: HttpLimits = HttpLimits {
    connect: Duration::from_secs(2),
    total: Duration::from_secs(3),
    response_bytes_max: 512 * 1024,
};
/// For how long nothing is asked after a failure, so that a service that is down does not slow down everybody.
const PAUSE: Duration = Duration::from_secs(30);
/// The most bytes of a line of the file: a digest, a count, a line end.
const LINE_BYTES_MAX: usize = 64;

fn digits_of(sha1: &[u8; 20]) -> String {
    sha1.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The range protocol over HTTP.
pub struct BreachRanges {
    client: HttpClient,
    base: Url,
    paused_until: Mutex<Option<Instant>>,
}

impl BreachRanges {
    /// `base` is the address to which the five digits are appended: `https://api.pwnedpasswords.com/range/`. `allowed`
    /// are the networks that are reached although they are not public.
    pub fn new(base: Url, allowed: Vec<Cidr>) -> Self {
        BreachRanges { client: http_client(LIMITS, allowed), base, paused_until: Mutex::new(None) }
    }

    async fn look_up(&self, sha1: &[u8; 20]) -> Result<bool, BreachError> {
        let is_paused = self.paused_until.lock().is_some_and(|until| Instant::now() < until);
        if is_paused {
            return Err(BreachError("not asked again so soon after a failure".into()));
        }
        let digits = digits_of(sha1);
        let (prefix, rest) = digits.split_at(PREFIX_DIGITS);
        let found = self.ask(prefix).await.map(|list| list_has(&list, rest));
        *self.paused_until.lock() = found.is_err().then(|| Instant::now() + PAUSE);
        found
    }

    async fn ask(&self, prefix: &str) -> Result<Bytes, BreachError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{prefix}", url.path()));
        let mut headers = HeaderMap::new();
        // The length of the answer shall not say which list it was.
        headers.insert(HeaderName::from_static("add-padding"), HeaderValue::from_static("true"));
        let request = HttpRequest { method: Method::GET, url, headers, body: Bytes::new() };
        let answer = self.client.send(request).await.map_err(|error| BreachError(error.to_string()))?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(BreachError(format!("the answer has status {}", status.as_u16()))),
        }
    }
}

/// Lines of the rest of a digest, a colon and how often it was seen; made-up ones were seen never.
fn list_has(list: &[u8], rest: &str) -> bool {
    list.split(|byte| *byte == b'\n').any(|line| {
        let line = line.trim_ascii();
        let (digits, count) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b"1"[..]),
        };
        digits.eq_ignore_ascii_case(rest.as_bytes()) && count.iter().any(|digit| *digit != b'0')
    })
}

impl BreachCorpus for BreachRanges {
    fn contains<'a>(&'a self, sha1: &'a [u8; 20]) -> LookingUp<'a> {
        Box::pin(self.look_up(sha1))
    }
}

impl fmt::Debug for BreachRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreachRanges").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

/// The whole list in a file. It is searched where it lies, however large it is: 36 short reads in 40 GB.
pub struct BreachFile(Arc<File>);

impl BreachFile {
    /// Opens a file with one digest a line, in ascending order, each alone or with a colon and a count behind it.
    ///
    /// # Errors
    /// When the file cannot be read or its first line is no digest.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let first = line_after(&file, 0)?;
        if !first.is_some_and(|line| line.digits.iter().all(u8::is_ascii_hexdigit)) {
            let reason = "its first line does not begin with the 40 digits of a SHA-1 digest";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        Ok(BreachFile(Arc::new(file)))
    }
}

impl BreachCorpus for BreachFile {
    fn contains<'a>(&'a self, sha1: &'a [u8; 20]) -> LookingUp<'a> {
        let (file, digits) = (self.0.clone(), digits_of(sha1));
        Box::pin(async move {
            let searched = tokio::task::spawn_blocking(move || search(&file, digits.as_bytes())).await;
            match searched {
                Ok(found) => found.map_err(|error| BreachError(error.to_string())),
                Err(error) => Err(BreachError(error.to_string())),
            }
        })
    }
}

impl fmt::Debug for BreachFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BreachFile")
    }
}

/// A line of the file: where it ends, and its digest.
struct Line {
    end: u64,
    digits: [u8; DIGITS],
}

/// Halves the part of the file in which the line must lie. `low` is always the beginning of a line.
fn search(file: &File, wanted: &[u8]) -> io::Result<bool> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The first line that begins after the middle, or at `low`, which begins one.
        let at = if middle == low { low } else { begin_of_line(file, middle)? };
        if at >= high {
            high = middle;
            continue;
        }
        let Some(line) = line_after(file, at)? else {
            high = middle;
            continue;
        };
        match line.digits.to_ascii_uppercase().as_slice().cmp(wanted) {
            std::cmp::Ordering::Equal => return Ok(true),
            std::cmp::Ordering::Less => low = line.end,
            std::cmp::Ordering::Greater if middle == low => return Ok(false),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

/// Where the first line begins whose begin is not before `offset`.
fn begin_of_line(file: &File, offset: u64) -> io::Result<u64> {
    let before = offset.saturating_sub(1);
    let text = read_at(file, before)?;
    let skipped = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    Ok(before + u64::try_from(skipped).unwrap_or(u64::MAX))
}

/// The line that begins at `offset`; none at the end of the file or where no digest stands.
fn line_after(file: &File, offset: u64) -> io::Result<Option<Line>> {
    let text = read_at(file, offset)?;
    let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    let digits = text.get(..DIGITS).and_then(|digits| digits.try_into().ok());
    Ok(digits.map(|digits| Line { end: offset + u64::try_from(end).unwrap_or(u64::MAX), digits }))
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let mut buffer = vec![0; LINE_BYTES_MAX];
    let mut filled = 0;
    while filled < buffer.len() {
        let at = offset + u64::try_from(filled).unwrap_or(u64::MAX);
        match file.read_at(&mut buffer[filled..], at) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

#[cfg(not(unix))]
fn read_at(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(offset))?;
    let mut buffer = Vec::with_capacity(LINE_BYTES_MAX);
    file.take(LINE_BYTES_MAX as u64).read_to_end(&mut buffer)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostiary_proto::hash::sha1;
    use std::io::Write as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Answers every request with this and gives the heads of the requests.
    async fn serve(answer: &'static str) -> (Url, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/range/", listener.local_addr().unwrap());
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let read = socket.read(&mut head).await.unwrap_or(0);
                let _ = sender.send(String::from_utf8_lossy(&head[..read]).into_owned());
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        (url.parse().unwrap(), receiver)
    }

    fn local() -> Vec<Cidr> {
        vec!["127.0.0.0/8".parse().unwrap()]
    }

    // SHA-1 of "password": 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
    const LIST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
        003D68EB55068C33ACE09247EE4C639306B:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n\
        1E4C9B93F3F0682250B6CF8331B7EE68FD9:0";

    #[tokio::test]
    async fn only_five_digits_leave_the_process() {
        let (url, mut requests) = serve(LIST).await;
        let ranges = BreachRanges::new(url, local());
        assert_eq!(ranges.contains(&sha1(b"password")).await, Ok(true));
        let head = requests.recv().await.unwrap();
        assert!(head.starts_with("GET /range/5BAA6 HTTP/1.1\r\n"), "{head}");
        assert!(head.to_lowercase().contains("add-padding: true"), "{head}");
        assert!(!head.contains("1E4C9B"), "{head}");
        assert_eq!(ranges.contains(&sha1(b"something else")).await, Ok(false));
    }

    #[test]
    fn made_up_entries_do_not_count() {
        let list = b"AAA:0\r\nBBB:1\r\nccc:10\r\nDDD";
        for (rest, expected) in
            [("AAA", false), ("BBB", true), ("CCC", true), ("DDD", true), ("BB", false), ("", false)]
        {
            assert_eq!(list_has(list, rest), expected, "{rest}");
        }
    }

    #[tokio::test]
    async fn a_service_that_fails_is_left_alone_for_a_while() {
        let (url, mut requests) = serve("HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n").await;
        let ranges = BreachRanges::new(url, local());
        assert!(ranges.contains(&sha1(b"password")).await.is_err());
        assert!(ranges.contains(&sha1(b"password")).await.is_err());
        assert!(requests.recv().await.is_some());
        assert!(requests.try_recv().is_err(), "asked once only");
    }

    fn file_of(
        passwords: impl Iterator<Item = String>,
        line: impl Fn(String) -> String,
    ) -> tempfile::NamedTempFile {
        let mut digests: Vec<String> =
            passwords.map(|password| digits_of(&sha1(password.as_bytes()))).collect();
        digests.sort();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for digest in digests {
            file.write_all(line(digest).as_bytes()).unwrap();
        }
        file
    }

    #[tokio::test]
    async fn every_line_of_a_file_is_found_and_nothing_else() {
        for count in [1, 2, 3, 10, 257] {
            let formats: [fn(String) -> String; 3] = [
                |digest| format!("{digest}:{}\r\n", digest.len() * usize::from(digest.as_bytes()[3])),
                |digest| format!("{}\n", digest.to_lowercase()),
                |digest| format!("{digest}:1\n"),
            ];
            for format in formats {
                let file = file_of((0..count).map(|number| format!("known {number}")), format);
                let corpus = BreachFile::open(file.path()).unwrap();
                for number in 0..count {
                    let digest = sha1(format!("known {number}").as_bytes());
                    assert_eq!(corpus.contains(&digest).await, Ok(true), "{number} of {count}");
                }
                for number in 0..50 {
                    let digest = sha1(format!("unknown {number}").as_bytes());
                    assert_eq!(corpus.contains(&digest).await, Ok(false), "{number} of {count}");
                }
                assert_eq!(corpus.contains(&[0; 20]).await, Ok(false));
                assert_eq!(corpus.contains(&[255; 20]).await, Ok(false));
            }
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        for content in ["", "password\n", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD\n", &"é".repeat(40)] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            assert!(BreachFile::open(file.path()).is_err(), "{content:?}");
        }
        assert!(BreachFile::open(Path::new("no such file")).is_err());
    }
}
