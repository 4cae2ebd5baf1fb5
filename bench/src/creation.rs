//! Creating sessions: magic links that are used up, 64 at a time, with writes that survive power loss.
//!
//! Measured twice: the operation within this process, and over HTTP. Here the figure is a rate, because what limits it
//! is the wait for the disk as much as the CPU.

use crate::client;
use crate::data::DataSet;
use crate::process::{self, Server};
use crate::report::note;
use crate::seed::context;
use crate::{Failure, Run};
use ostiary_server::ops::login::Credentials;
use ostiary_server::ops::magic_links::{Authenticate, authenticate};
use ostiary_server::run;
use serde_json::json;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

const PATH: &str = "/v1/b2b/magic_links/authenticate";
/// Callers at a time.
const CONCURRENCY: usize = 64;
/// Sessions created in a round.
const SESSIONS: usize = 2_000;
/// Rounds of each kind.
const ROUNDS: usize = 3;

/// What was measured on one database.
pub struct Creation {
    /// The database.
    pub engine: &'static str,
    /// The operation, in this process.
    pub operation: Vec<Rate>,
    /// Over HTTP.
    pub http: Vec<Rate>,
}

/// A round.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Sessions created in a second.
    pub per_second: f64,
    /// CPU time of the process per session, microseconds.
    pub cpu_micros: f64,
}

impl Rate {
    fn new(wall: std::time::Duration, cpu: std::time::Duration) -> Self {
        let sessions = SESSIONS as f64;
        Rate { per_second: sessions / wall.as_secs_f64(), cpu_micros: cpu.as_secs_f64() * 1e6 / sessions }
    }
}

/// Measures one database.
pub fn run(run: &Run, set: &DataSet) -> Result<Creation, Failure> {
    note(&format!("creating sessions on {}", set.database.name()));
    let mut set = DataSet::find(&set.database)?.ok_or("the data set is gone")?;
    let mut creation = Creation { engine: set.database.name(), operation: Vec::new(), http: Vec::new() };
    let runtime = crate::runtime()?;
    for _ in 0..ROUNDS {
        let links = set.take_links(SESSIONS)?;
        creation.operation.push(runtime.block_on(in_process(&set, links))?);
        let links = set.take_links(SESSIONS)?;
        creation.http.push(over_http(run, &set, &links)?);
    }
    Ok(creation)
}

async fn in_process(set: &DataSet, links: Vec<String>) -> Result<Rate, Failure> {
    let app = run::open(&set.database.config()?, crate::data::PUBLIC_URL.to_owned()).await?;
    let (links, taken) = (Arc::new(links), Arc::new(AtomicUsize::new(0)));
    let (cpu, started) = (process::cpu_of("self")?, Instant::now());
    let mut callers = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (app, links, taken) = (app.clone(), links.clone(), taken.clone());
        callers.spawn(async move {
            while let Some(token) = links.get(taken.fetch_add(1, Ordering::Relaxed)) {
                let input = Authenticate {
                    token: token.clone(),
                    pkce_verifier: None,
                    credentials: Credentials::default(),
                };
                let login = authenticate(&context(&app)?, input).await;
                login.map_err(|error| format!("{}: {:?}", error.text(), error.source))?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    let rate = Rate::new(started.elapsed(), process::cpu_of("self")?.saturating_sub(cpu));
    app.store.close().await;
    Ok(rate)
}

fn over_http(run: &Run, set: &DataSet, links: &[String]) -> Result<Rate, Failure> {
    let address = process::free_address()?;
    let environment = set.database.environment(&address.to_string(), 10);
    let log = set.database.directory.join("creation.log");
    let server = Server::start(&run.server, &["serve".to_owned()], &environment, address, &log)?;
    let request = |token: &String| {
        let body = json!({ "magic_links_token": token }).to_string();
        client::request(address, PATH, &set.project_id, &set.secret, &body)
    };
    let requests = Rc::new(links.iter().map(request).collect());
    let before = server.cpu()?;
    let load = client::run(address, &requests, SESSIONS, CONCURRENCY)?;
    let rate = Rate::new(load.wall, server.cpu()?.saturating_sub(before));
    server.stop()?;
    Ok(rate)
}
