//! `ostiary dev` and `ostiary serve`.

use super::banner::banner;
use super::output::{self, Failure};
use ostiary_server::clock::Clock;
use ostiary_server::config::{Config, Mode};
use ostiary_server::jobs::deliver::Senders;
use ostiary_server::listen::{Certificates, Shutdown};
use ostiary_server::run::{self, Sockets};
use ostiary_server::{dev as development, devca, telemetry};
use std::path::PathBuf;
use std::sync::Arc;

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime cannot be started: {error}")))
}

/// Runs a server for development.
pub fn dev(config: Config) -> Result<(), Failure> {
    start(config)
}

/// Runs the server in production.
pub fn serve(config: Config) -> Result<(), Failure> {
    start(config)
}

fn start(config: Config) -> Result<(), Failure> {
    telemetry::start_logging(&config.log).map_err(|error| Failure::failed(error.to_string()))?;
    runtime()?.block_on(run_until_stopped(config))
}

async fn run_until_stopped(config: Config) -> Result<(), Failure> {
    let shutdown = Shutdown::new();
    shutdown.trigger_on_signals().map_err(|error| Failure::failed(error.to_string()))?;
    let tls = find_tls(&config)?;
    let https = match (config.tls.listen, &tls) {
        (Some(address), Some(files)) => {
            let certificates = Certificates::load(files.chain.clone(), files.key.clone())
                .map_err(|error| Failure::failed(error.to_string()))?;
            Some((address, certificates))
        }
        _ => None,
    };
    let sockets = Sockets::bind(config.listen, https, config.metrics_listen).await?;
    let app = run::open(&config, config.public_url(sockets.http_address())).await?;
    if config.mode == Mode::Dev {
        let credentials = development::prepare(&app, &config.data)
            .await
            .map_err(|error| Failure::failed(error.source.unwrap_or_else(|| error.kind.text().to_owned())))?;
        let url = sockets.https_address().map(|address| format!("https://localhost:{}", address.port()));
        let authority = tls.as_ref().and_then(|files| files.authority.as_deref());
        output::line(&banner(&credentials, url.as_deref().zip(authority), &config.data))?;
    }
    let senders = Arc::new(Senders::of(&config));
    run::run(app, &config, sockets, senders, &shutdown).await;
    tracing::info!("stopped");
    Ok(())
}

/// The files to serve HTTPS with.
struct TlsFiles {
    chain: PathBuf,
    key: PathBuf,
    /// What clients have to trust; only for certificates that this server made itself.
    authority: Option<PathBuf>,
}

fn find_tls(config: &Config) -> Result<Option<TlsFiles>, Failure> {
    if config.tls.listen.is_none() {
        return Ok(None);
    }
    if let (Some(chain), Some(key)) = (&config.tls.certificate_file, &config.tls.private_key_file) {
        return Ok(Some(TlsFiles { chain: chain.clone(), key: key.clone(), authority: None }));
    }
    let now = Clock::default().now();
    let made = devca::ensure(&config.data, now).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(Some(TlsFiles {
        chain: made.certificate_file,
        key: made.private_key_file,
        authority: Some(made.authority_file),
    }))
}
