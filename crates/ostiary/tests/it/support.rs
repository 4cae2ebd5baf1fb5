//! What the tests share: processes of the command, a plain HTTP client, databases.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ostiary_store::testing::Schema;

const OSTIARY: &str = env!("CARGO_BIN_EXE_ostiary");

/// The longest that anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A directory that is removed in the end.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ostiary-process-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Directory(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// The command, without what the surroundings say about it.
pub fn command() -> Command {
    let mut command = Command::new(OSTIARY);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OSTIARY_")) {
        command.env_remove(name);
    }
    command
}

pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command().args(arguments).envs(environment.iter().copied()).output().expect("the command runs")
}

/// A process that is killed when the test is over.
pub struct Process(pub Child);

impl Process {
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status();
        assert!(status.expect("kill").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `ostiary dev`.
pub struct Dev {
    pub process: Process,
    pub port: u16,
    pub credentials: BTreeMap<String, String>,
}

impl Dev {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let port = free_port();
        let child = command()
            .args(["dev", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut process = Process(child);
        wait_for("an answer of the server", || {
            assert!(process.0.try_wait().expect("a child").is_none(), "the server ended");
            request(port, "GET", "/healthz", None, None).filter(|(status, _)| *status == 200)
        });
        // The contract: the file is there before the first answer.
        let text = std::fs::read_to_string(data.join("credentials.json")).expect("credentials.json");
        let credentials = serde_json::from_str(&text).expect("JSON");
        Dev { process, port, credentials }
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let user = format!("{}:{}", self.credentials["project_id"], self.credentials["secret"]);
        request(self.port, "POST", path, Some(&user), Some(body)).expect("an answer")
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let user = format!("{}:{}", self.credentials["project_id"], self.credentials["secret"]);
        request(self.port, "GET", path, Some(&user), None).expect("an answer")
    }

    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody listens.
    NotConnected,
    /// The connection was made and broke, which a failed test prints.
    Lost(#[allow(dead_code)] String),
}

/// A connection that is used for one request after the other.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(port: u16) -> Result<Self, NoAnswer> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|_| NoAnswer::NotConnected)?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Ok(Connection { reader: BufReader::new(stream) })
    }

    /// One exchange; `more` are headers, each with its line end.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        user: Option<&str>,
        more: &str,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let authorization = user
            .map(|user| format!("Authorization: Basic {}\r\n", base64(user.as_bytes())))
            .unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             {more}{authorization}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.exchange(&head).map_err(|error| NoAnswer::Lost(error.to_string()))
    }

    fn exchange(&mut self, request: &str) -> io::Result<Answer> {
        self.reader.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head)? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("ended after {head:?}")));
            }
        }
        let head = head.to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.reader.read_exact(&mut body)?;
        Ok(Answer {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        })
    }
}

/// One exchange on a connection of its own.
pub fn send(
    port: u16,
    method: &str,
    path: &str,
    user: Option<&str>,
    body: Option<&Value>,
) -> Result<Answer, NoAnswer> {
    Connection::open(port)?.send(method, path, user, "Connection: close\r\n", body)
}

/// [`send`] for tests that ask for status and body only; none when nobody answers.
pub fn request(
    port: u16,
    method: &str,
    path: &str,
    user: Option<&str>,
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    send(port, method, path, user, body).ok().map(|answer| (answer.status, answer.body))
}

pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            (0..4).map(move |index| {
                if index <= chunk.len() {
                    char::from(ALPHABET[usize::try_from(group >> (18 - 6 * index) & 63).expect("six bits")])
                } else {
                    '='
                }
            })
        })
        .collect()
}

/// A key that is no constant, as the server wants it.
pub fn master_key(first: u8) -> String {
    base64(&std::array::from_fn::<u8, 32, _>(|index| first + 7 * u8::try_from(index).unwrap_or(0)))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A throw-away schema on the PostgreSQL server of the tests; none when there is no such server.
pub fn schema() -> Option<Schema> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(Schema::create())
}

/// What the nodes of one installation have in common.
pub struct Installation {
    /// Kept while nodes use it.
    _directory: Directory,
    environment: Vec<(&'static str, String)>,
    pub project_id: String,
    /// Project id and secret, as Basic authorization wants them.
    pub user: String,
}

impl Installation {
    /// A test project in an empty database; on SQLite in the directory when no address is given.
    pub fn new(name: &str, database: Option<&str>, more: &[(&'static str, String)]) -> Self {
        let directory = Directory::new(name);
        let mut environment = vec![
            ("OSTIARY_MASTER_KEY", master_key(11)),
            ("OSTIARY_PUBLIC_URL", "https://auth.example.com".to_owned()),
            ("OSTIARY_DATA", directory.path().to_owned()),
            ("OSTIARY_PASSWORDS_BREACH_URL", "off".to_owned()),
            ("OSTIARY_DRAIN_NOTICE_SECONDS", "1".to_owned()),
        ];
        environment.extend(database.map(|url| ("OSTIARY_DATABASE_URL", url.to_owned())));
        environment.extend(more.iter().cloned());
        let mut this = Installation {
            _directory: directory,
            environment,
            project_id: String::new(),
            user: String::new(),
        };
        let project = this.operate_json(&[
            "project",
            "create",
            "--name",
            "Acme",
            "--kind",
            "test",
            "--redirect-url",
            "https://app.example.com/authenticate",
        ]);
        this.project_id = project["project_id"].as_str().expect("an id").to_owned();
        this.user = format!("{}:{}", this.project_id, project["secret"].as_str().expect("a secret"));
        this
    }

    /// Runs a command on the database.
    pub fn operate(&self, arguments: &[&str]) -> Output {
        let environment: Vec<_> = self.environment.iter().map(|(name, value)| (*name, &**value)).collect();
        run(arguments, &environment)
    }

    /// [`Installation::operate`], which must succeed and print JSON.
    pub fn operate_json(&self, arguments: &[&str]) -> Value {
        let output = self.operate(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Starts a node on a free port.
    pub fn start(&self) -> Node {
        self.start_at(free_port())
    }

    /// Starts a node and waits until it is ready.
    pub fn start_at(&self, port: u16) -> Node {
        let child = command()
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--log-level", "warn"])
            .envs(self.environment.iter().map(|(name, value)| (*name, &**value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        let mut process = Process(child);
        wait_for("a node that is ready", || {
            assert!(process.0.try_wait().expect("a child").is_none(), "the node ended");
            request(port, "GET", "/readyz", None, None).filter(|(status, _)| *status == 200)
        });
        Node { process, port, user: self.user.clone() }
    }
}

/// A running `ostiary serve`.
pub struct Node {
    pub process: Process,
    pub port: u16,
    user: String,
}

impl Node {
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.port, "POST", path, Some(&self.user), Some(body)).expect("an answer")
    }

    pub fn get(&self, path: &str) -> Answer {
        send(self.port, "GET", path, Some(&self.user), None).expect("an answer")
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) {
        self.process.signal("-TERM");
        assert!(self.process.0.wait().expect("an end").success(), "SIGTERM ends it cleanly");
    }

    /// An organization, by its slug.
    pub fn create_organization(&self, slug: &str) {
        let body = json!({"organization_name": slug, "organization_slug": slug});
        let answer = self.post("/v1/b2b/organizations", &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
