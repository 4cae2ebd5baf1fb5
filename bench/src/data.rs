//! What was seeded, and how a server is pointed at it.

use crate::Failure;
use ostiary_server::config::{Config, Mode, Sources};
use ostiary_server::run::SQLITE_FILE;
use ostiary_store::seam::{Durability, StoreOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The file in the data directory that tells what was seeded.
const DATA_SET_FILE: &str = "bench.json";

/// The public address that the servers are told; nothing resolves it.
pub const PUBLIC_URL: &str = "https://auth.example.com";

/// Of the benchmark's databases only; it protects nothing.
const MASTER_KEY: &str = "b3N0aWFyeS1iZW5jaC1vc3RpYXJ5LWJlbmNoLW9zdGk=";

/// Where the data lies.
#[derive(Clone, Debug)]
pub struct Database {
    /// The data directory.
    pub directory: PathBuf,
    /// The PostgreSQL database; SQLite in the directory when absent.
    pub postgres: Option<String>,
}

impl Database {
    /// How the report calls it.
    pub fn name(&self) -> &'static str {
        if self.postgres.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// How a store opens it, as durable as by default.
    pub fn store_options(&self) -> StoreOptions {
        match &self.postgres {
            Some(url) => StoreOptions::Postgres { url: url.clone(), connections_max: 16 },
            None => {
                StoreOptions::Sqlite { path: self.directory.join(SQLITE_FILE), durability: Durability::Full }
            }
        }
    }

    /// The environment of a server that works on it: everything else is as by default.
    pub fn environment(&self, listen: &str, reuse_seconds: u32) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: &str| variables.insert(format!("OSTIARY_{name}"), value.to_owned());
        set("LISTEN", listen);
        set("PUBLIC_URL", PUBLIC_URL);
        set("DATA", &self.directory.to_string_lossy());
        set("MASTER_KEY", MASTER_KEY);
        set("JWT_REUSE_SECONDS", &reuse_seconds.to_string());
        if let Some(url) = &self.postgres {
            set("DATABASE_URL", url);
        }
        variables
    }

    /// The configuration of such a server within this process.
    pub fn config(&self) -> Result<Config, Failure> {
        let sources = Sources {
            mode: Mode::Serve,
            flags: BTreeMap::new(),
            environment: self.environment("127.0.0.1:0", 10),
            file: None,
            read_secret: |path| fs::read_to_string(path),
        };
        Ok(Config::load(&sources).map_err(|problems| problems.to_string())?)
    }
}

/// What was seeded.
#[derive(Debug, Serialize, Deserialize)]
pub struct DataSet {
    /// Where it lies.
    #[serde(skip, default = "Database::nowhere")]
    pub database: Database,
    /// The project.
    pub project_id: String,
    /// Its secret.
    pub secret: String,
    /// The number of its environment.
    pub env: i64,
    /// Tokens of the sessions that are asked for.
    pub session_tokens: Vec<String>,
    /// Tokens of magic links, each of another member.
    pub link_tokens: Vec<String>,
    /// How many links were used up by earlier runs.
    pub links_used: usize,
}

impl Database {
    fn nowhere() -> Self {
        Database { directory: PathBuf::new(), postgres: None }
    }
}

impl DataSet {
    /// The data set of this place, if it was seeded before.
    pub fn find(database: &Database) -> Result<Option<DataSet>, Failure> {
        let path = database.directory.join(DATA_SET_FILE);
        let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
        let set: DataSet = serde_json::from_str(&text)?;
        Ok(Some(DataSet { database: database.clone(), ..set }))
    }

    /// Writes down what was seeded.
    pub fn save(&self) -> Result<(), Failure> {
        crate::write(&self.database.directory.join(DATA_SET_FILE), serde_json::to_string(self)?.as_bytes())
    }

    /// The sessions' tokens in two halves.
    pub fn halves(&self) -> (&[String], &[String]) {
        self.session_tokens.split_at(self.session_tokens.len() / 2)
    }

    /// Tokens of links that no run has used yet.
    pub fn take_links(&mut self, count: usize) -> Result<Vec<String>, Failure> {
        let from = self.links_used;
        let taken =
            self.link_tokens.get(from..from + count).ok_or("no unused links are left: seed anew")?.to_vec();
        self.links_used += count;
        self.save()?;
        Ok(taken)
    }
}
