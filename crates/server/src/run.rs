//! Starting and ending the server.
//!
//! The order matters: configuration, database with its migrations, master key check, projects, sockets, jobs. When it
//! ends, listeners drain first, then the jobs stop, then what is only in memory is written, then the database closes.

use crate::app::{App, Options};
use crate::breach::BreachCorpus;
use crate::clock::Clock;
use crate::config::{Config, Durability, MasterKey as ConfiguredKey, Mode, Passwords};
use crate::hashing::HashingOptions;
use crate::http;
use crate::http::dev::CLOCK_OFFSET;
use crate::http::routes::labels;
use crate::jobs;
use crate::jobs::outbox::Deliver;
use crate::listen::{Certificates, Endpoint, Limits, Listener, Shutdown, serve};
use crate::outbound::{BreachFile, BreachRanges, HttpFetch};
use crate::telemetry::Metrics;
use ostiary_core::error::Error;
use ostiary_proto::random::{RandomSource, SystemRandom};
use ostiary_proto::seal::MasterKey;
use ostiary_store::seam::{self, Store, StoreOptions};
use ostiary_store::server_state;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Why the server did not start, as its operator reads it.
#[derive(Debug)]
pub struct StartError(pub String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl StartError {
    fn because(what: &str, error: impl fmt::Display) -> Self {
        StartError(format!("{what}: {error}"))
    }
}

/// The text that proves, when it can be opened, that the master key is the one of this database.
const KEY_CHECK: &str = "master key check";

/// The file of the embedded database in the data directory.
pub const SQLITE_FILE: &str = "ostiary.sqlite";

/// Opens the database and puts the server together, without listening. Commands that work on the data directory use
/// this too.
///
/// # Errors
/// When the data directory, the database or the master key is not usable; the text says what to do.
pub async fn open(config: &Config, public_url: String) -> Result<Arc<App>, StartError> {
    create_data_directory(&config.data)?;
    let store = Store::open(store_options(config))
        .await
        .map_err(|error| StartError::because("the database cannot be opened", error))?;
    let random: Arc<dyn RandomSource> = Arc::new(SystemRandom);
    let master_key = master_key(config)?;
    check_master_key(&store, &master_key, random.as_ref()).await?;
    let is_dev = config.mode == Mode::Dev;
    let clock = if is_dev { Clock::with_offset(stored_offset(&store).await?) } else { Clock::default() };
    let options = Options {
        is_dev,
        delivers_to_inbox: is_dev && config.mail.relay.is_none(),
        body_bytes_max: config.body_bytes_max,
        jwt_reuse: config.jwt_reuse,
        mail_from: config.mail.from.clone().unwrap_or_else(|| default_sender(&public_url)),
        mail_from_name: config.mail.from_name.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        hashing: hashing(&config.passwords),
        breach_corpus: breach_corpus(config)?,
        fetch: Arc::new(HttpFetch::new(config.outbound_allowed_networks.clone())),
        rate_limits: config.rate_limits,
        public_url,
    };
    let app = Arc::new(App::new(store, clock, random, master_key, options, Arc::new(Metrics::new(labels()))));
    app.refresh_projects().await.map_err(|error| explain("the projects cannot be read", &error))?;
    Ok(app)
}

fn hashing(passwords: &Passwords) -> HashingOptions {
    HashingOptions {
        params: passwords.argon2().unwrap_or_default(),
        threads: usize::try_from(passwords.hashing_threads).ok().filter(|threads| *threads > 0),
    }
}

fn breach_corpus(config: &Config) -> Result<Option<Arc<dyn BreachCorpus>>, StartError> {
    let Passwords { breach_file, breach_url, .. } = &config.passwords;
    if let Some(path) = breach_file {
        let file = BreachFile::open(path)
            .map_err(|error| StartError::because("passwords.breach_file cannot be used", error))?;
        return Ok(Some(Arc::new(file)));
    }
    let ranges = |url: &url::Url| {
        Arc::new(BreachRanges::new(url.clone(), config.outbound_allowed_networks.clone()))
            as Arc<dyn BreachCorpus>
    };
    Ok(breach_url.as_ref().map(ranges))
}

fn explain(what: &str, error: &Error) -> StartError {
    StartError::because(what, error.source.as_deref().unwrap_or(error.text()))
}

fn default_sender(public_url: &str) -> String {
    let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    format!("no-reply@{}", host.as_deref().unwrap_or("localhost"))
}

fn create_data_directory(data: &Path) -> Result<(), StartError> {
    let failed =
        |error| StartError::because(&format!("the data directory {} cannot be made", data.display()), error);
    fs::create_dir_all(data).map_err(failed)?;
    restrict(data).map_err(failed)
}

/// The directory holds keys and a whole database, so nobody else reads it.
#[cfg(unix)]
fn restrict(data: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_data: &Path) -> std::io::Result<()> {
    Ok(())
}

fn store_options(config: &Config) -> StoreOptions {
    match &config.database.url {
        Some(url) => StoreOptions::Postgres {
            url: url.expose().to_owned(),
            connections_max: usize::try_from(config.database.connections_max).unwrap_or(usize::MAX),
        },
        None => StoreOptions::Sqlite {
            path: config.data.join(SQLITE_FILE),
            durability: match config.database.durability {
                Durability::Full => seam::Durability::Full,
                Durability::Normal => seam::Durability::Normal,
            },
        },
    }
}

fn master_key(config: &Config) -> Result<MasterKey, StartError> {
    let configured = match &config.master_key {
        Some(key) => key.clone(),
        None => ConfiguredKey::find_or_create(&config.data)
            .map_err(|error| StartError::because("the master key cannot be read or made", error))?,
    };
    Ok(MasterKey::from_bytes(*configured.expose()))
}

async fn check_master_key(
    store: &Store,
    key: &MasterKey,
    random: &dyn RandomSource,
) -> Result<(), StartError> {
    let failed = |error: Error| explain("the master key cannot be checked", &error);
    let known = server_state::find(&store.reader(), KEY_CHECK).await.map_err(|error| failed(error.into()))?;
    match known {
        Some(sealed) if key.open(KEY_CHECK, &from_hex(&sealed)).is_some() => Ok(()),
        Some(_) => Err(StartError(
            "the master key is not the one with which this database was made; start with the original key"
                .into(),
        )),
        None => {
            let sealed = to_hex(&key.seal(KEY_CHECK, b"ostiary", random));
            store
                .write(move |tx| {
                    let sealed = sealed.clone();
                    async move { Ok::<_, Error>(server_state::put(&tx, KEY_CHECK, &sealed).await?) }
                })
                .await
                .map_err(failed)
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

async fn stored_offset(store: &Store) -> Result<i64, StartError> {
    let stored = server_state::find(&store.reader(), CLOCK_OFFSET)
        .await
        .map_err(|error| explain("the clock cannot be read", &error.into()))?;
    Ok(stored.and_then(|offset| offset.parse().ok()).unwrap_or(0))
}

/// The sockets of a server, bound but not served yet.
pub struct Sockets {
    http: Listener,
    https: Option<(Listener, Arc<Certificates>)>,
    metrics: Option<Listener>,
}

impl Sockets {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// When an address is taken or a certificate is not usable.
    pub async fn bind(
        listen: SocketAddr,
        https: Option<(SocketAddr, Arc<Certificates>)>,
        metrics: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        let bind = |name, address| async move {
            Listener::bind(name, address).await.map_err(|error| StartError(error.to_string()))
        };
        let https = match https {
            Some((address, certificates)) => Some((bind("https", address).await?, certificates)),
            None => None,
        };
        let metrics = match metrics {
            Some(address) => Some(bind("metrics", address).await?),
            None => None,
        };
        Ok(Sockets { http: bind("http", listen).await?, https, metrics })
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where HTTPS is served.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(|(listener, _)| listener.address())
    }
}

/// Serves until the shutdown is triggered, then ends in order.
pub async fn run(
    app: Arc<App>,
    config: &Config,
    sockets: Sockets,
    deliver: Arc<dyn Deliver>,
    shutdown: &Shutdown,
) {
    let (stop, stopped) = watch::channel(false);
    let (stopping, triggered) = (app.clone(), shutdown.clone());
    tokio::spawn(async move {
        triggered.triggered().await;
        stopping.stopping.send_replace(true);
    });
    let jobs = jobs::start(&app, deliver, &stopped);
    let router = http::router(app.clone());
    let mut endpoints = vec![Endpoint { listener: sockets.http, tls: None, app: router.clone() }];
    if let Some((listener, certificates)) = sockets.https {
        endpoints.push(Endpoint { listener, tls: Some(certificates), app: router });
    }
    if let Some(listener) = sockets.metrics {
        endpoints.push(Endpoint { listener, tls: None, app: app.metrics.router() });
    }
    let drained = serve(endpoints, Limits::default(), config.ending, shutdown).await;
    if drained.cut > 0 {
        tracing::warn!(
            connections = drained.cut,
            "requests were still running when the time to finish was up"
        );
    }
    // The receivers are the jobs; when they are gone already there is nobody left to tell.
    let _ = stop.send(true);
    for job in jobs {
        if let Err(error) = job.await {
            tracing::error!(%error, "a job ended badly");
        }
    }
    if let Err(error) = app.activity.flush(&app.store).await {
        tracing::warn!(
            source = error.source.as_deref().unwrap_or_default(),
            "session activity was not written"
        );
    }
    if let Err(error) = app.m2m.usage.flush(&app.store).await {
        tracing::warn!(
            source = error.source.as_deref().unwrap_or_default(),
            "the numbers of issued tokens were not written"
        );
    }
    app.store.close().await;
}
