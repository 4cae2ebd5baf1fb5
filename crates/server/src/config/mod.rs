//! Configuration of `ostiary serve` and `ostiary dev`.
//!
//! A value comes from the first of: a flag, an environment variable, the one TOML file, the default. Every key
//! is one row of [`KEYS`]; reading, `config show` and `docs/configuration.md` are all made from that table, so
//! a key cannot exist without its name, its bounds and its sentence.
//!
//! Whatever is wrong is found at start and named all at once, with the place it was written: an unknown key in
//! the file, an `OSTIARY_*` variable that means nothing, a value out of bounds, a secret file that cannot be
//! read, settings that contradict each other.
//!
//! ```text
//! # ostiary.toml                          OSTIARY_MASTER_KEY_FILE=/run/secrets/master-key ostiary serve
//! public_url = "https://auth.example.com"
//! [database]
//! url_file = "/run/secrets/database-url"  # any secret can be named by the file that holds it
//! ```

mod keys;
mod load;
mod master_key;
mod network;
mod problems;
mod reference;
mod sms_template;
mod smtp_relay;
mod sources;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::listen::Ending;
use http::HeaderMap;
use ostiary_proto::password_hash::Argon2Params;
use tracing_subscriber::filter::Targets;
use url::Url;

pub use self::keys::{Fallback, KEYS, Key};
pub use self::master_key::{MASTER_KEY_BYTES, MasterKey};
pub use self::network::Cidr;
pub use self::problems::{Problem, Problems};
pub use self::reference::reference;
pub use self::sms_template::SmsTemplate;
pub use self::smtp_relay::{SmtpRelay, SmtpSecurity};
pub use self::sources::{CONFIG_FILE_VARIABLE, Sources, TomlFile};
pub use self::values::{Kind, Secret};

/// Which command runs: it decides a few defaults and what is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `ostiary serve`: production; refuses to start without a master key and a public address.
    Serve,
    /// `ostiary dev`: one machine; makes its own keys and stays on the loopback interface unless told.
    Dev,
}

/// How much a committed write must survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// An acknowledged write survives power loss: flushed to the disk before the answer.
    Full,
    /// An acknowledged write survives the end of the process; power loss may take the last moments.
    Normal,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    Json,
    /// For people.
    Text,
}

/// Everything an operator can set, read and checked. Made by [`Config::load`].
#[derive(Clone)]
pub struct Config {
    /// The command this was read for.
    pub mode: Mode,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// HTTPS by the server itself.
    pub tls: Tls,
    /// Metrics listener; off when absent.
    pub metrics_listen: Option<SocketAddr>,
    /// Directory of everything the server keeps on this machine.
    pub data: PathBuf,
    /// Where the data is stored.
    pub database: Database,
    /// Key that encrypts stored secrets. Always present under `serve`; under `dev` it may be absent and is then
    /// made in the data directory ([`MasterKey::find_or_create`]).
    pub master_key: Option<MasterKey>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Log output.
    pub log: Log,
    /// How long clients are still served once the server is asked to stop.
    pub ending: Ending,
    /// Largest request body, bytes.
    pub body_bytes_max: usize,
    /// How long a signed session JWT may be answered again for an unchanged session; zero: never.
    pub jwt_reuse: Duration,
    /// How mail is sent.
    pub mail: Mail,
    /// How text messages are sent; none are when absent.
    pub sms: Option<SmsProvider>,
    /// How passwords are hashed and where breached ones are looked up.
    pub passwords: Passwords,
    /// Non-public networks that outgoing HTTP requests may reach.
    pub outbound_allowed_networks: Vec<Cidr>,
    /// Whether rate limits hold where an environment does not say so itself.
    pub rate_limits: bool,
    /// Whether `dev` may listen beyond the loopback interface.
    pub allow_remote: bool,
    /// Origin (`scheme://host[:port]`) as configured; read it through [`Config::public_url`].
    public_url: Option<String>,
    /// Parts of the SMS provider, put together once all sources are read.
    sms_parts: SmsParts,
    /// Where each value that is not a default was written.
    origins: BTreeMap<&'static str, String>,
}

/// HTTPS by the server itself.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Where HTTPS is served; off when absent.
    pub listen: Option<SocketAddr>,
    /// Certificate chain, PEM. Present under `serve` when `listen` is; under `dev` its absence asks for the
    /// development authority ([`crate::devca`]).
    pub certificate_file: Option<PathBuf>,
    /// Private key of the certificate, PEM; present exactly when `certificate_file` is.
    pub private_key_file: Option<PathBuf>,
}

/// Where the data is stored.
#[derive(Clone, Debug)]
pub struct Database {
    /// PostgreSQL address; SQLite in the data directory when absent.
    pub url: Option<Secret>,
    /// Most connections to PostgreSQL, or readers of SQLite.
    pub connections_max: u32,
    /// What a committed write survives.
    pub durability: Durability,
}

/// Log output.
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// Which lines are written.
    pub level: Targets,
    /// The level as the operator wrote it.
    level_text: String,
}

/// How mail is sent.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Relay; under `dev` mail goes to the inbox when absent.
    pub relay: Option<SmtpRelay>,
    /// Sender address; present when `relay` is.
    pub from: Option<String>,
    /// Sender name; the project's name when absent.
    pub from_name: Option<String>,
}

/// How passwords are hashed and where breached ones are looked up.
#[derive(Clone, Debug, Default)]
pub struct Passwords {
    /// Memory of a hash, KiB.
    pub argon2_memory_kib: u32,
    /// Passes over that memory.
    pub argon2_iterations: u32,
    /// Lanes of that memory.
    pub argon2_parallelism: u32,
    /// Threads that hash; zero: one fewer than cores.
    pub hashing_threads: u32,
    /// Address of the range protocol; off when absent.
    pub breach_url: Option<Url>,
    /// List of breached passwords, used in place of the address.
    pub breach_file: Option<PathBuf>,
}

impl Passwords {
    /// The parameters of new hashes; `None` when together they are out of bounds, which [`Config::load`] refuses.
    pub fn argon2(&self) -> Option<Argon2Params> {
        Argon2Params::new(self.argon2_memory_kib, self.argon2_iterations, self.argon2_parallelism).ok()
    }
}

/// A provider that takes a text message as one JSON POST.
#[derive(Clone)]
pub struct SmsProvider {
    /// Address that is posted to; may hold a token, and so is not printed.
    pub url: Url,
    /// Headers of the request (credentials); their values are marked sensitive.
    pub headers: HeaderMap,
    /// The JSON body.
    pub body: SmsTemplate,
}

/// Shows neither address nor credentials.
impl fmt::Debug for SmsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsProvider").field("body", &self.body).finish_non_exhaustive()
    }
}

#[derive(Clone, Default)]
struct SmsParts {
    url: Option<Url>,
    headers: Option<HeaderMap>,
    body: Option<SmsTemplate>,
}

impl Config {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All that is wrong, not only the first.
    pub fn load(sources: &Sources) -> Result<Config, Problems> {
        load::load(sources)
    }

    /// The origin that links in mails and redirects are built on, without a trailing slash:
    /// `https://auth.example.com`. `bound` is where HTTP is really served, used only under `dev` when nothing
    /// is configured. Request headers never decide it (R-33).
    pub fn public_url(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None => {
                let is_this_machine = bound.ip().is_loopback() || bound.ip().is_unspecified();
                let host = match bound.ip() {
                    _ if is_this_machine => "localhost".to_owned(),
                    IpAddr::V4(ip) => ip.to_string(),
                    IpAddr::V6(ip) => format!("[{ip}]"),
                };
                format!("http://{host}:{}", bound.port())
            }
        }
    }

    /// State before any source is read; every key with a default gets it from the table.
    fn unset(mode: Mode) -> Config {
        let nowhere = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
        Config {
            mode,
            listen: nowhere,
            tls: Tls::default(),
            metrics_listen: None,
            data: PathBuf::new(),
            database: Database { url: None, connections_max: 1, durability: Durability::Full },
            master_key: None,
            trusted_proxies: Vec::new(),
            log: Log { format: LogFormat::Text, level: Targets::new(), level_text: String::new() },
            ending: Ending::default(),
            body_bytes_max: 0,
            jwt_reuse: Duration::ZERO,
            mail: Mail::default(),
            sms: None,
            passwords: Passwords::default(),
            outbound_allowed_networks: Vec::new(),
            rate_limits: false,
            allow_remote: false,
            public_url: None,
            sms_parts: SmsParts::default(),
            origins: BTreeMap::new(),
        }
    }
}

/// What `config show` prints: every key in table order, secrets as `***`, and where each value was written.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in KEYS {
            let origin = self.origins.get(key.path).map_or("default", String::as_str);
            match (key.show)(self) {
                None => writeln!(f, "# {} is not set", key.path)?,
                Some(_) if key.secret => writeln!(f, "{} = \"***\"  # {origin}", key.path)?,
                Some(value) => writeln!(f, "{} = {value}  # {origin}", key.path)?,
            }
        }
        Ok(())
    }
}

/// The same as [`fmt::Display`], so that no way of printing a configuration shows a secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
