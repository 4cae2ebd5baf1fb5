//! Measures what a request costs Ostiary, beside bare servers of the same stack.
//!
//! The unit is CPU time of the server process per request (user and system, read before and after each round), because
//! wall time on a machine that others use says little. All cases run in alternating rounds of one run; figures are
//! medians over the rounds, ratios are medians of the ratios within each round. `README.md` explains the cases.

mod baseline;
mod client;
mod compare;
mod creation;
mod data;
mod process;
mod report;
mod seed;
mod startup;

use clap::{Args, Parser, Subcommand};
use data::{DataSet, Database};
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What any step of the benchmark may fail with; the text is for the person who started it.
type Failure = Box<dyn Error + Send + Sync>;

/// The variable with the address of a PostgreSQL server, as `scripts/with-postgres.sh` sets it.
const POSTGRES_URL_VARIABLE: &str = "OSTIARY_TEST_POSTGRES_URL";

#[derive(Parser)]
#[command(about = "Measures what a request costs Ostiary, beside bare servers of the same stack")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a directory (SQLite), or a directory and PostgreSQL, with the data set
    Seed(Place),
    /// Run every case and print the table; seeds what is not there yet
    Run(Run),
    /// Ask a running server about sessions, for a look at it with a profiler
    Load {
        #[command(flatten)]
        place: Place,
        /// Where it listens
        #[arg(long)]
        address: SocketAddr,
        /// The path: of the server API, or one of the bare servers'
        #[arg(long, default_value = compare::PATH)]
        path: String,
        /// How many requests
        #[arg(long, default_value_t = 500_000)]
        requests: usize,
    },
    /// Serve the bare servers; `run` starts this by itself
    Baseline {
        #[command(flatten)]
        place: Place,
        /// The port on 127.0.0.1
        #[arg(long)]
        port: u16,
        /// The file with the body to answer
        #[arg(long)]
        answer: PathBuf,
    },
}

/// Where the data lies.
#[derive(Args, Clone)]
struct Place {
    /// The data directory
    #[arg(long)]
    directory: PathBuf,
    /// The PostgreSQL database; SQLite in the data directory when absent
    #[arg(long)]
    postgres: Option<String>,
}

#[derive(Args)]
struct Run {
    /// Where data directories are made
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
    /// The server to measure
    #[arg(long, default_value = "target/release/ostiary")]
    server: PathBuf,
    /// A PostgreSQL database of its own for the benchmark; without one only SQLite is measured
    #[arg(long, env = POSTGRES_URL_VARIABLE)]
    postgres: Option<String>,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of a case in a round
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Where the table is written too
    #[arg(long)]
    results: Option<PathBuf>,
    /// Which parts to run
    #[arg(long, value_delimiter = ',', default_value = "sessions,creation,startup")]
    parts: Vec<String>,
}

impl Place {
    fn database(&self) -> Database {
        Database { directory: self.directory.clone(), postgres: self.postgres.clone() }
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Seed(place) => runtime().and_then(|it| it.block_on(seed::seed(&place.database())).map(drop)),
        Command::Baseline { place, port, answer } => {
            runtime().and_then(|it| it.block_on(baseline::serve(&place.database(), port, &answer)))
        }
        Command::Load { place, address, path, requests } => {
            compare::load(&place.database(), address, &path, requests)
        }
        Command::Run(run) => measure(&run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::note(&format!("ostiary-bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// The same runtime as the server's.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn measure(run: &Run) -> Result<(), Failure> {
    let sqlite = seeded(Database { directory: run.directory.join("sqlite"), postgres: None })?;
    let postgres = match &run.postgres {
        Some(url) => {
            Some(seeded(Database { directory: run.directory.join("postgres"), postgres: Some(url.clone()) })?)
        }
        None => None,
    };
    let mut report = report::Report::default();
    let wants = |part: &str| run.parts.iter().any(|wanted| wanted == part);
    if wants("sessions") {
        report.sessions = Some(compare::run(run, &sqlite, postgres.as_ref())?);
    }
    if wants("creation") {
        for set in std::iter::once(&sqlite).chain(&postgres) {
            report.creation.push(creation::run(run, set)?);
        }
    }
    if wants("startup") {
        report.startup = Some(startup::run(&run.server, &sqlite)?);
    }
    report.publish(run.results.as_deref())
}

fn seeded(database: Database) -> Result<DataSet, Failure> {
    match DataSet::find(&database)? {
        Some(set) => Ok(set),
        None => {
            report::note(&format!("seeding {}", database.name()));
            runtime()?.block_on(seed::seed(&database))
        }
    }
}

/// A file beside the data.
fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, content).map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}
