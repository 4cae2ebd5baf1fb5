//! What all requests share.

use crate::breach::BreachCorpus;
use crate::clock::Clock;
use crate::config::Cidr;
use crate::fetch::Fetch;
use crate::hashing::{HashingOptions, HashingPool};
use crate::http::request_ids::RequestIds;
use crate::ops::limits::leases::Leases;
use crate::ops::m2m::M2m;
use crate::ops::sessions::activity::Activity;
use crate::ops::sessions::cache::SessionCache;
use crate::ops::trusted_keys::KeySets;
use crate::project::Projects;
use crate::telemetry::Metrics;
use ostiary_core::error::Error;
use ostiary_proto::random::RandomSource;
use ostiary_proto::seal::MasterKey;
use ostiary_store::seam::Store;
use std::sync::{Arc, Once};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, broadcast, watch};

/// What the configuration decides for requests.
#[derive(Clone, Debug)]
pub struct Options {
    /// The base URL of links in mails, without a trailing slash. Never taken from a request (spec 06 R-33).
    pub public_url: String,
    /// Whether this is `ostiary dev`: the inbox, the clock and local redirect URLs exist.
    pub is_dev: bool,
    /// Whether mails are shown in the development inbox; not when `ostiary dev` has a mail relay.
    pub delivers_to_inbox: bool,
    /// The most bytes of a request body.
    pub body_bytes_max: usize,
    /// For how long a session token that was just signed may be answered again.
    pub jwt_reuse: Duration,
    /// The address that mails come from.
    pub mail_from: String,
    /// The name that mails come from; the project's name when absent.
    pub mail_from_name: Option<String>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<Cidr>,
    /// How passwords are hashed.
    pub hashing: HashingOptions,
    /// Where breached passwords are looked up; nowhere when absent.
    pub breach_corpus: Option<Arc<dyn BreachCorpus>>,
    /// How documents of other servers are got.
    pub fetch: Arc<dyn Fetch>,
    /// Whether rate limits hold where an environment does not say so itself.
    pub rate_limits: bool,
}

/// The running server.
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Ids, tokens and codes come from here.
    pub random: Arc<dyn RandomSource>,
    /// Names requests.
    pub request_ids: RequestIds,
    /// Seals what must be read back.
    pub master_key: MasterKey,
    /// Keys the hashes of one-time codes.
    pub code_key: [u8; 32],
    /// Keys the hashes under which limits are counted.
    pub limit_key: [u8; 32],
    /// What the configuration decided.
    pub options: Options,
    /// The projects, in memory.
    pub projects: Projects,
    /// Session tokens that were just signed.
    pub session_cache: SessionCache,
    /// The threads that hash passwords.
    pub hashing: HashingPool,
    /// Uses of sessions that are not written yet.
    pub activity: Activity,
    /// What this node has reserved of rate limits.
    pub limits: Leases,
    /// Whether a proxy that is not believed was pointed out.
    pub proxy_warning: Once,
    /// The keys of systems that projects trust.
    pub key_sets: KeySets,
    /// What requests about M2M clients share.
    pub m2m: M2m,
    /// Wakes the job that sends the outbox.
    pub outbox_wake: Notify,
    /// Held by who delivers the outbox, so that whoever comes next finds what was taken before delivered.
    pub outbox_turn: Mutex<()>,
    /// Tells watchers of the development inbox of new messages, as JSON.
    pub inbox_news: broadcast::Sender<String>,
    /// Turns true when the server is asked to stop, so that open streams end.
    pub stopping: watch::Sender<bool>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl App {
    /// Puts the server together; it knows no projects before [`App::refresh_projects`].
    pub fn new(
        store: Store,
        clock: Clock,
        random: Arc<dyn RandomSource>,
        master_key: MasterKey,
        options: Options,
        metrics: Arc<Metrics>,
    ) -> Self {
        let m2m = M2m::new(&master_key);
        App {
            store,
            clock,
            request_ids: RequestIds::new(random.as_ref()),
            random,
            code_key: master_key.derive("one-time codes"),
            limit_key: master_key.derive("rate limits"),
            master_key,
            projects: Projects::new(options.is_dev),
            session_cache: SessionCache::new(options.jwt_reuse),
            hashing: HashingPool::new(options.hashing, metrics.clone()),
            options,
            activity: Activity::default(),
            limits: Leases::default(),
            proxy_warning: Once::new(),
            key_sets: KeySets::default(),
            m2m,
            outbox_wake: Notify::new(),
            outbox_turn: Mutex::new(()),
            inbox_news: broadcast::channel(64).0,
            stopping: watch::channel(false).0,
            metrics,
        }
    }

    /// Reads the projects whose settings, keys or secrets changed.
    pub async fn refresh_projects(&self) -> Result<(), Error> {
        self.projects.refresh(&self.store, &self.master_key).await
    }
}
