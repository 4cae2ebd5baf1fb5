//! `sessions/authenticate` beside the bare servers.

use crate::client::{self, Load};
use crate::data::{DataSet, Database};
use crate::process::{self, Server};
use crate::report::note;
use crate::{Failure, Run};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_proto::jose::SigningKey;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The session check of the server API.
pub const PATH: &str = "/v1/b2b/sessions/authenticate";
/// The answer of Ostiary that the bare servers repeat.
const ANSWER_FILE: &str = "answer.json";
/// Connections of the client.
const CONNECTIONS: usize = 16;
/// For how long an answer is given again; the default of the server.
const REUSE_SECONDS: u32 = 10;
/// How many times fewer requests a case gets that signs for each.
const FEWER_WHEN_SIGNING: usize = 10;
/// Signatures by which the limit is measured in a round.
const SIGNATURES: u32 = 2_000;

/// A case and what its rounds gave.
pub struct Case {
    /// A short name, unique.
    pub key: &'static str,
    /// What it does.
    pub title: &'static str,
    /// The database, if it has one.
    pub engine: &'static str,
    /// CPU time of the server per request in each round, microseconds.
    pub cpu_micros: Vec<f64>,
    /// Requests for each signature in each round, for cases that sign.
    pub requests_per_signature: Vec<f64>,
    /// What the client saw in each round.
    pub loads: Vec<Load>,
    /// Requests in a round.
    pub requests: usize,
}

/// All that was measured.
pub struct Sessions {
    /// The cases.
    pub cases: Vec<Case>,
    /// CPU time of one RS256 signature in each round, microseconds.
    pub signature_micros: Vec<f64>,
    /// Bytes of an answer's body.
    pub answer_bytes: usize,
}

impl Sessions {
    /// The case with this key, if its database was measured.
    pub fn find(&self, key: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.key == key)
    }
}

/// A case that can be run.
struct Target<'a> {
    case: Case,
    server: &'a Server,
    metrics: Option<SocketAddr>,
    requests: Rc<Vec<Vec<u8>>>,
    /// For the case with signed tokens: the data set, to fetch new ones.
    signed_of: Option<&'a DataSet>,
    ended: Instant,
}

/// A server with its metrics.
struct Measured {
    server: Server,
    metrics: SocketAddr,
}

/// The servers of one database.
struct Servers<'a> {
    set: &'a DataSet,
    bare: Server,
    reusing: Measured,
    signing: Measured,
    _copy: Option<Copy>,
}

/// A copy of a data directory that goes away with this value: SQLite has one server only.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // Only disk space is lost when this fails.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Measures all cases.
pub fn run(run: &Run, sqlite: &DataSet, postgres: Option<&DataSet>) -> Result<Sessions, Failure> {
    let sqlite = Servers::start(&run.server, sqlite)?;
    let postgres = postgres.map(|set| Servers::start(&run.server, set)).transpose()?;
    let mut targets = sqlite.targets(run.requests, &SQLITE)?;
    if let Some(postgres) = &postgres {
        targets.extend(postgres.targets(run.requests, &POSTGRES)?);
    }
    let body = fs::read(sqlite.set.database.directory.join(ANSWER_FILE))?;
    let (key, _) = SigningKey::generate("bench").map_err(|error| error.to_string())?;
    let claims = claims_of(&body)?;
    let mut signature_micros = Vec::new();
    for round in 1..=run.rounds {
        note(&format!("round {round} of {}", run.rounds));
        signature_micros.push(sign(&key, &claims)?);
        for target in &mut targets {
            target.run()?;
        }
    }
    let cases = targets.into_iter().map(|target| target.case).collect();
    Ok(Sessions { cases, signature_micros, answer_bytes: body.len() })
}

/// Asks a running server about the sessions by token, again and again.
pub fn load(database: &Database, address: SocketAddr, path: &str, requests: usize) -> Result<(), Failure> {
    let set = DataSet::find(database)?.ok_or("there is no data set; seed first")?;
    let load = client::run(address, &by_token(&set, address, path), requests, CONNECTIONS)?;
    note(&format!("{:.0} requests per second", requests as f64 / load.wall.as_secs_f64()));
    Ok(())
}

struct Keys {
    constant: Option<&'static str>,
    row: &'static str,
    join: &'static str,
    token: &'static str,
    jwt: &'static str,
    signing: &'static str,
}

const SQLITE: Keys = Keys {
    constant: Some("constant"),
    row: "sqlite row",
    join: "sqlite join",
    token: "sqlite token",
    jwt: "sqlite jwt",
    signing: "sqlite signing",
};
const POSTGRES: Keys = Keys {
    constant: None,
    row: "postgres row",
    join: "postgres join",
    token: "postgres token",
    jwt: "postgres jwt",
    signing: "postgres signing",
};

impl<'a> Servers<'a> {
    fn start(program: &Path, set: &'a DataSet) -> Result<Self, Failure> {
        let reusing = Measured::start(program, &set.database, REUSE_SECONDS, "reusing")?;
        let (copy, database) = copy_of(&set.database)?;
        let signing = Measured::start(program, &database, 0, "signing")?;
        let answer = set.database.directory.join(ANSWER_FILE);
        let first = client::once(reusing.server.address, &by_token(set, reusing.server.address, PATH)[0])?;
        crate::write(&answer, &first)?;
        let bare = start_bare(&set.database, &answer)?;
        Ok(Servers { set, bare, reusing, signing, _copy: copy })
    }

    fn targets<'s>(&'s self, requests: usize, keys: &Keys) -> Result<Vec<Target<'s>>, Failure> {
        let set = self.set;
        let case = |key, title, requests| Case {
            key,
            title,
            engine: set.database.name(),
            cpu_micros: Vec::new(),
            requests_per_signature: Vec::new(),
            loads: Vec::new(),
            requests,
        };
        let bare = |key, title, path| Target {
            case: case(key, title, requests),
            server: &self.bare,
            metrics: None,
            requests: by_token(set, self.bare.address, path),
            signed_of: None,
            ended: Instant::now(),
        };
        let measured = |key, title, requests, measured: &'s Measured, signed_of| Target {
            case: case(key, title, requests),
            server: &measured.server,
            metrics: Some(measured.metrics),
            requests: by_token(set, measured.server.address, PATH),
            signed_of,
            ended: Instant::now(),
        };
        let fewer = requests.div_ceil(FEWER_WHEN_SIGNING);
        let mut targets = Vec::new();
        if let Some(key) = keys.constant {
            targets.push(bare(key, "(a) bare server, constant answer", "/constant"));
        }
        targets.push(bare(keys.row, "(b) bare server, session row", "/row"));
        targets.push(bare(keys.join, "(b') bare server, session check's join", "/join"));
        targets.push(measured(keys.token, "authenticate by token", requests, &self.reusing, None));
        targets.push(measured(keys.jwt, "authenticate by JWT", requests, &self.reusing, Some(set)));
        targets.push(measured(keys.signing, "authenticate by token, no reuse", fewer, &self.signing, None));
        for target in &mut targets {
            target.fetch_signed()?;
        }
        Ok(targets)
    }
}

impl Measured {
    fn start(program: &Path, database: &Database, reuse: u32, name: &str) -> Result<Self, Failure> {
        let (address, metrics) = (process::free_address()?, process::free_address()?);
        let mut environment = database.environment(&address.to_string(), reuse);
        environment.insert("OSTIARY_METRICS_LISTEN".to_owned(), metrics.to_string());
        let log = database.directory.join(format!("{name}.log"));
        let server = Server::start(program, &["serve".to_owned()], &environment, address, &log)?;
        Ok(Measured { server, metrics })
    }
}

fn start_bare(database: &Database, answer: &Path) -> Result<Server, Failure> {
    let address = process::free_address()?;
    let mut arguments = vec!["baseline".to_owned()];
    let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    add("directory", database.directory.to_string_lossy().into_owned());
    add("port", address.port().to_string());
    add("answer", answer.to_string_lossy().into_owned());
    if let Some(url) = &database.postgres {
        add("postgres", url.clone());
    }
    let log = database.directory.join("bare.log");
    Server::start(&env::current_exe()?, &arguments, &BTreeMap::new(), address, &log)
}

/// A database of the same content for a second server. On PostgreSQL several share one.
fn copy_of(database: &Database) -> Result<(Option<Copy>, Database), Failure> {
    if database.postgres.is_some() {
        return Ok((None, database.clone()));
    }
    let directory = database.directory.with_extension("copy");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    for entry in fs::read_dir(&database.directory)? {
        let entry = entry?;
        fs::copy(entry.path(), directory.join(entry.file_name()))?;
    }
    Ok((Some(Copy(directory.clone())), Database { directory, postgres: None }))
}

/// The requests that name the first half of the sessions by their opaque tokens. The second half is for signed tokens,
/// so that the two cases do not sign for each other.
fn by_token(set: &DataSet, address: SocketAddr, path: &str) -> Rc<Vec<Vec<u8>>> {
    let (tokens, _) = set.halves();
    Rc::new(tokens.iter().map(|token| request(set, address, path, "session_token", token)).collect())
}

fn request(set: &DataSet, address: SocketAddr, path: &str, field: &str, credential: &str) -> Vec<u8> {
    let body = json!({ field: credential }).to_string();
    client::request(address, path, &set.project_id, &set.secret, &body)
}

impl Target<'_> {
    /// One round.
    fn run(&mut self) -> Result<(), Failure> {
        // Every session is signed anew in each round: what the round before signed is too old by now.
        if self.metrics.is_some() {
            let old = Duration::from_secs(u64::from(REUSE_SECONDS) + 1);
            std::thread::sleep(old.saturating_sub(self.ended.elapsed()));
        }
        let signed = self.signatures()?;
        let before = self.server.cpu()?;
        let load = client::run(self.server.address, &self.requests, self.case.requests, CONNECTIONS)?;
        let cpu = self.server.cpu()?.saturating_sub(before);
        let signed = self.signatures()? - signed;
        self.case.cpu_micros.push(cpu.as_secs_f64() * 1e6 / self.case.requests as f64);
        self.case.loads.push(load);
        if signed > 0.0 {
            self.case.requests_per_signature.push(self.case.requests as f64 / signed);
        }
        self.fetch_signed()?;
        self.ended = Instant::now();
        Ok(())
    }

    /// New signed tokens, which the server has not verified yet, as a session's caller has every few minutes.
    fn fetch_signed(&mut self) -> Result<(), Failure> {
        let Some(set) = self.signed_of else { return Ok(()) };
        let (_, tokens) = set.halves();
        let fetch = |token: &String| {
            let asked = request(set, self.server.address, PATH, "session_token", token);
            let jwt = jwt_of(&client::once(self.server.address, &asked)?)?;
            Ok(request(set, self.server.address, PATH, "session_jwt", &jwt))
        };
        self.requests = Rc::new(tokens.iter().map(fetch).collect::<Result<_, Failure>>()?);
        Ok(())
    }

    fn signatures(&self) -> Result<f64, Failure> {
        let Some(address) = self.metrics else { return Ok(0.0) };
        let page = process::get(address, "/metrics")?;
        let value = page.lines().find_map(|line| line.strip_prefix("ostiary_jwt_signed_total "));
        Ok(value.ok_or("the metrics do not tell how many tokens were signed")?.trim().parse()?)
    }
}

fn jwt_of(answer: &[u8]) -> Result<String, Failure> {
    let answer: Value = serde_json::from_slice(answer)?;
    Ok(answer["session_jwt"].as_str().ok_or("an answer without session_jwt")?.to_owned())
}

/// The claims of the signed token in an answer, as they were signed.
fn claims_of(answer: &[u8]) -> Result<Vec<u8>, Failure> {
    let jwt = jwt_of(answer)?;
    let payload = jwt.split('.').nth(1).ok_or("a malformed session_jwt")?;
    Ok(URL_SAFE_NO_PAD.decode(payload)?)
}

/// CPU time of a signature, microseconds.
fn sign(key: &SigningKey, claims: &[u8]) -> Result<f64, Failure> {
    let before = process::cpu_of_this_thread()?;
    for _ in 0..SIGNATURES {
        std::hint::black_box(key.sign(std::hint::black_box(claims)));
    }
    let cpu = process::cpu_of_this_thread()?.saturating_sub(before);
    Ok(cpu.as_secs_f64() * 1e6 / f64::from(SIGNATURES))
}
