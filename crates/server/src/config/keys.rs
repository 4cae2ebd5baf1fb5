//! The one table of everything that can be configured.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use lettre::Address;
use tracing_subscriber::filter::Targets;
use url::Url;

use super::values::{Given, Kind};
use super::{Config, Durability, LogFormat, MasterKey, Mode, SmsTemplate, SmtpRelay};

/// One thing that can be configured.
pub struct Key {
    /// Name in the file, with dots between tables: `database.url`.
    pub path: &'static str,
    /// Flag of the command line, without dashes, for keys one likes to set by hand. Never a secret,
    /// since other processes can read a command line; `--database-url` is for databases without a password.
    pub flag: Option<&'static str>,
    /// What it takes.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub fallback: Fallback,
    /// Whether its value must not be shown. A secret can also be named by the file that holds it.
    pub secret: bool,
    /// What it does, one line of the reference.
    pub help: &'static str,
    /// Checks a value and puts it in its place.
    pub(super) set: fn(&mut Config, &Given<'_>) -> Result<(), String>,
    /// The value in TOML; `None` when it is not set.
    pub(super) show: fn(&Config) -> Option<String>,
}

/// What holds when nobody sets a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    Nothing,
    /// One value for both commands.
    Value(&'static str),
    /// A value for each command.
    ByMode {
        /// Under `ostiary serve`.
        serve: &'static str,
        /// Under `ostiary dev`.
        dev: &'static str,
    },
}

impl Key {
    /// The environment variable: `OSTIARY_DATABASE_URL` for `database.url`.
    pub fn variable(&self) -> String {
        format!("OSTIARY_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The environment variable that names the file a secret is in; `None` for what is no secret.
    pub fn file_variable(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.variable()))
    }

    /// The key of the file that names the file a secret is in; `None` for what is no secret.
    pub fn file_path(&self) -> Option<String> {
        self.secret.then(|| format!("{}_file", self.path))
    }

    /// What holds under a command when nobody sets the key.
    pub fn default_for(&self, mode: Mode) -> Option<&'static str> {
        match (self.fallback, mode) {
            (Fallback::Nothing, _) => None,
            (Fallback::Value(value), _) => Some(value),
            (Fallback::ByMode { serve, .. }, Mode::Serve) => Some(serve),
            (Fallback::ByMode { dev, .. }, Mode::Dev) => Some(dev),
        }
    }
}

/// Everything that can be configured, in the order of the reference.
pub const KEYS: &[Key] = &[
    Key {
        path: "listen",
        flag: Some("listen"),
        kind: Kind::Address,
        fallback: Fallback::Value("127.0.0.1:8080"),
        secret: false,
        help: "Where HTTP is served. Port 0 takes a free port.",
        set: |config, given| put(&mut config.listen, given.address()?),
        show: |config| quoted(Some(config.listen)),
    },
    Key {
        path: "public_url",
        flag: Some("public-url"),
        kind: Kind::Text("an origin such as https://auth.example.com"),
        fallback: Fallback::Nothing,
        secret: false,
        help: "The address people and applications reach the server at. Links in mails are built on it, never on \
               what a request says about its host. Required under `serve`; under `dev` it is made from `listen`.",
        set: |config, given| put(&mut config.public_url, Some(origin(given.text()?)?)),
        show: |config| quoted(config.public_url.as_ref()),
    },
    Key {
        path: "data",
        flag: Some("data"),
        kind: Kind::Path,
        fallback: Fallback::Value("ostiary-data"),
        secret: false,
        help: "Directory of everything the server keeps on this machine: the SQLite database and, under `dev`, \
               its keys and certificates. Made when missing.",
        set: |config, given| put(&mut config.data, given.path()?),
        show: |config| quoted(Some(config.data.display())),
    },
    Key {
        path: "master_key",
        flag: None,
        kind: Kind::Text("32 random bytes in base64 (`openssl rand -base64 32`)"),
        fallback: Fallback::Nothing,
        secret: true,
        help: "Encrypts stored secrets such as signing keys; losing it loses them. Required under `serve`; under \
               `dev` one is made in the data directory.",
        set: |config, given| put(&mut config.master_key, Some(MasterKey::parse(given.text()?)?)),
        show: |config| config.master_key.as_ref().map(|_| String::new()),
    },
    Key {
        path: "database.url",
        flag: Some("database-url"),
        kind: Kind::Text("a PostgreSQL address such as postgres://user:password@host:5432/name"),
        fallback: Fallback::Nothing,
        secret: true,
        help: "PostgreSQL 15 or later, or an engine that speaks its protocol. SQLite in the data directory when \
               not set.",
        set: |config, given| {
            let text = given.text()?;
            if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
                return Err("must start with postgres:// or postgresql://".to_owned());
            }
            put(&mut config.database.url, Some(given.secret()?))
        },
        show: |config| config.database.url.as_ref().map(|_| String::new()),
    },
    Key {
        path: "database.connections_max",
        flag: None,
        kind: Kind::Integer { min: 1, max: 1000, unit: "connections" },
        fallback: Fallback::Value("16"),
        secret: false,
        help: "Most connections to PostgreSQL from this process, or readers of SQLite.",
        set: |config, given| put(&mut config.database.connections_max, given.integer()?),
        show: |config| Some(config.database.connections_max.to_string()),
    },
    Key {
        path: "database.durability",
        flag: None,
        kind: Kind::Choice(&["full", "normal"]),
        fallback: Fallback::Value("full"),
        secret: false,
        help: "`full`: an acknowledged write survives power loss. `normal`: it survives the end of the process; \
               power loss may take the last moments.",
        set: |config, given| {
            put(&mut config.database.durability, given.choice(&[Durability::Full, Durability::Normal])?)
        },
        show: |config| {
            quoted(Some(match config.database.durability {
                Durability::Full => "full",
                Durability::Normal => "normal",
            }))
        },
    },
    Key {
        path: "tls.listen",
        flag: Some("tls-listen"),
        kind: Kind::Address,
        fallback: Fallback::Nothing,
        secret: false,
        help: "Where HTTPS is served by the server itself. Needs the two files below; under `dev` they may be \
               left out and a development authority signs a certificate for localhost.",
        set: |config, given| put(&mut config.tls.listen, Some(given.address()?)),
        show: |config| quoted(config.tls.listen),
    },
    Key {
        path: "tls.certificate_file",
        flag: Some("tls-certificate-file"),
        kind: Kind::Path,
        fallback: Fallback::Nothing,
        secret: false,
        help: "Certificate chain in PEM, leaf first. Read again when it changes, without a restart.",
        set: |config, given| put(&mut config.tls.certificate_file, Some(given.path()?)),
        show: |config| quoted(config.tls.certificate_file.as_ref().map(|path| path.display())),
    },
    Key {
        path: "tls.private_key_file",
        flag: Some("tls-private-key-file"),
        kind: Kind::Path,
        fallback: Fallback::Nothing,
        secret: false,
        help: "Private key of the certificate in PEM (PKCS #8, PKCS #1 or SEC 1).",
        set: |config, given| put(&mut config.tls.private_key_file, Some(given.path()?)),
        show: |config| quoted(config.tls.private_key_file.as_ref().map(|path| path.display())),
    },
    Key {
        path: "trusted_proxies",
        flag: None,
        kind: Kind::Networks,
        fallback: Fallback::Value(""),
        secret: false,
        help: "Proxies in front of the server. `X-Forwarded-For` is believed only from these addresses, and only \
               as far as each hop is one of them.",
        set: |config, given| put(&mut config.trusted_proxies, given.list()?),
        show: |config| array(&config.trusted_proxies),
    },
    Key {
        path: "metrics.listen",
        flag: Some("metrics-listen"),
        kind: Kind::Address,
        fallback: Fallback::Nothing,
        secret: false,
        help: "Where Prometheus metrics are served, under `/metrics`. Off when not set.",
        set: |config, given| put(&mut config.metrics_listen, Some(given.address()?)),
        show: |config| quoted(config.metrics_listen),
    },
    Key {
        path: "log.format",
        flag: Some("log-format"),
        kind: Kind::Choice(&["json", "text"]),
        fallback: Fallback::ByMode { serve: "json", dev: "text" },
        secret: false,
        help: "`json`: one object a line, for collectors. `text`: for people. Logs go to standard error.",
        set: |config, given| put(&mut config.log.format, given.choice(&[LogFormat::Json, LogFormat::Text])?),
        show: |config| {
            quoted(Some(match config.log.format {
                LogFormat::Json => "json",
                LogFormat::Text => "text",
            }))
        },
    },
    Key {
        path: "log.level",
        flag: Some("log-level"),
        kind: Kind::Text(
            "`error`, `warn`, `info`, `debug` or `trace`, also by target: info,ostiary_store=debug",
        ),
        fallback: Fallback::Value("info"),
        secret: false,
        help: "Which log lines are written.",
        set: |config, given| {
            let text = given.text()?;
            config.log.level = level(text)?;
            put(&mut config.log.level_text, text.to_owned())
        },
        show: |config| quoted(Some(&config.log.level_text)),
    },
    Key {
        path: "drain_seconds",
        flag: None,
        kind: Kind::Integer { min: 0, max: 600, unit: "seconds" },
        fallback: Fallback::Value("30"),
        secret: false,
        help: "How long running requests may take to finish once the server has stopped accepting connections.",
        set: |config, given| put(&mut config.ending.drain, Duration::from_secs(given.integer()?.into())),
        show: |config| Some(config.ending.drain.as_secs().to_string()),
    },
    Key {
        path: "drain_notice_seconds",
        flag: None,
        kind: Kind::Integer { min: 0, max: 600, unit: "seconds" },
        fallback: Fallback::ByMode { serve: "5", dev: "0" },
        secret: false,
        help: "How long the server still accepts and answers requests once it is asked to stop, while `/readyz` says \
               503 so that load balancers turn to other servers. Longer than two of their checks; 0 where nobody asks.",
        set: |config, given| put(&mut config.ending.notice, Duration::from_secs(given.integer()?.into())),
        show: |config| Some(config.ending.notice.as_secs().to_string()),
    },
    Key {
        path: "body_bytes_max",
        flag: None,
        kind: Kind::Integer { min: 1024, max: 67_108_864, unit: "bytes" },
        fallback: Fallback::Value("1048576"),
        secret: false,
        help: "Largest request body; larger ones are refused with status 413.",
        set: |config, given| put(&mut config.body_bytes_max, given.integer()? as usize),
        show: |config| Some(config.body_bytes_max.to_string()),
    },
    Key {
        path: "jwt_reuse_seconds",
        flag: None,
        kind: Kind::Integer { min: 0, max: 60, unit: "seconds" },
        fallback: Fallback::Value("10"),
        secret: false,
        help: "How long a signed session JWT is answered again for an unchanged session instead of signing anew; \
               0 signs every time. Revocation shows at once either way.",
        set: |config, given| put(&mut config.jwt_reuse, Duration::from_secs(given.integer()?.into())),
        show: |config| Some(config.jwt_reuse.as_secs().to_string()),
    },
    Key {
        path: "smtp.url",
        flag: None,
        kind: Kind::Text("a relay address such as smtp://user:password@mail.example.com:587"),
        fallback: Fallback::Nothing,
        secret: true,
        help: "Relay that sends mail. `smtps://` is TLS from the first byte (port 465), `smtp://` requires \
               STARTTLS (port 587); `?tls=none` turns protection off and then takes no password. Under `dev` mail \
               goes to the inbox when not set.",
        set: |config, given| put(&mut config.mail.relay, Some(SmtpRelay::parse(given.text()?)?)),
        show: |config| config.mail.relay.as_ref().map(|_| String::new()),
    },
    Key {
        path: "mail.from",
        flag: None,
        kind: Kind::Text("a mail address"),
        fallback: Fallback::Nothing,
        secret: false,
        help: "Sender of all mails. Required with `smtp.url`.",
        set: |config, given| {
            let text = given.text()?.trim();
            let address: Address = text.parse().map_err(|_| format!("{text:?} is not a mail address"))?;
            put(&mut config.mail.from, Some(address.to_string()))
        },
        show: |config| quoted(config.mail.from.as_ref()),
    },
    Key {
        path: "mail.from_name",
        flag: None,
        kind: Kind::Text("a text"),
        fallback: Fallback::Nothing,
        secret: false,
        help: "Name of the sender; the project's name when not set.",
        set: |config, given| {
            let name = given.text()?;
            if name.chars().any(char::is_control) {
                return Err("contains a line break or another control character".to_owned());
            }
            put(&mut config.mail.from_name, Some(name.to_owned()))
        },
        show: |config| quoted(config.mail.from_name.as_ref()),
    },
    Key {
        path: "sms.url",
        flag: None,
        kind: Kind::Text("an address such as https://sms.example.com/messages"),
        fallback: Fallback::Nothing,
        secret: true,
        help: "Provider of text messages: each is one JSON POST to this address, with an `Idempotency-Key` header \
               that stays the same when it is tried again. Plain `http://` is allowed to \
               `outbound.allowed_networks` only.",
        set: |config, given| {
            let url = Url::parse(given.text()?).map_err(|error| format!("is not an address: {error}"))?;
            if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
                return Err("must start with https:// or http://".to_owned());
            }
            if !url.username().is_empty() || url.password().is_some() {
                return Err("holds a user or password; put credentials into `sms.headers`".to_owned());
            }
            put(&mut config.sms_parts.url, Some(url))
        },
        show: |config| config.sms_parts.url.as_ref().map(|_| String::new()),
    },
    Key {
        path: "sms.headers",
        flag: None,
        kind: Kind::Headers,
        fallback: Fallback::Nothing,
        secret: true,
        help: "Headers of that request, for credentials: `Authorization = \"Bearer …\"`.",
        set: |config, given| put(&mut config.sms_parts.headers, Some(headers(given)?)),
        show: |config| config.sms_parts.headers.as_ref().map(|_| String::new()),
    },
    Key {
        path: "sms.body",
        flag: None,
        kind: Kind::Text("a JSON object with {to} and {text} inside its strings"),
        fallback: Fallback::Value(r#"{"to":"{to}","text":"{text}"}"#),
        secret: false,
        help: "Body of that request. `{to}` becomes the phone number (`+12025550162`), `{text}` the message.",
        set: |config, given| put(&mut config.sms_parts.body, Some(SmsTemplate::parse(given.text()?)?)),
        show: |config| quoted(config.sms_parts.body.as_ref()),
    },
    Key {
        path: "passwords.argon2_memory_kib",
        flag: None,
        kind: Kind::Integer { min: 7168, max: 262_144, unit: "KiB" },
        fallback: Fallback::Value("19456"),
        secret: false,
        help: "Memory that hashing a password takes (argon2id). Passwords that were hashed otherwise are hashed anew \
               when they are next used, after a change of this and the two below too.",
        set: |config, given| put(&mut config.passwords.argon2_memory_kib, given.integer()?),
        show: |config| Some(config.passwords.argon2_memory_kib.to_string()),
    },
    Key {
        path: "passwords.argon2_iterations",
        flag: None,
        kind: Kind::Integer { min: 1, max: 512, unit: "passes" },
        fallback: Fallback::Value("2"),
        secret: false,
        help: "Passes over that memory; memory times passes may be at most 4194304 KiB.",
        set: |config, given| put(&mut config.passwords.argon2_iterations, given.integer()?),
        show: |config| Some(config.passwords.argon2_iterations.to_string()),
    },
    Key {
        path: "passwords.argon2_parallelism",
        flag: None,
        kind: Kind::Integer { min: 1, max: 64, unit: "lanes" },
        fallback: Fallback::Value("1"),
        secret: false,
        help: "Lanes of that memory. They are worked on one after the other, so more lanes make a hash no faster.",
        set: |config, given| put(&mut config.passwords.argon2_parallelism, given.integer()?),
        show: |config| Some(config.passwords.argon2_parallelism.to_string()),
    },
    Key {
        path: "passwords.hashing_threads",
        flag: None,
        kind: Kind::Integer { min: 0, max: 256, unit: "threads" },
        fallback: Fallback::Value("0"),
        secret: false,
        help: "Threads that hash passwords, at a lower priority; 0 is one fewer than cores. When they have two seconds \
               of work in front of them, further sign-ins are answered with status 429.",
        set: |config, given| put(&mut config.passwords.hashing_threads, given.integer()?),
        show: |config| Some(config.passwords.hashing_threads.to_string()),
    },
    Key {
        path: "passwords.breach_url",
        flag: None,
        kind: Kind::Text("an address such as https://api.pwnedpasswords.com/range/, or `off`"),
        fallback: Fallback::ByMode { serve: "https://api.pwnedpasswords.com/range/", dev: "off" },
        secret: false,
        help: "Where passwords are looked up among those of known breaches: the first five digits of the SHA-1 digest \
               are appended, and nothing else is sent. When the lookup fails, the password counts as not breached. \
               `off` turns lookups off.",
        set: |config, given| put(&mut config.passwords.breach_url, breach_url(given.text()?)?),
        show: |config| quoted(Some(config.passwords.breach_url.as_ref().map_or("off", Url::as_str))),
    },
    Key {
        path: "passwords.breach_file",
        flag: None,
        kind: Kind::Path,
        fallback: Fallback::Nothing,
        secret: false,
        help: "The same list as a file, for servers without a way to the Internet; then the address above is not used. \
               One SHA-1 digest in hexadecimal digits a line, in ascending order, each alone or followed by a colon \
               and a count, as the downloader of Have I Been Pwned writes it.",
        set: |config, given| put(&mut config.passwords.breach_file, Some(given.path()?)),
        show: |config| quoted(config.passwords.breach_file.as_ref().map(|path| path.display())),
    },
    Key {
        path: "outbound.allowed_networks",
        flag: None,
        kind: Kind::Networks,
        fallback: Fallback::Value(""),
        secret: false,
        help: "Private networks that outgoing HTTP requests may reach. All addresses that are not public are \
               refused otherwise, whatever a name resolves to. The mail relay and the database are not affected.",
        set: |config, given| put(&mut config.outbound_allowed_networks, given.list()?),
        show: |config| array(&config.outbound_allowed_networks),
    },
    Key {
        path: "rate_limits.enabled",
        flag: None,
        kind: Kind::Boolean,
        fallback: Fallback::ByMode { serve: "true", dev: "false" },
        secret: false,
        help: "Whether requests are refused that come too often (`docs/limits.md`). A project environment may decide \
               otherwise with its setting `rate_limits`.",
        set: |config, given| put(&mut config.rate_limits, given.boolean()?),
        show: |config| Some(config.rate_limits.to_string()),
    },
    Key {
        path: "dev.allow_remote",
        flag: Some("allow-remote"),
        kind: Kind::Boolean,
        fallback: Fallback::Value("false"),
        secret: false,
        help: "Lets `dev` listen beyond the loopback interface, where everyone can read its inbox and sign in as \
               anyone. No effect under `serve`.",
        set: |config, given| put(&mut config.allow_remote, given.boolean()?),
        show: |config| Some(config.allow_remote.to_string()),
    },
];

fn put<T>(place: &mut T, value: T) -> Result<(), String> {
    *place = value;
    Ok(())
}

/// A value as a TOML string.
fn quoted(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| toml::Value::String(value.to_string()).to_string())
}

fn array(items: &[impl ToString]) -> Option<String> {
    let items = items.iter().map(|item| toml::Value::String(item.to_string())).collect();
    Some(toml::Value::Array(items).to_string())
}

/// An origin without its trailing slash. A path is refused: cookies and the paths of the SDKs start at the root.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("{text:?} is not an address: {error}"))?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "https" | "http") || !is_bare || !is_anonymous {
        return Err(format!(
            "{text:?} is not an origin such as https://auth.example.com, without path or user"
        ));
    }
    Ok(url.origin().ascii_serialization())
}

/// A level filter. An unknown word alone would be read as the name of a target, which is never meant.
fn level(text: &str) -> Result<Targets, String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let bare_words = text.split(',').map(str::trim).filter(|part| !part.contains('='));
    match bare_words.into_iter().find(|word| !LEVELS.contains(&word.to_ascii_lowercase().as_str())) {
        Some(word) => {
            Err(format!("{word:?} is not a level; levels are error, warn, info, debug, trace and off"))
        }
        None => text.parse().map_err(|error| format!("{text:?} is not a list of levels: {error}")),
    }
}

fn breach_url(text: &str) -> Result<Option<Url>, String> {
    if text == "off" {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("must start with https:// or http://".to_owned());
    }
    if !url.path().ends_with('/') || url.query().is_some() || url.fragment().is_some() {
        return Err("must end with a slash, since five digits are appended to it".to_owned());
    }
    Ok(Some(url))
}

fn headers(given: &Given<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in given.table()? {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is not a header name"))?;
        let mut value: HeaderValue =
            value.parse().map_err(|_| format!("the value of {name} is not one line of visible text"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Whether an address can be reached from this machine only.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
